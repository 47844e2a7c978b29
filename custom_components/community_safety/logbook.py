"""Sentences of the logbook: what happened to an alarm, at which device."""

from collections.abc import Callable
from typing import Any

from homeassistant.components.logbook import (
    LOGBOOK_ENTRY_ICON,
    LOGBOOK_ENTRY_MESSAGE,
    LOGBOOK_ENTRY_NAME,
)
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import area_registry as ar

from .const import DOMAIN, EVENT_ALARM
from .core.alarm import Change
from .localization import async_sentence

_ICONS = {
    Change.RAISED: "mdi:bell-alert",
    Change.ACKNOWLEDGED: "mdi:account-check",
    Change.CLEARED: "mdi:bell-check",
    Change.RETURNED: "mdi:bell-ring",
    Change.CLOSED: "mdi:bell-off",
}


@callback
def async_describe_events(
    hass: HomeAssistant,
    async_describe_event: Callable[[str, str, Callable[[Event], dict[str, Any]]], None],
) -> None:
    """Describe the changes of alarms.

    The logbook finds them for a device by the event's device_id, and shows who did it
    from the event's context.
    """
    areas = ar.async_get(hass)

    @callback
    def describe(event: Event) -> dict[str, Any]:
        data = event.data
        area = areas.async_get_area(data["area_id"] or "")
        return {
            LOGBOOK_ENTRY_NAME: f"{data['device_name']} ({area.name})"
            if area
            else data["device_name"],
            LOGBOOK_ENTRY_MESSAGE: async_sentence(hass, data),
            LOGBOOK_ENTRY_ICON: _ICONS[Change(data["type"])],
        }

    async_describe_event(DOMAIN, EVENT_ALARM, describe)
