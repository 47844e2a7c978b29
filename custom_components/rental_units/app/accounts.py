"""Commands about who has which role. A role is given to a user of Home Assistant."""

from dataclasses import dataclass
from datetime import date
from typing import override

from sqlalchemy import select

from homeassistant.util.json import JsonValueType

from ..register.models import Grant
from .policy import TABLE, AccountRole, Scope
from .reading import moment
from .tenancy import person_of
from .work import Command, Work, refused

#: Roles that hold in the units of a person of the register.
OF_A_PERSON = frozenset(
    role
    for role, table in TABLE.items()
    if any(row.scope is Scope.OWN for row in table)
)
#: Roles that nobody is given: those of Home Assistant's administrators and automations.
NOT_GIVEN = frozenset({AccountRole.ADMINISTRATOR, AccountRole.AUTOMATION})
#: Roles that can be given, in the order of the table.
GIVEN = tuple(role for role in AccountRole if role not in NOT_GIVEN)


@dataclass(frozen=True, slots=True)
class GrantRole(Command[str]):
    """Give somebody a role, or say anew until when they have it."""

    name = "grant_role"
    user_id: str
    role: AccountRole
    person_id: str | None = None
    #: The last day; None: until it is taken.
    until: date | None = None

    @override
    def run(self, work: Work) -> str:
        if self.role in NOT_GIVEN:
            raise refused("role_not_given")
        if (self.role in OF_A_PERSON) != (self.person_id is not None):
            raise refused("role_needs_person")
        if self.until and self.until < work.today:
            raise refused("role_is_over")
        if self.person_id:
            person_of(work, self.person_id)
        for known in work.session.scalars(
            select(Grant).where(Grant.user_id == self.user_id, Grant.role == self.role)
        ):
            if known.person_id == self.person_id:
                if known.until != self.until:
                    known.until = self.until
                    work.audit(person_id=self.person_id)
                return known.id
        grant = Grant(
            user_id=self.user_id,
            role=self.role,
            person_id=self.person_id,
            given_at=work.hand.now,
            until=self.until,
        )
        work.session.add(grant)
        work.audit(person_id=self.person_id)
        work.session.flush()
        return grant.id


@dataclass(frozen=True, slots=True)
class RevokeRole(Command[None]):
    """Take a role from somebody."""

    name = "revoke_role"
    grant_id: str

    @override
    def run(self, work: Work) -> None:
        grant = work.session.get(Grant, self.grant_id)
        if grant is None:
            raise refused("no_such_role")
        work.audit(person_id=grant.person_id)
        work.session.delete(grant)


@dataclass(frozen=True, slots=True)
class GetRoles(Command[list[dict[str, JsonValueType]]]):
    """Return who has which role, and until when; of one that is over, too."""

    name = "get_roles"

    @override
    def run(self, work: Work) -> list[dict[str, JsonValueType]]:
        work.audit()
        return [
            {
                "grant_id": row.id,
                "user_id": row.user_id,
                "role": row.role,
                "person_id": row.person_id,
                "given_at": moment(row.given_at),
                "until": row.until.isoformat() if row.until else None,
            }
            for row in work.session.scalars(select(Grant).order_by(Grant.id))
        ]
