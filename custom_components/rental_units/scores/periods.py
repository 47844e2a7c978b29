"""Months, quarters and halves of a year: 2027-01, 2027-Q1, 2027-H1."""

from calendar import monthrange
from datetime import date, datetime, time, tzinfo
import re
from typing import Final

from homeassistant.util import dt as dt_util

_PERIOD: Final = re.compile(
    r"(?P<year>20[0-9]{2})-(?:(?P<month>0[1-9]|1[0-2])|Q(?P<quarter>[1-4])|H(?P<half>[12]))"
)


def is_month(text: str) -> bool:
    """Return if a text is a month."""
    found = _PERIOD.fullmatch(text)
    return bool(found and found["month"])


def month_of(day: date) -> str:
    """Return the month of a day."""
    return day.isoformat()[:7]


def moved(month: str, by: int) -> str:
    """Return the month that is so many months later."""
    count = int(month[:4]) * 12 + int(month[5:]) - 1 + by
    return f"{count // 12:04}-{count % 12 + 1:02}"


def bounds(month: str) -> tuple[float, float]:
    """Return when a month begins and ends in the house's time zone, in Unix time."""
    first, after = (
        datetime.combine(date.fromisoformat(f"{row}-01"), time(), _zone())
        for row in (month, moved(month, 1))
    )
    return first.timestamp(), after.timestamp()


def _zone() -> tzinfo:
    return dt_util.get_default_time_zone()


def days_of(month: str) -> int:
    """Return how many days a month has."""
    return monthrange(int(month[:4]), int(month[5:]))[1]


def quarter_of(month: str) -> str:
    """Return the quarter of a month."""
    return f"{month[:4]}-Q{(int(month[5:]) + 2) // 3}"


def months_of(period: str) -> tuple[str, ...]:
    """Return the months of a period; none for a text that is no period."""
    if not (found := _PERIOD.fullmatch(period)):
        return ()
    year = found["year"]
    if found["month"]:
        return (period,)
    length = 3 if found["quarter"] else 6
    first = (int(found["quarter"] or found["half"]) - 1) * length + 1
    return tuple(f"{year}-{month:02}" for month in range(first, first + length))


def quarters_of(half: str) -> tuple[str, ...]:
    """Return the quarters of half a year."""
    return tuple(dict.fromkeys(map(quarter_of, months_of(half))))


def before(period: str) -> str:
    """Return the period before, of the same kind."""
    months = months_of(period)
    first = moved(months[0], -len(months))
    if len(months) == 1:
        return first
    if len(months) == 3:
        return quarter_of(first)
    return f"{first[:4]}-H{(int(first[5:]) + 5) // 6}"
