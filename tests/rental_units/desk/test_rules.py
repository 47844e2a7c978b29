"""Notices follow leases, whatever is said of them in whichever order."""

from datetime import date, timedelta
from typing import Any, override

from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import select
from sqlalchemy.orm import Session

from custom_components.rental_units.app.tenancy import (
    CheckIn,
    CheckOut,
    CorrectLease,
    Undo,
)
from custom_components.rental_units.app.work import Command
from custom_components.rental_units.const import Role
from custom_components.rental_units.desk.const import (
    DAYS,
    LOOK_BACK_DAYS,
    NoticeKind,
    NoticeState,
)
from custom_components.rental_units.desk.days import WorkingDays
from custom_components.rental_units.desk.models import DeskNotice
from custom_components.rental_units.desk.notices import Rules, reconcile, recount
from custom_components.rental_units.register.models import Lease
from custom_components.rental_units.register.people import Contact
from homeassistant.exceptions import ServiceValidationError
from tests.rental_units.test_leases import TODAY, UNITS, House

RULES = Rules(WorkingDays())
NEAR = st.integers(-60, 20).map(lambda days: TODAY + timedelta(days=days))
NAMES = ("MARK-A", "MARK-B")


class Desk(RuleBasedStateMachine):
    """Leases come and go; what was given is never lost, and nothing is asked for twice."""

    @initialize()
    def begin(self) -> None:
        """Open a house."""
        self.house = House()
        self.commands: list[str] = []
        #: Receipts that somebody has entered, by lease, kind and day.
        self.given: dict[tuple[str, str, date], str] = {}

    def do(self, command: Command[Any]) -> None:
        """Carry out a command, and follow it as the desk does."""
        try:
            written = self.house.do(command)
        except ServiceValidationError:
            return
        self.commands.append(written.command_id)
        self.follow()

    def follow(self) -> None:
        """Let the notices follow."""
        with Session(self.house.engine) as session, session.begin():
            reconcile(session, RULES, self.house.today, UNITS)

    @rule(
        unit=st.sampled_from(UNITS),
        name=st.sampled_from(NAMES),
        start=NEAR,
        role=st.sampled_from(Role),
    )
    def check_in(self, unit: str, name: str, start: date, role: Role) -> None:
        """Somebody moves in."""
        self.do(CheckIn(unit, Contact(name, f"+86{name}"), role, start))

    @rule(unit=st.sampled_from(UNITS), day=NEAR)
    def check_out(self, unit: str, day: date) -> None:
        """Everybody leaves."""
        self.do(CheckOut(unit, day, everyone=True))

    @rule(data=st.data(), start=NEAR)
    def correct(self, data: st.DataObject, start: date) -> None:
        """Somebody came on another day."""
        with Session(self.house.engine) as session:
            leases = sorted(session.scalars(select(Lease.id)))
        if leases:
            self.do(CorrectLease(data.draw(st.sampled_from(leases)), {"start": start}))

    @rule(data=st.data())
    def undo(self, data: st.DataObject) -> None:
        """Take back what was a mistake."""
        if self.commands:
            self.do(Undo(data.draw(st.sampled_from(self.commands))))

    @rule(days=st.integers(1, 9))
    def wait(self, days: int) -> None:
        """Time goes by."""
        self.house.today += timedelta(days=days)
        self.follow()

    @rule(data=st.data())
    def give(self, data: st.DataObject) -> None:
        """Somebody gives a notice."""
        with Session(self.house.engine) as session, session.begin():
            rows = session.scalars(
                select(DeskNotice)
                .where(DeskNotice.state == NoticeState.OPEN)
                .order_by(DeskNotice.id)
            ).all()
            if rows:
                row = data.draw(st.sampled_from(rows))
                row.state, row.receipt = NoticeState.GIVEN, f"R-{len(self.given)}"
                self.given[row.lease_id, row.kind, row.begins_on] = row.receipt

    @invariant()
    def notices_are_those_of_the_leases(self) -> None:
        """Each is of a day that its lease says; what is old and was never due is not asked."""
        with Session(self.house.engine) as session:
            leases = {row.id: row for row in session.scalars(select(Lease))}
            rows = session.scalars(select(DeskNotice)).all()
            for row in rows:
                lease = leases[row.lease_id]
                assert lease.role == Role.TENANT
                if row.state == NoticeState.WITHDRAWN:
                    continue
                assert lease.removed_at is None
                day = lease.left_on if row.kind == NoticeKind.DEPARTURE else lease.start
                assert row.begins_on == day
                assert row.counts_from >= day
                count, _ = DAYS[NoticeKind(row.kind)]
                assert (row.due_on - row.counts_from).days >= count
                # What was given for this day stays given, by that receipt.
                known = self.given.get((row.lease_id, row.kind, row.begins_on))
                if row.state == NoticeState.GIVEN:
                    assert row.receipt == known
            kinds = {(row.lease_id, row.kind) for row in rows}
            recent = self.house.today - timedelta(days=LOOK_BACK_DAYS)
            for lease in leases.values():
                if lease.removed_at or lease.role != Role.TENANT:
                    continue
                for kind, day in (
                    (NoticeKind.ARRIVAL, lease.start),
                    (NoticeKind.DEPARTURE, lease.left_on),
                ):
                    # Whatever is so recent that it is not over since the desk began.
                    if day and day >= max(recent, TODAY):
                        assert (lease.id, kind) in kinds

    @invariant()
    def once_more_changes_nothing(self) -> None:
        """Do once what is told twice."""

        def rows() -> list[tuple[Any, ...]]:
            with Session(self.house.engine) as session:
                columns = DeskNotice.__table__.columns
                return [tuple(row) for row in session.execute(select(*columns))]

        before = rows()
        self.follow()
        with Session(self.house.engine) as session, session.begin():
            recount(session, RULES)
        assert rows() == before

    @override
    def teardown(self) -> None:
        """Close the house."""
        self.house.engine.dispose()


TestDesk = Desk.TestCase
TestDesk.settings = settings(
    max_examples=25,
    stateful_step_count=15,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
