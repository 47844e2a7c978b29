"""Backups take the alarm book as one whole file, and each Zigbee network as it is now."""

import asyncio
import sqlite3

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError

from .const import DOMAIN, LOGGER
from .core.house import DATA_HOUSE
from .gateways.zigbee import ZigbeeGateway


async def async_pre_backup(hass: HomeAssistant) -> None:
    """Bring what was written into the one file.

    A failure is logged and not raised: that would end the backup of everything else,
    and the log file beside the database is in the backup as well.
    """
    try:
        await hass.data[DATA_HOUSE].storage.async_checkpoint()
    except sqlite3.Error as err:
        LOGGER.warning("The alarm book could not be prepared for the backup: %s", err)
    await asyncio.gather(
        *(
            _async_keep(entry.runtime_data)
            for entry in hass.config_entries.async_loaded_entries(DOMAIN)
            if isinstance(entry.runtime_data, ZigbeeGateway)
        )
    )


async def _async_keep(gateway: ZigbeeGateway) -> None:
    """Write down a network; one that is away is in the backup as it was before."""
    try:
        await gateway.async_keep_backup()
    except HomeAssistantError as err:
        LOGGER.warning(
            "%s: the network could not be read for the backup: %s",
            gateway.entry.title,
            err,
        )


async def async_post_backup(hass: HomeAssistant) -> None:
    """Let the alarm book's file change again; alarms were written beside it meanwhile."""
    try:
        await hass.data[DATA_HOUSE].storage.async_backup_over()
    except sqlite3.Error as err:
        LOGGER.warning("The alarm book stays in two files: %s", err)
