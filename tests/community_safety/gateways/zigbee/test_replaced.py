"""A network address that has got another owner while nobody listened."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.community_safety.gateways.base import CommandError
from custom_components.community_safety.gateways.zigbee import ZigbeeGateway
from custom_components.community_safety.gateways.zigbee.host import addresses
from homeassistant.core import HomeAssistant
from simulator.ezsp.node import Node
from simulator.ezsp.simulator import EzspSimulator
from tests.common import wait_until

from .common import address, join, smoke
from .test_truth import restart

#: ZDO, "which is your EUI64".
IEEE_ADDRESS_REQUEST = 0x0001


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for an answer as long as a busy machine may take."""
    monkeypatch.setattr(addresses, "CERTAIN_SECONDS", 20.0)


def take_over(coordinator: EzspSimulator, old: Node, new: Node) -> None:
    """Let one node leave, and have its address by another of its model, unannounced."""
    coordinator.air.leave(old)
    new.attributes = dict(old.attributes)
    coordinator.air.take_address(new, old.nwk)
    new.joined = True


def questions(node: Node) -> int:
    """Return how often a node was asked who it is."""
    return sum(
        record.what == "asked"
        and (record.endpoint, record.cluster) == (0, IEEE_ADDRESS_REQUEST)
        for record in node.records
    )


@pytest.mark.parametrize("known", [True, False])
async def test_no_command_goes_astray(
    hass: HomeAssistant, entry: MockConfigEntry, coordinator: EzspSimulator, known: bool
) -> None:
    """The new owner is not switched in the old one's place, nor read in its place."""
    node, device = await join(hass, entry.runtime_data, coordinator, "breaker")
    if known:
        new, _device = await join(hass, entry.runtime_data, coordinator, "breaker")
    else:
        new = coordinator.add("breaker")

    zigbee = await restart(hass, entry, partial(take_over, coordinator, node, new))
    device = zigbee.devices[device.description.id]
    with pytest.raises(CommandError):
        await zigbee.async_set(device, "supply", False)
    assert new.body.device.contact.closed
    assert not device.available
    assert "supply" not in device.readings

    await wait_until(hass, lambda: address(new) in zigbee.devices)
    other = zigbee.devices[address(new)]
    await wait_until(hass, lambda: other.readings.get("supply") is True)
    await zigbee.async_set(other, "supply", False)
    await wait_until(hass, lambda: not new.body.device.contact.closed)


async def test_a_command_at_once(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    coordinator: EzspSimulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It waits for the word of who is there, also if that is slow."""
    node, device = await join(hass, entry.runtime_data, coordinator, "breaker")
    new = coordinator.add("breaker")
    zigbee: ZigbeeGateway = entry.runtime_data
    take_radio = zigbee.take_radio
    sent: list[asyncio.Task[None]] = []

    def take_and_command(radio: Any) -> None:
        take_radio(radio)
        sent.append(asyncio.create_task(zigbee.async_set(device, "supply", False)))

    monkeypatch.setattr(zigbee, "take_radio", take_and_command)
    take_over(coordinator, node, new)
    coordinator.fault("slow", node=new, seconds=0.1)
    coordinator.cut()
    await wait_until(hass, lambda: bool(sent) and sent[0].done())
    assert isinstance(sent[0].exception(), CommandError)
    assert new.body.device.contact.closed


@pytest.mark.parametrize("known", [True, False])
async def test_an_alarm_is_its_own(
    hass: HomeAssistant, entry: MockConfigEntry, coordinator: EzspSimulator, known: bool
) -> None:
    """It is not kept waiting, and its real sender has it as soon as that is known."""
    node, device = await join(hass, entry.runtime_data, coordinator, "smoke")
    if known:
        new, _device = await join(hass, entry.runtime_data, coordinator, "smoke")
    else:
        new = coordinator.add("smoke")

    zigbee = await restart(hass, entry, partial(take_over, coordinator, node, new))
    book = zigbee.house.book
    device = zigbee.devices[device.description.id]
    smoke(new)
    await wait_until(hass, lambda: address(new) in zigbee.devices)
    other = zigbee.devices[address(new)]
    await wait_until(hass, lambda: other.readings.get("smoke") is True)
    assert [alarm.hazard for alarm in book.of_device(other.uid)] == ["smoke"]
    # Whose it was not is told as well, rather than too late; and it is missed.
    hazards = {alarm.hazard for alarm in book.of_device(device.uid)}
    assert hazards == {"smoke", "unresponsive"}
    assert not device.available

    # The next one is for nobody else.
    book.drop_device(device.uid)
    smoke(new, False)
    await wait_until(hass, lambda: other.readings.get("smoke") is False)
    smoke(new)
    await wait_until(hass, lambda: other.readings.get("smoke") is True)
    assert not book.of_device(device.uid)


@pytest.mark.parametrize("model", ["smoke", "breaker"])
async def test_it_is_asked_once(
    hass: HomeAssistant, entry: MockConfigEntry, coordinator: EzspSimulator, model: str
) -> None:
    """In each connection, and again after two devices had the same address."""
    node, device = await join(hass, entry.runtime_data, coordinator, model)
    assert not questions(node)
    zigbee = await restart(hass, entry, lambda: None)
    device = zigbee.devices[device.description.id]

    async def speak() -> None:
        for _ in range(3):
            _report(node)
            await coordinator.delivered()
            await hass.async_block_till_done()

    await speak()
    await wait_until(hass, lambda: questions(node) == 1)
    await speak()
    assert questions(node) == 1

    coordinator.ncp.callback("idConflictHandler", {"id": node.nwk})
    await speak()
    await wait_until(hass, lambda: questions(node) == 2)
    await wait_until(hass, lambda: device.available)


async def test_one_that_does_not_answer(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    coordinator: EzspSimulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is told what to do all the same, and is not asked without end."""
    monkeypatch.setattr(addresses, "CERTAIN_SECONDS", 0.05)
    node, device = await join(hass, entry.runtime_data, coordinator, "breaker")
    receive: Callable[..., None] = node.receive
    asked = 0

    def ignore(aps: Any, data: bytes, *, unicast: bool) -> None:
        nonlocal asked
        if aps["profile"] == 0 and aps["cluster"] == IEEE_ADDRESS_REQUEST:
            asked += 1
        else:
            receive(aps, data, unicast=unicast)

    monkeypatch.setattr(node, "receive", ignore)
    zigbee = await restart(hass, entry, lambda: None)
    device = zigbee.devices[device.description.id]
    await zigbee.async_set(device, "supply", False)
    await wait_until(hass, lambda: device.readings.get("supply") is False)
    for _ in range(3 * addresses.MOST_KEPT):
        _report(node)
        await coordinator.delivered()
        await hass.async_block_till_done()
    assert 0 < asked <= 2 * addresses.MOST_KEPT
    assert device.available


def _report(node: Node) -> None:
    path = "power.battery_percentage" if node.model.sleepy else "electrical.power"
    node.reporting.report(node.key(path))
