"""Doors: opened and locked with proof, released on a fire, locked again only by a person."""

import asyncio
from dataclasses import asdict, dataclass, field
from datetime import datetime
import time
from typing import Any

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers.event import async_call_later

from ..catalogue import DOOR_CONTROLLER
from ..catalogue.measurements import point_key
from ..const import DOMAIN, LOGGER
from ..localization import async_option
from .alarms import AlarmBook, Announcement
from .device import AVAILABILITY, SafetyDevice
from .fires import burns_near, fires_near
from .ports import Find
from .proving import Answer, Pace, Reason, async_command, async_prove, async_read_back
from .storage import Storage

#: Seconds for one try, and for all of them. GB 50166: linkage acts within 3 s.
TRY_SECONDS = 3.0
DEADLINE_SECONDS = 10.0
FIRST_BACKOFF_SECONDS = 0.2
#: Seconds until a release that could not be proven is tried again.
RETRY_SECONDS = 30


@dataclass(slots=True, kw_only=True)
class Release:
    """A door that was opened for a fire, and stays so until a person locks it.

    `alarms` are the ids of the fires that it was opened for, `at` is Unix time.
    """

    at: float
    alarms: list[str] = field(default_factory=list)
    #: None until the first try has ended.
    proven: bool | None = None


class Doors:
    """The doors of all door controllers."""

    def __init__(
        self, hass: HomeAssistant, book: AlarmBook, storage: Storage, find: Find
    ) -> None:
        """Initialize."""
        self._hass = hass
        self._book = book
        self._storage = storage
        self._find = find
        #: By unique id of the lock.
        self._releases: dict[str, Release] = {}
        self._undo: dict[str, list[CALLBACK_TYPE]] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._retries: dict[str, CALLBACK_TYPE] = {}
        #: Timers of doors that stand open, by unique id of the lock.
        self._open: dict[str, CALLBACK_TYPE] = {}
        #: Of them, those that have stood open for too long.
        self._too_long: set[str] = set()
        book.listen(self._alarm_changed, immediate=True)

    def restore(self, rows: dict[str, dict[str, Any]]) -> None:
        """Take over what an earlier run has released; those of another shape are dropped."""
        for lock, row in rows.items():
            try:
                stored = Release(at=float(row["at"]), alarms=list(row["alarms"]))
            except (KeyError, TypeError, ValueError) as err:
                LOGGER.error("The release of %s is not remembered: %r", lock, err)
            else:
                self._releases.setdefault(lock, stored)

    @callback
    def attach(self, device: SafetyDevice) -> None:
        """Watch the doors of a device, and open what a fire or a crash has left to be opened."""
        if device.kind is not DOOR_CONTROLLER:
            return
        keys = (*_keys(device, "locked"), *_keys(device, "door_open"))
        self._undo[device.uid] = [
            device.watch(lambda: self._check(device)),
            device.listen((AVAILABILITY, *keys), lambda: self._check(device)),
        ]
        self._look_for_fires(device)
        self._check(device)

    @callback
    def detach(self, device: SafetyDevice) -> None:
        """Stop watching a device. What is released stays so, and is proven when it is back."""
        for undo in self._undo.pop(device.uid, ()):
            undo()
        for lock in self._locks(device):
            for timers in (self._retries, self._open):
                if cancel := timers.pop(lock, None):
                    cancel()

    @callback
    def forget(self, uid: str) -> None:
        """Drop the releases of a device that a person has deleted."""
        for lock in [lock for lock in self._releases if lock.rpartition("/")[0] == uid]:
            self._put(lock, None)

    @callback
    def settings_changed(self, device: SafetyDevice) -> None:
        """Look for fires again, after it was changed which doors open on one."""
        self._look_for_fires(device)

    # By hand

    async def async_unlock(self, device: SafetyDevice, key: str) -> None:
        """Hold a door open. Raises HomeAssistantError if that was not proven."""
        await self._async_by_hand(device, key, False)

    async def async_lock(self, device: SafetyDevice, key: str, who: str | None) -> None:
        """Lock a door.

        One that a fire has opened is locked only by a person, and only when the fire is
        over: raises ServiceValidationError. Raises HomeAssistantError if it was not proven.
        """
        lock = f"{device.uid}/{key}"
        if release := self._releases.get(lock):
            if who is None:
                raise ServiceValidationError(
                    translation_domain=DOMAIN, translation_key="needs_person"
                )
            if running := self._running.get(lock):
                # Else it would be told to open and to lock in turns.
                await asyncio.wait((running,))
            if fire := next(fires_near(self._hass, self._book, device.device_id), None):
                raise ServiceValidationError(
                    translation_domain=DOMAIN,
                    translation_key="still_present",
                    translation_placeholders={
                        "device": fire.device_name,
                        "hazard": async_option(self._hass, "hazard", fire.hazard),
                    },
                )
            self._put(lock, None)
            self._show(device)
            for alarm_id in release.alarms:
                self._book.note(
                    alarm_id, "door_locked", who=who, door=_name(device, key)
                )
        await self._async_by_hand(device, key, True)

    async def _async_by_hand(
        self, device: SafetyDevice, key: str, locked: bool
    ) -> None:
        if await self._async_command(device.uid, key, locked) is not True:
            raise HomeAssistantError(
                translation_domain=DOMAIN,
                translation_key="lock_unproven" if locked else "release_unproven",
                translation_placeholders={"device": device.name},
            )

    # On a fire

    @callback
    def _alarm_changed(self, item: Announcement) -> None:
        # This one alone: a thousand may come at the same moment.
        for uid in tuple(self._undo):
            found = self._find(uid)
            if found and burns_near(self._hass, item.alarm, found[1].device_id):
                self._release(found[1], [item.alarm.id])

    def _look_for_fires(self, device: SafetyDevice) -> None:
        """Release the doors of a device that open on a fire, if it burns in the building."""
        fires = fires_near(self._hass, self._book, device.device_id)
        self._release(device, [alarm.id for alarm in fires])

    def _release(self, device: SafetyDevice, fires: list[str]) -> None:
        """Open what opens on a fire and is not open for one already."""
        for key in _keys(device, "locked") if fires else ():
            lock = f"{device.uid}/{key}"
            # While its settings cannot be read, it opens: nobody may be shut in.
            if key not in device.settings.protected and lock not in self._releases:
                self._put(lock, Release(at=time.time(), alarms=fires))
                self._start(device, key)
        self._show(device)

    def _start(self, device: SafetyDevice, key: str) -> None:
        lock = f"{device.uid}/{key}"
        if cancel := self._retries.pop(lock, None):
            cancel()
        if lock not in self._running:
            task = self._running[lock] = self._hass.async_create_background_task(
                self._async_release(device.uid, key), f"{DOMAIN} release of {lock}"
            )
            task.add_done_callback(lambda _task: self._running.pop(lock, None))

    async def _async_release(self, uid: str, key: str) -> None:
        lock = f"{uid}/{key}"
        result = await self._async_command(uid, key, False)
        if not (release := self._releases.get(lock)) or result is Reason.OVERTAKEN:
            return
        proven, before = result is True, release.proven
        release.proven = proven
        if not (found := self._find(uid)):
            return
        device = found[1]
        if proven is not before:
            LOGGER.log(
                30 if proven else 40,
                "%s is %s for a fire",
                lock,
                "open" if proven else f"not proven open ({result})",
            )
            for alarm_id in release.alarms:
                self._book.note(
                    alarm_id,
                    "door_released" if proven else "door_unproven",
                    door=_name(device, key),
                )
        self._show(device)
        if not proven and uid in self._undo:

            @callback
            def again(_now: datetime) -> None:
                self._retries.pop(lock, None)
                if lock in self._releases and (found := self._find(uid)):
                    self._start(found[1], key)

            self._retries[lock] = async_call_later(self._hass, RETRY_SECONDS, again)

    @callback
    def _check(self, device: SafetyDevice) -> None:
        """Open again what should be open and is not, and see how long doors stand open."""
        for key in _keys(device, "locked"):
            lock = f"{device.uid}/{key}"
            if release := self._releases.get(lock):
                if not device.available:
                    if release.proven:
                        # While it is away, anybody may lock it.
                        release.proven = None
                elif lock not in self._running:
                    locked = device.fresh_reading(key)
                    if release.proven and locked:
                        # Somebody else has.
                        release.proven = None
                    if release.proven is None or (not release.proven and not locked):
                        self._start(device, key)
            self._watch_open(device, key)
        self._show(device)

    # Held open

    def _watch_open(self, device: SafetyDevice, key: str) -> None:
        """Time a door that stands open; one that is held unlocked on purpose may."""
        lock = f"{device.uid}/{key}"
        channel = device.points[key].channel
        stands_open = (
            device.readings.get(point_key("door_open", channel)) is True
            and device.readings.get(key) is not False
        )
        if not stands_open:
            if cancel := self._open.pop(lock, None):
                cancel()
            self._too_long.discard(lock)
        elif lock not in self._open:

            @callback
            def elapsed(_now: datetime) -> None:
                self._too_long.add(lock)
                self._show(device)

            self._open[lock] = async_call_later(
                self._hass, device.limit("longest_open"), elapsed
            )

    @callback
    def _show(self, device: SafetyDevice) -> None:
        locks = self._locks(device)
        here = [self._releases[lock] for lock in locks if lock in self._releases]
        device.derive(
            released_on_fire=bool(here),
            release_unproven=any(release.proven is False for release in here),
            door_held_open=not self._too_long.isdisjoint(locks),
        )

    # Command and read back

    async def _async_command(
        self, uid: str, key: str, locked: bool
    ) -> bool | Reason | None:
        """Command a door until it is read back; return True, or why it was not."""
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
            wanted=lambda: not (locked and lock in self._releases),
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
        row = asdict(release) if release else None
        self._storage.put("releases", lock, row)

    def _locks(self, device: SafetyDevice) -> list[str]:
        return [f"{device.uid}/{key}" for key in _keys(device, "locked")]


def _keys(device: SafetyDevice, measurement: str) -> tuple[str, ...]:
    return device.by_measurement.get(measurement, ())


def _name(device: SafetyDevice, key: str) -> str:
    """Return the name of a door as a timeline tells it."""
    return " ".join(filter(None, (device.name, device.points[key].channel)))
