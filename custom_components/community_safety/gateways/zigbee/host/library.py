"""Bringing in the Zigbee libraries: those of Home Assistant's ZHA, and only when needed.

Two integrations in one process share one set of packages. ZHA pins them; whoever pins
others breaks one of the two. So whatever this Home Assistant's ZHA asks for is installed
(mostly it is there already), and a version that this code does not know is refused.
"""

import asyncio
from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ConfigEntryError, ConfigEntryNotReady
from homeassistant.loader import IntegrationNotFound
from homeassistant.requirements import (
    RequirementsNotFound,
    async_get_integration_with_requirements,
)
from homeassistant.setup import async_wait_component
from homeassistant.util.hass_dict import HassKey

from ....const import DOMAIN

if TYPE_CHECKING:
    from types import ModuleType

ZHA = "zha"
#: Versions of the packages that this code is written for: the least, and the first that
#: is not known any more.
SUPPORTED = {"zha": ((2, 3), (3,)), "zigpy": ((2, 3), (3,)), "bellows": ((1, 1), (2,))}

_LOCK: HassKey[asyncio.Lock] = HassKey(f"{DOMAIN}_zigbee_library")


async def async_load_library(hass: HomeAssistant) -> ModuleType:
    """Return the module `radio`, with the libraries behind it and all quirks.

    Raises ConfigEntryNotReady if they cannot be had now, ConfigEntryError if this code
    does not know them.
    """
    async with hass.data.setdefault(_LOCK, asyncio.Lock()):
        # Quirks register themselves when they are imported: not in two threads at once.
        await async_wait_component(hass, ZHA)
        try:
            await async_get_integration_with_requirements(hass, ZHA)
        except (RequirementsNotFound, IntegrationNotFound) as err:
            raise ConfigEntryNotReady(
                translation_domain=DOMAIN,
                translation_key="zigbee_library_missing",
                translation_placeholders={"reason": str(err)},
            ) from err
        unknown = await hass.async_add_executor_job(_unknown_versions)
        if unknown:
            raise ConfigEntryError(
                translation_domain=DOMAIN,
                translation_key="zigbee_library_unknown",
                translation_placeholders={"versions": unknown},
            )
        try:
            return await hass.async_add_executor_job(_import)
        except ImportError as err:
            raise ConfigEntryNotReady(
                translation_domain=DOMAIN,
                translation_key="zigbee_library_missing",
                translation_placeholders={"reason": str(err)},
            ) from err


def _import() -> ModuleType:
    """Import all of it; some seconds the first time, nothing after that."""
    radio = import_module(f"{__package__}.radio")
    radio.load_quirks()
    return radio


def library_versions() -> str:
    """Return the packages and their versions, in words."""
    return ", ".join(f"{name} {version(name)}" for name in SUPPORTED)


def _unknown_versions() -> str:
    """Return the packages whose version is not known here, in words."""
    found = {name: version(name) for name in SUPPORTED}
    return ", ".join(
        f"{name} {found[name]}"
        for name, (least, beyond) in SUPPORTED.items()
        if not least <= _numbers(found[name]) < beyond
    )


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:3] if part.isdecimal())
