"""Alerts as a panel works them: who was reached and who answered, and what is done about it."""

from collections.abc import Iterable, Mapping
from functools import partial
import time
from typing import Any

import voluptuous as vol

from homeassistant.exceptions import Unauthorized
from homeassistant.helpers import config_validation as cv

from ..alerts.const import OPEN, Answer, Severity
from ..alerts.engine import AGAIN_SECONDS, Engine, ToldJustNowError
from ..alerts.history import MOST_OF_UNIT, Ids
from ..alerts.models import Alert, Delivery
from ..alerts.responses import seen
from ..alerts.runtime import DATA_ENGINES
from ..app.people import NamePeople
from ..app.work import refused
from ..const import Duty, Reason, Role
from ..storage.errors import RegisterError
from .base import TEXT, Ask, command
from .feed import Feed, GroupFeed

_IDS: dict[vol.Marker, Any] = {
    vol.Optional(key): vol.All([cv.string], vol.Length(min=1, max=200))
    for key in ("alert_ids", "alarm_ids", "incident_ids")
}
_ALERT: dict[vol.Marker, Any] = {vol.Required("alert_id"): cv.string}
#: How a call for help has ended. What was found is in the note.
OUTCOMES = ("safe", "brought_out", "handed_over", "no_emergency")
EVERYONE = "everyone"
#: So far back people look at what was in their flats.
MINE_SECONDS = 365 * 86_400


def _engine(ask: Ask) -> Engine:
    # Where the register is, its engine is.
    return ask.hass.data[DATA_ENGINES][ask.application.register.entry.entry_id]


def _open_alert(ask: Ask) -> Alert:
    alert_id: str = ask.data["alert_id"]
    alert = _engine(ask).alerts.get(alert_id)
    if alert is None or alert.state not in OPEN:
        if ask.application.permit(ask.user, "get_alerts") is None:
            raise Unauthorized(context=ask.context)
        raise refused("unknown_alert", alert_id=alert_id)
    return alert


def _ids(ask: Ask) -> Ids:
    return Ids(**{str(key): frozenset(ask.data.get(str(key), ())) for key in _IDS})


# Who was reached, who answered


@command("subscribe_response", _IDS, "get_alerts")
async def subscribe_response(ask: Ask) -> Feed:
    """Tell of open alerts, all or those named: who was reached over what, and who answered.

    An item is an alert, a unit of one, or those who respond. People are a role and a number.
    """
    ids = _ids(ask)
    await ask.application.async_authorize(ask.context, "get_alerts")
    responses = _engine(ask).responses

    def keys() -> list[str] | None:
        if ask.application.permit(ask.user, "get_alerts") is None:
            return None
        alerts = _engine(ask).alerts
        return [key for key, row in alerts.items() if not ids or ids.match(row)]

    def group(key: str) -> Mapping[str, Any]:
        found = ask.application.permit(ask.user, "get_alerts")
        return responses.of(key, found) if found else {}

    return GroupFeed(ask, keys, group, [responses.listen])


@command("response", _IDS, "get_alerts")
async def response(ask: Ask) -> dict[str, Any]:
    """Show alerts that are over, as `subscribe_response` shows open ones: at most 20."""
    ids = _ids(ask)
    # What is not theirs is left out of the answer.
    caller = await ask.application.async_authorize(ask.context, "get_alerts")
    engine = _engine(ask)
    await engine.ledger.async_flush()
    items: dict[str, Any] = {}
    for row in await engine.responses.async_past(ids):
        items |= seen(caller.permit, *row)
    return {"items": items}


@command(
    "response_names",
    {**_ALERT, vol.Optional("reason", default=Reason.ALARM): vol.Coerce(Reason)},
    "get_unit",
)
async def response_names(ask: Ask) -> dict[str, Any]:
    """Name the people behind the slots of an open alert. Each is in the audit first."""
    alert = _open_alert(ask)
    people = _engine(ask).responses.people(alert)
    names = await ask.async_do(NamePeople(tuple(alert.unit_ids), tuple(people)))
    return {
        "people": [
            {
                "unit_id": unit_id,
                "role": role,
                "number": people[unit_id, role, person_id],
                "person_id": person_id,
                "name": name,
            }
            for (unit_id, role, person_id), name in names.items()
        ]
    }


# What does not go out


@command("subscribe_faults", {}, "get_roster")
async def subscribe_faults(ask: Ask) -> Feed:
    """Tell whoever is on duty that messages do not go out, or not on: repairs are for administrators alone."""
    await ask.application.async_authorize(ask.context, "get_roster", units=None)
    return Feed(ask, partial(_faults, ask), [_engine(ask).news.listen_faults])


def _faults(ask: Ask) -> dict[str, Any] | None:
    if ask.application.permit(ask.user, "get_roster") is None:
        return None
    return {
        f"{key} {about}": {"fault": key, "channel": said.get("channel")}
        for (key, about), said in _engine(ask).news.faults.items()
    }


# What is done


@command("tell_again", _ALERT, "tell_again")
async def tell_again(ask: Ask) -> dict[str, Any]:
    """Tell everybody of an open alert once more, whoever has answered."""
    alert = _open_alert(ask)
    await ask.application.async_authorize(
        ask.context, "tell_again", units=alert.unit_ids or None
    )
    try:
        told = await _engine(ask).async_tell_again(alert, ask.user.id)
    except ToldJustNowError:
        raise refused("told_just_now", seconds=str(int(AGAIN_SECONDS))) from None
    return {"messages": told}


@command(
    "close_help",
    {
        **_ALERT,
        # What was looked at, and no other: it may be the flat of two who call.
        vol.Required("calls"): vol.Any(
            EVERYONE, vol.All([cv.string], vol.Length(min=1, max=200))
        ),
        vol.Required("outcome"): vol.In(OUTCOMES),
        vol.Required("note"): vol.All(TEXT, vol.Strip, vol.Length(min=1)),
    },
    "close_help",
)
async def close_help(ask: Ask) -> dict[str, Any]:
    """Close the calls for help that are named by their ids, or `everyone`'s: how they ended, and what was found."""
    alert = _open_alert(ask)
    caller = await ask.application.async_authorize(
        ask.context, "close_help", units=alert.unit_ids or None
    )
    closed = _engine(ask).close_help(
        alert,
        None,
        who=caller.user_id or "",
        note=ask.data["note"],
        outcome=ask.data["outcome"],
        call_ids=None if ask.data["calls"] == EVERYONE else ask.data["calls"],
    )
    if not closed:
        raise refused("no_help_open")
    return {"closed": closed}


@command("drill_told", {}, "get_roster")
async def drill_told(ask: Ask) -> dict[str, Any]:
    """Say whom a drill tells that this user begins: themselves, over the app, and the office's `posts`. An automation may name others."""
    await ask.application.async_authorize(ask.context, "get_roster", units=None)
    phonebook = ask.application.register.phonebook
    if not phonebook.is_known:
        # That is not nobody.
        raise RegisterError("property_not_loaded")
    told = _engine(ask).people.of_test_by(ask.user.id)
    office = {row.person_id for row in told if row.role == Duty.PROPERTY_OFFICE}
    return {
        "you": any(row.person_id not in office for row in told),
        "posts": [
            row.title
            for row in phonebook.posts()
            if row.duty == Duty.PROPERTY_OFFICE
            and row.person
            and row.person.person_id in office
        ],
    }


# One's own flats


@command("subscribe_mine", {vol.Optional("unit_id"): cv.string}, "get_mine")
async def subscribe_mine(ask: Ask) -> Feed:
    """Tell a landlord or resident of their flats: alerts, their answers, leases, and who can be reached."""
    unit_id = ask.data.get("unit_id")
    await ask.application.async_authorize(
        ask.context, "get_mine", units=(unit_id,) if unit_id else ()
    )
    engine, register = _engine(ask), ask.application.register
    sources = [engine.responses.listen, register.listen, register.phonebook.listen]
    return Feed(ask, partial(_mine, ask, unit_id), sources)


def _mine(ask: Ask, only: str | None) -> dict[str, Any] | None:
    if ask.application.permit(ask.user, "get_mine") is None:
        return None
    return {
        unit_id: _flat(ask, unit_id, parts)
        for unit_id, parts in ask.application.own(ask.user).items()
        if only in (None, unit_id)
    }


def _flat(ask: Ask, unit_id: str, parts: list[tuple[Role, str]]) -> dict[str, Any]:
    engine, register = _engine(ask), ask.application.register
    unit, figures = register.units[unit_id], register.summaries.get(unit_id)
    people = {person_id for _, person_id in parts}
    shown: dict[str, Any] = {
        "unit_id": unit_id,
        "title": unit.title,
        "area_id": unit.area_id,
        "roles": sorted({str(role) for role, _ in parts}),
        "alerts": [],
        # Of others who share the stairwell, no more than what and when.
        "nearby": [
            {"alert_id": row.id, "hazards": list(row.hazards), "at": row.created_at}
            for row in engine.alerts.values()
            if _is_danger(row)
            and unit_id not in row.unit_ids
            and _shares_stairs(ask, unit_id, row)
        ],
    }
    if Role.LANDLORD in dict(parts) and figures:
        shown["lease_end"] = (
            figures.lease_end.isoformat() if figures.lease_end else None
        )
        shown["tenants"] = figures.tenants
        shown["unreachable"] = figures.unreachable + figures.without_channel
    for alert in engine.alerts.values():
        if unit_id not in alert.unit_ids:
            continue
        own = [
            row
            for person_id in people
            for row in engine.dispatcher.of_person(alert, person_id)
        ]
        shown["alerts"].append(
            {
                "alert_id": alert.id,
                "alarm_ids": list(alert.alarm_ids),
                "incident_id": alert.incident_id,
                "severity": alert.severity,
                "hazards": list(alert.hazards),
                "state": alert.state,
                "drill": alert.drill,
                "created_at": alert.created_at,
                **_said(own),
                "help_open": any(
                    row.person_id in people and row.closed_at is None
                    for row in engine.helpers.of(alert).rows
                ),
            }
        )
    return shown


@command("mine_history", {vol.Required("unit_id"): cv.string}, "get_mine")
async def mine_history(ask: Ask) -> dict[str, Any]:
    """Show what was told about an own flat in the last twelve months, while it was theirs, and is over: who was reached and who answered, as roles. At most 100, the newest first; `more`: there were others."""
    unit_id: str = ask.data["unit_id"]
    await ask.application.async_authorize(ask.context, "get_mine", units=(unit_id,))
    engine, parts = _engine(ask), ask.application.own(ask.user).get(unit_id, [])
    await engine.ledger.async_flush()
    rows = await engine.responses.async_of_unit(
        unit_id, parts, time.time() - MINE_SECONDS
    )
    people = {person_id for _, person_id in parts}
    return {
        "alerts": [
            {
                "alert_id": alert.id,
                "severity": alert.severity,
                "hazards": list(alert.hazards),
                "drill": alert.drill,
                "created_at": alert.created_at,
                "closed_at": alert.closed_at,
                **_said(row for row in deliveries if row.person_id in people),
                "helped": any(row.unit_id == unit_id for row in calls),
                "slots": slots,
            }
            for alert, deliveries, calls, slots in rows[:MOST_OF_UNIT]
        ],
        "more": len(rows) > MOST_OF_UNIT,
    }


def _said(deliveries: Iterable[Delivery]) -> dict[str, Any]:
    """Return the last answer of those to whom these went."""
    said = [row for row in deliveries if row.answer]
    last = max(said, key=lambda row: row.answered_at or 0.0, default=None)
    return {
        "answer": last.answer if last else None,
        "answered_at": last.answered_at if last else None,
    }


def _is_danger(alert: Alert) -> bool:
    """Return if those who live near are to be careful: no drill, fault or mere message."""
    return not alert.drill and alert.severity in (Severity.ALARM, Severity.WARNING)


def _shares_stairs(ask: Ask, unit_id: str, alert: Alert) -> bool:
    units = ask.application.register.units
    return any(
        units[key].stair == units[unit_id].stair
        for key in alert.unit_ids
        if key in units
    )


@command(
    "answer",
    {
        **_ALERT,
        vol.Required("unit_id"): cv.string,
        vol.Required("answer"): vol.Coerce(Answer),
    },
    "answer",
)
async def answer(ask: Ask) -> dict[str, Any]:
    """Answer an alert as the landlord or resident that one is: on my way, safe, need help, false alarm."""
    unit_id: str = ask.data["unit_id"]
    await ask.application.async_authorize(ask.context, "answer", units=(unit_id,))
    engine, alert = _engine(ask), _open_alert(ask)
    parts = ask.application.own(ask.user).get(unit_id, [])
    if unit_id not in alert.unit_ids or not parts:
        raise refused("not_asked")
    role, person_id = max(parts, key=lambda row: row[0] == Role.LANDLORD)
    owned = ask.application.register.phonebook.units_of(person_id, Role.LANDLORD)
    delivery = engine.delivery_of(
        alert,
        person_id,
        role,
        unit_id,
        role == Role.LANDLORD and set(alert.unit_ids) <= owned,
    )
    given: Answer = ask.data["answer"]
    engine.answer(alert, given, delivery, via="panel", context=ask.context)
    return {"answer": given, "answered_at": delivery.answered_at}
