"""What a state of Home Assistant says of a person: a sign of life, that the thing lives, or nothing.

Nothing that happens by itself is a sign: not the end of a motion, which is a timeout; not what an
automation does; not what is only there again after an outage or a restart; and not the beat of an
appliance. What is not one only makes somebody be asked sooner. What is one in vain hides them.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
import math
from typing import Final

from homeassistant.components.binary_sensor import BinarySensorDeviceClass
from homeassistant.components.event import EventDeviceClass
from homeassistant.components.sensor import SensorDeviceClass, SensorStateClass
from homeassistant.const import (
    ATTR_DEVICE_CLASS,
    ATTR_UNIT_OF_MEASUREMENT,
    STATE_HOME,
    STATE_ON,
    STATE_UNAVAILABLE,
    STATE_UNKNOWN,
    Platform,
    UnitOfEnergy,
    UnitOfPower,
    UnitOfVolume,
)
from homeassistant.core import Context, HomeAssistant, State, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.util.unit_conversion import (
    EnergyConverter,
    PowerConverter,
    VolumeConverter,
)

from .watch import SourceKind

_MINUTE: Final = 60.0
#: A meter that rises by its step more slowly than this drips.
METER_WINDOW: Final = 15 * _MINUTE
#: Use that is never interrupted for so long, and goes on for so long, is nobody's: water that
#: leaks, a thermostat. It is no sign any more until it was interrupted.
RUN_GAP: Final = 90 * _MINUTE
MOST_RUN: Final = 180 * _MINUTE


class How(StrEnum):
    """By what a thing shows that somebody is there."""

    #: It goes on: motion.
    ON = "on"
    #: It changes, either way: a door, a bed.
    CHANGE = "change"
    #: It changes, and no automation does it: a light.
    BY_HAND = "by_hand"
    #: It is pressed.
    PRESS = "press"
    #: A total rises by a step: water, energy.
    RISE = "rise"
    #: A value jumps up by a step: power.
    JUMP = "jump"
    #: It says if somebody is at home: a phone.
    PRESENCE = "presence"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing that somebody is heard by."""

    kind: SourceKind
    how: How
    #: The step of a meter, in its own unit.
    least: float = 0.0


class Heard(StrEnum):
    """What a change of a state comes to."""

    NOTHING = "nothing"
    #: The thing lives.
    ALIVE = "alive"
    #: A sign of life of a person.
    SIGN = "sign"
    #: The thing cannot be heard, or is there again, which proves nothing.
    LOST = "lost"
    BACK = "back"
    #: Somebody has gone out, or has come home.
    GONE = "gone"
    HOME = "home"


@dataclass(slots=True)
class Meter:
    """What is remembered of a meter, in memory alone."""

    base: float
    #: When the base was read; when something was used last, and since when on and on.
    at: float
    used_at: float = -math.inf
    since: float = -math.inf

    def use(self, now: float) -> bool:
        """Know that something is used; return if it is somebody who does."""
        if now - self.used_at >= RUN_GAP:
            self.since = now
        self.used_at = now
        return now - self.since <= MOST_RUN

    def rise(self, value: float, least: float, now: float) -> bool:
        """Read a total; return if it shows that somebody is there."""
        step = value - self.base
        if 0 <= step < least and now - self.at < METER_WINDOW:
            return False
        self.base, self.at = value, now
        return step >= least and self.use(now)

    def jump(self, value: float, least: float, now: float) -> bool:
        """Read a value; return if it shows that somebody is there."""
        step, self.base = value - self.base, value
        return step >= least and self.use(now)


def judge(
    evidence: Evidence,
    old: State | None,
    new: State | None,
    meters: dict[str, Meter],
    *,
    is_theirs: Callable[[Context], bool],
    now: float,
) -> Heard:
    """Return what a change of a state comes to; `is_theirs` says if it is by who lives there."""
    if new is None or new.state == STATE_UNAVAILABLE:
        return Heard.LOST
    how, key = evidence.how, new.entity_id
    value = _number(new)
    before = None if old is None else old.state
    # A button that was never pressed has no state: its first press is one.
    is_first = how is How.PRESS and before == STATE_UNKNOWN
    if before in (None, STATE_UNAVAILABLE, STATE_UNKNOWN) and not is_first:
        if value is not None:
            meters[key] = Meter(value, now)
        return Heard.NOTHING if before == STATE_UNKNOWN else Heard.BACK
    if new.state == STATE_UNKNOWN:
        return Heard.NOTHING
    if new.state == before:
        return Heard.ALIVE
    if how is How.PRESENCE:
        if new.state == STATE_HOME:
            return Heard.HOME
        return Heard.GONE if before == STATE_HOME else Heard.ALIVE
    if how in (How.RISE, How.JUMP):
        is_sign = value is not None and _measured(meters, key, value, evidence, now)
    elif how is How.ON:
        is_sign = new.state == STATE_ON
    elif how is How.CHANGE:
        is_sign = True
    else:
        is_sign = is_theirs(new.context)
    return Heard.SIGN if is_sign else Heard.ALIVE


def _measured(
    meters: dict[str, Meter], key: str, value: float, evidence: Evidence, now: float
) -> bool:
    meter = meters.get(key)
    if meter is None:
        meters[key] = Meter(value, now)
        return False
    read = meter.rise if evidence.how is How.RISE else meter.jump
    return read(value, evidence.least, now)


def _number(state: State) -> float | None:
    try:
        value = float(state.state)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


# What may be chosen

_MOTION: Final = frozenset(
    {
        BinarySensorDeviceClass.MOTION,
        BinarySensorDeviceClass.MOVING,
        BinarySensorDeviceClass.OCCUPANCY,
        BinarySensorDeviceClass.PRESENCE,
        BinarySensorDeviceClass.SOUND,
        BinarySensorDeviceClass.VIBRATION,
    }
)
_FRONT: Final = frozenset({BinarySensorDeviceClass.DOOR})
_OPENED: Final = frozenset(
    {BinarySensorDeviceClass.OPENING, BinarySensorDeviceClass.WINDOW}
)
_BY_HAND: Final = frozenset(
    {
        Platform.CLIMATE,
        Platform.COVER,
        Platform.FAN,
        Platform.LIGHT,
        Platform.LOCK,
        Platform.MEDIA_PLAYER,
        Platform.SWITCH,
    }
)
_TOTALS: Final = frozenset({SensorStateClass.TOTAL, SensorStateClass.TOTAL_INCREASING})
#: The steps that are proposed: a glass of water is none, a flush of a toilet and a kettle are.
WATER_STEP: Final = 3.0, UnitOfVolume.LITERS
ENERGY_STEP: Final = 0.05, UnitOfEnergy.KILO_WATT_HOUR
POWER_STEP: Final = 500.0, UnitOfPower.WATT

#: In which ways a thing can be heard, by what it is.
WAYS: Final[Mapping[str, frozenset[How]]] = {
    Platform.BINARY_SENSOR: frozenset({How.ON, How.CHANGE}),
    Platform.EVENT: frozenset({How.PRESS}),
    "input_button": frozenset({How.PRESS}),
    "input_boolean": frozenset({How.BY_HAND}),
    Platform.SENSOR: frozenset({How.RISE, How.JUMP, How.CHANGE}),
    "person": frozenset({How.PRESENCE}),
    Platform.DEVICE_TRACKER: frozenset({How.PRESENCE}),
    **dict.fromkeys(_BY_HAND, frozenset({How.BY_HAND})),
}


@dataclass(frozen=True, slots=True)
class Proposal:
    """Something that somebody may be heard by."""

    entity_id: str
    evidence: Evidence
    #: It may be taken as it is; else somebody has to know what they do.
    is_good: bool


def ways(entity_id: str) -> frozenset[How]:
    """Return in which ways an entity can be heard."""
    return WAYS.get(entity_id.partition(".")[0], frozenset())


def propose(state: State) -> Proposal | None:
    """Return how an entity may be heard; None: it says nothing of a person."""
    domain, kind = state.domain, state.attributes.get(ATTR_DEVICE_CLASS)
    evidence, is_good = None, True
    inside, door = SourceKind.INSIDE, SourceKind.DOOR
    if domain == Platform.BINARY_SENSOR:
        if kind in _MOTION:
            evidence = Evidence(inside, How.ON)
        elif kind in _FRONT:
            evidence = Evidence(door, How.CHANGE)
        elif kind in _OPENED:
            evidence = Evidence(inside, How.CHANGE)
    elif domain == Platform.LOCK:
        evidence = Evidence(door, How.BY_HAND)
    elif domain in _BY_HAND:
        # Others than lights often go by themselves.
        evidence, is_good = Evidence(inside, How.BY_HAND), domain == Platform.LIGHT
    elif domain == Platform.EVENT and kind != EventDeviceClass.DOORBELL:
        evidence = Evidence(inside, How.PRESS)
        is_good = kind in (EventDeviceClass.BUTTON, EventDeviceClass.MOTION)
    elif domain == "input_button":
        evidence, is_good = Evidence(inside, How.PRESS), False
    elif domain == Platform.SENSOR:
        evidence = _meter(state)
        is_good = kind == SensorDeviceClass.WATER
    if evidence is None:
        return None
    return Proposal(state.entity_id, evidence, is_good)


def _meter(state: State) -> Evidence | None:
    kind = state.attributes.get(ATTR_DEVICE_CLASS)
    unit = state.attributes.get(ATTR_UNIT_OF_MEASUREMENT)
    is_total = state.attributes.get("state_class") in _TOTALS
    inside = SourceKind.INSIDE
    if kind == SensorDeviceClass.WATER and unit in VolumeConverter.VALID_UNITS:
        step = VolumeConverter.convert(*WATER_STEP, unit)
        return Evidence(inside, How.RISE, step) if is_total else None
    if kind == SensorDeviceClass.ENERGY and unit in EnergyConverter.VALID_UNITS:
        step = EnergyConverter.convert(*ENERGY_STEP, unit)
        return Evidence(inside, How.RISE, step) if is_total else None
    if kind == SensorDeviceClass.POWER and unit in PowerConverter.VALID_UNITS:
        return Evidence(inside, How.JUMP, PowerConverter.convert(*POWER_STEP, unit))
    return None


@callback
def in_area(hass: HomeAssistant, area_id: str) -> Iterator[str]:
    """Yield the entities of an area: its own, and those of devices in it."""
    entities = er.async_get(hass)
    found = {row.entity_id: row for row in er.async_entries_for_area(entities, area_id)}
    for device in dr.async_entries_for_area(dr.async_get(hass), area_id):
        for row in er.async_entries_for_device(entities, device.id):
            if row.area_id is None:
                found[row.entity_id] = row
    for entity_id, row in sorted(found.items()):
        if row.entity_category is None:
            yield entity_id


@callback
def proposals(hass: HomeAssistant, area_id: str) -> list[Proposal]:
    """Return by what somebody may be heard who lives in an area."""
    return [
        found
        for entity_id in in_area(hass, area_id)
        if (state := hass.states.get(entity_id)) and (found := propose(state))
    ]


@callback
def key_of(hass: HomeAssistant, entity_id: str) -> str:
    """Return what an entity is kept by: it may be renamed, and is the same."""
    row = er.async_get(hass).async_get(entity_id)
    return row.id if row else entity_id


@callback
def entity_of(hass: HomeAssistant, key: str) -> str | None:
    """Return the entity that is kept by a key; None: there is none any more."""
    if "." in key:
        return key
    row = er.async_get(hass).async_get(key)
    return row.entity_id if row else None
