"""What the database holds of alerts from before."""

from sqlalchemy import ColumnElement, delete, exists, select
from sqlalchemy.orm import Session

from ..register.models import Person
from .const import OPEN
from .models import Alert, Delivery, Entry, Help

type Open = tuple[Alert, list[Delivery], list[Help]]


def read_open(session: Session) -> list[Open]:
    """Return the open alerts with their deliveries and calls for help."""
    alerts = session.scalars(select(Alert).where(Alert.state.in_(OPEN))).all()
    found = []
    for alert in alerts:
        rows = session.scalars(select(Delivery).where(Delivery.alert_id == alert.id))
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


def purge(session: Session, before: float) -> None:
    """Drop alerts that closed before a Unix time, with their rows."""
    old = select(Alert.id).where(Alert.closed_at < before)
    for table in (Delivery, Entry, Help):
        session.execute(delete(table).where(table.alert_id.in_(old)))
    session.execute(delete(Alert).where(Alert.closed_at < before))
