"""The compound's cameras behind a Frigate: at the gate, where it reads plates, and in a stairwell."""

import asyncio
from dataclasses import dataclass
import itertools
import time
from typing import Any

from .frigate import Camera, Event, Frigate
from .link import Link

TOPIC = "frigate"
#: Recordings reach back for so many days.
KEPT_DAYS = 31
#: A vehicle, and a person, come so many seconds after the last, and are there for so long.
CAR_SECONDS, PERSON_SECONDS, THERE_SECONDS = 40.0, 25.0, 4.0
STATS_SECONDS = 30.0
_TICK_SECONDS = 0.5
#: What is seen is known for so many of the last.
_MOST_EVENTS = 500
#: Who drives in and out; the first plate is that of a tenant.
PLATES = ("浙A0T5K9", "浙A0T5K1", "浙A0T5K2", "沪A0T5K3", "苏E0T5K4")


@dataclass(frozen=True, slots=True)
class Watch:
    """A camera: its name in Frigate, its place, and what it is called in each language."""

    id: str
    place: str
    names: tuple[str, str, str]


GATE = Watch("east_gate", "gate", ("East gate camera", "东门摄像头", "東門攝影機"))
WATCHES = (
    GATE,
    Watch(
        "stairwell_1_2",
        "1-2",
        ("1-2 stairwell camera", "1-2 楼道摄像头", "1-2 梯間攝影機"),
    ),
)


class Cameras:
    """A Frigate with its cameras, before which people come and go."""

    def __init__(self, port: int, language: int) -> None:
        """Initialize; `port` is the broker's, the names are in this language."""
        self._link = Link(
            port, will=(f"{TOPIC}/available", b"offline"), connected=self._connected
        )
        self._frigate = Frigate(self._publish, prefix=TOPIC)
        self._frigate.cameras = {
            # Faces would be biometric data about people, also in a demo.
            row.id: Camera(friendly=row.names[language], faces=False)
            for row in WATCHES
        }
        self._language = language
        self._plates = itertools.cycle(PLATES)
        #: What is there, and when it goes, by the machine's own clock.
        self._there: list[tuple[float, Event]] = []

    async def run(self, port: int) -> None:
        """Answer at a port, and let people pass, until cancelled."""
        self._keep()
        await self._frigate.start(port)
        self._link.start()
        car, person, stats = (
            time.monotonic() + seconds
            for seconds in (CAR_SECONDS, PERSON_SECONDS, STATS_SECONDS)
        )
        try:
            while True:
                await asyncio.sleep(_TICK_SECONDS)
                now = time.monotonic()
                self._let_go(now)
                if now >= car:
                    car = now + CAR_SECONDS
                    self.drive(None)
                if now >= person:
                    person = now + PERSON_SECONDS
                    self._come(WATCHES[1].id, "person")
                if now >= stats:
                    stats = now + STATS_SECONDS
                    self._keep()
                    self._frigate.tell_stats()
        finally:
            await self._link.stop()
            await self._frigate.stop()

    async def wait_connected(self) -> None:
        """Wait until it has reached the broker."""
        await self._link.ready.wait()

    def drive(self, plate: str | None) -> tuple[str, str]:
        """Let a vehicle come to the gate; return the camera's name, and the plate."""
        plate = plate or next(self._plates)
        car = self._come(GATE.id, "car")
        # First from afar, and wrong.
        self._frigate.read(car, plate[:-1], 0.61)
        self._frigate.read(car, plate, 0.93)
        return GATE.names[self._language], plate

    def _come(self, camera: str, label: str) -> Event:
        event = self._frigate.see(camera, label)
        self._there.append((time.monotonic() + THERE_SECONDS, event))
        return event

    def _let_go(self, now: float) -> None:
        for row in [row for row in self._there if row[0] <= now]:
            self._there.remove(row)
            self._frigate.end(row[1])
        for event_id in [*self._frigate.events][:-_MOST_EVENTS]:
            del self._frigate.events[event_id]

    def _keep(self) -> None:
        for name in self._frigate.cameras:
            self._frigate.keep(name, KEPT_DAYS)

    def _connected(self) -> None:
        self._frigate.announce()
        self._frigate.tell_stats()

    def _publish(self, topic: str, payload: Any, retain: bool) -> None:
        if isinstance(payload, str | int):
            # A word, and no JSON.
            payload = str(payload).encode()
        self._link.publish(topic, payload, retain=retain)
