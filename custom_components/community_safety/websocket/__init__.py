"""What the panel asks, and what it does: all of it is checked where it is carried out."""

from homeassistant.components import websocket_api
from homeassistant.core import HomeAssistant, callback

from .commands import COMMANDS, MESSAGE


@callback
def async_setup_websocket(hass: HomeAssistant) -> None:
    """Register the commands."""
    for name, handler in COMMANDS.items():
        websocket_api.async_register_command(hass, name, handler, MESSAGE)
