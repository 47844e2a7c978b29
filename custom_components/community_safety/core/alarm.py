"""The record of one alarm, and the words in which it is described."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any

from ..catalogue import HAZARDS, Nature
from ..catalogue.measurements import Value
from ..const import RENAMED_HAZARDS, Severity


class Change(StrEnum):
    """What has happened to an alarm, as announced."""

    #: Raised, worsened, or returned in a way that calls people again.
    RAISED = "raised"
    RETURNED = "returned"
    ACKNOWLEDGED = "acknowledged"
    CLEARED = "cleared"
    CLOSED = "closed"
    #: Something was noted on the timeline: for listeners, not for the event bus.
    NOTED = "noted"


class Reason(StrEnum):
    """Why an alarm was closed."""

    #: By a person.
    RESET = "reset"
    #: By itself: it does not latch.
    CLEARED = "cleared"
    #: A drill, by a real alarm of the same device; one that could only be read later, by
    #: that which was raised anew meanwhile.
    SUPERSEDED = "superseded"
    #: A drill, with the test.
    TEST_ENDED = "test_ended"
    #: With its device.
    REMOVED = "removed"


class Said(StrEnum):
    """What people have answered who were told of an alarm, and what has become of it."""

    ON_MY_WAY = "on_my_way"
    FALSE_ALARM = "false_alarm"
    NEED_HELP = "need_help"
    #: A call for help was closed by a person.
    HELP_CLOSED = "help_closed"


class Outcome(StrEnum):
    """What an alarm turned out to be, as a person says who resets it."""

    REAL = "real"
    FALSE_ALARM = "false_alarm"
    TEST = "test"


class Cause(StrEnum):
    """What has set it off."""

    FIRE = "fire"
    ELECTRICAL = "electrical"
    CHARGING = "charging"
    SMOKING = "smoking"
    COOKING = "cooking"
    STEAM = "steam"
    DUST = "dust"
    INSECTS = "insects"
    DEVICE_FAULT = "device_fault"
    OTHER = "other"
    UNKNOWN = "unknown"


class ShelfReason(StrEnum):
    """Why a warning or fault calls nobody for a while."""

    CHATTERING = "chattering"
    MAINTENANCE = "maintenance"
    WORKS = "works"
    AWAITING_REPAIR = "awaiting_repair"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """How one hazard or fault of one device stands; without a severity it has ended.

    `device` is the unique id, `device_id` that of the registry; `values` are the readings
    behind it, by name; `causes` are the measurements that show it, and of a sensor's fault
    the readings that cannot be believed.
    """

    device: str
    device_id: str | None
    device_name: str
    hazard: str
    severity: Severity | None
    nature: Nature = Nature.ELECTRICAL
    drill: bool = False
    values: Mapping[str, Value] = field(default_factory=dict)
    causes: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class Alarm:
    """The record of one hazard or fault. Times are Unix times in seconds.

    It is open until it is closed: by a person's reset if it latches, else when it clears.
    `severity` is how bad it is now, since it has returned; once it is closed, how bad it
    was at its worst. `timeline` holds what happened: `at`, `what`, `who` (the id of a user, or of a
    principal) and details. `area_id` is where it was raised.
    """

    id: str
    device: str
    device_id: str | None
    device_name: str
    hazard: str
    severity: Severity
    raised_at: float
    nature: Nature = Nature.ELECTRICAL
    area_id: str | None = None
    incident_id: str = ""
    incident_key: str = ""
    drill: bool = False
    announced: bool = False
    #: It was an alarm before it has returned as less: a person must reset it all the same.
    was_alarm: bool = False
    returns: int = 0
    #: How often it has called people: when it was raised, worsened, or returned after a while.
    calls: int = 0
    #: What shows it now, or has shown it last: a restart takes it over as such.
    causes: list[str] = field(default_factory=list)
    #: Unique ids of what was opened for it; opened anew when the hazard returns.
    supplies: list[str] = field(default_factory=list)
    acknowledged_at: float | None = None
    cleared_at: float | None = None
    #: It calls nobody before then, as a person has said who has seen it.
    shelved_until: float | None = None
    closed_at: float | None = None
    closed_by: str | None = None
    timeline: list[dict[str, Any]] = field(default_factory=list)

    @property
    def present(self) -> bool:
        """Return if the hazard is still there."""
        return self.cleared_at is None

    @property
    def latches(self) -> bool:
        """Return if a person must reset it; a drill ends by itself."""
        hazard = HAZARDS.get(self.hazard)
        return (
            not self.drill
            and (self.severity is Severity.ALARM or self.was_alarm)
            and (not hazard or hazard.latching)
        )

    @property
    def told(self) -> frozenset[str]:
        """Return all names in its timeline, those of the readings behind it among them."""
        return frozenset[str]().union(*self.timeline)

    @property
    def state(self) -> str:
        """Return the state in the alarm's life."""
        if self.closed_at:
            return Change.CLOSED.value
        if self.cleared_at:
            return Change.CLEARED.value
        return (Change.ACKNOWLEDGED if self.acknowledged_at else Change.RAISED).value

    def as_dict(self) -> dict[str, Any]:
        """Return the row to store."""
        return {name: getattr(self, name) for name in _FIELDS}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Alarm:
        """Return the alarm of a stored row; fields of a later version are dropped.

        Raises TypeError or ValueError for one that cannot be read.
        """
        alarm = cls(
            **{
                name: value
                for key, value in data.items()
                if (name := _RENAMED_FIELDS.get(key, key)) in _FIELDS
            }
        )
        alarm.severity = Severity(alarm.severity)
        alarm.hazard = RENAMED_HAZARDS.get(alarm.hazard, alarm.hazard)
        hazard = HAZARDS.get(alarm.hazard)
        alarm.nature = (
            Nature(data["nature"])
            if "nature" in data
            else hazard.nature
            if hazard
            else alarm.nature
        )
        return alarm


_FIELDS = tuple(item.name for item in fields(Alarm))
_RENAMED_FIELDS = {"reset_at": "closed_at"}
