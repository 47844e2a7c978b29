"""A hazard that comes and goes is one alarm, and calls people no more than it must."""

from collections import Counter
from collections.abc import Awaitable, Callable

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
)

from custom_components.community_safety.const import EVENT_ALARM
from custom_components.community_safety.core.alarm import Alarm
from custom_components.community_safety.core.alarms import (
    GONE_SECONDS,
    HEEDED_SECONDS,
    AlarmBook,
)
from custom_components.community_safety.core.house import DATA_HOUSE
from homeassistant.core import Event, HomeAssistant
from tests.common import BASE, Peer, wait_until

type Let = Callable[[bool], Awaitable[None]]


@pytest.fixture
def book(hass: HomeAssistant, gateway: MockConfigEntry) -> AlarmBook:
    """Return the alarm book."""
    return hass.data[DATA_HOUSE].book


@pytest.fixture
async def smoke(peer: Peer, book: AlarmBook) -> Alarm:
    """Return the alarm of a detector that has gone off."""
    await peer.config("smoke-1", "smoke_sensor", ["smoke"], area="1-1-201")
    await peer.state("smoke-1", smoke=True)
    (alarm,) = book.open.values()
    return alarm


@pytest.fixture
def events(hass: HomeAssistant) -> list[Event]:
    """Return what is told from now on."""
    return async_capture_events(hass, EVENT_ALARM)


def types(events: list[Event]) -> list[str]:
    """Return what was told."""
    return [event.data["type"] for event in events]


async def test_flapping(
    hass: HomeAssistant,
    smoke: Alarm,
    peer: Peer,
    book: AlarmBook,
    events: list[Event],
    freezer: FrozenDateTimeFactory,
) -> None:
    """Thirty times in five minutes is one alarm, and who goes there still goes.

    Detectors of which users report smoke that comes and goes, or is sent anew every 3 s:
    Koenkk/zigbee2mqtt#3164, openhab/org.openhab.binding.zwave#336.
    """
    await hass.async_block_till_done()
    events.clear()
    book.acknowledge(smoke, "somebody")
    for number in range(60):
        freezer.tick(5)
        await peer.state("smoke-1", smoke=bool(number % 2))
    await hass.async_block_till_done()
    assert list(book.open.values()) == [smoke]
    assert smoke.acknowledged_at is not None
    assert Counter(types(events)) == {"acknowledged": 1, "cleared": 30, "returned": 30}
    assert {event.data["alarm_id"] for event in events} == {smoke.id}
    assert events[-1].data["returns"] == 30
    # The count is on the timeline, and pushes nothing out.
    assert [item["what"] for item in smoke.timeline] == [
        "raised",
        "acknowledged",
        "cleared",
        "returned",
    ]
    assert smoke.timeline[-1]["count"] == 30


@pytest.mark.parametrize(
    ("gone", "acknowledged", "calls"),
    [
        (GONE_SECONDS - 1, None, False),
        (GONE_SECONDS, None, True),
        # Somebody is on the way.
        (GONE_SECONDS, 0, False),
        (GONE_SECONDS, HEEDED_SECONDS - GONE_SECONDS - 1, False),
        # Nobody is any more.
        (GONE_SECONDS, HEEDED_SECONDS - GONE_SECONDS, True),
        (GONE_SECONDS - 1, HEEDED_SECONDS, False),
    ],
)
async def test_who_is_called_again(
    hass: HomeAssistant,
    smoke: Alarm,
    peer: Peer,
    book: AlarmBook,
    events: list[Event],
    freezer: FrozenDateTimeFactory,
    gone: float,
    acknowledged: float | None,
    calls: bool,
) -> None:
    """After a minute of calm people are called again, if none of them is on it."""
    for seconds in (acknowledged,) * (acknowledged is not None):
        book.acknowledge(smoke, "somebody")
        freezer.tick(seconds)
    await peer.state("smoke-1", smoke=False)
    await wait_until(hass, lambda: "cleared" in types(events))
    freezer.tick(gone)
    await peer.state("smoke-1", smoke=True)
    told = "raised" if calls else "returned"
    await wait_until(hass, lambda: types(events)[-1] == told)
    assert list(book.open.values()) == [smoke]
    assert smoke.present
    assert (smoke.acknowledged_at is None) is (calls or acknowledged is None)
    assert (smoke.calls, Alarm.from_dict(smoke.as_dict()).calls) == (1 + calls,) * 2


async def test_clock_that_was_set_back(
    hass: HomeAssistant,
    smoke: Alarm,
    peer: Peer,
    book: AlarmBook,
    events: list[Event],
    freezer: FrozenDateTimeFactory,
) -> None:
    """A clock that jumps back does not keep an alarm quiet."""
    book.acknowledge(smoke, "somebody")
    await peer.state("smoke-1", smoke=False)
    freezer.tick(-3600)
    await peer.state("smoke-1", smoke=True)
    await wait_until(hass, lambda: types(events)[-1] == "raised")
    assert smoke.acknowledged_at is None


async def test_water_that_is_seen_and_not_seen(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    peer: Peer,
    book: AlarmBook,
    events: list[Event],
    freezer: FrozenDateTimeFactory,
) -> None:
    """What two messages of one device say in turns is one alarm.

    A device that tells of one leak twice, once as true and once as false:
    Koenkk/zigbee2mqtt#20665. Here it is a tamper contact, which closes by itself.
    """
    await peer.config("smoke-2", "smoke_sensor", ["smoke", "tamper"])
    for number in range(20):
        await peer.state("smoke-2", tamper=number % 2 == 0)
        freezer.tick(1)
    await hass.async_block_till_done()
    told = Counter(types(events))
    assert (told["raised"], told["returned"]) == (1, 9)
    assert len({event.data["alarm_id"] for event in events}) == 1
    assert not book.open


async def test_battery_at_its_limit(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    peer: Peer,
    events: list[Event],
    freezer: FrozenDateTimeFactory,
) -> None:
    """A battery that recovers and falls within seconds is one fault; next day it is another.

    Batteries whose low state "keeps retriggering": andrew-codechimp/HA-Battery-Notes#4740,
    kc-GitHub/Wettersensor#11.
    """
    await peer.config("smoke-2", "smoke_sensor", ["smoke", "battery_low"])
    for low in (True, False, True, False, True, False):
        await peer.state("smoke-2", battery_low=low)
        freezer.tick(10)
    await hass.async_block_till_done()
    assert types(events).count("raised") == 1
    freezer.tick(86400)
    await peer.state("smoke-2", battery_low=True)
    await hass.async_block_till_done()
    assert types(events).count("raised") == 2
    assert len({event.data["alarm_id"] for event in events}) == 2


async def test_returns_worse(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    peer: Peer,
    book: AlarmBook,
    events: list[Event],
) -> None:
    """What comes back worse calls people, however soon."""
    await peer.config("tank", "water_tank", ["level"])
    await peer.state("tank", level=40)
    (alarm,) = book.open.values()
    book.acknowledge(alarm, "somebody")
    await peer.state("tank", level=60)
    await peer.state("tank", level=10)
    await hass.async_block_till_done()
    told = [e for e in events if e.data["alarm_id"] == alarm.id]
    assert types(told) == ["raised", "acknowledged", "cleared", "closed", "raised"]
    assert (alarm.severity, alarm.acknowledged_at) == ("alarm", None)


async def test_what_was_cut_is_cut_again(
    hass: HomeAssistant,
    smoke: Alarm,
    peer: Peer,
    book: AlarmBook,
) -> None:
    """A supply that was restored in between goes off again when the smoke returns."""
    await peer.config(
        "breaker-1", "breaker_monitor", ["supply", "current"], area="1-1-201"
    )
    await peer.state("breaker-1", supply=True, current=5)
    peer.obedient_breaker("breaker-1")
    cut_off = hass.data[DATA_HOUSE].cut_off
    found = hass.data[DATA_HOUSE].device(f"mqtt/{BASE}/breaker-1")
    assert found
    supplies = cut_off.supplies_of(found[1].uid)
    await cut_off.async_cut_off(supplies, alarm_id=smoke.id)
    await peer.state("smoke-1", smoke=False)
    await cut_off.async_restore(supplies, who="somebody")
    assert found[1].readings["supply"] is True
    peer.heard.clear()
    await peer.state("smoke-1", smoke=True)
    await wait_until(hass, lambda: found[1].readings["supply"] is False)
    await wait_until(hass, lambda: smoke.timeline[-1]["what"] == "cut_off")
    restored = next(item for item in smoke.timeline if item["what"] == "restored")
    assert restored["who"] == "somebody"
    # While it is off, it is read back anew.
    peer.heard.clear()
    await peer.state("smoke-1", smoke=False)
    await peer.state("smoke-1", smoke=True)
    await peer.hears(f"{BASE}/breaker-1/set")
    await wait_until(
        hass, lambda: [i["what"] for i in smoke.timeline].count("cut_off") == 3
    )
