"""The blueprint that carries an acknowledgement across, and the script blueprints."""

from pathlib import Path
import shutil

import pytest
from pytest_homeassistant_custom_component.common import async_mock_service
import yaml

from custom_components.rental_units.alerts.const import Answer
from homeassistant.setup import async_setup_component

from .conftest import House

FOLDER = Path(__file__).parents[3] / "blueprints"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_acknowledgement_reaches_the_other_side(house: House) -> None:
    """An answered alert acknowledges the alarm, and an acknowledged alarm ends the escalation."""
    hass = house.hass
    folder = Path(hass.config.path("blueprints/automation/community_safety"))

    def copy() -> None:
        folder.mkdir(parents=True)
        name = "alert_acknowledgement.yaml"
        shutil.copy(FOLDER / "automation/community_safety" / name, folder / name)

    await hass.async_add_executor_job(copy)
    calls = async_mock_service(hass, "community_safety", "acknowledge")
    path = "community_safety/alert_acknowledgement.yaml"
    assert await async_setup_component(
        hass,
        "automation",
        {"automation": {"alias": "both", "use_blueprint": {"path": path}}},
    )
    await hass.async_block_till_done()
    first = await house.alert(hazard="smoke", alarm_id="a1")
    await house.settled()
    engine = house.engine
    engine.acknowledge(engine.alerts[first], who=None, via="test")
    await hass.async_block_till_done()
    assert [call.data["alarm_id"] for call in calls] == ["a1"]

    # Of all alarms; but not where somebody says that there is nothing, or that all are safe.
    named = {"hazard": "smoke", "incident_id": "i1"}
    both = await house.alert(alarm_id="a3", **named)
    assert await house.alert(alarm_id="a4", **named) == both
    for incident, answer in (("i2", Answer.FALSE_ALARM), ("i3", Answer.SAFE)):
        other = await house.alert(hazard="smoke", alarm_id="a5", incident_id=incident)
        engine.acknowledge(engine.alerts[other], who=None, via="test", answer=answer)
    engine.acknowledge(
        engine.alerts[both], who=None, via="test", answer=Answer.ON_MY_WAY
    )
    await hass.async_block_till_done()
    assert [call.data["alarm_id"] for call in calls] == ["a1", "a3", "a4"]

    second = await house.alert(hazard="smoke", alarm_id="a2", incident_id="i4")
    hass.bus.async_fire(
        "community_safety_alarm", {"type": "acknowledged", "alarm_id": "a2"}
    )
    await hass.async_block_till_done()
    assert engine.alerts[second].state == "acknowledged"


@pytest.mark.parametrize("name", ["sms", "voice"])
def test_script_blueprints(name: str) -> None:
    """They keep no trace, since a trace would hold the number."""
    text = (FOLDER / f"script/community_safety/{name}.yaml").read_text("utf-8")
    data = yaml.safe_load(text.replace("!input ", ""))
    assert data["blueprint"]["domain"] == "script"
    assert data["trace"] == {"stored_traces": 0}
    assert {"to", "message", "severity", "alert_id", "link"} <= set(data["fields"])
