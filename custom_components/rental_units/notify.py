"""Write to whoever is in a unit, or to everybody in a role, without knowing who that is."""

from collections.abc import Iterable
from typing import override

from homeassistant.components.notify import NotifyEntity, NotifyEntityFeature
from homeassistant.core import Context, HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .alerts.const import Severity
from .alerts.engine import Engine, Request
from .alerts.runtime import engine_of
from .app.application import application_of
from .entity import UnitEntity, async_add_for_each_unit
from .event import property_device
from .register import Audience, Register, RegisterConfigEntry
from .register.units import UnitInfo

PARALLEL_UPDATES = 0

#: Roles that stand for themselves; neighbours are always somebody's.
ROLES = (Audience.TENANTS, Audience.LANDLORD, Audience.RESPONDERS)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: RegisterConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up notify entities."""
    engine = engine_of(hass, entry.entry_id)
    if engine is None:
        return

    def entities(register: Register, unit: UnitInfo) -> Iterable[UnitEntity]:
        return [UnitNotify(register, unit, engine)]

    await async_add_for_each_unit(entry, async_add_entities, entities)
    async_add_entities([RoleNotify(engine, entry, role) for role in ROLES])


class UnitNotify(UnitEntity, NotifyEntity):
    """The tenants and the landlord of a unit."""

    _attr_translation_key = "people"
    _attr_supported_features = NotifyEntityFeature.TITLE

    def __init__(self, register: Register, unit: UnitInfo, engine: Engine) -> None:
        """Initialize."""
        super().__init__(register, unit, "notify")
        self._engine = engine

    @override
    async def async_added_to_hass(self) -> None:
        """Do not follow the figures: the state is when it was last used."""

    @override
    async def async_send_message(self, message: str, title: str | None = None) -> None:
        units = (self.unit_id,)
        await application_of(self.hass, self.register.entry.entry_id).async_authorize(
            self._context or Context(), "alert", units=units
        )
        await self._engine.async_raise(
            Request(
                severity=Severity.MESSAGE,
                unit_ids=units,
                place=title or self.register.units[self.unit_id].title,
                message=message,
                audience=(Audience.TENANTS, Audience.LANDLORD),
            )
        )


class RoleNotify(NotifyEntity):
    """Everybody in a role, in all units of the property."""

    _attr_has_entity_name = True
    _attr_should_poll = False
    _attr_supported_features = NotifyEntityFeature.TITLE

    def __init__(
        self, engine: Engine, entry: RegisterConfigEntry, role: Audience
    ) -> None:
        """Initialize."""
        self._engine = engine
        self._register = entry.runtime_data
        self._role = role
        self._name = entry.title
        self._attr_translation_key = role.value
        self._attr_unique_id = f"{entry.entry_id}_{role.value}"
        self._attr_device_info = property_device(entry)

    @override
    async def async_send_message(self, message: str, title: str | None = None) -> None:
        await application_of(self.hass, self._register.entry.entry_id).async_authorize(
            self._context or Context(), "alert_beyond"
        )
        await self._engine.async_raise(
            Request(
                severity=Severity.MESSAGE,
                unit_ids=tuple(self._register.units),
                place=title or self._name,
                message=message,
                audience=(self._role,),
            )
        )
