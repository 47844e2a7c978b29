"""Failures of a database, in words for a person."""

import sqlite3
from typing import Final

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from homeassistant.exceptions import HomeAssistantError

from ..const import DOMAIN
from .migrations import TooNewError

#: What passes by itself, or once somebody has seen to the database.
AWAY: Final = frozenset({"register_locked", "register_unreachable", "register_full"})
#: Translation keys by the name of SQLite's error; their extended names begin so.
_SQLITE = {
    "SQLITE_BUSY": "register_locked",
    "SQLITE_LOCKED": "register_locked",
    "SQLITE_FULL": "register_full",
    "SQLITE_IOERR": "register_full",
    "SQLITE_CORRUPT": "register_damaged",
    "SQLITE_NOTADB": "register_damaged",
    "SQLITE_CANTOPEN": "register_unreachable",
    "SQLITE_READONLY": "register_unreachable",
    "SQLITE_CONSTRAINT_TRIGGER": "record_sealed",
}
#: The same by the beginning of PostgreSQL's SQLSTATE.
_POSTGRESQL = {
    "08": "register_unreachable",
    "28": "register_refused",
    "3D": "register_unreachable",
    "40": "register_locked",
    "42501": "register_refused",
    "53100": "register_full",
    "53": "register_unreachable",
    "55P03": "register_locked",
    "57014": "register_locked",
    "57P": "register_unreachable",
    "58": "register_full",
    "P0001": "record_sealed",
    "XX": "register_damaged",
}


class RegisterError(HomeAssistantError):
    """The register did not do what was asked, and nothing was changed."""

    def __init__(self, key: str) -> None:
        """Initialize with the key of the text."""
        super().__init__(translation_domain=DOMAIN, translation_key=key)
        self.key = key


def explain(err: SQLAlchemyError | TooNewError | OSError) -> RegisterError:
    """Return the error for a person.

    It is raised from nothing: drivers put rows, that is people, into their messages.
    """
    return RegisterError(_key(err))


def _key(err: Exception) -> str:
    if isinstance(err, TooNewError):
        return "register_too_new"
    if isinstance(err, OSError):
        return "register_unreachable"
    if not isinstance(err, DBAPIError):
        return "register_failed"
    if isinstance(err.orig, sqlite3.Error):
        return _lookup(_SQLITE, getattr(err.orig, "sqlite_errorname", ""))
    details = err.orig.args[0] if err.orig and err.orig.args else None
    if isinstance(details, dict):
        return _lookup(_POSTGRESQL, str(details.get("C", "")))
    # What is not the server's own answer is about the way to it.
    return "register_unreachable"


def _lookup(table: dict[str, str], code: str) -> str:
    return next(
        (key for begin, key in table.items() if code.startswith(begin)),
        "register_failed",
    )
