"""Breaker monitors: the supply of a flat or a stairwell's distribution box."""

from homeassistant.components.binary_sensor import BinarySensorDeviceClass
from homeassistant.components.number import NumberDeviceClass
from homeassistant.const import (
    PERCENTAGE,
    UnitOfElectricCurrent,
    UnitOfElectricPotential,
)

from ..const import Severity
from . import common
from .model import DeviceKind, Hazard, Level, Nature, Scope, Setting, When


def _of_rated(key: str, default: float) -> Setting:
    return Setting(
        key=key,
        default=default,
        low=100,
        high=1000,
        unit=PERCENTAGE,
        source="IEC 60898-1 table 7: conventional non-tripping and tripping current",
    )


def _milliampere(key: str, default: float) -> Setting:
    return Setting(
        key=key,
        default=default,
        low=5,
        high=1000,
        unit=UnitOfElectricCurrent.MILLIAMPERE,
        device_class=NumberDeviceClass.CURRENT,
        source="GB 50116 9.2.3: 300 to 500 mA in a distribution box",
    )


def _volt(key: str, default: float) -> Setting:
    return Setting(
        key=key,
        default=default,
        low=50,
        high=500,
        unit=UnitOfElectricPotential.VOLT,
        device_class=NumberDeviceClass.VOLTAGE,
        source="GB/T 12325 and IEC 60038: 220 or 230 V with its tolerances",
    )


def over_temperature(
    measurement: str,
    *levels: tuple[Severity, float],
    nature: Nature = Nature.ELECTRICAL,
) -> Hazard:
    """Return the over-temperature hazard of a measurement."""
    return Hazard(
        key="over_temperature",
        levels=tuple(
            Level(
                severity=severity,
                measurement=measurement,
                when=When.AT_LEAST,
                threshold=common.celsius(
                    f"over_temperature_{severity}",
                    default,
                    "GB 14287.3: 45 to 140 °C; 70 °C is the limit of PVC insulation",
                ),
            )
            for severity, default in levels
        ),
        hysteresis=5,
        latching=True,
        nature=nature,
        cuts_off=Scope.DEVICE,
        binary_class=BinarySensorDeviceClass.HEAT,
    )


OVERCURRENT = Hazard(
    key="overcurrent",
    levels=(
        Level(
            severity=Severity.WARNING,
            measurement="current",
            when=When.AT_LEAST,
            threshold=_of_rated("overcurrent_warning", 113),
            delay=60,
            of_rated=True,
        ),
        Level(
            severity=Severity.ALARM,
            measurement="current",
            when=When.AT_LEAST,
            threshold=_of_rated("overcurrent_alarm", 145),
            delay=10,
            of_rated=True,
        ),
    ),
    hysteresis=3,
    latching=True,
    cuts_off=Scope.DEVICE,
)

LEAKAGE = Hazard(
    key="leakage",
    levels=(
        Level(
            severity=Severity.WARNING,
            measurement="residual_current",
            when=When.AT_LEAST,
            threshold=_milliampere("leakage_warning", 300),
        ),
        Level(
            severity=Severity.ALARM,
            measurement="residual_current",
            when=When.AT_LEAST,
            threshold=_milliampere("leakage_alarm", 500),
        ),
    ),
    hysteresis=2,
    latching=True,
    cuts_off=Scope.DEVICE,
)

OVER_VOLTAGE = Hazard(
    key="over_voltage",
    levels=(
        Level(
            severity=Severity.WARNING,
            measurement="voltage",
            when=When.OVER,
            threshold=_volt("over_voltage_warning", 253),
            delay=5,
        ),
    ),
    hysteresis=3,
)

UNDER_VOLTAGE = Hazard(
    key="under_voltage",
    levels=(
        Level(
            severity=Severity.WARNING,
            measurement="voltage",
            when=When.UNDER,
            threshold=_volt("under_voltage_warning", 187),
            delay=5,
        ),
    ),
    hysteresis=3,
    needs_supply=True,
)

TRIPPED = Hazard(key="tripped", levels=(common.on("tripped", Severity.WARNING),))

BREAKER_MONITOR = DeviceKind(
    key="breaker_monitor",
    measurements=(
        *common.MEASUREMENTS,
        "supply",
        "current",
        "voltage",
        "power",
        "energy",
        "residual_current",
        "conductor_temperature",
        "tripped",
        "cut_off_unproven",
    ),
    hazards=(
        OVERCURRENT,
        LEAKAGE,
        over_temperature(
            "conductor_temperature", (Severity.WARNING, 70), (Severity.ALARM, 85)
        ),
        OVER_VOLTAGE,
        UNDER_VOLTAGE,
        TRIPPED,
        common.REFUSED_TO_OPEN,
        *common.FAULTS,
    ),
    settings=(common.rated_current(63),),
    buttons=("self_test",),
    variants={
        "distribution_box": {},
        # IEC 61008-1: a 30 mA device may trip from half of that.
        "final_circuit": {"leakage_warning": 15, "leakage_alarm": 30},
    },
    single_phase="final_circuit",
    mains=True,
)
