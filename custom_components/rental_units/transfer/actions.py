"""Import and export as actions: files in a folder of our own, never in a public one."""

from functools import partial
from pathlib import Path
from typing import Any

from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers.translation import async_get_translations

from ..access import application_of_entry
from ..const import DOMAIN, Duty
from ..forms import default_language
from .columns import COLUMNS, heading_of
from .export import export_rows
from .importing import Asked, Import, NoteFile, duties_of
from .report import report
from .rows import Content, count_headings, parse_tables
from .sheet import Table, as_bytes, read_csv, read_file, refused, write_file
from .workbook import OLE, ZIP, read_workbook


async def async_import(call: ServiceCall) -> ServiceResponse:
    """Read a file into the register, or only say what would happen.

    A file with a mistake changes nothing. Raises Unauthorized, ServiceValidationError,
    RegisterError.
    """
    asked = Asked(application_of_entry(call), call.context, call.data["reason"])
    await asked.async_authorize("import_register")
    content = await call.hass.async_add_executor_job(read_file, _path(call))
    return await async_import_content(
        asked,
        content,
        language=call.data.get("language") or default_language(call.hass),
        dry_run=call.data["dry_run"],
    )


async def async_import_content(
    asked: Asked, content: bytes, *, language: str, dry_run: bool
) -> dict[str, Any]:
    """Import what a file holds, as `async_import` does. `language` is the clerk's."""
    register = asked.application.register
    hass = register.hass
    read = await hass.async_add_executor_job(
        partial(read_content, content, hass.config.country, language)
    )
    run = Import(asked, await _async_duty_titles(hass), default_language(hass))
    async with register.importing:
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


async def async_export(call: ServiceCall) -> ServiceResponse:
    """Write the register to a file.

    Raises Unauthorized, ServiceValidationError, RegisterError.
    """
    asked = Asked(application_of_entry(call), call.context, call.data["reason"])
    path = _path(call)
    async with asked.application.exporting:
        rows, content = await async_export_content(
            asked,
            language=call.data.get("language") or default_language(call.hass),
            excel=path.suffix.lower() == ".xlsx",
        )
        # Noted first: what is written and not noted would outlive who is erased.
        await asked.application.async_note_export(path.name, call.context, asked.why)
        await call.hass.async_add_executor_job(write_file, path, content)
    return {"file": path.name, "rows": rows}


async def async_export_content(
    asked: Asked, *, language: str, excel: bool
) -> tuple[int, bytes]:
    """Return how many rows the register has, and its file.

    Raises Unauthorized, RegisterError.
    """
    await asked.async_do(NoteFile("export_register"))
    register = asked.application.register
    hass = register.hass
    read = partial(
        export_rows,
        units=dict(register.units),
        duties=duties_of(register),
        areas={row.id: row.name for row in ar.async_get(hass).async_list_areas()},
        today=register.today,
        region=hass.config.country,
        language=language,
    )
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
