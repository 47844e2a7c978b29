"""Elevator blockers: the door is held for an e-bike, and for nothing and nobody else."""

import asyncio
from contextlib import suppress
from datetime import datetime
import time
from typing import Any

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.event import async_call_later
from homeassistant.util import dt as dt_util

from ..catalogue import ELEVATOR_BLOCKER
from ..catalogue.measurements import COUNTERS, E_BIKE, SIGHTINGS, Value
from ..const import DOMAIN, LOGGER
from .alarm import Change, Outcome
from .alarms import AlarmBook, Announcement, area_of
from .device import AVAILABILITY, SafetyDevice
from .fires import FIRES, fires_near
from .ports import Port
from .storage import Storage

#: While these are seen, or nothing is known, an e-bike may still be there.
NOT_GONE = (E_BIKE, "unknown", None)
#: Seconds until a hold or release must be read back, and for all tries together.
TRY_SECONDS = 3.0
TRIES = 3
#: Seconds until a release that could not be proven is tried again.
RETRY_SECONDS = 30


class Elevators:
    """All elevator blockers."""

    def __init__(self, hass: HomeAssistant, book: AlarmBook, storage: Storage) -> None:
        """Initialize."""
        self.hass = hass
        self._book = book
        self._storage = storage
        self._doors: dict[str, Door] = {}
        self._counts: dict[str, dict[str, Any]] = {}
        book.listen(self._alarm_changed, immediate=True)

    def restore_counts(self, rows: dict[str, dict[str, Any]]) -> None:
        """Take over the counts of an earlier run; those of another shape begin anew."""
        for uid, row in rows.items():
            try:
                counts = {
                    "day": row["day"],
                    **{key: int(row.get(key, 0)) for key in COUNTERS},
                }
            except (KeyError, TypeError, ValueError) as err:
                LOGGER.warning("The counts of %s are not remembered: %r", uid, err)
                continue
            newer = self._counts.get(uid)
            if newer and newer["day"] == counts["day"]:
                for key in COUNTERS:
                    newer[key] += counts[key]
                self._storage.put("counts", uid, newer)
            elif not newer:
                self._counts[uid] = counts

    @callback
    def attach(self, port: Port, device: SafetyDevice) -> None:
        """Watch a device if it is an elevator blocker."""
        if device.kind is ELEVATOR_BLOCKER:
            self._doors[device.uid] = Door(self, port, device)
            self._show(device)

    @callback
    def detach(self, device: SafetyDevice) -> None:
        """Stop watching a device."""
        if door := self._doors.pop(device.uid, None):
            door.stop()

    @callback
    def blocking_changed(self, device: SafetyDevice) -> None:
        """Look at a door again after its blocking was switched."""
        self._doors[device.uid].decide()

    async def async_release(self, device: SafetyDevice) -> None:
        """Release a door by hand; it stays released until the e-bike has left."""
        await self._doors[device.uid].async_release_by_hand()

    @callback
    def count(self, device: SafetyDevice, counter: str) -> None:
        """Count something for today."""
        today = dt_util.now().date().isoformat()
        counts = self._counts.get(device.uid)
        if counts is None or counts["day"] != today:
            self._archive(device.uid)
            counts = self._counts[device.uid] = {"day": today, **_zeros()}
        counts[counter] += 1
        self._storage.put("counts", device.uid, counts)
        self._show(device)

    def fire_near(self, device: SafetyDevice) -> bool:
        """Return if there is a fire in the building of a device."""
        area_id = area_of(self.hass, device.device_id)
        return any(True for _fire in fires_near(self.hass, self._book, area_id))

    @callback
    def _alarm_changed(self, item: Announcement) -> None:
        if item.alarm.hazard in FIRES and item.change is not Change.NOTED:
            for near in self._doors.values():
                if item.change in (Change.RAISED, Change.RETURNED):
                    near.begin_tries_anew()
                near.decide()
        if (
            item.change is Change.CLOSED
            and item.alarm.hazard == "e_bike_in_car"
            and (door := self._doors.get(item.alarm.device))
            and item.alarm.timeline[-1].get("outcome") == Outcome.FALSE_ALARM
        ):
            self.count(door.device, "false_holds")

    @callback
    def forget(self, uid: str) -> None:
        """Drop the counts of a removed device."""
        if self._counts.pop(uid, None):
            self._storage.put("counts", uid, None)

    @callback
    def new_day(self) -> None:
        """Begin to count anew."""
        for door in self._doors.values():
            self._archive(door.device.uid)
            self._show(door.device)

    @callback
    def _archive(self, uid: str) -> None:
        if counts := self._counts.pop(uid, None):
            self._storage.put(
                "counts", f"{uid}@{counts['day']}", counts, closed_at=time.time()
            )
            self._storage.put("counts", uid, None)

    @callback
    def _show(self, device: SafetyDevice) -> None:
        today = dt_util.now().date().isoformat()
        counts = self._counts.get(device.uid)
        if counts is None or counts["day"] != today:
            counts = _zeros()
        device.derive(**{key: float(counts[key]) for key in COUNTERS})


class Door:
    """The rule for one door: what is seen decides, and a release always wins."""

    def __init__(self, elevators: Elevators, port: Port, device: SafetyDevice) -> None:
        """Begin to watch."""
        self.device = device
        self._elevators = elevators
        self._port = port
        self._held = False
        self._released_by = "limit" if device.readings["held_too_long"] else None
        self._seen: str | None = None
        self._limit: CALLBACK_TYPE | None = None
        #: Monotonic time at which contact was lost: what was seen before is history.
        self._lost = -1.0
        #: When it was last told to release, or lost: what was said before proves nothing.
        self._asked_at = time.monotonic()
        self._task: asyncio.Task[bool] | None = None
        self._task_holds = False
        self._tried = 0
        self._retry: CALLBACK_TYPE | None = None
        self._undo = (
            device.watch(self._report),
            # Also what is not fresh: it may say that a reason to hold is gone.
            device.listen(
                (AVAILABILITY, "class_seen", "confidence", "held"), self.decide
            ),
        )

    @callback
    def stop(self) -> None:
        """End watching. A held door releases itself when it hears nothing more."""
        for undo in self._undo:
            undo()
        self._cancel_limit()
        self._cancel_retry()
        if self._task:
            self._task.cancel()

    @callback
    def begin_tries_anew(self) -> None:
        """Let a command that is under way have all its tries from now on."""
        self._tried = 0

    @callback
    def _report(self) -> None:
        seen = self.device.fresh_reading("class_seen")
        if seen != self._seen:
            self._seen = str(seen)
            if seen in SIGHTINGS:
                self._elevators.count(self.device, f"seen_{seen}")
        self.decide()

    @property
    def sees_e_bike(self) -> bool:
        """Return if an e-bike is in the car, surely enough.

        The confidence must have come in one message with the class. An older one, what
        was seen before contact was lost, and a retained message say nothing about what
        is there now.
        """
        device = self.device
        readings, reported = device.readings, device.reported
        confidence = readings.get("confidence")
        at = reported.get("class_seen", -1)
        return (
            readings.get("class_seen") == E_BIKE
            and isinstance(confidence, float)
            and reported.get("confidence") == at
            and at > self._lost
            and confidence >= device.limit("least_confidence")
        )

    @property
    def _seen_now(self) -> Value | None:
        """Return what the device itself has seen since there is contact, None for nothing."""
        if self.device.reported.get("class_seen", -1) <= self._lost:
            return None
        return self.device.readings["class_seen"]

    @callback
    def decide(self) -> None:
        """Hold or release, from what is known now."""
        device = self.device
        if not device.available:
            # It releases by itself; what it does afterwards is decided anew.
            self._lost = self._asked_at = time.monotonic()
            self._held = False
            self._cancel_limit()
            self._cancel_retry()
            if self._task and self._task_holds:
                self._task.cancel()
            return
        e_bike, seen = self.sees_e_bike, self._seen_now
        if seen is not None:
            # That nothing was said since a restart or an absence ends no alarm.
            device.derive(e_bike_in_car=e_bike)
        if seen not in NOT_GONE:
            self._released_by = None
            device.derive(held_too_long=False)
        wanted = (
            e_bike
            # Without a reading of the door no release could be proven.
            and "held" in device.points
            and device.settings.blocking
            and not device.settings.unread
            and self._released_by is None
            and not self._elevators.fire_near(device)
        )
        if wanted and not self._held:
            self._held = True
            self._elevators.count(device, "holds")
            self._limit = async_call_later(
                self._elevators.hass, device.limit("longest_hold"), self._too_long
            )
            self._command(True)
        elif not wanted and (self._held or device.readings.get("held")):
            if self._held:
                self._elevators.count(device, "releases")
            self._held = False
            self._cancel_limit()
            self._command(False)
        elif self._is(False, self._asked_at):
            device.derive(release_unproven=False)

    async def async_release_by_hand(self) -> None:
        """Release the door for this e-bike. Raises HomeAssistantError if not proven."""
        self._released_by = "hand"
        self.decide()
        task = self._command(False)
        await asyncio.wait((task,))
        if task.cancelled() or not task.result():
            raise HomeAssistantError(
                translation_domain=DOMAIN,
                translation_key="release_unproven",
                translation_placeholders={"device": self.device.name},
            )

    @callback
    def _too_long(self, _now: datetime) -> None:
        self._limit = None
        self._released_by = "limit"
        self.device.derive(held_too_long=True)
        self.decide()

    def _cancel_limit(self) -> None:
        if self._limit:
            self._limit()
            self._limit = None

    @callback
    def _release_again(self, _now: datetime) -> None:
        self._retry = None
        if not self._held:
            self._command(False)

    def _cancel_retry(self) -> None:
        if self._retry:
            self._retry()
            self._retry = None

    @callback
    def _command(self, hold: bool) -> asyncio.Task[bool]:
        """Command the door, unless that is under way; the opposite is given up."""
        if self._task and not self._task.done():
            if self._task_holds is hold:
                return self._task
            self._task.cancel()
        self._cancel_retry()
        self._task_holds = hold
        self._tried = 0
        self._task = self._elevators.hass.async_create_background_task(
            self._async_command(hold), f"{DOMAIN} door of {self.device.uid}"
        )
        return self._task

    async def _async_command(self, hold: bool) -> bool:
        """Command the door until it is read back. Return if it was."""
        device = self.device
        if not hold:
            self._asked_at = time.monotonic()
        while self._tried < TRIES:
            self._tried += 1
            since = time.monotonic()
            with suppress(TimeoutError, HomeAssistantError):
                async with asyncio.timeout(TRY_SECONDS):
                    await self._port.async_set(device, "held", hold)
            if await device.async_wait(
                lambda since=since: self._is(hold, since),  # type: ignore[misc]
                TRY_SECONDS,
            ):
                break
        else:
            if hold or not device.readings["release_unproven"]:
                LOGGER.warning(
                    "%s did not %s", device.uid, "hold" if hold else "release"
                )
            if not hold:
                device.derive(release_unproven=True)
                if device.available:
                    self._retry = async_call_later(
                        self._elevators.hass, RETRY_SECONDS, self._release_again
                    )
            return False
        if not hold:
            device.derive(release_unproven=False)
        return True

    def _is(self, hold: bool, since: float) -> bool:
        """Return if the door was reported held or released after `since`."""
        return (
            self.device.reported.get("held", -1) >= since
            and self.device.readings["held"] is hold
        )


def _zeros() -> dict[str, int]:
    return dict.fromkeys(COUNTERS, 0)
