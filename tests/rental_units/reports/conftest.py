"""A property whose plates are printed, and phones that report hazards."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
import re
from typing import Any

from aiohttp import FormData
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.rental_units.places.book import CODE_PATH
from custom_components.rental_units.reports.book import DATA_REPORTS, ReportBook
from homeassistant.core import HomeAssistant
from tests.rental_units.places.conftest import (  # noqa: F401
    Plates,
    book,
    panel,
    panel_for,
    plates,
    stairs,
)

from .pictures import photo

_SIGNED = re.compile(r'name="form" value="([^"]+)"')
#: Addresses of receipts.
RECEIPT = re.compile(r"/api/h/([0-9a-f]{32})")


@dataclass
class Phone:
    """A phone at a plate, without an account."""

    client: Any
    token: str
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """Return where the form is."""
        return f"{CODE_PATH}/{self.token}/report"

    async def form(self) -> str:
        """Open the form; return what it says of itself."""
        answer = await self.client.get(self.path)
        assert answer.status == 200
        found = _SIGNED.search(await answer.text())
        assert found
        return found[1]

    async def send(self, *photos: bytes, signed: str | None = None, **said: str) -> Any:
        """Fill in the form and send it; return the answer."""
        data = FormData()
        data.add_field("form", signed if signed is not None else await self.form())
        for key, value in {"category": "rubbish", "text": "", **said}.items():
            data.add_field(key, value)
        _attach(data, photos)
        return await self.client.post(
            self.path, data=data, headers=self.headers, allow_redirects=False
        )

    async def report(self, *photos: bytes, **said: str) -> str:
        """Report something; return the path of the receipt."""
        answer = await self.send(*(photos or (photo(),)), **said)
        assert answer.status == 303, await answer.text()
        path: str = answer.headers["Location"]
        assert RECEIPT.fullmatch(path)
        return path

    async def answer(self, path: str, word: str) -> Any:
        """Press a button of a receipt."""
        return await self.client.post(
            path, data={"answer": word}, allow_redirects=False
        )

    async def adding(self, path: str) -> str:
        """Return what the form of a receipt says of itself; empty if there is none."""
        found = _SIGNED.search(await (await self.client.get(path)).text())
        return found[1] if found else ""

    async def add(
        self, path: str, *photos: bytes, text: str = "", form: str | None = None
    ) -> Any:
        """Add something to a report."""
        data = FormData()
        data.add_field("form", await self.adding(path) if form is None else form)
        data.add_field("text", text)
        _attach(data, photos)
        return await self.client.post(path, data=data, allow_redirects=False)


def _attach(data: FormData, photos: tuple[bytes, ...]) -> None:
    """Add files as a browser does: if none was chosen, one without a name."""
    for number, content in enumerate(photos):
        data.add_field("photo", content, filename=f"IMG_{number}.HEIC")
    if not photos:
        data.add_field("photo", b"", filename="")


type Phones = Callable[[str], Awaitable[Phone]]


@pytest.fixture
def reports(hass: HomeAssistant, entry: MockConfigEntry) -> ReportBook:
    """Return the reports of the property."""
    return hass.data[DATA_REPORTS][entry.entry_id]


@pytest.fixture
async def phone_at(plates: Plates, hass_client_no_auth: Any) -> Phones:  # noqa: F811
    """Return what scans the plate of a place."""
    client = await hass_client_no_auth()

    async def scan(name: str) -> Phone:
        return Phone(client, (await plates(name))[name])

    return scan


@pytest.fixture
async def phone(phone_at: Phones) -> Phone:
    """Return a phone at the plate of a unit."""
    return await phone_at("unit 1-1-101")
