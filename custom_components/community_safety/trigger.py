"""Triggers for the automation editor: what happens to an alarm, at once and each time."""

from typing import ClassVar, override

import voluptuous as vol

from homeassistant.const import CONF_OPTIONS, CONF_TARGET
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import area_registry as ar, config_validation as cv
from homeassistant.helpers.trigger import (
    Trigger,
    TriggerActionRunner,
    TriggerConfig,
    TriggerNotTriggeredReporter,
)
from homeassistant.helpers.typing import ConfigType

from .catalogue import Nature
from .core.alarm import Change
from .core.alarms import Announcement
from .localization import async_left_off_due, async_option, async_sentence
from .target import HAZARD_FIELD, SEVERITY_FIELD, AlarmFilter, async_get_house, kind_of


class AlarmTrigger(Trigger):
    """A change of an alarm in the target.

    It hears the alarm book itself. An entity's state would hide an alarm that follows
    its clearing at once, or one that a restart has interrupted.
    """

    _change: ClassVar[Change]
    _schema = vol.Schema(
        {
            vol.Optional(CONF_TARGET): cv.TARGET_FIELDS,
            vol.Optional(CONF_OPTIONS, default={}): {**HAZARD_FIELD, **SEVERITY_FIELD},
        }
    )

    @override
    @classmethod
    async def async_validate_config(
        cls, hass: HomeAssistant, config: ConfigType
    ) -> ConfigType:
        validated: ConfigType = cls._schema(config)
        return validated

    def __init__(self, hass: HomeAssistant, config: TriggerConfig) -> None:
        """Initialize."""
        super().__init__(hass, config)
        self._filter = AlarmFilter(hass, config.target, config.options)

    def _is_meant(self, item: Announcement) -> bool:
        return item.change is self._change and self._filter.matches(item.alarm)

    def _sentence(self, item: Announcement) -> str:
        """Return what has happened, for the trace and the logbook."""
        return async_sentence(self._hass, item.data)

    @override
    async def async_attach_runner(
        self,
        run_action: TriggerActionRunner,
        did_not_trigger: TriggerNotTriggeredReporter | None = None,
    ) -> CALLBACK_TYPE:
        areas = ar.async_get(self._hass)

        @callback
        def announced(item: Announcement) -> None:
            if not self._is_meant(item):
                return
            area = areas.async_get_area(item.data["area_id"] or "")
            run_action(
                {
                    **item.data,
                    "device_kind": kind_of(self._hass, item.alarm),
                    "area_name": area.name if area else None,
                    "hazard_name": async_option(
                        self._hass, "hazard", item.alarm.hazard
                    ),
                },
                self._sentence(item),
                item.context,
            )

        return (await async_get_house(self._hass)).book.listen(announced)


class AlarmRaised(AlarmTrigger):
    """An alarm is raised, has become worse, or is back after everybody went home."""

    _change = Change.RAISED


class AlarmReturned(AlarmTrigger):
    """The hazard of an open alarm is back so soon that people are not called again."""

    _change = Change.RETURNED


class AlarmAcknowledged(AlarmTrigger):
    """Somebody has seen an alarm."""

    _change = Change.ACKNOWLEDGED


class AlarmCleared(AlarmTrigger):
    """The hazard has gone."""

    _change = Change.CLEARED


class _OfOneKind(AlarmTrigger):
    """One that says by itself which hazards and severities are meant."""

    _schema = vol.Schema(
        {
            vol.Optional(CONF_TARGET): cv.TARGET_FIELDS,
            vol.Optional(CONF_OPTIONS, default={}): {},
        }
    )


class CutOffFailed(_OfOneKind):
    """A supply is not proven open, or a door not proven released."""

    _change = Change.RAISED

    @override
    def _is_meant(self, item: Announcement) -> bool:
        return item.alarm.nature is Nature.LINKAGE and super()._is_meant(item)


class LeftOffDue(_OfOneKind):
    """The day has come until which somebody has left a supply off."""

    _change = Change.NOTED

    @override
    def _is_meant(self, item: Announcement) -> bool:
        return super()._is_meant(item) and item.data["what"] == "left_off_due"

    @override
    def _sentence(self, item: Announcement) -> str:
        return async_left_off_due(self._hass, item.data)


async def async_get_triggers(hass: HomeAssistant) -> dict[str, type[Trigger]]:
    """Return the triggers."""
    return {
        "alarm_raised": AlarmRaised,
        "alarm_returned": AlarmReturned,
        "alarm_acknowledged": AlarmAcknowledged,
        "alarm_cleared": AlarmCleared,
        "cut_off_failed": CutOffFailed,
        "left_off_due": LeftOffDue,
    }
