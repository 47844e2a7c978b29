"""Domain events: what has happened, in the transaction that made it happen.

Each listener has a cursor of its own, which it moves when it has done its part: what a
crash comes between is read again, so a listener may hear of something twice and never not.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
import time

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from .base import Base
from .migrations import Feature, statements

#: An event that every listener has heard is kept for so long, to look into.
KEEP_SECONDS = 30 * 86_400
#: Events that a listener gets at once.
MOST_EVENTS = 500

FEATURE = Feature(
    "events",
    (
        statements(
            """CREATE TABLE events (
                number INTEGER PRIMARY KEY,
                at DOUBLE PRECISION NOT NULL,
                kind TEXT NOT NULL,
                unit_id TEXT,
                person_id TEXT,
                lease_id TEXT
            )""",
            "CREATE INDEX ix_events_at ON events (at)",
            "CREATE TABLE event_cursors"
            " (listener TEXT PRIMARY KEY, number INTEGER NOT NULL)",
        ),
    ),
)


class Kind(StrEnum):
    """What has happened."""

    LEASE_STARTED = "lease_started"
    LEASE_RENEWED = "lease_renewed"
    LEASE_CORRECTED = "lease_corrected"
    LEASE_ENDED = "lease_ended"
    LEASE_RESTORED = "lease_restored"
    PERSON_CHANGED = "person_changed"
    PERSON_LEFT = "person_left"
    PERSON_MERGED = "person_merged"
    PERSON_ERASED = "person_erased"
    CONSENT_GIVEN = "consent_given"
    CONSENT_ENDED = "consent_ended"
    UNIT_ADDED = "unit_added"
    UNIT_CHANGED = "unit_changed"
    UNIT_REMOVED = "unit_removed"
    UNIT_RESTORED = "unit_restored"
    CARD_CHANGED = "card_changed"
    #: Which doors open for whom.
    DOORS_CHANGED = "doors_changed"
    #: What a place is, or the code on its plate.
    PLACE_CHANGED = "place_changed"
    #: What becomes of a hazard that somebody has reported.
    REPORT_CHANGED = "report_changed"
    #: A search was opened or closed, or somebody was told of it.
    SEARCH_CHANGED = "search_changed"
    #: The criteria of the scores, a sheet of a month, or a ranking.
    SCORES_CHANGED = "scores_changed"
    #: A watch for signs of life was begun, changed, or has ended.
    CARE_CHANGED = "care_changed"
    #: What is to be told to an authority was told, or need not be.
    NOTICE_CHANGED = "notice_changed"
    #: How somebody is visited, or that somebody was there.
    ROUND_CHANGED = "round_changed"
    #: A number was taken or called at a desk.
    QUEUE_CHANGED = "queue_changed"


@dataclass(frozen=True, slots=True)
class Happened:
    """Something that happens, by its ids."""

    kind: Kind
    unit_id: str | None = None
    person_id: str | None = None
    lease_id: str | None = None


class DomainEvent(Base):
    """Something that has happened; it holds ids only."""

    __tablename__ = "events"

    #: Counts up in the order of the commits: one thread writes.
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    #: Unix time.
    at: Mapped[float] = mapped_column(default=time.time, index=True)
    kind: Mapped[str]
    unit_id: Mapped[str | None]
    person_id: Mapped[str | None]
    lease_id: Mapped[str | None]


class Cursor(Base):
    """How far a listener has come."""

    __tablename__ = "event_cursors"

    listener: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int]


def record(session: Session, happened: Iterable[Happened]) -> None:
    """Write down what happens in this transaction."""
    for number, event in enumerate(happened, newest(session) + 1):
        session.add(
            DomainEvent(
                number=number,
                kind=event.kind,
                unit_id=event.unit_id,
                person_id=event.person_id,
                lease_id=event.lease_id,
            )
        )
    session.flush()


def newest(session: Session) -> int:
    """Return the number of the newest event, also of one that is not kept any more."""
    numbers = (
        session.scalar(select(func.max(column)))
        for column in (DomainEvent.number, Cursor.number)
    )
    return max(number or 0 for number in numbers)


def unheard(
    session: Session, listener: str, limit: int = MOST_EVENTS
) -> Sequence[DomainEvent]:
    """Return what a listener has not done yet; one that is new begins with what comes."""
    cursor = session.get(Cursor, listener)
    if cursor is None:
        return ()
    return session.scalars(
        select(DomainEvent)
        .where(DomainEvent.number > cursor.number)
        .order_by(DomainEvent.number)
        .limit(limit)
    ).all()


def join(session: Session, listeners: Iterable[str]) -> None:
    """Let listeners hear of what comes, if they do not yet."""
    number = newest(session)
    known = set(session.scalars(select(Cursor.listener)))
    for listener in set(listeners) - known:
        session.add(Cursor(listener=listener, number=number))


def heard(session: Session, listener: str, number: int) -> None:
    """Note that a listener has done its part for all up to an event."""
    session.merge(Cursor(listener=listener, number=number))


def purge(session: Session, now: float) -> None:
    """Drop old events that every listener has heard."""
    slowest = session.scalar(select(func.min(Cursor.number)))
    if slowest is not None:
        session.execute(
            delete(DomainEvent).where(
                DomainEvent.number <= slowest, DomainEvent.at < now - KEEP_SECONDS
            )
        )
