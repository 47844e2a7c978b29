"""Gateways: how devices are reached, by the dialect that a config entry names."""

from .base import Gateway
from .mqtt import NativeGateway, Zigbee2MqttGateway
from .zigbee import ZigbeeGateway

DIALECTS: dict[str, type[Gateway]] = {
    "native": NativeGateway,
    "zigbee": ZigbeeGateway,
    "zigbee2mqtt": Zigbee2MqttGateway,
}

__all__ = ["DIALECTS"]
