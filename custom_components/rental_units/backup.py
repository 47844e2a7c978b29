"""Backups take each register as one whole file."""

from homeassistant.core import HomeAssistant

from .const import DOMAIN, LOGGER
from .storage.errors import RegisterError


async def async_pre_backup(hass: HomeAssistant) -> None:
    """Bring what was written into the one file.

    A failure is logged and not raised: that would end the backup of everything else,
    and the log file beside the database is in the backup as well.
    """
    for entry in hass.config_entries.async_loaded_entries(DOMAIN):
        try:
            await entry.runtime_data.database.async_checkpoint()
        except RegisterError as err:
            LOGGER.warning("A register could not be prepared for the backup: %s", err)


async def async_post_backup(hass: HomeAssistant) -> None:
    """Do nothing: the register is written during a backup too."""
