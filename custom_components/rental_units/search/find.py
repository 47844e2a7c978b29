"""Sightings of whom or what is looked for, as pure functions on a session.

Each leg of a look goes along one index from its newest sighting, so that it does not matter
how many others there are.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import date
from typing import Any, Self

from sqlalchemy import ColumnElement, Select, func, or_, select, true
from sqlalchemy.orm import Session

from ..access_control.const import Holder, Medium
from ..access_control.models import Card
from ..const import Letting, Role
from ..register import queries
from ..register.models import Lease, Unit
from ..sightings import plates
from ..sightings.models import SeenKind, SeenNumber, Sighting, Source
from ..storage.vault import CompartmentRow, Vault
from .const import MOST_PLATES, MOST_ROWS


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is looked for: all that is said applies together."""

    #: Somebody of the register: by their cards and plates.
    person_id: str | None = None
    #: And those of who lives with them, or visits there: a child goes with somebody.
    household: bool = False
    #: Also plates that cameras may have read for theirs, which may be another's.
    alike: bool = True
    #: With * and ? for what is not known.
    plate: str | None = None
    #: What a camera says: a class such as `person`, a colour, an age group.
    category: str | None = None
    colour: str | None = None
    age_group: str | None = None
    #: Also what a camera has seen without telling of these how it looked: it may be them.
    untold: bool = False
    #: Devices, with a channel or all of theirs.
    places: tuple[tuple[str, str | None], ...] = ()
    #: Unix times: from the first until before the last.
    since: float
    until: float

    @property
    def looks(self) -> dict[str, str]:
        """Return what is said of how they look, beside their class."""
        said = {"colour": self.colour, "age_group": self.age_group}
        return {key: value for key, value in said.items() if value}

    @property
    def describes(self) -> bool:
        """Return if it is about how somebody or something looks."""
        return bool(self.category or self.looks)

    def as_data(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return asdict(self)

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        """Return what JSON holds."""
        known = {row.name for row in fields(cls)}
        return cls(
            **{
                **{key: value for key, value in data.items() if key in known},
                "places": tuple((row[0], row[1]) for row in data["places"]),
            }
        )


@dataclass(frozen=True, slots=True)
class Spotted:
    """One sighting of whom or what is looked for."""

    at: float
    event_id: str
    device_id: str
    channel: str
    medium: str | None
    #: The last digits of the number.
    digits: str
    decision: str | None
    granted: bool | None
    inwards: bool | None
    category: str | None
    attributes: Mapping[str, Any] | None
    #: Whose card or plate it was, where somebody is looked for.
    person_id: str | None
    #: It is that number; else one that may be taken for it.
    exact: bool


@dataclass(frozen=True, slots=True)
class Found:
    """What a look has come to, the newest first."""

    rows: list[Spotted]
    #: There are earlier ones.
    more: bool
    #: Cards and plates that were looked for: with none, nobody can be seen.
    numbers: int
    #: What may be it as well, as the camera did not tell how it looked; `most` at the most.
    untold: int = 0


@dataclass(frozen=True, slots=True)
class _Leg:
    """A part of a look that one index answers."""

    condition: ColumnElement[bool]
    person_id: str | None = None
    exact: bool = True


def search(
    session: Session,
    box: Vault,
    wanted: Wanted,
    today: date,
    *,
    most: int = MOST_ROWS,
    only: Collection[str] = (),
) -> Found:
    """Return what was seen, the newest first; `only` of these events, if any are named."""
    legs, numbers = _legs(session, box, wanted, today, only)
    sources = _sources(session, wanted)
    if wanted.places and not sources:
        return Found([], more=False, numbers=numbers)
    found: dict[tuple[str, int], Spotted] = {}
    for leg in legs:
        for query in _queries(leg, wanted, sources, _looks(wanted)):
            if only:
                query = query.where(Sighting.event_id.in_(only))
            latest = query.order_by(Sighting.at.desc()).limit(most + 1)
            for sighting, *about in session.execute(latest):
                key = sighting.event_id, sighting.source_id
                # What is certain is not said to be like it by another leg.
                if key not in found or leg.exact:
                    found[key] = _spotted(leg, sighting, *about)
    rows = sorted(found.values(), key=lambda row: (row.at, row.event_id), reverse=True)
    return Found(
        rows[:most],
        more=len(rows) > most,
        numbers=numbers,
        # Who asks of some events alone knows them.
        untold=0 if only else _count_untold(session, legs, wanted, sources, most),
    )


def _count_untold(
    session: Session,
    legs: Iterable[_Leg],
    wanted: Wanted,
    sources: Collection[int],
    most: int,
) -> int:
    """Return how much was left out of which a camera did not tell what is asked."""
    if not wanted.looks or wanted.untold:
        return 0
    untold = [
        *_looks(replace(wanted, untold=True)),
        or_(*(_told(key).is_(None) for key in wanted.looks)),
    ]
    found = set[tuple[str, int]]()
    for leg in legs:
        for query in _queries(leg, wanted, sources, untold):
            keys = query.with_only_columns(Sighting.event_id, Sighting.source_id)
            found |= {(row[0], row[1]) for row in session.execute(keys.limit(most))}
    return min(len(found), most)


def _queries(
    leg: _Leg,
    wanted: Wanted,
    sources: Collection[int],
    looks: Iterable[ColumnElement[bool]],
) -> Iterator[Select[Any]]:
    query = (
        select(
            Sighting,
            Source.device_id,
            Source.channel,
            SeenNumber.kind,
            SeenNumber.digits,
        )
        .join(Source, Source.id == Sighting.source_id)
        .outerjoin(SeenNumber, SeenNumber.id == Sighting.number_id)
        .where(
            leg.condition,
            *looks,
            Sighting.at >= wanted.since,
            Sighting.at < wanted.until,
        )
    )
    if not sources:
        yield query
    elif wanted.person_id or wanted.plate:
        # There are few of these.
        yield query.where(Sighting.source_id.in_(sources))
    else:
        for source in sources:
            yield query.where(Sighting.source_id == source)


def _looks(wanted: Wanted) -> Iterator[ColumnElement[bool]]:
    """Yield the conditions of what a camera says."""
    if wanted.category:
        yield Sighting.category == wanted.category
    elif wanted.untold:
        # What a door has noticed was seen by nobody.
        yield Sighting.category.is_not(None)
    for key, value in wanted.looks.items():
        told = _told(key)
        yield or_(told == value, told.is_(None)) if wanted.untold else told == value


def _told(key: str) -> ColumnElement[str]:
    """Return what a camera tells of how somebody or something looks; null if it does not."""
    told: ColumnElement[str] = Sighting.attributes[key].as_string()
    return told


def _sources(session: Session, wanted: Wanted) -> list[int]:
    if not wanted.places:
        return []
    named = or_(
        *(
            (Source.device_id == device_id)
            & (true() if channel is None else Source.channel == channel)
            for device_id, channel in wanted.places
        )
    )
    return list(session.scalars(select(Source.id).where(named)))


def _legs(
    session: Session,
    box: Vault,
    wanted: Wanted,
    today: date,
    only: Collection[str],
) -> tuple[list[_Leg], int]:
    """Return the legs of a look, and how many cards and plates it is about."""
    if wanted.person_id:
        cards = list(
            _cards(session, wanted.person_id, today, household=wanted.household)
        )
        legs = [
            leg
            for card in cards
            for leg in _of_card(session, box, card, alike=wanted.alike)
        ]
        return legs, len(cards)
    if wanted.plate:
        ids = dict(_plates(session, box, wanted.plate, only))
        return [
            _Leg(Sighting.number_id == number, exact=exact)
            for number, exact in ids.items()
        ], len(ids)
    return [_Leg(true())], 0


def _cards(
    session: Session, person_id: str, today: date, *, household: bool
) -> Iterable[Card]:
    """Return the cards and plates of somebody; of those too who are where they live."""
    theirs = Card.person_id == person_id
    if household:
        units = _living(today).where(Lease.person_id == person_id)
        own = set(session.scalars(units.with_only_columns(Lease.unit_id)))
        people = _living(today).where(Lease.unit_id.in_(own))
        theirs |= Card.person_id.in_(people.with_only_columns(Lease.person_id))
        theirs |= Card.unit_id.in_(own) & (Card.holder == Holder.VISITOR)
    known = Card.person_id.is_not(None) & theirs
    return session.scalars(select(Card).where(known).order_by(Card.id))


def _living(today: date) -> Select[Any]:
    """Return the leases of who lives in a unit now: a landlord does who lets it to nobody."""
    lives = (Lease.role == Role.TENANT) | (Unit.letting == Letting.OWNER)
    return (
        select(Lease)
        .join(Unit, Unit.id == Lease.unit_id)
        .where(queries.is_current(today), lives)
    )


def _of_card(
    session: Session, box: Vault, card: Card, *, alike: bool
) -> Iterator[_Leg]:
    yield _Leg(Sighting.card_id == card.id, card.person_id)
    if not alike or card.medium != Medium.PLATE or not card.number_row:
        return
    row = session.get(CompartmentRow, card.number_row)
    if row and (plate := box.open_if_possible(row)):
        for number, _ in _alike(session, box, plate):
            # Before, it may have been another's.
            since = Sighting.at >= row.created_at
            yield _Leg(
                (Sighting.number_id == number) & since & Sighting.card_id.is_(None),
                card.person_id,
                exact=False,
            )


def _alike(session: Session, box: Vault, plate: str) -> Iterator[tuple[int, bool]]:
    """Yield plates that were seen and may be this one, and if they are."""
    own = set(box.digests(plates.tidy(plate), SeenKind.PLATE))
    query = select(SeenNumber.id, SeenNumber.number_hash).where(
        SeenNumber.kind == SeenKind.PLATE,
        SeenNumber.folded_hash.in_(box.digests(plates.folded(plate), plates.FOLDED)),
    )
    for number, digest in session.execute(query):
        yield number, digest in own


def _plates(
    session: Session, box: Vault, wanted: str, only: Collection[str]
) -> Iterator[tuple[int, bool]]:
    """Yield the plates that were seen, in `only` these events, and are meant.

    Of many, those that were here for the first time last.
    """
    if not plates.is_open(wanted):
        yield from _alike(session, box, wanted)
        return
    fits, count = plates.finds(wanted), 0
    query = (
        select(SeenNumber.id, CompartmentRow)
        .join(CompartmentRow, CompartmentRow.id == SeenNumber.number_row)
        .where(SeenNumber.kind == SeenKind.PLATE, _ends(wanted))
        .order_by(SeenNumber.id.desc())
    )
    if only:
        # Who waits asks at each portion: not all plates are decrypted for it.
        seen = select(Sighting.number_id).where(Sighting.event_id.in_(only))
        query = query.where(SeenNumber.id.in_(seen))
    for number, row in session.execute(query).yield_per(queries.MOST_VALUES):
        plate = box.open_if_possible(row)
        if plate and fits(plate):
            yield number, False
            count += 1
            if count == MOST_PLATES:
                return


def _ends(wanted: str) -> ColumnElement[bool]:
    """Return the condition of plates whose last digits, which are in the clear, may fit."""
    end = plates.ending(wanted, 3)
    if not end:
        return true()
    shown = func.replace(func.replace(SeenNumber.digits, "O", "0"), "I", "1")
    return or_(func.length(SeenNumber.digits) < len(end), shown.endswith(end))


def _spotted(
    leg: _Leg,
    sighting: Sighting,
    *about: Any,
) -> Spotted:
    device_id, channel, kind, digits = about
    return Spotted(
        at=sighting.at,
        event_id=sighting.event_id,
        device_id=device_id,
        channel=channel,
        medium=kind,
        digits=digits or "",
        decision=sighting.decision,
        granted=sighting.granted,
        inwards=sighting.inwards,
        category=sighting.category,
        attributes=sighting.attributes,
        person_id=leg.person_id,
        exact=leg.exact,
    )
