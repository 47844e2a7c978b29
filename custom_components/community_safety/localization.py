"""Words for the logbook and for traces, in the language of Home Assistant."""

from collections.abc import Mapping
from typing import Any

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.translation import async_get_cached_translations

from .const import DOMAIN


@callback
def async_option(hass: HomeAssistant, selector: str, option: str) -> str:
    """Return how a selector calls an option, such as a hazard; without a text, itself."""
    return _text(hass, "selector", f"{selector}.options.{option}", option)


@callback
def async_kind(hass: HomeAssistant, kind: str) -> str:
    """Return what a kind of device is called."""
    return _text(
        hass, "entity", f"event.joining.state_attributes.kind.state.{kind}", kind
    )


@callback
def async_setting(hass: HomeAssistant, key: str) -> str:
    """Return what a setting is called, such as a threshold."""
    return _text(hass, "entity", f"number.{key}.name", key)


@callback
def async_reading(hass: HomeAssistant, measurement: str) -> str:
    """Return what a measurement is called where its entity is chosen."""
    key = f"adopted.step.readings.data.{measurement}"
    return _text(hass, "config_subentries", key, measurement)


@callback
def async_still(hass: HomeAssistant, how: str, device: str, channel: str) -> str:
    """Return that a supply or a door of a device is `still_off` or `still_open`."""
    what = f"{device} {channel.upper()}".rstrip()
    return _text(hass, "common", how, "{what}").format(what=what)


@callback
def async_sentence(hass: HomeAssistant, data: Mapping[str, Any]) -> str:
    """Return what an announcement's data says has happened: `Alarm raised: Smoke`."""
    sentence = _text(
        hass,
        "common",
        "drill" if data["drill"] else "happened",
        "{severity} {change}: {hazard}",
    )
    return sentence.format(
        severity=async_option(hass, "severity", data["severity"]),
        change=async_option(hass, "change", data["type"]),
        hazard=async_option(hass, "hazard", data["hazard"]),
    )


@callback
def async_left_off_due(hass: HomeAssistant, data: Mapping[str, Any]) -> str:
    """Return that the day has come until which a supply was left off."""
    text = _text(hass, "common", "left_off_due", "{hazard}: left off until today")
    return text.format(hazard=async_option(hass, "hazard", data["hazard"]))


def _text(hass: HomeAssistant, category: str, key: str, default: str) -> str:
    texts = async_get_cached_translations(hass, hass.config.language, category, DOMAIN)
    return texts.get(f"component.{DOMAIN}.{category}.{key}", default)
