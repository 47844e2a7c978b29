"""The register's file in a panel: what it would change is looked at, and then applied."""

import base64
import binascii
from collections.abc import Mapping
import hashlib
from typing import Any

import voluptuous as vol

from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.json import json_bytes

from ..app.work import refused
from ..const import LANGUAGES
from ..forms import default_language
from ..transfer.actions import async_import_content
from ..transfer.importing import Asked
from .base import REASON, Ask, command

#: Home Assistant takes messages of 4 MiB, and a file in one is a third longer.
MOST_BYTES = 3_000_000
_FILE: dict[vol.Marker, Any] = {
    vol.Required("content"): vol.All(
        cv.string, vol.Length(max=MOST_BYTES * 4 // 3 + 4)
    ),
    vol.Optional("language"): vol.In(LANGUAGES),
    **REASON,
}


@command("import_preview", _FILE, "import_register")
async def import_preview(ask: Ask) -> dict[str, Any]:
    """Say what a file (its bytes as base64) would change, row by row. Nothing is written.

    The answer is that of the action `import_register`, with a `digest` of what it says.
    """
    found = await _async_import(ask, dry_run=True)
    return {**found, "digest": _digest(found)}


@command(
    "import_apply", {**_FILE, vol.Required("digest"): cv.string}, "import_register"
)
async def import_apply(ask: Ask) -> dict[str, Any]:
    """Import a file, if it still does what the preview with this digest has said."""
    found = await _async_import(ask, dry_run=True)
    if _digest(found) != ask.data["digest"]:
        # What it would do now is shown before it is done.
        return {**found, "digest": _digest(found)}
    return await _async_import(ask, dry_run=False)


async def _async_import(ask: Ask, *, dry_run: bool) -> dict[str, Any]:
    asked = Asked(ask.application, ask.context, ask.why)
    await asked.async_authorize("import_register")
    try:
        content = base64.b64decode(ask.data["content"], validate=True)
    except binascii.Error:
        raise refused("file_unreadable") from None
    language = ask.data.get("language") or default_language(ask.hass)
    return await async_import_content(
        asked, content, language=language, dry_run=dry_run
    )


def _digest(report: Mapping[str, Any]) -> str:
    said = {key: report[key] for key in ("changes", "summary", "errors")}
    return hashlib.sha256(json_bytes(said)).hexdigest()
