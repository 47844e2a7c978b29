"""Being written."""
from .native import NativeGateway as Zigbee2MqttGateway
