"""Constants of Community Safety."""

from enum import StrEnum
import logging
from typing import Final

from homeassistant.const import Platform

DOMAIN: Final = "community_safety"
LOGGER = logging.getLogger(__package__)

EVENT_ALARM: Final = f"{DOMAIN}_alarm"

CONF_ARM_INPUT: Final = "arm_input"
CONF_BOARDS: Final = "boards"
CONF_CLOSE_OUTPUT: Final = "close_output"
CONF_DIALECT: Final = "dialect"
CONF_DIRECTION: Final = "direction"
CONF_DOORS: Final = "doors"
CONF_EVENT_PORT: Final = "event_port"
CONF_OPEN_OUTPUT: Final = "open_output"
CONF_PERSONS: Final = "persons"
CONF_REFUSED: Final = "refused"
CONF_SERIAL: Final = "serial"
CONF_TOPIC: Final = "topic"
CONF_THRESHOLDS: Final = "thresholds"

#: Hazards that were once called otherwise, by that name: rows and automations may have it.
RENAMED_HAZARDS: Final = {"silent": "unresponsive"}

PLATFORMS: Final = (
    Platform.BINARY_SENSOR,
    Platform.BUTTON,
    Platform.COVER,
    Platform.EVENT,
    Platform.IMAGE,
    Platform.LOCK,
    Platform.NUMBER,
    Platform.SELECT,
    Platform.SENSOR,
    Platform.SWITCH,
)


class Severity(StrEnum):
    """How bad a hazard is; `rank` orders them."""

    FAULT = "fault"
    WARNING = "warning"
    ALARM = "alarm"

    @property
    def rank(self) -> int:
        """Return the order, the worst is the highest."""
        return list(Severity).index(self)


#: Version of our own protocol on MQTT (docs/protocol.md).
PROTOCOL_VERSION = 1
