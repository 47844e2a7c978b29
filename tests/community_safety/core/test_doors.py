"""Fire: escape doors open, proven, and lock again only by a person; never for a drill."""

from collections.abc import AsyncGenerator

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.community_safety.const import Severity
from custom_components.community_safety.core import doors, proving
from custom_components.community_safety.core.house import DATA_HOUSE
from custom_components.community_safety.gateways.uhppote import board as board_module
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import (
    area_registry as ar,
    device_registry as dr,
    floor_registry as fr,
)
from simulator.uhppote import (
    CONTROLLED,
    NORMALLY_CLOSED,
    NORMALLY_OPEN,
    SET_DOOR,
    Board,
    Fault,
)
from tests.common import Peer, wait_until
from tests.community_safety.gateways.uhppote.common import (
    add_boards,
    alarms_of,
    device_of,
    entity_of,
    heard,
    local_time,
    state_of,
)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait long for what cannot be proven."""
    monkeypatch.setattr(board_module, "ANSWER_SECONDS", 0.3)
    monkeypatch.setattr(doors, "TRY_SECONDS", 0.5)
    monkeypatch.setattr(doors, "DEADLINE_SECONDS", 1.0)
    monkeypatch.setattr(doors, "RETRY_SECONDS", 0.5)
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
    hass: HomeAssistant, board: Board, peer: Peer, fault: Fault
) -> None:
    """What is not proven is an alarm, and is tried until it is."""
    board.faults.add(fault)
    await peer.state("smoke-1", smoke=True)
    await wait_until(hass, lambda: "refused_to_release" in alarms_of(hass, board))
    assert alarms_of(hass, board)["refused_to_release"].severity is Severity.ALARM
    board.faults.clear()
    await wait_until(hass, lambda: released(hass, board))
    await wait_until(
        hass, lambda: not alarms_of(hass, board)["refused_to_release"].present
    )


@pytest.mark.usefixtures("doors_entry")
async def test_offline_in_a_fire(
    hass: HomeAssistant, board: Board, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A controller that comes back late opens late."""
    board.faults.add(Fault.OFFLINE)
    await peer.state("smoke-1", smoke=True)
    await wait_until(hass, lambda: "refused_to_release" in alarms_of(hass, board))
    board.faults.clear()
    await wait_until(hass, lambda: modes(board) == [NORMALLY_OPEN] * 4)


@pytest.mark.usefixtures("doors_entry")
async def test_somebody_else_locks(
    hass: HomeAssistant, board: Board, peer: Peer, freezer: FrozenDateTimeFactory
) -> None:
    """The vendor's tool is no person who has looked: the door is opened again."""
    await peer.state("smoke-1", smoke=True)
    await wait_until(hass, lambda: released(hass, board))
    await peer.state("smoke-1", smoke=False)
    board.doors[1].mode = CONTROLLED
    freezer.tick(61)
    async_fire_time_changed(hass)
    await wait_until(hass, lambda: board.doors[1].mode == NORMALLY_OPEN)


async def test_after_a_restart(
    hass: HomeAssistant, board: Board, peer: Peer, doors_entry: MockConfigEntry
) -> None:
    """What a fire has opened stays so over a reload, and is proven anew."""
    await peer.state("smoke-1", smoke=True)
    await wait_until(hass, lambda: released(hass, board))
    await peer.state("smoke-1", smoke=False)
    assert await hass.config_entries.async_unload(doors_entry.entry_id)
    board.doors[0].mode = CONTROLLED
    house = hass.data[DATA_HOUSE]
    rows = {
        lock: {"at": row.at, "alarms": row.alarms}
        for lock, row in house.doors._releases.items()
    }
    house.doors._releases.clear()
    house.doors.restore({**rows, "of another shape": {}})
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
