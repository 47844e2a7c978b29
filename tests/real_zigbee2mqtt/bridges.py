"""Two that must not differ: the real Zigbee2MQTT, and our simulator of it.

Each with devices of the same physics behind it, which say what they are made to say.
"""

import asyncio
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
import signal
from typing import Any, Protocol

from simulator.device import Device as Physical, Fault
from simulator.devices import BreakerMonitor, SmokeSensor
from simulator.ezsp import EzspSimulator
from simulator.ezsp.models import Model
from simulator.ezsp.node import Node
from simulator.zigbee2mqtt import (
    DEFAULTS,
    TRANSLATIONS,
    Disk,
    Zigbee2Mqtt as Simulated,
    address,
)
from tests.common import patience

from .models import RELAY, SMOKE
from .program import BASE, Zigbee2Mqtt, ieee

#: Where properties are in the clusters.
ATTRIBUTES = {
    "state": "on_off.on_off",
    "current": "electrical.current",
    "power": "electrical.power",
    "voltage": "electrical.voltage",
    "battery": "power.battery_percentage",
}
#: The meter integrates that long, in seconds.
METER_SECONDS = 1.0


class Device(Protocol):
    """A device at either of them."""

    ieee: str
    physical: Any

    def quieten(self) -> None:
        """Let it report nothing by itself."""

    def report(self, name: str, *, measured: bool = True) -> None:
        """Let it report a property, measured anew or as it was."""

    def set_deaf(self, deaf: bool) -> None:
        """Let nothing reach it."""

    def announce(self) -> None:
        """Let it tell its address, as after a power cut."""

    def leave(self) -> None:
        """Let it leave by itself."""


class Bridge(Protocol):
    """Either of them."""

    async def start(self) -> None:
        """Begin to start."""

    async def end(self, number: int = signal.SIGTERM) -> None:
        """End it, or kill it."""

    async def join(self, device: Device) -> None:
        """Let a device join."""

    relay: Device
    sensor: Device

    async def close(self) -> None:
        """End everything."""


class RealDevice:
    """A node in the simulated air."""

    def __init__(self, simulator: EzspSimulator, model: Model) -> None:
        """Initialize; it has not joined."""
        self._simulator = simulator
        self.node: Node = simulator.add(model)
        self.ieee = ieee(self.node)
        self.physical: Any = self.node.body.device

    def quieten(self) -> None:
        """Let it report nothing by itself."""
        self.node.reporting.clear()

    def report(self, name: str, *, measured: bool = True) -> None:
        """Let it report a property, measured anew or as it was."""
        if measured:
            self.node.body.refresh()
        self.node.reporting.report(self.node.key(ATTRIBUTES[name]))

    def set_deaf(self, deaf: bool) -> None:
        """Let nothing reach it."""
        self.node.deaf = deaf

    def announce(self) -> None:
        """Let it tell its address, as after a power cut."""
        self.node.announce()

    def leave(self) -> None:
        """Let it leave by itself."""
        self._simulator.air.leave(self.node)


class RealBridge:
    """The real program on a simulated co-processor."""

    def __init__(
        self, simulator: EzspSimulator, program: str, folder: Path, broker_port: int
    ) -> None:
        """Initialize."""
        self._simulator = simulator
        self._program = Zigbee2Mqtt(program, folder / "data", broker_port, simulator)
        self.relay: Device = RealDevice(simulator, RELAY)
        self.sensor: Device = RealDevice(simulator, SMOKE)

    async def start(self) -> None:
        """Begin to start."""
        await self._program.start()

    async def end(self, number: int = signal.SIGTERM) -> None:
        """End it, or kill it."""
        await self._program.end(number)

    async def join(self, device: Device) -> None:
        """Let a device join."""
        assert isinstance(device, RealDevice)
        await self._simulator.join(device.node)

    async def close(self) -> None:
        """End everything."""
        await self._program.end(signal.SIGKILL)


class SimulatedDevice:
    """A device of the simulator."""

    def __init__(self, bridge: SimulatedBridge, physical: Physical, model: str) -> None:
        """Initialize; it has not joined."""
        self._bridge = bridge
        self.physical: Any = physical
        self.model = model
        self.ieee = address(physical.id)
        self.is_quiet = False
        self._measured: dict[str, Any] = {}

    def quieten(self) -> None:
        """Let it report nothing by itself."""
        self.is_quiet = True
        self.physical.report = _nothing

    def report(self, name: str, *, measured: bool = True) -> None:
        """Let it report a property, measured anew or as it was."""
        if measured or not self._measured:
            self.physical.step(METER_SECONDS)
            readings = self.physical.readings()
            self._measured = TRANSLATIONS[self.model].state(readings)
        self._bridge.running.heard(self.physical, {name: self._measured[name]})

    def set_deaf(self, deaf: bool) -> None:
        """Let nothing reach it."""
        (self.physical.faults.add if deaf else self.physical.faults.discard)(
            Fault.SILENT
        )

    def announce(self) -> None:
        """Let it tell its address, as after a power cut."""
        self._bridge.running.announced(self.physical)

    def leave(self) -> None:
        """Let it leave by itself."""
        self._bridge.running.leave(self.physical)


class SimulatedBridge:
    """Our simulator of it."""

    def __init__(self, broker_port: int) -> None:
        """Initialize."""
        self._port = broker_port
        self._disk = Disk(deepcopy(DEFAULTS), [])
        relay = BreakerMonitor("relay", "Relay", "1-1-201")
        sensor = SmokeSensor("sensor", "Sensor", "1-1-201")
        self._devices = [
            SimulatedDevice(self, relay, "TS011F_din_smart_relay"),
            SimulatedDevice(self, sensor, "HS1SA-E"),
        ]
        self.relay: Device = self._devices[0]
        self.sensor: Device = self._devices[1]
        self.running: Simulated

    async def start(self) -> None:
        """Begin to start."""
        self.running = Simulated(
            self._port,
            BASE,
            "Zigbee2MQTT",
            [device.physical for device in self._devices],
            models={device.physical.id: device.model for device in self._devices},
            disk=self._disk,
        )
        for device in self._devices:
            if device.is_quiet:
                device.quieten()
        self.running.link.start()

    async def end(self, number: int = signal.SIGTERM) -> None:
        """End it, or kill it."""
        if number == signal.SIGTERM:
            await self.running.stop()
        else:
            await self.running.link.stop()
        for device in self._devices:
            device.physical.report = _nothing

    async def join(self, device: Device) -> None:
        """Let a device join."""
        self.running.join(device.physical)

    async def close(self) -> None:
        """End everything."""
        await self.running.link.stop()


def _nothing() -> None:
    """Report nothing."""


async def moving(device: Device, act: Callable[[], None]) -> None:
    """Do something, and wait until the contact of a device has moved by it."""
    moved = asyncio.Event()
    record = device.physical.record

    def note(what: str) -> None:
        record(what)
        moved.set()

    device.physical.record = note
    try:
        act()
        async with patience():
            await moved.wait()
    finally:
        device.physical.record = record
