"""The tables of the register.

A change here needs a step in migrations.py.
"""

from datetime import date, time
import time as clock
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from homeassistant.util.ulid import ulid_now

from ..const import PartyKind
from ..storage.base import Base
from .names import search_key


class Unit(Base):
    """A rental unit. All but its address is nothing personal."""

    __tablename__ = "units"
    __table_args__ = (
        Index(
            "ux_units_unit_key",
            "unit_key",
            unique=True,
            sqlite_where=text("removed_at IS NULL"),
            postgresql_where=text("removed_at IS NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=ulid_now)
    #: Unique among those that are there (an index sees to it): building, stairwell and
    #: number. None: a form of a release of before has begun it, and never ended.
    unit_key: Mapped[str | None]
    building: Mapped[str] = mapped_column(default="")
    stairwell: Mapped[str] = mapped_column(default="")
    number: Mapped[str] = mapped_column(default="")
    area_id: Mapped[str | None]
    rooms: Mapped[int | None]
    letting: Mapped[str | None]
    #: The standard address; it may tell who lives there.
    address: Mapped[str] = mapped_column(default="")
    #: Counts the changes.
    version: Mapped[int] = mapped_column(default=1)
    #: With which version each field was changed last.
    changes: Mapped[dict[str, int]] = mapped_column(JSON, default=dict)
    #: Since when it is removed, in Unix time; it can be brought back for a while.
    removed_at: Mapped[float | None]
    #: The command that removed it. None: nobody did, it was only missing when it was looked
    #: for (see takeover.py).
    removed_by: Mapped[str | None]
    #: It still follows a subentry of the config entry, where units lived before.
    is_mirror: Mapped[bool] = mapped_column(default=False)
    leases: Mapped[list[Lease]] = relationship(
        back_populates="unit", cascade="all, delete-orphan", passive_deletes=True
    )

    def note(self, *what: str) -> None:
        """Count a change, and remember which fields it is about."""
        self.version += 1
        self.changes = {**(self.changes or {}), **dict.fromkeys(what, self.version)}

    def since(self, version: int) -> list[str]:
        """Return which fields were changed after a version."""
        return [field for field, last in self.changes.items() if last > version]


class Person(Base):
    """Somebody who can be told."""

    __tablename__ = "persons"

    id: Mapped[str] = mapped_column(primary_key=True, default=ulid_now)
    name: Mapped[str]
    #: What the name is found by (see names.py); it follows the name.
    search: Mapped[str] = mapped_column(default="")
    language: Mapped[str]
    #: A word of const.PartyKind.
    kind: Mapped[str] = mapped_column(default=PartyKind.PERSON)
    #: Counts the changes of name, language and addresses.
    version: Mapped[int] = mapped_column(default=1)
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

    @validates("name")
    def _follow_name(self, _key: str, name: str) -> str:
        self.search = search_key(name)
        return name


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
    #: When a test message was asked for, what has become of it (see checks.py), and when
    #: the person has confirmed one; in Unix time.
    asked_at: Mapped[float | None]
    outcome: Mapped[str | None]
    verified_at: Mapped[float | None]
    person: Mapped[Person] = relationship(back_populates="addresses")

    def lead_to(self, target: str) -> None:
        """Be another address, of which nothing is known yet."""
        self.target = target
        self.asked_at = self.outcome = self.verified_at = None


class Lease(Base):
    """A person's stay in a unit: what its history comes to, for those who only ask.

    Three things that are often mixed up: `end` is what the contract says, `left_on` the day
    that somebody gave for their leaving, and who is inside tonight has neither been said to
    have left (see `gone_from`) nor is yet to come. Only `leases.py` writes here.
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
    #: The first day on which they are not there: who is to leave is told until that day
    #: is over, who has left is not. None with a `left_on`: that day.
    gone_from: Mapped[date | None]
    #: Counts the rows of the history.
    version: Mapped[int] = mapped_column(default=0)
    #: Since when it counts for nothing, in Unix time: it was a mistake, or its unit went.
    removed_at: Mapped[float | None]
    unit: Mapped[Unit] = relationship(back_populates="leases")
    person: Mapped[Person] = relationship(back_populates="leases")
    history: Mapped[list[LeaseChange]] = relationship(
        back_populates="lease",
        cascade="all, delete-orphan",
        passive_deletes=True,
        order_by="LeaseChange.number",
    )


class LeaseChange(Base):
    """A row of a lease's history, which is never changed: what was said, by whom, when."""

    __tablename__ = "lease_changes"

    id: Mapped[str] = mapped_column(primary_key=True, default=ulid_now)
    lease_id: Mapped[str] = mapped_column(
        ForeignKey("leases.id", ondelete="CASCADE"), index=True
    )
    #: From 1 on, in the order in which it was said.
    number: Mapped[int]
    #: A word of leases.What.
    what: Mapped[str]
    #: The period of a contract, where one is begun or corrected.
    start: Mapped[date | None]
    end: Mapped[date | None]
    left_on: Mapped[date | None]
    gone_from: Mapped[date | None]
    #: The row that this one corrects or undoes.
    about: Mapped[str | None]
    #: The command that wrote it, with the same id in the audit; a move writes two rows.
    command_id: Mapped[str | None] = mapped_column(index=True)
    #: Unix time; None for what was taken over from a release without a history.
    at: Mapped[float | None]
    #: Id of the Home Assistant user, None for an automation.
    who: Mapped[str | None]
    lease: Mapped[Lease] = relationship(back_populates="history")


class Responder(Base):
    """Somebody who responds for the whole property. Its id is the id of its subentry."""

    __tablename__ = "responders"

    id: Mapped[str] = mapped_column(primary_key=True)
    person_id: Mapped[str] = mapped_column(
        ForeignKey("persons.id", ondelete="CASCADE"), index=True
    )
    person: Mapped[Person] = relationship(back_populates="duties")
    #: Since when its subentry is missing, in Unix time; it can be brought back for a while.
    removed_at: Mapped[float | None]
    #: Title, unique id and data of its subentry: nothing personal. None: not known yet.
    facts: Mapped[dict[str, Any] | None] = mapped_column(JSON)


class Consent(Base):
    """That a person has agreed to something, until they revoke it or it ends."""

    __tablename__ = "consents"
    __table_args__ = (
        Index("ux_consents_person_scope", "person_id", "scope", unique=True),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=ulid_now)
    person_id: Mapped[str] = mapped_column(ForeignKey("persons.id", ondelete="CASCADE"))
    #: A word of const.ConsentScope; there is one consent to each.
    scope: Mapped[str]
    #: The last day; None: until it is revoked.
    until: Mapped[date | None]
    #: When it was given, in Unix time, and the id of the user who has written it down.
    given_at: Mapped[float]
    given_by: Mapped[str | None]
    contacts: Mapped[list[ConsentContact]] = relationship(
        cascade="all, delete-orphan",
        passive_deletes=True,
        order_by="ConsentContact.place",
    )


class ConsentContact(Base):
    """Whom the person has named for it. They are in the register for as long."""

    __tablename__ = "consent_contacts"

    id: Mapped[str] = mapped_column(primary_key=True, default=ulid_now)
    consent_id: Mapped[str] = mapped_column(
        ForeignKey("consents.id", ondelete="CASCADE"), index=True
    )
    person_id: Mapped[str] = mapped_column(
        ForeignKey("persons.id", ondelete="CASCADE"), index=True
    )
    #: From 0 on, in the order in which they are asked.
    place: Mapped[int]
    #: From 1 on: those of a turn are asked together, after those of the turn before.
    turn: Mapped[int] = mapped_column(default=1)
    person: Mapped[Person] = relationship()


class Grant(Base):
    """A role that a user of Home Assistant has in this property."""

    __tablename__ = "grants"

    id: Mapped[str] = mapped_column(primary_key=True, default=ulid_now)
    user_id: Mapped[str] = mapped_column(index=True)
    #: A word of app.policy.AccountRole.
    role: Mapped[str]
    #: Who they are in the register, where the role holds in this person's units.
    person_id: Mapped[str | None] = mapped_column(
        ForeignKey("persons.id", ondelete="CASCADE")
    )
    #: When it was given, in Unix time; None: by a release that did not write that down.
    given_at: Mapped[float | None]
    #: The last day on which it holds; None: until it is taken.
    until: Mapped[date | None]


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
    #: The command, whose other rows have the same.
    command_id: Mapped[str | None]
    #: How often, in the minute from then on: refusals are counted.
    times: Mapped[int] = mapped_column(default=1)
