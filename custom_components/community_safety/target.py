"""Which alarms a target and its filters mean: for triggers, conditions and actions."""

from typing import Any

import voluptuous as vol

from homeassistant.const import ENTITY_MATCH_ALL
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import (
    area_registry as ar,
    config_validation as cv,
    device_registry as dr,
    entity_registry as er,
)
from homeassistant.helpers.group import expand_entity_ids
from homeassistant.helpers.target import TargetSelection
from homeassistant.setup import async_setup_component

from .alarms import Alarm
from .catalogue import HAZARDS
from .const import DOMAIN, Severity
from .safety import DATA_SAFETY, Safety

ATTR_HAZARD = "hazard"
ATTR_SEVERITY = "severity"

#: Options that narrow alarms down; none, or an empty list, means all.
HAZARD_FIELD = {
    vol.Optional(ATTR_HAZARD): vol.All(cv.ensure_list, [vol.In(list(HAZARDS))])
}
SEVERITY_FIELD = {
    vol.Optional(ATTR_SEVERITY): vol.All(cv.ensure_list, [vol.Coerce(Severity)])
}


class AlarmFilter:
    """Alarms of a target (the whole house without one), hazards and severities.

    The target is looked up at the time of the alarm, from the alarm's side: devices
    that came later are in it, and the size of the target or the house costs nothing.

    An alarm is in the target if its device is. Of the device's entities, that of a
    hazard stands for the alarms of that hazard, and the alarm event for all.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        target: dict[str, Any] | None,
        options: dict[str, Any] | None = None,
    ) -> None:
        """Initialize with a validated target and options."""
        self._hass = hass
        self._selection = TargetSelection(target or {})
        # Since Home Assistant 2026.11 a target may leave something out.
        self._exclude: TargetSelection | None = getattr(
            self._selection, "exclude", None
        )
        options = options or {}
        self._hazards: frozenset[str] = frozenset(options.get(ATTR_HAZARD, ()))
        self._severities: frozenset[str] = frozenset(options.get(ATTR_SEVERITY, ()))

    @property
    def is_whole_house(self) -> bool:
        """Return if there is no target."""
        return not self._selection.has_any_target

    @callback
    def matches(self, alarm: Alarm) -> bool:
        """Return if an alarm is meant."""
        return (
            (not self._hazards or alarm.hazard in self._hazards)
            and (not self._severities or alarm.severity in self._severities)
            and (
                self.is_whole_house or _covers(self._hass, self._selection, alarm, True)
            )
            and (
                self._exclude is None
                or not _covers(self._hass, self._exclude, alarm, False)
            )
        )


def _covers(
    hass: HomeAssistant, selection: TargetSelection, alarm: Alarm, widely: bool
) -> bool:
    """Return if a selection covers an alarm.

    `widely`: an entity that shows no alarm, such as a battery's, stands for its device
    where a person named it. To leave that entity out must not leave out the alarm.
    """
    if ENTITY_MATCH_ALL in selection.entity_ids:
        return True
    device_id = alarm.device_id
    if device_id in selection.device_ids:
        return True
    device = dr.async_get(hass).async_get(device_id) if device_id else None
    if device is None:
        return False

    areas = ar.async_get(hass)

    def is_in_area(area_id: str | None) -> bool:
        return bool(area_id and (area := areas.async_get_area(area_id))) and (
            area_id in selection.area_ids
            or area.floor_id in selection.floor_ids
            or not selection.label_ids.isdisjoint(area.labels)
        )

    if not selection.label_ids.isdisjoint(device.labels) or is_in_area(device.area_id):
        return True

    registry = er.async_get(hass)
    named = expand_entity_ids(hass, selection.entity_ids)
    for domain, key in (("binary_sensor", alarm.hazard), ("event", "alarm_event")):
        entity_id = registry.async_get_entity_id(
            domain, DOMAIN, f"{alarm.device}/{key}"
        )
        if entity_id and (entry := registry.async_get(entity_id)):
            if (
                entity_id in named
                or not selection.label_ids.isdisjoint(entry.labels)
                or is_in_area(entry.area_id)
            ):
                return True
    return widely and any(
        (entry := registry.async_get(entity_id))
        and entry.device_id == device_id
        and entry.unique_id.rpartition("/")[2] not in HAZARDS
        for entity_id in named
    )


async def async_get_safety(hass: HomeAssistant) -> Safety:
    """Return the alarm book and all, also before there is a gateway.

    An automation may be there first. Raises KeyError if it could not be set up; Home
    Assistant has told why.
    """
    if DATA_SAFETY not in hass.data:
        await async_setup_component(hass, DOMAIN, {})
    return hass.data[DATA_SAFETY]
