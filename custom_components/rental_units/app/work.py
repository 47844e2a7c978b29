"""A command: one transaction, with its audit and its events."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import ClassVar, override

from sqlalchemy import ColumnElement, false
from sqlalchemy.orm import Session

from homeassistant.exceptions import ServiceValidationError

from ..const import DOMAIN, Reason
from ..register import queries
from ..register.addresses import mask_name
from ..register.leases import Hand
from ..storage.events import Happened, Kind
from .policy import Held, Permit, permit


class NotCoveredError(Exception):
    """It is about a unit or person that is not the caller's, or that there is not."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and for which units they may."""

    #: Id of the Home Assistant user, None for an automation.
    user_id: str | None
    permit: Permit
    #: The roles by which they may.
    held: Collection[Held] = ()

    def may(self, command: str, why: Reason) -> Permit | None:
        """Return where they may carry out another command."""
        return permit(self.held, command, why)

    def covers(self, unit_ids: Collection[str]) -> bool:
        """Return if all of these units are theirs to do it in."""
        return self.permit.covers(unit_ids)

    def check(self, unit_ids: Collection[str] | None, key: str) -> None:
        """Refuse what is not there (None), or not theirs.

        Raises ServiceValidationError with this key, or NotCoveredError: who may not ask
        does not learn either what is there.
        """
        if unit_ids is None and self.permit.units is None:
            raise refused(key)
        if unit_ids is None or not self.covers(unit_ids):
            raise NotCoveredError


@dataclass(frozen=True, slots=True)
class Work:
    """What a command works with."""

    session: Session
    hand: Hand
    caller: Caller
    what: str
    why: Reason
    #: The country of numbers without a code, and the language of who has none.
    region: str | None
    language: str
    #: Whether an alert about a unit is open.
    is_alerted: Callable[[str], bool] = lambda _unit_id: False
    #: Whether somebody is being told of an alert that is open.
    is_told: Callable[[str], bool] = lambda _person_id: False
    #: The condition of people who stay without lease and duty.
    keep: ColumnElement[bool] = field(default_factory=false)

    @property
    def today(self) -> date:
        """Return the day in the house's time zone."""
        return self.hand.today

    def audit(
        self,
        unit_id: str | None = None,
        person_id: str | None = None,
        *,
        what: str | None = None,
    ) -> None:
        """Write down whose data this was about; `what` is another deed that it comes to."""
        queries.audit(
            self.session,
            self.caller.user_id,
            what or self.what,
            self.why,
            unit_id=unit_id,
            person_id=person_id,
            command_id=self.hand.command_id,
        )

    def named(self, name: str, unit_ids: Collection[str] | None) -> str:
        """Return a name as the caller is shown it: in full if they may be shown numbers there.

        `unit_ids`: whose somebody is; None: nobody's in particular, or of the whole property.
        """
        found = self.caller.may("get_person_revealed", self.why)
        return name if found and found.covers(unit_ids) else mask_name(name)

    def tell(
        self, kind: Kind, unit_id: str | None = None, person_id: str | None = None
    ) -> None:
        """Note what has happened, for who listens."""
        self.hand.happened.append(Happened(kind, unit_id, person_id))


class Command[T](ABC):
    """Something that somebody wants done, or wants to know."""

    #: What it is called in the audit and in the table of who may.
    name: ClassVar[str]

    @property
    def units(self) -> Collection[str] | None:
        """Return the units that it names by their ids; None: it is about all."""
        return ()

    @property
    def what(self) -> str:
        """Return which command of the table it is."""
        return self.name

    @abstractmethod
    def run(self, work: Work) -> T:
        """Do it. Raises ServiceValidationError; nothing has changed then."""


@dataclass(frozen=True, slots=True)
class OfUnit[T](Command[T]):
    """A command about one unit."""

    unit_id: str

    @property
    @override
    def units(self) -> Collection[str]:
        return (self.unit_id,)


class OvertakenError(ServiceValidationError):
    """Somebody was faster: the caller has not seen what is there now."""


def overtaken(
    key: str, keys: Mapping[str, str] | None = None, what: Collection[str] = ()
) -> OvertakenError:
    """Return the error of who was overtaken: `keys` are those of what was changed.

    Each has its own text, because a placeholder would show its code word. Where several
    things were changed, or it is not known what, `key` says no more than that.
    """
    texts = {(keys or {}).get(row, key) for row in what}
    return OvertakenError(
        translation_domain=DOMAIN,
        translation_key=texts.pop() if len(texts) == 1 else key,
    )


def refused(key: str, **placeholders: str) -> ServiceValidationError:
    """Return the error of what cannot be done."""
    return ServiceValidationError(
        translation_domain=DOMAIN,
        translation_key=key,
        translation_placeholders=placeholders or None,
    )
