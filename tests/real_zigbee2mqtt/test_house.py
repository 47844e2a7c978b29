"""From a Zigbee frame to a cut-off, through the real Zigbee2MQTT and Home Assistant's real MQTT."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.community_safety.const import DOMAIN, EVENT_ALARM
from homeassistant.const import STATE_OFF, STATE_ON, STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
from simulator.ezsp import EzspSimulator
from simulator.ezsp.node import Node
from tests.common import add_gateway, patience, wait_until

from .models import RELAY, SMOKE
from .program import BASE, STARTED, Listener, Zigbee2Mqtt, ieee, join

UNKNOWN = {STATE_UNKNOWN, STATE_UNAVAILABLE}


@pytest.fixture
async def simulator(
    socket_enabled: None, ezsp_version: int
) -> AsyncGenerator[EzspSimulator]:
    """Return a coordinator without a network."""
    async with EzspSimulator(ezsp_version) as simulator:
        yield simulator


@pytest.fixture
async def listener(
    mqtt_entry: MockConfigEntry, broker_port: int
) -> AsyncGenerator[Listener]:
    """Return somebody else at the broker."""
    listener = Listener(broker_port)
    yield listener
    listener.close()


@pytest.fixture
async def bridge(
    zigbee2mqtt: str,
    listener: Listener,
    simulator: EzspSimulator,
    broker_port: int,
    tmp_path: Path,
) -> AsyncGenerator[Zigbee2Mqtt]:
    """Return Zigbee2MQTT, which runs with a network that is open for joining."""
    bridge = Zigbee2Mqtt(zigbee2mqtt, tmp_path / "zigbee2mqtt", broker_port, simulator)
    await bridge.start()
    await listener.logged(STARTED)
    await listener.request("permit_join", {"time": 250})
    yield bridge
    await bridge.end()


def entity(hass: HomeAssistant, node: Node, platform: str, key: str) -> str:
    """Return the entity of a device's measurement, hazard or supply."""
    unique_id = f"mqtt/{BASE}/{ieee(node)}/{key}"
    found = er.async_get(hass).async_get_entity_id(platform, DOMAIN, unique_id)
    assert found, [
        item.unique_id
        for item in er.async_get(hass).entities.values()
        if ieee(node) in item.unique_id
    ]
    return found


@pytest.mark.parametrize("ezsp_version", [13, 14])
async def test_join_alarm_cut_off_restart_and_removal(
    hass: HomeAssistant,
    bridge: Zigbee2Mqtt,
    listener: Listener,
    simulator: EzspSimulator,
    device_registry: dr.DeviceRegistry,
    ezsp_version: int,
) -> None:
    """Devices join, smoke is an alarm, a cut-off is confirmed by relay and current."""
    raised: list[str] = []
    hass.bus.async_listen(
        EVENT_ALARM,
        lambda event: raised.append(event.data["hazard"]),
    )
    entry = await add_gateway(hass, BASE, "zigbee2mqtt")
    await wait_until(hass, lambda: entry.runtime_data.connected)
    sensor = await join(listener, simulator, SMOKE, "1-1-201/smoke")
    relay = await join(listener, simulator, RELAY, "1-1-201/breaker")
    await wait_until(hass, lambda: len(entry.runtime_data.devices) == 2)
    await hass.async_block_till_done()
    # As it comes, it does not say when it has heard a device: one of both runs mends that.
    (problem,) = entry.runtime_data.problems.values()
    assert problem.key == "zigbee2mqtt_last_seen"
    if ezsp_version == 14:
        await entry.runtime_data.async_mend()
        await wait_until(hass, lambda: not entry.runtime_data.problems)
    smoke = entity(hass, sensor, "binary_sensor", "smoke")
    switch = entity(hass, relay, "switch", "supply")

    sensor.body.device.happen("smoke")
    await wait_until(hass, lambda: raised == ["smoke"])
    assert hass.states.is_state(smoke, STATE_ON)

    # What flows before is what the cut-off is judged by.
    relay.body.refresh()
    relay.reporting.report(relay.key("electrical.current"))
    current = entity(hass, relay, "sensor", "current")
    await wait_until(hass, lambda: hass.states.get(current).state not in UNKNOWN)  # type: ignore[union-attr]
    answer = await hass.services.async_call(
        DOMAIN, "cut_off", {"entity_id": switch}, blocking=True, return_response=True
    )
    assert answer
    (result,) = answer["supplies"]  # type: ignore[str-unpack]
    assert (result["status"], result["proof"]) == ("confirmed", ["supply", "current"])
    assert not relay.body.device.contact.closed
    assert hass.states.is_state(switch, STATE_OFF)

    # Smoke clears and somebody closes the breaker by hand while nobody listens. What is told
    # at the next start was known before; a current that returns is not hidden by it.
    await bridge.end()
    await wait_until(hass, lambda: hass.states.is_state(switch, STATE_UNAVAILABLE))
    sensor.body.device.clear()
    relay.body.device.contact.move(closed=True)
    await relay.wait_record(what="did", text="supply closed")
    since = len(listener.messages)
    await bridge.start()
    await listener.logged(STARTED, since=since)
    await wait_until(hass, lambda: entry.runtime_data.connected)
    relay.records.clear()
    relay.body.refresh()
    relay.reporting.report(relay.key("electrical.current"))
    async with patience():
        await relay.wait_record(what="did", text="supply opened")
    assert raised == ["smoke", "refused_to_open"], "the cache is no second fire"
