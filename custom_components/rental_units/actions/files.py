"""Actions about files that hold a property, and the key to what is encrypted in it."""

from collections.abc import Mapping
from typing import Final

import voluptuous as vol

from homeassistant.core import ServiceCall, ServiceResponse
from homeassistant.helpers import config_validation as cv
from homeassistant.util.json import JsonValueType

from ..access import application_of_entry
from ..const import LANGUAGES
from ..transfer.actions import async_export, async_import
from .fields import OF_ENTRY, Action, Fields, file_named, why

_REGISTER: Final[Fields] = {**OF_ENTRY, vol.Optional("language"): vol.In(LANGUAGES)}


async def _async_get_files(call: ServiceCall) -> ServiceResponse:
    files = await application_of_entry(call).async_files(call.context, why(call))
    return {"files": list[JsonValueType](files)}


async def _async_rotate_key(call: ServiceCall) -> ServiceResponse:
    lost = await application_of_entry(call).async_rotate_key(call.context, why(call))
    return {"unreadable_rows": lost}


ACTIONS: Final[Mapping[str, Action]] = {
    "import_register": Action(
        async_import,
        vol.Schema(
            {
                **file_named("csv|txt|xlsx"),
                **_REGISTER,
                vol.Optional("dry_run", default=True): cv.boolean,
            }
        ),
        is_question=True,
    ),
    "export_register": Action(
        async_export,
        vol.Schema({**file_named("csv|xlsx"), **_REGISTER}),
        is_question=True,
    ),
    "get_files": Action(_async_get_files, vol.Schema(OF_ENTRY), is_question=True),
    "rotate_key": Action(_async_rotate_key, vol.Schema(OF_ENTRY)),
}
