"""Questions and changes about watches, as pure functions on a session."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import exists, select
from sqlalchemy.orm import Session, selectinload

from ..access_control.models import Card
from ..const import Duty
from ..register import consents, queries
from ..register.models import Consent, ContactAddress, Lease, Responder
from ..sightings.models import Sighting
from ..storage import vault
from ..storage.vault import Compartment, CompartmentRow, Vault
from .const import KEEP_DAYS, KIND, Count
from .models import CareLooked, CareMonth, CareWatch


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a watch beside how it stands."""

    id: str
    sealed_id: str
    person_id: str
    unit_id: str
    #: The last day; None: until it is revoked.
    until: date | None
    in_charge: str | None
    started_at: float
    #: There is a way to ask the person.
    is_reachable: bool
    #: Whom they have named, in order: who, and in which turn.
    contacts: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Read:
    """All watches of a property."""

    facts: Sequence[Facts]
    #: What the vault holds of those that were asked for; None: nobody can read it any more.
    texts: Mapping[str, str | None] = field(repr=False)
    #: Who has the key of a door: the people of the property's office.
    office: tuple[str, ...]
    looked_at: float


def put(
    session: Session,
    box: Vault,
    consent: Consent,
    unit_id: str,
    text: str,
    *,
    in_charge: str | None,
    who: str | None,
    now: float,
) -> CareWatch:
    """Begin a watch. Raises RegisterError if it cannot be encrypted."""
    sealed_id = box.put(
        session,
        Compartment.CARE,
        KIND,
        text,
        person_id=consent.person_id,
        unit_id=unit_id,
        keep_days=KEEP_DAYS,
    )
    watch = CareWatch(
        consent_id=consent.id,
        unit_id=unit_id,
        in_charge=in_charge,
        started_at=now,
        started_by=who,
        sealed_id=sealed_id,
    )
    session.add(watch)
    session.flush()
    return watch


def end(session: Session, watch: CareWatch) -> None:
    """End a watch, with all that was learned by it; the consent stays."""
    vault.drop(session, watch.sealed_id)
    session.delete(watch)
    session.flush()


def watch_of(session: Session, consent: Consent) -> CareWatch | None:
    """Return the watch that makes use of a consent."""
    return session.scalar(select(CareWatch).where(CareWatch.consent_id == consent.id))


def moved_out(session: Session, today: date) -> Sequence[CareWatch]:
    """Return the watches over people who do not live there any more."""
    lives = exists().where(
        Lease.person_id == Consent.person_id,
        Lease.unit_id == CareWatch.unit_id,
        queries.is_open(today),
    )
    return session.scalars(
        select(CareWatch)
        .join(Consent, Consent.id == CareWatch.consent_id)
        .where(~lives)
    ).all()


def move_person(session: Session, other_id: str, kept_id: str) -> None:
    """Let a watch over somebody go on who is found to be another: before their consents move.

    Of two consents the later counts; where both are watched, the watch of that.
    """
    both = [consents.consent_of(session, key, KIND) for key in (other_id, kept_id)]
    other, kept = both
    if other is None or kept is None:
        return
    stays, goes = (kept, other) if kept.given_at >= other.given_at else (other, kept)
    if (watch := watch_of(session, goes)) is None:
        return
    if watch_of(session, stays):
        end(session, watch)
        return
    watch.consent_id = stays.id
    session.flush()
    # As loaded, the consent that goes would take it along.
    session.expire(watch)


def read(
    session: Session, box: Vault, today: date, known: Collection[str] = ()
) -> Read:
    """Return all watches, and what the vault holds of those that are not known."""
    rows = session.execute(
        select(CareWatch, exists().where(ContactAddress.person_id == Consent.person_id))
        .join(Consent, Consent.id == CareWatch.consent_id)
        .where(consents.in_force(today))
        .options(selectinload(CareWatch.consent).selectinload(Consent.contacts))
        .order_by(CareWatch.id)
    ).all()
    facts = [
        Facts(
            row.id,
            row.sealed_id,
            row.consent.person_id,
            row.unit_id,
            row.consent.until,
            row.in_charge,
            row.started_at,
            is_reachable,
            tuple((one.person_id, one.turn) for one in row.consent.contacts),
        )
        for row, is_reachable in rows
    ]
    texts = {
        row.id: box.open_if_possible(session.get(CompartmentRow, row.sealed_id))
        for row in facts
        if row.id not in known
    }
    looked = session.get(CareLooked, 1)
    return Read(facts, texts, _office(session), looked.at if looked else 0.0)


def _office(session: Session) -> tuple[str, ...]:
    rows = session.scalars(
        select(Responder).where(Responder.removed_at.is_(None)).order_by(Responder.id)
    )
    return tuple(
        dict.fromkeys(
            row.person_id
            for row in rows
            if (row.facts or {}).get("data", {}).get("duty") == Duty.PROPERTY_OFFICE
        )
    )


def save(
    session: Session,
    box: Vault,
    texts: Mapping[str, str],
    looked_at: float,
    counts: Sequence[tuple[str, Count]] = (),
) -> None:
    """Write how it stands, by the row of the vault; what is gone stays gone."""
    for sealed_id, text in texts.items():
        box.rewrite(session, sealed_id, text)
    session.merge(CareLooked(number=1, at=looked_at))
    for month, what in counts:
        count(session, month, what)


def count(session: Session, month: str, what: Count) -> None:
    """Count something in a month."""
    row = session.get(CareMonth, month)
    if row is None:
        row = CareMonth(month=month, asked=0, told=0, needless=0, real=0)
        session.add(row)
    setattr(row, what, getattr(row, what) + 1)
    session.flush()


def months(session: Session, most: int) -> Sequence[CareMonth]:
    """Return the figures of the last months, the newest first."""
    return session.scalars(
        select(CareMonth).order_by(CareMonth.month.desc()).limit(most)
    ).all()


def passages(
    session: Session, event_ids: Collection[str], people: Collection[str]
) -> list[tuple[str, float]]:
    """Return who of these people has passed a door with a card of theirs, and when."""
    found = session.execute(
        select(Card.person_id, Sighting.at)
        .join(Card, Card.id == Sighting.card_id)
        .where(Sighting.event_id.in_(event_ids))
        .order_by(Sighting.at)
    )
    return [(key, at) for key, at in found if key in people]
