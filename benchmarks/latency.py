"""From a detector's message to the automation's action, alone and among other readings."""

from collections import defaultdict
from collections.abc import Sequence
from contextlib import closing
import os
from pathlib import Path
import sqlite3
import time
from typing import Any

from . import load
from .devices import KINDS, Fleet
from .figures import percentiles, ratio
from .homes import ALARMING, OURS, PEER, Home
from .throughput import Say

#: Readings a second beside the alarms: the figure that the design is held to.
RATE = 2000
#: Longer than the telemetry's interval of 30 s: then its states are in a steady rhythm.
SETTLE_SECONDS = 35
PAUSE_SECONDS = 3
ALARMS_PER_SECOND = 10
#: Fleets that make the other readings.
READINGS, MESSAGES = "readings", "messages"
#: The house of our side whose alarm book does not wait for the disk, as the peer's has none.
WITHOUT_DISK = "ours_without_disk"
#: What the disk alone takes: the part of a latency that no code makes shorter.
DISK = "disk"
PAGE_BYTES = 4096


def fleets(breakers: int) -> dict[str, Fleet]:
    """Return what the houses hold; the breakers make the other readings."""
    return {
        ALARMING: Fleet("", "smoke_sensor", 1000),
        READINGS: Fleet("", "breaker_monitor", breakers),
        MESSAGES: Fleet("", "smoke_sensor", 100),
    }


def alarms(house: Home, count: int) -> tuple[list[float], int]:
    """Return the milliseconds of so many alarms, one after the other, and the lost ones."""
    fleet = house.fleets[ALARMING]
    house.ask("stamps")
    published: dict[int, float] = {}
    for number in range(count):
        topic, payload = fleet.state(number, 1, smoke=True)
        published[number] = house.wire.publish(topic, payload)
        # Off the beat of timers, and of the load.
        time.sleep(0.6 / ALARMS_PER_SECOND + (number * 7 % 10) * 0.004)
        house.wire.publish(*fleet.state(number, 2))
        time.sleep(0.4 / ALARMS_PER_SECOND - 0.018)
    house.mark()
    time.sleep(1)
    found: dict[int, float] = {}
    for key, at in house.ask("stamps")["stamps"]:
        found.setdefault(device_number(key), at)
    calm(house)
    return [
        (found[number] - at) * 1000
        for number, at in published.items()
        if number in found
    ], len(published.keys() - found.keys())


def calm(house: Home) -> None:
    """Close the alarms of cleared sensors; the other side has none to close.

    Until then a sensor that reports smoke again is the same alarm, and calls nobody.
    """
    if house.side == OURS:
        house.ask("reset")


def device_number(key: str) -> int:
    """Return the device's number in a name ("Smoke sensor 7") or an entity id."""
    return int("".join(letter for letter in key if letter.isdigit()))


def measure(
    houses: Sequence[Home], say: Say, *, count: int, recorded_seconds: float
) -> dict[str, Any]:
    """Return the figures of each scenario; the houses have a recorder."""
    result: dict[str, Any] = {"idle": _idle(houses, say, count)}
    breakers = houses[0].fleets[READINGS]
    rate = RATE / breakers.changing
    result["readings"] = {
        "what": f"{RATE:,} other readings/s of {breakers.count:,} breaker monitors"
    } | _loaded(
        houses,
        say,
        READINGS,
        rate=rate,
        count=count,
        recorded_seconds=recorded_seconds,
    )
    result["messages"] = {
        "what": f"{RATE:,} other messages/s of {len(KINDS['smoke_sensor'])} readings"
    } | _loaded(houses, say, MESSAGES, rate=RATE, count=count)
    return result


def _idle(houses: Sequence[Home], say: Say, count: int) -> dict[str, Any]:
    samples: dict[str, list[float]] = defaultdict(list)
    lost: dict[str, int] = defaultdict(int)
    for house in (*houses, *reversed(houses)):
        found, missing = alarms(house, count // 2)
        samples[house.side] += found
        lost[house.side] += missing
    figures = {side: _figures(samples[side], lost[side]) for side in samples}
    result = {"what": "nothing else happens", **figures, **_ratio(figures)}

    ours = next(house for house in houses if house.side == OURS)
    ours.ask("forgo_disk")
    result[WITHOUT_DISK] = _figures(*alarms(ours, count // 2))
    ours.ask("wait_for_disk")
    result["ratio_median_without_disk"] = round(
        result[WITHOUT_DISK]["milliseconds"]["median"]
        / figures[PEER]["milliseconds"]["median"],
        2,
    )
    result[DISK] = {"milliseconds": percentiles(_commits(ours.folder, count // 2))}
    _tell(
        say, "idle", {**figures, **{key: result[key] for key in (WITHOUT_DISK, DISK)}}
    )
    return result


def _commits(folder: Path, count: int) -> list[float]:
    """Return the milliseconds in which the disk confirms a page, at the alarms' pace.

    What SQLite asks of it for an alarm: a page written into a file that is long enough.
    """
    found: list[float] = []
    with (folder / "disk").open("w+b", buffering=0) as file:
        file.write(bytes(count * PAGE_BYTES))
        os.fsync(file.fileno())
        for number in range(count):
            time.sleep(1 / ALARMS_PER_SECOND)
            began = time.perf_counter()
            os.pwrite(file.fileno(), b"." * PAGE_BYTES, number * PAGE_BYTES)
            os.fdatasync(file.fileno())
            found.append((time.perf_counter() - began) * 1000)
    return found


def _loaded(
    houses: Sequence[Home],
    say: Say,
    key: str,
    *,
    rate: float,
    count: int,
    recorded_seconds: float = 0,
) -> dict[str, Any]:
    """Measure among the readings of a fleet, and what the recorder writes meanwhile."""
    figures: dict[str, Any] = {}
    for house in houses:
        with load.running(house.port, house.fleets[key], rate) as other:
            time.sleep(SETTLE_SECONDS if recorded_seconds else PAUSE_SECONDS)
            recorded = None
            if recorded_seconds:
                before = recorded_rows(house)
                time.sleep(recorded_seconds)
                recorded = (recorded_rows(house) - before) / recorded_seconds
            found, lost = alarms(house, count)
        began = time.monotonic()
        house.mark()
        figures[house.side] = _figures(found, lost) | {
            "messages_per_second": round(other.messages / other.seconds),
            "backlog_seconds": round(time.monotonic() - began, 2),
        }
        if recorded is not None:
            figures[house.side]["recorded_writes_per_second"] = round(recorded, 1)
    _tell(say, key, figures)
    return {**figures, **_ratio(figures)}


def recorded_rows(house: Home) -> int:
    """Return how many states the recorder has written until now."""
    path = house.folder / "home-assistant_v2.db"
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        return int(database.execute("SELECT max(state_id) FROM states").fetchone()[0])


def _figures(samples: list[float], lost: int) -> dict[str, Any]:
    return {"milliseconds": percentiles(samples or [float("inf")]), "lost": lost}


def _ratio(figures: dict[str, Any]) -> dict[str, Any]:
    ours, peer = figures[OURS], figures[PEER]
    return {
        f"ratio_{key}": ratio([ours["milliseconds"][key]], [peer["milliseconds"][key]])[
            "median"
        ]
        for key in ("median", "p99")
    }


def _tell(say: Say, scenario: str, figures: dict[str, Any]) -> None:
    for name, row in figures.items():
        say(
            f"{scenario}, {name}: median {row['milliseconds']['median']} ms,"
            f" p99 {row['milliseconds']['p99']} ms"
            + (f", lost {row['lost']}" if "lost" in row else "")
            + (
                f", recorded {row['recorded_writes_per_second']}/s"
                if "recorded_writes_per_second" in row
                else ""
            )
        )
