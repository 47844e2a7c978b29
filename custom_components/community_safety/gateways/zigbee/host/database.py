"""zigpy's database, written behind: a report is worth no transaction of its own.

zigpy commits twice for each report, the value and when the device was seen, one after the
other: some hundred reports a second are all that it can keep up with, and what it cannot
grows in memory. What a device reports is only needed when Home Assistant starts again, and
then it is old: the last value of each attribute, once a minute, is enough.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
import sqlite3
from typing import TYPE_CHECKING, Any, override

from zigpy.appdb import MIN_UPDATE_DELTA, PersistingListener

if TYPE_CHECKING:
    from zigpy.device import Device
    import zigpy.types as t

#: Seconds until a reported value is written.
SAVE_SECONDS = 60.0
#: What zigpy does at once with an attribute: an older report of it is void.
OVERTAKING = ("_save_attribute", "_unsupported_attribute_added", "_clear_attribute")

type Key = tuple[str, int, int, int, int, int | None]


class Database(PersistingListener):
    """Everything but reports goes to disk at once, as zigpy has it."""

    def __init__(self, *args: Any) -> None:
        """Initialize."""
        super().__init__(*args)
        #: The last report of each attribute that is not written yet.
        self.reported: dict[Key, Any] = {}
        self._seen: dict[t.EUI64, float] = {}
        self._saving: asyncio.TimerHandle | None = None
        self._takers = _Takers()
        self._taking = self._take_event

    def save(self) -> None:
        """Write what was reported."""
        if self._saving:
            self._saving.cancel()
            self._saving = None
        if self.reported:
            reported, self.reported = self.reported, {}
            self.enqueue("_save_reported", list(reported.values()))

    async def _save_reported(self, events: list[Any]) -> None:
        """Write values, in one transaction, by zigpy's own statements."""
        database = self._db
        self._db = _Open(database)  # type: ignore[assignment]
        try:
            for event in events:
                with suppress(sqlite3.Error):
                    # Its device may be gone; the others are still there.
                    await self._save_attribute(event)
        finally:
            self._db = database
            await database.commit()

    @override
    async def shutdown(self) -> None:
        self.save()
        await super().shutdown()

    @override
    def register_cluster_events(self, cluster: Any) -> None:
        """Listen to a cluster once; zigpy does eight times, with a list for each."""
        if not self._takers:
            super().register_cluster_events(self._takers)
        cluster.on_all_events(self._taking, with_context=True)

    def _take_event(self, name: str, event: Any) -> None:
        if take := self._takers.get(name):
            take(event)

    @override
    def device_last_seen_updated(self, device: Device, last_seen: datetime) -> None:
        # zigpy asks the database if it has been long enough.
        now = last_seen.timestamp()
        if now - self._seen.get(device.ieee, 0) > MIN_UPDATE_DELTA:
            self._seen[device.ieee] = now
            super().device_last_seen_updated(device, last_seen)

    @override
    def device_removed(self, device: Device) -> None:
        ieee = str(device.ieee)
        for key in [key for key in self.reported if key[0] == ieee]:
            del self.reported[key]
        self._seen.pop(device.ieee, None)
        super().device_removed(device)

    @override
    def on_attribute_reported(self, event: Any) -> None:
        self._take(event)

    @override
    def on_attribute_updated(self, event: Any) -> None:
        self._take(event)

    @override
    def enqueue(self, cb_name: str, *args: Any) -> None:
        if cb_name in OVERTAKING:
            self.reported.pop(_key(args[0]), None)
        super().enqueue(cb_name, *args)

    def _take(self, event: Any) -> None:
        self.reported[_key(event)] = event
        if self._saving is None and self.running:
            self._saving = asyncio.get_running_loop().call_later(
                SAVE_SECONDS, self.save
            )


class _Takers(dict[str, Callable[[Any], None]]):
    """What is listened to, by the name of the event."""

    def on_event(self, name: str, take: Callable[[Any], None]) -> None:
        """Note who takes an event."""
        self[name] = take


class _Open:
    """A connection whose transaction stays open."""

    def __init__(self, database: Any) -> None:
        self._database = database

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    async def commit(self) -> None:
        """Wait for the others."""


def _key(event: Any) -> Key:
    return (
        event.device_ieee,
        event.endpoint_id,
        event.cluster_type,
        event.cluster_id,
        event.attribute_id,
        event.manufacturer_code,
    )
