"""Working days: counted as people count them, and said to be assumed where they are."""

from collections.abc import Iterator
from datetime import date, timedelta
from unittest.mock import patch

from chinese_calendar import is_workday
from freezegun.api import FrozenDateTimeFactory
from holidays import country_holidays
from hypothesis import given, strategies as st
import pytest

from custom_components.rental_units.desk.country import async_look
from custom_components.rental_units.desk.days import (
    Deadline,
    WorkingDays,
    calendar_days,
)
from homeassistant.core import HomeAssistant
from homeassistant.requirements import RequirementsNotFound

DAY = timedelta(days=1)
#: Days of 2026 and 2027: those of the second year nobody knows.
DAYS = st.dates(date(2026, 1, 1), date(2027, 12, 31))
OWN = st.dictionaries(DAYS, st.booleans(), max_size=40)


def china(day: date) -> bool | None:
    """Return if a day is worked in China."""
    return is_workday(day) if day.year <= 2026 else None


def days_after(begin: date) -> Iterator[date]:
    """Yield one day after the other."""
    while True:
        begin += DAY
        yield begin


@given(begin=DAYS, count=st.integers(0, 40), own=OWN)
def test_counted_day_by_day(begin: date, count: int, own: dict[date, bool]) -> None:
    """So many worked days lie between, the last of them is the last, and that can be read back."""
    days = WorkingDays(china, own)
    found = days.after(begin, count)

    walked = []
    for day in days_after(begin):
        if sum(map(days.is_worked, walked)) == count:
            break
        walked.append(day)
    assert found.day == (walked[-1] if walked else begin)
    assert found.is_assumed == any(days.known(day) is None for day in walked)
    assert days.left(begin, found.day) == count
    assert days.left(found.day, begin) == -count


@given(begin=DAYS, later=st.integers(0, 30), count=st.integers(1, 10), own=OWN)
def test_who_begins_later_has_no_less_time(
    begin: date, later: int, count: int, own: dict[date, bool]
) -> None:
    """A later day gives no earlier end, and a longer time no earlier one either."""
    days = WorkingDays(china, own)
    end = days.after(begin, count).day
    assert days.is_worked(end)
    assert end <= days.after(begin + later * DAY, count).day
    assert end < days.after(begin, count + 1).day


@given(day=DAYS, own=OWN)
def test_what_the_property_says_is_so(day: date, own: dict[date, bool]) -> None:
    """Its own notice beats each library, and is for the whole of a year."""
    days = WorkingDays(china, own)
    expected = own.get(day, china(day))
    if expected is None and any(row.year == day.year for row in own):
        expected = day.weekday() < 5
    assert days.known(day) is expected


@pytest.mark.parametrize(
    ("begin", "last"),
    [
        # Notice of the State Council for 2026: off from 15 to 23 February, worked on the
        # Saturdays 14 and 28; off from 1 to 7 October, worked on 20 September and 10 October.
        ("2026-02-13", "2026-02-25"),
        ("2026-02-23", "2026-02-26"),
        ("2026-02-26", "2026-03-02"),
        ("2026-09-30", "2026-10-10"),
        ("2026-10-08", "2026-10-12"),
        ("2026-11-27", "2026-12-02"),
    ],
)
async def test_china(hass: HomeAssistant, begin: str, last: str) -> None:
    """Three working days in China, over the longest of its holidays."""
    hass.config.country = "CN"
    days = WorkingDays(await async_look(hass))
    found = days.after(date.fromisoformat(begin), 3)
    assert found == Deadline(date.fromisoformat(last), is_assumed=False)


async def test_a_year_that_was_not_announced(hass: HomeAssistant) -> None:
    """Over the end of the last year that is known it is assumed, until somebody has entered it."""
    hass.config.country = "CN"
    look = await async_look(hass)
    new_year = date(2026, 12, 31)
    assert WorkingDays(look).after(new_year, 3) == Deadline(date(2027, 1, 5), True)
    # Off on Friday, and worked on the Sunday.
    own = {date(2027, 1, 1): False, date(2027, 1, 3): True}
    assert WorkingDays(look, own).after(new_year, 3) == Deadline(
        date(2027, 1, 5), False
    )


def test_two_libraries_say_the_same_of_china() -> None:
    """They were made by different people from the same notices: neither has a slip of the pen."""
    for year in range(2010, 2027):
        other = country_holidays("CN", years=year, expand=False)
        day = date(year, 1, 1)
        while day.year == year:
            assert is_workday(day) == other.is_working_day(day), day
            day += DAY


async def test_another_country(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    """What Home Assistant's Workday knows, for some years: the rest is assumed."""
    freezer.move_to("2026-12-01 09:00:00+00:00")
    hass.config.country = "AT"
    days = WorkingDays(await async_look(hass))
    # 8 December is a holiday there, and a Tuesday.
    assert days.after(date(2026, 12, 7), 1) == Deadline(date(2026, 12, 9), False)
    assert days.after(date(2028, 12, 29), 1) == Deadline(date(2029, 1, 1), True)


@pytest.mark.parametrize("country", [None, "XX"])
async def test_nobody_knows_the_country(
    hass: HomeAssistant, country: str | None
) -> None:
    """Without a country, or for one that no library knows, Monday to Friday are assumed."""
    hass.config.country = country
    days = WorkingDays(await async_look(hass))
    assert days.after(date(2026, 10, 2), 1) == Deadline(date(2026, 10, 5), True)


async def test_a_library_that_cannot_be_had(
    hass: HomeAssistant, caplog: pytest.LogCaptureFixture
) -> None:
    """Without a network it is assumed and said, and nothing else stops."""
    hass.config.country = "AT"
    with patch(
        "custom_components.rental_units.desk.country.async_get_integration_with_requirements",
        side_effect=RequirementsNotFound("workday", ["holidays"]),
    ):
        days = WorkingDays(await async_look(hass))
    assert days.known(date(2026, 12, 7)) is None
    assert "Working days of AT are assumed" in caplog.text


def test_days_of_the_calendar() -> None:
    """They count as they come."""
    assert calendar_days(date(2026, 2, 10), 10) == Deadline(date(2026, 2, 20), False)
