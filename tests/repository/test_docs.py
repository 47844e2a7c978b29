"""Documentation says what the code says, in each language, and its examples work."""

import ast
from functools import cache
import inspect
import json
import os
from pathlib import Path
import re
import shlex
from typing import Any
from urllib.parse import unquote

import hass_frontend
from markdown_it import MarkdownIt
import pytest
import voluptuous as vol
import yaml

from benchmarks.__main__ import PARTS
from custom_components.community_safety import services, zigbee_services
from custom_components.community_safety.catalogue import DEVICE_KINDS
from custom_components.community_safety.catalogue.camera import SHORTEST_RETENTION
from custom_components.community_safety.catalogue.measurements import MEASUREMENTS
from custom_components.community_safety.const import DOMAIN
from custom_components.community_safety.core import authority, tellers
from custom_components.community_safety.core.device import DERIVED
from custom_components.community_safety.gateways.frigate.gateway import _is_continuous
from custom_components.community_safety.gateways.protocol import validators
from custom_components.rental_units import community_safety as platform
from custom_components.rental_units.alerts.channels import PROVIDERS
from homeassistant.components.automation.config import async_validate_config_item
from homeassistant.components.notify import SERVICE_SEND_MESSAGE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.template import Template, render_complex
from homeassistant.setup import async_setup_component
from scripts import build_docs
from scripts.write_catalogue import pages, texts_of
from simulator.demo.__main__ import parser as demo
from tests.rental_units.test_texts import SCHEMAS as REGISTER

from .test_repository import texts

ROOT = build_docs.ROOT
DOCS = build_docs.DOCS
PROSE = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
SCHEMAS: dict[str, Any] = {
    **{f"{DOMAIN}.{name}": row for name, row in services.SCHEMAS.items()},
    **{f"{DOMAIN}.{name}": row for name, row in zigbee_services.SCHEMAS.items()},
    **{f"rental_units.{name}": row for name, row in REGISTER.items()},
}
#: Numbers in words.
NUMBERS = [
    "no",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
]
#: What an automation of an alarm knows.
VARIABLES = {
    "trigger": {
        "alarm_id": "01JDEXAMPLE",
        "area_id": "1_1_201",
        "area_name": "1-1-201",
        "hazard_name": "Smoke",
        "drill": False,
    },
    "answer": {"supplies": [{"status": "confirmed"}]},
}
#: Languages whose examples are run, by the tests below; what Zigbee2MQTT is told, by
#: itself, in tests/real_zigbee2mqtt/test_docs.py.
RUN = {"json", "python", "yaml"}
#: How examples without a language begin, and what runs them, or why nothing can.
OTHERS = {
    "git clone ": "test_checkout",
    "scripts/": "test_command",
    "curl ": "tests/community_safety/gateways/webhook/test_webhook.py",
    "${": "test_template_of_a_carrier",
    "catalogue/  ←": "a drawing of the layers",
    "incoming ──": "a drawing of the wires",
    "进线 ──": "a drawing of the wires",
}
#: What begins like an action of ours, and is a file, a folder of the storage or a test.
NO_ACTIONS = {"blueprints", "db", "py", "zigbee_backups", "zip"}
#: A way through pages and menus: in italics, within one paragraph and cell.
_WAY = re.compile(
    r"(?<!\*)\*((?:(?!\n\n)[^*|`]){1,99}→(?:(?!\n\n)[^*|`]){1,99})\*(?!\*)"
)
#: What people see that is no text of a frontend that we have: the three dots, the
#: Marketplace of 2026.11.
ELSEWHERE = {
    "⋮",
    "Marketplace",
}


def code(path: Path) -> list[tuple[str, str]]:
    """Return the examples of a page, as they would be pasted: the language of each, and its text."""
    return [
        (token.info, token.content)
        for token in MarkdownIt().parse(path.read_text("utf-8"))
        if token.type in ("fence", "code_block")
    ]


def blocks(path: Path, language: str) -> list[str]:
    """Return the examples of a page in one language."""
    return [text for said, text in code(path) if said == language]


def examples(language: str) -> list[Any]:
    """Return all examples in one language, each with the name of its place."""
    return [
        pytest.param(text, id=f"{path.relative_to(ROOT)}-{number}")
        for path in PROSE
        if not path.name.startswith("zigbee2mqtt")
        for number, text in enumerate(blocks(path, language), 1)
    ]


@pytest.mark.parametrize(
    ("path", "text"),
    [pytest.param(*row, id=str(row[0].relative_to(DOCS))) for row in pages()],
)
def test_generated_pages_are_up_to_date(path: Path, text: str) -> None:
    """`scripts/catalogue` was run after the last change."""
    assert path.read_text("utf-8") == text


@pytest.mark.parametrize("path", [DOCS / "protocol.md", DOCS / "zh-Hans/protocol.md"])
def test_protocol_names_every_reading(path: Path) -> None:
    """A vendor finds every reading and every kind in the protocol."""
    text = path.read_text("utf-8")
    names = (MEASUREMENTS.keys() - DERIVED) | DEVICE_KINDS.keys()
    assert [name for name in sorted(names) if f"`{name}`" not in text] == []


def names_of_kinds(language: str) -> list[str]:
    """Return what kinds of device are called, in the middle of a sentence."""
    joining = texts_of(DOMAIN, language)["entity"]["event"]["joining"]
    names = joining["state_attributes"]["kind"]["state"]
    return [names[key].lower() for key in DEVICE_KINDS]


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md"])
def test_kinds_are_counted(name: str) -> None:
    """Who reads how many kinds of device there are reads the truth."""
    text = (ROOT / name).read_text("utf-8")
    assert re.findall(r"(\w+) kinds\b", text) == [NUMBERS[len(DEVICE_KINDS)]]


@pytest.mark.parametrize(
    ("path", "language"),
    [
        (ROOT / "README.md", "en"),
        (DOCS / "index.md", "en"),
        (DOCS / "zh-Hans/index.md", "zh-Hans"),
    ],
)
def test_kinds_are_named(path: Path, language: str) -> None:
    """Who looks for a kind of device finds it where devices are introduced."""
    text = path.read_text("utf-8")
    assert [name for name in names_of_kinds(language) if name not in text] == []


@pytest.mark.parametrize("language", build_docs.LANGUAGES)
def test_every_channel_and_role_is_explained(language: str) -> None:
    """Who looks for a channel, or for what a role may do, finds it by its name."""
    selectors = texts_of("rental_units", language)["selector"]
    channels = build_docs.source("channels", language).read_text("utf-8")
    roles = build_docs.source("roles", language).read_text("utf-8").casefold()
    assert [name for name in PROVIDERS if f"| `{name}` |" not in channels] == []
    names = selectors["account_role"]["options"].values()
    assert [name for name in names if name.casefold() not in roles] == []


@pytest.mark.parametrize("language", build_docs.LANGUAGES)
def test_every_blueprint_is_explained(language: str) -> None:
    """Who looks for a blueprint finds a row that leads to it."""
    page = build_docs.source("blueprints", language).read_text("utf-8")
    paths = sorted(ROOT.glob(f"blueprints/automation/{DOMAIN}/*.yaml"))
    assert paths
    assert [path.name for path in paths if f"/{path.name}) |" not in page] == []


def test_each_blueprint_can_be_imported() -> None:
    """The README has a link to import each blueprint, from where it is published."""
    text = (ROOT / "README.md").read_text("utf-8")
    found = dict(re.findall(r"(?m)^\[(\w+)\]: \S+\?blueprint_url=(\S+)$", text))
    assert {name: unquote(url) for name, url in found.items()} == {
        path.stem: f"{build_docs.SOURCE}/blob/main/{path.relative_to(ROOT)}"
        for path in ROOT.glob(f"blueprints/*/{DOMAIN}/*.yaml")
    }
    assert [name for name in found if f"][{name}]" not in text] == []


@cache
def shown(language: str) -> frozenset[str]:
    """Return all texts of Home Assistant's frontend and of our integrations."""
    files = [
        path
        for path in Path(hass_frontend.__file__).parent.rglob(f"{language}-*.json")
        if re.fullmatch(rf"{language}-[0-9a-f]{{32}}", path.stem)
    ]
    assert files
    files += ROOT.glob(f"custom_components/*/translations/{language}.json")
    return frozenset(
        text for path in files for _key, text in texts(json.loads(path.read_text()))
    )


@pytest.mark.parametrize("language", build_docs.LANGUAGES)
def test_ways_through_the_pages(language: str) -> None:
    """A way such as *Settings → System → Repairs* is made of what people see there."""
    known = shown(language) | ELSEWHERE
    assert "Zigbee2MQTT" in known
    folder = DOCS if language == build_docs.DEFAULT else DOCS / language
    ways = [
        (path.name, re.split(r"\s+→\s+", way))
        for path in sorted(folder.glob("*.md"))
        for way in _WAY.findall(path.read_text("utf-8"))
    ]
    assert len(ways) > 20
    assert [
        (page, part)
        for page, parts in ways
        for part in parts
        if " ".join(part.split()) not in known
    ] == []


def test_pictures() -> None:
    """Each picture is shown, each language has its own, and the README has one that moves."""
    shown_by = {
        path: {
            target for _, target in build_docs.links(path) if "images" in str(target)
        }
        for path in PROSE
    }
    assert set.union(*shown_by.values()) == {*(DOCS / "images").rglob("*.webp")}
    for path, pictures in shown_by.items():
        folder = DOCS / "images"
        if path.parent != DOCS and path.parent.parent == DOCS:
            folder /= path.parent.name
        assert {picture.parent for picture in pictures} <= {folder}
    moving = [
        b"ANIM" in picture.read_bytes()[:64] for picture in shown_by[ROOT / "README.md"]
    ]
    assert sorted(moving) == [False, False, False, True]


@pytest.mark.parametrize("language", build_docs.LANGUAGES)
def test_symptoms_are_what_people_see(language: str) -> None:
    """What is looked for in the troubleshooting, in italics, is a text that is shown somewhere."""
    known = [text.casefold() for text in shown(language)]
    page = build_docs.source("troubleshooting", language).read_text("utf-8")
    symptoms = [
        text
        for row in re.findall(r"(?m)^\| ([^|]+) \|", page)
        for text in re.findall(r"\*([^*]+)\*", row)
    ]
    assert len(symptoms) > 10
    assert [
        text
        for text in symptoms
        if not any(
            all(part.strip() in one for part in text.casefold().split("…"))
            for one in known
        )
    ] == []


def test_site(tmp_path: Path) -> None:
    """The site is built without a broken link, each language with its own search."""
    build_docs.build(tmp_path / "site")
    for language, folder in (("en", ""), ("zh", "zh-Hans")):
        site = tmp_path / "site" / folder
        assert f'lang="{language}"' in (site / "index.html").read_text("utf-8")
        found = json.loads((site / "search.json").read_text("utf-8"))
        assert len(found["items"]) > 100
        # What is in English alone is there as well.
        assert (site / "architecture.html").exists()
    assert "断电" in (tmp_path / "site/zh-Hans/alarms.html").read_text("utf-8")


def test_link_to_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link to a file that is not there is named, and nothing is written."""
    page = tmp_path / "page.md"
    page.write_text("# A\n\n[nothing](missing.md)\n")
    monkeypatch.setattr(build_docs, "source", lambda *_: page)
    monkeypatch.setattr(build_docs, "ROOT", tmp_path)
    with pytest.raises(build_docs.DocsError, match=r"missing\.md is not there"):
        build_docs.build(tmp_path / "site")
    assert not (tmp_path / "site").exists()


def test_anchor_to_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So is a link to a heading that is not there."""
    (tmp_path / "page.md").write_text("# A\n\n[nothing](#missing)\n")
    monkeypatch.setattr(build_docs, "source", lambda *_: tmp_path / "page.md")
    with pytest.raises(build_docs.DocsError, match="missing"):
        build_docs.build(tmp_path / "site")


def test_page_without_a_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that nobody would find is named."""
    monkeypatch.setattr(build_docs, "listed", lambda: ["index"])
    with pytest.raises(build_docs.DocsError, match="alarms"):
        build_docs.build(tmp_path / "site")


def test_other_servers(tmp_path: Path) -> None:
    """What a page would load from elsewhere is found; what a reader may follow is not."""
    (tmp_path / "a.html").write_text(
        '<link rel="stylesheet" href="https://fonts.example/a.css">'
        '<link rel="canonical" href="https://ours.example/">'
        '<script src="//cdn.example/a.js"></script><a href="https://x.example">x</a>'
        '<img src="images/a.png">'
    )
    (tmp_path / "a.css").write_text("@font-face{src:url('https://f.example/a.woff')}")
    assert build_docs.foreign(tmp_path) == [
        "a.html: https://fonts.example/a.css",
        "a.html: //cdn.example/a.js",
        "a.css: https://f.example/a.woff",
    ]


@pytest.mark.parametrize("path", PROSE, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_example_is_run(path: Path) -> None:
    """An example is in a language that is run here, or is named with what runs it, or why nothing can."""
    assert [
        (language, text)
        for language, text in code(path)
        if language not in RUN and (language or not text.startswith(tuple(OTHERS)))
    ] == []


def test_an_example_that_nothing_runs() -> None:
    """Each row of what is run otherwise is needed, and what it names is there."""
    texts = [text for path in PROSE for language, text in code(path) if not language]
    assert [
        beginning
        for beginning in OTHERS
        if not any(text.startswith(beginning) for text in texts)
    ] == []
    assert [
        runs
        for runs in OTHERS.values()
        if not (runs in globals() or (ROOT / runs).is_file() or "drawing" in runs)
    ] == []


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_checkout(name: str) -> None:
    """Who begins with a checkout takes it from where it is published, and goes into its folder."""
    (text,) = [text for _, text in code(ROOT / name) if text.startswith("git clone ")]
    clone, folder, *commands = text.splitlines()
    assert clone == f"git clone {build_docs.SOURCE}"
    assert folder == f"cd {build_docs.SOURCE.rpartition('/')[2]}"
    assert [command for command in commands if not command.startswith("scripts/")] == []


@pytest.mark.parametrize("text", examples("python"))
def test_python(text: str) -> None:
    """What another integration is told to offer is what is looked for there, and what ours offers."""
    (function,) = ast.parse(text).body
    assert isinstance(function, ast.AsyncFunctionDef)
    looked_for = "".join(inspect.getsource(module) for module in (authority, tellers))
    assert f'"{function.name}"' in looked_for
    ours = getattr(platform, function.name)
    assert inspect.iscoroutinefunction(ours)
    assert [argument.arg for argument in function.args.args] == list(
        inspect.signature(ours).parameters
    )
    # The types that it names are ours, or Home Assistant's own.
    names = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
    assert names - vars(authority).keys() - vars(tellers).keys() == set()


@pytest.mark.parametrize("language", build_docs.LANGUAGES)
def test_template_of_a_carrier(language: str) -> None:
    """The template that a carrier is asked to approve has the variables that are filled in, and no other."""
    page = build_docs.source("channels", language)
    (text,) = [text for _, text in code(page) if text.startswith("${")]
    variables = re.findall(r"\$\{(\w+)\}", text)
    alibaba = (
        ROOT / "custom_components/rental_units/alerts/channels/alibaba.py"
    ).read_text("utf-8")
    assert [name for name in variables if f'"{name}"' not in alibaba] == []
    # Directly after the address, with nothing that could be any.
    assert variables[-1] == "link"
    assert "/${link}" in text


@pytest.mark.parametrize("path", PROSE, ids=lambda path: str(path.relative_to(ROOT)))
def test_actions_are_there(path: Path) -> None:
    """An action, a trigger or a condition of ours that a page names is one."""
    known = set(SCHEMAS) | {
        f"{file.parent.name}.{name}"
        for file in ROOT.glob("custom_components/*/*.yaml")
        if file.stem in ("conditions", "triggers")
        for name in yaml.safe_load(file.read_text("utf-8"))
    }
    named = {
        match[0]
        for span in re.findall(r"`([^`\n]+)`", path.read_text("utf-8"))
        for match in re.finditer(r"\b(?:community_safety|rental_units)\.(\w+)", span)
        if match[1] not in NO_ACTIONS
    }
    assert sorted(named - known) == []


@pytest.mark.parametrize("text", examples("yaml"))
async def test_yaml(hass: HomeAssistant, text: str) -> None:
    """Home Assistant takes each example, and so does the action that it calls."""
    example = yaml.safe_load(text)
    if "template" in example:
        await check_template(hass, example)
        return
    if "record" in example:
        check_frigate(example)
        return
    assert await async_setup_component(hass, "automation", {})
    assert await async_setup_component(hass, DOMAIN, {})
    if "triggers" in example:
        await async_validate_config_item(hass, "example", example)
    actions = example.get("actions", [example])
    for action in cv.SCRIPT_SCHEMA(actions):
        check_action(hass, action)


async def check_template(hass: HomeAssistant, example: dict[str, Any]) -> None:
    """Run a template of a detector: calm only while that says so, and away when that is."""
    assert await async_setup_component(hass, "template", example)
    (name,) = re.findall(r"is_state\('([^']+)', 'alarm'\)", json.dumps(example))
    for said, shown in (("alarm", "on"), ("normal", "off"), ("unavailable",) * 2):
        hass.states.async_set(name, said)
        await hass.async_block_till_done()
        (state,) = hass.states.async_all("binary_sensor")
        assert state.state == shown
        assert state.attributes["device_class"] == "smoke"


def check_frigate(example: dict[str, Any]) -> None:
    """See that Frigate keeps, by these settings, what our own rule asks of a camera."""
    assert example["mqtt"]["host"]
    assert example["lpr"]["enabled"]
    record = example["record"]
    assert record["enabled"]
    assert _is_continuous(record)
    assert record["continuous"]["days"] >= SHORTEST_RETENTION.default


def check_action(hass: HomeAssistant, action: dict[str, Any]) -> None:
    """Call the schema of an action with what an example gives it."""
    name = action["action"]
    if name == f"notify.{SERVICE_SEND_MESSAGE}":
        assert action["data"]["message"]
        return
    given = {**action.get("data", {}), **action.get("target", {})}
    for value in given.values():
        if isinstance(value, Template):
            value.hass = hass
    SCHEMAS[name](render_complex(given, VARIABLES))


def test_yaml_is_refused(hass: HomeAssistant) -> None:
    """An example with a field that there is not, or without one that is needed, fails."""
    action = {"action": f"{DOMAIN}.cut_off", "target": {"area_id": "a"}, "data": {}}
    check_action(hass, action)
    with pytest.raises(vol.Invalid):
        check_action(hass, {**action, "data": {"drills": True}})
    with pytest.raises(vol.Invalid):
        check_action(hass, {**action, "action": f"{DOMAIN}.restore"})


@pytest.mark.parametrize("text", examples("json"))
def test_json(text: str) -> None:
    """Home Assistant's schema of the protocol takes each message."""
    try:
        messages = [json.loads(text)]
    except ValueError:
        messages = [json.loads(line) for line in text.splitlines()]
    for message in messages:
        kind = {
            "kind": "config",
            "values": "state",
            "ok": "result",
            "index": "passage",
        }.get(next(key for key in message if key not in ("version", "id", "time")), "")
        # What Home Assistant itself sends, it does not look at.
        assert kind or message.keys() & {"set", "put", "read"}
        if kind:
            validators()[kind](message)


def commands() -> list[Any]:
    """Return each command of this repository that a page names, as it is typed."""
    found = {
        (match[1].strip(), path)
        for path in PROSE
        for match in re.finditer(
            r"(?m)(?:`|^ {4})(scripts/[a-z][^`\n]*?)(?:`|   +.*$|$)",
            path.read_text("utf-8"),
        )
    }
    return [
        pytest.param(command, id=f"{path.relative_to(ROOT)}-{command}")
        for command, path in sorted(found)
    ]


@pytest.mark.parametrize("command", commands())
def test_command(command: str) -> None:
    """A command that somebody is told to type is there, and takes these arguments."""
    script, *arguments = shlex.split(command)
    path = ROOT / script
    if path.suffix == ".py" or path.is_dir():
        assert path.exists()
        return
    assert os.access(path, os.X_OK)
    if script == "scripts/demo":
        demo().parse_args(arguments)
    elif script == "scripts/benchmark" and arguments[:1] == ["--only"]:
        assert set(arguments[1].split(",")) <= set(PARTS)
    elif script == "scripts/test":
        names = [name for name in arguments if name.startswith("tests/")]
        assert all((ROOT / name).exists() for name in names)
    else:
        usage = path.read_text("utf-8")
        options = [name for name in arguments if name.startswith("-")]
        assert [name for name in options if name not in usage] == []
