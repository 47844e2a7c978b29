"""Plates as they are looked for: what cameras take for one another is the same here.

The mainland gives out neither I nor O after the letter of the office (GA 36-2018), so who
reads one has read 1 or 0. The sign of the province is what foreign readers miss most: it is
left out of what is compared, and only says which of several is meant.
"""

from collections.abc import Callable
import re
from typing import Final
import unicodedata

#: What the digest of a folded plate is about.
FOLDED: Final = "plate_folded"
#: Characters that have to be said of a plate: fewer would be a list of everybody's.
LEAST_CHARACTERS: Final = 3
MOST_CHARACTERS: Final = 12
_BETWEEN = re.compile(r"[\s·•・.\-]")
_ALIKE = str.maketrans({"O": "0", "I": "1"})
_HAN: Final = "\u3400-\u9fff"
_PROVINCE = re.compile(f"^[{_HAN}]")
#: A star is any run of characters, a question mark is one.
_WANTED = re.compile(rf"[0-9A-Z{_HAN}*?]+")


def tidy(text: str) -> str:
    """Return a plate, or what is known of one, as cameras write it: 浙a·0t?k9 is 浙A0T?K9."""
    return _BETWEEN.sub("", unicodedata.normalize("NFKC", text)).upper()


def folded(plate: str) -> str:
    """Return what a plate has in common with those that it may be taken for."""
    return _PROVINCE.sub("", tidy(plate)).translate(_ALIKE)


def is_wanted(text: str) -> bool:
    """Return if enough is said of a plate to look for it."""
    text = tidy(text)
    said = re.sub(r"[*?]", "", folded(text))
    return (
        _WANTED.fullmatch(text) is not None
        and len(said) >= LEAST_CHARACTERS
        and len(said) <= MOST_CHARACTERS
    )


def is_open(text: str) -> bool:
    """Return if not all of a plate is said."""
    return bool(re.search(r"[*?]", tidy(text)))


def finds(text: str) -> Callable[[str], bool]:
    """Return what says of a plate whether it may be the one of which this much is known."""
    parts = {"*": ".*", "?": "."}
    said = re.compile("".join(parts.get(row) or re.escape(row) for row in folded(text)))

    def fits(plate: str) -> bool:
        # A question mark may stand for the province.
        whole = tidy(plate).translate(_ALIKE)
        return any(said.fullmatch(row) for row in (folded(plate), whole))

    return fits


def ending(text: str, most: int) -> str:
    """Return the end of what is said of a plate, folded: so much of it as is certain."""
    return re.split(r"[*?]", folded(text))[-1][-most:]
