"""The scores of property management, from a panel."""

from typing import Any

import voluptuous as vol

from homeassistant.helpers import config_validation as cv

from ..app.scores import GetCatalogue, SaveCatalogue, read_catalogue
from ..scores.const import MOST_BYTES
from .base import REASON, TEXT, Ask, command


@command(
    "score_catalogue",
    {vol.Optional("version"): TEXT, **REASON},
    "get_score_catalogue",
)
async def score_catalogue(ask: Ask) -> dict[str, Any]:
    """Show the criteria of this month, or of a `version`, with the file (`source`) that they were read from; and which versions there are."""
    return await ask.async_do(GetCatalogue(ask.data.get("version")))


@command(
    "save_score_catalogue",
    {
        vol.Required("content"): vol.All(cv.string, vol.Length(max=MOST_BYTES)),
        vol.Optional("dry_run", default=True): cv.boolean,
        **REASON,
    },
    "save_score_catalogue",
)
async def save_score_catalogue(ask: Ask) -> dict[str, Any]:
    """Read criteria from YAML or JSON; without `dry_run` they are in force from their first month on. What is wrong is refused as a whole, with where it is."""
    await ask.application.async_authorize(ask.context, SaveCatalogue.name, ask.why)
    found = await ask.hass.async_add_executor_job(
        read_catalogue, ask.data["content"].encode()
    )
    saved = None if ask.data["dry_run"] else await ask.async_do(found)
    return {"catalogue": found.catalogue.as_data(), "saved": saved}
