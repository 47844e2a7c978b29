"""How somebody is reached: written in one way, whoever writes it, and told to who listens."""

from ..register.models import Person
from ..register.people import Contact
from ..storage.events import Kind
from .work import Work, refused


def tell_person(work: Work, person: Person, kind: Kind) -> None:
    """Tell that something is about a person, once for each of their units."""
    units = sorted({row.unit_id for row in person.leases})
    for unit_id in units:
        work.tell(kind, unit_id, person.id)
    if not units:
        work.tell(kind, person_id=person.id)


def check_reachable(person: Person) -> None:
    """Raise ServiceValidationError for a responder whom nobody could tell of a fire."""
    if not person.addresses:
        raise refused("responder_unreachable")


def put_contact(work: Work, person: Person, contact: Contact) -> None:
    """Write what is said of somebody who is known. Raises ServiceValidationError.

    It is news in each of their units, and not only in the one that they are entered in.
    """
    version = person.version
    contact.apply(person)
    work.session.flush()
    if person.duties:
        check_reachable(person)
    if person.version != version:
        tell_person(work, person, Kind.PERSON_CHANGED)
