"""Actions about the scores of property management. What people have written is a panel's alone."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import voluptuous as vol

from homeassistant.core import ServiceCall, ServiceResponse
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.json import json_bytes

from ..access import application_of_entry
from ..app.scores import GetCatalogue, SaveCatalogue, read_catalogue
from ..app.work import refused
from ..const import DOMAIN
from ..transfer.sheet import read_file
from .fields import OF_ENTRY, TEXT, Action, file_named, why


async def _async_get_catalogue(call: ServiceCall) -> ServiceResponse:
    command = GetCatalogue(call.data.get("version"))
    return await application_of_entry(call).async_do(command, call.context, why(call))


async def _async_save_catalogue(call: ServiceCall) -> ServiceResponse:
    application, data = application_of_entry(call), call.data
    await application.async_authorize(call.context, SaveCatalogue.name, why(call))
    if "file" in data:
        path = Path(call.hass.config.path(DOMAIN, data["file"]))
        content = await call.hass.async_add_executor_job(read_file, path)
    else:
        try:
            content = json_bytes(data["catalogue"])
        except TypeError:
            raise refused("file_unreadable") from None
    command = await call.hass.async_add_executor_job(read_catalogue, content)
    return await application.async_do(command, call.context, why(call))


ACTIONS: Final[Mapping[str, Action]] = {
    "get_score_catalogue": Action(
        _async_get_catalogue,
        vol.Schema({**OF_ENTRY, vol.Optional("version"): TEXT}),
        is_question=True,
    ),
    "save_score_catalogue": Action(
        _async_save_catalogue,
        vol.Schema(
            vol.All(
                {
                    **OF_ENTRY,
                    **file_named("ya?ml|json", vol.Exclusive("file", "what")),
                    vol.Exclusive("catalogue", "what"): dict,
                },
                cv.has_at_least_one_key("file", "catalogue"),
            )
        ),
    ),
}
