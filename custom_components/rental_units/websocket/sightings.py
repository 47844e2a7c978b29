"""Who passed at a door, from a panel."""

from datetime import timedelta
from typing import Any

import voluptuous as vol

from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util

from ..app.sightings import GetPassages
from .base import REASON, TEXT, Ask, command

#: What is shown where no time is said.
_USUALLY = timedelta(days=1)


@command(
    "passages",
    {
        vol.Required("device_id"): cv.string,
        vol.Optional("door"): TEXT,
        vol.Optional("since"): cv.datetime,
        vol.Optional("until"): cv.datetime,
        vol.Optional("page"): TEXT,
        **REASON,
    },
    "get_passages",
)
async def passages(ask: Ask) -> dict[str, Any]:
    """List who passed at a door, or at all of a controller, for a reason: the newest first, of the last day or of at most seven; `more` says that there are earlier ones, and `next` which `page` to ask for then, for the same time."""
    data = ask.data
    until = data.get("until") or dt_util.utcnow()
    since = data.get("since") or until - _USUALLY
    return await ask.async_do(
        GetPassages(
            data["device_id"],
            dt_util.as_utc(since).timestamp(),
            dt_util.as_utc(until).timestamp(),
            data.get("door"),
            data.get("page"),
        )
    )
