"""Where a breaker begins to be used: at 30 mA in a flat, never in a house that was there before."""

from contextlib import closing
import json
import sqlite3
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.community_safety.const import DOMAIN
from custom_components.community_safety.core.device import (
    DeviceDescription,
    SafetyDevice,
)
from custom_components.community_safety.core.house import DATA_HOUSE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
from simulator.ezsp.simulator import EzspSimulator
from tests.common import BASE, Peer, add_gateway, insert, wait_until
from tests.community_safety.gateways.mqtt.test_zigbee2mqtt import (
    COORDINATOR,
    Bridge,
    add,
    bridge,  # noqa: F401
    entry_of,
)
from tests.community_safety.gateways.zigbee.common import add_zigbee, join

UID = f"mqtt/{BASE}/breaker-1"
FLAT = ["supply", "current", "voltage", "power", "residual_current"]


def hazards(device: SafetyDevice) -> dict[str, str]:
    """Return the open alarms of a device, with their severities."""
    book = device._book
    return {
        alarm.hazard: str(alarm.severity)
        for alarm in book.of_device(device.uid)
        if alarm.hazard == "leakage"
    }


@pytest.mark.parametrize(
    ("readings", "place"),
    [
        (FLAT, "final_circuit"),
        (["supply", "voltage", "residual_current"], "final_circuit"),
        (["supply", "current_l1", "current_l2", "current_l3"], "distribution_box"),
        # One current, and the power of each phase, as Tuya's RCBO of three phases has.
        (["current", "power_l1", "power_l2", "power_l3"], "distribution_box"),
        # Several sockets are several circuits.
        (["supply_1", "supply_2", "current_1", "current_2"], "distribution_box"),
        # Of phases nothing is known: the power may be that of all.
        (["supply", "residual_current"], "distribution_box"),
        (["power", "residual_current"], "distribution_box"),
    ],
)
async def test_a_new_breaker(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    peer: Peer,
    readings: list[str],
    place: str,
) -> None:
    """One phase is a flat, and says so where people see it; it is decided once."""
    await peer.config("breaker-1", "breaker_monitor", readings)
    device = gateway.runtime_data.devices["breaker-1"]
    assert device.variant == place
    select = er.async_get(hass).async_get_entity_id("select", DOMAIN, f"{UID}/variant")
    assert select
    assert hass.states.is_state(select, place)

    # Whatever it says of itself later, and after a restart of its gateway.
    later = ["current_l1", "current_l2"] if place == "final_circuit" else FLAT
    await peer.config("breaker-1", "breaker_monitor", later)
    assert gateway.runtime_data.devices["breaker-1"].variant == place
    assert await hass.config_entries.async_reload(gateway.entry_id)
    await wait_until(hass, lambda: gateway.runtime_data.connected)
    assert gateway.runtime_data.devices["breaker-1"].variant == place


async def test_a_flat_is_cut_at_30_milliampere(
    gateway: MockConfigEntry, peer: Peer
) -> None:
    """What depends on the place follows: warned at 15 mA, and cut at 30."""
    await peer.config("breaker-1", "breaker_monitor", FLAT)
    device = gateway.runtime_data.devices["breaker-1"]
    peer.obedient_breaker("breaker-1")
    await peer.state("breaker-1", supply=True, current=5, residual_current=14.9)
    assert hazards(device) == {}
    await peer.state("breaker-1", residual_current=15)
    assert hazards(device) == {"leakage": "warning"}
    await peer.state("breaker-1", residual_current=30)
    assert hazards(device) == {"leakage": "alarm"}
    command = await peer.hears(f"{BASE}/breaker-1/set")
    assert command["set"] == {"supply": False}


def description(points: list[str]) -> dict[str, Any]:
    """Return the row of a breaker."""
    return DeviceDescription(
        id="breaker-1", kind="breaker_monitor", name="Breaker", points=frozenset(points)
    ).as_dict()


@pytest.mark.parametrize("settings", [None, {"rated_current": 40.0}])
async def test_a_house_that_was_there_before(
    hass: HomeAssistant,
    peer: Peer,
    hass_config_file: sqlite3.Connection,
    settings: dict[str, float] | None,
) -> None:
    """An update, a reload and a new word of the device cut no flat that was not cut before."""
    rows = [("devices", description(FLAT))]
    if settings:
        row = {
            "limits": settings,
            "protected": [],
            "variant": None,
            "blocking": True,
            "kind": None,
        }
        rows.append(("settings", row))
    for table, data in rows:
        insert(hass_config_file, table, UID, data)
    entry = await add_gateway(hass)
    await peer.gateway()
    await wait_until(hass, lambda: entry.runtime_data.connected)

    for points in (FLAT, [*FLAT, "energy"]):
        await peer.config("breaker-1", "breaker_monitor", points)
        device = entry.runtime_data.devices["breaker-1"]
        assert device.variant == "distribution_box"
        await peer.state("breaker-1", supply=True, residual_current=299)
        assert hazards(device) == {}
        assert await hass.config_entries.async_reload(entry.entry_id)
        await wait_until(hass, lambda: entry.runtime_data.connected)
    assert not [topic for topic, _ in peer.heard if topic.endswith("/set")]


async def test_a_house_whose_file_was_lost(
    hass: HomeAssistant, peer: Peer, mqtt_entry: MockConfigEntry
) -> None:
    """Home Assistant still knows the breaker: it is not new, whatever our file says."""
    entry = await add_gateway(hass)
    dr.async_get(hass).async_get_or_create(
        config_entry_id=entry.entry_id, identifiers={(DOMAIN, UID)}
    )
    await peer.gateway()
    await wait_until(hass, lambda: entry.runtime_data.connected)
    await peer.config("breaker-1", "breaker_monitor", FLAT)
    assert entry.runtime_data.devices["breaker-1"].variant == "distribution_box"


async def test_what_a_person_has_deleted_is_new(
    hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer
) -> None:
    """And what a person has chosen stays."""
    await peer.config("breaker-1", "breaker_monitor", FLAT)
    device = gateway.runtime_data.devices["breaker-1"]
    device.settings.variant = "distribution_box"
    await hass.data[DATA_HOUSE].async_save_settings(device)
    assert await hass.config_entries.async_reload(gateway.entry_id)
    await wait_until(hass, lambda: gateway.runtime_data.connected)
    assert gateway.runtime_data.devices["breaker-1"].variant == "distribution_box"
    gateway.runtime_data.remove_device("breaker-1")
    await peer.config("breaker-1", "breaker_monitor", FLAT)
    assert gateway.runtime_data.devices["breaker-1"].variant == "final_circuit"


async def test_it_is_on_disk(
    hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer
) -> None:
    """A later version finds what this one has decided."""
    await peer.config("breaker-1", "breaker_monitor", FLAT)
    storage = hass.data[DATA_HOUSE].storage
    await wait_until(hass, lambda: not storage.is_busy)
    with closing(sqlite3.connect(storage.path)) as database:
        rows = dict(database.execute("SELECT key, data FROM settings"))
    assert json.loads(rows[UID])["variant"] == "final_circuit"


async def test_zigbee2mqtt(
    hass: HomeAssistant,
    bridge: Bridge,  # noqa: F811
) -> None:
    """A leakage protector of one phase, and a breaker of three; a kind that a person chooses."""
    gateway = (await add(hass)).runtime_data
    await bridge.send("bridge/state", {"state": "online"}, retain=True)
    flat, box, relay = (
        entry_of("0x01", "flat", "SMKG-2KNL-SD"),
        entry_of("0x02", "box", "STB3L-125-ZJ"),
        entry_of("0x03", "plug", "TS011F_plug_3"),
    )
    await bridge.send("bridge/devices", [COORDINATOR, flat, box, relay], retain=True)
    devices = gateway.devices
    assert devices["0x01"].limit("leakage_alarm") == 30
    assert devices["0x02"].limit("leakage_alarm") == 500
    assert devices["0x03"].kind.key == "charging_pile"
    assert devices["0x03"].variant is None

    # As a breaker it is new; back and forth it keeps what was written down.
    await gateway.async_set_kind("0x03", "breaker_monitor")
    assert devices["0x03"].variant == "final_circuit"
    devices["0x03"].settings.variant = "distribution_box"
    for kind in ("charging_pile", "breaker_monitor"):
        await gateway.async_set_kind("0x03", kind)
    assert devices["0x03"].variant == "distribution_box"


async def test_zigbee(hass: HomeAssistant, socket_enabled: None) -> None:
    """A breaker that joins our own coordinator."""
    async with EzspSimulator(tick_seconds=3600) as coordinator:
        entry = await add_zigbee(hass, coordinator)
        _node, device = await join(hass, entry.runtime_data, coordinator, "breaker")
        assert device.variant == "final_circuit"
        assert await hass.config_entries.async_reload(entry.entry_id)
        device = entry.runtime_data.devices[device.description.id]
        assert device.variant == "final_circuit"
        await hass.config_entries.async_unload(entry.entry_id)
        await hass.async_block_till_done()
