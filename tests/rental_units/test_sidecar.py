"""The folder that Community Safety has copied follows the bundle, and goes with its last entry."""

from pathlib import Path
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_mock_service,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.community_safety.bundle import folder as bundle, sidecars
from custom_components.rental_units import sidecar
from custom_components.rental_units.const import DOMAIN
from homeassistant.const import EVENT_HOMEASSISTANT_FINAL_WRITE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
from scripts.packaging import Files
from tests.bundled import PowerCut, files_of, full_disk, power_cut, write_files

BUNDLE: Files = {
    "__init__.py": b"new",
    "added.py": b"new" * 1000,
    "manifest.bundled.json": b'{"version": "0.2.0"}',
    "translations/en.json": b"{}",
    ".bundled": b"0.2.0\n",
}
NEW = {
    "manifest.json" if name == "manifest.bundled.json" else name: content
    for name, content in BUNDLE.items()
}
OLD: Files = {
    "__init__.py": b"old",
    "manifest.json": b'{"version": "0.1.0"}',
    "removed.py": b"old",
    ".bundled": b"0.1.0\n",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a sidecar that is older than the bundle."""
    folder = tmp_path / "custom_components/rental_units"
    bundled = tmp_path / "custom_components/community_safety/bundled/rental_units"
    monkeypatch.setattr(sidecar, "FOLDER", folder)
    monkeypatch.setattr(sidecar, "BUNDLED", bundled)
    write_files(folder, OLD)
    write_files(bundled, BUNDLE)
    return folder


async def end(hass: HomeAssistant) -> None:
    """Let Home Assistant end."""
    hass.bus.async_fire(EVENT_HOMEASSISTANT_FINAL_WRITE)
    await hass.async_block_till_done()


def asked(hass: HomeAssistant) -> bool:
    """Return if a person is asked to restart."""
    issue = ir.async_get(hass).async_get_issue(DOMAIN, "restart_required")
    return issue is not None


async def test_updated_at_the_end(
    hass: HomeAssistant, folder: Path, tmp_path: Path
) -> None:
    """What was updated while Home Assistant ran is in place when it has ended."""
    write_files(sidecar.BUNDLED, {".bundled": OLD[".bundled"]})
    assert await async_setup_component(hass, DOMAIN, {})
    assert not asked(hass)
    write_files(sidecar.BUNDLED, BUNDLE)
    assert files_of(folder) == OLD
    await end(hass)
    assert files_of(folder) == NEW
    names = [path.name for path in folder.parent.iterdir()]
    assert sorted(names) == ["community_safety", "rental_units"]


async def test_power_cut_before_the_end(
    hass: HomeAssistant, folder: Path, hass_client: ClientSessionGenerator
) -> None:
    """The next start asks for a restart, and that updates it."""
    assert await async_setup_component(hass, "repairs", {})
    assert await async_setup_component(hass, DOMAIN, {})
    assert asked(hass)
    assert files_of(folder) == OLD

    restarts = async_mock_service(hass, "homeassistant", "restart")
    client = await hass_client()
    url = "/api/repairs/issues/fix"
    answer = await client.post(
        url, json={"handler": DOMAIN, "issue_id": "restart_required"}
    )
    flow = await answer.json()
    assert (flow["type"], flow["step_id"]) == ("form", "confirm")
    assert restarts == []
    answer = await client.post(f"{url}/{flow['flow_id']}", json={})
    assert (await answer.json())["type"] == "create_entry"
    assert len(restarts) == 1
    await end(hass)
    assert files_of(folder) == NEW


async def test_without_a_gateway(hass: HomeAssistant, folder: Path) -> None:
    """What came along is there all the same: Community Safety with its blueprints and its panel."""
    assert await async_setup_component(hass, DOMAIN, {})
    await hass.async_block_till_done()
    assert "community_safety" in hass.config.components


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"mine": {"no marker": None}}, id="a person's folder"),
        pytest.param({"bundle": {"no marker": None}}, id="a bundle that is not whole"),
        pytest.param({"bundle": None}, id="no bundle any more"),
        pytest.param({"link": True}, id="a link"),
    ],
)
async def test_not_touched(
    hass: HomeAssistant, folder: Path, tmp_path: Path, change: dict[str, Any]
) -> None:
    """What is not ours, or has nothing to follow, stays as it is."""
    if "mine" in change:
        (folder / ".bundled").unlink()
    if "bundle" in change:
        (sidecar.BUNDLED / ".bundled").unlink()
    if "link" in change:
        folder.rename(tmp_path / "mine")
        folder.symlink_to(tmp_path / "mine")
    before = files_of(folder)
    assert await async_setup_component(hass, DOMAIN, {})
    assert not asked(hass)
    await end(hass)
    assert files_of(folder) == before
    assert "community_safety" not in hass.config.components
    if "bundle" not in change:
        assert not sidecar._remove()
        assert files_of(folder) == before


async def test_full_disk(
    hass: HomeAssistant, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The old version stays whole, and the log says why."""
    assert await async_setup_component(hass, DOMAIN, {})
    with full_disk(1000):
        await end(hass)
    assert files_of(folder) == OLD
    assert "Rental Units could not be updated: [Errno 27]" in caplog.text
    assert not folder.with_name(".rental_units.new").exists()


@pytest.mark.parametrize("number", range(4))
def test_rename_that_fails(
    folder: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Whichever fails, the old version is whole again."""
    rename, done = Path.rename, 0

    def fail(path: Path, target: Path) -> Path:
        nonlocal done
        done += 1
        if done == number + 1:
            raise OSError(30, "Read-only file system")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(OSError, match="Read-only"):
        sidecar._refresh()
    assert files_of(folder) == OLD
    assert not list(folder.parent.glob(".rental_units.*"))


def test_power_cut_at_each_step(
    hass: HomeAssistant, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is one whole version, or Community Safety finds none and puts it back."""
    monkeypatch.setattr(bundle, "BUNDLED", sidecar.BUNDLED.parent)
    ends = set()
    for number in range(100):
        write_files(folder, OLD)
        try:
            with power_cut(number, monkeypatch):
                sidecar._refresh()
        except PowerCut:
            manifests = list(folder.parent.glob("*/manifest.json"))
            assert len(manifests) <= 1
            if manifests:
                assert manifests[0].parent == folder
                assert files_of(folder) in (OLD, NEW)
            else:
                assert sidecars.missing_sidecars(hass) == [DOMAIN]
                sidecars._copy(sidecar.BUNDLED, folder)
                assert files_of(folder) == NEW
            ends.add("whole" if manifests else "put back")
            # What was left is cleared away the next time.
            sidecar._refresh()
            assert files_of(folder) == NEW
            assert not list(folder.parent.glob(".rental_units.*"))
            for path in folder.rglob("*"):
                path.is_file() and path.unlink()
        else:
            break
    assert files_of(folder) == NEW
    assert ends == {"whole", "put back"}


async def test_goes_with_its_last_entry(hass: HomeAssistant, folder: Path) -> None:
    """The folder stays for the second property, and goes with that."""
    entries = [
        MockConfigEntry(domain=DOMAIN, title=title, minor_version=2, unique_id=title)
        for title in ("North", "South")
    ]
    for entry in entries:
        entry.add_to_hass(hass)
    assert await async_setup_component(hass, DOMAIN, {})
    await hass.async_block_till_done()
    await hass.config_entries.async_remove(entries[0].entry_id)
    assert files_of(folder) == OLD
    await hass.config_entries.async_remove(entries[1].entry_id)
    assert not folder.exists()
    await end(hass)
    assert not folder.exists()


async def test_removal_that_fails(
    hass: HomeAssistant, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The log says so, and what is left is taken for no integration."""
    (folder / "manifest.json").unlink()
    (folder / "manifest.json").mkdir()
    await sidecar.async_remove_sidecar(hass)
    assert "The folder of Rental Units could not be removed" in caplog.text
