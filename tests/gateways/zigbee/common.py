"""What tests of the Zigbee gateway use."""

from typing import Any

from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.community_safety.const import DOMAIN
from custom_components.community_safety.device import SafetyDevice
from custom_components.community_safety.gateways.zigbee import ZigbeeGateway
from homeassistant.core import HomeAssistant
from simulator.ezsp.models import Model
from simulator.ezsp.node import Node
from simulator.ezsp.simulator import EzspSimulator
from tests.common import wait_until


async def add_zigbee(
    hass: HomeAssistant, simulator: EzspSimulator, *, title: str = "Building 1"
) -> MockConfigEntry:
    """Add a gateway on a simulated coordinator and set it up."""
    entry = zigbee_entry(simulator, title=title)
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    return entry


def zigbee_entry(
    simulator: EzspSimulator, *, title: str = "Building 1"
) -> MockConfigEntry:
    """Return the entry of a gateway on a simulated coordinator."""
    return MockConfigEntry(
        domain=DOMAIN,
        title=title,
        unique_id=f"zigbee/{simulator.ncp.eui64:016x}",
        data={
            "dialect": "zigbee",
            "path": f"tcp://127.0.0.1:{simulator.port}",
            "baudrate": 115200,
            "flow_control": None,
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


def smoke(node: Node, on: bool = True, *, testing: bool = False) -> None:
    """Let there be smoke at a detector, or no more."""
    body: Any = node.body.device
    body.smoke, body.testing = on, testing
    body.report()


def tell(node: Node) -> None:
    """Let a device say something that has nothing to do with an alarm."""
    node.reporting.report(node.key("power.battery_percentage"))
