"""A thousand alarms at one moment; a minute later they return, and once more at once."""

from contextlib import closing
import sqlite3
import time
from typing import Any

from .homes import ALARMING, OURS, Home
from .latency import calm, device_number
from .throughput import Say

LONGEST_SECONDS = 60
#: A hazard that was gone for a minute, and that nobody has acknowledged, calls people again.
GONE_SECONDS = 61


def measure(house: Home, say: Say) -> dict[str, Any]:
    """Return what became of each wave."""
    fleet = house.fleets[ALARMING]
    count = fleet.count
    house.mark(house.stream(ALARMING, count))
    calm(house)
    house.ask("stamps")
    before = _rows(house)

    first = _wave(house, house.stream(ALARMING, count, smoke=True))
    house.mark(house.stream(ALARMING, count))
    time.sleep(GONE_SECONDS)
    second = _wave(house, house.stream(ALARMING, count, smoke=True))
    # One stream: every sensor clears, and is in alarm again before the second is over.
    began = time.monotonic()
    house.mark(
        house.stream(ALARMING, count) + house.stream(ALARMING, count, smoke=True)
    )
    result: dict[str, Any] = {
        "sensors": count,
        "first": first,
        "again": second,
        "lost": 2 * count - first["automation_runs"] - second["automation_runs"],
        "seconds_of_2000_flapping": round(time.monotonic() - began, 3),
    }
    if house.side == OURS:
        after = _rows(house)
        book = house.ask("book")
        result |= {
            "alarms_on_disk": after[0] - before[0],
            "open_alarms_on_disk": after[1],
            "returns_on_disk": after[2] - before[2],
            "open_alarms_in_the_book": book["open"],
            "messages_refused": book["refused"],
            # Each sensor's alarm is one, and has returned twice.
            "lost_alarms": 3 * count - (after[0] - before[0]) - (after[2] - before[2]),
        }
    say(
        f"burst, {house.name}: {first['automation_runs']} and"
        f" {second['automation_runs']} automation runs, the last after"
        f" {first['seconds_until_the_last']} and {second['seconds_until_the_last']} s"
    )
    return result


def _wave(house: Home, stream: bytes) -> dict[str, Any]:
    """Send a wave, and wait for the automation runs it must set off, one per sensor."""
    count = house.fleets[ALARMING].count
    began = house.wire.send(stream)
    until = time.monotonic() + LONGEST_SECONDS
    while house.ask("counts")["stamps"] < count and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(1)  # One run too many would come about now.
    stamps = house.ask("stamps")["stamps"]
    times = [at for _, at in stamps]
    return {
        "automation_runs": len(stamps),
        "sensors_acted_on": len({device_number(key) for key, _ in stamps}),
        # Nobody has acted at all: no time, which is no goal met.
        "seconds_until_the_first": round(min(times) - began, 3) if times else None,
        "seconds_until_the_last": round(max(times) - began, 3) if times else None,
    }


def _rows(house: Home) -> tuple[int, int, int]:
    """Return how many alarms of smoke are on disk, how many are open, and their returns."""
    if house.side != OURS:
        return 0, 0, 0
    until = time.monotonic() + LONGEST_SECONDS
    while house.ask("book")["waiting"] and time.monotonic() < until:
        time.sleep(0.1)
    path = house.folder / "community_safety.db"
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        return tuple(
            database.execute(
                "SELECT count(*), count(*) FILTER (WHERE closed_at IS NULL),"
                " coalesce(sum(data ->> 'returns'), 0)"
                " FROM alarms WHERE data ->> 'hazard' = 'smoke'"
            ).fetchone()
        )
