"""Home Assistant's flows, walked through as its frontend does."""

import asyncio
from typing import Any

from .home_assistant import HomeAssistant

CONFIG = "/api/config/config_entries/flow"
OPTIONS = "/api/config/config_entries/options/flow"
SUBENTRIES = "/api/config/config_entries/subentries/flow"


class SetupError(Exception):
    """The demo could not be set up; the text says what to do."""


async def begin(
    hass: HomeAssistant, path: str, handler: Any, *inputs: dict[str, Any], **more: Any
) -> dict[str, Any]:
    """Begin a flow, and return what it shows after these inputs."""
    result: dict[str, Any] = await hass.rest(
        "POST", path, {"handler": handler, "show_advanced_options": False, **more}
    )
    return await enter(hass, path, result, *inputs)


async def enter(
    hass: HomeAssistant, path: str, result: dict[str, Any], *inputs: dict[str, Any]
) -> dict[str, Any]:
    """Go on with a flow, and return what it shows in the end."""
    for user_input in inputs:
        if "flow_id" not in result:
            break
        result = await hass.rest("POST", f"{path}/{result['flow_id']}", user_input)
    while result["type"] == "progress":
        await asyncio.sleep(0.2)
        result = await hass.rest("GET", f"{path}/{result['flow_id']}")
    return result


async def walk(
    hass: HomeAssistant,
    path: str,
    handler: Any,
    *inputs: dict[str, Any],
    ends: str = "create_entry",
    **more: Any,
) -> str:
    """Walk through a flow; return the entry's id, if there is one. Raises SetupError."""
    result = await begin(hass, path, handler, *inputs, **more)
    check(handler, result, ends)
    entry = result.get("result")
    return str(entry.get("entry_id", "")) if isinstance(entry, dict) else ""


def check(handler: Any, result: dict[str, Any], ends: str = "create_entry") -> None:
    """Check how a flow has ended. Raises SetupError."""
    if result["type"] != ends:
        reason = result.get("errors") or result.get("reason") or result["type"]
        raise SetupError(f"The flow of {handler} failed: {reason}")
