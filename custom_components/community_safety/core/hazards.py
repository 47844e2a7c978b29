"""Hazards: the rules of the catalogue, walked over a device's readings."""

from collections.abc import Collection
from datetime import datetime
import operator
from typing import TYPE_CHECKING

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later

from ..catalogue import HAZARDS, Hazard, Level, When
from ..const import LOGGER, Severity
from .alarms import Report

if TYPE_CHECKING:
    from .alarms import AlarmBook
    from .device import SafetyDevice

#: A self-test takes seconds. One that does not end must not make a drill of a fire.
LONGEST_TEST_SECONDS = 300

_COMPARE = {
    When.AT_LEAST: operator.ge,
    When.OVER: operator.gt,
    When.AT_MOST: operator.le,
    When.UNDER: operator.lt,
}


class HazardMonitor:
    """Tells the alarm book which hazards of a device are present, and how badly."""

    def __init__(
        self, hass: HomeAssistant, device: SafetyDevice, book: AlarmBook
    ) -> None:
        """Initialize with the hazards that the alarm book knows as present."""
        self._hass = hass
        self._device = device
        self._book = book
        self._active: dict[str, set[Level]] = {}
        self._pending: dict[str, dict[Level, CALLBACK_TYPE]] = {}
        self._known: set[str] = set()
        self._end_test: CALLBACK_TYPE | None = None
        for alarm in book.of_device(device.uid):
            if not alarm.present:
                continue
            # Which level it was is not stored: all up to that severity that can end.
            if levels := {
                level
                for hazard in device.kind.hazards
                for level in hazard.levels
                if hazard.key == alarm.hazard
                and level.severity.rank <= alarm.severity.rank
                and level.measurement in device.by_measurement
            }:
                self._active[alarm.hazard] = levels
            elif hazard := HAZARDS.get(alarm.hazard):
                # Nothing will ever end it: the device no longer measures that.
                self.report(hazard, None)

    def severity(self, hazard: str) -> Severity | None:
        """Return how badly a hazard is present, None if it is not."""
        return max(
            (level.severity for level in self._active.get(hazard, ())),
            key=lambda severity: severity.rank,
            default=None,
        )

    def is_known(self, hazard: str) -> bool:
        """Return if anything was ever reported about a hazard."""
        return hazard in self._known

    @property
    def is_testing(self) -> bool:
        """Return if what is found now is a drill: the device tests itself."""
        return self._end_test is not None

    @callback
    def report(self, hazard: Hazard, severity: Severity | None) -> None:
        """Tell the alarm book how a hazard stands: its severity, None when it has ended."""
        device = self._device
        self._book.report(
            Report(
                device=device.uid,
                device_id=device.device_id,
                device_name=device.description.name,
                hazard=hazard.key,
                severity=severity,
                drill=self.is_testing,
                values={
                    key: device.readings[key]
                    for level in hazard.levels
                    for key in device.by_measurement.get(level.measurement, ())
                    if key in device.readings
                },
            )
        )

    @callback
    def evaluate(self, measurements: Collection[str]) -> None:
        """Look at the hazards that the given measurements concern."""
        if "test" in measurements:
            self._watch_test()
        concerned = self._device.kind.concerned
        seen: set[str] = set()
        for measurement in measurements:
            for hazard in concerned.get(measurement, ()):
                if hazard.key not in seen:
                    seen.add(hazard.key)
                    self._evaluate(hazard)
        if "test" in measurements and not self.is_testing:
            self._report_all()

    @callback
    def stop(self) -> None:
        """End every delay that is running."""
        self._stop_test()
        for pending in self._pending.values():
            for cancel in pending.values():
                cancel()
        self._pending.clear()

    def _watch_test(self) -> None:
        """Begin or end a test, which is over after its longest time in any case."""
        self._stop_test()
        if self._device.worst("test"):
            self._end_test = async_call_later(
                self._hass, LONGEST_TEST_SECONDS, self._test_lasted
            )

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
                self.report(hazard, severity)

    def _evaluate(self, hazard: Hazard) -> None:
        active = self._active.get(hazard.key, set())
        known = hazard.key in self._known
        pending = self._pending.pop(hazard.key, {})
        now_active = set(active)
        for level in hazard.levels:
            present = self._is_present(hazard, level, level in active)
            if present is None:
                continue
            self._known.add(hazard.key)
            if not present:
                now_active.discard(level)
                if cancel := pending.pop(level, None):
                    cancel()
            elif level not in active and not level.delay:
                now_active.add(level)
            elif level not in active and level not in pending:
                pending[level] = self._delay(hazard, level)
        if pending:
            self._pending[hazard.key] = pending
        self._set_active(hazard, now_active)
        if not known and hazard.key in self._known:
            self._device.hazard_changed(hazard.key)

    def _delay(self, hazard: Hazard, level: Level) -> CALLBACK_TYPE:
        @callback
        def elapsed(_now: datetime) -> None:
            self._pending[hazard.key].pop(level, None)
            self._set_active(hazard, {*self._active.get(hazard.key, ()), level})

        return async_call_later(self._hass, level.delay, elapsed)

    def _set_active(self, hazard: Hazard, active: set[Level]) -> None:
        if active == self._active.get(hazard.key, set()):
            return
        before = self.severity(hazard.key)
        self._active[hazard.key] = active
        severity = self.severity(hazard.key)
        if severity is not before:
            self.report(hazard, severity)
            self._device.hazard_changed(hazard.key)

    def _is_present(self, hazard: Hazard, level: Level, was: bool) -> bool | None:
        """Return if a level's condition holds, None while nothing is known."""
        device = self._device
        value = device.worst(level.measurement, lowest=level.when.is_low)
        if value is None:
            return None
        if hazard.needs_supply and device.worst("supply") is False:
            return False
        if level.when is When.ON or not level.threshold:
            return bool(value)
        threshold = device.limit(level.threshold.key)
        if was:
            threshold += hazard.hysteresis if level.when.is_low else -hazard.hysteresis
        if level.of_rated:
            threshold *= device.limit("rated_current") / 100
        return bool(_COMPARE[level.when](float(value), threshold))
