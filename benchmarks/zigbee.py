"""Zigbee: ours beside Home Assistant's own ZHA, on simulated coordinators."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
import json
from pathlib import Path
import queue
import time
from typing import Any

from . import coordinators
from .coordinators import Coordinators
from .figures import percentiles, ratio, spread
from .homes import OURS, PEER, HouseError, Program, basics, furnish, running
from .throughput import Say
from .zigbee_house import Options

#: Other reports a second beside the alarms.
RATE = 200
#: The house of our side whose alarm book does not wait for the disk, as ZHA has none.
WITHOUT_DISK = "ours_without_disk"
BOTH = "both"
#: Fires, each with a breaker of its own, that take turns.
PAIRS = 10
PAUSE_SECONDS = 2
#: Longest time for an off command, and for devices to join and be interviewed.
LOST_SECONDS = 5.0
JOIN_SECONDS = 600
#: Longest time until devices that have joined say no more than they always do.
CALM_SECONDS = 10
IAS_ZONE, ON_OFF, OFF = 0x0500, 0x0006, 0x00
#: Zone status of an alarm. The sensor itself may take it back at its next measurement.
ALARM = "0001"


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    alarms: int
    devices: int
    reports: int
    repetitions: int


@dataclass(frozen=True, slots=True)
class Run:
    """One run: where houses are kept, who hears of it, how much is measured."""

    folder: Path
    say: Say
    size: Size


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


def _address(eui64: str) -> str:
    return ":".join(eui64[at : at + 2] for at in range(0, 16, 2))


def _eui64(address: str) -> str:
    return address.replace(":", "")


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


def measure(run: Run) -> dict[str, Any]:
    """Return the figures of all scenarios."""
    return {
        "latency": latency(run),
        "scale": scale(run),
        "beside": beside(run),
    }


# Latency


@dataclass(slots=True)
class Fires:
    """What has become of alarms; times in milliseconds from the frame at the socket."""

    raised: list[float]
    off: list[float]
    lost: int = 0
    unproven: int = 0

    def figures(self) -> dict[str, Any]:
        """Return the figures."""
        return {
            "raised_milliseconds": percentiles(self.raised or [float("inf")]),
            "off_milliseconds": percentiles(self.off or [float("inf")]),
            "lost": self.lost,
            "unproven": self.unproven,
        }


def fires(
    house: ZigbeeHome, index: int, pairs: Sequence[tuple[str, str]], count: int
) -> Fires:
    """Return what becomes of so many alarms, one after the other."""
    simulation = house.simulation
    house.ask("stamps")
    found = Fires([], [])
    for number in range(count):
        smoke, breaker = pairs[number % len(pairs)]
        # Off the beat of timers, and of the load.
        time.sleep((number * 7 % 10) * 0.004)
        _drain(simulation.records)
        simulation.ask("zone", index, node=_eui64(smoke), bits=1)
        sent, off = _off(simulation, _eui64(smoke), _eui64(breaker))
        simulation.ask("zone", index, node=_eui64(smoke), bits=0)
        if off is None:
            found.lost += 1
        else:
            found.off.append((off - sent) * 1000)
        time.sleep(0.05)
        found.unproven += not house.ask("restore", smoke=smoke, breaker=breaker)[
            "proven"
        ]
        raised = [
            at
            for address, at in house.ask("stamps")["stamps"]
            if address.endswith(smoke) and at >= sent
        ]
        if raised:
            found.raised.append((raised[0] - sent) * 1000)
    return found


def _drain(records: queue.Queue[dict[str, Any]]) -> None:
    while not records.empty():
        records.get()


def _off(
    simulation: Coordinators, smoke: str, breaker: str
) -> tuple[float, float | None]:
    """Return when the smoke was told, and when the breaker was told to switch off."""
    sent = time.monotonic()
    until = sent + LOST_SECONDS
    while (left := until - time.monotonic()) > 0:
        try:
            row = simulation.records.get(timeout=left)
        except queue.Empty:
            break
        what = (row["what"], row["eui64"], row["cluster"])
        if what == ("sent", smoke, IAS_ZONE) and row["payload"] == ALARM:
            sent = row["at"]
        elif what == ("received", breaker, ON_OFF) and row["command"] == OFF:
            return sent, row["at"]
    return sent, None


def latency(run: Run) -> dict[str, Any]:
    """Measure both houses, by turns, on one simulation."""
    result: dict[str, Any] = {}
    with ExitStack() as stack:
        simulation = stack.enter_context(coordinators.running(2))
        houses: dict[str, ZigbeeHome] = {}
        pairs: dict[str, list[tuple[str, str]]] = {}
        for index, side in enumerate((OURS, PEER)):
            run.say(f"Zigbee: starting Home Assistant: {side}")
            houses[side] = stack.enter_context(
                home(
                    side,
                    side,
                    simulation,
                    run.folder,
                    ours=[index] if side == OURS else [],
                    zha=index if side == PEER else None,
                )
            )
            (nodes,) = houses[side].move_in(smoke=PAIRS, breaker=PAIRS)
            pairs[side] = list(zip(nodes["smoke"], nodes["breaker"], strict=True))
            houses[side].ask("automate", pairs=pairs[side])
            simulation.ask("watch", index)
            # The first of each is slower, whoever it is.
            fires(houses[side], index, pairs[side], PAIRS)
        time.sleep(PAUSE_SECONDS)
        for scenario, rate in (("idle", 0), ("reports", RATE)):
            result[scenario] = _turns(simulation, houses, pairs, run.size.alarms, rate)
            for name, row in result[scenario].items():
                if isinstance(row, dict):
                    _tell(run.say, f"Zigbee {scenario}, {name}", row)
        result["idle"]["what"] = "nothing else happens"
        result["reports"]["what"] = f"{RATE} other reports/s"
    return result


def _turns(
    simulation: Coordinators,
    houses: dict[str, ZigbeeHome],
    pairs: dict[str, list[tuple[str, str]]],
    alarms: int,
    rate: float,
) -> dict[str, Any]:
    """Return the figures of a scenario: ours, the peer, the peer, ours."""
    samples: dict[str, Fires] = defaultdict(lambda: Fires([], []))
    lost: dict[str, int] = defaultdict(int)
    rates: dict[str, list[float]] = defaultdict(list)
    turns = [(OURS, OURS), (PEER, PEER), (PEER, PEER), (OURS, OURS)]
    if not rate:
        turns.append((WITHOUT_DISK, OURS))
    for name, side in turns:
        house, index = houses[side], (OURS, PEER).index(side)
        if name == WITHOUT_DISK:
            house.ask("forgo_disk")
        before = _delivered(house)
        if rate:
            with simulation.load(rate, index) as load:
                time.sleep(PAUSE_SECONDS)
                found = fires(house, index, pairs[side], alarms // 2)
            rates[name].append(load.sent / load.seconds)
        else:
            found = fires(house, index, pairs[side], alarms // 2)
        if name == WITHOUT_DISK:
            house.ask("wait_for_disk")
        lost[name] += _missing(house, before)
        row = samples[name]
        row.raised += found.raised
        row.off += found.off
        row.lost += found.lost
        row.unproven += found.unproven
    figures: dict[str, Any] = {
        name: row.figures() | {"messages_lost": lost[name]}
        for name, row in samples.items()
    }
    for name, found_rates in rates.items():
        figures[name]["reports_per_second"] = round(sum(found_rates) / len(found_rates))
    return figures | _ratios(figures)


def _ratios(figures: dict[str, Any]) -> dict[str, Any]:
    return {
        f"ratio_{what}_{key}": ratio(
            [figures[OURS][f"{what}_milliseconds"][key]],
            [figures[PEER][f"{what}_milliseconds"][key]],
        )["median"]
        for what in ("raised", "off")
        for key in ("median", "p99")
    }


def _delivered(house: ZigbeeHome) -> dict[int, tuple[int, int]]:
    """Return by coordinator how many messages were delivered, and dealt with."""
    heard = house.ask("settle")["heard"]
    return {
        index: (
            house.simulation.delivered(index),
            heard[house.simulation.paths[index]],
        )
        for index in house.indices
    }


def _missing(house: ZigbeeHome, before: dict[int, tuple[int, int]]) -> int:
    """Return how many messages the house has lost since."""
    missing = 0
    for _ in range(20):
        time.sleep(0.25)
        after = _delivered(house)
        missing = sum(
            (after[index][0] - before[index][0]) - (after[index][1] - before[index][1])
            for index in before
        )
        if missing == 0:
            break
    return missing


def _tell(say: Say, what: str, row: dict[str, Any]) -> None:
    raised, off = row["raised_milliseconds"], row["off_milliseconds"]
    say(
        f"{what}: raised {raised['median']} ms, p99 {raised['p99']} ms;"
        f" off {off['median']} ms, p99 {off['p99']} ms; lost {row['lost']},"
        f" unproven {row['unproven']}, messages lost {row['messages_lost']}"
    )


# Scale


def scale(run: Run) -> dict[str, Any]:
    """Return what coordinators and devices cost, and how many reports they stand."""
    half = run.size.devices // 2
    result = {
        "ten": _coordinators(run, "ten", 10, smoke=2, breaker=2),
        "three": _coordinators(
            run, "three", 3, smoke=run.size.devices - half, breaker=half
        ),
        "one": {
            side: _coordinators(
                run,
                f"one_{side}",
                1,
                side=side,
                smoke=run.size.devices - half,
                breaker=half,
            )
            for side in (OURS, PEER)
        },
    }
    one = result["one"]
    ours, peer = one[OURS], one[PEER]
    one["ratio_reports"] = ratio(
        [ours["reports_per_second"]["median"]], [peer["reports_per_second"]["median"]]
    )["median"]
    for key in ("megabytes", "start_seconds"):
        one[f"ratio_{key}"] = round(ours[key] / peer[key], 2)
    return result


def _coordinators(
    run: Run,
    name: str,
    number: int,
    side: str = OURS,
    **models: int,
) -> dict[str, Any]:
    """Measure one house on so many coordinators, with nodes of each model on each."""
    indices = range(number)
    with (
        coordinators.running(number) as simulation,
        home(
            name,
            side,
            simulation,
            run.folder,
            ours=indices if side == OURS else (),
            zha=0 if side == PEER else None,
        ) as house,
    ):
        first = house.ask("first")
        began = time.monotonic()
        house.move_in(**models)
        joined = time.monotonic() - began
        memory = house.ask("memory")
        result: dict[str, Any] = {
            "coordinators": number,
            "devices": memory["devices"],
            "states": memory["states"],
            "first_start_seconds": round(first["seconds"], 2),
            "join_seconds": round(joined, 1),
            "before_megabytes": round(first["pss"] / 1e6, 1),
            "megabytes": round((memory["pss"] - first["pss"]) / 1e6, 1),
        } | _flood(house, run.size)
        result["start_seconds"] = round(house.ask("reload")["seconds"], 2)
        house.calm()
        result["megabytes_after"] = round(
            (house.ask("memory")["pss"] - first["pss"]) / 1e6, 1
        )
    run.say(f"Zigbee {name}: {result}")
    return result


def _flood(house: ZigbeeHome, size: Size) -> dict[str, Any]:
    """Send reports as fast as the house takes them, until its databases have all."""
    simulation = house.simulation
    rates: list[float] = []
    costs: list[float] = []
    shares: list[float] = []
    drains: list[float] = []
    lost = 0
    for _ in range(size.repetitions):
        before = _delivered(house)
        counts, cpu = house.ask("counts"), simulation.cpu()
        sent = _send(simulation, house.indices, size.reports)
        acknowledged = time.monotonic()
        after = house.ask("settle")
        rates.append(sent / (after["at"] - counts["at"]))
        costs.append((after["cpu"] - counts["cpu"]) / sent * 1e6)
        shares.append((simulation.cpu() - cpu) / (acknowledged - counts["at"]))
        drains.append(after["at"] - acknowledged)
        lost += _missing(house, before)
    return {
        "reports_per_second": spread(rates, 0),
        "microseconds_per_report": spread(costs, 0),
        "database_behind_seconds": spread(drains),
        "simulator_cores_used": spread(shares),
        "messages_lost": lost,
    }


def _send(simulation: Coordinators, indices: Sequence[int], reports: int) -> int:
    """Send so many reports in all, by all coordinators at the same time."""
    share = reports // len(indices)
    numbers = [simulation.begin("load", index, number=share) for index in indices]
    return sum(simulation.end(number)["sent"] for number in numbers)


# Ours beside ZHA in one process


def beside(run: Run) -> dict[str, Any]:
    """Measure a house that has one of our coordinators, and ZHA with another one."""
    with (
        coordinators.running(2) as simulation,
        home("beside", BOTH, simulation, run.folder, ours=[0], zha=1) as house,
    ):
        nodes = house.move_in(smoke=PAIRS, breaker=PAIRS)
        pairs = [list(zip(row["smoke"], row["breaker"], strict=True)) for row in nodes]
        house.ask("automate", pairs=[*pairs[0], *pairs[1]])
        for index in house.indices:
            simulation.ask("watch", index)
            fires(house, index, pairs[index], PAIRS)
        result: dict[str, Any] = {}
        before = _delivered(house)
        with simulation.load(RATE / 2, 0), simulation.load(RATE / 2, 1):
            for index, side in enumerate((OURS, PEER)):
                found = fires(house, index, pairs[index], run.size.alarms // 2)
                result[side] = found.figures()
        lost = _missing(house, before)
        for side in (OURS, PEER):
            result[side]["messages_lost"] = lost
            _tell(run.say, f"Zigbee in one process, {side}", result[side])
        result |= _flood(house, run.size)
    return result
