"""What a compound has already in other integrations: a smoke alarm, and pictures of cameras.

Home Assistant finds them by itself (MQTT discovery). The alarm is there to be adopted; the
pictures are those that Frigate's own integration would show.
"""

from collections.abc import Mapping
import struct
from types import MappingProxyType
from typing import Any, override
import zlib

from .device import Device
from .gateway import Gateway

DISCOVERY = "homeassistant"
TOPIC = "simulator/discovered"
#: What shows pictures: its id, its place, and its names.
CAMERAS = (
    ("stairwell-camera", "1-1", ("Stairwell camera", "楼道摄像头", "梯間攝影機")),
    ("east-gate-view", "gate", ("East gate view", "东门画面", "東門畫面")),
    ("stairwell-view", "1-2", ("1-2 stairwell view", "1-2 楼道画面", "1-2 梯間畫面")),
)
_WIDTH, _HEIGHT = 320, 180


class DiscoveredGateway(Gateway):
    """Devices of which Home Assistant's own MQTT integration makes entities."""

    #: What cameras are called, by their ids.
    cameras: Mapping[str, str] = MappingProxyType({})

    @override
    def will(self) -> tuple[str, dict[str, Any]]:
        return self.topic("status"), {"online": False}

    @override
    def subscriptions(self) -> tuple[str, ...]:
        return ()

    @override
    def announce(self) -> None:
        for device in self.devices.values():
            for domain, key, more in (
                (
                    "binary_sensor",
                    "smoke",
                    {"payload_on": "True", "payload_off": "False"},
                ),
                ("sensor", "battery", {"unit_of_measurement": "%"}),
            ):
                about = {
                    **self._described(f"{device.id}-{key}", device.name, device.id),
                    **more,
                    "device_class": key,
                    "state_topic": self.topic(device.id, "state"),
                    "value_template": f"{{{{ value_json.{key} }}}}",
                }
                self._discover(domain, f"{device.id}-{key}", about)
            self.publish_state(device)
        for key, name in self.cameras.items():
            image = self.topic(key, "image")
            self._discover(
                "camera", key, {**self._described(key, name, key), "topic": image}
            )
            self.link.publish(image, picture(), retain=True)
        self.link.publish(self.topic("status"), {"online": True}, retain=True)

    @override
    def publish_state(self, device: Device) -> None:
        self.link.publish(
            self.topic(device.id, "state"), device.readings(), retain=True
        )

    @override
    def receive(self, device_id: str, kind: str, message: dict[str, Any]) -> None:
        """Take nothing: there is nothing to command."""

    def _described(self, unique_id: str, name: str, device: str) -> dict[str, Any]:
        return {
            # A device's only entity of a kind has no name of its own.
            "name": None if unique_id == device else unique_id.rpartition("-")[2],
            "unique_id": f"xingqiao_{unique_id}",
            "availability_topic": self.topic("status"),
            "availability_template": (
                "{{ 'online' if value_json.online else 'offline' }}"
            ),
            "device": {
                "identifiers": [f"xingqiao_{device}"],
                "name": name,
                "manufacturer": "Xingqiao Simulation",
            },
        }

    def _discover(self, domain: str, key: str, about: dict[str, Any]) -> None:
        self.link.publish(
            f"{DISCOVERY}/{domain}/xingqiao_{key}/config", about, retain=True
        )


def picture() -> bytes:
    """Return what a camera sees: a grey stairwell, as a PNG."""
    rows = b"".join(
        b"\0" + bytes(60 + (x + 2 * y) // 4 % 120 for x in range(_WIDTH))
        for y in range(_HEIGHT)
    )
    head = struct.pack(">IIBBBBB", _WIDTH, _HEIGHT, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data))
        + kind
        + data
        + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
