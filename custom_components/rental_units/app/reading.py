"""Queries about units, people and the audit. Each is a read of personal data, and audited."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import override

from sqlalchemy import select

from homeassistant.util.json import JsonValueType

from ..register import leases, queries
from ..register.addresses import mask
from ..register.models import Audit, Lease, Unit
from .work import Command, OfUnit, Work

#: Audit rows in one answer.
MOST_AUDIT = 1000


@dataclass(frozen=True, slots=True)
class GetUnit(OfUnit[dict[str, JsonValueType]]):
    """Return who is in a unit, and on what terms."""

    name = "get_unit"
    reveal: bool = False

    @property
    @override
    def what(self) -> str:
        return "get_unit_revealed" if self.reveal else "get_unit"

    @override
    def run(self, work: Work) -> dict[str, JsonValueType]:
        unit = work.session.get(Unit, self.unit_id)
        rows = queries.leases_of(work.session, self.unit_id, work.today)
        work.audit(self.unit_id)
        for person_id in {lease.person_id for lease in rows}:
            work.audit(self.unit_id, person_id)
        return {
            "address": unit.address if unit else "",
            "version": unit.version if unit else None,
            "people": [describe(row, work.today, reveal=self.reveal) for row in rows],
        }


def describe(lease: Lease, today: date, *, reveal: bool) -> dict[str, JsonValueType]:
    """Return a lease with its person, for an answer."""
    person = lease.person
    is_inside = not lease.removed_at and (lease.start is None or lease.start <= today)
    return {
        "person_id": person.id,
        "lease_id": lease.id,
        "version": lease.version,
        "name": person.name,
        "language": person.language,
        "role": lease.role,
        "start": _day(lease.start),
        "end": _day(lease.end),
        "left_on": _day(lease.left_on),
        "is_inside": is_inside,
        "history": list(_history(lease)),
        "addresses": [
            {
                "channel": row.channel,
                "target": row.target if reveal else mask(row.target),
                "language": row.language or person.language,
                "quiet_from": _hour(row.quiet_from),
                "quiet_until": _hour(row.quiet_until),
                "verified_at": moment(row.verified_at),
                "check": row.outcome,
            }
            for row in person.addresses
        ],
    }


def _history(lease: Lease) -> Iterator[dict[str, JsonValueType]]:
    undone = {row.about for row in lease.history if row.what == leases.What.UNDONE}
    for row in lease.history:
        yield {
            "what": row.what,
            "at": moment(row.at),
            "who": row.who,
            "start": _day(row.start),
            "end": _day(row.end),
            "left_on": _day(row.left_on),
            "undone": row.id in undone,
            "command_id": row.command_id,
        }


@dataclass(frozen=True, slots=True)
class GetAudit(Command[list[Mapping[str, JsonValueType]]]):
    """Return who read or changed personal data, newest first. Reading it is audited too."""

    name = "get_audit"
    since: float
    until: float
    person_id: str | None = None
    unit_id: str | None = None
    user_id: str | None = None

    @override
    def run(self, work: Work) -> list[Mapping[str, JsonValueType]]:
        query = (
            select(Audit)
            .where(Audit.at >= self.since, Audit.at < self.until)
            .order_by(Audit.at.desc(), Audit.id.desc())
            .limit(MOST_AUDIT)
        )
        for column, wanted in (
            (Audit.person_id, self.person_id),
            (Audit.unit_id, self.unit_id),
            (Audit.who, self.user_id),
        ):
            if wanted:
                query = query.where(column == wanted)
        rows = list(work.session.scalars(query))
        work.audit(self.unit_id, self.person_id)
        return [
            {
                "at": moment(row.at),
                "who": row.who,
                "what": row.what,
                "why": row.why,
                "unit_id": row.unit_id,
                "person_id": row.person_id,
                "command_id": row.command_id,
            }
            for row in rows
        ]


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _hour(hour: time | None) -> str | None:
    return hour.isoformat() if hour else None


def moment(at: float | None) -> str | None:
    """Return a Unix time as an answer shows it."""
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat()
