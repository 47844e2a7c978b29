"""Zigbee2MQTT over a real broker: messages as it sends them."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import nullcontext
import json
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.community_safety.const import DOMAIN
from custom_components.community_safety.core.device import Power, SafetyDevice
from custom_components.community_safety.gateways.base import CommandError
from custom_components.community_safety.gateways.mqtt import zigbee2mqtt
from custom_components.community_safety.gateways.mqtt.zigbee2mqtt import (
    Zigbee2MqttGateway,
)
from homeassistant.components import mqtt
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import device_registry as dr, issue_registry as ir
from homeassistant.setup import async_setup_component
from tests.common import Peer, add_gateway, patience, subscribed, wait_until

from .test_exposes import BY_MODEL

BASE = "zigbee2mqtt"
SMOKE, BREAKER, SOCKETS, LAMP = "0x01", "0x02", "0x03", "0x04"
SMOKE_NAME, BREAKER_NAME = "1-1-201/smoke", "1-1-201/breaker"


def entry_of(ieee: str, name: str, model: str, **more: Any) -> dict[str, Any]:
    """Return a device as in `bridge/devices`."""
    row = BY_MODEL[model]
    return {
        "ieee_address": ieee,
        "friendly_name": name,
        "type": "Router",
        "disabled": False,
        "supported": True,
        "interview_completed": True,
        "interview_state": "SUCCESSFUL",
        "power_source": "Mains (single phase)",
        "software_build_id": "1.2.3",
        "definition": row,
        **more,
    }


COORDINATOR = {
    "ieee_address": "0x00",
    "friendly_name": "Coordinator",
    "type": "Coordinator",
    "definition": None,
}
SMOKE_ENTRY = entry_of(
    SMOKE, SMOKE_NAME, "ZSS-QY-SSD-A-EN", type="EndDevice", power_source="Battery"
)
# Its relay and its meter can be asked.
BREAKER_ENTRY = entry_of(BREAKER, BREAKER_NAME, "SMRZB-342")
# It reports what changes, and cannot be asked.
DATAPOINT_ENTRY = entry_of(BREAKER, BREAKER_NAME, "ZBN-DJ-63")
LAMP_ENTRY = entry_of(LAMP, "hall", "LDSENK01S")
DEVICES = [COORDINATOR, SMOKE_ENTRY, BREAKER_ENTRY, LAMP_ENTRY]


class Bridge:
    """Zigbee2MQTT's side of the broker."""

    def __init__(self, peer: Peer) -> None:
        """Initialize."""
        self.peer = peer

    async def send(self, topic: str, payload: Any, *, retain: bool = False) -> None:
        """Publish below the base topic, and wait until Home Assistant has taken it."""
        await self.peer.send(f"{BASE}/{topic}", payload, retain=retain)

    async def clear(self) -> None:
        """Take back all that is retained, for the next test."""
        for topic in (
            "bridge/state",
            "bridge/devices",
            "bridge/info",
            SMOKE_NAME,
            BREAKER_NAME,
        ):
            self.peer.publish(f"{BASE}/{topic}", "", retain=True)
        await self.peer.settled()

    async def command(self) -> dict[str, Any]:
        """Wait for the next command to the breaker."""
        return await self.peer.hears(f"{BASE}/{BREAKER_NAME}/set")

    async def question(self) -> dict[str, Any]:
        """Wait for the next question to the breaker."""
        return await self.peer.hears(f"{BASE}/{BREAKER_NAME}/get")


@pytest.fixture
async def bridge(peer: Peer) -> AsyncGenerator[Bridge]:
    """Return Zigbee2MQTT before it has said anything."""
    bridge = Bridge(peer)
    yield bridge
    await bridge.clear()


async def add(hass: HomeAssistant) -> MockConfigEntry:
    """Add the gateway."""
    return await add_gateway(hass, BASE, "zigbee2mqtt")


@pytest.fixture
async def entry(hass: HomeAssistant, bridge: Bridge) -> MockConfigEntry:
    """Return a gateway with a smoke sensor and a breaker, of which nothing is known."""
    entry = await add(hass)
    await bridge.send("bridge/state", {"state": "online"}, retain=True)
    await bridge.send("bridge/devices", DEVICES, retain=True)
    return entry


@pytest.fixture
def gateway(entry: MockConfigEntry) -> Zigbee2MqttGateway:
    """Return the gateway itself."""
    gateway = entry.runtime_data
    assert isinstance(gateway, Zigbee2MqttGateway)
    return gateway


@pytest.fixture
def breaker(gateway: Zigbee2MqttGateway) -> SafetyDevice:
    """Return the breaker."""
    return gateway.devices[BREAKER]


async def test_devices(hass: HomeAssistant, gateway: Zigbee2MqttGateway) -> None:
    """Safety devices are taken, others are counted."""
    assert {
        device_id: device.description.kind
        for device_id, device in gateway.devices.items()
    } == {SMOKE: "smoke_sensor", BREAKER: "breaker_monitor"}
    assert gateway.diagnostics()["ignored"] == ["ADEO LDSENK01S"]
    smoke = gateway.devices[SMOKE].description
    assert (smoke.name, smoke.firmware, smoke.serial) == (SMOKE_NAME, "1.2.3", SMOKE)
    assert smoke.commands == {"silence", "self_test"}
    assert gateway.devices[SMOKE].power is Power.BATTERY
    assert gateway.devices[BREAKER].power is Power.MAINS
    registry = dr.async_get(hass)
    device = registry.async_get(gateway.devices[SMOKE].device_id or "")
    assert isinstance(device, dr.DeviceEntry)
    assert device.model == "ZSS-QY-SSD-A-EN"


async def test_smoke(gateway: Zigbee2MqttGateway, bridge: Bridge) -> None:
    """Readings arrive at a friendly name with a slash; what is null is not known."""
    await bridge.send(
        SMOKE_NAME,
        {"smoke": True, "battery": 80, "fault_alarm": None, "last_seen": 1, "x": {}},
    )
    readings = gateway.devices[SMOKE].readings
    assert (readings["smoke"], readings["battery"]) == (True, 80)
    assert "trouble" not in readings
    assert not gateway.refused


async def test_early_messages(hass: HomeAssistant, bridge: Bridge) -> None:
    """A state and an availability from before the list of devices are not lost."""
    gateway = (await add(hass)).runtime_data
    await bridge.send("bridge/state", "online", retain=True)
    await bridge.send(SMOKE_NAME, {"smoke": True})
    await bridge.send(f"{BREAKER_NAME}/availability", {"state": "offline"})
    await bridge.send("bridge/devices", DEVICES, retain=True)

    assert gateway.devices[SMOKE].readings["smoke"] is True
    assert not gateway.devices[BREAKER].online


async def test_early_retained_messages_stay_history(
    hass: HomeAssistant, bridge: Bridge
) -> None:
    """A retained state from before the list of devices is known, and is no news."""
    gateway = (await add(hass)).runtime_data
    gateway.receive(SMOKE_NAME, b'{"smoke": true}', retained=True)
    await bridge.send("bridge/devices", DEVICES, retain=True)
    device = gateway.devices[SMOKE]
    assert device.readings["smoke"] is True
    assert device.reported == {}


async def test_retained_states_after_a_restart(
    hass: HomeAssistant,
    gateway: Zigbee2MqttGateway,
    entry: MockConfigEntry,
    bridge: Bridge,
) -> None:
    """What is retained is known again after a reload, but proves nothing."""
    await bridge.send(SMOKE_NAME, {"smoke": False, "battery": 50}, retain=True)
    assert await hass.config_entries.async_reload(entry.entry_id)
    await bridge.peer.settled()
    await wait_until(hass, lambda: SMOKE in entry.runtime_data.devices)
    device = entry.runtime_data.devices[SMOKE]
    await wait_until(hass, lambda: "battery" in device.readings)

    assert device.readings["battery"] == 50
    assert "battery" not in device.reported
    assert entry.runtime_data.connected


@pytest.mark.parametrize("offline", ["offline", {"state": "offline"}])
async def test_bridge_and_availability(
    gateway: Zigbee2MqttGateway, bridge: Bridge, offline: Any
) -> None:
    """Both are told as JSON and as plain text."""
    device = gateway.devices[SMOKE]
    await bridge.send(f"{SMOKE_NAME}/availability", offline)
    assert not device.available
    await bridge.send(f"{SMOKE_NAME}/availability", "online")
    assert device.available

    await bridge.send("bridge/state", offline, retain=True)
    assert not gateway.connected
    assert not device.available


async def test_rename(gateway: Zigbee2MqttGateway, bridge: Bridge) -> None:
    """A new friendly name keeps the device and its readings."""
    device = gateway.devices[SMOKE]
    await bridge.send(SMOKE_NAME, {"battery": 50})
    await bridge.send(SMOKE_NAME, "")
    renamed = {**SMOKE_ENTRY, "friendly_name": "attic/smoke"}
    await bridge.send("bridge/devices", [renamed, BREAKER_ENTRY], retain=True)
    await bridge.send("attic/smoke", {"battery": 49})
    await bridge.send(SMOKE_NAME, {"battery": 1})

    assert gateway.devices[SMOKE] is device
    assert device.description.name == "attic/smoke"
    assert device.readings["battery"] == 49


async def test_a_device_that_left_is_a_fault(
    gateway: Zigbee2MqttGateway, bridge: Bridge
) -> None:
    """It may have been taken down; it can come back, and is there once it has spoken."""
    device = gateway.devices[SMOKE]
    await bridge.send(SMOKE_NAME, {"battery": 80})
    await bridge.send("bridge/devices", [BREAKER_ENTRY], retain=True)
    assert device.readings["unresponsive"] is True
    assert not device.available

    await bridge.send("bridge/devices", DEVICES, retain=True)
    assert gateway.devices[SMOKE] is device
    assert not device.available
    await bridge.send(SMOKE_NAME, {"battery": 79})
    assert device.available


async def test_a_device_that_left_can_be_deleted(
    hass: HomeAssistant, gateway: Zigbee2MqttGateway, bridge: Bridge
) -> None:
    """A person knows that it will not come back; one that is there would."""
    device = gateway.devices[SMOKE]
    assert not await gateway.async_delete(device)
    await bridge.send("bridge/devices", [BREAKER_ENTRY], retain=True)
    assert await gateway.async_delete(device)
    assert list(gateway.devices) == [BREAKER]
    assert dr.async_get(hass).async_get(device.device_id or "") is None
    await bridge.send("bridge/devices", DEVICES, retain=True)
    device = gateway.devices[SMOKE]
    assert device.available
    assert not await gateway.async_delete(device)


@pytest.mark.parametrize(
    ("ieee", "name"),
    [
        (BREAKER, "1-1-201/+"),
        (BREAKER, "1-1-201/#"),
        (BREAKER, "break\0er"),
        (BREAKER, ""),
        ("", "breaker"),
        (None, "breaker"),
    ],
)
async def test_a_device_that_cannot_be_reached_by_its_name(
    hass: HomeAssistant, bridge: Bridge, ieee: Any, name: str
) -> None:
    """A name that is no topic would end a cut-off, or the connection to the broker."""
    gateway = (await add(hass)).runtime_data
    bad = {**BREAKER_ENTRY, "ieee_address": ieee, "friendly_name": name}
    await bridge.send("bridge/devices", [bad, SMOKE_ENTRY])
    assert list(gateway.devices) == [SMOKE]
    assert list(gateway.refused) == [
        ("an unknown device", "bridge/devices: unusable entry")
    ]


async def test_a_device_that_left_while_nobody_listened(
    hass: HomeAssistant,
    gateway: Zigbee2MqttGateway,
    entry: MockConfigEntry,
    bridge: Bridge,
) -> None:
    """It is remembered and shown as a fault until it is listed again, and has spoken."""
    assert await hass.config_entries.async_unload(entry.entry_id)
    await bridge.send("bridge/devices", [BREAKER_ENTRY], retain=True)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await subscribed(hass)
    gateway = entry.runtime_data
    await wait_until(
        hass, lambda: gateway.devices[SMOKE].readings["unresponsive"] is True
    )

    await bridge.send("bridge/devices", DEVICES, retain=True)
    for battery in (80, 79):
        assert not gateway.devices[SMOKE].available
        await bridge.send(SMOKE_NAME, {"battery": battery})
    assert gateway.devices[SMOKE].available


async def test_a_device_left_out_while_nobody_listened(
    hass: HomeAssistant,
    gateway: Zigbee2MqttGateway,
    entry: MockConfigEntry,
    bridge: Bridge,
) -> None:
    """A note in Zigbee2MQTT, which anybody may have written, takes nobody off guard unseen."""
    assert await hass.config_entries.async_unload(entry.entry_id)
    left_out = {**SMOKE_ENTRY, "description": "safety: none"}
    await bridge.send("bridge/devices", [left_out, BREAKER_ENTRY], retain=True)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await subscribed(hass)
    gateway = entry.runtime_data
    await wait_until(
        hass, lambda: gateway.devices[SMOKE].readings["unresponsive"] is True
    )
    assert await gateway.async_delete(gateway.devices[SMOKE])


@pytest.mark.parametrize("asked", [SMOKE, SMOKE_NAME])
async def test_a_removal_lifts_no_alarm(
    hass: HomeAssistant, gateway: Zigbee2MqttGateway, bridge: Bridge, asked: str
) -> None:
    """Real or forged, it leaves a missing device with its alarms, until a person deletes it.

    Koenkk/zigbee2mqtt#16195: devices that leave while the bridge is down; #16382: a button
    that is held for five seconds.
    """
    device = gateway.devices[SMOKE]
    await bridge.send(SMOKE_NAME, {"smoke": True})
    await bridge.send(
        "bridge/response/device/remove", {"status": "ok", "data": {"id": asked}}
    )
    assert not device.readings["unresponsive"]
    await bridge.send("bridge/devices", [BREAKER_ENTRY], retain=True)

    assert device.readings["unresponsive"] is True
    assert gateway.house.book.present(device.uid, "smoke")
    assert await gateway.async_delete(device)
    assert not gateway.house.book.open
    assert list(gateway.devices) == [BREAKER]


async def test_disabled(gateway: Zigbee2MqttGateway, bridge: Bridge) -> None:
    """A device that is disabled in Zigbee2MQTT cannot be trusted."""
    disabled = {**SMOKE_ENTRY, "disabled": True}
    other = {**BREAKER_ENTRY, "ieee_address": "0x09", "disabled": True}
    await bridge.send("bridge/devices", [disabled, other], retain=True)
    await bridge.send(f"{SMOKE_NAME}/availability", "online")

    assert not gateway.devices[SMOKE].available
    assert "0x09" not in gateway.devices


@pytest.mark.parametrize(
    "pending",
    [
        {"interview_state": "IN_PROGRESS"},
        {"interview_state": None, "interview_completed": False},
    ],
)
async def test_interview(
    gateway: Zigbee2MqttGateway, bridge: Bridge, pending: dict[str, Any]
) -> None:
    """A new device is taken when it is known, or when it speaks: it may be on fire."""
    new = entry_of("0x05", "new", "ZSS-QY-SSD-A-EN")
    await bridge.send("bridge/devices", [*DEVICES, {**new, **pending}], retain=True)
    assert "0x05" not in gateway.devices
    await bridge.send("new/availability", {"state": "offline"})
    await bridge.send("new", {"smoke": True})
    device = gateway.devices["0x05"]
    assert device.readings["smoke"] is True
    assert not device.online

    await bridge.send("bridge/devices", [*DEVICES, new], retain=True)
    assert gateway.devices["0x05"] is device


def problems(hass: HomeAssistant) -> dict[str, str]:
    """Return what people see that they must mend: the key, by the device's address."""
    return {
        str(item.data["device_id"]): str(item.translation_key)
        for item in ir.async_get(hass).issues.values()
        if item.data and item.active
    }


@pytest.mark.parametrize(
    "failed",
    [
        {"interview_state": "FAILED"},
        {"interview_state": None, "interviewing": False},
    ],
)
async def test_a_failed_interview(
    hass: HomeAssistant,
    gateway: Zigbee2MqttGateway,
    bridge: Bridge,
    failed: dict[str, Any],
) -> None:
    """Koenkk/zigbee2mqtt#16720, #23536: what it hands on is heard, and a person is told."""
    row = entry_of("0x05", "new", "SMSZB-120", interview_completed=False)
    await bridge.send("bridge/devices", [*DEVICES, {**row, **failed}], retain=True)
    await bridge.send("new", {"smoke": True, "battery": 90})
    device = gateway.devices["0x05"]
    assert gateway.house.book.present(device.uid, "smoke")
    assert problems(hass) == {"0x05": "device_not_interviewed"}
    assert gateway.house.book.present(gateway.uid, "sensor_fault")

    done = entry_of("0x05", "new", "SMSZB-120")
    await bridge.send("bridge/devices", [*DEVICES, done], retain=True)
    assert problems(hass) == {}
    assert not gateway.house.book.present(gateway.uid, "sensor_fault")


async def test_a_device_that_nobody_knows(
    hass: HomeAssistant, gateway: Zigbee2MqttGateway, bridge: Bridge
) -> None:
    """It has no definition, and sends what may be danger."""
    row = entry_of("0x05", "new", "SMSZB-120", model_id="X1", definition=None)
    await bridge.send("bridge/devices", [*DEVICES, row], retain=True)
    await bridge.send("new", {"colour": 1})
    assert problems(hass) == {}
    await bridge.send("new", {"smoke_alarm_2": True})
    assert problems(hass) == {"0x05": "device_not_interviewed"}
    (item,) = ir.async_get(hass).issues.values()
    assert item.translation_placeholders
    assert item.translation_placeholders["model"] == "X1"


async def answer_requests(
    hass: HomeAssistant, bridge: Bridge, what: str, answer: dict[str, Any] | None
) -> list[dict[str, Any]]:
    """Answer each request of a kind, or none of them; return a list of those that come."""
    heard: list[dict[str, Any]] = []

    @callback
    def reply(message: mqtt.ReceiveMessage) -> None:
        heard.append(json.loads(message.payload))
        for transaction in ("another", heard[-1]["transaction"]):
            response = {**(answer or {}), "transaction": transaction}
            topic = f"{BASE}/bridge/response/{what}"
            bridge.peer.publish(topic if answer else f"{topic}s", response)

    request = f"{BASE}/bridge/request/{what}"
    await mqtt.async_subscribe(hass, request, reply)
    done = asyncio.Event()
    mqtt.async_on_subscribe_done(hass, request, 0, done.set)
    async with patience():
        await done.wait()
    return heard


@pytest.mark.parametrize(
    ("answer", "key"),
    [
        ({"status": "ok"}, None),
        ({"status": "error", "error": "timed out"}, "refused"),
        (None, "no_answer"),
    ],
)
async def test_another_interview(
    gateway: Zigbee2MqttGateway,
    bridge: Bridge,
    monkeypatch: pytest.MonkeyPatch,
    answer: dict[str, Any] | None,
    key: str | None,
) -> None:
    """A person wakes the device, and Zigbee2MQTT asks it once more."""
    monkeypatch.setattr(zigbee2mqtt, "INTERVIEW_SECONDS", 2 if answer else 0.1)
    heard = await answer_requests(gateway.hass, bridge, "device/interview", answer)
    expected = pytest.raises(HomeAssistantError) if key else nullcontext()
    with expected as caught:
        await gateway.async_interview(SMOKE)
    assert heard[0]["id"] == SMOKE
    assert getattr(getattr(caught, "value", None), "translation_key", None) == key
    assert gateway._responses == {}


SWITCH_ENTRY = entry_of("0x06", "flat", "TS0001_power")


async def test_a_device_that_does_not_say_what_it_is(
    hass: HomeAssistant,
    gateway: Zigbee2MqttGateway,
    entry: MockConfigEntry,
    bridge: Bridge,
) -> None:
    """It can cut a supply off, or only a light: a person chooses, and that stays."""
    listed = [*DEVICES, SWITCH_ENTRY]
    await bridge.send("bridge/devices", listed, retain=True)
    assert problems(hass) == {"0x06": "device_no_kind"}
    assert gateway.house.book.present(gateway.uid, "sensor_fault")

    with pytest.raises(ServiceValidationError):
        await gateway.async_set_kind("0x06", "smoke_sensor")
    with pytest.raises(ServiceValidationError):
        await gateway.async_set_kind("0x99", "breaker_monitor")
    await gateway.async_set_kind("0x06", "breaker_monitor")
    assert problems(hass) == {}
    assert gateway.devices["0x06"].supplies == ("supply",)

    assert await hass.config_entries.async_reload(entry.entry_id)
    await wait_until(hass, lambda: entry.runtime_data.connected)
    gateway = entry.runtime_data
    await wait_until(hass, lambda: "0x06" in gateway._items)
    assert gateway.devices["0x06"].description.kind == "breaker_monitor"
    await gateway.async_set_kind("0x06", "none")
    assert "0x06" not in gateway.devices
    assert problems(hass) == {}
    await bridge.send("bridge/devices", [*listed, LAMP_ENTRY], retain=True)
    assert "0x06" not in gateway.devices
    assert problems(hass) == {}


async def test_a_note_of_none_asks_nobody(
    hass: HomeAssistant, gateway: Zigbee2MqttGateway, bridge: Bridge
) -> None:
    """Whoever writes it knows what the device is."""
    noted = {**SWITCH_ENTRY, "description": "safety: none"}
    await bridge.send("bridge/devices", [*DEVICES, noted], retain=True)
    assert problems(hass) == {}


async def test_a_device_that_is_no_longer_supported(
    gateway: Zigbee2MqttGateway, bridge: Bridge
) -> None:
    """It stays, as a fault."""
    lost = {**SMOKE_ENTRY, "definition": None}
    await bridge.send("bridge/devices", [lost, BREAKER_ENTRY], retain=True)
    assert not gateway.devices[SMOKE].available


async def test_a_device_that_is_no_longer_ours(
    gateway: Zigbee2MqttGateway, bridge: Bridge
) -> None:
    """It is a fault, until a person deletes it here."""
    left_out = {**SMOKE_ENTRY, "description": "safety: none"}
    plug = {**BREAKER_ENTRY, "definition": BY_MODEL["LDSENK01S"]}
    await bridge.send("bridge/devices", [left_out, plug], retain=True)

    assert not gateway.devices[SMOKE].available
    assert not gateway.devices[BREAKER].available


async def test_info(
    hass: HomeAssistant, gateway: Zigbee2MqttGateway, bridge: Bridge
) -> None:
    """The gateway's device says what the coordinator is."""
    await bridge.send(
        "bridge/info",
        {
            "version": "2.14.1",
            "coordinator": {"type": "EmberZNet", "ieee_address": "0x00"},
            "config": {"advanced": {"cache_state": True, "pan_id": 1}},
        },
        retain=True,
    )
    device = gateway.device.description
    assert (device.firmware, device.model, device.serial) == (
        "2.14.1",
        "EmberZNet",
        "0x00",
    )
    assert gateway.diagnostics()["advanced"] == {"cache_state": True}


async def test_command_and_echo(
    hass: HomeAssistant,
    gateway: Zigbee2MqttGateway,
    bridge: Bridge,
    breaker: SafetyDevice,
) -> None:
    """The echo of a command is shown, but proves nothing; the answers prove it."""
    rest = {"current": 0, "power": 0, "last_seen": 1_000}
    await bridge.send(BREAKER_NAME, {"state": "ON", **rest})
    task = asyncio.create_task(gateway.async_set(breaker, "supply", False))
    assert await bridge.command() == {"state": "OFF"}
    breaker.reported.clear()
    await bridge.send(BREAKER_NAME, {"state": "OFF", **rest})
    await task
    assert breaker.readings["supply"] is False
    assert breaker.reported == {}

    await gateway.async_refresh(breaker, ["supply", "current", "tripped"])
    assert await bridge.question() == {"state": "", "current": ""}
    await bridge.send(BREAKER_NAME, {"state": "OFF", **rest, "last_seen": 2_000})
    assert breaker.reported == {}
    await bridge.send(BREAKER_NAME, {"state": "OFF", **rest, "last_seen": 2_001})
    assert {"supply", "current"} <= breaker.reported.keys()


async def test_a_changed_current_is_no_memory(
    gateway: Zigbee2MqttGateway, bridge: Bridge, breaker: SafetyDevice
) -> None:
    """What differs from before has just been measured, even while answers are due."""
    await bridge.send(BREAKER_NAME, {"state": "ON", "current": 5})
    breaker.reported.clear()
    task = asyncio.create_task(gateway.async_set(breaker, "supply", False))
    await bridge.command()
    await bridge.send(BREAKER_NAME, {"state": "OFF", "current": 0})
    await task
    assert breaker.reported.keys() == {"current"}


async def test_without_an_echo(
    gateway: Zigbee2MqttGateway, bridge: Bridge, breaker: SafetyDevice
) -> None:
    """With `optimistic: false` the first message is the device's own."""
    config = {"device_options": {}, "devices": {BREAKER: {"optimistic": False}}}
    await bridge.send("bridge/info", {"config": config}, retain=True)
    await bridge.send(BREAKER_NAME, {"state": "ON"})
    breaker.reported.clear()
    task = asyncio.create_task(gateway.async_set(breaker, "supply", False))
    await bridge.command()
    await bridge.send(BREAKER_NAME, {"state": "OFF"})
    await task
    assert breaker.reported.keys() == {"supply"}


async def test_refused_command(
    gateway: Zigbee2MqttGateway, bridge: Bridge, breaker: SafetyDevice
) -> None:
    """Zigbee2MQTT's error ends the command, and no hope is to come: an answer is believed."""
    await bridge.send(BREAKER_NAME, {"state": "ON"})
    task = asyncio.create_task(gateway.async_set(breaker, "supply", False))
    await bridge.command()
    for level, name in (
        ("info", BREAKER_NAME),
        ("error", "other"),
        ("error", BREAKER_NAME),
    ):
        text = f"z2m: Publish 'set' 'state' to '{name}' failed: 'Error: timeout'"
        await bridge.send("bridge/logging", {"level": level, "message": text})
    with pytest.raises(CommandError) as caught:
        await task
    assert caught.value.reason == "'Error: timeout'"

    await gateway.async_refresh(breaker, ["supply"])
    await bridge.send(BREAKER_NAME, {"state": "OFF"})
    assert "supply" in breaker.reported


async def test_no_answer_is_no_failure(
    gateway: Zigbee2MqttGateway, bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sleeping sensor takes its command when it wakes."""
    monkeypatch.setattr(
        "custom_components.community_safety.gateways.mqtt.zigbee2mqtt.SETTLE_SECONDS",
        0,
    )
    await gateway.async_set(gateway.devices[SMOKE], "silence", True)
    assert await bridge.peer.hears(f"{BASE}/{SMOKE_NAME}/set") == {"silence": True}


async def test_unknown_command(gateway: Zigbee2MqttGateway) -> None:
    """A device without a command refuses it."""
    with pytest.raises(CommandError):
        await gateway.async_set(gateway.devices[SMOKE], "supply", False)


async def test_broker_away(
    hass: HomeAssistant,
    gateway: Zigbee2MqttGateway,
    bridge: Bridge,
    breaker: SafetyDevice,
) -> None:
    """Nothing is kept to be sent later; what comes after the return is believed."""
    client = hass.data[mqtt.DATA_MQTT].client
    await client.async_disconnect(disconnect_paho_client=True)
    await wait_until(hass, lambda: not gateway.connected)
    with pytest.raises(CommandError) as caught:
        await gateway.async_set(breaker, "supply", False)
    assert caught.value.translation_key == "not_connected"

    await client.async_connect(client_available=hass.loop.create_future())
    await wait_until(hass, lambda: gateway.connected)
    await subscribed(hass)
    await bridge.send(BREAKER_NAME, {"state": "OFF", "current": 1})
    assert not breaker.reported
    await bridge.send(BREAKER_NAME, {"state": "OFF", "current": 0})
    assert "current" in breaker.reported
    assert not [topic for topic, _payload in bridge.peer.heard if "set" in topic]


async def test_a_device_that_cannot_be_asked(
    gateway: Zigbee2MqttGateway, bridge: Bridge
) -> None:
    """Its relay reports nothing that could not be Zigbee2MQTT's hope; its meter does."""
    await bridge.send("bridge/devices", [DATAPOINT_ENTRY], retain=True)
    breaker = gateway.devices[BREAKER]
    assert breaker.power is Power.BATTERY
    await bridge.send(BREAKER_NAME, {"state": "ON", "current": 3})
    task = asyncio.create_task(gateway.async_set(breaker, "supply", False))
    await bridge.command()
    await gateway.async_refresh(breaker, ["supply", "current"])
    await bridge.send(BREAKER_NAME, {"state": "OFF", "current": 3})
    await task
    assert breaker.reported == {}
    await bridge.send(BREAKER_NAME, {"state": "OFF", "current": 0})
    assert breaker.reported.keys() == {"current"}
    await bridge.send(BREAKER_NAME, {"state": "OFF", "current": 0})
    assert breaker.reported.keys() == {"current"}


async def test_silent_devices_are_asked(
    hass: HomeAssistant,
    gateway: Zigbee2MqttGateway,
    bridge: Bridge,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A mains device that says nothing is asked before its silence is a fault."""
    freezer.tick(130)
    async_fire_time_changed(hass)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert await bridge.question() == {"state": ""}

    await bridge.send("bridge/state", "offline", retain=True)
    freezer.tick(130)
    async_fire_time_changed(hass)
    await bridge.peer.settled()
    assert not [topic for topic, _payload in bridge.peer.heard if "get" in topic]


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("bridge/state", "perhaps"),
        ("bridge/state", b"\xff"),
        ("bridge/devices", "{}"),
        ("bridge/devices", "[1"),
        (
            "bridge/devices",
            [1, {}, {"ieee_address": SMOKE}, {**LAMP_ENTRY, "definition": 3}],
        ),
        ("bridge/info", "[]"),
        ("bridge/info", {"config": [], "coordinator": 3, "version": 4}),
        ("bridge/logging", "[]"),
        ("bridge/logging", {"level": "error", "message": 3}),
        ("bridge/response/device/remove", {"status": "ok"}),
        (SMOKE_NAME, "ON"),
        (SMOKE_NAME, "[]"),
        (SMOKE_NAME, {"battery": 10**400}),
        (SMOKE_NAME, {"smoke": "yes", "battery": "80", "fault_alarm": [1]}),
        pytest.param(SMOKE_NAME, "x" * 70_000, id="too long"),
        (f"{SMOKE_NAME}/availability", "perhaps"),
        ("group", {"state": "ON"}),
    ],
)
async def test_bad_messages(
    gateway: Zigbee2MqttGateway,
    bridge: Bridge,
    caplog: pytest.LogCaptureFixture,
    topic: str,
    payload: Any,
) -> None:
    """Each is counted or passed over; the next good one is taken."""
    await bridge.send(topic, payload)
    await bridge.send(SMOKE_NAME, {"smoke": False, "battery": 7})

    assert gateway.devices[SMOKE].readings["battery"] == 7
    assert gateway.connected
    assert "Traceback" not in caplog.text
    assert "Error" not in caplog.text


async def test_bad_values_are_counted(
    gateway: Zigbee2MqttGateway, bridge: Bridge
) -> None:
    """They are left out, the good ones of the message are taken."""
    await bridge.send(SMOKE_NAME, {"smoke": "perhaps", "battery": 80})

    assert gateway.house.book.present(gateway.devices[SMOKE].uid, "sensor_fault")
    assert gateway.refused == {(SMOKE, "smoke: unusable value"): 1}
    assert gateway.devices[SMOKE].readings["battery"] == 80
    assert "smoke" not in gateway.devices[SMOKE].readings


async def test_a_misspelt_note_is_told(
    gateway: Zigbee2MqttGateway, bridge: Bridge
) -> None:
    """The device goes on as it was."""
    wrong = {**SMOKE_ENTRY, "description": "safety: smoke"}
    await bridge.send("bridge/devices", [wrong, BREAKER_ENTRY], retain=True)
    await bridge.send(SMOKE_NAME, {"battery": 7})

    assert gateway.refused[SMOKE, "bridge/devices: unusable entry"] == 1
    assert gateway.devices[SMOKE].readings["battery"] == 7


async def test_a_misspelt_note_of_a_new_device(
    hass: HomeAssistant, gateway: Zigbee2MqttGateway, bridge: Bridge
) -> None:
    """It is not left out for a wrong word: what it seems to be counts, or a person is asked."""
    detector = entry_of("0x20", "attic", "SMSZB-120", description="safety: smoke")
    switch = {**SWITCH_ENTRY, "description": "safety: braker"}
    pending = entry_of(
        "0x21",
        "cellar",
        "SMSZB-120",
        description="safety: smoke",
        interview_completed=False,
        interview_state="IN_PROGRESS",
    )
    for _time in range(2):
        listed = [*DEVICES, detector, switch, pending]
        await bridge.send("bridge/devices", listed, retain=True)
        assert gateway.devices["0x20"].kind.key == "smoke_sensor"
        assert problems(hass) == {"0x06": "device_no_kind"}
        # It is sent again when anything changes.
        switch["software_build_id"] = "2"
    for name in ("attic", "cellar"):
        await bridge.send(name, {"smoke": True})
    for address in ("0x20", "0x21"):
        assert gateway.house.book.present(gateway.devices[address].uid, "smoke")


async def test_a_new_device_whose_definition_is_broken(
    hass: HomeAssistant, gateway: Zigbee2MqttGateway, bridge: Bridge
) -> None:
    """As somebody's own converter may be: what it says is heard as of one that nobody knows."""
    definition = {"model": "own", "exposes": [{"type": "binary", "property": "smoke"}]}
    row = entry_of("0x20", "attic", "SMSZB-120", definition=definition)
    await bridge.send("bridge/devices", [*DEVICES, row], retain=True)
    assert problems(hass) == {}
    await bridge.send("attic", {"residual_current_(ma)": 30})
    assert problems(hass) == {"0x20": "device_not_interviewed"}


async def test_a_state_that_cannot_be_read(
    gateway: Zigbee2MqttGateway, bridge: Bridge
) -> None:
    """It may have told of a fire: it is a sensor fault until the detector itself says otherwise."""
    device, book = gateway.devices[SMOKE], gateway.house.book
    await bridge.send(SMOKE_NAME, {"smoke": False, "battery": 80})
    await bridge.send(SMOKE_NAME, "x" * 70_000)
    assert book.present(device.uid, "sensor_fault")
    assert "smoke" not in device.readings
    await bridge.send(SMOKE_NAME, {"smoke": False, "battery": 80})
    await bridge.send(SMOKE_NAME, {"smoke": False, "battery": 79})
    assert book.present(device.uid, "sensor_fault"), "that is the cache"
    await bridge.send(SMOKE_NAME, {"smoke": True, "battery": 79})
    assert book.present(device.uid, "smoke")
    await bridge.send(SMOKE_NAME, {"smoke": False, "battery": 79})
    assert not book.present(device.uid, "sensor_fault")
    assert device.readings["smoke"] is False


async def test_a_large_network(
    hass: HomeAssistant, gateway: Zigbee2MqttGateway, bridge: Bridge
) -> None:
    """A list of devices of some megabytes is taken."""
    more = [entry_of(f"0x1{n:03}", f"hall/{n}", "SMSZB-120") for n in range(1000)]
    payload = json.dumps([*DEVICES, *more])
    assert len(payload) > 1_000_000
    await bridge.send("bridge/devices", payload, retain=True)
    assert len(gateway.devices) == 1002


# What cannot be proven as it is configured

NO_LAST_SEEN = "zigbee2mqtt_last_seen"


def info(last_seen: str, **more: Any) -> dict[str, Any]:
    """Return what the bridge says of its configuration."""
    return {"config": {"advanced": {"last_seen": last_seen}, **more}}


async def test_a_bridge_that_says_no_last_seen(
    hass: HomeAssistant,
    gateway: Zigbee2MqttGateway,
    entry: MockConfigEntry,
    bridge: Bridge,
    hass_client: ClientSessionGenerator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A person is told, can have it set, and is told again after a restart until it is."""
    assert await async_setup_component(hass, "repairs", {})
    assert problems(hass) == {}, "nobody knows yet"
    await bridge.send("bridge/info", info("disable"), retain=True)
    assert problems(hass) == {"None": NO_LAST_SEEN}
    assert not gateway.house.book.present(gateway.uid, "sensor_fault")
    assert await hass.config_entries.async_reload(entry.entry_id)
    await wait_until(hass, lambda: problems(hass) == {"None": NO_LAST_SEEN})

    client = await hass_client()
    url = "/api/repairs/issues/fix"
    issue_id = f"{NO_LAST_SEEN}_{entry.entry_id}"
    answer = await client.post(url, json={"handler": DOMAIN, "issue_id": issue_id})
    flow = await answer.json()
    assert flow["description_placeholders"]["gateway"] == "Building 1"
    url += f"/{flow['flow_id']}"
    monkeypatch.setattr(zigbee2mqtt, "REQUEST_SECONDS", 0.1)
    flow = await (await client.post(url, json={})).json()
    assert flow["errors"] == {"base": "setting_refused"}

    monkeypatch.setattr(zigbee2mqtt, "REQUEST_SECONDS", 10)
    heard = await answer_requests(hass, bridge, "options", {"status": "ok"})
    flow = await (await client.post(url, json={})).json()
    assert flow["type"] == "create_entry"
    assert heard[0]["options"] == {"advanced": {"last_seen": "ISO_8601"}}
    await bridge.send("bridge/info", info("ISO_8601"), retain=True)
    assert problems(hass) == {}


@pytest.mark.parametrize(
    ("devices", "more"),
    [
        ([SMOKE_ENTRY], {}),
        ([DATAPOINT_ENTRY], {}),
        (DEVICES, {"devices": {BREAKER: {"filtered_cache": ["state"]}}}),
    ],
    ids=["no relay", "a relay that cannot be asked", "a relay that is not cached"],
)
async def test_who_needs_no_last_seen(
    hass: HomeAssistant,
    gateway: Zigbee2MqttGateway,
    bridge: Bridge,
    devices: list[Any],
    more: dict[str, Any],
) -> None:
    """Nobody is bothered where it would prove nothing more."""
    await bridge.send("bridge/info", info("disable"), retain=True)
    assert problems(hass) == {"None": NO_LAST_SEEN}
    # One that is missing has its relay still.
    for device_id in (SMOKE, BREAKER):
        gateway.remove_device(device_id)
    await bridge.send("bridge/devices", devices, retain=True)
    await bridge.send("bridge/info", info("disable", **more), retain=True)
    assert problems(hass) == {}
