"""A file that cannot be read at the start: unknown is not empty, and alarms go on."""

from collections.abc import Callable
from contextlib import closing
from functools import partial
import json
import os
from pathlib import Path
import resource
import sqlite3
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
    async_fire_time_changed,
)

from custom_components.community_safety.const import DOMAIN, EVENT_ALARM
from custom_components.community_safety.core import storage as module
from custom_components.community_safety.core.house import DATA_HOUSE, House
from custom_components.community_safety.core.storage import (
    RESCUE_SECONDS,
    RETRY_SECONDS,
    Storage,
)
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er, issue_registry as ir
from tests.common import BASE, Peer, add_gateway, insert, wait_until

from .test_storage import ROWS, damage_page_of, run, write_house

UID = f"mqtt/{BASE}"
SETTINGS: dict[str, Any] = {
    "limits": {"leakage_alarm": 30},
    "protected": ["supply"],
    "variant": "box",
    "blocking": True,
}


def alarm(number: str, device: str, **more: Any) -> dict[str, Any]:
    """Return the row of an open alarm."""
    return {
        "id": number,
        "device": f"{UID}/{device}",
        "device_id": None,
        "device_name": device,
        "hazard": "smoke",
        "severity": "alarm",
        "raised_at": 1.0,
        "announced": True,
        **more,
    }


def stored(hass: HomeAssistant, table: str) -> dict[str, Any]:
    """Return what is on disk."""
    with closing(sqlite3.connect(hass.config.path(f"{DOMAIN}.db"))) as database:
        rows = database.execute(f"SELECT key, data FROM {table}")  # noqa: S608
        return {key: json.loads(data) for key, data in rows}


def issue(hass: HomeAssistant, key: str) -> ir.IssueEntry | None:
    """Return what people are shown."""
    return ir.async_get(hass).async_get_issue(DOMAIN, key)


@pytest.fixture
def later(
    hass: HomeAssistant, request: pytest.FixtureRequest
) -> Callable[[float], None]:
    """Return what lets so many seconds pass; until then time is not frozen."""

    def pass_time(seconds: float) -> None:
        freezer = request.getfixturevalue("freezer")
        freezer.tick(seconds + 1)
        async_fire_time_changed(hass)

    return pass_time


def sets(peer: Peer) -> list[str]:
    """Return the devices that were commanded."""
    return [topic.split("/")[-2] for topic, _ in peer.heard if topic.endswith("/set")]


async def cut(hass: HomeAssistant, *devices: str, alarm_id: str) -> dict[str, Any]:
    """Cut off as an automation does; return status and reason by device."""
    entities = er.async_get(hass)
    answer: Any = await hass.services.async_call(
        DOMAIN,
        "cut_off",
        {
            "entity_id": [
                entities.async_get_entity_id("switch", DOMAIN, f"{UID}/{key}/supply")
                for key in devices
            ],
            "alarm_id": alarm_id,
        },
        blocking=True,
        return_response=True,
    )
    return {
        row["entity_id"]: (row["status"], row["reason"]) for row in answer["supplies"]
    }


@pytest.fixture
async def locked(
    hass: HomeAssistant,
    peer: Peer,
    hass_config_file: sqlite3.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> House:
    """Return a house whose file was locked when it started, with a fire pump in it.

    The flat of breaker-2 was cut in an earlier run, and smoke-9 has found smoke.
    """
    insert(hass_config_file, "settings", f"{UID}/breaker-1", SETTINGS)
    insert(
        hass_config_file,
        "latches",
        f"{UID}/breaker-2/supply",
        {"device": f"{UID}/breaker-2", "key": "supply", "at": 1.0, "alarms": ["old"]},
    )
    insert(hass_config_file, "alarms", "old", alarm("old", "smoke-9"))
    insert(hass_config_file, "alarms", "again", alarm("again", "smoke-1"))
    insert(
        hass_config_file, "alarms", "told", alarm("told", "smoke-8", announced=False)
    )
    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, timeout=0))
    hass_config_file.execute("PRAGMA journal_mode=DELETE")
    hass_config_file.execute("BEGIN EXCLUSIVE")
    entry = await add_gateway(hass)
    await peer.gateway()
    await wait_until(hass, lambda: entry.runtime_data.connected)
    for number in (1, 2, 3):
        await peer.config(
            f"breaker-{number}",
            "breaker_monitor",
            ["supply", "current", "residual_current"],
        )
        await peer.state(f"breaker-{number}", supply=True, current=5.0)
        peer.obedient_breaker(f"breaker-{number}")
    return hass.data[DATA_HOUSE]


async def unlock(
    hass: HomeAssistant, later: Callable[[float], None], database: sqlite3.Connection
) -> None:
    """Let the file be read."""
    database.rollback()
    storage = hass.data[DATA_HOUSE].storage
    later(RETRY_SECONDS)
    await wait_until(hass, lambda: not storage.unread and not storage.is_busy)


async def test_locked_at_the_start(
    hass: HomeAssistant,
    peer: Peer,
    locked: House,
    hass_config_file: sqlite3.Connection,
    later: Callable[[float], None],
) -> None:
    """Alarms go on; nothing is cut before it is known what is protected, and then it is."""
    events = async_capture_events(hass, EVENT_ALARM)
    entities = er.async_get(hass)
    switches = {
        number: entities.async_get_entity_id(
            "switch", DOMAIN, f"{UID}/breaker-{number}/supply"
        )
        for number in (1, 2, 3)
    }
    assert issue(hass, "storage_unread")
    protected = entities.async_get_entity_id(
        "switch", DOMAIN, f"{UID}/breaker-1/protected"
    )
    assert hass.states.get(protected or "").state == "unknown"  # type: ignore[union-attr]

    await peer.config("smoke-1", "smoke_sensor", ["smoke"])
    await peer.state("smoke-1", smoke=True)
    await wait_until(hass, lambda: len(events) == 1)
    assert events[0].data["type"] == "raised"
    raised = events[0].data["alarm_id"]
    answer = await cut(hass, "breaker-1", "breaker-3", alarm_id=raised)
    assert answer == {
        switches[1]: ("unconfirmed", "settings_unread"),
        switches[3]: ("unconfirmed", "settings_unread"),
    }
    # Its own danger cuts it no more than an automation does.
    await peer.state("breaker-3", residual_current=600.0)
    await wait_until(hass, lambda: len(events) == 2)
    for action, number, key in (
        ("turn_on", 2, "not_read"),
        ("turn_off", 1, "protection_unread"),
    ):
        with pytest.raises(HomeAssistantError) as refused:
            await hass.services.async_call(
                "switch", action, {"entity_id": switches[number]}, blocking=True
            )
        assert refused.value.translation_key == key
    await peer.settled()
    assert sets(peer) == []
    # What a person sets meanwhile holds, and takes the place of nothing.
    device = locked.device(f"{UID}/breaker-1")
    assert device
    device[1].settings.limits["rated_current"] = 32
    with pytest.raises(HomeAssistantError) as not_stored:
        await locked.async_save_settings(device[1])
    assert not_stored.value.translation_key == "not_stored"

    await unlock(hass, later, hass_config_file)
    await wait_until(hass, lambda: len(locked.latches.rows) == 2)
    assert not issue(hass, "storage_unread")
    assert not issue(hass, "storage_failed")
    # The latch of the earlier run is watched again, and so is what burns now.
    await wait_until(
        hass, lambda: all(row.proven for row in locked.latches.rows.values())
    )
    assert {row.device.rpartition("/")[2] for row in locked.latches.rows.values()} == {
        "breaker-2",
        "breaker-3",
    }
    assert "breaker-1" not in sets(peer)
    assert hass.states.get(protected or "").state == "on"  # type: ignore[union-attr]
    assert stored(hass, "settings")[f"{UID}/breaker-1"] == {
        **SETTINGS,
        "limits": {"leakage_alarm": 30, "rated_current": 32},
        "kind": None,
        "passback": None,
        "signed_off": None,
    }


async def test_alarms_of_before_are_found(
    hass: HomeAssistant,
    peer: Peer,
    locked: House,
    hass_config_file: sqlite3.Connection,
    later: Callable[[float], None],
) -> None:
    """They are open again; one that was raised anew goes on alone, one not told is told."""
    events = async_capture_events(hass, EVENT_ALARM)
    await peer.config("smoke-1", "smoke_sensor", ["smoke"])
    await peer.config("smoke-9", "smoke_sensor", ["smoke"])
    await peer.state("smoke-1", smoke=True)
    await wait_until(hass, lambda: len(events) == 1)
    anew = events[0].data["alarm_id"]
    await unlock(hass, later, hass_config_file)
    await wait_until(hass, lambda: len(events) == 3)
    assert {(row.data["type"], row.data["alarm_id"]) for row in events[1:]} == {
        ("closed", "again"),
        ("raised", "told"),
    }
    assert locked.book.open.keys() == {"old", "told", anew}
    # It is the device's again: what it says ends it.
    smoke = locked.device(f"{UID}/smoke-9")
    assert smoke
    assert smoke[1].monitor.severity("smoke") == "alarm"
    await peer.state("smoke-9", smoke=False)
    await wait_until(hass, lambda: not locked.book.open["old"].present)
    await wait_until(hass, lambda: not locked.storage.is_busy)
    assert stored(hass, "alarms")["again"]["closed_by"] == "superseded"


async def test_removed_while_it_could_not_be_read(
    hass: HomeAssistant,
    locked: House,
    hass_config_file: sqlite3.Connection,
    later: Callable[[float], None],
) -> None:
    """What a person has removed meanwhile does not come back."""
    locked.forget(f"{UID}/smoke-9")
    locked.forget(f"{UID}/breaker-1")
    await unlock(hass, later, hass_config_file)
    assert "old" not in locked.book.open
    assert "told" in locked.book.open
    assert f"{UID}/breaker-1" not in stored(hass, "settings")


async def test_devices_of_before_are_missed(
    hass: HomeAssistant,
    peer: Peer,
    hass_config_file: sqlite3.Connection,
    monkeypatch: pytest.MonkeyPatch,
    later: Callable[[float], None],
) -> None:
    """A device that an earlier run knew and this one has not heard is watched from then on."""
    for number in (1, 2):
        row = {
            "id": f"smoke-{number}",
            "kind": "smoke_sensor",
            "name": "Smoke",
            "points": ["smoke"],
            "commands": [],
            "power": None,
        }
        insert(hass_config_file, "devices", f"{UID}/smoke-{number}", row)
    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, timeout=0))
    hass_config_file.execute("PRAGMA journal_mode=DELETE")
    hass_config_file.execute("BEGIN EXCLUSIVE")
    entry = await add_gateway(hass)
    await peer.gateway()
    await wait_until(hass, lambda: entry.runtime_data.connected)
    await peer.config("smoke-1", "smoke_sensor", ["smoke", "temperature"])
    await unlock(hass, later, hass_config_file)
    gateway = entry.runtime_data
    assert gateway.devices.keys() == {"smoke-1", "smoke-2"}
    assert gateway.missing == {"smoke-2"}
    assert "temperature" in gateway.devices["smoke-1"].points


async def test_a_start_does_not_wait(
    hass: HomeAssistant,
    mqtt_entry: MockConfigEntry,
    hass_config_file: sqlite3.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A disk that is slow holds up no start; what it gives in the end is taken."""
    monkeypatch.setattr(module, "OPEN_SECONDS", 0.01)
    insert(hass_config_file, "settings", f"{UID}/breaker-1", SETTINGS)
    hass_config_file.execute("PRAGMA journal_mode=DELETE")
    hass_config_file.execute("BEGIN EXCLUSIVE")
    await add_gateway(hass)
    house = hass.data[DATA_HOUSE]
    assert house.settings_of(f"{UID}/breaker-1").unread
    hass_config_file.rollback()
    await wait_until(hass, lambda: not house.storage.unread)
    settings = house.settings_of(f"{UID}/breaker-1")
    assert (settings.unread, settings.protected) == (False, {"supply"})


async def test_a_disk_that_gives_nothing(
    hass: HomeAssistant,
    mqtt_entry: MockConfigEntry,
    hass_config_file: sqlite3.Connection,
    monkeypatch: pytest.MonkeyPatch,
    later: Callable[[float], None],
) -> None:
    """Where every read is an error, the file stays where it is and nothing counts as lost.

    home-assistant/core#56138: "disk I/O error", again and again, and then the disk is back.
    """
    insert(hass_config_file, "settings", f"{UID}/breaker-1", SETTINGS)
    hass_config_file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    hass_config_file.execute("PRAGMA journal_mode=DELETE")
    path = hass.config.path(f"{DOMAIN}.db")
    connect = sqlite3.connect

    def dying(*args: Any, **more: Any) -> sqlite3.Connection:
        """Connect; whatever is read from then on is an error of the system."""
        database = connect(*args, **more)
        database.execute("PRAGMA schema_version").fetchone()
        nothing = os.open(os.devnull, os.O_WRONLY)
        for link in list(Path("/proc/self/fd").iterdir()):
            if link.exists() and str(link.readlink()) == path:
                os.dup2(nothing, int(link.name))
        os.close(nothing)
        return database

    hass_config_file.close()
    with monkeypatch.context() as patch:
        patch.setattr(sqlite3, "connect", dying)
        await add_gateway(hass)
        house = hass.data[DATA_HOUSE]
        assert house.storage.trouble == "disk I/O error"
        assert house.settings_of(f"{UID}/breaker-1").unread
        assert issue(hass, "storage_unread")
        assert not issue(hass, "storage_moved_aside")
    later(RESCUE_SECONDS)
    await wait_until(hass, lambda: not house.storage.unread)
    assert house.settings_of(f"{UID}/breaker-1").protected == {"supply"}
    assert house.storage.moved is None
    assert not issue(hass, "storage_unread")


async def test_settings_of_another_shape(
    hass: HomeAssistant, peer: Peer, hass_config_file: sqlite3.Connection
) -> None:
    """A row that cannot be understood is unknown, and stays until a person sets it anew."""
    uid = f"{UID}/breaker-1"
    row = {**SETTINGS, "protected": "supply"}
    insert(hass_config_file, "settings", uid, row)
    entry = await add_gateway(hass)
    await peer.gateway()
    await wait_until(hass, lambda: entry.runtime_data.connected)
    await peer.config("breaker-1", "breaker_monitor", ["supply", "current"])
    peer.obedient_breaker("breaker-1")
    await peer.state("breaker-1", supply=True, current=5.0)
    ((status, reason),) = (await cut(hass, "breaker-1", alarm_id="none")).values()
    assert (status, reason) == ("unconfirmed", "settings_unread")
    assert issue(hass, "settings_unread")
    house = hass.data[DATA_HOUSE]
    await wait_until(hass, lambda: not house.storage.is_busy)
    assert stored(hass, "settings")[uid] == row
    for action in ("turn_on", "turn_off"):
        await hass.services.async_call(
            "switch",
            action,
            {
                "entity_id": er.async_get(hass).async_get_entity_id(
                    "switch", DOMAIN, f"{uid}/protected"
                )
            },
            blocking=True,
        )
    assert not issue(hass, "settings_unread")
    ((status, _reason),) = (await cut(hass, "breaker-1", alarm_id="none")).values()
    assert status == "confirmed"


async def test_a_latch_of_another_shape(
    hass: HomeAssistant,
    mqtt_entry: MockConfigEntry,
    hass_config_file: sqlite3.Connection,
) -> None:
    """That a supply was cut is in its key: it stays off."""
    insert(hass_config_file, "latches", f"{UID}/breaker-1/supply", {"at": 1})
    await add_gateway(hass)
    (latch,) = hass.data[DATA_HOUSE].latches.rows.values()
    assert (latch.device, latch.key) == (f"{UID}/breaker-1", "supply")


@pytest.mark.parametrize(
    "strange",
    [
        {"kind": "lamp_of_tomorrow"},
        {"points": ["smoke", "colour_of_smoke"]},
        {"power": "sun"},
        {"interval": "often"},
    ],
)
async def test_a_device_of_another_version(
    hass: HomeAssistant,
    peer: Peer,
    hass_config_file: sqlite3.Connection,
    strange: dict[str, Any],
) -> None:
    """It keeps no other from being heard; it is a fault, until it says what it is."""
    row = {
        "kind": "smoke_sensor",
        "points": ["smoke"],
        "commands": [],
        "power": None,
        # Of a later version.
        "colour": "red",
    }
    for number, more in ((1, strange), (2, {})):
        key = f"smoke-{number}"
        insert(
            hass_config_file,
            "devices",
            f"{UID}/{key}",
            {**row, "id": key, "name": f"Smoke {number}", **more},
        )
    entry = await add_gateway(hass)
    await peer.gateway()
    await wait_until(hass, lambda: entry.runtime_data.connected)
    assert entry.runtime_data.devices.keys() == {"smoke-2"}
    book = hass.data[DATA_HOUSE].book
    (fault,) = book.of_device(f"{UID}/smoke-1")
    assert (fault.hazard, fault.device_name) == ("unresponsive", "Smoke 1")
    problem = f"device_not_restored_{entry.entry_id}_smoke-1"
    shown = issue(hass, problem)
    assert shown
    assert shown.translation_placeholders == {
        "gateway": "Building 1",
        "device": "Smoke 1",
    }
    # The row stays for the version that knows it.
    storage = hass.data[DATA_HOUSE].storage
    await wait_until(hass, lambda: not storage.is_busy)
    assert stored(hass, "devices")[f"{UID}/smoke-1"].items() >= strange.items()

    await peer.config("smoke-1", "smoke_sensor", ["smoke"])
    await peer.state("smoke-1", smoke=False)
    await wait_until(hass, lambda: not book.of_device(f"{UID}/smoke-1"))
    assert not issue(hass, problem)
    assert entry.runtime_data.devices.keys() == {"smoke-1", "smoke-2"}


# Rescue


async def test_no_room_for_the_rescue(
    hass: HomeAssistant, later: Callable[[float], None]
) -> None:
    """The damaged file stays, what it holds is used, and it is rescued once there is room."""
    path = Path(hass.config.path("a.db"))
    await hass.async_add_executor_job(write_house, path)
    await hass.async_add_executor_job(damage_page_of, path, "alarms-0150")
    before = path.read_bytes()
    _soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # No file may become longer: the new one ends in the middle.
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, hard))
    try:
        storage = Storage(hass, path, lambda _reason: None)
        rows = await storage.async_open()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    assert storage.trouble
    assert len(rows["settings"]) == len(rows["latches"]) == ROWS
    assert not storage.unread
    assert storage.moved is None
    assert path.read_bytes() == before
    assert not await storage.put("settings", "new", {})
    later(RESCUE_SECONDS)
    await wait_until(hass, lambda: not storage.is_busy)
    assert storage.lost == ("alarms",)
    assert storage.moved
    assert storage.moved.read_bytes() == before
    settings = await storage._async_run(storage._living, "settings")
    assert settings == {**rows["settings"], "new": {}}
    await storage.async_close()


def to_the_end(_path: Path, _moved: Path) -> None:
    """Let the crash come when everything is in place."""


def not_in_place(path: Path, moved: Path) -> None:
    """Let it come before the damaged file is moved."""
    path.rename(path.with_name(f"{path.name}.rescued"))
    moved.rename(path)


def half_in_place(path: Path, _moved: Path) -> None:
    """Let it come between the two."""
    path.rename(path.with_name(f"{path.name}.rescued"))


def not_whole(path: Path, moved: Path) -> None:
    """Let it come while the new file is written."""
    data = path.read_bytes()
    path.with_name(f"{path.name}.rescuing").write_bytes(data[: len(data) // 2])
    moved.rename(path)


def gone_bad(path: Path, moved: Path) -> None:
    """Let the card damage the new file too, before it is in place."""
    path.with_name(f"{path.name}.rescued").write_bytes(b"no database" * 1000)
    moved.rename(path)


@pytest.mark.parametrize(
    "crash", [to_the_end, not_in_place, half_in_place, not_whole, gone_bad]
)
async def test_crash_in_the_rescue(
    hass: HomeAssistant, crash: Callable[[Path, Path], None]
) -> None:
    """Wherever it comes, the next start has all of it, and tells what was lost."""
    path = Path(hass.config.path("a.db"))
    await hass.async_add_executor_job(write_house, path)
    await hass.async_add_executor_job(damage_page_of, path, "alarms-0150")
    storage = Storage(hass, path, lambda _reason: None)
    rows = await storage.async_open()
    moved = storage.moved
    assert moved
    await storage.async_checkpoint()
    # As it is in the middle of a run.
    left = path.read_bytes()
    await storage.async_close()
    path.write_bytes(left)
    crash(path, moved)

    again = Storage(hass, path, lambda _reason: None)
    assert await again.async_open() == rows
    assert again.lost == ("alarms",)
    assert again.moved
    assert again.moved.exists()
    assert await run(again, "PRAGMA quick_check(1)") == ("ok",)
    await again.async_close()
    assert not list(path.parent.glob("a.db.resc*"))
    at_last = Storage(hass, path, lambda _reason: None)
    assert await at_last.async_open() == rows
    assert at_last.moved is None
    await at_last.async_close()


async def test_lost_rows_are_unknown(
    hass: HomeAssistant, mqtt_entry: MockConfigEntry
) -> None:
    """What was on a damaged page is neither unprotected nor restored: nobody knows."""
    path = Path(hass.config.path(f"{DOMAIN}.db"))
    await hass.async_add_executor_job(write_house, path)
    await hass.async_add_executor_job(
        damage_page_of, path, "settings-0150", "latches-0150"
    )
    await add_gateway(hass)
    house = hass.data[DATA_HOUSE]
    settings = [house.settings_of(f"mqtt/{number:04}") for number in range(ROWS)]
    unread = [row for row in settings if row.unread]
    assert 0 < len(unread) < 20
    assert all(row.unread or row.protected == {"supply"} for row in settings)
    shown = issue(hass, "settings_unread")
    assert shown
    assert shown.translation_placeholders
    assert "mqtt/0150" in shown.translation_placeholders["devices"]
    assert len(house.latches.rows) == ROWS
    # It is not forgotten with the next start.
    await house.storage.async_close()
    again = Storage(hass, path, lambda _reason: None)
    rows = await again.async_open()
    assert rows["settings"]["mqtt/0150"] == {}
    await again.async_close()


async def test_history_is_rescued(hass: HomeAssistant) -> None:
    """What is closed comes along, and what is alive is handed over before it."""
    path = Path(hass.config.path("a.db"))

    def write() -> None:
        write_house(path)
        with closing(sqlite3.connect(path)) as database:
            database.executemany(
                "INSERT INTO alarms VALUES (?, ?, ?)",
                (
                    (f"z{number}", 5.0, json.dumps({"x": "x" * 300}))
                    for number in range(400)
                ),
            )
            database.commit()
        damage_page_of(path, "settings-0150")

    await hass.async_add_executor_job(write)
    storage = Storage(hass, path, lambda _reason: None)
    rows = await storage.async_open()
    assert len(rows["alarms"]) == ROWS
    assert len(await storage.async_history(0, 10, 1000)) == 400
    assert storage.lost == ("settings",)
    await storage.async_close()
