"""When and how each device was last tested: what an inspector asks first."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import partial
import time
from typing import Any

from homeassistant.core import CALLBACK_TYPE, callback

from ..const import LOGGER
from .storage import Storage
from .telling import tell

#: A test that begins within so many seconds of our command is the one that was asked for.
COMMAND_SECONDS = 60


@dataclass(slots=True, kw_only=True)
class SelfTest:
    """The last test of one device, as the device itself has shown it.

    Times are Unix times in seconds. `commanded_by` is None for a test that was begun at
    the device; `found` holds the hazards that it has raised, as drills, and `alarms` the
    ids of those.
    """

    at: float
    commanded: bool = False
    commanded_by: str | None = None
    ended_at: float | None = None
    found: list[str] = field(default_factory=list)
    alarms: list[str] = field(default_factory=list)


_FIELDS = frozenset(item.name for item in fields(SelfTest))


#: Hears of a test that is over.
type Listener = Callable[[SelfTest], None]


class SelfTests:
    """Keeps the last test of each device. A command that nothing follows is no test."""

    def __init__(self, storage: Storage) -> None:
        """Initialize."""
        self._storage = storage
        self._last: dict[str, SelfTest] = {}
        self._commanded: dict[str, tuple[float, str | None]] = {}
        self._listeners: dict[str, list[Listener]] = {}

    @callback
    def restore(self, rows: Mapping[str, Mapping[str, Any]]) -> None:
        """Take over the tests of earlier runs, by unique id of the device."""
        for device, row in rows.items():
            if device in self._last:
                continue
            try:
                self._last[device] = SelfTest(
                    **{key: value for key, value in row.items() if key in _FIELDS}
                )
            except TypeError as err:
                LOGGER.warning("The last test of %s is not known: %s", device, err)

    def last(self, device: str) -> SelfTest | None:
        """Return the last test of a device, None if none is known."""
        return self._last.get(device)

    def of_alarm(self, alarm_id: str) -> SelfTest | None:
        """Return the test that has raised a drill, also one that is over.

        None if that was no device's last test.
        """
        tests = self._last.values()
        return next((test for test in tests if alarm_id in test.alarms), None)

    def listen(self, device: str, listener: Listener) -> CALLBACK_TYPE:
        """Call a listener when a test of one device is over.

        Returns a function that ends this.
        """
        listeners = self._listeners.setdefault(device, [])
        listeners.append(listener)
        return lambda: listeners.remove(listener)

    @callback
    def commanded(self, device: str, who: str | None) -> None:
        """Note that somebody has told a device to test itself."""
        self._commanded[device] = (time.monotonic(), who)

    @callback
    def began(self, device: str) -> None:
        """Take that a device tests itself now."""
        at, who = self._commanded.pop(device, (None, None))
        commanded = at is not None and time.monotonic() - at <= COMMAND_SECONDS
        self._last[device] = SelfTest(
            at=time.time(),
            commanded=commanded,
            commanded_by=who if commanded else None,
        )
        self._store(device)

    @callback
    def found(self, device: str, hazard: str, alarm_id: str) -> None:
        """Take that the running test has raised a hazard, as a drill."""
        test = self._last.get(device)
        if test and test.ended_at is None:
            test.alarms.append(alarm_id)
            if hazard not in test.found:
                test.found.append(hazard)
            self._store(device)

    @callback
    def ended(self, device: str) -> None:
        """Take that the test is over; who listens hears of it once that is stored."""
        test = self._last.get(device)
        if test and test.ended_at is None:
            test.ended_at = time.time()
            self._storage.put_then(
                "tests", device, asdict(test), partial(self._tell, device, test)
            )

    def _tell(self, device: str, test: SelfTest, _stored: bool) -> None:
        # Also where the disk has refused it: it was made.
        tell(tuple(self._listeners.get(device, ())), test)

    @callback
    def forget(self, device: str) -> None:
        """Forget a removed device."""
        self._commanded.pop(device, None)
        if self._last.pop(device, None):
            self._storage.put("tests", device, None)

    def _store(self, device: str) -> None:
        self._storage.put("tests", device, asdict(self._last[device]))
