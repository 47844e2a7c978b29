"""Run the benchmark: scripts/benchmark."""

import argparse
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
import json
import os
from pathlib import Path
import platform
import sys
import tempfile
import time
from typing import Any

from homeassistant.const import __version__ as home_assistant_version

from . import (
    alerts,
    broker as brokers,
    burst,
    latency,
    register,
    scale,
    throughput,
    zigbee,
)
from .broker import Broker
from .homes import OURS, PEER, ROOT, HouseError, home
from .plot import plot
from .throughput import Say
from .verdict import verdicts

PARTS = ("throughput", "latency", "burst", "scale", "zigbee", "alerts", "register")

#: Parts that the picture shows.
PLOTTED = ("throughput", "latency", "scale")


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    messages: int
    repetitions: int
    alarms: int
    recorded_seconds: float
    breakers: int
    devices: int
    zigbee: zigbee.Size
    #: Of an alert, and alerts in each run.
    recipients: int
    alerts: int
    units: int


# A breaker has about twenty entities, and a config entry at most 10,000 of them.
FULL = Size(
    4000, 5, 300, 60, 400, 10_000, zigbee.Size(200, 200, 6000, 3), 1300, 3, 2000
)
QUICK = Size(2000, 3, 50, 0, 100, 1000, zigbee.Size(40, 30, 1500, 2), 300, 1, 200)


def run(
    parts: list[str], size: Size, broker: Broker, folder: Path, say: Say
) -> dict[str, Any]:
    """Measure. Raises HouseError."""
    result: dict[str, Any] = {}
    if "throughput" in parts:
        result["throughput"] = throughput.measure(
            broker,
            folder,
            say,
            messages=size.messages,
            repetitions=size.repetitions,
        )
    if "latency" in parts or "burst" in parts:
        with ExitStack() as stack:
            houses = []
            for side in (OURS, PEER):
                say(f"starting Home Assistant with a recorder: {side}")
                houses.append(
                    stack.enter_context(
                        home(
                            f"recorded_{side}",
                            side,
                            broker,
                            folder,
                            fleets=latency.fleets(size.breakers),
                            recorder=True,
                        )
                    )
                )
                houses[-1].move_in()
            if "latency" in parts:
                result["latency"] = latency.measure(
                    houses,
                    say,
                    count=size.alarms,
                    recorded_seconds=size.recorded_seconds,
                )
            if "burst" in parts:
                result["burst"] = {
                    house.side: burst.measure(house, say) for house in houses
                }
    if "scale" in parts:
        result["scale"] = scale.measure(broker, folder, say, devices=size.devices)
    if "zigbee" in parts:
        result["zigbee"] = zigbee.measure(zigbee.Run(folder, say, size.zigbee))
    if "alerts" in parts:
        result["alerts"] = alerts.measure_all(
            say, recipients=size.recipients, alerts=size.alerts
        )
    if "register" in parts:
        result["register"] = register.measure_all(say, units=size.units)
    return result


def machine() -> dict[str, Any]:
    """Return what the figures depend on, without naming the machine."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "architecture": platform.machine(),
        "cores": os.cpu_count(),
        "memory_gigabytes": round(memory / 1e9, 1),
        "python": platform.python_version(),
        "home_assistant": home_assistant_version,
    }


def _read(path: Path) -> dict[str, Any]:
    """Return an earlier result, empty without one."""
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return found


def main() -> int:
    """Read the command line. Returns 0 if every goal is met."""
    parser = argparse.ArgumentParser(
        prog="scripts/benchmark",
        description="Measure this integration beside Home Assistant's own: MQTT, ZHA.",
    )
    parser.add_argument(
        "--quick", action="store_true", help="rough figures in some minutes"
    )
    parser.add_argument(
        "--only",
        type=lambda text: text.split(","),
        default=list(PARTS),
        metavar="PART,...",
        help=f"of {', '.join(PARTS)}",
    )
    parser.add_argument(
        "--out", type=Path, help="folder for benchmark.json and benchmark.svg"
    )
    parser.add_argument(
        "--devices", type=int, metavar="N", help="how many devices the scale part has"
    )
    parser.add_argument("--mosquitto", default="", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if unknown := set(arguments.only) - set(PARTS):
        parser.error(f"unknown part: {', '.join(sorted(unknown))}")
    out = arguments.out
    if out is None and not arguments.quick and set(arguments.only) == set(PARTS):
        out = ROOT / "docs"

    began = time.monotonic()

    def say(text: str) -> None:
        elapsed = time.monotonic() - began
        print(f"{elapsed:6.0f} s  {text}", file=sys.stderr, flush=True)

    size = QUICK if arguments.quick else FULL
    if arguments.devices:
        size = replace(size, devices=arguments.devices)
    result: dict[str, Any] = {"machine": machine()}
    load = round(os.getloadavg()[0], 2)
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        folder = Path(name)
        try:
            with brokers.running(arguments.mosquitto, folder) as broker:
                say(f"broker: {broker.name}, MQTT {broker.protocol}")
                if not set(arguments.only) <= {"zigbee", "alerts", "register"}:
                    result["broker"] = broker.name
                result |= run(
                    arguments.only,
                    size,
                    broker,
                    folder,
                    say,
                )
        except (HouseError, OSError, TimeoutError) as err:
            say(f"✗ {err}")
            for log in folder.glob("*/log"):
                print(log, log.read_text()[-2000:], sep="\n", file=sys.stderr)
            return 2
    run_of_part = {
        "date": datetime.now(UTC).date().isoformat(),
        "quick": arguments.quick,
        "load_before": load,
        "minutes_of_the_run": round((time.monotonic() - began) / 60, 1),
    }
    # A part that is measured anew takes the place of the old one: the sides of a part are
    # of one run, the parts need not be.
    earlier = _read(out / "benchmark.json") if out else {}
    runs = {**earlier.get("runs", {}), **dict.fromkeys(arguments.only, run_of_part)}
    result = {**earlier, **result, "runs": runs}
    goals = verdicts(result)
    result["goals"] = [goal.as_dict() for goal in goals]
    for goal in goals:
        print(goal)
    if out:
        out.mkdir(parents=True, exist_ok=True)
        text = json.dumps(result, indent=2, ensure_ascii=False) + "\n"
        (out / "benchmark.json").write_text(text)
        if set(result) >= set(PLOTTED):
            (out / "benchmark.svg").write_text(plot(result))
        say(f"written below {out}")
    return 0 if all(goal.met for goal in goals) else 1


if __name__ == "__main__":
    sys.exit(main())
