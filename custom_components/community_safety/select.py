"""What a device is, its place of use, which decides its thresholds, and anti-pass-back."""

from collections.abc import Iterable
from typing import override

from homeassistant.components.select import SelectEntity
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .catalogue import GATEWAY
from .const import DOMAIN
from .core.device import SafetyDevice
from .entity import SafetyEntity, SettingEntity, add_for_each_device
from .gateways.base import Gateway, GatewayConfigEntry
from .localization import async_setting

PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant,
    entry: GatewayConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up selects."""
    add_for_each_device(entry, async_add_entities, _entities)


def _entities(gateway: Gateway, device: SafetyDevice) -> Iterable[SafetyEntity]:
    if device.kind.variants:
        yield VariantSelect(gateway, device, "variant")
    if gateway.choosable_kinds and device.kind is not GATEWAY:
        yield KindSelect(gateway, device, "kind")
    if gateway.passback_options(device):
        yield PassbackSelect(gateway, device, "passback")


class VariantSelect(SettingEntity, SelectEntity):
    """Where a device is used: a final circuit, or a hydrant that feeds sprinklers."""

    def __init__(self, gateway: Gateway, device: SafetyDevice, key: str) -> None:
        """Initialize."""
        super().__init__(gateway, device, key)
        self._attr_translation_key = f"{device.kind.key}_variant"
        self._attr_options = list(device.kind.variants)

    @property
    @override
    def current_option(self) -> str | None:
        return self.device.variant

    @override
    async def async_select_option(self, option: str) -> None:
        if found := self.device.contradiction(variant=option):
            raise ServiceValidationError(
                translation_domain=DOMAIN,
                translation_key="contradicting_place",
                translation_placeholders={
                    "lower": async_setting(self.hass, found[0]),
                    "upper": async_setting(self.hass, found[1]),
                },
            )
        self.device.settings.variant = option
        await self.gateway.house.async_save_settings(self.device)


class KindSelect(SettingEntity, SelectEntity):
    """What a device is, where it cannot tell by itself. Its entities are made anew."""

    _attr_translation_key = "device_kind"

    def __init__(self, gateway: Gateway, device: SafetyDevice, key: str) -> None:
        """Initialize."""
        super().__init__(gateway, device, key)
        self._attr_options = list(gateway.choosable_kinds)

    @property
    @override
    def current_option(self) -> str | None:
        return self.device.kind.key

    @override
    async def async_select_option(self, option: str) -> None:
        await self.gateway.async_set_kind(self.device.description.id, option)


class PassbackSelect(SafetyEntity, SelectEntity):
    """Which readers a card must be read at by turns: what the controller itself says of that."""

    _attr_entity_category = EntityCategory.CONFIG
    _attr_translation_key = "passback"

    def __init__(self, gateway: Gateway, device: SafetyDevice, key: str) -> None:
        """Initialize."""
        super().__init__(gateway, device, key)
        self._attr_options = list(gateway.passback_options(device))

    @property
    @override
    def watched(self) -> Iterable[str]:
        return ()

    @override
    async def async_added_to_hass(self) -> None:
        await super().async_added_to_hass()
        # It is no reading: it is asked for with the others.
        self.async_on_remove(self.device.watch(self.refresh))

    @property
    @override
    def current_option(self) -> str | None:
        return self.gateway.passback(self.device)

    @override
    async def async_select_option(self, option: str) -> None:
        try:
            await self.gateway.async_set_passback(self.device, option)
        finally:
            self.refresh()
        await self.gateway.house.async_save_settings(self.device)
