"""Import and export as actions: files in a folder of our own, never in a public one."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from functools import partial
from itertools import batched
from pathlib import Path

from sqlalchemy.orm import Session

from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers.translation import async_get_translations

from ..access import register_of_entry
from ..const import DOMAIN, SUBENTRY_RESPONDER, Duty
from ..forms import default_language
from ..register import Register
from ..register.property import BATCH
from ..storage.errors import RegisterError
from .exchange import Plan, chunks, export_rows, plan_units, write_entries
from .rows import COLUMNS, HEADINGS, Entry, parse_rows
from .sheet import read_sheet, write_sheet

#: Errors in one answer; who has more begins with these.
MOST_ERRORS = 200


async def async_import(
    call: ServiceCall, audit: Callable[[Session], None]
) -> ServiceResponse:
    """Read a file into the register, or only say what would happen.

    A file with a mistake changes nothing. Raises ServiceValidationError, RegisterError.
    """
    hass, register = call.hass, register_of_entry(call)
    path, region = _path(call), hass.config.country
    entries, errors = await hass.async_add_executor_job(
        lambda: parse_rows(read_sheet(path, HEADINGS), region)
    )
    dry_run = call.data["dry_run"] or bool(errors)
    run = _Import(register, await _async_duty_titles(hass), default_language(hass))
    async with register.async_pause():
        await register.async_run(audit)
        if dry_run:
            await run.async_try(entries)
        else:
            await run.async_write(entries)
    counts = run.counts
    return {
        "dry_run": call.data["dry_run"],
        "imported": not dry_run,
        "rows": len(entries),
        **{
            key: counts[key]
            for key in (
                "units_added",
                "units_changed",
                "addresses_changed",
                "people_added",
                "people_changed",
                "leases_added",
                "leases_changed",
                "responders_added",
                "responders_changed",
            )
        },
        "error_count": len(errors),
        "errors": [asdict(error) for error in errors[:MOST_ERRORS]],
    }


class _Import:
    """One import: part by part, so that no alert waits for the database.

    A part is in one transaction with all rows of its units, and their subentries follow.
    A row that is there already does nothing: an import that was ended in the middle, even
    by a crash, is made whole by importing the file again.
    """

    def __init__(
        self, register: Register, titles: Mapping[str, str], language: str
    ) -> None:
        """Initialize."""
        self._register = register
        self._titles = titles
        self._language = language
        self.counts = Counter[str]()

    async def async_try(self, entries: list[Entry]) -> None:
        """Find out what would be done; nothing of it reaches the database."""
        plan = self._plan(entries, create_areas=False)
        write = self._writer(entries, plan)

        def attempt(session: Session) -> Counter[str]:
            with session.no_autoflush:
                counts = write(session)
            session.expunge_all()
            return counts

        counts = await self._register.async_read(attempt, long=True)
        self._count(plan, counts)

    async def async_write(self, entries: list[Entry]) -> None:
        """Write all.

        Raises RegisterError if nothing was written, HomeAssistantError if a part was.
        """
        done = 0
        for chunk in chunks(entries):
            plan = self._plan(chunk, create_areas=True)
            try:
                counts = await self._register.async_run(self._writer(chunk, plan))
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
            self._count(plan, counts)
            await _async_apply(self._register, plan)
            done += len(chunk)

    def _plan(self, entries: list[Entry], *, create_areas: bool) -> Plan:
        areas = _areas(self._register.hass, entries, create=create_areas)
        return plan_units(entries, self._register.entry.subentries, areas)

    def _writer(
        self, entries: list[Entry], plan: Plan
    ) -> Callable[[Session], Counter[str]]:
        return partial(
            write_entries,
            entries=entries,
            plan=plan,
            language=self._language,
            today=self._register.today,
            titles=self._titles,
        )

    def _count(self, plan: Plan, counts: Counter[str]) -> None:
        units = set(plan.unit_ids.values())
        self.counts += counts
        self.counts["units_added"] += sum(
            row.subentry_id in units for row in plan.added.values()
        )
        self.counts["units_changed"] += len(units & plan.changed.keys())


async def async_export(
    call: ServiceCall, audit: Callable[[Session], None]
) -> ServiceResponse:
    """Write the register to a file. Raises ServiceValidationError, RegisterError."""
    register = register_of_entry(call)
    areas = {row.id: row.name for row in ar.async_get(call.hass).async_list_areas()}
    units, today, path = dict(register.units), register.today, _path(call)

    duties = {
        row.subentry_id: row.data
        for row in register.entry.get_subentries_of_type(SUBENTRY_RESPONDER)
    }

    def write(session: Session) -> int:
        rows = export_rows(session, units, duties, areas, today)
        return write_sheet(path, list(COLUMNS), rows)

    await register.async_run(audit)
    return {"file": path.name, "rows": await register.async_read(write, long=True)}


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
