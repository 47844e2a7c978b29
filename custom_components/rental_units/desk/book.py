"""The desks of one property in memory: what is due, and nobody in it."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
import time
from typing import Any, Final

from sqlalchemy.orm import Session

from homeassistant.core import CALLBACK_TYPE, Event, HomeAssistant, callback
from homeassistant.helpers.event import (
    EventStateChangedData,
    async_track_state_change_event,
    async_track_time_interval,
)
from homeassistant.util.hass_dict import HassKey

from ..const import DOMAIN, LOGGER
from ..issues import WARNING, listed, put_issue
from ..register import Register, RegisterConfigEntry, default_language
from ..storage.errors import RegisterError
from ..storage.events import DomainEvent, Kind
from ..telling import tell
from . import notices, queue
from .const import CONF_DESK, CONF_OFF, CONF_WORKED
from .country import async_look
from .days import Look, WorkingDays, parse_days
from .desks import CONF_LEVEL, Desk, Level, desks_of
from .notices import Brief, Rules
from .queue import Queue
from .texts import texts

DATA_DESKS: HassKey[dict[str, DeskBook]] = HassKey(f"{DOMAIN}_desks")
#: How often it is looked if something is due by now.
LOOK: Final = timedelta(minutes=5)
_OF_LEASES: Final = frozenset(
    {
        *(Kind.LEASE_STARTED, Kind.LEASE_RENEWED, Kind.LEASE_CORRECTED),
        *(Kind.LEASE_ENDED, Kind.LEASE_RESTORED, Kind.PERSON_LEFT),
        *(Kind.PERSON_MERGED, Kind.PERSON_ERASED),
        *(Kind.UNIT_CHANGED, Kind.UNIT_REMOVED, Kind.UNIT_RESTORED),
        Kind.NOTICE_CHANGED,
    }
)


_NOBODY: Final = Queue()


class DeskBook:
    """What is due at the desks of a property."""

    def __init__(
        self, hass: HomeAssistant, entry: RegisterConfigEntry, register: Register
    ) -> None:
        """Initialize; `async_start` reads what is due."""
        self._hass = hass
        self.entry = entry
        self.register = register
        self._look: Look = lambda _day: None
        self.open: Sequence[Brief] = ()
        self.desks: Mapping[str, Desk] = {}
        #: By desks; one where nobody has come today is not in it.
        self.queues: Mapping[str, Queue] = {}
        #: Whether it is known what is due.
        self.is_known = False
        self._change_listeners: list[CALLBACK_TYPE] = []
        self._new_desk_listeners: list[Callable[[Iterable[Desk]], None]] = []
        self._followed = frozenset[str]()
        self._unfollow: CALLBACK_TYPE | None = None
        self._reading = asyncio.Lock()

    async def async_start(self) -> None:
        """Read what is due. Raises RegisterError; nothing is known while the database is away."""
        self._follow_desks()
        self.entry.async_on_unload(self._stop)
        if self.register.blind:
            return
        self._look = await async_look(self._hass)
        await self._async_recount()
        self.is_known = True
        self._show()
        self.register.listen_day(self._async_begin_day)
        self.entry.async_on_unload(self.register.phonebook.listen(self._show))
        self.entry.async_on_unload(
            async_track_time_interval(
                self._hass, self._tick, LOOK, cancel_on_shutdown=True
            )
        )

    async def async_hear(self, happened: Sequence[DomainEvent]) -> None:
        """Follow the leases and the queues. Raises RegisterError."""
        found = [row for row in happened if row.kind in _OF_LEASES]
        if not found:
            if any(row.kind == Kind.QUEUE_CHANGED for row in happened):
                await self._async_read()
            return
        units = {row.unit_id for row in found if row.unit_id}
        people = {row.person_id for row in found if row.person_id}
        rules, today = self.rules, self.register.today

        def follow(session: Session) -> None:
            concerned = notices.concerned(session, units, people)
            notices.reconcile(session, rules, today, concerned)

        await self.register.async_run(follow)
        await self._async_read()

    @callback
    def follow_options(self) -> None:
        """Take other rules, and other desks."""
        self._follow_desks()
        if self.is_known:
            self.entry.async_create_task(
                self._hass, self._async_follow_options(), "rental units desk"
            )

    async def _async_follow_options(self) -> None:
        try:
            await self._async_recount()
        except RegisterError as err:
            # At midnight, or with the next start, it is done.
            LOGGER.warning("The notices could not be counted anew: %s", err.key)

    async def _async_begin_day(self) -> None:
        # Other years are known in another year, and a library may have come.
        self._look = await async_look(self._hass)
        await self._async_recount()

    async def _async_recount(self) -> None:
        rules, today = self.rules, self.register.today

        def count(session: Session) -> None:
            notices.begin(session, today)
            notices.reconcile(session, rules, today, notices.recent(session, today))
            notices.recount(session, rules)
            queue.begin_day(session, today, time.time())

        await self.register.async_run(count)
        await self._async_read()

    async def _async_read(self) -> None:
        # One at a time: what was read earlier must not be shown later.
        async with self._reading:
            today = self.register.today
            self.open, self.queues = await self.register.async_read(
                lambda session: (notices.read(session), queue.read(session, today))
            )
        self._show()

    # The desks

    def _follow_desks(self) -> None:
        """Take the desks that are set up now, and follow by what they are open."""
        before, self.desks = self.desks, desks_of(self.entry)
        tell(
            self._new_desk_listeners,
            [desk for key, desk in self.desks.items() if key not in before],
        )
        schedules = frozenset(
            row.schedule for row in self.desks.values() if row.schedule
        )
        if schedules != self._followed:
            self._stop()
            self._followed = schedules
            self._unfollow = async_track_state_change_event(
                self._hass, schedules, self._opened
            )
        self._show()

    @callback
    def _opened(self, _event: Event[EventStateChangedData]) -> None:
        self._show()

    @callback
    def _stop(self) -> None:
        if self._unfollow:
            self._unfollow()
            self._unfollow = None

    @callback
    def listen_new_desks(self, add: Callable[[Iterable[Desk]], None]) -> CALLBACK_TYPE:
        """Call `add` with the desks that are new."""
        self._new_desk_listeners.append(add)
        return lambda: self._new_desk_listeners.remove(add)

    def is_open(self, desk: Desk) -> bool | None:
        """Return if a desk is open now; None where nobody can tell."""
        is_worked = self.rules.days.is_worked(self.register.today)
        return desk.is_open(self._hass, is_worked=is_worked)

    def is_staffed(self, desk: Desk) -> bool:
        """Return if somebody is on duty there now, as far as it is said who staffs it."""
        return desk.is_staffed(self.register.phonebook.posts())

    def queue_of(self, desk: Desk) -> Queue:
        """Return the queue of a desk."""
        return self.queues.get(desk.id, _NOBODY)

    def level_name(self, level: Level) -> str:
        """Return what desks of a level are called, if somebody has said so."""
        options = self.entry.options.get(CONF_DESK, {})
        return str(options.get(f"{CONF_LEVEL}_{level}", ""))

    # Who shows them

    @property
    def rules(self) -> Rules:
        """Return which notices are due, and when."""
        options = self.entry.options.get(CONF_DESK, {})
        own = {
            day: is_worked
            for key, is_worked in ((CONF_OFF, False), (CONF_WORKED, True))
            for day in parse_days(options.get(key, ""))
        }
        days = WorkingDays(self._look, own)
        return Rules.of(options, days, self._hass.config.country)

    @callback
    def last_working_day(self, begin: date, count: int) -> tuple[date, bool]:
        """Return the last of so many working days after a day, and if one is only assumed."""
        found = self.rules.days.after(begin, count)
        return found.day, found.is_assumed

    @callback
    def listen(self, update: CALLBACK_TYPE) -> CALLBACK_TYPE:
        """Call `update` when something may be due, or no more."""
        self._change_listeners.append(update)
        return lambda: self._change_listeners.remove(update)

    @property
    def due(self) -> list[Brief]:
        """Return the notices that can be given by now, the most urgent first."""
        today = self.register.today
        return [row for row in self.open if row.begins_on <= today]

    @property
    def overdue(self) -> int:
        """Return how many should have been given before today."""
        return sum(row.due_on < self.register.today for row in self.open)

    def name_of(self, notice: Brief) -> str:
        """Return what a notice is called in a list: what is to be done, and the unit."""
        unit = self.register.units.get(notice.unit_id)
        text = str(self._texts["item"][notice.kind])
        return text.format(unit=unit.title if unit else "?")

    def about(self, notice: Brief) -> str | None:
        """Return what has to be known of its day."""
        return str(self._texts["assumed"]) if notice.is_assumed else None

    @property
    def _texts(self) -> Mapping[str, Any]:
        return texts(default_language(self._hass.config.language))

    @callback
    def _tick(self, _now: datetime) -> None:
        # Midnight may have come.
        self._show()

    @callback
    def _show(self) -> None:
        late = self.overdue
        put_issue(
            self._hass,
            self.entry,
            "notices_overdue",
            {"count": str(late)} if late else None,
            severity=WARNING,
        )
        alone = (
            [
                desk.title
                for desk in self.desks.values()
                if self.is_open(desk) and not self.is_staffed(desk)
            ]
            if self.register.phonebook.is_known
            else []
        )
        put_issue(
            self._hass,
            self.entry,
            "desks_unstaffed",
            listed(alone, "desks") if alone else None,
            severity=WARNING,
        )
        tell(self._change_listeners)
