"""Units as the config entry holds them: nothing personal."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Self

from homeassistant.config_entries import ConfigSubentry

#: The fields of a unit that are no personal data.
UNIT_FIELDS = ("building", "stairwell", "number", "area_id", "rooms", "letting")


@dataclass(frozen=True, slots=True)
class UnitInfo:
    """A unit; its id is that of its subentry."""

    id: str
    title: str
    building: str
    stairwell: str
    number: str
    area_id: str | None
    rooms: int | None
    letting: str | None

    @classmethod
    def from_subentry(cls, subentry: ConfigSubentry) -> Self:
        """Return the unit of a subentry."""
        data = subentry.data
        return cls(
            id=subentry.subentry_id,
            title=subentry.title,
            building=data["building"],
            stairwell=data.get("stairwell", ""),
            number=data["number"],
            area_id=data.get("area_id"),
            rooms=data.get("rooms"),
            letting=data.get("letting"),
        )

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
    #: People who have an address, but only on channels that are not set up.
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
