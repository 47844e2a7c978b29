"""Where devices are and how they are, told to who commissions them and to who looks."""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from itertools import batched
import time
from typing import Any, override

from homeassistant.auth.permissions.const import POLICY_READ
from homeassistant.components.websocket_api import ActiveConnection
from homeassistant.core import CALLBACK_TYPE, Event, HassJob, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.event import async_call_later, async_track_time_interval

from ..catalogue.measurements import point_key
from ..commissioning import RATED_CURRENT, missing, signed_off
from ..const import DOMAIN, Severity
from ..core.alarms import Announcement
from ..core.authority import Action
from ..core.device import AVAILABILITY, SafetyDevice
from ..core.house import House
from ..core.latches import Latch
from ..target import area_of
from .rows import Reader
from .stream import BEAT_SECONDS, Stream

#: Changes of so many seconds are one message.
GATHER_SECONDS = 0.5
#: So many rows are made before others have their turn: an alarm must not wait for all.
AT_ONCE = 100
#: Seconds between two looks at who was heard.
HEARD_SECONDS = 60
#: What is shown of a device's readings.
SHOWN = ("battery", "battery_low", "unresponsive", "test")


class Changing(Stream):
    """A subscription that looks again, some time after something has changed."""

    def __init__(
        self, hass: HomeAssistant, connection: ActiveConnection, number: int
    ) -> None:
        """Initialize; `number` is that of the panel's command."""
        super().__init__(hass, connection, number)
        self._undo: list[CALLBACK_TYPE] = []
        self._is_stale = False
        self._timer: CALLBACK_TYPE | None = None

    @override
    @callback
    def stop(self) -> None:
        """End it."""
        for undo in self._undo:
            undo()
        self._undo.clear()
        if self._timer:
            self._timer()
            self._timer = None
        super().stop()

    def _later(self) -> None:
        """Look again soon, once at a time."""
        self._is_stale = True
        # Before the snapshot there is nothing that could be old.
        if self._sequence and not self._timer:
            self._timer = async_call_later(
                self._hass, GATHER_SECONDS, HassJob(self._due, cancel_on_shutdown=True)
            )

    @callback
    def _due(self, _now: datetime) -> None:
        self._run(self._async_again())

    async def _async_again(self) -> None:
        self._is_stale = False
        try:
            await self._async_look()
        finally:
            self._timer = None
        if self._is_stale:
            self._later()

    async def _async_look(self) -> None:
        """Send what has changed."""
        raise NotImplementedError


class Places(Changing):
    """How many devices are in which area, anew whenever that changes."""

    _sent: dict[str, int]

    @override
    async def _async_start(self) -> None:
        self._undo = [
            self._house.watch(self._moved),
            self._hass.bus.async_listen(dr.EVENT_DEVICE_REGISTRY_UPDATED, self._moved),
        ]
        self._sent = self._count()
        self._send("map", devices=self._sent)

    @callback
    def _moved(self, _what: Any) -> None:
        self._later()

    @override
    async def _async_look(self) -> None:
        if (now := self._count()) != self._sent:
            self._sent = now
            self._send("map", devices=now)

    def _count(self) -> dict[str, int]:
        """Return the number of devices that the user may read, by area."""
        reads_all = self._reader.user.permissions.access_all_entities(POLICY_READ)
        counts: dict[str, int] = {}
        for port, device in self._house.devices():
            if (
                device.uid != port.uid
                and (area_id := area_of(self._hass, device))
                and (reads_all or self._reader.reads(_event(self._hass, device)))
            ):
                counts[area_id] = counts.get(area_id, 0) + 1
        return counts


class Devices(Changing):
    """Each device that the user may read: how it is, and what it lacks for a handover.

    Messages: `snapshot` with all `devices`, `change` with those that are new or otherwise
    and the ids of those that are `gone`, `names`, and `beat`, at times with `heard`: Unix
    times of the last report by device.
    """

    def __init__(
        self, hass: HomeAssistant, connection: ActiveConnection, number: int
    ) -> None:
        """Initialize; `number` is that of the panel's command."""
        super().__init__(hass, connection, number)
        self._sent: dict[str, dict[str, Any]] = {}
        self._stale: set[str] = set()
        self._uids: dict[str, str] = {}
        self._listening: dict[str, CALLBACK_TYPE] = {}
        self._heard_at = 0.0

    @override
    async def _async_start(self) -> None:
        hass, house = self._hass, self._house
        self._undo = [
            house.watch(self._came_or_went),
            house.book.listen(self._alarm_changed, immediate=True),
            house.latches.listen(lambda latch: self._mark([latch.device])),
            hass.bus.async_listen(dr.EVENT_DEVICE_REGISTRY_UPDATED, self._registered),
            hass.bus.async_listen(er.EVENT_ENTITY_REGISTRY_UPDATED, self._registered),
            async_track_time_interval(
                hass,
                self._look_around,
                timedelta(seconds=BEAT_SECONDS),
                cancel_on_shutdown=True,
            ),
        ]
        self._stale = {device.uid for _port, device in house.devices()}
        rows, _gone = await self._async_rows()
        self._heard_at = time.monotonic()
        self._send("snapshot", devices=rows)
        self._ask_names(rows)
        if self._stale:
            # Of what has happened meanwhile.
            self._later()

    @override
    @callback
    def stop(self) -> None:
        """End it."""
        for undo in self._listening.values():
            undo()
        self._listening.clear()
        super().stop()

    @override
    async def _async_rights_changed(self) -> None:
        self._mark(device.uid for _port, device in self._house.devices())
        self._ask_names(self._sent.values())

    def _mark(self, uids: Iterable[str]) -> None:
        self._stale.update(uids)
        self._later()

    @callback
    def _came_or_went(self, uid: str) -> None:
        # It may be another object now, or have other readings.
        if undo := self._listening.pop(uid, None):
            undo()
        self._mark([uid])

    @callback
    def _alarm_changed(self, item: Announcement) -> None:
        self._mark([item.alarm.device])

    @callback
    def _registered(self, event: Event[Any]) -> None:
        device_id = event.data.get("device_id")
        if entity_id := event.data.get("entity_id"):
            entry = er.async_get(self._hass).async_get(entity_id)
            device_id = entry and entry.device_id
        if uid := self._uids.get(device_id or ""):
            self._mark([uid])

    @override
    async def _async_look(self) -> None:
        rows, gone = await self._async_rows()
        if rows or gone:
            self._send("change", devices=rows, gone=gone)
            self._ask_names(rows)

    async def _async_rows(self) -> tuple[list[dict[str, Any]], list[str]]:
        """Return the rows of what is stale as far as they are new, and who is gone."""
        stale, self._stale = self._stale, set()
        now: dict[str, dict[str, Any] | None] = {}
        try:
            for uids in batched(sorted(stale), AT_ONCE, strict=False):
                now |= {uid: self._row(uid) for uid in uids}
                await asyncio.sleep(0)
        except Exception:
            # Nothing of this was told: it is looked at again.
            self._stale |= stale
            raise
        rows: list[dict[str, Any]] = []
        gone: list[str] = []
        for uid, row in now.items():
            before = self._sent.get(uid)
            if row:
                if row != before:
                    self._sent[uid] = row
                    rows.append(row)
            elif before:
                del self._sent[uid]
                gone.append(before["device_id"])
        return rows, gone

    def _row(self, uid: str) -> dict[str, Any] | None:
        found = self._house.device(uid)
        if not found or found[0].uid == uid:
            return None
        device = found[1]
        if not device.device_id or not self._reader.reads(_event(self._hass, device)):
            return None
        self._uids[device.device_id] = uid
        if uid not in self._listening:
            keys = [
                key for name in SHOWN for key in device.by_measurement.get(name, ())
            ]

            @callback
            def changed() -> None:
                self._mark([uid])

            self._listening[uid] = device.listen((AVAILABILITY, *keys), changed)
        return row(self._hass, self._house, device, self._reader)

    @callback
    def _look_around(self, _now: datetime) -> None:
        if self._stale:
            # The last look has failed.
            self._later()
        now = time.monotonic()
        if now - self._heard_at < HEARD_SECONDS:
            self._beat()
            return
        self._heard_at = now
        heard: dict[str, float] = {}
        for uid, sent in self._sent.items():
            found = self._house.device(uid)
            at = found and heard_at(found[1])
            # It is made of two clocks, which are rounded.
            if at and at - (sent["heard_at"] or 0) > 1:
                heard[sent["device_id"]] = sent["heard_at"] = at
        self._beat(heard=heard)


def row(
    hass: HomeAssistant, house: House, device: SafetyDevice, reader: Reader
) -> dict[str, Any]:
    """Return a device as it is, and what the user may do with it.

    `may`: None now, or the code of what is in the way; what is missing he may not.
    """
    area_id = area_of(hass, device)
    battery = device.worst("battery", lowest=True)
    test = house.book.tests.last(device.uid)
    signed = signed_off(device, area_id)
    button = _entity(hass, "button", device, "self_test")
    may: dict[str, str | None] = {}
    if (
        "self_test" in device.commands
        and reader.has(Action.SELF_TEST, [area_id])
        and reader.controls(button)
    ):
        may["self_test"] = None
    if reader.has(Action.CONFIGURE, [area_id]) and reader.controls(
        _event(hass, device)
    ):
        may["sign_off"] = next(iter(missing(house, device, area_id)), None)
    latches = {latch.key: latch for latch in house.latches.of_device(device.uid)}
    may |= _power(hass, house, device, latches, reader)
    return {
        "device_id": device.device_id,
        "name": device.name,
        "kind": device.kind.key,
        "model": device.description.model,
        "area_id": area_id,
        "power": device.power.value,
        # In percent.
        "battery": battery,
        "heard_at": heard_at(device),
        "unresponsive": bool(device.readings.get("unresponsive"))
        or not device.available,
        "faults": sorted(
            alarm.hazard
            for alarm in house.book.of_device(device.uid)
            if alarm.severity is Severity.FAULT and not alarm.drill
        ),
        "testing": device.monitor.is_testing,
        "shows_test": "test" in device.by_measurement,
        "last_test": test
        and {
            "at": test.at,
            "ended_at": test.ended_at,
            "who": test.commanded_by,
            "found": list(test.found),
        },
        "rated_current": _rated_current(hass, device),
        "supplies": [
            {
                "key": key,
                "channel": device.points[key].channel,
                "protected": device.settings.is_protected(key),
                "entity_id": _entity(
                    hass,
                    "switch",
                    device,
                    point_key("protected", device.points[key].channel),
                ),
                # Until a person restores it.
                "off": {
                    "at": latch.at,
                    "who": latch.who,
                    "reason": latch.reason,
                    "proven": latch.proven,
                }
                if (latch := latches.get(key))
                else None,
            }
            for key in device.supplies
        ],
        "signed_off": signed and {"at": signed["at"], "who": signed["who"]},
        "may": may,
    }


def _power(
    hass: HomeAssistant,
    house: House,
    device: SafetyDevice,
    latches: Mapping[str, Latch],
    reader: Reader,
) -> dict[str, str | None]:
    """Return if the user may restore what is off, and open what is protected by its name."""
    area_id = area_of(hass, device)

    def may(action: Action, keys: Collection[str]) -> bool:
        return (
            bool(keys)
            and reader.has(action, [area_id])
            and all(
                reader.controls(_entity(hass, "switch", device, key)) for key in keys
            )
        )

    found: dict[str, str | None] = {}
    if may(Action.RESTORE, latches):
        found["restore"] = (
            "still_present" if house.cut_off.are_wanted_off(latches.values()) else None
        )
    protected = device.settings.protected - latches.keys()
    if may(Action.CUT_OFF, protected & {*device.supplies}):
        found["open_protected"] = None
    return found


def heard_at(device: SafetyDevice) -> float | None:
    """Return when a device was last heard in this run, in whole Unix seconds."""
    if not device.reported:
        return None
    return round(time.time() - (time.monotonic() - device.last_seen))


def _rated_current(hass: HomeAssistant, device: SafetyDevice) -> dict[str, Any] | None:
    """Return the rated current in amperes, and if somebody has set it on this device."""
    if not any(setting.key == RATED_CURRENT for setting in device.used_settings):
        return None
    return {
        "value": device.limit(RATED_CURRENT),
        "is_set": RATED_CURRENT in device.settings.limits,
        "entity_id": _entity(hass, "number", device, RATED_CURRENT),
    }


def _event(hass: HomeAssistant, device: SafetyDevice) -> str | None:
    """Return the entity by which it is known who may read a device."""
    return _entity(hass, "event", device, "alarm_event")


def _entity(
    hass: HomeAssistant, domain: str, device: SafetyDevice, key: str
) -> str | None:
    return er.async_get(hass).async_get_entity_id(domain, DOMAIN, f"{device.uid}/{key}")
