"""What is told to one panel, message by message, and in whose name."""

import asyncio
from collections.abc import Iterable
import time
from typing import Any

from homeassistant.components.websocket_api import ActiveConnection
from homeassistant.core import HomeAssistant, callback

from ..const import DOMAIN, LOGGER
from ..core.house import DATA_HOUSE
from .rows import Reader

#: Seconds between two signs of life; a panel calls its page old after three.
BEAT_SECONDS = 10
#: So long the first rows wait for the rights, in seconds; they come without actions then.
RIGHTS_SECONDS = 0.5


class Stream:
    """A panel's subscription.

    Messages are numbered from 1, the snapshot; a beat has the number of the last one.
    """

    def __init__(
        self, hass: HomeAssistant, connection: ActiveConnection, number: int
    ) -> None:
        """Initialize; `number` is that of the panel's command."""
        self._hass = hass
        self._house = hass.data[DATA_HOUSE]
        self._connection = connection
        self._number = number
        self._reader = Reader(connection.user)
        self._sequence = 0
        self._asked: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @callback
    def begin(self) -> None:
        """Send the snapshot soon, and then what changes, until the panel goes."""
        self._connection.subscriptions[self._number] = self.stop
        self._run(self._async_begin())

    async def _async_begin(self) -> None:
        rights = self._run(self._async_rights())
        # If the panel goes meanwhile, this is cancelled.
        await asyncio.wait({rights}, timeout=RIGHTS_SECONDS)
        await self._async_start()

    async def _async_start(self) -> None:
        """Listen, and send the snapshot."""
        raise NotImplementedError

    async def _async_rights_changed(self) -> None:
        """Take that the user may do other things than before."""

    @callback
    def stop(self) -> None:
        """End it."""
        for task in tuple(self._tasks):
            task.cancel()

    def _send(self, kind: str, **data: Any) -> None:
        if kind != "beat":
            self._sequence += 1
        self._connection.send_event(
            self._number,
            {"kind": kind, "sequence": self._sequence, "at": time.time(), **data},
        )

    def _beat(self, **data: Any) -> None:
        """Send a sign of life; rights may have changed since the last one."""
        self._send("beat", **data)
        if not self._tasks:
            # Else it is being asked, or names are.
            self._run(self._async_rights())

    def _ask_names(self, rows: Iterable[dict[str, Any]]) -> None:
        """Find names in the meantime: an alarm does not wait for them."""
        new = {who for item in rows for who in self._reader.people(item)} - self._asked
        if new:
            self._asked |= new
            self._run(self._async_names(new))

    async def _async_names(self, ids: set[str]) -> None:
        names = await self._house.authority.async_names(ids, self._reader.user)
        # Who has none yet may have one the next time.
        self._asked -= ids - names.keys()
        if names:
            self._send("names", names=names)

    async def _async_rights(self) -> None:
        rights = await self._house.authority.async_rights(self._reader.user)
        if rights != self._reader.rights:
            self._reader.rights = rights
            if self._sequence:
                await self._async_rights_changed()

    def _run(self, work: Any) -> asyncio.Task[None]:
        task = self._hass.async_create_background_task(
            work, f"{DOMAIN} panel", eager_start=False
        )
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    @callback
    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (err := task.exception()):
            LOGGER.error("A panel could not be told what is new", exc_info=err)
