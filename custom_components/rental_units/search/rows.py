"""Questions and changes about cases, as pure functions on a session."""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
import json
from typing import Any

from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.orm import Session

from ..storage import vault
from ..storage.vault import Compartment, CompartmentRow, Vault
from .const import CASE_SECONDS, KEEP_DAYS, CaseKind, Deed, Outcome
from .models import SearchCase, SearchDeed

#: Kinds of the rows in the vault.
KIND = "search_case"
PICTURE_KIND = "search_picture"
DEED_KIND = "search_deed"


@dataclass(frozen=True, slots=True)
class Subject:
    """Who or what is looked for, as the case says; all of it is personal."""

    #: Their name, or what somebody calls them; empty for somebody of the register.
    subject: str = ""
    #: How they look. Those who respond are told it, and nothing else of them.
    description: str = ""
    plate: str = ""
    #: The number of a guardian or of the police, or how it was seen who asks.
    authority: str = ""


@dataclass(frozen=True, slots=True)
class Brief:
    """A case without anybody in it: what is known of it in memory."""

    id: str
    kind: CaseKind
    opened_at: float
    opened_by: str | None
    closes_at: float
    closed_at: float | None
    closed_by: str | None
    outcome: str | None
    watched_by: str | None
    told_at: float | None
    taken_back_at: float | None
    #: How often somebody has looked, and the newest sighting that is known.
    looks: int
    seen_at: float | None
    #: Those who respond may see a picture.
    is_pictured: bool = False

    def is_open(self, now: float) -> bool:
        """Return if something can be asked in it, whoever has yet to close it."""
        return self.closed_at is None and now < self.closes_at


def put(
    session: Session,
    box: Vault,
    kind: CaseKind,
    subject: Subject,
    person_id: str | None,
    *,
    who: str | None,
    now: float,
) -> SearchCase:
    """Open a case. Raises RegisterError if it cannot be encrypted."""
    case = SearchCase(
        kind=kind,
        person_id=person_id,
        opened_at=now,
        opened_by=who,
        closes_at=now + CASE_SECONDS,
    )
    case.sealed_id = _seal(
        session,
        box,
        KIND,
        {key: getattr(subject, key) for key in Subject.__slots__},
        person_id,
    )
    session.add(case)
    session.flush()
    return case


def _seal(
    session: Session,
    box: Vault,
    kind: str,
    data: Mapping[str, Any],
    person_id: str | None,
) -> str:
    return box.put(
        session,
        Compartment.SEALED,
        kind,
        json.dumps(data, ensure_ascii=False),
        person_id=person_id,
        # A case is open for a day.
        keep_days=KEEP_DAYS + 1,
    )


def subject_of(session: Session, box: Vault, case: SearchCase) -> Subject | None:
    """Return who is looked for; None if that is not known any more."""
    data = _open(session, box, case.sealed_id)
    return Subject(**data) if data else None


def put_picture(
    session: Session, box: Vault, case: SearchCase, jpeg: bytes | None
) -> None:
    """Attach a picture in the place of another; None: attach none any more."""
    if case.picture_id:
        vault.drop(session, case.picture_id)
    case.picture_id = (
        box.put(
            session,
            Compartment.SEALED,
            PICTURE_KIND,
            b64encode(jpeg).decode(),
            person_id=case.person_id,
            # It goes with the end of the case, and that is within a day.
            keep_days=2,
        )
        if jpeg
        else None
    )
    session.flush()


def picture_of(session: Session, box: Vault, case: SearchCase) -> bytes | None:
    """Return the JPEG that is attached to a case; None if there is none (any more)."""
    row = session.get(CompartmentRow, case.picture_id) if case.picture_id else None
    text = box.open_if_possible(row)
    return b64decode(text) if text else None


def criteria_of(session: Session, box: Vault, deed: SearchDeed) -> dict[str, Any]:
    """Return what was looked for; empty if that is not known any more."""
    return _open(session, box, deed.sealed_id)


def _open(session: Session, box: Vault, row_id: str | None) -> dict[str, Any]:
    row = session.get(CompartmentRow, row_id) if row_id else None
    text = box.open_if_possible(row)
    data: dict[str, Any] = json.loads(text) if text else {}
    return data


def note(
    session: Session,
    case: SearchCase,
    what: Deed,
    *,
    who: str | None,
    now: float,
    command_id: str | None = None,
    box: Vault | None = None,
    wanted: Mapping[str, Any] | None = None,
    shown: int | None = None,
) -> SearchDeed:
    """Write down that something was done in a case, with what was looked for."""
    deed = SearchDeed(
        case_id=case.id,
        at=now,
        who=who,
        what=what,
        sealed_id=_seal(session, box, DEED_KIND, wanted, case.person_id)
        if box and wanted
        else None,
        command_id=command_id,
        shown=shown,
    )
    session.add(deed)
    session.flush()
    return deed


def close(
    session: Session,
    case: SearchCase,
    outcome: Outcome,
    *,
    who: str | None,
    now: float,
    command_id: str | None = None,
) -> None:
    """Close a case: nothing is asked in it any more, and nobody is told of a sighting."""
    case.closed_at, case.closed_by, case.outcome = now, who, outcome
    case.watched_by = None
    if case.picture_id:
        # It was for those who looked for them.
        vault.drop(session, case.picture_id)
        case.picture_id = None
    note(session, case, Deed.CLOSED, who=who, now=now, command_id=command_id)


def close_due(session: Session, now: float) -> int:
    """Close the cases whose time is over; return how many."""
    due = session.scalars(select(SearchCase).where(_is_open(), _ends_by(now))).all()
    for case in due:
        # Not when somebody looks, but when it was over.
        close(session, case, Outcome.EXPIRED, who=None, now=case.closes_at)
    return len(due)


def _is_open() -> ColumnElement[bool]:
    return SearchCase.closed_at.is_(None)


def _ends_by(now: float) -> ColumnElement[bool]:
    return SearchCase.closes_at <= now


def read(session: Session) -> dict[str, Brief]:
    """Return the cases, the newest first."""
    looks = dict(
        session.execute(
            select(SearchDeed.case_id, func.count())
            .where(SearchDeed.what == Deed.SEARCHED)
            .group_by(SearchDeed.case_id)
        )
        .tuples()
        .all()
    )
    rows = session.scalars(
        select(SearchCase).order_by(SearchCase.opened_at.desc(), SearchCase.id)
    )
    return {row.id: brief(row, looks.get(row.id, 0)) for row in rows}


def brief(case: SearchCase, looks: int) -> Brief:
    """Return a case without anybody in it."""
    return Brief(
        case.id,
        CaseKind(case.kind),
        case.opened_at,
        case.opened_by,
        case.closes_at,
        case.closed_at,
        case.closed_by,
        case.outcome,
        case.watched_by,
        case.told_at,
        case.taken_back_at,
        looks,
        case.seen_at,
        case.picture_id is not None,
    )


def of_person(session: Session, person_id: str) -> list[SearchCase]:
    """Return the cases in which somebody was looked for, the newest first."""
    rows = session.scalars(
        select(SearchCase)
        .where(SearchCase.person_id == person_id)
        .order_by(SearchCase.opened_at.desc())
    )
    return list(rows)


def is_sought(session: Session, person_id: str, now: float) -> bool:
    """Return if somebody is looked for now, and does not only want a copy."""
    query = select(SearchCase.id).where(
        SearchCase.person_id == person_id,
        SearchCase.kind != CaseKind.ACCESS,
        _is_open(),
        SearchCase.closes_at > now,
    )
    return session.scalar(query.limit(1)) is not None


def forget_person(session: Session, person_id: str, now: float) -> bool:
    """Close what is open about somebody who is erased; return if something was.

    What was written of them goes with their other rows in the vault.
    """
    rows = [row for row in of_person(session, person_id) if row.closed_at is None]
    for case in rows:
        close(session, case, Outcome.ERASED, who=None, now=now)
    return bool(rows)


def move_person(session: Session, person_id: str, to: str) -> None:
    """Let cases about somebody be about another, who is the same."""
    session.execute(
        update(SearchCase).where(SearchCase.person_id == person_id).values(person_id=to)
    )


def purge(session: Session, before: float) -> None:
    """Remove cases that were closed before a Unix time, with what was done in them."""
    old = select(SearchCase.id).where(SearchCase.closed_at < before)
    sealed = select(SearchDeed.sealed_id).where(SearchDeed.case_id.in_(old))
    own = select(SearchCase.sealed_id).where(SearchCase.closed_at < before)
    session.execute(
        delete(CompartmentRow).where(
            or_(CompartmentRow.id.in_(sealed), CompartmentRow.id.in_(own))
        )
    )
    session.execute(delete(SearchDeed).where(SearchDeed.case_id.in_(old)))
    session.execute(delete(SearchCase).where(SearchCase.closed_at < before))


def forget(session: Session, case: SearchCase) -> None:
    """Forget who was looked for in a case; that there was one stays."""
    for row_id in (case.sealed_id, *(row.sealed_id for row in case.deeds)):
        if row_id:
            vault.drop(session, row_id)
    case.sealed_id = None
    session.flush()
