"""A lane is the queue before one provider: what it does not take, waits for it alone."""

from collections.abc import Callable
from dataclasses import dataclass, field
import heapq
import itertools

from .const import FAILING_AFTER, HELP_STEP, RANK, Severity
from .models import Delivery
from .planning import DUTIES

#: A provider that refuses everything is asked so often, until it takes one again: what it
#: costs in vain is time of the others.
FAILING_PER_SECOND = 25.0

_numbers = itertools.count()


@dataclass(order=True, slots=True)
class Waiting:
    """A delivery in a queue: lives first, before drills, who responds, then the older."""

    rank: int
    is_drill: bool
    is_for_others: bool
    created_at: float
    number: int = field(default_factory=lambda: next(_numbers))
    delivery: Delivery = field(compare=False, kw_only=True)


class Lane:
    """Deliveries of one channel, with its limits.

    The rate limit holds back warnings and faults; an alarm counts against it and never
    waits for it. Alarms have as many places again as all others.
    """

    def __init__(
        self, concurrency: int, per_second: float | None, clock: Callable[[], float]
    ) -> None:
        """Initialize."""
        self._places = concurrency
        self._rate = per_second
        self._clock = clock
        self._queue: list[Waiting] = []
        self._tokens = max(per_second or 0, 1.0)
        self._filled_at = clock()
        self.active = 0
        self.failures = 0
        #: Addresses that were refused since something went through.
        self.refused: set[str] = set()
        #: When it must be looked at again; the engine's clock reads it.
        self.due_at: float | None = None

    @property
    def is_failing(self) -> bool:
        """Return if the provider has failed, or refused everybody, some times in a row."""
        return max(self.failures, len(self.refused)) >= FAILING_AFTER

    def give_back(self) -> None:
        """Return the share of one that was not asked of the provider after all."""
        self._tokens += 1

    def push(
        self, delivery: Delivery, severity: Severity, *, is_drill: bool = False
    ) -> None:
        """Let a delivery wait for its turn."""
        waiting = Waiting(
            RANK[severity],
            is_drill,
            delivery.role not in DUTIES and delivery.step != HELP_STEP,
            delivery.created_at,
            delivery=delivery,
        )
        heapq.heappush(self._queue, waiting)

    def pop(self) -> Delivery | None:
        """Return the next delivery that may go; None if none may go now."""
        self.due_at = None
        if not self._queue:
            return None
        is_alarm = self._queue[0].rank == RANK[Severity.ALARM]
        if self.active >= self._places * (2 if is_alarm else 1):
            return None
        rate = FAILING_PER_SECOND if self.is_failing else self._rate
        if rate is not None:
            now = self._clock()
            self._tokens = min(
                max(rate, 1.0),
                self._tokens + max(now - self._filled_at, 0) * rate,
            )
            self._filled_at = now
            if self._tokens < 1 and (self.is_failing or not is_alarm):
                self.due_at = now + (1 - self._tokens) / rate
                return None
            self._tokens = max(self._tokens - 1, -rate)
        self.active += 1
        return heapq.heappop(self._queue).delivery
