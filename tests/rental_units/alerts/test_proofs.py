"""What is taken as proof: no id that can be computed, no link in a receipt, no host of the house."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
import socket
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockUser

from custom_components.rental_units.alerts.channels.base import (
    NotSentError,
    RefusedError,
)
from custom_components.rental_units.alerts.const import ACTION_PREFIX
from custom_components.rental_units.alerts.links import REPORT_SECONDS
from custom_components.rental_units.alerts.models import key_of
from custom_components.rental_units.alerts.views import WRONG_A_MINUTE
from custom_components.rental_units.const import DOMAIN
from custom_components.rental_units.hosts import is_public, may_be_public
from homeassistant.core import Context
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component

from .conftest import House
from .providers import ALIBABA_OK, Provider
from .test_channels import ALIBABA, message, register_phone

type Add = Callable[..., Awaitable[Provider]]
PRESSED = "mobile_app_notification_action"


@pytest.fixture
async def pushed(
    house: House, add_provider: Add, hass_client: Any, hass_admin_user: MockUser
) -> dict[str, Any]:
    """Return what the landlord's phone was sent; its user is the administrator."""
    provider = await add_provider({})
    provider.status = HTTPStatus.CREATED
    assert await async_setup_component(house.hass, "mobile_app", {})
    device, _ = await register_phone(house, await hass_client(), provider)
    await house.put_address("landlord", "push", device.id)
    await house.alert(hazard="smoke", audience=["landlord"])
    await house.settled()
    data: dict[str, Any] = provider.heard[0]["json"]["data"]
    return data


async def press(house: House, action: str, user_id: str | None) -> list[str]:
    """Let a button be pressed by somebody; return what has come of it."""
    house.hass.bus.async_fire(
        PRESSED, {"action": action}, context=Context(user_id=user_id)
    )
    await house.hass.async_block_till_done()
    return house.kinds()[1:]


async def test_button_of_this_phone(
    house: House, pushed: dict[str, Any], hass_admin_user: MockUser
) -> None:
    """It answers from the phone that it was sent to, and from no other."""
    action = pushed["actions"][2]["action"]
    police = MockUser(id="police").add_to_hass(house.hass)
    assert await press(house, action, police.id) == []
    assert await press(house, action, None) == []
    assert await press(house, action, hass_admin_user.id) == ["answered", "need_help"]


async def test_ids_are_no_proof(house: House, pushed: dict[str, Any]) -> None:
    """Whoever computes a delivery's id from what all may read has no button."""
    (alert,) = house.engine.alerts.values()
    computed = key_of(alert.id, "landlord-push", 0, 0)
    assert computed in house.engine.dispatcher.deliveries
    for user in house.hass.auth._store._users:
        for token in (computed, house.engine.links.token(_delivery(house))):
            action = f"{ACTION_PREFIX}_{token}_need_help"
            assert await press(house, action, user) == []
    assert computed not in str(pushed)


def _delivery(house: House) -> Any:
    rows = house.engine.dispatcher.deliveries.values()
    return next(row for row in rows if row.channel == "push")


async def test_no_link_in_a_receipt(house: House, pushed: dict[str, Any]) -> None:
    """Android returns all that it was sent, and the recorder keeps that."""
    assert "api/r/" not in str(pushed)
    assert len(pushed["actions"]) == 4


async def test_button_after_a_restart(
    house: House, pushed: dict[str, Any], hass_admin_user: MockUser
) -> None:
    """Nobody is asked again after a restart, and what they have still answers."""
    await house.restart()
    action = pushed["actions"][0]["action"]
    police = MockUser(id="police").add_to_hass(house.hass)
    assert await press(house, action, police.id) == []
    assert (await press(house, action, hass_admin_user.id))[0] == "answered"


async def test_ended_links_are_no_guesses(
    house: House, sms: Provider, hass_client_no_auth: Any
) -> None:
    """A hundred people with yesterday's link at one address keep nobody from theirs."""
    alert_id = await house.alert(hazard="smoke", audience=["landlord"])
    await house.settled()
    (token,) = house.engine.dispatcher.by_token
    house.engine.cancel(house.engine.alerts[alert_id], who=None)
    client = await hass_client_no_auth()
    for _ in range(WRONG_A_MINUTE + 5):
        assert (await client.get(f"/api/r/{token}")).status == HTTPStatus.GONE
    assert (await client.get("/api/r/x")).status == HTTPStatus.GONE


async def test_report_address_ends(
    house: House, add_provider: Add, hass_client_no_auth: Any
) -> None:
    """It holds for a year, a repair asks for the next in time, and then it is refused."""
    provider = await add_provider(ALIBABA_OK)
    house.options(channels={"sms": {**ALIBABA, "url": provider.url}})
    client = await hass_client_no_auth()
    path = house.engine.links.report_url().removeprefix("https://house.example")
    issues = ir.async_get(house.hass)
    issue = f"report_ends_{house.entry.entry_id}"
    assert (await client.post(path, json=[])).status == HTTPStatus.OK
    assert issues.async_get_issue(DOMAIN, issue) is None
    house.freezer.tick(REPORT_SECONDS - 86_400)
    assert (await client.post(path, json=[])).status == HTTPStatus.OK
    assert issues.async_get_issue(DOMAIN, issue)
    new = house.engine.links.report_url().removeprefix("https://house.example")
    assert new != path
    house.freezer.tick(2 * 86_400)
    assert (await client.post(path, json=[])).status == HTTPStatus.FORBIDDEN
    assert (await client.post(new, json=[])).status == HTTPStatus.OK
    assert issues.async_get_issue(DOMAIN, issue) is None
    forged = await client.post(f"{new}x", json=[])
    assert forged.status == HTTPStatus.FORBIDDEN
    assert issues.async_get_issue(DOMAIN, issue) is None


@pytest.mark.parametrize(
    ("ip", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        # The metadata service of every cloud.
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::808:808", True),
        ("2002:7f00:1::", False),
    ],
)
def test_public_addresses(ip: str, public: bool) -> None:
    """Ranges of https://www.iana.org/assignments/iana-ipv4-special-registry, in any clothes."""
    assert is_public(ip) is public


@pytest.mark.parametrize(
    ("url", "may"),
    [
        ("https://example.com/hook", True),
        ("https://8.8.8.8/hook", True),
        ("http://localhost:8123/", False),
        ("http://a.localhost/", False),
        ("http://printer.local/", False),
        ("http://127.0.0.1/", False),
        ("http://[::1]:8123/", False),
        ("http://2130706433/", False),
        ("http://0x7f.0.0.1/", False),
        ("http://127.1/", False),
        ("http:///path", False),
    ],
)
def test_hosts(url: str, may: bool) -> None:
    """A host of the house's network is seen in each of its forms."""
    assert may_be_public(url) is may


@pytest.mark.parametrize("form", ["json", "wecom"])
async def test_name_that_leads_into_the_house(
    house: House, add_provider: Add, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    """A name may be public when it is entered and lead home when it is used."""
    provider = await add_provider({"errcode": 0})
    house.options(channels={"webhook": {"form": form}})
    asked: list[str] = []

    async def resolve(host: str, port: int, **more: Any) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(house.hass.loop, "getaddrinfo", resolve)
    channel = house.engine.dispatcher.channels["webhook"]
    url = f"http://rebound.example.com:{provider.port}/hook"
    with pytest.raises(RefusedError, match="private_address"):
        await channel.async_send(message(url))
    assert (asked, provider.heard) == (["rebound.example.com"], [])
    # Unless an administrator allows it.
    monkeypatch.setattr(house.hass.config, "allowlist_external_urls", set())
    with pytest.raises(RefusedError, match="private_address"):
        await channel.async_send(message(f"{provider.url}/hook"))
    house.hass.config.allowlist_external_urls.add(f"{provider.url}/")
    await channel.async_send(message(f"{provider.url}/hook"))
    assert len(provider.heard) == 1


async def test_asked_by_its_number(
    house: House, add_provider: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was looked up is what is asked, by the name that was given."""
    provider = await add_provider({})
    where = "custom_components.rental_units.alerts.channels.base.are_public"
    monkeypatch.setattr(where, lambda found: list(found) == ["127.0.0.1"])

    async def resolve(host: str, port: int, **more: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(house.hass.loop, "getaddrinfo", resolve)
    channel = house.engine.dispatcher.channels["webhook"]
    await channel.async_send(message(f"http://hook.example.com:{provider.port}/a"))
    (heard,) = provider.heard
    assert heard["headers"]["Host"] == f"hook.example.com:{provider.port}"

    async def fail(host: str, port: int, **more: Any) -> list[Any]:
        raise socket.gaierror

    monkeypatch.setattr(house.hass.loop, "getaddrinfo", fail)
    with pytest.raises(NotSentError, match="unreachable"):
        await channel.async_send(message("http://hook.example.com/a"))
