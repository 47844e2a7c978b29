"""Working days: the last day of a deadline, and whether that is known or assumed.

A day counts from the one after: three working days from a Friday end on the Wednesday. Days
of the calendar count as they come, and one that ends on a day off ends on that day: where
the law gives longer, what is early is early.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
import re

_DAY = timedelta(days=1)
_SATURDAY = 5
#: Days of a year, and more: a span that is longer is a slip of the pen.
_MOST_SPAN = 366

#: If a day is worked; None where nobody has said so (yet).
type Look = Callable[[date], bool | None]


@dataclass(frozen=True, slots=True)
class Deadline:
    """The last day on which something is in time."""

    day: date
    #: A day on the way to it is only assumed to be worked, or off.
    is_assumed: bool


@dataclass(frozen=True, slots=True)
class WorkingDays:
    """The working days of a property: of its country, and as its own notices say.

    Where neither says anything, Monday to Friday are assumed.
    """

    look: Look = lambda _day: None
    #: Days that the property says itself, and if they are worked.
    own: Mapping[date, bool] = field(default_factory=dict)

    def known(self, day: date) -> bool | None:
        """Return if a day is worked; None where that is not known."""
        if (said := self.own.get(day, self.look(day))) is not None:
            return said
        # A notice is for a whole year: what it does not name is as always.
        is_noticed = any(row.year == day.year for row in self.own)
        return day.weekday() < _SATURDAY if is_noticed else None

    def is_worked(self, day: date) -> bool:
        """Return if a day is worked, as far as anybody knows."""
        known = self.known(day)
        return day.weekday() < _SATURDAY if known is None else known

    def after(self, begin: date, count: int) -> Deadline:
        """Return the last of so many working days after a day."""
        day, is_assumed = begin, False
        while count:
            day += _DAY
            is_assumed = is_assumed or self.known(day) is None
            count -= self.is_worked(day)
        return Deadline(day, is_assumed)

    def left(self, today: date, last: date) -> int:
        """Return how many working days are left after today, the last one included.

        Below zero: so many have gone by since.
        """
        begin, end = sorted((today, last))
        days = (end - begin).days
        worked = sum(self.is_worked(begin + _DAY * row) for row in range(1, days + 1))
        return worked if last >= today else -worked


def calendar_days(begin: date, count: int) -> Deadline:
    """Return the last of so many days after a day, whatever days they are."""
    return Deadline(begin + _DAY * count, is_assumed=False)


def parse_days(text: str) -> Iterator[date]:
    """Yield the days of a text: 2027-02-05, or 2027-02-05/2027-02-11. Raises ValueError."""
    for part in filter(None, re.split(r"[\s,;，；、]+", text)):
        first, _, last = part.partition("/")
        begin = date.fromisoformat(first)
        end = date.fromisoformat(last) if last else begin
        if not 0 <= (end - begin).days < _MOST_SPAN:
            raise ValueError(part)
        for row in range((end - begin).days + 1):
            yield begin + _DAY * row
