"""A day in the life of Zigbee2MQTT, recorded step by step."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
import signal
from typing import Any

from .bridges import Bridge, Device, moving
from .program import STARTED, Listener, Message

SENSOR, BREAKER = "1-1-201/smoke", "1-1-201/breaker"
LAST_SEEN = ("epoch", "ISO_8601_local", "disable", "ISO_8601")

type Recording = dict[str, list[Message]]


class Recorder:
    """Does one thing after the other, and keeps what came of each."""

    def __init__(self, bridge: Bridge, broker_port: int) -> None:
        """Initialize."""
        self._bridge = bridge
        self._port = broker_port
        self.recording: Recording = {}
        self.listener: Listener

    async def run(self) -> Recording:
        """Return what came over the broker, by the name of the step."""
        self.listener = Listener(self._port)
        try:
            await self._live()
        finally:
            await self._bridge.close()
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
        await self._bridge.start()
        await self.listener.logged(STARTED, since=since)

    async def _end(self, number: int, since: int) -> None:
        await self._bridge.end(number)
        await self.listener.until(
            "bridge/state", lambda state: state["state"] == "offline", since=since
        )

    async def _configure(self, **advanced: Any) -> None:
        await self.listener.request("options", {"options": {"advanced": advanced}})

    async def _set_options(self, **options: Any) -> None:
        await self.listener.request(
            "device/options", {"id": BREAKER, "options": options}
        )

    async def _join(self, device: Device) -> None:
        since = len(self.listener.messages)
        await self._bridge.join(device)
        await self.listener.logged("Successfully configured", since=since)

    async def _rename(self, device: Device, name: str) -> None:
        await self.listener.request("device/rename", {"from": device.ieee, "to": name})

    async def _report(self, name: str) -> None:
        """Let the relay report a property, and wait until it is told."""
        since = len(self.listener.messages)
        self._bridge.relay.report(name)
        await self._state(BREAKER, since)

    async def _switch(self, *, on: bool) -> None:
        """Switch the relay, until its contact has moved."""
        message = {"state": "ON" if on else "OFF"}
        await moving(
            self._bridge.relay,
            lambda: self.listener.publish(f"{BREAKER}/set", message),
        )

    async def _live(self) -> None:
        listener, bridge = self.listener, self._bridge
        relay, sensor = bridge.relay, bridge.sensor
        with self._step("first start") as since:
            await self._start(since)
        await listener.request("permit_join", {"time": 250})
        with self._step("join"):
            await self._join(relay)
        with self._step("rename"):
            await self._rename(relay, BREAKER)
        await self._join(sensor)
        await self._rename(sensor, SENSOR)
        # From now on it reports what this says, and nothing in between.
        relay.quieten()
        for name in ("state", "current", "power"):
            await self._report(name)

        with self._step("smoke") as since:
            sensor.physical.smoke = True
            sensor.physical.report()
            await self._state(SENSOR, since, lambda state: state["smoke"])
        with self._step("another attribute") as since:
            for _ in range(2):
                relay.report("voltage", measured=False)
            await listener.until(BREAKER, since=since, number=2)
        with self._step("question") as since:
            listener.publish(f"{BREAKER}/get", {"state": "", "power": ""})
            await listener.logged("No converter available for 'power'", since=since)
        with self._step("command") as since:
            await self._switch(on=False)
            await self._state(BREAKER, since, lambda state: state.get("state") == "OFF")
        with self._step("current after the command"):
            await self._report("current")
        with self._step("no delivery") as since:
            relay.set_deaf(True)
            listener.publish(f"{BREAKER}/set", {"state": "ON"})
            await listener.logged("Publish 'set' 'state' to", since=since)
            listener.publish(f"{BREAKER}/get", {"state": ""})
            await listener.logged("Publish 'get' 'state' to", since=since)
            relay.set_deaf(False)
        with self._step("command to nobody") as since:
            listener.publish("1-1-999 breaker/set", {"state": "OFF"})
            await listener.logged("is unknown", since=since)

        for how in LAST_SEEN:
            with self._step(f"last_seen: {how}"):
                await self._configure(last_seen=how)
                await self._report("current")
        with self._step("command with last_seen") as since:
            await self._switch(on=True)
            await self._state(BREAKER, since, lambda state: state.get("state") == "ON")
        with self._step("report with last_seen"):
            await self._report("current")
        with self._step("announcement") as since:
            relay.announce()
            await self._state(BREAKER, since)
            await listener.until("bridge/event", since=since)

        with self._step("device options"):
            await self._set_options(optimistic=False)
        with self._step("command without optimism"):
            await self._switch(on=False)
            await self._report("current")
        with self._step("question without optimism") as since:
            listener.publish(f"{BREAKER}/get", {"state": ""})
            await self._state(BREAKER, since, lambda state: state.get("state") == "OFF")
        await self._set_options(optimistic=True, filtered_optimistic=["state"])
        with self._step("command with filtered optimism"):
            await self._switch(on=True)
            await self._report("current")
        await self._set_options(filtered_optimistic=[], filtered_cache=["sta.*"])
        # What was cached before is told once more.
        await self._report("current")
        with self._step("filtered cache"):
            await self._report("current")
        await self._set_options(filtered_cache=[])
        with self._step("off once more") as since:
            await self._switch(on=False)
            await self._state(BREAKER, since, lambda state: state.get("state") == "OFF")

        with self._step("stop") as since:
            await self._end(signal.SIGTERM, since)
        sensor.physical.clear()
        with self._step("restart") as since:
            await self._start(since)
        with self._step("subscription after the restart"):
            await self._look()

        await listener.request(
            "options", {"options": {"device_options": {"retain": True}}}
        )
        with self._step("retained"):
            await self._report("current")
        with self._step("subscription to retained"):
            await self._look()
        with self._step("kill") as since:
            await self._switch(on=True)
            await self._report("state")
            await self._report("current")
            await self._end(signal.SIGKILL, since)
        with self._step("start after the kill") as since:
            await self._start(since)

        with self._step("without the cache"):
            await self._configure(cache_state=False)
            await self._report("current")
        with self._step("start without the cache") as since:
            await self._restart(since)
        await self._configure(cache_state=True, cache_state_send_on_startup=False)
        with self._step("start without sending") as since:
            await self._restart(since)
        with self._step("first report after it"):
            await self._report("current")

        with self._step("removal that fails"):
            relay.set_deaf(True)
            await listener.request("device/remove", {"id": BREAKER})
            relay.set_deaf(False)
        with self._step("removal"):
            await listener.request("device/remove", {"id": BREAKER})
        with self._step("leave") as since:
            sensor.leave()
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
        await listener.request("permit_join", {"time": 250})
        with self._step("return"):
            await self._join(sensor)
        with self._step("report after the return") as since:
            sensor.report("battery")
            await self._state(SENSOR, since)

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
