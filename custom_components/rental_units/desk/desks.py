"""The desks of a property: which there are, whom they serve, and whether one is open and staffed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Self

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.const import STATE_OFF, STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import HomeAssistant

from ..const import SUBENTRY_DESK
from ..register.roster import Post
from ..register.units import UnitInfo

CONF_LEVEL: Final = "level"
CONF_SCHEDULE: Final = "schedule"
CONF_WORKING_DAYS: Final = "working_days"
CONF_BUILDINGS: Final = "buildings"
CONF_POSTS: Final = "posts"


class Level(StrEnum):
    """The level of a desk. What a level is called, and may, is said by who has set it up."""

    FIRST = "1"
    SECOND = "2"


@dataclass(frozen=True, slots=True)
class Desk:
    """A desk: nothing of it is personal."""

    id: str
    title: str
    level: Level
    #: By what it is open: a schedule, calendar or helper; None: always.
    schedule: str | None = None
    #: It is closed on days off, whatever that says.
    working_days: bool = False
    #: The buildings that it serves; none: all.
    buildings: frozenset[str] = frozenset()
    #: Places of the roster that staff it, by their ids; none: nobody says.
    posts: frozenset[str] = frozenset()

    @classmethod
    def of(cls, row: ConfigSubentry) -> Self:
        """Return the desk of a subentry."""
        data: Mapping[str, Any] = row.data
        return cls(
            row.subentry_id,
            row.title,
            Level(data[CONF_LEVEL]),
            data.get(CONF_SCHEDULE),
            data.get(CONF_WORKING_DAYS, False),
            frozenset(fold(name) for name in data.get(CONF_BUILDINGS, ())),
            frozenset(data.get(CONF_POSTS, ())),
        )

    def serves(self, unit: UnitInfo) -> bool:
        """Return if a unit is this desk's."""
        return not self.buildings or fold(unit.building) in self.buildings

    def is_open(self, hass: HomeAssistant, *, is_worked: bool) -> bool | None:
        """Return if it is open now; None where nobody can tell. `is_worked`: today is."""
        if self.working_days and not is_worked:
            return False
        if self.schedule is None:
            return True
        state = hass.states.get(self.schedule)
        if state is None or state.state in (STATE_UNAVAILABLE, STATE_UNKNOWN):
            return None
        return state.state != STATE_OFF

    def is_staffed(self, posts: Iterable[Post]) -> bool:
        """Return if somebody is on duty there now, as far as it is said who staffs it."""
        own = [row for row in posts if row.key in self.posts]
        return not own or any(row.is_on for row in own)


def fold(name: str) -> str:
    """Return what two spellings of a building have in common."""
    return name.strip().casefold()


def desks_of(entry: ConfigEntry) -> dict[str, Desk]:
    """Return the desks of a property by their ids."""
    rows = entry.get_subentries_of_type(SUBENTRY_DESK)
    return {row.subentry_id: Desk.of(row) for row in rows}
