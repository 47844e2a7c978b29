"""Leases: what is said of them, what it comes to, and that nothing said is lost."""

from collections.abc import Generator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
import os
from typing import Any, override

from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
import pytest
from sqlalchemy import Engine, create_engine, event, select
from sqlalchemy.orm import Session
from sqlalchemy.pool import StaticPool

from custom_components.rental_units.app.policy import Permit
from custom_components.rental_units.app.schema import FEATURES
from custom_components.rental_units.app.tenancy import (
    ChangedMeanwhileError,
    CheckIn,
    CheckOut,
    CorrectLease,
    Move,
    RenewLease,
    SaveHousehold,
    Seen,
    ShowHousehold,
    Undo,
    put_lease,
)
from custom_components.rental_units.app.units import RemoveUnit, RestoreUnit, unit_of
from custom_components.rental_units.app.work import Caller, Command, Work
from custom_components.rental_units.const import Reason, Role
from custom_components.rental_units.register import leases, queries
from custom_components.rental_units.register.households import Occupant
from custom_components.rental_units.register.leases import Hand, What, fold
from custom_components.rental_units.register.models import Lease, LeaseChange, Unit
from custom_components.rental_units.register.people import Contact
from custom_components.rental_units.storage.migrations import migrate
from homeassistant.exceptions import ServiceValidationError

TODAY = date(2026, 6, 15)
NOW = 1_781_500_000.0
UNITS = ("u1", "u2", "u3")
#: Runs of the state machine; RENTAL_UNITS_LEASE_RUNS=10000 is the long one.
RUNS = int(os.environ.get("RENTAL_UNITS_LEASE_RUNS", "25"))


class House:
    """A register in memory, whose commands are called as the application calls them."""

    def __init__(self) -> None:
        """Make an empty one with its units."""
        self.engine = _engine()
        self.today = TODAY
        self.count = 0
        with Session(self.engine) as session, session.begin():
            session.add_all(
                Unit(id=key, building="1", number=key, unit_key=f"1//{key}")
                for key in UNITS
            )

    def do[T](self, command: Command[T]) -> T:
        """Carry out a command in a transaction of its own."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            return command.run(self.work(session))

    def work(self, session: Session) -> Work:
        """Return what a command works with."""
        self.count += 1
        return Work(
            session,
            Hand(self.today, NOW + (self.today - TODAY).days * 86_400 + self.count),
            Caller(None, Permit(None)),
            "test",
            Reason.MANAGEMENT,
            "CN",
            "en",
        )

    def inside(self, day: date) -> set[tuple[str, str]]:
        """Return who is inside on a day: units and names."""
        with Session(self.engine) as session:
            rows = session.scalars(
                select(Lease)
                .join(Lease.unit)
                .where(queries.is_current(day), queries.is_there())
            )
            return {(row.unit_id, row.person.name) for row in rows}

    def lease(self, unit_id: str, name: str) -> Lease:
        """Return the lease of a person in a unit that goes on."""
        with Session(self.engine, expire_on_commit=False) as session:
            return next(
                row
                for row in queries.leases_of(session, unit_id, self.today)
                if row.person.name == name
            )

    def close(self) -> None:
        """Let it go."""
        self.engine.dispose()


def _engine() -> Engine:
    engine = create_engine("sqlite://", poolclass=StaticPool)

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN")

    with engine.begin() as connection:
        migrate(connection, FEATURES)
    return engine


def at(unit: str) -> dict[str, str]:
    """Return where a unit is."""
    return {"building": "1", "number": unit}


def who(name: str) -> Contact:
    """Return somebody who can be called."""
    return Contact(name=name, phone=f"+8613800138{ord(name[-1]):03}")


@pytest.fixture
def house() -> Generator[House]:
    """Return an empty house."""
    house = House()
    yield house
    house.close()


def check_in(house: House, unit_id: str, name: str, **dates: Any) -> Any:
    """Check somebody in."""
    return house.do(CheckIn(unit_id, who(name), Role.TENANT, **dates))


def refusal(house: House, command: Command[Any]) -> str | None:
    """Return why a command is refused."""
    with pytest.raises(ServiceValidationError) as failure:
        house.do(command)
    return failure.value.translation_key


def test_renewal_with_a_future_start(house: House) -> None:
    """Who has a new contract from the next year on is inside tonight, by the old one."""
    check_in(house, "u1", "A", start=date(2026, 1, 1), end=date(2026, 12, 31))
    check_in(house, "u1", "A", start=date(2027, 1, 1), end=date(2027, 12, 31))
    assert house.inside(TODAY) == {("u1", "A")}
    lease = house.lease("u1", "A")
    assert (lease.start, lease.end) == (date(2026, 1, 1), date(2027, 12, 31))
    with Session(house.engine) as session:
        rows = session.get_one(Lease, lease.id).history
        assert [(row.what, row.start, row.end) for row in rows] == [
            ("started", date(2026, 1, 1), date(2026, 12, 31)),
            ("renewed", date(2027, 1, 1), date(2027, 12, 31)),
        ]


def test_what_is_said_of_a_coming_contract(house: House) -> None:
    """Other days of a renewal that is yet to begin are its own, and its end counts."""
    check_in(house, "u1", "A", start=date(2026, 1, 1), end=date(2026, 12, 31))
    check_in(house, "u1", "A", start=date(2027, 1, 1), end=date(2027, 12, 31))
    check_in(house, "u1", "A", start=date(2026, 12, 15), end=date(2028, 1, 31))
    lease = house.lease("u1", "A")
    assert (lease.start, lease.end) == (date(2026, 1, 1), date(2028, 1, 31))
    check_in(house, "u1", "A", start=date(2026, 12, 20))
    version = lease.version + 1
    lease = house.lease("u1", "A")
    assert (lease.end, lease.version) == (date(2028, 1, 31), version)
    # What would begin before it is no renewal: its end would count for nothing.
    early = RenewLease(lease.id, date(2029, 1, 1), date(2026, 6, 1))
    assert refusal(house, early) == "renewal_too_short"
    # Who is yet to come, until nobody knows when, does not come sooner by a renewal.
    check_in(house, "u2", "B", start=TODAY + timedelta(days=10))
    house.do(RenewLease(house.lease("u2", "B").id, date(2027, 1, 1)))
    assert house.inside(TODAY) == {("u1", "A")}
    assert house.lease("u2", "B").end == date(2027, 1, 1)


def test_check_in_again_without_a_start(house: House) -> None:
    """A later end is a renewal, and the beginning stays."""
    check_in(house, "u1", "A", start=date(2025, 7, 1), end=date(2026, 6, 30))
    check_in(house, "u1", "A", end=date(2027, 6, 30))
    lease = house.lease("u1", "A")
    assert (lease.start, lease.end) == (date(2025, 7, 1), date(2027, 6, 30))
    # The same once more is nothing new, and neither is what an old file says.
    for dates in (
        {"end": date(2027, 6, 30)},
        {"start": date(2025, 7, 1), "end": date(2026, 6, 30)},
        {},
    ):
        check_in(house, "u1", "A", **dates)
        assert house.lease("u1", "A").version == lease.version
    # A beginning that was wrong is corrected, and the end stays.
    check_in(house, "u2", "B", start=date(2026, 2, 1), end=date(2026, 12, 31))
    check_in(house, "u2", "B", start=date(2026, 3, 1))
    other = house.lease("u2", "B")
    assert (other.start, other.end) == (date(2026, 3, 1), date(2026, 12, 31))


def test_check_out_is_asked_and_bounded(house: House) -> None:
    """Several tenants do not go by one word, and last year's date is a slip of the pen."""
    check_in(house, "u1", "A", start=date(2024, 1, 1))
    done = check_in(house, "u1", "B", start=date(2024, 1, 1))
    assert refusal(house, CheckOut("u1", TODAY)) == "whom_to_check_out"
    (person,) = done.people
    for day, key in {
        date(2025, 6, 15): "left_too_long_ago",
        date(2027, 8, 1): "leaves_too_late",
        date(2023, 12, 31): "left_before_start",
    }.items():
        assert refusal(house, CheckOut("u1", day, person)) == key
    assert house.inside(TODAY) == {("u1", "A"), ("u1", "B")}
    gone = house.do(CheckOut("u1", TODAY, everyone=True))
    assert house.inside(TODAY) == set()
    house.do(Undo(gone.command_id))
    assert house.inside(TODAY) == {("u1", "A"), ("u1", "B")}
    assert refusal(house, Undo(gone.command_id)) == "nothing_to_undo"


def test_check_out_as_one_of_two(house: House) -> None:
    """Who owns the flat that they live in is asked what ends, and the other goes on."""
    done = check_in(house, "u1", "A", start=date(2026, 1, 1))
    check_in(house, "u1", "B", start=date(2026, 1, 1))
    (person,) = done.people
    own = Contact(name="A")
    house.do(CheckIn("u1", own, Role.LANDLORD, person_id=person))
    lease = house.lease("u1", "A")
    assert refusal(house, CheckOut("u1", TODAY, person)) == "as_what_to_check_out"
    left = house.do(
        CheckOut("u1", TODAY, person, version=lease.version, role=Role.TENANT)
    )
    assert len(left.leases) == 1
    assert house.lease("u1", "A").role == Role.LANDLORD
    # Only one is left: nobody has to say it, and who names nobody means tenants.
    assert house.do(CheckOut("u1", TODAY)).people != (person,)
    assert refusal(house, CheckOut("u1", TODAY)) == "nobody_to_check_out"
    assert house.do(CheckOut("u1", TODAY, person)).people == (person,)
    house.do(CheckIn("u1", own, Role.LANDLORD, person_id=person))
    assert house.do(CheckOut("u1", TODAY, role=Role.LANDLORD)).people == (person,)


def test_day_of_a_planned_check_out(house: House) -> None:
    """Who leaves on a day is told until it is over; who has left is not."""
    check_in(house, "u1", "A", start=date(2026, 1, 1))
    check_in(house, "u2", "B", start=date(2026, 1, 1))
    day = TODAY + timedelta(days=3)
    house.do(CheckOut("u1", day))
    house.do(CheckOut("u2", TODAY))
    assert house.inside(TODAY) == {("u1", "A")}
    assert house.inside(day) == {("u1", "A")}
    assert house.inside(day + timedelta(days=1)) == set()


def test_who_never_came(house: House) -> None:
    """A check-out before the first day takes the lease away, and can be undone."""
    check_in(house, "u1", "A", start=TODAY + timedelta(days=10))
    gone = house.do(CheckOut("u1", TODAY))
    assert house.inside(TODAY + timedelta(days=20)) == set()
    house.do(Undo(gone.command_id))
    assert house.inside(TODAY + timedelta(days=20)) == {("u1", "A")}


def test_undo_has_its_limits(house: House) -> None:
    """Not what was followed by something else, and not after thirty days."""
    first = check_in(house, "u1", "A", start=date(2026, 1, 1), end=date(2026, 12, 31))
    lease = house.lease("u1", "A")
    second = house.do(RenewLease(lease.id, date(2027, 12, 31)))
    assert refusal(house, Undo(first.command_id)) == "changed_since"
    assert refusal(house, Undo("unknown")) == "nothing_to_undo"
    house.today += timedelta(days=31)
    assert refusal(house, Undo(second.command_id)) == "undo_too_late"
    house.today = TODAY
    house.do(Undo(second.command_id))
    house.do(Undo(first.command_id))
    assert house.inside(TODAY) == set()


def test_what_a_caller_has_not_seen(house: House) -> None:
    """A version that is old is refused, with what has been done since."""
    check_in(house, "u1", "A", start=date(2026, 1, 1), end=date(2026, 12, 31))
    lease = house.lease("u1", "A")
    house.do(RenewLease(lease.id, date(2027, 12, 31)))
    for command in (
        RenewLease(lease.id, date(2028, 1, 1), version=lease.version),
        CorrectLease(lease.id, {"end": None}, version=lease.version),
        Move(lease.id, "u2", TODAY, version=lease.version),
    ):
        with pytest.raises(ServiceValidationError) as failure:
            house.do(command)
        assert failure.value.translation_key == "lease_changed_renewed"
    house.do(RenewLease(lease.id, date(2028, 12, 31)))
    assert refusal(house, Move(lease.id, "u2", TODAY, version=1)) == (
        "lease_changed_renewed"
    )
    house.do(CorrectLease(lease.id, {"end": None}))
    assert refusal(house, Move(lease.id, "u2", TODAY, version=1)) == "lease_changed"


def test_what_makes_no_sense(house: House) -> None:
    """What cannot be is refused in words, and changes nothing."""
    check_in(house, "u1", "A", start=date(2026, 1, 1), end=date(2026, 12, 31))
    lease = house.lease("u1", "A")
    for command, key in (
        (RenewLease(lease.id, date(2026, 11, 1)), "renewal_too_short"),
        (RenewLease("unknown", date(2030, 1, 1)), "no_such_lease"),
        (CorrectLease(lease.id, {"start": date(2027, 1, 1)}), "lease_order"),
        (Move(lease.id, "u1", TODAY), "no_such_lease"),
        (CheckOut("u3", TODAY), "nobody_to_check_out"),
    ):
        assert refusal(house, command) == key
    assert house.lease("u1", "A").version == lease.version


def test_move(house: House) -> None:
    """Who moves leaves one unit and is in the other, on the contract that they have."""
    check_in(house, "u1", "A", start=date(2026, 1, 1), end=date(2026, 12, 31))
    moved = house.do(Move(house.lease("u1", "A").id, "u2", TODAY))
    assert house.inside(TODAY) == {("u2", "A")}
    assert house.lease("u2", "A").end == date(2026, 12, 31)
    house.do(Undo(moved.command_id))
    assert house.inside(TODAY) == {("u1", "A")}


def test_lease_without_a_history(house: House) -> None:
    """A row that knows no history gets one with the first thing that is said of it."""
    with Session(house.engine) as session, session.begin():
        person = queries.add_person(session, who("A"), "en")
        session.add(
            Lease(id="old", unit_id="u1", person_id=person.id, role="tenant", end=TODAY)
        )
    house.do(RenewLease("old", date(2027, 1, 1)))
    with Session(house.engine) as session:
        rows = session.get_one(Lease, "old").history
        assert [(row.number, row.what, row.end) for row in rows] == [
            (1, "started", TODAY),
            (2, "renewed", date(2027, 1, 1)),
        ]


def test_restored() -> None:
    """What was removed counts again when it is brought back."""
    rows = [
        LeaseChange(id="1", number=1, what=What.STARTED),
        LeaseChange(id="2", number=2, what=What.REMOVED),
    ]
    assert fold(rows).is_removed
    back = LeaseChange(id="3", number=3, what=What.RESTORED)
    assert not fold([*rows, back]).is_removed


def test_form_with_somebody_who_moved_in_meanwhile(house: House) -> None:
    """An old form moves nobody out; it is refused with what has changed."""
    check_in(house, "u1", "A", start=date(2026, 1, 1))
    *_, seen = house.do(ShowHousehold("u1"))
    form = [Occupant(Role.TENANT, {"name": "A", "phone": "13800138065"})]
    check_in(house, "u1", "B")
    with pytest.raises(ChangedMeanwhileError) as conflict:
        house.do(SaveHousehold("u1", at("u1"), "", form, seen))
    assert [(row.name, row.what) for row in conflict.value.differences] == [
        ("B", "started")
    ]
    assert house.inside(TODAY) == {("u1", "A"), ("u1", "B")}
    # Also one that has seen them takes nobody out by leaving them out.
    *_, seen = house.do(ShowHousehold("u1"))
    assert (
        refusal(house, SaveHousehold("u1", at("u1"), "", form, seen))
        == "tenant_missing"
    )


def test_form_with_what_else_has_changed(house: House) -> None:
    """Who left, whose number changed and what the address became is said as well."""
    check_in(house, "u1", "A", start=date(2026, 1, 1))
    check_in(house, "u1", "B", start=date(2026, 1, 1))
    *_, seen = house.do(ShowHousehold("u1"))
    house.do(CheckOut("u1", TODAY, house.lease("u1", "B").person_id))
    number = replace(who("A"), phone="+8613800138999")
    person = house.lease("u1", "A").person_id
    house.do(CheckIn("u1", number, Role.TENANT, person_id=person))
    with Session(house.engine) as session, session.begin():
        unit = session.get_one(Unit, "u1")
        unit.address, unit.version = "new", unit.version + 1
    with pytest.raises(ChangedMeanwhileError) as conflict:
        house.do(SaveHousehold("u1", at("u1"), "", [], seen))
    assert {(row.name, row.what) for row in conflict.value.differences} == {
        ("B", "left"),
        ("A", "contact"),
        ("", "unit"),
    }


def test_form_that_was_open_over_a_day_of_leaving(house: House) -> None:
    """Who has gone by now, as was said before the form was opened, is said to have left."""
    check_in(house, "u1", "A", start=date(2026, 1, 1))
    house.do(CheckOut("u1", TODAY + timedelta(days=3)))
    *_, seen = house.do(ShowHousehold("u1"))
    house.today += timedelta(days=9)
    with pytest.raises(ChangedMeanwhileError) as conflict:
        house.do(SaveHousehold("u1", at("u1"), "", [], seen))
    assert [(row.name, row.what) for row in conflict.value.differences] == [
        ("A", "left")
    ]


# The model: what a person with a pencil would keep of it.


@dataclass(frozen=True)
class Stay:
    """Somebody in a unit: since when, until which contract's end, and from when not."""

    periods: tuple[tuple[date, date | None], ...] = ()
    gone: date | None = None
    removed: bool = False

    @property
    def since(self) -> date:
        """Return the first day."""
        return min(start for start, _ in self.periods)

    @property
    def last(self) -> tuple[date, date | None]:
        """Return the last contract."""
        # Of two that begin on a day, what was said later.
        return max(reversed(self.periods), key=lambda row: row[0])

    def is_inside(self, day: date) -> bool:
        """Return if they are there on a day."""
        return (
            not self.removed
            and bool(self.periods)
            and self.since <= day
            and (self.gone is None or day < self.gone)
        )

    def goes_on(self, today: date) -> bool:
        """Return if more may be said of it."""
        return (
            not self.removed
            and bool(self.periods)
            and (self.gone is None or self.gone > today)
        )

    def with_last(self, period: tuple[date, date | None]) -> Stay:
        """Return it with another last contract."""
        rest = list(self.periods)
        # Of two that are the same, what was said later.
        rest[len(rest) - 1 - rest[::-1].index(self.last)] = period
        return replace(self, periods=tuple(rest))


@dataclass
class Book:
    """The stays, each with all that it has been: what is undone is struck out."""

    stays: dict[tuple[str, str], list[list[tuple[str, Stay]]]] = field(
        default_factory=dict
    )
    #: Units that were removed, and when: who is in them is told of nothing.
    removed: dict[str, date] = field(default_factory=dict)

    def open(self, key: tuple[str, str], today: date) -> list[tuple[str, Stay]] | None:
        """Return what a stay that goes on has been."""
        return next(
            (
                pages
                for pages in self.stays.get(key, [])
                if pages and pages[-1][1].goes_on(today)
            ),
            None,
        )

    def write(self, key: tuple[str, str], command: str, stay: Stay) -> None:
        """Write a new stay down."""
        self.stays.setdefault(key, []).append([(command, stay)])

    def inside(self, day: date) -> set[tuple[str, str]]:
        """Return who is inside on a day."""
        return {
            key
            for key, all_stays in self.stays.items()
            for pages in all_stays
            if key[0] not in self.removed and pages and pages[-1][1].is_inside(day)
        }


REFUSED = {"changed_since", "nothing_to_undo", "undo_too_late"}
NAMES = st.sampled_from(("A", "B", "C"))
PLACES = st.sampled_from(UNITS)
DAYS = st.integers(-60, 400)


class Leases(RuleBasedStateMachine):
    """Everything that can be said of leases, in any order."""

    def __init__(self) -> None:
        """Begin with an empty house."""
        super().__init__()
        self.house = House()
        self.book = Book()
        self.commands: list[str] = []
        self.forms: list[tuple[str, Seen]] = []

    @override
    def teardown(self) -> None:
        """Let the house go."""
        self.house.close()

    @property
    def today(self) -> date:
        """Return today."""
        return self.house.today

    def day(self, offset: int) -> date:
        """Return a day by its distance."""
        return self.today + timedelta(days=offset)

    def attempt(self, command: Command[Any]) -> Any:
        """Return what a command has written; None if it was refused."""
        try:
            written = self.house.do(command)
        except ServiceValidationError:
            return None
        self.commands.append(written.command_id)
        return written

    def answer(self, command: Command[Any]) -> str | None:
        """Return why a command is refused; None if it was done."""
        try:
            self.house.do(command)
        except ServiceValidationError as err:
            return err.translation_key
        except ChangedMeanwhileError as err:
            return "changed" if err.differences else "changed by nothing"
        return None

    def said(
        self, stay: Stay, start: date | None, end: date | None
    ) -> tuple[Stay, bool] | None:
        """Return what a second check-in makes of a stay, and if it says anything."""
        if start and end and end < start:
            return None
        if start is None:
            start = stay.since
        end_of_all = stay.last[1]
        if (start, end) in stay.periods:
            return stay, False
        is_later = end_of_all is not None and start > end_of_all
        begin, until = stay.last
        is_another = len(stay.periods) > 1 and start > begin
        if is_later or is_another or (stay.since <= self.today < start):
            if end is None and until and start <= until:
                end = until
            if (start, end) == stay.last:
                return stay, False
            if start <= begin and (end is None or end >= begin):
                return stay.with_last((start, end)), True
            return replace(stay, periods=(*stay.periods, (start, end))), True
        if end is None:
            end = end_of_all
        if end is not None and end < start:
            return None
        if (start, end) == (stay.since, end_of_all):
            return stay, False
        if len(stay.periods) == 1 and start != stay.since:
            return replace(stay, periods=((start, end),)), True
        if start != stay.since:
            first = min(stay.periods, key=lambda row: row[0])
            if first[1] is not None and first[1] < start:
                return None
            rest = list(stay.periods)
            rest[rest.index(first)] = (start, first[1])
            stay = replace(stay, periods=tuple(rest))
            if end == end_of_all:
                return stay, True
        if end_of_all and end and end > end_of_all:
            more = (end_of_all + timedelta(days=1), end)
            return replace(stay, periods=(*stay.periods, more)), True
        last = stay.last
        begin = start if len(stay.periods) == 1 else last[0]
        if end is not None and end < begin:
            return None
        return stay.with_last((begin, end)), True

    def arrive(
        self, written: Any, unit: str, name: str, start: date | None, end: date | None
    ) -> None:
        """Write into the book what a check-in, or the row of a file, has said."""
        key = unit, name
        pages = self.book.open(key, self.today)
        if unit in self.book.removed:
            assert written is None
            return
        if pages is None:
            wrong = start is not None and end is not None and end < start
            begin = self.today if start is None else start
            wrong = wrong or (end is not None and end < begin)
            assert (written is None) == wrong
            if written:
                stay = Stay(((begin, end),))
                self.book.write(key, written.command_id, stay)
            return
        stay = pages[-1][1]
        staying = replace(stay, gone=None)
        result = self.said(staying, start, end)
        assert (written is None) == (result is None)
        if written and result:
            after, has_said = result
            if stay.gone is not None or has_said:
                pages.append((written.command_id, after))
                if stay.gone is not None and has_said:
                    # Two rows of one command: they go together.
                    pages[-1:] = [
                        (written.command_id, staying),
                        (written.command_id, after),
                    ]

    @initialize()
    def begin(self) -> None:
        """Begin with somebody in the house."""
        written = self.attempt(CheckIn("u1", who("A"), Role.TENANT))
        self.arrive(written, "u1", "A", None, None)

    @rule(unit=PLACES, name=NAMES, start=st.none() | DAYS, end=st.none() | DAYS)
    def check_in(
        self, unit: str, name: str, start: int | None, end: int | None
    ) -> None:
        """Check somebody in, who may be there already."""
        first, last = (None if row is None else self.day(row) for row in (start, end))
        written = self.attempt(
            CheckIn(unit, who(name), Role.TENANT, start=first, end=last)
        )
        self.arrive(written, unit, name, first, last)

    @rule(unit=PLACES, name=NAMES, start=DAYS, end=st.none() | DAYS)
    def import_row(self, unit: str, name: str, start: int, end: int | None) -> None:
        """Read a row of a file."""
        first, last = self.day(start), None if end is None else self.day(end)
        written = self.attempt(FileRow(unit, name, first, last))
        self.arrive(written, unit, name, first, last)

    def pages_of(self, unit: str, name: str) -> list[tuple[str, Stay]] | None:
        """Return the stay that goes on."""
        return self.book.open((unit, name), self.today)

    @rule(unit=PLACES, name=NAMES, offset=st.integers(-120, 400))
    def leave(self, unit: str, name: str, offset: int) -> None:
        """Say that somebody leaves."""
        if not (pages := self.pages_of(unit, name)):
            return
        stay, day = pages[-1][1], self.day(offset)
        person = self.house.lease(unit, name).person_id
        written = self.attempt(CheckOut(unit, day, person))
        if stay.since > max(day, self.today):
            pages.append((written.command_id, replace(stay, removed=True)))
        elif day < stay.since or not -92 <= offset <= 366:
            assert written is None
        else:
            gone = day + timedelta(days=1) if day > self.today else day
            pages.append((written.command_id, replace(stay, gone=gone)))

    @rule(unit=PLACES, name=NAMES, offset=DAYS, begin=st.none() | DAYS)
    def renew(self, unit: str, name: str, offset: int, begin: int | None) -> None:
        """Add a period to a contract."""
        if not (pages := self.pages_of(unit, name)):
            return
        stay, end = pages[-1][1], self.day(offset)
        begun, before = stay.last
        said = None if begin is None else self.day(begin)
        written = self.attempt(RenewLease(self.house.lease(unit, name).id, end, said))
        follows = before + timedelta(days=1) if before else max(begun, self.today)
        start = said or follows
        if start < begun or (before and end <= before) or end < start:
            assert written is None
            return
        after = replace(stay, periods=(*stay.periods, (start, end)))
        pages.append((written.command_id, after))
        if stay.gone is not None:
            pages.append((written.command_id, replace(after, gone=None)))

    @rule(unit=PLACES, name=NAMES, start=DAYS, length=st.none() | st.integers(-5, 500))
    def correct(self, unit: str, name: str, start: int, length: int | None) -> None:
        """Correct the last period of a contract."""
        if not (pages := self.pages_of(unit, name)):
            return
        first = self.day(start)
        last = None if length is None else first + timedelta(days=length)
        lease = self.house.lease(unit, name)
        written = self.attempt(CorrectLease(lease.id, {"start": first, "end": last}))
        if length is not None and length < 0:
            assert written is None
            return
        stay = pages[-1][1].with_last((first, last))
        pages.append((written.command_id, stay))

    @rule(unit=PLACES, other=PLACES, name=NAMES, offset=st.integers(-30, 30))
    def move(self, unit: str, other: str, name: str, offset: int) -> None:
        """Let somebody move to another unit, where they may have a lease already."""
        pages, day = self.pages_of(unit, name), self.day(offset)
        if not pages or unit == other or self.pages_of(other, name):
            return
        stay = pages[-1][1]
        written = self.attempt(Move(self.house.lease(unit, name).id, other, day))
        if day < stay.since or other in self.book.removed:
            assert written is None
            return
        gone = day + timedelta(days=1) if day > self.today else day
        pages.append((written.command_id, replace(stay, gone=gone)))
        end = stay.last[1]
        there = Stay(((day, end if end and end >= day else None),))
        self.book.write((other, name), written.command_id, there)

    @precondition(lambda self: self.commands)
    @rule(data=st.data())
    def undo(self, data: st.DataObject) -> None:
        """Undo one of the last commands, if nothing has followed it."""
        command = self.commands[-1 - data.draw(st.integers(0, 3)) % len(self.commands)]
        touched = [
            pages
            for all_stays in self.book.stays.values()
            for pages in all_stays
            if any(done == command for done, _ in pages)
        ]
        is_last = bool(touched) and all(pages[-1][0] == command for pages in touched)
        answer = self.answer(Undo(command))
        assert answer in ({None, "undo_too_late"} if is_last else REFUSED)
        if answer:
            return
        for pages in touched:
            while pages and pages[-1][0] == command:
                pages.pop()

    @rule(unit=PLACES)
    def open_form(self, unit: str) -> None:
        """Open the form of a unit, and leave it open."""
        if unit in self.book.removed:
            assert self.answer(ShowHousehold(unit)) == "no_such_unit"
            return
        *_, seen = self.house.do(ShowHousehold(unit))
        self.forms.append((unit, seen))

    @precondition(lambda self: self.forms)
    @rule(data=st.data())
    def save_form(self, data: st.DataObject) -> None:
        """Save a form as it was opened: with nobody in it, who could be moved out by it."""
        unit, seen = self.forms.pop(data.draw(st.integers(0, len(self.forms) - 1)))
        before = self.house.inside(self.today)
        is_removed = unit in self.book.removed
        now = None if is_removed else self.house.do(ShowHousehold(unit))[-1]
        answer = self.answer(SaveHousehold(unit, at(unit), "", [], seen))
        if is_removed:
            assert answer == "no_such_unit"
            return
        empty = None if len(seen) == 1 else "tenant_missing"
        assert answer == (empty if now == seen else "changed")
        assert self.house.inside(self.today) == before

    @rule(unit=PLACES, with_people=st.booleans())
    def remove_unit(self, unit: str, with_people: bool) -> None:
        """Remove a unit: with people in it only if they are meant."""
        has_people = any(
            self.book.open((unit, name), self.today) for name in ("A", "B", "C")
        )
        answer = self.answer(RemoveUnit(unit, with_people))
        if unit in self.book.removed:
            assert answer == "no_such_unit"
        elif has_people and not with_people:
            assert answer == "unit_has_people"
        else:
            assert answer is None
            self.book.removed[unit] = self.today

    @rule(unit=PLACES)
    def restore_unit(self, unit: str) -> None:
        """Bring a unit back, with who was in it."""
        answer = self.answer(RestoreUnit(unit))
        if (removed := self.book.removed.get(unit)) is None:
            assert answer == "nothing_to_undo"
        elif self.today - removed > timedelta(days=31):
            assert answer == "undo_too_late"
        elif self.today - removed < timedelta(days=30):
            assert answer is None
        if answer is None:
            del self.book.removed[unit]

    @rule(days=st.integers(1, 40))
    def wait(self, days: int) -> None:
        """Let days go by."""
        self.house.today += timedelta(days=days)

    @invariant()
    def inside_is_what_the_book_says(self) -> None:
        """Who is inside tonight, and on days around, is who the book says."""
        for offset in (-30, 0, 1, 45, 380):
            day = self.day(offset)
            assert self.house.inside(day) == self.book.inside(day)

    @invariant()
    def contracts_are_what_the_book_says(self) -> None:
        """Of each stay that goes on, the first day and the contract's end are the book's."""
        for unit, name in self.book.stays:
            if pages := self.pages_of(unit, name):
                lease, stay = self.house.lease(unit, name), pages[-1][1]
                assert (lease.start, lease.end) == (stay.since, stay.last[1])

    @invariant()
    def nothing_said_is_lost(self) -> None:
        """Find in each lease what its history comes to, with all of its rows."""
        with Session(self.house.engine) as session:
            for lease in session.scalars(select(Lease)):
                state = leases.state_of(lease)
                assert (lease.start, lease.end) == (state.start, state.end)
                assert lease.gone_from == state.gone_from
                assert (lease.removed_at is not None) == state.is_removed
                numbers = [row.number for row in lease.history]
                assert numbers == list(range(1, lease.version + 1))


@dataclass(frozen=True, slots=True)
class FileRow(Command[Any]):
    """What an import does with a row."""

    name = "import_register"
    unit_id: str
    who: str
    start: date
    end: date | None

    @override
    def run(self, work: Work) -> Any:
        unit_of(work, self.unit_id)
        contact = who(self.who)
        known = queries.find_people(work.session, contact)
        person = known[0] if known else queries.add_person(work.session, contact, "en")
        put_lease(
            work,
            self.unit_id,
            person.id,
            "tenant",
            start=self.start,
            end=self.end,
            keep=True,
        )
        return work.hand


Leases.TestCase.settings = settings(
    max_examples=RUNS,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestLeases = pytest.mark.timeout(120 + RUNS)(Leases.TestCase)
