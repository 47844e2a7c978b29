"""What tests use to speak of simulated coordinators."""

import asyncio

from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.community_safety.const import DOMAIN
from custom_components.community_safety.gateways.zigbee.host.connection import Port
from custom_components.community_safety.gateways.zigbee.host.forming import Coordinator
from homeassistant.core import HomeAssistant
from simulator.ezsp import EzspSimulator


def port_of(radio: EzspSimulator) -> Port:
    """Return where a coordinator is."""
    return Port(path=f"tcp://127.0.0.1:{radio.port}")


async def add_zigbee(
    hass: HomeAssistant, port: Port, network: Coordinator, title: str = "Building 1"
) -> MockConfigEntry:
    """Add a configured gateway and set it up."""
    entry = MockConfigEntry(
        domain=DOMAIN,
        title=title,
        unique_id=network.unique_id,
        data={"dialect": "zigbee", "network": network.unique_id, **port.as_dict()},
    )
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    return entry


async def unload_all(hass: HomeAssistant) -> None:
    """Unload every gateway, before its radio goes away."""
    await hass.async_block_till_done()
    for domain in (DOMAIN, "zha"):
        for entry in hass.config_entries.async_loaded_entries(domain):
            await hass.config_entries.async_unload(entry.entry_id)
    await hass.async_block_till_done()
    # zigpy cancels tasks of its own and does not wait for them.
    await asyncio.sleep(0)
