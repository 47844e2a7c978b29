"""What has to be told to an authority, from a panel: until when, by whom, and as a file."""

from base64 import b64encode
from functools import partial
from typing import Any

import voluptuous as vol

from homeassistant.helpers import config_validation as cv

from ..app.notices import (
    ExcuseNotice,
    ExportNotices,
    GetNoticeExports,
    GetNotices,
    GiveNotices,
    ReopenNotice,
)
from ..const import LANGUAGES
from ..desk.const import MOST_LETTERS, Excuse, How
from ..forms import default_language
from ..transfer.notices import notices_file
from .base import REASON, Ask, async_or_conflict, command

#: Notices that are given at once: those of a bus full of people.
MOST_NOTICES = 500
_NOTICE: dict[vol.Marker, Any] = {
    vol.Required("notice_id"): cv.string,
    vol.Required("version"): cv.positive_int,
    **REASON,
}


async def _async_list(ask: Ask, *, over: bool = False) -> dict[str, Any]:
    rows: list[dict[str, Any]] = await ask.async_do(GetNotices(over))
    return {
        "notices": [{**row, "unit": ask.title(row["unit_id"])} for row in rows],
        "accounts": await ask.async_accounts([row["settled_by"] for row in rows]),
    }


@command(
    "notices",
    {vol.Optional("over", default=False): cv.boolean, **REASON},
    "get_notices",
)
async def notices(ask: Ask) -> dict[str, Any]:
    """List what is to be told to police, committee and property, the most urgent first: what, of which unit and whom, and until when (`assumed`: that year's days off are not known yet). With `over` what was told, or need not be."""
    return await _async_list(ask, over=ask.data["over"])


@command(
    "give_notice",
    {
        vol.Required("notices"): vol.All(
            {cv.string: cv.positive_int}, vol.Length(min=1, max=MOST_NOTICES)
        ),
        vol.Required("how"): vol.Coerce(How),
        vol.Required("receipt"): vol.All(cv.string, vol.Length(max=MOST_LETTERS)),
        **REASON,
    },
    "give_notice",
)
async def give_notice(ask: Ask) -> dict[str, Any]:
    """Say that notices (their versions, by their ids) were given, with the number of the receipt: all of them, or none."""
    data = ask.data
    change = GiveNotices(data["notices"], data["how"], data["receipt"])
    return await async_or_conflict(ask, change, lambda: _async_list(ask))


@command(
    "excuse_notice",
    {**_NOTICE, vol.Required("excuse"): vol.Coerce(Excuse)},
    "excuse_notice",
)
async def excuse_notice(ask: Ask) -> dict[str, Any]:
    """Say that a notice need not be given, and why."""
    data = ask.data
    change = ExcuseNotice(data["notice_id"], data["version"], data["excuse"])
    return await async_or_conflict(ask, change, lambda: _async_list(ask))


@command("reopen_notice", _NOTICE, "reopen_notice")
async def reopen_notice(ask: Ask) -> dict[str, Any]:
    """Take back that a notice was given, or need not be."""
    change = ReopenNotice(ask.data["notice_id"], ask.data["version"])
    return await async_or_conflict(ask, change, lambda: _async_list(ask, over=True))


@command(
    "export_notices",
    {
        vol.Optional("everything", default=False): cv.boolean,
        vol.Optional("export_id"): cv.string,
        vol.Optional("format", default="xlsx"): vol.In(("csv", "xlsx")),
        vol.Optional("language"): vol.In(LANGUAGES),
        **REASON,
    },
    "export_notices",
)
async def export_notices(ask: Ask) -> dict[str, Any]:
    """Return what the police are to be told as a file (its bytes as base64), with its receipt and what has changed since the last: what is open, and what was in a file before and is not so any more. With `everything` what was given too; with an `export_id`, that one again."""
    data, register = ask.data, ask.application.register
    given = await ask.async_do(ExportNotices(data["everything"], data.get("export_id")))
    content = await ask.hass.async_add_executor_job(
        partial(
            notices_file,
            given,
            title=register.entry.title,
            region=ask.hass.config.country,
            language=data.get("language") or default_language(ask.hass),
            excel=data["format"] == "xlsx",
        )
    )
    return {
        "content": b64encode(content).decode(),
        "name": f"notices-{given.id}.{data['format']}",
        "receipt": given.id,
        "rows": len(given.rows),
    }


@command("notice_exports", REASON, "export_notices")
async def notice_exports(ask: Ask) -> dict[str, Any]:
    """List the files of notices that were taken along, the newest first."""
    rows: list[dict[str, Any]] = await ask.async_do(GetNoticeExports())
    return {
        "exports": rows,
        "accounts": await ask.async_accounts([row["who"] for row in rows]),
    }
