"""Verified cut-off: command, read back relay and current, latch until a person restores."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
import time
from typing import TYPE_CHECKING, Any

from homeassistant.core import CALLBACK_TYPE, callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError

from ..catalogue import Scope
from ..const import DOMAIN, LOGGER, Severity
from ..localization import async_option
from .alarms import Alarm, Announcement, Change
from .device import AVAILABILITY, SafetyDevice

if TYPE_CHECKING:
    from ..gateways.base import Gateway
    from .house import House

#: Seconds for one try, and for all of them. GB 50166: linkage acts within 3 s.
TRY_SECONDS = 3.0
DEADLINE_SECONDS = 10.0
FIRST_BACKOFF_SECONDS = 0.2
#: A device that does not report by itself is asked again this often, in seconds.
ASK_SECONDS = 1.0

#: An open contact still shows the meter's noise: amperes, or part of the rated current.
NO_CURRENT_AMPERES = 0.1
NO_CURRENT_OF_RATED = 0.01
NO_POWER_WATTS = 5.0


class Checked(StrEnum):
    """How a person has checked that a supply may be closed again."""

    ON_SITE = "on_site"
    CAMERA = "camera"
    PHONE = "phone"


class Status(StrEnum):
    """What a cut-off or restore came to for one supply."""

    CONFIRMED = "confirmed"
    UNCONFIRMED = "unconfirmed"
    FAILED = "failed"
    PROTECTED = "protected"


@dataclass(frozen=True, slots=True)
class Supply:
    """One supply of one device; `key` is its reading, such as `supply_1`."""

    gateway: Gateway
    device: SafetyDevice
    key: str

    @property
    def id(self) -> str:
        """Return the unique id, which is also that of its switch."""
        return f"{self.device.uid}/{self.key}"


@dataclass(frozen=True, slots=True)
class Result:
    """The answer for one supply. `proof` names the readings that were read back."""

    supply: Supply
    status: Status
    milliseconds: int = 0
    proof: tuple[str, ...] = ()
    reason: str | None = None


@dataclass(slots=True, kw_only=True)
class Latch:
    """A supply that was cut and stays off until a person restores it.

    `alarms` are the ids of those that want it off, the newest last.
    """

    device: str
    key: str
    at: float
    alarms: list[str] = field(default_factory=list)
    who: str | None = None
    #: None until the first read-back has ended.
    proven: bool | None = None

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Latch:
        """Return the latch of a stored row; fields of a later version are dropped.

        Raises TypeError if one is missing.
        """
        known = {item.name for item in fields(cls)}
        return cls(**{key: value for key, value in data.items() if key in known})


class CutOff:
    """Opens supplies, proves it, and keeps them open."""

    def __init__(self, house: House) -> None:
        """Initialize."""
        self._house = house
        self.latches: dict[str, Latch] = {}
        self._running: dict[str, asyncio.Task[Result]] = {}
        self._undo: dict[str, list[CALLBACK_TYPE]] = {}
        house.book.listen(self._alarm_changed, immediate=True)

    def restore_latches(self, rows: dict[str, dict[str, Any]]) -> None:
        """Take over the latches of an earlier run."""
        for key, row in rows.items():
            try:
                self.latches[key] = Latch.from_dict(row)
            except TypeError as err:
                LOGGER.error("The cut-off of %s is not remembered: %s", key, err)

    @callback
    def attach(self, gateway: Gateway, device: SafetyDevice) -> None:
        """Watch the supplies of a device that are latched, and cut what a crash left."""
        if any(
            Supply(gateway, device, key).id in self.latches for key in device.supplies
        ):
            self._watch(gateway, device)
        for alarm in self._house.book.of_device(device.uid):
            if alarm.present and not alarm.announced:
                self._cut_by_itself(alarm)

    @callback
    def detach(self, device: SafetyDevice) -> None:
        """Stop watching a device."""
        for undo in self._undo.pop(device.uid, ()):
            undo()

    @callback
    def forget(self, uid: str) -> None:
        """Drop the latches of a removed device."""
        for supply_id, latch in tuple(self.latches.items()):
            if latch.device == uid:
                self._unlatch(supply_id)

    def check_closing(self, device: SafetyDevice, key: str) -> None:
        """Raise HomeAssistantError if a supply must not be switched on."""
        if f"{device.uid}/{key}" in self.latches:
            raise HomeAssistantError(
                translation_domain=DOMAIN,
                translation_key="latched",
                translation_placeholders={"device": device.name},
            )

    async def async_cut_off(
        self,
        supplies: Iterable[Supply],
        *,
        alarm_id: str | None = None,
        who: str | None = None,
        drill: bool = False,
        deadline: float = DEADLINE_SECONDS,
    ) -> list[Result]:
        """Open supplies, all at once. Returns one result for each; raises nothing.

        `deadline` is in seconds, for all tries together. In a drill nothing is
        commanded: the results say which supplies would be opened.
        """
        results: list[Result] = []
        tasks: list[asyncio.Task[Result]] = []
        for supply in supplies:
            if supply.key in supply.device.settings.protected:
                results.append(Result(supply, Status.PROTECTED))
                continue
            if drill:
                results.append(Result(supply, Status.UNCONFIRMED, reason="drill"))
                continue
            self._tie(supply, alarm_id)
            self._house.book.cut_for(alarm_id, supply.id)
            if self._is_proven(supply):
                results.append(
                    Result(supply, Status.CONFIRMED, 0, self._proof(supply, 0))
                )
            else:
                tasks.append(self._start(supply, alarm_id, who, deadline))
        if tasks:
            # A caller that goes away does not end the cut-off of the others.
            results += await asyncio.gather(*(asyncio.shield(task) for task in tasks))
        self._house.book.note(
            alarm_id,
            "drill" if drill else "cut_off",
            who=who,
            supplies=_told(results),
        )
        return results

    async def async_restore(
        self, supplies: Iterable[Supply], *, who: str, checked: Checked | None = None
    ) -> list[Result]:
        """Close latched supplies again, by a person who has checked that.

        Raises ServiceValidationError if none of them is latched, or if the hazard that
        cut one of them is still present; then nothing is changed.
        """
        supplies = list(supplies)
        if running := [
            self._running[item.id] for item in supplies if item.id in self._running
        ]:
            # Else a supply would be told to open and to close in turns.
            await asyncio.wait(running)
        latched = [supply for supply in supplies if supply.id in self.latches]
        if not latched:
            raise ServiceValidationError(
                translation_domain=DOMAIN, translation_key="nothing_to_restore"
            )
        for supply in latched:
            for alarm in self._alarms_of(self.latches[supply.id]):
                if alarm.present:
                    raise ServiceValidationError(
                        translation_domain=DOMAIN,
                        translation_key="still_present",
                        translation_placeholders={
                            "device": alarm.device_name,
                            "hazard": async_option(
                                self._house.hass, "hazard", alarm.hazard
                            ),
                        },
                    )
        wanted = {supply.id: self.latches[supply.id].alarms for supply in latched}
        results = await asyncio.gather(
            *(self._async_close(supply) for supply in latched)
        )
        for alarm_id in dict.fromkeys(key for keys in wanted.values() for key in keys):
            self._house.book.note(
                alarm_id,
                "restored",
                who=who,
                checked=checked,
                supplies=_told(
                    row for row in results if alarm_id in wanted[row.supply.id]
                ),
            )
        return list(results)

    def supplies_of(self, gateway: Gateway, device: SafetyDevice) -> list[Supply]:
        """Return every supply of a device."""
        return [Supply(gateway, device, key) for key in device.supplies]

    @callback
    def _alarm_changed(self, item: Announcement) -> None:
        if item.change in (Change.RAISED, Change.RETURNED):
            self._cut_by_itself(item.alarm)
            if item.alarm.returns:
                self._cut_anew(item.alarm)

    @callback
    def _cut_by_itself(self, alarm: Alarm) -> None:
        """Cut a device's own supplies where the catalogue says so."""
        if (
            alarm.severity is not Severity.ALARM
            or alarm.drill
            or not (found := self._house.device(alarm.device))
        ):
            return
        gateway, device = found
        if any(
            row.key == alarm.hazard and row.cuts_off is Scope.DEVICE
            for row in device.kind.hazards
        ):
            self._house.hass.async_create_background_task(
                self.async_cut_off(
                    self.supplies_of(gateway, device), alarm_id=alarm.id
                ),
                f"{DOMAIN} cut-off of {device.uid}",
            )

    @callback
    def _cut_anew(self, alarm: Alarm) -> None:
        """Open and prove again what was opened for an alarm whose hazard has returned.

        Somebody may have restored it in between.
        """
        again: list[Supply] = []
        for supply_id in alarm.supplies:
            uid, _slash, key = supply_id.rpartition("/")
            if found := self._house.device(uid):
                again.append(Supply(*found, key))
            if latch := self.latches.get(supply_id):
                latch.proven = None
        if again:
            self._house.hass.async_create_background_task(
                self.async_cut_off(again, alarm_id=alarm.id),
                f"{DOMAIN} cut-off anew of {alarm.id}",
            )

    def _alarms_of(self, latch: Latch) -> list[Alarm]:
        """Return the open alarms that want a supply off."""
        book = self._house.book
        return [book.open[key] for key in latch.alarms if key in book.open]

    @callback
    def _tie(self, supply: Supply, alarm_id: str | None) -> None:
        """Let a supply that is cut already stay off as long as one more alarm lasts."""
        latch = self.latches.get(supply.id)
        if latch and alarm_id and alarm_id not in latch.alarms:
            latch.alarms = [*(alarm.id for alarm in self._alarms_of(latch)), alarm_id]
            self._store(supply.id)

    def _start(
        self, supply: Supply, alarm_id: str | None, who: str | None, deadline: float
    ) -> asyncio.Task[Result]:
        """Return the task that cuts a supply, the one that runs already if there is."""
        if task := self._running.get(supply.id):
            return task
        task = self._running[supply.id] = self._house.hass.async_create_background_task(
            self._async_open(supply, alarm_id, who, deadline),
            f"{DOMAIN} cut-off of {supply.id}",
        )
        task.add_done_callback(lambda _task: self._running.pop(supply.id, None))
        return task

    async def _async_open(
        self, supply: Supply, alarm_id: str | None, who: str | None, deadline: float
    ) -> Result:
        begun = time.monotonic()
        latch = self.latches.get(supply.id)
        if latch is None:
            latch = self.latches[supply.id] = Latch(
                device=supply.device.uid,
                key=supply.key,
                at=time.time(),
                alarms=[alarm_id] if alarm_id else [],
                who=who,
            )
            # The command does not wait for the disk. If a crash comes between, the alarm
            # does not count as announced yet, and what it has led to is done again.
            self._store(supply.id)
        self._watch(supply.gateway, supply.device)
        result = await self._async_command(
            supply, False, begun, deadline, lambda since: self._proof(supply, since)
        )
        latch.proven = result.status is Status.CONFIRMED
        if self.latches.get(supply.id) is latch:
            # Else the device was removed meanwhile.
            self._store(supply.id)
            self._tell(supply.device)
        if not latch.proven:
            LOGGER.error(
                "Cut-off of %s is not proven (%s): %s",
                supply.id,
                result.status,
                result.reason,
            )
        return result

    async def _async_close(self, supply: Supply) -> Result:
        self._unlatch(supply.id)
        self._tell(supply.device)

        def closed(since: float) -> tuple[str, ...]:
            device = supply.device
            return (
                (supply.key,)
                if device.reported.get(supply.key, 0) >= since
                and device.readings[supply.key] is True
                else ()
            )

        return await self._async_command(
            supply, True, time.monotonic(), DEADLINE_SECONDS, closed
        )

    async def _async_command(
        self,
        supply: Supply,
        closed: bool,
        begun: float,
        deadline: float,
        proof: Callable[[float], tuple[str, ...]],
    ) -> Result:
        """Command a supply until it is proven, or until the deadline."""
        gateway, device, key = supply.gateway, supply.device, supply.key
        end = begun + deadline
        backoff = FIRST_BACKOFF_SECONDS
        reason: str | None = None
        since = time.monotonic()
        while not closed or supply.id not in self.latches:
            tried = time.monotonic()
            until = min(tried + TRY_SECONDS, end)
            try:
                async with asyncio.timeout(until - tried):
                    await gateway.async_set(device, key, closed)
                reason = None
            except TimeoutError:
                reason = "no answer"
            except HomeAssistantError as err:
                reason = str(err)
            if found := await self._async_read_back(supply, since, until, proof):
                elapsed = round((time.monotonic() - begun) * 1000)
                return Result(supply, Status.CONFIRMED, elapsed, found)
            if (left := end - time.monotonic()) <= 0:
                break
            await asyncio.sleep(min(backoff, left))
            backoff *= 2
        else:
            reason = "cut off again"
        contradicted = (
            device.reported.get(key, 0) >= since
            and device.readings.get(key) is not closed
        )
        return Result(
            supply,
            Status.FAILED
            if reason or contradicted or self._flows(supply, since)
            else Status.UNCONFIRMED,
            round((time.monotonic() - begun) * 1000),
            reason=reason or ("still reported otherwise" if contradicted else None),
        )

    async def _async_read_back(
        self,
        supply: Supply,
        since: float,
        until: float,
        proof: Callable[[float], tuple[str, ...]],
    ) -> tuple[str, ...]:
        """Wait for the proof and ask for it; return the readings that are the proof."""
        keys = (supply.key, *self._load_keys(supply))
        while not (found := proof(since)) and (now := time.monotonic()) < until:
            patience = min(ASK_SECONDS, until - now)
            with suppress(TimeoutError, HomeAssistantError):
                async with asyncio.timeout(patience):
                    await supply.gateway.async_refresh(supply.device, keys)
            await supply.device.async_wait(lambda: bool(proof(since)), patience)
        return found

    def _load_keys(self, supply: Supply) -> tuple[str, ...]:
        """Return the readings that show a load: current, or power without it."""
        device = supply.device
        return device.related("current", supply.key) or device.related(
            "power", supply.key
        )

    def _no_load(self, supply: Supply, key: str) -> bool:
        device = supply.device
        if device.points[key].measurement.key == "power":
            limit = NO_POWER_WATTS
        else:
            limit = max(
                NO_CURRENT_AMPERES, device.limit("rated_current") * NO_CURRENT_OF_RATED
            )
        value = device.readings.get(key)
        return isinstance(value, float) and abs(value) <= limit

    def _proof(self, supply: Supply, since: float) -> tuple[str, ...]:
        """Return the readings that prove an open supply, none if one is missing.

        The relay must say open, and every current behind it must be gone.
        """
        device = supply.device
        keys = (supply.key, *self._load_keys(supply))
        if (
            all(device.reported.get(key, -1) >= since for key in keys)
            and device.readings[supply.key] is False
            and all(self._no_load(supply, key) for key in keys[1:])
        ):
            return keys
        return ()

    def _flows(self, supply: Supply, since: float) -> bool:
        """Return if a current was read back after the command."""
        return any(
            supply.device.reported.get(key, -1) >= since
            and not self._no_load(supply, key)
            for key in self._load_keys(supply)
        )

    def _is_proven(self, supply: Supply) -> bool:
        latch = self.latches.get(supply.id)
        return bool(
            latch
            and latch.proven
            and supply.device.available
            and self._proof(supply, 0)
        )

    @callback
    def _watch(self, gateway: Gateway, device: SafetyDevice) -> None:
        """Cut again what comes back closed, and take proof that comes late."""
        if device.uid in self._undo:
            return

        @callback
        def check() -> None:
            for supply in self.supplies_of(gateway, device):
                latch = self.latches.get(supply.id)
                if latch is None or supply.id in self._running or not device.available:
                    continue
                closed = device.readings.get(supply.key) is not False
                if closed or (not latch.proven and not self._proof(supply, 0)):
                    if closed and latch.proven:
                        for alarm in self._alarms_of(latch):
                            self._house.book.note(alarm.id, "came_back_closed")
                    latch.proven = None
                    self._start(supply, None, None, DEADLINE_SECONDS)
                elif not latch.proven:
                    latch.proven = True
                    self._store(supply.id)
                    self._tell(device)

        self._undo[device.uid] = [
            device.watch(check),
            # One that reads closed is cut again, whoever says so.
            device.listen((AVAILABILITY, *device.supplies), check),
        ]

    @callback
    def _tell(self, device: SafetyDevice) -> None:
        """Raise or clear the alarm for what could not be proven."""
        device.derive(
            cut_off_unproven=any(
                latch.device == device.uid and latch.proven is False
                for latch in self.latches.values()
            )
        )

    @callback
    def _unlatch(self, supply_id: str) -> None:
        self.latches.pop(supply_id, None)
        self._house.storage.put("latches", supply_id, None)

    def _store(self, supply_id: str) -> asyncio.Future[bool]:
        return self._house.storage.put(
            "latches", supply_id, asdict(self.latches[supply_id])
        )


def _told(results: Iterable[Result]) -> dict[str, dict[str, Any]]:
    """Return results as a timeline tells them."""
    return {
        f"{result.supply.device.name} {result.supply.key}": {
            "status": result.status.value,
            "milliseconds": result.milliseconds,
        }
        for result in results
    }
