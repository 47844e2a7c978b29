"""A simulated coordinator, and a gateway on it."""

from collections.abc import AsyncGenerator
import logging

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.community_safety.gateways.zigbee import ZigbeeGateway
from homeassistant.core import HomeAssistant
from simulator.ezsp.simulator import EzspSimulator

from .common import add_zigbee

#: Libraries that write a line for every byte at the level that tests log at.
NOISY = ("aiosqlite", "bellows", "zha", "zhaquirks", "zigpy")


@pytest.fixture(autouse=True)
def _quiet() -> None:
    for name in NOISY:
        logging.getLogger(name).setLevel(logging.INFO)


@pytest.fixture
def light(hass: HomeAssistant) -> None:
    """Keep no stack of each callback, and no line of each entity: there are thousands."""
    hass.loop.set_debug(False)
    logging.getLogger("homeassistant").setLevel(logging.WARNING)


@pytest.fixture
def tick_seconds(request: pytest.FixtureRequest) -> float:
    """Return how often devices live: speak by themselves, and move their meters.

    They do not, unless the module of the test has TICK_SECONDS.
    """
    return float(getattr(request.module, "TICK_SECONDS", 3600))


@pytest.fixture
async def coordinator(
    socket_enabled: None, tick_seconds: float
) -> AsyncGenerator[EzspSimulator]:
    """Run a coordinator without a network."""
    async with EzspSimulator(tick_seconds=tick_seconds) as simulator:
        yield simulator


@pytest.fixture
async def entry(
    hass: HomeAssistant, coordinator: EzspSimulator
) -> AsyncGenerator[MockConfigEntry]:
    """Return a gateway's config entry that is set up; it is unloaded at the end."""
    entry = await add_zigbee(hass, coordinator)
    yield entry
    await hass.config_entries.async_unload(entry.entry_id)
    await hass.async_block_till_done()


@pytest.fixture
def zigbee(entry: MockConfigEntry) -> ZigbeeGateway:
    """Return the gateway of the entry."""
    gateway: ZigbeeGateway = entry.runtime_data
    return gateway
