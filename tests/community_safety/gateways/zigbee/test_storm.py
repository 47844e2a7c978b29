"""When everything speaks at once, and when half of it does not answer."""

import asyncio
import time
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from zigpy.types import PacketPriority

from custom_components.community_safety.core.proving import Status
from custom_components.community_safety.gateways.zigbee import ZigbeeGateway
from homeassistant.core import HomeAssistant
from simulator.ezsp.node import Node, Record
from simulator.ezsp.simulator import EzspSimulator
from tests.common import wait_until

from .common import cut, smoke
from .crowd import furnish

pytestmark = [pytest.mark.timeout(300), pytest.mark.usefixtures("light")]
#: A meter needs time.
TICK_SECONDS = 0.1
#: GB 50166: linkage acts within 3 s.
LINKAGE_SECONDS = 3.0
#: Longest real time that a busy machine may need for all that 200 devices say.
CALM_SECONDS = 100
ON_OFF = 0x0006


async def test_announce_storm(
    hass: HomeAssistant, entry: MockConfigEntry, coordinator: EzspSimulator
) -> None:
    """The power of 200 devices comes back, twice: alarms and cut-offs go first."""
    crowd = await furnish(hass, entry, coordinator, smoke=120, breaker=80)
    zigbee: ZigbeeGateway = entry.runtime_data
    detectors, breakers = crowd["smoke"], crowd["breaker"]
    cut_before, cut_now = breakers[0], breakers[1:21]
    assert await cut(zigbee, cut_before[1]) == [Status.CONFIRMED]
    connections, resets = coordinator.connections, coordinator.ncp.resets
    tasks = len(asyncio.all_tasks())

    # Somebody has used the hour without power to switch it on by hand.
    body: Any = cut_before[0].body.device
    body.contact.move(True)
    for _ in range(2):
        await coordinator.power_cycle()
    for node, _device in detectors[::10]:
        smoke(node)
    begun = time.monotonic()
    results = await cut(zigbee, *(device for _node, device in cut_now))
    waiting = zigbee.radio.waiting
    assert waiting, "the storm must not be over before the cut-off"

    assert set(results) == {Status.CONFIRMED}
    for node, _device in cut_now:
        off = await node.wait_record(what="received", cluster=ON_OFF, command=0)
        assert off.at - begun < LINKAGE_SECONDS
    await wait_until(hass, lambda: not body.contact.closed)
    book = zigbee.house.book
    for number, (_node, detector) in enumerate(detectors):
        raised = [alarm.hazard for alarm in book.of_device(detector.uid)]
        assert raised == ([] if number % 10 else ["smoke"])

    # At most the read of a relay waits for each, and all of it ends.
    assert waiting <= len(zigbee.devices)
    await wait_until(hass, lambda: _is_calm(zigbee), CALM_SECONDS)
    await wait_until(hass, lambda: len(asyncio.all_tasks()) <= tasks, CALM_SECONDS)
    assert (coordinator.connections, coordinator.ncp.resets) == (connections, resets)
    assert zigbee.connected


#: What a router may be asked when its mains return: its relay, at once; its names and the four
#: clusters of its meter, when it is its turn. Each question and its answer are some five frames
#: with their acknowledgements, of 4 ms in the air with the wait for it, at two or three hops:
#: 50 ms of the channel, which all share. A building of 200 has all relays after ten seconds, and
#: is through within a minute; what it would report by itself comes between.
MOST_QUESTIONS = 6
#: So many devices may be asked for what is not urgent at the same time.
MOST_AT_A_TIME = 3


async def test_what_the_return_of_the_mains_costs(
    hass: HomeAssistant, entry: MockConfigEntry, coordinator: EzspSimulator
) -> None:
    """All routers announce themselves at once: relays are read, and the rest has its turn."""
    crowd = await furnish(hass, entry, coordinator, breaker=60)
    zigbee: ZigbeeGateway = entry.runtime_data
    await wait_until(hass, lambda: _is_through(zigbee), CALM_SECONDS)
    nodes = [node for node, _device in crowd["breaker"]]
    for node in nodes:
        node.records.clear()
    await coordinator.power_cycle()
    await wait_until(hass, lambda: all(_questions(node) for node in nodes))
    await wait_until(hass, lambda: _is_through(zigbee), CALM_SECONDS)

    asked = [_questions(node) for node in nodes]
    assert max(map(len, asked)) <= MOST_QUESTIONS
    assert all(rows[0].cluster == ON_OFF for rows in asked)
    turns = [(rows[1].at, rows[-1].at) for rows in asked]
    at_a_time = (sum(begun <= at <= end for begun, end in turns) for at, _end in turns)
    assert max(at_a_time) <= MOST_AT_A_TIME


def _questions(node: Node) -> list[Record]:
    return [row for row in node.records if row.what in ("asked", "received")]


def _is_through(zigbee: ZigbeeGateway) -> bool:
    """Return if nobody is being asked any more."""
    return _is_calm(zigbee) and all(
        node._verifying is None or node._verifying.done()
        for node in zigbee._nodes.values()
    )


def _is_calm(zigbee: ZigbeeGateway) -> bool:
    return not zigbee.radio.waiting and all(
        node.verified for node in zigbee._nodes.values() if not node.is_sleepy
    )


async def test_a_cut_off_waits_for_nobody(
    hass: HomeAssistant, entry: MockConfigEntry, coordinator: EzspSimulator
) -> None:
    """With 19 requests under way to slow, sleeping and dead devices it goes at once."""
    crowd = await furnish(hass, entry, coordinator, smoke=7, breaker=14)
    zigbee: ZigbeeGateway = entry.runtime_data
    await wait_until(
        hass, lambda: all("supply" in device.readings for _, device in crowd["breaker"])
    )
    others = [*crowd["smoke"], *crowd["breaker"][:12]]
    for number, (node, _device) in enumerate(others):
        if node.model.sleepy:
            node.poll_seconds = 30.0
        elif number % 2:
            coordinator.fault("silent", node=node)
        else:
            coordinator.fault("slow", node=node, seconds=8.0)
    (own, near), (child, far) = crowd["breaker"][12:]
    # The one is asked itself at that moment; the other's only way is a slow router.
    router = crowd["breaker"][1][0]
    child.parent = router.nwk
    coordinator.fault("slow", node=router, seconds=0.4)
    # A message that nobody acknowledges keeps the co-processor busy for that long.
    coordinator.air.failure_seconds = 8.0

    app: Any = zigbee.radio.app
    waiting = [
        asyncio.ensure_future(_ask(zigbee, device.description.id))
        for _node, device in [*others[:18], (None, near)]
    ]
    assert len(waiting) == 19
    sent: list[tuple[int, int | None]] = []
    send = app.send_packet

    async def note(packet: Any) -> None:
        sent.append((packet.cluster_id, app._packet_priority_var.get()))
        await send(packet)

    await asyncio.sleep(0)
    app.send_packet = note
    await wait_until(hass, lambda: zigbee.radio.waiting > 0)
    sent.clear()
    begun = time.monotonic()
    results = await cut(zigbee, near, far)
    assert set(results) == {Status.CONFIRMED}
    for node in (own, child):
        off = await node.wait_record(what="received", cluster=ON_OFF, command=0)
        assert off.at - begun < LINKAGE_SECONDS
    assert sum(not item.done() for item in waiting) >= 18
    switched = [priority for cluster, priority in sent if cluster == ON_OFF]
    assert switched
    assert set(switched) == {PacketPriority.CRITICAL}

    coordinator.clear()
    for item in waiting:
        item.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


async def _ask(zigbee: ZigbeeGateway, device_id: str) -> None:
    basic: Any = zigbee.radio.device(device_id).device.endpoints[1].basic
    await basic.read_attributes(["zcl_version"])
