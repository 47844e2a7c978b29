"""An auditor: adds up records a second time, from what they say, with nothing of the code."""

from collections.abc import Mapping
from fractions import Fraction
import hashlib
import json
from typing import Any


def shown(value: Fraction) -> Fraction:
    """Return a number as it is shown: with two decimals, a half goes up."""
    return Fraction((value * 100 + Fraction(1, 2)).__floor__(), 100)


def points_of(
    criterion: Mapping[str, Any], sheet: Mapping[str, Any]
) -> Fraction | None:
    """Return what a criterion came to, before any limit; None if it is not known."""
    if "source" not in criterion:
        return sum(
            (
                row["cases"] * Fraction(row["points"])
                for row in sheet["entries"]
                if row["criterion"] == criterion["id"] and not row["withdrawn_at"]
            ),
            Fraction(0),
        )
    fact = sheet["facts"].get(criterion["id"])
    if fact is None:
        return None
    if fact["left_out"]:
        return Fraction(0)
    value = fact["stated"] if fact["stated"] is not None else fact["value"]
    if value is None:
        return None
    amount, source = Fraction(value), criterion["source"]
    if source["per_1000_households"]:
        if not sheet["households"]["value"]:
            return None
        amount = shown(amount * 1000 / sheet["households"]["value"])
    beyond = (
        Fraction(source["below"]) - amount
        if "below" in source
        else amount - Fraction(source.get("above", 0))
    )
    per, cases = Fraction(source["per"]), 0
    while beyond >= per:
        beyond -= per
        cases += 1
    return cases * Fraction(criterion["points"])


def score_of(table: Mapping[str, Any], sheet: Mapping[str, Any]) -> Fraction | None:
    """Return the score of a month."""
    lost = {head: Fraction(0) for head in table["heads"]}
    won = Fraction(0)
    for criterion in table["criteria"]:
        points = points_of(criterion, sheet)
        if points is None:
            return None
        if "most" in criterion:
            points = min(points, Fraction(criterion["most"]))
        if criterion["effect"] == "bonus":
            won += points
        else:
            lost[criterion["head"]] += points
    left = [
        Fraction(base) - min(Fraction(base), lost[head])
        for head, base in table["heads"].items()
    ]
    return sum(left) + min(won, Fraction(table["most_bonus"]))


def chain(rows: list[tuple[int, str, str, str]]) -> list[int]:
    """Return the numbers of records (number, previous, digest, body) that do not follow."""
    wrong, before = [], ""
    for place, (number, previous, digest, body) in enumerate(rows, 1):
        found = hashlib.sha256(f"{before}\n{body}".encode()).hexdigest()
        if (number, previous, digest) != (place, before, found):
            wrong.append(number)
        assert body == json.dumps(
            json.loads(body), sort_keys=True, separators=(",", ":"), ensure_ascii=False
        )
        before = digest
    return wrong
