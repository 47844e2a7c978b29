"""What all gateways share: the storage, the alarm book, the cut-off, device settings."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from homeassistant.const import EVENT_HOMEASSISTANT_FINAL_WRITE
from homeassistant.core import CALLBACK_TYPE, Event, HassJob, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.event import async_call_later, async_track_time_change
from homeassistant.helpers.start import async_at_started
from homeassistant.util.hass_dict import HassKey

from ..catalogue import GATEWAY
from ..const import DOMAIN, LOGGER, Severity
from ..localization import async_option
from .alarms import AlarmBook
from .authority import Authority
from .device import DeviceDescription, DeviceSettings, Layout, SafetyDevice
from .disconnect import CutOff
from .elevator import Elevators
from .latches import Latches
from .ports import Port
from .storage import Storage

DATA_HOUSE: HassKey[House] = HassKey(DOMAIN)


class House:
    """The house-wide part: it lives as long as Home Assistant, whatever is reloaded."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Initialize."""
        self.hass = hass
        self.storage = Storage(
            hass, Path(hass.config.path(f"{DOMAIN}.db")), self._storage_trouble
        )
        self.book = AlarmBook(hass, self.storage)
        self.authority = Authority(hass)
        self.latches = Latches(self.storage)
        self.cut_off = CutOff(
            hass, self.book, self.latches, self.device, self.settings_of
        )
        self.book.incidents.wanted_off = self.cut_off.wanted_off
        self.elevators = Elevators(hass, self.book, self.storage)
        self._devices: dict[str, tuple[Port, SafetyDevice]] = {}
        self._watchers: list[Callable[[str], None]] = []
        self._settings: dict[str, DeviceSettings] = {}
        #: Seconds for which devices were silent in an earlier run, by gateway.
        self.seen: dict[str, dict[str, float]] = {}
        self._known: dict[str, DeviceDescription] = {}
        #: Gateways that could not be started, until that is a fault.
        self._not_started: set[str] = set()

    async def async_start(self) -> None:
        """Open the storage and take over what an earlier run has left."""
        try:
            self._take_over(await self.storage.async_open())
            await self.book.async_restore_closed()
            await self.authority.async_start()
        except BaseException:
            # Also where it is cancelled: the next try opens the file anew.
            await asyncio.shield(
                self.hass.async_create_task(self.storage.async_close())
            )
            raise
        self._begin()

    def _take_over(self, rows: dict[str, dict[str, dict[str, Any]]]) -> None:
        if self.storage.moved:
            key = "storage_moved_aside" if self.storage.lost else "storage_rescued"
            ir.async_create_issue(
                self.hass,
                DOMAIN,
                key,
                is_fixable=True,
                is_persistent=True,
                severity=ir.IssueSeverity.ERROR,
                translation_key=key,
                translation_placeholders={
                    "path": str(self.storage.moved),
                    "lost": ", ".join(
                        async_option(self.hass, "table", table)
                        for table in self.storage.lost
                    ),
                },
            )
        if self.storage.newer is not None:
            ir.async_create_issue(
                self.hass,
                DOMAIN,
                "storage_newer",
                is_fixable=False,
                severity=ir.IssueSeverity.CRITICAL,
                translation_key="storage_newer",
                translation_placeholders={"path": str(self.storage.path)},
            )
        self.book.restore(rows["alarms"].values())
        self.latches.restore(rows["latches"])
        self.book.tests.restore(rows["tests"])
        self.elevators.restore_counts(rows["counts"])
        self.seen = {
            gateway: {
                uid: seconds
                for uid, seconds in row.items()
                if isinstance(seconds, (int, float))
            }
            for gateway, row in rows["seen"].items()
        }
        for uid, row in rows["devices"].items():
            try:
                self._known[uid] = DeviceDescription.from_dict(row)
            except (KeyError, TypeError, ValueError) as err:
                LOGGER.warning("%s is not remembered: %r", uid, err)
        for uid, row in rows["settings"].items():
            try:
                self._settings[uid] = DeviceSettings.from_dict(row)
            except (KeyError, TypeError, ValueError) as err:
                LOGGER.error("The settings of %s are not remembered: %r", uid, err)

    def _begin(self) -> None:
        """Begin to live: with the days, until Home Assistant's end."""

        async def new_day(_now: datetime) -> None:
            self.elevators.new_day()
            await self.storage.async_purge()

        async def close(_event: Event) -> None:
            end_days()
            self.book.store_announced()
            await self.storage.async_close()

        @callback
        def started(_hass: HomeAssistant) -> None:
            self.book.started()

        end_days = async_track_time_change(
            self.hass, new_day, hour=0, minute=0, second=0
        )
        self.hass.bus.async_listen_once(EVENT_HOMEASSISTANT_FINAL_WRITE, close)
        async_at_started(self.hass, started)

    def devices(self) -> Iterator[tuple[Port, SafetyDevice]]:
        """Walk over every device of every loaded gateway, gateways included."""
        yield from self._devices.values()

    def device(self, uid: str) -> tuple[Port, SafetyDevice] | None:
        """Return a device by its unique id, None while its gateway is not loaded."""
        return self._devices.get(uid)

    @callback
    def attach(self, port: Port, device: SafetyDevice) -> None:
        """Take a device in: its latched supplies and its door are watched from now."""
        self._devices[device.uid] = (port, device)
        self.cut_off.attach(device)
        self.elevators.attach(port, device)
        self._tell(device)

    @callback
    def start_failed(self, device: SafetyDevice, lasts: Callable[[], bool]) -> None:
        """Note that a gateway could not be started: a fault if that still `lasts` then.

        Its own `device` is let go with it, and each further try begins anew.
        """
        hazard = GATEWAY.hazards[0]

        @callback
        def elapsed(_now: datetime) -> None:
            self._not_started.discard(device.uid)
            if lasts():
                device.report(hazard, Severity.FAULT)

        if device.uid not in self._not_started:
            self._not_started.add(device.uid)
            async_call_later(
                self.hass,
                hazard.levels[0].delay,
                HassJob(elapsed, cancel_on_shutdown=True),
            )

    @callback
    def detach(self, device: SafetyDevice) -> None:
        """Let a device go, because its gateway is unloaded or it is removed."""
        self._devices.pop(device.uid, None)
        device.monitor.stop()
        self.cut_off.detach(device)
        self.elevators.detach(device)
        self._tell(device)

    @callback
    def watch(self, watcher: Callable[[str], None]) -> CALLBACK_TYPE:
        """Call a watcher with the unique id of each device that comes or goes.

        Returns a function that ends this.
        """
        self._watchers.append(watcher)
        return lambda: self._watchers.remove(watcher)

    def _tell(self, device: SafetyDevice) -> None:
        for watcher in tuple(self._watchers):
            watcher(device.uid)

    @callback
    def forget_gateway(self, uid: str) -> None:
        """Forget a removed gateway with all its devices, whether it is loaded or not."""
        known = {
            *self._settings,
            *self._known,
            *(alarm.device for alarm in self.book.open.values()),
            *(latch.device for latch in self.latches.rows.values()),
        }
        for device in known:
            if uid in (device, device.rpartition("/")[0]):
                self.forget(device)
        if self.seen.pop(uid, None):
            self.storage.put("seen", uid, None)

    @callback
    def forget(self, uid: str) -> None:
        """Forget the alarms, latches and settings of a device that a person has deleted."""
        self.book.drop_device(uid)
        self.cut_off.forget(uid)
        self.elevators.forget(uid)
        if self._settings.pop(uid, None):
            self.storage.put("settings", uid, None)
        if self._known.pop(uid, None):
            self.storage.put("devices", uid, None)

    def known_devices(self, gateway: str) -> Iterator[DeviceDescription]:
        """Return the devices that a gateway had in an earlier run."""
        for uid, description in tuple(self._known.items()):
            if uid.rpartition("/")[0] == gateway:
                yield description

    @callback
    def remember(self, device: SafetyDevice) -> None:
        """Store what a device is, so that it is there at the next start."""
        if self._known.get(device.uid) != device.description:
            self._known[device.uid] = device.description
            self.storage.put("devices", device.uid, device.description.as_dict())

    @callback
    def place(self, uid: str, layout: Layout) -> None:
        """Write down the place of use of a device that is new, or of a kind that is.

        It is decided once: whatever a later version or a changed device would begin with,
        an installed breaker does not begin to cut at 30 mA by itself.
        """
        settings, variant = self.settings_of(uid), layout.first_variant
        if variant and settings.variant not in layout.kind.variants:
            settings.variant = variant
            self._put_settings(uid)

    def knows(self, uid: str) -> bool:
        """Return if a device was here before, in this run or an earlier one."""
        return uid in self._known

    def settings_of(self, uid: str) -> DeviceSettings:
        """Return the settings of a device; to change them, use async_save_settings."""
        return self._settings.setdefault(uid, DeviceSettings())

    async def async_save_settings(self, device: SafetyDevice) -> None:
        """Store changed settings and look at the hazards again.

        Raises HomeAssistantError if they hold for now but could not be written.
        """
        device.settings_changed()
        await self.async_store_settings(device.uid)

    async def async_store_settings(self, uid: str) -> None:
        """Store changed settings, also of a device that is not one of ours yet.

        Raises HomeAssistantError if they hold for now but could not be written.
        """
        if not await self._put_settings(uid):
            raise HomeAssistantError(
                translation_domain=DOMAIN, translation_key="not_stored"
            )

    def _put_settings(self, uid: str) -> asyncio.Future[bool]:
        return self.storage.put("settings", uid, self.settings_of(uid).as_dict())

    @callback
    def _storage_trouble(self, reason: str | None) -> None:
        if reason is None:
            ir.async_delete_issue(self.hass, DOMAIN, "storage_failed")
            return
        ir.async_create_issue(
            self.hass,
            DOMAIN,
            "storage_failed",
            is_fixable=False,
            severity=ir.IssueSeverity.CRITICAL,
            translation_key="storage_failed",
            translation_placeholders={
                "path": str(self.storage.path),
                "reason": reason,
            },
        )
