"""Where a radio is, and whose network is on it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self
from urllib.parse import urlsplit

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant

from ....const import DOMAIN

#: Id of the network that a gateway has. Its unique id is that of the first that it had.
CONF_NETWORK = "network"
#: By what name the coordinator announces itself in the network, if it was found so.
CONF_ANNOUNCED = "announced"
CONF_PATH = "path"
CONF_BAUDRATE = "baudrate"
CONF_FLOW_CONTROL = "flow_control"
DEFAULT_BAUDRATE = 115200
#: Those that firmware of coordinators is built for, the likeliest first.
BAUDRATES = (DEFAULT_BAUDRATE, 460800, 230400, 57600)
#: Where coordinators with a network socket listen, if nobody says otherwise.
DEFAULT_TCP_PORT = 6638


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """Where a radio is: a serial port, or `tcp://host:port`."""

    path: str
    baudrate: int = DEFAULT_BAUDRATE
    flow_control: str | None = None

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Self:
        """Return the port of a config entry's data."""
        return cls(
            path=data[CONF_PATH],
            baudrate=data[CONF_BAUDRATE],
            flow_control=data[CONF_FLOW_CONTROL],
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the port as a config entry, and zigpy, hold it."""
        return asdict(self)


def entry_of(hass: HomeAssistant, network: str) -> ConfigEntry | None:
    """Return the gateway that has a network."""
    return next(
        (
            entry
            for entry in hass.config_entries.async_entries(DOMAIN, include_ignore=False)
            if entry.data.get(CONF_NETWORK) == network
        ),
        None,
    )


def network_address(text: str) -> str:
    """Return `tcp://host:port` for what a person enters. Raises ValueError."""
    text = text.strip()
    if "://" not in text:
        text = f"tcp://{text}"
    parts = urlsplit(text)
    if parts.scheme not in ("tcp", "socket") or not parts.hostname:
        raise ValueError("not an address")
    if parts.path.strip("/") or parts.query or parts.username is not None:
        raise ValueError("more than an address")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    # Raises for a port that is none.
    return f"tcp://{host}:{parts.port or DEFAULT_TCP_PORT}"
