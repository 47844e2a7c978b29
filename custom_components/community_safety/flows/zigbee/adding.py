"""Adding a Zigbee coordinator: find the radio, look at it, and give it a network."""

from typing import Any, override

import voluptuous as vol

from homeassistant.components.file_upload import process_uploaded_file
from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    ConfigEntry,
    ConfigFlowResult,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers import selector
from homeassistant.helpers.importlib import async_import_module
from homeassistant.util import dt as dt_util
from homeassistant.util.json import json_loads

from ...const import CONF_DIALECT
from ...gateways.zigbee import FORMING
from ...gateways.zigbee.host.backups import KeptBackup, network_backups
from ...gateways.zigbee.host.connection import CONF_ANNOUNCED, CONF_NETWORK, entry_of
from .probing import RadioFlow

ZIGBEE = "zigbee"

CONF_BACKUP = "backup"
CONF_FILE = "file"
BACKUP_BYTES = 1024 * 1024


class ZigbeeFlow(RadioFlow):
    """The steps of a Zigbee coordinator, in the order in which a person sees them."""

    def __init__(self) -> None:
        """Initialize."""
        super().__init__()
        self._kept: dict[str, KeptBackup] = {}

    @override
    async def async_step_zigbee_choose(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Show what the radio is, and choose what becomes of its network."""
        radio = self._radio
        if self.source == SOURCE_RECONFIGURE:
            return self._move(self._get_reconfigure_entry())
        if radio.unique_id and entry_of(self.hass, radio.unique_id):
            return self.async_abort(reason="already_configured")
        self._kept = {
            network: row
            for network, row in (await network_backups(self.hass).async_all()).items()
            if network != radio.unique_id
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
                value=network, label=f"{row['title']}, {_local(row['time'])}"
            )
            for network, row in self._kept.items()
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

    async def async_step_zigbee_done(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Add the gateway; one whose network was restored here moves to this radio."""
        radio = self._radio
        assert radio.network and radio.unique_id
        if entry := entry_of(self.hass, radio.unique_id):
            return self._move(entry)
        unique_id = radio.unique_id
        while await self.async_set_unique_id(unique_id, raise_on_progress=False):
            # A gateway keeps its id for life, also when it was given another network.
            unique_id += "#"
        pan_id = str(radio.network.network_info.pan_id).removeprefix("0x")
        return self.async_create_entry(
            title=self._zigbee_name or f"Zigbee {pan_id}",
            data={
                CONF_DIALECT: ZIGBEE,
                CONF_NETWORK: radio.unique_id,
                **self._where,
            },
        )

    @property
    def _where(self) -> dict[str, Any]:
        """Return where the radio is, and by what name it is followed if it was found."""
        found = {CONF_ANNOUNCED: self._announced} if self._announced else {}
        return {**self._port.as_dict(), **found}

    def _move(self, entry: ConfigEntry) -> ConfigFlowResult:
        # Where a person says where it is, no announcement moves it any more.
        data = {key: entry.data[key] for key in entry.data if key != CONF_ANNOUNCED}
        return self.async_update_reload_and_abort(
            entry, data={**data, **self._where}, reason="zigbee_moved"
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
