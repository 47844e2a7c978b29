"""The result as a picture: four panels of bars, in SVG."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from .homes import OURS, PEER
from .throughput import UNLIMITED

WIDTH, BAR = 860, 20
LABELS, ROOM = 250, 480
COLOURS = {OURS: "#1565c0", UNLIMITED: "#64b5f6", PEER: "#9e9e9e"}
NAMES = {
    OURS: "Community Safety",
    UNLIMITED: "Community Safety, every value written as a state",
    PEER: "Home Assistant's MQTT discovery",
}


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar with its figure."""

    label: str
    side: str
    value: float
    text: str


@dataclass(frozen=True, slots=True)
class Panel:
    """Bars of one unit."""

    title: str
    bars: Sequence[Bar]


def panels(result: dict[str, Any]) -> list[Panel]:
    """Return what is shown of a result."""
    throughput, latency, scale = (
        result[part] for part in ("throughput", "latency", "scale")
    )
    kinds = {"breaker_monitor": "11 entities", "smoke_sensor": "3 entities"}
    loads = {
        "idle": "alone",
        "readings": "2,000 other readings/s",
        "messages": "2,000 other messages/s",
    }
    rows = [
        Panel(
            "Messages per second (more is better)",
            [
                Bar(label, side, rate, f"{rate:,.0f}")
                for kind, label in kinds.items()
                for side in COLOURS
                for rate in [throughput[kind][side]["messages_per_second"]["median"]]
            ],
        )
    ]
    rows += [
        Panel(
            f"Smoke to automation's action, {name}, ms (less is better)",
            [
                Bar(label, side, value, f"{value:,.1f}")
                for load, label in loads.items()
                for side in (OURS, PEER)
                for value in [latency[load][side]["milliseconds"][key]]
            ],
        )
        for key, name in (("median", "median"), ("p99", "99th percentile"))
    ]
    last = {side: scale[side]["steps"][-1] for side in (OURS, PEER)}
    rows.append(
        Panel(
            f"Memory of {last[OURS]['devices']:,} devices, MB (less is better)",
            [
                Bar(f"{row['states']:,} entities", side, value, f"{value:,.0f}")
                for side, row in last.items()
                for value in [row["pss_megabytes"]]
            ],
        )
    )
    return rows


def plot(result: dict[str, Any]) -> str:
    """Return the picture."""
    parts: list[str] = []
    y = 30

    def text(x: float, y: float, words: str, style: str = "") -> None:
        parts.append(f'<text x="{x:g}" y="{y:g}"{style}>{escape(words)}</text>')

    machine = result["machine"]
    bold = ' font-weight="bold"'
    text(20, y, "Same messages, same machine, one run", f'{bold} font-size="18"')
    y += 24
    text(
        20,
        y,
        f"Home Assistant {machine['home_assistant']}, Python {machine['python']},"
        f" {machine['cores']} cores, {result['broker']}, {max(run['date'] for run in result['runs'].values())}",
    )
    for side, colour in COLOURS.items():
        y += 24
        parts.append(
            f'<rect x="20" y="{y - 12}" width="14" height="14" fill="{colour}"/>'
        )
        text(42, y, NAMES[side])
    for panel in panels(result):
        y += 44
        text(20, y, panel.title, bold)
        y += 10
        longest = max(bar.value for bar in panel.bars) or 1
        label = ""
        for bar in panel.bars:
            if bar.label != label:
                y += 6
                text(20, y + 14, bar.label)
                label = bar.label
            width = max(1, bar.value / longest * ROOM)
            parts.append(
                f'<rect x="{LABELS}" y="{y}" width="{width:.1f}"'
                f' height="{BAR - 4}" fill="{COLOURS[bar.side]}"/>'
            )
            text(LABELS + 6 + width, y + 13, bar.text)
            y += BAR
    height = y + 24
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}"'
        f' viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="14">\n'
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>\n{body}\n</svg>\n'
    )
