"""Reports at a steady rate, for benchmarks."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count, cycle
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .node import Node
    from .simulator import EzspSimulator

#: Seconds between two bursts, and frames that may wait for the host before one is held back.
BURST_SECONDS = 0.01
MOST_WAITING = 200
#: The attribute that is reported unless another one is wanted, and how far it counts.
ATTRIBUTE = "electrical.power"
MODULUS = 30_000


@dataclass(frozen=True, slots=True)
class Figures:
    """What became of a load; seconds until the host had acknowledged the last report."""

    sent: int
    seconds: float
    #: Bursts that had to wait because the host was slower.
    held_back: int

    @property
    def rate(self) -> float:
        """Return reports per second."""
        return self.sent / self.seconds if self.seconds else 0.0


async def send_reports(
    simulator: EzspSimulator,
    nodes: Sequence[Node],
    number: int,
    rate: float,
    attribute: str = ATTRIBUTE,
) -> Figures:
    """Have nodes take turns at reporting; a rate of 0 is as fast as the host takes them."""
    turns = cycle([(node, node.key(attribute)) for node in nodes])
    values = count(1)
    link = simulator.ncp.link
    started = time.monotonic()
    sent = held_back = 0
    while sent < number:
        due = MOST_WAITING // 2
        if rate:
            due = int((time.monotonic() - started) * rate) + 1 - sent
        for _ in range(min(due, number - sent)):
            node, key = next(turns)
            node.attributes[key] = next(values) % MODULUS
            node.reporting.report(key)
            sent += 1
        if link.waiting > MOST_WAITING:
            held_back += 1
            await simulator.delivered()
        await asyncio.sleep(BURST_SECONDS if rate else 0)
    await simulator.delivered()
    return Figures(sent, time.monotonic() - started, held_back)
