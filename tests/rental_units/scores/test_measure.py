"""What sources come to, counted a second time, second by second."""

from collections.abc import Collection
from decimal import Decimal
from fractions import Fraction
import random
from typing import Any

from hypothesis import given, settings, strategies as st

from custom_components.rental_units.scores import measure
from custom_components.rental_units.scores.const import Why
from custom_components.rental_units.scores.measure import AlarmFact, HazardFact, Span

BEGIN, END = 1000.0, 2000.0
OVER = Span(BEGIN, END, 9e9)

moments = st.integers(0, 3000)
later = st.one_of(st.none(), moments)


@st.composite
def alarms(draw: Any) -> list[AlarmFact]:
    """Return alarms whose times are in the order in which things happen."""
    rows = draw(st.lists(st.tuples(moments, later, later, later), max_size=25))
    found = []
    for number, (raised, after, then, finally_) in enumerate(rows):
        acknowledged = None if after is None else raised + after
        cleared = None if then is None else raised + then
        closed = None if cleared is None or finally_ is None else cleared + finally_
        found.append(
            AlarmFact(
                f"a{number:02}",
                draw(st.sampled_from(["d1", "d2", "d3", None])),
                draw(st.sampled_from(["smoke", "low_battery"])),
                draw(st.sampled_from(["alarm", "warning", "fault"])),
                raised,
                acknowledged,
                cleared,
                closed,
            )
        )
    return found


def late(rows: Collection[AlarmFact], seconds: int, *, answered: bool) -> list[str]:
    """Return the alarms that were late, by looking at the moment at which time ran out."""
    found = []
    for row in rows:
        ran_out = row.raised_at + seconds
        if row.severity == "fault" or not BEGIN <= ran_out < END:
            continue
        ends = [row.closed_at, row.acknowledged_at if answered else None]
        if not any(end is not None and end <= ran_out for end in ends):
            found.append(row.id)
    return sorted(found)


@given(alarms(), st.integers(1, 500), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_late(rows: list[AlarmFact], seconds: int, chance: random.Random) -> None:
    """An alarm is late in the month in which its time ran out, and in no other."""
    of = ["alarm", "warning"]
    responses = measure.late_responses(rows, OVER, seconds, of)
    closures = measure.late_closures(rows, OVER, seconds, of)
    assert responses.details["ids"] == late(rows, seconds, answered=True)
    assert closures.details["ids"] == late(rows, seconds, answered=False)
    assert responses.value == len(responses.details["ids"])
    # Two months together have what each has.
    halves = [Span(BEGIN, 1500, 9e9), Span(1500, END, 9e9)]
    for count, whole in (
        (measure.late_responses, responses),
        (measure.late_closures, closures),
    ):
        assert whole.value is not None
        parts = [count(rows, half, seconds, of).value for half in halves]
        assert sum(row for row in parts if row is not None) == whole.value
    chance.shuffle(rows)
    assert measure.late_responses(rows, OVER, seconds, of) == responses
    assert measure.late_closures(rows, OVER, seconds, of) == closures


@given(alarms(), st.integers(0, 3000), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_fault_days(rows: list[AlarmFact], now: int, chance: random.Random) -> None:
    """The days of faults are the seconds in which a device has one, each counted once."""
    span = Span(BEGIN, END, now)
    faults = [row for row in rows if row.severity == "fault"]
    seconds = 0
    for device in {row.device_id or row.id for row in faults}:
        of_device = [row for row in faults if (row.device_id or row.id) == device]
        for second in range(int(BEGIN), int(min(END, now))):
            seconds += any(
                row.raised_at
                <= second
                < min(
                    9e9 if row.cleared_at is None else row.cleared_at,
                    9e9 if row.closed_at is None else row.closed_at,
                )
                for row in of_device
            )
    found = measure.fault_days(rows, span)
    assert found.value is not None
    exact = Fraction(seconds, 86_400)
    assert abs(Fraction(found.value) - exact) <= Fraction(1, 200)
    assert sum(found.details["seconds"].values()) == seconds
    chance.shuffle(rows)
    assert measure.fault_days(rows, span) == found
    batteries = measure.fault_days(rows, span, ["low_battery"])
    assert batteries.value is not None
    assert batteries.value <= found.value


@given(
    st.lists(st.tuples(moments, later, st.sampled_from(["gas", "water"])), max_size=30)
)
def test_overdue_hazards(rows: list[tuple[int, int | None, str]]) -> None:
    """A hazard is overdue in a month if there is a moment of it after which it was due, and open."""
    facts = [
        HazardFact(
            f"r{number:02}", category, due, None if took is None else due - 500 + took
        )
        for number, (due, took, category) in enumerate(rows)
    ]
    for categories in ((), ("gas",)):
        expected = [
            row.id
            for row in facts
            if (not categories or row.category in categories)
            and any(
                row.due_at <= moment and (row.ended_at is None or row.ended_at > moment)
                for moment in range(int(BEGIN), int(END))
            )
        ]
        found = measure.overdue_hazards(facts, OVER, categories)
        assert found.details["ids"] == expected[: measure.MOST_IDS]
        assert found.value == len(expected)


def test_unproven_cards() -> None:
    """A card is late that was unproven on two days, for the same wish, at the same door."""
    days = {
        1: {"seen": ["a@x#1", "b@x#1"]},
        2: {"seen": ["a@x#1", "b@x#2", "c@x#1"]},
        # A day on which nobody looked is no day on which all was well.
        4: {"seen": ["c@x#1", "a@y#1"]},
        5: {"seen": []},
    }
    found = measure.unproven_cards(days, 5)
    assert (found.value, found.details["ids"]) == (Decimal(2), ["a", "c"])
    assert measure.unproven_cards({1: {"seen": []}}, 1).value == 0
    for few in ({}, {1: {"seen": []}, 2: {"seen": []}}):
        assert measure.unproven_cards(few, 3).why is Why.FEW_DAYS


def test_short_recordings() -> None:
    """A camera that says nothing on many days makes it unknown; one that said it is short counts."""

    def day(short: str = "", unknown: str = "", well: str = "") -> dict[str, Any]:
        return {"short": [*short], "unknown": [*unknown], "well": [*well]}

    well = dict.fromkeys(range(1, 9), day(well="ab"))
    assert measure.short_recordings(well, 8).value == 0
    found = measure.short_recordings({**well, 3: day("a", well="b")}, 8)
    assert (found.value, found.details["ids"]) == (Decimal(1), ["a"])
    # Two days of eight are little, three are not.
    silent = {**well, 1: day("", "b", "a"), 2: day("", "b", "a")}
    assert measure.short_recordings(silent, 8).value == 0
    silent[3] = day("a", "b")
    found = measure.short_recordings(silent, 8)
    assert (found.value, found.why) == (None, Why.CAMERAS_SILENT)
    assert found.details["unheard"] == ["b"]
    found = measure.short_recordings({**silent, 8: day("ab")}, 8)
    assert found.value == 2
    none = dict.fromkeys(range(1, 9), day())
    assert measure.short_recordings(none, 8).why is Why.NO_CAMERAS
    assert measure.short_recordings({1: day("a")}, 8).why is Why.FEW_DAYS


def test_figures() -> None:
    """What nobody has entered is not known; the same number is no drop."""
    assert measure.counted(None).why is Why.NOT_ENTERED
    assert measure.counted(0).value == 0
    assert measure.double_drop([3, 4], [4, 5]).value == 1
    for now in ([4, 4], [3, 5], [5, 6]):
        assert measure.double_drop(now, [4, 5]).value == 0
    missing: list[tuple[list[int | None], list[int | None]]] = [
        ([None, 0], [1, 1]),
        ([0, 0], [1, None]),
    ]
    for before, after in missing:
        found = measure.double_drop(before, after)
        assert (found.value, found.why) == (None, Why.NOT_ENTERED)
