"""Commands about units: what they are, not who is in them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, override

from homeassistant.util.ulid import ulid_now

from ..register import queries
from ..register.leases import UNDO_DAYS
from ..register.models import Unit
from ..register.units import UNIT_FIELDS, put_fields, unit_key
from ..storage.events import Kind
from .dependents import people_in
from .work import Command, OfUnit, Work, overtaken, refused

#: The texts of a unit that was changed meanwhile, by the field that was.
UNIT_CHANGED: Final[Mapping[str, str]] = {
    "building": "unit_changed_building",
    "stairwell": "unit_changed_stairwell",
    "number": "unit_changed_number",
    "area_id": "unit_changed_area_id",
    "rooms": "unit_changed_rooms",
    "letting": "unit_changed_letting",
    "address": "unit_changed_address",
}


def unit_of(work: Work, unit_id: str) -> Unit:
    """Return a unit that is there. Raises ServiceValidationError."""
    unit = work.session.get(Unit, unit_id)
    if unit is None or unit.removed_at is not None or unit.unit_key is None:
        raise refused("no_such_unit")
    return unit


def clean(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a form or an action is the unit's, as it is written down."""
    data: dict[str, Any] = {}
    for key in UNIT_FIELDS:
        value = fields.get(key)
        if isinstance(value, str):
            value = value.strip()
        if value not in (None, ""):
            data[key] = int(value) if key == "rooms" else value
    return data


def put(
    work: Work, unit: Unit, fields: Mapping[str, Any], address: str | None = None
) -> None:
    """Write what a unit is; None leaves its address. Raises ServiceValidationError."""
    data = clean(fields)
    for key in ("building", "number"):
        if key not in data:
            raise refused(f"{key}_missing")
    if queries.unit_of_key(work.session, unit_key(data)) not in (None, unit.id):
        raise refused("unit_exists")
    changed = put_fields(unit, data)
    if address is not None and address != unit.address:
        unit.address = address
        changed.append("address")
    if not changed:
        return
    is_new = unit not in work.session
    if is_new:
        work.session.add(unit)
    else:
        unit.note(*changed)
    work.session.flush()
    work.tell(Kind.UNIT_ADDED if is_new else Kind.UNIT_CHANGED, unit.id)


def changes(unit: Unit, version: int) -> list[str]:
    """Return what was changed of a unit after a version, in the names of its fields."""
    # A release of before has not noted what.
    return unit.since(version) or ["unit"]


def new_unit() -> Unit:
    """Return a unit that is not written yet."""
    return Unit(id=ulid_now(), address="", version=1)


@dataclass(frozen=True, slots=True)
class WrittenUnit:
    """What a command about a unit has done."""

    command_id: str
    unit_id: str
    version: int


def _written(work: Work, unit: Unit) -> WrittenUnit:
    work.audit(unit.id)
    return WrittenUnit(work.hand.command_id, unit.id, unit.version)


@dataclass(frozen=True, slots=True)
class AddUnit(Command[WrittenUnit]):
    """Add a unit, with nobody in it."""

    name = "add_unit"
    fields: Mapping[str, Any]
    address: str = ""

    @override
    def run(self, work: Work) -> WrittenUnit:
        unit = new_unit()
        put(work, unit, self.fields, self.address)
        return _written(work, unit)


@dataclass(frozen=True, slots=True)
class UpdateUnit(OfUnit[WrittenUnit]):
    """Change what a unit is; fields that are not said stay, empty ones go."""

    name = "update_unit"
    fields: Mapping[str, Any]
    address: str | None = None
    version: int | None = None

    @override
    def run(self, work: Work) -> WrittenUnit:
        unit = unit_of(work, self.unit_id)
        if self.version is not None and self.version != unit.version:
            what = changes(unit, self.version)
            raise overtaken("unit_changed", UNIT_CHANGED, what)
        known = {key: getattr(unit, key) for key in UNIT_FIELDS}
        put(work, unit, {**known, **self.fields}, self.address)
        return _written(work, unit)


@dataclass(frozen=True, slots=True)
class RemoveUnit(OfUnit[WrittenUnit]):
    """Remove a unit; it can be brought back for a while, with all that it had.

    Not while an alert about it is open, and with people in it only where it is said that
    they are meant too: nobody would tell them of a fire any more.
    """

    name = "remove_unit"
    with_people: bool = False

    @override
    def run(self, work: Work) -> WrittenUnit:
        unit = unit_of(work, self.unit_id)
        if work.is_alerted(unit.id):
            raise refused("unit_in_alert")
        people = len(people_in(work, unit.id))
        if people and not self.with_people:
            raise refused("unit_has_people", count=str(people))
        unit.removed_at = work.hand.now
        unit.removed_by = work.hand.command_id
        unit.note("removed")
        work.tell(Kind.UNIT_REMOVED, unit.id)
        return _written(work, unit)


@dataclass(frozen=True, slots=True)
class RestoreUnit(OfUnit[WrittenUnit]):
    """Bring a unit back that was removed or went missing, with its people."""

    name = "restore_unit"

    @override
    def run(self, work: Work) -> WrittenUnit:
        unit = work.session.get(Unit, self.unit_id)
        if unit is None or unit.removed_at is None or unit.unit_key is None:
            raise refused("nothing_to_undo")
        if work.hand.now - unit.removed_at > UNDO_DAYS * 86_400:
            raise refused("undo_too_late", days=str(UNDO_DAYS))
        if queries.unit_of_key(work.session, unit.unit_key):
            raise refused("unit_exists")
        unit.removed_at = unit.removed_by = None
        unit.note("restored")
        work.tell(Kind.UNIT_RESTORED, unit.id)
        return _written(work, unit)


@dataclass(frozen=True, slots=True)
class RemovedUnits(Command[list[tuple[str, str, int, float]]]):
    """Return the units that somebody has removed, and that can be brought back.

    With each its id, name, how many people are in it, and when it was removed.
    """

    name = "restore_unit"

    @override
    def run(self, work: Work) -> list[tuple[str, str, int, float]]:
        oldest = work.hand.now - UNDO_DAYS * 86_400
        return [
            (unit.id, unit.title, people, at)
            for unit, people, at in queries.removed_units(work.session, removed_by=True)
            if at >= oldest
        ]


@dataclass(frozen=True, slots=True)
class EraseMissing(Command[int]):
    """Remove for good what went missing from the property's entry; return how many.

    Who has nothing else goes with it.
    """

    name = "erase_missing"

    @override
    def run(self, work: Work) -> int:
        units, people = queries.erase_missing(work.session, work.keep)
        for unit_id in units:
            work.audit(unit_id=unit_id)
        for person_id in people:
            work.audit(person_id=person_id)
        return len(units) + len(people)
