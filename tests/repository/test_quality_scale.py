"""Every rule of the quality scale is done or exempt, and what a machine can see of it is so.

https://developers.home-assistant.io/docs/core/integration-quality-scale/rules
"""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path
import re
import tomllib
from typing import Any

import pytest

from custom_components.community_safety.const import DOMAIN
from custom_components.community_safety.gateways.contact import (
    ASK_SECONDS,
    RETRY_SECONDS,
)
from homeassistant import components
from homeassistant.const import Platform
from homeassistant.util.yaml import load_yaml_dict
from scripts import build_docs

from .integration import INTEGRATIONS, ROOT, Integration, last_name, leaves

#: The rules are those that Home Assistant's own integrations of the highest tier answer.
OWN = Path(components.__path__[0])
RULES = set(load_yaml_dict(str(OWN / "unifi_access/quality_scale.yaml"))["rules"])
#: The least of a reason that somebody else can judge.
REASON_CHARACTERS = 20
TRANSLATED = {
    *("HomeAssistantError", "ServiceValidationError", "UpdateFailed"),
    *("ConfigEntryNotReady", "ConfigEntryError", "ConfigEntryAuthFailed"),
}
#: Errors of ours, and which of their arguments is the key of their text.
OUR_ERRORS = {"CommandError": 1, "RegisterError": 0}
DISCOVERIES = ("bluetooth", "dhcp", "homekit", "mqtt", "ssdp", "usb", "zeroconf")

type Check = Callable[[Integration], Iterator[str]]
CHECKS: dict[str, Check] = {}


def rules_of(integration: Integration) -> dict[str, Any]:
    """Return what an integration says of each rule."""
    rules: dict[str, Any] = integration.yaml("quality_scale.yaml")["rules"]
    return rules


def status(answer: Any) -> str:
    """Return the answer to a rule."""
    return str(answer["status"] if isinstance(answer, dict) else answer)


def check(*rules: str) -> Callable[[Check], Check]:
    """Let a function yield what contradicts a rule that is said to be done."""

    def register(function: Check) -> Check:
        CHECKS.update(dict.fromkeys(rules, function))
        return function

    return register


def source(integration: Integration, name: str) -> str:
    """Return the code of a file without its comments."""
    return ast.unparse(integration.trees[name])


def steps(integration: Integration, *wanted: str) -> Iterator[str]:
    """Yield the steps that no flow of an integration has."""
    there = integration.functions()
    yield from (step for step in wanted if f"async_step_{step}" not in there)


def documented(
    integration: Integration, names: Iterator[str] | list[str]
) -> Iterator[str]:
    """Yield the names that are in code type nowhere in the documentation."""
    text = "\n".join(
        path.read_text("utf-8")
        for path in (ROOT / "README.md", *ROOT.glob("docs/**/*.md"))
    )
    yield from (
        name
        for name in names
        if not re.search(rf"`(?:{integration}\.)?{name}[`:]", text)
        and f" {integration}.{name}\n" not in text
    )


def headings(*wanted: str) -> Check:
    """Return a check that there is a section of one of these names, for each."""

    def look(integration: Integration) -> Iterator[str]:
        found = {
            line.lstrip("# ").lower()
            for path in (ROOT / "README.md", *ROOT.glob("docs/**/*.md"))
            for line in path.read_text("utf-8").splitlines()
            if line.startswith("#")
        }
        for name in wanted:
            if not any(re.search(name, heading) for heading in found):
                yield f"no section {name!r} in the documentation"

    return look


CHECKS["docs-installation-instructions"] = headings("install")
CHECKS["docs-removal-instructions"] = headings("remove|removal")
CHECKS["docs-troubleshooting"] = headings("wrong|troubleshoot")
CHECKS["docs-known-limitations"] = headings("know before|limit")


@check("docs-actions")
def actions_documented(integration: Integration) -> Iterator[str]:
    """See that each action is in the documentation."""
    return documented(integration, list(integration.yaml("services.yaml")))


@check("docs-triggers")
def triggers_documented(integration: Integration) -> Iterator[str]:
    """See that each trigger is in the documentation."""
    return documented(integration, list(integration.yaml("triggers.yaml")))


@check("docs-conditions")
def conditions_documented(integration: Integration) -> Iterator[str]:
    """See that each condition is in the documentation."""
    return documented(integration, list(integration.yaml("conditions.yaml")))


@check("docs-installation-parameters", "docs-configuration-parameters")
def parameters_documented(integration: Integration) -> Iterator[str]:
    """See that each field of each form is in the reference, or a threshold in the catalogue."""
    for language in build_docs.LANGUAGES:
        texts = integration.json(f"translations/{language}.json")
        told = "".join(
            build_docs.source(page, language).read_text("utf-8")
            for page in ("reference", "catalogue")
        )
        flows = [texts["config"], texts["options"]]
        flows += texts.get("config_subentries", {}).values()
        for flow in flows:
            for step, form in flow["step"].items():
                for part in (form, *form.get("sections", {}).values()):
                    yield from (
                        f"{language}: {step}: {field}"
                        for field, name in part.get("data", {}).items()
                        if not re.search(
                            rf"(?m)^\| {re.escape(name)}(?: [|(]|（)", told
                        )
                    )


@check("action-setup")
def action_setup(integration: Integration) -> Iterator[str]:
    """See that actions are there without a config entry."""
    (setup,) = (
        node
        for node in integration.trees["__init__.py"].body
        if isinstance(node, ast.AsyncFunctionDef) and node.name == "async_setup"
    )
    called = {
        last_name(node.func) for node in ast.walk(setup) if isinstance(node, ast.Call)
    }
    if "async_setup_services" not in called:
        yield "async_setup registers no actions"


@check("brands")
def brands(integration: Integration) -> Iterator[str]:
    """See that there is an icon."""
    if not (integration.folder / "brand/icon.png").is_file():
        yield "brand/icon.png is missing"


@check("config-flow")
def config_flow(integration: Integration) -> Iterator[str]:
    """See that there is a flow, and each of its fields is explained."""
    if not integration.manifest["config_flow"]:
        yield "the manifest has no flow"
    yield from steps(integration, "user")
    flows = [integration.texts["config"], integration.texts.get("options", {})]
    flows += integration.texts.get("config_subentries", {}).values()
    for flow in flows:
        for step, texts in flow.get("step", {}).items():
            for part in (texts, *texts.get("sections", {}).values()):
                unexplained = part.get("data", {}).keys() - part.get(
                    "data_description", {}
                )
                yield from (
                    f"{step}: {field} is not explained" for field in unexplained
                )


@check("entity-unique-id")
def unique_ids(integration: Integration) -> Iterator[str]:
    """See that entities have unique ids."""
    if not re.search(
        r"_attr_unique_id = |def unique_id", source(integration, "entity.py")
    ):
        yield "entity.py gives none"


@check("has-entity-name")
def entity_names(integration: Integration) -> Iterator[str]:
    """See that entities are named within their device."""
    if "_attr_has_entity_name = True" not in source(integration, "entity.py"):
        yield "entity.py does not say so"


@check("common-modules")
def common_modules(integration: Integration) -> Iterator[str]:
    """See that what entities share is in one module."""
    if not any(
        isinstance(node, ast.ClassDef) for node in integration.trees["entity.py"].body
    ):
        yield "entity.py has no class"


@check("runtime-data")
def runtime_data(integration: Integration) -> Iterator[str]:
    """See that what belongs to a config entry is kept with it."""
    if "entry.runtime_data = " not in source(integration, "__init__.py"):
        yield "no runtime_data"
    for place, node in integration.nodes:
        if isinstance(node, ast.Subscript) and ast.unparse(node) == "hass.data[DOMAIN]":
            yield f"{place}: hass.data[DOMAIN]"


@check("unique-config-entry")
def unique_entry(integration: Integration) -> Iterator[str]:
    """See that nothing is added twice."""
    called = {
        last_name(call.func)
        for _, call in integration.calls(
            "_abort_if_unique_id_configured", "_async_abort_entries_match"
        )
    }
    if not called:
        yield "no flow looks"
    if "already_configured" not in integration.texts["config"]["abort"]:
        yield "nobody is told"
    # A form that somebody has left behind must not be in the way of the next.
    found = {f"async_step_{name}" for name in DISCOVERIES}
    for place, node in integration.nodes:
        if isinstance(node, ast.AsyncFunctionDef) and node.name not in found:
            for call in ast.walk(node):
                if (
                    isinstance(call, ast.Call)
                    and last_name(call.func) == "async_set_unique_id"
                    and "raise_on_progress" not in {row.arg for row in call.keywords}
                ):
                    yield f"{place}: waits for another flow"


@check("dependency-transparency")
def transparency(integration: Integration) -> Iterator[str]:
    """See that requirements are versions of public packages."""
    for row in integration.manifest["requirements"]:
        if not re.fullmatch(r"[\w-]+==[\w.]+", row):
            yield row


@check("test-before-configure")
def tried(integration: Integration) -> Iterator[str]:
    """See that a flow says what is wrong, before there is an entry."""
    if not integration.texts["config"]["error"]:
        yield "no flow has errors"


@check("action-exceptions", "exception-translations")
def exceptions(integration: Integration) -> Iterator[str]:
    """See that what a user is told is translated."""
    texts = integration.texts["exceptions"]
    for place, node in integration.nodes:
        if not (isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call)):
            continue
        name = last_name(node.exc.func)
        if name in OUR_ERRORS:
            argument = node.exc.args[OUR_ERRORS[name]]
            if isinstance(argument, ast.Constant) and argument.value not in texts:
                yield f"{place}: no text {argument.value!r}"
        if name not in TRANSLATED:
            continue
        said = {row.arg: row.value for row in node.exc.keywords}
        key = said.get("translation_key")
        if key is None and None not in said:
            yield f"{place}: no translation_key"
        elif isinstance(key, ast.Constant) and key.value not in texts:
            yield f"{place}: no text {key.value!r}"


@check("config-entry-unloading")
def unloading(integration: Integration) -> Iterator[str]:
    """See that an entry can be unloaded."""
    if "async_unload_entry" not in integration.functions("__init__.py"):
        yield "no async_unload_entry"


@check("integration-owner")
def owner(integration: Integration) -> Iterator[str]:
    """See that somebody is responsible."""
    if not integration.manifest["codeowners"]:
        yield "nobody"


@check("parallel-updates")
def parallel_updates(integration: Integration) -> Iterator[str]:
    """See that each platform says how many of its entities work at once."""
    for platform in Platform:
        tree = integration.trees.get(f"{platform}.py")
        if tree and not any(
            isinstance(node, ast.Assign)
            and last_name(node.targets[0]) == "PARALLEL_UPDATES"
            for node in tree.body
        ):
            yield platform


@check("reauthentication-flow")
def reauthentication(integration: Integration) -> Iterator[str]:
    """See that a secret that is refused is asked for anew."""
    yield from steps(integration, "reauth", "reauth_confirm")
    if "reauth_successful" not in integration.texts["config"]["abort"]:
        yield "its end has no text"
    if "ConfigEntryAuthFailed" not in source(integration, "__init__.py") and not list(
        integration.calls("async_start_reauth")
    ):
        yield "nothing asks for it"


@check("reconfiguration-flow")
def reconfiguration(integration: Integration) -> Iterator[str]:
    """See that what was entered can be corrected."""
    yield from steps(integration, "reconfigure")
    if "reconfigure_successful" not in integration.texts["config"]["abort"]:
        yield "its end has no text"


@check("config-flow-test-coverage", "test-coverage")
def coverage(integration: Integration) -> Iterator[str]:
    """See that a run of all tests fails below the limits."""
    options = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]
    if options["coverage"]["report"]["fail_under"] < 95:
        yield "less than 95 % is enough"
    script = (ROOT / "scripts/test").read_text("utf-8")
    if "--fail-under=100" not in script:
        yield "less than 100 % of flows is enough"


@check("devices")
def devices(integration: Integration) -> Iterator[str]:
    """See that entities belong to devices."""
    if not re.search(
        r"_attr_device_info = |def device_info|device_entry = ",
        source(integration, "entity.py"),
    ):
        yield "entity.py names none"


@check("diagnostics")
def diagnostics(integration: Integration) -> Iterator[str]:
    """See that they can be downloaded, and what is secret or personal is left out."""
    if "async_get_config_entry_diagnostics" not in integration.functions(
        "diagnostics.py"
    ):
        yield "none of an entry"


@check("discovery")
def discovery(integration: Integration) -> Iterator[str]:
    """See that what the manifest looks for has its step."""
    wanted = [key for key in DISCOVERIES if key in integration.manifest]
    if not wanted:
        yield "the manifest looks for nothing"
    yield from steps(integration, *wanted)


@check("entity-translations")
def entity_translations(integration: Integration) -> Iterator[str]:
    """See that each platform's entities have names."""
    names = integration.texts["entity"]
    for platform in Platform:
        if f"{platform}.py" in integration.trees and not names.get(platform):
            yield platform
    for path, _text in leaves(names):
        if len(path) == 2 and "name" not in names[path[0]][path[1]]:
            yield ".".join(path)


@check("icon-translations")
def icon_translations(integration: Integration) -> Iterator[str]:
    """See that no icon of an entity stands in the code."""
    if not integration.icons["entity"]:
        yield "icons.json has none"
    for name in ("entity", *map(str, Platform)):
        tree = integration.trees.get(f"{name}.py")
        if tree and "mdi:" in ast.unparse(tree):
            yield name


@check("repair-issues")
def repair_issues(integration: Integration) -> Iterator[str]:
    """See that each issue says what to do: in its text, or in the steps of its flow."""
    if not integration.texts["issues"]:
        yield "none"
    for key, issue in integration.texts["issues"].items():
        if not issue.get("title") or not (
            issue.get("description") or issue.get("fix_flow")
        ):
            yield key
    if any("fix_flow" in issue for issue in integration.texts["issues"].values()) and (
        "async_create_fix_flow" not in integration.functions("repairs.py")
    ):
        yield "no flow"


@check("stale-devices")
def stale_devices(integration: Integration) -> Iterator[str]:
    """See that a device that is gone can be deleted."""
    if "async_remove_config_entry_device" not in integration.functions("__init__.py"):
        yield "by nobody"


@check("inject-websession")
def websession(integration: Integration) -> Iterator[str]:
    """See that home Assistant's own HTTP client is used."""
    yield from (place for place, _call in integration.calls("ClientSession"))


@check("strict-typing")
def strict_typing(integration: Integration) -> Iterator[str]:
    """See that mypy is strict everywhere, and nothing of ours is left out."""
    mypy = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["mypy"]
    if not mypy["strict"] or "custom_components" not in mypy["files"]:
        yield "not strict"
    for row in mypy["overrides"]:
        modules = row["module"] if isinstance(row["module"], list) else [row["module"]]
        yield from (name for name in modules if name.startswith("custom_components"))


@pytest.mark.parametrize("integration", INTEGRATIONS, ids=str)
def test_every_rule_has_its_answer(integration: Integration) -> None:
    """Each rule of Home Assistant is done, or exempt for a reason that can be judged."""
    rules = rules_of(integration)
    assert set(rules) == RULES
    assert integration.manifest["quality_scale"] == "platinum"
    for rule, answer in rules.items():
        assert status(answer) in ("done", "exempt"), rule
        if status(answer) == "exempt":
            assert len(answer["comment"]) >= REASON_CHARACTERS, rule


@pytest.mark.parametrize("integration", INTEGRATIONS, ids=str)
@pytest.mark.parametrize("rule", CHECKS)
def test_what_is_done_is_done(integration: Integration, rule: str) -> None:
    """The code and the documentation do not contradict a rule that is said to be done."""
    if status(rules_of(integration)[rule]) == "exempt":
        pytest.skip("exempt")
    assert list(CHECKS[rule](integration)) == []


def test_checks_are_of_rules() -> None:
    """Each check is of a rule that there is."""
    assert CHECKS.keys() <= RULES


@pytest.mark.parametrize("integration", INTEGRATIONS, ids=str)
def test_no_entity_is_polled(integration: Integration) -> None:
    """Why `appropriate-polling` is exempt: no entity is asked how it is."""
    assert status(rules_of(integration)["appropriate-polling"]) == "exempt"
    assert "async_update" not in integration.functions("entity.py")
    assert list(integration.calls("DataUpdateCoordinator")) == []
    assert re.search(
        r"_attr_should_poll = False|def should_poll\(self\) -> bool:(?s:.{0,90})return False",
        source(integration, "entity.py"),
    )


def test_who_is_asked() -> None:
    """What a gateway does by the clock is known, and those that are asked by it are named."""
    ours = Integration(ROOT / "custom_components" / DOMAIN)
    by_the_clock = set()
    for name, position in (("async_track_time_interval", 1), ("async_call_later", 2)):
        for place, call in ours.calls(name):
            if place.startswith("gateways/"):
                job = call.args[position]
                while isinstance(job, ast.Call):  # HassJob(partial(what is done, …), …)
                    job = job.args[0] if job.args else job.func
                by_the_clock.add(
                    (place.partition(":")[0].partition("/")[2], last_name(job))
                )
    silent_are_asked = {
        ("adopted/gateway.py", "_look_after"),
        ("mqtt/zigbee2mqtt.py", "_ask_silent"),
        ("zigbee/gateway.py", "_ask_silent"),
    }
    controllers_are_asked = {("contact.py", "_planned")}
    gates_are_asked = {("vzenith/gateway.py", "_ask_pages")}
    cameras_are_asked = {("frigate/gateway.py", "_planned")}
    nobody_is_asked = {
        ("adopted/gateway.py", "_absent_for_long"),
        ("base.py", "_tell_not_said"),
        ("isapi/controller.py", "_listen"),
        ("mqtt/gateway.py", "_waited"),
        ("uhppote/controller.py", "over"),
        ("uhppote/gateway.py", "_listen_again"),
        ("vzenith/gateway.py", "elapsed"),
        ("vzenith/gateway.py", "over"),
        ("zigbee/gateway.py", "_count"),
        ("zigbee/host/link.py", "_check_alive"),
    }
    are_asked = (
        silent_are_asked | controllers_are_asked | gates_are_asked | cameras_are_asked
    )
    assert by_the_clock == are_asked | nobody_is_asked
    asked = (
        rf"UHPPOTE[^.。]*(?:Hikvision|海康威视)[^.。]*(?:every|每) {ASK_SECONDS} (?:s\b|秒)"
        rf"[^.。]*{RETRY_SECONDS} (?:s\b|秒)"
    )
    assert re.search(asked, rules_of(ours)["appropriate-polling"]["comment"])
    for page in ("docs/first-hour.md", "docs/zh-Hans/first-hour.md"):
        assert re.search(asked, (ROOT / page).read_text("utf-8")), page


@pytest.mark.parametrize("integration", INTEGRATIONS, ids=str)
def test_requirements_are_accounted_for(integration: Integration) -> None:
    """Why `async-dependency` is exempt: of each requirement it is said how it is used."""
    comment = rules_of(integration)["async-dependency"]["comment"]
    names = [row.partition("==")[0] for row in integration.manifest["requirements"]]
    assert names
    assert [name for name in names if name not in comment] == []
