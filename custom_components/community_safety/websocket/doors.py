"""Doors and how they stand, told to who looks after them; and what was ordered of them."""

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
import sqlite3
from typing import Any, override

from homeassistant.auth.models import User
from homeassistant.components.websocket_api import ActiveConnection
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.event import async_track_time_interval

from ..const import DOMAIN
from ..core.alarm import Change
from ..core.alarms import Announcement
from ..core.authority import Action
from ..core.doors import DoorState
from ..core.fires import FIRES
from ..core.house import DATA_HOUSE
from ..core.orders import Order
from ..target import Found, find_door
from .devices import Changing
from .rows import Reader
from .stream import BEAT_SECONDS


class DoorFeed(Changing):
    """Each door that the user may read, and what that user may do with it.

    Messages: `snapshot` with all `doors`, `change` with those that are new or otherwise and
    the ids of those that are `gone`, and `beat`.
    """

    def __init__(
        self, hass: HomeAssistant, connection: ActiveConnection, number: int
    ) -> None:
        """Initialize; `number` is that of the panel's command."""
        super().__init__(hass, connection, number)
        #: By unique id of the controller, and of the door.
        self._sent: dict[str, dict[str, dict[str, Any]]] = {}
        #: Controllers that may be otherwise.
        self._stale: set[str] = set()

    @override
    async def _async_start(self) -> None:
        hass, house = self._hass, self._house
        self._undo = [
            house.watch(self._mark),
            house.doors.watch(self._mark),
            house.book.listen(self._alarm_changed),
            hass.bus.async_listen(dr.EVENT_DEVICE_REGISTRY_UPDATED, self._registered),
            hass.bus.async_listen(er.EVENT_ENTITY_REGISTRY_UPDATED, self._registered),
            async_track_time_interval(
                hass,
                self._live,
                timedelta(seconds=BEAT_SECONDS),
                cancel_on_shutdown=True,
            ),
        ]
        self._mark_all()
        rows, _gone = self._news()
        self._send("snapshot", doors=rows)

    @callback
    def _live(self, _now: datetime) -> None:
        if self._stale:
            # The last look has failed.
            self._later()
        self._beat()

    @override
    async def _async_rights_changed(self) -> None:
        self._mark_all()

    def _mark_all(self) -> None:
        known = {uid for uid, _key in self._house.doors.known()}
        self._stale |= known | self._sent.keys()
        self._later()

    @callback
    def _mark(self, uid: str) -> None:
        self._stale.add(uid)
        self._later()

    @callback
    def _alarm_changed(self, item: Announcement) -> None:
        if item.change is Change.NOTED:
            return
        if item.alarm.hazard in FIRES:
            # Nobody locks a door before its fire is over.
            self._mark_all()
        elif item.alarm.device in self._sent:
            self._mark(item.alarm.device)

    @callback
    def _registered(self, _event: Event[Any]) -> None:
        # Names, areas, and what was disabled: rarely, and many at once.
        self._mark_all()

    @override
    async def _async_look(self) -> None:
        rows, gone = self._news()
        if rows or gone:
            self._send("change", doors=rows, gone=gone)

    def _news(self) -> tuple[list[dict[str, Any]], list[str]]:
        """Return the rows of what is stale as far as they are new, and which are gone."""
        stale = self._stale
        new: list[dict[str, Any]] = []
        gone: list[str] = []
        found: dict[str, dict[str, dict[str, Any]]] = {}
        for item in readable(self._hass, self._reader, stale):
            row = self._row(item)
            found.setdefault(item.uid, {})[row["door_id"]] = row
        # What could not be made is looked at again.
        self._stale = set()
        for uid in sorted(stale):
            before, now = self._sent.get(uid, {}), found.get(uid, {})
            new += [row for key, row in now.items() if row != before.get(key)]
            gone += sorted(before.keys() - now.keys())
            self._sent[uid] = now
        return new, gone

    def _row(self, item: Found) -> dict[str, Any]:
        """Return a door as it is, and what the user may do with it.

        `may`: None now, or the code of what is in the way; what is missing he may not.
        """
        house, reader = self._house, self._reader
        device, doors = item.device, house.doors
        entry = er.async_get(self._hass).async_get(item.entity_id or "")
        description = house.description(item.uid)
        state = doors.state_of(item.uid, item.key)
        release = doors.release_of(item.uid, item.key)
        channel = item.key.partition("_")[2]
        away = None if device and device.available else "not_connected"
        may: dict[str, str | None] = {}
        if reader.controls(item.entity_id):
            is_open = state in (DoorState.UNLOCKED, DoorState.RELEASED)
            if not is_open and reader.has(Action.OPEN_DOOR, [item.area_id]):
                if device and "open" in device.description.commands:
                    may[Order.OPEN] = away
                may[Order.UNLOCK] = away
            if reader.has(Action.RESTORE, [item.area_id]) and (
                release or state in (DoorState.UNLOCKED, DoorState.UNKNOWN)
            ):
                fire = doors.fire_at(item.uid, item.key)
                may[Order.LOCK] = away or ("still_present" if fire else None)
        return {
            "door_id": f"{item.uid}/{item.key}",
            "device_id": item.device_id,
            "entity_id": item.entity_id,
            "kind": description.kind if description else None,
            "name": item.name,
            # What a person calls this door.
            "own_name": entry.name if entry else None,
            "channel": channel,
            # Its controller has no other.
            "is_only": doors.count(item.uid) == 1,
            "area_id": item.area_id,
            "state": state,
            "connected": away is None,
            "opens_on_fire": doors.opens_on_fire(item.uid, item.key),
            # Unix time.
            "released_at": release.at if release else None,
            # Cards in the list of its controller, None if that says none.
            "credentials": device.readings.get("credentials") if device else None,
            "hazards": sorted(
                {row.hazard for row in house.book.of_device(item.uid) if not row.drill}
            ),
            "may": may,
        }


def readable(
    hass: HomeAssistant, reader: Reader, uids: Collection[str] | None = None
) -> Iterator[Found]:
    """Yield the doors that a user may read: all of them, or those of some controllers."""
    for uid, key in hass.data[DATA_HOUSE].doors.known():
        if uids is not None and uid not in uids:
            continue
        item = find_door(hass, uid, key)
        if item.device_id and reader.reads(item.entity_id):
            yield item


def door_of(hass: HomeAssistant, user: User, door_id: str) -> Found:
    """Return a door that a user may read. Raises ServiceValidationError."""
    for item in readable(hass, Reader(user)):
        if f"{item.uid}/{item.key}" == door_id:
            return item
    raise ServiceValidationError(
        translation_domain=DOMAIN, translation_key="no_such_door"
    )


async def async_orders(hass: HomeAssistant, user: User, item: Found) -> dict[str, Any]:
    """Return what was last ordered of a door, and the names of who did.

    Raises HomeAssistantError if the storage cannot be read.
    """
    house = hass.data[DATA_HOUSE]
    try:
        read = await house.orders.async_of(f"{item.uid}/{item.key}")
    except sqlite3.Error as err:
        raise HomeAssistantError(
            translation_domain=DOMAIN, translation_key="history_unreadable"
        ) from err
    reader = Reader(user, await house.authority.async_rights(user))
    may_read = reader.has(Action.READ, [item.area_id])
    rows = [told(row, user, may_read) for row in read if "order" in row]
    known = {str(row["who"]) for row in rows if may_read or row["who"] == user.id}
    return {
        "orders": rows,
        "names": await house.authority.async_names(known, user),
    }


def told(row: dict[str, Any], user: User, may_read: bool) -> dict[str, Any]:
    """Return an order as a user may see it.

    What people wrote is for who may know who wrote it, and for them.
    """
    return {
        key: row.get(key)
        for key in ("order", "at", "who", "why", "proven", "comment")
        if key != "comment" or may_read or row.get("who") == user.id
    }
