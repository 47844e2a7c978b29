"""What the panel is told of doors, and what it has them do: with a board that speaks."""

from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.community_safety.core import doors, proving
from custom_components.community_safety.core.authority import Action
from custom_components.community_safety.core.house import DATA_HOUSE
from custom_components.community_safety.gateways.uhppote import board as board_module
from custom_components.community_safety.websocket import devices, stream
from custom_components.community_safety.websocket.doors import DoorFeed
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import Unauthorized
from homeassistant.helpers import (
    area_registry as ar,
    device_registry as dr,
    entity_registry as er,
    floor_registry as fr,
)
from homeassistant.util import dt as dt_util
from simulator.uhppote import CONTROLLED, NORMALLY_OPEN, Board, Fault
from tests.common import BASE, Peer, wait_until
from tests.community_safety.gateways.uhppote.common import (
    UID,
    add_boards,
    device_of,
    entity_of,
    local_time,
)

from .test_authority import Register, offer
from .test_websocket import Panel


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait long for what cannot be proven, and let changes be told at once."""
    monkeypatch.setattr(board_module, "ANSWER_SECONDS", 0.3)
    monkeypatch.setattr(doors, "TRY_SECONDS", 0.5)
    monkeypatch.setattr(doors, "DEADLINE_SECONDS", 1.0)
    monkeypatch.setattr(proving, "ASK_SECONDS", 0.3)
    monkeypatch.setattr(devices, "GATHER_SECONDS", 0.02)


@pytest.fixture
async def board(socket_enabled: None) -> AsyncGenerator[Board]:
    """Return a board for four doors."""
    board = Board(clock=local_time)
    await board.start()
    yield board
    await board.stop()


@pytest.fixture
async def building(
    hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer, board: Board
) -> MockConfigEntry:
    """Return the doors of a building with a smoke sensor."""
    await peer.config("smoke-1", "smoke_sensor", ["smoke"])
    await peer.state("smoke-1", smoke=False)
    entry = await add_boards(hass, board)
    floor = fr.async_get(hass).async_create("Building 1").floor_id
    area = ar.async_get(hass).async_create("Hall", floor_id=floor)
    for device in (gateway.runtime_data.devices["smoke-1"], device_of(hass, board)):
        dr.async_get(hass).async_update_device(device.device_id, area_id=area.id)
    return entry


@pytest.fixture
async def panel(
    hass: HomeAssistant, building: MockConfigEntry, hass_ws_client: WebSocketGenerator
) -> Panel:
    """Return the panel of an administrator."""
    return Panel(await hass_ws_client(hass))


@pytest.fixture
async def police(
    hass: HomeAssistant,
    building: MockConfigEntry,
    hass_ws_client: WebSocketGenerator,
    hass_read_only_access_token: str,
) -> Panel:
    """Return the panel of who may read, and nothing else."""
    return Panel(await hass_ws_client(hass, hass_read_only_access_token))


def door_id(board: Board, door: int = 1) -> str:
    """Return the id of a door."""
    return f"{UID}/{board.serial}/locked_{door}"


async def shown(panel: Panel, board: Board) -> dict[str, Any]:
    """Subscribe; return the first door as it is shown."""
    rows = (await panel.subscribes("subscribe_doors"))["doors"]
    return next(row for row in rows if row["door_id"] == door_id(board))


async def becomes(
    panel: Panel, board: Board, state: str, door: int = 1
) -> dict[str, Any]:
    """Return a door as it is shown once it stands so."""

    def found(message: dict[str, Any]) -> list[dict[str, Any]]:
        return [
            row
            for row in message["doors"]
            if (row["door_id"], row["state"]) == (door_id(board, door), state)
        ]

    return found(await panel.hears("change", lambda message: bool(found(message))))[0]


async def orders(panel: Panel, board: Board) -> list[dict[str, Any]]:
    """Return what was ordered of the first door, without times."""
    answer = await panel.does("door_orders", door_id=door_id(board))
    return [
        {key: row[key] for key in row if key not in ("at", "who")}
        for row in answer["orders"]
    ]


async def test_snapshot(hass: HomeAssistant, board: Board, panel: Panel) -> None:
    """Each door with its place, how it stands, and what may be done."""
    assert (await panel.does("session"))["doors"] is True
    snapshot = await panel.subscribes("subscribe_doors")
    assert [row["channel"] for row in snapshot["doors"]] == ["1", "2", "3", "4"]
    assert snapshot["doors"][0] == {
        "door_id": door_id(board),
        "device_id": device_of(hass, board).device_id,
        "entity_id": entity_of(hass, board, "lock", "locked_1"),
        "kind": "door_controller",
        "name": device_of(hass, board).name,
        "own_name": None,
        "channel": "1",
        "is_only": False,
        "area_id": "hall",
        "state": "locked",
        "connected": True,
        "opens_on_fire": True,
        "released_at": None,
        # Nobody has said what is to be in its list: it was not read.
        "credentials": None,
        "hazards": [],
        "may": {"open": None, "unlock": None},
    }


async def test_orders(board: Board, panel: Panel) -> None:
    """A door is opened, held open and locked by a person who says why; all of it is kept."""
    await shown(panel, board)
    await panel.does(
        "order_door", door_id=door_id(board), order="open", reason="visitor"
    )
    assert board.doors[0].mode == CONTROLLED
    assert board.relays & 1
    await panel.does(
        "order_door",
        door_id=door_id(board),
        order="unlock",
        reason="other",
        comment="A piano is coming",
    )
    assert board.doors[0].mode == NORMALLY_OPEN
    assert (await becomes(panel, board, "unlocked"))["may"] == {"lock": None}
    await panel.does(
        "order_door", door_id=door_id(board), order="lock", checked="camera"
    )
    await becomes(panel, board, "locked")
    assert board.doors[0].mode == CONTROLLED
    assert await orders(panel, board) == [
        {"order": "lock", "why": "camera", "proven": True, "comment": None},
        {
            "order": "unlock",
            "why": "other",
            "proven": True,
            "comment": "A piano is coming",
        },
        {"order": "open", "why": "visitor", "proven": True, "comment": None},
    ]
    answer = await panel.does("door_orders", door_id=door_id(board))
    assert set(answer["names"]) == {row["who"] for row in answer["orders"]}
    assert (await panel.does("door_orders", door_id=door_id(board, 2)))["orders"] == []
    # The log of the day has them too, in order and with who it was.
    day = dt_util.as_local(dt_util.utc_from_timestamp(answer["orders"][0]["at"])).date()
    log = await panel.does("day", day=str(day), after=["orders", 0, ""])
    assert [row["order"] for row in log["orders"]] == ["open", "unlock", "lock"]
    (who,) = set(answer["names"])
    assert {(row["who"], row["area_id"], row["channel"]) for row in log["orders"]} == {
        (who, "hall", "1")
    }
    assert (log["names"], log["next"]) == (answer["names"], None)


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ({"order": "open"}, "Invalid: reason"),
        ({"order": "lock"}, "Invalid: checked"),
        ({"order": "lock", "reason": "visitor"}, "Invalid: checked"),
        ({"order": "open", "checked": "phone"}, "Invalid: reason"),
        ({"order": "blow up", "reason": "visitor"}, "Invalid: order"),
        ({"order": "open", "reason": "other"}, "comment_needed"),
        ({"order": "open", "reason": "other", "comment": "tea"}, "comment_needed"),
    ],
)
async def test_without_a_reason(
    board: Board, panel: Panel, message: dict[str, Any], error: str
) -> None:
    """Who does not say why opens nothing, and nothing is written."""
    answer = await panel.ask("order_door", door_id=door_id(board), **message)
    assert error in (answer["error"].get("translation_key"), answer["error"]["message"])
    assert not board.relays
    assert await orders(panel, board) == []


async def test_a_door_that_is_none(board: Board, panel: Panel) -> None:
    """What was deleted, and what is no door, is said."""
    for command, more in (
        ("order_door", {"order": "open", "reason": "visitor"}),
        ("door_orders", {}),
    ):
        answer = await panel.ask(command, door_id=f"{UID}/1/locked_1", **more)
        assert answer["error"]["translation_key"] == "no_such_door"


async def test_not_proven(
    hass: HomeAssistant,
    board: Board,
    panel: Panel,
    building: MockConfigEntry,
) -> None:
    """A board that does not do it is an error and kept as one; one that is away is unknown."""
    await shown(panel, board)
    board.faults.add(Fault.OBSTINATE)
    answer = await panel.ask(
        "order_door", door_id=door_id(board), order="unlock", reason="emergency"
    )
    assert answer["error"]["translation_key"] == "release_unproven"
    assert [row["proven"] for row in await orders(panel, board)] == [False]
    await hass.config_entries.async_unload(building.entry_id)
    row = await becomes(panel, board, "unknown")
    assert row["connected"] is False
    assert row["may"] == {"unlock": "not_connected", "lock": "not_connected"}
    answer = await panel.ask(
        "order_door", door_id=door_id(board), order="lock", checked="phone"
    )
    assert answer["error"]["translation_key"] == "not_connected"
    # Nothing was ordered.
    assert len(await orders(panel, board)) == 1
    # It comes back, and is known again.
    await hass.config_entries.async_setup(building.entry_id)
    await becomes(panel, board, "locked")


async def test_silent(hass: HomeAssistant, board: Board, panel: Panel) -> None:
    """What a board has said before it fell silent is not how its doors stand."""
    await shown(panel, board)
    device = device_of(hass, board)
    assert device.readings["locked_1"] is True
    device.set_available(False)
    assert (await becomes(panel, board, "unknown"))["connected"] is False


async def test_a_full_disk(
    hass: HomeAssistant, board: Board, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits before a shut door for a disk that takes nothing; it is written later."""
    storage = hass.data[DATA_HOUSE].storage
    commit = storage._commit

    def full(_batch: Any) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(storage, "_commit", full)
    await panel.does(
        "order_door", door_id=door_id(board), order="unlock", reason="resident"
    )
    assert board.doors[0].mode == NORMALLY_OPEN
    assert storage.trouble
    monkeypatch.setattr(storage, "_commit", commit)
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=6))
    await wait_until(hass, lambda: not storage.is_busy)
    assert [row["proven"] for row in await orders(panel, board)] == [True]


async def test_fire(
    hass: HomeAssistant, board: Board, panel: Panel, peer: Peer
) -> None:
    """Open and proven; locked by nobody before it is over, and then by a person alone."""
    await shown(panel, board)
    await peer.state("smoke-1", smoke=True)
    row = await becomes(panel, board, "released")
    assert row["released_at"] is not None
    assert row["may"] == {"lock": "still_present"}
    answer = await panel.ask(
        "order_door", door_id=door_id(board), order="lock", checked="on_site"
    )
    assert answer["error"]["translation_key"] == "still_present"
    assert board.doors[0].mode == NORMALLY_OPEN
    await peer.state("smoke-1", smoke=False)
    await panel.hears(
        "change",
        lambda message: all(row["may"]["lock"] is None for row in message["doors"]),
    )
    await panel.does(
        "order_door", door_id=door_id(board), order="lock", checked="on_site"
    )
    row = await becomes(panel, board, "locked")
    assert row["released_at"] is None
    # The others wait for their person.
    assert board.doors[1].mode == NORMALLY_OPEN


async def test_a_fire_that_opens_nothing(
    board: Board, panel: Panel, peer: Peer
) -> None:
    """What is not proven open is shown as that, and never as open."""
    await shown(panel, board)
    board.faults.add(Fault.OBSTINATE)
    await peer.state("smoke-1", smoke=True)
    row = await becomes(panel, board, "unreleased")
    assert "refused_to_release" in row["hazards"] or (
        "refused_to_release"
        in (
            await panel.hears(
                "change",
                lambda message: any(row["hazards"] for row in message["doors"]),
            )
        )["doors"][0]["hazards"]
    )


async def test_what_happens_at_a_door(
    hass: HomeAssistant, board: Board, panel: Panel
) -> None:
    """Somebody goes through; stands in it for too long; breaks it open."""
    await shown(panel, board)
    device = device_of(hass, board)
    device.settings.limits["longest_open"] = 0.2
    board.open()
    await becomes(panel, board, "held_open")
    board.shut()
    await becomes(panel, board, "locked")
    board.open(door=2, forced=True)
    await becomes(panel, board, "forced", door=2)


async def test_who_may_what(
    hass: HomeAssistant, board: Board, panel: Panel, police: Panel
) -> None:
    """Who may read sees doors and no words of others; who may not, neither opens nor locks."""
    row = await shown(police, board)
    assert row["may"] == {}
    answer = await police.ask(
        "order_door", door_id=door_id(board), order="open", reason="visitor"
    )
    assert answer["error"]["code"] == "unauthorized"
    assert not board.relays
    register = Register()
    register.rights = {
        user.id: {Action.OPEN_DOOR: ["hall"]}
        for user in await hass.auth.async_get_users()
    }
    await offer(hass, register)
    await panel.does(
        "order_door",
        door_id=door_id(board),
        order="open",
        reason="other",
        comment="Words of one",
    )
    # Their own words are no secret to them; to others they are.
    (own,) = await orders(panel, board)
    assert own["comment"] == "Words of one"
    answer = await police.does("door_orders", door_id=door_id(board))
    assert "comment" not in answer["orders"][0]
    assert answer["names"] == {}
    row = await shown(panel, board)
    assert row["may"] == {"open": None, "unlock": None}
    register.object_to = lambda request: Unauthorized(context=request.context)
    answer = await panel.ask(
        "order_door", door_id=door_id(board), order="open", reason="visitor"
    )
    assert answer["error"]["code"] == "unauthorized"
    assert len(await orders(panel, board)) == 1


async def test_a_look_that_fails(
    hass: HomeAssistant,
    board: Board,
    panel: Panel,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A door that could not be shown is shown soon after, and not at its next change."""
    await shown(panel, board)
    row_of, failed = DoorFeed._row, False

    def fails(*arguments: Any) -> dict[str, Any]:
        nonlocal failed
        if not failed:
            failed = True
            raise RuntimeError("not now")
        return row_of(*arguments)

    monkeypatch.setattr(DoorFeed, "_row", fails)
    board.open(door=2, forced=True)
    await wait_until(hass, lambda: "not now" in caplog.text)
    later = dt_util.utcnow() + timedelta(seconds=stream.BEAT_SECONDS + 1)
    async_fire_time_changed(hass, later)
    await becomes(panel, board, "forced", door=2)


async def test_lets_nobody_in(
    hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer, panel: Panel
) -> None:
    """A door that cannot let in one by one is not told to, whoever asks."""
    told: list[Any] = []
    peer.answer(f"{BASE}/door", told.append)
    await peer.config("door", "door_controller", ["locked_1"])
    await peer.state("door", locked_1=True)
    answer = await panel.ask(
        "order_door",
        door_id=f"mqtt/{BASE}/door/locked_1",
        order="open",
        reason="visitor",
    )
    assert answer["error"]["translation_key"] == "nothing_in_target"
    assert told == []


async def test_names_and_ends(
    hass: HomeAssistant, board: Board, panel: Panel, building: MockConfigEntry
) -> None:
    """A door has an area of its own; one that was deleted is gone."""
    await shown(panel, board)
    er.async_get(hass).async_update_entity(
        entity_of(hass, board, "lock", "locked_1"),
        area_id=ar.async_get(hass).async_create("Gate").id,
    )
    message = await panel.hears(
        "change",
        lambda message: any(row["area_id"] == "gate" for row in message["doors"]),
    )
    assert len(message["doors"]) == 1
    await hass.config_entries.async_remove(building.entry_id)
    gone = await panel.hears("change", lambda message: len(message["gone"]) == 4)
    assert door_id(board) in gone["gone"]
    assert (await panel.does("session"))["doors"] is False
