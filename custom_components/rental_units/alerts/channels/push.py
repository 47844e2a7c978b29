"""The Home Assistant app: loud, with buttons, and with a receipt where the phone gives one.

https://companion.home-assistant.io/docs/notifications/critical-notifications
"""

import asyncio
from collections.abc import Iterable
from typing import Any, ClassVar, override

from homeassistant.components.mobile_app.const import (
    ATTR_APP_DATA,
    ATTR_APP_ID,
    ATTR_APP_VERSION,
    ATTR_OS_VERSION,
    ATTR_PUSH_TOKEN,
    ATTR_PUSH_URL,
    CONF_USER_ID,
    DATA_NOTIFY,
    DATA_PUSH_CHANNEL,
)
from homeassistant.components.notify import BaseNotificationService
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_WEBHOOK_ID
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.util import slugify

from ..const import TAG_PREFIX, URGENT, VALIDITY, Severity
from .base import (
    HttpChannel,
    Message,
    NotSentError,
    RefusedError,
    async_call,
    async_wait,
)

MOBILE_APP = "mobile_app"
#: How loud iOS is: critical sounds through silence, time-sensitive through a focus.
_INTERRUPTION = {
    Severity.ALARM: "critical",
    Severity.WARNING: "time-sensitive",
    Severity.FAULT: "active",
    Severity.MESSAGE: "active",
}


class Push(HttpChannel):
    """The phones of a Home Assistant person, one phone by its device's id, or an action."""

    # A second one with the same tag replaces the first on the phone.
    idempotent: ClassVar[bool] = True
    receipt_seconds = 20
    concurrency = 128
    # The app's own timeout is ten seconds.
    send_seconds: ClassVar[float] = 12

    @override
    async def async_send(self, message: Message) -> str | None:
        ways = self._ways(message.to)
        sent = await asyncio.gather(
            *(self._async_push(way, message) for way in ways), return_exceptions=True
        )
        errors = [row for row in sent if isinstance(row, BaseException)]
        if len(errors) == len(sent):
            raise errors[0] if errors else NotSentError("no_phone", 30)
        return None

    @override
    def gives_receipt(self, message: Message) -> bool:
        """Return if a phone confirms: Android does, iOS has no such thing."""
        phones = phones_of(self.hass, message.to)
        return not phones or any(row.manufacturer != "Apple" for row in phones)

    def _ways(self, to: str) -> list[ConfigEntry | str]:
        """Return the registrations, or the action, that an address means.

        None for a phone that is gone. Raises RefusedError for a name of several phones.
        """
        phones = phones_of(self.hass, to)
        if phones or is_person(to) or dr.async_get(self.hass).async_get(to):
            return list(registrations(self.hass, phones))
        return [named(self.hass, to)]

    async def _async_push(self, way: ConfigEntry | str, message: Message) -> None:
        fields = {
            "title": message.title,
            "message": message.text,
            "data": payload(message, can_link=is_apple(way)),
        }
        await async_notify(self, way, fields)


async def async_notify(
    channel: HttpChannel,
    way: ConfigEntry | str,
    fields: dict[str, Any],
    places: asyncio.Semaphore | None = None,
) -> None:
    """Write to one registration of the app, or by a notify action. Raises SendError.

    The action that is named after a phone is that of the phone which was registered last
    under this name, and "iPhone" is what they all are called: so not by its action. Nor,
    unless the phone holds a connection, by Home Assistant at all: of what the app's push
    server refuses it writes a line in the log, and says nothing to us.
    https://developers.home-assistant.io/docs/api/native-app-integration/notifications
    """
    hass = channel.hass
    if isinstance(way, str):
        await async_call(hass, "notify", way, fields, channel.timeout, places=places)
        return
    webhook_id, app = way.data[CONF_WEBHOOK_ID], way.data.get(ATTR_APP_DATA) or {}
    known = hass.data.get(MOBILE_APP, {})
    service: BaseNotificationService | None = known.get(DATA_NOTIFY)
    if service and webhook_id in known.get(DATA_PUSH_CHANNEL, ()):
        sending = service.async_send_message(**fields, target=[webhook_id])
        await async_wait(sending, channel.timeout)
        return
    if not app.get(ATTR_PUSH_URL):
        raise NotSentError("no_phone", 30)
    about = {
        key: way.data[key]
        for key in (ATTR_APP_ID, ATTR_APP_VERSION, CONF_WEBHOOK_ID, ATTR_OS_VERSION)
        if key in way.data
    }
    await channel.async_request(
        app[ATTR_PUSH_URL],
        json={
            **fields,
            ATTR_PUSH_TOKEN: app[ATTR_PUSH_TOKEN],
            "registration_info": about,
        },
        wants_json=False,
    )


def named(hass: HomeAssistant, to: str) -> ConfigEntry | str:
    """Return the registration or the action that an address names.

    Raises RefusedError where it is the name of several phones.
    """
    name = to.removeprefix("notify.")
    found = [
        entry
        for entry in hass.config_entries.async_entries(MOBILE_APP)
        if slugify(f"{MOBILE_APP}_{entry.data.get('device_name')}") == name
    ]
    if len(found) > 1:
        # Whose it is nobody can tell: it might ring at a stranger's.
        raise RefusedError("ambiguous_phone")
    return found[0] if found else name


def registrations(
    hass: HomeAssistant, phones: Iterable[dr.DeviceEntry]
) -> list[ConfigEntry]:
    """Return the registrations of phones."""
    return [entry for phone in phones if (entry := _registration(hass, phone))]


def is_person(to: str) -> bool:
    """Return if an address is a person of Home Assistant."""
    return to.startswith("person.")


@callback
def phones_of(hass: HomeAssistant, to: str) -> list[dr.DeviceEntry]:
    """Return the phones with the app behind an address.

    Those of a person follow from the person's device trackers: the app adds its own.
    """
    devices = dr.async_get(hass)
    ids = {to}
    if is_person(to):
        state = hass.states.get(to)
        trackers = state.attributes.get("device_trackers", ()) if state else ()
        rows = (er.async_get(hass).async_get(tracker) for tracker in trackers)
        ids = {row.device_id for row in rows if row and row.device_id}
    found = (devices.async_get(device_id) for device_id in sorted(ids))
    return [
        row
        for row in found
        if isinstance(row, dr.DeviceEntry) and _registration(hass, row)
    ]


@callback
def phones_with(hass: HomeAssistant, user_id: str) -> list[dr.DeviceEntry]:
    """Return the phones on which a user has registered the app."""
    devices = dr.async_get(hass)
    return [
        phone
        for entry in hass.config_entries.async_entries(MOBILE_APP)
        if entry.data.get(CONF_USER_ID) == user_id
        for phone in dr.async_entries_for_config_entry(devices, entry.entry_id)
    ]


@callback
def users_of(hass: HomeAssistant, to: str) -> set[str]:
    """Return the ids of the users whose phones are behind an address."""
    state = hass.states.get(to) if is_person(to) else None
    users = {
        entry.data[CONF_USER_ID] for entry in registrations(hass, phones_of(hass, to))
    }
    if state and (user_id := state.attributes.get("user_id")):
        users.add(user_id)
    return users


def _registration(hass: HomeAssistant, phone: dr.DeviceEntry) -> ConfigEntry | None:
    entry = hass.config_entries.async_get_entry(phone.config_entry_id)
    return entry if entry and entry.domain == MOBILE_APP else None


def is_apple(way: ConfigEntry | str) -> bool:
    """Return if a phone is known to be Apple's, which gives no receipt."""
    return not isinstance(way, str) and way.data.get("manufacturer") == "Apple"


def payload(message: Message, *, can_link: bool = False) -> dict[str, Any]:
    """Return what makes a notification loud, and what it answers with.

    A receipt, which the recorder keeps, holds all that Android was sent: no link, by
    which anybody could answer. A button answers from the phone alone that it was sent to.

    iOS reads `push`, Android the rest; each leaves the other's alone. Android shows three
    of the buttons. Its push server passes on the
    fields that it knows only: of ours, the tag and the buttons' actions. By one of them a
    receipt names the delivery.
    """
    data: dict[str, Any] = {
        "tag": TAG_PREFIX + (message.alert_id if message.buttons else message.receipt),
        "group": "rental_units",
        # A phone that is off gets it when it is on again, while it is news.
        "ttl": int(VALIDITY[message.severity]),
        "priority": "high",
        "confirmation": True,
        "push": {
            "interruption-level": _INTERRUPTION[message.severity],
            "sound": {
                "name": "default",
                "critical": int(message.is_alarm),
                "volume": 1.0,
            },
        },
        "actions": [
            {
                "action": action,
                "title": title,
                **({"destructive": True} if answer in URGENT else {}),
            }
            for action, answer, title in message.buttons
        ],
    }
    if message.is_alarm:
        # Rings through silence on Android, and is not wiped away with the others. Not
        # `sticky` too: nobody could take it away then, not even by an answer.
        data |= {"channel": "alarm_stream", "persistent": True}
    if message.link and can_link:
        data["url"] = message.link
    return data
