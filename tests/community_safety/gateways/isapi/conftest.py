"""A terminal on the loopback address, and a gateway that has it."""

from collections.abc import AsyncGenerator

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.community_safety.gateways.isapi import terminal as client
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
from simulator.isapi import Terminal

from .common import add_terminal, local_zone


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait for a terminal that is busy."""
    monkeypatch.setattr(client, "BUSY_SECONDS", 0)


@pytest.fixture
async def terminal(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, socket_enabled: None
) -> AsyncGenerator[Terminal]:
    """Return a terminal that goes by Home Assistant's clock, in its zone.

    Time stands still from here on: its stream is not one of before, and of years ago.
    """
    terminal = Terminal(clock=dt_util.utcnow, zone=local_zone())
    await terminal.start()
    yield terminal
    await terminal.stop()


@pytest.fixture
async def entry(hass: HomeAssistant, terminal: Terminal) -> MockConfigEntry:
    """Return a gateway with the terminal, which was heard."""
    return await add_terminal(hass, terminal)
