"""What the devices can report is something that people can be told."""

import json
from pathlib import Path
from typing import Any

import pytest

from custom_components.community_safety.catalogue import HAZARDS
from custom_components.rental_units.alerts.const import ALL_CLEAR
from custom_components.rental_units.alerts.texts import ADVICE
from homeassistant.util.yaml import load_yaml_dict

SIDECAR = Path(__file__).parents[2] / "custom_components/rental_units"
OURS = SIDECAR.parent / "community_safety/translations"
TEXTS: dict[str, Any] = json.loads((SIDECAR / "alerts/texts.json").read_text("utf-8"))
CHOICE = load_yaml_dict(str(SIDECAR / "services.yaml"))["alert"]["fields"]["hazard"]


@pytest.mark.parametrize("hazard", HAZARDS)
def test_hazard_can_be_told(hazard: str) -> None:
    """A hazard has its name in each language, its advice or none, and can be chosen."""
    assert [row for row in TEXTS if not TEXTS[row]["hazard"].get(hazard)] == []
    assert hazard in ADVICE, "say what to do, or None"
    assert hazard in CHOICE["selector"]["select"]["options"]
    for path in (SIDECAR / "translations").glob("*.json"):
        ours, told = (
            json.loads(file.read_text("utf-8"))["selector"][key]["options"].get(hazard)
            for file, key in ((OURS / path.name, "hazard"), (path, "alert_hazard"))
        )
        # Who reads an alert and then the alarm must meet the same word.
        assert ours == told == TEXTS[path.stem]["hazard"][hazard], path.name


def test_nothing_else_is_told() -> None:
    """What can be told is a hazard that there is, or that it is over."""
    known = HAZARDS.keys() | ALL_CLEAR
    assert set(TEXTS["en"]["hazard"]) == known
    assert ADVICE.keys() == known
    assert set(CHOICE["selector"]["select"]["options"]) == known
    advice = {key for key in ADVICE.values() if key}
    assert all(set(TEXTS[language]["advice"]) == advice for language in TEXTS)
