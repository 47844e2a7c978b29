"""Memory and set-up time by number of devices."""

from pathlib import Path
import time
from typing import Any

from .broker import Broker
from .devices import Fleet
from .homes import OURS, PEER, home
from .throughput import Say

#: Devices per gateway: with what ours makes of each, half of what the core lets a config
#: entry have.
PER_GATEWAY = 1000


def measure(broker: Broker, folder: Path, say: Say, *, devices: int) -> dict[str, Any]:
    """Return for each side the steps up to so many smoke sensors."""
    result: dict[str, Any] = {}
    fleets = {
        f"building{number}": Fleet("", "smoke_sensor", PER_GATEWAY)
        for number in range(devices // PER_GATEWAY)
    }
    for side in (OURS, PEER):
        with home(f"many_{side}", side, broker, folder, fleets=fleets) as house:
            before = house.ask("memory")
            steps = []
            states, seconds = before["states"], 0.0
            for number, fleet in enumerate(house.fleets.values(), 1):
                began = time.monotonic()
                house.announce(fleet)
                states += fleet.entities
                seconds += house.wait_quiet(states)["at"] - began
                now = house.ask("memory")
                steps.append(
                    {
                        "devices": number * PER_GATEWAY,
                        "states": now["states"] - before["states"],
                        "registry_entries": now["registered"] - before["registered"],
                        "pss_megabytes": round((now["pss"] - before["pss"]) / 1e6, 1),
                        "rss_megabytes": round((now["rss"] - before["rss"]) / 1e6, 1),
                        "set_up_seconds": round(seconds, 1),
                    }
                )
                say(f"scale, {side}: {steps[-1]}")
            last = steps[-1]
            result[side] = {
                "before_megabytes": round(before["pss"] / 1e6, 1),
                "steps": steps,
                "megabytes_per_1000_devices": round(
                    last["pss_megabytes"] * 1000 / last["devices"], 1
                ),
                "kilobytes_per_state": round(
                    last["pss_megabytes"] * 1000 / last["states"], 2
                ),
                "set_up_seconds_per_1000_devices": round(
                    last["set_up_seconds"] * 1000 / last["devices"], 2
                ),
            }
    for key in (
        "megabytes_per_1000_devices",
        "kilobytes_per_state",
        "set_up_seconds_per_1000_devices",
    ):
        result[f"ratio_{key}"] = round(result[OURS][key] / result[PEER][key], 2)
    return result
