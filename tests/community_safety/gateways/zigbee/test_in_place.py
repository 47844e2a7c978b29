"""One device changes: it alone becomes another one, and the radio hears on."""

from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from homeassistant.core import HomeAssistant
from simulator.ezsp.simulator import EzspSimulator
from tests.common import wait_until

from .common import join, smoke


@pytest.mark.parametrize("who", ["another", "itself"])
async def test_an_alarm_during_a_change(
    hass: HomeAssistant, entry: MockConfigEntry, coordinator: EzspSimulator, who: str
) -> None:
    """An alarm that is on its way while a device changes its kind is heard."""
    zigbee = entry.runtime_data
    changing, device = await join(hass, zigbee, coordinator, "charging-pile")
    other, detector = await join(hass, zigbee, coordinator, "smoke")
    await wait_until(hass, lambda: detector.readings.get("smoke") is False)
    radio, connections = zigbee.radio, coordinator.connections
    burning: Any = {"another": other, "itself": changing}[who]
    smoke(burning)
    await zigbee.async_set_kind(device.description.id, "smoke_sensor")
    await hass.async_block_till_done()

    assert entry.runtime_data is zigbee
    assert zigbee.radio is radio
    assert coordinator.connections == connections
    changed = zigbee.devices[device.description.id]
    assert changed.kind.key == "smoke_sensor"
    heard = {"another": detector, "itself": changed}[who]
    await wait_until(hass, lambda: heard.readings.get("smoke") is True)
    assert [alarm.hazard for alarm in zigbee.house.book.of_device(heard.uid)] == [
        "smoke"
    ]
