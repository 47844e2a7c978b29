"""Messages per second: as many as the house takes, until the last one is processed."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from .broker import Broker
from .devices import KINDS, Fleet
from .figures import ratio, spread
from .homes import OURS, PEER, Home, home

UNLIMITED = "ours_unlimited"
#: Devices that take turns.
DEVICES = 100

type Say = Callable[[str], None]


def measure(
    broker: Broker, folder: Path, say: Say, *, messages: int, repetitions: int
) -> dict[str, Any]:
    """Return the figures by kind of device.

    Three houses wait side by side and one works at a time: ours, ours with every value
    written as a state, and the peer.
    """
    fleets = {kind: Fleet("", kind, DEVICES) for kind in KINDS}
    with ExitStack() as stack:
        houses = []
        for name, side in ((OURS, OURS), (UNLIMITED, OURS), (PEER, PEER)):
            say(f"starting Home Assistant: {name}")
            found = stack.enter_context(
                home(
                    name,
                    side,
                    broker,
                    folder,
                    fleets=fleets,
                    unlimited=name == UNLIMITED,
                )
            )
            found.move_in()
            houses.append(found)
        return {
            kind: _measure_kind(houses, kind, say, messages, repetitions)
            for kind in KINDS
        }


def _measure_kind(
    houses: Sequence[Home], kind: str, say: Say, messages: int, repetitions: int
) -> dict[str, Any]:
    messages -= messages % DEVICES
    for house in houses:
        house.mark(house.stream(kind, messages // 4 // DEVICES * DEVICES))
    rates: dict[str, list[float]] = defaultdict(list)
    costs: dict[str, list[float]] = defaultdict(list)
    states: dict[str, list[float]] = defaultdict(list)
    lost: dict[str, int] = defaultdict(int)
    for repetition in range(repetitions):
        # Each one is first, in the middle and last equally often.
        turn = repetition % len(houses)
        for house in (*houses[turn:], *houses[:turn]):
            stream = house.stream(kind, messages)
            before = house.mark()
            after = house.mark(stream)
            done = {key: after[key] - before[key] for key in before if key != "marker"}
            rates[house.name].append(messages / done["at"])
            costs[house.name].append(done["cpu"] / messages * 1e6)
            states[house.name].append(done["changed"] / messages)
            lost[house.name] += _lost(house, kind, messages, done)
        say(
            f"{kind}, {repetition + 1} of {repetitions}: "
            + ", ".join(f"{name} {rates[name][-1]:,.0f}/s" for name in rates)
        )
    return {
        "entities_of_the_peer": len(KINDS[kind]),
        "messages_per_repetition": messages,
        **{
            house.name: {
                "messages_per_second": spread(rates[house.name], 0),
                "cpu_microseconds_per_message": spread(costs[house.name], 1),
                "states_written_per_message": spread(states[house.name]),
                "lost": lost[house.name],
            }
            for house in houses
        },
        "ratio": ratio(rates[OURS], rates[PEER]),
        "ratio_unlimited": ratio(rates[UNLIMITED], rates[PEER]),
        "ratio_cpu": ratio(costs[PEER], costs[OURS]),
        "ratio_cpu_unlimited": ratio(costs[PEER], costs[UNLIMITED]),
    }


def _lost(house: Home, kind: str, messages: int, done: dict[str, Any]) -> int:
    """Return how many messages, or states that each message must write, are missing."""
    lost = 0 if house.side == PEER else messages - done["reported"]
    if house.name != OURS:
        lost += max(0, messages * house.fleets[kind].changing - done["changed"])
    return int(lost)
