"""What is the same in several places is the same there, and said in each language."""

import ast
from collections.abc import Iterator
import json
import re
from typing import Any

import pytest
import voluptuous as vol

from custom_components.rental_units import services
from custom_components.rental_units.access import PUBLIC
from custom_components.rental_units.alerts import services as alert_services
from custom_components.rental_units.alerts.channels import CLASSES, PROVIDERS, redacted
from custom_components.rental_units.alerts.channels.setting import Setting, Shown
from custom_components.rental_units.alerts.policies import CHANNELS
from custom_components.rental_units.app.tenancy import LEASE_CHANGED
from custom_components.rental_units.app.units import UNIT_CHANGED
from custom_components.rental_units.const import Channel
from custom_components.rental_units.register.addresses import KINDS, PHONE
from custom_components.rental_units.register.households import HOUSEHOLD, RESPONDER
from custom_components.rental_units.register.leases import What
from custom_components.rental_units.register.units import UNIT_FIELDS
from custom_components.rental_units.transfer.columns import COLUMNS, fold
from homeassistant.helpers import config_validation as cv
from homeassistant.util.yaml import load_yaml_dict

from .texts import LANGUAGES, ROOT, missing, of_selector

SCHEMAS = {
    **{name: action.schema for name, action in services.ACTIONS.items()},
    **alert_services.SCHEMAS,
}
SERVICES: dict[str, Any] = load_yaml_dict(str(ROOT / "services.yaml"))
#: Whose target is chosen above the fields.
TARGETED = {str(key) for key in cv.ENTITY_SERVICE_FIELDS}


def fields_of(schema: Any) -> set[str]:
    """Return the fields of an action's schema."""
    if isinstance(schema, vol.Schema):
        return fields_of(schema.schema)
    if isinstance(schema, vol.All):
        return {key for part in schema.validators for key in fields_of(part)}
    return {str(key) for key in schema} if isinstance(schema, dict) else set()


def keys_in_code() -> Iterator[tuple[str, str]]:
    """Yield each key of an exception that the code names, with its file."""
    for path in sorted(ROOT.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            error = name.endswith(("Error", "Unauthorized", "ConfigEntryNotReady"))
            said = [
                row.value
                for row in node.keywords
                if error and row.arg == "translation_key"
            ]
            if name in ("refused", "overtaken", "invalid"):
                said += node.args[:1]
            for value in said:
                if isinstance(value, ast.Constant):
                    yield str(path.relative_to(ROOT)), str(value.value)


def test_errors_are_said() -> None:
    """Each error that the code names has its text."""
    keys = list(keys_in_code())
    assert len(keys) > 40
    assert missing([f"exceptions.{key}.message" for _, key in keys]) == []


def test_conflicts_are_said() -> None:
    """What was changed meanwhile has a text of its own: whatever a unit or lease has."""
    assert set(UNIT_CHANGED) == {*UNIT_FIELDS, "address"}
    # A lease begins with its first version, which nobody has overtaken.
    assert set(LEASE_CHANGED) == set(What) - {What.STARTED}
    keys = [*UNIT_CHANGED.values(), *LEASE_CHANGED.values()]
    assert missing([f"exceptions.{key}.message" for key in keys]) == []


@pytest.mark.parametrize("name", SCHEMAS)
def test_action(name: str) -> None:
    """An action's fields are in services.yaml, have texts, and it has an icon."""
    listed = set((SERVICES[name] or {}).get("fields") or {})
    expected = fields_of(SCHEMAS[name])
    if "target" in (SERVICES[name] or {}):
        expected -= TARGETED
    assert listed == expected
    path = f"services.{name}"
    wanted = [f"{path}.name", f"{path}.description"]
    for key in listed:
        wanted += [f"{path}.fields.{key}.{part}" for part in ("name", "description")]
        field = SERVICES[name]["fields"][key] or {}
        wanted += of_selector(field.get("selector") or {"text": None})
    assert missing(wanted) == []
    assert name in json.loads((ROOT / "icons.json").read_text("utf-8"))["services"]


def test_actions_are_listed() -> None:
    """Services.yaml has the actions that there are."""
    assert set(SERVICES) == set(SCHEMAS)


@pytest.mark.parametrize("name", ["check_in", "update_contact"])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.key)
def test_address_in_an_action(name: str, kind: Any) -> None:
    """Who writes down a person by an action is asked as in a form."""
    assert SERVICES[name]["fields"][kind.key]["selector"] == kind.selector


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.key)
def test_address(kind: Any) -> None:
    """A kind of address is asked of somebody, and what is wrong with one is said anywhere."""
    asked = ["config_subentries.responder"]
    asked += [] if kind.for_responders else ["options"]
    assert kind.key in RESPONDER
    assert (kind.key in HOUSEHOLD) == (not kind.for_responders)
    wanted = [f"exceptions.{kind.error}.message"]
    wanted += [f"{flow}.error.{kind.error}" for flow in asked]
    wanted += [f"selector.alert_channel.options.{channel}" for channel in kind.channels]
    # Where a channel is tried, an address of its kind is asked for.
    for part in ("data", "data_description"):
        wanted.append(f"options.step.channel_test.{part}.{kind.key}")
    wanted.append(f"options.error.{kind.error}")
    if kind.headings and kind is not PHONE:
        wanted.append(f"exceptions.cell_{kind.error}.message")
    if not kind.for_responders:
        wanted.append(f"selector.tenants.fields.{kind.key}.name")
    assert missing(wanted) == []
    assert (kind.key not in PUBLIC) == kind.is_personal


def test_addresses_reach_every_channel() -> None:
    """Each channel has a kind of address, and a column with its name, for files."""
    reached = [channel for kind in KINDS for channel in kind.channels]
    assert set(reached) == set(Channel)
    columns = {kind.key for kind in KINDS if kind.headings}
    assert columns <= COLUMNS.keys()
    assert set(Channel) - set(PHONE.channels) <= columns
    only = SERVICES["update_contact"]["fields"]["only"]["selector"]["select"]
    assert set(only["options"]) == set(Channel)


def test_headings_are_no_others() -> None:
    """No two columns are read of one heading."""
    words = [
        (fold(text), key)
        for key, texts in COLUMNS.items()
        for text in dict.fromkeys(map(fold, (key, *texts)))
    ]
    assert len({word for word, _ in words}) == len(words)


def test_what_is_public() -> None:
    """All fields are known to name nobody, or are kept out of events."""
    fields = {key for schema in SCHEMAS.values() for key in fields_of(schema)}
    assert fields - PUBLIC == {
        *(kind.key for kind in KINDS if kind.is_personal),
        *("name", "address", "contacts", "message", "note", "file", "card_number"),
        *("plate", "catalogue"),
        # What was found at somebody's door.
        *("outcome", "no_scan"),
        # How somebody is, and that they are not at home.
        *("answer", "back"),
    }
    assert fields & PUBLIC == PUBLIC


@pytest.mark.parametrize(("channel", "provider"), CLASSES)
def test_channel(channel: str, provider: str) -> None:
    """A provider's settings are asked for, and what is wrong with them is said."""
    step = "alibaba" if provider == "alibaba" else "channel_edit"
    wanted = [f"selector.alert_channel.options.{channel}"]
    if len(PROVIDERS[channel]) > 1:
        wanted.append(f"selector.alert_provider.options.{provider}")
    for row in CLASSES[channel, provider].settings:
        parts = ("data", "data_description")
        wanted += [f"options.step.{step}.{part}.{row.key}" for part in parts]
        wanted += [f"options.error.{row.error}"] if row.check else []
    assert missing(wanted) == []


def test_channels_are_all_there() -> None:
    """Who has an address of a channel is reached over it, the others are places."""
    assert set(PROVIDERS) == set(Channel) | {"robot", "announce"}
    assert set(CHANNELS) == set(Channel)


def test_reasons_are_said() -> None:
    """Why a channel could not send is said in words, where a person has asked for a test."""
    reasons = {
        node.args[0].value
        for path in (ROOT / "alerts/channels").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", "").endswith("Error")
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    }
    assert len(reasons) > 15
    wanted = [
        f"options.error.test_{row}" for row in (*reasons, "number_limit", "error")
    ]
    assert missing(wanted) == []


def test_a_setting_is_a_secret_unless_it_says_otherwise() -> None:
    """Diagnostics show of a channel what is known to be no secret, and nothing else."""
    assert Setting(key="token").shown is Shown.NOWHERE
    marked = {
        channel: {
            "provider": provider,
            **{row.key: f"MARK-{row.shown.name}" for row in found.settings},
            "unknown": "MARK-UNKNOWN",
        }
        for (channel, provider), found in CLASSES.items()
    }
    marked["pigeon"] = {"provider": "pigeon", "colour": "MARK-GREY"}
    seen = repr(redacted({"keep_days": 1, "channels": marked}))
    assert set(re.findall("MARK-[A-Z]+", seen)) == {"MARK-EVERYWHERE"}
    assert "'keep_days': 1" in seen


def test_messages_are_said() -> None:
    """What people are sent is there in each language."""
    found = json.loads((ROOT / "alerts/texts.json").read_text("utf-8"))
    assert sorted(found) == LANGUAGES

    def paths(node: Any, path: str = "") -> set[str]:
        if isinstance(node, str):
            return {path}
        return {row for key in node for row in paths(node[key], f"{path}.{key}")}

    first, *others = (paths(found[language]) for language in LANGUAGES)
    assert all(other == first for other in others)
