"""Incidents as they change, told to every panel that looks.

There may be thousands, and an alarm must not wait for all of them: so they are looked at
some at a time, and others have their turn in between.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable
from datetime import datetime, timedelta
from itertools import batched, islice
from typing import Any, Protocol, override

from homeassistant.auth.permissions.const import POLICY_READ
from homeassistant.components.websocket_api import ActiveConnection
from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.event import async_call_later, async_track_time_interval
from homeassistant.util.hass_dict import HassKey

from ..const import DOMAIN, LOGGER
from ..core.alarms import Announcement
from ..core.device import AVAILABILITY, SafetyDevice
from ..core.house import DATA_HOUSE
from ..core.incidents import Incident
from ..core.latches import Latch
from .rows import View, kept_off, row, view
from .stream import BEAT_SECONDS, Stream

DATA_FEED: HassKey[Feed] = HassKey(f"{DOMAIN}_feed")
#: Changes of so many seconds are one message: of alarms, and of what is only measured.
SOON_SECONDS = 0.02
LATER_SECONDS = 1.0
#: Seconds between two messages at least: in a flood there is more to do than to draw.
PAUSE_SECONDS = 0.1
#: So many incidents are looked at before others have their turn.
AT_ONCE = 50


class Subscriber(Protocol):
    """Who wants to know."""

    def changed(self, ids: Iterable[str]) -> None:
        """Take that incidents look otherwise, or are over."""

    def beat(self) -> None:
        """Take that the house is alive."""


class Feed:
    """Knows which incidents have changed; it listens only while somebody looks."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Initialize."""
        self._hass = hass
        self._house = hass.data[DATA_HOUSE]
        self._subscribers: list[Subscriber] = []
        self._views: dict[str, View] = {}
        #: The incident of an alarm, and the alarms and devices that an incident had when it
        #: was looked at.
        self._incident_of: dict[str, str] = {}
        self._shown: dict[str, tuple[set[str], set[str]]] = {}
        #: What is to be looked at again, and what of that is being looked at: in order.
        self._stale: dict[str, None] = {}
        self._batch: dict[str, None] = {}
        self._rest: asyncio.Handle | None = None
        self._timer: CALLBACK_TYPE | None = None
        self._due = 0.0
        self._flushed = 0.0
        #: The incidents in which a device is shown, by its unique id.
        self._showing: dict[str, set[str]] = {}
        self._undo: list[CALLBACK_TYPE] = []
        #: Of each device whose readings are shown: the object, which of them, and how to
        #: end listening.
        self._devices: dict[str, tuple[SafetyDevice, set[str], CALLBACK_TYPE]] = {}

    @callback
    def subscribe(self, subscriber: Subscriber) -> CALLBACK_TYPE:
        """Tell a subscriber of every change. Returns a function that ends this."""
        if not self._subscribers:
            self._start()
        self._subscribers.append(subscriber)

        @callback
        def unsubscribe() -> None:
            self._subscribers.remove(subscriber)
            if not self._subscribers:
                self._stop()

        return unsubscribe

    def _start(self) -> None:
        hass, house = self._hass, self._house
        self._undo = [
            house.book.listen(self._alarm_changed, immediate=True),
            house.latches.listen(self._latch_changed),
            house.watch(self._moved),
            house.on_found(self._found),
            hass.bus.async_listen(dr.EVENT_DEVICE_REGISTRY_UPDATED, self._moved),
            hass.bus.async_listen(er.EVENT_ENTITY_REGISTRY_UPDATED, self._moved),
            async_track_time_interval(
                hass,
                self._beat,
                timedelta(seconds=BEAT_SECONDS),
                cancel_on_shutdown=True,
            ),
        ]

    def _stop(self) -> None:
        for undo in self._undo:
            undo()
        for _device, _keys, undo in self._devices.values():
            undo()
        if self._timer:
            self._timer()
            self._timer = None
        if self._rest:
            self._rest.cancel()
            self._rest = None
        for known in (
            self._undo,
            self._devices,
            self._showing,
            self._shown,
            self._incident_of,
            self._views,
            self._stale,
            self._batch,
        ):
            known.clear()

    @callback
    def order(self) -> list[str]:
        """Return the ids of all incidents that are not over, the most urgent first."""
        return [incident.id for incident in self._house.book.incidents]

    @callback
    def views(self, keys: Collection[str]) -> dict[str, View]:
        """Return those of these incidents that are not over, by id."""
        if any(key not in self._views for key in keys):
            now = self._house.book.incidents.by_id()
            for key in keys:
                if key in now and key not in self._views:
                    self._take(now[key])
        return {key: self._views[key] for key in keys if key in self._views}

    @callback
    def _alarm_changed(self, item: Announcement) -> None:
        alarm = item.alarm
        # One that has worsened may have left another incident: it comes before it goes.
        before = self._incident_of.get(alarm.id, alarm.incident_id)
        self._mark((alarm.incident_id, before), SOON_SECONDS)

    @callback
    def _latch_changed(self, latch: Latch) -> None:
        ids = {
            self._incident_of[key] for key in latch.alarms if key in self._incident_of
        }
        # A supply that a person has cut by itself is of whichever incident shows it.
        self._mark(ids | self._showing.get(latch.device, set()), SOON_SECONDS)

    @callback
    def _found(self) -> None:
        """Take that incidents of an earlier run could only be read now."""
        self._mark(self._house.book.incidents.by_id(), SOON_SECONDS)

    @callback
    def _moved(self, _what: Any) -> None:
        """Take that a device came, went, or has another name or place: whose it may be."""
        self._mark(self._views, LATER_SECONDS)

    def _mark(self, ids: Iterable[str], seconds: float) -> None:
        """Let incidents be looked at again, after so many seconds at the latest."""
        stale = dict.fromkeys(ids)
        # An alarm goes before what is only measured.
        is_soon = seconds == SOON_SECONDS
        self._stale = stale | self._stale if is_soon else self._stale | stale
        if not self._stale:
            return
        now = self._hass.loop.time()
        seconds = max(seconds, self._flushed + PAUSE_SECONDS - now)
        due = now + seconds
        if self._timer:
            if self._due <= due:
                return
            self._timer()
        self._due = due
        self._timer = async_call_later(
            self._hass, seconds, HassJob(self._flush, cancel_on_shutdown=True)
        )

    @callback
    def _flush(self, _now: datetime) -> None:
        self._timer = None
        self._batch = self._stale | self._batch
        self._stale = {}
        if self._rest is None:
            self._look()

    @callback
    def _look(self) -> None:
        """Look at some of the batch, and at the rest when others have had their turn."""
        self._rest = None
        self._flushed = self._hass.loop.time()
        now = self._house.book.incidents.by_id()
        told = dict.fromkeys(
            islice((key for key in self._batch if key in now), AT_ONCE)
        )
        for key in told:
            del self._batch[key]
            self._take(now[key])
        if is_last := now.keys().isdisjoint(self._batch):
            # Only now: what has become worse is shown where it is, before it goes where it
            # was. Those that ended with a supply's latch have no change of their own.
            gone = self._batch.keys() | self._views.keys() - now.keys()
            self._batch = {}
            for key in gone:
                self._listen(self._forget(key))
            told |= dict.fromkeys(gone)
        is_told = self._tell(lambda subscriber: subscriber.changed(told))
        if not is_last:
            self._rest = self._hass.loop.call_soon(self._look)
        if not is_told:
            # With the next change it is tried again.
            self._stale |= told

    def _tell(self, what: Callable[[Subscriber], None]) -> bool:
        """Tell every subscriber, and return if all could take it."""
        are_all_well = True
        for subscriber in tuple(self._subscribers):
            try:
                what(subscriber)
            except Exception:  # noqa: BLE001
                # One that fails must not keep an alarm from all the others.
                LOGGER.exception("Incidents could not be told to everybody")
                are_all_well = False
        return are_all_well

    def _take(self, incident: Incident) -> None:
        """Look at an incident."""
        key = incident.id
        before = self._forget(key)
        seen = self._views[key] = view(self._hass, incident)
        devices = seen.devices
        self._shown[key] = set(incident.alarms), devices
        self._incident_of |= dict.fromkeys(incident.alarms, key)
        for uid in devices:
            self._showing.setdefault(uid, set()).add(key)
        self._listen(before | devices)

    def _forget(self, key: str) -> set[str]:
        """Return the devices of an incident, which is shown no more."""
        alarms, devices = self._shown.pop(key, (set(), set()))
        self._views.pop(key, None)
        for alarm_id in alarms:
            if self._incident_of.get(alarm_id) == key:
                del self._incident_of[alarm_id]
        for uid in devices:
            self._showing[uid].discard(key)
        return devices

    def _listen(self, uids: Iterable[str]) -> None:
        """Listen to those of these devices whose readings are shown, and to no others."""
        for uid in uids:
            wanted: set[str] = set()
            for key in self._showing[uid]:
                if (keys := self._views[key].watched.get(uid)) is not None:
                    wanted |= {AVAILABILITY, *keys}
            if not self._showing[uid]:
                del self._showing[uid]
            found = self._house.device(uid)
            if known := self._devices.get(uid):
                device, before, undo = known
                if before == wanted and found and found[1] is device:
                    continue
                undo()
                del self._devices[uid]
            if wanted and found:

                @callback
                def measured(uid: str = uid) -> None:
                    self._mark(self._showing.get(uid, ()), LATER_SECONDS)

                undo = found[1].listen(wanted, measured)
                self._devices[uid] = (found[1], wanted, undo)

    @callback
    def _beat(self, _now: datetime) -> None:
        self._tell(lambda subscriber: subscriber.beat())


class Subscription(Stream):
    """What one panel is told: of all incidents, or of `only` one with its timelines."""

    def __init__(
        self,
        hass: HomeAssistant,
        connection: ActiveConnection,
        number: int,
        only: str | None = None,
    ) -> None:
        """Initialize; `number` is that of the panel's command."""
        super().__init__(hass, connection, number)
        self._only = only
        self._sent: dict[str, dict[str, Any]] = {}
        self._incidents: dict[str, Incident] = {}
        if DATA_FEED not in hass.data:
            hass.data[DATA_FEED] = Feed(hass)
        self._feed = hass.data[DATA_FEED]
        self._unsubscribe: CALLBACK_TYPE | None = None

    @override
    async def _async_start(self) -> None:
        self._unsubscribe = self._feed.subscribe(self)
        keys = [self._only] if self._only else self._feed.order()
        first, *rest = [*batched(keys, AT_ONCE, strict=False)] or [()]
        rows = self._sent = self._rows(first)
        self._send(
            "snapshot",
            incidents=list(rows.values()),
            devices=self._heard(),
            kept_off=self._kept_off(),
            more=bool(rest),
        )
        self._ask_names(rows.values())
        for left, part in enumerate(rest, 1 - len(rest)):
            await asyncio.sleep(0)
            self._changed(part, more=left < 0)

    @override
    @callback
    def stop(self) -> None:
        """End it."""
        if self._unsubscribe:
            self._unsubscribe()
            self._unsubscribe = None
        super().stop()

    @override
    async def _async_rights_changed(self) -> None:
        for part in batched(self._feed.order(), AT_ONCE, strict=False):
            self._changed(part)
            await asyncio.sleep(0)
        # A right to read changes no row of a list.
        self._ask_names(self._sent.values())
        self._send("rights")

    @callback
    def changed(self, ids: Iterable[str]) -> None:
        """Send what looks otherwise to this user, and what is over."""
        self._changed(ids)

    def _changed(self, ids: Iterable[str], **part: bool) -> None:
        """Send what has changed; as a `part` of the snapshot also if that is nothing."""
        ids = [key for key in ids if self._only in (None, key)]
        now = self._rows(ids)
        rows = {key: new for key, new in now.items() if new != self._sent.get(key)}
        gone = {
            key: self._end(key) for key in ids if key in self._sent and key not in now
        }
        if not rows and not gone and not part:
            return
        # Only now: what could not be made is not taken for sent.
        self._sent |= rows
        for key in gone:
            del self._sent[key], self._incidents[key]
        self._send(
            "change", incidents=list(rows.values()), gone=list(gone.values()), **part
        )
        self._ask_names(rows.values())

    @callback
    def beat(self) -> None:
        """Send a sign of life."""
        self._beat(devices=self._heard(), kept_off=self._kept_off())

    def _rows(self, ids: Collection[str]) -> dict[str, dict[str, Any]]:
        """Return rows as the user may read them."""
        rows: dict[str, dict[str, Any]] = {}
        for key, seen in self._feed.views(ids).items():
            if new := row(self._hass, seen, self._reader, whole=bool(self._only)):
                rows[key] = new
                self._incidents[key] = seen.incident
        return rows

    def _end(self, key: str) -> dict[str, Any]:
        """Return how an incident ended, to who looks at it alone with its last entries.

        One whose alarms have become worse goes on as the one that they are `moved_to`.
        """
        incident = self._incidents[key]
        alarms = incident.alarms.values()
        last = max(alarms, key=lambda alarm: alarm.closed_at or 0, default=None)
        timeline = last.timeline if last else []
        return {
            "incident_id": key,
            "reason": last.closed_by if last else None,
            "at": last.closed_at if last else None,
            "outcome": next(
                (item["outcome"] for item in reversed(timeline) if "outcome" in item),
                None,
            ),
            "moved_to": self._moved_to(key),
            "incident": row(
                self._hass, view(self._hass, incident), self._reader, whole=True
            )
            if self._only
            else None,
        }

    def _moved_to(self, key: str) -> str | None:
        """Return the incident in which an alarm of one that is over is now."""
        for alarm in self._sent[key]["alarms"]:
            found = self._house.book.incidents.alarm(alarm["alarm_id"])
            if found and found.incident_id != key:
                return found.incident_id
        return None

    def _kept_off(self) -> list[dict[str, Any]]:
        """Return the supplies that are off for no incident: a person has cut them by hand."""
        if self._only:
            return []
        rows = kept_off(self._hass, self._reader)
        self._ask_names(rows)
        return rows

    def _heard(self) -> dict[str, int] | None:
        """Return how many devices there are, and how many are heard in time.

        None for who may not read all of them.
        """
        if not self._reader.user.permissions.access_all_entities(POLICY_READ):
            return None
        silent = [
            bool(device.readings.get("unresponsive"))
            for port, device in self._house.devices()
            if device.uid != port.uid
        ]
        return {"all": len(silent), "heard": len(silent) - sum(silent)}
