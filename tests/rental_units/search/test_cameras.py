"""From what a camera says at a real broker to whom somebody looks for."""

from datetime import timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.community_safety.core.device import SafetyDevice
from custom_components.community_safety.core.house import DATA_HOUSE
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
from tests.common import BASE, Peer, wait_until
from tests.rental_units.panel import Panel

from .conftest import NOW, Open, Street
from .test_described import RED_CHILD

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture(autouse=True)
async def now(gateway: MockConfigEntry, freezer: FrozenDateTimeFactory) -> None:
    """Let time stand still once the broker was heard, which takes some."""
    freezer.move_to(NOW)


@pytest.fixture
async def camera(
    hass: HomeAssistant, entry: MockConfigEntry, gateway: MockConfigEntry, peer: Peer
) -> SafetyDevice:
    """Return a camera of our protocol, at a real broker."""
    await peer.config("cam", "camera", ["video_lost"])
    await peer.state("cam", video_lost=False)
    await wait_until(hass, lambda: hass.data[DATA_HOUSE].passages.has_sink)
    device: SafetyDevice = gateway.runtime_data.devices["cam"]
    return device


async def see(peer: Peer, number: int, **more: Any) -> None:
    """Let a camera tell of somebody who has no number."""
    message = {
        "version": 1,
        "id": f"p{number}",
        "time": dt_util.utcnow().timestamp(),
        "index": number,
        "door": "1",
        "decision": "seen",
        "means": "sight",
        "category": "person",
        "event": f"e{number}",
        **more,
    }
    await peer.send(f"{BASE}/cam/passage", message)


async def test_from_a_message_to_the_last_sighting(
    camera: SafetyDevice, peer: Peer, street: Street, panel: Panel, opened: Open
) -> None:
    """What a camera says on MQTT is found by description, place and time; another colour is not."""
    await see(peer, 1, **RED_CHILD)
    await see(peer, 2, colour="blue", age_group="child")
    await see(peer, 3)
    await street.flush()
    case = await opened(subject="MARK-CHILD", description="Red jacket")
    here: dict[str, Any] = {
        "case_id": case,
        "places": [[camera.device_id, None]],
        "since": (dt_util.utcnow() - timedelta(hours=1)).isoformat(),
    }
    found = await panel.get("search_sightings", **here, **RED_CHILD)
    (seen,) = found["sightings"]
    assert (seen["category"], seen["colour"], seen["age_group"]) == (
        "person",
        "red",
        "child",
    )
    assert (seen["number"], seen["medium"], seen["untold"]) == ("", None, [])
    # The third may be them: it is not left out without a word.
    assert found["untold"] == 1
    found = await panel.get("search_sightings", **here, **RED_CHILD, untold=True)
    assert [row["untold"] for row in found["sightings"]] == [
        ["colour", "age_group"],
        [],
    ]
    assert found["untold"] == 0
    found = await panel.get("search_sightings", **here, colour="green")
    assert (found["sightings"], found["untold"]) == ([], 1)
    # An hour before, nobody was there.
    here["until"] = here.pop("since")
    found = await panel.get("search_sightings", **here, **RED_CHILD)
    assert (found["sightings"], found["untold"]) == ([], 0)
