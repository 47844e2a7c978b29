"""The general commands of the cluster library, answered for a node (ZCL 8, 2.5)."""

from typing import TYPE_CHECKING, Any

from . import zcl
from .cluster_commands import COMMANDS
from .fields import TooShortError, plain

if TYPE_CHECKING:
    from .node import Node

_U16 = plain("u16")
#: Attributes in one answer of a discovery at most.
MOST_DISCOVERED = 20


def encode(kind: zcl.DataType, value: Any) -> bytes:
    """Return type and value as a report has them."""
    return bytes((kind.id,)) + kind.write(value)


class ZclServer:
    """Answers general commands, and passes others on to the clusters' own."""

    def __init__(self, node: Node) -> None:
        """Initialize."""
        self._node = node

    def receive(
        self, endpoint: int, cluster: int, data: bytes, *, unicast: bool
    ) -> None:
        """Take a frame. Raises TooShortError."""
        header, payload = zcl.read_header(data)
        request = Request(
            self._node, endpoint, cluster, header, payload, unicast=unicast
        )
        if header.flags & 3 == zcl.CLUSTER_SPECIFIC:
            self._specific(request)
        elif header.flags & 3 == 0:
            self._general(request)

    def _specific(self, request: Request) -> None:
        header = request.header
        self._node.note(
            "received",
            request.endpoint,
            request.cluster,
            header.command,
            request.payload,
        )
        if self._node.body.ignores:
            return
        here = self._node.clusters.get(request.endpoint, {})
        known = here.get(request.cluster)
        handler = COMMANDS.get((known.name, header.command)) if known else None
        if header.flags & zcl.FROM_SERVER:
            handler = COMMANDS.get((f"from {request.cluster:04X}", header.command))
        if handler is None:
            request.default_response(zcl.UNSUPPORTED_COMMAND)
            return
        try:
            status = handler(request)
        except TooShortError:
            status = zcl.MALFORMED
        if status is not None:
            request.default_response(status)

    def _general(self, request: Request) -> None:
        header = request.header
        self._node.note(
            "asked", request.endpoint, request.cluster, header.command, request.payload
        )
        if self._node.body.ignores:
            return
        handler = {
            zcl.READ: self._read,
            zcl.WRITE: self._write,
            zcl.WRITE_UNDIVIDED: self._write,
            zcl.WRITE_SILENT: self._write,
            zcl.CONFIGURE: self._configure,
            zcl.READ_CONFIG: self._read_configuration,
            zcl.DISCOVER: self._discover,
            zcl.DISCOVER_EXTENDED: self._discover,
            zcl.DISCOVER_RECEIVED: self._discover_received,
            zcl.DISCOVER_GENERATED: self._discover_generated,
        }.get(header.command)
        if handler:
            try:
                handler(request)
            except TooShortError:
                request.default_response(zcl.MALFORMED)
        elif header.command not in {zcl.REPORT, zcl.DEFAULT_RSP}:
            request.default_response(zcl.UNSUPPORTED_GENERAL)

    def _find(self, request: Request, attribute: int) -> zcl.Attribute | None:
        if request.header.manufacturer:
            return None
        return self._node.kinds.get((request.endpoint, request.cluster, attribute))

    def _read(self, request: Request) -> None:
        self._node.body.refresh()
        out = b""
        for at in range(0, len(request.payload) - 1, 2):
            identifier = int.from_bytes(request.payload[at : at + 2], "little")
            kind = self._find(request, identifier)
            out += _U16.write(identifier)
            if kind is None:
                out += bytes((zcl.UNSUPPORTED_ATTRIBUTE,))
                continue
            key = (request.endpoint, request.cluster, identifier)
            out += b"\0" + encode(kind.type, self._node.attributes[key])
        request.reply(zcl.READ_RSP, out)

    def _write(self, request: Request) -> None:
        at, failures = 0, b""
        payload = request.payload
        while at < len(payload):
            identifier, at = _U16.read(payload, at)
            value_type = zcl.BY_ID.get(payload[at]) if at < len(payload) else None
            if value_type is None:
                raise TooShortError
            value, at = value_type.type.read(payload, at + 1)
            status = self._write_one(request, identifier, value_type, value)
            if status:
                failures += bytes((status,)) + _U16.write(identifier)
        if request.header.command != zcl.WRITE_SILENT:
            request.reply(zcl.WRITE_RSP, failures or b"\0")

    def _write_one(
        self, request: Request, identifier: int, kind: zcl.DataType, value: Any
    ) -> int:
        attribute = self._find(request, identifier)
        if attribute is None:
            return zcl.UNSUPPORTED_ATTRIBUTE
        if not attribute.writable:
            return zcl.READ_ONLY
        if attribute.type is not kind:
            return zcl.INVALID_TYPE
        self._node.attributes[request.endpoint, request.cluster, identifier] = value
        self._node.body.written(request.endpoint, request.cluster, identifier)
        return zcl.SUCCESS

    def _configure(self, request: Request) -> None:
        at, failures = 0, b""
        payload = request.payload
        while at < len(payload):
            direction = payload[at]
            identifier, at = _U16.read(payload, at + 1)
            if direction:
                _, at = _U16.read(payload, at)
                status = zcl.SUCCESS
            else:
                kind = zcl.BY_ID.get(payload[at]) if at < len(payload) else None
                if kind is None:
                    raise TooShortError
                least, at = _U16.read(payload, at + 1)
                most, at = _U16.read(payload, at)
                change: float = 0
                if kind.analogue:
                    change, at = kind.type.read(payload, at)
                attribute = self._find(request, identifier)
                status = zcl.SUCCESS
                if attribute is None:
                    status = zcl.UNSUPPORTED_ATTRIBUTE
                elif not attribute.reportable:
                    status = zcl.UNREPORTABLE
                elif attribute.type is not kind:
                    status = zcl.INVALID_TYPE
                else:
                    key = (request.endpoint, request.cluster, identifier)
                    self._node.reporting.configure(key, least, most, change)
            if status:
                failures += bytes((status, direction)) + _U16.write(identifier)
        request.reply(zcl.CONFIGURE_RSP, failures or b"\0")

    def _read_configuration(self, request: Request) -> None:
        out = b""
        for at in range(0, len(request.payload) - 2, 3):
            direction = request.payload[at]
            identifier, _ = _U16.read(request.payload, at + 1)
            key = (request.endpoint, request.cluster, identifier)
            rule = self._node.reporting.rules.get(key)
            head = bytes((direction,)) + _U16.write(identifier)
            if rule is None or direction:
                out += bytes((zcl.NOT_FOUND,)) + head
                continue
            kind = self._node.kinds[key].type
            out += b"\0" + head + bytes((kind.id,))
            out += _U16.write(rule.least) + _U16.write(rule.most)
            if kind.analogue:
                out += kind.write(rule.change)
        request.reply(zcl.READ_CONFIG_RSP, out)

    def _discover(self, request: Request) -> None:
        start, at = _U16.read(request.payload, 0)
        if at >= len(request.payload):
            raise TooShortError
        most = min(request.payload[at], MOST_DISCOVERED)
        found = sorted(
            (key[2], attribute)
            for key, attribute in self._node.kinds.items()
            if key[:2] == (request.endpoint, request.cluster) and key[2] >= start
        )
        extended = request.header.command == zcl.DISCOVER_EXTENDED
        out = bytes((len(found) <= most,))
        for identifier, attribute in found[:most]:
            out += _U16.write(identifier) + bytes((attribute.type.id,))
            if extended:
                out += bytes((1 | attribute.writable << 1 | attribute.reportable << 2,))
        request.reply(request.header.command + 1, out)

    def _discover_received(self, request: Request) -> None:
        known = self._node.clusters.get(request.endpoint, {}).get(request.cluster)
        numbers = sorted(
            number for name, number in COMMANDS if known and name == known.name
        )
        request.reply(zcl.DISCOVER_RECEIVED_RSP, b"\1" + bytes(numbers))

    def _discover_generated(self, request: Request) -> None:
        request.reply(zcl.DISCOVER_GENERATED_RSP, b"\1")


class Request:
    """A frame that has come in, and the ways to answer it."""

    def __init__(
        self,
        node: Node,
        endpoint: int,
        cluster: int,
        header: zcl.Header,
        payload: bytes,
        *,
        unicast: bool,
    ) -> None:
        """Initialize."""
        self.node = node
        self.endpoint = endpoint
        self.cluster = cluster
        self.header = header
        self.payload = payload
        self.unicast = unicast

    def byte(self, at: int = 0) -> int:
        """Return a byte of the payload. Raises TooShortError."""
        if at >= len(self.payload):
            raise TooShortError
        return self.payload[at]

    def word(self, at: int = 0) -> int:
        """Return two bytes of the payload. Raises TooShortError."""
        value, _ = _U16.read(self.payload, at)
        return int(value)

    def reply(self, command: int, payload: bytes, *, specific: bool = False) -> None:
        """Send an answer, which nobody needs to answer."""
        if not self.unicast:
            return
        flags = zcl.NO_DEFAULT_RESPONSE | (zcl.CLUSTER_SPECIFIC if specific else 0)
        flags |= ~self.header.flags & zcl.FROM_SERVER
        flags |= self.header.flags & zcl.MANUFACTURER
        header = zcl.Header(
            flags, self.header.sequence, command, self.header.manufacturer
        )
        self.node.send(self.endpoint, self.cluster, header.write() + payload)

    def default_response(self, status: int) -> None:
        """Send the answer of a command that has no other one (ZCL 2.5.12)."""
        if status or not self.header.flags & zcl.NO_DEFAULT_RESPONSE:
            self.reply(zcl.DEFAULT_RSP, bytes((self.header.command, status)))
