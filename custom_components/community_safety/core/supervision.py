"""Supervision: a device that says nothing is a fault, never "all clear"."""

from collections.abc import Collection
from datetime import datetime, timedelta
import time

from homeassistant.core import CALLBACK_TYPE, callback
from homeassistant.helpers.event import async_track_time_interval

from .device import Power, SafetyDevice
from .house import House
from .ports import Port

SWEEP = timedelta(seconds=30)
#: Seconds of silence that one sweep counts at most.
MOST_COUNTED = 2 * SWEEP.total_seconds()
#: Sweeps between two notes of who was heard last; a crash loses no more.
SWEEPS_PER_NOTE = 20

#: Seconds of silence after which a fault is shown. GB/T 45839-2025: within 100 s where the
#: link is watched; a sleeping battery sensor reports at least once a day.
LONGEST_SILENCE = {Power.MAINS: 300, Power.BATTERY: 24 * 3600}
#: A mains device that says nothing for so long is asked, well before silence is a fault.
ASK_AFTER_SECONDS = 120
ASK_EVERY = timedelta(seconds=10)
#: Part of the devices that may be asked at a time: the radio must stay free for commands.
ASKED_AT_A_TIME = 1 / 12
#: Reports that a device promises may come late, and one may be lost.
MISSED_REPORTS = 2.5


def longest_silence(device: SafetyDevice) -> float:
    """Return after how many counted seconds without a sign of life a device is a fault.

    It may have been silent for up to one more sweep than is counted.
    """
    limit = LONGEST_SILENCE[device.power] - SWEEP.total_seconds()
    if device.description.interval:
        return min(limit, device.description.interval * MISSED_REPORTS)
    return limit


def to_ask(devices: Collection[SafetyDevice]) -> list[SafetyDevice]:
    """Return the devices on mains to be asked now, the most silent first."""
    since = time.monotonic() - ASK_AFTER_SECONDS
    silent = sorted(
        (
            device
            for device in devices
            if device.last_seen < since
            and device.power is Power.MAINS
            and device.online
        ),
        key=lambda device: device.last_seen,
    )
    return silent[: max(2, round(len(devices) * ASKED_AT_A_TIME))]


class Supervision:
    """Looks at every device of a gateway in a fixed rhythm.

    It counts silence only while the gateway is connected: a restart, a lost broker or a
    clock that is set make no device look dead, and none look alive.
    """

    def __init__(self, house: House, gateway: Port) -> None:
        """Initialize."""
        self._house = house
        self._gateway = gateway
        self._sweeps = 0
        #: Monotonic time of the last sweep; None if the gateway was not connected then.
        self._last: float | None = None
        self._end: CALLBACK_TYPE | None = None

    @callback
    def start(self) -> None:
        """Begin, once the devices of an earlier run are there."""
        self._end = async_track_time_interval(
            self._house.hass, self._sweep, SWEEP, name="community_safety supervision"
        )

    @callback
    def stop(self) -> None:
        """End, and note how long each device has been silent."""
        if self._end:
            self._end()
            self._end = None
            self._save()

    @callback
    def _sweep(self, _now: datetime) -> None:
        gateway = self._gateway
        if not gateway.connected:
            # The gateway's own fault says it; a thousand more would hide it.
            self._last = None
            return
        now = time.monotonic()
        # A late sweep means that Home Assistant itself stood still, and heard nobody.
        elapsed = min(now - (self._last or now), MOST_COUNTED)
        self._last = now
        for device in gateway.devices.values():
            if device.silence is None:
                device.silence = 0
                continue
            device.silence += elapsed
            if device.silence >= longest_silence(device):
                device.derive(unresponsive=True)
        self._sweeps += 1
        if self._sweeps % SWEEPS_PER_NOTE == 0:
            self._save()

    @callback
    def _save(self) -> None:
        """Store who was silent for how long: a restart must not hide it."""
        gateway = self._gateway
        silence = {
            device.uid: device.silence or 0 for device in gateway.devices.values()
        }
        self._house.seen[gateway.uid] = silence
        self._house.storage.put("seen", gateway.uid, silence)
