"""Houses with Zigbee coordinators, from outside."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
import json
from pathlib import Path
import time
from typing import Any

from .attempts import Attempts
from .coordinators import Coordinators
from .homes import HouseError, Program, basics, furnish, running
from .throughput import Say
from .zigbee_house import Options

#: Longest time for devices to join and be interviewed.
JOIN_SECONDS = 600
#: Longest time until devices that have joined say no more than they always do.
CALM_SECONDS = 10
#: How often it is looked for a moment at which no message is on its way.
LOOKS = 50


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    alarms: int
    devices: int
    reports: int
    repetitions: int


@dataclass(frozen=True, slots=True)
class Run:
    """One run: what is tried where, who hears of it, how much is measured."""

    attempts: Attempts
    size: Size

    @property
    def folder(self) -> Path:
        """Return where houses are kept."""
        return self.attempts.folder

    @property
    def say(self) -> Say:
        """Return who hears of progress."""
        return self.attempts.say


@dataclass(slots=True, kw_only=True)
class ZigbeeHome(Program):
    """A house on coordinators of the simulation, with their indices."""

    simulation: Coordinators
    indices: Sequence[int]

    def move_in(self, **models: int) -> list[dict[str, list[str]]]:
        """Let so many nodes of each model join each coordinator.

        Returns their addresses as the house knows them, and waits until all is quiet.
        Raises HouseError.
        """
        self.ask("permit")
        least = self.ask("counts")["devices"]
        found = []
        for index in self.indices:
            nodes = self.simulation.add(index, **models)
            found.append(
                {model: [_address(item) for item in nodes[model]] for model in nodes}
            )
            self.simulation.ask("join", index)
            least += sum(models.values())
        until = time.monotonic() + JOIN_SECONDS
        while (counts := self.ask("counts"))["devices"] < least:
            if time.monotonic() > until:
                raise HouseError(
                    f"{self.name}: {counts['devices']} devices instead of {least}"
                )
            time.sleep(0.5)
        self.calm()
        return found

    def calm(self) -> dict[str, Any]:
        """Wait until nothing changes any more, and return the counts."""
        counts = self.ask("settle")
        for _ in range(CALM_SECONDS):
            time.sleep(1)
            before, counts = counts, self.ask("settle")
            # The coordinators themselves are asked a little, now and then.
            if sum(counts["heard"].values()) - sum(before["heard"].values()) < 20:
                break
        return counts

    def delivered(self) -> dict[int, tuple[int, int]]:
        """Return by coordinator how many messages were delivered, and dealt with.

        Devices go on talking: it is looked at until two looks are the same, so that
        none is on its way, if there is such a moment.
        """
        last = self._look()
        for _ in range(LOOKS):
            before, last = last, self._look()
            if last == before:
                break
        return last

    def _look(self) -> dict[int, tuple[int, int]]:
        heard = self.ask("settle")["heard"]
        return {
            index: (
                self.simulation.delivered(index),
                heard[self.simulation.paths[index]],
            )
            for index in self.indices
        }

    def missing(self, before: dict[int, tuple[int, int]]) -> int:
        """Return how many messages the house has lost since; it has 5 s to catch up."""
        missing = 0
        for _ in range(20):
            time.sleep(0.25)
            after = self.delivered()
            missing = sum(
                (after[index][0] - before[index][0])
                - (after[index][1] - before[index][1])
                for index in before
            )
            if missing == 0:
                break
        return missing


def _address(eui64: str) -> str:
    return ":".join(eui64[at : at + 2] for at in range(0, 16, 2))


@contextmanager
def home(
    name: str,
    side: str,
    simulation: Coordinators,
    folder: Path,
    *,
    ours: Sequence[int] = (),
    zha: int | None = None,
) -> Iterator[ZigbeeHome]:
    """Run a house on some coordinators of the simulation. Raises HouseError."""
    config = folder / f"zigbee_{name}"
    furnish(config, ours=bool(ours))
    configuration = {**basics(), "recorder": {}, "automation": []}
    (config / "configuration.yaml").write_text(json.dumps(configuration))
    options = Options(
        ours=[simulation.paths[index] for index in ours],
        zha=None if zha is None else simulation.paths[zha],
    )
    (config / "options.json").write_text(json.dumps(asdict(options)))
    with running("benchmarks.zigbee_house", config) as (process, lines):
        yield ZigbeeHome(
            name=name,
            side=side,
            process=process,
            folder=config,
            lines=lines,
            simulation=simulation,
            indices=[*ours, *(() if zha is None else (zha,))],
        )
