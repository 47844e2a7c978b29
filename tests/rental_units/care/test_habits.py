"""What is usual for somebody: learned, forgotten, hidden, moved, and by the clock on the wall."""

from datetime import UTC, datetime, timedelta
import json
import random
from zoneinfo import ZoneInfo

from hypothesis import given, settings, strategies as st
import pytest

from custom_components.rental_units.care.habits import (
    FIGURES,
    QUARTERS,
    Figures,
    Habits,
    day_and_quarter,
)

HOUR = 3600.0
DAY = 86_400.0
#: A Monday.
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
BEGIN = MONDAY.timestamp()
SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")


def live(
    habits: Habits,
    days: int,
    *,
    up: float = 7.0,
    bed: float = 22.0,
    first: int = 0,
    zone: ZoneInfo | None = None,
) -> Habits:
    """Let somebody stir every half hour from when they are up until they are in bed."""
    midnight = MONDAY.replace(tzinfo=zone or UTC)
    for day in range(first, first + days):
        hour = up
        while hour < bed:
            # By the clock on the wall, whatever becomes of it.
            at = midnight + timedelta(days=day, hours=hour)
            habits.sign(at.timestamp(), zone or UTC)
            hour += 0.5
    return habits


def at(day: int, hour: float) -> float:
    """Return a time."""
    return BEGIN + day * DAY + hour * HOUR


def asked_after(habits: Habits, last: float, zone: ZoneInfo | None = None) -> float:
    """Return the hours after a sign until somebody is asked, but for what has moved it."""
    return (habits.ask_at(last, zone or UTC) - last) / HOUR - habits.moved


def test_the_first_day_has_an_answer() -> None:
    """Nothing is known: the assumed day decides, and says so."""
    habits = Habits()
    rule = FIGURES
    by_day = rule.shift + rule.assumed_wait + rule.margin
    assert asked_after(habits, at(0, 14)) == pytest.approx(by_day)
    # In the evening it is the night that is assumed.
    night = rule.shift + (24 + rule.assumed_wake - 22.5) + rule.margin
    assert asked_after(habits, at(0, 21.5)) == pytest.approx(
        min(night, rule.limit - rule.answer)
    )
    usual = habits.usual(at(0, 14), UTC)
    assert (usual.on_days, usual.of_days) == (0, 0)


def test_by_when_they_are_up_is_learned_and_explained() -> None:
    """After four weeks it is known when they are up, and on how many days."""
    habits = live(Habits(), 28)
    last = at(27, 21.5)
    usual = habits.usual(last, UTC)
    assert usual.by == at(28, 7.25)
    assert (usual.on_days, usual.of_days) == (27, 27)
    late = at(28, 0.5)
    assert habits.ask_at(late, UTC) == pytest.approx(
        at(28, 7.25 + FIGURES.margin + habits.moved), abs=900
    )


def test_few_days_do_not_outvote_the_assumed_one() -> None:
    """It waits for as long as is assumed until enough days are known."""
    last = at(3, 14)
    assert asked_after(live(Habits(), 3), last) == pytest.approx(
        asked_after(Habits(), last)
    )
    assert asked_after(live(Habits(), 14), at(14, 14)) < asked_after(Habits(), last)


def test_one_odd_day_changes_nothing() -> None:
    """Who once stays in bed until noon is not left alone until noon from then on."""
    usual = live(Habits(), 28)
    odd = live(live(live(Habits(), 10), 1, up=12.0, first=10), 17, first=11)
    last = at(28, 1)
    assert odd.ask_at(last, UTC) == usual.ask_at(last, UTC)


def test_old_habits_are_forgotten() -> None:
    """Who is up later for four weeks is asked later, as if it had always been so."""
    changed = live(live(Habits(), 40), 29, up=9.0, first=40)
    always = live(Habits(), 29, up=9.0, first=40)
    last = at(69, 1)
    assert changed.waits(4, day_and_quarter(last, UTC)[0]) == always.waits(
        4, day_and_quarter(last, UTC)[0]
    )
    assert changed.usual(last, UTC) == always.usual(last, UTC)


def test_absences_and_outages_are_not_learned() -> None:
    """What could not be seen says nothing: the assumed day decides there."""
    habits = Habits()
    for day in range(28):
        live(habits, 1, bed=9.0, first=day)
        habits.hide(at(day, 8.5), at(day, 17), UTC)
        live(habits, 1, up=17.0, first=day)
    today = day_and_quarter(at(28, 12), UTC)[0]
    assert habits.waits(12 * 4, today) == []
    assert asked_after(habits, at(28, 12)) == pytest.approx(
        asked_after(Habits(), at(28, 12))
    )
    # Beyond it everything is known.
    assert habits.waits(18 * 4, today) == [3] * 28


@pytest.mark.parametrize(("since", "until"), [(8.75, 12.5), (13.0, 17.25)])
def test_a_silence_half_hidden_is_not_learned(since: float, until: float) -> None:
    """Nobody knows when somebody stirred of whom one end was not seen."""
    habits = Habits()
    for day in range(10):
        live(habits, 1, bed=9.0, first=day)
        live(habits, 1, up=17.0, first=day)
        habits.hide(at(day, since), at(day, until), UTC)
    assert habits.waits(12 * 4, day_and_quarter(at(10, 0), UTC)[0]) == []


def test_a_day_without_any_sign_is_not_known() -> None:
    """It may be that nothing could be seen."""
    habits = live(live(Habits(), 12), 15, first=13)
    waits = habits.waits(21 * 4, day_and_quarter(at(28, 0), UTC)[0])
    assert len(waits) == 27
    assert max(waits) <= 4


def test_a_silence_in_which_others_were_told_is_no_habit() -> None:
    """Six days away that nobody announced move nothing."""
    habits = live(live(Habits(), 4), 6, first=10)
    for day in range(4, 10):
        habits.sign(at(day, 3), UTC)
    last = at(16, 14)
    waits = habits.waits(14 * 4, day_and_quarter(last, UTC)[0])
    assert max(waits) <= FIGURES.limit * 4
    assert asked_after(habits, last) <= asked_after(Habits(), last) + 1e-6


def test_needless_questions_move_it_once_a_day_and_quiet_days_move_it_back() -> None:
    """The margin has bounds, and a day counts once."""
    habits = live(Habits(), 28)
    last = at(28, 14)
    before, moved = habits.ask_at(last, UTC), habits.moved
    assert habits.needless(last, UTC)
    assert not habits.needless(last + HOUR, UTC)
    assert habits.moved == pytest.approx(moved + FIGURES.step, abs=0.1)
    later = habits.ask_at(last, UTC) - before
    assert later / HOUR == pytest.approx(FIGURES.step, abs=0.1)
    for day in range(29, 60):
        habits.needless(at(day, 14), UTC)
    assert habits.moved == FIGURES.most
    live(habits, 1, first=400)
    assert habits.moved == FIGURES.least


def test_the_questions_settle_at_a_rate() -> None:
    """Even of somebody who is out of the ordinary on each day that it asks early."""
    habits, asked = Habits(), 0
    for day in range(1400):
        habits.sign(at(day, 1), UTC)
        if habits.moved < 2.0:
            habits.needless(at(day, 2), UTC)
            asked += day >= 700
    assert asked / 100 == pytest.approx(FIGURES.weekly, rel=0.2)


def test_nobody_is_asked_sooner_than_the_floor() -> None:
    """Also of somebody who stirs every minute."""
    habits = live(Habits(Figures(margin=-5.0)), 28)
    habits.moved = 0.0
    assert asked_after(habits, at(28, 14)) == FIGURES.floor


@pytest.mark.parametrize(
    "day",
    [
        datetime(2026, 3, 28, 22, tzinfo=BERLIN),
        datetime(2026, 10, 24, 22, tzinfo=BERLIN),
        datetime(2026, 3, 28, 22, tzinfo=SHANGHAI),
    ],
)
def test_a_change_of_the_clock(day: datetime) -> None:
    """Habits go by the clock on the wall; the limit goes by true hours."""
    habits, zone = Habits(), day.tzinfo
    assert zone
    for back in range(28, 0, -1):
        for half in range(14, 44):
            when = day.replace(hour=0) - timedelta(days=back - 1)
            habits.sign((when + timedelta(minutes=30 * half)).timestamp(), zone)
    habits.moved = 0.0
    last = day.timestamp()
    found = habits.ask_at(last, zone)
    most = last + (FIGURES.limit - FIGURES.answer) * HOUR
    hour = 7.25 + FIGURES.margin + habits.moved
    asked = datetime.fromtimestamp(found, zone)
    usual = datetime.fromtimestamp(habits.usual(last, zone).by, zone)
    assert (usual.hour, usual.minute) == (7, 15)
    assert found == most or (asked.hour, asked.minute) == (
        int(hour),
        hour % 1 * 60,
    )
    assert found <= most


def test_another_zone_is_another_clock() -> None:
    """Six in the evening in Shanghai is no morning."""
    habits = live(Habits(), 28, zone=SHANGHAI)
    last = datetime(2026, 3, 29, 22, 30, tzinfo=SHANGHAI).timestamp()
    usual = datetime.fromtimestamp(habits.usual(last, SHANGHAI).by, SHANGHAI)
    assert (usual.hour, usual.minute) == (7, 15)


def test_what_is_out_of_the_window_changes_nothing() -> None:
    """A sign of long ago, and an outage of long ago."""
    habits = live(Habits(), 40)
    before = habits.as_data()
    habits.sign(at(-100, 3), UTC)
    habits.hide(at(-100, 3), at(-99, 3), UTC)
    habits.hide(at(5, 3), at(5, 3), UTC)
    assert habits.as_data() == before


def test_the_usual_day_of_somebody() -> None:
    """A chart shows on which share of the days there was a sign, and nothing for what is not known."""
    habits = Habits()
    for day in range(10):
        live(habits, 1, first=day)
        habits.hide(at(day, 1.9), at(day, 3.1), UTC)
    chart = habits.usual_day(day_and_quarter(at(10, 0), UTC)[0])
    assert len(chart) == QUARTERS
    assert chart[7 * 4] == 1.0
    assert chart[7 * 4 + 1] == 0.0
    assert chart[2 * 4] is None
    assert set(Habits().usual_day(5)) == {None}


@pytest.mark.parametrize("change", [{"version": 9}, {"signs": "x"}, {"first": None}])
def test_what_is_damaged_is_refused(change: dict[str, object]) -> None:
    """And not taken for somebody's habits."""
    with pytest.raises((KeyError, TypeError, ValueError)):
        Habits.from_data(Habits().as_data() | change)


_EVENTS = st.lists(
    st.tuples(
        st.sampled_from(("sign", "hide", "needless")),
        st.integers(0, 50 * 24 * 60),
        st.integers(1, 3000),
    ),
    max_size=150,
)


def told(events: list[tuple[str, int, int]], figures: Figures = FIGURES) -> Habits:
    """Return the habits of somebody of whom this was heard, in the order of time."""
    habits = Habits(figures)
    for what, minute, lasts in sorted(events, key=lambda row: row[1]):
        when = BEGIN + minute * 60
        if what == "sign":
            habits.sign(when, BERLIN)
        elif what == "hide":
            habits.hide(when, when + lasts * 60, BERLIN)
        else:
            habits.needless(when, BERLIN)
    return habits


@settings(deadline=None)
@given(_EVENTS, st.integers(0, 60 * 24 * 60), st.floats(-0.5, 1.0))
def test_whatever_was_heard_it_asks_in_time(
    events: list[tuple[str, int, int]], minute: int, later: float
) -> None:
    """Not before the floor, and so that an answer has its time before the limit."""
    habits, last = told(events), BEGIN + minute * 60
    hours = (habits.ask_at(last, BERLIN, later) - last) / HOUR
    # By the clock on the wall an hour may be missing.
    assert FIGURES.floor - 1 <= hours <= FIGURES.limit - FIGURES.answer + 1e-6
    assert habits.usual(last, BERLIN).by >= last - 900


@settings(deadline=None)
@given(_EVENTS)
def test_what_is_kept_is_small_and_comes_back_the_same(
    events: list[tuple[str, int, int]],
) -> None:
    """Through a file, and with the same answers."""
    habits = told(events)
    text = json.dumps(habits.as_data())
    assert len(text) < 2000
    again = Habits.from_data(json.loads(text))
    assert again == habits
    # What is heard next is learned alike.
    for one in (habits, again):
        one.sign(BEGIN + 60 * DAY, BERLIN)
    assert again == habits


@settings(deadline=None)
@given(_EVENTS, st.lists(st.integers(0, 60 * 24), min_size=2, max_size=8))
def test_questions_change_nothing(
    events: list[tuple[str, int, int]], hours: list[int]
) -> None:
    """Whatever is asked, and in whichever order."""
    habits = told(events)
    before = habits.as_data()
    lasts = [BEGIN + hour * HOUR for hour in hours]
    first = [habits.ask_at(last, BERLIN) for last in lasts]
    again = [habits.ask_at(last, BERLIN) for last in reversed(lasts)]
    assert first == again[::-1]
    assert habits.as_data() == before


def test_a_sign_costs_the_same_however_much_was_heard() -> None:
    """Its bits are as many after a million signs as after a thousand."""
    chance = random.Random(1)
    habits = Habits()
    sizes = set()
    for day in range(200):
        for _ in range(200):
            habits.sign(at(day, 0) + chance.random() * DAY, UTC)
        if day > 40:
            sizes.add(habits.signs.bit_length() // QUARTERS)
    assert max(sizes) <= FIGURES.days + 1
