"""The register's pages of the control room: served, kept for long, and absent where not built."""

import json
from pathlib import Path
from typing import Any

import pytest
from pytest_homeassistant_custom_component.typing import (
    ClientSessionGenerator,
    WebSocketGenerator,
)

from custom_components.rental_units import panel
from custom_components.rental_units.const import DOMAIN
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component

FILE = "register.0123.js"


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a build of which nothing is there yet."""
    folder = tmp_path / "built"
    monkeypatch.setattr(panel, "BUILT", folder)
    return folder


async def module_of(hass: HomeAssistant, connect: WebSocketGenerator) -> Any:
    """Return what a panel is told of the pages."""
    assert await async_setup_component(hass, DOMAIN, {})
    client = await connect(hass)
    await client.send_json_auto_id({"type": f"{DOMAIN}/session"})
    return (await client.receive_json())["result"]["module"]


async def test_served(
    hass: HomeAssistant,
    built: Path,
    hass_ws_client: WebSocketGenerator,
    hass_client: ClientSessionGenerator,
) -> None:
    """The panel is told the file; that is sent compressed, and kept for long."""
    built.mkdir()
    (built / FILE).write_text("// pages")
    (built / f"{FILE}.gz").write_bytes(b"compressed")
    (built / panel.MODULES).write_text(json.dumps({"register": FILE}))
    module = await module_of(hass, hass_ws_client)
    assert module == f"/rental_units_static/{FILE}"
    client = await hass_client()
    answer = await client.get(module, headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert "max-age=2678400" in answer.headers["Cache-Control"]
    answer.close()


@pytest.mark.parametrize("content", [None, "{", "{}", "[]"])
async def test_not_built(
    hass: HomeAssistant,
    built: Path,
    hass_ws_client: WebSocketGenerator,
    caplog: pytest.LogCaptureFixture,
    content: str | None,
) -> None:
    """The log says so, and all else works."""
    if content is not None:
        built.mkdir()
        (built / panel.MODULES).write_text(content)
    assert await module_of(hass, hass_ws_client) is None
    assert "pages cannot be shown" in caplog.text
    assert hass.services.has_service(DOMAIN, "check_in")
