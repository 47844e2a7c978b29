"""The steps of an alert: who is told next, and when, until a human has answered."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from homeassistant.core import callback

from ..register import Audience, Recipient
from .channels.local import speakers
from .clock import Clock
from .const import AGAIN_STEP, HELP_STEP, OPEN, About, AlertState, Progress
from .dispatcher import Dispatcher
from .facts import FactFinder
from .help import Calls
from .ledger import Ledger
from .models import Alert, Delivery
from .news import News
from .people import CALLER, RETRY_SECONDS, People
from .planning import audience_of, plan, vacant
from .policies import ALL, Policy, Step
from .timebase import Timebase
from .timeline import Timeline

#: How long a step waits for a register that cannot be read, once those last known are
#: told: who has moved in since then is found by the next step.
STALE_SECONDS = 10.0
#: Over what a call for help is told.
_HELP = Step(after=0, channels=ALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What an escalation works with."""

    people: People
    facts: FactFinder
    dispatcher: Dispatcher
    ledger: Ledger
    clock: Clock[Any]
    timebase: Timebase
    timeline: Timeline
    news: News
    #: Called when it is known where nobody lives.
    check: Callable[[Alert], None]


def goes_on(alert: Alert) -> bool:
    """Return if an alert's next step is to be walked.

    An acknowledgement ends the escalation, and not what everybody is to hear at first; but
    nobody else hears of a person of whom all is known.
    """
    if alert.state == AlertState.ACTIVE:
        return True
    if alert.about != About.PLACE:
        return False
    policy = Policy.from_dict(alert.policy)
    return (
        alert.state == AlertState.ACKNOWLEDGED
        and alert.step < len(policy.steps)
        and policy.at(alert.step, alert.round) == 0
    )


class Escalation:
    """Walks the steps of the alerts of one entry."""

    def __init__(self, parts: Parts) -> None:
        """Initialize."""
        self._parts = parts
        #: Since when a step waits for the register, by alert.
        self._waiting: dict[str, float] = {}

    @callback
    def forget(self, alert: Alert) -> None:
        """Drop what is known of an alert that is over."""
        self._waiting.pop(alert.id, None)

    async def async_step(self, alert: Alert) -> None:
        """Queue the deliveries of an alert's step, and set the time of the next.

        While the register cannot be read, those last known are told, and the step is
        walked again: its deliveries are the same, and who is missing gets theirs.
        """
        parts = self._parts
        policy = Policy.from_dict(alert.policy)
        number, round_ = alert.step, alert.round
        if number >= len(policy.steps):
            alert.due_at = alert.ends_at
            parts.clock.watch(alert)
            return
        step = policy.steps[number]
        (people, is_fresh), is_news = await asyncio.gather(
            self._async_people(alert, audience_of(alert, step)),
            parts.facts.async_find(alert),
        )
        if is_news:
            parts.dispatcher.rewrite(alert)
        if (alert.step, alert.round) != (number, round_) or not goes_on(alert):
            return
        new = self._plan(alert, step, people, (number, round_), policy.each_unit)
        now = parts.timebase.now()
        is_first = alert.id not in self._waiting
        since = self._waiting.setdefault(alert.id, now)
        is_done = is_fresh or (bool(people) and now >= since + STALE_SECONDS)
        if is_done:
            self._waiting.pop(alert.id, None)
            self._advance(alert, policy, now)
            if not goes_on(alert):
                alert.due_at = alert.ends_at
        else:
            alert.due_at = now + RETRY_SECONDS
        if is_fresh and policy.each_unit and not step.audience:
            alert.vacant_units = vacant(alert, people)
        if is_first or new:
            line = parts.timeline.line(
                alert, "step", step=number, round=round_, deliveries=len(new)
            )
            await parts.ledger.put(alert, line, *new)
        else:
            parts.ledger.put(alert)
        if alert.state not in OPEN:
            return
        parts.dispatcher.add(alert, new)
        parts.clock.watch(alert)
        if is_done and (number or round_):
            parts.news.tell(alert, Progress.ESCALATED)
        parts.check(alert)

    async def async_help(self, calls: Calls) -> None:
        """Tell those who respond that help is called for; landlords where nobody responds.

        Whom the alert names or not: but in a drill nobody else is told.
        """
        alert, parts = calls.alert, self._parts
        names = [Audience.RESPONDERS, Audience.LANDLORD]
        if alert.drill:
            names = [name for name in names if name in alert.audiences]
        rounds = [
            row.round for row in parts.dispatcher.of(alert) if row.step == HELP_STEP
        ]
        place = HELP_STEP, max(rounds, default=-1) + 1
        new: list[Delivery] = []
        for name in names:
            people, _ = await self._async_people(alert, [name])
            new = self._plan(alert, _HELP, people, place)
            # A robot or a loudspeaker goes to nobody's help.
            if any(row.person_id for row in new):
                break
        if new:
            line = parts.timeline.line(alert, "help_told", deliveries=len(new))
            await parts.ledger.put(line, *new)
            if alert.state in OPEN:
                parts.dispatcher.add(alert, new)

    async def async_again(self, alert: Alert, who: str | None) -> int:
        """Tell everybody of an alert once more; return how many messages that is."""
        parts = self._parts
        policy = Policy.from_dict(alert.policy)
        step = replace(policy.steps[0], audience=())
        people, _ = await self._async_people(alert, audience_of(alert, step))
        rounds = [
            row.round for row in parts.dispatcher.of(alert) if row.step == AGAIN_STEP
        ]
        place = AGAIN_STEP, max(rounds, default=-1) + 1
        new = self._plan(alert, step, people, place, policy.each_unit)
        line = parts.timeline.line(alert, "told_again", who=who, deliveries=len(new))
        await parts.ledger.put(alert, line, *new)
        if alert.state in OPEN:
            parts.dispatcher.add(alert, new)
        return len(new)

    async def async_join(self, alert: Alert) -> None:
        """Tell those of a wider alert whom it had not named before."""
        parts = self._parts
        policy = Policy.from_dict(alert.policy)
        step = policy.steps[0]
        people, _ = await self._async_people(alert, audience_of(alert, step))
        told = {(row.channel, row.address_id) for row in parts.dispatcher.of(alert)}
        new = [
            row
            for row in self._plan(alert, step, people, (0, 0), policy.each_unit)
            if (row.channel, row.address_id) not in told
        ]
        if new and alert.state in OPEN:
            line = parts.timeline.line(alert, "step", step=0, deliveries=len(new))
            await parts.ledger.put(line, *new)
            parts.dispatcher.add(alert, new)

    async def _async_people(
        self, alert: Alert, names: Sequence[str]
    ) -> tuple[list[Recipient], bool]:
        """Return who is told of these audiences, and if the register has just said so."""
        if CALLER in alert.audiences:
            return self._parts.people.callers(alert), True
        is_test = alert.drill and not alert.announced
        if is_test:
            names = list(Audience)
        if not names:
            return [], True
        people, is_fresh = await self._parts.people.async_recipients(alert, names)
        if is_test:
            people = self._parts.people.of_test(alert, people)
        return people, is_fresh

    def _plan(
        self,
        alert: Alert,
        step: Step,
        people: list[Recipient],
        place: tuple[int, int],
        each_unit: bool = False,
    ) -> list[Delivery]:
        """Return the deliveries of a step that there are not yet."""
        dispatcher = self._parts.dispatcher
        channels = dispatcher.channels
        # Who reads it aloud, or passes it on, is nobody.
        is_silent = alert.private or (alert.drill and not alert.announced)
        found, deliveries = plan(
            alert,
            step,
            people,
            channels,
            now=self._parts.timebase.now(),
            place=place,
            each_unit=each_unit,
            robots=0 if is_silent else len(channels["robot"].options.get("robots", ())),
            speaking=[
                area_id
                for area_id in alert.area_ids
                if not is_silent and speakers(channels["announce"], area_id)
            ],
        )
        self._parts.people.remember(alert, found)
        return [row for row in deliveries if row.id not in dispatcher.deliveries]

    @staticmethod
    def _advance(alert: Alert, policy: Policy, now: float) -> None:
        before = policy.at(alert.step, alert.round)
        found = policy.following(alert.step, alert.round)
        if found is None:
            alert.step, alert.round = len(policy.steps), 0
            alert.due_at = alert.ends_at
            return
        alert.step, alert.round = found
        after = policy.at(*found)
        # Rounds that were missed do not follow one another at once.
        pause = after - before if alert.round else 0.0
        alert.due_at = max(alert.begun_at + after, now + pause)
