"""When somebody is to be visited, as it follows from what is known: no clock, no database.

A person's round has a risk, which says how often at the least; what happens to them may want
a visit within a day. A visit is done when the door was opened, also by who then sends the
visitor away: that is their right. Where nobody has opened it stays due.
"""

from calendar import monthrange
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from typing import Any, Final, Self


class Risk(StrEnum):
    """How often somebody is visited at the least: each quarter, month or week."""

    GENERAL = "general"
    KEY = "key"
    HIGH = "high"


class Outcome(StrEnum):
    """What a visit has come to."""

    MET = "met"
    #: Nobody has opened.
    NOT_MET = "not_met"
    #: Somebody has opened, and does not want to be visited now.
    REFUSED = "refused"


class Cause(StrEnum):
    """What wants a visit within a day, whatever the risk."""

    #: Others were told that nothing was heard of them.
    CARE_ALARM = "care_alarm"
    NEW_HOME = "new_home"
    #: Somebody has asked for it.
    REQUESTED = "requested"


class NoScan(StrEnum):
    """Why the plate at the door was not scanned."""

    NO_PLATE = "no_plate"
    UNREADABLE = "unreadable"
    NO_RECEPTION = "no_reception"
    #: They were met, and not at home.
    ELSEWHERE = "elsewhere"


class News(StrEnum):
    """What whoever is in charge is told of."""

    EVENT = "event"
    OVERDUE = "overdue"
    #: Nobody has opened two days in a row.
    MISSED = "missed"


#: From a rule of Inner Mongolia (2022): high risk at least each week and within 24 hours of
#: an event, key each month, general each quarter.
DAYS: Final[Mapping[Risk, int]] = {Risk.HIGH: 7}
MONTHS: Final[Mapping[Risk, int]] = {Risk.KEY: 1, Risk.GENERAL: 3}
EVENT_SECONDS: Final = 24 * 3600
#: The worst first.
RANK: Final[Mapping[Risk, int]] = {Risk.HIGH: 0, Risk.KEY: 1, Risk.GENERAL: 2}
#: Days on which nobody has opened, in a row, after which that is told.
MISSED_DAYS: Final = 2
#: Days that a visit is kept, and what wants one at the most, however often it happens.
KEEP_DAYS: Final = 365
MOST_EVENTS: Final = 20
#: Letters of a note.
MOST_LETTERS: Final = 500


@dataclass(frozen=True, slots=True)
class Event:
    """Something that wants a visit within a day."""

    cause: Cause
    #: Unix time.
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CareVisit:
    """That somebody was at the door, and what they have found."""

    #: Unix time, and the id of the user: of the account, and never typed.
    at: float
    who: str | None
    outcome: Outcome
    note: str = ""
    #: None: the plate was scanned.
    no_scan: NoScan | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """How somebody is visited, and what was found. All of it is kept encrypted."""

    risk: Risk
    #: Since when, and when that was said last, in Unix time.
    since: float
    said_at: float
    #: The id of the user who sees to it.
    in_charge: str | None = None
    #: What whoever comes has to know: "knock loudly".
    note: str = ""
    #: The unit at whose door they are visited.
    home: str | None = None
    #: Since when they live nowhere here.
    gone_on: date | None = None
    events: tuple[Event, ...] = ()
    #: In their order.
    visits: tuple[CareVisit, ...] = ()
    #: What whoever is in charge was told of, by its time.
    told: Mapping[str, float] = field(default_factory=dict)
    #: Counts the changes.
    version: int = 1

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Return what was stored."""
        gone_on = data["gone_on"]
        return cls(
            **{
                **data,
                "risk": Risk(data["risk"]),
                "gone_on": date.fromisoformat(gone_on) if gone_on else None,
                "events": tuple(
                    Event(Cause(row["cause"]), row["at"]) for row in data["events"]
                ),
                "visits": tuple(_visit(row) for row in data["visits"]),
            }
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the form that is stored."""
        gone_on = self.gone_on.isoformat() if self.gone_on else None
        return {**asdict(self), "gone_on": gone_on, "told": dict(self.told)}

    def standing(self, now: float) -> Self:
        """Return what is known of it in memory: no word, and no visit before the last."""
        done = self.done_at(now)
        visits = tuple(
            replace(row, note="")
            for row in self.visits
            if done is None or row.at >= done
        )
        return replace(self, note="", visits=visits)

    def done_at(self, now: float) -> float | None:
        """Return when the last visit was done; what a clock that was wrong wrote is none."""
        done = (
            row.at
            for row in self.visits
            if row.outcome is not Outcome.NOT_MET and row.at <= now
        )
        return max(done, default=None)

    def visited(self, visit: CareVisit) -> Self:
        """Return the round with one more visit."""
        events = self.events
        if visit.outcome is not Outcome.NOT_MET:
            events = tuple(row for row in events if row.at > visit.at)
        return replace(
            self,
            visits=(*self.visits, visit),
            events=events,
            version=self.version + 1,
        )

    def wanted(self, event: Event) -> Self:
        """Return the round with something that wants a visit; the same twice is once."""
        if event in self.events:
            return self
        first, *others = sorted((*self.events, event), key=lambda row: row.at)
        # The first says until when, the others only what has happened.
        events = (first, *others[1 - MOST_EVENTS :])
        return replace(self, events=events, version=self.version + 1)


def _visit(data: dict[str, Any]) -> CareVisit:
    no_scan = data["no_scan"]
    return CareVisit(
        **{
            **data,
            "outcome": Outcome(data["outcome"]),
            "no_scan": NoScan(no_scan) if no_scan else None,
        }
    )


@dataclass(frozen=True, slots=True)
class Due:
    """When somebody is to be visited next."""

    #: Until when, in Unix time; after that it is overdue.
    at: float
    #: The day on which somebody goes, or was to go.
    day: date
    #: What wants it; None: their risk.
    event: Event | None
    #: Days on which nobody has opened since the last visit, and when that was last.
    missed: int
    missed_at: float | None

    def is_overdue(self, now: float) -> bool:
        """Return if somebody should have been there by a Unix time."""
        return now >= self.at

    def next_on(self, today: date) -> date:
        """Return the day on which somebody goes, seen from a day."""
        return max(self.day, today)


def due(found: Round, now: float, zone: tzinfo) -> Due:
    """Return when somebody is to be visited next, at the time `now`."""
    today, done = _day(now, zone), found.done_at(now)
    begun = done if done is not None else found.since
    # Of what began in the future nothing is known: then it is due.
    last_day = _after(_day(begun, zone), found.risk) if begun <= now else today
    at = _end(last_day, zone)
    event = next((row for row in found.events if done is None or row.at > done), None)
    if event:
        at = min(at, min(event.at, now) + EVENT_SECONDS)
    missed = [
        row.at
        for row in found.visits
        if row.outcome is Outcome.NOT_MET
        and row.at <= now
        and (done is None or row.at > done)
    ]
    if missed:
        # The next try is on the next day, also where there is time until later.
        day = _day(max(missed), zone) + timedelta(days=1)
    else:
        day = today if event else last_day
    return Due(
        at,
        day,
        event,
        len({_day(row, zone) for row in missed}),
        max(missed, default=None),
    )


def news(found: Round, its: Due, now: float) -> dict[News, float]:
    """Return what whoever is in charge is to be told of, and was not yet, by its time."""
    known: dict[News, float] = {}
    if its.event:
        known[News.EVENT] = found.events[-1].at
    if its.is_overdue(now):
        known[News.OVERDUE] = its.at
    if its.missed_at is not None and its.missed >= MISSED_DAYS:
        known[News.MISSED] = its.missed_at
    return {key: at for key, at in known.items() if found.told.get(key) != at}


def settle(
    found: Round, homes: Sequence[str], *, stays: bool, today: date, now: float
) -> Round | None:
    """Return the round of somebody who lives in these units now; None if it ends.

    `stays`: they live here, or are to come. Who has left is forgotten with the day on which
    that was noticed: until then it may have been a mistake.
    """
    kept = _kept(found, now)
    if not homes:
        if found.gone_on is None:
            return replace(kept, gone_on=today)
        return kept if stays or found.gone_on >= today else None
    home = found.home if found.home in homes else homes[0]
    kept = replace(kept, home=home, gone_on=None)
    if found.home in (None, home):
        return kept
    return kept.wanted(Event(Cause.NEW_HOME, now))


def _kept(found: Round, now: float) -> Round:
    """Return a round without the visits of long ago, but for what says when the next is due."""
    since = now - KEEP_DAYS * 86_400
    done = found.done_at(now)
    since = since if done is None else min(since, done)
    visits = tuple(row for row in found.visits if row.at >= since)
    return replace(found, visits=visits)


def combined(rounds: Iterable[Round]) -> Round:
    """Return the round of somebody who was taken for several: the worst of all is so."""
    rows = sorted(rounds, key=lambda row: row.said_at)
    last = rows[-1]
    if len(rows) == 1:
        return last
    notes = dict.fromkeys(row.note for row in rows if row.note)
    return replace(
        last,
        risk=min((row.risk for row in rows), key=RANK.__getitem__),
        since=min(row.since for row in rows),
        note="\n".join(notes),
        gone_on=None if any(row.gone_on is None for row in rows) else last.gone_on,
        events=tuple(
            sorted({event for row in rows for event in row.events}, key=lambda e: e.at)
        ),
        visits=tuple(
            sorted({v for row in rows for v in row.visits}, key=lambda v: v.at)
        ),
        version=sum(row.version for row in rows),
    )


def _day(at: float, zone: tzinfo) -> date:
    return datetime.fromtimestamp(at, zone).date()


def _end(day: date, zone: tzinfo) -> float:
    """Return the midnight after a day, in Unix time: days of 23 and 25 hours are days."""
    return datetime.combine(day + timedelta(days=1), time(), zone).timestamp()


def _after(day: date, risk: Risk) -> date:
    """Return the last day on which somebody of a risk is to be visited again."""
    if days := DAYS.get(risk):
        return day + timedelta(days=days)
    months = day.year * 12 + day.month - 1 + MONTHS[risk]
    year, month = divmod(months, 12)
    # Months are of several lengths: of a longer one the end is the end of the other.
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
