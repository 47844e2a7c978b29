"""What has become of devices while Home Assistant was not running."""

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.community_safety.gateways.base import CommandError
from homeassistant.core import HomeAssistant
from simulator.ezsp.simulator import EzspSimulator
from tests.common import wait_until

from .common import join, smoke
from .test_truth import restart


@pytest.mark.parametrize("model", ["smoke", "breaker"])
async def test_another_address(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    coordinator: EzspSimulator,
    model: str,
) -> None:
    """The first thing that is heard from a new address may be the alarm itself."""
    node, device = await join(hass, entry.runtime_data, coordinator, model)
    await wait_until(hass, lambda: len(device.readings) > 6)

    def move() -> None:
        coordinator.air.rejoin(node)

    zigbee = await restart(hass, entry, move)
    device = zigbee.devices[device.description.id]
    if model == "smoke":
        smoke(node)
        await wait_until(hass, lambda: device.readings.get("smoke") is True)
        assert zigbee.safety.book.of_device(device.uid)
        return
    node.reporting.report(node.key("electrical.power"))
    await wait_until(hass, lambda: device.readings.get("supply") is True)
    await zigbee.async_set(device, "supply", False)
    await node.wait_record(what="received", cluster=6, command=0)


async def test_an_address_that_another_has_now(
    hass: HomeAssistant, entry: MockConfigEntry, coordinator: EzspSimulator
) -> None:
    """What the one says is not taken for the other's, and no command goes astray."""
    node, device = await join(hass, entry.runtime_data, coordinator, "breaker")
    other_node, other = await join(hass, entry.runtime_data, coordinator, "breaker")

    def swap() -> None:
        coordinator.air.leave(node)
        coordinator.air.take_address(other_node, node.nwk)

    zigbee = await restart(hass, entry, swap)
    device = zigbee.devices[device.description.id]
    other = zigbee.devices[other.description.id]
    coordinator.air.rejoin(other_node, new_address=False)
    await wait_until(
        hass,
        lambda: zigbee.radio.device(other.description.id).nwk == other_node.nwk,
    )
    await wait_until(hass, lambda: "supply" in other.readings)
    with pytest.raises(CommandError):
        await zigbee.async_set(device, "supply", False)
    assert other_node.body.device.contact.closed
    await zigbee.async_set(other, "supply", False)
    await wait_until(hass, lambda: not other_node.body.device.contact.closed)
