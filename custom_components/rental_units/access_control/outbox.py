"""What is to be ordered, and what was proven, as pure functions on a session.

A place of a card is to be ordered as long as it is not proven. So who is killed at whatever
moment orders it again, which changes nothing where it was done already.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import batched

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select, update
from sqlalchemy.orm import Session, joinedload, selectinload

from ..register import queries
from ..register.leases import UNDO_DAYS
from ..register.models import Lease, Person
from ..storage.events import DomainEvent
from ..storage.vault import CompartmentRow, Vault
from . import numbers
from .const import (
    GRACE_SECONDS,
    KEY_LOST,
    OVERTAKEN_SECONDS,
    RESEND_SECONDS,
    RETRY_SECONDS,
    Decision,
    Proof,
    State,
)
from .models import Card, Door, Place
from .plan import plan

_DAY = 86_400
#: There is nothing more that can be proven.
_DONE = (Proof.PROVEN, Proof.SENT)


@dataclass(frozen=True, slots=True)
class Order:
    """What a controller is to do about one card."""

    card_id: str
    device_id: str
    revision: int
    wanted: bool
    #: Unix times.
    begin: float
    end: float
    doors: frozenset[str]
    #: None: nobody can read it any more.
    number: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Fact:
    """What was read back of a card at a controller, or why nothing is proven."""

    #: It is there as it was ordered, or gone; None: neither is proven.
    is_there: bool | None
    reason: str | None = None
    is_overtaken: bool = False
    #: It was taken as it was ordered, and nobody can read what became of it.
    is_sent: bool = False


def is_open() -> ColumnElement[bool]:
    """Return the condition of cards that are not closed."""
    return Card.closed_at.is_(None)


def holds_card() -> ColumnElement[bool]:
    """Return the condition of people who stay in the register because they hold a card."""
    return exists().where(Card.person_id == Person.id, is_open())


def is_due(now: float) -> ColumnElement[bool]:
    """Return the condition of places at which something is to be ordered."""
    return and_(Place.proof != Proof.PROVEN, Place.next_at <= now)


def concerned(session: Session, happened: Iterable[DomainEvent]) -> list[str]:
    """Return the cards that what has happened to people and units may be about."""
    happened = list(happened)
    people = {row.person_id for row in happened if row.person_id}
    units = {row.unit_id for row in happened if row.unit_id}
    # Of a card that lost its holder, nobody can say any more whose it was.
    wanted: set[str] = set(
        session.scalars(select(Card.id).where(is_open(), Card.person_id.is_(None)))
    )
    for ids in batched(units, queries.MOST_VALUES, strict=False):
        people |= set(
            session.scalars(select(Lease.person_id).where(Lease.unit_id.in_(ids)))
        )
        wanted |= set(
            session.scalars(select(Card.id).where(is_open(), Card.unit_id.in_(ids)))
        )
    for ids in batched(people, queries.MOST_VALUES, strict=False):
        of_them = or_(Card.person_id.in_(ids), Card.host_id.in_(ids))
        wanted |= set(session.scalars(select(Card.id).where(is_open(), of_them)))
    return sorted(wanted)


def all_open(session: Session) -> list[str]:
    """Return all cards that are not closed."""
    return list(session.scalars(select(Card.id).where(is_open()).order_by(Card.id)))


def plan_those(session: Session, card_ids: Iterable[str], now: float) -> None:
    """Plan cards anew."""
    for ids in batched(card_ids, queries.MOST_VALUES, strict=False):
        cards = session.scalars(
            select(Card).where(Card.id.in_(ids)).options(selectinload(Card.places))
        ).all()
        plan(session, cards, now)
        for card in cards:
            _settle(session, card, now)


def devices_due(session: Session, now: float) -> Sequence[str]:
    """Plan what has come to its end, and return the controllers that are to be asked."""
    # Controllers' ends are seen to by Community Safety first.
    over = select(Place.card_id).where(
        Place.wanted, Place.end_at <= now - GRACE_SECONDS
    )
    plan_those(session, session.scalars(over.distinct()).all(), now)
    return session.scalars(select(Place.device_id).where(is_due(now)).distinct()).all()


def orders(
    session: Session, box: Vault, device_id: str, now: float, most: int
) -> list[Order]:
    """Return what a controller is to be asked for next."""
    rows = session.execute(
        _with_numbers()
        .where(Place.device_id == device_id, is_due(now))
        # Who is to be let in no more comes first.
        .order_by(Place.wanted, Place.next_at, Place.card_id)
        .limit(most)
    )
    return [_order(place, box.open_if_possible(row)) for place, row in rows]


def _with_numbers() -> Select[tuple[Place, CompartmentRow]]:
    return (
        select(Place, CompartmentRow)
        .join(Place.card)
        .outerjoin(CompartmentRow, CompartmentRow.id == Card.number_row)
    )


def is_current(session: Session, order: Order) -> bool:
    """Return if an order is what is wanted still."""
    query = select(Place.revision).where(
        Place.card_id == order.card_id, Place.device_id == order.device_id
    )
    return session.scalar(query) == order.revision


def _order(place: Place, number: str | None) -> Order:
    return Order(
        place.card_id,
        place.device_id,
        place.revision,
        place.wanted,
        place.begin_at,
        place.end_at,
        frozenset(place.doors),
        number,
    )


def wanted(
    session: Session, box: Vault, device_id: str, now: float
) -> list[Order] | None:
    """Return what a controller is to hold, and what is not proven to be gone there yet.

    The end of the latter is over. None: nothing of this property is there. A card whose
    number nobody can read is left out: it is found there as unknown, for a person to
    decide on.
    """
    rows = session.execute(
        _with_numbers()
        .where(
            Place.device_id == device_id,
            or_(Place.wanted, Place.proof != Proof.PROVEN),
        )
        # Who is to be let in no more comes first here, too.
        .order_by(Place.wanted, Place.card_id)
    ).all()
    if not rows and not session.scalar(
        select(exists().where(Door.device_id == device_id))
    ):
        return None
    found = [
        _order(place, box.open_if_possible(row))
        for place, row in rows
        if not place.is_held(now)
    ]
    return [order for order in found if order.number]


def left(session: Session, box: Vault) -> list[tuple[str, str | None]]:
    """Return what may be at controllers, or come there: each with its number, if it is known.

    What was sent to be taken is done where nobody can read the list, as when it is revoked.
    """
    rows = session.execute(
        _with_numbers().where(or_(Place.wanted, Place.proof.not_in(_DONE)))
    )
    return [(place.device_id, box.open_if_possible(row)) for place, row in rows]


# What was proven


def note(session: Session, order: Order, fact: Fact, now: float) -> None:
    """Write down what was proven of an order, if that is what is wanted still."""
    if place := session.get(Place, (order.card_id, order.device_id)):
        _note(session, place, order, fact, now)


def _note(session: Session, place: Place, order: Order, fact: Fact, now: float) -> None:
    if place.revision != order.revision:
        return
    is_wanted, before = place.wanted and place.end_at > now, place.proof
    if fact.is_overtaken:
        if place.proof != Proof.PROVEN:
            place.next_at = now + OVERTAKEN_SECONDS
    elif fact.is_sent:
        place.wanted = is_wanted
        place.proof, place.reason, place.proven_at = Proof.SENT, None, None
        place.next_at = now + RESEND_SECONDS
    elif fact.is_there is None:
        place.proof, place.reason = Proof.UNPROVEN, fact.reason
        place.next_at = now + (_DAY if fact.reason == KEY_LOST else RETRY_SECONDS)
    elif fact.is_there == is_wanted:
        place.wanted = is_wanted
        place.proof, place.reason, place.proven_at = Proof.PROVEN, None, now
    if place.proof != before:
        _settle(session, place.card, now)


def put_off(session: Session, device_id: str, reason: str, now: float) -> None:
    """Note that a controller does not answer: nothing that it is to be asked is proven."""
    session.execute(
        update(Place)
        .where(Place.device_id == device_id, is_due(now))
        .values(proof=Proof.UNPROVEN, reason=reason, next_at=now + RETRY_SECONDS)
    )


def order_of(session: Session, box: Vault, device_id: str, number: str) -> Order | None:
    """Return what a controller is to do about a card now, by its number."""
    card = numbers.find(session, box, number)
    place = session.get(Place, (card.id, device_id)) if card else None
    return _order(place, None) if place else None


def note_list(
    session: Session, found: Iterable[tuple[Order, Fact]], now: float
) -> None:
    """Write down how orders were found in the list of one controller."""
    for some in batched(found, queries.MOST_VALUES, strict=False):
        by_card = {order.card_id: (order, fact) for order, fact in some}
        places = session.scalars(
            select(Place)
            .where(Place.device_id == some[0][0].device_id, Place.card_id.in_(by_card))
            .options(joinedload(Place.card))
        )
        for place in places.all():
            _note(session, place, *by_card[place.card_id], now)


def _settle(session: Session, card: Card, now: float) -> None:
    """Close a card that was revoked, and is gone everywhere as far as that can be proven."""
    if card.decision != Decision.REVOKED or card.closed_at is not None:
        return
    if all(row.proof in _DONE and not row.wanted for row in card.places):
        close(session, card, now)


def close(session: Session, card: Card, now: float) -> None:
    """Let a card be history, and its number be free. Of who was erased nothing stays."""
    numbers.drop(session, card)
    if card.person_id is None:
        session.delete(card)
    else:
        card.closed_at = now
    session.flush()


def purge(session: Session, now: float, keep_days: int) -> None:
    """Close cards that were over for as long as it could be undone, and drop old ones."""
    before = now - UNDO_DAYS * _DAY
    for card in session.scalars(
        select(Card)
        .where(is_open(), Card.is_over, Card.decided_at < before)
        .options(selectinload(Card.places))
    ).all():
        if all(
            row.proof in _DONE and not row.wanted and (row.proven_at or 0) < before
            for row in card.places
        ):
            close(session, card, now)
    old = or_(
        Card.closed_at < now - keep_days * _DAY,
        # Their holder went with their last lease.
        Card.closed_at.is_not(None) & Card.person_id.is_(None),
    )
    for card in session.scalars(select(Card).where(old)).all():
        session.delete(card)
    session.flush()


def move_person(session: Session, person_id: str, to: str) -> None:
    """Give the cards of a person, and of their visitors, to another, who is the same."""
    session.execute(update(Card).where(Card.host_id == person_id).values(host_id=to))
    session.execute(
        update(Card).where(Card.person_id == person_id).values(person_id=to)
    )


# What it comes to


@dataclass(frozen=True, slots=True)
class Standing:
    """What a card comes to, with the number of controllers that have not proven it."""

    state: State
    pending: int = 0
    unproven: int = 0


def standing(card: Card, now: float) -> Standing:
    """Return what was decided of a card, and what controllers have proven of that."""
    if card.decision == Decision.REQUESTED:
        return Standing(State.REQUESTED)
    unproven = pending = sent = active = 0
    for row in card.places:
        if row.proof == Proof.UNPROVEN:
            unproven += 1
        elif row.is_held(now):
            continue
        elif row.proof == Proof.PENDING or (row.wanted and row.end_at <= now):
            pending += 1
        elif row.proof == Proof.SENT:
            sent += 1
        else:
            active += row.wanted
    if unproven:
        state = State.UNPROVEN
    elif pending:
        state = State.PENDING
    elif sent:
        state = State.SENT
    elif card.decision != Decision.ISSUED:
        state = State(card.decision)
    elif active:
        state = State.ACTIVE
    else:
        state = State.EXPIRED if card.is_over else State.REGISTERED
    return Standing(state, pending, unproven)


def against(card: Card, now: float) -> str | None:
    """Return what stands against giving the number of a card to another; None for nothing."""
    found = standing(card, now)
    if (
        card.is_over
        and card.decision in (Decision.ISSUED, Decision.SUSPENDED)
        and not (found.pending or found.unproven)
    ):
        return None
    return "card_number_lost" if card.decision == Decision.LOST else "card_number_taken"


def unproven(session: Session) -> dict[str, int]:
    """Return how many cards are unproven at each controller."""
    rows = session.execute(
        select(Place.device_id, func.count())
        .where(Place.proof == Proof.UNPROVEN)
        .group_by(Place.device_id)
    )
    return {row[0]: row[1] for row in rows}
