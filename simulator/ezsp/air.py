"""The air: carries messages between the co-processor and the nodes, well or badly."""

import asyncio
from collections import Counter
from collections.abc import Callable
from functools import partial
import random
from typing import Any

from . import zdo
from .coordinator import Coordinator
from .fields import Values
from .ncp import Ncp
from .node import Node, Record
from .noise import Badness
from .status import Status
from .trust_center import (
    DENY,
    JOIN,
    LEFT,
    NO_ACTION,
    SECURED_REJOIN,
    USE_PRECONFIGURED_KEY,
    JoinRefusedError,
    TrustCenter,
)

#: EmberIncomingMessageType.
UNICAST, BROADCAST = 0, 4
#: EmberCounterType.
RX_UNICAST, RX_BROADCAST, JOINS = 8, 6, 16
ALL, LISTENING, ROUTERS = 0xFFFF, 0xFFFD, 0xFFFC
#: APS options of messages of devices: acknowledged, with route discovery.
APS_OPTIONS = 0x0140


class Air:
    """Nodes around one co-processor. Times are in seconds."""

    def __init__(
        self,
        ncp: Ncp,
        *,
        latency: float = 0.0,
        failure_seconds: float = 0.2,
        retry_seconds: float = 1.6,
        retries: int = 3,
        seed: int = 0,
    ) -> None:
        """Initialize.

        `latency` is one way; a message that nobody acknowledges has failed after
        `failure_seconds`; a device repeats one after `retry_seconds`.
        """
        self.ncp = ncp
        ncp.air = self
        self.coordinator = Coordinator(ncp)
        self.trust_center = TrustCenter(ncp)
        self.latency = latency
        self.failure_seconds = failure_seconds
        self.retry_seconds = retry_seconds
        self.retries = retries
        self.random = random.Random(seed)  # noqa: S311 - noise, no secret
        self.badness = Badness()
        self.by_eui64: dict[int, Node] = {}
        self._by_nwk: dict[int, Node] = {}
        #: What an active scan finds, as beacons.
        self.other_networks: list[Values] = []
        #: Messages by what became of them.
        self.counts: Counter[str] = Counter()
        #: Called with each record of a node.
        self.watchers: set[Callable[[Node, Record], None]] = set()
        #: Set while the network is open for joining.
        self.opening = asyncio.Event()
        self.up = asyncio.Event()

    def soon(self, action: Callable[[], Any], delay: float = 0.0) -> None:
        """Let something happen after a delay, never within the call."""
        self.ncp.timers.later(delay, action)

    # What the co-processor asks for

    def opened(self) -> None:
        """Take notice of a network that is open for joining, or closed."""
        if self.ncp.is_open:
            self.opening.set()
        else:
            self.opening.clear()

    def coordinator_up(self) -> None:
        """Take notice of a network that is up."""
        self.up.set()

    def routes_wanted(self) -> None:
        """Have every node behind routers send its route with its next message."""
        for node in self.by_eui64.values():
            node.route_told = False

    def by_nwk(self, nwk: int) -> Node | None:
        """Return the node at a network address."""
        return self._by_nwk.get(nwk)

    def neighbours(self, *, children: bool = False) -> list[Node]:
        """Return routers in reach, and end devices that are children."""
        return [
            node
            for node in self._by_nwk.values()
            if node.parent == 0 and (children or node.is_router)
        ]

    def leave_soon(self, node: Node) -> None:
        """Tell a node to leave."""
        self.soon(partial(self.leave, node), self.latency)

    # From the host

    def unicast(
        self, nwk: int, aps: Values, data: bytes, done: Callable[[Status], None]
    ) -> None:
        """Carry a message to one node, and tell what became of it."""
        if nwk == 0:
            self.soon(partial(done, Status.OK))
            self.soon(partial(self._to_itself, aps, data))
            return
        node = self._by_nwk.get(nwk)
        if node is None or self._lost():
            self.counts["to nobody"] += 1
            self.soon(partial(done, Status.DELIVERY_FAILED), self.failure_seconds)
            return
        delay = self._delay(node) + node.until_poll()
        self.soon(partial(self._arrive, node, aps, data, done), delay)

    def _arrive(
        self, node: Node, aps: Values, data: bytes, done: Callable[[Status], None]
    ) -> None:
        if not self._reachable(node):
            self.counts["to nobody"] += 1
            self.soon(partial(done, Status.DELIVERY_FAILED), self.failure_seconds)
            return
        self.counts["to nodes"] += 1
        self.soon(partial(done, Status.OK), self._delay(node))
        node.receive(aps, data, unicast=True)

    def broadcast(self, destination: int, aps: Values, data: bytes) -> None:
        """Carry a message to all nodes that a broadcast address means."""
        self.soon(partial(self._to_itself, aps, data, broadcast=True))
        for node in tuple(self._by_nwk.values()):
            if (
                destination == ALL
                or (destination == LISTENING and not node.model.sleepy)
                or (destination == ROUTERS and node.is_router)
            ):
                self._carry_many(node, aps, data)

    def multicast(self, aps: Values, data: bytes) -> None:
        """Carry a message to all members of a group."""
        for node in tuple(self._by_nwk.values()):
            for endpoint in node.members(aps["group"]):
                if not node.model.sleepy:
                    self._carry_many(node, aps | {"destination": endpoint}, data)

    def _carry_many(self, node: Node, aps: Values, data: bytes) -> None:
        def arrive() -> None:
            if self._reachable(node):
                node.receive(aps, data, unicast=False)

        if not self._lost():
            self.soon(arrive, self._delay(node))

    def _to_itself(self, aps: Values, data: bytes, *, broadcast: bool = False) -> None:
        if aps["profile"] != 0 or aps["destination"] not in {0, 0xFF}:
            return
        cluster = aps["cluster"]
        reply = zdo.answer(self.coordinator, cluster, data, broadcast=broadcast)
        if reply:
            self._deliver(
                None, self._zdo_aps(cluster | zdo.RESPONSE), reply, broadcast=False
            )

    # From nodes

    def send(
        self, node: Node, aps: Values, data: bytes, *, broadcast: bool = False
    ) -> None:
        """Carry a message of a node to the co-processor."""
        if not self._reachable(node):
            return
        self.ncp.ram.aps_sequence = (self.ncp.ram.aps_sequence + 1) % 256
        aps["sequence"] = self.ncp.ram.aps_sequence
        self._try(node, aps, data, broadcast, 0)

    def _try(
        self, node: Node, aps: Values, data: bytes, broadcast: bool, tries: int
    ) -> None:
        if self._lost():
            self._again(node, aps, data, broadcast, tries)
            return
        delay = self._delay(node)
        arrive = partial(self._reach, node, aps, data, broadcast, tries)
        copies = 2 if self._chance(self.badness.duplicate) or node.doubles else 1
        for _ in range(copies):
            if delay:
                self.soon(arrive, delay)
            else:
                arrive()

    def _reach(
        self, node: Node, aps: Values, data: bytes, broadcast: bool, tries: int
    ) -> None:
        if self.ncp.is_up:
            self._deliver(node, aps, data, broadcast=broadcast)
        else:
            self._again(node, aps, data, broadcast, tries)

    def _again(
        self, node: Node, aps: Values, data: bytes, broadcast: bool, tries: int
    ) -> None:
        # Without an acknowledgement a device repeats; a broadcast has none.
        if broadcast or tries >= self.retries:
            self.counts["lost"] += 1
            return
        self.counts["repeated"] += 1
        self.soon(
            partial(self._try, node, aps, data, broadcast, tries + 1),
            self.retry_seconds,
        )

    def _deliver(
        self, node: Node | None, aps: Values, data: bytes, *, broadcast: bool
    ) -> None:
        self.counts["to host"] += 1
        self.ncp.count(RX_BROADCAST if broadcast else RX_UNICAST)
        if node and not node.route_told:
            node.route_told = True
            if self.ncp.ram.concentrator:
                self._tell_route(node)
        self.ncp.callback(
            "incomingMessageHandler",
            {
                "type": BROADCAST if broadcast else UNICAST,
                "aps": aps,
                "lqi": node.lqi if node else 255,
                "rssi": node.rssi if node else 0,
                "sender": node.nwk if node else 0,
                # It is there if the sender has added it, which hardly any device does.
                "eui64": 0,
                "binding": 0xFF,
                "address": 0xFF,
                "message": data,
            },
        )

    def _tell_route(self, node: Node) -> None:
        relays = (node.parent,) if node.parent else ()
        self.ncp.ram.source_routes[node.nwk] = relays
        self.ncp.callback(
            "incomingRouteRecordHandler",
            {
                "source": node.nwk,
                "eui64": node.eui64,
                "lqi": node.lqi,
                "rssi": node.rssi,
                "relays": relays,
            },
        )

    # How good the air is

    def _chance(self, probability: float) -> bool:
        return probability > 0 and self.random.random() < probability

    def _lost(self) -> bool:
        return self._chance(self.badness.lose)

    def _delay(self, node: Node) -> float:
        parent = self._by_nwk.get(node.parent) if node.parent else None
        late = self.badness.delay_seconds if self._chance(self.badness.delay) else 0.0
        return self.latency + node.delay + late + (parent.delay if parent else 0.0)

    def _reachable(self, node: Node) -> bool:
        parent = self._by_nwk.get(node.parent) if node.parent else None
        return node.joined and not node.silent and not (parent and parent.silent)

    # Coming and going

    def add(self, node: Node) -> Node:
        """Put a node into the air, without a network."""
        if node.eui64 in self.by_eui64:
            raise ValueError(f"There is already a node {node.eui64:016x}")
        self.by_eui64[node.eui64] = node
        node.air = self
        return node

    def take_address(self, node: Node, nwk: int | None = None) -> None:
        """Give a node a network address, a new one if none is given."""
        self._by_nwk.pop(node.nwk, None)
        while nwk is None or nwk in self._by_nwk:
            nwk = self.random.randrange(0x0001, 0xFFF0)
        node.nwk = nwk
        self._by_nwk[nwk] = node

    def join(self, node: Node, *, parent: int = 0) -> None:
        """Let a node join. Raises JoinRefusedError."""
        reason = self.trust_center.refusal(node)
        self.take_address(node)
        node.parent = parent
        decision = DENY if reason else USE_PRECONFIGURED_KEY
        if not self.ncp.is_open:
            self._by_nwk.pop(node.nwk)
            raise JoinRefusedError("the network is closed")
        self.ncp.count(JOINS)
        self.trust_center.tell(node, JOIN, decision)
        if reason:
            self._by_nwk.pop(node.nwk)
            raise JoinRefusedError(reason)
        node.forget_host()
        self._in(node)
        self.trust_center.verify_key(node)
        node.announce()

    def _in(self, node: Node) -> None:
        node.joined = True
        node.route_told = False
        if not node.is_router and node.parent == 0:
            self.trust_center.remember_child(node)

    def rejoin(self, node: Node, *, new_address: bool = True) -> None:
        """Let a node that knows the network key come back, at another address."""
        if new_address:
            self.take_address(node)
        self.trust_center.tell(node, SECURED_REJOIN, NO_ACTION)
        self._in(node)
        node.announce()

    def leave(self, node: Node) -> None:
        """Let a node leave."""
        if not node.joined:
            return
        node.joined = False
        self._by_nwk.pop(node.nwk, None)
        self.trust_center.forget_child(node)
        self.trust_center.tell(node, LEFT, NO_ACTION)

    @staticmethod
    def _zdo_aps(cluster: int) -> Values:
        return {"profile": 0, "cluster": cluster, "options": APS_OPTIONS}
