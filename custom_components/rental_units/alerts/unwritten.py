"""Rows that the database has not taken, in a private file of Home Assistant's own.

It is there while the database fails, and over a stop meanwhile. It says by their ids who
was told, and of which units: personal data, which the database takes in and which is
deleted then.
"""

from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import Store

from ..const import DOMAIN, LOGGER

#: The rows of each table, by its name, as JSON: as they were when they were put in.
type Tables = dict[str, str]


class Unwritten:
    """The file of one entry."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Initialize."""
        self._store = Store[Tables](
            hass, 1, f"{DOMAIN}.{entry_id}.unwritten", private=True, atomic_writes=True
        )
        #: What the file holds.
        self._kept: Tables = {}

    @property
    def is_there(self) -> bool:
        """Return if there is a file."""
        return bool(self._kept)

    async def async_load(self) -> Tables:
        """Return what an earlier run has left; nothing if it has left nothing."""
        self._kept = await self._store.async_load() or {}
        return self._kept

    async def async_keep(self, tables: Tables) -> None:
        """Hold these rows, and no others. That it cannot be written is logged by the store."""
        if tables != self._kept:
            self._kept = tables
            await self._store.async_save(tables)

    async def async_remove(self) -> None:
        """Delete the file: all that it held is in the database, or need not be anywhere."""
        try:
            await self._store.async_remove()
        except OSError as err:
            # It is written anew before the next rows: what is old must not come back.
            LOGGER.error("Rows of alerts in a file cannot be deleted: %s", err.strerror)
        else:
            self._kept = {}
