"""What every simulated device is: something physical, and firmware that reports on it."""

import asyncio
from collections.abc import Callable
from enum import StrEnum
import random
import time
from typing import Any, ClassVar

type Value = bool | float | str

#: Seconds that a late device takes before it does what it was told.
LATE_SECONDS = 4.0


class Fault(StrEnum):
    """How a device misbehaves, on request."""

    IGNORES = "ignores"
    WELDED = "welded"
    LATE = "late"
    SILENT = "silent"
    DUPLICATE = "duplicate"
    #: It says that it has stored a card or plate, and has not.
    FORGETFUL = "forgetful"
    WRONG = "wrong"


class RefusedError(Exception):
    """The firmware does not do what it was told; the text is the reason."""


class Device:
    """A device. `id` is unique within its gateway, `area` is the name of its place.

    A subclass says what its sensors show now (`measure`), how its piece of the world
    goes on (`step`), and what can happen to it (`EVENTS`).
    """

    kind: ClassVar[str]
    #: What can happen, with the method that lets it happen.
    EVENTS: ClassVar[dict[str, str]] = {}
    commands: ClassVar[tuple[str, ...]] = ()
    manufacturer: ClassVar[str] = "Xingqiao Simulation"
    model: ClassVar[str]
    battery_powered: ClassVar[bool] = False
    #: Seconds between two reports when nothing happens.
    interval: ClassVar[float] = 5

    def __init__(self, device_id: str, name: str, area: str) -> None:
        """Initialize as all is well."""
        self.id = device_id
        self.name = name
        self.area = area
        self.faults: set[Fault] = set()
        self.random = random.Random(device_id)  # noqa: S311 - noise, no secret
        self.battery = self.random.uniform(70, 100)
        #: Set by the gateway: sends a report now.
        self.report: Callable[[], None] = lambda: None
        #: Set by the gateway: tells that somebody came, and was let in or not.
        self.tell_passage: Callable[[dict[str, Any]], None] = lambda _passage: None
        #: Set by the simulator: notes what the device did, with the time.
        self.record: Callable[[str], None] = lambda _what: None
        #: Monotonic time of the next report that is due anyway.
        self.next_report = 0.0

    def measure(self) -> dict[str, Value]:
        """Return what the sensors show."""
        raise NotImplementedError

    def step(self, seconds: float) -> None:
        """Let time pass."""

    def set(self, key: str, value: Value, options: dict[str, Any]) -> float:
        """Begin to do what is told, and return after how many seconds it is done.

        Raises RefusedError.
        """
        raise RefusedError(f"{key} cannot be set")

    def order_list(self, order: dict[str, Any]) -> dict[str, Any]:
        """Do something about the list of who may pass; return what is answered beside `ok`.

        Raises RefusedError.
        """
        raise RefusedError("it keeps no list")

    def clear(self) -> None:
        """Take every cause and every misbehaviour away."""
        self.faults.clear()

    def contact_lost(self) -> None:
        """React on the loss of the broker."""

    def happen(self, event: str) -> None:
        """Let an event of the subclass's table happen."""
        getattr(self, self.EVENTS[event])()

    def readings(self) -> dict[str, Value]:
        """Return what the firmware reports; a broken one reports nonsense."""
        values = self.measure()
        if self.battery_powered:
            values["battery"] = round(self.battery)
        if Fault.WRONG in self.faults:
            values = {
                key: -99_999.0 if isinstance(value, float) else value
                for key, value in values.items()
            }
        return values

    async def command(self, key: str, value: Value, options: dict[str, Any]) -> bool:
        """Do what is told. Return if there is an answer; raises RefusedError."""
        if self.faults & {Fault.IGNORES, Fault.SILENT}:
            return False
        if Fault.LATE in self.faults:
            await asyncio.sleep(LATE_SECONDS)
        await asyncio.sleep(self.set(key, value, options))
        return True

    def noisy(self, value: float, spread: float, digits: int = 1) -> float:
        """Return a value as a sensor with noise and a resolution shows it."""
        return round(self.random.gauss(value, spread), digits)

    def is_due(self) -> bool:
        """Return if a report is due, and plan the next one."""
        now = time.monotonic()
        if now < self.next_report:
            return False
        # A spread, or all devices of a compound would speak at the same moment.
        self.next_report = now + self.interval * self.random.uniform(0.8, 1)
        return True
