"""Diagnostics: counts. No id of a person, and not even the name of a unit."""

from collections import Counter
from typing import Any

from homeassistant.core import HomeAssistant

from .alerts.channels import redacted
from .care.book import DATA_CARE
from .const import SUBENTRY_RESPONDER
from .register import RegisterConfigEntry
from .register.queries import counts
from .reports.book import DATA_REPORTS
from .storage.errors import RegisterError


async def async_get_config_entry_diagnostics(
    hass: HomeAssistant, entry: RegisterConfigEntry
) -> dict[str, Any]:
    """Return the size and the state of a register."""
    register = entry.runtime_data
    summaries = register.summaries.values()
    book = hass.data[DATA_REPORTS][entry.entry_id]
    try:
        rows: dict[str, int] | str = await register.async_read(counts)
    except RegisterError as err:
        rows = err.key
    return {
        "database": "sqlite" if register.database.path else "postgresql",
        "damaged_file_moved": register.database.moved is not None,
        "damaged_files": len(await register.database.async_leftovers()),
        "options": redacted(entry.options),
        "rows": rows,
        "units": {
            "all": len(register.units),
            "in_an_area": sum(
                row.area_id is not None for row in register.units.values()
            ),
            "occupied": sum(row.tenants > 0 for row in summaries),
            "complete": sum(row.is_complete for row in summaries),
            "without_landlord": sum(not row.landlords for row in summaries),
            "with_overdue_tenants": sum(row.overdue > 0 for row in summaries),
            "with_unreachable_people": sum(row.unreachable > 0 for row in summaries),
            "without_channel": sum(row.without_channel > 0 for row in summaries),
        },
        "reports": {
            **Counter(str(row.state) for row in book.reports.values()),
            "overdue": len(book.overdue),
        },
        "care": hass.data[DATA_CARE][entry.entry_id].counts(),
        "silent_responders": sum(
            not row.is_reachable for row in register.phonebook.posts()
        ),
        "duties": Counter(
            row.data["duty"] for row in entry.get_subentries_of_type(SUBENTRY_RESPONDER)
        ),
    }
