"""Readings with a value, and how many alarms are open."""

from asyncio import Handle
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial
import time
from typing import override

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorStateClass,
)
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.event import async_track_time_interval
from homeassistant.util import dt as dt_util

from .catalogue import GATEWAY
from .catalogue.measurements import Measurement, Point, parse_point
from .const import Severity
from .core.alarm import Alarm
from .core.alarms import Announcement
from .core.device import SafetyDevice
from .entity import JoiningEntity, SafetyEntity, add_for_each_device
from .gateways.base import Gateway, GatewayConfigEntry

PARALLEL_UPDATES = 0

#: How often values that were held back are looked at.
FLUSH = timedelta(seconds=5)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: GatewayConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up sensors."""
    held_back: set[ReadingSensor] = set()

    @callback
    def flush(_now: datetime) -> None:
        for sensor in tuple(held_back):
            sensor.flush()

    entry.async_on_unload(async_track_time_interval(hass, flush, FLUSH))
    add_for_each_device(entry, async_add_entities, partial(_entities, held_back))


def _entities(
    held_back: set[ReadingSensor], gateway: Gateway, device: SafetyDevice
) -> Iterable[SafetyEntity]:
    for key, point in device.points.items():
        row = point.measurement
        if row.shown and (row.is_number or row.options):
            yield ReadingSensor(gateway, device, key, point, held_back)
    if device.kind is GATEWAY:
        for severity in Severity:
            yield OpenAlarms(gateway, device, severity)
    if device is gateway.device and gateway.joining:
        yield JoiningUntil(gateway, device, gateway.joining, "joining_until")


class ReadingSensor(SafetyEntity, SensorEntity):
    """A number or a text that a device reports.

    Noisy telemetry is written at most once an interval, or at once when it changes
    significantly: states are for people, and hazards do not wait for them.
    """

    def __init__(
        self,
        gateway: Gateway,
        device: SafetyDevice,
        key: str,
        point: Point,
        held_back: set[ReadingSensor],
    ) -> None:
        """Initialize; `held_back` takes the sensors that wait for their interval."""
        super().__init__(gateway, device, key)
        self.name_after(point.measurement.key, point.channel)
        self._held_back = held_back
        #: The value that was written last, and when (monotonic).
        self._written: tuple[float | str | datetime | None, float] = (None, 0.0)
        if not point.measurement.enabled:
            self._attr_entity_registry_enabled_default = False

    @property
    def _row(self) -> Measurement:
        # Not the device's: it may have become another one before this is drawn.
        return parse_point(self.key).measurement

    @property
    @override
    def device_class(self) -> SensorDeviceClass | None:
        return self._row.sensor_class

    @property
    @override
    def native_unit_of_measurement(self) -> str | None:
        return self._row.unit

    @property
    @override
    def state_class(self) -> SensorStateClass | None:
        return self._row.state_class

    @property
    @override
    def options(self) -> list[str] | None:
        return list(self._row.options) or None

    @property
    @override
    def suggested_display_precision(self) -> int | None:
        return self._row.precision

    @property
    @override
    def entity_category(self) -> EntityCategory | None:
        return self._row.category

    @property
    @override
    def native_value(self) -> float | str | datetime | None:
        value = self.device.readings.get(self.key)
        if self._row.sensor_class is SensorDeviceClass.TIMESTAMP and value is not None:
            return dt_util.utc_from_timestamp(float(value))
        return None if isinstance(value, bool) else value

    @override
    async def async_added_to_hass(self) -> None:
        await super().async_added_to_hass()
        self.async_on_remove(lambda: self._held_back.discard(self))

    @callback
    @override
    def refresh(self) -> None:
        if self._is_due() or self._is_significant():
            self.device.draw(self._write)
        else:
            self._held_back.add(self)

    @callback
    def flush(self) -> None:
        """Write a value that was held back, once its interval is over."""
        if self._is_due():
            self._write()

    def _is_due(self) -> bool:
        return time.monotonic() - self._written[1] >= self._row.interval

    def _is_significant(self) -> bool:
        value, written = self.native_value, self._written[0]
        return (
            not self.available
            or not isinstance(value, float)
            or not isinstance(written, float)
            or (0 < self._row.significant <= abs(value - written))
        )

    @callback
    def _write(self) -> None:
        self._held_back.discard(self)
        # After an absence the first value is news, whatever it is.
        self._written = (
            self.native_value if self.available else None,
            time.monotonic(),
        )
        self.async_write_ha_state()


class OpenAlarms(SafetyEntity, SensorEntity):
    """How many alarms of a severity are open on a gateway's devices."""

    _attr_state_class = SensorStateClass.MEASUREMENT

    def __init__(
        self, gateway: Gateway, device: SafetyDevice, severity: Severity
    ) -> None:
        """Initialize."""
        super().__init__(gateway, device, f"open_{severity}")
        self._attr_translation_key = f"open_{severity}"
        self._severity = severity
        self._open: set[str] = set()
        self._writing: Handle | None = None

    @property
    @override
    def native_value(self) -> int:
        return len(self._open)

    @override
    async def async_added_to_hass(self) -> None:
        book = self.gateway.house.book
        for alarm in book.open.values():
            self._count(alarm)
        self.async_on_remove(book.listen(self._alarm_changed, immediate=True))
        self.async_on_remove(self._cancel)

    def _count(self, alarm: Alarm) -> bool:
        """Count an alarm or no longer; return if it is one of this gateway's devices."""
        if self.device.uid not in (alarm.device, alarm.device.rpartition("/")[0]):
            return False
        # An alarm that worsens leaves one count and enters another.
        if (
            alarm.severity is self._severity
            and not alarm.drill
            and alarm.id in self.gateway.house.book.open
        ):
            self._open.add(alarm.id)
        else:
            self._open.discard(alarm.id)
        return True

    @callback
    def _alarm_changed(self, item: Announcement) -> None:
        # A thousand alarms of one moment are written once.
        if self._count(item.alarm) and self._writing is None:
            self._writing = self.hass.loop.call_soon(self._write)

    @callback
    def _write(self) -> None:
        self._writing = None
        self.async_write_ha_state()

    @callback
    def _cancel(self) -> None:
        if self._writing:
            self._writing.cancel()


class JoiningUntil(JoiningEntity, SensorEntity):
    """Until when devices may join; unknown while they may not."""

    _attr_device_class = SensorDeviceClass.TIMESTAMP
    _attr_entity_category = EntityCategory.DIAGNOSTIC

    @property
    @override
    def native_value(self) -> datetime | None:
        return self.joining.until
