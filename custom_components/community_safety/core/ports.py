"""What the core asks of a gateway, whichever it is."""

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, runtime_checkable

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """What opens doors: a card or plate by its number, from when until when, and which doors.

    Whose it is nobody knows here. `begin` and `end` are aware, `doors` are channels such
    as `1`. The number is personal: it is never shown, logged or stored by us.
    """

    number: str = field(repr=False)
    begin: datetime
    end: datetime
    doors: frozenset[str]


@runtime_checkable
class CredentialPort(Port, Protocol):
    """A port whose door controllers or gates keep a list of credentials of their own.

    Each method raises HomeAssistantError if there was no answer or a refusal. An echo of
    a command is no reading: what is read comes from the controller's list.
    """

    def keeps_credentials(self, device: SafetyDevice) -> bool:
        """Return if a controller keeps a list at all."""

    def can_read_credentials(self, device: SafetyDevice) -> bool:
        """Return if its list can be read: else what it has taken is sent, and never proven."""

    def as_held(self, device: SafetyDevice, credential: Credential) -> Credential:
        """Return what a controller makes of a credential: it may know whole days only.

        Raises ServiceValidationError for one that it cannot hold at all.
        """

    async def async_put_credential(
        self, device: SafetyDevice, credential: Credential
    ) -> None:
        """Write one, or write over the one with its number."""

    async def async_remove_credential(self, device: SafetyDevice, number: str) -> None:
        """Remove one; it is no error if it is not there."""

    async def async_read_credential(
        self, device: SafetyDevice, number: str
    ) -> Credential | None:
        """Return what the controller has under a number, None if nothing."""

    def walk_credentials(
        self, device: SafetyDevice, written: Collection[str]
    ) -> AsyncIterator[Credential]:
        """Yield the whole list.

        `written` are the numbers that are written meanwhile, and grows. Raises
        HomeAssistantError if the list has changed by more than these.
        """


@runtime_checkable
class PicturePort(Port, Protocol):
    """A port whose cameras keep pictures of what they have told of."""

    async def async_picture(self, device: SafetyDevice, event: str) -> bytes:
        """Return the picture of what a camera has told of by `Passage.event`.

        As the camera gives it: what it is, whoever shows it has to look at. Raises
        HomeAssistantError if there is none, none any more, or no answer.
        """


#: Returns a device by its unique id with the port to it, None while it is not there: to be
#: asked at each try, for a reload makes both anew.
type Find = Callable[[str], tuple[Port, SafetyDevice] | None]
