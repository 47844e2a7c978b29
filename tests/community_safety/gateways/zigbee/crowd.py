"""A whole building of devices, at the price of one interview for each model.

The first device of a model joins as any does. What the coordinator's database and the
simulated device know of each other then is copied for the others, and the gateway is
started anew: it loads them as it would after a restart.
"""

from contextlib import closing
from copy import copy
from pathlib import Path
import sqlite3

from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.community_safety.core.device import SafetyDevice
from custom_components.community_safety.gateways.zigbee import database_path
from homeassistant.core import HomeAssistant
from simulator.ezsp.node import Node
from simulator.ezsp.simulator import EzspSimulator
from tests.common import wait_until

from .common import address, join

type Crowd = dict[str, list[tuple[Node, SafetyDevice]]]


async def furnish(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    coordinator: EzspSimulator,
    **models: int,
) -> Crowd:
    """Have so many devices of each model in the network; return both sides of each."""
    nodes: dict[str, list[Node]] = {}
    for model in models:
        first, device = await join(hass, entry.runtime_data, coordinator, model)
        await wait_until(hass, lambda: len(device.readings) > 6)  # noqa: B023
        nodes[model] = [first]
    assert await hass.config_entries.async_unload(entry.entry_id)
    path = database_path(hass, entry)
    for model, number in models.items():
        first = nodes[model][0]
        others = [coordinator.add(model) for _ in range(number - 1)]
        for node in others:
            _settle(node, first)
        await hass.async_add_executor_job(_copy_rows, path, first, others)
        nodes[model] += others
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    devices = entry.runtime_data.devices
    assert len(devices) == sum(models.values())
    return {
        model: [(node, devices[address(node)]) for node in nodes[model]]
        for model in models
    }


def _settle(node: Node, first: Node) -> None:
    """Make a node as one of its model is that has joined."""
    node.air.take_address(node)
    node.joined = True
    node.bindings = [*first.bindings]
    node.attributes = dict(first.attributes)
    node.reporting.rules = {
        key: copy(rule) for key, rule in first.reporting.rules.items()
    }


def _copy_rows(path: Path, first: Node, others: list[Node]) -> None:
    """Write what zigpy has noted of a device for others of its model."""
    with closing(sqlite3.connect(path)) as database:
        tables = [
            name
            for (name,) in database.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table'"
            )
            if name.endswith(f"_v{_version(database)}")
        ]
        for table in tables:
            columns = [
                row[1] for row in database.execute(f"PRAGMA table_info({table})")
            ]
            if columns[0] != "ieee":
                continue
            names = ", ".join(columns)
            rows = database.execute(
                f"SELECT {names} FROM {table} WHERE ieee = ?",  # noqa: S608
                (address(first),),
            ).fetchall()
            marks = ", ".join("?" * len(columns))
            for node in others:
                values = {"ieee": address(node), "nwk": node.nwk}
                database.executemany(
                    f"INSERT INTO {table} ({names}) VALUES ({marks})",  # noqa: S608
                    [
                        [
                            values.get(column, value)
                            for column, value in zip(columns, row, strict=True)
                        ]
                        for row in rows
                    ],
                )
        database.commit()


def _version(database: sqlite3.Connection) -> int:
    (version,) = database.execute("PRAGMA user_version").fetchone()
    return int(version)
