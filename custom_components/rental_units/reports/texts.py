"""What is said of reports, in the reader's language: on pages, in messages, in to-do lists."""

from functools import cache
import json
from pathlib import Path
from typing import Any

from ..const import LANGUAGES


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
