"""The watches of one property in memory: what is heard goes in, and what is due comes out.

Each thing that is heard goes to the watches that hear by it, and to no others. When something is
to be done about somebody follows from a heap of times: a sign of life only ever puts it off, so
it is looked at when the time of before has come, and not with each sign.

That somebody was asked, or others were told, is on the disk before they are: so a start goes on
with it. While the database is away it goes on in memory, and is written afterwards.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import (
    Awaitable,
    Callable,
    Collection,
    Coroutine,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import suppress
from datetime import datetime, timedelta, tzinfo
from functools import partial
import heapq
from itertools import batched
import math
import time
from typing import Any, Final

from sqlalchemy.orm import Session

from homeassistant.const import EVENT_CORE_CONFIG_UPDATE, STATE_UNAVAILABLE
from homeassistant.core import (
    CALLBACK_TYPE,
    Context,
    Event,
    EventStateChangedData,
    HomeAssistant,
    callback,
)
from homeassistant.helpers import (
    area_registry as ar,
    device_registry as dr,
    entity_registry as er,
)
from homeassistant.helpers.event import (
    async_call_later,
    async_track_state_change_event,
    async_track_time_interval,
)
from homeassistant.helpers.start import async_at_started
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey

from ..alerts.const import Wording
from ..alerts.personal import LookIn, Question, Said, Stage
from ..const import DOMAIN, LOGGER
from ..issues import WARNING, put_issue
from ..register import Register, RegisterConfigEntry
from ..sightings.journal import journal_of
from ..storage.errors import RegisterError
from ..storage.events import DomainEvent, Kind
from ..storage.vault import Vault
from ..telling import tell
from . import heard, rows
from .const import Count, Deed, Turn
from .heard import Heard
from .rows import Facts, Read
from .teller import Teller
from .ward import Ward
from .watch import CARDS, Answer, Outcome, State, Watch

DATA_CARE: HassKey[dict[str, CareBook]] = HassKey(f"{DOMAIN}_care")

#: How often it is noted that all was heard, and whether things still are; and how often what
#: has changed is written: each time costs a card of flash memory some kilobytes for a person.
LOOK: Final = timedelta(minutes=5)
SAVE_SECONDS: Final = 600.0
#: What is silent is looked for so often.
SWEEP_SECONDS: Final = 3600.0
#: What could not be done is tried again after so many seconds.
RETRY_SECONDS: Final = 30.0
#: Watches that are looked at in one turn of the event loop, and written in one transaction.
PORTION: Final = 4
WRITTEN: Final = 200
#: A state that was reported so soon after it was there was restored, and not heard.
RESTORED_SECONDS: Final = 60.0
#: What cannot be heard for so long is told to who sees to it.
DEAD_SECONDS: Final = 900.0
#: Neighbours are told so long after the relatives, and who has the key after them, in seconds:
#: sooner by somebody who has called for help, which the alerts see to.
NEXT_TURN: Final = 900.0

_MOVES: Final = frozenset(
    {
        *(Kind.LEASE_CORRECTED, Kind.LEASE_ENDED, Kind.LEASE_RENEWED),
        *(Kind.PERSON_LEFT, Kind.UNIT_REMOVED),
    }
)
_ABOUT: Final = frozenset(
    {
        *(Kind.CARE_CHANGED, Kind.CONSENT_GIVEN, Kind.CONSENT_ENDED),
        *(Kind.PERSON_CHANGED, Kind.PERSON_MERGED, Kind.PERSON_ERASED),
    }
)
#: What somebody answers, as the watch knows it.
_ANSWERS: Final = {row: Answer(row) for row in (Deed.FINE, Deed.OUT, Deed.HELP)}


class CareBook:
    """The watches of a property."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: RegisterConfigEntry,
        register: Register,
        is_resident: Callable[[str, str], bool] = lambda _user_id, _unit_id: False,
        end_moved: Callable[[], Coroutine[Any, Any, None]] | None = None,
    ) -> None:
        """Initialize.

        `is_resident` says if a user lives in a unit; `end_moved` ends the watches over those who
        live there no more.
        """
        self._hass = hass
        self.entry = entry
        self.register = register
        self._is_resident = is_resident
        self._end_moved = end_moved
        self._visit: Callable[[str, float], Awaitable[None]] | None = None
        #: None: the alerts are not there (yet).
        self._teller: Teller | None = None
        self.facts: dict[str, Facts] = {}
        self.wards: dict[str, Ward] = {}
        #: How many of them stand how.
        self._counts = Counter[str]()
        #: Watches that nobody can read any more, by their ids: a key was lost.
        self.unreadable: frozenset[str] = frozenset()
        self._office: tuple[str, ...] = ()
        self._people: dict[str, str] = {}
        self._subscriptions: dict[str, CALLBACK_TYPE] = {}
        #: The keys and entities that a watch hears by, and the watches that hear by each.
        self._names: dict[str, set[str]] = {}
        self._hearers: dict[str, set[str]] = defaultdict(set)
        #: When what each watch hears by was there (again), in memory: by entity.
        self._since: dict[str, float] = {}
        self._heap: list[tuple[float, str]] = []
        self._due: dict[str, float] = {}
        self._cancel: CALLBACK_TYPE | None = None
        self._cancel_at = math.inf
        self._listeners: list[CALLBACK_TYPE] = []
        self._is_telling = False
        #: One at a time writes how it stands: what is older never comes after what is newer.
        self._writing = asyncio.Lock()
        self._reading = asyncio.Lock()
        self._saved_at = 0.0
        self._swept_at = 0.0
        self._looked_at = 0.0
        #: What happened cannot be written (yet).
        self.is_behind = False
        #: It is known who is watched.
        self.is_known = False
        self._is_over = False

    # Beginning and end

    @callback
    def visit_by(self, visit: Callable[[str, float], Awaitable[None]]) -> None:
        """Let `visit` hear of whom others were told, and when, once or more."""
        self._visit = visit

    @property
    def vault(self) -> Vault:
        """Return the vault."""
        return Vault(self.register.keys)

    @property
    def zone(self) -> tzinfo:
        """Return the time zone of the house."""
        return dt_util.get_default_time_zone()

    async def async_start(self) -> None:
        """Read who is watched, and how it stood. Raises RegisterError.

        While the database is away nothing is known; it begins anew once it is back.
        """
        if self.register.blind:
            return
        now = time.time()
        self._saved_at = self._swept_at = now
        await self.async_read()
        self.is_known = True
        unload = self.entry.async_on_unload
        unload(
            async_track_time_interval(
                self._hass, self._look, LOOK, cancel_on_shutdown=True
            )
        )
        unload(self._hass.bus.async_listen(EVENT_CORE_CONFIG_UPDATE, self._configured))
        unload(
            self._hass.bus.async_listen(er.EVENT_ENTITY_REGISTRY_UPDATED, self._renamed)
        )
        unload(journal_of(self._hass).listen(self.entry.entry_id, self._passed))
        unload(async_at_started(self._hass, self._started))

    @callback
    def tell_by(self, teller: Teller) -> None:
        """Ask and tell people by this, from now; what was under way goes on."""
        self._teller = teller
        self.entry.async_on_unload(teller.listen(self._said))
        for watch_id, ward in self.wards.items():
            if self._wants(ward):
                self._follow(watch_id)

    async def async_stop(self) -> None:
        """Hear nothing any more, and write how it stands."""
        self._is_over = True
        if self._cancel:
            self._cancel()
            self._cancel = None
        for unsubscribe in self._subscriptions.values():
            unsubscribe()
        self._subscriptions = {}
        if self.is_known:
            now = time.time()
            for ward in self.wards.values():
                ward.watch.looked(now)
            await self.async_save()

    @callback
    def listen(self, update: CALLBACK_TYPE) -> CALLBACK_TYPE:
        """Call `update` when a watch is another one, or stands otherwise."""
        self._listeners.append(update)
        return lambda: self._listeners.remove(update)

    @callback
    def _tell(self) -> None:
        """Tell who listens, once for all that changes in this turn of the event loop."""
        if not self._is_telling:
            self._is_telling = True
            self._hass.loop.call_soon(self._told)

    @callback
    def _told(self) -> None:
        self._is_telling = False
        tell(self._listeners)

    # Who is watched

    async def async_hear(self, happened: Sequence[DomainEvent]) -> None:
        """Follow what becomes of watches and of their people. Raises RegisterError."""
        if not self.is_known:
            return
        if self._end_moved and any(row.kind in _MOVES for row in happened):
            units = {row.unit_id for row in self.facts.values()}
            if units & {row.unit_id for row in happened}:
                self._background(self._end_moved())
        if any(self._is_about(row) for row in happened):
            await self.async_read()

    def _is_about(self, row: DomainEvent) -> bool:
        if row.kind == Kind.PERSON_CHANGED:
            return row.person_id is None or row.person_id in self._named
        return row.kind in _ABOUT

    @property
    def _named(self) -> set[str]:
        return {
            person_id
            for row in self.facts.values()
            for person_id in (row.person_id, *(key for key, _ in row.contacts))
        }

    async def async_read(self) -> None:
        """Read who is watched; what is known of how it stands stays. Raises RegisterError."""
        async with self._reading:
            known = self.wards.keys() | self.unreadable
            zone = self.zone

            def read(session: Session) -> tuple[Read, dict[str, Ward | None]]:
                found = rows.read(session, self.vault, self.register.today, known)
                return found, {
                    key: _ward_of(text, zone) for key, text in found.texts.items()
                }

            found, wards = await self.register.async_read(read, long=True)
            self._office = found.office
            facts = {row.id: row for row in found.facts}
            gone = [row for key, row in self.facts.items() if key not in facts]
            self.facts = facts
            for row in gone:
                self._forget(row)
            self._people = {row.person_id: row.id for row in found.facts}
            self.unreadable &= facts.keys()
            for some in batched(wards.items(), PORTION, strict=False):
                for watch_id, ward in some:
                    self._take(watch_id, ward, found.looked_at)
                await asyncio.sleep(0)
            for watch_id, there in self.wards.items():
                is_reachable = facts[watch_id].is_reachable
                if there.watch.is_asked != is_reachable:
                    there.watch.is_asked = is_reachable
                    there.is_changed = True
                    self._plan(watch_id)
        self._tell()

    def _take(self, watch_id: str, ward: Ward | None, looked_at: float) -> None:
        """Take up a watch as it was written; None: nobody can read it."""
        if ward is None:
            LOGGER.error("A watch for signs of life cannot be read, and watches nobody")
            self.unreadable |= {watch_id}
            return
        now, kept = time.time(), ward.watch.kept
        # What has changed is written with this time: until then all was heard.
        kept.looked_at = max(kept.looked_at, min(looked_at, now))
        ward.watch.looked(now)
        self.wards[watch_id] = ward
        self._counts[ward.state] += 1
        self._subscribe(watch_id)
        if self._hass.is_running:
            self._check(watch_id)
        self._plan(watch_id)

    @callback
    def _forget(self, facts: Facts) -> None:
        """Drop a watch that has ended; who was told of it is told no more."""
        self.unreadable -= {facts.id}
        self._due.pop(facts.id, None)
        self._unsubscribe(facts.id)
        if ward := self.wards.pop(facts.id, None):
            self._counts[ward.state] -= 1
        if ward and self._teller:
            keys = [key for key in (ward.question, ward.look_in) if key]
            self._background(self._async_forget(self._teller, keys, facts.person_id))

    async def _async_forget(
        self, teller: Teller, keys: Iterable[str], person_id: str
    ) -> None:
        for key in keys:
            await teller.async_end(key)
        if person_id not in self._people:
            await teller.async_forget(person_id)

    # What is heard

    def _unsubscribe(self, watch_id: str) -> None:
        if unsubscribe := self._subscriptions.pop(watch_id, None):
            unsubscribe()
        for name in self._names.pop(watch_id, ()):
            self._hearers[name].discard(watch_id)

    def _subscribe(self, watch_id: str) -> None:
        self._unsubscribe(watch_id)
        evidence = self.wards[watch_id].evidence
        by_entity = {
            entity_id: key
            for key in evidence
            if (entity_id := heard.entity_of(self._hass, key))
        }
        self._names[watch_id] = {*evidence, *by_entity}
        for name in self._names[watch_id]:
            self._hearers[name].add(watch_id)
        if by_entity:
            self._subscriptions[watch_id] = async_track_state_change_event(
                self._hass, list(by_entity), partial(self._changed, watch_id, by_entity)
            )

    @callback
    def _changed(
        self,
        watch_id: str,
        by_entity: Mapping[str, str],
        event: Event[EventStateChangedData],
    ) -> None:
        """Take what has become of something that somebody is heard by."""
        ward, data = self.wards[watch_id], event.data
        key = by_entity[data["entity_id"]]
        now = self._now(ward)
        came = heard.judge(
            ward.evidence[key],
            data["old_state"],
            data["new_state"],
            ward.meters,
            is_theirs=partial(self._is_theirs, watch_id),
            now=now,
        )
        if came is Heard.BACK:
            self._since[data["entity_id"]] = now
        if came is not Heard.NOTHING:
            self._take_in(watch_id, key, came, now)

    def _take_in(self, watch_id: str, key: str, came: Heard, now: float) -> None:
        ward = self.wards[watch_id]
        watch = ward.watch
        was_blind, was_dead, is_over = watch.is_blind, watch.dead, False
        if came is Heard.SIGN:
            is_over = watch.sign(key, now)
        elif came is Heard.ALIVE:
            watch.heard(key, now)
        elif came in (Heard.HOME, Heard.GONE):
            is_over = watch.presence(key, now, is_home=came is Heard.HOME)
        elif came is Heard.LOST:
            watch.lost((key,), now)
        else:
            watch.regained((key,), now)
        ward.is_changed = True
        if is_over:
            ward.note(Deed.STIRRED, now)
            self._follow(watch_id)
        if (was_blind, was_dead) != (watch.is_blind, watch.dead):
            self._plan(watch_id)
            self._tell()

    def _is_theirs(self, watch_id: str, context: Context) -> bool:
        """Return if something was done by who lives there: by hand, or in their own app.

        Not by an automation, and not by somebody elsewhere.
        """
        if context.user_id:
            return self._is_resident(context.user_id, self.facts[watch_id].unit_id)
        return context.parent_id is None

    @callback
    def _passed(self, event_ids: Collection[str]) -> None:
        """Look whose cards have passed doors, where that is a sign of somebody."""
        people = {
            row.person_id
            for key, row in self.facts.items()
            if key in self.wards and CARDS in self.wards[key].watch.sources
        }
        if people:
            self._background(self._async_passed(tuple(event_ids), people))

    async def _async_passed(
        self, event_ids: Collection[str], people: Collection[str]
    ) -> None:
        with suppress(RegisterError):  # They are signs, and no more.
            for person_id, at in await self.register.async_read(
                partial(rows.passages, event_ids=event_ids, people=people)
            ):
                watch_id = self._people.get(person_id, "")
                if ward := self.wards.get(watch_id):
                    now = self._now(ward)
                    # What is told late was earlier: what is known already says more.
                    is_news = ward.watch.kept.last < at
                    self._take_in(
                        watch_id,
                        CARDS,
                        Heard.SIGN if is_news else Heard.ALIVE,
                        min(at, now),
                    )

    @callback
    def _started(self, _hass: HomeAssistant) -> None:
        """See what is there, once all is set up."""
        for watch_id in self.wards:
            self._check(watch_id)
            self._plan(watch_id)
        self._tell()

    def _check(self, watch_id: str) -> None:
        """See which things a watch hears by are there at all."""
        ward = self.wards[watch_id]
        now = self._now(ward)
        lost, there = [], []
        for key in ward.evidence:
            entity_id = heard.entity_of(self._hass, key)
            state = self._hass.states.get(entity_id) if entity_id else None
            if state is None or state.state == STATE_UNAVAILABLE:
                lost.append(key)
            else:
                there.append(key)
                self._since.setdefault(state.entity_id, now)
        ward.watch.lost(lost, now)
        ward.watch.regained(there, now)

    @callback
    def _renamed(self, event: Event[er.EventEntityRegistryUpdatedData]) -> None:
        """Follow a thing that comes, goes, or is called otherwise."""
        data = event.data
        if data["action"] == "update" and "old_entity_id" not in data:
            return
        row = er.async_get(self._hass).async_get(data["entity_id"])
        names = data["entity_id"], data.get("old_entity_id"), row.id if row else None
        hearers = (self._hearers.get(str(name), ()) for name in names)
        for watch_id in {key for some in hearers for key in some}:
            self._subscribe(watch_id)
            self._check(watch_id)
            self._plan(watch_id)

    @callback
    def _configured(self, _event: Event) -> None:
        """Follow the time zone of the house."""
        for watch_id, ward in self.wards.items():
            if ward.watch.zone is not self.zone:
                ward.watch.zone = self.zone
                self._plan(watch_id)

    def _now(self, ward: Ward) -> float:
        """Return the time, as the watch takes it: a clock that was set is no silence."""
        now = time.time()
        ward.watch.looked(now)
        return now

    # What has its time

    def _plan(self, watch_id: str) -> None:
        """See how it stands, do what is due, and look again when something may be."""
        ward = self.wards[watch_id]
        watch, now = ward.watch, self._now(ward)
        before, ward.state = ward.state, watch.look(now).state
        if ward.state is not before:
            self._counts[before] -= 1
            self._counts[ward.state] += 1
        kept = watch.kept
        if is_new := self._wants(ward):
            self._follow(watch_id)
        ask_at, tell_at = watch.deadlines(now)
        # A sign right now cannot bring anything forward to before this.
        latest = now + watch.habits.figures.floor * 3600
        times = [ask_at, tell_at, kept.paused_until or 0.0, latest]
        at = min(row for row in times if row > now)
        if kept.told_at is not None:
            # It ends when somebody says so.
            at = math.inf
        self._schedule(watch_id, now + RETRY_SECONDS if is_new else at)
        if ward.state is not before:
            self._tell()

    def _schedule(self, watch_id: str, at: float) -> None:
        self._due[watch_id] = at
        if at < math.inf:
            heapq.heappush(self._heap, (at, watch_id))
        self._wake()

    @callback
    def look_at(self, watch_ids: Iterable[str]) -> None:
        """See soon how it stands with these."""
        for watch_id in watch_ids:
            self._schedule(watch_id, time.time())

    def _wake(self) -> None:
        """Wait for the next time of all."""
        while self._heap and self._due.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        first = self._heap[0][0] if self._heap else math.inf
        if self._is_over or first in (math.inf, self._cancel_at):
            return
        if self._cancel:
            self._cancel()
        self._cancel_at = first
        self._cancel = async_call_later(
            self._hass, max(0.0, first - time.time()), self._woken
        )

    @callback
    def _woken(self, _now: datetime) -> None:
        self._cancel, self._cancel_at = None, math.inf
        now = time.time()
        for _ in range(PORTION):
            if not self._heap or self._heap[0][0] > now:
                break
            at, watch_id = heapq.heappop(self._heap)
            if self._due.get(watch_id) != at:
                continue
            ward = self.wards[watch_id]
            later = ward.watch.looks_at()
            if later > now and ward.state is not State.PAUSED:
                # Somebody has stirred since.
                self._due[watch_id] = later
                heapq.heappush(self._heap, (later, watch_id))
            else:
                self._plan(watch_id)
        self._wake()

    @callback
    def _show(self) -> None:
        """Say what cannot be heard, and that what happens cannot be written."""
        before = time.time() - DEAD_SECONDS
        deaf = sum(
            any(
                (row.lost_since or math.inf) < before
                for row in ward.watch.sources.values()
            )
            for ward in self.wards.values()
        )
        said = {"count": str(deaf)} if deaf else None
        put_issue(self._hass, self.entry, "care_blind", said, severity=WARNING)
        behind: dict[str, str] | None = {} if self.is_behind and self.wards else None
        put_issue(self._hass, self.entry, "care_behind", behind)
        self._tell()

    @callback
    def _look(self, _now: datetime) -> None:
        self._background(self.async_look())

    async def async_look(self, *, is_all: bool = False) -> None:
        """Know that all was heard until now.

        Now and then, or if `is_all`, find what is silent, and write what has changed.
        """
        now = time.time()
        # Set back: what was due by the clock of before would be too late.
        is_back, self._looked_at = now < self._looked_at, now
        is_sweep = is_all or not 0 <= now - self._swept_at < SWEEP_SECONDS
        if is_sweep:
            self._swept_at = now
        for some in batched(tuple(self.wards), PORTION, strict=False):
            for watch_id in some:
                if (ward := self.wards.get(watch_id)) is None:
                    continue
                self._now(ward)
                if is_sweep:
                    self._sweep(watch_id)
                if is_back:
                    self._plan(watch_id)
            await asyncio.sleep(0)
        is_due = not 0 <= now - self._saved_at < SAVE_SECONDS
        if is_all or is_due or self.is_behind:
            await self.async_save()
        elif self.wards:
            with suppress(RegisterError):
                await self._async_save(())
        self._show()

    def _sweep(self, watch_id: str) -> None:
        """Find what is silent while somebody is heard elsewhere."""
        ward = self.wards[watch_id]
        now = self._now(ward)
        for key in ward.evidence:
            entity_id = heard.entity_of(self._hass, key)
            state = self._hass.states.get(entity_id) if entity_id else None
            if state is None or state.state == STATE_UNAVAILABLE:
                continue
            since = self._since.setdefault(state.entity_id, now)
            at = state.last_reported_timestamp
            # What says the same again lives; what was restored has said nothing.
            if at - since > RESTORED_SECONDS:
                source = ward.watch.sources[key]
                if at > source.heard_at + SWEEP_SECONDS:
                    ward.watch.heard(key, now)
                    ward.is_changed = True
        if ward.watch.sweep(now):
            ward.is_changed = True
            self._plan(watch_id)

    # What is done

    def _follow(self, watch_id: str) -> None:
        self._background(self._async_follow(watch_id))

    async def _async_follow(self, watch_id: str) -> None:
        """Ask and tell whom is to be, once it is written; end what is over."""
        ward = self.wards.get(watch_id)
        if ward is None or self._teller is None or self._is_over:
            return
        async with ward.following:
            try:
                await self._async_raise(watch_id, ward, self._teller)
            except Exception as err:  # noqa: BLE001
                # Without its text: that may hold a name.
                LOGGER.error("Somebody could not be asked: %s", type(err).__name__)
                if watch_id in self.wards:
                    self._schedule(watch_id, time.time() + RETRY_SECONDS)
                return
        if watch_id in self.wards:
            self._plan(watch_id)

    async def _async_raise(self, watch_id: str, ward: Ward, teller: Teller) -> None:
        now = self._now(ward)
        kept = ward.watch.kept
        counts, over = self._decide(ward, watch_id, now), ward.over
        if ward.question and kept.asked_at is None:
            over = [*over, (ward.question, False)]
            ward.question = None
        if ward.look_in and kept.told_at is None:
            over = [*over, (ward.look_in, True)]
            ward.look_in, ward.is_urgent = None, False
        ward.over = over
        if counts or over:
            ward.is_changed = True
            await self._async_keep(watch_id, counts)
        for one in over:
            key, is_over = one
            await teller.async_end(key, is_over=is_over)
            ward.over = [row for row in ward.over if row != one]
            ward.is_changed = True
        # Whoever has stirred while it was written is not asked.
        facts = self.facts.get(watch_id)
        if facts and self._is_unasked(ward):
            await self._async_ask(facts, ward, teller)
        if facts and self._is_untold(ward):
            await self._async_tell(facts, ward, teller)

    async def _async_ask(self, facts: Facts, ward: Ward, teller: Teller) -> None:
        key = ward.question
        assert key
        await teller.async_ask(
            Question(
                key=key,
                person_id=facts.person_id,
                unit_id=facts.unit_id,
                answer_by=ward.watch.deadlines(time.time())[1],
                places=ward.places,
            )
        )
        ward.announced.add(key)

    async def _async_tell(self, facts: Facts, ward: Ward, teller: Teller) -> None:
        key, stages = ward.look_in, self._stages(facts)
        assert key
        if stages:
            await teller.async_tell(
                LookIn(
                    key=key,
                    person_id=facts.person_id,
                    unit_id=facts.unit_id,
                    stages=stages,
                    is_urgent=ward.is_urgent,
                )
            )
        else:
            LOGGER.error("Somebody shows no sign of life, and nobody can be told")
        ward.announced.add(key)
        if self._visit and (at := ward.watch.kept.told_at) is not None:
            await self._visit(facts.person_id, at)

    @staticmethod
    def _is_unasked(ward: Ward) -> bool:
        """Return if a question is written, and was not asked in this run."""
        kept = ward.watch.kept
        is_asked = kept.asked_at is not None and kept.told_at is None
        return is_asked and ward.question not in (None, *ward.announced)

    @staticmethod
    def _is_untold(ward: Ward) -> bool:
        is_told = ward.watch.kept.told_at is not None
        return is_told and ward.look_in not in (None, *ward.announced)

    def _wants(self, ward: Ward) -> bool:
        """Return if somebody is to be asked or told, or not any more."""
        kept = ward.watch.kept
        return (
            (ward.state is State.ASKING and kept.asked_at is None)
            or (ward.state is State.ALARM and kept.told_at is None)
            or (ward.question is not None and kept.asked_at is None)
            or (ward.look_in is not None and kept.told_at is None)
            or bool(ward.over)
            or self._is_unasked(ward)
            or self._is_untold(ward)
        )

    def _decide(self, ward: Ward, watch_id: str, now: float) -> list[Count]:
        """Take note that somebody is asked, or others are told; return what is to be counted."""
        watch, kept = ward.watch, ward.watch.kept
        state = watch.look(now).state
        if state is State.ASKING and kept.asked_at is None:
            watch.asked(now)
            ward.question = self._key(ward, watch_id)
            ward.note(Deed.ASKED, now)
            found = Count.ASKED
        elif state is State.ALARM and kept.told_at is None:
            watch.told(now)
            if ward.look_in:
                # They call for help now: others are told anew, in other words.
                ward.over = [*ward.over, (ward.look_in, False)]
            ward.look_in = self._key(ward, watch_id)
            ward.is_urgent = kept.help_at is not None
            ward.note(Deed.TOLD, now)
            found = Count.TOLD
        else:
            return []
        ward.count(self.month, found)
        return [found]

    @staticmethod
    def _key(ward: Ward, watch_id: str) -> str:
        ward.number += 1
        return f"{watch_id}:{ward.number}"

    @property
    def month(self) -> str:
        """Return the month in which something is counted."""
        return f"{self.register.today:%Y-%m}"

    def _stages(self, facts: Facts) -> tuple[Stage, ...]:
        """Return who is told, and after whom."""
        turns = (
            (Wording.RELATIVES, _of_turn(facts, Turn.RELATIVES)),
            (Wording.NEIGHBOURS, _of_turn(facts, Turn.NEIGHBOURS)),
            (Wording.DOOR, self._office),
        )
        there = [(wording, people) for wording, people in turns if people]
        return tuple(
            Stage(people=people, after=number * NEXT_TURN, wording=wording)
            for number, (wording, people) in enumerate(there)
        )

    # What people say

    @callback
    def _said(self, said: Said) -> None:
        """Take an answer to a message."""
        watch_id = said.key.partition(":")[0]
        ward = self.wards.get(watch_id)
        if ward is None or said.number <= ward.said.get(said.key, 0):
            return
        # Of messages that are over nothing is told any more.
        out = {ward.question, ward.look_in}
        ward.said = {key: row for key, row in ward.said.items() if key in out}
        ward.said[said.key] = said.number
        deed = Deed(said.answer)
        self._done(watch_id, deed, said.key, person_id=said.person_id)

    @callback
    def _done(self, watch_id: str, deed: Deed, key: str, person_id: str | None) -> None:
        ward = self.wards[watch_id]
        now = self._now(ward)
        is_own = person_id == self.facts[watch_id].person_id
        ward.note(deed, now, person_id=person_id)
        is_over = False
        if is_own and deed in _ANSWERS:
            is_over = answer(ward, _ANSWERS[deed], now)
            if key == ward.question and deed is not Deed.HELP:
                # They may say otherwise for a while: it ends by itself.
                ward.question = None
        elif deed is Deed.ALL_WELL and key == ward.look_in:
            ward.watch.close(Outcome.NEEDLESS, now)
            is_over = True
        counts = [Count.NEEDLESS] if is_over else []
        for what in counts:
            ward.count(self.month, what)
        self._background(self._async_keep(watch_id, counts))
        self._follow(watch_id)
        self._tell()

    # What others do, by commands

    async def async_change(
        self,
        watch_id: str,
        change: Callable[[Ward, float], None],
        write: Callable[[str], Awaitable[object]],
    ) -> None:
        """Let a command change how it stands: written with the command, then done here.

        `write` is given what the vault is to hold. Raises what it raises; nothing has changed
        then.
        """
        work = self._async_change(watch_id, change, write)
        # Whoever has asked may be gone before it is done here too.
        task = self.entry.async_create_task(self._hass, work, f"{DOMAIN} care")
        await asyncio.shield(task)

    async def _async_change(
        self,
        watch_id: str,
        change: Callable[[Ward, float], None],
        write: Callable[[str], Awaitable[object]],
    ) -> None:
        async with self._writing:
            ward = self.wards[watch_id]
            tried = ward.copy()
            change(tried, self._now(tried))
            await write(tried.text())
            if self.wards.get(watch_id) is not ward:
                return
            change(ward, self._now(ward))
            # What was heard meanwhile is not written yet.
            ward.is_changed = True
        self._subscribe(watch_id)
        self._check(watch_id)
        self._plan(watch_id)
        await self._async_follow(watch_id)
        self._tell()

    def begin(self, make: Callable[[Watch, float], Ward]) -> str:
        """Return what the vault is to hold of a watch that begins."""
        now = time.time()
        return make(Watch.begin(now, self.zone), now).text()

    # As it is kept

    async def _async_keep(self, watch_id: str, counts: Sequence[Count] = ()) -> None:
        """Write how it stands with somebody, at once; else it is written later."""
        with suppress(RegisterError):
            await self._async_save([watch_id], counts)

    async def async_save(self) -> None:
        """Write what has changed."""
        self._saved_at = time.time()
        changed = [key for key, ward in self.wards.items() if ward.is_changed]
        for some in batched(changed, WRITTEN, strict=False):
            with suppress(RegisterError):
                await self._async_save(some)
        if not changed and self.wards:
            with suppress(RegisterError):
                await self._async_save(())

    async def _async_save(
        self, watch_ids: Collection[str], counts: Sequence[Count] = ()
    ) -> None:
        async with self._writing:
            texts, wards = dict[str, str](), list[Ward]()
            looked_at = time.time()
            for some in batched(watch_ids, PORTION, strict=False):
                for watch_id in some:
                    if ward := self.wards.get(watch_id):
                        texts[self.facts[watch_id].sealed_id] = ward.text()
                        ward.is_changed = False
                        wards.append(ward)
                await asyncio.sleep(0)
            month = self.month
            try:
                await self.register.async_run(
                    partial(
                        rows.save,
                        box=self.vault,
                        texts=texts,
                        looked_at=looked_at,
                        counts=[(month, what) for what in counts],
                    )
                )
            except RegisterError as err:
                for ward in wards:
                    ward.is_changed = True
                if not self.is_behind:
                    LOGGER.warning("Signs of life are kept in memory: %s", err.key)
                self.is_behind = True
                raise
        if self.is_behind and not any(row.is_changed for row in self.wards.values()):
            LOGGER.info("Signs of life are written again")
            self.is_behind = False

    # What is shown

    def counts(self) -> Counter[str]:
        """Return how many watches stand how; nobody is in it."""
        found = +self._counts
        if self.unreadable:
            found[State.SUSPENDED] += len(self.unreadable)
        return found

    def where(self, key: str) -> tuple[str | None, str | None, str | None]:
        """Return what somebody is heard by: the entity, what it is called, and in which area."""
        entity_id = heard.entity_of(self._hass, key)
        if entity_id is None:
            return None, None, None
        row = er.async_get(self._hass).async_get(entity_id)
        area_id = row.area_id if row else None
        if row and row.device_id and area_id is None:
            device = dr.async_get(self._hass).async_get(row.device_id)
            area_id = device.area_id if device else None
        area = ar.async_get(self._hass).async_get_area(area_id) if area_id else None
        state = self._hass.states.get(entity_id)
        return entity_id, state.name if state else None, area.name if area else None

    def _background(self, work: Coroutine[Any, Any, None]) -> None:
        self.entry.async_create_background_task(self._hass, work, f"{DOMAIN} care")


def _ward_of(text: str | None, zone: tzinfo) -> Ward | None:
    try:
        return Ward.from_text(text, zone) if text else None
    except KeyError, TypeError, ValueError:
        return None


def answer(ward: Ward, said: Answer, now: float) -> bool:
    """Take what the person says; return if others were told in vain.

    Who calls for help after others were told is told of anew.
    """
    was_told = ward.watch.kept.told_at is not None
    if said is Answer.HELP and not ward.is_urgent:
        ward.watch.kept.told_at = None
    ward.watch.answer(said, now)
    return was_told and said is not Answer.HELP


def _of_turn(facts: Facts, turn: int) -> tuple[str, ...]:
    """Return whom somebody has named for a turn; later turns are all the last."""
    return tuple(
        key for key, number in facts.contacts if min(number, Turn.NEIGHBOURS) == turn
    )
