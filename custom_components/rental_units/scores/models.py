"""The tables of the scores. A change here needs a step in migrations.py."""

from datetime import date
import time
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from homeassistant.util.ulid import ulid_now

from ..storage.base import Base


class ScoreCatalogue(Base):
    """A version of the table of criteria. The database refuses to change it."""

    __tablename__ = "score_catalogues"
    __table_args__ = (
        Index("ux_score_catalogues_digest", "digest", unique=True),
        Index("ux_score_catalogues_version", "version", unique=True),
    )

    #: Counts up in the order in which they were saved.
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    digest: Mapped[str]
    version: Mapped[str]
    #: 2027-01
    first_month: Mapped[str]
    #: Unix time.
    at: Mapped[float] = mapped_column(default=time.time)
    #: Id of the Home Assistant user.
    who: Mapped[str | None]
    #: Canonical JSON, and the file that it was read from.
    body: Mapped[str]
    source: Mapped[str]


class ScoreNote(Base):
    """What somebody wrote. Records have its digest, so it can be forgotten and they stay whole."""

    __tablename__ = "score_notes"

    #: Of the salt and the text: who has only that learns no word of it.
    digest: Mapped[str] = mapped_column(primary_key=True)
    salt: Mapped[str]
    text: Mapped[str]
    #: Unix time.
    at: Mapped[float] = mapped_column(default=time.time, index=True)


class ScoreSheet(Base):
    """A month until it is frozen, and which record it has become then."""

    __tablename__ = "score_sheets"
    __table_args__ = (Index("ux_score_sheets_month", "month", unique=True),)

    id: Mapped[str] = mapped_column(primary_key=True, default=ulid_now)
    #: 2027-01
    month: Mapped[str]
    #: A word of const.State.
    state: Mapped[str]
    #: The table of criteria; None: that of the month, as long as it is a draft.
    catalogue: Mapped[int | None] = mapped_column(ForeignKey("score_catalogues.number"))
    households: Mapped[int | None]
    #: A word of const.Origin, and when it was read, in Unix time.
    households_origin: Mapped[str | None]
    households_at: Mapped[float | None]
    #: Unix time, and the last day of comments. Whether holidays on the way are assumed.
    opened_at: Mapped[float | None]
    opened_by: Mapped[str | None]
    due_on: Mapped[date | None]
    due_assumed: Mapped[bool] = mapped_column(default=False)
    #: The number of its record.
    record: Mapped[int | None]
    version: Mapped[int] = mapped_column(default=1)
    facts: Mapped[list[ScoreFact]] = relationship(
        cascade="all, delete-orphan", passive_deletes=True
    )
    entries: Mapped[list[ScoreEntry]] = relationship(
        cascade="all, delete-orphan", passive_deletes=True, order_by="ScoreEntry.id"
    )
    comments: Mapped[list[ScoreComment]] = relationship(
        cascade="all, delete-orphan", passive_deletes=True, order_by="ScoreComment.id"
    )


class ScoreFact(Base):
    """What a source came to in a month, and what people have said instead."""

    __tablename__ = "score_facts"

    sheet_id: Mapped[str] = mapped_column(
        ForeignKey("score_sheets.id", ondelete="CASCADE"), primary_key=True
    )
    criterion: Mapped[str] = mapped_column(primary_key=True)
    #: When it was read, in Unix time.
    at: Mapped[float]
    #: A number; None: not known, and why: a word of const.Why.
    value: Mapped[str | None]
    why: Mapped[str | None]
    #: Figures behind it, and ids of what was counted. No person.
    details: Mapped[dict[str, Any]] = mapped_column(JSON)
    stated: Mapped[str | None]
    left_out: Mapped[bool] = mapped_column(default=False)
    stated_at: Mapped[float | None]
    stated_by: Mapped[str | None]
    #: The digest of a note.
    note: Mapped[str | None]
    frozen: Mapped[bool] = mapped_column(default=False)


class ScoreEntry(Base):
    """Cases that somebody has entered."""

    __tablename__ = "score_entries"

    id: Mapped[str] = mapped_column(primary_key=True, default=ulid_now)
    sheet_id: Mapped[str] = mapped_column(
        ForeignKey("score_sheets.id", ondelete="CASCADE"), index=True
    )
    criterion: Mapped[str]
    cases: Mapped[int]
    #: Points of each case: a number.
    points: Mapped[str]
    #: Unix time.
    at: Mapped[float]
    who: Mapped[str | None]
    #: The digest of a note.
    note: Mapped[str | None]
    withdrawn_at: Mapped[float | None]
    withdrawn_by: Mapped[str | None]
    frozen: Mapped[bool] = mapped_column(default=False)
    photos: Mapped[list[ScorePhoto]] = relationship(
        cascade="all, delete-orphan", passive_deletes=True, order_by="ScorePhoto.id"
    )


class ScorePhoto(Base):
    """A photo that proves an entry: its file has the same id, the key to it is in a sealed row."""

    __tablename__ = "score_photos"

    id: Mapped[str] = mapped_column(primary_key=True)
    entry_id: Mapped[str] = mapped_column(
        ForeignKey("score_entries.id", ondelete="CASCADE"), index=True
    )
    #: The row of the vault with the key.
    sealed_id: Mapped[str]
    #: Of the JPEG.
    digest: Mapped[str]
    #: Unix time.
    at: Mapped[float]


class ScoreComment(Base):
    """What somebody has to say about a sheet that is open: a comment, or an appeal."""

    __tablename__ = "score_comments"

    id: Mapped[str] = mapped_column(primary_key=True, default=ulid_now)
    sheet_id: Mapped[str] = mapped_column(
        ForeignKey("score_sheets.id", ondelete="CASCADE"), index=True
    )
    #: What it is about; None: the sheet as a whole.
    criterion: Mapped[str | None]
    entry_id: Mapped[str | None]
    appeal: Mapped[bool]
    #: The digest of a note.
    note: Mapped[str]
    #: Unix time.
    at: Mapped[float]
    who: Mapped[str | None]
    #: A word of const.Outcome, and the digest of what was answered.
    outcome: Mapped[str | None]
    answer: Mapped[str | None]
    decided_at: Mapped[float | None]
    decided_by: Mapped[str | None]
    frozen: Mapped[bool] = mapped_column(default=False)


class ScoreRecord(Base):
    """What is frozen, each with the digest of the one before. The database refuses changes."""

    __tablename__ = "score_records"
    __table_args__ = (
        Index("ux_score_records_about", "kind", "period", "about", unique=True),
    )

    #: Counts up from 1, without a gap.
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    #: A word of const.RecordKind.
    kind: Mapped[str]
    #: A month, a quarter or half a year: 2027-01, 2027-Q1, 2027-H1.
    period: Mapped[str]
    #: What tells several of one kind and period apart.
    about: Mapped[str] = mapped_column(default="")
    #: Unix time.
    at: Mapped[float]
    #: The digest of the record before; of the first, nothing.
    previous: Mapped[str]
    digest: Mapped[str]
    #: Canonical JSON.
    body: Mapped[str]


class ScoreSample(Base):
    """How something was on a day that is a matter of the moment."""

    __tablename__ = "score_samples"

    day: Mapped[date] = mapped_column(primary_key=True)
    #: A word of const.Source.
    source: Mapped[str] = mapped_column(primary_key=True)
    #: Unix time.
    at: Mapped[float]
    #: Ids of cards or devices. No person.
    seen: Mapped[dict[str, Any]] = mapped_column(JSON)


class ScoreCount(Base):
    """A figure of a month that somebody has entered or imported; the last one counts."""

    __tablename__ = "score_counts"
    __table_args__ = (Index("ix_score_counts_month", "month", "kind"),)

    #: Counts up in the order in which they were entered.
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    month: Mapped[str]
    #: A word of const.CountKind.
    kind: Mapped[str]
    count: Mapped[int]
    #: Unix time.
    at: Mapped[float]
    who: Mapped[str | None]
    #: Of the file that it is from.
    file_digest: Mapped[str | None]
