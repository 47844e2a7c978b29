"""Letting devices join: for how long the network is open, and how far each device is."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.event import async_track_point_in_utc_time
from homeassistant.util import dt as dt_util

from ..core.device import SafetyDevice

#: The longest time that Zigbee knows, and that of the button.
LONGEST_SECONDS = 254
#: How far a device has come; the last three end it.
STAGES = ("joined", "interviewed", "ready", "ignored", "failed")
_ENDS = STAGES[2:]

type ProgressListener = Callable[[str, str], None]


class Network(Protocol):
    """The gateway of a network that devices join."""

    hass: HomeAssistant
    connected: bool
    #: The gateway's own device, and those behind it by address.
    device: SafetyDevice
    devices: dict[str, SafetyDevice]
    #: Devices that are none of ours, with their names.
    ignored: dict[str, str]

    def on_unload(self, *undo: CALLBACK_TYPE) -> None:
        """Undo things when the gateway is unloaded."""

    def on_join(self, listener: ProgressListener) -> CALLBACK_TYPE:
        """Call a listener with address and stage of whatever is joining."""

    async def async_permit(
        self, seconds: int, ieee: str | None = None, install_code: str | None = None
    ) -> None:
        """Let devices join."""


class Joining:
    """Whether a network is open. A radio that starts anew has closed it."""

    def __init__(self, gateway: Network) -> None:
        """Initialize as closed."""
        self._gateway = gateway
        self.until: datetime | None = None
        self._listeners: list[CALLBACK_TYPE] = []
        self._progress_listeners: list[ProgressListener] = []
        #: Devices that are on their way.
        self._coming: set[str] = set()
        self._end: CALLBACK_TYPE | None = None
        gateway.on_unload(
            gateway.device.listen(("offline",), self._link_changed),
            gateway.on_join(self._came_on),
            self._cancel,
        )

    @property
    def is_open(self) -> bool:
        """Return if devices may join."""
        return self.until is not None

    async def async_open(
        self, seconds: int, ieee: str | None = None, install_code: str | None = None
    ) -> None:
        """Let devices join: anywhere, by one router, or the one that has a code."""
        await self._gateway.async_permit(seconds, ieee, install_code)
        self._cancel()
        self.until = dt_util.utcnow() + timedelta(seconds=seconds)
        self._end = async_track_point_in_utc_time(
            self._gateway.hass, self._ended, self.until
        )
        self._tell()

    @callback
    def listen(self, listener: CALLBACK_TYPE) -> CALLBACK_TYPE:
        """Call a listener when the network is opened, or closed; return the end of it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    @callback
    def on_progress(self, listener: ProgressListener) -> CALLBACK_TYPE:
        """Call a listener with address and stage of a device; return the end of it."""
        self._progress_listeners.append(listener)
        return lambda: self._progress_listeners.remove(listener)

    def describe(self, ieee: str) -> dict[str, str | None]:
        """Return what is known of a device, for people."""
        device = self._gateway.devices.get(ieee)
        what = device.description if device else None
        return {
            "address": ieee,
            "name": what.name if what else self._gateway.ignored.get(ieee),
            "manufacturer": what.manufacturer if what else None,
            "model": what.model if what else None,
            "kind": what.kind if what else None,
            "device_id": device.device_id if device else None,
        }

    @callback
    def _came_on(self, ieee: str, stage: str) -> None:
        """Tell how far a device is; one that is only loaded at the start does not join."""
        if stage in _ENDS:
            if ieee not in self._coming:
                return
            self._coming.discard(ieee)
        else:
            self._coming.add(ieee)
        for listener in tuple(self._progress_listeners):
            listener(ieee, stage)

    @callback
    def _ended(self, _now: datetime) -> None:
        self._end = None
        self._close()

    @callback
    def _link_changed(self) -> None:
        if not self._gateway.connected:
            self._close()

    def _close(self) -> None:
        self._cancel()
        if self.until is not None:
            self.until = None
            self._tell()

    def _cancel(self) -> None:
        if self._end:
            self._end()
            self._end = None

    def _tell(self) -> None:
        for listener in tuple(self._listeners):
            listener()
