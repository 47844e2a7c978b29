"""Every way through the options that are about alerts."""

from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import async_mock_service

from homeassistant.data_entry_flow import FlowResultType, InvalidData

from .conftest import House
from .test_channels import ALIBABA, message

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
    assert shown["description_placeholders"] == {
        "severity": "Alarm: lives are at stake"
    }
    # What is suggested can be saved as it is.
    saved = await flow.fill(shown, suggested)
    assert saved["type"] is FlowResultType.CREATE_ENTRY

    for step in ({"after": "x"}, {"channels": ["sms"]}, {"after": 0, "who": "x"}):
        with pytest.raises(InvalidData):
            await flow.walk(*begin, {"steps": [step], **more})
    for steps in ([{"after": 0, "channels": []}], [{"after": 0}] * 51):
        wrong = await flow.walk(*begin, {"steps": steps, **more})
        assert wrong["errors"] == {"steps": "invalid_policy"}
    right = await flow.fill(wrong, {"steps": [{"after": 5}], **more})
    assert right["type"] is FlowResultType.CREATE_ENTRY
    policy = house.entry.options["policies"]["alarm"]
    assert (policy["each_unit"], policy["valid_for"]) == (True, 600)
    assert policy["steps"][0]["after"] == 5
    assert "email" in policy["steps"][0]["channels"]
    await flow.walk(*begin, more)
    assert house.entry.options["policies"] == {}


@pytest.mark.parametrize(
    ("channel", "provider", "settings", "wrong"),
    [
        ("sms", "script", {"script": "script.own"}, {"script": "light.own"}),
        ("sms", "twilio", {"account_sid": "a", "auth_token": "b", "from": "c"}, None),
        (
            "call",
            "alibaba",
            {**ALIBABA, "keys_template": "TTS_2", "show_number": "02100000000"},
            None,
        ),
        ("email", "notify", {"action": "notify.smtp"}, {}),
        ("email", "script", {"script": "script.own"}, {}),
    ],
)
async def test_provider(
    house: House,
    channel: str,
    provider: str,
    settings: dict[str, Any],
    wrong: dict[str, Any] | None,
) -> None:
    """A channel works once its provider has what it needs, until it is taken away."""
    flow = Flow(house)
    settings = {key: value for key, value in settings.items() if key != "provider"}
    if channel == "call":
        settings.pop("sign_name")
    choose = ({"next_step_id": "channel"}, {"channel": channel})
    assert channel not in house.engine.dispatcher.channels
    form = await flow.walk(*choose, {"provider": provider})
    assert set(settings) <= keys(form)
    if wrong is not None:
        with pytest.raises(InvalidData):
            await flow.walk(*choose, {"provider": provider}, wrong)
    if "url" in keys(form):
        for url in ("nowhere", "ftp://placeholder.example", "http://[", "https://"):
            refused = await flow.walk(
                *choose, {"provider": provider}, {**settings, "url": url}
            )
            assert refused["errors"] == {"url": "invalid_address"}, url
            assert channel not in house.engine.dispatcher.channels
        done = await flow.fill(refused, settings)
    else:
        done = await flow.fill(form, settings)
    assert done["type"] is FlowResultType.CREATE_ENTRY
    assert channel in house.engine.dispatcher.channels
    assert house.entry.options["channels"][channel] == {
        "provider": provider,
        **settings,
    }
    await flow.walk(*choose, {"provider": "none"})
    assert channel not in house.engine.dispatcher.channels


async def test_alibaba_shows_where_to_report(house: House) -> None:
    """Alibaba's console has to be told where to report; without an address that is said."""
    flow = Flow(house)
    choose = ({"next_step_id": "channel"}, {"channel": "sms"}, {"provider": "alibaba"})
    form = await flow.walk(*choose)
    assert form["step_id"] == "alibaba"
    assert form["description_placeholders"] == {
        "report_url": house.engine.links.report_url(),
        "answer_url": "https://house.example/api/r/",
    }
    assert "https://house.example/api/rental_units/callback/" in str(
        form["description_placeholders"]
    )
    await house.hass.config_entries.async_unload(house.entry.entry_id)
    form = await flow.walk(*choose)
    assert form["description_placeholders"] == {"report_url": "–", "answer_url": "–"}


async def test_channels_without_a_choice(house: House) -> None:
    """Webhooks, robots and loudspeakers have one provider and are edited at once."""
    flow = Flow(house)

    async def edit(channel: str, data: dict[str, Any]) -> Any:
        choose = ({"next_step_id": "channel"}, {"channel": channel})
        return await flow.walk(*choose, data)

    await edit("webhook", {"secret": "placeholder"})
    await edit("announce", {"tts_entity": "tts.placeholder"})
    row = {"form": "wecom", "url": "https://placeholder.example"}
    for robots in ("x", [{"url": "x"}], [{**row, "form": "pigeon"}]):
        with pytest.raises(InvalidData):
            await edit("robot", {"robots": robots})
    refused = await edit("robot", {"robots": [{**row, "url": "placeholder"}]})
    assert refused["errors"] == {"robots": "invalid_address"}
    await flow.fill(refused, {"robots": [row]})
    channels = house.entry.options["channels"]
    assert channels["webhook"]["secret"] == "placeholder"
    assert channels["announce"]["tts_entity"] == "tts.placeholder"
    assert channels["robot"]["robots"] == [row]


async def test_notify_actions_are_offered(house: House) -> None:
    """Email goes through a notify action that takes a target; those there are offered."""
    sent = async_mock_service(house.hass, "notify", "smtp")
    choose = ({"next_step_id": "channel"}, {"channel": "email"})
    form = await Flow(house).walk(*choose, {"provider": "notify"})
    (field,) = form["data_schema"].schema.values()
    assert "notify.smtp" in field.config["options"]
    assert "notify.send_message" not in field.config["options"]
    await Flow(house).fill(form, {"action": "notify.smtp"})
    channel = house.engine.dispatcher.channels["email"]
    link = "https://house.example/x"
    await channel.async_send(message("mark@example.com", link=link))
    (call,) = sent
    assert call.data["target"] == ["mark@example.com"]
    assert call.data["message"] == f"Smoke at 1-1-201.\n{link}"
