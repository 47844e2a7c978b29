"""A device: what it is, what it last reported, and who wants to know."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from functools import lru_cache, partial
import time
from types import MappingProxyType
from typing import Any

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.device_registry import DeviceInfo

from ..catalogue import KINDS, DeviceKind, Hazard, Setting
from ..catalogue.common import SENSOR_FAULT
from ..catalogue.measurements import (
    COUNTERS,
    RADIO,
    Point,
    Value,
    parse_point,
    point_key,
)
from ..const import DOMAIN, Severity
from .alarm import Report
from .alarms import AlarmBook
from .doubt import contradicts, opponents, witnesses
from .hazards import HazardMonitor
from .telling import tell

#: Key of listeners that want to know of availability.
AVAILABILITY = ""
#: Key of listeners that want to know of a new picture.
SNAPSHOT = "snapshot"
#: Key of listeners that want to know when a reading is doubted, or when that something is over
#: is merely remembered, or is not any more: it can be asked for anew.
DOUBT = "doubt"
#: The reading that a sensor has a fault: one of its values cannot be believed.
IMPLAUSIBLE = "implausible"
#: What has a channel for each phase.
PHASES = ("current", "voltage", "power")
#: Two readings agree if one is at most so many times the other.
AGREEING = 2

#: Readings that no device reports: the integration finds them out itself.
DERIVED = frozenset(
    {
        "unresponsive",
        IMPLAUSIBLE,
        "jump",
        "cut_off_unproven",
        "offline",
        "e_bike_in_car",
        "held_too_long",
        "release_unproven",
        "door_held_open",
        "released_on_fire",
        "credentials",
        "unknown_credential",
        "credential_unproven",
        "not_recording",
        "recordings_short",
        *COUNTERS,
        *RADIO,
    }
)


def hazard_key(hazard: str) -> str:
    """Return the key of listeners that want to know of a hazard."""
    return f"hazard {hazard}"


def registered(hass: HomeAssistant, uid: str) -> dr.DeviceEntry | None:
    """Return the registry's entry of a device, also while its gateway is not loaded."""
    found = dr.async_get(hass).async_get_devices(identifiers={(DOMAIN, uid)})
    return found[0] if found else None


class Power(StrEnum):
    """Where a device takes its power from."""

    BATTERY = "battery"
    MAINS = "mains"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceDescription:
    """What a gateway knows of a device. `id` is unique within the gateway.

    `points` are names of readings such as `smoke` or `current_l1`; `interval` is the
    longest time in seconds between two reports, 0 if the device does not promise one.
    `told` is when the device has said this of itself, by its own clock; 0 where the last
    that comes counts.
    """

    id: str
    kind: str
    name: str
    points: frozenset[str]
    commands: frozenset[str] = frozenset()
    manufacturer: str | None = None
    model: str | None = None
    firmware: str | None = None
    hardware: str | None = None
    serial: str | None = None
    area: str | None = None
    power: Power | None = None
    interval: float = 0
    told: float = field(default=0, compare=False)

    def as_dict(self) -> dict[str, Any]:
        """Return the row to store."""
        return {
            **asdict(self),
            "points": sorted(self.points),
            "commands": sorted(self.commands),
        }

    @classmethod
    def from_dict(cls, row: dict[str, Any]) -> DeviceDescription:
        """Return the description of a stored row; fields of a later version are dropped.

        Raises TypeError, KeyError or ValueError for one that this version cannot watch.
        """
        known = {item.name for item in fields(cls)}
        found = cls(
            **{
                **{key: value for key, value in row.items() if key in known},
                "name": str(row["name"]),
                "points": frozenset(row["points"]),
                "commands": frozenset(row["commands"]),
                "power": Power(row["power"]) if row["power"] else None,
                "interval": float(row.get("interval", 0)),
            }
        )
        layout_of(found.kind, found.points)
        return found


@dataclass(slots=True)
class DeviceSettings:
    """What an installer has set on one device.

    `limits` are settings of the catalogue by key, in the settings' units.
    `protected` are the supplies (keys of points) that a cut-off never opens, and the locks
    that a fire does not.
    """

    limits: dict[str, float] = field(default_factory=dict)
    protected: set[str] = field(default_factory=set)
    variant: str | None = None
    blocking: bool = True
    #: The kind that a person has chosen, where the gateway can only propose one.
    kind: str | None = None
    #: The anti-pass-back that a person has chosen, in the words of the gateway.
    passback: str | None = None
    #: Who has handed the device over, when, and what was confirmed with it.
    signed_off: dict[str, Any] | None = None
    #: What a person has set cannot be read: these are defaults, and what was set since.
    unread: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return the row to store."""
        row = {**asdict(self), "protected": sorted(self.protected)}
        del row["unread"]
        return row

    def found(self, stored: DeviceSettings) -> None:
        """Take what could only be read now, below what was set since."""
        self.limits = {**stored.limits, **self.limits}
        self.protected |= stored.protected
        self.variant = self.variant or stored.variant
        self.blocking = self.blocking and stored.blocking
        self.kind = self.kind or stored.kind
        self.passback = self.passback or stored.passback
        self.signed_off = self.signed_off or stored.signed_off

    def is_protected(self, supply: str) -> bool | None:
        """Return if a supply is a protected load, None while that cannot be read."""
        return supply in self.protected or (None if self.unread else False)

    @classmethod
    def from_dict(cls, row: dict[str, Any]) -> DeviceSettings:
        """Return the settings of a stored row.

        Raises KeyError, TypeError or ValueError for one of another shape.
        """
        if isinstance(row["protected"], str):
            raise TypeError("protected: not a list")
        return cls(
            limits={key: float(value) for key, value in dict(row["limits"]).items()},
            protected=set(row["protected"]),
            variant=row["variant"],
            blocking=bool(row["blocking"]),
            kind=row.get("kind"),
            passback=row.get("passback"),
            signed_off=dict(signed) if (signed := row.get("signed_off")) else None,
        )


class Layout:
    """What devices with the same readings share: thousands of copies would add up."""

    __slots__ = ("by_measurement", "dangers", "derived", "kind", "points", "reportable")

    def __init__(self, kind: DeviceKind, reported: frozenset[str]) -> None:
        """Initialize with the names of the readings that such a device reports."""
        derived = [
            key for key in kind.measurements if key in DERIVED and key not in RADIO
        ]
        self.kind = kind
        self.points: dict[str, Point] = {
            key: parse_point(key) for key in sorted({*reported, *derived})
        }
        #: Those that the device itself may report.
        self.reportable = {
            key: point for key, point in self.points.items() if key not in DERIVED
        }
        #: Of those, the ones that may speak of danger; of a kind that sees it only in what
        #: several say together, all.
        self.dangers = tuple(
            key
            for key, point in self.reportable.items()
            if point.measurement.key in kind.dangers
        ) or tuple(self.reportable)
        self.derived = tuple(derived)
        self.by_measurement: dict[str, tuple[str, ...]] = {}
        for key, point in self.points.items():
            name = point.measurement.key
            self.by_measurement[name] = (*self.by_measurement.get(name, ()), key)

    @property
    def supplies(self) -> tuple[str, ...]:
        """Return the keys of the supplies that can be opened."""
        return self.by_measurement.get("supply", ())

    @property
    def first_variant(self) -> str | None:
        """Return the place of use to write down of a new device, None for the kind's first.

        A breaker of one phase is in a flat; who measures several is ahead of it. A power
        may be that of all phases, and residual current alone is measured anywhere.
        """
        several = any(len(self.by_measurement.get(name, ())) > 1 for name in PHASES)
        known = {"current", "voltage"} & self.by_measurement.keys()
        return self.kind.single_phase if known and not several else None


@lru_cache(maxsize=1024)
def layout_of(kind: str, reported: frozenset[str]) -> Layout:
    """Return the layout of a kind of device with these readings.

    Raises KeyError for an unknown kind, ValueError for an unknown reading.
    """
    return Layout(KINDS[kind], reported)


class SafetyDevice:
    """One device of a gateway."""

    #: Calm values that somebody remembers, and that the device itself has not said: they end
    #: nothing, unless a person says so. Nearly all devices share this one.
    _remembered: Mapping[str, Value] = MappingProxyType({})
    #: What the book was told last that a sensor's fault is about.
    _distrusted: tuple[str, ...] = ()

    def __init__(
        self,
        hass: HomeAssistant,
        description: DeviceDescription,
        *,
        gateway_uid: str,
        book: AlarmBook,
        settings: DeviceSettings,
        kind_limits: Mapping[str, float],
    ) -> None:
        """Initialize; open alarms of the book are taken over as present hazards.

        `kind_limits` are the gateway's options for this kind of device.
        """
        self._hass = hass
        self.description = description
        self.uid = f"{gateway_uid}/{description.id}" if description.id else gateway_uid
        #: One for all entities of the device: thousands of copies would add up.
        self.device_info = DeviceInfo(identifiers={(DOMAIN, self.uid)})
        self.settings = settings
        self._book = book
        self.readings: dict[str, Value] = {}
        #: Monotonic time of each reading's last fresh report, changed or not.
        self.reported: dict[str, float] = {}
        #: Monotonic time of the last sign of life.
        self.last_seen = time.monotonic()
        #: Seconds in which it could have been heard and was not, as counted by the
        #: supervision, also in earlier runs; None if it was heard since the last count.
        self.silence: float | None = None
        self.online = True
        self.available = True
        #: Monotonic time at which it was last lost and found again; 0 if it never was.
        self.available_since = 0.0
        self.device_id: str | None = None
        #: The last picture of the car, a JPEG; never written to disk by us.
        self.snapshot: bytes | None = None
        self._listeners: dict[str, tuple[CALLBACK_TYPE, ...]] = {}
        self._watchers: list[CALLBACK_TYPE] = []
        #: What is written once an alarm that came with it was announced; none comes: None.
        self._undrawn: dict[CALLBACK_TYPE, None] | None = None
        #: Keys of readings that cannot be true, or could not be understood.
        self._implausible: frozenset[str] = frozenset()
        #: Readings that others contradict, with the value that was first doubted; None
        #: once a second one has agreed.
        self._doubts: dict[str, float | None] = {}
        #: Keys of readings whose scale is not known.
        self._unscaled: frozenset[str] = frozenset()
        #: Keys of readings that were known, perhaps in an earlier run, and are not now: one
        #: of them may be the danger.
        self._lost: frozenset[str] = frozenset()
        self._take_shape(kind_limits)

    def _take_shape(self, kind_limits: Mapping[str, float]) -> None:
        """Take what the description says it measures, and its open alarms."""
        description, book = self.description, self._book
        self.layout = layout_of(description.kind, description.points)
        self.kind = self.layout.kind
        self.points = self.layout.points
        self.by_measurement = self.layout.by_measurement
        self._kind_limits = kind_limits
        self.readings = {
            key: False for key in self.layout.derived if not self.points[key].is_number
        } | {key: value for key, value in self.readings.items() if key in self.points}
        self.reported = {
            key: at for key, at in self.reported.items() if key in self.points
        }
        self.monitor = HazardMonitor(
            self._hass, self, self.report, self.hazard_changed, self._tested
        )
        # No test that still runs is known: what is there now is real.
        present = [
            alarm
            for alarm in book.of_device(self.uid)
            if alarm.present and not alarm.drill
        ]
        causes = {alarm.hazard: alarm.causes for alarm in present}
        # What was found out before a restart holds until it is found otherwise.
        self.readings.update(
            {
                level.measurement: True
                for hazard in self.kind.hazards
                if hazard.key in causes
                for level in hazard.levels
                if level.measurement in DERIVED
                and level.measurement in (causes[hazard.key] or DERIVED)
            }
        )
        if IMPLAUSIBLE in causes.get(SENSOR_FAULT.key, ()):
            # Of what was heard since, the earlier run knows less.
            unheard = self.layout.reportable.keys() - self.reported.keys()
            self._implausible |= unheard & {*causes[SENSOR_FAULT.key]}
            self._distrusted = self._not_believed
        self._lost = (
            self._lost.union(*(alarm.told for alarm in present))
            .intersection(self.layout.reportable)
            .difference(self.readings)
        )
        self.monitor.take_over(
            {alarm.hazard: (alarm.severity, alarm.causes) for alarm in present}
        )
        self.monitor.evaluate(self.layout.derived)

    @callback
    def reshape(
        self, description: DeviceDescription, kind_limits: Mapping[str, float]
    ) -> None:
        """Become what a changed description says, in place: nobody loses sight of it.

        To be called while it is detached. Readings that it still has stay.
        """
        self.monitor.stop()
        self.description = description
        self._implausible &= description.points
        self._unscaled &= description.points
        self._doubts = {
            key: value
            for key, value in self._doubts.items()
            if key in description.points
        }
        self._take_shape(kind_limits)
        self.monitor.evaluate(
            {self.points[key].measurement.key for key in self.readings}
        )
        self._look_at_remembered()

    @callback
    def found(self) -> None:
        """Take alarms over that could only be read now; to be called while detached."""
        since = {
            key: self.readings[key]
            for key in ("offline", "unresponsive")
            # Of one that has not been heard the earlier run knows more.
            if key in self.readings and (key == "offline" or self.reported)
        }
        self.reshape(self.description, self._kind_limits)
        self.derive(**since)

    @property
    def name(self) -> str:
        """Return what the user calls it; by itself a Zigbee device has its model only."""
        entry = dr.async_get(self._hass).async_get(self.device_id or "")
        return (entry and entry.name_by_user) or self.description.name

    @property
    def power(self) -> Power:
        """Return the power source; it decides when silence is a fault."""
        return self.description.power or (
            Power.MAINS if self.kind.mains else Power.BATTERY
        )

    @property
    def supplies(self) -> tuple[str, ...]:
        """Return the keys of the supplies that can be opened."""
        return self.layout.supplies

    @property
    def commands(self) -> list[str]:
        """Return the commands that can be pressed.

        Some are ours and work on every device; the others must be offered by it.
        """
        ours = {"all_off": len(self.supplies) > 1, "release": "held" in self.points}
        return [
            key
            for key in self.kind.buttons
            if ours.get(key, key in self.description.commands)
        ]

    @property
    def used_settings(self) -> list[Setting]:
        """Return the settings that something this device reports depends on."""
        thresholds = {
            level.threshold.key: level.measurement
            for hazard in self.kind.hazards
            for level in hazard.levels
            if level.threshold
        }
        return [
            setting
            for key, setting in self.kind.all_settings.items()
            if thresholds.get(key, "unresponsive") in self.by_measurement
        ]

    @property
    def keys(self) -> set[str]:
        """Return the names of everything of the catalogue that this device has."""
        return {
            *self.points,
            *self.commands,
            *(setting.key for setting in self.used_settings),
            *(
                hazard.key
                for hazard in self.kind.hazards
                if any(
                    level.measurement in self.by_measurement for level in hazard.levels
                )
            ),
        }

    def limit(self, key: str) -> float:
        """Return a setting: the device's, else the variant's, the kind's, the default.

        A gateway's option is for the kind as a whole, and a place of use is more
        special than that.
        """
        return self._limit(key, self.variant_limits, self._kind_limits)

    def _limit(
        self, key: str, variant: Mapping[str, float], kind: Mapping[str, float]
    ) -> float:
        for limits in (self.settings.limits, variant, kind):
            if (value := limits.get(key)) is not None:
                return value
        return self.kind.all_settings[key].default

    def contradiction(
        self,
        *,
        variant: str | None = None,
        kind_limits: Mapping[str, float] | None = None,
    ) -> tuple[str, str] | None:
        """Return two thresholds that another place of use, or kind's limits, would set at odds.

        The first would exceed the second; None if all were well.
        """
        limits = self.kind.variants.get(variant or self.variant or "", {})
        kind = self._kind_limits if kind_limits is None else kind_limits
        return self.kind.contradiction(lambda key: self._limit(key, limits, kind))

    @property
    def variant(self) -> str | None:
        """Return the place of use: what was written down, unless it was of another kind."""
        variants = self.kind.variants
        if (written := self.settings.variant) in variants:
            return written
        return next(iter(variants), None)

    @property
    def variant_limits(self) -> Mapping[str, float]:
        """Return the settings that follow from the place of use."""
        return self.kind.variants.get(self.variant or "", {})

    @callback
    def listen(self, keys: Iterable[str], listener: CALLBACK_TYPE) -> CALLBACK_TYPE:
        """Call a listener when a reading of one of the keys changes.

        Returns a function that ends this.
        """
        # Thousands of them: tuples and a partial are half of lists and a closure.
        keys = tuple(keys)
        for key in keys:
            self._listeners[key] = (*self._listeners.get(key, ()), listener)
        return partial(self._end_listening, keys, listener)

    @callback
    def watch(self, watcher: CALLBACK_TYPE) -> CALLBACK_TYPE:
        """Call a watcher after every fresh report, also one that changes nothing.

        Returns a function that ends this.
        """
        self._watchers.append(watcher)
        return lambda: self._watchers.remove(watcher)

    async def async_wait(self, proof: Callable[[], bool], seconds: float) -> bool:
        """Wait until fresh reports prove something, at most for `seconds`.

        Returns if they did.
        """
        heard = asyncio.Event()
        undo = self.watch(heard.set)
        try:
            async with asyncio.timeout(seconds):
                while not proof():
                    heard.clear()
                    await heard.wait()
        except TimeoutError:
            return proof()
        finally:
            undo()
        return True

    @callback
    def update(
        self,
        readings: Mapping[str, Value],
        *,
        fresh: bool = True,
        unusable: Collection[str] = (),
        unscaled: Collection[str] = (),
    ) -> None:
        """Take parsed readings; keys that the device does not have are discarded.

        Readings that are not `fresh` (a retained message, for instance) say how things
        were: they are no sign of life, prove neither a command nor a sighting, begin no
        test, and end nothing, neither a danger nor a fault.
        `unusable` are keys of readings that came and could not be understood: what they
        say is unknown, and a fault. One that is in `readings` too is carried by several,
        and known from the others. `unscaled` are keys of `readings` whose unit or
        divisor is not known: they may warn, and cut nothing.
        """
        if self._undrawn:
            # Each report is shown, also if the next one comes before the disk answers.
            self._draw()
        points, known = self.points, self.readings
        calm, reported = self.monitor.calm, self.reported
        changed: list[str] = []
        #: Those that may change a hazard.
        stirred: list[str] = []
        #: Those that cannot be true.
        beyond: list[str] = []
        #: What is remembered of a reading that is doubted, or of what is held against it,
        #: ends no doubt.
        doubted = () if fresh or not self._doubts else self.doubted
        now = time.monotonic() if fresh else -1
        for key, value in readings.items():
            if (point := points.get(key)) is None:
                continue
            if point.is_number and not point.low <= value <= point.high:  # type: ignore[operator]
                accepted, is_true = _accept(self.kind, point, float(value))
                if not is_true:
                    beyond.append(key)
                if accepted is None:
                    if self._forget_reading(key):
                        changed.append(key)
                    continue
                value = accepted
            if fresh:
                reported[key] = now
            elif self._is_withheld(point, value) or key in doubted:
                continue
            if (before := known.get(key)) != value or before is None:
                if key == "level":
                    self._watch_jump(before, value, fresh)
                known[key] = value
                changed.append(key)
                if not fresh:
                    reported.pop(key, None)
                if (band := calm.get(key)) is None or not band[0] < value < band[1]:  # type: ignore[operator]
                    stirred.append(key)
        if fresh:
            self.seen()
        if self._lost:
            self._lost = self._lost.difference(known)
        #: What the device itself has said.
        said = readings if fresh else {}
        if beyond or unusable or unscaled or self._implausible:
            changed += self._distrust(said, readings, beyond, unusable, unscaled)
        if self._doubts:
            stirred += self._settle_doubts(said)
        if stirred:
            # Life first: the alarm is on its way before any entity is drawn.
            self.monitor.evaluate({points[key].measurement.key for key in stirred})
        if self._implausible or self._doubts or (fresh and known.get(IMPLAUSIBLE)):
            self._tell_implausible()
        if self._remembered:
            self._look_at_remembered(said)
        for key in changed:
            self._notify(key)
        if fresh:
            tell(tuple(self._watchers))

    def _is_withheld(self, point: Point, value: Value) -> bool:
        """Return if a value that the device has not said itself would end something.

        It is kept: a person may say that it is so.
        """
        key = point.key
        if not self._would_end(key, value):
            if key in self._remembered:
                self._look_at_remembered((key,))
            return False
        is_new = key not in self._remembered
        self._remembered = {**self._remembered, key: value}
        if is_new:
            self._notify(DOUBT)
        return True

    def _would_end(self, key: str, value: Value) -> bool:
        """Return if a value speaks against something that is present, a fault of its own too."""
        name = self.points[key].measurement.key
        return self.monitor.would_end(name, value) or (
            key in self._implausible and self.monitor.is_calm(name, value)
        )

    def _look_at_remembered(self, told: Collection[str] = ()) -> None:
        """Forget what was only remembered of readings that were told, or ends nothing more."""
        left = {
            key: value
            for key, value in self._remembered.items()
            if key not in told and key in self.points and self._would_end(key, value)
        }
        if left != self._remembered:
            self._remembered = left
            self._notify(DOUBT)

    @property
    def remembered(self) -> tuple[str, ...]:
        """Return the keys of the readings of which it is only remembered that all is well."""
        return tuple(self._remembered)

    @property
    def not_said(self) -> list[str]:
        """Return the hazards and faults that go on, and of which a memory says otherwise."""
        names = {self.points[key].measurement.key for key in self._remembered}
        if not self._implausible.isdisjoint(self._remembered):
            names.add(IMPLAUSIBLE)
        return [
            hazard.key
            for hazard in self.kind.hazards
            if self.monitor.severity(hazard.key)
            and any(level.measurement in names for level in hazard.levels)
        ]

    @callback
    def attest(self) -> None:
        """Take a person's word that what is only remembered is so.

        It ends what it speaks against; it is no sign of life, and proves no command.
        """
        for alarm in self._book.of_device(self.uid):
            if alarm.hazard in self.not_said:
                self._book.note(alarm.id, "attested")
        said, self._remembered = self._remembered, {}
        self._implausible = self._implausible.difference(said)
        self._unscaled = self._unscaled.difference(said)
        self._lost = self._lost.difference(said)
        self.readings.update(said)
        for key in said:
            self.reported.pop(key, None)
        self.monitor.evaluate({self.points[key].measurement.key for key in said})
        self._tell_implausible()
        for key in (*said, DOUBT):
            self._notify(key)

    def _forget_reading(self, key: str) -> bool:
        """Make a reading unknown: the last one must calm nobody. Return if it was known."""
        self.reported.pop(key, None)
        if self.readings.pop(key, None) is None:
            return False
        self.monitor.calm.pop(key, None)
        self.monitor.forget(self.points[key].measurement.key)
        return True

    @callback
    def lose(self, key: str) -> None:
        """Take that a reading is not known any more: that is no fault of the device yet."""
        if self._forget_reading(key):
            self._lost |= {key}
            self._notify(key)

    def _distrust(
        self,
        said: Collection[str],
        readings: Collection[str],
        beyond: Collection[str],
        unusable: Collection[str],
        unscaled: Collection[str],
    ) -> list[str]:
        """Note what cannot be true or understood. Return the keys that became unknown.

        This alone lets a reading be believed again, and only if the device has `said` it.
        """
        self._unscaled = self._unscaled.difference(said).union(unscaled)
        unusable = [key for key in unusable if key in self.points]
        self._implausible = self._implausible.difference(said).union(
            beyond, unusable, self._unscaled
        )
        return [
            key for key in unusable if key not in readings and self._forget_reading(key)
        ]

    def is_unusable(self, measurement: str) -> bool:
        """Return if one of the channels could not be true or understood, or is lost."""
        return self._is_unknown(self.by_measurement.get(measurement, ()))

    def _is_unknown(self, keys: Iterable[str]) -> bool:
        keys = tuple(keys)
        return not (self._implausible.isdisjoint(keys) and self._lost.isdisjoint(keys))

    def is_contradicted(self, key: str) -> bool:
        """Return if what else the device reports says that a reading cannot be true."""
        return key in self._unscaled or contradicts(self, key)

    @callback
    def trusts(self, key: str) -> bool:
        """Return if a dangerous reading may cut the power.

        One that others contradict must be met by a second one; the gateway is asked for it.
        """
        if key not in self._doubts:
            if not self.is_contradicted(key):
                return True
            self._doubts[key] = float(self.readings[key])
            self._tell_implausible()
            self._notify(DOUBT)
        return self._doubts[key] is None

    def is_doubted(self, key: str) -> bool:
        """Return if others contradict a reading, and no second one has agreed yet."""
        return self._doubts.get(key) is not None

    @property
    def doubted(self) -> tuple[str, ...]:
        """Return the keys of the readings that others contradict, with those others."""
        return tuple(
            dict.fromkeys(
                item for key in self._doubts for item in (key, *witnesses(self, key))
            )
        )

    @callback
    def end_doubt(self, keys: Iterable[str]) -> None:
        """End doubts about readings of which none is dangerous any more."""
        if self._doubts:
            for key in keys:
                self._doubts.pop(key, None)
            self._tell_implausible()

    def _settle_doubts(self, fresh: Collection[str]) -> list[str]:
        """Look at doubts again. Return the keys whose hazards are to be looked at."""
        settled: list[str] = []
        for key, first in tuple(self._doubts.items()):
            value = self.readings.get(key)
            if not isinstance(value, float):
                continue
            if self._is_cleared(key, fresh):
                del self._doubts[key]
                settled.append(key)
            elif first and key in fresh and key not in self._unscaled:
                # Agreeing with a number of no known unit would prove nothing.
                if first / AGREEING <= value <= first * AGREEING:
                    self._doubts[key] = None
                    settled.append(key)
                else:
                    self._doubts[key] = value
        return settled

    def _is_cleared(self, key: str, fresh: Collection[str]) -> bool:
        """Return if what was said now speaks for a reading that was contradicted.

        That nobody knows any more what was held against it does not.
        """
        against = opponents(self, key)
        return (
            any(item in fresh for item in (key, *against))
            and not self._is_unknown(against)
            and not self.is_contradicted(key)
        )

    @property
    def _not_believed(self) -> tuple[str, ...]:
        """Return the keys of the readings that a sensor's fault is about, in order."""
        return tuple(sorted({*self._implausible, *self._doubts}))

    def _tell_implausible(self) -> None:
        """Derive the sensor's fault, and of what it is."""
        if (keys := self._not_believed) == self._distrusted and bool(keys) == (
            self.readings.get(IMPLAUSIBLE)
        ):
            return
        self._distrusted = keys
        if keys and self.readings.get(IMPLAUSIBLE):
            # Which it is has changed: a restart must know.
            self.report(SENSOR_FAULT, self.monitor.severity(SENSOR_FAULT.key))
        else:
            self.derive(**{IMPLAUSIBLE: bool(keys)})

    def fresh_reading(self, key: str) -> Value | None:
        """Return a reading that was reported fresh, None for one that is history."""
        return self.readings[key] if key in self.reported else None

    @callback
    def derive(self, **derived: Value) -> None:
        """Take what the integration itself found out, such as `unresponsive=True`."""
        changed = {
            key
            for key, value in derived.items()
            if key in self.points and self.readings.get(key) != value
        }
        self.readings.update({key: derived[key] for key in changed})
        if self._lost:
            self._lost = self._lost.difference(changed)
        if changed:
            self.monitor.evaluate(changed)
        for key in changed:
            self._notify(key)

    @callback
    def seen(self) -> None:
        """Note a sign of life; while its gateway says that it is away, it stays silent."""
        self.last_seen = time.monotonic()
        self.silence = None
        if self.online and self.readings.get("unresponsive"):
            self.derive(unresponsive=False)

    @callback
    def set_available(self, available: bool) -> None:
        """Set if the readings can be trusted, and tell every listener of a change."""
        if available != self.available:
            self.available = available
            if available:
                self.available_since = time.monotonic()
            # What nobody knows any more is shown as such at once.
            self._draw()
            self._notify(AVAILABILITY)

    @callback
    def hazard_changed(self, hazard: str) -> None:
        """Tell listeners that a hazard came, went, or is known for the first time."""
        self._notify(hazard_key(hazard))

    @callback
    def supply_settled(self, key: str) -> None:
        """Tell listeners that a supply is no longer being cut: what it says now holds."""
        self._notify(key)

    @callback
    def set_snapshot(self, picture: bytes) -> None:
        """Keep the last picture, a JPEG."""
        self.snapshot = picture
        self._notify(SNAPSHOT)

    @callback
    def set_kind_limits(self, limits: Mapping[str, float]) -> None:
        """Take the gateway's options for this kind of device."""
        if limits != self._kind_limits:
            self._kind_limits = limits
            self.settings_changed()

    @callback
    def settings_changed(self) -> None:
        """Look at every hazard again, after a setting was changed."""
        self.monitor.calm.clear()
        self.monitor.evaluate(self.kind.concerned)
        self._look_at_remembered()
        self._notify(AVAILABILITY)

    @callback
    def report(self, hazard: Hazard, severity: Severity | None) -> None:
        """Tell the alarm book how a hazard stands: its severity, None when it has ended."""
        causes = self.monitor.causes(hazard.key)
        self._book.report(
            Report(
                device=self.uid,
                device_id=self.device_id,
                device_name=self.description.name,
                hazard=hazard.key,
                severity=severity,
                nature=hazard.nature,
                drill=self.monitor.is_testing,
                causes=(*causes, *(self._distrusted if IMPLAUSIBLE in causes else ())),
                values={
                    key: self.readings[key]
                    for level in hazard.levels
                    for key in self.by_measurement.get(level.measurement, ())
                    if key in self.readings
                },
            )
        )

        if self._undrawn is None and self._book.is_announcing:
            self._undrawn = {}
            self._book.draw(self._draw)

    @callback
    def draw(self, write: CALLBACK_TYPE) -> None:
        """Call what writes a state, after the alarm that came with it was announced."""
        if self._undrawn is None:
            write()
        else:
            self._undrawn[write] = None

    @callback
    def _draw(self) -> None:
        undrawn, self._undrawn = self._undrawn, None
        tell(undrawn or ())

    @callback
    def _tested(self, on: bool) -> None:
        if on:
            self._book.tests.began(self.uid)
        else:
            self._book.end_drills(self.uid)
            self._book.tests.ended(self.uid)

    def _notify(self, key: str) -> None:
        if listeners := self._listeners.get(key):
            tell(listeners)

    @callback
    def _end_listening(self, keys: tuple[str, ...], listener: CALLBACK_TYPE) -> None:
        for key in keys:
            left = list(self._listeners[key])
            left.remove(listener)
            self._listeners[key] = tuple(left)

    def _watch_jump(self, before: Value | None, value: Value, fresh: bool) -> None:
        """Note a level that cannot be true; the next one that fits, and is said, ends it."""
        if isinstance(before, float) and isinstance(value, float):
            jump = abs(value - before) > self.limit("jump_limit")
            if jump or fresh:
                self.derive(jump=jump)

    def worst(self, measurement: str, *, lowest: bool = False) -> Value | None:
        """Return the worst value over the channels, None while nothing is reported."""
        values = [
            self.readings[key]
            for key in self.by_measurement.get(measurement, ())
            if key in self.readings
        ]
        if not values:
            return None
        return min(values) if lowest else max(values)

    def related(self, measurement: str, supply: str) -> tuple[str, ...]:
        """Return the keys of a measurement that belong to a supply.

        A socket's supply has the readings of its own channel, if it reports any;
        a breaker's only supply has all phases.
        """
        if supply not in self.points:
            # It was changed in the middle of a cut-off: nothing proves that any more.
            return ()
        own = point_key(measurement, self.points[supply].channel)
        if own in self.points:
            return (own,)
        if len(self.supplies) == 1:
            return self.by_measurement.get(measurement, ())
        return ()


def _accept(kind: DeviceKind, point: Point, value: float) -> tuple[float | None, bool]:
    """Return what a value outside of the plausible range stands for, and if it is true.

    Noise about zero is zero, and of a current only the amount counts. Beyond that the
    sensor has a fault; on the dangerous side it is the danger as well, as far as the
    range goes: a fire is hotter than the sensor can tell. Elsewhere it is None.
    """
    row = point.measurement
    if row.unsigned:
        value = abs(value)
    if point.low - row.noise <= value <= point.high:
        return max(value, point.low), True
    if value > point.high and kind.is_dangerous(row.key, low=False):
        return point.high, False
    if value < point.low and kind.is_dangerous(row.key, low=True):
        return point.low, False
    return None, False
