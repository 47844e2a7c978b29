"""What devices measure: one row per measurement.

Entities, units, plausible ranges, translations and documentation follow from these rows.
"""

from dataclasses import dataclass
from functools import cache
from math import inf, isfinite
import re

from homeassistant.components.binary_sensor import BinarySensorDeviceClass
from homeassistant.components.sensor import SensorDeviceClass, SensorStateClass
from homeassistant.const import (
    PERCENTAGE,
    SIGNAL_STRENGTH_DECIBELS_MILLIWATT,
    EntityCategory,
    UnitOfElectricCurrent,
    UnitOfElectricPotential,
    UnitOfEnergy,
    UnitOfLength,
    UnitOfPower,
    UnitOfPressure,
    UnitOfTemperature,
    UnitOfTime,
)

type Value = bool | float | str

_DIAGNOSTIC = EntityCategory.DIAGNOSTIC
_MEASURED = SensorStateClass.MEASUREMENT
_CHANNEL = re.compile(r"(?P<key>[a-z0-9_]+?)_(?P<channel>l[1-3]|[1-9][0-9]?)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One typed value that a device reports.

    A number has `low` and `high`, its plausible range in `unit`: a value outside is a
    sensor fault, and on the side that is dangerous the hazard as well. A text has
    `options`. Everything else is binary.
    """

    key: str
    unit: str | None = None
    low: float | None = None
    high: float | None = None
    #: A meter's noise about `low`, in `unit`: a value that is lower by no more is `low`.
    noise: float = 0
    #: The amount counts, whatever its sign: a clamp may be on backwards.
    unsigned: bool = False
    options: tuple[str, ...] = ()
    sensor_class: SensorDeviceClass | None = None
    state_class: SensorStateClass | None = None
    binary_class: BinarySensorDeviceClass | None = None
    category: EntityCategory | None = None
    #: Digits after the point that are shown, None leaves it to Home Assistant.
    precision: int | None = None
    #: Binary readings behind a hazard have no entity: the hazard's entity shows them.
    shown: bool = True
    enabled: bool = True
    #: Noisy telemetry: seconds between two recorded states, unless it changes by more
    #: than `significant` (in `unit`).
    interval: float = 0
    significant: float = 0
    #: The reading can be commanded.
    writable: bool = False

    @property
    def is_number(self) -> bool:
        """Return if values are numbers."""
        return self.low is not None

    def parse(self, raw: object) -> Value:
        """Return the value of a raw one.

        Raises ValueError for what is no value of this measurement.
        """
        if self.is_number:
            if isinstance(raw, (int, float)) and not isinstance(raw, bool):
                try:
                    number = float(raw)
                except OverflowError as err:
                    raise ValueError(f"{self.key}: too large") from err
                if isfinite(number):
                    return number
        elif self.options:
            if isinstance(raw, str) and raw in self.options:
                return raw
        elif isinstance(raw, bool):
            return raw
        raise ValueError(f"{self.key}: unusable value")


def _number(
    key: str,
    unit: str | None,
    low: float,
    high: float,
    sensor_class: SensorDeviceClass | None,
    **more: object,
) -> Measurement:
    return Measurement(
        key=key,
        unit=unit,
        low=low,
        high=high,
        sensor_class=sensor_class,
        **{"state_class": _MEASURED, **more},  # type: ignore[arg-type]
    )


def _flag(key: str) -> Measurement:
    """Return a binary reading that only feeds a hazard."""
    return Measurement(key=key, shown=False)


# Classes that an elevator blocker tells apart; the door is held for E_BIKE alone.
E_BIKE = "e_bike"
SIGHTINGS = (E_BIKE, "bicycle", "pram", "wheelchair", "person", "unknown")
NOTHING = "none"
#: How the arm of a barrier stands, or moves.
BARRIER = ("closed", "opening", "open", "closing")
# What is counted per day at an elevator; a hold is false when a person says so.
COUNTERS = ("holds", "releases", "false_holds", *(f"seen_{row}" for row in SIGHTINGS))
# What a radio gateway counts since its start, but for the queue, which is as it is now.
RADIO = (
    "radio_retries",
    "radio_failures",
    "radio_route_errors",
    "radio_link_errors",
    "radio_queue",
)

_ROWS = (
    # Every device
    _number(
        "battery", PERCENTAGE, 0, 100, SensorDeviceClass.BATTERY, category=_DIAGNOSTIC
    ),
    _number(
        "signal_strength",
        SIGNAL_STRENGTH_DECIBELS_MILLIWATT,
        -150,
        20,
        SensorDeviceClass.SIGNAL_STRENGTH,
        category=_DIAGNOSTIC,
        enabled=False,
        interval=300,
    ),
    _number(
        "link_quality",
        None,
        0,
        255,
        None,
        category=_DIAGNOSTIC,
        enabled=False,
        interval=300,
    ),
    _flag("battery_low"),
    _flag("tamper"),
    _flag("trouble"),
    _flag("self_test_failed"),
    _flag("test"),
    # What the integration itself finds out about a device
    _flag("unresponsive"),
    _flag("implausible"),
    _flag("jump"),
    _flag("cut_off_unproven"),
    _flag("offline"),
    # Fire
    _flag("smoke"),
    _number(
        "smoke_density", "%/m", 0, 100, None, noise=0.5, interval=30, significant=0.5
    ),
    _number(
        "temperature",
        UnitOfTemperature.CELSIUS,
        -40,
        125,
        SensorDeviceClass.TEMPERATURE,
        interval=30,
        significant=2,
    ),
    # Electricity, per phase (l1 to l3) or per socket (1 to 99)
    Measurement(key="supply", writable=True),
    _number(
        "current",
        UnitOfElectricCurrent.AMPERE,
        0,
        6300,
        SensorDeviceClass.CURRENT,
        interval=30,
        significant=2,
        unsigned=True,
    ),
    _number(
        "voltage",
        UnitOfElectricPotential.VOLT,
        0,
        500,
        SensorDeviceClass.VOLTAGE,
        interval=60,
        significant=10,
        enabled=False,
        noise=5,
    ),
    _number(
        "power",
        UnitOfPower.WATT,
        -2_000_000,
        2_000_000,
        SensorDeviceClass.POWER,
        interval=30,
        significant=500,
    ),
    _number(
        "energy",
        UnitOfEnergy.KILO_WATT_HOUR,
        0,
        1e9,
        SensorDeviceClass.ENERGY,
        state_class=SensorStateClass.TOTAL_INCREASING,
        interval=300,
        noise=0.1,
    ),
    _number(
        "residual_current",
        UnitOfElectricCurrent.MILLIAMPERE,
        0,
        30_000,
        SensorDeviceClass.CURRENT,
        interval=30,
        significant=50,
        unsigned=True,
    ),
    _number(
        "conductor_temperature",
        UnitOfTemperature.CELSIUS,
        -40,
        250,
        SensorDeviceClass.TEMPERATURE,
        interval=30,
        significant=5,
    ),
    _flag("tripped"),
    # Charging
    Measurement(key="plugged", binary_class=BinarySensorDeviceClass.PLUG),
    _number(
        "session_energy",
        UnitOfEnergy.KILO_WATT_HOUR,
        0,
        1000,
        SensorDeviceClass.ENERGY,
        state_class=SensorStateClass.TOTAL,
        interval=60,
        enabled=False,
        noise=0.1,
    ),
    _number(
        "session_duration",
        UnitOfTime.MINUTES,
        0,
        100_000,
        SensorDeviceClass.DURATION,
        interval=60,
        noise=1,
    ),
    # Water
    _number("level", PERCENTAGE, 0, 110, None, noise=2, interval=60, significant=2),
    _number(
        "level_height",
        UnitOfLength.METERS,
        0,
        100,
        SensorDeviceClass.DISTANCE,
        interval=60,
        significant=0.1,
        enabled=False,
        noise=0.05,
    ),
    _number(
        "pressure",
        UnitOfPressure.KPA,
        0,
        4000,
        SensorDeviceClass.PRESSURE,
        interval=60,
        significant=20,
        noise=20,
    ),
    # Elevator
    Measurement(
        key="class_seen",
        options=(NOTHING, *SIGHTINGS),
        sensor_class=SensorDeviceClass.ENUM,
    ),
    _number(
        "confidence", PERCENTAGE, 0, 100, None, category=_DIAGNOSTIC, enabled=False
    ),
    Measurement(key="held", writable=True),
    _flag("e_bike_in_car"),
    _flag("held_too_long"),
    _flag("release_unproven"),
    *(
        _number(
            key,
            None,
            0,
            1e6,
            None,
            state_class=SensorStateClass.TOTAL_INCREASING,
            category=_DIAGNOSTIC,
            precision=0,
            enabled=key in ("holds", "releases", "false_holds", f"seen_{E_BIKE}"),
        )
        for key in COUNTERS
    ),
    # Doors, each with its number. Locked: not held open by anybody; a card that lets one
    # person through does not change that.
    Measurement(key="locked", writable=True, shown=False),
    # Of a barrier: nobody holds it open, or it is not up.
    Measurement(key="barrier", options=BARRIER, shown=False),
    _flag("barrier_stuck"),
    Measurement(key="door_open", binary_class=BinarySensorDeviceClass.DOOR),
    _flag("door_forced"),
    _flag("door_held_open"),
    _flag("clock_wrong"),
    Measurement(key="released_on_fire"),
    _number(
        "credentials",
        None,
        0,
        1e6,
        None,
        category=_DIAGNOSTIC,
        precision=0,
    ),
    _flag("unknown_credential"),
    _flag("credential_unproven"),
    # Cameras. No picture comes from it; recordings reach back to a moment, in Unix time.
    _flag("video_lost"),
    Measurement(key="recording", binary_class=BinarySensorDeviceClass.RUNNING),
    _number(
        "oldest_recording",
        None,
        0,
        4_294_967_296,
        SensorDeviceClass.TIMESTAMP,
        state_class=None,
        category=_DIAGNOSTIC,
    ),
    _flag("not_recording"),
    _flag("recordings_short"),
    # Radio
    *(
        _number(
            key,
            None,
            0,
            1e12,
            None,
            state_class=(
                _MEASURED if key == "radio_queue" else SensorStateClass.TOTAL_INCREASING
            ),
            category=_DIAGNOSTIC,
            precision=0,
            enabled=False,
            interval=60,
        )
        for key in RADIO
    ),
)

MEASUREMENTS = {row.key: row for row in _ROWS}


class Point:
    """A measurement at one place of a device: the whole of it, a phase or a socket.

    There is one object for each, and what each reading asks for is at hand.
    """

    __slots__ = ("channel", "high", "is_number", "key", "low", "measurement")

    def __init__(self, measurement: Measurement, channel: str = "") -> None:
        """Initialize; `key` is the name in readings, such as `current_l1`."""
        self.measurement = measurement
        self.channel = channel
        self.key = point_key(measurement.key, channel)
        self.is_number = measurement.is_number
        self.low = -inf if measurement.low is None else float(measurement.low)
        self.high = inf if measurement.high is None else float(measurement.high)

    def is_plausible(self, value: Value) -> bool:
        """Return if a parsed value lies in the plausible range."""
        return not isinstance(value, float) or self.low <= value <= self.high


def point_key(measurement: str, channel: str) -> str:
    """Return the name in readings of a measurement at a channel ("" is the whole)."""
    return f"{measurement}_{channel}" if channel else measurement


@cache
def parse_point(key: str) -> Point:
    """Return the point of a name such as `current_l1`.

    Raises ValueError for a name that the catalogue does not know.
    """
    if measurement := MEASUREMENTS.get(key):
        return Point(measurement)
    if (match := _CHANNEL.fullmatch(key)) and (
        measurement := MEASUREMENTS.get(match["key"])
    ):
        return Point(measurement, match["channel"])
    raise ValueError(f"{key}: unknown measurement")
