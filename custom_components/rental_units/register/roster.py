"""Who of the responders is on duty, and which duty nobody covers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from homeassistant.const import STATE_OFF
from homeassistant.core import callback

from ..const import SUBENTRY_RESPONDER, Duty
from .people import Audience, Recipient

if TYPE_CHECKING:
    from .property import Register

#: Duties of which somebody is called whatever the roster says.
ALWAYS: Final = frozenset({Duty.FIRE_POST, Duty.PROPERTY_OFFICE})


@dataclass(frozen=True, slots=True)
class Post:
    """A responder's place in the roster."""

    #: The id of its subentry, and what that is called: a duty, never a person.
    key: str
    title: str
    duty: str
    #: Whom an alert would tell; None where nobody is known.
    person: Recipient | None
    #: If a fire would be told over one of their addresses, and if the roster has them on
    #: duty now.
    is_reachable: bool
    is_on: bool
    #: Areas of Home Assistant where they are on duty; none: anywhere in the property.
    areas: frozenset[str] = frozenset()

    @property
    def is_covered(self) -> bool:
        """Return if somebody would hear of a fire now."""
        return self.is_reachable and self.is_on


@callback
def posts(register: Register, people: Mapping[str, Recipient]) -> list[Post]:
    """Return the places of a property's roster; `people` are by the ids of subentries.

    One whose entity cannot be read counts as on duty: better one call too many.
    """
    channels = set(register.channels(Audience.RESPONDERS))

    def is_on(schedule: str) -> bool:
        state = register.hass.states.get(schedule)
        return state is None or state.state != STATE_OFF

    return [
        Post(
            row.subentry_id,
            row.title,
            row.data["duty"],
            person,
            person is not None
            and any(address.channel in channels for address in person.addresses),
            is_on(row.data.get("schedule") or ""),
            frozenset(row.data.get("areas", ())),
        )
        for row in register.entry.get_subentries_of_type(SUBENTRY_RESPONDER)
        for person in (people.get(row.subentry_id),)
    ]


def on_duty(rows: Iterable[Post]) -> list[Recipient]:
    """Return the responders who are told: those on duty, whatever reaches them.

    Of the fire post and of the office somebody is always called whom a fire reaches, and
    where nobody of them is on duty, everybody.
    """
    known = [row for row in rows if row.person]
    # Where a fire reaches nobody at all, the roster alone says.
    reachable = [row for row in known if row.is_reachable] or known
    served = {row.duty for row in reachable if row.is_on}
    return [
        replace(row.person, role=row.duty)
        for row in known
        if row.person
        and (row.is_on or not served or (row.duty in ALWAYS and row.duty not in served))
    ]


@dataclass(frozen=True, slots=True)
class Gaps:
    """Duties that nobody covers now."""

    #: A fire would be told to nobody of them: no step uses a channel that they have.
    unreachable: frozenset[str]
    #: Somebody could be told, but the roster has nobody on duty.
    off: frozenset[str]


def gaps(rows: Sequence[Post]) -> Gaps:
    """Return the duties that nobody covers.

    That police or volunteers are off is no gap as long as somebody else is on duty.
    """
    duties = {row.duty for row in rows}
    reachable = {row.duty for row in rows if row.is_reachable}
    covered = {row.duty for row in rows if row.is_covered}
    off = reachable - covered
    return Gaps(
        frozenset(duties - reachable),
        frozenset(off & ALWAYS if covered else off),
    )
