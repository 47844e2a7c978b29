"""What a panel asks of the register: commands of Home Assistant's websocket.

Personal data goes to a panel by these answers alone. Each asks the application, which asks
the table of who may; docs/websocket.md lists them.
"""

from homeassistant.components import websocket_api
from homeassistant.core import HomeAssistant, callback

from ..const import DOMAIN
from . import (  # noqa: F401
    alerts,
    authority,
    cards,
    care,
    changes,
    consents,
    desk,
    files,
    notices,
    places,
    reading,
    reports,
    scores,
    search,
    sightings,
    visits,
)
from .base import COMMANDS, SCHEMA
from .session import session, subscribe_session


@callback
def async_setup_websocket(hass: HomeAssistant) -> None:
    """Register the commands."""
    for name, command in COMMANDS.items():
        websocket_api.async_register_command(
            hass, f"{DOMAIN}/{name}", command.handler, SCHEMA
        )
    websocket_api.async_register_command(hass, session)
    websocket_api.async_register_command(hass, subscribe_session)
