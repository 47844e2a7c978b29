"""Adding a gateway, and the thresholds of its kinds of device."""

from collections.abc import Mapping
from typing import Any, override

import voluptuous as vol

from homeassistant.config_entries import (
    SOURCE_USER,
    ConfigEntryState,
    ConfigFlowResult,
    ConfigSubentryFlow,
    FlowType,
    OptionsFlow,
)
from homeassistant.const import CONF_NAME
from homeassistant.core import callback
from homeassistant.data_entry_flow import section
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import selector
from homeassistant.helpers.service_info.mqtt import MqttServiceInfo

from .bundle.sidecars import RENTAL_UNITS, async_place_sidecar, missing_sidecars
from .catalogue import DEVICE_KINDS, Setting
from .const import CONF_DIALECT, CONF_THRESHOLDS, CONF_TOPIC, DOMAIN, LOGGER
from .flows.adopted import ADOPTED, AdoptedDeviceFlow, AdoptedFlow
from .flows.frigate import FRIGATE, FrigateFlow
from .flows.isapi import ISAPI, IsapiFlow
from .flows.topics import DIALECTS, async_mqtt, title_of
from .flows.uhppote import UHPPOTE, UhppoteFlow
from .flows.vzenith import VZENITH, VzenithFlow
from .flows.webhook import WEBHOOK, WebhookDeviceFlow, WebhookFlow
from .flows.zigbee.adding import ZIGBEE, ZigbeeFlow
from .gateways.base import GatewayConfigEntry
from .localization import async_setting

#: What devices a gateway has in its config entry, by dialect.
_SUBENTRIES: dict[str, dict[str, type[ConfigSubentryFlow]]] = {
    ADOPTED: {ADOPTED: AdoptedDeviceFlow},
    WEBHOOK: {WEBHOOK: WebhookDeviceFlow},
}


class CommunitySafetyConfigFlow(
    ZigbeeFlow,
    UhppoteFlow,
    IsapiFlow,
    VzenithFlow,
    FrigateFlow,
    AdoptedFlow,
    WebhookFlow,
    domain=DOMAIN,
):
    """Add one gateway, or move it to another topic."""

    VERSION = 1
    MINOR_VERSION = 2

    @staticmethod
    @callback
    @override
    def async_get_options_flow(config_entry: GatewayConfigEntry) -> OptionsFlow:
        return ThresholdsFlow()

    @classmethod
    @callback
    @override
    def async_get_supported_subentry_types(
        cls, config_entry: GatewayConfigEntry
    ) -> dict[str, type[ConfigSubentryFlow]]:
        return _SUBENTRIES.get(config_entry.data.get(CONF_DIALECT, ""), {})

    @override
    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Choose how the devices are reached."""
        sidecars = await self.hass.async_add_executor_job(missing_sidecars, self.hass)
        return self.async_show_menu(
            step_id="user",
            menu_options=[
                *DIALECTS,
                ZIGBEE,
                UHPPOTE,
                ISAPI,
                VZENITH,
                ADOPTED,
                WEBHOOK,
                *sidecars,
            ],
        )

    async def async_step_native(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Add a gateway that speaks our protocol."""
        return await self._async_step_topic("native", user_input)

    async def async_step_zigbee2mqtt(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Add the devices of a Zigbee2MQTT."""
        return await self._async_step_topic("zigbee2mqtt", user_input)

    async def async_step_rental_units(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Put the sidecar Rental Units in place, and go on with adding a property."""
        errors: dict[str, str] = {}
        reason = ""
        if user_input is not None:
            try:
                await async_place_sidecar(self.hass, RENTAL_UNITS)
            except OSError as err:
                errors["base"], reason = "sidecar_not_written", str(err)
            else:
                return await self._async_go_on(RENTAL_UNITS)
        return self.async_show_form(
            step_id=RENTAL_UNITS,
            data_schema=vol.Schema({}),
            errors=errors,
            description_placeholders={"reason": reason},
        )

    async def _async_go_on(self, domain: str) -> ConfigFlowResult:
        """Begin the flow of a sidecar that has just been put in place."""
        try:
            flow = await self.hass.config_entries.flow.async_init(
                domain, context={"source": SOURCE_USER}
            )
        except HomeAssistantError:
            # What it requires could not be installed, mostly for want of a network.
            LOGGER.exception("The sidecar %s is in place, but cannot be loaded", domain)
            return self.async_abort(reason="sidecar_not_loaded")
        return self.async_abort(
            reason="sidecar_added", next_flow=(FlowType.CONFIG_FLOW, flow["flow_id"])
        )

    @override
    async def async_step_mqtt(
        self, discovery_info: MqttServiceInfo
    ) -> ConfigFlowResult:
        """Offer a gateway that was seen on the broker."""
        for dialect, (announcement, _default) in DIALECTS.items():
            if discovery_info.topic.endswith(f"/{announcement}"):
                self._dialect = dialect
                self._topic = discovery_info.topic.removesuffix(f"/{announcement}")
        await self._async_claim_topic()
        try:
            self._title = title_of(self._dialect, self._topic, discovery_info.payload)
        except ValueError as err:
            return self.async_abort(reason=str(err))
        self.context["title_placeholders"] = {CONF_NAME: self._title}
        if self._dialect == FRIGATE:
            return await self.async_step_found_frigate()
        return await self.async_step_confirm()

    async def async_step_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Let the user confirm a gateway that was found."""
        # Another gateway may have been moved here since this one was found.
        self._async_abort_entries_match({CONF_TOPIC: self._topic})
        if user_input is not None:
            return self._create()
        self._set_confirm_only()
        return self.async_show_form(
            step_id="confirm", description_placeholders={CONF_NAME: self._title}
        )

    async def async_step_reauth(
        self, entry_data: Mapping[str, Any]
    ) -> ConfigFlowResult:
        """Ask for another log-in: some gateways have one."""
        if entry_data[CONF_DIALECT] == FRIGATE:
            return await self.async_step_reauth_frigate()
        return await self.async_step_reauth_confirm()

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Follow a gateway to another topic or port. Its devices and alarms stay the same."""
        entry = self._get_reconfigure_entry()
        if entry.data[CONF_DIALECT] == ZIGBEE:
            return await self.async_step_reconfigure_zigbee()
        if entry.data[CONF_DIALECT] == ADOPTED:
            return await self.async_step_reconfigure_adopted()
        if entry.data[CONF_DIALECT] == UHPPOTE:
            return await self.async_step_reconfigure_uhppote()
        if entry.data[CONF_DIALECT] == ISAPI:
            return await self.async_step_reconfigure_isapi()
        if entry.data[CONF_DIALECT] == VZENITH:
            return await self.async_step_reconfigure_vzenith()
        if entry.data[CONF_DIALECT] == FRIGATE:
            return await self.async_step_reconfigure_frigate()
        if entry.data[CONF_DIALECT] == WEBHOOK:
            return await self.async_step_reconfigure_webhook()
        self._dialect = entry.data[CONF_DIALECT]
        errors: dict[str, str] = {}
        if user_input is not None:
            self._topic = user_input[CONF_TOPIC].strip("/ ")
            self._async_abort_entries_match({CONF_TOPIC: self._topic})
            errors = await self._async_probe()
            if not errors:
                return self.async_update_reload_and_abort(
                    entry, data_updates={CONF_TOPIC: self._topic}
                )
        return self._show_topic("reconfigure", user_input or entry.data, errors)

    async def _async_step_topic(
        self, dialect: str, user_input: dict[str, Any] | None
    ) -> ConfigFlowResult:
        await async_mqtt(self.hass)
        self._dialect = dialect
        errors: dict[str, str] = {}
        if user_input is not None:
            self._topic = user_input[CONF_TOPIC].strip("/ ")
            await self._async_claim_topic()
            errors = await self._async_probe()
            if not errors:
                return self._create()
        default = {CONF_TOPIC: DIALECTS[dialect][1]}
        return self._show_topic(dialect, user_input or default, errors)

    def _show_topic(
        self, step: str, values: Any, errors: dict[str, str]
    ) -> ConfigFlowResult:
        return self.async_show_form(
            step_id=step,
            data_schema=self.add_suggested_values_to_schema(
                vol.Schema({vol.Required(CONF_TOPIC): str}), values
            ),
            errors=errors,
        )

    def _create(self) -> ConfigFlowResult:
        return self.async_create_entry(
            title=self._title,
            data={CONF_DIALECT: self._dialect, CONF_TOPIC: self._topic},
        )


class ThresholdsFlow(OptionsFlow):
    """Thresholds of each kind of device, for all devices of the gateway."""

    async def async_step_init(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for all of them; only what differs from the default is kept."""
        errors: dict[str, str] = {}
        placeholders: dict[str, str] = {}
        values = self.config_entry.options.get(CONF_THRESHOLDS, {})
        if user_input is not None:
            values = {
                kind.key: {
                    row.key: value
                    for row in kind.all_settings.values()
                    if (value := user_input[kind.key][row.key]) != row.default
                }
                for kind in DEVICE_KINDS.values()
            }
            errors, placeholders = self._contradiction(values)
            if not errors:
                return self.async_create_entry(
                    data={
                        **self.config_entry.options,
                        CONF_THRESHOLDS: {
                            kind: limits for kind, limits in values.items() if limits
                        },
                    }
                )
        return self.async_show_form(
            step_id="init",
            data_schema=vol.Schema(
                {
                    vol.Required(kind.key): section(
                        vol.Schema(
                            {
                                vol.Required(
                                    row.key,
                                    default=values.get(kind.key, {}).get(
                                        row.key, row.default
                                    ),
                                ): _number(row)
                                for row in kind.all_settings.values()
                            }
                        ),
                        {"collapsed": not errors},
                    )
                    for kind in DEVICE_KINDS.values()
                }
            ),
            errors=errors,
            description_placeholders=placeholders,
        )

    def _contradiction(
        self, values: Mapping[str, Mapping[str, float]]
    ) -> tuple[dict[str, str], dict[str, str]]:
        """Return the error for thresholds that contradict each other, with its placeholders.

        Those of a device that has some of its own are looked at too.
        """

        def words(found: tuple[str, str]) -> dict[str, str]:
            lower, upper = (async_setting(self.hass, key) for key in found)
            return {"lower": lower, "upper": upper}

        for kind in DEVICE_KINDS.values():
            limits = values[kind.key]
            if found := kind.contradiction(
                lambda key, kind=kind, limits=limits: limits.get(  # type: ignore[misc]
                    key, kind.all_settings[key].default
                )
            ):
                return {"base": "contradicting_thresholds"}, words(found)
        if self.config_entry.state is ConfigEntryState.LOADED:
            for device in self.config_entry.runtime_data.devices.values():
                if found := device.contradiction(
                    kind_limits=values.get(device.kind.key, {})
                ):
                    return (
                        {"base": "contradicting_device"},
                        {**words(found), "device": device.name},
                    )
        return {}, {}


def _number(row: Setting) -> selector.NumberSelector:
    return selector.NumberSelector(
        selector.NumberSelectorConfig(
            min=row.low,
            max=row.high,
            step=row.step,
            unit_of_measurement=row.unit or "",
            mode=selector.NumberSelectorMode.BOX,
        )
    )
