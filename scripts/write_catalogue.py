"""Print the catalogue as a page: docs/catalogue.md is this, and a test compares them."""

from collections.abc import Iterator
import json
from pathlib import Path

from custom_components.community_safety.catalogue import (
    DEVICE_KINDS,
    GATEWAY,
    DeviceKind,
    Hazard,
    Level,
    Scope,
)
from custom_components.community_safety.catalogue.measurements import MEASUREMENTS
from custom_components.community_safety.core.device import DERIVED

ROOT = Path(__file__).parent.parent
TEXTS = json.loads(
    (ROOT / "custom_components/community_safety/translations/en.json").read_text()
)

CUTS_OFF = {
    Scope.NONE: "",
    Scope.DEVICE: "its own supplies, by itself",
    Scope.AREA: "the area, by an automation",
}

HEAD = """\
# Catalogue

What each kind of device measures, and what counts as dangerous. Written by `scripts/catalogue` from the code; thresholds
are defaults: they can be set for a kind in the gateway's options, and for one device by its number entities.
"""


def page() -> Iterator[str]:
    """Walk over the catalogue."""
    yield HEAD
    for kind in (*DEVICE_KINDS.values(), GATEWAY):
        yield f"## {kind.key.replace('_', ' ').capitalize()}\n"
        yield from _readings(kind)
        yield "| hazard | severity | when | reset by a person | cuts off |"
        yield "|---|---|---|---|---|"
        for hazard in kind.hazards:
            for level in hazard.levels:
                yield _hazard(hazard, level)
        yield ""
        if settings := [row for row in kind.all_settings.values() if row.source]:
            yield "| setting | default | range | source |"
            yield "|---|---|---|---|"
            for row in settings:
                unit = f" {row.unit}" if row.unit else ""
                yield (
                    f"| `{row.key}` | {row.default:g}{unit}"
                    f" | {_plain(row.low)} to {_plain(row.high)} | {row.source} |"
                )
            yield ""
        for name, limits in kind.variants.items():
            if limits:
                values = ", ".join(
                    f"`{key}` {value:g}" for key, value in limits.items()
                )
                yield f"Used as `{name}`: {values}.\n"
        if kind.single_phase:
            yield (
                f"A new device that measures one phase begins as `{kind.single_phase}`,"
                f" every other as `{next(iter(kind.variants))}`. It is written down when"
                " the device is first seen: an update changes it for none that is there.\n"
            )


def _readings(kind: DeviceKind) -> Iterator[str]:
    rows = [MEASUREMENTS[key] for key in kind.measurements if key not in DERIVED]
    if rows:
        yield "| reading | unit | plausible | |"
        yield "|---|---|---|---|"
    for row in rows:
        values = ", ".join(f"`{option}`" for option in row.options)
        plausible = (
            f"{_plain(row.low)} to {_plain(row.high)}"
            if row.is_number
            else values or "yes, no"
        )
        can = "can be set" if row.writable else ""
        yield f"| `{row.key}` | {row.unit or ''} | {plausible} | {can} |"
    yield ""


def _hazard(hazard: Hazard, level: Level) -> str:
    name = TEXTS["selector"]["hazard"]["options"][hazard.key]
    when = f"`{level.measurement}`"
    if level.threshold:
        scale = " % of `rated_current`" if level.of_rated else ""
        unit = "" if level.of_rated else f" {level.threshold.unit or ''}".rstrip()
        when += f" {level.when.value} {level.threshold.default:g}{scale}{unit}"
    if level.delay:
        when += f" for {level.delay:g} s"
    if hazard.hysteresis and level.threshold:
        when += f", until it is back by {hazard.hysteresis:g}"
    is_alarm = level.severity == "alarm"
    return (
        f"| {name} (`{hazard.key}`) | {level.severity.value} | {when}"
        f" | {'yes' if is_alarm and hazard.latching else ''}"
        f" | {CUTS_OFF[hazard.cuts_off] if is_alarm else ''} |"
    )


def _plain(number: float | None) -> str:
    return f"{number or 0:,.10g}".replace("-", "−")


if __name__ == "__main__":
    print("\n".join(page()).rstrip())
