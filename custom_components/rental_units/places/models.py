"""The tables of the places. A change here needs a step in migrations.py."""

import time

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from homeassistant.util.ulid import ulid_now

from ..register.models import Person, Unit
from ..storage.base import Base


class SitePlace(Base):
    """A place of the property. Of one that is a unit, the unit's row says what it is called."""

    __tablename__ = "places"
    __table_args__ = (
        Index("ux_places_unit_id", "unit_id", unique=True),
        Index("ux_places_place_key", "place_key", unique=True),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=ulid_now)
    #: A word of const.PlaceKind.
    kind: Mapped[str]
    unit_id: Mapped[str | None] = mapped_column(
        ForeignKey("units.id", ondelete="CASCADE", onupdate="CASCADE")
    )
    #: Kind, building, stairwell and name of what is no unit; an index sees to it that there
    #: is one.
    place_key: Mapped[str | None]
    building: Mapped[str] = mapped_column(default="")
    stairwell: Mapped[str] = mapped_column(default="")
    name: Mapped[str] = mapped_column(default="")
    #: The standard address; a unit has its own.
    address: Mapped[str] = mapped_column(default="")
    area_id: Mapped[str | None]
    #: Counted as people do there; basements are below zero.
    storey: Mapped[int | None]
    #: WGS 84, in degrees.
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    #: A word of const.Grade.
    grade: Mapped[str | None]
    #: Home Assistant's tag: never the code's token.
    tag_id: Mapped[str] = mapped_column(default=lambda: ulid_now().lower())
    #: Counts the changes.
    version: Mapped[int] = mapped_column(default=1)
    unit: Mapped[Unit | None] = relationship()
    codes: Mapped[list[PlaceCode]] = relationship(
        cascade="all, delete-orphan",
        passive_deletes=True,
        order_by="PlaceCode.version",
    )
    parties: Mapped[list[PlaceParty]] = relationship(
        cascade="all, delete-orphan", passive_deletes=True, order_by="PlaceParty.id"
    )


class PlaceCode(Base):
    """A code that was printed for a place. Its token is on the plate, and nowhere here."""

    __tablename__ = "place_codes"
    __table_args__ = (Index("ux_place_codes_digest", "digest", unique=True),)

    id: Mapped[str] = mapped_column(primary_key=True, default=ulid_now)
    place_id: Mapped[str] = mapped_column(
        ForeignKey("places.id", ondelete="CASCADE"), index=True
    )
    #: From 1 on; it is printed on the plate.
    version: Mapped[int]
    #: The keyed hash of the token.
    digest: Mapped[str]
    #: Unix times, and the ids of users.
    issued_at: Mapped[float] = mapped_column(default=time.time)
    issued_by: Mapped[str | None]
    #: None: it is valid. A place has at most one that is.
    revoked_at: Mapped[float | None]
    scans: Mapped[int] = mapped_column(default=0)
    scanned_at: Mapped[float | None]


class PlaceParty(Base):
    """Who answers for a place: a person, or an organisation."""

    __tablename__ = "place_parties"
    __table_args__ = (
        Index("ux_place_parties_place_person", "place_id", "person_id", unique=True),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=ulid_now)
    place_id: Mapped[str] = mapped_column(ForeignKey("places.id", ondelete="CASCADE"))
    person_id: Mapped[str] = mapped_column(
        ForeignKey("persons.id", ondelete="CASCADE"), index=True
    )
    #: A word of const.PartyRole.
    role: Mapped[str]
    person: Mapped[Person] = relationship()


class Visit(Base):
    """That somebody was there, and what they have found."""

    __tablename__ = "place_visits"
    __table_args__ = (Index("ix_place_visits_place_at", "place_id", "at"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=ulid_now)
    place_id: Mapped[str] = mapped_column(ForeignKey("places.id", ondelete="CASCADE"))
    #: Unix time.
    at: Mapped[float] = mapped_column(default=time.time)
    #: Id of the Home Assistant user.
    who: Mapped[str | None]
    #: A word of const.Finding.
    finding: Mapped[str]
    note: Mapped[str] = mapped_column(default="")
    #: The plate was scanned for it: who wrote it was at the door.
    was_there: Mapped[bool] = mapped_column(default=False)
