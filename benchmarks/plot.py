"""The result as a picture: panels of bars, in SVG."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from .homes import OURS, PEER
from .throughput import UNLIMITED
from .verdict import LATENCY
from .zigbee_latency import WHAT as ZIGBEE_LATENCY, WITHOUT_DISK

WIDTH, BAR = 860, 20
LABELS, ROOM = 250, 480
COLOURS = {
    OURS: "#1565c0",
    UNLIMITED: "#64b5f6",
    WITHOUT_DISK: "#00897b",
    PEER: "#9e9e9e",
}
NAMES = {
    OURS: "Community Safety",
    UNLIMITED: "Community Safety, every value written as a state",
    WITHOUT_DISK: "Community Safety, not waiting for the disk",
    PEER: "Home Assistant's own: MQTT discovery, or ZHA",
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
    """Return what is shown of a result; what was not measured has no bar."""
    made = [
        *_mqtt(result.get("throughput", {}), result.get("latency", {})),
        *_scale(result.get("scale", {})),
        *_zigbee(result.get("zigbee", {})),
    ]
    return [panel for panel in made if panel.bars]


def _figure(part: Any, *path: str) -> list[float]:
    """Return a figure, nothing if it was not measured."""
    for key in path:
        part = part.get(key) if isinstance(part, dict) else None
    return [part] if isinstance(part, int | float) else []


def _mqtt(throughput: dict[str, Any], latency: dict[str, Any]) -> list[Panel]:
    kinds = {"breaker_monitor": "11 entities", "smoke_sensor": "3 entities"}
    return [
        Panel(
            "MQTT: messages per second (more is better)",
            [
                Bar(label, side, rate, f"{rate:,.0f}")
                for kind, label in kinds.items()
                for side in COLOURS
                for rate in _figure(
                    throughput, kind, side, "messages_per_second", "median"
                )
            ],
        ),
        *(
            Panel(
                f"MQTT: smoke to automation's action, {name}, ms (less is better)",
                [
                    Bar(label, side, value, f"{value:,.1f}")
                    for load, label in LATENCY.items()
                    for side in (OURS, PEER)
                    for value in _figure(latency, load, side, "milliseconds", key)
                ],
            )
            for key, name in _PERCENTILES.items()
        ),
    ]


def _scale(scale: dict[str, Any]) -> list[Panel]:
    if not scale:
        return []
    last = {side: scale[side]["steps"][-1] for side in (OURS, PEER)}
    return [
        Panel(
            f"MQTT: memory of {last[OURS]['devices']:,} devices, MB (less is better)",
            [
                Bar(f"{row['states']:,} entities", side, value, f"{value:,.0f}")
                for side, row in last.items()
                for value in [row["pss_megabytes"]]
            ],
        )
    ]


def _zigbee(zigbee: dict[str, Any]) -> list[Panel]:
    scale = zigbee.get("scale", {})
    one = scale.get("one", {})
    # Ours alone on many coordinators, beside the peer on the one that it can have.
    houses = [(OURS, scale.get(key, {})) for key in ("ten", "three")]
    houses += [(side, one.get(side, {})) for side in (OURS, PEER)]

    def bars(digits: int, *path: str) -> list[Bar]:
        return [
            Bar(f"{number} × {each} devices", side, value, f"{value:,.{digits}f}")
            for side, row in houses
            for number in _figure(row, "coordinators")
            for each in [row.get("devices", 0) // number]
            for value in _figure(row, *path)
        ]

    return [
        *(
            Panel(
                f"Zigbee: smoke to off command, {name}, ms (less is better)",
                [
                    Bar(label_, side, value, f"{value:,.1f}")
                    for load, label_ in ZIGBEE_LATENCY.items()
                    for side in COLOURS
                    for value in _figure(
                        zigbee, "latency", load, side, "off_milliseconds", key
                    )
                ],
            )
            for key, name in _PERCENTILES.items()
        ),
        Panel(
            "Zigbee: reports per second (more is better)",
            bars(0, "reports_per_second", "median"),
        ),
        Panel("Zigbee: memory, MB (less is better)", bars(0, "megabytes")),
        Panel("Zigbee: start, seconds (less is better)", bars(1, "start_seconds")),
    ]


#: The parts that the picture has figures of.
SHOWN = ("throughput", "latency", "scale", "zigbee")
_PERCENTILES = {"median": "median", "p99": "99th percentile"}


def plot(result: dict[str, Any]) -> str:
    """Return the picture."""
    parts: list[str] = []
    y = 30

    def text(x: float, y: float, words: str, style: str = "") -> None:
        parts.append(f'<text x="{x:g}" y="{y:g}"{style}>{escape(words)}</text>')

    machine = result["machine"]
    shown = panels(result)
    sides = {bar.side for panel in shown for bar in panel.bars}
    about = [
        f"Home Assistant {machine['home_assistant']}",
        f"Python {machine['python']}",
        f"{machine['cores']} cores",
    ]
    about += filter(None, [result.get("broker")])
    # Of other parts there is nothing in it.
    dates = [run["date"] for part, run in result["runs"].items() if part in SHOWN]
    about += [max(dates)] if dates else []
    bold = ' font-weight="bold"'
    text(20, y, "Same messages, same machine", f'{bold} font-size="18"')
    y += 24
    text(20, y, ", ".join(about))
    for side, colour in COLOURS.items():
        if side not in sides:
            continue
        y += 24
        parts.append(
            f'<rect x="20" y="{y - 12}" width="14" height="14" fill="{colour}"/>'
        )
        text(42, y, NAMES[side])
    for panel in shown:
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
