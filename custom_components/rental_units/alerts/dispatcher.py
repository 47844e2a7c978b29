"""Deliveries on their way: one lane per provider, so that none delays another."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from itertools import batched
import time
from typing import override

from homeassistant.core import HomeAssistant, callback
from homeassistant.util import dt as dt_util

from ..const import LOGGER
from ..register import RegisterConfigEntry
from .channels.base import (
    Channel,
    NotSentError,
    NumberLimitError,
    RefusedError,
    SendError,
    UnknownError,
    WrongNumberError,
)
from .const import About, DeliveryState as State
from .lanes import Lane
from .ledger import Ledger
from .messages import Composer
from .models import Alert, Delivery, severity_of
from .people import Found
from .planning import quiet_until
from .states import NO_KEY, NO_RECEIPT, Deliveries
from .timebase import Timebase

#: Seconds in which a provider may still have a call in its queue, and how many are taken
#: back at the same time.
RECALL_SECONDS = 3600.0
RECALLS = 8

type Finder = Callable[[Alert, str], Awaitable[Found | None]]


class Dispatcher(Deliveries):
    """Takes deliveries to their providers."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: RegisterConfigEntry,
        ledger: Ledger,
        composer: Composer,
        *,
        token: Callable[[Delivery, str], str],
        find: Finder,
        tell_failing: Callable[[str, bool], None],
        tell_alive: Callable[[str], None],
        tell_wrong: Callable[[str, str, str], None],
        timebase: Timebase,
    ) -> None:
        """Initialize; `find` returns who is behind an address of an alert.

        `tell_wrong` is called with an address's id, its number, which there is not, and why.
        """
        super().__init__(hass, ledger, token, timebase.now)
        self._timebase = timebase
        self._hass = hass
        self._entry = entry
        self.composer = composer
        self._find = find
        self._tell_failing = tell_failing
        self._tell_alive = tell_alive
        self._tell_wrong = tell_wrong
        #: Channels that would send nothing, as far as is known without a message.
        self.suspects: set[str] = set()
        self._lanes: dict[str, Lane] = {}
        self._attempts: set[asyncio.Task[None]] = set()
        #: Until when the carrier takes nothing for a number, by channel and number.
        self._resting: dict[tuple[str, str], float] = {}

    @callback
    def use(self, channels: dict[str, Channel]) -> None:
        """Take these channels; what waits goes on with them."""
        self.channels = channels
        self._lanes = {
            name: Lane(channel.concurrency, channel.per_second, self._now)
            for name, channel in channels.items()
        }
        for delivery in self.deliveries.values():
            # What has a time waits for it: for a try, or for the end of quiet hours.
            if delivery.state == State.QUEUED and not delivery.due_at:
                self._submit(delivery)

    async def async_stop(self) -> None:
        """Begin nothing any more; what a provider has already counts as after a crash."""
        self.clock.stop()
        self._lanes = {}
        for task in self._attempts:
            task.cancel()
        if self._attempts:
            await asyncio.wait(self._attempts)

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
            if delivery.state == State.QUEUED and delivery.channel not in self.channels:
                # It was taken away meanwhile: the next of the turn follows.
                self._end(delivery, State.FAILED, "no_channel")
            elif delivery.state == State.QUEUED and not delivery.due_at:
                self._submit(delivery)
            else:
                self.clock.watch(delivery)

    @override
    @callback
    def add(self, alert: Alert, deliveries: list[Delivery]) -> None:
        """Begin deliveries that are in the ledger."""
        self.alerts[alert.id] = alert
        touched = set()
        for delivery in deliveries:
            if delivery.id in self.deliveries:
                continue
            if delivery.state == State.QUEUED:
                self._supersede(delivery)
            self._know(delivery)
            if delivery.due_at:
                self.clock.watch(delivery)
            elif self._push(delivery):
                touched.add(delivery.channel)
        for name in touched:
            self._pump(name)

    @callback
    def close(self, alert: Alert, reason: str) -> None:
        """End what is on its way for an alert, and forget it."""
        self.halt(alert, reason)
        for delivery in self.of(alert):
            delivery.due_at = None
            self._forget(delivery)
        self.alerts.pop(alert.id, None)
        self._of.pop(alert.id, None)
        self._of_person.pop(alert.id, None)
        self.clock.sweep()
        self.composer.forget(alert)

    @callback
    def halt(self, alert: Alert, reason: str) -> None:
        """End what is on its way for an alert, and what would follow it."""
        self._recall(alert)
        for delivery in self.of(alert):
            if delivery.rest:
                delivery.rest = []
                self._ledger.put(delivery)
            if delivery.state in (State.QUEUED, State.SENDING):
                self._end(delivery, State.EXPIRED, reason)

    def _recall(self, alert: Alert) -> None:
        """Take back what providers have queued of an alert: it would be false by then."""
        held = [
            (channel, row.reference)
            for row in self.of(alert)
            if row.reference
            and (channel := self.channels.get(row.channel))
            and channel.can_recall
            # Its provider has said nothing of it since it took it.
            and (row.state == State.SENT or row.reason == NO_RECEIPT)
            and row.reason != NO_KEY
            and time.time() - (row.sent_at or 0.0) < RECALL_SECONDS
        ]
        if held:
            self._entry.async_create_background_task(
                self._hass, _async_recall(held), "rental_units recall"
            )

    @callback
    def drop(
        self, alert: Alert, person_ids: Collection[str | None], reason: str
    ) -> None:
        """End what is on its way to these people, and what would follow it."""
        for delivery in self.of(alert):
            if delivery.person_id not in person_ids:
                continue
            delivery.rest = []
            if delivery.state in (State.QUEUED, State.SENDING, State.SENT):
                self._end(delivery, State.EXPIRED, reason)

    @callback
    def rewrite(self, alert: Alert) -> None:
        """Write what is yet to be sent of an alert anew."""
        self.composer.forget(alert)

    # The clock and the lanes

    @override
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

    def _push(self, delivery: Delivery) -> bool:
        """Let a delivery wait in its lane; False if there is none, or no alert any more."""
        lane = self._lanes.get(delivery.channel)
        alert = self.alerts.get(delivery.alert_id)
        if lane and alert:
            severity = severity_of(alert, delivery)
            lane.push(delivery, severity, is_drill=alert.drill)
        return bool(lane and alert)

    def _submit(self, delivery: Delivery) -> None:
        if self._push(delivery):
            self._pump(delivery.channel)

    def _pump(self, name: str) -> None:
        lane, channel = self._lanes[name], self.channels[name]
        while delivery := lane.pop():
            if delivery.state != State.QUEUED or delivery.id not in self.deliveries:
                lane.active -= 1
                continue
            delivery.state = State.SENDING
            # Cancelled with the entry. In a provider's hands it stays `sending`, as after a crash.
            task = self._entry.async_create_background_task(
                self._hass,
                self._async_attempt(name, lane, channel, delivery),
                "rental_units delivery",
                eager_start=False,
            )
            self._attempts.add(task)
            task.add_done_callback(self._attempts.discard)
        self.clock.watch(lane)

    async def _async_attempt(
        self, name: str, lane: Lane, channel: Channel, delivery: Delivery
    ) -> None:
        error: SendError | None = None
        reference = None
        is_under_way = False
        try:
            alert = self.alerts.get(delivery.alert_id)
            if alert is None or delivery.state != State.SENDING:
                # Cancelled before it began.
                return
            if self._now() >= delivery.expires_at:
                self._end(delivery, State.EXPIRED, "too_late")
                # Nobody was told by it: where the alert is open still, the next one may.
                self._next(delivery)
                return
            found = await self._find(alert, delivery.address_id)
            message = self.composer.message(alert, delivery, channel, found)
            if self._must_wait(alert, delivery, found):
                lane.give_back()
                return
            self._check_rest(name, message.to)
            delivery.attempts += 1
            await self._ledger.put(delivery)
            if delivery.state != State.SENDING:
                # Cancelled while it was written down.
                return
            is_under_way = True
            try:
                reference = await channel.async_send(message)
            except SendError as err:
                error = err
            except Exception as err:  # noqa: BLE001
                # Whatever it is, and without its text: that may hold a number.
                LOGGER.error("The channel %s failed: %s", name, type(err).__name__)
                error = UnknownError("error")
            self._note(name, lane, error, message.to)
            if isinstance(error, WrongNumberError) and not lane.is_failing:
                self._tell_wrong(delivery.address_id, message.to, error.reason)
            self._settle(delivery, channel, message, reference, error)
        except RefusedError as err:
            self._end(delivery, State.FAILED, err.reason)
        except NotSentError as err:
            lane.give_back()
            self._again(delivery, err)
        except Exception as err:
            if is_under_way:
                raise
            LOGGER.error("A delivery could not be prepared: %s", type(err).__name__)
            self._again(delivery, NotSentError("error"))
        finally:
            if delivery.state == State.SENDING and not is_under_way:
                # Cancelled by a stop while it was written down: the next start sends it.
                delivery.state = State.QUEUED
                self._ledger.put(delivery)
            lane.active -= 1
            if self._lanes.get(name) is lane:
                self._pump(name)

    def _must_wait(self, alert: Alert, delivery: Delivery, found: Found | None) -> bool:
        """Return True, and let it wait, if its address is in its quiet hours now.

        Whatever has led to an attempt: a step, the turn of a channel, one more try.
        """
        address = found[1] if found else ""
        if isinstance(address, str) or alert.about != About.PLACE:
            # Who is to be found is not left until the morning.
            return False
        severity = severity_of(alert, delivery)
        if not (until := quiet_until(severity, alert.hazard, address, dt_util.now())):
            return False
        delivery.state = State.QUEUED
        delivery.due_at = self._timebase.from_wall(until)
        delivery.expires_at += delivery.due_at - self._now()
        self._ledger.put(delivery)
        self.clock.watch(delivery)
        return True

    def _check_rest(self, name: str, to: str) -> None:
        """Raise NumberLimitError for a number that its carrier takes nothing for now."""
        if (wait := self._resting.get((name, to), 0.0) - self._now()) > 0:
            raise NumberLimitError(wait)
        self._resting.pop((name, to), None)

    def _note(self, name: str, lane: Lane, error: SendError | None, to: str) -> None:
        """Count failures of a provider in a row; what is an address's own is none of them.

        Unless each has it: then it is the provider that takes nothing.
        """
        was_failing = lane.is_failing
        if isinstance(error, NumberLimitError):
            self._resting[name, to] = self._now() + error.after
        elif error is None:
            lane.failures = 0
            lane.refused.clear()
            if name in self.suspects:
                self._tell_alive(name)
        elif isinstance(error, RefusedError):
            lane.refused.add(to)
        else:
            lane.failures += 1
        if lane.is_failing != was_failing:
            self._tell_failing(name, lane.is_failing)


async def _async_recall(held: list[tuple[Channel, str]]) -> None:
    """Take back what providers have queued; what they have begun goes on."""
    for rows in batched(held, RECALLS, strict=False):
        recalls = (channel.async_recall(reference) for channel, reference in rows)
        for error in await asyncio.gather(*recalls, return_exceptions=True):
            if error:
                LOGGER.debug("A call was not taken back: %s", type(error).__name__)
