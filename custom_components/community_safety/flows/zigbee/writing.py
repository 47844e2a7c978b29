"""Writing a network to a coordinator: the same steps in the config flow and in the repair.

The Zigbee libraries are heavy: they are imported when the first radio is looked at.
"""

import asyncio
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

import voluptuous as vol

from homeassistant.const import CONF_NAME
from homeassistant.data_entry_flow import FlowContext, FlowHandler, FlowResult
from homeassistant.helpers import selector
from homeassistant.helpers.importlib import async_import_module

from ...gateways.zigbee import FORMING
from ...gateways.zigbee.host.connection import Port

if TYPE_CHECKING:
    from zigpy.backups import NetworkBackup

    from ...gateways.zigbee.host.forming import Coordinator

CONF_CHANNEL = "channel"
CONF_OVERWRITE = "overwrite"
#: Channels of Zigbee in the 2.4 GHz band, or the quietest of them.
AUTOMATIC = "automatic"
CHANNELS = (AUTOMATIC, *(str(channel) for channel in range(11, 27)))


class NetworkSteps[ContextT: FlowContext, ResultT: FlowResult[Any, Any]](
    FlowHandler[ContextT, ResultT]
):
    """Forms or restores a network, and goes on with the step `zigbee_done`."""

    def __init__(self) -> None:
        """Initialize."""
        super().__init__()
        self._zigbee_name = ""
        self._port = Port(path="")
        self._coordinator: Coordinator | None = None
        self._backup: NetworkBackup | None = None
        self._work: asyncio.Task[Coordinator] | None = None
        self._failure = ""
        self._reason = ""

    @property
    def _radio(self) -> Coordinator:
        assert self._coordinator
        return self._coordinator

    async def async_step_zigbee_form(
        self, user_input: dict[str, Any] | None = None
    ) -> ResultT:
        """Form a network; the one that the radio has now is gone then."""
        if user_input is not None:
            chosen = user_input[CONF_CHANNEL]
            return await self._async_begin(
                "zigbee_forming", channel=None if chosen == AUTOMATIC else int(chosen)
            )
        schema = vol.Schema(
            {
                vol.Required(CONF_CHANNEL, default=AUTOMATIC): select(
                    CONF_CHANNEL, *CHANNELS
                )
            }
        )
        return self._show("zigbee_form", schema, {}, {})

    async def _async_restore(self) -> ResultT:
        """Restore, after the user's consent if the radio takes another address."""
        assert self._backup
        if str(self._backup.node_info.ieee) == self._radio.ieee:
            return await self._async_begin("zigbee_restoring", overwrite=False)
        return await self.async_step_zigbee_overwrite()

    async def async_step_zigbee_overwrite(
        self, user_input: dict[str, Any] | None = None
    ) -> ResultT:
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

    async def _async_begin(self, step: str, **options: Any) -> ResultT:
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
    ) -> ResultT:
        """Wait until the network is formed."""
        return await self._async_wait("zigbee_forming")

    async def async_step_zigbee_restoring(
        self, user_input: dict[str, Any] | None = None
    ) -> ResultT:
        """Wait until the backup is written."""
        return await self._async_wait("zigbee_restoring")

    async def _async_wait(self, step: str) -> ResultT:
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
    ) -> ResultT:
        """Say why nothing came of it."""
        return self.async_abort(
            reason=self._failure, description_placeholders={"reason": self._reason}
        )

    def _show(
        self,
        step: str,
        schema: vol.Schema,
        values: dict[str, Any],
        errors: dict[str, str],
        **placeholders: str,
    ) -> ResultT:
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


def select(key: str, *options: str) -> selector.SelectSelector:
    """Return a list to choose from, with the texts of `zigbee_{key}`."""
    return selector.SelectSelector(
        selector.SelectSelectorConfig(
            options=list(options),
            translation_key=f"zigbee_{key}",  # Numbers speak for themselves.
            mode=selector.SelectSelectorMode.DROPDOWN,
        )
    )
