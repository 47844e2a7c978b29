"""How soon others are told when somebody shows no sign of life, and how often in vain.

    scripts/benchmark --only care
    python -m benchmarks.care [--persons 200] [--days 110]

Lives that are made up (care_people.py) go through the watch itself, sign by sign. In every hour of
every day that somebody is at home something happens at a minute chosen by chance, after which
nothing more would be heard: the delay is from there until others are told. A question or an alarm
in a silence that the life goes on after is a needless one.

How people answer is an assumption: four of five questions while they are up, two of five while
they sleep; who is out says so, and whoever finds nobody at home learns until when. Beside it
stand the fixed limits that are in use today, on the same lives. The figures of the rule were
chosen on other people than these. Prints JSON, times in hours.
"""

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC
from enum import IntEnum, StrEnum
import json
import random
import statistics
import time
from typing import Any, Final, override

from custom_components.rental_units.care.habits import FIGURES, Figures
from custom_components.rental_units.care.watch import Answer, Outcome, SourceKind, Watch

from .care_people import BEGIN, DAY, HOUR, MINUTE, Kind, Life, life
from .figures import percentiles
from .homes import in_process
from .throughput import Say

#: Who is reported: no figure was chosen on them. Those who were have seeds below 1,000.
FIRST_SEED: Final = 5001
#: Every fifth has just had a child.
PERINATAL: Final = 5
#: So long after a question it is answered, if it is.
ANSWERS_AFTER: Final = 15 * MINUTE
#: Days after the first with which each window of the report begins.
WINDOWS: Final = (0, 7, 14, 28)
#: An outage lasts a day, and comes so often, in days, once habits are known.
OUTAGE_EVERY: Final = 10
HOURS: Final = 24


class Absence(StrEnum):
    """What is known of somebody who is out."""

    ANNOUNCED = "announced"
    #: The door of the flat has a sensor.
    DOOR = "door"
    UNKNOWN = "unknown"


class Outage(StrEnum):
    """What is known of a gateway that is out."""

    NONE = "none"
    NOTICED = "noticed"
    UNNOTICED = "unnoticed"


@dataclass(frozen=True, slots=True)
class Case:
    """What is tried."""

    absence: Absence = Absence.ANNOUNCED
    outage: Outage = Outage.NONE
    #: The share of questions that are answered while awake, and asleep.
    answers: tuple[float, float] = (0.8, 0.4)
    #: Signs that no sensor hears, beyond those that it never does.
    unheard: float = 0.0
    #: Others are told after so many hours, and nobody is asked; None: the watch decides.
    fixed: float | None = None


@dataclass(slots=True)
class Tally:
    """What came of it."""

    days: int = 0
    questions: int = 0
    #: Of which at night, from ten to seven.
    at_night: int = 0
    alarms: int = 0
    #: The longest of who was not believed to be out, in hours.
    worst_at_home: float = 0.0
    #: By the hour of the day in which something happened.
    delays: list[list[float]] = field(
        default_factory=lambda: [[] for _ in range(HOURS)]
    )

    def add(self, other: Tally) -> None:
        """Add another's."""
        self.days += other.days
        self.questions += other.questions
        self.at_night += other.at_night
        self.alarms += other.alarms
        self.worst_at_home = max(self.worst_at_home, other.worst_at_home)
        for mine, theirs in zip(self.delays, other.delays, strict=True):
            mine += theirs

    def figures(self) -> dict[str, Any]:
        """Return the figures of it."""
        weeks, every = (
            self.days / 7,
            sorted(row for hour in self.delays for row in hour),
        )
        return {
            "person_weeks": round(weeks, 1),
            "alarms_a_week": round(self.alarms / weeks, 3),
            "questions_a_week": round(self.questions / weeks, 3),
            "of_them_at_night": round(self.at_night / weeks, 3),
            "mean": round(statistics.fmean(every), 2),
            "p90": round(every[int(0.9 * len(every))], 2),
            "worst": round(every[-1], 2),
            "worst_at_home": round(self.worst_at_home, 2),
            "mean_by_hour": [
                round(statistics.fmean(row), 1) if row else None for row in self.delays
            ],
        }


class _What(IntEnum):
    """What happens, in the order of those at the same moment."""

    BACK = 0
    SIGN = 1
    AT_DOOR = 2
    LEAVES = 3
    LOST = 4


class _Fixed(Watch):
    """Today's practice: others are told after so many hours, and nobody is asked."""

    hours = 0.0

    @override
    def deadlines(self, now: float) -> tuple[float, float]:
        """Return when others are told, at both stages."""
        _, tell_at = Watch.deadlines(self, now)
        if self.kept.out_since is None and self.kept.left_at is None:
            tell_at = self.kept.silent_since + self.hours * HOUR
        return tell_at, tell_at


class Trial:
    """One life before one watch."""

    def __init__(self, one: Life, case: Case, figures: Figures) -> None:
        """Initialize."""
        self.life, self.case = one, case
        self.chance = random.Random(f"{case} {one.kind} {one.seed}")  # noqa: S311
        self.outages = list(self._outages())
        cls = Watch if case.fixed is None else _Fixed
        first = one.signs[0].at
        self.watch = cls.begin(first, UTC, figures)
        if isinstance(self.watch, _Fixed):
            self.watch.hours = case.fixed or 0.0
        self.kinds = {"inside": SourceKind.INSIDE, "door": SourceKind.DOOR}
        self.watch.hear_by(self.kinds, first)
        self.tallies = {begin: Tally() for begin in WINDOWS}
        for day in range(one.days - 2):
            self.tally(BEGIN + day * DAY).days += 1
        # Something may happen at any time: here in each hour of each day.
        self.mishaps = [
            at
            for day in range(one.days - 2)
            for hour in range(HOURS)
            if (at := BEGIN + day * DAY + (hour + self.chance.random()) * HOUR) > first
            and self._is_home(at)
        ]
        self._next = 0

    def tally(self, at: float) -> Tally:
        """Return where a time counts."""
        day = (at - BEGIN) // DAY
        return self.tallies[max(begin for begin in WINDOWS if begin <= max(day, 0))]

    def _outages(self) -> Iterator[tuple[float, float]]:
        if self.case.outage is Outage.NONE:
            return
        for day in range(30, self.life.days - 3, OUTAGE_EVERY):
            begin = BEGIN + (day + 0.6) * DAY
            yield begin, begin + DAY

    def _is_out(self, at: float) -> bool:
        return any(begin <= at < end for begin, end in self.outages)

    def _is_home(self, at: float) -> bool:
        return not any(left <= at < back for left, back in self.life.absences)

    def _happens(self) -> list[tuple[float, _What, float]]:
        """Return what happens in this life, in its order."""
        knows_door = self.case.absence is not Absence.UNKNOWN
        rows = [
            (row.at, _What.AT_DOOR if row.at_door and knows_door else _What.SIGN, 0.0)
            for row in self.life.signs
            if not self._is_out(row.at) and self.chance.random() >= self.case.unheard
        ]
        if self.case.absence is Absence.ANNOUNCED:
            rows += [(left, _What.LEAVES, back) for left, back in self.life.absences]
        if self.case.outage is Outage.NOTICED:
            rows += [(begin, _What.LOST, 0.0) for begin, _ in self.outages]
            rows += [(end, _What.BACK, 0.0) for _, end in self.outages]
        return sorted(rows)

    def run(self) -> dict[int, Tally]:
        """Live it; return what came of it by window."""
        before = None
        for at, what, until in self._happens():
            if before is not None:
                self._silence(before, at)
            before = at
            if what is _What.SIGN:
                self.watch.sign("inside", at)
            elif what is _What.AT_DOOR:
                self.watch.sign("door", at)
            elif what is _What.LEAVES:
                self.watch.leave(at, until)
            elif what is _What.LOST:
                self.watch.lost(self.kinds, at)
            else:
                for key in self.kinds:
                    self.watch.heard(key, at)
        return self.tallies

    def _mishaps_until(self, until: float) -> Iterator[float]:
        while self._next < len(self.mishaps) and self.mishaps[self._next] < until:
            yield self.mishaps[self._next]
            self._next += 1

    def _note(self, until: float, told_at: float, end: float) -> None:
        """Note how long after what happens until a time others are told.

        What would end in an outage is not judged: nothing is said of anybody then.
        """
        for at in self._mishaps_until(until):
            if self.watch.is_blind or (
                self._is_out(at) and self.case.outage is Outage.NOTICED
            ):
                continue
            if told_at > end and self._is_out(end):
                continue
            local = int(at % DAY // HOUR)
            delay, tally = max(0.0, told_at - at) / HOUR, self.tally(at)
            tally.delays[local].append(delay)
            kept = self.watch.kept
            # Who falls in the door is taken for somebody who goes out.
            if kept.left_at is None and kept.out_since is None:
                tally.worst_at_home = max(tally.worst_at_home, delay)

    def _silence(self, since: float, until: float) -> None:
        """Let nothing be heard until a time: questions and alarms in it are needless."""
        watch = self.watch
        next_mishap = (
            self.mishaps[self._next] if self._next < len(self.mishaps) else 0.0
        )
        if until - since < watch.habits.figures.floor * HOUR and next_mishap >= until:
            return
        while not watch.is_blind:
            now = watch.kept.silent_since
            ask_at, tell_at = watch.deadlines(now)
            self._note(min(ask_at, until), tell_at, until)
            if ask_at >= until:
                break
            tally, hour = self.tally(ask_at), ask_at % DAY / HOUR
            is_night = hour >= 22 or hour < 7
            watch.asked(ask_at)
            if self.case.fixed is None:
                tally.questions += 1
                tally.at_night += is_night
                sleeps = is_night or (
                    until % DAY / HOUR < 11 and until - since > 5 * HOUR
                )
                if self.chance.random() < self.case.answers[sleeps]:
                    answered_at = ask_at + ANSWERS_AFTER
                    self._note(min(answered_at, until), tell_at, until)
                    if answered_at >= until:
                        break
                    is_home = self._is_home(answered_at)
                    watch.answer(Answer.FINE if is_home else Answer.OUT, answered_at)
                    continue
            self._note(min(tell_at, until), tell_at, until)
            if tell_at >= until:
                break
            tally.alarms += 1
            watch.told(tell_at)
            # Somebody looks in, and says that all is well, or that nobody is at home.
            seen_at = tell_at + ANSWERS_AFTER
            self._note(min(seen_at, until), tell_at, until)
            watch.close(Outcome.NEEDLESS, min(seen_at, until))
            if seen_at >= until:
                break
            if not self._is_home(seen_at):
                watch.leave(seen_at, until)
        self._note(until, until, until)


def people(count: int, days: int, first: int = FIRST_SEED) -> list[Life]:
    """Return so many lives."""
    return [
        life(seed, Kind.PERINATAL if seed % PERINATAL == 0 else Kind.ELDER, days)
        for seed in range(first, first + count)
    ]


def tried(
    lives: Iterable[Life], case: Case, figures: Figures = FIGURES
) -> dict[int, Tally]:
    """Return what comes of a case, by window, for all of these lives."""
    total = {begin: Tally() for begin in WINDOWS}
    for one in lives:
        for begin, tally in Trial(one, case, figures).run().items():
            total[begin].add(tally)
    return total


CASES: Final = {
    "announced": Case(),
    "door": Case(absence=Absence.DOOR),
    "unknown": Case(absence=Absence.UNKNOWN),
    "nobody_answers": Case(answers=(0.0, 0.0)),
    "outages_noticed": Case(outage=Outage.NOTICED),
    "outages_unnoticed": Case(outage=Outage.UNNOTICED),
    "signs_lost_40_percent": Case(unheard=0.4),
    "fixed_8_hours": Case(fixed=8.0),
    "fixed_12_hours": Case(fixed=12.0),
}


def measure(lives: list[Life], names: Iterable[str] = CASES) -> dict[str, Any]:
    """Return the figures of each case: for all, and after four weeks by kind of people."""
    figures: dict[str, Any] = {}
    for name in names:
        by_kind = {
            kind: tried([row for row in lives if row.kind is kind], CASES[name])
            for kind in Kind
        }
        found: dict[str, Any] = {}
        for begin in WINDOWS:
            total = Tally()
            for tallies in by_kind.values():
                total.add(tallies[begin])
            found[f"from_day_{begin}"] = total.figures()
        last = WINDOWS[-1]
        for kind, tallies in by_kind.items():
            if tallies[last].days:
                found[kind] = tallies[last].figures()
        figures[name] = found
    return figures


def cost(one: Life) -> dict[str, Any]:
    """Return what a sign and a look take, in microseconds, and the bytes that are kept."""
    watch = Watch.begin(one.signs[0].at, UTC)
    watch.hear_by({"inside": SourceKind.INSIDE, "door": SourceKind.DOOR}, BEGIN)
    signs, looks = list[float](), list[float]()
    for row in one.signs:
        begun = time.perf_counter()
        watch.sign("door" if row.at_door else "inside", row.at)
        heard = time.perf_counter()
        watch.look(row.at + HOUR)
        signs.append((heard - begun) * 1e6)
        looks.append((time.perf_counter() - heard) * 1e6)
    return {
        "sign_microseconds": percentiles(signs),
        "look_microseconds": percentiles(looks),
        "bytes": len(json.dumps(watch.as_data(), separators=(",", ":"))),
    }


def measure_all(say: Say, *, persons: int, days: int) -> dict[str, Any]:
    """Return the figures, of a process of its own."""
    say(f"care: {persons} people for {days} days")
    return in_process("benchmarks.care", "--persons", str(persons), "--days", str(days))


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--persons", type=int, default=200)
    parser.add_argument("--days", type=int, default=110)
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--cases", default=",".join(CASES))
    arguments = parser.parse_args()
    begun = time.perf_counter()
    lives = people(arguments.persons, arguments.days, arguments.first_seed)
    figures = measure(lives, arguments.cases.split(","))
    print(
        json.dumps(
            {
                "persons": arguments.persons,
                "perinatal": sum(row.kind is Kind.PERINATAL for row in lives),
                "days": arguments.days,
                "first_seed": arguments.first_seed,
                "signs": sum(len(row.signs) for row in lives),
                "seconds": round(time.perf_counter() - begun, 1),
                "cost": cost(lives[0]),
                "cases": figures,
            }
        )
    )


if __name__ == "__main__":
    main()
