"""The searches of one property in memory: closed in time, and whoever waits is told.

Nobody is in it: who is looked for is in the database, and read when something is asked.
"""

import asyncio
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
import time
from typing import Any, Final

from sqlalchemy.orm import Session

from homeassistant.auth.models import User
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import area_registry as ar
from homeassistant.helpers.event import async_call_later
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey

from ..alerts.const import Severity
from ..alerts.engine import Request
from ..alerts.people import CALLER
from ..alerts.runtime import engine_of
from ..const import CONF_KEEP_AUDIT_DAYS, DEFAULT_KEEP_AUDIT_DAYS, DOMAIN, LOGGER
from ..places.book import PlaceBook
from ..register import RegisterConfigEntry, default_language
from ..sightings import store
from ..sightings.journal import journal_of
from ..storage.errors import RegisterError
from ..storage.events import DomainEvent, Kind
from ..storage.vault import Vault
from ..telling import tell
from . import rows
from .find import Spotted
from .models import SearchCase
from .pictures import Links
from .rows import Brief
from .texts import texts
from .watch import News, know, newest
from .where import Where, where

DATA_SEARCHES: HassKey[dict[str, SearchBook]] = HassKey(f"{DOMAIN}_searches")
#: What could not be done is tried again after so many seconds.
RETRY_SECONDS: Final = 30.0
_DAY: Final = 86_400
#: What stands before the id of a case, where alerts name it.
_SEARCH: Final = "search"


class SearchBook:
    """The searches of a property."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: RegisterConfigEntry,
        places: PlaceBook,
        permit: Callable[[User, str], object | None],
    ) -> None:
        """Initialize; `permit` says if a user may (still) carry out a command."""
        self._hass = hass
        self.entry = entry
        self.places = places
        self.register = places.register
        self._permit = permit
        self.cases: Mapping[str, Brief] = {}
        #: To pictures of what was seen.
        self.links = Links()
        self._listeners: list[CALLBACK_TYPE] = []
        self._following = asyncio.Lock()
        self._looking = asyncio.Lock()
        #: Somebody may have been seen of whom who waits was not told.
        self._is_behind = False
        self._cancel: CALLBACK_TYPE | None = None
        self._is_over = False

    @property
    def vault(self) -> Vault:
        """Return the vault with the keys of the numbers."""
        return Vault(self.register.keys)

    async def async_start(self) -> None:
        """Read the cases, and go on with them. Raises RegisterError.

        While the database is away nothing is asked; it begins anew once it is back.
        """
        if self.register.blind:
            return
        await self.register.async_run(partial(store.fold, box=self.vault))
        self.cases = await self.register.async_read(rows.read)
        self.register.listen_day(self._async_purge)
        self.entry.async_on_unload(
            journal_of(self._hass).listen(self.entry.entry_id, self._written)
        )

    @callback
    def go_on(self) -> None:
        """Do what came due while nobody was here: once alerts can be told."""
        if engine := engine_of(self._hass, self.entry.entry_id):
            engine.pictures = self
        if self.register.blind is None:
            self._background(self._async_due())
            self._written(())

    @callback
    def stop(self) -> None:
        """Wait for nothing any more, also not for what is under way."""
        self._is_over = True
        self._wait_no_more()

    def _wait_no_more(self) -> None:
        if self._cancel:
            self._cancel()
            self._cancel = None

    async def async_hear(self, happened: Sequence[DomainEvent]) -> None:
        """Follow the cases. Raises RegisterError."""
        if any(row.kind == Kind.SEARCH_CHANGED for row in happened):
            await self.async_follow()

    @callback
    def listen(self, update: CALLBACK_TYPE) -> CALLBACK_TYPE:
        """Call `update` when a case is another one, or something was seen in it."""
        self._listeners.append(update)
        return lambda: self._listeners.remove(update)

    def where(self, device_id: str, channel: str) -> Where:
        """Return where a door, gate or camera is."""
        return where(self._hass, self.places, device_id, channel, self.language)

    async def async_sources(self) -> Sequence[tuple[str, str]]:
        """Return the doors, gates and cameras that have seen something: device and channel.

        Raises RegisterError.
        """
        return await self.register.async_read(store.sources)

    @property
    def language(self) -> str:
        """Return the language of messages and files."""
        return default_language(self._hass.config.language)

    # What has its time

    async def async_follow(self) -> None:
        """Close what is over, tell of it, and read the cases anew. Raises RegisterError."""
        async with self._following:
            self._wait_no_more()
            try:
                await self.register.async_run(partial(rows.close_due, now=time.time()))
                self.cases = await self.register.async_read(rows.read)
                for case in self.cases.values():
                    if case.closed_at and not case.taken_back_at:
                        await self._async_take_back(case)
            except RegisterError as err:
                LOGGER.warning("The searches could not be followed: %s", err.key)
                self._later(RETRY_SECONDS)
                raise
            ends = [row.closes_at for row in self.cases.values() if not row.closed_at]
            if ends:
                self._later(max(0.0, min(ends) - time.time()))
        tell(self._listeners)

    def _later(self, seconds: float) -> None:
        self._wait_no_more()
        if self._is_over:
            return
        self._cancel = async_call_later(self._hass, seconds, self._due)

    @callback
    def _due(self, _now: datetime) -> None:
        self._cancel = None
        self._background(self._async_due())

    async def _async_due(self) -> None:
        # What could not be done is tried again.
        with suppress(RegisterError):
            await self.async_follow()
        if self._is_behind:
            self._written(())

    def _background(self, work: Coroutine[Any, Any, None]) -> None:
        self.entry.async_create_background_task(self._hass, work, f"{DOMAIN} search")

    async def _async_purge(self) -> None:
        options = self.entry.options
        keep = options.get(CONF_KEEP_AUDIT_DAYS, DEFAULT_KEEP_AUDIT_DAYS)
        before = time.time() - keep * _DAY
        await self.register.async_run(partial(rows.purge, before=before))
        await self.async_follow()

    # Those who respond

    async def async_tell(self, case_id: str, text: str, last: Spotted | None) -> bool:
        """Tell those who respond how somebody looks, and where they were seen last.

        Return if they are being told. What they were told before is taken back.
        """
        # Not beside its end, which takes back what was told until then.
        async with self._following:
            case = self.cases.get(case_id)
            if case is None or not case.is_open(time.time()):
                return False
            told = texts(self.language)["told"]
            place = self.where(last.device_id, last.channel).whole if last else ""
            parts = [
                told[case.kind].format(description=text),
                told["last"].format(place=place, time=_clock(last.at))
                if last
                else told["unseen"],
                told["ask"],
            ]
            return await self._async_raise(
                case_id,
                " ".join(parts),
                severity=Severity.ALARM,
                audience=("responders",),
                first=self._near(last),
                is_anew=True,
            )

    def _near(self, last: Spotted | None) -> frozenset[str]:
        """Return the ids of those who respond where somebody was seen last, or in that building.

        A building is a floor of Home Assistant. Who has no area of their own is anywhere.
        """
        area_id = self.where(last.device_id, last.channel).area_id if last else None
        registry = ar.async_get(self._hass)
        area = registry.async_get_area(area_id) if area_id else None
        if area is None:
            return frozenset()
        building = (
            ar.async_entries_for_floor(registry, area.floor_id)
            if area.floor_id
            else [area]
        )
        near = {row.id for row in building}
        return frozenset(
            row.person.person_id
            for row in self.register.phonebook.posts()
            if row.person and row.areas & near
        )

    async def _async_raise(
        self,
        case_id: str,
        message: str,
        *,
        severity: Severity,
        audience: tuple[str, ...],
        who: str | None = None,
        first: frozenset[str] = frozenset(),
        is_anew: bool = False,
    ) -> bool:
        """Raise a private alert of a case; return if it is told."""
        engine = engine_of(self._hass, self.entry.entry_id)
        if engine is None:
            return False
        said = texts(self.language)
        try:
            if is_anew:
                await engine.async_take_back(_incident(case_id))
            await engine.async_raise(
                Request(
                    severity=severity,
                    # Where they were is in the message alone, which is taken back: the place
                    # of an alert is in lists, in repairs, and kept for years.
                    place=said["place"].format(place=said["nowhere"]),
                    message=message,
                    audience=audience,
                    who=who,
                    first=first,
                    incident_id=_incident(case_id),
                    private=True,
                )
            )
        except HomeAssistantError as err:
            LOGGER.error("Nobody could be told of a search: %s", type(err).__name__)
            return False
        return True

    async def _async_take_back(self, case: Brief) -> None:
        """Forget what was told because of a case; those who respond hear that it is over."""
        engine = engine_of(self._hass, self.entry.entry_id)
        if engine is None:
            # A start begins with it.
            return
        await engine.async_take_back(_incident(case.id))
        if case.told_at:
            said = texts(self.language)
            await engine.async_raise(
                Request(
                    severity=Severity.MESSAGE,
                    # It wakes nobody, and waits for nobody's quiet hours.
                    hazard="all_clear",
                    place=said["nowhere"],
                    message=said["over"],
                    audience=("responders",),
                )
            )
        await self.register.async_run(
            partial(_set, case_id=case.id, key="taken_back_at", value=time.time())
        )

    @callback
    def is_pictured(self, incident_id: str) -> bool:
        """Return if those who are told of a search may see a picture now."""
        case = self._case_of(incident_id)
        return case is not None and case.is_pictured

    async def async_picture(self, incident_id: str) -> bytes | None:
        """Return the JPEG for those who are told of a search, None if there is none any more.

        Raises RegisterError.
        """
        if (case := self._case_of(incident_id)) is None:
            return None

        def read(session: Session) -> bytes | None:
            row = session.get(SearchCase, case.id)
            return rows.picture_of(session, self.vault, row) if row else None

        jpeg = await self.register.async_read(read)
        # It may have been closed meanwhile.
        return jpeg if self._case_of(incident_id) else None

    def _case_of(self, incident_id: str) -> Brief | None:
        """Return the open case of an alert."""
        kind, _, case_id = incident_id.partition(":")
        case = self.cases.get(case_id) if kind == _SEARCH else None
        return case if case and case.is_open(time.time()) else None

    # Who waits for the next sighting

    @callback
    def _written(self, event_ids: Collection[str]) -> None:
        """Look if something that is on the disk now is what somebody waits for."""
        now = time.time()
        if any(row.watched_by and row.is_open(now) for row in self.cases.values()):
            self._background(self._async_look(frozenset(event_ids)))

    async def _async_look(self, event_ids: Collection[str]) -> None:
        # One at a time: each tells of what is newer than what was told.
        async with self._looking:
            # What an earlier one has missed is in none of these events.
            only = () if self._is_behind else event_ids
            self._is_behind = True
            try:
                news = await self.register.async_read(
                    partial(
                        newest,
                        box=self.vault,
                        today=self.register.today,
                        event_ids=only,
                    ),
                    long=True,
                )
                told = [row for row in news if await self._async_tell_watcher(row)]
                if told:
                    # Told first: what ends in between is told twice, and not never.
                    await self.register.async_run(partial(know, news=told))
                    self.cases = await self.register.async_read(rows.read)
            except RegisterError as err:
                LOGGER.warning("Who is looked for may have been seen: %s", err.key)
                self._later(RETRY_SECONDS)
                return
            if len(told) < len(news):
                self._later(RETRY_SECONDS)
                return
            self._is_behind = False
        if news:
            tell(self._listeners)

    async def _async_tell_watcher(self, news: News) -> bool:
        """Tell who waits, while they may: on their own phones, and of nobody by name.

        Return if there is no more to be told of it.
        """
        user = await self._hass.auth.async_get_user(news.watched_by)
        if user is None or not self._permit(user, "watch_case"):
            return True
        said, spotted = texts(self.language), news.spotted
        place = self.where(spotted.device_id, spotted.channel).whole
        text = said["seen" if spotted.exact else "seen_alike"]
        async with self._following:
            case = self.cases.get(news.case_id)
            if case is None or not case.is_open(time.time()):
                return True
            return await self._async_raise(
                news.case_id,
                text.format(place=place, time=_clock(spotted.at)),
                severity=Severity.MESSAGE,
                audience=(CALLER,),
                who=user.id,
            )


def _set(session: Session, case_id: str, key: str, value: float) -> None:
    if case := session.get(SearchCase, case_id):
        setattr(case, key, value)


def _incident(case_id: str) -> str:
    """Return what the alerts of a case have in common."""
    return f"{_SEARCH}:{case_id}"


def _clock(at: float) -> str:
    return f"{dt_util.as_local(dt_util.utc_from_timestamp(at)):%m-%d %H:%M}"
