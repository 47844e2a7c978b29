"""A board on the loopback address, and a gateway that has it."""

from collections.abc import AsyncGenerator

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from homeassistant.core import HomeAssistant
from simulator.uhppote import Board

from .common import add_boards, local_time


@pytest.fixture
async def board(socket_enabled: None) -> AsyncGenerator[Board]:
    """Return a board as it comes out of its box."""
    board = Board(clock=local_time)
    await board.start()
    yield board
    await board.stop()


@pytest.fixture
async def entry(hass: HomeAssistant, board: Board) -> MockConfigEntry:
    """Return a gateway with the board, which was heard."""
    return await add_boards(hass, board)
