"""A gateway that speaks as Zigbee2MQTT 2.x does, with exposes of real models.

`zigbee2mqtt_models.json` holds the definitions as zigbee-herdsman-converters gives
them. Like there (tests/real_zigbee2mqtt/test_contract.py), each Zigbee message is a message
with all that is remembered; a command that was acknowledged is published as if it were
obeyed; a start publishes what was saved. State has QoS 0, and is retained, which
Zigbee2MQTT does where `device_options` say so.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
import json
from pathlib import Path
import time
from typing import Any, override
import uuid

from .device import Device, Fault, RefusedError, Value
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


#: Seconds between two times that the cache is saved, and until a device's answer is given up.
SAVE_SECONDS = 300
TIMEOUT_SECONDS = 10
#: What one IAS zone status says at once; every other attribute is a report of its own.
ZONE_STATUS = frozenset({"smoke", "tamper", "battery_low", "test"})
GETTABLE = 4


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
        "smoke": values["smoke"],
        "battery_low": False,
        "battery": values["battery"],
        "test": values["test"],
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


class Zigbee2Mqtt(Gateway):
    """Its topics: `<base>/bridge/…` and, by friendly name, `<base>/<device>`.

    `models` are names of models by the devices' ids, which are the friendly names.
    """

    def __init__(self, *args: Any, models: Mapping[str, str], **more: Any) -> None:
        """Initialize."""
        super().__init__(*args, **more)
        self._models = models
        self._cache: dict[str, dict[str, Any]] = {name: {} for name in self.devices}
        #: The cache as it is on the disk: a kill brings this back.
        self._saved: dict[str, dict[str, Any]] = {}
        self._saved_at = time.monotonic()

    @override
    def will(self) -> tuple[str, dict[str, Any]]:
        return self.topic("bridge", "state"), {"state": "offline"}

    @override
    def subscriptions(self) -> tuple[str, ...]:
        return self.topic("+", "set"), self.topic("+", "get")

    @override
    def announce(self) -> None:
        self._publish("bridge/state", {"state": "online"})
        self._publish("bridge/info", self._info())
        self._publish(
            "bridge/devices",
            [self._coordinator(), *map(self._describe, self.devices.values())],
        )
        for device in self.devices.values():
            self._publish(f"{device.id}/availability", {"state": "online"})
            device.next_report = 0

    async def restart(self, *, killed: bool = False) -> None:
        """Stop and start again: what was saved is published, and no device was asked."""
        self._publish("bridge/state", {"state": "offline"})
        if not killed:
            self._save()
        self._cache = {name: dict(self._saved.get(name, {})) for name in self.devices}
        self.announce()
        for device in self.devices.values():
            if state := self._cache[device.id]:
                self._send(device, state)

    @override
    def publish_state(self, device: Device) -> None:
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
            self._heard(device, report)

    @override
    def receive(self, device_id: str, kind: str, message: dict[str, Any]) -> None:
        device = self.devices[device_id]
        task = asyncio.get_running_loop().create_task(
            self._read(device, message)
            if kind == "get"
            else self._command(device, message)
        )
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _read(self, device: Device, message: dict[str, Any]) -> None:
        """Read each property by itself: each answer is a message."""
        for name in message:
            if name not in gettable(self._models[device.id]):
                self._log(
                    f"No converter available for '{name}' on '{device.id}': (\"\")"
                )
            elif Fault.SILENT in device.faults:
                await asyncio.sleep(TIMEOUT_SECONDS)
                self._log(_failure("get", name, device))
            else:
                state = self._translation(device).state(device.readings())
                self._heard(device, {name: state[name]})

    async def _command(self, device: Device, message: dict[str, Any]) -> None:
        """Publish each command that the device has acknowledged as if it were obeyed."""
        for name, value in message.items():
            if not (command := self._translation(device).command(name, value)):
                continue
            try:
                acknowledged = await device.command(*command, {})
            except RefusedError:
                acknowledged = False
            if acknowledged:
                self._heard(device, {name: value})
            else:
                await asyncio.sleep(TIMEOUT_SECONDS)
                self._log(_failure("set", name, device))

    def _heard(self, device: Device, report: dict[str, Any]) -> None:
        """Publish all that is remembered, with what is new."""
        cache = self._cache[device.id]
        cache.update(report)
        if time.monotonic() - self._saved_at > SAVE_SECONDS:
            self._save()
        # It is no part of the cache: a start publishes none.
        link_quality = int(device.noisy(120, 8, 0))
        self._send(device, {**cache, "linkquality": link_quality})

    def _send(self, device: Device, state: dict[str, Any]) -> None:
        self.link.publish(
            self.topic(device.id), dict(sorted(state.items())), qos=0, retain=True
        )

    def _save(self) -> None:
        self._saved = {name: dict(state) for name, state in self._cache.items()}
        self._saved_at = time.monotonic()

    def _log(self, text: str) -> None:
        message = {
            "level": "error",
            "message": f"z2m: {text}",
            "namespace": "z2m",
        }
        self.link.publish(self.topic("bridge", "logging"), message, qos=0)

    def _translation(self, device: Device) -> Translation:
        return TRANSLATIONS[self._models[device.id]]

    def _publish(self, topic: str, message: Any) -> None:
        self.link.publish(self.topic(*topic.split("/")), message, retain=True)

    def _info(self) -> dict[str, Any]:
        return {
            "version": "2.6.0",
            "commit": "unknown",
            "coordinator": {
                "ieee_address": _address("coordinator"),
                "type": "zStack3x0",
                "meta": {"revision": 20240710},
            },
            "network": {"channel": 20, "pan_id": 6754},
            "log_level": "info",
            "permit_join": False,
            "restart_required": False,
            "config": {
                "version": 4,
                "mqtt": {"base_topic": self.base},
                "availability": {"enabled": True},
                "device_options": {"retain": True},
            },
        }

    def _coordinator(self) -> dict[str, Any]:
        return {
            "ieee_address": _address("coordinator"),
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
        definition = definitions()[self._models[device.id]]
        return {
            "ieee_address": _address(device.id),
            "type": "EndDevice" if device.battery_powered else "Router",
            "network_address": 1 + list(self.devices).index(device.id),
            "supported": True,
            "friendly_name": device.id,
            "disabled": False,
            "description": device.name,
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
            "endpoints": {"1": {"bindings": [], "configured_reportings": []}},
            "definition": {
                "model": definition["model"],
                "vendor": definition["vendor"],
                "description": definition["description"],
                "source": "native",
                "supports_ota": False,
                "options": [],
                "exposes": [*definition["exposes"], LINK_QUALITY],
            },
        }


def _zigbee_messages(state: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Split a state into what comes by Zigbee at once."""
    if zone := {name: state[name] for name in state if name in ZONE_STATUS}:
        yield zone
    for name, value in state.items():
        if name not in ZONE_STATUS:
            yield {name: value}


def _failure(verb: str, name: str, device: Device) -> str:
    return (
        f"Publish '{verb}' '{name}' to '{device.id}' failed: "
        f"'Error: timed out after {TIMEOUT_SECONDS * 1000}ms'"
    )


def _address(name: str) -> str:
    return f"0x00158d{uuid.uuid5(uuid.NAMESPACE_OID, name).hex[:10]}"
