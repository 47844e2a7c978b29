"""Adding a Frigate: both ways must lead to the same one, and its log-in is asked for again."""

import asyncio
from typing import Any

from freezegun.api import freeze_factories
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.community_safety.const import DOMAIN
from custom_components.community_safety.flows import topics
from homeassistant.config_entries import SOURCE_MQTT, SOURCE_USER, ConfigFlowResult
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers.service_info.mqtt import MqttServiceInfo
from simulator.frigate import PASSWORD, USERNAME, Camera, Fault, Frigate
from tests.common import Peer, real_seconds, wait_until

from .common import UID, add_frigate, device_of, entry_of


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait long for who does not announce itself."""
    monkeypatch.setattr(topics, "ANSWER_SECONDS", 0.5)


async def begin(hass: HomeAssistant) -> ConfigFlowResult:
    """Choose Frigate in the menu."""
    result = await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_USER}
    )
    assert "frigate" in result["menu_options"]
    return await hass.config_entries.flow.async_configure(
        result["flow_id"], {"next_step_id": "frigate"}
    )


async def fill_in(
    hass: HomeAssistant, result: ConfigFlowResult, **values: Any
) -> ConfigFlowResult:
    """Fill a form in, and let time go by as it does: Home Assistant waits before it subscribes."""
    task = asyncio.create_task(
        hass.config_entries.flow.async_configure(result["flow_id"], values)
    )

    before = real_seconds()

    def is_done() -> bool:
        nonlocal before
        now = real_seconds()
        freeze_factories[-1].tick(now - before)
        before = now
        return task.done()

    await wait_until(hass, is_done)
    await hass.async_block_till_done()
    return await task


def message_of(topic: str, payload: str) -> MqttServiceInfo:
    """Return what MQTT tells of a message that it has found."""
    return MqttServiceInfo(
        topic=topic,
        payload=payload,
        qos=1,
        retain=True,
        subscribed_topic="frigate/available",
        timestamp=0.0,
    )


async def test_added_by_hand(hass: HomeAssistant, frigate: Frigate) -> None:
    """An address without a scheme, and no log-in where none is needed."""
    result = await begin(hass)
    assert result["step_id"] == "frigate"
    result = await fill_in(
        hass, result, topic="/frigate/", url=f" {frigate.url.removeprefix('http://')}/ "
    )
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["title"] == "Frigate"
    assert result["result"].unique_id == UID
    assert result["data"] == {
        "dialect": "frigate",
        "topic": "frigate",
        "url": frigate.url,
        "persons": True,
    }


async def test_another_topic_and_a_log_in(
    hass: HomeAssistant, frigate: Frigate
) -> None:
    """The second one of a compound has its own prefix."""
    frigate.prefix = "cameras/east"
    frigate.users = {USERNAME: PASSWORD}
    frigate.announce()
    result = await begin(hass)
    place = {"topic": "cameras/east", "url": frigate.url}
    result = await fill_in(hass, result, **place)
    assert result["errors"] == {"base": "frigate_login"}
    result = await fill_in(hass, result, **place, username=USERNAME, password=PASSWORD)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["title"] == "Frigate cameras/east"
    assert result["data"]["password"] == PASSWORD


@pytest.mark.parametrize(
    ("change", "values", "errors"),
    [
        (None, {"url": "ftp://x"}, {"url": "frigate_address"}),
        (None, {"url": "http://a:b@c"}, {"url": "frigate_address"}),
        (None, {"topic": "a/#"}, {"topic": "invalid_topic"}),
        (None, {"topic": "nobody"}, {"base": "no_gateway"}),
        ("prefix", {}, {"base": "frigate_another"}),
        ("cameras", {}, {"base": "frigate_no_cameras"}),
        ("word", {}, {"base": "not_a_gateway"}),
        (Fault.BROKEN, {}, {"base": "frigate_no_answer"}),
        (Fault.GARBAGE, {}, {"base": "frigate_no_answer"}),
        (Fault.OFFLINE, {}, {"base": "frigate_no_answer"}),
        ("refused", {}, {"base": "frigate_no_frigate"}),
    ],
)
async def test_each_mistake(
    hass: HomeAssistant,
    peer: Peer,
    frigate: Frigate,
    change: str | None,
    values: dict[str, str],
    errors: dict[str, str],
) -> None:
    """It is said, and can be mended in the same form."""
    result = await begin(hass)
    good = {"topic": "frigate", "url": frigate.url}
    prefix, cameras = frigate.prefix, frigate.cameras
    url = frigate.url
    match change:
        case "prefix":
            frigate.prefix = "another"
        case "cameras":
            frigate.cameras = {}
        case "word":
            await peer.send("frigate/available", "yes", retain=True)
        case "refused":
            url = f"{frigate.url}/elsewhere"
        case Fault():
            frigate.faults.add(change)
    result = await fill_in(hass, result, **{**good, "url": url, **values})
    assert result["type"] is FlowResultType.FORM
    assert result["errors"] == errors
    frigate.faults.clear()
    frigate.prefix, frigate.cameras = prefix, cameras
    frigate.announce()
    await peer.settled()
    result = await fill_in(hass, result, **good)
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_it_is_there_already(
    hass: HomeAssistant, entry: MockConfigEntry, frigate: Frigate
) -> None:
    """One gateway at one topic."""
    result = await fill_in(hass, await begin(hass), topic="frigate", url=frigate.url)
    assert (result["type"], result["reason"]) == (
        FlowResultType.ABORT,
        "already_configured",
    )


async def test_without_mqtt(hass: HomeAssistant) -> None:
    """MQTT comes first."""
    result = await begin(hass)
    assert (result["type"], result["reason"]) == (
        FlowResultType.ABORT,
        "mqtt_not_ready",
    )


async def test_found_on_the_broker(hass: HomeAssistant, frigate: Frigate) -> None:
    """Its topic is known; where and as whom it is asked over HTTP is not."""
    result = await hass.config_entries.flow.async_init(
        DOMAIN,
        context={"source": SOURCE_MQTT},
        data=message_of("frigate/available", "online"),
    )
    assert result["step_id"] == "found_frigate"
    result = await fill_in(hass, result, url="http://")
    assert result["errors"] == {"url": "frigate_address"}
    result = await fill_in(hass, result, url=frigate.url)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"]["topic"] == "frigate"
    assert result["title"] == "Frigate"


@pytest.mark.parametrize(
    ("payload", "reason"), [("online", "already_configured"), ("yes", "not_a_gateway")]
)
async def test_found_and_not_offered(
    hass: HomeAssistant,
    frigate: Frigate,
    payload: str,
    reason: str,
) -> None:
    """It is there already, or something else speaks there."""
    if payload == "online":
        entry_of(frigate).add_to_hass(hass)
    result = await hass.config_entries.flow.async_init(
        DOMAIN,
        context={"source": SOURCE_MQTT},
        data=message_of("frigate/available", payload),
    )
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, reason)


async def test_moved(
    hass: HomeAssistant, peer: Peer, frigate: Frigate, entry: MockConfigEntry
) -> None:
    """To another topic and address: its cameras stay the same, but no topic has two."""
    before = device_of(hass).device_id
    MockConfigEntry(
        domain=DOMAIN, unique_id="mqtt/taken", data={**entry.data, "topic": "taken"}
    ).add_to_hass(hass)
    frigate.prefix = "cameras"
    frigate.announce()
    await peer.settled()
    result = await entry.start_reconfigure_flow(hass)
    assert result["step_id"] == "reconfigure_frigate"
    result = await fill_in(hass, result, topic="cameras", url="http://127.0.0.1:1")
    assert result["errors"] == {"base": "frigate_no_answer"}
    result = await fill_in(
        hass, result, topic="cameras", url=frigate.url, persons=False
    )
    assert (result["type"], result["reason"]) == (
        FlowResultType.ABORT,
        "reconfigure_successful",
    )
    assert (entry.data["topic"], entry.data["persons"]) == ("cameras", False)
    assert device_of(hass).device_id == before
    result = await entry.start_reconfigure_flow(hass)
    result = await fill_in(hass, result, topic="taken", url=frigate.url)
    assert (result["type"], result["reason"]) == (
        FlowResultType.ABORT,
        "already_configured",
    )


async def test_the_password_is_not_asked_for_again(
    hass: HomeAssistant, peer: Peer, frigate: Frigate
) -> None:
    """It stays that of the same user at the same place, and of no other."""
    frigate.users = {USERNAME: PASSWORD}
    entry = await add_frigate(hass, peer, frigate, username=USERNAME, password=PASSWORD)
    result = await entry.start_reconfigure_flow(hass)
    shown = result["data_schema"]
    assert shown is not None
    assert PASSWORD not in str(
        [key.description for key in shown.schema if key.description]
    )
    frigate.users["another"] = PASSWORD
    place = {"topic": "frigate", "url": frigate.url}
    result = await fill_in(hass, result, **{**place, "url": "http://"})
    assert result["errors"] == {"url": "frigate_address"}
    result = await fill_in(hass, result, **place, username="another")
    assert result["errors"] == {"base": "frigate_login"}
    result = await fill_in(hass, result, **place, username=USERNAME)
    assert result["reason"] == "reconfigure_successful"
    assert entry.data["password"] == PASSWORD


async def test_another_log_in(
    hass: HomeAssistant, peer: Peer, frigate: Frigate
) -> None:
    """Its password was changed: what is entered is tried, also while MQTT is silent."""
    frigate.users = {USERNAME: PASSWORD}
    frigate.cameras["hall"] = Camera()
    entry = await add_frigate(
        hass, peer, frigate, username=USERNAME, password="old", persons=False
    )
    (flow,) = hass.config_entries.flow.async_progress()
    assert flow["step_id"] == "reauth_frigate"
    frigate.die()
    result = await fill_in(hass, flow, username=USERNAME, password="worse")  # type: ignore[arg-type]
    assert result["errors"] == {"base": "frigate_login"}
    result = await fill_in(hass, result, username=USERNAME, password=PASSWORD)
    assert (result["type"], result["reason"]) == (
        FlowResultType.ABORT,
        "reauth_successful",
    )
    assert entry.data["password"] == PASSWORD
    assert (entry.data["refused"], entry.data["persons"]) == (False, False)
    assert entry.data["topic"] == "frigate"
    frigate.announce()
    await peer.settled()
    assert set(entry.runtime_data.devices) == {"gate_in", "hall"}
