"""What a new device kind or hazard asks for, beside its row in the catalogue: each place is named."""

from collections.abc import Iterator
from functools import reduce
import json
from operator import getitem
from pathlib import Path
import shutil
import subprocess
import sys
from typing import Any

import pytest

from custom_components.community_safety.catalogue import DEVICE_KINDS, HAZARDS, Nature
from homeassistant.util import yaml as yaml_util
from scripts.new_kind import OURS, PlaceError, make
from simulator import devices

ROOT = Path(__file__).parents[2]
BLUEPRINTS = sorted((ROOT / "blueprints/automation").rglob("*.yaml"))
NAMES = ("Gas detector", "燃气探测器", "燃氣探測器")


def words(node: Any) -> Iterator[str]:
    """Yield each text of a blueprint that stands by itself."""
    if isinstance(node, dict):
        for value in node.values():
            yield from words(value)
    elif isinstance(node, list):
        for value in node:
            yield from words(value)
    elif isinstance(node, str):
        yield node


ACTED_ON = {
    word
    for path in BLUEPRINTS
    for word in words(yaml_util.parse_yaml(path.read_text("utf-8")))
}


@pytest.mark.parametrize("hazard", HAZARDS)
def test_hazard_is_acted_on(hazard: str) -> None:
    """A blueprint acts on each hazard: else it is raised, and nobody hears of it."""
    linkage = HAZARDS[hazard].nature is Nature.LINKAGE
    assert ("community_safety.cut_off_failed" if linkage else hazard) in ACTED_ON


@pytest.mark.parametrize("kind", DEVICE_KINDS)
def test_kind_is_simulated(kind: str) -> None:
    """The demo, the tests and the benchmark have a device of each kind."""
    classes = vars(devices).values()
    assert [row for row in classes if getattr(row, "kind", None) == kind]


@pytest.mark.parametrize("form", ["bug", "device"])
def test_issue_form_has_each_gateway(form: str) -> None:
    """Who reports something finds the way that they have chosen, in the words of the menu."""
    english, chinese = (
        json.loads((ROOT / OURS / f"translations/{language}.json").read_text("utf-8"))
        for language in ("en", "zh-Hans")
    )
    path = ("config", "step", "user", "menu_options")
    menus = [reduce(getitem, path, texts) for texts in (english, chinese)]
    ways = [
        " · ".join(dict.fromkeys(menu[key] for menu in menus))
        for key in menus[0]
        if key != "rental_units"
    ]
    body = yaml_util.parse_yaml(
        (ROOT / f".github/ISSUE_TEMPLATE/{form}.yml").read_text("utf-8")
    )["body"]
    offered = next(row for row in body if row["type"] == "dropdown")
    assert len(ways) > 3
    assert offered["attributes"]["options"][: len(ways)] == ways


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return the places that a kind has, in a folder of their own."""
    shutil.copytree(ROOT / OURS, tmp_path / OURS)
    return tmp_path


def test_scaffold(checkout: Path) -> None:
    """The scaffold of a kind can be loaded, and has the texts that kinds have."""
    make(checkout, "gas_detector", NAMES)
    program = (
        "from custom_components.community_safety import catalogue;"
        " print(*catalogue.DEVICE_KINDS)"
    )
    found = subprocess.run(
        [sys.executable, "-c", program],
        cwd=checkout,
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.split() == [*DEVICE_KINDS, "gas_detector"]
    for path in sorted((checkout / OURS / "translations").glob("*.json")):
        texts = json.loads(path.read_text("utf-8"))
        joining = texts["entity"]["event"]["joining"]["state_attributes"]["kind"]
        sections = texts["options"]["step"]["init"]["sections"]
        assert joining["state"]["gas_detector"] in NAMES
        assert sections["gas_detector"]["data"].keys() == {"low_battery_fault"}
    schema = json.loads(
        (checkout / OURS / "gateways/mqtt/protocol.schema.json").read_text("utf-8")
    )
    kinds = schema["definitions"]["config"]["properties"]["kind"]["enum"]
    assert kinds == [*DEVICE_KINDS, "gas_detector"]


@pytest.mark.parametrize("key", ["hydrant", "smoke_sensor", "Gas", "gas-detector", ""])
def test_scaffold_is_refused(checkout: Path, key: str) -> None:
    """A kind that is there, and a key that is none, change nothing."""
    before = {path: path.read_bytes() for path in checkout.rglob("*.py")}
    with pytest.raises(PlaceError):
        make(checkout, key, NAMES)
    assert {path: path.read_bytes() for path in checkout.rglob("*.py")} == before
