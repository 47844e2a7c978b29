"""The alarm book: raised, acknowledged, cleared, returned, closed; stored before announced."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
import time
from typing import Any

from homeassistant.core import CALLBACK_TYPE, Context, HassJob, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.event import async_call_later
from homeassistant.util.ulid import ulid_now

from ..catalogue import HAZARDS
from ..catalogue.model import Hazard
from ..const import EVENT_ALARM, LOGGER, Severity
from .alarm import Alarm, Cause, Change, Outcome, Reason, Report, Said, ShelfReason
from .authority import user_of
from .hazards import LONGEST_TEST_SECONDS
from .incidents import Incidents
from .selftests import SelfTests
from .storage import Storage
from .telling import tell

MOST_TIMELINE = 200
#: Of answers so many stay on a timeline, and so many of one person: a thousand people who
#: press a button push out no proof.
MOST_SAID = 60
MOST_SAID_BY_ONE = 6
#: Who hears an alarm has begun to act after this many seconds, and what they do is on disk
#: too. A crash before that announces the alarm again: twice is better than never.
ACTED_SECONDS = 0.5
#: Entities wait no longer than this, in seconds, for alarms that follow each other.
DRAW_SECONDS = 0.5
#: A hazard that returns calls people again only if it was gone for so long, in seconds,
#: and nobody has said within the last minutes that they go.
GONE_SECONDS = 60
HEEDED_SECONDS = 600
#: So long a warning or fault can be shelved, in seconds.
LEAST_SHELVED_SECONDS = 15 * 60
MOST_SHELVED_SECONDS = 8 * 3600


@dataclass(frozen=True, slots=True)
class Announcement:
    """One change of one alarm; `data` is the event's and trigger's data.

    The context names the user whose doing it is, for the logbook and for traces.
    """

    alarm: Alarm
    change: Change
    data: dict[str, Any]
    context: Context


type Listener = Callable[[Announcement], None]
#: Returns the registry's id and the name of a device, also of one that is away.
type Named = Callable[[str], tuple[str | None, str]]


class AlarmBook:
    """All alarms of this Home Assistant.

    Listeners that are `immediate` hear a change as soon as it is stored (entities, the
    cut-off). The others, triggers and the event bus, wait until Home Assistant has
    started, because before that no automation listens.
    """

    def __init__(self, hass: HomeAssistant, storage: Storage) -> None:
        """Initialize."""
        self._hass = hass
        self._storage = storage
        self.incidents = Incidents()
        self.tests = SelfTests(storage)
        self.open: dict[str, Alarm] = {}
        #: By device, and there by hazard and drill: a drill never hides a real one.
        self._of: dict[str, dict[tuple[str, bool], Alarm]] = {}
        self._listeners: dict[bool, list[Listener]] = {True: [], False: []}
        self._device_listeners: dict[str, list[Listener]] = {}
        self._held_back: list[Announcement] | None = []
        self._told: list[Alarm] = []
        self._acted: asyncio.TimerHandle | None = None
        #: How many changes are not announced yet, and what is drawn after them.
        self._unannounced = 0
        self._undrawn: list[CALLBACK_TYPE] = []
        self._drawing: asyncio.TimerHandle | None = None
        #: What ends by itself, a drill or a shelf, by alarm.
        self._timers: dict[str, CALLBACK_TYPE] = {}
        #: What has just closed by itself, the oldest first: it may return at once.
        self._lately: dict[tuple[str, str, bool], Alarm] = {}

    @callback
    def restore(self, rows: Iterable[dict[str, Any]]) -> None:
        """Take over the open alarms of an earlier run, also while this one goes on."""
        found: list[Alarm] = []
        raised_since = frozenset(self.open)
        for row in rows:
            try:
                alarm = Alarm.from_dict(row)
            except (TypeError, ValueError) as err:
                # The others are needed all the more. The row stays on disk.
                LOGGER.error("An alarm cannot be taken over: %s", err)
                continue
            key = alarm.hazard, alarm.drill
            newer = self._of.get(alarm.device, {}).get(key)
            self._open(alarm)
            if newer and newer.id in raised_since:
                # It was raised anew before this one could be read, and goes on alone.
                self._of[alarm.device][key] = newer
                newer.supplies = list(dict.fromkeys(alarm.supplies + newer.supplies))
                self._save(newer)
                alarm.cleared_at = alarm.cleared_at or time.time()
                self._close(alarm, Reason.SUPERSEDED)
                self._save(alarm, Change.CLOSED)
            else:
                found.append(alarm)
        for alarm in found:
            if alarm.hazard not in HAZARDS and alarm.present:
                # Nothing measures it any more: nothing would ever end it.
                self._clear(alarm)
            elif self._held_back is None and not alarm.announced:
                self._announce(self._announcement(alarm, Change.RAISED))

    async def async_restore_closed(self) -> None:
        """Take over the closed alarms for which supplies are still off."""
        for row in await self._storage.async_rows(
            "alarms", self.incidents.wanted_off() - self.open.keys()
        ):
            try:
                self.incidents.join(Alarm.from_dict(row))
            except (TypeError, ValueError) as err:
                LOGGER.warning("A closed alarm cannot be read: %s", err)

    @callback
    def started(self) -> None:
        """Announce what was held back until Home Assistant had started.

        An alarm that an earlier run stored but did not live to announce comes first.
        """
        held_back, self._held_back = self._held_back or [], None
        new = {item.alarm.id for item in held_back if item.change is Change.RAISED}
        for alarm in tuple(self.open.values()):
            if not alarm.announced and alarm.id not in new:
                self._announce(self._announcement(alarm, Change.RAISED))
        for item in held_back:
            self._announce(item)

    @callback
    def store_announced(self) -> None:
        """Store which alarms were announced; also to be called at the end of the run."""
        if self._acted:
            self._acted.cancel()
            self._acted = None
        told, self._told = self._told, []
        for alarm in told:
            alarm.announced = True
            self._save(alarm)

    @callback
    def stop(self) -> None:
        """End what ends by itself: the house was given up before it has begun."""
        for cancel in self._timers.values():
            cancel()
        self._timers.clear()

    @callback
    def listen(self, listener: Listener, *, immediate: bool = False) -> CALLBACK_TYPE:
        """Call a listener at every change. Returns a function that ends this."""
        listeners = self._listeners[immediate]
        listeners.append(listener)
        return lambda: listeners.remove(listener)

    @callback
    def listen_device(self, device: str, listener: Listener) -> CALLBACK_TYPE:
        """Call a listener at every change of one device's alarms, once stored.

        Returns a function that ends this.
        """
        listeners = self._device_listeners.setdefault(device, [])
        listeners.append(listener)
        return lambda: listeners.remove(listener)

    @property
    def is_announcing(self) -> bool:
        """Return if changes are being stored, to be announced then."""
        return self._unannounced > 0

    @callback
    def draw(self, draw: CALLBACK_TYPE) -> None:
        """Call what writes states once all that is being stored was announced.

        The recorder takes states up in a thread of its own. Python runs one thread at a
        time: that one would take the turn of the thread that stores the alarm.
        """
        self._undrawn.append(draw)
        if not self._unannounced:
            self._draw()
        elif self._drawing is None:
            self._drawing = self._hass.loop.call_later(DRAW_SECONDS, self._draw)

    def _draw(self) -> None:
        if self._drawing:
            self._drawing.cancel()
            self._drawing = None
        undrawn, self._undrawn = self._undrawn, []
        tell(undrawn)

    def present(self, device: str, hazard: str) -> Severity | None:
        """Return how badly a hazard is recorded as present, None if it is not."""
        alarm = self._of.get(device, {}).get((hazard, False))
        return alarm.severity if alarm and alarm.present else None

    def of_device(self, device: str) -> list[Alarm]:
        """Return the open alarms of a device, the oldest first."""
        return list(self._of.get(device, {}).values())

    @callback
    def report(self, report: Report) -> None:
        """Take how a hazard stands now."""
        here = self._of.get(report.device, {})
        real, drill = here.get((report.hazard, False)), here.get((report.hazard, True))
        if report.severity is None:
            for alarm in (real, drill):
                if alarm and alarm.present:
                    self._clear(alarm)
            return
        # A test makes no drill of what was there before it.
        is_drill = report.drill and not (real and real.present)
        alarm = (drill if is_drill else real) or self._reopen(report, is_drill)
        if alarm is None:
            self._raise(report, report.severity, is_drill)
        elif not alarm.present:
            self._return(alarm, report, report.severity)
        elif report.severity.rank > alarm.severity.rank:
            self._worsen(alarm, report, report.severity)
            self._save(alarm, Change.RAISED)
        elif [*report.causes] != alarm.causes:
            alarm.causes = [*report.causes]
            self._save(alarm)
        if not is_drill:
            # After it: the alarm waits for nothing.
            self.end_drills(report.device, Reason.SUPERSEDED)

    @callback
    def report_away(
        self,
        uid: str,
        device_id: str | None,
        name: str,
        hazard: Hazard,
        severity: Severity,
    ) -> None:
        """Raise an alarm of a device that is away, which takes it over when it is back."""
        self.report(
            Report(
                device=uid,
                device_id=device_id,
                device_name=name,
                hazard=hazard.key,
                severity=severity,
                nature=hazard.nature,
            )
        )

    @callback
    def acknowledge(self, alarm: Alarm, who: str | None) -> None:
        """Note that somebody has seen an alarm. Raises nothing; twice does nothing."""
        if alarm.acknowledged_at is None:
            alarm.acknowledged_at = time.time()
            self._note(alarm, Change.ACKNOWLEDGED, who=who)
            self._save(alarm, Change.ACKNOWLEDGED, who)

    @callback
    def reset(
        self,
        alarm: Alarm,
        who: str | None,
        *,
        outcome: Outcome,
        cause: Cause = Cause.UNKNOWN,
    ) -> None:
        """Close a cleared alarm by a person. Raises ValueError while it is present."""
        if alarm.present:
            raise ValueError("still present")
        self._close(alarm, Reason.RESET, who=who, outcome=outcome, cause=cause)
        self._save(alarm, Change.CLOSED, who)

    @callback
    def shelve(
        self,
        alarm: Alarm,
        who: str,
        seconds: float,
        reason: ShelfReason,
        comment: str | None = None,
    ) -> None:
        """Let an alarm call nobody for a while, by a person who has seen it.

        It stays open meanwhile, and its returns are counted on its timeline. It worsens,
        and calls, all the same. `comment` is a person's words.
        """
        if alarm.id not in self.open:
            return
        self.acknowledge(alarm, who)
        alarm.shelved_until = until = time.time() + seconds
        words = {"text": comment} if comment else {}
        self._note(alarm, "shelved", who=who, until=until, reason=reason, **words)
        self._wait_for_end(alarm)
        self._save(alarm, Change.NOTED, who)

    @callback
    def unshelve(self, alarm: Alarm, who: str | None = None) -> None:
        """Take an alarm off its shelf: a person does, or its time is over.

        What has gone meanwhile is closed. Else it calls people, if nobody is here who did
        this.
        """
        if alarm.shelved_until is None:
            return
        self._off_shelf(alarm, who)
        if not alarm.present and not alarm.latches:
            self._close(alarm, Reason.CLEARED)
            self._save(alarm, Change.CLOSED, who)
        elif alarm.present and who is None:
            alarm.acknowledged_at = None
            self._save(alarm, Change.RAISED)
        else:
            self._save(alarm, Change.NOTED, who)

    def _off_shelf(self, alarm: Alarm, who: str | None = None) -> None:
        self._stop_waiting(alarm)
        alarm.shelved_until = None
        self._note(alarm, "unshelved", who=who)

    @callback
    def cut_for(self, alarm_id: str | None, supply: str) -> None:
        """Keep which supply is opened for an open alarm."""
        alarm = self.open.get(alarm_id or "")
        if alarm and supply not in alarm.supplies:
            alarm.supplies.append(supply)
            self._save(alarm)

    @callback
    def end_drills(
        self,
        device: str,
        reason: Reason = Reason.TEST_ENDED,
        *,
        who: str | None = None,
    ) -> None:
        """Close the drills of a device; `who` has ended them."""
        by = {"who": who} if who else {}
        for alarm in self.of_device(device):
            if alarm.drill:
                self._close(alarm, reason, **by)
                self._save(alarm, Change.CLOSED, who)

    @callback
    def drop_device(self, device: str) -> None:
        """Close the alarms of a device that was removed."""
        for alarm in self.of_device(device):
            alarm.cleared_at = alarm.cleared_at or time.time()
            self._close(alarm, Reason.REMOVED)
            self._save(alarm, Change.CLOSED)
        for key in [key for key in self._lately if key[0] == device]:
            del self._lately[key]
        self.tests.forget(device)

    @callback
    def note(
        self, alarm_id: str | None, what: str, *, who: str | None = None, **details: Any
    ) -> None:
        """Add to the timeline of an alarm; an unknown id is passed over.

        It may be closed, as long as its incident is not over.
        """
        if alarm := self.open.get(alarm_id or "") or self.incidents.alarm(alarm_id):
            self._note(alarm, what, who=who, **details)
            self._save(alarm, Change.NOTED, who)

    @callback
    def said(self, alarm_id: str, said: Said, *, who: str, at: float) -> None:
        """Add what somebody has answered to the timeline of an alarm, as `note` does."""
        alarm = self.open.get(alarm_id) or self.incidents.alarm(alarm_id)
        if alarm is None:
            return
        before = [row for row in alarm.timeline if row["what"] in set(Said)]
        own = [row for row in before if row.get("who") == who]
        if len(own) >= MOST_SAID_BY_ONE:
            alarm.timeline.remove(own[0])
        elif len(before) >= MOST_SAID:
            alarm.timeline.remove(before[0])
        self._note(alarm, said, who=who, at=at)
        self._save(alarm, Change.NOTED, who)

    def _raise(self, report: Report, severity: Severity, drill: bool) -> None:
        alarm = Alarm(
            id=ulid_now(),
            device=report.device,
            device_id=report.device_id,
            device_name=report.device_name,
            hazard=report.hazard,
            severity=severity,
            nature=report.nature,
            raised_at=time.time(),
            area_id=area_of(self._hass, report.device_id),
            drill=drill,
            causes=[*report.causes],
        )
        self._open(alarm)
        if drill:
            self.tests.found(alarm.device, alarm.hazard, alarm.id)
        self._note(alarm, Change.RAISED, severity=severity, **report.values)
        self._save(alarm, Change.RAISED)

    def _reopen(self, report: Report, drill: bool) -> Alarm | None:
        """Open again what closed by itself a moment ago: at its threshold it is one alarm."""
        alarm = self._lately.pop((report.device, report.hazard, drill), None)
        if not alarm or not _within(alarm.closed_at, time.time(), GONE_SECONDS):
            return None
        alarm.closed_at = alarm.closed_by = None
        self._open(alarm)
        return alarm

    def _return(self, alarm: Alarm, report: Report, severity: Severity) -> None:
        """Take a hazard that comes back: a detector at its threshold is one alarm."""
        now = time.time()
        alarm.causes = [*report.causes]
        # A clock that was set back is no reason to call nobody.
        calls = (
            alarm.shelved_until is None
            and not _within(alarm.cleared_at, now, GONE_SECONDS)
            and not _within(alarm.acknowledged_at, now, HEEDED_SECONDS)
        )
        alarm.cleared_at = None
        alarm.returns += 1
        if calls:
            alarm.acknowledged_at = None
        if [item["what"] for item in alarm.timeline[-2:]] == ["returned", "cleared"]:
            # The hundredth time must not push out who has acknowledged.
            del alarm.timeline[-1]
            alarm.timeline[-1] |= {"count": alarm.returns, "last_at": now}
        else:
            details = {"count": alarm.returns, "severity": severity}
            self._note(alarm, Change.RETURNED, **details, **report.values)
        if severity.rank > alarm.severity.rank:
            calls = True
            self._worsen(alarm, report, severity)
        elif severity is not alarm.severity:
            # What was worse before it was over cuts nothing now, and worsens anew.
            alarm.was_alarm = alarm.was_alarm or alarm.severity is Severity.ALARM
            alarm.severity = severity
        self._save(alarm, Change.RAISED if calls else Change.RETURNED)

    def _worsen(self, alarm: Alarm, report: Report, severity: Severity) -> None:
        if alarm.shelved_until is not None:
            # What was shelved was less.
            self._off_shelf(alarm)
        alarm.severity = severity
        alarm.causes = [*report.causes]
        # It needs a new acknowledgement: somebody has seen the warning only.
        alarm.acknowledged_at = None
        self.incidents.join(alarm)
        self._note(alarm, "worsened", severity=severity, **report.values)

    def _clear(self, alarm: Alarm) -> None:
        alarm.cleared_at = time.time()
        self._note(alarm, Change.CLEARED)
        if alarm.latches or alarm.drill or alarm.shelved_until is not None:
            self._save(alarm, Change.CLEARED)
            return
        # One row, two things to tell.
        cleared = self._announcement(alarm, Change.CLEARED)
        self._close(alarm, Reason.CLEARED)
        for key, row in tuple(self._lately.items()):
            if _within(row.closed_at, time.time(), GONE_SECONDS):
                break
            del self._lately[key]
        self._lately[alarm.device, alarm.hazard, alarm.drill] = alarm
        self._store(alarm, cleared, self._announcement(alarm, Change.CLOSED))

    def _open(self, alarm: Alarm) -> None:
        self.open[alarm.id] = alarm
        self._of.setdefault(alarm.device, {})[alarm.hazard, alarm.drill] = alarm
        self.incidents.join(alarm)
        self._wait_for_end(alarm)

    def _wait_for_end(self, alarm: Alarm) -> None:
        """Let a drill or a shelf end by itself when it has lasted long enough."""
        self._stop_waiting(alarm)
        if alarm.drill:
            end, most = alarm.raised_at + LONGEST_TEST_SECONDS, LONGEST_TEST_SECONDS
        elif alarm.shelved_until is not None:
            end, most = alarm.shelved_until, MOST_SHELVED_SECONDS
        else:
            return
        # A clock that was set makes it no longer.
        self._timers[alarm.id] = async_call_later(
            self._hass,
            min(max(end - time.time(), 0), most),
            HassJob(partial(self._has_lasted, alarm), cancel_on_shutdown=True),
        )

    def _stop_waiting(self, alarm: Alarm) -> None:
        if cancel := self._timers.pop(alarm.id, None):
            cancel()

    @callback
    def _has_lasted(self, alarm: Alarm, _now: datetime) -> None:
        if alarm.drill:
            self._close(alarm, Reason.TEST_ENDED)
            self._save(alarm, Change.CLOSED)
        else:
            self.unshelve(alarm)

    def _close(self, alarm: Alarm, reason: Reason, **details: Any) -> None:
        alarm.closed_at = time.time()
        alarm.closed_by = reason.value
        alarm.shelved_until = None
        if alarm.was_alarm:
            alarm.severity = Severity.ALARM
        if reason is not Reason.CLEARED:
            self._note(alarm, reason, **details)
        del self.open[alarm.id]
        here = self._of[alarm.device]
        if here.get((alarm.hazard, alarm.drill)) is alarm:
            del here[alarm.hazard, alarm.drill]
        self._stop_waiting(alarm)
        self.incidents.closed(alarm)

    def _note(self, alarm: Alarm, what: str, **details: Any) -> None:
        alarm.timeline.append({"at": time.time(), "what": str(what), **details})
        # The first entry is the proof of when it began, the last ones of how it ended.
        del alarm.timeline[1 : max(1, len(alarm.timeline) - MOST_TIMELINE + 1)]

    @callback
    def _save(
        self, alarm: Alarm, change: Change | None = None, who: str | None = None
    ) -> None:
        """Store an alarm, and announce a change once that is done."""
        if change is Change.RAISED:
            alarm.announced = False
            alarm.calls += 1
        items = () if change is None else (self._announcement(alarm, change, who),)
        self._store(alarm, *items)

    @callback
    def _store(self, alarm: Alarm, *items: Announcement) -> None:
        @callback
        def done(_stored: bool) -> None:
            # Also when the disk has failed: people matter more than the record, and
            # the storage goes on trying. Entities come last: they only show it.
            for item in items:
                tell(tuple(self._listeners[True]), item)
                if self._held_back is None:
                    self._announce(item)
                else:
                    self._held_back.append(item)
            if items:
                self._unannounced -= 1
                self.draw(drawn)

        @callback
        def drawn() -> None:
            for item in items:
                tell(tuple(self._device_listeners.get(alarm.device, ())), item)

        if items:
            self._unannounced += 1
        self._storage.put_then(
            "alarms", alarm.id, alarm.as_dict(), done, closed_at=alarm.closed_at
        )
        if items:
            # The rows of a cut-off wait for its command instead.
            self._storage.hurry()

    @callback
    def _announce(self, item: Announcement) -> None:
        now = time.time()
        tell(tuple(self._listeners[False]), item)
        if item.change is not Change.NOTED:
            # After what it has set off, as the recorder takes it up: but of this moment.
            self._hass.bus.async_fire(
                EVENT_ALARM, item.data, context=item.context, time_fired=now
            )
        if item.change is Change.RAISED and not item.alarm.announced:
            if self._hass.is_stopping:
                # Nobody acts any more: the next start announces it.
                return
            self._told.append(item.alarm)
            if self._acted is None:
                self._acted = self._hass.loop.call_later(
                    ACTED_SECONDS, self.store_announced
                )

    def _announcement(
        self, alarm: Alarm, change: Change, who: str | None = None
    ) -> Announcement:
        data = {"type": change.value, **describe(self._hass, alarm)}
        if change is Change.NOTED:
            # Never what was noted: it may be words of a person.
            data |= {key: alarm.timeline[-1][key] for key in ("what", "at")}
            data["who"] = who
        return Announcement(alarm, change, data, Context(user_id=user_of(who)))


def describe(hass: HomeAssistant, alarm: Alarm) -> dict[str, Any]:
    """Return an alarm as events, triggers and responses show it."""
    entry = dr.async_get(hass).async_get(alarm.device_id) if alarm.device_id else None
    return {
        "alarm_id": alarm.id,
        "incident_id": alarm.incident_id,
        "hazard": alarm.hazard,
        "severity": alarm.severity.value,
        "state": alarm.state,
        "drill": alarm.drill,
        "present": alarm.present,
        "device_id": alarm.device_id,
        "device_name": (entry.name_by_user or entry.name)
        if entry
        else alarm.device_name,
        "area_id": entry.area_id if entry else None,
        "raised_at": alarm.raised_at,
        "acknowledged_at": alarm.acknowledged_at,
        "cleared_at": alarm.cleared_at,
        "returns": alarm.returns,
        **({"reason": alarm.closed_by} if alarm.closed_by else {}),
    }


def area_of(hass: HomeAssistant, device_id: str | None) -> str | None:
    """Return the area of a device by its id of the registry, None if it is in none."""
    entry = dr.async_get(hass).async_get(device_id) if device_id else None
    return entry.area_id if entry else None


def _within(since: float | None, now: float, seconds: float) -> bool:
    """Return if something was less than `seconds` ago."""
    return since is not None and 0 <= now - since < seconds
