"""Elevator blockers: a camera in the car and a door that can be held open."""

from homeassistant.components.number import NumberDeviceClass
from homeassistant.const import PERCENTAGE, UnitOfTime

from ..const import Severity
from . import common
from .measurements import COUNTERS
from .model import DeviceKind, Hazard, Setting

CONFIDENCE = Setting(
    key="least_confidence",
    default=80,
    low=50,
    high=100,
    unit=PERCENTAGE,
    source="below it an e-bike counts as unknown, and unknown is never held",
)
LONGEST_HOLD = Setting(
    key="longest_hold",
    default=120,
    low=10,
    high=600,
    unit=UnitOfTime.SECONDS,
    device_class=NumberDeviceClass.DURATION,
    source="a lift out of service for longer needs a person",
)

ELEVATOR_BLOCKER = DeviceKind(
    key="elevator_blocker",
    measurements=(
        *common.MEASUREMENTS,
        "class_seen",
        "confidence",
        "held",
        "e_bike_in_car",
        "held_too_long",
        "release_unproven",
        *COUNTERS,
    ),
    hazards=(
        Hazard(
            key="e_bike_in_car",
            levels=(common.on("e_bike_in_car", Severity.ALARM),),
            latching=True,
        ),
        common.fault("held_too_long", "held_too_long"),
        common.REFUSED_TO_RELEASE,
        *common.FAULTS,
    ),
    settings=(CONFIDENCE, LONGEST_HOLD),
    buttons=("release",),
    high_dangers=("confidence",),
    mains=True,
)
