"""Alarms that are over, a page at a time: what happened, and how long it took."""

import sqlite3
from typing import Any

from homeassistant.auth.models import User
from homeassistant.auth.permissions.const import POLICY_READ
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError

from ..const import DOMAIN
from ..core.alarm import Alarm
from ..core.alarms import describe
from ..core.house import DATA_HOUSE
from ..core.incidents import rank
from ..core.proving import Status
from ..target import may
from .rows import Reader, acknowledged_by

#: Rows of one page: others write to the storage in between.
PAGE_ROWS = 500


async def async_page(
    hass: HomeAssistant, user: User, since: float, until: float
) -> dict[str, Any]:
    """Return closed alarms that the user may read, the newest first.

    Times are Unix times in seconds. `next` is the `until` of the next page, None after
    the last; its first rows may be the last of this one. Raises HomeAssistantError if
    the storage cannot be read.
    """
    house = hass.data[DATA_HOUSE]
    try:
        read = await house.storage.async_history(since, until, PAGE_ROWS)
    except sqlite3.Error as err:
        raise HomeAssistantError(
            translation_domain=DOMAIN, translation_key="history_unreadable"
        ) from err
    rows: list[dict[str, Any]] = []
    for row in read:
        try:
            alarm = Alarm.from_dict(row)
        except TypeError, ValueError:
            # One that cannot be read costs that one.
            continue
        if may(hass, user, alarm, POLICY_READ):
            rows.append(_row(hass, alarm))
    reader = Reader(user, await house.authority.async_rights(user))
    return {
        "alarms": rows,
        "next": read[-1]["closed_at"] if len(read) == PAGE_ROWS else None,
        "names": await house.authority.async_names(
            {who for row in rows for who in reader.people(row)}, user
        ),
    }


def _row(hass: HomeAssistant, alarm: Alarm) -> dict[str, Any]:
    ends = [item for item in alarm.timeline if "outcome" in item]
    end = ends[-1] if ends else {}
    return {
        **describe(hass, alarm),
        # Where it was then; the device may hang elsewhere now.
        "area_id": alarm.area_id,
        "rank": rank(alarm).name.lower(),
        "acknowledged_by": acknowledged_by(alarm),
        "proven_at": _proven_at(alarm),
        "closed_at": alarm.closed_at,
        "outcome": end.get("outcome"),
        "cause": end.get("cause"),
        "who": end.get("who"),
    }


def _proven_at(alarm: Alarm) -> float | None:
    """Return when every supply that was to be cut off was first proven off."""
    for item in alarm.timeline:
        if item["what"] == "cut_off":
            results = [row["status"] for row in item["supplies"].values()]
            if Status.CONFIRMED in results and not {
                Status.UNCONFIRMED,
                Status.FAILED,
            } & set(results):
                return float(item["at"])
    return None
