"""The newest backup of each Zigbee network, in a file that Home Assistant's backup holds.

It has the network's key, so it is readable by its owner alone. A network that was removed
keeps its backup: with it a person gets the devices back without pairing them again.
"""

import asyncio
from typing import Any, TypedDict

from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey

from ....const import DOMAIN

VERSION = 1


class KeptBackup(TypedDict):
    """A backup as it is stored; `time` is in ISO 8601."""

    title: str
    time: str
    backup: dict[str, Any]


class NetworkBackups:
    """The backups by the id of their network."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Initialize."""
        self._store = Store[dict[str, KeptBackup]](
            hass,
            VERSION,
            f"{DOMAIN}.zigbee_backups",
            private=True,
            atomic_writes=True,
        )
        self._lock = asyncio.Lock()

    async def async_all(self) -> dict[str, KeptBackup]:
        """Return all of them, the newest first."""
        rows = await self._store.async_load() or {}
        return dict(
            sorted(rows.items(), key=lambda item: item[1]["time"], reverse=True)
        )

    async def async_keep(
        self, network: str, title: str, backup: dict[str, Any]
    ) -> None:
        """Keep a backup in the place of an earlier one of the network."""
        async with self._lock:
            rows = await self.async_all()
            rows[network] = KeptBackup(
                title=title, time=dt_util.utcnow().isoformat(), backup=backup
            )
            await self._store.async_save(rows)


DATA_BACKUPS: HassKey[NetworkBackups] = HassKey(f"{DOMAIN}.zigbee_backups")


def network_backups(hass: HomeAssistant) -> NetworkBackups:
    """Return the backups of this Home Assistant."""
    if DATA_BACKUPS not in hass.data:
        hass.data[DATA_BACKUPS] = NetworkBackups(hass)
    return hass.data[DATA_BACKUPS]
