"""Commands about searches. Nobody is looked for without a case, whoever asks."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, override

from homeassistant.util.json import JsonValueType

from ..register.models import Person
from ..search import find, rows
from ..search.const import (
    GAP_SECONDS,
    LEAST_AUTHORITY,
    MOST_COPIED,
    MOST_DAYS,
    MOST_ROWS,
    TELLS,
    CaseKind,
    Deed,
    Outcome,
)
from ..search.find import Found, Spotted, Wanted
from ..search.models import SearchCase, SearchDeed
from ..search.pictures import Shot
from ..search.rows import Brief, Subject
from ..search.watch import wanted_of
from ..sightings import plates, store
from ..storage.events import Kind
from ..storage.vault import RULES, Compartment, Vault
from .reading import moment
from .tenancy import person_of
from .work import Command, NotCoveredError, Work, refused

type Answer = dict[str, JsonValueType]

_DAY: Final = 86_400
#: The class of whoever has an age.
PERSON: Final = "person"


def _case_of(work: Work, case_id: str) -> SearchCase:
    """Return a case.

    Raises ServiceValidationError if there is none, and NotCoveredError if it is another's.
    """
    case = work.session.get(SearchCase, case_id)
    if case is None:
        raise refused("no_search_case")
    is_own = case.opened_by is not None and case.opened_by == work.caller.user_id
    if not (is_own or work.caller.may("any_case", work.why)):
        raise NotCoveredError
    return case


def _open_case_of(work: Work, case_id: str) -> SearchCase:
    """Return a case in which something can be asked. Raises ServiceValidationError."""
    case = _case_of(work, case_id)
    if case.closed_at is not None or case.closes_at <= work.hand.now:
        raise refused("search_case_closed")
    return case


def _note(
    work: Work,
    case: SearchCase,
    what: Deed,
    *,
    box: Vault | None = None,
    wanted: Wanted | None = None,
    shown: int | None = None,
) -> SearchDeed:
    """Write down in the case, and in the audit, that something was done in it."""
    work.audit(person_id=case.person_id)
    return rows.note(
        work.session,
        case,
        what,
        who=work.caller.user_id,
        now=work.hand.now,
        command_id=work.hand.command_id,
        box=box,
        wanted=wanted.as_data() if wanted else None,
        shown=shown,
    )


def describe(case: Brief, now: float) -> Answer:
    """Return a case for an answer, without anybody in it."""
    return {
        "case_id": case.id,
        "kind": case.kind,
        "opened_at": moment(case.opened_at),
        "opened_by": case.opened_by,
        "closes_at": moment(case.closes_at),
        "closed_at": moment(case.closed_at),
        "closed_by": case.closed_by,
        "outcome": case.outcome,
        "open": case.is_open(now),
        "watched_by": case.watched_by,
        "seen_at": moment(case.seen_at),
        "told_at": moment(case.told_at),
        "pictured": case.is_pictured,
        "looks": case.looks,
    }


@dataclass(frozen=True, slots=True)
class OpenCase(Command[str]):
    """Say who or what is to be looked for, why, and by whose number; return the case's id."""

    name = "open_case"
    box: Vault
    kind: CaseKind
    subject: Subject
    person_id: str | None = None

    @override
    def run(self, work: Work) -> str:
        said = self.subject
        if len(said.authority.strip()) < LEAST_AUTHORITY:
            raise refused("search_no_authority")
        if not (self.person_id or said.subject.strip() or said.plate.strip()):
            raise refused("search_nobody")
        if self.kind is CaseKind.ACCESS and not self.person_id:
            raise refused("search_access_of_whom")
        if said.plate and not plates.is_wanted(said.plate):
            raise refused("search_plate", characters=str(plates.LEAST_CHARACTERS))
        if self.person_id:
            person_of(work, self.person_id)
        case = rows.put(
            work.session,
            self.box,
            self.kind,
            replace(said, plate=plates.tidy(said.plate)),
            self.person_id,
            who=work.caller.user_id,
            now=work.hand.now,
        )
        _note(work, case, Deed.OPENED)
        work.tell(Kind.SEARCH_CHANGED)
        return case.id


@dataclass(frozen=True, slots=True)
class GetCases(Command[None]):
    """Look through the cases; they are in memory, and nobody is in them."""

    name = "get_cases"

    @override
    def run(self, work: Work) -> None:
        work.audit()


@dataclass(frozen=True, slots=True)
class GetCase(Command[Answer]):
    """Return who is looked for, as long as the case is open, and what was done in it."""

    name = "get_case"
    case_id: str
    box: Vault

    @override
    def run(self, work: Work) -> Answer:
        case = _case_of(work, self.case_id)
        work.audit(person_id=case.person_id)
        is_open = case.closed_at is None and case.closes_at > work.hand.now
        said = rows.subject_of(work.session, self.box, case) if is_open else None
        person = (
            work.session.get(Person, case.person_id)
            if is_open and case.person_id
            else None
        )
        return {
            "person_id": person.id if person else None,
            "name": work.named(person.name, None)
            if person
            else said.subject
            if said
            else None,
            "description": said.description if said else None,
            "plate": said.plate if said else None,
            "authority": said.authority if said else None,
            "deeds": [
                {
                    "at": moment(row.at),
                    "who": row.who,
                    "what": row.what,
                    "shown": row.shown,
                    "receipt": row.id if row.what == Deed.EXPORTED else None,
                    "digest": row.digest,
                    "command_id": row.command_id,
                }
                for row in case.deeds
            ],
        }


@dataclass(frozen=True, slots=True)
class Look(Command[Answer]):
    """Return what was seen of whom or what a case is about, the newest first.

    What is not said comes from the case. Each look is in the case with what was looked for,
    and in the audit.
    """

    name = "search_sightings"
    case_id: str
    box: Vault
    #: What is said: fields of Wanted.
    said: Mapping[str, Any]

    @override
    def run(self, work: Work) -> Answer:
        case = _open_case_of(work, self.case_id)
        wanted = self._wanted(work, case)
        found = find.search(work.session, self.box, wanted, work.today)
        deed = _note(
            work,
            case,
            Deed.SEARCHED,
            box=self.box,
            wanted=wanted,
            shown=len(found.rows),
        )
        for person_id in {row.person_id for row in found.rows}:
            if person_id and person_id != case.person_id:
                work.audit(person_id=person_id)
        if found.rows and self._is_known(work, case, wanted):
            case.seen_at = max(case.seen_at or 0.0, found.rows[0].at)
        return {
            "deed_id": deed.id,
            **shown(found, wanted, work.hand.now),
            "names": _names(work, found),
        }

    def _is_known(self, work: Work, case: SearchCase, wanted: Wanted) -> bool:
        """Return if it is about whom the case is about, and who waits for the next is shown it."""
        about = wanted_of(work.session, self.box, case, work.hand.now)
        return (
            about is not None
            and (wanted.person_id, wanted.plate) == (about.person_id, about.plate)
            and not wanted.household
            and case.watched_by in (None, work.caller.user_id)
        )

    def _wanted(self, work: Work, case: SearchCase) -> Wanted:
        said = {key: value for key, value in self.said.items() if value}
        now = work.hand.now
        keep = RULES[Compartment.SIGHTINGS].keep_days * _DAY
        until = min(said.pop("until", now + _DAY), now + _DAY)
        since = max(said.pop("since", 0.0), now - keep)
        if case.kind == CaseKind.ACCESS:
            # It is about themselves, and nobody else: not whose plate is like theirs, either.
            said = {"alike": False}
        if said.get("age_group"):
            # Nothing else has an age, and the index is by the class.
            said.setdefault("category", PERSON)
        names = ("plate", "category", "colour")
        names_somebody = any(said.get(key) for key in names)
        if case.person_id and not names_somebody:
            said["person_id"] = case.person_id
        elif not names_somebody:
            subject = rows.subject_of(work.session, self.box, case)
            if subject and subject.plate and "places" not in said:
                said["plate"] = subject.plate
        if said.get("plate") and not plates.is_wanted(said["plate"]):
            raise refused("search_plate", characters=str(plates.LEAST_CHARACTERS))
        wanted = Wanted(**said, since=since, until=until)
        if not (wanted.person_id or wanted.plate):
            if not (wanted.describes or wanted.places):
                raise refused("search_too_wide")
            wanted = replace(
                wanted, since=max(wanted.since, min(until, now) - MOST_DAYS * _DAY)
            )
        if not wanted.since < wanted.until:
            raise refused("passages_no_time")
        return wanted


def shown(found: Found, wanted: Wanted, now: float) -> Answer:
    """Return sightings for an answer, with the gaps between them.

    `untold` is how many more were seen, up to as many as an answer has, of which the camera
    did not tell what was asked: with these they are among the sightings, each with what.
    """
    ats = [row.at for row in found.rows]
    # The last of an answer that is not all has one before it that is not shown.
    befores = [*ats[1:], None][: len(ats)]
    return {
        "numbers": found.numbers,
        "more": found.more,
        "untold": found.untold,
        "last": moment(ats[0]) if ats else None,
        "since_last": max(0.0, round(now - ats[0])) if ats else None,
        "sightings": [
            {
                **_row(row),
                "untold": [
                    key for key in wanted.looks if not (row.attributes or {}).get(key)
                ],
                "gap": _gap(row.at, before),
            }
            for row, before in zip(found.rows, befores, strict=True)
        ],
    }


def _gap(at: float, before: float | None) -> float | None:
    """Return for how long nothing was seen before; None if that is no gap."""
    if before is None or at - before < GAP_SECONDS:
        return None
    return round(at - before)


def _row(row: Spotted) -> Answer:
    attributes = dict(row.attributes or {})
    return {
        "at": moment(row.at),
        "event_id": row.event_id,
        "device_id": row.device_id,
        "door": row.channel,
        "medium": row.medium,
        "number": f"••••{row.digits}" if row.digits else "",
        "decision": row.decision,
        "granted": row.granted,
        "inwards": row.inwards,
        "category": row.category,
        "colour": attributes.get("colour"),
        "age_group": attributes.get("age_group"),
        "person_id": row.person_id,
        "exact": row.exact,
    }


def _names(work: Work, found: Found) -> Answer:
    """Return the names of those whose cards these are: of who was asked for."""
    ids = {row.person_id for row in found.rows if row.person_id}
    people = [work.session.get(Person, key) for key in sorted(ids)]
    return {row.id: work.named(row.name, None) for row in people if row}


@dataclass(frozen=True, slots=True)
class Watch(Command[None]):
    """Be told of the next sighting until the case closes, or not any more."""

    name = "watch_case"
    case_id: str
    box: Vault
    watch: bool

    @override
    def run(self, work: Work) -> None:
        case = _open_case_of(work, self.case_id)
        if not self.watch:
            case.watched_by = None
        else:
            wanted = wanted_of(work.session, self.box, case, work.hand.now)
            if wanted is None or case.kind == CaseKind.ACCESS:
                raise refused("search_nothing_to_watch")
            if wanted.person_id:
                found = find.search(work.session, self.box, wanted, work.today, most=1)
                if not found.numbers:
                    raise refused("search_nothing_to_watch")
            case.watched_by = work.caller.user_id
            # What was seen before is not the next.
            case.seen_at = max(case.seen_at or 0.0, self._known(work, wanted))
        _note(work, case, Deed.WATCHED if self.watch else Deed.UNWATCHED)
        work.tell(Kind.SEARCH_CHANGED)

    def _known(self, work: Work, wanted: Wanted) -> float:
        found = find.search(work.session, self.box, wanted, work.today, most=1)
        return found.rows[0].at if found.rows else 0.0


@dataclass(frozen=True, slots=True)
class TellResponders(Command[tuple[str, Spotted | None]]):
    """Note that those who respond are told; return the description, and the last sighting.

    They are told how somebody looks: no name, no address, no number, no trail.
    """

    name = "alert_case"
    case_id: str
    box: Vault

    @override
    def run(self, work: Work) -> tuple[str, Spotted | None]:
        case = _open_case_of(work, self.case_id)
        if case.kind not in TELLS:
            raise refused("search_tells_nobody")
        subject = rows.subject_of(work.session, self.box, case)
        if subject is None or not subject.description.strip():
            raise refused("search_no_description")
        wanted = wanted_of(work.session, self.box, case, work.hand.now)
        found = (
            find.search(work.session, self.box, wanted, work.today, most=1)
            if wanted
            else None
        )
        case.told_at, case.taken_back_at = work.hand.now, None
        _note(work, case, Deed.TOLD)
        work.tell(Kind.SEARCH_CHANGED)
        return subject.description, next(iter(found.rows), None) if found else None


@dataclass(frozen=True, slots=True)
class AttachPicture(Command[None]):
    """Let those who respond see a picture of who is lost, until the case closes; None: none."""

    name = "alert_case"
    case_id: str
    box: Vault
    jpeg: bytes | None = field(repr=False)

    @override
    def run(self, work: Work) -> None:
        case = _open_case_of(work, self.case_id)
        if case.kind not in TELLS:
            raise refused("search_tells_nobody")
        rows.put_picture(work.session, self.box, case, self.jpeg)
        _note(work, case, Deed.ATTACHED if self.jpeg else Deed.DETACHED)
        work.tell(Kind.SEARCH_CHANGED)


@dataclass(frozen=True, slots=True)
class ShowPicture(Command[bytes]):
    """Return the picture that is attached to a case."""

    name = "get_case"
    case_id: str
    box: Vault

    @override
    def run(self, work: Work) -> bytes:
        case = _open_case_of(work, self.case_id)
        work.audit(person_id=case.person_id)
        if (jpeg := rows.picture_of(work.session, self.box, case)) is None:
            raise refused("no_search_picture")
        return jpeg


@dataclass(frozen=True, slots=True)
class CloseCase(Command[None]):
    """Say how a case has ended: nothing is asked in it any more."""

    name = "close_case"
    case_id: str
    outcome: Outcome

    @override
    def run(self, work: Work) -> None:
        case = _open_case_of(work, self.case_id)
        work.audit(person_id=case.person_id)
        rows.close(
            work.session,
            case,
            self.outcome,
            who=work.caller.user_id,
            now=work.hand.now,
            command_id=work.hand.command_id,
        )
        work.tell(Kind.SEARCH_CHANGED)


def _looked_for(work: Work, box: Vault, case: SearchCase, deed_id: str) -> Wanted:
    """Return what a look of a case was about. Raises ServiceValidationError."""
    look = next((row for row in case.deeds if row.id == deed_id), None)
    if look is None or look.what != Deed.SEARCHED:
        raise refused("no_search_look")
    criteria = rows.criteria_of(work.session, box, look)
    if not criteria:
        raise refused("key_lost")
    wanted = Wanted.from_data(criteria)
    if wanted.person_id:
        # Meanwhile they may have been merged with another, who is the same.
        wanted = replace(wanted, person_id=case.person_id)
    return wanted


@dataclass(frozen=True, slots=True)
class SeePicture(Command[None]):
    """Let somebody see the picture of what a look has shown; `is_shown` once it is."""

    name = "search_sightings"
    box: Vault
    shot: Shot
    is_shown: bool = False

    @override
    def run(self, work: Work) -> None:
        shot = self.shot
        case = _open_case_of(work, shot.case_id)
        wanted = _looked_for(work, self.box, case, shot.deed_id)
        found = find.search(
            work.session, self.box, wanted, work.today, only=[shot.event_id]
        )
        is_found = any(
            (row.device_id, row.channel) == (shot.device_id, shot.channel)
            for row in found.rows
        )
        # In a picture there are others too: it is no part of a copy for who is concerned.
        if not is_found or case.kind == CaseKind.ACCESS:
            raise refused("no_search_picture")
        if self.is_shown:
            _note(work, case, Deed.PICTURED)
        else:
            work.audit(person_id=case.person_id)


@dataclass(frozen=True, slots=True)
class Exported:
    """What is to be in a file, and its receipt."""

    receipt: str
    kind: CaseKind
    at: float
    rows: list[Spotted]
    #: The cases about somebody, in the copy for them.
    cases: list[Brief]


@dataclass(frozen=True, slots=True)
class ExportCase(Command[Exported]):
    """Return what a look has shown, as it is now, to be given away with a receipt."""

    name = "export_case"
    deed_id: str
    box: Vault
    case_id: str

    @override
    def run(self, work: Work) -> Exported:
        case = _open_case_of(work, self.case_id)
        wanted = _looked_for(work, self.box, case, self.deed_id)
        is_copy = case.kind == CaseKind.ACCESS
        found = find.search(
            work.session,
            self.box,
            wanted,
            work.today,
            most=MOST_COPIED if is_copy else MOST_ROWS,
        )
        receipt = _note(
            work,
            case,
            Deed.EXPORTED,
            box=self.box,
            wanted=wanted,
            shown=len(found.rows),
        )
        about = (
            rows.of_person(work.session, case.person_id)
            if is_copy and case.person_id
            else []
        )
        return Exported(
            receipt.id,
            CaseKind(case.kind),
            work.hand.now,
            found.rows,
            [
                rows.brief(row, sum(deed.what == Deed.SEARCHED for deed in row.deeds))
                for row in about
            ],
        )


@dataclass(frozen=True, slots=True)
class NoteReceipt(Command[None]):
    """Write down which file was given away: by its digest it is known again."""

    name = "export_case"
    receipt: str
    digest: str

    @override
    def run(self, work: Work) -> None:
        deed = work.session.get(SearchDeed, self.receipt)
        if deed is None or deed.digest is not None:
            raise refused("no_search_look")
        deed.digest = self.digest


@dataclass(frozen=True, slots=True)
class ForgetSightings(Command[None]):
    """Remove what was seen of somebody, who stays in the register (PIPL art. 47).

    While they are looked for it is needed.
    """

    name = "forget_sightings"
    person_id: str

    @override
    def run(self, work: Work) -> None:
        person = person_of(work, self.person_id)
        if rows.is_sought(work.session, person.id, work.hand.now):
            raise refused("search_person_sought")
        store.forget_person(work.session, person.id)
        for case in rows.of_person(work.session, person.id):
            if case.closed_at is not None:
                rows.forget(work.session, case)
        work.audit(person_id=person.id)
