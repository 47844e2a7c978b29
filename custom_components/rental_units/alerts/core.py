"""Community Safety, asked and told in the process: who tests, and what people answer.

It gives itself by `async_take_alarms`. It is not imported, and need not be there.
"""

from collections import deque
from collections.abc import Iterable
from typing import Final, Protocol

from homeassistant.core import HomeAssistant, callback
from homeassistant.util.hass_dict import HassKey

from ..const import DOMAIN, LOGGER

#: Answers that wait for it while Home Assistant starts.
MOST_WAITING: Final = 1000


class Alarms(Protocol):
    """The alarms of Community Safety."""

    def tester(self, alarm_id: str) -> str | None:
        """Return the id of the user who has ordered the test that has raised a drill."""

    def said(
        self,
        alarm_id: str,
        said: str,
        at: float,
        *,
        user_id: str | None = None,
        person_id: str | None = None,
    ) -> None:
        """Add to an alarm's timeline what a user, or a person of ours, has answered.

        Raises ValueError for a word that it does not know.
        """


class Core:
    """What Community Safety is asked and told; without it nothing is known."""

    def __init__(self) -> None:
        """Initialize."""
        self._alarms: Alarms | None = None
        self._waiting: deque[tuple[str, str, float, str | None, str | None]] = deque(
            maxlen=MOST_WAITING
        )

    @callback
    def take(self, alarms: Alarms) -> None:
        """Take it, and tell it what has waited."""
        self._alarms = alarms
        self._say(alarms)

    @callback
    def tester(self, alarm_id: str | None) -> str | None:
        """Return the id of the user whose test has raised an alarm; None: not known."""
        return self._alarms.tester(alarm_id) if self._alarms and alarm_id else None

    @callback
    def said(
        self,
        alarm_ids: Iterable[str],
        said: str,
        at: float,
        *,
        user_id: str | None = None,
        person_id: str | None = None,
    ) -> None:
        """Tell what was answered to alarms, by a user or by a person of the register."""
        for alarm_id in alarm_ids:
            self._waiting.append((alarm_id, said, at, user_id, person_id))
        if self._alarms:
            self._say(self._alarms)

    def _say(self, alarms: Alarms) -> None:
        while self._waiting:
            alarm_id, said, at, user_id, person_id = self._waiting.popleft()
            try:
                alarms.said(alarm_id, said, at, user_id=user_id, person_id=person_id)
            except ValueError as err:
                LOGGER.error("An answer is not on the alarm's timeline: %s", err)


_CORE: HassKey[Core] = HassKey(f"{DOMAIN}_core")


@callback
def core_of(hass: HomeAssistant) -> Core:
    """Return what Community Safety is asked and told by."""
    return hass.data.setdefault(_CORE, Core())
