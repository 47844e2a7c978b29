"""A gateway whose devices are the subentries of its config entry."""

from abc import abstractmethod
from typing import override

from homeassistant.config_entries import (
    SIGNAL_CONFIG_ENTRY_CHANGED,
    ConfigEntry,
    ConfigEntryChange,
)
from homeassistant.core import callback
from homeassistant.helpers.dispatcher import async_dispatcher_connect

from ..const import DOMAIN, Severity
from ..core.device import SafetyDevice
from .base import Gateway


class SubentryGateway(Gateway):
    """Follows what is added, changed or removed, while the other devices go on."""

    @abstractmethod
    async def async_follow(self) -> None:
        """Take the devices as the subentries name them."""

    @abstractmethod
    def forget_subentry(self, device_id: str) -> None:
        """Hear of a device no more; its readings and alarms stay."""

    @callback
    def follow_subentries(self) -> None:
        """Begin to follow them."""
        self.on_unload(
            async_dispatcher_connect(
                self.hass, SIGNAL_CONFIG_ENTRY_CHANGED, self._entry_changed
            )
        )

    @callback
    def _entry_changed(self, change: ConfigEntryChange, entry: ConfigEntry) -> None:
        if entry is self.entry and change is ConfigEntryChange.UPDATED:
            self.entry.async_create_task(
                self.hass, self.async_follow(), f"{DOMAIN} devices of subentries"
            )

    def let_go(self, device_id: str) -> None:
        """Take that a person has removed the subentry of a device.

        One with an open alarm or cut-off stays until that person deletes it too.
        """
        self.forget_subentry(device_id)
        device = self.devices[device_id]
        alarms = self.house.book.of_device(device.uid)
        if any(self.house.latches.of_device(device.uid)) or any(
            alarm.severity is not Severity.FAULT and not alarm.drill for alarm in alarms
        ):
            self.lose_device(device_id)
        else:
            self.remove_device(device_id)

    @override
    async def async_delete(self, device: SafetyDevice) -> bool:
        device_id = device.description.id
        if device_id in self.entry.subentries:
            self.hass.config_entries.async_remove_subentry(self.entry, device_id)
        self.forget_subentry(device_id)
        self.remove_device(device_id)
        return True
