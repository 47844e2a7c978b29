"""Where commands are carried out: one transaction each, with its audit and its events."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from pathlib import Path
import time

from sqlalchemy import select
from sqlalchemy.orm import Session

from homeassistant.auth.models import User
from homeassistant.core import Context, HomeAssistant, callback
from homeassistant.exceptions import Unauthorized, UnknownUser
from homeassistant.helpers.dispatcher import async_dispatcher_send
from homeassistant.helpers.storage import STORAGE_DIR
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey
from homeassistant.util.json import JsonValueType
from homeassistant.util.signal_type import SignalType

from ..const import DOMAIN, LOGGER, Reason, Role
from ..register import Register, default_language, queries
from ..register.last_known import Grants
from ..register.leases import Hand
from ..register.models import Grant
from ..storage import events
from ..storage.errors import RegisterError
from ..storage.events import DomainEvent, Kind
from ..storage.vault import Vault
from .care import EndWatches
from .consents import EndConsents
from .files import (
    FindExports,
    ForgetExports,
    GetFiles,
    NoteExport,
    RotateKey,
    describe,
    files_of,
    remove,
)
from .people import NameActors
from .policy import IN_PERSON, AccountRole, Held, Permit, lacks_reason, permit
from .tenancy import ErasePerson
from .work import Caller, Command, NotCoveredError, Work, refused

type Listener = Callable[[Sequence[DomainEvent]], Awaitable[None]]

DATA_APPLICATIONS: HassKey[dict[str, Application]] = HassKey(f"{DOMAIN}_applications")

#: Sent when it was read who has which role.
SIGNAL_ROLES: SignalType[()] = SignalType(f"{DOMAIN}_roles")

#: Which leases make a unit somebody's own.
OWN_LEASES = {AccountRole.LANDLORD: Role.LANDLORD, AccountRole.RESIDENT: Role.TENANT}
#: With whom the roles of accounts may go, or be another's.
_OF_ACCOUNTS = {Kind.PERSON_MERGED, Kind.PERSON_ERASED}
#: Who fills in a form of Home Assistant's settings, which it opens to administrators only.
_FORM = (Held(AccountRole.ADMINISTRATOR),)


def is_in_person(user: User | None, context: Context) -> bool:
    """Return if a human does it themselves: no automation, script of one, or system user."""
    return bool(
        user and user.is_active and not user.system_generated and not context.parent_id
    )


async def async_user(hass: HomeAssistant, context: Context) -> User | None:
    """Return the user of a call, None for an automation. Raises UnknownUser."""
    if context.user_id is None:
        return None
    if user := await hass.auth.async_get_user(context.user_id):
        return user
    raise UnknownUser(context=context)


class Application:
    """The one way to the people of a property."""

    def __init__(self, hass: HomeAssistant, register: Register) -> None:
        """Initialize."""
        self._hass = hass
        self.register = register
        self._listeners: Mapping[str, Listener] = {}
        self._is_alerted: Callable[[str], bool] = lambda _unit_id: False
        self._is_told: Callable[[str], bool] = lambda _person_id: False
        self._telling = asyncio.Lock()
        #: An export is written as a whole before exports are deleted, or begun after.
        self.exporting = asyncio.Lock()
        #: None until it is known who has which role. By user: each role, whose units it
        #: holds in, and its last day.
        self._grants: (
            dict[str, list[tuple[AccountRole, str | None, date | None]]] | None
        ) = None

    async def async_start(
        self,
        listeners: Mapping[str, Listener],
        is_alerted: Callable[[str], bool] = lambda _unit_id: False,
        is_told: Callable[[str], bool] = lambda _person_id: False,
    ) -> None:
        """Let listeners hear of what they have not done yet. Raises RegisterError.

        `is_alerted` tells if an alert about a unit is open, `is_told` if one tells a
        person.
        """
        self._listeners = listeners
        self._is_alerted = is_alerted
        self._is_told = is_told
        if self.register.blind:
            # As they were last known; else of nobody but Home Assistant's administrators, and
            # of others it is said that their role cannot be read, not that they have none.
            grants = await self.register.last_known.async_load_grants()
            if grants is not None:
                self._take_grants(grants)
            return
        await self.async_read_grants()
        await self.register.async_run(lambda session: events.join(session, listeners))
        self.register.listen_day(self._async_end_consents)
        await self._async_end_consents()
        await self.async_tell()

    async def _async_end_consents(self) -> None:
        await self.async_fill(EndConsents(), None)
        await self.async_end_watches()

    async def async_end_watches(self) -> None:
        """End the watches over those who have moved out. Raises RegisterError."""
        await self.async_fill(EndWatches(), None)

    # Who may

    async def async_read_grants(self) -> None:
        """Read who has which role. Raises RegisterError."""

        def read(session: Session) -> Grants:
            columns = Grant.user_id, Grant.role, Grant.person_id, Grant.until
            found = session.execute(select(*columns).order_by(Grant.id))
            return [
                (user_id, role, person, until.isoformat() if until else None)
                for user_id, role, person, until in found
            ]

        rows = await self.register.async_read(read)
        self._take_grants(rows)
        await self.register.last_known.async_follow_grants(rows)

    def _take_grants(self, rows: Grants) -> None:
        grants = defaultdict[str, list[tuple[AccountRole, str | None, date | None]]](
            list
        )
        for user_id, role, person_id, until in rows:
            last = date.fromisoformat(until) if until else None
            grants[user_id].append((AccountRole(role), person_id, last))
        self._grants = dict(grants)
        async_dispatcher_send(self._hass, SIGNAL_ROLES)

    def _held(self, user: User) -> Iterator[tuple[AccountRole, str | None]]:
        """Yield the roles that a user has been given, and still has today."""
        today = self.register.today
        for role, person_id, until in (self._grants or {}).get(user.id, ()):
            if until is None or until >= today:
                yield role, person_id

    @callback
    def roles(self, user: User | None) -> list[Held]:
        """Return the roles of a user; of an automation, if there is none."""
        if user is None:
            return [Held(AccountRole.AUTOMATION)]
        if not user.is_active or user.system_generated:
            return []
        held = [
            Held(
                role,
                self.register.phonebook.units_of(person_id, OWN_LEASES[role])
                if person_id and role in OWN_LEASES
                else frozenset(),
            )
            for role, person_id in self._held(user)
        ]
        return [*held, Held(AccountRole.ADMINISTRATOR)] if user.is_admin else held

    @callback
    def knows(self, user: User) -> bool:
        """Return if it is known which roles a user has, and in which units.

        What could not be read is neither there nor not there.
        """
        has_own = any(role in OWN_LEASES for role, _ in self._held(user))
        is_known = self.register.phonebook.is_known or not has_own
        return is_known and self._grants is not None

    @callback
    def ensure_known(self, user: User | None = None) -> None:
        """Raise RegisterError while that is not known.

        Without a user: while alerts of before this start are not, and who calls for help.
        """
        blind = self.register.blind
        is_known = self.knows(user) if user else blind is None
        if not is_known:
            raise RegisterError(blind.key if blind else "property_not_loaded")

    @callback
    def own(self, user: User) -> dict[str, list[tuple[Role, str]]]:
        """Return the units that are a user's own: as what, and who they are there."""
        units = defaultdict[str, list[tuple[Role, str]]](list)
        for role, person_id in self._held(user) if user.is_active else ():
            if person_id and role in OWN_LEASES:
                part = OWN_LEASES[role], person_id
                for unit_id in self.register.phonebook.units_of(person_id, part[0]):
                    if unit_id in self.register.units:
                        units[unit_id].append(part)
        return dict(units)

    @callback
    def landlord(self, user: User | None, unit_id: str) -> str | None:
        """Return who a user is as the landlord of a unit; None if they are not."""
        parts = self.own(user).get(unit_id, []) if user else []
        return next((who for role, who in parts if role is Role.LANDLORD), None)

    @callback
    def is_resident(self, user_id: str, unit_id: str) -> bool:
        """Return if a user lives in a unit, as their role says."""
        units_of = self.register.phonebook.units_of
        return any(
            role is AccountRole.RESIDENT
            and person_id
            and unit_id in units_of(person_id, OWN_LEASES[role])
            for role, person_id, _ in (self._grants or {}).get(user_id, ())
        )

    @callback
    def held_in(self, role: str, person_id: str | None) -> list[str] | None:
        """Return the names of the units in which a role holds; None: the whole property."""
        if person_id is None:
            return None
        part, known = OWN_LEASES[AccountRole(role)], self.register.units
        units = self.register.phonebook.units_of(person_id, part)
        return sorted(known[key].title for key in units & known.keys())

    @callback
    def permit(
        self, user: User | None, command: str, why: Reason | None = None
    ) -> Permit | None:
        """Return where a user, or an automation, may carry out a command."""
        return permit(self.roles(user), command, why)

    @callback
    def _held_by(self, person_id: str) -> list[Held]:
        """Return the roles that an account would have of somebody, by their leases."""
        units_of = self.register.phonebook.units_of
        return [
            Held(role, units_of(person_id, part)) for role, part in OWN_LEASES.items()
        ]

    @callback
    def units_for(self, person_id: str, command: str) -> frozenset[str]:
        """Return the units in which somebody without an account may carry out a command."""
        found = permit(self._held_by(person_id), command, Reason.REQUEST)
        return (found.units if found else None) or frozenset()

    async def async_authorize(
        self,
        context: Context,
        command: str,
        why: Reason | None = None,
        units: Collection[str] | None = (),
    ) -> Caller:
        """Return the caller with what they may; units are None for the whole property.

        Raises Unauthorized, and writes it into the audit; ServiceValidationError where
        only a person may, or only a reason is missing; RegisterError while roles are not
        known.
        """
        user = await async_user(self._hass, context)
        if command in IN_PERSON and not is_in_person(user, context):
            await self.async_refuse(context, command, units)
            raise refused("needs_person")
        held = self.roles(user)
        found = permit(held, command, why)
        if found is None or not found.covers(units):
            if user:
                # Only an automation's role is in no database.
                self.ensure_known(user)
            await self.async_refuse(context, command, units)
            if lacks_reason(held, command, why):
                raise refused("needs_reason")
            raise Unauthorized(context=context)
        return Caller(context.user_id, found, held)

    async def async_refuse(
        self, context: Context, command: str, units: Collection[str] | None
    ) -> None:
        """Write down that somebody was refused; of many units, the first."""
        await self.register.refusals.async_note(context.user_id, command, units or ())

    # What is done

    async def async_do[T](
        self,
        command: Command[T],
        context: Context,
        why: Reason = Reason.MANAGEMENT,
        *,
        tell: bool = True,
    ) -> T:
        """Carry out what a user or an automation asks for, if they may.

        Raises Unauthorized, RegisterError, and what the command raises: nothing has
        changed then. Who does many in a row may tell of them afterwards, by `async_tell`.
        """
        caller = await self.async_authorize(context, command.what, why, command.units)
        try:
            return await self._async_do(command, caller, why, tell=tell)
        except NotCoveredError:
            await self.async_refuse(context, command.what, command.units)
            raise Unauthorized(context=context) from None

    async def async_do_for[T](self, command: Command[T], person_id: str) -> T:
        """Carry out what somebody asks for on a page of theirs, without an account.

        They may what their leases let an account of theirs; that it was they is in the
        audit. Raises Unauthorized, RegisterError, and what the command raises.
        """
        held, why = self._held_by(person_id), Reason.REQUEST
        found = permit(held, command.what, why)
        try:
            if found is None or not found.covers(command.units):
                raise NotCoveredError
            caller = Caller(None, found, held)
            return await self._async_do(command, caller, why, person_id=person_id)
        except NotCoveredError:
            await self.register.refusals.async_note(
                None, command.what, command.units or ()
            )
            raise Unauthorized from None

    async def async_fill[T](self, command: Command[T], user_id: str | None) -> T:
        """Carry out what a form of Home Assistant's settings asks for.

        Raises RegisterError, and what the command raises.
        """
        found = permit(_FORM, command.what)
        assert found
        return await self._async_do(
            command, Caller(user_id, found, _FORM), Reason.MANAGEMENT
        )

    async def _async_do[T](
        self,
        command: Command[T],
        caller: Caller,
        why: Reason,
        *,
        tell: bool = True,
        person_id: str | None = None,
    ) -> T:
        """Do it; `person_id` is who asks, where that is no user."""
        config = self._hass.config
        hand = Hand(self.register.today, time.time(), caller.user_id)

        def run(session: Session) -> T:
            work = Work(
                session,
                hand,
                caller,
                command.what,
                why,
                config.country,
                default_language(config.language),
                self._is_alerted,
                self._is_told,
                self.register.keep,
            )
            if person_id:
                work.audit(person_id=person_id, what="resident_page")
            result = command.run(work)
            session.flush()
            events.record(session, hand.happened)
            return result

        result = await self.register.async_run(run)
        if _OF_ACCOUNTS.intersection(row.kind for row in hand.happened):
            await self._async_follow_grants()
        if hand.happened:
            await self._async_refresh({row.unit_id for row in hand.happened})
            if tell:
                await self.async_tell()
        return result

    async def _async_follow_grants(self) -> None:
        try:
            await self.async_read_grants()
        except RegisterError as err:
            # Who is gone has no units, and so no rights in any.
            LOGGER.warning("The roles could not be read: %s", err.key)

    async def _async_refresh(self, units: Collection[str | None]) -> None:
        """Show what has changed. It is written: what cannot be read now is read later."""
        try:
            await self.register.async_refresh([row for row in units if row])
        except RegisterError as err:
            LOGGER.warning("The figures could not be read: %s", err.key)

    async def async_name(
        self, ids: Collection[str], context: Context, why: Reason
    ) -> dict[str, str]:
        """Return the names of those of these people who are known, to who may see everybody.

        Raises Unauthorized, RegisterError.
        """
        # Of several properties each is asked, and again for who is erased: what is nobody's
        # is no transaction that writes.
        known = await self.register.async_read(
            lambda session: tuple(queries.people(session, ids))
        )
        return await self.async_do(NameActors(known), context, why) if known else {}

    # Files

    async def async_note_export(
        self, file: str, context: Context, why: Reason = Reason.MANAGEMENT
    ) -> None:
        """Note that an export was written. Raises RegisterError."""
        await self.async_do(NoteExport(file, Vault(self.register.keys)), context, why)

    async def async_files(
        self, context: Context, why: Reason = Reason.MANAGEMENT
    ) -> list[dict[str, JsonValueType]]:
        """Return the files that hold something of this property, but for backups.

        Raises Unauthorized, RegisterError.
        """
        exports = await self.async_do(GetFiles(), context, why)
        config, database = self._hass.config, self.register.database
        folder, storage = Path(config.path(DOMAIN)), Path(config.path(STORAGE_DIR))
        prefix = f"{DOMAIN}.{self.register.entry.entry_id}"
        moved = await database.async_leftovers()

        def find() -> list[dict[str, JsonValueType]]:
            files = {
                "database": database.files(),
                "damaged": moved,
                "export": [row for name in exports for row in files_of(folder, name)],
                "storage": storage.glob(f"{prefix}*"),
            }
            return list(describe(files, dt_util.utcnow()))

        return await self._hass.async_add_executor_job(find)

    async def async_erase(
        self, command: ErasePerson, context: Context, why: Reason = Reason.MANAGEMENT
    ) -> tuple[list[str], list[str]]:
        """Erase somebody, with the files that hold them; return those, as `async_remove_files`.

        Raises Unauthorized, ServiceValidationError, RegisterError.
        """
        await self.async_do(command, context, why)
        # The log file beside the database holds the pages of before.
        await self.register.database.async_checkpoint()
        return await self.async_remove_files(context.user_id)

    async def async_remove_files(
        self, user_id: str | None
    ) -> tuple[list[str], list[str]]:
        """Delete exports and damaged databases, which hold somebody whom a user has erased.

        Returns their names, and those of exports that cannot be deleted. Raises
        RegisterError.
        """
        folder = Path(self._hass.config.path(DOMAIN))
        async with self.exporting:
            exports = await self.async_fill(FindExports(), user_id)
            removed, left = await self._hass.async_add_executor_job(
                remove, folder, exports
            )
            # Afterwards: what is forgotten first is nobody's, should the process end now.
            gone = [name for name in exports if name not in left]
            await self.async_fill(ForgetExports(gone), user_id)
        removed += await self.register.database.async_remove_leftovers()
        return removed, left

    async def async_rotate_key(
        self, context: Context, why: Reason = Reason.MANAGEMENT
    ) -> int:
        """Change the key of what is encrypted; return how many rows nobody can read.

        Raises Unauthorized, RegisterError. The old key goes when nothing needs it.
        """
        await self.async_authorize(context, RotateKey.name, why)
        keys = self.register.keys
        await keys.async_add()
        lost = await self.async_do(RotateKey(Vault(keys)), context, why)
        await self.register.last_known.async_save()
        await keys.async_keep_only_current()
        return lost

    # Who listens

    async def async_tell(self) -> None:
        """Tell each listener what it has not done yet.

        What one fails to do is told again with the next command, and at the next start.
        """
        async with self._telling:
            for name, listener in self._listeners.items():
                try:
                    await self._async_tell(name, listener)
                except Exception as err:  # noqa: BLE001
                    # What has happened is written, whatever becomes of it elsewhere.
                    LOGGER.error(
                        "What has happened could not be told: %s",
                        getattr(err, "key", type(err).__name__),
                    )

    async def _async_tell(self, name: str, listener: Listener) -> None:
        def read(session: Session) -> Sequence[DomainEvent]:
            rows = events.unheard(session, name, events.MOST_EVENTS)
            session.expunge_all()
            return rows

        more = True
        while more and (rows := await self.register.async_read(read)):
            await listener(rows)
            await self.register.async_run(
                partial(events.heard, listener=name, number=rows[-1].number)
            )
            # Who has written something since then tells of it, and waits for this to end.
            more = len(rows) == events.MOST_EVENTS


def application_of(hass: HomeAssistant, entry_id: str) -> Application:
    """Return the application of a property that is loaded."""
    return hass.data[DATA_APPLICATIONS][entry_id]


@callback
def applications(hass: HomeAssistant) -> list[Application]:
    """Return those of all properties that are loaded."""
    return list(hass.data.get(DATA_APPLICATIONS, {}).values())
