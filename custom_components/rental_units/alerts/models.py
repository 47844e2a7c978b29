"""Tables of the alerts. No name, number or message to a person is in them.

A delivery points to a contact address by its id; what stands behind it is looked up in
the register when it is used, so that an erased person is gone from here too. Times are
seconds since 1970, UTC; those that something waits for are by a Timebase, which the wall's
clock may differ from.
"""

from typing import Any
import uuid

from sqlalchemy import JSON, Float, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from ..storage.base import Base
from .const import HELP_STEP, About, AlertState, DeliveryState, Severity

_DELIVERIES = uuid.UUID("5b3a6d0e-52a3-4d0a-8f0b-6f0d6f5f1c11")


def key_of(alert_id: str, address_id: str, step: int, round_: int) -> str:
    """Return the id of a delivery, which is its idempotency key."""
    return uuid.uuid5(_DELIVERIES, f"{alert_id}/{address_id}/{step}/{round_}").hex


class Alert(Base):
    """One campaign: who is told what, and how far it has come."""

    __tablename__ = "alerts"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    created_at: Mapped[float] = mapped_column(Float, index=True)
    state: Mapped[str] = mapped_column(String(16), default=AlertState.ACTIVE)
    severity: Mapped[str] = mapped_column(String(16))
    hazard: Mapped[str | None] = mapped_column(String(64))
    message: Mapped[str | None] = mapped_column(String(2000))
    #: What the place is called: the names of areas or units.
    place: Mapped[str] = mapped_column(String(255), default="")
    unit_ids: Mapped[list[str]] = mapped_column(JSON)
    area_ids: Mapped[list[str]] = mapped_column(JSON)
    audiences: Mapped[list[str]] = mapped_column(JSON)
    #: As it was when the alert was raised: an edited policy is for the next one.
    policy: Mapped[dict[str, Any]] = mapped_column(JSON)
    #: The alarm that began it, all that have joined it, and those of them that are over.
    alarm_id: Mapped[str | None] = mapped_column(String(64), index=True)
    alarm_ids: Mapped[list[str]] = mapped_column(JSON)
    over_alarm_ids: Mapped[list[str]] = mapped_column(JSON)
    #: What the core calls one fire; all its alarms are one campaign.
    incident_id: Mapped[str | None] = mapped_column(String(64), index=True)
    #: All hazards, the first one first.
    hazards: Mapped[list[str]] = mapped_column(JSON)
    drill: Mapped[bool] = mapped_column(default=False)
    #: A drill that names whom it is for; else it is for the tester and the office alone.
    announced: Mapped[bool] = mapped_column(default=False)
    #: Its message is about somebody: it is for people alone, and forgotten when it is over.
    private: Mapped[bool] = mapped_column(default=False)
    #: About whom it is, whose flat that is, and until when they are asked, where it is
    #: about somebody and no place. What has asked for it names it by its `incident_id`.
    about: Mapped[str] = mapped_column(String(16), default=About.PLACE)
    person_id: Mapped[str | None] = mapped_column(String(64), index=True)
    unit_id: Mapped[str | None] = mapped_column(String(64))
    answer_by: Mapped[float | None] = mapped_column(Float)
    #: Id of the user who has raised it.
    who: Mapped[str | None] = mapped_column(String(64))
    step: Mapped[int] = mapped_column(Integer, default=0)
    round: Mapped[int] = mapped_column(Integer, default=0)
    #: Units that have given an acknowledging answer, and those where nobody lives.
    answered_units: Mapped[list[str]] = mapped_column(JSON)
    vacant_units: Mapped[list[str]] = mapped_column(JSON)
    #: From when its steps count, and when its row was written last, by its Timebase.
    begun_at: Mapped[float] = mapped_column(Float)
    as_of: Mapped[float] = mapped_column(Float)
    #: When the clock has to look at it again.
    due_at: Mapped[float | None] = mapped_column(Float)
    ends_at: Mapped[float] = mapped_column(Float)
    acknowledged_at: Mapped[float | None] = mapped_column(Float)
    closed_at: Mapped[float | None] = mapped_column(Float, index=True)


class Delivery(Base):
    """One attempt to reach one address in one round of one step.

    The id is made of these, so a step that is walked twice makes no second delivery,
    and it is the idempotency key that the provider gets.
    """

    __tablename__ = "deliveries"
    __table_args__ = (Index("ix_deliveries_alert_state", "alert_id", "state"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    alert_id: Mapped[str] = mapped_column(
        String(32), ForeignKey("alerts.id", ondelete="CASCADE")
    )
    address_id: Mapped[str] = mapped_column(String(255))
    person_id: Mapped[str | None] = mapped_column(String(64), index=True)
    unit_id: Mapped[str | None] = mapped_column(String(64))
    role: Mapped[str] = mapped_column(String(16))
    #: If this person's *on my way* or *false alarm* is for all.
    decides: Mapped[bool] = mapped_column(default=False)
    #: What was answered to it last, when, and by what: link, app, call or panel.
    answer: Mapped[str | None] = mapped_column(String(16))
    answered_at: Mapped[float | None] = mapped_column(Float)
    via: Mapped[str | None] = mapped_column(String(16))
    channel: Mapped[str] = mapped_column(String(16))
    step: Mapped[int] = mapped_column(Integer)
    round: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(String(16), default=DeliveryState.QUEUED)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    #: Addresses to try, one after another, if this one does not reach the person.
    rest: Mapped[list[str]] = mapped_column(JSON)
    created_at: Mapped[float] = mapped_column(Float)
    #: Next try while queued, end of the wait for a receipt while sent.
    due_at: Mapped[float | None] = mapped_column(Float)
    expires_at: Mapped[float] = mapped_column(Float)
    sent_at: Mapped[float | None] = mapped_column(Float)
    reference: Mapped[str | None] = mapped_column(String(128), index=True)
    #: Why it failed, as a word.
    reason: Mapped[str | None] = mapped_column(String(64))


def severity_of(alert: Alert, delivery: Delivery) -> Severity:
    """Return how bad it is: a call for help is a matter of life, whatever it came from."""
    if delivery.step == HELP_STEP:
        return Severity.ALARM
    return Severity(alert.severity)


class Help(Base):
    """Somebody's call for help. It is open until a person closes it, with a note."""

    __tablename__ = "alert_help"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    alert_id: Mapped[str] = mapped_column(
        String(32), ForeignKey("alerts.id", ondelete="CASCADE"), index=True
    )
    person_id: Mapped[str] = mapped_column(String(64), index=True)
    unit_id: Mapped[str | None] = mapped_column(String(64))
    at: Mapped[float] = mapped_column(Float)
    #: When somebody who responds has said that they are on their way.
    taken_at: Mapped[float | None] = mapped_column(Float)
    closed_at: Mapped[float | None] = mapped_column(Float)
    #: Id of the user who has closed it, and what was found.
    closed_by: Mapped[str | None] = mapped_column(String(64))
    note: Mapped[str | None] = mapped_column(String(1000))


class Entry(Base):
    """A line of an alert's timeline."""

    __tablename__ = "alert_timeline"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    alert_id: Mapped[str] = mapped_column(
        String(32), ForeignKey("alerts.id", ondelete="CASCADE"), index=True
    )
    at: Mapped[float] = mapped_column(Float)
    kind: Mapped[str] = mapped_column(String(32))
    unit_id: Mapped[str | None] = mapped_column(String(64))
    person_id: Mapped[str | None] = mapped_column(String(64), index=True)
    delivery_id: Mapped[str | None] = mapped_column(String(32))
    data: Mapped[dict[str, Any]] = mapped_column(JSON)


type Row = Alert | Delivery | Help | Entry
TABLES = (Alert, Delivery, Help, Entry)

_COLUMNS = {table: tuple(table.__table__.columns.keys()) for table in TABLES}


def values(row: Row) -> dict[str, Any]:
    """Return a row's columns."""
    # Straight from the instance: thousands are written while the loop is busiest.
    state = row.__dict__
    return {key: state.get(key) for key in _COLUMNS[type(row)]}
