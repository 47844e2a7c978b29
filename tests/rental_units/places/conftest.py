"""A property whose plates are printed, and phones that scan them."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
import re
import time
from typing import Any

from aiohttp import ClientResponse
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser
from pytest_homeassistant_custom_component.typing import WebSocketGenerator
from sqlalchemy import update

from custom_components.rental_units.app.application import application_of
from custom_components.rental_units.app.places import GetPlaces, IssueCodes
from custom_components.rental_units.places.book import CODE_PATH, DATA_BOOKS, PlaceBook
from custom_components.rental_units.register.models import ContactAddress
from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.setup import async_setup_component
from tests.rental_units.common import E164, OTHER_PHONE, PHONE, add_unit, check_in
from tests.rental_units.panel import Panel, panel_of

#: The headers of a browser in which somebody opens a page, and of one that fetches ahead.
LOOKS = {"Sec-Fetch-Dest": "document", "Sec-Fetch-Mode": "navigate"}
#: 128 bits in base 64.
TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")
#: The headers of somebody who reads English.
ENGLISH = {"Accept-Language": "en"}

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


class Door:
    """A phone at a door, whose text messages are read."""

    def __init__(
        self, hass: HomeAssistant, client: Any, tokens: dict[str, str]
    ) -> None:
        """Initialize."""
        self.hass = hass
        self.client = client
        self.tokens = tokens
        self.messages: list[dict[str, Any]] = []

    def path(self, place: str = "unit 1-1-101") -> str:
        """Return the page of a place's residents."""
        return f"{CODE_PATH}/{self.tokens[place]}/resident"

    async def send(
        self, place: str = "unit 1-1-101", headers: Any = None, **form: str
    ) -> ClientResponse:
        """Send a form."""
        answer: ClientResponse = await self.client.post(
            self.path(place),
            data=form,
            headers={**ENGLISH, **(headers or {})},
            allow_redirects=False,
        )
        await self.hass.async_block_till_done(wait_background_tasks=True)
        return answer

    async def ask(self, address: str = PHONE, place: str = "unit 1-1-101") -> str:
        """Ask for a code; return what stands for it."""
        answer = await self.send(place, address=address)
        assert answer.status == HTTPStatus.OK
        found = re.search(r'name="challenge" value="([^"]+)"', await answer.text())
        assert found
        return found[1]

    def code(self) -> str:
        """Return the code of the last message."""
        found = re.search(r"\b\d{6}\b", self.messages[-1]["message"])
        assert found
        return found[0]

    async def page(self, place: str = "unit 1-1-101") -> str:
        """Return the page, as who has been let in sees it."""
        answer = await self.client.get(self.path(place), headers=ENGLISH)
        assert answer.status == HTTPStatus.OK
        return str(await answer.text())


@pytest.fixture
async def door(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    plates: Plates,
    hass_client_no_auth: Any,
) -> Door:
    """Return a phone at the door of a tenant who has confirmed their number."""

    async def send(message: ServiceCall) -> None:
        found.messages.append(dict(message.data))

    await check_in(hass, entry, "1-1-101", name="MARK-TENANT")
    await verify(entry, E164)
    await check_in(hass, entry, "1-2-101", name="MARK-OTHER", phone=OTHER_PHONE)
    hass.services.async_register("carrier", "send", send)
    data = {"to": "{{ to }}", "message": "{{ message }}"}
    sequence = [{"action": "carrier.send", "data": data}]
    script = {"text": {"sequence": sequence, "mode": "parallel"}}
    assert await async_setup_component(hass, "script", {"script": script})
    hass.config_entries.async_update_entry(
        entry,
        options={
            "channels": {"sms": {"provider": "script", "script": "script.text"}},
            "places": {"office_phone": "+862787654321"},
        },
    )
    await hass.async_block_till_done()
    tokens = await plates("unit 1-1-101", "unit 1-2-101", "stairwell 1-1", "building 1")
    found = Door(hass, await hass_client_no_auth(), tokens)
    return found


async def verify(entry: MockConfigEntry, target: str) -> None:
    """Let an address be confirmed."""
    await entry.runtime_data.async_run(
        lambda session: session.execute(
            update(ContactAddress)
            .where(ContactAddress.target == target)
            .values(verified_at=time.time())
        )
    )
