"""The states of a delivery, and what leads from one to the next.

    queued → sending → sent → received → answered
       ↑________|        |
                failed, expired

`sending` is on disk before the attempt. Found there after a crash, a delivery of an
idempotent channel is made again with its key; any other counts as sent, unknown if it
was: nobody is called twice for one attempt, and the policy's next step calls anew.
"""

from abc import ABC, abstractmethod
from collections import OrderedDict, defaultdict
from collections.abc import Callable
import time
from typing import Any

from homeassistant.core import HomeAssistant, callback

from .channels.base import (
    Channel,
    Message,
    NotSentError,
    NumberLimitError,
    RefusedError,
    SendError,
)
from .clock import Clock
from .const import BACKOFF, HELP_STEP, VALIDITY, Answer, DeliveryState as State
from .ledger import Ledger
from .models import Alert, Delivery, key_of, severity_of

#: A channel that cannot report is given this time before the next one of a turn.
NO_RECEIPT_SECONDS = 60.0
#: Links that are over and still known as ours.
MOST_ENDED = 20_000
#: Why nothing is known of what a provider has taken.
NO_RECEIPT = "no_receipt"
#: Why a call that was taken has reached nobody for certain.
NO_KEY = "no_key"
#: The key comes in a report of its own, which may be later than that of the call's end.
KEY_SECONDS = 2.0
#: Tries in vain after which the next channel of a turn does not wait any longer.
TRIES = 3
#: Why a delivery has ended of which another one says the same, and later.
SUPERSEDED = "superseded"


class Deliveries(ABC):
    """The deliveries of the open alerts. Each change of a state is in the ledger."""

    def __init__(
        self,
        hass: HomeAssistant,
        ledger: Ledger,
        token: Callable[[Delivery, str], str],
        now: Callable[[], float],
    ) -> None:
        """Initialize; `token` returns what stands for a delivery in its link."""
        self._ledger = ledger
        self._token = token
        self._now = now
        self.clock = Clock[Any](hass, self._due, now)
        self.channels: dict[str, Channel] = {}
        #: Deliveries of open alerts by id, and their alerts.
        self.deliveries: dict[str, Delivery] = {}
        self.alerts: dict[str, Alert] = {}
        #: The same deliveries by their tokens.
        self.by_token: dict[str, Delivery] = {}
        #: Those of the app by the tokens of their buttons and receipts, and the last links that have ended.
        self.by_button: dict[str, Delivery] = {}
        self.by_receipt: dict[str, Delivery] = {}
        self.ended: OrderedDict[str, None] = OrderedDict()
        self._of: defaultdict[str, list[Delivery]] = defaultdict(list)
        #: The same by the person whom they are for: an alert of a compound has thousands.
        self._of_person: defaultdict[str, defaultdict[str | None, list[Delivery]]] = (
            defaultdict(lambda: defaultdict(list))
        )
        #: The last that was queued of each alert for an address, apart from calls for help.
        self._last: dict[tuple[str, str, bool], Delivery] = {}

    @abstractmethod
    def add(self, alert: Alert, deliveries: list[Delivery]) -> None:
        """Begin deliveries that are in the ledger."""

    @abstractmethod
    def _due(self, item: Any) -> None:
        """Look at what is due."""

    def of(self, alert: Alert) -> list[Delivery]:
        """Return the deliveries of an open alert."""
        return list(self._of.get(alert.id, ()))

    def of_person(self, alert: Alert, person_id: str) -> list[Delivery]:
        """Return those of one person."""
        found = self._of_person.get(alert.id)
        return list(found.get(person_id, ())) if found else []

    def _supersede(self, delivery: Delivery) -> None:
        """Let a new delivery stand for one that still waits for the same address.

        It takes its place in the queue: else whoever waits would wait behind those who
        have heard already, round by round.
        """
        before = self._last.get(_subject(delivery))
        if before is None or before.state != State.QUEUED:
            return
        # Of the two it is the later one all the same.
        delivery.created_at = min(delivery.created_at, before.created_at + 0.001)
        was_tried, rest = before.attempts > 0, before.rest
        before.rest = []
        self._end(before, State.EXPIRED, SUPERSEDED)
        if was_tried and rest:
            # A whole round in vain: the next channel of the turn does not wait for another.
            self._next(delivery)

    def _know(self, delivery: Delivery) -> None:
        self.deliveries[delivery.id] = delivery
        if delivery.state == State.QUEUED:
            self._last[_subject(delivery)] = delivery
        self.by_token[self._token(delivery, "answer")] = delivery
        if delivery.channel == "push":
            self.by_button[self._token(delivery, "button")] = delivery
            self.by_receipt[self._token(delivery, "receipt")] = delivery
        self._of[delivery.alert_id].append(delivery)
        self._of_person[delivery.alert_id][delivery.person_id].append(delivery)

    def _forget(self, delivery: Delivery) -> None:
        token = self._token(delivery, "answer")
        self._last.pop(_subject(delivery), None)
        del self.deliveries[delivery.id], self.by_token[token]
        self.by_button.pop(self._token(delivery, "button"), None)
        self.by_receipt.pop(self._token(delivery, "receipt"), None)
        self.ended[token] = None
        while len(self.ended) > MOST_ENDED:
            self.ended.popitem(last=False)

    @callback
    def received(self, delivery: Delivery) -> None:
        """Note that a delivery has arrived."""
        if delivery.state in (State.SENDING, State.SENT, State.FAILED):
            delivery.state = State.RECEIVED
            delivery.due_at = None
            self._ledger.put(delivery)

    @callback
    def picked_up(self, delivery: Delivery, *, is_over: bool) -> None:
        """Note that a call was taken, by a person or by a mailbox: only a key tells which.

        Without one the next channel of a turn begins soon after the call is over.
        """
        if delivery.state in (State.SENDING, State.SENT):
            delivery.state = State.SENT
            delivery.sent_at = delivery.sent_at or time.time()
            delivery.reason = NO_KEY
            if is_over:
                delivery.due_at = self._now() + KEY_SECONDS
            self._ledger.put(delivery)
            self.clock.watch(delivery)

    @callback
    def answered(self, delivery: Delivery, answer: Answer, via: str) -> None:
        """Note what was answered to a delivery, and by what."""
        delivery.state = State.ANSWERED
        delivery.answer = answer
        delivery.answered_at = time.time()
        delivery.via = via
        delivery.due_at = None
        self._ledger.put(delivery)

    @callback
    def lost(self, delivery: Delivery, reason: str) -> None:
        """Note that the provider could not deliver what it had taken."""
        if delivery.state in (State.SENDING, State.SENT):
            self._end(delivery, State.FAILED, reason)

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
        delivery.state = State.SENT
        delivery.sent_at = time.time()
        delivery.reference = reference
        delivery.reason = reason
        wait = None
        if message is None or channel.gives_receipt(message):
            wait = channel.receipt_seconds
        if wait is None and delivery.rest:
            wait = NO_RECEIPT_SECONDS
        delivery.due_at = None if wait is None else self._now() + wait
        self._ledger.put(delivery)
        self.clock.watch(delivery)

    def _again(self, delivery: Delivery, error: SendError) -> None:
        """Queue another try, unless the message will not be worth it any more."""
        if self._last.get(_subject(delivery), delivery) is not delivery:
            # While it was tried, the next round began.
            self._end(delivery, State.EXPIRED, SUPERSEDED)
            return
        pause = BACKOFF[min(max(delivery.attempts, 1), len(BACKOFF)) - 1]
        if isinstance(error, NotSentError) and error.after is not None:
            pause = max(pause, error.after)
        due_at = self._now() + pause
        if due_at >= delivery.expires_at:
            self._end(delivery, State.FAILED, error.reason)
            return
        delivery.state = State.QUEUED
        delivery.reason = error.reason
        delivery.due_at = due_at
        self._ledger.put(delivery)
        self.clock.watch(delivery)
        # The provider may be down for long, and a number may be at its carrier's limit: the
        # next channel waits for neither.
        if delivery.attempts == TRIES or isinstance(error, NumberLimitError):
            self._next(delivery)

    def _no_receipt(self, delivery: Delivery) -> None:
        channel = self.channels.get(delivery.channel)
        if delivery.reason == NO_KEY:
            self._next(delivery)
        elif channel and channel.receipt_seconds is not None:
            self._end(delivery, State.FAILED, delivery.reason or NO_RECEIPT)
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
        following = Delivery(
            id=key_of(alert.id, address_id, delivery.step, delivery.round),
            alert_id=alert.id,
            address_id=address_id,
            person_id=delivery.person_id,
            unit_id=delivery.unit_id,
            role=delivery.role,
            decides=delivery.decides,
            channel=name,
            step=delivery.step,
            round=delivery.round,
            state=State.QUEUED,
            attempts=0,
            rest=["/".join(item) for item in rest],
            created_at=time.time(),
            expires_at=self._now() + VALIDITY[severity_of(alert, delivery)],
        )
        self._ledger.put(delivery, following)
        self.add(alert, [following])


def _subject(delivery: Delivery) -> tuple[str, str, bool]:
    """Return what a delivery is about, and for whom."""
    is_help = delivery.step == HELP_STEP
    return delivery.alert_id, f"{delivery.channel}/{delivery.address_id}", is_help
