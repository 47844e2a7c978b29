"""The blueprint of the doors."""

from freezegun.api import FrozenDateTimeFactory
import pytest

from homeassistant.core import HomeAssistant, ServiceCall
from tests.common import BASE, Peer, wait_until

from .common import OFFICE, Add, is_open, pass_time, report, said, titles, turns, until


@pytest.mark.usefixtures("site")
async def test_forced_and_shut_again(
    hass: HomeAssistant, peer: Peer, add: Add, told: list[ServiceCall]
) -> None:
    """What happened at which door, what to do, and that it is over."""
    await add("door_response", notify_target=OFFICE, language="zh-Hans")
    await peer.config(
        "door-1", "door_controller", ["locked_1", "door_forced_1"], area="Hall 1"
    )
    await peer.state("door-1", locked_1=True, door_forced_1=False)
    await peer.state("door-1", door_forced_1=True)
    await wait_until(hass, lambda: len(told) == 1)
    await peer.state("door-1", door_forced_1=False)
    await wait_until(hass, lambda: len(told) == 2)
    assert titles(told) == [
        "预警，门被强行打开：Hall 1",
        "已恢复，门被强行打开：Hall 1",
    ]
    assert "切勿单独前往" in said(told)[0][1]


async def burn(hass: HomeAssistant, peer: Peer, freezer: FrozenDateTimeFactory) -> None:
    """Let it burn at a way out whose door does nothing it is told."""
    await peer.config("smoke-1", "smoke_sensor", ["smoke"], area="Hall 1")
    await peer.config("door-1", "door_controller", ["locked_1"], area="Hall 1")
    await peer.state("door-1", locked_1=True)
    report(peer, "smoke-1", smoke=True)
    await peer.hears(f"{BASE}/door-1/set")
    for _try in range(10):
        await pass_time(hass, freezer, seconds=3.1)
    await until(lambda: is_open(hass, "refused_to_release"))


@pytest.mark.usefixtures("site")
async def test_shut_in_by_a_fire(
    hass: HomeAssistant,
    peer: Peer,
    add: Add,
    told: list[ServiceCall],
    phone: str,
    pushed: list[ServiceCall],
    freezer: FrozenDateTimeFactory,
) -> None:
    """A way out that is not proven open is told loudly, with what to do, and again."""
    await add("door_response", phones=[phone])
    await burn(hass, peer, freezer)
    await until(lambda: len(told) == len(pushed) == 1)
    assert titles(told) == ["ALARM, DOOR NOT RELEASED: Hall 1"]
    assert "people may be shut in" in said(told)[0][1]
    await pass_time(hass, freezer, hours=4, minutes=14)
    await until(lambda: len(told) == len(pushed) == 2)
    assert titles(told)[1] == "Doors, still open: 1"
    assert [call.data["data"]["push"]["sound"]["critical"] for call in pushed] == [1, 0]


@pytest.mark.usefixtures("site")
async def test_a_door_is_no_elevator(
    hass: HomeAssistant,
    peer: Peer,
    add: Add,
    told: list[ServiceCall],
    freezer: FrozenDateTimeFactory,
) -> None:
    """Nobody is sent to an elevator because of a door."""
    await add("elevator")
    await burn(hass, peer, freezer)
    await turns()
    assert told == []
