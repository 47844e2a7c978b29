"""What a device is and measures is proposed right, without anybody typing anything."""

from typing import Any

import pytest

from custom_components.community_safety.gateways.adopted.proposals import (
    carriers_of,
    converter,
    facts_of_device,
    facts_of_entities,
    propose_kind,
    propose_readings,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er

from .common import proposal
from .shapes import (
    ESPHOME_TANK,
    FRIGATE_CAMERA,
    MATTER_SMOKE,
    ONVIF_CAMERA,
    PROTECT_CAMERA,
    SHELLY_1PM,
    SHELLY_2PM,
    SHELLY_3EM,
    TUYA_BREAKER,
    ZHA_SMOKE,
    Row,
    Shape,
    binary,
    register,
    sensor,
)

PHASES = [f"phase_{row}" for row in "abc"]
#: By shape: kind, entities by reading as they are called after the device, and commands.
EXPECTED: dict[str, tuple[Shape, str, dict[str, list[str]], dict[str, str]]] = {
    "matter smoke alarm": (
        MATTER_SMOKE,
        "smoke_sensor",
        {
            "smoke": ["smoke_sensor_smoke"],
            "battery_low": ["smoke_sensor_battery_alert"],
            "test": ["smoke_sensor_test_in_progress"],
            "trouble": [
                "smoke_sensor_hardware_fault",
                "smoke_sensor_end_of_service",
            ],
            "battery": ["smoke_sensor_battery"],
        },
        {"self_test": "smoke_sensor_self_test"},
    ),
    "zha smoke detector": (
        ZHA_SMOKE,
        "smoke_sensor",
        {
            "smoke": ["bosch_rbsh_sd_zb_eu"],
            "battery": ["bosch_rbsh_sd_zb_eu_battery"],
        },
        {},
    ),
    "shelly pro 3em": (
        SHELLY_3EM,
        "breaker_monitor",
        {
            "current": [f"test_name_{row}_current" for row in PHASES],
            "voltage": [f"test_name_{row}_voltage" for row in PHASES],
            "power": [f"test_name_{row}_power" for row in PHASES],
            "energy": [f"test_name_{row}_energy" for row in PHASES],
            "conductor_temperature": ["test_name_temperature"],
            "signal_strength": ["test_name_signal_strength"],
        },
        {},
    ),
    "shelly pro 1pm": (
        SHELLY_1PM,
        "breaker_monitor",
        {
            "tripped": [
                "1_1_201_flat_overcurrent",
                "1_1_201_flat_overheating",
                "1_1_201_flat_overpowering",
                "1_1_201_flat_overvoltage",
            ],
            "current": ["1_1_201_flat_current"],
            "energy": ["1_1_201_flat_energy"],
            "power": ["1_1_201_flat_power"],
            "conductor_temperature": ["1_1_201_flat_temperature"],
            "voltage": ["1_1_201_flat_voltage"],
            "supply": ["1_1_201_flat"],
        },
        {},
    ),
    "shelly 2pm": (
        SHELLY_2PM,
        "charging_pile",
        {
            "supply": ["shed_switch_0", "shed_switch_1"],
            "current": ["shed_switch_0_current", "shed_switch_1_current"],
            "power": ["shed_switch_0_power", "shed_switch_1_power"],
            "energy": ["shed_switch_0_energy", "shed_switch_1_energy"],
            "temperature": ["shed_switch_0_temperature", "shed_switch_1_temperature"],
            "trouble": [
                f"shed_switch_{number}_{name}"
                for number in range(2)
                for name in (
                    "overcurrent",
                    "overheating",
                    "overpowering",
                    "overvoltage",
                )
            ],
        },
        {},
    ),
    "esphome tank": (
        ESPHOME_TANK,
        "water_tank",
        {
            "level": ["water_tank_right_tank_level"],
            "level_height": ["water_tank_right_water_depth"],
            "signal_strength": ["water_tank_right_wifi_signal_sensor"],
        },
        {},
    ),
    "tuya breaker": (
        TUYA_BREAKER,
        "breaker_monitor",
        {
            "energy": ["duan_lu_qi_ha_total_energy"],
            "current": ["duan_lu_qi_ha_phase_a_current"],
            "power": ["duan_lu_qi_ha_phase_a_power"],
            "voltage": ["duan_lu_qi_ha_phase_a_voltage"],
            "supply": ["duan_lu_qi_ha_switch"],
        },
        {},
    ),
    "onvif camera": (
        ONVIF_CAMERA,
        "camera",
        {"video_lost": ["gate_mainstream"]},
        {},
    ),
    "unifi protect camera": (
        PROTECT_CAMERA,
        "camera",
        {
            "video_lost": ["hall_high_resolution_channel"],
            "oldest_recording": ["hall_oldest_recording"],
        },
        {},
    ),
    "frigate's own camera": (
        FRIGATE_CAMERA,
        "camera",
        {"video_lost": ["front_door"], "recording": ["front_door_recordings"]},
        {},
    ),
}


def names(hass: HomeAssistant, refs: list[str]) -> list[str]:
    """Return the object ids of entities by their ids in the registry."""
    registry = er.async_get(hass)
    found = [registry.async_get(ref) for ref in refs]
    return [entry.entity_id.partition(".")[2] for entry in found if entry]


@pytest.mark.parametrize("case", EXPECTED)
async def test_real_shapes(hass: HomeAssistant, case: str) -> None:
    """Kind, readings, phases and sockets, and commands of what integrations register."""
    shape, kind, readings, commands = EXPECTED[case]
    data = proposal(hass, register(hass, shape), f"{shape.name} {shape.model}")
    assert data["kind"] == kind
    assert {
        key: names(hass, refs) for key, refs in data["readings"].items()
    } == readings
    assert {
        key: names(hass, [ref])[0] for key, ref in data["commands"].items()
    } == commands


async def test_keys_of_phases_and_sockets(hass: HomeAssistant) -> None:
    """A meter of three phases has l1 to l3, a row of sockets has numbers."""
    meter = proposal(hass, register(hass, SHELLY_3EM), "Shelly Pro 3EM")
    keys = carriers_of(meter["kind"], meter["readings"])
    assert {key for key in keys if key.startswith("current")} == {
        "current_l1",
        "current_l2",
        "current_l3",
    }
    pile = {"supply": ["a", "b"], "power": ["c", "d"], "smoke": ["e", "f"]}
    assert carriers_of("charging_pile", pile) == {
        "supply_1": ("a",),
        "supply_2": ("b",),
        "power_1": ("c",),
        "power_2": ("d",),
        "smoke": ("e", "f"),
    }
    # A board with two relays is no three-phase breaker.
    assert "current_1" in carriers_of(
        "breaker_monitor", {"supply": ["a", "b"], "current": ["c", "d"]}
    )


async def test_a_hub_is_not_its_devices(hass: HomeAssistant) -> None:
    """Whoever is reached by way of a device is no part of it."""
    hub = register(hass, ZHA_SMOKE)
    registry = dr.async_get(hass)
    entry_id = registry.async_get(hub).config_entry_id  # type: ignore[union-attr]
    other = registry.async_get_or_create(
        config_entry_id=entry_id,
        identifiers={("zha", "another")},
        name="Another",
        via_device_id=hub,
    )
    er.async_get(hass).async_get_or_create(
        "binary_sensor",
        "zha",
        "another-1-1280",
        device_id=other.id,
        original_device_class="smoke",
    )
    refs = propose_readings(facts_of_device(hass, hub), "smoke_sensor")["smoke"]
    assert names(hass, refs) == ["bosch_rbsh_sd_zb_eu"]
    assert facts_of_device(hass, "nobody") == []


def shape(name: str, *rows: Row, model: str = "") -> Shape:
    """Return a device of some integration."""
    return Shape(domain="tuya", identifier=name, name=name, model=model, rows=rows)


METER = sensor("p", "power", "W", name="Power")
RELAY = Row(domain="switch", unique_id="s", name="Switch")


@pytest.mark.parametrize(
    ("device", "kind"),
    [
        (shape("Plug in the hall", METER, RELAY), "charging_pile"),
        (shape("Hall", METER, RELAY, model="Outdoor socket"), "charging_pile"),
        (
            shape(
                "Hall",
                METER,
                Row(domain="switch", unique_id="s", device_class="outlet"),
            ),
            "charging_pile",
        ),
        (shape("Hall", METER, RELAY, binary("x", "plug")), "charging_pile"),
        (shape("Hall", METER, RELAY, binary("x", "smoke")), "charging_pile"),
        (shape("Hall", METER, RELAY), "breaker_monitor"),
        (shape("Meter", METER), "breaker_monitor"),
        (shape("RCBO", RELAY), "breaker_monitor"),
        (
            shape("Box", sensor("l", "current", "mA", name="Leakage current")),
            "breaker_monitor",
        ),
        (
            shape("Box", sensor("l", "current", "mA", name="Leakage current"), METER),
            "breaker_monitor",
        ),
        (shape("Light", METER, RELAY, Row(domain="light", unique_id="l")), None),
        (shape("Hall", RELAY), None),
        (shape("Breaker panel"), None),
        (shape("Pipe", sensor("p", "pressure", "bar", name="Sensor")), "hydrant"),
        (shape("Pipe", sensor("p", "pressure", "kPa", name="Water")), "hydrant"),
        (shape("Weather", sensor("p", "pressure", "hPa", name="Pressure")), None),
        (shape("Air", binary("x", "carbon_monoxide", name="CO")), None),
        (shape("Other", binary("x", "smoke", name="Interconnected smoke alarm")), None),
        (shape("Phone", sensor("l", None, "%", name="Battery level")), None),
    ],
)
async def test_kinds(hass: HomeAssistant, device: Shape, kind: str | None) -> None:
    """What decides, and what nobody can tell."""
    facts = facts_of_device(hass, register(hass, device))
    assert propose_kind(facts, f"{device.name} {device.model}") == kind


async def test_words_of_a_detector(hass: HomeAssistant) -> None:
    """Whatever a detector calls for help for is its alarm; a chip's warmth is none."""
    device = shape(
        "Kitchen",
        binary("s", "smoke", name="Smoke"),
        binary("c", "carbon_monoxide", name="CO"),
        binary("h", "heat", name="Heat"),
        sensor("t", "temperature", "°F", name="Temperature"),
        sensor("i", "temperature", "°C", name="Chip temperature"),
        Row(domain="button", unique_id="u", name="Unmute alarm"),
        Row(domain="button", unique_id="m", name="Mute alarm"),
    )
    data = proposal(hass, register(hass, device), "Kitchen")
    assert {key: names(hass, refs) for key, refs in data["readings"].items()} == {
        "smoke": ["kitchen_smoke", "kitchen_co", "kitchen_heat"],
        "temperature": ["kitchen_temperature"],
    }
    assert names(hass, [data["commands"]["silence"]]) == ["kitchen_mute_alarm"]


async def test_sockets_without_a_meter_each(hass: HomeAssistant) -> None:
    """One power of two sockets is that of the whole."""
    device = shape(
        "Strip",
        Row(domain="switch", unique_id="a", name="Socket 1"),
        Row(domain="switch", unique_id="b", name="Socket 2"),
        sensor("p", "power", "W", name="Total power"),
        sensor("c", "current", "A", name="Current 2"),
    )
    data = proposal(hass, register(hass, device), "Power strip")
    assert {key: names(hass, refs) for key, refs in data["readings"].items()} == {
        "supply": ["strip_socket_1", "strip_socket_2"],
        "power": ["strip_total_power"],
    }


async def test_entities_without_a_device(hass: HomeAssistant) -> None:
    """Templates and the like are known by their states; what is nowhere is left out."""
    attributes: dict[str, Any] = {
        "friendly_name": "Roof tank level",
        "unit_of_measurement": "%",
    }
    hass.states.async_set("sensor.roof", "80", attributes)
    entry = er.async_get(hass).async_get_or_create(
        "sensor", "template", "x", original_name="Depth of the tank"
    )
    facts = facts_of_entities(hass, ["sensor.roof", entry.entity_id, "sensor.nowhere"])
    assert [fact.ref for fact in facts] == ["sensor.roof", entry.id]
    assert propose_kind(facts, "") == "water_tank"
    assert propose_readings(facts, "water_tank") == {"level": ["sensor.roof"]}


@pytest.mark.parametrize(
    ("measurement", "unit", "value", "ours"),
    [
        ("residual_current", "A", 0.03, 30),
        ("power", "kW", 1.5, 1500),
        ("energy", "Wh", 500, 0.5),
        ("temperature", "°F", 212, 100),
        ("pressure", "psi", 10, 68.9476),
        ("level_height", "cm", 150, 1.5),
        ("session_duration", "h", 2, 120),
        ("link_quality", None, 90, 90),
        ("level", "%", 70, 70),
    ],
)
def test_units(measurement: str, unit: str | None, value: float, ours: float) -> None:
    """Home Assistant's own converters make our units of theirs."""
    convert = converter(measurement, unit)
    assert convert
    assert convert(value) == pytest.approx(ours)


@pytest.mark.parametrize(
    ("measurement", "unit"),
    [("power", "A"), ("level", "L"), ("temperature", None), ("battery", "V")],
)
def test_other_units(measurement: str, unit: str | None) -> None:
    """What cannot be converted is none of that measurement."""
    assert converter(measurement, unit) is None
