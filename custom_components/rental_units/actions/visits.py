"""Actions about rounds: that somebody is to be visited, and that somebody was there."""

from collections.abc import Mapping
from typing import Final

import voluptuous as vol

from homeassistant.core import ServiceCall, ServiceResponse
from homeassistant.helpers import config_validation as cv

from ..access import async_first
from ..app.application import Application
from ..app.visits import RecordVisit, RequestVisit
from ..care.visits.rules import MOST_LETTERS, NoScan, Outcome
from ..storage.vault import Vault
from .fields import ATTR_PERSON_ID, REASON, Action, Fields, why

_PERSON: Final[Fields] = {vol.Required(ATTR_PERSON_ID): cv.string, **REASON}


async def _async_request(call: ServiceCall) -> ServiceResponse:
    async def request(application: Application) -> ServiceResponse:
        vault = Vault(application.register.keys)
        command = RequestVisit(call.data[ATTR_PERSON_ID], vault)
        return dict(await application.async_do(command, call.context, why(call)))

    return await async_first(call, request, "no_such_round")


async def _async_record(call: ServiceCall) -> ServiceResponse:
    async def record(application: Application) -> ServiceResponse:
        command = RecordVisit(
            call.data[ATTR_PERSON_ID],
            call.data["outcome"],
            Vault(application.register.keys),
            call.data["note"],
            # A plate is scanned in the control room, and nowhere else.
            no_scan=call.data["no_scan"],
        )
        return dict(await application.async_do(command, call.context, why(call)))

    return await async_first(call, record, "no_such_round")


ACTIONS: Final[Mapping[str, Action]] = {
    "request_visit": Action(_async_request, vol.Schema(_PERSON)),
    "record_visit": Action(
        _async_record,
        vol.Schema(
            {
                **_PERSON,
                vol.Required("outcome"): vol.Coerce(Outcome),
                vol.Required("no_scan"): vol.Coerce(NoScan),
                vol.Optional("note", default=""): vol.All(
                    cv.string, vol.Length(max=MOST_LETTERS)
                ),
            }
        ),
    ),
}
