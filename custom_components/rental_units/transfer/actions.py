"""Import and export as actions: files in a folder of our own, never in a public one."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import asdict
from itertools import batched
from pathlib import Path

from sqlalchemy.orm import Session

from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse
from homeassistant.helpers import area_registry as ar

from ..access import register_of_entry
from ..const import DOMAIN
from ..forms import default_language
from ..register import Register
from ..register.property import BATCH
from .exchange import Plan, export_rows, plan_units, write_entries
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
    async with register.async_pause():
        areas = _areas(hass, entries, create=not dry_run)
        plan = plan_units(entries, register.entry.subentries, areas)
        language, today = default_language(hass), register.today

        def write(session: Session) -> dict[str, int]:
            audit(session)
            session.flush()
            trial = session.begin_nested()
            counts = write_entries(
                session, entries, plan, language=language, today=today
            )
            session.flush()
            if dry_run:
                trial.rollback()
            return dict(counts)

        counts = await register.async_run(write)
        if not dry_run:
            await _async_apply(register, plan)
    return {
        "dry_run": call.data["dry_run"],
        "imported": not dry_run,
        "rows": len(entries),
        "units_added": len(plan.added),
        "units_changed": len(plan.changed),
        **{
            key: counts.get(key, 0)
            for key in (
                "addresses_changed",
                "people_added",
                "people_changed",
                "leases_added",
                "leases_changed",
            )
        },
        "error_count": len(errors),
        "errors": [asdict(error) for error in errors[:MOST_ERRORS]],
    }


async def async_export(
    call: ServiceCall, audit: Callable[[Session], None]
) -> ServiceResponse:
    """Write the register to a file. Raises ServiceValidationError, RegisterError."""
    register = register_of_entry(call)
    areas = {row.id: row.name for row in ar.async_get(call.hass).async_list_areas()}
    units, today, path = dict(register.units), register.today, _path(call)

    def write(session: Session) -> int:
        audit(session)
        rows = export_rows(session, units, areas, today)
        return write_sheet(path, list(COLUMNS), rows)

    return {"file": path.name, "rows": await register.async_run(write)}


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
