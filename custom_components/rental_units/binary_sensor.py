"""If a unit's registration lacks something, if an alert about it is open, and if all goes out."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import override

from homeassistant.components.binary_sensor import (
    BinarySensorDeviceClass,
    BinarySensorEntity,
    BinarySensorEntityDescription,
)
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .alerts.const import Progress
from .alerts.engine import Engine
from .alerts.models import Alert
from .alerts.runtime import engine_of
from .desk_entities import DeskOpen, add_for_each_desk
from .entity import FigureEntity, UnitEntity, async_add_for_each_unit
from .event import property_device
from .register import Register, RegisterConfigEntry
from .register.units import Summary, UnitInfo

PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class UnitBinarySensorDescription(BinarySensorEntityDescription):
    """A yes or no of a unit's figures."""

    is_on_fn: Callable[[Summary], bool]


SENSORS = (
    UnitBinarySensorDescription(
        key="registration",
        translation_key="registration",
        device_class=BinarySensorDeviceClass.PROBLEM,
        entity_category=EntityCategory.DIAGNOSTIC,
        is_on_fn=lambda summary: not summary.is_complete,
    ),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: RegisterConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up binary sensors."""
    engine = engine_of(hass, entry.entry_id)

    def entities(register: Register, unit: UnitInfo) -> Iterable[UnitEntity]:
        yield from (UnitBinarySensor(register, unit, row) for row in SENSORS)
        if engine:
            yield AlertActive(register, unit, engine)

    await async_add_for_each_unit(entry, async_add_entities, entities)
    add_for_each_desk(
        hass,
        entry,
        async_add_entities,
        lambda desk: [DeskOpen(hass, entry, desk, "desk_open")],
    )
    if engine:
        async_add_entities([AlertFault(engine, entry)])


class AlertFault(BinarySensorEntity):
    """If messages do not go out, or not on: for who is on duty, and sees no repairs."""

    _attr_device_class = BinarySensorDeviceClass.PROBLEM
    _attr_entity_category = EntityCategory.DIAGNOSTIC
    _attr_has_entity_name = True
    _attr_should_poll = False
    _attr_translation_key = "alert_fault"

    def __init__(self, engine: Engine, entry: RegisterConfigEntry) -> None:
        """Initialize."""
        self._engine = engine
        self._attr_unique_id = f"{entry.entry_id}_alert_fault"
        self._attr_device_info = property_device(entry)

    @property
    @override
    def is_on(self) -> bool:
        return self._engine.is_blind or self._engine.news.has_fault

    @override
    async def async_added_to_hass(self) -> None:
        """Follow what becomes of them."""
        self.async_on_remove(self._engine.news.listen_faults(self.async_write_ha_state))


class UnitBinarySensor(FigureEntity, BinarySensorEntity):
    """A yes or no about a unit."""

    entity_description: UnitBinarySensorDescription

    def __init__(
        self,
        register: Register,
        unit: UnitInfo,
        description: UnitBinarySensorDescription,
    ) -> None:
        """Initialize."""
        super().__init__(register, unit, description.key)
        self.entity_description = description

    @property
    @override
    def is_on(self) -> bool | None:
        return self.entity_description.is_on_fn(self.summary) if self.summary else None


class AlertActive(UnitEntity, BinarySensorEntity):
    """If an alert about a unit is open."""

    _attr_device_class = BinarySensorDeviceClass.SAFETY
    _attr_translation_key = "alert_active"

    def __init__(self, register: Register, unit: UnitInfo, engine: Engine) -> None:
        """Initialize."""
        super().__init__(register, unit, "alert_active")
        self._engine = engine
        self._shown: tuple[bool, dict[str, bool]] | None = None

    @property
    @override
    def is_on(self) -> bool:
        return self._engine.is_active(self.unit_id)

    @property
    @override
    def extra_state_attributes(self) -> dict[str, bool]:
        """Return if it is only a drill, and if somebody in the unit calls for help."""
        return {
            "drill": self._engine.is_drill(self.unit_id),
            "need_help": self._engine.needs_help(self.unit_id),
        }

    @override
    async def async_added_to_hass(self) -> None:
        self.async_on_remove(self._engine.news.listen_unit(self.unit_id, self._changed))

    @callback
    def _changed(self, _alert: Alert, _progress: Progress, _unit: str | None) -> None:
        # Each answer to an alert of the whole compound is told to each of its units.
        shown = self.is_on, self.extra_state_attributes
        if shown != self._shown:
            self._shown = shown
            self.async_write_ha_state()
