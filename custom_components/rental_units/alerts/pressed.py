"""Buttons of the app that were pressed while the database was away.

Of which alert, or of which test message, is known later.

They are kept over a restart too, in a private file: an answer by the button itself, which
is of use to the phone alone that it was sent to, and the id of its user.
"""

from collections import deque
from typing import Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.storage import Store

from ..const import DOMAIN

#: A house has no more phones that are asked at once.
MOST_PRESSED: Final = 1000
#: Seconds until it is on disk: a town may press in one second.
DELAY_SECONDS: Final = 1.0

#: What is on the button, and the id of who has pressed it.
type Press = tuple[str, str | None]


class Pressed:
    """What waits for a register, of all properties."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Initialize; `async_load` reads the file."""
        self._store = Store[list[Press]](
            hass, 1, f"{DOMAIN}.pressed", private=True, atomic_writes=True
        )
        self._rows = deque[Press](maxlen=MOST_PRESSED)

    async def async_load(self) -> None:
        """Read what an earlier run has kept."""
        for action, user_id in await self._store.async_load() or ():
            self._rows.append((action, user_id))

    @callback
    def keep(self, action: str, user_id: str | None) -> None:
        """Keep a press."""
        self._rows.append((action, user_id))
        self._save()

    @callback
    def take(self) -> list[Press]:
        """Return all that were kept, and forget them."""
        rows = list(self._rows)
        if rows:
            self._rows.clear()
            self._save()
        return rows

    def _save(self) -> None:
        self._store.async_delay_save(lambda: list(self._rows), DELAY_SECONDS)
