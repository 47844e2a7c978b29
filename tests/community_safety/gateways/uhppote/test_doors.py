"""Doors: what people see of them, and what they do when they are told."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta
import socket
import time
from typing import Any, override

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockUser,
    async_fire_time_changed,
    snapshot_platform,
)
from pytest_homeassistant_custom_component.syrupy import HomeAssistantSnapshotExtension
from syrupy.assertion import SnapshotAssertion
from syrupy.filters import props

from custom_components.community_safety.const import Severity
from custom_components.community_safety.core import doors, proving
from custom_components.community_safety.core.house import DATA_HOUSE
from custom_components.community_safety.gateways import contact
from custom_components.community_safety.gateways.uhppote import (
    board as board_module,
    controller,
    gateway as gateway_module,
)
from homeassistant.const import STATE_UNAVAILABLE, Platform
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import (
    device_registry as dr,
    entity_registry as er,
    issue_registry as ir,
)
from simulator.uhppote import (
    CONTROLLED,
    GET_CONTROLLER,
    NORMALLY_OPEN,
    SET_DOOR,
    SET_LISTENER,
    SET_TIME,
    Board,
    Fault,
)
from tests.common import patience, wait_until

from .common import (
    NoObjection,
    Ticking,
    add_boards,
    alarms_of,
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
    """Do not wait long for what cannot be proven."""
    monkeypatch.setattr(board_module, "ANSWER_SECONDS", 0.3)
    monkeypatch.setattr(doors, "TRY_SECONDS", 0.5)
    monkeypatch.setattr(doors, "DEADLINE_SECONDS", 1.0)
    monkeypatch.setattr(proving, "ASK_SECONDS", 0.3)


async def call(
    hass: HomeAssistant,
    board: Board,
    service: str,
    door: int = 1,
    context: Context | None = None,
) -> None:
    """Call an action on the lock of a door."""
    await hass.services.async_call(
        "lock",
        service,
        {"entity_id": entity_of(hass, board, "lock", f"locked_{door}")},
        blocking=True,
        context=context,
    )


@pytest.mark.parametrize("platform", [Platform.LOCK, Platform.EVENT, Platform.SWITCH])
async def test_entities(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    platform: Platform,
    snapshot: SnapshotAssertion,
) -> None:
    """What a board has is as it was when somebody last looked at it."""
    registry = er.async_get(hass)
    for row in er.async_entries_for_config_entry(registry, entry.entry_id):
        if row.domain != platform:
            registry.async_remove(row.entity_id)
    await hass.async_block_till_done()
    await snapshot_platform(
        hass,
        registry,
        snapshot.use_extension(HomeAssistantSnapshotExtension).with_defaults(
            exclude=props("compat_name")
        ),
        entry.entry_id,
    )


async def test_called_in_the_language_of_the_house(
    hass: HomeAssistant, board: Board
) -> None:
    """A board has no name: it is called what it is, with the number on it."""
    hass.config.language = "zh-Hans"
    await add_boards(hass, board)
    device = device_of(hass, board)
    assert device.name == f"门禁控制器 {board.serial}"
    entry = dr.async_get(hass).async_get(device.device_id or "")
    assert entry
    assert (entry.name, entry.model) == (device.name, None)


@pytest.mark.parametrize("protocol", ["udp", "tcp"])
async def test_locked_and_unlocked(
    hass: HomeAssistant, board: Board, protocol: str
) -> None:
    """What the lock shows was read back from the board."""
    await add_boards(hass, board, protocol=protocol)
    assert state_of(hass, board, "lock", "locked_1") == "locked"
    await call(hass, board, "unlock")
    assert board.doors[0].mode == NORMALLY_OPEN
    assert state_of(hass, board, "lock", "locked_1") == "unlocked"
    assert state_of(hass, board, "lock", "locked_2") == "locked"
    await call(hass, board, "lock")
    assert board.doors[0].mode == CONTROLLED
    assert state_of(hass, board, "lock", "locked_1") == "locked"


@pytest.mark.usefixtures("entry")
async def test_opened_for_a_moment(hass: HomeAssistant, board: Board) -> None:
    """The relay is seen to be on, and the lock stays locked: nobody holds the door."""
    await call(hass, board, "open", 2)
    assert board.relays == 0b10
    assert state_of(hass, board, "lock", "locked_2") == "locked"
    board.faults.add(Fault.STUCK)
    with pytest.raises(HomeAssistantError) as error:
        await call(hass, board, "open", 2)
    assert error.value.translation_key == "open_unproven"


@pytest.mark.usefixtures("entry")
@pytest.mark.parametrize("service", ["open", "unlock"])
async def test_nobody_can_say_who_may(
    hass: HomeAssistant, board: Board, hass_admin_user: MockUser, service: str
) -> None:
    """A register that is away opens no street door to whoever has an account."""

    class Away(NoObjection):
        """A provider that cannot answer."""

        @override
        async def async_authorize(self, request: Any) -> None:
            """Fail."""
            raise ConnectionError

    async def get(_hass: HomeAssistant) -> Away:
        return Away()

    platform = type("Platform", (), {"async_get_authority_provider": staticmethod(get)})
    await hass.data[DATA_HOUSE].authority.async_take("some_register", platform)
    with pytest.raises(HomeAssistantError) as error:
        await call(hass, board, service, context=Context(user_id=hass_admin_user.id))
    assert error.value.translation_key == "authority_unavailable"
    assert board.relays == 0


@pytest.mark.usefixtures("entry")
@pytest.mark.parametrize("fault", [Fault.OBSTINATE, Fault.STUCK, Fault.OFFLINE])
async def test_not_unlocked(hass: HomeAssistant, board: Board, fault: Fault) -> None:
    """An order that was taken, or not even that, is no open door."""
    board.faults.add(fault)
    with pytest.raises(HomeAssistantError) as error:
        await call(hass, board, "unlock")
    assert error.value.translation_key == "release_unproven"
    assert state_of(hass, board, "lock", "locked_1") in ("locked", STATE_UNAVAILABLE)


@pytest.mark.usefixtures("entry")
async def test_lost_packet(hass: HomeAssistant, board: Board) -> None:
    """One packet may be lost, and an answer may come twice."""
    board.lose = 1
    board.faults.add(Fault.TWICE)
    await call(hass, board, "unlock")
    assert board.doors[0].mode == NORMALLY_OPEN


@pytest.mark.usefixtures("entry")
async def test_vendors_tool_holds_a_door_open(
    hass: HomeAssistant, board: Board, freezer: FrozenDateTimeFactory
) -> None:
    """The mode of a door is not sent: it is asked for."""
    board.doors[0].mode = NORMALLY_OPEN
    await pass_time(hass, freezer, contact.ASK_SECONDS + 1)
    await wait_until(
        hass, lambda: state_of(hass, board, "lock", "locked_1") == "unlocked"
    )


@pytest.mark.usefixtures("entry")
async def test_held_open(
    hass: HomeAssistant, board: Board, freezer: FrozenDateTimeFactory
) -> None:
    """A door that stands open too long is a warning, until it is shut."""
    board.open(1)
    await wait_until(
        hass, lambda: state_of(hass, board, "binary_sensor", "door_open_1") == "on"
    )
    await pass_time(hass, freezer, 50)
    assert "door_held_open" not in alarms_of(hass, board)
    await pass_time(hass, freezer, 11)
    assert alarms_of(hass, board)["door_held_open"].severity is Severity.WARNING
    board.shut(1)
    await wait_until(hass, lambda: "door_held_open" not in alarms_of(hass, board))


async def test_held_open_over_a_restart(
    hass: HomeAssistant,
    board: Board,
    entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Nobody has shut it meanwhile: the warning is over when the board says that it is shut."""
    board.open(1)
    await wait_until(
        hass, lambda: state_of(hass, board, "binary_sensor", "door_open_1") == "on"
    )
    await pass_time(hass, freezer, 61)
    alarm = alarms_of(hass, board)["door_held_open"]
    board.faults.add(Fault.OFFLINE)
    assert await hass.config_entries.async_reload(entry.entry_id)
    await pass_time(hass, freezer, 5)
    assert alarm.present
    board.faults.clear()
    async with Ticking(hass, freezer):
        await wait_until(
            hass, lambda: state_of(hass, board, "binary_sensor", "door_open_1") == "on"
        )
        assert alarm.present
        assert alarm.returns == 0
        board.shut(1)
        await wait_until(hass, lambda: not alarm.present)


@pytest.mark.usefixtures("entry")
async def test_unlocked_on_purpose_may_stand_open(
    hass: HomeAssistant, board: Board, freezer: FrozenDateTimeFactory
) -> None:
    """Nobody is warned of a door that somebody holds unlocked."""
    await call(hass, board, "unlock")
    board.open(1)
    await wait_until(
        hass, lambda: state_of(hass, board, "binary_sensor", "door_open_1") == "on"
    )
    await pass_time(hass, freezer, 100)
    assert "door_held_open" not in alarms_of(hass, board)


@pytest.mark.usefixtures("entry")
async def test_forced(hass: HomeAssistant, board: Board) -> None:
    """A door that was broken open is a warning, until it is shut."""
    board.open(3, forced=True)
    await wait_until(hass, lambda: "door_forced" in alarms_of(hass, board))
    board.shut(3)
    await wait_until(hass, lambda: "door_forced" not in alarms_of(hass, board))


async def test_forced_in_an_earlier_run(
    hass: HomeAssistant, board: Board, entry: MockConfigEntry
) -> None:
    """A board tells of it once: a restart does not make a door that stands open a sound one."""
    board.open(3, forced=True)
    await wait_until(hass, lambda: "door_forced" in alarms_of(hass, board))
    await hass.config_entries.async_reload(entry.entry_id)
    await heard(hass, board)
    assert alarms_of(hass, board)["door_forced"].present
    board.shut(3)
    await wait_until(hass, lambda: "door_forced" not in alarms_of(hass, board))


async def test_tamper(
    hass: HomeAssistant,
    board: Board,
    entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A board never says that its box is closed: the fault ends by itself."""
    board.tamper()
    await wait_until(hass, lambda: "tamper" in alarms_of(hass, board))
    await hass.config_entries.async_reload(entry.entry_id)
    await heard(hass, board)
    assert "tamper" in alarms_of(hass, board)
    await pass_time(hass, freezer, controller.TAMPER_SECONDS + 1)
    assert "tamper" not in alarms_of(hass, board)


@pytest.mark.usefixtures("entry")
async def test_system_error(hass: HomeAssistant, board: Board) -> None:
    """A board that says it is broken is a fault."""
    board.error = 3
    board.shut(1)
    await wait_until(hass, lambda: "sensor_fault" in alarms_of(hass, board))


@pytest.mark.usefixtures("entry")
async def test_away_and_back(
    hass: HomeAssistant, board: Board, freezer: FrozenDateTimeFactory
) -> None:
    """Silence is a fault within 100 s, and nothing is shown that nobody knows."""
    board.faults.add(Fault.OFFLINE)
    freezer.tick(contact.ASK_SECONDS + 1)
    await pass_time(hass, freezer, 0)
    device = device_of(hass, board)
    async with Ticking(hass, freezer):
        await wait_until(hass, lambda: not device.available)
    assert "unresponsive" in alarms_of(hass, board)
    assert state_of(hass, board, "lock", "locked_1") == STATE_UNAVAILABLE

    board.faults.clear()
    await pass_time(hass, freezer, contact.RETRY_SECONDS + 1)
    await heard(hass, board)
    assert "unresponsive" not in alarms_of(hass, board)


@pytest.mark.parametrize("is_missed", [False, True])
@pytest.mark.parametrize("lost", [2, 4])
async def test_heard_while_it_is_asked_in_vain(
    hass: HomeAssistant,
    board: Board,
    entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    is_missed: bool,
    lost: int,
) -> None:
    """A board that sends something meanwhile is asked again at once, and once for it."""
    device = device_of(hass, board)
    (asking,) = entry.runtime_data.controllers
    if is_missed:
        board.faults.add(Fault.OFFLINE)
        await pass_time(hass, freezer, contact.ASK_SECONDS + 1)
        async with Ticking(hass, freezer):
            await wait_until(hass, lambda: not is_turning(hass, board))
        assert not device.available
        board.faults.clear()
    # Each question is sent twice.
    board.lose = lost
    await pass_time(hass, freezer, contact.ASK_SECONDS + 1)
    await wait_until(hass, lambda: board.lose == lost - 1)
    board.asked.clear()
    board.push()
    await wait_until(hass, lambda: asking.diagnostics()["heard_seconds_ago"] == 0)
    for left in range(lost - 2, -1, -1):
        freezer.tick(board_module.ANSWER_SECONDS + 0.1)
        await wait_until(hass, lambda left=left: board.lose == left)  # type: ignore[misc]
    freezer.tick(board_module.ANSWER_SECONDS + 0.1)
    if lost > 2:
        await wait_until(hass, lambda: not is_turning(hass, board))
        assert board.asked == []
        assert not device.available
        await pass_time(hass, freezer, contact.RETRY_SECONDS + 1)
    await wait_until(hass, lambda: GET_CONTROLLER in board.asked)
    await heard(hass, board)
    assert "unresponsive" not in alarms_of(hass, board)


async def test_off_at_the_start(
    hass: HomeAssistant, board: Board, freezer: FrozenDateTimeFactory
) -> None:
    """A board that is off when Home Assistant starts is missed, and then found."""
    board.faults.add(Fault.OFFLINE)
    entry = MockConfigEntry(
        domain="community_safety",
        unique_id="uhppote/60001",
        data={
            "dialect": "uhppote",
            "protocol": "udp",
            "event_port": 0,
            "boards": {str(board.serial): board.address},
        },
    )
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    async with Ticking(hass, freezer):
        await wait_until(hass, lambda: "unresponsive" in alarms_of(hass, board))
    board.faults.clear()
    async with Ticking(hass, freezer):
        await heard(hass, board)


async def test_another_board_at_its_address(
    hass: HomeAssistant, socket_enabled: None
) -> None:
    """What answers under another number is not believed."""
    wrong = Board(serial=201020304, clock=local_time)
    await wrong.start()
    entry = MockConfigEntry(
        domain="community_safety",
        unique_id="uhppote/60001",
        data={
            "dialect": "uhppote",
            "protocol": "udp",
            "event_port": 0,
            "boards": {"405419896": wrong.address},
        },
    )
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    device = entry.runtime_data.devices["405419896"]
    await wait_until(hass, lambda: not device.available)
    await wrong.stop()


@pytest.mark.parametrize("hours", [-8, 0.5, 24 * 400])
async def test_wrong_clock_is_set(
    hass: HomeAssistant, board: Board, hours: float
) -> None:
    """A board that has the time of another zone, or none, is given ours."""
    board.offset = type(board.offset)(hours=hours)
    await add_boards(hass, board)
    assert abs((board.now - local_time()).total_seconds()) < 5
    assert "clock_wrong" not in alarms_of(hass, board)


async def test_clock_that_takes_no_time(hass: HomeAssistant, board: Board) -> None:
    """Cards end by that clock: a wrong one is a fault."""
    board.offset = type(board.offset)(hours=3)
    board.faults.add(Fault.CLOCK)
    await add_boards(hass, board)
    assert SET_TIME in board.asked
    assert alarms_of(hass, board)["clock_wrong"].severity is Severity.FAULT


@pytest.mark.usefixtures("entry")
async def test_clock_goes_wrong_later(hass: HomeAssistant, board: Board) -> None:
    """What a board sends by itself tells that its clock has run away."""
    board.offset = type(board.offset)(minutes=10)
    board.shut(1)
    await wait_until(hass, lambda: abs((board.now - local_time()).total_seconds()) < 5)


@pytest.fixture
async def other_board(socket_enabled: None) -> AsyncGenerator[Board]:
    """Return one more board."""
    board = Board(serial=201020304, clock=local_time)
    await board.start()
    yield board
    await board.stop()


@pytest.mark.parametrize("days", [30, -30])
async def test_home_assistants_clock_is_wrong(
    hass: HomeAssistant, board: Board, other_board: Board, days: int
) -> None:
    """Where two boards agree on another day, it is not theirs that is set."""
    boards = board, other_board
    for row in boards:
        row.offset = timedelta(days=days)
    await add_boards(hass, *boards)
    for row in boards:
        row.push()
    await wait_until(
        hass, lambda: all("clock_wrong" in alarms_of(hass, row) for row in boards)
    )
    await wait_until(hass, lambda: not any(is_turning(hass, row) for row in boards))
    assert SET_TIME not in board.asked + other_board.asked
    # One of them may lose its time: with Home Assistant the other is right.
    board.offset = timedelta()
    for row in (board, other_board):
        row.push()
    await wait_until(hass, lambda: abs(other_board.offset.total_seconds()) < 5)


async def test_boards_that_have_lost_their_time(
    hass: HomeAssistant, board: Board, other_board: Board
) -> None:
    """That they agree on a day before all of us makes no clock right."""
    boards = board, other_board
    for row in boards:
        row.offset = -timedelta(days=3000)
    await add_boards(hass, *boards)
    await wait_until(
        hass, lambda: all(abs(row.offset.total_seconds()) < 5 for row in boards)
    )


@pytest.mark.usefixtures("entry")
async def test_earlier_than_what_was_written(hass: HomeAssistant, board: Board) -> None:
    """A machine that wakes up without its time sets no board by it."""
    hass.data[DATA_HOUSE].storage.last_written = time.time() + 3600
    board.asked.clear()
    board.offset = timedelta(hours=1)
    board.push()
    await wait_until(hass, lambda: "clock_wrong" in alarms_of(hass, board))
    await wait_until(hass, lambda: not is_turning(hass, board))
    assert SET_TIME not in board.asked


@pytest.mark.usefixtures("entry")
async def test_no_events(
    hass: HomeAssistant, board: Board, freezer: FrozenDateTimeFactory
) -> None:
    """A board that cannot reach us is asked, and somebody is told to mend that."""
    board.faults.add(Fault.MUTE)
    board.doors[0].is_open = True
    for _ in range(5):
        await pass_time(hass, freezer, contact.ASK_SECONDS + 1)
        await wait_until(hass, lambda: not is_turning(hass, board))
    assert [key for key in _issues(hass) if key.startswith(controller.NO_EVENTS)]
    assert state_of(hass, board, "binary_sensor", "door_open_1") == "on"
    board.faults.clear()
    board.shut(1)
    await wait_until(hass, lambda: not ir.async_get(hass).issues)


def _issues(hass: HomeAssistant) -> list[str]:
    return [key for _domain, key in ir.async_get(hass).issues]


@pytest.mark.usefixtures("entry")
async def test_listener_is_taken_over(
    hass: HomeAssistant, board: Board, freezer: FrozenDateTimeFactory
) -> None:
    """Where another program has its events sent to itself, they are ours again."""
    ours = board.listener
    board.listener = ("127.0.0.1", 9, 0)
    board.asked.clear()
    await pass_time(hass, freezer, contact.ASK_SECONDS + 1)
    await wait_until(hass, lambda: board.listener == ours)
    assert SET_LISTENER in board.asked


async def test_port_in_use(
    hass: HomeAssistant, board: Board, freezer: FrozenDateTimeFactory
) -> None:
    """Nobody needs the port for events to open a door: it is a repair, until it is free."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("0.0.0.0", 0))
        port = other.getsockname()[1]
        entry = await add_boards(hass, board, event_port=port)
        assert [key for key in _issues(hass) if key.startswith("uhppote_port")]
        assert SET_LISTENER not in board.asked
        await call(hass, board, "unlock")
        assert board.doors[0].mode == NORMALLY_OPEN
        # Nobody is told twice that nothing is heard.
        for _ in range(5):
            await pass_time(hass, freezer, contact.ASK_SECONDS + 1)
            await wait_until(hass, lambda: not is_turning(hass, board))
        assert not [key for key in _issues(hass) if controller.NO_EVENTS in key]
    await pass_time(hass, freezer, gateway_module.LISTEN_SECONDS + 1)
    await wait_until(hass, lambda: board.listener[1] == port)
    assert not [key for key in _issues(hass) if key.startswith("uhppote_port")]
    board.open(1)
    await wait_until(
        hass, lambda: state_of(hass, board, "binary_sensor", "door_open_1") == "on"
    )
    assert await hass.config_entries.async_unload(entry.entry_id)
    await hass.async_block_till_done()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("0.0.0.0", port))


async def test_port_in_use_until_it_is_unloaded(
    hass: HomeAssistant, board: Board, freezer: FrozenDateTimeFactory
) -> None:
    """Then it is not tried again."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("0.0.0.0", 0))
        entry = await add_boards(hass, board, event_port=other.getsockname()[1])
        gateway = entry.runtime_data
        assert await hass.config_entries.async_unload(entry.entry_id)
    await pass_time(hass, freezer, gateway_module.LISTEN_SECONDS + 1)
    assert gateway.event_port == 0


async def test_unloaded_while_it_listens_again(
    hass: HomeAssistant,
    board: Board,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is under way then leaves no open port: the next start would find it in use."""
    begun, go_on = asyncio.Event(), asyncio.Event()
    create = hass.loop.create_datagram_endpoint

    async def slowly(factory: Any, **kwargs: Any) -> Any:
        if kwargs.get("local_addr") != ("0.0.0.0", port):
            return await create(factory, **kwargs)
        begun.set()
        await go_on.wait()
        return await create(factory, **kwargs)

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("0.0.0.0", 0))
        port = other.getsockname()[1]
        entry = await add_boards(hass, board, event_port=port)
    monkeypatch.setattr(hass.loop, "create_datagram_endpoint", slowly)
    freezer.tick(gateway_module.LISTEN_SECONDS + 1)
    async_fire_time_changed(hass)
    async with patience():
        await begun.wait()
    gateway = entry.runtime_data
    assert await hass.config_entries.async_unload(entry.entry_id)
    go_on.set()
    await hass.async_block_till_done(wait_background_tasks=True)
    assert gateway.event_port == 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("0.0.0.0", port))


@pytest.mark.usefixtures("entry")
async def test_unlocking_is_commanded_once(hass: HomeAssistant, board: Board) -> None:
    """A board that obeys at once is not told again."""
    board.asked.clear()
    await call(hass, board, "unlock")
    assert board.asked.count(SET_DOOR) == 1


async def test_removed_board(
    hass: HomeAssistant, board: Board, entry: MockConfigEntry
) -> None:
    """A board that was taken away can be deleted, and is not spoken to."""
    hass.config_entries.async_update_entry(entry, data={**entry.data, "boards": {}})
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    device = device_of(hass, board)
    with pytest.raises(HomeAssistantError):
        await entry.runtime_data.async_set(device, "locked_1", False)
    board.listener = ("127.0.0.1", entry.runtime_data.event_port, 0)
    board.shut(1)
    await wait_until(hass, lambda: bool(entry.runtime_data.refused))
    assert await entry.runtime_data.async_delete(device)


async def test_forged(
    hass: HomeAssistant, board: Board, entry: MockConfigEntry
) -> None:
    """What comes from elsewhere ends no alarm, and is no event in the place of a real one."""
    board.open(3, forced=True)
    await wait_until(hass, lambda: "door_forced" in alarms_of(hass, board))
    board.faults.add(Fault.MUTE)
    board.doors[2].is_open = False
    packets = [board.push(index=index) for index in (0, 1, 2, 3)]
    board.doors[2].is_open = True
    board.asked.clear()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.2", 0))
        for packet in packets:
            other.sendto(packet, ("127.0.0.1", board.listener[1]))
    await wait_until(hass, lambda: entry.runtime_data.refused.total() == 4)
    assert alarms_of(hass, board)["door_forced"].present
    assert board.asked == []
    board.faults.clear()
    # Where the address is forged too, the board itself is asked if it has begun anew.
    board.push(index=0)
    await wait_until(hass, lambda: bool(board.asked) and not is_turning(hass, board))
    assert SET_LISTENER not in board.asked
    board.tamper()
    await wait_until(hass, lambda: "tamper" in alarms_of(hass, board))


async def test_nonsense_is_refused(
    hass: HomeAssistant, board: Board, entry: MockConfigEntry
) -> None:
    """What is no packet of a board changes nothing."""
    host, port, _interval = board.listener
    assert board._transport
    for packet in (b"\x17\x20" + bytes(10), b"\x17\x20", bytes(64)):
        board._transport.sendto(packet, (host, port))
    await wait_until(hass, lambda: entry.runtime_data.refused.total() == 3)
    # What somebody sends, fills no memory.
    assert len(entry.runtime_data.refused) == 1
