"""The co-processor: takes commands of the host, answers them, and calls it back (UG100)."""

import asyncio
from collections import Counter
from collections.abc import Callable
import logging
from typing import TYPE_CHECKING, Any

from .ash import ResetCode
from .ash_link import WINDOW, AshLink
from .fields import TooShortError, Values
from .frames import FrameType, frames
from .registry import HANDLERS
from .state import Flash, Ram
from .status import Status
from .timers import Timers

if TYPE_CHECKING:
    from .air import Air

_LOGGER = logging.getLogger(__name__)

#: Frame control, low byte: a response, and one without a command (UG100, table 3).
RESPONSE = 0x80
OVERFLOW = 0x01
ASYNCHRONOUS = 0x10
#: Frame control, high byte: the extended format, of EZSP 8 and newer.
EXTENDED = 0x01
INVALID_COMMAND = "invalidCommand"


class Ncp:
    """One co-processor with its flash, behind an ASH link."""

    def __init__(
        self,
        version: int,
        flash: Flash,
        *,
        window: int = WINDOW,
        reset_seconds: float = 0.01,
        seed: int = 0,
        most_callbacks: int = 5000,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        """Initialize; `changed` is called when the flash has changed."""
        self.version = version
        self.flash = flash
        self.frames = frames(version)
        self.link = AshLink(
            self._frame_received,
            self._has_reset,
            window=window,
            reset_seconds=reset_seconds,
            seed=seed,
        )
        self.timers = Timers()
        self.ram = Ram()
        self.eui64 = flash.current_eui64
        self.air: Air
        self.changed = changed
        #: Commands are acknowledged, but not answered, as by a hung main loop.
        self.hung = False
        #: No buffers for messages of the host.
        self.full = False
        #: Commands by name, and what could not be understood.
        self.commands: Counter[str] = Counter()
        self.resets = 0
        self._most_callbacks = most_callbacks
        self._overflowed = False
        self._handling = False
        self._legacy = True

    # What the handlers use

    def callback(self, name: str, values: Values) -> None:
        """Call the host back, after the answer to the command at hand."""
        if self.hung or not self.ram.agreed:
            return
        if len(self.link.callbacks) >= self._most_callbacks:
            self._overflowed = True
            return
        head = bytes((self.ram.sequence, RESPONSE | ASYNCHRONOUS, EXTENDED))
        frame = self.frames.by_name[name]
        self.link.callbacks.append(
            head + frame.id.to_bytes(2, "little") + frame.response.write(values)
        )
        if not self._handling:
            self.link.flush()

    def stack_status(self, status: Status) -> None:
        """Tell what has become of the stack."""
        self.callback("stackStatusHandler", {"status": status})

    def bring_up(self) -> None:
        """Have a network that is up."""
        self.ram.network_up = True
        self.stack_status(Status.NETWORK_UP)
        self.air.coordinator_up()

    @property
    def is_up(self) -> bool:
        """Return if the radio takes part in a network, and somebody cares."""
        return self.ram.network_up and not self.hung and not self.link.dead

    @property
    def is_open(self) -> bool:
        """Return if devices may join."""
        return self.is_up and asyncio.get_running_loop().time() < self.ram.open_until

    def count(self, number: int, much: int = 1) -> None:
        """Count up a counter, by EmberCounterType; it stops at its end."""
        self.ram.counters[number] = min(0xFFFF, self.ram.counters[number] + much)

    # Commands

    def _frame_received(self, data: bytes) -> None:
        if self.hung:
            return
        self._handling = True
        try:
            self._handle(data)
        finally:
            self._handling = False

    def _handle(self, data: bytes) -> None:
        sequence, flags = data[0], data[1]
        legacy = data[2] & 3 != EXTENDED or len(data) < 5
        if not legacy:
            identifier, at = int.from_bytes(data[3:5], "little"), 5
        elif data[2] == 0xFF and len(data) >= 5:
            # EZSP 5 to 7 had one byte more, and a number of one byte.
            identifier, at = data[4], 5
        else:
            identifier, at = data[2], 3
        self.ram.sequence = sequence
        self._legacy = legacy
        frame = self.frames.by_id.get(identifier)
        if flags & RESPONSE:
            self._refuse(Status.WRONG_DIRECTION)
        elif frame is None or frame.name not in HANDLERS:
            self.commands[f"unknown 0x{identifier:04X}"] += 1
            self._refuse(Status.INVALID_FRAME)
        elif frame.name != "version" and (legacy or not self.ram.agreed):
            self._refuse(Status.VERSION_NOT_SET)
        else:
            self._command(frame, data, at)

    def _command(self, frame: FrameType, data: bytes, at: int) -> None:
        self.commands[frame.name] += 1
        try:
            values, _ = frame.command.read(data, at)
        except TooShortError:
            self._refuse(Status.TRUNCATED)
            return
        result = HANDLERS[frame.name](self, values)
        if isinstance(result, Status):
            result = {"status": result}
        self._answer(frame, result or {})

    def _refuse(self, reason: Status) -> None:
        self._answer(self.frames.by_name[INVALID_COMMAND], {"reason": reason})

    def _answer(self, frame: FrameType, values: dict[str, Any]) -> None:
        flags = RESPONSE | (OVERFLOW if self._overflowed else 0)
        self._overflowed = False
        if self._legacy:
            head = bytes((self.ram.sequence, flags, frame.id))
        else:
            head = bytes((self.ram.sequence, flags, EXTENDED)) + frame.id.to_bytes(
                2, "little"
            )
        self.link.answers.append(head + frame.response.write(values))

    # Reset

    def close(self) -> None:
        """End everything that is going on."""
        self.timers.close()
        self.link.close()

    def reset(self, code: ResetCode) -> None:
        """Reset by itself, as on a watchdog or a loss of power."""
        self.link.reset(code)

    def _has_reset(self) -> None:
        self.resets += 1
        self.ram = Ram()
        self.eui64 = self.flash.current_eui64
        self.hung = False
        _LOGGER.debug("The co-processor has reset")
