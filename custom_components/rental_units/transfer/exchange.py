"""Import and export of a whole register."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload

from homeassistant.config_entries import ConfigSubentry
from homeassistant.util.ulid import ulid_now

from ..const import SUBENTRY_UNIT
from ..register.models import Lease, Person, Unit
from ..register.people import PHONE_CHANNELS, Contact
from ..register.units import UnitInfo, unit_key, unit_title
from .rows import COLUMNS, Entry


@dataclass(slots=True)
class Known:
    """What is registered, by what the rows of a file are recognised by."""

    session: Session
    units: dict[str, Unit]
    #: People by name and each of their addresses.
    people: dict[tuple[str, str], Person]
    leases: dict[tuple[str, str, str], Lease]

    @classmethod
    def read(cls, session: Session, today: date) -> Known:
        """Read all of it at once: thousands of rows must not ask thousands of times."""
        people = session.scalars(
            select(Person).options(selectinload(Person.addresses))
        ).all()
        leases = session.scalars(
            select(Lease).where(Lease.left_on.is_(None) | (Lease.left_on > today))
        )
        return cls(
            session,
            units={unit.id: unit for unit in session.scalars(select(Unit))},
            people={
                (person.name, address.target): person
                for person in people
                for address in person.addresses
            },
            leases={(row.unit_id, row.person_id, row.role): row for row in leases},
        )


@dataclass(slots=True)
class Plan:
    """The subentries that an import adds and changes."""

    added: dict[str, ConfigSubentry] = field(default_factory=dict)
    changed: dict[str, dict[str, Any]] = field(default_factory=dict)
    unit_ids: dict[str, str] = field(default_factory=dict)


def plan_units(
    entries: list[Entry],
    subentries: Mapping[str, ConfigSubentry],
    areas: Mapping[str, str],
) -> Plan:
    """Return which units are new and which change; several rows may be of one unit."""
    plan = Plan()
    known = {row.unique_id: row for row in subentries.values()}
    merged: dict[str, dict[str, Any]] = {}
    for entry in entries:
        data = merged.setdefault(entry.key, {})
        data |= entry.unit
        if entry.area and entry.area in areas:
            data["area_id"] = areas[entry.area]
    for key, data in merged.items():
        if subentry := known.get(key):
            plan.unit_ids[key] = subentry.subentry_id
            # Who writes 1a where 1A is registered means the same unit.
            named = {name: subentry.data.get(name) for name in ("building", "number")}
            whole = {**subentry.data, **data, **named}
            if whole != dict(subentry.data):
                plan.changed[subentry.subentry_id] = whole
        else:
            plan.unit_ids[key] = ulid_now()
            plan.added[key] = ConfigSubentry(
                data=MappingProxyType(data),
                subentry_id=plan.unit_ids[key],
                subentry_type=SUBENTRY_UNIT,
                title=unit_title(data),
                unique_id=unit_key(data),
            )
    return plan


def write_entries(
    session: Session,
    entries: list[Entry],
    plan: Plan,
    *,
    language: str,
    today: date,
) -> Counter[str]:
    """Write rows; return what was added and changed. Rows that say nothing new do nothing."""
    known, counts = Known.read(session, today), Counter[str]()
    for entry in entries:
        unit_id = plan.unit_ids[entry.key]
        unit = known.units.get(unit_id)
        if unit is None:
            unit = known.units[unit_id] = Unit(id=unit_id, address="")
            session.add(unit)
        if entry.address is not None and unit.address != entry.address:
            unit.address = entry.address
            counts["addresses_changed"] += 1
        if entry.contact and entry.role:
            person = _person(known, entry.contact, language, counts)
            if done := _lease(known, entry, person, unit_id):
                counts[done] += 1
    return counts


def _person(
    known: Known, contact: Contact, language: str, counts: Counter[str]
) -> Person:
    targets = [row for row in (contact.phone, *contact.direct.values()) if row]
    person = next(
        (
            known.people[contact.name or "", target]
            for target in targets
            if (contact.name or "", target) in known.people
        ),
        None,
    )
    if person is None:
        person = Person(id=ulid_now(), name=contact.name or "", language=language)
        known.session.add(person)
        counts["people_added"] += 1
        contact.apply(person)
    else:
        before = _state(person)
        contact.apply(person)
        counts["people_changed"] += before != _state(person)
    for target in targets:
        known.people[person.name, target] = person
    return person


def _state(person: Person) -> tuple[str, str, list[tuple[Any, ...]]]:
    """Return what a contact can change of a person."""
    rows = [
        (row.channel, row.target, row.quiet_from, row.quiet_until)
        for row in person.addresses
    ]
    return person.name, person.language, sorted(rows, key=lambda row: row[:2])


def _lease(known: Known, entry: Entry, person: Person, unit_id: str) -> str | None:
    """Write the lease of a row; return what was done."""
    key = unit_id, person.id, str(entry.role)
    lease = known.leases.get(key)
    if lease and (lease.start, lease.end) == (entry.start, entry.end):
        return None
    done = "leases_changed"
    if lease is None:
        lease = known.leases[key] = Lease(
            unit_id=unit_id, person_id=person.id, role=str(entry.role)
        )
        known.session.add(lease)
        done = "leases_added"
    lease.start, lease.end = entry.start, entry.end
    return done


def export_rows(
    session: Session,
    units: Mapping[str, UnitInfo],
    areas: Mapping[str, str],
    today: date,
) -> list[dict[str, Any]]:
    """Return the rows of a file: one for each person in a unit, or for an empty unit."""
    addresses = {
        row.id: row.address for row in session.execute(select(Unit.id, Unit.address))
    }
    by_unit: dict[str, list[Lease]] = {}
    for lease in session.scalars(
        select(Lease)
        .where(Lease.left_on.is_(None) | (Lease.left_on > today))
        .order_by(Lease.role, Lease.id)
        .options(joinedload(Lease.person).selectinload(Person.addresses))
    ):
        by_unit.setdefault(lease.unit_id, []).append(lease)
    rows: list[dict[str, Any]] = []
    for unit in sorted(units.values(), key=lambda unit: unit.title):
        base = {
            "building": unit.building,
            "stairwell": unit.stairwell,
            "number": unit.number,
            "address": addresses.get(unit.id),
            "area": areas.get(unit.area_id or ""),
            "rooms": unit.rooms,
            "letting": unit.letting,
        }
        leases = by_unit.get(unit.id, ())
        rows += [base | _lease_cells(lease) for lease in leases] or [base]
    return rows


def _lease_cells(lease: Lease) -> dict[str, Any]:
    by_channel = {row.channel: row for row in lease.person.addresses}
    phones = [channel for channel in PHONE_CHANNELS if channel in by_channel]
    quiet = next((row for row in lease.person.addresses if row.quiet_from), None)
    return {
        **{key: row.target for key, row in by_channel.items() if key in COLUMNS},
        "role": lease.role,
        "name": lease.person.name,
        "phone": by_channel[phones[0]].target if phones else None,
        "channels": ",".join(phones),
        "language": lease.person.language,
        "quiet_from": quiet.quiet_from if quiet else None,
        "quiet_until": quiet.quiet_until if quiet else None,
        "start": lease.start,
        "end": lease.end,
    }
