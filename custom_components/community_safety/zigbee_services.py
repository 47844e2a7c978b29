"""Actions on a Zigbee network. They change who belongs to it: for administrators only."""

from collections.abc import Callable, Coroutine, Iterable
import re
from typing import Any

import voluptuous as vol

from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import config_validation as cv, device_registry as dr
from homeassistant.helpers.service import async_register_admin_service
from homeassistant.util.json import JsonValueType

from .const import DOMAIN
from .core.device import SafetyDevice
from .gateways.joining import LONGEST_SECONDS
from .gateways.zigbee import ZigbeeGateway
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
    handlers: dict[
        str, Callable[[ServiceCall], Coroutine[Any, Any, ServiceResponse]]
    ] = {
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
            else SupportsResponse.OPTIONAL,
        )


async def _async_permit_join(call: ServiceCall) -> ServiceResponse:
    data = call.data
    code = data.get(ATTR_QR_CODE) or data.get(ATTR_INSTALL_CODE)
    address = data.get(ATTR_ADDRESS)
    if ATTR_INSTALL_CODE in data and address is None:
        raise _wrong("zigbee_code_needs_address")
    if ATTR_INSTALL_CODE not in data and address is not None:
        raise _wrong("zigbee_address_needs_code")
    gateways = _gateways(call)
    if ATTR_ROUTER in data:
        router = dr.async_get(call.hass).async_get(data[ATTR_ROUTER])
        address = next(
            (
                device.description.id
                for gateway in gateways
                for device in gateway.devices.values()
                if router and device.device_id == router.id
            ),
            None,
        )
        if address is None:
            raise _wrong("zigbee_not_in_network")
    if (code or address) and len(gateways) > 1:
        raise _wrong("zigbee_one_network")
    for gateway in gateways:
        await gateway.joining.async_open(data[ATTR_DURATION], address, code)
    return {
        "networks": [
            {
                **_row(gateway),
                "until": until.isoformat()
                if (until := gateway.joining.until)
                else None,
            }
            for gateway in gateways
        ]
    }


async def _async_remove_device(call: ServiceCall) -> ServiceResponse:
    members = _members(call)
    for gateway, address in members:
        await gateway.async_remove(address)
    return {"addresses": [address for _gateway, address in members]}


async def _async_reinterview(call: ServiceCall) -> ServiceResponse:
    members = _members(call)
    for gateway, address in members:
        await gateway.async_interview(address)
    return {"addresses": [address for _gateway, address in members]}


async def _async_change_channel(call: ServiceCall) -> ServiceResponse:
    gateways = _gateways(call)
    for gateway in gateways:
        await gateway.async_change_channel(call.data[ATTR_CHANNEL])
    return {"networks": [_row(gateway) for gateway in gateways]}


async def _async_energy_scan(call: ServiceCall) -> ServiceResponse:
    return {
        "networks": [
            {
                **_row(gateway),
                "channel": gateway.network.channel,
                # In percent, as every other reading of people.
                "energy": {
                    str(channel): round(energy / 2.55)
                    for channel, energy in (await gateway.async_energy_scan()).items()
                },
            }
            for gateway in _gateways(call)
        ]
    }


async def _async_backup_network(call: ServiceCall) -> ServiceResponse:
    return {
        "networks": [
            {**_row(gateway), "backup": await gateway.async_keep_backup()}
            for gateway in _gateways(call)
        ]
    }


def _row(gateway: ZigbeeGateway) -> dict[str, JsonValueType]:
    return {"device_id": gateway.device.device_id, "name": gateway.entry.title}


def _found(call: ServiceCall) -> Iterable[tuple[ZigbeeGateway, SafetyDevice]]:
    for gateway, device in find_devices(call.hass, call.data):
        if isinstance(gateway, ZigbeeGateway):
            yield gateway, device


def _gateways(call: ServiceCall) -> list[ZigbeeGateway]:
    """Return the Zigbee gateways of the target. Raises ServiceValidationError."""
    found = [gateway for gateway, device in _found(call) if device is gateway.device]
    if not found:
        raise _wrong("nothing_in_target")
    return found


def _members(call: ServiceCall) -> list[tuple[ZigbeeGateway, str]]:
    """Return the devices of the target, or the one of its gateway with the address.

    A device that is none of ours has no entry among the devices. Raises
    ServiceValidationError.
    """
    if address := call.data.get(ATTR_ADDRESS):
        gateways = _gateways(call)
        found = [(row, address) for row in gateways if address in row.members]
        if not found:
            raise _wrong("zigbee_not_in_network")
        return found
    found = [
        (gateway, device.description.id)
        for gateway, device in _found(call)
        if device is not gateway.device
    ]
    if not found:
        raise _wrong("nothing_in_target")
    return found


def _wrong(key: str) -> ServiceValidationError:
    return ServiceValidationError(translation_domain=DOMAIN, translation_key=key)
