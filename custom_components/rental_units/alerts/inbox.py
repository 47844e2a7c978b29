"""Alerts that were asked for while a register was away: kept, and raised once it is there.

What is kept is what the action was told, in a private file: places, a hazard, a message. It
holds no person, and who is meant is looked up when the register can be read.
"""

import time
from typing import Any

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.json import json_bytes
from homeassistant.helpers.storage import Store
from homeassistant.util.hass_dict import HassKey

from ..const import DOMAIN, LOGGER
from .runtime import DATA_ENGINES, engine_of

DATA_INBOX: HassKey[Inbox] = HassKey(f"{DOMAIN}_inbox")
#: A property in one of these may be there in a moment.
_AWAY = frozenset(
    {
        ConfigEntryState.NOT_LOADED,
        ConfigEntryState.SETUP_ERROR,
        ConfigEntryState.SETUP_IN_PROGRESS,
        ConfigEntryState.SETUP_RETRY,
        ConfigEntryState.UNLOAD_IN_PROGRESS,
    }
)
#: A house in which everything burns for a night has no more.
MOST_KEPT = 1000
#: What one user may leave of whom nobody can tell now what they may, and how large each
#: may be: a bad night's alerts, each about a whole property.
MOST_OF_USER = 50
MOST_BYTES = 100_000

#: What the action was told, when (Unix time), by whom, for which property, and if it is of
#: a user with little room.
type Kept = dict[str, Any]


class Inbox:
    """What waits for a register, of all properties."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Initialize; `async_load` reads the file."""
        self._store = Store[list[Kept]](
            hass, 1, f"{DOMAIN}.inbox", private=True, atomic_writes=True
        )
        self._rows: list[Kept] = []

    async def async_load(self) -> None:
        """Read what an earlier run has kept."""
        rows = await self._store.async_load() or []
        self._rows = [{"is_limited": False, **row} for row in rows]

    async def async_keep(
        self,
        entry_ids: list[str],
        data: dict[str, Any],
        user_id: str | None,
        *,
        is_limited: bool,
    ) -> bool:
        """Keep what was asked for; in memory too, should the disk be full.

        What users leave who are `limited` has no room but their own. Returns False if that
        is full: nothing is kept then.
        """
        if is_limited:
            own = sum(
                row["is_limited"] and row["user_id"] == user_id for row in self._rows
            )
            is_full = own + len(entry_ids) > MOST_OF_USER
            if is_full or len(json_bytes(data)) > MOST_BYTES:
                return False
        self._rows += [
            {
                "entry_id": key,
                "data": data,
                "user_id": user_id,
                "at": time.time(),
                "is_limited": is_limited,
            }
            for key in entry_ids
        ]
        self._drop()
        await self._store.async_save(self._rows)
        return True

    def _drop(self) -> None:
        """Drop what is oldest of automations and administrators, where it is too much."""
        rows = [row for row in self._rows if not row["is_limited"]]
        if old := {id(row) for row in rows[:-MOST_KEPT]}:
            LOGGER.error("%d alerts that were kept are dropped", len(old))
            self._rows = [row for row in self._rows if id(row) not in old]

    @callback
    def of(self, entry_id: str) -> list[Kept]:
        """Return what waits for a property."""
        return [row for row in self._rows if row["entry_id"] == entry_id]

    async def async_done(self, rows: list[Kept]) -> None:
        """Forget what is in a register now, or is of a property that is removed."""
        if rows:
            self._rows = [row for row in self._rows if row not in rows]
            await self._store.async_save(self._rows)


@callback
def away(hass: HomeAssistant) -> list[ConfigEntry]:
    """Return the properties that are not there now, and are meant to be."""
    return [
        entry
        for entry in hass.config_entries.async_entries(DOMAIN)
        if entry.disabled_by is None
        and entry.state in _AWAY
        and engine_of(hass, entry.entry_id) is None
    ]


@callback
def is_all_known(hass: HomeAssistant) -> bool:
    """Return if every open alert is known.

    Those of a property that is away, and of before the start of one whose database is, are
    not: what is asked about one is then not over, and not nobody's.
    """
    engines = hass.data[DATA_ENGINES].values()
    return not away(hass) and not any(engine.is_blind for engine in engines)
