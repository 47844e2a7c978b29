"""What of Zigbee2MQTT's messages is the device's own word, and what is memory or hope."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from ...catalogue.measurements import Value
from ...core.device import SafetyDevice
from ..base import CommandError
from .exposes import Profile


@dataclass(slots=True, kw_only=True)
class Item:
    """A device of Zigbee2MQTT, and what is known of the proof of its readings.

    Zigbee2MQTT sends all that it remembers with each message, and after a command what it
    hopes came of it. `echo` is that hope, by property; `reads` is how many answers are to
    come: only with the last is an unchanged value known to be the device's own.
    """

    device: SafetyDevice
    profile: Profile
    optimistic: bool = True
    echo: dict[str, object] = field(default_factory=dict)
    reads: int = 0
    #: Commands under way, by property: what was sent, and why it failed if it did.
    waiting: dict[str, tuple[object, asyncio.Future[str | None]]] = field(
        default_factory=dict
    )

    @asynccontextmanager
    async def commanding(
        self, name: str, raw: object, *, hopes: bool
    ) -> AsyncGenerator[asyncio.Future[str | None]]:
        """Send the command `raw` to a property within this; it yields why it failed.

        `hopes`: Zigbee2MQTT's hope for it must not be taken for what the device says.
        """
        if hopes and self.optimistic:
            self.echo[name] = raw
        future = asyncio.get_running_loop().create_future()
        self.waiting[name] = (raw, future)
        try:
            yield future
        except CommandError:
            self.echo.pop(name, None)
            raise
        finally:
            if self.waiting.get(name) == (raw, future):
                del self.waiting[name]

    def fail(self, key: str, reason: str) -> None:
        """Take what Zigbee2MQTT says of a command that failed."""
        for name, (_raw, future) in self.waiting.items():
            # The endpoint's name is missing in the message.
            of_this = name == key or name.startswith(f"{key}_")
            if of_this and not future.done():
                future.set_result(reason)

    def ask(self, properties: int) -> None:
        """Expect answers: each property is read by itself, and each answer is a message."""
        self.reads = max(self.reads, properties)

    def take(
        self, message: Mapping[str, Any], values: dict[str, Value], *, retained: bool
    ) -> None:
        """Take a message, and what its properties mean."""
        if retained:
            self.device.update(values, fresh=False)
        elif self.echo or self.reads:
            self._take_doubted(message, values)
        else:
            self.device.update(values)
        for name, (raw, future) in self.waiting.items():
            if message.get(name) == raw and not future.done():
                future.set_result(None)

    def _take_doubted(
        self, message: Mapping[str, Any], values: dict[str, Value]
    ) -> None:
        """Take readings while it is not certain that all of them are the device's own.

        A cut-off must not be proven by Zigbee2MQTT's hope that its command was obeyed, nor
        by a current that it remembers of before. What has changed is certainly new.
        """
        device = self.device
        changed = {
            key: value
            for key, value in values.items()
            if device.readings.get(key) != value
        }
        if echoed := [
            name for name, raw in self.echo.items() if message.get(name) == raw
        ]:
            hoped: dict[str, Value] = {}
            for name in echoed:
                del self.echo[name]
                key = self.profile.readings[name][0]
                hoped[key] = values[key]
                changed.pop(key, None)
            device.update(hoped, fresh=False)
            if changed:
                device.update(changed)
            return
        self.reads = max(0, self.reads - 1)
        device.update(changed if self.reads else values)
