"""Hazards as they are now, and plain binary readings."""

from collections.abc import Iterable
from typing import override

from homeassistant.components.binary_sensor import (
    BinarySensorDeviceClass,
    BinarySensorEntity,
)
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .catalogue import Hazard
from .catalogue.measurements import Point
from .core.device import SafetyDevice, hazard_key
from .entity import JoiningEntity, SafetyEntity, add_for_each_device
from .gateways.base import Gateway, GatewayConfigEntry

PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant,
    entry: GatewayConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up binary sensors."""
    add_for_each_device(entry, async_add_entities, _entities)


def _entities(gateway: Gateway, device: SafetyDevice) -> Iterable[SafetyEntity]:
    for hazard in device.kind.hazards:
        if any(level.measurement in device.by_measurement for level in hazard.levels):
            yield HazardEntity(gateway, device, hazard)
    for key, point in device.points.items():
        row = point.measurement
        if row.shown and not (row.is_number or row.options or row.key == "supply"):
            yield ReadingEntity(gateway, device, key, point)
    if device is gateway.device and gateway.joining:
        yield OpenForJoining(gateway, device, gateway.joining, "open_for_joining")


class HazardEntity(SafetyEntity, BinarySensorEntity):
    """A hazard that is present or not; the alarm about it may last longer."""

    def __init__(self, gateway: Gateway, device: SafetyDevice, hazard: Hazard) -> None:
        """Initialize."""
        super().__init__(gateway, device, hazard.key)
        self.name_after(hazard.key)
        self._hazard = hazard
        if not hazard.enabled:
            self._attr_entity_registry_enabled_default = False

    @property
    @override
    def device_class(self) -> BinarySensorDeviceClass | None:
        return self._hazard.binary_class

    @property
    @override
    def entity_category(self) -> EntityCategory | None:
        return self._hazard.category

    @property
    @override
    def available(self) -> bool:
        return self._hazard.always_shown or super().available

    @property
    @override
    def is_on(self) -> bool | None:
        if self.device.monitor.severity(self.key):
            return True
        return False if self.device.monitor.is_known(self.key) else None

    @property
    @override
    def watched(self) -> Iterable[str]:
        return (hazard_key(self.key),)


class ReadingEntity(SafetyEntity, BinarySensorEntity):
    """A binary reading."""

    def __init__(
        self, gateway: Gateway, device: SafetyDevice, key: str, point: Point
    ) -> None:
        """Initialize."""
        super().__init__(gateway, device, key)
        self.name_after(point.measurement.key, point.channel)
        self._attr_device_class = point.measurement.binary_class
        self._attr_entity_category = point.measurement.category

    @property
    @override
    def is_on(self) -> bool | None:
        value = self.device.readings.get(self.key)
        return None if value is None else bool(value)


class OpenForJoining(JoiningEntity, BinarySensorEntity):
    """If devices may join now."""

    _attr_entity_category = EntityCategory.DIAGNOSTIC

    @property
    @override
    def is_on(self) -> bool:
        return self.joining.is_open
