"""A bad line: frames get lost, damaged, doubled and held up, always the same with the same seed."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
import random

from .timers import Timers


@dataclass(frozen=True, slots=True)
class Badness:
    """How bad the line is, each a probability per frame in one direction."""

    lose: float = 0.0
    corrupt: float = 0.0
    duplicate: float = 0.0
    #: Probability of a delay, and its length in seconds.
    delay: float = 0.0
    delay_seconds: float = 0.1


class Line:
    """One direction of a serial line. It loses frames, but never their order."""

    def __init__(
        self, deliver: Callable[[bytes], None], timers: Timers, seed: int
    ) -> None:
        """Initialize as good."""
        self._deliver = deliver
        self._timers = timers
        self._random = random.Random(seed)  # noqa: S311 - noise, no secret
        self._free_at = 0.0
        self.badness = Badness()
        #: What happened to frames, by word.
        self.counts: Counter[str] = Counter()

    def send(self, wire: bytes) -> None:
        """Pass a stuffed body on, in the way that the line is bad."""
        bad = self.badness
        if bad == Badness() and not self._free_at:
            self._deliver(wire)
            return
        if self._is(bad.lose, "lost"):
            return
        if self._is(bad.corrupt, "corrupted"):
            wire = self._damage(wire)
        copies = 2 if self._is(bad.duplicate, "duplicated") else 1
        delay = bad.delay_seconds if self._is(bad.delay, "delayed") else 0.0
        for _ in range(copies):
            self._deliver_after(delay, wire)

    def _is(self, probability: float, what: str) -> bool:
        happens = probability > 0 and self._random.random() < probability
        if happens:
            self.counts[what] += 1
        return happens

    def _damage(self, wire: bytes) -> bytes:
        # A single bit, which CRC-CCITT always finds.
        at = self._random.randrange(len(wire))
        return (
            wire[:at]
            + bytes((wire[at] ^ 1 << self._random.randrange(8),))
            + wire[at + 1 :]
        )

    def _deliver_after(self, delay: float, wire: bytes) -> None:
        now = asyncio.get_running_loop().time()
        at = max(now + delay, self._free_at)
        if at <= now:
            self._free_at = 0.0
            self._deliver(wire)
            return
        self._free_at = at
        self._timers.later(at - now, partial(self._deliver, wire))
