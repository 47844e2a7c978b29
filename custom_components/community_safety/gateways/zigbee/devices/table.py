"""What attributes and bits of Zigbee devices mean to us: data alone.

Names are those of zigpy's clusters and of the quirks' own attributes; which of them a
device has, in what unit and with what factor, is what its quirk and the `zha` library's
entities say. Nothing here knows a model.
"""

from dataclasses import dataclass
from enum import IntFlag
import re


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A measurement and the attributes that carry it, the best first.

    A row with `clusters` (endpoint attributes of zigpy) is for those alone. `on` are
    words: an enumeration's value that contains one means on. Without them, any value does
    that is neither zero nor one of `CALM_WORDS`. `described` is what the cluster's own description must say. `kinds` are
    the kinds of device a row is for; with `chosen` it needs a person who has said so, and
    it is not for a cluster that describes itself as something else. `unit` is that of a value for which the library has no entity
    that knows better; without one, the attribute is a flag.
    """

    measurement: str
    attributes: tuple[str, ...]
    clusters: tuple[str, ...] = ()
    on: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    chosen: bool = False
    described: re.Pattern[str] | None = None
    unit: str | None = None


def _words(*words: str) -> re.Pattern[str]:
    return re.compile("|".join(words), re.IGNORECASE)


#: Inputs describe themselves in words: what they are wired to.
INPUTS = ("analog_input", "binary_input", "multistate_input")
_RESIDUAL = _words("residual", "leakage", "剩余电流", "剩餘電流", "漏电", "漏電")
_LEVEL = _words("level", "液位", "水位")
_DEPTH = _words("depth", "level", "深度", "液位", "水位")
_PRESSURE = _words("pressure", "压力", "壓力", "水压", "水壓")
_PLUGGED = _words("plug", "插入", "插枪")
_SMOKE = _words("smoke", "烟", "煙")
_TRIPPED = _words("trip", "脱扣", "脫扣", "跳闸", "跳閘")


def _input(
    measurement: str, cluster: str, described: re.Pattern[str], *kinds: str
) -> Row:
    return Row(
        measurement=measurement,
        attributes=("present_value",),
        clusters=(cluster,),
        described=described,
        kinds=kinds,
    )


#: What says that a device's own protection has acted, and where.
_ACTED = (
    "alarm",
    "alarm_code",
    "fault_code",
    "fault",
    "fault_alarm",
    "fault_state",
    "trip",
    "trip_state",
)
_ACTED_AT = ("electrical_measurement", "on_off", "tuya_manufacturer")


ATTRIBUTES = (
    _input("smoke", "binary_input", _SMOKE),
    _input("plugged", "binary_input", _PLUGGED),
    _input("tripped", "binary_input", _TRIPPED, "breaker_monitor"),
    # The first state is the normal one.
    _input("tripped", "multistate_input", _TRIPPED, "breaker_monitor"),
    _input("residual_current", "analog_input", _RESIDUAL),
    _input("level", "analog_input", _LEVEL),
    _input("level_height", "analog_input", _DEPTH),
    _input("pressure", "analog_input", _PRESSURE, "hydrant"),
    Row(
        measurement="smoke",
        attributes=(
            "smoke",
            "smoke_state",
            "smoke_alarm",
            "smoke_alarm_1",
            "smoke_alarm_2",
            "fire_alarm",
            "heat_alarm",
        ),
        on=("alarm", "fire", "smoke", "heat", "detected"),
    ),
    # An input that an installer has wired to a detector, or to a breaker's alarm contact.
    Row(
        measurement="smoke",
        attributes=("present_value",),
        clusters=("binary_input",),
        kinds=("smoke_sensor",),
        chosen=True,
    ),
    Row(
        measurement="tripped",
        attributes=("present_value",),
        clusters=("binary_input",),
        kinds=("breaker_monitor",),
        chosen=True,
    ),
    Row(measurement="smoke_density", attributes=("smoke_density_dbm",), unit="dB/m"),
    Row(
        measurement="conductor_temperature",
        attributes=("measured_value",),
        clusters=("temperature",),
        unit="°C",
    ),
    Row(
        measurement="conductor_temperature",
        attributes=("current_temperature",),
        clusters=("device_temperature",),
        unit="°C",
    ),
    Row(measurement="conductor_temperature", attributes=("temperature",), unit="°C"),
    Row(
        measurement="temperature",
        attributes=("measured_value",),
        clusters=("temperature",),
        unit="°C",
    ),
    # In a socket the electronics sit beside the contacts that get hot.
    Row(
        measurement="temperature",
        attributes=("current_temperature",),
        clusters=("device_temperature",),
        kinds=("charging_pile",),
        unit="°C",
    ),
    Row(
        measurement="battery",
        attributes=("battery_percentage_remaining",),
        clusters=("power",),
        unit="%",
    ),
    Row(
        measurement="battery_low",
        attributes=("battery_low", "battery_state"),
        on=("low",),
    ),
    Row(measurement="tamper", attributes=("tamper", "tamper_alarm")),
    Row(
        measurement="self_test_failed",
        attributes=("self_test_result", "sensor_self_check_state"),
        on=("fail",),
    ),
    Row(
        measurement="trouble",
        attributes=(
            "fault_alarm",
            "device_fault",
            "fault_code",
            "fault",
            "sensor_fault_state",
        ),
        kinds=("smoke_sensor", "water_tank", "hydrant"),
    ),
    Row(
        measurement="tripped",
        attributes=_ACTED,
        clusters=_ACTED_AT,
        kinds=("breaker_monitor",),
    ),
    # A pile has no hazard for it: a fault, at least.
    Row(
        measurement="trouble",
        attributes=_ACTED,
        clusters=_ACTED_AT,
        kinds=("charging_pile",),
    ),
    Row(
        measurement="current",
        attributes=("rms_current", "rms_current_ph_b", "rms_current_ph_c"),
        clusters=("electrical_measurement",),
        unit="A",
    ),
    Row(
        measurement="current",
        attributes=("current", "current_ph_a", "current_ph_b", "current_ph_c"),
        unit="A",
    ),
    Row(
        measurement="voltage",
        attributes=("rms_voltage", "rms_voltage_ph_b", "rms_voltage_ph_c"),
        clusters=("electrical_measurement",),
        unit="V",
    ),
    Row(
        measurement="voltage",
        attributes=("voltage", "voltage_ph_a", "voltage_ph_b", "voltage_ph_c"),
        unit="V",
    ),
    Row(
        measurement="power",
        attributes=("active_power", "active_power_ph_b", "active_power_ph_c"),
        clusters=("electrical_measurement",),
        unit="W",
    ),
    Row(
        measurement="power",
        attributes=("power", "power_ph_a", "power_ph_b", "power_ph_c"),
        unit="W",
    ),
    Row(
        measurement="power",
        attributes=("instantaneous_demand",),
        clusters=("smartenergy_metering",),
        unit="W",
    ),
    Row(
        measurement="energy",
        attributes=("current_summ_delivered",),
        clusters=("smartenergy_metering",),
        unit="kWh",
    ),
    Row(measurement="energy", attributes=("energy", "energy_consumed"), unit="kWh"),
    Row(
        measurement="residual_current",
        attributes=("leakage_current", "residual_current"),
        unit="mA",
    ),
    Row(measurement="level", attributes=("liquid_level_percent",), unit="%"),
    Row(measurement="level_height", attributes=("liquid_depth",), unit="m"),
    Row(
        measurement="pressure",
        attributes=("measured_value",),
        clusters=("pressure",),
        kinds=("hydrant",),
        unit="kPa",
    ),
    # An analog input says its unit; what it is wired to, only an installer knows.
    *(
        Row(
            measurement=measurement,
            attributes=("present_value",),
            clusters=("analog_input",),
            kinds=kinds,
            chosen=True,
        )
        for measurement, kinds in {
            "level": ("water_tank",),
            "level_height": ("water_tank",),
            "pressure": ("hydrant",),
            "temperature": ("smoke_sensor", "water_tank", "hydrant", "charging_pile"),
            "conductor_temperature": ("breaker_monitor",),
            "current": ("breaker_monitor", "charging_pile"),
        }.items()
    ),
)

#: Words, in lower case, by which an enumeration or a text says that all is well …
CALM_WORDS = {
    *(
        "clear",
        "cleared",
        "normal",
        "none",
        "no",
        "ok",
        "good",
        "safe",
        "idle",
        "standby",
    ),
    *("off", "false", "0", "inactive", "undetected", "pass", "passed", "success"),
}
#: … and those that a row with words of its own knows besides: of tests and batteries.
NEUTRAL_WORDS = {
    *("checking", "detecting", "others", "charging"),
    *("high", "middle", "medium", "full"),
}
#: Words by which a text says that something is on, whatever it is about.
ON_WORDS = {"on", "true", "1", "active", "yes"}

#: Attributes that a value is multiplied with, and divided by, to have it in its unit: by
#: cluster and measurement, the best name first (ZCL 4.9.2.2, 10.4.2.2.2).
SCALES: dict[tuple[str, str], tuple[tuple[str, ...], ...]] = {
    ("electrical_measurement", "current"): (
        ("ac_current_multiplier",),
        ("ac_current_divisor",),
    ),
    ("electrical_measurement", "voltage"): (
        ("ac_voltage_multiplier",),
        ("ac_voltage_divisor",),
    ),
    ("electrical_measurement", "power"): (
        ("ac_power_multiplier", "power_multiplier"),
        ("ac_power_divisor", "power_divisor"),
    ),
    ("smartenergy_metering", "power"): (("multiplier",), ("divisor",)),
    ("smartenergy_metering", "energy"): (("multiplier",), ("divisor",)),
}

#: Without a divisor volts and watts are whole ones; amperes are milliamperes as often as
#: not (zigpy/zha-device-handlers#1764, #1821).
NEVER_WHOLE = {"current"}

#: Longest value of a device temperature in °C, as the ZCL has it (3.4.2.2.1). What is beyond
#: is in hundredths, as many devices and the library's quirks have it.
MOST_CELSIUS = 200

#: Channels by the end of an attribute's name: the first phase has none in the ZCL.
PHASES = {"_ph_a": "l1", "_ph_b": "l2", "_ph_c": "l3"}


class ZoneStatus(IntFlag):
    """Bits of `zone_status`: Zigbee Cluster Library, table 8-5."""

    ALARM_1 = 1 << 0
    ALARM_2 = 1 << 1
    TAMPER = 1 << 2
    BATTERY = 1 << 3
    TROUBLE = 1 << 6
    TEST = 1 << 8
    BATTERY_DEFECT = 1 << 9


#: What the bits mean of any zone. Alarms mean what the zone's type says.
ZONE_BITS = {
    "tamper": ZoneStatus.TAMPER,
    "battery_low": ZoneStatus.BATTERY | ZoneStatus.BATTERY_DEFECT,
    "trouble": ZoneStatus.TROUBLE,
    "test": ZoneStatus.TEST,
}
ALARM_BITS = ZoneStatus.ALARM_1 | ZoneStatus.ALARM_2
#: Zone types (table 8-4) whose alarm is a measurement of ours …
ZONE_ALARMS = {0x0028: "smoke"}
#: … and those whose alarm is grave, but no measurement of ours: "standard CIE", which says
#: nothing, carbon monoxide (or gas), and personal emergency.
GRAVE_ZONES = {0x0000, 0x002B, 0x002C}

#: Tuya's own cluster: numbered data points, which a quirk explains.
TUYA_POINTS = 0xEF00

#: Our commands, by names of attributes, switches and buttons, the best first.
PRESSABLE: dict[str, tuple[str, ...]] = {
    "silence": (
        "silence_alarm",
        "se_silence_alarm",
        "remote_mute",
        "buzzer_manual_mute",
        "mute_siren",
        "mute",
    ),
    "self_test": ("self_test", "selftest", "self_test_switch", "remote_self_check"),
}

#: Attributes that only breakers have: what sockets, which also limit their load, do not.
PROTECTION = re.compile(
    r"(over_?current|leakage_current|under_voltage|over_voltage|over_temp)_"
    r"(threshold|breaker|setting|trip)"
)
#: Platforms of the library for things with other uses than house.
OTHER_DEVICES = {"light", "climate", "cover", "fan", "lock", "valve"}
METERED = {"current", "power", "energy"}
#: Attributes by cluster that the library does not read, and that tell what a device is.
TELLING = {
    "ias_zone": ("zone_type",),
    "pressure": ("max_measured_value",),
    "multistate_input": ("description",),
}
#: Device types of the Home Automation profile: relays on a rail or in a box …
RELAY_TYPES = {0x0002, 0x0009, 0x0053}
#: … and what something is plugged into.
SOCKET_TYPES = {0x0051, 0x010A}
