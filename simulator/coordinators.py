"""The compound's Zigbee coordinators: one per building, with the devices around each."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
import time

from .device import Device
from .ezsp import EzspSimulator, JoinRefusedError
from .ezsp.node import Node
from .ezsp.simulator import EUI64
from .gateway import Record, ignore

#: Each coordinator has addresses of its own, so that a device keeps its address for life.
_NODES = 0x00158D00_60000000


def eui64_of(coordinator: int, index: int) -> int:
    """Return the address of a coordinator's device."""
    return _NODES + coordinator * 0x10000 + index


class Coordinator:
    """One coordinator. Its devices join as soon as somebody opens its network."""

    def __init__(
        self,
        number: int,
        devices: Sequence[tuple[Device, str]],
        record: Record = ignore,
        flash: Path | None = None,
    ) -> None:
        """Initialize; each device comes with the name of its Zigbee model.

        `flash` is a file that keeps the network.
        """
        self._record = record
        self.radio = EzspSimulator(eui64=EUI64 + 0x100 + number, flash_path=flash)
        self.nodes: dict[str, Node] = {}
        for index, (device, model) in enumerate(devices):
            node = self.radio.add(model, device=device, eui64=eui64_of(number, index))
            self.nodes[device.id] = node
            self._listen(device)

    def _listen(self, device: Device) -> None:
        """Note what a device does, beside what its radio does with it."""
        report, did = device.report, device.record

        def report_now() -> None:
            report()
            self._record(device, "reported", time.time())

        def note(what: str) -> None:
            did(what)
            self._record(device, what, time.time())

        device.report, device.record = report_now, note

    async def run(self, port: int) -> None:
        """Run until cancelled."""
        await self.radio.start(port)
        try:
            async with asyncio.TaskGroup() as tasks:
                for node in self.nodes.values():
                    tasks.create_task(self._join(node))
                await asyncio.Event().wait()
        finally:
            await self.radio.stop()

    async def _join(self, node: Node) -> None:
        while not node.joined:
            try:
                await self.radio.join(node)
            except JoinRefusedError:
                await asyncio.sleep(1)
