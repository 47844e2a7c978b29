"""Commands about what people have agreed to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import override

from homeassistant.util.json import JsonValueType

from ..const import ConsentScope
from ..register import consents, queries
from ..register.models import Person
from ..register.people import Contact
from ..storage.events import Kind
from .contacts import tell_person
from .reading import moment
from .tenancy import enter_person, person_of
from .work import Command, Work, refused


@dataclass(frozen=True, slots=True)
class GiveConsent(Command[list[str]]):
    """Write down what somebody has agreed to, or that they go on; return their contacts.

    A contact is a person of the register, by the id, or somebody new.
    """

    name = "give_consent"
    person_id: str
    scope: ConsentScope
    contacts: Sequence[str | Contact] = ()
    #: The last day; None: until it is revoked.
    until: date | None = None

    @override
    def run(self, work: Work) -> list[str]:
        person = person_of(work, self.person_id)
        if self.until and self.until < work.today:
            raise refused("consent_is_over")
        contacts = [self._contact(work, row) for row in self.contacts]
        if any(row is person or not row.addresses for row in contacts):
            raise refused("contact_unreachable")
        consents.give(
            work.session,
            person,
            self.scope,
            contacts=contacts,
            until=self.until,
            now=work.hand.now,
            who=work.caller.user_id,
        )
        for row in (person, *contacts):
            work.audit(person_id=row.id)
        tell_person(work, person, Kind.CONSENT_GIVEN)
        # Who was named before, and is nobody's any more.
        queries.forget_strangers(work.session, work.keep)
        return [row.id for row in contacts]

    @staticmethod
    def _contact(work: Work, named: str | Contact) -> Person:
        if isinstance(named, str):
            return person_of(work, named)
        return enter_person(work, named)


@dataclass(frozen=True, slots=True)
class RevokeConsent(Command[None]):
    """End a consent at once, with all that is kept by it."""

    name = "revoke_consent"
    person_id: str
    scope: ConsentScope

    @override
    def run(self, work: Work) -> None:
        person = person_of(work, self.person_id)
        rows = consents.consents_of(work.session, person.id, work.today)
        consent = next((row for row in rows if row.scope == self.scope), None)
        if consent is None:
            raise refused("no_such_consent")
        consents.end(work.session, consent)
        work.audit(person_id=person.id)
        tell_person(work, person, Kind.CONSENT_ENDED)
        queries.forget_strangers(work.session, work.keep)


@dataclass(frozen=True, slots=True)
class EndConsents(Command[None]):
    """End the consents whose last day is over."""

    name = "revoke_consent"

    @override
    def run(self, work: Work) -> None:
        for consent in consents.overdue(work.session, work.today):
            person = work.session.get_one(Person, consent.person_id)
            consents.end(work.session, consent)
            work.audit(person_id=person.id)
            tell_person(work, person, Kind.CONSENT_ENDED)
        queries.forget_strangers(work.session, work.keep)


@dataclass(frozen=True, slots=True)
class GetConsents(Command[list[dict[str, JsonValueType]]]):
    """Return what somebody agrees to, and whom they have named."""

    name = "get_consents"
    person_id: str

    @override
    def run(self, work: Work) -> list[dict[str, JsonValueType]]:
        person = person_of(work, self.person_id)
        work.audit(person_id=person.id)
        return [
            {
                "scope": row.scope,
                "until": row.until.isoformat() if row.until else None,
                "given_at": moment(row.given_at),
                "given_by": row.given_by,
                "contacts": [
                    {
                        "person_id": named.person_id,
                        "name": work.named(named.person.name, None),
                    }
                    for named in row.contacts
                ],
            }
            for row in consents.consents_of(work.session, person.id, work.today)
        ]
