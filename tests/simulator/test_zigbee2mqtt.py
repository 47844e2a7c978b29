"""The simulated Zigbee2MQTT where its devices misbehave.

That it does what the real one does is tests/real_zigbee2mqtt/test_contract.py's to say.
"""

import asyncio
from typing import Any

import pytest

from simulator import zigbee2mqtt
from simulator.device import Device, Fault
from simulator.devices import BreakerMonitor
from simulator.zigbee2mqtt import Zigbee2Mqtt


class Bridge:
    """Zigbee2MQTT with one device, and what it publishes."""

    def __init__(self, device: Device, model: str) -> None:
        """Initialize."""
        self.device = device
        self.published: list[tuple[str, Any]] = []
        self.zigbee2mqtt = Zigbee2Mqtt(
            1, "z", "Zigbee2MQTT", [device], models={device.id: model}
        )
        self.zigbee2mqtt.link.publish = self._publish  # type: ignore[method-assign,assignment]

    def _publish(self, topic: str, message: Any, **_more: Any) -> None:
        self.published.append((topic.removeprefix("z/"), message))

    def states(self) -> list[dict[str, Any]]:
        """Return the states that were published since the last look."""
        published, self.published = self.published, []
        return [row for topic, row in published if topic == self.device.id]

    async def receive(self, kind: str, message: dict[str, Any]) -> None:
        """Send it a message, and wait until it is done."""
        self.zigbee2mqtt.receive(self.device.id, kind, message)
        while tasks := self.zigbee2mqtt._tasks:
            await asyncio.gather(*tasks)
            await asyncio.sleep(0)


@pytest.fixture
def expected_lingering_timers() -> bool:
    """Physical devices have timers: their mechanisms."""
    return True


@pytest.fixture
async def breaker() -> Bridge:
    """Return Zigbee2MQTT with a breaker that has reported."""
    bridge = Bridge(BreakerMonitor("b", "Breaker", "1"), "TS011F_din_smart_relay")
    bridge.device.report()
    return bridge


async def test_each_attribute_is_a_message_with_the_whole_cache(
    breaker: Bridge,
) -> None:
    """What was said before is repeated with each."""
    states = breaker.states()
    assert [len(state) for state in states] == [2, 3, 4, 5, 6]
    assert states[0].keys() < states[-1].keys()
    assert list(states[-1]) == sorted(states[-1])


async def test_a_command_is_published_with_the_current_of_before(
    breaker: Bridge,
) -> None:
    """Also where the contact is welded: it was acknowledged, no more."""
    before = breaker.states()[-1]
    breaker.device.faults.add(Fault.WELDED)
    await breaker.receive("set", {"state": "OFF"})
    hopes = [state for state in breaker.states() if state["state"] == "OFF"]
    assert hopes[0]["current"] == before["current"]


@pytest.mark.parametrize(
    ("kind", "message", "fault", "text"),
    [
        ("set", {"state": "OFF"}, Fault.IGNORES, "z2m: Publish 'set' 'state' to 'b'"),
        ("get", {"state": ""}, Fault.SILENT, "z2m: Publish 'get' 'state' to 'b'"),
        ("get", {"colour": ""}, Fault.LATE, "z2m: No converter available for 'colour'"),
    ],
)
async def test_a_failure_is_told_in_the_log_alone(
    breaker: Bridge,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    message: dict[str, Any],
    fault: Fault,
    text: str,
) -> None:
    """No state comes then."""
    monkeypatch.setattr(zigbee2mqtt, "TIMEOUT_SECONDS", 0)
    monkeypatch.setattr(zigbee2mqtt, "DELIVERY_SECONDS", 0)
    breaker.published.clear()
    breaker.device.faults.add(fault)
    await breaker.receive(kind, message)
    ((topic, row),) = breaker.published
    assert topic == "bridge/logging"
    assert row["level"] == "error"
    assert row["message"].startswith(text)
