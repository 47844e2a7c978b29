"""The engines of all properties, for whatever comes in from outside."""

from homeassistant.core import HomeAssistant, callback
from homeassistant.util.hass_dict import HassKey

from ..const import DOMAIN
from .engine import Engine

DATA_ENGINES: HassKey[dict[str, Engine]] = HassKey(f"{DOMAIN}_alerts")


@callback
def engine_of(hass: HomeAssistant, entry_id: str) -> Engine | None:
    """Return the engine of a property."""
    return hass.data.get(DATA_ENGINES, {}).get(entry_id)


@callback
def open_help(hass: HomeAssistant) -> list[tuple[str, frozenset[str]]]:
    """Return from where help is called for, and what must not be reset before it is closed.

    These are ids of alarms, incidents and areas: those of the alert, and where who calls
    is. A neighbour calls from a flat in which there is no alarm, a responder from none.
    """
    return [
        (
            ", ".join(map(engine.unit_name, calls.units)) or alert.place,
            frozenset(
                filter(
                    None,
                    (
                        *(*alert.alarm_ids, alert.incident_id, *alert.area_ids),
                        *map(engine.area_of, (*alert.unit_ids, *calls.units)),
                    ),
                )
            ),
        )
        for engine in hass.data.get(DATA_ENGINES, {}).values()
        for alert in engine.alerts.values()
        if (calls := engine.helpers.of(alert)).open
    ]
