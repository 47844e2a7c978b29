"""Asking people to confirm that they are reached at their addresses."""

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
import time
from typing import override

from ..register import checks
from .tenancy import person_of
from .work import Command, NotCoveredError, Work


@dataclass(frozen=True, slots=True)
class VerifyContacts(Command[tuple[list[checks.Check], Counter[str]]]):
    """Let addresses be asked: of one person, of units, or of the whole property."""

    name = "verify_contacts"
    #: If something can be sent over a channel, and confirmed.
    usable: Callable[[str], bool]
    unit_ids: tuple[str, ...] = ()
    person_id: str | None = None
    #: Those too that are verified.
    again: bool = False

    @property
    @override
    def units(self) -> Collection[str]:
        return self.unit_ids

    @override
    def run(self, work: Work) -> tuple[list[checks.Check], Counter[str]]:
        if self.person_id is not None:
            people = [person_of(work, self.person_id)]
        elif self.unit_ids:
            people = checks.of_units(work.session, self.unit_ids, work.today)
        elif work.caller.permit.units is None:
            people = checks.of_property(work.session, work.today)
        else:
            raise NotCoveredError
        asked, counts = checks.ask(
            work.session, people, self.usable, time.time(), again=self.again
        )
        for person_id in dict.fromkeys(row.person_id for row in asked):
            work.audit(person_id=person_id)
        if not asked:
            work.audit()
        return asked, counts
