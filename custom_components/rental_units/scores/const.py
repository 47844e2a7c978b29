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


class State(StrEnum):
    """Life of a sheet."""

    #: Cases are entered, and facts are read anew.
    DRAFT = "draft"
    #: It is shown for comments and appeals.
    OPEN = "open"
    FROZEN = "frozen"


class Why(StrEnum):
    """Why it is not known what a source comes to."""

    #: Community Safety is not there, or does not answer.
    NO_CORE = "no_core"
    NO_ANSWER = "no_answer"
    #: More alarms were closed at one moment than can be read.
    TOO_MANY = "too_many"
    #: It was looked at on too few days.
    FEW_DAYS = "few_days"
    NO_CAMERAS = "no_cameras"
    #: Of some cameras it is not known since when they record.
    CAMERAS_SILENT = "cameras_silent"
    #: Nobody has entered the figure of the month, or of that a year before.
    NOT_ENTERED = "not_entered"
    #: It was not looked for yet.
    NOT_READ = "not_read"


class Outcome(StrEnum):
    """What became of an appeal."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"


class Origin(StrEnum):
    """Where the number of households is from."""

    #: The units of the register.
    REGISTER = "register"
    ENTERED = "entered"


class CountKind(StrEnum):
    """Figures of a month that are entered or imported. No person is in them."""

    POLICE_CALLS = "police_calls"
    DISPUTES = "disputes"
    #: Where not each household is a unit of the register.
    HOUSEHOLDS = "households"


class RecordKind(StrEnum):
    """What is frozen."""

    SHEET = "sheet"
    QUARTER = "quarter"
    HALF_YEAR = "half_year"
    #: What people have decided about a proposal to end a contract.
    DECISION = "decision"


#: Points have two decimals, and so have amounts: what is shown is what is reckoned with.
CENT: Final = Decimal("0.01")
MOST_POINTS: Final = Decimal(100)
#: Of a catalogue.
MOST_BYTES: Final = 200_000
MOST_CRITERIA: Final = 200
MOST_CHECKS: Final = 50
MOST_LETTERS: Final = 500
MOST_CASES: Final = 1000
MOST_COUNT: Final = 1_000_000
#: Working days for comments and appeals, before a sheet can be frozen.
COMMENT_DAYS: Final = 5
#: How far back a month may be that is entered.
MOST_MONTHS_BACK: Final = 24
