"""The tables of the register.

What is not personal (building, number, area, ...) lives in the subentries of the config
entry. A change here needs a step in migrations.py.
"""

from datetime import date, time
import time as clock

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from homeassistant.util.ulid import ulid_now

from ..storage.base import Base


class Unit(Base):
    """A rental unit. Its id is the id of its subentry."""

    __tablename__ = "units"

    id: Mapped[str] = mapped_column(primary_key=True)
    #: The standard address; it may tell who lives there.
    address: Mapped[str] = mapped_column(default="")
    leases: Mapped[list[Lease]] = relationship(
        back_populates="unit", cascade="all, delete-orphan", passive_deletes=True
    )


class Person(Base):
    """Somebody who can be told."""

    __tablename__ = "persons"

    id: Mapped[str] = mapped_column(primary_key=True, default=ulid_now)
    name: Mapped[str]
    language: Mapped[str]
    addresses: Mapped[list[ContactAddress]] = relationship(
        back_populates="person",
        cascade="all, delete-orphan",
        passive_deletes=True,
        order_by="ContactAddress.channel",
    )
    leases: Mapped[list[Lease]] = relationship(
        back_populates="person", cascade="all, delete-orphan", passive_deletes=True
    )
    duties: Mapped[list[Responder]] = relationship(
        back_populates="person", cascade="all, delete-orphan", passive_deletes=True
    )


class ContactAddress(Base):
    """One way to reach a person, its language, and the hours when only an alarm may use it."""

    __tablename__ = "addresses"

    id: Mapped[str] = mapped_column(primary_key=True, default=ulid_now)
    person_id: Mapped[str] = mapped_column(
        ForeignKey("persons.id", ondelete="CASCADE"), index=True
    )
    channel: Mapped[str]
    target: Mapped[str] = mapped_column(index=True)
    quiet_from: Mapped[time | None]
    quiet_until: Mapped[time | None]
    #: The language over this address, where it is not the person's.
    language: Mapped[str | None]
    person: Mapped[Person] = relationship(back_populates="addresses")


class Lease(Base):
    """A person's part in a unit.

    `end` is what the contract says. Who is still there afterwards has not `left_on` a day,
    and is told when it burns.
    """

    __tablename__ = "leases"

    id: Mapped[str] = mapped_column(primary_key=True, default=ulid_now)
    unit_id: Mapped[str] = mapped_column(
        ForeignKey("units.id", ondelete="CASCADE", onupdate="CASCADE"), index=True
    )
    person_id: Mapped[str] = mapped_column(
        ForeignKey("persons.id", ondelete="CASCADE"), index=True
    )
    role: Mapped[str]
    start: Mapped[date | None]
    end: Mapped[date | None]
    left_on: Mapped[date | None]
    unit: Mapped[Unit] = relationship(back_populates="leases")
    person: Mapped[Person] = relationship(back_populates="leases")


class Responder(Base):
    """Somebody who responds for the whole property. Its id is the id of its subentry."""

    __tablename__ = "responders"

    id: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[str] = mapped_column(
        ForeignKey("persons.id", ondelete="CASCADE"), index=True
    )
    person: Mapped[Person] = relationship(back_populates="duties")


class Audit(Base):
    """Who did what to whose data, when and why. Holds ids only, nothing personal."""

    __tablename__ = "audit"

    id: Mapped[str] = mapped_column(primary_key=True, default=ulid_now)
    #: Unix time.
    at: Mapped[float] = mapped_column(default=clock.time, index=True)
    #: Id of the Home Assistant user, None for an automation.
    who: Mapped[str | None]
    what: Mapped[str]
    why: Mapped[str]
    unit_id: Mapped[str | None]
    person_id: Mapped[str | None]
