"""Sheets of a month: cases and facts, what they come to, and how they are frozen."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from . import records, rows
from .canonical import number
from .catalogue import Catalogue, Criterion
from .const import Origin, Outcome, RecordKind, State, Why
from .facts import Alarms, households_of, measured
from .models import (
    ScoreCatalogue,
    ScoreComment,
    ScoreEntry,
    ScoreFact,
    ScoreRecord,
    ScoreSheet,
)
from .scoring import Amount, Cases, Score, score


class SheetError(Exception):
    """It cannot be done with a sheet as it is; the reason is a translation key."""

    def __init__(self, key: str) -> None:
        """Initialize."""
        super().__init__(key)
        self.key = key


def find(session: Session, month: str) -> ScoreSheet | None:
    """Return the sheet of a month."""
    return session.scalar(
        select(ScoreSheet)
        .where(ScoreSheet.month == month)
        .options(
            selectinload(ScoreSheet.facts),
            selectinload(ScoreSheet.entries).selectinload(ScoreEntry.photos),
            selectinload(ScoreSheet.comments),
        )
    )


def begin(session: Session, month: str) -> ScoreSheet:
    """Return the sheet of a month, which may be a new one."""
    sheet = find(session, month)
    if sheet is None:
        sheet = ScoreSheet(month=month, state=State.DRAFT, due_assumed=False, version=1)
        session.add(sheet)
        session.flush()
    return sheet


def draft_of(session: Session, month: str) -> ScoreSheet:
    """Return the sheet of a month, as long as it is a draft. Raises SheetError."""
    sheet = begin(session, month)
    if sheet.state != State.DRAFT:
        raise SheetError("score_not_draft")
    return sheet


def open_of(session: Session, month: str) -> ScoreSheet:
    """Return the sheet of a month that is open. Raises SheetError."""
    sheet = find(session, month)
    if sheet is None or sheet.state != State.OPEN:
        raise SheetError("score_not_open")
    return sheet


def table_of(session: Session, sheet: ScoreSheet) -> ScoreCatalogue:
    """Return the table that a sheet is scored by. Raises SheetError if there is none."""
    if sheet.catalogue is not None:
        return session.get_one(ScoreCatalogue, sheet.catalogue)
    if (row := rows.catalogue_for(session, sheet.month)) is None:
        raise SheetError("no_score_table")
    return row


def criterion_of(catalogue: Catalogue, name: str) -> Criterion:
    """Return a criterion. Raises SheetError."""
    if (found := catalogue.by_id.get(name)) is None:
        raise SheetError("no_such_criterion")
    return found


def points_for(criterion: Criterion, points: Decimal | None) -> Decimal:
    """Return the points of a case that somebody enters. Raises SheetError."""
    if criterion.rule is not None:
        raise SheetError("score_not_entered")
    least, most = criterion.points
    if points is None and criterion.is_fixed:
        return least
    if points is None or not least <= points <= most:
        raise SheetError("score_points")
    return points


def measure_sheet(
    session: Session,
    sheet: ScoreSheet,
    alarms: Alarms | Why,
    units: int,
    now: float,
) -> None:
    """Read all that a draft follows from besides what people enter. Raises SheetError.

    What people have said instead of what was read stays.
    """
    catalogue = rows.catalogue_of(table_of(session, sheet))
    known = {row.criterion: row for row in sheet.facts}
    found = measured(session, catalogue, sheet.month, alarms, now)
    for name in known.keys() - found.keys():
        # Of another table of criteria.
        sheet.facts.remove(known[name])
    for name, fact in found.items():
        row = fact_of(sheet, name, now)
        data = fact.as_data()
        row.at, row.value, row.why = now, data["value"], data["why"]
        row.details = data["details"]
    entered = households_of(session, sheet.month)
    count, origin = (entered, Origin.ENTERED) if entered else (units, Origin.REGISTER)
    sheet.households = count or None
    sheet.households_origin = origin if count else None
    sheet.households_at = now if count else None
    session.flush()


def amounts(sheet: ScoreSheet) -> dict[str, Amount]:
    """Return how much there was of what sources say, or people instead."""
    found = {}
    for row in sheet.facts:
        value = row.stated if row.stated is not None else row.value
        found[row.criterion] = Amount(
            None if value is None else Decimal(value), row.left_out
        )
    return found


def cases(sheet: ScoreSheet) -> list[Cases]:
    """Return what people have entered, and not withdrawn."""
    return [
        Cases(row.criterion, row.cases, Decimal(row.points))
        for row in sheet.entries
        if row.withdrawn_at is None
    ]


def score_of(sheet: ScoreSheet, catalogue: Catalogue) -> Score:
    """Return what a sheet comes to as it is now."""
    return score(catalogue, amounts(sheet), cases(sheet), sheet.households)


def strays(sheet: ScoreSheet, catalogue: Catalogue) -> list[ScoreEntry]:
    """Return entries that the table of the month has no place for."""
    by_id = catalogue.by_id
    return [
        row
        for row in sheet.entries
        if row.withdrawn_at is None
        and (
            (criterion := by_id.get(row.criterion)) is None
            or criterion.rule is not None
            or not criterion.points[0] <= Decimal(row.points) <= criterion.points[1]
        )
    ]


def undecided(sheet: ScoreSheet) -> list[ScoreComment]:
    """Return the appeals that nobody has decided."""
    return [row for row in sheet.comments if row.appeal and row.outcome is None]


@dataclass(frozen=True, slots=True)
class Of:
    """Whose sheet it is, for its record."""

    property_id: str
    title: str


@dataclass(frozen=True, slots=True)
class Deed:
    """Who does something, and when, in Unix time."""

    now: float
    #: Id of the Home Assistant user.
    who: str | None


def freeze(session: Session, sheet: ScoreSheet, whose: Of, deed: Deed) -> ScoreRecord:
    """Freeze a sheet: from here on it is its record. Raises FrozenError."""
    table = table_of(session, sheet)
    body = {
        "property": whose.property_id,
        "title": whose.title,
        "frozen_at": _moment(deed.now),
        "frozen_by": deed.who,
        **said(sheet, table),
    }
    record = records.add(
        session, records.Subject(RecordKind.SHEET, sheet.month), body, deed.now
    )
    for rows_of in (sheet.facts, sheet.entries, sheet.comments):
        for row in rows_of:
            row.frozen = True
    session.flush()
    sheet.record, sheet.state = record.number, State.FROZEN
    sheet.version += 1
    session.flush()
    return record


def said(sheet: ScoreSheet, table: ScoreCatalogue) -> dict[str, Any]:
    """Return what a sheet says: all that its score follows from, and no text of anybody."""
    catalogue = rows.catalogue_of(table)
    names = catalogue.by_id
    return {
        "catalogue": {
            "digest": table.digest,
            "version": table.version,
            "name": dict(catalogue.name),
            "example": catalogue.is_example,
            "most_bonus": number(catalogue.most_bonus),
        },
        "households": {
            "value": sheet.households,
            "origin": sheet.households_origin,
            "at": _moment(sheet.households_at),
        },
        "facts": {
            row.criterion: _fact(row) for row in sheet.facts if row.criterion in names
        },
        "entries": [_entry(row) for row in sorted(sheet.entries, key=_by_id)],
        "comments": [_comment(row) for row in sorted(sheet.comments, key=_by_id)],
        "opened_at": _moment(sheet.opened_at),
        "opened_by": sheet.opened_by,
        "due_on": sheet.due_on.isoformat() if sheet.due_on else None,
        "due_assumed": sheet.due_assumed,
        **score_of(sheet, catalogue).as_data(),
    }


def _by_id(row: ScoreEntry | ScoreComment) -> str:
    return row.id


def _fact(row: ScoreFact) -> dict[str, Any]:
    return {
        "at": _moment(row.at),
        "value": row.value,
        "why": row.why,
        "details": row.details,
        "stated": row.stated,
        "left_out": row.left_out,
        "stated_at": _moment(row.stated_at),
        "stated_by": row.stated_by,
        "note": row.note,
    }


def _entry(row: ScoreEntry) -> dict[str, Any]:
    return {
        "id": row.id,
        "criterion": row.criterion,
        "cases": row.cases,
        "points": row.points,
        "at": _moment(row.at),
        "who": row.who,
        "note": row.note,
        "photos": [photo.digest for photo in row.photos],
        "withdrawn_at": _moment(row.withdrawn_at),
        "withdrawn_by": row.withdrawn_by,
    }


def _comment(row: ScoreComment) -> dict[str, Any]:
    return {
        "id": row.id,
        "criterion": row.criterion,
        "entry": row.entry_id,
        "appeal": row.appeal,
        "note": row.note,
        "at": _moment(row.at),
        "who": row.who,
        "outcome": row.outcome,
        "answer": row.answer,
        "decided_at": _moment(row.decided_at),
        "decided_by": row.decided_by,
    }


def _moment(at: float | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat()


def decide(
    sheet: ScoreSheet,
    appeal: ScoreComment,
    outcome: Outcome,
    answer: str | None,
    deed: Deed,
) -> None:
    """Write down what became of an appeal; an entry that it is about is withdrawn if it was right.

    A fact is said anew by whoever decides.
    """
    appeal.outcome, appeal.answer = outcome, answer
    appeal.decided_at, appeal.decided_by = deed.now, deed.who
    if outcome is Outcome.ACCEPTED and appeal.entry_id:
        for row in sheet.entries:
            if row.id == appeal.entry_id and row.withdrawn_at is None:
                row.withdrawn_at, row.withdrawn_by = deed.now, deed.who
    sheet.version += 1


def fact_of(sheet: ScoreSheet, name: str, now: float) -> ScoreFact:
    """Return the fact of a criterion, which may not have been read yet."""
    for row in sheet.facts:
        if row.criterion == name:
            return row
    row = ScoreFact(
        criterion=name,
        at=now,
        value=None,
        why=Why.NOT_READ,
        details={},
        left_out=False,
        frozen=False,
    )
    sheet.facts.append(row)
    return row


def accepted_about(comments: Iterable[ScoreComment], name: str) -> bool:
    """Return if an appeal about a fact was accepted: it may be said anew."""
    return any(
        row.appeal and row.outcome == Outcome.ACCEPTED and row.criterion == name
        for row in comments
    )
