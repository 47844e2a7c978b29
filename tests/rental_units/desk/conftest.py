"""A property with a desk, on a Friday before noon."""

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.rental_units.desk.book import DATA_DESKS, DeskBook
from homeassistant.core import HomeAssistant
from tests.rental_units.panel import Panel, panel_of

#: A Friday; in the tests' time zone it is noon.
FRIDAY = "2026-11-27 20:00:00+00:00"


@pytest.fixture(autouse=True)
def friday(freezer: FrozenDateTimeFactory) -> None:
    """Let it be a Friday, before the property is set up."""
    freezer.move_to(FRIDAY)


@pytest.fixture
def desk(hass: HomeAssistant, entry: MockConfigEntry) -> DeskBook:
    """Return what is due in the property."""
    return hass.data[DATA_DESKS][entry.entry_id]


@pytest.fixture
async def panel(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    hass_ws_client: WebSocketGenerator,
) -> Panel:
    """Return the administrator's panel."""
    return await panel_of(hass, entry, hass_ws_client)
