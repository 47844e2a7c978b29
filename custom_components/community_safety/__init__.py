"""Community Safety: devices, alarms and verified cut-off for a housing compound."""

import asyncio

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import (
    config_validation as cv,
    device_registry as dr,
    entity_registry as er,
)
from homeassistant.helpers.typing import ConfigType

from .bundle import async_setup_bundle
from .const import CONF_DIALECT, DOMAIN, PLATFORMS, RENAMED_HAZARDS
from .core.house import DATA_HOUSE, House
from .gateways import async_gateway_class
from .gateways.base import GatewayConfigEntry
from .open_alarms import (
    ask_before_deletion,
    gateway_disabled,
    gateway_removed,
    gateway_runs,
    watch_disabled_devices,
)
from .panel import async_setup_panel
from .plans import DATA_PLANS, setup_plans
from .repairs import drop_problems, show_problems, watch_problems
from .services import async_setup_services
from .target import async_get_house
from .websocket import async_setup_websocket

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Set up what all gateways share: the alarm book and the actions."""
    house = House(hass)
    await house.async_start()
    hass.data[DATA_HOUSE] = house
    async_setup_services(hass)
    setup_plans(hass)
    async_setup_websocket(hass)
    watch_disabled_devices(hass, house)
    # The set-up does not wait for what shows it: cancelled there, it would leave a house that
    # lives and that the next try does not know.
    hass.async_create_task(_async_show(hass), f"{DOMAIN} bundle and panel")
    return True


async def _async_show(hass: HomeAssistant) -> None:
    await async_setup_bundle(hass)
    await async_setup_panel(hass)
    # Of floors that went while nobody looked.
    await hass.data[DATA_PLANS].async_tidy()


async def async_setup_entry(hass: HomeAssistant, entry: GatewayConfigEntry) -> bool:
    """Set up a gateway. Its platforms come first, so that no message is missed."""
    gateway_class = await async_gateway_class(hass, entry.data[CONF_DIALECT])
    gateway = gateway_class(hass, entry, hass.data[DATA_HOUSE])
    entry.runtime_data = gateway
    watch_problems(hass, gateway)
    try:
        await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
        gateway.restore_devices()
        await gateway.async_start()
    except BaseException:
        # Also where it is cancelled: the next try begins anew, and finds nothing here.
        gateway.start_failed()
        await asyncio.shield(hass.async_create_task(_async_undo_setup(hass, entry)))
        raise
    show_problems(hass, gateway)
    gateway_runs(hass, entry)
    return True


async def _async_undo_setup(hass: HomeAssistant, entry: GatewayConfigEntry) -> None:
    """Take back what a set-up has done until it failed."""
    try:
        await hass.config_entries.async_unload_platforms(entry, PLATFORMS)
    finally:
        await entry.runtime_data.async_stop()


async def async_migrate_entry(hass: HomeAssistant, entry: GatewayConfigEntry) -> bool:
    """Take over an entry of an older version: entities keep their ids and names."""
    if entry.version > 1:
        return False

    @callback
    def rename(entity: er.RegistryEntry) -> dict[str, str] | None:
        device, _slash, key = entity.unique_id.rpartition("/")
        if new := RENAMED_HAZARDS.get(key):
            return {"new_unique_id": f"{device}/{new}"}
        return None

    if entry.minor_version < 2:
        await er.async_migrate_entries(hass, entry.entry_id, rename)
        hass.config_entries.async_update_entry(entry, minor_version=2)
    return True


async def async_unload_entry(hass: HomeAssistant, entry: GatewayConfigEntry) -> bool:
    """Unload a gateway. Its open alarms and latches stay in the alarm book."""
    if unloaded := await hass.config_entries.async_unload_platforms(entry, PLATFORMS):
        await entry.runtime_data.async_stop()
        if entry.disabled_by:
            gateway_disabled(hass, hass.data[DATA_HOUSE], entry)
    return unloaded


async def async_remove_entry(hass: HomeAssistant, entry: GatewayConfigEntry) -> None:
    """Forget a removed gateway with the alarms, latches and settings of its devices."""
    gateway_class = await async_gateway_class(hass, entry.data[CONF_DIALECT])
    await gateway_class.async_forget(hass, entry)
    # Nothing is set up yet if every gateway was disabled.
    house = await async_get_house(hass)
    if gateway_removed(hass, house, entry):
        house.forget_gateway(entry.unique_id or entry.entry_id)
    drop_problems(hass, entry)


async def async_remove_config_entry_device(
    hass: HomeAssistant, entry: GatewayConfigEntry, device_entry: dr.DeviceEntry
) -> bool:
    """Allow to delete a device, if its gateway can let it go."""
    house = await async_get_house(hass)
    uids = [uid for domain, uid in device_entry.identifiers if domain == DOMAIN]
    for uid in uids:
        ask_before_deletion(hass, house, uid)
    if entry.state is ConfigEntryState.LOADED:
        gateway = entry.runtime_data
        for device in gateway.all_devices:
            if device.device_id == device_entry.id:
                return await gateway.async_delete(device)
    for uid in uids:
        house.forget(uid)
    return True
