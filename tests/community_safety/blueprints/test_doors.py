"""The blueprint of the doors."""

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import async_mock_service

from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.util import dt as dt_util
from tests.common import BASE, Peer, wait_until

from .common import (
    BARRIER,
    OFFICE,
    PASSAGES,
    Add,
    is_open,
    pass_time,
    report,
    said,
    titles,
    turns,
    until,
)


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


async def passes(hass: HomeAssistant, freezer: FrozenDateTimeFactory, how: str) -> None:
    """Let somebody hold a card before a reader, a second after the last one."""
    await pass_time(hass, freezer, seconds=1)
    hass.states.async_set(
        PASSAGES,
        dt_util.utcnow().isoformat(timespec="milliseconds"),
        {"event_type": how, "friendly_name": "Door 1 passage"},
    )
    await turns()


@pytest.mark.usefixtures("site")
async def test_denied_again_and_again(
    hass: HomeAssistant,
    add: Add,
    told: list[ServiceCall],
    freezer: FrozenDateTimeFactory,
) -> None:
    """So many within that time are told once; more of them are no news, later ones are."""
    hass.states.async_set(PASSAGES, STATE_UNKNOWN)
    await add("denied_series", most=3, minutes=2)
    for how in ("denied", "granted", "denied", "granted"):
        await passes(hass, freezer, how)
    assert told == []
    # It was away, and shows its last passage: that is history.
    last = hass.states.get(PASSAGES)
    assert last
    hass.states.async_set(PASSAGES, STATE_UNAVAILABLE)
    hass.states.async_set(PASSAGES, last.state, {"event_type": "denied"})
    await turns()
    assert told == []
    await passes(hass, freezer, "denied")
    await until(lambda: len(told) == 1)
    assert titles(told) == ["Cards denied: Door 1 passage"]
    assert said(told)[0][1].startswith("3 cards were denied within 2 min, the last at ")
    await passes(hass, freezer, "denied")
    assert len(told) == 1
    # Two in each window are no series, whatever was before.
    await pass_time(hass, freezer, minutes=3)
    for _time in range(2):
        await passes(hass, freezer, "denied")
    assert len(told) == 1
    await pass_time(hass, freezer, seconds=110)
    await passes(hass, freezer, "denied")
    await until(lambda: len(told) == 2)


@pytest.fixture
def opened(hass: HomeAssistant) -> list[ServiceCall]:
    """Return what is asked of barriers, of which one is there and is down."""
    hass.states.async_set(BARRIER, "closed", {"friendly_name": "Barrier 1"})
    return async_mock_service(hass, "cover", "open_cover")


@pytest.mark.usefixtures("site")
async def test_barrier_opens_on_fire(
    hass: HomeAssistant,
    peer: Peer,
    add: Add,
    told: list[ServiceCall],
    opened: list[ServiceCall],
) -> None:
    """A fire opens it, a drill does not, and that it is open is told once it is."""
    await add("barrier_on_fire")
    await peer.config("smoke-1", "smoke_sensor", ["smoke", "test"], area="Hall 1")
    await peer.state("smoke-1", smoke=False, test=True)
    await peer.state("smoke-1", smoke=True, test=True)
    await peer.state("smoke-1", smoke=False, test=False)
    await turns()
    assert opened == []
    report(peer, "smoke-1", smoke=True, test=False)
    await until(lambda: len(opened) == 1)
    assert opened[0].data["entity_id"] == [BARRIER]
    assert told == []
    hass.states.async_set(BARRIER, "open", {"friendly_name": "Barrier 1"})
    await until(lambda: len(told) == 1)
    assert titles(told) == ["Barriers open: Hall 1"]
    assert "Barrier 1" in said(told)[0][1]


@pytest.mark.usefixtures("site")
async def test_barrier_that_stays_down(
    hass: HomeAssistant,
    peer: Peer,
    add: Add,
    told: list[ServiceCall],
    opened: list[ServiceCall],
    phone: str,
    pushed: list[ServiceCall],
    freezer: FrozenDateTimeFactory,
) -> None:
    """It is told loudly, once, tried again, and told again only when it is open."""
    await add("barrier_on_fire", phones=[phone])
    await peer.config("smoke-1", "smoke_sensor", ["smoke"], area="Hall 1")
    report(peer, "smoke-1", smoke=True)
    await until(lambda: len(opened) == 1)
    await pass_time(hass, freezer, seconds=21)
    await until(lambda: len(told) == len(pushed) == 1)
    assert titles(told) == ["BARRIER NOT PROVEN OPEN: Hall 1"]
    assert pushed[0].data["data"]["push"]["sound"]["critical"] == 1
    await until(lambda: len(opened) == 2)
    await pass_time(hass, freezer, seconds=21)
    await until(lambda: len(opened) == 3)
    assert len(told) == 1
    hass.states.async_set(BARRIER, "open", {"friendly_name": "Barrier 1"})
    await until(lambda: len(told) == 2)
    assert titles(told)[1] == "Barriers open: Hall 1"
