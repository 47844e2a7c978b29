"""The condition in a real automation, and as the editor tests it live."""

from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_mock_service,
)
from pytest_homeassistant_custom_component.typing import WebSocketGenerator
import voluptuous as vol

from custom_components.community_safety.catalogue import HAZARDS
from custom_components.community_safety.condition import STATES
from custom_components.community_safety.const import DOMAIN, Severity
from custom_components.community_safety.core.house import DATA_HOUSE
from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.helpers.condition import (
    async_get_all_descriptions,
    async_validate_condition_config,
)
from homeassistant.setup import async_setup_component
from tests.common import Peer, wait_until

HAS_OPEN_ALARM = f"{DOMAIN}.has_open_alarm"


@pytest.fixture
def seen(hass: HomeAssistant) -> list[ServiceCall]:
    """Return what automations have done."""
    return async_mock_service(hass, "test", "seen")


@pytest.fixture
async def flats(hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer) -> None:
    """Smoke in one flat; leakage that is gone again, and was acknowledged, in another.

    In a third a sensor tests itself.
    """
    await peer.config("smoke-3", "smoke_sensor", ["smoke", "test"], area="1-1-501")
    await peer.state("smoke-3", test=True)
    await peer.state("smoke-3", test=True, smoke=True)
    await peer.config("smoke-1", "smoke_sensor", ["smoke"], area="1-1-201")
    await peer.config(
        "breaker-1", "breaker_monitor", ["residual_current"], area="1-1-301"
    )
    await peer.state("smoke-1", smoke=True)
    await peer.state("breaker-1", residual_current=600)
    await hass.services.async_call(
        DOMAIN, "acknowledge", {"area_id": "1_1_301"}, blocking=True
    )
    await peer.state("breaker-1", residual_current=1)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, True),
        ({"options": {"hazard": "smoke"}}, True),
        ({"options": {"hazard": "heat"}}, False),
        ({"options": {"severity": ["warning", "fault"]}}, False),
        ({"target": {"area_id": "1_1_201"}}, True),
        ({"target": {"area_id": "1_1_401"}}, False),
        ({"target": {"area_id": "1_1_501"}}, False),
        ({"target": {"area_id": "1_1_301"}}, True),
        ({"target": {"area_id": "1_1_301"}, "options": {"state": "any"}}, True),
        ({"target": {"area_id": "1_1_301"}, "options": {"state": "present"}}, False),
        ({"target": {"area_id": "1_1_201"}, "options": {"state": "present"}}, True),
        (
            {"target": {"area_id": "1_1_301"}, "options": {"state": "unacknowledged"}},
            False,
        ),
        ({"options": {"state": "unacknowledged"}}, True),
    ],
)
async def test_in_an_automation(
    hass: HomeAssistant,
    flats: None,
    seen: list[ServiceCall],
    more: dict[str, Any],
    expected: bool,
) -> None:
    """An automation goes on if there is such an alarm."""
    assert await async_setup_component(
        hass,
        "automation",
        {
            "automation": {
                "alias": "Watch",
                "triggers": {"trigger": "event", "event_type": "now"},
                "conditions": {"condition": HAS_OPEN_ALARM, **more},
                "actions": {"action": "test.seen"},
            }
        },
    )
    hass.bus.async_fire("now")
    await hass.async_block_till_done()
    assert bool(seen) is expected


async def test_live(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    peer: Peer,
    hass_ws_client: WebSocketGenerator,
) -> None:
    """The editor shows at once that an alarm is raised, acknowledged and reset."""
    await peer.config("smoke-1", "smoke_sensor", ["smoke"], area="1-1-201")
    client = await hass_ws_client(hass)
    await client.send_json_auto_id(
        {
            "type": "subscribe_condition",
            "condition": {
                "condition": HAS_OPEN_ALARM,
                "target": {"area_id": "1_1_201"},
                "options": {"state": "unacknowledged"},
            },
        }
    )
    assert (await client.receive_json())["success"]

    async def result() -> bool:
        return bool((await client.receive_json())["event"]["result"])

    assert not await result()
    await peer.state("smoke-1", smoke=True)
    assert await result()
    await hass.services.async_call(
        DOMAIN, "acknowledge", {"area_id": "1_1_201"}, blocking=True
    )
    assert not await result()


async def test_before_any_gateway(hass: HomeAssistant, seen: list[ServiceCall]) -> None:
    """Without any gateway there is no alarm, and no error."""
    assert await async_setup_component(
        hass,
        "automation",
        {
            "automation": {
                "alias": "Watch",
                "triggers": {"trigger": "event", "event_type": "now"},
                "conditions": {
                    "condition": "not",
                    "conditions": [{"condition": HAS_OPEN_ALARM}],
                },
                "actions": {"action": "test.seen"},
            }
        },
    )
    hass.bus.async_fire("now")
    await wait_until(hass, lambda: len(seen) == 1)
    assert not hass.data[DATA_HOUSE].book.open


@pytest.mark.parametrize(
    "more",
    [
        {"options": {"hazard": "earthquake"}},
        {"options": {"state": "gone"}},
        {"target": {"room": "kitchen"}},
    ],
)
async def test_bad_configuration(hass: HomeAssistant, more: dict[str, Any]) -> None:
    """The editor is told what is wrong."""
    with pytest.raises(vol.Invalid):
        await async_validate_condition_config(
            hass, {"condition": HAS_OPEN_ALARM, **more}
        )


async def test_descriptions(hass: HomeAssistant, gateway: MockConfigEntry) -> None:
    """The editor offers what the catalogue and the code have."""
    description = (await async_get_all_descriptions(hass))[HAS_OPEN_ALARM]
    assert description
    options = {
        key: field["selector"]["select"]["options"]
        for key, field in description["fields"].items()
    }
    assert options == {
        "hazard": list(HAZARDS),
        "severity": list(reversed(Severity)),
        "state": list(STATES),
    }
