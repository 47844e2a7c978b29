"""The people of a unit, as a form shows and changes them at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Self

from ..const import Role
from .addresses import KINDS, PHONE, PHONE_CHANNELS
from .leases import check_order
from .models import Lease


def _asked(*, responders: bool) -> tuple[str, ...]:
    """Return what is asked of a person, in the order of the form."""
    kinds = [kind.key for kind in KINDS if responders or not kind.for_responders]
    kinds.insert(kinds.index(PHONE.key) + 1, "channels")
    return ("name", *kinds, "language", "quiet_from", "quiet_until")


#: What the form of a unit asks of each person, in its order.
HOUSEHOLD = _asked(responders=False)
#: What is asked of a stay. Nobody leaves but by a day that says so.
LEASE = ("start", "end", "left_on")
#: What is asked of a responder.
RESPONDER = _asked(responders=True)


@dataclass(frozen=True, slots=True)
class Occupant:
    """Somebody's part in a unit, as entered."""

    role: Role
    fields: Mapping[str, Any]
    start: date | None = None
    end: date | None = None
    left_on: date | None = None

    @classmethod
    def parse(cls, role: Role, fields: Mapping[str, Any]) -> Self:
        """Return what a form says. Raises ServiceValidationError."""
        start, end, left_on = (as_date(fields.get(key)) for key in LEASE)
        check_order(start, end)
        return cls(role, fields, start, end, left_on)


def in_form(leases: Sequence[Lease]) -> list[Lease]:
    """Return the leases that a form has room for: one landlord, and all tenants."""
    landlords = [row for row in leases if row.role == Role.LANDLORD]
    return landlords[:1] + [row for row in leases if row.role == Role.TENANT]


def match(leases: Sequence[Lease], occupant: Occupant) -> Lease | None:
    """Return the lease that a row of the form is about.

    A name or a number may have been corrected; but not both at once, which is another
    person.
    """
    same_role = [row for row in leases if row.role == occupant.role]
    name, phone = occupant.fields.get("name"), occupant.fields.get("phone")

    def has_name(row: Lease) -> bool:
        return row.person.name == name

    def has_phone(row: Lease) -> bool:
        return phone is not None and phone in _phones(row)

    for tests in ((has_name, has_phone), (has_phone,), (has_name,)):
        for row in same_role:
            if all(test(row) for test in tests):
                return row
    return None


def _phones(lease: Lease) -> dict[str | None, str]:
    """Return the numbers of a person by what may stand for them in a form."""
    numbers = [
        row.target for row in lease.person.addresses if row.channel in PHONE_CHANNELS
    ]
    return {
        **{PHONE.hide(number): number for number in numbers},
        **dict(zip(numbers, numbers, strict=True)),
    }


def as_date(value: date | str | None) -> date | None:
    """Return a day of a form, an action or a file. Raises ValueError."""
    if not value:
        return None
    return value if isinstance(value, date) else date.fromisoformat(value)
