"""An import: part by part, so that no alert waits for the database."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, override

from sqlalchemy.orm import Session

from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import area_registry as ar

from ..app.application import Application
from ..app.work import Command, Work
from ..const import DOMAIN, SUBENTRY_RESPONDER, Reason
from ..register import Register
from ..register.leases import Hand
from ..storage.errors import RegisterError
from ..storage.vault import Vault
from .exchange import Outcome, OvertakenError, Plan, chunks, plan_units, write_entries
from .rows import Entry


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks for what is done with a file, and why."""

    application: Application
    context: Context
    why: Reason

    async def async_authorize(self, command: str) -> None:
        """Return if they may. Raises Unauthorized, ServiceValidationError."""
        await self.application.async_authorize(self.context, command, self.why)

    async def async_do[T](self, command: Command[T], *, tell: bool = True) -> T:
        """Carry out a command, as Application.async_do."""
        return await self.application.async_do(
            command, self.context, self.why, tell=tell
        )


@dataclass(frozen=True, slots=True)
class NoteFile(Command[None]):
    """Write into the audit that somebody has the register written to a file, or read from one."""

    command: str

    @property
    @override
    def what(self) -> str:
        return self.command

    @override
    def run(self, work: Work) -> None:
        work.audit()


@dataclass(frozen=True, slots=True)
class ImportRows(Command[Outcome]):
    """Write rows of a file, with their units: all of them, or none.

    Raises RegisterError if one does not fit any more.
    """

    name = "import_register"
    entries: list[Entry]
    plan: Plan
    titles: Mapping[str, str]
    box: Vault

    @override
    def run(self, work: Work) -> Outcome:
        try:
            outcome = _write(work.session, self.entries, self, work.hand, work.language)
        except OvertakenError:
            raise RegisterError("import_overtaken") from None
        if outcome.errors:
            raise RegisterError("import_overtaken")
        about = {
            (row.unit_id, row.person_id): None for row in outcome.changes if row.done
        }
        for unit_id, person_id in about:
            work.audit(unit_id, person_id)
        for row in outcome.changes:
            if "cards_added" in row.done:
                work.audit(person_id=row.person_id, what="issue_card")
        return outcome


def _write(
    session: Session,
    entries: list[Entry],
    rows: ImportRows,
    hand: Hand,
    language: str,
    *,
    is_trial: bool = False,
) -> Outcome:
    return write_entries(
        session,
        entries,
        rows.plan,
        box=rows.box,
        language=language,
        today=hand.today,
        titles=rows.titles,
        hand=hand,
        is_trial=is_trial,
    )


class Import:
    """One import of a file.

    A part is a command, with all rows of its units. A row that is there already does
    nothing: an import that was ended in the middle, even by a crash, is made whole by
    importing the file again.
    """

    def __init__(self, asked: Asked, titles: Mapping[str, str], language: str) -> None:
        """Initialize; `titles` are what the duties are called."""
        self._asked = asked
        self._register = asked.application.register
        self._box = Vault(self._register.keys)
        self._titles = titles
        self._language = language

    async def async_try(self, entries: list[Entry]) -> Outcome:
        """Find out what would be done; nothing of it reaches the database.

        Raises Unauthorized, RegisterError.
        """
        await self._asked.async_do(NoteFile("import_register"))
        plan = self._plan(entries, create_areas=False)
        rows = ImportRows(entries, plan, self._titles, self._box)
        hand = Hand(self._register.today, 0.0)

        def attempt(session: Session) -> Outcome:
            with session.no_autoflush:
                outcome = _write(
                    session, entries, rows, hand, self._language, is_trial=True
                )
            tried = list(session)
            session.expunge_all()
            # They hold one another. Left to the collector, hundreds of thousands of objects
            # are freed at one go, and nothing else goes on meanwhile, no alert either.
            for row in tried:
                vars(row).clear()
            return outcome

        try:
            return await self._register.async_read(attempt, long=True)
        except OvertakenError:
            raise RegisterError("import_overtaken") from None

    async def async_write(self, entries: list[Entry]) -> Counter[str]:
        """Write all, and return how much was done.

        Raises Unauthorized, RegisterError if nothing was written, HomeAssistantError if a
        part was.
        """
        done, counts = 0, Counter[str]()
        plan = self._plan(entries, create_areas=True)
        try:
            for chunk in chunks(entries, plan):
                outcome = await self._asked.async_do(
                    ImportRows(chunk, plan, self._titles, self._box), tell=False
                )
                counts += outcome.counts
                self._apply(plan)
                done += len(chunk)
        except RegisterError as err:
            if not done:
                raise
            raise HomeAssistantError(
                translation_domain=DOMAIN,
                translation_key="import_stopped",
                translation_placeholders={
                    "done": str(done),
                    "rows": str(len(entries)),
                },
            ) from err
        finally:
            await self._asked.application.async_tell()
        return counts

    def _plan(self, entries: list[Entry], *, create_areas: bool) -> Plan:
        register = self._register
        return plan_units(
            entries,
            {key: unit.data for key, unit in register.units.items()},
            duties_of(register),
            _areas(register.hass, entries, create=create_areas),
        )

    def _apply(self, plan: Plan) -> None:
        """Add and change the responders' subentries: they are in the database already."""
        manager, entry = self._register.hass.config_entries, self._register.entry
        for key, subentry in plan.new_duties.items():
            manager.async_add_subentry(entry, subentry)
            plan.duties[key] = subentry.data
        for key, data in plan.changed_duties.items():
            manager.async_update_subentry(entry, entry.subentries[key], data=data)
            plan.duties[key] = data
        plan.new_duties, plan.changed_duties = {}, {}


def duties_of(register: Register) -> dict[str, Mapping[str, Any]]:
    """Return what is known of the responders, by their subentries."""
    return {
        row.subentry_id: row.data
        for row in register.entry.get_subentries_of_type(SUBENTRY_RESPONDER)
    }


def _areas(
    hass: HomeAssistant, entries: Iterable[Entry], *, create: bool
) -> dict[str, str]:
    """Return the ids of the areas that a file names; missing ones are made."""
    registry = ar.async_get(hass)
    found = {}
    for name in dict.fromkeys(entry.area for entry in entries if entry.area):
        area = registry.async_get_area_by_name(name)
        if area is None and create:
            area = registry.async_create(name)
        found[name] = area.id if area else name
    return found
