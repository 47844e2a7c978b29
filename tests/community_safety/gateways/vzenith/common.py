"""What tests of Vzenith cameras have in common."""

from datetime import datetime
from typing import Any

from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.community_safety.const import DOMAIN
from custom_components.community_safety.core.alarm import Alarm
from custom_components.community_safety.core.device import SafetyDevice
from custom_components.community_safety.core.house import DATA_HOUSE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util
from simulator.vzenith import Camera
from tests.common import subscribed, wait_until

PLATE, OTHER = "浙A0T5K9", "浙AD12345"
BEGIN = dt_util.utc_from_timestamp(1_750_000_000)
END = dt_util.utc_from_timestamp(1_990_000_000)


def local_time() -> datetime:
    """Return the local time without its zone, as a camera has it."""
    return dt_util.now().replace(tzinfo=None)


def data_of(camera: Camera, **more: Any) -> dict[str, Any]:
    """Return what an entry of a camera has."""
    return {
        "dialect": "vzenith",
        "serial": camera.serial,
        "topic": f"device/{camera.serial}",
        "direction": "in",
        "open_output": 0,
        "close_output": 1,
        "arm_input": 1,
        **more,
    }


async def add_camera(
    hass: HomeAssistant, camera: Camera, **more: Any
) -> MockConfigEntry:
    """Add a gateway of a camera, and wait until it was heard and its arm is known."""
    entry = MockConfigEntry(
        domain=DOMAIN,
        title="Vzenith",
        unique_id=f"vzenith/{camera.serial}",
        data=data_of(camera, **more),
    )
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await subscribed(hass)
    if entry.data["arm_input"] == 1:
        await say_anew(hass, camera)
    else:
        camera.beat()
    return entry


async def say_anew(hass: HomeAssistant, camera: Camera) -> None:
    """Have a camera say that its arm is down, and wait until that is heard."""
    before = device_of(hass, camera).reported.get("locked_1")
    camera.beat()
    camera.say_input(1, 0)
    await wait_until(
        hass,
        lambda: device_of(hass, camera).reported.get("locked_1") not in (None, before),
    )


def device_of(hass: HomeAssistant, camera: Camera) -> SafetyDevice:
    """Return the device of a camera."""
    found = hass.data[DATA_HOUSE].device(f"vzenith/{camera.serial}/{camera.serial}")
    assert found
    return found[1]


def alarms_of(hass: HomeAssistant, camera: Camera) -> dict[str, Alarm]:
    """Return the open alarms of a camera, by hazard."""
    book = hass.data[DATA_HOUSE].book
    uid = f"vzenith/{camera.serial}/{camera.serial}"
    return {alarm.hazard: alarm for alarm in book.of_device(uid)}


def entity_of(hass: HomeAssistant, camera: Camera, platform: str, key: str) -> str:
    """Return the id of an entity of a camera."""
    found = er.async_get(hass).async_get_entity_id(
        platform, DOMAIN, f"vzenith/{camera.serial}/{camera.serial}/{key}"
    )
    assert found
    return found


def state_of(hass: HomeAssistant, camera: Camera, platform: str, key: str) -> str:
    """Return the state of an entity of a camera."""
    state = hass.states.get(entity_of(hass, camera, platform, key))
    assert state
    return state.state
