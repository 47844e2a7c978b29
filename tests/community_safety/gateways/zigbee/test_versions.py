"""The whole chain on co-processors of several firmwares: their frames differ."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.community_safety.core.proving import Status
from homeassistant.core import HomeAssistant
from simulator.ezsp.simulator import EzspSimulator
from tests.common import wait_until

from .common import join, smoke, tell
from .test_truth import restart

#: The oldest that is supported, the last with short status codes, the first with long
#: ones, and the newest that bellows knows.
VERSIONS = (8, 13, 14, 19)


@pytest.fixture(params=VERSIONS)
async def coordinator(
    request: pytest.FixtureRequest, socket_enabled: None
) -> AsyncGenerator[EzspSimulator]:
    """Run a coordinator of a version, whose devices live: a meter needs time."""
    async with EzspSimulator(request.param) as simulator:
        yield simulator


async def test_from_join_to_restart(
    hass: HomeAssistant, entry: MockConfigEntry, coordinator: EzspSimulator
) -> None:
    """Devices join, an alarm is raised, power is cut and proven; a restart keeps it."""
    zigbee = entry.runtime_data
    assert zigbee.radio.app._ezsp.ezsp_version == coordinator.ncp.version
    detector, smoke_sensor = await join(hass, zigbee, coordinator, "smoke")
    node, breaker = await join(hass, zigbee, coordinator, "breaker")
    await wait_until(hass, lambda: breaker.readings.get("supply") is True)

    smoke(detector)
    await wait_until(hass, lambda: smoke_sensor.readings.get("smoke") is True)
    book = zigbee.house.book
    (alarm,) = book.of_device(smoke_sensor.uid)
    cut_off = zigbee.house.cut_off
    (result,) = await cut_off.async_cut_off(cut_off.supplies_of(breaker.uid))
    assert result.status is Status.CONFIRMED
    body: Any = node.body.device
    assert not body.contact.conducts

    # Meanwhile the fire is out, and the detector has another address.
    def move() -> None:
        detector.body.device.smoke = False
        coordinator.air.rejoin(detector)

    zigbee = await restart(hass, entry, move)
    breaker = zigbee.devices[breaker.description.id]
    await wait_until(hass, lambda: breaker.readings.get("supply") is False)
    assert book.of_device(smoke_sensor.uid) == [alarm]
    tell(detector)
    await wait_until(hass, lambda: not alarm.present)
