"""The alarm book: raised, acknowledged, cleared, reset; stored before it is announced."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
import time
from typing import Any

from homeassistant.core import CALLBACK_TYPE, Context, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.util.ulid import ulid_now

from ..catalogue import HAZARDS
from ..catalogue.measurements import Value
from ..const import EVENT_ALARM, LOGGER, RENAMED_HAZARDS, Severity
from .storage import Storage

MOST_TIMELINE = 200
#: Who hears an alarm has begun to act after this many seconds, and what they do is on disk
#: too. A crash before that announces the alarm again: twice is better than never.
ACTED_SECONDS = 0.5


class Change(StrEnum):
    """What has happened to an alarm, as announced."""

    RAISED = "raised"
    ACKNOWLEDGED = "acknowledged"
    CLEARED = "cleared"
    RESET = "reset"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """How one hazard or fault of one device stands; without a severity it has ended.

    `device` is the unique id, `device_id` that of the registry; `values` are the readings
    behind it, by name.
    """

    device: str
    device_id: str | None
    device_name: str
    hazard: str
    severity: Severity | None
    drill: bool = False
    values: Mapping[str, Value] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Alarm:
    """The record of one hazard or fault. Times are Unix times in seconds.

    It is open until it is reset; one that does not latch is reset when it clears.
    `timeline` holds what happened: `at`, `what`, `who` (a user's id) and details.
    """

    id: str
    device: str
    device_id: str | None
    device_name: str
    hazard: str
    severity: Severity
    raised_at: float
    drill: bool = False
    announced: bool = False
    acknowledged_at: float | None = None
    cleared_at: float | None = None
    reset_at: float | None = None
    timeline: list[dict[str, Any]] = field(default_factory=list)

    @property
    def present(self) -> bool:
        """Return if the hazard is still there."""
        return self.cleared_at is None

    @property
    def latches(self) -> bool:
        """Return if a person must reset it."""
        hazard = HAZARDS.get(self.hazard)
        return self.severity is Severity.ALARM and (not hazard or hazard.latching)

    @property
    def state(self) -> str:
        """Return the state in the alarm's life."""
        if self.reset_at:
            return Change.RESET.value
        if self.cleared_at:
            return Change.CLEARED.value
        return (Change.ACKNOWLEDGED if self.acknowledged_at else Change.RAISED).value

    def as_dict(self) -> dict[str, Any]:
        """Return the row to store."""
        return {name: getattr(self, name) for name in _FIELDS}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Alarm:
        """Return the alarm of a stored row; fields of a later version are dropped.

        Raises TypeError or ValueError for one that cannot be read.
        """
        alarm = cls(**{key: value for key, value in data.items() if key in _FIELDS})
        alarm.severity = Severity(alarm.severity)
        alarm.hazard = RENAMED_HAZARDS.get(alarm.hazard, alarm.hazard)
        return alarm


_FIELDS = tuple(item.name for item in fields(Alarm))


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
        self.open: dict[str, Alarm] = {}
        self._by_hazard: dict[tuple[str, str], Alarm] = {}
        self._listeners: dict[bool, list[Listener]] = {True: [], False: []}
        self._device_listeners: dict[str, list[Listener]] = {}
        self._held_back: list[Announcement] | None = []
        self._told: list[Alarm] = []
        self._acted: asyncio.TimerHandle | None = None

    @callback
    def restore(self, rows: Iterable[dict[str, Any]]) -> None:
        """Take over the open alarms of an earlier run."""
        for row in rows:
            try:
                alarm = Alarm.from_dict(row)
            except (TypeError, ValueError) as err:
                # The others are needed all the more. The row stays on disk.
                LOGGER.error("An alarm cannot be taken over: %s", err)
                continue
            self.open[alarm.id] = alarm
            self._by_hazard[alarm.device, alarm.hazard] = alarm

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

    def present(self, device: str, hazard: str) -> Severity | None:
        """Return how badly a hazard is recorded as present, None if it is not."""
        alarm = self._by_hazard.get((device, hazard))
        return alarm.severity if alarm and alarm.present else None

    def of_device(self, device: str) -> list[Alarm]:
        """Return the open alarms of a device, the oldest first."""
        return [alarm for alarm in self.open.values() if alarm.device == device]

    @callback
    def report(self, report: Report) -> None:
        """Take how a hazard stands now."""
        alarm = self._by_hazard.get((report.device, report.hazard))
        if report.severity is None:
            if alarm and alarm.present:
                self._clear(alarm)
        elif alarm is None or not alarm.present or (alarm.drill and not report.drill):
            if alarm:
                self._close(alarm, "superseded")
            self._raise(report, report.severity)
        elif report.severity.rank > alarm.severity.rank:
            alarm.severity = report.severity
            # It needs a new acknowledgement: somebody has seen the warning only.
            alarm.acknowledged_at = None
            self._note(alarm, "worsened", severity=report.severity, **report.values)
            self._save(alarm, Change.RAISED)

    @callback
    def acknowledge(self, alarm: Alarm, who: str | None) -> None:
        """Note that somebody has seen an alarm. Raises nothing; twice does nothing."""
        if alarm.acknowledged_at is None:
            alarm.acknowledged_at = time.time()
            self._note(alarm, Change.ACKNOWLEDGED, who=who)
            self._save(alarm, Change.ACKNOWLEDGED, who)

    @callback
    def reset(self, alarm: Alarm, who: str | None, *, false_alarm: bool) -> None:
        """Close a cleared alarm by a person. Raises ValueError while it is present."""
        if alarm.present:
            raise ValueError("still present")
        self._close(alarm, Change.RESET, who=who, false_alarm=false_alarm)
        self._save(alarm, Change.RESET, who)

    @callback
    def drop_device(self, device: str) -> None:
        """Close the alarms of a device that was removed."""
        for alarm in self.of_device(device):
            alarm.cleared_at = alarm.cleared_at or time.time()
            self._close(alarm, "removed")
            self._save(alarm, Change.RESET)

    @callback
    def note(self, alarm_id: str | None, what: str, **details: Any) -> None:
        """Add to the timeline of an open alarm; an unknown id is passed over."""
        if alarm_id and (alarm := self.open.get(alarm_id)):
            self._note(alarm, what, **details)
            self._save(alarm)

    def _raise(self, report: Report, severity: Severity) -> None:
        alarm = Alarm(
            id=ulid_now(),
            device=report.device,
            device_id=report.device_id,
            device_name=report.device_name,
            hazard=report.hazard,
            severity=severity,
            raised_at=time.time(),
            drill=report.drill,
        )
        self.open[alarm.id] = alarm
        self._by_hazard[alarm.device, alarm.hazard] = alarm
        self._note(alarm, Change.RAISED, severity=severity, **report.values)
        self._save(alarm, Change.RAISED)

    def _clear(self, alarm: Alarm) -> None:
        alarm.cleared_at = time.time()
        self._note(alarm, Change.CLEARED)
        self._save(alarm, Change.CLEARED)
        if not alarm.latches:
            self._close(alarm, None)

    def _close(self, alarm: Alarm, what: str | None, **details: Any) -> None:
        alarm.reset_at = time.time()
        if what:
            self._note(alarm, what, **details)
        del self.open[alarm.id]
        if self._by_hazard.get((alarm.device, alarm.hazard)) is alarm:
            del self._by_hazard[alarm.device, alarm.hazard]
        self._save(alarm)

    def _note(self, alarm: Alarm, what: str, **details: Any) -> None:
        alarm.timeline.append({"at": time.time(), "what": str(what), **details})
        # The first entry is the proof of when it began, the last ones of how it ended.
        del alarm.timeline[1 : max(1, len(alarm.timeline) - MOST_TIMELINE + 1)]

    @callback
    def _save(
        self, alarm: Alarm, change: Change | None = None, who: str | None = None
    ) -> None:
        """Store an alarm, and announce a change once that is done."""
        stored = self._storage.put(
            "alarms", alarm.id, alarm.as_dict(), closed_at=alarm.reset_at
        )
        if change is None:
            return
        item = self._announcement(alarm, change, who)

        @callback
        def done(_future: asyncio.Future[bool]) -> None:
            # Also when the disk has failed: people matter more than the record, and
            # the storage goes on trying. Entities come last: they only show it.
            _tell(self._listeners[True], item)
            if self._held_back is None:
                self._announce(item)
            else:
                self._held_back.append(item)
            _tell(self._device_listeners.get(alarm.device, ()), item)

        stored.add_done_callback(done)

    @callback
    def _announce(self, item: Announcement) -> None:
        self._hass.bus.async_fire(EVENT_ALARM, item.data, context=item.context)
        _tell(self._listeners[False], item)
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
        return Announcement(
            alarm,
            change,
            {"type": change.value, **describe(self._hass, alarm)},
            Context(user_id=who),
        )


def describe(hass: HomeAssistant, alarm: Alarm) -> dict[str, Any]:
    """Return an alarm as events, triggers and responses show it."""
    entry = dr.async_get(hass).async_get(alarm.device_id) if alarm.device_id else None
    return {
        "alarm_id": alarm.id,
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
    }


def _tell(listeners: Iterable[Listener], item: Announcement) -> None:
    for listener in tuple(listeners):
        try:
            listener(item)
        except Exception:  # noqa: BLE001
            # One that fails must not keep an alarm from all the others.
            LOGGER.exception("Alarm %s could not be told to everybody", item.alarm.id)
