"""What has to be said somewhere: of each form that a test has seen, and of each selector."""

from collections.abc import Iterator, Mapping
from functools import cache
import json
from pathlib import Path
from typing import Any

import voluptuous as vol

from homeassistant.data_entry_flow import FlowHandler, section

ROOT = Path(__file__).parents[2] / "custom_components/rental_units"
LANGUAGES = sorted(path.stem for path in (ROOT / "translations").iterdir())
#: The integration's own flows, by the class that they are of, and where their texts are.
FLOWS = {
    "RentalUnitsConfigFlow": "config",
    "PropertyOptionsFlow": "options",
    "ResponderFlow": "config_subentries.responder",
}


@cache
def texts_of(language: str) -> dict[str, Any]:
    """Return the texts of a language."""
    path = ROOT / f"translations/{language}.json"
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def missing(paths: Iterator[str] | list[str]) -> list[str]:
    """Return which of these texts are not there, with their language."""
    wanted = list(paths)
    return [
        f"{language}: {path}"
        for language in LANGUAGES
        for path in wanted
        if not has(texts_of(language), path)
    ]


def has(texts: Any, path: str) -> bool:
    """Return if there is a text at a path."""
    for key in path.split("."):
        texts = texts.get(key) if isinstance(texts, Mapping) else None
    return isinstance(texts, str) and bool(texts.strip())


def of_selector(config: Mapping[str, Any]) -> Iterator[str]:
    """Yield the texts that a selector needs: its options, and the fields of its rows."""
    ((kind, own),) = config.items()
    own = own or {}
    key = own.get("translation_key")
    if kind == "select" and key:
        yield from (f"selector.{key}.options.{row}" for row in own["options"])
    if kind == "object" and key:
        for name, field in own.get("fields", {}).items():
            yield f"selector.{key}.fields.{name}.name"
            yield f"selector.{key}.fields.{name}.description"
            inner = field["selector"]
            yield from of_selector(
                inner if isinstance(inner, Mapping) else inner.serialize()["selector"]
            )


def of_schema(schema: vol.Schema, path: str) -> Iterator[str]:
    """Yield the texts of a form's fields, which are at this path."""
    for marker, field in schema.schema.items():
        if isinstance(field, section):
            yield f"{path}.sections.{marker}.name"
            yield from of_schema(field.schema, f"{path}.sections.{marker}")
            continue
        yield f"{path}.data.{marker}"
        yield f"{path}.data_description.{marker}"
        if hasattr(field, "serialize"):
            yield from of_selector(field.serialize()["selector"])


def of_result(flow: FlowHandler[Any, Any, Any], result: Mapping[str, Any]) -> list[str]:
    """Return the texts that a step of one of our flows has to have."""
    if (where := FLOWS.get(type(flow).__name__)) is None:
        return []
    path = f"{where}.step.{result.get('step_id')}"
    found = [f"{where}.error.{key}" for key in (result.get("errors") or {}).values()]
    match result["type"]:
        case "form":
            found += of_schema(result["data_schema"] or vol.Schema({}), path)
        case "menu":
            found += [f"{path}.menu_options.{key}" for key in result["menu_options"]]
        case "abort":
            found.append(f"{where}.abort.{result['reason']}")
    return found
