"""What every message of a device is held to, whatever carries it."""

from typing import Any

from homeassistant.util.json import JSON_DECODE_EXCEPTIONS, json_loads

#: Largest message in bytes that is looked at; a snapshot is a JPEG of the car.
MOST_BYTES = 64 * 1024
MOST_DEVICES = 5000
UNKNOWN = "an unknown device"
ITSELF = "the gateway"


def decode(payload: bytes, most: int = MOST_BYTES) -> Any:
    """Return the JSON of a message of at most so many bytes. Raises ValueError."""
    if len(payload) > most:
        raise ValueError("too long")
    try:
        return json_loads(payload)
    except JSON_DECODE_EXCEPTIONS as err:
        raise ValueError("not JSON") from err
