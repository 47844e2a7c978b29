"""Supervision: a device that says nothing is a fault, never "all clear"."""

from datetime import datetime, timedelta
import time
from typing import TYPE_CHECKING

from homeassistant.core import callback
from homeassistant.helpers.event import async_track_time_interval

from .device import Power, SafetyDevice

if TYPE_CHECKING:
    from .gateways.base import Gateway

SWEEP = timedelta(seconds=30)
#: Sweeps between two notes of who was heard last; a crash loses no more.
SWEEPS_PER_NOTE = 20

#: Longest silence in seconds. GB/T 45839-2025: a fault is shown within 100 s where the
#: link is watched; a sleeping battery sensor reports at least once a day.
LONGEST_SILENCE = {Power.MAINS: 300, Power.BATTERY: 24 * 3600}
#: Reports that a device promises may come late, and one may be lost.
MISSED_REPORTS = 2.5


def longest_silence(device: SafetyDevice) -> float:
    """Return after how many seconds without a sign of life a device is a fault."""
    limit = LONGEST_SILENCE[device.power]
    if device.description.interval:
        return min(limit, device.description.interval * MISSED_REPORTS)
    return limit


class Supervision:
    """Looks at every device of a gateway in a fixed rhythm."""

    def __init__(self, gateway: Gateway) -> None:
        """Begin."""
        self._gateway = gateway
        self._sweeps = 0
        self.stop = async_track_time_interval(
            gateway.hass, self._sweep, SWEEP, name="community_safety supervision"
        )

    @callback
    def _sweep(self, _now: datetime) -> None:
        gateway = self._gateway
        if not gateway.connected:
            # The gateway's own fault says it; a thousand more would hide it.
            return
        self._sweeps += 1
        if self._sweeps % SWEEPS_PER_NOTE == 0:
            gateway.safety.save_seen(gateway)
        now = time.time()
        for device in gateway.devices.values():
            # A clock that was set back must not make a device look alive for ever.
            device.last_seen = min(device.last_seen, now)
            if now - device.last_seen > longest_silence(device):
                device.find(silent=True)
                gateway.update_availability(device)
