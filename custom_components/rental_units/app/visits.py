"""Commands about rounds: who is visited how often, who is due, and what was found."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final, override

from sqlalchemy import select

from homeassistant.util import dt as dt_util
from homeassistant.util.json import JsonValueType

from ..care.visits import rows
from ..care.visits.rules import (
    CareVisit,
    Cause,
    Due,
    Event,
    NoScan,
    Outcome,
    Risk,
    Round,
    due,
)
from ..const import Reason
from ..places.models import PlaceCode, SitePlace
from ..places.rows import is_there
from ..register import queries
from ..register.models import Person
from ..storage.events import Kind
from ..storage.vault import Vault
from .reading import moment
from .tenancy import person_of
from .work import Command, NotCoveredError, Work, overtaken, refused

type Answer = dict[str, JsonValueType]

#: Visits in an answer, the newest first.
MOST_VISITS: Final = 50
#: Days that are called a week from today.
_WEEK: Final = timedelta(days=7)


def _is_own(work: Work, found: Round) -> bool:
    """Return if a round is the caller's: they are in charge, or may see to all."""
    is_own = found.in_charge is not None and found.in_charge == work.caller.user_id
    return is_own or work.caller.may("any_round", work.why) is not None


def _round_of(work: Work, box: Vault, person_id: str) -> Round:
    """Return a round of the caller's. Raises ServiceValidationError, NotCoveredError."""
    found = rows.of(work.session, box, work.today, person_id)
    if found is None:
        if not work.caller.may("any_round", work.why):
            raise NotCoveredError
        raise refused("no_such_round")
    if not _is_own(work, found):
        raise NotCoveredError
    return found


def _due(work: Work, found: Round) -> Due:
    return due(found, work.hand.now, dt_util.get_default_time_zone())


def _when(its: Due, now: float, today: date) -> str:
    """Return under which heading somebody is, who lives here."""
    if its.is_overdue(now):
        return "overdue"
    if its.day <= today:
        return "today"
    return "week" if its.day < today + _WEEK else "later"


def _describe(work: Work, person: Person, found: Round) -> Answer:
    """Return a round for an answer, without what anybody wrote."""
    its, now = _due(work, found), work.hand.now
    done = found.done_at(now)
    last = max(found.visits, key=lambda row: row.at, default=None)
    return {
        "person_id": person.id,
        "name": work.named(person.name, [found.home] if found.home else None),
        "unit_id": found.home,
        "risk": found.risk,
        "in_charge": found.in_charge,
        "version": found.version,
        "when": "away" if found.gone_on else _when(its, now, work.today),
        "due_at": moment(its.at),
        "next_on": its.next_on(work.today).isoformat(),
        "cause": its.event.cause if its.event else None,
        "missed": its.missed,
        "done_at": moment(done),
        "last": {"at": moment(last.at), "outcome": last.outcome} if last else None,
    }


def _visit(row: CareVisit) -> Answer:
    return {
        "at": moment(row.at),
        "who": row.who,
        "outcome": row.outcome,
        "note": row.note,
        "no_scan": row.no_scan,
    }


@dataclass(frozen=True, slots=True)
class GetRounds(Command[list[Answer]]):
    """List who is to be visited, the most urgent first: all, or those of one unit.

    What anybody wrote is not in it, but for what whoever stands at the door has to know.
    """

    name = "get_rounds"
    vault: Vault
    unit_id: str | None = None

    @override
    def run(self, work: Work) -> list[Answer]:
        found = {
            person_id: row
            for person_id, row in rows.read(
                work.session, self.vault, work.today
            ).items()
            if _is_own(work, row) and self.unit_id in (None, row.home)
        }
        people = queries.people(work.session, list(found))
        work.audit(self.unit_id)
        if work.why != Reason.MANAGEMENT or self.unit_id:
            for person_id in people:
                work.audit(found[person_id].home, person_id)
        answer = [
            {
                **_describe(work, person, found[person_id]),
                **({"note": found[person_id].note} if self.unit_id else {}),
            }
            for person_id, person in people.items()
        ]
        return sorted(answer, key=lambda row: (str(row["due_at"]), str(row["name"])))


@dataclass(frozen=True, slots=True)
class GetRound(Command[Answer]):
    """Show how somebody is visited, and what was found."""

    name = "get_round"
    person_id: str
    vault: Vault

    @override
    def run(self, work: Work) -> Answer:
        found = _round_of(work, self.vault, self.person_id)
        person = work.session.get_one(Person, self.person_id)
        work.audit(found.home, person.id)
        newest = sorted(found.visits, key=lambda row: row.at, reverse=True)
        return {
            **_describe(work, person, found),
            "since": moment(found.since),
            "note": found.note,
            "events": [
                {"cause": row.cause, "at": moment(row.at)} for row in found.events
            ],
            "visits": [_visit(row) for row in newest[:MOST_VISITS]],
        }


@dataclass(frozen=True, slots=True)
class PutRound(Command[Answer]):
    """Say how often somebody is visited who has agreed to it, and who sees to it."""

    name = "put_round"
    person_id: str
    risk: Risk
    vault: Vault
    in_charge: str | None = None
    note: str = ""
    #: At whose door; None: where they live.
    unit_id: str | None = None
    version: int | None = None

    @override
    def run(self, work: Work) -> Answer:
        person = person_of(work, self.person_id)
        before = rows.of(work.session, self.vault, work.today, person.id)
        if self.version not in (None, before.version if before else 0):
            raise overtaken("round_changed")
        if not rows.has_agreed(work.session, person.id, work.today):
            raise refused("no_consent_to_visits")
        now = work.hand.now
        home = self._home(work, before)
        found = before or Round(risk=self.risk, since=now, said_at=now, version=0)
        found = replace(
            found,
            risk=self.risk,
            said_at=now,
            in_charge=self.in_charge,
            note=self.note.strip(),
            home=home,
            gone_on=None,
            version=found.version + 1,
        )
        _write(work, self.vault, person.id, found)
        return _describe(work, person, found)

    def _home(self, work: Work, before: Round | None) -> str:
        units = rows.homes(work.session, [self.person_id], work.today)[
            self.person_id
        ].units
        if not units:
            raise refused("lives_nowhere")
        wanted = self.unit_id or (before.home if before else None)
        if wanted in units:
            return wanted
        if self.unit_id or len(units) > 1:
            raise refused("which_home")
        return units[0]


@dataclass(frozen=True, slots=True)
class ShowRoundForm(Command[Answer]):
    """Return what a form about somebody's round begins with: at which doors they may be met."""

    name = "put_round"
    person_id: str
    vault: Vault

    @override
    def run(self, work: Work) -> Answer:
        person = person_of(work, self.person_id)
        work.audit(person_id=person.id, what="get_round")
        found = rows.of(work.session, self.vault, work.today, person.id)
        homes = rows.homes(work.session, [person.id], work.today)[person.id]
        return {
            "agreed": rows.has_agreed(work.session, person.id, work.today),
            "homes": list[JsonValueType](homes.units),
            "version": found.version if found else 0,
            "risk": found.risk if found else None,
            "in_charge": found.in_charge if found else None,
            "unit_id": found.home if found else None,
            "note": found.note if found else "",
        }


@dataclass(frozen=True, slots=True)
class EndRound(Command[None]):
    """Visit somebody no more, and forget all that was found; their consent stays."""

    name = "end_round"
    person_id: str
    vault: Vault

    @override
    def run(self, work: Work) -> None:
        found = _round_of(work, self.vault, self.person_id)
        rows.drop(work.session, self.person_id)
        work.audit(found.home, self.person_id)
        work.tell(Kind.ROUND_CHANGED, found.home, self.person_id)


@dataclass(frozen=True, slots=True)
class RequestVisit(Command[Answer]):
    """Let somebody be visited within a day; return until when."""

    name = "request_visit"
    person_id: str
    vault: Vault

    @override
    def run(self, work: Work) -> Answer:
        event = Event(Cause.REQUESTED, work.hand.now)
        found = rows.want(work.session, self.vault, self.person_id, event, work.today)
        if found is None:
            raise refused("no_such_round")
        work.audit(found.home, self.person_id)
        work.tell(Kind.ROUND_CHANGED, found.home, self.person_id)
        return {"person_id": self.person_id, "due_at": moment(_due(work, found).at)}


@dataclass(frozen=True, slots=True)
class RecordVisit(Command[Answer]):
    """Write down that one was at somebody's door, now, and what was found.

    With the plate's code: it hangs at that door, and is valid now. Without it, why not.
    """

    name = "record_visit"
    person_id: str
    outcome: Outcome
    vault: Vault
    note: str = ""
    #: What the code's token is found by.
    digest: str | None = None
    no_scan: NoScan | None = None

    @override
    def run(self, work: Work) -> Answer:
        if (self.digest is None) == (self.no_scan is None):
            raise refused("scan_or_why_not")
        before = _round_of(work, self.vault, self.person_id)
        if self.digest:
            self._check_door(work, self.digest, before)
        visit = CareVisit(
            at=work.hand.now,
            who=work.caller.user_id,
            outcome=self.outcome,
            note=self.note.strip(),
            no_scan=self.no_scan,
        )
        found = before.visited(visit)
        _write(work, self.vault, self.person_id, found)
        its = _due(work, found)
        return {
            "person_id": self.person_id,
            "due_at": moment(its.at),
            "next_on": its.next_on(work.today).isoformat(),
            "missed": its.missed,
        }

    @staticmethod
    def _check_door(work: Work, digest: str, found: Round) -> None:
        unit_id = work.session.scalar(
            select(SitePlace.unit_id)
            .join(PlaceCode, PlaceCode.place_id == SitePlace.id)
            .where(
                PlaceCode.digest == digest, PlaceCode.revoked_at.is_(None), is_there()
            )
        )
        if unit_id is None or unit_id != found.home:
            raise refused("not_their_door")


def _write(work: Work, box: Vault, person_id: str, found: Round) -> None:
    rows.put(work.session, box, person_id, found)
    work.audit(found.home, person_id)
    work.tell(Kind.ROUND_CHANGED, found.home, person_id)
