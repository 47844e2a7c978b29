"""How the alerts of a property go, and the hazards that people report."""

from typing import Any, override

from homeassistant.components.event import EventEntity
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.device_registry import DeviceEntryType, DeviceInfo
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.util import dt as dt_util

from .alerts.const import Progress
from .alerts.engine import Engine
from .alerts.models import Alert
from .alerts.runtime import engine_of
from .const import DOMAIN
from .register import RegisterConfigEntry
from .reports.book import DATA_REPORTS, OVERDUE, ReportBook
from .reports.const import State
from .reports.rows import Brief

PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant,
    entry: RegisterConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the events of a property."""
    async_add_entities([ReportEvent(hass.data[DATA_REPORTS][entry.entry_id], entry)])
    if engine := engine_of(hass, entry.entry_id):
        async_add_entities([AlertEvent(engine, entry)])


def property_device(entry: RegisterConfigEntry) -> DeviceInfo:
    """Return the device of the property as a whole."""
    return DeviceInfo(
        identifiers={(DOMAIN, entry.entry_id)},
        name=entry.title,
        entry_type=DeviceEntryType.SERVICE,
    )


class AlertEvent(EventEntity):
    """Progress of the alerts."""

    _attr_has_entity_name = True
    _attr_should_poll = False
    _attr_translation_key = "alert"
    _attr_event_types = [progress.value for progress in Progress]

    def __init__(self, engine: Engine, entry: RegisterConfigEntry) -> None:
        """Initialize."""
        self._engine = engine
        self._attr_unique_id = f"{entry.entry_id}_alert"
        self._attr_device_info = property_device(entry)

    @override
    async def async_added_to_hass(self) -> None:
        self.async_on_remove(self._engine.news.listen(self._changed))

    @callback
    def _changed(self, alert: Alert, progress: Progress, _unit_id: str | None) -> None:
        data: dict[str, Any] = {
            "alert_id": alert.id,
            "alarm_id": alert.alarm_id,
            "incident_id": alert.incident_id,
            "severity": alert.severity,
            "hazard": alert.hazard,
            "drill": alert.drill,
            "step": alert.step,
            "need_help": bool(self._engine.helpers.of(alert).open),
        }
        self._trigger_event(progress.value, data)
        self.async_write_ha_state()


class ReportEvent(EventEntity):
    """What becomes of the hazards that people report. It names places, and nobody."""

    _attr_has_entity_name = True
    _attr_should_poll = False
    _attr_translation_key = "report"
    _attr_event_types = [
        *(state.value for state in State if state is not State.MERGED),
        OVERDUE,
    ]

    def __init__(self, book: ReportBook, entry: RegisterConfigEntry) -> None:
        """Initialize."""
        self._book = book
        self._attr_unique_id = f"{entry.entry_id}_report"
        self._attr_device_info = property_device(entry)

    @override
    async def async_added_to_hass(self) -> None:
        self.async_on_remove(self._book.listen(self._told))

    @callback
    def _told(self, report: Brief, what: str) -> None:
        data: dict[str, Any] = {
            "report_id": report.id,
            "category": report.category,
            "danger": report.danger,
            "area_id": report.place.area_id,
            "summary": self._book.name_of(report),
            "party": report.party,
            "due_at": dt_util.utc_from_timestamp(report.due_at).isoformat(),
        }
        self._trigger_event(what, data)
        self.async_write_ha_state()
