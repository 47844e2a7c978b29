"""Questions and changes about reports, as pure functions on a session."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, delete, exists, or_, select, update
from sqlalchemy.orm import Session, aliased, joinedload, selectinload

from ..places import rows as places
from ..places.models import SitePlace
from ..places.rows import PlaceInfo
from ..storage.vault import Compartment, CompartmentRow, Vault
from .const import (
    FROM,
    MOST_PHOTOS_OF_A_REPORT,
    NEAR_BITS,
    OPEN,
    OVER,
    REOPEN_DAYS,
    SILENT_DAYS,
    Category,
    Party,
    PhotoKind,
    State,
)
from .models import HazardReport, ReportPhoto, ReportStep
from .photos import distance

#: The kind of sealed rows with the key of a photo.
PHOTO_KEY: Final = "report_photo"
#: They are deleted with their photo, and not by their age: a report may be open for long.
_KEY_DAYS: Final = 36_500
_DAY: Final = 86_400


class WrongStateError(Exception):
    """A report does not come to this state from that in which it is."""


class SentTwiceError(Exception):
    """What a form adds to a report was added by it before."""


class TooManyPhotosError(Exception):
    """A report has as many photos as it may have."""


@dataclass(frozen=True, slots=True)
class Deed:
    """Who does something, when, and what they say of it."""

    now: float
    #: Id of the Home Assistant user; None: whoever has the receipt, or nobody.
    who: str | None = None
    note: str = ""
    #: By which form, where that is good once.
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """A photo whose file is written: what its row says, and the key of the file."""

    id: str
    key: str
    fingerprint: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class New:
    """A report that somebody sends."""

    place_id: str
    category: Category
    danger: bool
    text: str
    digest: str | None
    #: Unix times.
    created_at: float
    due_at: float


@dataclass(frozen=True, slots=True)
class Brief:
    """A report as everybody of the house may see it: nobody is in it."""

    id: str
    place: PlaceInfo
    category: Category
    danger: bool
    state: State
    party: Party | None
    created_at: float
    due_at: float
    late: bool

    @property
    def is_open(self) -> bool:
        """Return if somebody has to do something."""
        return self.state in OPEN

    def is_overdue(self, now: float) -> bool:
        """Return if it should have been mended before a Unix time."""
        return self.is_open and self.due_at < now


def seal(session: Session, vault: Vault, photo: Stored, unit_id: str | None) -> str:
    """Write the key of a photo; return the id of the row. Raises RegisterError."""
    return vault.put(
        session,
        Compartment.SEALED,
        PHOTO_KEY,
        photo.key,
        unit_id=unit_id,
        keep_days=_KEY_DAYS,
    )


def add_photos(
    session: Session,
    vault: Vault,
    report: HazardReport,
    photos: Iterable[Stored],
    *,
    kind: PhotoKind,
    now: float,
) -> None:
    """Add photos to a report. Raises RegisterError, TooManyPhotosError."""
    for photo in photos:
        if len(report.photos) >= MOST_PHOTOS_OF_A_REPORT:
            raise TooManyPhotosError
        report.photos.append(
            ReportPhoto(
                id=photo.id,
                kind=kind,
                sealed_id=seal(session, vault, photo, report.place.unit_id),
                fingerprint=photo.fingerprint,
                width=photo.width,
                height=photo.height,
                at=now,
            )
        )


def write(
    session: Session, vault: Vault, new: New, photos: Sequence[Stored]
) -> HazardReport | None:
    """Write a report, merged with an open one that shows the same thing.

    Returns None if the place is gone, and the one of before if it was sent twice. Raises
    RegisterError.
    """
    if new.digest and (before := by_digest(session, new.digest)):
        return before
    place = session.scalar(
        select(SitePlace).where(SitePlace.id == new.place_id, places.is_there())
    )
    if place is None:
        return None
    same = find_same(session, new, [row.fingerprint for row in photos])
    report = HazardReport(
        place=place,
        category=new.category,
        danger=new.danger,
        text=new.text,
        state=State.NEW,
        digest=new.digest,
        created_at=new.created_at,
        due_at=new.due_at,
        late=False,
        version=1,
    )
    session.add(report)
    session.flush()
    deed = Deed(new.created_at)
    add_photos(session, vault, report, photos, kind=PhotoKind.BEFORE, now=deed.now)
    note(session, report, State.NEW, deed)
    if same:
        merge(session, report, same, deed)
    session.flush()
    return report


def find_same(
    session: Session, new: New, fingerprints: Collection[str]
) -> HazardReport | None:
    """Return the oldest open report of the same place and category that shows the same."""
    found = session.scalars(
        select(HazardReport)
        .where(
            HazardReport.place_id == new.place_id,
            HazardReport.category == new.category,
            HazardReport.state.in_(OPEN),
        )
        .options(selectinload(HazardReport.photos))
        .order_by(HazardReport.id)
    )
    for report in found:
        if any(
            distance(photo.fingerprint, other) <= NEAR_BITS
            for photo in report.photos
            for other in fingerprints
            # A picture of nothing, such as of the dark, is like every other.
            if photo.kind == PhotoKind.BEFORE and int(other, 16)
        ):
            return report
    return None


def merge(
    session: Session, report: HazardReport, into: HazardReport, deed: Deed
) -> None:
    """Let another report go on for both. Raises WrongStateError.

    What was merged into the one follows it.
    """
    if report.id == into.id or into.state not in OPEN:
        raise WrongStateError
    change(session, report, State.MERGED, deed)
    report.merged_into = into.id
    for other in session.scalars(
        select(HazardReport).where(HazardReport.merged_into == report.id)
    ).all():
        other.merged_into = into.id
    # The sooner and the worse of both.
    into.due_at = min(into.due_at, report.due_at)
    into.danger = into.danger or report.danger
    into.version += 1


def change(session: Session, report: HazardReport, to: State, deed: Deed) -> None:
    """Bring a report to a state. Raises WrongStateError."""
    now = deed.now
    if report.state not in FROM[to] or (
        to is State.REOPENED and not may_reopen(report, now)
    ):
        raise WrongStateError
    is_open = report.state in OPEN
    report.state = to
    report.version += 1
    if to in (State.MENDED, State.CLOSED) and is_open:
        report.mended_at = now
        report.late = report.late or now > report.due_at
    report.closed_at = now if to in OVER else None
    note(session, report, to, deed)


def may_reopen(report: HazardReport, now: float) -> bool:
    """Return if a report can be taken up again: for some time after it was over."""
    return report.state in FROM[State.REOPENED] and (
        report.closed_at is None or report.closed_at >= now - REOPEN_DAYS * _DAY
    )


def reopen(session: Session, report: HazardReport, due_at: float, deed: Deed) -> None:
    """Take a report up again, with time until `due_at`. Raises WrongStateError."""
    change(session, report, State.REOPENED, deed)
    report.mended_at = None
    report.due_at = due_at


def note(session: Session, report: HazardReport, what: str, deed: Deed) -> None:
    """Write down what was done about a report. Raises SentTwiceError."""
    same = select(ReportStep.id).where(ReportStep.digest == deed.digest)
    if deed.digest and session.scalar(same):
        raise SentTwiceError
    session.add(
        ReportStep(
            report_id=report.id,
            at=deed.now,
            what=what,
            who=deed.who,
            note=deed.note,
            digest=deed.digest,
        )
    )


def by_digest(session: Session, digest: str) -> HazardReport | None:
    """Return the report of a receipt."""
    return session.scalar(select(HazardReport).where(HazardReport.digest == digest))


def leading(session: Session, report: HazardReport) -> HazardReport:
    """Return the report that goes on for one that was merged; else itself."""
    if report.merged_into is None:
        return report
    return session.get_one(HazardReport, report.merged_into)


def read(session: Session) -> Mapping[str, Brief]:
    """Return all reports but those that another goes on for, the oldest first."""
    found = session.scalars(
        select(HazardReport)
        .join(SitePlace, SitePlace.id == HazardReport.place_id)
        .where(HazardReport.state != State.MERGED, places.is_there())
        .options(joinedload(HazardReport.place).joinedload(SitePlace.unit))
        .order_by(HazardReport.id)
    )
    return {row.id: brief(row) for row in found}


def brief(report: HazardReport) -> Brief:
    """Return what of a report names nobody."""
    return Brief(
        report.id,
        places.described(report.place),
        Category(report.category),
        report.danger,
        State(report.state),
        Party(report.party) if report.party else None,
        report.created_at,
        report.due_at,
        report.late,
    )


def known_photos(session: Session) -> set[str]:
    """Return the ids of all photos that have a row."""
    return set(session.scalars(select(ReportPhoto.id)))


def drop_photo(session: Session, photo: ReportPhoto) -> None:
    """Remove a photo with its key: nobody can open its file any more."""
    session.execute(delete(CompartmentRow).where(CompartmentRow.id == photo.sealed_id))
    session.execute(delete(ReportPhoto).where(ReportPhoto.id == photo.id))


def purge(
    session: Session, now: float, keep_photo_days: int, keep_days: int
) -> list[str]:
    """Remove what need not be kept any more; return the ids of photos whose files go too.

    What is mended, and nobody has said otherwise, is over; what has been over for long has
    no photo and no word any more, and then is gone.
    """
    for report in session.scalars(
        select(HazardReport).where(
            HazardReport.state == State.MENDED,
            HazardReport.mended_at < now - SILENT_DAYS * _DAY,
        )
    ).all():
        change(session, report, State.CLOSED, Deed(now))
    session.flush()
    gone = []
    over = _is_over_since(now - keep_photo_days * _DAY)
    for photo in session.scalars(
        select(ReportPhoto).join(HazardReport).where(over)
    ).all():
        drop_photo(session, photo)
        gone.append(photo.id)
    ended = select(HazardReport.id).where(over)
    session.execute(
        update(ReportStep).where(ReportStep.report_id.in_(ended)).values(note="")
    )
    session.execute(update(HazardReport).where(over).values(text=""))
    session.execute(delete(HazardReport).where(_is_over_since(now - keep_days * _DAY)))
    # Those of a place that was removed.
    session.execute(
        delete(CompartmentRow).where(
            CompartmentRow.kind == PHOTO_KEY,
            ~exists().where(ReportPhoto.sealed_id == CompartmentRow.id),
        )
    )
    return gone


def _is_over_since(before: float) -> ColumnElement[bool]:
    """Return the condition of reports that were over at a Unix time, with what was merged."""
    lead = aliased(HazardReport)
    return exists().where(
        or_(lead.id == HazardReport.merged_into, lead.id == HazardReport.id),
        lead.closed_at < before,
    )
