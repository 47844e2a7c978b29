"""What a record says, in one form of bytes: the same record has the same digest."""

from decimal import ROUND_HALF_UP, Decimal
import hashlib
import json
from typing import Any

from .const import CENT


def canonical(data: Any) -> str:
    """Return JSON with one order and no blanks. Numbers that are not whole are texts."""
    return json.dumps(
        data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def digest(*texts: str) -> str:
    """Return the SHA-256 of texts, each on a line of its own."""
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def rounded(value: Decimal) -> Decimal:
    """Return a number with two decimals; a half is rounded away from nought."""
    return value.quantize(CENT, ROUND_HALF_UP)


def number(value: Decimal) -> str:
    """Return a number as records have it: no exponent, and no noughts at its end."""
    text = format(value, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text
