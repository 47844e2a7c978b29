"""Who somebody is to the properties, told anew as soon as that is another thing."""

from datetime import datetime
from typing import Any

import voluptuous as vol

from homeassistant.auth.models import User
from homeassistant.components import websocket_api
from homeassistant.components.websocket_api import ActiveConnection
from homeassistant.config_entries import (
    SIGNAL_CONFIG_ENTRY_CHANGED,
    ConfigEntry,
    ConfigEntryChange,
    ConfigEntryState,
)
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.event import async_track_time_interval

from ..app.application import SIGNAL_ROLES, Application, applications
from ..app.policy import COMMANDS, permit
from ..const import DOMAIN, Reason
from ..panel import DATA_MODULE
from .feed import BEAT


@websocket_api.websocket_command({vol.Required("type"): f"{DOMAIN}/session"})
@callback
def session(
    hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]
) -> None:
    """Tell the user's roles and rights in each property that knows them. Nothing personal.

    For what a panel offers: what is done is asked for again where it is done.
    """
    connection.send_result(msg["id"], session_of(hass, connection.user))


@websocket_api.websocket_command({vol.Required("type"): f"{DOMAIN}/subscribe_session"})
@callback
def subscribe_session(
    hass: HomeAssistant, connection: ActiveConnection, msg: dict[str, Any]
) -> None:
    """Tell the `session` now and whenever it is another one, and give signs of life."""
    sent: dict[str, Any] | None = None

    @callback
    def tell() -> None:
        nonlocal sent
        if (now := session_of(hass, connection.user)) != sent:
            sent = now
            connection.send_event(msg["id"], {"kind": "session", "session": now})

    @callback
    def entry_changed(_change: ConfigEntryChange, entry: ConfigEntry) -> None:
        if entry.domain == DOMAIN:
            tell()

    @callback
    def beat(_now: datetime) -> None:
        # A role may have ended with the day, or a lease.
        tell()
        connection.send_event(msg["id"], {"kind": "beat"})

    undo = [
        async_track_time_interval(hass, beat, BEAT, cancel_on_shutdown=True),
        async_dispatcher_connect(hass, SIGNAL_CONFIG_ENTRY_CHANGED, entry_changed),
        async_dispatcher_connect(hass, SIGNAL_ROLES, tell),
    ]

    @callback
    def stop() -> None:
        for end in undo:
            end()

    connection.subscriptions[msg["id"]] = stop
    connection.send_result(msg["id"])
    tell()


@callback
def session_of(hass: HomeAssistant, user: User) -> dict[str, Any]:
    """Return what a user is to the properties that are loaded."""
    entries = hass.config_entries.async_entries(
        DOMAIN, include_ignore=False, include_disabled=False
    )
    known = applications(hass)
    rows = [property_of(row, user) for row in known]
    return {
        "user": {"id": user.id, "name": user.name},
        "properties": [row for row in rows if row["roles"]],
        # Roles in a property that cannot be asked now are not known, nor are calls for
        # help of before a start without its database.
        "all_loaded": all(row.state is ConfigEntryState.LOADED for row in entries)
        and all(row.knows(user) and row.register.blind is None for row in known),
        "reasons": [str(row) for row in Reason],
        # The pages of the register; null where they are not built.
        "module": hass.data.get(DATA_MODULE),
    }


@callback
def property_of(application: Application, user: User) -> dict[str, Any]:
    """Return what a user is to a property."""
    held = application.roles(user)
    rights: dict[str, list[str] | None] = {}
    for_a_reason = []
    for name in COMMANDS:
        if found := permit(held, name, Reason.ALARM):
            rights[name] = None if found.units is None else sorted(found.units)
            if permit(held, name) is None:
                for_a_reason.append(name)
    return {
        "entry_id": application.register.entry.entry_id,
        "title": application.register.entry.title,
        "roles": [str(row.role) for row in held],
        # By command: the units in which it is allowed, null for all.
        "rights": rights,
        "for_a_reason": for_a_reason,
    }
