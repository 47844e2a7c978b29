"""What both simulated gateways do: run their devices, and report what they do."""

from abc import ABC, abstractmethod
import asyncio
from collections.abc import Callable, Sequence
from functools import partial
import time
from typing import Any

from .device import Device, Fault, RefusedError, Value
from .link import Link

TICK_SECONDS = 0.1

#: A device, what it did, and when (Unix time in seconds).
type Record = Callable[[Device, str, float], None]


def ignore(_device: Device, _what: str, _at: float) -> None:
    """Keep no record."""


class Gateway(ABC):
    """Devices behind one connection to the broker."""

    def __init__(
        self,
        port: int,
        base: str,
        name: str,
        devices: Sequence[Device],
        record: Record = ignore,
    ) -> None:
        """Initialize; `base` is the base topic."""
        self.base = base
        self.name = name
        self.devices = {device.id: device for device in devices}
        self._record = record
        self._tasks: set[asyncio.Task[None]] = set()
        self.link = Link(
            port,
            will=self.will(),
            subscriptions=self.subscriptions(),
            receive=self._receive,
            connected=self.announce,
            lost=self._lost,
        )
        for device in devices:
            device.report = partial(self._report_now, device)
            device.record = partial(self._note, device)
            device.tell_passage = partial(self.tell_passage, device)

    @abstractmethod
    def will(self) -> tuple[str, dict[str, Any]]:
        """Return topic and message of the last will."""

    @abstractmethod
    def subscriptions(self) -> tuple[str, ...]:
        """Return the topics to listen to."""

    @abstractmethod
    def announce(self) -> None:
        """Tell what there is; called after each connection."""

    @abstractmethod
    def publish_state(self, device: Device) -> None:
        """Publish what a device reports."""

    def tell_passage(  # noqa: B027 - most dialects have no word for it
        self, device: Device, passage: dict[str, Any]
    ) -> None:
        """Tell that somebody came, where the dialect has a word for it."""

    @abstractmethod
    def receive(self, device_id: str, kind: str, message: dict[str, Any]) -> None:
        """Take a command; `kind` is the last part of the topic."""

    async def run(self) -> None:
        """Run until cancelled. Then the broker publishes the last will."""
        self.link.start()
        before = time.monotonic()
        try:
            while True:
                await asyncio.sleep(TICK_SECONDS)
                now = time.monotonic()
                for device in self.devices.values():
                    device.step(now - before)
                    if device.is_due():
                        self._report(device)
                before = now
        finally:
            await self.link.stop()

    def topic(self, *parts: str) -> str:
        """Return a topic below the base topic."""
        return "/".join((self.base, *parts))

    def obey(
        self,
        device: Device,
        key: str,
        value: Value,
        options: dict[str, Any],
        answer: Callable[[str | None], None],
    ) -> None:
        """Let a device do something, then `answer` with the reason of a refusal."""

        async def do() -> None:
            try:
                answered = await device.command(key, value, options)
            except RefusedError as err:
                answer(str(err))
                return
            if answered:
                answer(None)

        task = asyncio.get_running_loop().create_task(do())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _report(self, device: Device) -> None:
        if Fault.SILENT not in device.faults:
            self.publish_state(device)

    def _report_now(self, device: Device) -> None:
        self._report(device)
        self._note(device, "reported")

    def _note(self, device: Device, what: str) -> None:
        self._record(device, what, time.time())

    def _receive(self, topic: str, message: Any) -> None:
        device_id, _, kind = topic[len(self.base) + 1 :].rpartition("/")
        if device_id in self.devices and isinstance(message, dict):
            self.receive(device_id, kind, message)

    def _lost(self) -> None:
        for device in self.devices.values():
            device.contact_lost()
