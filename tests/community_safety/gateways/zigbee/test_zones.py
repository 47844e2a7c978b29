"""Zones: what one says is no word of another, and a question that failed is asked again."""

from dataclasses import replace

from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.community_safety.gateways.zigbee import ZigbeeGateway
from homeassistant.core import HomeAssistant
from simulator.ezsp.models import MODELS
from simulator.ezsp.simulator import EzspSimulator
from tests.common import wait_until

from .common import join, smoke, tell


async def test_the_calm_of_one_zone_ends_no_alarm_of_another(
    hass: HomeAssistant, zigbee: ZigbeeGateway, coordinator: EzspSimulator
) -> None:
    """A detector with two chambers burns as long as one of them does."""
    chamber = MODELS["smoke"].endpoints[1]
    model = replace(
        MODELS["smoke"],
        endpoints={1: chamber, 2: replace(chamber, servers=("ias_zone",), sources=())},
    )
    node, device = await join(hass, zigbee, coordinator, model)
    tell(node)
    await wait_until(hass, lambda: "battery" in device.reported)
    node.body.set_zone(1, 1)
    await wait_until(hass, lambda: device.readings.get("smoke") is True)
    node.body.set_zone(1, 2)
    node.body.set_zone(0, 2)
    await coordinator.delivered()
    before = device.reported["battery"]
    tell(node)
    await wait_until(hass, lambda: device.reported["battery"] > before)
    assert device.readings["smoke"] is True
    node.body.set_zone(0, 1)
    await wait_until(hass, lambda: device.readings["smoke"] is False)


async def test_a_failed_question_is_asked_again(
    hass: HomeAssistant, entry: MockConfigEntry, coordinator: EzspSimulator
) -> None:
    """Smoke began while nobody listened, and the first question got lost: the second finds it."""
    node, device = await join(hass, entry.runtime_data, coordinator, "smoke")
    assert await hass.config_entries.async_unload(entry.entry_id)
    smoke(node)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    gateway = entry.runtime_data
    device = gateway.devices[device.description.id]
    asked = gateway._nodes[device.description.id]
    tell(node)
    node.deaf = True
    await wait_until(hass, lambda: asked._verifying and asked._verifying.done())
    assert "smoke" not in device.readings
    node.deaf = False
    tell(node)
    await wait_until(hass, lambda: device.readings.get("smoke") is True)
