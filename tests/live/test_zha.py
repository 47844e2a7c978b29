"""Home Assistant's own ZHA beside us, with the libraries that it pins: a program, two coordinators."""

from importlib.metadata import version
import json
from pathlib import Path

import pytest

from benchmarks import coordinators
from benchmarks.zigbee_homes import home
from benchmarks.zigbee_latency import prepare
from homeassistant import components

MANIFEST = json.loads(Path(components.__path__[0], "zha/manifest.json").read_text())

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(
        f"zha=={version('zha')}" not in MANIFEST["requirements"],
        reason="the package index has not got the library of this release's ZHA",
    ),
]


def test_beside_zha(tmp_path: Path, socket_enabled: None) -> None:
    """Each has a coordinator and its devices: a fire of either cuts a supply of either, and nothing is lost."""
    with (
        coordinators.running(2) as simulation,
        home("beside", "both", simulation, tmp_path, ours=[0], zha=1) as house,
    ):
        nodes = house.move_in(smoke=1, breaker=1)
        pairs = [list(zip(row["smoke"], row["breaker"], strict=True)) for row in nodes]
        house.ask("automate", pairs=[*pairs[0], *pairs[1]])
        before = house.delivered()
        for index in house.indices:
            # It raises what has cut nothing.
            prepare(house, index, pairs[index])
        assert house.missing(before) == 0
