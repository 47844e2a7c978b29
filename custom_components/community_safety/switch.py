"""Supplies and which are protected, the blocking of elevators, what opens on a fire."""

from collections.abc import Iterable
from typing import Any, override

from homeassistant.components.switch import SwitchDeviceClass, SwitchEntity
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .catalogue import CHARGING_PILE, ELEVATOR_BLOCKER, VEHICLE_GATE, WAYS
from .catalogue.measurements import point_key
from .core.authority import Action
from .core.device import SafetyDevice
from .core.latches import Supply
from .entity import SafetyEntity, SettingEntity, add_for_each_device
from .gateways.base import Gateway, GatewayConfigEntry

PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant,
    entry: GatewayConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up switches."""
    add_for_each_device(entry, async_add_entities, _entities)


def _entities(gateway: Gateway, device: SafetyDevice) -> Iterable[SafetyEntity]:
    for key in device.supplies:
        yield SupplySwitch(gateway, device, key)
        yield ProtectedSwitch(gateway, device, key)
    if device.kind is ELEVATOR_BLOCKER:
        yield BlockingSwitch(gateway, device, "blocking")
    if device.kind in WAYS:
        for key in device.by_measurement.get("locked", ()):
            yield OpensOnFireSwitch(gateway, device, key)


class SupplySwitch(SafetyEntity, SwitchEntity):
    """A supply. On means closed; a supply that was cut off cannot be switched on."""

    def __init__(self, gateway: Gateway, device: SafetyDevice, key: str) -> None:
        """Initialize."""
        super().__init__(gateway, device, key)
        self.supply = Supply(device.uid, key)
        is_socket = device.kind is CHARGING_PILE
        self.name_after("socket" if is_socket else "supply", device.points[key].channel)
        self._attr_device_class = (
            SwitchDeviceClass.OUTLET if is_socket else SwitchDeviceClass.SWITCH
        )

    @override
    @callback
    def refresh(self) -> None:
        # What a gateway hopes, remembers and hears takes turns until the cut is proven.
        if not self.gateway.house.cut_off.is_cutting(self.supply):
            super().refresh()

    @property
    @override
    def is_on(self) -> bool | None:
        value = self.device.readings.get(self.key)
        return None if value is None else bool(value)

    @override
    def action_of(self, order: str) -> Action:
        return Action.RESTORE if order == "async_turn_on" else Action.CUT_OFF

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        self.gateway.house.latches.check_closing(self.supply, self.device.name)
        await self.gateway.async_set(self.device, self.key, True)

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        for key in self.gateway.unprotected(self.device, (self.key,)):
            await self.gateway.async_set(self.device, key, False)


class ProtectedSwitch(SettingEntity, SwitchEntity):
    """If a supply is a protected load, which a cut-off never opens."""

    def __init__(self, gateway: Gateway, device: SafetyDevice, supply: str) -> None:
        """Initialize."""
        point = device.points[supply]
        super().__init__(gateway, device, point_key("protected", point.channel))
        self.name_after("protected", point.channel)
        self._supply = supply

    @property
    @override
    def is_on(self) -> bool | None:
        return self.device.settings.is_protected(self._supply)

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        self.device.settings.protected.add(self._supply)
        await self.gateway.house.async_save_settings(self.device)

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        self.device.settings.protected.discard(self._supply)
        await self.gateway.house.async_save_settings(self.device)


class OpensOnFireSwitch(SettingEntity, SwitchEntity):
    """If a door or barrier opens on a fire alarm of its building: on, unless it is on no way out."""

    def __init__(self, gateway: Gateway, device: SafetyDevice, lock: str) -> None:
        """Initialize."""
        channel = device.points[lock].channel
        super().__init__(gateway, device, point_key("opens_on_fire", channel))
        is_gate = device.kind is VEHICLE_GATE
        self.name_after(
            "barrier_opens_on_fire" if is_gate else "opens_on_fire", channel
        )
        self._lock = lock

    @property
    @override
    def is_on(self) -> bool | None:
        stays_locked = self.device.settings.is_protected(self._lock)
        return None if stays_locked is None else not stays_locked

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        self.device.settings.protected.discard(self._lock)
        self.gateway.house.doors.settings_changed(self.device)
        await self.gateway.house.async_save_settings(self.device)

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        self.device.settings.protected.add(self._lock)
        await self.gateway.house.async_save_settings(self.device)


class BlockingSwitch(SettingEntity, SwitchEntity):
    """If the door is held for an e-bike. Off: it is only seen and reported."""

    _attr_entity_category = None
    _attr_translation_key = "blocking"

    @property
    @override
    def is_on(self) -> bool | None:
        settings = self.device.settings
        return None if settings.unread else settings.blocking

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        await self._async_set(True)

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        await self._async_set(False)

    async def _async_set(self, blocking: bool) -> None:
        self.device.settings.blocking = blocking
        self.gateway.house.elevators.blocking_changed(self.device)
        await self.gateway.house.async_save_settings(self.device)
