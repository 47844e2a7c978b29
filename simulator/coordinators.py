"""The compound's Zigbee coordinators: one per building, with the devices around each."""

import asyncio
from collections.abc import Sequence
import json
from pathlib import Path
import time
from typing import Any

from .device import Device
from .ezsp import EzspSimulator, JoinRefusedError
from .ezsp.device_side import CIE, IAS_ZONE, STATE, ZONE_ID
from .ezsp.node import Binding, Node
from .ezsp.simulator import EUI64
from .gateway import Record, ignore

#: Each coordinator has addresses of its own, so that a device keeps its address for life.
_NODES = 0x00158D00_60000000
SAVE_SECONDS = 5


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

        `flash` is a file that keeps the network; what its devices remember is beside it.
        """
        self._record = record
        self._memory = flash.with_suffix(".nodes.json") if flash else None
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
        known = self._recall()
        await self.radio.start(port)
        try:
            async with asyncio.TaskGroup() as tasks:
                for node in self.nodes.values():
                    tasks.create_task(self._join(node, known.get(str(node.eui64))))
                while True:
                    await asyncio.sleep(SAVE_SECONDS)
                    self._remember()
        finally:
            self._remember()
            await self.radio.stop()

    def _recall(self) -> dict[str, Any]:
        """Return what the devices remember of an earlier run, by address."""
        if not self._memory or not self._memory.exists():
            return {}
        rows: dict[str, Any] = json.loads(self._memory.read_text("utf-8"))
        return rows

    def _remember(self) -> None:
        """Write down what the devices keep in their own flash."""
        if self._memory:
            rows = {
                str(node.eui64): _memory_of(node)
                for node in self.nodes.values()
                if node.joined
            }
            new = self._memory.with_suffix(".new")
            new.write_text(json.dumps(rows), "utf-8")
            new.replace(self._memory)

    async def _join(self, node: Node, memory: dict[str, Any] | None) -> None:
        if memory:
            _give_memory(node, memory)
            self.radio.air.take_address(node, memory["nwk"])
            await self.radio.air.up.wait()
            self.radio.air.rejoin(node, new_address=False)
        while not node.joined:
            try:
                await self.radio.join(node)
            except JoinRefusedError:
                await asyncio.sleep(1)


def _memory_of(node: Node) -> dict[str, Any]:
    """Return what a device keeps without power: its network, and what it was told there."""
    return {
        "nwk": node.nwk,
        "parent": node.parent,
        "bindings": [
            [row.endpoint, row.cluster, row.mode, row.target.hex()]
            for row in node.bindings
        ],
        "groups": [[group, sorted(members)] for group, members in node.groups.items()],
        "rules": [
            [list(key), rule.least, rule.most, rule.change]
            for key, rule in node.reporting.rules.items()
        ],
        "zone": [
            [list(key), value]
            for key, value in node.attributes.items()
            if key[1] == IAS_ZONE and key[2] in {STATE, CIE, ZONE_ID}
        ],
    }


def _give_memory(node: Node, memory: dict[str, Any]) -> None:
    node.parent = memory["parent"]
    node.bindings = [
        Binding(endpoint, cluster, mode, bytes.fromhex(target))
        for endpoint, cluster, mode, target in memory["bindings"]
    ]
    node.groups = {group: set(members) for group, members in memory["groups"]}
    for key, least, most, change in memory["rules"]:
        node.reporting.configure((key[0], key[1], key[2]), least, most, change)
    for key, value in memory["zone"]:
        node.attributes[key[0], key[1], key[2]] = value
