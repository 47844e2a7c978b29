"""The firmware between a physical device and its clusters: readings in, commands out."""

import asyncio
from collections.abc import Callable
import time
from typing import TYPE_CHECKING, Any

from simulator.device import LATE_SECONDS, Device, Fault, RefusedError, Value

from . import tuya, zcl
from .models import BATTERY_LOW, Endpoint, Source

if TYPE_CHECKING:
    from .node import Node

IAS_ZONE = 0x0500
STATE, STATUS, CIE, ZONE_ID = 0x0000, 0x0002, 0x0010, 0x0011
#: Commands that a zone sends.
STATUS_CHANGED, ENROL_REQUEST = 0x00, 0x01
ENROLLED = 1
#: Percent below which the battery is low.
LOW_BATTERY = 15
#: Seconds between two measurements when nothing happens.
MEASURE_SECONDS = 1.0
_ZONE_FLAGS = zcl.CLUSTER_SPECIFIC | zcl.FROM_SERVER


class Body:
    """A physical device as a node's clusters see it. Without one, values only stay."""

    def __init__(self, node: Node, device: Device | None) -> None:
        """Initialize."""
        self._node = node
        self.device = device
        self._measured_at = 0.0
        self._values: dict[str, Value] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.sounding = False
        #: Endpoints of zones whose status is forced.
        self._forced: set[int] = set()
        self._sources = [
            (node.key(source.attribute, number), source)
            for number, endpoint in node.model.endpoints.items()
            for source in endpoint.sources
        ]
        self._zones: list[tuple[int, Endpoint]] = [
            (number, endpoint)
            for number, endpoint in node.model.endpoints.items()
            if endpoint.zone
        ]
        if device:
            device.report = self.changed
            device.record = self._did
            self.refresh()

    def _did(self, what: str) -> None:
        self._node.note("did", text=what)

    # How it misbehaves

    def _has(self, fault: Fault) -> bool:
        return self.device is not None and fault in self.device.faults

    @property
    def silent(self) -> bool:
        """Return if the device says nothing."""
        return self._has(Fault.SILENT)

    @property
    def ignores(self) -> bool:
        """Return if the device does nothing that it is told."""
        return self._has(Fault.IGNORES)

    @property
    def doubles(self) -> bool:
        """Return if the device says everything twice."""
        return self._has(Fault.DUPLICATE)

    # From the device to the host

    def step(self, seconds: float) -> None:
        """Let time pass, measure now and then, and report what is due."""
        if self.device is None:
            return
        self.device.step(seconds)
        if time.monotonic() - self._measured_at >= MEASURE_SECONDS:
            self.refresh()
            self._node.reporting.send_due()
        if self.device.is_due() and self._node.model.points:
            self.report_points(tuya.REPORT)

    def changed(self) -> None:
        """Tell at once what has changed."""
        self.refresh()
        if self._node.joined:
            self._node.reporting.send_due()
            if self._node.model.points:
                self.report_points(tuya.REPORT)

    def refresh(self) -> None:
        """Measure, and put the readings into attributes."""
        if self.device is None:
            return
        self._measured_at = time.monotonic()
        self._values = self.device.readings()
        for key, source in self._sources:
            self._node.attributes[key] = self._attribute(key, source)
        for number, endpoint in self._zones:
            self._update_zone(number, endpoint)

    def _attribute(self, key: tuple[int, int, int], source: Source) -> Any:
        value = self._values[source.reading]
        if source.words is not None:
            return source.words.get(str(value), 0)
        name = self._node.kinds[key].type.name
        if name == "float":
            return float(value) * source.factor
        if name == "bool":
            return int(bool(value))
        return _fitting(round(float(value) * source.factor), name)

    def _update_zone(self, number: int, endpoint: Endpoint) -> None:
        bits = sum(
            bit for reading, bit in endpoint.zone.items() if self._values.get(reading)
        )
        battery = self._values.get("battery")
        if battery is not None and float(battery) < LOW_BATTERY:
            bits |= BATTERY_LOW
        if number not in self._forced:
            self._put_zone(number, bits)

    def set_zone(self, bits: int, number: int = 1, *, delay: int = 0) -> None:
        """Force a zone's status, whatever is measured, until it is released.

        `delay` is how long ago it changed, in quarters of a second.
        """
        self._forced.add(number)
        self._put_zone(number, bits, delay)

    def release_zones(self) -> None:
        """Let zones follow what is measured again."""
        self._forced.clear()

    def _put_zone(self, number: int, bits: int, delay: int = 0) -> None:
        # A change is told, another measurement is not (ZCL 8.2.2.4.1).
        key = (number, IAS_ZONE, STATUS)
        if self._node.attributes[key] == bits:
            return
        self._node.attributes[key] = bits
        self._tell_zone(number, delay)

    def _tell_zone(self, number: int, delay: int = 0) -> None:
        attributes = self._node.attributes
        enrolled = attributes[number, IAS_ZONE, STATE] == ENROLLED
        if not (enrolled and self._node.joined):
            return
        bits = attributes[number, IAS_ZONE, STATUS]
        self._node.note("sent", number, IAS_ZONE, STATUS_CHANGED, bits.to_bytes(2))
        body = bits.to_bytes(2, "little") + b"\0"
        body += bytes((attributes[number, IAS_ZONE, ZONE_ID],))
        self._send_zone(number, STATUS_CHANGED, body + delay.to_bytes(2, "little"))

    def _send_zone(self, number: int, command: int, body: bytes) -> None:
        header = zcl.Header(_ZONE_FLAGS, self._node.next_sequence(), command)
        self._node.send(number, IAS_ZONE, header.write() + body)

    def enrolled(self) -> None:
        """Tell the status once the zone has been enrolled."""
        for number, _ in self._zones:
            if self._node.attributes[number, IAS_ZONE, STATUS]:
                self._tell_zone(number)

    def written(self, endpoint: int, cluster: int, attribute: int) -> None:
        """Take notice of an attribute that the host has written."""
        if (cluster, attribute) == (IAS_ZONE, CIE):
            kind = self._node.attributes[endpoint, IAS_ZONE, 0x0001]
            code = self._node.model.manufacturer_code
            self._send_zone(
                endpoint,
                ENROL_REQUEST,
                kind.to_bytes(2, "little") + code.to_bytes(2, "little"),
            )

    def report_points(self, command: int) -> None:
        """Send all Tuya data points."""
        if self.device is None or not self._node.joined:
            return
        self._values = self.device.readings()
        body = b""
        for point in self._node.model.points:
            piece = tuya.encode(point, self._values.get(point.reading))
            if len(body) + len(piece) > 64:
                tuya.send(self._node, command, body)
                body = b""
            body += piece
        tuya.send(self._node, command, body)

    # From the host to the device

    def assign(self, endpoint: int, path: str, value: Value) -> None:
        """Change an attribute that no device stands behind, and report it."""
        key = self._node.key(path, endpoint)
        self._node.attributes[key] = value
        self._node.reporting.send_due()

    def sound(self, on: bool) -> None:
        """Start or stop the siren."""
        if self.sounding != on:
            self.sounding = on
            self._did("siren started" if on else "siren stopped")

    def do(self, key: str, value: Value, answer: Callable[[int], None]) -> None:
        """Let the device do something, and answer with a ZCL status."""
        if self._has(Fault.LATE):
            task = asyncio.get_running_loop().create_task(
                self._do_late(key, value, answer)
            )
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            return
        self._do(key, value, answer)

    async def _do_late(
        self, key: str, value: Value, answer: Callable[[int], None]
    ) -> None:
        await asyncio.sleep(LATE_SECONDS)
        self._do(key, value, answer)

    def _do(self, key: str, value: Value, answer: Callable[[int], None]) -> None:
        if self.device is None or self.ignores:
            if self.device is None:
                answer(zcl.SUCCESS)
            return
        try:
            self.device.set(key, value, {})
        except RefusedError:
            answer(zcl.FAILURE)
            return
        answer(zcl.SUCCESS)


#: Limits of number types that readings may leave.
_LIMITS = {
    "u8": (0, 254),
    "u16": (0, 0xFFFE),
    "u48": (0, 0xFFFFFFFFFFFE),
    "i16": (-0x7FFF, 0x7FFF),
    "i32": (-0x7FFFFFFF, 0x7FFFFFFF),
}


def _fitting(number: int, name: str) -> int:
    least, most = _LIMITS.get(name, (0, 0xFF))
    return min(max(number, least), most)
