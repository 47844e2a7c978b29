"""A day in the life of Zigbee2MQTT, recorded step by step."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
import signal
from typing import Any

from simulator.ezsp import EzspSimulator
from simulator.ezsp.node import Node
from tests.common import patience

from .models import RELAY, SMOKE
from .program import STARTED, Listener, Message, Zigbee2Mqtt, ieee, join

SENSOR, BREAKER = "1-1-201/smoke", "1-1-201/breaker"
CURRENT, RELAY_STATE = "electrical.current", "on_off.on_off"

type Recording = dict[str, list[Message]]


class Recorder:
    """Does one thing after the other, and keeps what came of each."""

    def __init__(self, folder: Path, broker_port: int, program: str) -> None:
        """Initialize."""
        self._folder = folder
        self._port = broker_port
        self._program = program
        self.recording: Recording = {}
        self.listener: Listener
        self.bridge: Zigbee2Mqtt
        self.simulator: EzspSimulator

    async def run(self) -> Recording:
        """Return what came over the broker, by the name of the step."""
        self.listener = Listener(self._port)
        async with EzspSimulator(14) as self.simulator:
            self.bridge = Zigbee2Mqtt(
                self._program, self._folder / "data", self._port, self.simulator
            )
            try:
                await self._live()
            finally:
                await self.bridge.end(signal.SIGKILL)
                self.listener.close()
        return self.recording

    @contextmanager
    def _step(self, name: str) -> Iterator[int]:
        """Keep what comes within this; yields the number of its first message."""
        since = len(self.listener.messages)
        yield since
        self.recording[name] = self.listener.messages[since:]

    async def _state(
        self, device: str, since: int, proof: Callable[[Any], bool] = bool
    ) -> None:
        await self.listener.until(device, proof, since=since)

    async def _start(self, since: int) -> None:
        await self.bridge.start()
        await self.listener.logged(STARTED, since=since)

    async def _configure(self, **advanced: Any) -> None:
        await self.listener.request("options", {"options": {"advanced": advanced}})

    async def _report(self, node: Node, attribute: str) -> None:
        """Let a device report an attribute, and wait until it is told."""
        since = len(self.listener.messages)
        node.body.refresh()
        node.reporting.report(node.key(attribute))
        await self._state(BREAKER, since)

    async def _switch(self, node: Node, *, on: bool) -> None:
        """Switch the relay, until its contact has moved."""
        node.records.clear()
        self.listener.publish(f"{BREAKER}/set", {"state": "ON" if on else "OFF"})
        async with patience():
            await node.wait_record(
                what="did", text=f"supply {'closed' if on else 'opened'}"
            )

    async def _live(self) -> None:
        listener, bridge = self.listener, self.bridge
        with self._step("first start") as since:
            await self._start(since)
        await listener.request("permit_join", {"time": 250})
        with self._step("join"):
            relay = await self.simulator.join(self.simulator.add(RELAY))
            await listener.logged(f"Successfully configured '{ieee(relay)}'")
        with self._step("rename"):
            await listener.request(
                "device/rename", {"from": ieee(relay), "to": BREAKER}
            )
        sensor = await join(listener, self.simulator, SMOKE, SENSOR)
        # From now on it reports what this says, and nothing in between.
        relay.reporting.clear()
        for attribute in (RELAY_STATE, CURRENT, "electrical.power"):
            await self._report(relay, attribute)

        with self._step("smoke") as since:
            sensor.body.device.happen("smoke")
            await self._state(SENSOR, since, lambda state: state["smoke"])
        with self._step("another attribute") as since:
            for _ in range(2):
                relay.reporting.report(relay.key("electrical.voltage"))
            await listener.until(BREAKER, since=since, number=2)
        with self._step("question") as since:
            listener.publish(f"{BREAKER}/get", {"state": "", "power": ""})
            await listener.logged("No converter available for 'power'", since=since)
        with self._step("command") as since:
            await self._switch(relay, on=False)
            await self._state(BREAKER, since, lambda state: state["state"] == "OFF")
        with self._step("current after the command"):
            await self._report(relay, CURRENT)
        with self._step("no delivery") as since:
            relay.deaf = True
            listener.publish(f"{BREAKER}/set", {"state": "ON"})
            await listener.logged("Publish 'set' 'state' to", since=since)
            listener.publish(f"{BREAKER}/get", {"state": ""})
            await listener.logged("Publish 'get' 'state' to", since=since)
            relay.deaf = False

        await self._configure(last_seen="ISO_8601")
        with self._step("command with last_seen") as since:
            await self._switch(relay, on=True)
            await self._state(BREAKER, since, lambda state: state["state"] == "ON")
        with self._step("report with last_seen"):
            await self._report(relay, CURRENT)

        await listener.request(
            "device/options", {"id": BREAKER, "options": {"optimistic": False}}
        )
        with self._step("command without optimism"):
            await self._switch(relay, on=False)
            await self._report(relay, CURRENT)
        with self._step("question without optimism") as since:
            listener.publish(f"{BREAKER}/get", {"state": ""})
            await self._state(BREAKER, since, lambda state: state["state"] == "OFF")

        with self._step("stop"):
            await bridge.end()
            await listener.until(
                "bridge/state", lambda state: state["state"] == "offline", since=since
            )
        sensor.body.device.clear()
        with self._step("restart") as since:
            await self._start(since)
        with self._step("subscription after the restart"):
            await self._look()

        await listener.request(
            "options", {"options": {"device_options": {"retain": True}}}
        )
        with self._step("retained") as since:
            await self._report(relay, CURRENT)
        with self._step("subscription to retained"):
            await self._look()
        with self._step("kill") as since:
            await self._switch(relay, on=True)
            await self._report(relay, RELAY_STATE)
            await self._report(relay, CURRENT)
            await bridge.end(signal.SIGKILL)
            await listener.until(
                "bridge/state", lambda state: state["state"] == "offline", since=since
            )
        with self._step("start after the kill") as since:
            await self._start(since)

        with self._step("without the cache"):
            await self._configure(cache_state=False)
            await self._report(relay, CURRENT)
        with self._step("start without the cache") as since:
            await self._restart(since)
        await self._configure(cache_state=True, cache_state_send_on_startup=False)
        with self._step("start without sending") as since:
            await self._restart(since)
        with self._step("first report after it"):
            await self._report(relay, CURRENT)

        with self._step("removal that fails"):
            relay.deaf = True
            await listener.request("device/remove", {"id": BREAKER})
            relay.deaf = False
        with self._step("removal"):
            await listener.request("device/remove", {"id": BREAKER})
        with self._step("leave") as since:
            self.simulator.air.leave(sensor)
            await listener.until(
                "bridge/event",
                lambda event: (
                    event["type"] == "device_leave"
                    and event["data"]["friendly_name"] == SENSOR
                ),
                since=since,
            )
        with self._step("subscription at the end"):
            await self._look()

    async def _restart(self, since: int) -> None:
        """Have it restart itself, in the same process."""
        await self.listener.request("restart", "")
        await self.listener.logged(STARTED, since=since)

    async def _look(self) -> None:
        """Subscribe anew, as a second client."""
        other = Listener(self._port)
        await other.until("bridge/definitions")
        await other.request("health_check", {})
        self.listener.messages += other.messages
        other.close()
