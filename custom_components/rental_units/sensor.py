"""Tenants of a unit, the next end of a lease, and figures of addresses, hazards and visits."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, time
from typing import override

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.util import dt as dt_util

from .alerts.engine import Engine
from .alerts.runtime import engine_of
from .care.book import DATA_CARE, CareBook
from .care.visits.book import DATA_ROUNDS, RoundBook
from .care.watch import State
from .desk_entities import NOTICES, QUEUES, NoticeSensor, QueueSensor, add_for_each_desk
from .entity import FigureEntity, UnitEntity, async_add_for_each_unit
from .event import property_device
from .register import Register, RegisterConfigEntry
from .register.checks import Figures
from .register.units import Summary, UnitInfo
from .reports.book import DATA_REPORTS, ReportBook

PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class UnitSensorDescription(SensorEntityDescription):
    """A figure of a unit."""

    value_fn: Callable[[Summary], int | datetime | None]


def _lease_end(summary: Summary) -> datetime | None:
    """Return the end of the last day."""
    if summary.lease_end is None:
        return None
    return datetime.combine(
        summary.lease_end, time(23, 59, 59), dt_util.get_default_time_zone()
    )


# Disabled at first: every account could read from them who is there. And Home Assistant has room for 10,000 enabled entities of a property, and
# two thousand units need it for what tells of danger. The calendar shows all lease ends.
SENSORS = (
    UnitSensorDescription(
        key="tenants",
        translation_key="tenants",
        state_class=SensorStateClass.MEASUREMENT,
        entity_registry_enabled_default=False,
        value_fn=lambda summary: summary.tenants,
    ),
    UnitSensorDescription(
        key="lease_end",
        translation_key="lease_end",
        device_class=SensorDeviceClass.TIMESTAMP,
        entity_registry_enabled_default=False,
        value_fn=_lease_end,
    ),
)


@dataclass(frozen=True, kw_only=True)
class AddressSensorDescription(SensorEntityDescription):
    """A figure of all addresses of a property."""

    value_fn: Callable[[Figures], int]


ADDRESSES = (
    AddressSensorDescription(
        key="unverified_addresses",
        translation_key="unverified_addresses",
        value_fn=lambda figures: figures.unverified,
    ),
    AddressSensorDescription(
        key="failing_addresses",
        translation_key="failing_addresses",
        value_fn=lambda figures: figures.failing,
    ),
)


@dataclass(frozen=True, kw_only=True)
class BookSensorDescription[B](SensorEntityDescription):
    """A figure of the reports or the visits of a property."""

    value_fn: Callable[[B], int]


REPORTS = (
    BookSensorDescription[ReportBook](
        key="open_reports",
        translation_key="open_reports",
        value_fn=lambda book: len(book.open),
    ),
    BookSensorDescription[ReportBook](
        key="overdue_reports",
        translation_key="overdue_reports",
        value_fn=lambda book: len(book.overdue),
    ),
)
VISITS = (
    BookSensorDescription[RoundBook](
        key="visits_due",
        translation_key="visits_due",
        value_fn=lambda book: book.figures.due,
    ),
    BookSensorDescription[RoundBook](
        key="visits_overdue",
        translation_key="visits_overdue",
        value_fn=lambda book: book.figures.overdue,
    ),
)


@dataclass(frozen=True, kw_only=True)
class CareSensorDescription(SensorEntityDescription):
    """How many watches stand so."""

    states: tuple[State, ...]


CARE = (
    CareSensorDescription(
        key="care_running",
        translation_key="care_running",
        entity_category=EntityCategory.DIAGNOSTIC,
        states=(State.WATCHING, State.AWAY),
    ),
    CareSensorDescription(
        key="care_suspended",
        translation_key="care_suspended",
        entity_category=EntityCategory.DIAGNOSTIC,
        states=(State.SUSPENDED,),
    ),
    CareSensorDescription(
        key="care_asking",
        translation_key="care_asking",
        states=(State.ASKING,),
    ),
    CareSensorDescription(
        key="care_alarm",
        translation_key="care_alarm",
        states=(State.ALARM,),
    ),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: RegisterConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up sensors."""
    await async_add_for_each_unit(entry, async_add_entities, _entities)
    book = hass.data[DATA_REPORTS][entry.entry_id]
    async_add_entities([BookSensor(book, entry, row) for row in REPORTS])
    rounds = hass.data[DATA_ROUNDS][entry.entry_id]
    async_add_entities([BookSensor(rounds, entry, row) for row in VISITS])
    care = hass.data[DATA_CARE][entry.entry_id]
    async_add_entities([CareSensor(care, entry, row) for row in CARE])
    async_add_entities([NoticeSensor(hass, entry, row) for row in NOTICES])
    add_for_each_desk(
        hass,
        entry,
        async_add_entities,
        lambda desk: [QueueSensor(hass, entry, desk, row) for row in QUEUES],
    )
    if engine := engine_of(hass, entry.entry_id):
        async_add_entities([AddressSensor(engine, entry, row) for row in ADDRESSES])


def _entities(register: Register, unit: UnitInfo) -> Iterable[UnitEntity]:
    return [UnitSensor(register, unit, row) for row in SENSORS]


class UnitSensor(FigureEntity, SensorEntity):
    """A figure of a unit."""

    entity_description: UnitSensorDescription

    def __init__(
        self, register: Register, unit: UnitInfo, description: UnitSensorDescription
    ) -> None:
        """Initialize."""
        super().__init__(register, unit, description.key)
        self.entity_description = description

    @property
    @override
    def native_value(self) -> int | datetime | None:
        return self.entity_description.value_fn(self.summary) if self.summary else None


class AddressSensor(SensorEntity):
    """A figure of all addresses: those that nobody has confirmed, those that have failed."""

    entity_description: AddressSensorDescription
    _attr_entity_category = EntityCategory.DIAGNOSTIC
    _attr_has_entity_name = True
    _attr_should_poll = False
    _attr_state_class = SensorStateClass.MEASUREMENT

    def __init__(
        self,
        engine: Engine,
        entry: RegisterConfigEntry,
        description: AddressSensorDescription,
    ) -> None:
        """Initialize."""
        self._verifier = engine.verifier
        self.entity_description = description
        self._attr_unique_id = f"{entry.entry_id}_{description.key}"
        self._attr_device_info = property_device(entry)

    @override
    async def async_added_to_hass(self) -> None:
        """Follow the figures."""
        self.async_on_remove(self._verifier.listen(self.async_write_ha_state))

    @property
    @override
    def available(self) -> bool:
        """Return if they were counted: nobody is to read that none has failed."""
        return self._verifier.figures is not None

    @property
    @override
    def native_value(self) -> int | None:
        figures = self._verifier.figures
        return self.entity_description.value_fn(figures) if figures else None


class BookSensor[B: ReportBook | RoundBook](SensorEntity):
    """How much is to be done of hazards or visits, and how much should have been."""

    entity_description: BookSensorDescription[B]
    _attr_has_entity_name = True
    _attr_should_poll = False
    _attr_state_class = SensorStateClass.MEASUREMENT

    def __init__(
        self,
        book: B,
        entry: RegisterConfigEntry,
        description: BookSensorDescription[B],
    ) -> None:
        """Initialize."""
        self._book = book
        self.entity_description = description
        self._attr_unique_id = f"{entry.entry_id}_{description.key}"
        self._attr_device_info = property_device(entry)

    @override
    async def async_added_to_hass(self) -> None:
        """Follow the figures."""
        self.async_on_remove(self._book.listen_change(self.async_write_ha_state))

    @property
    @override
    def available(self) -> bool:
        """Return if they are known: nobody is to read that nothing has to be done."""
        return self._book.is_known

    @property
    @override
    def native_value(self) -> int | None:
        return self.entity_description.value_fn(self._book)


class CareSensor(SensorEntity):
    """How many people are watched for signs of life, and how it stands: never with whom."""

    entity_description: CareSensorDescription
    _attr_has_entity_name = True
    _attr_should_poll = False
    _attr_state_class = SensorStateClass.MEASUREMENT

    def __init__(
        self,
        book: CareBook,
        entry: RegisterConfigEntry,
        description: CareSensorDescription,
    ) -> None:
        """Initialize."""
        self._book = book
        self.entity_description = description
        self._attr_unique_id = f"{entry.entry_id}_{description.key}"
        self._attr_device_info = property_device(entry)

    @override
    async def async_added_to_hass(self) -> None:
        """Follow the watches."""
        self.async_on_remove(self._book.listen(self.async_write_ha_state))

    @property
    @override
    def available(self) -> bool:
        """Return if it is known: nobody is to read that nobody needs help."""
        return self._book.is_known

    @property
    @override
    def native_value(self) -> int:
        counts = self._book.counts()
        return sum(counts[row] for row in self.entity_description.states)
