"""What is usual for somebody: by which time after a last sign of life the next one has come.

Time is cut into quarter hours of the local clock. Of each of the last days two rows of bits are
kept: in which quarters there was a sign, and which could not be seen. No time of an event is
kept, a sign costs one bit, and what is older than the window falls out.

The clock time of a last sign is looked up on each known day: how long was it until the next sign?
All but a share of the days say by when somebody *usually* has stirred; a margin later they
are asked. One assumed day is among them, so there is an answer on the first day, and a few days
do not outvote it. Each needless question moves the margin up, each quiet day a little back
(the online correction of a threshold: Gibbs and Candès, 2021), so that the questions settle at a
rate, whatever somebody's life is like.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final, Self

#: Quarter hours of a day, and seconds of one.
QUARTERS: Final = 96
QUARTER: Final = 900
_HOUR: Final = 3600.0
_DAY_BITS: Final = (1 << QUARTERS) - 1
_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of the rule, in hours unless they say otherwise.

    Chosen with `scripts/benchmark --only care` on people whom the reported ones are not among.
    """

    #: Days that are looked back on.
    days: int = 28
    #: A silence is measured from so long after the sign: who was up then is not back at once.
    shift: float = 1.0
    #: The share of days that may be later than what is called usual.
    share: float = 0.1
    #: So long after the usual time somebody is asked.
    margin: float = 1.5
    #: Time to answer.
    answer: float = 0.5
    #: Nobody is asked sooner after a sign.
    floor: float = 2.0
    #: Others are told so long after the last sign at the latest, whatever is usual.
    limit: float = 12.0
    #: A needless question moves the margin so far up, once a day; the rate that results
    #: is about so many questions in a week.
    step: float = 0.75
    weekly: float = 0.4
    #: How far the margin may be moved.
    least: float = -0.5
    most: float = 5.0
    #: The assumed day: a sign at least so often, in bed from and to these hours.
    assumed_wait: float = 2.0
    assumed_bed: float = 21.0
    assumed_wake: float = 8.0


FIGURES: Final = Figures()


@dataclass(frozen=True, slots=True)
class Usual:
    """By when somebody has usually stirred, and on how many days of those that are known."""

    #: Unix time.
    by: float
    on_days: int
    #: None are known: it is assumed.
    of_days: int


@dataclass(slots=True)
class Habits:
    """The habits of one person; times are Unix times, days and quarters those of their clock."""

    figures: Figures = FIGURES
    #: The ordinal of the day that the rows of bits begin with; 0: there was no sign yet.
    first: int = 0
    signs: int = 0
    hidden: int = 0
    #: Hours that the margin was moved by needless questions, and the last day that counts.
    moved: float = 0.0
    moved_on: int = 0
    needless_on: int = 0

    # What is learned

    def sign(self, at: float, zone: tzinfo) -> None:
        """Learn a sign of life. What is older than the window changes nothing."""
        day, quarter = day_and_quarter(at, zone)
        self._advance(day)
        if day >= self.first:
            self.signs |= 1 << (day - self.first) * QUARTERS + quarter

    def hide(self, since: float, until: float, zone: tzinfo) -> None:
        """Do not learn from a time in which nobody was there or nothing could be seen."""
        if until <= since:
            return
        first_day, first = day_and_quarter(since, zone)
        last_day, last = day_and_quarter(until, zone)
        self._advance(last_day)
        # The quarters at both ends are only hidden in part, and their signs count.
        begin = max(0, (first_day - self.first) * QUARTERS + first + 1)
        end = (last_day - self.first) * QUARTERS + last
        if end > begin:
            self.hidden |= (1 << end) - (1 << begin)

    def needless(self, at: float, zone: tzinfo) -> bool:
        """Learn that a question was needless; return if that moves the margin.

        It does once a day: a bad day is one bad day.
        """
        day, _ = day_and_quarter(at, zone)
        self._fade(day)
        if day <= self.needless_on:
            return False
        self.needless_on = day
        self.moved = min(self.figures.most, self.moved + self.figures.step)
        return True

    def _advance(self, day: int) -> None:
        """Let the window end with a day, if it does not reach it yet."""
        if not self.first:
            self.first = day
        # What comes behind the first is the oldest day whose silence may end on this one.
        behind = day - self.figures.days - self.first
        if behind > 0:
            self.signs >>= behind * QUARTERS
            self.hidden >>= behind * QUARTERS
            self.first += behind
        self._fade(day)

    def _fade(self, day: int) -> None:
        """Let each day that has passed take the margin a little back."""
        if not self.moved_on:
            self.moved_on = day
        if (passed := day - self.moved_on) > 0:
            by = passed * self.figures.step * self.figures.weekly / 7
            self.moved = max(self.figures.least, self.moved - by)
            self.moved_on = day

    # What is asked

    def waits(self, quarter: int, day: int) -> list[int]:
        """Return how many quarters it was from a clock time to the next sign, the longest first.

        Of each known day before this one. A silence that reaches the limit was one in which
        others were told: it is never learned as usual.
        """
        longest, found = round(self.figures.limit * 4), list[int]()
        end = min(day - self.first, self.figures.days + 1)
        for row in range(max(0, day - self.figures.days - self.first), end):
            begin = row * QUARTERS
            # A day without any sign tells nothing: nobody knows that it was seen.
            if not self.signs >> begin & _DAY_BITS:
                continue
            start = begin + quarter
            rest = self.signs >> start + 1
            if not rest or self.hidden >> start & 1:
                continue
            wait = (rest & -rest).bit_length()
            # It ends when a hidden time does: nobody knows when they have stirred.
            if not self.hidden >> start + wait - 1 & 1 and wait < longest:
                found.append(wait + 1)
        found.sort(reverse=True)
        return found

    def _assumed(self, quarter: int) -> int:
        """Return the wait of the assumed day, in quarters."""
        rule, hour = self.figures, quarter / 4
        wake = rule.assumed_wake + (24 if hour >= rule.assumed_bed else 0)
        return round(max(rule.assumed_wait, wake - hour) * 4)

    def usual_hours(self, last: float, zone: tzinfo) -> float:
        """Return the hours after a sign by which somebody has usually stirred, the shift among them."""
        rule = self.figures
        day, quarter = day_and_quarter(last, zone)
        quarter = (quarter + round(rule.shift * 4)) % QUARTERS
        known = self.waits(quarter, day)
        rank = int(rule.share * len(known))
        known.append(self._assumed(quarter))
        known.sort(reverse=True)
        return rule.shift + known[rank] / 4

    def ask_at(self, last: float, zone: tzinfo, later: float = 0.0) -> float:
        """Return when somebody is asked whose last sign this was; `later` is what they wish, in hours."""
        rule = self.figures
        hours = self.usual_hours(last, zone) + rule.margin + self.moved + later
        most = rule.limit - rule.answer
        return _after(last, min(max(hours, rule.floor), most), most, zone)

    def usual(self, last: float, zone: tzinfo) -> Usual:
        """Return by when somebody has usually stirred, to be shown: nothing decides by it."""
        day, quarter = day_and_quarter(last, zone)
        known = self.waits(quarter, day)
        wait = (
            known[int(self.figures.share * len(known))]
            if known
            else self._assumed(quarter)
        )
        begin = last - last % QUARTER
        return Usual(
            _after(begin, wait / 4, self.figures.limit, zone),
            sum(row <= wait for row in known),
            len(known),
        )

    def usual_day(self, day: int) -> list[float | None]:
        """Return the share of known days with a sign, by quarter before a day; None: not known."""
        seen, known = [0] * QUARTERS, [0] * QUARTERS
        for row in range(max(0, min(day - self.first, self.figures.days + 1))):
            signs = self.signs >> row * QUARTERS & _DAY_BITS
            hidden = self.hidden >> row * QUARTERS & _DAY_BITS
            if not signs:
                continue
            for quarter in range(QUARTERS):
                if not hidden >> quarter & 1:
                    known[quarter] += 1
                    seen[quarter] += signs >> quarter & 1
        return [one / of if of else None for one, of in zip(seen, known, strict=True)]

    def day(self, day: int) -> list[bool | None]:
        """Return in which quarters of a day there was a sign; None: it could not be seen."""
        row = day - self.first
        if not 0 <= row <= self.figures.days + 1:
            return [None] * QUARTERS
        signs, hidden = (
            bits >> row * QUARTERS & _DAY_BITS for bits in (self.signs, self.hidden)
        )
        return [
            True if signs >> quarter & 1 else None if hidden >> quarter & 1 else False
            for quarter in range(QUARTERS)
        ]

    # As it is kept

    def as_data(self) -> dict[str, Any]:
        """Return it for a file."""
        return {
            "version": _VERSION,
            "first": self.first,
            "signs": f"{self.signs:x}",
            "hidden": f"{self.hidden:x}",
            "moved": self.moved,
            "moved_on": self.moved_on,
            "needless_on": self.needless_on,
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any], figures: Figures = FIGURES) -> Self:
        """Return what `as_data` has returned. Raises KeyError, TypeError or ValueError."""
        if data["version"] != _VERSION:
            raise ValueError("habits of another version")
        return cls(
            figures,
            int(data["first"]),
            int(data["signs"], 16),
            int(data["hidden"], 16),
            float(data["moved"]),
            int(data["moved_on"]),
            int(data["needless_on"]),
        )


def day_and_quarter(at: float, zone: tzinfo) -> tuple[int, int]:
    """Return the day of a Unix time by its ordinal, and the quarter hour of that day."""
    local = datetime.fromtimestamp(at, zone)
    return local.toordinal(), local.hour * 4 + local.minute // 15


def _after(at: float, hours: float, most: float, zone: tzinfo) -> float:
    """Return the time so many hours later by the clock on the wall, as habits go.

    When the clock is changed in between, no more than `most` true hours pass.
    """
    local = datetime.fromtimestamp(at, UTC).astimezone(zone).replace(tzinfo=None)
    later = (local + timedelta(hours=hours)).replace(tzinfo=zone).timestamp()
    return min(max(later, at), at + most * _HOUR)
