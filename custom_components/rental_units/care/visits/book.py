"""The rounds of one property in memory: what is due, and whoever is in charge is told.

No name and no word is in it: these are in the database, and read when somebody asks.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
import time
from typing import Final

from sqlalchemy.orm import Session

from homeassistant.auth.models import User
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.event import async_track_time_interval
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey

from ...alerts.channels.push import phones_with
from ...alerts.const import Severity
from ...alerts.engine import Request
from ...alerts.people import CALLER
from ...alerts.runtime import engine_of
from ...const import DOMAIN, LOGGER, Reason
from ...issues import ERROR, WARNING, put_issue
from ...register import Register, RegisterConfigEntry, default_language, queries
from ...spoken import spoken
from ...storage.errors import RegisterError
from ...storage.events import DomainEvent, Kind
from ...storage.vault import Vault
from ...telling import tell
from . import rows
from .rules import MISSED_DAYS, Cause, Due, Event, News, Round, due, news

DATA_ROUNDS: HassKey[dict[str, RoundBook]] = HassKey(f"{DOMAIN}_rounds")
#: How often it is looked if somebody is due by now.
LOOK: Final = timedelta(minutes=5)
#: The texts of a language.
texts = partial(spoken, "care/visits")

#: By what a round may have become another one.
_KINDS: Final = {
    *(Kind.LEASE_STARTED, Kind.LEASE_RENEWED, Kind.LEASE_CORRECTED),
    *(Kind.LEASE_ENDED, Kind.LEASE_RESTORED, Kind.PERSON_LEFT),
    *(Kind.PERSON_CHANGED, Kind.PERSON_MERGED, Kind.PERSON_ERASED),
    *(Kind.CONSENT_GIVEN, Kind.CONSENT_ENDED, Kind.ROUND_CHANGED),
}


@dataclass(frozen=True, slots=True)
class Figures:
    """How many people are visited, and are to be."""

    all: int = 0
    #: Today, or already overdue.
    due: int = 0
    overdue: int = 0
    #: Nobody has opened two days in a row.
    missed: int = 0
    #: Nobody could be told of what is to be done.
    untold: int = 0


class RoundBook:
    """The rounds of a property."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: RegisterConfigEntry,
        register: Register,
        permit: Callable[[User, str, Reason], object | None],
    ) -> None:
        """Initialize; `permit` says if a user may (still) carry out a command."""
        self._hass = hass
        self.entry = entry
        self.register = register
        self._permit = permit
        #: The rounds by their people, and when each is due; of those who live here now, or not.
        self.rounds: Mapping[str, tuple[Round, Due]] = {}
        #: Whether it is known who is to be visited.
        self.is_known = False
        self.figures = Figures()
        self._listeners: list[CALLBACK_TYPE] = []
        self._following = asyncio.Lock()
        self._telling = asyncio.Lock()
        #: What happened while the database was away.
        self._unwritten: list[tuple[str, Event]] = []
        self._is_ready = False
        #: What was told in this run, and may not be written; of whom nobody could be told.
        self._told = defaultdict[str, dict[News, float]](dict)
        self._untold: frozenset[str] = frozenset()

    @property
    def vault(self) -> Vault:
        """Return the vault with what is known of people."""
        return Vault(self.register.keys)

    async def async_start(self) -> None:
        """Read the rounds. Raises RegisterError; none is known while the database is away."""
        if self.register.blind:
            return
        await self._async_follow()
        self.register.listen_day(self._async_follow)
        self.entry.async_on_unload(
            async_track_time_interval(
                self._hass, self._async_look, LOOK, cancel_on_shutdown=True
            )
        )

    @callback
    def go_on(self) -> None:
        """Tell of what came due while nobody was here: once alerts can be told."""
        self._is_ready = True
        self._tell_soon()

    async def async_hear(self, happened: Sequence[DomainEvent]) -> None:
        """Follow people, their leases and consents. Raises RegisterError."""
        ids = {row.person_id for row in happened if row.kind in _KINDS}
        if found := {row for row in ids if row}:
            await self._async_follow(found)

    async def _async_follow(self, person_ids: Collection[str] | None = None) -> None:
        # One at a time: what was read earlier must not be shown later.
        async with self._following:
            now, today = time.time(), self.register.today
            zone = dt_util.get_default_time_zone()

            def follow(session: Session) -> dict[str, tuple[Round, Due]]:
                found = rows.follow(
                    session, self.vault, today=today, now=now, person_ids=person_ids
                )
                # Here: the event loop does not wait for a thousand of them.
                return {
                    person_id: (row.standing(now), due(row, now, zone))
                    for person_id, row in found.items()
                }

            found = await self.register.async_run(follow)
            others = {
                key: row
                for key, row in self.rounds.items()
                if person_ids is not None and key not in person_ids
            }
            self.rounds, self.is_known = {**others, **found}, True
        self._look()

    # What wants a visit

    async def async_after_event(
        self, person_id: str, cause: Cause, at: float | None = None
    ) -> bool:
        """Let somebody be visited within a day; return if they have agreed to rounds.

        The same event (`at`, in Unix time) may be told again, after a restart: it counts
        once. While the database is away it is kept, and written later; who is not known to
        be visited then may have to be.
        """
        event = Event(cause, time.time() if at is None else at)
        try:
            is_wanted = await self._async_want(person_id, event)
        except RegisterError as err:
            LOGGER.error("A visit that is due is not written yet: %s", err.key)
            self._unwritten.append((person_id, event))
            return person_id in self.rounds
        return is_wanted

    async def async_after_alarm(self, person_id: str, at: float) -> None:
        """Let somebody be visited of whom others were told that nothing is heard."""
        await self.async_after_event(person_id, Cause.CARE_ALARM, at)

    async def _async_want(self, person_id: str, event: Event) -> bool:
        today = self.register.today

        def write(session: Session) -> bool:
            found = rows.want(session, self.vault, person_id, event, today)
            if found is None:
                return False
            queries.audit(
                session,
                None,
                "request_visit",
                Reason.ALARM,
                unit_id=found.home,
                person_id=person_id,
            )
            return True

        if is_wanted := await self.register.async_run(write):
            await self._async_follow([person_id])
        return is_wanted

    # Who shows them

    @callback
    def listen_change(self, update: CALLBACK_TYPE) -> CALLBACK_TYPE:
        """Call `update` when something is due, or is not any more."""
        self._listeners.append(update)
        return lambda: self._listeners.remove(update)

    def dues(self) -> dict[str, tuple[Round, Due]]:
        """Return the rounds of those who live here now, by their ids, and when each is due."""
        return {key: row for key, row in self.rounds.items() if row[0].gone_on is None}

    def days(self) -> list[tuple[date, str]]:
        """Return the days on which people are to be visited, and how many they are in words."""
        days = Counter[date]()
        late = Counter[date]()
        now, today = time.time(), self.register.today
        for _, its in self.dues().values():
            day = its.next_on(today)
            days[day] += 1
            late[day] += its.is_overdue(now)
        said = texts(default_language(self._hass.config.language))
        return [
            (
                day,
                said["due_late" if late[day] else "due"].format(
                    count=count, late=late[day]
                ),
            )
            for day, count in sorted(days.items())
        ]

    async def _async_look(self, _now: datetime) -> None:
        waiting, self._unwritten = self._unwritten, []
        for person_id, event in waiting:
            # What still cannot be written waits on.
            await self.async_after_event(person_id, event.cause, event.at)
        self._look()

    @callback
    def _look(self) -> None:
        now, today = time.time(), self.register.today
        found = [its for _, its in self.dues().values()]
        self.figures = Figures(
            len(found),
            sum(its.day <= today or its.is_overdue(now) for its in found),
            sum(its.is_overdue(now) for its in found),
            sum(its.missed >= MISSED_DAYS for its in found),
            len(self._untold & self._news().keys()),
        )
        for key, count, severity in (
            ("visits_overdue", self.figures.overdue, WARNING),
            ("visits_missed", self.figures.missed, ERROR),
            ("visits_untold", self.figures.untold, WARNING),
        ):
            said = {"count": str(count)} if count else None
            put_issue(self._hass, self.entry, key, said, severity=severity)
        tell(self._listeners)
        self._tell_soon()

    # Whoever is in charge

    def _news(self) -> dict[str, tuple[str | None, dict[News, float]]]:
        """Return what is to be told, by whom it is of: to whom, and what."""
        now, found = time.time(), {}
        for person_id, (row, its) in self.dues().items():
            told = self._told.get(person_id, {})
            what = news(row, its, now).items()
            if new := {key: at for key, at in what if told.get(key) != at}:
                found[person_id] = (row.in_charge, new)
        return found

    @callback
    def _tell_soon(self) -> None:
        if self._is_ready and not self._telling.locked() and self._news():
            self.entry.async_create_background_task(
                self._hass, self._async_tell(), f"{DOMAIN} visits"
            )

    async def _async_tell(self) -> None:
        """Tell whoever is in charge: how many people of theirs, and nobody's name.

        Told first: what ends in between is told twice, and not never.
        """
        async with self._telling:
            by_user = defaultdict[str | None, dict[str, dict[News, float]]](dict)
            for person_id, (user_id, what) in self._news().items():
                by_user[user_id][person_id] = what
            told: dict[str, dict[News, float]] = {}
            untold = set[str]()
            for user_id, people in by_user.items():
                if await self._async_tell_user(user_id, list(people.values())):
                    told |= people
                else:
                    untold |= people.keys()
            is_other, self._untold = untold != self._untold, frozenset(untold)
            if told:
                await self._async_know(told)
        if told or is_other:
            self._look()

    async def _async_know(self, told: Mapping[str, dict[News, float]]) -> None:
        for person_id, what in told.items():
            self._told[person_id] |= what
        try:
            await self.register.async_run(
                partial(rows.know, box=self.vault, told=told, today=self.register.today)
            )
            await self._async_follow(told)
        except RegisterError as err:
            # After a restart they are told again.
            LOGGER.warning("That somebody was told is not written: %s", err.key)

    async def _async_tell_user(
        self, user_id: str | None, news_of: Sequence[Mapping[News, float]]
    ) -> bool:
        """Tell a user, on their own phones; return if they are being told."""
        user = await self._hass.auth.async_get_user(user_id) if user_id else None
        engine = engine_of(self._hass, self.entry.entry_id)
        if (
            user is None
            or engine is None
            or not phones_with(self._hass, user.id)
            or not self._permit(user, "record_visit", Reason.INSPECTION)
        ):
            return False
        said = texts(default_language(self._hass.config.language))
        counts = {key: sum(key in row for row in news_of) for key in News}
        parts = [
            said["told"][key].format(count=count)
            for key, count in counts.items()
            if count
        ]
        request = Request(
            # Who was not met again may lie behind the door.
            severity=Severity.WARNING if counts[News.MISSED] else Severity.MESSAGE,
            # The way of a message: to whom it is for, and to nobody else.
            policy=Severity.MESSAGE,
            place=said["place"],
            message=" ".join([*parts, said["where"]]),
            audience=(CALLER,),
            who=user.id,
            private=True,
        )
        try:
            await engine.async_raise(request)
        except HomeAssistantError as err:
            LOGGER.error("Nobody could be told of visits: %s", type(err).__name__)
            return False
        return True
