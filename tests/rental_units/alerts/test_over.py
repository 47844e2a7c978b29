"""What is over is told and not asked: no button, no link and no key on any channel."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
import json
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import async_mock_service

from custom_components.rental_units.alerts.channels import build
from custom_components.rental_units.alerts.const import ANSWERS, About, Answer
from custom_components.rental_units.alerts.policies import CHANNELS
from homeassistant.setup import async_setup_component

from .conftest import House
from .providers import ALIBABA_OK, Provider
from .test_channels import ALIBABA, message, register_phone

type Add = Callable[..., Awaitable[Provider]]

#: Over all of the landlord's channels at once.
POLICY = {"steps": [{"after": 0, "channels": list(CHANNELS)}]}
IN_TURN = {"steps": [{"after": 0, "channels": ["push", "sms"], "in_turn": True}]}
OVER = [
    {"severity": "message", "hazard": "all_clear"},
    {"severity": "message", "hazard": "false_alarm"},
    {"severity": "alarm", "hazard": "all_clear"},
    {"severity": "message", "message": "The water comes back at six."},
]


def policies(**more: Any) -> dict[str, Any]:
    """Return this policy for all that may be over."""
    return {severity: {**POLICY, **more} for severity in ("message", "alarm")}


async def tell_on_all(house: House, add_provider: Add, data: dict[str, Any]) -> str:
    """Tell the landlord over every channel; return all that has left the house."""
    posts = await add_provider({})
    notified = async_mock_service(house.hass, "notify", "placeholder")
    pushed = async_mock_service(house.hass, "notify", "mobile_app_placeholder")
    mailed = async_mock_service(house.hass, "notify", "mail")
    await house.put_address("landlord", "webhook", posts.url)
    await house.put_address("landlord", "notify", "notify.placeholder")
    await house.put_address("landlord", "push", "notify.mobile_app_placeholder")
    await house.put_address("landlord", "email", "placeholder@example.com")
    channels = house.entry.options["channels"]
    house.options(channels={**channels, "email": {"action": "notify.mail"}})
    await house.alert(audience=["landlord"], **data)
    await house.settled()
    assert {row.state for row in (await house.stored()).values()} == {"sent"}
    calls = [call.data for call in (*notified, *pushed, *mailed)]
    assert len(calls) == 3
    (post,) = posts.heard
    return json.dumps([*calls, post["json"]])


@pytest.mark.parametrize("data", OVER)
async def test_nothing_to_answer(
    house: House,
    sms: Provider,
    call: Provider,
    add_provider: Add,
    data: dict[str, Any],
) -> None:
    """Everybody hears it, and nobody is asked; receipts are, all the same."""
    house.options(policies=policies())
    said = await tell_on_all(house, add_provider, data)
    (text,), (voice,) = (item.heard for item in (sms, call))
    said += text["form"]["Body"] + voice["form"]["Twiml"]
    assert "api/r/" not in said
    assert "RENTAL_UNITS" not in said
    assert "Gather" not in said
    assert "Press 1" not in said
    assert "StatusCallback" in text["form"]
    assert "StatusCallback" in voice["form"]


async def test_something_to_answer(
    house: House, sms: Provider, call: Provider, add_provider: Add
) -> None:
    """A roll call by mere messages asks each unit; the same places have an answer then."""
    house.options(policies=policies(each_unit=True))
    said = await tell_on_all(
        house, add_provider, {"severity": "message", "message": "Are you all right?"}
    )
    # Notify, email and webhook: a phone has buttons, and returns what it was sent.
    assert said.count("api/r/") == 3
    assert said.count("RENTAL_UNITS") == len(ANSWERS[About.PLACE])
    assert "api/r/" in sms.heard[0]["form"]["Body"]
    assert "Gather" in call.heard[0]["form"]["Twiml"]


async def test_receipt_without_buttons(
    house: House, sms: Provider, add_provider: Add, hass_client: Any
) -> None:
    """A phone that confirms news has got it: the next channel does not begin."""
    provider = await add_provider({})
    provider.status = HTTPStatus.CREATED
    assert await async_setup_component(house.hass, "mobile_app", {})
    client = await hass_client()
    device, webhook_id = await register_phone(house, client, provider)
    await house.put_address("landlord", "push", device.id)
    house.options(policies={"message": IN_TURN})
    await house.alert(severity="message", hazard="all_clear", audience=["landlord"])
    await house.settled()
    data = provider.heard[0]["json"]["data"]
    assert data["actions"] == []
    assert "url" not in data
    assert "clickAction" not in data
    fired = await client.post(
        f"/api/webhook/{webhook_id}",
        json={
            "type": "fire_event",
            "data": {
                "event_type": "mobile_app_notification_received",
                "event_data": {"tag": data["tag"]},
            },
        },
    )
    assert fired.status == HTTPStatus.OK
    await house.hass.async_block_till_done()
    assert (await house.stored())["landlord-push"].state == "received"
    await house.tick(21)
    await house.settled()
    assert sms.heard == []


async def test_alibaba_templates(house: House, add_provider: Add) -> None:
    """News has a template of its own, and no menu of keys; without one, the link is void."""
    provider = await add_provider(ALIBABA_OK)
    own = {**ALIBABA, "url": provider.url, "show_number": "02100000000"}
    keys = {**own, "keys_template": "TTS_2"}
    news = {"news_template": "NEWS_1"}
    buttons = (("x", Answer.SAFE, "I'm safe"),)
    link = "https://house.example/api/r/0123456789a"
    alarm = message("+8613800000000", buttons=buttons, link=link)
    over = message("+8613800000000")
    for more in ({}, news):
        channels = build(
            house.hass, {"channels": {"sms": {**own, **more}, "call": {**keys, **more}}}
        )
        for row in (alarm, over):
            await channels["sms"].async_send(row)
            await channels["call"].async_send(row)
    forms = [item["form"] for item in provider.heard]
    assert [
        (form["TemplateCode"], json.loads(form["TemplateParam"]).get("link"))
        for form in forms[::2]
    ] == [
        ("SMS_1", "0123456789a"),
        ("SMS_1", "0"),
        ("SMS_1", "0123456789a"),
        ("NEWS_1", None),
    ]
    assert [
        (form["Action"], form.get("TtsCode", form.get("StartCode")))
        for form in forms[1::2]
    ] == [
        ("IvrCall", "SMS_1"),
        ("SingleCallByTts", "SMS_1"),
        ("IvrCall", "SMS_1"),
        ("SingleCallByTts", "NEWS_1"),
    ]


@pytest.mark.parametrize(
    ("most", "text", "said"),
    [
        (None, "Smoke at 1-1-201.", "Smoke at 1-1-201."),
        (None, "Smoke at 1-1-201, 12:30. Leave at once.", "Smoke at 1-1-201, 12:30."),
        (24, "Smoke at 1-1-201, 12:30. Leave at once.", "Smoke at 1-1-201, 12:30."),
        (20, "Smoke at 1-1-201, 12:30. Leave at once.", "Smoke at 1-1-201, 12"),
        (
            20,
            "12:30，1-1-201发生烟雾报警。请立即走楼梯撤离。",
            "12:30，1-1-201发生烟雾报警。",
        ),
        (200, "Smoke at 1-1-201, 12:30. Leave at once.", None),
    ],
)
async def test_alibaba_length(
    house: House, add_provider: Add, most: int | None, text: str, said: str | None
) -> None:
    """What does not fit into a variable is cut after a sentence."""
    provider = await add_provider(ALIBABA_OK)
    own: dict[str, Any] = {**ALIBABA, "url": provider.url}
    if most:
        own["variable_characters"] = most
    sms = build(house.hass, {"channels": {"sms": own}})["sms"]
    await sms.async_send(message("+8613800000000", text=text))
    (form,) = (item["form"] for item in provider.heard)
    assert json.loads(form["TemplateParam"])["message"] == (said or text)
