"""The steps of an alert: who is told next, and when, until a human has answered."""

import time
from typing import TYPE_CHECKING

from homeassistant.core import Context, callback

from ..register import RegisterConfigEntry
from .channels.local import speakers
from .const import OPEN, AlertState, Answer, Progress
from .models import Alert
from .people import RETRY_SECONDS
from .planning import plan
from .policies import Policy

if TYPE_CHECKING:
    from .engine import Engine

#: How long a step waits for a register that cannot be read, once those last known are
#: told: who has moved in since then is found by the next step.
STALE_SECONDS = 10.0
#: Who calls for help again and again has nobody called more often than a policy may.
HELP_SECONDS = 10.0


class Escalation:
    """Walks the steps of the alerts of one entry."""

    def __init__(self, engine: Engine, entry: RegisterConfigEntry) -> None:
        """Initialize."""
        self._engine = engine
        self._entry = entry
        #: Since when a step waits for the register, by alert.
        self._waiting: dict[str, float] = {}
        #: When help is called, or was called last, by alert.
        self._helped: dict[str, float] = {}

    @callback
    def forget(self, alert: Alert) -> None:
        """Drop what is known of an alert that is over."""
        self._waiting.pop(alert.id, None)
        self._helped.pop(alert.id, None)

    async def async_step(self, alert: Alert) -> None:
        """Queue the deliveries of an alert's step, and set the time of the next.

        While the register cannot be read, those last known are told, and the step is
        walked again: its deliveries are the same, and who is missing gets theirs.
        """
        engine, started_at = self._engine, time.time()
        policy = Policy.from_dict(alert.policy)
        number, round_ = alert.step, alert.round
        if number >= len(policy.steps):
            alert.due_at = alert.ends_at
            engine.clock.watch(alert)
            return
        step = policy.steps[number]
        people, is_fresh = await engine.people.async_recipients(alert, step.audience)
        if alert.state != AlertState.ACTIVE or alert.step != number:
            return
        dispatcher = engine.dispatcher
        channels = dispatcher.channels
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
        engine.people.remember(alert, found)
        new = [row for row in deliveries if row.id not in dispatcher.deliveries]
        now = time.time()
        is_first = alert.id not in self._waiting
        since = self._waiting.setdefault(alert.id, now)
        is_done = is_fresh or (bool(people) and now >= since + STALE_SECONDS)
        if is_done:
            self._waiting.pop(alert.id, None)
            self._advance(alert, policy, now)
        else:
            alert.due_at = now + RETRY_SECONDS
        if (helped := self._helped.get(alert.id, 0.0)) > started_at:
            # Called for while this step was waiting for the register.
            alert.due_at = min(helped, alert.due_at or helped)
        if is_first or new:
            line = engine.line(
                alert, "step", step=number, round=round_, deliveries=len(new)
            )
            await engine.ledger.put(alert, line, *new)
        else:
            engine.ledger.put(alert)
        if alert.state not in OPEN:
            return
        dispatcher.add(alert, new)
        engine.clock.watch(alert)
        if is_done and (number or round_):
            engine.news.tell(alert, Progress.ESCALATED)

    @callback
    def need_help(
        self, alert: Alert, unit_id: str | None, context: Context | None
    ) -> None:
        """Escalate at once, also what somebody has taken already."""
        engine, now = self._engine, time.time()
        alert.state = AlertState.ACTIVE
        due_at = self._helped.get(alert.id, 0.0)
        if due_at <= now:
            last = len(alert.policy["steps"]) - 1
            if alert.step > last:
                alert.step, alert.round = last, alert.round + 1
            due_at = self._helped[alert.id] = max(now, due_at + HELP_SECONDS)
        alert.due_at = min(due_at, alert.due_at or due_at)
        engine.ledger.put(alert)
        engine.clock.watch(alert)
        engine.news.tell(alert, Progress.NEED_HELP, unit_id, Answer.NEED_HELP, context)

    @staticmethod
    def _advance(alert: Alert, policy: Policy, now: float) -> None:
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
