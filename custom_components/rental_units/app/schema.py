"""The one registry of migrations, and where the database of a property is."""

from pathlib import Path

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant

from ..access_control.migrations import FEATURE as ACCESS_CONTROL
from ..alerts.migrations import FEATURE as ALERTS
from ..care.migrations import FEATURE as CARE
from ..const import CONF_URL, DOMAIN
from ..desk.migrations import FEATURE as DESK
from ..places.migrations import FEATURE as PLACES
from ..register.migrations import FEATURE as REGISTER
from ..reports.migrations import FEATURE as REPORTS
from ..scores.migrations import FEATURE as SCORES
from ..search.migrations import FEATURE as SEARCH
from ..sightings.migrations import FEATURE as SIGHTINGS
from ..storage.engine import Database
from ..storage.events import FEATURE as EVENTS
from ..storage.vault import FEATURE as VAULT

#: In the order in which they build upon each other.
FEATURES = (
    *(EVENTS, VAULT, REGISTER, ALERTS, ACCESS_CONTROL, PLACES, SIGHTINGS),
    *(REPORTS, SEARCH, SCORES, CARE, DESK),
)


def database_of(hass: HomeAssistant, entry: ConfigEntry) -> Database:
    """Return the database of a property."""
    return Database(
        hass,
        database_path(hass, entry.entry_id),
        entry.data.get(CONF_URL),
        f"{DOMAIN}_{entry.entry_id.lower()}",
        FEATURES,
    )


def database_path(hass: HomeAssistant, entry_id: str) -> Path:
    """Return where the file of a property is."""
    return Path(hass.config.path(f"{DOMAIN}_{entry_id}.db"))
