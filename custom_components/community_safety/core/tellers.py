"""Who tells people of alarms: asks here who tests, in the process and nowhere else.

An integration that tells people of alarms has in its file `community_safety.py`, and imports
nothing of this integration for it:

    async def async_take_alarms(hass: HomeAssistant, alarms: Alarms) -> None
"""

from collections.abc import Awaitable, Callable
from typing import Any

from homeassistant.core import HomeAssistant, callback

from ..const import LOGGER
from .alarms import AlarmBook
from .authority import user_of


class Alarms:
    """The alarms, for one integration that tells people of them."""

    def __init__(self, book: AlarmBook) -> None:
        """Initialize."""
        self._book = book

    @callback
    def tester(self, alarm_id: str) -> str | None:
        """Return the id of the user who has ordered the test that has raised a drill.

        None where nobody has: it was begun at the device or by an automation, or it is no
        drill of a device's last test.
        """
        test = self._book.tests.of_alarm(alarm_id)
        return user_of(test.commanded_by) if test else None


async def async_hand_over(
    hass: HomeAssistant, book: AlarmBook, domain: str, platform: Any
) -> None:
    """Give the alarms to an integration, if it wants them."""
    take: Callable[[HomeAssistant, Alarms], Awaitable[None]] | None = getattr(
        platform, "async_take_alarms", None
    )
    if take:
        try:
            await take(hass, Alarms(book))
        except Exception:  # noqa: BLE001
            LOGGER.exception("%s did not take the alarms", domain)
