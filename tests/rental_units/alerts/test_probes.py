"""A provider that could send nothing is known before it burns."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import async_mock_service

from custom_components.rental_units.alerts.channels import CLASSES, build
from custom_components.rental_units.alerts.channels.base import Channel, NotSentError
from custom_components.rental_units.alerts.probes import (
    AGAIN_SECONDS,
    EVERY_SECONDS,
    FIRST_SECONDS,
)
from custom_components.rental_units.const import DOMAIN
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component

from .conftest import House
from .providers import Provider
from .test_flow import ALIBABA

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

type Add = Callable[..., Awaitable[Provider]]


def dead(house: House, channel: str = "sms") -> str | None:
    """Return why a provider is shown as dead; None if it is not."""
    issue = ir.async_get(house.hass).async_get_issue(
        DOMAIN, f"provider_dead_{house.entry.entry_id}_{channel}"
    )
    return (issue.translation_placeholders or {})["reason"] if issue else None


async def asked(house: House, provider: Provider, seconds: float) -> None:
    """Let time pass until the provider has been asked once more."""
    before = len(provider.asked)
    await house.tick(seconds + 1)
    await house.until(lambda: len(provider.asked) > before)
    await house.hass.async_block_till_done(wait_background_tasks=True)


async def test_a_dead_provider_is_shown(house: House, sms: Provider) -> None:
    """One failure is a moment's, the second is shown, until the provider is well again."""
    await asked(house, sms, FIRST_SECONDS)
    assert dead(house) is None
    sms.state = {"status": "suspended"}
    await asked(house, sms, EVERY_SECONDS)
    assert dead(house) is None
    await asked(house, sms, AGAIN_SECONDS)
    assert dead(house) == "twilio_suspended"
    sms.state_status = 401
    await asked(house, sms, EVERY_SECONDS)
    assert dead(house) == "credentials"
    sms.state, sms.state_status = {"status": "active"}, 200
    await asked(house, sms, EVERY_SECONDS)
    assert dead(house) is None
    assert sms.heard == []
    assert sms.asked[0]["path"].endswith("/Accounts/AC-placeholder.json")


async def test_a_message_that_goes_through_is_the_better_proof(
    house: House, sms: Provider
) -> None:
    """What the provider says of itself counts less than what it does."""
    sms.state = {"status": "suspended"}
    await asked(house, sms, FIRST_SECONDS)
    await asked(house, sms, AGAIN_SECONDS)
    assert dead(house)
    await house.alert(hazard="smoke", audience=["landlord"])
    await house.settled()
    assert dead(house) is None


async def test_one_that_is_taken_away_is_forgotten(house: House, sms: Provider) -> None:
    """What is not used is no repair; nor what goes with its property."""
    sms.state = {"status": "suspended"}
    await asked(house, sms, FIRST_SECONDS)
    await asked(house, sms, AGAIN_SECONDS)
    assert dead(house)
    house.options(channels={})
    await house.tick(EVERY_SECONDS + 1)
    await house.hass.async_block_till_done(wait_background_tasks=True)
    assert dead(house) is None
    house.engine.tell_dead("call", "timeout")
    assert dead(house, "call")
    await house.hass.config_entries.async_remove(house.entry.entry_id)
    assert dead(house, "call") is None


@pytest.mark.parametrize(
    ("answer", "status", "reason"),
    [
        ({"Code": "OK"}, 200, None),
        ({"Code": "InvalidAccessKeyId.NotFound"}, 404, "InvalidAccessKeyId.NotFound"),
        ({"Code": "SignatureDoesNotMatch"}, 400, "SignatureDoesNotMatch"),
        ({"Code": "isv.SMS_TEMPLATE_ILLEGAL"}, 200, "isv.SMS_TEMPLATE_ILLEGAL"),
        ({"Code": "OK", "TemplateStatus": "1"}, 200, None),
        ({"Code": "OK", "TemplateStatus": "2"}, 200, "template_not_approved"),
        # Who may send, and may not ask.
        ({"Code": "isp.RAM_PERMISSION_DENY"}, 200, None),
        ({"Code": "Forbidden.RAM"}, 403, None),
        ({"Code": "Throttling.User"}, 400, None),
    ],
)
async def test_alibaba(
    house: House,
    add_provider: Add,
    answer: dict[str, Any],
    status: int,
    reason: str | None,
) -> None:
    """Alibaba Cloud is asked for the template, and a user who may only send is well."""
    provider = await add_provider()
    provider.state, provider.state_status = answer, status
    news = {"news_template": "SMS_2"}
    own = {"provider": "alibaba", **ALIBABA, **news, "url": provider.url}
    house.options(channels={"sms": own})
    await asked(house, provider, FIRST_SECONDS)
    await asked(house, provider, AGAIN_SECONDS if reason else EVERY_SECONDS)
    assert dead(house) == reason
    asked_for = [row["form"]["TemplateCode"] for row in provider.asked]
    assert asked_for == (["SMS_1"] * 2 if reason else ["SMS_1", "SMS_2"] * 2)
    assert provider.heard == []


async def test_what_is_of_the_house(house: House) -> None:
    """A script and a notify action that are gone are known, too."""
    script = {"own": {"sequence": [{"event": "placeholder"}]}}
    assert await async_setup_component(house.hass, "script", {"script": script})
    async_mock_service(house.hass, "notify", "smtp")
    channels = build(
        house.hass,
        {
            "channels": {
                "sms": {"provider": "script", "script": "script.own"},
                "email": {"provider": "notify", "action": "notify.smtp"},
            }
        },
    )
    await channels["sms"].async_probe()
    await channels["email"].async_probe()
    house.hass.services.async_remove("notify", "smtp")
    house.hass.states.async_remove("script.own")
    for channel, reason in (("sms", "no_such_script"), ("email", "no_such_action")):
        with pytest.raises(NotSentError, match=reason):
            await channels[channel].async_probe()


async def test_one_that_breaks_keeps_nobody(
    house: House, sms: Provider, call: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error in one question is that channel's; the other is asked."""

    async def fail(_: Channel) -> None:
        raise ValueError("+12025550101")

    monkeypatch.setattr(CLASSES["sms", "twilio"], "async_probe", fail)
    monkeypatch.setattr(
        CLASSES["call", "twilio"], "async_probe", Channel.async_probe, raising=False
    )
    await house.tick(FIRST_SECONDS + 1)
    await house.hass.async_block_till_done(wait_background_tasks=True)
    await house.tick(AGAIN_SECONDS + 1)
    await house.hass.async_block_till_done(wait_background_tasks=True)
    assert dead(house) == "error"
    assert not CLASSES["call", "twilio"].can_probe()
    assert call.asked == []
