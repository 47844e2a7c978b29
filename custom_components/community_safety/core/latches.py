"""Latches: what stays open until a person restores it."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Set as AbstractSet
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
import time
from typing import Any

from homeassistant.core import CALLBACK_TYPE, callback
from homeassistant.exceptions import HomeAssistantError

from ..const import DOMAIN, LOGGER
from .storage import Storage
from .telling import tell


class OpeningReason(StrEnum):
    """Why a person opens a protected load. No free text: it may name somebody."""

    FIRE_BRIGADE = "fire_brigade"
    ELECTRIC_SHOCK = "electric_shock"
    WATER = "water"
    REPAIR = "repair"
    OTHER = "other"


class LeftReason(StrEnum):
    """Why a person leaves a supply off until a day."""

    AWAITING_REPAIR = "awaiting_repair"
    INVESTIGATION = "investigation"
    WORKS = "works"
    VACANT = "vacant"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """That a person leaves a supply off until a day, which is a date in ISO 8601."""

    until: str
    why: LeftReason
    who: str
    #: The day has come, and it was told.
    is_due: bool = False


@dataclass(frozen=True, slots=True)
class Supply:
    """One supply: the unique id of its device, and its reading, such as `supply_1`."""

    uid: str
    key: str

    @property
    def id(self) -> str:
        """Return the unique id, which is also that of its switch."""
        return f"{self.uid}/{self.key}"


@dataclass(slots=True, kw_only=True)
class Latch:
    """A supply that was cut and stays off until a person restores it.

    `alarms` are the ids of those that want it off, the newest last. `before` is what
    flowed before it was cut, by reading, in amperes or watts. `milliseconds` passed until
    it was proven, within the `limit` of a current.
    """

    device: str
    key: str
    at: float
    alarms: list[str] = field(default_factory=list)
    who: str | None = None
    #: None until the first read-back has ended.
    proven: bool | None = None
    milliseconds: int | None = None
    limit: str | None = None
    #: Why the last try has not proven it.
    unproven: str | None = None
    before: dict[str, float] = field(default_factory=dict)
    #: Why a person has opened a protected load.
    reason: OpeningReason | None = None
    #: Its restore was put off.
    left: Left | None = None

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Latch:
        """Return the latch of a stored row; fields of a later version are dropped.

        Raises TypeError if one is missing.
        """
        latch = cls(**_known(cls, data))
        latch.left = Left(**_known(Left, data["left"])) if latch.left else None
        return latch

    @property
    def supply(self) -> Supply:
        """Return the supply."""
        return Supply(self.device, self.key)


class Latches:
    """The latches of the house, stored as they change."""

    def __init__(self, storage: Storage) -> None:
        """Initialize."""
        self._storage = storage
        self.rows: dict[str, Latch] = {}
        #: The same by device and by alarm: of hundreds that are cut at once each is asked
        #: for again and again. And the alarms by which a supply is found.
        self._of_device: dict[str, dict[str, Latch]] = {}
        self._of_alarm: dict[str, dict[str, Latch]] = {}
        self._tied: dict[str, list[str]] = {}
        self._listeners: list[Callable[[Latch], None]] = []

    def restore(self, rows: Mapping[str, dict[str, Any]]) -> None:
        """Take over the latches of an earlier run; one that is known stays tied to both."""
        for key, row in rows.items():
            try:
                latch = Latch.from_dict(row)
            except TypeError as err:
                LOGGER.error("The cut-off of %s is not remembered: %s", key, err)
                device, _slash, supply = key.rpartition("/")
                if not device:
                    continue
                # That it was cut is all that is known: so it stays off.
                latch = Latch(device=device, key=supply, at=time.time())
            if newer := self.rows.get(key):
                newer.alarms = list(dict.fromkeys((*latch.alarms, *newer.alarms)))
                # It may have been off already when it was cut again.
                for load, value in latch.before.items():
                    newer.before[load] = max(value, newer.before.get(load, 0))
                newer.at = latch.at
                newer.who, newer.reason = latch.who, latch.reason or newer.reason
                newer.left = newer.left or latch.left
                self.store(newer)
            else:
                self._take(latch)
                self._tell(latch)

    @callback
    def listen(self, listener: Callable[[Latch], None]) -> CALLBACK_TYPE:
        """Call a listener with each latch that is new, has changed, or was lifted.

        Returns a function that ends this.
        """
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def get(self, supply: Supply) -> Latch | None:
        """Return the latch of a supply."""
        return self.rows.get(supply.id)

    def of_device(self, uid: str) -> list[Latch]:
        """Return the latches of a device."""
        return list(self._of_device.get(uid, {}).values())

    def of_alarms(self, alarm_ids: Iterable[str]) -> list[Latch]:
        """Return the latches that any of these alarms wants off."""
        found: dict[str, Latch] = {}
        for alarm_id in alarm_ids:
            found |= self._of_alarm.get(alarm_id, {})
        return list(found.values())

    @property
    def alarms(self) -> AbstractSet[str]:
        """Return the ids of the alarms that want something off."""
        return self._of_alarm.keys()

    def check_closing(self, supply: Supply, name: str) -> None:
        """Raise HomeAssistantError if a supply of the device `name` must stay off.

        Also where that cannot be read.
        """
        if "latches" in self._storage.unread:
            raise HomeAssistantError(
                translation_domain=DOMAIN,
                translation_key="not_read",
                translation_placeholders={"device": name},
            )
        if supply.id in self.rows:
            raise HomeAssistantError(
                translation_domain=DOMAIN,
                translation_key="latched",
                translation_placeholders={"device": name},
            )

    @callback
    def add(
        self,
        supply: Supply,
        alarm_id: str | None,
        who: str | None,
        reason: OpeningReason | None,
        before: dict[str, float],
    ) -> Latch:
        """Latch a supply that is not latched yet.

        The command does not wait for the disk. If a crash comes between, the alarm does
        not count as announced yet, and what it has led to is done again.
        """
        latch = Latch(
            device=supply.uid,
            key=supply.key,
            at=time.time(),
            alarms=[alarm_id] if alarm_id else [],
            who=who,
            before=before,
            reason=reason,
        )
        self._take(latch)
        self.store(latch)
        return latch

    @callback
    def lift(self, supply: Supply) -> None:
        """Let a supply be closed again."""
        latch = self.rows.pop(supply.id, None)
        self._storage.put("latches", supply.id, None)
        if latch:
            self._tie(latch, [])
            _let_go(self._of_device, latch.device, supply.id)
            self._tell(latch)

    @callback
    def store(self, latch: Latch) -> asyncio.Future[bool]:
        """Store a latch that has changed."""
        if self.rows.get(latch.supply.id) is latch:
            self._tie(latch, latch.alarms)
        stored = self._storage.put("latches", latch.supply.id, asdict(latch))
        self._tell(latch)
        return stored

    def _take(self, latch: Latch) -> None:
        key = latch.supply.id
        self.rows[key] = self._of_device.setdefault(latch.device, {})[key] = latch
        self._tie(latch, latch.alarms)

    def _tie(self, latch: Latch, alarm_ids: list[str]) -> None:
        """Let a latch be found by the alarms that want it off now."""
        key = latch.supply.id
        for alarm_id in self._tied.pop(key, ()):
            _let_go(self._of_alarm, alarm_id, key)
        if alarm_ids:
            self._tied[key] = [*alarm_ids]
        for alarm_id in alarm_ids:
            self._of_alarm.setdefault(alarm_id, {})[key] = latch

    def _tell(self, latch: Latch) -> None:
        tell(tuple(self._listeners), latch)


def _known(kind: type, data: dict[str, Any]) -> dict[str, Any]:
    names = {item.name for item in fields(kind)}
    return {key: value for key, value in data.items() if key in names}


def _let_go(index: dict[str, dict[str, Latch]], name: str, key: str) -> None:
    found = index.get(name, {})
    found.pop(key, None)
    if not found:
        index.pop(name, None)
