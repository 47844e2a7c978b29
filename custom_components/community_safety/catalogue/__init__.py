"""The catalogue: what exists. Code walks over it, nothing is listed twice."""

from .breaker_monitor import BREAKER_MONITOR
from .camera import CAMERA
from .charging_pile import CHARGING_PILE
from .common import fault
from .door_controller import DOOR_CONTROLLER
from .elevator_blocker import ELEVATOR_BLOCKER
from .measurements import RADIO, parse_point
from .model import DeviceKind, Hazard, Level, Nature, Scope, Setting, When
from .smoke_sensor import SMOKE_SENSOR
from .vehicle_gate import VEHICLE_GATE
from .water_gauge import HYDRANT, WATER_TANK

#: The connection itself: when it is lost its devices cannot be trusted.
GATEWAY = DeviceKind(
    key="gateway",
    # Trouble: a device behind it may speak of danger, and is not watched.
    measurements=("offline", "trouble", *RADIO),
    # GB/T 45839: a fault is shown within 100 s; a broker that restarts takes less.
    hazards=(
        fault("gateway_offline", "offline", delay=60, enabled=True, always_shown=True),
        fault("sensor_fault", "trouble", enabled=True, always_shown=True),
    ),
    mains=True,
)

KINDS = {
    kind.key: kind
    for kind in (
        SMOKE_SENSOR,
        BREAKER_MONITOR,
        CHARGING_PILE,
        WATER_TANK,
        HYDRANT,
        ELEVATOR_BLOCKER,
        DOOR_CONTROLLER,
        VEHICLE_GATE,
        CAMERA,
        GATEWAY,
    )
}
#: What people and vehicles go through: a fire opens it, and it has a list of who may pass.
WAYS = (DOOR_CONTROLLER, VEHICLE_GATE)
DEVICE_KINDS = {key: kind for key, kind in KINDS.items() if kind is not GATEWAY}
#: Kinds that a device may be of which somebody else only says what it measures.
CHOOSABLE_KINDS = tuple(
    key
    for key, kind in DEVICE_KINDS.items()
    if kind not in (CAMERA, ELEVATOR_BLOCKER, *WAYS)
)
#: What has a name of its own in some kind, beside its readings.
_NAMES = {
    name
    for kind in KINDS.values()
    for name in (
        *kind.buttons,
        *kind.all_settings,
        *(hazard.key for hazard in kind.hazards),
    )
}
HAZARDS = {hazard.key: hazard for kind in KINDS.values() for hazard in kind.hazards}


def is_catalogued(name: str) -> bool:
    """Return if a name is that of a reading, hazard, setting or command."""
    try:
        return name in _NAMES or bool(parse_point(name))
    except ValueError:
        return False


__all__ = [
    "CAMERA",
    "CHARGING_PILE",
    "CHOOSABLE_KINDS",
    "DEVICE_KINDS",
    "DOOR_CONTROLLER",
    "ELEVATOR_BLOCKER",
    "GATEWAY",
    "HAZARDS",
    "KINDS",
    "VEHICLE_GATE",
    "WAYS",
    "DeviceKind",
    "Hazard",
    "Level",
    "Nature",
    "Scope",
    "Setting",
    "When",
    "is_catalogued",
]
