"""Finding the radio of a Zigbee coordinator, and looking at it: nothing is written."""

from abc import abstractmethod
from contextlib import suppress
from dataclasses import replace
import os
from typing import Any, override

import voluptuous as vol

from homeassistant.components import usb
from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    ConfigEntryState,
    ConfigFlow,
    ConfigFlowContext,
    ConfigFlowResult,
    OperationNotAllowed,
)
from homeassistant.const import CONF_NAME
from homeassistant.data_entry_flow import AbortFlow, section
from homeassistant.exceptions import ConfigEntryError, ConfigEntryNotReady
from homeassistant.helpers import selector
from homeassistant.helpers.importlib import async_import_module
from homeassistant.helpers.service_info.usb import UsbServiceInfo
from homeassistant.helpers.service_info.zeroconf import ZeroconfServiceInfo

from ...gateways.zigbee import FORMING
from ...gateways.zigbee.host.connection import (
    BAUDRATES,
    CONF_ANNOUNCED,
    CONF_BAUDRATE,
    CONF_FLOW_CONTROL,
    CONF_NETWORK,
    CONF_PATH,
    DEFAULT_TCP_PORT,
    Port,
    network_address,
)
from ...gateways.zigbee.host.library import async_load_library
from .writing import NetworkSteps, select

CONNECTIONS = ["zigbee_serial", "zigbee_network"]

CONF_ADDRESS = "address"
CONF_ADVANCED = "advanced"
#: Flow controls of a serial port, the usual first.
NO_FLOW_CONTROL = "none"
FLOW_CONTROLS = (NO_FLOW_CONTROL, "hardware", "software")

#: What coordinators on the network call the protocol of their radio.
EZSP_RADIOS = ("ezsp", "efr32")
#: Some announce the port of their own interface in place of the radio's.
ESPHOME_API_PORT = 6053


class RadioFlow(ConfigFlow, NetworkSteps[ConfigFlowContext, ConfigFlowResult]):
    """From a port, an address or a discovery to a coordinator that was looked at."""

    def __init__(self) -> None:
        """Initialize."""
        super().__init__()
        self._announced = ""

    @abstractmethod
    async def async_step_zigbee_choose(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Go on with a coordinator that was looked at."""

    async def async_step_zigbee(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Choose how the coordinator is connected."""
        return self.async_show_menu(step_id="zigbee", menu_options=CONNECTIONS)

    async def async_step_reconfigure_zigbee(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Choose how the coordinator is connected from now on."""
        self._port = Port.of(self._get_reconfigure_entry().data)
        return self.async_show_menu(
            step_id="reconfigure_zigbee", menu_options=CONNECTIONS
        )

    async def async_step_zigbee_serial(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Choose a serial port."""
        errors = {}
        if user_input is not None:
            more = user_input[CONF_ADVANCED]
            flow_control = more[CONF_FLOW_CONTROL]
            self._port = Port(
                path=await self.hass.async_add_executor_job(
                    usb.get_serial_by_id, user_input[CONF_PATH].strip()
                ),
                baudrate=int(more[CONF_BAUDRATE]),
                flow_control=None if flow_control == NO_FLOW_CONTROL else flow_control,
            )
            if not (errors := await self._async_look()):
                return await self.async_step_zigbee_choose()
        schema = vol.Schema(
            {
                vol.Required(CONF_PATH): selector.SerialPortSelector(),
                vol.Required(CONF_ADVANCED): section(
                    vol.Schema(
                        {
                            vol.Required(
                                CONF_BAUDRATE, default=str(self._port.baudrate)
                            ): select(CONF_BAUDRATE, *map(str, sorted(BAUDRATES))),
                            vol.Required(
                                CONF_FLOW_CONTROL,
                                default=self._port.flow_control or NO_FLOW_CONTROL,
                            ): select(CONF_FLOW_CONTROL, *FLOW_CONTROLS),
                        }
                    ),
                    {"collapsed": "base" not in errors},
                ),
            }
        )
        path = "" if "://" in self._port.path else self._port.path
        return self._show("zigbee_serial", schema, {CONF_PATH: path}, errors)

    async def async_step_zigbee_network(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Enter the address of a coordinator on the network."""
        errors = {}
        if user_input is not None:
            try:
                self._port = Port(path=network_address(user_input[CONF_ADDRESS]))
            except ValueError:
                errors = {CONF_ADDRESS: "zigbee_no_address"}
            else:
                if not (errors := await self._async_look()):
                    return await self.async_step_zigbee_choose()
        schema = vol.Schema({vol.Required(CONF_ADDRESS): str})
        scheme, _, address = self._port.path.partition("://")
        known = {CONF_ADDRESS: address if scheme == "tcp" else ""}
        return self._show("zigbee_network", schema, user_input or known, errors)

    @override
    async def async_step_usb(self, discovery_info: UsbServiceInfo) -> ConfigFlowResult:
        """Offer a stick that was plugged in, unless somebody uses it."""
        await self.async_set_unique_id(
            usb.usb_unique_id_from_service_info(discovery_info)
        )
        self._abort_if_unique_id_configured()
        self._port = Port(
            path=await self.hass.async_add_executor_job(
                usb.get_serial_by_id, discovery_info.device
            )
        )
        return await self._async_offer(
            discovery_info.description or discovery_info.device, [self._port.path]
        )

    @override
    async def async_step_zeroconf(
        self, discovery_info: ZeroconfServiceInfo
    ) -> ConfigFlowResult:
        """Offer a coordinator on the network, if its radio speaks EZSP."""
        name = discovery_info.name.partition("._")[0]
        properties = discovery_info.properties
        radio = properties.get("radio_type") or ("efr32" if "efr32" in name else "")
        if radio not in EZSP_RADIOS:
            return self.async_abort(reason="zigbee_not_ezsp")
        self._announced = properties.get("serial_number") or discovery_info.hostname
        await self.async_set_unique_id(self._announced)
        self._abort_if_unique_id_configured()
        port = discovery_info.port
        if not port or port == ESPHOME_API_PORT:
            port = DEFAULT_TCP_PORT
        addresses = [
            network_address(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
            for host in (
                discovery_info.host,
                discovery_info.hostname.removesuffix("."),
                *(str(address) for address in discovery_info.ip_addresses),
            )
        ]
        self._port = Port(path=addresses[0])
        self._follow(addresses)
        return await self._async_offer(properties.get("name") or name, addresses)

    def _follow(self, addresses: list[str]) -> None:
        """Abort if a gateway was found by this name, and follow it if it is away.

        One that is connected stays where it is: anybody in the network can announce things.
        """
        for entry in (
            entry
            for entry in self._async_current_entries(include_ignore=False)
            if entry.data.get(CONF_ANNOUNCED) == self._announced
        ):
            is_away = (
                entry.state is not ConfigEntryState.LOADED
                or not entry.runtime_data.connected
            )
            if is_away and entry.data[CONF_PATH] not in addresses:
                self.hass.config_entries.async_update_entry(
                    entry, data={**entry.data, CONF_PATH: addresses[0]}
                )
                self.hass.config_entries.async_schedule_reload(entry.entry_id)
            raise AbortFlow("already_configured")

    async def _async_offer(self, name: str, paths: list[str]) -> ConfigFlowResult:
        for path in paths:
            await self._async_claim_port(path)
        self._zigbee_name = name
        self.context["title_placeholders"] = {CONF_NAME: name}
        return await self.async_step_zigbee_confirm()

    async def async_step_zigbee_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Let the user confirm a coordinator that was found, before it is touched."""
        errors = {}
        if user_input is not None and not (errors := await self._async_look()):
            return await self.async_step_zigbee_choose()
        self._set_confirm_only()
        return self._show("zigbee_confirm", vol.Schema({}), {}, errors)

    async def _async_claim_port(self, path: str) -> None:
        """Abort if a gateway of ours has the port, or somebody else does."""
        taken = {
            await self._async_real(entry.data[CONF_PATH]): entry
            for entry in self._async_current_entries(include_ignore=False)
            if CONF_PATH in entry.data
        }
        real = await self._async_real(path)
        if (entry := taken.get(real)) and not self._is_reconfigured(entry.entry_id):
            raise AbortFlow("already_configured")
        for entry in self.hass.config_entries.async_entries(
            "zha", include_ignore=False, include_disabled=False
        ):
            held = entry.data.get("device", {}).get(CONF_PATH)
            if held and await self._async_real(held) == real:
                raise AbortFlow("zigbee_held_by_zha")
        ports = await usb.async_scan_serial_ports(self.hass)
        consumers = await usb.async_get_serial_port_consumers(self.hass, ports)
        for held, rows in consumers.items():
            users = [row.title for row in rows if row.active]
            if users and await self._async_real(held) == real:
                raise AbortFlow(
                    "zigbee_held", description_placeholders={"reason": users[0]}
                )

    async def _async_real(self, path: str) -> str:
        """Return one name for a port that has several."""
        if "://" in path:
            with suppress(ValueError):
                return network_address(path)
            return path
        return await self.hass.async_add_executor_job(os.path.realpath, path)

    def _is_reconfigured(self, entry_id: str) -> bool:
        return (
            self.source == SOURCE_RECONFIGURE
            and self._get_reconfigure_entry().entry_id == entry_id
        )

    async def _async_look(self) -> dict[str, str]:
        """Look at what is at the port, and return errors for the form."""
        try:
            await self._async_claim_port(self._port.path)
        except AbortFlow as err:
            if err.reason == "already_configured":
                raise
            self._reason = (err.description_placeholders or {}).get("reason", "")
            return {"base": err.reason}
        try:
            await async_load_library(self.hass)
        except (ConfigEntryError, ConfigEntryNotReady) as err:
            self._reason = str(err)
            return {"base": "zigbee_library"}
        forming = await async_import_module(self.hass, FORMING)
        entry = (
            self._get_reconfigure_entry() if self.source == SOURCE_RECONFIGURE else None
        )
        if entry:
            # It may be the same radio, and that speaks to one at a time.
            with suppress(OperationNotAllowed):
                await self.hass.config_entries.async_unload(entry.entry_id)
        try:
            self._coordinator = await forming.async_probe(self._port)
        except forming.RadioError as err:
            error, self._reason = err.key, str(err)
            if error == "zigbee_wrong_baudrate":
                # The form shows it, and what was found out with it.
                self._port = replace(self._port, baudrate=int(self._reason))
        else:
            if entry is None or self._coordinator.unique_id == entry.data[CONF_NETWORK]:
                return {}
            error = "zigbee_other_network"
        if entry:
            self.hass.config_entries.async_schedule_reload(entry.entry_id)
        return {"base": error}
