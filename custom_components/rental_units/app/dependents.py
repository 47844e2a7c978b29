"""What depends on a unit, a person or a channel: asked before it goes."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import override

from sqlalchemy import ColumnElement, exists, func, or_, select

from ..register import Audience, queries
from ..register.models import ContactAddress, Lease, Person, Responder
from ..register.phonebook import ROLES
from .work import Command, Work


class About(StrEnum):
    """What may go."""

    UNIT = "unit"
    PERSON = "person"
    CHANNEL = "channel"


#: Who may let it go may ask what depends on it.
_COMMANDS = {
    About.UNIT: "remove_unit",
    About.PERSON: "erase_person",
    # The form of the channels.
    About.CHANNEL: "responder_form",
}


@dataclass(frozen=True, slots=True)
class Dependents:
    """What depends on something, in figures: it is shown to who may not see people."""

    #: Of a unit: who is in it, or is yet to come. Of a channel: whom a fire would be told
    #: over no other one, tenants and landlords.
    people: int = 0
    #: Duties of such people in the property.
    duties: int = 0
    #: If an alert is open that is about it, or tells them.
    is_alerted: bool = False


@dataclass(frozen=True, slots=True)
class WhatDepends(Command[Dependents]):
    """Return what depends on something, by its id or name."""

    name = "responder_form"
    about: About
    key: str
    #: Of a channel: over which others a fire would be told to whom.
    others: Mapping[Audience, Collection[str]] = MappingProxyType({})

    @property
    @override
    def units(self) -> Collection[str]:
        return (self.key,) if self.about is About.UNIT else ()

    @property
    @override
    def what(self) -> str:
        return _COMMANDS[self.about]

    @override
    def run(self, work: Work) -> Dependents:
        if self.about is About.UNIT:
            people = people_in(work, self.key)
            return Dependents(len(people), is_alerted=work.is_alerted(self.key))
        if self.about is About.PERSON:
            units = queries.units_of_person(work.session, self.key, work.today)
            duties = self._duties(work, Responder.person_id == self.key)
            return Dependents(len(units), duties, work.is_told(self.key))
        return self._of_channel(work)

    def _of_channel(self, work: Work) -> Dependents:
        has = exists().where(ContactAddress.person_id == Person.id)

        def cut_off(audience: Audience) -> ColumnElement[bool]:
            left = self.others.get(audience, ())
            return has.where(ContactAddress.channel == self.key) & ~has.where(
                ContactAddress.channel.in_(left)
            )

        here = exists().where(Lease.person_id == Person.id, queries.is_open(work.today))
        lives = (
            here.where(Lease.role == role) & cut_off(audience)
            for audience, role in ROLES.items()
        )
        people = work.session.scalars(select(Person.id).where(or_(*lives))).all()
        responds = select(Person.id).where(cut_off(Audience.RESPONDERS))
        duties = self._duties(work, Responder.person_id.in_(responds))
        told = work.session.scalars(
            select(ContactAddress.person_id).where(ContactAddress.channel == self.key)
        )
        return Dependents(len(people), duties, any(map(work.is_told, told)))

    @staticmethod
    def _duties(work: Work, which: ColumnElement[bool]) -> int:
        query = select(func.count()).where(which, Responder.removed_at.is_(None))
        return work.session.scalar(query) or 0


def people_in(work: Work, unit_id: str) -> set[str]:
    """Return who is in a unit, or is yet to come."""
    rows = queries.leases_of(work.session, unit_id, work.today)
    return {row.person_id for row in rows}
