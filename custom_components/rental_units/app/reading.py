"""Queries about units, people and the audit. Each is a read of personal data, and audited."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import override

from sqlalchemy import select

from homeassistant.util.json import JsonValueType

from ..register import leases, queries
from ..register.addresses import mask
from ..register.models import Audit, Lease, Person, Unit
from .work import Command, OfUnit, Work

#: Audit rows in one answer.
MOST_AUDIT = 1000


@dataclass(frozen=True, slots=True)
class ListUnits(Command[Collection[str] | None]):
    """Look through the units with their figures; return those that are the caller's.

    None is all of them. The figures themselves are in memory, with the register.
    """

    name = "get_units"

    @override
    def run(self, work: Work) -> Collection[str] | None:
        work.audit()
        return work.caller.permit.units


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
            "people": [self._describe(work, row) for row in rows],
        }

    def _describe(self, work: Work, lease: Lease) -> dict[str, JsonValueType]:
        """Return a lease with its person."""
        return {
            **describe_lease(lease, work.today),
            **describe_person(lease.person, reveal=self.reveal),
            "name": work.named(lease.person.name, [self.unit_id]),
            "version": lease.version,
        }


def describe_lease(lease: Lease, today: date) -> dict[str, JsonValueType]:
    """Return a lease for an answer, without its person."""
    is_inside = not lease.removed_at and (lease.start is None or lease.start <= today)
    return {
        "lease_id": lease.id,
        "version": lease.version,
        "role": lease.role,
        "start": _day(lease.start),
        "end": _day(lease.end),
        "left_on": _day(lease.left_on),
        "is_inside": is_inside,
        "history": list(_history(lease)),
    }


def describe_person(person: Person, *, reveal: bool) -> dict[str, JsonValueType]:
    """Return somebody, with their name in full, and with their addresses."""
    return {
        "person_id": person.id,
        "person_version": person.version,
        "name": person.name,
        "language": person.language,
        "addresses": [
            {
                "address_id": row.id,
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
    why: str | None = None
    #: Rows to leave out, which an earlier answer had, and rows in the answer.
    offset: int = 0
    limit: int = MOST_AUDIT
    #: What the caller did, and nobody else.
    own: bool = False

    @property
    @override
    def what(self) -> str:
        return "get_own_audit" if self.own else "get_audit"

    @override
    def run(self, work: Work) -> list[Mapping[str, JsonValueType]]:
        query = (
            select(Audit)
            .where(Audit.at >= self.since, Audit.at < self.until)
            .order_by(Audit.at.desc(), Audit.id.desc())
            .offset(self.offset)
            .limit(self.limit)
        )
        for column, wanted in (
            (Audit.person_id, self.person_id),
            (Audit.unit_id, self.unit_id),
            (Audit.who, work.caller.user_id if self.own else self.user_id),
            (Audit.why, self.why),
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
                "times": row.times,
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
