"""Units as the house sees them: nothing personal."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Self

from .models import Unit

#: The fields of a unit that are no personal data.
UNIT_FIELDS = ("building", "stairwell", "number", "area_id", "rooms", "letting")


@dataclass(frozen=True, slots=True)
class UnitInfo:
    """A unit as it was last read."""

    id: str
    building: str
    stairwell: str
    number: str
    area_id: str | None = None
    rooms: int | None = None
    letting: str | None = None

    @classmethod
    def from_data(cls, unit_id: str, data: Mapping[str, Any]) -> Self:
        """Return the unit that has these fields."""
        said = {key: data[key] for key in UNIT_FIELDS if key in data}
        return cls(**{"id": unit_id, "stairwell": "", **said})

    @property
    def title(self) -> str:
        """Return its name: 1-2-301."""
        parts = (self.building, self.stairwell, self.number)
        return "-".join(part for part in parts if part)

    @property
    def data(self) -> dict[str, Any]:
        """Return its fields, without those that are empty."""
        return {
            key: value for key, value in asdict(self).items() if value and key != "id"
        }

    @property
    def stair(self) -> tuple[str, str]:
        """Return the building and stairwell: who shares them are neighbours."""
        return self.building, self.stairwell


@dataclass(frozen=True, slots=True)
class Summary:
    """What is known of the people of a unit, in figures."""

    tenants: int = 0
    landlords: int = 0
    #: People of the unit whom nobody can reach.
    unreachable: int = 0
    #: People who have an address, but none over which a fire would tell them.
    without_channel: int = 0
    #: Tenants who are there after the end of their lease.
    overdue: int = 0
    lease_end: date | None = None
    has_address: bool = False

    @property
    def is_complete(self) -> bool:
        """Return if the authorities would accept the registration."""
        return bool(self.landlords and self.has_address and not self.unreachable)


def unit_title(data: Mapping[str, Any]) -> str:
    """Return the name of a unit: 1-2-301."""
    parts = (data["building"], data.get("stairwell"), data["number"])
    return "-".join(part for part in parts if part)


def unit_key(data: Mapping[str, Any]) -> str:
    """Return what is unique to a unit in its property."""
    parts = (data["building"], data.get("stairwell") or "", data["number"])
    return "/".join(part.casefold() for part in parts)


def put_fields(unit: Unit, data: Mapping[str, Any]) -> list[str]:
    """Let a unit's row have exactly these fields; return which have changed."""
    values = {key: data.get(key) or None for key in UNIT_FIELDS}
    values |= {key: data.get(key) or "" for key in ("building", "stairwell", "number")}
    values["unit_key"] = unit_key(data)
    changed = [key for key, value in values.items() if getattr(unit, key) != value]
    for key in changed:
        setattr(unit, key, values[key])
    return [key for key in changed if key != "unit_key"]
