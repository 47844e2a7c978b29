"""Somebody who responds for the whole property, and when they are on duty."""

from collections.abc import Mapping
from typing import Any, override

import voluptuous as vol

from homeassistant.helpers import selector
from homeassistant.util.ulid import ulid_now

from .app.responders import NOBODY, SaveResponder, ShowResponder, seen
from .app.work import Command
from .const import Duty
from .forms import RegisterFlow, Row, current_user, person_schema, shown
from .labels import async_label
from .register.households import RESPONDER

_SCHEMA = vol.Schema(
    {
        vol.Required("duty"): selector.SelectSelector(
            selector.SelectSelectorConfig(
                options=[duty.value for duty in Duty], translation_key="duty"
            )
        ),
        vol.Optional("schedule"): selector.EntitySelector(
            selector.EntitySelectorConfig(
                domain=["schedule", "calendar", "input_boolean", "binary_sensor"]
            )
        ),
        vol.Optional("areas"): selector.AreaSelector(
            selector.AreaSelectorConfig(multiple=True)
        ),
    }
).extend(person_schema(RESPONDER, required=["name"]).schema)


class ResponderFlow(RegisterFlow):
    """Add a responder, or change one."""

    #: Whom the form has shown.
    _seen = NOBODY

    @override
    async def _async_schema(self) -> vol.Schema:
        return _SCHEMA

    @override
    async def _async_row(self, user_input: Mapping[str, Any], key: str | None) -> Row:
        """Return the subentry. Its title is the duty in words: it must name nobody."""
        return Row(
            await async_label(self.hass, "duty", user_input["duty"]),
            {
                field: user_input[field]
                for field in ("duty", "schedule", "areas")
                if user_input.get(field)
            },
            key or ulid_now(),
        )

    @override
    def _save(self, key: str, user_input: Mapping[str, Any]) -> Command[str]:
        return SaveResponder(key, user_input, self._seen)

    @override
    async def _async_read(self, key: str) -> Mapping[str, Any]:
        person = await self._application().async_fill(
            ShowResponder(key), current_user()
        )
        self._seen = seen(person)
        return shown(person, RESPONDER) if person else {}
