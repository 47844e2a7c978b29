"""Zigbee2MQTT in its process, and the other side of its broker."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
import json
from pathlib import Path
import signal
import subprocess
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from simulator.ezsp import EzspSimulator
from simulator.ezsp.models import Model
from simulator.ezsp.node import Node
from tests.common import patience

BASE = "zigbee2mqtt"
STARTED = "z2m: Zigbee2MQTT started!"


@dataclass(frozen=True, slots=True)
class Message:
    """What came over the broker; `topic` is below the base topic."""

    topic: str
    payload: str
    retained: bool

    @property
    def data(self) -> Any:
        """Return what the payload says. Raises ValueError where it is no JSON."""
        return json.loads(self.payload)


class Listener:
    """Somebody else at the broker, who hears everything below the base topic, in order."""

    def __init__(self, port: int) -> None:
        """Connect from a thread; raises OSError if there is no broker."""
        self.messages: list[Message] = []
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self._client = paho.Client(CallbackAPIVersion.VERSION2)
        self._client.on_message = self._receive
        self._client.connect("127.0.0.1", port, keepalive=0)
        self._client.subscribe(f"{BASE}/#", 1)
        self._client.loop_start()

    def _receive(
        self, _client: object, _data: object, message: paho.MQTTMessage
    ) -> None:
        self._loop.call_soon_threadsafe(
            self._take, message.topic, message.payload.decode(), message.retain
        )

    def _take(self, topic: str, payload: str, retained: bool) -> None:
        topic = topic.removeprefix(f"{BASE}/")
        self.messages.append(Message(topic, payload, retained))
        self._news.set()

    def publish(self, topic: str, payload: Any) -> None:
        """Publish JSON below the base topic."""
        self._client.publish(f"{BASE}/{topic}", json.dumps(payload), qos=1)

    async def until(
        self,
        topic: str,
        proof: Callable[[Any], bool] = bool,
        *,
        since: int = 0,
        number: int = 1,
    ) -> Message:
        """Wait until so many messages at a topic fit, and return the last of them.

        `proof` is given their JSON; `since` is the number of the first message that counts.
        Raises TimeoutError.
        """
        async with patience(30):
            while True:
                found = [
                    message
                    for message in self.messages[since:]
                    if message.topic == topic
                    and message.payload
                    and proof(message.data)
                ]
                if len(found) >= number:
                    return found[number - 1]
                self._news.clear()
                await self._news.wait()

    async def logged(self, text: str, *, since: int = 0) -> Message:
        """Wait for a line of its log on the broker, and return it."""
        return await self.until(
            "bridge/logging", lambda line: text in line["message"], since=since
        )

    async def request(self, what: str, payload: Any) -> dict[str, Any]:
        """Ask the bridge for something, and return its response."""
        since = len(self.messages)
        self.publish(f"bridge/request/{what}", payload)
        answer = await self.until(f"bridge/response/{what}", since=since)
        return dict(answer.data)

    def close(self) -> None:
        """Disconnect."""
        self._client.disconnect()
        self._client.loop_stop()


class Zigbee2Mqtt:
    """The program. It keeps its data in a folder, also from one start to the next."""

    def __init__(
        self, program: str, folder: Path, broker_port: int, simulator: EzspSimulator
    ) -> None:
        """Write its configuration."""
        self._program = program
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None
        folder.mkdir()
        configuration = {
            "version": 5,
            "mqtt": {"server": f"mqtt://127.0.0.1:{broker_port}", "base_topic": BASE},
            "serial": {"port": f"tcp://127.0.0.1:{simulator.port}", "adapter": "ember"},
            "frontend": {"enabled": False},
            "homeassistant": {"enabled": False},
            "availability": {"enabled": True},
            "advanced": {
                "log_output": ["console"],
                "log_level": "info",
                "channel": 20,
                "pan_id": 0x1A62,
                "ext_pan_id": [1, 2, 3, 4, 5, 6, 7, 8],
                "network_key": [1, 3, 5, 7, 9, 11, 13, 15, 0, 2, 4, 6, 8, 10, 12, 13],
                "enable_external_js": False,
            },
        }
        (folder / "configuration.yaml").write_text(json.dumps(configuration))

    async def start(self) -> None:
        """Start its process; it is ready when it says so on the broker."""
        with (self._folder / "output.txt").open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                self._program, self._folder, stdout=output, stderr=subprocess.STDOUT
            )

    async def end(self, number: int = signal.SIGTERM) -> None:
        """End its process: as a service manager does, or as a power cut with SIGKILL."""
        if (process := self._process) is None:
            return
        self._process = None
        if process.returncode is None:
            process.send_signal(number)
        try:
            async with patience():
                await process.wait()
        finally:
            if process.returncode is None:
                process.kill()


def ieee(node: Node) -> str:
    """Return a node's address as Zigbee2MQTT writes it."""
    return f"0x{node.eui64:016x}"


async def join(
    listener: Listener, simulator: EzspSimulator, model: Model, name: str
) -> Node:
    """Let a device join, wait until Zigbee2MQTT knows it and has configured it, and name it."""
    node = await simulator.join(simulator.add(model))
    await listener.logged(f"Successfully configured '{ieee(node)}'")
    await listener.request("device/rename", {"from": ieee(node), "to": name})
    return node
