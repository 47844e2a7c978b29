"""Verified cut-off: command, read back relay and current, prove, and cut again."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
import time
from typing import Any

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers.event import async_call_later

from ..catalogue import HAZARDS, KINDS, Scope
from ..const import DOMAIN, LOGGER, Severity
from ..localization import async_option
from .alarm import Alarm, Change
from .alarms import AlarmBook, Announcement
from .device import (
    AVAILABILITY,
    DeviceDescription,
    DeviceSettings,
    SafetyDevice,
    layout_of,
    registered,
)
from .latches import Latch, Latches, Left, LeftReason, OpeningReason, Supply
from .ports import Find
from .proving import (
    Answer,
    Pace,
    Reason,
    Status,
    async_command,
    async_prove,
    async_read_back,
)

#: Seconds for one try, and for all of them. GB 50166: linkage acts within 3 s.
TRY_SECONDS = 3.0
DEADLINE_SECONDS = 10.0
FIRST_BACKOFF_SECONDS = 0.2
#: What is left of the deadline is too short for a command: it is only read back.
LEAST_TRY_SECONDS = 0.5
#: Seconds until a supply that was proven open and is live again is cut the next time, and
#: until one that could not be opened is: a stuck relay only wears out by more commands.
AGAIN_SECONDS: tuple[int, ...] = (0, 0, 2, 5, 10, 30, 60)
RETRY_SECONDS: tuple[int, ...] = (30, 60, 120, 300, 600)
#: What is raised where that is not proven.
_UNPROVEN = HAZARDS["refused_to_open"]
#: So many drills are remembered after they ended, for automations that come late: a whole
#: compound may be tested at once.
MOST_DRILLS = 10_000

#: An open contact still shows the meter's noise: amperes, or part of the rated current.
NO_CURRENT_AMPERES = 0.1
NO_CURRENT_OF_RATED = 0.01
NO_POWER_WATTS = 5.0
#: Part of what flowed before that may still be shown: else it is a load, on standby.
LEFT_OF_BEFORE = 0.1
#: A small load must at least fall to this part, or it may as well have stayed.
LEFT_OF_SMALL = 0.5


class Checked(StrEnum):
    """How a person has checked that a supply may be closed again."""

    ON_SITE = "on_site"
    CAMERA = "camera"
    PHONE = "phone"


class Limit(StrEnum):
    """By what a current was judged to be gone."""

    #: It flowed, and is below what an open contact shows on this meter.
    NO_CURRENT = "no_current"
    #: It was small, and has fallen to a part of what it was.
    CHANGE = "change"
    #: None flowed before, so that its absence proves nothing.
    RELAY_ONLY = "relay_only"


@dataclass(frozen=True, slots=True)
class Proof:
    """The readings that were read back, and the limit by which the current was judged."""

    keys: tuple[str, ...]
    limit: Limit | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """The answer for one supply. `proof` names the readings that were read back."""

    supply: Supply
    device_name: str
    device_id: str | None
    status: Status
    milliseconds: int = 0
    proof: tuple[str, ...] = ()
    limit: Limit | None = None
    reason: Reason | None = None

    @property
    def shown(self) -> str:
        """Return what people are told: in a drill nothing was to be confirmed."""
        return (Reason.DRILL if self.reason is Reason.DRILL else self.status).value

    def as_dict(self) -> dict[str, Any]:
        """Return what a timeline keeps of it."""
        return {
            "status": self.shown,
            "milliseconds": self.milliseconds,
            **({"limit": self.limit.value} if self.limit else {}),
            **({"reason": self.reason.value} if self.reason else {}),
        }


@dataclass(slots=True)
class _Pace:
    """How often a supply was cut, and when it may be by itself again.

    Times are monotonic; `since` is when it was last begun: older reports prove nothing.
    """

    since: float = 0
    count: int = 0
    proven: bool | None = None
    next: float = 0
    told: bool = False
    #: The relay was open since, proven or not, and one that was has closed again.
    was_open: bool = False
    reclosed: bool = False
    timer: CALLBACK_TYPE | None = None

    def cancel(self) -> None:
        """End the timer."""
        if self.timer:
            self.timer()
            self.timer = None


class CutOff:
    """Opens supplies, proves it, and keeps them open."""

    def __init__(
        self,
        hass: HomeAssistant,
        book: AlarmBook,
        latches: Latches,
        find: Find,
        *,
        description: Callable[[str], DeviceDescription | None],
        settings_of: Callable[[str], DeviceSettings],
    ) -> None:
        """Initialize."""
        self._hass = hass
        self._book = book
        self._latches = latches
        self._find = find
        self._description = description
        self._settings_of = settings_of
        self._running: dict[str, asyncio.Task[Result]] = {}
        self._undo: dict[str, list[CALLBACK_TYPE]] = {}
        self._paces: dict[str, _Pace] = {}
        #: Ids of the alarms of drills, the oldest first.
        self._drills: dict[str, None] = {}
        #: What an alarm wants off as soon as it is known what is protected, and who says so.
        self._unsettled: dict[tuple[str, str | None], list[Supply]] = {}
        #: Ids of the alarms whose supplies are being closed again.
        self._closing: Counter[str] = Counter()
        book.listen(self._alarm_changed, immediate=True)

    @property
    def latches(self) -> Mapping[str, Latch]:
        """Return what is latched, by the id of the supply."""
        return self._latches.rows

    def wanted_off(self) -> AbstractSet[str]:
        """Return the ids of the alarms for which supplies are off, or are just being closed."""
        return (
            self._latches.alarms | self._closing.keys()
            if self._closing
            else self._latches.alarms
        )

    @callback
    def attach(self, device: SafetyDevice) -> None:
        """Watch the supplies of a device that are latched, and cut what a crash left."""
        for latch in self._latches.of_device(device.uid):
            # It has been away: what is not proven is tried at once.
            self._drop_pace(latch.supply)
            self._watch(device)
        for alarm in self._book.of_device(device.uid):
            is_alarm = alarm.severity is Severity.ALARM
            if alarm.present and not alarm.announced and is_alarm:
                self._cut_by_itself(alarm)

    @callback
    def detach(self, device: SafetyDevice) -> None:
        """Stop watching a device. A cut-off that is under way goes on when it is back."""
        for undo in self._undo.pop(device.uid, ()):
            undo()
        for latch in self._latches.of_device(device.uid):
            self._drop_pace(latch.supply)

    @callback
    def forget(self, uid: str) -> None:
        """Drop the latches of a device that a person has deleted."""
        for latch in self._latches.of_device(uid):
            self._latches.lift(latch.supply)
            self._drop_pace(latch.supply)

    def spares(self, latch: Latch) -> bool:
        """Return if what is latched is a protected load now, so that nobody wants it off.

        It stays latched until a person restores it, and is opened no more. What a person
        has opened by its name and with a reason stays open.
        """
        protected = self._settings_of(latch.device).protected
        return latch.reason is None and latch.key in protected

    def is_cutting(self, supply: Supply) -> bool:
        """Return if a supply is being cut: what it reports meanwhile may change again."""
        return supply.id in self._running

    def loads(self, device: SafetyDevice, supply: str) -> dict[str, float]:
        """Return what flows through a supply now, by reading: in amperes, or in watts."""
        return {
            key: abs(value)
            for key in _load_keys(device, supply)
            if isinstance(value := device.readings.get(key), float)
        }

    def is_live(self, device: SafetyDevice, supply: str) -> bool:
        """Return if more flows through a supply than through an open contact.

        Then it is closed, whatever its relay says.
        """
        return any(
            value > _noise(device, key)[1]
            for key, value in self.loads(device, supply).items()
        )

    def supplies_of(self, uid: str) -> list[Supply]:
        """Return every supply of a device, also while its gateway is not loaded."""
        if not (description := self._description(uid)):
            return []
        layout = layout_of(description.kind, description.points)
        return [Supply(uid, key) for key in layout.supplies]

    # Cutting

    async def async_cut_off(
        self,
        supplies: Iterable[Supply],
        *,
        alarm_id: str | None = None,
        who: str | None = None,
        drill: bool = False,
        deadline: float | None = None,
        protected_reason: OpeningReason | None = None,
    ) -> list[Result]:
        """Open supplies, all at once. Returns one result for each; raises nothing.

        `deadline` is in seconds, for all tries together. In a drill, also one of the
        alarm, nothing is commanded: the results say which supplies would be opened.
        A protected load is opened only with the reason that a person gives; and so is
        one of which that cannot be read, until it can.
        """
        alarm = self._book.open.get(alarm_id or "")
        drill = drill or (alarm.drill if alarm else alarm_id in self._drills)
        results: list[Result] = []
        tasks: list[asyncio.Task[Result]] = []
        for supply in supplies:
            settings = self._settings_of(supply.uid)
            protected = supply.key in settings.protected
            if protected and protected_reason is None:
                results.append(self._result(supply, Status.PROTECTED))
                continue
            if drill:
                results.append(
                    self._result(supply, Status.UNCONFIRMED, reason=Reason.DRILL)
                )
                continue
            if settings.unread and protected_reason is None:
                if alarm_id:
                    self._unsettled.setdefault((alarm_id, who), []).append(supply)
                results.append(
                    self._result(
                        supply, Status.UNCONFIRMED, reason=Reason.SETTINGS_UNREAD
                    )
                )
                continue
            self._tie(supply, alarm_id, who, protected_reason)
            self._book.cut_for(alarm_id, supply.id)
            if proof := self._standing_proof(supply):
                results.append(self._confirmed(supply, proof, 0))
            else:
                self._drop_pace(supply)
                tasks.append(
                    self._start(supply, alarm_id, who, protected_reason, deadline)
                )
        if tasks:
            # A caller that goes away does not end the cut-off of the others.
            results += await asyncio.gather(*(asyncio.shield(task) for task in tasks))
        self._book.note(
            alarm_id,
            "drill" if drill else "cut_off",
            who=who,
            supplies=_told(results),
        )
        return results

    @callback
    def settings_found(self) -> None:
        """Cut what alarms still want off, now that it is known what is protected."""
        unsettled, self._unsettled = self._unsettled, {}
        for (alarm_id, who), supplies in unsettled.items():
            alarm = self._book.open.get(alarm_id)
            if alarm and alarm.present:
                self._hass.async_create_background_task(
                    self.async_cut_off(supplies, alarm_id=alarm_id, who=who),
                    f"{DOMAIN} late cut-off for {alarm_id}",
                )

    @callback
    def _alarm_changed(self, item: Announcement) -> None:
        alarm = item.alarm
        if alarm.drill:
            self._drills[alarm.id] = None
            if len(self._drills) > MOST_DRILLS:
                del self._drills[next(iter(self._drills))]
        # As it was announced: what cuts is what was reported, whatever it is by now.
        is_alarm = item.data["severity"] == Severity.ALARM
        if is_alarm and item.change in (Change.RAISED, Change.RETURNED):
            self._cut_by_itself(alarm)
            if alarm.returns:
                self._cut_anew(alarm)

    @callback
    def _cut_by_itself(self, alarm: Alarm) -> None:
        """Cut a device's own supplies where the catalogue says so."""
        # Its gateway may have been unloaded since it was reported.
        description = self._description(alarm.device)
        if alarm.drill or not description:
            return
        if any(
            row.key == alarm.hazard and row.cuts_off is Scope.DEVICE
            for row in KINDS[description.kind].hazards
        ):
            self._hass.async_create_background_task(
                self.async_cut_off(self.supplies_of(alarm.device), alarm_id=alarm.id),
                f"{DOMAIN} cut-off of {alarm.device}",
            )

    @callback
    def _cut_anew(self, alarm: Alarm) -> None:
        """Open and prove again what was opened for an alarm whose hazard has returned.

        Somebody may have restored it in between.
        """
        again: list[Supply] = []
        for supply_id in alarm.supplies:
            uid, _slash, key = supply_id.rpartition("/")
            supply = Supply(uid, key)
            again.append(supply)
            if latch := self._latches.get(supply):
                latch.proven = None
        if again:
            self._hass.async_create_background_task(
                self.async_cut_off(again, alarm_id=alarm.id),
                f"{DOMAIN} cut-off anew of {alarm.id}",
            )

    def _alarms_of(self, latch: Latch) -> list[Alarm]:
        """Return the open alarms that want a supply off."""
        book = self._book
        return [book.open[key] for key in latch.alarms if key in book.open]

    @callback
    def _tie(
        self,
        supply: Supply,
        alarm_id: str | None,
        who: str | None,
        reason: OpeningReason | None,
    ) -> None:
        """Let a supply that is cut already stay off as long as one more alarm lasts.

        Or for the reason of a person.
        """
        if not (latch := self._latches.get(supply)):
            return
        if reason:
            latch.reason, latch.who = reason, who
        elif alarm_id and alarm_id not in latch.alarms:
            latch.alarms = [*(alarm.id for alarm in self._alarms_of(latch)), alarm_id]
        else:
            return
        self._latches.store(latch)

    def _start(
        self,
        supply: Supply,
        alarm_id: str | None,
        who: str | None,
        reason: OpeningReason | None,
        deadline: float | None,
        *,
        asking_first: bool = False,
    ) -> asyncio.Task[Result]:
        """Return the task that cuts a supply, the one that runs already if there is."""
        if task := self._running.get(supply.id):
            return task
        now = time.monotonic()
        latch = self._latches.get(supply) or self._latches.add(
            supply, alarm_id, who, reason, self._loads(supply)
        )
        if found := self._find(supply.uid):
            self._watch(found[1])

        def ended(_task: asyncio.Task[Result]) -> None:
            self._running.pop(supply.id, None)
            if found := self._find(supply.uid):
                found[1].supply_settled(supply.key)

        self._pace(supply).since = now
        task = self._running[supply.id] = self._hass.async_create_background_task(
            self._async_open(
                supply, latch, now, deadline or DEADLINE_SECONDS, asking_first
            ),
            f"{DOMAIN} cut-off of {supply.id}",
        )
        task.add_done_callback(ended)
        return task

    async def _async_open(
        self,
        supply: Supply,
        latch: Latch,
        begun: float,
        deadline: float,
        asking_first: bool,
    ) -> Result:
        result = await self._async_command(
            supply,
            False,
            begun,
            deadline,
            lambda device, since: self._proof(device, latch, since),
            asking_first=asking_first,
        )
        if self._latches.get(supply) is latch and not self.spares(latch):
            # Else a person has restored, protected or deleted it meanwhile.
            self._conclude(latch, result, asking_first)
        return result

    @callback
    def _conclude(self, latch: Latch, result: Result, was_asked: bool) -> None:
        """Keep what a cut-off came to, and when it may be tried again."""
        supply = latch.supply
        latch.proven = result.status is Status.CONFIRMED
        if not latch.proven:
            latch.milliseconds = None
        elif not was_asked or latch.milliseconds is None:
            # How long an answer takes later says nothing of how soon it was off.
            latch.milliseconds = result.milliseconds
        latch.limit, latch.unproven = result.limit, result.reason
        self._latches.store(latch)
        self._tell(supply.uid)
        pace = self._pace(supply)
        if pace.proven is not latch.proven:
            pace.proven, pace.count = latch.proven, 0
        if not latch.proven:
            steps = RETRY_SECONDS
            # One line for each trouble, however often it is tried.
            LOGGER.log(
                10 if pace.told else 40,
                "Cut-off of %s is not proven (%s): %s",
                supply.id,
                result.status,
                result.reason,
            )
            pace.told = True
        else:
            steps = AGAIN_SECONDS
            if pace.told:
                LOGGER.warning("Cut-off of %s is proven now", supply.id)
            pace.told = pace.reclosed = False
        found = self._find(supply.uid)
        pace.was_open = bool(found and found[1].readings.get(supply.key) is False)
        pace.next = time.monotonic() + steps[min(pace.count, len(steps) - 1)]
        pace.count += 1

    # Restoring

    async def async_restore(
        self, supplies: Iterable[Supply], *, who: str, checked: Checked | None = None
    ) -> list[Result]:
        """Close latched supplies again, by a person, who says how it was checked.

        Raises ServiceValidationError if none of them is latched, or if the hazard that
        cut one of them is still present; then nothing is changed. No hazard wants a
        protected load off.
        """
        supplies = list(supplies)
        if running := [
            self._running[item.id] for item in supplies if item.id in self._running
        ]:
            # Else a supply would be told to open and to close in turns.
            await asyncio.wait(running)
        latched = [latch for item in supplies if (latch := self._latches.get(item))]
        if not latched:
            raise ServiceValidationError(
                translation_domain=DOMAIN, translation_key="nothing_to_restore"
            )
        for alarm in self._wanting(latched):
            if alarm.present:
                raise ServiceValidationError(
                    translation_domain=DOMAIN,
                    translation_key="still_present",
                    translation_placeholders={
                        "device": alarm.device_name,
                        "hazard": async_option(self._hass, "hazard", alarm.hazard),
                    },
                )
        wanted = {latch.supply.id: latch.alarms for latch in latched}
        closing = [key for keys in wanted.values() for key in keys]
        # Their incident may be over with this, and has to hold who has done it.
        self._closing.update(closing)
        try:
            results = await asyncio.gather(
                *(self._async_close(latch.supply) for latch in latched)
            )
            for alarm_id in dict.fromkeys(closing):
                self._book.note(
                    alarm_id,
                    "restored",
                    who=who,
                    checked=checked,
                    # Not as `supplies`: those are what was opened.
                    restored=_told(
                        row for row in results if alarm_id in wanted[row.supply.id]
                    ),
                )
        finally:
            self._closing -= Counter(closing)
        return list(results)

    def _wanting(self, latches: Iterable[Latch]) -> Iterator[Alarm]:
        """Yield the alarms that want supplies off, but for those that are protected by now."""
        for latch in latches:
            if not self.spares(latch):
                yield from self._alarms_of(latch)

    def are_wanted_off(self, latches: Iterable[Latch]) -> bool:
        """Return if a hazard that is still there wants one of these off."""
        return any(alarm.present for alarm in self._wanting(latches))

    @callback
    def leave_off(
        self,
        latches: Iterable[Latch],
        until: date,
        why: LeftReason,
        *,
        who: str,
        comment: str | None = None,
    ) -> None:
        """Put the restore of supplies off until a day, by a person who says why.

        Nothing closes them then: it is told that the day has come. `comment` is a person's
        words.
        """
        left = Left(until=until.isoformat(), why=why, who=who)
        words = {"text": comment} if comment else {}
        latches = list(latches)
        for latch in latches:
            latch.left = left
            self._latches.store(latch)
        self._note_left(
            latches, "left_off", who=who, until=left.until, reason=why, **words
        )

    @callback
    def remind(self, today: date) -> None:
        """Tell of the supplies that were to be off until today, once."""
        due = [
            latch
            for latch in self._latches.rows.values()
            if latch.left and not latch.left.is_due and latch.left.until <= str(today)
        ]
        for latch in due:
            assert latch.left
            latch.left = replace(latch.left, is_due=True)
            self._latches.store(latch)
        self._note_left(due, "left_off_due")

    def _note_left(self, latches: Iterable[Latch], what: str, **details: Any) -> None:
        """Note on the timeline of each alarm which of its supplies that is about."""
        names: dict[str, list[str]] = {}
        for latch in latches:
            for alarm_id in latch.alarms:
                names.setdefault(alarm_id, []).append(
                    f"{self.name(latch.device)} {latch.key}"
                )
        for alarm_id, supplies in names.items():
            self._book.note(alarm_id, what, left=supplies, **details)

    async def _async_close(self, supply: Supply) -> Result:
        if not self._find(supply.uid):
            # It could not be told to close, and nobody would know of it any more.
            return self._result(supply, Status.UNCONFIRMED, reason=Reason.GONE)
        self._latches.lift(supply)
        self._drop_pace(supply)
        self._tell(supply.uid)

        def closed(device: SafetyDevice, since: float) -> Proof | None:
            if (
                device.reported.get(supply.key, -1) >= since
                and device.readings[supply.key] is True
            ):
                return Proof((supply.key,))
            return None

        return await self._async_command(
            supply, True, time.monotonic(), DEADLINE_SECONDS, closed
        )

    # Command and read back

    async def _async_command(
        self,
        supply: Supply,
        closed: bool,
        begun: float,
        deadline: float,
        proof: Callable[[SafetyDevice, float], Proof | None],
        *,
        asking_first: bool = False,
    ) -> Result:
        """Command a supply until it is proven, or until the deadline.

        The device is looked up for each try: a reload in between makes it anew.
        """
        end = begun + deadline
        since = time.monotonic()
        asking = asking_first

        async def command(until: float) -> Answer | None:
            nonlocal asking
            only_ask, asking = asking, False
            if not (found := self._find(supply.uid)):
                asking = only_ask
                return None
            port, device = found
            # A relay that says it is open has obeyed: to repeat it proves nothing.
            obeyed = (
                device.reported.get(supply.key, -1) >= since
                and device.readings.get(supply.key) is closed
            )
            if only_ask or obeyed or end - time.monotonic() < LEAST_TRY_SECONDS:
                return None
            self._note_load(supply)
            return await async_command(
                port.async_set(device, supply.key, closed), until, supply.id
            )

        proven = await async_prove(
            Pace(each=TRY_SECONDS, deadline=deadline, backoff=FIRST_BACKOFF_SECONDS),
            begun,
            wanted=lambda: self._is_wanted(supply, closed),
            command=command,
            read_back=lambda until: async_read_back(
                self._find,
                supply.uid,
                lambda device: (supply.key, *_load_keys(device, supply.key)),
                lambda device: proof(device, since),
                until,
            ),
        )
        if isinstance(proven, Proof):
            elapsed = round((time.monotonic() - begun) * 1000)
            return self._confirmed(supply, proven, elapsed)
        if proven is Reason.OVERTAKEN:
            return self._result(supply, Status.FAILED, begun=begun, reason=proven)
        return self._unproven(supply, closed, begun, since, proven)

    def _is_wanted(self, supply: Supply, closed: bool) -> bool:
        """Return if a supply is still to be closed, or to be opened."""
        latch = self._latches.get(supply)
        return latch is None if closed else bool(latch and not self.spares(latch))

    def _unproven(
        self,
        supply: Supply,
        closed: bool,
        begun: float,
        since: float,
        reason: Reason | None,
    ) -> Result:
        """Return what is known of a supply whose time is over."""
        if not (found := self._find(supply.uid)):
            return self._result(
                supply, Status.UNCONFIRMED, begun=begun, reason=Reason.GONE
            )
        device = found[1]
        is_read = device.reported.get(supply.key, -1) >= since
        failed = True
        if is_read and device.readings.get(supply.key) is not closed:
            reason = reason or Reason.CONTRADICTED
        elif not closed and self._flows(device, supply, since):
            reason = reason or Reason.CURRENT_FLOWS
        elif not reason:
            failed = False
            reason = Reason.CURRENT_UNKNOWN if is_read else Reason.RELAY_UNKNOWN
        return self._result(
            supply,
            Status.FAILED if failed else Status.UNCONFIRMED,
            begun=begun,
            reason=reason,
        )

    # Proof

    def _loads(self, supply: Supply) -> dict[str, float]:
        """Return what flows now, as the meter itself has said: in amperes, or in watts.

        That something has gone of which it was only remembered would prove nothing.
        """
        if not (found := self._find(supply.uid)):
            return {}
        device = found[1]
        return {
            key: value
            for key, value in self.loads(device, supply.key).items()
            if key in device.reported
        }

    def _note_load(self, supply: Supply) -> None:
        """Keep what flows before a supply is opened; of several tries the most counts."""
        if latch := self._latches.get(supply):
            for key, value in self._loads(supply).items():
                latch.before[key] = max(value, latch.before.get(key, 0))

    def _proof(self, device: SafetyDevice, latch: Latch, since: float) -> Proof | None:
        """Return what proves an open supply, None if something is missing.

        The relay must say open, and every current behind it must be gone.
        """
        keys = _load_keys(device, latch.key)
        if (
            any(device.reported.get(key, -1) < since for key in (latch.key, *keys))
            or device.readings.get(latch.key) is not False
        ):
            return None
        found: set[Limit] = set()
        for key in keys:
            most, limit = _most(device, key, latch.before.get(key, 0))
            value = device.readings.get(key)
            if not isinstance(value, float) or abs(value) > most:
                return None
            found.add(limit)
        if Limit.NO_CURRENT in found or Limit.CHANGE in found:
            limit = Limit.CHANGE if Limit.CHANGE in found else Limit.NO_CURRENT
            return Proof((latch.key, *keys), limit)
        return Proof((latch.key,), Limit.RELAY_ONLY)

    def _flows(self, device: SafetyDevice, supply: Supply, since: float) -> bool:
        """Return if a current was read back after the command."""
        latch = self._latches.get(supply)
        return any(
            device.reported.get(key, -1) >= since
            and isinstance(value := device.readings.get(key), float)
            and abs(value) > _most(device, key, latch.before.get(key, 0))[0]
            for key in _load_keys(device, supply.key)
            if latch
        )

    def _standing_proof(self, supply: Supply) -> Proof | None:
        """Return the proof of a supply that was cut before and still is."""
        latch = self._latches.get(supply)
        found = self._find(supply.uid)
        if latch and latch.proven and found and found[1].available:
            # While it was away, anybody may have closed it.
            return self._proof(found[1], latch, found[1].available_since)
        return None

    def _result(
        self,
        supply: Supply,
        status: Status,
        *,
        begun: float | None = None,
        reason: Reason | None = None,
    ) -> Result:
        device_id, name = self.named(supply.uid)
        return Result(
            supply,
            name,
            device_id,
            status,
            0 if begun is None else round((time.monotonic() - begun) * 1000),
            reason=reason,
        )

    def name(self, uid: str) -> str:
        """Return the name of a device, also while its gateway is not loaded."""
        return self.named(uid)[1]

    def named(self, uid: str) -> tuple[str | None, str]:
        """Return the registry's id and the name of a device, also of one that is away."""
        if found := self._find(uid):
            return found[1].device_id, found[1].name
        entry = registered(self._hass, uid)
        description = self._description(uid)
        name = entry and (entry.name_by_user or entry.name)
        name = name or (description.name if description else uid)
        return (entry.id if entry else None), name

    def _confirmed(self, supply: Supply, proof: Proof, milliseconds: int) -> Result:
        return replace(
            self._result(supply, Status.CONFIRMED),
            milliseconds=milliseconds,
            proof=proof.keys,
            limit=proof.limit,
        )

    # Watching

    @callback
    def _watch(self, device: SafetyDevice) -> None:
        """Cut again what comes back live, and take proof that comes late."""
        if device.uid in self._undo:
            return

        @callback
        def check() -> None:
            for latch in self._latches.of_device(device.uid):
                self._check(device, latch)

        self._undo[device.uid] = [
            device.watch(check),
            # One that reads closed is cut again, whoever says so.
            device.listen((AVAILABILITY, *device.supplies), check),
        ]

    @callback
    def _check(self, device: SafetyDevice, latch: Latch) -> None:
        supply = latch.supply
        if self.spares(latch):
            self._drop_pace(supply)
            # What was proven holds as long as nobody closes it.
            if latch.proven and self._came_back(device, latch):
                latch.proven = None
                self._latches.store(latch)
            self._tell(device.uid)
            return
        pace, is_cutting = self._pace(supply), self.is_cutting(supply)
        if not device.available:
            if latch.proven and not is_cutting:
                # While it is away, anybody may close it: what it has said proves nothing.
                latch.proven = None
                pace.since = time.monotonic()
                self._latches.store(latch)
            return
        live = self._came_back(device, latch)
        # It was, perhaps before it was away or this run has begun.
        was_proven = latch.proven or (
            latch.proven is None and latch.milliseconds is not None
        )
        if live and was_proven:
            # Also while it is asked how it is: cut again it would never have been back.
            for alarm in self._alarms_of(latch):
                self._book.note(alarm.id, live, supply=f"{device.name} {latch.key}")
            # What flows now is what the next proof is held against.
            latch.before = self._loads(supply)
            latch.proven = False
            latch.milliseconds = latch.limit = None
            latch.unproven = (
                Reason.CONTRADICTED
                if live == "came_back_closed"
                else Reason.CURRENT_FLOWS
            )
            self._tell(device.uid)
        if is_cutting:
            return
        relay = device.readings.get(latch.key)
        if relay is True and pace.was_open and not pace.reclosed:
            # Somebody closes it: that is no stuck relay, the first time.
            pace.reclosed, pace.next = True, 0
        pace.was_open = relay is False
        if not live and relay is False:
            if not latch.proven and (proof := self._proof(device, latch, pace.since)):
                latch.proven = True
                latch.limit, latch.unproven = proof.limit, None
                if latch.milliseconds is None:
                    # It was proven once: what is live after that has come back.
                    latch.milliseconds = max(0, round((time.time() - latch.at) * 1000))
                self._latches.store(latch)
                self._tell(device.uid)
            if latch.proven:
                return
        if latch.proven:
            # It was before a restart: nobody knows what it is now.
            latch.proven = None
        if (left := pace.next - time.monotonic()) <= 0:
            pace.cancel()
            # One that says nothing, or open as was proven before, is perhaps to be asked alone.
            asking_first = relay is None or (
                relay is False and latch.proven is None and was_proven
            )
            self._start(supply, None, None, None, None, asking_first=asking_first)
        elif pace.timer is None:

            @callback
            def again(_now: datetime) -> None:
                pace.timer = None
                found = self._find(supply.uid)
                if found and self._latches.get(supply) is latch:
                    self._check(found[1], latch)

            pace.timer = async_call_later(self._hass, left, again)

    def _came_back(self, device: SafetyDevice, latch: Latch) -> str | None:
        """Return how a supply that should be open shows that it is not."""
        if latch.key in device.reported and device.readings[latch.key] is True:
            return "came_back_closed"
        for key in _load_keys(device, latch.key):
            value = device.readings.get(key)
            if not isinstance(value, float) or key not in device.reported:
                continue
            noise, nothing = _noise(device, key)
            most, _limit = _most(device, key, latch.before.get(key, 0))
            # Wider than the proof: a meter that trembles must not raise an alarm.
            if abs(value) > min(nothing, max(2 * most, 2 * noise)):
                return "current_returned"
        return None

    def _pace(self, supply: Supply) -> _Pace:
        return self._paces.setdefault(supply.id, _Pace())

    @callback
    def _drop_pace(self, supply: Supply) -> None:
        if pace := self._paces.pop(supply.id, None):
            pace.cancel()

    @callback
    def _tell(self, uid: str) -> None:
        """Raise or clear the alarm for what could not be proven."""
        proven = [
            latch.proven
            for latch in self._latches.of_device(uid)
            if not self.spares(latch)
        ]
        unproven = False in proven
        if found := self._find(uid):
            device = found[1]
            if None in proven:
                # That nothing is known of one yet ends no alarm.
                unproven = unproven or device.readings.get("cut_off_unproven") is True
            device.derive(cut_off_unproven=unproven)
        elif unproven:
            self._book.report_away(uid, *self.named(uid), _UNPROVEN, Severity.ALARM)


def _told(results: Iterable[Result]) -> dict[str, dict[str, Any]]:
    """Return results as a timeline tells them."""
    return {f"{row.device_name} {row.supply.key}": row.as_dict() for row in results}


def _load_keys(device: SafetyDevice, supply: str) -> tuple[str, ...]:
    """Return the readings that show a load: current, or power without it."""
    return device.related("current", supply) or device.related("power", supply)


def _noise(device: SafetyDevice, key: str) -> tuple[float, float]:
    """Return what a meter may show of nothing, and the most that an open contact shows.

    Both in amperes, or in watts.
    """
    if device.points[key].measurement.key == "power":
        return NO_POWER_WATTS, NO_POWER_WATTS
    rated = device.limit("rated_current") * NO_CURRENT_OF_RATED
    return NO_CURRENT_AMPERES, max(NO_CURRENT_AMPERES, rated)


def _most(device: SafetyDevice, key: str, before: float) -> tuple[float, Limit]:
    """Return the most that a proven cut-off leaves of what flowed before, and why.

    A standby current lies below what an open contact may show, so that its own fall counts.
    """
    noise, nothing = _noise(device, key)
    if before <= noise:
        return noise, Limit.RELAY_ONLY
    most = min(max(noise, before * LEFT_OF_BEFORE), before * LEFT_OF_SMALL)
    if most < nothing:
        return most, Limit.CHANGE
    return nothing, Limit.NO_CURRENT
