"""Speaking to a controller that does not tell everything by itself: turns, and its clock."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable
from datetime import datetime
import time
from typing import override

from homeassistant.core import CALLBACK_TYPE, callback
from homeassistant.helpers.event import async_call_later
from homeassistant.util import dt as dt_util

from ..catalogue.measurements import Value
from ..const import DOMAIN, LOGGER
from ..core.device import DeviceDescription, SafetyDevice
from .base import CommandError, Gateway

#: What a controller does not tell by itself, it is asked for this often, in seconds; one
#: that does not answer is asked more often.
ASK_SECONDS = 60
RETRY_SECONDS = 10
#: A clock that is off by more than this is set, and by more than that is wrong, in seconds.
SET_SECONDS = 10
WRONG_SECONDS = 60
#: No clock of another zone is off by more, in seconds.
ZONES_SECONDS = 15 * 3600
#: Nothing of ours is older: a clock that says so has lost its time.
EARLIEST = datetime(2026, 1, 1, tzinfo=dt_util.UTC).timestamp()


class NoAnswerError(Exception):
    """A controller did not answer, or not as it should; `key` is that of the text for it."""

    key = "no_answer"

    def of(self, device: SafetyDevice) -> CommandError:
        """Return the error of what a device was told."""
        return CommandError(device, self.key, str(self))


class ContactGateway(Gateway):
    """A gateway of controllers with doors."""

    @abstractmethod
    def contact(self, device: SafetyDevice) -> Contact:
        """Return what speaks to a device. Raises CommandError if nothing does any more."""

    def keeps_credentials(self, device: SafetyDevice) -> bool:
        """Return that each of them keeps a list."""
        return True

    def can_read_credentials(self, device: SafetyDevice) -> bool:
        """Return that it can be read."""
        return True

    @override
    async def async_set(self, device: SafetyDevice, key: str, value: Value) -> None:
        contact = self.contact(device)
        name, _, door = key.rpartition("_")
        try:
            if name != "open":
                await contact.async_lock(int(door), bool(value))
            elif not await contact.async_open(int(door)):
                raise CommandError(device, "open_unproven", "the lock is shut")
        except NoAnswerError as err:
            raise err.of(device) from err


class Contact(ABC):
    """One controller with its doors, as long as its config entry is loaded.

    A subclass has made `device` before it is started.
    """

    device: SafetyDevice
    #: Channels of its doors.
    doors: Collection[int] = ()

    def __init__(self, gateway: Gateway, name: str) -> None:
        """Initialize; `name` is for the log."""
        self._gateway = gateway
        self._name = name
        #: Doors that were forced and not closed since.
        self._forced: set[int] = set()
        #: By how many seconds its clock is ahead; None while that is not known.
        self.clock_offset: float | None = None
        #: It was asked, and has answered or not.
        self.was_asked = False
        self._connected = False
        #: It is to be connected anew; a turn is under way; another one is due.
        self._again = self._turning = self._due = False
        #: It has sent something by itself since it was begun to be asked.
        self._was_heard = False
        self._stopped = False
        self._next: CALLBACK_TYPE | None = None

    def describe(
        self,
        serial: str,
        label: str,
        *,
        model: str | None,
        firmware: str | None,
        interval: float,
    ) -> DeviceDescription:
        """Return what a controller with these doors is; `label` is what stands on it."""
        return DeviceDescription(
            id=serial,
            kind="door_controller",
            name=self._gateway.name_of("door_controller", label),
            points=frozenset(
                {
                    "tamper",
                    "trouble",
                    "clock_wrong",
                    *(
                        f"{key}_{door}"
                        for key in ("locked", "door_open", "door_forced")
                        for door in self.doors
                    ),
                }
            ),
            commands=frozenset({"open"}),
            manufacturer=self._gateway.manufacturer,
            model=model,
            firmware=firmware,
            serial=serial,
            interval=interval,
        )

    @abstractmethod
    async def async_lock(self, door: int, locked: bool) -> None:
        """Have a door held open, or locked again. Raises NoAnswerError."""

    @abstractmethod
    async def async_open(self, door: int) -> bool:
        """Let somebody in. Return if the lock is seen to be open. Raises NoAnswerError."""

    @abstractmethod
    async def _async_connect(self) -> None:
        """Learn how things are, and call `_answered`. Raises NoAnswerError."""

    @abstractmethod
    async def _async_ask(self) -> None:
        """Ask for what it does not tell by itself. Raises NoAnswerError."""

    @property
    @abstractmethod
    def _others(self) -> Iterable[Contact]:
        """Return the other controllers, whose clocks are compared with this one's."""

    @property
    def _pause(self) -> float:
        """Return after how many seconds it is asked again."""
        return ASK_SECONDS if self._connected else RETRY_SECONDS

    # Turns

    @callback
    def start(self) -> None:
        """Begin to speak to it."""
        # Of an earlier run nobody tells which open doors were forced: until they are closed.
        self._forced |= self._known_forced()
        self._soon()

    def _known_forced(self) -> set[int]:
        """Return the doors that an earlier run has found forced."""
        return {
            door
            for alarm in self._gateway.house.book.of_device(self.device.uid)
            if alarm.hazard == "door_forced" and alarm.present
            for item in alarm.timeline
            for door in self.doors
            if item.get(f"door_forced_{door}") is True
        }

    @callback
    def connect_again(self) -> None:
        """Connect anew, now."""
        self._again = True
        self._soon()

    @callback
    def stop(self) -> None:
        """End; nothing is waited for."""
        self._stopped = True
        if self._next:
            self._next()

    @callback
    def _soon(self) -> None:
        """Connect or ask now, or once more when that is done."""
        if self._next:
            self._next()
            self._next = None
        if self._turning:
            self._due = True
            return
        self._turning = True
        self._gateway.entry.async_create_background_task(
            self._gateway.hass, self._async_turn(), f"{DOMAIN} {self._name}"
        )

    async def _async_turn(self) -> None:
        """Connect or ask as often as it is due, and plan the next time."""
        self._due = True
        try:
            while self._due:
                self._due = self._was_heard = False
                await self._async_contact()
        finally:
            self._turning = False
            if not self._stopped:
                self._next = async_call_later(
                    self._gateway.hass, self._pause, self._planned
                )

    async def _async_contact(self) -> None:
        try:
            if self._connected and not self._again:
                await self._async_ask()
            else:
                self._again = False
                await self._async_connect()
        except NoAnswerError as err:
            self._failed(err)
        self.was_asked = True

    @callback
    def _planned(self, _now: datetime) -> None:
        self._next = None
        self._soon()

    @callback
    def _failed(self, error: NoAnswerError) -> None:
        """Take that it does not answer."""
        if self._connected:
            LOGGER.warning("%s does not answer: %s", self._name, error)
        self._connected = False
        self._gateway.set_online(self.device, False)
        # It may have come back in the middle: what it has sent asks for one more turn.
        self._due = self._due or self._was_heard

    @callback
    def _answered(self) -> None:
        """Take that it answers: it may have lost what it was given meanwhile."""
        if not self._connected:
            LOGGER.info("%s answers", self._name)
            self._gateway.house.credentials.look_again(self.device)
        self._connected = True
        self._gateway.set_online(self.device, True)

    # Its clock

    def _is_ours_right(self, offset: float | None) -> bool:
        """Return if our clock is to be believed, and not the controller's.

        Cards are let in by what we set: a machine that wakes up without a clock must not
        give all controllers a time that was.
        """
        ours = time.time()
        earliest = max(EARLIEST, self._gateway.house.storage.last_written)
        if ours < earliest - WRONG_SECONDS:
            return False
        if (
            offset is None
            or abs(offset) <= ZONES_SECONDS
            or ours + offset < earliest - ZONES_SECONDS
        ):
            return True
        others = tuple(self._others)
        if not all(row.was_asked for row in others):
            return False
        offsets = [row.clock_offset for row in others if row.clock_offset is not None]
        # Of several the most are right, and we are one of them.
        against = sum(abs(row - offset) <= WRONG_SECONDS for row in offsets)
        return against <= sum(abs(row) <= WRONG_SECONDS for row in offsets)
