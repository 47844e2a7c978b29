"""Words of the scores."""

from decimal import Decimal
from enum import StrEnum
from typing import Final


class Head(StrEnum):
    """What a property is judged by."""

    INTERNAL_MANAGEMENT = "internal_management"
    CASE_PREVENTION = "case_prevention"
    DISPUTE_RESOLUTION = "dispute_resolution"
    MAIN_RESPONSIBILITY = "main_responsibility"


class Effect(StrEnum):
    """What a case of a criterion does to the score."""

    DEDUCTION = "deduction"
    BONUS = "bonus"


class Source(StrEnum):
    """Where the amount of a criterion comes from, if not from people."""

    #: Alarms that nobody had acknowledged, and that were not over, in time.
    LATE_RESPONSES = "late_responses"
    #: Alarms that were not closed in time.
    LATE_CLOSURES = "late_closures"
    #: Days with a fault, of all devices together.
    FAULT_DAYS = "fault_days"
    #: Reported hazards that were overdue in the month.
    OVERDUE_HAZARDS = "overdue_hazards"
    #: Cards of which a controller has not proven for a day that they are there, or gone.
    UNPROVEN_CARDS = "unproven_cards"
    #: Cameras whose recordings did not go back far enough.
    SHORT_RECORDINGS = "short_recordings"
    #: Figures that are entered or imported for each month.
    POLICE_CALLS = "police_calls"
    DISPUTES = "disputes"
    #: 1 if both of these are fewer than in the same month of the year before, else 0.
    DOUBLE_DROP = "double_drop"


#: Points have two decimals, and so have amounts: what is shown is what is reckoned with.
CENT: Final = Decimal("0.01")
MOST_POINTS: Final = Decimal(100)
#: Of a catalogue.
MOST_BYTES: Final = 200_000
MOST_CRITERIA: Final = 200
MOST_CHECKS: Final = 50
MOST_LETTERS: Final = 500
