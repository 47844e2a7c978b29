"""Zigbee: from a smoke detector's frame to the off command of a breaker."""

from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
import queue
import time
from typing import Any

from . import coordinators
from .coordinators import Coordinators
from .figures import percentiles, ratio
from .homes import OURS, PEER
from .throughput import Say
from .zigbee_homes import Run, ZigbeeHome, home

#: Other reports a second beside the alarms, by scenario.
RATES = {"idle": 0, "reports": 200}
WHAT = {"idle": "alone", "reports": "200 other reports/s"}
#: The house of our side whose alarm book does not wait for the disk, as ZHA has none.
WITHOUT_DISK = "ours_without_disk"
#: Fires, each with a breaker of its own, of one round.
PAIRS = 10
PAUSE_SECONDS = 2
#: Between two fires, and after the supplies of a round were restored.
REST_SECONDS, CALM_SECONDS = 0.05, 0.5
#: Longest time for an off command.
LOST_SECONDS = 5.0
IAS_ZONE, ON_OFF, OFF = 0x0500, 0x0006, 0x00
#: Zone status of an alarm. The sensor itself may take it back at its next measurement.
ALARM = "0001"

#: Addresses of a smoke detector and of the breaker that it has switched off.
type Pair = tuple[str, str]


@dataclass(slots=True)
class Fires:
    """What has become of alarms; times in milliseconds from the frame at the socket."""

    raised: list[float] = field(default_factory=list)
    off: list[float] = field(default_factory=list)
    lost: int = 0
    unproven: int = 0

    def add(self, other: Fires) -> None:
        """Take those of another turn."""
        self.raised += other.raised
        self.off += other.off
        self.lost += other.lost
        self.unproven += other.unproven

    def figures(self) -> dict[str, Any]:
        """Return the figures; where nothing was heard of any alarm, no times."""
        times = {"raised_milliseconds": self.raised, "off_milliseconds": self.off}
        return {
            **{key: percentiles(found) for key, found in times.items() if found},
            "lost": self.lost,
            "unproven": self.unproven,
        }


def prepare(house: ZigbeeHome, index: int, pairs: Sequence[Pair]) -> None:
    """Watch a coordinator, and let all pairs burn once: the first time is slower."""
    house.simulation.ask("watch", index)
    fires(house, index, pairs, len(pairs))


def fires(house: ZigbeeHome, index: int, pairs: Sequence[Pair], count: int) -> Fires:
    """Return what becomes of so many alarms, one after the other."""
    found = Fires()
    for first in range(0, count, len(pairs)):
        found.add(_round(house, index, pairs[: count - first]))
        if not found.off:
            # Each that is lost is waited for: all of them would be hours.
            raise RuntimeError("no alarm has cut anything")
    return found


def _round(house: ZigbeeHome, index: int, pairs: Sequence[Pair]) -> Fires:
    """Return what becomes of one alarm of each pair; then all is as before.

    All supplies are restored together at the end: a proof takes a second, in which the
    breaker measures that no current flows.
    """
    simulation = house.simulation
    house.ask("stamps")
    found = Fires()
    sent_at: dict[str, float] = {}
    cut: list[bool] = []
    for number, (smoke, breaker) in enumerate(pairs):
        # Off the beat of timers, and of the load.
        time.sleep((number * 7 % 10) * 0.004)
        _drain(simulation.records)
        simulation.ask("zone", index, node=_eui64(smoke), bits=1)
        sent_at[smoke], off = _off(simulation, _eui64(smoke), _eui64(breaker))
        simulation.ask("zone", index, node=_eui64(smoke), bits=0)
        cut.append(off is not None)
        if off is not None:
            found.off.append((off - sent_at[smoke]) * 1000)
        time.sleep(REST_SECONDS)
    proven = house.ask("restore", pairs=pairs)["proven"]
    found.lost = cut.count(False)
    found.unproven = sum(
        is_cut and not is_proven for is_cut, is_proven in zip(cut, proven, strict=True)
    )
    raised: dict[str, float] = {}
    for address, at in house.ask("stamps")["stamps"]:
        # Ours has its gateway before it.
        smoke = next((smoke for smoke in sent_at if address.endswith(smoke)), "")
        if smoke and at >= sent_at[smoke]:
            raised.setdefault(smoke, (at - sent_at[smoke]) * 1000)
    found.raised += raised.values()
    time.sleep(CALM_SECONDS)
    return found


def _eui64(address: str) -> str:
    return address.replace(":", "")


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


def measure(run: Run) -> dict[str, Any]:
    """Measure both houses, by turns, on one simulation; return the scenarios' figures."""
    result: dict[str, Any] = {}
    with run.attempts.of("zigbee/latency"), ExitStack() as stack:
        simulation = stack.enter_context(coordinators.running(2))
        houses: dict[str, ZigbeeHome] = {}
        pairs: dict[str, list[Pair]] = {}
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
            prepare(houses[side], index, pairs[side])
        time.sleep(PAUSE_SECONDS)
        for scenario, rate in RATES.items():
            with run.attempts.of(f"zigbee/latency, {WHAT[scenario]}"):
                found = _turns(houses, pairs, run.size.alarms, rate)
                result[scenario] = {**found, "what": WHAT[scenario]}
                for name in (OURS, PEER, WITHOUT_DISK):
                    if name in found:
                        tell(run.say, f"Zigbee {scenario}, {name}", found[name])
    return result


def _turns(
    houses: dict[str, ZigbeeHome],
    pairs: dict[str, list[Pair]],
    alarms: int,
    rate: float,
) -> dict[str, Any]:
    """Return the figures of a scenario: ours, the peer, the peer, ours."""
    samples: dict[str, Fires] = defaultdict(Fires)
    lost: dict[str, int] = defaultdict(int)
    rates: dict[str, list[float]] = defaultdict(list)
    turns = [(OURS, OURS), (PEER, PEER), (PEER, PEER), (OURS, OURS)]
    if not rate:
        turns.append((WITHOUT_DISK, OURS))
    for name, side in turns:
        house, index = houses[side], (OURS, PEER).index(side)
        if name == WITHOUT_DISK:
            house.ask("forgo_disk")
        before = house.delivered()
        if rate:
            with house.simulation.load(rate, index) as load:
                time.sleep(PAUSE_SECONDS)
                found = fires(house, index, pairs[side], alarms // 2)
            rates[name].append(load.sent / load.seconds)
        else:
            found = fires(house, index, pairs[side], alarms // 2)
        if name == WITHOUT_DISK:
            house.ask("wait_for_disk")
        lost[name] += house.missing(before)
        samples[name].add(found)
    figures: dict[str, Any] = {
        name: row.figures() | {"messages_lost": lost[name]}
        for name, row in samples.items()
    }
    for name, found_rates in rates.items():
        figures[name]["reports_per_second"] = round(sum(found_rates) / len(found_rates))
    return figures | _ratios(figures)


def _ratios(figures: dict[str, Any]) -> dict[str, Any]:
    return {
        f"ratio_{what}_{key}": ratio([ours[times][key]], [peer[times][key]])["median"]
        for ours, peer in [(figures[OURS], figures[PEER])]
        for what in ("raised", "off")
        for times in [f"{what}_milliseconds"]
        if times in ours and times in peer
        for key in ("median", "p99")
    }


def tell(say: Say, what: str, row: dict[str, Any]) -> None:
    """Say what became of alarms."""
    times = "; ".join(
        f"{name} {found['median']} ms, p99 {found['p99']} ms"
        for name in ("raised", "off")
        if (found := row.get(f"{name}_milliseconds"))
    )
    lost = ", ".join(
        f"{key.replace('_', ' ')} {row[key]}"
        for key in ("lost", "unproven", "messages_lost")
        if key in row
    )
    say(f"{what}: {times or 'no times'}; {lost}")
