"""Backups take the alarm book as one whole file."""

import sqlite3

from homeassistant.core import HomeAssistant

from .const import LOGGER
from .safety import DATA_SAFETY


async def async_pre_backup(hass: HomeAssistant) -> None:
    """Bring what was written into the one file.

    A failure is logged and not raised: that would end the backup of everything else,
    and the log file beside the database is in the backup as well.
    """
    try:
        await hass.data[DATA_SAFETY].storage.async_checkpoint()
    except sqlite3.Error as err:
        LOGGER.warning("The alarm book could not be prepared for the backup: %s", err)


async def async_post_backup(hass: HomeAssistant) -> None:
    """Do nothing: alarms are written during a backup too."""
