"""Who is to be told: asked of the database, and remembered for when it does not answer.

A fire may take the database's server with it. What was last read of everybody stays in
memory, and encrypted in a file for a start meanwhile; it is used then.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from sqlalchemy.orm import Session

from homeassistant.const import STATE_OFF
from homeassistant.core import callback

from ..const import LOGGER, SUBENTRY_RESPONDER, Duty, Role
from ..storage.errors import RegisterError
from ..storage.events import DomainEvent, Kind
from . import queries
from .last_known import LastKnown
from .people import Audience, Recipient

if TYPE_CHECKING:
    from .property import Register

#: Which leases an audience means.
_ROLES: Final = {Audience.TENANTS: Role.TENANT, Audience.LANDLORD: Role.LANDLORD}
#: Duties of which somebody is called whatever the roster says.
_ALWAYS: Final = frozenset({Duty.FIRE_POST, Duty.PROPERTY_OFFICE})
NEIGHBOUR: Final = "neighbour"


@dataclass(slots=True)
class People:
    """People by their units, and responders by their subentries."""

    by_unit: dict[str, list[Recipient]] = field(default_factory=dict)
    responders: dict[str, Recipient] = field(default_factory=dict)


class Phonebook:
    """The people of one register."""

    def __init__(self, register: Register, file: LastKnown) -> None:
        """Initialize."""
        self._register = register
        self._file = file
        self._known = People()

    async def async_recall(self) -> bool:
        """Take the people of the file; return if there are any."""
        self._known = People(*await self._file.async_load())
        return bool(self._known.by_unit or self._known.responders)

    async def async_hear(self, events: Sequence[DomainEvent]) -> None:
        """Forget at once who was erased, in the file too."""
        if any(row.kind == Kind.PERSON_ERASED for row in events):
            await self._file.async_save()

    async def async_recipients(
        self, unit_ids: Iterable[str], audiences: Iterable[Audience]
    ) -> list[Recipient]:
        """Return who belongs to these audiences now. Raises RegisterError."""
        units, near, wanted = self._meant(unit_ids, audiences)
        roles = {_ROLES[audience] for audience in wanted if audience in _ROLES}
        read = self._reader(
            {key: roles for key in units if roles}
            | dict.fromkeys(near, frozenset({Role.TENANT}))
        )
        return self._choose(await self._register.async_read(read), units, near, wanted)

    @callback
    def last_known(
        self, unit_ids: Iterable[str], audiences: Iterable[Audience]
    ) -> list[Recipient]:
        """Return who belonged to these audiences when the register was last read."""
        return self._choose(self._known, *self._meant(unit_ids, audiences))

    @callback
    def units_of(self, person_id: str, role: str) -> frozenset[str]:
        """Return the units in which somebody has a role, as the register was last read."""
        return frozenset(
            unit_id
            for unit_id, people in self._known.by_unit.items()
            if any((row.person_id, row.role) == (person_id, role) for row in people)
        )

    async def async_learn(self, unit_ids: Collection[str] | None = None) -> None:
        """Remember who lives in these units, or in all, and who responds.

        What cannot be read stays as it was.
        """
        wanted = self._register.units if unit_ids is None else unit_ids
        try:
            found = await self._register.async_read(
                self._reader(dict.fromkeys(wanted, frozenset(Role))),
                long=unit_ids is None,
            )
        except RegisterError as err:
            LOGGER.debug("The people could not be read: %s", err.key)
            return
        kept = {} if unit_ids is None else self._known.by_unit
        gone: dict[str, list[Recipient]] = {key: [] for key in wanted}
        by_unit = {**kept, **gone, **found.by_unit}
        self._known = People(
            {key: rows for key, rows in by_unit.items() if rows}, found.responders
        )
        self._file.follow((self._known.by_unit, self._known.responders))

    def _meant(
        self, unit_ids: Iterable[str], audiences: Iterable[Audience]
    ) -> tuple[list[str], list[str], set[Audience]]:
        """Return the units, those of their neighbours, and the audiences."""
        units, wanted = dict.fromkeys(unit_ids), set(audiences)
        known, near = self._register.units, list[str]()
        if Audience.NEIGHBOURS in wanted:
            stairs = {known[key].stair for key in units if key in known}
            near = [
                row.id
                for row in known.values()
                if row.stair in stairs and row.id not in units
            ]
        return list(units), near, wanted

    def _reader(
        self, roles_of: Mapping[str, Collection[Role]]
    ) -> Callable[[Session], People]:
        """Return what reads the people with these roles in these units."""
        today = self._register.today

        def read(session: Session) -> People:
            people = People()
            for roles in set(map(frozenset[Role], roles_of.values())):
                units = [key for key, row in roles_of.items() if set(row) == roles]
                for row in queries.recipients(session, today, units, roles):
                    people.by_unit.setdefault(row.unit_id or "", []).append(row)
            people.responders = {
                key: queries.recipient(person, "", None)
                for key, person in queries.responders(session).items()
            }
            return people

        return read

    def _choose(
        self,
        people: People,
        units: list[str],
        near: list[str],
        wanted: set[Audience],
    ) -> list[Recipient]:
        roles = {_ROLES[audience] for audience in wanted if audience in _ROLES}
        chosen = [
            row
            for key in units
            for row in people.by_unit.get(key, ())
            if row.role in roles
        ]
        chosen += [
            replace(row, role=NEIGHBOUR)
            for key in near
            for row in people.by_unit.get(key, ())
            if row.role == Role.TENANT
        ]
        if Audience.RESPONDERS in wanted:
            chosen += self._on_duty(people.responders)
        return chosen

    def _on_duty(self, people: Mapping[str, Recipient]) -> list[Recipient]:
        """Return the responders who are on duty and can be reached.

        A duty whose entity cannot be read counts: better one call too many. Of the fire
        post and of the office somebody is always called, and where nobody at all is on
        duty, everybody who can be reached.
        """
        register = self._register
        channels = set(register.channels())
        rows = [
            (row.data["duty"], row.data.get("schedule") or "", people[row.subentry_id])
            for row in register.entry.get_subentries_of_type(SUBENTRY_RESPONDER)
            if row.subentry_id in people
        ]

        def is_reachable(person: Recipient) -> bool:
            return any(address.channel in channels for address in person.addresses)

        def is_on(schedule: str) -> bool:
            state = register.hass.states.get(schedule)
            return state is None or state.state != STATE_OFF

        reachable = [row for row in rows if is_reachable(row[2])] or rows
        served = {duty for duty, schedule, _ in reachable if is_on(schedule)}
        return [
            replace(person, role=duty)
            for duty, schedule, person in reachable
            if is_on(schedule) or not served or (duty in _ALWAYS and duty not in served)
        ]
