"""The blueprint for elevators."""

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    async_capture_events,
    async_mock_service,
)

from custom_components.community_safety.core.house import DATA_HOUSE
from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.helpers import entity_registry as er
from tests.common import BASE, Peer

from .common import OFFICE, Add, is_open, pass_time, report, said, titles, until


@pytest.fixture
async def car(site: None, peer: Peer) -> None:
    """Set up an elevator blocker that does nothing it is told."""
    await peer.config(
        "car-1", "elevator_blocker", ["class_seen", "confidence", "held"], area="Car 1"
    )
    await peer.state("car-1", class_seen="none", confidence=0, held=False)


async def test_elevator_announcement(
    hass: HomeAssistant,
    car: None,
    peer: Peer,
    add: Add,
    told: list[ServiceCall],
    freezer: FrozenDateTimeFactory,
) -> None:
    """It is said in the car until the e-bike has left, and no more often than chosen."""
    spoken = async_mock_service(hass, "tts", "speak")
    speaker = er.async_get(hass).async_get_or_create("media_player", "test", "1")
    er.async_get(hass).async_update_entity(speaker.entity_id, area_id="car_1")
    await add(
        "elevator",
        notify_target=OFFICE,
        language="zh-Hans",
        voice=["tts.voice"],
        announcement_actions=[
            {"event": "display", "event_data": {"text": "{{ announcement }}"}}
        ],
        times=2,
    )
    shown = async_capture_events(hass, "display")
    report(peer, "car-1", class_seen="e_bike", confidence=95)
    await until(lambda: len(spoken) == len(shown) == 1)
    for _pause in range(3):
        await pass_time(hass, freezer, seconds=21)
    assert len(spoken) == len(shown) == 2
    assert spoken[0].data["media_player_entity_id"] == [speaker.entity_id]
    assert spoken[0].data["message"].startswith("请将电动自行车推出电梯")

    report(peer, "car-1", class_seen="none", confidence=0)
    book = hass.data[DATA_HOUSE].book
    await until(lambda: not [row for row in book.open.values() if row.present])
    # Within a minute it would be the same one, which has been told.
    await pass_time(hass, freezer, seconds=61)
    report(peer, "car-1", class_seen="e_bike", confidence=95)
    await until(lambda: len(spoken) == 3)
    report(peer, "car-1", class_seen="none", confidence=0)
    await pass_time(hass, freezer, seconds=21)
    assert len(spoken) == 3
    await pass_time(hass, freezer, seconds=61)
    assert "电动自行车进入电梯：Car 1" not in titles(told)


async def test_elevator_that_is_lost_sight_of(
    hass: HomeAssistant,
    car: None,
    peer: Peer,
    add: Add,
    told: list[ServiceCall],
    freezer: FrozenDateTimeFactory,
) -> None:
    """An e-bike that the camera loses for a moment has not left: it goes on being told."""
    shown = async_capture_events(hass, "display")
    actions = [{"event": "display", "event_data": {}}]
    await add("elevator", notify_target=OFFICE, announcement_actions=actions, times=4)
    book = hass.data[DATA_HOUSE].book

    def is_there() -> bool:
        return any(row.present for row in book.open.values())

    report(peer, "car-1", class_seen="e_bike", confidence=95)
    await until(lambda: len(shown) == 1)
    for blink in (2, 3):
        report(peer, "car-1", class_seen="none", confidence=0)
        await until(lambda: not is_there())
        await pass_time(hass, freezer, seconds=5)
        assert len(shown) == blink - 1
        report(peer, "car-1", class_seen="e_bike", confidence=95)
        await until(is_there)
        await until(lambda blink=blink: len(shown) == blink)  # type: ignore[misc]
    report(peer, "car-1", class_seen="none", confidence=0)
    await until(lambda: not is_there())
    for _half in range(3):
        await pass_time(hass, freezer, seconds=30)
    assert len(shown) == 3, "it has left"


async def test_elevator_door(
    hass: HomeAssistant,
    car: None,
    peer: Peer,
    add: Add,
    told: list[ServiceCall],
    freezer: FrozenDateTimeFactory,
) -> None:
    """The office learns of a door that was held too long, and not released."""
    await add("elevator", notify_target=OFFICE)
    report(peer, "car-1", class_seen="e_bike", confidence=95, held=True)
    await peer.hears(f"{BASE}/car-1/set")
    await pass_time(hass, freezer, seconds=121)
    await until(lambda: len(told) == 1)
    for _try in range(10):
        await pass_time(hass, freezer, seconds=3.1)
    await until(lambda: len(told) == 2)
    assert titles(told) == [
        "Elevator door held too long: Car 1",
        "ELEVATOR DOOR NOT RELEASED: Car 1",
    ]


async def test_an_elevator_is_no_door(
    hass: HomeAssistant,
    car: None,
    peer: Peer,
    add: Add,
    told: list[ServiceCall],
    freezer: FrozenDateTimeFactory,
) -> None:
    """Nobody is sent to a door because of an elevator, nor reminded of it."""
    await add("door_response")
    report(peer, "car-1", class_seen="e_bike", confidence=95, held=True)
    await peer.hears(f"{BASE}/car-1/set")
    await pass_time(hass, freezer, seconds=121)
    for _try in range(10):
        await pass_time(hass, freezer, seconds=3.1)
    await until(lambda: is_open(hass, "refused_to_release"))
    await pass_time(hass, freezer, hours=4, minutes=12)
    (alarm,) = [
        row
        for row in hass.data[DATA_HOUSE].book.open.values()
        if row.hazard == "refused_to_release"
    ]
    assert alarm.present
    assert told == []


async def test_elevator_tells_of_each_e_bike(
    hass: HomeAssistant, car: None, peer: Peer, add: Add, told: list[ServiceCall]
) -> None:
    """The office is told of each e-bike, if it wants."""
    await add("elevator", notify_target=OFFICE, tell_e_bike=True)
    report(peer, "car-1", class_seen="e_bike", confidence=95)
    await until(lambda: len(told) == 1)
    assert said(told) == [
        (
            "E-bike in the elevator: Car 1",
            "E-bike in the elevator: Car 1. 09:45:00, Car 1.",
        )
    ]


async def test_elevator_tells_of_an_announcement_that_is_made(
    hass: HomeAssistant,
    car: None,
    peer: Peer,
    add: Add,
    told: list[ServiceCall],
    freezer: FrozenDateTimeFactory,
) -> None:
    """Only with a voice and a speaker it is said that there is an announcement."""
    spoken = async_mock_service(hass, "tts", "speak")
    await add(
        "elevator",
        tell_e_bike=True,
        times=1,
        voice=["tts.voice"],
        speakers=["media_player.car_1"],
    )
    report(peer, "car-1", class_seen="e_bike", confidence=95)
    await until(lambda: len(told) == len(spoken) == 1)
    assert said(told)[0][1].endswith("09:45:00, Car 1. The announcement is played.")
    await pass_time(hass, freezer, seconds=21)
