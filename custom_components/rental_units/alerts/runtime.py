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
def alarms_with_open_help(hass: HomeAssistant) -> frozenset[str]:
    """Return the ids of the alarms about which a call for help is open: no reset of them.

    Ids of alarms and of incidents: the core asks with either.
    """
    return frozenset(
        key
        for engine in hass.data.get(DATA_ENGINES, {}).values()
        for alert in engine.alerts.values()
        if engine.helpers.of(alert).open
        for key in (*alert.alarm_ids, alert.incident_id)
        if key
    )
