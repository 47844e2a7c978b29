"""Barriers of vehicle gates: held open, or left to open and close by themselves."""

from collections.abc import Iterable
from typing import Any, override

from homeassistant.components.cover import (
    CoverDeviceClass,
    CoverEntity,
    CoverEntityFeature,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .catalogue import VEHICLE_GATE
from .catalogue.measurements import point_key
from .core.device import SafetyDevice
from .entity import SafetyEntity, WayEntity, add_for_each_device
from .gateways.base import Gateway, GatewayConfigEntry

PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant,
    entry: GatewayConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up covers."""
    add_for_each_device(entry, async_add_entities, _entities)


def _entities(gateway: Gateway, device: SafetyDevice) -> Iterable[SafetyEntity]:
    if device.kind is VEHICLE_GATE:
        for key in device.by_measurement.get("locked", ()):
            yield Barrier(gateway, device, key)


class Barrier(WayEntity, CoverEntity):
    """A barrier. To open it holds it open; closing it lets vehicles be let in one by one."""

    shut_by = "async_close_cover"

    _attr_device_class = CoverDeviceClass.GATE
    _attr_supported_features = CoverEntityFeature.OPEN | CoverEntityFeature.CLOSE

    def __init__(self, gateway: Gateway, device: SafetyDevice, key: str) -> None:
        """Initialize; `key` is that of the reading that says if it is held open."""
        super().__init__(gateway, device, key)
        channel = device.points[key].channel
        self._arm = point_key("barrier", channel)
        self.name_after("barrier", channel)

    @property
    @override
    def watched(self) -> Iterable[str]:
        return self.key, self._arm

    def _stands(self, how: str) -> bool | None:
        """Return if the arm stands or moves in a way, None if that is not known."""
        arm = self.device.readings.get(self._arm)
        return None if arm is None else arm == how

    @property
    @override
    def is_closed(self) -> bool | None:
        if self.device.readings.get(self.key) is False:
            return False
        return self._stands("closed")

    @property
    @override
    def is_opening(self) -> bool | None:
        return self._stands("opening")

    @property
    @override
    def is_closing(self) -> bool | None:
        return self._stands("closing")

    @override
    async def async_open_cover(self, **kwargs: Any) -> None:
        await self.async_hold_open()

    @override
    async def async_close_cover(self, **kwargs: Any) -> None:
        await self.async_shut()
