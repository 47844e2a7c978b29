"""Pictures of buildings with their places pinned on them, and where buildings stand on earth.

They are shown, and decide nothing.
"""

import asyncio
import base64
import binascii
from collections.abc import Mapping
from typing import TypedDict

from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import floor_registry as fr
from homeassistant.helpers.storage import Store
from homeassistant.util.hass_dict import HassKey

from .const import DOMAIN, LOGGER

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


#: Latitude and longitude in degrees, by floor.
type Positions = dict[str, list[float]]


class Plans:
    """The plans of this Home Assistant, each in a file of its own: it is large."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Initialize."""
        self._hass = hass
        self._index: Store[list[str]] = Store(hass, VERSION, f"{DOMAIN}.plans")
        self._positions: Store[Positions] = Store(hass, VERSION, f"{DOMAIN}.positions")
        self._lock = asyncio.Lock()

    async def async_floors(self) -> list[str]:
        """Return the floors that have a plan."""
        found = await self._index.async_load() or []
        return sorted(set(found).intersection(fr.async_get(self._hass).floors))

    async def async_positions(self) -> Positions:
        """Return where buildings stand, as far as somebody has said so."""
        floors = fr.async_get(self._hass).floors
        found = await self._positions.async_load() or {}
        return {key: place for key, place in found.items() if key in floors}

    async def async_put(self, floor_id: str, position: list[float] | None) -> None:
        """Keep where a building stands, or nothing any more.

        Raises HomeAssistantError if the disk does not take it.
        """
        async with self._lock:
            found = await self.async_positions()
            found.pop(floor_id, None)
            if position:
                found[floor_id] = position
            await _async_save(self._positions, found)

    async def async_get(self, floor_id: str) -> Plan | None:
        """Return the plan of a floor.

        Raises ServiceValidationError if there is no such floor.
        """
        return await self._store(floor_id).async_load()

    async def async_set(self, floor_id: str, plan: Plan | None) -> None:
        """Keep a plan, or none any more.

        Raises ServiceValidationError if there is no such floor, or it is no picture, and
        HomeAssistantError if the disk does not take it.
        """
        store = self._store(floor_id)
        if plan:
            # It has megabytes.
            await self._hass.async_add_executor_job(_check, plan["picture"])
        async with self._lock:
            floors = set(await self._index.async_load() or [])
            if plan:
                # First that there is one: what is in no list, nobody would delete.
                await _async_save(self._index, sorted(floors | {floor_id}))
                await _async_save(store, plan)
            else:
                await store.async_remove()
                await _async_save(self._index, sorted(floors - {floor_id}))

    async def async_tidy(self) -> None:
        """Delete the plans of floors that are gone: another may get the same id.

        Raises nothing: what cannot be deleted now is the next time.
        """
        async with self._lock:
            try:
                found = set(await self._index.async_load() or [])
                left = found & fr.async_get(self._hass).floors.keys()
                for floor_id in sorted(found - left):
                    await self._file(floor_id).async_remove()
                if left != found:
                    await _async_save(self._index, sorted(left))
                known = await self.async_positions()
                if known != (await self._positions.async_load() or {}):
                    await _async_save(self._positions, known)
            except (OSError, HomeAssistantError) as err:
                LOGGER.warning("The plan of a floor that is gone stays: %s", err)

    def _store(self, floor_id: str) -> Store[Plan]:
        """Return where a plan is kept. Only a floor that there is names a file."""
        if floor_id not in fr.async_get(self._hass).floors:
            raise ServiceValidationError(
                translation_domain=DOMAIN, translation_key="nothing_in_target"
            )
        return self._file(floor_id)

    def _file(self, floor_id: str) -> Store[Plan]:
        return Store(
            self._hass,
            VERSION,
            f"{DOMAIN}.plan.{floor_id}",
            atomic_writes=True,
            serialize_in_event_loop=False,
        )


@callback
def setup_plans(hass: HomeAssistant) -> None:
    """Keep plans, as long as there are their floors."""
    plans = hass.data[DATA_PLANS] = Plans(hass)

    async def floor_changed(event: Event[fr.EventFloorRegistryUpdatedData]) -> None:
        if event.data["action"] == "remove":
            await plans.async_tidy()

    hass.bus.async_listen(fr.EVENT_FLOOR_REGISTRY_UPDATED, floor_changed)


async def _async_save[T: (list[str], Plan, Positions)](
    store: Store[T], data: T
) -> None:
    """Save, and look: what Home Assistant cannot write it logs, and says nothing.

    Raises HomeAssistantError.
    """
    await store.async_save(data)
    if await store.async_load() != data:
        raise HomeAssistantError(
            translation_domain=DOMAIN, translation_key="plan_not_kept"
        )


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
