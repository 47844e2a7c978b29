"""Doors: opened and locked with proof, released on a fire, locked again only by a person.

A vehicle gate's barrier is one of them: unlocked, it is up and held there.
"""

import asyncio
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
import logging
import time
from typing import Any

from homeassistant.const import Platform
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.event import async_call_later

from ..catalogue import HAZARDS, KINDS, WAYS
from ..catalogue.measurements import point_key
from ..const import DOMAIN, LOGGER, Severity
from ..localization import async_option
from .alarm import Alarm, Change
from .alarms import AlarmBook, Announcement, Named, area_of
from .device import (
    AVAILABILITY,
    DeviceDescription,
    DeviceSettings,
    SafetyDevice,
    layout_of,
)
from .fires import FIRES, burns_near, fires_near
from .ports import Find, Port
from .proving import Answer, Pace, Reason, async_command, async_prove, async_read_back
from .storage import Storage
from .telling import tell

#: Seconds for one try, and for all of them. GB 50166: linkage acts within 3 s.
TRY_SECONDS = 3.0
DEADLINE_SECONDS = 10.0
FIRST_BACKOFF_SECONDS = 0.2
#: Seconds until a release that could not be proven is tried again.
RETRY_SECONDS = 30
#: What is raised where that is not proven.
_UNPROVEN = HAZARDS["refused_to_release"]


class DoorState(StrEnum):
    """How a door stands, as far as it is known and not as it is hoped; the worst first."""

    #: A fire is to open it, and that could not be proven.
    UNRELEASED = "unreleased"
    #: It is being opened for a fire, or its controller is away since.
    RELEASING = "releasing"
    FORCED = "forced"
    HELD_OPEN = "held_open"
    UNKNOWN = "unknown"
    #: Open for a fire, proven.
    RELEASED = "released"
    UNLOCKED = "unlocked"
    #: Somebody is just going through.
    OPEN = "open"
    LOCKED = "locked"


@dataclass(slots=True, kw_only=True, eq=False)
class Release:
    """A door that was opened for a fire, and stays so until a person locks it.

    `alarms` are the ids of the fires that it was opened for, `at` is Unix time.
    """

    at: float
    alarms: list[str] = field(default_factory=list)
    #: None while that is not known: until a try has ended, and while it is away.
    proven: bool | None = None
    #: Monotonic time at which a try ended in which nothing was heard of the controller.
    silent: float | None = None
    #: So many are just locking it: until that is proven, it stays released.
    locking: int = 0
    #: What is on the timelines of its alarms already, when one more was added.
    told: dict[str, bool] = field(default_factory=dict)


class Doors:
    """The doors of all door controllers, also of those whose gateway is not loaded."""

    def __init__(
        self,
        hass: HomeAssistant,
        book: AlarmBook,
        storage: Storage,
        find: Find,
        *,
        description: Callable[[str], DeviceDescription | None],
        settings_of: Callable[[str], DeviceSettings],
        named: Named,
    ) -> None:
        """Initialize; `named` returns the registry's id and the name of a device."""
        self._hass = hass
        self._book = book
        self._storage = storage
        self._find = find
        self._description = description
        self._settings_of = settings_of
        self._named = named
        #: Unique ids of all controllers.
        self._controllers: set[str] = set()
        #: By unique id of the lock.
        self._releases: dict[str, Release] = {}
        self._undo: dict[str, list[CALLBACK_TYPE]] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._retries: dict[str, CALLBACK_TYPE] = {}
        #: Timers of doors that stand open, by unique id of the lock.
        self._open: dict[str, CALLBACK_TYPE] = {}
        #: Of them, those that have stood open for too long.
        self._too_long: set[str] = set()
        self._watchers: list[Callable[[str], None]] = []
        book.listen(self._alarm_changed, immediate=True)

    def restore(self, rows: dict[str, dict[str, Any]]) -> None:
        """Take over what an earlier run has released."""
        for lock, row in rows.items():
            try:
                stored = Release(at=float(row["at"]), alarms=list(row["alarms"]))
            except (KeyError, TypeError, ValueError) as err:
                LOGGER.error("The release of %s is not remembered: %r", lock, err)
                if "/" not in lock:
                    continue
                # That it was opened is all that is known: a person locks it.
                stored = Release(at=time.time())
            self._releases.setdefault(lock, stored)
        for uid in self._controllers:
            self._show(uid)

    @callback
    def know(self, uid: str) -> None:
        """Take in a device of an earlier run: a fire may find its gateway not loaded."""
        description = self._description(uid)
        if description and KINDS[description.kind] in WAYS:
            self._controllers.add(uid)
            self._look_for_fires(uid)

    @callback
    def attach(self, device: SafetyDevice) -> None:
        """Watch the doors of a device, and open what a fire or a crash has left to be opened."""
        if device.kind not in WAYS:
            self._controllers.discard(device.uid)
            return
        self._controllers.add(device.uid)
        if device.readings.get("door_held_open"):
            # An earlier run has found one: until it is known which are shut, it may be each.
            self._too_long.update(lock for lock, _key in self._locks(device.uid))
        keys = (*_keys(device, "locked"), *_keys(device, "door_open"))
        self._undo[device.uid] = [
            device.watch(lambda: self._check(device)),
            device.listen((AVAILABILITY, *keys), lambda: self._check(device)),
        ]
        self._look_for_fires(device.uid)
        self._check(device)

    @callback
    def detach(self, device: SafetyDevice) -> None:
        """Stop watching a device. What is released stays so, and is proven when it is back."""
        for undo in self._undo.pop(device.uid, ()):
            undo()
        for lock, _key in self._locks(device.uid):
            self._too_long.discard(lock)
            if release := self._releases.get(lock):
                release.proven = None
            for timers in (self._retries, self._open):
                if cancel := timers.pop(lock, None):
                    cancel()

    @callback
    def forget(self, uid: str) -> None:
        """Drop the releases of a device that a person has deleted."""
        self._controllers.discard(uid)
        for lock in [lock for lock in self._releases if lock.rpartition("/")[0] == uid]:
            self._put(lock, None)

    @callback
    def stop(self) -> None:
        """End what is under way: the house was given up before it has begun."""
        for task in tuple(self._running.values()):
            task.cancel()

    @callback
    def settings_changed(self, device: SafetyDevice) -> None:
        """Look for fires again, after it was changed which doors open on one."""
        self._look_for_fires(device.uid)

    def released(self) -> Iterator[tuple[str, str]]:
        """Yield the doors that a fire has opened: the device, and the key of the lock."""
        for lock in self._releases:
            uid, _slash, key = lock.rpartition("/")
            yield uid, key

    # What people see

    @callback
    def watch(self, watcher: Callable[[str], None]) -> CALLBACK_TYPE:
        """Call a watcher with the unique id of each controller whose doors may have changed.

        Returns a function that ends this.
        """
        self._watchers.append(watcher)
        return lambda: self._watchers.remove(watcher)

    def known(self) -> Iterator[tuple[str, str]]:
        """Yield every door, also those whose gateway is not loaded: device, and key of the lock."""
        for uid in sorted(self._controllers):
            yield from ((uid, key) for _lock, key in self._locks(uid))

    def count(self, uid: str) -> int:
        """Return how many doors a controller has."""
        return len(self._locks(uid))

    def release_of(self, uid: str, key: str) -> Release | None:
        """Return that a fire has opened a door, until a person has locked it."""
        return self._releases.get(f"{uid}/{key}")

    def state_of(self, uid: str, key: str) -> DoorState:
        """Return how a door stands."""
        release = self.release_of(uid, key)
        if release and release.proven is not True:
            return (
                DoorState.RELEASING if release.proven is None else DoorState.UNRELEASED
            )
        found = self._find(uid)
        device = found[1] if found and found[1].available else None
        if device is None or (locked := device.fresh_reading(key)) is None:
            return DoorState.UNKNOWN
        channel = device.points[key].channel
        if device.readings.get(point_key("door_forced", channel)):
            return DoorState.FORCED
        if f"{uid}/{key}" in self._too_long:
            return DoorState.HELD_OPEN
        if release:
            return DoorState.RELEASED
        if not locked:
            return DoorState.UNLOCKED
        if device.readings.get(point_key("door_open", channel)):
            return DoorState.OPEN
        return DoorState.LOCKED

    def area_of(self, uid: str, key: str) -> str | None:
        """Return the area of a door: its own, or that of its controller."""
        return self._area(uid, f"{uid}/{key}")

    def fire_at(self, uid: str, key: str) -> Alarm | None:
        """Return a fire for which a door is to be open: nobody locks it before that is over."""
        if not (self.release_of(uid, key) or self.opens_on_fire(uid, key)):
            return None
        return next(fires_near(self._hass, self._book, self.area_of(uid, key)), None)

    # By hand

    async def async_unlock(self, device: SafetyDevice, key: str) -> None:
        """Hold a door open. Raises HomeAssistantError if that was not proven."""
        await self._async_by_hand(device, key, False, lambda: True)

    async def async_let_in(self, port: Port, device: SafetyDevice, key: str) -> None:
        """Let one through. Raises HomeAssistantError if that was not done.

        What is held open lets everybody through, and what a fire is to hold open is held: the
        pulse that lets one in may be what ends that.
        """
        if f"{device.uid}/{key}" in self._releases:
            await self.async_unlock(device, key)
        elif device.fresh_reading(key) is not False:
            channel = device.points[key].channel
            await port.async_set(device, point_key("open", channel), True)

    async def async_lock(self, device: SafetyDevice, key: str, who: str | None) -> None:
        """Lock a door.

        One that a fire has opened is locked only by a person, and none that opens on a fire
        before that is over: raises ServiceValidationError. Raises HomeAssistantError if it
        was not proven.
        """
        lock = f"{device.uid}/{key}"
        # While nobody can read which were opened, it may be each.
        if who is None and (
            lock in self._releases or "releases" in self._storage.unread
        ):
            raise ServiceValidationError(
                translation_domain=DOMAIN, translation_key="needs_person"
            )
        if running := self._running.get(lock):
            # Else it would be told to open and to lock in turns.
            await asyncio.wait((running,))
        release = self._releases.get(lock)
        if fire := self.fire_at(device.uid, key):
            raise ServiceValidationError(
                translation_domain=DOMAIN,
                translation_key="still_present",
                translation_placeholders={
                    "device": fire.device_name,
                    "hazard": async_option(self._hass, "hazard", fire.hazard),
                },
            )

        def wanted() -> bool:
            # A new fire makes another release; two people may lock it at once.
            return self._releases.get(lock) in (None, release)

        if release:
            release.locking += 1
        try:
            await self._async_by_hand(device, key, True, wanted)
            if release and self._releases.get(lock) is release:
                self._put(lock, None)
                for alarm_id in release.alarms:
                    self._book.note(
                        alarm_id, "door_locked", who=who, door=self._name(lock)
                    )
        finally:
            if release:
                release.locking -= 1
            if found := self._find(device.uid):
                self._check(found[1])

    async def _async_by_hand(
        self,
        device: SafetyDevice,
        key: str,
        locked: bool,
        wanted: Callable[[], bool],
    ) -> None:
        proven = await self._async_command(device.uid, key, locked, wanted)
        if proven is True and wanted():
            return
        placeholders = {"device": device.name}
        if locked:
            raise HomeAssistantError(
                translation_domain=DOMAIN,
                translation_key="lock_unproven",
                translation_placeholders=placeholders,
            )
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key="release_unproven",
            translation_placeholders=placeholders,
        )

    # On a fire

    @callback
    def _alarm_changed(self, item: Announcement) -> None:
        # This one alone: a thousand may come at the same moment.
        if item.alarm.hazard in FIRES and item.change in (
            Change.RAISED,
            Change.RETURNED,
        ):
            for uid in tuple(self._controllers):
                self._release(uid, (item.alarm,), anew=True)

    def _look_for_fires(self, uid: str) -> None:
        """Open the doors of a controller that open on a fire, where it burns."""
        self._release(uid, self._book.open.values())

    def _release(
        self, uid: str, alarms: Collection[Alarm], *, anew: bool = False
    ) -> None:
        """Open what opens on a fire, and is not open for it already or `anew`."""
        is_new = not anew
        for lock, key in self._locks(uid):
            if not self.opens_on_fire(uid, key):
                continue
            area_id = self._area(uid, lock)
            fires = [row.id for row in alarms if burns_near(self._hass, row, area_id)]
            known = self._releases.get(lock)
            before = known.alarms if known else []
            if fires and (anew or not known or not set(before).issuperset(fires)):
                is_new = True
                self._put(
                    lock,
                    Release(
                        at=known.at if known else time.time(),
                        alarms=list(dict.fromkeys((*before, *fires))),
                        told=_told(known),
                    ),
                )
                self._start(uid, key)
        if is_new:
            self._show(uid)

    def opens_on_fire(self, uid: str, key: str) -> bool:
        """Return if a door is one of those that open on a fire."""
        # While its settings cannot be read, it does: nobody may be shut in.
        return key not in self._settings_of(uid).protected

    def _area(self, uid: str, lock: str) -> str | None:
        """Return the area of a lock or barrier: its own, or that of its controller."""
        registry = er.async_get(self._hass)
        for platform in (Platform.LOCK, Platform.COVER):
            entity_id = registry.async_get_entity_id(platform, DOMAIN, lock)
            entry = registry.async_get(entity_id) if entity_id else None
            if entry and entry.area_id:
                return entry.area_id
        return area_of(self._hass, self._named(uid)[0])

    def _start(self, uid: str, key: str) -> None:
        lock = f"{uid}/{key}"
        if cancel := self._retries.pop(lock, None):
            cancel()
        if self._is_running(lock):
            return
        task = self._running[lock] = self._hass.async_create_background_task(
            self._async_release(uid, key), f"{DOMAIN} release of {lock}"
        )

        @callback
        def ended(task: asyncio.Task[None]) -> None:
            if self._running.get(lock) is task:
                del self._running[lock]

        task.add_done_callback(ended)

    def _is_running(self, lock: str) -> bool:
        """Return if a door is just being opened: what has ended, however just, is no try."""
        task = self._running.get(lock)
        return task is not None and not task.done()

    async def _async_release(self, uid: str, key: str) -> None:
        lock = f"{uid}/{key}"
        since = time.monotonic()
        result = await self._async_command(
            uid, key, False, lambda: lock in self._releases
        )
        if not (release := self._releases.get(lock)):
            # Deleted meanwhile.
            return
        proven, before = result is True, release.proven
        release.proven = proven
        found = self._find(uid)
        is_heard = found is not None and found[1].last_seen >= since
        release.silent = None if is_heard else time.monotonic()
        if proven is not before:
            LOGGER.log(
                logging.WARNING if proven else logging.ERROR,
                "%s is %s for a fire",
                lock,
                "open" if proven else f"not proven open ({result})",
            )
            told, release.told = release.told, {}
            for alarm_id in release.alarms:
                if told.get(alarm_id) is not proven:
                    self._book.note(
                        alarm_id,
                        "door_released" if proven else "door_unproven",
                        door=self._name(lock),
                    )
        self._show(uid)
        if not proven and uid in self._undo:
            # It may have come back behind the last order.
            came_back = is_heard and result is Reason.NO_ANSWER

            @callback
            def again(_now: datetime) -> None:
                self._retries.pop(lock, None)
                if lock in self._releases and not self._releases[lock].locking:
                    self._start(uid, key)

            self._retries[lock] = async_call_later(
                self._hass,
                FIRST_BACKOFF_SECONDS if came_back else RETRY_SECONDS,
                again,
            )

    @callback
    def _check(self, device: SafetyDevice) -> None:
        """Open again what should be open and is not, and see how long doors stand open."""
        for lock, key in self._locks(device.uid):
            release = self._releases.get(lock)
            if release and not release.locking:
                if not device.available:
                    # While it is away, anybody may lock it.
                    release.proven = None
                elif not self._is_running(lock):
                    locked = device.fresh_reading(key)
                    if release.proven and locked is not False:
                        # Somebody else has, or nobody knows any more.
                        release.proven = None
                    is_back = release.silent and device.last_seen >= release.silent
                    if release.proven is None or (
                        not release.proven and (is_back or not locked)
                    ):
                        self._start(device.uid, key)
            self._watch_open(device, key)
        self._show(device.uid)

    # Held open

    def _watch_open(self, device: SafetyDevice, key: str) -> None:
        """Time a door that stands open; one that is held unlocked on purpose may."""
        lock = f"{device.uid}/{key}"
        door = point_key("door_open", device.points[key].channel)
        stands_open = (
            device.readings.get(door) is True and device.readings.get(key) is not False
        )
        if not stands_open:
            if cancel := self._open.pop(lock, None):
                cancel()
            if door not in device.points or door in device.reported:
                # That nobody knows ends no warning.
                self._too_long.discard(lock)
        elif lock not in self._open:

            @callback
            def elapsed(_now: datetime) -> None:
                self._too_long.add(lock)
                self._show(device.uid)

            self._open[lock] = async_call_later(
                self._hass, device.limit("longest_open"), elapsed
            )

    @callback
    def _show(self, uid: str) -> None:
        """Raise or clear the alarm for what could not be proven, and show the rest."""
        locks = [lock for lock, _key in self._locks(uid)]
        here = [self._releases[lock] for lock in locks if lock in self._releases]
        unproven = any(release.proven is False for release in here)
        if found := self._find(uid):
            device = found[1]
            if "releases" in self._storage.unread or any(
                release.proven is None for release in here
            ):
                # That nothing is known ends no alarm.
                unproven = unproven or device.readings.get("release_unproven") is True
            device.derive(
                released_on_fire=bool(here),
                release_unproven=unproven,
                door_held_open=not self._too_long.isdisjoint(locks),
            )
        elif unproven:
            self._book.report_away(uid, *self._named(uid), _UNPROVEN, Severity.ALARM)
        tell(tuple(self._watchers), uid)

    # Command and read back

    async def _async_command(
        self, uid: str, key: str, locked: bool, wanted: Callable[[], bool]
    ) -> bool | Reason | None:
        """Command a door, as long as that is `wanted`, until it is read back.

        Returns True, or why it was not.
        """
        lock = f"{uid}/{key}"
        since = time.monotonic()

        def proof(device: SafetyDevice) -> bool | None:
            if (
                device.reported.get(key, -1) >= since
                and device.readings.get(key) is locked
            ):
                return True
            return None

        async def command(until: float) -> Answer | None:
            if not (found := self._find(uid)) or proof(found[1]):
                return None
            port, device = found
            return await async_command(port.async_set(device, key, locked), until, lock)

        return await async_prove(
            Pace(
                each=TRY_SECONDS,
                deadline=DEADLINE_SECONDS,
                backoff=FIRST_BACKOFF_SECONDS,
            ),
            since,
            wanted=wanted,
            command=command,
            read_back=lambda until: async_read_back(
                self._find, uid, lambda _device: (key,), proof, until
            ),
        )

    def _put(self, lock: str, release: Release | None) -> None:
        if release is None:
            self._releases.pop(lock, None)
            if cancel := self._retries.pop(lock, None):
                cancel()
        else:
            self._releases[lock] = release
        row = {"at": release.at, "alarms": release.alarms} if release else None
        self._storage.put("releases", lock, row)

    def _locks(self, uid: str) -> list[tuple[str, str]]:
        """Return the locks of a controller: their unique ids, and their keys."""
        if not (description := self._description(uid)):
            return []
        layout = layout_of(description.kind, description.points)
        return [
            (f"{uid}/{key}", key) for key in layout.by_measurement.get("locked", ())
        ]

    def _name(self, lock: str) -> str:
        """Return the name of a door as a timeline tells it."""
        uid, _slash, key = lock.rpartition("/")
        return f"{self._named(uid)[1]} {key.partition('_')[2]}".rstrip()


def _told(release: Release | None) -> dict[str, bool]:
    """Return what the alarms of a release have been told of it."""
    if not release:
        return {}
    if release.proven is None:
        return release.told
    return dict.fromkeys(release.alarms, release.proven)


def _keys(device: SafetyDevice, measurement: str) -> tuple[str, ...]:
    return device.by_measurement.get(measurement, ())
