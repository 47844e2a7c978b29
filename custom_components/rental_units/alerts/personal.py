"""What is asked of one person, and told about them to those whom they have named.

Both are alerts like any other, with steps, deliveries and answers, but about a person and
no place: nobody learns of them but who is named in them, and who has asked for them.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
import time
from typing import TYPE_CHECKING, Any, Final

from homeassistant.core import CALLBACK_TYPE, callback
from homeassistant.util.ulid import ulid_now

from ..const import Channel
from ..register import Register
from ..storage.errors import RegisterError
from ..telling import tell
from .const import About, AlertState, Answer, DeliveryState, Progress, Severity, Wording
from .history import ANSWER, drop_about, read_answers
from .models import Alert, Delivery, Entry
from .people import named
from .policies import CHANNELS, QUIET, Policy, Step
from .responses import slot
from .texts import replied, texts

if TYPE_CHECKING:
    from .engine import Engine

#: A question has three rounds until it is to be answered, at least so many seconds apart.
LEAST_PAUSE: Final = 20.0
#: Whoever is too late with an answer may still give it.
QUESTION_SECONDS: Final = 48 * 3600.0
#: So long somebody who is fine may still say otherwise.
CHANGE_SECONDS: Final = 1800.0
#: Seconds until those are called who have not answered what was written, and how often.
CALL_SECONDS: Final = 60.0
CALLS: Final = 2
CALL_EVERY: Final = 300.0
#: So long nobody else is told while somebody is on the way.
HOLD_SECONDS: Final = 1800.0
#: Everybody hears of it again after so long, and so many times.
REMIND_SECONDS: Final = 1800.0
REMINDERS: Final = 12
LOOK_IN_SECONDS: Final = 24 * 3600.0
_LOUD: Final = tuple(name for name in CHANNELS if name not in QUIET)
_TOLD: Final = frozenset(
    {DeliveryState.SENT, DeliveryState.RECEIVED, DeliveryState.ANSWERED}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question to one person: if all is well."""

    #: What names it for who asks, of no more than 64 characters; it says nothing of anybody.
    key: str
    person_id: str
    #: The flat, for those who are told later.
    unit_id: str | None
    #: In Unix time: until then it is asked, and named in it.
    answer_by: float
    #: Entities of the flat that speak, or light up.
    places: tuple[str, ...] = ()
    drill: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """People who are told together, so many seconds after the beginning."""

    people: tuple[str, ...]
    after: float
    wording: Wording


@dataclass(frozen=True, slots=True, kw_only=True)
class LookIn:
    """Those who are asked to look in on a person, stage by stage."""

    key: str
    person_id: str
    unit_id: str | None
    stages: tuple[Stage, ...]
    #: The person calls for help: everybody hears at once, and that it is so.
    is_urgent: bool = False
    drill: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What somebody has answered."""

    key: str
    #: Of the answers to what has this key, from 1; the same after a restart.
    number: int
    person_id: str
    answer: Answer
    via: str
    at: float
    drill: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """How one person was told, and what they have said; as in `responses.slot`."""

    person_id: str
    wording: Wording
    said: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How far a question has come, or those who look in. Times are Unix times."""

    about: About
    begun_at: float
    drill: bool
    #: Stages that have begun; those of a question are its rounds.
    stage: int
    next_at: float | None
    #: Nobody else is told: it was answered that all is well, or the person has called.
    is_settled: bool
    people: tuple[Reached, ...]


class Personal:
    """The alerts of one property that are about a person."""

    def __init__(self, engine: Engine, register: Register) -> None:
        """Initialize."""
        self._engine = engine
        self._register = register
        #: Those that are open, by id.
        self.alerts: dict[str, Alert] = {}
        self._listeners: list[Callable[[Said], None]] = []
        #: What was answered to those that are open, and is on disk; how often they were.
        self._said: defaultdict[str, list[Said]] = defaultdict(list)
        self._numbers: defaultdict[str, int] = defaultdict(int)

    async def async_restore(self) -> None:
        """Take up what was answered to an earlier run. Raises RegisterError."""
        lines = await self._engine.async_read(
            partial(read_answers, alert_ids=list(self.alerts))
        )
        for line in lines:
            alert = self.alerts[line.alert_id]
            self._said[alert.id].append(_said(alert, line))
            self._numbers[alert.id] = line.data["number"]

    # Who asks for it

    @callback
    def listen(self, listener: Callable[[Said], None]) -> CALLBACK_TYPE:
        """Call with each answer, once it is on disk; at first with those to what is open."""
        self._listeners.append(listener)
        for said in [row for rows in self._said.values() for row in rows]:
            tell([listener], said)
        return lambda: self._listeners.remove(listener)

    async def async_ask(self, question: Question) -> None:
        """Ask a person; not twice, while what has this key is open."""
        if self._of(question.key):
            return
        pause = max((question.answer_by - time.time()) / 3, LEAST_PAUSE)
        whom = (named(Wording.ASKED, question.person_id),)
        steps = (
            # Nobody is called who reads it.
            Step(after=0, audience=whom, in_turn=True, places=question.places),
            Step(
                after=pause,
                audience=whom,
                repeat=1,
                every=pause,
                places=question.places,
            ),
        )
        await self._async_begin(
            question,
            Policy(steps=steps, valid_for=QUESTION_SECONDS),
            about=About.WELFARE,
            severity=Severity.WARNING,
            answer_by=question.answer_by,
        )

    async def async_tell(self, look_in: LookIn) -> None:
        """Ask others to look in; not twice, but at once if it has become urgent.

        Raises ValueError where nobody is named.
        """
        if alert := self._of(look_in.key):
            if look_in.is_urgent and alert.about == About.LOOK_IN:
                self._hurry(alert)
            return
        await self._async_begin(
            look_in,
            Policy(steps=_steps(look_in), valid_for=LOOK_IN_SECONDS),
            about=About.HELP if look_in.is_urgent else About.LOOK_IN,
            severity=Severity.ALARM,
        )

    async def async_end(self, key: str, *, is_over: bool = False) -> None:
        """End what has a key; if it is over, those hear of it who were told."""
        if not (alert := self._of(key)):
            return
        told = {
            row.person_id: named(row.role, row.person_id)
            for row in self._engine.dispatcher.of(alert)
            if row.person_id and row.state in _TOLD
        }
        self._engine.close(alert, AlertState.CANCELLED, Progress.CANCELLED)
        if is_over and told:
            whom = tuple(told.values())
            step = Step(after=0, audience=whom, channels=QUIET, in_turn=True)
            await self._async_begin(
                LookIn(
                    key=key,
                    person_id=alert.person_id or "",
                    unit_id=alert.unit_id,
                    stages=(),
                    drill=alert.drill,
                ),
                Policy(steps=(step,), valid_for=LOOK_IN_SECONDS),
                about=About.OVER,
                severity=Severity.MESSAGE,
            )

    @callback
    def find(self, key: str) -> Standing | None:
        """Return how far what has a key has come; None for what is not open."""
        if not (alert := self._of(key)):
            return None
        policy = Policy.from_dict(alert.policy)
        begun = _begun(alert, policy)
        is_active = alert.state == AlertState.ACTIVE
        next_at = None
        if is_active and alert.due_at and alert.step < len(policy.steps):
            wait = alert.due_at - self._engine.timebase.now()
            next_at = time.time() + wait
        stage = len({step.audience for step in begun if not _reminds(step)})
        if alert.about == About.WELFARE:
            rows = self._engine.dispatcher.of(alert)
            stage = len({(row.step, row.round) for row in rows})
        return Standing(
            about=About(alert.about),
            begun_at=alert.created_at,
            drill=alert.drill,
            stage=stage,
            next_at=next_at,
            is_settled=not is_active,
            people=tuple(self._reached(alert)),
        )

    async def async_forget(self, person_id: str) -> None:
        """Drop all that was ever asked and told about a person. Raises RegisterError."""
        for alert in list(self.alerts.values()):
            if alert.person_id == person_id:
                self._engine.ledger.drop(alert.id)
                self._engine.close(alert, AlertState.CANCELLED, Progress.CANCELLED)
        await self._engine.ledger.async_flush()
        if self._engine.ledger.trouble:
            # What waits in a file would be read again.
            raise RegisterError("register_unreachable")
        await self._register.async_run(partial(drop_about, person_id=person_id))

    # Who answers

    @callback
    def answer(
        self, alert: Alert, answer: Answer, delivery: Delivery, via: str
    ) -> None:
        """Take an answer: what has asked hears of it, and says what follows.

        Who is on the way holds up the next stage and ends nothing; where help is needed,
        everybody hears at once; all else ends the stages.
        """
        engine = self._engine
        engine.dispatcher.answered(delivery, answer, via)
        self._numbers[alert.id] += 1
        line = engine.timeline.line(
            alert,
            ANSWER,
            delivery,
            answer=answer,
            via=via,
            role=delivery.role,
            number=self._numbers[alert.id],
        )
        if answer is Answer.ON_MY_WAY:
            self._hold(alert)
        elif answer is Answer.HELP and alert.about != About.WELFARE:
            self._hurry(alert)
        else:
            self._settle(alert, may_change=answer in (Answer.FINE, Answer.OUT))
        stored = engine.ledger.put(alert, line)
        said = _said(alert, line)

        async def announce() -> None:
            await stored
            if alert.id in self.alerts:
                self._said[alert.id].append(said)
            tell(self._listeners, said)

        engine.background(announce(), "rental_units answer about a person")

    async def async_reply(self, number: str, text: str) -> str:
        """Take what was written from a phone; return what is written back, if anything is.

        Only where it was asked by a text message. What is no word that is known answers
        nothing. Raises NotSentError while the register does not say whose number it is.
        """
        asked: tuple[Alert, Delivery, str] | None = None
        for alert in list(self.alerts.values()):
            for row in self._engine.dispatcher.of(alert):
                if alert.about != About.WELFARE or row.channel != Channel.SMS:
                    continue
                found = await self._engine.people.async_find(alert, row.address_id)
                person, address = found or (None, "")
                is_here = not isinstance(address, str) and address.target == number
                is_last = asked is None or row.created_at > asked[1].created_at
                if person and is_here and is_last:
                    asked = alert, row, person.language
        if asked is None:
            return ""
        alert, row, language = asked
        said = texts(language)
        if (answer := replied(text)) is None:
            return str(said["personal"]["welfare"]["unclear"])
        self._engine.answer(alert, answer, row, via="sms")
        return str(said["page"]["thanks"])

    def _hold(self, alert: Alert) -> None:
        policy = Policy.from_dict(alert.policy)
        if alert.state != AlertState.ACTIVE or alert.step >= len(policy.steps):
            return
        until = self._engine.timebase.now() + HOLD_SECONDS
        due_at = alert.begun_at + policy.at(alert.step, alert.round)
        if due_at < until:
            alert.begun_at += until - due_at
            self._walk(alert, until)

    def _hurry(self, alert: Alert) -> None:
        """Tell everybody at once, in other words, who has not been told."""
        policy, now = Policy.from_dict(alert.policy), self._engine.timebase.now()
        first, after = len(_begun(alert, policy)), max(now - alert.begun_at, 0.0)
        steps = [
            step
            if number < first
            else replace(step, after=after + REMIND_SECONDS * _reminds(step))
            for number, step in enumerate(policy.steps)
        ]
        alert.policy = replace(policy, steps=tuple(steps)).as_dict()
        if first < len(steps) and not _reminds(steps[first]):
            alert.step, alert.round = first, 0
        alert.about = About.HELP
        alert.state = AlertState.ACTIVE
        alert.acknowledged_at = None
        self._engine.dispatcher.rewrite(alert)
        self._walk(alert, now)

    def _settle(self, alert: Alert, *, may_change: bool) -> None:
        """Tell nobody any more; it may be answered otherwise, for a while or until it ends."""
        alert.state = AlertState.ACKNOWLEDGED
        alert.acknowledged_at = time.time()
        now = self._engine.timebase.now()
        valid_for = Policy.from_dict(alert.policy).valid_for
        last = alert.begun_at + valid_for
        alert.ends_at = min(now + CHANGE_SECONDS, last) if may_change else last
        self._engine.dispatcher.halt(alert, AlertState.ACKNOWLEDGED)
        self._walk(alert, alert.ends_at)

    def _walk(self, alert: Alert, at: float) -> None:
        alert.due_at = at
        self._engine.ledger.put(alert)
        self._engine.clock.watch(alert)

    @callback
    def forget(self, alert: Alert) -> None:
        """Drop what was answered to an alert that is over."""
        self._said.pop(alert.id, None)
        self._numbers.pop(alert.id, None)

    # Alerts

    def _of(self, key: str) -> Alert | None:
        """Return the open alert of a key, but for that which tells that it is over."""
        return next(
            (
                alert
                for alert in self.alerts.values()
                if alert.incident_id == key and alert.about != About.OVER
            ),
            None,
        )

    async def _async_begin(
        self,
        asked: Question | LookIn,
        policy: Policy,
        *,
        about: About,
        severity: Severity,
        answer_by: float | None = None,
    ) -> None:
        now = self._engine.timebase.now()
        names = (name for step in policy.steps for name in step.audience)
        await self._engine.async_begin(
            Alert(
                id=ulid_now(),
                created_at=time.time(),
                state=AlertState.ACTIVE,
                severity=severity,
                hazards=[],
                place="",
                unit_ids=[],
                area_ids=[],
                audiences=list(dict.fromkeys(names)),
                policy=policy.as_dict(),
                alarm_ids=[],
                over_alarm_ids=[],
                incident_id=asked.key,
                drill=asked.drill,
                # A drill is for those who are named, too.
                announced=True,
                private=True,
                about=about,
                person_id=asked.person_id,
                unit_id=asked.unit_id,
                answer_by=answer_by,
                step=0,
                round=0,
                answered_units=[],
                vacant_units=[],
                begun_at=now,
                due_at=now + policy.steps[0].after,
                ends_at=now + policy.valid_for,
            )
        )

    def _reached(self, alert: Alert) -> Iterable[Reached]:
        for name in alert.audiences:
            wording, _, person_id = name.partition(":")
            rows = self._engine.dispatcher.of_person(alert, person_id)
            said = slot([row.__dict__ for row in rows], (), person_id)
            yield Reached(person_id=person_id, wording=Wording(wording), said=said)


def _said(alert: Alert, line: Entry) -> Said:
    return Said(
        key=alert.incident_id or "",
        number=line.data["number"],
        person_id=line.person_id or "",
        answer=Answer(line.data["answer"]),
        via=line.data["via"],
        at=line.at,
        drill=alert.drill,
    )


def _steps(look_in: LookIn) -> tuple[Step, ...]:
    """Return the steps of those who look in: written to, called, and all reminded at last.

    Raises ValueError where nobody is named.
    """
    steps: list[Step] = []
    last: dict[str, str] = {}
    for stage in sorted(look_in.stages, key=lambda row: row.after):
        whom = tuple(named(stage.wording, key) for key in stage.people)
        last |= dict(zip(stage.people, whom, strict=True))
        begin = 0.0 if look_in.is_urgent else stage.after
        pause = 0.0 if look_in.is_urgent else CALL_SECONDS
        steps += (
            Step(after=begin, audience=whom, channels=QUIET),
            Step(
                after=begin + pause,
                audience=whom,
                channels=_LOUD,
                repeat=CALLS,
                every=CALL_EVERY,
            ),
        )
    if not last:
        raise ValueError("nobody is named")
    begun = max(step.after for step in steps)
    remind = Step(
        after=begun + REMIND_SECONDS,
        audience=tuple(last.values()),
        channels=CHANNELS,
        repeat=REMINDERS - 1,
        every=REMIND_SECONDS,
    )
    return (*sorted(steps, key=lambda row: row.after), remind)


def _reminds(step: Step) -> bool:
    """Return if a step tells those again who were told."""
    return step.channels == CHANNELS


def _begun(alert: Alert, policy: Policy) -> Sequence[Step]:
    """Return the steps that have been walked once."""
    if alert.step >= len(policy.steps):
        return policy.steps
    here = policy.at(alert.step, alert.round), alert.step
    number = sum(
        (step.after, number) < here for number, step in enumerate(policy.steps)
    )
    return policy.steps[:number]
