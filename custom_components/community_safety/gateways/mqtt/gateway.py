"""Our own protocol over MQTT: docs/protocol.md."""

import asyncio
from collections.abc import Iterable
import time
from typing import Any, override

from homeassistant.core import callback
from homeassistant.util.ulid import ulid_now

from ...catalogue.measurements import Value
from ...const import PROTOCOL_VERSION
from ...core.device import SafetyDevice
from ..base import CommandError
from ..protocol import ProtocolGateway
from .base import MqttGateway

RESULT_SECONDS = 5.0


class NativeGateway(ProtocolGateway, MqttGateway):
    """A gateway, or a single device, that speaks our protocol."""

    subscriptions = (
        ("gateway", 1),
        ("status", 1),
        ("+/config", 1),
        ("+/state", 1),
        ("+/availability", 1),
        ("+/result", 1),
        ("+/snapshot", 0),
    )

    def __init__(self, *args: Any) -> None:
        """Initialize."""
        super().__init__(*args)
        #: Commands without an answer yet, by device and id.
        self._results: dict[tuple[str, str], asyncio.Future[str | None]] = {}

    @override
    async def async_start(self) -> None:
        await ProtocolGateway.async_start(self)
        await MqttGateway.async_start(self)

    @override
    @callback
    def receive(self, topic: str, payload: bytes, *, retained: bool) -> None:
        device_id, _, kind = topic.rpartition("/")
        if not payload:
            # A retained message was cleared.
            self.forget_early(device_id, kind)
            if kind == "config":
                # Whoever can write to the broker can do that: a person deletes it here.
                self.lose_device(device_id)
        elif kind == "snapshot":
            self.take_snapshot(device_id, payload)
        else:
            self.take_message(device_id, kind, payload, retained=retained)

    @override
    def take_status(self, online: bool) -> None:
        self.set_bridge_online(online)

    @override
    def take_result(self, device_id: str, message: dict[str, Any]) -> None:
        future = self._results.get((device_id, message["id"]))
        if future and not future.done():
            future.set_result(
                None if message["ok"] else message.get("reason", "refused")
            )

    @override
    async def async_set(self, device: SafetyDevice, key: str, value: Value) -> None:
        message_id = ulid_now()
        message: dict[str, Any] = {
            "version": PROTOCOL_VERSION,
            "id": message_id,
            "time": time.time(),
            "set": {key: value},
        }
        if key == "held" and value:
            # Its fail-safe: without a word from us it releases by itself.
            message["longest_hold"] = device.limit("longest_hold")
        key_of_result = (device.description.id, message_id)
        future = self._results[key_of_result] = self.hass.loop.create_future()
        try:
            async with asyncio.timeout(RESULT_SECONDS):
                await self.async_publish(
                    device, f"{device.description.id}/set", message
                )
                reason = await future
        except TimeoutError as err:
            raise CommandError(device, "no_answer", "no answer") from err
        finally:
            del self._results[key_of_result]
        if reason:
            raise CommandError(device, "refused", reason)

    @override
    async def async_refresh(self, device: SafetyDevice, keys: Iterable[str]) -> None:
        await self.async_publish(
            device,
            f"{device.description.id}/get",
            {"version": PROTOCOL_VERSION, "id": ulid_now(), "time": time.time()},
        )
