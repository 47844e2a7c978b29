"""The logbook of a device, as its page asks for it, from a real recorder."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
)
from pytest_homeassistant_custom_component.typing import (
    RecorderInstanceContextManager,
    WebSocketGenerator,
)

from custom_components.community_safety.const import DOMAIN
from custom_components.community_safety.core.house import DATA_HOUSE
from homeassistant.components.recorder import Recorder
from homeassistant.core import Context, HomeAssistant
from homeassistant.helpers.translation import async_load_integrations
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from tests.common import BASE, Peer, wait_until

type ReadLogbook = Callable[..., Awaitable[list[dict[str, Any]]]]


@pytest.fixture
def mock_recorder_before_hass(
    async_test_recorder: RecorderInstanceContextManager,
) -> None:
    """Let the recorder be there before Home Assistant."""


@pytest.fixture
async def read_logbook(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    hass_ws_client: WebSocketGenerator,
) -> ReadLogbook:
    """Return a function that reads the sentences of our alarms."""
    assert await async_setup_component(hass, "logbook", {})
    begin = dt_util.utcnow().isoformat()
    client = await hass_ws_client(hass)

    async def read(**which: Any) -> list[dict[str, Any]]:
        await async_wait_recording_done(hass)
        await client.send_json_auto_id(
            {"type": "logbook/get_events", "start_time": begin, **which}
        )
        answer = await client.receive_json()
        assert answer["success"]
        return [item for item in answer["result"] if item.get("domain") == DOMAIN]

    return read


def device_id(hass: HomeAssistant, device: str) -> str:
    """Return the registry's id of a device."""
    found = hass.data[DATA_HOUSE].device(f"mqtt/{BASE}/{device}")
    assert found
    assert found[1].device_id
    return found[1].device_id


async def test_device_page(
    hass: HomeAssistant,
    read_logbook: ReadLogbook,
    peer: Peer,
    hass_admin_user: MockUser,
) -> None:
    """The page of a device tells its alarms, and who acknowledged them."""
    for number in (1, 2):
        await peer.config(
            f"smoke-{number}", "smoke_sensor", ["smoke"], area=f"1-1-20{number}"
        )
        await peer.state(f"smoke-{number}", smoke=True)
    await hass.services.async_call(
        DOMAIN,
        "acknowledge",
        {"area_id": "1_1_201"},
        blocking=True,
        context=Context(user_id=hass_admin_user.id),
    )
    await peer.state("smoke-1", smoke=False)
    book = hass.data[DATA_HOUSE].book
    await wait_until(hass, lambda: not next(iter(book.open.values())).present)
    await hass.async_block_till_done()
    lines = await read_logbook(device_ids=[device_id(hass, "smoke-1")])
    assert lines[0]["icon"] == "mdi:bell-alert"
    assert [(line["name"], line["message"]) for line in lines] == [
        ("Smoke 1 (1-1-201)", "Alarm raised: Smoke"),
        ("Smoke 1 (1-1-201)", "Alarm acknowledged: Smoke"),
        ("Smoke 1 (1-1-201)", "Alarm cleared: Smoke"),
    ]
    assert [line.get("context_user_id") for line in lines] == [
        None,
        hass_admin_user.id,
        None,
    ]
    assert len(await read_logbook()) == 4


@pytest.mark.parametrize(
    ("language", "message"),
    [
        ("en", "Drill – Alarm raised: Smoke"),
        ("zh-Hans", "【演练】报警已触发：烟雾"),
        ("zh-Hant", "【演練】警報已觸發：煙霧"),
        ("eo", "Drill – Alarm raised: Smoke"),
    ],
)
async def test_language(
    hass: HomeAssistant,
    read_logbook: ReadLogbook,
    peer: Peer,
    language: str,
    message: str,
) -> None:
    """Sentences are in the language of Home Assistant, a drill says so."""
    await hass.config.async_update(language=language)
    # As Home Assistant does when the language is changed.
    await async_load_integrations(hass, {DOMAIN})
    await peer.config("smoke-1", "smoke_sensor", ["smoke", "test"])
    await peer.state("smoke-1", smoke=True, test=True)
    book = hass.data[DATA_HOUSE].book
    await wait_until(hass, lambda: [a.announced for a in book.open.values()] == [True])
    (line,) = await read_logbook(device_ids=[device_id(hass, "smoke-1")])
    assert (line["name"], line["message"]) == ("Smoke 1", message)
