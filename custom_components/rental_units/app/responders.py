"""Commands about who responds for the whole property."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, override

from ..register import queries
from ..register.households import RESPONDER
from ..register.models import Person
from ..register.people import contact_of
from ..storage.events import Kind
from .contacts import check_reachable, put_contact
from .work import Command, Work, overtaken

#: A person and their version, as a form has shown them.
type Seen = tuple[str, int]
NOBODY: Final[Seen] = ("", 0)


def seen(person: Person | None) -> Seen:
    """Return what a form remembers of whom it shows."""
    return (person.id, person.version) if person else NOBODY


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
    """Write a responder as a form has them, if it has `seen` who is there now."""

    name = "responder_form"
    key: str
    fields: Mapping[str, Any]
    seen: Seen = NOBODY

    @override
    def run(self, work: Work) -> str:
        person = queries.responders(work.session).get(self.key)
        if seen(person) != self.seen:
            # What an old form does not show would be taken for emptied.
            raise overtaken("person_changed")
        contact = contact_of(self.fields, RESPONDER, person, work.region)
        if person is None:
            known = queries.find_people(work.session, contact)
            person = next(iter(known), None) or queries.add_person(
                work.session, contact, work.language
            )
            queries.put_responder(work.session, self.key, person)
        put_contact(work, person, contact)
        check_reachable(person)
        work.audit(person_id=person.id)
        if not work.hand.happened:
            # The duty alone is new.
            work.tell(Kind.PERSON_CHANGED, person_id=person.id)
        return person.id
