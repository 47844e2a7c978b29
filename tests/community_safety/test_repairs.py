"""What a person must mend at the software is shown, and goes away when it is mended."""

from pathlib import Path
import sqlite3

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.community_safety.const import DOMAIN
from custom_components.community_safety.core.house import DATA_HOUSE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
from tests.common import BASE, Peer, wait_until


def issue(hass: HomeAssistant, issue_id: str) -> ir.IssueEntry | None:
    """Return an issue that people see."""
    return ir.async_get(hass).async_get_issue(DOMAIN, issue_id)


async def test_damaged_alarm_book(
    hass: HomeAssistant, tmp_path: Path, hass_client: ClientSessionGenerator
) -> None:
    """The damaged file is kept, and the issue stays until a person confirms it."""
    (tmp_path / f"{DOMAIN}.db").write_bytes(b"no database" * 1000)
    assert await async_setup_component(hass, "repairs", {})
    assert await async_setup_component(hass, DOMAIN, {})
    shown = issue(hass, "storage_moved_aside")
    assert shown
    assert shown.translation_placeholders
    kept = Path(shown.translation_placeholders["path"])
    assert kept.read_bytes().startswith(b"no database")
    assert shown.is_persistent

    client = await hass_client()
    url = "/api/repairs/issues/fix"
    response = await client.post(
        url, json={"handler": DOMAIN, "issue_id": "storage_moved_aside"}
    )
    flow = await response.json()
    assert flow["step_id"] == "confirm"
    assert flow["description_placeholders"]["path"] == str(kept)
    assert "protected loads" in flow["description_placeholders"]["lost"]
    response = await client.post(f"{url}/{flow['flow_id']}", json={})
    flow = await response.json()
    assert flow["type"] == "create_entry"
    assert issue(hass, "storage_moved_aside") is None


async def test_full_disk(
    hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer
) -> None:
    """A full disk is shown with its reason, and the issue ends when there is room."""
    storage = hass.data[DATA_HOUSE].storage
    await wait_until(hass, lambda: not storage.is_busy)

    def limit(pages: int) -> None:
        storage._db.execute(f"PRAGMA max_page_count={pages}")

    await storage._async_run(limit, 1)
    data = {"text": "x" * 100_000}
    assert await storage.put("settings", "large", data) is False
    shown = issue(hass, "storage_failed")
    assert shown
    assert shown.translation_placeholders == {
        "path": str(storage.path),
        "reason": "database or disk is full",
    }
    assert shown.severity is ir.IssueSeverity.CRITICAL

    await storage._async_run(limit, 1_000_000)
    await storage.async_close()
    assert issue(hass, "storage_failed") is None
    with sqlite3.connect(storage.path) as database:
        keys = database.execute("SELECT key FROM settings").fetchall()
    assert ("large",) in keys


@pytest.mark.parametrize("ending", ["mended", "removed"])
async def test_version_of_the_protocol(
    hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer, ending: str
) -> None:
    """A gateway of another version is shown until it is updated or removed."""
    issue_id = f"unsupported_version_{gateway.entry_id}"
    assert issue(hass, issue_id) is None

    await peer.send(f"{BASE}/gateway", {"version": 2, "name": "Building 1"})
    shown = issue(hass, issue_id)
    assert shown
    assert shown.translation_placeholders == {"gateway": "Building 1", "version": "2"}

    endings = {
        "mended": peer.gateway(),
        "removed": hass.config_entries.async_remove(gateway.entry_id),
    }
    await endings.pop(ending)
    for unused in endings.values():
        unused.close()
    assert issue(hass, issue_id) is None
