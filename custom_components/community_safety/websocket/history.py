"""Alarms that are over, a page at a time: what happened, and how long it took."""

import asyncio
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from itertools import batched
from math import inf
import sqlite3
from typing import Any

from homeassistant.auth.models import User
from homeassistant.auth.permissions.const import POLICY_READ
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.util import dt as dt_util

from ..const import DOMAIN
from ..core.alarm import Alarm
from ..core.alarms import describe
from ..core.authority import Action
from ..core.house import DATA_HOUSE
from ..core.incidents import Incident, hazard_rank, rank
from ..core.orders import door_of
from ..core.proving import Status
from ..target import may
from .doors import readable, told
from .rows import Reader, View, acknowledged_by, row

#: Rows of one page: others write to the storage in between.
PAGE_ROWS = 500
#: So many alarms are looked at before others have their turn.
AT_ONCE = 100


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
    rows = [
        _row(hass, alarm)
        for alarm in _alarms(read)
        if may(hass, user, alarm, POLICY_READ)
    ]
    reader = Reader(user, await house.authority.async_rights(user))
    return {
        "alarms": rows,
        "next": read[-1]["closed_at"] if len(read) == PAGE_ROWS else None,
        "names": await house.authority.async_names(
            {who for item in rows for who in reader.people(item)}, user
        ),
    }


async def async_day(
    hass: HomeAssistant,
    user: User,
    day: date,
    after: tuple[str, float, str] | None,
) -> dict[str, Any]:
    """Return what happened on a day of the house, and who did what: a part of it at once.

    Alarms come with what their timelines have of that day, the open ones first; then what was
    ordered of doors. `next` is the `after` of the next part, None after the last. Raises
    HomeAssistantError if the storage cannot be read.
    """
    house = hass.data[DATA_HOUSE]
    since, until = (
        dt_util.start_of_local_day(item).timestamp()
        for item in (day, day + timedelta(days=1))
    )
    table, at, key = after or ("alarms", since, "")
    try:
        if table == "alarms":
            # One that was closed later may have begun then.
            read = await house.storage.async_closed(table, (at, key), inf, PAGE_ROWS)
        else:
            read = await house.orders.async_closed((at, key), until, PAGE_ROWS)
    except sqlite3.Error as err:
        raise HomeAssistantError(
            translation_domain=DOMAIN, translation_key="history_unreadable"
        ) from err
    reader = Reader(user, await house.authority.async_rights(user))
    alarms: list[dict[str, Any]] = []
    orders: list[dict[str, Any]] = []
    if table == "alarms":
        rows = [row for _key, row in read]
        shown = [*house.book.open.values()] if after is None else []
        for part in batched([*shown, *_alarms(rows)], AT_ONCE, strict=False):
            alarms += [
                found
                for alarm in part
                if (found := _day(hass, reader, alarm, since, until))
            ]
            # Thousands may be open: others have their turn.
            await asyncio.sleep(0)
    else:
        orders = list(_orders(hass, reader, read))
    last: tuple[str, float, str] | None = None
    if len(read) == PAGE_ROWS:
        last = table, read[-1][1]["closed_at"], read[-1][0]
    elif table == "alarms":
        last = "orders", since, ""
    people = {who for row in (*alarms, *orders) for who in reader.people(row)}
    return {
        "alarms": alarms,
        "orders": orders,
        "next": last,
        "names": await house.authority.async_names(people, user),
    }


def _day(
    hass: HomeAssistant, reader: Reader, alarm: Alarm, since: float, until: float
) -> dict[str, Any] | None:
    """Return an alarm with what of a time is on its timeline, None if nothing is."""
    if not may(hass, reader.user, alarm, POLICY_READ):
        return None
    timeline = [
        item
        for item in reader.told(alarm, alarm.area_id)
        if since <= item["at"] < until
    ]
    if not timeline:
        return None
    return {
        **describe(hass, alarm),
        "area_id": alarm.area_id,
        "rank": hazard_rank(alarm).name.lower(),
        "timeline": timeline,
    }


def _orders(
    hass: HomeAssistant, reader: Reader, read: Iterable[tuple[str, dict[str, Any]]]
) -> Iterator[dict[str, Any]]:
    house = hass.data[DATA_HOUSE]
    doors = {f"{item.uid}/{item.key}": item for item in readable(hass, reader)}
    for key, order in read:
        item = doors.get(door_of(key))
        if item and "order" in order:
            description = house.description(item.uid)
            yield {
                "kind": description.kind if description else None,
                "name": item.name,
                "channel": item.key.partition("_")[2],
                "area_id": item.area_id,
                **told(order, reader.user, reader.has(Action.READ, [item.area_id])),
            }


async def async_incident(
    hass: HomeAssistant, user: User, incident_id: str, alarm_ids: list[str]
) -> dict[str, Any]:
    """Return an incident that is over as `incident` shows an open one, and who is in it.

    `alarm_ids` are its alarms, as a page has listed them. Its supplies are in the
    timelines: how they stand now says nothing of then. Raises HomeAssistantError if the
    storage cannot be read, and ServiceValidationError if the user may read nothing of it.
    """
    house = hass.data[DATA_HOUSE]
    if not (read := await house.storage.async_rows("alarms", alarm_ids)):
        raise HomeAssistantError(
            translation_domain=DOMAIN, translation_key="history_unreadable"
        )
    alarms = sorted(
        (
            alarm
            for alarm in _alarms(read)
            if alarm.incident_id == incident_id
            and alarm.closed_at is not None
            and may(hass, user, alarm, POLICY_READ)
        ),
        key=lambda alarm: alarm.raised_at,
    )
    if not alarms:
        raise ServiceValidationError(
            translation_domain=DOMAIN, translation_key="incident_over"
        )
    first = alarms[0]
    incident = Incident(incident_id, first.area_id, first.drill, first.raised_at)
    incident.alarms = {alarm.id: alarm for alarm in alarms}
    reader = Reader(user, await house.authority.async_rights(user))
    shown = row(hass, View(incident), reader, whole=True) or {}
    shown |= {
        "rank": min(map(hazard_rank, alarms)).name.lower(),
        "closed_at": max(alarm.closed_at or 0.0 for alarm in alarms),
        # Nothing is done about what is over.
        "may": {},
    }
    people = reader.people(shown)
    return {
        "incident": shown,
        "names": await house.authority.async_names(people, user),
    }


def _alarms(rows: Iterable[dict[str, Any]]) -> Iterator[Alarm]:
    """Yield the alarms of rows. One that cannot be read costs that one."""
    for item in rows:
        try:
            yield Alarm.from_dict(item)
        except TypeError, ValueError:
            continue


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
