"""Gateways on MQTT: Zigbee2MQTT's dialect, and our own."""

from ...const import CONF_DIALECT
from ..base import Gateway
from .native import NativeGateway
from .zigbee2mqtt import Zigbee2MqttGateway

DIALECTS: dict[str, type[Gateway]] = {
    "native": NativeGateway,
    "zigbee2mqtt": Zigbee2MqttGateway,
}

__all__ = ["CONF_DIALECT", "DIALECTS"]
