"""Records: what is frozen, in a chain. Each digest is of the one before and of its own body."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
import json
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from .canonical import canonical, digest
from .const import RecordKind
from .models import ScoreRecord


class FrozenError(Exception):
    """There is a record about this already."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a record is about."""

    kind: RecordKind
    #: A month, a quarter or half a year.
    period: str
    #: What tells several of one kind and period apart.
    about: str = ""


def add(
    session: Session, subject: Subject, body: Mapping[str, Any], now: float
) -> ScoreRecord:
    """Add a record at the end of the chain. Raises FrozenError."""
    if of(session, subject):
        raise FrozenError
    before = last(session)
    number = before.number + 1 if before else 1
    previous = before.digest if before else ""
    kind, period = subject.kind, subject.period
    text = canonical({**body, "kind": kind, "period": period, "number": number})
    row = ScoreRecord(
        number=number,
        kind=kind,
        period=period,
        about=subject.about,
        at=now,
        previous=previous,
        digest=digest(previous, text),
        body=text,
    )
    session.add(row)
    session.flush()
    return row


def last(session: Session) -> ScoreRecord | None:
    """Return the end of the chain."""
    return session.scalar(
        select(ScoreRecord).order_by(ScoreRecord.number.desc()).limit(1)
    )


def of(session: Session, subject: Subject) -> ScoreRecord | None:
    """Return the record of something."""
    return session.scalar(
        select(ScoreRecord).where(
            ScoreRecord.kind == subject.kind,
            ScoreRecord.period == subject.period,
            ScoreRecord.about == subject.about,
        )
    )


def all_of(session: Session, *kinds: RecordKind) -> Sequence[ScoreRecord]:
    """Return the records of these kinds, or all, in their order."""
    query = select(ScoreRecord).order_by(ScoreRecord.number)
    if kinds:
        query = query.where(ScoreRecord.kind.in_(kinds))
    return session.scalars(query).all()


def body_of(row: ScoreRecord) -> dict[str, Any]:
    """Return what a record says."""
    body: dict[str, Any] = json.loads(row.body)
    return body


def broken(session: Session) -> Iterator[int]:
    """Yield the numbers of records that are not as they were written, or do not follow."""
    previous, number = "", 0
    for row in all_of(session):
        number += 1
        body = body_of(row)
        is_whole = (
            row.number == number
            and row.previous == previous
            and row.digest == digest(row.previous, row.body)
            and (body["kind"], body["period"], body["number"])
            == (row.kind, row.period, row.number)
        )
        if not is_whole:
            yield row.number
        previous, number = row.digest, row.number
