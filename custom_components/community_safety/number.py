"""Thresholds and other numbers that an installer may set on one device."""

from collections.abc import Iterable
from math import isfinite
from typing import override

from homeassistant.components.number import NumberEntity, NumberMode
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .catalogue import Setting
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
    """Set up numbers."""
    add_for_each_device(entry, async_add_entities, _entities)


def _entities(gateway: Gateway, device: SafetyDevice) -> Iterable[SafetyEntity]:
    for setting in device.used_settings:
        yield SettingNumber(gateway, device, setting)


class SettingNumber(SettingEntity, NumberEntity):
    """A setting of one device; it overrides that of its kind."""

    _attr_mode = NumberMode.BOX

    def __init__(
        self, gateway: Gateway, device: SafetyDevice, setting: Setting
    ) -> None:
        """Initialize."""
        super().__init__(gateway, device, setting.key)
        self._attr_translation_key = setting.key
        self._attr_device_class = setting.device_class
        self._attr_native_min_value = setting.low
        self._attr_native_max_value = setting.high
        self._attr_native_step = setting.step
        self._attr_native_unit_of_measurement = setting.unit
        self._attr_entity_registry_enabled_default = setting.enabled

    @property
    @override
    def native_value(self) -> float:
        return self.device.limit(self.key)

    @override
    async def async_set_native_value(self, value: float) -> None:
        if not isfinite(value):
            # Home Assistant compares with the range, which lets "nan" pass.
            raise ServiceValidationError(
                translation_domain=DOMAIN, translation_key="not_a_number"
            )
        low, high = self.device.kind.range_of(self.key, self.device.limit)
        if not low <= value <= high:
            # An alarm before its warning, or too low above too high, would tell nothing.
            raise ServiceValidationError(
                translation_domain=DOMAIN,
                translation_key="contradicting_threshold",
                translation_placeholders={
                    "setting": async_setting(self.hass, self.key),
                    "low": f"{low:g}",
                    "high": f"{high:g}",
                    "unit": self.native_unit_of_measurement or "",
                },
            )
        self.device.settings.limits[self.key] = value
        await self.gateway.house.async_save_settings(self.device)
