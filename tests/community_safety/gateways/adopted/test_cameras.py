"""Cameras of other integrations: there while they are available, recorded if something says so."""

from datetime import timedelta

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.community_safety.core.supervision import LONGEST_SILENCE
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from .common import adopt, only_device, open_hazards, say
from .shapes import FRIGATE_CAMERA, ONVIF_CAMERA, PROTECT_CAMERA, Shape, entity_of

#: The end of the unique id of the camera itself.
CAMERA = {"onvif": "ee:ff", "unifiprotect": "_0", "frigate": ":camera:front_door"}


def camera_of(hass: HomeAssistant, shape: Shape) -> str:
    """Return the entity of the camera itself."""
    return entity_of(hass, shape, CAMERA[shape.domain])


async def later(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, seconds: float
) -> None:
    """Let time pass, a little at a time: whoever counts silence counts it."""
    while seconds > 0:
        freezer.tick(timedelta(seconds=min(seconds, 10)))
        async_fire_time_changed(hass)
        await hass.async_block_till_done()
        seconds -= 10


async def test_being_available_is_a_sign_of_life(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    """A camera writes no state for days: it is there all the same, and has a picture."""
    entry = await adopt(hass, ONVIF_CAMERA)
    device = only_device(entry)
    say(hass, camera_of(hass, ONVIF_CAMERA), "idle")
    assert device.available
    assert device.readings["video_lost"] is False
    assert "recording" not in device.readings
    await later(hass, freezer, max(LONGEST_SILENCE.values()) // 200)
    freezer.tick(timedelta(days=2))
    await later(hass, freezer, 60)
    assert open_hazards(hass, device) == []


async def test_unavailable_is_a_fault(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    """For a minute an integration may be loaded anew; then the camera is away, until it is back."""
    entry = await adopt(hass, ONVIF_CAMERA)
    device = only_device(entry)
    camera = camera_of(hass, ONVIF_CAMERA)
    say(hass, camera, "streaming")
    say(hass, camera, STATE_UNAVAILABLE)
    assert not device.available
    await later(hass, freezer, 50)
    assert open_hazards(hass, device) == []
    await later(hass, freezer, 20)
    assert "unresponsive" in open_hazards(hass, device)
    say(hass, camera, "idle")
    assert device.available
    assert open_hazards(hass, device) == []


async def test_no_picture_where_something_else_is_heard(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    """Its recorder still tells of its recordings: the camera itself is what is away."""
    entry = await adopt(hass, PROTECT_CAMERA)
    device = only_device(entry)
    camera = camera_of(hass, PROTECT_CAMERA)
    oldest = entity_of(hass, PROTECT_CAMERA, "oldest_recording")
    say(hass, oldest, (dt_util.utcnow() - timedelta(days=40)).isoformat())
    say(hass, camera, "recording")
    say(hass, camera, STATE_UNAVAILABLE)
    await later(hass, freezer, 70)
    assert open_hazards(hass, device) == []
    await later(hass, freezer, 40)
    assert open_hazards(hass, device) == ["video_lost"]
    assert device.available
    say(hass, camera, "idle")
    assert open_hazards(hass, device) == []


async def test_recordings_by_a_timestamp(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    """Recordings that are gone before their time are seen by a sensor that tells a time."""
    entry = await adopt(hass, PROTECT_CAMERA)
    device = only_device(entry)
    oldest = entity_of(hass, PROTECT_CAMERA, "oldest_recording")
    say(hass, camera_of(hass, PROTECT_CAMERA), "idle")
    begin = dt_util.utcnow() - timedelta(days=12)
    say(hass, oldest, begin.isoformat())
    assert device.readings["oldest_recording"] == begin.timestamp()
    assert open_hazards(hass, device) == []
    say(hass, oldest, (begin + timedelta(days=2)).isoformat())
    assert open_hazards(hass, device) == ["recordings_short"]
    say(hass, oldest, (begin - timedelta(days=30)).isoformat())
    assert open_hazards(hass, device) == []


@pytest.mark.parametrize("text", ["soon", "2026-09-01T00:00:00", "12"])
async def test_what_is_no_time(hass: HomeAssistant, text: str) -> None:
    """It is a fault of that sensor, and nobody takes it for a time."""
    entry = await adopt(hass, PROTECT_CAMERA)
    device = only_device(entry)
    say(hass, camera_of(hass, PROTECT_CAMERA), "idle")
    say(hass, entity_of(hass, PROTECT_CAMERA, "oldest_recording"), text)
    assert "oldest_recording" not in device.readings
    assert open_hazards(hass, device) == ["sensor_fault"]


async def test_recording_where_an_entity_says_so(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    """Somebody switches the recordings off: that is a fault, and unavailable is unknown."""
    entry = await adopt(hass, FRIGATE_CAMERA)
    device = only_device(entry)
    recordings = entity_of(hass, FRIGATE_CAMERA, "switch_rec:front_door")
    say(hass, camera_of(hass, FRIGATE_CAMERA), "streaming")
    say(hass, recordings, "on")
    assert device.readings["recording"] is True
    say(hass, recordings, "off")
    await later(hass, freezer, 61)
    assert open_hazards(hass, device) == ["not_recording"]
    say(hass, recordings, STATE_UNAVAILABLE)
    assert "recording" not in device.readings
    assert open_hazards(hass, device) == ["not_recording"]
    say(hass, recordings, "on")
    assert open_hazards(hass, device) == ["not_recording"]
    say(hass, recordings, "on", again=True)
    assert open_hazards(hass, device) == []
