"""The blueprints, as a property manager uses them: from a real message to what people read."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from datetime import datetime, timedelta
import logging
from pathlib import Path
import re
import shutil
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
    async_fire_time_changed,
    async_mock_service,
)
from pytest_homeassistant_custom_component.typing import (
    ClientSessionGenerator,
    WebSocketGenerator,
)

from custom_components.community_safety.const import DOMAIN
from custom_components.community_safety.core.house import DATA_HOUSE
from homeassistant.components.automation import DOMAIN as AUTOMATION
from homeassistant.core import Context, HomeAssistant, ServiceCall
from homeassistant.helpers import (
    area_registry as ar,
    device_registry as dr,
    entity_registry as er,
    floor_registry as fr,
)
from homeassistant.helpers.entity import entity_sources
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util, yaml as yaml_util
from tests.common import BASE, PATIENCE, Peer, real_seconds, wait_until

FOLDER = Path(__file__).parents[2] / "blueprints/automation/community_safety"
NAMES = sorted(path.stem for path in FOLDER.glob("*.yaml"))
SCRIPTS = FOLDER.parents[1] / "script/community_safety"
ALL = sorted([*FOLDER.glob("*.yaml"), *SCRIPTS.glob("*.yaml")])
#: What tells nobody anything.
SILENT = {"alert_acknowledgement"}

OFFICE = {"entity_id": ["notify.office"]}
EXTRA = [{"event": "extra", "event_data": {"said": "{{ title }}: {{ message }}"}}]
RESULT = [{"event": "result", "event_data": {"said": "{{ result_title }}"}}]
PEOPLE = {"language": "zh-Hans", "notify_target": OFFICE}
SHED = {"area_id": ["shed_1"]}

#: What a blueprint cannot do without.
REQUIRED: dict[str, dict[str, Any]] = {
    "charging_pile_response": {"watched": SHED},
    "water_supply": {"notify_target": OFFICE},
    "elevator": {"notify_target": OFFICE},
    "equipment_fault": {"notify_target": OFFICE},
}
#: Every input, each other than its default.
EVERYTHING: dict[str, dict[str, Any]] = {
    "smoke_response": {
        **PEOPLE,
        "watched": {"floor_id": ["building_1"]},
        "left_out": ["shed_1"],
        "phones": ["a_phone"],
        "alert_people": True,
        "tell_cleared": False,
        "cut_when": "confirmed",
        "cut_where": "chosen",
        "cut_chosen": {"area_id": ["1_1_201"]},
        "second_where": "floor",
        "second_minutes": 5,
        "confirm_minutes": 1.5,
        "unconfirmed": "keep",
        "first_actions": EXTRA,
        "result_actions": RESULT,
    },
    "alert_acknowledgement": {
        "alarm_too": False,
        "alert_too": False,
        "end_too": False,
        "tell_over": False,
    },
    "breaker_response": {
        **PEOPLE,
        "watched": {"floor_id": ["building_1"]},
        "left_out": ["shed_1"],
        "phones": ["a_phone"],
        "hazards": ["leakage"],
        "whole_area": True,
        "first_actions": EXTRA,
        "result_actions": RESULT,
    },
    "charging_pile_response": {
        **PEOPLE,
        "watched": SHED,
        "phones": ["a_phone"],
        "tell_overlong": False,
        "whole_shed": False,
        "first_actions": EXTRA,
        "result_actions": RESULT,
    },
    "water_supply": {
        **PEOPLE,
        "watched": {"area_id": ["roof"]},
        "hazards": ["low_level"],
        "tell_cleared": False,
        "remind": False,
        "every_hours": 2,
        "most_reminders": 3,
        "until_acknowledged": True,
        "more_actions": EXTRA,
    },
    "elevator": {
        **PEOPLE,
        "watched": {"area_id": ["car_1"]},
        "voice": ["tts.voice"],
        "speakers": ["media_player.car_1"],
        "own_words": "Out, please",
        "times": 2,
        "pause": 10,
        "announcement_actions": EXTRA,
        "tell_e_bike": True,
        "more_actions": EXTRA,
    },
    "equipment_fault": {
        **PEOPLE,
        "watched": {"area_id": ["roof"]},
        "hazards": ["tamper"],
        "report_time": "07:30:00",
        "most_lines": 5,
        "urgent": ["tamper"],
        "daytime_only": True,
        "day_begins": "09:00:00",
        "day_ends": "17:00:00",
        "more_actions": EXTRA,
    },
}

type Add = Callable[..., Awaitable[None]]


def complaints(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what automations, scripts and templates complained about."""
    return [
        record.getMessage()
        for record in caplog.get_records("call")
        if record.levelno >= logging.WARNING
        and record.name.startswith(
            (
                "homeassistant.components.automation",
                "homeassistant.components.blueprint",
                "homeassistant.helpers.script",
                "homeassistant.helpers.template",
            )
        )
    ]


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> Generator[None]:
    """Let no automation complain."""
    yield
    assert complaints(caplog) == []


@pytest.fixture
async def site(gateway: MockConfigEntry, freezer: FrozenDateTimeFactory) -> None:
    """Return the gateway at a quarter to ten in the morning, local time."""
    freezer.move_to(local("09:45:00"))


@pytest.fixture
async def add(hass: HomeAssistant) -> AsyncGenerator[Add]:
    """Return what makes automations from blueprints: `add("elevator", input=…)`."""
    folder = Path(hass.config.path("blueprints/automation"))
    folder.mkdir(parents=True)
    (folder / "community_safety").symlink_to(FOLDER)

    async def add(name: str, **inputs: Any) -> None:
        config = {
            "id": name,
            "alias": name,
            "use_blueprint": {
                "path": f"community_safety/{name}.yaml",
                "input": REQUIRED.get(name, {}) | inputs,
            },
        }
        assert await async_setup_component(hass, AUTOMATION, {AUTOMATION: config})
        await hass.async_block_till_done()
        assert hass.states.get(f"automation.{name}").state == "on"

    yield add
    # Ends their timers.
    await hass.services.async_call(
        AUTOMATION, "turn_off", {"entity_id": "all"}, blocking=True
    )


@pytest.fixture
def told(hass: HomeAssistant) -> list[ServiceCall]:
    """Return what is sent to notify entities."""
    return async_mock_service(hass, "notify", "send_message")


@pytest.fixture
async def home(site: None, peer: Peer) -> None:
    """Set up unit 1-1-201: two smoke sensors, a breaker that obeys, a protected one."""
    for device in ("smoke-1", "smoke-2"):
        await peer.config(
            device, "smoke_sensor", ["smoke", "temperature", "test"], area="1-1-201"
        )
        await peer.state(device, smoke=False, temperature=21, test=False)
    await breaker(peer, "breaker-1", "1-1-201")


async def breaker(peer: Peer, device: str, area: str) -> None:
    """Add a breaker that does what it is told."""
    await peer.config(
        device,
        "breaker_monitor",
        ["supply", "current", "residual_current", "voltage"],
        area=area,
    )
    await peer.state(device, supply=True, current=5.0, residual_current=10, voltage=230)
    peer.obedient_breaker(device)


def local(time: str, day: int = 2) -> datetime:
    """Return a time of a day in March 2027, in Home Assistant's time zone."""
    zone = dt_util.get_default_time_zone()
    return datetime.fromisoformat(f"2027-03-0{day}T{time}").replace(tzinfo=zone)


def said(told: list[ServiceCall]) -> list[tuple[str, str]]:
    """Return title and message of each notification."""
    return [(call.data["title"], call.data["message"]) for call in told]


def titles(told: list[ServiceCall]) -> list[str]:
    """Return the titles of the notifications."""
    return [title for title, _ in said(told)]


async def pass_time(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, **delta: float
) -> None:
    """Let time pass."""
    freezer.tick(timedelta(**delta))
    async_fire_time_changed(hass)
    await turns()


async def turns() -> None:
    """Let Home Assistant work; an automation that waits would never be done."""
    for _turn in range(100):
        await asyncio.sleep(0)


async def until(proof: Callable[[], bool]) -> None:
    """Let Home Assistant work until something is so, while automations may wait."""
    end = real_seconds() + PATIENCE
    while not proof():
        assert real_seconds() < end, "it did not come to that"
        await asyncio.sleep(0)


def report(peer: Peer, device: str, **values: Any) -> None:
    """Let a device report, and do not wait for what comes of it."""
    peer.publish(f"{BASE}/{device}/state", peer.state_message(values), retain=True)


def supply(hass: HomeAssistant, device: str) -> str:
    """Return the state of a supply's switch."""
    entity_id = er.async_get(hass).async_get_entity_id(
        "switch", DOMAIN, f"mqtt/{BASE}/{device}/supply"
    )
    assert entity_id
    return hass.states.get(entity_id).state


# The files themselves


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
    """Who leaves it out is answered "Missing input …": the form says so before."""
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
    """The editor saves no automation that would tell nobody."""
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


# Smoke


@pytest.mark.parametrize(
    ("language", "first", "result"),
    [
        (
            "en",
            (
                "Smoke alarm: 1-1-201",
                (
                    "Smoke alarm: 1-1-201. 09:45:00, Smoke 1. The power of 1-1-201 is being"
                    " cut."
                ),
            ),
            (
                "Power is off: 1-1-201",
                "Power is off: 1-1-201. Cut and proven: 1 in 0.0 s.",
            ),
        ),
        (
            "zh-Hans",
            (
                "烟雾报警：1-1-201",
                "烟雾报警：1-1-201。09:45:00，Smoke 1。正在切断1-1-201的电源。",
            ),
            (
                "已断电：1-1-201",
                "已断电：1-1-201。已断电并核实：1路，用时0.0秒。",
            ),
        ),
        (
            "zh-Hant",
            (
                "煙霧警報：1-1-201",
                "煙霧警報：1-1-201。09:45:00，Smoke 1。正在切斷1-1-201的電源。",
            ),
            (
                "已斷電：1-1-201",
                "已斷電：1-1-201。已斷電並核實：1路，用時0.0秒。",
            ),
        ),
    ],
)
async def test_smoke(
    hass: HomeAssistant,
    home: None,
    peer: Peer,
    add: Add,
    told: list[ServiceCall],
    language: str,
    first: tuple[str, str],
    result: tuple[str, str],
) -> None:
    """Smoke in a unit: people are told, its power is cut, and the proof is told."""
    await add("smoke_response", notify_target=OFFICE, language=language)
    await peer.state("smoke-1", smoke=True)
    await wait_until(hass, lambda: len(told) == 2)
    assert said(told) == [first, result]
    assert {call.data["entity_id"][0] for call in told} == {"notify.office"}
    assert supply(hass, "breaker-1") == "off"


@pytest.mark.parametrize("nobody", [{}, {"notify_target": {"entity_id": []}}])
async def test_smoke_without_anybody_to_tell(
    hass: HomeAssistant,
    home: None,
    peer: Peer,
    add: Add,
    told: list[ServiceCall],
    phone: str,
    nobody: dict[str, Any],
) -> None:
    """Nobody was chosen, or is left: every phone with the app and Home Assistant tell it."""
    shown = async_mock_service(hass, "persistent_notification", "create")
    entity_id = er.async_get(hass).async_get_entity_id("notify", "mobile_app", "1")
    assert entity_id
    entity_sources(hass)[entity_id] = {"domain": "mobile_app"}
    await add("smoke_response", **nobody)
    await peer.state("smoke-1", temperature=60)
    await wait_until(hass, lambda: len(shown) == len(told) == 2)
    assert titles(shown) == ["Heat alarm: 1-1-201", "Power is off: 1-1-201"]
    assert said(told) == said(shown)
    assert {tuple(call.data["entity_id"]) for call in told} == {(entity_id,)}
    assert supply(hass, "breaker-1") == "off"


@pytest.mark.parametrize(
    ("name", "device", "values", "title"),
    [
        ("breaker_response", "breaker-1", {"residual_current": 20}, "Warning, Leakage current: 1-1-201"),
        ("equipment_fault", "smoke-1", {"tamper": True}, "Fault, tampered with: 1-1-201"),
    ],
)  # fmt: skip
async def test_nobody_is_left_to_tell(
    hass: HomeAssistant,
    home: None,
    peer: Peer,
    add: Add,
    name: str,
    device: str,
    values: dict[str, Any],
    title: str,
) -> None:
    """The same of other blueprints."""
    await peer.config("smoke-1", "smoke_sensor", ["smoke", "tamper"], area="1-1-201")
    shown = async_mock_service(hass, "persistent_notification", "create")
    await add(name, notify_target={"area_id": []})
    await peer.state(device, **values)
    await wait_until(hass, lambda: len(shown) == 1)
    assert titles(shown) == [title]


async def test_smoke_cleared(
    hass: HomeAssistant, home: None, peer: Peer, add: Add, told: list[ServiceCall]
) -> None:
    """It is told when the smoke has gone, and that a person has to reset."""
    await add("smoke_response", notify_target=OFFICE, cut_when="never")
    await peer.state("smoke-1", smoke=True)
    await peer.state("smoke-1", smoke=False)
    await wait_until(hass, lambda: len(told) == 2)
    assert titles(told) == ["Smoke alarm: 1-1-201", "Cleared: Smoke alarm, 1-1-201"]
    assert "not cut automatically" in said(told)[0][1]
    assert supply(hass, "breaker-1") == "on"


async def test_smoke_elsewhere(
    hass: HomeAssistant, home: None, peer: Peer, add: Add, told: list[ServiceCall]
) -> None:
    """A place that is not watched, or is left out, is none of our business."""
    await add(
        "smoke_response",
        notify_target=OFFICE,
        watched={"area_id": ["1_1_201", "shed_1"]},
        left_out=["shed_1"],
    )
    for device, area in (("smoke-3", "Stairs 1"), ("smoke-4", "Shed 1")):
        await peer.config(device, "smoke_sensor", ["smoke"], area=area)
        await peer.state(device, smoke=True)
    await peer.state("smoke-1", smoke=True)
    await wait_until(hass, lambda: len(told) == 2)
    assert titles(told) == ["Smoke alarm: 1-1-201", "Power is off: 1-1-201"]


@pytest.mark.parametrize("cut_when", ["at_once", "second_detector", "confirmed"])
async def test_smoke_where_nothing_can_be_cut(
    hass: HomeAssistant,
    site: None,
    peer: Peer,
    add: Add,
    told: list[ServiceCall],
    caplog: pytest.LogCaptureFixture,
    cut_when: str,
) -> None:
    """A place without supplies, and a sensor without a place, are told, no error.

    Nothing is announced that is not done, and nobody is asked about it.
    """
    await add("smoke_response", notify_target=OFFICE, cut_when=cut_when)
    for device, place in (("smoke-1", {"area": "Stairs 1"}), ("smoke-2", {})):
        await peer.config(device, "smoke_sensor", ["smoke"], **place)
        await peer.state(device, smoke=True)
    await wait_until(hass, lambda: len(told) == 4)
    assert titles(told) == [
        "Smoke alarm: Stairs 1",
        "Nothing to cut: Stairs 1",
        "Smoke alarm: Smoke 2",
        "Nothing to cut: Smoke 2",
    ]
    assert all("No supply that could be cut" in text for _, text in said(told))
    # The action says so too; the automation has gone on.
    assert len(complaints(caplog)) == 2
    assert all("nothing in the chosen target" in line for line in complaints(caplog))
    caplog.clear()


async def test_smoke_drill(
    hass: HomeAssistant, home: None, peer: Peer, add: Add, told: list[ServiceCall]
) -> None:
    """A drill says so in each message, and cuts nothing."""
    await add("smoke_response", notify_target=OFFICE, language="zh-Hans")
    await peer.state("smoke-1", test=True, smoke=True)
    await wait_until(hass, lambda: len(told) == 2)
    assert titles(told) == ["[演练] 烟雾报警：1-1-201", "[演练] 演练：1-1-201"]
    assert said(told)[0][1].endswith("火灾时将切断1-1-201的电源。")
    assert said(told)[1][1].endswith("演练中将切断：1路。")
    assert supply(hass, "breaker-1") == "on"


async def test_smoke_cuts_the_whole_floor(
    hass: HomeAssistant, home: None, peer: Peer, add: Add, told: list[ServiceCall]
) -> None:
    """The floor is cut, but for protected loads; the messages tell both."""
    await breaker(peer, "breaker-2", "1-1-202")
    await breaker(peer, "pump-1", "1-1-202")
    floor = fr.async_get(hass).async_create("Building 1").floor_id
    for area in ("1_1_201", "1_1_202"):
        ar.async_get(hass).async_update(area, floor_id=floor)
    _, pump = hass.data[DATA_HOUSE].device(f"mqtt/{BASE}/pump-1")
    pump.settings.protected.add("supply")
    await add("smoke_response", notify_target=OFFICE, cut_where="floor")
    await peer.state("smoke-1", smoke=True)
    await wait_until(hass, lambda: len(told) == 2)
    assert "The power of the floor of 1-1-201 is being cut." in said(told)[0][1]
    assert said(told)[1][1].endswith(
        "Cut and proven: 2 in 0.0 s. Left on because protected: 1."
    )
    assert [supply(hass, name) for name in ("breaker-1", "breaker-2", "pump-1")] == [
        "off",
        "off",
        "on",
    ]


async def test_smoke_cuts_what_was_chosen(
    hass: HomeAssistant, home: None, peer: Peer, add: Add, told: list[ServiceCall]
) -> None:
    """The chosen places are cut instead of the alarm's own."""
    await breaker(peer, "breaker-2", "Box 1")
    await add(
        "smoke_response",
        notify_target=OFFICE,
        cut_where="chosen",
        cut_chosen={"area_id": ["box_1"]},
        result_actions=RESULT,
    )
    results = async_capture_events(hass, "result")
    await peer.state("smoke-1", smoke=True)
    await wait_until(hass, lambda: len(results) == 1)
    assert results[0].data["said"] == "Power is off: 1-1-201"
    assert (supply(hass, "breaker-1"), supply(hass, "breaker-2")) == ("on", "off")


@pytest.mark.parametrize(
    ("inputs", "where"),
    [
        ({"cut_where": "chosen"}, "1-1-201"),
        ({"cut_where": "chosen", "cut_chosen": {"area_id": []}}, "1-1-201"),
        ({"cut_where": "floor"}, "1-1-201"),
    ],
)
async def test_smoke_without_a_choice_cuts_the_area(
    hass: HomeAssistant,
    home: None,
    peer: Peer,
    add: Add,
    told: list[ServiceCall],
    inputs: dict[str, Any],
    where: str,
) -> None:
    """Where no place was chosen, or the area has no floor, the area is announced and cut."""
    await add("smoke_response", notify_target=OFFICE, **inputs)
    await peer.state("smoke-1", smoke=True)
    await wait_until(hass, lambda: len(told) == 2)
    assert said(told)[0][1].endswith(f"The power of {where} is being cut.")
    assert titles(told)[1] == "Power is off: 1-1-201"
    assert supply(hass, "breaker-1") == "off"


async def test_smoke_second_detector(
    hass: HomeAssistant,
    home: None,
    peer: Peer,
    add: Add,
    told: list[ServiceCall],
    freezer: FrozenDateTimeFactory,
) -> None:
    """One detector cuts nothing, whatever it says; a second one within the time does."""
    await add("smoke_response", notify_target=OFFICE, cut_when="second_detector")
    await peer.state("smoke-1", smoke=True)
    await peer.state("smoke-1", temperature=60)
    await wait_until(hass, lambda: len(told) == 2)
    assert "until a second detector alarms" in said(told)[0][1]
    assert supply(hass, "breaker-1") == "on"

    await peer.state("smoke-1", smoke=False, temperature=21)
    await peer.state("smoke-2", test=True, smoke=True)
    await wait_until(hass, lambda: len(told) == 5)
    assert supply(hass, "breaker-1") == "on", "a drill is no second detector"

    freezer.tick(timedelta(minutes=5))
    await peer.state("smoke-2", test=False)
    await wait_until(hass, lambda: len(told) == 7)
    assert titles(told)[-2:] == ["Smoke alarm: 1-1-201", "Power is off: 1-1-201"]
    assert supply(hass, "breaker-1") == "off"


async def test_smoke_second_detector_too_late(
    hass: HomeAssistant,
    home: None,
    peer: Peer,
    add: Add,
    told: list[ServiceCall],
    freezer: FrozenDateTimeFactory,
) -> None:
    """An alarm that has cleared long ago is no second detector."""
    await add(
        "smoke_response",
        notify_target=OFFICE,
        cut_when="second_detector",
        second_minutes=3,
        tell_cleared=False,
    )
    await peer.state("smoke-1", smoke=True)
    await peer.state("smoke-1", smoke=False)
    freezer.tick(timedelta(minutes=4))
    await peer.state("smoke-2", smoke=True)
    await wait_until(hass, lambda: len(told) == 2)
    await hass.async_block_till_done()
    assert titles(told) == ["Smoke alarm: 1-1-201"] * 2
    assert supply(hass, "breaker-1") == "on"


@pytest.fixture
async def phone(hass: HomeAssistant) -> str:
    """Return the id of a phone with the app, as its integration registers it."""
    entry = MockConfigEntry(domain="mobile_app")
    entry.add_to_hass(hass)
    device = dr.async_get(hass).async_get_or_create(
        config_entry_id=entry.entry_id, identifiers={("mobile_app", "1")}, name="值班 1"
    )
    er.async_get(hass).async_get_or_create(
        "notify", "mobile_app", "1", config_entry=entry, device_id=device.id
    )
    return device.id


@pytest.fixture
def pushed(hass: HomeAssistant, phone: str) -> list[ServiceCall]:
    """Return what is pushed to the phone."""
    return async_mock_service(hass, "notify", "mobile_app_zhi_ban_1")


@pytest.fixture
async def asked(
    hass: HomeAssistant,
    home: None,
    peer: Peer,
    add: Add,
    told: list[ServiceCall],
    phone: str,
    pushed: list[ServiceCall],
) -> str:
    """Return the id of an alarm whose cut-off waits for a person, of 2 minutes."""
    await add(
        "smoke_response", notify_target=OFFICE, phones=[phone], cut_when="confirmed"
    )
    report(peer, "smoke-1", smoke=True)
    await until(lambda: len(told) == len(pushed) == 1)
    assert "Confirm to cut the power of 1-1-201" in said(told)[0][1]
    assert supply(hass, "breaker-1") == "on"
    (alarm,) = hass.data[DATA_HOUSE].book.open.values()
    return str(alarm.id)


async def test_smoke_confirmed_by_acknowledging(
    hass: HomeAssistant, asked: str, told: list[ServiceCall], hass_admin_user: Any
) -> None:
    """Who acknowledges the alarm confirms the cut-off."""
    await hass.services.async_call(
        DOMAIN,
        "acknowledge",
        {"alarm_id": asked},
        blocking=True,
        context=Context(user_id=hass_admin_user.id),
    )
    await until(lambda: len(told) == 2)
    assert titles(told)[1] == "Power is off: 1-1-201"
    assert supply(hass, "breaker-1") == "off"


async def test_smoke_confirmed_on_a_phone(
    hass: HomeAssistant,
    asked: str,
    told: list[ServiceCall],
    pushed: list[ServiceCall],
) -> None:
    """The button on a phone confirms the cut-off, and acknowledges the alarm."""
    data = pushed[0].data["data"]
    assert data["push"]["sound"]["critical"] == 1
    assert [row["title"] for row in data["actions"]] == [
        "Cut the power",
        "Keep the power on",
    ]
    hass.bus.async_fire(
        "mobile_app_notification_action", {"action": data["actions"][0]["action"]}
    )
    await until(lambda: len(told) == len(pushed) == 2)
    assert titles(told)[1] == titles(pushed)[1] == "Power is off: 1-1-201"
    assert supply(hass, "breaker-1") == "off"
    assert hass.data[DATA_HOUSE].book.open[asked].acknowledged_at


async def test_smoke_refused_on_a_phone(
    hass: HomeAssistant,
    asked: str,
    told: list[ServiceCall],
    pushed: list[ServiceCall],
) -> None:
    """The other button keeps the power on, and everybody learns of it."""
    hass.bus.async_fire(
        "mobile_app_notification_action",
        {"action": pushed[0].data["data"]["actions"][1]["action"]},
    )
    await until(lambda: len(told) == 2)
    assert titles(told)[1] == "Power stays on: 1-1-201"
    assert supply(hass, "breaker-1") == "on"
    assert hass.data[DATA_HOUSE].book.open[asked].acknowledged_at is None


async def test_smoke_clears_before_anybody_answers(
    hass: HomeAssistant,
    asked: str,
    peer: Peer,
    told: list[ServiceCall],
    freezer: FrozenDateTimeFactory,
) -> None:
    """What has cleared is not cut any more."""
    report(peer, "smoke-1", smoke=False)
    await until(lambda: len(told) == 2)
    await pass_time(hass, freezer, minutes=3)
    assert titles(told)[1:] == ["Cleared: Smoke alarm, 1-1-201"]
    assert supply(hass, "breaker-1") == "on"


async def test_smoke_nobody_answers(
    hass: HomeAssistant,
    asked: str,
    told: list[ServiceCall],
    freezer: FrozenDateTimeFactory,
) -> None:
    """When nobody answers in time the power is cut."""
    await pass_time(hass, freezer, seconds=119)
    assert supply(hass, "breaker-1") == "on"
    await pass_time(hass, freezer, seconds=2)
    await until(lambda: len(told) == 2)
    assert titles(told)[1] == "Power is off: 1-1-201"
    assert supply(hass, "breaker-1") == "off"


async def test_smoke_nobody_answers_and_the_power_stays(
    hass: HomeAssistant,
    home: None,
    peer: Peer,
    add: Add,
    told: list[ServiceCall],
    freezer: FrozenDateTimeFactory,
) -> None:
    """Or it stays on, if that was chosen, and that is told."""
    await add(
        "smoke_response",
        notify_target=OFFICE,
        cut_when="confirmed",
        unconfirmed="keep",
        confirm_minutes=1,
    )
    report(peer, "smoke-1", smoke=True)
    await until(lambda: len(told) == 1)
    await pass_time(hass, freezer, seconds=61)
    await until(lambda: len(told) == 2)
    assert titles(told)[1] == "Power stays on: 1-1-201"
    assert "Decide now" in said(told)[1][1]
    assert supply(hass, "breaker-1") == "on"


async def test_many_at_one_moment(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    peer: Peer,
    add: Add,
    told: list[ServiceCall],
) -> None:
    """A hundred alarms at one moment: a hundred runs, each told, none refused."""
    await breaker(peer, "breaker-1", "Stairs 1")
    sensors = [f"smoke-{number}" for number in range(100)]
    for sensor in sensors:
        peer.publish(
            f"{BASE}/{sensor}/config",
            {
                "version": 1,
                "id": sensor,
                "time": dt_util.utcnow().timestamp(),
                "kind": "smoke_sensor",
                "name": sensor,
                "readings": ["smoke"],
                "area": "Stairs 1",
            },
            retain=True,
        )
    await wait_until(hass, lambda: len(gateway.runtime_data.devices) == 101)
    await add("smoke_response", notify_target=OFFICE)
    for sensor in sensors:
        peer.publish(f"{BASE}/{sensor}/state", peer.state_message({"smoke": True}))
    await wait_until(hass, lambda: len(told) == 200)
    assert sorted(titles(told)) == (
        ["Power is off: Stairs 1"] * 100 + ["Smoke alarm: Stairs 1"] * 100
    )
    messages = "".join(message for _, message in said(told))
    assert [sensor for sensor in sensors if f", {sensor}. " not in messages] == []


# Breakers


async def test_breaker_warning(
    hass: HomeAssistant, home: None, peer: Peer, add: Add, told: list[ServiceCall]
) -> None:
    """A warning is told, and nothing is cut."""
    await add("breaker_response", notify_target=OFFICE, language="zh-Hans")
    await peer.state("breaker-1", residual_current=20)
    await wait_until(hass, lambda: len(told) == 1)
    await hass.async_block_till_done()
    assert said(told) == [
        (
            "预警，剩余电流超限：1-1-201",
            "预警，剩余电流超限：1-1-201。09:45:00，Breaker 1。请于今日内安排检查。",
        )
    ]
    assert supply(hass, "breaker-1") == "on"


@pytest.mark.parametrize(("whole_area", "other"), [(False, "on"), (True, "off")])
async def test_breaker_alarm(
    hass: HomeAssistant,
    home: None,
    peer: Peer,
    add: Add,
    told: list[ServiceCall],
    whole_area: bool,
    other: str,
) -> None:
    """At severity alarm the breaker cuts by itself; the rest of the area if asked for."""
    await breaker(peer, "breaker-2", "1-1-201")
    await add("breaker_response", notify_target=OFFICE, whole_area=whole_area)
    await peer.state("breaker-1", residual_current=60)
    await wait_until(hass, lambda: len(told) == 2)
    assert titles(told) == ["ALARM, Leakage current: 1-1-201", "Power is off: 1-1-201"]
    assert supply(hass, "breaker-1") == "off"
    assert supply(hass, "breaker-2") == other


async def test_breaker_that_does_not_open(
    hass: HomeAssistant,
    home: None,
    peer: Peer,
    add: Add,
    told: list[ServiceCall],
    phone: str,
    pushed: list[ServiceCall],
    freezer: FrozenDateTimeFactory,
) -> None:
    """What is not proven is said, and an electrician is called for, loudly."""
    peer.answer(f"{BASE}/breaker-1", lambda _message: None)
    await add("breaker_response", notify_target=OFFICE, phones=[phone])
    report(peer, "breaker-1", residual_current=60)
    await peer.hears(f"{BASE}/breaker-1/set")
    await pass_time(hass, freezer, seconds=11)
    await until(lambda: len(told) == 3)
    texts = dict(said(told))
    assert set(texts) == {
        "ALARM, Leakage current: 1-1-201",
        "POWER MAY BE ON: 1-1-201",
        "CUT-OFF FAILED: 1-1-201",
    }
    assert "call an electrician now" in texts["CUT-OFF FAILED: 1-1-201"]
    assert re.search(
        "NOT PROVEN, do not touch: .*Breaker 1", texts["POWER MAY BE ON: 1-1-201"]
    )
    assert {call.data["data"]["push"]["sound"]["critical"] for call in pushed} == {1}


async def test_breaker_hazards_chosen(
    hass: HomeAssistant, home: None, peer: Peer, add: Add, told: list[ServiceCall]
) -> None:
    """Only the chosen hazards are told, and none means none."""
    await add("breaker_response", notify_target=OFFICE, hazards=[])
    await peer.state("breaker-1", residual_current=20)
    await hass.async_block_till_done()
    assert told == []


# Charging piles


@pytest.fixture
async def shed(site: None, peer: Peer) -> None:
    """Set up a charging shed: two piles that obey."""
    for pile in ("pile-1", "pile-2"):
        await peer.config(
            pile,
            "charging_pile",
            ["supply_1", "current_1", "smoke", "test", "session_duration_1"],
            area="Shed 1",
        )
        await peer.state(
            pile,
            supply_1=True,
            current_1=5,
            smoke=False,
            test=False,
            session_duration_1=1,
        )
        peer.obedient_breaker(pile)


@pytest.mark.parametrize(
    ("whole_shed", "where", "count"), [(True, "整个充电棚", 2), (False, "该充电桩", 1)]
)
async def test_pile_smoke(
    hass: HomeAssistant,
    shed: None,
    peer: Peer,
    add: Add,
    told: list[ServiceCall],
    whole_shed: bool,
    where: str,
    count: int,
) -> None:
    """Smoke at one pile: the whole shed is cut, or the pile alone."""
    await add(
        "charging_pile_response",
        notify_target=OFFICE,
        language="zh-Hans",
        whole_shed=whole_shed,
    )
    await peer.state("pile-1", smoke=True)
    await wait_until(hass, lambda: len(told) == 2)
    assert titles(told) == ["火灾危险，烟雾：Shed 1", "已断电：Shed 1"]
    assert f"正在切断{where}的电源" in said(told)[0][1]
    assert f"已断电并核实：{count}路" in said(told)[1][1]


async def test_pile_drill_and_a_pile_without_a_shed(
    hass: HomeAssistant, shed: None, peer: Peer, add: Add, told: list[ServiceCall]
) -> None:
    """A drill announces no cut, and what is in no area is cut alone, and told so."""
    pile = er.async_get(hass).async_get_entity_id(
        "switch", DOMAIN, f"mqtt/{BASE}/pile-2/supply_1"
    )
    assert pile
    device = er.async_get(hass).async_get(pile).device_id
    dr.async_get(hass).async_update_device(device, area_id=None)
    await add(
        "charging_pile_response",
        notify_target=OFFICE,
        watched={"area_id": ["shed_1"], "device_id": [device]},
    )
    await peer.state("pile-1", smoke=True, test=True)
    await wait_until(hass, lambda: len(told) == 2)
    assert "In a fire the power of the whole shed would be cut" in said(told)[0][1]
    await peer.state("pile-2", smoke=True)
    await wait_until(hass, lambda: len(told) == 4)
    assert "The power of the pile is being cut" in said(told)[2][1]
    assert "Cut and proven: 1" in said(told)[3][1]


async def test_pile_session_too_long(
    hass: HomeAssistant, shed: None, peer: Peer, add: Add, told: list[ServiceCall]
) -> None:
    """A session that lasts too long is told, and cuts nothing."""
    await add("charging_pile_response", notify_target=OFFICE)
    await peer.state("pile-1", session_duration_1=700)
    await wait_until(hass, lambda: len(told) == 1)
    await hass.async_block_till_done()
    assert titles(told) == ["Charging too long: Shed 1"]


# Water


@pytest.fixture
async def tank(site: None, peer: Peer) -> None:
    """Set up a full tank on the roof."""
    await peer.config("tank-1", "water_tank", ["level"], area="Roof")
    await peer.state("tank-1", level=60)


async def test_water(
    hass: HomeAssistant, tank: None, peer: Peer, add: Add, told: list[ServiceCall]
) -> None:
    """Low, then too low, then all is well: three messages."""
    await add("water_supply", notify_target=OFFICE, language="zh-Hans")
    for level in (45, 40, 19, 40, 55):
        await peer.state("tank-1", level=level)
    await wait_until(hass, lambda: len(told) == 3)
    assert titles(told) == [
        "预警，液位过低：Roof",
        "报警，液位过低：Roof",
        "已恢复，液位过低：Roof",
    ]
    assert said(told)[1][1] == (
        "报警，液位过低：Roof。09:45:00，Tank 1。消防用水可能不足，请补水并检查是否泄漏。"
    )


async def test_water_reminder(
    hass: HomeAssistant,
    tank: None,
    peer: Peer,
    add: Add,
    told: list[ServiceCall],
    freezer: FrozenDateTimeFactory,
) -> None:
    """One reminder for all that is open, every so many hours, a limited number."""
    await add("water_supply", notify_target=OFFICE, every_hours=4, most_reminders=2)
    await peer.config("hydrant-1", "hydrant", ["pressure"], area="Stairs 1")
    await peer.state("hydrant-1", pressure=50)
    await peer.state("tank-1", level=45)
    await wait_until(hass, lambda: len(told) == 2)
    told.clear()
    # Every full hour, until 06:00 of the next day
    freezer.move_to(local("09:59:59"))
    reminded = []
    for _hour in range(21):
        await pass_time(hass, freezer, seconds=1)
        reminded.append(len(told))
        await pass_time(hass, freezer, seconds=3599)
    assert len(told) == 2
    assert [reminded.index(1) + 10, reminded.index(2) + 10] == [14, 18]
    assert said(told)[0] == (
        "Fire water, still open: 2",
        (
            "Fire water, still open: 2\n"
            "Stairs 1, Hydrant 1: Water pressure low, for 4 h\n"
            "Roof, Tank 1: Water level low, for 4 h"
        ),
    )


async def test_water_reminder_ends(
    hass: HomeAssistant,
    tank: None,
    peer: Peer,
    add: Add,
    told: list[ServiceCall],
    freezer: FrozenDateTimeFactory,
) -> None:
    """Who has acknowledged is not reminded, if that was chosen; nor of what is over."""
    await add(
        "water_supply", notify_target=OFFICE, every_hours=1, until_acknowledged=True
    )
    await peer.config("hydrant-1", "hydrant", ["pressure"], area="Stairs 1")
    await peer.state("hydrant-1", pressure=50)
    await peer.state("tank-1", level=45)
    await peer.state("tank-1", level=55)
    book = hass.data[DATA_HOUSE].book
    (alarm,) = book.open.values()
    book.acknowledge(alarm, "somebody")
    await wait_until(hass, lambda: len(told) == 3)
    for _hour in range(3):
        freezer.move_to(dt_util.now().replace(minute=59, second=59))
        await pass_time(hass, freezer, seconds=1)
    assert len(told) == 3


# Elevators


@pytest.fixture
async def car(site: None, peer: Peer) -> None:
    """Set up an elevator blocker that does nothing it is told."""
    await peer.config(
        "car-1", "elevator_blocker", ["class_seen", "confidence", "held"], area="Car 1"
    )
    await peer.state("car-1", class_seen="none", confidence=0, held=False)


async def test_elevator_announcement(
    hass: HomeAssistant,
    car: None,
    peer: Peer,
    add: Add,
    told: list[ServiceCall],
    freezer: FrozenDateTimeFactory,
) -> None:
    """It is said in the car until the e-bike has left, and no more often than chosen."""
    spoken = async_mock_service(hass, "tts", "speak")
    speaker = er.async_get(hass).async_get_or_create("media_player", "test", "1")
    er.async_get(hass).async_update_entity(speaker.entity_id, area_id="car_1")
    await add(
        "elevator",
        notify_target=OFFICE,
        language="zh-Hans",
        voice=["tts.voice"],
        announcement_actions=[
            {"event": "display", "event_data": {"text": "{{ announcement }}"}}
        ],
        times=2,
    )
    shown = async_capture_events(hass, "display")
    report(peer, "car-1", class_seen="e_bike", confidence=95)
    await until(lambda: len(spoken) == len(shown) == 1)
    for _pause in range(3):
        await pass_time(hass, freezer, seconds=21)
    assert len(spoken) == len(shown) == 2
    assert spoken[0].data["media_player_entity_id"] == [speaker.entity_id]
    assert spoken[0].data["message"].startswith("请将电动自行车推出电梯")

    report(peer, "car-1", class_seen="none", confidence=0)
    book = hass.data[DATA_HOUSE].book
    await until(lambda: not [row for row in book.open.values() if row.present])
    # Within a minute it would be the same one, which has been told.
    await pass_time(hass, freezer, seconds=61)
    report(peer, "car-1", class_seen="e_bike", confidence=95)
    await until(lambda: len(spoken) == 3)
    report(peer, "car-1", class_seen="none", confidence=0)
    await pass_time(hass, freezer, seconds=21)
    assert len(spoken) == 3
    assert "电动自行车进入电梯：Car 1" not in titles(told)


async def test_elevator_door(
    hass: HomeAssistant,
    car: None,
    peer: Peer,
    add: Add,
    told: list[ServiceCall],
    freezer: FrozenDateTimeFactory,
) -> None:
    """The office learns of a door that was held too long, and not released."""
    await add("elevator", notify_target=OFFICE)
    report(peer, "car-1", class_seen="e_bike", confidence=95, held=True)
    await peer.hears(f"{BASE}/car-1/set")
    await pass_time(hass, freezer, seconds=121)
    await until(lambda: len(told) == 1)
    for _try in range(10):
        await pass_time(hass, freezer, seconds=3.1)
    await until(lambda: len(told) == 2)
    assert titles(told) == [
        "Elevator door held too long: Car 1",
        "ELEVATOR DOOR NOT RELEASED: Car 1",
    ]


async def test_elevator_tells_of_each_e_bike(
    hass: HomeAssistant, car: None, peer: Peer, add: Add, told: list[ServiceCall]
) -> None:
    """The office is told of each e-bike, if it wants."""
    await add("elevator", notify_target=OFFICE, tell_e_bike=True)
    report(peer, "car-1", class_seen="e_bike", confidence=95)
    await until(lambda: len(told) == 1)
    assert said(told) == [
        (
            "E-bike in the elevator: Car 1",
            "E-bike in the elevator: Car 1. 09:45:00, Car 1.",
        )
    ]


async def test_elevator_tells_of_an_announcement_that_is_made(
    hass: HomeAssistant,
    car: None,
    peer: Peer,
    add: Add,
    told: list[ServiceCall],
    freezer: FrozenDateTimeFactory,
) -> None:
    """Only with a voice and a speaker it is said that there is an announcement."""
    spoken = async_mock_service(hass, "tts", "speak")
    await add(
        "elevator",
        tell_e_bike=True,
        times=1,
        voice=["tts.voice"],
        speakers=["media_player.car_1"],
    )
    report(peer, "car-1", class_seen="e_bike", confidence=95)
    await until(lambda: len(told) == len(spoken) == 1)
    assert said(told)[0][1].endswith("09:45:00, Car 1. The announcement is played.")
    await pass_time(hass, freezer, seconds=21)


# Equipment


@pytest.fixture
async def sensors(site: None, peer: Peer) -> None:
    """Set up three smoke sensors with batteries."""
    for number in (1, 2, 3):
        await peer.config(
            f"smoke-{number}",
            "smoke_sensor",
            ["smoke", "battery", "tamper"],
            area=f"1-1-20{number}",
        )
        await peer.state(f"smoke-{number}", smoke=False, battery=90, tamper=False)


async def test_fault_report(
    hass: HomeAssistant,
    sensors: None,
    peer: Peer,
    add: Add,
    told: list[ServiceCall],
    freezer: FrozenDateTimeFactory,
) -> None:
    """Faults are collected quietly, and told once a day until they are repaired."""
    await add(
        "equipment_fault", notify_target=OFFICE, report_time="10:00:00", most_lines=2
    )
    for sensor in ("smoke-1", "smoke-2", "smoke-3"):
        await peer.state(sensor, battery=5)
    await hass.async_block_till_done()
    assert told == []
    freezer.move_to(local("10:00:00"))
    await pass_time(hass, freezer, seconds=0.1)
    assert said(told) == [
        (
            "Equipment faults: 3",
            (
                "Equipment faults: 3\n"
                "1-1-201, Smoke 1: low battery, since 03-02 09:45\n"
                "1-1-202, Smoke 2: low battery, since 03-02 09:45\n"
                "and 1 more"
            ),
        )
    ]
    for sensor in ("smoke-1", "smoke-2", "smoke-3"):
        await peer.state(sensor, battery=90)
    freezer.move_to(local("10:00:00", day=3))
    await pass_time(hass, freezer, seconds=0.1)
    assert titles(told)[1:] == []


@pytest.mark.parametrize(
    ("daytime_only", "time", "count"),
    [(False, "23:00:00", 1), (True, "23:00:00", 0), (True, "12:00:00", 1)],
)
async def test_fault_that_cannot_wait(
    hass: HomeAssistant,
    sensors: None,
    peer: Peer,
    add: Add,
    told: list[ServiceCall],
    freezer: FrozenDateTimeFactory,
    daytime_only: bool,
    time: str,
    count: int,
) -> None:
    """What cannot wait is told at once, at night only if it may."""
    await add(
        "equipment_fault",
        notify_target=OFFICE,
        language="zh-Hant",
        daytime_only=daytime_only,
    )
    freezer.move_to(local(time))
    await peer.state("smoke-1", tamper=True)
    await hass.async_block_till_done()
    assert titles(told) == ["故障，防拆警報：1-1-201"] * count
