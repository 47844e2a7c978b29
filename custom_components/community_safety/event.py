"""What has happened: alarms, what an elevator has seen, who was let in."""

from collections.abc import Iterable
from typing import Any, override

from homeassistant.components.event import EventEntity
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.util import dt as dt_util

from .catalogue import ELEVATOR_BLOCKER, VEHICLE_GATE, WAYS
from .catalogue.measurements import SIGHTINGS, Value, point_key
from .core.alarm import Change
from .core.alarms import Announcement
from .core.device import SafetyDevice
from .core.passages import Decision, Means, Passage
from .core.selftests import SelfTest
from .entity import JoiningEntity, SafetyEntity, add_for_each_device
from .gateways.base import Gateway, GatewayConfigEntry
from .gateways.joining import STAGES

PARALLEL_UPDATES = 0
#: The type of an event that is no change of an alarm.
TESTED = "tested"


async def async_setup_entry(
    hass: HomeAssistant,
    entry: GatewayConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up events."""
    add_for_each_device(entry, async_add_entities, _entities)


def _entities(gateway: Gateway, device: SafetyDevice) -> Iterable[SafetyEntity]:
    yield AlarmEvent(gateway, device, "alarm_event")
    if device.kind is ELEVATOR_BLOCKER:
        yield SightingEvent(gateway, device, "sighting")
    if device.kind in WAYS:
        for key in device.by_measurement.get("locked", ()):
            yield PassageEvent(gateway, device, device.points[key].channel)
    if device is gateway.device and gateway.joining:
        yield JoiningEvent(gateway, device, gateway.joining, "joining")


class AlarmEvent(SafetyEntity, EventEntity):
    """Changes of the alarms of a device, and its tests, also while it cannot be reached."""

    _attr_event_types = [
        *(change.value for change in Change if change is not Change.NOTED),
        TESTED,
    ]
    _attr_translation_key = "alarm_event"

    @property
    @override
    def available(self) -> bool:
        return True

    @override
    async def async_added_to_hass(self) -> None:
        book, uid = self.gateway.house.book, self.device.uid
        self.async_on_remove(book.listen_device(uid, self._alarm_changed))
        self.async_on_remove(book.tests.listen(uid, self._tested))

    @property
    @override
    def extra_state_attributes(self) -> dict[str, Any] | None:
        """Return when and how the device was last tested."""
        if not (test := self.gateway.house.book.tests.last(self.device.uid)):
            return None
        return {
            "last_test": dt_util.utc_from_timestamp(test.at).isoformat(),
            "last_test_began": "command" if test.commanded else "device",
            "last_test_found": list(test.found),
        }

    @callback
    def _tested(self, _test: SelfTest) -> None:
        """Tell that a test is over; how it began and what it found are attributes anyway."""
        self._trigger_event(TESTED)
        self.async_write_ha_state()

    @callback
    def _alarm_changed(self, item: Announcement) -> None:
        if item.change is Change.NOTED:
            return
        self._trigger_event(
            item.change.value,
            {
                key: item.data[key]
                for key in (
                    "alarm_id",
                    "incident_id",
                    "hazard",
                    "severity",
                    "drill",
                    "reason",
                )
                if key in item.data
            },
        )
        self.async_set_context(item.context)
        self.async_write_ha_state()


class SightingEvent(SafetyEntity, EventEntity):
    """What was seen in the car."""

    _attr_event_types = list(SIGHTINGS)
    _attr_translation_key = "sighting"

    _seen: Value | None = None

    @property
    @override
    def watched(self) -> Iterable[str]:
        return ()

    @override
    async def async_added_to_hass(self) -> None:
        await super().async_added_to_hass()
        self.async_on_remove(self.device.watch(self._reported))

    @callback
    def _reported(self) -> None:
        """Tell what came into the car. A retained report is not fresh: it is history."""
        seen, self._seen = self._seen, self.device.fresh_reading("class_seen")
        if self._seen != seen and self._seen in SIGHTINGS:
            self._trigger_event(
                str(self._seen), {"confidence": self.device.readings.get("confidence")}
            )
            self.async_write_ha_state()


class PassageEvent(SafetyEntity, EventEntity):
    """Somebody was let in or not. Who it was is not told: nobody here knows."""

    def __init__(self, gateway: Gateway, device: SafetyDevice, channel: str) -> None:
        """Initialize; `channel` is the door, such as `1`."""
        super().__init__(gateway, device, point_key("passage", channel))
        self._channel = channel
        self._attr_event_types = ["granted", "denied"]
        if device.kind is VEHICLE_GATE:
            # A camera sees whoever comes, and may not say who was let in.
            self._attr_event_types.append("seen")
        self.name_after(
            "vehicle_passage" if device.kind is VEHICLE_GATE else "passage", channel
        )

    @property
    @override
    def watched(self) -> Iterable[str]:
        return ()

    @override
    async def async_added_to_hass(self) -> None:
        await super().async_added_to_hass()
        self.async_on_remove(
            self.gateway.house.passages.watch(self.device.uid, self._passed)
        )

    @callback
    def _passed(self, passage: Passage) -> None:
        """Tell of what happens now; what was fetched later is history."""
        is_said = passage.decision in (Decision.GRANTED, Decision.SEEN)
        kind = passage.decision.value if is_said else "denied"
        # A door at which a camera has only seen somebody has let nobody in or out; and who
        # is seen on foot before a barrier is no vehicle.
        if (
            passage.door == self._channel
            and passage.means is not Means.SIGHT
            and not passage.late
            and not passage.corrected
            and kind in self.event_types
        ):
            self._trigger_event(kind, {"decision": passage.decision.value})
            self.async_write_ha_state()


class JoiningEvent(JoiningEntity, EventEntity):
    """How far a device is that joins, so that an installer sees it happen."""

    _attr_entity_category = EntityCategory.DIAGNOSTIC
    _attr_event_types = list(STAGES)

    @override
    async def async_added_to_hass(self) -> None:
        await super().async_added_to_hass()
        self.async_on_remove(self.joining.on_progress(self._came_on))

    @callback
    def _came_on(self, ieee: str, stage: str) -> None:
        self._trigger_event(stage, self.joining.describe(ieee))
        self.async_write_ha_state()
