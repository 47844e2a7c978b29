"""What a month comes to: base − deductions + capped bonuses. The order of entries is nothing.

All numbers have two decimals, and are reckoned with as they are shown: who adds up a sheet by
hand comes to the same. What is not known is not nought: a month in which it is not known has
no score.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from .canonical import number
from .catalogue import Catalogue, Criterion
from .const import Effect, Head

_NOUGHT: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Amount:
    """How much of something there was: what a source came to, or people have said instead."""

    #: With two decimals; None: not known.
    value: Decimal | None = None
    #: People have said that this month is not judged by it.
    left_out: bool = False


@dataclass(frozen=True, slots=True)
class Cases:
    """Cases that somebody has entered, with the points of each."""

    criterion: str
    cases: int
    points: Decimal


@dataclass(frozen=True, slots=True)
class Line:
    """What a criterion came to."""

    criterion: str
    head: Head
    effect: Effect
    #: As the source says it, and as it is judged. None where people enter, or nobody knows.
    amount: Decimal | None = None
    judged: Decimal | None = None
    left_out: bool = False
    #: None: not known, and so are the points.
    cases: int | None = 0
    #: Before and after what the criterion can come to at most; they are never negative.
    found: Decimal | None = _NOUGHT
    points: Decimal | None = _NOUGHT

    def as_data(self) -> dict[str, Any]:
        """Return it for a record."""
        numbers = {
            "amount": self.amount,
            "judged": self.judged,
            "found": self.found,
            "points": self.points,
        }
        return {
            "criterion": self.criterion,
            "head": self.head,
            "effect": self.effect,
            "left_out": self.left_out,
            "cases": self.cases,
            **{
                key: None if value is None else number(value)
                for key, value in numbers.items()
            },
        }


@dataclass(frozen=True, slots=True)
class Total:
    """What a head came to."""

    base: Decimal
    #: None: not known. No head loses more than it has.
    deductions: Decimal | None
    bonuses: Decimal | None

    def as_data(self) -> dict[str, Any]:
        """Return it for a record."""
        deductions, bonuses = self.deductions, self.bonuses
        return {
            "base": number(self.base),
            "deductions": None if deductions is None else number(deductions),
            "bonuses": None if bonuses is None else number(bonuses),
        }


@dataclass(frozen=True, slots=True)
class Score:
    """What a month came to."""

    lines: tuple[Line, ...]
    heads: Mapping[Head, Total]
    #: All of them, as far as they count; None: not known.
    bonuses: Decimal | None
    #: None: something is not known.
    value: Decimal | None

    @property
    def unknown(self) -> tuple[str, ...]:
        """Return the criteria of which it is not known what they come to."""
        return tuple(row.criterion for row in self.lines if row.points is None)

    def as_data(self) -> dict[str, Any]:
        """Return it for a record."""
        return {
            "lines": [row.as_data() for row in self.lines],
            "heads": {head: row.as_data() for head, row in self.heads.items()},
            "bonuses": None if self.bonuses is None else number(self.bonuses),
            "score": None if self.value is None else number(self.value),
        }


def score(
    catalogue: Catalogue,
    amounts: Mapping[str, Amount],
    entered: Iterable[Cases],
    households: int | None,
) -> Score:
    """Return what a month comes to."""
    entered = list(entered)
    lines = tuple(
        _measured(row, amounts.get(row.id, Amount()), households)
        if row.rule
        else _entered(row, [one for one in entered if one.criterion == row.id])
        for row in catalogue.criteria
    )
    heads = {
        head: Total(
            base,
            _least(_sum(lines, head, Effect.DEDUCTION), base),
            _sum(lines, head, Effect.BONUS),
        )
        for head, base in catalogue.heads.items()
    }
    bonuses = _total(row.bonuses for row in heads.values())
    bonuses = _least(bonuses, catalogue.most_bonus)
    deductions = _total(row.deductions for row in heads.values())
    known = bonuses is not None and deductions is not None
    return Score(
        lines,
        MappingProxyType(heads),
        bonuses,
        catalogue.base - (deductions or _NOUGHT) + (bonuses or _NOUGHT)
        if known
        else None,
    )


def _measured(criterion: Criterion, amount: Amount, households: int | None) -> Line:
    head, effect, rule = criterion.head, criterion.effect, criterion.rule
    assert rule
    if amount.left_out:
        return Line(criterion.id, head, effect, left_out=True)
    judged = None
    if amount.value is not None:
        judged = rule.normalised(amount.value, households)
    if judged is None:
        return Line(
            criterion.id,
            head,
            effect,
            amount.value,
            cases=None,
            found=None,
            points=None,
        )
    cases = rule.cases(judged)
    found = criterion.points[0] * cases
    points = _least(found, criterion.most)
    return Line(
        criterion.id,
        head,
        effect,
        amount.value,
        judged,
        cases=cases,
        found=found,
        points=points,
    )


def _entered(criterion: Criterion, entered: Iterable[Cases]) -> Line:
    entered = list(entered)
    found = sum((row.points * row.cases for row in entered), _NOUGHT)
    return Line(
        criterion.id,
        criterion.head,
        criterion.effect,
        cases=sum(row.cases for row in entered),
        found=found,
        points=_least(found, criterion.most),
    )


def _sum(lines: Iterable[Line], head: Head, effect: Effect) -> Decimal | None:
    return _total(
        row.points for row in lines if row.head is head and row.effect is effect
    )


def _total(values: Iterable[Decimal | None]) -> Decimal | None:
    """Return a sum; None if one of it is not known."""
    total = _NOUGHT
    for value in values:
        if value is None:
            return None
        total += value
    return total


def _least(value: Decimal | None, most: Decimal | None) -> Decimal | None:
    return value if value is None or most is None else min(value, most)
