"""Hazards: the rules of the catalogue, walked over a device's readings."""

from collections.abc import Callable, Collection, Container, Mapping
from datetime import datetime
from functools import lru_cache
from math import inf
import operator

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later

from ..catalogue import HAZARDS, Hazard, Level, Scope, When
from ..catalogue.measurements import Value
from ..const import LOGGER, Severity
from .measured import Measured

#: A self-test takes seconds. One that does not end must not make a drill of a fire.
LONGEST_TEST_SECONDS = 300

_COMPARE = {
    When.AT_LEAST: operator.ge,
    When.OVER: operator.gt,
    When.AT_MOST: operator.le,
    When.UNDER: operator.lt,
}


#: A band in which no number lies: nothing about it is calm.
type Band = tuple[float, float]


class HazardMonitor:
    """Tells which hazards of a device are present, and how badly.

    Levels that are present, and those whose delay runs, are kept; what is calm costs
    nothing: while a number stays inside its band in `calm`, no hazard can change.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        device: Measured,
        report: Callable[[Hazard, Severity | None], None],
        changed: Callable[[str], None],
        tested: Callable[[bool], None],
    ) -> None:
        """Initialize.

        `report` hears of each hazard how badly it is present, None when it has ended;
        `changed` the key of one that came, went, or is known or unknown anew;
        `tested` if the device tests itself from now on, or no longer.
        """
        self._hass = hass
        self._device = device
        self._report = report
        self._changed = changed
        self._tested = tested
        self._active: dict[str, frozenset[Level]] = {}
        self._severities: dict[str, Severity] = {}
        self._pending: dict[Level, CALLBACK_TYPE] = {}
        self._known: set[str] = set()
        self._end_test: CALLBACK_TYPE | None = None
        #: By key of a reading: between these values, exclusive, no hazard changes.
        self.calm: dict[str, Band] = {}

    @callback
    def take_over(self, alarms: Mapping[str, tuple[Severity, Container[str]]]) -> None:
        """Take hazards that an earlier run has found present, by key.

        Each with the measurements that have shown it; of an older version they are not known.
        """
        for key, (severity, causes) in alarms.items():
            measured = [
                level
                for hazard in self._device.kind.hazards
                for level in hazard.levels
                if hazard.key == key
                and level.measurement in self._device.by_measurement
            ]
            # Which level it was is not stored: all up to that severity that can end. Where
            # there is none, it was an alarm that others contradict.
            levels = [row for row in measured if row.severity.rank <= severity.rank]
            shown = [row for row in levels if row.measurement in causes]
            if measured:
                self._active[key] = frozenset(shown or levels or measured)
                self._severities[key] = severity
            elif hazard := HAZARDS.get(key):
                # Nothing will ever end it: the device no longer measures that.
                self._report(hazard, None)

    def severity(self, hazard: str) -> Severity | None:
        """Return how badly a hazard is present, None if it is not."""
        return self._severities.get(hazard)

    def causes(self, hazard: str) -> list[str]:
        """Return the measurements that show a hazard to be present, in order."""
        return sorted({level.measurement for level in self._active.get(hazard, ())})

    def would_end(self, measurement: str, value: Value) -> bool:
        """Return if a value speaks against what is present, or about to be."""
        return any(
            level.measurement == measurement
            and not self._compares(hazard, level, value, True)
            for hazard in self._device.kind.concerned.get(measurement, ())
            for level in hazard.levels
            if level in self._active.get(hazard.key, ()) or level in self._pending
        )

    def would_raise(self, measurement: str, value: Value) -> bool:
        """Return if a value shows a hazard at once that is not present yet."""
        return any(
            level.measurement == measurement
            and not level.delay
            and level not in self._active.get(hazard.key, ())
            and self._compares(hazard, level, value, False)
            for hazard in self._device.kind.concerned.get(measurement, ())
            for level in hazard.levels
        )

    def is_calm(self, measurement: str, value: Value) -> bool:
        """Return if a value shows no hazard at all, not even after a delay."""
        return not any(
            level.measurement == measurement
            and self._compares(hazard, level, value, False)
            for hazard in self._device.kind.concerned.get(measurement, ())
            for level in hazard.levels
        )

    def is_known(self, hazard: str) -> bool:
        """Return if anything that can be believed was reported about a hazard."""
        return hazard in self._known

    @property
    def is_testing(self) -> bool:
        """Return if what is found now is a drill: the device tests itself."""
        return self._end_test is not None

    @callback
    def evaluate(self, measurements: Collection[str]) -> None:
        """Look at the hazards that the given measurements concern."""
        if "test" in measurements:
            self._watch_test()
        concerned = self._device.kind.concerned
        hazards = dict.fromkeys(
            hazard
            for measurement in measurements
            for hazard in concerned.get(measurement, ())
        )
        for hazard in hazards:
            self._evaluate(hazard)
        for measurement in measurements:
            self._calm_down(measurement)
        if "test" in measurements and not self.is_testing:
            self._report_all()

    @callback
    def forget(self, measurement: str) -> None:
        """Take that nothing is known of a measurement any more."""
        for hazard in self._device.kind.concerned.get(measurement, ()):
            if hazard.key in self._known and all(
                self._device.worst(level.measurement) is None for level in hazard.levels
            ):
                self._known.discard(hazard.key)
                self._changed(hazard.key)

    @callback
    def stop(self) -> None:
        """End every delay that is running."""
        self._stop_test()
        for cancel in self._pending.values():
            cancel()
        self._pending.clear()

    def _watch_test(self) -> None:
        """Begin or end a test, which is over after its longest time in any case."""
        self._stop_test()
        # A mark that a cache remembers begins none: it may be days old.
        if any(
            self._device.fresh_reading(key)
            for key in self._device.by_measurement.get("test", ())
        ):
            self._end_test = async_call_later(
                self._hass, LONGEST_TEST_SECONDS, self._test_lasted
            )
            self._tested(True)

    @callback
    def _test_lasted(self, _now: datetime) -> None:
        self._end_test = None
        LOGGER.warning(
            "%s has been testing itself for %d s: what it finds is taken for real",
            self._device.uid,
            LONGEST_TEST_SECONDS,
        )
        self._report_all()

    def _stop_test(self) -> None:
        if self._end_test:
            self._end_test()
            self._end_test = None

    def _report_all(self) -> None:
        """Report again what is present: what a test has raised is real if it outlasts it."""
        for hazard in self._device.kind.hazards:
            if severity := self.severity(hazard.key):
                self._report(hazard, severity)
        self._tested(False)

    def _evaluate(self, hazard: Hazard) -> None:
        active = self._active.get(hazard.key, _NONE)
        was_known = hazard.key in self._known
        now_active = set(active)
        for level in hazard.levels:
            present = self._is_present(hazard, level, level in active)
            if present is None:
                continue
            self._known.add(hazard.key)
            if not present:
                now_active.discard(level)
                if cancel := self._pending.pop(level, None):
                    cancel()
            elif level not in active and not level.delay:
                now_active.add(level)
            elif level not in active and level not in self._pending:
                self._pending[level] = self._delay(hazard, level)
                # What may cut when the delay is over is held against the rest at once.
                self._is_trusted(hazard, (level,), active)
        self._set_active(hazard, now_active)
        if not was_known and hazard.key in self._known:
            self._changed(hazard.key)

    def _delay(self, hazard: Hazard, level: Level) -> CALLBACK_TYPE:
        @callback
        def elapsed(_now: datetime) -> None:
            del self._pending[level]
            self._set_active(hazard, {*self._active.get(hazard.key, ()), level})

        return async_call_later(self._hass, level.delay, elapsed)

    def _set_active(self, hazard: Hazard, active: Collection[Level]) -> None:
        before = self._severities.get(hazard.key)
        known = self._active.get(hazard.key, _NONE)
        severity = max(
            (level.severity for level in active),
            key=lambda severity: severity.rank,
            default=None,
        )
        if severity is None:
            self._active.pop(hazard.key, None)
            if not any(level in self._pending for level in hazard.levels):
                self._device.end_doubt(self._keys(hazard.levels))
        else:
            self._active[hazard.key] = frozenset(active)
            if severity is Severity.ALARM and not self._is_trusted(
                hazard, active, known
            ):
                # One number that others contradict warns, and cuts nothing. An alarm
                # that has been raised stays one.
                severity = before or Severity.WARNING
        if severity is before:
            if severity and {row.measurement for row in active} != {
                row.measurement for row in known
            }:
                # It is as bad, for another reason: a restart must know for which.
                self._report(hazard, severity)
            return
        if severity is None:
            del self._severities[hazard.key]
        else:
            self._severities[hazard.key] = severity
        self._report(hazard, severity)
        self._changed(hazard.key)

    def _is_trusted(
        self, hazard: Hazard, active: Collection[Level], known: frozenset[Level]
    ) -> bool:
        """Return if an alarm may cut: a reading that shows it is contradicted by none.

        `known` are the levels that were there before.
        """
        if hazard.cuts_off is Scope.NONE:
            return True
        levels = [level for level in active if level.severity is Severity.ALARM]
        device = self._device
        keys = [
            key
            for level in levels
            for key in device.by_measurement.get(level.measurement, ())
            if self._compares(hazard, level, device.readings.get(key), True)
            # It was doubted, and is not known any more: that makes it no truer.
            or (key not in device.readings and device.is_doubted(key))
        ]
        # Every one is asked for, so that each that is doubted is seen to be.
        trusted = [device.trusts(key) for key in keys]
        # Of an earlier run it is not known what was doubted, but that it was no alarm.
        return any(trusted) or not (keys or known.issuperset(levels)) or not levels

    def _keys(self, levels: Collection[Level]) -> list[str]:
        return [
            key
            for level in levels
            for key in self._device.by_measurement.get(level.measurement, ())
        ]

    def _is_present(self, hazard: Hazard, level: Level, was: bool) -> bool | None:
        """Return if a level's condition holds, None while nothing is known."""
        device = self._device
        value = device.worst(level.measurement, lowest=level.when.is_low)
        if value is None:
            return None
        if hazard.needs_supply and device.worst("supply") is False:
            return False
        present = self._compares(hazard, level, value, was)
        if not present and was and device.is_unusable(level.measurement):
            # The channel that was dangerous may be the one of which nothing is known.
            return None
        return present

    def _compares(
        self, hazard: Hazard, level: Level, value: Value | None, was: bool
    ) -> bool:
        """Return if a value meets a level."""
        if level.when is When.ON or not level.threshold:
            return bool(value)
        if value is None:
            return False
        return bool(
            _COMPARE[level.when](float(value), self._threshold(hazard, level, was))
        )

    def _threshold(self, hazard: Hazard, level: Level, was: bool) -> float:
        """Return a level's limit in the measurement's unit; `was` present it is easier."""
        assert level.threshold
        threshold = self._device.limit(level.threshold.key)
        if was:
            threshold += hazard.hysteresis if level.when.is_low else -hazard.hysteresis
        if level.of_rated:
            threshold *= self._device.limit("rated_current") / 100
        return threshold

    def _calm_down(self, measurement: str) -> None:
        """Note between which values nothing changes, or that something may."""
        device = self._device
        keys = device.by_measurement.get(measurement, ())
        if not keys or not device.points[keys[0]].is_number:
            return
        low, high = -inf, inf
        for hazard in device.kind.concerned.get(measurement, ()):
            if (
                hazard.key in self._active
                or hazard.key not in self._known
                or (hazard.needs_supply and device.worst("supply") is False)
                or any(level in self._pending for level in hazard.levels)
            ):
                for key in keys:
                    self.calm.pop(key, None)
                return
            for level in hazard.levels:
                if level.measurement != measurement or not level.threshold:
                    continue
                threshold = self._threshold(hazard, level, False)
                if level.when.is_low:
                    low = max(low, threshold)
                else:
                    high = min(high, threshold)
        band = _band(low, high)
        for key in keys:
            self.calm[key] = band


_NONE: frozenset[Level] = frozenset()


@lru_cache(maxsize=1024)
def _band(low: float, high: float) -> Band:
    """Return one and the same pair for thousands of devices."""
    return low, high
