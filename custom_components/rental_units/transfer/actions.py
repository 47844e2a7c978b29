"""Import and export as actions: files in a folder of our own, never in a public one."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import batched
from pathlib import Path
import time
from typing import Any

from sqlalchemy.orm import Session

from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers.translation import async_get_translations

from ..access import register_of_entry
from ..const import DOMAIN, SUBENTRY_RESPONDER, Duty
from ..forms import default_language
from ..register import Register
from ..register.leases import Hand
from ..register.property import BATCH
from ..storage import events
from ..storage.errors import RegisterError
from .columns import COLUMNS, heading_of
from .exchange import Outcome, Plan, chunks, plan_units, write_entries
from .export import export_rows
from .report import report
from .rows import Content, Entry, count_headings, parse_tables
from .sheet import Table, as_bytes, read_csv, read_file, refused, write_file
from .workbook import OLE, ZIP, read_workbook


async def async_import(
    call: ServiceCall, audit: Callable[[Session], None]
) -> ServiceResponse:
    """Read a file into the register, or only say what would happen.

    A file with a mistake changes nothing. Raises ServiceValidationError, RegisterError.
    """
    register, path = register_of_entry(call), _path(call)
    content = await call.hass.async_add_executor_job(read_file, path)
    return await async_import_content(
        register,
        content,
        audit,
        language=call.data.get("language") or default_language(call.hass),
        dry_run=call.data["dry_run"],
        who=call.context.user_id,
    )


async def async_import_content(
    register: Register,
    content: bytes,
    audit: Callable[[Session], None],
    *,
    language: str,
    dry_run: bool,
    who: str | None = None,
) -> dict[str, Any]:
    """Import what a file holds, as `async_import` does.

    `language` is the clerk's, `who` the id of the user.
    """
    hass = register.hass
    read = await hass.async_add_executor_job(
        partial(read_content, content, hass.config.country, language)
    )
    run = _Import(register, await _async_duty_titles(hass), default_language(hass), who)
    async with register.async_pause():
        await register.async_run(audit)
        outcome = await run.async_try(read.entries)
        errors = read.errors + outcome.errors
        counts = outcome.counts
        if not dry_run and not errors:
            counts = await run.async_write(read.entries)
    texts = await async_get_translations(hass, language, "exceptions", {DOMAIN})
    areas = {row.id: row.name for row in ar.async_get(hass).async_list_areas()}
    return {
        "dry_run": dry_run,
        "imported": not dry_run and not errors,
        **report(read, outcome, counts, texts, areas),
    }


def read_content(content: bytes, region: str | None, language: str) -> Content:
    """Return what the bytes of a file say. What they are is told by how they begin.

    Raises ServiceValidationError if they are no such file.
    """
    if content.startswith(OLE):
        raise refused("file_locked_or_old")
    tables: list[Table] = (
        read_workbook(content)
        if content.startswith(ZIP)
        else [read_csv(content, count_headings)]
    )
    return parse_tables(tables, region, language)


class _Import:
    """One import: part by part, so that no alert waits for the database.

    A part is in one transaction with all rows of its units, and their subentries follow.
    A row that is there already does nothing: an import that was ended in the middle, even
    by a crash, is made whole by importing the file again.
    """

    def __init__(
        self,
        register: Register,
        titles: Mapping[str, str],
        language: str,
        who: str | None,
    ) -> None:
        """Initialize; `who` is the id of the user."""
        self._who = who
        self._register = register
        self._titles = titles
        self._language = language

    async def async_try(self, entries: list[Entry]) -> Outcome:
        """Find out what would be done; nothing of it reaches the database."""
        write = self._writer(
            entries, self._plan(entries, create_areas=False), self._hand()
        )

        def attempt(session: Session) -> Outcome:
            with session.no_autoflush:
                outcome = write(session)
            session.expunge_all()
            return outcome

        return await self._register.async_read(attempt, long=True)

    async def async_write(self, entries: list[Entry]) -> Counter[str]:
        """Write all, and return how much was done.

        Raises RegisterError if nothing was written, HomeAssistantError if a part was.
        """
        done, counts = 0, Counter[str]()
        for chunk in chunks(entries):
            plan = self._plan(chunk, create_areas=True)
            try:
                hand = self._hand()
                write = self._writer(chunk, plan, hand)
                outcome = await self._register.async_run(
                    partial(_all_or_nothing, write, hand)
                )
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
            counts += outcome.counts
            await _async_apply(self._register, plan)
            done += len(chunk)
        return counts

    def _plan(self, entries: list[Entry], *, create_areas: bool) -> Plan:
        areas = _areas(self._register.hass, entries, create=create_areas)
        return plan_units(entries, self._register.entry.subentries, areas)

    def _hand(self) -> Hand:
        return Hand(self._register.today, time.time(), self._who)

    def _writer(
        self, entries: list[Entry], plan: Plan, hand: Hand
    ) -> Callable[[Session], Outcome]:
        """Return what tries or writes rows."""
        return partial(
            write_entries,
            entries=entries,
            plan=plan,
            language=self._language,
            today=self._register.today,
            titles=self._titles,
            hand=hand,
        )


def _all_or_nothing(
    write: Callable[[Session], Outcome], hand: Hand, session: Session
) -> Outcome:
    """Write rows, and what has happened by them.

    Raises RegisterError if one does not fit any more, and writes none.
    """
    outcome = write(session)
    if outcome.errors:
        raise RegisterError("import_overtaken")
    session.flush()
    events.record(session, hand.happened)
    return outcome


async def async_export(
    call: ServiceCall, audit: Callable[[Session], None]
) -> ServiceResponse:
    """Write the register to a file. Raises ServiceValidationError, RegisterError."""
    register = register_of_entry(call)
    path = _path(call)
    excel = path.suffix.lower() == ".xlsx"
    language = call.data.get("language") or default_language(call.hass)
    rows, content = await async_export_content(
        register, audit, language=language, excel=excel
    )
    await call.hass.async_add_executor_job(write_file, path, content)
    return {"file": path.name, "rows": rows}


async def async_export_content(
    register: Register,
    audit: Callable[[Session], None],
    *,
    language: str,
    excel: bool,
) -> tuple[int, bytes]:
    """Return how many rows the register has, and its file. Raises RegisterError."""
    hass = register.hass
    duties = {
        row.subentry_id: row.data
        for row in register.entry.get_subentries_of_type(SUBENTRY_RESPONDER)
    }
    read = partial(
        export_rows,
        units=dict(register.units),
        duties=duties,
        areas={row.id: row.name for row in ar.async_get(hass).async_list_areas()},
        today=register.today,
        region=hass.config.country,
        language=language,
    )
    await register.async_run(audit)
    rows = await register.async_read(read, long=True)
    heading = [heading_of(column, language) for column in COLUMNS]
    return len(rows), await hass.async_add_executor_job(
        partial(as_bytes, heading, rows, excel=excel)
    )


async def _async_duty_titles(hass: HomeAssistant) -> dict[str, str]:
    """Return what the duties are called in the house's language."""
    texts = await async_get_translations(
        hass, hass.config.language, "selector", {DOMAIN}
    )
    key = f"component.{DOMAIN}.selector.duty.options"
    return {duty.value: texts.get(f"{key}.{duty}", duty.value) for duty in Duty}


def _path(call: ServiceCall) -> Path:
    """Return where a file is: its name was checked to be a name only."""
    return Path(call.hass.config.path(DOMAIN, call.data["file"]))


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


async def _async_apply(register: Register, plan: Plan) -> None:
    """Add and change the subentries. Their people are in the database already."""
    manager, entry = register.hass.config_entries, register.entry
    for batch in batched(plan.added.values(), BATCH, strict=False):
        for subentry in batch:
            manager.async_add_subentry(entry, subentry)
        # Alarms go on meanwhile.
        await asyncio.sleep(0)
    for subentry_id, data in plan.changed.items():
        manager.async_update_subentry(entry, entry.subentries[subentry_id], data=data)
