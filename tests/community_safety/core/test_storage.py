"""The alarm book's disk: full, locked, damaged. Alarms go on, and nothing is lost."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
import sqlite3
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
    async_fire_time_changed,
)

from custom_components.community_safety.const import DOMAIN, EVENT_ALARM
from custom_components.community_safety.core import storage as module
from custom_components.community_safety.core.house import DATA_HOUSE
from custom_components.community_safety.core.storage import RETRY_SECONDS, Storage
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from tests.common import Peer, add_gateway, insert, wait_until


@pytest.fixture
def storage(hass: HomeAssistant, gateway: MockConfigEntry) -> Storage:
    """Return the storage of a running house."""
    return hass.data[DATA_HOUSE].storage


async def run(storage: Storage, sql: str) -> Any:
    """Run SQL on the writer's own connection."""
    return await storage._async_run(lambda: storage._db.execute(sql).fetchone())


def stored(hass: HomeAssistant) -> list[str]:
    """Return the ids of the alarms that are on disk."""
    with closing(sqlite3.connect(hass.config.path(f"{DOMAIN}.db"))) as database:
        return [key for (key,) in database.execute("SELECT key FROM alarms")]


def has_issue(hass: HomeAssistant) -> bool:
    """Return if the trouble is shown to people."""
    return ir.async_get(hass).async_get_issue(DOMAIN, "storage_failed") is not None


async def smoke(peer: Peer, number: int) -> None:
    """Let a new sensor find smoke."""
    await peer.config(f"smoke-{number}", "smoke_sensor", ["smoke"])
    await peer.state(f"smoke-{number}", smoke=True)


async def test_disk_full(
    hass: HomeAssistant, storage: Storage, peer: Peer, freezer: FrozenDateTimeFactory
) -> None:
    """With a full disk an alarm is told all the same, and stored once there is room."""
    events = async_capture_events(hass, EVENT_ALARM)
    (pages,) = await run(storage, "PRAGMA page_count")
    await run(storage, f"PRAGMA max_page_count={pages}")
    # Fills what is left of the last page.
    await storage.put("settings", "filler", {"text": "x" * 20_000})
    await smoke(peer, 1)
    await wait_until(hass, lambda: len(events) == 1)
    assert stored(hass) == []
    assert has_issue(hass)
    await smoke(peer, 2)
    await wait_until(hass, lambda: len(events) == 2)

    await run(storage, "PRAGMA max_page_count=1000000")
    freezer.tick(RETRY_SECONDS + 1)
    async_fire_time_changed(hass)
    await wait_until(hass, lambda: not storage.is_busy)
    assert sorted(stored(hass)) == sorted(hass.data[DATA_HOUSE].book.open)
    assert not has_issue(hass)
    assert len(events) == 2


async def test_disk_that_does_not_answer(
    hass: HomeAssistant,
    storage: Storage,
    peer: Peer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A locked file holds up an alarm for a moment only; it is stored afterwards."""
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.05)
    events = async_capture_events(hass, EVENT_ALARM)
    with closing(sqlite3.connect(storage.path)) as other:
        other.execute("BEGIN EXCLUSIVE")
        await smoke(peer, 1)
        await wait_until(hass, lambda: len(events) == 1)
        assert stored(hass) == []
        other.rollback()
    await wait_until(hass, lambda: not storage.is_busy)
    assert len(stored(hass)) == 1


async def test_queue_while_the_disk_is_broken(
    hass: HomeAssistant, storage: Storage, freezer: FrozenDateTimeFactory
) -> None:
    """Nobody waits for a disk that is known to be broken; the newest row wins."""
    (pages,) = await run(storage, "PRAGMA page_count")
    await run(storage, f"PRAGMA max_page_count={pages}")
    assert not await storage.put("settings", "a", {"text": "x" * 50_000})
    assert not await storage.put("settings", "a", {"text": "short"})
    assert not await storage.put("settings", "b", {"text": "y"})
    await run(storage, "PRAGMA max_page_count=1000000")
    freezer.tick(RETRY_SECONDS + 1)
    async_fire_time_changed(hass)
    await wait_until(hass, lambda: not storage.is_busy)
    rows = await storage._async_run(lambda: storage._living("settings"))
    assert rows == {"a": {"text": "short"}, "b": {"text": "y"}}


def garbage(path: Path) -> None:
    """Leave something that is no database."""
    path.write_bytes(b"this is no database, whatever its name says" * 100)


def torn(path: Path) -> None:
    """Overwrite the middle of a database, as a dying card does."""
    with closing(sqlite3.connect(path)) as database:
        database.executescript(module.SCHEMA)
        for number in range(200):
            insert(database, "alarms", str(number), {"text": "x" * 500})
    data = bytearray(path.read_bytes())
    data[4096 * 3 : 4096 * 12] = b"\xa5" * (4096 * 9)
    path.write_bytes(data)


@pytest.mark.parametrize("damage", [garbage, torn])
async def test_damaged_file(
    hass: HomeAssistant,
    peer: Peer,
    damage: Callable[[Path], None],
) -> None:
    """A damaged file is moved aside and kept, people are told, and alarms go on."""
    path = Path(hass.config.path(f"{DOMAIN}.db"))
    await hass.async_add_executor_job(damage, path)
    await peer.gateway()
    entry = await add_gateway(hass)
    await wait_until(hass, lambda: entry.runtime_data.connected)
    await smoke(peer, 1)
    await wait_until(hass, lambda: not hass.data[DATA_HOUSE].storage.is_busy)
    assert len(stored(hass)) == 1
    aside = await hass.async_add_executor_job(
        lambda: list(path.parent.glob(f"{DOMAIN}.db.broken-??????????????"))
    )
    assert len(aside) == 1
    assert ir.async_get(hass).async_get_issue(DOMAIN, "storage_moved_aside")


async def test_backup_holds_everything(
    hass: HomeAssistant, storage: Storage, peer: Peer
) -> None:
    """After a checkpoint the one file holds all rows."""
    await smoke(peer, 1)
    (alarm,) = hass.data[DATA_HOUSE].book.open.values()
    await wait_until(hass, lambda: alarm.announced and not storage.is_busy)
    await storage.async_checkpoint()
    assert storage.path.with_name(f"{DOMAIN}.db-wal").stat().st_size == 0


async def test_too_many_closed_alarms(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The book is bounded: the oldest closed ones go first, open ones never."""
    monkeypatch.setattr(module, "KEEP_ROWS", 3)
    now = 2_000_000_000.0
    for number in range(6):
        await storage.put("alarms", str(number), {}, closed_at=now + number)
    await storage.put("alarms", "open", {})
    await storage.async_purge()
    rows = await storage._async_run(
        lambda: storage._db.execute("SELECT key FROM alarms ORDER BY key").fetchall()
    )
    assert [key for (key,) in rows] == ["3", "4", "5", "open"]


async def test_close_with_a_broken_disk(
    storage: Storage, caplog: pytest.LogCaptureFixture
) -> None:
    """What could not be stored until the end is at least told."""
    (pages,) = await run(storage, "PRAGMA page_count")
    await run(storage, f"PRAGMA max_page_count={pages}")
    await storage.put("settings", "a", {"text": "x" * 50_000})
    await storage.async_close()
    assert "1 records could not be stored" in caplog.text
    await storage.async_close()
    assert not await storage.put("settings", "b", {})
