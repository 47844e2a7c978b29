"""Queries about what was seen. Each is a read of where somebody was, and audited as such."""

from collections.abc import Sequence
from dataclasses import dataclass
import math
from typing import Any, Final, Self, override

from sqlalchemy import ColumnElement, select, true

from homeassistant.util.json import JsonValueType

from ..access_control import numbers
from ..access_control.models import Card
from ..register.models import Person
from ..sightings.models import SeenNumber, Sighting, Source
from .reading import moment
from .work import Command, Work, refused

type Answer = dict[str, JsonValueType]

#: Rows of one answer, and the days that one may be about: nobody is to be followed by this.
MOST_ROWS: Final = 200
MOST_DAYS: Final = 7


@dataclass(frozen=True, slots=True)
class _Row:
    """Where a page ends: the time of its last row, and what tells this from others of then."""

    at: float
    source_id: int
    event_id: str

    @classmethod
    def of(cls, row: Sighting) -> Self:
        return cls(row.at, row.source_id, row.event_id)

    @classmethod
    def read(cls, text: str) -> Self:
        """Return what `write` has written. Raises ServiceValidationError."""
        try:
            at, source_id, event_id = text.split(" ", 2)
            row = cls(float(at), int(source_id), event_id)
        except ValueError:
            raise refused("passages_no_page") from None
        if not math.isfinite(row.at):
            raise refused("passages_no_page")
        return row

    def write(self) -> str:
        return f"{self.at!r} {self.source_id} {self.event_id}"

    def is_before(self, source_id: int) -> ColumnElement[bool]:
        """Return the condition of what comes after this row at a source: it was seen before."""
        if source_id < self.source_id:
            return Sighting.at <= self.at
        earlier = Sighting.at < self.at
        if source_id > self.source_id:
            return earlier
        return earlier | (
            (Sighting.at == self.at) & (Sighting.event_id < self.event_id)
        )


@dataclass(frozen=True, slots=True)
class GetPassages(Command[Answer]):
    """Return who passed at a door, or at any of a controller: the newest first.

    Says if there is more, and how to ask for it: `next` is the `page` that follows. Boards
    tell whole seconds, and a gate has many in one: a time alone would not say where it is.
    """

    name = "get_passages"
    device_id: str
    #: Unix times: from the first until before the last.
    since: float
    until: float
    door: str | None = None
    page: str | None = None

    @override
    def run(self, work: Work) -> Answer:
        last = _Row.read(self.page) if self.page else None
        if not self.since < self.until:
            raise refused("passages_no_time")
        if self.until - self.since > MOST_DAYS * 86_400:
            raise refused("passages_too_long", days=str(MOST_DAYS))
        work.audit()
        sources = select(Source).where(Source.device_id == self.device_id)
        if self.door is not None:
            sources = sources.where(Source.channel == self.door)
        # Of each door by its index: a gate has hundreds of thousands to be sorted else.
        rows = [
            (sighting, source.channel, kind, digits, person)
            for source in work.session.scalars(sources).all()
            for sighting, kind, digits, person in self._of(work, source, last)
        ]
        # In the order of the database where one door has seen several in a moment: what comes
        # first among letters and digits it decides itself.
        rows.sort(key=lambda row: (row[0].at, row[0].source_id), reverse=True)
        more = len(rows) > MOST_ROWS
        shown = rows[:MOST_ROWS]
        for person_id in {person.id for *_, person in shown if person}:
            work.audit(person_id=person_id)
        passages: list[JsonValueType] = [
            {
                "at": moment(sighting.at),
                "door": channel,
                "decision": sighting.decision,
                "granted": sighting.granted,
                "inwards": sighting.inwards,
                "medium": kind,
                "card_number": numbers.mask(digits or ""),
                "card_id": sighting.card_id,
                "person_id": person.id if person else None,
                "name": work.named(person.name, None) if person else None,
            }
            for sighting, channel, kind, digits, person in shown
        ]
        return {
            "passages": passages,
            "more": more,
            "next": _Row.of(shown[-1][0]).write() if more else None,
        }

    def _of(self, work: Work, source: Source, last: _Row | None) -> Sequence[Any]:
        """Return what was seen at one door, with the holder of the card; before a row."""
        return work.session.execute(
            select(Sighting, SeenNumber.kind, SeenNumber.digits, Person)
            .outerjoin(SeenNumber, SeenNumber.id == Sighting.number_id)
            .outerjoin(Card, Card.id == Sighting.card_id)
            .outerjoin(Person, Person.id == Card.person_id)
            .where(
                Sighting.source_id == source.id,
                Sighting.at >= self.since,
                Sighting.at < self.until,
                last.is_before(source.id) if last else true(),
            )
            .order_by(Sighting.at.desc(), Sighting.event_id.desc())
            .limit(MOST_ROWS + 1)
        ).all()
