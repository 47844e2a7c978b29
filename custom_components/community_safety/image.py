"""The last picture of an elevator's car."""

from collections.abc import Iterable
from typing import override

from homeassistant.components.image import ImageEntity
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.util import dt as dt_util

from .catalogue import ELEVATOR_BLOCKER
from .core.device import SNAPSHOT, SafetyDevice
from .entity import SafetyEntity, add_for_each_device
from .gateways.base import Gateway, GatewayConfigEntry

PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant,
    entry: GatewayConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up images."""
    add_for_each_device(entry, async_add_entities, _entities)


def _entities(gateway: Gateway, device: SafetyDevice) -> Iterable[SafetyEntity]:
    if device.kind is ELEVATOR_BLOCKER:
        yield SnapshotImage(gateway, device)


class SnapshotImage(SafetyEntity, ImageEntity):
    """The picture that came with the last sighting. It is kept in memory only."""

    _attr_translation_key = "snapshot"
    _attr_content_type = "image/jpeg"

    def __init__(self, gateway: Gateway, device: SafetyDevice) -> None:
        """Initialize."""
        SafetyEntity.__init__(self, gateway, device, "snapshot")
        ImageEntity.__init__(self, gateway.hass)

    @property
    @override
    def watched(self) -> Iterable[str]:
        return (SNAPSHOT,)

    @override
    async def async_image(self) -> bytes | None:
        return self.device.snapshot

    @callback
    @override
    def refresh(self) -> None:
        if self.device.snapshot:
            self._attr_image_last_updated = dt_util.utcnow()
        super().refresh()
