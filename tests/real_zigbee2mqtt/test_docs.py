"""What docs/zigbee2mqtt.md tells people to set is what Zigbee2MQTT knows."""

import json
from pathlib import Path
from typing import Any

import fastjsonschema
import pytest
import yaml

from tests.repository.test_docs import DOCS, blocks

EXAMPLES = [
    pytest.param(text, id=f"{path.relative_to(DOCS)}-{number}")
    for path in sorted(DOCS.rglob("zigbee2mqtt.md"))
    for number, text in enumerate(blocks(path, "yaml"), 1)
]


@pytest.mark.parametrize("text", EXAMPLES)
def test_settings(zigbee2mqtt: str, text: str) -> None:
    """Each setting is in the program's own schema, which takes its value."""
    path = "node_modules/zigbee2mqtt/dist/util/settings.schema.json"
    schema = json.loads((Path(zigbee2mqtt).parent / path).read_text("utf-8"))
    example: dict[str, Any] = yaml.safe_load(text)
    if all(key.startswith("0x") for key in example):
        example = {"devices": example}

    fastjsonschema.validate(
        schema, {"mqtt": {"base_topic": "z", "server": "mqtt://localhost"}, **example}
    )
    # The schema lets what it does not know pass.
    device = schema["definitions"]["device"]["properties"].keys()
    assert example.keys() <= schema["properties"].keys()
    assert (
        example.get("advanced", {}).keys()
        <= schema["properties"]["advanced"]["properties"].keys()
    )
    for settings in (
        example.get("device_options", {}),
        *example.get("devices", {}).values(),
    ):
        assert settings.keys() <= device
