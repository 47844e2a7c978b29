"""The Home Assistant app: loud, with buttons, and with a receipt where the phone gives one.

https://companion.home-assistant.io/docs/notifications/critical-notifications
"""

import asyncio
from typing import Any, ClassVar, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.util import slugify

from ..const import TAG_PREFIX, Answer, Severity
from .base import Channel, Message, NotSentError, async_call

MOBILE_APP = "mobile_app"
#: How loud iOS is: critical sounds through silence, time-sensitive through a focus.
_INTERRUPTION = {
    Severity.ALARM: "critical",
    Severity.WARNING: "time-sensitive",
    Severity.FAULT: "active",
    Severity.MESSAGE: "active",
}


class Push(Channel):
    """The phones of a Home Assistant person, one phone by its device's id, or an action."""

    # A second one with the same tag replaces the first on the phone.
    idempotent: ClassVar[bool] = True
    receipt_seconds = 20
    concurrency = 128
    # The app's own timeout is ten seconds.
    send_seconds: ClassVar[float] = 12

    @override
    async def async_send(self, message: Message) -> str | None:
        data = {
            "title": message.title,
            "message": message.text,
            "data": payload(message),
        }
        sent = await asyncio.gather(
            *(
                async_call(self.hass, "notify", action, data, self.timeout)
                for action in self._actions(message.to)
            ),
            return_exceptions=True,
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

    def _actions(self, to: str) -> list[str]:
        """Return the actions that reach an address, none for a phone that is gone."""
        phones = phones_of(self.hass, to)
        if phones or is_person(to) or dr.async_get(self.hass).async_get(to):
            # Named by what the phone calls itself, whatever the user calls the device.
            return [
                f"{MOBILE_APP}_{slugify(entry.data['device_name'])}"
                for phone in phones
                if (entry := _registration(self.hass, phone))
            ]
        return [to.removeprefix("notify.")]


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


def _registration(hass: HomeAssistant, phone: dr.DeviceEntry) -> ConfigEntry | None:
    entry = hass.config_entries.async_get_entry(phone.config_entry_id)
    return entry if entry and entry.domain == MOBILE_APP else None


def payload(message: Message) -> dict[str, Any]:
    """Return what makes a notification loud, and what it answers with.

    iOS reads `push`, Android the rest; each leaves the other's alone. Android shows three
    of the buttons, and a tap opens the page with all four. Its push server passes on the
    fields that it knows only: of ours, the tag and the buttons' actions. By one of them a
    receipt names the delivery.
    """
    data: dict[str, Any] = {
        "tag": TAG_PREFIX
        + (message.alert_id if message.buttons else message.delivery_id),
        "group": "rental_units",
        "ttl": 0,
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
                **({"destructive": True} if answer is Answer.NEED_HELP else {}),
            }
            for action, answer, title in message.buttons
        ],
    }
    if message.is_alarm:
        # Rings through silence on Android, and is not wiped away with the others. Not
        # `sticky` too: nobody could take it away then, not even by an answer.
        data |= {"channel": "alarm_stream", "persistent": True}
    if message.link:
        data |= {"url": message.link, "clickAction": message.link}
    return data
