"""Commands: confirmed, before everything else, and reported as failed when they are."""

import asyncio
import time
from typing import Any

import pytest

from custom_components.community_safety.core.alarm import Change
from custom_components.community_safety.core.alarms import Announcement
from custom_components.community_safety.core.proving import Status
from custom_components.community_safety.gateways.base import CommandError
from custom_components.community_safety.gateways.zigbee import ZigbeeGateway
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from simulator.device import Fault
from simulator.ezsp.simulator import EzspSimulator
from tests.common import wait_until

from .common import cut, join, smoke

#: A meter needs time.
TICK_SECONDS = 0.1
#: A cut-off's first try must be over by then: GB 50166, linkage acts within 3 s.
LINKAGE_SECONDS = 3.0
ON_OFF, IAS_ZONE = 0x0006, 0x0500


@pytest.mark.parametrize("model", ["breaker", "breaker-3", "tuya-breaker"])
async def test_cut_off_is_proven(
    hass: HomeAssistant,
    zigbee: ZigbeeGateway,
    coordinator: EzspSimulator,
    model: str,
) -> None:
    """The relay and each current are read back, whatever the device speaks."""
    node, device = await join(hass, zigbee, coordinator, model)
    body: Any = node.body.device
    assert await cut(zigbee, device) == [Status.CONFIRMED]
    assert not body.contact.conducts
    assert device.readings["supply"] is False


async def test_hope_is_no_proof(
    hass: HomeAssistant, zigbee: ZigbeeGateway, coordinator: EzspSimulator
) -> None:
    """What a quirk believes after a command is no reading of the device."""
    node, device = await join(hass, zigbee, coordinator, "tuya-breaker")
    await wait_until(hass, lambda: device.readings.get("supply") is True)
    before = device.reported["supply"]
    relay: Any = zigbee.radio.device(device.description.id).device.endpoints[1].on_off
    assert node.body.device is not None
    node.body.device.faults.add(Fault.IGNORES)
    await relay.off()
    assert relay.get("on_off") in (0, False)
    assert device.reported.get("supply", before) == before


@pytest.mark.parametrize(
    ("fault", "key"),
    [(Fault.IGNORES, "no_answer"), (Fault.SILENT, "no_answer")],
)
async def test_failures_are_told(
    hass: HomeAssistant,
    zigbee: ZigbeeGateway,
    coordinator: EzspSimulator,
    fault: Fault,
    key: str,
) -> None:
    """A device that does not obey makes an error that a person understands."""
    node, device = await join(hass, zigbee, coordinator, "breaker")
    assert node.body.device is not None
    node.body.device.faults.add(fault)
    with pytest.raises(CommandError) as raised:
        await zigbee.async_set(device, "supply", False)
    assert raised.value.translation_key == key
    with pytest.raises(CommandError):
        await zigbee.async_refresh(device, ["supply"])
    with pytest.raises(CommandError, match="no such command"):
        await zigbee.async_set(device, "silence", True)


async def test_a_full_coprocessor(
    hass: HomeAssistant, zigbee: ZigbeeGateway, coordinator: EzspSimulator
) -> None:
    """Without buffers nothing is sent, and that is told."""
    _node, device = await join(hass, zigbee, coordinator, "breaker")
    coordinator.fault("full")
    with pytest.raises(CommandError):
        await zigbee.async_set(device, "supply", False)
    coordinator.clear()
    await zigbee.async_set(device, "supply", False)


async def test_silence(
    hass: HomeAssistant, zigbee: ZigbeeGateway, coordinator: EzspSimulator
) -> None:
    """A siren stops."""
    node, device = await join(hass, zigbee, coordinator, "smoke")
    node.body.sound(True)
    await zigbee.async_press(device, "silence")
    assert not node.body.sounding


async def test_a_cut_off_does_not_queue(
    hass: HomeAssistant, zigbee: ZigbeeGateway, coordinator: EzspSimulator
) -> None:
    """With 19 slow requests under way, also to the very device, it goes at once."""
    node, device = await join(hass, zigbee, coordinator, "breaker")
    _other, other = await join(hass, zigbee, coordinator, "charging-pile")
    await wait_until(hass, lambda: "energy" in device.readings)
    await wait_until(hass, lambda: "energy" in other.readings)
    clusters: list[Any] = [
        zigbee.radio.device(item.description.id).device.endpoints[1].basic
        for item in (device, other)
    ]
    coordinator.fault("slow", node=node, seconds=8.0)
    coordinator.fault("slow", node=_other, seconds=8.0)
    sent = coordinator.ncp.commands
    before = sent["sendUnicast"]
    waiting = [
        asyncio.ensure_future(clusters[number % 2].read_attributes(["zcl_version"]))
        for number in range(19)
    ]
    await wait_until(hass, lambda: sent["sendUnicast"] >= before + len(clusters))
    # What is under way stays slow; what is sent from now on is not.
    coordinator.clear()
    begun = time.monotonic()
    await zigbee.async_set(device, "supply", False)
    assert time.monotonic() - begun < LINKAGE_SECONDS
    assert not any(item.done() for item in waiting)
    for item in waiting:
        item.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_network_operations(
    hass: HomeAssistant, zigbee: ZigbeeGateway, coordinator: EzspSimulator
) -> None:
    """A person can look at the air, back up, and is told what cannot be."""
    energy = await zigbee.async_energy_scan()
    assert set(energy) == set(range(11, 27))
    backup = await zigbee.async_backup()
    assert backup["metadata"]["format"] == "zigpy/open-coordinator-backup"
    assert backup["channel"] == zigbee.network.channel
    with pytest.raises(HomeAssistantError, match="no such channel"):
        await zigbee.async_change_channel(27)
    with pytest.raises(HomeAssistantError, match="not an install code"):
        await zigbee.async_permit(60, "00:11:22:33:44:55:66:77", "nonsense")
    await zigbee.async_permit(0)
    assert not coordinator.ncp.is_open


async def test_off_goes_before_the_thanks_for_the_alarm(
    hass: HomeAssistant, zigbee: ZigbeeGateway, coordinator: EzspSimulator
) -> None:
    """The co-processor takes one message after the other: what an alarm sets off is first."""
    detector, sensor = await join(hass, zigbee, coordinator, "smoke")
    node, device = await join(hass, zigbee, coordinator, "breaker")
    await wait_until(hass, lambda: device.readings.get("supply") is True)
    cuts: list[asyncio.Task[Any]] = []

    def announced(item: Announcement) -> None:
        if item.change is Change.RAISED and item.alarm.device == sensor.uid:
            cuts.append(hass.async_create_task(cut(zigbee, device)))

    zigbee.house.book.listen(announced)
    app: Any = zigbee.radio.app
    sent: list[tuple[int, int]] = []
    send = app.send_packet

    async def note(packet: Any) -> None:
        sent.append((packet.dst.address, packet.cluster_id))
        await send(packet)

    app.send_packet = note
    smoke(detector)
    alarm, off = (detector.nwk, IAS_ZONE), (node.nwk, ON_OFF)
    await wait_until(hass, lambda: {alarm, off} <= set(sent))
    assert sent.index(off) < sent.index(alarm)
    assert await cuts[0] == [Status.CONFIRMED]
    # Where nothing is to be announced, nothing is waited for.
    sent.clear()
    smoke(detector, on=False)
    await wait_until(hass, lambda: alarm in sent)


async def test_timeout_is_asked_once(
    hass: HomeAssistant, zigbee: ZigbeeGateway, coordinator: EzspSimulator
) -> None:
    """No question goes before an off command but the first time, or after a change."""
    node, device = await join(hass, zigbee, coordinator, "breaker")
    asked = coordinator.ncp.commands

    async def questions(closed: bool) -> int:
        before = asked["getExtendedTimeout"]
        await zigbee.async_set(device, "supply", closed)
        return asked["getExtendedTimeout"] - before

    await questions(True)
    assert await questions(False) == 0
    ezsp: Any = zigbee.radio.app._ezsp
    ieee = zigbee.radio.device(device.description.id).device.ieee
    async with zigbee.radio.app._req_lock:
        await ezsp.set_extended_timeout(nwk=node.nwk, ieee=ieee, extended_timeout=True)
        assert node.eui64 in coordinator.ncp.ram.extended_timeouts
    assert await questions(True) == 1
    assert node.eui64 not in coordinator.ncp.ram.extended_timeouts
    assert await questions(False) == 0

    # Another connection knows nothing of what the last one has heard.
    coordinator.cut()
    await wait_until(hass, lambda: not zigbee.connected)
    await wait_until(hass, lambda: zigbee.connected)
    assert zigbee.radio.app._ezsp is not ezsp
    before = asked["getExtendedTimeout"]
    await zigbee.async_set(device, "supply", True)
    assert asked["getExtendedTimeout"] > before
