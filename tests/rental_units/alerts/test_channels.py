"""Each channel against a real server, or against the real part of Home Assistant."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
import json
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import async_mock_service

from custom_components.rental_units.alerts import texts
from custom_components.rental_units.alerts.channels import (
    alibaba,
    build,
    twilio,
    webhook,
)
from custom_components.rental_units.alerts.channels.base import (
    Message,
    NotSentError,
    RefusedError,
    UnknownError,
)
from custom_components.rental_units.alerts.const import (
    ANSWERS,
    About,
    Answer,
    Severity,
    pressed_key,
)
from custom_components.rental_units.alerts.models import Alert
from custom_components.rental_units.const import DOMAIN
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.setup import async_setup_component
from homeassistant.util import slugify

from .conftest import House
from .providers import ALIBABA_OK, Provider

type Add = Callable[..., Awaitable[Provider]]

ALIBABA = {
    "provider": "alibaba",
    "access_key_id": "placeholder",
    "access_key_secret": "placeholder",
    "sign_name": "Placeholder",
    "template": "SMS_1",
}


def message(to: str, **more: Any) -> Message:
    """Return a message to somebody."""
    return Message(
        **{
            "delivery_id": "d1",
            "alert_id": "a1",
            "alarm_id": None,
            "severity": Severity.ALARM,
            "hazard": "smoke",
            "drill": False,
            "language": "en",
            "title": "Smoke: 1-1-201",
            "text": "Smoke at 1-1-201.",
            "place": "1-1-201",
            "step": 0,
            "round": 0,
            "to": to,
            **more,
        }
    )


def test_alibaba_signature() -> None:
    """The examples of https://help.aliyun.com/document_detail/56189.html and of ECS."""
    sms = {
        "AccessKeyId": "testId",
        "Action": "SendSms",
        "Format": "XML",
        "OutId": "123",
        "PhoneNumbers": "15300000001",
        "RegionId": "cn-hangzhou",
        "SignName": "阿里云短信测试专用",
        "SignatureMethod": "HMAC-SHA1",
        "SignatureNonce": "45e25e9b-0a6f-4070-8c85-2956eda1b466",
        "SignatureVersion": "1.0",
        "TemplateCode": "SMS_71390007",
        "TemplateParam": '{"customer":"test"}',
        "Timestamp": "2017-07-12T02:42:19Z",
        "Version": "2017-05-25",
    }
    regions = {
        "AccessKeyId": "testid",
        "Action": "DescribeRegions",
        "Format": "XML",
        "SignatureMethod": "HMAC-SHA1",
        "SignatureNonce": "3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf",
        "SignatureVersion": "1.0",
        "Timestamp": "2016-02-23T12:46:24Z",
        "Version": "2014-05-26",
    }
    assert alibaba.sign("GET", sms, "testSecret") == "zJDF+Lrzhj/ThnlvIToysFRq6t4="
    assert alibaba.sign("GET", regions, "testsecret") == "OLeaidS1JvxuMvnyHOwuJ+uX5qY="


def test_twilio_signature() -> None:
    """The example of https://www.twilio.com/docs/usage/security."""
    form = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+14158675309",
        "Digits": "1234",
        "From": "+14158675309",
        "To": "+18005551212",
    }
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    assert twilio.sign("12345", url, form) == "RSOYDt4T1cUTdK1PDd93/VVr8B8="


async def test_alibaba(house: House, add_provider: Add) -> None:
    """An SMS and a call: signed, by template, mainland numbers without a prefix."""
    provider = await add_provider(ALIBABA_OK)
    own = {**ALIBABA, "url": provider.url}
    channels = build(house.hass, {"channels": {"sms": own, "call": own}})
    assert await channels["sms"].async_send(message("+8613800000000")) == "biz-1"
    assert await channels["call"].async_send(message("+12025550101")) == "call-1"
    sms, call = (item["form"] for item in provider.heard)
    assert (sms["Action"], sms["PhoneNumbers"]) == ("SendSms", "13800000000")
    assert (call["Action"], call["CalledNumber"]) == ("SingleCallByTts", "12025550101")
    assert json.loads(sms["TemplateParam"])["title"] == "Smoke: 1-1-201"
    signature = sms.pop("Signature")
    assert signature == alibaba.sign("POST", sms, "placeholder")

    provider.status = 400
    for code, error in (
        ("isv.BUSINESS_LIMIT_CONTROL", NotSentError),
        ("isv.MOBILE_NUMBER_ILLEGAL", RefusedError),
        # Those are the owner's to mend: they count as failures of the provider.
        ("isv.BLACK_KEY_CONTROL_LIMIT", NotSentError),
        ("isv.AMOUNT_NOT_ENOUGH", NotSentError),
        ("InvalidAccessKeyId.NotFound", NotSentError),
        ("SignatureDoesNotMatch", NotSentError),
    ):
        for provider.status in (200, 400, 404):
            provider.answer = {"Code": code}
            with pytest.raises(error):
                await channels["sms"].async_send(message("+8613800000000"))
    provider.status, provider.answer = 200, {"Message": "?"}
    with pytest.raises(UnknownError):
        await channels["call"].async_send(message("+8613800000000"))


async def test_alibaba_menu(house: House, add_provider: Add) -> None:
    """A number of the mainland is called with a menu of keys, where one is set up."""
    provider = await add_provider(ALIBABA_OK)
    own = {**ALIBABA, "url": provider.url, "show_number": "02100000000"}
    options = {"channels": {"call": {**own, "keys_template": "TTS_2"}}}
    call = build(house.hass, options)["call"]
    alert = Alert(about=About.PLACE)
    buttons = tuple(("x", answer, text) for answer, text in texts.buttons(alert, "en"))
    long_id = "0123456789abcdef0123456789abcdef"
    await call.async_send(
        message("+8613800000000", delivery_id=long_id, buttons=buttons)
    )
    await call.async_send(message("+12025550101", delivery_id=long_id))
    menu, plain = (item["form"] for item in provider.heard)
    assert (menu["Action"], menu["StartCode"]) == ("IvrCall", "SMS_1")
    assert menu["OutId"] == "0123456789abcde"
    assert [menu[f"MenuKeyMap.{number}.Key"] for number in (1, 2, 3, 4)] == [*"1234"]
    assert menu["MenuKeyMap.2.Code"] == "TTS_2"
    assert json.loads(menu["MenuKeyMap.2.TtsParams"]) == {"answer": "I'm safe"}
    assert "link" not in json.loads(menu["StartTtsParams"])
    assert plain["Action"] == "SingleCallByTts"


async def test_alibaba_questions(hass: HomeAssistant, add_provider: Add) -> None:
    """What the first template says of its keys is not so of a question: it has its own."""
    provider = await add_provider(ALIBABA_OK)
    own = {**ALIBABA, "url": provider.url, "keys_template": "TTS_2"}
    own |= {"show_number": "02100000000", "news_template": "TTS_3"}
    buttons = (("x", Answer.FINE, "I'm fine"), ("y", Answer.OUT, "I'm out"))
    asked = message("+8613800000000", buttons=buttons, keys="Press 1: I'm fine.")
    for more in ({}, {"question_template": "TTS_4"}):
        call = build(hass, {"channels": {"call": {**own, **more}}})["call"]
        await call.async_send(asked)
    plain, menu = (item["form"] for item in provider.heard)
    assert (plain["Action"], plain["TtsCode"]) == ("SingleCallByTts", "TTS_3")
    assert "keys" not in json.loads(plain["TtsParam"])
    assert (menu["Action"], menu["StartCode"]) == ("IvrCall", "TTS_4")
    assert json.loads(menu["StartTtsParams"])["keys"] == "Press 1: I'm fine."
    assert json.loads(menu["MenuKeyMap.2.TtsParams"]) == {"answer": "I'm out"}
    assert "MenuKeyMap.3.Key" not in menu


async def test_alibaba_reports(
    house: House, add_provider: Add, hass_client_no_auth: Any
) -> None:
    """Its reports come in lists; the address for its console has a token."""
    provider = await add_provider(ALIBABA_OK)
    own = {**ALIBABA, "url": provider.url}
    house.options(channels={"sms": own, "call": own})
    await house.alert(hazard="smoke", audience=["landlord"])
    await house.settled()
    ids = {row.channel: row.id for row in (await house.stored()).values()}
    client = await hass_client_no_auth()
    path = house.engine.links.report_url().removeprefix("https://house.example")
    calls = {"out_id": ids["call"][:15], "call_id": "1^2"}

    async def report(*reports: Any) -> dict[str, str]:
        taken = await client.post(path, json=list(reports))
        assert (await taken.json())["code"] == 0
        return {row.channel: row.state for row in (await house.stored()).values()}

    sms = {"out_id": ids["sms"], "success": True, "err_code": "DELIVERED"}
    await report(sms, {"out_id": "other"}, "x")
    for code in ("200101", "200201"):
        # It begins, it rings: nobody has heard it, and nothing is lost either.
        states = await report({**calls, "status_code": code})
        assert states == {"sms": "received", "call": "sent"}
    # Taken, by a person or by a mailbox.
    states = await report({**calls, "status_code": "200102"})
    assert states["call"] == "sent"
    # The end of the call, with the key; and one object alone, as a menu reports it.
    await report({**calls, "status_code": "200100"})
    taken = await client.post(
        path, json={**calls, "status_code": "300000", "dtmf": "4"}
    )
    assert taken.status == HTTPStatus.OK
    lost = await client.post(path, json=[{"out_id": ids["sms"], "success": False}])
    assert lost.status == HTTPStatus.OK
    for body in ("{", '"x"'):
        refused = await client.post(path, data=body)
        assert refused.status == HTTPStatus.BAD_REQUEST
    states = {row.channel: row.state for row in (await house.stored()).values()}
    assert states == {"sms": "received", "call": "answered"}
    assert house.kinds()[-1] == "acknowledged"


async def test_webhook(hass: HomeAssistant, add_provider: Add) -> None:
    """JSON, signed, with the key."""
    provider = await add_provider({})
    channel = build(hass, {"channels": {"webhook": {"secret": "placeholder"}}})[
        "webhook"
    ]
    await channel.async_send(message(provider.url))
    (heard,) = provider.heard
    headers = heard["headers"]
    assert headers["Idempotency-Key"] == "d1"
    assert headers["X-Rental-Units-Signature"] == webhook.sign(
        "placeholder", headers["X-Rental-Units-Timestamp"], heard["raw"]
    )
    assert heard["json"]["title"] == "Smoke: 1-1-201"
    with pytest.raises(RefusedError):
        await channel.async_send(message("nowhere"))
    provider.status = 404
    with pytest.raises(RefusedError):
        await channel.async_send(message(provider.url))


@pytest.mark.parametrize("form", ["wecom", "dingtalk", "feishu"])
async def test_robots(house: House, add_provider: Add, form: str) -> None:
    """Each messenger's robot gets its form, and its signature."""
    provider = await add_provider({"code": 0} if form == "feishu" else {"errcode": 0})
    row = {"form": form, "url": f"{provider.url}/robot?key=k", "secret": "placeholder"}
    house.options(channels={"robot": {"robots": [row]}})
    await house.alert(hazard="smoke", audience=["landlord"])
    await house.settled()
    (heard,) = provider.heard
    if form == "feishu":
        body = heard["json"]
        assert body["sign"] == webhook.feishu("placeholder", body["timestamp"])
        assert "Smoke: 1-1-201" in body["content"]["text"]
    else:
        assert "Smoke: 1-1-201" in heard["json"]["text"]["content"]
    if form == "dingtalk":
        query = heard["query"]
        assert query["sign"] == webhook.dingtalk("placeholder", query["timestamp"])
    channel = house.engine.dispatcher.channels["robot"]
    provider.answer = {"errcode": 45009}
    with pytest.raises(NotSentError):
        await channel.async_send(message("0"))
    provider.answer = {"errcode": 93000}
    with pytest.raises(NotSentError):
        await channel.async_send(message("0"))
    provider.answer = {}
    with pytest.raises(UnknownError):
        await channel.async_send(message("0"))
    with pytest.raises(RefusedError):
        await channel.async_send(message("1"))


async def register_phone(
    house: House, client: Any, provider: Provider, name: str = "Placeholder phone"
) -> tuple[dr.DeviceEntry, str]:
    """Register a phone as the app does; return its device and webhook."""
    registration = await client.post(
        "/api/mobile_app/registrations",
        json={
            "app_id": "io.example.placeholder",
            "app_name": "Placeholder",
            "app_version": "1.0",
            "device_id": slugify(name),
            "device_name": name,
            "manufacturer": "Placeholder",
            "model": "Placeholder",
            "os_name": "Android",
            "os_version": "1.0",
            "supports_encryption": False,
            "app_data": {
                "push_url": f"{provider.url}/{slugify(name)}",
                "push_token": "placeholder",
            },
        },
    )
    assert registration.status == HTTPStatus.CREATED
    webhook_id = (await registration.json())["webhook_id"]
    await house.hass.async_block_till_done()
    device = next(
        device
        for device in dr.async_get(house.hass).devices
        if ("mobile_app", slugify(name)) in device.identifiers
    )
    return device, webhook_id


async def test_push_to_a_real_registration(
    house: House, add_provider: Add, hass_client: Any
) -> None:
    """A phone registers as the app does, gets the push with buttons, confirms, and answers."""
    provider = await add_provider({})
    provider.status = 201
    assert await async_setup_component(house.hass, "mobile_app", {})
    client = await hass_client()
    device, webhook_id = await register_phone(house, client, provider)
    await house.put_address("landlord", "push", device.id)
    await house.alert(hazard="smoke", audience=["landlord"])
    await house.settled()
    pushed = provider.heard[0]["json"]
    assert pushed["title"] == "Smoke: 1-1-201"
    data = pushed["data"]
    assert data["push"]["sound"]["critical"] == 1
    assert data["channel"] == "alarm_stream"
    assert [item["title"] for item in data["actions"]] == [
        "I'm on my way",
        "I'm safe",
        "I need help",
        "False alarm",
    ]

    async def fire(event_type: str, event_data: dict[str, Any]) -> None:
        fired = await client.post(
            f"/api/webhook/{webhook_id}",
            json={
                "type": "fire_event",
                "data": {"event_type": event_type, "event_data": event_data},
            },
        )
        assert fired.status == HTTPStatus.OK
        await house.hass.async_block_till_done()

    await fire(
        "mobile_app_notification_received",
        # What Android's push server has passed on: it flattens the buttons, and drops
        # every field that it does not know.
        {"tag": data["tag"], "action_1_key": data["actions"][0]["action"]},
    )
    assert (await house.stored())["landlord-push"].state == "received"
    await fire("mobile_app_notification_action", {"action": "OTHER_ACTION"})
    await fire(
        "mobile_app_notification_action", {"action": data["actions"][0]["action"]}
    )
    assert (await house.stored())["landlord-push"].state == "answered"
    assert house.kinds()[-2:] == ["answered", "acknowledged"]


async def test_push_without_receipt_fails(house: House) -> None:
    """A phone that says nothing counts as not reached, and the next channel begins."""
    calls = async_mock_service(house.hass, "notify", "mobile_app_placeholder")
    house.options(
        policies={
            "warning": {
                "steps": [
                    {"after": 0, "channels": ["push", "notify"], "in_turn": True}
                ],
                "valid_for": 3600,
            }
        }
    )
    await house.put_address("landlord", "push", "notify.mobile_app_placeholder")
    other = async_mock_service(house.hass, "notify", "placeholder")
    await house.put_address("landlord", "notify", "notify.placeholder")
    await house.alert(severity="warning", hazard="overflow", audience=["landlord"])
    await house.settled()
    assert len(calls) == 1
    assert other == []
    await house.tick(21)
    await house.settled()
    assert len(other) == 1
    assert (await house.stored())["landlord-push"].reason == "no_receipt"


async def test_script(house: House) -> None:
    """A script gets what it needs to call anybody's provider."""
    assert await async_setup_component(
        house.hass,
        "script",
        {
            "script": {
                "send_sms": {
                    "fields": {"to": {}, "message": {}},
                    "sequence": [
                        {
                            "event": "placeholder_sms",
                            "event_data": {
                                "length": "{{ to | length }}",
                                "severity": "{{ severity }}",
                                "link": "{{ link }}",
                            },
                        }
                    ],
                }
            }
        },
    )
    heard: list[Any] = []
    house.hass.bus.async_listen("placeholder_sms", heard.append)
    house.options(channels={"sms": {"provider": "script", "script": "script.send_sms"}})
    await house.alert(hazard="smoke", audience=["landlord"])
    await house.settled()
    assert heard[0].data["severity"] == "alarm"
    assert heard[0].data["link"].startswith("https://house.example/")


async def test_announce(house: House) -> None:
    """Satellites and players of the area speak."""
    registry = er.async_get(house.hass)
    for domain in ("assist_satellite", "media_player"):
        row = registry.async_get_or_create(domain, "placeholder", "1")
        registry.async_update_entity(row.entity_id, area_id=house.area_id)
    house.options(channels={"announce": {"tts_entity": "tts.placeholder"}})
    announced = async_mock_service(house.hass, "assist_satellite", "announce")
    spoken = async_mock_service(house.hass, "tts", "speak")
    await house.alert(hazard="smoke", audience=["landlord"])
    await house.settled()
    assert "stairs" in announced[0].data["message"]
    assert spoken[0].data["media_player_entity_id"] == ["media_player.placeholder_1"]
    channel = house.engine.dispatcher.channels["announce"]
    with pytest.raises(RefusedError):
        await channel.async_send(message("nowhere"))


async def test_notify_entities(house: House, sms: Provider) -> None:
    """Whoever writes to a unit or a role need not know who that is."""
    registry = er.async_get(house.hass)
    for unique_id, count in (
        (f"{house.units['201']}_notify", 3),
        (f"{house.entry.entry_id}_responders", 1),
    ):
        sms.heard.clear()
        await house.hass.services.async_call(
            "notify",
            "send_message",
            {
                "entity_id": registry.async_get_entity_id("notify", DOMAIN, unique_id),
                "message": "The water comes back at six.",
            },
            blocking=True,
        )
        await house.settled()
        assert len(sms.heard) == count
    # News are no alert.
    assert house.active("201") == "off"


async def test_notify_action_and_entity(house: House) -> None:
    """An address of notify is an entity or an action; one that is missing is tried later."""
    channel = house.engine.dispatcher.channels["notify"]
    sent = async_mock_service(house.hass, "notify", "send_message")
    row = er.async_get(house.hass).async_get_or_create("notify", "placeholder", "1")
    with pytest.raises(NotSentError, match="unavailable"):
        await channel.async_send(message(row.entity_id))
    house.hass.states.async_set(row.entity_id, "unknown")
    await channel.async_send(message(row.entity_id, link="https://house.example/x"))
    assert sent[0].data["message"].endswith("/x")
    with pytest.raises(NotSentError):
        await channel.async_send(message("notify.nobody"))


@pytest.mark.parametrize("about", About)
def test_each_answer_has_a_key(about: About) -> None:
    """The keys of the phone are the answers in their order, and no others."""
    keys = map(str, range(len(ANSWERS[about]) + 1))
    assert tuple(pressed_key(about, key) for key in keys) == (None, *ANSWERS[about])
    assert pressed_key(about, "9") is None
