"""Conditions for the automation editor: which alarms are open."""

from collections.abc import Callable
from typing import Any, override

import voluptuous as vol

from homeassistant.const import CONF_OPTIONS, CONF_STATE, CONF_TARGET
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.condition import Condition, ConditionConfig
from homeassistant.helpers.typing import ConfigType

from .core.alarm import Alarm
from .core.alarms import Announcement
from .target import HAZARD_FIELD, SEVERITY_FIELD, AlarmFilter, async_get_house

STATES: dict[str, Callable[[Alarm], bool]] = {
    "any": lambda alarm: True,
    "unacknowledged": lambda alarm: alarm.acknowledged_at is None,
    "present": lambda alarm: alarm.present,
}

_SCHEMA = vol.Schema(
    {
        vol.Optional(CONF_TARGET): cv.TARGET_FIELDS,
        vol.Optional(CONF_OPTIONS, default={}): {
            **HAZARD_FIELD,
            **SEVERITY_FIELD,
            vol.Optional(CONF_STATE, default="any"): vol.In(list(STATES)),
        },
    }
)


class HasOpenAlarm(Condition):
    """There is an open alarm in the target: one that is not reset yet."""

    @override
    @classmethod
    async def async_validate_config(
        cls, hass: HomeAssistant, config: ConfigType
    ) -> ConfigType:
        validated: ConfigType = _SCHEMA(config)
        return validated

    def __init__(self, hass: HomeAssistant, config: ConditionConfig) -> None:
        """Initialize."""
        super().__init__(hass, config)
        options = config.options or {}
        self._filter = AlarmFilter(hass, config.target, options)
        self._is_in_state = STATES[options.get(CONF_STATE, "any")]

    @override
    async def _async_setup(self) -> None:
        self._book = (await async_get_house(self._hass)).book

    @override
    def _async_check(self, **kwargs: Any) -> bool:
        return any(
            not alarm.drill and self._is_in_state(alarm) and self._filter.matches(alarm)
            for alarm in self._book.open.values()
        )

    @property
    @override
    def needs_polling(self) -> bool:
        # Nobody tells when a device moves to another area.
        return not self._filter.is_whole_house

    @override
    async def _async_track_changes(self, action: Callable[[], None]) -> CALLBACK_TYPE:
        @callback
        def changed(_item: Announcement) -> None:
            action()

        return self._book.listen(changed, immediate=True)


async def async_get_conditions(hass: HomeAssistant) -> dict[str, type[Condition]]:
    """Return the conditions."""
    return {"has_open_alarm": HasOpenAlarm}
