"""What every device kind shares: faults, and ready-made levels."""

from homeassistant.components.binary_sensor import BinarySensorDeviceClass
from homeassistant.components.number import NumberDeviceClass
from homeassistant.const import (
    PERCENTAGE,
    EntityCategory,
    UnitOfElectricCurrent,
    UnitOfTemperature,
)

from ..const import Severity
from .model import Hazard, Level, Nature, Scope, Setting, When

_DIAGNOSTIC = EntityCategory.DIAGNOSTIC


def on(measurement: str, severity: Severity) -> Level:
    """Return a level that is present while a binary measurement is on."""
    return Level(severity=severity, measurement=measurement)


def fault(
    key: str,
    *measurements: str,
    delay: float = 0,
    enabled: bool = False,
    always_shown: bool = False,
) -> Hazard:
    """Return a fault shown by binary measurements, after `delay` seconds.

    Its entity is off by default: every fault raises an alarm, which is what people see.
    """
    return Hazard(
        key=key,
        levels=tuple(
            Level(severity=Severity.FAULT, measurement=name, delay=delay)
            for name in measurements
        ),
        category=_DIAGNOSTIC,
        enabled=enabled,
        always_shown=always_shown,
    )


def celsius(key: str, default: float, source: str, low: float = 30) -> Setting:
    """Return a temperature threshold."""
    return Setting(
        key=key,
        default=default,
        low=low,
        high=120,
        unit=UnitOfTemperature.CELSIUS,
        device_class=NumberDeviceClass.TEMPERATURE,
        source=source,
    )


def percent(key: str, default: float, high: float, source: str) -> Setting:
    """Return a threshold in percent."""
    return Setting(
        key=key, default=default, low=0, high=high, unit=PERCENTAGE, source=source
    )


def rated_current(default: float) -> Setting:
    """Return the setting for the rated current of the supply."""
    return Setting(
        key="rated_current",
        default=default,
        low=0.5,
        high=6300,
        step=0.5,
        unit=UnitOfElectricCurrent.AMPERE,
        device_class=NumberDeviceClass.CURRENT,
        enabled=True,
        source="the breaker's or the socket's type plate",
    )


UNRESPONSIVE = fault("unresponsive", "unresponsive", always_shown=True)
SENSOR_FAULT = fault("sensor_fault", "trouble", "implausible")
SELF_TEST_FAILED = fault("self_test_failed", "self_test_failed")
TAMPER = Hazard(
    key="tamper",
    levels=(on("tamper", Severity.FAULT),),
    binary_class=BinarySensorDeviceClass.TAMPER,
    category=_DIAGNOSTIC,
)
LOW_BATTERY = Hazard(
    key="low_battery",
    levels=(
        on("battery_low", Severity.FAULT),
        Level(
            severity=Severity.FAULT,
            measurement="battery",
            when=When.AT_MOST,
            threshold=percent(
                "low_battery_fault", 15, 100, "UL 217: a month of warning is left"
            ),
        ),
    ),
    hysteresis=5,
    binary_class=BinarySensorDeviceClass.BATTERY,
    category=_DIAGNOSTIC,
    enabled=False,
)
SMOKE = Hazard(
    key="smoke",
    levels=(on("smoke", Severity.ALARM),),
    latching=True,
    nature=Nature.FIRE,
    cuts_off=Scope.AREA,
    releases_elevators=True,
    binary_class=BinarySensorDeviceClass.SMOKE,
)
REFUSED_TO_OPEN = Hazard(
    key="refused_to_open",
    levels=(on("cut_off_unproven", Severity.ALARM),),
    latching=True,
    nature=Nature.LINKAGE,
)
REFUSED_TO_RELEASE = Hazard(
    key="refused_to_release",
    levels=(on("release_unproven", Severity.ALARM),),
    latching=True,
    nature=Nature.LINKAGE,
)
FREEZING = Hazard(
    key="freezing",
    levels=(
        Level(
            severity=Severity.WARNING,
            measurement="temperature",
            when=When.AT_MOST,
            threshold=celsius(
                "freezing_warning", 4, "GB 50974 5.2.5: kept above 5 °C", low=-20
            ),
        ),
    ),
    hysteresis=1,
    binary_class=BinarySensorDeviceClass.COLD,
)

MEASUREMENTS = (
    "battery",
    "battery_low",
    "signal_strength",
    "link_quality",
    "tamper",
    "trouble",
    "self_test_failed",
    "test",
    "unresponsive",
    "implausible",
)
#: Of whatever a fire opens.
RELEASE_MEASUREMENTS = ("released_on_fire", "release_unproven")
#: Of whatever has a list of who may pass.
LIST_MEASUREMENTS = ("credentials", "unknown_credential", "credential_unproven")
#: Of whatever has a list of who may pass, with ends that go by its own clock.
LIST_FAULTS = (
    fault("credential_unproven", "credential_unproven"),
    fault("clock_wrong", "clock_wrong"),
)
FAULTS = (UNRESPONSIVE, SENSOR_FAULT, SELF_TEST_FAILED, TAMPER, LOW_BATTERY)
