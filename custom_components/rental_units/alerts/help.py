"""Calls for help: each is a flag of its own, and only a person takes it down.

Those who respond hear of it at once, in words of its own, and once more every minute until
one of them is on the way. No other answer, no end of the alert and no reset buries it.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
import time
from typing import Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.util.ulid import ulid_now

from .clock import Clock
from .models import Alert, Delivery, Help

#: Seconds between two rounds of messages while nobody is on the way (GB/T 45839: 30-60).
EVERY_SECONDS: Final = 60.0
#: Seconds between two rounds where one call comes right after the other.
LEAST_SECONDS: Final = 10.0
#: Rounds for the calls that are open; after that, people have heard it.
MOST_ROUNDS: Final = 10
#: Calls of one person in one alert that are told again. More are still shown.
MOST_CALLS: Final = 5


@dataclass(slots=True, eq=False)
class Calls:
    """The calls for help of one alert."""

    alert: Alert
    rows: list[Help] = field(default_factory=list)
    #: When the next round is due, and how many there have been for what is open.
    due_at: float | None = None
    rounds: int = 0
    last_at: float = 0.0

    @property
    def open(self) -> list[Help]:
        """Return those that nobody has closed."""
        return [row for row in self.rows if row.closed_at is None]

    @property
    def waiting(self) -> list[Help]:
        """Return those of them to whom nobody is on the way."""
        return [row for row in self.open if row.taken_at is None]

    @property
    def units(self) -> list[str]:
        """Return the units of those that are open."""
        return list(dict.fromkeys(row.unit_id for row in self.open if row.unit_id))


class Helpers:
    """Keeps the calls for help of the open alerts, and walks their rounds."""

    def __init__(
        self,
        hass: HomeAssistant,
        now: Callable[[], float],
        begin: Callable[[Calls], None],
    ) -> None:
        """Initialize; `begin` starts a round of messages."""
        self._now = now
        self._begin = begin
        self.clock = Clock[Calls](hass, self._due, now)
        self._calls: dict[str, Calls] = {}
        #: Units from which a call is open; None: to be looked up. Each unit's entity asks.
        self._units: frozenset[str] | None = None

    def of(self, alert: Alert) -> Calls:
        """Return the calls of an alert."""
        return self._calls.get(alert.id) or Calls(alert)

    def has_open(self, unit_id: str) -> bool:
        """Return if a call from a unit is open."""
        if self._units is None:
            self._units = frozenset(
                unit for calls in self._calls.values() for unit in calls.units
            )
        return unit_id in self._units

    @callback
    def restore(self, alert: Alert, rows: list[Help]) -> None:
        """Take up what an earlier run has left: those that nobody has taken are told."""
        calls = self._calls[alert.id] = Calls(alert, rows)
        self._units = None
        self._soon(calls)

    @callback
    def call(self, alert: Alert, delivery: Delivery) -> Help | None:
        """Return a new call for help; None if this person's call is open already."""
        calls = self._calls.setdefault(alert.id, Calls(alert))
        person_id = delivery.person_id or ""
        own = [row for row in calls.rows if row.person_id == person_id]
        if any(row.closed_at is None for row in own):
            return None
        row = Help(
            id=ulid_now(),
            alert_id=alert.id,
            person_id=person_id,
            unit_id=delivery.unit_id,
            at=time.time(),
            # Shown, but told no more: somebody has looked after it so many times.
            taken_at=time.time() if len(own) >= MOST_CALLS else None,
        )
        calls.rows.append(row)
        self._units = None
        calls.rounds = 0
        self._soon(calls)
        return row

    @callback
    def take(self, alert: Alert) -> list[Help]:
        """Note that somebody is on the way; return the calls that are taken by it."""
        rows = self.of(alert).waiting
        for row in rows:
            row.taken_at = time.time()
        return rows

    @callback
    def close(
        self,
        alert: Alert,
        unit_id: str | None,
        call_ids: Collection[str] | None,
        *,
        who: str,
        note: str,
    ) -> list[Help]:
        """Close the calls that are named, those of a unit, or all; return them."""
        rows = [
            row
            for row in self.of(alert).open
            if unit_id in (None, row.unit_id)
            and (call_ids is None or row.id in call_ids)
        ]
        for row in rows:
            row.closed_at, row.closed_by, row.note = time.time(), who, note
        self._units = None
        return rows

    @callback
    def forget(self, alert: Alert) -> None:
        """Drop the calls of an alert that is over."""
        self._units = None
        if calls := self._calls.pop(alert.id, None):
            calls.due_at = None

    def _soon(self, calls: Calls) -> None:
        if calls.waiting:
            calls.due_at = max(self._now(), calls.last_at + LEAST_SECONDS)
            self.clock.watch(calls)

    @callback
    def _due(self, calls: Calls) -> None:
        if not calls.waiting or calls.rounds >= MOST_ROUNDS:
            return
        calls.rounds += 1
        calls.last_at = self._now()
        calls.due_at = calls.last_at + EVERY_SECONDS
        self.clock.watch(calls)
        self._begin(calls)
