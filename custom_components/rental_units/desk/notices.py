"""What leases call for: who has to be told what, and until when."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import batched
from typing import Any, Self

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from homeassistant.util import dt as dt_util

from ..const import Role
from ..register import queries
from ..register.models import Lease, Unit
from .const import (
    CONF_NOTICES,
    COUNTRY,
    DAYS,
    LOOK_BACK_DAYS,
    MOVE_DAYS,
    NoticeKind,
    NoticeState,
)
from .days import Deadline, WorkingDays, calendar_days
from .models import DeskNotice, DeskState


def asked(options: Mapping[str, Any], country: str | None) -> list[str]:
    """Return the notices that are to be given in a property."""
    default = [str(kind) for kind in DAYS] if country == COUNTRY else []
    found: list[str] = options.get(CONF_NOTICES, default)
    return found


@dataclass(frozen=True, slots=True)
class Rules:
    """Which notices are due in a property, and when."""

    days: WorkingDays
    #: How many days each has; one that is not in here is not asked for.
    counts: Mapping[NoticeKind, int] = field(
        default_factory=lambda: {kind: count for kind, (count, _) in DAYS.items()}
    )

    @classmethod
    def of(
        cls, options: Mapping[str, Any], days: WorkingDays, country: str | None
    ) -> Self:
        """Return the rules that the options of a property say."""
        kinds = asked(options, country)
        return cls(
            days,
            {
                kind: int(options.get(kind, count))
                for kind, (count, _) in DAYS.items()
                if kind in kinds
            },
        )

    def deadline(self, kind: NoticeKind, begin: date) -> Deadline:
        """Return until when a notice is due whose time counts from a day."""
        count = self.counts[kind]
        _, in_working_days = DAYS[kind]
        return (
            self.days.after(begin, count)
            if in_working_days
            else calendar_days(begin, count)
        )


def wanted(
    lease: Lease, start: date | None, *, moved: bool, is_first: bool
) -> dict[NoticeKind, date]:
    """Return the notices of a lease, each with the day that it is about.

    `start` is the day on which somebody came, as far as it is known. `moved`: from another
    unit of the property. `is_first`: nobody else is there by the same letting.
    """
    found: dict[NoticeKind, date] = {}
    if lease.role != Role.TENANT or lease.removed_at is not None:
        return found
    if start:
        found[NoticeKind.ARRIVAL] = start
        if moved:
            found[NoticeKind.ADDRESS] = start
        if is_first:
            found[NoticeKind.LETTING] = start
    if lease.left_on:
        found[NoticeKind.DEPARTURE] = lease.left_on
    return found


def begin(session: Session, today: date) -> date:
    """Return since when notices are kept; from today on, if this is the first time."""
    row = session.get(DeskState, 1)
    if row is None:
        row = DeskState(id=1, since=today)
        session.add(row)
        session.flush()
    return row.since


def concerned(
    session: Session, unit_ids: Collection[str], person_ids: Collection[str]
) -> set[str]:
    """Return the units that something is about, with all others of the same people."""
    found = set(unit_ids)
    for chunk in batched(person_ids, queries.MOST_VALUES, strict=False):
        found |= set(
            session.scalars(
                select(Lease.unit_id).where(Lease.person_id.in_(chunk)).distinct()
            )
        )
    return found


def recent(session: Session, today: date) -> set[str]:
    """Return the units where somebody has come or gone lately."""
    first = today - timedelta(days=LOOK_BACK_DAYS)
    query = select(Lease.unit_id).where(
        or_(Lease.start >= first, Lease.left_on >= first)
    )
    return set(session.scalars(query.distinct()))


def reconcile(
    session: Session, rules: Rules, today: date, unit_ids: Collection[str]
) -> None:
    """Let the notices of these units be those that their leases call for."""
    clerk = _Clerk(session, rules, today, begin(session, today))
    for chunk in batched(sorted(unit_ids), queries.MOST_VALUES, strict=False):
        leases = session.scalars(
            select(Lease)
            .where(Lease.unit_id.in_(chunk))
            .order_by(Lease.unit_id, Lease.id)
        ).all()
        rows = session.scalars(
            select(DeskNotice).join(DeskNotice.lease).where(Lease.unit_id.in_(chunk))
        )
        known: dict[str, dict[NoticeKind, DeskNotice]] = {}
        for row in rows:
            known.setdefault(row.lease_id, {})[NoticeKind(row.kind)] = row
        let = set[tuple[str, date | None]]()
        for lease in leases:
            clerk.look(lease, known.get(lease.id, {}), let)
    session.flush()


def recount(session: Session, rules: Rules) -> None:
    """Find anew until when open notices are due: a year was announced, or a rule is another."""
    open_rows = select(DeskNotice).where(DeskNotice.state == NoticeState.OPEN)
    for row in session.scalars(open_rows).all():
        if row.kind in rules.counts:
            _count(rules, row)
        else:
            _drop(session, row)
    session.flush()


def _count(rules: Rules, row: DeskNotice) -> None:
    deadline = rules.deadline(NoticeKind(row.kind), row.counts_from)
    row.due_on, row.is_assumed = deadline.day, deadline.is_assumed


def _drop(session: Session, row: DeskNotice) -> None:
    """Let an open notice be none; who has it in a file is told with the next one."""
    if row.exported is None:
        session.delete(row)
    else:
        _withdraw(row)


def _withdraw(row: DeskNotice) -> None:
    row.state = NoticeState.WITHDRAWN
    row.version += 1


@dataclass(frozen=True, slots=True)
class _Clerk:
    """Goes through leases."""

    session: Session
    rules: Rules
    today: date
    #: What was due before is nobody's here.
    since: date

    def look(
        self,
        lease: Lease,
        known: Mapping[NoticeKind, DeskNotice],
        let: set[tuple[str, date | None]],
    ) -> None:
        """Follow a lease; `let` are the lettings, by unit and day, that others were let in by."""
        start = lease.start or _written_on(lease)
        letting = lease.unit_id, start
        moved = known.get(NoticeKind.ADDRESS)
        is_told = moved is not None and moved.state != NoticeState.OPEN
        calls = wanted(
            lease,
            start,
            # What was told once stays so when the other lease is not kept any more.
            moved=is_told or self._has_moved(lease, start),
            is_first=letting not in let,
        )
        if calls:
            let.add(letting)
        for kind in NoticeKind:
            row, day = known.get(kind), calls.get(kind)
            if row and kind in self.rules.counts:
                self._follow(row, day)
            elif day and kind in self.rules.counts:
                self._add(lease, kind, day)

    def _has_moved(self, lease: Lease, start: date | None) -> bool:
        """Return if somebody has come from another unit of the property."""
        if start is None:
            return False
        other = exists().where(
            Lease.person_id == lease.person_id,
            Lease.unit_id != lease.unit_id,
            Lease.role == Role.TENANT,
            Lease.removed_at.is_(None),
            Lease.left_on.between(start - timedelta(days=MOVE_DAYS), start),
        )
        return bool(self.session.scalar(select(other)))

    def _is_recent(self, day: date) -> bool:
        return day >= self.today - timedelta(days=LOOK_BACK_DAYS)

    def _add(self, lease: Lease, kind: NoticeKind, day: date) -> None:
        if not self._is_recent(day):
            return
        deadline = self.rules.deadline(kind, day)
        if deadline.day >= self.since:
            self.session.add(
                DeskNotice(
                    lease_id=lease.id,
                    kind=kind,
                    state=NoticeState.OPEN,
                    begins_on=day,
                    counts_from=day,
                    due_on=deadline.day,
                    is_assumed=deadline.is_assumed,
                )
            )

    def _follow(self, row: DeskNotice, day: date | None) -> None:
        if day is None:
            if row.state == NoticeState.GIVEN:
                _withdraw(row)
            elif row.state != NoticeState.WITHDRAWN:
                _drop(self.session, row)
            return
        if day == row.begins_on and row.state != NoticeState.WITHDRAWN:
            return
        row.begins_on = row.counts_from = day
        row.version += 1
        if row.state in (NoticeState.GIVEN, NoticeState.WITHDRAWN):
            # What was told is not so: it is told anew, and nobody could know before today.
            row.counts_from = max(day, self.today)
            reopen(row)
        _count(self.rules, row)


def reopen(row: DeskNotice) -> None:
    """Let a notice be one that is to be given."""
    row.state, row.receipt = NoticeState.OPEN, ""
    row.settled_at = row.settled_by = row.settled_how = None


def _written_on(lease: Lease) -> date | None:
    """Return the day on which a lease was written down; None: by a release without a history."""
    at = lease.history[0].at if lease.history else None
    return dt_util.as_local(dt_util.utc_from_timestamp(at)).date() if at else None


@dataclass(frozen=True, slots=True)
class Brief:
    """A notice as the house may see it: nobody is in it."""

    id: str
    kind: NoticeKind
    unit_id: str
    begins_on: date
    due_on: date
    is_assumed: bool


def read(session: Session) -> Sequence[Brief]:
    """Return the notices that are to be given, the most urgent first."""
    columns = (
        *(DeskNotice.id, DeskNotice.kind, Lease.unit_id, DeskNotice.begins_on),
        *(DeskNotice.due_on, DeskNotice.is_assumed),
    )
    rows = session.execute(
        select(*columns)
        .join(Lease, Lease.id == DeskNotice.lease_id)
        .join(Unit, Unit.id == Lease.unit_id)
        .where(DeskNotice.state == NoticeState.OPEN, queries.is_there())
        .order_by(DeskNotice.due_on, DeskNotice.id)
    )
    return [Brief(key, NoticeKind(kind), *rest) for key, kind, *rest in rows]
