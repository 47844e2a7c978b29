"""Choices inside a list's rows, which Home Assistant's frontend shows as they are.

So they are in the language of who looks, which is told by their profile and their browser.
"""

from collections.abc import Iterable

from homeassistant.auth.models import User
from homeassistant.components.frontend.storage import async_user_store
from homeassistant.components.http import KEY_HASS_USER
from homeassistant.components.websocket_api import current_connection
from homeassistant.core import HomeAssistant
from homeassistant.helpers import selector
from homeassistant.helpers.http import current_request
from homeassistant.helpers.translation import async_get_translations

from .const import DOMAIN
from .register import default_language


async def async_viewer_language(hass: HomeAssistant) -> str:
    """Return our language for who is at the browser; that of the house without anybody.

    As the frontend finds it: what a user has chosen, or what their browser asks for.
    """
    connection, request = current_connection.get(), current_request.get()
    user: User | None = request.get(KEY_HASS_USER) if request else None
    chosen, asked = None, ""
    if user := (connection.user if connection else user):
        store = await async_user_store(hass, user.id)
        chosen = (store.data.get("language") or {}).get("language")
    if request:
        asked = request.headers.get("Accept-Language", "").partition(",")[0]
    language = chosen or asked.partition(";")[0].strip() or hass.config.language
    return default_language(language)


async def async_labels(hass: HomeAssistant, key: str, language: str) -> dict[str, str]:
    """Return the options of a selector in a language."""
    texts = await async_get_translations(hass, language, "selector", {DOMAIN})
    prefix = f"component.{DOMAIN}.selector.{key}.options."
    return {
        name.removeprefix(prefix): text
        for name, text in texts.items()
        if name.startswith(prefix)
    }


async def async_label(hass: HomeAssistant, key: str, value: str) -> str:
    """Return an option of a selector in the language of the house, for what is kept."""
    labels = await async_labels(hass, key, hass.config.language)
    return labels.get(value, value)


async def async_select(
    hass: HomeAssistant,
    values: Iterable[str],
    key: str,
    *,
    language: str | None = None,
    multiple: bool = True,
) -> selector.SelectSelector:
    """Return a selector whose options bring their labels, in a language or the viewer's."""
    labels = await async_labels(
        hass, key, language or await async_viewer_language(hass)
    )
    return selector.SelectSelector(
        selector.SelectSelectorConfig(
            options=[
                selector.SelectOptionDict(
                    value=str(value), label=labels.get(value, str(value))
                )
                for value in values
            ],
            multiple=multiple,
        )
    )
