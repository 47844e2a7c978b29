"""What must come before what: on disk before it is told, asked before it is sent."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.rental_units.alerts.ledger import Ledger
from custom_components.rental_units.alerts.models import Alert
from custom_components.rental_units.register import Register
from custom_components.rental_units.storage.errors import RegisterError
from homeassistant.core import HomeAssistant

from .conftest import House
from .providers import Provider

IN_TURN = {
    "steps": [{"after": 0, "channels": ["sms", "call"], "in_turn": True}],
    "valid_for": 3600,
}


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


async def test_told_when_it_is_on_disk(
    house: House, sms: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the commit is under way nobody is told, and no event is fired."""
    gate = asyncio.Event()
    register = house.entry.runtime_data
    run = Register.async_run

    async def held(self: Register, work: Any) -> Any:
        await gate.wait()
        return await run(self, work)

    monkeypatch.setattr(type(register), "async_run", held)
    monkeypatch.setattr(house.engine.ledger, "_run", register.async_run)
    asking = asyncio.ensure_future(house.alert(hazard="smoke"))
    for _ in range(50):
        await asyncio.sleep(0)
    assert house.kinds() == []
    assert sms.heard == []
    gate.set()
    await asking
    assert house.kinds() == ["raised"]
    await house.settled()
    assert len(sms.heard) == 5


async def test_acknowledged_while_people_are_read(
    house: House, sms: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is read while somebody takes it is not told, and the alert ends in its time."""
    gate, read = asyncio.Event(), Register.async_recipients

    async def held(self: Register, *args: Any) -> Any:
        await gate.wait()
        return await read(self, *args)

    monkeypatch.setattr(Register, "async_recipients", held)
    monkeypatch.setattr(
        house.entry.runtime_data.phonebook, "last_known", lambda *args: []
    )
    alert_id = await house.alert(hazard="smoke")
    alert = house.engine.alerts[alert_id]
    house.engine.acknowledge(alert, who="user", via="action")
    gate.set()
    await house.settled()
    for _ in range(3):
        await house.tick(61)
        await house.settled()
    assert sms.heard == []
    assert alert.due_at == alert.ends_at
    await house.tick(4 * 3600)
    assert house.engine.alerts == {}


async def test_next_channel_begins_once(
    house: House, sms: Provider, call: Provider
) -> None:
    """After the third failure the next channel begins; the final one begins none anew."""
    sms.status = 500
    house.options(policies={"warning": IN_TURN})
    await house.alert(severity="warning", hazard="overflow", audience=["landlord"])
    for _ in range(4):
        await house.settled()
        await house.tick(11)
    await house.settled()
    assert len(call.heard) == 1
    house.engine.dispatcher.received(
        next(
            row
            for row in house.engine.dispatcher.deliveries.values()
            if row.channel == "call"
        )
    )
    sms.status, sms.answer = 400, {"code": 21211}
    for _ in range(4):
        await house.tick(31)
        await house.settled()
    rows = await house.stored()
    assert (rows["landlord-sms"].state, rows["landlord-sms"].rest) == ("failed", [])
    assert len(call.heard) == 1


async def test_cancelled_ones_leave_their_places(house: House, sms: Provider) -> None:
    """More alerts than there are places, cancelled before they begin, block nobody."""
    channels = house.entry.options["channels"]
    house.options(channels={"sms": {**channels["sms"], "concurrency": 1}})
    sms.hold = asyncio.Event()
    for number in range(6):
        alert_id = await house.alert(message=f"News {number}", audience=["tenants"])
        await house.until(lambda: bool(sms.heard))
        house.engine.cancel(house.engine.alerts[alert_id], who=None)
    sms.hold.set()
    await house.until(lambda: house.engine.dispatcher._lanes["sms"].active == 0)
    sms.heard.clear()
    await house.alert(hazard="smoke", audience=["landlord"])
    await house.until(lambda: len(sms.heard) == 1)


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
