"""Names as they are looked for: their signs, their pinyin, and the initials of that."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from itertools import product
import json
from math import prod
from pathlib import Path
import re
from typing import Final
import unicodedata

#: One Chinese sign, or letters and digits that belong together.
_HAN: Final = "\u3400-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_SIGN = re.compile(f"[{_HAN}]")
_PART = re.compile(rf"[{_HAN}]|[^\W_{_HAN}]+")
#: A sign may be read in several ways, above all as a surname. So many spellings of a name
#: are kept, for which the signs after the first one give up their rarer readings.
MOST_SPELLINGS: Final = 48
_READINGS: Final = (9, 2, 1)
#: Nobody looks for what comes after so many signs or words.
MOST_PARTS: Final = 12


def plain(text: str) -> str:
    """Return the letters, digits and signs of a text, without case, accents and spaces."""
    return "".join(_parts(text))


def is_spelt(text: str) -> bool:
    """Return if a text has no Chinese sign."""
    return not _SIGN.search(text)


def search_key(name: str) -> str:
    """Return what a name is found by: words, each with a space before and after it.

    The first word is the name itself. The others are what somebody may type of it: from each
    sign or word to the end, spelt out and as initials. Reads a file the first time.
    """
    parts = _parts(name)
    readings = [_read(part) for part in parts[:MOST_PARTS]]
    words = dict.fromkeys(["".join(parts)])
    for begin in range(len(readings)):
        for spelling in _spellings(readings[begin:]):
            words["".join(spelling)] = None
            words["".join(row[0] for row in spelling)] = None
    return f" {' '.join(words)} "


def _parts(text: str) -> list[str]:
    folded = unicodedata.normalize("NFKD", text).casefold()
    letters = "".join(row for row in folded if not unicodedata.combining(row))
    return _PART.findall(unicodedata.normalize("NFKC", letters))


def _read(part: str) -> list[str]:
    """Return the readings of a sign, the usual one first; what is no sign is read as it is."""
    readings = _pinyin().get(str(ord(part))) if _SIGN.match(part) else None
    if not readings:
        return [part]
    found = (row for text in readings.split(",") for row in _typed(text))
    return list(dict.fromkeys(found))


def _typed(reading: str) -> Iterator[str]:
    """Return how a reading is typed: 吕 as lv, as it is printed (lu), as in a passport (lyu)."""
    letters = unicodedata.normalize("NFD", reading).replace("u\u0308", "v")
    typed = "".join(row for row in letters if not unicodedata.combining(row))
    yield typed
    if "v" in typed:
        yield from (typed.replace("v", "u"), typed.replace("v", "yu"))


@cache
def _pinyin() -> Mapping[str, str]:
    """Return the readings of each sign, by its number.

    The library's table alone: with its phrases, of which a name has none, it would take
    fifty megabytes and a second.
    """
    spec = find_spec("pypinyin")
    assert spec and spec.origin
    table: dict[str, str] = json.loads(
        Path(spec.origin).with_name("pinyin_dict.json").read_text("utf-8")
    )
    return table


def _spellings(readings: Sequence[list[str]]) -> Iterator[tuple[str, ...]]:
    first, *others = readings
    for most in _READINGS:
        kept = [first, *(row[:most] for row in others)]
        if prod(map(len, kept)) <= MOST_SPELLINGS:
            break
    return product(*kept)
