"""Leases as history: each thing that somebody says of a stay is a row that stays.

What a lease comes to (`Lease.start`, `end`, `left_on`, `gone_from`) is found anew from all
its rows after each. A row can be undone, for a while, by a row that says so.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from homeassistant.exceptions import ServiceValidationError
from homeassistant.util.ulid import ulid_now

from ..const import DOMAIN
from ..storage.events import Happened, Kind
from .models import Lease, LeaseChange

#: How long a change can be undone, and something removed be brought back.
UNDO_DAYS: Final = 30
#: How far from today a day of leaving may be: beyond it is a slip of the pen in the year.
MOST_DAYS_BACK: Final = 92
MOST_DAYS_AHEAD: Final = 366


class What(StrEnum):
    """What a row of the history says."""

    STARTED = "started"
    RENEWED = "renewed"
    CORRECTED = "corrected"
    LEFT = "left"
    STAYS = "stays"
    REMOVED = "removed"
    RESTORED = "restored"
    UNDONE = "undone"


#: By what somebody is in a unit no more.
ENDS: Final = (What.LEFT, What.REMOVED)
#: What of a history the rest of the house wants to hear of.
_EVENTS: Final = {
    What.STARTED: Kind.LEASE_STARTED,
    What.RENEWED: Kind.LEASE_RENEWED,
    What.CORRECTED: Kind.LEASE_CORRECTED,
    What.LEFT: Kind.PERSON_LEFT,
    What.STAYS: Kind.LEASE_CORRECTED,
    What.REMOVED: Kind.LEASE_ENDED,
    What.RESTORED: Kind.LEASE_RESTORED,
    What.UNDONE: Kind.LEASE_CORRECTED,
}


@dataclass(frozen=True, slots=True)
class Hand:
    """Who writes, when, and by which command; it collects what has happened."""

    today: date
    #: Unix time.
    now: float
    who: str | None = None
    command_id: str = field(default_factory=ulid_now)
    happened: list[Happened] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Period:
    """The time of one contract; a day that is None is not known, or open."""

    #: The row that began it.
    id: str
    start: date | None
    end: date | None


@dataclass(frozen=True, slots=True)
class State:
    """What a history comes to."""

    periods: tuple[Period, ...] = ()
    left_on: date | None = None
    gone_from: date | None = None
    is_removed: bool = False

    @property
    def start(self) -> date | None:
        """Return the first day of all; None if it is not known."""
        starts = [row.start for row in self.periods]
        return None if None in starts else min(filter(None, starts), default=None)

    @property
    def end(self) -> date | None:
        """Return the end of the contract: that of the last period."""
        return self.periods[-1].end if self.periods else None


def fold(history: Iterable[LeaseChange]) -> State:
    """Return what the rows of a history come to, in their order."""
    rows = list(history)
    undone = {row.about for row in rows if row.what == What.UNDONE}
    periods: dict[str, Period] = {}
    left_on = gone_from = None
    is_removed = False
    for row in rows:
        if row.id in undone:
            continue
        match row.what:
            case What.STARTED | What.RENEWED:
                periods[row.id] = Period(row.id, row.start, row.end)
            case What.CORRECTED if row.about in periods:
                periods[row.about] = Period(row.about, row.start, row.end)
            case What.LEFT:
                left_on, gone_from = row.left_on, row.gone_from
            case What.STAYS:
                left_on = gone_from = None
            case What.REMOVED:
                is_removed = True
            case What.RESTORED:
                is_removed = False
    ordered = sorted(periods.values(), key=lambda row: row.start or date.min)
    # Without a beginning it never was.
    return State(tuple(ordered), left_on, gone_from, is_removed or not ordered)


def begin(
    session: Session,
    hand: Hand,
    unit_id: str,
    person_id: str,
    role: str,
    *,
    start: date | None,
    end: date | None,
) -> Lease:
    """Let somebody's stay begin. Raises ServiceValidationError."""
    check_order(start, end)
    lease = Lease(
        id=ulid_now(), unit_id=unit_id, person_id=person_id, role=role, version=0
    )
    lease.history = []
    session.add(lease)
    write(hand, lease, What.STARTED, start=start, end=end)
    return lease


def state_of(lease: Lease) -> State:
    """Return what the history of a lease comes to."""
    _complete(lease)
    return fold(lease.history)


def _complete(lease: Lease) -> None:
    """Give a history to a lease that was written by who knows none."""
    if lease.history:
        return
    lease.history.append(
        LeaseChange(
            id=ulid_now(),
            number=1,
            what=What.STARTED,
            start=lease.start,
            end=lease.end,
        )
    )


def write(
    hand: Hand,
    lease: Lease,
    what: What,
    *,
    start: date | None = None,
    end: date | None = None,
    left_on: date | None = None,
    gone_from: date | None = None,
    about: str | None = None,
) -> None:
    """Add a row to the history of a lease, and find what it comes to now."""
    if what is not What.STARTED:
        _complete(lease)
    lease.history.append(
        LeaseChange(
            id=ulid_now(),
            number=len(lease.history) + 1,
            what=what,
            start=start,
            end=end,
            left_on=left_on,
            gone_from=gone_from,
            about=about,
            command_id=hand.command_id,
            at=hand.now,
            who=hand.who,
        )
    )
    state = state_of(lease)
    lease.start, lease.end = state.start, state.end
    lease.left_on, lease.gone_from = state.left_on, state.gone_from
    lease.version = len(lease.history)
    if not state.is_removed:
        lease.removed_at = None
    elif lease.removed_at is None:
        lease.removed_at = hand.now
    hand.happened.append(
        Happened(_EVENTS[what], lease.unit_id, lease.person_id, lease.id)
    )


def renew(hand: Hand, lease: Lease, start: date | None, end: date | None) -> None:
    """Add a contract's period; without a start, it follows the one of before.

    Raises ServiceValidationError.
    """
    if start is None and lease.end:
        start = lease.end + timedelta(days=1)
    elif start is None:
        # Who is yet to come does not come sooner by it.
        start = max(state_of(lease).periods[-1].start or hand.today, hand.today)
    check_order(start, end)
    write(hand, lease, What.RENEWED, start=start, end=end)


def correct(
    hand: Hand, lease: Lease, period: Period, start: date | None, end: date | None
) -> None:
    """Say that a contract's period was written down wrongly.

    Raises ServiceValidationError.
    """
    check_order(start, end)
    write(hand, lease, What.CORRECTED, start=start, end=end, about=period.id)


def put_dates(
    hand: Hand, lease: Lease, start: date | None, end: date | None, *, keep: bool
) -> bool:
    """Bring a lease to what a form, a file or a second check-in says of it.

    With `keep`, a day that is None is not said; without, it is open. What goes on beyond
    the contract is a renewal, and nothing of before is lost; the rest is a correction, as
    are other days of a renewal that is yet to begin.
    Returns if anything was written. Raises ServiceValidationError.
    """
    check_order(start, end)
    state = state_of(lease)
    if keep and start is None:
        start = state.start
    if keep and any((row.start, row.end) == (start, end) for row in state.periods):
        # What is known already: an old file does not take a renewal back.
        return False
    is_there = state.start is None or state.start <= hand.today
    first, last = state.periods[0], state.periods[-1]
    begins = last.start or date.min
    if start and (
        (state.end and start > state.end)
        or (is_there and start > hand.today)
        or (last is not first and start > begins)
    ):
        if keep and end is None and state.end and start <= state.end:
            end = state.end
        if (start, end) == (last.start, last.end):
            return False
        if start <= begins and (end is None or end >= begins):
            correct(hand, lease, last, start, end)
        else:
            renew(hand, lease, start, end)
        return True
    if keep and end is None:
        end = state.end
        check_order(start, end)
    if (start, end) == (state.start, state.end):
        return False
    if start != state.start:
        both = first is last
        correct(hand, lease, first, start, end if both else first.end)
        if both or end == state.end:
            return True
    if state.end and (end is None or end > state.end):
        renew(hand, lease, None, end)
    else:
        correct(hand, lease, last, last.start if last is not first else start, end)
    return True


def leave(hand: Hand, lease: Lease, day: date) -> None:
    """Say that somebody leaves, or has left. Raises ServiceValidationError.

    Who is to leave is told until that day is over: they may pack until midnight.
    """
    if lease.start and day < lease.start:
        raise _refused("left_before_start")
    if day < hand.today - timedelta(days=MOST_DAYS_BACK):
        raise _refused("left_too_long_ago")
    if day > hand.today + timedelta(days=MOST_DAYS_AHEAD):
        raise _refused("leaves_too_late")
    gone_from = day + timedelta(days=1) if day > hand.today else day
    write(hand, lease, What.LEFT, left_on=day, gone_from=gone_from)


def stay(hand: Hand, lease: Lease) -> None:
    """Take back a leaving that was planned."""
    write(hand, lease, What.STAYS)


def remove(hand: Hand, lease: Lease) -> None:
    """Let a lease count for nothing: it was a mistake. It can be brought back."""
    write(hand, lease, What.REMOVED)


def rows_of_command(session: Session, command_id: str) -> Sequence[LeaseChange]:
    """Return what a command wrote into the histories."""
    return session.scalars(
        select(LeaseChange)
        .where(LeaseChange.command_id == command_id)
        .order_by(LeaseChange.number.desc())
    ).all()


def _counting(lease: Lease) -> list[LeaseChange]:
    """Return what of a history counts: what was not undone."""
    undone = {row.about for row in lease.history if row.what == What.UNDONE}
    return [
        row for row in lease.history if row.what != What.UNDONE and row.id not in undone
    ]


def ended_lately(session: Session, hand: Hand, unit_id: str) -> list[LeaseChange]:
    """Return by what people are in a unit no more, as far as it can be undone, the last first."""
    rows = session.scalars(
        select(LeaseChange)
        .join(LeaseChange.lease)
        .where(
            Lease.unit_id == unit_id,
            LeaseChange.what.in_(ENDS),
            LeaseChange.command_id.is_not(None),
            LeaseChange.at >= hand.now - UNDO_DAYS * 86_400,
        )
        .order_by(LeaseChange.at.desc(), LeaseChange.id.desc())
    )
    return [
        row
        for row in rows
        if _counting(row.lease)[-1] is row
        # Who is to leave is there until then.
        and (row.gone_from is None or row.gone_from <= hand.today)
    ]


def undo(session: Session, hand: Hand, command_id: str) -> list[Lease]:
    """Undo what a command wrote into the histories. Raises ServiceValidationError.

    It must be the last that counts in each of them, and not too long ago.
    """
    rows = rows_of_command(session, command_id)
    if not rows:
        raise _refused("nothing_to_undo")
    leases: dict[str, Lease] = {}
    for row in rows:
        lease = leases.setdefault(row.lease_id, row.lease)
        counting = _counting(lease)
        if row not in counting:
            raise _refused("nothing_to_undo")
        if counting[-1] is not row:
            raise _refused("changed_since")
        if row.at is None or hand.now - row.at > UNDO_DAYS * 86_400:
            raise _refused("undo_too_late")
        write(hand, lease, What.UNDONE, about=row.id)
    return list(leases.values())


def check_order(start: date | None, end: date | None) -> None:
    """Raise ServiceValidationError for a lease that ends before it begins."""
    if start and end and end < start:
        raise _refused("lease_order")


def _refused(key: str) -> ServiceValidationError:
    return ServiceValidationError(
        translation_domain=DOMAIN,
        translation_key=key,
        translation_placeholders={
            "left_too_long_ago": {"days": str(MOST_DAYS_BACK)},
            "leaves_too_late": {"days": str(MOST_DAYS_AHEAD)},
            "undo_too_late": {"days": str(UNDO_DAYS)},
        }.get(key),
    )
