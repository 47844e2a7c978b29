"""What devices of the field and their owners do, as public reports have it, end to end."""

from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.community_safety.core.device import SafetyDevice
from custom_components.community_safety.gateways.mqtt.zigbee2mqtt import (
    Zigbee2MqttGateway,
)
from homeassistant.core import HomeAssistant

from .test_zigbee2mqtt import (
    BREAKER_ENTRY,
    BREAKER_NAME,
    DEVICES,
    SMOKE,
    SMOKE_ENTRY,
    SMOKE_NAME,
    Bridge,
    breaker,
    bridge,
    entry,
    entry_of,
    gateway,
)

__all__ = ["breaker", "bridge", "entry", "gateway"]

OTHER = "0x20"


def alarms(gateway: Zigbee2MqttGateway, device: SafetyDevice) -> dict[str, str]:
    """Return the open alarms of a device, and how severe they are."""
    return {
        alarm.hazard: alarm.severity.value
        for alarm in gateway.house.book.of_device(device.uid)
    }


async def take(
    gateway: Zigbee2MqttGateway, bridge: Bridge, model: str, **more: Any
) -> SafetyDevice:
    """Have one more device, by the name "other"."""
    row = entry_of(OTHER, "other", model, **more)
    await bridge.send("bridge/devices", [*DEVICES, row], retain=True)
    return gateway.devices[OTHER]


async def pass_time(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, seconds: float
) -> None:
    """Let time pass."""
    freezer.tick(seconds)
    async_fire_time_changed(hass)
    await hass.async_block_till_done()


@pytest.mark.parametrize(
    "name",
    [
        "1栋/1单元/201 烟感",
        "楼道🔥",
        "état / été",
        " leading",
        "set",
        "x/get",
        "x/availability",
        "bridge2",
        "0x00158d0001",
        # Koenkk/zigbee2mqtt#470, #562, #2309: rooms as levels, and a number at the end.
        "living_room/sensor/0004/doorsensor",
        "ground_floor/kitchen/wall_switch/2",
        "room_1/hue_go_1/left",
    ],
)
async def test_names_that_people_give(
    gateway: Zigbee2MqttGateway, bridge: Bridge, name: str
) -> None:
    """Each is heard, by its state and by both forms of its availability; null says nothing."""
    renamed = {**SMOKE_ENTRY, "friendly_name": name}
    await bridge.send("bridge/devices", [renamed, BREAKER_ENTRY], retain=True)
    device = gateway.devices[SMOKE]
    await bridge.send(f"{name}/availability", {"state": "offline"})
    assert not device.available
    await bridge.send(f"{name}/availability", "online")
    assert device.available
    await bridge.send(name, {"smoke": None, "battery": None, "linkquality": 10})
    assert "smoke" not in device.readings
    await bridge.send(name, {"smoke": True, "battery": None})
    assert alarms(gateway, device) == {"smoke": "alarm"}


@pytest.mark.parametrize(
    ("smoke", "hazards"),
    [
        *((word, {"smoke": "alarm"}) for word in ("true", 1, "ON", "alarm", "1")),
        *((word, {"sensor_fault": "fault"}) for word in ("perhaps", {}, [], 7)),
    ],
)
async def test_smoke_in_other_types(
    gateway: Zigbee2MqttGateway,
    bridge: Bridge,
    smoke: object,
    hazards: dict[str, str],
) -> None:
    """A converter of somebody's own: it is an alarm, or a fault; it is not nothing."""
    await bridge.send(SMOKE_NAME, {"smoke": smoke, "battery": 80})
    assert alarms(gateway, gateway.devices[SMOKE]) == hazards


async def test_a_clamp_that_is_on_backwards(
    hass: HomeAssistant,
    gateway: Zigbee2MqttGateway,
    breaker: SafetyDevice,
    bridge: Bridge,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Koenkk/zigbee2mqtt#14405, #24271, #28827, #18603: 140 A heat in either direction."""
    for amperes in (-20.0, -140.0, -141.0, -140.5):
        state = {"state": "ON", "current": amperes, "power": amperes * 225}
        await bridge.send(BREAKER_NAME, {**state, "voltage": 225})
        await pass_time(hass, freezer, 15)
    assert alarms(gateway, breaker)["overcurrent"] == "alarm"
    assert breaker.readings["current"] == 140.5


@pytest.mark.parametrize(
    ("amperes", "watts"),
    [
        # Koenkk/zigbee2mqtt#31823.
        (720, 150),
        # Koenkk/zigbee2mqtt#26694, #18603: 16 bits that have wrapped.
        (655.35, 0),
        (65.5, 4),
    ],
)
async def test_a_current_that_no_socket_carries(
    hass: HomeAssistant,
    gateway: Zigbee2MqttGateway,
    bridge: Bridge,
    freezer: FrozenDateTimeFactory,
    amperes: float,
    watts: float,
) -> None:
    """Its own power says otherwise: that is for an installer, and cuts nothing by itself."""
    device = await take(gateway, bridge, "TS011F_plug_3")
    state = {"state": "ON", "voltage": 228}
    await bridge.send("other", {**state, "current": 0.65, "power": 150})
    await bridge.send("other", {**state, "current": amperes, "power": watts})
    await pass_time(hass, freezer, 11)
    await bridge.peer.settled()
    assert alarms(gateway, device) == {"overload": "warning", "sensor_fault": "fault"}
    assert not [topic for topic, _ in bridge.peer.heard if topic.endswith("/set")]


@pytest.mark.parametrize("degrees", [90, 126, 150.5])
async def test_a_fire_between_two_reports(
    gateway: Zigbee2MqttGateway, bridge: Bridge, degrees: float
) -> None:
    """Koenkk/zigbee2mqtt#23233: minutes lie between them, or the thermistor is at its end."""
    device = await take(gateway, bridge, "SMSZB-120", power_source="Battery")
    calm = {"smoke": False, "battery": 90}
    await bridge.send("other", {**calm, "temperature_38": 24})
    assert device.readings["temperature"] == 24
    await bridge.send("other", {**calm, "temperature_38": degrees})
    assert alarms(gateway, device)["heat"] == "alarm"
    assert device.readings["temperature"] >= min(degrees, 125)


@pytest.mark.parametrize(
    ("percent", "hazards"),
    [
        # Koenkk/zigbee2mqtt#32176: what a tank told after an update.
        (188, {"overflow": "warning", "sensor_fault": "fault"}),
        # The same 8 bits of a depth of -99.
        (-99, {"low_level": "alarm", "sensor_fault": "fault"}),
    ],
)
async def test_a_tank_that_is_fuller_than_full(
    gateway: Zigbee2MqttGateway,
    bridge: Bridge,
    percent: float,
    hazards: dict[str, str],
) -> None:
    """It may overflow, or be empty: neither is hidden by what was good before."""
    device = await take(gateway, bridge, "ME201WZ")
    await bridge.send("other", {"liquid_level_percent": 60, "liquid_state": "normal"})
    assert alarms(gateway, device) == {}
    state = {"liquid_level_percent": percent, "liquid_state": "low"}
    await bridge.send("other", state)
    found = alarms(gateway, device)
    assert found.keys() >= {"sensor_fault"}
    assert hazards.keys() <= found.keys()
    assert device.readings.get("level") != 60
