"""Texts that somebody reads or hears in their own language.

They are in files of their own and not in the translations: those are for the language of
Home Assistant, and who is called or scans a plate has one of their own.
"""

from functools import cache
import json
from pathlib import Path
from typing import Any

from homeassistant.core import HomeAssistant

from .const import LANGUAGES


@cache
def in_all_languages(folder: str) -> dict[str, Any]:
    """Return the texts of a folder's `texts.json`, by language."""
    path = Path(__file__).parent / folder / "texts.json"
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


async def async_load(hass: HomeAssistant, *folders: str) -> None:
    """Read the files, before anything is said."""
    for folder in folders:
        await hass.async_add_executor_job(in_all_languages, folder)


def spoken(folder: str, language: str) -> dict[str, Any]:
    """Return the texts of a folder in a language; English for one that we do not speak."""
    known = language if language in LANGUAGES else LANGUAGES[0]
    found: dict[str, Any] = in_all_languages(folder)[known]
    return found
