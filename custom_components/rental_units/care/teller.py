"""What a watch wants of who tells people: one is asked, and others are told to look in."""

from collections.abc import Callable
from typing import Protocol

from homeassistant.core import CALLBACK_TYPE, callback

from ..alerts.personal import LookIn, Question, Said


class Teller(Protocol):
    """Asks and tells, each once for a key, however often it is told to: the alerts do."""

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
