"""Who was refused what. Who may do nothing may ask for it as often as they like.

So the first time is written at once, and what follows in that minute with its end, in one
transaction: nobody else waits for the one thread that writes.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
import time
from typing import TYPE_CHECKING, Final

from sqlalchemy.orm import Session

from homeassistant.core import CALLBACK_TYPE
from homeassistant.helpers.event import async_call_later
from homeassistant.util.ulid import ulid_now

from ..const import LOGGER
from ..storage.errors import RegisterError
from .models import Audit

if TYPE_CHECKING:
    from .property import Register

SECONDS: Final = 60
#: Units that the refusals of one user and command name in a minute; more are counted.
MOST_UNITS: Final = 20


@dataclass(slots=True)
class _Row:
    """A row of the audit."""

    who: str | None
    what: str
    unit_id: str | None
    times: int = 0
    #: How many of them are on disk.
    written: int = 0
    id: str = field(default_factory=ulid_now)
    at: float = field(default_factory=time.time)


class Refusals:
    """The refusals of this minute."""

    def __init__(self, register: Register) -> None:
        """Initialize."""
        self._register = register
        #: Rows by their units, of each user and command.
        self._rows: dict[tuple[str | None, str], dict[str | None, _Row]] = {}
        self._cancel: CALLBACK_TYPE | None = None

    async def async_note(
        self, who: str | None, command: str, unit_ids: Collection[str]
    ) -> None:
        """Note that somebody was refused a command about units, or about none."""
        is_first = (who, command) not in self._rows
        rows = self._rows.setdefault((who, command), {})
        named = list(islice(unit_ids or (None,), MOST_UNITS))
        for unit_id in named:
            if len(rows) < MOST_UNITS:
                rows.setdefault(unit_id, _Row(who, f"{command}_refused", unit_id))
        counted = [rows[key] for key in named if key in rows] or [*rows.values()][:1]
        for row in counted:
            row.times += 1
        if self._cancel is None:
            self._cancel = async_call_later(
                self._register.hass, SECONDS, self._async_end_minute
            )
        if is_first:
            await self._async_write(rows.values())

    async def async_stop(self) -> None:
        """Write what is not written."""
        if self._cancel:
            self._cancel()
            await self._async_end_minute()

    async def _async_end_minute(self, _now: datetime | None = None) -> None:
        self._cancel = None
        rows, self._rows = self._rows, {}
        await self._async_write(row for own in rows.values() for row in own.values())

    async def _async_write(self, rows: Iterable[_Row]) -> None:
        # As they are now: they are counted on meanwhile.
        new = [(row, row.times) for row in rows if row.times > row.written]

        def write(session: Session) -> None:
            for row, times in new:
                session.merge(
                    Audit(
                        id=row.id,
                        at=row.at,
                        who=row.who,
                        what=row.what,
                        why="refused",
                        unit_id=row.unit_id,
                        times=times,
                    )
                )

        if not new:
            return
        try:
            await self._register.async_run(write)
        except RegisterError as err:
            LOGGER.warning("A refusal could not be written down: %s", err.key)
            return
        for row, times in new:
            row.written = times
