"""What an import answers: what is added, changed, the same and refused, and why."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ..const import DOMAIN
from ..register.units import unit_title
from .exchange import Change, Outcome
from .rows import Content, Place, RowError

#: Errors, and rows, in one answer; who has more begins with these.
MOST_ERRORS = 200
MOST_CHANGES = 1000
_COUNTS = (
    "units_added",
    "units_changed",
    "addresses_changed",
    "people_added",
    "people_changed",
    "leases_added",
    "leases_changed",
    "cards_added",
    "responders_added",
    "responders_changed",
    "places_added",
    "places_changed",
)
_ORDER = ("refused", "changed", "added", "unchanged")


def report(
    content: Content,
    outcome: Outcome,
    counts: Counter[str],
    texts: Mapping[str, str],
    areas: Mapping[str, str],
) -> dict[str, Any]:
    """Return the answer.

    `texts` are the translated errors in the clerk's language, `areas` the names by id.
    """
    errors = sorted(content.errors + outcome.errors, key=lambda row: row.place.row)
    refused = {(row.place.sheet, row.place.row) for row in errors}
    rows = [_refused(row, sheet) for sheet, row in sorted(refused)]
    rows += [
        _row(change, areas)
        for change in outcome.changes
        if (change.entry.place.sheet, change.entry.place.row) not in refused
    ]
    rows.sort(key=lambda row: _ORDER.index(row["status"]))
    summary = Counter(row["status"] for row in rows)
    return {
        "rows": len(rows),
        **{key: counts[key] for key in _COUNTS},
        "summary": {status: summary[status] for status in _ORDER},
        "changes": rows[:MOST_CHANGES],
        "skipped": [
            {"row": row.row, "sheet": row.sheet, "value": row.value}
            for row in content.skipped[:MOST_ERRORS]
        ],
        "ignored_columns": content.ignored,
        "error_count": len(errors),
        "errors": [_error(error, texts) for error in errors[:MOST_ERRORS]],
    }


def _refused(row: int, sheet: str) -> dict[str, Any]:
    return {"row": row, "sheet": sheet, "status": "refused"}


def _row(change: Change, areas: Mapping[str, str]) -> dict[str, Any]:
    entry = change.entry
    return {
        "row": entry.place.row,
        "sheet": entry.place.sheet,
        "status": change.status,
        "unit": unit_title(entry.unit) if entry.unit else _spot(entry.spot),
        "role": entry.role,
        "name": entry.contact.name if entry.contact else None,
        "left_on": change.left.isoformat() if change.left else None,
        "fields": [
            {"field": key, "old": _text(old), "new": _text(new)}
            for key, old, new in (_named(row, areas) for row in change.fields)
        ],
    }


def _spot(spot: Mapping[str, Any]) -> str | None:
    """Return what a place that is no unit is called."""
    keys = ("building", "stairwell", "name")
    return " ".join(str(spot[key]) for key in keys if key in spot) or None


def _named(
    field: tuple[str, Any, Any], areas: Mapping[str, str]
) -> tuple[str, Any, Any]:
    key, *values = field
    if key != "area_id":
        return field
    old, new = (areas.get(value, value) for value in values)
    return "area", old, new


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _error(error: RowError, texts: Mapping[str, str]) -> dict[str, Any]:
    place = asdict(error.place)
    text = texts.get(f"component.{DOMAIN}.exceptions.cell_{error.problem}.message", "")
    return {
        **place,
        "column": error.column,
        "problem": error.problem,
        "message": f"{_where(error.place)}: {text.format(**error.details)}",
    }


def _where(place: Place) -> str:
    """Return what a person looks for: 2栋!D5 (房号) "1.38E+10"."""
    sheet = f"{place.sheet}!" if place.sheet else ""
    where = f"{sheet}{place.cell or place.row} ({place.heading})"
    return f"{where} “{place.value}”" if place.value else where
