"""What tests of the Zigbee gateway use."""

from copy import deepcopy
from typing import Any

from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.community_safety.const import DOMAIN
from custom_components.community_safety.core.device import SafetyDevice
from custom_components.community_safety.core.proving import Status
from custom_components.community_safety.gateways.zigbee import ZigbeeGateway
from custom_components.community_safety.gateways.zigbee.host.connection import Port
from custom_components.community_safety.gateways.zigbee.host.forming import async_form
from homeassistant.core import HomeAssistant
from simulator.ezsp.models import Model
from simulator.ezsp.node import Node
from simulator.ezsp.simulator import EzspSimulator
from simulator.ezsp.state import Flash
from tests.common import wait_until

#: What forming a network has left in coordinators, by EZSP version and address, and its id.
_FORMED: dict[tuple[int, int], tuple[Flash, str | None]] = {}


async def add_zigbee(
    hass: HomeAssistant, simulator: EzspSimulator, *, title: str = "Building 1"
) -> MockConfigEntry:
    """Form a network on a simulated coordinator, add a gateway and set it up."""
    entry = zigbee_entry(simulator, await form(simulator), title=title)
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    return entry


async def form(simulator: EzspSimulator) -> str | None:
    """Give a simulated coordinator a network that was formed on it, and return its id.

    That takes 1,500 frames, and is done once for each kind: what it leaves is in the flash,
    and as after a power cut.
    """
    version, eui64 = kind = simulator.ncp.version, simulator.ncp.eui64
    if kind not in _FORMED:
        async with EzspSimulator(version, eui64=eui64) as first:
            coordinator = await async_form(_port(first), channel=15)
            _FORMED[kind] = first.ncp.flash, coordinator.unique_id
    flash, network = _FORMED[kind]
    simulator.ncp.flash = deepcopy(flash)
    return network


def _port(simulator: EzspSimulator) -> Port:
    return Port(path=f"tcp://127.0.0.1:{simulator.port}")


def zigbee_entry(
    simulator: EzspSimulator,
    network: str | None = "zigbee/00:00:00:00:00:00:00:00",
    *,
    title: str = "Building 1",
) -> MockConfigEntry:
    """Return the entry of a gateway on a simulated coordinator."""
    return MockConfigEntry(
        domain=DOMAIN,
        title=title,
        unique_id=f"zigbee/{simulator.ncp.eui64:016x}",
        data={
            "dialect": "zigbee",
            "network": network,
            **_port(simulator).as_dict(),
        },
    )


def address(node: Node) -> str:
    """Return a node's address as the gateway knows it."""
    digits = f"{node.eui64:016x}"
    return ":".join(digits[at : at + 2] for at in range(0, 16, 2))


async def join(
    hass: HomeAssistant,
    gateway: ZigbeeGateway,
    simulator: EzspSimulator,
    model: str | Model,
    **options: Any,
) -> tuple[Node, SafetyDevice]:
    """Let a device join; return both sides of it."""
    node = simulator.add(model, **options)
    await gateway.async_permit(60)
    await simulator.join(node)
    device_id = address(node)
    await wait_until(hass, lambda: device_id in gateway.devices)
    return node, gateway.devices[device_id]


async def cut(zigbee: ZigbeeGateway, *devices: SafetyDevice) -> list[Status]:
    """Cut the supplies of devices off; return what came of it."""
    cut_off = zigbee.house.cut_off
    results = await cut_off.async_cut_off(
        [item for device in devices for item in cut_off.supplies_of(device.uid)]
    )
    return [result.status for result in results]


def smoke(node: Node, on: bool = True, *, testing: bool = False) -> None:
    """Let there be smoke at a detector, or no more."""
    body: Any = node.body.device
    body.smoke, body.testing = on, testing
    body.report()


def tell(node: Node) -> None:
    """Let a device say something that has nothing to do with an alarm."""
    node.reporting.report(node.key("power.battery_percentage"))
