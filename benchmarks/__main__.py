"""Run the benchmark: scripts/benchmark."""

import argparse
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
import json
import os
from pathlib import Path
import platform
import signal
import sys
import tempfile
import time
from typing import Any

from homeassistant.const import __version__ as home_assistant_version

from . import (
    alerts,
    broker as brokers,
    burst,
    care,
    care_scale,
    doors,
    latency,
    register,
    scale,
    search,
    throughput,
    zigbee,
    zigbee_homes,
)
from .attempts import Attempts
from .broker import Broker
from .homes import OURS, PEER, ROOT, home
from .plot import plot
from .verdict import verdicts
from .zigbee_homes import Run

_WITHOUT_BROKER = ("zigbee", "alerts", "register", "doors", "search", "care")
PARTS = ("throughput", "latency", "burst", "scale", *_WITHOUT_BROKER)


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    messages: int
    repetitions: int
    alarms: int
    recorded_seconds: float
    breakers: int
    devices: int
    zigbee: zigbee_homes.Size
    #: Of an alert, of the largest one, and alerts in each run.
    recipients: int
    most_recipients: int
    alerts: int
    units: int
    controllers: int
    #: For so long people pass, ten times as many as a compound has in its worst ten minutes.
    passing_seconds: float
    #: Of thirty days, and looks of each kind.
    sightings: int
    looks: int
    #: Who live alone, for so many days.
    persons: int
    days: int
    #: Of one Home Assistant, and for so long signs come in.
    watches: int
    signs_seconds: float


# A breaker has about twenty entities, and a config entry at most 10,000 of them.
FULL = Size(
    messages=4000,
    repetitions=5,
    alarms=300,
    recorded_seconds=60,
    breakers=400,
    devices=10_000,
    zigbee=zigbee_homes.Size(200, 200, 6000, 3),
    recipients=1300,
    most_recipients=5000,
    alerts=3,
    units=2000,
    controllers=40,
    passing_seconds=60,
    sightings=1_000_000,
    looks=100,
    persons=200,
    days=110,
    watches=1000,
    signs_seconds=20,
)
QUICK = Size(
    messages=2000,
    repetitions=3,
    alarms=50,
    recorded_seconds=0,
    breakers=100,
    devices=1000,
    zigbee=zigbee_homes.Size(40, 30, 1500, 2),
    recipients=300,
    most_recipients=600,
    alerts=2,
    units=200,
    controllers=8,
    passing_seconds=10,
    sightings=50_000,
    looks=20,
    persons=30,
    days=60,
    watches=100,
    signs_seconds=5,
)


def run(
    parts: list[str], size: Size, mosquitto: str, attempts: Attempts
) -> dict[str, Any]:
    """Measure; what has failed is not in the result but in the attempts."""
    result: dict[str, Any] = {}
    if set(parts) - set(_WITHOUT_BROKER):
        with (
            attempts.of("broker"),
            brokers.running(mosquitto, attempts.folder) as broker,
        ):
            attempts.say(f"broker: {broker.name}, MQTT {broker.protocol}")
            result["broker"] = broker.name
            result |= _run_mqtt(parts, size, broker, attempts)
    if "zigbee" in parts:
        result["zigbee"] = zigbee.measure(Run(attempts, size.zigbee))
    if "alerts" in parts:
        with attempts.of("alerts"):
            result["alerts"] = alerts.measure_all(
                attempts.say,
                recipients=size.recipients,
                most_recipients=size.most_recipients,
                alerts=size.alerts,
            )
    if "register" in parts:
        with attempts.of("register"):
            result["register"] = register.measure_all(attempts.say, units=size.units)
    if "doors" in parts:
        with attempts.of("doors"):
            result["doors"] = doors.measure_all(
                attempts.say,
                units=size.units,
                controllers=size.controllers,
                rate=500,
                seconds=size.passing_seconds,
            )
    if "search" in parts:
        with attempts.of("search"):
            result["search"] = search.measure_all(
                attempts.say, sightings=size.sightings, rate=50, looks=size.looks
            )
    if "care" in parts:
        with attempts.of("care"):
            result["care"] = care.measure_all(
                attempts.say, persons=size.persons, days=size.days
            )
            result["care"]["scale"] = care_scale.measure_all(
                attempts.say, watches=size.watches, seconds=size.signs_seconds
            )
    return {part: found for part, found in result.items() if found}


def _run_mqtt(
    parts: list[str], size: Size, broker: Broker, attempts: Attempts
) -> dict[str, Any]:
    result: dict[str, Any] = {}
    folder, say = attempts.folder, attempts.say
    if "throughput" in parts:
        with attempts.of("throughput"):
            result["throughput"] = throughput.measure(
                broker,
                folder,
                say,
                messages=size.messages,
                repetitions=size.repetitions,
            )
    recorded = [part for part in ("latency", "burst") if part in parts]
    if recorded:
        with attempts.of(recorded[0]), ExitStack() as stack:
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
                with attempts.of("latency"):
                    result["latency"] = latency.measure(
                        houses,
                        say,
                        count=size.alarms,
                        recorded_seconds=size.recorded_seconds,
                    )
            if "burst" in parts:
                with attempts.of("burst"):
                    result["burst"] = {
                        house.side: burst.measure(house, say) for house in houses
                    }
    if "scale" in parts:
        with attempts.of("scale"):
            result["scale"] = scale.measure(broker, folder, say, devices=size.devices)
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
    load = round(os.getloadavg()[0], 2)
    # What is told to end ends its houses, broker and simulation first.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        attempts = Attempts(Path(name), say)
        measured = run(arguments.only, size, arguments.mosquitto, attempts)
    about = {
        "date": datetime.now(UTC).date().isoformat(),
        "quick": arguments.quick,
        "load_before": load,
        "minutes_of_the_run": round((time.monotonic() - began) / 60, 1),
    }
    result = merge(
        _read(out / "benchmark.json") if out else {},
        {"machine": machine(), **measured},
        {
            part: about | {"failed": attempts.of_part(part)}
            for part in arguments.only
            if part in measured
        },
    )
    for goal in verdicts(result):
        print(goal)
    if out:
        write(out, result)
        say(f"written below {out}")
    for what, reason in attempts.failed.items():
        print(f"✗ {what} could not be measured: {reason}")
    if attempts.failed:
        return 2
    return 0 if all(goal.met for goal in verdicts(result)) else 1


def merge(
    earlier: dict[str, Any], measured: dict[str, Any], runs: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    """Return an earlier result with the parts that were measured anew, and all goals.

    The sides of a part are of one run, the parts need not be. A part of which nothing
    could be measured stays as it was.
    """
    result = {**earlier, **measured, "runs": {**earlier.get("runs", {}), **runs}}
    return {**result, "goals": [goal.as_dict() for goal in verdicts(result)]}


def write(out: Path, result: dict[str, Any]) -> None:
    """Write a result, and its picture. Raises OSError."""
    out.mkdir(parents=True, exist_ok=True)
    text = json.dumps(result, indent=2, ensure_ascii=False) + "\n"
    (out / "benchmark.json").write_text(text)
    if result["runs"]:
        (out / "benchmark.svg").write_text(plot(result))


if __name__ == "__main__":
    sys.exit(main())
