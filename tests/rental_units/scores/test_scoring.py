"""What a month comes to, added up a second time by other means."""

from decimal import Decimal
from fractions import Fraction
import random
from typing import Any

from hypothesis import given, settings, strategies as st

from custom_components.rental_units.scores.canonical import canonical
from custom_components.rental_units.scores.catalogue import Catalogue
from custom_components.rental_units.scores.const import Effect
from custom_components.rental_units.scores.scoring import (
    Amount,
    Cases,
    Line,
    Score,
    score,
)

from .common import catalogue

TABLE = catalogue()
MEASURED = [row.id for row in TABLE.criteria if row.rule]
ENTERED = [row for row in TABLE.criteria if not row.rule]

amounts = st.decimals(min_value=0, max_value=500, places=2)


@st.composite
def sheets(draw: Any) -> tuple[dict[str, Amount], list[Cases], int]:
    """Return facts that are all known, entries, and households."""
    facts = {name: Amount(draw(amounts)) for name in MEASURED}
    entries = [
        Cases(
            criterion.id,
            draw(st.integers(1, 9)),
            draw(
                st.decimals(
                    min_value=criterion.points[0],
                    max_value=criterion.points[1],
                    places=2,
                )
            ),
        )
        for criterion in draw(st.lists(st.sampled_from(ENTERED), max_size=30))
    ]
    return facts, entries, draw(st.integers(1, 5000))


def by_hand(
    table: Catalogue, facts: dict[str, Amount], entries: list[Cases], households: int
) -> Fraction:
    """Add up a sheet as somebody with a pocket calculator does, in fractions."""
    lost = dict.fromkeys(table.heads, Fraction(0))
    won = Fraction(0)
    for criterion in table.criteria:
        if criterion.rule:
            value = facts[criterion.id].value
            assert value is not None
            shown = Fraction(value)
            if criterion.rule.per_1000_households:
                # What is shown is what is reckoned with: two decimals, a half goes up.
                hundredths = shown * 1000 / households * 100 + Fraction(1, 2)
                shown = Fraction(hundredths.__floor__(), 100)
            cases = 0
            edge = Fraction(criterion.rule.above or 0) + Fraction(criterion.rule.per)
            while shown >= edge:
                cases += 1
                edge += Fraction(criterion.rule.per)
            points = cases * Fraction(criterion.points[0])
        else:
            points = Fraction(0)
            for entry in entries:
                if entry.criterion == criterion.id:
                    points += entry.cases * Fraction(entry.points)
        if criterion.most is not None and points > criterion.most:
            points = Fraction(criterion.most)
        if criterion.effect == "bonus":
            won += points
        else:
            lost[criterion.head] += points
    left = sum(
        max(Fraction(0), Fraction(base) - lost[head])
        for head, base in table.heads.items()
    )
    return Fraction(left) + min(won, Fraction(table.most_bonus))


@given(sheets())
@settings(deadline=None)
def test_added_up_by_hand(sheet: tuple[dict[str, Amount], list[Cases], int]) -> None:
    """The score is what somebody comes to who adds it up."""
    facts, entries, households = sheet
    found = score(TABLE, facts, entries, households)
    assert found.value is not None
    assert Fraction(found.value) == by_hand(TABLE, facts, entries, households)
    assert 0 <= found.value <= TABLE.base + TABLE.most_bonus


@given(sheets(), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_order_does_not_matter(
    sheet: tuple[dict[str, Amount], list[Cases], int], chance: random.Random
) -> None:
    """Whoever enters what first: the record is the same to the last byte."""
    facts, entries, households = sheet
    first = canonical(score(TABLE, facts, entries, households).as_data())
    chance.shuffle(entries)
    names = list(facts)
    chance.shuffle(names)
    other = score(TABLE, {key: facts[key] for key in names}, entries, households)
    assert canonical(other.as_data()) == first


@given(sheets(), st.sampled_from(MEASURED))
@settings(deadline=None)
def test_unknown_is_no_nought(
    sheet: tuple[dict[str, Amount], list[Cases], int], name: str
) -> None:
    """One thing that is not known leaves the month without a score; left out, it has one."""
    facts, entries, households = sheet
    for unknown in (
        {**facts, name: Amount()},
        {k: facts[k] for k in facts if k != name},
    ):
        found = score(TABLE, unknown, entries, households)
        assert (found.value, found.unknown) == (None, (name,))
        line = line_of(found, name)
        assert (line.cases, line.points, line.left_out) == (None, None, False)
    found = score(TABLE, {**facts, name: Amount(left_out=True)}, entries, households)
    assert found.value is not None
    assert line_of(found, name).points == 0
    # It was a deduction, or a bonus, or nothing: no more than that.
    nothing = score(TABLE, {**facts, name: Amount(Decimal(0))}, entries, households)
    assert found.value == nothing.value


def line_of(found: Score, name: str) -> Line:
    """Return the line of a criterion."""
    return next(row for row in found.lines if row.criterion == name)


def test_without_households() -> None:
    """What is counted for each 1,000 households is not known where nobody knows of any."""
    facts = {name: Amount(Decimal(0)) for name in MEASURED}
    for households in (None, 0):
        found = score(TABLE, facts, [], households)
        assert found.value is None
        assert set(found.unknown) == {"fault_days", "police_calls", "disputes"}
    assert score(TABLE, facts, [], 1).value == TABLE.base


def test_caps() -> None:
    """A criterion, a head and all bonuses have their most; what is cut off is shown."""
    facts = {name: Amount(Decimal(0)) for name in MEASURED}
    facts["late_response"] = Amount(Decimal(100))
    facts["overdue_hazards"] = Amount(Decimal(100))
    facts["double_drop"] = Amount(Decimal(1))
    entries = [
        Cases("other_deduction", 9, Decimal(5)),
        Cases("other_bonus", 4, Decimal("1.5")),
    ]
    found = score(TABLE, facts, entries, 1000)
    late = line_of(found, "late_response")
    assert (late.found, late.points) == (Decimal(50), Decimal(10))
    bonus = line_of(found, "other_bonus")
    assert (bonus.found, bonus.points) == (Decimal(6), Decimal(3))
    # 45 points lost of a head of 25.
    assert found.heads[TABLE.by_id["other_deduction"].head].deductions == 25
    assert found.bonuses == 5
    # Without those of the two heads, and with the bonus.
    assert found.value == 100 - 25 - 20 + 5


def test_below() -> None:
    """What there has to be at least is a case for each that is missing."""
    table = catalogue(
        criteria=[
            {
                "id": "calls",
                "head": "case_prevention",
                "effect": "deduction",
                "title": "x",
                "points": 2,
                "source": {"fact": "police_calls", "below": 3, "per": 0.5},
            }
        ]
    )
    assert table.criteria[0].effect is Effect.DEDUCTION
    for value, lost in (("3", 0), ("2.6", 0), ("2.5", 2), ("1", 8), ("0", 12)):
        found = score(table, {"calls": Amount(Decimal(value))}, [], None)
        assert found.value == 100 - lost
