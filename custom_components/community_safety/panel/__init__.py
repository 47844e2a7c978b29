"""The control room: serves the built frontend and puts it into the sidebar."""

import json
from pathlib import Path

from homeassistant.components import panel_custom
from homeassistant.components.frontend import add_extra_js_url
from homeassistant.components.http import StaticPathConfig
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.translation import async_get_translations

from ..const import DOMAIN, LOGGER

#: What scripts/frontend builds; in a copy of the git tree it is missing.
BUILT = Path(__file__).parent / "built"
#: The build's list: the file of each entry, by name. Files have their hash in the name.
MODULES = "modules.json"
STATIC_URL = f"/{DOMAIN}_static"
URL_PATH = "safety"
ELEMENT = "community-safety-panel"
ISSUE = "panel_missing"


async def async_setup_panel(hass: HomeAssistant) -> None:
    """Put the panel into the sidebar; a repair says if it is not there.

    Raises nothing: alarms do not wait for what shows them.
    """
    if "frontend" not in hass.config.components:
        return
    try:
        panel, cards = await hass.async_add_executor_job(_modules)
        await hass.http.async_register_static_paths(
            [StaticPathConfig(STATIC_URL, str(BUILT), cache_headers=True)]
        )
        texts = await async_get_translations(
            hass, hass.config.language, "common", {DOMAIN}
        )
        await panel_custom.async_register_panel(
            hass,
            frontend_url_path=URL_PATH,
            webcomponent_name=ELEMENT,
            module_url=f"{STATIC_URL}/{panel}",
            sidebar_title=texts[f"component.{DOMAIN}.common.panel"],
            sidebar_icon="mdi:shield-home",
        )
    except (OSError, KeyError, TypeError, ValueError) as err:
        LOGGER.error("The control room panel cannot be shown: %s", err)
        ir.async_create_issue(
            hass,
            DOMAIN,
            ISSUE,
            is_fixable=False,
            severity=ir.IssueSeverity.WARNING,
            translation_key=ISSUE,
            translation_placeholders={"path": str(BUILT), "reason": str(err)},
        )
    else:
        # Cards for dashboards that people make themselves: small until one is used.
        add_extra_js_url(hass, f"{STATIC_URL}/{cards}")
        ir.async_delete_issue(hass, DOMAIN, ISSUE)


def _modules() -> tuple[str, str]:
    """Return the files of panel and cards. Raises OSError, or an error of what cannot be read."""
    files = json.loads((BUILT / MODULES).read_text("utf-8"))
    return str(files["panel"]), str(files["cards"])
