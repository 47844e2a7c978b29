"""Whatever devices send: nothing is raised into the loop, and nothing wrong is read."""

import asyncio
from typing import Any

from hypothesis import HealthCheck, given, settings, strategies as st
import pytest

from custom_components.community_safety.gateways.zigbee import ZigbeeGateway
from homeassistant.core import HomeAssistant
from simulator.ezsp import tuya
from simulator.ezsp.simulator import EzspSimulator
from tests.common import wait_until

from .common import join, smoke

#: Clusters that devices of ours have, ZDO, and one that none has.
CLUSTERS = (0x0000, 0x0001, 0x0006, 0x0013, 0x0500, 0x0702, 0x0B04, 0xEF00, 0x1234)


@pytest.mark.parametrize("model", ["smoke", "breaker", "tuya-breaker"])
async def test_noise(
    hass: HomeAssistant,
    zigbee: ZigbeeGateway,
    coordinator: EzspSimulator,
    model: str,
) -> None:
    """Frames of noise change no reading that they cannot be meant for."""
    node, device = await join(hass, zigbee, coordinator, model)
    await wait_until(hass, lambda: len(device.readings) > 6)
    frames: list[tuple[int, bytes, int]] = []

    @settings(
        max_examples=150,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.sampled_from(CLUSTERS), st.binary(max_size=40), st.sampled_from((0, 1)))
    def make(cluster: int, data: bytes, endpoint: int) -> None:
        frames.append((cluster, data, endpoint))

    make()
    for cluster, data, endpoint in frames:
        node.send(endpoint, cluster, data, profile=0 if endpoint == 0 else 0x0104)
    await coordinator.delivered()
    await hass.async_block_till_done()

    assert zigbee.connected
    for key, value in device.readings.items():
        assert device.points[key].is_plausible(value)


async def test_one_bad_data_point_spares_the_others(
    hass: HomeAssistant, zigbee: ZigbeeGateway, coordinator: EzspSimulator
) -> None:
    """A value that its quirk cannot take is counted, and the rest of the frame is read."""
    node, device = await join(hass, zigbee, coordinator, "tuya-breaker")
    await wait_until(hass, lambda: "voltage" in device.readings)
    # The quirk takes the voltage from two bytes, and has one.
    points = bytes((101, 0, 0, 1, 9)) + bytes((104, 2, 0, 4, 0, 0, 0, 77))
    heard: list[Any] = []
    # A leak is asked about at once, and the breaker knows nothing of ours.
    device.listen(
        ["residual_current"], lambda: heard.append(device.readings["residual_current"])
    )
    tuya.send(node, tuya.REPORT, points)
    await wait_until(hass, lambda: 77 in heard)
    assert zigbee.refused[device.description.id, "data point 101: unusable value"] == 1


async def test_a_quirk_that_fails(
    hass: HomeAssistant,
    zigbee: ZigbeeGateway,
    coordinator: EzspSimulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is counted, and the next message is heard."""
    node, device = await join(hass, zigbee, coordinator, "smoke")
    zigpy_device: Any = zigbee.radio.device(device.description.id).device

    def fail(_packet: Any) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(zigpy_device, "packet_received", fail)
        smoke(node)
        await wait_until(
            hass,
            lambda: bool(zigbee.refused[device.description.id, "unusable message"]),
        )
    smoke(node, False)
    smoke(node)
    await wait_until(hass, lambda: device.readings.get("smoke") is True)


async def test_an_alarm_is_not_taken_for_an_answer(
    hass: HomeAssistant, zigbee: ZigbeeGateway, coordinator: EzspSimulator
) -> None:
    """A message that has a pending request's number by chance is heard all the same."""
    node, device = await join(hass, zigbee, coordinator, "smoke")
    await wait_until(hass, lambda: device.readings.get("smoke") is False)
    zone: Any = zigbee.radio.device(device.description.id).device.endpoints[1].ias_zone
    coordinator.fault("slow", node=node, seconds=1.0)
    reading = asyncio.ensure_future(zone.read_attributes(["zone_status"]))
    requests = zone.endpoint.device._requests
    await wait_until(hass, lambda: bool(requests))
    ((key, _),) = requests.items()
    node._sequence = (key.tsn - 1) % 256
    node.delay = 0.0
    smoke(node)
    await wait_until(hass, lambda: device.readings["smoke"] is True)
    success, _failure = await reading
    assert success["zone_status"] == 1
