"""What a person must mend at the software. Faults of equipment are alarms, not repairs."""

from abc import abstractmethod
from collections.abc import Container
from contextlib import suppress
from typing import TYPE_CHECKING, Any, override

import voluptuous as vol

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
from homeassistant.helpers.selector import SelectSelector, SelectSelectorConfig

from .bundle.blueprints import CHANGED, DATA_BLUEPRINTS, Blueprints
from .const import DOMAIN
from .core.house import DATA_HOUSE
from .flows.zigbee.writing import NetworkSteps
from .gateways.base import (
    NO_KIND,
    NO_LAST_SEEN,
    NONE,
    NOT_ENROLLED,
    NOT_INTERVIEWED,
    NOT_SAID,
    Gateway,
)
from .gateways.zigbee import FORMING, async_load_library, database_path, remove_database
from .gateways.zigbee.host.backups import network_backups
from .gateways.zigbee.host.connection import CONF_NETWORK, Port, entry_of
from .open_alarms import REMOVED

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
    if issue_id.startswith(CHANGED) and data:
        return BlueprintFlow(str(data["key"]))
    if issue_id.startswith(REMOVED) and data:
        return RemovedFlow(str(data["uid"]))
    for begin, flow in _DEVICE_FLOWS.items():
        if issue_id.startswith(begin) and data:
            return flow(str(data["entry_id"]), str(data["device_id"]))
    return ConfirmRepairFlow()


class RemovedFlow(ConfirmRepairFlow):
    """Closes the alarms of a gateway that was deleted, once a person has said so."""

    def __init__(self, uid: str) -> None:
        """Initialize with the unique id of the gateway."""
        super().__init__()
        self._uid = uid

    @override
    async def async_step_confirm(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        if user_input is not None:
            self.hass.data[DATA_HOUSE].forget_gateway(self._uid)
        return await super().async_step_confirm(user_input)


class BlueprintFlow(RepairsFlow):
    """Asks what is to become of a blueprint that a person has changed."""

    def __init__(self, key: str) -> None:
        """Initialize with the blueprint's domain and file name."""
        super().__init__()
        self._key = key

    @property
    def _blueprints(self) -> Blueprints:
        return self.hass.data[DATA_BLUEPRINTS]

    async def async_step_init(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Say what can be done."""
        return self.async_show_menu(
            step_id="init",
            menu_options=["show", "replace", "keep"],
            description_placeholders={"blueprint": self._key},
        )

    async def async_step_show(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Show how the two differ."""
        if user_input is not None:
            return await self.async_step_init()
        difference = await self._blueprints.async_difference(self._key)
        return self.async_show_form(
            step_id="show",
            data_schema=vol.Schema({}),
            description_placeholders={
                "blueprint": self._key,
                "difference": f"```diff\n{difference}\n```",
            },
        )

    async def async_step_replace(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Take that of the release."""
        try:
            await self._blueprints.async_replace(self._key)
        except (OSError, HomeAssistantError) as err:
            return self.async_abort(
                reason="blueprint_not_written",
                description_placeholders={"reason": str(err)},
            )
        return self.async_create_entry(data={})

    async def async_step_keep(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Leave the person's as it is, until the next version."""
        await self._blueprints.async_keep(self._key)
        return self.async_create_entry(data={})


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


class _DeviceFlow(RepairsFlow):
    """Has a device watched that is not."""

    def __init__(self, entry_id: str, device_id: str) -> None:
        """Initialize with the gateway's config entry, and the device's id there."""
        super().__init__()
        self._entry_id = entry_id
        self._device_id = device_id

    @property
    def _gateway(self) -> Gateway:
        entry: GatewayConfigEntry = self.hass.config_entries.async_get_known_entry(
            self._entry_id
        )
        return entry.runtime_data

    async def async_step_init(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Begin; what comes with it is not yet a person's."""
        return await self.async_step_help()

    @abstractmethod
    async def async_step_help(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Ask a person for help, and do what follows."""

    @property
    def _placeholders(self) -> dict[str, str]:
        texts = {
            key: value
            for problem in self._gateway.problems.values()
            if problem.device_id == self._device_id
            for key, value in problem.placeholders.items()
        }
        return {"gateway": self._gateway.entry.title, "device": self._device_id} | texts


class _KindFlow(_DeviceFlow):
    """Asks what a device is that can raise an alarm, and does not say of what."""

    @override
    async def async_step_help(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        errors = {}
        if user_input is not None:
            try:
                await self._gateway.async_set_kind(self._device_id, user_input["kind"])
            except HomeAssistantError:
                errors["base"] = "device_kind"
            else:
                return self.async_create_entry(data={})
        kinds = [*self._gateway.choosable_kinds, NONE]
        return self.async_show_form(
            step_id="help",
            data_schema=vol.Schema(
                {
                    vol.Required("kind"): SelectSelector(
                        SelectSelectorConfig(
                            options=kinds, translation_key="device_kind"
                        )
                    )
                }
            ),
            errors=errors,
            description_placeholders=self._placeholders,
        )


class _AgreedFlow(_DeviceFlow):
    """Does one thing, once a person has agreed; `error` is shown where it fails."""

    error: str

    @abstractmethod
    async def _async_do(self) -> None:
        """Do it. Raises HomeAssistantError."""

    @override
    async def async_step_help(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        errors = {}
        if user_input is not None:
            try:
                await self._async_do()
            except HomeAssistantError:
                errors["base"] = self.error
            else:
                return self.async_create_entry(data={})
        return self.async_show_form(
            step_id="help",
            data_schema=vol.Schema({}),
            errors=errors,
            description_placeholders=self._placeholders,
        )


class _InterviewFlow(_AgreedFlow):
    """Asks a device once more what it has, when a person has woken it."""

    error = "interview_failed"

    @override
    async def _async_do(self) -> None:
        await self._gateway.async_interview(self._device_id)


class _AttestFlow(_AgreedFlow):
    """Ends what a device does not say itself to be over, once a person has looked."""

    @override
    async def _async_do(self) -> None:
        self._gateway.attest(self._device_id)


class _LastSeenFlow(_AgreedFlow):
    """Changes a setting of Zigbee2MQTT, once a person has agreed."""

    error = "setting_refused"

    @override
    async def _async_do(self) -> None:
        await self._gateway.async_mend()


_DEVICE_FLOWS: dict[str, type[_DeviceFlow]] = {
    NOT_INTERVIEWED: _InterviewFlow,
    # An interview enrols it too.
    NOT_ENROLLED: _InterviewFlow,
    NO_KIND: _KindFlow,
    NO_LAST_SEEN: _LastSeenFlow,
    NOT_SAID: _AttestFlow,
}


@callback
def watch_problems(hass: HomeAssistant, gateway: Gateway) -> None:
    """Show what a gateway says that a person must mend."""
    gateway.on_problem(lambda: show_problems(hass, gateway))


@callback
def show_problems(hass: HomeAssistant, gateway: Gateway) -> None:
    """Show what a person must mend at a gateway, and nothing that is mended."""
    entry = gateway.entry
    wanted = {
        "_".join(filter(None, (row.key, entry.entry_id, row.device_id))): row
        for row in gateway.problems.values()
    }
    drop_problems(hass, entry, but=wanted)
    for issue_id, row in wanted.items():
        ir.async_create_issue(
            hass,
            DOMAIN,
            issue_id,
            data={"entry_id": entry.entry_id, "device_id": row.device_id},
            is_fixable=row.fixable,
            severity=ir.IssueSeverity.ERROR,
            translation_key=row.key,
            translation_placeholders={"gateway": entry.title, **row.placeholders},
        )


@callback
def drop_problems(
    hass: HomeAssistant, entry: GatewayConfigEntry, but: Container[str] = ()
) -> None:
    """Show no more of what was to be mended at a gateway."""
    for domain, issue_id in tuple(ir.async_get(hass).issues):
        if domain == DOMAIN and entry.entry_id in issue_id and issue_id not in but:
            ir.async_delete_issue(hass, DOMAIN, issue_id)
