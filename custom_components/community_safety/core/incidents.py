"""Incidents: what people work on. All life-safety alarms of one unit's area are one.

One fire is one incident, however many sensors see it and whichever cut-off fails. It
lasts from its first alarm until the last is closed and no supply cut for it is off.
"""

from collections import deque
from collections.abc import Callable, Iterator, Set as AbstractSet
from dataclasses import dataclass, field
from enum import IntEnum

from homeassistant.util.ulid import ulid_now

from ..catalogue import Nature
from ..const import Severity
from .alarm import Alarm

#: More faults of one gateway within so many seconds are one incident: the gateway's.
FLOOD_FAULTS = 5
FLOOD_SECONDS = 60
#: So many closed alarms of an incident stay in it; the file has them all.
MOST_CLOSED = 20


class Rank(IntEnum):
    """What comes first. 0 is missing: an open call for help."""

    FIRE = 1
    #: A cut-off or a release that is not proven.
    LINKAGE = 2
    ELECTRICAL = 3
    #: Water, and all warnings.
    SUPERVISION = 4
    FAULT = 5
    #: Every open alarm calls nobody for a while, as a person has said.
    SHELVED = 6
    #: Every alarm is closed, and a supply is still off.
    POWER_OFF = 7


_OF_NATURE = {
    Nature.FIRE: Rank.FIRE,
    Nature.LINKAGE: Rank.LINKAGE,
    Nature.ELECTRICAL: Rank.ELECTRICAL,
    Nature.WATER: Rank.SUPERVISION,
    Nature.ACCESS: Rank.SUPERVISION,
}


#: What can be shelved: nobody's life.
SHELVABLE = (Rank.SUPERVISION, Rank.FAULT)


def rank(alarm: Alarm) -> Rank:
    """Return how soon somebody must see to an alarm."""
    return hazard_rank(alarm) if alarm.shelved_until is None else Rank.SHELVED


def hazard_rank(alarm: Alarm) -> Rank:
    """Return the rank of what an alarm is of, shelved or not."""
    if alarm.severity is Severity.FAULT:
        return Rank.FAULT
    if alarm.severity is Severity.WARNING:
        return Rank.SUPERVISION
    return _OF_NATURE[alarm.nature]


@dataclass(slots=True)
class Incident:
    """One incident. `alarms` are its own by id, the oldest first.

    Of those that are closed they are the last, and those for which supplies are off.
    `area_id` is where it began, `raised_at` when, in Unix time. A drill is never one with
    what is real.
    """

    id: str
    area_id: str | None
    drill: bool
    raised_at: float
    alarms: dict[str, Alarm] = field(default_factory=dict)

    @property
    def open(self) -> list[Alarm]:
        """Return the open alarms, the oldest first."""
        return [alarm for alarm in self.alarms.values() if alarm.closed_at is None]

    @property
    def rank(self) -> Rank:
        """Return the rank of its worst open alarm."""
        return min(map(rank, self.open), default=Rank.POWER_OFF)

    @property
    def acknowledged(self) -> bool:
        """Return if somebody has seen every open alarm."""
        return all(alarm.acknowledged_at is not None for alarm in self.open)

    @property
    def present(self) -> bool:
        """Return if a hazard is still there."""
        return any(alarm.present for alarm in self.open)

    @property
    def order(self) -> tuple[bool, Rank, bool, bool, float, str]:
        """Return the place in a list: the smallest comes first."""
        return (
            self.drill,
            self.rank,
            self.acknowledged,
            not self.present,
            self.raised_at,
            self.id,
        )


class Incidents:
    """Puts each alarm into its incident."""

    def __init__(self) -> None:
        """Initialize."""
        self._by_key: dict[str, Incident] = {}
        self._of_alarm: dict[str, Incident] = {}
        self._faults: dict[str, deque[float]] = {}
        #: Returns the ids of the alarms for which supplies are off; set by the house.
        self.wanted_off: Callable[[], AbstractSet[str]] = frozenset

    def __iter__(self) -> Iterator[Incident]:
        """Walk over what is not over, the most urgent first."""
        return iter(sorted(self.by_id().values(), key=lambda row: row.order))

    def by_id(self) -> dict[str, Incident]:
        """Return what is not over, by id and in no order."""
        for key in tuple(self._by_key):
            self._drop_if_over(key)
        return {incident.id: incident for incident in self._by_key.values()}

    def alarm(self, alarm_id: str | None) -> Alarm | None:
        """Return an alarm of an incident that is not over; it may be closed itself."""
        incident = self._of_alarm.get(alarm_id or "")
        return incident.alarms[str(alarm_id)] if incident else None

    def join(self, alarm: Alarm) -> None:
        """Put an alarm into its incident: a new one, one of an earlier run, or a worse one.

        One that has worsened may belong to another incident than before.
        """
        known = self._of_alarm.get(alarm.id)
        key = alarm.incident_key
        if known or not key:
            key = self._key(alarm)
            if known and key == alarm.incident_key:
                return
        self._drop_if_over(key)
        if (incident := self._by_key.get(key)) is None:
            new = ulid_now() if known else alarm.incident_id or alarm.id
            incident = self._by_key[key] = Incident(
                new, alarm.area_id, alarm.drill, alarm.raised_at
            )
        if known:
            del known.alarms[alarm.id]
            self._drop_if_over(alarm.incident_key)
        incident.alarms[alarm.id] = alarm
        incident.raised_at = min(incident.raised_at, alarm.raised_at)
        self._of_alarm[alarm.id] = incident
        alarm.incident_id, alarm.incident_key = incident.id, key

    def closed(self, alarm: Alarm) -> None:
        """Let an incident go whose last alarm was closed, if no supply is off for it.

        Of one that goes on, those go that were closed long ago: a fault may last for months
        while others come and go.
        """
        self._drop_if_over(alarm.incident_key)
        if incident := self._by_key.get(alarm.incident_key):
            closed = sorted(
                (row for row in incident.alarms.values() if row.closed_at is not None),
                key=lambda row: row.closed_at or 0,
            )
            if len(closed) > MOST_CLOSED:
                wanted = self.wanted_off()
                for row in closed[:-MOST_CLOSED]:
                    if row.id not in wanted:
                        del incident.alarms[row.id], self._of_alarm[row.id]

    def _drop_if_over(self, key: str) -> None:
        incident = self._by_key.get(key)
        if (
            incident
            and not any(row.closed_at is None for row in incident.alarms.values())
            and incident.alarms.keys().isdisjoint(self.wanted_off())
        ):
            del self._by_key[key]
            for alarm_id in incident.alarms:
                del self._of_alarm[alarm_id]

    def _key(self, alarm: Alarm) -> str:
        """Return what an incident is of: those of one key are one while it lasts."""
        gateway = alarm.device.rpartition("/")[0] or alarm.device
        kind, where = "life", f"area {alarm.area_id}"
        match hazard_rank(alarm):
            case Rank.FAULT:
                kind, where = "fault", f"device {alarm.device}"
                if self._is_flood(gateway, alarm.raised_at):
                    where = f"gateway {gateway}"
            case Rank.SUPERVISION:
                kind, where = "supervision", f"device {alarm.device}"
            case _ if alarm.area_id is None:
                where = f"device {alarm.device}"
        return f"{'drill' if alarm.drill else 'real'} {kind} of {where}"

    def _is_flood(self, gateway: str, at: float) -> bool:
        """Count a fault; return if it is one of many at the same time."""
        times = self._faults.setdefault(gateway, deque(maxlen=FLOOD_FAULTS + 1))
        times.append(at)
        return len(times) > FLOOD_FAULTS and at - times[0] <= FLOOD_SECONDS
