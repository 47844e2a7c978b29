"""What a target means: alarms for triggers and conditions, supplies and commands for actions."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import voluptuous as vol

from homeassistant.auth.models import User
from homeassistant.const import ENTITY_MATCH_ALL
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import (
    area_registry as ar,
    config_validation as cv,
    device_registry as dr,
    entity_registry as er,
)
from homeassistant.helpers.group import expand_entity_ids
from homeassistant.helpers.target import (
    SelectedEntities,
    TargetSelection,
    async_extract_referenced_entity_ids,
)
from homeassistant.setup import async_setup_component

from .catalogue import HAZARDS
from .const import DOMAIN, LOGGER, RENAMED_HAZARDS, Severity
from .core.alarm import Alarm
from .core.device import SafetyDevice
from .core.house import DATA_HOUSE, House
from .core.ports import Port
from .gateways.base import Gateway

ATTR_HAZARD = "hazard"
ATTR_SEVERITY = "severity"


def _current_name(hazard: object) -> object:
    """Return what a hazard is called today: automations outlive a name."""
    return RENAMED_HAZARDS.get(hazard, hazard) if isinstance(hazard, str) else hazard


#: Options that narrow alarms down; none, or an empty list, means all.
HAZARD_FIELD = {
    vol.Optional(ATTR_HAZARD): vol.All(
        cv.ensure_list, [vol.All(_current_name, vol.In(list(HAZARDS)))]
    )
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
        target: Mapping[str, Any] | None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        """Initialize with a validated target and options."""
        self._hass = hass
        self._selection = TargetSelection(dict(target or {}))
        self._exclude = _exclude(self._selection)
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
        area = areas.async_get_area(area_id) if area_id else None
        return area is not None and (
            area.id in selection.area_ids
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


def _exclude(selection: TargetSelection) -> TargetSelection | None:
    """Return what a target leaves out: possible since Home Assistant 2026.11."""
    exclude: TargetSelection | None = getattr(selection, "exclude", None)
    return exclude


@dataclass(frozen=True, slots=True)
class Found:
    """Something to act on; `key` is the supply or command, `entity_id` stands for it.

    It is in the area of its entity, or else of its device.
    """

    gateway: Gateway
    device: SafetyDevice
    key: str
    entity_id: str | None
    area_id: str | None


@callback
def find_devices(
    hass: HomeAssistant, target: Mapping[str, Any]
) -> list[tuple[Gateway, SafetyDevice]]:
    """Return the loaded devices of a target, gateways among them."""
    selection = TargetSelection(dict(target))
    is_all = ENTITY_MATCH_ALL in selection.entity_ids
    return list(_devices(hass, _resolve(hass, selection), is_all))


@callback
def find_by_entity(
    hass: HomeAssistant,
    target: Mapping[str, Any],
    domain: str,
    keys: Callable[[SafetyDevice], Iterable[str]],
) -> list[Found]:
    """Return what of a target can be acted on; `keys` tells what a device has.

    A socket in an area of its own belongs there and not where its pile is. Hidden and
    disabled entities, which a target passes over, follow their device: what is not on
    a dashboard burns as well.
    """
    registry = er.async_get(hass)
    selection = TargetSelection(dict(target))
    exclude = _exclude(selection)
    is_all = ENTITY_MATCH_ALL in selection.entity_ids
    selected = _resolve(hass, selection)
    left_out = _resolve(hass, exclude) if exclude else SelectedEntities()
    named = selected.referenced | selected.indirectly_referenced
    left_out_entities = left_out.referenced | left_out.indirectly_referenced

    def is_meant(device: SafetyDevice, entry: er.RegistryEntry | None) -> bool:
        follows = entry is None or entry.hidden_by is not None or entry.disabled
        if entry and entry.entity_id in named:
            return True
        if (entry and entry.entity_id in left_out_entities) or (
            follows and device.device_id in left_out.referenced_devices
        ):
            return False
        return is_all or (follows and device.device_id in selected.referenced_devices)

    found: list[Found] = []
    for gateway, device in _devices(hass, selected, is_all):
        for key in keys(device):
            entity_id = registry.async_get_entity_id(
                domain, DOMAIN, f"{device.uid}/{key}"
            )
            entry = registry.async_get(entity_id) if entity_id else None
            if is_meant(device, entry):
                area_id = (entry and entry.area_id) or area_of(hass, device)
                found.append(Found(gateway, device, key, entity_id, area_id))
    return found


def may(hass: HomeAssistant, user: User | None, alarm: Alarm, policy: str) -> bool:
    """Return if a user may read or control an alarm: as its device's alarm event."""
    entity_id = er.async_get(hass).async_get_entity_id(
        "event", DOMAIN, f"{alarm.device}/alarm_event"
    )
    return user is None or user.permissions.check_entity(entity_id or "", policy)


def area_of(hass: HomeAssistant, device: SafetyDevice) -> str | None:
    """Return the area of a device, None if it is in none."""
    entry = dr.async_get(hass).async_get(device.device_id or "")
    return entry.area_id if entry else None


def _resolve(hass: HomeAssistant, selection: TargetSelection) -> SelectedEntities:
    """Return the entities and devices of a target; tell in the log what is missing."""
    selected = async_extract_referenced_entity_ids(
        hass, selection, primary_entities_only=False
    )
    registry = er.async_get(hass)
    missing = {
        entity_id
        for entity_id in selected.referenced - {ENTITY_MATCH_ALL}
        if entity_id not in registry.entities and not hass.states.get(entity_id)
    }
    selected.log_missing(missing, LOGGER)
    return selected


def _devices(
    hass: HomeAssistant, selected: SelectedEntities, is_all: bool
) -> Iterable[tuple[Gateway, SafetyDevice]]:
    """Return the loaded devices that a target touches, without a walk over the house."""
    house = hass.data[DATA_HOUSE]
    if is_all:
        return tuple(map(_with_gateway, house.devices()))
    entities, devices = er.async_get(hass), dr.async_get(hass)
    device_ids = {
        entry.device_id
        for entity_id in selected.referenced | selected.indirectly_referenced
        if (entry := entities.async_get(entity_id)) and entry.device_id
    }
    uids = {
        uid
        for device_id in device_ids | selected.referenced_devices
        if (device := devices.async_get(device_id))
        for domain, uid in device.identifiers
        if domain == DOMAIN
    }
    return [
        _with_gateway(found) for uid in sorted(uids) if (found := house.device(uid))
    ]


def _with_gateway(found: tuple[Port, SafetyDevice]) -> tuple[Gateway, SafetyDevice]:
    """Return a device with its gateway, which is what stands behind every port."""
    return cast("Gateway", found[0]), found[1]


async def async_get_house(hass: HomeAssistant) -> House:
    """Return the alarm book and all, also before there is a gateway.

    An automation may be there first. Raises KeyError if it could not be set up; Home
    Assistant has told why.
    """
    if DATA_HOUSE not in hass.data:
        await async_setup_component(hass, DOMAIN, {})
    return hass.data[DATA_HOUSE]
