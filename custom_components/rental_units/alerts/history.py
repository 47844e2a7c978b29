"""What the database holds of alerts from before."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
import math

from sqlalchemy import ColumnElement, String, cast, delete, exists, or_, select, update
from sqlalchemy.orm import Session

from homeassistant.helpers.json import json_dumps
from homeassistant.util import dt as dt_util

from ..const import Role
from ..register.models import Lease, Person
from .const import OPEN, About
from .models import Alert, Delivery, Entry, Help

#: Alerts of before in one answer: a fire of hours may have some.
MOST_CLOSED = 20
#: Alerts of before about a unit, in one answer.
MOST_OF_UNIT = 100
#: The kind of the line of an answer.
ANSWER = "answer"

type Open = tuple[Alert, list[Delivery], list[Help]]


def read_open(session: Session) -> list[Open]:
    """Return the open alerts with their deliveries and calls for help."""
    alerts = session.scalars(select(Alert).where(Alert.state.in_(OPEN))).all()
    return _with_rows(session, alerts)


@dataclass(frozen=True, slots=True)
class Ids:
    """Which alerts are meant: by their own ids, their alarms' or their incident's."""

    alert_ids: frozenset[str] = frozenset()
    alarm_ids: frozenset[str] = frozenset()
    incident_ids: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        """Return if any are named."""
        return bool(self.alert_ids or self.alarm_ids or self.incident_ids)

    def match(self, alert: Alert) -> bool:
        """Return if an alert is meant."""
        return (
            alert.id in self.alert_ids
            or alert.incident_id in self.incident_ids
            or not self.alarm_ids.isdisjoint(alert.alarm_ids)
        )


def with_alarms(alarm_ids: Iterable[str]) -> ColumnElement[bool]:
    """Return the condition of alerts that are about one of these alarms."""
    joined = cast(Alert.alarm_ids, String)
    ids = list(alarm_ids)
    return or_(
        Alert.alarm_id.in_(ids),
        *(joined.contains(json_dumps(key), autoescape=True) for key in ids),
    )


def read_closed(session: Session, ids: Ids) -> list[Open]:
    """Return the alerts that are meant and over, the newest first, with what belongs to them."""
    alerts = session.scalars(
        select(Alert)
        .where(
            Alert.state.not_in(OPEN),
            Alert.about == About.PLACE,
            or_(
                Alert.id.in_(ids.alert_ids),
                Alert.incident_id.in_(ids.incident_ids),
                with_alarms(ids.alarm_ids),
            ),
        )
        .order_by(Alert.created_at.desc())
        .limit(MOST_CLOSED)
    ).all()
    return _with_rows(session, alerts)


def read_of_unit(
    session: Session, unit_id: str, parts: Iterable[tuple[Role, str]], since: float
) -> list[Open]:
    """Return what was told about a unit while people were in it, and is over; the newest first.

    `parts` is who they are there. What was before their time, or is from before a Unix time,
    is not theirs; nor is more than MOST_OF_UNIT, and the one after that says that there is.
    """
    stays = [stay for part in parts for stay in _stays(session, unit_id, *part)]
    rows = session.scalars(
        select(Alert)
        .where(
            Alert.state.not_in(OPEN),
            Alert.about == About.PLACE,
            Alert.created_at >= since,
            cast(Alert.unit_ids, String).contains(json_dumps(unit_id), autoescape=True),
        )
        .order_by(Alert.created_at.desc())
    )
    theirs = (
        row
        for row in rows
        if any(begin <= row.created_at < end for begin, end in stays)
    )
    return _with_rows(session, list(islice(theirs, MOST_OF_UNIT + 1)))


def _stays(
    session: Session, unit_id: str, role: Role, person_id: str
) -> Iterator[tuple[float, float]]:
    """Yield from when to when somebody was in a unit as what, in Unix time.

    Of a tenant of whom nobody has said since when, that is when it was written down: before,
    others may have lived there.
    """
    for lease in session.scalars(
        select(Lease).where(
            Lease.unit_id == unit_id,
            Lease.person_id == person_id,
            Lease.role == role,
            Lease.removed_at.is_(None),
        )
    ):
        begin = 0.0
        if lease.start:
            begin = dt_util.start_of_local_day(lease.start).timestamp()
        elif role == Role.TENANT:
            begin = min((row.at or 0.0 for row in lease.history), default=0.0)
        gone = lease.gone_from or lease.left_on
        yield (
            begin,
            dt_util.start_of_local_day(gone).timestamp() if gone else math.inf,
        )


def _with_rows(session: Session, alerts: Iterable[Alert]) -> list[Open]:
    found = []
    for alert in alerts:
        rows = session.scalars(
            select(Delivery)
            .where(Delivery.alert_id == alert.id)
            .order_by(Delivery.created_at, Delivery.id)
        )
        calls = session.scalars(select(Help).where(Help.alert_id == alert.id))
        found.append((alert, list(rows), list(calls)))
    # From here on they are ours: the ledger writes them, and no session.
    session.expunge_all()
    return found


def is_told() -> ColumnElement[bool]:
    """Return the condition of people whom an open alert tells: they stay until it ends."""
    return exists().where(
        Delivery.person_id == Person.id,
        Delivery.alert_id == Alert.id,
        Alert.state.in_(OPEN),
    )


def forget_person(session: Session, person_id: str) -> None:
    """Clear what was noted of somebody's calls for help, and of those from their units.

    A note may name them, and stands with each call that was closed by it.
    """
    own_units = select(Lease.unit_id).where(Lease.person_id == person_id)
    notes = select(Help.alert_id, Help.note).where(
        Help.note.is_not(None),
        or_(Help.person_id == person_id, Help.unit_id.in_(own_units)),
    )
    for alert_id, note in session.execute(notes.distinct()).all():
        session.execute(
            update(Help)
            .where(Help.alert_id == alert_id, Help.note == note)
            .values(note=None)
        )


def take_back(session: Session, incident_id: str) -> int:
    """Forget what the alerts of an incident have said of somebody; return how many."""
    ids = session.scalars(
        select(Alert.id).where(Alert.incident_id == incident_id, Alert.private)
    ).all()
    session.execute(update(Alert).where(Alert.id.in_(ids)).values(message=None))
    return len(ids)


def purge(session: Session, before: float) -> None:
    """Drop alerts that closed before a Unix time, with their rows."""
    _drop(session, Alert.closed_at < before)


def drop_about(session: Session, person_id: str) -> None:
    """Drop what was asked and told about a person."""
    _drop(session, Alert.person_id == person_id)


def _drop(session: Session, which: ColumnElement[bool]) -> None:
    old = select(Alert.id).where(which)
    for table in (Delivery, Entry, Help):
        session.execute(delete(table).where(table.alert_id.in_(old)))
    session.execute(delete(Alert).where(which))


def read_answers(session: Session, alert_ids: Iterable[str]) -> list[Entry]:
    """Return what was answered to these alerts, in its order."""
    rows = session.scalars(
        select(Entry)
        .where(Entry.alert_id.in_(alert_ids), Entry.kind == ANSWER)
        .order_by(Entry.at, Entry.id)
    ).all()
    session.expunge_all()
    return list(rows)
