"""Pictures of what cameras have seen: fetched when somebody looks, and kept nowhere.

An integration that shows them has in its file `community_safety.py`, and imports nothing of
this integration for it:

    async def async_take_pictures(hass: HomeAssistant, pictures: Pictures) -> None

Who may look, and why, is its to know.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr

from ..const import DOMAIN, LOGGER
from .device import SafetyDevice
from .ports import Find, PicturePort


class Pictures:
    """Fetches them from whatever gateway a camera has."""

    def __init__(self, hass: HomeAssistant, find: Find) -> None:
        """Initialize."""
        self._hass = hass
        self._find = find

    @callback
    def has(self, device_id: str) -> bool:
        """Return if a device keeps pictures, and its gateway is loaded."""
        return self._at(device_id) is not None

    async def async_fetch(self, device_id: str, event: str) -> bytes:
        """Return the picture of what a passage with this `event` was about.

        Raises HomeAssistantError if there is none, none any more, or no answer.
        """
        if (found := self._at(device_id)) is None:
            raise HomeAssistantError(
                translation_domain=DOMAIN, translation_key="no_pictures"
            )
        port, device = found
        return await port.async_picture(device, event)

    def _at(self, device_id: str) -> tuple[PicturePort, SafetyDevice] | None:
        entry = dr.async_get(self._hass).async_get(device_id)
        for domain, uid, *_ in entry.identifiers if entry else ():
            found = self._find(uid) if domain == DOMAIN else None
            if found and isinstance(found[0], PicturePort):
                return found[0], found[1]
        return None


async def async_hand_over(
    hass: HomeAssistant, pictures: Pictures, domain: str, platform: Any
) -> None:
    """Give the pictures to an integration, if it wants them."""
    take: Callable[[HomeAssistant, Pictures], Awaitable[None]] | None = getattr(
        platform, "async_take_pictures", None
    )
    if take:
        try:
            await take(hass, pictures)
        except Exception:  # noqa: BLE001
            LOGGER.exception("%s did not take the pictures", domain)
