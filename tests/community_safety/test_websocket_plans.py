"""Pictures of buildings: who may see and who may set them, over the real websocket."""

import base64
import threading
from typing import Any
from unittest.mock import patch

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.community_safety.const import DOMAIN
from custom_components.community_safety.core.authority import Action
from custom_components.community_safety.plans import DATA_PLANS, MOST_PICTURE, VERSION
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import Unauthorized
from homeassistant.helpers import area_registry as ar, floor_registry as fr
from homeassistant.helpers.storage import Store

from .test_authority import Register, offer
from .test_websocket import Panel

PNG = b"\x89PNG\r\n\x1a\n and so on"


def picture(data: bytes = PNG, kind: str = "image/png") -> str:
    """Return a picture as a page sends it."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


@pytest.fixture
def building(hass: HomeAssistant, gateway: MockConfigEntry) -> str:
    """Return a building with a flat; there is another without."""
    floors, areas = fr.async_get(hass), ar.async_get(hass)
    floor = floors.async_create("Building 1")
    areas.async_create("1-1-201", floor_id=floor.floor_id)
    areas.async_create("Shed")
    floors.async_create("Building 2")
    return floor.floor_id


@pytest.fixture
async def panel(
    hass: HomeAssistant, building: str, hass_ws_client: WebSocketGenerator
) -> Panel:
    """Return the panel of an administrator."""
    return Panel(await hass_ws_client(hass))


@pytest.fixture
async def police(
    hass: HomeAssistant,
    building: str,
    hass_ws_client: WebSocketGenerator,
    hass_read_only_access_token: str,
) -> Panel:
    """Return the panel of who may read, and nothing else."""
    return Panel(await hass_ws_client(hass, hass_read_only_access_token))


def plan(**more: Any) -> dict[str, Any]:
    """Return a plan that is right."""
    return {"picture": picture(), "pins": {"1_1_201": [12.5, 80]}, **more}


async def test_there_and_gone(building: str, panel: Panel, police: Panel) -> None:
    """It is kept, everybody who sees the house sees it, and it is gone when one says so."""
    floor = {"floor_id": building}
    nowhere = {"positions": {}}
    assert await panel.does("plans") == {"plans": [], "may": [building], **nowhere}
    assert await panel.does("plan", **floor) is None
    await panel.does("set_plan", **floor, plan=plan())
    assert await police.does("plans") == {"plans": [building], "may": [], **nowhere}
    assert await police.does("plan", **floor) == plan()
    await panel.does("set_plan", **floor, plan=None)
    assert await panel.does("plans") == {"plans": [], "may": [building], **nowhere}


@pytest.mark.parametrize(
    ("wrong", "key"),
    [
        ({"picture": picture(b"<svg onload='x'>", "image/svg+xml")}, "plan_unreadable"),
        # It is no picture, whatever it is called.
        ({"picture": picture(b"<svg onload='x'>")}, "plan_unreadable"),
        ({"picture": "data:image/png;base64,%%%"}, "plan_unreadable"),
        ({"picture": "/etc/passwd"}, "plan_unreadable"),
        ({"picture": picture(PNG + bytes(MOST_PICTURE))}, "plan_unreadable"),
        ({"pins": {"shed": [1, 1]}}, "nothing_in_target"),
        ({"pins": {"1_1_201": [1, 101]}}, None),
        ({"pins": {"1_1_201": [1]}}, None),
    ],
)
async def test_not_like_this(
    building: str, panel: Panel, wrong: dict[str, Any], key: str | None
) -> None:
    """Nothing is kept of what is no plan of this building."""
    if len(str(wrong)) > MOST_PICTURE:
        # Else Home Assistant itself ends the connection.
        wrong = {"picture": wrong["picture"][: MOST_PICTURE + 4]}
    answer = await panel.ask("set_plan", floor_id=building, plan=plan(**wrong))
    assert answer["error"].get("translation_key") == key
    assert (await panel.does("plans"))["plans"] == []


@pytest.mark.parametrize("floor", ["nowhere", "../auth", ""])
async def test_no_such_floor(panel: Panel, floor: str) -> None:
    """A name that is no floor's is no file's."""
    answer = await panel.ask("plan", floor_id=floor)
    assert answer["error"]["translation_key"] == "nothing_in_target"


@pytest.mark.parametrize("floor", ["nowhere", "../auth", "building_2"])
async def test_no_place_there(panel: Panel, floor: str) -> None:
    """Where there is no place, there is nothing to put a plan on."""
    answer = await panel.ask("set_plan", floor_id=floor, plan=plan(pins={}))
    assert answer["error"]["translation_key"] == "nothing_in_target"


async def test_who_may_not(
    hass: HomeAssistant,
    building: str,
    panel: Panel,
    police: Panel,
    hass_admin_user: MockUser,
) -> None:
    """A read-only account sets none, nor whom the register does not let change the house."""
    floor = {"floor_id": building}
    answer = await police.ask("set_plan", **floor, plan=plan())
    assert answer["error"]["code"] == "unauthorized"
    register = Register()
    register.rights = {hass_admin_user.id: {Action.CONFIGURE: ["shed"]}}
    register.object_to = lambda _request: Unauthorized()
    await offer(hass, register)
    assert (await panel.does("plans"))["may"] == []
    answer = await panel.ask("set_plan", **floor, plan=plan())
    assert answer["error"]["code"] == "unauthorized"
    (request,) = register.asked
    assert request.action is Action.CONFIGURE
    assert {subject.area_id for subject in request.subjects} == {"1_1_201"}
    assert (await panel.does("plans"))["plans"] == []


async def test_who_sees_only_a_part(
    building: str, panel: Panel, police: Panel, hass_read_only_user: MockUser
) -> None:
    """A plan shows the whole building: it is for who may see that."""
    await panel.does("set_plan", floor_id=building, plan=plan())
    hass_read_only_user.groups = []
    hass_read_only_user.mock_policy({})
    assert await police.does("plans") == {"plans": [], "positions": {}, "may": []}
    answer = await police.ask("plan", floor_id=building)
    assert answer["error"]["code"] == "unauthorized"


async def test_gone_with_its_floor(
    hass: HomeAssistant, building: str, panel: Panel, hass_storage: dict[str, Any]
) -> None:
    """Another building of that name has no plan; nor has one that went while we were away."""
    floors, areas = fr.async_get(hass), ar.async_get(hass)
    file = f"{DOMAIN}.plan.{building}"
    for _again in range(2):
        await panel.does("set_plan", floor_id=building, plan=plan())
        assert file in hass_storage
        floors.async_delete(building)
        await hass.async_block_till_done()
        assert file not in hass_storage
        assert hass_storage[f"{DOMAIN}.plans"]["data"] == []
        assert floors.async_create("Building 1").floor_id == building
        assert await panel.does("plan", floor_id=building) is None
        areas.async_update("1_1_201", floor_id=building)
    hass_storage[f"{DOMAIN}.plans"]["data"] = ["pulled_down"]
    hass_storage[f"{DOMAIN}.plan.pulled_down"] = {"version": 1, "data": plan()}
    await hass.data[DATA_PLANS].async_tidy()
    assert f"{DOMAIN}.plan.pulled_down" not in hass_storage


async def test_it_stays_until_it_can_be_deleted(
    hass: HomeAssistant, building: str, panel: Panel, hass_storage: dict[str, Any]
) -> None:
    """A disk that does not let go of it hinders nothing, and is asked again."""
    await panel.does("set_plan", floor_id=building, plan=plan())
    with patch.object(Store, "async_remove", side_effect=OSError("read only")):
        fr.async_get(hass).async_delete(building)
        await hass.async_block_till_done()
    assert hass_storage[f"{DOMAIN}.plans"]["data"] == [building]
    await hass.data[DATA_PLANS].async_tidy()
    assert hass_storage[f"{DOMAIN}.plans"]["data"] == []


@pytest.mark.parametrize("broken", ["plans", "plan.building_1"])
async def test_not_written(building: str, panel: Panel, broken: str) -> None:
    """What the disk does not take is not said to be kept: Home Assistant only logs that."""
    save = Store.async_save

    async def fail(store: Store[Any], data: Any) -> None:
        if store.key != f"{DOMAIN}.{broken}":
            await save(store, data)

    with patch.object(Store, "async_save", fail):
        answer = await panel.ask("set_plan", floor_id=building, plan=plan())
    assert answer["error"]["translation_key"] == "plan_not_kept"
    assert await panel.does("plan", floor_id=building) is None


async def test_read_beside_the_event_loop(
    hass: HomeAssistant, building: str, panel: Panel
) -> None:
    """Megabytes of a picture hold nobody up."""
    threads: list[int] = []
    decode = base64.b64decode

    def noted(*arguments: Any, **options: Any) -> bytes:
        threads.append(threading.get_ident())
        return decode(*arguments, **options)

    with patch.object(base64, "b64decode", noted):
        await panel.does("set_plan", floor_id=building, plan=plan())
    assert len(threads) == 1
    assert threads[0] != hass.loop_thread_id


async def test_position(
    hass: HomeAssistant, building: str, panel: Panel, police: Panel
) -> None:
    """Where a building stands is said by who may configure all of it, and seen by who sees all."""
    floor = {"floor_id": building}
    for wrong in ([91, 0], [0, 181], [0], "here"):
        answer = await panel.ask("set_position", **floor, position=wrong)
        assert answer["error"]["code"] == "invalid_format"
    answer = await police.ask("set_position", **floor, position=[30, 120])
    assert answer["error"]["code"] == "unauthorized"
    for other in ("nowhere", "building_2"):
        answer = await panel.ask("set_position", floor_id=other, position=[30, 120])
        assert answer["error"]["translation_key"] == "nothing_in_target"
    assert (await police.does("plans"))["positions"] == {}
    await panel.does("set_position", **floor, position=[30.25, 120.125])
    assert (await police.does("plans"))["positions"] == {building: [30.25, 120.125]}
    await panel.does("set_position", **floor, position=None)
    assert (await panel.does("plans"))["positions"] == {}
    # It goes with its floor: another may get the same id.
    await panel.does("set_position", **floor, position=[30, 120])
    fr.async_get(hass).async_delete(building)
    await hass.async_block_till_done()
    kept = Store[dict[str, Any]](hass, VERSION, f"{DOMAIN}.positions")
    assert await kept.async_load() == {}
    with patch.object(Store, "async_save"):
        areas, floors = ar.async_get(hass), fr.async_get(hass)
        again = floors.async_create("Building 3").floor_id
        areas.async_create("3-1-201", floor_id=again)
        answer = await panel.ask("set_position", floor_id=again, position=[1, 2])
    assert answer["error"]["translation_key"] == "plan_not_kept"
