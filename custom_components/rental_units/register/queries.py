"""Questions and changes, as pure functions on a session."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import batched, groupby
from operator import itemgetter
from types import MappingProxyType
from typing import Any, cast

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    Delete,
    delete,
    exists,
    false,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session, joinedload, selectinload

from ..const import SUBENTRY_RESPONDER, SUBENTRY_UNIT, Role
from ..storage.vault import CompartmentRow
from .leases import UNDO_DAYS
from .models import (
    Audit,
    Consent,
    ConsentContact,
    ContactAddress,
    Lease,
    LeaseChange,
    Person,
    Responder,
    Unit,
)
from .people import Address, Contact, Recipient
from .units import UNIT_FIELDS, Summary, UnitInfo

#: Title, unique id and data of a subentry.
type Facts = Mapping[str, Any]

#: SQLite takes a limited number of values in one statement.
MOST_VALUES = 500
#: A responder's key before its subentry exists, in front of the subentry's unique id.
PENDING = "new:"

#: What a Recipient and an Address are made of, in their order.
_LEASE = (
    Lease.id,
    Lease.person_id,
    Person.name,
    Person.language,
    Lease.role,
    Lease.unit_id,
)
_ADDRESS = (
    ContactAddress.id,
    ContactAddress.channel,
    ContactAddress.target,
    ContactAddress.quiet_from,
    ContactAddress.quiet_until,
    ContactAddress.language,
)


def is_open(today: date) -> ColumnElement[bool]:
    """Return the condition of leases that go on, or are yet to begin, on a day."""
    gone_from = func.coalesce(Lease.gone_from, Lease.left_on)
    return Lease.removed_at.is_(None) & or_(gone_from.is_(None), gone_from > today)


def is_current(today: date) -> ColumnElement[bool]:
    """Return the condition of leases of who is inside on a day."""
    return or_(Lease.start.is_(None), Lease.start <= today) & is_open(today)


def summaries(
    session: Session,
    today: date,
    unit_ids: Collection[str] | None = None,
    channels: Mapping[str, Collection[str]] = MappingProxyType({}),
) -> dict[str, Summary]:
    """Return the figures of these units, or of all.

    `channels` are those over which people of a role would be told of a fire.
    """
    found: dict[str, Summary] = {}
    reachable = exists().where(ContactAddress.person_id == Lease.person_id)
    usable = reachable.where(
        or_(
            false(),
            *(
                (Lease.role == role) & ContactAddress.channel.in_(names)
                for role, names in channels.items()
            ),
        )
    )
    units = select(Unit.id, Unit.address != "").where(is_there())
    leases = select(
        Lease.unit_id,
        Lease.role,
        Lease.end,
        reachable.label("is_reachable"),
        usable.label("is_usable"),
    ).where(is_current(today))
    for chunk in _chunks(unit_ids):
        if chunk is not None:
            units_of_chunk = units.where(Unit.id.in_(chunk))
            leases_of_chunk = leases.where(Lease.unit_id.in_(chunk))
        else:
            units_of_chunk, leases_of_chunk = units, leases
        for unit_id, has_address in session.execute(units_of_chunk):
            found[unit_id] = Summary(has_address=bool(has_address))
        for row in session.execute(leases_of_chunk):
            if (summary := found.get(row.unit_id)) is None:
                continue
            summary = replace(
                summary,
                unreachable=summary.unreachable + (not row.is_reachable),
                without_channel=summary.without_channel
                + bool(row.is_reachable and not row.is_usable),
            )
            found[row.unit_id] = _count(summary, row.role, row.end, today)
    return found


def _count(summary: Summary, role: str, end: date | None, today: date) -> Summary:
    if role == Role.LANDLORD:
        return replace(summary, landlords=summary.landlords + 1)
    ends = [day for day in (summary.lease_end, end) if day]
    return replace(
        summary,
        tenants=summary.tenants + 1,
        overdue=summary.overdue + (end is not None and end < today),
        lease_end=min(ends, default=None),
    )


def recipients(
    session: Session, today: date, unit_ids: Iterable[str], roles: Collection[str]
) -> list[Recipient]:
    """Return who has one of these roles in these units today.

    By columns: the ORM's objects of a whole property take five times as long, in which the
    event loop waits for the interpreter.
    """
    found = []
    for chunk in batched(unit_ids, MOST_VALUES, strict=False):
        rows = session.execute(
            select(*_LEASE, *_ADDRESS)
            .join(Lease.person)
            .outerjoin(Person.addresses)
            .where(Lease.unit_id.in_(chunk), Lease.role.in_(roles), is_current(today))
            .order_by(Lease.unit_id, Lease.role, Lease.id, ContactAddress.channel)
        )
        for _, ways in groupby(rows, itemgetter(0)):
            lease, *others = ways
            _, person_id, name, language, role, unit_id = lease[: len(_LEASE)]
            addresses = tuple(
                Address(*row[len(_LEASE) :])
                for row in (lease, *others)
                if row[len(_LEASE)]  # A person without an address is a row too.
            )
            found.append(Recipient(person_id, name, language, role, unit_id, addresses))
    return found


def responders(session: Session) -> dict[str, Person]:
    """Return the responders of the property by the id of their subentry."""
    rows = session.scalars(
        select(Responder)
        .where(Responder.removed_at.is_(None))
        .options(joinedload(Responder.person).selectinload(Person.addresses))
    )
    return {row.id: row.person for row in rows}


def people(session: Session, person_ids: Collection[str]) -> dict[str, Person]:
    """Return these people, whatever they are or are no more, by their ids."""
    return {
        person.id: person
        for chunk in batched(person_ids, MOST_VALUES, strict=False)
        for person in session.scalars(
            select(Person)
            .where(Person.id.in_(chunk))
            .options(selectinload(Person.addresses))
        )
    }


def recipient(person: Person, role: str, unit_id: str | None) -> Recipient:
    """Return a person in a role."""
    return Recipient(
        person.id,
        person.name,
        person.language,
        role,
        unit_id,
        tuple(
            Address(
                row.id,
                row.channel,
                row.target,
                row.quiet_from,
                row.quiet_until,
                row.language,
            )
            for row in person.addresses
        ),
    )


def find_people(session: Session, contact: Contact) -> Sequence[Person]:
    """Return who has this name and this phone number or other address: perhaps the same."""
    targets = [contact.phone, *contact.direct.values()]
    known = [target for target in targets if target]
    if not known:
        return ()
    return session.scalars(
        select(Person)
        .where(
            Person.name == contact.name,
            Person.addresses.any(ContactAddress.target.in_(known)),
        )
        .options(selectinload(Person.addresses))
        .order_by(Person.id)
    ).all()


def add_person(session: Session, contact: Contact, language: str) -> Person:
    """Return a new person with what a contact says. Raises ServiceValidationError."""
    person = Person(name=contact.name or "", language=language)
    session.add(person)
    contact.apply(person)
    session.flush()
    return person


def units_of_person(session: Session, person_id: str, today: date) -> set[str]:
    """Return the units that somebody is in, or is to come to."""
    return set(
        session.scalars(
            select(Lease.unit_id).where(Lease.person_id == person_id, is_open(today))
        )
    )


def goes_on(session: Session, lease: Lease, today: date) -> bool:
    """Return if a lease goes on, or is yet to begin."""
    query = select(Lease.id).where(Lease.id == lease.id, is_open(today))
    return session.scalar(query) is not None


def leases_of(session: Session, unit_id: str, today: date) -> Sequence[Lease]:
    """Return the leases of a unit that have not ended, with their people."""
    return session.scalars(
        select(Lease)
        .where(Lease.unit_id == unit_id, is_open(today))
        .order_by(Lease.role, Lease.id)
        .options(joinedload(Lease.person).selectinload(Person.addresses))
    ).all()


def lease_ends(session: Session, first: date, last: date) -> list[tuple[date, str]]:
    """Return the days on which leases end, with their units, first and last day included."""
    rows = session.execute(
        select(Lease.end, Lease.unit_id)
        .where(
            Lease.end.between(first, last),
            Lease.left_on.is_(None),
            Lease.removed_at.is_(None),
            Lease.role == Role.TENANT,
        )
        .distinct()
        .order_by(Lease.end, Lease.unit_id)
    )
    return [(end, unit_id) for end, unit_id in rows if end]


def units(
    session: Session, unit_ids: Collection[str] | None = None
) -> dict[str, UnitInfo]:
    """Return these units, or all, as far as they are there."""
    columns = [Unit.id, *(getattr(Unit, key) for key in UNIT_FIELDS)]
    there = select(*columns).where(is_there())
    found = {}
    for chunk in _chunks(unit_ids):
        query = there if chunk is None else there.where(Unit.id.in_(chunk))
        for unit_id, *values in session.execute(query.order_by(Unit.unit_key)):
            found[unit_id] = UnitInfo(
                unit_id, **dict(zip(UNIT_FIELDS, values, strict=True))
            )
    return found


def is_there() -> ColumnElement[bool]:
    """Return the condition of units that have not been removed."""
    return Unit.removed_at.is_(None) & Unit.unit_key.is_not(None)


def unit_of_key(session: Session, key: str) -> str | None:
    """Return the unit that is there by its key."""
    return session.scalar(select(Unit.id).where(Unit.unit_key == key, is_there()))


def put_responder(session: Session, key: str, person: Person) -> None:
    """Let a person be the responder of a subentry."""
    row = session.get(Responder, key)
    if row is None:
        session.add(Responder(id=key, person_id=person.id))
    else:
        row.person_id = person.id
    session.flush()


def adopt(
    session: Session,
    duties: Mapping[str, Facts],
    *,
    at_start: bool,
    now: float,
    keep: ColumnElement[bool],
) -> None:
    """Make the responders' rows those of the subentries, by their ids.

    Rows of a form that was just entered get the id of its subentry; those whose form never
    ended are removed at a start, while otherwise it may be about to. Rows whose subentry is
    missing are kept with their people, and can be brought back: an older `.storage` may
    not know them.
    """
    known = set(session.scalars(select(Responder.id)))
    for subentry_id, facts in duties.items():
        pending = f"{PENDING}{facts['unique_id']}"
        if subentry_id not in known and pending in known:
            session.execute(
                update(Responder).where(Responder.id == pending).values(id=subentry_id)
            )
            known = (known - {pending}) | {subentry_id}
    pending_rows = {key for key in known - duties.keys() if key.startswith(PENDING)}
    if at_start:
        session.execute(delete(Responder).where(Responder.id.in_(pending_rows)))
    rows = session.execute(select(Responder.id, Responder.facts, Responder.removed_at))
    for key, said, removed_at in rows.all():
        values: dict[str, Any] = {}
        if key not in duties:
            if removed_at is None and key not in pending_rows:
                values = {"removed_at": now}
        elif removed_at is not None or said != duties[key]:
            values = {"removed_at": None, "facts": dict(duties[key])}
        if values:
            session.execute(
                update(Responder).where(Responder.id == key).values(**values)
            )
    forget_strangers(session, keep)


@dataclass(frozen=True, slots=True)
class Missing:
    """What nobody has removed and is not there, and how many people belong to it."""

    id: str
    kind: str
    title: str
    people: int
    #: Title, unique id and data of a responder's subentry.
    facts: Facts | None = None


def missing(session: Session) -> list[Missing]:
    """Return what can be brought back, and nobody has meant to go."""
    found = [
        Missing(unit.id, SUBENTRY_UNIT, unit.title, people)
        for unit, people, _ in removed_units(session, removed_by=False)
    ]
    duties = session.execute(
        select(Responder.id, Responder.facts).where(Responder.removed_at.is_not(None))
    )
    return found + [
        Missing(key, SUBENTRY_RESPONDER, (facts or {}).get("title", "?"), 1, facts)
        for key, facts in duties
    ]


def removed_units(
    session: Session, *, removed_by: bool
) -> list[tuple[UnitInfo, int, float]]:
    """Return the units that somebody has removed, or that went missing, by their names.

    With each, how many people are in it, and since when it is gone.
    """
    people = (
        select(func.count(Lease.person_id.distinct()))
        .where(Lease.unit_id == Unit.id, Lease.removed_at.is_(None))
        .scalar_subquery()
    )
    columns = [Unit.id, *(getattr(Unit, key) for key in UNIT_FIELDS)]
    rows = session.execute(
        select(people, Unit.removed_at, *columns).where(
            Unit.removed_at.is_not(None),
            Unit.unit_key.is_not(None),
            Unit.removed_by.is_not(None) == removed_by,
        )
    )
    found = [(UnitInfo(*row), count, at) for count, at, *row in rows]
    return sorted(found, key=lambda row: row[0].title)


def erase_missing(
    session: Session, keep: ColumnElement[bool]
) -> tuple[list[str], list[str]]:
    """Remove for good what is missing, with people who have nothing else.

    Return the ids of the units, and of those whose duty it was.
    """
    units = (Unit.removed_at.is_not(None), Unit.removed_by.is_(None))
    unit_ids = list(session.scalars(select(Unit.id).where(*units)))
    duties = Responder.removed_at.is_not(None)
    person_ids = list(session.scalars(select(Responder.person_id).where(duties)))
    session.execute(delete(Unit).where(*units))
    session.execute(delete(Responder).where(duties))
    forget_strangers(session, keep)
    return unit_ids, person_ids


def forget_strangers(session: Session, keep: ColumnElement[bool]) -> int:
    """Remove people who have no lease and no duty, and whom nobody has named.

    Return how many.

    `keep` is the condition of those who are needed all the same, for now.
    """
    gone = _execute(
        session,
        delete(Person).where(
            ~keep,
            ~exists().where(ConsentContact.person_id == Person.id),
            ~exists().where(Lease.person_id == Person.id),
            ~exists().where(Responder.person_id == Person.id),
        ),
    )
    if gone:
        # What is kept of them elsewhere goes with them.
        _execute(
            session,
            delete(CompartmentRow).where(
                CompartmentRow.person_id.is_not(None),
                ~exists().where(Person.id == CompartmentRow.person_id),
            ),
        )
    return gone


def purge(
    session: Session,
    today: date,
    keep_days: int,
    now: float,
    keep: ColumnElement[bool],
) -> int:
    """Remove leases that ended too long ago, and what was removed; return how many leases.

    What was said lately can be undone, so it stays for as long, whatever it says.
    """
    undo = now - UNDO_DAYS * 86_400
    settled = ~exists().where(LeaseChange.lease_id == Lease.id, LeaseChange.at > undo)
    gone = _execute(
        session,
        delete(Lease).where(
            or_(
                Lease.left_on < today - timedelta(days=keep_days),
                Lease.removed_at < undo,
            ),
            settled,
        ),
    )
    for model in (Unit, Responder):
        session.execute(delete(model).where(model.removed_at < undo))
    forget_strangers(session, keep)
    return gone


def purge_audit(session: Session, before: float) -> None:
    """Remove audit rows of before a Unix time."""
    session.execute(delete(Audit).where(Audit.at < before))


def audit(
    session: Session,
    who: str | None,
    what: str,
    why: str,
    *,
    unit_id: str | None = None,
    person_id: str | None = None,
    command_id: str | None = None,
) -> None:
    """Write down who did what to whose data."""
    session.add(
        Audit(
            who=who,
            what=what,
            why=why,
            unit_id=unit_id,
            person_id=person_id,
            command_id=command_id,
        )
    )


def refusals(session: Session) -> list[tuple[str | None, str]]:
    """Return what was refused, and to whom."""
    rows = session.execute(select(Audit.who, Audit.what).where(Audit.why == "refused"))
    return [(who, what) for who, what in rows]


def counts(session: Session) -> dict[str, int]:
    """Return the number of rows of each table."""
    return {
        model.__tablename__: session.scalar(select(func.count()).select_from(model))
        or 0
        for model in (Unit, Person, ContactAddress, Lease, Responder, Consent, Audit)
    }


def _execute(session: Session, statement: Delete) -> int:
    """Run a statement; return how many rows it was about."""
    return cast("CursorResult[Any]", session.execute(statement)).rowcount


def _chunks(ids: Collection[str] | None) -> Iterable[tuple[str, ...] | None]:
    return (None,) if ids is None else batched(ids, MOST_VALUES, strict=False)
