"""Commands for a simulation in a process of its own: lines of JSON over a loopback socket.

A request is `{"id": 1, "do": "join", "node": "kitchen"}`; its answer has the same id, and
"result" or "error". `coordinator` chooses one by its index where there are many, `node` is a
name or an EUI64 in hexadecimal digits. After "watch", records come by themselves as
`{"record": {...}}`, their times from the system's monotonic clock.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict
import json
from typing import Any

from simulator.listening import HOST

from .load import ATTRIBUTE, send_reports
from .node import Node, Record
from .simulator import EzspSimulator
from .trust_center import JoinRefusedError

type Command = Callable[["Control", EzspSimulator, dict[str, Any]], Awaitable[Any]]


def describe(node: Node) -> dict[str, Any]:
    """Return what is worth knowing of a node."""
    return {
        "eui64": f"{node.eui64:016x}",
        "nwk": node.nwk,
        "name": node.body.device.name if node.body.device else "",
        "model": node.model.name,
        "joined": node.joined,
    }


def describe_record(node: Node, record: Record) -> dict[str, Any]:
    """Return a record as JSON has it."""
    return {
        **asdict(record),
        "payload": record.payload.hex(),
        "eui64": f"{node.eui64:016x}",
    }


async def _add(control: Control, simulator: EzspSimulator, ask: dict[str, Any]) -> Any:
    number = ask.pop("number", 1)
    return [describe(simulator.add(**ask)) for _ in range(number)]


async def _join(control: Control, simulator: EzspSimulator, ask: dict[str, Any]) -> Any:
    wanted = ask.get("node")
    nodes = [_node(simulator, wanted)] if wanted else simulator.nodes
    for node in nodes:
        if not node.joined:
            await simulator.join(node, parent=ask.get("parent", 0))
    return [describe(node) for node in nodes]


async def _leave(
    control: Control, simulator: EzspSimulator, ask: dict[str, Any]
) -> Any:
    simulator.air.leave(_node(simulator, ask["node"]))


async def _nodes(
    control: Control, simulator: EzspSimulator, ask: dict[str, Any]
) -> Any:
    return [describe(node) for node in simulator.nodes]


async def _happen(
    control: Control, simulator: EzspSimulator, ask: dict[str, Any]
) -> Any:
    device = _node(simulator, ask["node"]).body.device
    if device is None or ask["event"] not in device.EVENTS:
        raise ValueError(f"Nothing like {ask['event']} can happen there")
    device.happen(ask["event"])


async def _fault(
    control: Control, simulator: EzspSimulator, ask: dict[str, Any]
) -> Any:
    if "node" in ask:
        ask["node"] = _node(simulator, ask["node"])
    simulator.fault(**ask)


async def _report(
    control: Control, simulator: EzspSimulator, ask: dict[str, Any]
) -> Any:
    node = _node(simulator, ask["node"])
    key = node.key(ask["attribute"], ask.get("endpoint"))
    node.attributes[key] = ask["value"]
    node.reporting.report(key)


async def _zone(control: Control, simulator: EzspSimulator, ask: dict[str, Any]) -> Any:
    _node(simulator, ask["node"]).body.set_zone(ask["bits"], delay=ask.get("delay", 0))


async def _load(control: Control, simulator: EzspSimulator, ask: dict[str, Any]) -> Any:
    attribute = ask.get("attribute", ATTRIBUTE)
    nodes = [
        node for node in simulator.nodes if node.joined and node.has_key(attribute)
    ]
    figures = await send_reports(
        simulator, nodes, ask["number"], ask.get("rate", 0), attribute
    )
    return {**asdict(figures), "rate": figures.rate}


async def _records(
    control: Control, simulator: EzspSimulator, ask: dict[str, Any]
) -> Any:
    node = _node(simulator, ask["node"])
    return [
        describe_record(node, record)
        for record in node.records
        if record.at >= ask.get("since", 0)
        and record.what == ask.get("what", record.what)
    ]


async def _counts(
    control: Control, simulator: EzspSimulator, ask: dict[str, Any]
) -> Any:
    link = simulator.ncp.link
    return {
        "commands": simulator.ncp.commands,
        "link": link.counts,
        "line": link.to_host.counts + link.from_host.counts,
        "air": simulator.air.counts,
        "resets": simulator.ncp.resets,
        "connections": simulator.connections,
        "waiting": link.waiting,
    }


async def _power_cycle(
    control: Control, simulator: EzspSimulator, ask: dict[str, Any]
) -> Any:
    await simulator.power_cycle(ask.get("seconds", 0))


async def _unplug(
    control: Control, simulator: EzspSimulator, ask: dict[str, Any]
) -> Any:
    await simulator.unplug()


async def _plug(control: Control, simulator: EzspSimulator, ask: dict[str, Any]) -> Any:
    await simulator.plug()


async def _watch(
    control: Control, simulator: EzspSimulator, ask: dict[str, Any]
) -> Any:
    control.watch(simulator)


COMMANDS: dict[str, Command] = {
    "add": _add,
    "join": _join,
    "leave": _leave,
    "nodes": _nodes,
    "happen": _happen,
    "fault": _fault,
    "report": _report,
    "zone": _zone,
    "load": _load,
    "records": _records,
    "counts": _counts,
    "power_cycle": _power_cycle,
    "unplug": _unplug,
    "plug": _plug,
    "watch": _watch,
}


def _node(simulator: EzspSimulator, which: str) -> Node:
    try:
        return simulator.node(which)
    except KeyError:
        return simulator.node(int(which, 16))


class Control:
    """One connection of the control socket."""

    def __init__(
        self, simulators: list[EzspSimulator], writer: asyncio.StreamWriter
    ) -> None:
        """Initialize."""
        self._simulators = simulators
        self._writer = writer
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, reader: asyncio.StreamReader) -> None:
        """Serve until the connection ends. Requests run side by side."""
        try:
            while line := await reader.readline():
                task = asyncio.get_running_loop().create_task(self._serve(line))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
        finally:
            for task in self._tasks:
                task.cancel()
            for simulator in self._simulators:
                simulator.air.watchers.discard(self._tell)
            self._writer.close()

    async def _serve(self, line: bytes) -> None:
        answer: dict[str, Any] = {}
        try:
            ask = json.loads(line)
            answer["id"] = ask.pop("id", None)
            simulator = self._simulators[ask.pop("coordinator", 0)]
            answer["result"] = await COMMANDS[ask.pop("do")](self, simulator, ask)
        except (JoinRefusedError, ValueError) as err:
            answer["error"] = str(err)
        except (KeyError, IndexError, TypeError, AttributeError, StopIteration) as err:
            answer["error"] = f"Not understood: {err!r}"
        self._write(answer)

    def watch(self, simulator: EzspSimulator) -> None:
        """Tell the records of a coordinator's nodes from now on."""
        simulator.air.watchers.add(self._tell)

    def _tell(self, node: Node, record: Record) -> None:
        self._write({"record": describe_record(node, record)})

    def _write(self, message: dict[str, Any]) -> None:
        if not self._writer.is_closing():
            self._writer.write(json.dumps(message).encode() + b"\n")


async def serve(simulators: list[EzspSimulator], port: int = 0) -> asyncio.Server:
    """Serve the control socket on the loopback address."""

    async def connected(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await Control(simulators, writer).run(reader)

    return await asyncio.start_server(connected, HOST, port)
