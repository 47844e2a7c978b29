"""Frigate's cameras: if they are seen and recorded, and how far their recordings reach back."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
import json
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.components.diagnostics import (
    get_diagnostics_for_config_entry,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.community_safety.gateways.frigate import gateway, server
from custom_components.community_safety.gateways.frigate.gateway import (
    HOLE,
    QUIET,
    reaches_back_to,
)
from custom_components.community_safety.gateways.frigate.server import (
    LoginError,
    Server,
)
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from simulator.frigate import PASSWORD, USERNAME, Camera, Fault, Frigate
from tests.common import Peer, wait_until

from .common import (
    add_frigate,
    device_of,
    faults,
    issues,
    pass_time,
    set_up,
    settled,
    with_sink,
)

type Later = Callable[[float], Awaitable[None]]


@pytest.fixture
def later(
    hass: HomeAssistant,
    peer: Peer,
    entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> Later:
    """Return what lets time go by."""
    return lambda seconds: pass_time(hass, freezer, peer, entry, seconds)


async def test_a_camera_is_there(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Its name, that it is seen and recorded, and since when."""
    device = device_of(hass)
    assert device.available
    assert (device.description.kind, device.name) == ("camera", "Gate in")
    readings = dict(device.readings)
    oldest = readings.pop("oldest_recording")
    assert {key: readings[key] for key in ("video_lost", "recording")} == {
        "video_lost": False,
        "recording": True,
    }
    assert isinstance(oldest, float)
    assert oldest % 3600 == 0
    assert {"video_lost", "recording", "oldest_recording"} <= device.reported.keys()
    assert faults(hass) == set()
    assert issues(hass) == []


async def test_no_frames_no_picture(
    hass: HomeAssistant, frigate: Frigate, later: Later
) -> None:
    """A cable is cut: a moment is forgiven, and frames that come end it."""
    frigate.cameras["gate_in"].fps = 0
    await later(90)
    assert device_of(hass).readings["video_lost"] is True
    await later(30)
    assert faults(hass) == {"video_lost"}
    frigate.cameras["gate_in"].fps = 5
    await later(90)
    assert faults(hass) == set()


async def test_a_camera_that_is_switched_off(
    hass: HomeAssistant, frigate: Frigate, later: Later
) -> None:
    """Somebody has disabled it there: it neither sees nor records, and that is said."""
    frigate.cameras["gate_in"].enabled = False
    frigate.tell_status("gate_in", "detect", "disabled")
    frigate.tell_status("gate_in", "record", "disabled")
    await later(120)
    assert faults(hass) == {"video_lost", "not_recording"}


@pytest.mark.parametrize("way", ["status", "switch"])
async def test_not_recorded(
    hass: HomeAssistant, frigate: Frigate, later: Later, way: str
) -> None:
    """What writes it has broken off, or somebody has switched that off."""

    def record(on: bool) -> None:
        if way == "status":
            frigate.tell_status("gate_in", "record", "online" if on else "offline")
        else:
            frigate.switch_recording("gate_in", on)

    record(False)
    await later(90)
    assert faults(hass) == {"not_recording"}
    record(True)
    await later(1)
    assert faults(hass) == set()


async def test_it_is_written_again(
    hass: HomeAssistant, frigate: Frigate, later: Later
) -> None:
    """That ends within a minute, and not with the next hour."""
    kept = frigate.cameras["gate_in"].hours
    newest = max(kept)
    kept -= {newest - timedelta(hours=hour) for hour in range(3)}
    await later(3900)
    assert faults(hass) == {"not_recording"}
    frigate.keep("gate_in", 40)
    await later(90)
    assert faults(hass) == set()


async def test_nothing_was_written_of_late(
    hass: HomeAssistant, frigate: Frigate, later: Later
) -> None:
    """All switches are on, and no hour of the last three has a recording."""
    kept = frigate.cameras["gate_in"].hours
    newest = max(kept)
    kept -= {newest - timedelta(hours=hour) for hour in range(3)}
    await later(3900)
    assert faults(hass) == {"not_recording"}


async def test_motion_alone_is_recorded(
    hass: HomeAssistant, frigate: Frigate, later: Later
) -> None:
    """A quiet night leaves no recording, and nobody is accused."""
    frigate.cameras["gate_in"].continuous = False
    kept = frigate.cameras["gate_in"].hours
    newest = max(kept)
    kept -= {newest - timedelta(hours=hour) for hour in range(8)}
    await later(7300)
    assert faults(hass) == set()


async def test_the_disk_is_full(
    hass: HomeAssistant, frigate: Frigate, later: Later
) -> None:
    """Thirty days are configured and five are there; a scene that was kept hides nothing."""
    frigate.keep("gate_in", 5)
    frigate.keep_scene("gate_in", 60)
    await later(3700)
    assert faults(hass) == {"recordings_short"}
    frigate.keep("gate_in", 31)
    await later(3700)
    assert faults(hass) == set()


async def test_nothing_is_kept(
    hass: HomeAssistant, frigate: Frigate, later: Later
) -> None:
    """No recording at all is the shortest history, and no unknown one."""
    frigate.cameras["gate_in"].hours.clear()
    await later(3900)
    assert faults(hass) == {"recordings_short", "not_recording"}


@pytest.mark.parametrize(
    ("record", "is_continuous"),
    [
        ({"continuous": {"days": 31}, "retain": {"days": 0}}, True),
        ({"continuous": {"days": 0}, "motion": {"days": 31}}, False),
        ({"retain": {"days": 31, "mode": "all"}}, True),
        ({"retain": {"days": 31}}, True),
        ({"retain": {"days": 31, "mode": "motion"}}, False),
        ({"retain": {"days": 0, "mode": "all"}}, False),
        ({"retain": None}, False),
    ],
)
def test_what_is_recorded_without_a_break(
    record: dict[str, Any], is_continuous: bool
) -> None:
    """In the words of 0.17, and in those of before."""
    assert gateway._is_continuous(record) is is_continuous


@pytest.mark.parametrize(
    "days",
    [
        {},
        [5],
        [{"hours": []}, {"day": "2026-12-01"}],
        [{"day": "x", "hours": [{"hour": "1"}]}],
    ],
)
def test_summaries_that_are_none(days: Any) -> None:
    """What says nothing of hours is not taken for no recordings at all."""
    with pytest.raises(ValueError, match=r"."):
        gateway._hours(days)


@pytest.mark.parametrize(
    ("days_ago", "hole", "reaches"),
    [
        ([], HOLE, 0),
        ([1, 0], HOLE, 1),
        ([9, 6.5, 4, 1.5, 0], HOLE, 9),
        ([9, 1.5, 0], HOLE, 1.5),
        ([40, 3.5], HOLE, 0),
        ([60, 40, 30, 20, 9], QUIET, 40),
    ],
)
def test_how_far_a_history_reaches(
    days_ago: list[float], hole: timedelta, reaches: float
) -> None:
    """A shorter outage leaves it one history; what stands alone is none."""
    now = datetime(2026, 12, 1, 12, tzinfo=UTC)
    hours = [now - timedelta(days=days) for days in days_ago]
    assert reaches_back_to(hours, now, hole) == now - timedelta(days=reaches)


async def test_a_camera_that_was_never_to_be_there(
    hass: HomeAssistant, entry: MockConfigEntry, frigate: Frigate, later: Later
) -> None:
    """It is disabled in Frigate's own file: that is no fault. One that was known is missed."""
    shed = frigate.cameras["shed"] = Camera(enabled=False, enabled_in_config=False)
    frigate.announce()
    await later(120)
    assert "shed" not in entry.runtime_data.devices
    shed.enabled = shed.enabled_in_config = True
    frigate.announce()
    await later(1)
    shed.enabled = shed.enabled_in_config = False
    frigate.announce()
    await later(120)
    assert "video_lost" in faults(hass, "shed")


async def test_what_is_said_at_a_connection_is_what_is_configured(
    hass: HomeAssistant, frigate: Frigate, later: Later
) -> None:
    """Somebody has switched recording off, and the broker begins anew: it is still off."""
    frigate.switch_recording("gate_in", on=False)
    await later(90)
    frigate.announce()
    await later(1)
    assert device_of(hass).readings["recording"] is False
    assert faults(hass) == {"not_recording"}


async def test_pictures_between_words(
    hass: HomeAssistant, entry: MockConfigEntry, peer: Peer, frigate: Frigate
) -> None:
    """They are of topics that nobody listens to, also for a camera of a nasty name."""
    frigate.cameras["events"] = Camera()
    frigate.see()
    frigate.see("events", "status")
    await settled(hass, peer, entry)
    assert not entry.runtime_data.refused


async def test_it_is_stopped_in_good_order(
    hass: HomeAssistant, entry: MockConfigEntry, frigate: Frigate, later: Later
) -> None:
    """It says so, and its cameras are not there; what it saw has ended by itself."""
    sink = with_sink(hass)
    car = frigate.see()
    frigate.read(car, "TEST1234", 0.9)
    await later(1)
    frigate.stop_well()
    await later(1)
    assert not device_of(hass).available
    frigate.announce()
    await later(1)
    assert device_of(hass).available
    assert sink.told == [("plate", "TEST1234", False)]


async def test_too_many_log_ins(
    hass: HomeAssistant,
    peer: Peer,
    frigate: Frigate,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Somebody else guesses passwords: ours is not wrong, and is tried again."""
    frigate.users = {USERNAME: PASSWORD}
    frigate.faults.add(Fault.RATE_LIMIT)
    entry = await add_frigate(hass, peer, frigate, username=USERNAME, password=PASSWORD)
    assert issues(hass) == ["frigate_no_answer"]
    assert hass.config_entries.flow.async_progress() == []
    frigate.faults.clear()
    await pass_time(hass, freezer, peer, entry, 90)
    assert issues(hass) == []
    assert device_of(hass).available


async def test_a_camera_that_may_not_be_asked_about(
    hass: HomeAssistant, peer: Peer, frigate: Frigate, later: Later
) -> None:
    """Its user sees other cameras only: how far recordings reach back is unknown, and a repair."""
    frigate.allowed = set()
    await later(3700)
    device = device_of(hass)
    assert "oldest_recording" not in device.readings
    assert device.available
    assert issues(hass) == ["frigate_no_summary"]
    frigate.allowed = None
    await later(90)
    assert "oldest_recording" in device.readings
    assert issues(hass) == []


async def test_statistics_that_stand_still(
    hass: HomeAssistant, frigate: Frigate, later: Later
) -> None:
    """What was measured once and is told again and again is no sign of life."""
    frigate.faults.add(Fault.STILL)
    await later(100)
    assert faults(hass) == set()
    await later(180)
    assert faults(hass) == {"unresponsive"}
    frigate.faults.clear()
    await later(90)
    assert faults(hass) == set()


async def test_it_stops_and_begins_anew(
    hass: HomeAssistant, entry: MockConfigEntry, frigate: Frigate, later: Later
) -> None:
    """With its word that it is there, everything is asked anew: it may have other cameras."""
    frigate.die()
    await later(1)
    assert not entry.runtime_data.connected
    assert not device_of(hass).available
    frigate.cameras["hall"] = Camera(friendly="Entrance hall", record=False)
    frigate.cameras["hall"].in_config = False
    frigate.announce()
    await later(1)
    assert device_of(hass).available
    hall = device_of(hass, "hall")
    assert hall.name == "Entrance hall"
    # Somebody else records it, or nobody: that is not Frigate's to say.
    assert set(hall.description.points) == {"video_lost"}


@pytest.mark.parametrize("speak", [Frigate.tell_stats, Frigate.see])
async def test_its_end_is_told_late(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    frigate: Frigate,
    later: Later,
    speak: Callable[[Frigate], Any],
) -> None:
    """A broker tells that a connection has ended when the next is there: what it says then counts."""
    frigate.die()
    frigate.is_quiet = False
    await later(1)
    assert not device_of(hass).available
    speak(frigate)
    await later(1)
    assert entry.runtime_data.connected
    assert device_of(hass).available


async def test_what_is_taken_out_of_its_configuration(
    hass: HomeAssistant, frigate: Frigate, later: Later
) -> None:
    """A recording that was there is missed, and so is a camera."""
    camera = frigate.cameras["gate_in"]
    camera.record = camera.in_config = False
    frigate.announce()
    await later(90)
    assert faults(hass) == {"not_recording"}
    frigate.cameras = {"other": Camera()}
    frigate.announce()
    await later(1)
    assert "unresponsive" in faults(hass)
    frigate.cameras = {"gate_in": Camera(hours=camera.hours), "other": Camera()}
    frigate.announce()
    await later(90)
    assert faults(hass) == set()


@pytest.mark.parametrize("fault", [Fault.BROKEN, Fault.GARBAGE, Fault.OFFLINE])
async def test_http_is_away(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    peer: Peer,
    frigate: Frigate,
    later: Later,
    fault: Fault,
) -> None:
    """MQTT goes on; how far recordings reach back is unknown once that is old."""
    frigate.faults.add(fault)
    await later(90)
    assert issues(hass) == ["frigate_no_answer"]
    device = device_of(hass)
    assert "oldest_recording" in device.readings
    for _minute in range(130):
        frigate.tell_stats()
        await later(60)
    assert device.available
    assert "oldest_recording" not in device.readings
    assert faults(hass) == set()
    frigate.faults.clear()
    await later(90)
    assert issues(hass) == []
    assert "oldest_recording" in device.readings


async def test_http_is_away_from_the_beginning(
    hass: HomeAssistant, peer: Peer, frigate: Frigate
) -> None:
    """After a restart the cameras are there, as MQTT tells."""
    entry = await add_frigate(hass, peer, frigate)
    await hass.config_entries.async_unload(entry.entry_id)
    frigate.faults.add(Fault.BROKEN)
    await set_up(hass, peer, entry)
    frigate.tell_stats()
    frigate.tell_status("gate_in", "record", "online")
    await settled(hass, peer, entry)
    assert device_of(hass).available
    assert issues(hass) == ["frigate_no_answer"]


async def test_an_answer_without_end(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    later: Later,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is not read to its end."""
    monkeypatch.setattr(server, "MOST_BYTES", 100)
    await later(90)
    assert issues(hass) == ["frigate_no_answer"]


async def test_a_token_ends_after_a_day(
    hass: HomeAssistant,
    peer: Peer,
    frigate: Frigate,
    freezer: FrozenDateTimeFactory,
) -> None:
    """It is asked for anew, once; that is no fault."""
    frigate.users = {USERNAME: PASSWORD}
    entry = await add_frigate(hass, peer, frigate, username=USERNAME, password=PASSWORD)
    assert frigate.log_ins == 1
    assert device_of(hass).available
    freezer.tick(timedelta(hours=25))
    await pass_time(hass, freezer, peer, entry, 90)
    assert frigate.log_ins == 2
    assert issues(hass) == []


async def test_no_log_in_is_needed(
    hass: HomeAssistant, peer: Peer, frigate: Frigate
) -> None:
    """Log-ins are switched off there: who has a password is let in without one."""
    await add_frigate(hass, peer, frigate, username=USERNAME, password="any")
    assert device_of(hass).available
    assert frigate.log_ins == 1


@pytest.mark.parametrize("more", [{}, {"username": USERNAME, "password": "wrong"}])
async def test_a_log_in_that_is_refused(
    hass: HomeAssistant,
    peer: Peer,
    frigate: Frigate,
    freezer: FrozenDateTimeFactory,
    more: dict[str, str],
) -> None:
    """A person is asked for another one; until then it is sent once, over restarts too."""
    frigate.users = {USERNAME: PASSWORD}
    entry = await add_frigate(hass, peer, frigate, **more)
    tries = frigate.log_ins
    assert tries == bool(more)
    asked = len(frigate.asked)
    await pass_time(hass, freezer, peer, entry, 600)
    await hass.config_entries.async_reload(entry.entry_id)
    await settled(hass, peer, entry)
    assert (frigate.log_ins, len(frigate.asked)) == (tries, asked)
    asking = entry.runtime_data._server
    for _try in range(2):
        with pytest.raises(LoginError):
            await asking.get("stats")
    assert frigate.log_ins <= tries + 1
    (flow,) = hass.config_entries.flow.async_progress()
    assert flow["step_id"] == "reauth_frigate"


async def test_a_log_in_that_is_refused_later(
    hass: HomeAssistant, frigate: Frigate, later: Later
) -> None:
    """Nobody asks any more: how far recordings reach back is unknown, and no old word stands."""
    assert "oldest_recording" in device_of(hass).readings
    frigate.users = {USERNAME: PASSWORD}
    await later(90)
    assert "oldest_recording" not in device_of(hass).readings
    assert faults(hass) == set()


async def test_nothing_can_be_commanded(
    hass: HomeAssistant, entry: MockConfigEntry, peer: Peer, frigate: Frigate
) -> None:
    """A camera can only report; to be asked for that is another thing."""
    gateway, device = entry.runtime_data, device_of(hass)
    with pytest.raises(HomeAssistantError):
        await gateway.async_set(device, "recording", True)
    frigate.asked.clear()
    await gateway.async_refresh(device, ())
    await settled(hass, peer, entry)
    assert "/api/stats" in frigate.asked


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("available", "perhaps"),
        ("stats", "no JSON"),
        ("stats", {"cameras": []}),
        ("stats", ["cameras"]),
        ("gate_in/status/record", "maybe"),
        ("gate_in/recordings/state", "on"),
        ("events", {"type": "end"}),
        ("events", {"type": "gone", "after": {}}),
        ("events", {"type": "end", "after": {"id": 5, "camera": "gate_in"}}),
        ("events", {"type": "end", "after": {"id": "x-1", "camera": "gate_in"}}),
        ("events", {"type": "end", "after": {"id": "1-" + "x" * 70, "camera": "c"}}),
        ("events", {"type": "end", "after": {"id": "-5-x", "camera": "c"}}),
        ("tracked_object_update", {"type": 1}),
        ("reviews", {"type": "end", "after": {"data": {"detections": "all"}}}),
    ],
)
async def test_messages_that_are_none(
    hass: HomeAssistant, entry: MockConfigEntry, peer: Peer, topic: str, payload: Any
) -> None:
    """They are counted, and change nothing."""
    before = dict(device_of(hass).readings)
    peer.publish(f"frigate/{topic}", payload)
    await settled(hass, peer, entry)
    assert sum(entry.runtime_data.refused.values()) == 1
    assert dict(device_of(hass).readings) == before


async def test_what_is_of_nobody_is_passed_over(
    hass: HomeAssistant, entry: MockConfigEntry, peer: Peer
) -> None:
    """Other topics, and cameras that nobody knows yet, are no mistakes."""
    for topic in (
        "birdseye/recordings/state",
        "x/status/record",
        "gate_in/status/audio",
    ):
        peer.publish(f"frigate/{topic}", "online" if "status" in topic else "ON")
    peer.publish(
        "frigate/stats", {"cameras": {"x": {}, "gate_in": {"camera_fps": None}}}
    )
    await settled(hass, peer, entry)
    assert not entry.runtime_data.refused


@pytest.mark.parametrize("answer", [[], {"cameras": 1}, {"cameras": {"a b": 1}}])
async def test_a_configuration_that_is_none(
    hass: HomeAssistant,
    peer: Peer,
    frigate: Frigate,
    monkeypatch: pytest.MonkeyPatch,
    answer: Any,
) -> None:
    """Nobody is watched by it, and people are told; a name that is none is left out."""

    async def get(_self: Server, *path: str, **_query: Any) -> Any:
        return answer if path == ("config",) else {"cameras": {}}

    monkeypatch.setattr(Server, "get", get)
    entry = await add_frigate(hass, peer, frigate)
    assert entry.runtime_data.devices == {}
    assert issues(hass) == ["frigate_no_answer"]


async def test_diagnostics(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    peer: Peer,
    frigate: Frigate,
) -> None:
    """What helps, and neither address, nor log-in, nor the names of places."""
    frigate.users = {USERNAME: PASSWORD}
    frigate.cameras["gate_in"].friendly = "MARK-gate"
    entry = await add_frigate(hass, peer, frigate, username=USERNAME, password=PASSWORD)
    found = await get_diagnostics_for_config_entry(hass, hass_client, entry)
    text = json.dumps(found)
    for secret in ("MARK", USERNAME, PASSWORD, "127.0.0.1", "gate_in"):
        assert secret not in text
    gateway = found["gateway"]
    assert isinstance(gateway, dict)
    assert gateway["answers"] is True
    assert gateway["cameras"][str(device_of(hass).device_id)]["continuous"] is True


async def test_it_is_forgotten(
    hass: HomeAssistant, entry: MockConfigEntry, hass_storage: dict[str, Any]
) -> None:
    """With its entry goes what it has kept for itself."""
    await hass.config_entries.async_unload(entry.entry_id)
    key = f"community_safety.frigate.{entry.entry_id}"
    await wait_until(hass, lambda: key in hass_storage)
    await hass.config_entries.async_remove(entry.entry_id)
    assert key not in hass_storage
