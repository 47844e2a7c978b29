"""Door controllers: doors with their locks and readers, and a list of credentials of their own."""

from homeassistant.components.number import NumberDeviceClass
from homeassistant.const import UnitOfTime

from ..const import Severity
from . import common
from .model import DeviceKind, Hazard, Nature, Setting

LONGEST_OPEN = Setting(
    key="longest_open",
    default=60,
    low=5,
    high=3600,
    step=5,
    unit=UnitOfTime.SECONDS,
    device_class=NumberDeviceClass.DURATION,
    source="somebody with a pram or a delivery is through by then",
)

DOOR_CONTROLLER = DeviceKind(
    key="door_controller",
    measurements=(
        *common.MEASUREMENTS,
        "locked",
        "door_open",
        "door_forced",
        "clock_wrong",
        "door_held_open",
        *common.RELEASE_MEASUREMENTS,
        *common.LIST_MEASUREMENTS,
    ),
    hazards=(
        Hazard(
            key="door_forced",
            levels=(common.on("door_forced", Severity.WARNING),),
            nature=Nature.ACCESS,
        ),
        Hazard(
            key="door_held_open",
            levels=(common.on("door_held_open", Severity.WARNING),),
            nature=Nature.ACCESS,
        ),
        Hazard(
            key="unknown_credential",
            levels=(common.on("unknown_credential", Severity.ALARM),),
            latching=True,
            nature=Nature.ACCESS,
        ),
        common.REFUSED_TO_RELEASE,
        *common.LIST_FAULTS,
        *common.FAULTS,
    ),
    settings=(LONGEST_OPEN,),
    mains=True,
)
