"""The part of the options that is about the desk: what is to be told, and which days are worked."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import voluptuous as vol

from homeassistant.config_entries import ConfigFlowResult, OptionsFlow
from homeassistant.helpers import selector

from .desk.const import CONF_DESK, CONF_NOTICES, CONF_OFF, CONF_WORKED, DAYS, MOST_DAYS
from .desk.days import parse_days
from .desk.desks import CONF_LEVEL, Level
from .desk.notices import asked

_COUNT = selector.NumberSelector(
    selector.NumberSelectorConfig(
        min=1,
        max=MOST_DAYS,
        step=1,
        mode=selector.NumberSelectorMode.BOX,
        unit_of_measurement="d",
    )
)
_TEXT = selector.TextSelector(selector.TextSelectorConfig(multiline=True))
_SCHEMA = vol.Schema(
    {
        vol.Required(CONF_NOTICES): selector.SelectSelector(
            selector.SelectSelectorConfig(
                options=[str(kind) for kind in DAYS],
                multiple=True,
                translation_key="notice_kind",
            )
        ),
        **{vol.Required(str(kind)): _COUNT for kind in DAYS},
        **{
            vol.Optional(f"{CONF_LEVEL}_{level}"): selector.TextSelector()
            for level in Level
        },
        vol.Optional(CONF_OFF): _TEXT,
        vol.Optional(CONF_WORKED): _TEXT,
    }
)


class DeskFlow(OptionsFlow):
    """Asks what is to be told, in how many days, and which days the library does not know."""

    async def async_step_desk(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask what is to be told to whom in how many days."""
        errors, options = {}, self.config_entry.options
        if user_input is not None:
            errors = _errors(user_input)
            if not errors:
                said = user_input | {key: int(user_input[key]) for key in DAYS}
                return self.async_create_entry(data={**options, CONF_DESK: said})
        said = options.get(CONF_DESK, {})
        known = {
            **{str(kind): count for kind, (count, _) in DAYS.items()},
            **said,
            CONF_NOTICES: asked(said, self.hass.config.country),
        }
        return self.async_show_form(
            step_id="desk",
            data_schema=self.add_suggested_values_to_schema(
                _SCHEMA, user_input or known
            ),
            errors=errors,
        )


def _errors(said: Mapping[str, Any]) -> dict[str, str]:
    """Return what is wrong with the days of a form."""
    errors, known = dict[str, str](), set[date]()
    for key in (CONF_OFF, CONF_WORKED):
        try:
            days = set(parse_days(said.get(key, "")))
        except ValueError:
            errors[key] = "invalid_days"
            continue
        if days & known:
            errors[key] = "day_off_and_worked"
        known |= days
    return errors
