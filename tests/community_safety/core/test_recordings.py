"""Cameras: that they see, that they are recorded, and that recordings are kept long enough."""

import time
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.community_safety.const import DOMAIN, Severity
from custom_components.community_safety.core.house import DATA_HOUSE
from custom_components.community_safety.core.passages import Decision, Means, Passage
from homeassistant.components.number import DOMAIN as NUMBER, SERVICE_SET_VALUE
from homeassistant.components.select import DOMAIN as SELECT, SERVICE_SELECT_OPTION
from homeassistant.const import STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.entity import Entity
from tests.common import BASE, Peer, wait_until

DAY = 86_400
READINGS = ["video_lost", "recording", "oldest_recording"]


@pytest.fixture(autouse=True)
def _all_enabled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Enable every entity: those of faults are off by default."""
    monkeypatch.setattr(Entity, "entity_registry_enabled_default", True)


@pytest.fixture
async def camera(gateway: MockConfigEntry, peer: Peer) -> None:
    """Return with a camera that has said nothing yet."""
    await peer.config("camera-1", "camera", READINGS)


def state_of(hass: HomeAssistant, key: str, platform: str = "binary_sensor") -> str:
    """Return the state of an entity of the camera."""
    entity_id = er.async_get(hass).async_get_entity_id(
        platform, DOMAIN, f"mqtt/{BASE}/camera-1/{key}"
    )
    assert entity_id
    state = hass.states.get(entity_id)
    assert state
    return state.state


def faults(hass: HomeAssistant) -> set[str]:
    """Return what is wrong with the camera, as its alarms say."""
    found = [
        alarm
        for alarm in hass.data[DATA_HOUSE].book.of_device(f"mqtt/{BASE}/camera-1")
        if alarm.present
    ]
    assert all(alarm.severity is Severity.FAULT for alarm in found)
    return {alarm.hazard for alarm in found}


async def pass_time(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, seconds: float
) -> None:
    """Let time go by."""
    freezer.tick(seconds)
    async_fire_time_changed(hass)
    await hass.async_block_till_done()


async def kept(peer: Peer, days: float, **more: Any) -> None:
    """Report that recordings reach back so many days."""
    await peer.state("camera-1", oldest_recording=time.time() - days * DAY, **more)


@pytest.mark.usefixtures("camera")
async def test_unknown_is_unknown(hass: HomeAssistant, peer: Peer) -> None:
    """Before anything was said, nothing is wrong and nothing is well."""
    for key in ("video_lost", "not_recording", "recordings_short", "recording"):
        assert state_of(hass, key) == STATE_UNKNOWN
    assert state_of(hass, "oldest_recording", "sensor") == STATE_UNKNOWN
    assert faults(hass) == set()

    await kept(peer, 45, recording=True)
    assert state_of(hass, "not_recording") == "off"
    assert state_of(hass, "recordings_short") == "off"
    assert state_of(hass, "recording") == "on"
    assert state_of(hass, "oldest_recording", "sensor").startswith("20")
    assert state_of(hass, "video_lost") == STATE_UNKNOWN


@pytest.mark.usefixtures("camera")
@pytest.mark.parametrize(
    ("values", "fault", "seconds"),
    [
        ({"video_lost": True}, "video_lost", 30),
        ({"recording": False}, "not_recording", 60),
    ],
)
async def test_neither_picture_nor_recording(
    hass: HomeAssistant,
    peer: Peer,
    freezer: FrozenDateTimeFactory,
    values: dict[str, bool],
    fault: str,
    seconds: int,
) -> None:
    """A camera that nobody sees or records is a fault, unless that is over at once."""
    await peer.state("camera-1", **values)
    await pass_time(hass, freezer, seconds - 1)
    assert faults(hass) == set()
    await pass_time(hass, freezer, 2)
    assert faults(hass) == {fault}
    assert state_of(hass, fault) == "on"

    await peer.state("camera-1", **{key: not value for key, value in values.items()})
    assert faults(hass) == set()


@pytest.mark.usefixtures("camera")
async def test_a_new_camera_has_no_history_yet(
    hass: HomeAssistant, peer: Peer, freezer: FrozenDateTimeFactory
) -> None:
    """It was put up just now: all that it can have is there, and more comes each day."""
    begin = time.time()
    for _day in range(31):
        await peer.state("camera-1", oldest_recording=begin)
        assert faults(hass) == set()
        assert state_of(hass, "recordings_short") == "off"
        await pass_time(hass, freezer, DAY)


@pytest.mark.usefixtures("camera")
async def test_what_goes_before_its_time_is_a_fault(
    hass: HomeAssistant, peer: Peer, freezer: FrozenDateTimeFactory
) -> None:
    """A disk that holds a week: the first day that is gone too early is seen to be."""
    begin = time.time()
    await peer.state("camera-1", oldest_recording=begin)
    await pass_time(hass, freezer, 7 * DAY)
    # A day together, an hour together: recorders drop what is old in portions.
    await peer.state("camera-1", oldest_recording=begin + DAY - 60)
    assert faults(hass) == set()
    await pass_time(hass, freezer, DAY)
    await peer.state("camera-1", oldest_recording=begin + DAY + 3600)
    assert faults(hass) == {"recordings_short"}

    # That it does not grow worse is no mend, …
    await pass_time(hass, freezer, DAY)
    await peer.state("camera-1", oldest_recording=begin + DAY + 3600)
    assert faults(hass) == {"recordings_short"}
    # … nor that nothing is known: a larger disk is.
    await peer.state("camera-1", oldest_recording="long ago")
    assert "recordings_short" in faults(hass)
    await kept(peer, 40)
    assert faults(hass) == set()


@pytest.mark.usefixtures("camera")
async def test_a_camera_that_was_there_before_us(
    hass: HomeAssistant, peer: Peer, freezer: FrozenDateTimeFactory
) -> None:
    """It has twenty days, and nobody knows why; once the first is gone, it is known."""
    await kept(peer, 20)
    assert faults(hass) == set()
    await pass_time(hass, freezer, DAY - 60)
    await kept(peer, 20)
    assert faults(hass) == set()
    await pass_time(hass, freezer, 3600)
    await kept(peer, 20)
    assert faults(hass) == {"recordings_short"}


@pytest.mark.usefixtures("camera")
async def test_recording_began_too_late(
    hass: HomeAssistant, peer: Peer, freezer: FrozenDateTimeFactory
) -> None:
    """It is there for a week, and nobody has recorded it for all but the last day."""
    await pass_time(hass, freezer, 7 * DAY)
    await kept(peer, 1)
    assert faults(hass) == {"recordings_short"}


async def test_after_a_restart(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    peer: Peer,
    freezer: FrozenDateTimeFactory,
) -> None:
    """The fault is there again: neither what is remembered nor a run that is new ends it."""
    await peer.config("camera-1", "camera", READINGS)
    await kept(peer, 20)
    await pass_time(hass, freezer, 2 * DAY)
    await kept(peer, 20)
    assert faults(hass) == {"recordings_short"}

    house = hass.data[DATA_HOUSE]
    await hass.config_entries.async_unload(gateway.entry_id)
    # As in a new run, of which nothing but the alarm book is left.
    house.recordings._earliest.clear()
    await kept(peer, 40)
    assert await hass.config_entries.async_setup(gateway.entry_id)

    def is_remembered() -> bool:
        # Home Assistant waits a moment before it subscribes.
        freezer.tick(0.01)
        return state_of(hass, "oldest_recording", "sensor").startswith("20")

    await wait_until(hass, is_remembered)
    assert faults(hass) == {"recordings_short"}
    await kept(peer, 20)
    assert faults(hass) == {"recordings_short"}
    await kept(peer, 31)
    assert faults(hass) == set()


@pytest.mark.usefixtures("camera")
async def test_it_grows_old_without_a_word(
    hass: HomeAssistant, peer: Peer, freezer: FrozenDateTimeFactory
) -> None:
    """Who only tells what has changed need not say that a day has gone by."""
    begin = time.time()
    await peer.state("camera-1", oldest_recording=begin)
    await pass_time(hass, freezer, 3 * DAY)
    await peer.state("camera-1", oldest_recording=begin + 2 * DAY)
    assert faults(hass) == {"recordings_short"}
    freezer.tick(29 * DAY)
    assert "recordings_short" in faults(hass)
    hass.data[DATA_HOUSE].recordings.new_day()
    await hass.async_block_till_done()
    assert "recordings_short" not in faults(hass)


@pytest.mark.usefixtures("camera")
async def test_wrong_clocks_accuse_nobody(hass: HomeAssistant, peer: Peer) -> None:
    """A recording of next week says nothing about how long they are kept."""
    await kept(peer, -7)
    assert faults(hass) == set()
    assert state_of(hass, "recordings_short") == STATE_UNKNOWN


@pytest.mark.usefixtures("camera")
async def test_ninety_days_where_set(
    hass: HomeAssistant, peer: Peer, freezer: FrozenDateTimeFactory
) -> None:
    """A key site, or a number of its own: what is enough elsewhere is not there."""
    await pass_time(hass, freezer, 400 * DAY)
    await kept(peer, 40)
    assert faults(hass) == set()

    async def call(domain: str, service: str, key: str, **data: Any) -> None:
        entity_id = er.async_get(hass).async_get_entity_id(
            domain, DOMAIN, f"mqtt/{BASE}/camera-1/{key}"
        )
        await hass.services.async_call(
            domain, service, {"entity_id": entity_id, **data}, blocking=True
        )

    await call(SELECT, SERVICE_SELECT_OPTION, "variant", option="key_site")
    assert faults(hass) == {"recordings_short"}
    await call(NUMBER, SERVICE_SET_VALUE, "shortest_retention", value=40)
    assert faults(hass) == set()


async def test_channels_of_a_recorder(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    peer: Peer,
    freezer: FrozenDateTimeFactory,
) -> None:
    """One channel that is not recorded is enough, however well the others are."""
    await peer.config("camera-1", "camera", ["recording_1", "recording_2"])
    await peer.state("camera-1", recording_1=True, recording_2=False)
    await pass_time(hass, freezer, 61)
    assert faults(hass) == {"not_recording"}


# What it reads


class Sink:
    """Takes passages as an integration that knows people would."""

    def __init__(self, *, takes_faces: bool) -> None:
        """Initialize."""
        self.takes_faces = takes_faces
        self.taken: list[Passage] = []

    def passed(self, passage: Passage) -> None:
        """Take one."""
        self.taken.append(passage)


def told_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what we have logged of whom it is about."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.name.startswith("custom_components") and "MARK" in record.getMessage()
    ]


def with_sink(hass: HomeAssistant, *, takes_faces: bool = True) -> Sink:
    """Let somebody take passages."""
    sink = Sink(takes_faces=takes_faces)
    hass.data[DATA_HOUSE].passages._sinks["test"] = sink  # type: ignore[assignment]
    return sink


PLATE = {
    "version": 1,
    "index": 1,
    "door": "1",
    "number": "MARK1234",
    "decision": "seen",
    "means": "plate",
}
FACE = {**PLATE, "means": "face", "number": "MARK Person"}


@pytest.mark.usefixtures("camera")
async def test_passages(
    hass: HomeAssistant, peer: Peer, caplog: pytest.LogCaptureFixture
) -> None:
    """A plate, what is known better of it, and a face: to who knows people alone."""
    sink = with_sink(hass)
    now = time.time()
    for message in (
        {**PLATE, "event": "e1", "category": "car", "score": 0.7, "inwards": True},
        {**PLATE, "event": "e1", "corrected": True, "index": 2},
        FACE,
        {**PLATE, "time": now - 3600, "late": True},
        {**PLATE, "time": now - 3600},
    ):
        await peer.send(f"{BASE}/camera-1/passage", {"id": "p", "time": now, **message})
    first, second, face, old, slow = sink.taken
    assert first.number == "MARK1234"
    assert (first.means, first.decision) == (Means.PLATE, Decision.SEEN)
    assert (first.event, first.category, first.score) == ("e1", "car", 0.7)
    assert (first.inwards, first.corrected, first.late) == (True, False, False)
    assert (second.event, second.corrected, second.score) == ("e1", True, None)
    assert second.index == 2
    assert (face.means, face.number, face.event) == (Means.FACE, "MARK Person", None)
    assert not first.granted
    assert old.late
    assert old.at.timestamp() == pytest.approx(now - 3600)
    # Of a clock that is wrong, it is of now.
    assert not slow.late
    assert slow.at.timestamp() >= now - 1
    assert not told_of(caplog)
    assert "MARK" not in repr(sink.taken)
    assert "MARK" not in str([state.as_dict() for state in hass.states.async_all()])


@pytest.mark.usefixtures("camera")
@pytest.mark.parametrize(
    ("topic", "more", "retain"),
    [
        ("camera-1", {"means": "gait"}, False),
        ("camera-1", {"number": ""}, False),
        ("camera-1", {"score": 93}, False),
        ("camera-1", {"means": "face", "decision": "granted"}, False),
        ("camera-1", {}, True),
        ("camera-2", {}, False),
    ],
)
async def test_passages_that_are_refused(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    peer: Peer,
    caplog: pytest.LogCaptureFixture,
    topic: str,
    more: dict[str, Any],
    retain: bool,
) -> None:
    """What is not understood, or would come again and again, is counted and told nobody."""
    sink = with_sink(hass)
    message = {**PLATE, "id": "p1", "time": time.time(), **more}
    if retain:
        await hass.config_entries.async_unload(gateway.entry_id)
    await peer.send(f"{BASE}/{topic}/passage", message, retain=retain)
    if retain:
        assert await hass.config_entries.async_setup(gateway.entry_id)
    await wait_until(hass, lambda: bool(gateway.runtime_data.refused))
    assert sink.taken == []
    assert not told_of(caplog)


@pytest.mark.usefixtures("camera")
async def test_faces_only_for_who_takes_them(hass: HomeAssistant, peer: Peer) -> None:
    """Who has not said that it takes names of faces gets none; and nobody is no error."""
    topic, head = f"{BASE}/camera-1/passage", {"id": "p1", "time": time.time()}
    dropped = hass.data[DATA_HOUSE].passages.dropped
    uid = f"mqtt/{BASE}/camera-1"
    await peer.send(topic, {**PLATE, **head})
    assert dropped[uid] == 1
    sink = with_sink(hass, takes_faces=False)
    await peer.send(topic, {**FACE, **head})
    assert sink.taken == []
    assert dropped[uid] == 2
    await peer.send(topic, {**PLATE, **head})
    assert len(sink.taken) == 1
    assert dropped[uid] == 2
