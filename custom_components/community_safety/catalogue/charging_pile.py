"""Charging piles for e-bikes: a row of sockets with a smoke sensor."""

from homeassistant.components.number import NumberDeviceClass
from homeassistant.const import PERCENTAGE, UnitOfTime

from ..const import Severity
from . import common
from .breaker_monitor import over_temperature
from .model import DeviceKind, Hazard, Level, Nature, Scope, Setting, When

OVERLOAD = Hazard(
    key="overload",
    levels=(
        Level(
            severity=Severity.ALARM,
            measurement="current",
            when=When.AT_LEAST,
            threshold=Setting(
                key="overload_alarm",
                default=113,
                low=100,
                high=1000,
                unit=PERCENTAGE,
                source="IEC 60898-1 table 7: conventional non-tripping current",
            ),
            delay=10,
            of_rated=True,
        ),
    ),
    hysteresis=3,
    latching=True,
    cuts_off=Scope.DEVICE,
)

OVERLONG_SESSION = Hazard(
    key="overlong_session",
    levels=(
        Level(
            severity=Severity.WARNING,
            measurement="session_duration",
            when=When.AT_LEAST,
            threshold=Setting(
                key="overlong_session_warning",
                default=600,
                low=30,
                high=2880,
                step=10,
                unit=UnitOfTime.MINUTES,
                device_class=NumberDeviceClass.DURATION,
                source="a lead or lithium e-bike battery is full within 10 h",
            ),
        ),
    ),
)

CHARGING_PILE = DeviceKind(
    key="charging_pile",
    measurements=(
        *common.MEASUREMENTS,
        "supply",
        "current",
        "power",
        "energy",
        "session_energy",
        "session_duration",
        "plugged",
        "smoke",
        "temperature",
        "cut_off_unproven",
    ),
    hazards=(
        Hazard(
            key="smoke",
            levels=common.SMOKE.levels,
            latching=True,
            nature=Nature.FIRE,
            cuts_off=Scope.DEVICE,
            releases_elevators=True,
            binary_class=common.SMOKE.binary_class,
        ),
        over_temperature("temperature", (Severity.ALARM, 70), nature=Nature.FIRE),
        OVERLOAD,
        OVERLONG_SESSION,
        common.REFUSED_TO_OPEN,
        *common.FAULTS,
    ),
    settings=(common.rated_current(10),),
    buttons=("all_off", "silence", "self_test"),
    mains=True,
)
