"""Pictures of buildings with their places pinned on them. They are shown, and decide nothing."""

import asyncio
import base64
import binascii
from collections.abc import Mapping
from typing import TypedDict

from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import floor_registry as fr
from homeassistant.helpers.storage import Store
from homeassistant.util.hass_dict import HassKey

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
DATA_PLANS: HassKey[Plans] = HassKey(f"{DOMAIN}_plans")


class Plan(TypedDict):
    """A picture as a data URL, and where on it areas are: percent from the left and the top."""

    picture: str
    pins: Mapping[str, list[float]]


class Plans:
    """The plans of this Home Assistant, each in a file of its own: it is large."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Initialize."""
        self._hass = hass
        self._index: Store[list[str]] = Store(hass, VERSION, f"{DOMAIN}.plans")
        self._lock = asyncio.Lock()

    async def async_floors(self) -> list[str]:
        """Return the floors that have a plan."""
        found = await self._index.async_load() or []
        return sorted(set(found).intersection(fr.async_get(self._hass).floors))

    async def async_get(self, floor_id: str) -> Plan | None:
        """Return the plan of a floor.

        Raises ServiceValidationError if there is no such floor.
        """
        return await self._store(floor_id).async_load()

    async def async_set(self, floor_id: str, plan: Plan | None) -> None:
        """Keep a plan, or none any more.

        Raises ServiceValidationError if there is no such floor, or it is no picture.
        """
        store = self._store(floor_id)
        if plan:
            _check(plan["picture"])
        async with self._lock:
            floors = set(await self.async_floors()) - {floor_id}
            if plan:
                await store.async_save(plan)
                floors.add(floor_id)
            else:
                await store.async_remove()
            await self._index.async_save(sorted(floors))

    def _store(self, floor_id: str) -> Store[Plan]:
        """Return where a plan is kept. Only a floor that there is names a file."""
        if floor_id not in fr.async_get(self._hass).floors:
            raise ServiceValidationError(
                translation_domain=DOMAIN, translation_key="nothing_in_target"
            )
        return Store(
            self._hass, VERSION, f"{DOMAIN}.plan.{floor_id}", atomic_writes=True
        )


@callback
def plans(hass: HomeAssistant) -> Plans:
    """Return the plans."""
    if DATA_PLANS not in hass.data:
        hass.data[DATA_PLANS] = Plans(hass)
    return hass.data[DATA_PLANS]


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
