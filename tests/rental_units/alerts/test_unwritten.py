"""Home Assistant stops while the register is away: nothing is lost, nobody is called twice."""

import asyncio
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
import json
from pathlib import Path
import sqlite3
import stat
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.rental_units.alerts.models import values
from custom_components.rental_units.const import CONF_URL
from homeassistant.config_entries import ConfigEntryState
from homeassistant.helpers.storage import Store
from tests.rental_units.postgresql import Server

from .conftest import NUMBERS, House
from .providers import Provider
from .test_database_faults import (
    POLICY,
    file_of,
    is_shown,
    only_sqlite,
    own_server,
    quick,
    told,
)

__all__ = ["own_server"]

type Away = Callable[[], AbstractContextManager[None]]


@pytest.fixture
def hass_storage() -> dict[str, Any]:
    """Let Home Assistant really write its storage."""
    return {}


def kept(house: House) -> Path:
    """Return the file of what is not written."""
    entry_id = house.entry.entry_id
    return Path(
        house.hass.config.path(".storage", f"rental_units.{entry_id}.unwritten")
    )


async def stop(house: House) -> None:
    """Stop the property."""
    assert await house.hass.config_entries.async_unload(house.entry.entry_id)


async def start(house: House) -> bool:
    """Start the property; return if it could."""
    await house.hass.config_entries.async_reload(house.entry.entry_id)
    await house.hass.async_block_till_done()
    return house.entry.state is ConfigEntryState.LOADED


async def is_taken_in(house: House, sms: Provider, call: Provider, away: Away) -> None:
    """Raise an alert while the register is away, stop, start in vain, and start again."""
    options = {**house.entry.options["channels"]["sms"], "receipt_seconds": 600}
    house.options(
        policies={"alarm": POLICY},
        channels={**house.entry.options["channels"], "sms": options},
    )
    await house.hass.async_block_till_done(wait_background_tasks=True)
    run = house.hass.async_add_executor_job
    register = away()
    await run(register.__enter__)
    alert_id = await house.alert(hazard="smoke")
    await house.until(lambda: len(sms.heard) == 5 and is_shown(house))
    # A kill would not lose it either.
    await house.until(kept(house).exists)
    assert stat.S_IMODE(kept(house).stat().st_mode) == 0o600
    assert not any(number in kept(house).read_text() for number in NUMBERS.values())
    await stop(house)
    # A start meanwhile tells people as they were last known, and loses nothing of before.
    assert await start(house)
    assert house.entry.runtime_data.blind
    assert kept(house).exists()
    await stop(house)
    assert kept(house).exists()

    await run(register.__exit__, None, None, None)
    assert await start(house)
    assert not kept(house).exists()
    assert not is_shown(house)
    await house.settled()
    rows = await house.stored()
    assert {key: (row.state, row.attempts) for key, row in rows.items()} == {
        f"{key}-sms": ("sent", 1) for key in NUMBERS
    }
    assert told(sms) == sorted(NUMBERS.values())
    assert call.heard == []

    # The first step is walked again where not even the people could be read.
    for seconds in (31, 1):
        await house.tick(seconds)
        await house.settled()
    assert told(call) == [NUMBERS["tenant-a"], NUMBERS["tenant-b"]]
    (alert,) = await house.get(alert_id=[alert_id])
    assert alert["deliveries"] == {"sms": {"sent": 5}, "call": {"sent": 2}}
    steps = [line["deliveries"] for line in alert["timeline"] if line["type"] == "step"]
    assert alert["timeline"][0]["type"] == "raised"
    assert [number for number in steps if number] == [5, 2]


class TestServerGone:
    """A PostgreSQL that is away."""

    @pytest.fixture
    def database(self, own_server: Server, socket_enabled: None) -> dict[str, Any]:
        """Return the data of a config entry."""
        return {CONF_URL: own_server.url}

    async def test_stopped(
        self, house: House, sms: Provider, call: Provider, own_server: Server
    ) -> None:
        """Its server is stopped and started again."""

        @contextmanager
        def away() -> Generator[None]:
            own_server.stop()
            yield
            own_server.start()

        await is_taken_in(house, sms, call, away)


@contextmanager
def locked(house: House) -> Generator[None]:
    """Hold the file as another program does."""
    other = sqlite3.connect(file_of(house), autocommit=True, check_same_thread=False)
    other.execute("BEGIN EXCLUSIVE")
    yield
    other.execute("ROLLBACK")
    other.close()


@only_sqlite
async def test_stopped_while_locked(
    house: House, sms: Provider, call: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another program holds the file."""
    await quick(house, monkeypatch, 0)
    await is_taken_in(house, sms, call, lambda: locked(house))


@only_sqlite
async def test_file_that_stays(
    house: House,
    sms: Provider,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A file that cannot be deleted never brings back what is older than the database."""
    await quick(house, monkeypatch, 0)
    await house.hass.async_block_till_done(wait_background_tasks=True)
    with locked(house):
        await house.alert(hazard="smoke", audience=["landlord"])
        await house.until(lambda: len(sms.heard) == 1 and is_shown(house))

    async def refuse(store: Store[Any]) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(Store, "async_remove", refuse)
        await house.tick(6)
        await house.until(lambda: house.engine.ledger.trouble is None)
        (delivery,) = house.engine.dispatcher.deliveries.values()
        house.engine.dispatcher.received(delivery)
        await house.settled()
        assert kept(house).exists()
        assert "cannot be deleted: Permission denied" in caplog.text
        await stop(house)
    assert await start(house)
    assert not kept(house).exists()
    await house.settled()
    (row,) = (await house.stored()).values()
    assert (row.state, row.attempts) == ("received", 1)
    assert len(sms.heard) == 1


@only_sqlite
async def test_alert_of_a_lost_database(house: House, sms: Provider) -> None:
    """What is open when its file is damaged is in the next one: nothing of it is lost."""
    first = await house.alert(hazard="smoke", audience=["landlord"])
    await house.settled()
    path = file_of(house)
    for suffix in ("", "-wal", "-shm"):
        file = path.with_name(path.name + suffix)
        size = file.stat().st_size
        await house.hass.async_add_executor_job(file.write_bytes, b"\xa5" * size)
    (delivery,) = house.engine.dispatcher.deliveries.values()
    house.engine.dispatcher.received(delivery)
    second = await house.alert(message="Heat", audience=["landlord"])
    await house.until(lambda: len(sms.heard) == 2 and is_shown(house))
    await stop(house)
    assert await start(house)
    assert set(house.engine.alerts) == {first, second}
    assert (await house.stored())["landlord-sms"].alert_id in (first, second)


async def test_rows_without_their_alert(
    house: House, sms: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    """A row of an alert that went with an older backup does not stop the start."""
    await house.alert(hazard="smoke", audience=["landlord"])
    await house.settled()
    (delivery,) = house.engine.dispatcher.deliveries.values()
    row = {**values(delivery), "id": "x", "alert_id": "gone"}
    await stop(house)
    store = Store[Any](house.hass, 1, kept(house).name, private=True)
    await store.async_save({"deliveries": json.dumps([row])})
    assert await start(house)
    assert "1 rows of alerts have lost their alert" in caplog.text
    assert len(house.engine.alerts) == 1


async def test_removed(house: House, sms: Provider) -> None:
    """A property that is removed leaves neither a secret nor rows."""
    folder = Path(house.hass.config.path(".storage"))
    await house.alert(hazard="smoke")
    await house.settled()
    await stop(house)
    await house.hass.async_add_executor_job(kept(house).write_text, "{}")
    pattern = f"rental_units.{house.entry.entry_id}.*"
    # Beside the rows: the secret of the links, the key, and who was last known.
    assert len(list(folder.glob(pattern))) == 4
    await house.hass.config_entries.async_remove(house.entry.entry_id)
    assert not list(folder.glob(pattern))


async def test_stopped_in_the_middle(house: House, sms: Provider) -> None:
    """What no provider has yet is sent by the next start; what one has is not sent again."""
    channels = house.entry.options["channels"]
    # One place for all that is not an alarm: the others wait.
    house.options(channels={"sms": {**channels["sms"], "concurrency": 1}})
    sms.hold = asyncio.Event()
    house.options(policies={"warning": {"steps": [{"after": 0, "channels": ["sms"]}]}})
    await house.alert(severity="warning", audience=["tenants", "landlord"])
    await house.until(lambda: len(sms.heard) == 1)
    (first,) = told(sms)
    hold, sms.hold = sms.hold, None
    await stop(house)
    hold.set()
    assert await start(house)
    await house.settled()
    assert told(sms) == sorted(
        NUMBERS[key] for key in ("landlord", "tenant-a", "tenant-b")
    )
    unknown = [
        row for row in (await house.stored()).values() if row.reason == "unknown"
    ]
    assert [NUMBERS[row.person_id or ""] for row in unknown] == [first]


async def turn(proof: Callable[[], bool]) -> None:
    """Let the loop turn until something is so, and wait for no thread."""
    for _ in range(5000):
        if proof():
            return
        await asyncio.sleep(0)
    pytest.fail("Nothing came of it")


@only_sqlite
async def test_stopped_before_it_was_sent(house: House, sms: Provider) -> None:
    """What is being written down when the property stops is sent by the next start, once."""
    await sms.stop()
    await house.alert(hazard="smoke", audience=["landlord"])
    await house.settled()
    (delivery,) = house.engine.dispatcher.deliveries.values()
    assert delivery.attempts == 1
    await sms.start()
    with locked(house):
        house.freezer.tick(1.1)
        async_fire_time_changed(house.hass)
        # Not until all is done: the commit waits for the lock.
        await turn(lambda: (delivery.state, delivery.attempts) == ("sending", 2))
        stopping = house.hass.async_create_task(stop(house))
        await turn(lambda: delivery.state == "queued")
    await stopping
    assert sms.heard == []
    assert await start(house)
    await house.settled()
    assert len(sms.heard) == 1
    (row,) = (await house.stored()).values()
    assert (row.state, row.attempts) == ("sent", 3)
