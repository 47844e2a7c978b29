"""The alerts of one property: raised, escalated step by step, answered, ended.

Everything that is to happen is a row with a time; one clock walks the rows. After a
restart they are read, and the clock goes on.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
import time
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from homeassistant.core import CALLBACK_TYPE, Context, HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.util.ulid import ulid_now

from ..const import DOMAIN, LOGGER
from ..register import Audience, Recipient, Register, RegisterConfigEntry
from .channels import build
from .channels.base import NotSentError
from .channels.local import speakers
from .clock import Clock
from .const import EVENT_ALERT, OPEN, AlertState, Answer, Progress, Severity
from .dispatcher import Dispatcher, Found
from .ledger import TROUBLE, Ledger
from .links import Links
from .models import Alert, Delivery, Entry
from .planning import AREA, ROBOT, plan, ways_to
from .policies import Policy, policy_of

#: How long a register that cannot be read is left alone.
RETRY_SECONDS = 2.0
KEEP_SECONDS = 400 * 86_400
#: Answers by which a unit has shown that its people are accounted for.
_ACCOUNTED = frozenset({Answer.SAFE, Answer.FALSE_ALARM})

type Listener = Callable[[Alert, Progress, str | None], None]


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
    policy: str | None = None
    alarm_id: str | None = None
    drill: bool = False
    who: str | None = None


class Engine:
    """Alerts of one entry."""

    def __init__(
        self, hass: HomeAssistant, entry: RegisterConfigEntry, register: Register
    ) -> None:
        """Initialize."""
        self.hass = hass
        self._entry = entry
        self._register = register
        self.ledger = Ledger(hass, register.async_run)
        self.links = Links(hass, entry.entry_id)
        self.dispatcher = Dispatcher(
            hass,
            entry,
            self.ledger,
            self.links,
            find=self._async_find,
            tell_failing=self._tell_failing,
        )
        self._clock = Clock[Alert](hass, self._due)
        #: Open alerts by id.
        self.alerts: dict[str, Alert] = {}
        self._active_units: Counter[str] = Counter()
        self._people: dict[str, dict[str, Found]] = {}
        #: Reading of all people of an alert, of whose deliveries some are from before.
        self._readings: dict[str, asyncio.Future[None]] = {}
        self._channel_options: Any = None
        self._last_at = 0.0
        self._listeners: list[Listener] = []
        self._unit_listeners: defaultdict[str, list[Listener]] = defaultdict(list)

    async def async_start(self) -> None:
        """Take up what an earlier run has left. Raises RegisterError."""
        await self.links.async_load()
        self.configure()
        for alert, deliveries in await self._register.async_run(_read_open):
            self._open(alert)
            self.dispatcher.restore(alert, deliveries)
            if alert.due_at is None:
                # It was about to be looked at.
                alert.due_at = time.time()
            self._clock.watch(alert)

    async def async_stop(self) -> None:
        """Stop the clock and write what is not written."""
        self._clock.stop()
        self.dispatcher.stop()
        await self.ledger.async_close()

    @callback
    def configure(self) -> None:
        """Take the channels from the options, if they have changed."""
        options = self._entry.options.get("channels")
        if self.dispatcher.channels and options == self._channel_options:
            return
        self._channel_options = options
        self.dispatcher.use(build(self.hass, self._entry.options))

    @callback
    def listen(self, listener: Listener) -> CALLBACK_TYPE:
        """Call with an alert, what has become of it, and of which unit."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    @callback
    def listen_unit(self, unit_id: str, listener: Listener) -> CALLBACK_TYPE:
        """Call with the alerts about a unit only: there may be thousands of units."""
        self._unit_listeners[unit_id].append(listener)
        return lambda: self._unit_listeners[unit_id].remove(listener)

    @property
    def entry_id(self) -> str:
        """Return the id of the property."""
        return self._entry.entry_id

    async def async_run[T](self, work: Callable[[Session], T]) -> T:
        """Ask the database. Raises RegisterError."""
        return await self._register.async_run(work)

    @callback
    def units_of(self, area_id: str) -> list[str]:
        """Return the units in an area."""
        return self._register.units_of_area(area_id)

    def is_active(self, unit_id: str) -> bool:
        """Return if an alert about a unit is open."""
        return self._active_units[unit_id] > 0

    # What people and automations ask for

    async def async_raise(self, request: Request) -> Alert:
        """Write an alert down and begin it. Raises KeyError for an unknown policy."""
        policy = policy_of(self._entry.options, request.severity, request.policy)
        now = time.time()
        alert = Alert(
            id=ulid_now(),
            created_at=now,
            state=AlertState.ACTIVE,
            severity=request.severity.value,
            hazard=request.hazard,
            message=request.message,
            place=request.place,
            unit_ids=list(request.unit_ids),
            area_ids=list(request.area_ids),
            audiences=list(request.audience),
            policy=policy.as_dict(),
            alarm_id=request.alarm_id,
            drill=request.drill,
            step=0,
            round=0,
            answered_units=[],
            due_at=now + policy.steps[0].after,
            ends_at=now + policy.valid_for,
        )
        self._open(alert)
        await self.ledger.put(
            alert, self._entry_row(alert, "raised", data={"who": request.who})
        )
        self._tell(alert, Progress.RAISED)
        if alert.state not in OPEN:
            return alert
        if policy.steps[0].after:
            self._clock.watch(alert)
        else:
            alert.due_at = None
            self._due(alert)
        return alert

    @callback
    def answer(
        self,
        alert: Alert,
        answer: Answer,
        delivery: Delivery | None,
        *,
        via: str,
        context: Context | None = None,
    ) -> None:
        """Take a person's answer. The same again changes nothing."""
        unit_id = delivery.unit_id if delivery else None
        if delivery:
            self.dispatcher.answered(delivery)
        self.ledger.put(
            alert, self._entry_row(alert, "answer", delivery, answer=answer, via=via)
        )
        self._tell(alert, Progress.ANSWERED, unit_id, answer, context)
        if answer is Answer.NEED_HELP:
            self._need_help(alert, unit_id, context)
            return
        policy = Policy.from_dict(alert.policy)
        if policy.each_unit and alert.unit_ids:
            if unit_id is None or answer not in _ACCOUNTED:
                return
            if unit_id not in alert.answered_units:
                alert.answered_units = [*alert.answered_units, unit_id]
                self.ledger.put(alert)
            if not set(alert.unit_ids) <= set(alert.answered_units):
                return
        self.acknowledge(alert, who=None, via=via, context=context)

    @callback
    def acknowledge(
        self,
        alert: Alert,
        *,
        who: str | None,
        via: str,
        context: Context | None = None,
    ) -> None:
        """End the escalation: a human has taken it."""
        if alert.state != AlertState.ACTIVE:
            return
        alert.state = AlertState.ACKNOWLEDGED
        alert.acknowledged_at = time.time()
        alert.due_at = alert.ends_at
        for delivery in self.dispatcher.of(alert):
            # Nobody has to be reached over yet another channel now.
            delivery.rest = []
        self.ledger.put(alert, self._entry_row(alert, "acknowledged", who=who, via=via))
        self._clock.watch(alert)
        self._tell(alert, Progress.ACKNOWLEDGED, context=context)

    @callback
    def cancel(self, alert: Alert, *, who: str | None) -> None:
        """End an alert: what is on its way is not sent any more."""
        self._close(alert, AlertState.CANCELLED, Progress.CANCELLED, who=who)

    # The clock

    @callback
    def _due(self, alert: Alert) -> None:
        if alert.state not in OPEN:
            return
        if time.time() >= alert.ends_at:
            was_active = alert.state == AlertState.ACTIVE
            self._close(
                alert,
                AlertState.ENDED,
                Progress.UNANSWERED if was_active else Progress.ENDED,
            )
        elif alert.state == AlertState.ACTIVE:
            self._entry.async_create_background_task(
                self.hass, self._async_step(alert), "rental_units step"
            )

    async def _async_step(self, alert: Alert) -> None:
        """Queue the deliveries of an alert's step, and set the time of the next."""
        policy = Policy.from_dict(alert.policy)
        number = alert.step
        if number >= len(policy.steps):
            alert.due_at = alert.ends_at
            self._clock.watch(alert)
            return
        step = policy.steps[number]
        try:
            people = await self._async_recipients(alert, step.audience)
        except TROUBLE as err:
            LOGGER.error("Recipients cannot be read: %s", type(err).__name__)
            people = None
        if alert.state != AlertState.ACTIVE or alert.step != number:
            return
        if people is None:
            alert.due_at = time.time() + RETRY_SECONDS
            self._clock.watch(alert)
            return
        channels = self.dispatcher.channels
        found, deliveries = plan(
            alert,
            step,
            people,
            channels,
            each_unit=policy.each_unit,
            robots=len(channels["robot"].options.get("robots", ())),
            speaking=[
                area_id
                for area_id in alert.area_ids
                if speakers(channels["announce"], area_id)
            ],
        )
        self._people.setdefault(alert.id, {}).update(found)
        new = [row for row in deliveries if row.id not in self.dispatcher.deliveries]
        round_ = alert.round
        self._advance(alert, policy)
        entry = self._entry_row(
            alert, "step", step=number, round=round_, deliveries=len(new)
        )
        await self.ledger.put(alert, entry, *new)
        if alert.state not in OPEN:
            return
        self.dispatcher.add(alert, new)
        self._clock.watch(alert)
        if number or round_:
            self._tell(alert, Progress.ESCALATED)

    @staticmethod
    def _advance(alert: Alert, policy: Policy) -> None:
        now = time.time()
        step = policy.steps[alert.step]
        if alert.round < step.repeat:
            alert.round += 1
            alert.due_at = now + step.every
            return
        alert.step += 1
        if alert.step < len(policy.steps):
            alert.round = 0
            alert.due_at = max(alert.created_at + policy.steps[alert.step].after, now)
        else:
            alert.due_at = alert.ends_at

    @callback
    def _need_help(
        self, alert: Alert, unit_id: str | None, context: Context | None
    ) -> None:
        """Escalate at once, also what somebody has taken already."""
        alert.state = AlertState.ACTIVE
        last = len(alert.policy["steps"]) - 1
        if alert.step > last:
            alert.step, alert.round = last, alert.round + 1
        alert.due_at = time.time()
        self.ledger.put(alert)
        self._clock.watch(alert)
        self._tell(alert, Progress.NEED_HELP, unit_id, Answer.NEED_HELP, context)

    # People

    async def _async_recipients(
        self, alert: Alert, audience: Iterable[str]
    ) -> list[Recipient]:
        names = list(audience) or alert.audiences
        return await self._register.async_recipients(
            alert.unit_ids, [Audience(name) for name in names]
        )

    async def _async_find(self, alert: Alert, address_id: str) -> Found | None:
        """Return who is behind an address; None if nobody is any more.

        After a restart all people of an alert are read once. Raises NotSentError while
        the register cannot be read.
        """
        if address_id.startswith((AREA, ROBOT)):
            return None, address_id.partition(":")[2]
        known = self._people.setdefault(alert.id, {})
        if address_id not in known:
            if alert.id not in self._readings:
                self._readings[alert.id] = self._entry.async_create_background_task(
                    self.hass, self._async_read(alert, known), "rental_units people"
                )
            try:
                await asyncio.shield(self._readings[alert.id])
            except TROUBLE as err:
                self._readings.pop(alert.id, None)
                raise NotSentError("register", RETRY_SECONDS) from err
        return known.get(address_id)

    async def async_language(self, alert: Alert, delivery: Delivery) -> str:
        """Return the language of who got a delivery."""
        try:
            found = await self._async_find(alert, delivery.address_id)
        except NotSentError:
            found = None
        person = found[0] if found else None
        return person.language if person else self.hass.config.language

    def unit_name(self, unit_id: str | None) -> str:
        """Return what a unit is called."""
        unit = self._register.units.get(unit_id or "")
        return unit.title if unit else ""

    async def _async_read(self, alert: Alert, known: dict[str, Found]) -> None:
        for person in await self._async_recipients(alert, list(Audience)):
            for address_id, found in ways_to(person).items():
                known.setdefault(address_id, found)

    # Rows and news

    @callback
    def _open(self, alert: Alert) -> None:
        self.alerts[alert.id] = alert
        if alert.severity != Severity.MESSAGE:
            self._active_units.update(alert.unit_ids)

    @callback
    def _close(
        self,
        alert: Alert,
        state: AlertState,
        progress: Progress,
        who: str | None = None,
    ) -> None:
        if alert.state not in OPEN:
            return
        alert.state = state
        alert.closed_at = time.time()
        alert.due_at = None
        self.dispatcher.close(alert, state.value)
        self.ledger.put(alert, self._entry_row(alert, progress.value, who=who))
        del self.alerts[alert.id]
        if alert.severity != Severity.MESSAGE:
            self._active_units.subtract(alert.unit_ids)
        self._people.pop(alert.id, None)
        self._readings.pop(alert.id, None)
        self._tell(alert, progress)

    def _entry_row(
        self, alert: Alert, kind: str, delivery: Delivery | None = None, **data: Any
    ) -> Entry:
        # Two lines of one moment stay in their order.
        self._last_at = max(time.time(), self._last_at + 1e-6)
        return Entry(
            id=ulid_now(),
            alert_id=alert.id,
            at=self._last_at,
            kind=kind,
            unit_id=delivery.unit_id if delivery else None,
            person_id=delivery.person_id if delivery else None,
            delivery_id=delivery.id if delivery else None,
            data=data.get("data", data),
        )

    @callback
    def _tell(
        self,
        alert: Alert,
        progress: Progress,
        unit_id: str | None = None,
        answer: Answer | None = None,
        context: Context | None = None,
    ) -> None:
        """Fire the event. It names no person: units and areas, and what was answered."""
        self.hass.bus.async_fire(
            EVENT_ALERT,
            {
                "type": progress.value,
                "entry_id": self._entry.entry_id,
                "alert_id": alert.id,
                "alarm_id": alert.alarm_id,
                "severity": alert.severity,
                "hazard": alert.hazard,
                "drill": alert.drill,
                "area_ids": alert.area_ids,
                "unit_id": unit_id,
                "answer": answer.value if answer else None,
                "step": alert.step,
            },
            context=context,
        )
        listeners = [*self._listeners]
        for concerned in alert.unit_ids:
            listeners += self._unit_listeners.get(concerned, ())
        for listener in listeners:
            listener(alert, progress, unit_id)

    @callback
    def _tell_failing(self, channel: str, failing: bool) -> None:
        issue_id = f"provider_failing_{self._entry.entry_id}_{channel}"
        if not failing:
            ir.async_delete_issue(self.hass, DOMAIN, issue_id)
            return
        ir.async_create_issue(
            self.hass,
            DOMAIN,
            issue_id,
            is_fixable=False,
            severity=ir.IssueSeverity.ERROR,
            translation_key="provider_failing",
            translation_placeholders={
                "property": self._entry.title,
                "channel": channel,
            },
        )

    async def async_purge(self, _now: datetime | None = None) -> None:
        """Drop alerts that closed too long ago."""
        before = time.time() - KEEP_SECONDS
        try:
            await self._register.async_run(partial(_purge, before=before))
        except TROUBLE as err:
            LOGGER.warning("Old alerts could not be dropped: %s", type(err).__name__)


def _read_open(session: Session) -> list[tuple[Alert, list[Delivery]]]:
    alerts = session.scalars(select(Alert).where(Alert.state.in_(OPEN))).all()
    found = []
    for alert in alerts:
        rows = session.scalars(
            select(Delivery).where(Delivery.alert_id == alert.id)
        ).all()
        found.append((alert, list(rows)))
    # From here on they are ours: the ledger writes them, and no session.
    session.expunge_all()
    return found


def _purge(session: Session, before: float) -> None:
    old = select(Alert.id).where(Alert.closed_at < before)
    for table in (Delivery, Entry):
        session.execute(delete(table).where(table.alert_id.in_(old)))
    session.execute(delete(Alert).where(Alert.closed_at < before))
