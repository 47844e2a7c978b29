"""Readers at a desk: the next card that is held to one is whose is asked for.

A number that was read stays here, for a few minutes; who has asked is given what stands for
it. So no number is in an answer, and none in the trace of a script.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
import time
from typing import Any, Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.event import async_call_later
from homeassistant.util.hass_dict import HassKey
from homeassistant.util.ulid import ulid_now

from ..const import DOMAIN
from . import numbers

#: Seconds in which a card is to be read.
WAIT_SECONDS: Final = 30
#: And in which a second one may follow: of two cards in one pocket nobody knows which is meant.
SETTLE_SECONDS: Final = 2
#: So long a number that was read can be issued, in seconds.
KEEP_SECONDS: Final = 300

DATA_READERS: HassKey[Readers] = HassKey(f"{DOMAIN}_readers")


class ReadingError(Exception):
    """No card was read, or it is not known which was meant."""

    def __init__(self, key: str) -> None:
        """Initialize with the key of its text."""
        super().__init__(key)
        self.key = key


@dataclass(frozen=True, slots=True)
class _Reading:
    """A number that was read, for who has asked."""

    number: str = field(repr=False)
    entry_id: str
    user_id: str | None
    until: float


class _Waiting:
    """Somebody who waits for a card at a reader."""

    def __init__(self, hass: HomeAssistant, user_id: str | None) -> None:
        self._hass = hass
        self.user_id = user_id
        self._number: str | None = None
        self._future: asyncio.Future[str] = hass.loop.create_future()
        self._cancel = async_call_later(hass, WAIT_SECONDS, self._over)

    async def async_result(self) -> str:
        """Return the number. Raises ReadingError."""
        try:
            return await self._future
        finally:
            self._cancel()

    @callback
    def heard(self, number: str) -> None:
        if self._number is None:
            self._number = number
            self._cancel()
            self._cancel = async_call_later(self._hass, SETTLE_SECONDS, self._over)
        elif number != self._number:
            self.fail("several_cards")

    @callback
    def _over(self, _now: datetime) -> None:
        if self._number is None:
            self.fail("no_card_read")
        elif not self._future.done():
            self._future.set_result(self._number)

    @callback
    def fail(self, key: str) -> None:
        if not self._future.done():
            self._future.set_exception(ReadingError(key))


class Readers:
    """Who waits at which reader, and what was read."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Initialize."""
        self._hass = hass
        self._waiting: dict[tuple[str, str], _Waiting] = {}
        self._readings: dict[str, _Reading] = {}

    @callback
    def heard(self, passage: Any) -> None:
        """Take a passage of Community Safety: it may be a card at a desk."""
        waiting = self._waiting.get((passage.device_id, passage.door))
        if not waiting or passage.late or passage.means != "card":
            return
        if number := numbers.normal(passage.number):
            waiting.heard(number)

    async def async_next(self, device_id: str, door: str, user_id: str | None) -> str:
        """Return the number of the next card at a reader, which one person may wait at.

        Who asks once more there begins anew. Raises ReadingError.
        """
        key = device_id, door
        if before := self._waiting.get(key):
            if before.user_id != user_id:
                raise ReadingError("reader_busy")
            before.fail("reading_anew")
        waiting = self._waiting[key] = _Waiting(self._hass, user_id)
        try:
            return await waiting.async_result()
        finally:
            if self._waiting.get(key) is waiting:
                del self._waiting[key]

    @callback
    def keep(self, number: str, entry_id: str, user_id: str | None) -> str:
        """Keep a number for who has asked in a property; return what stands for it."""
        now = time.time()
        self._readings = {
            key: row for key, row in self._readings.items() if row.until > now
        }
        reading_id = ulid_now()
        self._readings[reading_id] = _Reading(
            number, entry_id, user_id, now + KEEP_SECONDS
        )
        return reading_id

    @callback
    def number(self, reading_id: str, entry_id: str, user_id: str | None) -> str | None:
        """Return a number that was kept for somebody; None if there is none any more."""
        row = self._readings.get(reading_id)
        if (
            row is None
            or (row.entry_id, row.user_id) != (entry_id, user_id)
            or row.until <= time.time()
        ):
            return None
        return row.number
