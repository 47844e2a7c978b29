"""Zigbee: what coordinators and devices cost, and how many reports they stand."""

from collections.abc import Sequence
import statistics
import time
from typing import Any

from . import coordinators
from .coordinators import Coordinators
from .figures import spread
from .homes import OURS, PEER
from .zigbee_homes import Run, Size, ZigbeeHome, home


def measure(run: Run) -> dict[str, Any]:
    """Return the figures of those scenarios that could be measured."""
    half = run.size.devices // 2
    models = {"smoke": run.size.devices - half, "breaker": half}
    result: dict[str, Any] = {}
    with run.attempts.of("zigbee/ten"):
        result["ten"] = _coordinators(run, "ten", 10, {"smoke": 2, "breaker": 2})
    with run.attempts.of("zigbee/three"):
        result["three"] = _coordinators(run, "three", 3, models)
    with run.attempts.of("zigbee/one"):
        ours, peer = (
            _coordinators(run, f"one_{side}", 1, models, side) for side in (OURS, PEER)
        )
        rates = [row["reports_per_second"]["median"] for row in (ours, peer)]
        result["one"] = {
            OURS: ours,
            PEER: peer,
            "ratio_reports": round(rates[0] / rates[1], 2),
            "ratio_megabytes": round(ours["megabytes"] / peer["megabytes"], 2),
            "ratio_start_seconds": round(
                ours["start_seconds"] / peer["start_seconds"], 2
            ),
        }
    return result


def _coordinators(
    run: Run,
    name: str,
    number: int,
    models: dict[str, int],
    side: str = OURS,
) -> dict[str, Any]:
    """Measure one house on so many coordinators, with nodes of each model on each."""
    indices = range(number)
    run.say(f"Zigbee {name}: starting Home Assistant")
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
        run.say(f"Zigbee {name}: {memory['devices']} devices after {joined:.0f} s")
        result: dict[str, Any] = {
            "coordinators": number,
            "devices": memory["devices"],
            "states": memory["states"],
            "first_start_seconds": round(first["seconds"], 2),
            "join_seconds": round(joined, 1),
            "before_megabytes": round(first["pss"] / 1e6, 1),
            "megabytes": round((memory["pss"] - first["pss"]) / 1e6, 1),
        } | flood(house, run.size)
        starts = [house.ask("reload")["seconds"] for _ in range(run.size.repetitions)]
        result["start_seconds"] = round(statistics.median(starts), 2)
        house.calm()
        result["megabytes_after"] = round(
            (house.ask("memory")["pss"] - first["pss"]) / 1e6, 1
        )
    run.say(
        f"Zigbee {name}: {result['reports_per_second']['median']:.0f} reports/s at"
        f" {result['microseconds_per_report']['median']:.0f} µs,"
        f" {result['messages_lost']} lost; start {result['start_seconds']} s;"
        f" {result['megabytes']} MB"
    )
    return result


def flood(house: ZigbeeHome, size: Size) -> dict[str, Any]:
    """Send reports as fast as the house takes them, until its databases have all."""
    simulation = house.simulation
    rates: list[float] = []
    costs: list[float] = []
    shares: list[float] = []
    drains: list[float] = []
    lost = 0
    for _ in range(size.repetitions):
        before = house.delivered()
        counts, cpu = house.ask("counts"), simulation.cpu()
        sent = _send(simulation, house.indices, size.reports)
        acknowledged = time.monotonic()
        after = house.ask("settle")
        rates.append(sent / (after["at"] - counts["at"]))
        costs.append((after["cpu"] - counts["cpu"]) / sent * 1e6)
        shares.append((simulation.cpu() - cpu) / (acknowledged - counts["at"]))
        drains.append(after["at"] - acknowledged)
        lost += house.missing(before)
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
