"""The rows of a register's file."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from ..const import PartyKind
from ..places.const import PlaceKind
from ..places.models import SitePlace
from ..register import queries
from ..register.addresses import PHONE_CHANNELS
from ..register.models import Lease, Person, Unit
from ..register.units import UnitInfo
from .cells import written_phone
from .columns import COLUMNS, word_of

#: Columns whose values are words of a language.
_WORDS = ("letting", "role", "language", "kind", "party")


def export_rows(
    session: Session,
    units: Mapping[str, UnitInfo],
    duties: Mapping[str, Mapping[str, Any]],
    areas: Mapping[str, str],
    today: date,
    *,
    region: str | None,
    language: str,
) -> list[list[Any]]:
    """Return the rows of a file: each person in a unit, empty units, and responders."""
    addresses = {
        row.id: row.address for row in session.execute(select(Unit.id, Unit.address))
    }
    places = list(session.scalars(select(SitePlace)))
    spots = {row.unit_id: row for row in places if row.unit_id}
    by_unit: dict[str, list[Lease]] = {}
    for lease in session.scalars(
        select(Lease)
        .where(queries.is_open(today))
        .order_by(Lease.role, Lease.id)
        .options(joinedload(Lease.person).selectinload(Person.addresses))
    ):
        by_unit.setdefault(lease.unit_id, []).append(lease)
    rows: list[dict[str, Any]] = []
    for unit in sorted(units.values(), key=lambda unit: unit.title):
        base = {
            "building": unit.building,
            "stairwell": unit.stairwell,
            "number": unit.number,
            "address": addresses.get(unit.id),
            "area": areas.get(unit.area_id or ""),
            "rooms": unit.rooms,
            "letting": unit.letting,
            **_spot_cells(spots.get(unit.id)),
        }
        rows += [
            base
            | _person_cells(lease.person, region, language)
            | {"role": lease.role, "start": lease.start, "end": lease.end}
            for lease in by_unit.get(unit.id, ())
        ] or [base]
    rows += [
        _spot_cells(row)
        | {
            "building": row.building,
            "stairwell": row.stairwell,
            "place": row.name,
            "address": row.address,
            "area": areas.get(row.area_id or ""),
        }
        for row in sorted(places, key=lambda row: row.place_key or "")
        if row.unit_id is None and _is_said(row)
    ]
    people = queries.responders(session)
    rows += [
        _person_cells(people[key], region, language)
        | {"role": data["duty"], "schedule": data.get("schedule")}
        for key, data in duties.items()
        if key in people
    ]
    return [
        [
            word_of(value, language) if value and column in _WORDS else value
            for column in COLUMNS
            for value in (row.get(column),)
        ]
        for row in rows
    ]


def _spot_cells(place: SitePlace | None) -> dict[str, Any]:
    """Return what is said of a place; that a unit is a flat is not worth a word."""
    if place is None:
        return {}
    return {
        "kind": place.kind if place.kind != PlaceKind.UNIT else None,
        "storey": place.storey,
        "latitude": place.latitude,
        "longitude": place.longitude,
    }


def _is_said(place: SitePlace) -> bool:
    """Return if a place says more than that units name it."""
    return place.kind not in (PlaceKind.BUILDING, PlaceKind.STAIRWELL) or any(
        value not in (None, "")
        for value in (place.address, place.area_id, place.storey, place.latitude)
    )


def _person_cells(person: Person, region: str | None, language: str) -> dict[str, Any]:
    by_channel = {row.channel: row for row in person.addresses}
    phones = [channel for channel in PHONE_CHANNELS if channel in by_channel]
    quiet = next((row for row in person.addresses if row.quiet_from), None)
    return {
        **{key: row.target for key, row in by_channel.items() if key in COLUMNS},
        "name": person.name,
        "party": person.kind if person.kind != PartyKind.PERSON else None,
        "phone": written_phone(by_channel[phones[0]].target, region)
        if phones
        else None,
        "channels": ",".join(word_of(channel, language) for channel in phones),
        "language": person.language,
        "quiet_from": quiet.quiet_from if quiet else None,
        "quiet_until": quiet.quiet_until if quiet else None,
    }
