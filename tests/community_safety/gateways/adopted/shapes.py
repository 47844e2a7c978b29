"""Devices as other integrations register them.

Each is taken from what the integration publishes: test fixtures and snapshots of Home
Assistant and of the zha library, and the configuration in the documentation of ESPHome.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_homeassistant_custom_component.common import MockConfigEntry

from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er

DIAGNOSTIC, CONFIG = EntityCategory.DIAGNOSTIC, EntityCategory.CONFIG


@dataclass(frozen=True, kw_only=True)
class Row:
    """An entity as it is registered; `part` is the sub-device that it is of."""

    domain: str
    unique_id: str
    name: str | None = None
    key: str | None = None
    device_class: str | None = None
    unit: str | None = None
    category: EntityCategory | None = None
    part: str = ""
    disabled: bool = False


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A device with its entities. `parts` are names of sub-devices, by their identifier."""

    domain: str
    identifier: str
    name: str
    manufacturer: str | None = None
    model: str | None = None
    rows: tuple[Row, ...]
    parts: Mapping[str, str] = field(default_factory=dict)


def sensor(
    unique_id: str, device_class: str | None, unit: str | None, **more: Any
) -> Row:
    """Return a sensor."""
    return Row(
        domain="sensor",
        unique_id=unique_id,
        device_class=device_class,
        unit=unit,
        **more,
    )


def binary(unique_id: str, device_class: str | None, **more: Any) -> Row:
    """Return a binary sensor."""
    return Row(
        domain="binary_sensor", unique_id=unique_id, device_class=device_class, **more
    )


# tests/components/matter/fixtures/nodes/heiman_smoke_detector.json of home-assistant/core
_NODE = "00000000000004D2-000000000000000B-MatterNodeDevice-1"
MATTER_SMOKE = Shape(
    domain="matter",
    identifier="deviceid_00000000000004D2-000000000000000B-MatterNodeDevice",
    name="Smoke sensor",
    manufacturer="HEIMAN",
    model="Smoke sensor",
    rows=(
        binary(f"{_NODE}-SmokeCoAlarmSmokeStateSensor-92-1", "smoke", name="Smoke"),
        binary(
            f"{_NODE}-SmokeCoAlarmBatteryAlertSensor-92-3",
            "battery",
            name="Battery alert",
            key="battery_alert",
            category=DIAGNOSTIC,
        ),
        binary(
            f"{_NODE}-SmokeCoAlarmDeviceMutedSensor-92-4",
            None,
            name="Muted",
            key="muted",
            category=DIAGNOSTIC,
        ),
        binary(
            f"{_NODE}-SmokeCoAlarmTestInProgressSensor-92-5",
            "running",
            name="Test in progress",
            key="test_in_progress",
            category=DIAGNOSTIC,
        ),
        binary(
            f"{_NODE}-SmokeCoAlarmHardwareFaultAlertSensor-92-6",
            "problem",
            name="Hardware fault",
            key="hardware_fault",
            category=DIAGNOSTIC,
        ),
        binary(
            f"{_NODE}-SmokeCoAlarmEndfOfServiceSensor-92-7",
            "problem",
            name="End of service",
            key="end_of_service",
            category=DIAGNOSTIC,
        ),
        sensor(
            f"{_NODE}-PowerSource-47-12",
            "battery",
            "%",
            name="Battery",
            category=DIAGNOSTIC,
        ),
        sensor(
            f"{_NODE}-PowerSourceBatVoltage-47-11",
            "voltage",
            "V",
            name="Battery voltage",
            key="battery_voltage",
            category=DIAGNOSTIC,
        ),
        Row(
            domain="button",
            unique_id=f"{_NODE}-SmokeCoAlarmSelfTestRequest-92-65529",
            name="Self-test",
            key="self_test_request",
            category=DIAGNOSTIC,
        ),
        Row(
            domain="button",
            unique_id=f"{_NODE}-IdentifyButton-3-1",
            name="Identify",
            device_class="identify",
            category=CONFIG,
        ),
    ),
)

# tests/data/devices/bosch-rbsh-sd-zb-eu-0x11106780.json of zigpy/zha
_IEEE = "ab:cd:ef:12:10:76:fe:3a"
ZHA_SMOKE = Shape(
    domain="zha",
    identifier=_IEEE,
    name="Bosch RBSH-SD-ZB-EU",
    manufacturer="Bosch",
    model="RBSH-SD-ZB-EU",
    rows=(
        binary(f"{_IEEE}-1-1280", "smoke"),
        Row(
            domain="button",
            unique_id=f"{_IEEE}-1-3",
            device_class="identify",
            category=DIAGNOSTIC,
        ),
        sensor(
            f"{_IEEE}-1-0-lqi",
            None,
            None,
            name="LQI",
            key="lqi",
            category=DIAGNOSTIC,
            disabled=True,
        ),
        sensor(
            f"{_IEEE}-1-0-rssi",
            "signal_strength",
            "dBm",
            name="RSSI",
            key="rssi",
            category=DIAGNOSTIC,
            disabled=True,
        ),
        sensor(f"{_IEEE}-1-1", "battery", "%", name="Battery", category=DIAGNOSTIC),
        Row(
            domain="update",
            unique_id=f"{_IEEE}-1-25-firmware_update",
            device_class="firmware",
            category=CONFIG,
        ),
    ),
)

# tests/components/shelly/snapshots/test_devices.ambr of home-assistant/core, test_shelly_pro_3em
_MAC = "123456789ABC"


def _phase(letter: str) -> tuple[Row, ...]:
    part, em = f"{_MAC}-em:0-{letter}", f"{_MAC}-em:0-{letter}"
    data = f"{_MAC}-emdata:0-{letter}"
    return (
        sensor(
            f"{em}_aprt_power", "apparent_power", "VA", name="Apparent power", part=part
        ),
        sensor(f"{em}_current", "current", "A", name="Current", part=part),
        sensor(f"{data}_total_act_energy", "energy", "kWh", name="Energy", part=part),
        sensor(
            f"{data}_total_act_ret_energy",
            "energy",
            "kWh",
            name="Energy returned",
            key="energy_returned",
            part=part,
        ),
        sensor(f"{em}_freq", "frequency", "Hz", name="Frequency", part=part),
        sensor(f"{em}_act_power", "power", "W", name="Power", part=part),
        sensor(f"{em}_pf", "power_factor", None, name="Power factor", part=part),
        sensor(f"{em}_voltage", "voltage", "V", name="Voltage", part=part),
    )


SHELLY_3EM = Shape(
    domain="shelly",
    identifier=_MAC,
    name="Test name",
    manufacturer="Shelly",
    model="Shelly Pro 3EM",
    parts={f"{_MAC}-em:0-{row}": f"Test name Phase {row.upper()}" for row in "abc"},
    rows=(
        binary(
            f"{_MAC}-cloud-cloud",
            "connectivity",
            name="Cloud",
            key="cloud",
            category=DIAGNOSTIC,
        ),
        binary(
            f"{_MAC}-sys-restart",
            "problem",
            name="Restart required",
            key="restart_required",
            category=DIAGNOSTIC,
        ),
        Row(
            domain="button",
            unique_id=f"{_MAC}-reboot",
            name="Restart",
            device_class="restart",
            category=CONFIG,
        ),
        sensor(
            f"{_MAC}-em:0-total_aprt_power",
            "apparent_power",
            "VA",
            name="Apparent power",
        ),
        sensor(f"{_MAC}-em:0-total_current", "current", "A", name="Current"),
        sensor(f"{_MAC}-emdata:0-total_act", "energy", "kWh", name="Energy"),
        sensor(
            f"{_MAC}-emdata:0-total_act_ret",
            "energy",
            "kWh",
            name="Energy returned",
            key="energy_returned",
        ),
        sensor(
            f"{_MAC}-em:0-n_current",
            "current",
            "A",
            name="Neutral current",
            key="neutral_current",
        ),
        sensor(f"{_MAC}-em:0-total_act_power", "power", "W", name="Power"),
        sensor(f"{_MAC}-wifi-rssi", "signal_strength", "dBm", name="Signal strength"),
        sensor(
            f"{_MAC}-temperature:0-temperature_0",
            "temperature",
            "°C",
            name="Temperature",
            category=DIAGNOSTIC,
        ),
        *(row for letter in "abc" for row in _phase(letter)),
    ),
)

# A relay with a meter, as homeassistant/components/shelly registers a single one: its
# snapshot test_shelly_2pm_gen3_no_relay_names without the second, on the main device.
_RELAY = f"{_MAC}-switch:0"


def _relay(number: int, part: str = "") -> tuple[Row, ...]:
    relay = f"{_MAC}-switch:{number}"
    return (
        *(
            binary(
                f"{relay}-{key}",
                "problem",
                name=name,
                key=name.lower(),
                category=DIAGNOSTIC,
                part=part,
            )
            for key, name in {
                "overcurrent": "Overcurrent",
                "overtemp": "Overheating",
                "overpower": "Overpowering",
                "overvoltage": "Overvoltage",
            }.items()
        ),
        sensor(f"{relay}-current", "current", "A", name="Current", part=part),
        sensor(f"{relay}-energy", "energy", "kWh", name="Energy", part=part),
        sensor(f"{relay}-freq", "frequency", "Hz", name="Frequency", part=part),
        sensor(f"{relay}-power", "power", "W", name="Power", part=part),
        sensor(
            f"{relay}-temperature",
            "temperature",
            "°C",
            name="Temperature",
            category=DIAGNOSTIC,
            part=part,
        ),
        sensor(f"{relay}-voltage", "voltage", "V", name="Voltage", part=part),
        Row(domain="switch", unique_id=relay, part=part),
    )


SHELLY_1PM = Shape(
    domain="shelly",
    identifier=_MAC,
    name="1-1-201 flat",
    manufacturer="Shelly",
    model="Shelly Pro 1PM",
    rows=_relay(0),
)
SHELLY_2PM = Shape(
    domain="shelly",
    identifier=_MAC,
    name="Shed",
    manufacturer="Shelly",
    model="Shelly 2PM Gen3",
    parts={f"{_MAC}-switch:{row}": f"Shed Switch {row}" for row in range(2)},
    rows=tuple(
        row
        for number in range(2)
        for row in _relay(number, part=f"{_MAC}-switch:{number}")
    ),
)

# The ultrasonic and wifi_signal sensors of https://esphome.io/components/sensor/, with the
# usual filter from a distance to percent.
ESPHOME_TANK = Shape(
    domain="esphome",
    identifier="a0:b7:65:00:00:01",
    name="Water tank right",
    manufacturer="Espressif",
    model="esp32dev",
    rows=(
        sensor("a0b765000001-sensor-tank_level", None, "%", name="Tank level"),
        sensor(
            "a0b765000001-sensor-tank_distance", "distance", "cm", name="Water depth"
        ),
        sensor(
            "a0b765000001-sensor-wifi_signal",
            "signal_strength",
            "dBm",
            name="WiFi Signal Sensor",
            category=DIAGNOSTIC,
        ),
        sensor(
            "a0b765000001-sensor-esp32_temperature",
            "temperature",
            "°C",
            name="ESP32 chip temperature",
            category=DIAGNOSTIC,
        ),
        Row(domain="light", unique_id="a0b765000001-light-status", name="Status LED"),
    ),
)

# tests/components/tuya/fixtures/dlq_cnpkf4xdmd9v49iq.json of home-assistant/core
_TUYA = "tuya.qi94v9dmdx4fkpncqld"
TUYA_BREAKER = Shape(
    domain="tuya",
    identifier="qi94v9dmdx4fkpncqld",
    name="断路器HA",
    manufacturer="Tuya",
    model="Breaker",
    rows=(
        sensor(
            f"{_TUYA}forward_energy_total",
            "energy",
            "kWh",
            name="Total energy",
            key="total_energy",
        ),
        sensor(
            f"{_TUYA}supply_frequency",
            "frequency",
            "Hz",
            name="Supply frequency",
            key="supply_frequency",
            category=DIAGNOSTIC,
        ),
        sensor(
            f"{_TUYA}phase_aelectriccurrent",
            "current",
            "A",
            name="Phase A current",
            key="phase_a_current",
        ),
        sensor(
            f"{_TUYA}phase_apower",
            "power",
            "kW",
            name="Phase A power",
            key="phase_a_power",
        ),
        sensor(
            f"{_TUYA}phase_avoltage",
            "voltage",
            "V",
            name="Phase A voltage",
            key="phase_a_voltage",
        ),
        Row(
            domain="switch",
            unique_id=f"{_TUYA}child_lock",
            name="Child lock",
            key="child_lock",
            category=CONFIG,
        ),
        Row(domain="switch", unique_id=f"{_TUYA}switch", name="Switch", key="switch"),
    ),
)

# homeassistant/components/onvif of home-assistant/core, and its diagnostics' test camera
_ONVIF = "aa:bb:cc:dd:ee:ff"
ONVIF_CAMERA = Shape(
    domain="onvif",
    identifier=_ONVIF,
    name="Gate",
    manufacturer="TestManufacturer",
    model="TestModel",
    rows=(
        Row(domain="camera", unique_id=_ONVIF, name="mainStream"),
        Row(domain="camera", unique_id=f"{_ONVIF}_1", name="subStream", disabled=True),
        binary(f"{_ONVIF}_motion", "motion", name="Cell Motion Detection"),
        Row(domain="button", unique_id=f"{_ONVIF}_reboot", name="Reboot"),
        Row(domain="switch", unique_id=f"{_ONVIF}_ir_lamp", name="IR lamp"),
        Row(domain="switch", unique_id=f"{_ONVIF}_wiper", name="Wiper"),
    ),
)

# homeassistant/components/unifiprotect of home-assistant/core, tests/components/unifiprotect
_PROTECT = "A1C600000001"
PROTECT_CAMERA = Shape(
    domain="unifiprotect",
    identifier=_PROTECT,
    name="Hall",
    manufacturer="Ubiquiti",
    model="UVC G4 Bullet",
    rows=(
        Row(domain="camera", unique_id=f"{_PROTECT}_0", name="High resolution channel"),
        binary(f"{_PROTECT}_motion", "motion", name="Motion"),
        binary(f"{_PROTECT}_dark", None, name="Is dark", key="is_dark"),
        sensor(
            f"{_PROTECT}_uptime",
            "timestamp",
            None,
            name="Uptime",
            category=DIAGNOSTIC,
        ),
        sensor(
            f"{_PROTECT}_oldest_recording",
            "timestamp",
            None,
            name="Oldest recording",
            key="oldest_recording",
            category=DIAGNOSTIC,
        ),
        sensor(f"{_PROTECT}_storage_used", "data_size", "B", name="Storage used"),
        sensor(f"{_PROTECT}_voltage", "voltage", "V", name="Voltage"),
        Row(domain="select", unique_id=f"{_PROTECT}_mode", name="Recording mode"),
        Row(
            domain="switch",
            unique_id=f"{_PROTECT}_privacy_mode",
            name="Privacy mode",
            category=CONFIG,
        ),
    ),
)

# custom_components/frigate of blakeblackshear/frigate-hass-integration, its tests' camera
_FRIGATE = "test_entry:%s:front_door"
FRIGATE_CAMERA = Shape(
    domain="frigate",
    identifier="test_entry:front_door",
    name="Front Door",
    manufacturer="Frigate",
    model="custom component",
    rows=(
        Row(domain="camera", unique_id=_FRIGATE % "camera"),
        binary(_FRIGATE % "motion_sensor", "motion", name="Motion"),
        binary(_FRIGATE % "occupancy_sensor", "occupancy", name="Person occupancy"),
        sensor(_FRIGATE % "sensor_fps", None, "fps", name="Camera fps"),
        Row(domain="switch", unique_id=_FRIGATE % "switch_detect", name="Detect"),
        Row(domain="switch", unique_id=_FRIGATE % "switch_rec", name="Recordings"),
        Row(domain="switch", unique_id=_FRIGATE % "switch_snap", name="Snapshots"),
    ),
)


def register(hass: HomeAssistant, shape: Shape) -> str:
    """Fill the registries as the integration does; return the id of the device."""
    entry = MockConfigEntry(domain=shape.domain)
    entry.add_to_hass(hass)
    devices, entities = dr.async_get(hass), er.async_get(hass)

    def add(identifier: str, name: str, **more: Any) -> str:
        return devices.async_get_or_create(
            config_entry_id=entry.entry_id,
            identifiers={(shape.domain, identifier)},
            name=name,
            manufacturer=shape.manufacturer,
            model=shape.model,
            **more,
        ).id

    main = add(shape.identifier, shape.name)
    parts = {"": main} | {
        identifier: add(identifier, name, via_device_id=main)
        for identifier, name in shape.parts.items()
    }
    names = {"": shape.name} | dict(shape.parts)
    for row in shape.rows:
        entities.async_get_or_create(
            row.domain,
            shape.domain,
            row.unique_id,
            config_entry=entry,
            device_id=parts[row.part],
            disabled_by=(
                er.RegistryEntryDisabler.INTEGRATION if row.disabled else None
            ),
            entity_category=row.category,
            has_entity_name=True,
            original_device_class=row.device_class,
            original_name=row.name,
            suggested_object_id=f"{names[row.part]} {row.name or ''}",
            translation_key=row.key,
            unit_of_measurement=row.unit,
        )
    return main


def entity_of(hass: HomeAssistant, shape: Shape, end: str) -> str:
    """Return the entity whose unique id ends so."""
    (row,) = (row for row in shape.rows if row.unique_id.endswith(end))
    found = er.async_get(hass).async_get_entity_id(
        row.domain, shape.domain, row.unique_id
    )
    assert found
    return found
