"""A Zigbee node: a physical device of the compound behind a radio and a cluster library."""

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
import time
from typing import TYPE_CHECKING, Any

from . import zcl, zdo
from .device_side import Body
from .fields import TooShortError, Values
from .models import HOME_AUTOMATION, Model
from .reporting import Reporting
from .zcl_server import ZclServer

if TYPE_CHECKING:
    from simulator.device import Device

    from .air import Air

#: Capabilities: a router on mains that always listens, and a battery device that sleeps.
ROUTER, SLEEPY = 0x8E, 0x80
NOBODY = 0xFFFE
#: Ends of the names of attributes that only a device with three phases has.
OTHER_PHASES = ("_b", "_c")
#: APS options of a message: acknowledged, with route discovery.
APS_OPTIONS = 0x0140
MOST_RECORDS = 10_000


@dataclass(frozen=True, slots=True)
class Record:
    """What a node received or did."""

    #: Monotonic time in seconds.
    at: float
    #: "received" a cluster command, was "asked" something general, "did" something.
    what: str
    endpoint: int = 0
    cluster: int = 0
    command: int = 0
    payload: bytes = b""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Binding:
    """An entry of a node's binding table."""

    endpoint: int
    cluster: int
    #: 3 for a device, 1 for a group (ZDO 2.4.3.2.2).
    mode: int
    target: bytes


class Node:
    """A node in the air. It is its model's cluster library around a physical device."""

    def __init__(
        self,
        eui64: int,
        model: Model,
        device: Device | None = None,
        *,
        poll_seconds: float = 0.0,
        lqi: int = 200,
        rssi: int = -55,
        install_key: bytes | None = None,
    ) -> None:
        """Initialize; a sleepy node asks for its messages every `poll_seconds`."""
        self.eui64 = eui64
        self.model = model
        self.air: Air
        self.nwk = NOBODY
        self.parent = 0
        self.joined = False
        self.poll_seconds = poll_seconds if model.sleepy else 0.0
        self.lqi = lqi
        self.rssi = rssi
        self.install_key = install_key
        #: Seconds that a message takes longer to this node, or through it.
        self.delay = 0.0
        #: Neither hears nor says anything.
        self.deaf = False
        self.route_told = False
        self.bindings: list[Binding] = []
        #: Members by group.
        self.groups: dict[int, set[int]] = {}
        self.records: deque[Record] = deque(maxlen=MOST_RECORDS)
        #: Set and replaced at each record.
        self._news = asyncio.Event()
        self._sequence = 0
        #: Values by endpoint, cluster and attribute.
        self.attributes: dict[tuple[int, int, int], Any] = {}
        self.kinds: dict[tuple[int, int, int], zcl.Attribute] = {}
        self.clusters: dict[int, dict[int, zcl.Cluster]] = {}
        self._make_attributes()
        self.zcl = ZclServer(self)
        self.reporting = Reporting(self)
        self.body = Body(self, device)

    def _make_attributes(self) -> None:
        known = zcl.clusters()
        for number, endpoint in self.model.endpoints.items():
            here = self.clusters[number] = {
                known[name].id: known[name] for name in endpoint.servers
            }
            told = {source.attribute for source in endpoint.sources}
            for cluster in here.values():
                for attribute in cluster.attributes.values():
                    path = f"{cluster.name}.{attribute.name}"
                    if attribute.name.endswith(OTHER_PHASES) and path not in told:
                        continue
                    key = (number, cluster.id, attribute.id)
                    self.kinds[key] = attribute
                    self.attributes[key] = endpoint.values.get(path, attribute.default)
            self.attributes[number, 0, 4] = self.model.manufacturer
            self.attributes[number, 0, 5] = self.model.model

    # What it is

    @property
    def is_router(self) -> bool:
        """Return if others can be its children."""
        return not self.model.sleepy

    @property
    def silent(self) -> bool:
        """Return if nothing comes from it, nor goes to it."""
        return self.deaf or self.body.silent

    @property
    def doubles(self) -> bool:
        """Return if it says everything twice."""
        return self.body.doubles

    @property
    def lqi_kind(self) -> int:
        """Return type, listening and relationship as a neighbour table has them."""
        return 0x15 if self.is_router else 0x12

    def key(self, path: str, endpoint: int | None = None) -> tuple[int, int, int]:
        """Return where "cluster.attribute" is; at the first endpoint that has it."""
        cluster_name, _, name = path.partition(".")
        cluster = zcl.clusters()[cluster_name]
        attribute = next(a for a in cluster.attributes.values() if a.name == name)
        return next(
            key
            for key in self.kinds
            if key[1:] == (cluster.id, attribute.id) and endpoint in {None, key[0]}
        )

    def has_key(self, path: str) -> bool:
        """Return if it has a cluster, by "cluster.attribute"."""
        cluster = zcl.clusters()[path.partition(".")[0]]
        return any(cluster.id in here for here in self.clusters.values())

    def descriptor(self) -> Values:
        """Return what the node descriptor says."""
        return {
            "type": 1 if self.is_router else 2,
            "capability": self.capability,
            "manufacturer": self.model.manufacturer_code,
        }

    @property
    def capability(self) -> int:
        """Return the capability byte."""
        return ROUTER if self.is_router else SLEEPY

    def simple_descriptors(self) -> Mapping[int, Values]:
        """Return the endpoints."""
        known = zcl.clusters()
        return {
            number: {
                "profile": HOME_AUTOMATION,
                "device": endpoint.device,
                "version": 1,
                "servers": tuple(known[name].id for name in endpoint.servers),
                "clients": tuple(known[name].id for name in endpoint.clients),
            }
            for number, endpoint in self.model.endpoints.items()
        }

    def lqi_table(self) -> list[Values]:
        """Return the coordinator, and children where it is a router."""
        network = self.air.ncp.flash.network or {}
        pan = {"extended_pan": network.get("extended_pan", bytes(8))}
        rows = [
            {
                **pan,
                "eui64": node.eui64,
                "nwk": node.nwk,
                "kind": node.lqi_kind,
                "permit": 2,
                "depth": 2,
                "lqi": node.lqi,
            }
            for node in self.air.by_eui64.values()
            if node.joined and node.parent == self.nwk
        ]
        own = {
            **pan,
            "eui64": self.air.ncp.eui64,
            "nwk": 0,
            "kind": 0x24,
            "lqi": self.lqi,
        }
        return [own, *rows]

    # Messages

    def until_poll(self) -> float:
        """Return the seconds until it asks for its messages."""
        if not self.poll_seconds:
            return 0.0
        now = time.monotonic()
        # All nodes have their own rhythm, by address.
        return self.poll_seconds - (now + self.eui64 % 997 / 997) % self.poll_seconds

    def next_sequence(self) -> int:
        """Return a new sequence number for ZCL or ZDO."""
        self._sequence = (self._sequence + 1) % 256
        return self._sequence

    def receive(self, aps: Values, data: bytes, *, unicast: bool) -> None:
        """Take a message."""
        if aps["profile"] == 0:
            if not data:
                return
            self.note("asked", cluster=aps["cluster"], payload=data)
            reply = zdo.answer(self, aps["cluster"], data, broadcast=not unicast)
            if reply:
                self.send(0, aps["cluster"] | zdo.RESPONSE, reply, profile=0)
            return
        endpoints = (
            tuple(self.clusters)
            if aps["destination"] == 0xFF
            else (aps["destination"],)
        )
        for endpoint in endpoints:
            try:
                self.zcl.receive(endpoint, aps["cluster"], data, unicast=unicast)
            except TooShortError:
                self.note("asked", endpoint, aps["cluster"], payload=data, text="short")

    def send(
        self,
        endpoint: int,
        cluster: int,
        data: bytes,
        *,
        profile: int = HOME_AUTOMATION,
    ) -> None:
        """Send to the coordinator."""
        self.air.send(
            self,
            {
                "profile": profile,
                "cluster": cluster,
                "source": endpoint,
                "destination": 0 if profile == 0 else 1,
                "options": APS_OPTIONS,
            },
            data,
        )

    def announce(self) -> None:
        """Tell everybody which address it has."""
        data = zdo.ANNOUNCEMENT.write(
            {
                "sequence": self.next_sequence(),
                "nwk": self.nwk,
                "eui64": self.eui64,
                "capability": self.capability,
            }
        )
        aps = {"profile": 0, "cluster": zdo.DEVICE_ANNOUNCE, "options": 0}
        self.air.send(self, aps, data, broadcast=True)

    def zdo_command(self, name: str, values: Values) -> int:
        """Do what a ZDO request asks for."""
        if name in {"bind", "unbind"}:
            binding = Binding(
                values["endpoint"], values["cluster"], values["mode"], values["target"]
            )
            if name == "bind" and binding not in self.bindings:
                self.bindings.append(binding)
            elif name == "unbind":
                if binding not in self.bindings:
                    return zdo.NO_ENTRY
                self.bindings.remove(binding)
        elif name == "leave":
            self.air.leave_soon(self)
        return zdo.SUCCESS

    def is_bound(self, endpoint: int, cluster: int) -> bool:
        """Return if reports of a cluster go to the coordinator."""
        return any(
            binding.endpoint == endpoint and binding.cluster == cluster
            for binding in self.bindings
        )

    def members(self, group: int) -> tuple[int, ...]:
        """Return the endpoints that are in a group."""
        return tuple(self.groups.get(group, ()))

    def forget_host(self) -> None:
        """Begin anew, as after a reset to factory defaults."""
        self.bindings.clear()
        self.groups.clear()
        self.reporting.clear()
        for key, attribute in self.kinds.items():
            if key[1:] in {(0x0500, 0x0000), (0x0500, 0x0010), (0x0500, 0x0011)}:
                self.attributes[key] = attribute.default

    # Records

    def note(
        self,
        what: str,
        endpoint: int = 0,
        cluster: int = 0,
        command: int = 0,
        payload: bytes = b"",
        *,
        text: str = "",
    ) -> Record:
        """Keep a record."""
        record = Record(
            time.monotonic(), what, endpoint, cluster, command, payload, text
        )
        self.records.append(record)
        self._news.set()
        for watcher in tuple(self.air.watchers):
            watcher(self, record)
        return record

    async def wait_record(self, **wanted: Any) -> Record:
        """Return the first record with these values, also a future one."""
        while True:
            for record in self.records:
                if all(getattr(record, key) == value for key, value in wanted.items()):
                    return record
            self._news.clear()
            await self._news.wait()
