"""Commands at a desk: who comes in, and whose number is called."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, override

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from homeassistant.util.json import JsonValueType

from ..desk import queue
from ..desk.models import DeskArrival
from ..desk.queue import Outcome
from ..register import queries
from ..register.models import Lease, Unit
from ..storage.events import Kind
from ..storage.vault import Vault
from .cards import IssueCard
from .reading import moment
from .tenancy import CheckIn, Written
from .work import Command, OfUnit, Work, refused

type Answer = dict[str, JsonValueType]

#: Arrivals in one list.
MOST_ARRIVALS: Final = 200


@dataclass(frozen=True, slots=True)
class TakeNumber(Command[int]):
    """Return the next number of a desk; `desks` are those of the property."""

    name = "take_number"
    desk_id: str
    desks: Collection[str]

    @override
    def run(self, work: Work) -> int:
        _check(self.desk_id, self.desks)
        ticket = queue.take(work.session, self.desk_id, work.today, work.hand.now)
        work.audit()
        work.tell(Kind.QUEUE_CHANGED)
        return ticket.number


@dataclass(frozen=True, slots=True)
class CallNumber(Command[int | None]):
    """Call the number that has waited longest; return it, or None if nobody waits.

    What the caller has called before at this desk is over by that.
    """

    name = "call_number"
    desk_id: str
    desks: Collection[str]
    #: Nobody came with the one before.
    is_absent: bool = False

    @override
    def run(self, work: Work) -> int | None:
        _check(self.desk_id, self.desks)
        who, now = work.caller.user_id, work.hand.now
        outcome = Outcome.ABSENT if self.is_absent else Outcome.SERVED
        queue.end(work.session, self.desk_id, who, outcome, now)
        ticket = queue.call(work.session, self.desk_id, work.today, who, now)
        work.audit()
        work.tell(Kind.QUEUE_CHANGED)
        return ticket.number if ticket else None


def _check(desk_id: str, desks: Collection[str]) -> None:
    if desk_id not in desks:
        raise refused("no_such_desk")


@dataclass(frozen=True, slots=True)
class GetDesks(Command[None]):
    """Look at the desks and their queues; they are in memory, and nobody is in them."""

    name = "get_desks"

    @override
    def run(self, work: Work) -> None:
        work.audit()


@dataclass(frozen=True, slots=True)
class Arrived:
    """What has come of somebody's arrival."""

    written: Written
    card_id: str | None


@dataclass(frozen=True, slots=True)
class Arrive(OfUnit[Arrived]):
    """Check somebody in at a desk: who they are was looked at, what they were told, a card.

    All of it, or nothing.
    """

    name = "check_in_at_desk"
    check_in: CheckIn
    desk_id: str | None
    desks: Collection[str]
    #: Of the document nothing is written down: no number, and no kind.
    is_identified: bool
    is_briefed: bool
    box: Vault
    #: The number of a card that they are given.
    card: str | None = None

    @override
    def run(self, work: Work) -> Arrived:
        if self.desk_id is not None:
            _check(self.desk_id, self.desks)
        written = self.check_in.run(work)
        (person_id,), (lease_id,) = written.people, written.leases
        row = work.session.scalar(
            select(DeskArrival).where(DeskArrival.lease_id == lease_id)
        ) or DeskArrival(lease_id=lease_id)
        row.desk_id, row.at = self.desk_id, work.hand.now
        row.who = work.caller.user_id
        row.is_identified, row.is_briefed = self.is_identified, self.is_briefed
        work.session.add(row)
        work.session.flush()
        card_id = None
        if self.card is not None:
            card_id = IssueCard(self.box, self.card, person=person_id).run(work)
        return Arrived(written, card_id)


@dataclass(frozen=True, slots=True)
class GetArrivals(Command[list[Answer]]):
    """List who came in at a desk lately, the last first."""

    name = "get_arrivals"

    @override
    def run(self, work: Work) -> list[Answer]:
        work.audit()
        rows = work.session.scalars(
            select(DeskArrival)
            .join(DeskArrival.lease)
            .join(Unit, Unit.id == Lease.unit_id)
            .where(queries.is_there(), Lease.removed_at.is_(None))
            .order_by(DeskArrival.at.desc(), DeskArrival.id.desc())
            .limit(MOST_ARRIVALS)
            .options(joinedload(DeskArrival.lease).joinedload(Lease.person))
        ).all()
        for row in rows:
            work.audit(row.lease.unit_id, row.lease.person_id)
        return [
            {
                "person_id": row.lease.person_id,
                "name": work.named(row.lease.person.name, [row.lease.unit_id]),
                "unit_id": row.lease.unit_id,
                "role": row.lease.role,
                "at": moment(row.at),
                "who": row.who,
                "desk_id": row.desk_id,
                "identified": row.is_identified,
                "briefed": row.is_briefed,
            }
            for row in rows
        ]
