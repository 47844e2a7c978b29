"""Words of the reports."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Category(StrEnum):
    """What was found."""

    ESCAPE_ROUTE = "escape_route"
    FIRE_EQUIPMENT = "fire_equipment"
    EBIKE = "ebike"
    WIRING = "wiring"
    GAS = "gas"
    ELEVATOR = "elevator"
    FALLING = "falling"
    WATER = "water"
    RUBBISH = "rubbish"
    OTHER = "other"


class State(StrEnum):
    """Life of a report."""

    NEW = "new"
    ASSIGNED = "assigned"
    MENDED = "mended"
    CONFIRMED = "confirmed"
    REOPENED = "reopened"
    CLOSED = "closed"
    #: Another report is about the same, and goes on for both.
    MERGED = "merged"


class Party(StrEnum):
    """Whose it is to mend."""

    PROPERTY = "property"
    GRID_WORKER = "grid_worker"
    POLICE = "police"
    LANDLORD = "landlord"


class PhotoKind(StrEnum):
    """When a photo was taken."""

    BEFORE = "before"
    AFTER = "after"


#: From which states one comes to another.
FROM: Final[Mapping[State, frozenset[State]]] = {
    State.ASSIGNED: frozenset({State.NEW, State.ASSIGNED, State.REOPENED}),
    State.MENDED: frozenset({State.NEW, State.ASSIGNED, State.REOPENED}),
    State.CONFIRMED: frozenset({State.MENDED}),
    State.REOPENED: frozenset({State.MENDED, State.CONFIRMED, State.CLOSED}),
    State.CLOSED: frozenset({State.NEW, State.ASSIGNED, State.REOPENED, State.MENDED}),
    State.MERGED: frozenset({State.NEW, State.ASSIGNED, State.REOPENED}),
}
#: Somebody has to do something.
OPEN: Final = frozenset({State.NEW, State.ASSIGNED, State.REOPENED})
#: It is over, unless somebody says otherwise.
OVER: Final = frozenset({State.CONFIRMED, State.CLOSED})

#: Hours at most until something is mended, unless the options say otherwise. They are ours.
#: The Fire Protection Law of China (2021) names none: who answers for a building keeps escape
#: routes free and fire equipment whole, and removes hazards in time (art. 16 and 28). A
#: complaint is answered within ten days (Regulation on property management of Hangzhou, art.
#: 50): that is the most.
HOURS: Final[Mapping[Category, int]] = {
    Category.GAS: 2,
    Category.ESCAPE_ROUTE: 24,
    Category.FIRE_EQUIPMENT: 24,
    Category.EBIKE: 24,
    Category.WIRING: 48,
    Category.ELEVATOR: 24,
    Category.FALLING: 24,
    Category.WATER: 72,
    Category.RUBBISH: 120,
    Category.OTHER: 240,
}
MOST_HOURS: Final = 240
#: Part of the options.
CONF_REPORTS: Final = "reports"
CONF_KEEP_PHOTO_DAYS: Final = "keep_photo_days"
#: Days after its end that photos and words of a report are kept.
DEFAULT_KEEP_PHOTO_DAYS: Final = 90

#: Photos that somebody sends at once, and that a report has in all.
MOST_PHOTOS: Final = 3
MOST_PHOTOS_OF_A_REPORT: Final = 12
#: Letters of what somebody writes.
MOST_LETTERS: Final = 500
#: Bits in which the fingerprints of two photos of the same thing differ at most.
NEAR_BITS: Final = 8
#: Days after its end in which a report can be taken up again, and after which one is over
#: that is mended and of which nobody has said anything.
REOPEN_DAYS: Final = 30
SILENT_DAYS: Final = 7
