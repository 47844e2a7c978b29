"""Commands about who responds for the whole property."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, override

from ..register import queries
from ..register.households import RESPONDER
from ..register.models import Person
from ..register.people import contact_of
from ..storage.events import Kind
from .work import Command, Work, refused


def check_reachable(person: Person) -> None:
    """Raise ServiceValidationError for a responder whom nobody could tell of a fire."""
    if not person.addresses:
        raise refused("responder_unreachable")


@dataclass(frozen=True, slots=True)
class ShowResponder(Command[Person | None]):
    """Read a responder for a form."""

    name = "responder_form"
    key: str

    @override
    def run(self, work: Work) -> Person | None:
        person = queries.responders(work.session).get(self.key)
        work.audit(person_id=person.id if person else None)
        return person


@dataclass(frozen=True, slots=True)
class SaveResponder(Command[str]):
    """Write a responder as a form has them."""

    name = "responder_form"
    key: str
    fields: Mapping[str, Any]

    @override
    def run(self, work: Work) -> str:
        person = queries.responders(work.session).get(self.key)
        contact = contact_of(self.fields, RESPONDER, person, work.region)
        if person:
            contact.apply(person)
        else:
            known = queries.find_people(work.session, contact)
            person = next(iter(known), None) or queries.add_person(
                work.session, contact, work.language
            )
            contact.apply(person)
            queries.put_responder(work.session, self.key, person)
        check_reachable(person)
        work.audit(person_id=person.id)
        work.tell(Kind.PERSON_CHANGED, person_id=person.id)
        return person.id
