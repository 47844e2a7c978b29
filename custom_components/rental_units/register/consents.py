"""What people have agreed to. A feature that needs it asks here, each time.

What it keeps of somebody is in the vault, in rows of the kind that the scope is called:
they go in the transaction in which the consent ends.
"""

from collections.abc import Mapping, Sequence
from datetime import date

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session, selectinload

from ..const import ConsentScope
from ..storage import vault
from .models import Consent, ConsentContact, Person


def in_force(today: date) -> ColumnElement[bool]:
    """Return the condition of consents that count on a day."""
    return or_(Consent.until.is_(None), Consent.until >= today)


def consents_of(session: Session, person_id: str, today: date) -> Sequence[Consent]:
    """Return what somebody agrees to today, with whom they have named."""
    return session.scalars(
        select(Consent)
        .where(Consent.person_id == person_id, in_force(today))
        .order_by(Consent.scope)
        .options(selectinload(Consent.contacts).joinedload(ConsentContact.person))
    ).all()


def give(
    session: Session,
    person: Person,
    scope: ConsentScope,
    *,
    contacts: Sequence[Person],
    until: date | None,
    now: float,
    who: str | None,
    turns: Mapping[str, int] | None = None,
) -> Consent:
    """Write a consent, or renew it: what was kept by the one of before stays.

    `turns` says by their ids who is asked in which turn; else it is as before, or the first.
    """
    consent = consent_of(session, person.id, scope)
    if consent is None:
        consent = Consent(person_id=person.id, scope=scope)
        session.add(consent)
    consent.until, consent.given_at, consent.given_by = until, now, who
    turns = {**{row.person_id: row.turn for row in consent.contacts}, **(turns or {})}
    consent.contacts = [
        ConsentContact(person_id=row.id, place=place, turn=turns.get(row.id, 1))
        for place, row in enumerate(dict.fromkeys(contacts))
    ]
    session.flush()
    return consent


def end(session: Session, consent: Consent) -> None:
    """Remove a consent, with all that is kept by it."""
    vault.forget_person(session, consent.person_id, consent.scope)
    session.delete(consent)
    session.flush()


def consent_of(session: Session, person_id: str, scope: ConsentScope) -> Consent | None:
    """Return what somebody has agreed to, whether it counts today or not."""
    return session.scalar(
        select(Consent).where(Consent.person_id == person_id, Consent.scope == scope)
    )


def overdue(session: Session, today: date) -> Sequence[Consent]:
    """Return the consents whose last day is over."""
    return session.scalars(select(Consent).where(~in_force(today))).all()


def move(session: Session, other: Person, kept: Person) -> None:
    """Give what one person agrees to, and where they are named, to another who is the same.

    Where both have agreed, the later consent counts.
    """
    own = {
        row.scope: row
        for row in session.scalars(select(Consent).where(Consent.person_id == kept.id))
    }
    for row in session.scalars(
        select(Consent).where(Consent.person_id == other.id)
    ).all():
        twin = own.get(row.scope)
        if twin and twin.given_at >= row.given_at:
            session.delete(row)
            continue
        if twin:
            session.delete(twin)
            session.flush()
        row.person_id = kept.id
    for named in session.scalars(
        select(ConsentContact).where(ConsentContact.person_id == other.id)
    ):
        named.person_id = kept.id
    session.flush()
