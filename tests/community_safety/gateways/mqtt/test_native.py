"""Our own protocol over a real broker: what is taken, what is refused, and what is sent."""

from collections.abc import Generator
from dataclasses import replace
from datetime import timedelta
from itertools import permutations
import json
from math import isfinite
import subprocess
import sys
import time
from typing import Any
from unittest.mock import AsyncMock

import fastjsonschema
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.community_safety.catalogue import DEVICE_KINDS, is_catalogued
from custom_components.community_safety.catalogue.measurements import (
    Point,
    Value,
    point_key,
)
from custom_components.community_safety.const import DOMAIN
from custom_components.community_safety.core.device import DERIVED, SafetyDevice
from custom_components.community_safety.core.house import DATA_HOUSE
from custom_components.community_safety.gateways import protocol
from custom_components.community_safety.gateways.base import CommandError
from custom_components.community_safety.gateways.messages import UNKNOWN
from custom_components.community_safety.gateways.mqtt import gateway as over_mqtt
from homeassistant.components import mqtt
from homeassistant.components.mqtt import client as mqtt_client
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import (
    area_registry as ar,
    device_registry as dr,
    entity_registry as er,
    issue_registry as ir,
)
from homeassistant.util import dt as dt_util
from tests.common import BASE, Peer, add_gateway, wait_until
from tests.conftest import ROOT

HEAD = {"version": 1, "id": "first", "time": 1000}
VALID: dict[str, dict[str, Any]] = {
    "gateway": {**HEAD, "name": "Building 1"},
    "status": {"version": 1, "online": True},
    "smoke-1/config": {
        **HEAD,
        "kind": "smoke_sensor",
        "name": "Smoke 1",
        "readings": ["smoke", "temperature"],
    },
    "smoke-1/state": {**HEAD, "values": {"smoke": False, "temperature": 21.5}},
    "smoke-1/availability": {"version": 1, "online": True},
    "smoke-1/passage": {
        **HEAD,
        "index": 7,
        "door": "1",
        "number": "1234",
        "decision": "granted",
    },
    "smoke-1/result": {"version": 1, "id": "h", "ok": True},
}
#: As it is in a list that a device answers with.
CREDENTIAL = {"number": "1234", "begin": 1000, "end": 2000, "doors": ["1"]}
TEXTS = ["", "x" * 101, 1, None, ["x"]]
IDS = ["", "x" * 65, 1, None, True]
TIMES = [-1, 4294967297, "1000", None, True, 1e300]
VERSIONS = [0, 2, "1", None, 1.5]
NO_BOOLEANS = [0, 1, "true", None, "online"]
NUMBERS = ["", "x" * 33, 1, None, True]
DOORS: list[Any] = ["", "0", "01", "100", "a", 1, None, True]
#: Values of a credential that are not valid.
NO_CREDENTIAL: dict[str, list[Any]] = {
    "number": NUMBERS,
    "begin": TIMES,
    "end": TIMES,
    "doors": [None, "1", [[]], ["1", "1"], *([door] for door in DOORS)],
}
#: By topic and field: values that are not valid. What is required is left out as well.
INVALID: dict[str, dict[str, list[Any]]] = {
    "gateway": {
        "version": VERSIONS,
        "id": IDS,
        "time": TIMES,
        "name": TEXTS,
        "manufacturer": TEXTS,
        "model": TEXTS,
        "firmware": TEXTS,
        "serial": TEXTS,
    },
    "status": {"version": VERSIONS, "online": NO_BOOLEANS},
    "smoke-1/config": {
        "version": VERSIONS,
        "id": IDS,
        "time": TIMES,
        "kind": ["gateway", "toaster", None, 1, []],
        "name": TEXTS,
        "readings": [
            [],
            {},
            "smoke",
            [1],
            ["Smoke"],
            ["smoke", "smoke"],
            ["x" * 65],
            [f"smoke_{n}" for n in range(401)],
            ["no_such_reading"],
            ["pressure", "unresponsive"],
        ],
        "commands": ["silence", ["explode"], ["silence", "silence"], None],
        "manufacturer": TEXTS,
        "model": TEXTS,
        "firmware": TEXTS,
        "hardware": TEXTS,
        "serial": TEXTS,
        "area": TEXTS,
        "power": ["solar", None, 1],
        "interval": [-1, 604801, "60", None],
    },
    "smoke-1/state": {
        "version": VERSIONS,
        "id": IDS,
        "time": TIMES,
        "values": [
            None,
            [],
            "smoke",
            {"smoke": None},
            {"smoke": [True]},
            {"smoke": {"is": True}},
            {"smoke": "x" * 65},
            {"Smoke": True},
            {"": True},
            {f"smoke_{n}": True for n in range(401)},
        ],
    },
    "smoke-1/availability": {"version": VERSIONS, "online": NO_BOOLEANS},
    "smoke-1/passage": {
        "version": VERSIONS,
        "id": IDS,
        "time": TIMES,
        "index": [-1, 2**53, 0.5, "7", None, True],
        "door": DOORS,
        "number": NUMBERS,
        "decision": ["open", "", 1, None, []],
        "inwards": NO_BOOLEANS,
        "late": NO_BOOLEANS,
        "means": ["fob", "", 1, None],
        "category": NUMBERS,
        "colour": ["crimson", "Red", "", 1, None, ["red"]],
        "age_group": ["baby", "", 7, None],
        "score": [-0.1, 1.1, "1", None, True],
        "event": IDS,
        "corrected": NO_BOOLEANS,
    },
    "smoke-1/result": {
        "version": VERSIONS,
        "id": IDS,
        "ok": NO_BOOLEANS,
        "reason": TEXTS,
        "credentials": [
            {},
            None,
            [CREDENTIAL] * 201,
            [1],
            *(
                [{key: value for key, value in CREDENTIAL.items() if key != left_out}]
                for left_out in CREDENTIAL
            ),
            *(
                [{**CREDENTIAL, key: value}]
                for key, values in NO_CREDENTIAL.items()
                for value in values
            ),
        ],
        "count": [-1, 0.5, "1", None, True],
    },
}
NOT_EVEN_JSON = [b"{", b"\xff\xfe", b"NaN", b"[1,", b'{"a":1}x', b"[" * 5000]
NO_OBJECT = [b"null", b"1", b"true", b'"text"', b"[]", b"{}", b"1e400", b"9" * 5000]


def definitions() -> dict[str, Any]:
    """Return the definitions of the protocol's schema."""
    return dict(json.loads(protocol.SCHEMA.read_text("utf-8"))["definitions"])


@pytest.fixture
async def smoke(gateway: MockConfigEntry, peer: Peer) -> SafetyDevice:
    """Return a smoke sensor that has reported."""
    for topic, message in VALID.items():
        await peer.send(f"{BASE}/{topic}", message, retain=True)
    device: SafetyDevice = gateway.runtime_data.devices["smoke-1"]
    assert device.readings["temperature"] == 21.5
    return device


def test_nothing_is_left_out() -> None:
    """Each definition and field of the schema is in the tables; what we send is tested below."""
    fields = {
        name: set(row["properties"])
        for name, row in definitions().items()
        if "properties" in row and name not in ("set", "get", "credentials")
    }
    assert set(NO_CREDENTIAL) == fields.pop("credential")
    assert {
        topic.rpartition("/")[2]: set(rows) for topic, rows in INVALID.items()
    } == fields
    assert set(DEVICE_KINDS) == set(
        definitions()["config"]["properties"]["kind"]["enum"]
    )


async def test_refused(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    smoke: SafetyDevice,
    peer: Peer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A bad message is counted, and told once per device and reason.

    It changes nothing; but a state may have told of a fire, so that it is a sensor fault.
    """
    refused, before = gateway.runtime_data.refused, dict(smoke.readings)
    description, online = smoke.description, gateway.runtime_data.connected
    sent = 0
    for topic, fields in INVALID.items():
        valid = VALID[topic]
        messages: list[Any] = [*NOT_EVEN_JSON, *NO_OBJECT]
        kind = topic.rpartition("/")[2]
        messages += [
            {k: v for k, v in valid.items() if k != required}
            for required in definitions()[kind]["required"]
        ]
        messages += [
            {**valid, field: value} for field, rows in fields.items() for value in rows
        ]
        for message in messages:
            peer.publish(f"{BASE}/{topic}", message)
        await peer.settled()
        sent += len(messages)
        assert refused.total() == sent, topic
    assert smoke.readings == {"unresponsive": False, "implausible": True}
    assert smoke.description == description
    assert smoke.available and online
    book = hass.data[DATA_HOUSE].book
    assert [row.hazard for row in book.open.values()] == ["sensor_fault"]
    await peer.send(f"{BASE}/smoke-1/state", VALID["smoke-1/state"] | {"id": "again"})
    assert smoke.readings == before
    assert not book.open
    assert {device for device, _reason in refused} == {"smoke-1", "the gateway"}
    assert caplog.text.count("refused: ") == len(refused)
    reasons = {reason for device, reason in refused if device == "smoke-1"}
    assert {"not JSON", "state: values is not valid"} <= reasons
    assert len(refused) < 80

    # What is too long is not looked at.
    await peer.send(f"{BASE}/smoke-1/state", b" " * (64 * 1024 + 1))
    assert refused["smoke-1", "too long"] == 1
    # An id that cannot be part of ours; one that nobody knows.
    for bad in ("a b", "x" * 65, "\u70df", ""):
        await peer.send(f"{BASE}/{bad}/config", VALID["smoke-1/config"])
    assert refused[UNKNOWN, "config: the device's id is not valid"] == 4
    assert list(gateway.runtime_data.devices) == ["smoke-1"]
    await peer.send(f"{BASE}/nobody/state", b"x")
    assert refused[UNKNOWN, "not JSON"] == 1
    # A good one is good after all of this.
    await peer.state("smoke-1", smoke=True)
    assert smoke.readings["smoke"] is True


async def test_values(
    gateway: MockConfigEntry, smoke: SafetyDevice, peer: Peer
) -> None:
    """A value of the wrong type makes its reading unknown; the others of the message count."""

    def known() -> tuple[Any, Any]:
        return smoke.readings.get("smoke"), smoke.readings.get("temperature")

    await peer.state("smoke-1", smoke="yes", temperature=30)
    assert known() == (None, 30)
    await peer.state("smoke-1", smoke=1, temperature="31")
    assert known() == (None, None)
    await peer.state("smoke-1", smoke=True, temperature=True)
    assert known() == (True, None)
    assert gateway.runtime_data.refused == {
        ("smoke-1", "smoke: unusable value"): 2,
        ("smoke-1", "temperature: unusable value"): 2,
    }
    # Readings of tomorrow, of other kinds, and what we find out ourselves are passed over.
    before = dict(smoke.readings)
    await peer.state(
        "smoke-1", colour="red", pressure=3, unresponsive=True, implausible=1
    )
    assert smoke.readings == before
    assert gateway.runtime_data.refused.total() == 4


async def test_optional_fields(
    hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer
) -> None:
    """What a gateway and a device say of themselves is shown."""
    who = {
        "manufacturer": "Maker",
        "model": "M1",
        "firmware": "1.2",
        "serial": "S1",
        "field_of_tomorrow": [1],
    }
    await peer.send(f"{BASE}/gateway", {**VALID["gateway"], **who}, retain=True)
    await peer.config(
        "breaker",
        "breaker_monitor",
        ["supply_1", "current_l1", "no_such_reading", "offline"],
        hardware="B",
        area="1-1-201",
        power="battery",
        interval=60,
        commands=["self_test", "silence"],
        **who,
    )
    device = gateway.runtime_data.devices["breaker"]
    registry = dr.async_get(hass)
    bridge = registry.async_get(gateway.runtime_data.device.device_id)
    entry = registry.async_get(device.device_id)
    area = ar.async_get(hass).async_get_area_by_name("1-1-201")
    assert bridge and entry and area
    shown = ("manufacturer", "model", "sw_version", "serial_number")
    for item in (bridge, entry):
        assert [getattr(item, key) for key in shown] == ["Maker", "M1", "1.2", "S1"]
    assert bridge.name == "Building 1"
    assert (entry.hw_version, entry.area_id, entry.via_device_id) == (
        "B",
        area.id,
        bridge.id,
    )
    assert device.description.points == {"supply_1", "current_l1"}
    assert device.commands == ["self_test"], "no breaker has a sound to silence"
    assert (device.power, device.description.interval) == ("battery", 60)


async def test_version_of_tomorrow(
    hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer
) -> None:
    """A device of another version of the protocol is refused as a whole."""
    await peer.send(f"{BASE}/new/config", {**VALID["smoke-1/config"], "version": 2})
    assert gateway.runtime_data.devices == {}
    assert gateway.runtime_data.refused[UNKNOWN, "config: version is not valid"] == 1


async def test_retained_at_start(
    hass: HomeAssistant, mqtt_entry: MockConfigEntry, peer: Peer
) -> None:
    """A hazard that is there already raises its alarm; it is no sign of life and proves nothing."""
    await peer.gateway()
    await peer.config("smoke-1", "smoke_sensor", ["smoke"])
    await peer.config("breaker", "breaker_monitor", ["supply", "current"])
    await peer.state("smoke-1", smoke=True)
    await peer.state("breaker", supply=False, current=0)
    entry = await add_gateway(hass)
    book = hass.data[DATA_HOUSE].book
    await wait_until(hass, lambda: len(book.open) == 1)
    gateway = entry.runtime_data
    await wait_until(hass, lambda: "supply" in gateway.devices["breaker"].readings)
    assert [alarm.hazard for alarm in book.open.values()] == ["smoke"]
    for device in gateway.devices.values():
        assert device.reported == {}
        assert device.silence is None
    await peer.state("breaker", supply=False, current=0)
    assert gateway.devices["breaker"].reported.keys() == {"supply", "current"}


async def test_retained_availability_is_no_sign_of_life(
    hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer
) -> None:
    """What the broker sends again after its own restart hides no dead device."""
    await peer.config("smoke-1", "smoke_sensor", ["smoke"])
    runtime = gateway.runtime_data
    device = runtime.devices["smoke-1"]
    device.silence = 600.0
    message = b'{"version": 1, "online": true}'
    runtime.receive("smoke-1/availability", message, retained=True)
    assert device.silence == 600.0
    runtime.receive("smoke-1/availability", message, retained=False)
    assert device.silence is None


async def test_order(
    gateway: MockConfigEntry,
    smoke: SafetyDevice,
    peer: Peer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Repeated and overtaken messages are passed over; a clock that is set back is not."""
    discarded = gateway.runtime_data.discarded

    async def send(number: str, at: float, temperature: float) -> float:
        await peer.send(
            f"{BASE}/smoke-1/state",
            {
                "version": 1,
                "id": number,
                "time": at,
                "values": {"temperature": temperature},
            },
        )
        return float(smoke.readings["temperature"])

    assert await send("a", 2000, 1) == 1
    assert await send("a", 2000, 2) == 1, "repeated"
    assert await send("b", 1999.9, 3) == 1, "overtaken"
    assert await send("b", 1999.9, 4) == 1, "repeated, though it was not taken"
    assert await send("c", 1940.1, 5) == 1, "overtaken"
    assert await send("d", 2000, 6) == 6, "at the same time: as they come"
    assert await send("e", 1940, 7) == 7, "set back"
    assert await send("f", 1941, 8) == 8, "and it goes on from there"
    assert await send("g", 9000, 9) == 9
    assert await send("h", 8990, 10) == 9, "overtaken"
    assert discarded == {"out of order": 5}
    # Set back by a little: what comes later is not overtaken, or a fire would wait.
    now = time.monotonic()
    monkeypatch.setattr(
        protocol, "time", type("Clock", (), {"monotonic": lambda: now + 11})
    )
    assert await send("i", 8991, 11) == 11
    assert await send("j", 8992, 12) == 12
    # An id counts as seen for as long as a broker may repeat it.
    for number in range(protocol.REMEMBERED_IDS):
        await send(f"k{number}", 9001 + number, 13)
    assert await send("a", 9050, 14) == 14
    assert await send("a", 9051, 15) == 15, "a device that counts from its own start"
    assert gateway.runtime_data.refused == {}


async def test_what_comes_late_ends_nothing(
    gateway: MockConfigEntry,
    smoke: SafetyDevice,
    peer: Peer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is older than the fire is not its end, until the clock goes on from there."""
    now = time.monotonic()
    numbers = iter(range(100))

    async def send(at: float, later: float, **values: Any) -> None:
        clock = type("Clock", (), {"monotonic": lambda: now + later})
        monkeypatch.setattr(protocol, "time", clock)
        message = {
            "version": 1,
            "id": f"late {next(numbers)}",
            "time": at,
            "values": values,
        }
        await peer.send(f"{BASE}/smoke-1/state", message)

    await send(9000, 0, smoke=True)
    # A gateway that had no connection sends what it has kept, minute by minute.
    for minute in range(1, 30):
        await send(60 * minute, 15 + minute, smoke=False)
    assert smoke.monitor.severity("smoke") == "alarm"
    assert smoke.fresh_reading("smoke") is True
    await send(9001, 50, smoke=False)
    assert smoke.monitor.severity("smoke") is None
    # A clock that was set back: the first says nothing yet, except that there is a fire.
    await send(100, 100, smoke=True)
    assert smoke.monitor.severity("smoke") == "alarm"
    await send(105, 105, smoke=False)
    assert smoke.monitor.severity("smoke") == "alarm"
    await send(130, 130, smoke=False)
    assert smoke.monitor.severity("smoke") is None
    assert smoke.fresh_reading("smoke") is False


async def test_a_repetition(
    gateway: MockConfigEntry, smoke: SafetyDevice, peer: Peer
) -> None:
    """The broker may deliver a message again, also after a newer one: it says nothing new."""
    fire = peer.state_message({"smoke": True})
    await peer.send(f"{BASE}/smoke-1/state", fire)
    await peer.state("smoke-1", smoke=False)
    await peer.send(f"{BASE}/smoke-1/state", fire)
    assert smoke.readings["smoke"] is False
    assert gateway.runtime_data.discarded == {"repeated": 1}


async def test_an_overtaken_message_loses_what_a_newer_one_has_given(
    gateway: MockConfigEntry, smoke: SafetyDevice, peer: Peer
) -> None:
    """What only it says counts, whatever came before it."""

    async def send(number: str, at: float, **values: Any) -> None:
        message = {"version": 1, "id": number, "time": at, "values": values}
        await peer.send(f"{BASE}/smoke-1/state", message)

    await send("a", 1000, temperature=20)
    await send("c", 1002, temperature=22)
    await send("b", 1001, temperature=21, smoke=False)
    assert smoke.readings["temperature"] == 22
    assert smoke.readings["smoke"] is False
    await send("d", 1003, temperature=23)
    await send("e", 1002.5, temperature=24)
    assert smoke.readings["temperature"] == 23
    assert gateway.runtime_data.discarded == {"out of order": 2}


@pytest.mark.parametrize(
    ("number", "at"),
    [
        pytest.param("z", 1999.0, id="a clock that was set back by a second"),
        pytest.param("b", 2000.0, id="a device that counts and dates anew"),
    ],
)
@pytest.mark.parametrize(
    ("values", "hazard"), [({"smoke": True}, "smoke"), ({"temperature": 90.0}, "heat")]
)
async def test_a_danger_is_never_overtaken(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    smoke: SafetyDevice,
    peer: Peer,
    number: str,
    at: float,
    values: dict[str, Any],
    hazard: str,
) -> None:
    """No clock is right enough to drop a fire; the device is asked how things are."""
    calm = {"smoke": False, "temperature": 21.0}
    for message_id in ("a", "b"):
        message = {"version": 1, "id": message_id, "time": 2000, "values": calm}
        await peer.send(f"{BASE}/smoke-1/state", message)
    changed = {"smoke": False, "temperature": 22.0, **values}
    late = {"version": 1, "id": number, "time": at, "values": changed}
    await peer.send(f"{BASE}/smoke-1/state", late)
    assert hass.data[DATA_HOUSE].book.present(smoke.uid, hazard)
    assert {key: smoke.readings[key] for key in calm} == {**calm, **values}
    assert await peer.hears(f"{BASE}/smoke-1/get")


@pytest.mark.parametrize(
    "said",
    [
        # thorrak/tiltbridge#193: seconds since it was switched on, and it was just now.
        [(1839, False), (1869, False), (11, True)],
        # arendst/Tasmota#2571: after an update it is 1970, until the network tells the time.
        [(1_795_480_000, False), (3, True)],
        # fredilarsen/OrigoSmokeDetector#1: milliseconds since its start, which run over.
        [(4_294_967_000, False), (120, True)],
        # jomjol/AI-on-the-edge-device#3790: one message of 1970 between those of today.
        [(1_795_480_000, False), (36, True), (1_795_480_600, True)],
    ],
)
async def test_clocks_of_the_field(
    hass: HomeAssistant, smoke: SafetyDevice, peer: Peer, said: list[tuple[int, bool]]
) -> None:
    """Whatever they say, the fire is one."""
    for number, (at, burning) in enumerate(said):
        message = {"version": 1, "id": f"n{number}", "time": at}
        await peer.send(
            f"{BASE}/smoke-1/state", {**message, "values": {"smoke": burning}}
        )
    assert hass.data[DATA_HOUSE].book.present(smoke.uid, "smoke")


async def test_a_snapshot_that_is_older_than_what_came_before_it(
    hass: HomeAssistant, gateway: MockConfigEntry, smoke: SafetyDevice, peer: Peer
) -> None:
    """emqx/emqx#15176: after a reconnect the broker sends what is retained after what is live.

    It may be as old, or older (also FraunhoferIOSB/FROST-Server#836), and ends no fire.
    """
    runtime = gateway.runtime_data
    for at, burning, retained in ((2001, True, False), (2000, False, True)):
        message = {"version": 1, "id": f"at {at}", "time": at}
        payload = json.dumps({**message, "values": {"smoke": burning}}).encode()
        runtime.receive("smoke-1/state", payload, retained=retained)
    assert smoke.readings["smoke"] is True
    assert hass.data[DATA_HOUSE].book.present(smoke.uid, "smoke")


async def test_a_retained_availability_wakes_nobody(
    hass: HomeAssistant, gateway: MockConfigEntry, smoke: SafetyDevice, peer: Peer
) -> None:
    """The broker repeats it at each connection: a reconnect must not hide a dead device."""
    online = {"version": 1, "online": True}
    await peer.send(f"{BASE}/smoke-1/availability", online, retain=True)
    smoke.silence = 1000
    smoke.derive(unresponsive=True)
    client = hass.data[mqtt.DATA_MQTT].client
    await client.async_disconnect(disconnect_paho_client=True)
    await wait_until(hass, lambda: not gateway.runtime_data.connected)
    await client.async_connect(client_available=hass.loop.create_future())
    await wait_until(hass, lambda: gateway.runtime_data.connected)
    await peer.settled()
    assert smoke.silence == 1000
    assert smoke.readings["unresponsive"] is True
    await peer.send(f"{BASE}/smoke-1/availability", "", retain=True)


async def test_a_value_that_says_nothing_is_a_fault(
    hass: HomeAssistant, gateway: MockConfigEntry, smoke: SafetyDevice, peer: Peer
) -> None:
    """A detector whose smoke cannot be understood is blind."""
    await peer.state("smoke-1", smoke="yes", temperature=21.0)
    assert hass.data[DATA_HOUSE].book.present(smoke.uid, "sensor_fault")
    assert "smoke" not in smoke.readings
    await peer.state("smoke-1", smoke=False)
    assert not hass.data[DATA_HOUSE].book.present(smoke.uid, "sensor_fault")


async def test_before_its_config(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    peer: Peer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What a device said before it told what it is counts as history once it does."""
    monkeypatch.setattr(protocol, "MOST_EARLY", 2)
    await peer.state("smoke-1", retain=False, smoke=False)
    await peer.state("smoke-1", retain=False, smoke=True)
    await peer.send(f"{BASE}/smoke-1/availability", {"version": 1, "online": False})
    await peer.state("one-too-many", retain=False, smoke=True)
    await peer.state("smoke-1", retain=False, smoke=True)
    assert gateway.runtime_data.devices == {}
    await peer.config("one-too-many", "smoke_sensor", ["smoke"])
    await peer.config("smoke-1", "smoke_sensor", ["smoke"])
    device = gateway.runtime_data.devices["smoke-1"]
    assert device.readings["smoke"] is True
    assert not device.available
    assert device.reported == {}
    assert "smoke" not in gateway.runtime_data.devices["one-too-many"].readings
    assert gateway.runtime_data._early == {}

    # A retained state that is cleared is forgotten.
    await peer.state("smoke-2", smoke=True)
    await peer.send(f"{BASE}/smoke-2/state", "", retain=True)
    await peer.config("smoke-2", "smoke_sensor", ["smoke"])
    assert "smoke" not in gateway.runtime_data.devices["smoke-2"].readings
    assert gateway.runtime_data.refused == {}

    # What a state leaves out is unchanged: the fire is not gone with the next report.
    await peer.state("smoke-3", retain=False, smoke=True)
    await peer.state("smoke-3", retain=False, temperature=21.0)
    await peer.config("smoke-3", "smoke_sensor", ["smoke", "temperature"])
    device = gateway.runtime_data.devices["smoke-3"]
    assert (device.readings["smoke"], device.readings["temperature"]) == (True, 21)
    assert hass.data[DATA_HOUSE].book.present(device.uid, "smoke")


async def test_who_does_not_say_what_it_is(
    hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer
) -> None:
    """Who speaks is not watched before that: a repair says so, and the gateway is at fault."""
    runtime, issues = gateway.runtime_data, ir.async_get(hass)

    def shown() -> set[str]:
        begin = f"device_no_config_{gateway.entry_id}_"
        return {key.removeprefix(begin) for _, key in issues.issues if begin in key}

    async def pass_a_minute() -> None:
        async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=61))
        await hass.async_block_till_done()

    await peer.state("late", retain=False, smoke=True)
    assert shown() == set()
    await peer.config("late", "smoke_sensor", ["smoke"])
    await pass_a_minute()
    assert shown() == set()

    await peer.state("silent", smoke=True)
    await peer.config("strange", "toaster", ["smoke"])
    bad = {
        "version": 1,
        "id": "1",
        "time": 1_795_480_012_400,
        "values": {"smoke": True},
    }
    await peer.send(f"{BASE}/hasty/state", bad)
    await peer.send(f"{BASE}/silent/availability", {"version": 1, "online": True})
    await peer.send(f"{BASE}/nothing/availability", {"version": 1, "online": True})
    await pass_a_minute()
    assert shown() == {"silent", "strange", "hasty"}
    book = hass.data[DATA_HOUSE].book
    assert book.present(runtime.uid, "sensor_fault")

    await peer.config("silent", "smoke_sensor", ["smoke"])
    assert book.present(f"{runtime.uid}/silent", "smoke")
    for topic in ("strange/config", "hasty/state"):
        await peer.send(f"{BASE}/{topic}", "", retain=True)
    assert shown() == set()
    assert not book.present(runtime.uid, "sensor_fault")


FIRE = {"smoke": True, "temperature": 21.0}


@pytest.mark.parametrize(
    "message",
    [
        # In milliseconds, as many have it (qntfy/kazaam#104).
        {**HEAD, "time": 1_795_480_012_400, "values": FIRE},
        {**HEAD, "time": None, "values": FIRE},
        # A clock that was never set: the year 1 (chirpstack/chirpstack-gateway-bridge#19), or
        # no time at all (jomjol/AI-on-the-edge-device#3766).
        {**HEAD, "time": -62135596800, "values": FIRE},
        {"version": 1, "id": "no time", "values": FIRE},
        {**HEAD, "id": 17, "values": FIRE},
        # Something that nobody knows says nothing.
        {**HEAD, "values": {**FIRE, "colour": None}},
    ],
)
async def test_a_refused_state_may_be_a_fire(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    smoke: SafetyDevice,
    peer: Peer,
    message: dict[str, Any],
) -> None:
    """It raises what it shows and ends nothing, and what else it may have told is unknown."""
    book = hass.data[DATA_HOUSE].book
    calm = {**message, "values": {**message["values"], "smoke": False}}
    for sent in (message, calm):
        await peer.send(f"{BASE}/smoke-1/state", sent)
        assert book.present(smoke.uid, "smoke")
        assert book.present(smoke.uid, "sensor_fault")
        assert smoke.fresh_reading("smoke") is not True
    assert gateway.runtime_data.refused.total() == 2
    await peer.state("smoke-1", smoke=False, temperature=21.0)
    assert not any(row.present for row in book.open.values())


@pytest.mark.parametrize(
    ("values", "hazards"),
    [
        # What firmware sends of a sensor that is not there (letscontrolit/ESPEasy#470).
        ({"smoke": True, "temperature": None}, {"smoke", "sensor_fault"}),
        ({"smoke": True, "temperature": [21]}, {"smoke", "sensor_fault"}),
        ({"smoke": None, "temperature": 90.0}, {"heat", "sensor_fault"}),
        ({"smoke": False, "temperature": {"c": 21}}, {"sensor_fault"}),
    ],
)
async def test_a_value_of_another_kind_takes_no_other_with_it(
    hass: HomeAssistant,
    smoke: SafetyDevice,
    peer: Peer,
    values: dict[str, Any],
    hazards: set[str],
) -> None:
    """The rest of the message is fresh, and the danger in it is told."""
    await peer.state("smoke-1", **values)
    book = hass.data[DATA_HOUSE].book
    assert {row.hazard for row in book.of_device(smoke.uid)} == hazards


@pytest.mark.parametrize(
    "payload",
    [
        # arendst/Tasmota#4147; ioBroker/ioBroker.sonoff#65: one "nan" discards all the rest.
        b'{"version": 1, "id": "n", "time": 1, "values": {"smoke": true, "temperature": nan}}',
        b'{"version": 1, "id": "n", "time": 1, "values": {"smoke": true',
        {"version": 2, "id": "n", "time": 1, "values": {"smoke": False}},
    ],
)
async def test_what_cannot_be_read_is_a_fault(
    hass: HomeAssistant, smoke: SafetyDevice, peer: Peer, payload: Any
) -> None:
    """Nobody knows if it was a fire: that is seen, and no smoke is shown as none."""
    await peer.send(f"{BASE}/smoke-1/state", payload)
    book = hass.data[DATA_HOUSE].book
    assert [row.hazard for row in book.of_device(smoke.uid)] == ["sensor_fault"]
    assert not {"smoke", "temperature"} & smoke.readings.keys()


async def test_changed_config(
    hass: HomeAssistant, gateway: MockConfigEntry, smoke: SafetyDevice, peer: Peer
) -> None:
    """What is said of a device follows in place: its alarm lasts, and nobody else notices."""
    config = VALID["smoke-1/config"]
    topic = f"{BASE}/smoke-1/config"
    await peer.send(topic, {**config, "name": "Kitchen", "firmware": "2"}, retain=True)
    assert gateway.runtime_data.devices["smoke-1"] is smoke
    entry = dr.async_get(hass).async_get(smoke.device_id)
    assert entry and (entry.name, entry.sw_version) == ("Kitchen", "2")

    run = gateway.runtime_data
    entities = er.async_get(hass)

    def entity(domain: str, key: str) -> str | None:
        return entities.async_get_entity_id(domain, DOMAIN, f"{smoke.uid}/{key}")

    def shown(domain: str, key: str) -> str:
        state = hass.states.get(str(entity(domain, key)))
        assert state
        return state.state

    assert entity("sensor", "temperature") and entity("binary_sensor", "heat")
    assert not entity("sensor", "battery")
    await peer.state("smoke-1", smoke=True, temperature=21.0)
    (alarm,) = hass.data[DATA_HOUSE].book.open.values()
    assert shown("binary_sensor", "smoke") == "on"
    told: list[str] = []
    hass.data[DATA_HOUSE].book.listen(lambda item: told.append(item.change))
    changed = {**config, "readings": ["smoke", "battery"], "commands": ["silence"]}
    await peer.send(topic, changed, retain=True)

    assert gateway.runtime_data is run and run.devices["smoke-1"] is smoke
    assert entity("sensor", "battery") and entity("button", "silence")
    assert not entity("sensor", "temperature")
    assert not entity("binary_sensor", "heat")
    assert not entity("number", "heat_alarm")
    assert entity("event", "alarm_event")
    assert shown("binary_sensor", "smoke") == "on"
    assert (alarm.present, told) == (True, [])
    # It is heard as before, also with what is new.
    await peer.state("smoke-1", smoke=False, battery=80.0)
    assert not alarm.present and shown("binary_sensor", "smoke") == "off"
    assert shown("sensor", "battery") == "80.0"


async def test_another_kind(
    hass: HomeAssistant, gateway: MockConfigEntry, smoke: SafetyDevice, peer: Peer
) -> None:
    """A device that is of another kind now has that kind's entities, under the same keys."""
    await peer.config("smoke-1", "breaker_monitor", ["supply_1", "current_1"])
    pile = {"supply_1": True, "current_1": 3.0}
    await peer.state("smoke-1", **pile)
    registry = er.async_get(hass)
    socket = registry.async_get_entity_id("switch", DOMAIN, f"{smoke.uid}/supply_1")
    state = hass.states.get(str(socket))
    assert state and state.attributes["device_class"] == "switch"
    assert smoke.kind.key == "breaker_monitor"

    await peer.config("smoke-1", "charging_pile", ["supply_1", "current_1"])
    await hass.async_block_till_done()
    state = hass.states.get(str(socket))
    assert state and (state.state, state.attributes["device_class"]) == ("on", "outlet")
    assert smoke.kind.key == "charging_pile"


def as_danger(point: Point) -> Value:
    """Return a plausible value of a reading that may be a danger."""
    row = point.measurement
    if row.is_number:
        return point.high if isfinite(point.high) else 1e6
    return row.options[0] if row.options else True


async def test_another_kind_before_the_last_is_shown(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    smoke: SafetyDevice,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What is drawn after its alarm may be of a device that has become another: none raises.

    At the end there are the entities of the last kind, and no others.
    """
    run = gateway.runtime_data
    first = smoke.description
    descriptions = [
        replace(
            first,
            kind=kind.key,
            points=frozenset(
                point_key(key, channel)
                for key in kind.measurements
                if key not in DERIVED
                for channel in ("", "1")
            ),
            commands=frozenset(kind.buttons) | {"open"},
        )
        for kind in DEVICE_KINDS.values()
    ]
    assert len(descriptions) > 8
    for before, after in permutations(descriptions, 2):
        for description in (before, after):
            run.add_device(description)
            # Dangers with it: what has changed is drawn once their alarms are on the disk.
            smoke.update({key: as_danger(point) for key, point in smoke.points.items()})
        await hass.async_block_till_done()
        assert smoke.description == after
        entries = er.async_entries_for_device(
            er.async_get(hass), str(smoke.device_id), include_disabled_entities=True
        )
        known = {row.unique_id.removeprefix(f"{smoke.uid}/") for row in entries}
        stale = {key for key in known if is_catalogued(key)} - smoke.keys
        assert not stale, (before.kind, after.kind)
        assert "Traceback" not in caplog.text, (before.kind, after.kind)
        caplog.clear()


async def test_a_cleared_config_lifts_nothing(
    hass: HomeAssistant, gateway: MockConfigEntry, smoke: SafetyDevice, peer: Peer
) -> None:
    """Whoever can write to the broker can clear it: the device is missing, and all else stays."""
    house = hass.data[DATA_HOUSE]
    smoke.settings.limits["heat_alarm"] = 60
    await house.async_save_settings(smoke)
    await peer.state("smoke-1", smoke=True)
    for topic in ("config", "state", "availability", "config", "snapshot", "result"):
        await peer.send(f"{BASE}/smoke-1/{topic}", "", retain=True)
    assert house.book.present(smoke.uid, "smoke")
    assert smoke.readings["unresponsive"] is True
    assert not smoke.available

    # It comes back as the one that it was, and is there once it speaks.
    await peer.send(f"{BASE}/smoke-1/config", VALID["smoke-1/config"], retain=True)
    assert gateway.runtime_data.devices["smoke-1"] is smoke
    assert not smoke.available
    await peer.state("smoke-1", temperature=21.5)
    assert smoke.available
    assert house.book.present(smoke.uid, "smoke")
    assert smoke.limit("heat_alarm") == 60


async def test_a_deleted_device(
    hass: HomeAssistant, gateway: MockConfigEntry, smoke: SafetyDevice, peer: Peer
) -> None:
    """A person takes it with its entities, alarms, settings and counts."""
    house = hass.data[DATA_HOUSE]
    smoke.settings.limits["heat_alarm"] = 60
    await house.async_save_settings(smoke)
    await peer.state("smoke-1", smoke=True, temperature="hot")
    assert gateway.runtime_data.refused
    assert not await gateway.runtime_data.async_delete(smoke), "it would come back"
    await peer.send(f"{BASE}/smoke-1/config", "", retain=True)
    assert await gateway.runtime_data.async_delete(smoke)
    assert gateway.runtime_data.devices == {}
    assert gateway.runtime_data.refused == {}
    assert not house.book.open
    assert house.device(smoke.uid) is None
    assert not dr.async_get(hass).async_get(smoke.device_id)
    assert not [
        entry
        for entry in er.async_get(hass).entities.values()
        if entry.unique_id.startswith(f"{smoke.uid}/")
    ]
    # It comes back as new.
    await peer.send(f"{BASE}/smoke-1/config", VALID["smoke-1/config"], retain=True)
    again = gateway.runtime_data.devices["smoke-1"]
    assert again.limit("heat_alarm") == 57
    await peer.send(f"{BASE}/smoke-1/state", VALID["smoke-1/state"])
    assert again.readings["temperature"] == 21.5, "its ids count from the beginning"


async def test_too_many(
    gateway: MockConfigEntry, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gateway that invents devices without end fills neither memory nor registry."""
    monkeypatch.setattr(protocol, "MOST_DEVICES", 3)
    for number in range(5):
        await peer.config(f"d{number}", "hydrant", ["pressure"])
    assert list(gateway.runtime_data.devices) == ["d0", "d1", "d2"]
    assert gateway.runtime_data.refused == {(UNKNOWN, "too many devices"): 2}
    await peer.config("d1", "hydrant", ["pressure"], name="Known ones may change")
    await peer.send(f"{BASE}/d0/config", "", retain=True)
    gateway.runtime_data.remove_device("d0")
    await peer.config("d4", "hydrant", ["pressure"])
    assert list(gateway.runtime_data.devices) == ["d1", "d2", "d4"]


async def test_gateway_offline(
    hass: HomeAssistant, gateway: MockConfigEntry, smoke: SafetyDevice, peer: Peer
) -> None:
    """Its last will makes the devices unavailable, and is a fault after 60 s."""
    book = hass.data[DATA_HOUSE].book
    status = f"{BASE}/status"
    await peer.send(status, {"version": 1, "online": False}, retain=True)
    assert not smoke.available and not gateway.runtime_data.connected
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=59))
    await hass.async_block_till_done()
    assert not book.open
    await peer.send(status, {"version": 1, "online": True}, retain=True)
    await peer.send(status, {"version": 1, "online": False}, retain=True)
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=59))
    await hass.async_block_till_done()
    assert not book.open, "the time begins anew"
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=61))
    await hass.async_block_till_done()
    (alarm,) = book.open.values()
    assert (alarm.hazard, alarm.severity) == ("gateway_offline", "fault")
    assert alarm.device_id == gateway.runtime_data.device.device_id
    # A fire that gets through all the same is a fire.
    await peer.state("smoke-1", smoke=True)
    assert {alarm.hazard for alarm in book.open.values()} == {
        "gateway_offline",
        "smoke",
    }
    assert not smoke.available
    await peer.send(status, {"version": 1, "online": True}, retain=True)
    assert smoke.available
    assert [alarm.hazard for alarm in book.open.values()] == ["smoke"]


async def test_commands(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    peer: Peer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A command is done, refused or not answered; each says so to the person."""
    monkeypatch.setattr(over_mqtt, "RESULT_SECONDS", 0.3)
    await peer.config("pile", "charging_pile", ["supply_1"], name="Pile")
    await peer.config("other", "charging_pile", ["supply_1"])
    device, send = gateway.runtime_data.devices["pile"], gateway.runtime_data.async_set

    def answer(topic: str, **result: Any) -> None:
        peer.answer(
            f"{BASE}/pile",
            lambda message: peer.publish(
                f"{BASE}/{topic}/result",
                {"version": 1, "id": message["id"], **result},
            ),
        )

    async def error() -> tuple[str, str, str]:
        with pytest.raises(CommandError) as caught:
            await send(device, "supply_1", False)
        text = caught.value
        assert text.translation_domain == DOMAIN and text.translation_placeholders
        assert text.translation_placeholders["device"] == "Pile"
        return text.translation_key or "", text.reason, str(text)

    answer("pile", ok=True)
    await send(device, "supply_1", False)
    message = await peer.hears(f"{BASE}/pile/set")
    assert message["set"] == {"supply_1": False}
    assert abs(message["time"] - time.time()) < 60
    answer("pile", ok=True, reason="in a moment")
    await send(device, "supply_1", False)

    answer("pile", ok=False, reason="welded")
    key, reason, text = await error()
    assert (key, reason) == ("refused", "welded")
    assert "Pile" in text and "welded" in text
    answer("pile", ok=False)
    assert (await error())[:2] == ("refused", "refused")

    registry = dr.async_get(hass)
    registry.async_update_device(device.device_id or "", name_by_user="Shed")
    with pytest.raises(CommandError, match="Shed"):
        await send(device, "supply_1", False)
    registry.async_update_device(device.device_id or "", name_by_user=None)

    peer.answer(f"{BASE}/pile", lambda _message: None)
    assert (await error())[:2] == ("no_answer", "no answer")
    answer("other", ok=True)
    assert (await error())[0] == "no_answer", "nobody answers for another"
    with monkeypatch.context() as broken:
        failed = AsyncMock(side_effect=HomeAssistantError("queue is full"))
        broken.setattr(mqtt, "async_publish", failed)
        assert (await error())[:2] == ("not_connected", "queue is full")
    # An answer that comes too late, or twice, harms nobody.
    await peer.send(f"{BASE}/pile/result", {"version": 1, "id": "old", "ok": True})
    assert gateway.runtime_data._results == {}

    def twice(message: dict[str, Any]) -> None:
        for ok in (True, False):
            result = {"version": 1, "id": message["id"], "ok": ok}
            peer.publish(f"{BASE}/pile/result", result)

    peer.answer(f"{BASE}/pile", twice)
    await send(device, "supply_1", True)
    await peer.settled()
    assert gateway.runtime_data.refused == {}


async def test_what_we_send(
    hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer
) -> None:
    """Every message of ours is valid by the schema that vendors are given."""
    await peer.config(
        "smoke-1", "smoke_sensor", ["smoke"], commands=["silence", "self_test"]
    )
    await peer.config("breaker", "breaker_monitor", ["supply", "current"])
    await peer.config("pile", "charging_pile", ["supply_1", "supply_2"])
    await peer.config("lift", "elevator_blocker", ["class_seen", "confidence", "held"])
    for name in ("smoke-1", "breaker", "pile", "lift"):
        peer.answer(
            f"{BASE}/{name}",
            lambda message, name=name: peer.publish(  # type: ignore[misc]
                f"{BASE}/{name}/result",
                {"version": 1, "id": message["id"], "ok": True},
            ),
        )
    devices, run = gateway.runtime_data.devices, gateway.runtime_data
    devices["lift"].settings.limits["longest_hold"] = 45
    for command in ("silence", "self_test"):
        await run.async_press(devices["smoke-1"], command)
    await run.async_set(devices["breaker"], "supply", True)
    await run.async_refresh(devices["breaker"], ["supply", "current"])
    await run.async_press(devices["pile"], "all_off")
    await run.async_set(devices["lift"], "held", True)
    await run.async_set(devices["lift"], "held", False)
    await wait_until(hass, lambda: len(peer.heard) == 8)
    schema = json.loads(protocol.SCHEMA.read_text("utf-8"))
    sent: dict[str, list[Any]] = {}
    for topic, message in peer.heard:
        kind = topic.rpartition("/")[2]
        fastjsonschema.validate(
            {**schema, "$ref": f"#/definitions/{kind}"}, message, use_default=False
        )
        sent.setdefault(topic.removeprefix(f"{BASE}/"), []).append(
            (message.get("set"), message.get("longest_hold"))
        )
    assert sent == {
        "smoke-1/set": [({"silence": True}, None), ({"self_test": True}, None)],
        "breaker/set": [({"supply": True}, None)],
        "breaker/get": [(None, None)],
        "pile/set": [({"supply_1": False}, None), ({"supply_2": False}, None)],
        "lift/set": [({"held": True}, 45), ({"held": False}, None)],
    }
    ids = [message["id"] for _topic, message in peer.heard]
    assert len(set(ids)) == len(ids)


async def test_side_by_side(
    hass: HomeAssistant, gateway: MockConfigEntry, smoke: SafetyDevice, peer: Peer
) -> None:
    """Two gateways on one broker, with devices of the same id."""
    other = "community_safety/building-2"
    second = await add_gateway(hass, other)
    await peer.gateway(other)
    await peer.send(f"{other}/smoke-1/config", VALID["smoke-1/config"], retain=True)
    await wait_until(hass, lambda: "smoke-1" in second.runtime_data.devices)
    twin = second.runtime_data.devices["smoke-1"]
    assert twin.uid != smoke.uid and twin.device_id != smoke.device_id
    await peer.send(f"{other}/smoke-1/state", peer.state_message({"smoke": True}))
    assert (twin.readings["smoke"], smoke.readings["smoke"]) == (True, False)
    (alarm,) = hass.data[DATA_HOUSE].book.open.values()
    assert alarm.device == twin.uid
    await peer.send(f"{other}/status", {"version": 1, "online": False}, retain=True)
    assert smoke.available and not twin.available
    await peer.send(f"{other}/smoke-1/config", "", retain=True)
    assert smoke.uid in {device.uid for _, device in hass.data[DATA_HOUSE].devices()}


async def test_snapshot(
    hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer
) -> None:
    """A JPEG is kept, in memory, as the last picture; anything else is refused."""
    await peer.config("lift", "elevator_blocker", ["class_seen", "held"])
    device = gateway.runtime_data.devices["lift"]
    topic, jpeg = f"{BASE}/lift/snapshot", b"\xff\xd8\xff\xe0 picture"
    await peer.send(topic, jpeg)
    assert device.snapshot == jpeg
    large = b"\xff\xd8" + b"\0" * (protocol.SNAPSHOT_BYTES - 2)
    for bad in (b"\x89PNG", b'{"version": 1}', large + b"\0"):
        await peer.send(topic, bad)
    assert device.snapshot == jpeg
    assert gateway.runtime_data.refused == {
        ("lift", "snapshot: no JPEG, or too large"): 3
    }
    await peer.send(topic, large)
    assert device.snapshot == large
    await peer.send(f"{BASE}/nobody/snapshot", jpeg)
    assert gateway.runtime_data.refused.total() == 3


class TestBrokerRestart:
    """A broker of its own that goes away and comes back."""

    @pytest.fixture
    def broker_port(self, kept_port: int) -> int:
        """Return the port of a broker that a test may end."""
        return kept_port

    @pytest.fixture(autouse=True)
    def broker(
        self, broker_port: int, monkeypatch: pytest.MonkeyPatch
    ) -> Generator[list[subprocess.Popen[str]]]:
        """Run it; Home Assistant tries again sooner than in ten seconds."""
        monkeypatch.setattr(mqtt_client, "RECONNECT_INTERVAL_SECONDS", 0.5)
        running = [self.run(broker_port)]
        yield running
        running[-1].terminate()
        running[-1].wait()

    @staticmethod
    def run(port: int) -> subprocess.Popen[str]:
        """Start a broker and wait until it listens."""
        broker = subprocess.Popen(
            [sys.executable, "-m", "simulator.broker", "--port", str(port)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert broker.stdout
        broker.stdout.readline()
        return broker

    async def test_away_and_back(
        self,
        hass: HomeAssistant,
        gateway: MockConfigEntry,
        smoke: SafetyDevice,
        peer: Peer,
        broker: list[subprocess.Popen[str]],
        broker_port: int,
    ) -> None:
        """In mid-alarm: nothing is lost, nothing twice, no command is sent later."""
        book = hass.data[DATA_HOUSE].book
        await peer.state("smoke-1", smoke=True)
        (alarm,) = book.open.values()
        peer.heard.clear()

        broker[0].kill()
        await hass.async_add_executor_job(broker[0].wait)
        await wait_until(hass, lambda: not smoke.available)
        with pytest.raises(CommandError) as caught:
            await gateway.runtime_data.async_set(smoke, "silence", True)
        assert caught.value.translation_key == "not_connected"
        async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=61))
        await hass.async_block_till_done()
        assert [item.hazard for item in book.open.values()] == [
            "smoke",
            "gateway_offline",
        ]

        broker.append(await hass.async_add_executor_job(self.run, broker_port))
        # The bridge must say itself that it is there: it may have gone meanwhile.
        await peer.settled()
        assert not gateway.runtime_data.connected
        last = peer.state_message({"smoke": True, "temperature": 40})
        await peer.send(f"{BASE}/smoke-1/state", last, retain=True)
        await peer.gateway()
        await wait_until(hass, lambda: smoke.available)
        assert list(book.open.values()) == [alarm]
        assert smoke.readings["temperature"] == 40
        assert [entry for topic, entry in peer.heard if topic.endswith("/set")] == []

        # It goes again and comes back with what is retained: repeated, so passed over.
        reported = dict(smoke.reported)
        hass.data["mqtt"].client._mqttc.disconnect()
        await wait_until(hass, lambda: not smoke.available)
        await wait_until(hass, lambda: smoke.available)
        await peer.settled()
        assert smoke.reported == reported
        assert list(book.open.values()) == [alarm]
