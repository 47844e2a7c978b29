"""Blueprints follow the release, and a person who has changed or deleted one."""

from pathlib import Path
import shutil
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import async_capture_events
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.community_safety.bundle.blueprints import (
    DATA_BLUEPRINTS,
    async_setup_blueprints,
)
from custom_components.community_safety.const import DOMAIN
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
from tests.bundled import files_of, full_disk

ROOT = Path(__file__).parents[3]
KEY = "automation/greeting.yaml"
GREETING = """\
blueprint:
  name: Greeting
  domain: automation
triggers: []
actions:
  - event: greeting
    event_data: {said: hello}
"""
AUTOMATION = """\
automation:
  - id: greeting
    alias: Greeting
    use_blueprint: {path: community_safety/greeting.yaml, input: {}}
"""


@pytest.fixture
async def blueprint(hass: HomeAssistant, tmp_path: Path, bundle: Path) -> Path:
    """Return the place of a blueprint of the bundle that an automation is made of."""
    source(bundle).write_text(GREETING)
    await start(hass)
    (tmp_path / "configuration.yaml").write_text(AUTOMATION)
    await hass.services.async_call("automation", "reload", blocking=True)
    return tmp_path / "blueprints/automation" / DOMAIN / "greeting.yaml"


def source(bundle: Path) -> Path:
    """Return where the bundle has that blueprint."""
    return bundle / "blueprints/automation" / DOMAIN / "greeting.yaml"


async def start(hass: HomeAssistant) -> None:
    """Set up what a start sets up; a second time, the next start."""
    for domain in ("automation", "script"):
        assert await async_setup_component(hass, domain, {})
    await async_setup_blueprints(hass)
    await hass.async_block_till_done()


async def release(hass: HomeAssistant, bundle: Path, said: str = "good day") -> str:
    """Start with a release that has another version of that blueprint; return it."""
    new = GREETING.replace("hello", said)
    source(bundle).write_text(new)
    await start(hass)
    return new


async def said(hass: HomeAssistant) -> str:
    """Return what the automation says."""
    events = async_capture_events(hass, "greeting")
    await hass.services.async_call(
        "automation", "trigger", {"entity_id": "automation.greeting"}, blocking=True
    )
    await hass.async_block_till_done()
    return str(events[0].data["said"])


def issue(hass: HomeAssistant, issue_id: str) -> ir.IssueEntry | None:
    """Return an issue that people see."""
    return ir.async_get(hass).async_get_issue(DOMAIN, issue_id)


async def test_all_are_there(hass: HomeAssistant, tmp_path: Path, bundle: Path) -> None:
    """Those of both domains are placed once these are set up, beside Home Assistant's own."""
    await async_setup_blueprints(hass)
    await hass.async_block_till_done()
    assert not (tmp_path / "blueprints").exists()
    await start(hass)
    for domain in ("automation", "script"):
        theirs = tmp_path / "blueprints" / domain
        assert files_of(theirs / DOMAIN) == files_of(
            ROOT / "blueprints" / domain / DOMAIN
        )
        assert list((theirs / "homeassistant").iterdir())
    found = await hass.data["blueprint"]["automation"].async_get_blueprints()
    assert f"{DOMAIN}/smoke_response.yaml" in found


async def test_checkout_has_no_bundle(hass: HomeAssistant, tmp_path: Path) -> None:
    """There is nothing to do, and nothing is done."""
    await start(hass)
    assert DATA_BLUEPRINTS not in hass.data
    assert not (tmp_path / "blueprints/automation" / DOMAIN).exists()


async def test_unchanged_follows_the_release(
    hass: HomeAssistant, bundle: Path, blueprint: Path
) -> None:
    """The file is updated, and the automation does what is new without a restart."""
    assert await said(hass) == "hello"
    new = await release(hass, bundle)
    assert blueprint.read_text() == new
    assert await said(hass) == "good day"
    assert ir.async_get(hass).issues == {}


async def test_deleted_stays_deleted(
    hass: HomeAssistant, bundle: Path, blueprint: Path
) -> None:
    """Not even an update brings it back."""
    blueprint.unlink()
    await release(hass, bundle)
    assert not blueprint.exists()
    # One that is new comes all the same.
    source(bundle).with_name("new.yaml").write_text(GREETING)
    await start(hass)
    assert blueprint.with_name("new.yaml").exists()


async def test_removed_and_installed_anew(
    hass: HomeAssistant, bundle: Path, blueprint: Path
) -> None:
    """Who has deleted the folder has removed everything: all come again."""
    before = files_of(blueprint.parent)
    shutil.rmtree(blueprint.parent)
    await start(hass)
    assert files_of(blueprint.parent) == before
    # From then on it is as ever: one that is deleted stays deleted.
    blueprint.unlink()
    await start(hass)
    assert files_of(blueprint.parent) == {
        name: row for name, row in before.items() if name != blueprint.name
    }


async def test_linked_is_a_persons(
    hass: HomeAssistant, bundle: Path, blueprint: Path, tmp_path: Path
) -> None:
    """A link is neither followed nor replaced: of the file, or of the folder."""
    mine = tmp_path / "mine.yaml"
    mine.write_text(GREETING)
    blueprint.unlink()
    blueprint.symlink_to(mine)
    await release(hass, bundle)
    assert mine.read_text() == GREETING

    blueprint.unlink()
    folder = blueprint.parent
    folder.rename(tmp_path / "mine")
    folder.symlink_to(tmp_path / "mine")
    before = files_of(tmp_path / "mine")
    await release(hass, bundle, "good evening")
    assert files_of(tmp_path / "mine") == before


async def test_what_was_copied_by_hand(
    hass: HomeAssistant, bundle: Path, tmp_path: Path
) -> None:
    """An older file that we have not placed is a person's; the same one is ours from now."""
    folder = tmp_path / "blueprints/automation" / DOMAIN
    folder.mkdir(parents=True)
    source(bundle).write_text(GREETING)
    (folder / "greeting.yaml").write_text(GREETING)
    (folder / "elevator.yaml").write_text("# mine")
    await start(hass)
    assert issue(hass, "blueprint_changed_automation/elevator.yaml")
    assert not issue(hass, f"blueprint_changed_{KEY}")
    new = await release(hass, bundle)
    assert (folder / "greeting.yaml").read_text() == new
    assert (folder / "elevator.yaml").read_text() == "# mine"


async def test_changed_without_a_new_version(
    hass: HomeAssistant, bundle: Path, blueprint: Path
) -> None:
    """Nobody is asked anything."""
    blueprint.write_text(f"# mine\n{GREETING}")
    await start(hass)
    assert blueprint.read_text().startswith("# mine")
    assert ir.async_get(hass).issues == {}


@pytest.fixture
async def changed(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    bundle: Path,
    blueprint: Path,
) -> Any:
    """Return how to answer the repair of a changed blueprint that has a new version."""
    assert await async_setup_component(hass, "repairs", {})
    # The repairs of an integration that is set up.
    assert await async_setup_component(hass, DOMAIN, {})
    await hass.async_block_till_done()
    blueprint.write_text(GREETING.replace("hello", "moin"))
    await hass.services.async_call("automation", "reload", blocking=True)
    await release(hass, bundle)
    assert await said(hass) == "moin"
    client = await hass_client()

    async def answer(flow: Any = None, **user_input: str) -> Any:
        path = f"/{flow['flow_id']}" if flow else ""
        body = (
            user_input
            if flow
            else {"handler": DOMAIN, "issue_id": f"blueprint_changed_{KEY}"}
        )
        response = await client.post(f"/api/repairs/issues/fix{path}", json=body)
        return await response.json()

    return answer


async def test_repair_shows_the_difference_and_keeps(
    hass: HomeAssistant, bundle: Path, blueprint: Path, changed: Any
) -> None:
    """The person's stays in use, and there is no question until the next version."""
    menu = await changed()
    assert menu["menu_options"] == ["show", "replace", "keep"]
    form = await changed(menu, next_step_id="show")
    shown = form["description_placeholders"]["difference"]
    assert "-    event_data: {said: moin}" in shown
    assert "+    event_data: {said: good day}" in shown
    menu = await changed(form)
    assert menu["step_id"] == "init"
    assert (await changed(menu, next_step_id="keep"))["type"] == "create_entry"
    await start(hass)
    assert "moin" in blueprint.read_text()
    assert not issue(hass, f"blueprint_changed_{KEY}")

    await release(hass, bundle, "good evening")
    assert issue(hass, f"blueprint_changed_{KEY}")


async def test_repair_replaces(
    hass: HomeAssistant, bundle: Path, blueprint: Path, changed: Any
) -> None:
    """The new version is in use at once, and the person's is not lost."""
    result = await changed(await changed(), next_step_id="replace")
    assert result["type"] == "create_entry"
    assert await said(hass) == "good day"
    assert "moin" in blueprint.with_name("greeting.yaml.bak").read_text()
    # It follows the release again.
    await release(hass, bundle, "good evening")
    assert await said(hass) == "good evening"


async def test_repair_of_what_was_deleted_meanwhile(
    hass: HomeAssistant, blueprint: Path, changed: Any
) -> None:
    """To replace it is to have it anew."""
    menu = await changed()
    blueprint.unlink()
    assert (await changed(menu, next_step_id="replace"))["type"] == "create_entry"
    assert "good day" in blueprint.read_text()
    assert not blueprint.with_name("greeting.yaml.bak").exists()


async def test_repair_on_a_full_disk(
    hass: HomeAssistant, blueprint: Path, changed: Any
) -> None:
    """The repair says why, and the person's is as it was."""
    menu = await changed()
    with full_disk(20):
        result = await changed(menu, next_step_id="replace")
    assert (result["type"], result["reason"]) == ("abort", "blueprint_not_written")
    assert "File too large" in result["description_placeholders"]["reason"]
    assert "moin" in blueprint.read_text()
    assert issue(hass, f"blueprint_changed_{KEY}")


async def test_long_difference(
    hass: HomeAssistant, bundle: Path, blueprint: Path
) -> None:
    """A file that was written anew is not shown whole."""
    blueprint.write_text("# mine\n" * 1000)
    difference = await hass.data[DATA_BLUEPRINTS].async_difference(KEY)
    assert len(difference.splitlines()) == 301
    assert difference.endswith("…")


async def test_disk_that_is_full(
    hass: HomeAssistant, bundle: Path, blueprint: Path
) -> None:
    """A person is told; what can be written is, and the old version is whole."""
    new = GREETING.replace("hello", "hello " * 500)
    source(bundle).write_text(new)
    source(bundle).with_name("short.yaml").write_text(GREETING)
    with full_disk(1000):
        await start(hass)
    assert blueprint.read_text() == GREETING
    assert blueprint.with_name("short.yaml").read_text() == GREETING
    shown = issue(hass, "blueprint_not_written_automation")
    assert shown
    assert shown.translation_placeholders
    assert shown.translation_placeholders["reason"].startswith(f"{KEY}: ")
    await start(hass)
    assert blueprint.read_text() == new
    assert not issue(hass, "blueprint_not_written_automation")


async def test_what_was_placed_cannot_be_read(
    hass: HomeAssistant, hass_storage: dict[str, Any], tmp_path: Path, bundle: Path
) -> None:
    """A newer version has written it: alarms are watched, no blueprint is touched, and it is told."""
    name = f"{DOMAIN}.blueprints"
    hass_storage[name] = {"version": 2, "data": {}}
    for domain in ("automation", "script", DOMAIN):
        assert await async_setup_component(hass, domain, {})
    await hass.async_block_till_done()
    for domain in ("automation", "script"):
        shown = issue(hass, f"blueprint_not_written_{domain}")
        assert shown
        assert shown.translation_placeholders
        assert name in shown.translation_placeholders["reason"]
        assert not (tmp_path / "blueprints" / domain / DOMAIN).exists()


async def test_what_is_in_the_way(
    hass: HomeAssistant, tmp_path: Path, bundle: Path
) -> None:
    """Whatever the disk refuses, the start goes on, and the other domain has its own."""
    (tmp_path / "blueprints/automation").mkdir(parents=True)
    (tmp_path / "blueprints/automation" / DOMAIN).touch()
    await start(hass)
    assert issue(hass, "blueprint_not_written_automation")
    assert not issue(hass, "blueprint_not_written_script")
    assert (tmp_path / "blueprints/script" / DOMAIN / "sms.yaml").is_file()
