"""What the rows of a file change in the register: found out first, then written."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import batched
import time
from types import MappingProxyType
from typing import Any
import unicodedata

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from homeassistant.config_entries import ConfigSubentry
from homeassistant.exceptions import ServiceValidationError
from homeassistant.util.ulid import ulid_now

from ..access_control import numbers, outbox
from ..access_control.const import Decision, Holder
from ..access_control.models import Card
from ..const import SUBENTRY_RESPONDER, Channel, Duty, PartyKind
from ..places.const import PlaceKind
from ..places.models import SitePlace
from ..places.rows import key_of
from ..register import leases, queries
from ..register.addresses import PHONE_CHANNELS
from ..register.leases import Hand
from ..register.models import Lease, Person, Responder, Unit
from ..register.people import Contact
from ..register.units import UNIT_FIELDS, put_fields, unit_key
from ..storage.events import Happened, Kind
from ..storage.vault import Vault
from .cells import Masked
from .rows import Entry, RowError, place_key

#: Rows that are written in one transaction. Alerts are written between two of them.
CHUNK_ROWS = 50
_PLACE = ("building", "stairwell", "number")


def chunks(entries: Iterable[Entry], plan: Plan) -> Iterator[list[Entry]]:
    """Return the rows in parts: all rows of a unit are in one, or it would be half there."""
    by_unit: dict[str, list[Entry]] = {}
    for entry in entries:
        by_unit.setdefault(plan.unit_ids.get(entry.key, entry.key), []).append(entry)
    chunk: list[Entry] = []
    for rows in by_unit.values():
        chunk += rows
        if len(chunk) >= CHUNK_ROWS:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


@dataclass(slots=True)
class Change:
    """What a row does, or would do."""

    entry: Entry
    #: What it adds and changes, as the counts of the answer are called.
    done: list[str] = field(default_factory=list)
    #: Each field that changes, with what is there now and what will be.
    fields: list[tuple[str, Any, Any]] = field(default_factory=list)
    #: A day on which somebody has left, whom the row does not bring back.
    left: date | None = None
    #: The unit and the person that it is about.
    unit_id: str | None = None
    person_id: str | None = None

    @property
    def status(self) -> str:
        """Return added, changed or unchanged."""
        if any(what.endswith("added") for what in self.done):
            return "added"
        return "changed" if self.done else "unchanged"


@dataclass(slots=True)
class Outcome:
    """What all rows do."""

    changes: list[Change] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)

    @property
    def counts(self) -> Counter[str]:
        """Return how much is added and changed."""
        return Counter(what for change in self.changes for what in change.done)


@dataclass(slots=True)
class Plan:
    """The units that an import adds and changes, and the responders."""

    #: The fields of new units.
    added: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: The units of the rows by what rows call them, and rows that might mean several.
    unit_ids: dict[str, str] = field(default_factory=dict)
    unclear: set[str] = field(default_factory=set)
    #: What changes of the units that are there already.
    unit_fields: dict[str, list[tuple[str, Any, Any]]] = field(default_factory=dict)
    #: What is known of the responders, by their subentry.
    duties: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    #: Areas by their names.
    area_ids: Mapping[str, str] = field(default_factory=dict)
    #: The responders' subentries that are added and changed: found out as rows are written.
    new_duties: dict[str, ConfigSubentry] = field(default_factory=dict)
    changed_duties: dict[str, dict[str, Any]] = field(default_factory=dict)


def plan_units(
    entries: list[Entry],
    units: Mapping[str, Mapping[str, Any]],
    duties: Mapping[str, Mapping[str, Any]],
    areas: Mapping[str, str],
) -> Plan:
    """Return which units are new and which change; several rows may be of one unit.

    Which responders are new is known when their people are read.
    """
    plan = Plan(duties=dict(duties), area_ids=areas)
    known = {place_key(data): key for key, data in units.items()}
    known |= {unit_key(data): key for key, data in units.items()}
    without_stairwell: dict[str, set[str]] = defaultdict(set)
    for key, data in units.items():
        without_stairwell[_without_stairwell(data)].add(key)
    # A row without a stairwell may mean a unit that another row names in full.
    for entry in sorted(entries, key=lambda entry: "stairwell" not in entry.unit):
        if not entry.unit or entry.key in plan.unclear:
            continue
        unit_id = (
            plan.unit_ids.get(entry.key)
            or known.get(unit_key(entry.unit))
            or known.get(entry.key)
        )
        if unit_id is None and "stairwell" not in entry.unit:
            others = without_stairwell[_without_stairwell(entry.unit)]
            if len(others) > 1:
                plan.unclear.add(entry.key)
                continue
            unit_id = next(iter(others), None)
        if unit_id is None:
            unit_id = ulid_now()
            without_stairwell[_without_stairwell(entry.unit)].add(unit_id)
        plan.unit_ids[entry.key] = unit_id
        said = {key: entry.unit[key] for key in entry.unit if key not in _PLACE}
        if entry.area and entry.area in areas:
            said["area_id"] = areas[entry.area]
        if before := units.get(unit_id):
            changed = {row[0]: row for row in plan.unit_fields.get(unit_id, ())}
            changed |= {
                key: (key, before.get(key), value)
                for key, value in said.items()
                if before.get(key) != value
            }
            if changed:
                plan.unit_fields[unit_id] = list(changed.values())
        else:
            plan.added[unit_id] = {**plan.added.get(unit_id, entry.unit), **said}
    return plan


def _without_stairwell(unit: Mapping[str, Any]) -> str:
    return place_key({**unit, "stairwell": ""})


def spot_key(spot: Mapping[str, Any]) -> str:
    """Return the key of a place that is no unit."""
    parts = (spot.get(part, "") for part in ("building", "stairwell", "name"))
    return key_of(spot["kind"], *parts)


class OvertakenError(Exception):
    """A unit that was planned with has been removed meanwhile."""


class _RefusedError(Exception):
    """A row that does not fit what is registered."""

    def __init__(self, column: str, problem: str, **details: Any) -> None:
        super().__init__(problem)
        self.column = column
        self.problem = problem
        self.details = details


@dataclass(slots=True)
class Known:
    """What is registered, by what the rows of a file are recognised by."""

    session: Session
    units: dict[str, Unit] = field(default_factory=dict)
    #: Keys of units that are there, though they were new when it was planned.
    keys: set[str | None] = field(default_factory=set)
    #: People by name and each of their addresses.
    people: dict[tuple[str, str], Person] = field(default_factory=dict)
    namesakes: dict[str, dict[str, Person]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    #: Leases by unit and role: those that are open, and those that have ended.
    leases: dict[tuple[str, str], list[Lease]] = field(
        default_factory=lambda: defaultdict(list)
    )
    ended: dict[tuple[str, str], list[Lease]] = field(
        default_factory=lambda: defaultdict(list)
    )
    #: Places of units by these, and other places by their keys.
    places: dict[str, SitePlace] = field(default_factory=dict)
    #: Responders by their duty.
    duties: dict[str, dict[str, Responder]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    #: Cards by their number.
    cards: dict[str, Card] = field(default_factory=dict)

    @classmethod
    def read(
        cls,
        session: Session,
        box: Vault,
        entries: list[Entry],
        plan: Plan,
        today: date,
    ) -> Known:
        """Read at once what these rows may mean: they must not ask one by one."""
        known = cls(session)
        names = {row.contact.name for row in entries if row.contact}
        for chunk in batched(names, queries.MOST_VALUES, strict=False):
            for person in session.scalars(
                select(Person)
                .where(Person.name.in_(chunk))
                .options(selectinload(Person.addresses))
            ):
                known.learn(person)
        units = {plan.unit_ids[row.key] for row in entries if row.key in plan.unit_ids}
        keys = [unit_key(plan.added[key]) for key in units if key in plan.added]
        for chunk in batched(keys, queries.MOST_VALUES, strict=False):
            query = select(Unit.unit_key).where(Unit.unit_key.in_(chunk))
            known.keys |= set(session.scalars(query.where(queries.is_there())))
        for chunk in batched(units, queries.MOST_VALUES, strict=False):
            known.units |= {
                unit.id: unit
                for unit in session.scalars(select(Unit).where(Unit.id.in_(chunk)))
            }
            leases = (
                select(Lease)
                .where(Lease.unit_id.in_(chunk), Lease.removed_at.is_(None))
                .order_by(Lease.id)
                .options(
                    selectinload(Lease.person).selectinload(Person.addresses),
                    selectinload(Lease.history),
                )
            )
            is_open = queries.is_open(today)
            for found, condition in ((known.leases, is_open), (known.ended, ~is_open)):
                for lease in session.scalars(leases.where(condition)):
                    known.learn(lease.person)
                    found[lease.unit_id, lease.role].append(lease)
        known.learn_places(entries, units)
        for row in session.scalars(
            select(Responder).options(
                selectinload(Responder.person).selectinload(Person.addresses)
            )
        ):
            # One without a subentry: an import was ended before it was made.
            data = plan.duties.get(row.id) or (row.facts or {}).get("data")
            if data:
                known.learn(row.person)
                known.duties[data["duty"]][row.id] = row
        known.cards = numbers.find_all(
            session, box, {number for row in entries for number in row.cards}
        )
        return known

    def learn_places(self, entries: Iterable[Entry], units: Iterable[str]) -> None:
        """Read the places that rows say something of."""
        if not any(row.spot for row in entries):
            return
        keys = {spot_key(row.spot) for row in entries if row.spot and not row.unit}
        for column, wanted in ((SitePlace.unit_id, units), (SitePlace.place_key, keys)):
            for chunk in batched(wanted, queries.MOST_VALUES, strict=False):
                rows = select(SitePlace).where(column.in_(chunk))
                for place in self.session.scalars(rows):
                    self.places[place.unit_id or place.place_key or ""] = place

    def learn(self, person: Person) -> None:
        """Recognise a person from now on by their name and each address."""
        name = _name(person.name)
        self.namesakes[name][person.id] = person
        for address in person.addresses:
            self.people[name, address.target] = person

    def find(self, contact: Contact) -> Person | None:
        """Return who has this name and one of these addresses."""
        keys = ((_name(contact.name), target) for target in _targets(contact))
        return next((self.people[key] for key in keys if key in self.people), None)

    def there(self, entry: Entry, unit_id: str) -> list[Person]:
        """Return who has the role of a row in its unit, or its duty."""
        if isinstance(entry.role, Duty):
            people = [row.person for row in self.duties[entry.role].values()]
        else:
            leases = self.leases[unit_id, str(entry.role)]
            people = list({row.person_id: row.person for row in leases}.values())
        return people


def _name(name: str | None) -> str:
    """Return what spellings of a name have in common."""
    return unicodedata.normalize("NFKC", name or "").casefold().replace(" ", "")


def _targets(contact: Contact) -> list[str]:
    return [row for row in (contact.phone, *contact.direct.values()) if row]


def write_entries(
    session: Session,
    entries: list[Entry],
    plan: Plan,
    *,
    box: Vault,
    language: str,
    today: date,
    titles: Mapping[str, str],
    hand: Hand,
    is_trial: bool = False,
) -> Outcome:
    """Write rows; return what was added and changed. Rows that say nothing new do nothing.

    A row that does not fit what is registered is an error, and is left out. `titles` are
    what the duties are called. A trial has a session that cannot write.
    """
    known = Known.read(session, box, entries, plan, today)
    writer = _Writer(known, plan, hand, language, titles, box=None if is_trial else box)
    return writer.write(entries)


class _Writer:
    """Writes rows."""

    def __init__(
        self,
        known: Known,
        plan: Plan,
        hand: Hand,
        language: str,
        titles: Mapping[str, str],
        *,
        box: Vault | None,
    ) -> None:
        """Initialize; without a box no card is written."""
        self._hand = hand
        self._box = box
        self._known = known
        self._plan = plan
        self._language = language
        self._titles = titles
        #: What rows have said of a person, with the number of the row.
        self._said: dict[tuple[str, str], tuple[Any, int]] = {}
        #: Who is meant by a row for sure, and rows that nobody is known for, by place.
        self._certain: dict[tuple[str, str], set[str]] = defaultdict(set)
        self._uncertain = Counter[tuple[str, str, str]]()
        self._told_units: set[str] = set()
        #: Whose a card is by the file, with the number of the row.
        self._holders: dict[str, tuple[str, int]] = {}

    def write(self, entries: list[Entry]) -> Outcome:
        """Write all rows."""
        uncertain = set()
        for entry in entries:
            if not entry.contact:
                continue
            role, name = str(entry.role), _name(entry.contact.name)
            if person := self._known.find(entry.contact):
                self._certain[entry.key, role].add(person.id)
            else:
                uncertain.add((entry.key, role, name, *_targets(entry.contact)))
        self._uncertain.update((row[0], row[1], row[2]) for row in uncertain)
        outcome = Outcome()
        for entry in entries:
            change = Change(entry)
            try:
                self._write(entry, change)
            except _RefusedError as err:
                outcome.errors.append(
                    entry.error(err.column, err.problem, **err.details)
                )
            else:
                outcome.changes.append(change)
        return outcome

    def _write(self, entry: Entry, change: Change) -> None:
        unit_id = self._unit(entry, change) if entry.unit else ""
        change.unit_id = unit_id or None
        if entry.spot:
            self._spot(entry, unit_id, change)
        if not entry.contact or not entry.role:
            return
        person = self._person(entry, entry.contact, unit_id, change)
        change.person_id = person.id
        if isinstance(entry.role, Duty):
            self._responder(entry, person, change)
        else:
            self._lease(entry, person, unit_id, change)
            for number in entry.cards:
                self._card(entry, person, number, change)

    def _unit(self, entry: Entry, change: Change) -> str:
        if entry.key in self._plan.unclear:
            raise _RefusedError("stairwell", "which_stairwell")
        unit_id = self._plan.unit_ids[entry.key]
        unit = self._known.units.get(unit_id)
        if unit is None and unit_id in self._plan.added:
            unit = self._known.units[unit_id] = Unit(id=unit_id, address="", version=1)
            self._known.session.add(unit)
            put_fields(unit, self._plan.added[unit_id])
            if unit.unit_key in self._known.keys:
                raise OvertakenError
            self._tell(Kind.UNIT_ADDED, unit_id)
            change.done.append("units_added")
        elif unit is None or unit.removed_at is not None:
            raise OvertakenError
        elif fields := self._plan.unit_fields.get(unit_id):
            known = {key: getattr(unit, key) for key in UNIT_FIELDS}
            if put_fields(unit, {**known, **{key: new for key, _, new in fields}}):
                self._change_unit(unit, *(key for key, _, _ in fields))
                change.done.append("units_changed")
                change.fields += fields
        if entry.address is not None and unit.address != entry.address:
            change.fields.append(("address", unit.address, entry.address))
            change.done.append("addresses_changed")
            unit.address = entry.address
            self._change_unit(unit, "address")
        return unit_id

    def _spot(self, entry: Entry, unit_id: str, change: Change) -> None:
        """Write what a row says of a place; one that is no unit may be new."""
        said = dict(entry.spot)
        if not unit_id:
            said["address"] = entry.address
            said["area_id"] = self._plan.area_ids.get(entry.area or "")
            key = spot_key(said)
        else:
            key = unit_id
        place = self._known.places.get(key)
        if is_new := place is None:
            place = self._known.places[key] = SitePlace(
                kind=PlaceKind.UNIT,
                unit_id=unit_id or None,
                place_key=None if unit_id else key,
                building="",
                stairwell="",
                name="",
                address="",
                version=1,
            )
            self._known.session.add(place)
        changed = {
            key: (getattr(place, key), value)
            for key, value in said.items()
            if value is not None and getattr(place, key) != value
        }
        for name, (_, value) in changed.items():
            setattr(place, name, value)
        if is_new and not unit_id:
            change.done.append("places_added")
        elif changed:
            place.version += 0 if is_new else 1
            change.fields += [(name, *values) for name, values in changed.items()]
            change.done.append("places_changed")
        if changed or is_new:
            self._hand.happened.append(Happened(Kind.PLACE_CHANGED))

    def _change_unit(self, unit: Unit, *fields: str) -> None:
        unit.note(*fields)
        if unit.id not in self._told_units:
            self._tell(Kind.UNIT_CHANGED, unit.id)

    def _tell(self, kind: Kind, unit_id: str) -> None:
        self._told_units.add(unit_id)
        self._hand.happened.append(Happened(kind, unit_id))

    def _person(
        self, entry: Entry, contact: Contact, unit_id: str, change: Change
    ) -> Person:
        """Return the person of a row, whose row in the database is as the file says."""
        person = self._find(entry, contact, unit_id)
        if person is None:
            if not _targets(contact):
                raise _RefusedError("phone", "no_way_to_reach")
            person = Person(
                id=ulid_now(), name=contact.name or "", language=self._language
            )
            self._known.session.add(person)
            change.done.append("people_added")
            contact.apply(person)
        else:
            contact = _completed(entry, contact, person)
            before = _state(person)
            contact.apply(person)
            after = _state(person)
            changed = [key for key in after if before[key] != after[key]]
            change.fields += [(key, before[key], after[key]) for key in changed]
            if changed:
                change.done.append("people_changed")
                units = sorted({row.unit_id for row in person.leases})
                self._hand.happened.extend(
                    Happened(Kind.PERSON_CHANGED, key, person.id)
                    for key in units or (None,)
                )
        if entry.party and entry.party != (person.kind or PartyKind.PERSON):
            if "people_added" not in change.done:
                change.fields.append(("party", person.kind, entry.party))
                change.done.append("people_changed")
            person.kind = entry.party
        self._check_said(entry, contact, person)
        self._known.learn(person)
        return person

    def _find(self, entry: Entry, contact: Contact, unit_id: str) -> Person | None:
        """Return whom a row means: by an address, or by who is in that place already."""
        if person := self._known.find(contact):
            return person
        name, there = _name(contact.name), self._known.there(entry, unit_id)
        namesakes = [row for row in there if _name(row.name) == name]
        if entry.masked:
            everywhere = self._known.namesakes[name].values()
            for people in (namesakes, everywhere, there):
                found = {row.id: row for row in people if _fits(entry.masked, row)}
                if len(found) == 1:
                    return next(iter(found.values()))
            raise _RefusedError("phone", "masked_unknown")
        place = entry.key, str(entry.role)
        others = [row for row in namesakes if row.id not in self._certain[place]]
        if others and (len(others) > 1 or self._uncertain[*place, name] > 1):
            raise _RefusedError("name", "ambiguous")
        return others[0] if others else None

    def _check_said(self, entry: Entry, contact: Contact, person: Person) -> None:
        """Refuse a row that says something else of a person than one before it."""
        said = {
            "phone": contact.phone,
            **{str(key): value for key, value in contact.direct.items()},
            "language": contact.language,
            "quiet_from": contact.quiet,
        }
        for column, value in said.items():
            if not value:
                continue
            first, row = self._said.setdefault(
                (person.id, column), (value, entry.place.row)
            )
            if first != value:
                raise _RefusedError(column, "contradiction", other=row)

    def _lease(
        self, entry: Entry, person: Person, unit_id: str, change: Change
    ) -> None:
        """Write the lease of a row. What the file does not say stays as it is."""
        place = unit_id, str(entry.role)
        known = self._known.leases[place]
        lease = next((row for row in known if row.person_id == person.id), None)
        if lease is None:
            for row in reversed(self._known.ended[place]):
                # A row without a start says nothing of a new stay.
                is_it = entry.start in (None, row.start)
                if is_it and row.person_id == person.id:
                    change.left = row.left_on
                    return
            lease = leases.begin(
                self._known.session,
                self._hand,
                unit_id,
                person.id,
                place[1],
                start=entry.start,
                end=entry.end,
            )
            lease.person = person
            known.append(lease)
            change.done.append("leases_added")
            return
        before = {"start": lease.start, "end": lease.end}
        try:
            has_changed = leases.put_dates(
                self._hand, lease, entry.start, entry.end, keep=True
            )
        except ServiceValidationError:
            raise _RefusedError("end", "before_start") from None
        if has_changed:
            change.done.append("leases_changed")
            after = {"start": lease.start, "end": lease.end}
            change.fields += [
                (key, before[key], after[key])
                for key in after
                if before[key] != after[key]
            ]

    def _card(self, entry: Entry, person: Person, number: str, change: Change) -> None:
        """Issue a card to the person of a row, for their leases."""
        holder, row = self._holders.setdefault(number, (person.id, entry.place.row))
        if holder != person.id:
            raise _RefusedError("card", "contradiction", other=row)
        now = time.time()
        if known := self._known.cards.get(number):
            is_theirs = known.person_id == person.id and not known.is_over
            if is_theirs and known.decision in (Decision.ISSUED, Decision.SUSPENDED):
                return
            if against := outbox.against(known, now):
                raise _RefusedError("card", against)
        if change.left:
            raise _RefusedError("card", "card_without_lease")
        change.done.append("cards_added")
        change.fields.append(("card", None, numbers.mask(numbers.shown(number))))
        if self._box is None:
            return
        session = self._known.session
        if known:
            outbox.close(session, known, now)
        card = Card(
            person_id=person.id,
            holder=Holder.LEASE,
            decision=Decision.ISSUED,
            decided_at=now,
        )
        # Its holder, who may be new, comes before it.
        session.flush()
        session.add(card)
        numbers.put(session, self._box, card, number)
        self._known.cards[number] = card
        self._hand.happened.append(Happened(Kind.CARD_CHANGED, None, person.id))

    def _responder(self, entry: Entry, person: Person, change: Change) -> None:
        """Write the duty of a row. Its subentry follows when the row is written."""
        duty = str(entry.role)
        duties = self._known.duties[duty]
        row = next((row for row in duties.values() if row.person is person), None)
        if row is None:
            row = Responder(id=ulid_now(), person=person)
            duties[row.id] = row
            self._known.session.add(row)
        before = self._plan.duties.get(row.id)
        if before is None and row.id not in self._plan.new_duties:
            data = {"duty": duty}
            data |= {"schedule": entry.schedule} if entry.schedule else {}
            title = self._titles.get(duty, duty)
            row.facts = {"title": title, "unique_id": row.id, "data": data}
            row.removed_at = None
            self._plan.new_duties[row.id] = ConfigSubentry(
                data=MappingProxyType(data),
                subentry_id=row.id,
                subentry_type=SUBENTRY_RESPONDER,
                title=title,
                unique_id=row.id,
            )
            change.done.append("responders_added")
        elif before and entry.schedule and before.get("schedule") != entry.schedule:
            data = {**before, "schedule": entry.schedule}
            self._plan.changed_duties[row.id] = data
            change.done.append("responders_changed")
            change.fields.append(("schedule", before.get("schedule"), entry.schedule))


def _fits(masked: Masked, person: Person) -> bool:
    return any(
        masked.fits(row.target)
        for row in person.addresses
        if row.channel in PHONE_CHANNELS
    )


def _completed(entry: Entry, contact: Contact, person: Person) -> Contact:
    """Return a contact with the part of number and its use that the file does not say."""
    numbers = {
        row.channel: row.target
        for row in person.addresses
        if row.channel in PHONE_CHANNELS
    }
    if not numbers:
        return contact
    if not entry.has_channels:
        used = tuple(channel for channel in PHONE_CHANNELS if channel in numbers)
        return replace(contact, phone_channels=used)
    if contact.phone is None:
        return replace(contact, phone=next(iter(numbers.values())))
    return contact


def _state(person: Person) -> dict[str, Any]:
    """Return what a row can change of a person, by its column."""
    by_channel = {row.channel: row for row in person.addresses}
    phones = [channel for channel in PHONE_CHANNELS if channel in by_channel]
    quiet = [(row.quiet_from, row.quiet_until) for row in by_channel.values()]
    return {
        "name": person.name,
        "language": person.language,
        "phone": ", ".join(dict.fromkeys(by_channel[key].target for key in phones)),
        "channels": ",".join(phones),
        **{
            str(key): by_channel[key].target if key in by_channel else None
            for key in Channel
            if key not in PHONE_CHANNELS
        },
        **dict(zip(("quiet_from", "quiet_until"), _hours(quiet), strict=True)),
    }


def _hours(quiet: list[tuple[Any, Any]]) -> tuple[Any, Any]:
    """Return the quiet hours of all addresses, where there are several each."""
    both = sorted({row for row in quiet if row[0]})
    return (
        ", ".join(str(row[0]) for row in both) or None,
        ", ".join(str(row[1]) for row in both) or None,
    )
