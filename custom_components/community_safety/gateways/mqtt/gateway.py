"""Our own protocol over MQTT: docs/protocol.md."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable
from datetime import datetime
import time
from typing import Any, override

from homeassistant.core import CALLBACK_TYPE, HassJob, callback
from homeassistant.helpers.event import async_call_later
from homeassistant.util.ulid import ulid_now

from ...catalogue.measurements import Value
from ...const import PROTOCOL_VERSION
from ...core.device import DeviceDescription, SafetyDevice
from ...core.ports import Credential
from ..base import CommandError, Problem
from ..messages import MOST_DEVICES
from ..over_mqtt import MqttGateway
from ..protocol import DEVICE_ID, ProtocolGateway
from . import access

RESULT_SECONDS = 5.0
#: The key of the problem that somebody speaks who has not said what it is, and seconds until
#: it is one: what is retained comes in any order.
NO_CONFIG = "device_no_config"
CONFIG_SECONDS = 60.0


class NativeGateway(ProtocolGateway, MqttGateway):
    """A gateway, or a single device, that speaks our protocol."""

    points = frozenset({"trouble"})
    subscriptions = (
        ("gateway", 1),
        ("status", 1),
        ("+/config", 1),
        ("+/state", 1),
        ("+/availability", 1),
        ("+/passage", 1),
        ("+/result", 1),
        ("+/snapshot", 0),
    )

    def __init__(self, *args: Any) -> None:
        """Initialize."""
        super().__init__(*args)
        #: Commands without an answer yet, by device and id.
        self._results: dict[tuple[str, str], asyncio.Future[dict[str, Any]]] = {}
        #: Who has spoken and is not known, and what ends the wait for their `config`.
        self._strangers: set[str] = set()
        self._end_wait: CALLBACK_TYPE | None = None

    @override
    async def async_start(self) -> None:
        self.on_unload(self._stop_waiting)
        await ProtocolGateway.async_start(self)
        self._problems_changed()
        await MqttGateway.async_start(self)

    @override
    @callback
    def receive(self, topic: str, payload: bytes, *, retained: bool) -> None:
        device_id, _, kind = topic.rpartition("/")
        if not payload:
            # A retained message was cleared.
            self.forget_early(device_id, kind)
            self._forget_stranger(device_id)
            if kind == "config":
                # Whoever can write to the broker can do that: a person deletes it here.
                self.lose_device(device_id)
        elif kind == "snapshot":
            self.take_snapshot(device_id, payload)
        else:
            try:
                self.take_message(device_id, kind, payload, retained=retained)
            finally:
                if device_id not in self.devices and kind in ("config", "state"):
                    self._meet(device_id)

    def _meet(self, device_id: str) -> None:
        """Note who speaks and is not known: what it says may be a fire, and is told nobody."""
        if (
            device_id in self._strangers
            or not DEVICE_ID.fullmatch(device_id)
            or len(self._strangers) >= MOST_DEVICES
        ):
            return
        self._strangers.add(device_id)
        if self._end_wait is None:
            self._end_wait = async_call_later(
                self.hass,
                CONFIG_SECONDS,
                HassJob(self._waited, cancel_on_shutdown=True),
            )

    @callback
    def _waited(self, _now: datetime) -> None:
        self._end_wait = None
        for device_id in self._strangers:
            if (NO_CONFIG, device_id) not in self.problems:
                self.add_problem(
                    Problem(
                        key=NO_CONFIG,
                        device_id=device_id,
                        placeholders={"device": device_id},
                    )
                )

    @callback
    def _stop_waiting(self) -> None:
        if self._end_wait:
            self._end_wait()
            self._end_wait = None

    def _forget_stranger(self, device_id: str) -> None:
        if device_id in self._strangers:
            self._strangers.discard(device_id)
            self.end_problem(NO_CONFIG, device_id)

    @override
    @callback
    def add_device(self, description: DeviceDescription) -> SafetyDevice:
        self._forget_stranger(description.id)
        return super().add_device(description)

    @override
    def take_status(self, online: bool) -> None:
        self.set_bridge_online(online)

    @override
    def take_result(self, device_id: str, message: dict[str, Any]) -> None:
        future = self._results.get((device_id, message["id"]))
        if future and not future.done():
            future.set_result(message)

    @override
    def take_passage(self, device: SafetyDevice, message: dict[str, Any]) -> None:
        self.house.passages.passed(device, access.passage(device, message))

    @override
    async def async_set(self, device: SafetyDevice, key: str, value: Value) -> None:
        message: dict[str, Any] = {"set": {key: value}}
        if key == "held" and value:
            # Its fail-safe: without a word from us it releases by itself.
            message["longest_hold"] = device.limit("longest_hold")
        await self._async_order(device, "set", message)

    async def _async_order(
        self, device: SafetyDevice, topic: str, order: dict[str, Any]
    ) -> dict[str, Any]:
        """Give an order, and return its result. Raises CommandError."""
        message_id = ulid_now()
        key_of_result = (device.description.id, message_id)
        future = self._results[key_of_result] = self.hass.loop.create_future()
        try:
            async with asyncio.timeout(RESULT_SECONDS):
                await self.async_publish(
                    device,
                    f"{device.description.id}/{topic}",
                    {
                        "version": PROTOCOL_VERSION,
                        "id": message_id,
                        "time": time.time(),
                        **order,
                    },
                )
                result: dict[str, Any] = await future
        except TimeoutError as err:
            raise CommandError(device, "no_answer", "no answer") from err
        finally:
            del self._results[key_of_result]
        if not result["ok"]:
            reason = str(result.get("reason", "refused"))
            # Its words about a list may hold a number.
            raise CommandError(device, "refused", reason if topic == "set" else topic)
        return result

    @override
    async def async_refresh(self, device: SafetyDevice, keys: Iterable[str]) -> None:
        await self.async_publish(
            device,
            f"{device.description.id}/get",
            {"version": PROTOCOL_VERSION, "id": ulid_now(), "time": time.time()},
        )

    # Credentials

    def keeps_credentials(self, device: SafetyDevice) -> bool:
        """Return if a device says that it keeps a list."""
        return access.CREDENTIALS in device.description.commands

    def can_read_credentials(self, device: SafetyDevice) -> bool:
        """Return that it can be read."""
        return True

    def as_held(self, device: SafetyDevice, credential: Credential) -> Credential:
        """Return what a device makes of a credential. Raises ServiceValidationError."""
        return access.as_held(device, credential)

    async def async_put_credential(
        self, device: SafetyDevice, credential: Credential
    ) -> None:
        """Write one. Raises HomeAssistantError."""
        held = self.as_held(device, credential)
        await self._async_order(
            device, access.CREDENTIALS, {"put": access.as_sent(held)}
        )

    async def async_remove_credential(self, device: SafetyDevice, number: str) -> None:
        """Remove one. Raises HomeAssistantError."""
        await self._async_order(device, access.CREDENTIALS, {"remove": number})

    async def async_read_credential(
        self, device: SafetyDevice, number: str
    ) -> Credential | None:
        """Return what a device has under a number. Raises HomeAssistantError."""
        result = await self._async_order(device, access.CREDENTIALS, {"read": number})
        if (rows := result.get("credentials")) is None or len(rows) > 1:
            raise CommandError(device, "refused", "it does not say what it has")
        if rows and rows[0]["number"] != number:
            raise CommandError(device, "refused", "it answers with another one")
        return access.as_read(rows[0]) if rows else None

    async def walk_credentials(
        self, device: SafetyDevice, written: Collection[str]
    ) -> AsyncIterator[Credential]:
        """Yield the whole list. Raises HomeAssistantError."""

        async def page_after(number: str) -> dict[str, Any]:
            return await self._async_order(device, access.CREDENTIALS, {"list": number})

        async for row in access.walk(device, written, page_after):
            yield row
