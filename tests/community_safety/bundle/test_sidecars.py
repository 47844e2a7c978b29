"""The sidecar comes to its place from the bundle, whole or not at all."""

import json
from pathlib import Path
import shutil
from typing import Any
from unittest.mock import AsyncMock

import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockModule,
    mock_integration,
)

from custom_components.community_safety import config_flow
from custom_components.community_safety.bundle import folder, sidecars
from custom_components.community_safety.const import DOMAIN
from homeassistant.config_entries import SOURCE_USER, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir, translation
from homeassistant.helpers.storage import STORAGE_DIR
from homeassistant.loader import DATA_CUSTOM_COMPONENTS
from homeassistant.setup import async_setup_component
from tests.bundled import (
    READ_ONLY,
    PowerCut,
    files_of,
    full_disk,
    power_cut,
    write_files,
)

SIDECAR = "rental_units"
SMALL = {
    "__init__.py": b"code",
    "manifest.bundled.json": b"{}",
    "translations/en.json": b"{}",
    ".bundled": b"1",
}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return where the sidecar belongs."""
    (tmp_path / "custom_components").mkdir()
    return tmp_path / "custom_components" / SIDECAR


def is_whole(place: Path, bundle: Path) -> bool:
    """Return if all of the bundle is in place, and the manifest has its name."""
    expected = files_of(bundle / SIDECAR)
    expected["manifest.json"] = expected.pop("manifest.bundled.json")
    return files_of(place) == expected


async def begin(hass: HomeAssistant) -> Any:
    """Begin to add a gateway."""
    return await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_USER}
    )


async def choose(hass: HomeAssistant) -> Any:
    """Choose the sidecar."""
    result = await begin(hass)
    assert result["menu_options"] == [
        "native",
        "zigbee2mqtt",
        "frigate",
        "zigbee",
        "uhppote",
        "isapi",
        "vzenith",
        "adopted",
        "webhook",
        SIDECAR,
    ]
    return await confirm(hass, result, next_step_id=SIDECAR)


async def confirm(hass: HomeAssistant, result: Any, **user_input: str) -> Any:
    """Go on with a flow."""
    return await hass.config_entries.flow.async_configure(result["flow_id"], user_input)


async def test_added_without_a_restart(
    hass: HomeAssistant, bundle: Path, place: Path
) -> None:
    """It is copied, Home Assistant looks anew, and the form of the first property opens."""
    # The frontend has asked for its texts in vain, and the list of integrations is old.
    await translation.async_load_integrations(hass, {"en_sidecar", SIDECAR})
    old = hass.data[DATA_CUSTOM_COMPONENTS]
    form = await choose(hass)
    assert (form["type"], form["step_id"]) == ("form", SIDECAR)
    assert not place.exists()

    result = await confirm(hass, form)
    assert (result["type"], result["reason"]) == ("abort", "sidecar_added")
    assert is_whole(place, bundle)
    assert not [path for path in place.parent.rglob("*") if path.is_symlink()]
    assert hass.data[DATA_CUSTOM_COMPONENTS] is not old
    assert not translation.async_translations_loaded(hass, {SIDECAR})
    kind, flow_id = result["next_flow"]
    assert kind == "config_flow"
    assert hass.config_entries.flow.async_get(flow_id)["handler"] == SIDECAR
    # It is there now, and not offered any more.
    assert SIDECAR not in (await begin(hass))["menu_options"]


async def test_disk_that_is_full_in_mid_copy(
    hass: HomeAssistant, bundle: Path, place: Path
) -> None:
    """The form says why, nothing is left, and with room it works."""
    form = await choose(hass)
    longest = max(len(row) for row in files_of(bundle / SIDECAR).values())
    with full_disk(longest // 2):
        form = await confirm(hass, form)
    assert form["errors"] == {"base": "sidecar_not_written"}
    assert "File too large" in form["description_placeholders"]["reason"]
    assert list(place.parent.iterdir()) == []

    assert (await confirm(hass, form))["reason"] == "sidecar_added"
    assert is_whole(place, bundle)


async def test_read_only(hass: HomeAssistant, bundle: Path, place: Path) -> None:
    """The form says that the folder cannot be written."""
    place.parent.rmdir()
    place.parent.symlink_to(READ_ONLY)
    form = await confirm(hass, await choose(hass))
    assert form["errors"] == {"base": "sidecar_not_written"}
    assert "not permitted" in form["description_placeholders"]["reason"]


async def test_sidecar_that_cannot_be_loaded(
    hass: HomeAssistant, bundle: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stays in place, and the flow says what to do."""
    (bundle / SIDECAR).rename(bundle / "lodgers")
    monkeypatch.setattr(config_flow, "RENTAL_UNITS", "lodgers")
    flow = config_flow.CommunitySafetyConfigFlow()
    flow.hass, flow.flow_id, flow.handler = hass, "flow", DOMAIN
    flow.context = {"source": SOURCE_USER}
    result = await flow.async_step_rental_units({})
    assert (result["type"], result["reason"]) == ("abort", "sidecar_not_loaded")
    assert (place.parent / "lodgers/manifest.json").is_file()


@pytest.mark.parametrize("kind", ["folder", "link", "dangling link"])
async def test_what_is_a_persons_is_not_touched(
    hass: HomeAssistant, tmp_path: Path, bundle: Path, place: Path, kind: str
) -> None:
    """A folder without our marker, and a link, stay as they are."""
    mine = tmp_path / "mine"
    if kind == "folder":
        mine = place
    if kind != "dangling link":
        mine.mkdir()
        (mine / "own.py").touch()
    if kind != "folder":
        place.symlink_to(mine)
    MockConfigEntry(domain=SIDECAR).add_to_hass(hass)
    await sidecars.async_heal_sidecars(hass)
    assert SIDECAR not in (await begin(hass))["menu_options"]
    assert place.is_symlink() == (kind != "folder")
    assert kind == "dangling link" or files_of(mine) == {"own.py": b""}


async def test_bundle_that_is_not_whole(
    hass: HomeAssistant, bundle: Path, place: Path
) -> None:
    """While an update is being written, or in a checkout, nothing is offered."""
    (bundle / SIDECAR / ".bundled").unlink()
    assert SIDECAR not in (await begin(hass))["menu_options"]


def test_power_cut_at_each_step(
    hass: HomeAssistant, tmp_path: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is the whole sidecar or none, and the next try ends well."""
    bundle = tmp_path / "small"
    monkeypatch.setattr(folder, "BUNDLED", bundle)
    write_files(bundle / SIDECAR, SMALL)
    for number in range(1000):
        try:
            with power_cut(number, monkeypatch):
                sidecars._copy(bundle / SIDECAR, place)
        except PowerCut:
            # There is none of it, or all that is left is to tidy up.
            found = list(place.parent.glob("*/manifest.json"))
            assert found == (
                [place / "manifest.json"] if is_whole(place, bundle) else []
            )
            assert sidecars.missing_sidecars(hass) == ([] if found else [SIDECAR])
            if found:
                shutil.rmtree(place)
        else:
            break
    assert number > 2 * len(SMALL)
    assert is_whole(place, bundle)
    assert [path.name for path in place.parent.iterdir()] == [SIDECAR]


async def test_heals(hass: HomeAssistant, bundle: Path, place: Path) -> None:
    """A sidecar that is set up and gone is put back, and runs without a restart."""
    entry = MockConfigEntry(domain=SIDECAR, title="Xingqiao", data={}, minor_version=2)
    entry.add_to_hass(hass)
    ir.async_create_issue(
        hass,
        "homeassistant",
        f"integration_not_found.{SIDECAR}",
        is_fixable=True,
        severity=ir.IssueSeverity.ERROR,
        translation_key="integration_not_found",
    )
    assert await async_setup_component(hass, DOMAIN, {})
    await hass.async_block_till_done()
    assert is_whole(place, bundle)
    assert entry.state is ConfigEntryState.LOADED
    assert ir.async_get(hass).issues == {}


async def test_put_back_by_a_person(
    hass: HomeAssistant, bundle: Path, place: Path
) -> None:
    """Where there is no gateway nothing heals: the flow that adds the sidecar does."""
    entry = MockConfigEntry(domain=SIDECAR, title="Xingqiao", data={}, minor_version=2)
    entry.add_to_hass(hass)
    not_found = f"integration_not_found.{SIDECAR}"
    ir.async_create_issue(
        hass,
        "homeassistant",
        not_found,
        is_fixable=True,
        severity=ir.IssueSeverity.ERROR,
        translation_key="integration_not_found",
    )
    result = await confirm(hass, await choose(hass))
    assert result["reason"] == "sidecar_added"
    assert is_whole(place, bundle)
    assert entry.state is ConfigEntryState.LOADED
    assert not ir.async_get(hass).async_get_issue("homeassistant", not_found)


async def test_nobody_has_asked_for_it(
    hass: HomeAssistant, bundle: Path, place: Path
) -> None:
    """Without a property nothing is copied."""
    assert await async_setup_component(hass, DOMAIN, {})
    await hass.async_block_till_done()
    assert not place.exists()


@pytest.mark.parametrize("is_left", [True, False])
async def test_without_a_property_and_not_done(
    hass: HomeAssistant, bundle: Path, place: Path, is_left: bool
) -> None:
    """A sidecar that has cards left to take is set up, though its last property is gone."""
    begun = AsyncMock(return_value=True)
    mock_integration(hass, MockModule(SIDECAR, async_setup=begun))
    if is_left:
        left = Path(hass.config.path(STORAGE_DIR, f"{SIDECAR}.leaving"))
        left.parent.mkdir(exist_ok=True)
        left.write_text("{}")
    await sidecars.async_resume_sidecars(hass)
    assert begun.await_count == is_left


async def test_healing_that_fails(
    hass: HomeAssistant, bundle: Path, place: Path, tmp_path: Path
) -> None:
    """A person is told what is missing and why; once there is room, it heals."""
    MockConfigEntry(domain=SIDECAR).add_to_hass(hass)
    place.parent.rmdir()
    await sidecars.async_heal_sidecars(hass)
    issue = ir.async_get(hass).async_get_issue(DOMAIN, f"sidecar_missing_{SIDECAR}")
    assert issue
    assert issue.translation_placeholders
    assert issue.translation_placeholders["sidecar"] == SIDECAR
    assert "No such file" in issue.translation_placeholders["reason"]

    place.parent.mkdir()
    await sidecars.async_heal_sidecars(hass)
    assert is_whole(place, bundle)
    assert ir.async_get(hass).async_get_issue(DOMAIN, issue.issue_id) is None


def test_manifest_in_place(bundle: Path, place: Path) -> None:
    """What Home Assistant reads names the sidecar and its version."""
    sidecars._copy(bundle / SIDECAR, place)
    manifest = json.loads((place / "manifest.json").read_text("utf-8"))
    assert manifest["domain"] == SIDECAR
    assert (place / ".bundled").read_text("utf-8").strip() == manifest["version"]
