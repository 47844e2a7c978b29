"""The life of an alarm, from a real message to its reset, and across restarts."""

from contextlib import closing
from datetime import timedelta
import json
import sqlite3
import time
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockUser,
    async_capture_events,
    async_fire_time_changed,
)

from custom_components.community_safety.const import DOMAIN, EVENT_ALARM, Severity
from custom_components.community_safety.core.alarm import Alarm, Outcome
from custom_components.community_safety.core.alarms import MOST_TIMELINE, Announcement
from custom_components.community_safety.core.hazards import LONGEST_TEST_SECONDS
from custom_components.community_safety.core.house import DATA_HOUSE
from custom_components.community_safety.core.storage import KEEP_DAYS
from custom_components.community_safety.system_health import async_get_info
from homeassistant.const import EVENT_HOMEASSISTANT_STARTED
from homeassistant.core import Context, CoreState, HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.util import dt as dt_util
from tests.common import BASE, Peer, add_gateway, insert, subscribed, wait_until

ALARM_COUNT = f"mqtt/{BASE}/open_alarm"


@pytest.fixture
async def smoke(gateway: MockConfigEntry, peer: Peer) -> str:
    """Return the unique id of a smoke sensor that has reported."""
    await peer.config("smoke-1", "smoke_sensor", ["smoke", "temperature", "test"])
    await peer.state("smoke-1", smoke=False, temperature=21, test=False)
    return f"mqtt/{BASE}/smoke-1"


def open_alarms(hass: HomeAssistant) -> list[Alarm]:
    """Return the open alarms."""
    return list(hass.data[DATA_HOUSE].book.open.values())


def whats(alarm: Alarm) -> list[str]:
    """Return what happened in an alarm's timeline."""
    return [item["what"] for item in alarm.timeline]


async def history(hass: HomeAssistant) -> list[dict[str, Any]]:
    """Return the closed alarms."""
    return await hass.data[DATA_HOUSE].storage.async_history(0, 2**33, 1000)


async def test_life(hass: HomeAssistant, smoke: str, peer: Peer) -> None:
    """An alarm is raised, acknowledged, cleared and reset, and told each time."""
    events = async_capture_events(hass, EVENT_ALARM)
    book = hass.data[DATA_HOUSE].book
    await peer.state("smoke-1", smoke=True)
    await wait_until(hass, lambda: len(events) == 1)
    (alarm,) = open_alarms(hass)
    assert (alarm.state, alarm.severity, alarm.hazard) == ("raised", "alarm", "smoke")
    assert alarm.timeline[0]["smoke"] is True

    book.acknowledge(alarm, "somebody")
    book.acknowledge(alarm, "somebody else")
    with pytest.raises(ValueError, match="still present"):
        book.reset(alarm, "somebody", outcome=Outcome.REAL)
    await peer.state("smoke-1", smoke=False)
    await wait_until(hass, lambda: len(events) == 3)
    assert open_alarms(hass) == [alarm]
    assert alarm.state == "cleared"

    book.reset(alarm, "somebody", outcome=Outcome.FALSE_ALARM)
    await wait_until(hass, lambda: len(events) == 4)
    assert open_alarms(hass) == []
    assert [event.data["type"] for event in events] == [
        "raised",
        "acknowledged",
        "cleared",
        "closed",
    ]
    assert events[-1].data["reason"] == "reset"
    assert whats(alarm) == ["raised", "acknowledged", "cleared", "reset"]
    assert alarm.timeline[1]["who"] == "somebody"
    assert [row["id"] for row in await history(hass)] == [alarm.id]


async def test_one_alarm_while_it_is_open(
    hass: HomeAssistant, smoke: str, peer: Peer
) -> None:
    """Repeated reports of the same hazard make no second alarm."""
    for density in range(5):
        await peer.state("smoke-1", smoke=True, temperature=20 + density)
    assert len(open_alarms(hass)) == 1


async def test_without_latch_it_closes_by_itself(
    hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer
) -> None:
    """A warning and a fault are closed when they are over; only then."""
    await peer.config("tank", "water_tank", ["level", "battery"])
    await peer.state("tank", level=45, battery=10)
    assert {(a.hazard, a.severity) for a in open_alarms(hass)} == {
        ("low_level", Severity.WARNING),
        ("low_battery", Severity.FAULT),
    }
    await peer.state("tank", level=51, battery=18)
    assert len(open_alarms(hass)) == 2, "hysteresis"
    await peer.state("tank", level=53, battery=21)
    assert open_alarms(hass) == []


async def test_worse(hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer) -> None:
    """A warning that becomes an alarm is told again and needs a new acknowledgement."""
    events = async_capture_events(hass, EVENT_ALARM)
    await peer.config("tank", "water_tank", ["level"])
    await peer.state("tank", level=40)
    (alarm,) = open_alarms(hass)
    hass.data[DATA_HOUSE].book.acknowledge(alarm, None)
    await peer.state("tank", level=19)
    await wait_until(hass, lambda: len(events) == 3)
    assert [(e.data["type"], e.data["severity"]) for e in events] == [
        ("raised", "warning"),
        ("acknowledged", "warning"),
        ("raised", "alarm"),
    ]
    assert alarm.acknowledged_at is None
    await peer.state("tank", level=30)
    assert alarm.severity is Severity.ALARM, "it never becomes less while it is open"


async def test_drill(hass: HomeAssistant, smoke: str, peer: Peer) -> None:
    """An alarm of a sensor under test is a drill; smoke that outlasts it is real."""
    events = async_capture_events(hass, EVENT_ALARM)
    await peer.state("smoke-1", smoke=True, test=True)
    await wait_until(hass, lambda: len(events) == 1)
    await peer.state("smoke-1", smoke=True, test=False)
    await wait_until(hass, lambda: len(events) == 3)
    assert [(e.data["type"], e.data["drill"]) for e in events] == [
        ("raised", True),
        ("raised", False),
        ("closed", True),
    ]
    assert events[2].data["reason"] == "superseded"
    assert len(open_alarms(hass)) == 1


async def test_drill_ends_with_its_test(
    hass: HomeAssistant, smoke: str, peer: Peer
) -> None:
    """A drill that nothing real follows is closed by itself, and counts as no fire."""
    events = async_capture_events(hass, EVENT_ALARM)
    count = er.async_get(hass).async_get_entity_id("sensor", DOMAIN, ALARM_COUNT)
    assert count
    await peer.state("smoke-1", smoke=True, test=True)
    state = hass.states.get(count)
    assert state
    assert state.state == "0"
    assert (await async_get_info(hass))["alarms"] == 0
    await peer.state("smoke-1", smoke=False)
    assert len(open_alarms(hass)) == 1
    await peer.state("smoke-1", test=False)
    await wait_until(hass, lambda: len(events) == 3)
    assert [event.data["type"] for event in events] == ["raised", "cleared", "closed"]
    assert events[-1].data["reason"] == "test_ended"
    assert open_alarms(hass) == []


async def test_a_test_that_does_not_end(
    hass: HomeAssistant, smoke: str, peer: Peer, freezer: FrozenDateTimeFactory
) -> None:
    """A sensor that says it is under test for ever makes no drill of a fire."""
    events = async_capture_events(hass, EVENT_ALARM)
    await peer.state("smoke-1", test=True)
    freezer.tick(LONGEST_TEST_SECONDS - 10)
    async_fire_time_changed(hass)
    await peer.state("smoke-1", smoke=True)
    await peer.state("smoke-1", smoke=True, test=True)
    freezer.tick(20)
    async_fire_time_changed(hass)
    await hass.async_block_till_done()
    await peer.settled()
    assert [(e.data["type"], e.data["drill"]) for e in events] == [
        ("raised", True),
        ("raised", False),
        ("closed", True),
    ]
    await peer.state("smoke-1", test=False)
    await peer.settled()
    assert len(events) == 3


async def test_a_drill_beside_a_real_alarm(
    hass: HomeAssistant, smoke: str, peer: Peer
) -> None:
    """A test of a sensor whose alarm nobody has reset leaves that alarm alone."""
    await peer.state("smoke-1", smoke=True)
    (real,) = open_alarms(hass)
    # It was there before the test: the test makes no drill of it.
    await peer.state("smoke-1", test=True)
    await peer.state("smoke-1", smoke=True)
    assert open_alarms(hass) == [real]
    await peer.state("smoke-1", smoke=False)
    await peer.state("smoke-1", smoke=True)
    _, drill = open_alarms(hass)
    assert (real.present, drill.present, drill.drill) == (False, True, True)
    await peer.state("smoke-1", smoke=False)
    await peer.state("smoke-1", test=False)
    assert open_alarms(hass) == [real]
    assert (real.returns, real.state) == (0, "cleared")


async def test_drill_and_restart(
    hass: HomeAssistant,
    mqtt_entry: MockConfigEntry,
    peer: Peer,
    hass_config_file: sqlite3.Connection,
) -> None:
    """A drill that a restart has interrupted ends in time, and hides no fire."""
    began = time.time() - 100
    row = Alarm(
        id="01",
        device=f"mqtt/{BASE}/smoke-1",
        device_id=None,
        device_name="Smoke 1",
        hazard="smoke",
        severity=Severity.ALARM,
        raised_at=began,
        drill=True,
        announced=True,
    ).as_dict()
    insert(hass_config_file, "alarms", "01", row)
    insert(hass_config_file, "alarms", "02", {**row, "id": "02", "device": "gone"})
    entry = await add_gateway(hass)
    await peer.gateway()
    await wait_until(hass, lambda: entry.runtime_data.connected)
    events = async_capture_events(hass, EVENT_ALARM)
    await peer.config("smoke-1", "smoke_sensor", ["smoke", "test"])
    await peer.state("smoke-1", smoke=True)
    await wait_until(hass, lambda: len(events) == 2)
    assert [(e.data["type"], e.data["drill"]) for e in events] == [
        ("raised", False),
        ("closed", True),
    ]
    began += LONGEST_TEST_SECONDS
    for seconds, left in ((-60, 2), (1, 1)):
        async_fire_time_changed(hass, dt_util.utc_from_timestamp(began + seconds))
        await hass.async_block_till_done()
        assert len(open_alarms(hass)) == left
    assert not open_alarms(hass)[0].drill


async def test_hazard_that_no_longer_exists(
    hass: HomeAssistant,
    mqtt_entry: MockConfigEntry,
    hass_config_file: sqlite3.Connection,
    hass_admin_user: MockUser,
) -> None:
    """An alarm of a hazard that an update has dropped can be reset; a fault goes by itself."""
    row = Alarm(
        id="01",
        device="mqtt/elsewhere/smoke-1",
        device_id=None,
        device_name="Smoke 1",
        hazard="earthquake",
        severity=Severity.ALARM,
        raised_at=1.0,
        announced=True,
    ).as_dict()
    del row["nature"]
    insert(hass_config_file, "alarms", "01", {**row, "reset_at": None})
    insert(hass_config_file, "alarms", "02", {**row, "id": "02", "severity": "fault"})
    await add_gateway(hass)
    (alarm,) = open_alarms(hass)
    assert (alarm.id, alarm.state) == ("01", "cleared")
    await hass.services.async_call(
        DOMAIN,
        "reset",
        {"alarm_id": "01", "outcome": "real"},
        blocking=True,
        context=Context(user_id=hass_admin_user.id),
    )
    assert open_alarms(hass) == []
    assert {row["id"] for row in await history(hass)} == {"01", "02"}


async def test_raised_while_stopping(
    hass: HomeAssistant, smoke: str, peer: Peer
) -> None:
    """An alarm of the last moment is announced by the next run: nobody acts on it now."""
    book = hass.data[DATA_HOUSE].book
    hass.set_state(CoreState.stopping)
    await peer.state("smoke-1", smoke=True)
    book.store_announced()
    await wait_until(hass, lambda: not hass.data[DATA_HOUSE].storage.is_busy)
    hass.set_state(CoreState.running)
    with closing(sqlite3.connect(hass.data[DATA_HOUSE].storage.path)) as database:
        ((row,),) = database.execute("SELECT data FROM alarms").fetchall()
    assert json.loads(row)["announced"] is False


async def test_notes_are_announced(hass: HomeAssistant, smoke: str, peer: Peer) -> None:
    """Who shows a timeline hears of a note: by whom, and never its words."""
    heard: list[Announcement] = []
    events = async_capture_events(hass, EVENT_ALARM)
    book = hass.data[DATA_HOUSE].book
    book.listen(heard.append)
    await peer.state("smoke-1", smoke=True)
    (alarm,) = open_alarms(hass)
    book.note(alarm.id, "checked", who="somebody", words="an old lady lives there")
    await wait_until(hass, lambda: len(heard) == 2)
    assert heard[1].change == "noted"
    assert heard[1].data["alarm_id"] == alarm.id
    assert (heard[1].data["what"], heard[1].data["who"]) == ("checked", "somebody")
    assert "lady" not in str(heard[1].data)
    assert alarm.timeline[-1]["words"] == "an old lady lives there"
    assert [event.data["type"] for event in events] == ["raised"]


async def test_timeline_is_bounded(hass: HomeAssistant, smoke: str, peer: Peer) -> None:
    """A timeline keeps its beginning and its end."""
    await peer.state("smoke-1", smoke=True)
    (alarm,) = open_alarms(hass)
    for number in range(MOST_TIMELINE + 50):
        hass.data[DATA_HOUSE].book.note(alarm.id, f"note {number}")
    assert len(alarm.timeline) == MOST_TIMELINE
    assert whats(alarm)[0] == "raised"
    assert whats(alarm)[-1] == f"note {MOST_TIMELINE + 49}"
    hass.data[DATA_HOUSE].book.note("unknown", "nothing")
    hass.data[DATA_HOUSE].book.note(None, "nothing")


async def test_removed_device(
    hass: HomeAssistant, smoke: str, peer: Peer, gateway: MockConfigEntry
) -> None:
    """A device that its gateway takes away keeps its alarm until a person deletes it."""
    events = async_capture_events(hass, EVENT_ALARM)
    await peer.state("smoke-1", smoke=True)
    await peer.send(f"{BASE}/smoke-1/config", "", retain=True)
    assert {alarm.hazard for alarm in open_alarms(hass)} == {"smoke", "unresponsive"}
    events.clear()
    assert await gateway.runtime_data.async_delete(
        gateway.runtime_data.devices["smoke-1"]
    )
    await wait_until(hass, lambda: len(events) == 2)
    assert [(event.data["type"], event.data["reason"]) for event in events] == [
        ("closed", "removed")
    ] * 2
    assert open_alarms(hass) == []
    assert not dr.async_get(hass).async_get(events[0].data["device_id"])


async def test_restart_keeps_what_is_open(
    hass: HomeAssistant, smoke: str, peer: Peer, gateway: MockConfigEntry
) -> None:
    """After a reload an open alarm is the same one, and it is not raised twice."""
    await peer.state("smoke-1", smoke=True)
    (alarm,) = open_alarms(hass)
    await wait_until(hass, lambda: alarm.announced)
    events = async_capture_events(hass, EVENT_ALARM)
    assert await hass.config_entries.async_reload(gateway.entry_id)
    await wait_until(hass, lambda: "smoke-1" in gateway.runtime_data.devices)
    await subscribed(hass)
    await peer.settled()
    device = gateway.runtime_data.devices["smoke-1"]
    assert device.monitor.severity("smoke") is Severity.ALARM
    await peer.state("smoke-1", smoke=True)
    assert [item.id for item in open_alarms(hass)] == [alarm.id]
    await peer.state("smoke-1", smoke=False)
    await wait_until(hass, lambda: len(events) == 1)
    assert events[0].data["type"] == "cleared"


async def test_announced_only_when_started(
    hass: HomeAssistant, smoke: str, peer: Peer
) -> None:
    """What happens before automations listen is told when they do."""
    book = hass.data[DATA_HOUSE].book
    hass.set_state(CoreState.starting)
    book._held_back = []
    events = async_capture_events(hass, EVENT_ALARM)
    await peer.state("smoke-1", smoke=True)
    await wait_until(hass, lambda: bool(open_alarms(hass)))
    await peer.settled()
    assert events == []
    book.started()
    await hass.async_block_till_done()
    assert [event.data["type"] for event in events] == ["raised"]
    # Only now does the disk say so: a crash before that announces it once more.
    assert not open_alarms(hass)[0].announced
    await wait_until(hass, lambda: open_alarms(hass)[0].announced)


async def test_stored_but_not_announced(
    hass: HomeAssistant,
    mqtt_entry: MockConfigEntry,
    hass_config_file: sqlite3.Connection,
) -> None:
    """An alarm that an earlier run had no time to announce is announced now, once."""
    row = Alarm(
        id="01",
        device="gone",
        device_id=None,
        device_name="Smoke 1",
        hazard="smoke",
        severity=Severity.ALARM,
        raised_at=1.0,
    ).as_dict()
    insert(hass_config_file, "alarms", "01", {**row, "field_of_tomorrow": 1})
    insert(hass_config_file, "alarms", "02", {**row, "id": "02", "announced": True})
    hass.set_state(CoreState.starting)
    events = async_capture_events(hass, EVENT_ALARM)
    await add_gateway(hass)
    hass.set_state(CoreState.running)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STARTED)
    await hass.async_block_till_done()
    assert [event.data["alarm_id"] for event in events] == ["01"]
    assert events[0].data["device_name"] == "Smoke 1"


async def test_history_is_kept_for_a_year(
    hass: HomeAssistant, smoke: str, peer: Peer, freezer: FrozenDateTimeFactory
) -> None:
    """Old alarms are dropped at midnight, those of a year are not."""
    await peer.state("smoke-1", temperature=60)
    await peer.state("smoke-1", temperature=20)
    (alarm,) = open_alarms(hass)
    hass.data[DATA_HOUSE].book.reset(alarm, "somebody", outcome=Outcome.REAL)
    await hass.async_block_till_done()
    for days, left in ((366, 1), (KEEP_DAYS + 1 - 366, 0)):
        freezer.tick(timedelta(days=days))
        async_fire_time_changed(hass)
        await hass.async_block_till_done()
        assert len(await history(hass)) == left


async def test_user_and_reset_action(
    hass: HomeAssistant, smoke: str, peer: Peer, hass_admin_user: Any
) -> None:
    """The reset action closes what has cleared, by a person."""
    await peer.state("smoke-1", smoke=True)
    await peer.state("smoke-1", smoke=False)
    (alarm,) = open_alarms(hass)
    answer = await hass.services.async_call(
        DOMAIN,
        "reset",
        {"device_id": alarm.device_id, "outcome": "real"},
        blocking=True,
        return_response=True,
        context=Context(user_id=hass_admin_user.id),
    )
    assert answer["alarms"][0]["state"] == "closed"
    assert open_alarms(hass) == []


async def test_a_listener_that_fails(
    hass: HomeAssistant, smoke: str, peer: Peer, caplog: pytest.LogCaptureFixture
) -> None:
    """One that fails keeps an alarm from nobody else."""
    heard: list[str] = []
    book = hass.data[DATA_HOUSE].book

    def fails(item: Announcement) -> None:
        raise RuntimeError("broken on purpose")

    book.listen(fails, immediate=True)
    book.listen(fails)
    book.listen(lambda item: heard.append(item.change), immediate=True)
    book.listen(lambda item: heard.append(item.change))
    await peer.state("smoke-1", smoke=True)
    await wait_until(hass, lambda: heard == ["raised", "raised"])
    assert caplog.text.count("RuntimeError: broken on purpose") == 2
