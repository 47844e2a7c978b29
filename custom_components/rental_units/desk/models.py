"""The tables of the desks. A change here needs a step in migrations.py."""

from datetime import date
import time

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from homeassistant.util.ulid import ulid_now

from ..register.models import Lease
from ..storage.base import Base


class DeskNotice(Base):
    """Something that is to be told to an authority about a lease, until a day."""

    __tablename__ = "desk_notices"
    __table_args__ = (
        Index("ux_desk_notices_lease_kind", "lease_id", "kind", unique=True),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=ulid_now)
    lease_id: Mapped[str] = mapped_column(ForeignKey("leases.id", ondelete="CASCADE"))
    #: Words of const.NoticeKind and const.NoticeState.
    kind: Mapped[str]
    state: Mapped[str] = mapped_column(index=True)
    #: The day that it is about, that its time counts from (later where what was told has
    #: changed), and its last day.
    begins_on: Mapped[date]
    counts_from: Mapped[date]
    due_on: Mapped[date]
    #: Of a day on the way it is only assumed if it is worked.
    is_assumed: Mapped[bool]
    #: When it was given or excused, in Unix time, by which user, and how: a word of
    #: const.How or const.Excuse.
    settled_at: Mapped[float | None]
    settled_by: Mapped[str | None]
    settled_how: Mapped[str | None]
    #: The number that whoever took it has given.
    receipt: Mapped[str] = mapped_column(default="")
    #: It was given after its last day; once so, it stays so.
    late: Mapped[bool] = mapped_column(default=False)
    #: The export that it was in last, the digest of what that said, and what it was there:
    #: a word of const.Change.
    export_id: Mapped[str | None] = mapped_column(
        ForeignKey("desk_exports.id", ondelete="SET NULL"), index=True
    )
    exported: Mapped[str | None]
    exported_as: Mapped[str | None]
    #: Counts the changes.
    version: Mapped[int] = mapped_column(default=1)
    lease: Mapped[Lease] = relationship()


class DeskExport(Base):
    """A file of notices that somebody has taken with them. Its id is its receipt."""

    __tablename__ = "desk_exports"

    id: Mapped[str] = mapped_column(primary_key=True, default=ulid_now)
    #: Unix time.
    at: Mapped[float] = mapped_column(default=time.time, index=True)
    #: Id of the Home Assistant user.
    who: Mapped[str | None]
    notices: Mapped[int]


class DeskState(Base):
    """What the desk of a property has to remember; there is one row."""

    __tablename__ = "desk_state"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    #: Since when notices are kept: what was due before that is nobody's here.
    since: Mapped[date]


class DeskTicket(Base):
    """A number of a desk's queue. Nobody's name is with it."""

    __tablename__ = "desk_tickets"
    __table_args__ = (
        Index("ux_desk_tickets_number", "desk_id", "day", "number", unique=True),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=ulid_now)
    #: The id of its subentry.
    desk_id: Mapped[str]
    day: Mapped[date] = mapped_column(index=True)
    number: Mapped[int]
    #: Unix times; None: not yet.
    taken_at: Mapped[float]
    called_at: Mapped[float | None]
    #: Id of the Home Assistant user, None for an automation.
    called_by: Mapped[str | None]
    ended_at: Mapped[float | None]
    #: A word of queue.Outcome.
    outcome: Mapped[str | None]


class DeskArrival(Base):
    """That somebody came in at a desk, and what was done then. It goes with their lease."""

    __tablename__ = "desk_arrivals"
    __table_args__ = (Index("ux_desk_arrivals_lease_id", "lease_id", unique=True),)

    id: Mapped[str] = mapped_column(primary_key=True, default=ulid_now)
    lease_id: Mapped[str] = mapped_column(ForeignKey("leases.id", ondelete="CASCADE"))
    #: The id of its subentry; None: at none that is set up.
    desk_id: Mapped[str | None]
    #: Unix time, and the id of the Home Assistant user.
    at: Mapped[float] = mapped_column(index=True)
    who: Mapped[str | None]
    #: Somebody has looked who they are. Of the document nothing is kept.
    is_identified: Mapped[bool]
    #: They were told of exits and charging, and whom to call.
    is_briefed: Mapped[bool]
    lease: Mapped[Lease] = relationship()
