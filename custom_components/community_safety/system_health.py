"""Figures for the system health page."""

from collections import Counter
from typing import Any

from homeassistant.components.system_health import SystemHealthRegistration
from homeassistant.core import HomeAssistant, callback

from .const import DOMAIN, Severity
from .core.house import DATA_HOUSE
from .gateways.zigbee import ZigbeeGateway, library_versions


@callback
def async_register(hass: HomeAssistant, register: SystemHealthRegistration) -> None:
    """Register the figures."""
    register.async_register_info(async_get_info)


async def async_get_info(hass: HomeAssistant) -> dict[str, Any]:
    """Return gateways, devices, open alarms, and if the alarm book can be written."""
    house = hass.data[DATA_HOUSE]
    entries = hass.config_entries.async_entries(DOMAIN, include_ignore=False)
    gateways = [
        entry.runtime_data for entry in hass.config_entries.async_loaded_entries(DOMAIN)
    ]
    opened = Counter(
        alarm.severity for alarm in house.book.open.values() if not alarm.drill
    )
    info = {
        "gateways": f"{sum(row.connected for row in gateways)}/{len(entries)}",
        "devices": sum(len(row.devices) for row in gateways),
        "alarms": opened[Severity.ALARM],
        "warnings": opened[Severity.WARNING],
        "faults": opened[Severity.FAULT],
        "storage": house.storage.trouble or "ok",
    }
    networks = [
        row.network
        for row in gateways
        if isinstance(row, ZigbeeGateway) and row.connected
    ]
    if networks:
        # Channels that are the same disturb each other.
        info["zigbee_channels"] = ", ".join(
            str(channel) for channel in sorted(row.channel for row in networks)
        )
        info["zigbee_libraries"] = await hass.async_add_executor_job(library_versions)
    return info
