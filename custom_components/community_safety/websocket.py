"""What a panel asks: what its user may do, and the incidents, with names for this reader."""

from collections.abc import Mapping
from typing import Any

import voluptuous as vol

from homeassistant.auth.models import User
from homeassistant.auth.permissions.const import POLICY_CONTROL, POLICY_READ
from homeassistant.components import websocket_api
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er

from .const import DOMAIN
from .core.alarms import describe
from .core.house import DATA_HOUSE
from .core.incidents import Incident
from .target import may


@callback
def async_setup_websocket(hass: HomeAssistant) -> None:
    """Register the commands."""
    websocket_api.async_register_command(hass, ws_session)
    websocket_api.async_register_command(hass, ws_incidents)


@websocket_api.websocket_command({vol.Required("type"): f"{DOMAIN}/session"})
@websocket_api.async_response
async def ws_session(
    hass: HomeAssistant,
    connection: websocket_api.ActiveConnection,
    msg: dict[str, Any],
) -> None:
    """Tell in which areas the user may do what; null is everywhere.

    For what a panel offers: what is done is asked for again where it is done.
    """
    user = connection.user
    rights = await hass.data[DATA_HOUSE].authority.async_rights(user)
    areas = _controllable(hass, user)
    connection.send_result(
        msg["id"],
        {
            "rights": {
                action: given
                if areas is None
                else sorted(areas if given is None else areas.intersection(given))
                for action, given in rights.items()
            }
        },
    )


@websocket_api.websocket_command({vol.Required("type"): f"{DOMAIN}/incidents"})
@websocket_api.async_response
async def ws_incidents(
    hass: HomeAssistant,
    connection: websocket_api.ActiveConnection,
    msg: dict[str, Any],
) -> None:
    """Tell the incidents that are not over, the most urgent first, as the user may read."""
    house, user = hass.data[DATA_HOUSE], connection.user
    rows = [
        row
        for incident in house.book.incidents
        if (row := _incident(hass, user, incident))["alarms"]
    ]
    people = {
        item["who"]
        for row in rows
        for alarm in row["alarms"]
        for item in alarm["timeline"]
        if item.get("who")
    }
    names = await house.authority.async_names(people, user)
    connection.send_result(msg["id"], {"incidents": rows, "names": names})


def _incident(hass: HomeAssistant, user: User, incident: Incident) -> dict[str, Any]:
    latches: Mapping[str, Any] = hass.data[DATA_HOUSE].cut_off.latches
    return {
        "incident_id": incident.id,
        "area_id": incident.area_id,
        "drill": incident.drill,
        "rank": incident.rank.name.lower(),
        "present": incident.present,
        "acknowledged": incident.acknowledged,
        "raised_at": incident.raised_at,
        "alarms": [
            {**describe(hass, alarm), "timeline": alarm.timeline}
            for alarm in incident.alarms.values()
            if may(hass, user, alarm, POLICY_READ)
        ],
        # What is off for it, and if that is proven.
        "supplies": {
            supply_id: latch.proven
            for supply_id, latch in latches.items()
            if not incident.alarms.keys().isdisjoint(latch.alarms)
        },
    }


def _controllable(hass: HomeAssistant, user: User) -> set[str] | None:
    """Return the areas in which a user may control something of ours; None is all."""
    if user.permissions.access_all_entities(POLICY_CONTROL):
        return None
    devices = dr.async_get(hass)
    found: set[str] = set()
    for entry in er.async_get(hass).entities.values():
        if entry.platform == DOMAIN and user.permissions.check_entity(
            entry.entity_id, POLICY_CONTROL
        ):
            device = devices.async_get(entry.device_id or "")
            if area_id := entry.area_id or (device.area_id if device else None):
                found.add(area_id)
    return found
