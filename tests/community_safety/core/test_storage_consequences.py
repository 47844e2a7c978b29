"""What the alarm book's file must bear: a commit that fails late, a power cut, a locked file at start."""

import asyncio
from contextlib import closing
from functools import partial
from pathlib import Path
import sqlite3
import threading
from unittest.mock import Mock

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
    async_fire_time_changed,
)

from custom_components.community_safety.const import DOMAIN, EVENT_ALARM
from custom_components.community_safety.core import storage as module
from custom_components.community_safety.core.alarms import DRAW_SECONDS, AlarmBook
from custom_components.community_safety.core.house import DATA_HOUSE
from custom_components.community_safety.core.storage import (
    LOG_PAGES,
    PAGE_BYTES,
    RETRY_SECONDS,
    Found,
    Storage,
)
from homeassistant.core import (
    CoreState,
    Event,
    EventStateChangedData,
    HomeAssistant,
    callback,
)
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.event import async_track_state_change_event
from tests.common import BASE, Peer, insert, patience, wait_until


@pytest.fixture
def storage(hass: HomeAssistant, gateway: MockConfigEntry) -> Storage:
    """Return the storage of a running house."""
    return hass.data[DATA_HOUSE].storage


async def run(storage: Storage, sql: str) -> tuple[object, ...]:
    """Run SQL on the writer's own connection, and return the first row."""
    row: tuple[object, ...] = await storage._async_run(
        lambda: storage._db.execute(sql).fetchone()
    )
    return row


async def fill(storage: Storage) -> None:
    """Let the disk be full from now on."""
    (pages,) = await run(storage, "PRAGMA page_count")
    await run(storage, f"PRAGMA max_page_count={pages}")


async def empty(storage: Storage) -> None:
    """Let the disk have room again."""
    await run(storage, "PRAGMA max_page_count=1000000")


async def test_a_failed_commit_overwrites_no_newer_row(
    hass: HomeAssistant,
    storage: Storage,
    freezer: FrozenDateTimeFactory,
    request: pytest.FixtureRequest,
) -> None:
    """A row that is put while the commit of an older one is still failing stays the newer one."""
    await wait_until(hass, lambda: not storage.is_busy)
    await fill(storage)
    hold = threading.Event()
    request.addfinalizer(hold.set)
    waiting = asyncio.ensure_future(storage._async_run(hold.wait))
    await asyncio.sleep(0)
    old = storage.put("settings", "a", {"text": "x" * 50_000})
    # Handed over: a row of the same turn would simply take its place.
    await asyncio.sleep(0)
    new = storage.put("settings", "a", {"text": "newer"})
    hold.set()
    await waiting
    assert [await old, await new] == [False, False]
    await empty(storage)
    freezer.tick(RETRY_SECONDS + 1)
    async_fire_time_changed(hass)
    await wait_until(hass, lambda: not storage.is_busy)
    rows = await storage._async_run(lambda: storage._living("settings"))
    assert rows["a"] == {"text": "newer"}


async def test_locked_at_the_start(
    hass: HomeAssistant,
    hass_config_file: sqlite3.Connection,
    monkeypatch: pytest.MonkeyPatch,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A sound file that somebody else holds at the start is kept, and read as soon as it can be."""
    insert(hass_config_file, "settings", "a", {"limits": {}})
    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, timeout=0))
    hass_config_file.execute("PRAGMA journal_mode=DELETE")
    hass_config_file.execute("BEGIN EXCLUSIVE")
    troubles: list[str | None] = []
    found: list[Found] = []
    storage = Storage(hass, Path(hass.config.path(f"{DOMAIN}.db")), troubles.append)
    storage.on_found = found.append
    assert await storage.async_open() == {}
    assert storage.moved is None
    assert storage.unread == set(module.TABLES)
    assert troubles == ["database is locked"]
    # A default would take the place of what was set.
    assert not await storage.put("settings", "a", {"limits": {"default": 1}})
    assert not await storage.put("latches", "c", {})
    hass_config_file.rollback()
    freezer.tick(RETRY_SECONDS + 1)
    async_fire_time_changed(hass)
    await wait_until(hass, lambda: not storage.is_busy)
    assert troubles[-1] is None
    assert not storage.unread
    assert [rows["settings"] for rows in found] == [{"a": {"limits": {}}}]
    rows = await storage._async_run(lambda: storage._living("latches"))
    assert rows.keys() == {"c"}
    await storage.async_close()


async def test_closed_before_the_next_try(
    hass: HomeAssistant, storage: Storage
) -> None:
    """What waits for its next try is written at the end, if the disk is well again by then."""
    await wait_until(hass, lambda: not storage.is_busy)
    await fill(storage)
    assert not await storage.put("settings", "a", {"text": "x" * 50_000})
    await empty(storage)
    await storage.async_close()
    with closing(sqlite3.connect(storage.path)) as database:
        rows = database.execute("SELECT key FROM settings").fetchall()
    assert ("a",) in rows


async def test_the_journal_goes_with_the_damaged_file(
    hass: HomeAssistant, hass_config_file: sqlite3.Connection
) -> None:
    """An old journal beside a new file would put pages of the damaged one into it.

    It is there as long as anybody else has the file open: a backup, or who looks into it.
    """
    for number in range(200):
        insert(hass_config_file, "alarms", str(number), {"text": "x" * 500})
    hass_config_file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    path = Path(hass.config.path(f"{DOMAIN}.db"))
    data = bytearray(path.read_bytes())
    data[4096 * 8 : 4096 * 14] = b"\xa5" * (4096 * 6)
    path.write_bytes(data)
    insert(hass_config_file, "settings", "a", {})
    storage = Storage(hass, path, lambda _trouble: None)
    await storage.async_open()
    assert storage.moved
    assert storage.moved.with_name(f"{storage.moved.name}-wal").stat().st_size
    assert await storage.put("settings", "b", {})
    await storage.async_close()


async def test_a_power_cut_takes_no_alarm(storage: Storage) -> None:
    """What is said to be stored has left the machine's memory."""
    assert await run(storage, "PRAGMA synchronous") == (2,)


async def test_a_failed_batch_leaves_nothing_half_written(
    hass: HomeAssistant, storage: Storage
) -> None:
    """After a failed commit of several rows the next one is a transaction of its own."""
    await wait_until(hass, lambda: not storage.is_busy)
    with pytest.raises(sqlite3.Error):
        await storage._async_run(
            storage._commit,
            {("settings", "a"): (None, "{}"), ("no_such_table", "b"): (None, "{}")},
        )
    assert not await storage._async_run(lambda: storage._db.in_transaction)
    rows = await storage._async_run(lambda: storage._living("settings"))
    assert "a" not in rows


async def test_stored_before_it_is_told(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    storage: Storage,
    peer: Peer,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    """Nobody hears of an alarm that the disk has not got, as long as the disk may answer."""
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 20)
    events = async_capture_events(hass, EVENT_ALARM)
    await peer.config("smoke-1", "smoke_sensor", ["smoke"])
    await wait_until(hass, lambda: not storage.is_busy)
    hold = threading.Event()
    # However this ends, nothing is held for longer.
    request.addfinalizer(hold.set)
    waiting = asyncio.ensure_future(storage._async_run(hold.wait))
    await asyncio.sleep(0)
    reported = asyncio.Event()
    gateway.runtime_data.devices["smoke-1"].watch(reported.set)
    peer.publish(f"{BASE}/smoke-1/state", peer.state_message({"smoke": True}))
    async with patience():
        await reported.wait()
    book = hass.data[DATA_HOUSE].book
    assert book.open
    assert events == []
    hold.set()
    await waiting
    await wait_until(hass, lambda: len(events) == 1)


async def test_shown_after_it_is_told(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    storage: Storage,
    peer: Peer,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    """Entities come after the alarm that came with them, and leave no report out."""
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 20)
    await peer.config("smoke-1", "smoke_sensor", ["smoke", "battery"])
    await peer.state("smoke-1", smoke=False, battery=80)
    await wait_until(hass, lambda: not storage.is_busy)
    device = gateway.runtime_data.devices["smoke-1"]
    registry = er.async_get(hass)
    entity_id = registry.async_get_entity_id(
        "binary_sensor", DOMAIN, f"{device.uid}/smoke"
    )
    assert entity_id
    seen: list[str] = []

    @callback
    def told(event: Event) -> None:
        seen.append(event.data["type"])

    @callback
    def shown(event: Event[EventStateChangedData]) -> None:
        assert event.data["new_state"]
        seen.append(event.data["new_state"].state)

    hass.bus.async_listen(EVENT_ALARM, told)
    async_track_state_change_event(hass, entity_id, shown)
    hold = threading.Event()
    request.addfinalizer(hold.set)
    waiting = asyncio.ensure_future(storage._async_run(hold.wait))
    await asyncio.sleep(0)

    device.update({"smoke": True})
    assert seen == []
    # The next report finds the one before it shown, and one that fails holds up nothing.
    device.draw(Mock(side_effect=RuntimeError))
    device.update({"smoke": False})
    assert seen == ["on"]
    device.update({"smoke": True})
    assert seen == ["on", "off"]
    # Alarms that follow each other without an end do not hold it up for long.
    freezer.tick(DRAW_SECONDS)
    async_fire_time_changed(hass)
    assert seen == ["on", "off", "on"]

    device.update({"smoke": False, "battery": 79})
    hold.set()
    await waiting
    await wait_until(hass, lambda: "cleared" in seen and seen[-1] == "off")
    assert seen[3:] == ["raised", "cleared", "returned", "cleared", "off"]
    assert device._undrawn is None

    # What is away is shown as away before its fault is stored.
    again = threading.Event()
    request.addfinalizer(again.set)
    waiting = asyncio.ensure_future(storage._async_run(again.wait))
    await asyncio.sleep(0)
    device.derive(unresponsive=True)
    assert seen[-1] == "unavailable"
    again.set()
    await waiting


async def test_raised_while_stopping(
    hass: HomeAssistant, storage: Storage, peer: Peer
) -> None:
    """An alarm of the last moment counts as not announced: the next start tells it."""
    await peer.config("smoke-1", "smoke_sensor", ["smoke"])
    hass.set_state(CoreState.stopping)
    await peer.state("smoke-1", smoke=True)
    house = hass.data[DATA_HOUSE]
    await wait_until(hass, lambda: bool(house.book.open) and not storage.is_busy)
    # What Home Assistant calls at its end.
    house.book.store_announced()
    await wait_until(hass, lambda: not storage.is_busy)
    rows = await storage._async_run(lambda: storage._living("alarms"))
    assert [row["announced"] for row in rows.values()] == [False]
    hass.set_state(CoreState.running)


async def test_an_unreadable_alarm_costs_itself_alone(hass: HomeAssistant) -> None:
    """A row that cannot be read, wherever it stands, keeps no other from being taken over."""
    row = {
        "device": "d",
        "device_id": None,
        "device_name": "Smoke 1",
        "hazard": "smoke",
        "severity": "alarm",
        "raised_at": 1.0,
    }
    storage = Storage(hass, Path(hass.config.path("never.db")), lambda _trouble: None)
    book = AlarmBook(hass, storage)
    book.restore(
        [{"id": "0"}, {**row, "id": "1"}, {**row, "severity": "?"}, {**row, "id": "2"}]
    )
    assert book.open.keys() == {"1", "2"}


async def test_a_disk_that_hangs_is_not_waited_for(
    storage: Storage, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """A commit that neither ends nor fails is answered when patience is over."""
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.01)
    hold = threading.Event()
    request.addfinalizer(hold.set)
    waiting = asyncio.ensure_future(storage._async_run(hold.wait))
    await asyncio.sleep(0)
    async with patience():
        assert not await storage.put("settings", "a", {})
    hold.set()
    await waiting


async def test_who_sets_something_waits_for_a_slow_disk(
    hass: HomeAssistant,
    storage: Storage,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    """A machine that has just started is busy: that is no disk that refuses."""
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.01)
    hold = threading.Event()
    request.addfinalizer(hold.set)
    waiting = asyncio.ensure_future(storage._async_run(hold.wait))
    await asyncio.sleep(0)
    house = hass.data[DATA_HOUSE]
    setting = asyncio.ensure_future(house.async_store_settings("x"))
    async with patience():
        # Patience of who cannot wait is over; what is set is still awaited.
        assert not await storage.put("settings", "a", {})
        assert not setting.done()
        hold.set()
        await setting
    await waiting
    # And it ends, where no answer comes at all.
    monkeypatch.setattr(module, "LONG_PATIENCE_SECONDS", 0.01)
    again = threading.Event()
    request.addfinalizer(again.set)
    waiting = asyncio.ensure_future(storage._async_run(again.wait))
    await asyncio.sleep(0)
    async with patience():
        with pytest.raises(HomeAssistantError) as caught:
            await house.async_store_settings("x")
    assert caught.value.translation_key == "not_stored"
    again.set()
    await waiting


async def test_who_sets_something_waits_for_a_file_that_is_being_opened(
    hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """Nobody knows yet that a disk is broken which has not answered once."""
    monkeypatch.setattr(module, "OPEN_SECONDS", 0.01)
    storage = Storage(hass, Path(hass.config.path("slow.db")), lambda _trouble: None)
    hold = threading.Event()
    request.addfinalizer(hold.set)
    storage._executor.submit(hold.wait)
    async with patience():
        assert await storage.async_open() == {}
        setting = storage.put("settings", "a", {"text": "x"}, patient=True)
        assert not await storage.put("settings", "b", {})
        assert not setting.done()
        hold.set()
        assert await setting
    rows = await storage._async_run(lambda: storage._living("settings"))
    assert rows == {"a": {"text": "x"}, "b": {}}
    await storage.async_close()


async def test_log_has_its_length(hass: HomeAssistant, storage: Storage) -> None:
    """No commit of an alarm has to lengthen the log file, also after a backup."""
    log = storage.path.with_name(f"{storage.path.name}-wal")
    # A few pages stay in memory.
    least = LOG_PAGES * PAGE_BYTES * 0.9
    assert log.stat().st_size >= least
    await storage.async_checkpoint()
    assert log.stat().st_size < least
    await storage.async_backup_over()
    assert log.stat().st_size >= least
    assert await storage.put("settings", "a", {"limits": {}})


async def test_log_cannot_be_lengthened(
    hass: HomeAssistant, storage: Storage, caplog: pytest.LogCaptureFixture
) -> None:
    """A disk without room for it holds up nothing."""
    await storage.async_checkpoint()
    pages = await storage._async_run(
        lambda: storage._db.execute("PRAGMA page_count").fetchone()[0]
    )
    await run(storage, f"PRAGMA max_page_count={pages + 20}")
    await storage.async_backup_over()
    assert "The log file stays short" in caplog.text
    assert await storage.put("settings", "a", {"limits": {}})


async def test_backup_has_what_was_put_before(
    hass: HomeAssistant, storage: Storage, tmp_path: Path
) -> None:
    """A row of the same turn of the loop is in the one file that a backup copies."""
    stored = storage.put("settings", "a", {"limits": {}})
    await storage.async_checkpoint()
    copy = tmp_path / "copy.db"
    await hass.async_add_executor_job(copy.write_bytes, storage.path.read_bytes())
    with closing(sqlite3.connect(copy)) as database:
        assert database.execute("SELECT key FROM settings").fetchall() == [("a",)]
    assert await stored
