"""The rows on their way to the disk: the newer one wins, and a stop writes what it can."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.rental_units.alerts.ledger import Ledger
from custom_components.rental_units.alerts.models import Alert
from custom_components.rental_units.storage.errors import RegisterError
from homeassistant.core import HomeAssistant


def row(place: str) -> Alert:
    """Return an alert that tells by its place which version of it this is."""
    return Alert(id="a", place=place)


class Rows:
    """A file of rows that could not be written, in memory."""

    def __init__(self) -> None:
        """Initialize."""
        self.kept: Any = {}

    @property
    def is_there(self) -> bool:
        """Return if there is a file."""
        return bool(self.kept)

    async def async_keep(self, tables: Any) -> None:
        """Hold these rows."""
        self.kept = tables

    async def async_remove(self) -> None:
        """Delete the file."""
        self.kept = {}


class Database:
    """A register whose commits wait to be let go, and fail if they are told to."""

    def __init__(self) -> None:
        """Initialize."""
        self.written: list[str] = []
        self.gate = asyncio.Event()
        self.fails = False

    async def run(self, work: Callable[[Any], Any]) -> None:
        """Write, once it may."""
        await self.gate.wait()
        if self.fails:
            raise RegisterError("register_full")
        self.written.append(str(work.keywords["tables"]))  # type: ignore[attr-defined]


@pytest.fixture
async def ledger(hass: HomeAssistant) -> tuple[Ledger, Database, Rows]:
    """Return a ledger on a database that is let go by hand."""
    database, rows = Database(), Rows()
    told: Any = lambda reason: None  # noqa: E731
    return Ledger(hass, database.run, rows, told, lambda: 0.0), database, rows  # type: ignore[arg-type]


async def test_newer_row_wins(
    hass: HomeAssistant, ledger: tuple[Ledger, Database, Rows]
) -> None:
    """A row that is put while its older version fails is what is written in the end."""
    book, database, _ = ledger
    database.fails = True
    waiting = book.put(row("old"))
    for _ in range(5):
        await asyncio.sleep(0)
    book.put(row("new"))
    database.gate.set()
    assert not await waiting
    database.fails = False
    await book.async_close()
    (written,) = database.written
    assert "new" in written
    assert "old" not in written


async def test_closed_before_the_retry(
    hass: HomeAssistant, ledger: tuple[Ledger, Database, Rows]
) -> None:
    """A disk that is well again before the retry gets its rows at the stop."""
    book, database, rows = ledger
    database.gate.set()
    database.fails = True
    assert not await book.put(row("kept"))
    assert "kept" in str(rows.kept)
    database.fails = False
    await book.async_close()
    assert "kept" in str(database.written)
    assert rows.kept == {}
    assert book.waiting == 0
    async_fire_time_changed(hass)
