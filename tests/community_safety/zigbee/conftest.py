"""Simulated coordinators, and a Home Assistant that can reach them."""

from collections.abc import AsyncGenerator

import bellows.uart
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.community_safety.gateways.zigbee.host import forming
from custom_components.community_safety.gateways.zigbee.host.connection import Port
from homeassistant.core import HomeAssistant
from simulator.ezsp import EzspSimulator

from .common import add_zigbee, port_of, unload_all


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait long for radios that are not there: these ones are quick."""
    monkeypatch.setattr(bellows.uart, "RESET_TIMEOUT", 1.0)
    monkeypatch.setattr(forming, "ANSWER_SECONDS", 1.0)


@pytest.fixture
async def radio(
    hass: HomeAssistant, socket_enabled: None
) -> AsyncGenerator[EzspSimulator]:
    """Return a coordinator without a network."""
    async with EzspSimulator() as simulator:
        yield simulator
        await unload_all(hass)


@pytest.fixture
async def other_radio(
    hass: HomeAssistant, socket_enabled: None
) -> AsyncGenerator[EzspSimulator]:
    """Return another coordinator without a network."""
    async with EzspSimulator(eui64=0x00124B00_51300002) as simulator:
        yield simulator
        await unload_all(hass)


@pytest.fixture
async def port(radio: EzspSimulator) -> Port:
    """Return where the first coordinator is."""
    return port_of(radio)


@pytest.fixture
async def network(port: Port) -> forming.Coordinator:
    """Form a network on the first coordinator."""
    return await forming.async_form(port, channel=15)


@pytest.fixture
async def gateway(
    hass: HomeAssistant, port: Port, network: forming.Coordinator
) -> MockConfigEntry:
    """Return a gateway that is set up on the first coordinator."""
    return await add_zigbee(hass, port, network)
