"""What follows from leases, hours and doors: which controller is to hold which card.

It is found anew from what the register says, and never from what has changed: who plans
twice, or late, or after a crash comes to the same.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import batched
from typing import Final

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from homeassistant.util import dt as dt_util

from ..register import queries
from ..register.models import Lease, Unit
from .const import HORIZON_DAYS, RENEW_DAYS, Decision, Holder, Proof
from .models import Card, Door, Place

#: Building, stairwell and number of a unit.
type Where = tuple[str, str, str]

_DAY: Final = 86_400
#: The beginning of what has no day: that of 2000, which every controller knows.
_LONG_AGO: Final = 946_684_800.0


@dataclass(frozen=True, slots=True)
class Right:
    """From when until when somebody may open the doors of a unit, or others; Unix times."""

    begin: float
    #: None: nobody knows yet.
    end: float | None
    #: None: the doors of all alone.
    where: Where | None = None
    everywhere: bool = False


@dataclass(frozen=True, slots=True)
class Wish:
    """What a controller is to hold of a card."""

    doors: tuple[str, ...]
    begin: float
    #: None: nobody knows yet.
    end: float | None


def plan(session: Session, cards: Iterable[Card], now: float) -> None:
    """Write down what is to be where; what is news there is ordered by whoever orders."""
    cards = list(cards)
    doors = session.scalars(select(Door)).all()
    stays = _Stays(session, cards)
    for card in cards:
        if card.person_id is None and card.decision != Decision.REVOKED:
            # Who was erased holds nothing.
            card.decision, card.decided_at = Decision.REVOKED, now
            card.version += 1
        rights = list(_rights(card, stays))
        card.is_over = not any(row.end is None or row.end > now for row in rights)
        wishes = (
            wishes_of(
                rights, [door for door in doors if door.medium == card.medium], now
            )
            if card.decision == Decision.ISSUED
            else {}
        )
        _put(card, wishes, now)
    session.flush()


class _Stays:
    """The leases that cards follow, read at once."""

    def __init__(self, session: Session, cards: Sequence[Card]) -> None:
        self._session = session
        of_people = {row.person_id for row in cards if row.holder == Holder.LEASE}
        of_people |= {row.host_id for row in cards}
        units = {row.unit_id for row in cards if row.unit_id}
        self.by_person = self._read(Lease.person_id, of_people - {None})
        self.by_unit = self._read(
            Lease.unit_id,
            {row.unit_id for row in cards if row.holder == Holder.VISITOR},
        )
        self.units: dict[str, Where] = {}
        for ids in batched(units, queries.MOST_VALUES, strict=False):
            query = select(Unit.id, Unit.building, Unit.stairwell, Unit.number)
            rows = session.execute(query.where(Unit.id.in_(ids), queries.is_there()))
            self.units.update((row[0], (row[1], row[2], row[3])) for row in rows)

    def _read(
        self, column: InstrumentedAttribute[str], ids: Collection[str | None]
    ) -> dict[str, list[Right]]:
        found = defaultdict[str, list[Right]](list)
        for some in batched(filter(None, ids), queries.MOST_VALUES, strict=False):
            rows = self._session.execute(
                select(
                    column,
                    Lease.start,
                    Lease.end,
                    Lease.left_on,
                    Lease.gone_from,
                    *(Unit.building, Unit.stairwell, Unit.number),
                )
                .join(Lease.unit)
                .where(column.in_(some), *_counts())
            )
            for key, start, end, left_on, gone_from, *where in rows:
                building, stairwell, number = where
                ends = [
                    _midnight(day)
                    for day in (
                        end and end + timedelta(days=1),
                        # Who is to leave is there until that day is over.
                        gone_from or left_on,
                    )
                    if day
                ]
                found[key].append(
                    Right(
                        _midnight(start) if start else _LONG_AGO,
                        min(ends, default=None),
                        (building, stairwell, number),
                    )
                )
        return dict(found)


def _counts() -> tuple[ColumnElement[bool], ...]:
    return Lease.removed_at.is_(None), queries.is_there()


def _rights(card: Card, stays: _Stays) -> Iterator[Right]:
    """Yield what the holder of a card may open, and when."""
    if card.person_id is None:
        return
    if card.holder == Holder.LEASE:
        yield from stays.by_person.get(card.person_id, ())
        return
    begin, end = card.begin_at or card.created_at, card.end_at
    if card.holder != Holder.VISITOR:
        where = stays.units.get(card.unit_id) if card.unit_id else None
        yield Right(begin, end, where, card.everywhere)
        return
    # A visit ends with the stay of whoever is visited.
    for stay in _hosts(card, stays):
        ends = [at for at in (end, stay.end) if at is not None]
        right = Right(max(begin, stay.begin), min(ends, default=None), stay.where)
        if right.end is None or right.end > right.begin:
            yield right


def _hosts(card: Card, stays: _Stays) -> Iterator[Right]:
    """Yield the stays of whom a visitor visits."""
    if card.host_id is None:
        yield from stays.by_unit.get(card.unit_id or "", ())
        return
    where = stays.units.get(card.unit_id or "")
    for stay in stays.by_person.get(card.host_id, ()):
        if where and stay.where == where:
            # Whom a landlord lets in, not into the flat: others live there.
            yield replace(stay, where=(*where[:2], ""))


def opens(door: Door, right: Right) -> bool:
    """Return if a door is one of a right."""
    if right.everywhere or not door.building:
        return True
    if right.where is None:
        return False
    wanted = (door.building, door.stairwell, door.number)
    return all(
        not one or one.casefold() == own.casefold()
        for one, own in zip(wanted, right.where, strict=True)
    )


def wishes_of(
    rights: Iterable[Right], doors: Iterable[Door], now: float
) -> dict[str, Wish]:
    """Return what each controller is to hold, by its device: what is right now, else next.

    A controller has one begin and one end for a card: of several rights it has the doors
    of now, until the first of them opens no more.
    """
    by_device = defaultdict[str, dict[str, list[Right]]](dict)
    lasting = [row for row in rights if row.end is None or row.end > now]
    for door in doors:
        if found := [row for row in lasting if opens(door, row)]:
            by_device[door.device_id].setdefault(door.door, []).extend(found)
    wishes = {}
    for device_id, by_door in by_device.items():
        begun = {
            door: current
            for door, found in by_door.items()
            if (current := [row for row in found if row.begin <= now])
        }
        if not begun:
            first = min(row.begin for found in by_door.values() for row in found)
            begun = {
                door: nearest
                for door, found in by_door.items()
                if (nearest := [row for row in found if row.begin == first])
            }
        ends = [
            end
            for found in begun.values()
            if (end := _latest(row.end for row in found)) is not None
        ]
        wishes[device_id] = Wish(
            tuple(sorted(begun)),
            min(row.begin for found in begun.values() for row in found),
            min(ends, default=None),
        )
    return wishes


def _latest(ends: Iterable[float | None]) -> float | None:
    """Return the latest end; None if one is open."""
    known: list[float] = []
    for end in ends:
        if end is None:
            return None
        known.append(end)
    return max(known)


def _put(card: Card, wishes: dict[str, Wish], now: float) -> None:
    """Let the places of a card be as they are wished."""
    known = {row.device_id: row for row in card.places}
    for device_id, wish in wishes.items():
        place = known.get(device_id)
        end = _horizon(place, now) if wish.end is None else wish.end
        if place is None:
            place = Place(device_id=device_id, revision=0, wanted=False, doors=[])
            card.places.append(place)
        elif place.wanted and (tuple(place.doors), place.begin_at, place.end_at) == (
            wish.doors,
            wish.begin,
            end,
        ):
            continue
        place.wanted, place.doors = True, list(wish.doors)
        place.begin_at, place.end_at = wish.begin, end
        # Boards know whole days: before the hour of a visit they must not have the card.
        is_held = wish.begin > now and not _is_midnight(wish.begin)
        _order(place, wish.begin if is_held else now)
    for device_id, place in known.items():
        if device_id not in wishes and place.wanted:
            tried = place.end_at <= now and place.proof == Proof.UNPROVEN
            place.wanted, place.end_at = False, min(place.end_at, now)
            if tried:
                # At its end, and in vain: that is not to be tried again at once.
                place.revision += 1
            else:
                _order(place, now)


def _order(place: Place, due: float) -> None:
    place.revision += 1
    place.proof, place.reason, place.next_at = Proof.PENDING, None, due


def _horizon(place: Place | None, now: float) -> float:
    """Return the end in a controller of what has none: the one that it has, for long."""
    if (
        place
        and place.wanted
        and now + RENEW_DAYS * _DAY < place.end_at <= now + (HORIZON_DAYS + 1) * _DAY
    ):
        return place.end_at
    today = dt_util.as_local(dt_util.utc_from_timestamp(now)).date()
    return _midnight(today + timedelta(days=HORIZON_DAYS))


def _midnight(day: date) -> float:
    """Return when a day of the house begins."""
    zone = dt_util.get_default_time_zone()
    return datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()


def _is_midnight(at: float) -> bool:
    return _midnight(dt_util.as_local(dt_util.utc_from_timestamp(at)).date()) == at
