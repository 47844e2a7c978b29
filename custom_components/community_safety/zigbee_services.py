"""Actions on a Zigbee network. They change who belongs to it: for administrators only."""

from collections.abc import Awaitable, Callable
import re

import voluptuous as vol

from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.exceptions import (
    ServiceValidationError,
    Unauthorized,
    UnknownUser,
)
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.service import async_register_admin_service
from homeassistant.util.json import JsonValueType

from .const import DOMAIN
from .device import SafetyDevice
from .gateways.zigbee import ZigbeeGateway
from .gateways.zigbee.joining import LONGEST_SECONDS
from .target import find_devices

ATTR_ADDRESS = "address"
ATTR_CHANNEL = "channel"
ATTR_DURATION = "duration"
ATTR_INSTALL_CODE = "install_code"
ATTR_QR_CODE = "qr_code"
ATTR_ROUTER = "router"

DEFAULT_SECONDS = 180
_ADDRESS = re.compile(r"(?:[0-9a-f]{2}:){7}[0-9a-f]{2}")


def _address(value: object) -> str:
    """Return an EUI64 as Zigbee writes it: `00:15:8d:00:01:02:03:04`."""
    text = str(value).strip().lower().removeprefix("0x")
    if ":" not in text:
        text = ":".join(re.findall("..", text))
    if not _ADDRESS.fullmatch(text):
        raise vol.Invalid("not an address of 8 bytes")
    return text


_TARGET = cv.ENTITY_SERVICE_FIELDS
_OF_DEVICE = vol.Schema({**_TARGET, vol.Optional(ATTR_ADDRESS): _address})
SCHEMAS = {
    "permit_join": vol.Schema(
        {
            **_TARGET,
            vol.Optional(ATTR_DURATION, default=DEFAULT_SECONDS): vol.All(
                vol.Coerce(int), vol.Range(min=1, max=LONGEST_SECONDS)
            ),
            vol.Exclusive(ATTR_ROUTER, "who"): cv.string,
            vol.Exclusive(ATTR_QR_CODE, "who"): cv.string,
            vol.Exclusive(ATTR_INSTALL_CODE, "who"): cv.string,
            vol.Optional(ATTR_ADDRESS): _address,
        }
    ),
    "remove_device": _OF_DEVICE,
    "reinterview": _OF_DEVICE,
    "change_channel": vol.Schema(
        {
            **_TARGET,
            vol.Required(ATTR_CHANNEL): vol.All(
                vol.Coerce(int), vol.Range(min=11, max=26)
            ),
        }
    ),
    "energy_scan": vol.Schema(_TARGET),
    "backup_network": vol.Schema(_TARGET),
}


@callback
def async_setup_zigbee_services(hass: HomeAssistant) -> None:
    """Register every action."""
    handlers: dict[str, Callable[[ServiceCall], Awaitable[ServiceResponse]]] = {
        "permit_join": _async_permit_join,
        "remove_device": _async_remove_device,
        "reinterview": _async_reinterview,
        "change_channel": _async_change_channel,
        "energy_scan": _async_energy_scan,
        "backup_network": _async_backup_network,
    }
    for name, handler in handlers.items():
        async_register_admin_service(
            hass,
            DOMAIN,
            name,
            handler,
            SCHEMAS[name],
            SupportsResponse.ONLY
            if name in ("energy_scan", "backup_network")
            else SupportsResponse.NONE,
        )
