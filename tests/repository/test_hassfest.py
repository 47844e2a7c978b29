"""What hassfest asks of an integration and needs no network for.

hassfest is no part of Home Assistant's package. The schemas are those that Home Assistant itself
loads the files with; CI runs the real hassfest too.
"""

from pathlib import Path
import re
import string
from typing import Any

from awesomeversion import AwesomeVersion
import pytest
import voluptuous as vol

from homeassistant import components
from homeassistant.const import Platform
from homeassistant.helpers import condition, config_validation as cv, service
from homeassistant.helpers.trigger import descriptions as triggers

from .integration import INTEGRATIONS, Integration, leaves

COMPONENTS = Path(components.__path__[0])
# https://developers.home-assistant.io/docs/creating_integration_manifest
REQUIRED = {
    *("codeowners", "config_flow", "documentation", "domain", "integration_type"),
    *("iot_class", "issue_tracker", "name", "version"),
}
KEYS = REQUIRED | {
    *(
        "after_dependencies",
        "bluetooth",
        "dependencies",
        "dhcp",
        "homekit",
        "import_executor",
    ),
    *(
        "loggers",
        "mqtt",
        "quality_scale",
        "requirements",
        "single_config_entry",
        "ssdp",
    ),
    *("usb", "zeroconf"),
}
IOT_CLASSES = {
    *("assumed_state", "calculated", "cloud_polling", "cloud_push"),
    *("local_polling", "local_push"),
}
TYPES = {
    "device",
    "entity",
    "hardware",
    "helper",
    "hub",
    "service",
    "system",
    "virtual",
}
#: What an integration may use without naming it as a dependency.
WITHOUT_ASKING = {str(platform) for platform in Platform} | {
    *("automation", "device_automation", "diagnostics", "frontend", "homeassistant"),
    *("logbook", "persistent_notification", "person", "repairs", "script", "sun"),
    *("system_health", "webhook", "websocket_api", "zone"),
}
KEY = re.compile(r"(?!.*[_-]{2})[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?")
DESCRIPTIONS = {
    "services": service._SERVICES_SCHEMA,
    "triggers": triggers._TRIGGERS_DESCRIPTION_SCHEMA,
    "conditions": getattr(
        condition, "descriptions", condition
    )._CONDITIONS_DESCRIPTION_SCHEMA,
}

pytestmark = pytest.mark.parametrize("integration", INTEGRATIONS, ids=str)


def test_manifest(integration: Integration) -> None:
    """Every key is known and has a value of its kind, and what is needed is there."""
    manifest = integration.manifest
    assert REQUIRED <= manifest.keys() <= KEYS
    assert manifest["iot_class"] in IOT_CLASSES
    assert manifest["integration_type"] in TYPES
    assert manifest["documentation"].startswith("https://")
    assert all(owner.startswith("@") for owner in manifest["codeowners"])
    assert AwesomeVersion(manifest["version"]).valid
    assert not (COMPONENTS / manifest["domain"]).exists(), "it is built in already"
    for row in manifest["requirements"]:
        assert re.fullmatch(r"[\w.-]+(\[[\w,-]+\])?==[\w.]+", row), (
            f"{row} is not pinned"
        )
    for key in ("codeowners", "dependencies", "after_dependencies", "mqtt"):
        rows = manifest.get(key, [])
        assert len(rows) == len(set(rows))


def test_dependencies(integration: Integration) -> None:
    """What is imported of other integrations is named, once, and exists."""
    manifest = integration.manifest
    named = [*manifest.get("dependencies", []), *manifest.get("after_dependencies", [])]
    ours = {str(other) for other in INTEGRATIONS}
    assert len(named) == len(set(named))
    for domain in named:
        assert domain in ours or (COMPONENTS / domain / "manifest.json").is_file(), (
            domain
        )
    used = {
        domain: place
        for place, node in integration.nodes
        for domain in components_of(node)
        if (COMPONENTS / domain).exists()
    }
    assert {
        domain: place
        for domain, place in used.items()
        if domain not in WITHOUT_ASKING.union(named)
    } == {}


def components_of(node: Any) -> list[str]:
    """Return the integrations of Home Assistant that an import is of."""
    root = "homeassistant.components"
    if (module := getattr(node, "module", None)) == root:
        return [alias.name for alias in node.names]
    names = (
        [module]
        if module
        else [
            alias.name for alias in getattr(node, "names", ()) if hasattr(alias, "name")
        ]
    )
    return [name.split(".")[2] for name in names if name.startswith(f"{root}.")]


@pytest.mark.parametrize("language", ["en", "zh-Hans", "zh-Hant"])
def test_texts(integration: Integration, language: str) -> None:
    """Texts are plain, hold no address, and their placeholders and keys are names."""
    for path, text in leaves(integration.json(f"translations/{language}.json")):
        where = ".".join(path)
        cv.string_with_no_html(text)
        assert text == text.strip(), where
        assert "[%key:" not in text, f"{where}: only Home Assistant's own are resolved"
        assert not re.search(r"(https?|mqtts?|ftp|socket)://", text, re.IGNORECASE), (
            where
        )
        assert not re.search(r"'\{\w+\}'", text), where
        for _text, name, _format, _conversion in string.Formatter().parse(text):
            assert name is None or name.isidentifier(), where
        for key in path:
            assert KEY.fullmatch(key), where


def test_icons(integration: Integration) -> None:
    """Icons are of Material Design Icons, and of what there is."""
    for path, icon in leaves(integration.icons):
        assert re.fullmatch(r"mdi:[a-z0-9-]+", icon), ".".join(path)
    for platform, rows in integration.icons["entity"].items():
        assert rows.keys() <= integration.texts["entity"][platform].keys()


@pytest.mark.parametrize("kind", DESCRIPTIONS)
def test_descriptions(integration: Integration, kind: str) -> None:
    """Actions, triggers and conditions are well described, with texts and icons of each."""
    found = integration.yaml(f"{kind}.yaml")
    texts = integration.texts.get(kind, {})
    icons = integration.icons.get(kind, {})
    if found:
        DESCRIPTIONS[kind](found)
    assert texts.keys() == icons.keys() == found.keys()
    for name, description in found.items():
        assert icons[name][kind.removesuffix("s")], name
        assert texts[name]["name"] and texts[name]["description"], name
        for field, body in ((description or {}).get("fields") or {}).items():
            inner = body.get("fields")
            said = texts[name]["sections" if inner else "fields"][field]
            assert said["name"], (name, field)
            for key, row in (inner or {field: body}).items():
                said = texts[name]["fields"][key]
                assert said["name"] and said["description"], (name, key)
                select = (row.get("selector") or {}).get("select") or {}
                if reference := select.get("translation_key"):
                    assert reference in integration.texts["selector"], (name, key)


def test_a_mistake_is_found(integration: Integration) -> None:
    """The schemas refuse what Home Assistant would not load."""
    for schema in DESCRIPTIONS.values():
        with pytest.raises(vol.Invalid):
            schema({"name": {"fields": {"field": {"selector": {"unheard_of": None}}}}})
