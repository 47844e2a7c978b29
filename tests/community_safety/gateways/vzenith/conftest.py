"""A camera at the broker, and a gateway that has it."""

from collections.abc import AsyncGenerator

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.community_safety.core import credentials, doors, proving
from custom_components.community_safety.gateways.vzenith import gateway
from homeassistant.core import HomeAssistant
from simulator.vzenith import Camera

from .common import add_camera, local_time, say_anew


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait long for what cannot be proven."""
    monkeypatch.setattr(gateway, "RESULT_SECONDS", 0.5)
    monkeypatch.setattr(gateway, "ARM_SECONDS", 0.5)
    # In frozen time nobody could wait for it.
    monkeypatch.setattr(gateway, "GAP_SECONDS", 0)
    monkeypatch.setattr(credentials, "FIRST_BACKOFF_SECONDS", 0)
    monkeypatch.setattr(doors, "TRY_SECONDS", 0.5)
    monkeypatch.setattr(doors, "DEADLINE_SECONDS", 1.0)
    monkeypatch.setattr(proving, "ASK_SECONDS", 0.2)


@pytest.fixture
async def camera(
    mqtt_entry: MockConfigEntry, broker_port: int
) -> AsyncGenerator[Camera]:
    """Return a camera with its barrier down."""
    camera = Camera(broker_port, clock=local_time)
    await camera.start()
    yield camera
    await camera.stop()


@pytest.fixture
async def entry(hass: HomeAssistant, camera: Camera) -> MockConfigEntry:
    """Return a gateway that cannot read the camera's list, and has heard that it is down."""
    return await add_camera(hass, camera)


@pytest.fixture
async def read_entry(hass: HomeAssistant, camera: Camera) -> MockConfigEntry:
    """Return a gateway that can read the camera's list."""
    return await add_camera(
        hass, camera, url=camera.url, username="admin", password="admin"
    )


@pytest.fixture
async def still(
    hass: HomeAssistant, camera: Camera, freezer: FrozenDateTimeFactory
) -> None:
    """Let time stand still, which leaps as it does so: the camera says anew how it is."""
    await say_anew(hass, camera)
