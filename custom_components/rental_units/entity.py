"""What all entities of a unit share."""

import asyncio
from collections.abc import Callable, Iterable
from itertools import batched
from typing import override

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.entity_platform import (
    AddConfigEntryEntitiesCallback,
    async_get_platforms,
)

from .const import DOMAIN
from .register import Register, RegisterConfigEntry
from .register.units import Summary, UnitInfo

#: Entities that are removed in one turn of the event loop.
REMOVE_BATCH = 50


class UnitEntity(Entity):
    """An entity of a unit; its state is a figure, never a person."""

    _attr_has_entity_name = True
    _attr_should_poll = False

    def __init__(self, register: Register, unit: UnitInfo, key: str) -> None:
        """Initialize."""
        self.register = register
        self.unit_id = unit.id
        self._attr_unique_id = f"{unit.id}_{key}"
        # Made by the register. A device_info would have it looked for and compared again
        # for each of six entities: a quarter of the start with two thousand units.
        self.device_entry = register.devices.of(unit.id)

    @override
    async def async_added_to_hass(self) -> None:
        self.async_on_remove(
            self.register.listen_unit(self.unit_id, self.async_write_ha_state)
        )


class FigureEntity(UnitEntity):
    """An entity that shows figures of a unit; what changes them goes through the register."""

    @property
    def summary(self) -> Summary | None:
        """Return the figures of the unit; None where they could not be read at the start."""
        return self.register.summaries.get(self.unit_id)

    @property
    @override
    def available(self) -> bool:
        return self.summary is not None


async def async_add_for_each_unit(
    entry: RegisterConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
    entities: Callable[[Register, UnitInfo], Iterable[UnitEntity]],
) -> None:
    """Add the entities of each unit, also of those to come."""
    register = entry.runtime_data

    @callback
    def add(units: Iterable[UnitInfo]) -> None:
        async_add_entities([row for unit in units for row in entities(register, unit)])

    there = list(register.units.values())
    # At once: units may be added while those that are there have their turn.
    entry.async_on_unload(register.listen_new_units(add))
    async for units in register.async_batches(there):
        add(units)


async def async_remove_gently(hass: HomeAssistant, entry: RegisterConfigEntry) -> None:
    """Remove most entities of a property, some in each turn of the event loop.

    Home Assistant removes those that are left in one turn, in which no alarm goes on, and
    ends what belongs to their platform.
    """
    for platform in async_get_platforms(hass, DOMAIN):
        if platform.config_entry is not entry:
            continue
        most = list(platform.entities.values())[REMOVE_BATCH:]
        for entities in batched(most, REMOVE_BATCH, strict=False):
            for entity in entities:
                await entity.async_remove()
            await asyncio.sleep(0)
