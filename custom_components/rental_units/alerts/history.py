"""What the database holds of alerts from before."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, String, cast, delete, exists, or_, select, update
from sqlalchemy.orm import Session

from homeassistant.helpers.json import json_dumps

from ..register.models import Lease, Person
from .const import OPEN
from .models import Alert, Delivery, Entry, Help

#: Alerts of before in one answer: a fire of hours may have some.
MOST_CLOSED = 20

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


def purge(session: Session, before: float) -> None:
    """Drop alerts that closed before a Unix time, with their rows."""
    old = select(Alert.id).where(Alert.closed_at < before)
    for table in (Delivery, Entry, Help):
        session.execute(delete(table).where(table.alert_id.in_(old)))
    session.execute(delete(Alert).where(Alert.closed_at < before))
