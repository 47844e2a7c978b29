"""Home Assistant's own ZHA and two gateways of ours, each on a coordinator of its own."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.community_safety.const import DOMAIN
from custom_components.community_safety.gateways.zigbee.host import forming
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
from simulator.ezsp import EzspSimulator
from tests.common import wait_until

from .common import add_zigbee, port_of, unload_all

#: The same in all three networks: only the network tells them apart.
NETWORK_ADDRESS = 0x1234


@pytest.fixture
async def radios(
    hass: HomeAssistant, socket_enabled: None
) -> AsyncGenerator[list[EzspSimulator]]:
    """Return three coordinators: ZHA's, and two of ours."""
    radios = [EzspSimulator(eui64=0x00124B00_51300010 + n) for n in range(3)]
    for radio in radios:
        await radio.start()
    yield radios
    await unload_all(hass)
    for radio in radios:
        await radio.stop()


@pytest.fixture
async def zha(hass: HomeAssistant, radios: list[EzspSimulator]) -> MockConfigEntry:
    """Set the real ZHA up on the first coordinator."""
    # An environment with the libraries of another release cannot run it.
    pytest.importorskip("homeassistant.components.zha", exc_type=ImportError)
    port = port_of(radios[0])
    network = await forming.async_form(port, channel=11)
    info = network.network.network_info
    entry = MockConfigEntry(
        domain="zha",
        version=5,
        minor_version=2,
        unique_id=f"epid={info.extended_pan_id}".lower(),
        data={"device": port.as_dict(), "radio_type": "ezsp"},
    )
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    assert entry.state is ConfigEntryState.LOADED
    return entry


@pytest.fixture
async def ours(
    hass: HomeAssistant, radios: list[EzspSimulator], zha: MockConfigEntry
) -> list[MockConfigEntry]:
    """Set two of our gateways up on the others."""
    return [
        await add_zigbee(
            hass,
            port_of(radio),
            await forming.async_form(port_of(radio), channel=channel),
            f"Building {number}",
        )
        for number, (radio, channel) in enumerate(
            zip(radios[1:], (15, 20), strict=True), 1
        )
    ]


def rows_of(hass: HomeAssistant, entry: MockConfigEntry) -> dict[str, Any]:
    """Return devices and entities of an entry, and if there is smoke."""
    entities = er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
    return {
        "devices": {
            (device.id, frozenset(device.identifiers), device.config_entry_id)
            for device in dr.async_entries_for_config_entry(
                dr.async_get(hass), entry.entry_id
            )
        },
        "entities": {row.entity_id for row in entities},
        # Measured values may change at any time; these change when something happens.
        "smoke": smoke_of(hass, entry),
    }


def smoke_of(hass: HomeAssistant, entry: MockConfigEntry) -> list[str]:
    """Return the states of the smoke sensors of an entry, whoever made them."""
    return [
        hass.states.get(row.entity_id).state
        for row in er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
        if row.domain == "binary_sensor"
        and row.original_device_class == "smoke"
        and hass.states.get(row.entity_id)
    ]


@pytest.mark.parametrize("expected_lingering_tasks", [True])  # ZHA's own.
async def test_three_networks(
    hass: HomeAssistant,
    radios: list[EzspSimulator],
    zha: MockConfigEntry,
    ours: list[MockConfigEntry],
) -> None:
    """The same devices join each; an alarm, a reload and a removal stay where they are."""
    await hass.services.async_call("zha", "permit", {"duration": 60}, blocking=True)
    await hass.services.async_call(
        DOMAIN,
        "permit_join",
        {"device_id": [entry.runtime_data.device.device_id for entry in ours]},
        blocking=True,
    )
    nodes = []
    for radio in radios:
        node = radio.add("smoke")
        node.nwk = NETWORK_ADDRESS
        nodes.append(await radio.join(node))
        await radio.join(radio.add("breaker"))
    entries = [zha, *ours]
    for entry in ours:
        await wait_until(hass, lambda entry=entry: len(entry.runtime_data.devices) == 2)
    await wait_until(hass, lambda: bool(smoke_of(hass, zha)))
    await wait_until(hass, lambda: len(rows_of(hass, zha)["devices"]) == 3)
    await hass.async_block_till_done()

    # Nothing is merged: each device belongs to one entry.
    rows = [rows_of(hass, entry)["devices"] for entry in entries]
    assert [len(row) for row in rows] == [3, 3, 3]
    assert len({device_id for row in rows for device_id, _names, _owner in row}) == 9
    for entry, row in zip(entries, rows, strict=True):
        assert {owner for _id, _names, owner in row} == {entry.entry_id}
    addresses = [{node.eui64 for node in radio.nodes} for radio in radios]
    assert len(set.union(*addresses)) == 6

    # An alarm is that of its network alone.
    def alarms() -> list[bool]:
        return ["on" in smoke_of(hass, entry) for entry in entries]

    assert alarms() == [False, False, False]
    nodes[1].body.device.happen("smoke")
    await wait_until(hass, lambda: alarms()[1])
    assert alarms() == [False, True, False]
    nodes[0].body.device.happen("smoke")
    await wait_until(hass, lambda: alarms()[0])
    assert alarms() == [True, True, False]

    # A reload of one leaves the others alone.
    for entry in entries:
        others = [other for other in entries if other is not entry]
        before = [rows_of(hass, other) for other in others]
        resets = [radio.connections for radio in radios]
        assert await hass.config_entries.async_reload(entry.entry_id)
        await hass.async_block_till_done()
        assert entry.state is ConfigEntryState.LOADED
        assert [rows_of(hass, other) for other in others] == before
        again = [radio.connections for radio in radios]
        assert [new - old for new, old in zip(again, resets, strict=True)] == [
            int(other is entry) for other in entries
        ]

    # Ours go on while ZHA is away, and ZHA while ours are.
    await hass.config_entries.async_unload(zha.entry_id)
    nodes[2].body.device.happen("smoke")
    await wait_until(hass, lambda: alarms()[2])
    await hass.config_entries.async_setup(zha.entry_id)
    for entry in ours:
        await hass.config_entries.async_unload(entry.entry_id)
    nodes[0].body.device.clear()
    await wait_until(hass, lambda: not alarms()[0])
