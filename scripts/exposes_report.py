"""Write the fixture and the coverage of scripts/exposes."""

from collections import Counter, defaultdict
from collections.abc import Iterable
import gzip
import json
from pathlib import Path
import sys
from typing import Any

from custom_components.community_safety.catalogue.measurements import parse_point
from custom_components.community_safety.gateways.mqtt.exposes import (
    Profile,
    compile_device,
)

ROOT = Path(__file__).parent.parent
FIXTURE = ROOT / "tests/fixtures/zigbee2mqtt/exposes.json.gz"
GUIDE = ROOT / "docs/zigbee2mqtt.md"
MODELS = ROOT / "docs/zigbee2mqtt_models.md"
BEGIN, END = "<!-- coverage: begin -->", "<!-- coverage: end -->"

#: What Zigbee2MQTT adds to every device.
LINK_QUALITY = {
    "name": "linkquality",
    "property": "linkquality",
    "type": "numeric",
    "access": 1,
    "unit": "lqi",
}
KEPT = (
    "type",
    "name",
    "property",
    "endpoint",
    "access",
    "unit",
    "value_on",
    "value_off",
    "value_max",
    "values",
)


def slim(expose: dict[str, Any]) -> dict[str, Any]:
    """Return an expose without labels and descriptions."""
    row = {key: expose[key] for key in KEPT if key in expose}
    if expose["type"] not in ("composite", "list") and "features" in expose:
        row["features"] = [slim(feature) for feature in expose["features"]]
    return row


def table(rows: Iterable[tuple[str, Profile]]) -> list[str]:
    """Return the coverage by kind and measurement as Markdown."""
    models: Counter[str] = Counter()
    measured: dict[str, Counter[str]] = defaultdict(Counter)
    commands: dict[str, Counter[str]] = defaultdict(Counter)
    for _model, profile in rows:
        models[profile.kind] += 1
        measured[profile.kind].update(
            {parse_point(key).measurement.key for key in profile.points}
        )
        commands[profile.kind].update(set(profile.commands) & {"silence", "self_test"})
    lines = ["| kind | models | readings (models) | commands |", "|---|---|---|---|"]
    for kind, count in models.most_common():
        readings = ", ".join(f"{key} {n}" for key, n in measured[kind].most_common())
        buttons = ", ".join(f"{key} {n}" for key, n in commands[kind].most_common())
        lines.append(f"| {kind} | {count} | {readings} | {buttons or '–'} |")
    return lines


def main(version: str, source: Path) -> None:
    """Write everything, and print how much it is."""
    definitions = [
        {**row, "exposes": [slim(expose) for expose in row["exposes"]]}
        for row in json.loads(source.read_text("utf-8"))
    ]
    text = json.dumps(
        {"version": version, "definitions": definitions}, separators=(",", ":")
    )
    FIXTURE.parent.mkdir(parents=True, exist_ok=True)
    FIXTURE.write_bytes(gzip.compress(text.encode(), mtime=0))

    found: list[tuple[str, Profile]] = []
    for row in definitions:
        profile = compile_device({**row, "exposes": [*row["exposes"], LINK_QUALITY]})
        if profile:
            found.append((f"{row['vendor']} {row['model']}", profile))
    summary = (
        f"Of the {len(definitions):,} models in zigbee-herdsman-converters {version},"
        f" {len(found)} are devices of this integration:"
    )
    coverage = [
        BEGIN,
        "",
        summary,
        "",
        *table(found),
        "",
        END,
    ]
    before, _, rest = GUIDE.read_text("utf-8").partition(BEGIN)
    GUIDE.write_text(before + "\n".join(coverage) + rest.partition(END)[2], "utf-8")

    lines = [
        "# Models of Zigbee2MQTT by kind",
        "",
        f"Made by `scripts/exposes` from zigbee-herdsman-converters {version}.",
    ]
    for kind in sorted({profile.kind for _model, profile in found}):
        lines += ["", f"## {kind}", "", "| model | readings |", "|---|---|"]
        lines += [
            f"| {model.replace('|', '/')} | {', '.join(sorted(profile.points - {'link_quality'}))} |"
            for model, profile in sorted(found, key=lambda item: item[0].lower())
            if profile.kind == kind
        ]
    MODELS.write_text("\n".join(lines) + "\n", "utf-8")
    print(
        f"{len(definitions)} models, {len(found)} ours;"
        f" fixture {FIXTURE.stat().st_size // 1024} KiB"
    )


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
