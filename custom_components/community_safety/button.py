"""Commands without a state."""

from collections.abc import Iterable
from typing import override

from homeassistant.components.button import ButtonEntity
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .core.authority import Action
from .core.device import SafetyDevice
from .entity import JoiningEntity, SafetyEntity, add_for_each_device
from .gateways.base import Gateway, GatewayConfigEntry
from .gateways.joining import LONGEST_SECONDS

PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant,
    entry: GatewayConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up buttons."""
    add_for_each_device(entry, async_add_entities, _entities)


def _entities(gateway: Gateway, device: SafetyDevice) -> Iterable[SafetyEntity]:
    for command in device.commands:
        yield CommandButton(gateway, device, command)
    if device is gateway.device and gateway.joining:
        yield PermitJoin(gateway, device, gateway.joining, "permit_join")


class CommandButton(SafetyEntity, ButtonEntity):
    """A command to a device."""

    def __init__(self, gateway: Gateway, device: SafetyDevice, command: str) -> None:
        """Initialize."""
        super().__init__(gateway, device, command)
        self._attr_translation_key = command

    @property
    @override
    def watched(self) -> Iterable[str]:
        return ()

    @override
    def action_of(self, order: str) -> Action:
        return Action.CUT_OFF if self.key == "all_off" else Action(self.key)

    @override
    async def async_press(self) -> None:
        if self.key == "self_test":
            self.gateway.house.book.tests.commanded(self.device.uid, self.ordered_by)
        await self.gateway.async_press(self.device, self.key)


class PermitJoin(JoiningEntity, ButtonEntity):
    """Lets devices join, as long as Zigbee allows."""

    _attr_entity_category = EntityCategory.CONFIG

    @override
    async def async_press(self) -> None:
        await self.joining.async_open(LONGEST_SECONDS)
