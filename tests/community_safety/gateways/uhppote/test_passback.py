"""Anti-pass-back: what a person chooses is read back, and put right where it was changed."""

from collections.abc import AsyncGenerator
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.community_safety.gateways import contact
from custom_components.community_safety.gateways.uhppote import board as board_module
from homeassistant.const import STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import issue_registry as ir
from simulator.uhppote import GET_DOOR, GET_PASSBACK, SET_PASSBACK, Board, Fault
from tests.common import wait_until

from .common import (
    Ticking,
    add_boards,
    device_of,
    entity_of,
    heard,
    is_turning,
    local_time,
    pass_time,
    state_of,
)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait long for what is not answered."""
    monkeypatch.setattr(board_module, "ANSWER_SECONDS", 0.3)


@pytest.fixture
async def single(socket_enabled: None) -> AsyncGenerator[Board]:
    """Return a board with one door."""
    board = Board(123456789, clock=local_time)
    await board.start()
    yield board
    await board.stop()


async def choose(hass: HomeAssistant, board: Board, option: str) -> None:
    """Choose one at the select."""
    await hass.services.async_call(
        "select",
        "select_option",
        {"entity_id": entity_of(hass, board, "select", "passback"), "option": option},
        blocking=True,
    )


async def asked_again(
    hass: HomeAssistant, board: Board, freezer: FrozenDateTimeFactory
) -> None:
    """Wait until a board was asked by the clock, and what follows is done."""
    board.asked.clear()
    await pass_time(hass, freezer, contact.ASK_SECONDS + 1)
    async with Ticking(hass, freezer):
        await wait_until(
            hass, lambda: GET_PASSBACK in board.asked and not is_turning(hass, board)
        )
    await hass.async_block_till_done()


def shown(hass: HomeAssistant, board: Board) -> str:
    """Return what the select shows."""
    return state_of(hass, board, "select", "passback")


def wanted(hass: HomeAssistant, board: Board) -> str | None:
    """Return what a person has chosen."""
    return device_of(hass, board).settings.passback


def is_told(hass: HomeAssistant) -> bool:
    """Return if a person is told that a board does another one."""
    return any(
        issue.translation_key == "uhppote_passback"
        for issue in ir.async_get(hass).issues.values()
    )


@pytest.mark.usefixtures("entry")
async def test_chosen(
    hass: HomeAssistant, board: Board, hass_storage: dict[str, Any]
) -> None:
    """Nobody has it set for him; what is chosen is on the board, and read back."""
    state = hass.states.get(entity_of(hass, board, "select", "passback"))
    assert state
    assert state.state == "off"
    assert len(state.attributes["options"]) == 5
    assert SET_PASSBACK not in board.asked
    for number, option in enumerate(state.attributes["options"]):
        await choose(hass, board, option)
        assert (board.passback, shown(hass, board)) == (number, option)
    assert wanted(hass, board) == "readers_1_234"


async def test_one_door(hass: HomeAssistant, single: Board) -> None:
    """It has two readers, and so one way to do it."""
    await add_boards(hass, single)
    state = hass.states.get(entity_of(hass, single, "select", "passback"))
    assert state
    assert state.attributes["options"] == ["off", "readers_1_2_and_3_4"]


@pytest.mark.usefixtures("entry")
@pytest.mark.parametrize("fault", [Fault.REFUSES_PASSBACK, Fault.KEEPS_PASSBACK])
async def test_not_taken(
    hass: HomeAssistant, board: Board, freezer: FrozenDateTimeFactory, fault: Fault
) -> None:
    """It is refused, or taken in words alone: that is an error, and is not tried later."""
    board.faults.add(fault)
    with pytest.raises(HomeAssistantError):
        await choose(hass, board, "readers_13_24")
    assert (shown(hass, board), wanted(hass, board)) == ("off", None)
    board.faults.clear()
    await asked_again(hass, board, freezer)
    assert SET_PASSBACK not in board.asked
    assert not is_told(hass)


@pytest.mark.usefixtures("entry")
async def test_changed_by_another_program(
    hass: HomeAssistant, board: Board, freezer: FrozenDateTimeFactory
) -> None:
    """Within a minute it is as a person has chosen it; if not, people are told."""
    await choose(hass, board, "readers_1_23")
    board.passback = 0
    await asked_again(hass, board, freezer)
    assert board.passback == 3
    board.passback = 1
    board.faults.add(Fault.KEEPS_PASSBACK)
    await asked_again(hass, board, freezer)
    assert is_told(hass)
    assert wanted(hass, board) == "readers_1_23"
    board.faults = {Fault.STRANGE_PASSBACK}
    await asked_again(hass, board, freezer)
    assert is_told(hass)
    board.faults.clear()
    await asked_again(hass, board, freezer)
    assert board.passback == 3
    assert not is_told(hass)


@pytest.mark.usefixtures("entry")
async def test_not_chosen_and_changed(
    hass: HomeAssistant, board: Board, freezer: FrozenDateTimeFactory
) -> None:
    """What nobody has chosen here is the maker's tool's to say: it is shown."""
    board.passback = 2
    await asked_again(hass, board, freezer)
    assert shown(hass, board) == "readers_13_24"
    assert board.passback == 2
    board.faults.add(Fault.STRANGE_PASSBACK)
    await asked_again(hass, board, freezer)
    assert shown(hass, board) == STATE_UNKNOWN
    assert not is_told(hass)


@pytest.mark.usefixtures("entry")
async def test_chosen_in_another_version(
    hass: HomeAssistant, board: Board, freezer: FrozenDateTimeFactory
) -> None:
    """What nobody here knows is not set: people are told, and the board is looked after."""
    device_of(hass, board).settings.passback = "readers_of_tomorrow"
    await asked_again(hass, board, freezer)
    assert is_told(hass)
    assert SET_PASSBACK not in board.asked
    await choose(hass, board, "off")
    assert not is_told(hass)


async def test_forgotten(
    hass: HomeAssistant, board: Board, entry: MockConfigEntry
) -> None:
    """The board has lost everything while we were away: it is set anew."""
    await choose(hass, board, "readers_13_24")
    await hass.config_entries.async_unload(entry.entry_id)
    board.forget_everything()
    assert await hass.config_entries.async_setup(entry.entry_id)
    await heard(hass, board)
    await wait_until(hass, lambda: shown(hass, board) == "readers_13_24")
    assert board.passback == 2


async def test_a_board_that_does_not_know_of_it(
    hass: HomeAssistant, board: Board, freezer: FrozenDateTimeFactory
) -> None:
    """It does not answer: that is unknown, and no board that is away."""
    board.faults.add(Fault.NO_PASSBACK)
    async with Ticking(hass, freezer):
        await add_boards(hass, board)
        # Doors do not wait for what it does not answer.
        assert board.asked.index(GET_DOOR) < board.asked.index(GET_PASSBACK)
        assert shown(hass, board) == STATE_UNKNOWN
        assert device_of(hass, board).available
        with pytest.raises(HomeAssistantError):
            await choose(hass, board, "readers_13_24")
    assert not is_told(hass)
