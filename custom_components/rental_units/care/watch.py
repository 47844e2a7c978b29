"""The watch over one person, as it follows from what was heard: no clock, no database, nobody's name.

What happens is told to it, with its time; what to do is asked of it, and asking changes nothing.
Four things it holds, whatever was heard and learned:

- At home and seen, others are told no later than `limit` after the last sign of life, and
  `away_limit` after it while somebody is believed to be out. An announced absence has its own end.
- What cannot be seen is no silence, and no sign of life either: the time stands still for it.
- A question that was asked goes on until it is answered, whatever becomes of the sensors.
- What it keeps is small, however much was heard.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import tzinfo
from enum import StrEnum
import math
from typing import Any, Final, Self

from .habits import FIGURES, QUARTER, Figures, Habits, Usual

_MINUTE: Final = 60.0
_HOUR: Final = 3600.0
_DAY: Final = 86_400.0
_VERSION: Final = 1

#: What is heard of so many things at the most.
MOST_SOURCES: Final = 24
#: The key of what is heard of somebody's own cards at doors: no silence of it is a fault.
CARDS: Final = "cards"
#: Who was at the door last, and is not heard inside for so long, is believed to be out.
DOOR_QUIET: Final = 10 * _MINUTE
#: What is heard inside so shortly after the door is somebody on the way out.
DOOR_TRAIL: Final = 2 * _MINUTE
#: Hours after the last sign that others are told of who is believed to be out.
AWAY_LIMIT: Final = 16.0
#: An announced absence may last so much longer, in hours, before it is asked about.
PLAN_GRACE: Final = 1.0
#: Who says that they go out takes so long at the most until they have gone.
GOING: Final = 30 * _MINUTE
#: What says nothing while somebody is heard elsewhere is dead: after twice its own longest
#: pause, and after so long at the least. What is heard rarely, such as a drawer, has longer.
LEAST_PAUSE: Final = _DAY
LEAST_RARE_PAUSE: Final = 7 * _DAY
#: What cannot be heard any more may have given so much of all signs: beyond it the rest
#: shows too little of a life.
MOST_BLIND: Final = 0.25
#: The weight of a sign is halved each so many days, in what was heard of each source.
HALVED: Final = 7.0
#: Nobody looked for so long: what happened meanwhile is not known.
MOST_UNLOOKED: Final = 10 * _MINUTE
#: Hours more that others wait where nobody can be asked first.
NOBODY_ASKED: Final = 0.5


class SourceKind(StrEnum):
    """Where something is heard."""

    INSIDE = "inside"
    #: The door of the flat, or a card at a door outside: who is heard last there is out.
    DOOR = "door"


class Answer(StrEnum):
    """What somebody answers."""

    FINE = "fine"
    OUT = "out"
    HELP = "help"


class Outcome(StrEnum):
    """What was found after others had been told."""

    #: All was well.
    NEEDLESS = "needless"
    #: There was an emergency.
    REAL = "real"


class Sensitivity(StrEnum):
    """When somebody wants to be asked, in a word."""

    EARLY = "early"
    NORMAL = "normal"
    LATE = "late"


#: The same in hours.
LATER: Final[Mapping[Sensitivity, float]] = {
    Sensitivity.EARLY: -0.5,
    Sensitivity.NORMAL: 0.0,
    Sensitivity.LATE: 1.0,
}


class State(StrEnum):
    """What there is to do about somebody."""

    WATCHING = "watching"
    AWAY = "away"
    #: Switched off for a time.
    PAUSED = "paused"
    #: Too little can be heard: nothing is said of the person.
    SUSPENDED = "suspended"
    #: The person is to be asked, or is.
    ASKING = "asking"
    #: Others are to be told, or are.
    ALARM = "alarm"


class Why(StrEnum):
    """Why a state is what it is, and what should be known of it."""

    #: Nothing for longer than is usual.
    LATE = "late"
    #: Nothing for as long as nobody is left alone, whatever is usual.
    LIMIT = "limit"
    #: They were at the door last.
    DOOR = "door"
    #: They have said so.
    ANNOUNCED = "announced"
    #: They are out for longer than they have said.
    PLAN_OVER = "plan_over"
    #: They call for help.
    HELP = "help"
    #: It was asked, and nobody has answered.
    UNANSWERED = "unanswered"
    #: What is usual is assumed: nothing is known yet.
    LEARNING = "learning"
    #: Needless questions have made it wait for longer, or quiet weeks for less.
    MOVED = "moved"
    #: What is heard may be guests.
    GUESTS = "guests"
    #: Some of what it hears by is dead.
    DEAD = "dead"


@dataclass(slots=True)
class Source:
    """What is known of one thing that somebody is heard by."""

    kind: SourceKind
    #: Unix times: when it last said anything; the last quarter hour with a sign of life.
    heard_at: float
    quarter: int = 0
    #: Seconds that it was silent at the most while somebody was heard elsewhere.
    pause: float = 0.0
    #: Quarters with signs, as heavy as they are recent, at a time.
    weight: float = 0.0
    weighed_at: float = 0.0
    #: Since when it cannot be heard, and if it says so itself: else it was found silent.
    lost_since: float | None = None
    is_unavailable: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """How it stands with somebody, and why. Times are Unix times."""

    state: State
    why: tuple[Why, ...]
    #: The last sign of life, by what it was heard, and since when there is silence that counts.
    last: float
    by: str | None
    silent_since: float
    usual: Usual
    #: When they are asked and others told, if nothing is heard until then.
    ask_at: float
    tell_at: float
    asked_at: float | None
    told_at: float | None
    away_since: float | None
    away_until: float | None
    #: Hours by which needless questions have moved it.
    moved: float
    #: What cannot be heard.
    dead: tuple[str, ...]


@dataclass(slots=True)
class _Kept:
    """What is kept beside the habits and the sources."""

    #: The last sign of life, and from when silence counts: later, by what could not be seen.
    last: float
    silent_since: float
    by: str | None = None
    #: When they were at the door, if they have not been heard inside since.
    left_at: float | None = None
    #: When the door was heard of somebody who was out.
    home_at: float = 0.0
    #: What they have said: out since, and until.
    out_since: float | None = None
    out_until: float | None = None
    paused_until: float | None = None
    guests_until: float | None = None
    guests_since: float | None = None
    blind_since: float | None = None
    asked_at: float | None = None
    told_at: float | None = None
    help_at: float | None = None
    #: Until when somebody looked.
    looked_at: float = 0.0


@dataclass(slots=True)
class Watch:
    """The watch over one person. Times of what happens never run backwards."""

    kept: _Kept
    zone: tzinfo
    habits: Habits
    sources: dict[str, Source] = field(default_factory=dict)
    sensitivity: Sensitivity = Sensitivity.NORMAL
    #: Somebody can be asked before others are told.
    is_asked: bool = True

    @classmethod
    def begin(cls, now: float, zone: tzinfo, figures: Figures = FIGURES) -> Self:
        """Return a watch that knows nothing yet: it begins as if somebody had just stirred."""
        return cls(_Kept(now, now, looked_at=now), zone, Habits(figures))

    # What it hears by

    def hear_by(self, kinds: Mapping[str, SourceKind], now: float) -> None:
        """Hear by these things and no others. Raises ValueError if they are too many."""
        if len(kinds) > MOST_SOURCES:
            raise ValueError("too many sources")
        for key in self.sources.keys() - kinds.keys():
            del self.sources[key]
        for key, kind in kinds.items():
            if source := self.sources.get(key):
                source.kind = kind
            else:
                self.sources[key] = Source(kind, now, weighed_at=now)
        self._see(now)

    def heard(self, key: str, now: float) -> None:
        """Hear anything at all: the source lives, which is no sign of life of a person."""
        source = self.sources[key]
        now = self._clock(now)
        if not source.is_unavailable:
            # While nobody is heard anywhere its silence says nothing about the source.
            source.pause = max(source.pause, self.kept.last - source.heard_at)
        source.heard_at = now
        if source.lost_since is not None:
            source.lost_since, source.is_unavailable = None, False
            self._see(now)

    def lost(self, keys: Iterable[str], now: float) -> None:
        """Know that sources cannot be heard: each is unavailable, or its gateway is."""
        now = self._clock(now)
        for key in keys:
            source = self.sources[key]
            source.is_unavailable = True
            if source.lost_since is None:
                source.lost_since = now
        self._see(now)

    def regained(self, keys: Iterable[str], now: float) -> None:
        """Know that sources are there again, which is no proof that one hears anything.

        One that had been silent for too long has to be heard.
        """
        now = self._clock(now)
        for key in keys:
            source = self.sources[key]
            if not source.is_unavailable or source.lost_since is None:
                continue
            source.is_unavailable = False
            # The time stood still for it too.
            source.heard_at = min(now, source.heard_at + now - source.lost_since)
            if key not in self._silent(now):
                source.lost_since = None
        self._see(now)

    def sweep(self, now: float) -> list[str]:
        """Find sources that are silent while others are heard; return those that are new."""
        now = self._clock(now)
        found = [
            key for key in self._silent(now) if self.sources[key].lost_since is None
        ]
        for key in found:
            self.sources[key].lost_since = now
        self._see(now)
        return found

    def _silent(self, now: float) -> list[str]:
        """Return what is silent for too long while others are heard."""
        weights, found = self._weights(now), list[str]()
        most_weight = MOST_BLIND * sum(weights.values())
        for key, source in self.sources.items():
            is_rare = weights[key] <= most_weight
            least = LEAST_RARE_PAUSE if is_rare else LEAST_PAUSE
            silent = self.kept.last - source.heard_at
            if silent > max(least, 2 * source.pause) and key != CARDS:
                found.append(key)
        return found

    def looked(self, now: float) -> None:
        """Know that all was heard until now.

        Where nobody looked for a while, as in a restart that took long, that time was not seen.
        """
        kept = self.kept
        if kept.last - now > MOST_UNLOOKED:
            # The clock was ahead: nobody is to be left alone until it is there again.
            if kept.last - now > _DAY:
                self.habits = Habits(self.habits.figures)
            kept.last = kept.silent_since = kept.looked_at = now
            kept.left_at = kept.out_since = kept.out_until = None
        elif now - kept.looked_at > MOST_UNLOOKED and kept.blind_since is None:
            self._stand_still(kept.looked_at, now)
        kept.looked_at = now

    @property
    def is_blind(self) -> bool:
        """Return if too little can be heard to say anything."""
        return self.kept.blind_since is not None

    @property
    def dead(self) -> tuple[str, ...]:
        """Return what cannot be heard."""
        return tuple(
            key for key, row in self.sources.items() if row.lost_since is not None
        )

    def _see(self, now: float) -> None:
        """Go blind, or see again."""
        kept = self.kept
        if self._shows_too_little(now):
            if kept.blind_since is None:
                kept.blind_since = now
        elif kept.blind_since is not None:
            since, kept.blind_since = kept.blind_since, None
            self._stand_still(since, now)

    def _shows_too_little(self, now: float) -> bool:
        living = [row for row in self.sources.values() if row.lost_since is None]
        if not any(row.kind is SourceKind.INSIDE for row in living):
            return True
        weights = self._weights(now)
        lost = sum(weights[key] for key in self.dead)
        return lost > MOST_BLIND * sum(weights.values())

    def _weights(self, now: float) -> dict[str, float]:
        """Return how much of what is heard comes from each source."""
        weights = {key: _faded(row, now) for key, row in self.sources.items()}
        if sum(weights.values()) < len(weights):
            # Too early to know which of them matter.
            return dict.fromkeys(weights, 1.0)
        return weights

    def _stand_still(self, since: float, until: float) -> None:
        """Count a time in which nothing could be seen neither as silence nor as life."""
        kept, lasted = self.kept, until - since
        self.habits.hide(since, until, self.zone)
        # A sign in between was one all the same; what came after it was not seen.
        if kept.silent_since <= since:
            kept.silent_since += lasted
        elif kept.silent_since < until:
            kept.silent_since = until
        if kept.left_at is not None and kept.left_at <= since:
            kept.left_at += lasted

    # What happens

    def sign(self, key: str | None, now: float) -> bool:
        """Take a sign of life; return if it ends a question.

        None is heard by no source: somebody has said so. What others were told of ends only
        when somebody says what was found: it may be them who are heard now.
        """
        now, kept = self._clock(now), self.kept
        kind = SourceKind.INSIDE
        if key is not None:
            self.heard(key, now)
            source = self.sources[key]
            kind = source.kind
            quarter = int(now // QUARTER)
            if quarter != source.quarter:
                source.quarter, source.weight = quarter, _faded(source, now) + 1.0
                source.weighed_at = now
        self._come_back(kind, now)
        if kept.guests_until is not None:
            self._host(now)
        self.habits.sign(now, self.zone)
        kept.last = kept.silent_since = now
        kept.by = key
        if kind is SourceKind.DOOR:
            # It is opened and closed: both are the one homecoming.
            is_home = now - kept.home_at <= DOOR_TRAIL
            kept.left_at = None if is_home else now
        elif kept.left_at is not None and now - kept.left_at > DOOR_TRAIL:
            kept.left_at = None
        if (
            kept.asked_at is None
            or kept.told_at is not None
            or kept.help_at is not None
        ):
            return False
        self._was_needless(now)
        return True

    def presence(self, key: str, now: float, *, is_home: bool) -> bool:
        """Know what a phone says of where somebody is; return if that ends a question.

        One that lies at home may say that it is elsewhere, and back again: nobody lives by that.
        Who comes home after a while does.
        """
        now, kept = self._clock(now), self.kept
        self.heard(key, now)
        if not is_home:
            if not self._is_out(now):
                kept.left_at = now
            return False
        is_out = kept.left_at is not None or kept.out_since is not None
        gone = now - max(kept.left_at or 0.0, kept.out_since or 0.0)
        if is_out and gone >= GOING:
            return self.sign(key, now)
        kept.left_at = None
        return False

    def _come_back(self, kind: SourceKind, now: float) -> None:
        """End an absence: what was not heard in it says nothing of habits."""
        kept = self.kept
        if not self._is_out(now):
            return
        self.habits.hide(kept.silent_since, now, self.zone)
        going = min(GOING + (kept.out_since or 0.0), kept.out_until or math.inf)
        if kept.out_since is not None and now < going:
            return
        kept.out_since = kept.out_until = None
        if kind is SourceKind.DOOR:
            kept.home_at = now

    def answer(self, answer: Answer, now: float) -> None:
        """Take what somebody answers, asked or not."""
        now, kept = self._clock(now), self.kept
        if answer is Answer.HELP:
            kept.help_at = now
            return
        was_asked = kept.asked_at is not None
        if was_asked and answer is Answer.OUT:
            # They were not here in the silence that was asked about.
            self.habits.hide(kept.silent_since, now, self.zone)
        kept.told_at = kept.help_at = None
        if was_asked:
            self._was_needless(now)
        # Who answers lives: but where they are heard is not what is usual here.
        kept.last = kept.silent_since = now
        kept.by = None
        kept.left_at = None
        kept.out_until = None
        kept.out_since = now if answer is Answer.OUT else None

    def leave(self, now: float, until: float | None) -> None:
        """Know that somebody is out from now, and until when if they have said it."""
        self.answer(Answer.OUT, now)
        self.kept.out_until = until

    def pause(self, until: float | None, now: float) -> None:
        """Watch no more until a time, and as after a sign of life from then; None: from now."""
        now, kept = self._clock(now), self.kept
        if until is None or until <= now:
            until = now
        kept.paused_until = until
        kept.asked_at = kept.told_at = kept.help_at = None

    def have_guests(self, until: float, now: float) -> None:
        """Know that what is heard may be guests, and learn nothing of it."""
        now = self._clock(now)
        if self.kept.guests_since is None:
            self.kept.guests_since = now
        self.kept.guests_until = until

    def _host(self, now: float) -> None:
        kept = self.kept
        until, since = kept.guests_until or now, kept.guests_since or now
        self.habits.hide(since, min(now, until), self.zone)
        if now >= until:
            kept.guests_until = kept.guests_since = None

    def asked(self, now: float) -> None:
        """Know that somebody was asked."""
        self.kept.asked_at = self._clock(now)

    def told(self, now: float) -> None:
        """Know that others were told."""
        now = self._clock(now)
        self.kept.told_at = now
        if self.kept.asked_at is None:
            self.kept.asked_at = now

    def close(self, outcome: Outcome, now: float) -> None:
        """Know what was found after others were told: the watch goes on from here."""
        now, kept = self._clock(now), self.kept
        kept.help_at = kept.told_at = None
        if outcome is Outcome.REAL:
            self.habits.hide(kept.silent_since, now, self.zone)
            kept.asked_at = None
        else:
            self._was_needless(now)
        kept.last = kept.silent_since = now
        kept.by = None

    def _was_needless(self, now: float) -> None:
        self.kept.asked_at = None
        self.habits.needless(now, self.zone)

    # How it stands

    def look(self, now: float) -> Finding:
        """Return how it stands at a time."""
        kept = self.kept
        ask_at, tell_at = self.deadlines(now)
        state, why = self._state(now, ask_at, tell_at)
        usual = self.habits.usual(kept.silent_since, self.zone)
        more = (
            (not usual.of_days, Why.LEARNING),
            (abs(self.habits.moved) >= 0.25, Why.MOVED),
            (kept.guests_until is not None and now < kept.guests_until, Why.GUESTS),
            (bool(self.dead), Why.DEAD),
        )
        is_out = self._is_out(now)
        return Finding(
            state=state,
            why=(*why, *(row for holds, row in more if holds)),
            last=kept.last,
            by=kept.by,
            silent_since=kept.silent_since,
            usual=usual,
            ask_at=ask_at,
            tell_at=tell_at,
            asked_at=kept.asked_at,
            told_at=kept.told_at,
            away_since=(kept.out_since or kept.left_at) if is_out else None,
            away_until=kept.out_until if is_out else None,
            moved=self.habits.moved,
            dead=self.dead,
        )

    def deadlines(self, now: float) -> tuple[float, float]:
        """Return when somebody is asked, and when others are told, if nothing is heard."""
        kept, rule = self.kept, self.habits.figures
        since, answer = self._counts_from, rule.answer * _HOUR
        if kept.out_until is not None:
            # It asks when the plan is over, and not before.
            plan = max(kept.out_until + PLAN_GRACE * _HOUR, since + rule.floor * _HOUR)
            ask_at, last = plan, plan + answer
        elif self._is_out(max(now, since + DOOR_QUIET)):
            last = since + AWAY_LIMIT * _HOUR
            ask_at = last - answer
        else:
            last = since + rule.limit * _HOUR
            ask_at = self.habits.ask_at(since, self.zone, LATER[self.sensitivity])
        if not self.is_asked:
            return ask_at, min(ask_at + answer + NOBODY_ASKED * _HOUR, last)
        # Whoever was asked late has as much time, but for the limit.
        return ask_at, min(max(ask_at, kept.asked_at or ask_at) + answer, last)

    @property
    def _counts_from(self) -> float:
        """Return since when silence counts: what was in a pause does not."""
        return max(self.kept.silent_since, self.kept.paused_until or 0.0)

    def looks_at(self) -> float:
        """Return a time before which nothing is to be done, whatever is heard until then."""
        kept = self.kept
        if kept.asked_at is not None or kept.help_at is not None:
            return 0.0
        return self._counts_from + self.habits.figures.floor * _HOUR

    def _state(
        self, now: float, ask_at: float, tell_at: float
    ) -> tuple[State, tuple[Why, ...]]:
        kept, limit = self.kept, self.habits.figures.limit * _HOUR
        if kept.help_at is not None:
            return State.ALARM, (Why.HELP,)
        if kept.told_at is not None:
            return State.ALARM, (Why.UNANSWERED,)
        if kept.asked_at is not None:
            if now >= tell_at:
                return State.ALARM, (Why.UNANSWERED,)
            return State.ASKING, (Why.LATE,)
        if kept.paused_until is not None and now < kept.paused_until:
            return State.PAUSED, ()
        if self.is_blind:
            return State.SUSPENDED, ()
        is_out = self._is_out(now)
        because = Why.PLAN_OVER if kept.out_until is not None else Why.LATE
        if now >= tell_at:
            at_limit = now - self._counts_from >= limit and because is Why.LATE
            return State.ALARM, (Why.LIMIT if at_limit else because,)
        if now >= ask_at and self.is_asked:
            return State.ASKING, (because,)
        if is_out:
            said = kept.out_since is not None
            return State.AWAY, (Why.ANNOUNCED if said else Why.DOOR,)
        return State.WATCHING, ()

    def _is_out(self, now: float) -> bool:
        kept = self.kept
        if kept.out_since is not None:
            return True
        return kept.left_at is not None and now - kept.silent_since >= DOOR_QUIET

    def _clock(self, now: float) -> float:
        """Return a time that is not before the last: a clock that was set back loses no sign."""
        return max(now, self.kept.last)

    # As it is kept

    def as_data(self) -> dict[str, Any]:
        """Return it for a file."""
        return {
            "version": _VERSION,
            "kept": asdict(self.kept),
            "habits": self.habits.as_data(),
            "sources": {key: asdict(row) for key, row in self.sources.items()},
            "sensitivity": self.sensitivity,
            "is_asked": self.is_asked,
        }

    @classmethod
    def from_data(
        cls, data: Mapping[str, Any], zone: tzinfo, figures: Figures = FIGURES
    ) -> Self:
        """Return what `as_data` has returned. Raises KeyError, TypeError or ValueError."""
        if data["version"] != _VERSION:
            raise ValueError("a watch of another version")
        return cls(
            _Kept(**data["kept"]),
            zone,
            Habits.from_data(data["habits"], figures),
            {
                key: Source(**{**row, "kind": SourceKind(row["kind"])})
                for key, row in data["sources"].items()
            },
            Sensitivity(data["sensitivity"]),
            bool(data["is_asked"]),
        )


def _faded(source: Source, now: float) -> float:
    """Return the weight of a source as it is at a time."""
    days = max(0.0, now - source.weighed_at) / _DAY
    return source.weight * math.exp2(-days / HALVED)
