"""A gateway that speaks our own protocol, as docs/protocol.md describes it."""

import time
from typing import Any, override
import uuid

from .device import Device, Fault, RefusedError
from .gateway import Gateway

VERSION = 1


def head() -> dict[str, Any]:
    """Return what every message begins with."""
    return {"version": VERSION, "id": uuid.uuid4().hex, "time": time.time()}


def config_message(device: Device) -> dict[str, Any]:
    """Return what a device says of itself."""
    return {
        **head(),
        "kind": device.kind,
        "name": device.name,
        "readings": list(device.readings()),
        "commands": list(device.commands),
        "manufacturer": device.manufacturer,
        "model": device.model,
        "firmware": "1.4.2",
        "serial": f"XQ-{uuid.uuid5(uuid.NAMESPACE_OID, device.id).hex[:8].upper()}",
        "area": device.area,
        "power": "battery" if device.battery_powered else "mains",
        "interval": device.interval,
    }


def state_message(device: Device) -> dict[str, Any]:
    """Return what a device reports now."""
    return {**head(), "values": device.readings()}


class NativeGateway(Gateway):
    """Its topics: `<base>/gateway`, `<base>/status`, `<base>/<device>/…`."""

    @override
    def will(self) -> tuple[str, dict[str, Any]]:
        return self.topic("status"), {"version": VERSION, "online": False}

    @override
    def subscriptions(self) -> tuple[str, ...]:
        return tuple(self.topic("+", name) for name in ("set", "get", "credentials"))

    @override
    def announce(self) -> None:
        self._publish(
            "gateway",
            {
                **head(),
                "name": self.name,
                "manufacturer": Device.manufacturer,
                "model": "GW-100",
                "firmware": "2.0.1",
            },
        )
        for device in self.devices.values():
            self._publish(f"{device.id}/config", config_message(device))
            self._publish(
                f"{device.id}/availability",
                {"version": VERSION, "online": Fault.SILENT not in device.faults},
            )
            if Fault.SILENT not in device.faults:
                self.publish_state(device)
        self._publish("status", {"version": VERSION, "online": True})
        # What came before "online" was retained, perhaps: now it is fresh.
        for device in self.devices.values():
            device.next_report = 0

    @override
    def publish_state(self, device: Device) -> None:
        message = state_message(device)
        self._publish(f"{device.id}/state", message)
        if Fault.DUPLICATE in device.faults:
            self._publish(f"{device.id}/state", message)

    @override
    def receive(self, device_id: str, kind: str, message: dict[str, Any]) -> None:
        device = self.devices[device_id]
        if kind == "get":
            self._report(device)
            return

        def answer(reason: str | None, **more: Any) -> None:
            result = {
                "version": VERSION,
                "id": message["id"],
                "ok": reason is None,
                **more,
            }
            if reason:
                result["reason"] = reason
            self.link.publish(self.topic(device_id, "result"), result)

        if kind == "credentials":
            if not device.faults & {Fault.IGNORES, Fault.SILENT}:
                try:
                    answer(None, **device.order_list(message))
                except RefusedError as err:
                    answer(str(err))
            return
        options = {key: message[key] for key in ("longest_hold",) if key in message}
        for key, value in message["set"].items():
            self.obey(device, key, value, options, answer)

    @override
    def tell_passage(self, device: Device, passage: dict[str, Any]) -> None:
        if Fault.SILENT not in device.faults:
            self.link.publish(self.topic(device.id, "passage"), {**head(), **passage})

    def _publish(self, topic: str, message: dict[str, Any]) -> None:
        self.link.publish(self.topic(topic), message, retain=True)
