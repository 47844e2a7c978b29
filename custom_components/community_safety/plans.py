"""Pictures of buildings with their places pinned on them. They are shown, and decide nothing."""

import base64
import binascii
from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import floor_registry as fr
from homeassistant.helpers.storage import STORAGE_DIR, Store

from .const import DOMAIN

VERSION = 1
#: Most of a picture as it is sent, in characters: Home Assistant takes messages of 4 MiB.
MOST_PICTURE = 3_500_000
#: What a picture begins with, by its type. None of them can hold a script.
_BEGINS = {
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/webp": (b"RIFF",),
}
_PREFIX = f"{DOMAIN}.plan."


class Plan(TypedDict):
    """A picture as a data URL, and where on it areas are: percent from the left and the top."""

    picture: str
    pins: Mapping[str, list[float]]


def _store(hass: HomeAssistant, floor_id: str) -> Store[Plan]:
    """Return where a plan is kept. Only a floor that there is names a file."""
    if floor_id not in fr.async_get(hass).floors:
        raise ServiceValidationError(
            translation_domain=DOMAIN, translation_key="nothing_in_target"
        )
    return Store(hass, VERSION, f"{_PREFIX}{floor_id}", atomic_writes=True)


async def async_floors(hass: HomeAssistant) -> list[str]:
    """Return the floors that have a plan."""
    folder = Path(hass.config.path(STORAGE_DIR))

    def look() -> set[str]:
        return {path.name.removeprefix(_PREFIX) for path in folder.glob(f"{_PREFIX}*")}

    found = await hass.async_add_executor_job(look)
    return sorted(found.intersection(fr.async_get(hass).floors))


async def async_plan(hass: HomeAssistant, floor_id: str) -> Plan | None:
    """Return the plan of a floor. Raises ServiceValidationError if there is no such floor."""
    return await _store(hass, floor_id).async_load()


async def async_set_plan(hass: HomeAssistant, floor_id: str, plan: Plan | None) -> None:
    """Keep a plan, or none any more.

    Raises ServiceValidationError if there is no such floor, or it is no picture.
    """
    store = _store(hass, floor_id)
    if plan is None:
        await store.async_remove()
        return
    _check(plan["picture"])
    await store.async_save(plan)


def _check(picture: str) -> None:
    """Raise ServiceValidationError for what is no picture, whatever it calls itself."""
    head, _comma, data = picture.partition(";base64,")
    begins = _BEGINS.get(head.removeprefix("data:"), ())
    try:
        if len(picture) <= MOST_PICTURE and base64.b64decode(
            data, validate=True
        ).startswith(begins):
            return
    except binascii.Error, ValueError:
        pass
    raise ServiceValidationError(
        translation_domain=DOMAIN, translation_key="plan_unreadable"
    )
