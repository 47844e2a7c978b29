"""Gateways on MQTT: Zigbee2MQTT's dialect, and our own."""

from .gateway import NativeGateway
from .zigbee2mqtt import Zigbee2MqttGateway

__all__ = ["NativeGateway", "Zigbee2MqttGateway"]
