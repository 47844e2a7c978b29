"""Gateways: how devices are reached, by the dialect that a config entry names."""

from homeassistant.core import HomeAssistant
from homeassistant.helpers.importlib import async_import_module

from .base import Gateway

#: Module and class by dialect. A house without MQTT does not pay for it: Home Assistant's
#: own modules of it are 8 MB.
_CLASSES = {
    "native": ("mqtt", "NativeGateway"),
    "zigbee2mqtt": ("mqtt", "Zigbee2MqttGateway"),
    "zigbee": ("zigbee", "ZigbeeGateway"),
    "adopted": ("adopted", "AdoptedGateway"),
    "uhppote": ("uhppote", "UhppoteGateway"),
    "isapi": ("isapi", "IsapiGateway"),
    "vzenith": ("vzenith", "VzenithGateway"),
    "frigate": ("frigate.gateway", "FrigateGateway"),
    "webhook": ("webhook", "WebhookGateway"),
}


async def async_gateway_class(hass: HomeAssistant, dialect: str) -> type[Gateway]:
    """Return what speaks a dialect. Raises KeyError for one that nobody speaks."""
    module, name = _CLASSES[dialect]
    found: type[Gateway] = getattr(
        await async_import_module(hass, f"{__name__}.{module}"), name
    )
    return found


__all__ = ["async_gateway_class"]
