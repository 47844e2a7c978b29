"""The words in which a device kind is described."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from itertools import pairwise

from homeassistant.components.binary_sensor import BinarySensorDeviceClass
from homeassistant.components.number import NumberDeviceClass
from homeassistant.const import EntityCategory

from ..const import Severity


class When(StrEnum):
    """How a level compares its measurement; the worst channel counts."""

    ON = "on"
    AT_LEAST = "≥"
    OVER = ">"
    AT_MOST = "≤"
    UNDER = "<"

    @property
    def is_low(self) -> bool:
        """Return if low values are the dangerous ones."""
        return self in (When.AT_MOST, When.UNDER)


class Scope(StrEnum):
    """What is opened when a hazard becomes an alarm."""

    NONE = "none"
    #: The device's own supplies, by itself.
    DEVICE = "device"
    #: Every supply of the area but protected loads: by an automation, from a blueprint.
    AREA = "area"


class Nature(StrEnum):
    """What a hazard is a danger of; at severity alarm it decides what comes first."""

    FIRE = "fire"
    #: What had to be cut off or released is not proven so.
    LINKAGE = "linkage"
    #: Electricity and elevators.
    ELECTRICAL = "electrical"
    WATER = "water"
    #: Doors and who goes through them.
    ACCESS = "access"


# Rows are the same only if they are one: they are looked up for each reading, and to
# compare their values would cost more than all the rest.
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Setting:
    """A number that an installer may set: per kind in the gateway, or per device.

    `source` names the standard or the reason of the default.
    """

    key: str
    default: float
    low: float
    high: float
    step: float = 1
    unit: str | None = None
    device_class: NumberDeviceClass | None = None
    enabled: bool = False
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Level:
    """One severity of a hazard: present while `measurement` is ON, or compares with `threshold`.

    `threshold` is in the unit of the measurement, or in percent of the rated current
    where `of_rated` is set. `delay` is in seconds: the condition must last that long.
    """

    severity: Severity
    measurement: str
    when: When = When.ON
    threshold: Setting | None = None
    delay: float = 0
    of_rated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Hazard:
    """A dangerous condition or a fault, with its levels.

    `hysteresis` (in the thresholds' unit) is how far a value must come back.
    A latching hazard of severity alarm stays open until a person resets it.
    """

    key: str
    levels: tuple[Level, ...]
    hysteresis: float = 0
    latching: bool = False
    nature: Nature = Nature.ELECTRICAL
    #: What is opened at severity alarm.
    cuts_off: Scope = Scope.NONE
    #: A fire: every elevator of the building lets its door go, and escape doors open.
    releases_elevators: bool = False
    #: Only meaningful while the supply is closed.
    needs_supply: bool = False
    binary_class: BinarySensorDeviceClass | None = BinarySensorDeviceClass.PROBLEM
    category: EntityCategory | None = None
    enabled: bool = True
    #: It says that nothing is heard: shown also when nothing is heard.
    always_shown: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class DeviceKind:
    """A kind of device: its measurements, hazards, settings and commands.

    `buttons` are the commands without a state. `variants` are places of use that
    change default settings: a select chooses among them. The first is that of a device
    of which no other was ever written down.
    """

    key: str
    measurements: tuple[str, ...]
    hazards: tuple[Hazard, ...]
    settings: tuple[Setting, ...] = ()
    buttons: tuple[str, ...] = ()
    variants: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    #: The place of use in which a new device begins that measures a single phase.
    single_phase: str | None = None
    #: Measurements of which high values are the danger, though no level compares them.
    high_dangers: tuple[str, ...] = ()
    #: Power source when the device does not say: it decides when silence is a fault.
    mains: bool = False

    @cached_property
    def concerned(self) -> dict[str, tuple[Hazard, ...]]:
        """Return the hazards to look at when a measurement has changed."""
        found: dict[str, list[Hazard]] = {}
        for hazard in self.hazards:
            needed = {level.measurement for level in hazard.levels}
            if hazard.needs_supply:
                needed.add("supply")
            for key in needed:
                found.setdefault(key, []).append(hazard)
        return {key: tuple(hazards) for key, hazards in found.items()}

    @cached_property
    def levels_of(self) -> dict[str, tuple[Level, ...]]:
        """Return the levels that compare a measurement with a threshold."""
        found: dict[str, list[Level]] = {}
        for hazard in self.hazards:
            for level in hazard.levels:
                if level.threshold:
                    found.setdefault(level.measurement, []).append(level)
        return {key: tuple(levels) for key, levels in found.items()}

    @cached_property
    def dangers(self) -> frozenset[str]:
        """Return the measurements that can raise more than a fault."""
        return frozenset(
            level.measurement
            for hazard in self.hazards
            for level in hazard.levels
            if level.severity is not Severity.FAULT
        )

    def is_dangerous(self, measurement: str, *, low: bool) -> bool:
        """Return if low, or else high, values of a measurement are a danger here."""
        return any(
            level.when.is_low is low for level in self.levels_of.get(measurement, ())
        ) or (not low and measurement in self.high_dangers)

    @cached_property
    def all_settings(self) -> dict[str, Setting]:
        """Return every setting: the kind's own and its thresholds."""
        thresholds = (
            level.threshold
            for hazard in self.hazards
            for level in hazard.levels
            if level.threshold
        )
        return {row.key: row for row in (*self.settings, *thresholds)}

    @cached_property
    def orders(self) -> tuple[tuple[str, str], ...]:
        """Return pairs of thresholds of which the first must not exceed the second.

        A value that falls, or rises, meets the warning no later than the alarm, and what
        is too low is no more than what is too high.
        """
        found: list[tuple[str, str]] = []
        for levels in self.levels_of.values():
            ordered = sorted(
                levels,
                key=lambda level: (
                    not level.when.is_low,
                    -level.severity.rank if level.when.is_low else level.severity.rank,
                ),
            )
            found += (
                (lower.threshold.key, upper.threshold.key)
                for lower, upper in pairwise(ordered)
                if lower.threshold and upper.threshold
            )
        return tuple(dict.fromkeys(found))

    def range_of(self, key: str, limit: Callable[[str], float]) -> tuple[float, float]:
        """Return from where to where a setting may be, beside what the others are.

        `limit` returns the value of a setting.
        """
        row = self.all_settings[key]
        return (
            max([row.low, *(limit(low) for low, high in self.orders if high == key)]),
            min([row.high, *(limit(high) for low, high in self.orders if low == key)]),
        )

    def contradiction(self, limit: Callable[[str], float]) -> tuple[str, str] | None:
        """Return two thresholds that contradict each other, None if none do.

        `limit` returns the value of a setting. The first exceeds the second.
        """
        return next(
            (pair for pair in self.orders if limit(pair[0]) > limit(pair[1])), None
        )
