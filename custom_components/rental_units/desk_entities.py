"""The entities of the desks: figures, days and units, and nobody."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import override

from homeassistant.components.binary_sensor import BinarySensorEntity
from homeassistant.components.calendar import CalendarEntity, CalendarEvent
from homeassistant.components.sensor import (
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.components.todo import TodoItem, TodoItemStatus, TodoListEntity
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.device_registry import DeviceEntryType, DeviceInfo
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.util import dt as dt_util

from .const import DOMAIN
from .desk.book import DATA_DESKS, DeskBook
from .desk.desks import Desk
from .desk.notices import Brief
from .desk.queue import Queue
from .event import property_device
from .register import RegisterConfigEntry


class DeskEntity(Entity):
    """An entity of what is due at the desks of a property."""

    _attr_has_entity_name = True
    _attr_should_poll = False

    def __init__(
        self, hass: HomeAssistant, entry: RegisterConfigEntry, key: str
    ) -> None:
        """Initialize."""
        self._book = hass.data[DATA_DESKS][entry.entry_id]
        self._attr_unique_id = f"{entry.entry_id}_{key}"
        self._attr_device_info = property_device(entry)

    @override
    async def async_added_to_hass(self) -> None:
        """Follow what is due."""
        await super().async_added_to_hass()
        self.async_on_remove(self._book.listen(self.async_write_ha_state))

    @property
    @override
    def available(self) -> bool:
        """Return if it is known: nobody is to read that nothing is due."""
        return self._book.is_known


@dataclass(frozen=True, kw_only=True)
class NoticeSensorDescription(SensorEntityDescription):
    """A figure of what an authority is to be told."""

    value_fn: Callable[[DeskBook], int]


NOTICES = (
    NoticeSensorDescription(
        key="open_notices",
        translation_key="open_notices",
        value_fn=lambda book: len(book.due),
    ),
    NoticeSensorDescription(
        key="overdue_notices",
        translation_key="overdue_notices",
        value_fn=lambda book: book.overdue,
    ),
)


class NoticeSensor(DeskEntity, SensorEntity):
    """How much an authority is to be told, and how much should have been."""

    entity_description: NoticeSensorDescription
    _attr_state_class = SensorStateClass.MEASUREMENT

    def __init__(
        self,
        hass: HomeAssistant,
        entry: RegisterConfigEntry,
        description: NoticeSensorDescription,
    ) -> None:
        """Initialize."""
        super().__init__(hass, entry, description.key)
        self.entity_description = description

    @property
    @override
    def native_value(self) -> int:
        return self.entity_description.value_fn(self._book)


@dataclass(frozen=True, kw_only=True)
class QueueSensorDescription(SensorEntityDescription):
    """A figure of a desk's queue."""

    value_fn: Callable[[Queue], int | None]


QUEUES = (
    QueueSensorDescription(
        key="queue_waiting",
        translation_key="queue_waiting",
        state_class=SensorStateClass.MEASUREMENT,
        value_fn=lambda queue: len(queue.waiting),
    ),
    QueueSensorDescription(
        key="queue_called",
        translation_key="queue_called",
        value_fn=lambda queue: queue.last,
    ),
)


class OneDeskEntity(DeskEntity):
    """An entity of one desk."""

    def __init__(
        self, hass: HomeAssistant, entry: RegisterConfigEntry, desk: Desk, key: str
    ) -> None:
        """Initialize."""
        super().__init__(hass, entry, key)
        self.desk_id = desk.id
        self._attr_unique_id = f"{desk.id}_{key}"
        self._attr_device_info = DeviceInfo(
            identifiers={(DOMAIN, desk.id)},
            name=desk.title,
            entry_type=DeviceEntryType.SERVICE,
        )

    @property
    def desk(self) -> Desk | None:
        """Return the desk; None once it is removed."""
        return self._book.desks.get(self.desk_id)


class QueueSensor(OneDeskEntity, SensorEntity):
    """How many wait at a desk, and which number was called last. No name is with a number."""

    entity_description: QueueSensorDescription

    def __init__(
        self,
        hass: HomeAssistant,
        entry: RegisterConfigEntry,
        desk: Desk,
        description: QueueSensorDescription,
    ) -> None:
        """Initialize."""
        super().__init__(hass, entry, desk, description.key)
        self.entity_description = description

    @property
    @override
    def native_value(self) -> int | None:
        if (desk := self.desk) is None:
            return None
        return self.entity_description.value_fn(self._book.queue_of(desk))


class DeskOpen(OneDeskEntity, BinarySensorEntity):
    """If a desk is open now: by its schedule, and on a working day where it is closed on others."""

    _attr_translation_key = "desk_open"

    @property
    @override
    def available(self) -> bool:
        """Return if it is there: its hours are no matter of the database."""
        return self.desk is not None

    @property
    @override
    def is_on(self) -> bool | None:
        return self._book.is_open(self.desk) if self.desk else None


@callback
def add_for_each_desk(
    hass: HomeAssistant,
    entry: RegisterConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
    entities: Callable[[Desk], Iterable[Entity]],
) -> None:
    """Add the entities of each desk, also of those to come."""
    book = hass.data[DATA_DESKS][entry.entry_id]

    @callback
    def add(desks: Iterable[Desk]) -> None:
        for desk in desks:
            async_add_entities(entities(desk), config_subentry_id=desk.id)

    add(book.desks.values())
    entry.async_on_unload(book.listen_new_desks(add))


class NoticeCalendar(DeskEntity, CalendarEntity):
    """The last days of what has to be told to an authority; no event names a person.

    Disabled at first, as the ends of leases: it says where somebody has come or gone.
    """

    _attr_translation_key = "notices"
    _attr_entity_registry_enabled_default = False

    @property
    @override
    def event(self) -> CalendarEvent | None:
        """Return the most urgent one, also where its day has gone by."""
        return next(map(self._event, self._book.open), None)

    @override
    async def async_get_events(
        self, hass: HomeAssistant, start_date: datetime, end_date: datetime
    ) -> list[CalendarEvent]:
        first, last = (
            dt_util.as_local(moment).date() for moment in (start_date, end_date)
        )
        return [
            self._event(row) for row in self._book.open if first <= row.due_on <= last
        ]

    def _event(self, notice: Brief) -> CalendarEvent:
        return CalendarEvent(
            start=notice.due_on,
            end=notice.due_on + timedelta(days=1),
            summary=self._book.name_of(notice),
            description=self._book.about(notice),
            uid=notice.id,
        )


class NoticeList(DeskEntity, TodoListEntity):
    """What an authority is to be told by now, the most urgent first.

    It is read alone: who has told it, and by which receipt, is said at the desk. Disabled at
    first: it says where somebody has come or gone.
    """

    _attr_translation_key = "notices"
    _attr_entity_registry_enabled_default = False

    @property
    @override
    def todo_items(self) -> list[TodoItem]:
        return [
            TodoItem(
                uid=row.id,
                summary=self._book.name_of(row),
                status=TodoItemStatus.NEEDS_ACTION,
                due=row.due_on,
                description=self._book.about(row),
            )
            for row in self._book.due
        ]
