"""What is written on plates and on the pages behind them, in the reader's language.

The texts are in texts.json and not in the translations: those are for the language of Home
Assistant, and who scans a plate has one of their own.
"""

from functools import cache
import json
from pathlib import Path
import re
from typing import Any

from ..const import LANGUAGES
from .rows import PlaceInfo

_TRADITIONAL = re.compile(r"zh\b.*\b(hant|tw|hk|mo)\b", re.IGNORECASE)


@cache
def _all() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        Path(__file__).with_name("texts.json").read_text("utf-8")
    )
    return found


def load() -> None:
    """Read the file, in an executor, before anything is shown."""
    _all()


def texts(language: str) -> dict[str, Any]:
    """Return the texts of a language; English for one that we do not speak."""
    found: dict[str, Any] = _all()[language if language in LANGUAGES else LANGUAGES[0]]
    return found


def language_of(accepted: str, default: str) -> str:
    """Return the first of a browser's languages that we speak; else the house's."""
    for part in accepted.split(","):
        tag = part.partition(";")[0].strip()
        if _TRADITIONAL.match(tag):
            return "zh-Hant"
        if re.match(r"zh\b", tag, re.IGNORECASE):
            return "zh-Hans"
        if re.match(r"en\b", tag, re.IGNORECASE):
            return "en"
    return default


def title(place: PlaceInfo, language: str) -> str:
    """Return what a place is called: 1-2-301, Building 1, or its name."""
    if place.unit_id:
        parts = (place.building, place.stairwell, place.number)
        return "-".join(part for part in parts if part)
    named = texts(language)["title"]
    where = ""
    if place.building:
        key = "stairwell" if place.stairwell else "building"
        where = named[key].format(building=place.building, stairwell=place.stairwell)
    return " ".join(part for part in (where, place.name) if part)


def storey(place: PlaceInfo, language: str) -> str:
    """Return a place's floor in words; empty if it is not known."""
    if place.storey is None:
        return ""
    key = "basement" if place.storey < 0 else "storey"
    return str(texts(language)[key].format(storey=abs(place.storey)))
