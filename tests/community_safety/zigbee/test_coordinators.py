"""The coordinators of the simulated compound, as the demo has them."""

import asyncio
from pathlib import Path

from custom_components.community_safety.gateways.zigbee.host import forming
from homeassistant.core import HomeAssistant
from simulator.compound import Compound, coordinator_addresses
from simulator.coordinators import Coordinator
from tests.common import wait_until

from .common import add_zigbee, port_of, unload_all
from .test_network import act


def coordinator(flash: Path) -> tuple[Compound, Coordinator]:
    """Return the compound, and the coordinator of its second building."""
    compound = Compound(1, flash=flash)
    return compound, compound.coordinators[1]


async def test_devices_come_back_after_a_restart(
    hass: HomeAssistant, socket_enabled: None, tmp_path: Path
) -> None:
    """Devices join once; after a restart of everything they are where they were."""
    compound, building = coordinator(tmp_path)
    running = asyncio.create_task(building.run(0))
    await wait_until(hass, lambda: building.radio.port > 0)
    port = port_of(building.radio)
    entry = await add_zigbee(hass, port, await forming.async_form(port, 11))
    await act(hass, entry, "permit_join")
    addresses = {
        address
        for address, device in coordinator_addresses("en").items()
        if device.id in building.nodes
    }
    await wait_until(hass, lambda: addresses == entry.runtime_data.devices.keys())
    bindings = [node.bindings for node in building.nodes.values()]
    await unload_all(hass)
    running.cancel()
    await asyncio.wait([running])

    compound, building = coordinator(tmp_path)
    running = asyncio.create_task(building.run(0))
    await wait_until(hass, lambda: building.radio.port > 0)
    hass.config_entries.async_update_entry(
        entry, data={**entry.data, **port_of(building.radio).as_dict()}
    )
    assert await hass.config_entries.async_setup(entry.entry_id)
    (smoke, *_rest) = compound.find("smoke", "2-2-101")
    await wait_until(hass, lambda: building.nodes[smoke.id].joined)
    assert [node.bindings for node in building.nodes.values()] == bindings
    address = next(
        address
        for address, device in coordinator_addresses("en").items()
        if device.id == smoke.id
    )
    smoke.happen("smoke")
    device = entry.runtime_data.devices[address]
    await wait_until(hass, lambda: device.readings.get("smoke") is True)
    await unload_all(hass)
    running.cancel()
    await asyncio.wait([running])
