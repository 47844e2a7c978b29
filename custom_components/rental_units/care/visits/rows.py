"""Questions and changes about rounds, as pure functions on a session.

Each is a row of the care compartment, encrypted: how often somebody is visited says how they
are. It is of the kind that the consent's scope is called, and so ends with the consent; with
its person it is erased, and follows them where two were one.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import batched
import json
from typing import Any, Final

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from ...const import ConsentScope, Reason, Role
from ...register import consents, queries
from ...register.models import Consent, Lease
from ...storage import vault
from ...storage.vault import Compartment, CompartmentRow, Vault
from .rules import Event, News, Round, combined, settle

KIND: Final = ConsentScope.VISITS
#: A round ends with its consent or with the lease, and not by its age.
_KEEP_DAYS: Final = 36_500


def read(
    session: Session, box: Vault, today: date, person_ids: Collection[str] | None = None
) -> dict[str, Round]:
    """Return the rounds of these people, or of all, who agree to it today.

    What nobody can open any more is not among them: the register says that keys are lost.
    """
    found = defaultdict[str, list[Round]](list)
    agreed = exists().where(
        Consent.person_id == CompartmentRow.person_id,
        Consent.scope == KIND,
        consents.in_force(today),
    )
    query = (
        select(CompartmentRow)
        .where(CompartmentRow.kind == KIND, agreed)
        .order_by(CompartmentRow.id)
    )
    for chunk in _chunks(person_ids):
        some = query if chunk is None else query.where(_of(chunk))
        for row in session.scalars(some):
            if row.person_id and (text := box.open_if_possible(row)):
                found[row.person_id].append(Round.from_dict(json.loads(text)))
    return {person_id: combined(rounds) for person_id, rounds in found.items()}


def of(session: Session, box: Vault, today: date, person_id: str) -> Round | None:
    """Return somebody's round; None if they have none, or do not agree to it today."""
    return read(session, box, today, [person_id]).get(person_id)


def has_agreed(session: Session, person_id: str, today: date) -> bool:
    """Return if somebody agrees today to be visited."""
    found = consents.consents_of(session, person_id, today)
    return any(row.scope == KIND for row in found)


def put(session: Session, box: Vault, person_id: str, found: Round) -> None:
    """Write somebody's round in the place of the one of before. Raises RegisterError."""
    text = json.dumps(found.as_dict(), ensure_ascii=False)
    query = select(CompartmentRow).where(CompartmentRow.kind == KIND, _of([person_id]))
    known = session.scalars(query.order_by(CompartmentRow.id)).all()
    if not known:
        box.put(
            session,
            Compartment.CARE,
            KIND,
            text,
            person_id=person_id,
            keep_days=_KEEP_DAYS,
        )
        return
    box.rewrite(session, known[0].id, text)
    for other in known[1:]:
        # They were two, and are one.
        session.delete(other)
    session.flush()


def drop(session: Session, person_id: str) -> bool:
    """Forget somebody's round; return if there was one."""
    query = select(CompartmentRow.id).where(
        CompartmentRow.kind == KIND, _of([person_id])
    )
    is_there = session.scalar(query.limit(1)) is not None
    vault.forget_person(session, person_id, KIND)
    return is_there


@dataclass(slots=True)
class Homes:
    """Where somebody lives now, and whether they are to live somewhere."""

    units: list[str] = field(default_factory=list)
    stays: bool = False


def homes(
    session: Session, person_ids: Collection[str], today: date
) -> defaultdict[str, Homes]:
    """Return where people live: as tenants, the newest first; else what is their own."""
    found = defaultdict[str, Homes](Homes)
    for chunk in batched(person_ids, queries.MOST_VALUES, strict=False):
        rows = session.execute(
            select(Lease.person_id, Lease.unit_id, Lease.role, Lease.start)
            .join(Lease.unit)
            .where(
                Lease.person_id.in_(chunk), queries.is_open(today), queries.is_there()
            )
        ).all()
        lets = {row.person_id for row in rows if _is_home(row, today)}
        for row in sorted(rows, key=lambda row: row.start or date.min, reverse=True):
            home = found[row.person_id]
            home.stays = True
            is_now = row.start is None or row.start <= today
            if is_now and (row.role == Role.TENANT or row.person_id not in lets):
                home.units.append(row.unit_id)
    return found


def _is_home(row: Any, today: date) -> bool:
    return row.role == Role.TENANT and (row.start is None or row.start <= today)


def follow(
    session: Session,
    box: Vault,
    *,
    today: date,
    now: float,
    person_ids: Collection[str] | None = None,
) -> dict[str, Round]:
    """Let rounds follow where their people live; return those that go on."""
    found = read(session, box, today, person_ids)
    lives = homes(session, list(found), today)
    going = {}
    for person_id, before in found.items():
        home = lives[person_id]
        after = settle(before, home.units, stays=home.stays, today=today, now=now)
        if after is None:
            vault.forget_person(session, person_id, KIND)
            queries.audit(
                session, None, "end_round", Reason.MANAGEMENT, person_id=person_id
            )
            continue
        if after != before:
            put(session, box, person_id, after)
        going[person_id] = after
    return going


def want(
    session: Session, box: Vault, person_id: str, event: Event, today: date
) -> Round | None:
    """Note that somebody is to be visited within a day; return their round, if they have one."""
    before = of(session, box, today, person_id)
    if before is None:
        return None
    after = before.wanted(event)
    if after != before:
        put(session, box, person_id, after)
    return after


def know(
    session: Session,
    box: Vault,
    told: Mapping[str, dict[News, float]],
    today: date,
) -> None:
    """Note what whoever is in charge was told of: of whom, and what by its time."""
    known = read(session, box, today, told)
    for person_id, what in told.items():
        # Somebody may have revoked their consent meanwhile.
        if before := known.get(person_id):
            after = replace(before, told=dict(before.told) | dict(what))
            put(session, box, person_id, after)


def _of(person_ids: Collection[str]) -> Any:
    return CompartmentRow.person_id.in_(person_ids)


def _chunks(ids: Collection[str] | None) -> Sequence[Collection[str] | None]:
    return (
        (None,)
        if ids is None
        else list(batched(ids, queries.MOST_VALUES, strict=False))
    )
