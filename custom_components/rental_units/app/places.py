"""Commands about places: what they are, who answers for them, and the codes on their plates."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, override

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from homeassistant.util.json import JsonValueType

from ..const import PartyKind
from ..places import rows
from ..places.const import NEEDED, OF_UNIT, Finding, PartyRole, PlaceKind
from ..places.models import PlaceCode, PlaceParty, SitePlace, Visit
from ..register import queries
from ..register.addresses import mask
from ..register.people import Contact
from ..storage.events import Kind
from .reading import describe_person, moment
from .tenancy import enter_person, known_person, person_of
from .work import Command, Work, overtaken, refused

type Answer = dict[str, JsonValueType]

#: What is written of a place that is a unit, and of any other besides.
OWN_FIELDS: Final = ("kind", "storey", "latitude", "longitude", "grade")
PLACE_FIELDS: Final = ("building", "stairwell", "name", "address", "area_id")
#: Visits in an answer, the newest first.
MOST_VISITS: Final = 20


def place_of(work: Work, place_id: str) -> SitePlace:
    """Return a place that is there. Raises ServiceValidationError."""
    place = work.session.scalar(
        select(SitePlace).where(SitePlace.id == place_id, rows.is_there())
    )
    if place is None:
        raise refused("no_such_place")
    return place


def valid_code(place: SitePlace) -> PlaceCode | None:
    """Return the code of a place that is valid."""
    return next((row for row in place.codes if row.revoked_at is None), None)


def describe(place: SitePlace) -> Answer:
    """Return a place for an answer, without its address and whoever answers for it."""
    known, code = rows.described(place), valid_code(place)
    return {
        "place_id": known.id,
        "version": known.version,
        "kind": known.kind,
        "unit_id": known.unit_id,
        "building": known.building,
        "stairwell": known.stairwell,
        "number": known.number,
        "name": known.name,
        "area_id": known.area_id,
        "storey": known.storey,
        "latitude": known.latitude,
        "longitude": known.longitude,
        "grade": known.grade,
        "tag_id": known.tag_id,
        "code": {
            "version": code.version,
            "issued_at": moment(code.issued_at),
            "scans": code.scans,
            "scanned_at": moment(code.scanned_at),
        }
        if code
        else None,
    }


@dataclass(frozen=True, slots=True)
class GetPlaces(Command[list[Answer]]):
    """List the places with what is known of their plates. It names nobody, and no address."""

    name = "get_places"

    @override
    def run(self, work: Work) -> list[Answer]:
        work.audit()
        places = work.session.scalars(
            select(SitePlace)
            .where(rows.is_there())
            .options(joinedload(SitePlace.unit), selectinload(SitePlace.codes))
        )
        return [describe(row) for row in places]


@dataclass(frozen=True, slots=True)
class GetPlace(Command[Answer]):
    """Show a place: its address, who answers for it, and who was there."""

    name = "get_place"
    place_id: str

    @override
    def run(self, work: Work) -> Answer:
        place = place_of(work, self.place_id)
        work.audit(place.unit_id)
        for party in place.parties:
            work.audit(place.unit_id, party.person_id)
        visits = work.session.scalars(
            select(Visit)
            .where(Visit.place_id == place.id)
            .order_by(Visit.at.desc(), Visit.id.desc())
            .limit(MOST_VISITS)
        )
        return {
            **describe(place),
            "address": rows.described(place).address,
            "parties": [_party(work, row) for row in place.parties],
            "visits": [
                {
                    "at": moment(row.at),
                    "who": row.who,
                    "finding": row.finding,
                    "note": row.note,
                    "was_there": row.was_there,
                }
                for row in visits
            ],
        }


def _party(work: Work, party: PlaceParty) -> Answer:
    """Return who answers for a place: an organisation is nobody, and has no mask."""
    person = party.person
    is_organisation = person.kind == PartyKind.ORGANISATION
    numbers = dict.fromkeys(row.target for row in person.addresses)
    return {
        "party_id": party.id,
        "person_id": person.id,
        "kind": person.kind,
        "role": party.role,
        "name": person.name if is_organisation else work.named(person.name, None),
        "reached": [row if is_organisation else mask(row) for row in numbers],
    }


@dataclass(frozen=True, slots=True)
class SavePlace(Command[str]):
    """Add a place, or change one; return its id. What is not said stays, what is empty goes.

    Of a unit only what its own form does not ask for: kind, floor, position, grade.
    """

    name = "save_place"
    fields: Mapping[str, Any]
    #: None: a new one.
    place_id: str | None = None
    version: int | None = None

    @override
    def run(self, work: Work) -> str:
        if self.place_id is None:
            place = SitePlace(
                kind="", building="", stairwell="", name="", address="", version=1
            )
        else:
            place = place_of(work, self.place_id)
            if self.version not in (None, place.version):
                raise overtaken("place_changed")
            place.version += 1
        self._put(work, place)
        work.session.add(place)
        work.session.flush()
        work.audit(place.unit_id)
        work.tell(Kind.PLACE_CHANGED)
        return place.id

    def _put(self, work: Work, place: SitePlace) -> None:
        known = {key: getattr(place, key) for key in (*OWN_FIELDS, *PLACE_FIELDS)}
        said = known | {
            key: value.strip() if isinstance(value, str) else value
            for key, value in self.fields.items()
        }
        kind = PlaceKind(said["kind"])
        if (kind in OF_UNIT) != (place.unit_id is not None):
            raise refused("place_of_unit" if place.unit_id else "place_is_no_unit")
        if (said["latitude"] is None) != (said["longitude"] is None):
            raise refused("half_a_position")
        if place.unit_id and any(said[key] != known[key] for key in PLACE_FIELDS):
            raise refused("place_of_unit")
        for field in NEEDED.get(kind, ()):
            if not said[field]:
                raise refused(f"{field}_missing")
        if kind is PlaceKind.BUILDING:
            said["stairwell"] = ""
        for field, value in said.items():
            setattr(place, field, value if field != "area_id" else value or None)
        if place.unit_id:
            return
        key = rows.key_of(kind, place.building, place.stairwell, place.name)
        other = select(SitePlace.id).where(
            SitePlace.place_key == key, SitePlace.id != (place.id or "")
        )
        with work.session.no_autoflush:
            if work.session.scalar(other):
                raise refused("place_exists")
        place.place_key = key


@dataclass(frozen=True, slots=True)
class RemovePlace(Command[str]):
    """Remove a place that is no unit, with its code and its visits; return its id."""

    name = "remove_place"
    place_id: str

    @override
    def run(self, work: Work) -> str:
        place = place_of(work, self.place_id)
        if place.unit_id:
            raise refused("place_of_unit")
        if place.place_key in rows.of_units(work.session):
            # It would be back at once.
            raise refused("place_of_units")
        work.session.delete(place)
        work.session.flush()
        queries.forget_strangers(work.session, work.keep)
        work.audit()
        work.tell(Kind.PLACE_CHANGED)
        return self.place_id


@dataclass(frozen=True, slots=True)
class PutParty(Command[str]):
    """Say who answers for a place: somebody of the register, or somebody new; return an id.

    An organisation is entered like a person, and said to be one. Whoever is known already
    stays what they are: nobody is unmasked because somebody entered them a second time.
    """

    name = "put_place_party"
    place_id: str
    #: Somebody of the register, or as entered.
    party: str | Contact
    role: PartyRole
    is_organisation: bool = False

    @override
    def run(self, work: Work) -> str:
        place = place_of(work, self.place_id)
        if isinstance(self.party, str):
            person = person_of(work, self.party)
        elif not self.party.name:
            raise refused("name_missing")
        else:
            is_known = known_person(work, self.party) is not None
            person = enter_person(work, self.party)
            if self.is_organisation and not is_known:
                person.kind = PartyKind.ORGANISATION
        known = next((row for row in place.parties if row.person_id == person.id), None)
        if known is None:
            known = PlaceParty(place_id=place.id, person_id=person.id, role=self.role)
            place.parties.append(known)
        known.role = self.role
        work.session.flush()
        work.audit(place.unit_id, person.id)
        return known.id


@dataclass(frozen=True, slots=True)
class RemoveParty(Command[str]):
    """Say that somebody does not answer for a place any more; return the id of the place."""

    name = "remove_place_party"
    party_id: str

    @override
    def run(self, work: Work) -> str:
        party = work.session.get(PlaceParty, self.party_id)
        if party is None:
            raise refused("no_such_party")
        work.audit(person_id=party.person_id)
        work.session.delete(party)
        work.session.flush()
        queries.forget_strangers(work.session, work.keep)
        return party.place_id


@dataclass(frozen=True, slots=True)
class Issued:
    """A code that was issued: its token is here, and nowhere else any more."""

    place: rows.PlaceInfo
    version: int
    token: str


@dataclass(frozen=True, slots=True)
class IssueCodes(Command[list[Issued]]):
    """Issue a new code for each of these places. Those of before are void at once."""

    name = "print_codes"
    place_ids: Collection[str]
    #: Makes a token, and the digest that it is found by.
    new_token: Callable[[], tuple[str, str]]

    @override
    def run(self, work: Work) -> list[Issued]:
        found = work.session.scalars(
            select(SitePlace)
            .where(rows.is_there())
            .options(joinedload(SitePlace.unit), selectinload(SitePlace.codes))
        )
        places = {row.id: row for row in found}
        issued = []
        for place_id in dict.fromkeys(self.place_ids):
            if (place := places.get(place_id)) is None:
                raise refused("no_such_place")
            _revoke(work, place)
            token, digest = self.new_token()
            code = PlaceCode(
                version=max((row.version for row in place.codes), default=0) + 1,
                digest=digest,
                issued_at=work.hand.now,
                issued_by=work.caller.user_id,
            )
            place.codes.append(code)
            work.audit(place.unit_id)
            issued.append(Issued(rows.described(place), code.version, token))
        work.tell(Kind.PLACE_CHANGED)
        return issued


@dataclass(frozen=True, slots=True)
class RevokeCode(Command[str]):
    """Make the code of a place void: its plate is gone, or somebody else has it."""

    name = "revoke_code"
    place_id: str

    @override
    def run(self, work: Work) -> str:
        place = place_of(work, self.place_id)
        if not _revoke(work, place):
            raise refused("no_code")
        work.audit(place.unit_id)
        work.tell(Kind.PLACE_CHANGED)
        return place.id


def _revoke(work: Work, place: SitePlace) -> bool:
    """Revoke the code of a place; return if it had one."""
    if (code := valid_code(place)) is None:
        return False
    code.revoked_at = work.hand.now
    return True


@dataclass(frozen=True, slots=True)
class VisitPlace(Command[str]):
    """Write down that somebody was at a place, and what they have found; return an id."""

    name = "visit_place"
    place_id: str
    finding: Finding
    note: str = ""
    #: The plate was scanned.
    was_there: bool = False

    @override
    def run(self, work: Work) -> str:
        place = place_of(work, self.place_id)
        visit = Visit(
            place_id=place.id,
            at=work.hand.now,
            who=work.caller.user_id,
            finding=self.finding,
            note=self.note.strip(),
            was_there=self.was_there,
        )
        work.session.add(visit)
        work.session.flush()
        work.audit(place.unit_id)
        return visit.id


@dataclass(frozen=True, slots=True)
class RevealPlace(Command[list[Answer]]):
    """Name who is registered in the unit at whose door somebody stands, with their numbers.

    Who asks has scanned the plate, whose code is valid now. Each person is in the audit.
    """

    name = "reveal_at_place"
    #: What the code's token is found by.
    digest: str

    @override
    def run(self, work: Work) -> list[Answer]:
        place = work.session.scalar(
            select(SitePlace)
            .join(PlaceCode, PlaceCode.place_id == SitePlace.id)
            .where(
                PlaceCode.digest == self.digest,
                PlaceCode.revoked_at.is_(None),
                rows.is_there(),
            )
        )
        if place is None:
            raise refused("no_such_place")
        if place.unit_id is None:
            raise refused("place_is_no_unit")
        found = queries.leases_of(work.session, place.unit_id, work.today)
        work.audit(place.unit_id)
        for person_id in dict.fromkeys(row.person_id for row in found):
            work.audit(place.unit_id, person_id)
        return [
            {
                "role": row.role,
                "person_id": row.person_id,
                **describe_person(row.person, reveal=True),
            }
            for row in found
        ]
