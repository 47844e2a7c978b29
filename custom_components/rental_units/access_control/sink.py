"""What Community Safety asks and tells about cards, for all properties together."""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.start import async_at_started
from homeassistant.util import dt as dt_util

from ..const import DOMAIN, LOGGER
from ..storage.errors import RegisterError
from .leaving import DATA_LEAVING
from .office import DATA_CREDENTIALS, DATA_OFFICES, DATA_SINK, Credentials, Office
from .readers import DATA_READERS

#: The end of what is over, and that every controller knows.
OVER: Final = datetime(2000, 1, 1, tzinfo=dt_util.UTC)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A card as a controller is to hold it."""

    number: str = field(repr=False)
    begin: datetime
    end: datetime
    doors: frozenset[str]


class Sink:
    """Knows whose cards are whose, and has it kept who passed."""

    def __init__(
        self,
        hass: HomeAssistant,
        credentials: Credentials,
        keep: Callable[[Any], asyncio.Future[Any] | None],
    ) -> None:
        """Initialize; `keep` writes a passage down, as `passed`."""
        self._hass = hass
        self._keep = keep
        self._started = asyncio.Event()
        #: Controllers of which nobody could say what they are to hold.
        self._unanswered: set[str] = set()
        hass.data[DATA_CREDENTIALS] = credentials
        hass.data[DATA_SINK] = self

        @callback
        def started(_hass: HomeAssistant) -> None:
            self._started.set()
            for office in hass.data[DATA_OFFICES].values():
                office.wake()
            hass.data[DATA_LEAVING].wake()

        async_at_started(hass, started)

    @callback
    def passed(self, passage: Any) -> asyncio.Future[Any] | None:
        """Take a passage; the future is done when it is on the disk, None if nobody keeps it."""
        self._hass.data[DATA_READERS].heard(passage)
        return self._keep(passage)

    async def async_wanted(self, device_id: str) -> Collection[Wanted] | None:
        """Return what a controller is to hold; None: no property has doors or cards there.

        Raises RegisterError while a property cannot say: half a list is none.
        """
        # Until then properties may not be set up yet.
        await self._started.wait()
        found: list[Wanted] | None = None
        try:
            for office in self._offices():
                rows = await office.async_wanted(device_id)
                if rows is not None:
                    found = (found or []) + [
                        Wanted(
                            row.number,
                            dt_util.utc_from_timestamp(row.begin),
                            dt_util.utc_from_timestamp(row.end),
                            row.doors,
                        )
                        for row in rows
                        if row.number
                    ]
        except RegisterError:
            self._unanswered.add(device_id)
            raise
        self._unanswered.discard(device_id)
        if found is not None:
            given = {row.number for row in found}
            # What is to be taken there for one that was removed is over, and not unknown.
            found += [
                Wanted(number, OVER, OVER, frozenset())
                for number in self._hass.data[DATA_LEAVING].numbers(device_id)
                if number not in given
            ]
        return found

    def _offices(self) -> list[Office]:
        """Return the offices of all properties. Raises RegisterError."""
        entries = self._hass.config_entries.async_entries(
            DOMAIN, include_ignore=False, include_disabled=False
        )
        known = self._hass.data[DATA_OFFICES]
        if any(row.entry_id not in known for row in entries):
            raise RegisterError("property_not_loaded")
        return [known[row.entry_id] for row in entries]

    @callback
    def proved(self, result: Any) -> None:
        """Take what became of a card whose end had come, or that was tried again."""
        for office in self._hass.data[DATA_OFFICES].values():
            office.proved(result)
        self._hass.data[DATA_LEAVING].proved(result)

    @callback
    def checked(self, difference: Any) -> None:
        """Take how a list was found."""
        for office in self._hass.data[DATA_OFFICES].values():
            office.checked(difference)
        self._hass.data[DATA_LEAVING].checked(difference)

    @callback
    def answer(self) -> None:
        """Have lists read again of which nobody could say what they are to hold."""
        unanswered, self._unanswered = self._unanswered, set()
        for device_id in unanswered:
            self._hass.async_create_background_task(
                self._async_check(device_id), f"{DOMAIN} list of a controller"
            )

    async def _async_check(self, device_id: str) -> None:
        try:
            await self._hass.data[DATA_CREDENTIALS].async_check(device_id)
        except HomeAssistantError as err:
            # Community Safety shows that, and tries again.
            LOGGER.debug("A list was not read: %s", err.translation_key)
