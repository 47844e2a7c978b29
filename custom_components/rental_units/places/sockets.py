"""How many sockets of a charging place are free, as Community Safety's entities show it.

The two integrations meet in the area: its charging piles are this place's.
"""

from dataclasses import dataclass
from typing import Final

from homeassistant.const import STATE_OFF, STATE_ON
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er

_PLATFORM: Final = "community_safety"
#: Readings of a pile, each with the number of its socket where there are several: if
#: something is plugged in, and if there is power.
_PLUGGED: Final = "plugged"
_POWER: Final = "supply"


@dataclass(frozen=True, slots=True)
class Sockets:
    """The sockets of a place."""

    free: int
    total: int
    #: Those of which it is not known.
    unknown: int


@callback
def sockets_of(hass: HomeAssistant, area_id: str | None) -> Sockets | None:
    """Return the sockets of the charging piles in an area; None where there is none.

    A socket is free if nothing is plugged in and it has power: one that was cut off charges
    nobody.
    """
    if area_id is None:
        return None
    devices, registry = dr.async_get(hass), er.async_get(hass)
    found: list[bool | None] = []
    for device in dr.async_entries_for_area(devices, area_id):
        readings = {
            row.unique_id.rpartition("/")[2]: row.entity_id
            for row in er.async_entries_for_device(registry, device.id)
            if row.platform == _PLATFORM
        }
        for key, entity_id in readings.items():
            if key.partition("_")[0] != _PLUGGED:
                continue
            plugged = _is_on(hass, entity_id)
            power = readings.get(key.replace(_PLUGGED, _POWER))
            has_power = True if power is None else _is_on(hass, power)
            if plugged or has_power is False:
                found.append(False)
            else:
                found.append(None if None in (plugged, has_power) else True)
    if not found:
        return None
    return Sockets(found.count(True), len(found), found.count(None))


def _is_on(hass: HomeAssistant, entity_id: str) -> bool | None:
    state = hass.states.get(entity_id)
    if state is None or state.state not in (STATE_ON, STATE_OFF):
        return None
    return state.state == STATE_ON
