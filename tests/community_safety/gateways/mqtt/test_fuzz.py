"""Malformed messages by the thousand: no exception, no wrong state, no growing memory.

    FUZZ_MESSAGES=100000 pytest tests/community_safety/gateways/mqtt/test_fuzz.py

sends that many to each gateway and prints what they cost; without it, some thousands.
"""

from collections.abc import Callable
import copy
import gc
import json
import logging
import os
import random
import time
import tracemalloc
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings, strategies as st
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.community_safety.core.device import SafetyDevice
from custom_components.community_safety.core.house import DATA_HOUSE
from custom_components.community_safety.gateways import protocol
from custom_components.community_safety.gateways.mqtt import NativeGateway, zigbee2mqtt
from custom_components.community_safety.gateways.over_mqtt import MqttGateway
from homeassistant.components.mqtt.models import ReceiveMessage
from homeassistant.core import HomeAssistant
from tests.common import BASE, Peer, add_gateway, wait_until

from .test_native import CREDENTIAL, HEAD, INVALID, VALID
from .test_zigbee2mqtt import BREAKER_ENTRY, BREAKER_NAME, DEVICES, SMOKE, SMOKE_NAME

MESSAGES = int(os.environ.get("FUZZ_MESSAGES", "2000"))
BATCHES = 10
PER_EXAMPLE = 20
ROUNDS = min(20, max(6, MESSAGES // 2000))
KNOWN = "smoke-1"

type Message = tuple[str, bytes, bool]

SCALAR = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(
        ["e_bike", "online", "ON", "x" * 70_000, "\x00", "\u70df", 10**400]
    )
)
JSON = st.recursive(
    SCALAR,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)
RAW = st.binary(max_size=200) | st.sampled_from(
    [
        b"",
        b"[" * 60_000,
        b'{"a":' * 10_000,
        b"9" * 60_000,
        b"-1e999",
        b"NaN",
        b'{"version": NaN}',
        b'"\xed\xa0\x80"',
        b'"\\ud800"',
        b"\xef\xbb\xbf{}",
        b'{"version":1,"version":2}',
        b"\xff\xd8 picture",
        b"{" + b'"k":1,' * 9_000 + b'"k":1}',
        b" " * 70_000,
    ]
)


def encoded(value: Any) -> bytes:
    """Return JSON as a careless device would write it, NaN and lone surrogates included."""
    return json.dumps(value).encode("utf-8", "surrogatepass")


@st.composite
def mutated(draw: st.DrawFn, valid: dict[str, Any]) -> bytes:
    """Return a good message with something wrong, or changed, at some depth."""
    message = copy.deepcopy(valid)
    target: Any = message
    for _depth in range(draw(st.integers(0, 3))):
        inner = [
            value for value in target.values() if isinstance(value, dict) and value
        ]
        target = draw(st.sampled_from(inner)) if inner else target
    key = draw(st.sampled_from(sorted(target)))
    match draw(st.sampled_from(["drop", "change", "add", "cut"])):
        case "drop":
            del target[key]
        case "change":
            target[key] = draw(JSON)
        case "add":
            target[draw(st.text(max_size=8))] = draw(JSON)
        case "cut":
            whole = encoded(message)
            return whole[: draw(st.integers(0, len(whole)))]
    return encoded(message)


DEVICE_IDS = st.sampled_from(
    [KNOWN, *(f"other-{n}" for n in range(30)), "", " ", "a b", "\u70df", "gateway"]
) | st.text(max_size=70)
OTHER_IDS = DEVICE_IDS.filter(lambda device: device != KNOWN)
KINDS = ("config", "state", "availability", "passage", "result", "snapshot")
GOOD = {
    "config": [
        VALID["smoke-1/config"],
        {**VALID["smoke-1/config"], "kind": "water_tank", "readings": ["level"]},
        {**VALID["smoke-1/config"], "kind": "hydrant", "readings": ["pressure", "battery"]},
        {**VALID["smoke-1/config"], "kind": "elevator_blocker", "readings": ["class_seen", "confidence"]},
        {**VALID["smoke-1/config"], "kind": "vehicle_gate", "readings": ["locked", "opened"], "commands": ["open", "credentials"]},
    ],
    "state": [
        VALID["smoke-1/state"],
        {**VALID["smoke-1/state"], "values": {"class_seen": "e_bike", "confidence": 99, "level": 3, "pressure": 1e9}},
    ],
    "availability": [VALID["smoke-1/availability"]],
    "passage": [
        VALID["smoke-1/passage"],
        {**VALID["smoke-1/passage"], "means": "plate", "inwards": True, "late": True, "score": 0.5, "event": "e", "corrected": True, "category": "c"},
        {**HEAD, "index": 8, "door": "1", "decision": "seen", "means": "sight", "category": "person", "colour": "red", "age_group": "child"},
    ],
    "result": [
        VALID["smoke-1/result"],
        {**VALID["smoke-1/result"], "count": 1, "credentials": [CREDENTIAL]},
    ],
    "snapshot": [{}],
}  # fmt: skip
# What is certainly no message for the known device, whatever it is for others.
CERTAINLY_BAD = [
    (topic, encoded({**VALID[topic], field: value}))
    for topic, fields in INVALID.items()
    if topic.startswith(KNOWN) and not topic.endswith("result")
    for field, values in fields.items()
    for value in values
]


@st.composite
def native_message(draw: st.DrawFn) -> Message:
    """Return a message to our protocol's gateway."""
    retained = draw(st.booleans())
    match draw(
        st.sampled_from(["bad", "bad", "raw", "other", "other", "good", "whole"])
    ):
        case "bad":
            topic, payload = draw(st.sampled_from(CERTAINLY_BAD))
            return topic, payload, retained
        case "raw":
            # An empty config removes a device, which is right: others have that.
            payload = draw(RAW | JSON.map(encoded)) or b" "
            return f"{KNOWN}/{draw(st.sampled_from(KINDS))}", payload, retained
        case "whole":
            topic = draw(st.sampled_from(["gateway", "status"]))
            payload = draw(RAW | JSON.map(encoded) | mutated(VALID[topic]))
            return topic, payload, retained
        case "other":
            kind = draw(st.sampled_from(KINDS))
            good = draw(st.sampled_from(GOOD[kind]))
            bad = RAW | JSON.map(encoded)
            payload = draw(bad | mutated(good) if good else bad)
            return f"{draw(OTHER_IDS)}/{kind}", payload, retained
    kind = draw(st.sampled_from(["config", "state"]))
    message = {
        **draw(st.sampled_from(GOOD[kind])),
        "id": draw(st.text(min_size=1, max_size=9)),
        "time": draw(st.floats(0, 4e9)),
    }
    return f"{draw(OTHER_IDS)}/{kind}", encoded(message), retained


@st.composite
def zigbee_message(draw: st.DrawFn) -> Message:
    """Return a message to the gateway of Zigbee2MQTT."""
    topics = {
        "bridge/state": {"state": "online"},
        "bridge/info": {"version": "2.5", "coordinator": {"type": "x"}, "config": {"device_options": {}, "devices": {}, "advanced": {}}},
        "bridge/logging": {"level": "error", "message": f"Publish 'set' 'state' to '{BREAKER_NAME}' failed: 'no'"},
        "bridge/response/device/remove": {"status": "error", "data": {"id": SMOKE}},
        SMOKE_NAME: {"smoke": False, "battery": 80, "tamper": False},
        f"{SMOKE_NAME}/availability": {"state": "online"},
        BREAKER_NAME: {"state": "ON", "power": 3, "current": 1},
        "nobody": {"smoke": True},
    }  # fmt: skip
    if draw(st.integers(0, 3)) == 0:
        entries = draw(st.sampled_from([DEVICES[0], DEVICES[3], BREAKER_ENTRY]))
        payload = (
            b"["
            + b",".join(
                [encoded(DEVICES[1]), draw(mutated(entries)), encoded(draw(JSON))]
            )
            + b"]"
        )
        return "bridge/devices", draw(RAW | st.just(payload)), draw(st.booleans())
    topic = draw(st.sampled_from(sorted(topics)))
    payload = draw(RAW | JSON.map(encoded) | mutated(topics[topic]))
    return topic, payload, draw(st.booleans())


def deliver(gateway: MqttGateway, message: Message) -> None:
    """Hand a message over as Home Assistant's MQTT integration does."""
    topic, payload, retained = message
    base = gateway.base_topic
    gateway._receive(
        ReceiveMessage(f"{base}/{topic}", payload, 1, retained, f"{base}/#", 0.0)
    )


async def fuzz(
    hass: HomeAssistant,
    gateway: MqttGateway,
    message: st.SearchStrategy[Message],
    is_sound: Callable[[int], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Send messages in batches, look at the state after each few, and at the memory."""
    corpus: list[Message] = []
    slowest = 0.0
    sent = 0
    begun = time.perf_counter()

    chance = random.getstate()

    def take(messages: list[Message]) -> None:
        nonlocal sent, slowest, chance
        # Hypothesis seeds it anew for each example, and the registries draw ids from it.
        random.setstate(chance)
        for item in messages:
            # Time on the processor: what else the machine does is not to be blamed.
            at = time.thread_time()
            deliver(gateway, item)
            slowest = max(slowest, time.thread_time() - at)
        sent += len(messages)
        corpus.extend(messages)
        is_sound(sent)
        chance = random.getstate()

    check = settings(
        max_examples=max(1, MESSAGES // BATCHES // PER_EXAMPLE),
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )(given(st.lists(message, min_size=PER_EXAMPLE, max_size=PER_EXAMPLE))(take))
    for _batch in range(BATCHES):
        check()
        await hass.async_block_till_done()
        assert "Traceback" not in caplog.text
        caplog.clear()
    seconds = time.perf_counter() - begun
    # The same again and again: what still grows then has no bound.
    sizes: list[int] = []
    house = hass.data[DATA_HOUSE]
    # Entities that come and go are told in lines, which the test's own handlers keep.
    caplog.set_level(logging.WARNING, "homeassistant")
    tracemalloc.start()
    for _round in range(ROUNDS):
        for item in corpus[-2000:]:
            deliver(gateway, item)
        # Alarms of the last half second are kept for this; a round takes about as long.
        house.book.store_announced()
        await wait_until(hass, lambda: not house.storage.is_busy)
        caplog.clear()
        gc.collect()
        sizes.append(tracemalloc.get_traced_memory()[0] // 1024)
    tracemalloc.stop()
    print(  # noqa: T201
        f"{gateway.entry.data['dialect']}: {sent} messages in {seconds:.0f} s, slowest"
        f" {slowest * 1000:.0f} ms, {gateway.refused.total()} refused for"
        f" {len(gateway.refused)} reasons; KiB after each round of 2000: {sizes}"
    )
    assert sent >= MESSAGES
    assert len(gateway.refused) < 300
    assert slowest < 1
    # Debugging data of asyncio comes and goes; 6,000 messages that are kept have megabytes.
    assert sizes[-1] < sizes[ROUNDS // 2] + 400


@pytest.mark.timeout(3600)
async def test_native(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    peer: Peer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Nothing that others send ends what a device has said, or keeps it from being heard."""
    monkeypatch.setattr(protocol, "MOST_DEVICES", 20)
    monkeypatch.setattr(protocol, "MOST_EARLY", 40)
    run: NativeGateway = gateway.runtime_data
    await peer.send(f"{BASE}/smoke-1/config", VALID["smoke-1/config"])
    known: SafetyDevice = run.devices[KNOWN]
    description = known.description
    readings: dict[str, Any] = {}

    def is_sound(number: int) -> None:
        assert run.devices[KNOWN] is known
        assert known.description == description
        # A state that is refused may raise a fire, or make it unknown: it ends none.
        assert not readings.get("smoke") or known.readings.get("smoke", True)
        readings.update(smoke=number % 200 == 0, temperature=float(number % 50))
        state = {**VALID["smoke-1/state"], "id": f"n{number}", "time": 1000 + number}
        deliver(run, ("smoke-1/state", encoded({**state, "values": readings}), False))
        assert {key: known.readings[key] for key in readings} == readings
        assert len(run.devices) <= 20 and len(run._early) <= 40
        assert len(run._orders) <= 20

    await fuzz(hass, run, native_message(), is_sound, caplog)
    for uid in {alarm.device for alarm in hass.data[DATA_HOUSE].book.open.values()}:
        assert hass.data[DATA_HOUSE].device(uid)


@pytest.mark.timeout(3600)
async def test_zigbee2mqtt(
    hass: HomeAssistant,
    peer: Peer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The same for Zigbee2MQTT: whatever came, a good list and a good state are taken.

    What could not be read made all of it unknown: the detector's own word is what changes.
    """
    monkeypatch.setattr(zigbee2mqtt, "MOST_DEVICES", 20)
    entry = await add_gateway(hass, "zigbee2mqtt", "zigbee2mqtt")
    run: zigbee2mqtt.Zigbee2MqttGateway = entry.runtime_data
    devices = encoded(DEVICES)
    deliver(run, ("bridge/state", b'{"state": "online"}', True))
    deliver(run, ("bridge/devices", devices, True))
    await wait_until(hass, lambda: SMOKE in run.devices)

    def is_sound(number: int) -> None:
        deliver(run, ("bridge/devices", devices, True))
        battery = float(number % 100)
        state = {"smoke": number % 200 == 0, "battery": battery}
        before = {"smoke": not state["smoke"], "battery": battery + 0.5}
        for row in (before, state):
            deliver(run, (SMOKE_NAME, encoded(row), False))
        readings = run.devices[SMOKE].readings
        assert (readings["smoke"], readings["battery"]) == (state["smoke"], battery)
        assert len(run.devices) <= 20

    await fuzz(hass, run, zigbee_message(), is_sound, caplog)
