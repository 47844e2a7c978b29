"""Commands about cards, and about the doors that they open."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, override

from sqlalchemy import ColumnElement, case, func, or_, select
from sqlalchemy.orm import Session, contains_eager, selectinload

from homeassistant.util.json import JsonValueType

from ..access_control import numbers, outbox
from ..access_control.const import MOST_DAYS, Decision, Holder, Medium, Proof
from ..access_control.models import Card, Door, Place
from ..register import queries
from ..register.models import Person, Unit
from ..register.people import Contact
from ..storage.events import Kind
from ..storage.vault import Vault
from .reading import moment
from .tenancy import enter_person, person_of
from .units import unit_of
from .work import Command, NotCoveredError, Work, refused

type Answer = dict[str, JsonValueType]

#: Which command of the table a decision is, and from which it may be made.
_DECISIONS: Final[Mapping[Decision, tuple[str, Collection[Decision]]]] = {
    Decision.SUSPENDED: ("suspend_card", {Decision.ISSUED}),
    Decision.ISSUED: ("resume_card", {Decision.SUSPENDED}),
    Decision.LOST: ("lose_card", {Decision.ISSUED, Decision.SUSPENDED}),
    # One that was lost is revoked when it is back; its number is free then.
    Decision.REVOKED: ("revoke_card", set(Decision) - {Decision.REVOKED}),
}
#: The texts of what stands against that.
_AGAINST: Final[Mapping[Decision, str]] = {
    Decision.REQUESTED: "card_is_requested",
    Decision.ISSUED: "card_is_issued",
    Decision.SUSPENDED: "card_is_suspended",
    Decision.LOST: "card_is_lost",
    Decision.REVOKED: "card_is_revoked",
}


@dataclass(frozen=True, slots=True)
class IssueCard(Command[str]):
    """Give somebody a card or plate, or ask for a card, which has no number yet; return its id.

    Who has a lease has a card for what their leases open, as long as these last. Anybody
    else has one for hours that are said.
    """

    name = "issue_card"
    box: Vault
    #: As it is written on the card or plate; None: it is only asked for.
    number: str | None
    holder: Holder = Holder.LEASE
    #: Somebody of the register, or somebody new.
    person: str | Contact | None = None
    #: Whose doors, where that does not follow from leases.
    unit_id: str | None = None
    everywhere: bool = False
    #: Unix times.
    begin: float | None = None
    end: float | None = None
    #: What was asked for, and is issued now.
    card_id: str | None = None
    medium: Medium = Medium.CARD
    #: Of which country plates are.
    country: str | None = None

    @property
    @override
    def what(self) -> str:
        if self.medium is Medium.PLATE:
            return "issue_plate"
        return "request_card" if self.number is None else "issue_card"

    @property
    @override
    def units(self) -> Collection[str]:
        return (self.unit_id,) if self.unit_id else ()

    @override
    def run(self, work: Work) -> str:
        card = self._requested(work) if self.card_id else self._new(work)
        if self.number is not None:
            self._number(work, card, self.number)
        _tell(work, card)
        return card.id

    def _requested(self, work: Work) -> Card:
        card = card_of(work, self.card_id or "")
        _check(card, {Decision.REQUESTED})
        card.version += 1
        return card

    def _new(self, work: Work) -> Card:
        now = work.hand.now
        self._check_hours(now)
        person = self._person(work)
        if self.unit_id:
            unit_of(work, self.unit_id)
        card = Card(
            person_id=person.id,
            medium=self.medium,
            holder=self.holder,
            unit_id=self.unit_id,
            everywhere=self.everywhere,
            begin_at=self.begin,
            end_at=self.end,
            decision=Decision.REQUESTED,
            decided_at=now,
            created_at=now,
            is_over=False,
            digits="",
            version=1,
        )
        work.session.add(card)
        work.session.flush()
        return card

    def _check_hours(self, now: float) -> None:
        if self.holder is Holder.LEASE:
            if (self.begin, self.end, self.unit_id) != (None, None, None) or (
                self.everywhere
            ):
                raise refused("card_follows_lease")
            return
        if self.end is None:
            raise refused("card_needs_end")
        if self.end <= max(self.begin or now, now):
            raise refused("card_is_over")
        most = MOST_DAYS[self.holder]
        if self.end > (self.begin or now) + most * 86_400:
            raise refused("card_too_long", days=str(most))

    def _person(self, work: Work) -> Person:
        if self.person is None:
            raise refused("name_missing")
        if self.holder is Holder.LEASE:
            if not isinstance(self.person, str):
                raise refused("card_without_lease")
            person = person_of(work, self.person)
            if not queries.units_of_person(work.session, person.id, work.today):
                raise refused("card_without_lease")
            return person
        if self.holder is Holder.VISITOR:
            if self.unit_id is None or self.everywhere:
                raise refused("visitor_needs_unit")
            if not queries.leases_of(work.session, self.unit_id, work.today):
                raise refused("nobody_to_visit")
        elif work.caller.permit.units is not None:
            # Whose role is for own flats has no staff.
            raise NotCoveredError
        if isinstance(self.person, str):
            return person_of(work, self.person)
        if not self.person.name:
            raise refused("name_missing")
        return enter_person(work, self.person)

    def _number(self, work: Work, card: Card, text: str) -> None:
        if self.medium is Medium.PLATE:
            number = numbers.plate(text, self.country)
        else:
            number = numbers.normal(text)
        if number is None:
            raise refused(f"{self.medium}_number_invalid")
        if known := numbers.find(work.session, self.box, number):
            if against := outbox.against(known, work.hand.now):
                # Not whose it is: who asks may not be allowed to know.
                raise refused(against)
            outbox.close(work.session, known, work.hand.now)
        numbers.put(work.session, self.box, card, number)
        card.decision, card.decided_at = Decision.ISSUED, work.hand.now


@dataclass(frozen=True, slots=True)
class DecideCard(Command[str]):
    """Suspend or resume a card, report it lost, or revoke it for good; return its id."""

    name = "revoke_card"
    card_id: str
    decision: Decision

    @property
    @override
    def what(self) -> str:
        return _DECISIONS[self.decision][0]

    @override
    def run(self, work: Work) -> str:
        card = card_of(work, self.card_id)
        _check(card, _DECISIONS[self.decision][1])
        card.decision, card.decided_at = self.decision, work.hand.now
        card.version += 1
        if card.number_row is None:
            # It was only asked for.
            card.closed_at = work.hand.now
        _tell(work, card)
        return card.id


@dataclass(frozen=True, slots=True)
class RenewCard(Command[str]):
    """Let a card be for longer, or for less long; return its id. Those of leases follow them."""

    name = "renew_card"
    card_id: str
    #: Unix time.
    end: float

    @override
    def run(self, work: Work) -> str:
        card, now = card_of(work, self.card_id), work.hand.now
        if card.holder == Holder.LEASE:
            raise refused("card_follows_lease")
        _check(card, {Decision.ISSUED, Decision.SUSPENDED})
        if self.end <= max(card.begin_at or now, now):
            raise refused("card_is_over")
        most = MOST_DAYS[Holder(card.holder)]
        if self.end > max(card.begin_at or now, now) + most * 86_400:
            raise refused("card_too_long", days=str(most))
        card.end_at = self.end
        card.version += 1
        _tell(work, card)
        return card.id


def card_of(work: Work, card_id: str) -> Card:
    """Return a card that the caller may see and change.

    Raises ServiceValidationError, NotCoveredError.
    """
    card = work.session.get(Card, card_id)
    if card is None or card.person_id is None:
        # Of who was erased there is nothing to see.
        work.caller.check(None, "no_such_card")
    assert card and card.person_id
    if card.holder == Holder.LEASE or card.unit_id is None:
        person_of(work, card.person_id)
    else:
        work.caller.check([card.unit_id], "no_such_card")
    return card


def _check(card: Card, allowed: Collection[Decision]) -> None:
    """Raise ServiceValidationError for a card of which that cannot be decided."""
    if card.closed_at is not None:
        raise refused("card_is_closed")
    if card.decision not in allowed:
        raise refused(_AGAINST[Decision(card.decision)])


def _tell(work: Work, card: Card) -> None:
    work.audit(card.unit_id, card.person_id)
    work.tell(Kind.CARD_CHANGED, card.unit_id, card.person_id)


@dataclass(frozen=True, slots=True)
class GetCards(Command[list[Answer]]):
    """Return the cards of a person, the newest first, and those of before at the end."""

    name = "get_cards"
    person_id: str

    @override
    def run(self, work: Work) -> list[Answer]:
        person = person_of(work, self.person_id)
        work.audit(person_id=person.id)
        cards = work.session.scalars(
            select(Card)
            .where(Card.person_id == person.id)
            .order_by(Card.closed_at.is_not(None), Card.created_at.desc(), Card.id)
            .options(selectinload(Card.places))
        )
        return [describe(row, work.hand.now) for row in cards]


@dataclass(frozen=True, slots=True)
class GetVisitors(Command[list[Answer]]):
    """Return who visits a unit, or is to: each with their card, those who come last first."""

    name = "get_visitors"
    unit_id: str

    @property
    @override
    def units(self) -> Collection[str]:
        return (self.unit_id,)

    @override
    def run(self, work: Work) -> list[Answer]:
        unit_of(work, self.unit_id)
        return visits(work, Card.unit_id == self.unit_id)


def visits(work: Work, *of: ColumnElement[bool]) -> list[Answer]:
    """Return visits that are not over, with the visitor's name, who comes last first."""
    now = work.hand.now
    rows = work.session.execute(
        select(Card, Person)
        .join(Person, Person.id == Card.person_id)
        .where(
            *of,
            Card.holder == Holder.VISITOR,
            Card.closed_at.is_(None),
            # Who has been there is nobody's business any more.
            Card.end_at > now,
        )
        .order_by(func.coalesce(Card.begin_at, Card.created_at).desc(), Card.id)
        .options(selectinload(Card.places))
    ).all()
    for card, person in rows:
        work.audit(card.unit_id, person.id)
    return [
        {
            **describe(card, now),
            "name": work.named(person.name, [card.unit_id] if card.unit_id else None),
        }
        for card, person in rows
    ]


def open_cards(session: Session, person_id: str, now: float) -> list[Answer]:
    """Return the cards of a person that are not closed, the oldest first."""
    cards = session.scalars(
        select(Card)
        .where(Card.person_id == person_id, outbox.is_open())
        .order_by(Card.created_at, Card.id)
        .options(selectinload(Card.places))
    )
    return [describe(row, now) for row in cards]


def describe(card: Card, now: float) -> Answer:
    """Return a card for an answer; of its number, the last digits."""
    standing = outbox.standing(card, now)
    ends = [row.end_at for row in card.places if row.wanted]
    return {
        "card_id": card.id,
        "version": card.version,
        "medium": card.medium,
        "card_number": numbers.mask(card.digits),
        "holder": card.holder,
        "unit_id": card.unit_id,
        "everywhere": card.everywhere,
        "state": standing.state,
        "decision": card.decision,
        "decided_at": moment(card.decided_at),
        "pending": standing.pending,
        "unproven": standing.unproven,
        "start": moment(card.begin_at),
        "end": moment(card.end_at or max(ends, default=None)),
        "closed_at": moment(card.closed_at),
    }


@dataclass(frozen=True, slots=True)
class GetCardDoors(Command[list[Answer]]):
    """Return where a card opens: at each controller, what is to be there and what is proven."""

    name = "get_card_doors"
    card_id: str

    @override
    def run(self, work: Work) -> list[Answer]:
        card = card_of(work, self.card_id)
        work.audit(card.unit_id, card.person_id)
        return [
            {
                "device_id": row.device_id,
                "doors": list[JsonValueType](row.doors),
                "opens": row.wanted and row.begin_at <= work.hand.now < row.end_at,
                "start": moment(row.begin_at),
                "end": moment(row.end_at),
                "proof": row.proof,
                "why_unproven": row.reason,
                "proven_at": moment(row.proven_at),
            }
            for row in card.places
        ]


@dataclass(frozen=True, slots=True)
class AssignDoor(Command[str]):
    """Say for whom a door opens: for a building, a stairwell or unit of it, or for everybody.

    A door may be assigned several times: it opens for all of them. Returns the id of this.
    """

    name = "assign_door"
    device_id: str
    door: str
    #: What opens it.
    medium: Medium
    building: str = ""
    stairwell: str = ""
    number: str = ""

    @override
    def run(self, work: Work) -> str:
        where = {
            "building": self.building.strip(),
            "stairwell": self.stairwell.strip(),
            "number": self.number.strip(),
        }
        if not where["building"] and any(where.values()):
            raise refused("building_missing")
        if where["building"]:
            # What is misspelt opens for nobody, and nobody would see why.
            found = work.session.execute(
                select(Unit.building, Unit.stairwell, Unit.number).where(
                    queries.is_there()
                )
            )
            if not any(
                all(
                    not wanted or wanted.casefold() == own.casefold()
                    for wanted, own in zip(where.values(), row, strict=True)
                )
                for row in found
            ):
                raise refused("door_of_no_unit")
        known = work.session.scalar(
            select(Door).filter_by(device_id=self.device_id, door=self.door, **where)
        )
        work.audit()
        if known and known.medium == self.medium:
            return known.id
        door = known or Door(device_id=self.device_id, door=self.door, **where)
        door.medium = self.medium
        work.session.add(door)
        work.session.flush()
        work.tell(Kind.DOORS_CHANGED)
        return door.id


@dataclass(frozen=True, slots=True)
class RemoveDoor(Command[str]):
    """Take an assignment of a door back: it does not open for these any more."""

    name = "remove_door"
    door_id: str

    @override
    def run(self, work: Work) -> str:
        door = work.session.get(Door, self.door_id)
        if door is None:
            raise refused("no_such_door")
        work.audit()
        work.session.delete(door)
        work.tell(Kind.DOORS_CHANGED)
        return self.door_id


@dataclass(frozen=True, slots=True)
class GetDoors(Command[list[Answer]]):
    """Return for whom which door opens."""

    name = "get_doors"

    @override
    def run(self, work: Work) -> list[Answer]:
        work.audit()
        rows = work.session.scalars(
            select(Door).order_by(
                Door.building, Door.stairwell, Door.number, Door.device_id, Door.door
            )
        )
        return [
            {
                "door_id": row.id,
                "device_id": row.device_id,
                "door": row.door,
                "medium": row.medium,
                "building": row.building,
                "stairwell": row.stairwell,
                "number": row.number,
            }
            for row in rows
        ]


@dataclass(frozen=True, slots=True)
class GetDoorCards(Command[dict[str, Any]]):
    """Return which cards a controller is to hold, and of which it has not proven that.

    A page of them, those that are not proven first; `only_unproven` are no others.
    """

    name = "get_door_cards"
    device_id: str
    only_unproven: bool = False
    offset: int = 0
    limit: int = 50

    @override
    def run(self, work: Work) -> dict[str, Any]:
        work.audit()
        session, now = work.session, work.hand.now
        here = (
            Place.device_id == self.device_id,
            # What is proven to be gone is history.
            or_(Place.wanted, Place.proof != Proof.PROVEN),
        )
        counts = {
            (wanted, proof): count
            for wanted, proof, count in session.execute(
                select(Place.wanted, Place.proof, func.count())
                .where(*here)
                .group_by(Place.wanted, Place.proof)
            )
        }
        order = (Proof.UNPROVEN, Proof.PENDING, Proof.SENT, Proof.PROVEN)
        rows = session.scalars(
            select(Place)
            .join(Place.card)
            .where(*here, *([Place.proof == Proof.UNPROVEN] * self.only_unproven))
            .order_by(
                case(
                    {proof: index for index, proof in enumerate(order)},
                    value=Place.proof,
                ),
                Card.digits,
                Place.card_id,
            )
            .offset(self.offset)
            .limit(self.limit)
            .options(contains_eager(Place.card))
        )
        return {
            "cards": [_at_a_door(row, now) for row in rows],
            "total": sum(counts.values()),
            "pending": sum(
                count for (_, proof), count in counts.items() if proof == Proof.PENDING
            ),
            # They are to be there, and are not proven to be; and the other way round.
            "missing": counts.get((True, Proof.UNPROVEN), 0),
            "left": counts.get((False, Proof.UNPROVEN), 0),
            # To what has a list that nobody can read: they are there, or gone, for all we know.
            "sent": sum(
                count for (_, proof), count in counts.items() if proof == Proof.SENT
            ),
        }


def _at_a_door(place: Place, now: float) -> Answer:
    card = place.card
    return {
        "card_id": card.id,
        "card_number": numbers.mask(card.digits),
        "holder": card.holder,
        "person_id": card.person_id,
        "unit_id": card.unit_id,
        "doors": list[JsonValueType](place.doors),
        "wanted": place.wanted and place.end_at > now,
        "end": moment(place.end_at),
        "proof": place.proof,
        "why_unproven": place.reason,
        "proven_at": moment(place.proven_at),
    }
