"""A script that has sent nothing is not `sent`."""

from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import async_mock_service

from homeassistant.core import ServiceCall
from homeassistant.exceptions import HomeAssistantError
from homeassistant.setup import async_setup_component

from .conftest import House
from .providers import Provider

NEVER = {"condition": "template", "value_template": "{{ false }}"}
SEND = {"action": "placeholder.send", "data": {"to": "{{ to }}"}}
BREAK = {"action": "placeholder.broken"}


async def told(house: House, sequence: list[Any]) -> tuple[str, str | None]:
    """Tell the landlord by a script; return what has become of it."""
    assert await async_setup_component(
        house.hass, "script", {"script": {"own": {"sequence": sequence}}}
    )
    house.options(channels={"sms": {"provider": "script", "script": "script.own"}})
    await house.alert(hazard="smoke", audience=["landlord"])
    await house.settled()
    row = (await house.stored())["landlord-sms"]
    return str(row.state), row.reason


@pytest.mark.parametrize(
    ("sequence", "reason"),
    [
        # As the blueprint is saved without a way to send.
        ([], "script_did_nothing"),
        ([{"variables": {"text": "{{ title }}"}}], "script_did_nothing"),
        ([NEVER, SEND], "script_did_nothing"),
        ([{**SEND, "enabled": False}], "script_did_nothing"),
        ([{"if": [NEVER], "then": [SEND]}], "script_did_nothing"),
        ([{**BREAK, "continue_on_error": True}], "script_did_nothing"),
        ([{"stop": "No provider"}], "script_did_nothing"),
        ([SEND, {"stop": "Refused", "error": True}], "script_failed"),
        ([{"action": "placeholder.nothing"}], "script_failed"),
    ],
)
async def test_nothing_sent(house: House, sequence: list[Any], reason: str) -> None:
    """It waits for another try, and its reason is seen."""

    async def broken(call: ServiceCall) -> None:
        raise HomeAssistantError

    async_mock_service(house.hass, "placeholder", "send")
    house.hass.services.async_register("placeholder", "broken", broken)
    assert await told(house, sequence) == ("queued", reason)


@pytest.mark.parametrize(
    "sequence",
    [
        [SEND],
        [{"event": "placeholder_sms"}],
        [{"choose": [{"conditions": [NEVER], "sequence": []}], "default": [SEND]}],
        [{"parallel": [{"sequence": [SEND]}, {"delay": 0}]}],
        [{"repeat": {"count": 2, "sequence": [SEND]}}],
        [{"if": ["{{ true }}"], "then": [SEND]}],
        [{**BREAK, "continue_on_error": True}, SEND],
    ],
)
async def test_sent(house: House, sequence: list[Any]) -> None:
    """Wherever in the script it is, what is done is done."""

    async def broken(call: ServiceCall) -> None:
        raise HomeAssistantError

    async_mock_service(house.hass, "placeholder", "send")
    house.hass.services.async_register("placeholder", "broken", broken)
    assert await told(house, sequence) == ("sent", None)


async def test_next_channel(house: House, call: Provider) -> None:
    """Somebody whose SMS script does nothing is called."""
    assert await async_setup_component(
        house.hass, "script", {"script": {"own": {"sequence": []}}}
    )
    channels = house.entry.options["channels"]
    house.options(
        channels={**channels, "sms": {"provider": "script", "script": "script.own"}},
        policies={
            "warning": {
                "steps": [{"after": 0, "channels": ["sms", "call"], "in_turn": True}],
                "valid_for": 3600,
            }
        },
    )
    await house.alert(severity="warning", hazard="overflow", audience=["landlord"])
    for _ in range(4):
        await house.settled()
        await house.tick(31)
    await house.settled()
    assert len(call.heard) == 1
