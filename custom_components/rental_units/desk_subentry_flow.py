"""A desk: its level, its hours, whom it serves, and who staffs it."""

from typing import Any

import voluptuous as vol

from homeassistant.config_entries import ConfigSubentryFlow, SubentryFlowResult
from homeassistant.const import CONF_NAME
from homeassistant.helpers import selector
from homeassistant.util.ulid import ulid_now

from .const import SUBENTRY_DESK, SUBENTRY_RESPONDER
from .desk.const import CONF_DESK
from .desk.desks import (
    CONF_BUILDINGS,
    CONF_LEVEL,
    CONF_POSTS,
    CONF_SCHEDULE,
    CONF_WORKING_DAYS,
    Level,
    fold,
)
from .labels import async_labels, async_viewer_language


class DeskSubentryFlow(ConfigSubentryFlow):
    """Adds a desk, or changes one. Nothing of it is personal."""

    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Add one."""
        return await self._async_step("user", user_input)

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Change one."""
        return await self._async_step("reconfigure", user_input)

    async def _async_step(
        self, step: str, user_input: dict[str, Any] | None
    ) -> SubentryFlowResult:
        known = self._get_reconfigure_subentry() if step == "reconfigure" else None
        errors: dict[str, str] = {}
        if user_input is not None:
            title = user_input[CONF_NAME].strip()
            others = {
                fold(row.title)
                for row in self._get_entry().get_subentries_of_type(SUBENTRY_DESK)
                if row is not known
            }
            if not title:
                errors[CONF_NAME] = "desk_name_missing"
            elif fold(title) in others:
                errors[CONF_NAME] = "desk_exists"
            else:
                data = {
                    key: value
                    for key, value in user_input.items()
                    if key != CONF_NAME and value
                }
                if known is None:
                    return self.async_create_entry(
                        title=title, data=data, unique_id=ulid_now()
                    )
                return self.async_update_and_abort(
                    self._get_entry(), known, title=title, data=data
                )
        shown = {CONF_NAME: known.title, **known.data} if known else None
        return self.async_show_form(
            step_id=step,
            data_schema=self.add_suggested_values_to_schema(
                await self._async_schema(), user_input or shown
            ),
            errors=errors,
        )

    async def _async_schema(self) -> vol.Schema:
        entry = self._get_entry()
        options = entry.options.get(CONF_DESK, {})
        language = await async_viewer_language(self.hass)
        levels = await async_labels(self.hass, "desk_level", language)
        posts = entry.get_subentries_of_type(SUBENTRY_RESPONDER)
        return vol.Schema(
            {
                vol.Required(CONF_NAME): selector.TextSelector(),
                vol.Required(CONF_LEVEL): _select(
                    {
                        str(level): options.get(f"{CONF_LEVEL}_{level}")
                        or levels.get(level, level)
                        for level in Level
                    }
                ),
                vol.Optional(CONF_SCHEDULE): selector.EntitySelector(
                    selector.EntitySelectorConfig(
                        domain=[
                            "schedule",
                            "calendar",
                            "input_boolean",
                            "binary_sensor",
                        ]
                    )
                ),
                vol.Optional(CONF_WORKING_DAYS): selector.BooleanSelector(),
                vol.Optional(CONF_BUILDINGS): selector.TextSelector(
                    selector.TextSelectorConfig(multiple=True)
                ),
                vol.Optional(CONF_POSTS): _select(
                    {row.subentry_id: row.title for row in posts}, multiple=True
                ),
            }
        )


def _select(
    options: dict[str, str], *, multiple: bool = False
) -> selector.SelectSelector:
    return selector.SelectSelector(
        selector.SelectSelectorConfig(
            options=[
                selector.SelectOptionDict(value=value, label=label)
                for value, label in options.items()
            ],
            multiple=multiple,
            mode=selector.SelectSelectorMode.DROPDOWN,
        )
    )
