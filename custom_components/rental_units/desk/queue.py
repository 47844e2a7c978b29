"""The queue of a desk: numbers, and nobody's name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from .models import DeskTicket

#: Days that the numbers of a day are kept, for who counts them.
KEEP_DAYS: Final = 30


class Outcome(StrEnum):
    """How a number has ended."""

    SERVED = "served"
    #: It was called, and nobody came.
    ABSENT = "absent"
    #: The day was over before it was called.
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue as it is now."""

    #: Numbers that wait, the first one first, and those that are being served.
    waiting: tuple[int, ...] = ()
    called: tuple[int, ...] = ()
    #: The number that was called last today.
    last: int | None = None


def take(session: Session, desk_id: str, today: date, now: float) -> DeskTicket:
    """Return the next number of a desk. They begin with 1 on each day."""
    last = session.scalar(
        select(func.max(DeskTicket.number)).where(
            DeskTicket.desk_id == desk_id, DeskTicket.day == today
        )
    )
    ticket = DeskTicket(
        desk_id=desk_id, day=today, number=(last or 0) + 1, taken_at=now
    )
    session.add(ticket)
    session.flush()
    return ticket


def end(
    session: Session, desk_id: str, who: str | None, outcome: Outcome, now: float
) -> None:
    """End what somebody has called at a desk, and has not ended."""
    rows = session.scalars(
        select(DeskTicket).where(
            DeskTicket.desk_id == desk_id,
            DeskTicket.called_at.is_not(None),
            DeskTicket.ended_at.is_(None),
            DeskTicket.called_by == who if who else DeskTicket.called_by.is_(None),
        )
    )
    for row in rows.all():
        row.ended_at, row.outcome = now, outcome


def call(
    session: Session, desk_id: str, today: date, who: str | None, now: float
) -> DeskTicket | None:
    """Return the number that has waited longest at a desk, and is called now; None: nobody waits."""
    ticket = session.scalar(
        select(DeskTicket)
        .where(
            DeskTicket.desk_id == desk_id,
            DeskTicket.day == today,
            DeskTicket.called_at.is_(None),
            DeskTicket.ended_at.is_(None),
        )
        .order_by(DeskTicket.number)
        .limit(1)
    )
    if ticket:
        ticket.called_at, ticket.called_by = now, who
        session.flush()
    return ticket


def read(session: Session, today: date) -> Mapping[str, Queue]:
    """Return the queues of today by their desks."""
    rows = session.scalars(
        select(DeskTicket).where(DeskTicket.day == today).order_by(DeskTicket.number)
    )
    own: dict[str, list[DeskTicket]] = {}
    for row in rows:
        own.setdefault(row.desk_id, []).append(row)
    return {desk_id: _queue(tickets) for desk_id, tickets in own.items()}


def _queue(tickets: Sequence[DeskTicket]) -> Queue:
    waiting = [row for row in tickets if row.called_at is None and row.ended_at is None]
    called = sorted((row.called_at, row.number) for row in tickets if row.called_at)
    return Queue(
        tuple(row.number for row in waiting),
        tuple(row.number for row in tickets if row.called_at and row.ended_at is None),
        called[-1][1] if called else None,
    )


def begin_day(session: Session, today: date, now: float) -> None:
    """End what nobody has ended on other days, and forget what is old."""
    left = select(DeskTicket).where(
        DeskTicket.day < today, DeskTicket.ended_at.is_(None)
    )
    for row in session.scalars(left).all():
        row.ended_at = now
        row.outcome = Outcome.SERVED if row.called_at else Outcome.LEFT
    old = today - timedelta(days=KEEP_DAYS)
    session.execute(delete(DeskTicket).where(DeskTicket.day < old))
