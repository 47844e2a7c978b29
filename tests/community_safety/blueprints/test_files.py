"""The files of all blueprints, and what the editors make of them."""

from collections.abc import AsyncGenerator
from pathlib import Path
import re
import shutil
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
)
from pytest_homeassistant_custom_component.typing import (
    ClientSessionGenerator,
    WebSocketGenerator,
)

from homeassistant.components.automation import DOMAIN as AUTOMATION
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from homeassistant.util import yaml as yaml_util

from .common import ALL, EVERYTHING, FOLDER, NAMES, REQUIRED, SCRIPTS, SILENT


@pytest.mark.parametrize("name", sorted(set(NAMES) - SILENT))
def test_file(name: str) -> None:
    """A blueprint has no anchors, names itself right, and speaks all languages."""
    text = (FOLDER / f"{name}.yaml").read_text("utf-8")
    data = yaml_util.parse_yaml(text)
    texts = data["variables"]["texts"]
    assert not re.search(r"[&*]\w+\s*$", text, re.MULTILINE)
    assert data["blueprint"]["source_url"].endswith(f"/community_safety/{name}.yaml")
    assert re.search("[一-龥]", data["blueprint"]["name"])
    assert (data["mode"], data["max_exceeded"]) == ("parallel", "warning")
    assert set(texts) == {"en", "zh-Hans", "zh-Hant"}
    for language in texts.values():
        assert {key: fields(value) for key, value in language.items()} == {
            key: fields(value) for key, value in texts["en"].items()
        }


def fields(text: str) -> list[str]:
    """Return the placeholders of a text."""
    return sorted(re.findall(r"%\(\w+\)s", text))


def found_in(row: Any, key: str) -> list[str]:
    """Return what a key holds, wherever it is in a blueprint."""
    if isinstance(row, dict):
        own = [row[key]] if isinstance(row.get(key), str) else []
        return own + [text for value in row.values() for text in found_in(value, key)]
    if isinstance(row, list):
        return [text for value in row for text in found_in(value, key)]
    return []


@pytest.mark.parametrize(
    ("key", "places"), [("reached", 10), ("everybody", 10), ("rings", 9)]
)
def test_the_same_is_done_alike(key: str, places: int) -> None:
    """Who can be reached, and which phone rings: what is mended in one is in all."""
    found = [
        # Not every blueprint has phones of its own.
        text.replace(", phones]", "]")
        for name in NAMES
        for text in found_in(
            yaml_util.parse_yaml((FOLDER / f"{name}.yaml").read_text("utf-8")), key
        )
    ]
    assert len(found) == places
    assert len(set(found)) == 1


@pytest.fixture
async def editor(
    hass: HomeAssistant, hass_client: ClientSessionGenerator
) -> AsyncGenerator[Any]:
    """Return a function that saves an automation or script as its editor does."""
    for domain, folder in ((AUTOMATION, FOLDER), ("script", SCRIPTS)):
        # A list does not follow links.
        where = Path(hass.config.path(f"blueprints/{domain}/community_safety"))
        shutil.copytree(folder, where)
    Path(hass.config.path("configuration.yaml")).write_text(
        "automation: !include automations.yaml\nscript: !include scripts.yaml\n",
        "utf-8",
    )
    Path(hass.config.path("automations.yaml")).write_text("[]\n", "utf-8")
    Path(hass.config.path("scripts.yaml")).write_text("{}\n", "utf-8")
    for component in ("websocket_api", "automation", "script", "config"):
        assert await async_setup_component(hass, component, {})
    client = await hass_client()

    async def save(domain: str, name: str, inputs: dict[str, Any]) -> Any:
        use = {"path": f"community_safety/{name}.yaml", "input": inputs}
        return await client.post(
            f"/api/config/{domain}/config/{name}",
            json={"alias": name, "use_blueprint": use},
        )

    save.post = client.post  # type: ignore[attr-defined]
    yield save
    await hass.services.async_call(
        AUTOMATION, "turn_off", {"entity_id": "all"}, blocking=True
    )


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("inputs", [REQUIRED, EVERYTHING], ids=["required", "all"])
async def test_automation_editor(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    editor: Any,
    name: str,
    inputs: dict[str, dict[str, Any]],
    hass_ws_client: WebSocketGenerator,
) -> None:
    """The editor saves the automation; "take control" gives YAML that it saves again."""
    chosen = inputs.get(name, {})
    answer = await editor(AUTOMATION, name, chosen)
    assert answer.status == 200, await answer.text()
    await hass.async_block_till_done()
    assert hass.states.get(f"automation.{name}").state == "on"

    socket = await hass_ws_client()
    await socket.send_json_auto_id({"type": "blueprint/list", "domain": AUTOMATION})
    listed = (await socket.receive_json())["result"]
    path = f"community_safety/{name}.yaml"
    assert "error" not in listed[path]
    await socket.send_json_auto_id(
        {
            "type": "blueprint/substitute",
            "domain": AUTOMATION,
            "path": path,
            "input": chosen,
        }
    )
    taken = (await socket.receive_json())["result"]["substituted_config"]
    assert "!input" not in (text := yaml_util.dump(taken))
    assert not re.search(r"[&*]id\d+", text)
    answer = await editor.post(
        f"/api/config/automation/config/{name}", json={"alias": name, **taken}
    )
    assert answer.status == 200, await answer.text()
    await hass.async_block_till_done()
    assert hass.states.get(f"automation.{name}").state == "on"


def inputs_of(path: Path) -> dict[str, Any]:
    """Return the inputs of a blueprint."""
    blueprint = yaml_util.parse_yaml(path.read_text("utf-8"))["blueprint"]
    return {
        key: value
        for name, section in blueprint["input"].items()
        for key, value in section.get("input", {name: section}).items()
    }


@pytest.mark.parametrize("name", NAMES)
def test_all_inputs_are_tried(name: str) -> None:
    """No input is left out of the test above."""
    inputs = inputs_of(FOLDER / f"{name}.yaml")
    assert set(EVERYTHING[name]) == set(inputs)
    assert {key for key, value in inputs.items() if "default" not in value} == set(
        REQUIRED.get(name, {})
    )


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_what_is_required_is_said_to_be(path: Path) -> None:
    """Who leaves it out is answered "Missing input …": the form says so before.

    AngellusMortis/unifiprotect_blueprints#10: an input that is called optional, and is not.
    """
    for value in inputs_of(path).values():
        is_said = "(required)" in value["name"] and "（必填）" in value["name"]
        assert is_said == ("default" not in value)


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_a_latch_is_lifted_by_a_person_alone(path: Path) -> None:
    """No blueprint restores a supply or resets an alarm."""
    assert not re.findall(
        r"community_safety[.](restore|reset)|switch[.]turn_on", path.read_text("utf-8")
    )


@pytest.mark.parametrize("name", sorted(REQUIRED))
async def test_what_is_required_must_be_given(
    hass: HomeAssistant, editor: Any, name: str
) -> None:
    """The editor saves no automation that would tell nobody.

    home-assistant/core#84476, Aohzan/hass-blueprints#1: saved, and then not there.
    """
    for key in REQUIRED[name]:
        inputs = {**REQUIRED[name]}
        del inputs[key]
        answer = await editor("automation", name, inputs)
        assert answer.status == 400
        assert f"Missing input {key}" in await answer.text()
    await hass.async_block_till_done()
    assert hass.states.async_all(AUTOMATION) == []


@pytest.mark.parametrize("name", ["sms", "voice"])
async def test_script_editor(hass: HomeAssistant, editor: Any, name: str) -> None:
    """A script of a provider is saved with a way to send alone, and sends what it is given."""
    answer = await editor("script", name, {})
    assert answer.status == 400
    assert "Missing input send" in await answer.text()
    # A template that is a number alone would lose its plus sign.
    said = {"to": "tel:{{ to }}", "severity": "{{ severity }}"}
    way = [{"event": "sent", "event_data": said}]
    answer = await editor("script", name, {"send": way})
    assert answer.status == 200, await answer.text()
    await hass.async_block_till_done()
    sent = async_capture_events(hass, "sent")
    data = {"to": "+8613800138001", "message": "Go", "severity": "alarm", "link": ""}
    await hass.services.async_call("script", name, data, blocking=True)
    assert [event.data for event in sent] == [
        {"to": "tel:+8613800138001", "severity": "alarm"}
    ]
