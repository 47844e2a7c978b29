"""What a target means: alarms for triggers and conditions, supplies and commands for actions."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from operator import itemgetter
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
from .core.device import SafetyDevice, registered
from .core.house import DATA_HOUSE, House
from .core.latches import Supply
from .core.ports import Port
from .gateways.base import Gateway

ATTR_HAZARD = "hazard"
ATTR_SEVERITY = "severity"
#: Key of the entity that stands for all alarms of a device.
ALARM_EVENT = "alarm_event"


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
    for domain, key in (("binary_sensor", alarm.hazard), ("event", ALARM_EVENT)):
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

    It is in the area of its entity, or else of its device. `here` is None while its
    gateway is not loaded: it is there all the same.
    """

    uid: str
    key: str
    name: str
    device_id: str | None
    entity_id: str | None
    area_id: str | None
    here: tuple[Gateway, SafetyDevice] | None

    @property
    def supply(self) -> Supply:
        """Return the supply."""
        return Supply(self.uid, self.key)

    @property
    def device(self) -> SafetyDevice | None:
        """Return the device, None while its gateway is not loaded."""
        return self.here[1] if self.here else None


@callback
def find_devices(
    hass: HomeAssistant, target: Mapping[str, Any]
) -> list[tuple[Gateway, SafetyDevice]]:
    """Return the loaded devices of a target, gateways among them."""
    selection = TargetSelection(dict(target))
    is_all = ENTITY_MATCH_ALL in selection.entity_ids
    house = hass.data[DATA_HOUSE]
    return [
        _with_gateway(found)
        for uid, _device in _devices(hass, _resolve(hass, selection), is_all)
        if (found := house.device(uid))
    ]


@callback
def find_supplies(hass: HomeAssistant, target: Mapping[str, Any]) -> list[Found]:
    """Return the supplies of a target, also those whose gateway is not loaded."""
    return _find(hass, target, "switch", lambda key: key.partition("_")[0] == "supply")


@callback
def find_commands(
    hass: HomeAssistant, target: Mapping[str, Any], command: str
) -> list[Found]:
    """Return what of a target has a command, also where its gateway is not loaded."""
    return _find(hass, target, "button", lambda key: key == command)


@callback
def find_alarm_events(hass: HomeAssistant, target: Mapping[str, Any]) -> list[Found]:
    """Return the alarm events of a target's devices, which stand for all of a device."""
    return _find(hass, target, "event", lambda key: key == ALARM_EVENT)


@callback
def find_supply(hass: HomeAssistant, supply: Supply) -> Found:
    """Return one supply, as far as anything is known of it."""
    registry = er.async_get(hass)
    entity_id = registry.async_get_entity_id("switch", DOMAIN, supply.id)
    return _found(
        hass,
        supply.uid,
        supply.key,
        registered(hass, supply.uid),
        registry.async_get(entity_id) if entity_id else None,
    )


@callback
def find_door(hass: HomeAssistant, uid: str, key: str) -> Found:
    """Return one door or barrier, as far as anything is known of it."""
    registry = er.async_get(hass)
    entity_id = next(
        (
            found
            for domain in ("lock", "cover")
            if (found := registry.async_get_entity_id(domain, DOMAIN, f"{uid}/{key}"))
        ),
        None,
    )
    return _found(
        hass,
        uid,
        key,
        registered(hass, uid),
        registry.async_get(entity_id) if entity_id else None,
    )


def _find(
    hass: HomeAssistant,
    target: Mapping[str, Any],
    domain: str,
    is_meant_key: Callable[[str], bool],
) -> list[Found]:
    """Return what of a target has such a key, with an entity of the domain.

    A socket in an area of its own belongs there and not where its pile is. Hidden and
    disabled entities, which a target passes over, follow their device: what is not on
    a dashboard burns as well. So does what is behind a gateway that is not loaded.
    """
    registry = er.async_get(hass)
    selection = TargetSelection(dict(target))
    exclude = _exclude(selection)
    is_all = ENTITY_MATCH_ALL in selection.entity_ids
    selected = _resolve(hass, selection)
    left_out = _resolve(hass, exclude) if exclude else SelectedEntities()
    named = selected.referenced | selected.indirectly_referenced
    left_out_entities = left_out.referenced | left_out.indirectly_referenced

    def is_meant(device: dr.DeviceEntry, entry: er.RegistryEntry | None) -> bool:
        follows = entry is None or entry.hidden_by is not None or entry.disabled
        if entry and entry.entity_id in named:
            return True
        if (entry and entry.entity_id in left_out_entities) or (
            follows and device.id in left_out.referenced_devices
        ):
            return False
        return is_all or (follows and device.id in selected.referenced_devices)

    found: list[Found] = []
    for uid, device in _devices(hass, selected, is_all):
        for key in filter(is_meant_key, _keys(hass, uid, device, domain)):
            entity_id = registry.async_get_entity_id(domain, DOMAIN, f"{uid}/{key}")
            entry = registry.async_get(entity_id) if entity_id else None
            if is_meant(device, entry):
                found.append(_found(hass, uid, key, device, entry))
    return found


def _keys(
    hass: HomeAssistant, uid: str, device: dr.DeviceEntry, domain: str
) -> Iterable[str]:
    """Return the readings and commands of a device, loaded or not."""
    house = hass.data[DATA_HOUSE]
    if found := house.device(uid):
        return (*found[1].points, *found[1].commands, ALARM_EVENT)
    description = house.description(uid)
    # Where our own file was lost, the registry still knows.
    return sorted(
        {
            *(description.points | description.commands if description else ()),
            *(
                entry.unique_id.removeprefix(f"{uid}/")
                for entry in er.async_entries_for_device(
                    er.async_get(hass), device.id, include_disabled_entities=True
                )
                if (entry.domain, entry.platform) == (domain, DOMAIN)
            ),
        }
    )


def _found(
    hass: HomeAssistant,
    uid: str,
    key: str,
    device: dr.DeviceEntry | None,
    entry: er.RegistryEntry | None,
) -> Found:
    here = hass.data[DATA_HOUSE].device(uid)
    name = device and (device.name_by_user or device.name)
    return Found(
        uid,
        key,
        here[1].name if here else name or uid.rpartition("/")[2],
        device.id if device else None,
        entry.entity_id if entry else None,
        (entry and entry.area_id) or (device.area_id if device else None),
        _with_gateway(here) if here else None,
    )


def may(hass: HomeAssistant, user: User | None, alarm: Alarm, policy: str) -> bool:
    """Return if a user may read or control an alarm: as its device's alarm event."""
    entity_id = er.async_get(hass).async_get_entity_id(
        "event", DOMAIN, f"{alarm.device}/{ALARM_EVENT}"
    )
    return user is None or user.permissions.check_entity(entity_id or "", policy)


def kind_of(hass: HomeAssistant, alarm: Alarm) -> str | None:
    """Return the kind of an alarm's device, None if it is not known any more.

    Some hazards are of several kinds: a door that is not released is a way out, or an
    elevator's.
    """
    description = hass.data[DATA_HOUSE].description(alarm.device)
    return description.kind if description else None


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
) -> list[tuple[str, dr.DeviceEntry]]:
    """Return what a target touches by unique id, without a walk over the house."""
    entities, devices = er.async_get(hass), dr.async_get(hass)
    if is_all:
        touched = [
            device
            for entry in hass.config_entries.async_entries(DOMAIN)
            for device in dr.async_entries_for_config_entry(devices, entry.entry_id)
        ]
    else:
        device_ids = selected.referenced_devices | {
            entry.device_id
            for entity_id in selected.referenced | selected.indirectly_referenced
            if (entry := entities.async_get(entity_id)) and entry.device_id
        }
        touched = [
            device
            for key in device_ids
            # None of ours is a part of another.
            if isinstance(device := devices.async_get(key), dr.DeviceEntry)
        ]
    return sorted(
        (
            (uid, device)
            for device in touched
            for domain, uid in device.identifiers
            if domain == DOMAIN
        ),
        key=itemgetter(0),
    )


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
