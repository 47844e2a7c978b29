"""A house with blueprints, and who is told."""

from collections.abc import AsyncGenerator, Generator
from pathlib import Path
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_mock_service,
)

from homeassistant.components.automation import DOMAIN as AUTOMATION
from homeassistant.const import STATE_UNKNOWN
from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.setup import async_setup_component
from tests.common import Peer

from .common import FOLDER, REQUIRED, Add, breaker, complaints, local


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> Generator[None]:
    """Let no automation complain."""
    yield
    assert complaints(caplog) == []


@pytest.fixture
async def site(gateway: MockConfigEntry, freezer: FrozenDateTimeFactory) -> None:
    """Return the gateway at a quarter to ten in the morning, local time."""
    freezer.move_to(local("09:45:00"))


@pytest.fixture
async def add(hass: HomeAssistant) -> AsyncGenerator[Add]:
    """Return what makes automations from blueprints: `add("elevator", input=…)`."""
    folder = Path(hass.config.path("blueprints/automation"))
    folder.mkdir(parents=True)
    (folder / "community_safety").symlink_to(FOLDER)

    async def add(name: str, **inputs: Any) -> None:
        config = {
            "id": name,
            "alias": name,
            "use_blueprint": {
                "path": f"community_safety/{name}.yaml",
                "input": REQUIRED.get(name, {}) | inputs,
            },
        }
        assert await async_setup_component(hass, AUTOMATION, {AUTOMATION: config})
        await hass.async_block_till_done()
        assert hass.states.get(f"automation.{name}").state == "on"

    yield add
    # Ends their timers.
    await hass.services.async_call(
        AUTOMATION, "turn_off", {"entity_id": "all"}, blocking=True
    )


@pytest.fixture
def told(hass: HomeAssistant) -> list[ServiceCall]:
    """Return what is sent to notify entities, of which the office's is there."""
    hass.states.async_set("notify.office", STATE_UNKNOWN)
    return async_mock_service(hass, "notify", "send_message")


@pytest.fixture
async def home(site: None, peer: Peer) -> None:
    """Set up unit 1-1-201: two smoke sensors, a breaker that obeys, a protected one."""
    for device in ("smoke-1", "smoke-2"):
        await peer.config(
            device, "smoke_sensor", ["smoke", "temperature", "test"], area="1-1-201"
        )
        await peer.state(device, smoke=False, temperature=21, test=False)
    await breaker(peer, "breaker-1", "1-1-201")


@pytest.fixture
async def phone(hass: HomeAssistant) -> str:
    """Return the id of a phone with the app, as its integration registers it."""
    entry = MockConfigEntry(domain="mobile_app")
    entry.add_to_hass(hass)
    device = dr.async_get(hass).async_get_or_create(
        config_entry_id=entry.entry_id, identifiers={("mobile_app", "1")}, name="值班 1"
    )
    notify = er.async_get(hass).async_get_or_create(
        "notify", "mobile_app", "1", config_entry=entry, device_id=device.id
    )
    hass.states.async_set(notify.entity_id, STATE_UNKNOWN)
    return device.id


@pytest.fixture
def pushed(hass: HomeAssistant, phone: str) -> list[ServiceCall]:
    """Return what is pushed to the phone."""
    return async_mock_service(hass, "notify", "mobile_app_zhi_ban_1")
