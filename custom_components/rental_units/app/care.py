"""Commands about watches for signs of life.

What a watch knows of somebody is in memory, and in the vault: a command is given what is to be
in the vault once it is done, and writes it in its one transaction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final, override

from sqlalchemy import exists, select

from homeassistant.util.json import JsonValueType

from ..care import rows
from ..care.const import KIND, MOST_MONTHS, PERINATAL_DAYS, Count
from ..care.models import CareWatch
from ..register import consents, queries
from ..register.models import Grant, Person
from ..register.people import Contact
from ..storage import vault
from ..storage.events import Kind
from ..storage.vault import Vault
from .consents import GiveConsent
from .contacts import tell_person
from .reading import moment
from .tenancy import person_of
from .work import Command, NotCoveredError, Work, refused

type Answer = dict[str, JsonValueType]

#: What somebody may be told to do about a watch: each is a command of the table.
STATED: Final = frozenset(
    {"care_answer", "care_away", "care_pause", "care_guests", "care_close"}
)


@dataclass(frozen=True, slots=True)
class Named:
    """Somebody whom a person names, and in which turn they are told."""

    who: str | Contact
    turn: int


def _watch_of(work: Work, watch_id: str) -> CareWatch:
    """Return a watch that the caller may see to.

    Who may in their own flat may for themselves, and for nobody who lives with them. Raises
    ServiceValidationError, NotCoveredError.
    """
    watch = work.session.get(CareWatch, watch_id)
    work.caller.check([watch.unit_id] if watch else None, "no_such_watch")
    assert watch
    if work.caller.permit.units is not None and not _is_caller(
        work, watch.consent.person_id
    ):
        raise NotCoveredError
    return watch


def _is_caller(work: Work, person_id: str) -> bool:
    """Return if somebody is who asks, as their role says."""
    is_theirs = exists().where(
        Grant.user_id == work.caller.user_id, Grant.person_id == person_id
    )
    return bool(work.session.scalar(select(is_theirs)))


def _audit(work: Work, watch: CareWatch) -> Person:
    """Write down whose watch it was about; return who that is."""
    person = work.session.get_one(Person, watch.consent.person_id)
    work.audit(watch.unit_id, person.id)
    return person


def perinatal_end(born: date) -> date:
    """Return the last day of a watch that was begun because of a birth."""
    return born + timedelta(days=PERINATAL_DAYS)


@dataclass(frozen=True, slots=True)
class StartWatch(Command[str]):
    """Begin to watch somebody who agrees to it, and write that down; return the watch's id."""

    name = "care_start"
    box: Vault
    person_id: str
    unit_id: str
    #: What is in the vault at first.
    text: str = field(repr=False)
    contacts: Sequence[Named]
    until: date | None = None
    in_charge: str | None = None

    @override
    def run(self, work: Work) -> str:
        person = person_of(work, self.person_id)
        if not any(
            row.person_id == person.id
            for row in queries.leases_of(work.session, self.unit_id, work.today)
        ):
            raise refused("care_not_there")
        _give(work, person.id, self.contacts, self.until)
        consent = consents.consent_of(work.session, person.id, KIND)
        assert consent
        if rows.watch_of(work.session, consent):
            raise refused("care_watched")
        # What was kept by a consent without a watch is nobody's.
        vault.forget_person(work.session, person.id, KIND)
        watch = rows.put(
            work.session,
            self.box,
            consent,
            self.unit_id,
            self.text,
            in_charge=self.in_charge,
            who=work.caller.user_id,
            now=work.hand.now,
        )
        _audit(work, watch)
        work.tell(Kind.CARE_CHANGED, self.unit_id, person.id)
        return watch.id


def _give(
    work: Work, person_id: str, contacts: Sequence[Named], until: date | None
) -> None:
    """Write down what somebody agrees to, and whom they have named, each in their turn."""
    if not contacts:
        raise refused("care_nobody")
    # By their turns: who is named first is first among those of one turn.
    ordered = sorted(contacts, key=lambda row: row.turn)
    ids = GiveConsent(person_id, KIND, [row.who for row in ordered], until).run(work)
    consent = consents.consent_of(work.session, person_id, KIND)
    assert consent
    turns: dict[str, int] = {}
    for key, row in zip(ids, ordered, strict=True):
        turns.setdefault(key, row.turn)
    for contact in consent.contacts:
        contact.turn = turns[contact.person_id]
    work.session.flush()


@dataclass(frozen=True, slots=True)
class ChangeWatch(Command[None]):
    """Change by what somebody is heard, who is told, until when, or who sees to it."""

    name = "care_change"
    box: Vault
    watch_id: str
    #: What is in the vault then.
    text: str = field(repr=False)
    #: None: as before.
    contacts: Sequence[Named] | None = None
    #: What is said anew: `until` and `in_charge`, each may be None.
    said: Mapping[str, Any] = field(default_factory=dict)

    @override
    def run(self, work: Work) -> None:
        watch = _watch_of(work, self.watch_id)
        person = _audit(work, watch)
        until = self.said.get("until", watch.consent.until)
        if self.contacts is not None:
            _give(work, person.id, self.contacts, until)
        elif "until" in self.said:
            contacts = [row.person_id for row in watch.consent.contacts]
            GiveConsent(person.id, KIND, contacts, until).run(work)
        if "in_charge" in self.said:
            watch.in_charge = self.said["in_charge"]
        self.box.rewrite(work.session, watch.sealed_id, self.text)
        work.tell(Kind.CARE_CHANGED, watch.unit_id, person.id)


@dataclass(frozen=True, slots=True)
class RevokeWatch(Command[None]):
    """End a watch and the consent to it at once, with all that was learned."""

    name = "care_revoke"
    watch_id: str

    @override
    def run(self, work: Work) -> None:
        watch = _watch_of(work, self.watch_id)
        person = _audit(work, watch)
        unit_id = watch.unit_id
        # As loaded, it would be looked for once it has gone with the consent.
        consent = watch.consent
        work.session.expunge(watch)
        consents.end(work.session, consent)
        work.tell(Kind.CARE_CHANGED, unit_id, person.id)
        tell_person(work, person, Kind.CONSENT_ENDED)
        queries.forget_strangers(work.session, work.keep)


@dataclass(frozen=True, slots=True)
class EndWatches(Command[None]):
    """End the watches over those who live there no more, with all that was learned."""

    name = "care_revoke"

    @override
    def run(self, work: Work) -> None:
        for watch in rows.moved_out(work.session, work.today):
            person = _audit(work, watch)
            work.tell(Kind.CARE_CHANGED, watch.unit_id, person.id)
            rows.end(work.session, watch)


@dataclass(frozen=True, slots=True)
class StateWatch(Command[None]):
    """Write what somebody says of a person: an answer, an absence, a pause, what was found."""

    name = "care_answer"
    box: Vault
    watch_id: str
    #: A word of STATED.
    state: str
    text: str = field(repr=False)
    count: Count | None = None

    @property
    @override
    def what(self) -> str:
        assert self.state in STATED
        return self.state

    @override
    def run(self, work: Work) -> None:
        watch = _watch_of(work, self.watch_id)
        _audit(work, watch)
        self.box.rewrite(work.session, watch.sealed_id, self.text)
        if self.count:
            rows.count(work.session, f"{work.today:%Y-%m}", self.count)


@dataclass(frozen=True, slots=True)
class GetWatches(Command[dict[str, Answer]]):
    """Return who is watched, by the ids of the watches; how it stands is in memory."""

    name = "care_list"

    @override
    def run(self, work: Work) -> dict[str, Answer]:
        work.audit()
        found = work.session.scalars(select(CareWatch).order_by(CareWatch.id)).all()
        return {
            row.id: _described(work, row)
            for row in found
            if work.caller.covers([row.unit_id])
        }


def _described(work: Work, watch: CareWatch) -> Answer:
    person = _audit(work, watch)
    until = watch.consent.until
    return {
        "watch_id": watch.id,
        "person_id": person.id,
        "name": work.named(person.name, [watch.unit_id]),
        "unit_id": watch.unit_id,
        "in_charge": watch.in_charge,
        "started_at": moment(watch.started_at),
        "until": until.isoformat() if until else None,
    }


@dataclass(frozen=True, slots=True)
class GetWatch(Command[Answer]):
    """Return who is watched, and whom they have named."""

    name = "care_get"
    watch_id: str

    @override
    def run(self, work: Work) -> Answer:
        watch = _watch_of(work, self.watch_id)
        contacts = watch.consent.contacts
        for row in contacts:
            work.audit(person_id=row.person_id)
        return {
            **_described(work, watch),
            "started_by": watch.started_by,
            "contacts": [
                {
                    "person_id": row.person_id,
                    "name": work.named(row.person.name, None),
                    "turn": row.turn,
                }
                for row in contacts
            ],
        }


@dataclass(frozen=True, slots=True)
class GetCareFigures(Command[list[Answer]]):
    """Return how often people were asked and others told, by month, and how it was found."""

    name = "care_figures"

    @override
    def run(self, work: Work) -> list[Answer]:
        work.audit()
        return [
            {"month": row.month, **{str(what): getattr(row, what) for what in Count}}
            for row in rows.months(work.session, MOST_MONTHS)
        ]


@dataclass(frozen=True, slots=True)
class ProposeSources(Command[None]):
    """Look through the things of a unit by which somebody may be heard: nobody is in it."""

    name = "care_start"
    unit_id: str

    @override
    def run(self, work: Work) -> None:
        work.audit(self.unit_id)
