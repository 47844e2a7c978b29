"""Other readings, at a steady rate, from a process of its own.

    python -m benchmarks.load PORT BASE KIND COUNT RATE

It publishes until its standard input ends, then prints how many messages it was.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
import select
import subprocess
import sys
import time

from .devices import Fleet
from .wire import Wire

TICK_SECONDS = 0.005


@dataclass(slots=True)
class Load:
    """What a load has done, once it has ended."""

    messages: int = 0
    seconds: float = 0


def main(port: int, fleet: Fleet, rate: float) -> None:
    """Publish."""
    sent = 0
    with Wire(port, f"load-{fleet.base}") as wire:
        began = time.monotonic()
        while not select.select([sys.stdin], [], [], TICK_SECONDS)[0]:
            due = int((time.monotonic() - began) * rate)
            wire.send(
                wire.encode(
                    fleet.state(index % fleet.count, 1 + index // fleet.count)
                    for index in range(sent, due)
                )
            )
            sent = max(sent, due)
        wire.settle()
    print(sent, flush=True)


@contextmanager
def running(port: int, fleet: Fleet, rate: float) -> Iterator[Load]:
    """Publish a fleet's readings at so many messages a second meanwhile."""
    load = Load()
    arguments = [str(port), fleet.base, fleet.kind, str(fleet.count), str(rate)]
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.load", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        began = time.monotonic()
        try:
            yield load
        finally:
            load.seconds = time.monotonic() - began
            output, _ = process.communicate(timeout=60)
            load.messages = int(output or 0)


if __name__ == "__main__":
    main(
        int(sys.argv[1]),
        Fleet(sys.argv[2], sys.argv[3], int(sys.argv[4])),
        float(sys.argv[5]),
    )
