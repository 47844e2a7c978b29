"""Policies and channels in the options of a property."""

from typing import Any

import voluptuous as vol

from homeassistant.config_entries import ConfigFlowResult, OptionsFlow
from homeassistant.helpers import selector

from .channels import PROVIDERS, REQUIRED, SECRETS
from .const import Severity
from .manager import engine_of
from .policies import POLICY_SCHEMA, policy_of

#: What may be set besides what a provider requires.
OPTIONAL: dict[str, tuple[str, ...]] = {
    "alibaba": ("show_number", "region", "url"),
    "twilio": ("url",),
    "script": ("script",),
    "webhook": ("secret",),
    "announce": ("tts_entity",),
}
#: Channels with something to set.
CHANNELS = ("sms", "call", "webhook", "robot", "announce")


class AlertOptionsFlow(OptionsFlow):
    """The part of the options that is about alerts."""

    _severity = Severity.ALARM
    _channel = ""
    _provider = ""

    async def async_step_policy(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the severity whose policy is edited."""
        if user_input is not None:
            self._severity = Severity(user_input["severity"])
            return await self.async_step_policy_edit()
        return self.async_show_form(
            step_id="policy",
            data_schema=vol.Schema(
                {vol.Required("severity"): _select(Severity, "alert_severity")}
            ),
        )

    async def async_step_policy_edit(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Edit a policy; without steps, ours comes back."""
        errors: dict[str, str] = {}
        options = self.config_entry.options
        if user_input is not None:
            policies = dict(options.get("policies", {}))
            policies.pop(self._severity.value, None)
            try:
                if user_input.get("steps"):
                    policies[self._severity.value] = POLICY_SCHEMA(user_input)
            except vol.Invalid:
                errors["steps"] = "invalid_policy"
            else:
                return self.async_create_entry(data={**options, "policies": policies})
        policy = policy_of(options, self._severity).as_dict()
        schema = vol.Schema(
            {
                vol.Optional("steps"): selector.ObjectSelector(),
                vol.Required("each_unit", default=False): selector.BooleanSelector(),
                vol.Required("valid_for", default=3600): selector.NumberSelector(
                    selector.NumberSelectorConfig(
                        min=60,
                        max=30 * 86_400,
                        step=1,
                        unit_of_measurement="s",
                        mode=selector.NumberSelectorMode.BOX,
                    )
                ),
            }
        )
        return self.async_show_form(
            step_id="policy_edit",
            data_schema=self.add_suggested_values_to_schema(
                schema, user_input or policy
            ),
            errors=errors,
        )

    async def async_step_channel(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the channel, and then for its provider if there are several."""
        if user_input is not None:
            self._channel = user_input["channel"]
            if len(PROVIDERS[self._channel]) > 1:
                return await self.async_step_provider()
            self._provider = next(iter(PROVIDERS[self._channel]))
            return await self.async_step_channel_edit()
        return self.async_show_form(
            step_id="channel",
            data_schema=vol.Schema(
                {vol.Required("channel"): _select(CHANNELS, "alert_channel")}
            ),
        )

    async def async_step_provider(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the provider; none takes the channel away."""
        if user_input is not None:
            self._provider = user_input["provider"]
            if self._provider == "none":
                return self._save(None)
            return await self.async_step_channel_edit()
        return self.async_show_form(
            step_id="provider",
            data_schema=vol.Schema(
                {
                    vol.Required("provider"): _select(
                        ("none", *PROVIDERS[self._channel]), "alert_provider"
                    )
                }
            ),
        )

    async def async_step_channel_edit(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for what a provider needs."""
        if user_input is not None:
            filled = {key: value for key, value in user_input.items() if value}
            return self._save({"provider": self._provider, **filled})
        known = self.config_entry.options.get("channels", {}).get(self._channel, {})
        engine = engine_of(self.hass, self.config_entry.entry_id)
        return self.async_show_form(
            step_id="channel_edit",
            data_schema=self.add_suggested_values_to_schema(
                vol.Schema(self._fields()), known
            ),
            # A provider's console asks for it; without reports nothing counts as arrived.
            description_placeholders={
                "report_url": (engine and engine.links.report_url()) or "–"
            },
        )

    def _fields(self) -> dict[vol.Marker, Any]:
        if self._channel == "robot":
            return {vol.Optional("robots"): selector.ObjectSelector()}
        provider = PROVIDERS[self._channel][self._provider]
        fields: dict[vol.Marker, Any] = {
            vol.Required(key): _field(key) for key in REQUIRED.get(provider, ())
        }
        for key in OPTIONAL.get(self._provider, ()):
            fields[vol.Optional(key)] = _field(key)
        return fields

    def _save(self, data: dict[str, Any] | None) -> ConfigFlowResult:
        options = self.config_entry.options
        channels = dict(options.get("channels", {}))
        channels.pop(self._channel, None)
        if data:
            channels[self._channel] = data
        return self.async_create_entry(data={**options, "channels": channels})


def _select(options: Any, key: str) -> selector.SelectSelector:
    return selector.SelectSelector(
        selector.SelectSelectorConfig(
            options=[str(option) for option in options], translation_key=key
        )
    )


def _field(key: str) -> selector.Selector[Any]:
    if key in ("script", "tts_entity"):
        return selector.EntitySelector(
            selector.EntitySelectorConfig(domain="script" if key == "script" else "tts")
        )
    is_secret = key in SECRETS - {"from", "url", "show_number"}
    kind = (
        selector.TextSelectorType.PASSWORD
        if is_secret
        else selector.TextSelectorType.TEXT
    )
    return selector.TextSelector(selector.TextSelectorConfig(type=kind))
