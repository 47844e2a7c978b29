"""Diagnostics: what helps to find a fault, without names, serial numbers and people."""

from collections.abc import Mapping
from dataclasses import asdict
import re
import time
from typing import Any

from homeassistant.components.diagnostics import async_redact_data
from homeassistant.const import CONF_PASSWORD, CONF_URL, CONF_USERNAME
from homeassistant.core import HomeAssistant
from homeassistant.helpers.device_registry import DeviceEntry

from .catalogue import is_catalogued
from .const import CONF_BOARDS, CONF_SERIAL, CONF_TOPIC, DOMAIN
from .core.alarm import Alarm
from .core.device import SafetyDevice
from .core.house import DATA_HOUSE
from .gateways.base import Gateway, GatewayConfigEntry

#: A device's id may be its serial number, and a name may be that of a person. Devices are
#: told apart by Home Assistant's own id.
TO_REDACT = {
    "area",
    "device",
    "device_name",
    "id",
    "name",
    "serial",
    "supplies",
    "who",
    "commanded_by",
}
OF_ALARM = (
    "hazard",
    "severity",
    "nature",
    "state",
    "drill",
    "announced",
    "returns",
    "causes",
    "raised_at",
    "acknowledged_at",
    "cleared_at",
    "closed_by",
)
OF_ENTRY = {
    "at",
    "what",
    "severity",
    "count",
    "last_at",
    "outcome",
    "cause",
    "checked",
    "step",
    "done",
}
#: An address of Zigbee is as good as a serial number.
ADDRESS = re.compile(r"(?:[0-9A-Fa-f]{2}:){7}[0-9A-Fa-f]{2}")


async def async_get_config_entry_diagnostics(
    hass: HomeAssistant, entry: GatewayConfigEntry
) -> dict[str, Any]:
    """Return the state of a gateway and all its devices."""
    gateway = entry.runtime_data
    return {
        "entry": {
            # A serial port's name holds the serial number of the stick; a webhook's id is
            # secret, and so is a log-in; boards are named by their serial numbers.
            "data": async_redact_data(
                dict(entry.data),
                {
                    "path",
                    "network",
                    "webhook_id",
                    CONF_BOARDS,
                    CONF_URL,
                    CONF_USERNAME,
                    CONF_PASSWORD,
                    # What its topics begin with holds it, too.
                    *((CONF_SERIAL, CONF_TOPIC) if CONF_SERIAL in entry.data else ()),
                },
            ),
            "options": dict(entry.options),
        },
        "gateway": _gateway(gateway),
        "refused": [
            {"device": _known_as(gateway, device), "reason": reason, "count": count}
            for (device, reason), count in gateway.refused.most_common()
        ],
        "discarded": dict(gateway.discarded),
        "storage": _storage(hass),
        "devices": [_device(hass, device) for device in gateway.all_devices],
    }


async def async_get_device_diagnostics(
    hass: HomeAssistant, entry: GatewayConfigEntry, device: DeviceEntry
) -> dict[str, Any]:
    """Return the state of one device."""
    gateway = entry.runtime_data
    return {
        "gateway": _gateway(gateway),
        "storage": _storage(hass),
        "devices": [
            _device(hass, row)
            for row in gateway.all_devices
            if (DOMAIN, row.uid) in device.identifiers
        ],
    }


def _gateway(gateway: Gateway) -> dict[str, Any]:
    """Return what a gateway knows of its connection, its devices by our ids."""
    ids = {
        device.description.serial or "": str(device.device_id)
        for device in gateway.all_devices
    }
    known = _without_addresses(gateway.diagnostics(), ids)
    return {"connected": gateway.connected, **known}


def _without_addresses(data: Any, ids: dict[str, str]) -> Any:
    """Return data with our ids, or numbers, in the place of Zigbee's addresses."""
    if isinstance(data, Mapping):
        return {
            _without_addresses(key, ids): _without_addresses(value, ids)
            for key, value in data.items()
        }
    if isinstance(data, list):
        return [_without_addresses(value, ids) for value in data]
    if isinstance(data, str) and ADDRESS.fullmatch(data):
        return ids.setdefault(data, f"other {len(ids)}")
    return data


def _known_as(gateway: Gateway, device_id: str) -> str | None:
    """Return Home Assistant's id of a device, or the word for an unknown one."""
    device = gateway.devices.get(device_id)
    if device:
        return device.device_id
    return ADDRESS.sub("an unknown device", device_id)


def _storage(hass: HomeAssistant) -> dict[str, Any]:
    storage = hass.data[DATA_HOUSE].storage
    return {
        "trouble": storage.trouble,
        "waiting": storage.waiting,
        "unread": sorted(storage.unread),
    }


def _device(hass: HomeAssistant, device: SafetyDevice) -> dict[str, Any]:
    house, now = hass.data[DATA_HOUSE], time.monotonic()
    description = asdict(device.description)
    return {
        "device_id": device.device_id,
        "description": _redacted(
            {
                **description,
                "points": sorted(description["points"]),
                "commands": sorted(description["commands"]),
            }
        ),
        "available": device.available,
        "online": device.online,
        "power": device.power,
        "last_seen_seconds_ago": round(now - device.last_seen),
        "readings": dict(device.readings),
        "reported_seconds_ago": {
            key: round(now - at, 1) for key, at in device.reported.items()
        },
        "hazards": {
            hazard.key: severity
            for hazard in device.kind.hazards
            # One that is there stays, also where nothing that can be believed says so now.
            if (severity := device.monitor.severity(hazard.key))
            or device.monitor.is_known(hazard.key)
        },
        "limits": {key: device.limit(key) for key in device.kind.all_settings},
        "settings": {
            **_redacted(asdict(device.settings)),
            "protected": sorted(device.settings.protected),
        },
        "alarms": [_alarm(alarm) for alarm in house.book.of_device(device.uid)],
        "last_test": _redacted(asdict(test))
        if (test := house.book.tests.last(device.uid))
        else None,
        "latches": [
            _redacted(asdict(latch))
            for latch in house.cut_off.latches.values()
            if latch.device == device.uid
        ],
    }


def _alarm(alarm: Alarm) -> dict[str, Any]:
    """Return an alarm without places, names, and what people have said about it."""
    return {
        "alarm_id": alarm.id,
        **{key: getattr(alarm, key) for key in OF_ALARM},
        "timeline": [_entry(item) for item in alarm.timeline],
    }


def _entry(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry of a timeline: its codes, its numbers, and what was proven.

    What is not named here may be anybody's words, or a device's name.
    """
    entry = {
        key: value
        for key, value in item.items()
        if key in OF_ENTRY
        or (is_catalogued(key) and isinstance(value, (bool, int, float)))
    }
    for key in ("supplies", "restored"):
        if key in item:
            entry[key] = list(item[key].values())
    return entry


def _redacted(data: Mapping[str, Any]) -> dict[str, Any]:
    return async_redact_data(dict(data), TO_REDACT)
