"""Where it burns: elevators let go and escape doors open in the whole building."""

from collections.abc import Iterator

from homeassistant.core import HomeAssistant
from homeassistant.helpers import area_registry as ar

from ..catalogue import HAZARDS
from ..const import Severity
from .alarm import Alarm
from .alarms import AlarmBook, area_of

#: Hazards that release the elevators and the escape doors of the building.
FIRES = frozenset(key for key, hazard in HAZARDS.items() if hazard.releases_elevators)


def burns_near(hass: HomeAssistant, alarm: Alarm, area_id: str | None) -> bool:
    """Return if an alarm is a fire in the building of an area.

    A drill is none, nor is a warning: a reading that others contradict is no more. A
    building is a floor. Where the floor of either is unknown, it counts as near.
    """
    if (
        alarm.hazard not in FIRES
        or alarm.severity is not Severity.ALARM
        or not alarm.present
        or alarm.drill
    ):
        return False
    floor, other = _floor(hass, area_id), _floor(hass, area_of(hass, alarm.device_id))
    return None in (floor, other) or floor == other


def fires_near(
    hass: HomeAssistant, book: AlarmBook, area_id: str | None
) -> Iterator[Alarm]:
    """Yield the alarms of fires in the building of an area."""
    return (alarm for alarm in book.open.values() if burns_near(hass, alarm, area_id))


def _floor(hass: HomeAssistant, area_id: str | None) -> str | None:
    area = ar.async_get(hass).async_get_area(area_id) if area_id else None
    return area.floor_id if area else None
