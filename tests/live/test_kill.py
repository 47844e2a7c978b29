"""Kill -9 at each step of an alarm's life: nothing is lost, nothing comes twice."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import closing, contextmanager
import json
import os
from pathlib import Path
import sqlite3
import sys
import time
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
import pytest

from simulator.broker import free_port
from tests.common import BASE, clear_broker

ROOT = Path(__file__).parents[2]
#: Real seconds; a busy machine takes a minute to start a house.
PATIENCE = 120
pytestmark = pytest.mark.timeout(600)
CONFIGURATION = """
logger:
  default: error
automation:
  - alias: Tell that a message has arrived
    triggers:
      - trigger: state
        entity_id: binary_sensor.1_1_201_smoke_smoke
        to: "on"
    actions:
      - action: mqtt.publish
        data: {topic: observer/arrived, payload: "{}"}
  - alias: Tell and cut off
    mode: parallel
    triggers:
      - trigger: community_safety.alarm_raised
    actions:
      - action: mqtt.publish
        data:
          topic: observer/raised
          payload: '{{ {"alarm_id": trigger.alarm_id, "hazard": trigger.hazard} | to_json }}'
      - action: community_safety.cut_off
        target: {area_id: "1_1_201"}
        data: {alarm_id: "{{ trigger.alarm_id }}"}
"""


class Street:
    """What surrounds the house: the broker's other side, and the house's process."""

    def __init__(self, folder: Path, port: int) -> None:
        """Prepare a configuration folder."""
        self.folder = folder
        self.port = port
        (folder / "configuration.yaml").write_text(CONFIGURATION)
        (folder / "custom_components").mkdir()
        (folder / "custom_components" / "community_safety").symlink_to(
            ROOT / "custom_components" / "community_safety"
        )
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.obedient = True
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self._ids = iter(range(1, 10_000))
        self._retained: set[str] = set()
        self._process: asyncio.subprocess.Process | None = None
        self._client = paho.Client(CallbackAPIVersion.VERSION2)
        self._client.on_message = self._on_message
        self._client.connect("127.0.0.1", port)
        self._client.subscribe([("observer/#", 1), (f"{BASE}/+/set", 1)])
        self._client.loop_start()

    def _on_message(self, _c: Any, _u: Any, message: paho.MQTTMessage) -> None:
        self._loop.call_soon_threadsafe(
            self._receive, message.topic, json.loads(message.payload)
        )

    def _receive(self, topic: str, message: dict[str, Any]) -> None:
        self.heard.append((topic, message))
        self._news.set()
        if topic.endswith("/set") and self.obedient:
            result = {"version": 1, "id": message["id"], "ok": True}
            self.publish("breaker/result", result, retain=False)
            self.state("breaker", supply=False, current=0.0)

    def publish(self, topic: str, message: Any, *, retain: bool = True) -> None:
        """Publish as the gateway."""
        topic = f"{BASE}/{topic}"
        if retain:
            self._retained.add(topic)
        self._client.publish(topic, json.dumps(message), qos=1, retain=retain)

    def head(self) -> dict[str, Any]:
        """Return what every message has."""
        return {"version": 1, "id": f"m{next(self._ids)}", "time": time.time()}

    def state(self, device: str, **values: Any) -> None:
        """Report readings."""
        self.publish(f"{device}/state", {**self.head(), "values": values})

    def move_in(self) -> None:
        """Announce a gateway with a smoke sensor and a breaker in one flat."""
        self.publish("gateway", {**self.head(), "name": "Building 1"})
        self.publish("status", {"version": 1, "online": True})
        for device, kind, readings in (
            ("smoke", "smoke_sensor", ["smoke"]),
            ("breaker", "breaker_monitor", ["supply", "current"]),
        ):
            self.publish(
                f"{device}/config",
                {
                    **self.head(),
                    "kind": kind,
                    "name": device.capitalize(),
                    "readings": readings,
                    "area": "1-1-201",
                },
            )
        self.state("breaker", supply=True, current=5.0)
        self.state("smoke", smoke=False)

    async def start(self, *, hold: bool = False) -> None:
        """Start the house and wait until it is set up."""
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.live.house", self.folder),
            *(str(self.port), BASE, *(["--hold"] if hold else [])),
            cwd=ROOT,
            # Another Home Assistant may run on this machine.
            env={**os.environ, "SETUP_PORT": str(free_port())},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert self._process.stdout
        async with asyncio.timeout(PATIENCE):
            assert await self._process.stdout.readline() == b"set up\n"

    def go_on(self) -> None:
        """Let a house that was held start."""
        assert self._process and self._process.stdin
        self._process.stdin.write(b"\n")

    async def kill(self) -> None:
        """Kill -9."""
        if self._process and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def hears(self, topic: str) -> dict[str, Any]:
        """Wait for a message; return it and forget it."""
        async with asyncio.timeout(PATIENCE):
            while True:
                for item in self.heard:
                    if item[0] == topic:
                        self.heard.remove(item)
                        return item[1]
                self._news.clear()
                await self._news.wait()

    def count(self, topic: str) -> int:
        """Return how many messages of a topic were heard and not taken."""
        return sum(item[0] == topic for item in self.heard)

    @property
    def database(self) -> Path:
        """Return the alarm book's file."""
        return self.folder / "community_safety.db"

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Return what is on disk now."""
        with closing(sqlite3.connect(self.database)) as database:
            try:
                found = database.execute(f"SELECT data FROM {table}")  # noqa: S608
            except sqlite3.OperationalError:
                return []
            return [json.loads(data) for (data,) in found]

    async def finds(self, table: str, proof: Any) -> list[dict[str, Any]]:
        """Wait until the rows on disk satisfy something."""
        async with asyncio.timeout(PATIENCE):
            while not proof(rows := await asyncio.to_thread(self.rows, table)):
                pass
        return rows

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep the house from writing its alarm book."""
        with closing(sqlite3.connect(self.database)) as other:
            other.execute("BEGIN EXCLUSIVE")
            yield
            other.rollback()

    async def leave(self) -> None:
        """Clear the broker."""
        await self.kill()
        for topic in self._retained:
            self._client.publish(topic, "", qos=1, retain=True).wait_for_publish(10)
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
async def street(
    socket_enabled: None, tmp_path: Path, broker_port: int
) -> AsyncGenerator[Street]:
    """Return a house with its devices, not started yet."""
    folder = tmp_path / "house"
    folder.mkdir()
    await asyncio.to_thread(clear_broker, broker_port)
    street = Street(folder, broker_port)
    street.move_in()
    yield street
    await street.leave()


async def test_killed_after_receipt(street: Street) -> None:
    """Received but not stored: the message's state is still there after a restart."""
    await street.start()
    with street.locked():
        street.state("smoke", smoke=True)
        await street.hears("observer/arrived")
        await street.kill()
    assert street.rows("alarms") == []
    assert street.count("observer/raised") == 0

    await street.start()
    raised = await street.hears("observer/raised")
    (latch,) = await street.finds("latches", lambda rows: rows and rows[0]["proven"])
    assert latch["alarms"] == [raised["alarm_id"]]
    (alarm,) = street.rows("alarms")
    assert alarm["id"] == raised["alarm_id"]
    assert street.count("observer/raised") == 0


async def test_killed_after_store(street: Street) -> None:
    """Stored but not announced: the restart announces that alarm, once."""
    await street.start(hold=True)
    street.state("smoke", smoke=True)
    (stored,) = await street.finds("alarms", bool)
    assert not stored["announced"]
    await street.kill()
    assert street.count("observer/raised") == 0

    await street.start()
    raised = await street.hears("observer/raised")
    assert raised["alarm_id"] == stored["id"]
    await street.finds("latches", lambda rows: rows and rows[0]["proven"])
    assert [row["id"] for row in street.rows("alarms")] == [stored["id"]]
    assert street.count("observer/raised") == 0


async def test_killed_before_latch(street: Street) -> None:
    """Announced, but the cut-off is not on disk: the same alarm is announced again."""
    street.obedient = False
    await street.start(hold=True)
    street.state("smoke", smoke=True)
    await street.finds("alarms", bool)
    # Before the alarm is announced: nothing that follows from it comes to the disk.
    with street.locked():
        street.go_on()
        raised = await street.hears("observer/raised")
        await street.kill()
    (alarm,) = street.rows("alarms")
    assert not alarm["announced"]

    street.obedient = True
    await street.start()
    assert await street.hears("observer/raised") == raised
    (latch,) = await street.finds("latches", lambda rows: rows and rows[0]["proven"])
    assert latch["alarms"] == [raised["alarm_id"]]
    assert [row["id"] for row in street.rows("alarms")] == [raised["alarm_id"]]


async def test_killed_during_cut_off(street: Street) -> None:
    """Commanded but not proven: the restart cuts again; the alarm is not told twice."""
    street.obedient = False
    await street.start()
    street.state("smoke", smoke=True)
    raised = await street.hears("observer/raised")
    await street.hears(f"{BASE}/breaker/set")
    await street.finds("alarms", lambda rows: rows[0]["announced"])
    await street.kill()
    (latch,) = street.rows("latches")
    assert latch["alarms"] == [raised["alarm_id"]]
    assert not latch["proven"]

    street.obedient = True
    await street.start()
    again = await street.hears(f"{BASE}/breaker/set")
    assert again["set"] == {"supply": False}
    await street.finds("latches", lambda rows: rows and rows[0]["proven"])
    assert [row["id"] for row in street.rows("alarms")] == [raised["alarm_id"]]
    assert street.count("observer/raised") == 0
