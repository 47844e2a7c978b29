"""Tuya's cluster 0xEF00: data points in frames of their own, big-endian (Tuya serial protocol)."""

from collections.abc import Callable, Iterator
import time
from typing import TYPE_CHECKING

from . import zcl
from .models import BOOL, DataPoint

if TYPE_CHECKING:
    from simulator.device import Value

    from .node import Node
    from .zcl_server import Request

CLUSTER = 0xEF00
SET, REPORT_RESPONSE, REPORT, QUERY = 0x00, 0x01, 0x02, 0x03
MCU_VERSION, MCU_VERSION_RESPONSE, TIME, GATEWAY_STATUS = 0x10, 0x11, 0x24, 0x25
FIRMWARE = 0x40


def encode(point: DataPoint, value: Value | None) -> bytes:
    """Return a data point with the value of its reading."""
    number = point.value
    if value is not None and not isinstance(value, str):
        number = round(float(value) * point.factor)
    body = max(0, number).to_bytes(8)[-point.size :]
    return bytes((point.number, point.type)) + len(body).to_bytes(2) + body


def decode(payload: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield number, type and value of data points, as far as they are whole."""
    at = 2
    while at + 4 <= len(payload):
        size = int.from_bytes(payload[at + 2 : at + 4])
        end = at + 4 + size
        if end > len(payload):
            return
        yield payload[at], payload[at + 1], payload[at + 4 : end]
        at = end


def send(node: Node, command: int, points: bytes, *, endpoint: int = 1) -> None:
    """Send data points to the host."""
    sequence = node.next_sequence()
    flags = zcl.CLUSTER_SPECIFIC | zcl.FROM_SERVER | zcl.NO_DEFAULT_RESPONSE
    header = zcl.Header(flags, sequence, command)
    node.send(endpoint, CLUSTER, header.write() + bytes((0, sequence)) + points)


def _set(request: Request) -> int | None:
    points = {point.number: point for point in request.node.model.points}
    for number, kind, value in decode(request.payload):
        point = points.get(number)
        if point and point.settable and kind == point.type:
            wanted = int.from_bytes(value)
            request.node.body.do(
                point.reading, bool(wanted) if kind == BOOL else wanted, _nothing
            )
    return zcl.SUCCESS


def _nothing(_status: int) -> None:
    """Answer nothing: the data point that follows says it."""


def _query(request: Request) -> int | None:
    request.node.body.report_points(REPORT_RESPONSE)
    return zcl.SUCCESS


def _mcu_version(request: Request) -> int | None:
    request.reply(
        MCU_VERSION_RESPONSE,
        request.payload[:2].ljust(2, b"\0") + bytes((FIRMWARE,)),
        specific=True,
    )
    return None


def _accept(_request: Request) -> int | None:
    return zcl.SUCCESS


def _time(request: Request) -> int | None:
    request.node.note("did", request.endpoint, text=f"time set at {time.time():.0f}")
    return zcl.SUCCESS


COMMANDS: dict[int, Callable[[Request], int | None]] = {
    SET: _set,
    0x04: _set,
    QUERY: _query,
    MCU_VERSION: _mcu_version,
    TIME: _time,
    GATEWAY_STATUS: _accept,
}
