"""What an installer and a duty officer see: flows with their errors, pages, the editor."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import aiohttp
from playwright.async_api import expect
import pytest

from homeassistant.util.yaml import load_yaml_dict
from scripts.take_pictures import PAGES
from simulator.demo.flows import CONFIG as FLOWS, walk
from simulator.demo.home_assistant import HomeAssistant
from simulator.demo.setup import LANDLORD

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
#: The device of a property: no unit, and no safety device.
PROPERTY = """() => Object.values(document.querySelector("home-assistant").hass.devices)
  .find(d => d.identifiers[0]?.[0] === "rental_units" && d.entry_type === "service")?.id"""


def described(domain: str, kind: str) -> list[str]:
    """Return what an integration describes of a kind: triggers, conditions or services."""
    path = ROOT / f"custom_components/{domain}/{kind}.yaml"
    return [
        f"{domain}.{name}"
        for name in load_yaml_dict(str(path))
        if not name.startswith(".")
    ]


AUTOMATION = {
    "alias": "Everything of both integrations",
    "triggers": [
        {"trigger": name, "target": {}, "options": {}}
        for name in described(SAFETY, "triggers")
    ],
    "conditions": [
        {"condition": name, "target": {}} for name in described(SAFETY, "conditions")
    ],
    "actions": [
        {"action": name}
        for domain in (SAFETY, UNITS)
        for name in described(domain, "services")
    ],
}

type Browse = Callable[..., Awaitable[Frontend]]


async def property_of(view: Frontend) -> str:
    """Return the device of the property, once the frontend knows it."""
    return str(await (await view.page.wait_for_function(PROPERTY)).json_value())


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
async def test_other_gateways(browse: Browse, how: dict[str, Any]) -> None:
    """A port that is none, an address that is none, a device that is no safety device."""
    view = await browse(**how)
    stranger = await property_of(view)
    for steps, field, value, error, at in (
        (
            ("user.zigbee", "zigbee.zigbee_serial"),
            "path",
            "/dev/nothing",
            "zigbee_cannot_connect",
            "",
        ),
        (("user.uhppote",), "addresses", ["nothing"], "uhppote_address", "addresses"),
        (("user.adopted",), "devices", [stranger], "no_kind", "devices"),
    ):
        await view.add(SAFETY)
        for step, option in (way.split(".") for way in steps):
            row = f"config.step.{step}.menu_options.{option}"
            await view.choose(view.text(SAFETY, row))
        await view.give(field, value)
        await view.submit()
        await view.error(view.beginning(SAFETY, f"config.error.{error}"), at)


@VIEWS
async def test_door_terminal(browse: Browse, how: dict[str, Any]) -> None:
    """An address that is none is named before a password is sent to anybody."""
    view = await browse(**how)
    await view.add(SAFETY)
    await view.choose(view.text(SAFETY, "config.step.user.menu_options.isapi"))
    await view.fill("url", "192.0.2.7/doors")
    await view.fill("password", "placeholder")
    await view.submit()
    await view.error(view.text(SAFETY, "config.error.isapi_address"), "url")


@pytest.fixture
async def webhook(socket_enabled: None, run: dict[str, Any]) -> AsyncGenerator[str]:
    """Return the name of a gateway that devices report to, as long as it is needed."""
    name = "Gate house"
    async with HomeAssistant(run["port"], run["token"]) as hass:
        entry_id = await walk(
            hass,
            FLOWS,
            SAFETY,
            {"next_step_id": "webhook"},
            {"name": name, "local_only": True},
        )
        yield name
        await hass.rest("DELETE", f"/api/config/config_entries/entry/{entry_id}")


@VIEWS
async def test_device_of_a_webhook(
    browse: Browse, how: dict[str, Any], webhook: str
) -> None:
    """Its address and its key are shown, this once."""
    view = await browse(**how)
    await view.add_to(SAFETY, webhook, "webhook")
    await view.fill("name", "Gauge 1")
    await view.submit()
    shown = view.text(
        SAFETY, "config_subentries.webhook.step.key.title", device="Gauge 1"
    )
    await expect(view.dialog).to_contain_text(shown, timeout=PATIENCE)
    await expect(view.dialog).to_contain_text("/api/webhook/")
    await expect(view.dialog.locator("code").last).to_be_in_viewport(ratio=1)


@VIEWS
async def test_adopted_device(browse: Browse, how: dict[str, Any]) -> None:
    """Nothing, a device of our own, and one that can tell of no danger: each is refused by name."""
    view = await browse(**how)
    flow = "config_subentries.adopted"
    # The gateway has its name from who has set it up.
    await view.add_to(SAFETY, "Adopted devices", "adopted")
    await view.submit()
    await view.error(view.text(SAFETY, f"{flow}.error.nothing_chosen"))
    (own_id, _), *_ = await view.page.evaluate(DEVICES, SAFETY)
    await view.give("device", own_id)
    await view.submit()
    await view.error(view.text(SAFETY, f"{flow}.error.own_device"), "device")

    await view.give("device", await property_of(view))
    await view.submit()
    shown = view.text(SAFETY, f"{flow}.step.kind.title")
    await expect(view.dialog).to_contain_text(shown, timeout=PATIENCE)
    await view.give("kind", "smoke_sensor")
    await view.submit()
    shown = view.text(SAFETY, f"{flow}.step.readings.description")
    await expect(view.dialog).to_contain_text(shown, timeout=PATIENCE)
    await view.submit()
    await view.error(view.text(SAFETY, f"{flow}.error.no_danger"))


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
async def test_database(browse: Browse, how: dict[str, Any]) -> None:
    """An address that is not of a PostgreSQL."""
    view = await browse(**how)
    await view.add(UNITS)
    await view.fill("name", "Second property")
    await view.give("database", "postgresql")
    await view.submit()
    await view.fill("url", "mysql://somebody@192.0.2.7/rental_units")
    await view.submit()
    await view.error(view.text(UNITS, "config.error.invalid_url"), "url")


@VIEWS
async def test_alerts(browse: Browse, how: dict[str, Any]) -> None:
    """A provider's account that is none, a step that comes when the alert is over."""
    view = await browse(**how)
    await view.configure(UNITS)
    await view.choose(view.text(UNITS, "options.step.init.menu_options.channel"))
    for field, value in (("channel", "sms"), ("provider", "twilio")):
        await view.give(field, value)
        await view.submit()
    for field, text in (
        ("account_sid", "AC1"),
        ("auth_token", "secret"),
        ("from", "+12025550100"),
    ):
        await view.fill(field, text)
    await view.submit()
    await view.error(view.text(UNITS, "options.error.invalid_account"), "account_sid")

    await view.configure(UNITS)
    await view.choose(view.text(UNITS, "options.step.init.menu_options.policy"))
    await view.give("severity", "alarm")
    await view.submit()
    await view.give("steps", [{"after": 120}])
    await view.give("valid_for", 60)
    await view.submit()
    await view.error(view.text(UNITS, "options.error.step_too_late"), "steps")


@VIEWS
async def test_roles(browse: Browse, how: dict[str, Any], run: dict[str, Any]) -> None:
    """Who has a role is listed; the home of a landlord has to be a unit."""
    async with HomeAssistant(run["port"], run["token"]) as hass:
        await hass.connect()
        users = await hass.call("config/auth/list")
    view = await browse(**how)
    await view.configure(UNITS)
    await view.choose(view.text(UNITS, "options.step.init.menu_options.roles"))
    police = view.text(UNITS, "selector.account_role.options.police")
    await expect(view.dialog).to_contain_text(f"Police · {police}", timeout=PATIENCE)
    await view.choose(view.text(UNITS, "options.step.roles.menu_options.role_give"))
    await view.give(
        "user_id", next(row["id"] for row in users if row["username"] == LANDLORD)
    )
    await view.give("role", "landlord")
    await view.submit()
    await view.give("unit", await property_of(view))
    await view.submit()
    await view.error(view.text(UNITS, "options.error.no_such_unit"), "unit")


@VIEWS
async def test_responder(
    browse: Browse, how: dict[str, Any], run: dict[str, Any]
) -> None:
    """Somebody whom nobody can tell of a fire."""
    async with HomeAssistant(run["port"], run["token"]) as hass:
        await hass.connect()
        (entry,) = await hass.call("config_entries/get", domain=UNITS)
    view = await browse(**how)
    await view.add_to(UNITS, entry["title"], "responder")
    await view.give("duty", "volunteer")
    await view.fill("name", "Somebody")
    await view.submit()
    await view.error(
        view.text(UNITS, "config_subentries.responder.error.responder_unreachable")
    )


@VIEWS
async def test_pages(browse: Browse, how: dict[str, Any]) -> None:
    """The pages that the documentation shows and those of one device of each model are whole."""
    view = await browse(**how)
    for path, drawn in PAGES:
        await view.open(path)
        await view.page.locator(drawn).first.wait_for()
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
