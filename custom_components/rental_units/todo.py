"""Hazards that are to be mended, and what an authority is to be told, as lists of things to do.

They name places, and nobody.
"""

from typing import override

from homeassistant.components.todo import TodoItem, TodoItemStatus, TodoListEntity
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.util import dt as dt_util

from .desk_entities import NoticeList
from .event import property_device
from .register import RegisterConfigEntry
from .reports.book import DATA_REPORTS, ReportBook

PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant,
    entry: RegisterConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the lists of a property."""
    async_add_entities(
        [
            ReportList(hass.data[DATA_REPORTS][entry.entry_id], entry),
            NoticeList(hass, entry, "notices"),
        ]
    )


class ReportList(TodoListEntity):
    """What is to be mended, the most urgent first.

    It is read alone: what is done about a hazard, its own actions say, with who did it.
    """

    _attr_has_entity_name = True
    _attr_should_poll = False
    _attr_translation_key = "reports"

    def __init__(self, book: ReportBook, entry: RegisterConfigEntry) -> None:
        """Initialize."""
        self._book = book
        self._attr_unique_id = f"{entry.entry_id}_reports"
        self._attr_device_info = property_device(entry)

    @override
    async def async_added_to_hass(self) -> None:
        """Follow the reports."""
        await super().async_added_to_hass()
        self.async_on_remove(self._book.listen_change(self.async_write_ha_state))

    @property
    @override
    def available(self) -> bool:
        """Return if they are known: nobody is to read that nothing has to be done."""
        return self._book.is_known

    @property
    @override
    def todo_items(self) -> list[TodoItem]:
        return [
            TodoItem(
                uid=row.id,
                summary=self._book.name_of(row),
                status=TodoItemStatus.NEEDS_ACTION,
                due=dt_util.as_local(dt_util.utc_from_timestamp(row.due_at)),
            )
            for row in self._book.open
        ]
