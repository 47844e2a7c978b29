"""bellows and zigpy as a host, unmodified but for how often it can be opened."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import zigpy.config as conf
from zigpy.device import Device
import zigpy.types as t
from zigpy.zcl import Cluster

from custom_components.community_safety.gateways.zigbee.host.application import (
    OpenedOften,
)
from simulator.ezsp import EzspSimulator
from simulator.ezsp.node import Node

PATIENCE = 60


def eui64(number: int) -> t.EUI64:
    """Return an EUI64 as zigpy has it."""
    return t.EUI64(number.to_bytes(8, "little"))


async def until(condition: Callable[[], Any]) -> None:
    """Wait for something that no event tells."""
    async with asyncio.timeout(PATIENCE):
        while True:
            if condition():
                return
            await asyncio.sleep(0.005)


class BellowsHost:
    """A controller application on a simulated coordinator."""

    def __init__(
        self, simulator: EzspSimulator, scheme: str = "tcp", **more: Any
    ) -> None:
        """Initialize."""
        self.simulator = simulator
        self.app: Any
        self._config = {
            conf.CONF_DATABASE: None,
            conf.CONF_DEVICE: {
                conf.CONF_DEVICE_PATH: f"{scheme}://127.0.0.1:{simulator.port}"
            },
            conf.CONF_OTA: {conf.CONF_OTA_ENABLED: False},
            conf.CONF_TOPO_SCAN_ENABLED: False,
            conf.CONF_NWK_BACKUP_ENABLED: False,
            "use_thread": False,
            **more,
        }
        self._initialized: dict[t.EUI64, asyncio.Event] = {}
        self.left: list[t.EUI64] = []
        self.lost = asyncio.Event()

    async def start(self) -> None:
        """Connect, and form a network if there is none."""
        self.app = await OpenedOften.new(self._config, auto_form=True)
        self.app.add_listener(self)

    async def stop(self) -> None:
        """Disconnect, and let its tasks end."""
        with suppress(Exception):
            await self.app.shutdown()
        for _ in range(5):
            await asyncio.sleep(0)

    # Events of zigpy

    def device_initialized(self, device: Device) -> None:
        """Take notice of a complete interview."""
        self._event(device.ieee).set()

    def device_left(self, device: Device) -> None:
        """Take notice of a device that has left."""
        self.left.append(device.ieee)

    def connection_lost(self, _error: Exception) -> None:
        """Take notice of a lost connection."""
        self.lost.set()

    def _event(self, ieee: t.EUI64) -> asyncio.Event:
        return self._initialized.setdefault(ieee, asyncio.Event())

    # What tests do

    def device(self, node: Node) -> Any:
        """Return zigpy's device of a node."""
        return self.app.get_device(ieee=eui64(node.eui64))

    async def join(self, model: str, *, parent: int = 0, **options: Any) -> Node:
        """Have a new node join, and wait for its interview."""
        node = self.simulator.add(model, **options)
        await self.simulator.join(node, parent=parent)
        await self.interviewed(node)
        return node

    async def interviewed(self, node: Node) -> None:
        """Wait for a node's interview."""
        async with asyncio.timeout(PATIENCE):
            await self._event(eui64(node.eui64)).wait()

    async def enrol(self, node: Node) -> Heard:
        """Enrol a node's IAS zone, and return what it will say."""
        zone = self.device(node).endpoints[1].ias_zone
        heard = Heard(zone)
        await zone.bind()
        await zone.write_attributes({"cie_addr": self.app.state.node_info.ieee})
        await zone.enroll_response(0, 7)
        return heard


class Heard:
    """What a cluster receives: commands as (id, arguments), reports as (name, value)."""

    def __init__(self, cluster: Cluster) -> None:
        """Initialize."""
        self.commands: list[tuple[int, Any]] = []
        self.reports: list[tuple[str, Any]] = []
        self._news = asyncio.Event()
        cluster.add_listener(self)
        cluster.on_event("attribute_report", self._reported)

    def cluster_command(self, _tsn: int, command: int, arguments: Any) -> None:
        """Take a command."""
        self.commands.append((command, arguments))
        self._news.set()

    def _reported(self, event: Any) -> None:
        self.reports.append((event.attribute_name, event.value))
        self._news.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something has been heard."""
        async with asyncio.timeout(PATIENCE):
            while not condition():
                self._news.clear()
                await self._news.wait()

    def statuses(self) -> list[int]:
        """Return the zone statuses, in the order in which they came."""
        return [int(what.zone_status) for number, what in self.commands if not number]

    async def zone_status(self, status: int) -> None:
        """Wait for a zone status."""
        await self.until(lambda: status in self.statuses())
