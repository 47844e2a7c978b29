"""Words of the watches."""

from enum import StrEnum
from typing import Final

from ..const import ConsentScope

#: Kind of the rows in the vault: they go with the consent.
KIND: Final = ConsentScope.INACTIVITY
#: They go with their watch, and not by themselves.
KEEP_DAYS: Final = 36_500

#: Days after a birth that a watch lasts which was begun because of it.
PERINATAL_DAYS: Final = 42


class Because(StrEnum):
    """Why somebody is watched."""

    ALONE = "alone"
    #: They have had a child.
    PERINATAL = "perinatal"


class Turn:
    """Who is told together, and after whom: turns of a consent's contacts."""

    RELATIVES: Final = 1
    NEIGHBOURS: Final = 2


class Deed(StrEnum):
    """What is on the timeline of a watch."""

    BEGUN = "begun"
    CHANGED = "changed"
    ASKED = "asked"
    TOLD = "told"
    #: They were heard, and so it was over.
    STIRRED = "stirred"
    FINE = "fine"
    OUT = "out"
    HELP = "help"
    ON_MY_WAY = "on_my_way"
    ALL_WELL = "all_well"
    PAUSED = "paused"
    GUESTS = "guests"
    NEEDLESS = "needless"
    REAL = "real"


class Count(StrEnum):
    """What is counted of a month."""

    ASKED = "asked"
    TOLD = "told"
    NEEDLESS = "needless"
    REAL = "real"


#: Rows of a timeline, and months of figures, that a watch keeps.
MOST_DEEDS: Final = 30
MOST_MONTHS: Final = 13
