"""Queries about people. Each is a read of personal data, and audited."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import batched
from typing import override

from sqlalchemy import ColumnElement, and_, exists, false, or_, select
from sqlalchemy.orm import Session, aliased, selectinload

from homeassistant.util.json import JsonValueType

from ..const import Reason, Role
from ..register import names, queries
from ..register.addresses import PHONE_CHANNELS
from ..register.models import ContactAddress, Lease, Person
from ..register.people import Contact
from .reading import describe_lease, describe_person
from .tenancy import is_theirs, known_person, person_of
from .units import unit_of
from .work import Command, OfUnit, Work, refused

type Answer = dict[str, JsonValueType]
#: A person's part in an alert: of which unit, as what, who.
type Part = tuple[str | None, str, str]

#: Hits in one answer, and the least that is looked for.
MOST_HITS = 20
LEAST_CHARACTERS = 2
#: Digits of a number that its mask shows: who sees no more finds by no others.
MASKED_DIGITS = 4
#: Pairs of one answer that may be one person.
MOST_PAIRS = 100


@dataclass(frozen=True, slots=True)
class GetPerson(Command[Answer]):
    """Return somebody with their addresses, leases and duties."""

    name = "get_person"
    person_id: str
    reveal: bool = False

    @property
    @override
    def what(self) -> str:
        return "get_person_revealed" if self.reveal else "get_person"

    @override
    def run(self, work: Work) -> Answer:
        person = person_of(work, self.person_id)
        work.audit(person_id=person.id)
        leases = [
            row
            for row in sorted(person.leases, key=lambda row: row.id)
            if work.caller.covers([row.unit_id])
        ]
        return {
            **describe_person(person, reveal=self.reveal),
            "name": work.named(person.name, _units_of(leases)),
            "leases": [
                {"unit_id": row.unit_id, **describe_lease(row, work.today)}
                for row in leases
            ],
            "duties": [row.id for row in person.duties if row.removed_at is None],
        }


@dataclass(frozen=True, slots=True)
class FindPeople(Command[tuple[list[Answer], bool]]):
    """Return who is found by a name, its pinyin or initials, or the end of a number.

    Who is never shown whole numbers finds by all digits that a mask shows, and by no
    others: they would learn the rest digit by digit.

    With True if there are more. Each hit is in the audit where a reason has to be given
    for a look; where none has, that somebody looked is.
    """

    name = "find_people"
    wanted: str

    @override
    def run(self, work: Work) -> tuple[list[Answer], bool]:
        wanted = names.plain(self.wanted)
        if len(wanted) < LEAST_CHARACTERS:
            raise refused("search_too_short", characters=str(LEAST_CHARACTERS))
        query = (
            select(Person)
            .where(_found_by(wanted, reveals=_reveals(work)))
            .order_by(
                # Who is meant exactly, and who is there, come first.
                Person.search.contains(f" {wanted} ").desc(),
                _is_here(work.today).desc(),
                Person.name,
                Person.id,
            )
            .limit(MOST_HITS + 1)
            .options(selectinload(Person.addresses))
        )
        if (units := work.caller.permit.units) is not None:
            query = query.where(_is_here(work.today, units))
        people = list(work.session.scalars(query))
        hits, more = people[:MOST_HITS], len(people) > MOST_HITS
        work.audit()
        if work.why != Reason.MANAGEMENT:
            for person in hits:
                work.audit(person_id=person.id)
        places = _places(work, [row.id for row in hits])
        return [_hit(work, row, places.get(row.id, [])) for row in hits], more


def _reveals(work: Work) -> bool:
    """Return if the caller may be shown the numbers of everybody whom they may find."""
    found = work.caller.may("get_person_revealed", work.why)
    return found is not None and found.covers(work.caller.permit.units)


def _found_by(wanted: str, *, reveals: bool) -> ColumnElement[bool]:
    if not names.is_spelt(wanted):
        # Any part of a name in signs; what is spelt begins a word.
        return Person.search.contains(wanted, autoescape=True)
    found = Person.search.contains(f" {wanted}", autoescape=True)
    if wanted.isdecimal() and (reveals or len(wanted) == MASKED_DIGITS):
        return or_(found, _has_number(wanted))
    return found


def _has_number(end: str) -> ColumnElement[bool]:
    # One look through the addresses, and not one for each person.
    return Person.id.in_(
        select(ContactAddress.person_id).where(
            ContactAddress.channel.in_(PHONE_CHANNELS),
            ContactAddress.target.endswith(end, autoescape=True),
        )
    )


def _is_here(today: date, units: Iterable[str] | None = None) -> ColumnElement[bool]:
    here = and_(Lease.person_id == Person.id, queries.is_open(today))
    if units is not None:
        here = and_(here, Lease.unit_id.in_(units))
    return exists().where(here)


def _places(work: Work, person_ids: Sequence[str]) -> dict[str, list[Lease]]:
    rows = work.session.scalars(
        select(Lease)
        .where(Lease.person_id.in_(person_ids), queries.is_open(work.today))
        .order_by(Lease.id)
    )
    found: dict[str, list[Lease]] = {}
    for lease in rows:
        if work.caller.covers([lease.unit_id]):
            found.setdefault(lease.person_id, []).append(lease)
    return found


def _units_of(leases: Iterable[Lease]) -> set[str] | None:
    """Return in whose units somebody is; None for who is in none."""
    return {row.unit_id for row in leases} or None


def _hit(work: Work, person: Person, leases: Sequence[Lease]) -> Answer:
    shown = describe_person(person, reveal=False)
    return {
        "person_id": person.id,
        "name": work.named(person.name, _units_of(leases)),
        "addresses": shown["addresses"],
        "units": [{"unit_id": row.unit_id, "role": row.role} for row in leases],
    }


@dataclass(frozen=True, slots=True)
class NamePeople(Command[dict[Part, str]]):
    """Return the names of people in units, as far as the caller may see who is there.

    Who responds for the property belongs to no unit: they are named to who may everywhere.
    """

    name = "get_unit"
    about: tuple[str, ...]
    parts: tuple[Part, ...]

    @property
    @override
    def units(self) -> Collection[str]:
        return self.about

    @override
    def run(self, work: Work) -> dict[Part, str]:
        permit = work.caller.permit
        shown = [
            row for row in self.parts if permit.covers([row[0]] if row[0] else None)
        ]
        known: dict[str, str] = {}
        for ids in batched(
            {row[2] for row in shown}, queries.MOST_VALUES, strict=False
        ):
            query = select(Person.id, Person.name).where(Person.id.in_(ids))
            known.update((key, name) for key, name in work.session.execute(query))
        work.audit()
        found = {row: known[row[2]] for row in shown if row[2] in known}
        for unit_id, _, person_id in found:
            work.audit(unit_id, person_id)
        return {
            row: work.named(name, [row[0]] if row[0] else None)
            for row, name in found.items()
        }


@dataclass(frozen=True, slots=True)
class NameActors(Command[dict[str, str]]):
    """Return the names of people who did something, to who may see everybody's."""

    name = "get_person_revealed"
    ids: tuple[str, ...]

    @property
    @override
    def units(self) -> Collection[str] | None:
        return None

    @override
    def run(self, work: Work) -> dict[str, str]:
        found = queries.people(work.session, self.ids)
        for person_id in found:
            work.audit(person_id=person_id)
        return {key: person.name for key, person in found.items()}


@dataclass(frozen=True, slots=True)
class FindDuplicates(Command[list[tuple[Answer, Answer]]]):
    """Return pairs that may be one person: one name and one address, or one of both.

    Of somebody, or of the whole property.
    """

    name = "find_duplicates"
    person_id: str | None = None

    @override
    def run(self, work: Work) -> list[tuple[Answer, Answer]]:
        wanted = person_of(work, self.person_id) if self.person_id else None
        people = _namesakes(work.session) if wanted is None else [wanted]
        pairs: dict[tuple[str, str], tuple[Person, Person]] = {}
        for person in people:
            for other in _alike(work.session, person):
                one, two = sorted((person, other), key=lambda row: row.id)
                pairs[one.id, two.id] = one, two
        shown = [pairs[key] for key in sorted(pairs)][:MOST_PAIRS]
        work.audit(person_id=self.person_id)
        for person_id in dict.fromkeys(row.id for pair in shown for row in pair):
            if person_id != self.person_id:
                work.audit(person_id=person_id)
        ids = [row.id for pair in shown for row in pair]
        places = _places(work, ids)
        return [
            (
                _hit(work, one, places.get(one.id, [])),
                _hit(work, two, places.get(two.id, [])),
            )
            for one, two in shown
        ]


def _namesakes(session: Session) -> list[Person]:
    """Return who shares a name or an address with somebody of a later id."""
    other, own, theirs = (
        aliased(Person),
        aliased(ContactAddress),
        aliased(ContactAddress),
    )
    same_name = exists().where(other.name == Person.name, other.id > Person.id)
    same_address = exists().where(
        own.person_id == Person.id,
        theirs.target == own.target,
        theirs.person_id > Person.id,
    )
    query = select(Person).where(or_(same_name, same_address)).order_by(Person.id)
    return list(session.scalars(query.limit(MOST_PAIRS)))


def _alike(session: Session, person: Person) -> list[Person]:
    return _with(session, person.name, [row.target for row in person.addresses], person)


def _with(
    session: Session, name: str | None, targets: Iterable[str], but: Person | None
) -> list[Person]:
    """Return who has this name, or one of these addresses."""
    known = [row for row in targets if row]
    same = or_(
        Person.name == name if name else false(),
        Person.id.in_(
            select(ContactAddress.person_id).where(ContactAddress.target.in_(known))
        ),
    )
    query = select(Person).where(same).order_by(Person.id).limit(MOST_HITS)
    if but is not None:
        query = query.where(Person.id != but.id)
    return list(session.scalars(query.options(selectinload(Person.addresses))))


@dataclass(frozen=True, slots=True)
class DoubtCheckIn(OfUnit[dict[str, list[Answer]]]):
    """Return what somebody should look at before they check a person in.

    Who may be the same person already, and which stays overlap. Empty lists: nothing.
    """

    name = "check_in"
    contact: Contact
    role: Role
    start: date | None = None
    end: date | None = None
    person_id: str | None = None

    @override
    def run(self, work: Work) -> dict[str, list[Answer]]:
        unit_of(work, self.unit_id)
        person, same = self._known(work)
        overlaps = self._overlaps(work, person)
        for row in same:
            work.audit(self.unit_id, row.id)
        for lease in overlaps:
            work.audit(lease.unit_id, lease.person_id)
        places = _places(work, [row.id for row in same])
        return {
            "same": [_hit(work, row, places.get(row.id, [])) for row in same],
            "overlaps": [
                {
                    "unit_id": lease.unit_id,
                    "name": work.named(lease.person.name, [lease.unit_id]),
                    **describe_lease(lease, work.today),
                }
                for lease in overlaps
            ],
        }

    def _known(self, work: Work) -> tuple[Person | None, list[Person]]:
        """Return whom a check-in takes them for, or who else they may be."""
        if self.person_id:
            return person_of(work, self.person_id), []
        if person := known_person(work, self.contact):
            return person, []
        targets = [self.contact.phone, *self.contact.direct.values()]
        alike = _with(work.session, self.contact.name, filter(None, targets), None)
        return None, [row for row in alike if is_theirs(work, row)]

    def _overlaps(self, work: Work, person: Person | None) -> list[Lease]:
        """Return this person's other stays in the role, and another landlord of the unit."""
        whose: ColumnElement[bool] = false()
        if self.role is Role.LANDLORD:
            whose = Lease.unit_id == self.unit_id
        elif person:
            whose = Lease.person_id == person.id
        rows = work.session.scalars(
            select(Lease)
            .where(whose, Lease.role == self.role, queries.is_open(work.today))
            .order_by(Lease.id)
        )
        start = self.start or work.today
        return [
            row
            for row in rows
            if work.caller.covers([row.unit_id])
            and (self.end is None or row.start is None or row.start <= self.end)
            and (row.end is None or row.end >= start or row.end < work.today)
        ]
