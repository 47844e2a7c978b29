"""Devices join, leave and come back, and become what their clusters say."""

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.community_safety.core.device import Power
from custom_components.community_safety.core.supervision import (
    LONGEST_SILENCE,
    SWEEP,
    longest_silence,
)
from custom_components.community_safety.gateways.zigbee import ZigbeeGateway
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import device_registry as dr, entity_registry as er
from simulator.ezsp.simulator import EzspSimulator
from tests.common import wait_until

from .common import address, join, smoke

ZONE = {"tamper", "trouble", "test", "battery_low"}
METER = {"supply", "power", "energy", "conductor_temperature", "residual_current"}
RADIO = {"link_quality", "signal_strength"}
MODELS = {
    "smoke": ("smoke_sensor", Power.BATTERY, {"smoke", "battery", *ZONE}),
    "heat": ("smoke_sensor", Power.BATTERY, {"smoke", "battery", "temperature", *ZONE}),
    "breaker": ("breaker_monitor", Power.MAINS, {"current", "voltage", *METER}),
    "breaker-3": (
        "breaker_monitor",
        Power.MAINS,
        {f"{key}_l{phase}" for key in ("current", "voltage") for phase in (1, 2, 3)}
        | METER,
    ),
    "tuya-breaker": (
        "breaker_monitor",
        Power.MAINS,
        {"current", "voltage", "tripped", *METER},
    ),
    "tuya-level": ("water_tank", Power.MAINS, {"level", "level_height"}),
    "tank": ("water_tank", Power.BATTERY, {"level", "temperature", "battery"}),
    "hydrant": ("hydrant", Power.BATTERY, {"pressure", "temperature", "battery"}),
    "charging-pile": (
        "charging_pile",
        Power.MAINS,
        {
            f"{key}_{socket}"
            for key in ("supply", "plugged", "current", "power")
            for socket in (1, 2, 3, 4)
        }
        | {"smoke", "temperature", "energy", *ZONE},
    ),
}


@pytest.mark.parametrize("model", MODELS)
async def test_kind_and_readings_come_from_clusters(
    hass: HomeAssistant,
    zigbee: ZigbeeGateway,
    coordinator: EzspSimulator,
    model: str,
) -> None:
    """Each model is recognised by what it has, and all of it is read."""
    kind, power, points = MODELS[model]
    node, device = await join(hass, zigbee, coordinator, model)

    assert device.kind.key == kind
    assert device.power is power
    # Its check-ins (Poll Control) come to who is bound, and nobody binds: no promise.
    assert longest_silence(device) == LONGEST_SILENCE[power] - SWEEP.total_seconds()
    assert device.description.points == points | RADIO
    wanted = points - ({"tripped"} if power is Power.MAINS else set())
    await wait_until(hass, lambda: wanted <= device.readings.keys())
    body = node.body.device
    assert body is not None
    shown = body.readings()
    for key in points & shown.keys():
        if isinstance(shown[key], bool):
            assert device.readings[key] is shown[key]
        else:
            assert device.readings[key] == pytest.approx(shown[key], rel=0.1, abs=5)
    assert not zigbee.refused


async def test_entities_come_with_the_interview(
    hass: HomeAssistant, zigbee: ZigbeeGateway, coordinator: EzspSimulator
) -> None:
    """Progress is told, and the entities are there without a reload."""
    stages: list[str] = []
    undo = zigbee.on_join(lambda _ieee, stage: stages.append(stage))
    _node, device = await join(hass, zigbee, coordinator, "breaker")
    undo()
    await hass.async_block_till_done()

    assert stages == ["joined", "interviewed", "ready"]
    entities = er.async_entries_for_device(
        er.async_get(hass), device.device_id or "", include_disabled_entities=True
    )
    assert f"{device.uid}/supply" in {entity.unique_id for entity in entities}
    entry = dr.async_get(hass).async_get(device.device_id or "")
    assert entry is not None
    assert entry.model == "BM-63Z"
    assert entry.serial_number == device.description.id


async def test_what_is_no_safety_device_is_ignored(
    hass: HomeAssistant, zigbee: ZigbeeGateway, coordinator: EzspSimulator
) -> None:
    """A relay without a meter is none, until a person says that it is."""
    node = coordinator.add("elevator-blocker")
    await zigbee.async_permit(60)
    await coordinator.join(node)
    await wait_until(hass, lambda: address(node) in zigbee.ignored)
    assert zigbee.devices == {}
    assert zigbee.diagnostics()["ignored"] == ["Xingqiao Simulation EB-1Z"]

    await zigbee.async_set_kind(address(node), "breaker_monitor")
    assert zigbee.devices[address(node)].description.points == {"supply", *RADIO}
    assert zigbee.ignored == {}


async def test_the_kind_can_be_chosen(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    coordinator: EzspSimulator,
) -> None:
    """A choice makes other entities, and lasts; what cannot be is refused.

    The radio goes on meanwhile: nobody else is unheard.
    """
    zigbee = entry.runtime_data
    connections, resets = coordinator.connections, coordinator.ncp.resets
    _node, device = await join(hass, zigbee, coordinator, "breaker")
    await hass.async_block_till_done()
    select = er.async_get(hass).async_get_entity_id(
        "select", "community_safety", f"{device.uid}/kind"
    )
    assert select is not None
    assert hass.states.get(select).state == "breaker_monitor"
    with pytest.raises(ServiceValidationError, match="cannot be"):
        await hass.services.async_call(
            "select",
            "select_option",
            {"entity_id": select, "option": "hydrant"},
            blocking=True,
        )

    await hass.services.async_call(
        "select",
        "select_option",
        {"entity_id": select, "option": "charging_pile"},
        blocking=True,
    )
    await hass.async_block_till_done()
    assert entry.runtime_data is zigbee
    assert zigbee.devices[device.description.id] is device
    assert device.kind.key == "charging_pile"
    assert (coordinator.connections, coordinator.ncp.resets) == (connections, resets)

    await zigbee.async_set_kind(device.description.id, "none")
    assert zigbee.devices == {}
    await zigbee.async_set_kind(device.description.id, None)
    assert zigbee.devices[device.description.id].kind.key == "breaker_monitor"


async def test_a_device_is_removed(
    hass: HomeAssistant, zigbee: ZigbeeGateway, coordinator: EzspSimulator
) -> None:
    """It is told to leave, and forgotten with its entities."""
    node, device = await join(hass, zigbee, coordinator, "breaker")
    assert await zigbee.async_delete(device)
    await wait_until(hass, lambda: not node.joined)

    assert zigbee.devices == {}
    assert dr.async_get(hass).async_get(device.device_id or "") is None


async def test_a_device_leaves_and_comes_back(
    hass: HomeAssistant, zigbee: ZigbeeGateway, coordinator: EzspSimulator
) -> None:
    """One that leaves by itself is missed; back at another address it is the same."""
    node, device = await join(hass, zigbee, coordinator, "smoke")
    coordinator.air.leave(node)
    await wait_until(hass, lambda: not device.available)
    assert device.readings["unresponsive"] is True

    coordinator.air.rejoin(node)
    await wait_until(hass, lambda: device.available)
    smoke(node)
    await wait_until(hass, lambda: device.readings.get("smoke") is True)


async def test_a_device_is_interviewed_anew(
    hass: HomeAssistant, zigbee: ZigbeeGateway, coordinator: EzspSimulator
) -> None:
    """Its readings go on after that."""
    _node, device = await join(hass, zigbee, coordinator, "breaker")
    stages: list[str] = []
    zigbee.on_join(lambda _ieee, stage: stages.append(stage))
    await zigbee.async_interview(device.description.id)
    await wait_until(hass, lambda: "ready" in stages)

    assert zigbee.devices[device.description.id] is device
    before = device.reported.get("supply", 0)
    await zigbee.async_refresh(device, ["supply"])
    assert device.reported["supply"] > before
