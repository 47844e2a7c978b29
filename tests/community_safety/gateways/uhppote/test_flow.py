"""Adding boards and changing where they are, as a person would."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.community_safety.const import DOMAIN
from custom_components.community_safety.gateways.uhppote import board as board_module
from homeassistant.config_entries import SOURCE_USER, ConfigFlowResult
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from simulator.uhppote import Board, Fault

from .common import UID, add_boards, heard, local_time

PORT = 61001


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Search on the loopback address, and do not wait long."""
    monkeypatch.setattr(board_module, "ANSWER_SECONDS", 0.3)
    monkeypatch.setattr(board_module, "SEARCH_SECONDS", 0.1)
    monkeypatch.setattr(board_module, "BROADCAST", ("127.0.0.1", 9))


@pytest.fixture
async def other(socket_enabled: None) -> AsyncGenerator[Board]:
    """Return a second board."""
    board = Board(serial=201020304, clock=local_time)
    await board.start()
    yield board
    await board.stop()


async def begin(hass: HomeAssistant) -> ConfigFlowResult:
    """Choose the boards in the menu."""
    result = await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_USER}
    )
    return await hass.config_entries.flow.async_configure(
        result["flow_id"], {"next_step_id": "uhppote"}
    )


async def fill_in(
    hass: HomeAssistant, result: ConfigFlowResult, *addresses: str, **more: Any
) -> ConfigFlowResult:
    """Enter addresses."""
    assert result["type"] is FlowResultType.FORM
    return await hass.config_entries.flow.async_configure(
        result["flow_id"], {"addresses": list(addresses), "protocol": "udp", **more}
    )


async def test_added_after_every_error(
    hass: HomeAssistant, board: Board, other: Board
) -> None:
    """What is wrong is said, and nothing that was entered is lost."""
    result = await begin(hass)
    for addresses in ((), ("board",), ("192.0.2.7:x",), ("192.0.2.7:0",), ("::1",)):
        result = await fill_in(hass, result, *addresses, event_port=PORT)
        assert result["errors"] == {"addresses": "uhppote_address"}
    other.faults.add(Fault.OFFLINE)
    result = await fill_in(hass, result, board.address, other.address, event_port=PORT)
    assert result["errors"] == {"base": "uhppote_no_answer"}
    assert result["description_placeholders"] == {"missing": other.address}
    other.faults.clear()
    result = await fill_in(
        hass, result, f" {board.address} ", other.address, event_port=PORT
    )
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"] == {
        "dialect": "uhppote",
        "protocol": "udp",
        "event_port": PORT,
        "boards": {
            str(board.serial): board.address,
            str(other.serial): other.address,
        },
    }
    await heard(hass, board, f"uhppote/{PORT}")
    await heard(hass, other, f"uhppote/{PORT}")
    assert len(result["result"].runtime_data.devices) == 2
    assert board.listener[1] == PORT


async def test_form_that_was_left_behind(hass: HomeAssistant, board: Board) -> None:
    """Whose browser has closed on a form begins anew, and the old form is gone then."""
    left = await fill_in(hass, await begin(hass), "nothing", event_port=PORT)
    result = await fill_in(hass, await begin(hass), board.address, event_port=PORT)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    flows = hass.config_entries.flow.async_progress()
    assert left["flow_id"] not in [row["flow_id"] for row in flows]


async def test_found_in_the_network(
    hass: HomeAssistant, board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Boards that answer to a search are proposed."""
    monkeypatch.setattr(board_module, "BROADCAST", ("127.0.0.1", board.port))
    result = await begin(hass)
    assert result["data_schema"]
    (key,) = [key for key in result["data_schema"].schema if key == "addresses"]
    assert key.description == {"suggested_value": ["127.0.0.1"]}


@pytest.mark.usefixtures("socket_enabled")
async def test_search_that_cannot_be_sent(
    hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a network the form is shown all the same."""
    monkeypatch.setattr(board_module, "BROADCAST", ("no address", 60000))
    result = await begin(hass)
    assert result["step_id"] == "uhppote"


async def test_port_is_a_gateways(hass: HomeAssistant, board: Board) -> None:
    """Two gateways cannot listen at one port."""
    MockConfigEntry(domain=DOMAIN, unique_id=f"uhppote/{PORT}", data={}).add_to_hass(
        hass
    )
    result = await fill_in(hass, await begin(hass), board.address, event_port=PORT)
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "already_configured"


async def test_board_of_another_gateway(
    hass: HomeAssistant, entry: MockConfigEntry, board: Board
) -> None:
    """A board sends its events to one place."""
    result = await fill_in(hass, await begin(hass), board.address, event_port=PORT)
    assert result["errors"] == {"base": "uhppote_taken"}
    assert result["description_placeholders"] == {"missing": str(board.serial)}


async def test_reconfigured(hass: HomeAssistant, board: Board, other: Board) -> None:
    """A board that is off stays where it is, a new one must answer."""
    entry = await add_boards(hass, board)
    assert entry.unique_id == UID
    board.faults.add(Fault.OFFLINE)
    other.faults.add(Fault.OFFLINE)
    result = await entry.start_reconfigure_flow(hass)
    assert result["step_id"] == "reconfigure_uhppote"
    result = await fill_in(hass, result, board.address, other.address)
    assert result["errors"] == {"base": "uhppote_no_answer"}
    other.faults.clear()
    result = await fill_in(hass, result, board.address, other.address)
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "reconfigure_successful"
    assert entry.data["boards"] == {
        str(board.serial): board.address,
        str(other.serial): other.address,
    }
    await heard(hass, other)


async def test_unexpected_answer(
    hass: HomeAssistant, board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mistake of ours is none of the board's."""

    async def fail(*_: Any) -> int:
        raise RuntimeError

    monkeypatch.setattr(board_module, "async_identify", fail)
    with pytest.raises(RuntimeError):
        await fill_in(hass, await begin(hass), board.address, event_port=PORT)
