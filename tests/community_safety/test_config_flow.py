"""Adding, moving and configuring gateways, as a person would, with a real broker."""

import json
from pathlib import Path
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.community_safety.catalogue import DEVICE_KINDS
from custom_components.community_safety.const import DOMAIN
from custom_components.community_safety.flows import topics
from homeassistant.config_entries import (
    SOURCE_IGNORE,
    SOURCE_MQTT,
    SOURCE_USER,
    ConfigEntryState,
    ConfigFlowResult,
)
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, InvalidData
from homeassistant.helpers import device_registry as dr
from tests.common import BASE, Peer, add_gateway, wait_until

OTHER = "community_safety/building-2"
NUMBERS = json.loads(
    (
        Path(__file__).parents[2]
        / "custom_components/community_safety/translations/en.json"
    ).read_text("utf-8")
)["entity"]["number"]


@pytest.fixture
def mqtt_discovery() -> bool:
    """Let gateways be found."""
    return True


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait long for gateways that are not there."""
    monkeypatch.setattr(topics, "ANSWER_SECONDS", 2)


async def choose(hass: HomeAssistant, dialect: str) -> ConfigFlowResult:
    """Start to add a gateway by hand."""
    result = await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_USER}
    )
    assert result["type"] is FlowResultType.MENU
    assert result["menu_options"] == [
        "native",
        "zigbee2mqtt",
        "frigate",
        "zigbee",
        "uhppote",
        "isapi",
        "vzenith",
        "adopted",
        "webhook",
    ]
    return await hass.config_entries.flow.async_configure(
        result["flow_id"], {"next_step_id": dialect}
    )


async def fill_in(
    hass: HomeAssistant, result: ConfigFlowResult, topic: str
) -> ConfigFlowResult:
    """Enter a topic."""
    assert result["type"] is FlowResultType.FORM
    return await hass.config_entries.flow.async_configure(
        result["flow_id"], {"topic": topic}
    )


def found(hass: HomeAssistant) -> list[Any]:
    """Return the gateways that wait to be confirmed."""
    return [
        flow
        for flow in hass.config_entries.flow.async_progress_by_handler(DOMAIN)
        if flow["context"]["source"] == SOURCE_MQTT
    ]


async def announce(peer: Peer, base: str, name: str = "Building 2") -> None:
    """Publish what a gateway says of itself."""
    await peer.send(
        f"{base}/gateway",
        {"version": 1, "id": "g1", "time": 1.0, "name": name},
        retain=True,
    )


async def test_native_gateway_after_every_error(
    hass: HomeAssistant, peer: Peer
) -> None:
    """Each mistake is told, and can be mended in the same form."""
    await peer.send("tests/text/gateway", "not JSON", retain=True)
    await peer.send("tests/list/gateway", [], retain=True)
    await peer.send("tests/nameless/gateway", {"version": 1}, retain=True)
    await peer.send("tests/new/gateway", {"version": 2, "name": "New"}, retain=True)
    result = await choose(hass, "native")

    for topic, errors in {
        "tests/+": {"topic": "invalid_topic"},
        "": {"topic": "invalid_topic"},
        "tests/nobody": {"base": "no_gateway"},
        "tests/text": {"base": "not_a_gateway"},
        "tests/list": {"base": "not_a_gateway"},
        "tests/nameless": {"base": "not_a_gateway"},
        "tests/new": {"base": "unsupported_version"},
    }.items():
        result = await fill_in(hass, result, topic)
        assert (topic, result["errors"]) == (topic, errors)
        assert result["step_id"] == "native"

    await announce(peer, OTHER)
    result = await fill_in(hass, result, f" {OTHER}/ ")

    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["title"] == "Building 2"
    assert result["data"] == {"dialect": "native", "topic": OTHER}
    assert result["result"].unique_id == f"mqtt/{OTHER}"
    assert result["result"].state is ConfigEntryState.LOADED


@pytest.mark.parametrize(
    ("topic", "title"),
    [("zigbee2mqtt", "Zigbee2MQTT"), ("tests/z2m", "Zigbee2MQTT tests/z2m")],
)
async def test_zigbee2mqtt(
    hass: HomeAssistant, peer: Peer, topic: str, title: str
) -> None:
    """A Zigbee2MQTT is recognised by its information, and by nothing else."""
    await peer.send("tests/no-z2m/bridge/info", {"version": 2}, retain=True)
    await peer.send(f"{topic}/bridge/info", {"version": "2.6.0"}, retain=True)
    result = await choose(hass, "zigbee2mqtt")
    result = await fill_in(hass, result, "tests/no-z2m")
    assert result["errors"] == {"base": "not_a_gateway"}

    result = await fill_in(hass, result, topic)

    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["title"] == title
    assert result["data"] == {"dialect": "zigbee2mqtt", "topic": topic}
    await peer.send(f"{topic}/bridge/info", "", retain=True)


async def test_gateway_that_is_there_already(
    hass: HomeAssistant, gateway: MockConfigEntry
) -> None:
    """A topic belongs to one gateway."""
    result = await fill_in(hass, await choose(hass, "zigbee2mqtt"), BASE)
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "already_configured"


async def test_without_mqtt(hass: HomeAssistant) -> None:
    """Without the MQTT integration nothing can be added, nor moved."""
    result = await choose(hass, "native")
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "mqtt_not_ready"

    entry = MockConfigEntry(
        domain=DOMAIN, unique_id="x", data={"dialect": "native", "topic": BASE}
    )
    entry.add_to_hass(hass)
    result = await fill_in(hass, await entry.start_reconfigure_flow(hass), OTHER)
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "mqtt_not_ready"


async def test_discovery(hass: HomeAssistant, peer: Peer) -> None:
    """A gateway that announces itself is offered once, and added when confirmed."""
    await announce(peer, OTHER)
    await wait_until(hass, lambda: len(found(hass)) == 1)
    flow = found(hass)[0]
    assert flow["context"]["title_placeholders"] == {"name": "Building 2"}
    await announce(peer, OTHER, "Building two")
    assert len(found(hass)) == 1

    result = await hass.config_entries.flow.async_configure(flow["flow_id"])
    assert result["type"] is FlowResultType.FORM
    assert result["description_placeholders"] == {"name": "Building 2"}
    result = await hass.config_entries.flow.async_configure(flow["flow_id"], {})

    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"] == {"dialect": "native", "topic": OTHER}
    await announce(peer, OTHER)
    assert found(hass) == []


async def test_discovery_of_zigbee2mqtt(hass: HomeAssistant, peer: Peer) -> None:
    """Zigbee2MQTT is offered under its usual topic."""
    await peer.send("zigbee2mqtt/bridge/info", {"version": "2.6.0"}, retain=True)
    await wait_until(hass, lambda: len(found(hass)) == 1)
    assert found(hass)[0]["context"]["title_placeholders"] == {"name": "Zigbee2MQTT"}


async def test_discovery_of_frigate(hass: HomeAssistant, peer: Peer) -> None:
    """It is offered under its usual topic, and takes nothing away from who else is there.

    Many things have a topic `available`: under another prefix it is added by hand.
    """
    await peer.send("frigate/available", "online", retain=True)
    await peer.send("shutters/available", "online", retain=True)
    await wait_until(hass, lambda: len(found(hass)) == 1)
    assert found(hass)[0]["step_id"] == "found_frigate"
    await announce(peer, OTHER)
    await wait_until(hass, lambda: len(found(hass)) == 2)
    assert {flow["context"]["unique_id"] for flow in found(hass)} == {
        "mqtt/frigate",
        f"mqtt/{OTHER}",
    }


@pytest.mark.parametrize("payload", ["", "nonsense", '{"version": 2, "name": "x"}'])
async def test_discovery_of_what_is_no_gateway(
    hass: HomeAssistant, peer: Peer, payload: str
) -> None:
    """What cannot be used is not offered."""
    await announce(peer, OTHER)
    await wait_until(hass, lambda: len(found(hass)) == 1)
    await peer.send("community_safety/strange/gateway", payload)
    assert [flow["context"]["unique_id"] for flow in found(hass)] == [f"mqtt/{OTHER}"]


async def test_discovery_of_known_and_ignored_gateways(
    hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer
) -> None:
    """A gateway that was added or ignored is not offered, but can be added by hand."""
    await announce(peer, OTHER)
    await wait_until(hass, lambda: len(found(hass)) == 1)
    await announce(peer, BASE, "Building one")
    assert len(found(hass)) == 1

    await hass.config_entries.flow.async_init(
        DOMAIN,
        context={"source": SOURCE_IGNORE},
        data={"unique_id": f"mqtt/{OTHER}", "title": "Building 2"},
    )
    await announce(peer, OTHER, "Building two")
    assert found(hass) == []

    result = await fill_in(hass, await choose(hass, "native"), OTHER)
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_by_hand_while_a_discovery_waits(hass: HomeAssistant, peer: Peer) -> None:
    """Who adds a gateway by hand need not look for its discovery first."""
    await announce(peer, OTHER)
    await wait_until(hass, lambda: len(found(hass)) == 1)
    result = await fill_in(hass, await choose(hass, "native"), OTHER)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert found(hass) == []


async def test_move_to_another_topic(
    hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer
) -> None:
    """Moving keeps devices and the gateway's id; who comes after gets another id."""
    await peer.config("smoke-1", "smoke_sensor", ["smoke"])
    registry = dr.async_get(hass)
    smoke = (DOMAIN, f"mqtt/{BASE}/smoke-1")
    before = registry.async_get_device_by_identifier(smoke, gateway.entry_id)
    result = await gateway.start_reconfigure_flow(hass)
    assert result["step_id"] == "reconfigure"
    result = await fill_in(hass, result, "tests/nobody")
    assert result["errors"] == {"base": "no_gateway"}

    await announce(peer, OTHER)
    await wait_until(hass, lambda: len(found(hass)) == 1)
    offered = found(hass)[0]
    result = await fill_in(hass, result, OTHER)
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "reconfigure_successful"
    await hass.async_block_till_done()
    assert gateway.data == {"dialect": "native", "topic": OTHER}
    assert gateway.unique_id == f"mqtt/{BASE}"
    assert gateway.state is ConfigEntryState.LOADED

    # The same device at the new topic is the same device.
    assert before
    await peer.send(
        f"{OTHER}/smoke-1/config",
        {
            "version": 1,
            "id": "c1",
            "time": 1.0,
            "kind": "smoke_sensor",
            "name": "Smoke 1",
            "readings": ["smoke"],
        },
        retain=True,
    )
    after = registry.async_get_device_by_identifier(smoke, gateway.entry_id)
    assert after
    assert after.id == before.id

    # What was offered before the move is not added twice.
    result = await hass.config_entries.flow.async_configure(offered["flow_id"], {})
    assert result["reason"] == "already_configured"

    # Another gateway at the old topic.
    result = await fill_in(hass, await choose(hass, "native"), BASE)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["result"].unique_id == f"mqtt/{BASE}#"
    await peer.send(f"{OTHER}/smoke-1/config", "", retain=True)


async def test_move_to_a_topic_that_is_taken(
    hass: HomeAssistant, gateway: MockConfigEntry
) -> None:
    """Two gateways cannot listen at one topic."""
    await add_gateway(hass, OTHER)
    result = await fill_in(hass, await gateway.start_reconfigure_flow(hass), OTHER)
    assert result["reason"] == "already_configured"
    assert gateway.data["topic"] == BASE


async def test_thresholds(
    hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer
) -> None:
    """Thresholds of a kind hold for its devices, at once; only what was changed is kept.

    Nothing is reloaded: a coordinator would be deaf meanwhile.
    """
    await peer.config("tank-1", "water_tank", ["level"])
    await peer.state("tank-1", level=25)
    runtime = gateway.runtime_data
    tank = runtime.devices["tank-1"]
    assert tank.monitor.severity("low_level") == "warning"
    result = await hass.config_entries.options.async_init(gateway.entry_id)
    assert result["type"] is FlowResultType.FORM
    schema = result["data_schema"]
    assert schema
    assert [str(key) for key in schema.schema] == list(DEVICE_KINDS)
    values: dict[str, dict[str, float]] = schema({kind: {} for kind in DEVICE_KINDS})
    values["water_tank"]["low_level_alarm"] = 30

    result = await hass.config_entries.options.async_configure(
        result["flow_id"], values
    )

    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"] == {"thresholds": {"water_tank": {"low_level_alarm": 30}}}
    assert tank.monitor.severity("low_level") == "alarm"
    await hass.async_block_till_done()
    assert gateway.runtime_data is runtime
    assert runtime.devices["tank-1"] is tank
    assert tank.limit("low_level_alarm") == 30
    assert tank.limit("low_level_warning") == 50

    # The form shows what holds, and a default that is entered is no choice.
    result = await hass.config_entries.options.async_init(gateway.entry_id)
    schema = result["data_schema"]
    assert schema
    values = schema({kind: {} for kind in DEVICE_KINDS})
    assert values["water_tank"]["low_level_alarm"] == 30
    values["water_tank"]["low_level_alarm"] = 20
    result = await hass.config_entries.options.async_configure(
        result["flow_id"], values
    )
    assert result["data"] == {"thresholds": {}}
    assert tank.limit("low_level_alarm") == 20


async def test_threshold_out_of_range(
    hass: HomeAssistant, gateway: MockConfigEntry
) -> None:
    """A threshold that makes no sense is refused and changes nothing."""
    result = await hass.config_entries.options.async_init(gateway.entry_id)
    schema = result["data_schema"]
    assert schema
    values: dict[str, dict[str, float]] = schema({kind: {} for kind in DEVICE_KINDS})
    values["hydrant"]["low_pressure_alarm"] = 4001
    with pytest.raises(InvalidData):
        await hass.config_entries.options.async_configure(result["flow_id"], values)
    assert gateway.options == {}


@pytest.mark.parametrize(
    ("kind", "key", "value", "lower", "upper"),
    [
        ("breaker_monitor", "leakage_alarm", 299, "leakage_warning", "leakage_alarm"),
        (
            "water_tank",
            "low_level_alarm",
            51,
            "low_level_alarm",
            "low_level_warning",
        ),
        ("water_tank", "overflow_warning", 49, "low_level_warning", "overflow_warning"),
        (
            "hydrant",
            "high_pressure_warning",
            69,
            "low_pressure_alarm",
            "high_pressure_warning",
        ),
    ],
)
async def test_thresholds_that_contradict_each_other(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    kind: str,
    key: str,
    value: float,
    lower: str,
    upper: str,
) -> None:
    """An alarm before its warning, or an overflow below the low level, is refused by name."""
    result = await hass.config_entries.options.async_init(gateway.entry_id)
    schema = result["data_schema"]
    assert schema
    values: dict[str, dict[str, float]] = schema({kind: {} for kind in DEVICE_KINDS})
    values[kind][key] = value

    result = await hass.config_entries.options.async_configure(
        result["flow_id"], values
    )

    assert result["errors"] == {"base": "contradicting_thresholds"}
    assert result["description_placeholders"] == {
        "lower": NUMBERS[lower]["name"],
        "upper": NUMBERS[upper]["name"],
    }
    assert gateway.options == {}
    # What was entered is still there, to be put right.
    schema = result["data_schema"]
    assert schema
    values = schema({kind: {} for kind in DEVICE_KINDS})
    assert values[kind][key] == value
    values[kind] = {
        row: DEVICE_KINDS[kind].all_settings[row].default for row in values[kind]
    }
    result = await hass.config_entries.options.async_configure(
        result["flow_id"], values
    )
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_thresholds_that_contradict_a_device(
    hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer
) -> None:
    """A device with a threshold of its own is named, if the kind's would contradict it."""
    await peer.config("tank-1", "water_tank", ["level"])
    device = gateway.runtime_data.devices["tank-1"]
    device.settings.limits["low_level_warning"] = 40
    result = await hass.config_entries.options.async_init(gateway.entry_id)
    schema = result["data_schema"]
    assert schema
    values: dict[str, dict[str, float]] = schema({kind: {} for kind in DEVICE_KINDS})
    values["water_tank"]["low_level_alarm"] = 45

    result = await hass.config_entries.options.async_configure(
        result["flow_id"], values
    )

    assert result["errors"] == {"base": "contradicting_device"}
    assert result["description_placeholders"] == {
        "device": "Tank 1",
        "lower": "Low level alarm threshold",
        "upper": "Low level warning threshold",
    }


async def test_thresholds_of_a_gateway_that_is_away(
    hass: HomeAssistant, gateway: MockConfigEntry
) -> None:
    """A gateway that is not loaded can be told its thresholds all the same."""
    assert await hass.config_entries.async_unload(gateway.entry_id)
    result = await hass.config_entries.options.async_init(gateway.entry_id)
    schema = result["data_schema"]
    assert schema
    values: dict[str, dict[str, float]] = schema({kind: {} for kind in DEVICE_KINDS})
    values["smoke_sensor"]["heat_alarm"] = 60

    result = await hass.config_entries.options.async_configure(
        result["flow_id"], values
    )

    assert result["data"] == {"thresholds": {"smoke_sensor": {"heat_alarm": 60}}}
