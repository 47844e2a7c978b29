"""The action that tells who passed at a door."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import voluptuous as vol

from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import ServiceCall, ServiceResponse
from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util

from ..access import application_of_entry
from ..app.sightings import GetPassages
from .fields import OF_ENTRY, TEXT, Action, why


async def _async_get_passages(call: ServiceCall) -> ServiceResponse:
    data = call.data
    until = data.get("until") or dt_util.utcnow()
    since = data.get("since") or until - timedelta(days=1)
    return await application_of_entry(call).async_do(
        GetPassages(
            data[ATTR_DEVICE_ID],
            dt_util.as_utc(since).timestamp(),
            dt_util.as_utc(until).timestamp(),
            data.get("door"),
            data.get("page"),
        ),
        call.context,
        why(call),
    )


ACTIONS: Final[Mapping[str, Action]] = {
    "get_passages": Action(
        _async_get_passages,
        vol.Schema(
            {
                **OF_ENTRY,
                vol.Required(ATTR_DEVICE_ID): cv.string,
                vol.Optional("door"): TEXT,
                vol.Optional("since"): cv.datetime,
                vol.Optional("until"): cv.datetime,
                vol.Optional("page"): TEXT,
            }
        ),
        is_question=True,
    ),
}
