"""Actions about the scores of property management.

What people enter and write about a sheet is a panel's alone.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import voluptuous as vol

from homeassistant.core import ServiceCall, ServiceResponse
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.json import json_bytes

from ..access import application_of_entry
from ..app.application import Application
from ..app.scores import (
    Count,
    FreezeSheet,
    GetCatalogue,
    GetScores,
    OpenSheet,
    PutCounts,
    Read,
    SaveCatalogue,
    read_catalogue,
)
from ..app.work import Command, refused
from ..const import DOMAIN
from ..scores.book import DATA_SCORES, ScoreBook
from ..scores.const import MOST_COUNT, CountKind
from ..transfer.sheet import read_file
from .fields import OF_ENTRY, TEXT, Action, Fields, file_named, why

_MONTH: Final[Fields] = {vol.Required("month"): TEXT}


async def _async_do[T](call: ServiceCall, command: Command[T]) -> T:
    return await application_of_entry(call).async_do(command, call.context, why(call))


def _book(call: ServiceCall, application: Application) -> ScoreBook:
    return call.hass.data[DATA_SCORES][application.register.entry.entry_id]


async def _async_get_catalogue(call: ServiceCall) -> ServiceResponse:
    return await _async_do(call, GetCatalogue(call.data.get("version")))


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


async def _async_get(call: ServiceCall) -> ServiceResponse:
    return await _async_do(call, GetScores())


async def _async_put_counts(call: ServiceCall) -> ServiceResponse:
    data = call.data
    count = Count(data["month"], data["kind"], data["count"])
    return {"entered": await _async_do(call, PutCounts([count]))}


async def _async_open(call: ServiceCall) -> ServiceResponse:
    application, month = application_of_entry(call), call.data["month"]
    await application.async_authorize(call.context, OpenSheet.name, why(call))
    book = _book(call, application)
    read = Read(await book.async_alarms(month), book.units)
    return await _async_do(call, OpenSheet(month, read, book.working_day))


async def _async_freeze(call: ServiceCall) -> ServiceResponse:
    application = application_of_entry(call)
    whose = _book(call, application).whose_sheet
    return await _async_do(call, FreezeSheet(call.data["month"], whose))


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
    "get_scores": Action(_async_get, vol.Schema(OF_ENTRY), is_question=True),
    "put_score_counts": Action(
        _async_put_counts,
        vol.Schema(
            {
                **OF_ENTRY,
                **_MONTH,
                vol.Required("kind"): vol.Coerce(CountKind),
                vol.Required("count"): vol.All(
                    vol.Coerce(int), vol.Range(min=0, max=MOST_COUNT)
                ),
            }
        ),
    ),
    "open_score_sheet": Action(_async_open, vol.Schema({**OF_ENTRY, **_MONTH})),
    "freeze_score_sheet": Action(_async_freeze, vol.Schema({**OF_ENTRY, **_MONTH})),
}
