"""The table of criteria: what is judged, by what, and what follows from how much of it.

It is the authority's, and none is ours: what ships is an example that says so. A table that
is wrong anywhere is refused as a whole.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
import re
from types import MappingProxyType
from typing import Any, Final

from ..const import LANGUAGES
from ..reports.const import Category
from .canonical import canonical, digest, number, rounded
from .const import MOST_CHECKS, MOST_CRITERIA, MOST_POINTS, Effect, Head, Source
from .tree import Tree

type Words = Mapping[str, str]

_ID: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_MONTH: Final = re.compile(r"(20[0-9][0-9])-(0[1-9]|1[0-2])")
_NOUGHT: Final = Decimal(0)
_MOST_AMOUNT: Final = Decimal(1_000_000)
#: Severities of alarms, as Community Safety has them, and what a hazard may be called.
_SEVERITIES: Final = ("alarm", "warning", "fault")
_HAZARD: Final = re.compile(r"[a-z][a-z0-9_]{0,59}")
_MOST_HAZARDS: Final = 50
_MOST_SECONDS: Final = 31 * 86_400


@dataclass(frozen=True, slots=True)
class Rule:
    """How the amount of something comes to cases."""

    source: Source
    #: What narrows the source down: `seconds`, `severity`, `hazards`, `categories`.
    options: Mapping[str, Any]
    #: Whether it is counted for each 1,000 households.
    per_1000_households: bool
    #: Every whole `per` above `above`, or below `below`, is a case.
    per: Decimal
    above: Decimal | None
    below: Decimal | None

    def normalised(self, amount: Decimal, households: int | None) -> Decimal | None:
        """Return an amount as it is judged; None where nobody knows how many households."""
        if not self.per_1000_households:
            return amount
        if not households:
            return None
        return rounded(amount * 1000 / Decimal(households))

    def cases(self, amount: Decimal) -> int:
        """Return how many cases a normalised amount comes to."""
        if self.below is not None:
            beyond = self.below - amount
        else:
            beyond = amount - (self.above or _NOUGHT)
        return max(0, int(Fraction(beyond) // Fraction(self.per)))

    def as_data(self) -> dict[str, Any]:
        """Return it for a record."""
        edge = {"above": self.above, "below": self.below}
        return {
            "fact": self.source,
            "per": number(self.per),
            "per_1000_households": self.per_1000_households,
            **{key: number(value) for key, value in edge.items() if value is not None},
            **self.options,
        }


@dataclass(frozen=True, slots=True)
class Criterion:
    """Something that is judged."""

    id: str
    head: Head
    effect: Effect
    title: Words
    #: What is to be shown for it.
    evidence: Words
    #: The points of a case: from and to which; both are the same where they are fixed.
    points: tuple[Decimal, Decimal]
    #: All that it can come to in a month.
    most: Decimal | None
    #: None: people enter its cases.
    rule: Rule | None

    @property
    def is_fixed(self) -> bool:
        """Return if each case has the same points."""
        return self.points[0] == self.points[1]

    def as_data(self) -> dict[str, Any]:
        """Return it for a record."""
        least, most = map(number, self.points)
        return {
            "id": self.id,
            "head": self.head,
            "effect": self.effect,
            "title": dict(self.title),
            **({"evidence": dict(self.evidence)} if self.evidence else {}),
            "points": least if self.is_fixed else [least, most],
            **({"most": number(self.most)} if self.most is not None else {}),
            **({"source": self.rule.as_data()} if self.rule else {}),
        }


@dataclass(frozen=True, slots=True)
class Check:
    """Something that is looked at on a day of the month."""

    id: str
    title: Words
    day: int
    #: Empty: in all.
    months: tuple[int, ...]

    def as_data(self) -> dict[str, Any]:
        """Return it for a record."""
        months = {"months": list(self.months)} if self.months else {}
        return {"id": self.id, "title": dict(self.title), "day": self.day, **months}


@dataclass(frozen=True, slots=True)
class Ranking:
    """What follows from the scores of a quarter, and of half a year."""

    #: Months of a quarter that must have a score, and properties that are ranked at least.
    least_months: int
    least_properties: int
    #: On the red list: this rank or better, with this score at least.
    red_places: int
    red_score: Decimal
    #: On the black list: below this score.
    black_score: Decimal
    #: Elimination is proposed after so many quarters in a row on the black list.
    eliminate_after: int
    #: Awards of half a year: so many places, with this score at least, and only with fewer
    #: police calls and disputes than a year before if so wanted.
    award_places: int
    award_score: Decimal
    award_double_drop: bool

    def as_data(self) -> dict[str, Any]:
        """Return it for a record."""
        return {
            "least_months": self.least_months,
            "least_properties": self.least_properties,
            "red": {"places": self.red_places, "score": number(self.red_score)},
            "black": {"score": number(self.black_score)},
            "elimination": {"quarters": self.eliminate_after},
            "award": {
                "places": self.award_places,
                "score": number(self.award_score),
                "double_drop": self.award_double_drop,
            },
        }


@dataclass(frozen=True, slots=True)
class Catalogue:
    """A version of the table."""

    name: Words
    version: str
    #: It is nobody's but ours, and to be looked at: what is scored by it says so.
    is_example: bool
    #: The first month that it is for: 2027-01.
    first_month: str
    #: Points of each head. Together they are what a month begins with; no head loses more.
    heads: Mapping[Head, Decimal]
    #: All bonuses of a month together.
    most_bonus: Decimal
    criteria: tuple[Criterion, ...]
    checks: tuple[Check, ...]
    ranking: Ranking

    @property
    def base(self) -> Decimal:
        """Return what a month begins with."""
        return sum(self.heads.values(), _NOUGHT)

    @property
    def by_id(self) -> Mapping[str, Criterion]:
        """Return the criteria by their ids."""
        return {row.id: row for row in self.criteria}

    def as_data(self) -> dict[str, Any]:
        """Return it for a record: `parse` makes the same of it."""
        return {
            "name": dict(self.name),
            "version": self.version,
            "example": self.is_example,
            "first_month": self.first_month,
            "heads": {head: number(points) for head, points in self.heads.items()},
            "most_bonus": number(self.most_bonus),
            "criteria": [row.as_data() for row in self.criteria],
            "checks": [row.as_data() for row in self.checks],
            "ranking": self.ranking.as_data(),
        }

    @property
    def digest(self) -> str:
        """Return what it is known by: another word or point is another one."""
        return digest(canonical(self.as_data()))


def in_language(words: Words, language: str) -> str:
    """Return words in a language, or in the first that they have."""
    for known in (language, *LANGUAGES):
        if known in words:
            return words[known]
    return ""


def parse(tree: Tree) -> Catalogue:
    """Return the table that a file says. Raises TreeError with what is wrong where."""
    tree.mapping(
        *("name", "version", "example", "first_month", "heads", "most_bonus"),
        *("criteria", "checks", "ranking"),
    )
    example, checks = tree.get("example"), tree.get("checks")
    catalogue = Catalogue(
        name=_words(tree["name"]),
        version=tree["version"].text(40),
        is_example=example.truth() if example else False,
        first_month=_month(tree["first_month"]),
        heads=_heads(tree["heads"]),
        most_bonus=tree["most_bonus"].number(_NOUGHT, MOST_POINTS),
        criteria=tuple(
            _criterion(row) for row in tree["criteria"].items(MOST_CRITERIA)
        ),
        checks=tuple(_check(row) for row in checks.items(MOST_CHECKS))
        if checks
        else (),
        ranking=_ranking(tree["ranking"]),
    )
    if not catalogue.criteria:
        raise tree["criteria"].wrong("missing")
    for part, ids in (
        ("criteria", [row.id for row in catalogue.criteria]),
        ("checks", [row.id for row in catalogue.checks]),
    ):
        for place, name in enumerate(ids):
            if name in ids[:place]:
                raise [*tree[part].items(MOST_CRITERIA)][place]["id"].wrong("twice")
    return catalogue


def _words(tree: Tree) -> Words:
    """Return words by language. A text without one is in all."""
    if not isinstance(tree.value, Mapping):
        return MappingProxyType(dict.fromkeys(LANGUAGES, tree.text()))
    tree.mapping(*LANGUAGES)
    found = {row: tree[row].text() for row in LANGUAGES if tree.has(row)}
    if not found:
        raise tree.wrong("missing")
    return MappingProxyType(found)


def _id(tree: Tree) -> str:
    name = tree.text(40)
    if not _ID.fullmatch(name):
        raise tree.wrong("not_id")
    return name


def _month(tree: Tree) -> str:
    text = tree.text(7)
    if not _MONTH.fullmatch(text):
        raise tree.wrong("not_month")
    return text


def _heads(tree: Tree) -> Mapping[Head, Decimal]:
    tree.mapping(*Head)
    heads = {head: tree[head].number(_NOUGHT, MOST_POINTS) for head in Head}
    if not sum(heads.values()):
        raise tree.wrong("missing")
    return MappingProxyType(heads)


def _criterion(tree: Tree) -> Criterion:
    tree.mapping(
        *("id", "head", "effect", "title", "evidence", "points", "most", "source")
    )
    most, source, evidence = tree.get("most"), tree.get("source"), tree.get("evidence")
    effect = Effect(tree["effect"].word(list(Effect)))
    if effect is Effect.BONUS and most is None:
        raise tree.wrong("uncapped")
    criterion = Criterion(
        id=_id(tree["id"]),
        head=Head(tree["head"].word(list(Head))),
        effect=effect,
        title=_words(tree["title"]),
        evidence=_words(evidence) if evidence else {},
        points=_points(tree["points"]),
        most=most.number(_NOUGHT, MOST_POINTS) if most else None,
        rule=_rule(source) if source else None,
    )
    if criterion.rule and not criterion.is_fixed:
        # Nobody is there to say how many of them.
        raise tree["points"].wrong("not_fixed")
    return criterion


def _points(tree: Tree) -> tuple[Decimal, Decimal]:
    least = Decimal("0.01")
    if not isinstance(tree.value, list):
        fixed = tree.number(least, MOST_POINTS)
        return fixed, fixed
    found = [row.number(least, MOST_POINTS) for row in tree.items(2)]
    if len(found) != 2 or found[0] > found[1]:
        raise tree.wrong("not_range")
    return found[0], found[1]


#: What narrows a source down, and must be said of it.
_OPTIONS: Final[Mapping[Source, tuple[str, ...]]] = {
    Source.LATE_RESPONSES: ("seconds", "severity"),
    Source.LATE_CLOSURES: ("seconds", "severity"),
    Source.FAULT_DAYS: ("hazards",),
    Source.OVERDUE_HAZARDS: ("categories",),
}


def _rule(tree: Tree) -> Rule:
    known = ("fact", "above", "below", "per", "per_1000_households")
    options = sorted({name for names in _OPTIONS.values() for name in names})
    tree.mapping(*known, *options)
    source = Source(tree["fact"].word(list(Source)))
    tree.mapping(*known, *_OPTIONS.get(source, ()))
    above, below, per = tree.get("above"), tree.get("below"), tree.get("per")
    if above and below:
        raise below.wrong("both_edges")
    normalised = tree.get("per_1000_households")
    if normalised and normalised.truth() and source is Source.DOUBLE_DROP:
        raise normalised.wrong("not_counted")
    return Rule(
        source,
        MappingProxyType(_options(tree, source)),
        normalised.truth() if normalised else False,
        per.number(Decimal("0.01"), _MOST_AMOUNT) if per else Decimal(1),
        above.number(_NOUGHT, _MOST_AMOUNT) if above else None,
        below.number(_NOUGHT, _MOST_AMOUNT) if below else None,
    )


def _options(tree: Tree, source: Source) -> dict[str, Any]:
    wanted = _OPTIONS.get(source, ())
    found: dict[str, Any] = {}
    if "seconds" in wanted:
        found["seconds"] = tree["seconds"].whole(1, _MOST_SECONDS)
    if "severity" in wanted:
        rows = tree["severity"].items(len(_SEVERITIES))
        found["severity"] = sorted({row.word(_SEVERITIES) for row in rows})
    if "hazards" in wanted and (hazards := tree.get("hazards")):
        names = {row.text(60): row for row in hazards.items(_MOST_HAZARDS)}
        for name, row in names.items():
            if not _HAZARD.fullmatch(name):
                raise row.wrong("not_id")
        found["hazards"] = sorted(names)
    if "categories" in wanted and (categories := tree.get("categories")):
        rows = categories.items(len(Category))
        found["categories"] = sorted({row.word(list(Category)) for row in rows})
    for name, values in found.items():
        if values == []:
            raise tree[name].wrong("missing")
    return found


def _check(tree: Tree) -> Check:
    tree.mapping("id", "title", "day", "months")
    months = tree.get("months")
    return Check(
        _id(tree["id"]),
        _words(tree["title"]),
        tree["day"].whole(1, 31),
        tuple(sorted({row.whole(1, 12) for row in months.items(12)})) if months else (),
    )


def _ranking(tree: Tree) -> Ranking:
    tree.mapping(
        *("least_months", "least_properties", "red", "black", "elimination", "award")
    )
    red = tree["red"].mapping("places", "score")
    award = tree["award"].mapping("places", "score", "double_drop")
    double_drop = award.get("double_drop")
    most = MOST_POINTS * (len(Head) + 1)
    return Ranking(
        least_months=tree["least_months"].whole(1, 3),
        least_properties=tree["least_properties"].whole(1, 1000),
        red_places=red["places"].whole(0, 1000),
        red_score=red["score"].number(_NOUGHT, most),
        black_score=tree["black"].mapping("score")["score"].number(_NOUGHT, most),
        eliminate_after=tree["elimination"]
        .mapping("quarters")["quarters"]
        .whole(1, 20),
        award_places=award["places"].whole(0, 1000),
        award_score=award["score"].number(_NOUGHT, most),
        award_double_drop=double_drop.truth() if double_drop else False,
    )
