"""The devices of the units. Home Assistant keeps what a person has made of them."""

from typing import TYPE_CHECKING

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr

from ..const import DOMAIN
from .units import UnitInfo

if TYPE_CHECKING:
    from .property import RegisterConfigEntry


class Devices:
    """The devices of the units of one property, in Home Assistant's registry."""

    def __init__(self, hass: HomeAssistant, entry: RegisterConfigEntry) -> None:
        """Initialize."""
        self._hass = hass
        self._entry_id = entry.entry_id

    @callback
    def of(self, unit_id: str) -> dr.DeviceEntry | None:
        """Return the device of a unit."""
        return dr.async_get(self._hass).async_get_device_by_identifier(
            (DOMAIN, unit_id), self._entry_id
        )

    @callback
    def add(self, unit: UnitInfo) -> None:
        """Make the device of a unit, in its area, if there is none.

        One that was removed with its unit comes back with its ids, names and labels.
        """
        if self.of(unit.id):
            return
        dr.async_get(self._hass).async_get_or_create(
            config_entry_id=self._entry_id,
            identifiers={(DOMAIN, unit.id)},
            name=unit.title,
        )
        if unit.area_id:
            self.update(unit)

    @callback
    def update(self, unit: UnitInfo) -> None:
        """Give the device of a unit its name and area."""
        if device := self.of(unit.id):
            dr.async_get(self._hass).async_update_device(
                device.id, name=unit.title, area_id=unit.area_id
            )

    @callback
    def remove(self, unit_id: str) -> None:
        """Remove the device of a unit, with its entities."""
        if device := self.of(unit_id):
            dr.async_get(self._hass).async_remove_device(device.id)
