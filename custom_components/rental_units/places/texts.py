"""What is written on plates and on the pages behind them, in the reader's language."""

from functools import partial
import re

from ..spoken import spoken
from .rows import PlaceInfo

_TRADITIONAL = re.compile(r"zh\b.*\b(hant|tw|hk|mo)\b", re.IGNORECASE)


#: The texts of a language.
texts = partial(spoken, "places")


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
