"""Somebody who has agreed to be visited, and a panel in which days go by."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.rental_units.app.application import application_of
from custom_components.rental_units.app.places import IssueCodes
from custom_components.rental_units.care.visits.book import DATA_ROUNDS, RoundBook
from custom_components.rental_units.places.book import DATA_BOOKS
from homeassistant.core import HomeAssistant
from tests.rental_units.common import call, check_in, unit_id
from tests.rental_units.panel import Panel
from tests.rental_units.search.conftest import FreshPanel

#: A Tuesday.
NOW = datetime(2026, 9, 1, 9, 30, tzinfo=UTC)
NOTE = "MARK-HARD-OF-HEARING"


@pytest.fixture
def still(freezer: FrozenDateTimeFactory) -> FrozenDateTimeFactory:
    """Let time stand still."""
    freezer.move_to(NOW)
    return freezer


def rounds_of(hass: HomeAssistant, entry: MockConfigEntry) -> RoundBook:
    """Return the rounds of a property, also after it was loaded anew."""
    return hass.data[DATA_ROUNDS][entry.entry_id]


type PanelFor = Callable[..., Panel]


@pytest.fixture
def panel_for(
    hass: HomeAssistant, entry: MockConfigEntry, hass_ws_client: WebSocketGenerator
) -> PanelFor:
    """Return what opens the panel of a user, or of the administrator."""

    def opened(user: MockUser | None = None) -> Panel:
        return FreshPanel(hass, entry, hass_ws_client, user)

    return opened


async def agrees(hass: HomeAssistant, person: str, **more: Any) -> None:
    """Let somebody agree to be visited."""
    await call(hass, "give_consent", {"person_id": person, "scope": "visits", **more})


type Visited = Callable[..., Awaitable[str]]


@pytest.fixture
def visited(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    panel_for: PanelFor,
    still: FrozenDateTimeFactory,
) -> Visited:
    """Return what checks somebody in who agrees, and begins their round; it returns them."""

    async def begin(title: str = "1-1-101", risk: str = "high", **more: Any) -> str:
        names = {key: more.pop(key) for key in ("name", "phone") if key in more}
        person = await check_in(hass, entry, title, **names)
        await agrees(hass, person)
        said = {"risk": risk, "note": NOTE, **more}
        await panel_for().get("put_round", person_id=person, **said)
        return person

    return begin


async def plate_of(
    hass: HomeAssistant, entry: MockConfigEntry, title: str = "1-1-101"
) -> str:
    """Return the code on a new plate of a unit."""
    places = hass.data[DATA_BOOKS][entry.entry_id]
    unit = unit_id(entry, title)
    (place,) = (row.id for row in places.places.values() if row.unit_id == unit)
    application = application_of(hass, entry.entry_id)
    (code,) = await application.async_fill(IssueCodes([place], places.new_token), None)
    return code.token
