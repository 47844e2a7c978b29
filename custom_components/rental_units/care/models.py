"""The tables of the watches. A change here needs a step in migrations.py.

By what somebody is heard, what is usual for them and how it stands is in the vault, encrypted.
"""

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from homeassistant.util.ulid import ulid_now

from ..register.models import Consent
from ..storage.base import Base


class CareWatch(Base):
    """That a consent to be watched is made use of; it goes with the consent."""

    __tablename__ = "care_watches"
    __table_args__ = (Index("ux_care_watches_consent_id", "consent_id", unique=True),)

    id: Mapped[str] = mapped_column(primary_key=True, default=ulid_now)
    #: Who is watched, until when, and whom they have named.
    consent_id: Mapped[str] = mapped_column(
        ForeignKey("consents.id", ondelete="CASCADE")
    )
    #: Where they live.
    unit_id: Mapped[str] = mapped_column(
        ForeignKey("units.id", ondelete="CASCADE", onupdate="CASCADE"), index=True
    )
    #: The user who sees to it; None: nobody in particular.
    in_charge: Mapped[str | None]
    #: Unix time, and the id of the user.
    started_at: Mapped[float]
    started_by: Mapped[str | None]
    #: The row of the vault.
    sealed_id: Mapped[str]
    consent: Mapped[Consent] = relationship()


class CareMonth(Base):
    """How often somebody was asked and others were told in a month, and how it was found."""

    __tablename__ = "care_months"

    #: As 2026-03.
    month: Mapped[str] = mapped_column(primary_key=True)
    asked: Mapped[int] = mapped_column(default=0)
    told: Mapped[int] = mapped_column(default=0)
    needless: Mapped[int] = mapped_column(default=0)
    real: Mapped[int] = mapped_column(default=0)


class CareLooked(Base):
    """Until when all that can be heard was: one row."""

    __tablename__ = "care_looked"

    number: Mapped[int] = mapped_column(primary_key=True)
    #: Unix time.
    at: Mapped[float]
