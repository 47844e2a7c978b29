"""Write the fixture and the coverage of scripts/exposes."""

import gzip
import json
from pathlib import Path
import sys
from typing import Any

from custom_components.community_safety.gateways.mqtt.exposes import (
    Interpretation,
    compile_device,
)
from scripts.coverage_report import coverage, page, write_coverage

ROOT = Path(__file__).parent.parent
FIXTURE = ROOT / "tests/fixtures/zigbee2mqtt/exposes.json.gz"
GUIDE = ROOT / "docs/zigbee2mqtt.md"
MODELS = ROOT / "docs/zigbee2mqtt_models.md"

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

    found: list[tuple[str, Interpretation]] = []
    for row in definitions:
        profile = compile_device({**row, "exposes": [*row["exposes"], LINK_QUALITY]})
        if profile:
            found.append((f"{row['vendor']} {row['model']}", profile))
    summary = (
        f"Of the {len(definitions):,} models in zigbee-herdsman-converters {version},"
        f" {len(found)} are devices of this integration:"
    )
    write_coverage(GUIDE, coverage(summary, found))
    head = [
        "# Models of Zigbee2MQTT by kind",
        "",
        f"Made by `scripts/exposes` from zigbee-herdsman-converters {version}.",
    ]
    MODELS.write_text(page(head, found), "utf-8")
    print(
        f"{len(definitions)} models, {len(found)} ours;"
        f" fixture {FIXTURE.stat().st_size // 1024} KiB"
    )


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
