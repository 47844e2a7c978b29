"""What the target of an alert means: units, areas, and the properties they belong to."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.helpers import (
    area_registry as ar,
    device_registry as dr,
    entity_registry as er,
)
from homeassistant.helpers.target import (
    TargetSelection,
    async_extract_referenced_entity_ids,
)

from ..const import DOMAIN
from .engine import Engine

#: Names in a message; of more, only the number would be read.
MOST_NAMES = 5


@dataclass(frozen=True, slots=True)
class Place:
    """Where it happened, within one property."""

    unit_ids: tuple[str, ...]
    area_ids: tuple[str, ...]
    name: str


def places(
    hass: HomeAssistant, data: Mapping[str, Any], engines: Mapping[str, Engine]
) -> list[tuple[Engine, Place]]:
    """Return the properties of a target, with their units in it.

    A place without a unit, such as a charging shed, is every property's: its responders
    must hear of it all the same.
    """
    units, areas = _named(hass, data)
    names = [
        area.name
        for area_id in sorted(areas)
        if (area := ar.async_get(hass).async_get_area(area_id))
    ]
    found = []
    for engine in engines.values():
        own = dict.fromkeys(unit_id for unit_id in units if engine.has_unit(unit_id))
        own |= dict.fromkeys(
            unit_id for area_id in sorted(areas) for unit_id in engine.units_of(area_id)
        )
        if own:
            titles = [engine.unit_name(unit_id) for unit_id in own]
            found.append(
                (
                    engine,
                    Place(tuple(own), tuple(sorted(areas)), _join(names or titles)),
                )
            )
    if not found and areas:
        place = Place((), tuple(sorted(areas)), _join(names))
        found = [(engine, place) for engine in engines.values()]
    return found


def _named(hass: HomeAssistant, data: Mapping[str, Any]) -> tuple[list[str], set[str]]:
    """Return the units and areas that a target names; a device stands for its area."""
    units = list(data.get("unit_id", ()))
    selected = async_extract_referenced_entity_ids(hass, TargetSelection(dict(data)))
    areas = set(selected.referenced_areas)
    devices = dr.async_get(hass)
    entities = er.async_get(hass)
    device_ids = set(selected.referenced_devices)
    for entity_id in selected.referenced:
        if entry := entities.async_get(entity_id):
            if entry.area_id:
                areas.add(entry.area_id)
            elif entry.device_id:
                device_ids.add(entry.device_id)
    for device_id in device_ids:
        if device := devices.async_get(device_id):
            own = [key for domain, key, *_ in device.identifiers if domain == DOMAIN]
            units += own
            if not own and device.area_id:
                areas.add(device.area_id)
    return units, areas


def _join(names: Iterable[str]) -> str:
    names = list(dict.fromkeys(names))
    more = f" +{len(names) - MOST_NAMES}" if len(names) > MOST_NAMES else ""
    return (", ".join(names[:MOST_NAMES]) + more)[:255]
