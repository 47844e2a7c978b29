"""A serial line that spoils frames: nothing that the radio has delivered is lost."""

import asyncio
from collections import Counter
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.community_safety.core.alarm import Change
from custom_components.community_safety.core.alarms import Announcement
from custom_components.community_safety.core.device import SafetyDevice
from custom_components.community_safety.core.proving import Status
from custom_components.community_safety.gateways.zigbee import ZigbeeGateway
from homeassistant.core import HomeAssistant
from simulator.ezsp.node import Node
from simulator.ezsp.simulator import EzspSimulator
from tests.common import wait_until

from .common import join, smoke

#: A meter needs time.
TICK_SECONDS = 0.1
SPOILED = 0.05
TEN_MINUTES = 600
#: Seconds between two changes at a detector, and between two cut-offs.
CHANGE_EVERY, CUT_EVERY = 3, 15
#: Part of the cut-offs that must have been proven on that line.
MOST = 0.95
TICK = 0.02
#: Turns of the event loop in a tick: sockets and threads need them, as time stands.
TURNS = 5


@pytest.mark.timeout(300)
@pytest.mark.usefixtures("light")
async def test_ten_minutes(
    hass: HomeAssistant,
    zigbee: ZigbeeGateway,
    coordinator: EzspSimulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Each change is in the book, once; each cut-off is proven, or told as failed."""
    detectors = [await join(hass, zigbee, coordinator, "smoke") for _ in range(3)]
    breakers = [await join(hass, zigbee, coordinator, "breaker") for _ in range(2)]
    connections, resets = coordinator.connections, coordinator.ncp.resets
    announced: Counter[tuple[str, Change]] = Counter()

    def note(item: Announcement) -> None:
        change = {Change.RETURNED: Change.RAISED}.get(item.change, item.change)
        announced[item.alarm.device, change] += 1

    zigbee.house.book.listen(note)
    made: Counter[tuple[str, Change]] = Counter()
    cuts: list[asyncio.Task[Status]] = []
    coordinator.fault("line", corrupt=SPOILED)
    for second in range(TEN_MINUTES):
        if second % CHANGE_EVERY == 0:
            node, device = detectors[second // CHANGE_EVERY % len(detectors)]
            body: Any = node.body.device
            smoke(node, burns := not body.smoke)
            made[device.uid, Change.RAISED if burns else Change.CLEARED] += 1
        if second % CUT_EVERY == 0:
            breaker = breakers[second // CUT_EVERY % len(breakers)]
            cuts.append(asyncio.create_task(_cut_and_restore(zigbee, *breaker)))
        for _ in range(round(1 / TICK)):
            freezer.tick(TICK)
            for _ in range(TURNS):
                await asyncio.sleep(0)
            # The disk has not the clock of the line.
            await wait_until(hass, lambda: not zigbee.house.storage.is_busy)

    assert coordinator.ncp.link.to_host.counts["corrupted"] > 50
    assert coordinator.ncp.link.from_host.counts["corrupted"] > 50
    told = {item: announced[item] for item in made}
    assert told == made
    assert sum(made.values()) == TEN_MINUTES / CHANGE_EVERY
    confirmed = [task.result() for task in cuts].count(Status.CONFIRMED)
    assert confirmed >= MOST * len(cuts)
    assert not any(device.readings["cut_off_unproven"] for _node, device in breakers)
    assert (coordinator.connections, coordinator.ncp.resets) == (connections, resets)
    assert zigbee.connected


async def _cut_and_restore(
    zigbee: ZigbeeGateway, node: Node, device: SafetyDevice
) -> Status:
    """Cut a supply off, look at the breaker itself, and switch it on again."""
    cut_off = zigbee.house.cut_off
    supplies = cut_off.supplies_of(device.uid)
    (result,) = await cut_off.async_cut_off(supplies)
    body: Any = node.body.device
    if result.status is Status.CONFIRMED:
        assert not body.contact.conducts
    else:
        assert device.readings["cut_off_unproven"] is True
    await cut_off.async_restore(supplies, who="somebody")
    return result.status
