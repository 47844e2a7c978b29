"""Every way through the options that are about alerts."""

from collections.abc import Awaitable, Callable, Iterable
import json
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import async_mock_service

from custom_components.rental_units.alerts.policies import CHANNELS, QUIET
from custom_components.rental_units.config_flow import FIELDS_IN_VIEW
from homeassistant.components.frontend.storage import async_user_store
from homeassistant.data_entry_flow import FlowResultType, InvalidData
from homeassistant.helpers import entity_registry as er, issue_registry as ir
from homeassistant.setup import async_setup_component
from tests.rental_units.texts import texts_of

from .conftest import House
from .providers import ALIBABA_OK, Provider
from .test_channels import message

type Add = Callable[..., Awaitable[Provider]]

#: Placeholders with the form of what the providers give out.
TWILIO = {
    "account_sid": f"AC{'0' * 32}",
    "auth_token": "placeholder-token",
    "from": "+12025550100",
}
ALIBABA = {
    "access_key_id": "placeholder0placeholder",
    "access_key_secret": "placeholder-secret",
    "sign_name": "Placeholder",
    "template": "SMS_1",
}
CALL_BY_ALIBABA = {
    **{key: value for key, value in ALIBABA.items() if key != "sign_name"},
    "template": "TTS_1",
    "keys_template": "TTS_2",
    "show_number": "02100000000",
}
SECRETS = ("placeholder-token", "placeholder-secret", "0placeholder", "0" * 32, "MARK")

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


class Flow:
    """Walks through the options of a house."""

    def __init__(self, house: House) -> None:
        """Initialize."""
        self.house = house
        self.flows = house.hass.config_entries.options

    async def walk(self, *inputs: dict[str, Any]) -> Any:
        """Begin, and fill in one form after another."""
        result = await self.flows.async_init(self.house.entry.entry_id)
        for data in inputs:
            result = await self.flows.async_configure(result["flow_id"], data)
        await self.house.hass.async_block_till_done()
        return result

    async def fill(self, result: Any, data: dict[str, Any]) -> Any:
        """Fill in the form again that has shown an error."""
        result = await self.flows.async_configure(result["flow_id"], data)
        await self.house.hass.async_block_till_done()
        return result


def named(channels: Iterable[str], language: str, join: str) -> str:
    """Return channels as they are called in a language."""
    texts = texts_of(language)["selector"]["alert_channel"]["options"]
    return join.join(texts[channel] for channel in channels)


def keys(result: Any) -> set[str]:
    """Return the fields of a form."""
    return {str(key) for key in result["data_schema"].schema}


async def test_policy(house: House) -> None:
    """A policy is shown as it is, refused when it is wrong, edited, and taken back."""
    flow = Flow(house)
    begin = ({"next_step_id": "policy"}, {"severity": "alarm"})
    more = {"each_unit": True, "valid_for": 600}
    shown = await flow.walk(*begin)
    suggested = {
        str(key): key.description["suggested_value"]
        for key in shown["data_schema"].schema
    }
    assert [step["after"] for step in suggested["steps"]] == [0, 30, 60]
    assert suggested["valid_for"] == 4 * 3600
    placeholders = shown["description_placeholders"]
    assert placeholders["severity"] == "Alarm: lives are at stake"
    # Who, when and how, at a glance.
    over = named(CHANNELS, "en", ", ")
    assert placeholders["steps"].splitlines() == [
        "1. After 0 s: whom the alert names, over all channels",
        "2. After 30 s: Responders, Landlord, over Call",
        f"3. After 1 min: whom the alert names, over {over}; 10 more times, every 1 min",
    ]
    # What is suggested can be saved as it is.
    saved = await flow.fill(shown, suggested)
    assert saved["type"] is FlowResultType.CREATE_ENTRY

    for step in ({"after": "x"}, {"channels": ["sms"]}, {"after": 0, "who": "x"}):
        with pytest.raises(InvalidData):
            await flow.walk(*begin, {"steps": [step], **more})
    for steps in ([{"after": 0, "channels": []}], [{"after": 0}] * 51):
        wrong = await flow.walk(*begin, {"steps": steps, **more})
        assert wrong["errors"] == {"steps": "invalid_policy"}
    # What would begin when the alert is over.
    late = await flow.walk(*begin, {"steps": [{"after": 0}, {"after": 600}], **more})
    assert late["errors"] == {"steps": "step_too_late"}
    assert "2. After 10 min" in late["description_placeholders"]["steps"]
    right = await flow.fill(wrong, {"steps": [{"after": 5}], **more})
    assert right["type"] is FlowResultType.CREATE_ENTRY
    policy = house.entry.options["policies"]["alarm"]
    assert (policy["each_unit"], policy["valid_for"]) == (True, 600)
    assert policy["steps"][0]["after"] == 5
    assert "email" in policy["steps"][0]["channels"]
    await flow.walk(*begin, more)
    assert house.entry.options["policies"] == {}


def choose(channel: str, *provider: str) -> tuple[dict[str, Any], ...]:
    """Return the inputs that lead to the settings of a channel."""
    begin = ({"next_step_id": "channel"}, {"channel": channel})
    return (*begin, *({"provider": row} for row in provider))


def shown_in(form: Any) -> dict[str, Any]:
    """Return what a form shows."""
    return {
        str(key): key.description["suggested_value"]
        for key in form["data_schema"].schema
        if key.description
    }


async def add_script(house: House, *steps: dict[str, Any]) -> None:
    """Let there be a script."""
    script = {"own": {"sequence": list(steps)}}
    assert await async_setup_component(house.hass, "script", {"script": script})


@pytest.mark.parametrize(
    ("channel", "provider", "settings", "wrong"),
    [
        ("sms", "script", {"script": "script.own"}, {"script": "no_such_script"}),
        (
            *("sms", "twilio", TWILIO),
            {
                "account_sid": "invalid_account",
                "from": "invalid_sender",
                "url": "invalid_address",
            },
        ),
        (
            *("sms", "alibaba", {**ALIBABA, "region": "cn-hangzhou"}),
            {
                "access_key_id": "invalid_account",
                "template": "invalid_template",
                "region": "invalid_region",
                "url": "invalid_address",
            },
        ),
        (
            *("call", "alibaba", CALL_BY_ALIBABA),
            {"keys_template": "invalid_template", "show_number": "invalid_sender"},
        ),
        ("email", "notify", {"action": "notify.smtp"}, {"action": "no_such_action"}),
        ("email", "script", {"script": "script.own"}, {"script": "no_such_script"}),
        ("announce", "", {"tts_entity": "tts.own"}, {"tts_entity": "no_such_entity"}),
    ],
)
async def test_provider(
    house: House,
    channel: str,
    provider: str,
    settings: dict[str, Any],
    wrong: dict[str, str],
) -> None:
    """A channel works once its provider has what it needs, until it is taken away."""
    flow = Flow(house)
    await add_script(house)
    async_mock_service(house.hass, "notify", "smtp")
    house.hass.states.async_set("tts.own", "unknown")
    way = choose(channel, *filter(None, [provider]))
    form = await flow.walk(*way)
    assert set(settings) <= keys(form)
    domain = next(iter(settings.values())).partition(".")[0]
    bad = {key: f"{domain}.!" if key in settings else "http://[" for key in wrong}
    bad |= {key: f"{domain}.gone" for key in ("script", "tts_entity") if key in bad}
    refused = await flow.fill(form, {**settings, **bad})
    is_long = len(refused["data_schema"].schema) > FIELDS_IN_VIEW
    head = {"base": "see_field"} if is_long else {}
    assert refused["errors"] == {**wrong, **head}
    assert not house.entry.options.get("channels")
    last = await flow.fill(refused, settings)
    assert last["step_id"] == "channel_test"
    assert not house.entry.options.get("channels")
    done = await flow.fill(last, {})
    assert done["type"] is FlowResultType.CREATE_ENTRY
    assert channel in house.engine.dispatcher.channels
    stored = house.entry.options["channels"][channel]
    assert stored == {"provider": provider or channel, **settings}

    # What is stored is shown again, but for what is secret, and stays if it is not touched.
    form = await flow.walk(*way)
    assert [mark for mark in SECRETS if mark in repr(shown_in(form))] == []
    again = await flow.fill(form, {k: v for k, v in shown_in(form).items() if v})
    await flow.fill(again, {})
    assert house.entry.options["channels"][channel] == stored


@pytest.mark.parametrize(
    "url", ["nowhere", "ftp://a.example", "https://", "https://u@a.example"]
)
async def test_address_of_a_provider(house: House, url: str) -> None:
    """An endpoint is the address of a server, without a name or password in it."""
    refused = await Flow(house).walk(*choose("sms", "twilio"), {**TWILIO, "url": url})
    assert refused["errors"] == {"url": "invalid_address", "base": "see_field"}


async def test_none_takes_a_channel_away(house: House) -> None:
    """A channel without a provider is not there."""
    flow = Flow(house)
    await flow.walk(*choose("sms", "twilio"), TWILIO, {})
    assert "sms" in house.engine.dispatcher.channels
    form = await flow.walk(*choose("sms", "none"))
    # Nobody of the house has another way.
    assert form["description_placeholders"] == {"people": "4", "duties": "1"}
    assert "sms" in house.engine.dispatcher.channels
    await flow.fill(form, {})
    assert "sms" not in house.engine.dispatcher.channels


async def test_another_provider_begins_anew(house: House) -> None:
    """Nothing of a provider is another one's: no address, no secret, no sender."""
    flow = Flow(house)
    url = "https://placeholder.example"
    await flow.walk(*choose("sms", "twilio"), {**TWILIO, "url": url}, {})
    form = await flow.walk(*choose("sms", "alibaba"))
    assert not any(shown_in(form).values())
    await flow.fill(await flow.fill(form, ALIBABA), {})
    assert house.entry.options["channels"]["sms"] == {"provider": "alibaba", **ALIBABA}
    # Nor does a way back bring it back: who has no token is asked for it.
    form = await flow.walk(*choose("sms", "twilio"))
    with pytest.raises(InvalidData):
        await flow.fill(form, {"from": TWILIO["from"]})
    blank = await flow.fill(form, {**TWILIO, "auth_token": "  "})
    assert blank["errors"] == {"auth_token": "missing", "base": "see_field"}


async def test_a_secret_is_changed_kept_or_forgotten(house: House) -> None:
    """An empty field keeps a secret; one that is not needed can be forgotten."""
    flow = Flow(house)
    await flow.walk(*choose("webhook"), {"secret": "MARK-1"}, {})
    form = await flow.walk(*choose("webhook"))
    assert "MARK" not in repr(form)
    await flow.fill(await flow.fill(form, {}), {})
    assert house.entry.options["channels"]["webhook"]["secret"] == "MARK-1"
    form = await flow.walk(*choose("webhook"))
    await flow.fill(await flow.fill(form, {"secret": "MARK-2"}), {})
    assert house.entry.options["channels"]["webhook"]["secret"] == "MARK-2"
    form = await flow.walk(*choose("webhook"))
    await flow.fill(await flow.fill(form, {"forget_secrets": True}), {})
    assert house.entry.options["channels"]["webhook"] == {"provider": "webhook"}


async def test_robots(house: House, add_provider: Add) -> None:
    """A robot is its messenger's, and its address, which is a key, is not shown again."""
    flow = Flow(house)
    way = choose("robot")
    official = {
        "wecom": "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=MARK-KEY-0001",
        "dingtalk": "https://oapi.dingtalk.com/robot/send?access_token=MARK-KEY-0002",
    }
    rows = [{"form": form, "url": url} for form, url in official.items()]
    for robots in ("x", [{"url": "x"}], [{**rows[0], "form": "pigeon"}]):
        with pytest.raises(InvalidData):
            await flow.walk(*way, {"robots": robots})
    for url, error in (
        ("placeholder", "invalid_address"),
        (official["dingtalk"], "robot_host"),
        (official["wecom"].replace("https", "http"), "robot_host"),
        ("https://placeholder.example", "robot_host"),
    ):
        refused = await flow.walk(*way, {"robots": [{"form": "wecom", "url": url}]})
        assert refused["errors"] == {"robots": error}, url
    # A server of one's own is allowed by an administrator.
    provider = await add_provider({"errcode": 0})
    own = {"form": "wecom", "url": f"{provider.url}/a", "secret": "MARK-SECRET"}
    await flow.fill(await flow.fill(refused, {"robots": [*rows, own, own]}), {})
    assert house.entry.options["channels"]["robot"]["robots"] == [*rows, own, own]

    form = await flow.walk(*way)
    (shown,) = shown_in(form).values()
    assert [row["form"] for row in shown] == ["wecom", "dingtalk", "wecom", "wecom"]
    assert "MARK" not in repr(form)
    assert len({row["url"] for row in shown}) == 4
    # The first goes, another one gets a new secret, the rest is as it was.
    shown[2]["secret"] = "MARK-NEW"
    test = await flow.fill(form, {"robots": shown[1:]})
    sent = await flow.fill(test, {"robot": "1"})
    assert sent["type"] is FlowResultType.MENU
    assert "[DRILL]" in provider.heard[0]["json"]["text"]["content"]
    await flow.fill(sent, {"next_step_id": "channel_save"})
    assert house.entry.options["channels"]["robot"]["robots"] == [
        rows[1],
        {**own, "secret": "MARK-NEW"},
        own,
    ]


async def test_a_test_is_sent_before_anything_is_kept(
    house: House, add_provider: Add, caplog: pytest.LogCaptureFixture
) -> None:
    """A message marked as a drill goes to one address; what fails is not kept unasked."""
    flow = Flow(house)
    house.hass.config.country = "US"
    provider = await add_provider()
    settings = {**TWILIO, "url": provider.url}
    form = await flow.walk(*choose("sms", "twilio"), settings)
    wrong = await flow.fill(form, {"phone": "12"})
    assert wrong["errors"] == {"phone": "invalid_phone"}
    assert provider.heard == []

    provider.status, provider.answer = 400, {"code": 21608}
    failed = await flow.fill(wrong, {"phone": "(202) 555-0101"})
    assert failed["errors"] == {"base": "test"}
    assert failed["description_placeholders"] == {"code": "twilio_21608"}
    provider.status = 401
    failed = await flow.fill(failed, {"phone": "+12025550101"})
    assert failed["errors"] == {"base": "test_credentials"}
    assert not house.entry.options.get("channels")

    provider.status, provider.answer = 201, {"sid": "SM-1", "status": "queued"}
    provider.heard.clear()
    sent = await flow.fill(failed, {"phone": "+12025550101"})
    assert (sent["type"], sent["step_id"]) == (FlowResultType.MENU, "channel_sent")
    assert sent["description_placeholders"] == {"reference": "SM-1"}
    (heard,) = provider.heard
    assert heard["form"]["To"] == "+12025550101"
    assert heard["form"]["Body"].startswith("[DRILL] Test: Property 1\n[DRILL] ")
    assert not house.entry.options.get("channels")
    # Back to the settings, whose secrets are known to the flow and not to the browser.
    form = await flow.fill(sent, {"next_step_id": "channel_edit"})
    assert [mark for mark in SECRETS if mark in repr(shown_in(form))] == []
    again = await flow.fill(form, {"from": "+12025550109", "url": provider.url})
    sent = await flow.fill(again, {"phone": "+12025550101"})
    assert provider.heard[-1]["form"]["From"] == "+12025550109"
    await flow.fill(sent, {"next_step_id": "channel_save"})
    assert house.entry.options["channels"]["sms"] == {
        "provider": "twilio",
        **settings,
        "from": "+12025550109",
    }
    # The address of the test was for the test.
    assert "2025550101" not in json.dumps(house.entry.as_dict(), default=str)
    assert "2025550101" not in caplog.text


async def test_a_test_is_as_a_fire(house: House, add_provider: Add) -> None:
    """What only an alarm has in it is tried too: link, reports, keys, each template."""
    flow = Flow(house)
    house.hass.config.country = "CN"
    provider = await add_provider(ALIBABA_OK)
    settings = {**ALIBABA, "news_template": "SMS_2", "url": provider.url}
    form = await flow.walk(*choose("sms", "alibaba"), settings)
    await flow.fill(form, {"phone": "+8613800138001"})
    fire, news = (item["form"] for item in provider.heard)
    assert (fire["TemplateCode"], news["TemplateCode"]) == ("SMS_1", "SMS_2")
    assert len(json.loads(fire["TemplateParam"])["link"]) == 11
    assert "link" not in json.loads(news["TemplateParam"])

    settings = {**CALL_BY_ALIBABA, "news_template": "TTS_3", "url": provider.url}
    form = await flow.walk(*choose("call", "alibaba"), settings)
    await flow.fill(form, {"phone": "+8613800138001"})
    menu, plain = (item["form"] for item in provider.heard[2:])
    assert (menu["Action"], menu["MenuKeyMap.1.Code"]) == ("IvrCall", "TTS_2")
    assert plain["TtsCode"] == "TTS_3"

    provider.answer = {"sid": "CA1", "status": "queued"}
    settings = {**TWILIO, "url": provider.url}
    form = await flow.walk(*choose("call", "twilio"), settings)
    await flow.fill(form, {"phone": "+12025550101"})
    called = provider.heard[-1]["form"]
    assert "<Gather" in called["Twiml"]
    assert called["StatusCallback"].startswith("https://house.example/")
    # None of it is alive.
    assert house.engine.dispatcher.deliveries == {}


async def test_saved_all_the_same(house: House, add_provider: Add) -> None:
    """Who knows better keeps what has failed, and says so."""
    flow = Flow(house)
    provider = await add_provider(ALIBABA_OK)
    await provider.stop()
    settings = {**ALIBABA, "url": provider.url}
    form = await flow.walk(*choose("sms", "alibaba"), settings)
    failed = await flow.fill(form, {"phone": "+8613800138001"})
    assert failed["errors"] == {"base": "test_unreachable"}
    await provider.start()
    provider.status = 500
    failed = await flow.fill(failed, {"phone": "+8613800138001"})
    assert failed["errors"] == {"base": "test"}
    assert failed["description_placeholders"] == {"code": "http_500"}
    done = await flow.fill(failed, {"phone": "+8613800138001", "save_anyway": True})
    assert done["type"] is FlowResultType.CREATE_ENTRY
    assert len(provider.heard) == 1
    assert house.entry.options["channels"]["sms"] == {"provider": "alibaba", **settings}
    issue = f"provider_dead_{house.entry.entry_id}_sms"
    assert ir.async_get(house.hass).async_get_issue("rental_units", issue)
    form = await flow.walk(
        *choose("sms", "alibaba"), {"sign_name": "x", "template": "SMS_1"}
    )
    await flow.fill(form, {})
    assert not ir.async_get(house.hass).async_get_issue("rental_units", issue)


async def test_a_script_that_does_nothing(house: House) -> None:
    """A script that sends nothing has failed, in the form as in a fire."""
    flow = Flow(house)
    await add_script(house, {"variables": {"a": "{{ to }}"}})
    way = choose("sms", "script")
    form = await flow.walk(*way, {"script": "script.own"})
    failed = await flow.fill(form, {"phone": "+12025550101"})
    assert failed["errors"] == {"base": "test_script_did_nothing"}


async def test_channels_without_settings(house: House) -> None:
    """The app and notify entities can be tested too; there is nothing to keep."""
    flow = Flow(house)
    before = dict(house.entry.options)
    row = er.async_get(house.hass).async_get_or_create("notify", "placeholder", "1")
    house.hass.states.async_set(row.entity_id, "unknown")
    sent = async_mock_service(house.hass, "notify", "send_message")
    form = await flow.walk(*choose("notify"))
    assert form["step_id"] == "channel_test"
    done = await flow.fill(form, {"notify": row.entity_id})
    assert done["step_id"] == "channel_sent"
    assert "[DRILL]" in sent[0].data["title"]
    await flow.fill(done, {"next_step_id": "channel_save"})

    form = await flow.walk(*choose("push"))
    failed = await flow.fill(form, {"person": "person.nobody"})
    assert failed["errors"] == {"base": "test_no_phone"}
    await flow.fill(failed, {})
    form = await flow.walk(*choose("announce"), {})
    failed = await flow.fill(form, {"area": house.area_id})
    assert failed["errors"] == {"base": "test_no_speaker"}
    assert house.entry.options.get("channels", {}) == before.get("channels", {})


async def test_what_a_channel_raises_is_said(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A test that breaks says so, and the log does not hold the address."""
    await add_script(house)
    flow = Flow(house)
    form = await flow.walk(*choose("email", "script"), {"script": "script.own"})
    component = house.hass.data["script"]
    monkeypatch.setattr(type(component), "get_entity", lambda *_: 1 / 0, raising=True)
    failed = await flow.fill(form, {"email": "mark@example.com"})
    assert failed["errors"] == {"base": "test_error"}
    assert "mark@example.com" not in caplog.text


async def test_alibaba_shows_where_to_report(house: House) -> None:
    """Alibaba's console has to be told where to report; without an address that is said."""
    flow = Flow(house)
    way = choose("sms", "alibaba")
    form = await flow.walk(*way)
    assert form["step_id"] == "alibaba"
    assert form["description_placeholders"] == {
        "report_url": house.engine.links.report_url(),
        "answer_url": "https://house.example/api/r/",
    }
    assert "https://house.example/api/rental_units/callback/" in str(
        form["description_placeholders"]
    )
    await house.hass.config_entries.async_unload(house.entry.entry_id)
    form = await flow.walk(*way)
    assert form["description_placeholders"] == {"report_url": "–", "answer_url": "–"}
    # It is kept all the same, for the next start.
    await flow.fill(await flow.fill(form, ALIBABA), {})
    assert house.entry.options["channels"]["sms"]["provider"] == "alibaba"


async def test_notify_actions_are_offered(house: House) -> None:
    """Email goes through a notify action that takes a target; those there are offered."""
    sent = async_mock_service(house.hass, "notify", "smtp")
    form = await Flow(house).walk(*choose("email", "notify"))
    (field,) = form["data_schema"].schema.values()
    assert "notify.smtp" in field.config["options"]
    assert "notify.send_message" not in field.config["options"]
    form = await Flow(house).fill(form, {"action": "notify.smtp"})
    await Flow(house).fill(form, {})
    channel = house.engine.dispatcher.channels["email"]
    link = "https://house.example/x"
    await channel.async_send(message("mark@example.com", link=link))
    (call,) = sent
    assert call.data["target"] == ["mark@example.com"]
    assert call.data["message"] == f"Smoke at 1-1-201.\n{link}"


@pytest.mark.parametrize(
    ("header", "chosen", "language"),
    [
        ("zh-TW,zh;q=0.9,en;q=0.8", None, "zh-Hant"),
        ("zh-CN", None, "zh-Hans"),
        ("de", None, "en"),
        ("", None, "en"),
        ("de", "zh-Hans", "zh-Hans"),
        ("zh-Hans", "en", "en"),
    ],
)
async def test_in_the_language_of_who_looks(
    house: House,
    hass_client: Any,
    hass_admin_user: Any,
    header: str,
    chosen: str | None,
    language: str,
) -> None:
    """What the frontend cannot translate is in the language of the profile, or the browser."""
    assert await async_setup_component(house.hass, "config", {})
    store = await async_user_store(house.hass, hass_admin_user.id)
    await store.async_set_item("language", chosen and {"language": chosen})
    client = await hass_client()

    async def post(path: str, data: dict[str, Any]) -> Any:
        response = await client.post(
            f"/api/config/config_entries/options/flow{path}",
            json=data,
            headers={"Accept-Language": header},
        )
        assert response.status == 200
        return await response.json()

    form = await post("", {"handler": house.entry.entry_id})
    for data in ({"next_step_id": "policy"}, {"severity": "fault"}):
        form = await post(f"/{form['flow_id']}", data)
    over = named(QUIET, language, {"en": ", "}.get(language, "、"))
    assert (
        form["description_placeholders"]
        == {
            "en": {
                "severity": "Fault of equipment",
                "steps": f"1. After 0 s: Landlord, over {over}; one channel after another",
            },
            "zh-Hans": {
                "severity": "设备故障",
                "steps": f"1. 0 秒后：房东，通过{over}；逐个渠道",
            },
            "zh-Hant": {
                "severity": "設備故障",
                "steps": f"1. 0 秒後：房東，透過{over}；逐一管道",
            },
        }[language]
    )
    (steps, *_) = form["data_schema"]
    channels = steps["selector"]["object"]["fields"]["channels"]["selector"]["select"]
    labels = {row["value"]: row["label"] for row in channels["options"]}
    assert (
        labels["sms"] == {"en": "SMS", "zh-Hans": "短信", "zh-Hant": "簡訊"}[language]
    )
