"""The ends of the leases of a property, and until when an authority is told."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import override

from homeassistant.components.calendar import CalendarEntity, CalendarEvent
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.util import dt as dt_util

from .desk_entities import NoticeCalendar
from .register import Register, RegisterConfigEntry
from .register.queries import lease_ends

PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant,
    entry: RegisterConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the calendars."""
    async_add_entities(
        [LeaseCalendar(entry.runtime_data), NoticeCalendar(hass, entry, "notices")]
    )


class LeaseCalendar(CalendarEntity):
    """Lease ends by unit; no event names a person.

    Disabled at first: every account could read from it which units are let.
    """

    _attr_has_entity_name = True
    _attr_translation_key = "lease_ends"
    _attr_entity_registry_enabled_default = False

    def __init__(self, register: Register) -> None:
        """Initialize."""
        self.register = register
        self._attr_unique_id = f"{register.entry.entry_id}_lease_ends"

    @override
    async def async_added_to_hass(self) -> None:
        await super().async_added_to_hass()
        self.async_on_remove(self.register.listen(self.async_write_ha_state))

    @property
    @override
    def event(self) -> CalendarEvent | None:
        """Return the next lease end."""
        today = self.register.today
        ends = sorted(
            (summary.lease_end, unit_id)
            for unit_id, summary in self.register.summaries.items()
            if summary.lease_end and summary.lease_end >= today
        )
        return next(self._events(ends), None)

    @override
    async def async_get_events(
        self, hass: HomeAssistant, start_date: datetime, end_date: datetime
    ) -> list[CalendarEvent]:
        first, last = (
            dt_util.as_local(moment).date() for moment in (start_date, end_date)
        )
        ends = await self.register.async_read(
            lambda session: lease_ends(session, first, last)
        )
        return list(self._events(ends))

    def _events(self, ends: Iterable[tuple[date, str]]) -> Iterator[CalendarEvent]:
        for day, unit_id in ends:
            if unit := self.register.units.get(unit_id):
                yield CalendarEvent(
                    start=day,
                    end=day + timedelta(days=1),
                    summary=unit.title,
                    uid=f"{unit_id}_{day}",
                )
