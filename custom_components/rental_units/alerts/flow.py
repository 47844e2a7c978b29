"""Policies and channels in the options of a property."""

from typing import Any

import voluptuous as vol
from yarl import URL

from homeassistant.config_entries import ConfigFlowResult, OptionsFlow
from homeassistant.helpers import selector

from ..labels import async_label, async_select
from .const import Severity
from .policies import ALL, AUDIENCES, POLICY_SCHEMA, policy_of
from .runtime import engine_of
from .settings import OPTIONAL, PROVIDERS, REQUIRED, SECRETS

#: Channels with something to set.
CHANNELS = tuple(
    name
    for name, providers in PROVIDERS.items()
    if any((name, provider) in {**REQUIRED, **OPTIONAL} for provider in providers)
)
ROBOTS = ("wecom", "dingtalk", "feishu")


def _select(options: Any, key: str) -> selector.SelectSelector:
    return selector.SelectSelector(
        selector.SelectSelectorConfig(
            options=[str(option) for option in options], translation_key=key
        )
    )


def _number(least: int, most: int, unit: str | None = None) -> selector.NumberSelector:
    config = selector.NumberSelectorConfig(
        min=least, max=most, step=1, mode=selector.NumberSelectorMode.BOX
    )
    if unit:
        config["unit_of_measurement"] = unit
    return selector.NumberSelector(config)


def _rows(
    key: str, label: str, fields: dict[str, selector.Selector[Any]], *required: str
) -> selector.ObjectSelector:
    return selector.ObjectSelector(
        selector.ObjectSelectorConfig(
            multiple=True,
            label_field=label,
            translation_key=key,
            fields={
                name: {"selector": field, "required": name in required}
                for name, field in fields.items()
            },
        )
    )


_PASSWORD = selector.TextSelector(
    selector.TextSelectorConfig(type=selector.TextSelectorType.PASSWORD)
)
_URL = selector.TextSelector(
    selector.TextSelectorConfig(type=selector.TextSelectorType.URL)
)
_FIELDS: dict[str, selector.Selector[Any]] = {
    "script": selector.EntitySelector(
        selector.EntitySelectorConfig(domain="script"),
    ),
    "tts_entity": selector.EntitySelector(selector.EntitySelectorConfig(domain="tts")),
    "url": _URL,
    "variable_characters": _number(15, 500),
    # Shown as they are: whoever may see the options has to compare them.
    "from": selector.TextSelector(),
    "show_number": selector.TextSelector(),
}
_POLICY = vol.Schema(
    {
        vol.Required("each_unit", default=False): selector.BooleanSelector(),
        vol.Required("valid_for", default=3600): _number(60, 30 * 86_400, "s"),
    }
)


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
        return self._ask("policy", "severity", Severity, "alert_severity")

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
        values = user_input or policy_of(options, self._severity).as_dict()
        schema = vol.Schema({vol.Optional("steps"): await self._async_steps()})
        return self.async_show_form(
            step_id="policy_edit",
            data_schema=self.add_suggested_values_to_schema(
                schema.extend(_POLICY.schema), values
            ),
            errors=errors,
            description_placeholders={
                "severity": await async_label(
                    self.hass, "alert_severity", self._severity
                )
            },
        )

    async def async_step_channel(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the channel, and then for its provider if there are several."""
        if user_input is not None:
            self._channel = user_input["channel"]
            if len(PROVIDERS[self._channel]) > 1:
                return await self.async_step_provider()
            self._provider = PROVIDERS[self._channel][0]
            return await self.async_step_channel_edit()
        return self._ask("channel", "channel", CHANNELS, "alert_channel")

    async def async_step_provider(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the provider; none takes the channel away."""
        if user_input is not None:
            self._provider = user_input["provider"]
            if self._provider == "none":
                return self._save(None)
            return await self.async_step_channel_edit()
        providers = ("none", *PROVIDERS[self._channel])
        known = self._known().get("provider")
        return self._ask("provider", "provider", providers, "alert_provider", known)

    async def async_step_channel_edit(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for what a provider needs."""
        errors: dict[str, str] = {}
        if user_input is not None:
            filled = {key: value for key, value in user_input.items() if value}
            if not (errors := _wrong(filled)):
                return self._save({"provider": self._provider, **filled})
        # Alibaba's reports have to be set up in its console.
        is_alibaba = self._provider == "alibaba"
        placeholders = None
        if is_alibaba:
            engine = engine_of(self.hass, self.config_entry.entry_id)
            links = engine.links if engine else None
            placeholders = {
                "report_url": (links and links.report_url()) or "–",
                "answer_url": (links and links.answer_base()) or "–",
            }
        return self.async_show_form(
            step_id="alibaba" if is_alibaba else "channel_edit",
            data_schema=self.add_suggested_values_to_schema(
                vol.Schema(await self._async_fields()), user_input or self._known()
            ),
            errors=errors,
            description_placeholders=placeholders,
        )

    async def async_step_alibaba(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Take what Alibaba Cloud needs."""
        return await self.async_step_channel_edit(user_input)

    def _ask(
        self, step: str, field: str, options: Any, key: str, known: Any = None
    ) -> ConfigFlowResult:
        schema = vol.Schema({vol.Required(field): _select(options, key)})
        return self.async_show_form(
            step_id=step,
            data_schema=self.add_suggested_values_to_schema(schema, {field: known}),
        )

    def _known(self) -> dict[str, Any]:
        known: dict[str, Any] = self.config_entry.options.get("channels", {}).get(
            self._channel, {}
        )
        return known

    async def _async_steps(self) -> selector.ObjectSelector:
        fields: dict[str, selector.Selector[Any]] = {
            "after": _number(0, 7 * 86_400, "s"),
            "audience": await async_select(self.hass, AUDIENCES, "audience"),
            "channels": await async_select(self.hass, ALL, "alert_channel"),
            "repeat": _number(0, 1000),
            "every": _number(10, 86_400, "s"),
            "in_turn": selector.BooleanSelector(),
        }
        return _rows("alert_steps", "after", fields, "after")

    async def _async_fields(self) -> dict[vol.Marker, Any]:
        key = self._channel, self._provider
        fields: dict[vol.Marker, Any] = {}
        for marker, names in ((vol.Required, REQUIRED), (vol.Optional, OPTIONAL)):
            for name in names.get(key, ()):
                fields[marker(name)] = await self._async_field(name)
        return fields

    async def _async_field(self, key: str) -> selector.Selector[Any]:
        if key == "robots":
            form = await async_select(self.hass, ROBOTS, "alert_robot", multiple=False)
            fields: dict[str, selector.Selector[Any]] = {
                "form": form,
                "url": _URL,
                "secret": _PASSWORD,
            }
            return _rows("alert_robots", "form", fields, "form", "url")
        if key == "action":
            names = sorted(self.hass.services.async_services_for_domain("notify"))
            return selector.SelectSelector(
                selector.SelectSelectorConfig(
                    options=[
                        f"notify.{name}" for name in names if name != "send_message"
                    ],
                    custom_value=True,
                    mode=selector.SelectSelectorMode.DROPDOWN,
                )
            )
        if key in SECRETS and key not in _FIELDS:
            return _PASSWORD
        return _FIELDS.get(key, selector.TextSelector())

    def _save(self, data: dict[str, Any] | None) -> ConfigFlowResult:
        options = self.config_entry.options
        channels = dict(options.get("channels", {}))
        channels.pop(self._channel, None)
        if data:
            channels[self._channel] = data
        return self.async_create_entry(data={**options, "channels": channels})


def _wrong(data: dict[str, Any]) -> dict[str, str]:
    """Return what is wrong in the settings of a provider, by field."""
    errors = {}
    if "url" in data and not _is_url(data["url"]):
        errors["url"] = "invalid_address"
    if not all(_is_url(row["url"]) for row in data.get("robots", ())):
        errors["robots"] = "invalid_address"
    return errors


def _is_url(text: str) -> bool:
    try:
        url = URL(text)
    except ValueError:
        return False
    return url.scheme in ("http", "https") and bool(url.host)
