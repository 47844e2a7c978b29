"""The Home Assistant app: loud, with buttons, and with a receipt where the phone gives one.

https://companion.home-assistant.io/docs/notifications/critical-notifications
"""

from typing import Any, ClassVar, override

from homeassistant.helpers import device_registry as dr
from homeassistant.util import slugify

from ..const import Answer, Severity
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
    """A phone with the app; the address is its device's id, or the name of its action."""

    # A second one with the same tag replaces the first on the phone.
    idempotent: ClassVar[bool] = True
    receipt_seconds = 20
    concurrency = 128

    @override
    async def async_send(self, message: Message) -> str | None:
        await async_call(
            self.hass,
            "notify",
            self._action(message.to),
            {
                "title": message.title,
                "message": message.text,
                "data": payload(message),
            },
            # The app's own timeout is ten seconds.
            self.timeout + 2,
        )
        return None

    @override
    def gives_receipt(self, message: Message) -> bool:
        """Return if the phone confirms: Android does, iOS has no such thing."""
        device = dr.async_get(self.hass).async_get(message.to)
        return getattr(device, "manufacturer", None) != "Apple"

    def _action(self, to: str) -> str:
        """Return the action of a phone. Raises NotSentError for one that is not there."""
        device = dr.async_get(self.hass).async_get(to)
        if device is None:
            return to.removeprefix("notify.")
        for entry_id in device.config_entries:
            entry = self.hass.config_entries.async_get_entry(entry_id)
            if entry and entry.domain == MOBILE_APP:
                # Named by what the phone calls itself, whatever the user calls the device.
                return f"{MOBILE_APP}_{slugify(entry.data['device_name'])}"
        raise NotSentError("no_phone", 30)


def payload(message: Message) -> dict[str, Any]:
    """Return what makes a notification loud, and what it answers with.

    iOS reads `push`, Android the rest; each leaves the other's alone.
    """
    data: dict[str, Any] = {
        "tag": f"rental_units_{message.alert_id}",
        "group": "rental_units",
        "ttl": 0,
        "priority": "high",
        "confirmation": True,
        "rental_units_delivery": message.delivery_id,
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
        # Rings through silence on Android, and stays until somebody has looked at it.
        data |= {"channel": "alarm_stream", "persistent": True, "sticky": True}
    if message.link:
        data |= {"url": message.link, "clickAction": message.link}
    return data
