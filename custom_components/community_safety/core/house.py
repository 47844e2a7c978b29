"""What all gateways share: the storage, the alarm book, the cut-off, device settings."""

import asyncio
from collections.abc import Callable, Container, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from homeassistant.const import EVENT_HOMEASSISTANT_FINAL_WRITE
from homeassistant.core import (
    CALLBACK_TYPE,
    CoreState,
    Event,
    HassJob,
    HomeAssistant,
    callback,
)
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr, issue_registry as ir
from homeassistant.helpers.event import async_call_later, async_track_time_change
from homeassistant.helpers.integration_platform import (
    async_process_integration_platforms,
)
from homeassistant.helpers.start import async_at_started
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey

from ..catalogue import GATEWAY, HAZARDS
from ..const import DOMAIN, LOGGER, Severity
from ..localization import async_option
from . import pictures, tellers
from .alarms import AlarmBook
from .authority import Authority
from .credentials import Credentials
from .device import DeviceDescription, DeviceSettings, Layout, SafetyDevice
from .disconnect import CutOff
from .doors import Doors
from .elevator import Elevators
from .latches import Latches
from .orders import Orders
from .passages import Passages
from .ports import Port
from .recordings import Recordings
from .storage import TABLES, Found, Storage
from .telling import tell

DATA_HOUSE: HassKey[House] = HassKey(DOMAIN)
#: The hour at which people are reminded of what is to be done that day.
REMIND_HOUR = 8


class House:
    """The house-wide part: it lives as long as Home Assistant, whatever is reloaded."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Initialize."""
        self.hass = hass
        self.storage = Storage(
            hass, Path(hass.config.path(f"{DOMAIN}.db")), self._storage_trouble
        )
        self.storage.on_found = self._found
        self.book = AlarmBook(hass, self.storage)
        self.authority = Authority(hass)
        self.latches = Latches(self.storage)
        self.cut_off = CutOff(
            hass,
            self.book,
            self.latches,
            self.device,
            description=self.description,
            settings_of=self.settings_of,
        )
        self.book.incidents.wanted_off = self.cut_off.wanted_off
        self.elevators = Elevators(hass, self.book, self.storage)
        self.doors = Doors(
            hass,
            self.book,
            self.storage,
            self.device,
            description=self.description,
            settings_of=self.settings_of,
            named=self.cut_off.named,
        )
        self.orders = Orders(self.storage)
        self.passages = Passages(hass)
        self.credentials = Credentials(
            hass, self.passages, self.device, self.description
        )
        self.recordings = Recordings(hass)
        self.pictures = pictures.Pictures(hass, self.device)
        self._devices: dict[str, tuple[Port, SafetyDevice]] = {}
        self._watchers: list[Callable[[str], None]] = []
        self._found_listeners: list[CALLBACK_TYPE] = []
        #: Removed while what was stored of them could not be read.
        self._removed: set[str] = set()
        self._settings: dict[str, DeviceSettings] = {}
        #: Places of use that were written down while nobody could read what was there.
        self._placed: dict[str, str] = {}
        #: Seconds for which devices were silent in an earlier run, by gateway.
        self.seen: dict[str, dict[str, float]] = {}
        self._known: dict[str, DeviceDescription] = {}
        #: Names of devices of an earlier run that this version cannot watch.
        self._strange: dict[str, str] = {}
        #: Gateways that could not be started, until that is a fault.
        self._not_started: set[str] = set()

    async def async_start(self) -> None:
        """Open the storage and take over what an earlier run has left."""
        try:
            self._take_over(await self.storage.async_open())
            await self.book.async_restore_closed()
            await async_process_integration_platforms(
                self.hass, DOMAIN, self._async_take
            )
        except BaseException:
            # Also where it is cancelled: the next try opens the file anew.
            self.book.stop()
            self.doors.stop()
            await asyncio.shield(
                self.hass.async_create_task(self.storage.async_close())
            )
            raise
        self._begin()

    async def _async_take(
        self, hass: HomeAssistant, domain: str, platform: Any
    ) -> None:
        """Take what one integration offers, of today or to come.

        Home Assistant knows one taker of a name: of two, the first would hear of nobody
        who is loaded later.
        """
        await self.authority.async_take(domain, platform)
        await self.passages.async_take(domain, platform, self.credentials)
        await tellers.async_hand_over(hass, self.book, domain, platform)
        await pictures.async_hand_over(hass, self.pictures, domain, platform)

    def _take_over(self, rows: Found) -> None:
        """Take over what an earlier run has left, as far as it can be read."""
        self._show_storage()
        if "settings" in rows:
            self._take_over_settings(rows["settings"])
        self.latches.restore(rows.get("latches", {}))
        self.book.restore(rows.get("alarms", {}).values())
        self.doors.restore(rows.get("releases", {}))
        self.book.tests.restore(rows.get("tests", {}))
        self.elevators.restore_counts(rows.get("counts", {}))
        for gateway, row in rows.get("seen", {}).items():
            self.seen.setdefault(
                gateway,
                {
                    uid: seconds
                    for uid, seconds in row.items()
                    if isinstance(seconds, (int, float))
                },
            )
        for uid, row in rows.get("devices", {}).items():
            try:
                self._known.setdefault(uid, DeviceDescription.from_dict(row))
            except (KeyError, TypeError, ValueError) as err:
                LOGGER.error("%s cannot be watched: %r", uid, err)
                if uid not in self._known:
                    self._strange[uid] = str(row.get("name") or uid)
            else:
                self.doors.know(uid)

    def _take_over_settings(self, rows: dict[str, dict[str, Any]]) -> None:
        for settings in self._settings.values():
            settings.unread = False
        for uid, row in rows.items():
            try:
                stored = DeviceSettings.from_dict(row)
            except (KeyError, TypeError, ValueError) as err:
                # What is there stays until a person sets something anew.
                LOGGER.error("The settings of %s cannot be read: %r", uid, err)
                self.settings_of(uid).unread = True
                continue
            if since := self._settings.get(uid):
                if stored.variant and self._placed.get(uid) == since.variant:
                    since.variant = None
                since.found(stored)
                self._put_settings(uid)
            else:
                self._settings[uid] = stored
        self._show_unread()

    @callback
    def _found(self, rows: Found) -> None:
        """Take over what could only be read now, while everything runs."""
        self._take_over(rows)
        if not self.storage.unread:
            removed, self._removed = self._removed, set()
            for uid in removed:
                self.forget_gateway(uid)
        changed = {
            row.get("device")
            for table in ("alarms", "latches")
            for row in rows.get(table, {}).values()
        } | {lock.rpartition("/")[0] for lock in rows.get("releases", {})}
        for uid, (port, device) in tuple(self._devices.items()):
            if uid in changed:
                # It takes its alarms and latches over as it does at a start.
                self.detach(device)
                device.found()
                self.attach(port, device)
            if not device.reported:
                silence = rows.get("seen", {}).get(port.uid, {}).get(uid)
                device.silence = silence or device.silence
            if "settings" in rows:
                device.settings_changed()
        if "settings" in rows:
            self.cut_off.settings_found()
        tell(tuple(self._found_listeners))
        self._remind()
        self.hass.async_create_background_task(
            self.book.async_restore_closed(), f"{DOMAIN} closed alarms"
        )

    def _show_storage(self) -> None:
        """Show what people must know of the file, and no more what is over."""
        storage = self.storage
        if storage.moved:
            key = "storage_moved_aside" if storage.lost else "storage_rescued"
            ir.async_create_issue(
                self.hass,
                DOMAIN,
                key,
                is_fixable=True,
                is_persistent=True,
                severity=ir.IssueSeverity.ERROR,
                translation_key=key,
                translation_placeholders={
                    "path": str(storage.moved),
                    "lost": self._tables(storage.lost),
                },
            )
        for key, is_so, lost in (
            ("storage_newer", storage.newer is not None, ()),
            ("storage_unread", bool(storage.unread), storage.unread),
        ):
            if not is_so:
                ir.async_delete_issue(self.hass, DOMAIN, key)
                continue
            ir.async_create_issue(
                self.hass,
                DOMAIN,
                key,
                is_fixable=False,
                severity=ir.IssueSeverity.CRITICAL,
                translation_key=key,
                translation_placeholders={
                    "path": str(storage.path),
                    "lost": self._tables(lost),
                },
            )

    def _show_unread(self) -> None:
        """Show whose settings cannot be read, until a person sets them anew."""
        registry = dr.async_get(self.hass)
        names = []
        for uid, settings in self._settings.items():
            if settings.unread:
                found = registry.async_get_devices(identifiers={(DOMAIN, uid)})
                names += [row.name_by_user or row.name or uid for row in found] or [uid]
        if not names:
            ir.async_delete_issue(self.hass, DOMAIN, "settings_unread")
            return
        ir.async_create_issue(
            self.hass,
            DOMAIN,
            "settings_unread",
            is_fixable=False,
            severity=ir.IssueSeverity.ERROR,
            translation_key="settings_unread",
            translation_placeholders={"devices": ", ".join(sorted(names))},
        )

    def _tables(self, names: Container[str]) -> str:
        return ", ".join(
            async_option(self.hass, "table", name) for name in TABLES if name in names
        )

    def _begin(self) -> None:
        """Begin to live: with the days, until Home Assistant's end."""

        async def new_day(_now: datetime) -> None:
            self.elevators.new_day()
            self.recordings.new_day()
            await self.storage.async_purge()

        @callback
        def remind(_now: datetime) -> None:
            self._remind()

        async def close(_event: Event) -> None:
            end_days()
            end_mornings()
            end_checks()
            self.book.store_announced()
            await self.storage.async_close()

        @callback
        def started(_hass: HomeAssistant) -> None:
            self.book.started()
            self.passages.begin()
            self._remind()

        end_days = async_track_time_change(
            self.hass, new_day, hour=0, minute=0, second=0
        )
        end_mornings = async_track_time_change(
            self.hass, remind, hour=REMIND_HOUR, minute=0, second=0
        )
        end_checks = self.credentials.start()
        self.hass.bus.async_listen_once(EVENT_HOMEASSISTANT_FINAL_WRITE, close)
        async_at_started(self.hass, started)

    def _remind(self) -> None:
        """Tell of what was to be off until today, once the day has begun for people."""
        now = dt_util.now()
        self.cut_off.remind((now - timedelta(hours=REMIND_HOUR)).date())

    def devices(self) -> Iterator[tuple[Port, SafetyDevice]]:
        """Walk over every device of every loaded gateway, gateways included."""
        yield from self._devices.values()

    def device(self, uid: str) -> tuple[Port, SafetyDevice] | None:
        """Return a device by its unique id, None while its gateway is not loaded."""
        return self._devices.get(uid)

    def description(self, uid: str) -> DeviceDescription | None:
        """Return what a device is, also while its gateway is not loaded.

        None if it is not known.
        """
        found = self._devices.get(uid)
        return found[1].description if found else self._known.get(uid)

    @callback
    def attach(self, port: Port, device: SafetyDevice) -> None:
        """Take a device in: its latched supplies and its doors are watched from now."""
        self._devices[device.uid] = (port, device)
        self._removed.discard(device.uid)
        self.cut_off.attach(device)
        self.elevators.attach(port, device)
        self.doors.attach(device)
        self.credentials.attach(device)
        self.recordings.attach(device)
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
        self.doors.detach(device)
        self.credentials.detach(device)
        self.recordings.detach(device)
        self._tell(device)

    @callback
    def watch(self, watcher: Callable[[str], None]) -> CALLBACK_TYPE:
        """Call a watcher with the unique id of each device that comes or goes.

        Returns a function that ends this.
        """
        self._watchers.append(watcher)
        return lambda: self._watchers.remove(watcher)

    @callback
    def on_found(self, listener: CALLBACK_TYPE) -> CALLBACK_TYPE:
        """Call a listener when something of an earlier run could only be read now.

        Returns a function that ends this.
        """
        self._found_listeners.append(listener)
        return lambda: self._found_listeners.remove(listener)

    def _tell(self, device: SafetyDevice) -> None:
        tell(tuple(self._watchers), device.uid)

    @callback
    def forget_gateway(self, uid: str) -> None:
        """Forget a removed gateway with all its devices, whether it is loaded or not."""
        known = {
            *self._settings,
            *self._known,
            *self._strange,
            *(alarm.device for alarm in self.book.open.values()),
            *(latch.device for latch in self.latches.rows.values()),
            *(device for device, _key in self.doors.released()),
        }
        for device in known:
            if uid in (device, device.rpartition("/")[0]):
                self.forget(device)
        if self.seen.pop(uid, None):
            self.storage.put("seen", uid, None)
        if self.storage.unread:
            self._removed.add(uid)

    @callback
    def forget(self, uid: str) -> None:
        """Forget the alarms, latches and settings of a device that a person has deleted."""
        self.book.drop_device(uid)
        self.cut_off.forget(uid)
        self.elevators.forget(uid)
        self.doors.forget(uid)
        self.credentials.forget(uid)
        self.recordings.forget(uid)
        if self._settings.pop(uid, None):
            self.storage.put("settings", uid, None)
            self._show_unread()
        if self._known.pop(uid, None) or self._strange.pop(uid, None):
            self.storage.put("devices", uid, None)
        if self.storage.unread:
            self._removed.add(uid)

    def chosen_kinds(self, gateway: str) -> Iterator[tuple[str, str]]:
        """Return the kinds that a person has chosen for devices of a gateway, by their ids."""
        for uid, settings in tuple(self._settings.items()):
            owner, _slash, device_id = uid.rpartition("/")
            if owner == gateway and settings.kind:
                yield device_id, settings.kind

    def known_devices(self, gateway: str) -> Iterator[DeviceDescription]:
        """Return the devices that a gateway had in an earlier run."""
        for uid, description in tuple(self._known.items()):
            if uid.rpartition("/")[0] == gateway:
                yield description

    def strange_devices(self, gateway: str) -> Iterator[tuple[str, str]]:
        """Return the ids and names of those that this version cannot watch as they were."""
        for uid, name in tuple(self._strange.items()):
            owner, _slash, device_id = uid.rpartition("/")
            if owner == gateway:
                yield device_id, name

    @callback
    def miss(self, uid: str, device_id: str | None, name: str) -> None:
        """Raise the fault of a device that nobody hears, and that cannot say so itself."""
        self.book.report_away(
            uid, device_id, name, HAZARDS["unresponsive"], Severity.FAULT
        )

    @callback
    def remember(self, device: SafetyDevice) -> None:
        """Store what a device is, so that it is there at the next start."""
        self._strange.pop(device.uid, None)
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
        if settings.unread and "settings" not in self.storage.unread:
            # There is a row, and it may say otherwise.
            return
        if variant and settings.variant not in layout.kind.variants:
            settings.variant = variant
            if settings.unread:
                self._placed[uid] = variant
            self._put_settings(uid)

    def knows(self, uid: str) -> bool:
        """Return if a device was here before, in this run or an earlier one."""
        return uid in self._known

    def settings_of(self, uid: str) -> DeviceSettings:
        """Return the settings of a device; to change them, use async_save_settings."""
        if (settings := self._settings.get(uid)) is None:
            settings = self._settings[uid] = DeviceSettings(
                unread="settings" in self.storage.unread
            )
        return settings

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
        settings = self.settings_of(uid)
        if settings.unread and "settings" not in self.storage.unread:
            # A person has said how it is.
            settings.unread = False
            self._show_unread()
        if not await self._put_settings(uid, patient=True):
            raise HomeAssistantError(
                translation_domain=DOMAIN, translation_key="not_stored"
            )

    def _put_settings(self, uid: str, *, patient: bool = False) -> asyncio.Future[bool]:
        row = self.settings_of(uid).as_dict()
        return self.storage.put("settings", uid, row, patient=patient)

    @callback
    def _storage_trouble(self, reason: str | None) -> None:
        if self.hass.state is CoreState.final_write:
            # Nobody looks any more, and Home Assistant has written its own.
            return
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
