"""Import and export of a whole register."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import batched
from types import MappingProxyType
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload

from homeassistant.config_entries import ConfigSubentry
from homeassistant.util.ulid import ulid_now

from ..const import SUBENTRY_RESPONDER, SUBENTRY_UNIT, Duty
from ..register import queries
from ..register.models import Lease, Person, Responder, Unit
from ..register.people import PHONE_CHANNELS, Contact
from ..register.units import UnitInfo, unit_key, unit_title
from .rows import COLUMNS, Entry

#: Rows that are written in one transaction. Alerts are written between two of them.
CHUNK_ROWS = 100


def chunks(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """Return the rows in parts: all rows of a unit are in one, or it would be half there."""
    by_unit: dict[str, list[Entry]] = {}
    for entry in entries:
        by_unit.setdefault(entry.key, []).append(entry)
    chunk: list[Entry] = []
    for rows in by_unit.values():
        chunk += rows
        if len(chunk) >= CHUNK_ROWS:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


@dataclass(slots=True)
class Known:
    """What is registered, by what the rows of a file are recognised by."""

    session: Session
    units: dict[str, Unit]
    #: People by name and each of their addresses.
    people: dict[tuple[str, str], Person]
    leases: dict[tuple[str, str, str], Lease]

    #: Responders by their duty and person.
    duties: dict[tuple[str, str], str]

    @classmethod
    def read(
        cls, session: Session, entries: list[Entry], plan: Plan, today: date
    ) -> Known:
        """Read at once what these rows may mean: they must not ask one by one."""
        names = {row.contact.name for row in entries if row.contact}
        known = cls(session, {}, {}, {}, {})
        for chunk in batched(names, queries.MOST_VALUES, strict=False):
            people = session.scalars(
                select(Person)
                .where(Person.name.in_(chunk))
                .options(selectinload(Person.addresses))
            )
            for person in people:
                for address in person.addresses:
                    known.people[person.name, address.target] = person
        units = set(plan.unit_ids.values())
        for chunk in batched(units, queries.MOST_VALUES, strict=False):
            known.units |= {
                unit.id: unit
                for unit in session.scalars(select(Unit).where(Unit.id.in_(chunk)))
            }
            known.leases |= {
                (row.unit_id, row.person_id, row.role): row
                for row in session.scalars(
                    select(Lease).where(
                        Lease.unit_id.in_(chunk), queries.is_open(today)
                    )
                )
            }
        known.duties = {
            (plan.duties[row.id]["duty"], row.person_id): row.id
            for row in session.scalars(select(Responder))
            if row.id in plan.duties
        }
        return known


@dataclass(slots=True)
class Plan:
    """The subentries that an import adds and changes."""

    added: dict[str, ConfigSubentry] = field(default_factory=dict)
    changed: dict[str, dict[str, Any]] = field(default_factory=dict)
    unit_ids: dict[str, str] = field(default_factory=dict)
    #: What is known of the responders, by their subentry.
    duties: dict[str, Mapping[str, Any]] = field(default_factory=dict)


def plan_units(
    entries: list[Entry],
    subentries: Mapping[str, ConfigSubentry],
    areas: Mapping[str, str],
) -> Plan:
    """Return which units are new and which change; several rows may be of one unit.

    Which responders are new is known when their people are read.
    """
    plan = Plan()
    known = {
        row.unique_id: row
        for row in subentries.values()
        if row.subentry_type == SUBENTRY_UNIT
    }
    plan.duties = {
        row.subentry_id: row.data
        for row in subentries.values()
        if row.subentry_type == SUBENTRY_RESPONDER
    }
    merged: dict[str, dict[str, Any]] = {}
    for entry in entries:
        if not entry.unit:
            continue
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
    titles: Mapping[str, str],
) -> Counter[str]:
    """Write rows; return what was added and changed. Rows that say nothing new do nothing.

    `titles` are what the duties are called.
    """
    known, counts = Known.read(session, entries, plan, today), Counter[str]()
    for entry in entries:
        if isinstance(entry.role, Duty) and entry.contact:
            person = _person(known, entry.contact, language, counts)
            if done := _responder(known, plan, entry, person, titles):
                counts[done] += 1
            continue
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


def _responder(
    known: Known, plan: Plan, entry: Entry, person: Person, titles: Mapping[str, str]
) -> str | None:
    """Write the duty of a row; return what was done."""
    duty = str(entry.role)
    key = known.duties.get((duty, person.id))
    if key is None:
        key = known.duties[duty, person.id] = ulid_now()
        known.session.add(Responder(id=key, person=person))
        data = {"duty": duty} | ({"schedule": entry.schedule} if entry.schedule else {})
        plan.added[key] = ConfigSubentry(
            data=MappingProxyType(data),
            subentry_id=key,
            subentry_type=SUBENTRY_RESPONDER,
            title=titles.get(duty, duty),
            unique_id=key,
        )
        return "responders_added"
    before = plan.duties.get(key)
    if before is None or not entry.schedule or before.get("schedule") == entry.schedule:
        return None
    plan.changed[key] = {**before, "schedule": entry.schedule}
    return "responders_changed"


def export_rows(
    session: Session,
    units: Mapping[str, UnitInfo],
    duties: Mapping[str, Mapping[str, Any]],
    areas: Mapping[str, str],
    today: date,
) -> list[dict[str, Any]]:
    """Return the rows of a file: each person in a unit, empty units, and responders."""
    addresses = {
        row.id: row.address for row in session.execute(select(Unit.id, Unit.address))
    }
    by_unit: dict[str, list[Lease]] = {}
    for lease in session.scalars(
        select(Lease)
        .where(queries.is_open(today))
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
        rows += [
            base
            | _person_cells(lease.person)
            | {"role": lease.role, "start": lease.start, "end": lease.end}
            for lease in leases
        ] or [base]
    people = queries.responders(session)
    return rows + [
        _person_cells(people[key])
        | {"role": data["duty"], "schedule": data.get("schedule")}
        for key, data in duties.items()
        if key in people
    ]


def _person_cells(person: Person) -> dict[str, Any]:
    by_channel = {row.channel: row for row in person.addresses}
    phones = [channel for channel in PHONE_CHANNELS if channel in by_channel]
    quiet = next((row for row in person.addresses if row.quiet_from), None)
    return {
        **{key: row.target for key, row in by_channel.items() if key in COLUMNS},
        "name": person.name,
        "phone": by_channel[phones[0]].target if phones else None,
        "channels": ",".join(phones),
        "language": person.language,
        "quiet_from": quiet.quiet_from if quiet else None,
        "quiet_until": quiet.quiet_until if quiet else None,
    }
