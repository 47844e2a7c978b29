"""The tables of the sightings. A change here needs a step in migrations.py.

A month of a large compound is a million rows: so what repeats in them has a table of its
own, and its number stands in them. A number of a card or a plate is encrypted once, however
often it was seen.
"""

from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from ..storage.base import Base


class SeenKind(StrEnum):
    """What a number that was seen is of."""

    CARD = "card"
    PLATE = "plate"


class Source(Base):
    """A door, gate or camera: a channel of a device."""

    __tablename__ = "sighting_sources"
    __table_args__ = (
        Index("ux_sighting_sources_channel", "device_id", "channel", unique=True),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    #: Home Assistant's.
    device_id: Mapped[str]
    channel: Mapped[str]


class SeenNumber(Base):
    """A number that was seen. It is in the vault; here is what it is found by."""

    __tablename__ = "seen_numbers"
    __table_args__ = (
        Index("ux_seen_numbers_number_hash", "number_hash", "kind", unique=True),
        Index("ix_seen_numbers_folded_hash", "folded_hash"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    #: A word of SeenKind.
    kind: Mapped[str]
    #: The row of the vault, and the last digits, which are shown.
    number_row: Mapped[str]
    number_hash: Mapped[str]
    digits: Mapped[str]
    #: What a plate is found by of which something was read wrong: see plates.py.
    folded_hash: Mapped[str | None]


class Sighting(Base):
    """Something that was seen once."""

    __tablename__ = "sightings"
    __table_args__ = (
        Index("ix_sightings_at", "at"),
        Index("ix_sightings_source", "source_id", "at"),
        Index("ix_sightings_number", "number_id", "at"),
        Index("ix_sightings_card", "card_id", "at"),
        # Doors say no class: it is of what cameras tell, and of nothing else.
        Index(
            "ix_sightings_category",
            "category",
            "at",
            sqlite_where=text("category IS NOT NULL"),
            postgresql_where=text("category IS NOT NULL"),
        ),
    )

    #: What its device tells it from others by: what comes again is the same.
    event_id: Mapped[str] = mapped_column(primary_key=True)
    source_id: Mapped[int] = mapped_column(
        ForeignKey("sighting_sources.id"), primary_key=True
    )
    #: Unix time.
    at: Mapped[float]
    number_id: Mapped[int | None] = mapped_column(ForeignKey("seen_numbers.id"))
    #: The card that had the number then; its holder is there, and nowhere here.
    card_id: Mapped[str | None] = mapped_column(
        ForeignKey("cards.id", ondelete="SET NULL")
    )
    #: Why it was let in or not, as the device says; None where nothing was decided.
    decision: Mapped[str | None]
    granted: Mapped[bool | None]
    inwards: Mapped[bool | None]
    #: What a camera says of it: a class such as `person`, and what it looks like.
    category: Mapped[str | None]
    attributes: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
