"""Figures from samples."""

from collections.abc import Sequence
import statistics
from typing import Any


def spread(samples: Sequence[float], digits: int = 2) -> dict[str, Any]:
    """Return median, least and most, with how many samples there were."""
    return {
        "median": round(statistics.median(samples), digits),
        "min": round(min(samples), digits),
        "max": round(max(samples), digits),
        "samples": len(samples),
    }


def percentiles(samples: Sequence[float], digits: int = 2) -> dict[str, Any]:
    """Return median, 99th percentile and most, with how many samples there were."""
    ordered = sorted(samples)
    return {
        "median": round(statistics.median(ordered), digits),
        "p99": round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))], digits),
        "max": round(ordered[-1], digits),
        "samples": len(ordered),
    }


def ratio(ours: Sequence[float], peer: Sequence[float]) -> dict[str, Any]:
    """Return ours to the peer's, repetition by repetition."""
    return spread([mine / other for mine, other in zip(ours, peer, strict=True)])
