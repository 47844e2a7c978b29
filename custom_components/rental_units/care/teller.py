"""What a watch wants of who tells people: one is asked, and others are told to look in."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from homeassistant.core import CALLBACK_TYPE, callback


class Wording(StrEnum):
    """Which texts somebody gets."""

    RELATIVES = "relatives"
    NEIGHBOURS = "neighbours"
    DOOR = "door"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Somebody is asked if all is well."""

    key: str
    person_id: str
    unit_id: str | None
    #: Unix time.
    answer_by: float
    #: Speakers and lights of the flat that ask too.
    places: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Who is told together, so many seconds after the first."""

    people: tuple[str, ...]
    after: float
    wording: Wording


@dataclass(frozen=True, slots=True, kw_only=True)
class LookIn:
    """Others are told to look in on somebody."""

    key: str
    person_id: str
    unit_id: str | None
    stages: tuple[Stage, ...]
    #: They have called for help.
    is_urgent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What somebody has answered."""

    key: str
    #: Of the answers to what has this key, from 1; the same when it is told again.
    number: int
    person_id: str
    #: A word of Deed: fine, out, help, on_my_way, all_well.
    answer: str
    at: float


class Teller(Protocol):
    """Asks and tells, each once for a key, however often it is told to."""

    @callback
    def listen(self, listener: Callable[[Said], None]) -> CALLBACK_TYPE:
        """Call a listener with each answer."""

    async def async_ask(self, question: Question) -> None:
        """Ask somebody."""

    async def async_tell(self, look_in: LookIn) -> None:
        """Tell others."""

    async def async_end(self, key: str, *, is_over: bool = False) -> None:
        """Ask or tell no more; `is_over`: and say so to who was told."""

    async def async_forget(self, person_id: str) -> None:
        """Keep nothing about somebody any more."""
