"""The tables of the reports. A change here needs a step in migrations.py."""

import time

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from homeassistant.util.ulid import ulid_now

from ..places.models import SitePlace
from ..storage.base import Base


class HazardReport(Base):
    """A hazard that somebody has found. Who it was is not known, and not asked."""

    __tablename__ = "hazard_reports"
    __table_args__ = (Index("ux_hazard_reports_digest", "digest", unique=True),)

    id: Mapped[str] = mapped_column(primary_key=True, default=ulid_now)
    place_id: Mapped[str] = mapped_column(
        ForeignKey("places.id", ondelete="CASCADE"), index=True
    )
    #: A word of const.Category.
    category: Mapped[str]
    #: Somebody's life was said to be in danger.
    danger: Mapped[bool] = mapped_column(default=False)
    text: Mapped[str] = mapped_column(default="")
    #: Words of const.State and const.Party.
    state: Mapped[str]
    party: Mapped[str | None]
    #: The keyed hash of the receipt's token; the token is nowhere.
    digest: Mapped[str | None]
    #: Unix times.
    created_at: Mapped[float] = mapped_column(default=time.time)
    due_at: Mapped[float]
    mended_at: Mapped[float | None]
    closed_at: Mapped[float | None]
    #: It was mended, or closed, after it was due; once so, it stays so.
    late: Mapped[bool] = mapped_column(default=False)
    merged_into: Mapped[str | None] = mapped_column(
        ForeignKey("hazard_reports.id", ondelete="CASCADE"), index=True
    )
    #: Counts the changes.
    version: Mapped[int] = mapped_column(default=1)
    place: Mapped[SitePlace] = relationship()
    photos: Mapped[list[ReportPhoto]] = relationship(
        cascade="all, delete-orphan", passive_deletes=True, order_by="ReportPhoto.id"
    )
    steps: Mapped[list[ReportStep]] = relationship(
        cascade="all, delete-orphan",
        passive_deletes=True,
        order_by="(ReportStep.at, ReportStep.id)",
    )


class ReportPhoto(Base):
    """A photo: its file has the same id, and the key to it is in a sealed row."""

    __tablename__ = "report_photos"

    id: Mapped[str] = mapped_column(primary_key=True)
    report_id: Mapped[str] = mapped_column(
        ForeignKey("hazard_reports.id", ondelete="CASCADE"), index=True
    )
    #: A word of const.PhotoKind.
    kind: Mapped[str]
    #: The row of the vault with the key.
    sealed_id: Mapped[str]
    #: 64 bits, as 16 hexadecimal digits.
    fingerprint: Mapped[str]
    #: Pixels.
    width: Mapped[int]
    height: Mapped[int]
    #: Unix time.
    at: Mapped[float] = mapped_column(default=time.time)


class ReportStep(Base):
    """What was done about a report."""

    __tablename__ = "report_steps"
    __table_args__ = (Index("ux_report_steps_digest", "digest", unique=True),)

    id: Mapped[str] = mapped_column(primary_key=True, default=ulid_now)
    report_id: Mapped[str] = mapped_column(
        ForeignKey("hazard_reports.id", ondelete="CASCADE"), index=True
    )
    #: Unix time.
    at: Mapped[float] = mapped_column(default=time.time)
    #: A word of const.State, or of what else was done: added, blurred, removed.
    what: Mapped[str]
    #: Id of the Home Assistant user; None: whoever has the receipt, or nobody.
    who: Mapped[str | None]
    note: Mapped[str] = mapped_column(default="")
    #: The keyed hash of what is a form's alone, by which it was done: it is good once.
    digest: Mapped[str | None] = mapped_column(default=None)
