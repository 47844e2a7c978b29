"""Passages and events: none is lost, none is told twice, and each in the process alone."""

import asyncio
from datetime import timedelta
import time
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.community_safety.core.house import DATA_HOUSE
from custom_components.community_safety.core.passages import Decision
from custom_components.community_safety.gateways import contact
from custom_components.community_safety.gateways.isapi import (
    controller,
    terminal as client,
)
from homeassistant.const import STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.util import dt as dt_util
from homeassistant.util.file import WriteError
from simulator.isapi import EVENT, OPERATION, PAGE, Fault, Terminal
from tests.common import wait_until
from tests.community_safety.gateways.uhppote.common import Register, offer

from .common import (
    add_terminal,
    alarms_of,
    controller_of,
    device_of,
    entity_of,
    heard,
    issues,
    pass_time,
    quiet,
    state_of,
)

CARD = "3141592653"
HISTORY = "POST AccessControl/AcsEvent"
STREAM = "GET Event/notification/alertStream"


@pytest.fixture
async def register(
    hass: HomeAssistant, terminal: Terminal, entry: MockConfigEntry
) -> Register:
    """Return who takes passages."""
    terminal.vendor_writes(CARD)
    register: Register = await offer(hass)
    register.wanted = None
    return register


def numbers(register: Register) -> list[int]:
    """Return the numbers of the passages that were taken."""
    return [row.index for row in register.passages]


async def test_passages(
    hass: HomeAssistant, register: Register, terminal: Terminal
) -> None:
    """Each with its door and its decision, at once; the entity says no number."""
    terminal.swipe(CARD)
    terminal.swipe(CARD, 2)
    terminal.swipe("4711")
    for minor in (3, 7, 10, 11, 99):
        terminal.happen(EVENT, minor, doorNo=1, cardNo=CARD)
    terminal.show_face(f"cs{CARD}", 2)
    await wait_until(hass, lambda: len(register.passages) == 9)
    assert [(row.door, row.number, row.decision) for row in register.passages] == [
        ("1", CARD, Decision.GRANTED),
        ("2", CARD, Decision.NOT_ALLOWED),
        ("1", "4711", Decision.UNKNOWN),
        ("1", CARD, Decision.PIN),
        ("1", CARD, Decision.NOT_NOW),
        ("1", CARD, Decision.ANTI_PASSBACK),
        ("1", CARD, Decision.INTERLOCK),
        ("1", CARD, Decision.OTHER),
        ("2", CARD, Decision.GRANTED),
    ]
    first = register.passages[0]
    assert first.device_id == device_of(hass, terminal).device_id
    assert (first.granted, first.late, first.inwards) == (True, False, None)
    state = hass.states.get(entity_of(hass, terminal, "event", "passage_1"))
    assert state
    assert state.attributes["event_type"] == "denied"
    assert terminal.asked.count(HISTORY) <= 6


async def test_expired(
    hass: HomeAssistant, register: Register, terminal: Terminal
) -> None:
    """A card whose time is over is refused, and told so."""
    terminal.persons[f"9{CARD}"].end = "2021-01-01T00:00:00"
    terminal.swipe(CARD)
    await wait_until(hass, lambda: len(register.passages) == 1)
    assert register.passages[0].decision is Decision.NOT_ALLOWED


@pytest.mark.usefixtures("entry")
async def test_dropped_without_a_sink(hass: HomeAssistant, terminal: Terminal) -> None:
    """Nobody is there who knows people: they are counted, and kept nowhere."""
    terminal.swipe(CARD)
    terminal.swipe(CARD)
    passages = hass.data[DATA_HOUSE].passages
    await wait_until(hass, lambda: passages.dropped.total() == 2)


@pytest.mark.parametrize("count", [0, 1, 2, PAGE + 1])
async def test_what_was_before_us(
    hass: HomeAssistant, terminal: Terminal, count: int
) -> None:
    """The log of a terminal that is added is nobody's business, also when it repeats it."""
    for _ in range(count):
        terminal.happen(EVENT, 9, doorNo=1, cardNo=CARD)
    await add_terminal(hass, terminal)
    register = await offer(hass)
    register.wanted = None
    terminal.swipe(CARD)
    await wait_until(hass, lambda: bool(register.passages))
    await quiet(hass, terminal)
    assert numbers(register) == [count + 1]


async def test_while_we_were_away(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    register: Register,
    terminal: Terminal,
    freezer: FrozenDateTimeFactory,
) -> None:
    """What happened while Home Assistant was off follows, with the terminal's own time."""
    terminal.swipe("1")
    await wait_until(hass, lambda: len(register.passages) == 1)
    assert await hass.config_entries.async_unload(entry.entry_id)
    at = dt_util.utcnow().replace(microsecond=0)
    for number in range(2 * PAGE + 5):
        terminal.swipe(str(number))
    freezer.tick(3600)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await heard(hass, terminal)
    await wait_until(hass, lambda: len(register.passages) == 2 * PAGE + 6)
    await quiet(hass, terminal)
    assert numbers(register) == list(range(1, 2 * PAGE + 7))
    assert register.passages[-1].late
    assert register.passages[-1].at == at
    # What is of the past is no event of now.
    shown = dt_util.parse_datetime(state_of(hass, terminal, "event", "passage_1"))
    assert shown
    assert shown < at + timedelta(seconds=1)


async def test_broken_stream(
    hass: HomeAssistant,
    register: Register,
    terminal: Terminal,
    freezer: FrozenDateTimeFactory,
) -> None:
    """It keeps its place for a while: meanwhile events are fetched, and then it is back."""
    terminal.keeps_place = timedelta(seconds=90)
    terminal.break_streams()
    ours = controller_of(hass, terminal)
    await wait_until(hass, lambda: not ours._is_listening)
    terminal.swipe("1")
    await pass_time(hass, freezer, terminal, contact.RETRY_SECONDS + 1)
    await wait_until(hass, lambda: numbers(register) == [1])
    # Ten seconds are no past.
    assert not register.passages[0].late
    assert state_of(hass, terminal, "event", "passage_1") != STATE_UNKNOWN
    terminal.asked.clear()
    terminal.swipe("2")
    await pass_time(hass, freezer, terminal, contact.RETRY_SECONDS + 1)
    await wait_until(hass, lambda: numbers(register) == [1, 2])
    await pass_time(hass, freezer, terminal, controller.TAKEN_SECONDS + 1)
    await heard(hass, terminal)
    terminal.swipe("3")
    await wait_until(hass, lambda: numbers(register) == [1, 2, 3])
    await quiet(hass, terminal)
    assert numbers(register) == [1, 2, 3]


async def test_long_log(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    register: Register,
    terminal: Terminal,
    freezer: FrozenDateTimeFactory,
) -> None:
    """While a terminal repeats its log it streams nothing new: that is fetched meanwhile."""
    ours = controller_of(hass, terminal)
    terminal.happen(OPERATION, 112)
    await wait_until(hass, lambda: ours.index == 1)
    terminal.say(terminal._message(terminal.events[0], is_current=False))
    await wait_until(hass, lambda: not ours._is_live)
    terminal.faults.add(Fault.MUTE)
    terminal.swipe("1")
    await quiet(hass, terminal)
    ours._soon()
    await quiet(hass, terminal)
    assert numbers(register) == [2]
    terminal.swipe("2")
    await pass_time(hass, freezer, terminal, contact.RETRY_SECONDS + 1)
    await wait_until(hass, lambda: numbers(register) == [2, 3])
    # Once nothing old has come for a while, it is as it was.
    for _ in range(6):
        await pass_time(hass, freezer, terminal, contact.RETRY_SECONDS + 1)
    await quiet(hass, terminal)
    assert ours._pause == contact.ASK_SECONDS


async def test_gap(hass: HomeAssistant, register: Register, terminal: Terminal) -> None:
    """What was lost on the way is fetched as soon as the next event comes, in order."""
    terminal.swipe("1")
    await wait_until(hass, lambda: len(register.passages) == 1)
    terminal.faults.add(Fault.MUTE)
    terminal.swipe("2")
    terminal.swipe("3")
    terminal.faults.clear()
    terminal.swipe("4")
    await wait_until(hass, lambda: len(register.passages) == 4)
    await quiet(hass, terminal)
    assert [row.number for row in register.passages] == ["1", "2", "3", "4"]


async def test_rush(
    hass: HomeAssistant, register: Register, terminal: Terminal
) -> None:
    """A hundred at once, some of which are lost on the way: none is missing, none twice."""
    for number in range(100):
        if number % 7 == 0:
            terminal.faults.add(Fault.MUTE)
        terminal.swipe(str(number))
        terminal.faults.clear()
    await wait_until(hass, lambda: len(register.passages) == 100)
    await quiet(hass, terminal)
    assert numbers(register) == list(range(1, 101))


@pytest.mark.parametrize("fault", [Fault.NO_HISTORY, Fault.NO_NUMBERS])
async def test_no_history(
    hass: HomeAssistant, terminal: Terminal, fault: Fault
) -> None:
    """What cannot be asked for is taken from the log that the stream repeats."""
    terminal.faults.add(fault)
    for _ in range(3):
        terminal.swipe("0")
    entry = await add_terminal(hass, terminal)
    register = await offer(hass)
    register.wanted = None
    terminal.swipe("1")
    await wait_until(hass, lambda: len(register.passages) == 1)
    assert numbers(register) == [4]
    assert await hass.config_entries.async_unload(entry.entry_id)
    terminal.swipe("2")
    await wait_until(hass, lambda: not terminal._streams)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await wait_until(hass, lambda: len(register.passages) == 2)
    await quiet(hass, terminal)
    terminal.swipe("3")
    await wait_until(hass, lambda: len(register.passages) == 3)
    assert numbers(register) == [4, 5, 6]


async def test_numbers_that_begin_anew(
    hass: HomeAssistant,
    register: Register,
    terminal: Terminal,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A terminal that was reset counts from one again: its events are new ones."""
    for _ in range(5):
        terminal.swipe("1")
    await wait_until(hass, lambda: len(register.passages) == 5)
    terminal.forget_everything()
    await wait_until(hass, lambda: not controller_of(hass, terminal)._is_listening)
    terminal.swipe("2")
    await pass_time(hass, freezer, terminal, contact.RETRY_SECONDS + 1)
    await wait_until(hass, lambda: len(register.passages) == 6)
    assert (register.passages[-1].number, register.passages[-1].index) == ("2", 1)
    await heard(hass, terminal)
    terminal.swipe("3")
    await wait_until(hass, lambda: len(register.passages) == 7)


async def test_what_was_not_taken_comes_again(
    hass: HomeAssistant, entry: MockConfigEntry, register: Register, terminal: Terminal
) -> None:
    """Only what its sink has taken is kept as taken."""
    terminal.swipe("1")
    await wait_until(hass, lambda: len(register.passages) == 1)
    register.trouble = ValueError()
    terminal.swipe("2")
    passages = hass.data[DATA_HOUSE].passages
    await wait_until(hass, lambda: passages.dropped.total() == 1)
    register.trouble = None
    terminal.swipe("3")
    await wait_until(hass, lambda: len(register.passages) == 2)
    assert await hass.config_entries.async_reload(entry.entry_id)
    await heard(hass, terminal)
    await wait_until(hass, lambda: len(register.passages) == 4)
    assert [row.number for row in register.passages] == ["1", "3", "2", "3"]


async def test_not_written_what_was_taken(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    register: Register,
    terminal: Terminal,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where that cannot be written, passages come twice, and none is lost."""
    store = type(entry.runtime_data._store)

    async def fail(*_args: Any) -> None:
        raise WriteError("the disk is full")

    terminal.swipe("1")
    await wait_until(hass, lambda: len(register.passages) == 1)
    await entry.runtime_data.async_keep_index()
    with monkeypatch.context() as patch:
        patch.setattr(store, "_async_write_data", fail)
        terminal.swipe("2")
        await wait_until(hass, lambda: len(register.passages) == 2)
        assert await hass.config_entries.async_unload(entry.entry_id)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await heard(hass, terminal)
    await wait_until(hass, lambda: len(register.passages) == 3)
    assert [row.number for row in register.passages] == ["1", "2", "2"]


async def test_cannot_read_what_was_taken(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    terminal: Terminal,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Doors are watched and opened all the same."""

    async def fail(_self: Any) -> None:
        raise HomeAssistantError("the disk")

    monkeypatch.setattr(type(entry.runtime_data._store), "async_load", fail)
    assert await hass.config_entries.async_reload(entry.entry_id)
    await heard(hass, terminal)
    assert "the disk" in caplog.text


@pytest.mark.usefixtures("register")
async def test_no_events(
    hass: HomeAssistant, terminal: Terminal, freezer: FrozenDateTimeFactory
) -> None:
    """A stream that others have is a repair, and ends with the first that comes."""
    terminal.faults.add(Fault.NO_STREAM)
    terminal.break_streams()
    for _ in range(20):
        await pass_time(hass, freezer, terminal, contact.RETRY_SECONDS + 1)
        await quiet(hass, terminal)
    assert [key for key in issues(hass) if key.startswith(controller.NO_EVENTS)]
    assert device_of(hass, terminal).available
    terminal.faults.clear()
    await pass_time(hass, freezer, terminal, controller.TAKEN_SECONDS + 1)
    await heard(hass, terminal)
    assert not [key for key in issues(hass) if key.startswith(controller.NO_EVENTS)]


@pytest.mark.usefixtures("register")
async def test_stream_that_says_nothing(
    hass: HomeAssistant, terminal: Terminal, freezer: FrozenDateTimeFactory
) -> None:
    """Heartbeats keep it; without any it is broken off by us, and begun anew."""
    ours = controller_of(hass, terminal)
    for _ in range(4):
        await pass_time(hass, freezer, terminal, client.SILENT_SECONDS / 2)
        terminal.beat()
        await wait_until(hass, lambda: ours._heard == time.monotonic())
    assert terminal.asked.count(STREAM) == 1
    terminal.faults.add(Fault.MUTE)
    await pass_time(hass, freezer, terminal, client.SILENT_SECONDS)
    await wait_until(hass, lambda: not (terminal._streams or ours._is_listening))
    terminal.faults.clear()
    await pass_time(hass, freezer, terminal, contact.RETRY_SECONDS + 1)
    await heard(hass, terminal)
    assert terminal.asked.count(STREAM) == 2


GARBAGE = [
    b"--x\r\nContent-Type: application/json\r\nContent-Length: 4\r\n\r\n{xx}\r\n",
    b"--x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]\r\n",
    b"--x\r\nContent-Type: application/xml\r\nContent-Length: 5\r\n\r\n<a><b\r\n",
    b'--x\r\nA: b\r\nContent-Length: 38\r\n\r\n{"AccessControllerEvent":{"doorNo":1}}\r\n',
]


@pytest.mark.parametrize("part", GARBAGE)
async def test_garbage_in_the_stream(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    register: Register,
    terminal: Terminal,
    part: bytes,
) -> None:
    """What cannot be read is counted; what follows is taken."""
    terminal.say(part)
    terminal.swipe("1")
    await wait_until(hass, lambda: len(register.passages) == 1)
    assert entry.runtime_data.refused.total() == 1
    assert terminal.asked.count(STREAM) == 1


@pytest.mark.parametrize(
    "part",
    [
        b"--x\r\nContent-Length: 9999999\r\n\r\n",
        b"--x\r\nContent-Length: many\r\n\r\n",
        b"x" * 300_000,
    ],
    ids=["long", "no number", "endless"],
)
async def test_stream_that_cannot_be_read(
    hass: HomeAssistant,
    register: Register,
    terminal: Terminal,
    freezer: FrozenDateTimeFactory,
    part: bytes,
) -> None:
    """It is begun anew, and nothing is lost."""
    terminal.say(part)
    ours = controller_of(hass, terminal)
    await wait_until(hass, lambda: not ours._is_listening)
    terminal.swipe("1")
    await wait_until(hass, lambda: not terminal._streams)
    await pass_time(hass, freezer, terminal, contact.RETRY_SECONDS + 1)
    await wait_until(hass, lambda: len(register.passages) == 1)
    await heard(hass, terminal)


async def test_as_firmwares_write_it(
    hass: HomeAssistant, register: Register, terminal: Terminal
) -> None:
    """Without a length, with a picture, in XML, and with numbers that are texts."""
    terminal.faults.add(Fault.MUTE)
    for number in range(1, 4):
        terminal.swipe(str(number))
    picture = b"\xff\xd8\r\n--no boundary\r\n\xff\xd9"
    terminal.say(
        b"--boundary\r\nContent-Type: application/json\r\n\r\n"
        b'{"eventType":"AccessControllerEvent","dateTime":"2026-01-01T00:00:00+08:00",'
        b'"AccessControllerEvent":{"majorEventType":5,"subEventType":9,"cardNo":"1",'
        b'"doorNo":1,"serialNo":1,"currentEvent":true}}\r\n'
        b"--boundary\r\nContent-Type: image/jpeg\r\nContent-Length: "
        + str(len(picture)).encode()
        + b"\r\n\r\n"
        + picture
        + b"\r\n--boundary\r\nContent-Type: application/xml\r\n\r\n"
        b"<EventNotificationAlert><AccessControllerEvent><majorEventType>5"
        b"</majorEventType><subEventType>9</subEventType><cardNo>2</cardNo><doorNo>2"
        b"</doorNo><serialNo>2</serialNo></AccessControllerEvent>"
        b"</EventNotificationAlert>\r\n--boundary\r\n"
    )
    await wait_until(hass, lambda: len(register.passages) == 2)
    assert [(row.number, row.door) for row in register.passages] == [
        ("1", "1"),
        ("2", "2"),
    ]
    assert terminal.asked.count(STREAM) == 1


async def test_alarms_of_what_was_missed(
    hass: HomeAssistant,
    register: Register,
    terminal: Terminal,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Also without a stream a forced door is seen within seconds."""
    terminal.faults |= {Fault.NO_STREAM, Fault.MUTE}
    terminal.break_streams()
    ours = controller_of(hass, terminal)
    await wait_until(hass, lambda: not ours._is_listening)
    await quiet(hass, terminal)
    terminal.open(1, forced=True)
    terminal.tamper()
    await pass_time(hass, freezer, terminal, contact.RETRY_SECONDS + 1)
    await wait_until(
        hass, lambda: {"door_forced", "tamper"} <= alarms_of(hass, terminal).keys()
    )


async def test_stops_in_the_middle(
    hass: HomeAssistant, entry: MockConfigEntry, register: Register, terminal: Terminal
) -> None:
    """Unloaded while events are fetched: the rest comes when it is loaded again."""
    terminal.swipe("0")
    await wait_until(hass, lambda: len(register.passages) == 1)
    terminal.faults.add(Fault.MUTE)
    for number in range(1, 3 * PAGE):
        terminal.swipe(str(number))
    terminal.faults.clear()
    terminal.swipe("last")
    await wait_until(hass, lambda: PAGE < len(register.passages) < 3 * PAGE)
    assert await hass.config_entries.async_unload(entry.entry_id)
    await asyncio.sleep(0)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await heard(hass, terminal)
    await wait_until(hass, lambda: register.passages[-1].number == "last")
    assert sorted(set(numbers(register))) == list(range(1, 3 * PAGE + 2))
