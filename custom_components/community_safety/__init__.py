"""Community Safety: devices, alarms and verified cut-off for a housing compound."""

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import config_validation as cv, device_registry as dr
from homeassistant.helpers.typing import ConfigType

from .const import CONF_DIALECT, DOMAIN, PLATFORMS
from .gateways import DIALECTS
from .gateways.base import GatewayConfigEntry
from .repairs import show_version
from .safety import DATA_SAFETY, Safety
from .services import async_setup_services
from .target import async_get_safety

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Set up what all gateways share: the alarm book and the actions."""
    safety = hass.data[DATA_SAFETY] = Safety(hass)
    await safety.async_start()
    async_setup_services(hass)
    return True


async def async_setup_entry(hass: HomeAssistant, entry: GatewayConfigEntry) -> bool:
    """Set up a gateway. Its platforms come first, so that no message is missed."""
    gateway = DIALECTS[entry.data[CONF_DIALECT]](hass, entry, hass.data[DATA_SAFETY])
    entry.runtime_data = gateway
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    gateway.restore_devices()
    try:
        await gateway.async_start()
    except Exception:
        # The next try sets the platforms up anew.
        await async_unload_entry(hass, entry)
        hass.data[DATA_SAFETY].start_failed(gateway)
        raise
    return True


async def async_unload_entry(hass: HomeAssistant, entry: GatewayConfigEntry) -> bool:
    """Unload a gateway. Its open alarms and latches stay in the alarm book."""
    if unloaded := await hass.config_entries.async_unload_platforms(entry, PLATFORMS):
        await entry.runtime_data.async_stop()
    return unloaded


async def async_remove_entry(hass: HomeAssistant, entry: GatewayConfigEntry) -> None:
    """Forget a removed gateway with the alarms, latches and settings of its devices."""
    await DIALECTS[entry.data[CONF_DIALECT]].async_forget(hass, entry)
    # Nothing is set up yet if every gateway was disabled.
    safety = await async_get_safety(hass)
    safety.forget_gateway(entry.unique_id or entry.entry_id)
    show_version(hass, entry, None)


async def async_remove_config_entry_device(
    hass: HomeAssistant, entry: GatewayConfigEntry, device_entry: dr.DeviceEntry
) -> bool:
    """Allow to delete a device, if its gateway can let it go."""
    if entry.state is not ConfigEntryState.LOADED:
        return True
    gateway = entry.runtime_data
    for device in gateway.all_devices:
        if device.device_id == device_entry.id:
            return await gateway.async_delete(device)
    return True
