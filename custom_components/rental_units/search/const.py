"""Words of the searches."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from ..const import Reason


class CaseKind(StrEnum):
    """Why somebody or something is looked for."""

    LOST_CHILD = "lost_child"
    LOST_ELDER = "lost_elder"
    MISSING = "missing_person"
    VEHICLE = "vehicle"
    #: The police have asked for it, by a number of their own.
    POLICE = "police_request"
    #: Somebody wants to know what is kept of them (PIPL art. 45).
    ACCESS = "access_copy"


class Outcome(StrEnum):
    """How a case has ended."""

    FOUND = "found"
    NOT_FOUND = "not_found"
    HANDED_OVER = "handed_over"
    MISTAKE = "mistake"
    GIVEN = "given"
    #: Nobody has closed it in time.
    EXPIRED = "expired"
    #: Who was looked for was erased from the register.
    ERASED = "erased"


#: What somebody may say of a case that they close.
OUTCOMES: Final = frozenset(Outcome) - {Outcome.EXPIRED, Outcome.ERASED}


class Deed(StrEnum):
    """What was done in a case."""

    OPENED = "opened"
    SEARCHED = "searched"
    TOLD = "told"
    ATTACHED = "attached"
    DETACHED = "detached"
    WATCHED = "watched"
    UNWATCHED = "unwatched"
    PICTURED = "pictured"
    EXPORTED = "exported"
    CLOSED = "closed"


#: What the audit says why. A life is at stake where somebody is lost (PIPL art. 13(4)).
WHY: Final[Mapping[CaseKind, Reason]] = {
    CaseKind.LOST_CHILD: Reason.ALARM,
    CaseKind.LOST_ELDER: Reason.ALARM,
    CaseKind.MISSING: Reason.ALARM,
    CaseKind.VEHICLE: Reason.REQUEST,
    CaseKind.POLICE: Reason.REQUEST,
    CaseKind.ACCESS: Reason.REQUEST,
}
#: Cases in which those who respond may be told: they look for somebody who is lost.
TELLS: Final = frozenset({CaseKind.LOST_CHILD, CaseKind.LOST_ELDER, CaseKind.MISSING})

#: How somebody or something may look, in the words in which Community Safety tells it: what a
#: camera says in other words is shown as it came. Classes are those that are worth a choice.
LOOKS: Final[Mapping[str, tuple[str, ...]]] = {
    "category": ("person", "bicycle", "motorcycle", "car", "bus", "truck"),
    "colour": (
        "black",
        "white",
        "grey",
        "red",
        "orange",
        "yellow",
        "green",
        "cyan",
        "blue",
        "purple",
        "pink",
        "brown",
    ),
    "age_group": ("child", "teenager", "adult", "elderly"),
}

#: So long a case is open at the most, in seconds.
CASE_SECONDS: Final = 24 * 3600
#: Days after its end that it is known who was looked for: to answer a complaint. That there
#: was a case, whose and why, is kept as long as the audit.
KEEP_DAYS: Final = 30
#: A gap in a trail: so long nothing was seen, in seconds.
GAP_SECONDS: Final = 1800
#: Rows of one answer.
MOST_ROWS: Final = 500
#: Rows of a copy for who is concerned: it is to be all, of a card that opens a gate all day.
MOST_COPIED: Final = 50_000
#: Days that a look is about in which neither a person nor a plate is named.
MOST_DAYS: Final = 7
#: Plates of which not all is known: so many of those that fit are looked at.
MOST_PLATES: Final = 100
#: Characters that people write: who is looked for, how they look, and by whose number.
MOST_LETTERS: Final = 500
LEAST_AUTHORITY: Final = 3
