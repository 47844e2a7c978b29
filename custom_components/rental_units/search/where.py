"""Where a door, gate or camera is, as far as Home Assistant and the places know it."""

from dataclasses import dataclass

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import area_registry as ar, device_registry as dr

from ..places.book import PlaceBook
from ..places.texts import title


@dataclass(frozen=True, slots=True)
class Where:
    """Where something was seen."""

    #: What people call it: the device, and its door where it has several.
    name: str
    area_id: str | None
    place_id: str | None
    #: What the place is called; empty if none is known there.
    place: str
    #: WGS 84, in degrees.
    latitude: float | None
    longitude: float | None

    @property
    def whole(self) -> str:
        """Return place and door in one line."""
        return " · ".join(row for row in (self.place, self.name) if row)


@callback
def where(
    hass: HomeAssistant, places: PlaceBook, device_id: str, channel: str, language: str
) -> Where:
    """Return where a device is; of one that is gone, no more than what it was called."""
    device = dr.async_get(hass).async_get(device_id)
    name = (device.name_by_user or device.name or "") if device else ""
    area_id = device.area_id if device else None
    place = next(
        (row for row in places.places.values() if area_id and row.area_id == area_id),
        None,
    )
    area = ar.async_get(hass).async_get_area(area_id) if area_id else None
    said = title(place, language) if place else area.name if area else ""
    return Where(
        name=" ".join(row for row in (name or device_id[:6], channel) if row),
        area_id=area_id,
        place_id=place.id if place else None,
        place=said,
        latitude=place.latitude if place else None,
        longitude=place.longitude if place else None,
    )
