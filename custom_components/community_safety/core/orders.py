"""What people have ordered doors to do, from afar and why: kept as alarms that are over are."""

from enum import StrEnum
import time
from typing import Any

from homeassistant.util.ulid import ulid_now

from .storage import Storage

#: Orders of one door that are shown.
MOST_SHOWN = 50
_TABLE = "orders"


class Order(StrEnum):
    """What a door is told."""

    #: Unlocked for as long as is set at its controller.
    OPEN = "open"
    #: Held open until somebody locks it.
    UNLOCK = "unlock"
    LOCK = "lock"


class OrderReason(StrEnum):
    """Why a person opens a door that is not before them."""

    RESIDENT = "resident"
    VISITOR = "visitor"
    DELIVERY = "delivery"
    EMERGENCY = "emergency"
    MAINTENANCE = "maintenance"
    OTHER = "other"


def door_of(key: str) -> str:
    """Return the door that an order is of."""
    return key.rpartition(" ")[0]


class Orders:
    """Writes them down before they are carried out, and once more with what came of it."""

    def __init__(self, storage: Storage) -> None:
        """Initialize."""
        self._storage = storage

    async def async_begin(
        self, door: str, order: Order, *, who: str, why: str, comment: str | None
    ) -> tuple[str, dict[str, Any]]:
        """Write an order down; return what `end` takes.

        A disk that refuses keeps nobody before a shut door: it is told as trouble of the
        storage, and written as soon as it can be.
        """
        row = {
            "order": order,
            "at": time.time(),
            "who": who,
            "why": why,
            "comment": comment,
            # Until it has ended, and if Home Assistant ends before it does.
            "proven": None,
        }
        key = f"{door} {ulid_now()}"
        await self._put(key, row)
        return key, row

    async def async_end(self, begun: tuple[str, dict[str, Any]], proven: bool) -> None:
        """Write down if a door has proven that it did so."""
        key, row = begun
        await self._put(key, {**row, "proven": proven})

    async def _put(self, key: str, row: dict[str, Any]) -> None:
        await self._storage.put(_TABLE, key, row, closed_at=row["at"])

    async def async_closed(
        self, after: tuple[float, str], until: float, most: int
    ) -> list[tuple[str, dict[str, Any]]]:
        """Return orders with their keys, the oldest first. Raises sqlite3.Error."""
        return await self._storage.async_closed(_TABLE, after, until, most)

    async def async_of(self, door: str) -> list[dict[str, Any]]:
        """Return the last orders of a door, the newest first. Raises sqlite3.Error."""
        return await self._storage.async_latest(_TABLE, f"{door} ", MOST_SHOWN)
