"""What devices say: to us, to Home Assistant's discovery, and the readings for both.

Both sides get the same readings, byte for byte: those of our protocol. On the other side
each entity has a discovery message with a template, as Zigbee2MQTT and the firmware of
breakers and sensors make them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
import json
import time
from typing import Any

type Message = tuple[str, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A reading: what it is to discovery, and how it moves.

    It goes up and down by at most `spread` above `base`; each message has another value
    than the one before. `climbs` by so much with each message instead.
    """

    base: float = 0
    spread: float = 0
    climbs: float = 0
    component: str = "sensor"
    device_class: str | None = None
    unit: str | None = None
    state_class: str | None = "measurement"

    def value(self, number: int, sequence: int) -> float | bool:
        """Return the value in a device's message."""
        if self.component != "sensor":
            return self.base == 1
        if self.climbs:
            return round(self.base + self.climbs * sequence, 2)
        # Seven and ten have no common divisor: ten different values, none twice in a row.
        return round(self.base + self.spread * ((sequence * 7 + number) % 10) / 9, 2)


def _three(name: str, reading: Reading) -> dict[str, Reading]:
    return {f"{name}_l{phase}": reading for phase in (1, 2, 3)}


#: Readings by kind. They move as a meter's do: less than what is written at once.
KINDS: dict[str, dict[str, Reading]] = {
    "breaker_monitor": {
        **_three(
            "current",
            Reading(base=9, spread=1.5, device_class="current", unit="A"),
        ),
        **_three(
            "voltage",
            Reading(base=228, spread=4, device_class="voltage", unit="V"),
        ),
        "power": Reading(base=2100, spread=300, device_class="power", unit="W"),
        "energy": Reading(
            base=1000,
            climbs=0.01,
            device_class="energy",
            unit="kWh",
            state_class="total_increasing",
        ),
        "residual_current": Reading(
            base=6, spread=5, device_class="current", unit="mA"
        ),
        "conductor_temperature": Reading(
            base=40, spread=3, device_class="temperature", unit="°C"
        ),
        "supply": Reading(base=1, component="switch"),
    },
    "smoke_sensor": {
        "smoke": Reading(component="binary_sensor", device_class="smoke"),
        "temperature": Reading(
            base=20, spread=1.5, device_class="temperature", unit="°C"
        ),
        "smoke_density": Reading(base=0.1, spread=0.3, unit="%/m"),
    },
}
#: Readings whose entities are off by default at our side; the benchmark enables them.
OFF_BY_DEFAULT = ("voltage_l1", "voltage_l2", "voltage_l3")


@dataclass(frozen=True, slots=True)
class Fleet:
    """Devices of one kind below one base topic, numbered from 0."""

    base: str
    kind: str
    count: int

    @property
    def entities(self) -> int:
        """Return how many entities discovery makes of it; ours has more."""
        return self.count * len(KINDS[self.kind])

    @property
    def changing(self) -> int:
        """Return how many readings are another in each message."""
        rows = KINDS[self.kind].values()
        return sum(row.component == "sensor" for row in rows)

    def name(self, number: int) -> str:
        """Return a device's name."""
        return f"{self.kind.replace('_', ' ').capitalize()} {number}"

    def id(self, number: int) -> str:
        """Return a device's id."""
        return f"{self.kind}_{number}".replace("_", "-")

    def topic(self, number: int) -> str:
        """Return the topic of a device's readings."""
        return f"{self.base}/{self.id(number)}/state"

    def state(self, number: int, sequence: int, **fixed: float | bool) -> Message:
        """Return a message with all readings of a device."""
        values = {
            key: reading.value(number, sequence)
            for key, reading in KINDS[self.kind].items()
        }
        message = {**_head(number, sequence), "values": {**values, **fixed}}
        return self.topic(number), _encode(message)

    def online(self) -> Iterable[Message]:
        """Return what our side needs to hear of the gateway."""
        yield (
            f"{self.base}/gateway",
            _encode({**_head(0, 0), "name": self.base.rpartition("/")[2]}),
        )
        yield f"{self.base}/status", _encode({"version": 1, "online": True})

    def config(self, number: int) -> Message:
        """Return what our side needs to hear of a device."""
        message = {
            **_head(number, 0),
            "kind": self.kind,
            "name": self.name(number),
            "readings": list(KINDS[self.kind]),
            "manufacturer": "Benchmark",
            "model": self.kind,
        }
        return f"{self.base}/{self.id(number)}/config", _encode(message)

    def discovery(self, number: int, prefix: str) -> Iterable[Message]:
        """Return what the other side needs: one message for each entity."""
        for key, reading in KINDS[self.kind].items():
            object_id = f"{self.base}_{self.id(number)}_{key}".replace("/", "_")
            message: dict[str, Any] = {
                "unique_id": object_id,
                "default_entity_id": f"{reading.component}.{self.entity(number, key)}",
                "name": key.replace("_", " ").capitalize(),
                "state_topic": self.topic(number),
                "value_template": f"{{{{ value_json['values'].{key} }}}}",
                "qos": 1,
                "device": {
                    "identifiers": [f"{self.base}/{self.id(number)}"],
                    "name": self.name(number),
                    "manufacturer": "Benchmark",
                    "model": self.kind,
                },
            }
            if reading.device_class:
                message["device_class"] = reading.device_class
            if reading.component == "sensor":
                message["unit_of_measurement"] = reading.unit
                message["state_class"] = reading.state_class
            elif reading.component == "switch":
                message |= {
                    "state_on": "True",
                    "state_off": "False",
                    "command_topic": f"{self.base}/{self.id(number)}/set",
                }
            else:
                message |= {"payload_on": "True", "payload_off": "False"}
            yield (
                f"{prefix}/{reading.component}/{object_id}/config",
                _encode(message),
            )

    def entity(self, number: int, key: str) -> str:
        """Return the object id that the other side is told to use."""
        return f"{self.base.rpartition('/')[2]}_{number}_{key}"


def _head(number: int, sequence: int) -> dict[str, Any]:
    now = time.time()
    return {"version": 1, "id": f"{number}-{sequence}-{now:.6f}", "time": now}


def _encode(message: dict[str, Any]) -> bytes:
    return json.dumps(message, separators=(",", ":")).encode()
