"""Where it burns: elevators let go and escape doors open in the whole building."""

from collections.abc import Iterator

from homeassistant.core import HomeAssistant
from homeassistant.helpers import area_registry as ar, device_registry as dr

from ..catalogue import HAZARDS
from .alarm import Alarm
from .alarms import AlarmBook

#: Hazards that release the elevators and the escape doors of the building.
FIRES = frozenset(key for key, hazard in HAZARDS.items() if hazard.releases_elevators)


def burns_near(hass: HomeAssistant, alarm: Alarm, device_id: str | None) -> bool:
    """Return if an alarm is a fire in the building of a device; a drill is none.

    A building is a floor. Where the floor of either is unknown, it counts as near.
    """
    if alarm.hazard not in FIRES or not alarm.present or alarm.drill:
        return False
    floor, other = _floor(hass, device_id), _floor(hass, alarm.device_id)
    return None in (floor, other) or floor == other


def fires_near(
    hass: HomeAssistant, book: AlarmBook, device_id: str | None
) -> Iterator[Alarm]:
    """Yield the alarms of fires in the building of a device."""
    return (alarm for alarm in book.open.values() if burns_near(hass, alarm, device_id))


def _floor(hass: HomeAssistant, device_id: str | None) -> str | None:
    entry = dr.async_get(hass).async_get(device_id) if device_id else None
    area_id = entry.area_id if entry else None
    area = ar.async_get(hass).async_get_area(area_id) if area_id else None
    return area.floor_id if area else None
