"""Vehicle gates: a barrier, a camera or reader before it, and a list of plates of their own."""

from ..const import Severity
from . import common
from .model import DeviceKind, Hazard, Nature

VEHICLE_GATE = DeviceKind(
    key="vehicle_gate",
    measurements=(
        *common.MEASUREMENTS,
        "barrier",
        "locked",
        "barrier_stuck",
        "clock_wrong",
        *common.RELEASE_MEASUREMENTS,
        *common.LIST_MEASUREMENTS,
    ),
    hazards=(
        Hazard(
            key="barrier_stuck",
            levels=(common.on("barrier_stuck", Severity.WARNING),),
            nature=Nature.ACCESS,
        ),
        # A plate opens a barrier and no door: less than a card that nobody has given.
        Hazard(
            key="unknown_plate",
            levels=(common.on("unknown_credential", Severity.WARNING),),
            nature=Nature.ACCESS,
        ),
        common.REFUSED_TO_RELEASE,
        *common.LIST_FAULTS,
        *common.FAULTS,
    ),
    mains=True,
)
