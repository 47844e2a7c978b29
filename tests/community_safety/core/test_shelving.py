"""A warning or fault that calls nobody for a while, and how that ends."""

from dataclasses import replace
from datetime import timedelta
import sqlite3
import time

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
    async_fire_time_changed,
)

from custom_components.community_safety.catalogue import Nature
from custom_components.community_safety.const import EVENT_ALARM, Severity
from custom_components.community_safety.core.alarm import Alarm, Report, ShelfReason
from custom_components.community_safety.core.alarms import (
    GONE_SECONDS,
    HEEDED_SECONDS,
    MOST_SHELVED_SECONDS,
    AlarmBook,
)
from custom_components.community_safety.core.house import DATA_HOUSE
from custom_components.community_safety.core.incidents import Rank, rank
from homeassistant.core import Event, HomeAssistant
from homeassistant.util import dt as dt_util
from tests.common import BASE, Peer, add_gateway, insert, wait_until

HOUR = 3600
#: Of a tank, in percent: a warning, an alarm, and well.
LOW, EMPTY, FULL = 40, 19, 60


@pytest.fixture
async def book(hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer) -> AlarmBook:
    """Return the book; a tank is low."""
    await peer.config("tank", "water_tank", ["level", "temperature"])
    await peer.state("tank", level=LOW)
    return hass.data[DATA_HOUSE].book


@pytest.fixture
def events(hass: HomeAssistant, book: AlarmBook) -> list[Event]:
    """Return what is told from now on."""
    return async_capture_events(hass, EVENT_ALARM)


def shelved(book: AlarmBook, hours: float = 1) -> Alarm:
    """Shelve the tank's alarm, and return it."""
    (alarm,) = book.open.values()
    book.shelve(alarm, "somebody", hours * HOUR, ShelfReason.CHATTERING)
    return alarm


async def chatter(peer: Peer, freezer: FrozenDateTimeFactory) -> None:
    """Let the tank be well for so long that its return would call people."""
    await peer.state("tank", level=FULL)
    freezer.tick(GONE_SECONDS + 1)
    await peer.state("tank", level=LOW)


def told(events: list[Event]) -> list[str]:
    """Return what was told."""
    return [str(event.data["type"]) for event in events]


async def pass_time(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, seconds: float
) -> None:
    """Let time go by."""
    freezer.tick(seconds)
    async_fire_time_changed(hass)
    await hass.async_block_till_done()


async def test_it_calls_nobody(
    hass: HomeAssistant,
    book: AlarmBook,
    events: list[Event],
    peer: Peer,
    freezer: FrozenDateTimeFactory,
) -> None:
    """It stays one open alarm, seen by who has shelved it, and counts its returns."""
    alarm = shelved(book)
    assert rank(alarm) is Rank.SHELVED
    assert alarm.acknowledged_at is not None
    for _time in range(3):
        await chatter(peer, freezer)
    # Also when who has shelved it has long been on it.
    freezer.tick(HEEDED_SECONDS)
    await chatter(peer, freezer)
    await peer.settled()
    assert list(book.open.values()) == [alarm]
    assert alarm.returns == 4
    assert "raised" not in told(events)
    whats = [item["what"] for item in alarm.timeline]
    assert whats == ["raised", "acknowledged", "shelved", "cleared", "returned"]
    entry = alarm.timeline[2]
    assert (entry["who"], entry["reason"]) == ("somebody", "chattering")
    assert entry["until"] == pytest.approx(entry["at"] + HOUR, abs=1)


async def test_it_comes_back_by_itself(
    hass: HomeAssistant,
    book: AlarmBook,
    events: list[Event],
    freezer: FrozenDateTimeFactory,
) -> None:
    """When its time is over, what is still there calls people as if it were new."""
    alarm = shelved(book)
    await pass_time(hass, freezer, HOUR - 1)
    assert rank(alarm) is Rank.SHELVED
    await pass_time(hass, freezer, 2)
    await wait_until(hass, lambda: "raised" in told(events))
    assert rank(alarm) is Rank.SUPERVISION
    assert alarm.acknowledged_at is None
    assert told(events) == ["acknowledged", "raised"]


async def test_what_has_gone_is_closed_then(
    hass: HomeAssistant,
    book: AlarmBook,
    events: list[Event],
    peer: Peer,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Nobody is called for what is over."""
    alarm = shelved(book)
    await peer.state("tank", level=FULL)
    assert alarm.closed_at is None
    await pass_time(hass, freezer, HOUR + 1)
    await wait_until(hass, lambda: "closed" in told(events))
    assert told(events) == ["acknowledged", "cleared", "closed"]
    assert not book.open
    assert alarm.shelved_until is None


async def test_worse_is_told_at_once(
    hass: HomeAssistant,
    book: AlarmBook,
    events: list[Event],
    peer: Peer,
    freezer: FrozenDateTimeFactory,
) -> None:
    """An alarm is no warning: whatever was shelved, people are called."""
    alarm = shelved(book, 8)
    await peer.state("tank", level=EMPTY)
    await wait_until(hass, lambda: "raised" in told(events))
    assert (rank(alarm), alarm.acknowledged_at) == (Rank.SUPERVISION, None)
    # Nothing is left that ends later.
    await pass_time(hass, freezer, 8 * HOUR + 1)
    assert told(events).count("raised") == 1


async def test_worse_when_it_returns(
    hass: HomeAssistant, book: AlarmBook, peer: Peer
) -> None:
    """What comes back as more than it was is told too, and then it is about a life."""
    await peer.state("tank", level=FULL)
    await peer.config("breaker", "breaker_monitor", ["residual_current"])
    await peer.state("breaker", residual_current=350)
    await wait_until(hass, lambda: bool(book.open))
    alarm = shelved(book)
    await peer.state("breaker", residual_current=0)
    await wait_until(hass, lambda: not alarm.present)
    assert rank(alarm) is Rank.SHELVED
    events = async_capture_events(hass, EVENT_ALARM)
    await peer.state("breaker", residual_current=600)
    await wait_until(hass, lambda: "raised" in told(events))
    assert rank(alarm) is Rank.ELECTRICAL


async def test_a_person_ends_it(
    hass: HomeAssistant,
    book: AlarmBook,
    events: list[Event],
    peer: Peer,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Who takes it off has seen it: nobody is called, and who it was is kept."""
    alarm = shelved(book)
    book.unshelve(alarm, "somebody else")
    await pass_time(hass, freezer, HOUR + 1)
    assert told(events) == ["acknowledged"]
    assert rank(alarm) is Rank.SUPERVISION
    last = alarm.timeline[-1]
    assert (last["what"], last["who"]) == ("unshelved", "somebody else")
    # It is as any other again.
    await peer.state("tank", level=FULL)
    assert not book.open


async def test_an_alarm_that_latches_waits_for_its_reset(
    hass: HomeAssistant, book: AlarmBook, peer: Peer, freezer: FrozenDateTimeFactory
) -> None:
    """No shelf closes what a person must reset."""
    await peer.state("tank", level=FULL)
    card = Report(
        device="door",
        device_id=None,
        device_name="Door",
        hazard="unknown_credential",
        severity=Severity.ALARM,
        nature=Nature.ACCESS,
    )
    book.report(card)
    alarm = shelved(book)
    assert alarm.latches
    book.report(replace(card, severity=None))
    await pass_time(hass, freezer, HOUR + 1)
    assert alarm.id in book.open
    assert (alarm.shelved_until, alarm.present) == (None, False)


async def test_another_hazard_is_not_shelved(book: AlarmBook, peer: Peer) -> None:
    """What is new of the device brings its incident back into the list."""
    alarm = shelved(book)
    incident = book.incidents.by_id()[alarm.incident_id]
    ranks = [incident.rank]
    await peer.state("tank", level=LOW, temperature=-5)
    assert len(incident.open) == 2
    assert [*ranks, incident.rank] == [Rank.SHELVED, Rank.SUPERVISION]


@pytest.mark.parametrize(("left", "is_over"), [(HOUR, False), (-1, True)])
async def test_restart(
    hass: HomeAssistant,
    mqtt_entry: MockConfigEntry,
    peer: Peer,
    hass_config_file: sqlite3.Connection,
    left: float,
    is_over: bool,
) -> None:
    """A restart ends no shelf, and one that ended meanwhile calls people."""
    row = Alarm(
        id="01",
        device=f"mqtt/{BASE}/tank",
        device_id=None,
        device_name="Tank",
        hazard="low_level",
        severity=Severity.WARNING,
        raised_at=time.time() - HOUR,
        acknowledged_at=time.time() - HOUR,
        shelved_until=time.time() + left,
        announced=True,
    ).as_dict()
    insert(hass_config_file, "alarms", "01", row)
    events = async_capture_events(hass, EVENT_ALARM)
    entry = await add_gateway(hass)
    await peer.gateway()
    await wait_until(hass, lambda: entry.runtime_data.connected)
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=1))
    await hass.async_block_till_done()
    (alarm,) = hass.data[DATA_HOUSE].book.open.values()
    assert (alarm.shelved_until is None) is is_over
    assert told(events) == (["raised"] if is_over else [])


async def test_a_clock_that_was_set_back(
    hass: HomeAssistant,
    book: AlarmBook,
    events: list[Event],
    freezer: FrozenDateTimeFactory,
) -> None:
    """It makes no shelf longer than a person may choose."""
    row = Alarm(
        id="01",
        device=f"mqtt/{BASE}/another",
        device_id=None,
        device_name="Tank",
        hazard="low_level",
        severity=Severity.WARNING,
        raised_at=time.time(),
        acknowledged_at=time.time(),
        shelved_until=time.time() + 1000 * HOUR,
        announced=True,
    )
    book.restore([row.as_dict()])
    alarm = book.open["01"]
    await pass_time(hass, freezer, MOST_SHELVED_SECONDS - 1)
    assert (alarm.shelved_until is None, told(events)) == (False, [])
    await pass_time(hass, freezer, 2)
    await wait_until(hass, lambda: told(events) == ["raised"])
    assert alarm.shelved_until is None
