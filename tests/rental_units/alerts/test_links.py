"""The link of a message: short enough for an SMS by template, and nobody's to guess."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from http import HTTPStatus
import json
from pathlib import Path
from typing import Any

from aiohttp import ClientConnectorError, ClientSession
import pytest

from custom_components.rental_units.alerts.engine import HEARTBEAT_SECONDS
from custom_components.rental_units.alerts.links import AlertLinks
from custom_components.rental_units.alerts.models import Delivery
from custom_components.rental_units.alerts.views import ANSWERS_A_MINUTE, WRONG_A_MINUTE
from custom_components.rental_units.const import DOMAIN
from homeassistant.helpers import issue_registry as ir
from simulator.providers import SMS_ACCOUNT, Providers

from .conftest import NUMBERS, House
from .providers import Provider
from .test_channels import message


async def tokens(house: House) -> list[str]:
    """Raise an alarm; return the tokens of its links."""
    await house.alert(hazard="smoke")
    await house.settled()
    return list(house.engine.dispatcher.by_token)


class Carrier:
    """The simulated provider of SMS, which knows templates, and phones with a browser."""

    def __init__(self, book: Path, port: int) -> None:
        """Initialize; the template has the address of the `book`."""
        self.texts: list[str] = []
        self.answers: list[str] = []
        self.port = port
        self.providers = Providers(book, self._ring)

    def _ring(self, who: Any, way: str, what: str) -> None:
        (self.texts if way == "sms" else self.answers).append(what)


@pytest.fixture
async def carrier(
    house: House, tmp_path: Path, hass_client_no_auth: Any, kept_port: int
) -> AsyncGenerator[Carrier]:
    """Return the provider, set up as the channel of SMS."""
    client = await hass_client_no_auth()
    book = tmp_path / "book.json"
    book.write_text(json.dumps({"answers": f"{client.make_url('/api/r/')}"}))
    carrier = Carrier(book, kept_port)
    task = asyncio.create_task(carrier.providers.run(carrier.port))
    url = f"http://127.0.0.1:{carrier.port}/sms"
    async with asyncio.timeout(30), ClientSession() as session:
        while True:
            with suppress(ClientConnectorError):
                async with session.post(url) as answer:
                    assert answer.status == HTTPStatus.BAD_REQUEST
                    break
            await asyncio.sleep(0)
    house.options(channels={"sms": {"provider": "alibaba", **SMS_ACCOUNT, "url": url}})
    yield carrier
    task.cancel()
    await asyncio.wait({task})


async def test_sms_by_template(house: House, carrier: Carrier) -> None:
    """Nothing is longer than a variable may be, and the link in the template answers."""
    await house.alert(hazard="smoke", audience=["landlord", "tenants"])
    await house.settled()
    # The first sentence of the text: with the second it is too long.
    assert len(carrier.texts) == 3
    assert all("Smoke at 1-1-201, " in text for text in carrier.texts)
    assert all(text.endswith(". + link”") for text in carrier.texts)
    # The number of tenant A is that of the simulator's fire post.
    carrier.providers.answer("fire-post", "sms", "safe")
    await house.until(lambda: house.kinds()[-1] == "answered")
    rows = await house.stored()
    assert rows["tenant-a-sms"].state == "answered"


async def test_news_by_template(house: House, carrier: Carrier) -> None:
    """What needs no answer has a template of its own; in that of an alarm it leads nowhere."""
    await house.alert(hazard="all_clear", severity="message", audience=["tenants"])
    await house.settled()
    assert len(carrier.texts) == 2
    mobile = carrier.providers.mobiles["fire-post"]
    async with ClientSession() as session, session.get(str(mobile._link)) as page:
        assert page.status == HTTPStatus.GONE
        assert "over" in await page.text()


async def test_an_address_of_the_house(
    house: House, sms: Provider, call: Provider
) -> None:
    """One that only the house's own network knows is none: told without it, and shown."""
    hass, links = house.hass, house.engine.links
    hass.config.external_url = None
    hass.config.internal_url = "http://192.168.1.20:8123"
    await house.tick(HEARTBEAT_SECONDS + 1)
    issue = f"no_public_address_{house.entry.entry_id}"
    issues = ir.async_get(hass)
    assert issues.async_get_issue(DOMAIN, issue)
    await house.alert(hazard="smoke", audience=["landlord"])
    await house.settled()
    for provider in (sms, call):
        (heard,) = provider.heard
        assert "StatusCallback" not in heard["form"]
        assert "192.168" not in str(heard["form"])
    channel = house.engine.dispatcher.channels["sms"]
    assert not channel.gives_receipt(message(NUMBERS["landlord"]))
    assert not house.engine.verifier.usable("sms")
    # Who knows better allows it; or there is one.
    hass.config.allowlist_external_urls.add("http://192.168.1.20:8123/")
    await house.tick(HEARTBEAT_SECONDS + 1)
    assert links.answer_base() == "http://192.168.1.20:8123/api/r/"
    assert issues.async_get_issue(DOMAIN, issue) is None
    hass.config.allowlist_external_urls.clear()
    await house.tick(HEARTBEAT_SECONDS + 1)
    assert issues.async_get_issue(DOMAIN, issue)
    hass.config.external_url = "https://house.example"
    await house.tick(HEARTBEAT_SECONDS + 1)
    assert issues.async_get_issue(DOMAIN, issue) is None


async def test_tokens(house: House, sms: Provider, hass_client_no_auth: Any) -> None:
    """Each is another one, and another property's is yet another; it outlives a restart."""
    found = await tokens(house)
    assert len(set(found)) == 5
    assert all(len(token) == 11 and token.isalnum() for token in found)
    other = AlertLinks(house.hass, "other")
    await other.async_load()
    assert other.token(Delivery(id="d")) != house.engine.links.token(Delivery(id="d"))

    await house.restart()
    client = await hass_client_no_auth()
    page = await client.get(f"/api/r/{found[0]}")
    assert page.status == HTTPStatus.OK
    # As soon as the alert is over, also where the clock is late.
    house.freezer.tick(4 * 3600)
    page = await client.get(f"/api/r/{found[0]}")
    assert page.status == HTTPStatus.GONE


async def test_guesses(house: House, sms: Provider, hass_client_no_auth: Any) -> None:
    """Whoever guesses is soon not served any more; who has a link is, at the same address."""
    found = await tokens(house)
    client = await hass_client_no_auth()
    statuses = [
        (await client.get(f"/api/r/{number:011}")).status
        for number in range(WRONG_A_MINUTE + 1)
    ]
    assert statuses == [HTTPStatus.GONE] * WRONG_A_MINUTE + [429]
    refused = await client.post("/api/r/x", data={"answer": "safe"})
    assert (refused.status, refused.headers["Retry-After"]) == (429, "60")
    assert (await client.get(f"/api/r/{found[0]}")).status == HTTPStatus.OK
    house.freezer.tick(60)
    assert (await client.get("/api/r/x")).status == HTTPStatus.GONE


async def test_one_link_again_and_again(
    house: House, sms: Provider, hass_client_no_auth: Any
) -> None:
    """A link answers some times a minute, and no more."""
    found = await tokens(house)
    client = await hass_client_no_auth()
    statuses = [
        (await client.post(f"/api/r/{found[0]}", data={"answer": "on_my_way"})).status
        for _ in range(ANSWERS_A_MINUTE + 1)
    ]
    assert statuses == [HTTPStatus.OK] * ANSWERS_A_MINUTE + [429]
    # The same once more says nothing new.
    assert (await house.timeline()).count("answer") == 1
    other = await client.post(f"/api/r/{found[1]}", data={"answer": "safe"})
    assert other.status == HTTPStatus.OK
