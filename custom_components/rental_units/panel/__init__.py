"""The register's pages of the control room: served here, found there by the session."""

import json
from pathlib import Path

from homeassistant.components.http import StaticPathConfig
from homeassistant.core import HomeAssistant
from homeassistant.util.hass_dict import HassKey

from ..const import DOMAIN, LOGGER

#: What scripts/frontend builds; in a copy of the git tree it is missing.
BUILT = Path(__file__).parent / "built"
#: The build's list: the file of each entry, by name. Files have their hash in the name.
MODULES = "modules.json"
STATIC_URL = f"/{DOMAIN}_static"
#: The address of the pages' module.
DATA_MODULE: HassKey[str] = HassKey(f"{DOMAIN}_panel_module")


async def async_setup_panel(hass: HomeAssistant) -> None:
    """Serve the pages. Where they are not built the control room is without them.

    Raises nothing: alerts do not wait for what shows them.
    """
    try:
        module = await hass.async_add_executor_job(_module)
        await hass.http.async_register_static_paths(
            [StaticPathConfig(STATIC_URL, str(BUILT), cache_headers=True)]
        )
    except (OSError, KeyError, TypeError, ValueError) as err:
        LOGGER.warning("The register's pages cannot be shown: %s", err)
    else:
        hass.data[DATA_MODULE] = f"{STATIC_URL}/{module}"


def _module() -> str:
    """Return the pages' file. Raises OSError, or an error of what cannot be read."""
    return str(json.loads((BUILT / MODULES).read_text("utf-8"))["register"])
