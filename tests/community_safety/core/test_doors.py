"""Fire: escape doors open, proven, and lock again only by a person; never for a drill."""

from collections.abc import AsyncGenerator
from dataclasses import replace
import time

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockUser,
    async_fire_time_changed,
)

from custom_components.community_safety.const import Severity
from custom_components.community_safety.core import doors, proving
from custom_components.community_safety.core.alarm import Report
from custom_components.community_safety.core.house import DATA_HOUSE
from custom_components.community_safety.gateways import contact
from custom_components.community_safety.gateways.uhppote import board as board_module
from custom_components.community_safety.open_alarms import ask_before_deletion
from homeassistant.core import Context, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import (
    area_registry as ar,
    device_registry as dr,
    entity_registry as er,
    floor_registry as fr,
)
from simulator.uhppote import (
    CONTROLLED,
    GET_EVENT,
    NORMALLY_CLOSED,
    NORMALLY_OPEN,
    SET_DOOR,
    Board,
    Fault,
)
from tests.common import Peer, wait_until
from tests.community_safety.gateways.uhppote.common import (
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


@pytest.fixture
async def board(socket_enabled: None) -> AsyncGenerator[Board]:
    """Return a board."""
    board = Board(clock=local_time)
    await board.start()
    yield board
    await board.stop()


@pytest.fixture
async def doors_entry(
    hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer, board: Board
) -> MockConfigEntry:
    """Return the doors of building 1, with a smoke sensor each there and in building 2."""
    for number in (1, 2):
        await peer.config(f"smoke-{number}", "smoke_sensor", ["smoke", "test"])
        await peer.state(f"smoke-{number}", smoke=False, test=False)
    entry = await add_boards(hass, board)
    floors, areas, devices = (
        fr.async_get(hass),
        ar.async_get(hass),
        dr.async_get(hass),
    )
    places = [
        areas.async_create(
            f"Hall {number}",
            floor_id=floors.async_create(f"Building {number}").floor_id,
        )
        for number in (1, 2)
    ]
    for device, place in (
        (gateway.runtime_data.devices["smoke-1"], places[0]),
        (gateway.runtime_data.devices["smoke-2"], places[1]),
        (device_of(hass, board), places[0]),
    ):
        devices.async_update_device(device.device_id, area_id=place.id)
    return entry


async def call(
    hass: HomeAssistant,
    board: Board,
    service: str,
    entity: tuple[str, str] = ("lock", "locked_1"),
    context: Context | None = None,
) -> None:
    """Call an action on an entity of the board."""
    await hass.services.async_call(
        entity[0],
        service,
        {"entity_id": entity_of(hass, board, *entity)},
        blocking=True,
        context=context,
    )


def modes(board: Board) -> list[int]:
    """Return the modes of all doors."""
    return [door.mode for door in board.doors]


async def refused(
    hass: HomeAssistant, board: Board, freezer: FrozenDateTimeFactory
) -> None:
    """Let time go by until it is an alarm that a door could not be opened.

    Nothing is under way by then: a question that was lost would never end, once time stands.
    """

    def done() -> bool:
        alarm = alarms_of(hass, board).get("refused_to_release")
        house = hass.data[DATA_HOUSE]
        return bool(
            alarm
            and alarm.present
            and not house.doors._running
            and not is_turning(hass, board)
        )

    async with Ticking(hass, freezer):
        await wait_until(hass, done)


def released(hass: HomeAssistant, board: Board) -> bool:
    """Return if all doors are shown to be open."""
    return all(
        state_of(hass, board, "lock", f"locked_{door}") == "unlocked"
        for door in range(1, 5)
    )


@pytest.mark.usefixtures("doors_entry")
async def test_a_fire_opens_the_doors_of_its_building(
    hass: HomeAssistant, board: Board, peer: Peer, hass_admin_user: object
) -> None:
    """Proven, written on the fire's timeline, and locked again only when a person does."""
    person = Context(user_id=hass_admin_user.id)  # type: ignore[attr-defined]
    await peer.state("smoke-1", smoke=True)
    await wait_until(hass, lambda: released(hass, board))
    assert modes(board) == [NORMALLY_OPEN] * 4
    assert board.relays == 0b1111
    assert state_of(hass, board, "binary_sensor", "released_on_fire") == "on"
    assert "refused_to_release" not in alarms_of(hass, board)
    (fire,) = [
        alarm
        for alarm in hass.data[DATA_HOUSE].book.open.values()
        if alarm.hazard == "smoke"
    ]
    told = [row["door"] for row in fire.timeline if row["what"] == "door_released"]
    assert sorted(told) == [f"Door controller {board.serial} {n}" for n in range(1, 5)]

    # While it burns nobody locks them.
    with pytest.raises(ServiceValidationError) as error:
        await call(hass, board, "lock", context=person)
    assert error.value.translation_key == "still_present"
    await peer.state("smoke-1", smoke=False)
    await peer.settled()
    assert modes(board) == [NORMALLY_OPEN] * 4
    # Afterwards no automation does.
    with pytest.raises(ServiceValidationError) as error:
        await call(hass, board, "lock")
    assert error.value.translation_key == "needs_person"
    await call(hass, board, "lock", context=person)
    assert modes(board) == [CONTROLLED, *[NORMALLY_OPEN] * 3]
    assert state_of(hass, board, "lock", "locked_1") == "locked"
    assert state_of(hass, board, "binary_sensor", "released_on_fire") == "on"
    assert fire.timeline[-1]["what"] == "door_locked"
    for door in (2, 3, 4):
        await call(hass, board, "lock", ("lock", f"locked_{door}"), person)
    assert state_of(hass, board, "binary_sensor", "released_on_fire") == "off"


@pytest.mark.usefixtures("doors_entry")
async def test_not_for_a_drill_nor_for_another_building(
    hass: HomeAssistant, board: Board, peer: Peer
) -> None:
    """A test of the sensor opens nothing, and neither does a fire elsewhere."""
    await peer.state("smoke-1", test=True)
    await peer.state("smoke-1", smoke=True)
    await peer.state("smoke-2", smoke=True)
    assert len(hass.data[DATA_HOUSE].book.open) == 2
    await peer.settled()
    assert SET_DOOR not in board.asked


@pytest.mark.usefixtures("doors_entry")
async def test_a_door_that_is_no_way_out(
    hass: HomeAssistant, board: Board, peer: Peer
) -> None:
    """A door that does not open on a fire stays locked, until somebody says otherwise."""
    switch = ("switch", "opens_on_fire_2")
    await call(hass, board, "turn_off", switch)
    assert state_of(hass, board, *switch) == "off"
    board.doors[2].mode = NORMALLY_CLOSED
    await peer.state("smoke-1", smoke=True)
    await wait_until(
        hass,
        lambda: (
            modes(board) == [NORMALLY_OPEN, CONTROLLED, NORMALLY_OPEN, NORMALLY_OPEN]
        ),
    )
    await call(hass, board, "turn_on", switch)
    await wait_until(hass, lambda: released(hass, board))


@pytest.mark.usefixtures("doors_entry")
@pytest.mark.parametrize("fault", [Fault.STUCK, Fault.OBSTINATE])
async def test_not_released(
    hass: HomeAssistant,
    board: Board,
    peer: Peer,
    fault: Fault,
    freezer: FrozenDateTimeFactory,
) -> None:
    """What is not proven is an alarm, and is tried until it is."""
    board.faults.add(fault)
    await peer.state("smoke-1", smoke=True)
    await refused(hass, board, freezer)
    assert alarms_of(hass, board)["refused_to_release"].severity is Severity.ALARM
    board.faults.clear()
    await pass_time(hass, freezer, doors.RETRY_SECONDS + 1)
    await wait_until(hass, lambda: released(hass, board))
    await wait_until(
        hass, lambda: not alarms_of(hass, board)["refused_to_release"].present
    )


@pytest.mark.usefixtures("doors_entry")
async def test_offline_in_a_fire(
    hass: HomeAssistant, board: Board, peer: Peer, freezer: FrozenDateTimeFactory
) -> None:
    """A controller opens with the first thing that is heard of it, and waits for no timer."""
    board.faults.add(Fault.OFFLINE)
    await peer.state("smoke-1", smoke=True)
    await refused(hass, board, freezer)
    board.faults.clear()
    board.push()
    await wait_until(hass, lambda: released(hass, board))


@pytest.mark.usefixtures("doors_entry")
async def test_heard_while_it_is_told_in_vain(
    hass: HomeAssistant, board: Board, peer: Peer, freezer: FrozenDateTimeFactory
) -> None:
    """A controller that may have come back behind the last order is told again at once."""
    device = device_of(hass, board)
    await pass_time(hass, freezer, 1)
    board.lose = never = 10**6
    await peer.state("smoke-1", smoke=True)
    await wait_until(hass, lambda: board.lose < never)
    board.push()
    await wait_until(hass, lambda: device.last_seen == time.monotonic())
    async with Ticking(hass, freezer):
        await wait_until(hass, lambda: "refused_to_release" in alarms_of(hass, board))
    board.lose = 0
    since = time.monotonic()
    async with Ticking(hass, freezer):
        await wait_until(hass, lambda: released(hass, board))
    assert time.monotonic() - since < doors.RETRY_SECONDS


@pytest.mark.usefixtures("doors_entry")
async def test_due_again_as_a_try_ends(
    hass: HomeAssistant, board: Board, peer: Peer, freezer: FrozenDateTimeFactory
) -> None:
    """The next try is not taken for the one that has just ended, and lost."""
    for door in (2, 3, 4):
        await call(hass, board, "turn_off", ("switch", f"opens_on_fire_{door}"))
    told_again: list[bool] = []
    running = hass.data[DATA_HOUSE].doors._running

    @callback
    def burn() -> None:
        # In each turn of the loop, and so before what is called when the try is done.
        if not any(task.done() for task in running.values()):
            hass.loop.call_soon(burn)
            return
        board.lose = 0
        freezer.tick(doors.RETRY_SECONDS + 1)
        async_fire_time_changed(hass)
        told_again.append(not any(task.done() for task in running.values()))

    board.lose = 10**6
    await peer.state("smoke-1", smoke=True)
    hass.loop.call_soon(burn)
    async with Ticking(hass, freezer):
        await wait_until(
            hass, lambda: state_of(hass, board, "lock", "locked_1") == "unlocked"
        )
    assert told_again == [True]


@pytest.mark.usefixtures("doors_entry")
async def test_known_to_be_offline_in_a_fire(
    hass: HomeAssistant, board: Board, peer: Peer, freezer: FrozenDateTimeFactory
) -> None:
    """A controller that was away before the fire opens as soon as it answers again."""
    board.faults.add(Fault.OFFLINE)
    await pass_time(hass, freezer, contact.ASK_SECONDS + 1)
    async with Ticking(hass, freezer):
        await wait_until(hass, lambda: not device_of(hass, board).available)
    await peer.state("smoke-1", smoke=True)
    await refused(hass, board, freezer)
    board.faults.clear()
    await pass_time(hass, freezer, contact.RETRY_SECONDS + 1)
    await wait_until(hass, lambda: released(hass, board))


@pytest.mark.usefixtures("doors_entry")
async def test_somebody_else_locks(
    hass: HomeAssistant, board: Board, peer: Peer
) -> None:
    """The vendor's tool is no person who has looked: the door is opened again.

    Also while thousands of events are fetched: doors do not wait for these.
    """
    await peer.state("smoke-1", smoke=True)
    await wait_until(hass, lambda: released(hass, board))
    await peer.state("smoke-1", smoke=False)
    board.faults.add(Fault.MUTE)
    for number in range(200):
        board.swipe(number + 1)
    board.faults.clear()
    board.asked.clear()

    def asked(_function: int) -> None:
        if board.asked.count(GET_EVENT) == 20 and SET_DOOR not in board.asked:
            board.doors[1].mode = CONTROLLED
            board.push()

    board.on_asked = asked
    board.push()
    await wait_until(hass, lambda: SET_DOOR in board.asked)
    await wait_until(hass, lambda: board.asked.count(GET_EVENT) >= 200)
    assert board.doors[1].mode == NORMALLY_OPEN
    assert board.asked[: board.asked.index(SET_DOOR)].count(GET_EVENT) < 100


@pytest.mark.usefixtures("doors_entry")
async def test_one_more_fire(hass: HomeAssistant, board: Board, peer: Peer) -> None:
    """It opens what somebody has locked since the first one, and is kept with it."""
    await peer.state("smoke-1", smoke=True)
    await wait_until(hass, lambda: released(hass, board))
    board.doors[1].mode = CONTROLLED
    await peer.config("smoke-3", "smoke_sensor", ["smoke", "test"])
    await peer.state("smoke-3", smoke=True)
    await wait_until(hass, lambda: board.doors[1].mode == NORMALLY_OPEN)
    house = hass.data[DATA_HOUSE]
    fires = [row for row in house.book.open.values() if row.hazard == "smoke"]
    assert len(fires) == 2
    for release in house.doors._releases.values():
        assert set(release.alarms) == {fire.id for fire in fires}

    def told() -> list[int]:
        return [
            sum(row["what"] == "door_released" for row in fire.timeline)
            for fire in fires
        ]

    # Each is told of each door, once: hundreds of fires come at the same moment.
    await wait_until(hass, lambda: all(count >= 4 for count in told()))
    await peer.settled()
    assert told() == [4, 4]


@pytest.mark.usefixtures("doors_entry")
async def test_a_lock_with_an_area_of_its_own(
    hass: HomeAssistant, board: Board, peer: Peer, hass_admin_user: MockUser
) -> None:
    """A board may have doors in two buildings: each opens with its own, and is locked so."""
    hall = ar.async_get(hass).async_get_area_by_name("Hall 2")
    assert hall
    er.async_get(hass).async_update_entity(
        entity_of(hass, board, "lock", "locked_1"), area_id=hall.id
    )
    await peer.state("smoke-2", smoke=True)
    await wait_until(hass, lambda: board.doors[0].mode == NORMALLY_OPEN)
    await peer.settled()
    assert modes(board) == [NORMALLY_OPEN, *[CONTROLLED] * 3]
    person = Context(user_id=hass_admin_user.id)
    with pytest.raises(ServiceValidationError):
        await call(hass, board, "lock", context=person)
    await peer.state("smoke-2", smoke=False)
    await peer.state("smoke-1", smoke=True)
    await wait_until(hass, lambda: released(hass, board))
    # It burns, but not there.
    await call(hass, board, "lock", context=person)
    assert modes(board) == [CONTROLLED, *[NORMALLY_OPEN] * 3]


@pytest.mark.usefixtures("doors_entry")
async def test_a_doubted_reading_opens_nothing(
    hass: HomeAssistant, board: Board, peer: Peer, gateway: MockConfigEntry
) -> None:
    """What other readings contradict is a warning: doors open once it is an alarm."""
    device = gateway.runtime_data.devices["smoke-1"]
    fire = Report(
        device=device.uid,
        device_id=device.device_id,
        device_name="Smoke",
        hazard="smoke",
        severity=Severity.WARNING,
    )
    book = hass.data[DATA_HOUSE].book
    book.report(fire)
    await peer.settled()
    assert SET_DOOR not in board.asked
    book.report(replace(fire, severity=Severity.ALARM))
    await wait_until(hass, lambda: released(hass, board))


async def test_a_fire_while_its_gateway_is_not_loaded(
    hass: HomeAssistant,
    board: Board,
    peer: Peer,
    doors_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """That nothing can be opened is an alarm; it is opened when the gateway is loaded."""
    assert await hass.config_entries.async_unload(doors_entry.entry_id)
    await peer.state("smoke-1", smoke=True)
    await refused(hass, board, freezer)
    assert modes(board) == [CONTROLLED] * 4
    await peer.state("smoke-1", smoke=False)
    await peer.settled()
    async with Ticking(hass, freezer):
        assert await hass.config_entries.async_setup(doors_entry.entry_id)
        await wait_until(hass, lambda: released(hass, board))
        await wait_until(
            hass, lambda: not alarms_of(hass, board)["refused_to_release"].present
        )


async def test_not_released_and_restarted(
    hass: HomeAssistant,
    board: Board,
    peer: Peer,
    doors_entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """The alarm for what is not proven ends with the proof, and not with a restart."""
    board.faults.add(Fault.OBSTINATE)
    await peer.state("smoke-1", smoke=True)
    await refused(hass, board, freezer)
    alarm = alarms_of(hass, board)["refused_to_release"]
    await hass.config_entries.async_reload(doors_entry.entry_id)
    await heard(hass, board)
    await hass.async_block_till_done()
    assert alarm.present
    assert "cleared" not in [row["what"] for row in alarm.timeline]
    board.faults.clear()
    async with Ticking(hass, freezer):
        await wait_until(hass, lambda: not alarm.present)
    assert modes(board) == [NORMALLY_OPEN] * 4


@pytest.mark.usefixtures("doors_entry")
async def test_a_door_that_is_not_locked_stays_released(
    hass: HomeAssistant,
    board: Board,
    peer: Peer,
    hass_admin_user: MockUser,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Nobody is told that it is locked, nor is it forgotten, until the board shows it."""
    person = Context(user_id=hass_admin_user.id)
    await peer.state("smoke-1", smoke=True)
    await wait_until(hass, lambda: released(hass, board))
    await peer.state("smoke-1", smoke=False)
    await peer.settled()
    house = hass.data[DATA_HOUSE]
    (fire,) = house.book.open.values()
    board.faults.add(Fault.OBSTINATE)
    with pytest.raises(HomeAssistantError) as error:
        async with Ticking(hass, freezer):
            await call(hass, board, "lock", context=person)
    assert error.value.translation_key == "lock_unproven"
    assert "door_locked" not in [row["what"] for row in fire.timeline]
    with pytest.raises(ServiceValidationError):
        await call(hass, board, "lock")
    uid = device_of(hass, board).uid
    assert len(list(house.doors.released())) == 4
    board.faults.clear()
    await call(hass, board, "lock", context=person)
    assert fire.timeline[-1]["what"] == "door_locked"

    # Of the others, who deletes the controller is told.
    with pytest.raises(HomeAssistantError) as error:
        ask_before_deletion(hass, house, uid)
    assert error.value.translation_placeholders
    assert error.value.translation_placeholders["what"].split(", ") == [
        f"Door controller {board.serial} {number} was opened for a fire"
        for number in (2, 3, 4)
    ]


@pytest.mark.usefixtures("doors_entry")
async def test_while_it_cannot_be_read_what_was_released(
    hass: HomeAssistant, board: Board, peer: Peer, hass_admin_user: MockUser
) -> None:
    """Each door may have been opened for a fire: no automation locks one."""
    house = hass.data[DATA_HOUSE]
    person = Context(user_id=hass_admin_user.id)
    await call(hass, board, "unlock")
    house.storage.unread.add("releases")
    with pytest.raises(ServiceValidationError) as error:
        await call(hass, board, "lock")
    assert error.value.translation_key == "needs_person"
    await call(hass, board, "lock", context=person)
    assert modes(board) == [CONTROLLED] * 4
    # Nor does anybody while it burns, whatever is known of it.
    await peer.state("smoke-1", smoke=True)
    await wait_until(hass, lambda: released(hass, board))
    house.doors._releases.clear()
    with pytest.raises(ServiceValidationError) as error:
        await call(hass, board, "lock", context=person)
    assert error.value.translation_key == "still_present"


async def test_after_a_restart(
    hass: HomeAssistant, board: Board, peer: Peer, doors_entry: MockConfigEntry
) -> None:
    """What a fire has opened stays so over a reload, and is proven anew."""
    await peer.state("smoke-1", smoke=True)
    await wait_until(hass, lambda: released(hass, board))
    await peer.state("smoke-1", smoke=False)
    device_uid = device_of(hass, board).uid
    assert await hass.config_entries.async_unload(doors_entry.entry_id)
    board.doors[0].mode = CONTROLLED
    house = hass.data[DATA_HOUSE]
    storage = house.storage
    await wait_until(hass, lambda: not storage.is_busy)
    rows = await storage._async_run(lambda: storage._living("releases"))
    assert rows.keys() == house.doors._releases.keys()
    house.doors._releases.clear()
    # Of one that is damaged it is known that it was opened.
    damaged = f"{device_uid}/locked_1"
    house.doors.restore({**rows, damaged: {}, "of another shape": {}})
    assert await hass.config_entries.async_setup(doors_entry.entry_id)
    await heard(hass, board)
    await wait_until(hass, lambda: modes(board) == [NORMALLY_OPEN] * 4)
    assert state_of(hass, board, "binary_sensor", "released_on_fire") == "on"
    with pytest.raises(ServiceValidationError):
        await call(hass, board, "lock")


async def test_a_deleted_controller_is_forgotten(
    hass: HomeAssistant, board: Board, peer: Peer, doors_entry: MockConfigEntry
) -> None:
    """With its controller a release is gone."""
    await peer.state("smoke-1", smoke=True)
    await wait_until(hass, lambda: released(hass, board))
    house = hass.data[DATA_HOUSE]
    device = device_of(hass, board)
    doors_entry.runtime_data.remove_device(device.description.id)
    assert house.doors._releases == {}


@pytest.mark.usefixtures("doors_entry")
async def test_a_fire_overtakes_a_lock(
    hass: HomeAssistant, board: Board, peer: Peer
) -> None:
    """A door that is being locked when a fire breaks out is opened."""
    await call(hass, board, "unlock")
    locking = hass.async_create_task(call(hass, board, "lock"))
    await peer.state("smoke-1", smoke=True)
    await wait_until(hass, locking.done)
    locking.exception()
    await wait_until(hass, lambda: released(hass, board))
