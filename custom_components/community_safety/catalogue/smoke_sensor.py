"""Smoke sensors."""

from homeassistant.components.binary_sensor import BinarySensorDeviceClass

from ..const import Severity
from . import common
from .model import DeviceKind, Hazard, Level, Nature, Scope, When

HEAT = Hazard(
    key="heat",
    levels=(
        Level(
            severity=Severity.ALARM,
            measurement="temperature",
            when=When.AT_LEAST,
            threshold=common.celsius("heat_alarm", 57, "GB 4716 class A2, UL 521"),
        ),
    ),
    hysteresis=5,
    latching=True,
    nature=Nature.FIRE,
    cuts_off=Scope.AREA,
    releases_elevators=True,
    binary_class=BinarySensorDeviceClass.HEAT,
)

SMOKE_SENSOR = DeviceKind(
    key="smoke_sensor",
    measurements=(*common.MEASUREMENTS, "smoke", "smoke_density", "temperature"),
    hazards=(common.SMOKE, HEAT, *common.FAULTS),
    buttons=("silence", "self_test"),
)
