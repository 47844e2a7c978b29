"""One timer for everything that is due: no task sleeps for a recipient."""

from collections.abc import Callable
from datetime import datetime
import heapq
import itertools
from typing import Final, Protocol

from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later
from homeassistant.util import dt as dt_util

from ..const import LOGGER

#: Seconds until what has failed is looked at again.
AGAIN_SECONDS: Final = 5.0


class Due(Protocol):
    """Something that is to be looked at again."""

    due_at: float | None


class Clock[T: Due]:
    """Calls with what is due. Who changes `due_at` calls `watch`; older entries lapse."""

    def __init__(
        self,
        hass: HomeAssistant,
        call: Callable[[T], None],
        now: Callable[[], float],
    ) -> None:
        """Initialize; `now` is that of a Timebase, as each `due_at` is."""
        self._hass = hass
        self._now = now
        self._call = call
        self._heap: list[tuple[float, int, T]] = []
        self._numbers = itertools.count()
        self._cancel: CALLBACK_TYPE | None = None
        self._armed_for: float | None = None
        self._job = HassJob(self._tick, "rental_units clock", cancel_on_shutdown=True)

    @callback
    def watch(self, item: T) -> None:
        """Look at an item again when it is due."""
        if item.due_at is not None:
            heapq.heappush(self._heap, (item.due_at, next(self._numbers), item))
            self._arm()

    @callback
    def sweep(self) -> None:
        """Let go of what is not due any more, and would be held until its time."""
        self._heap = [row for row in self._heap if row[2].due_at == row[0]]
        heapq.heapify(self._heap)
        self._arm()

    @property
    def late(self) -> float:
        """Return for how many seconds something has been due that nobody has looked at."""
        return max(self._now() - self._heap[0][0], 0.0) if self._heap else 0.0

    @callback
    def wake(self) -> None:
        """Look at what is due now, whatever has become of the timer."""
        if self._cancel:
            self._cancel()
        self._tick(dt_util.utcnow())

    @callback
    def stop(self) -> None:
        """Forget everything."""
        self._heap.clear()
        self._arm()

    def _arm(self) -> None:
        wanted = self._heap[0][0] if self._heap else None
        if wanted == self._armed_for:
            return
        if self._cancel:
            self._cancel()
            self._cancel = None
        self._armed_for = wanted
        if wanted is not None:
            self._cancel = async_call_later(
                self._hass, max(wanted - self._now(), 0), self._job
            )

    @callback
    def _tick(self, _now: datetime) -> None:
        self._cancel = self._armed_for = None
        now = self._now()
        due = []
        while self._heap and self._heap[0][0] <= now:
            due_at, _, item = heapq.heappop(self._heap)
            if item.due_at == due_at:
                # Taken: it may have been entered twice for the same time.
                item.due_at = None
                due.append(item)
        for item in due:
            try:
                self._call(item)
            except Exception as err:  # noqa: BLE001
                # Whatever it is, and without its text, that may hold a name: the others
                # are looked at now, and this one again.
                LOGGER.error("What was due has failed: %s", type(err).__name__)
                if item.due_at is None:
                    item.due_at = now + AGAIN_SECONDS
                    heapq.heappush(self._heap, (item.due_at, next(self._numbers), item))
        self._arm()
