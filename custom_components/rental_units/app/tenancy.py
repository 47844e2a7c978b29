"""Commands about who lives where, and since when."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, override

from sqlalchemy import select

from homeassistant.util.json import JsonValueType

from ..access_control import outbox
from ..alerts import history
from ..care import rows as watches
from ..const import Role
from ..places import rows as places
from ..register import consents, leases, queries
from ..register.households import HOUSEHOLD, Occupant, in_form, match
from ..register.models import Grant, Lease, LeaseChange, Person, Responder, Unit
from ..register.people import Contact, contact_of
from ..search import rows as searches
from ..sightings import store
from ..storage import vault
from ..storage.events import Kind
from .contacts import put_contact, tell_person
from .reading import moment
from .units import changes, new_unit, put, unit_of
from .work import Command, NotCoveredError, OfUnit, Work, overtaken, refused

#: The texts of a lease that was changed meanwhile, by what was done to it.
LEASE_CHANGED: Final[Mapping[str, str]] = {
    leases.What.RENEWED: "lease_changed_renewed",
    leases.What.CORRECTED: "lease_changed_corrected",
    leases.What.LEFT: "lease_changed_left",
    leases.What.STAYS: "lease_changed_stays",
    leases.What.REMOVED: "lease_changed_removed",
    leases.What.RESTORED: "lease_changed_restored",
    leases.What.UNDONE: "lease_changed_undone",
}


def lease_of(work: Work, lease_id: str, version: int | None) -> Lease:
    """Return a lease that the caller may change.

    With a version: that it has not been changed since. One that is over brings nobody
    back who may be somebody else's by now. Raises ServiceValidationError, NotCoveredError.
    """
    lease = work.session.get(Lease, lease_id)
    work.caller.check([lease.unit_id] if lease else None, "no_such_lease")
    assert lease
    goes_on = queries.goes_on(work.session, lease, work.today)
    if not goes_on and not is_theirs(work, lease.person):
        raise NotCoveredError
    check_version(lease, version)
    return lease


def check_version(lease: Lease, version: int | None) -> None:
    """Raise ServiceValidationError for a lease that was changed since a version."""
    if version not in (None, lease.version):
        assert version is not None
        raise overtaken("lease_changed", LEASE_CHANGED, _since(lease, version))


def _since(lease: Lease, version: int) -> list[str]:
    """Return what was done to a lease since a version, in the words of its history."""
    return [row.what for row in lease.history if row.number > version]


def is_theirs(work: Work, person: Person) -> bool:
    """Return if all of somebody is the caller's: every unit, and no duty in the property.

    Who is nowhere is nobody's, and not everybody's.
    """
    if work.caller.permit.units is None:
        return True
    units = queries.units_of_person(work.session, person.id, work.today)
    return bool(units) and work.caller.covers(units) and not person.duties


def person_of(work: Work, person_id: str) -> Person:
    """Return somebody all of whom is the caller's.

    Raises ServiceValidationError, NotCoveredError.
    """
    person = work.session.get(Person, person_id)
    work.caller.check(() if person else None, "no_such_person")
    assert person
    if not is_theirs(work, person):
        raise NotCoveredError
    return person


def known_person(work: Work, contact: Contact) -> Person | None:
    """Return who has this name and one of these addresses, and is the caller's.

    A name and a number are no identity to anybody else: they would see how somebody is
    reached, and could have it changed.
    """
    known = queries.find_people(work.session, contact)
    return next((row for row in known if is_theirs(work, row)), None)


def enter_person(work: Work, contact: Contact) -> Person:
    """Write down what is said of somebody, who may be known; return them.

    Raises ServiceValidationError.
    """
    person = known_person(work, contact)
    if person is None:
        return queries.add_person(work.session, contact, work.language)
    put_contact(work, person, contact)
    return person


def open_lease(work: Work, unit_id: str, person_id: str, role: str) -> Lease | None:
    """Return the lease of a person in a role that goes on."""
    return next(
        (
            row
            for row in queries.leases_of(work.session, unit_id, work.today)
            if (row.person_id, row.role) == (person_id, role)
        ),
        None,
    )


def put_lease(
    work: Work,
    unit_id: str,
    person_id: str,
    role: str,
    *,
    start: date | None,
    end: date | None,
    keep: bool,
) -> Lease:
    """Let somebody be in a unit; who is there already, or is to leave, stays."""
    lease = open_lease(work, unit_id, person_id, role)
    if lease is None:
        if keep and start is None:
            start = work.today
        return leases.begin(
            work.session, work.hand, unit_id, person_id, role, start=start, end=end
        )
    if lease.left_on:
        leases.stay(work.hand, lease)
    leases.put_dates(work.hand, lease, start, end, keep=keep)
    return lease


@dataclass(frozen=True, slots=True)
class Written:
    """What a command about leases has done."""

    command_id: str
    people: tuple[str, ...]
    leases: tuple[str, ...]


def _written(work: Work, rows: Sequence[Lease]) -> Written:
    for lease in rows:
        work.audit(lease.unit_id, lease.person_id)
    return Written(
        work.hand.command_id,
        tuple(row.person_id for row in rows),
        tuple(row.id for row in rows),
    )


@dataclass(frozen=True, slots=True)
class CheckIn(OfUnit[Written]):
    """Let somebody live in a unit, or own it.

    Who is known already is the same person only where all of them is the caller's.
    """

    name = "check_in"
    contact: Contact
    role: Role
    start: date | None = None
    end: date | None = None
    person_id: str | None = None

    @override
    def run(self, work: Work) -> Written:
        unit_of(work, self.unit_id)
        person = self._person(work)
        lease = put_lease(
            work,
            self.unit_id,
            person.id,
            self.role,
            start=self.start,
            end=self.end,
            keep=True,
        )
        return _written(work, [lease])

    def _person(self, work: Work) -> Person:
        if self.person_id is None:
            return enter_person(work, self.contact)
        person = person_of(work, self.person_id)
        put_contact(work, person, self.contact)
        return person


@dataclass(frozen=True, slots=True)
class CheckOut(OfUnit[Written]):
    """Say that somebody leaves, or has left: as a tenant, or as the landlord."""

    name = "check_out"
    day: date
    person_id: str | None = None
    everyone: bool = False
    #: Of the lease of this person.
    version: int | None = None
    #: None: tenant; of somebody who is named, what they are there.
    role: Role | None = None

    @override
    def run(self, work: Work) -> Written:
        leaving = self._leaving(work)
        if not leaving:
            raise refused("nobody_to_check_out")
        if len(leaving) > 1 and not (self.person_id or self.everyone):
            raise refused("whom_to_check_out", count=str(len(leaving)))
        for lease in leaving:
            check_version(lease, self.version)
            if lease.start and lease.start > max(self.day, work.today):
                # Who never came does not leave.
                leases.remove(work.hand, lease)
            else:
                leases.leave(work.hand, lease, self.day)
        return _written(work, leaving)

    def _leaving(self, work: Work) -> list[Lease]:
        rows = queries.leases_of(work.session, self.unit_id, work.today)
        role = self.role
        if self.person_id:
            rows = [row for row in rows if row.person_id == self.person_id]
            if role is None and len({row.role for row in rows}) > 1:
                # Who owns the flat that they live in may move out, and goes on owning it.
                raise refused("as_what_to_check_out")
        elif role is None:
            role = Role.TENANT
        return [row for row in rows if role in (None, row.role)]


@dataclass(frozen=True, slots=True)
class RenewLease(Command[Written]):
    """Add a period to somebody's contract."""

    name = "renew_lease"
    lease_id: str
    end: date | None
    start: date | None = None
    version: int | None = None

    @override
    def run(self, work: Work) -> Written:
        lease = lease_of(work, self.lease_id, self.version)
        state = leases.state_of(lease)
        if not state.periods:
            raise refused("no_such_lease")
        begun = state.periods[-1].start
        is_too_early = self.start and begun and self.start < begun
        if is_too_early or (self.end and lease.end and self.end <= lease.end):
            raise refused("renewal_too_short")
        leases.renew(work.hand, lease, self.start, self.end)
        if lease.left_on:
            leases.stay(work.hand, lease)
        return _written(work, [lease])


@dataclass(frozen=True, slots=True)
class CorrectLease(Command[Written]):
    """Say that the last period of a contract was written down wrongly."""

    name = "correct_lease"
    lease_id: str
    #: Fields that are not in here are right.
    dates: Mapping[str, date | None]
    version: int | None = None

    @override
    def run(self, work: Work) -> Written:
        lease = lease_of(work, self.lease_id, self.version)
        state = leases.state_of(lease)
        if not state.periods:
            raise refused("no_such_lease")
        last = state.periods[-1]
        leases.correct(
            work.hand,
            lease,
            last,
            self.dates.get("start", last.start),
            self.dates.get("end", last.end),
        )
        return _written(work, [lease])


@dataclass(frozen=True, slots=True)
class Move(Command[Written]):
    """Let somebody leave one unit for another on a day."""

    name = "move"
    lease_id: str
    unit_id: str
    day: date
    end: date | None = None
    version: int | None = None

    @property
    @override
    def units(self) -> Collection[str]:
        return (self.unit_id,)

    @override
    def run(self, work: Work) -> Written:
        old = lease_of(work, self.lease_id, self.version)
        if old.unit_id == self.unit_id or old.removed_at:
            raise refused("no_such_lease")
        unit_of(work, self.unit_id)
        end = old.end if self.end is None else self.end
        leases.leave(work.hand, old, self.day)
        new = put_lease(
            work,
            self.unit_id,
            old.person_id,
            old.role,
            start=self.day,
            end=end if end is None or end >= self.day else None,
            keep=False,
        )
        return _written(work, [old, new])


@dataclass(frozen=True, slots=True)
class Undo(Command[Written]):
    """Undo what a command has written into the histories of leases."""

    name = "undo"
    command_id: str

    @override
    def run(self, work: Work) -> Written:
        rows = leases.rows_of_command(work.session, self.command_id)
        units = {row.lease.unit_id for row in rows}
        work.caller.check(units or None, "nothing_to_undo")
        if not all(may_undo(work, row) for row in rows):
            raise NotCoveredError
        return _written(work, leases.undo(work.session, work.hand, self.command_id))


def may_undo(work: Work, row: LeaseChange) -> bool:
    """Return if it is the caller's to undo.

    Who has left is brought back by who has said that they leave, and only while they
    are nobody else's.
    """
    if work.caller.permit.units is None or row.what not in leases.ENDS:
        return True
    person = row.lease.person
    now = queries.units_of_person(work.session, person.id, work.today)
    is_nobodys = work.caller.covers(now) and not person.duties
    return is_nobodys and row.who == work.caller.user_id


@dataclass(frozen=True, slots=True)
class GetLeft(OfUnit[list[dict[str, JsonValueType]]]):
    """Return who has left a unit, or was taken out of it, and can be brought back by `Undo`."""

    name = "undo"

    @override
    def run(self, work: Work) -> list[dict[str, JsonValueType]]:
        work.audit(self.unit_id, what="get_unit")
        found = leases.ended_lately(work.session, work.hand, self.unit_id)
        shown = [
            row
            for row in found
            if may_undo(work, row)
            # Who is there by another lease has not left.
            and not open_lease(work, self.unit_id, row.lease.person_id, row.lease.role)
        ]
        for row in shown:
            work.audit(self.unit_id, row.lease.person_id, what="get_unit")
        return [
            {
                "person_id": row.lease.person_id,
                "name": work.named(row.lease.person.name, [self.unit_id]),
                "role": row.lease.role,
                "what": row.what,
                "at": moment(row.at),
                "left_on": row.left_on.isoformat() if row.left_on else None,
                "command_id": row.command_id,
            }
            for row in shown
        ]


@dataclass(frozen=True, slots=True)
class UpdateContact(Command[str]):
    """Change how somebody is reached."""

    name = "update_contact"
    person_id: str
    contact: Contact
    version: int | None = None

    @override
    def run(self, work: Work) -> str:
        person = person_of(work, self.person_id)
        if self.version not in (None, person.version):
            raise overtaken("person_changed")
        put_contact(work, person, self.contact)
        work.audit(person_id=person.id)
        return person.id


@dataclass(frozen=True, slots=True)
class MergePeople(Command[str]):
    """Say that two people of the register are one; the other id is no more."""

    name = "merge_people"
    person_id: str
    duplicate_id: str

    @override
    def run(self, work: Work) -> str:
        session = work.session
        kept, other = (
            person_of(work, key) for key in (self.person_id, self.duplicate_id)
        )
        if kept is other:
            raise refused("no_such_person")
        tell_person(work, other, Kind.PERSON_MERGED)
        for lease in list(other.leases):
            twin = open_lease(work, lease.unit_id, kept.id, lease.role)
            is_open = lease in queries.leases_of(session, lease.unit_id, work.today)
            lease.person = kept
            if twin and is_open:
                # One stay that was written down twice.
                leases.remove(work.hand, lease)
        known = {(row.channel, row.target) for row in kept.addresses}
        for address in list(other.addresses):
            if (address.channel, address.target) not in known:
                # Its id stays: deliveries that are under way point to it.
                address.person = kept
        for duty in session.scalars(
            select(Responder).where(Responder.person_id == other.id)
        ):
            duty.person = kept
        self._move_grants(work, other, kept)
        watches.move_person(session, other.id, kept.id)
        consents.move(session, other, kept)
        vault.move_person(session, other.id, kept.id)
        outbox.move_person(session, other.id, kept.id)
        places.move_person(session, other.id, kept.id)
        searches.move_person(session, other.id, kept.id)
        session.flush()
        session.expire(other)
        session.delete(other)
        work.audit(person_id=kept.id)
        work.audit(person_id=self.duplicate_id)
        tell_person(work, kept, Kind.PERSON_CHANGED)
        return kept.id

    @staticmethod
    def _move_grants(work: Work, other: Person, kept: Person) -> None:
        """Let accounts that are the duplicate be who is kept."""
        known = {(row.user_id, row.role): row for row in grants_of(work, kept.id)}
        for grant in grants_of(work, other.id):
            twin = known.get((grant.user_id, grant.role))
            if twin is None:
                grant.person_id = kept.id
                work.audit(person_id=kept.id, what="grant_role")
            elif twin.until and (grant.until is None or grant.until > twin.until):
                # The longer of the two: they have lost nothing.
                twin.until = grant.until
                work.audit(person_id=kept.id, what="grant_role")
        work.session.flush()


def grants_of(work: Work, person_id: str) -> Sequence[Grant]:
    """Return the roles of accounts that hold in the units of a person."""
    query = select(Grant).where(Grant.person_id == person_id).order_by(Grant.id)
    return work.session.scalars(query).all()


@dataclass(frozen=True, slots=True)
class ErasePerson(Command[str]):
    """Remove all that is known of somebody, at once and for good.

    Whom an open alert tells is erased only where that is meant: nobody warns them then.
    """

    name = "erase_person"
    person_id: str
    even_in_alert: bool = False

    @override
    def run(self, work: Work) -> str:
        person = person_of(work, self.person_id)
        if work.is_told(person.id) and not self.even_in_alert:
            raise refused("person_in_alert")
        tell_person(work, person, Kind.PERSON_ERASED)
        for _ in grants_of(work, person.id):
            # They go with the person.
            work.audit(person_id=person.id, what="revoke_role")
        history.forget_person(work.session, person.id)
        if searches.forget_person(work.session, person.id, work.hand.now):
            work.tell(Kind.SEARCH_CHANGED)
        vault.forget_person(work.session, person.id)
        store.forget_person(work.session, person.id)
        work.session.delete(person)
        work.session.flush()
        # Whom they have named, and who is nobody's any more.
        queries.forget_strangers(work.session, work.keep)
        work.audit(person_id=person.id)
        return person.id


#: The versions of a unit (""), of its leases and people (their ids), as somebody has seen
#: them.
type Seen = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Difference:
    """What somebody did not know when they filled in a form."""

    #: Empty where it is not about a person.
    name: str
    what: str


class ChangedMeanwhileError(Exception):
    """A form is older than what it would overwrite."""

    def __init__(self, differences: Sequence[Difference]) -> None:
        """Initialize with what has changed: names are for the form alone."""
        super().__init__("changed meanwhile")
        self.differences = tuple(differences)


def seen(work: Work, unit_id: str) -> Seen:
    """Return the versions of what a form shows."""
    unit = work.session.get(Unit, unit_id)
    rows = in_form(queries.leases_of(work.session, unit_id, work.today))
    return {
        "": unit.version if unit else 0,
        **{row.id: row.version for row in rows},
        **{row.person_id: row.person.version for row in rows},
    }


@dataclass(frozen=True, slots=True)
class ShowHousehold(OfUnit[tuple[Unit, list[Lease], Seen]]):
    """Read a unit with its people for a form."""

    name = "unit_form"

    @override
    def run(self, work: Work) -> tuple[Unit, list[Lease], Seen]:
        unit = unit_of(work, self.unit_id)
        work.audit(self.unit_id)
        rows = in_form(queries.leases_of(work.session, self.unit_id, work.today))
        for lease in rows:
            work.audit(self.unit_id, lease.person_id)
        return unit, rows, seen(work, self.unit_id)


@dataclass(frozen=True, slots=True)
class SaveHousehold(Command[str]):
    """Write a unit and its people as a form has them. Nobody leaves by being left out.

    Raises ChangedMeanwhileError if the form has not `seen` what is there now.
    """

    name = "unit_form"
    #: None for a new unit.
    unit_id: str | None
    fields: Mapping[str, Any]
    address: str
    occupants: Sequence[Occupant]
    seen: Seen | None = None

    @property
    @override
    def units(self) -> Collection[str]:
        return (self.unit_id,) if self.unit_id else ()

    @override
    def run(self, work: Work) -> str:
        session = work.session
        if self.unit_id is None:
            unit = new_unit()
        else:
            unit = unit_of(work, self.unit_id)
            if self.seen is not None:
                self._check(work, unit.id, self.seen)
        put(work, unit, self.fields, self.address)
        staying = in_form(queries.leases_of(session, unit.id, work.today))
        for occupant in self.occupants:
            lease = match(staying, occupant)
            if lease:
                staying.remove(lease)
                self._change(work, lease, occupant)
            else:
                self._add(work, unit.id, occupant, staying)
        if any(row.role == Role.LANDLORD for row in staying):
            raise refused("landlord_missing")
        if staying:
            raise refused("tenant_missing")
        work.audit(unit.id)
        session.flush()
        return unit.id

    @staticmethod
    def _check(work: Work, unit_id: str, known: Seen) -> None:
        now = seen(work, unit_id)
        found = [
            Difference(lease.person.name, what)
            for lease_id in dict.fromkeys((*now, *known))
            if lease_id and (lease := work.session.get(Lease, lease_id))
            for what in _since(lease, known.get(lease_id, 0))
        ]
        found += [
            Difference(person.name, "contact")
            for person_id in known
            if person_id
            and (person := work.session.get(Person, person_id))
            and person.version != known[person_id]
        ]
        said = {row.name for row in found}
        found += [
            # Their day came while the form was open.
            Difference(lease.person.name, leases.What.LEFT)
            for key in known.keys() - now.keys()
            if (lease := work.session.get(Lease, key)) and lease.person.name not in said
        ]
        unit = unit_of(work, unit_id)
        if unit.version != known[""]:
            found += [Difference("", what) for what in changes(unit, known[""])]
        if now != known:
            raise ChangedMeanwhileError(found)

    @staticmethod
    def _change(work: Work, lease: Lease, occupant: Occupant) -> None:
        contact = contact_of(occupant.fields, HOUSEHOLD, lease.person, work.region)
        put_contact(work, lease.person, contact)
        leases.put_dates(work.hand, lease, occupant.start, occupant.end, keep=False)
        if occupant.left_on != lease.left_on:
            if occupant.left_on:
                leases.leave(work.hand, lease, occupant.left_on)
            else:
                leases.stay(work.hand, lease)

    @staticmethod
    def _add(
        work: Work, unit_id: str, occupant: Occupant, staying: Sequence[Lease]
    ) -> None:
        if occupant.role == Role.LANDLORD and any(
            row.role == Role.LANDLORD for row in staying
        ):
            # Another name and another number: is it a correction, or somebody new?
            raise refused("landlord_missing")
        contact = contact_of(occupant.fields, HOUSEHOLD, None, work.region)
        person = enter_person(work, contact)
        lease = leases.begin(
            work.session,
            work.hand,
            unit_id,
            person.id,
            occupant.role,
            start=occupant.start,
            end=occupant.end,
        )
        if occupant.left_on:
            leases.leave(work.hand, lease, occupant.left_on)
        work.audit(unit_id, person.id)
