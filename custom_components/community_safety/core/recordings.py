"""Recordings of cameras: kept for as long as the law asks, or a fault.

How long that is, is a setting of the camera. One that was installed ten days ago cannot have
more: recordings that begin later than they could is what is found, and not a short history.
"""

import time

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback

from ..catalogue import CAMERA
from .device import AVAILABILITY, SafetyDevice, registered

DAY_SECONDS = 86_400
#: Recordings of a day or an hour go together, and the first one is made some time after its
#: camera is put up.
SLACK_SECONDS = DAY_SECONDS
#: A recording that is of the future by more was made, or is judged, by a wrong clock.
AHEAD_SECONDS = DAY_SECONDS


class Recordings:
    """What cameras record, of those whose gateway is loaded."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Initialize."""
        self._hass = hass
        self._cameras: dict[str, SafetyDevice] = {}
        self._undo: dict[str, tuple[CALLBACK_TYPE, ...]] = {}
        #: The earliest of a camera's recordings that was heard of in this run, by its key.
        self._earliest: dict[tuple[str, str], float] = {}

    @callback
    def attach(self, device: SafetyDevice) -> None:
        """Watch a camera."""
        if device.kind is not CAMERA:
            return
        self._cameras[device.uid] = device

        @callback
        def check() -> None:
            self._check(device)

        keys = (*_keys(device, "recording"), *_keys(device, "oldest_recording"))
        self._undo[device.uid] = (
            device.watch(check),
            # Also where it was forgotten, or a person has set for how long they are kept.
            device.listen((AVAILABILITY, *keys), check),
        )
        self._check(device)

    @callback
    def detach(self, device: SafetyDevice) -> None:
        """Stop watching a camera."""
        self._cameras.pop(device.uid, None)
        for undo in self._undo.pop(device.uid, ()):
            undo()

    @callback
    def forget(self, uid: str) -> None:
        """Drop what is known of a camera that a person has deleted."""
        for row in [row for row in self._earliest if row[0] == uid]:
            del self._earliest[row]

    @callback
    def new_day(self) -> None:
        """Look at recordings that have grown older, and of which nobody has said anything."""
        for device in tuple(self._cameras.values()):
            self._check(device)

    def _check(self, device: SafetyDevice) -> None:
        self._show(
            device,
            "not_recording",
            {
                key: device.readings.get(key) is False
                for key in _keys(device, "recording")
                if key in device.readings
            },
        )
        self._show(
            device,
            "recordings_short",
            {
                key: short
                for key in _keys(device, "oldest_recording")
                if (short := self._is_short(device, key)) is not None
            },
        )

    def _show(self, device: SafetyDevice, fault: str, found: dict[str, bool]) -> None:
        """Derive a fault from what was found of each reading.

        What is merely remembered, or unknown, ends none; and what was never known is none,
        and is not all well either.
        """
        if any(found.values()):
            device.derive(**{fault: True})
        elif found and (
            device.readings.get(fault) is not True
            or device.reported.keys() >= found.keys()
        ):
            device.derive(**{fault: False})
        elif not found and device.readings.get(fault) is False:
            device.lose(fault)

    def _is_short(self, device: SafetyDevice, key: str) -> bool | None:
        """Return if recordings begin later than they must, None if that is not known."""
        oldest = device.readings.get(key)
        if not isinstance(oldest, float):
            return None
        now = time.time()
        if oldest > now + AHEAD_SECONDS:
            return None
        row = (device.uid, key)
        if row not in self._earliest and device.readings.get("recordings_short"):
            # An earlier run has seen them go: this one does not know what there was.
            self._earliest[row] = 0
        earliest = self._earliest[row] = min(oldest, self._earliest.get(row, oldest))
        if now - oldest >= device.limit("shortest_retention") * DAY_SECONDS:
            return False
        entry = registered(self._hass, device.uid)
        known_since = entry.created_at.timestamp() if entry else now
        return oldest > min(known_since, earliest) + SLACK_SECONDS


def _keys(device: SafetyDevice, measurement: str) -> tuple[str, ...]:
    return device.by_measurement.get(measurement, ())
