"""Deliveries on their way: one lane per provider, so that none delays another.

    queued → sending → sent → received → answered
       ↑________|        |
                failed, expired

`sending` is on disk before the attempt. Found there after a crash, a delivery of an
idempotent channel is made again with its key; any other counts as sent, unknown if it
was: nobody is called twice for one attempt, and the policy's next step calls anew.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable
import time
from typing import Any
import uuid

from homeassistant.core import HomeAssistant, callback

from ..const import LOGGER
from ..register import Address, Recipient, RegisterConfigEntry
from . import texts
from .channels.base import (
    Channel,
    Message,
    NotSentError,
    RefusedError,
    SendError,
    UnknownError,
)
from .clock import Clock
from .const import ACTION_PREFIX, BACKOFF, VALIDITY, DeliveryState as State, Severity
from .lanes import Lane
from .ledger import Ledger
from .links import Links
from .models import Alert, Delivery

#: A channel that cannot report is given this time before the next one of a turn.
NO_RECEIPT_SECONDS = 60.0
#: States in which the clock, a lane or a receipt may still change something.
LIVE = frozenset({State.QUEUED, State.SENDING, State.SENT})
_KEYS = uuid.UUID("5b3a6d0e-52a3-4d0a-8f0b-6f0d6f5f1c11")

#: Who is behind an address: nobody, where it is a place or a robot.
type Found = tuple[Recipient | None, Address | str]
type Finder = Callable[[Alert, str], Awaitable[Found | None]]


def key_of(alert_id: str, address_id: str, step: int, round_: int) -> str:
    """Return the id of a delivery, which is its idempotency key."""
    return uuid.uuid5(_KEYS, f"{alert_id}/{address_id}/{step}/{round_}").hex


class Dispatcher:
    """Takes deliveries through their states."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: RegisterConfigEntry,
        ledger: Ledger,
        links: Links,
        *,
        find: Finder,
        tell_failing: Callable[[str, bool], None],
    ) -> None:
        """Initialize; `find` returns who is behind an address of an alert."""
        self._hass = hass
        self._entry = entry
        self._ledger = ledger
        self._links = links
        self._find = find
        self._tell_failing = tell_failing
        self.channels: dict[str, Channel] = {}
        self._lanes: dict[str, Lane] = {}
        self._clock = Clock[Any](hass, self._due)
        #: Deliveries of open alerts by id, and their alerts.
        self.deliveries: dict[str, Delivery] = {}
        self.alerts: dict[str, Alert] = {}
        #: Title and text of an alert by language.
        self._written: dict[str, dict[str, tuple[str, str]]] = {}
        self._of: defaultdict[str, list[Delivery]] = defaultdict(list)

    @callback
    def use(self, channels: dict[str, Channel]) -> None:
        """Take these channels; what waits goes on with them."""
        self.channels = channels
        self._lanes = {
            name: Lane(channel.concurrency, channel.per_second, time.time)
            for name, channel in channels.items()
        }
        for delivery in self.deliveries.values():
            if delivery.state == State.QUEUED:
                self._submit(delivery)

    @callback
    def stop(self) -> None:
        """Look at nothing any more."""
        self._clock.stop()

    def restore(self, alert: Alert, deliveries: list[Delivery]) -> None:
        """Take up what an earlier run has left."""
        self.alerts[alert.id] = alert
        for delivery in deliveries:
            self._know(delivery)
            if delivery.state == State.SENDING:
                channel = self.channels.get(delivery.channel)
                if channel is None or channel.idempotent:
                    delivery.state = State.QUEUED
                    delivery.due_at = None
                else:
                    self._sent(delivery, channel, None, "unknown")
                self._ledger.put(delivery)
            if delivery.state == State.QUEUED and not delivery.due_at:
                self._submit(delivery)
            else:
                self._clock.watch(delivery)

    @callback
    def add(self, alert: Alert, deliveries: list[Delivery]) -> None:
        """Begin deliveries that are in the ledger."""
        self.alerts[alert.id] = alert
        touched = set()
        for delivery in deliveries:
            self._know(delivery)
            if delivery.due_at:
                self._clock.watch(delivery)
            elif lane := self._lanes.get(delivery.channel):
                lane.push(delivery, Severity(alert.severity))
                touched.add(delivery.channel)
        for name in touched:
            self._pump(name)

    @callback
    def close(self, alert: Alert, reason: str) -> None:
        """End what is on its way for an alert, and forget it."""
        for delivery in self.of(alert):
            if delivery.state in (State.QUEUED, State.SENDING):
                self._end(delivery, State.EXPIRED, reason)
            delivery.due_at = None
            del self.deliveries[delivery.id]
        self.alerts.pop(alert.id, None)
        self._of.pop(alert.id, None)
        self._written.pop(alert.id, None)

    def of(self, alert: Alert) -> list[Delivery]:
        """Return the deliveries of an open alert."""
        return list(self._of.get(alert.id, ()))

    def _know(self, delivery: Delivery) -> None:
        self.deliveries[delivery.id] = delivery
        self._of[delivery.alert_id].append(delivery)

    @callback
    def received(self, delivery: Delivery) -> None:
        """Note that a delivery has arrived."""
        if delivery.state in (State.SENDING, State.SENT, State.FAILED):
            delivery.state = State.RECEIVED
            delivery.due_at = None
            self._ledger.put(delivery)

    @callback
    def answered(self, delivery: Delivery) -> None:
        """Note that a delivery was answered."""
        delivery.state = State.ANSWERED
        delivery.due_at = None
        self._ledger.put(delivery)

    @callback
    def lost(self, delivery: Delivery, reason: str) -> None:
        """Note that the provider could not deliver what it had taken."""
        if delivery.state in (State.SENDING, State.SENT):
            self._end(delivery, State.FAILED, reason)

    # The clock and the lanes

    @callback
    def _due(self, item: Delivery | Lane) -> None:
        if isinstance(item, Lane):
            for name, lane in self._lanes.items():
                if lane is item:
                    self._pump(name)
        elif item.state == State.QUEUED:
            self._submit(item)
        elif item.state == State.SENT:
            self._no_receipt(item)

    def _submit(self, delivery: Delivery) -> None:
        lane = self._lanes.get(delivery.channel)
        alert = self.alerts.get(delivery.alert_id)
        if lane and alert:
            lane.push(delivery, Severity(alert.severity))
            self._pump(delivery.channel)

    def _pump(self, name: str) -> None:
        lane, channel = self._lanes[name], self.channels[name]
        while delivery := lane.pop():
            if delivery.state != State.QUEUED or delivery.id not in self.deliveries:
                lane.active -= 1
                continue
            delivery.state = State.SENDING
            # Cancelled with the entry: it is found in `sending` then, as after a crash.
            self._entry.async_create_background_task(
                self._hass,
                self._async_attempt(name, lane, channel, delivery),
                "rental_units delivery",
                eager_start=False,
            )
        self._clock.watch(lane)

    async def _async_attempt(
        self, name: str, lane: Lane, channel: Channel, delivery: Delivery
    ) -> None:
        error: SendError | None = None
        reference = None
        try:
            alert = self.alerts[delivery.alert_id]
            if time.time() >= delivery.expires_at:
                self._end(delivery, State.EXPIRED, "too_late")
                return
            delivery.attempts += 1
            await self._ledger.put(delivery)
            message = self._message(
                alert, delivery, channel, await self._find(alert, delivery.address_id)
            )
            if delivery.state != State.SENDING:
                # Cancelled while it was written down.
                return
            try:
                reference = await channel.async_send(message)
            except SendError as err:
                error = err
            except Exception as err:  # noqa: BLE001
                # Whatever it is, and without its text: that may hold a number.
                LOGGER.error("The channel %s failed: %s", name, type(err).__name__)
                error = UnknownError("error")
            self._note(name, lane, error)
            self._settle(delivery, channel, message, reference, error)
        except RefusedError as err:
            self._end(delivery, State.FAILED, err.reason)
        except NotSentError as err:
            self._again(delivery, err)
        finally:
            lane.active -= 1
            if self._lanes.get(name) is lane:
                self._pump(name)

    def _settle(
        self,
        delivery: Delivery,
        channel: Channel,
        message: Message,
        reference: str | None,
        error: SendError | None,
    ) -> None:
        """Write down what came of an attempt. A receipt may have been faster."""
        if delivery.state != State.SENDING:
            delivery.reference = reference
            delivery.sent_at = delivery.sent_at or time.time()
            self._ledger.put(delivery)
        elif isinstance(error, RefusedError):
            self._end(delivery, State.FAILED, error.reason)
        elif error and (isinstance(error, NotSentError) or channel.idempotent):
            self._again(delivery, error)
        else:
            self._sent(
                delivery, channel, reference, "unknown" if error else None, message
            )

    def _sent(
        self,
        delivery: Delivery,
        channel: Channel,
        reference: str | None,
        reason: str | None,
        message: Message | None = None,
    ) -> None:
        now = time.time()
        delivery.state = State.SENT
        delivery.sent_at = now
        delivery.reference = reference
        delivery.reason = reason
        wait = None
        if message is None or channel.gives_receipt(message):
            wait = channel.receipt_seconds
        if wait is None and delivery.rest:
            wait = NO_RECEIPT_SECONDS
        delivery.due_at = None if wait is None else now + wait
        self._ledger.put(delivery)
        self._clock.watch(delivery)

    def _again(self, delivery: Delivery, error: SendError) -> None:
        """Queue another try, unless the message will not be worth it any more."""
        pause = BACKOFF[min(delivery.attempts, len(BACKOFF)) - 1]
        if isinstance(error, NotSentError) and error.after is not None:
            pause = max(pause, error.after)
        due_at = time.time() + pause
        if due_at >= delivery.expires_at:
            self._end(delivery, State.FAILED, error.reason)
            return
        delivery.state = State.QUEUED
        delivery.reason = error.reason
        delivery.due_at = due_at
        self._ledger.put(delivery)
        self._clock.watch(delivery)
        # The provider may be down for long: the next channel does not wait for it.
        if delivery.attempts == 3:
            self._next(delivery)

    def _no_receipt(self, delivery: Delivery) -> None:
        channel = self.channels.get(delivery.channel)
        if channel and channel.receipt_seconds is not None:
            self._end(delivery, State.FAILED, delivery.reason or "no_receipt")
        else:
            self._next(delivery)

    def _end(self, delivery: Delivery, state: State, reason: str) -> None:
        delivery.state = state
        delivery.reason = reason
        delivery.due_at = None
        self._ledger.put(delivery)
        if state is State.FAILED:
            self._next(delivery)

    def _next(self, delivery: Delivery) -> None:
        """Start the next channel of a turn."""
        alert = self.alerts.get(delivery.alert_id)
        if not delivery.rest or alert is None:
            return
        (name, address_id), *rest = (item.split("/", 1) for item in delivery.rest)
        delivery.rest = []
        now = time.time()
        following = Delivery(
            id=key_of(alert.id, address_id, delivery.step, delivery.round),
            alert_id=alert.id,
            address_id=address_id,
            person_id=delivery.person_id,
            unit_id=delivery.unit_id,
            role=delivery.role,
            channel=name,
            step=delivery.step,
            round=delivery.round,
            state=State.QUEUED,
            attempts=0,
            rest=["/".join(item) for item in rest],
            created_at=now,
            expires_at=now + VALIDITY[Severity(alert.severity)],
        )
        self._ledger.put(delivery, following)
        self.add(alert, [following])

    def _note(self, name: str, lane: Lane, error: SendError | None) -> None:
        """Count failures of a provider in a row; a bad address is none of them."""
        was_failing = lane.is_failing
        if error is None:
            lane.failures = 0
        elif not isinstance(error, RefusedError):
            lane.failures += 1
        if lane.is_failing != was_failing:
            self._tell_failing(name, lane.is_failing)

    def _message(
        self,
        alert: Alert,
        delivery: Delivery,
        channel: Channel,
        found: Found | None,
    ) -> Message:
        """Return what is sent. Raises RefusedError when nobody is behind the address."""
        if found is None:
            raise RefusedError("address_gone")
        recipient, address = found
        language = recipient.language if recipient else self._hass.config.language
        to_person = recipient is not None
        written = self._written.setdefault(alert.id, {})
        if language not in written:
            written[language] = (
                texts.title(alert, language),
                texts.body(alert, language),
            )
        title, text = written[language]
        return Message(
            delivery_id=delivery.id,
            alert_id=alert.id,
            alarm_id=alert.alarm_id,
            severity=Severity(alert.severity),
            hazard=alert.hazard,
            drill=alert.drill,
            language=language,
            title=title,
            text=text,
            place=alert.place,
            step=delivery.step,
            round=delivery.round,
            to=address if isinstance(address, str) else address.target,
            link=self._links.answer_url(alert, delivery) if to_person else "",
            callback=self._links.callback_url(alert, delivery)
            if to_person and channel.wants_callback
            else "",
            buttons=tuple(
                (f"{ACTION_PREFIX}_{delivery.id}_{answer}", answer, title)
                for answer, title in texts.buttons(language)
            ),
        )
