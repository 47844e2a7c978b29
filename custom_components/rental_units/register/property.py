"""The register of one property, at the config entry as `runtime_data`."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from functools import partial
from itertools import batched
import time
from types import MappingProxyType
from typing import Final

from sqlalchemy.orm import Session

from homeassistant.config_entries import ConfigEntry, ConfigEntryState, ConfigSubentry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
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
    DOMAIN,
    LOGGER,
    SUBENTRY_RESPONDER,
    SUBENTRY_UNIT,
)
from ..storage import events, vault
from ..storage.engine import Database
from ..storage.errors import RegisterError
from ..storage.vault import Keys, Vault
from . import queries
from .last_known import LastKnown
from .people import Audience, Recipient
from .phonebook import Phonebook
from .units import Summary, UnitInfo

type RegisterConfigEntry = ConfigEntry[Register]

#: Failures of a database that may be over soon.
AWAY: Final = frozenset({"register_locked", "register_unreachable", "register_full"})
#: How often a database that is away is looked for.
LOOK_SECONDS: Final = 10

#: Units that are added in one turn of the event loop. An alert takes some twenty turns,
#: and waits for such a portion in each.
BATCH: Final = 5


class Register:
    """Units, with the figures of their people; the people themselves stay in the database."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: RegisterConfigEntry,
        database: Database,
        channels: Callable[[], Iterable[str]],
    ) -> None:
        """Initialize; `channels` returns those over which somebody can be reached."""
        self.hass = hass
        self.entry = entry
        self.database = database
        self.channels = channels
        self.keys = Keys(hass, entry.entry_id)
        self.last_known = LastKnown(hass, entry.entry_id, self.keys)
        self.phonebook = Phonebook(self, self.last_known)
        #: How many encrypted rows nobody can read: their key is not there.
        self.unreadable = 0
        #: Why the database could not be opened, where people are told as last known.
        self.blind: RegisterError | None = None
        self.units: dict[str, UnitInfo] = {}
        self.summaries: dict[str, Summary] = {}
        #: Responders whom no channel reaches that is set up, by their subentries.
        self.silent_responders: set[str] = set()
        #: Units and responders without a subentry, which can be brought back.
        self.missing: list[queries.Missing] = []
        self._unit_listeners: dict[str, list[CALLBACK_TYPE]] = defaultdict(list)
        self._new_unit_listeners: list[Callable[[Iterable[UnitInfo]], None]] = []
        self._change_listeners: list[CALLBACK_TYPE] = []
        self._is_syncing = False
        self._pause = asyncio.Lock()

    async def async_start(self) -> None:
        """Open the database and read the figures.

        While it is away, people are told as they were last known, and it is tried again.
        Raises RegisterError if nobody is known.
        """
        try:
            await self.keys.async_load()
        except RegisterError as err:
            LOGGER.error(
                "People are not kept for a start without database: %s", err.key
            )
        self.units = self._units()
        try:
            await self.database.async_open()
            self.missing = await self.async_run(partial(self._adopt, at_start=True))
            self.unreadable = await self.async_run(Vault(self.keys).lost)
            await self.async_refresh()
        except RegisterError as err:
            if err.key not in AWAY or not await self.phonebook.async_recall():
                raise
            LOGGER.error("People are told as they were last known: %s", err.key)
            self.blind = err
            self.entry.async_on_unload(
                async_track_time_interval(
                    self.hass, self._async_look, timedelta(seconds=LOOK_SECONDS)
                )
            )
        self._add_devices(self.units.values())
        self.entry.async_on_unload(
            async_track_time_change(
                self.hass, self._async_new_day, hour=0, minute=0, second=0
            )
        )

    async def _async_look(self, _now: datetime) -> None:
        """Begin anew, once the database is back."""
        try:
            await self.database.async_open()
        except RegisterError:
            return
        self.hass.config_entries.async_schedule_reload(self.entry.entry_id)

    async def async_stop(self) -> None:
        """Close the database, and keep who is known."""
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
        """Read the figures of these units anew, or of all, and tell their entities."""
        wanted = None if unit_ids is None else list(unit_ids)
        today, channels = self.today, sorted(self.channels())

        def read(session: Session) -> tuple[dict[str, Summary], set[str]]:
            return (
                queries.summaries(session, today, wanted, channels),
                queries.silent_responders(session, channels),
            )

        found, self.silent_responders = await self.async_read(read, long=wanted is None)
        if wanted is None:
            self.summaries = found
            self.entry.async_create_background_task(
                self.hass, self.phonebook.async_learn(), "rental units people"
            )
        else:
            self.summaries.update(found)
            await self.phonebook.async_learn(wanted)
        for unit_id in found if wanted is None else wanted:
            for update in self._unit_listeners.get(unit_id, ()):
                update()
        for update in self._change_listeners:
            update()

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
        return [unit.id for unit in self.units.values() if unit.area_id == area_id]

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
        """Call `add` with each unit that is new."""
        self._new_unit_listeners.append(add)
        return lambda: self._new_unit_listeners.remove(add)

    @callback
    def listen(self, update: CALLBACK_TYPE) -> CALLBACK_TYPE:
        """Call `update` when any figure was read anew."""
        self._change_listeners.append(update)
        return lambda: self._change_listeners.remove(update)

    async def async_sync(self) -> None:
        """Follow the subentries: what is new, changed and gone.

        An import adds two thousand of them at once, and each calls for this. The first
        waits for the loop's next turn and does it for all.
        """
        if self._is_syncing:
            return
        self._is_syncing = True
        self.hass.loop.call_soon(self._begin_sync)

    async def async_catch_up(self) -> None:
        """Follow the subentries that have come and gone since the start began."""
        if self._units() != self.units:
            await self.async_sync()

    @asynccontextmanager
    async def async_pause(self) -> AsyncGenerator[None]:
        """Do not follow the subentries until rows and subentries fit together again.

        One import at a time: the next would plan with the units of before.
        """
        try:
            async with self._pause:
                yield
        finally:
            self._begin_sync()

    @callback
    def _begin_sync(self) -> None:
        self._is_syncing = False
        if self._pause.locked():
            return  # Its end does it.
        if self.entry.state is not ConfigEntryState.LOADED:
            return  # The next start begins with it.
        self.entry.async_create_task(self.hass, self._async_sync(), "rental units sync")

    async def _async_sync(self) -> None:
        before, self.units = self.units, self._units()
        try:
            self.missing = await self.async_run(partial(self._adopt, at_start=False))
            await self.async_refresh()
        except RegisterError as err:
            LOGGER.error("The units could not be matched with the register: %s", err)
        for unit in self.units.values():
            if unit.id in before and unit != before[unit.id]:
                self.update_device(unit)
        new = [unit for unit in self.units.values() if unit.id not in before]
        for unit_id in before.keys() - self.units.keys():
            self._unit_listeners.pop(unit_id, None)
        async for units in self.async_batches(new):
            self._add_devices(units)
            for add in self._new_unit_listeners:
                add(units)

    async def async_batches(
        self, units: Iterable[UnitInfo]
    ) -> AsyncGenerator[list[UnitInfo]]:
        """Return a few units at a time; alarms go on meanwhile.

        A unit that is gone when it is its turn is left out.
        """
        for batch in batched(units, BATCH, strict=False):
            yield [unit for unit in batch if unit.id in self.entry.subentries]
            await asyncio.sleep(0)

    @callback
    def _add_devices(self, units: Iterable[UnitInfo]) -> None:
        """Make the devices that are missing, in the areas of their units."""
        registry = dr.async_get(self.hass)
        for unit in units:
            if self.device_of(unit.id):
                continue
            registry.async_get_or_create(
                config_entry_id=self.entry.entry_id,
                config_subentry_id=unit.id,
                identifiers={(DOMAIN, unit.id)},
                name=unit.title,
            )
            if unit.area_id:
                self.update_device(unit)

    @callback
    def update_device(self, unit: UnitInfo) -> None:
        """Give the device of a unit its name and area."""
        if device := self.device_of(unit.id):
            dr.async_get(self.hass).async_update_device(
                device.id, name=unit.title, area_id=unit.area_id
            )

    @callback
    def device_of(self, unit_id: str) -> dr.DeviceEntry | None:
        """Return the device of a unit."""
        return dr.async_get(self.hass).async_get_device_by_identifier(
            (DOMAIN, unit_id), self.entry.entry_id
        )

    def _units(self) -> dict[str, UnitInfo]:
        return {
            row.subentry_id: UnitInfo.from_subentry(row)
            for row in self.entry.get_subentries_of_type(SUBENTRY_UNIT)
        }

    def _adopt(self, session: Session, *, at_start: bool) -> list[queries.Missing]:
        queries.adopt(
            session,
            *(
                {
                    row.subentry_id: {
                        "title": row.title,
                        "unique_id": row.unique_id,
                        "data": dict(row.data),
                    }
                    for row in self.entry.get_subentries_of_type(kind)
                }
                for kind in (SUBENTRY_UNIT, SUBENTRY_RESPONDER)
            ),
            at_start=at_start,
            now=time.time(),
        )
        return queries.missing(session)

    @callback
    def restore(self) -> None:
        """Add the subentries anew that are missing, with the ids that they had."""
        taken = {row.unique_id for row in self.entry.subentries.values()}
        for row in self.missing:
            if row.facts and row.facts["unique_id"] not in taken:
                subentry = ConfigSubentry(
                    data=MappingProxyType(row.facts["data"]),
                    subentry_id=row.id,
                    subentry_type=row.kind,
                    title=row.facts["title"],
                    unique_id=row.facts["unique_id"],
                )
                self.hass.config_entries.async_add_subentry(self.entry, subentry)

    async def async_erase_missing(self) -> None:
        """Remove what is missing for good. Raises RegisterError."""
        await self.async_run(queries.erase_missing)
        await self.database.async_checkpoint()
        await self.async_sync()

    async def _async_new_day(self, now: datetime) -> None:
        """Let leases begin and end, and drop what need not be kept any more."""
        options, today = self.entry.options, self.today
        keep = options.get(CONF_KEEP_DAYS, DEFAULT_KEEP_DAYS)
        keep_audit = options.get(CONF_KEEP_AUDIT_DAYS, DEFAULT_KEEP_AUDIT_DAYS)

        def purge(session: Session) -> None:
            queries.purge(session, today, keep, now.timestamp())
            events.purge(session, now.timestamp())
            vault.purge(session, now.timestamp())
            queries.purge_audit(session, now.timestamp() - keep_audit * 86400)

        try:
            await self.async_run(purge)
            self.missing = await self.async_run(queries.missing)
            await self.async_refresh()
        except RegisterError as err:
            LOGGER.error("The register could not begin a new day: %s", err)
