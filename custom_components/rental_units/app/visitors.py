"""Commands about visitors, whom a landlord lets in by a code, for some hours."""

from collections.abc import Collection
from dataclasses import dataclass
import secrets
from typing import Final, override

from sqlalchemy import func, select

from ..access_control import numbers
from ..access_control.const import Decision, Holder
from ..access_control.models import Card
from ..const import Role
from ..register import queries
from ..register.people import Contact
from ..storage.vault import Vault
from .cards import Answer, DecideCard, IssueCard, card_of, visits
from .units import unit_of
from .work import Command, NotCoveredError, OfUnit, Work, refused

#: Hours of a visit, and days until it begins, at the most.
MOST_HOURS: Final = 72
MOST_DAYS_AHEAD: Final = 14
#: Visits to a unit that are not over, and that are entered in a day, at the most.
MOST_OPEN: Final = 5
MOST_A_DAY: Final = 10
#: Ten digits that are a card's number in 32 bits: readers of codes send no more.
CODES: Final = range(1_000_000_000, 2**32)
#: Why nothing comes of a form that is sent twice.
FORM_TAKEN: Final = "form_taken"
_DAY: Final = 86_400


@dataclass(frozen=True, slots=True)
class InviteVisitor(OfUnit[Answer]):
    """Let somebody in, by a code, to the doors on the way to a unit; return it once.

    The door of the unit itself is not among them: others may live there. A visit ends with
    the stay of its host.
    """

    name = "invite_visitor"
    box: Vault
    visitor: Contact
    end: float
    #: Unix times; None: now.
    begin: float | None = None
    #: The landlord who asks. None: who asks does so for the whole property.
    host_id: str | None = None
    #: The digest of what is the form's alone by which they ask: it lets in one visitor.
    form_digest: str | None = None

    @override
    def run(self, work: Work) -> Answer:
        unit = unit_of(work, self.unit_id)
        self._check_host(work)
        self._check_form(work)
        self._check_limits(work)
        code = self._code(work)
        card_id = IssueCard(
            self.box,
            code,
            Holder.VISITOR,
            self.visitor,
            unit.id,
            begin=self.begin,
            end=self.end,
        ).run(work)
        card = work.session.get(Card, card_id)
        assert card
        card.host_id, card.form_digest = self.host_id, self.form_digest
        work.session.flush()
        return {"card_id": card_id, "code": code}

    def _check_host(self, work: Work) -> None:
        if self.host_id is None:
            if work.caller.permit.units is not None:
                raise NotCoveredError
            return
        leases = queries.leases_of(work.session, self.unit_id, work.today)
        if not any(
            row.person_id == self.host_id and row.role == Role.LANDLORD
            for row in leases
        ):
            raise NotCoveredError

    def _check_form(self, work: Work) -> None:
        if self.form_digest is None:
            return
        same = select(Card.id).where(Card.form_digest == self.form_digest)
        if work.session.scalar(same):
            raise refused(FORM_TAKEN)

    def _check_limits(self, work: Work) -> None:
        now = work.hand.now
        begin = self.begin or now
        if self.end > begin + MOST_HOURS * 3600:
            raise refused("visit_too_long", hours=str(MOST_HOURS))
        if begin > now + MOST_DAYS_AHEAD * _DAY:
            raise refused("visit_too_far", days=str(MOST_DAYS_AHEAD))
        visits = (
            select(func.count())
            .select_from(Card)
            .where(Card.unit_id == self.unit_id, Card.holder == Holder.VISITOR)
        )
        coming = visits.where(
            Card.end_at > now, Card.decision.in_((Decision.ISSUED, Decision.SUSPENDED))
        )
        if (work.session.scalar(coming) or 0) >= MOST_OPEN:
            raise refused("too_many_visits", count=str(MOST_OPEN))
        today = visits.where(Card.created_at > now - _DAY)
        if (work.session.scalar(today) or 0) >= MOST_A_DAY:
            raise refused("too_many_visits_today", count=str(MOST_A_DAY))

    def _code(self, work: Work) -> str:
        while True:
            code = str(CODES[secrets.randbelow(len(CODES))])
            if numbers.find(work.session, self.box, code) is None:
                return code


@dataclass(frozen=True, slots=True)
class EndVisit(Command[str]):
    """Let a visitor in no more; return the id of the card."""

    name = "end_visit"
    card_id: str
    #: Whose visitor it has to be. None: anybody's.
    host_id: str | None = None

    @override
    def run(self, work: Work) -> str:
        card = card_of(work, self.card_id)
        is_theirs = self.host_id is None or card.host_id == self.host_id
        if card.holder != Holder.VISITOR or not is_theirs:
            work.caller.check(None, "no_such_card")
        return DecideCard(self.card_id, Decision.REVOKED).run(work)


@dataclass(frozen=True, slots=True)
class GetOwnVisitors(Command[list[Answer]]):
    """Return whom somebody has let in to units of theirs, who come last first."""

    name = "get_visitors"
    unit_ids: Collection[str]
    host_id: str

    @property
    @override
    def units(self) -> Collection[str]:
        return self.unit_ids

    @override
    def run(self, work: Work) -> list[Answer]:
        return visits(
            work, Card.host_id == self.host_id, Card.unit_id.in_(self.unit_ids)
        )
