"""Many devices of one kind, that publish as fast as the broker takes it.

    python -m simulator.many --port N --kind breaker_monitor --count 1000 --rate 2000

Without a rate it is as fast as possible. The benchmark uses the class.
"""

import argparse
import asyncio
from collections.abc import Iterator
import time

from .device import Device
from .devices import KINDS
from .link import Link
from .native import VERSION, config_message, head, state_message

#: Messages that may be on their way to the broker at a time.
WINDOW = 1000


def synthetic(kind: str, count: int, *, prefix: str = "synthetic") -> Iterator[Device]:
    """Make devices of a kind, a hundred of them in each area."""
    for number in range(count):
        yield KINDS[kind](
            f"{prefix}-{number}", f"{prefix} {number}", f"Area {number // 100}"
        )


class Many:
    """Devices of our own protocol, without physics."""

    def __init__(self, port: int, base: str, devices: list[Device]) -> None:
        """Initialize; `base` is the base topic."""
        self.base = base
        self.devices = devices
        self.published = 0
        self._link = Link(
            port, will=(f"{base}/status", {"version": VERSION, "online": False})
        )

    async def start(self) -> None:
        """Connect, and tell what there is."""
        self._link.start()
        await self._link.ready.wait()
        await self._send("gateway", {**head(), "name": self.base}, retain=True)
        await self._send("status", {"version": VERSION, "online": True}, retain=True)
        for device in self.devices:
            await self._send(f"{device.id}/config", config_message(device), retain=True)
            await self.report(device)

    async def stop(self) -> None:
        """Disconnect."""
        await self._link.stop()

    async def forget(self) -> None:
        """Take the devices away again: nothing stays at the broker."""
        for device in self.devices:
            await self._send(f"{device.id}/state", b"", retain=True)
            await self._send(f"{device.id}/config", b"", retain=True)

    async def report(self, device: Device) -> None:
        """Publish a device's readings; each call draws new ones."""
        await self._send(f"{device.id}/state", state_message(device), retain=True)

    async def run(self, *, rate: float = 0, seconds: float = 10) -> float:
        """Publish one device after the other; return the messages per second.

        `rate` is the most messages per second, 0 is no limit.
        """
        begun = time.monotonic()
        sent = 0
        while (elapsed := time.monotonic() - begun) < seconds:
            if rate and sent >= rate * elapsed:
                await asyncio.sleep(0.002)
                continue
            await self.report(self.devices[sent % len(self.devices)])
            sent += 1
        return sent / (time.monotonic() - begun)

    async def _send(self, topic: str, message: object, *, retain: bool) -> None:
        """Publish with QoS 1, and wait while too many are on their way."""
        await self._link.window(WINDOW)
        self._link.publish(f"{self.base}/{topic}", message, retain=retain)
        self.published += 1


async def _run(arguments: argparse.Namespace) -> None:
    many = Many(
        arguments.port,
        arguments.base,
        list(synthetic(arguments.kind, arguments.count)),
    )
    await many.start()
    print(f"{arguments.count} devices announced", flush=True)
    rate = await many.run(rate=arguments.rate, seconds=arguments.seconds)
    print(f"{rate:.0f} messages/s", flush=True)
    await many.stop()


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="of the broker")
    parser.add_argument("--kind", choices=list(KINDS), default="breaker_monitor")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=0, help="messages per second")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--base", default="community_safety/many")
    asyncio.run(_run(parser.parse_args()))


if __name__ == "__main__":
    main()
