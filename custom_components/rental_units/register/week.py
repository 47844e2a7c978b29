"""Who is to be on duty in the next days, as far as their plans say."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Any, Final

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util

from .roster import Post, gaps

WEEK: Final = timedelta(days=7)
_WEEKDAYS: Final = (
    *("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"),
)

type Span = tuple[datetime, datetime]
#: When somebody is on duty; None where nobody can tell before.
type Plan = Sequence[Span] | None


async def async_plan(
    hass: HomeAssistant, schedule: str | None, first: datetime, last: datetime
) -> Plan:
    """Return when a responder is on duty between two times; without a schedule, always.

    Only schedules and calendars say so before: a switch, or what cannot be read, is None.
    """
    if not schedule:
        return [(first, last)]
    match schedule.partition(".")[0]:
        case "schedule":
            answer = await _async_ask(hass, "schedule.get_schedule", schedule)
            spans = None if answer is None else _of_days(answer, first, last)
        case "calendar":
            answer = await _async_ask(
                hass,
                "calendar.get_events",
                schedule,
                start_date_time=first.isoformat(),
                end_date_time=last.isoformat(),
            )
            spans = (
                None
                if answer is None
                else [
                    (_moment(row["start"]), _moment(row["end"]))
                    for row in answer["events"]
                ]
            )
        case _:
            return None
    if spans is None:
        return None
    clipped = [(max(begin, first), min(end, last)) for begin, end in sorted(spans)]
    return [(begin, end) for begin, end in clipped if begin < end]


async def _async_ask(
    hass: HomeAssistant, action: str, entity_id: str, **data: str
) -> Any:
    """Return what an entity answers; None if it cannot be asked."""
    domain, service = action.split(".")
    try:
        answer = await hass.services.async_call(
            domain,
            service,
            data,
            target={"entity_id": entity_id},
            blocking=True,
            return_response=True,
        )
    except HomeAssistantError:
        return None
    return (answer or {}).get(entity_id)


def _of_days(
    ranges: Mapping[str, Sequence[Mapping[str, Any]]], first: datetime, last: datetime
) -> list[Span]:
    """Return the spans of a week's ranges on the days between two times."""
    zone = dt_util.get_default_time_zone()
    day, end = first.astimezone(zone).date(), last.astimezone(zone).date()
    found = []
    while day <= end:
        for row in ranges.get(_WEEKDAYS[day.weekday()], ()):
            begin = datetime.combine(day, cv.time(row["from"]), zone)
            found.append((begin, _end(day, row["to"])))
        day += timedelta(days=1)
    return found


def _end(day: date, until: Any) -> datetime:
    """Return when a range of a day ends: 24:00 is written as the last moment."""
    zone, hour = dt_util.get_default_time_zone(), cv.time(until)
    if hour == time.max:
        return datetime.combine(day + timedelta(days=1), time.min, zone)
    return datetime.combine(day, hour, zone)


def _moment(text: str) -> datetime:
    """Return the time of an event; a day without a time begins at midnight."""
    found = dt_util.parse_datetime(text)
    if found is None:
        day = dt_util.parse_date(text)
        assert day
        return dt_util.start_of_local_day(day)
    return dt_util.as_local(found)


def uncovered(
    posts: Sequence[Post], plans: Mapping[str, Plan], first: datetime, last: datetime
) -> dict[str, list[Span]]:
    """Return when duties are covered by nobody who could be: by duty, in order.

    A post whose plan nobody knows counts as on duty, as it does for an alert.
    """
    edges = {first, last}
    for plan in plans.values():
        edges |= {edge for span in plan or () for edge in span}
    found = defaultdict[str, list[Span]](list)
    for begin, end in pairwise(sorted(edges)):
        rows = [replace(row, is_on=_is_on(plans[row.key], begin)) for row in posts]
        for duty in gaps(rows).off:
            spans = found[duty]
            if spans and spans[-1][1] == begin:
                spans[-1] = spans[-1][0], end
            else:
                spans.append((begin, end))
    return dict(found)


def _is_on(plan: Plan, at: datetime) -> bool:
    return plan is None or any(begin <= at < end for begin, end in plan)
