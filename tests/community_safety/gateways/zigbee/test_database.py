"""What goes to zigpy's database at once, and what is written behind."""

import asyncio
from contextlib import closing
from pathlib import Path
import sqlite3
from typing import Any

from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.community_safety.gateways.zigbee import (
    ZigbeeGateway,
    database_path,
)
from homeassistant.core import HomeAssistant
from simulator.ezsp.load import send_reports
from simulator.ezsp.node import Node
from simulator.ezsp.simulator import EzspSimulator
from tests.common import wait_until

from .common import address, join

ELECTRICAL, POWER = 0x0B04, 0x050B


def stored(path: Path, node: Node) -> list[Any]:
    """Return the last power of a node on disk, nothing if there is none."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        (table,) = database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table'"
            " AND name LIKE 'attributes_cache_v%' ORDER BY rowid DESC LIMIT 1"
        ).fetchone()
        return [
            value
            for (value,) in database.execute(
                f"SELECT value FROM {table} WHERE ieee = ? AND cluster_id = ?"  # noqa: S608
                " AND attr_id = ?",
                (address(node), ELECTRICAL, POWER),
            )
        ]


def waiting(database: Any, node: Node) -> list[Any]:
    """Return the power of a node that waits to be written."""
    return [
        event.value
        for key, event in database.reported.items()
        if key[0] == address(node) and key[3:5] == (ELECTRICAL, POWER)
    ]


async def report(
    hass: HomeAssistant,
    zigbee: ZigbeeGateway,
    coordinator: EzspSimulator,
    node: Node,
    number: int = 1,
) -> Any:
    """Let a node that was asked for everything report its power so often.

    Returns the database, once nothing is left to do for it.
    """
    known: Any = zigbee._nodes[address(node)]
    await wait_until(hass, lambda: known.verified and known._verifying.done())
    await send_reports(coordinator, [node], number, 0)
    database: Any = zigbee.radio.app._dblistener
    await wait_until(hass, lambda: bool(waiting(database, node)))
    await database._callback_handlers.join()
    return database


async def test_reports_are_written_behind(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    zigbee: ZigbeeGateway,
    coordinator: EzspSimulator,
) -> None:
    """A hundred reports wait as one value; the end of the entry writes it."""
    node, _device = await join(hass, zigbee, coordinator, "breaker")
    database = await report(hass, zigbee, coordinator, node, 100)
    path = database_path(hass, entry)
    power = waiting(database, node)
    assert len(power) == 1
    assert await asyncio.to_thread(stored, path, node) != power

    assert await hass.config_entries.async_unload(entry.entry_id)
    assert await asyncio.to_thread(stored, path, node) == power


async def test_what_was_read_overtakes_a_report(
    hass: HomeAssistant, zigbee: ZigbeeGateway, coordinator: EzspSimulator
) -> None:
    """A value that was read goes to disk at once; the older report never follows it."""
    node, device = await join(hass, zigbee, coordinator, "breaker")
    database = await report(hass, zigbee, coordinator, node)
    await zigbee.async_refresh(device, ["power"])
    assert not waiting(database, node)


async def test_a_device_that_left_takes_its_reports_with_it(
    hass: HomeAssistant, zigbee: ZigbeeGateway, coordinator: EzspSimulator
) -> None:
    """What cannot be written keeps nothing else from being written."""
    gone, _device = await join(hass, zigbee, coordinator, "breaker")
    stays, _other = await join(hass, zigbee, coordinator, "breaker")
    await report(hass, zigbee, coordinator, gone)
    database = await report(hass, zigbee, coordinator, stays)
    stray = next(
        event for key, event in database.reported.items() if key[0] == address(gone)
    )
    await zigbee.async_remove(address(gone))
    await wait_until(hass, lambda: address(gone) not in zigbee.devices)
    assert not waiting(database, gone)

    power = waiting(database, stays)
    database.reported = {"stray": stray, **database.reported}
    database.save()
    await database._callback_handlers.join()
    path = database_path(hass, zigbee.entry)
    assert await asyncio.to_thread(stored, path, stays) == power
    assert not await asyncio.to_thread(stored, path, gone)


async def test_a_new_network_hears_everything_once(
    hass: HomeAssistant, zigbee: ZigbeeGateway
) -> None:
    """The library would deal with each message twice until the next connection."""
    app: Any = zigbee.radio.app
    listeners = list(app._ezsp._callbacks.values())
    assert listeners.count(app.ezsp_callback_handler) == 1
