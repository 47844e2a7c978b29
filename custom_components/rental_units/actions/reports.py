"""Actions about reports of hazards. Photos, and what somebody wrote, are a panel's alone."""

from collections.abc import Mapping
from functools import partial
from typing import Final

import voluptuous as vol

from homeassistant.core import ServiceCall, ServiceResponse
from homeassistant.helpers import config_validation as cv
from homeassistant.util.json import JsonValueType

from ..access import application_of_entry, async_first
from ..app.application import Application
from ..app.reports import Answer, ChangeReport, GetReports, MergeReports
from ..reports.book import DATA_REPORTS
from ..reports.const import MOST_LETTERS, Party, State
from .fields import OF_ENTRY, REASON, Action, Fields, why

_REPORT: Final[Fields] = {
    vol.Required("report_id"): cv.string,
    vol.Optional("note", default=""): vol.All(cv.string, vol.Length(max=MOST_LETTERS)),
    **REASON,
}
_UNKNOWN: Final = "no_such_report"


async def _async_get(call: ServiceCall) -> ServiceResponse:
    command = GetReports(call.data["everything"])
    rows = await application_of_entry(call).async_do(command, call.context, why(call))
    return {"reports": list[JsonValueType](rows)}


async def _async_change(to: State, call: ServiceCall) -> ServiceResponse:
    async def change(application: Application) -> Answer:
        book = call.hass.data[DATA_REPORTS][application.register.entry.entry_id]
        command = ChangeReport(
            call.data["report_id"],
            to,
            book.vault,
            party=call.data.get("party"),
            note=call.data["note"],
            due_at=book.due_at,
        )
        return await application.async_do(command, call.context, why(call))

    return dict(await async_first(call, change, _UNKNOWN))


async def _async_merge(call: ServiceCall) -> ServiceResponse:
    command = MergeReports(call.data["report_id"], call.data["into_id"])
    answer = await async_first(
        call, lambda row: row.async_do(command, call.context, why(call)), _UNKNOWN
    )
    return dict(answer)


ACTIONS: Final[Mapping[str, Action]] = {
    "get_reports": Action(
        _async_get,
        vol.Schema({**OF_ENTRY, vol.Optional("everything", default=False): cv.boolean}),
        is_question=True,
    ),
    "assign_report": Action(
        partial(_async_change, State.ASSIGNED),
        vol.Schema({**_REPORT, vol.Required("party"): vol.Coerce(Party)}),
    ),
    **{
        name: Action(partial(_async_change, to), vol.Schema(_REPORT))
        for name, to in (
            ("mend_report", State.MENDED),
            ("close_report", State.CLOSED),
            ("reopen_report", State.REOPENED),
        )
    },
    "merge_reports": Action(
        _async_merge,
        vol.Schema(
            {
                vol.Required("report_id"): cv.string,
                vol.Required("into_id"): cv.string,
                **REASON,
            }
        ),
    ),
}
