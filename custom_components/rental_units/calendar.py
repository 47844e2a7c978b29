"""The ends of leases, until when an authority is told, and how many people are visited."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import override

from homeassistant.components.calendar import CalendarEntity, CalendarEvent
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.util import dt as dt_util

from .care.visits.book import DATA_ROUNDS, RoundBook
from .desk_entities import NoticeCalendar
from .event import property_device
from .register import Register, RegisterConfigEntry
from .register.queries import lease_ends

PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant,
    entry: RegisterConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the calendars."""
    rounds = hass.data[DATA_ROUNDS][entry.entry_id]
    async_add_entities(
        [
            LeaseCalendar(entry.runtime_data),
            NoticeCalendar(hass, entry, "notices"),
            VisitCalendar(rounds, entry),
        ]
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


class VisitCalendar(CalendarEntity):
    """How many people are to be visited on which day; no event says who, or at which door."""

    _attr_has_entity_name = True
    _attr_translation_key = "visits"

    def __init__(self, book: RoundBook, entry: RegisterConfigEntry) -> None:
        """Initialize."""
        self._book = book
        self._attr_unique_id = f"{entry.entry_id}_visits"
        self._attr_device_info = property_device(entry)

    @override
    async def async_added_to_hass(self) -> None:
        await super().async_added_to_hass()
        self.async_on_remove(self._book.listen_change(self.async_write_ha_state))

    @property
    @override
    def available(self) -> bool:
        """Return if it is known: nobody is to read that nobody has to be visited."""
        return self._book.is_known

    @property
    @override
    def event(self) -> CalendarEvent | None:
        """Return the next day on which somebody is visited."""
        return next(self._events(), None)

    @override
    async def async_get_events(
        self, hass: HomeAssistant, start_date: datetime, end_date: datetime
    ) -> list[CalendarEvent]:
        return [
            row
            for row in self._events()
            if row.start_datetime_local < end_date
            and row.end_datetime_local > start_date
        ]

    def _events(self) -> Iterator[CalendarEvent]:
        for day, text in self._book.days():
            yield CalendarEvent(
                start=day,
                end=day + timedelta(days=1),
                summary=text,
                uid=f"{self._attr_unique_id}_{day}",
            )
