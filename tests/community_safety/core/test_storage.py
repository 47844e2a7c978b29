"""The alarm book's disk: full, locked, damaged. Alarms go on, and nothing is lost."""

from collections.abc import Callable
from contextlib import closing
from functools import partial
import os
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

from custom_components.community_safety.backup import (
    async_post_backup,
    async_pre_backup,
)
from custom_components.community_safety.const import DOMAIN, EVENT_ALARM
from custom_components.community_safety.core import storage as module
from custom_components.community_safety.core.house import DATA_HOUSE
from custom_components.community_safety.core.storage import RETRY_SECONDS, Storage
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from tests.common import BASE, Peer, add_gateway, insert, wait_until


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


async def test_when_an_earlier_run_has_written(hass: HomeAssistant) -> None:
    """No clock is right that says it is earlier."""
    path = Path(hass.config.path(f"{DOMAIN}.db"))
    path.touch()
    os.utime(path, (2_000_000_000, 2_000_000_000))
    assert await async_setup_component(hass, DOMAIN, {})
    assert hass.data[DATA_HOUSE].storage.last_written == 2_000_000_000


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
    (alarm,) = hass.data[DATA_HOUSE].book.open.values()
    assert alarm.id in stored(hass)
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


ROWS = 300


def write_house(path: Path) -> None:
    """Write a house of several pages in each table, every row with a mark of its own."""
    with closing(sqlite3.connect(path)) as database:
        database.executescript(module.SCHEMA)
        database.execute(f"PRAGMA user_version={module.VERSION}")
        for number in range(ROWS):
            uid = f"mqtt/{number:04}"
            filler = {"x": "x" * 200}
            insert(database, "alarms", uid, {"mark": f"alarms-{number:04}", **filler})
            insert(
                database,
                "settings",
                uid,
                {
                    "mark": f"settings-{number:04}",
                    "limits": {},
                    "protected": ["supply"],
                    "variant": None,
                    "blocking": True,
                    **filler,
                },
            )
            insert(database, "latches", uid, {"mark": f"latches-{number:04}", **filler})


def damage_page_of(path: Path, *marks: str) -> None:
    """Overwrite the pages on which rows are."""
    data = bytearray(path.read_bytes())
    for mark in marks:
        page = data.index(mark.encode()) // 4096 * 4096
        data[page : page + 4096] = b"\xa5" * 4096
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("marks", "lost", "least"),
    [
        (["alarms-0150"], ("alarms",), ROWS - 20),
        (["settings-0150"], ("settings",), ROWS - 20),
        # Between two damaged pages: the index still names what is there.
        (["latches-0050", "latches-0250"], ("latches",), ROWS - 40),
        (["latches-0000", "alarms-0299"], ("alarms", "latches"), ROWS - 20),
    ],
)
async def test_one_damaged_page(
    hass: HomeAssistant, marks: list[str], lost: tuple[str, ...], least: int
) -> None:
    """It costs what is on it: every other row is there, and what is lost is named.

    home-assistant/core#115342: "malformed" for one page, and for years everything was deleted.
    """
    path = Path(hass.config.path("a.db"))
    await hass.async_add_executor_job(write_house, path)
    await hass.async_add_executor_job(damage_page_of, path, *marks)
    storage = Storage(hass, path, lambda _reason: None)
    rows = await storage.async_open()
    assert storage.moved
    assert storage.lost == lost
    for table in ("alarms", "settings", "latches"):
        fewest = least if table in lost else ROWS
        whole = [key for key, row in rows[table].items() if row]
        assert fewest <= len(whole) <= ROWS - (table in lost)
        # Of the others it is known that they were there.
        assert len(rows[table]) == ROWS
    await storage.async_close()
    # It is all in the new file, and stays there.
    again = Storage(hass, path, lambda _reason: None)
    assert await again.async_open() == rows
    assert (again.moved, again.lost) == (None, ())
    await again.async_close()


async def test_protected_loads_survive(
    hass: HomeAssistant, mqtt_entry: MockConfigEntry
) -> None:
    """A page of old alarms that is damaged lets no cut-off open the fire pump."""
    path = Path(hass.config.path(f"{DOMAIN}.db"))
    await hass.async_add_executor_job(write_house, path)
    await hass.async_add_executor_job(damage_page_of, path, "alarms-0150")
    await add_gateway(hass)
    house = hass.data[DATA_HOUSE]
    for number in range(ROWS):
        assert house.settings_of(f"mqtt/{number:04}").protected == {"supply"}
    issue = ir.async_get(hass).async_get_issue(DOMAIN, "storage_moved_aside")
    assert issue
    assert issue.translation_placeholders
    assert issue.translation_placeholders["lost"] == "alarms"


async def test_everything_rescued(
    hass: HomeAssistant, mqtt_entry: MockConfigEntry
) -> None:
    """Where only an index is damaged nothing is lost, and nobody is told otherwise."""
    path = Path(hass.config.path(f"{DOMAIN}.db"))

    def damage() -> None:
        write_house(path)
        with closing(sqlite3.connect(path)) as database:
            ((page,),) = database.execute(
                "SELECT rootpage FROM sqlite_master WHERE name = 'counts_closed'"
            )
        data = bytearray(path.read_bytes())
        data[(page - 1) * 4096 : page * 4096] = b"\xa5" * 4096
        path.write_bytes(data)

    await hass.async_add_executor_job(damage)
    await add_gateway(hass)
    assert hass.data[DATA_HOUSE].storage.moved
    issues = ir.async_get(hass)
    assert issues.async_get_issue(DOMAIN, "storage_rescued")
    assert not issues.async_get_issue(DOMAIN, "storage_moved_aside")


async def test_newer_version(
    hass: HomeAssistant, peer: Peer, mqtt_entry: MockConfigEntry
) -> None:
    """What a newer version has written is used and not changed; alarms go on."""
    path = Path(hass.config.path(f"{DOMAIN}.db"))

    def write() -> bytes:
        write_house(path)
        with closing(sqlite3.connect(path)) as database:
            database.execute(f"PRAGMA user_version={module.VERSION + 1}")
            database.execute("DROP TABLE counts")
        return path.read_bytes()

    before = await hass.async_add_executor_job(write)
    entry = await add_gateway(hass)
    await peer.gateway()
    await wait_until(hass, lambda: entry.runtime_data.connected)
    house = hass.data[DATA_HOUSE]
    assert house.settings_of("mqtt/0001").protected == {"supply"}
    events = async_capture_events(hass, EVENT_ALARM)
    await smoke(peer, 1)
    await wait_until(hass, lambda: len(events) == 1)
    assert not await house.storage.put("settings", "a", {})
    assert not house.storage.is_busy
    assert ir.async_get(hass).async_get_issue(DOMAIN, "storage_newer")
    await house.storage.async_close()
    assert path.read_bytes() == before


async def test_an_older_version_is_taken_over(hass: HomeAssistant) -> None:
    """A file of the first version keeps its rows and gets what is new."""
    path = Path(hass.config.path("a.db"))

    def write() -> None:
        write_house(path)
        with closing(sqlite3.connect(path)) as database:
            database.execute("DROP TABLE tests")
            database.execute("PRAGMA user_version=1")

    await hass.async_add_executor_job(write)
    storage = Storage(hass, path, lambda _reason: None)
    rows = await storage.async_open()
    assert len(rows["settings"]) == ROWS
    assert await storage.put("tests", "a", {"at": 1})
    assert await run(storage, "PRAGMA user_version") == (module.VERSION,)
    await storage.async_close()


async def test_a_row_that_cannot_be_read(
    hass: HomeAssistant,
    mqtt_entry: MockConfigEntry,
    hass_config_file: sqlite3.Connection,
) -> None:
    """It costs that row, in every table, and the house starts."""
    insert(
        hass_config_file,
        "settings",
        "good",
        {"limits": {}, "protected": ["supply"], "variant": None, "blocking": True},
    )
    for table in module.TABLES:
        for key, data in (
            ("no json", "{"),
            ("no object", "[1]"),
            ("no text", b"\xff\xfe{}"),
            ("nothing of ours", "{}"),
            ("another shape", '{"limits": 3, "total": [], "device": {}, "alarms": 1}'),
        ):
            hass_config_file.execute(
                f"INSERT INTO {table} VALUES (?, NULL, CAST(? AS TEXT))",  # noqa: S608
                (key, data),
            )
    hass_config_file.commit()
    await add_gateway(hass)
    house = hass.data[DATA_HOUSE]
    assert house.settings_of("good").protected == {"supply"}
    assert not house.book.open
    assert house.storage.trouble is None


async def test_closed_rows_that_cannot_be_read(storage: Storage) -> None:
    """The history is the rest of it; what is asked for by key too."""
    await storage.put("alarms", "good", {"id": "good"}, closed_at=1.0)
    await run(storage, "INSERT INTO alarms VALUES ('bad', 2.0, '{')")
    rows = await storage.async_history(0, 10, 10)
    assert rows == [{"closed_at": 2.0}, {"id": "good", "closed_at": 1.0}]
    assert len(await storage.async_rows("alarms", ["good", "bad", "none"])) == 2


async def test_no_checkpoint_during_a_backup(
    hass: HomeAssistant, storage: Storage
) -> None:
    """The file that is being copied stays as it is, however much is written."""
    await wait_until(hass, lambda: not storage.is_busy)
    await async_pre_backup(hass)
    before = await hass.async_add_executor_job(storage.path.read_bytes)
    for number in range(3):
        assert await storage.put("settings", str(number), {"x": "x" * 3_000_000})
    assert await hass.async_add_executor_job(storage.path.read_bytes) == before
    await async_post_backup(hass)
    assert await storage.put("settings", "after", {})
    assert len(await hass.async_add_executor_job(storage.path.read_bytes)) > len(before)


@pytest.mark.parametrize(
    "bad",
    [
        {"holds": 3},
        {"day": "2026-11-28", "holds": "many"},
        {"day": "2026-11-28", "holds": None},
        {"day": "2026-11-28", "holds": [1]},
    ],
)
async def test_counts_of_another_shape(
    hass: HomeAssistant,
    peer: Peer,
    hass_config_file: sqlite3.Connection,
    bad: dict[str, Any],
) -> None:
    """They cost that row: its door begins anew, the other counts on, and both are watched."""
    today = dt_util.now().date().isoformat()
    for key, row in (("lift-1", bad), ("lift-2", {"day": today, "holds": 3})):
        insert(hass_config_file, "counts", f"mqtt/{BASE}/{key}", row)
    entry = await add_gateway(hass)
    await peer.gateway()
    await wait_until(hass, lambda: entry.runtime_data.connected)
    devices = entry.runtime_data.devices
    for key in ("lift-1", "lift-2"):
        await peer.config(key, "elevator_blocker", ["class_seen", "confidence", "held"])
    assert [devices[key].readings["holds"] for key in ("lift-1", "lift-2")] == [0, 3]
    elevators = hass.data[DATA_HOUSE].elevators
    for key in ("lift-1", "lift-2"):
        elevators.count(devices[key], "holds")
        elevators.count(devices[key], "seen_e_bike")
    assert [devices[key].readings["holds"] for key in ("lift-1", "lift-2")] == [1, 4]


async def test_rows_whose_values_are_of_another_shape(
    hass: HomeAssistant, peer: Peer, hass_config_file: sqlite3.Connection
) -> None:
    """A threshold or a silence that is no number costs itself, and no other device's."""
    whole = {"limits": {}, "protected": ["supply"], "variant": None, "blocking": True}
    for key, row in (
        ("breaker-1", {**whole, "limits": {"leakage_alarm": "400"}}),
        ("breaker-2", {**whole, "limits": {"leakage_alarm": None}}),
        ("breaker-3", {**whole, "protected": "supply"}),
        ("breaker-4", whole),
    ):
        insert(hass_config_file, "settings", f"mqtt/{BASE}/{key}", row)
    seen = {f"mqtt/{BASE}/breaker-1": "long", f"mqtt/{BASE}/breaker-4": 7.0}
    insert(hass_config_file, "seen", f"mqtt/{BASE}", seen)
    entry = await add_gateway(hass)
    await peer.gateway()
    await wait_until(hass, lambda: entry.runtime_data.connected)
    devices = entry.runtime_data.devices
    for number in range(1, 5):
        await peer.config(f"breaker-{number}", "breaker_monitor", ["supply", "power"])
    assert [
        devices[f"breaker-{number}"].limit("leakage_alarm") for number in (1, 2)
    ] == [
        400,
        500,
    ]
    assert devices["breaker-4"].settings.protected == {"supply"}
    assert devices["breaker-3"].settings.protected == set()
    assert devices["breaker-4"].silence == 7
    assert devices["breaker-1"].silence != "long"


async def test_many_are_answered_in_turn(
    hass: HomeAssistant, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hundreds may be stored at once: others have their turn between two of them, in order."""
    monkeypatch.setattr(module, "ANSWER_SECONDS", 0)
    turns: list[str] = []

    def answered(number: int, stored: bool) -> None:
        assert stored
        turns.append(str(number))
        hass.loop.call_soon(turns.append, "other")

    await wait_until(hass, lambda: not storage.is_busy)
    for number in range(3):
        storage.put_then("counts", str(number), {}, partial(answered, number))
    await wait_until(hass, lambda: "0" in turns)
    # What comes later is told later, however soon it is on disk.
    storage.put_then("counts", "3", {}, partial(answered, 3))
    await wait_until(hass, lambda: not storage.is_busy)
    assert [item for item in turns if item != "other"] == ["0", "1", "2", "3"]
    assert turns[:3] == ["0", "other", "1"]
    # At the end nobody is left without an answer.
    for number in range(4, 7):
        storage.put_then("counts", str(number), {}, partial(answered, number))
    await storage.async_close()
    assert [item for item in turns if item != "other"][-3:] == ["4", "5", "6"]
