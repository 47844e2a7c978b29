"""Sightings in the database, as pure functions on a session."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import ColumnElement, delete, exists, func, insert, select, true, tuple_
from sqlalchemy.orm import Session

from ..access_control import numbers
from ..access_control.models import Card, Door
from ..storage import vault
from ..storage.vault import Compartment, CompartmentRow, Vault
from . import plates
from .models import SeenKind, SeenNumber, Sighting, Source

#: Kind of the rows in the vault.
KIND: Final = "seen_number"
#: They go with the last sighting of their number, and not by themselves.
_KEEP_DAYS: Final = 36_500


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Something that a door, gate or camera has seen, to be written down."""

    device_id: str
    channel: str
    event_id: str
    #: Unix time.
    at: float
    kind: SeenKind = SeenKind.CARD
    #: None: nobody knows, or there is none.
    number: str | None = field(default=None, repr=False)
    decision: str | None = None
    granted: bool | None = None
    inwards: bool | None = None
    category: str | None = None
    #: It takes the place of what was told before of the same event.
    corrected: bool = False
    attributes: Mapping[str, Any] | None = field(default=None, repr=False)


def write(session: Session, box: Vault, rows: Sequence[Seen], *, is_only: bool) -> int:
    """Write down what was seen at this property's devices; return how much of it is new.

    Devices are its that have a door which it has assigned; where it is the only property,
    all are. What is there already is left as it is, unless it was corrected: who does not
    know what they have told of it tells the same as that. What is taken back, and is not
    there, is nothing. Raises RegisterError.
    """
    if not is_only:
        devices = {row.device_id for row in rows}
        known = set(
            session.scalars(select(Door.device_id).where(Door.device_id.in_(devices)))
        )
        rows = [row for row in rows if row.device_id in known]
    if not rows:
        return 0
    sources = _sources(session, rows)
    by_key = dict[tuple[str, int], Seen]()
    #: What is more than taken back.
    new = set[tuple[str, int]]()
    for row in rows:
        key = row.event_id, sources[row.device_id, row.channel]
        if row.corrected or key not in by_key:
            by_key[key] = row
        if row.number or not row.corrected:
            new.add(key)
    found = session.execute(
        select(
            Sighting.event_id,
            Sighting.source_id,
            Sighting.number_id,
            Sighting.decision,
            Sighting.granted,
            Sighting.inwards,
            Sighting.category,
            Sighting.attributes,
        ).where(Sighting.event_id.in_({key[0] for key in by_key}))
    )
    there = {(event_id, source): known for event_id, source, *known in found}
    by_key = {
        key: row
        for key, row in by_key.items()
        if (row.corrected if key in there else key in new)
    }
    ids = _numbers(session, box, by_key.values()) if by_key else {}
    said = {
        key: {
            "number_id": ids.get((row.kind, row.number)),
            "decision": row.decision,
            "granted": row.granted,
            "inwards": row.inwards,
            "category": row.category,
            "attributes": dict(row.attributes) if row.attributes else None,
        }
        for key, row in by_key.items()
    }
    for key in by_key.keys() & there.keys():
        if there[key] == list(said[key].values()):
            del by_key[key]
        else:
            session.execute(
                delete(Sighting).where(
                    Sighting.event_id == key[0], Sighting.source_id == key[1]
                )
            )
    if not by_key:
        return 0
    cards = _cards(session, box, by_key.values())
    session.execute(
        insert(Sighting),
        [
            {
                "event_id": event_id,
                "source_id": source_id,
                "at": row.at,
                "card_id": _card_of(cards, row),
                **said[event_id, source_id],
            }
            for (event_id, source_id), row in by_key.items()
        ],
    )
    return len(by_key)


def _sources(session: Session, rows: Iterable[Seen]) -> dict[tuple[str, str], int]:
    """Return the numbers of the doors of rows, by device and channel; new ones are added."""
    wanted = {(row.device_id, row.channel): None for row in rows}
    query = select(Source).where(Source.device_id.in_({key[0] for key in wanted}))
    found = {(row.device_id, row.channel): row.id for row in session.scalars(query)}
    if new := [key for key in wanted if key not in found]:
        for number, key in enumerate(new, _next(session, Source)):
            session.add(Source(id=number, device_id=key[0], channel=key[1]))
            found[key] = number
        session.flush()
    return found


def _numbers(
    session: Session, box: Vault, rows: Iterable[Seen]
) -> dict[tuple[str, str | None], int]:
    """Return what stands for the numbers of rows, by kind and number; new ones are added."""
    wanted = {
        digest: (row.kind, row.number)
        for row in rows
        if row.number
        for digest in box.digests(row.number, row.kind)
    }
    query = select(SeenNumber).where(SeenNumber.number_hash.in_(wanted))
    found: dict[tuple[str, str | None], int] = {
        wanted[row.number_hash]: row.id for row in session.scalars(query)
    }
    new = [key for key in dict.fromkeys(wanted.values()) if key not in found]
    for number_id, (kind, number) in enumerate(new, _next(session, SeenNumber)):
        assert number
        row = box.put(session, Compartment.SEALED, KIND, number, keep_days=_KEEP_DAYS)
        session.add(
            SeenNumber(
                id=number_id,
                kind=kind,
                number_row=row,
                number_hash=box.digest(number, kind),
                digits=numbers.shown(number),
                folded_hash=_folded(box, kind, number),
            )
        )
        found[kind, number] = number_id
    session.flush()
    return found


def _folded(box: Vault, kind: str, number: str) -> str | None:
    """Return what a plate is found by that was read wrong; None for a card."""
    if kind != SeenKind.PLATE:
        return None
    return box.digest(plates.folded(number), plates.FOLDED)


def fold(session: Session, box: Vault) -> None:
    """Let plates that an earlier release has written be found, also if they were read wrong."""
    missing = (SeenNumber.kind == SeenKind.PLATE) & SeenNumber.folded_hash.is_(None)
    _hash(session, box, missing)


def _cards(
    session: Session, box: Vault, rows: Iterable[Seen]
) -> dict[tuple[str, str | None], tuple[str, float]]:
    """Return the cards that have the numbers of rows, with the time since when."""
    wanted = {
        digest: (row.kind, row.number)
        for row in rows
        if row.number
        for digest in box.digests(row.number, numbers.KIND)
    }
    query = (
        select(Card.number_hash, Card.id, CompartmentRow.created_at)
        .join(CompartmentRow, CompartmentRow.id == Card.number_row)
        # Of who was erased nothing is written any more.
        .where(Card.number_hash.in_(wanted), Card.person_id.is_not(None))
    )
    return {wanted[row[0]]: (row[1], row[2]) for row in session.execute(query).all()}


def _card_of(
    cards: Mapping[tuple[str, str | None], tuple[str, float]], row: Seen
) -> str | None:
    """Return whose number it was then: what is told late may be of one who had it before."""
    card_id, since = cards.get((row.kind, row.number), (None, 0.0))
    return card_id if since <= row.at else None


def _next(session: Session, model: type[Source | SeenNumber]) -> int:
    """Return the number of the next row: one thread writes."""
    return (session.scalar(select(func.max(model.id))) or 0) + 1


def sources(session: Session) -> list[tuple[str, str]]:
    """Return the doors, gates and cameras of which there are sightings: device and channel."""
    columns = select(Source.device_id, Source.channel).order_by(Source.id)
    return [(row[0], row[1]) for row in session.execute(columns)]


def purge(session: Session, before: float, most: int) -> int:
    """Drop sightings of before a Unix time, so many at the most; return how many."""
    old = (
        select(Sighting.event_id, Sighting.source_id)
        .where(Sighting.at < before)
        .order_by(Sighting.at)
        .limit(most)
    )
    keys = session.execute(old).tuples().all()
    if keys:
        session.execute(
            delete(Sighting).where(
                tuple_(Sighting.event_id, Sighting.source_id).in_(keys)
            )
        )
    return len(keys)


def _is_unseen() -> ColumnElement[bool]:
    return ~exists().where(Sighting.number_id == SeenNumber.id)


def unseen(session: Session) -> list[int]:
    """Return the numbers of which no sighting is left."""
    return list(session.scalars(select(SeenNumber.id).where(_is_unseen())))


def drop_unseen(session: Session, ids: Collection[int]) -> None:
    """Forget these numbers, but for those that were seen again meanwhile."""
    gone = SeenNumber.id.in_(ids) & _is_unseen()
    rows = select(SeenNumber.number_row).where(gone)
    session.execute(delete(CompartmentRow).where(CompartmentRow.id.in_(rows)))
    session.execute(delete(SeenNumber).where(gone))


def drop_sources(session: Session) -> None:
    """Forget doors, gates and cameras of which no sighting is left."""
    session.execute(
        delete(Source).where(~exists().where(Sighting.source_id == Source.id))
    )


def forget_person(session: Session, person_id: str) -> None:
    """Remove what was seen of somebody's cards."""
    cards = select(Card.id).where(Card.person_id == person_id)
    ids = select(Sighting.number_id).where(Sighting.card_id.in_(cards)).distinct()
    seen = [row for row in session.scalars(ids) if row is not None]
    session.execute(delete(Sighting).where(Sighting.card_id.in_(cards)))
    for number in session.scalars(
        select(SeenNumber).where(
            SeenNumber.id.in_(seen),
            ~exists().where(Sighting.number_id == SeenNumber.id),
        )
    ).all():
        vault.drop(session, number.number_row)
        session.delete(number)
    session.flush()


def hash_anew(session: Session, box: Vault) -> None:
    """Let numbers be found by the newest key, after they were encrypted with it."""
    _hash(session, box, true())


def _hash(session: Session, box: Vault, which: ColumnElement[bool]) -> None:
    rows = (
        select(SeenNumber, CompartmentRow)
        .join(CompartmentRow, CompartmentRow.id == SeenNumber.number_row)
        .where(which)
    )
    for number, row in session.execute(rows).all():
        if (text := box.open_if_possible(row)) is not None:
            number.number_hash = box.digest(text, number.kind)
            number.folded_hash = _folded(box, number.kind, text)
    session.flush()
