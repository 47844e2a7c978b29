"""What the figures are held to."""

from dataclasses import asdict, dataclass
from typing import Any, override

from .homes import OURS, PEER
from .throughput import UNLIMITED


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure beside its limit; `most` tells if the limit is an upper one."""

    what: str
    value: float
    limit: float
    most: bool

    @property
    def met(self) -> bool:
        """Return if the figure is within its limit."""
        return self.value <= self.limit if self.most else self.value >= self.limit

    def as_dict(self) -> dict[str, Any]:
        """Return it for the result."""
        return {**asdict(self), "met": self.met}

    @override
    def __str__(self) -> str:
        sign = "≤" if self.most else "≥"
        mark = "✓" if self.met else "✗"
        return f"{mark} {self.what}: {self.value:,} ({sign} {self.limit:,})"


def verdicts(result: dict[str, Any]) -> list[Goal]:
    """Return the goals of the parts that were measured."""
    goals: list[Goal] = []

    def least(what: str, value: float, limit: float) -> None:
        goals.append(Goal(what, value, limit, most=False))

    def most(what: str, value: float, limit: float) -> None:
        goals.append(Goal(what, value, limit, most=True))

    if part := result.get("throughput"):
        six = part["breaker_monitor"]
        least("Messages/s, 11 entities, ours to peer", six["ratio"]["median"], 3)
        least(
            "Messages/s, 11 entities, every value written, ours to peer",
            six["ratio_unlimited"]["median"],
            1,
        )
        three = part["smoke_sensor"]
        least("Messages/s, 3 entities, ours to peer", three["ratio"]["median"], 1)
        most(
            "Messages or states lost",
            sum(
                kind[name]["lost"]
                for kind in part.values()
                for name in (OURS, UNLIMITED, PEER)
            ),
            0,
        )
    for row in result.get("latency", {}).values():
        ours, peer = (row[side] for side in (OURS, PEER))
        what = row["what"]
        most(f"Alarm to action, p99 in ms; {what}", ours["milliseconds"]["p99"], 50)
        for key in ("median", "p99"):
            ratio = row[f"ratio_{key}"]
            most(f"Alarm to action, {key}, ours to peer; {what}", ratio, 1)
        most(f"Alarms lost; {what}", ours["lost"], 0)
        if "recorded_writes_per_second" in ours:
            most(
                f"Recorded writes/s (the peer: {peer['recorded_writes_per_second']:,})",
                ours["recorded_writes_per_second"],
                500,
            )
    if part := result.get("burst"):
        ours = part[OURS]
        most("Of 2 × 1,000 alarms at one moment, runs lost", ours["lost"], 0)
        most("Of 2 × 1,000 alarms at one moment, alarms lost", ours["lost_alarms"], 0)
        for wave in ("first", "again"):
            most(
                f"1,000 alarms at one moment ({wave}): seconds until the last action",
                ours[wave]["seconds_until_the_last"],
                3,
            )
    if part := result.get("scale"):
        most(
            "Memory per 1,000 devices, ours to peer",
            part["ratio_megabytes_per_1000_devices"],
            1,
        )
        most(
            "Memory per entity, ours to peer",
            part["ratio_kilobytes_per_state"],
            1,
        )
        most(
            "Set-up time per 1,000 devices, ours to peer",
            part["ratio_set_up_seconds_per_1000_devices"],
            1,
        )
    return goals
