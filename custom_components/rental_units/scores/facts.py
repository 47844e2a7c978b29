"""Facts for the sheets: asked of Community Safety by its action, and read from the register.

Community Safety is not imported, and need not be there: what it does not say is not known.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.util import dt as dt_util

from ..access_control.const import Proof
from ..access_control.models import Card, Place
from ..const import LOGGER
from ..reports.const import State as ReportState
from ..reports.models import HazardReport
from . import measure
from .catalogue import Catalogue, Rule
from .const import CountKind, Source, Why
from .measure import AlarmFact, Found, HazardFact, Span
from .models import ScoreCount, ScoreSample
from .periods import bounds, days_of, moved

_CORE: Final = "community_safety"
_ACTION: Final = "get_alarms"
#: Closed alarms in one of its answers.
_PAGE: Final = 1000
#: Pages of a month: half a million alarms.
_MOST_PAGES: Final = 500
#: Seconds for one of them.
_PATIENCE: Final = 30.0
#: What each camera has there: for how long it is to be kept, and since when it is, if it
#: tells that; and its faults if that is too little.
_RETENTION: Final = "shortest_retention"
_OLDEST: Final = "oldest_recording"
_SHORT: Final = frozenset({"recordings_short", "not_recording"})


class AlarmsUnknownError(Exception):
    """Alarms cannot be read; why is a word of const.Why."""

    def __init__(self, why: Why) -> None:
        """Initialize."""
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class Alarms:
    """The alarms of a property, and how many are in areas of which nobody knows whose."""

    rows: tuple[AlarmFact, ...]
    nobodys: int


#: What was seen on a day: ids of cards or devices. No person.
type Seen = dict[str, list[str]]
#: Whose an area is: True for this property, False for another, None where nobody knows.
type Whose = Callable[[str | None], bool | None]


async def async_alarms(hass: HomeAssistant, since: float, whose: Whose) -> Alarms:
    """Return the alarms that are open, or were closed since a time. Drills are none.

    Raises AlarmsUnknownError.
    """
    if not hass.services.has_service(_CORE, _ACTION):
        raise AlarmsUnknownError(Why.NO_CORE)
    found: dict[str, Mapping[str, Any]] = {}
    until: datetime | None = None
    for _ in range(_MOST_PAGES):
        rows = await _async_page(hass, dt_util.utc_from_timestamp(since), until)
        new = [row for row in rows if row["alarm_id"] not in found]
        found |= {row["alarm_id"]: row for row in new}
        closed = [row for row in rows if row["closed_at"]]
        if len(closed) < _PAGE:
            break
        if not any(row["closed_at"] for row in new):
            raise AlarmsUnknownError(Why.TOO_MANY)
        # Times are rounded to whole microseconds there: none may fall between two pages.
        until = datetime.fromisoformat(closed[-1]["closed_at"]) + timedelta(
            microseconds=1
        )
    else:
        raise AlarmsUnknownError(Why.TOO_MANY)
    real = [row for row in found.values() if not row["drill"]]
    owners = [whose(row["area_id"]) for row in real]
    return Alarms(
        tuple(_alarm(row) for row, own in zip(real, owners, strict=True) if own),
        owners.count(None),
    )


async def _async_page(
    hass: HomeAssistant, since: datetime, until: datetime | None
) -> list[Mapping[str, Any]]:
    data = {"since": since.isoformat()}
    if until:
        data["until"] = until.isoformat()
    try:
        async with asyncio.timeout(_PATIENCE):
            answer: Any = await hass.services.async_call(
                _CORE, _ACTION, data, blocking=True, return_response=True
            )
    except (HomeAssistantError, TimeoutError) as err:
        LOGGER.warning("Alarms cannot be read for the scores: %s", type(err).__name__)
        raise AlarmsUnknownError(Why.NO_ANSWER) from None
    rows: list[Mapping[str, Any]] = answer["alarms"]
    return rows


def _alarm(row: Mapping[str, Any]) -> AlarmFact:
    acknowledged = [
        line["at"] for line in row["timeline"] if line["what"] == "acknowledged"
    ]
    return AlarmFact(
        row["alarm_id"],
        row["device_id"],
        row["hazard"],
        row["severity"],
        _time(row["raised_at"]) or 0.0,
        _time(acknowledged[0] if acknowledged else row["acknowledged_at"]),
        _time(row["cleared_at"]),
        _time(row["closed_at"]),
    )


def _time(text: str | None) -> float | None:
    return datetime.fromisoformat(text).timestamp() if text else None


# What is a matter of the moment, and looked at once a day


def cards_now(session: Session, now: float) -> Seen:
    """Return the places of cards that are not proven, with what was wanted there."""
    rows = session.scalars(
        select(Place)
        .join(Card)
        .where(
            Card.closed_at.is_(None),
            Place.proof.in_((Proof.PENDING, Proof.UNPROVEN)),
        )
    )
    return {
        "seen": sorted(
            f"{row.card_id}@{row.device_id}#{row.revision}"
            for row in rows
            # What begins later is written then.
            if not row.is_held(now)
        )
    }


@callback
def cameras_now(hass: HomeAssistant, whose: Whose, alarms: Alarms | Why) -> Seen:
    """Return the cameras whose recordings are too short, long enough, or unknown.

    That they are too short is a fault of theirs. One that says since when it records, and
    has none, is well; for one that does not say it nobody knows.
    """
    devices = dr.async_get(hass)
    told: dict[str, list[bool]] = {}
    for row in er.async_get(hass).entities.values():
        reading = row.unique_id.rpartition("/")[2]
        if row.platform != _CORE or not reading.startswith((_OLDEST, _RETENTION)):
            continue
        device = devices.async_get(row.device_id or "")
        if device is None or not whose(device.area_id):
            continue
        since = told.setdefault(device.id, [])
        if reading.startswith(_OLDEST):
            state = hass.states.get(row.entity_id)
            since.append(
                state is not None and dt_util.parse_datetime(state.state) is not None
            )
    short = (
        set()
        if isinstance(alarms, Why)
        else {
            row.device_id
            for row in alarms.rows
            if row.hazard in _SHORT and row.cleared_at is None and row.closed_at is None
        }
    )
    found: dict[str, list[str]] = {"short": [], "well": [], "unknown": []}
    for device_id in sorted(told.keys() | {key for key in short if key}):
        if device_id in short:
            found["short"].append(device_id)
        elif (since := told[device_id]) and all(since) and not isinstance(alarms, Why):
            found["well"].append(device_id)
        else:
            found["unknown"].append(device_id)
    return found


def put_sample(
    session: Session, day: date, source: Source, seen: Seen, now: float
) -> None:
    """Write what was seen on a day; what was seen first stays."""
    if session.get(ScoreSample, (day, source)) is None:
        session.add(ScoreSample(day=day, source=source, at=now, seen=dict(seen)))
        session.flush()


# What a month comes to


def read_hazards(session: Session) -> list[HazardFact]:
    """Return the reports of hazards that are kept, but those that another goes on for."""
    rows = session.scalars(
        select(HazardReport).where(HazardReport.state != ReportState.MERGED)
    )
    return [
        HazardFact(row.id, row.category, row.due_at, row.mended_at or row.closed_at)
        for row in rows
    ]


def count_of(session: Session, month: str, kind: CountKind) -> int | None:
    """Return the figure of a month that was entered last; None if there is none."""
    return session.scalar(
        select(ScoreCount.count)
        .where(ScoreCount.month == month, ScoreCount.kind == kind)
        .order_by(ScoreCount.number.desc())
        .limit(1)
    )


def households_of(session: Session, month: str) -> int | None:
    """Return the number of households that was entered last for a month or one before."""
    return session.scalar(
        select(ScoreCount.count)
        .where(ScoreCount.month <= month, ScoreCount.kind == CountKind.HOUSEHOLDS)
        .order_by(ScoreCount.month.desc(), ScoreCount.number.desc())
        .limit(1)
    )


def days_seen(session: Session, month: str, source: Source) -> dict[int, Any]:
    """Return what was seen on the days of a month."""
    first = date.fromisoformat(f"{month}-01")
    after = date.fromisoformat(f"{moved(month, 1)}-01")
    rows = session.scalars(
        select(ScoreSample).where(
            ScoreSample.source == source,
            ScoreSample.day >= first,
            ScoreSample.day < after,
        )
    )
    return {row.day.day: row.seen for row in rows}


def measured(
    session: Session,
    catalogue: Catalogue,
    month: str,
    alarms: Alarms | Why,
    now: float,
) -> dict[str, Found]:
    """Return what the sources of a table come to in a month, by the criteria."""
    span = Span(*bounds(month), now)
    reader = _Reader(session, month, span, alarms)
    return {row.id: reader.find(row.rule) for row in catalogue.criteria if row.rule}


@dataclass(frozen=True, slots=True)
class _Reader:
    session: Session
    month: str
    span: Span
    alarms: Alarms | Why

    def find(self, rule: Rule) -> Found:
        source, options = rule.source, rule.options
        if source in measure.OF_ALARMS:
            return self._of_alarms(source, options)
        if source is Source.OVERDUE_HAZARDS:
            return measure.overdue_hazards(
                read_hazards(self.session), self.span, options.get("categories", ())
            )
        if source is Source.UNPROVEN_CARDS:
            return measure.unproven_cards(*self._days(source))
        if source is Source.SHORT_RECORDINGS:
            return measure.short_recordings(*self._days(source))
        if source is Source.DOUBLE_DROP:
            return measure.double_drop(
                self._counts(self.month), self._counts(moved(self.month, -12))
            )
        return measure.counted(count_of(self.session, self.month, CountKind(source)))

    def _of_alarms(self, source: Source, options: Mapping[str, Any]) -> Found:
        if isinstance(self.alarms, Why):
            return measure.unknown(self.alarms)
        rows = self.alarms.rows
        if source is Source.FAULT_DAYS:
            found = measure.fault_days(rows, self.span, options.get("hazards", ()))
        else:
            count = {
                Source.LATE_RESPONSES: measure.late_responses,
                Source.LATE_CLOSURES: measure.late_closures,
            }[source]
            found = count(rows, self.span, options["seconds"], options["severity"])
        nobodys = {"nobodys": self.alarms.nobodys} if self.alarms.nobodys else {}
        return Found(found.value, found.why, {**found.details, **nobodys})

    def _days(self, source: Source) -> tuple[dict[int, Any], int]:
        """Return what was seen, and how many days of the month have begun."""
        over = self.span.now >= self.span.end
        today = dt_util.as_local(dt_util.utc_from_timestamp(self.span.now)).day
        of = days_of(self.month) if over else today
        return days_seen(self.session, self.month, source), of

    def _counts(self, month: str) -> list[int | None]:
        kinds = (CountKind.POLICE_CALLS, CountKind.DISPUTES)
        return [count_of(self.session, month, kind) for kind in kinds]


def whose_areas(own: Collection[str], others: Iterable[str], *, is_only: bool) -> Whose:
    """Return what tells whose an area is; of the only property, all are."""
    mine, theirs = frozenset(own), frozenset(others)

    def whose(area_id: str | None) -> bool | None:
        if area_id in mine:
            return True
        if area_id in theirs:
            return False
        return True if is_only else None

    return whose
