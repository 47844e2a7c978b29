"""A property whose plates are printed, and phones that scan them."""

from collections.abc import Awaitable, Callable
import re
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.rental_units.app.application import application_of
from custom_components.rental_units.app.places import GetPlaces, IssueCodes
from custom_components.rental_units.places.book import DATA_BOOKS, PlaceBook
from homeassistant.core import HomeAssistant
from tests.rental_units.common import add_unit
from tests.rental_units.panel import Panel, panel_of

#: The headers of a browser in which somebody opens a page, and of one that fetches ahead.
LOOKS = {"Sec-Fetch-Dest": "document", "Sec-Fetch-Mode": "navigate"}
#: 128 bits in base 64.
TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")

type Plates = Callable[..., Awaitable[dict[str, str]]]


@pytest.fixture
async def stairs(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Let there be an address outside, and a unit without a stairwell."""
    hass.config.external_url = "https://home.example.cn"
    await add_unit(hass, entry, building="9", number="1")


@pytest.fixture
def book(hass: HomeAssistant, entry: MockConfigEntry) -> PlaceBook:
    """Return the places of the property."""
    return hass.data[DATA_BOOKS][entry.entry_id]


def name_of(place: dict[str, Any]) -> str:
    """Return what tests call a place: unit 1-1-101, stairwell 1-1, shared Roof."""
    parts = (place["building"], place["stairwell"], place["number"], place["name"])
    return f"{place['kind']} {'-'.join(part for part in parts if part)}"


async def ids_of(hass: HomeAssistant, entry: MockConfigEntry) -> dict[str, str]:
    """Return the ids of all places, by what tests call them."""
    application = application_of(hass, entry.entry_id)
    rows = await application.async_fill(GetPlaces(), None)
    return {name_of(row): str(row["place_id"]) for row in rows}


@pytest.fixture
async def plates(
    hass: HomeAssistant, entry: MockConfigEntry, stairs: None, book: PlaceBook
) -> Plates:
    """Return what prints plates; it returns their tokens, by what tests call the places."""

    async def issue(*names: str) -> dict[str, str]:
        ids = await ids_of(hass, entry)
        wanted = {ids[name]: name for name in names}
        command = IssueCodes(list(wanted), book.new_token)
        application = application_of(hass, entry.entry_id)
        issued = await application.async_fill(command, None)
        return {wanted[row.place.id]: row.token for row in issued}

    return issue


@pytest.fixture
async def panel(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    hass_ws_client: WebSocketGenerator,
    stairs: None,
) -> Panel:
    """Return the administrator's panel."""
    return await panel_of(hass, entry, hass_ws_client)


@pytest.fixture
def panel_for(
    hass: HomeAssistant, entry: MockConfigEntry, hass_ws_client: WebSocketGenerator
) -> Callable[[MockUser], Awaitable[Panel]]:
    """Return what opens the panel of a user."""

    async def opened(user: MockUser) -> Panel:
        return await panel_of(hass, entry, hass_ws_client, user)

    return opened
