"""If a unit is occupied, and if its registration lacks something."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import override

from homeassistant.components.binary_sensor import (
    BinarySensorDeviceClass,
    BinarySensorEntity,
    BinarySensorEntityDescription,
)
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .entity import UnitEntity, add_for_each_unit
from .register import Register, RegisterConfigEntry
from .register.units import Summary, UnitInfo

PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class UnitBinarySensorDescription(BinarySensorEntityDescription):
    """A yes or no of a unit's figures."""

    is_on_fn: Callable[[Summary], bool]


SENSORS = (
    UnitBinarySensorDescription(
        key="occupied",
        translation_key="occupied",
        device_class=BinarySensorDeviceClass.OCCUPANCY,
        is_on_fn=lambda summary: summary.tenants > 0,
    ),
    UnitBinarySensorDescription(
        key="registration",
        translation_key="registration",
        device_class=BinarySensorDeviceClass.PROBLEM,
        entity_category=EntityCategory.DIAGNOSTIC,
        is_on_fn=lambda summary: not summary.is_complete,
    ),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: RegisterConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up binary sensors."""
    add_for_each_unit(entry, async_add_entities, _entities)


def _entities(register: Register, unit: UnitInfo) -> Iterable[UnitEntity]:
    return [UnitBinarySensor(register, unit, row) for row in SENSORS]


class UnitBinarySensor(UnitEntity, BinarySensorEntity):
    """A yes or no about a unit."""

    entity_description: UnitBinarySensorDescription

    def __init__(
        self,
        register: Register,
        unit: UnitInfo,
        description: UnitBinarySensorDescription,
    ) -> None:
        """Initialize."""
        super().__init__(register, unit, description.key)
        self.entity_description = description

    @property
    @override
    def is_on(self) -> bool:
        return self.entity_description.is_on_fn(self.summary)
