"""The register of one property, at the config entry as `runtime_data`."""

import asyncio
from collections import defaultdict
from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Iterable,
    Mapping,
    Sequence,
)
from datetime import date, datetime, timedelta
from functools import partial
from itertools import batched
import time
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from homeassistant.config_entries import ConfigEntry, ConfigEntryState, ConfigSubentry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.event import (
    async_track_time_change,
    async_track_time_interval,
)
from homeassistant.util import dt as dt_util

from ..const import (
    CONF_KEEP_AUDIT_DAYS,
    CONF_KEEP_DAYS,
    DEFAULT_KEEP_AUDIT_DAYS,
    DEFAULT_KEEP_DAYS,
    LOGGER,
    SUBENTRY_RESPONDER,
)
from ..storage import events, vault
from ..storage.engine import Database
from ..storage.errors import AWAY, RegisterError
from ..storage.events import DomainEvent, Kind
from ..storage.vault import Keys, Vault
from ..telling import tell
from . import queries, takeover
from .devices import Devices
from .last_known import LastKnown
from .people import Audience, Recipient
from .phonebook import ROLES, Phonebook
from .refusals import Refusals
from .units import Summary, UnitInfo

type RegisterConfigEntry = ConfigEntry[Register]

#: That of one for which a form asks. Asked again and again it might lock its user out.
REFUSED: Final = "register_refused"
#: How often a database that is away is looked for, and one that has failed otherwise: each
#: time all begins anew. And how often what it has not let us do is tried again.
LOOK_SECONDS: Final = 10
FAILED_LOOK_SECONDS: Final = 600
CATCH_UP_SECONDS: Final = 60

#: Seconds by which a clock that is right is set forward at the most: a machine without a
#: battery, and without power over night.
MOST_SET_SECONDS: Final = 86_400.0

#: Units that are added in one turn of the event loop. An alert takes some twenty turns,
#: and waits for such a portion in each.
BATCH: Final = 5


def _clock() -> float:
    return time.time() - time.monotonic()


class _Read(NamedTuple):
    """What is read of units at once."""

    units: dict[str, UnitInfo]
    summaries: dict[str, Summary]
    missing: list[queries.Missing]


class Register:
    """Units, with the figures of their people; the people themselves stay in the database."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: RegisterConfigEntry,
        database: Database,
        channels: Callable[[Audience], Iterable[str]],
        keep: ColumnElement[bool],
    ) -> None:
        """Initialize; `channels` returns those over which a fire would tell an audience.

        `keep` is the condition of people who stay without lease and duty.
        """
        self.hass = hass
        self.entry = entry
        self.database = database
        self.channels = channels
        self.keep = keep
        self.keys = Keys(hass, entry.entry_id)
        self.last_known = LastKnown(hass, entry.entry_id, self.keys, self._units_of_now)
        self.phonebook = Phonebook(self, self.last_known)
        self.devices = Devices(hass, entry)
        self.refusals = Refusals(self)
        #: How many encrypted rows nobody can read: their key is not there.
        self.unreadable = 0
        #: Why the database could not be opened, where people are told as last known.
        self.blind: RegisterError | None = None
        self._is_looking = False
        self._units: Mapping[str, UnitInfo] = {}
        self._units_of_area: Mapping[str, list[str]] = {}
        self.summaries: dict[str, Summary] = {}
        #: Units and responders that are missing, and can be brought back.
        self.missing: list[queries.Missing] = []
        self._unit_listeners: dict[str, list[CALLBACK_TYPE]] = defaultdict(list)
        self._new_unit_listeners: list[Callable[[Iterable[UnitInfo]], None]] = []
        self._change_listeners: list[CALLBACK_TYPE] = []
        #: Units whose change is written, but could not be read yet.
        self._unread: set[str] = set()
        #: The day that all figures were read for last.
        self._day_read: date | None = None
        #: The day that has begun here; None: none has yet, or it was not possible.
        self._day: date | None = None
        self._day_failed = False
        self._day_listeners: list[Callable[[], Awaitable[object]]] = []
        #: By how much the wall's clock is before the machine's own.
        self._clock = _clock()
        self._is_syncing = False
        #: The last match of responders and register has failed.
        self._is_unmatched = False
        self._refreshing = asyncio.Lock()
        #: One import at a time: the next would plan with the units of before.
        self.importing = asyncio.Lock()

    async def async_start(self) -> None:
        """Open the database and read the figures.

        While it is away, or fails, people are told as they were last known, and it is
        tried again. Raises RegisterError if nobody is known.
        """
        try:
            await self.keys.async_load()
        except RegisterError as err:
            LOGGER.error(
                "People are not kept for a start without database: %s", err.key
            )
        try:
            await self.database.async_open()
            await self._async_take_over()
            await self.async_run(partial(self._adopt, at_start=True))
            self.unreadable = await self.async_run(Vault(self.keys).lost)
            await self.async_refresh()
        except RegisterError as err:
            if not await self.phonebook.async_recall():
                raise
            LOGGER.error("People are told as they were last known: %s", err.key)
            self.blind = err
            self.units = {
                **await self.last_known.async_load_units(),
                # Not taken over yet.
                **{
                    key: UnitInfo.from_data(key, data)
                    for key, data in takeover.subentries_of(self.entry).items()
                },
            }
            await self._async_add(self.units.values())
            if err.key == REFUSED:
                self.entry.async_start_reauth(self.hass)
                return
            seconds = LOOK_SECONDS if err.key in AWAY else FAILED_LOOK_SECONDS
            self.entry.async_on_unload(
                async_track_time_interval(
                    self.hass, self._async_look, timedelta(seconds=seconds)
                )
            )
            return
        self.entry.async_on_unload(
            async_track_time_change(
                self.hass, self._async_catch_up, hour=0, minute=0, second=0
            )
        )
        # The first time is out of the way of the start.
        self.entry.async_on_unload(
            async_track_time_interval(
                self.hass,
                self._async_catch_up,
                timedelta(seconds=CATCH_UP_SECONDS),
                cancel_on_shutdown=True,
            )
        )

    @property
    def units(self) -> Mapping[str, UnitInfo]:
        """Return the units by their ids; it is another mapping when one has changed."""
        return self._units

    @units.setter
    def units(self, units: Mapping[str, UnitInfo]) -> None:
        self._units = units
        by_area = defaultdict[str, list[str]](list)
        for unit in units.values():
            if unit.area_id:
                by_area[unit.area_id].append(unit.id)
        self._units_of_area = dict(by_area)

    def _units_of_now(self) -> list[UnitInfo]:
        return list(self.units.values())

    async def _async_take_over(self) -> None:
        """Take the units over that are in the config entry yet. Raises RegisterError.

        A register that begins anew after damage begins with the units that were last known:
        their devices, areas and automations go on, and people can be entered again.
        """
        known: dict[str, Mapping[str, Any]] = {}
        if self.database.moved:
            units = await self.last_known.async_load_units()
            known = {key: unit.data for key, unit in units.items()}
        known |= takeover.subentries_of(self.entry)
        removed = await self.async_run(
            partial(takeover.take_over, units=known, now=time.time())
        )
        await takeover.async_let_go(self.hass, self.entry)
        await takeover.async_remove_subentries(self.hass, self.entry)
        for unit_id in removed:
            # The process may have ended between the two.
            self.devices.remove(unit_id)

    async def _async_look(self, _now: datetime) -> None:
        """Begin anew, once the database is back: once, however long it takes to answer."""
        if self._is_looking:
            return
        self._is_looking = True
        try:
            await self.database.async_open()
        except RegisterError:
            self._is_looking = False
            return
        if self.blind and self.blind.key in AWAY:
            LOGGER.info("The database of the register is back")
        self.hass.config_entries.async_schedule_reload(self.entry.entry_id)

    async def async_stop(self) -> None:
        """Close the database, and keep who is known."""
        await self.refusals.async_stop()
        await self.database.async_close()
        if self.blind is None:
            await self.last_known.async_save()

    async def async_run[T](self, work: Callable[[Session], T]) -> T:
        """Run work on the database in one transaction. Raises RegisterError."""
        return await self.database.async_run(work)

    async def async_read[T](
        self, work: Callable[[Session], T], *, long: bool = False
    ) -> T:
        """Run work that only reads, and waits for no writer. Raises RegisterError."""
        return await self.database.async_read(work, long=long)

    async def async_refresh(self, unit_ids: Iterable[str] | None = None) -> None:
        """Read these units anew, or all, with their figures, and let the house follow.

        Raises RegisterError; what could not be read is read the next time.
        """
        wanted = None if unit_ids is None else {*unit_ids, *self._unread}
        # One at a time: what was read earlier must not be shown later.
        async with self._refreshing:
            self._unread |= wanted or set()
            before = self.units
            await self._async_read(wanted)
            self._unread = set() if wanted is None else self._unread - wanted
            await self._async_follow(before)
        for unit_id in self.units if wanted is None else wanted:
            tell(self._unit_listeners.get(unit_id, ()))
        tell(self._change_listeners)

    async def _async_read(self, wanted: set[str] | None) -> None:
        today = self.today
        channels = {
            str(role): sorted(self.channels(audience))
            for audience, role in ROLES.items()
        }

        def read(session: Session) -> _Read:
            return _Read(
                queries.units(session, wanted),
                queries.summaries(session, today, wanted, channels),
                queries.missing(session),
            )

        found = await self.async_read(read, long=wanted is None)
        self.missing = found.missing
        if wanted is None:
            self.units, self.summaries = found.units, found.summaries
            self._day_read = today
            self.entry.async_create_background_task(
                self.hass, self.phonebook.async_learn(), "rental units people"
            )
            return
        kept = {key: unit for key, unit in self.units.items() if key not in wanted}
        self.units = {**kept, **found.units}
        for unit_id in wanted:
            self.summaries.pop(unit_id, None)
        self.summaries.update(found.summaries)
        await self.phonebook.async_learn(wanted)

    async def _async_follow(self, before: Mapping[str, UnitInfo]) -> None:
        """Let devices and entities come and go with the units."""
        for unit_id in before.keys() - self.units.keys():
            self._unit_listeners.pop(unit_id, None)
            self.devices.remove(unit_id)
        await self._async_add(
            unit for key, unit in self.units.items() if key not in before
        )

    async def _async_add(self, new: Iterable[UnitInfo]) -> None:
        async for units in self.async_batches(new):
            for unit in units:
                self.devices.add(unit)
            tell(self._new_unit_listeners, units)

    async def async_hear(self, happened: Sequence[DomainEvent]) -> None:
        """Give devices the names and areas of units that have changed."""
        kinds = {Kind.UNIT_ADDED, Kind.UNIT_CHANGED, Kind.UNIT_RESTORED}
        changed = {row.unit_id for row in happened if row.kind in kinds}
        units = [self.units[key] for key in changed if key and key in self.units]
        async for batch in self.async_batches(units):
            for unit in batch:
                self.devices.update(unit)

    @property
    def today(self) -> date:
        """Return the day in the house's time zone."""
        return dt_util.now().date()

    async def async_recipients(
        self, unit_ids: Iterable[str], audiences: Iterable[Audience]
    ) -> list[Recipient]:
        """Return who belongs to these audiences now. Raises RegisterError."""
        return await self.phonebook.async_recipients(unit_ids, audiences)

    @callback
    def units_of_area(self, area_id: str) -> list[str]:
        """Return the units in an area."""
        return list(self._units_of_area.get(area_id, ()))

    @callback
    def listen_unit(self, unit_id: str, update: CALLBACK_TYPE) -> CALLBACK_TYPE:
        """Call `update` when the figures of a unit were read anew."""
        self._unit_listeners[unit_id].append(update)
        return partial(self._forget, unit_id, update)

    @callback
    def _forget(self, unit_id: str, update: CALLBACK_TYPE) -> None:
        if update in (updates := self._unit_listeners.get(unit_id, [])):
            updates.remove(update)

    @callback
    def listen_new_units(
        self, add: Callable[[Iterable[UnitInfo]], None]
    ) -> CALLBACK_TYPE:
        """Call `add` with the units that are new, once their devices are there."""
        self._new_unit_listeners.append(add)
        return lambda: self._new_unit_listeners.remove(add)

    @callback
    def listen(self, update: CALLBACK_TYPE) -> CALLBACK_TYPE:
        """Call `update` when any figure was read anew."""
        self._change_listeners.append(update)
        return lambda: self._change_listeners.remove(update)

    @callback
    def listen_day(self, begin: Callable[[], Awaitable[object]]) -> None:
        """Let something be done once a day, and again if it raises RegisterError."""
        self._day_listeners.append(begin)

    async def async_sync(self) -> None:
        """Follow the responders' subentries and the channels: what is new, changed, gone.

        Several changes of one moment call for this: the first waits for the loop's next turn
        and does it for all.
        """
        if self._is_syncing:
            return
        self._is_syncing = True
        self.hass.loop.call_soon(self._begin_sync)

    @callback
    def _begin_sync(self) -> None:
        self._is_syncing = False
        if self.entry.state is not ConfigEntryState.LOADED:
            return  # The next start begins with it.
        self.entry.async_create_task(self.hass, self._async_sync(), "rental units sync")

    async def _async_sync(self) -> None:
        self._is_unmatched = False
        try:
            await self.async_run(partial(self._adopt, at_start=False))
            await self.async_refresh()
        except RegisterError as err:
            self._is_unmatched = True
            LOGGER.error(
                "The responders could not be matched with the register: %s", err
            )

    async def async_batches(
        self, units: Iterable[UnitInfo]
    ) -> AsyncGenerator[list[UnitInfo]]:
        """Return a few units at a time; alarms go on meanwhile.

        A unit that is gone when it is its turn is left out.
        """
        for batch in batched(units, BATCH, strict=False):
            yield [unit for unit in batch if unit.id in self.units]
            await asyncio.sleep(0)

    def _adopt(self, session: Session, *, at_start: bool) -> None:
        duties = {
            row.subentry_id: {
                "title": row.title,
                "unique_id": row.unique_id,
                "data": dict(row.data),
            }
            for row in self.entry.get_subentries_of_type(SUBENTRY_RESPONDER)
        }
        queries.adopt(
            session, duties, at_start=at_start, now=time.time(), keep=self.keep
        )

    @callback
    def restore_responders(self) -> None:
        """Add the subentries anew that are missing, with the ids that they had."""
        taken = {row.unique_id for row in self.entry.subentries.values()}
        for row in self.missing:
            if row.facts and row.facts["unique_id"] not in taken:
                subentry = ConfigSubentry(
                    data=MappingProxyType(row.facts["data"]),
                    subentry_id=row.id,
                    subentry_type=SUBENTRY_RESPONDER,
                    title=row.facts["title"],
                    unique_id=row.facts["unique_id"],
                )
                self.hass.config_entries.async_add_subentry(self.entry, subentry)

    async def _async_catch_up(self, now: datetime) -> None:
        """Begin a day that has not begun, and read what could not be read."""
        if self._day != self.today:
            await self._async_new_day(now)
        if self._is_unmatched:
            await self._async_sync()
        try:
            if self._unread:
                await self.async_refresh(())
        except RegisterError as err:
            LOGGER.debug("The figures could not be read: %s", err.key)
        await self.phonebook.async_catch_up()

    async def _async_new_day(self, now: datetime) -> None:
        """Let leases begin and end, and drop what need not be kept any more.

        It is tried again until it is done: a machine may be off, or the database away, at
        midnight, and who has left has no rights any more.
        """
        options, today = self.entry.options, self.today
        keep = options.get(CONF_KEEP_DAYS, DEFAULT_KEEP_DAYS)
        keep_audit = options.get(CONF_KEEP_AUDIT_DAYS, DEFAULT_KEEP_AUDIT_DAYS)

        def purge(session: Session) -> None:
            queries.purge(session, today, keep, now.timestamp(), self.keep)
            events.purge(session, now.timestamp())
            vault.purge(session, now.timestamp())
            queries.purge_audit(session, now.timestamp() - keep_audit * 86400)

        async def end() -> None:
            await self.async_run(purge)
            # What was missing may be gone for good.
            await self.async_refresh(())
            for begin in self._day_listeners:
                await begin()

        before, self._clock = self._clock, _clock()
        self._day = today
        try:
            if self._day_read != today:
                await self.async_refresh()
            if self._clock - before > MOST_SET_SECONDS:
                # Nothing goes for good by a clock that may be wrong: if it is right, the
                # next day does it.
                LOGGER.warning("The clock was set forward: nothing is deleted today")
            else:
                await end()
        except RegisterError as err:
            self._day = None
            if not self._day_failed:
                LOGGER.error("The register could not begin a new day: %s", err)
            self._day_failed = True
        else:
            self._day_failed = False
