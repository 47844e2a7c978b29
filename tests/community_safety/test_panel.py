"""The control room in the sidebar, and what is said where it was not built."""

import json
from pathlib import Path
import re

import hass_frontend
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.community_safety import panel
from custom_components.community_safety.const import DOMAIN
from homeassistant.components.frontend import DATA_EXTRA_MODULE_URL, DATA_PANELS
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component

FILE, CARDS = "panel.0123.js", "cards.4567.js"
SOURCE = Path(__file__).parents[2] / "frontend/src"


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a build of which nothing is there yet."""
    folder = tmp_path / "built"
    monkeypatch.setattr(panel, "BUILT", folder)
    return folder


def build(folder: Path) -> None:
    """Write what a build writes."""
    folder.mkdir()
    (folder / FILE).write_text("// panel")
    (folder / f"{FILE}.gz").write_bytes(b"compressed")
    (folder / panel.MODULES).write_text(json.dumps({"panel": FILE, "cards": CARDS}))


async def start(hass: HomeAssistant) -> None:
    """Set up Home Assistant's frontend, and us."""
    assert await async_setup_component(hass, "frontend", {})
    assert await async_setup_component(hass, DOMAIN, {})
    await hass.async_block_till_done()


async def test_panel(
    hass: HomeAssistant, built: Path, hass_client: ClientSessionGenerator
) -> None:
    """Everybody has it in the sidebar; its file is kept for long, and sent compressed."""
    build(built)
    await start(hass)
    shown = hass.data[DATA_PANELS][panel.URL_PATH]
    assert (shown.sidebar_title, shown.require_admin) == ("Control room", False)
    custom = shown.config["_panel_custom"]
    assert (custom["name"], custom["embed_iframe"]) == (panel.ELEMENT, False)
    client = await hass_client()
    answer = await client.get(custom["module_url"], headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert "max-age=2678400" in answer.headers["Cache-Control"]
    answer.close()
    # Cards are there on every page of Home Assistant.
    assert f"{panel.STATIC_URL}/{CARDS}" in hass.data[DATA_EXTRA_MODULE_URL].urls
    assert ir.async_get(hass).async_get_issue(DOMAIN, panel.ISSUE) is None


@pytest.mark.parametrize("content", [None, "{", "{}", '{"panel": "a.js"}', "[]"])
async def test_not_built(hass: HomeAssistant, built: Path, content: str | None) -> None:
    """A repair says so, and all else works."""
    if content is not None:
        built.mkdir()
        (built / panel.MODULES).write_text(content)
    await start(hass)
    assert panel.URL_PATH not in hass.data[DATA_PANELS]
    issue = ir.async_get(hass).async_get_issue(DOMAIN, panel.ISSUE)
    assert issue
    assert issue.translation_placeholders["path"] == str(built)
    assert hass.services.has_service(DOMAIN, "cut_off")


async def test_path_is_taken(
    hass: HomeAssistant, built: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A page of the user's at our address stays; alarms work, and it is said."""
    build(built)
    assert await async_setup_component(hass, "frontend", {})
    theirs = hass.data[DATA_PANELS][panel.URL_PATH] = hass.data[DATA_PANELS]["profile"]
    assert await async_setup_component(hass, DOMAIN, {})
    await hass.async_block_till_done()
    assert hass.data[DATA_PANELS][panel.URL_PATH] is theirs
    assert "Overwriting panel" in caplog.text


async def test_without_a_frontend(hass: HomeAssistant, built: Path) -> None:
    """Where nobody looks nothing is missing."""
    assert await async_setup_component(hass, DOMAIN, {})
    await hass.async_block_till_done()
    assert ir.async_get(hass).async_get_issue(DOMAIN, panel.ISSUE) is None


def test_elements_of_home_assistant() -> None:
    """What the panel takes of Home Assistant's own frontend is there in this release."""
    source = "\n".join(path.read_text("utf-8") for path in SOURCE.rglob("*.ts"))
    used = {
        *re.findall(r"<(ha-[a-z-]+)", source),
        *re.findall(r'"(hass-[a-z-]+)"', source),
    }
    assert "ha-menu-button" in used
    for path in (Path(hass_frontend.where()) / "frontend_latest").glob("*.js"):
        content = path.read_bytes()
        used -= {name for name in used if f'"{name}"'.encode() in content}
        if not used:
            break
    assert used == set()
