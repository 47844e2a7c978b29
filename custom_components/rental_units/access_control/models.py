"""The tables of the cards. A change here needs a step in migrations.py."""

import time

from sqlalchemy import JSON, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from homeassistant.util.ulid import ulid_now

from ..storage.base import Base


class Card(Base):
    """A card, or the plate of a vehicle, and its holder. Its number is in the vault; here is what it is found by."""

    __tablename__ = "cards"
    __table_args__ = (
        Index(
            "ux_cards_number_hash",
            "number_hash",
            unique=True,
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
        Index("ux_cards_form_digest", "form_digest", unique=True),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=ulid_now)
    #: None: the holder was erased, and the card is taken from every door.
    person_id: Mapped[str | None] = mapped_column(
        ForeignKey("persons.id", ondelete="SET NULL"), index=True
    )
    #: A word of const.Medium.
    medium: Mapped[str] = mapped_column(default="card")
    #: A word of const.Holder.
    holder: Mapped[str]
    #: Whose doors it opens, where that does not follow from leases.
    unit_id: Mapped[str | None] = mapped_column(
        ForeignKey("units.id", ondelete="SET NULL", onupdate="CASCADE"), index=True
    )
    #: The landlord who lets a visitor in. It stays when they are erased: then nobody does.
    host_id: Mapped[str | None] = mapped_column(default=None)
    #: The keyed hash of what is a form's alone, by which they did: it is good once.
    form_digest: Mapped[str | None] = mapped_column(default=None)
    #: It opens every door of the property.
    everywhere: Mapped[bool] = mapped_column(default=False)
    #: Its hours, in Unix time, where they do not follow from leases.
    begin_at: Mapped[float | None]
    end_at: Mapped[float | None]
    #: A word of const.Decision, and since when.
    decision: Mapped[str]
    decided_at: Mapped[float]
    #: Neither now nor later it is to open anything: the planner says so.
    is_over: Mapped[bool] = mapped_column(default=False)
    #: The row of the vault, what the number is found by, and its last digits. None before
    #: it was issued, and again once it is closed.
    number_row: Mapped[str | None]
    number_hash: Mapped[str | None]
    digits: Mapped[str] = mapped_column(default="")
    created_at: Mapped[float] = mapped_column(default=time.time)
    #: Counts what was decided.
    version: Mapped[int] = mapped_column(default=1)
    #: When nobody needed its number any more: it is in the history, and the card is free.
    closed_at: Mapped[float | None]
    places: Mapped[list[Place]] = relationship(
        back_populates="card",
        cascade="all, delete-orphan",
        passive_deletes=True,
        order_by="Place.device_id",
    )


class Place(Base):
    """A card at one controller: what is to be there, and what was proven. It is the outbox."""

    __tablename__ = "card_places"
    __table_args__ = (Index("ix_card_places_due", "proof", "next_at"),)

    card_id: Mapped[str] = mapped_column(
        ForeignKey("cards.id", ondelete="CASCADE"), primary_key=True
    )
    #: Home Assistant's id of the controller.
    device_id: Mapped[str] = mapped_column(primary_key=True, index=True)
    #: It is to be there; else to be gone.
    wanted: Mapped[bool]
    #: Channels of the controller, in order.
    doors: Mapped[list[str]] = mapped_column(JSON)
    #: Unix times.
    begin_at: Mapped[float]
    end_at: Mapped[float]
    #: Counts what was wanted: what is proven of an earlier wish proves nothing.
    revision: Mapped[int] = mapped_column(default=1)
    #: A word of const.Proof, and why it is not proven.
    proof: Mapped[str]
    reason: Mapped[str | None]
    #: Not before this Unix time it is ordered.
    next_at: Mapped[float]
    #: When it was read back last, in Unix time.
    proven_at: Mapped[float | None]
    card: Mapped[Card] = relationship(back_populates="places")

    def is_held(self, now: float) -> bool:
        """Return if it is written at the hour at which it begins, and not before."""
        return self.wanted and now < self.next_at == self.begin_at


class Door(Base):
    """For whom a door opens: a building, one stairwell or unit of it, or everybody."""

    __tablename__ = "access_doors"
    __table_args__ = (
        Index(
            "ux_access_doors_door",
            *("device_id", "door", "building", "stairwell", "number"),
            unique=True,
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=ulid_now)
    device_id: Mapped[str]
    #: Its channel at the controller.
    door: Mapped[str]
    #: What it has a list of: a word of const.Medium.
    medium: Mapped[str] = mapped_column(default="card")
    #: As units have them. Empty: all of the building; no building: all of the property.
    building: Mapped[str] = mapped_column(default="")
    stairwell: Mapped[str] = mapped_column(default="")
    number: Mapped[str] = mapped_column(default="")
