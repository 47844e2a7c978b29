"""Models of Zigbee devices as data: their clusters, and how their readings become attributes."""

from dataclasses import dataclass, field
from typing import Any

from simulator.device import Device
from simulator.devices import (
    BreakerMonitor,
    ChargingPile,
    ElevatorBlocker,
    Hydrant,
    SmokeSensor,
    WaterTank,
)

HOME_AUTOMATION = 0x0104
#: Device types.
ON_OFF_OUTPUT, SMART_PLUG, TEMPERATURE_SENSOR = 0x0002, 0x0051, 0x0302
PRESSURE_SENSOR, IAS_ZONE, IAS_WARNING, SIMPLE_SENSOR = 0x0305, 0x0402, 0x0403, 0x000C
#: Zone types.
FIRE_SENSOR, STANDARD_WARNING = 0x0028, 0x0225
#: Bits of a zone status.
ALARM_1, TAMPER, BATTERY_LOW, TROUBLE, TEST = 0x01, 0x04, 0x08, 0x40, 0x100
#: Tuya types of data points.
RAW, BOOL, VALUE, STRING, ENUM, BITMAP = range(6)

MAKER = "Xingqiao Simulation"


@dataclass(frozen=True, slots=True)
class Source:
    """An attribute, as "cluster.attribute", that follows a reading."""

    attribute: str
    reading: str
    factor: float = 1.0
    #: Numbers of texts.
    words: dict[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint of a model."""

    device: int
    servers: tuple[str, ...]
    clients: tuple[str, ...] = ()
    #: Values other than those of the cluster, by "cluster.attribute".
    values: dict[str, Any] = field(default_factory=dict)
    sources: tuple[Source, ...] = ()
    #: Zone status bits by reading.
    zone: dict[str, int] = field(default_factory=dict)
    #: What On and Off set on the device.
    switch: str = ""


@dataclass(frozen=True, slots=True)
class DataPoint:
    """A Tuya data point that follows a reading; big-endian on the wire."""

    number: int
    type: int
    reading: str = ""
    factor: float = 1.0
    size: int = 4
    #: What it is without a reading.
    value: int = 0
    settable: bool = False


@dataclass(frozen=True, slots=True)
class Model:
    """A model."""

    name: str
    manufacturer: str
    model: str
    kind: type[Device]
    endpoints: dict[int, Endpoint]
    options: dict[str, Any] = field(default_factory=dict)
    sleepy: bool = False
    manufacturer_code: int = 0x1002
    points: tuple[DataPoint, ...] = ()


_BATTERY = Source("power.battery_percentage", "battery", 2)


def _phase(
    letter: str, reading: str, *, current: float, voltage: float
) -> tuple[Source, ...]:
    return (
        Source(f"electrical.current{letter}", f"current{reading}", current),
        Source(f"electrical.voltage{letter}", f"voltage{reading}", voltage),
    )


_METER = (
    Source("on_off.on_off", "supply"),
    Source("electrical.power", "power"),
    Source("metering.delivered", "energy", 1000),
    Source("device_temperature.current", "conductor_temperature"),
    Source("analog_input.present_value", "residual_current"),
)
_METER_SERVERS = (
    "basic",
    "device_temperature",
    "identify",
    "groups",
    "scenes",
    "on_off",
    "analog_input",
    "metering",
    "electrical",
)
_LEAKAGE = {
    "analog_input.description": "Residual current (mA)",
    "analog_input.units": 2,
}

MODELS = {
    model.name: model
    for model in (
        Model(
            "smoke",
            "HEIMAN",
            "SmokeSensor-EF-3.0",
            SmokeSensor,
            {
                1: Endpoint(
                    IAS_ZONE,
                    ("basic", "power", "identify", "ias_zone", "ias_wd"),
                    ("ota",),
                    values={"ias_zone.type": FIRE_SENSOR, "basic.power_source": 3},
                    sources=(_BATTERY,),
                    zone={"smoke": ALARM_1, "tamper": TAMPER, "test": TEST},
                )
            },
            sleepy=True,
            manufacturer_code=0x120B,
        ),
        Model(
            "heat",
            MAKER,
            "SM-1Z",
            SmokeSensor,
            {
                1: Endpoint(
                    IAS_ZONE,
                    (
                        "basic",
                        "power",
                        "identify",
                        "poll_control",
                        "temperature",
                        "ias_zone",
                        "ias_wd",
                    ),
                    ("ota",),
                    values={"ias_zone.type": FIRE_SENSOR, "basic.power_source": 3},
                    sources=(
                        _BATTERY,
                        Source("temperature.measured", "temperature", 100),
                    ),
                    zone={"smoke": ALARM_1, "tamper": TAMPER, "test": TEST},
                )
            },
            sleepy=True,
        ),
        Model(
            "breaker",
            MAKER,
            "BM-63Z",
            BreakerMonitor,
            {
                1: Endpoint(
                    SMART_PLUG,
                    _METER_SERVERS,
                    ("time", "ota"),
                    values=_LEAKAGE,
                    sources=(*_METER, *_phase("", "", current=100, voltage=10)),
                    switch="supply",
                )
            },
        ),
        Model(
            "breaker-3",
            MAKER,
            "BM-63Z-3",
            BreakerMonitor,
            {
                1: Endpoint(
                    SMART_PLUG,
                    _METER_SERVERS,
                    ("time", "ota"),
                    values={**_LEAKAGE, "electrical.type": 0x39},
                    sources=(
                        *_METER,
                        *_phase("", "_l1", current=100, voltage=10),
                        *_phase("_b", "_l2", current=100, voltage=10),
                        *_phase("_c", "_l3", current=100, voltage=10),
                    ),
                    switch="supply",
                )
            },
            options={"phases": ("l1", "l2", "l3"), "load": 24.0},
        ),
        Model(
            "tuya-breaker",
            "_TZE200_hkdl5fmv",
            "TS0601",
            BreakerMonitor,
            {
                1: Endpoint(
                    SMART_PLUG, ("basic", "groups", "scenes", "tuya"), ("time", "ota")
                )
            },
            points=(
                DataPoint(1, BOOL, "supply", size=1, settable=True),
                DataPoint(26, ENUM, size=1),
                DataPoint(101, RAW, "voltage", 10, size=2),
                DataPoint(102, RAW, "current", 1000, size=3),
                DataPoint(103, RAW, "power", 10, size=3),
                DataPoint(104, VALUE, "residual_current"),
                DataPoint(105, VALUE, "conductor_temperature"),
                DataPoint(113, VALUE, "energy", 100),
                DataPoint(116, BOOL, "tripped", size=1),
            ),
        ),
        Model(
            "tuya-level",
            "_TZE284_kyyu8rbj",
            "TS0601",
            WaterTank,
            {
                1: Endpoint(
                    SMART_PLUG, ("basic", "groups", "scenes", "tuya"), ("time", "ota")
                )
            },
            points=(
                DataPoint(1, ENUM, size=1),
                DataPoint(2, VALUE, "level_height", 100),
                DataPoint(7, VALUE, value=98),
                DataPoint(8, VALUE, value=20),
                DataPoint(19, VALUE, value=260),
                DataPoint(21, VALUE, value=250),
                DataPoint(22, VALUE, "level"),
            ),
        ),
        Model(
            "tank",
            MAKER,
            "WT-3Z",
            WaterTank,
            {
                1: Endpoint(
                    SIMPLE_SENSOR,
                    ("basic", "power", "identify", "analog_input", "temperature"),
                    ("ota",),
                    values={
                        "analog_input.description": "Level (%)",
                        "analog_input.units": 98,
                        "basic.power_source": 3,
                    },
                    sources=(
                        _BATTERY,
                        Source("analog_input.present_value", "level"),
                        Source("temperature.measured", "temperature", 100),
                    ),
                )
            },
            sleepy=True,
        ),
        Model(
            "hydrant",
            MAKER,
            "HP-16Z",
            Hydrant,
            {
                1: Endpoint(
                    PRESSURE_SENSOR,
                    ("basic", "power", "identify", "temperature", "pressure", "flow"),
                    ("ota",),
                    values={"basic.power_source": 3},
                    sources=(
                        _BATTERY,
                        # In 0.1 kPa, and scaled in 100 Pa (ZCL 8, 4.5.2.2.1).
                        Source("pressure.measured", "pressure", 10),
                        Source("pressure.scaled", "pressure", 10),
                        Source("temperature.measured", "temperature", 100),
                    ),
                )
            },
            sleepy=True,
        ),
        Model(
            "charging-pile",
            MAKER,
            "CP-4Z",
            ChargingPile,
            {
                number: Endpoint(
                    SMART_PLUG,
                    ("basic", "identify", "on_off", "binary_input", "electrical")
                    + (("temperature", "ias_zone", "metering") if number == 1 else ()),
                    ("ota",) if number == 1 else (),
                    values={"binary_input.description": "Plugged"}
                    | ({"ias_zone.type": FIRE_SENSOR} if number == 1 else {}),
                    sources=(
                        Source("on_off.on_off", f"supply_{number}"),
                        Source("binary_input.present_value", f"plugged_{number}"),
                        Source("electrical.current", f"current_{number}", 100),
                        Source("electrical.power", f"power_{number}"),
                    )
                    + (
                        (
                            Source("temperature.measured", "temperature", 100),
                            Source("metering.delivered", "energy", 1000),
                        )
                        if number == 1
                        else ()
                    ),
                    zone={"smoke": ALARM_1} if number == 1 else {},
                    switch=f"supply_{number}",
                )
                for number in range(1, 5)
            },
        ),
        Model(
            "elevator-blocker",
            MAKER,
            "EB-1Z",
            ElevatorBlocker,
            {
                1: Endpoint(
                    ON_OFF_OUTPUT,
                    ("basic", "identify", "on_off", "analog_input", "multistate_input"),
                    ("ota",),
                    values={
                        "analog_input.description": "Confidence (%)",
                        "multistate_input.description": "Class seen",
                        "multistate_input.states": 7,
                    },
                    sources=(
                        Source("on_off.on_off", "held"),
                        Source("analog_input.present_value", "confidence"),
                        Source(
                            "multistate_input.present_value",
                            "class_seen",
                            words={
                                "none": 1,
                                "e_bike": 2,
                                "bicycle": 3,
                                "pram": 4,
                                "wheelchair": 5,
                                "person": 6,
                                "unknown": 7,
                            },
                        ),
                    ),
                    switch="held",
                )
            },
        ),
    )
}
