"""What a person must mend at the software. Faults of equipment are alarms, not repairs."""

from contextlib import suppress
from typing import TYPE_CHECKING, Any, override

from homeassistant.components.repairs import (
    ConfirmRepairFlow,
    RepairsFlow,
    RepairsFlowResult,
)
from homeassistant.components.repairs.models import RepairsFlowContext
from homeassistant.config_entries import OperationNotAllowed
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.importlib import async_import_module

from .const import DOMAIN
from .flows.zigbee.writing import NetworkSteps
from .gateways.zigbee import FORMING, async_load_library, database_path, remove_database
from .gateways.zigbee.host.backups import network_backups
from .gateways.zigbee.host.connection import CONF_NETWORK, Port, entry_of

if TYPE_CHECKING:
    from .gateways.base import GatewayConfigEntry

#: Begins the id of the issue that a coordinator does not hold its network; the entry's follows.
INCONSISTENT = "zigbee_inconsistent_"


async def async_create_fix_flow(
    hass: HomeAssistant, issue_id: str, data: dict[str, Any] | None
) -> RepairsFlow:
    """Return the flow of a fixable issue; mostly, a person confirms to have done it."""
    if issue_id.startswith(INCONSISTENT) and data:
        return NetworkFlow(str(data["entry_id"]))
    return ConfirmRepairFlow()


class NetworkFlow(NetworkSteps[RepairsFlowContext, RepairsFlowResult], RepairsFlow):
    """Gives a coordinator its network back, or its gateway another network."""

    def __init__(self, entry_id: str) -> None:
        """Initialize with the id of the gateway's config entry."""
        super().__init__()
        self._entry_id = entry_id

    @property
    def _entry(self) -> GatewayConfigEntry:
        return self.hass.config_entries.async_get_known_entry(self._entry_id)

    async def async_step_init(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Look at the coordinator, and say what can be done."""
        entry = self._entry
        self._zigbee_name = entry.title
        self._port = Port.of(entry.data)
        try:
            await async_load_library(self.hass)
        except HomeAssistantError as err:
            return self._give_up("zigbee_library", err)
        forming = await async_import_module(self.hass, FORMING)
        # A gateway that tries again and again would be in the way.
        with suppress(OperationNotAllowed):
            await self.hass.config_entries.async_unload(self._entry_id)
        try:
            self._coordinator = await forming.async_probe(self._port)
        except forming.RadioError as err:
            return self._give_up(err.key, err)
        options = ["zigbee_form"]
        found = self._radio.unique_id
        if found and entry_of(self.hass, found) in (None, entry):
            options.insert(0, "zigbee_keep")
        kept = (await network_backups(self.hass).async_all()).get(
            entry.data[CONF_NETWORK]
        )
        with suppress(ValueError):
            self._backup = forming.parse_backup(kept and kept["backup"])
            options.insert(0, "zigbee_restore")
        return self.async_show_menu(
            step_id="init",
            menu_options=options,
            description_placeholders={"gateway": entry.title, "ieee": self._radio.ieee},
        )

    async def async_step_zigbee_restore(
        self, user_input: dict[str, Any] | None = None
    ) -> RepairsFlowResult:
        """Write the newest backup to the coordinator."""
        return await self._async_restore()

    async def async_step_zigbee_keep(
        self, user_input: dict[str, Any] | None = None
    ) -> RepairsFlowResult:
        """Take the network that is on the coordinator."""
        return await self.async_step_zigbee_done()

    async def async_step_zigbee_done(
        self, user_input: dict[str, Any] | None = None
    ) -> RepairsFlowResult:
        """Let the gateway have the network that is on the coordinator now."""
        entry = self._entry
        forming = await async_import_module(self.hass, FORMING)
        if self._radio.unique_id != entry.data[CONF_NETWORK]:
            # Devices of the former network would answer to addresses that others have now.
            await self.hass.async_add_executor_job(remove_database, self.hass, entry)
        try:
            radio = await forming.async_accept(
                self._port, database_path(self.hass, entry)
            )
        except forming.RadioError as err:
            return self._give_up(err.key, err)
        self.hass.config_entries.async_update_entry(
            entry, data={**entry.data, CONF_NETWORK: radio.unique_id}
        )
        return self.async_create_entry(data={})

    def _give_up(self, reason: str, error: Exception) -> RepairsFlowResult:
        return self.async_abort(
            reason=reason, description_placeholders={"reason": str(error)}
        )

    @override
    @callback
    def async_remove(self) -> None:
        """Start the gateway again, however this has ended."""
        if self.hass.config_entries.async_get_entry(self._entry_id):
            self.hass.config_entries.async_schedule_reload(self._entry_id)


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
