"""The tables of the searches. A change here needs a step in migrations.py.

Who is looked for, how they look and by whose number is in the vault, encrypted.
"""

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from homeassistant.util.ulid import ulid_now

from ..storage.base import Base


class SearchCase(Base):
    """A search: one person or vehicle, for one reason, for a day at the most."""

    __tablename__ = "search_cases"

    id: Mapped[str] = mapped_column(primary_key=True, default=ulid_now)
    #: A word of const.CaseKind.
    kind: Mapped[str]
    #: Somebody of the register who is looked for.
    person_id: Mapped[str | None] = mapped_column(
        ForeignKey("persons.id", ondelete="SET NULL"), index=True
    )
    #: The row of the vault; None once that is gone.
    sealed_id: Mapped[str | None]
    #: Unix times, and ids of users; it is closed by nobody when its time is over.
    opened_at: Mapped[float]
    opened_by: Mapped[str | None]
    closes_at: Mapped[float]
    closed_at: Mapped[float | None] = mapped_column(index=True)
    closed_by: Mapped[str | None]
    #: A word of const.Outcome.
    outcome: Mapped[str | None]
    #: The user who is told of the next sighting, and the time of the newest they know of.
    watched_by: Mapped[str | None]
    seen_at: Mapped[float | None]
    #: When those who respond were told, and when it was taken back.
    told_at: Mapped[float | None]
    taken_back_at: Mapped[float | None]
    #: The row of the vault with a picture for those who respond; gone once it is closed.
    picture_id: Mapped[str | None]
    deeds: Mapped[list[SearchDeed]] = relationship(
        cascade="all, delete-orphan",
        passive_deletes=True,
        order_by="(SearchDeed.at, SearchDeed.id)",
    )


class SearchDeed(Base):
    """Something that was done in a case: each look, and each file that was given away."""

    __tablename__ = "search_deeds"

    id: Mapped[str] = mapped_column(primary_key=True, default=ulid_now)
    case_id: Mapped[str] = mapped_column(
        ForeignKey("search_cases.id", ondelete="CASCADE"), index=True
    )
    #: Unix time, and the id of the user; nobody when the time was over.
    at: Mapped[float]
    who: Mapped[str | None]
    #: A word of const.Deed.
    what: Mapped[str]
    #: What was looked for: a row of the vault.
    sealed_id: Mapped[str | None]
    #: Rows of the audit have the same.
    command_id: Mapped[str | None]
    #: Sightings that were shown.
    shown: Mapped[int | None]
    #: SHA-256 of the file that was given away, in hexadecimal digits.
    digest: Mapped[str | None]
