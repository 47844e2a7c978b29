"""Two phones of one name are two phones: each message rings at its owner's, and there alone."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

import pytest

from custom_components.rental_units.alerts.channels.base import RefusedError
from custom_components.rental_units.alerts.const import VALIDITY, Severity
from custom_components.rental_units.const import DOMAIN
from homeassistant.helpers import device_registry as dr, issue_registry as ir
from homeassistant.setup import async_setup_component

from .conftest import NUMBERS, House
from .providers import Provider
from .test_channels import message

type Add = Callable[..., Awaitable[Provider]]
type Register = Callable[[str, str], Awaitable[dr.DeviceEntry]]


@pytest.fixture
async def pushed(house: House, add_provider: Add) -> Provider:
    """Return the server that takes the pushes of all phones; each has a path."""
    provider = await add_provider({})
    provider.status = HTTPStatus.CREATED
    return provider


@pytest.fixture
async def register(house: House, pushed: Provider, hass_client: Any) -> Register:
    """Return a function that registers a phone as the app does, and returns its device."""
    assert await async_setup_component(house.hass, "mobile_app", {})
    client = await hass_client()

    async def add(uid: str, name: str) -> dr.DeviceEntry:
        taken = await client.post(
            "/api/mobile_app/registrations",
            json={
                "app_id": "io.example.placeholder",
                "app_name": "Placeholder",
                "app_version": "1.0",
                "device_id": uid,
                "device_name": name,
                "manufacturer": "Apple",
                "model": "iPhone15,4",
                "os_name": "iOS",
                "os_version": "18.0",
                "supports_encryption": False,
                "app_data": {"push_url": f"{pushed.url}/{uid}", "push_token": uid},
            },
        )
        assert taken.status == HTTPStatus.CREATED
        await house.hass.async_block_till_done()
        registry = dr.async_get(house.hass)
        return next(d for d in registry.devices if ("mobile_app", uid) in d.identifiers)

    return add


def paths(provider: Provider) -> list[str]:
    """Return which phones were reached."""
    return sorted(item["path"] for item in provider.heard)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        # Since iOS 16 an app is not told more. home-assistant/core#117716, #32051;
        # home-assistant/iOS#415, #486, #1555
        ("iPhone", "iPhone"),
        # One model: home-assistant/core#138670, home-assistant/android#170, #821
        ("SM-A325F", "SM-A325F"),
        # Alike for an action's name alone: home-assistant/android#641
        ("ONEPLUS A6003", "OnePlus A6003!"),
    ],
)
async def test_each_phone_gets_it(
    house: House, pushed: Provider, register: Register, first: str, second: str
) -> None:
    """Two tenants of one flat, each with a phone of the same name."""
    one, two = await register("one", first), await register("two", second)
    await house.put_address("tenant-a", "push", one.id)
    await house.put_address("tenant-b", "push", two.id)
    await house.alert(hazard="smoke", audience=["tenants"])
    await house.settled()
    assert paths(pushed) == ["/one", "/two"]


async def test_only_its_owner(
    house: House, pushed: Provider, register: Register
) -> None:
    """What is for the landlord alone does not ring at the phone that came later."""
    one = await register("one", "Pixel 8")
    await register("two", "Pixel 8")
    await house.put_address("landlord", "push", one.id)
    await house.alert(hazard="smoke", audience=["landlord"])
    await house.settled()
    assert paths(pushed) == ["/one"]


@pytest.mark.parametrize("channel", ["push", "notify"])
async def test_by_its_actions_name(
    house: House, pushed: Provider, register: Register, channel: str
) -> None:
    """An address may be the action of one phone; that of two is nobody's."""
    await register("one", "Placeholder phone")
    way = house.engine.dispatcher.channels[channel]
    await way.async_send(message("notify.mobile_app_placeholder_phone"))
    assert paths(pushed) == ["/one"]
    await register("two", "Placeholder phone")
    with pytest.raises(RefusedError, match="ambiguous_phone"):
        await way.async_send(message("notify.mobile_app_placeholder_phone"))
    assert paths(pushed) == ["/one"]


async def test_what_the_push_server_refuses(
    house: House, pushed: Provider, register: Register
) -> None:
    """A refusal is none of the phone: it is tried again, and the next one may be taken."""
    phone = await register("one", "Placeholder phone")
    await house.put_address("landlord", "push", phone.id)
    pushed.status = HTTPStatus.INTERNAL_SERVER_ERROR
    await house.alert(hazard="smoke", audience=["landlord"])
    await house.settled()
    row = (await house.stored())["landlord-push"]
    assert (row.state, row.reason) == ("queued", "http_500")
    pushed.status = HTTPStatus.CREATED
    await house.tick(2)
    await house.settled()
    assert (await house.stored())["landlord-push"].state == "sent"
    assert paths(pushed) == ["/one", "/one"]
    sent = pushed.heard[0]["json"]
    assert sent["push_token"] == "one"
    assert sent["registration_info"]["app_id"] == "io.example.placeholder"
    # Off for a moment, a phone gets it all the same; and not when it is no news any more.
    assert sent["data"]["ttl"] == VALIDITY[Severity.ALARM]


async def test_a_push_server_that_is_down_is_shown(
    house: House, pushed: Provider, register: Register
) -> None:
    """Nobody is told by the app: a repair says so."""
    for person in NUMBERS:
        phone = await register(person, f"Phone of {person}")
        await house.put_address(person, "push", phone.id)
    pushed.status = HTTPStatus.TOO_MANY_REQUESTS
    await house.alert(hazard="smoke")
    await house.settled()
    rows = await house.stored()
    assert {rows[f"{person}-push"].reason for person in NUMBERS} == {"rate_limit"}
    issue = f"provider_failing_{house.entry.entry_id}_push"
    assert ir.async_get(house.hass).async_get_issue(DOMAIN, issue)


async def test_a_phone_that_holds_a_connection(
    house: House, pushed: Provider, register: Register, hass_ws_client: Any
) -> None:
    """It is told over that, as Home Assistant does, and not by the push server."""
    phone = await register("one", "Placeholder phone")
    await house.put_address("landlord", "push", phone.id)
    (entry,) = house.hass.config_entries.async_entries("mobile_app")
    client = await hass_ws_client(house.hass)
    await client.send_json_auto_id(
        {
            "type": "mobile_app/push_notification_channel",
            "webhook_id": entry.data["webhook_id"],
        }
    )
    assert (await client.receive_json())["success"]
    await house.alert(hazard="smoke", audience=["landlord"])
    await house.settled()
    event = (await client.receive_json())["event"]
    assert event["title"] == "Smoke: 1-1-201"
    assert pushed.heard == []
