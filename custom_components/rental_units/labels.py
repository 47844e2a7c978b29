"""Choices inside a list's rows, which Home Assistant's frontend shows as they are."""

from collections.abc import Iterable

from homeassistant.core import HomeAssistant
from homeassistant.helpers import selector
from homeassistant.helpers.translation import async_get_translations

from .const import DOMAIN


async def async_label(hass: HomeAssistant, key: str, value: str) -> str:
    """Return an option of a selector in the language of the house."""
    texts = await async_get_translations(
        hass, hass.config.language, "selector", {DOMAIN}
    )
    return texts.get(f"component.{DOMAIN}.selector.{key}.options.{value}", value)


async def async_select(
    hass: HomeAssistant, values: Iterable[str], key: str, *, multiple: bool = True
) -> selector.SelectSelector:
    """Return a selector whose options bring their labels along."""
    return selector.SelectSelector(
        selector.SelectSelectorConfig(
            options=[
                selector.SelectOptionDict(
                    value=str(value), label=await async_label(hass, key, value)
                )
                for value in values
            ],
            multiple=multiple,
        )
    )
