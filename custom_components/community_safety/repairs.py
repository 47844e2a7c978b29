"""What a person must mend at the software. Faults of equipment are alarms, not repairs."""

from collections.abc import Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import voluptuous as vol

from homeassistant.components.repairs import (
    ConfirmRepairFlow,
    RepairsFlow,
    RepairsFlowResult,
)
from homeassistant.config_entries import OperationNotAllowed
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.importlib import async_import_module

from .const import DOMAIN
from .gateways.zigbee import FORMING, async_load_library, database_path
from .gateways.zigbee.backups import network_backups
from .gateways.zigbee.ports import Port

if TYPE_CHECKING:
    from zigpy.backups import NetworkBackup

    from .gateways.base import GatewayConfigEntry
    from .gateways.zigbee.forming import Coordinator

#: Begins the id of the issue that a coordinator holds another network; the entry's follows.
INCONSISTENT = "zigbee_inconsistent_"


async def async_create_fix_flow(
    hass: HomeAssistant, issue_id: str, data: dict[str, Any] | None
) -> RepairsFlow:
    """Return the flow of a fixable issue; mostly, a person confirms to have done it."""
    if issue_id.startswith(INCONSISTENT) and data:
        return NetworkFlow(str(data["entry_id"]))
    return ConfirmRepairFlow()


class NetworkFlow(RepairsFlow):
    """Gives a coordinator its network back, or takes the changed one for good."""

    def __init__(self, entry_id: str) -> None:
        """Initialize with the id of the gateway's config entry."""
        self._entry_id = entry_id
        self._forming: Any = None
        self._radio: Coordinator | None = None
        self._backup: NetworkBackup | None = None

    async def async_step_init(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Look at the coordinator, and say what can be done."""
        entry = self._entry
        try:
            await async_load_library(self.hass)
        except HomeAssistantError as err:
            return self._give_up("zigbee_library", str(err))
        self._forming = await async_import_module(self.hass, FORMING)
        # A gateway that tries again and again would be in the way.
        with suppress(OperationNotAllowed):
            await self.hass.config_entries.async_unload(self._entry_id)
        try:
            self._radio = await self._forming.async_probe(Port.of(entry.data))
        except self._forming.RadioError as err:
            return self._give_up(err.key, str(err))
        options = []
        if kept := (await network_backups(self.hass).async_all()).get(
            entry.unique_id or ""
        ):
            self._backup = self._forming.parse_backup(kept["backup"])
            options.append("restore")
        if self._radio.unique_id == entry.unique_id:
            options.append("accept")
        if not options:
            return self._give_up("zigbee_no_backup")
        return self.async_show_menu(
            step_id="init",
            menu_options=options,
            description_placeholders={"gateway": entry.title},
        )

    async def async_step_restore(
        self, user_input: dict[str, Any] | None = None
    ) -> RepairsFlowResult:
        """Write the newest backup to the coordinator, its address too with consent."""
        assert self._backup and self._radio
        foreign = str(self._backup.node_info.ieee) != self._radio.ieee
        if foreign and not (user_input and user_input.get("overwrite")):
            return self.async_show_form(
                step_id="restore",
                data_schema=vol.Schema(
                    {vol.Required("overwrite", default=False): bool}
                ),
                errors={"overwrite": "zigbee_consent"}
                if user_input and "overwrite" in user_input
                else {},
                description_placeholders={
                    "ieee": self._radio.ieee,
                    "backup_ieee": str(self._backup.node_info.ieee),
                },
            )
        return await self._async_do(
            self._forming.async_restore(
                Port.of(self._entry.data), self._backup, overwrite=foreign
            )
        )

    async def async_step_accept(
        self, user_input: dict[str, Any] | None = None
    ) -> RepairsFlowResult:
        """Take the settings that the coordinator has now."""
        return await self._async_do(
            self._forming.async_accept(
                Port.of(self._entry.data), database_path(self.hass, self._entry)
            )
        )

    async def _async_do(
        self, work: Coroutine[Any, Any, Coordinator]
    ) -> RepairsFlowResult:
        try:
            await work
        except self._forming.RadioError as err:
            return self._give_up(err.key, str(err))
        ir.async_delete_issue(self.hass, DOMAIN, f"{INCONSISTENT}{self._entry_id}")
        self.hass.config_entries.async_schedule_reload(self._entry_id)
        return self.async_create_entry(data={})

    def _give_up(self, reason: str, text: str = "") -> RepairsFlowResult:
        self.hass.config_entries.async_schedule_reload(self._entry_id)
        return self.async_abort(
            reason=reason, description_placeholders={"reason": text}
        )

    @property
    def _entry(self) -> GatewayConfigEntry:
        return self.hass.config_entries.async_get_known_entry(self._entry_id)


@callback
def show_version(
    hass: HomeAssistant, entry: GatewayConfigEntry, version: int | None
) -> None:
    """Show that a gateway speaks a version that is not supported; with None no longer."""
    issue_id = f"unsupported_version_{entry.entry_id}"
    if version is None:
        ir.async_delete_issue(hass, DOMAIN, issue_id)
        return
    ir.async_create_issue(
        hass,
        DOMAIN,
        issue_id,
        is_fixable=False,
        severity=ir.IssueSeverity.ERROR,
        translation_key="unsupported_version",
        translation_placeholders={"gateway": entry.title, "version": str(version)},
    )
