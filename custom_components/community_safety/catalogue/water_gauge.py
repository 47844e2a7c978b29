"""Water gauges: the fire tank on the roof, and hydrants."""

from homeassistant.components.number import NumberDeviceClass
from homeassistant.const import PERCENTAGE, UnitOfPressure

from ..const import Severity
from . import common
from .model import DeviceKind, Hazard, Level, Nature, Setting, When


def _level(hazard: str, severity: Severity, when: When, default: float) -> Level:
    return Level(
        severity=severity,
        measurement="level",
        when=when,
        threshold=common.percent(
            f"{hazard}_{severity}",
            default,
            110,
            "GB 50974 4.3.9: the tank's level is shown and its limits raise an alarm",
        ),
    )


def _pressure(
    hazard: str, severity: Severity, when: When, default: float, source: str
) -> Level:
    return Level(
        severity=severity,
        measurement="pressure",
        when=when,
        threshold=Setting(
            key=f"{hazard}_{severity}",
            default=default,
            low=0,
            high=4000,
            unit=UnitOfPressure.KPA,
            device_class=NumberDeviceClass.PRESSURE,
            source=source,
        ),
    )


JUMP_LIMIT = Setting(
    key="jump_limit",
    default=25,
    low=5,
    high=100,
    unit=PERCENTAGE,
    source="a full tank takes over half an hour to drain through its outlet",
)

WATER_TANK = DeviceKind(
    key="water_tank",
    measurements=(
        *common.MEASUREMENTS,
        "level",
        "level_height",
        "temperature",
        "jump",
    ),
    hazards=(
        Hazard(
            key="low_level",
            nature=Nature.WATER,
            levels=(
                _level("low_level", Severity.WARNING, When.AT_MOST, 50),
                _level("low_level", Severity.ALARM, When.AT_MOST, 20),
            ),
            hysteresis=2,
        ),
        Hazard(
            key="overflow",
            nature=Nature.WATER,
            levels=(_level("overflow", Severity.WARNING, When.AT_LEAST, 98),),
            hysteresis=2,
        ),
        common.FREEZING,
        common.fault("implausible_jump", "jump"),
        *common.FAULTS,
    ),
    settings=(JUMP_LIMIT,),
)

HYDRANT = DeviceKind(
    key="hydrant",
    measurements=(*common.MEASUREMENTS, "pressure", "temperature"),
    hazards=(
        Hazard(
            key="low_pressure",
            nature=Nature.WATER,
            levels=(
                _pressure(
                    "low_pressure",
                    Severity.ALARM,
                    When.UNDER,
                    70,
                    "GB 50974 5.2.2: least static pressure, high-rise housing",
                ),
            ),
            hysteresis=5,
        ),
        Hazard(
            key="high_pressure",
            nature=Nature.WATER,
            levels=(
                _pressure(
                    "high_pressure",
                    Severity.WARNING,
                    When.OVER,
                    1000,
                    "GB 50974 6.2.1: hydrants above 1.0 MPa need zones",
                ),
            ),
            hysteresis=20,
        ),
        common.FREEZING,
        *common.FAULTS,
    ),
    variants={
        "hydrant": {},
        # GB 50974 5.2.2: 0.10 MPa where the tank also feeds sprinklers.
        "sprinkler": {"low_pressure_alarm": 100},
    },
)
