"""The radio goes, and comes back, and nobody has to do anything."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
import socket
import threading
from typing import Any

import aiosqlite
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.community_safety.const import DOMAIN
from custom_components.community_safety.gateways.base import CommandError
from custom_components.community_safety.gateways.zigbee import (
    ZigbeeGateway,
    database_path,
)
from custom_components.community_safety.gateways.zigbee.host import link as module
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.util import dt as dt_util
from simulator.ezsp.simulator import EzspSimulator
from simulator.listening import HOST
from tests.common import PATIENCE, wait_until

from .common import add_zigbee, join, smoke, zigbee_entry


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be back within hundredths of a second, and do not take a busy machine for a hung one."""
    monkeypatch.setattr(module, "BACKOFF_SECONDS", (0.05,))
    monkeypatch.setattr(module, "ALIVE_SECONDS", PATIENCE)


async def pass_seconds(
    hass: HomeAssistant, zigbee: ZigbeeGateway, seconds: int
) -> None:
    """Let the gateway's timers fire, in the steps of the shortest."""
    for _ in range(seconds // 5):
        async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=5.5))
        await wait_until(hass, lambda: not zigbee._checking)


async def test_nobody_answers(hass: HomeAssistant, socket_enabled: None) -> None:
    """Set-up is tried again later, and says why."""
    simulator = EzspSimulator()
    with socket.socket() as held:
        # A port that is taken, and where nobody listens.
        held.bind((HOST, 0))
        simulator.port = held.getsockname()[1]
        entry = zigbee_entry(simulator)
        entry.add_to_hass(hass)
        assert not await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert entry.error_reason_translation_key == "zigbee_not_ready"


async def test_another_network_is_a_repair(
    hass: HomeAssistant, entry: MockConfigEntry, coordinator: EzspSimulator
) -> None:
    """A coordinator that holds another network is not taken, and a person is told."""
    assert await hass.config_entries.async_unload(entry.entry_id)
    async with EzspSimulator(eui64=0x00124B00_51300002) as other:
        strange = await add_zigbee(hass, other)
        await hass.config_entries.async_unload(strange.entry_id)
        hass.config_entries.async_update_entry(
            entry, data={**entry.data, "path": f"tcp://127.0.0.1:{other.port}"}
        )
        assert not await hass.config_entries.async_setup(entry.entry_id)
        issue = f"zigbee_inconsistent_{entry.entry_id}"
        assert entry.state is ConfigEntryState.SETUP_ERROR
        assert ir.async_get(hass).async_get_issue(DOMAIN, issue)

    hass.config_entries.async_update_entry(
        entry, data={**entry.data, "path": f"tcp://127.0.0.1:{coordinator.port}"}
    )
    assert await hass.config_entries.async_reload(entry.entry_id)
    assert not ir.async_get(hass).async_get_issue(DOMAIN, issue)


async def test_everything_ends_with_the_entry(
    hass: HomeAssistant, coordinator: EzspSimulator
) -> None:
    """No thread and no task is left, and the database goes with the entry."""
    entry = await add_zigbee(hass, coordinator)
    await join(hass, entry.runtime_data, coordinator, "breaker")
    path = database_path(hass, entry)
    assert path.exists()
    assert await hass.config_entries.async_remove(entry.entry_id)
    await hass.async_block_till_done()

    assert not [item for item in path.parent.iterdir() if path.name in item.name]
    assert not [
        task
        for task in asyncio.all_tasks()
        if "zig" in (task.get_name() + repr(task.get_coro())).lower()
        and task is not asyncio.current_task()
    ]
    assert not [item for item in threading.enumerate() if "bellows" in item.name]


@pytest.mark.parametrize("turns", [1, 3, 10, 30, 100, 200, 300, 400])
async def test_a_start_that_is_broken_off(
    hass: HomeAssistant, coordinator: EzspSimulator, turns: int
) -> None:
    """Wherever that is, the database and the port are closed: the next start has them."""
    entry = await add_zigbee(hass, coordinator)
    gateway: ZigbeeGateway = entry.runtime_data
    await gateway._async_close()
    start = hass.async_create_task(gateway._async_connect())
    for _ in range(turns):
        await asyncio.sleep(0)
    start.cancel()
    await asyncio.wait((start,))
    assert not _open_databases()
    assert not gateway._closing

    await hass.config_entries.async_reload(entry.entry_id)
    assert entry.state is ConfigEntryState.LOADED
    await hass.config_entries.async_unload(entry.entry_id)
    assert not _open_databases()


async def test_an_end_that_is_broken_off(
    hass: HomeAssistant, entry: MockConfigEntry, zigbee: ZigbeeGateway
) -> None:
    """The library takes it for done; the radio is closed all the same."""
    assert zigbee._radio
    end = hass.async_create_task(zigbee._radio._gateway.shutdown())
    await asyncio.sleep(0)
    end.cancel()
    await asyncio.wait((end,))
    await hass.config_entries.async_unload(entry.entry_id)
    assert not _open_databases()


def _open_databases() -> list[threading.Thread]:
    """Return the threads of the databases that are open: each has one."""
    return [
        thread
        for thread in threading.enumerate()
        if isinstance(thread, aiosqlite.Connection)
    ]


def _reset(simulator: EzspSimulator) -> None:
    simulator.fault("reset")


def _cut(simulator: EzspSimulator) -> None:
    simulator.cut()


@pytest.mark.parametrize("fault", [_reset, _cut])
async def test_reset_in_mid_alarm(
    hass: HomeAssistant,
    zigbee: ZigbeeGateway,
    coordinator: EzspSimulator,
    caplog: pytest.LogCaptureFixture,
    fault: Callable[[EzspSimulator], Any],
) -> None:
    """The alarm stays through it, and its end is heard; the log says it once each."""
    node, device = await join(hass, zigbee, coordinator, "smoke")
    _pile, pile = await join(hass, zigbee, coordinator, "charging-pile")
    smoke(node)
    await wait_until(hass, lambda: bool(zigbee.house.book.of_device(device.uid)))
    (alarm,) = zigbee.house.book.of_device(device.uid)

    connections = coordinator.connections
    fault(coordinator)
    await wait_until(hass, lambda: not zigbee.connected)
    assert not device.available
    with pytest.raises(CommandError) as raised:
        await zigbee.async_set(pile, "supply_1", False)
    assert raised.value.translation_key == "not_connected"
    await wait_until(hass, lambda: zigbee.connected)
    assert coordinator.connections == connections + 1
    assert device.available
    assert zigbee.house.book.of_device(device.uid) == [alarm]
    assert alarm.present

    smoke(node, False)
    await wait_until(hass, lambda: not alarm.present)
    await zigbee.async_set(pile, "supply_1", False)
    assert caplog.text.count("Building 1 is not connected") == 1
    assert caplog.text.count("Building 1 is connected") == 1


async def test_hung_coprocessor(
    hass: HomeAssistant,
    zigbee: ZigbeeGateway,
    coordinator: EzspSimulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One that acknowledges, and does nothing else, is noticed within 15 s."""
    node, device = await join(hass, zigbee, coordinator, "smoke")
    await pass_seconds(hass, zigbee, 10)
    assert zigbee.connected

    coordinator.fault("hung")
    connections = coordinator.connections
    monkeypatch.setattr(module, "ALIVE_SECONDS", 0.1)
    await pass_seconds(hass, zigbee, 10)
    await wait_until(hass, lambda: coordinator.connections > connections)
    await wait_until(hass, lambda: zigbee.connected)
    smoke(node)
    await wait_until(hass, lambda: device.readings.get("smoke") is True)


async def test_dead_line(
    hass: HomeAssistant,
    zigbee: ZigbeeGateway,
    coordinator: EzspSimulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A connection over which nothing comes is noticed just so."""
    coordinator.fault("dead")
    monkeypatch.setattr(module, "ALIVE_SECONDS", 0.1)
    await pass_seconds(hass, zigbee, 10)
    await wait_until(hass, lambda: not zigbee.connected)
    coordinator.clear()
    await wait_until(hass, lambda: zigbee.connected)


async def test_a_busy_coprocessor_is_not_taken_for_hung(
    hass: HomeAssistant,
    zigbee: ZigbeeGateway,
    coordinator: EzspSimulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """While it passes messages on, it lives."""
    _node, _device = await join(hass, zigbee, coordinator, "breaker")

    async def busy() -> None:
        zigbee.radio.app.last_word += 1000
        raise TimeoutError

    monkeypatch.setattr(zigbee.radio, "async_nop", busy)
    await pass_seconds(hass, zigbee, 30)
    assert zigbee.connected


async def test_unplugged_for_a_minute(
    hass: HomeAssistant,
    zigbee: ZigbeeGateway,
    coordinator: EzspSimulator,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is tried until it is there again; the fault is shown meanwhile."""
    await coordinator.unplug()
    await wait_until(hass, lambda: not zigbee.connected)
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=61))
    await hass.async_block_till_done()
    assert [
        alarm.hazard for alarm in zigbee.house.book.of_device(zigbee.device.uid)
    ] == ["gateway_offline"]
    await coordinator.plug()
    await wait_until(hass, lambda: zigbee.connected)
    await hass.async_block_till_done()
    assert not zigbee.house.book.of_device(zigbee.device.uid)
    assert caplog.text.count("Building 1 is not connected") == 1


async def test_counters(
    hass: HomeAssistant,
    zigbee: ZigbeeGateway,
) -> None:
    """What the radio counts can be seen, and holds no key."""
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=31))
    await hass.async_block_till_done()
    assert zigbee.device.readings["radio_queue"] == 0
    assert "radio_retries" in zigbee.device.readings
    found = zigbee.diagnostics()
    assert found["network"]["channel"] == zigbee.network.channel
    assert "ezsp_counters" in found["counters"]
    key = zigbee.radio.app.state.network_info.network_key.key
    assert str(key) not in str(found)
    assert key.serialize().hex() not in str(found)
