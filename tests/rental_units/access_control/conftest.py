"""A property with doors, whose clock stands still."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.community_safety.core import credentials
from custom_components.community_safety.gateways.uhppote import board as board_module
from homeassistant.core import HomeAssistant
from simulator.uhppote import Board
from tests.community_safety.gateways.uhppote.common import add_boards, local_time

from .common import NOW, House


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait long for what cannot be proven."""
    monkeypatch.setattr(board_module, "ANSWER_SECONDS", 0.2)
    monkeypatch.setattr(credentials, "FIRST_BACKOFF_SECONDS", 0.01)


@pytest.fixture
async def shanghai(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> None:
    """Put the house where days do not end with those of UTC."""
    freezer.move_to(NOW)
    await hass.config.async_set_time_zone("Asia/Shanghai")


@pytest.fixture
async def boards(socket_enabled: None) -> AsyncGenerator[list[Board]]:
    """Return boards as they come out of their boxes, each with four doors."""
    async with AsyncExitStack() as stack:
        made = []
        for serial in (405419896, 405419897, 405419898):
            board = Board(serial, clock=local_time)
            await board.start()
            stack.push_async_callback(board.stop)
            made.append(board)
        yield made


@pytest.fixture
async def house(
    hass: HomeAssistant, shanghai: None, boards: list[Board], entry: MockConfigEntry
) -> House:
    """Return a property with doors that open for their stairwells, and a gate for all."""
    gateway = await add_boards(hass, *boards)
    house = House(hass, entry, gateway, *boards)
    await house.assign(house.first, building="1", stairwell="1")
    await house.assign(house.second, building="1", stairwell="2")
    await house.assign(house.gate)
    return house
