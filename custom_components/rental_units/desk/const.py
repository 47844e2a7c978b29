"""Words of the desks."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class NoticeKind(StrEnum):
    """What somebody has to be told, by whoever lets or lives there."""

    #: Somebody has moved in, or out: the police are told, or whoever passes it on to them.
    ARRIVAL = "arrival"
    DEPARTURE = "departure"
    #: Somebody has moved within the property: where they are registered follows.
    ADDRESS = "address"
    #: The owner tells the owners' committee and the property that the flat is let.
    LETTING = "letting"


class NoticeState(StrEnum):
    """What has become of a notice."""

    OPEN = "open"
    GIVEN = "given"
    #: It need not be given.
    EXCUSED = "excused"
    #: It was given, and what it said is not so (any more).
    WITHDRAWN = "withdrawn"


class How(StrEnum):
    """How a notice was given."""

    REGISTERED = "registered"
    #: To the property or the community office, who pass it on.
    PASSED_ON = "passed_on"


class Excuse(StrEnum):
    """Why a notice need not be given."""

    #: A relative who stays for no more than thirty days (Zhejiang, 2016, art. 12).
    RELATIVE = "relative"
    #: The person, their employer or an agent has done it.
    BY_OTHERS = "by_others"
    SHORT_STAY = "short_stay"
    MISTAKE = "mistake"


class Change(StrEnum):
    """What a notice in a file is, against the last file that had it."""

    NEW = "new"
    CHANGED = "changed"
    WITHDRAWN = "withdrawn"
    SAME = "same"


#: Of which the police are told; a letting is for the committee and the property.
FOR_POLICE: Final = (NoticeKind.ARRIVAL, NoticeKind.DEPARTURE, NoticeKind.ADDRESS)
#: Part of the options.
CONF_DESK: Final = "desk"
CONF_NOTICES: Final = "notices"
CONF_OFF: Final = "days_off"
CONF_WORKED: Final = "days_worked"

#: Days in which a notice is due, and whether they are working days. Regulation on the
#: registration of residents of Zhejiang (2016): both within three working days (art. 9 and
#: 10), a change of address within ten days (art. 13). Regulation on property management of
#: Hangzhou: a letting within fifteen days (art. 56).
DAYS: Final[Mapping[NoticeKind, tuple[int, bool]]] = {
    NoticeKind.ARRIVAL: (3, True),
    NoticeKind.DEPARTURE: (3, True),
    NoticeKind.ADDRESS: (10, False),
    NoticeKind.LETTING: (15, False),
}
MOST_DAYS: Final = 90
#: Where these laws hold; elsewhere nothing is due until somebody says so.
COUNTRY: Final = "CN"
#: What began longer ago than this before it was written down makes no notice: registers are
#: imported with everybody who has lived there for years.
LOOK_BACK_DAYS: Final = 30
#: Who leaves a unit, and comes to another within so many days, has moved.
MOVE_DAYS: Final = 10
#: Letters of a receipt's number.
MOST_LETTERS: Final = 64
