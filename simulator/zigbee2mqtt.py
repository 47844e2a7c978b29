"""A gateway that speaks as Zigbee2MQTT 2.x does, with exposes of real models.

`zigbee2mqtt_models.json` holds the definitions as zigbee-herdsman-converters gives
them. What it does is what the real program does: tests/real_zigbee2mqtt/test_contract.py
runs against both, and says what the simulator does not have.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
import json
from pathlib import Path
import re
import time
from typing import Any, override
import uuid

from .device import LATE_SECONDS, Device, Fault, RefusedError, Value
from .gateway import Gateway

LINK_QUALITY = {
    "access": 1,
    "category": "diagnostic",
    "description": "Link quality (signal strength)",
    "label": "Linkquality",
    "name": "linkquality",
    "property": "linkquality",
    "type": "numeric",
    "unit": "lqi",
    "value_max": 255,
    "value_min": 0,
}


@cache
def definitions() -> dict[str, dict[str, Any]]:
    """Return definitions of models by their names."""
    text = Path(__file__).with_name("zigbee2mqtt_models.json").read_text("utf-8")
    return {row["model"]: row for row in json.loads(text)["models"]}


#: Seconds between two times that the cache is saved, until a device's answer is given up, and
#: until it is known that nobody has taken a message.
SAVE_SECONDS = 300
TIMEOUT_SECONDS = 10
DELIVERY_SECONDS = 0.2
STARTED = "Zigbee2MQTT started!"
#: What one IAS zone status says at once; every other attribute is a report of its own.
ZONE_STATUS = frozenset(
    {
        "ac_status",
        "battery_defect",
        "battery_low",
        "restore_reports",
        "smoke",
        "supervision_reports",
        "tamper",
        "test",
        "trouble",
    }
)
GETTABLE = 4

#: What a configuration says that says nothing.
DEFAULTS: dict[str, Any] = {
    "advanced": {
        "cache_state": True,
        "cache_state_persistent": True,
        "cache_state_send_on_startup": True,
        "last_seen": "disable",
        "output": "json",
    },
    "availability": {"enabled": True},
    "device_options": {},
    "devices": {},
}
#: What docs/zigbee2mqtt.md recommends.
RECOMMENDED: dict[str, Any] = {
    "advanced": {"last_seen": "ISO_8601"},
    "device_options": {"retain": True},
}


@cache
def gettable(model: str) -> frozenset[str]:
    """Return the properties of a model that can be read."""
    return frozenset(
        feature["property"]
        for item in definitions()[model]["exposes"]
        for feature in ([item] if "property" in item else item["features"])
        if feature["access"] & GETTABLE
    )


@dataclass(frozen=True, slots=True)
class Translation:
    """How a simulated device looks through one model."""

    state: Callable[[dict[str, Value]], dict[str, Any]]
    #: From a property that is set to what the device is told; None is ignored.
    command: Callable[[str, Any], tuple[str, Value] | None] = lambda _key, _value: None


def _heiman(values: dict[str, Value]) -> dict[str, Any]:
    return {
        **dict.fromkeys(ZONE_STATUS, False),
        "smoke": values["smoke"],
        "tamper": values["tamper"],
        "test": values["test"],
        "battery": values["battery"],
    }


def _aqara(values: dict[str, Value]) -> dict[str, Any]:
    return {
        "smoke": values["smoke"],
        "smoke_density": min(10, round(float(values["smoke_density"]))),
        "test": values["test"],
        "battery": values["battery"],
        "buzzer_manual_mute": False,
    }


def _aqara_command(key: str, value: Any) -> tuple[str, Value] | None:
    if key == "selftest":
        return "self_test", True
    if key == "buzzer" and value == "mute":
        return "silence", True
    return None


def _meter(values: dict[str, Value]) -> dict[str, Any]:
    return {
        "state": "ON" if values["supply"] else "OFF",
        "power": values["power"],
        "current": values["current"],
        "voltage": round(float(values["voltage"])),
        "energy": round(float(values["energy"]), 2),
    }


def _rcbo(values: dict[str, Value]) -> dict[str, Any]:
    return {
        **_meter(values),
        "temperature": values["conductor_temperature"],
        "event": "normal",
    }


def _switch_command(key: str, value: Any) -> tuple[str, Value] | None:
    return ("supply", value == "ON") if key == "state" else None


TRANSLATIONS = {
    "HS1SA-E": Translation(_heiman),
    "JY-GZ-01AQ": Translation(_aqara, _aqara_command),
    "TS011F_din_smart_relay": Translation(_meter, _switch_command),
    "TOWSMR1": Translation(_rcbo, _switch_command),
}


@dataclass
class Disk:
    """What outlives the program: configuration, database, and the states that it has saved."""

    config: dict[str, Any]
    #: The ids of the devices of the network.
    members: list[str]
    states: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: When each device was heard, in milliseconds since 1970.
    last_seen: dict[str, int] = field(default_factory=dict)


class RequestError(Exception):
    """A request that is answered with an error; the text says why."""


class Zigbee2Mqtt(Gateway):
    """Its topics: `<base>/bridge/…` and, by friendly name, `<base>/<device>`.

    `models` are names of models by the devices' ids, which are the friendly names until
    somebody renames them. Without a `disk` all devices have joined long before.
    """

    def __init__(
        self,
        *args: Any,
        models: Mapping[str, str],
        config: Mapping[str, Any] | None = None,
        disk: Disk | None = None,
        **more: Any,
    ) -> None:
        """Initialize; `config` is what differs from the defaults."""
        super().__init__(*args, **more)
        self._models = models
        self.disk = disk or Disk(
            _merge(deepcopy(DEFAULTS), config or {}), members=[*self.devices]
        )
        self._requests: dict[str, Callable[[dict[str, Any]], Any]] = {
            "device/options": self._set_device_options,
            "device/remove": self._remove,
            "device/rename": self._rename,
            "health_check": lambda _message: {"healthy": True},
            "options": self._set_options,
            "permit_join": self._permit_join,
            "restart": self._ask_restart,
        }
        self._started = False
        self._load()

    def _load(self) -> None:
        """Begin with what was saved."""
        self._cache = {
            name: dict(self.disk.states.get(name, {})) for name in self.devices
        }
        self._last_seen = dict(self.disk.last_seen)
        #: Of the last radio message: a start knows none.
        self._link_quality: dict[str, int] = {}
        #: What an interview has come to, of those that are not interviewed.
        self._interviews: dict[str, str] = {}
        self._permits = False
        self._saved_at = time.monotonic()

    def _save(self) -> None:
        if self._advanced["cache_state_persistent"]:
            self.disk.states = deepcopy(self._cache)
        self.disk.last_seen = dict(self._last_seen)
        self._saved_at = time.monotonic()

    @property
    def _advanced(self) -> dict[str, Any]:
        found: dict[str, Any] = self.disk.config["advanced"]
        return found

    @property
    def _members(self) -> list[Device]:
        return [self.devices[name] for name in self.disk.members]

    def _own_options(self, device: Device) -> dict[str, Any]:
        """Return the section of one device in the configuration."""
        found: dict[str, Any] = self.disk.config["devices"].setdefault(
            address(device.id), {"friendly_name": device.id}
        )
        return found

    def _options(self, device: Device) -> dict[str, Any]:
        return {**self.disk.config["device_options"], **self._own_options(device)}

    def friendly_name(self, device: Device) -> str:
        """Return the friendly name of a device."""
        return str(self._own_options(device)["friendly_name"])

    @override
    def will(self) -> tuple[str, dict[str, Any]]:
        return self.topic("bridge", "state"), {"state": "offline"}

    @override
    def subscriptions(self) -> tuple[str, ...]:
        names = ("+", "+/+")
        return (
            *(self.topic(name, kind) for name in names for kind in ("set", "get")),
            self.topic("bridge", "request", "#"),
        )

    # Its life

    @override
    def announce(self) -> None:
        self._publish("bridge/state", {"state": "online"})
        self._publish_info()
        self._publish_devices()
        self._publish("bridge/groups", [])
        self._publish("bridge/definitions", {"clusters": {}, "custom_clusters": {}})
        for device in self._members:
            self._publish_availability(device)
            device.next_report = 0
        if not self._started:
            self._started = True
            self._tell_memory()

    def _tell_memory(self) -> None:
        """Publish what was saved, as if it were news."""
        if (
            self._advanced["cache_state"]
            and self._advanced["cache_state_send_on_startup"]
        ):
            for device in self._members:
                if self._cache[device.id]:
                    self._publish_state(device, {})
        self._log(STARTED, "info")

    async def stop(self) -> None:
        """End as a service manager ends it; who only drops the link has pulled the plug."""
        self._publish("bridge/state", {"state": "offline"})
        self._save()
        await self.link.window(1)
        await self.link.stop(goodbye=True)

    async def restart(self, *, killed: bool = False) -> None:
        """Stop and start again: what was saved is published, and no device was asked."""
        self._publish("bridge/state", {"state": "offline"})
        if not killed:
            self._save()
        self._load()
        self._started = False
        self.announce()

    # What devices do

    @override
    def publish_state(self, device: Device) -> None:
        if device.id not in self.disk.members:
            return
        state = self._translation(device).state(device.readings())
        cache = self._cache[device.id]
        reports = list(_zigbee_messages(state))
        changed = [
            report
            for report in reports
            if any(cache.get(name) != value for name, value in report.items())
        ]
        # A report of what has not changed is published as well.
        for report in changed or reports[:1]:
            self.heard(device, report)

    def heard(self, device: Device, report: dict[str, Any]) -> None:
        """Take a Zigbee message that tells something."""
        self._note_radio(device)
        self._publish_state(device, report)
        if time.monotonic() - self._saved_at > SAVE_SECONDS:
            self._save()

    def heard_nothing_new(self, device: Device) -> None:
        """Take a Zigbee message that tells nothing: an acknowledgement, an announcement."""
        self._note_radio(device)
        if self._advanced["last_seen"] != "disable":
            self._publish_state(device, {})

    def _note_radio(self, device: Device) -> None:
        now = time.time_ns() // 1_000_000
        # No radio has two messages in one millisecond.
        before = self._last_seen.get(device.id, 0)
        self._last_seen[device.id] = max(now, before + 1)
        self._link_quality[device.id] = int(device.noisy(120, 8, 0))

    def join(self, device: Device) -> None:
        """Let a device join, be interviewed and configured, if joining is permitted."""
        if not self._permits:
            return
        if device.id not in self.disk.members:
            self.disk.members.append(device.id)
        ieee = address(device.id)
        self.disk.config["devices"].setdefault(ieee, {"friendly_name": ieee})
        self._note_radio(device)
        self._interviews[device.id] = "IN_PROGRESS"
        self._publish_availability(device)
        self._publish_devices()
        self._event("device_joined", device)
        self._publish_devices()
        self._event("device_interview", device, status="started")
        self.announced(device)
        del self._interviews[device.id]
        self._publish_devices()
        self._event(
            "device_interview",
            device,
            status="successful",
            supported=True,
            definition=self._definition(device),
        )
        # A zone tells its status when that changes.
        for report in _zigbee_messages(
            self._translation(device).state(device.readings())
        ):
            if ZONE_STATUS.isdisjoint(report):
                self.heard(device, report)
        self._publish_devices()
        self._log(f"Successfully configured '{self.friendly_name(device)}'", "info")

    def announced(self, device: Device) -> None:
        """Take that a device tells its address: it had no power, or another parent."""
        self.heard_nothing_new(device)
        self._publish_devices()
        self._event("device_announce", device)

    def leave(self, device: Device) -> None:
        """Take that a device has left by itself; what was retained of it stays."""
        self.disk.members.remove(device.id)
        self._publish_devices()
        self._publish("bridge/definitions", {"clusters": {}, "custom_clusters": {}})
        self._event("device_leave", device)

    # What it is told

    @override
    def _receive(self, topic: str, message: Any) -> None:
        rest = topic[len(self.base) + 1 :]
        if rest.startswith("bridge/request/"):
            self._do(self._answer(rest.removeprefix("bridge/request/"), message))
            return
        name, _, kind = rest.rpartition("/")
        try:
            device = self._named(name)
        except RequestError:
            self._log(f"Entity '{name}' is unknown", "error")
            return
        if isinstance(message, dict):
            self.receive(device.id, kind, message)

    @override
    def receive(self, device_id: str, kind: str, message: dict[str, Any]) -> None:
        device = self.devices[device_id]
        self._do(
            self._read(device, message)
            if kind == "get"
            else self._command(device, message)
        )

    def _do(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _named(self, name: Any) -> Device:
        """Return a device by its friendly name or its address. Raises RequestError."""
        for device in self._members:
            if name in (self.friendly_name(device), address(device.id)):
                return device
        raise RequestError(f"Device '{name}' does not exist")

    async def _read(self, device: Device, message: dict[str, Any]) -> None:
        """Read each property by itself: each answer is a message."""
        for name, value in message.items():
            if name not in gettable(self._models[device.id]):
                self._log_missing(device, name, value)
            elif reason := await self._unanswered(device, {Fault.SILENT}):
                self._log_failure("get", name, device, reason)
            else:
                state = self._translation(device).state(device.readings())
                self.heard(device, {name: state[name]})

    async def _command(self, device: Device, message: dict[str, Any]) -> None:
        """Publish the commands that a device has acknowledged as if they were obeyed."""
        options = self._options(device)
        hopes: dict[str, Any] = {}
        for name, value in message.items():
            if not (command := self._translation(device).command(name, value)):
                self._log_missing(device, name, value)
                continue
            reason = await self._unanswered(device, {Fault.SILENT, Fault.IGNORES})
            if Fault.LATE in device.faults:
                await asyncio.sleep(LATE_SECONDS)
            try:
                if not reason:
                    # It acknowledges what it has understood; that it is done comes later.
                    device.set(*command, {})
            except RefusedError as err:
                reason = f"Error: Status '{err}'"
            if reason:
                self._log_failure("set", name, device, reason)
                continue
            self.heard_nothing_new(device)
            if options.get("optimistic", True) and not _is_filtered(
                options.get("filtered_optimistic"), name
            ):
                hopes[name] = value
        if hopes:
            self._publish_state(device, hopes)

    @staticmethod
    async def _unanswered(device: Device, faults: set[Fault]) -> str | None:
        """Return why a device does not answer, once that is known; None if it does."""
        if not (found := faults & device.faults):
            return None
        if Fault.SILENT in found:
            await asyncio.sleep(DELIVERY_SECONDS)
            return f"Error: Delivery failed for '{address(device.id)}'"
        await asyncio.sleep(TIMEOUT_SECONDS)
        return f"Error: timed out after {TIMEOUT_SECONDS * 1000}ms"

    # Requests

    async def _answer(self, what: str, message: Any) -> None:
        if not (request := self._requests.get(what)):
            return
        row = message if isinstance(message, dict) else {}
        response: dict[str, Any]
        try:
            data = request(row)
            if asyncio.iscoroutine(data):
                data = await data
        except RequestError as err:
            self._log(f"Request '{what}' failed with error: '{err}'", "error")
            response = {"data": {}, "status": "error", "error": str(err)}
        else:
            response = {"data": data, "status": "ok"}
        if "transaction" in row:
            response["transaction"] = row["transaction"]
        self.link.publish(self.topic("bridge", "response", what), response)
        if what == "restart":
            await self.restart()

    @staticmethod
    def _ask_restart(_message: dict[str, Any]) -> dict[str, Any]:
        return {}

    def _permit_join(self, message: dict[str, Any]) -> dict[str, Any]:
        self._permits = bool(message.get("time"))
        self._publish_info()
        return {"time": message.get("time")}

    def _set_options(self, message: dict[str, Any]) -> dict[str, Any]:
        if not isinstance(message.get("options"), dict):
            raise RequestError("Invalid payload")
        _merge(self.disk.config, message["options"])
        self._publish_info()
        return {"restart_required": False}

    def _set_device_options(self, message: dict[str, Any]) -> dict[str, Any]:
        device = self._named(message.get("id"))
        own = self._own_options(device)
        before = dict(own)
        _merge(own, message["options"])
        self._publish_info()
        return {
            "from": before,
            "to": dict(own),
            "id": message["id"],
            "restart_required": False,
        }

    def _rename(self, message: dict[str, Any]) -> dict[str, Any]:
        device = self._named(message.get("from"))
        before = self.friendly_name(device)
        self._empty(before)
        self._own_options(device)["friendly_name"] = message["to"]
        self._publish_devices()
        self._publish_info()
        self._empty(f"{before}/availability")
        self._publish_availability(device)
        self._publish_state(device, {})
        return {"from": before, "to": message["to"], "homeassistant_rename": False}

    async def _remove(self, message: dict[str, Any]) -> dict[str, Any]:
        device = self._named(message.get("id"))
        name = self.friendly_name(device)
        if not message.get("force") and (
            reason := await self._unanswered(device, {Fault.SILENT})
        ):
            raise RequestError(f"Failed to remove device '{name}' ({reason})")
        self.disk.members.remove(device.id)
        self.disk.config["devices"].pop(address(device.id), None)
        self._cache[device.id] = {}
        self._empty(name)
        self._publish("bridge/groups", [])
        self._publish_devices()
        self._publish("bridge/definitions", {"clusters": {}, "custom_clusters": {}})
        return {"id": message["id"], "block": False, "force": False}

    # What it publishes

    def _publish_state(self, device: Device, payload: dict[str, Any]) -> None:
        """Publish what is remembered, with what is new."""
        options = self._options(device)
        everything = self._cache[device.id] | payload
        self._cache[device.id] = {
            name: value
            for name, value in everything.items()
            if not _is_filtered(options.get("filtered_cache"), name)
        }
        message = everything if self._advanced["cache_state"] else dict(payload)
        if (at := self._last_seen.get(device.id)) is not None:
            message |= _last_seen(at, self._advanced["last_seen"])
        if device.id in self._link_quality:
            message["linkquality"] = self._link_quality[device.id]
        if message:
            self.link.publish(
                self.topic(self.friendly_name(device)),
                dict(sorted(message.items())),
                qos=0,
                retain=bool(options.get("retain")),
            )

    def _publish_availability(self, device: Device) -> None:
        self._publish(f"{self.friendly_name(device)}/availability", {"state": "online"})

    def _publish_info(self) -> None:
        self._publish("bridge/info", self._info())

    def _publish_devices(self) -> None:
        self._publish(
            "bridge/devices",
            [self._coordinator(), *map(self._describe, self._members)],
        )

    def _event(self, kind: str, device: Device, **data: Any) -> None:
        who = {
            "friendly_name": self.friendly_name(device),
            "ieee_address": address(device.id),
        }
        self.link.publish(
            self.topic("bridge", "event"), {"type": kind, "data": who | data}, qos=0
        )

    def _log(self, text: str, level: str) -> None:
        message = {"level": level, "message": f"z2m: {text}", "namespace": "z2m"}
        self.link.publish(self.topic("bridge", "logging"), message, qos=0)

    def _log_missing(self, device: Device, name: str, value: Any) -> None:
        self._log(
            f"No converter available for '{name}' on '{self.friendly_name(device)}': "
            f"({json.dumps(value)})",
            "error",
        )

    def _log_failure(self, verb: str, name: str, device: Device, reason: str) -> None:
        self._log(
            f"Publish '{verb}' '{name}' to '{self.friendly_name(device)}' failed: '{reason}'",
            "error",
        )

    def _translation(self, device: Device) -> Translation:
        return TRANSLATIONS[self._models[device.id]]

    def _publish(self, topic: str, message: Any) -> None:
        self.link.publish(self.topic(*topic.split("/")), message, retain=True)

    def _empty(self, topic: str) -> None:
        """Take back what is retained."""
        self.link.publish(self.topic(topic), b"", retain=True)

    def _info(self) -> dict[str, Any]:
        return {
            "version": "2.14.1",
            "commit": "unknown",
            "coordinator": {
                "ieee_address": address("coordinator"),
                "type": "zStack3x0",
                "meta": {"revision": 20240710},
            },
            "network": {"channel": 20, "pan_id": 6754},
            "log_level": "info",
            "permit_join": self._permits,
            "restart_required": False,
            "config": {
                "version": 5,
                "mqtt": {"base_topic": self.base},
                **self.disk.config,
            },
        }

    def _coordinator(self) -> dict[str, Any]:
        return {
            "ieee_address": address("coordinator"),
            "type": "Coordinator",
            "network_address": 0,
            "supported": True,
            "friendly_name": "Coordinator",
            "disabled": False,
            "interview_completed": True,
            "interviewing": False,
            "interview_state": "SUCCESSFUL",
            "definition": None,
            "endpoints": {},
        }

    def _describe(self, device: Device) -> dict[str, Any]:
        row: dict[str, Any] = {
            "ieee_address": address(device.id),
            "type": "EndDevice" if device.battery_powered else "Router",
            "network_address": 1 + list(self.devices).index(device.id),
            "supported": True,
            "friendly_name": self.friendly_name(device),
            "disabled": False,
            "description": device.name,
            "endpoints": {"1": {"bindings": [], "configured_reportings": []}},
        }
        if state := self._interviews.get(device.id):
            return row | {
                "interview_completed": False,
                "interviewing": True,
                "interview_state": state,
            }
        definition = definitions()[self._models[device.id]]
        return row | {
            "manufacturer": definition["vendor"],
            "model_id": definition["model_id"],
            "power_source": "Battery"
            if device.battery_powered
            else "Mains (single phase)",
            "software_build_id": "1.0.5",
            "date_code": "20250114",
            "interview_completed": True,
            "interviewing": False,
            "interview_state": "SUCCESSFUL",
            "definition": self._definition(device),
        }

    def _definition(self, device: Device) -> dict[str, Any]:
        definition = definitions()[self._models[device.id]]
        return {
            "model": definition["model"],
            "vendor": definition["vendor"],
            "description": definition["description"],
            "source": "native",
            "supports_ota": False,
            "options": [],
            "exposes": [*definition["exposes"], LINK_QUALITY],
        }


def address(name: str) -> str:
    """Return the address of a device, as Zigbee2MQTT writes it."""
    return f"0x00158d{uuid.uuid5(uuid.NAMESPACE_OID, name).hex[:10]}"


def _merge(into: dict[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    for key, value in more.items():
        if isinstance(value, Mapping) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = deepcopy(value)
    return into


def _is_filtered(patterns: Iterable[str] | None, name: str) -> bool:
    return any(re.fullmatch(pattern, name) for pattern in patterns or ())


def _last_seen(milliseconds: int, how: str) -> dict[str, Any]:
    """Return when a device was heard, as the configuration wants it told."""
    at = datetime.fromtimestamp(milliseconds / 1000, UTC)
    match how:
        case "ISO_8601":
            text = at.isoformat(timespec="milliseconds")
            return {"last_seen": text.replace("+00:00", "Z")}
        case "ISO_8601_local":
            return {"last_seen": at.astimezone().isoformat(timespec="seconds")}
        case "epoch":
            return {"last_seen": milliseconds}
    return {}


def _zigbee_messages(state: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Split a state into what comes by Zigbee at once."""
    if zone := {name: state[name] for name in state if name in ZONE_STATUS}:
        yield zone
    for name, value in state.items():
        if name not in ZONE_STATUS:
            yield {name: value}
