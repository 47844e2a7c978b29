"""Numbers of cards and plates: as they are written on them, and encrypted."""

from collections.abc import Iterable
from itertools import batched
import re
from typing import Final
import unicodedata

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from ..register import queries
from ..storage import vault
from ..storage.vault import Compartment, CompartmentRow, Vault
from .const import SHOWN_DIGITS
from .models import Card

#: Kind of the rows in the vault, and what the digests are about.
KIND: Final = "card_number"
#: They go with their card, and not by themselves.
_KEEP_DAYS: Final = 36_500
#: As some cards have it: the facility, and the number in five digits.
_FACILITY = re.compile(r"(\d{1,5})[,，](\d{5})")
_NUMBER = re.compile(r"\d{1,20}")
#: What people write between the parts of a plate.
_BETWEEN = re.compile(r"[\s·•・.\-]")
#: A plate of whatever country, and one of the mainland: province, office, and five or six
#: more, of which the last may be a character (GA 36-2018).
_PLATE = re.compile(r"[0-9A-Z\u3400-\u9fff]{2,12}")
_MAINLAND = re.compile(r"[\u4e00-\u9fff][A-Z][0-9A-Z]{4,5}[0-9A-Z\u4e00-\u9fff]")
#: Of an embassy: its number before the character for it.
_EMBASSY = re.compile(r"\d{6}使")


def normal(text: str) -> str | None:
    """Return a number as controllers have it: 0010058400 and 100,58400 are 10058400.

    None for what is no number of a card.
    """
    text = re.sub(r"\s", "", unicodedata.normalize("NFKC", text))
    if found := _FACILITY.fullmatch(text):
        text = "".join(found.groups())
    if not text.isascii() or not _NUMBER.fullmatch(text):
        return None
    return text.lstrip("0") or None


def plate(text: str, country: str | None) -> str | None:
    """Return a plate as cameras read it: 浙A·0T5K9 is 浙A0T5K9.

    None for what is none. In China one without its province would never match.
    """
    text = _BETWEEN.sub("", unicodedata.normalize("NFKC", text)).upper()
    shapes = (_MAINLAND, _EMBASSY) if country == "CN" else (_PLATE,)
    if not any(shape.fullmatch(text) for shape in shapes) or text.isdecimal():
        # One of digits alone would be taken for a card.
        return None
    return text


def shown(number: str) -> str:
    """Return the digits of a number that are shown: of a short one half, else it were all."""
    return number[-min(SHOWN_DIGITS, len(number) // 2) :] if number[1:] else ""


def mask(digits: str) -> str:
    """Return what is shown of a number."""
    return f"••••{digits}" if digits else ""


def put(session: Session, box: Vault, card: Card, number: str) -> None:
    """Give a card its number. Raises RegisterError."""
    card.number_row = box.put(
        session, Compartment.SEALED, KIND, number, keep_days=_KEEP_DAYS
    )
    card.number_hash = box.digest(number, KIND)
    card.digits = shown(number)


def drop(session: Session, card: Card) -> None:
    """Forget the number of a card; its last digits stay."""
    if card.number_row:
        vault.drop(session, card.number_row)
    card.number_row = card.number_hash = None


def find(session: Session, box: Vault, number: str) -> Card | None:
    """Return the card that has a number, and is not closed."""
    return session.scalar(
        select(Card).where(
            Card.number_hash.in_(box.digests(number, KIND)), Card.closed_at.is_(None)
        )
    )


def find_all(session: Session, box: Vault, wanted: Iterable[str]) -> dict[str, Card]:
    """Return the cards that have these numbers, and are not closed, by number."""
    by_hash = {key: row for row in wanted for key in box.digests(row, KIND)}
    found = {}
    for keys in batched(by_hash, queries.MOST_VALUES, strict=False):
        for card in session.scalars(
            select(Card)
            .where(Card.number_hash.in_(keys), Card.closed_at.is_(None))
            .options(selectinload(Card.places))
        ):
            found[by_hash[card.number_hash or ""]] = card
    return found


def hash_anew(session: Session, box: Vault) -> None:
    """Let numbers be found by the newest key, after they were encrypted with it."""
    cards = select(Card, CompartmentRow).join(
        CompartmentRow, CompartmentRow.id == Card.number_row
    )
    for card, row in session.execute(cards).all():
        if (number := box.open_if_possible(row)) is not None:
            card.number_hash = box.digest(number, KIND)
    session.flush()
