"""Doors: locked, held open, or opened for a moment."""

from collections.abc import Iterable
from typing import Any, override

from homeassistant.components.lock import LockEntity, LockEntityFeature
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .catalogue import DOOR_CONTROLLER
from .core.device import SafetyDevice
from .entity import SafetyEntity, WayEntity, add_for_each_device
from .gateways.base import Gateway, GatewayConfigEntry

PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant,
    entry: GatewayConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up locks."""
    add_for_each_device(entry, async_add_entities, _entities)


def _entities(gateway: Gateway, device: SafetyDevice) -> Iterable[SafetyEntity]:
    if device.kind is DOOR_CONTROLLER:
        for key in device.by_measurement.get("locked", ()):
            yield DoorLock(gateway, device, key)


class DoorLock(WayEntity, LockEntity):
    """A door. Unlocked: it is held open; letting one person through does not show here."""

    shut_by = "async_lock"

    def __init__(self, gateway: Gateway, device: SafetyDevice, key: str) -> None:
        """Initialize."""
        super().__init__(gateway, device, key)
        self.name_after("locked", device.points[key].channel)
        if "open" in device.description.commands:
            self._attr_supported_features = LockEntityFeature.OPEN

    @property
    @override
    def is_locked(self) -> bool | None:
        value = self.device.readings.get(self.key)
        return None if value is None else bool(value)

    @override
    async def async_lock(self, **kwargs: Any) -> None:
        await self.async_shut()

    @override
    async def async_unlock(self, **kwargs: Any) -> None:
        await self.async_hold_open()

    @override
    async def async_open(self, **kwargs: Any) -> None:
        await self.gateway.house.doors.async_let_in(self.gateway, self.device, self.key)
