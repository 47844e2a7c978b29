"""What an installer and a duty officer see: flows with their errors, pages, the editor."""

from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
from playwright.async_api import expect
import pytest

from .frontend import DESKTOP, PATIENCE, PHONE, ROOT, Frontend

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(300),
    # Together, so that the demo is started once.
    pytest.mark.xdist_group("demo"),
]

SAFETY = "community_safety"
UNITS = "rental_units"
VIEWS = pytest.mark.parametrize(
    "how",
    [
        pytest.param(
            {"language": "en", "scheme": "light", "size": DESKTOP}, id="desktop"
        ),
        pytest.param(
            {"language": "zh-Hans", "scheme": "dark", "size": PHONE}, id="phone"
        ),
    ],
)
#: One device of each model.
DEVICES = """domain => {
  const { devices } = document.querySelector("home-assistant").hass
  const ours = Object.values(devices).filter(d => d.identifiers[0]?.[0] === domain)
  return [...new Map(ours.map(d => [d.model, [d.id, d.name_by_user ?? d.name]])).values()]
}"""
AUTOMATION = {
    "alias": "Everything of Community Safety",
    "triggers": [
        {"trigger": f"{SAFETY}.{name}", "target": {}, "options": {}}
        for name in (
            "alarm_raised",
            "alarm_returned",
            "alarm_acknowledged",
            "alarm_cleared",
            "cut_off_failed",
        )
    ],
    "conditions": [{"condition": f"{SAFETY}.has_open_alarm", "target": {}}],
    "actions": [
        {"action": f"{SAFETY}.cut_off", "target": {"area_id": "1_1_201"}},
        {"action": f"{SAFETY}.acknowledge", "target": {"area_id": "1_1_201"}},
        {"action": f"{UNITS}.alert", "data": {"hazard": "smoke"}},
    ],
}

type Browse = Callable[..., Awaitable[Frontend]]


@VIEWS
async def test_adding_a_gateway(browse: Browse, how: dict[str, Any]) -> None:
    """Each way to add one says what is wrong with what was entered."""
    view = await browse(**how)
    for kind, topic, error, field in (
        ("native", "a/#", "invalid_topic", "topic"),
        ("zigbee2mqtt", "nobody/here", "no_gateway", ""),
    ):
        await view.add(SAFETY)
        await view.choose(view.text(SAFETY, f"config.step.user.menu_options.{kind}"))
        await view.fill("topic", topic)
        await view.submit()
        await view.error(view.text(SAFETY, f"config.error.{error}"), field)
    await view.add(SAFETY)
    for step, option in (("user", "zigbee"), ("zigbee", "zigbee_network")):
        row = f"config.step.{step}.menu_options.{option}"
        await view.choose(view.text(SAFETY, row))
    await view.fill("address", "coordinator/path")
    await view.submit()
    await view.error(view.text(SAFETY, "config.error.zigbee_no_address"), "address")


@VIEWS
async def test_thresholds(browse: Browse, how: dict[str, Any]) -> None:
    """Thresholds that contradict each other are named, above all of them."""
    view = await browse(**how)
    await view.configure(SAFETY)
    tank = view.text(SAFETY, "options.step.init.sections.water_tank.name")
    await view.dialog.get_by_text(tank, exact=True).click()
    await view.fill("low_level_warning", "5")
    await view.submit()
    # Home Assistant does not tell a form in which language it is read.
    await view.error("Low level warning threshold")


@VIEWS
async def test_register(browse: Browse, how: dict[str, Any]) -> None:
    """A property without a name, a unit without a building."""
    view = await browse(**how)
    await view.add(UNITS)
    await view.fill("name", " ")
    await view.submit()
    await view.error(view.text(UNITS, "config.error.name_missing"), "name")

    await view.configure(UNITS)
    for step, option in (("init", "units"), ("units", "unit_add")):
        row = f"options.step.{step}.menu_options.{option}"
        await view.choose(view.text(UNITS, row))
    await view.fill("building", " ")
    await view.fill("number", "1")
    await view.submit()
    await view.error(view.text(UNITS, "options.error.building_missing"), "building")


@VIEWS
async def test_pages(browse: Browse, how: dict[str, Any]) -> None:
    """The control room and the pages of one device of each model are whole."""
    view = await browse(**how)
    await view.open("/safety")
    await view.page.locator("cs-now p, cs-now li").first.wait_for()
    await view.is_whole()
    devices = await view.page.evaluate(DEVICES, SAFETY)
    assert len(devices) >= 6
    for device_id, name in devices:
        await view.open(f"/config/devices/device/{device_id}")
        page = view.page.locator("ha-config-device-page")
        await expect(page).to_contain_text(name, timeout=PATIENCE)
        await view.is_whole()


@VIEWS
async def test_automation_editor(
    browse: Browse, how: dict[str, Any], run: dict[str, Any]
) -> None:
    """Every blueprint, trigger, condition and action is shown with its own words."""
    view = await browse(**how)
    for path in sorted(ROOT.glob(f"blueprints/automation/{SAFETY}/*.yaml")):
        await view.open(f"/config/automation/edit/demo_{path.stem}")
        editor = view.page.locator("blueprint-automation-editor")
        await editor.locator("ha-selector, ha-settings-row").first.wait_for()
        assert await editor.locator("ha-alert[alert-type=error]").count() == 0
        await view.is_whole()

    headers = {"Authorization": f"Bearer {run['token']}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(
            f"{run['url']}/api/config/automation/config/browser", json=AUTOMATION
        ) as response,
    ):
        response.raise_for_status()
    await view.open("/config/automation/edit/browser")
    for kind, part in (("triggers", "trigger"), ("conditions", "condition")):
        rows = view.page.locator(f"ha-automation-{part}-row")
        for row, config in enumerate(AUTOMATION[kind]):
            name = config[part].partition(".")[2]
            await expect(rows.nth(row)).to_contain_text(
                view.text(SAFETY, f"{kind}.{name}.name"), timeout=PATIENCE
            )
    rows = view.page.locator("ha-automation-action-row")
    for row, config in enumerate(AUTOMATION["actions"]):
        domain, _, name = config["action"].partition(".")
        await expect(rows.nth(row)).to_contain_text(
            view.text(domain, f"services.{name}.name"), timeout=PATIENCE
        )
    await view.is_whole()
