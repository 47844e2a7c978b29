"""Community Safety, as it lets itself be asked in the process (`async_take_alarms`)."""

from typing import Protocol

from homeassistant.core import HomeAssistant, callback
from homeassistant.util.hass_dict import HassKey

from ..const import DOMAIN


class Alarms(Protocol):
    """The alarms of Community Safety."""

    def tester(self, alarm_id: str) -> str | None:
        """Return the id of the user who has ordered the test that has raised a drill."""


DATA_ALARMS: HassKey[Alarms] = HassKey(f"{DOMAIN}_alarms")


@callback
def tester(hass: HomeAssistant, alarm_id: str | None) -> str | None:
    """Return the id of the user whose test has raised an alarm; None: not known."""
    alarms = hass.data.get(DATA_ALARMS)
    return alarms.tester(alarm_id) if alarms and alarm_id else None
