"""The life of an alarm, from a real message to its reset, and across restarts."""

from datetime import timedelta
import sqlite3
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
    async_fire_time_changed,
)

from custom_components.community_safety.const import DOMAIN, EVENT_ALARM, Severity
from custom_components.community_safety.core.alarms import (
    MOST_TIMELINE,
    Alarm,
    Announcement,
)
from custom_components.community_safety.core.hazards import LONGEST_TEST_SECONDS
from custom_components.community_safety.core.house import DATA_HOUSE
from custom_components.community_safety.core.storage import KEEP_DAYS
from homeassistant.const import EVENT_HOMEASSISTANT_STARTED
from homeassistant.core import Context, CoreState, HomeAssistant
from homeassistant.helpers import device_registry as dr
from tests.common import BASE, Peer, add_gateway, insert, wait_until


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
        book.reset(alarm, "somebody", false_alarm=False)
    await peer.state("smoke-1", smoke=False)
    await wait_until(hass, lambda: len(events) == 3)
    assert open_alarms(hass) == [alarm]
    assert alarm.state == "cleared"

    book.reset(alarm, "somebody", false_alarm=True)
    await wait_until(hass, lambda: len(events) == 4)
    assert open_alarms(hass) == []
    assert [event.data["type"] for event in events] == [
        "raised",
        "acknowledged",
        "cleared",
        "reset",
    ]
    assert whats(alarm) == ["raised", "acknowledged", "cleared", "reset"]
    assert alarm.timeline[1]["who"] == "somebody"
    assert [row["id"] for row in await history(hass)] == [alarm.id]


async def test_alarm_again_within_a_second(
    hass: HomeAssistant, smoke: str, peer: Peer
) -> None:
    """A new alarm right after clearing is a new one; the old one is closed by it."""
    raised = async_capture_events(hass, EVENT_ALARM)
    peer.publish(f"{BASE}/smoke-1/state", peer.state_message({"smoke": True}))
    peer.publish(f"{BASE}/smoke-1/state", peer.state_message({"smoke": False}))
    await peer.state("smoke-1", smoke=True)
    await wait_until(hass, lambda: len(raised) == 3)
    assert [event.data["type"] for event in raised] == ["raised", "cleared", "raised"]
    first, second = raised[0].data["alarm_id"], raised[2].data["alarm_id"]
    assert first != second
    assert [alarm.id for alarm in open_alarms(hass)] == [second]
    await wait_until(hass, lambda: not hass.data[DATA_HOUSE].storage.is_busy)
    (closed,) = await history(hass)
    assert closed["id"] == first
    assert closed["timeline"][-1]["what"] == "superseded"


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
    await wait_until(hass, lambda: len(events) == 2)
    assert [event.data["drill"] for event in events] == [True, False]
    assert len(open_alarms(hass)) == 1


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
    assert [event.data["drill"] for event in events] == [True, False]
    await peer.state("smoke-1", test=False)
    await peer.settled()
    assert len(events) == 2


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


async def test_removed_device(hass: HomeAssistant, smoke: str, peer: Peer) -> None:
    """A device that its gateway takes away leaves no open alarm behind."""
    events = async_capture_events(hass, EVENT_ALARM)
    await peer.state("smoke-1", smoke=True)
    await peer.send(f"{BASE}/smoke-1/config", "", retain=True)
    await wait_until(hass, lambda: len(events) == 2)
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
    hass.data[DATA_HOUSE].book.reset(alarm, "somebody", false_alarm=False)
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
        {"device_id": alarm.device_id},
        blocking=True,
        return_response=True,
        context=Context(user_id=hass_admin_user.id),
    )
    assert answer["alarms"][0]["state"] == "reset"
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
