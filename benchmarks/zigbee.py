"""Zigbee: ours beside Home Assistant's own ZHA, on simulated coordinators."""

from typing import Any

from . import coordinators, zigbee_latency, zigbee_scale
from .homes import OURS, PEER
from .zigbee_homes import Run, home
from .zigbee_latency import PAIRS, RATES, fires, prepare, tell
from .zigbee_scale import flood

BOTH = "both"


def measure(run: Run) -> dict[str, Any]:
    """Return the figures of those scenarios that could be measured."""
    result = {
        "latency": zigbee_latency.measure(run),
        "scale": zigbee_scale.measure(run),
    }
    with run.attempts.of("zigbee/beside"):
        result["beside"] = _beside(run)
    return {key: found for key, found in result.items() if found}


def _beside(run: Run) -> dict[str, Any]:
    """Measure a house that has one of our coordinators, and ZHA with another one."""
    run.say("Zigbee in one process: starting Home Assistant")
    with (
        coordinators.running(2) as simulation,
        home("beside", BOTH, simulation, run.folder, ours=[0], zha=1) as house,
    ):
        nodes = house.move_in(smoke=PAIRS, breaker=PAIRS)
        pairs = [list(zip(row["smoke"], row["breaker"], strict=True)) for row in nodes]
        house.ask("automate", pairs=[*pairs[0], *pairs[1]])
        for index in house.indices:
            prepare(house, index, pairs[index])
        result: dict[str, Any] = {}
        before = house.delivered()
        rate = RATES["reports"] / 2
        with simulation.load(rate, 0), simulation.load(rate, 1):
            for index, side in enumerate((OURS, PEER)):
                found = fires(house, index, pairs[index], run.size.alarms // 2)
                result[side] = found.figures()
                tell(run.say, f"Zigbee in one process, {side}", result[side])
        lost = house.missing(before)
        result |= flood(house, run.size)
        result["messages_lost"] += lost
    run.say(f"Zigbee in one process: {result['messages_lost']} messages lost")
    return result
