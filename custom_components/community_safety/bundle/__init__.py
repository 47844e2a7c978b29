"""What a release brings along in the folder `bundled`: sidecars, and blueprints.

A folder there without a marker is not whole: an update is being written, or none was made.
In a checkout there is no such folder at all.
"""

from homeassistant.core import HomeAssistant

from .blueprints import async_setup_blueprints
from .sidecars import async_heal_sidecars, async_resume_sidecars


async def async_setup_bundle(hass: HomeAssistant) -> None:
    """Put in place what is missing, without keeping the set-up waiting."""
    await async_setup_blueprints(hass)
    hass.async_create_task(async_heal_sidecars(hass), "heal sidecars")
    hass.async_create_task(async_resume_sidecars(hass), "resume sidecars")
