"""Commands about the scores of property management. Nobody is in them."""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final, override

from sqlalchemy import func, select

from homeassistant.util.json import JsonValueType

from ..scores import notes, records, rows, sheets
from ..scores.canonical import number
from ..scores.catalogue import Catalogue, parse
from ..scores.const import (
    COMMENT_DAYS,
    MOST_MONTHS_BACK,
    CountKind,
    Outcome,
    State,
    Why,
)
from ..scores.facts import Alarms
from ..scores.models import (
    ScoreCatalogue,
    ScoreComment,
    ScoreCount,
    ScoreEntry,
    ScoreRecord,
    ScoreSheet,
)
from ..scores.periods import is_month, month_of, moved
from ..scores.sheets import Deed, Of, SheetError
from ..scores.tree import Tree, TreeError
from ..storage.events import Kind
from .reading import moment
from .work import Command, NotCoveredError, Work, refused

type Answer = dict[str, JsonValueType]
#: The last of so many working days after a day, and whether holidays on the way are assumed.
type WorkingDay = Callable[[date, int], tuple[date, bool]]

#: Sheets in an answer, the newest first.
MOST_SHEETS: Final = 36


@contextmanager
def _refusing() -> Iterator[None]:
    """Say in words why something cannot be done with a sheet."""
    try:
        yield
    except SheetError as err:
        raise refused(err.key) from None


# Criteria


def read_catalogue(source: bytes) -> SaveCatalogue:
    """Return the command that saves what a file says. Raises ServiceValidationError."""
    try:
        catalogue = parse(Tree.read(source))
    except TreeError as err:
        raise refused(f"catalogue_{err.problem}", **err.placeholders) from None
    return SaveCatalogue(catalogue, source.decode("utf-8-sig"))


@dataclass(frozen=True, slots=True)
class GetCatalogue(Command[Answer]):
    """Show the criteria that are in force, and the versions that there are."""

    name = "get_score_catalogue"
    #: Of which version; None: of this month.
    version: str | None = None

    @override
    def run(self, work: Work) -> Answer:
        known = rows.catalogues(work.session)
        row = rows.catalogue_for(work.session, month_of(work.today))
        if self.version is not None:
            row = next((row for row in known if row.version == self.version), None)
            if row is None:
                raise refused("no_such_catalogue")
        work.audit()
        return {
            "catalogue": describe_catalogue(row) if row else None,
            "versions": [
                {
                    "version": one.version,
                    "first_month": one.first_month,
                    "digest": one.digest,
                    "at": moment(one.at),
                    "who": one.who,
                }
                for one in known
            ],
        }


def describe_catalogue(row: ScoreCatalogue) -> Answer:
    """Return a table of criteria for an answer, with the file that it was read from."""
    found: Answer = rows.catalogue_of(row).as_data()
    return {**found, "digest": row.digest, "source": row.source}


@dataclass(frozen=True, slots=True)
class SaveCatalogue(Command[Answer]):
    """Put a table of criteria in force from its first month on.

    What is frozen, or open for comments, keeps the one that it has.
    """

    name = "save_score_catalogue"
    catalogue: Catalogue
    source: str

    @override
    def run(self, work: Work) -> Answer:
        try:
            row = rows.save_catalogue(
                work.session,
                self.catalogue,
                self.source,
                work.hand.now,
                work.caller.user_id,
            )
        except rows.VersionTakenError:
            raise refused(
                "catalogue_version_taken", version=self.catalogue.version
            ) from None
        work.audit()
        work.tell(Kind.SCORES_CHANGED)
        return {
            "version": row.version,
            "digest": row.digest,
            "first_month": row.first_month,
        }


# Sheets


def _month(work: Work, month: str | None) -> str:
    """Return a month that something can be entered for. Raises ServiceValidationError."""
    now = month_of(work.today)
    month = month or now
    if not is_month(month) or not moved(now, -MOST_MONTHS_BACK) <= month <= now:
        raise refused("score_month", months=str(MOST_MONTHS_BACK))
    return month


def _deed(work: Work) -> Deed:
    return Deed(work.hand.now, work.caller.user_id)


def describe(work: Work, sheet: ScoreSheet) -> Answer:
    """Return a sheet for an answer: what it comes to, and nothing that anybody wrote."""
    found = _said(work, sheet)
    shown = (
        *("catalogue", "households", "lines", "heads", "bonuses", "score"),
        *("opened_at", "due_on", "due_assumed", "frozen_at", "digest"),
    )
    return {
        "month": sheet.month,
        "state": sheet.state,
        "version": sheet.version,
        **{key: found[key] for key in shown if key in found},
        "unknown": [
            row["criterion"] for row in found.get("lines", ()) if row["points"] is None
        ],
        "appeals": len(sheets.undecided(sheet)),
    }


def _said(work: Work, sheet: ScoreSheet) -> dict[str, Any]:
    """Return what a sheet says: of one that is frozen, its record."""
    if sheet.record is not None:
        row = work.session.get_one(ScoreRecord, sheet.record)
        return {**records.body_of(row), "digest": row.digest}
    try:
        return sheets.said(sheet, sheets.table_of(work.session, sheet))
    except SheetError:
        # It was begun before there was a table for its month.
        return {"score": None}


@dataclass(frozen=True, slots=True)
class GetScores(Command[Answer]):
    """List the sheets and figures of months, and say if the chain of records is whole."""

    name = "get_scores"

    @override
    def run(self, work: Work) -> Answer:
        work.audit()
        months = work.session.scalars(
            select(ScoreSheet.month)
            .order_by(ScoreSheet.month.desc())
            .limit(MOST_SHEETS)
        ).all()
        broken = list(records.broken(work.session))
        last = records.last(work.session)
        return {
            "sheets": [describe(work, _sheet(work, month)) for month in months],
            "counts": _counts(work),
            "chain": {
                "length": last.number if last else 0,
                "digest": last.digest if last else None,
                "broken": [*broken],
            },
        }


def _sheet(work: Work, month: str) -> ScoreSheet:
    if (sheet := sheets.find(work.session, month)) is None:
        raise refused("no_such_score")
    return sheet


@dataclass(frozen=True, slots=True)
class GetSheet(Command[Answer]):
    """Show a sheet, with what was entered and what people have said about it."""

    name = "get_score_sheet"
    month: str

    @override
    def run(self, work: Work) -> Answer:
        work.audit()
        return shown(work, _sheet(work, self.month))


def shown(work: Work, sheet: ScoreSheet) -> Answer:
    """Return a sheet with all that belongs to it."""
    found = _said(work, sheet)
    said = [*found.get("entries", ()), *found.get("comments", ())]
    said += found.get("facts", {}).values()
    digests = {row[key] for row in said for key in ("note", "answer") if row.get(key)}
    table = rows.catalogue_at(work.session, found)
    return {
        **found,
        "month": sheet.month,
        "state": sheet.state,
        "version": sheet.version,
        "criteria": table.as_data()["criteria"] if table else [],
        "texts": notes.read(work.session, digests),
        "strays": [row.id for row in sheets.strays(sheet, table)]
        if table and sheet.state == State.DRAFT
        else [],
    }


@dataclass(frozen=True, slots=True)
class AddEntry(Command[Answer]):
    """Enter cases of a criterion in the sheet of a month, as long as it is a draft."""

    name = "add_score_entry"
    criterion: str
    cases: int = 1
    month: str | None = None
    #: Of each case, where they are not fixed.
    points: Decimal | None = None
    note: str = ""

    @override
    def run(self, work: Work) -> Answer:
        session, now = work.session, work.hand.now
        month = _month(work, self.month)
        with _refusing():
            sheet = sheets.draft_of(session, month)
            catalogue = rows.catalogue_of(sheets.table_of(session, sheet))
            criterion = sheets.criterion_of(catalogue, self.criterion)
            points = sheets.points_for(criterion, self.points)
        entry = ScoreEntry(
            criterion=criterion.id,
            cases=self.cases,
            points=number(points),
            at=now,
            who=work.caller.user_id,
            note=notes.keep(session, self.note, now),
            frozen=False,
        )
        sheet.entries.append(entry)
        sheet.version += 1
        session.flush()
        work.audit()
        work.tell(Kind.SCORES_CHANGED)
        return {"entry_id": entry.id, **describe(work, sheet)}


@dataclass(frozen=True, slots=True)
class WithdrawEntry(Command[Answer]):
    """Take back what was entered. It stays on the sheet, and counts no more.

    Who may not withdraw those of others takes back their own.
    """

    name = "withdraw_score_entry"
    entry_id: str

    @override
    def run(self, work: Work) -> Answer:
        entry = work.session.get(ScoreEntry, self.entry_id)
        if entry is None:
            raise refused("no_such_entry")
        is_own = entry.who is not None and entry.who == work.caller.user_id
        if not (is_own or work.caller.may("any_score_entry", work.why)):
            raise NotCoveredError
        month = work.session.get_one(ScoreSheet, entry.sheet_id).month
        with _refusing():
            sheet = sheets.draft_of(work.session, month)
        if entry.withdrawn_at is None:
            entry.withdrawn_at = work.hand.now
            entry.withdrawn_by = work.caller.user_id
            sheet.version += 1
            work.session.flush()
        work.audit()
        work.tell(Kind.SCORES_CHANGED)
        return describe(work, sheet)


@dataclass(frozen=True, slots=True)
class StateFact(Command[Answer]):
    """Say what nobody could read, or that a month is not judged by it; None takes that back.

    What was read stays beside it. What is known can be said otherwise only where an appeal
    about it was accepted.
    """

    name = "state_score_fact"
    month: str
    criterion: str
    note: str
    value: Decimal | None = None
    left_out: bool = False

    @override
    def run(self, work: Work) -> Answer:
        session, now = work.session, work.hand.now
        sheet = _sheet(work, self.month)
        if sheet.state == State.FROZEN:
            raise refused("score_frozen")
        with _refusing():
            catalogue = rows.catalogue_of(sheets.table_of(session, sheet))
            criterion = sheets.criterion_of(catalogue, self.criterion)
        if criterion.rule is None:
            raise refused("score_entered")
        fact = sheets.fact_of(sheet, criterion.id, now)
        if fact.value is not None and not sheets.accepted_about(
            sheet.comments, criterion.id
        ):
            raise refused("score_fact_known")
        if self.value is not None and self.left_out:
            raise refused("score_fact_both")
        fact.stated = None if self.value is None else number(self.value)
        fact.left_out = self.left_out
        is_said = self.left_out or self.value is not None
        if is_said and not self.note.strip():
            raise refused("score_no_words")
        fact.stated_at, fact.stated_by, fact.note = (
            (now, work.caller.user_id, notes.keep(session, self.note, now))
            if is_said
            else (None, None, None)
        )
        sheet.version += 1
        session.flush()
        work.audit()
        work.tell(Kind.SCORES_CHANGED)
        return describe(work, sheet)


@dataclass(frozen=True, slots=True)
class Read:
    """What was read for sheets outside the database."""

    alarms: Alarms | Why
    #: Units of the register.
    units: int


@dataclass(frozen=True, slots=True)
class OpenSheet(Command[Answer]):
    """Show the sheet of a month that is over for comments and appeals."""

    name = "open_score_sheet"
    month: str
    read: Read
    working_day: WorkingDay

    @override
    def run(self, work: Work) -> Answer:
        session, now = work.session, work.hand.now
        month = _month(work, self.month)
        if month >= month_of(work.today):
            raise refused("score_month_not_over")
        with _refusing():
            sheet = sheets.draft_of(session, month)
            table = sheets.table_of(session, sheet)
            if sheets.strays(sheet, rows.catalogue_of(table)):
                raise SheetError("score_strays")
            sheets.measure_sheet(session, sheet, self.read.alarms, self.read.units, now)
        sheet.catalogue, sheet.state = table.number, State.OPEN
        sheet.opened_at, sheet.opened_by = now, work.caller.user_id
        sheet.due_on, sheet.due_assumed = self.working_day(work.today, COMMENT_DAYS)
        sheet.version += 1
        session.flush()
        work.audit()
        work.tell(Kind.SCORES_CHANGED)
        return describe(work, sheet)


@dataclass(frozen=True, slots=True)
class CommentOnSheet(Command[Answer]):
    """Say something about a sheet that is open, or appeal against a line of it."""

    name = "comment_score"
    month: str
    note: str
    #: What it is about; neither: the sheet as a whole.
    criterion: str | None = None
    entry_id: str | None = None
    appeal: bool = False

    @property
    @override
    def what(self) -> str:
        return "appeal_score" if self.appeal else self.name

    @override
    def run(self, work: Work) -> Answer:
        session, now = work.session, work.hand.now
        with _refusing():
            sheet = sheets.open_of(session, self.month)
            catalogue = rows.catalogue_of(sheets.table_of(session, sheet))
            if self.criterion is not None:
                sheets.criterion_of(catalogue, self.criterion)
        entry = next((row for row in sheet.entries if row.id == self.entry_id), None)
        if self.entry_id is not None and entry is None:
            raise refused("no_such_entry")
        assert sheet.due_on
        if work.today > sheet.due_on:
            raise refused("score_comments_over", day=sheet.due_on.isoformat())
        if (note := notes.keep(session, self.note, now)) is None:
            raise refused("score_no_words")
        comment = ScoreComment(
            criterion=entry.criterion if entry else self.criterion,
            entry_id=entry.id if entry else None,
            appeal=self.appeal,
            note=note,
            at=now,
            who=work.caller.user_id,
            frozen=False,
        )
        sheet.comments.append(comment)
        sheet.version += 1
        session.flush()
        work.audit()
        work.tell(Kind.SCORES_CHANGED)
        return {"comment_id": comment.id}


@dataclass(frozen=True, slots=True)
class DecideAppeal(Command[Answer]):
    """Say what became of an appeal. An entry that it was about is withdrawn if it was right."""

    name = "decide_score_appeal"
    comment_id: str
    outcome: Outcome
    note: str

    @override
    def run(self, work: Work) -> Answer:
        session = work.session
        comment = session.get(ScoreComment, self.comment_id)
        if comment is None or not comment.appeal:
            raise refused("no_such_appeal")
        month = session.get_one(ScoreSheet, comment.sheet_id).month
        with _refusing():
            sheet = sheets.open_of(session, month)
        if comment.outcome is not None:
            raise refused("score_appeal_decided")
        if comment.who is not None and comment.who == work.caller.user_id:
            raise refused("score_own_appeal")
        if (answer := notes.keep(session, self.note, work.hand.now)) is None:
            raise refused("score_no_words")
        sheets.decide(sheet, comment, self.outcome, answer, _deed(work))
        session.flush()
        work.audit()
        work.tell(Kind.SCORES_CHANGED)
        return describe(work, sheet)


@dataclass(frozen=True, slots=True)
class FreezeSheet(Command[Answer]):
    """Freeze a sheet of which the time for comments is over, and so publish it."""

    name = "freeze_score_sheet"
    month: str
    whose: Of

    @override
    def run(self, work: Work) -> Answer:
        with _refusing():
            sheet = sheets.open_of(work.session, self.month)
        assert sheet.due_on
        if work.today <= sheet.due_on:
            raise refused("score_comments_open", day=sheet.due_on.isoformat())
        if sheets.undecided(sheet):
            raise refused("score_appeals_open")
        sheets.freeze(work.session, sheet, self.whose, _deed(work))
        work.audit()
        work.tell(Kind.SCORES_CHANGED)
        return describe(work, sheet)


# Figures


@dataclass(frozen=True, slots=True)
class Count:
    """A figure of a month."""

    month: str
    kind: CountKind
    count: int


@dataclass(frozen=True, slots=True)
class PutCounts(Command[int]):
    """Enter figures of months: calls, disputes, households. What was entered last counts.

    Raises ServiceValidationError; nothing is entered then. A sheet that is open or frozen
    stays as it is.
    """

    name = "put_score_counts"
    counts: Collection[Count]
    #: Of the file that they are from.
    file_digest: str | None = None

    @override
    def run(self, work: Work) -> int:
        last = work.session.scalar(select(func.max(ScoreCount.number))) or 0
        for place, row in enumerate(self.counts, last + 1):
            work.session.add(
                ScoreCount(
                    number=place,
                    month=_month(work, row.month),
                    kind=row.kind,
                    count=row.count,
                    at=work.hand.now,
                    who=work.caller.user_id,
                    file_digest=self.file_digest,
                )
            )
        work.session.flush()
        work.audit()
        work.tell(Kind.SCORES_CHANGED)
        return len(self.counts)


def _counts(work: Work) -> list[JsonValueType]:
    """Return the figures of months that were entered last, the newest first."""
    first = moved(month_of(work.today), -MOST_MONTHS_BACK)
    found: dict[tuple[str, str], ScoreCount] = {}
    for row in work.session.scalars(
        select(ScoreCount).where(ScoreCount.month >= first).order_by(ScoreCount.number)
    ):
        found[row.month, row.kind] = row
    return [
        {
            "month": month,
            "kind": kind,
            "count": row.count,
            "at": moment(row.at),
            "who": row.who,
        }
        for (month, kind), row in sorted(
            found.items(), key=lambda item: item[0], reverse=True
        )
    ]
