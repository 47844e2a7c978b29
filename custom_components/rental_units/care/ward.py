"""One person who is watched, in memory, and as the vault holds it."""

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import tzinfo
import json
from typing import Any, Final, Self

from .const import MOST_DEEDS, MOST_MONTHS, Because, Count, Deed
from .heard import Evidence, How, Meter
from .watch import SourceKind, State, Watch

_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Done:
    """A row of a timeline."""

    #: Unix time.
    at: float
    what: Deed
    #: The user, or the person of the register, who did it; None: nobody in person.
    user_id: str | None = None
    person_id: str | None = None


@dataclass(slots=True)
class Ward:
    """The watch over one person, with what goes on because of it."""

    watch: Watch
    #: By what they are heard, by the keys of the watch's sources; cards are none of them.
    evidence: Mapping[str, Evidence]
    because: Because = Because.ALONE
    #: Entities by which they are asked in the flat: speakers, lights.
    places: tuple[str, ...] = ()
    #: Counts questions and alarms: keys of their messages.
    number: int = 0
    #: The keys of the messages that are out: to the person, and to others.
    question: str | None = None
    look_in: str | None = None
    #: The person has called for help, and others were told so.
    is_urgent: bool = False
    #: Keys of messages that are over, and if those who got them are to be told so.
    over: list[tuple[str, bool]] = field(default_factory=list)
    #: The number of the last answer that was taken, by the key of the message: what is told
    #: again after a start is known by it.
    said: dict[str, int] = field(default_factory=dict)
    #: What happened last, the newest at the end.
    deeds: list[Done] = field(default_factory=list)
    #: What was counted, by month.
    months: dict[str, dict[str, int]] = field(default_factory=dict)

    # In memory alone

    #: There is something to be written.
    is_changed: bool = False
    state: State = State.WATCHING
    #: Keys of messages that are out for certain.
    announced: set[str] = field(default_factory=set)
    meters: dict[str, Meter] = field(default_factory=dict)
    following: asyncio.Lock = field(default_factory=asyncio.Lock)

    def note(
        self,
        what: Deed,
        now: float,
        user_id: str | None = None,
        person_id: str | None = None,
    ) -> None:
        """Put something on the timeline."""
        self.deeds = [*self.deeds, Done(now, what, user_id, person_id)][-MOST_DEEDS:]
        self.is_changed = True

    def count(self, month: str, what: Count) -> None:
        """Count something in a month."""
        row = self.months.setdefault(month, dict.fromkeys(Count, 0))
        row[what] += 1
        for old in sorted(self.months)[:-MOST_MONTHS]:
            del self.months[old]
        self.is_changed = True

    def as_data(self) -> dict[str, Any]:
        """Return it for the vault."""
        return {
            "version": _VERSION,
            "watch": self.watch.as_data(),
            "evidence": {key: asdict(row) for key, row in self.evidence.items()},
            "because": self.because,
            "places": self.places,
            "number": self.number,
            "question": self.question,
            "look_in": self.look_in,
            "is_urgent": self.is_urgent,
            "over": self.over,
            "said": self.said,
            "deeds": [
                [row.at, row.what, row.user_id, row.person_id] for row in self.deeds
            ],
            "months": {month: dict(row) for month, row in self.months.items()},
        }

    def text(self) -> str:
        """Return the same as the text that is encrypted."""
        return json.dumps(self.as_data(), separators=(",", ":"))

    @classmethod
    def from_text(cls, text: str, zone: tzinfo) -> Self:
        """Return what `text` has returned. Raises KeyError, TypeError or ValueError."""
        data = json.loads(text)
        if data["version"] != _VERSION:
            raise ValueError("a watch of another version")
        return cls(
            Watch.from_data(data["watch"], zone),
            {
                key: Evidence(SourceKind(row["kind"]), How(row["how"]), row["least"])
                for key, row in data["evidence"].items()
            },
            Because(data["because"]),
            tuple(data["places"]),
            data["number"],
            data["question"],
            data["look_in"],
            data["is_urgent"],
            [(key, is_over) for key, is_over in data["over"]],
            data["said"],
            [Done(at, Deed(what), *who) for at, what, *who in data["deeds"]],
            data["months"],
        )

    def copy(self) -> Self:
        """Return another that is the same, to try something on."""
        return self.from_text(self.text(), self.watch.zone)
