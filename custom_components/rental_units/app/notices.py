"""Commands about what has to be told to an authority, until when, and who has done it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
import hashlib
import json
from typing import Final, override

from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload

from homeassistant.util.json import JsonValueType

from ..desk.const import FOR_POLICE, Change, Excuse, How, NoticeKind, NoticeState
from ..desk.models import DeskExport, DeskNotice
from ..desk.notices import reopen
from ..register import queries
from ..register.addresses import PHONE_CHANNELS
from ..register.models import Lease, Person, Unit
from ..register.units import unit_title
from ..storage.events import Kind
from .reading import moment
from .work import Command, Work, overtaken, refused

type Answer = dict[str, JsonValueType]

#: Notices in one list, of what is over.
MOST_OVER: Final = 500
#: States in which something was decided that can be taken back.
_SETTLED: Final = frozenset({NoticeState.GIVEN, NoticeState.EXCUSED})


def _notices() -> Select[tuple[DeskNotice]]:
    return (
        select(DeskNotice)
        .join(DeskNotice.lease)
        .join(Unit, Unit.id == Lease.unit_id)
        .where(queries.is_there())
        .options(joinedload(DeskNotice.lease).joinedload(Lease.person))
    )


def _notice_of(work: Work, notice_id: str, version: int | None = None) -> DeskNotice:
    """Return a notice of the caller's. Raises ServiceValidationError, NotCoveredError."""
    row = work.session.scalar(_notices().where(DeskNotice.id == notice_id))
    work.caller.check([row.lease.unit_id] if row else None, "no_such_notice")
    assert row
    if version not in (None, row.version):
        raise overtaken("notice_changed")
    return row


def _describe(work: Work, row: DeskNotice) -> Answer:
    lease = row.lease
    return {
        "notice_id": row.id,
        "version": row.version,
        "kind": row.kind,
        "state": row.state,
        "unit_id": lease.unit_id,
        "lease_id": lease.id,
        "person_id": lease.person_id,
        "name": work.named(lease.person.name, [lease.unit_id]),
        "begins_on": row.begins_on.isoformat(),
        "due_on": row.due_on.isoformat(),
        "assumed": row.is_assumed,
        "overdue": row.state == NoticeState.OPEN and row.due_on < work.today,
        "late": row.late,
        "settled_at": moment(row.settled_at),
        "settled_by": row.settled_by,
        "settled_how": row.settled_how,
        "receipt": row.receipt,
        "export_id": row.export_id,
    }


@dataclass(frozen=True, slots=True)
class GetNotices(Command[list[Answer]]):
    """List what is to be told, the most urgent first; or what was told, the last first."""

    name = "get_notices"
    over: bool = False

    @override
    def run(self, work: Work) -> list[Answer]:
        is_open = DeskNotice.state == NoticeState.OPEN
        query = (
            _notices()
            .where(~is_open)
            .order_by(DeskNotice.settled_at.desc().nulls_first(), DeskNotice.id.desc())
            .limit(MOST_OVER)
            if self.over
            else _notices().where(is_open).order_by(DeskNotice.due_on, DeskNotice.id)
        )
        if (own := work.caller.permit.units) is not None:
            query = query.where(Lease.unit_id.in_(own))
        rows = work.session.scalars(query).all()
        for person_id, unit_id in dict.fromkeys(
            (row.lease.person_id, row.lease.unit_id) for row in rows
        ):
            work.audit(unit_id, person_id)
        if not rows:
            work.audit()
        return [_describe(work, row) for row in rows]


@dataclass(frozen=True, slots=True)
class GiveNotices(Command[int]):
    """Say that notices were given, by the number of their receipt; return how many.

    All of them, or none.
    """

    name = "give_notice"
    #: Those that were seen, with their versions.
    seen: Mapping[str, int]
    how: How
    receipt: str

    @override
    def run(self, work: Work) -> int:
        if not (receipt := self.receipt.strip()):
            raise refused("receipt_missing")
        for notice_id, version in self.seen.items():
            row = _notice_of(work, notice_id, version)
            _check(row, NoticeState.OPEN)
            if row.begins_on > work.today:
                raise refused("notice_too_early")
            row.late = row.late or work.today > row.due_on
            row.receipt = receipt
            _settle(work, row, NoticeState.GIVEN, self.how)
        return len(self.seen)


@dataclass(frozen=True, slots=True)
class ExcuseNotice(Command[Answer]):
    """Say that a notice need not be given, and why."""

    name = "excuse_notice"
    notice_id: str
    version: int
    excuse: Excuse

    @override
    def run(self, work: Work) -> Answer:
        row = _notice_of(work, self.notice_id, self.version)
        _check(row, NoticeState.OPEN)
        _settle(work, row, NoticeState.EXCUSED, self.excuse)
        return _describe(work, row)


@dataclass(frozen=True, slots=True)
class ReopenNotice(Command[Answer]):
    """Take back that a notice was given, or need not be."""

    name = "reopen_notice"
    notice_id: str
    version: int

    @override
    def run(self, work: Work) -> Answer:
        row = _notice_of(work, self.notice_id, self.version)
        _check(row, *_SETTLED)
        reopen(row)
        row.version += 1
        _tell(work, row)
        return _describe(work, row)


def _check(row: DeskNotice, *states: NoticeState) -> None:
    if row.state not in states:
        raise refused("notice_state")


def _settle(work: Work, row: DeskNotice, state: NoticeState, how: How | Excuse) -> None:
    row.state, row.settled_how = state, how
    row.settled_at, row.settled_by = work.hand.now, work.caller.user_id
    row.version += 1
    _tell(work, row)


def _tell(work: Work, row: DeskNotice) -> None:
    work.session.flush()
    work.audit(row.lease.unit_id, row.lease.person_id)
    work.tell(Kind.NOTICE_CHANGED, row.lease.unit_id)


@dataclass(frozen=True, slots=True)
class Told:
    """What a notice tells of a person: a row of an export."""

    change: Change
    kind: NoticeKind
    name: str
    #: In E.164.
    phones: tuple[str, ...]
    unit: str
    address: str
    begins_on: date
    start: date | None
    end: date | None
    left_on: date | None
    due_on: date
    is_overdue: bool
    receipt: str


@dataclass(frozen=True, slots=True)
class Exported:
    """The notices that somebody takes along."""

    #: Its receipt.
    id: str
    #: When it was made, and when the one before it was, in Unix time.
    at: float
    before: float | None
    rows: tuple[Told, ...]


@dataclass(frozen=True, slots=True)
class ExportNotices(Command[Exported]):
    """Return what the police are to be told, and note that it was taken along.

    All that is open, and what was in a file before and is not so any more. `everything`:
    what was given too. `again`: what an export of before had.
    """

    name = "export_notices"
    everything: bool = False
    again: str | None = None

    @override
    def run(self, work: Work) -> Exported:
        export = self._export(work)
        latest = (
            select(func.max(DeskExport.at))
            .where(DeskExport.id != export.id, DeskExport.at <= export.at)
            .scalar_subquery()
        )
        before = work.session.scalar(select(latest))
        rows = tuple(self._rows(work, export))
        if self.again is None:
            export.notices = len(rows)
        work.audit()
        return Exported(export.id, export.at, before, rows)

    def _export(self, work: Work) -> DeskExport:
        if self.again is not None:
            if (found := work.session.get(DeskExport, self.again)) is None:
                raise refused("no_such_export")
            return found
        new = DeskExport(at=work.hand.now, who=work.caller.user_id, notices=0)
        work.session.add(new)
        work.session.flush()
        return new

    def _rows(self, work: Work, export: DeskExport) -> Iterator[Told]:
        query = (
            _notices()
            .options(
                joinedload(DeskNotice.lease).joinedload(Lease.unit),
                joinedload(DeskNotice.lease)
                .joinedload(Lease.person)
                .selectinload(Person.addresses),
            )
            .where(
                DeskNotice.kind.in_(FOR_POLICE),
                DeskNotice.state != NoticeState.EXCUSED,
                # Of what is still to come there is nothing to tell.
                DeskNotice.begins_on <= work.today,
            )
            .order_by(DeskNotice.due_on, DeskNotice.id)
        )
        if self.again is not None:
            query = query.where(DeskNotice.export_id == export.id)
        for row in work.session.scalars(query).all():
            told = _told(work, row)
            if self.again is None:
                digest = _digest(told, row.state)
                if not self._is_in(row, digest):
                    continue
                told = replace(told, change=_change(row, digest))
                row.exported, row.exported_as = digest, told.change
                row.export_id = export.id
            work.audit(row.lease.unit_id, row.lease.person_id)
            yield told

    def _is_in(self, row: DeskNotice, digest: str) -> bool:
        if row.state == NoticeState.OPEN:
            return True
        if row.exported is not None and row.exported != digest:
            return True
        # What is withdrawn and was in no file, nobody there knows of.
        return self.everything and row.state == NoticeState.GIVEN


def _change(row: DeskNotice, digest: str) -> Change:
    if row.state == NoticeState.WITHDRAWN:
        return Change.WITHDRAWN
    if row.exported is None:
        return Change.NEW
    return Change.SAME if row.exported == digest else Change.CHANGED


def _told(work: Work, row: DeskNotice) -> Told:
    lease = row.lease
    return Told(
        Change(row.exported_as or Change.NEW),
        NoticeKind(row.kind),
        lease.person.name,
        tuple(
            dict.fromkeys(
                address.target
                for address in lease.person.addresses
                if address.channel in PHONE_CHANNELS
            )
        ),
        unit_title(
            {
                key: getattr(lease.unit, key)
                for key in ("building", "stairwell", "number")
            }
        ),
        lease.unit.address,
        row.begins_on,
        lease.start,
        lease.end,
        lease.left_on,
        row.due_on,
        row.state == NoticeState.OPEN and row.due_on < work.today,
        row.receipt,
    )


def _digest(told: Told, state: str) -> str:
    """Return what says if a notice tells something else than it did."""
    said = (
        *(told.kind, told.name, told.phones, told.unit, told.address, told.begins_on),
        *(told.start, told.end, told.left_on, state == NoticeState.WITHDRAWN),
    )
    text = json.dumps(said, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class GetNoticeExports(Command[list[Answer]]):
    """List the exports, the newest first."""

    name = "export_notices"

    @override
    def run(self, work: Work) -> list[Answer]:
        work.audit()
        rows = work.session.scalars(
            select(DeskExport).order_by(DeskExport.at.desc()).limit(MOST_OVER)
        )
        return [
            {
                "export_id": row.id,
                "at": moment(row.at),
                "who": row.who,
                "notices": row.notices,
            }
            for row in rows
        ]
