"""Passages go to who knows people, in the process; entities tell what is not personal."""

import asyncio
from datetime import timedelta
from typing import Any, override

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.community_safety.core.house import DATA_HOUSE
from custom_components.community_safety.core.passages import Decision
from custom_components.community_safety.diagnostics import (
    async_get_config_entry_diagnostics,
)
from custom_components.community_safety.gateways import contact
from homeassistant.const import EVENT_HOMEASSISTANT_STARTED, STATE_UNKNOWN
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.util import dt as dt_util
from simulator.uhppote import KEPT_EVENTS, NORMALLY_CLOSED, Board, Card, Fault
from tests.common import wait_until

from .common import (
    REGISTER,
    Register,
    add_boards,
    alarms_of,
    device_of,
    entity_of,
    heard,
    offer,
    pass_time,
    state_of,
)

CARD = 10058400


def let_in(board: Board, **more: Any) -> None:
    """Give a card to a board, so that it opens doors 1 and 2."""
    today = board.now.date()
    board.vendor_writes(
        Card(
            CARD, today, today + timedelta(days=30), **{"doors": (1, 29, 1, 0), **more}
        )
    )


@pytest.fixture
async def register(hass: HomeAssistant, entry: MockConfigEntry) -> Register:
    """Return who takes passages."""
    register: Register = await offer(hass)
    register.wanted = None
    return register


async def test_passages(hass: HomeAssistant, register: Register, board: Board) -> None:
    """Each with its door, its decision and its direction; the entity says no number."""
    let_in(board)
    board.doors[2].mode = NORMALLY_CLOSED
    board.swipe(CARD, 1)
    board.swipe(CARD, 1, direction=2)
    board.swipe(CARD, 2)
    board.swipe(CARD, 3)
    board.swipe(CARD, 4)
    board.swipe(4711, 1, direction=0)
    await wait_until(hass, lambda: len(register.passages) == 6)
    assert [
        (row.door, row.number, row.decision, row.inwards) for row in register.passages
    ] == [
        ("1", "10058400", Decision.GRANTED, True),
        ("1", "10058400", Decision.GRANTED, False),
        ("2", "10058400", Decision.NOT_NOW, True),
        ("3", "10058400", Decision.CLOSED, True),
        ("4", "10058400", Decision.NOT_ALLOWED, True),
        ("1", "4711", Decision.UNKNOWN, None),
    ]
    first = register.passages[0]
    assert first.device_id == device_of(hass, board).device_id
    assert first.granted
    assert not first.late
    state = hass.states.get(entity_of(hass, board, "event", "passage_1"))
    assert state
    assert state.attributes["event_type"] == "denied"
    assert state.attributes["decision"] == "unknown"


@pytest.mark.usefixtures("entry")
async def test_dropped_without_a_sink(hass: HomeAssistant, board: Board) -> None:
    """Nobody is there who knows people: they are counted, and kept nowhere."""
    board.swipe(CARD)
    board.swipe(CARD)
    passages = hass.data[DATA_HOUSE].passages
    await wait_until(hass, lambda: passages.dropped.total() == 2)
    (entry,) = hass.config_entries.async_entries("community_safety")
    assert isinstance(entry, MockConfigEntry)
    found = await async_get_config_entry_diagnostics(hass, entry)
    (row,) = found["gateway"]["boards"]
    assert row["passages_dropped"] == 2
    assert str(board.serial) not in str(found)


@pytest.mark.usefixtures("entry")
async def test_a_sink_that_takes_none(hass: HomeAssistant, board: Board) -> None:
    """Who only says what controllers are to hold takes no passage: they are dropped."""

    class Office:
        async def async_wanted(self, _device_id: str) -> None:
            return None

    await offer(hass, lambda _credentials: Office())
    board.swipe(CARD)
    passages = hass.data[DATA_HOUSE].passages
    await wait_until(hass, lambda: passages.dropped.total() == 1)


async def test_a_sink_that_fails(
    hass: HomeAssistant,
    register: Register,
    board: Board,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is counted, its text is not logged, and the door's entity goes on."""
    register.trouble = ValueError(str(CARD))
    board.swipe(CARD)
    passages = hass.data[DATA_HOUSE].passages
    await wait_until(hass, lambda: passages.dropped.total() == 1)
    assert str(CARD) not in caplog.text
    assert state_of(hass, board, "event", "passage_1") != STATE_UNKNOWN


@pytest.mark.usefixtures("entry")
async def test_a_sink_that_does_not_start(hass: HomeAssistant, board: Board) -> None:
    """It is logged, and passages are dropped."""

    def fail(_credentials: Any) -> Any:
        raise ValueError("no database")

    assert await offer(hass, fail) is None
    board.swipe(CARD)
    passages = hass.data[DATA_HOUSE].passages
    await wait_until(hass, lambda: passages.dropped.total() == 1)


async def test_a_sink_that_does_not_listen(
    hass: HomeAssistant, entry: MockConfigEntry, board: Board
) -> None:
    """A sink needs no more than `passed` and `async_wanted`; one that fails harms nobody."""

    class Least:
        """The least that a sink is."""

        def __init__(self, _credentials: Any) -> None:
            """Initialize."""
            self.count = 0

        def passed(self, _passage: Any) -> None:
            """Count."""
            self.count += 1

        async def async_wanted(self, _device_id: str) -> list[Any]:
            """Want nothing."""
            return []

        def checked(self, _difference: Any) -> None:
            """Fail."""
            raise ValueError

    sink = await offer(hass, Least)
    credentials = hass.data[DATA_HOUSE].credentials
    found = await credentials.async_check(device_of(hass, board).device_id or "")
    assert found
    assert found.count == 0
    board.swipe(CARD)
    await wait_until(hass, lambda: sink.count == 1)


async def test_events_that_were_lost_on_the_way(
    hass: HomeAssistant, register: Register, board: Board
) -> None:
    """A gap in the numbers is filled from the board's memory, once, and is late."""
    board.swipe(CARD, 1)
    await wait_until(hass, lambda: len(register.passages) == 1)
    board.faults.add(Fault.MUTE)
    board.swipe(CARD, 2)
    board.swipe(CARD, 3)
    board.faults.clear()
    board.swipe(CARD, 4)
    await wait_until(hass, lambda: len(register.passages) == 4)
    assert [(row.door, row.late) for row in register.passages] == [
        ("1", False),
        ("2", True),
        ("3", True),
        ("4", True),
    ]
    # What is of the past is no event of now.
    assert state_of(hass, board, "event", "passage_2") == STATE_UNKNOWN


async def test_sent_twice(
    hass: HomeAssistant, register: Register, board: Board
) -> None:
    """A board sends its last event with its state, again and again."""
    board.swipe(CARD)
    board._push()
    board._push()
    board.swipe(CARD)
    await wait_until(hass, lambda: len(register.passages) == 2)
    await hass.async_block_till_done()
    assert len({row.index for row in register.passages}) == 2


async def test_while_we_were_away(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    register: Register,
    board: Board,
    freezer: FrozenDateTimeFactory,
) -> None:
    """What happened while Home Assistant was off follows, with the board's own time."""
    board.swipe(CARD, 1)
    await wait_until(hass, lambda: len(register.passages) == 1)
    freezer.tick(contact.ASK_SECONDS + 1)
    async_fire_time_changed(hass)
    await wait_until(hass, lambda: board.event_index == 1)
    assert await hass.config_entries.async_unload(entry.entry_id)
    at = dt_util.utcnow().replace(microsecond=0)
    board.swipe(CARD, 2)
    freezer.tick(3600)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await wait_until(hass, lambda: len(register.passages) == 2)
    assert register.passages[-1].late
    assert register.passages[-1].at == at


async def test_memory_that_has_wrapped(
    hass: HomeAssistant, entry: MockConfigEntry, register: Register, board: Board
) -> None:
    """What newer events have overwritten is counted as lost, and the rest is fetched."""
    board.swipe(CARD)
    await wait_until(hass, lambda: len(register.passages) == 1)
    board.faults.add(Fault.MUTE)
    for _ in range(KEPT_EVENTS + 20):
        board.swipe(CARD)
    board.faults.clear()
    board._push()
    kept = len(board.events)
    await wait_until(hass, lambda: len(register.passages) == kept + 1)
    assert entry.runtime_data.discarded["overwritten events"] == (
        KEPT_EVENTS + 20 - kept
    )


@pytest.mark.parametrize("known", [0, 1])
async def test_what_was_before_us(
    hass: HomeAssistant, board: Board, known: int
) -> None:
    """The history of a board that is added is nobody's business, whoever has read it."""
    for _ in range(3):
        board.swipe(CARD)
    board.event_index = known
    await add_boards(hass, board)
    register = await offer(hass)
    register.wanted = None
    board.swipe(CARD)
    await wait_until(hass, lambda: bool(register.passages))
    await hass.async_block_till_done()
    assert [row.index for row in register.passages] == [4]
    assert hass.data[DATA_HOUSE].passages.dropped.total() == 0


async def _confirmed(
    hass: HomeAssistant, board: Board, freezer: FrozenDateTimeFactory
) -> int:
    """Return up to which event a board is told that it was taken, at the next poll."""
    board.asked.clear()
    await pass_time(hass, freezer, contact.ASK_SECONDS + 1)
    (entry,) = hass.config_entries.async_entries("community_safety")
    (ours,) = entry.runtime_data.controllers
    await wait_until(hass, lambda: bool(board.asked) and not ours._turning)
    return board.event_index


async def test_started_before_the_register(
    hass: HomeAssistant, board: Board, freezer: FrozenDateTimeFactory
) -> None:
    """Who passed while Home Assistant was off waits for who knows people."""
    hass.set_state(CoreState.starting)
    await add_boards(hass, board)
    board.swipe(CARD, 1)
    board.swipe(CARD, 2)
    # What is no passage does not wait.
    board.open(3, forced=True)
    await wait_until(hass, lambda: "door_forced" in alarms_of(hass, board))
    assert await _confirmed(hass, board, freezer) == 0
    register = await offer(hass)
    assert [row.door for row in register.passages] == ["1", "2"]
    assert await _confirmed(hass, board, freezer) == 3
    assert hass.data[DATA_HOUSE].passages.dropped.total() == 0


async def test_nobody_knows_people(
    hass: HomeAssistant, board: Board, freezer: FrozenDateTimeFactory
) -> None:
    """Once Home Assistant has started, nobody is waited for."""
    hass.set_state(CoreState.starting)
    await add_boards(hass, board)
    board.swipe(CARD)
    passages = hass.data[DATA_HOUSE].passages
    await wait_until(hass, lambda: bool(passages._waiting))
    hass.set_state(CoreState.running)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STARTED)
    await wait_until(hass, lambda: passages.dropped.total() == 1)
    assert await _confirmed(hass, board, freezer) == 1


async def test_what_was_not_taken_comes_again(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    register: Register,
    board: Board,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A board is told of no passage that its sink could not take."""
    board.swipe(CARD, 1)
    await wait_until(hass, lambda: len(register.passages) == 1)
    register.trouble = ValueError()
    board.swipe(CARD, 2)
    passages = hass.data[DATA_HOUSE].passages
    await wait_until(hass, lambda: passages.dropped.total() == 1)
    register.trouble = None
    board.swipe(CARD, 3)
    await wait_until(hass, lambda: len(register.passages) == 2)
    assert await _confirmed(hass, board, freezer) == 1
    assert await hass.config_entries.async_reload(entry.entry_id)
    await wait_until(hass, lambda: len(register.passages) == 4)
    assert [row.door for row in register.passages] == ["1", "3", "2", "3"]
    assert await _confirmed(hass, board, freezer) == 3


async def test_taken_once_it_is_written(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    board: Board,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A board is told that a passage was taken when it is on the disk, and not before."""

    class Writer(Register):
        """Writes passages down, later."""

        @override
        def passed(self, passage: Any) -> Any:
            super().passed(passage)
            futures.append(hass.loop.create_future())
            return futures[-1]

    futures: list[asyncio.Future[None]] = []
    register = await offer(hass, Writer)
    register.wanted = None
    for door in (1, 2, 3):
        board.swipe(CARD, door)
    await wait_until(hass, lambda: len(register.passages) == 3)
    first, second, third = futures
    assert await _confirmed(hass, board, freezer) == 0
    second.set_result(None)
    assert await _confirmed(hass, board, freezer) == 0
    first.set_result(None)
    assert await _confirmed(hass, board, freezer) == 2
    third.set_exception(OSError())
    board.swipe(CARD, 4)
    await wait_until(hass, lambda: len(futures) == 4)
    futures[3].set_result(None)
    assert await _confirmed(hass, board, freezer) == 2
    assert hass.data[DATA_HOUSE].passages.dropped.total() == 1
    # It comes again, and is known by its number and the board's own time.
    before = {row.index: row.stamp for row in register.passages}
    assert await hass.config_entries.async_reload(entry.entry_id)
    await wait_until(hass, lambda: len(register.passages) == 6)
    assert [row.index for row in register.passages[4:]] == [3, 4]
    assert all(row.stamp == before[row.index] for row in register.passages)
    assert not register.passages[0].late
    assert register.passages[4].late


async def test_a_reason_that_nobody_knows(
    hass: HomeAssistant, register: Register, board: Board
) -> None:
    """A swipe is a passage, whatever newer firmware says of it."""
    board.swipe_for_no_known_reason(CARD)
    await wait_until(hass, lambda: bool(register.passages))
    assert register.passages[0].decision is Decision.OTHER


async def test_numbers_that_begin_anew(
    hass: HomeAssistant, register: Register, board: Board
) -> None:
    """A board that was reset counts from one again: its events are new ones."""
    for _ in range(5):
        board.swipe(CARD)
    await wait_until(hass, lambda: len(register.passages) == 5)
    listener = board.listener
    board.forget_everything()
    board.listener = listener
    board.swipe(CARD, 2)
    await wait_until(hass, lambda: len(register.passages) == 6)
    assert register.passages[-1].door == "2"
    await heard(hass, board)


async def test_no_passage_is_lost_in_a_rush(
    hass: HomeAssistant, register: Register, board: Board
) -> None:
    """A hundred at once, some of which are lost on the way."""
    for number in range(100):
        if number % 7 == 0:
            board.faults.add(Fault.MUTE)
        board.swipe(CARD)
        board.faults.clear()
    await wait_until(hass, lambda: len(register.passages) == 100)
    assert [row.index for row in register.passages] == list(range(1, 101))


@pytest.mark.usefixtures("entry")
async def test_one_integration_offers_both(hass: HomeAssistant) -> None:
    """Who takes passages may have a say in who may do what, loaded after us."""

    class Both(Register):
        """A sink of the same integration as the provider."""

    assert await offer(hass, Both)
    house = hass.data[DATA_HOUSE]
    assert (
        house.passages._sinks.keys() == house.authority._providers.keys() == {REGISTER}
    )
