"""The whole simulation: a TCP port, a co-processor behind it, and nodes around that."""

import asyncio
import contextlib
from pathlib import Path
import socket
import time
from typing import Any, Self, cast, override

from simulator.device import Device
from simulator.listening import accept_no_more, hold, listen

from .air import Air
from .ash import ResetCode
from .ash_link import WINDOW
from .faults import FAULTS
from .models import MODELS, Model
from .ncp import Ncp
from .node import Node
from .state import Flash, load, save

EUI64 = 0x00124B00_51300001
#: Nodes get addresses from here on, unless one is given.
NODES = 0x00158D00_51300001
TICK_SECONDS = 0.1


class _Port(asyncio.Protocol):
    """The TCP end of a serial bridge."""

    def __init__(self, simulator: EzspSimulator) -> None:
        self._simulator = simulator
        self.transport: asyncio.Transport | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._simulator.connected(self)

    @override
    def data_received(self, data: bytes) -> None:
        self._simulator.ncp.link.bytes_received(data)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._simulator.disconnected(self)


class EzspSimulator:
    """One simulated coordinator. Times are in seconds.

    `version` is its EZSP version. `flash_path` keeps its flash in a file. `latency` is how
    long a message takes through the air, one way. `resets_on_connect` announces a reset to
    each new connection, as multi-protocol daemons do.
    """

    def __init__(
        self,
        version: int = 14,
        *,
        eui64: int = EUI64,
        flash_path: Path | None = None,
        window: int = WINDOW,
        reset_seconds: float = 0.01,
        latency: float = 0.0,
        failure_seconds: float = 0.2,
        retry_seconds: float = 1.6,
        tick_seconds: float = TICK_SECONDS,
        resets_on_connect: bool = False,
        seed: int = 0,
    ) -> None:
        """Initialize."""
        self._flash_path = flash_path
        flash = Flash(eui64)
        if flash_path and flash_path.exists():
            flash = load(flash_path)
        self.ncp = Ncp(
            version,
            flash,
            window=window,
            reset_seconds=reset_seconds,
            seed=seed,
            changed=self._save,
        )
        self.air = Air(
            self.ncp,
            latency=latency,
            failure_seconds=failure_seconds,
            retry_seconds=retry_seconds,
            seed=seed,
        )
        self.port = 0
        self._tick_seconds = tick_seconds
        self._resets_on_connect = resets_on_connect
        self._next_node = NODES + (eui64 & 0xFFFF) * 0x10000
        #: Keeps its port while it is unplugged.
        self._held: socket.socket | None = None
        self._listener: socket.socket | None = None
        self._server: asyncio.Server | None = None
        self._connection: _Port | None = None
        self._ticking: asyncio.Task[None] | None = None
        self.connections = 0

    # Life

    async def start(self, port: int = 0) -> int:
        """Listen on the loopback address, and return the port."""
        await self.plug(port)
        self._ticking = asyncio.get_running_loop().create_task(self._tick())
        return self.port

    async def stop(self) -> None:
        """End it."""
        self.ncp.close()
        if self._ticking:
            self._ticking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._ticking
        await self.unplug()
        if self._held:
            self._held.close()
            self._held = None

    async def __aenter__(self) -> Self:
        """Start on a free port."""
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """End it."""
        await self.stop()

    async def plug(self, port: int = 0) -> None:
        """Listen, on the same port as before unless another one is given."""
        wanted = port or self.port
        if self._held and self._held.getsockname()[1] != wanted:
            self._held.close()
            self._held = None
        if not self._held:
            self._held = hold(wanted)
        self.port = self._held.getsockname()[1]
        self._listener = listen(self.port)
        self._server = await asyncio.get_running_loop().create_server(
            lambda: _Port(self), sock=self._listener
        )

    async def unplug(self) -> None:
        """Cut the connection, and take no other one, until it is plugged in again."""
        if self._listener and self._server:
            await accept_no_more(self._listener)
            self._server.close()
            self._server = None
        self.cut()

    def cut(self) -> None:
        """Cut the connection."""
        if self._connection and self._connection.transport:
            self._connection.transport.abort()

    def connected(self, port: _Port) -> None:
        """Take a connection; a serial line has one end, and the last one has it."""
        self.cut()
        self.connections += 1
        self._connection = port
        if port.transport:
            self.ncp.link.write = port.transport.write
        if self._resets_on_connect:
            self.ncp.reset(ResetCode.SOFTWARE)

    def disconnected(self, port: _Port) -> None:
        """Take notice of a lost connection."""
        if self._connection is port:
            self._connection = None
            self.ncp.link.write = None

    def _save(self) -> None:
        if self._flash_path:
            save(self.ncp.flash, self._flash_path)

    async def _tick(self) -> None:
        before = time.monotonic()
        while True:
            await asyncio.sleep(self._tick_seconds)
            now = time.monotonic()
            for node in tuple(self.air.by_eui64.values()):
                if node.joined:
                    node.body.step(now - before)
            before = now

    # Nodes

    @property
    def nodes(self) -> list[Node]:
        """Return all nodes."""
        return list(self.air.by_eui64.values())

    def add(
        self,
        model: str | Model,
        *,
        name: str = "",
        area: str = "",
        device: Device | None = None,
        eui64: int | None = None,
        **options: Any,
    ) -> Node:
        """Put a node into the air; it has not joined yet.

        Its physical device is made from the model unless there is one. The other options
        are those of `Node`.
        """
        row = MODELS[model] if isinstance(model, str) else model
        if eui64 is None:
            eui64, self._next_node = self._next_node, self._next_node + 1
        name = name or f"{row.name} {eui64 & 0xFFFF:04x}"
        device = device or row.kind(name, name, area, **row.options)
        return self.air.add(Node(eui64, row, device, **options))

    async def join(self, node: Node, *, parent: int = 0) -> Node:
        """Let a node join as soon as the network is open. Raises JoinRefusedError."""
        await self.air.opening.wait()
        self.air.join(node, parent=parent)
        return node

    def node(self, which: int | str) -> Node:
        """Return a node by EUI64, or its device's id. Raises KeyError."""
        if isinstance(which, int):
            return self.air.by_eui64[which]
        for node in self.air.by_eui64.values():
            if node.body.device and node.body.device.id == which:
                return node
        raise KeyError(which)

    async def power_cycle(self, seconds: float = 0.0) -> None:
        """Switch everything off and on: all nodes announce themselves within the time."""
        nodes = [node for node in self.nodes if node.joined]
        for node in nodes:
            node.announce()
            await asyncio.sleep(seconds / len(nodes))

    async def delivered(self) -> None:
        """Wait until the host has all that waits for it."""
        self.ncp.link.flush()
        await self.ncp.link.idle.wait()

    # Misbehaviour

    def fault(self, name: str, **options: Any) -> None:
        """Begin to misbehave, as in the table of `faults`. Raises KeyError."""
        FAULTS[name](self, **options)

    def clear(self) -> None:
        """Take every misbehaviour and every cause away."""
        self.fault("none")
