"""Questions and changes about places, as pure functions on a session."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, delete, exists, or_, select, update
from sqlalchemy.orm import Session, joinedload

from ..register import queries
from ..register.models import Person, Unit
from .const import PlaceKind
from .models import PlaceCode, PlaceParty, SitePlace, Visit


@dataclass(frozen=True, slots=True)
class PlaceInfo:
    """A place as everybody may see it who stands there: nobody is in it."""

    id: str
    kind: PlaceKind
    unit_id: str | None
    building: str
    stairwell: str
    #: That of a unit.
    number: str
    name: str
    address: str
    area_id: str | None
    storey: int | None
    latitude: float | None
    longitude: float | None
    grade: str | None
    tag_id: str
    version: int


@dataclass(frozen=True, slots=True)
class Found:
    """What is read of all places at once."""

    places: dict[str, PlaceInfo]
    #: The valid codes, by the digests of their tokens: the id of each, and of its place.
    codes: dict[str, tuple[str, str]]


def key_of(kind: str, building: str, stairwell: str, name: str) -> str:
    """Return what is unique to a place that is no unit."""
    return f"{kind}/{building}/{stairwell}/{name}".casefold()


def is_there() -> ColumnElement[bool]:
    """Return the condition of places that are there: not of a unit that was removed."""
    return or_(
        SitePlace.unit_id.is_(None),
        exists().where(Unit.id == SitePlace.unit_id, queries.is_there()),
    )


def of_units(session: Session) -> dict[str, tuple[PlaceKind, str, str]]:
    """Return the buildings and stairwells that units name: kind and names, by their keys."""
    columns = select(Unit.building, Unit.stairwell).where(queries.is_there())
    found: dict[str, tuple[PlaceKind, str, str]] = {}
    for building, stairwell in session.execute(columns.distinct()):
        for kind, within in (
            (PlaceKind.BUILDING, ""),
            (PlaceKind.STAIRWELL, stairwell),
        ):
            if building and (within or kind is PlaceKind.BUILDING):
                key = key_of(kind, building, within, "")
                found.setdefault(key, (kind, building, within))
    return found


def reconcile(session: Session) -> bool:
    """Let each unit be a place, and each building and stairwell that units name.

    Return if one was missing. What no unit names any more stays: a plate may hang there.
    """
    own = set(session.scalars(select(SitePlace.unit_id)))
    keys = set(session.scalars(select(SitePlace.place_key)))
    units = session.scalars(select(Unit.id).where(queries.is_there()))
    new = [
        SitePlace(kind=PlaceKind.UNIT, unit_id=unit_id)
        for unit_id in units
        if unit_id not in own
    ]
    new += [
        SitePlace(kind=kind, place_key=key, building=building, stairwell=stairwell)
        for key, (kind, building, stairwell) in of_units(session).items()
        if key not in keys
    ]
    session.add_all(new)
    session.flush()
    return bool(new)


def read(session: Session) -> Found:
    """Return the places that are there, and the codes of them that are valid."""
    rows = session.scalars(
        select(SitePlace).where(is_there()).options(joinedload(SitePlace.unit))
    )
    places = {row.id: described(row) for row in rows}
    codes = session.execute(
        select(PlaceCode.digest, PlaceCode.id, PlaceCode.place_id).where(
            PlaceCode.revoked_at.is_(None)
        )
    )
    return Found(
        places,
        {digest: (key, of) for digest, key, of in codes if of in places},
    )


def tags(session: Session) -> list[str]:
    """Return the ids of the tags of all places, those of removed units too."""
    return list(session.scalars(select(SitePlace.tag_id)))


def described(place: SitePlace) -> PlaceInfo:
    """Return a place, of a unit with what the unit's row says."""
    about: Any = place.unit or place
    return PlaceInfo(
        place.id,
        PlaceKind(place.kind),
        place.unit_id,
        about.building,
        about.stairwell,
        place.unit.number if place.unit else "",
        place.name,
        about.address,
        about.area_id,
        place.storey,
        place.latitude,
        place.longitude,
        place.grade,
        place.tag_id,
        place.version,
    )


def count_scans(session: Session, scans: Iterable[tuple[str, int, float]]) -> None:
    """Add to the scans of codes: of each its id, how many more, and when the last was."""
    for code_id, more, at in scans:
        session.execute(
            update(PlaceCode)
            .where(PlaceCode.id == code_id)
            .values(scans=PlaceCode.scans + more, scanned_at=at)
        )


def is_party() -> ColumnElement[bool]:
    """Return the condition of people who stay in the register because they answer for a place."""
    return exists().where(PlaceParty.person_id == Person.id)


def move_person(session: Session, person_id: str, to: str) -> None:
    """Let another, who is the same, answer for somebody's places."""
    own = set(
        session.scalars(select(PlaceParty.place_id).where(PlaceParty.person_id == to))
    )
    for row in session.scalars(
        select(PlaceParty).where(PlaceParty.person_id == person_id)
    ).all():
        if row.place_id in own:
            session.delete(row)
        else:
            row.person_id = to
    session.flush()


def purge_visits(session: Session, before: float) -> None:
    """Remove visits, and codes that were revoked, of before a Unix time."""
    session.execute(delete(Visit).where(Visit.at < before))
    session.execute(delete(PlaceCode).where(PlaceCode.revoked_at < before))
