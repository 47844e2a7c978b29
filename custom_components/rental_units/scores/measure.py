"""What sources come to in a month, from raw records. Nothing here asks anybody."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from .canonical import number, rounded
from .const import Source, Why

_DAY: Final = 86_400
#: Ids in the details of a fact: who looks into it has where to begin.
MOST_IDS: Final = 50
#: The share of a month's days on which something was looked at, at least.
LEAST_SHARE: Final = Decimal("0.75")


@dataclass(frozen=True, slots=True)
class AlarmFact:
    """An alarm of Community Safety, as far as a score asks. Times are Unix times."""

    id: str
    device_id: str | None
    hazard: str
    severity: str
    raised_at: float
    #: When somebody had acknowledged it first, and when it was closed.
    acknowledged_at: float | None
    cleared_at: float | None
    closed_at: float | None


@dataclass(frozen=True, slots=True)
class Span:
    """A month, as far as it has gone."""

    begin: float
    end: float
    now: float

    @property
    def until(self) -> float:
        """Return the end of what can be known."""
        return min(self.end, self.now)


@dataclass(frozen=True, slots=True)
class Found:
    """What a source has come to."""

    #: Two decimals; None: not known.
    value: Decimal | None
    why: Why | None = None
    #: Figures behind it, and ids. No person.
    details: Mapping[str, Any] = field(default_factory=dict)

    def as_data(self) -> dict[str, Any]:
        """Return it for a record."""
        value = None if self.value is None else number(self.value)
        return {"value": value, "why": self.why, "details": dict(self.details)}


def unknown(why: Why, **details: Any) -> Found:
    """Return that something is not known."""
    return Found(None, why, details)


def _count(ids: Collection[str], **details: Any) -> Found:
    return Found(Decimal(len(ids)), None, {**details, "ids": sorted(ids)[:MOST_IDS]})


def late_responses(
    alarms: Iterable[AlarmFact], span: Span, seconds: int, severity: Collection[str]
) -> Found:
    """Count alarms that nobody had acknowledged, and that were not over, in time.

    Each is counted in the month in which its time ran out.
    """
    asked = [
        row
        for row in alarms
        if row.severity in severity
        and span.begin <= row.raised_at + seconds < span.until
    ]
    answered = {row.id: _first(row.acknowledged_at, row.closed_at) for row in asked}
    late = {
        row.id
        for row in asked
        if (at := answered[row.id]) is None or at - row.raised_at > seconds
    }
    took = sorted(
        at - row.raised_at for row in asked if (at := answered[row.id]) is not None
    )
    # The lower of the two in the middle: it is one that there was.
    median = round(took[(len(took) - 1) // 2]) if took else None
    return _count(late, alarms=len(asked), median_seconds=median)


def late_closures(
    alarms: Iterable[AlarmFact], span: Span, seconds: int, severity: Collection[str]
) -> Found:
    """Count alarms that were open for longer, in the month in which their time ran out."""
    asked = [
        row
        for row in alarms
        if row.severity in severity
        and span.begin <= row.raised_at + seconds < span.until
    ]
    late = {
        row.id
        for row in asked
        if row.closed_at is None or row.closed_at - row.raised_at > seconds
    }
    return _count(late, alarms=len(asked))


def fault_days(
    alarms: Iterable[AlarmFact], span: Span, hazards: Collection[str] = ()
) -> Found:
    """Add up for how long each device had a fault: two at once are one."""
    times = defaultdict[str, list[tuple[float, float]]](list)
    for row in alarms:
        if row.severity != "fault" or (hazards and row.hazard not in hazards):
            continue
        ended = _first(row.cleared_at, row.closed_at)
        begin = max(row.raised_at, span.begin)
        end = min(span.until if ended is None else ended, span.until)
        if begin < end:
            times[row.device_id or row.id].append((begin, end))
    # Whole seconds for each device: so the sum is the same in whatever order.
    seconds = {key: round(_covered(rows)) for key, rows in times.items()}
    worst = sorted(seconds, key=lambda key: (-seconds[key], key))[:MOST_IDS]
    return Found(
        rounded(Decimal(sum(seconds.values())) / _DAY),
        None,
        {"devices": len(seconds), "seconds": {key: seconds[key] for key in worst}},
    )


def _first(*times: float | None) -> float | None:
    return min((row for row in times if row is not None), default=None)


def _covered(times: Iterable[tuple[float, float]]) -> float:
    """Return the length of these times together, each moment once."""
    length, until = 0.0, float("-inf")
    for begin, end in sorted(times):
        length += max(0.0, end - max(begin, until))
        until = max(until, end)
    return length


@dataclass(frozen=True, slots=True)
class HazardFact:
    """A report of a hazard, as far as a score asks. Times are Unix times."""

    id: str
    category: str
    due_at: float
    #: When it was mended or closed.
    ended_at: float | None


def overdue_hazards(
    reports: Iterable[HazardFact], span: Span, categories: Collection[str] = ()
) -> Found:
    """Count reported hazards that were overdue at some time of the month."""
    late = set()
    known = 0
    for row in reports:
        if categories and row.category not in categories:
            continue
        known += 1
        over = span.until if row.ended_at is None else row.ended_at
        if row.due_at < span.until and over > max(row.due_at, span.begin):
            late.add(row.id)
    return _count(late, reports=known)


#: What was seen on the days of a month: by its number, what.
type Days = Mapping[int, Mapping[str, Any]]


def _too_few(days: Days, of: int) -> Found | None:
    if len(days) < LEAST_SHARE * of or not days:
        return unknown(Why.FEW_DAYS, days=len(days), of=of)
    return None


def unproven_cards(days: Days, of: int) -> Found:
    """Count cards that were unproven on two days that were looked at one after another.

    `of` is how many days of the month there were so far. What was seen are places of cards,
    with the number of what was wanted there: `card@controller#3`.
    """
    if few := _too_few(days, of):
        return few
    late, before = set[str](), set[str]()
    for day in sorted(days):
        seen = set(days[day]["seen"])
        late |= {key.partition("@")[0] for key in seen & before}
        before = seen
    return _count(late, days=len(days), of=of)


def short_recordings(days: Days, of: int) -> Found:
    """Count cameras whose recordings did not go back far enough on some day.

    One of which that is mostly not known makes it unknown: no camera is well because it
    says nothing.
    """
    if few := _too_few(days, of):
        return few
    short = set[str]()
    silent = defaultdict[str, int](int)
    cameras = set[str]()
    for row in days.values():
        short |= set(row["short"])
        cameras |= {*row["short"], *row["unknown"], *row["well"]}
        for key in row["unknown"]:
            silent[key] += 1
    if not cameras:
        return unknown(Why.NO_CAMERAS, days=len(days), of=of)
    most = (1 - LEAST_SHARE) * len(days)
    unheard = sorted(
        key for key, count in silent.items() if count > most and key not in short
    )
    figures = {"days": len(days), "of": of, "cameras": len(cameras)}
    if unheard:
        return unknown(
            Why.CAMERAS_SILENT, **figures, unheard=unheard[:MOST_IDS], short=len(short)
        )
    return _count(short, **figures)


def counted(count: int | None) -> Found:
    """Return a figure that was entered."""
    if count is None:
        return unknown(Why.NOT_ENTERED)
    return Found(Decimal(count))


def double_drop(now: Sequence[int | None], then: Sequence[int | None]) -> Found:
    """Return if each figure is smaller than it was: 1 or 0. One that is missing says nothing."""
    figures = {"now": list(now), "then": list(then)}
    if None in (*now, *then):
        return unknown(Why.NOT_ENTERED, **figures)
    is_so = all(
        one < other
        for one, other in zip(now, then, strict=True)
        if one is not None and other is not None
    )
    return Found(Decimal(int(is_so)), None, figures)


#: Sources that Community Safety's alarms are asked for.
OF_ALARMS: Final = frozenset(
    {Source.LATE_RESPONSES, Source.LATE_CLOSURES, Source.FAULT_DAYS}
)
