"""What the core asks of a gateway, whichever it is."""

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from ..catalogue.measurements import Value
from .device import SafetyDevice


class Port(Protocol):
    """A connection to devices. It fulfils this without the core knowing its name."""

    @property
    def uid(self) -> str:
        """Return its unique id, with which those of its devices begin."""

    @property
    def connected(self) -> bool:
        """Return if it can be reached."""

    @property
    def devices(self) -> Mapping[str, SafetyDevice]:
        """Return the devices behind it, by their id."""

    async def async_set(self, device: SafetyDevice, key: str, value: Value) -> None:
        """Set a writable reading. Raises HomeAssistantError if it was not taken."""

    async def async_refresh(self, device: SafetyDevice, keys: Iterable[str]) -> None:
        """Ask a device to report readings now. Raises HomeAssistantError."""


#: Returns a device by its unique id with the port to it, None while it is not there: to be
#: asked at each try, for a reload makes both anew.
type Find = Callable[[str], tuple[Port, SafetyDevice] | None]
