"""Queries about what was seen. Each is a read of where somebody was, and audited as such."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, override

from sqlalchemy import select

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
class GetPassages(Command[Answer]):
    """Return who passed at a door, or at any of a controller: the newest first.

    Says if there is more: before the time of the last row, because what was seen in one
    moment is not parted.
    """

    name = "get_passages"
    device_id: str
    #: Unix times: from the first until before the last.
    since: float
    until: float
    door: str | None = None

    @override
    def run(self, work: Work) -> Answer:
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
            for sighting, kind, digits, person in self._of(work, source)
        ]
        rows.sort(key=lambda row: (row[0].at, row[0].event_id), reverse=True)
        more = len(rows) > MOST_ROWS
        shown = rows[:MOST_ROWS]
        if more:
            parted = rows[MOST_ROWS][0].at
            shown = [row for row in shown if row[0].at != parted] or shown
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
        return {"passages": passages, "more": more}

    def _of(self, work: Work, source: Source) -> Sequence[Any]:
        """Return what was seen at one door, with the holder of the card."""
        return work.session.execute(
            select(Sighting, SeenNumber.kind, SeenNumber.digits, Person)
            .outerjoin(SeenNumber, SeenNumber.id == Sighting.number_id)
            .outerjoin(Card, Card.id == Sighting.card_id)
            .outerjoin(Person, Person.id == Card.person_id)
            .where(
                Sighting.source_id == source.id,
                Sighting.at >= self.since,
                Sighting.at < self.until,
            )
            .order_by(Sighting.at.desc())
            .limit(MOST_ROWS + 1)
        ).all()
