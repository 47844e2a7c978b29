"""Our own JSON protocol for gateways and firmware, whatever carries it: docs/protocol.md."""

from abc import abstractmethod
from collections.abc import Callable, Collection
from contextlib import suppress
from functools import cache
import json
from pathlib import Path
import re
import time
from typing import Any, override

import fastjsonschema

from homeassistant.core import callback

from ..catalogue import DEVICE_KINDS
from ..catalogue.measurements import Value, parse_point
from ..const import PROTOCOL_VERSION
from ..core.device import DERIVED, DeviceDescription, Power, SafetyDevice
from .base import CommandError, Gateway, Problem
from .messages import MOST_DEVICES, decode

UNSUPPORTED_VERSION = "unsupported_version"
SCHEMA = Path(__file__).parent / "mqtt/protocol.schema.json"
#: A message that is older than the newest one by less than this came out of order, if the
#: newest one came just now. Otherwise it is in doubt: it comes late, or the device's clock
#: was set back, and to go on dropping its messages could hide a fire.
REORDERED_SECONDS = 60
JUST_NOW_SECONDS = 10
REMEMBERED_IDS = 16
SNAPSHOT_BYTES = 512 * 1024
MOST_EARLY = 2 * MOST_DEVICES
#: As the schema has it.
MOST_READINGS = 400
#: The level of the topic that names a device; it becomes part of unique ids.
DEVICE_ID = re.compile(r"[A-Za-z0-9_.:-]{1,64}")


@cache
def validators() -> dict[str, Callable[[Any], Any]]:
    """Compile the protocol's schema, once per process; it takes some milliseconds."""
    schema = json.loads(SCHEMA.read_text("utf-8"))
    return {
        name: fastjsonschema.compile(
            {**schema, "$ref": f"#/definitions/{name}"}, use_default=False
        )
        for name in (
            "gateway",
            "status",
            "config",
            "state",
            "availability",
            "passage",
            "result",
        )
    }


class _Order:
    """Tells what of a device's messages is repeated, and what was overtaken."""

    __slots__ = (
        "back",
        "came",
        "config",
        "given",
        "is_doubtful",
        "newest",
        "payloads",
        "recent",
    )

    def __init__(self, told: float = 0.0) -> None:
        """Initialize, with the time of what an earlier run has heard."""
        #: Hashes of the last messages, which are much smaller: of ids with their times,
        #: for after a restart a device may count anew, and of the whole.
        self.recent: tuple[int, ...] = ()
        self.payloads: tuple[int, ...] = ()
        self.newest = told
        self.came = 0.0
        #: The time of the newest message that says what it is.
        self.config = told
        #: The first of those that may follow a clock that was set back: its time, and when
        #: it came.
        self.back: tuple[float, float] | None = None
        #: If the last one may be history: it may raise an alarm, and end none.
        self.is_doubtful = False
        #: The time of each reading's newest value.
        self.given: dict[str, float] = {}

    def late(self, message: dict[str, Any], payload: bytes) -> Collection[str] | None:
        """Return the readings of a message that a newer one has given.

        None for a message that has come already, in the same words.
        """
        at, values = message["time"], message["values"]
        self.is_doubtful = False
        this, whole = hash((message["id"], at)), hash(payload)
        is_known = this in self.recent
        if is_known and whole in self.payloads:
            return None
        self.recent = (*self.recent[1 - REMEMBERED_IDS :], this)
        self.payloads = (*self.payloads[1 - REMEMBERED_IDS :], whole)
        if is_known:
            return tuple(values)
        now = time.monotonic()
        given = self.given
        # Of messages that follow one in doubt, none was overtaken by one before it.
        is_after = self.back is not None and at >= self.back[0]
        if (
            0 < self.newest - at < REORDERED_SECONDS
            and now - self.came < JUST_NOW_SECONDS
            and not is_after
        ):
            late = [key for key in values if given.get(key, at) > at]
            given.update(dict.fromkeys(values.keys() - late, at))
            return late
        self.is_doubtful = at < self.newest and not self._was_set_back(at, now)
        if self.is_doubtful:
            if not is_after:
                self.back = (at, now)
            return ()
        if at < self.newest:
            given.clear()
            self.config = 0.0
        self.newest, self.came, self.back = at, now, None
        given.update(dict.fromkeys(values, at))
        return ()

    def _was_set_back(self, at: float, now: float) -> bool:
        """Return if the device's clock goes on from an earlier time.

        Then it goes as fast as ours. What a device has kept while it had no connection
        comes faster than it was measured.
        """
        if self.back is None:
            return False
        then, came = self.back
        return (
            now - came >= JUST_NOW_SECONDS
            and abs((at - then) - (now - came)) <= JUST_NOW_SECONDS
        )


class ProtocolGateway(Gateway):
    """Takes the messages of the protocol, which a subclass brings here.

    With `read_only` nothing can be sent to its devices: what could be commanded is left out.
    `in_order` says if messages come as they were sent: of several `config` the last counts.
    """

    read_only = False
    in_order = True

    def __init__(self, *args: Any) -> None:
        """Initialize."""
        super().__init__(*args)
        self._validate: dict[str, Callable[[Any], Any]] = {}
        self._orders: dict[str, _Order] = {}
        #: Latest state and availability of devices that have not told what they are.
        self._early: dict[tuple[str, str], tuple[dict[str, Any], bytes]] = {}

    @override
    async def async_start(self) -> None:
        self._validate = await self.hass.async_add_executor_job(validators)

    @callback
    def take_message(
        self, device_id: str, kind: str, payload: bytes, *, retained: bool
    ) -> None:
        """Take a message of a device, or of the gateway itself. Raises ValueError."""
        try:
            message = decode(payload)
        except ValueError:
            if kind == "state":
                self.take_refused(device_id)
            raise
        self.take_object(device_id, kind, message, payload, retained=retained)

    @callback
    def take_object(
        self,
        device_id: str,
        kind: str,
        message: Any,
        payload: bytes,
        *,
        retained: bool,
    ) -> None:
        """Take a message that came in `payload`. Raises ValueError."""
        if (device_id, kind) == ("", "gateway"):
            self._check_version(message)
        try:
            self._validate[kind](self._unfamiliar(device_id, kind, message))
        except fastjsonschema.JsonSchemaValueException as err:
            if kind == "state":
                self.take_refused(device_id, message)
            # The field, never the content: what a device sends is not ours to log.
            field = err.path[1] if len(err.path) > 1 else "message"
            raise ValueError(f"{kind}: {field} is not valid") from err
        match kind:
            case "status":
                self.take_status(message["online"])
            case "gateway":
                self._describe(message)
            case "config":
                self._config(device_id, message)
            case "result":
                self.take_result(device_id, message)
            case "passage":
                if retained or not (device := self.devices.get(device_id)):
                    raise ValueError("passage: retained, or of an unknown device")
                self.take_passage(device, message)
            case _:
                if device := self.devices.get(device_id):
                    self._take(device, kind, message, payload, retained=retained)
                elif DEVICE_ID.fullmatch(device_id):
                    self._keep(device_id, kind, message, payload)

    def _keep(
        self, device_id: str, kind: str, message: dict[str, Any], payload: bytes
    ) -> None:
        """Keep what a device says before it tells what it is.

        What a state leaves out is unchanged: a fire is not gone with the next battery report.
        """
        known = self._early.get((device_id, kind))
        if known is None and len(self._early) >= MOST_EARLY:
            return
        if known and kind == "state":
            values = {**known[0]["values"], **message["values"]}
            if len(values) <= MOST_READINGS:
                message = {**message, "values": values}
        self._early[device_id, kind] = (message, payload)

    @callback
    def take_refused(self, device_id: str, message: Any = None) -> None:
        """Take a state that is refused: it may tell of a fire, and that is seen.

        Of its values those that can be read raise what they show, and end nothing: it may be
        of any time. What else could be a danger is unknown, and a fault of the sensor.
        """
        if not (device := self.devices.get(device_id)):
            return
        values: dict[str, Value] = {}
        raw = message.get("values") if isinstance(message, dict) else None
        # In another version it may have another meaning.
        if isinstance(raw, dict) and message.get("version") == PROTOCOL_VERSION:
            for key, value in raw.items():
                if point := device.layout.reportable.get(key):
                    with suppress(ValueError):
                        values[key] = point.measurement.parse(value)
        device.update(values, fresh=False, unusable=device.layout.dangers)

    @abstractmethod
    def take_status(self, online: bool) -> None:
        """Take what the gateway says of being there."""

    @abstractmethod
    def take_result(self, device_id: str, message: dict[str, Any]) -> None:
        """Take what a command came to."""

    def take_passage(self, device: SafetyDevice, message: dict[str, Any]) -> None:
        """Take that somebody came, where what carries the messages brings that."""

    def forget_early(self, device_id: str, kind: str) -> None:
        """Forget what a device has said that is not known yet."""
        self._early.pop((device_id, kind), None)

    @override
    @callback
    def add_device(self, description: DeviceDescription) -> SafetyDevice:
        device = super().add_device(description)
        for early in ("state", "availability"):
            if waiting := self._early.pop((description.id, early), None):
                # It is some time ago, however it came; and fresh if it comes once more.
                self._take(device, early, *waiting, retained=True)
                self._orders.pop(description.id, None)
        return device

    @override
    @callback
    def remove_device(self, device_id: str) -> None:
        super().remove_device(device_id)
        self._orders.pop(device_id, None)

    def _unfamiliar(self, device_id: str, kind: str, message: Any) -> Any:
        """Return what of a message the schema must look at.

        Of a thousand readings a second, nearly all are under names that the device has told
        before: to look at them was half of a message's cost. A value that is none of theirs
        makes that reading unknown, and takes no other with it.
        """
        if (
            kind != "state"
            or not (device := self.devices.get(device_id))
            or not isinstance(message, dict)
            or not isinstance(values := message.get("values"), dict)
        ):
            return message
        familiar = device.layout.reportable
        return {
            **message,
            "values": {
                key: value for key, value in values.items() if key not in familiar
            },
        }

    def parse(
        self, device: SafetyDevice, raw: dict[str, Any]
    ) -> tuple[dict[str, Value], list[str]]:
        """Return the values that a device knows, and the keys of those that are none."""
        values: dict[str, Value] = {}
        unusable: list[str] = []
        # What we find out about a device is not for the device to say.
        reportable = device.layout.reportable
        for key, value in raw.items():
            if (point := reportable.get(key)) is None:
                continue
            if type(value) is float and point.is_number:
                # JSON has no infinity and no NaN: most readings need no second look.
                values[key] = value
                continue
            try:
                values[key] = point.measurement.parse(value)
            except ValueError as err:
                unusable.append(key)
                self.refuse(device.description.id, str(err))
        return values, unusable

    def _check_version(self, message: Any) -> None:
        """Tell a person that this gateway needs another version of us, or we of it."""
        version = message.get("version") if isinstance(message, dict) else None
        if version == PROTOCOL_VERSION:
            self.end_problem(UNSUPPORTED_VERSION)
        elif isinstance(version, int):
            self.add_problem(
                Problem(key=UNSUPPORTED_VERSION, placeholders={"version": str(version)})
            )

    def _describe(self, message: dict[str, Any]) -> None:
        self.describe(
            DeviceDescription(
                id="",
                kind="gateway",
                name=message["name"],
                points=self.points,
                manufacturer=message.get("manufacturer"),
                model=message.get("model"),
                firmware=message.get("firmware"),
                serial=message.get("serial"),
            )
        )

    def _config(self, device_id: str, message: dict[str, Any]) -> None:
        if not DEVICE_ID.fullmatch(device_id):
            raise ValueError("config: the device's id is not valid")
        if device_id not in self.devices and len(self.devices) >= MOST_DEVICES:
            raise ValueError("too many devices")
        if not self.in_order and message["time"] < self._order(device_id).config:
            self.discarded["out of order"] += 1
            return
        kind = DEVICE_KINDS[message["kind"]]
        points = set()
        for key in message["readings"]:
            try:
                point = parse_point(key)
            except ValueError:
                # A later version of the protocol: the rest of the device is welcome.
                continue
            name = point.measurement.key
            if name in kind.measurements and name not in DERIVED:
                if not (self.read_only and point.measurement.writable):
                    points.add(key)
        if not points:
            raise ValueError("config: no reading of this kind of device")
        was_missing = device_id in self.missing
        device = self.add_device(
            DeviceDescription(
                id=device_id,
                kind=kind.key,
                name=message["name"],
                points=frozenset(points),
                commands=frozenset(
                    () if self.read_only else message.get("commands", ())
                ),
                manufacturer=message.get("manufacturer"),
                model=message.get("model"),
                firmware=message.get("firmware"),
                hardware=message.get("hardware"),
                serial=message.get("serial"),
                area=message.get("area"),
                power=Power(power) if (power := message.get("power")) else None,
                interval=message.get("interval", 0),
                told=0 if self.in_order else message["time"],
            )
        )
        if not self.in_order:
            self._orders.setdefault(device_id, _Order()).config = message["time"]
        if was_missing:
            self.set_online(device, True, fresh=False)

    def _order(self, device_id: str) -> _Order:
        """Return what is known of the order of a device's messages."""
        if (order := self._orders.get(device_id)) is None:
            device = self.devices.get(device_id)
            order = _Order(device.description.told if device else 0)
            self._orders[device_id] = order
        return order

    def _take(
        self,
        device: SafetyDevice,
        kind: str,
        message: dict[str, Any],
        payload: bytes,
        *,
        retained: bool,
    ) -> None:
        if kind == "availability":
            self.set_online(device, message["online"], fresh=not retained)
            return
        order = self._order(device.description.id)
        late = order.late(message, payload)
        if late is None:
            self.discarded["repeated"] += 1
            return
        values, unusable = self.parse(device, message["values"])
        if late:
            values = self._without(device, values, late)
        device.update(
            values, fresh=not (retained or order.is_doubtful), unusable=unusable
        )

    def _without(
        self, device: SafetyDevice, values: dict[str, Value], late: Collection[str]
    ) -> dict[str, Value]:
        """Return the values without those that newer ones have overtaken.

        A danger stays: the order is known from the device's clock alone, which may be
        wrong, and then the device is asked how things are.
        """
        dangers = {
            key
            for key in values.keys() & late
            if device.monitor.would_raise(
                device.points[key].measurement.key, values[key]
            )
        }
        self.discarded["out of order"] += not dangers
        if dangers:
            self.entry.async_create_background_task(
                self.hass, self._async_ask(device), f"ask {device.uid}"
            )
        return {
            key: value
            for key, value in values.items()
            if key not in late or key in dangers
        }

    async def _async_ask(self, device: SafetyDevice) -> None:
        with suppress(CommandError):
            await self.async_refresh(device, ())

    def take_snapshot(self, device_id: str, payload: bytes) -> None:
        """Take a picture of a device. Raises ValueError for what is none."""
        if not (device := self.devices.get(device_id)):
            return
        if not payload.startswith(b"\xff\xd8") or len(payload) > SNAPSHOT_BYTES:
            raise ValueError("snapshot: no JPEG, or too large")
        device.set_snapshot(payload)
