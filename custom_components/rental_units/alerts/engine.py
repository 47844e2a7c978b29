"""The alerts of one property: raised, escalated step by step, answered, ended.

Everything that is to happen is a row with a time; one clock walks the rows. After a
restart they are read, and the clock goes on.
"""

from collections import Counter
from collections.abc import (
    Awaitable,
    Callable,
    Collection,
    Coroutine,
    Iterable,
    Mapping,
    Sequence,
)
from dataclasses import dataclass
from datetime import datetime
from functools import partial
import time
from typing import Any, Protocol

from sqlalchemy.orm import Session

from homeassistant.core import Context, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.util.ulid import ulid_now

from ..const import LOGGER, Channel, Role
from ..register import Audience, Register, RegisterConfigEntry
from ..register.checks import Figures
from ..storage.events import DomainEvent, Kind
from .channels import FORMER, build, with_former
from .channels.base import NotSentError
from .channels.push import is_person, users_of
from .clock import Clock
from .const import (
    ACCOUNTED,
    AGAIN_STEP,
    ALL_CLEAR,
    ANSWERS,
    CORE,
    HELP_STEP,
    OPEN,
    PANEL,
    RANK,
    TAKING,
    VALIDITY,
    About,
    AlertState,
    Answer,
    DeliveryState,
    Progress,
    Severity,
)
from .core import core_of
from .dispatcher import Dispatcher
from .escalation import STALE_SECONDS, Escalation, Parts, goes_on
from .facts import FactFinder
from .help import Calls, Helpers
from .history import purge, read_open, take_back
from .ledger import TROUBLE, Ledger
from .links import AlertLinks
from .messages import Composer
from .models import Alert, Delivery, Help, key_of
from .news import News
from .people import TESTER, People
from .personal import Personal
from .planning import DUTIES
from .policies import Policy, policy_of
from .principals import remember
from .responses import Responses
from .timebase import Timebase
from .timeline import Timeline
from .unwritten import Unwritten
from .verifier import Verifier

KEEP_SECONDS = 400 * 86_400
#: Seconds between two looks at whether the clock is walked, and at how late it is.
HEARTBEAT_SECONDS = 60.0
MOST_LATE_SECONDS = 30.0
#: Without a core that says what one fire is: the same place, and so long after it began.
INCIDENT_SECONDS = 3600.0
#: An acknowledgement that is older does not silence what is new.
ACKNOWLEDGED_SECONDS = 600.0
#: Nor does an alert of which everybody was told for the last time so long ago.
TOLD_SECONDS = VALIDITY | {Severity.ALARM: 60.0}
#: Seconds, at least, between two times that somebody tells everybody once more.
AGAIN_SECONDS = 30.0


class ToldJustNowError(Exception):
    """Everybody was told a moment ago."""


class HelpOpenError(Exception):
    """Somebody calls for help, and nobody has closed the call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the action `alert` asks for."""

    severity: Severity
    unit_ids: tuple[str, ...] = ()
    area_ids: tuple[str, ...] = ()
    place: str = ""
    hazard: str | None = None
    message: str | None = None
    audience: tuple[str, ...] = tuple(Audience)
    #: If it says itself for whom it is: else a drill is for those whom a test concerns.
    names_audience: bool = True
    policy: str | None = None
    alarm_id: str | None = None
    incident_id: str | None = None
    drill: bool = False
    #: The message is about somebody: see models.Alert.
    private: bool = False
    who: str | None = None
    #: Ids of people who hear of it before others do, where a channel takes them in turn. In
    #: no row: it says where something is.
    first: frozenset[str] = frozenset()
    #: When it happened, in Unix time; None: now.
    at: float | None = None

    @property
    def is_announced(self) -> bool:
        """Return if it is no mere test, which is for the tester and the office alone."""
        return not self.drill or self.names_audience


class Pictures(Protocol):
    """What knows of pictures for those whom an incident's private alerts tell."""

    @callback
    def is_pictured(self, incident_id: str) -> bool:
        """Return if there is one."""

    async def async_picture(self, incident_id: str) -> bytes | None:
        """Return the JPEG, None if there is none any more. Raises RegisterError."""


class Engine:
    """Alerts of one entry."""

    def __init__(
        self, hass: HomeAssistant, entry: RegisterConfigEntry, register: Register
    ) -> None:
        """Initialize."""
        self.hass = hass
        self._entry = entry
        self._register = register
        self.timebase = Timebase()
        now = self.timebase.now
        self.timeline = Timeline()
        self.helpers = Helpers(hass, now, self._begin_help)
        self.news = News(hass, entry, self.helpers)
        self.ledger = Ledger(
            hass,
            register.async_run,
            Unwritten(hass, entry.entry_id),
            self.news.tell_unwritable,
            now,
        )
        self.links = AlertLinks(hass, entry.entry_id)
        self.pictures: Pictures | None = None
        self.people = People(hass, entry, register)
        self.facts = FactFinder(hass, register)
        self.verifier = Verifier(hass, entry, register, self, self._tell_checks)
        self.dispatcher = Dispatcher(
            hass,
            entry,
            self.ledger,
            Composer(
                hass,
                self.links,
                self.helpers,
                self.facts,
                self.unit_name,
                title=lambda: self.title,
            ),
            token=self.links.token,
            find=self.people.async_find,
            tell_failing=self.news.tell_failing,
            tell_alive=lambda channel: self.tell_dead(channel, None),
            tell_wrong=self.verifier.note_wrong,
            timebase=self.timebase,
        )
        self.clock = Clock[Any](hass, self._due, now)
        self.escalation = Escalation(
            Parts(
                people=self.people,
                facts=self.facts,
                dispatcher=self.dispatcher,
                ledger=self.ledger,
                clock=self.clock,
                timebase=self.timebase,
                timeline=self.timeline,
                news=self.news,
                check=self._check_roll_call,
            )
        )
        #: Open alerts by id, but for those about a person, which are for nobody else.
        self.alerts: dict[str, Alert] = {}
        self.personal = Personal(self, register)
        self.responses = Responses(self, register)
        self.ledger.listener = self.responses.note
        self._active_units: Counter[str] = Counter()
        self._drill_units: Counter[str] = Counter()
        self._titles: dict[str, str] = {}
        #: What the options have said of the channels.
        self._channels: Mapping[str, Any] = {}
        #: How many rounds of messages are being made besides the steps.
        self.telling = 0
        #: Alerts a step of which is being walked, and those to be walked once more then.
        self._walking: set[str] = set()
        self._waiting: set[str] = set()
        #: When alerts were acknowledged, by the Timebase.
        self._taken_at: dict[str, float] = {}
        #: Alerts that everybody is being told of once more.
        self._telling_again: set[str] = set()

    async def async_start(self) -> None:
        """Take up what an earlier run has left. Raises RegisterError."""
        await self.links.async_load()
        await self.ledger.async_open(is_away=self.is_blind)
        # What is open in a database that is away goes on when it is back.
        found = [] if self.is_blind else await self._register.async_run(read_open)
        for alert, deliveries, _ in found:
            self._adopt(alert, deliveries)
            self._open(alert)
        self.configure()
        for alert, deliveries, calls in found:
            self.people.restore(alert, deliveries)
            self.dispatcher.restore(alert, deliveries)
            self.helpers.restore(alert, calls)
            if not goes_on(alert):
                alert.due_at = alert.ends_at
            elif alert.due_at is None:
                # It was about to be looked at.
                alert.due_at = self.timebase.now()
            self.ledger.put(alert)
            self.clock.watch(alert)
        if self.personal.alerts:
            await self.personal.async_restore()
        self.background(self.async_purge(), "rental_units old alerts")

    @property
    def _open_alerts(self) -> list[Alert]:
        return [*self.alerts.values(), *self.personal.alerts.values()]

    @callback
    def get(self, alert_id: str) -> Alert | None:
        """Return an open alert, whatever it is about, to who answers it."""
        return self.alerts.get(alert_id) or self.personal.alerts.get(alert_id)

    @callback
    def background(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Do something that ends with the entry."""
        self._entry.async_create_background_task(self.hass, work, name)

    def _adopt(self, alert: Alert, deliveries: list[Delivery]) -> None:
        """Let the times of an earlier run be those of this one's Timebase."""
        if alert.alarm_id and not alert.alarm_ids:
            # Written by a release that knew one alarm only.
            alert.alarm_ids = [alert.alarm_id]
        if alert.hazard and not alert.hazards:
            alert.hazards = [alert.hazard]
        shift = self.timebase.shift(alert.as_of)
        alert.begun_at += shift
        alert.ends_at += shift
        if alert.due_at is not None:
            alert.due_at += shift
        if alert.acknowledged_at:
            self._taken_at[alert.id] = self.timebase.from_wall(alert.acknowledged_at)
        for delivery in deliveries:
            delivery.expires_at += shift
            if delivery.due_at is not None:
                delivery.due_at += shift

    async def async_stop(self) -> None:
        """Stop the clock and write what is not written."""
        self.clock.stop()
        self.helpers.clock.stop()
        self.ledger.put(*self._open_alerts)
        await self.dispatcher.async_stop()
        await self.ledger.async_close()
        self.news.tell_unwritable(None)

    @callback
    def configure(self) -> None:
        """Take the channels from the options, if they have changed.

        One that was taken away while an alert is open stays until none is, also over a
        restart: the options keep it apart.
        """
        options = dict(self._entry.options)
        known, channels = options.get(FORMER, {}), options.get("channels", {})
        before, self._channels = self._channels, channels
        former = {}
        if self._open_alerts or self.is_blind:
            former = {
                name: own
                for name, own in {**known, **before}.items()
                if name not in channels
            }
        if former != known:
            options[FORMER] = former
            if not former:
                del options[FORMER]
            self.hass.config_entries.async_update_entry(self._entry, options=options)
        elif self.dispatcher.channels and channels == before:
            return
        self.dispatcher.use(build(self.hass, with_former(options)))

    @callback
    def _tell_checks(self, found: Figures) -> None:
        self.news.tell_failing_addresses(
            found.failing,
            [self.unit_name(key) for key in found.failing_units],
            found.failing_responders,
        )

    @callback
    def tell_dead(self, channel: str, reason: str | None) -> None:
        """Show that a provider could send nothing now, until a message goes through."""
        self.dispatcher.suspects.discard(channel)
        if reason is not None:
            self.dispatcher.suspects.add(channel)
        self.news.tell_dead(channel, reason)

    @property
    def title(self) -> str:
        """Return what the property is called."""
        return self._entry.title

    @property
    def entry_id(self) -> str:
        """Return the id of the property."""
        return self._entry.entry_id

    async def async_read[T](self, work: Callable[[Session], T]) -> T:
        """Ask the database, however long it takes. Raises RegisterError."""
        return await self._register.async_read(work, long=True)

    @callback
    def units_of(self, area_id: str) -> list[str]:
        """Return the units in an area."""
        return self._register.units_of_area(area_id)

    def find(self, token: str) -> tuple[Alert, Delivery] | None:
        """Return what the token of a link is for; None if that is over, or never was."""
        delivery = self.dispatcher.by_token.get(token)
        alert = self.get(delivery.alert_id) if delivery else None
        if delivery is None or alert is None or self._is_over(alert):
            return None
        return alert, delivery

    @callback
    def is_pictured(self, alert: Alert) -> bool:
        """Return if there is a picture for whom an alert tells of somebody."""
        return bool(
            alert.private
            and alert.incident_id
            and self.pictures
            and self.pictures.is_pictured(alert.incident_id)
        )

    async def async_picture(self, alert: Alert) -> bytes | None:
        """Return that as a JPEG, None if there is none (any more). Raises RegisterError."""
        if not (self.is_pictured(alert) and self.pictures and alert.incident_id):
            return None
        return await self.pictures.async_picture(alert.incident_id)

    @property
    def is_blind(self) -> bool:
        """Return if alerts of before this start cannot be read: an id of one is unknown."""
        return self._register.blind is not None

    def is_active(self, unit_id: str) -> bool:
        """Return if an alert about a unit is open."""
        return self._active_units[unit_id] > 0

    @property
    def is_busy(self) -> bool:
        """Return if the lines are for an alert: an alarm is open, or messages are on their way.

        A fault or a warning that was told is open for days.
        """
        return any(
            row.severity == Severity.ALARM for row in self.alerts.values()
        ) or any(
            row.state == DeliveryState.SENDING
            or (row.state == DeliveryState.QUEUED and not row.due_at)
            for row in self.dispatcher.deliveries.values()
        )

    # What people and automations ask for

    def policy(self, request: Request) -> Policy:
        """Return the policy of what is asked for. Raises KeyError for an unknown one."""
        found = policy_of(self._entry.options, request.severity, request.policy)
        # One press of a button does not ring until somebody answers.
        return found if request.is_announced else found.once()

    async def async_raise(self, request: Request) -> Alert:
        """Write an alert down and begin it. Raises KeyError for an unknown policy.

        What is part of one that is open joins it, and nobody is told twice: all alarms of
        one incident, and the same alarm once more, which is announced again after a crash.
        """
        policy = self.policy(request)
        now = self.timebase.now()
        alert = Alert(
            id=ulid_now(),
            created_at=request.at or time.time(),
            state=AlertState.ACTIVE,
            severity=request.severity.value,
            hazard=request.hazard,
            hazards=[request.hazard] if request.hazard else [],
            message=request.message,
            place=request.place,
            unit_ids=list(request.unit_ids),
            area_ids=list(request.area_ids),
            audiences=list(request.audience),
            policy=policy.as_dict(),
            alarm_id=request.alarm_id,
            alarm_ids=[request.alarm_id] if request.alarm_id else [],
            over_alarm_ids=[],
            incident_id=request.incident_id,
            drill=request.drill,
            announced=request.is_announced,
            private=request.private,
            about=About.PLACE,
            who=request.who,
            step=0,
            round=0,
            answered_units=[],
            vacant_units=[],
            begun_at=now,
            due_at=now + policy.steps[0].after,
            ends_at=now + policy.valid_for,
        )
        for other in self.alerts.values():
            if self._is_same(other, alert):
                await self._async_join(other, alert)
                return other
        self.people.put_first(alert, request.first)
        await self.async_begin(alert)
        return alert

    async def async_begin(self, alert: Alert) -> None:
        """Write a new alert down, and walk its first step."""
        self._open(alert)
        line = self.timeline.line(alert, "raised", who=alert.who)
        await self.ledger.put(alert, line)
        self.news.tell(alert, Progress.RAISED)
        if alert.state not in OPEN:
            return
        if (alert.due_at or 0.0) > self.timebase.now():
            self.clock.watch(alert)
        else:
            alert.due_at = None
            self._due(alert)

    def _is_same(self, old: Alert, new: Alert) -> bool:
        """Return if what is new is part of an open alert."""
        # First: hundreds are open, and nearly all are about another place.
        if not self._is_about(old, new):
            return False
        if (old.drill, old.announced, old.message, old.policy) != (
            *(new.drill, new.announced, new.message, new.policy),
        ):
            return False
        if old.drill and not old.announced and old.who != new.who:
            # Another one tests, and has to hear of it.
            return False
        is_news = Severity.MESSAGE in (old.severity, new.severity)
        if is_news or {old.hazard, new.hazard} & ALL_CLEAR:
            return False
        if RANK[Severity(new.severity)] < RANK[Severity(old.severity)]:
            # It has become worse: whoever was written to is called now.
            return False
        now = self.timebase.now()
        if now - self._taken_at.get(old.id, now) > ACKNOWLEDGED_SECONDS:
            return False
        return not (self._is_silent(old) or self._is_beyond(old, new))

    def _is_about(self, old: Alert, new: Alert) -> bool:
        """Return if two alerts are about the same: alarm, incident, or place for a while."""
        if new.alarm_id and new.alarm_id in old.alarm_ids:
            return True
        if old.incident_id or new.incident_id:
            return old.incident_id == new.incident_id
        place = (set(old.unit_ids), set(old.area_ids))
        return (
            place == (set(new.unit_ids), set(new.area_ids))
            and self.timebase.now() - old.begun_at < INCIDENT_SECONDS
        )

    def _is_silent(self, alert: Alert) -> bool:
        """Return if an alert tells nobody any more, and has told nobody of late."""
        is_over = alert.step >= len(alert.policy["steps"])
        if alert.state != AlertState.ACTIVE or not is_over:
            return False
        rows = [row for row in self.dispatcher.of(alert) if row.channel != PANEL]
        last = max((row.created_at for row in rows), default=0.0)
        return not 0 <= time.time() - last < TOLD_SECONDS[Severity(alert.severity)]

    def _is_beyond(self, old: Alert, new: Alert) -> bool:
        """Return if whoever has acknowledged an alert cannot have meant what is new.

        That is another hazard, or another detector where they took it for a false alarm.
        """
        if old.state != AlertState.ACKNOWLEDGED or new.alarm_id in old.alarm_ids:
            return False
        if new.hazard and new.hazard not in old.hazards:
            return True
        return any(
            row.decides and row.answer == Answer.FALSE_ALARM
            for row in self.dispatcher.of(old)
        )

    async def _async_join(self, alert: Alert, other: Alert) -> None:
        """Let an alert take in what another would have been about."""
        wider = {}
        for key in ("alarm_ids", "hazards", "unit_ids", "area_ids", "audiences"):
            known = getattr(alert, key)
            if new := [row for row in getattr(other, key) if row not in known]:
                wider[key] = [*known, *new]
        if not wider:
            return
        self._count(alert, set(other.unit_ids) - set(alert.unit_ids))
        for key, value in wider.items():
            setattr(alert, key, value)
        line = self.timeline.line(
            alert, "joined", alarm_id=other.alarm_id, hazard=other.hazard
        )
        self.ledger.put(alert, line, *self._narrow(alert))
        self.dispatcher.rewrite(alert)
        self.news.tell(alert, Progress.JOINED)
        if wider.keys() & {"unit_ids", "area_ids", "audiences"}:
            await self._async_safely(self.escalation.async_join(alert))

    def _narrow(self, alert: Alert) -> list[Delivery]:
        """Let nobody decide any more who has not all that it is about now."""
        rows = [
            row
            for row in self.dispatcher.of(alert)
            if row.decides
            and row.role == Role.LANDLORD
            and row.person_id
            and not self._register.phonebook.units_of(
                row.person_id, Role.LANDLORD
            ).issuperset(alert.unit_ids)
        ]
        for row in rows:
            row.decides = False
        return rows

    @callback
    def answer(
        self,
        alert: Alert,
        answer: Answer,
        delivery: Delivery,
        *,
        via: str,
        context: Context | None = None,
    ) -> None:
        """Take a person's answer: whose it is says what it counts for.

        Of who responds, and of who owns it all, *on my way* and *false alarm* end the
        escalation; the alarms are acknowledged by *on my way* alone, because an automation
        may cut the power then. *Safe* accounts for the unit. A call for help is a flag of
        its own.
        """
        is_known = delivery.answer == answer and answer is not Answer.NEED_HELP
        is_asked = answer in ANSWERS[About(alert.about)]
        if delivery.person_id is None or is_known or not is_asked:
            # A robot's, once more what is known, or what nobody has asked.
            return
        if alert.about != About.PLACE:
            self.personal.answer(alert, answer, delivery, via)
            return
        unit_id = delivery.unit_id
        call = None
        if answer is Answer.NEED_HELP:
            call = self.helpers.call(alert, delivery)
            if call is None and delivery.answer == answer:
                return
        self.dispatcher.answered(delivery, answer, via)
        self.ledger.put(
            alert,
            self.timeline.line(
                alert, "answer", delivery, answer=answer, via=via, role=delivery.role
            ),
        )
        takes = answer in TAKING and delivery.decides
        is_coming = self._is_coming(alert, answer, delivery)
        if call or takes or is_coming:
            self._tell_core(alert, answer, delivery)
        if takes and answer is Answer.FALSE_ALARM and self.helpers.of(alert).waiting:
            # Somebody there says otherwise, and nobody is on the way to them yet.
            takes = False
        self.news.tell(
            alert, Progress.ANSWERED, unit_id, answer, context, decides=takes
        )
        if answer is Answer.NEED_HELP:
            if call:
                self._need_help(alert, call, context)
            return
        policy = Policy.from_dict(alert.policy)
        if is_coming and (taken := self.helpers.take(alert)):
            self.ledger.put(*taken)
        if takes:
            if answer is Answer.ON_MY_WAY:
                self._acknowledge_alarms(alert, delivery.person_id, context)
            if not policy.each_unit:
                self.acknowledge(
                    alert, who=None, via=via, answer=answer, context=context
                )
                return
        if answer in ACCOUNTED and unit_id in alert.unit_ids:
            if unit_id not in alert.answered_units:
                alert.answered_units = [*alert.answered_units, unit_id]
                self.ledger.put(alert)
            self._check_roll_call(alert)

    def _tell_core(self, alert: Alert, answer: Answer, delivery: Delivery) -> None:
        """Let it be on the timelines of the alarms too who has answered what.

        It is the answers of who decides or comes, and calls for help: others are about
        themselves, and there may be thousands of them.
        """
        is_tester = delivery.role == TESTER
        core_of(self.hass).said(
            alert.alarm_ids,
            answer.value,
            delivery.answered_at or time.time(),
            user_id=delivery.person_id if is_tester else None,
            person_id=None if is_tester else delivery.person_id,
        )

    def _is_coming(self, alert: Alert, answer: Answer, delivery: Delivery) -> bool:
        """Return if by this answer one of those who were told of the calls for help comes.

        They are who responds; a landlord is, where nobody else does.
        """
        return answer is Answer.ON_MY_WAY and (
            delivery.role in DUTIES
            or any(
                row.step == HELP_STEP
                for row in self.dispatcher.of_person(alert, delivery.person_id or "")
            )
        )

    @callback
    def _check_roll_call(self, alert: Alert) -> None:
        """End a roll call when every unit has answered in which somebody lives.

        Silence ends none: where nobody is registered, someone may be inside all the same.
        """
        if not alert.policy["each_unit"] or not alert.answered_units:
            return
        known = {*alert.answered_units, *alert.vacant_units}
        if set(alert.unit_ids) <= known and not self.helpers.of(alert).open:
            self.acknowledge(alert, who=None, via="roll_call", answer=Answer.SAFE)

    # Calls for help

    @callback
    def _need_help(self, alert: Alert, call: Help, context: Context | None) -> None:
        """Show a call for help, and go on with an alert that somebody has taken already."""
        self.ledger.put(call)
        if alert.state == AlertState.ACKNOWLEDGED:
            alert.state = AlertState.ACTIVE
            alert.acknowledged_at = None
            self._taken_at.pop(alert.id, None)
            self._resume(alert)
        self.news.tell(
            alert, Progress.NEED_HELP, call.unit_id, Answer.NEED_HELP, context
        )

    def _resume(self, alert: Alert) -> None:
        """Walk on: what was due while it was acknowledged is due now, round by round."""
        policy = Policy.from_dict(alert.policy)
        if alert.step < len(policy.steps):
            due_at = alert.begun_at + policy.at(alert.step, alert.round)
            alert.due_at = max(due_at, self.timebase.now())
        self.ledger.put(alert)
        self.clock.watch(alert)

    @callback
    def _begin_help(self, calls: Calls) -> None:
        self._entry.async_create_background_task(
            self.hass,
            self._async_safely(self.escalation.async_help(calls)),
            "rental_units help",
        )

    async def _async_safely(self, work: Awaitable[None]) -> None:
        """Let nothing that goes wrong go further: the next round or step tries again."""
        self.telling += 1
        try:
            await work
        except Exception as err:  # noqa: BLE001
            # Without its text: that may hold a name.
            LOGGER.error("People could not be told: %s", type(err).__name__)
        finally:
            self.telling -= 1

    @callback
    def close_help(
        self,
        alert: Alert,
        unit_id: str | None,
        *,
        who: str,
        note: str,
        outcome: str | None = None,
        call_ids: Collection[str] | None = None,
    ) -> int:
        """Close calls for help: those of a unit, those named, or all; return how many."""
        rows = self.helpers.close(alert, unit_id, call_ids, who=who, note=note)
        if rows:
            # The note is in its row alone: it may name somebody.
            said: dict[str, Any] = {"outcome": outcome} if outcome else {}
            line = self.timeline.line(
                alert, "help_closed", who=who, calls=len(rows), **said
            )
            self.ledger.put(*rows, line)
            core_of(self.hass).said(
                alert.alarm_ids, Progress.HELP_CLOSED, time.time(), user_id=who
            )
            units = {row.unit_id for row in rows}
            whose = units.pop() if len(units) == 1 else None
            self.news.tell(alert, Progress.HELP_CLOSED, whose)
            self._check_roll_call(alert)
        return len(rows)

    @callback
    def acknowledge(
        self,
        alert: Alert,
        *,
        who: str | None,
        via: str,
        answer: Answer | None = None,
        context: Context | None = None,
    ) -> None:
        """End the escalation: a human has taken it, by an answer if one is given."""
        if alert.state != AlertState.ACTIVE:
            return
        alert.state = AlertState.ACKNOWLEDGED
        alert.acknowledged_at = time.time()
        self._taken_at[alert.id] = self.timebase.now()
        if not goes_on(alert):
            alert.due_at = alert.ends_at
        # Nobody has to be reached over yet another channel now.
        waiting = [row for row in self.dispatcher.of(alert) if row.rest]
        for delivery in waiting:
            delivery.rest = []
        line = self.timeline.line(alert, "acknowledged", who=who, via=via)
        self.ledger.put(alert, line, *waiting)
        self.clock.watch(alert)
        self.news.tell(alert, Progress.ACKNOWLEDGED, answer=answer, context=context)

    async def async_tell_again(self, alert: Alert, who: str | None) -> int:
        """Tell everybody once more, whoever has answered; return how many messages.

        Raises ToldJustNowError: two people at two panels mean one message.
        """
        rows = self.dispatcher.of(alert)
        before = [row.created_at for row in rows if row.step == AGAIN_STEP]
        ago = time.time() - max(before, default=0.0)
        if 0 <= ago < AGAIN_SECONDS or alert.id in self._telling_again:
            raise ToldJustNowError
        self._telling_again.add(alert.id)
        try:
            return await self.escalation.async_again(alert, who)
        finally:
            self._telling_again.discard(alert.id)

    def delivery_of(
        self, alert: Alert, person_id: str, role: str, unit_id: str, decides: bool
    ) -> Delivery:
        """Return what somebody answers to who answers for a unit in a panel.

        It is what was sent to them last about it; where nothing was, a row that stands
        for it: what they have got may name another of their units.
        """
        own = [
            row
            for row in self.dispatcher.of_person(alert, person_id)
            if row.unit_id == unit_id
        ]
        if own:
            return max(own, key=lambda row: row.created_at)
        address_id = f"{PANEL}:{person_id}:{unit_id}"
        delivery = Delivery(
            id=key_of(alert.id, address_id, 0, 0),
            alert_id=alert.id,
            address_id=address_id,
            person_id=person_id,
            unit_id=unit_id,
            role=role,
            decides=decides,
            channel=PANEL,
            step=0,
            round=0,
            state=DeliveryState.RECEIVED,
            attempts=0,
            rest=[],
            created_at=time.time(),
            expires_at=alert.ends_at,
        )
        self.ledger.put(delivery)
        self.dispatcher.add(alert, [delivery])
        return delivery

    def _acknowledge_alarms(
        self, alert: Alert, person_id: str, context: Context | None
    ) -> None:
        """Let the core know that somebody is on the way, and who."""
        if context is None:
            context = Context()
            remember(self.hass, context, person_id)
        if alert.alarm_ids and self.hass.services.has_service(CORE, "acknowledge"):
            self._entry.async_create_background_task(
                self.hass,
                self._async_acknowledge_alarms(alert, context),
                "rental_units acknowledge",
            )

    async def _async_acknowledge_alarms(self, alert: Alert, context: Context) -> None:
        for alarm_id in alert.alarm_ids:
            # One by one: any may have been reset already.
            try:
                await self.hass.services.async_call(
                    CORE,
                    "acknowledge",
                    {"alarm_id": alarm_id},
                    blocking=True,
                    context=context,
                )
            except HomeAssistantError as err:
                LOGGER.debug("An alarm was not acknowledged: %s", type(err).__name__)

    @callback
    def cancel(
        self, alert: Alert, *, who: str | None, alarm_ids: Collection[str] = ()
    ) -> bool:
        """End an alert: what is on its way is not sent any more. Return if it has ended.

        Where alarms are named, only once none of its alarms is left. Raises HelpOpenError
        while somebody calls for help.
        """
        if self.helpers.of(alert).open:
            raise HelpOpenError
        if alarm_ids:
            over = {*alert.over_alarm_ids, *alarm_ids}
            alert.over_alarm_ids = [key for key in alert.alarm_ids if key in over]
            if set(alert.alarm_ids) - over:
                self.ledger.put(alert)
                return False
        self.close(alert, AlertState.CANCELLED, Progress.CANCELLED, who=who)
        return True

    async def async_take_back(self, incident_id: str) -> int:
        """End the alerts of an incident that were about somebody, and forget what they said.

        Return how many there were. One in which somebody calls for help stays open, without
        its message. Raises RegisterError; who asks again does the rest.
        """
        for alert in list(self.alerts.values()):
            if alert.incident_id != incident_id or not alert.private:
                continue
            alert.message = None
            self.dispatcher.rewrite(alert)
            if self.helpers.of(alert).open:
                self.ledger.put(alert)
            else:
                self.close(alert, AlertState.CANCELLED, Progress.CANCELLED)
        # What waits to be written says no more, either.
        return await self._register.async_run(
            partial(take_back, incident_id=incident_id)
        )

    # The clock

    @callback
    def _due(self, alert: Alert) -> None:
        if alert.state not in OPEN:
            return
        if self._is_over(alert):
            if self.helpers.of(alert).open:
                # It does not end over somebody who waits for help.
                alert.due_at = self.timebase.now() + HEARTBEAT_SECONDS
                self.clock.watch(alert)
                return
            was_active = alert.state == AlertState.ACTIVE
            self.close(
                alert,
                AlertState.ENDED,
                Progress.UNANSWERED if was_active else Progress.ENDED,
            )
        elif not goes_on(alert):
            alert.due_at = alert.ends_at
            self.clock.watch(alert)
        elif alert.id in self._walking:
            # Two at a time would skip a round: once more, when this one is done.
            self._waiting.add(alert.id)
        else:
            self._walking.add(alert.id)
            self._entry.async_create_background_task(
                self.hass, self._async_step(alert), "rental_units step"
            )

    def _is_over(self, alert: Alert) -> bool:
        return self.timebase.now() >= alert.ends_at

    async def _async_step(self, alert: Alert) -> None:
        try:
            await self.escalation.async_step(alert)
        except Exception as err:  # noqa: BLE001
            # Whatever it is, the alert goes on; without its text: that may hold a name.
            LOGGER.error("A step of an alert failed: %s", type(err).__name__)
            if alert.state in OPEN:
                alert.due_at = self.timebase.now() + STALE_SECONDS
                self.clock.watch(alert)
        finally:
            self._walking.discard(alert.id)
            if alert.id in self._waiting:
                self._waiting.discard(alert.id)
                self._due(alert)

    @callback
    def beat(self, _now: datetime | None = None) -> None:
        """See that the clock is walked and answers find us; write down how far it has come."""
        clocks = (self.clock, self.dispatcher.clock, self.helpers.clock)
        late = max(clock.late for clock in clocks)
        self.news.tell_stalled(late > MOST_LATE_SECONDS)
        if late > MOST_LATE_SECONDS:
            LOGGER.error("The clock of the alerts was %d seconds late", late)
            for clock in clocks:
                clock.wake()
        asks = self.dispatcher.channels.keys() & {Channel.SMS, Channel.CALL}
        self.news.tell_unanswerable(bool(asks) and not self.links.answer_base())
        self.ledger.put(*self._open_alerts)

    async def async_is_from(
        self, alert: Alert, delivery: Delivery, user_id: str | None
    ) -> bool:
        """Return if a user's phone is the one to which a delivery went.

        An address that is no phone of ours, such as a group of them, cannot be told; and
        while the register does not say whose it was, nobody's call for help is lost.
        """
        try:
            found = await self.people.async_find(alert, delivery.address_id)
        except NotSentError:
            return True
        address = found[1] if found else ""
        return not isinstance(address, str) and self.is_phone_of(
            address.target, user_id
        )

    def is_phone_of(self, target: str, user_id: str | None) -> bool:
        """Return if an app's address is a user's phone, or cannot be told to be anybody's."""
        users = users_of(self.hass, target)
        return user_id in users if users else not is_person(target)

    async def async_language(self, alert: Alert, delivery: Delivery) -> str:
        """Return the language of who got a delivery."""
        return await self.people.async_language(alert, delivery)

    @callback
    def said(self, alert: Alert, delivery: Delivery, language: str) -> tuple[str, str]:
        """Return title and text of what a delivery has told."""
        return self.dispatcher.composer.said(alert, delivery, language)

    @callback
    def has_unit(self, unit_id: str) -> bool:
        """Return if a unit is of this property."""
        return unit_id in self._register.units

    @callback
    def is_drill(self, unit_id: str) -> bool:
        """Return if all that is open about a unit is a drill."""
        return 0 < self._active_units[unit_id] == self._drill_units[unit_id]

    @callback
    def needs_help(self, unit_id: str) -> bool:
        """Return if a call for help from a unit is open."""
        return self.helpers.has_open(unit_id)

    @callback
    def area_of(self, unit_id: str) -> str | None:
        """Return the area of a unit."""
        unit = self._register.units.get(unit_id)
        return unit.area_id if unit else None

    @callback
    def unit_name(self, unit_id: str | None) -> str:
        """Return what a unit is called; also of one that was removed under an alert."""
        if unit := self._register.units.get(unit_id or ""):
            self._titles[unit.id] = unit.title
        return self._titles.get(unit_id or "", "")

    # Rows and news

    @callback
    def _open(self, alert: Alert) -> None:
        self._shelf(alert)[alert.id] = alert
        for unit_id in alert.unit_ids:
            self.unit_name(unit_id)
        self._count(alert, alert.unit_ids)

    def _shelf(self, alert: Alert) -> dict[str, Alert]:
        return self.alerts if alert.about == About.PLACE else self.personal.alerts

    def _count(self, alert: Alert, unit_ids: Iterable[str], number: int = 1) -> None:
        """Count an alert for units; what is mere news is none for them."""
        if alert.severity == Severity.MESSAGE:
            return
        change = dict.fromkeys(unit_ids, number)
        self._active_units.update(change)
        if alert.drill:
            self._drill_units.update(change)

    @callback
    def close(
        self,
        alert: Alert,
        state: AlertState,
        progress: Progress,
        who: str | None = None,
    ) -> None:
        """End an open alert, and tell that it has."""
        if alert.state not in OPEN:
            return
        alert.state = state
        alert.closed_at = time.time()
        alert.due_at = None
        self.dispatcher.close(alert, state.value)
        self.ledger.put(alert, self.timeline.line(alert, progress.value, who=who))
        del self._shelf(alert)[alert.id]
        self._count(alert, alert.unit_ids, -1)
        self.people.forget(alert)
        self.personal.forget(alert)
        self.facts.forget(alert)
        self.escalation.forget(alert)
        self.responses.forget(alert)
        self._taken_at.pop(alert.id, None)
        self.news.tell(alert, progress)
        self.helpers.forget(alert)
        if not self._open_alerts:
            self.configure()

    async def async_hear(self, events: Sequence[DomainEvent]) -> None:
        """Forget who was erased: what is queued for them is not sent."""
        erased = {row.person_id for row in events if row.kind == Kind.PERSON_ERASED}
        for alert in self._open_alerts:
            self.people.drop(alert, erased)
            self.dispatcher.drop(alert, erased, "erased")
        for person_id in filter(None, erased):
            await self.personal.async_forget(person_id)

    async def async_purge(self, _now: datetime | None = None) -> None:
        """Drop alerts that closed too long ago."""
        before = time.time() - KEEP_SECONDS
        try:
            await self._register.async_run(partial(purge, before=before))
        except TROUBLE as err:
            LOGGER.warning("Old alerts could not be dropped: %s", type(err).__name__)
