"""Commands about reports of hazards: who mends them, until when, and what is to be seen."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, override

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from homeassistant.util.json import JsonValueType

from ..places.models import SitePlace
from ..reports import rows
from ..reports.const import Category, Party, PhotoKind, State
from ..reports.models import HazardReport, ReportPhoto
from ..reports.rows import Stored
from ..storage.events import Kind
from ..storage.vault import Vault
from .reading import moment
from .work import Command, NotCoveredError, Work, overtaken, refused

type Answer = dict[str, JsonValueType]

#: What a change is called in the table of who may, by the state that it leads to.
CHANGES: Final[Mapping[State, str]] = {
    State.ASSIGNED: "assign_report",
    State.MENDED: "mend_report",
    State.CLOSED: "close_report",
    State.REOPENED: "reopen_report",
}


def report_of(work: Work, report_id: str) -> HazardReport:
    """Return a report of the caller's. Raises ServiceValidationError, NotCoveredError."""
    report = work.session.get(HazardReport, report_id)
    unit_id = report.place.unit_id if report else None
    if work.caller.permit.units is not None and not (
        unit_id and work.caller.covers([unit_id])
    ):
        raise NotCoveredError
    if report is None:
        raise refused("no_such_report")
    return report


def describe(report: HazardReport, now: float) -> Answer:
    """Return a report for an answer: what, where and until when, and nobody."""
    known = rows.brief(report)
    place = known.place
    return {
        "report_id": known.id,
        "version": report.version,
        "place_id": place.id,
        "unit_id": place.unit_id,
        "place": {
            "kind": place.kind,
            "building": place.building,
            "stairwell": place.stairwell,
            "number": place.number,
            "name": place.name,
        },
        "category": known.category,
        "danger": known.danger,
        "state": known.state,
        "party": known.party,
        "created_at": moment(known.created_at),
        "due_at": moment(known.due_at),
        "mended_at": moment(report.mended_at),
        "closed_at": moment(report.closed_at),
        "overdue": known.is_overdue(now),
        "late": known.late,
        "merged_into": report.merged_into,
        "photos": len(report.photos),
    }


@dataclass(frozen=True, slots=True)
class GetReports(Command[list[Answer]]):
    """List the reports, the oldest first. It names nobody, and shows no photo."""

    name = "get_reports"
    #: Those too that are over or merged.
    everything: bool = False

    @override
    def run(self, work: Work) -> list[Answer]:
        work.audit()
        query = (
            select(HazardReport)
            .options(
                joinedload(HazardReport.place).joinedload(SitePlace.unit),
                selectinload(HazardReport.photos),
            )
            .order_by(HazardReport.id)
        )
        if not self.everything:
            going = (State.NEW, State.ASSIGNED, State.REOPENED, State.MENDED)
            query = query.where(HazardReport.state.in_(going))
        own = work.caller.permit.units
        return [
            describe(row, work.hand.now)
            for row in work.session.scalars(query)
            if own is None or row.place.unit_id in own
        ]


@dataclass(frozen=True, slots=True)
class GetReport(Command[Answer]):
    """Show a report: what somebody wrote, its photos, what was done, and what was merged."""

    name = "get_report"
    report_id: str

    @override
    def run(self, work: Work) -> Answer:
        report = report_of(work, self.report_id)
        work.audit(report.place.unit_id)
        merged = work.session.scalars(
            select(HazardReport)
            .where(HazardReport.merged_into == report.id)
            .options(selectinload(HazardReport.photos))
            .order_by(HazardReport.id)
        ).all()
        return {
            **describe(report, work.hand.now),
            "text": report.text,
            "pictures": [
                {
                    "photo_id": photo.id,
                    "report_id": row.id,
                    "kind": photo.kind,
                    "width": photo.width,
                    "height": photo.height,
                    "at": moment(photo.at),
                }
                for row in (report, *merged)
                for photo in row.photos
            ],
            "steps": [
                {
                    "at": moment(step.at),
                    "what": step.what,
                    "who": step.who,
                    "note": step.note,
                }
                for step in report.steps
            ],
            "merged": [
                {
                    "report_id": row.id,
                    "created_at": moment(row.created_at),
                    "text": row.text,
                }
                for row in merged
            ],
        }


@dataclass(frozen=True, slots=True)
class OpenPhoto(Command[str]):
    """Return the key of a photo's file, so that it can be shown. It is in the audit first."""

    name = "get_report"
    photo_id: str
    vault: Vault
    #: Another command that it is part of.
    part_of: str | None = None

    @property
    @override
    def what(self) -> str:
        return self.part_of or self.name

    @override
    def run(self, work: Work) -> str:
        photo = _photo_of(work, self.photo_id)
        report = report_of(work, photo.report_id)
        work.audit(report.place.unit_id, what=f"{self.what}_photo")
        key = self.vault.read(work.session, photo.sealed_id)
        if key is None:
            raise refused("no_such_photo")
        return key


def _photo_of(work: Work, photo_id: str) -> ReportPhoto:
    if (photo := work.session.get(ReportPhoto, photo_id)) is None:
        if work.caller.permit.units is not None:
            raise NotCoveredError
        raise refused("no_such_photo")
    return photo


@dataclass(frozen=True, slots=True)
class CheckReport(Command[None]):
    """See that a report is there, and the caller's to say that it is mended."""

    name = "mend_report"
    report_id: str

    @override
    def run(self, work: Work) -> None:
        report_of(work, self.report_id)


@dataclass(frozen=True, slots=True)
class ChangeReport(Command[Answer]):
    """Assign a report, say that it is mended, close it, or take it up again.

    Raises ServiceValidationError if it does not come there from the state that it is in.
    """

    name = "assign_report"
    report_id: str
    to: State
    vault: Vault
    version: int | None = None
    party: Party | None = None
    note: str = ""
    photos: Sequence[Stored] = ()
    #: When it is due if it is taken up again, by its category and now, in Unix time.
    due_at: Callable[[Category, float], float] | None = None

    @property
    @override
    def what(self) -> str:
        return CHANGES[self.to]

    @override
    def run(self, work: Work) -> Answer:
        report, now = report_of(work, self.report_id), work.hand.now
        if self.version not in (None, report.version):
            raise overtaken("report_changed")
        session = work.session
        deed = rows.Deed(now, work.caller.user_id, self.note)
        try:
            if self.to is State.REOPENED:
                assert self.due_at
                due_at = self.due_at(Category(report.category), now)
                rows.reopen(session, report, due_at, deed)
            else:
                rows.change(session, report, self.to, deed)
            rows.add_photos(
                session,
                self.vault,
                report,
                self.photos,
                kind=PhotoKind.AFTER,
                now=now,
            )
        except rows.WrongStateError:
            raise refused("report_state") from None
        except rows.TooManyPhotosError:
            raise refused("report_full") from None
        if self.to is State.ASSIGNED:
            report.party = self.party
        session.flush()
        work.audit(report.place.unit_id)
        work.tell(Kind.REPORT_CHANGED, report.place.unit_id)
        return describe(report, now)


@dataclass(frozen=True, slots=True)
class MergeReports(Command[Answer]):
    """Let one report go on for another, which is about the same."""

    name = "merge_reports"
    report_id: str
    into_id: str

    @override
    def run(self, work: Work) -> Answer:
        report = report_of(work, self.report_id)
        into = report_of(work, self.into_id)
        try:
            rows.merge(
                work.session,
                report,
                into,
                rows.Deed(work.hand.now, work.caller.user_id),
            )
        except rows.WrongStateError:
            raise refused("report_state") from None
        work.session.flush()
        for row in (report, into):
            work.audit(row.place.unit_id)
        work.tell(Kind.REPORT_CHANGED, into.place.unit_id)
        return describe(into, work.hand.now)


@dataclass(frozen=True, slots=True)
class ReplacePhoto(Command[str | None]):
    """Put another photo in the place of one, or nothing; return the id of the new one.

    Of the one before nothing is left: its key is gone with this.
    """

    name = "blur_photo"
    photo_id: str
    vault: Vault
    #: None: it is removed.
    stored: Stored | None

    @property
    @override
    def what(self) -> str:
        return "blur_photo" if self.stored else "remove_photo"

    @override
    def run(self, work: Work) -> str | None:
        photo = _photo_of(work, self.photo_id)
        report = report_of(work, photo.report_id)
        kind, deed = (
            PhotoKind(photo.kind),
            rows.Deed(work.hand.now, work.caller.user_id),
        )
        rows.drop_photo(work.session, photo)
        work.session.expire(report, ["photos"])
        if self.stored:
            rows.add_photos(
                work.session,
                self.vault,
                report,
                [self.stored],
                kind=kind,
                now=photo.at,
            )
        step = "blurred" if self.stored else "removed"
        rows.note(work.session, report, step, deed)
        report.version += 1
        work.session.flush()
        work.audit(report.place.unit_id)
        work.tell(Kind.REPORT_CHANGED, report.place.unit_id)
        return self.stored.id if self.stored else None
