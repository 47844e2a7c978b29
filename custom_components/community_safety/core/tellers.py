"""Who tells people of alarms: asks here who tests, and says what was answered.

That is in the process and nowhere else: it is about people.

An integration that tells people of alarms has in its file `community_safety.py`, and imports
nothing of this integration for it:

    async def async_take_alarms(hass: HomeAssistant, alarms: Alarms) -> None
"""

from collections.abc import Awaitable, Callable
from typing import Any

from homeassistant.core import HomeAssistant, callback

from ..const import LOGGER
from .alarm import Said
from .alarms import AlarmBook
from .authority import principal, user_of


class Alarms:
    """The alarms, for one integration that tells people of them."""

    def __init__(self, book: AlarmBook, domain: str) -> None:
        """Initialize with the integration's domain."""
        self._book = book
        self._domain = domain

    @callback
    def tester(self, alarm_id: str) -> str | None:
        """Return the id of the user who has ordered the test that has raised a drill.

        None where nobody has: it was begun at the device or by an automation, or it is no
        drill of a device's last test.
        """
        test = self._book.tests.of_alarm(alarm_id)
        return user_of(test.commanded_by) if test else None

    @callback
    def said(
        self,
        alarm_id: str,
        said: str,
        at: float,
        *,
        user_id: str | None = None,
        person_id: str | None = None,
    ) -> None:
        """Add to the timeline of an alarm what somebody has answered, at a Unix time.

        It is a user of Home Assistant, or by an opaque id somebody whom the integration's
        authority provider names. An alarm that is over is passed over. Raises ValueError
        for what is no `Said`, or of nobody.
        """
        if not (who := user_id or (person_id and principal(self._domain, person_id))):
            raise ValueError("of nobody")
        self._book.said(alarm_id, Said(said), who=who, at=at)


async def async_hand_over(
    hass: HomeAssistant, book: AlarmBook, domain: str, platform: Any
) -> None:
    """Give the alarms to an integration, if it wants them."""
    take: Callable[[HomeAssistant, Alarms], Awaitable[None]] | None = getattr(
        platform, "async_take_alarms", None
    )
    if take:
        try:
            await take(hass, Alarms(book, domain))
        except Exception:  # noqa: BLE001
            LOGGER.exception("%s did not take the alarms", domain)
