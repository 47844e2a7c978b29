"""Who is to be told: asked of the database, and remembered for when it does not answer.

A fire may take the database's server with it. What was last read of everybody stays in
memory, and encrypted in a file for a start meanwhile; it is used then.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from sqlalchemy.orm import Session

from homeassistant.core import CALLBACK_TYPE, callback

from ..const import LOGGER, Role
from ..storage.errors import RegisterError
from ..storage.events import DomainEvent, Kind
from ..telling import tell
from . import queries
from .last_known import LastKnown
from .people import Audience, Recipient
from .roster import Post, on_duty, posts

if TYPE_CHECKING:
    from .property import Register

#: Which leases an audience means.
ROLES: Final = {Audience.TENANTS: Role.TENANT, Audience.LANDLORD: Role.LANDLORD}
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
        #: The units of somebody in a role, among those known; None: not looked up yet.
        self._units_of: Mapping[tuple[str, str], frozenset[str]] | None = None
        #: If it was read who there is, now or before a start without database.
        self.is_known = False
        #: Units whose people could not be read when they were to be; None: all.
        self._unread: set[str] | None = set()
        self._listeners: list[CALLBACK_TYPE] = []
        self._learning = asyncio.Lock()

    @callback
    def listen(self, update: CALLBACK_TYPE) -> CALLBACK_TYPE:
        """Call `update` when it was read anew who responds."""
        self._listeners.append(update)
        return lambda: self._listeners.remove(update)

    @callback
    def posts(self) -> list[Post]:
        """Return the roster, with the responders as the register was last read."""
        return posts(self._register, self._known.responders)

    async def async_recall(self) -> bool:
        """Take the people of the file; return if there are any."""
        self._take(People(*await self._file.async_load()))
        self.is_known = bool(self._known.by_unit or self._known.responders)
        return self.is_known

    async def async_hear(self, events: Sequence[DomainEvent]) -> None:
        """Forget at once who was erased, in the file too."""
        if any(row.kind == Kind.PERSON_ERASED for row in events):
            await self._file.async_save()

    async def async_recipients(
        self, unit_ids: Iterable[str], audiences: Iterable[Audience]
    ) -> list[Recipient]:
        """Return who belongs to these audiences now. Raises RegisterError."""
        units, near, wanted = self._meant(unit_ids, audiences)
        roles = {ROLES[audience] for audience in wanted if audience in ROLES}
        read = self._reader(
            {key: roles for key in units if roles}
            | dict.fromkeys(near, frozenset({Role.TENANT}))
        )
        return self._choose(await self._register.async_read(read), units, near, wanted)

    async def async_people(self, person_ids: Collection[str]) -> dict[str, Recipient]:
        """Return these people, in no role, by their ids. Raises RegisterError."""

        def read(session: Session) -> dict[str, Recipient]:
            return {
                key: queries.recipient(person, "", None)
                for key, person in queries.people(session, person_ids).items()
            }

        return await self._register.async_read(read)

    @callback
    def last_known(
        self, unit_ids: Iterable[str], audiences: Iterable[Audience]
    ) -> list[Recipient]:
        """Return who belonged to these audiences when the register was last read."""
        return self._choose(self._known, *self._meant(unit_ids, audiences))

    @callback
    def last_known_people(self, person_ids: Collection[str]) -> dict[str, Recipient]:
        """Return those of these people who were in a unit, or responded, when last read."""
        rows = (
            *(row for people in self._known.by_unit.values() for row in people),
            *self._known.responders.values(),
        )
        wanted = set(person_ids)
        return {row.person_id: row for row in rows if row.person_id in wanted}

    @callback
    def units_of(self, person_id: str, role: str) -> frozenset[str]:
        """Return the units in which somebody has a role, as the register was last read."""
        if self._units_of is None:
            # Asked for each right of each account that looks: people are thousands.
            found = defaultdict[tuple[str, str], set[str]](set)
            for unit_id, people in self._known.by_unit.items():
                for row in people:
                    found[row.person_id, row.role].add(unit_id)
            self._units_of = {key: frozenset(units) for key, units in found.items()}
        return self._units_of.get((person_id, role), frozenset())

    def _take(self, people: People) -> None:
        self._known, self._units_of = people, None

    async def async_learn(self, unit_ids: Collection[str] | None = None) -> None:
        """Remember who lives in these units, or in all, and who responds.

        What cannot be read stays as it was, until `async_catch_up`.
        """
        # One at a time: what was read earlier must not be remembered later.
        async with self._learning:
            await self._async_learn(unit_ids)

    async def _async_learn(self, unit_ids: Collection[str] | None) -> None:
        wanted = self._register.units if unit_ids is None else unit_ids
        try:
            found = await self._register.async_read(
                self._reader(dict.fromkeys(wanted, frozenset(Role))),
                long=unit_ids is None,
            )
        except RegisterError as err:
            LOGGER.debug("The people could not be read: %s", err.key)
            if self._unread is not None:
                self._unread = {*self._unread, *unit_ids} if unit_ids else None
            return
        kept = {} if unit_ids is None else self._known.by_unit
        gone: dict[str, list[Recipient]] = {key: [] for key in wanted}
        by_unit = {**kept, **gone, **found.by_unit}
        self._take(
            People(
                {key: rows for key, rows in by_unit.items() if rows}, found.responders
            )
        )
        self._file.follow((self._known.by_unit, self._known.responders))
        self.is_known = True
        if unit_ids is None:
            self._unread = set()
        elif self._unread:
            self._unread -= set(unit_ids)
        tell(self._listeners)

    async def async_catch_up(self) -> None:
        """Remember who could not be read: a right that has ended must not stay."""
        if self._unread is None or self._unread:
            await self.async_learn(self._unread)

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
        roles = {ROLES[audience] for audience in wanted if audience in ROLES}
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
            chosen += on_duty(posts(self._register, people.responders))
        return chosen
