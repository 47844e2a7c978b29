"""Adding a Zigbee coordinator: find the radio, look at it, and give it a network.

The Zigbee libraries are heavy: they are imported when the first radio is looked at.
"""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import replace
import os
from typing import TYPE_CHECKING, Any, override

import voluptuous as vol

from homeassistant.components import usb
from homeassistant.components.file_upload import process_uploaded_file
from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    ConfigEntry,
    ConfigFlow,
    ConfigFlowResult,
    OperationNotAllowed,
)
from homeassistant.const import CONF_NAME
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import AbortFlow, section
from homeassistant.exceptions import ConfigEntryError, ConfigEntryNotReady
from homeassistant.helpers import selector
from homeassistant.helpers.importlib import async_import_module
from homeassistant.helpers.service_info.usb import UsbServiceInfo
from homeassistant.helpers.service_info.zeroconf import ZeroconfServiceInfo
from homeassistant.util import dt as dt_util
from homeassistant.util.json import json_loads

from .const import CONF_DIALECT
from .gateways.zigbee import FORMING
from .gateways.zigbee.backups import KeptBackup, network_backups
from .gateways.zigbee.library import async_load_library
from .gateways.zigbee.ports import DEFAULT_TCP_PORT, Port, network_address

if TYPE_CHECKING:
    from zigpy.backups import NetworkBackup

    from .gateways.zigbee.forming import Coordinator

ZIGBEE = "zigbee"

CONF_ADDRESS = "address"
CONF_ADVANCED = "advanced"
CONF_BACKUP = "backup"
CONF_BAUDRATE = "baudrate"
CONF_CHANNEL = "channel"
CONF_FILE = "file"
CONF_FLOW_CONTROL = "flow_control"
CONF_OVERWRITE = "overwrite"
CONF_PATH = "path"
#: Values of selects that stand for "nothing in particular".
AUTOMATIC = "automatic"
NO_FLOW_CONTROL = "none"

#: What coordinators on the network call the protocol of their radio.
EZSP_RADIOS = ("ezsp", "efr32")
#: Some announce the port of their own interface in place of the radio's.
ESPHOME_API_PORT = 6053
BACKUP_BYTES = 1024 * 1024


class ZigbeeFlow(ConfigFlow):
    """The steps of a Zigbee coordinator, in the order in which a person sees them."""

    def __init__(self) -> None:
        """Initialize."""
        super().__init__()
        self._zigbee_name = ""
        self._port = Port(path="")
        self._coordinator: Coordinator | None = None
        self._kept: dict[str, KeptBackup] = {}
        self._backup: NetworkBackup | None = None
        self._work: asyncio.Task[Coordinator] | None = None
        self._failure = ""
        self._reason = ""

    # Finding the radio

    async def async_step_zigbee(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Choose how the coordinator is connected."""
        return self.async_show_menu(
            step_id="zigbee", menu_options=["zigbee_serial", "zigbee_network"]
        )

    async def async_step_reconfigure_zigbee(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Choose how the coordinator is connected from now on."""
        return self.async_show_menu(
            step_id="reconfigure_zigbee",
            menu_options=["zigbee_serial", "zigbee_network"],
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
                            ): _select(
                                CONF_BAUDRATE, "57600", "115200", "230400", "460800"
                            ),
                            vol.Required(
                                CONF_FLOW_CONTROL,
                                default=self._port.flow_control or NO_FLOW_CONTROL,
                            ): _select(
                                CONF_FLOW_CONTROL,
                                NO_FLOW_CONTROL,
                                "hardware",
                                "software",
                            ),
                        }
                    ),
                    {"collapsed": "base" not in errors},
                ),
            }
        )
        return self._show("zigbee_serial", schema, {CONF_PATH: self._port.path}, errors)

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
        return self._show(
            "zigbee_network",
            schema,
            user_input or {CONF_ADDRESS: self._port.path},
            errors,
        )

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
        await self.async_set_unique_id(
            properties.get("serial_number") or discovery_info.hostname
        )
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
        return await self._async_offer(properties.get("name") or name, addresses)

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

    # Looking at it

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
            if entry is None or self._coordinator.unique_id == entry.unique_id:
                return {}
            error = "zigbee_other_network"
        if entry:
            self.hass.config_entries.async_schedule_reload(entry.entry_id)
        return {"base": error}

    # Giving it a network

    async def async_step_zigbee_choose(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Show what the radio is, and choose what becomes of its network."""
        radio = self._radio
        if self.source == SOURCE_RECONFIGURE:
            return self._move(self._get_reconfigure_entry())
        if radio.unique_id and self._entry_of(radio.unique_id):
            return self.async_abort(reason="already_configured")
        self._kept = {
            unique_id: row
            for unique_id, row in (await network_backups(self.hass).async_all()).items()
            if unique_id != radio.unique_id
        }
        options = ["zigbee_form", "zigbee_upload"]
        if self._kept:
            options.insert(1, "zigbee_automatic")
        placeholders = {
            "firmware": radio.firmware or "?",
            "ezsp": str(radio.ezsp),
            "ieee": radio.ieee,
        }
        if radio.network is None:
            return self.async_show_menu(
                step_id="zigbee_empty",
                menu_options=options,
                description_placeholders=placeholders,
            )
        info = radio.network.network_info
        return self.async_show_menu(
            step_id="zigbee_choose",
            menu_options=["zigbee_keep", *options],
            description_placeholders={
                **placeholders,
                "channel": str(info.channel),
                "pan_id": str(info.pan_id),
                "extended_pan_id": str(info.extended_pan_id),
            },
        )

    async def async_step_zigbee_empty(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Show the same for a radio without a network."""
        return await self.async_step_zigbee_choose()

    async def async_step_zigbee_keep(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Take the network as it is on the radio."""
        return await self.async_step_zigbee_done()

    async def async_step_zigbee_form(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Form a network; the one that the radio has now is gone then."""
        if user_input is not None:
            chosen = user_input[CONF_CHANNEL]
            return await self._async_begin(
                "zigbee_forming", channel=None if chosen == AUTOMATIC else int(chosen)
            )
        channels = (AUTOMATIC, *(str(channel) for channel in range(11, 27)))
        schema = vol.Schema(
            {
                vol.Required(CONF_CHANNEL, default=AUTOMATIC): _select(
                    CONF_CHANNEL, *channels
                )
            }
        )
        return self._show("zigbee_form", schema, {}, {})

    async def async_step_zigbee_automatic(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Choose one of the backups that were made by themselves."""
        errors = {}
        if user_input is not None:
            row = self._kept[user_input[CONF_BACKUP]]
            if not (errors := await self._async_take(row["backup"])):
                return await self._async_restore()
        options = [
            selector.SelectOptionDict(
                value=unique_id, label=f"{row['title']}, {_local(row['time'])}"
            )
            for unique_id, row in self._kept.items()
        ]
        schema = vol.Schema(
            {
                vol.Required(
                    CONF_BACKUP, default=next(iter(self._kept))
                ): selector.SelectSelector(
                    selector.SelectSelectorConfig(options=options)
                )
            }
        )
        return self._show("zigbee_automatic", schema, {}, errors)

    async def async_step_zigbee_upload(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Take a backup from a file."""
        errors = {}
        if user_input is not None:
            try:
                data = await self.hass.async_add_executor_job(
                    _read_upload, self.hass, user_input[CONF_FILE]
                )
                errors = await self._async_take(data)
            except ValueError:
                errors = {CONF_FILE: "zigbee_no_backup"}
            if not errors:
                return await self._async_restore()
        schema = vol.Schema(
            {
                vol.Required(CONF_FILE): selector.FileSelector(
                    selector.FileSelectorConfig(accept=".json,application/json")
                )
            }
        )
        return self._show("zigbee_upload", schema, {}, errors)

    async def _async_take(self, data: Any) -> dict[str, str]:
        """Take a backup, and return errors for the form."""
        forming = await async_import_module(self.hass, FORMING)
        try:
            self._backup = forming.parse_backup(data)
        except ValueError:
            return {"base": "zigbee_no_backup"}
        return {}

    async def _async_restore(self) -> ConfigFlowResult:
        """Restore, after the user's consent if the radio takes another address."""
        assert self._backup
        if str(self._backup.node_info.ieee) == self._radio.ieee:
            return await self._async_begin("zigbee_restoring", overwrite=False)
        return await self.async_step_zigbee_overwrite()

    async def async_step_zigbee_overwrite(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask if the radio may take the address of the backup for its own."""
        assert self._backup
        errors = {}
        if user_input is not None and CONF_OVERWRITE in user_input:
            if user_input[CONF_OVERWRITE]:
                return await self._async_begin("zigbee_restoring", overwrite=True)
            errors = {CONF_OVERWRITE: "zigbee_consent"}
        schema = vol.Schema({vol.Required(CONF_OVERWRITE, default=False): bool})
        return self._show(
            "zigbee_overwrite",
            schema,
            {},
            errors,
            ieee=self._radio.ieee,
            backup_ieee=str(self._backup.node_info.ieee),
        )

    async def _async_begin(self, step: str, **options: Any) -> ConfigFlowResult:
        """Begin to write to the radio, and show that it takes a while."""
        forming = await async_import_module(self.hass, FORMING)
        work: Coroutine[Any, Any, Coordinator] = (
            forming.async_form(self._port, **options)
            if step == "zigbee_forming"
            else forming.async_restore(self._port, self._backup, **options)
        )
        self._work = self.hass.async_create_task(work, step)
        return await self._async_wait(step)

    async def async_step_zigbee_forming(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Wait until the network is formed."""
        return await self._async_wait("zigbee_forming")

    async def async_step_zigbee_restoring(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Wait until the backup is written."""
        return await self._async_wait("zigbee_restoring")

    async def _async_wait(self, step: str) -> ConfigFlowResult:
        assert self._work
        if not self._work.done():
            return self.async_show_progress(
                step_id=step, progress_action=step, progress_task=self._work
            )
        forming = await async_import_module(self.hass, FORMING)
        try:
            self._coordinator = self._work.result()
        except forming.RadioError as err:
            self._failure, self._reason = err.key, str(err)
            return self.async_show_progress_done(next_step_id="zigbee_failed")
        return self.async_show_progress_done(next_step_id="zigbee_done")

    async def async_step_zigbee_failed(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Say why nothing came of it."""
        return self.async_abort(
            reason=self._failure, description_placeholders={"reason": self._reason}
        )

    async def async_step_zigbee_done(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Add the gateway; one whose network was restored here moves to this radio."""
        radio = self._radio
        assert radio.network and radio.unique_id
        if entry := self._entry_of(radio.unique_id):
            return self._move(entry)
        await self.async_set_unique_id(radio.unique_id, raise_on_progress=False)
        pan_id = str(radio.network.network_info.pan_id).removeprefix("0x")
        return self.async_create_entry(
            title=self._zigbee_name or f"Zigbee {pan_id}",
            data={CONF_DIALECT: ZIGBEE, **self._port.as_dict()},
        )

    def _move(self, entry: ConfigEntry) -> ConfigFlowResult:
        return self.async_update_reload_and_abort(
            entry, data_updates=self._port.as_dict(), reason="zigbee_moved"
        )

    # Small things

    @property
    def _radio(self) -> Coordinator:
        assert self._coordinator
        return self._coordinator

    def _entry_of(self, unique_id: str) -> ConfigEntry | None:
        return next(
            (
                entry
                for entry in self._async_current_entries(include_ignore=False)
                if entry.unique_id == unique_id
            ),
            None,
        )

    def _show(
        self,
        step: str,
        schema: vol.Schema,
        values: dict[str, Any],
        errors: dict[str, str],
        **placeholders: str,
    ) -> ConfigFlowResult:
        return self.async_show_form(
            step_id=step,
            data_schema=self.add_suggested_values_to_schema(schema, values),
            errors=errors,
            description_placeholders={
                CONF_NAME: self._zigbee_name,
                "reason": self._reason,
                **placeholders,
            },
        )


def _select(key: str, *options: str) -> selector.SelectSelector:
    return selector.SelectSelector(
        selector.SelectSelectorConfig(
            options=list(options),
            translation_key=f"zigbee_{key}",  # Numbers speak for themselves.
            mode=selector.SelectSelectorMode.DROPDOWN,
        )
    )


def _read_upload(hass: HomeAssistant, file_id: str) -> Any:
    """Return the JSON of an uploaded file. Raises ValueError."""
    with process_uploaded_file(hass, file_id) as path:
        if path.stat().st_size > BACKUP_BYTES:
            raise ValueError("too long")
        return json_loads(path.read_bytes())


def _local(time: str) -> str:
    """Return a time as people read it."""
    parsed = dt_util.parse_datetime(time, raise_on_error=True)
    return dt_util.as_local(parsed).strftime("%Y-%m-%d %H:%M")
