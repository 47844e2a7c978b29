"""Figures for the system health page."""

from typing import Any

from homeassistant.components.system_health import SystemHealthRegistration
from homeassistant.core import HomeAssistant, callback

from .const import DOMAIN


@callback
def async_register(hass: HomeAssistant, register: SystemHealthRegistration) -> None:
    """Register the figures."""
    register.async_register_info(async_get_info)


async def async_get_info(hass: HomeAssistant) -> dict[str, Any]:
    """Return properties and units, and how many of these lack something."""
    entries = hass.config_entries.async_entries(DOMAIN, include_ignore=False)
    registers = [
        entry.runtime_data for entry in hass.config_entries.async_loaded_entries(DOMAIN)
    ]
    summaries = [row for register in registers for row in register.summaries.values()]
    return {
        "properties": f"{len(registers)}/{len(entries)}",
        "units": sum(len(register.units) for register in registers),
        "occupied": sum(row.tenants > 0 for row in summaries),
        "incomplete": sum(not row.is_complete for row in summaries),
    }
