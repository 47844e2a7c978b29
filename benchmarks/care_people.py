"""Lives of people who live alone, made up by chance: what sensors in a flat hear of them.

Everybody has habits of their own: when they get up and go to bed, naps, evenings without a move,
visits to the bathroom, errands, holidays, days in bed, and more or fewer sensors. Who has just
had a child is up every few hours of the night. No figure is of anybody: they are spread as wide
as public data sets of older people's homes show them to be. A seed always makes the same life.
"""

from dataclasses import dataclass
from enum import StrEnum
import math
import random
from typing import Final

MINUTE: Final = 60.0
HOUR: Final = 3600.0
DAY: Final = 86_400.0
#: A Monday, at midnight UTC, which is the clock of everybody here.
BEGIN: Final = 1_736_121_600.0


class Kind(StrEnum):
    """Kinds of people."""

    ELDER = "elder"
    #: Within some weeks of a birth.
    PERINATAL = "perinatal"


@dataclass(frozen=True, slots=True)
class Sign:
    """What is heard: when, and if at the door of the flat."""

    at: float
    at_door: bool = False


@dataclass(frozen=True, slots=True)
class Life:
    """What is heard of somebody, and when they really are out."""

    seed: int
    kind: Kind
    days: int
    signs: list[Sign]
    absences: list[tuple[float, float]]


class _Living:
    """Somebody, while their life is made up."""

    def __init__(self, seed: int, kind: Kind, days: int) -> None:
        """Let chance decide on their habits."""
        self.chance = chance = random.Random(f"{kind} {seed}")  # noqa: S311
        self.is_parent = kind is Kind.PERINATAL
        self.up, self.bed = chance.uniform(5.3, 8.3), chance.uniform(20.7, 23.5)
        self.up_varies, self.bed_varies = (
            chance.uniform(0.25, 0.8),
            chance.uniform(0.3, 0.8),
        )
        #: Between moves while they are up: the median in minutes, and how it spreads.
        self.move, self.move_varies = chance.uniform(6, 20), chance.uniform(0.8, 1.15)
        self.sits = chance.uniform(0.02, 0.08)
        self.naps = chance.choice((0, 0.2, 0.6, 0.9))
        self.bathroom = chance.choice((0.3, 1, 2, 3))
        self.errands = chance.uniform(0.5, 2.2)
        #: The share of moves that a sensor is there for.
        self.seen = chance.choice((1.0, 1.0, 0.6, 0.35))
        self.holiday = range(0)
        if chance.random() < 0.5:
            first = chance.randrange(40, max(41, days - 10))
            self.holiday = range(first, first + chance.randint(2, 6))
        self.signs: list[Sign] = []
        self.absences: list[tuple[float, float]] = []

    def stir(self, at: float) -> None:
        """Move about for a minute or two, if anything sees it."""
        if self.chance.random() < self.seen:
            for _ in range(self.chance.randint(1, 6)):
                self.signs.append(Sign(at + self.chance.expovariate(1 / MINUTE)))

    def pass_door(self, at: float) -> None:
        """Open and close the door of the flat."""
        self.signs += (Sign(at, at_door=True), Sign(at + 5, at_door=True))

    def night(self, since: float, until: float) -> None:
        """Sleep, but for what gets people up."""
        chance = self.chance
        if self.is_parent:
            at = since + chance.uniform(1.5, 3.5) * HOUR
            while at < until:
                self.stir(at)
                self.stir(at + chance.uniform(5, 25) * MINUTE)
                at += chance.uniform(1.7, 4.2) * HOUR
            return
        for _ in range(4):
            if chance.random() < self.bathroom / 4:
                at = chance.uniform(since + HOUR, max(since + HOUR, until - HOUR / 2))
                self.stir(at)
                self.stir(at + 4 * MINUTE)

    def waking(
        self, midnight: float, since: float, until: float, is_ill: bool
    ) -> float:
        """Be up: move, sit, nap, and go out; return when they are in bed."""
        chance, at = self.chance, since
        stays_in = is_ill or (self.is_parent and chance.random() < 0.6)
        count = sum(chance.random() < self.errands / 3 for _ in range(3))
        errands = sorted(
            midnight + chance.uniform(8.5, 17.5) * HOUR
            for _ in range(0 if stays_in else count)
        )
        nap = math.inf
        if chance.random() < self.naps:
            nap = midnight + chance.gauss(13.3, 0.5) * HOUR
        self.stir(at)
        while at < until:
            if errands and at >= errands[0]:
                del errands[0]
                back = at + min(9, chance.lognormvariate(math.log(1.2), 0.75)) * HOUR
                self.pass_door(at)
                self.absences.append((at + 5, back))
                self.pass_door(back)
                at = back + MINUTE
                continue
            if at >= nap:
                nap = math.inf
                at += min(4, chance.lognormvariate(math.log(1.1), 0.45)) * HOUR
            elif chance.random() < self.sits:
                at += min(4.5, chance.lognormvariate(math.log(1.2), 0.5)) * HOUR
            else:
                slow = 4 if is_ill else 1
                at += (
                    chance.lognormvariate(math.log(self.move * slow), self.move_varies)
                    * MINUTE
                )
            self.stir(at)
        # Who sits long, or comes home late, goes to bed late.
        return max(until, at + 10 * MINUTE)


def life(seed: int, kind: Kind, days: int) -> Life:
    """Return the life of somebody."""
    one = _Living(seed, kind, days)
    chance, in_bed = one.chance, BEGIN + (one.bed - 24) * HOUR
    left = None
    for day in range(days):
        midnight, odd = BEGIN + day * DAY, chance.random()
        # Some days are odd: a long lie-in, a late evening, a day in bed.
        late = chance.uniform(1, 3) if odd < 0.025 else 0
        long = chance.uniform(1, 2.5) if 0.03 < odd < 0.06 else 0
        up = midnight + max(4.2, one.up + chance.gauss(0, one.up_varies) + late) * HOUR
        bed = midnight + (one.bed + chance.gauss(0, one.bed_varies) + long) * HOUR
        if day in one.holiday:
            if left is None:
                left = in_bed
                one.pass_door(left)
            in_bed = bed
            continue
        if left is not None:
            one.pass_door(up)
            one.absences.append((left + 5, up))
            left = None
        else:
            one.night(in_bed, up)
        bed = one.waking(midnight, up, bed, is_ill=0.06 < odd < 0.07)
        if not one.is_parent:
            one.signs.append(Sign(bed))
        in_bed = bed
    return Life(
        seed, kind, days, sorted(one.signs, key=lambda row: row.at), one.absences
    )
