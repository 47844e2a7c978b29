"""Policies in the options of a property."""

from collections.abc import Iterable, Mapping
from functools import reduce
from typing import Any

import voluptuous as vol

from homeassistant.config_entries import ConfigFlowResult, OptionsFlow
from homeassistant.helpers import selector

from ..labels import async_labels, async_select, async_viewer_language
from .const import Severity
from .policies import ALL, AUDIENCES, POLICY_SCHEMA, Policy, Step, policy_of


def _number(least: int, most: int, unit: str | None = None) -> selector.NumberSelector:
    config = selector.NumberSelectorConfig(
        min=least, max=most, step=1, mode=selector.NumberSelectorMode.BOX
    )
    if unit:
        config["unit_of_measurement"] = unit
    return selector.NumberSelector(config)


_POLICY = vol.Schema(
    {
        vol.Required("each_unit", default=False): selector.BooleanSelector(),
        vol.Required("valid_for", default=3600): _number(60, 30 * 86_400, "s"),
    }
)


class PolicyFlow(OptionsFlow):
    """The part of the options that is about policies."""

    _severity = Severity.ALARM

    async def async_step_policy(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the severity whose policy is edited."""
        if user_input is not None:
            self._severity = Severity(user_input["severity"])
            return await self.async_step_policy_edit()
        choice = selector.SelectSelector(
            selector.SelectSelectorConfig(
                options=[row.value for row in Severity],
                translation_key="alert_severity",
            )
        )
        return self.async_show_form(
            step_id="policy", data_schema=vol.Schema({vol.Required("severity"): choice})
        )

    async def async_step_policy_edit(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Edit a policy; without steps, ours comes back."""
        errors: dict[str, str] = {}
        options = self.config_entry.options
        shown = policy_of(options, self._severity)
        if user_input is not None:
            policies = dict(options.get("policies", {}))
            policies.pop(self._severity.value, None)
            try:
                if user_input.get("steps"):
                    data = POLICY_SCHEMA(user_input)
                    shown = Policy.from_dict(data)
                    policies[self._severity.value] = data
                    errors = _wrong(shown)
            except vol.Invalid:
                errors["steps"] = "invalid_policy"
            if not errors:
                return self.async_create_entry(data={**options, "policies": policies})
        schema = vol.Schema({vol.Optional("steps"): await self._async_steps()})
        language = await async_viewer_language(self.hass)
        severities = await async_labels(self.hass, "alert_severity", language)
        return self.async_show_form(
            step_id="policy_edit",
            data_schema=self.add_suggested_values_to_schema(
                schema.extend(_POLICY.schema), user_input or shown.as_dict()
            ),
            errors=errors,
            description_placeholders={
                "severity": severities[self._severity],
                "steps": await self._async_list(shown, language),
            },
        )

    async def _async_steps(self) -> selector.ObjectSelector:
        fields: dict[str, selector.Selector[Any]] = {
            "after": _number(0, 7 * 86_400, "s"),
            "audience": await async_select(self.hass, AUDIENCES, "audience"),
            "channels": await async_select(self.hass, ALL, "alert_channel"),
            "repeat": _number(0, 1000),
            "every": _number(10, 86_400, "s"),
            "in_turn": selector.BooleanSelector(),
        }
        return selector.ObjectSelector(
            selector.ObjectSelectorConfig(
                multiple=True,
                label_field="after",
                translation_key="alert_steps",
                fields={
                    name: {"selector": field, "required": name == "after"}
                    for name, field in fields.items()
                },
            )
        )

    async def _async_list(self, policy: Policy, language: str) -> str:
        """Return the steps as a list: when, who, over what, how often."""
        line = await async_labels(self.hass, "alert_step_line", language)
        people = await async_labels(self.hass, "audience", language)
        channels = await async_labels(self.hass, "alert_channel", language)

        def joined(parts: Iterable[str], key: str) -> str:
            # A language's own sign between two parts, with its own blanks.
            return reduce(lambda one, two: line[key].format(one=one, two=two), parts)

        def named(values: Iterable[str], names: dict[str, str], nobody: str) -> str:
            return joined([names[value] for value in values] or [line[nobody]], "and")

        def written(step: Step) -> str:
            every = set(step.channels) >= set(ALL)
            parts = [
                line["step"].format(
                    after=_period(step.after, line),
                    who=named(step.audience, people, "named"),
                    how=line["all"] if every else named(step.channels, channels, "all"),
                ),
                line["in_turn"] if step.in_turn else "",
                line["repeat"].format(
                    repeat=step.repeat, every=_period(step.every, line)
                )
                if step.repeat
                else "",
            ]
            return joined(filter(None, parts), "then")

        return "\n".join(
            f"{number}. {written(step)}" for number, step in enumerate(policy.steps, 1)
        )


def _period(seconds: float, words: Mapping[str, str]) -> str:
    """Return seconds as people write them, in the largest unit that is whole."""
    whole = round(seconds)
    for size, unit in ((86_400, "days"), (3600, "hours"), (60, "minutes")):
        if whole and whole % size == 0:
            return words[unit].format(count=whole // size)
    return words["seconds"].format(count=whole)


def _wrong(policy: Policy) -> dict[str, str]:
    """Return what could never be as it is entered: a step after the alert has ended."""
    is_late = any(step.after >= policy.valid_for for step in policy.steps)
    return {"steps": "step_too_late"} if is_late else {}
