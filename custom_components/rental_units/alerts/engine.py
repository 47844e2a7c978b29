"""The alerts of one property: raised, escalated step by step, answered, ended.

Everything that is to happen is a row with a time; one clock walks the rows. After a
restart they are read, and the clock goes on.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
import time
from typing import Any

from sqlalchemy.orm import Session

from homeassistant.core import Context, HomeAssistant, callback
from homeassistant.util.ulid import ulid_now

from ..const import LOGGER
from ..register import Audience, Register, RegisterConfigEntry
from ..storage.events import DomainEvent, Kind
from .channels import build
from .clock import Clock
from .const import OPEN, AlertState, Answer, Progress, Severity
from .dispatcher import Dispatcher
from .escalation import STALE_SECONDS, Escalation
from .history import purge, read_open
from .ledger import TROUBLE, Ledger
from .links import Links
from .messages import Composer
from .models import Alert, Delivery, Entry
from .news import News
from .people import People
from .policies import Policy, policy_of
from .unwritten import Unwritten

KEEP_SECONDS = 400 * 86_400
#: Answers by which a unit has shown that its people are accounted for.
_ACCOUNTED = frozenset({Answer.SAFE, Answer.FALSE_ALARM})
#: Two alerts about one alarm that agree in these are one.
_SAME = (
    *("alarm_id", "severity", "hazard", "message", "drill"),
    *("unit_ids", "area_ids", "audiences", "policy"),
)


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
        self.news = News(hass, entry)
        self.ledger = Ledger(
            hass,
            register.async_run,
            Unwritten(hass, entry.entry_id),
            self.news.tell_unwritable,
        )
        self.links = Links(hass, entry.entry_id)
        self.people = People(hass, entry, register)
        self.dispatcher = Dispatcher(
            hass,
            entry,
            self.ledger,
            Composer(hass, self.links),
            token=self.links.token,
            find=self.people.async_find,
            tell_failing=self.news.tell_failing,
        )
        self.clock = Clock[Alert](hass, self._due)
        self.escalation = Escalation(self, entry)
        #: Open alerts by id.
        self.alerts: dict[str, Alert] = {}
        self._active_units: Counter[str] = Counter()
        self._channel_options: Any = None
        self._last_at = 0.0

    async def async_start(self) -> None:
        """Take up what an earlier run has left. Raises RegisterError."""
        await self.links.async_load()
        await self.ledger.async_open()
        self.configure()
        for alert, deliveries in await self._register.async_run(read_open):
            self._open(alert)
            self.dispatcher.restore(alert, deliveries)
            if alert.due_at is None:
                # It was about to be looked at.
                alert.due_at = time.time()
            self.clock.watch(alert)

    async def async_stop(self) -> None:
        """Stop the clock and write what is not written."""
        self.clock.stop()
        await self.dispatcher.async_stop()
        await self.ledger.async_close()
        self.news.tell_unwritable(None)

    @callback
    def configure(self) -> None:
        """Take the channels from the options, if they have changed."""
        options = self._entry.options.get("channels")
        if self.dispatcher.channels and options == self._channel_options:
            return
        self._channel_options = options
        self.dispatcher.use(build(self.hass, self._entry.options))

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
        alert = self.alerts.get(delivery.alert_id) if delivery else None
        if delivery is None or alert is None or time.time() >= alert.ends_at:
            return None
        return alert, delivery

    def is_active(self, unit_id: str) -> bool:
        """Return if an alert about a unit is open."""
        return self._active_units[unit_id] > 0

    # What people and automations ask for

    def policy(self, request: Request) -> Policy:
        """Return the policy of what is asked for. Raises KeyError for an unknown one."""
        return policy_of(self._entry.options, request.severity, request.policy)

    async def async_raise(self, request: Request) -> Alert:
        """Write an alert down and begin it. Raises KeyError for an unknown policy.

        The same about the same alarm, which is open still, is the alert that there is: a
        restart right after an alarm has it announced once more.
        """
        policy = self.policy(request)
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
        if alert.alarm_id:
            for other in self.alerts.values():
                if all(getattr(other, key) == getattr(alert, key) for key in _SAME):
                    return other
        self._open(alert)
        await self.ledger.put(
            alert, self.line(alert, "raised", data={"who": request.who})
        )
        self.news.tell(alert, Progress.RAISED)
        if alert.state not in OPEN:
            return alert
        if policy.steps[0].after:
            self.clock.watch(alert)
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
        """Take a person's answer: the first that accounts for all ends the escalation."""
        unit_id = delivery.unit_id if delivery else None
        if delivery:
            self.dispatcher.answered(delivery)
        self.ledger.put(
            alert, self.line(alert, "answer", delivery, answer=answer, via=via)
        )
        self.news.tell(alert, Progress.ANSWERED, unit_id, answer, context)
        if answer is Answer.NEED_HELP:
            self.escalation.need_help(alert, unit_id, context)
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
        self.ledger.put(alert, self.line(alert, "acknowledged", who=who, via=via))
        self.clock.watch(alert)
        self.news.tell(alert, Progress.ACKNOWLEDGED, context=context)

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
        try:
            await self.escalation.async_step(alert)
        except Exception as err:  # noqa: BLE001
            # Whatever it is, the alert goes on; without its text: that may hold a name.
            LOGGER.error("A step of an alert failed: %s", type(err).__name__)
            if alert.state == AlertState.ACTIVE:
                alert.due_at = time.time() + STALE_SECONDS
                self.clock.watch(alert)

    async def async_language(self, alert: Alert, delivery: Delivery) -> str:
        """Return the language of who got a delivery."""
        return await self.people.async_language(alert, delivery)

    def unit_name(self, unit_id: str | None) -> str:
        """Return what a unit is called."""
        unit = self._register.units.get(unit_id or "")
        return unit.title if unit else ""

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
        self.ledger.put(alert, self.line(alert, progress.value, who=who))
        del self.alerts[alert.id]
        if alert.severity != Severity.MESSAGE:
            self._active_units.subtract(alert.unit_ids)
        self.people.forget(alert)
        self.escalation.forget(alert)
        self.news.tell(alert, progress)

    def line(
        self, alert: Alert, kind: str, delivery: Delivery | None = None, **data: Any
    ) -> Entry:
        """Return a line for an alert's timeline."""
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

    async def async_hear(self, events: Sequence[DomainEvent]) -> None:
        """Forget who was erased: what is queued for them is not sent."""
        erased = {row.person_id for row in events if row.kind == Kind.PERSON_ERASED}
        for alert in list(self.alerts.values()):
            self.people.drop(alert, erased)
            self.dispatcher.drop(alert, erased, "erased")

    async def async_purge(self, _now: datetime | None = None) -> None:
        """Drop alerts that closed too long ago."""
        before = time.time() - KEEP_SECONDS
        try:
            await self._register.async_run(partial(purge, before=before))
        except TROUBLE as err:
            LOGGER.warning("Old alerts could not be dropped: %s", type(err).__name__)
