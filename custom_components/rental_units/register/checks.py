"""Addresses that were proven to reach their person, and those that were not.

A test message asks; the person confirms it. Of an address that is changed nothing is proven.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session, selectinload

from ..const import Channel
from . import queries
from .models import ContactAddress, Lease, Person, Responder
from .people import Address

#: What becomes of a test message; else the reason of its failure, or of an alert's where
#: there is no such number.
WAITING: Final = "waiting"
SENT: Final = "sent"
#: Seconds in which nobody is asked again, and in which a link to confirm holds.
AGAIN_SECONDS: Final = 86_400.0
LINK_SECONDS: Final = 7 * 86_400.0


@dataclass(frozen=True, slots=True)
class Check:
    """A test message that is to be sent, or that was."""

    address: Address
    person_id: str
    #: The person's, or the address's own.
    language: str
    #: In Unix time: an address that is asked again has another link.
    asked_at: float


@dataclass(slots=True)
class Figures:
    """How many addresses are proven, and in which units one has failed. No person."""

    addresses: int = 0
    verified: int = 0
    failing: int = 0
    #: Units with an address that has failed, and if a responder has one.
    failing_units: set[str] = field(default_factory=set)
    failing_responders: int = 0

    @property
    def unverified(self) -> int:
        """Return how many are neither proven nor known to fail."""
        return self.addresses - self.verified - self.failing


def ask(
    session: Session,
    people: Iterable[Person],
    usable: Callable[[str], bool],
    now: float,
    *,
    again: bool,
) -> tuple[list[Check], Counter[str]]:
    """Let these people's addresses be asked; return them, and why others are not.

    `usable` tells if something can be sent over a channel, and answered.
    """
    asked: list[Check] = []
    counts: Counter[str] = Counter()
    for person in people:
        texted = {
            row.target
            for row in person.addresses
            if row.channel == Channel.SMS and usable(row.channel)
        }
        for row in person.addresses:
            if row.verified_at is not None and not again:
                counts["verified"] += 1
            elif row.channel != Channel.SMS and row.target in texted:
                # Who has confirmed the text message has the phone of that number.
                counts["by_text_message"] += 1
            elif not usable(row.channel):
                counts["no_channel"] += 1
            elif row.asked_at is not None and 0 <= now - row.asked_at < AGAIN_SECONDS:
                counts["recent"] += 1
            else:
                row.asked_at, row.outcome = now, WAITING
                asked.append(_check(row))
                counts["asked"] += 1
    return asked, counts


def of_property(session: Session, today: date) -> list[Person]:
    """Return everybody who lives or lets here, or responds."""
    return _people(session, or_(_with_lease(today), _responds()))


def of_units(session: Session, unit_ids: Collection[str], today: date) -> list[Person]:
    """Return who lives in these units, or lets them."""
    return _people(session, _with_lease(today, unit_ids))


def open_checks(session: Session, now: float) -> list[tuple[Check, bool]]:
    """Return those that can still be confirmed, with True for those yet to be sent."""
    rows = session.scalars(
        select(ContactAddress)
        .where(
            ContactAddress.outcome.in_((WAITING, SENT)),
            ContactAddress.asked_at > now - LINK_SECONDS,
        )
        .order_by(ContactAddress.asked_at, ContactAddress.id)
        .options(selectinload(ContactAddress.person))
    )
    return [(_check(row), row.outcome == WAITING) for row in rows]


def still(session: Session, check: Check) -> ContactAddress | None:
    """Return the address of a test message; None if it was changed or has gone since."""
    row = session.get(ContactAddress, check.address.id)
    is_same = row is not None and row.asked_at == check.asked_at
    return row if is_same else None


def note(session: Session, check: Check, outcome: str) -> None:
    """Write down what has become of a test message."""
    row = still(session, check)
    if row is not None and row.outcome in (WAITING, SENT):
        row.outcome = outcome


def note_wrong(session: Session, address_id: str, target: str, reason: str) -> None:
    """Write down that an address is a number that there is not, unless it was changed since."""
    row = session.get(ContactAddress, address_id)
    if row is not None and row.target == target:
        row.outcome = reason


def confirm(session: Session, check: Check, now: float) -> str | None:
    """Write down that a person has confirmed an address; return whose it is.

    It is proven for each use of the same number.
    """
    if (row := still(session, check)) is None:
        return None
    for other in row.person.addresses:
        if other.target == row.target:
            other.verified_at, other.outcome = now, None
    return row.person_id


def figures(session: Session, today: date) -> Figures:
    """Return how many addresses of those who are to be told are proven."""
    found = Figures()
    failing: set[str] = set()
    people = or_(_with_lease(today), _responds())
    rows = session.execute(
        select(
            ContactAddress.person_id, ContactAddress.outcome, ContactAddress.verified_at
        )
        .join(ContactAddress.person)
        .where(people)
    )
    for person_id, outcome, verified_at in rows:
        found.addresses += 1
        if outcome not in (None, WAITING, SENT):
            found.failing += 1
            failing.add(person_id)
        elif verified_at is not None:
            found.verified += 1
    if failing:
        leases = select(Lease.person_id, Lease.unit_id).where(queries.is_open(today))
        found.failing_units = {
            unit_id
            for person_id, unit_id in session.execute(leases)
            if person_id in failing
        }
        duties = session.scalars(
            select(Responder.person_id).where(Responder.removed_at.is_(None))
        )
        found.failing_responders = sum(row in failing for row in duties)
    return found


def _check(row: ContactAddress) -> Check:
    address = Address(
        row.id, row.channel, row.target, row.quiet_from, row.quiet_until, row.language
    )
    language = row.language or row.person.language
    return Check(address, row.person_id, language, row.asked_at or 0.0)


def _people(session: Session, condition: ColumnElement[bool]) -> list[Person]:
    query = select(Person).where(condition).order_by(Person.id)
    return list(session.scalars(query.options(selectinload(Person.addresses))))


def _with_lease(
    today: date, unit_ids: Collection[str] | None = None
) -> ColumnElement[bool]:
    leases = select(Lease.person_id).where(queries.is_open(today))
    if unit_ids is not None:
        leases = leases.where(Lease.unit_id.in_(unit_ids))
    return Person.id.in_(leases)


def _responds() -> ColumnElement[bool]:
    return Person.id.in_(
        select(Responder.person_id).where(Responder.removed_at.is_(None))
    )
