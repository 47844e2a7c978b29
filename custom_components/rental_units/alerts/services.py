"""Actions of the alerts. Each checks that its caller may control, or read, what it touches."""

from collections.abc import Collection
from dataclasses import replace
import time

from sqlalchemy import func, select
from sqlalchemy.orm import Session
import voluptuous as vol

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import (
    Context,
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.json import json_dumps
from homeassistant.util.json import JsonValueType, json_loads_object

from ..access import sealed
from ..app.application import application_of, async_user
from ..app.policy import Permit
from ..app.work import refused
from ..const import DOMAIN, LOGGER
from ..register import Audience
from ..storage.errors import RegisterError
from .const import OPEN, About, Severity
from .contact_actions import VERIFY_SCHEMA, async_verify_contacts
from .core import core_of
from .engine import Engine, Request
from .history import with_alarms
from .inbox import DATA_INBOX, away
from .models import Alert, Delivery, Entry, Help
from .runtime import DATA_ENGINES
from .target import Place, places

ATTR_ALARM_ID = "alarm_id"
ATTR_ALERT_ID = "alert_id"
ATTR_HISTORY = "history"
ATTR_INCIDENT_ID = "incident_id"
#: Whom an alert of a unit reaches that goes not beyond it.
_OF_THE_UNIT = {Audience.TENANTS, Audience.LANDLORD}
#: Closed alerts in one answer.
MOST_HISTORY = 200

_TARGET = {
    **cv.ENTITY_SERVICE_FIELDS,
    vol.Optional("unit_id"): vol.All(cv.ensure_list, [cv.string]),
}
_IDS = {
    vol.Optional(ATTR_ALERT_ID): vol.All(cv.ensure_list, [cv.string]),
    vol.Optional(ATTR_ALARM_ID): vol.All(cv.ensure_list, [cv.string]),
}
SCHEMAS = {
    "alert": vol.Schema(
        {
            **_TARGET,
            vol.Optional("severity", default=Severity.ALARM): vol.Coerce(Severity),
            # Any word: a hazard that we have no template for is an alert all the same.
            vol.Optional("hazard"): vol.All(cv.string, vol.Length(max=64)),
            vol.Optional("message"): vol.All(cv.string, vol.Length(max=1000)),
            vol.Optional("audience"): vol.All(
                cv.ensure_list, vol.Length(min=1), [vol.Coerce(Audience)]
            ),
            vol.Optional("policy"): cv.string,
            vol.Optional(ATTR_ALARM_ID): vol.All(cv.string, vol.Length(max=64)),
            vol.Optional(ATTR_INCIDENT_ID): vol.All(cv.string, vol.Length(max=64)),
            vol.Optional("drill", default=False): cv.boolean,
        }
    ),
    "acknowledge_alert": vol.Schema(
        vol.All(_IDS, cv.has_at_least_one_key(ATTR_ALERT_ID, ATTR_ALARM_ID))
    ),
    "cancel_alert": vol.Schema(
        vol.All(_IDS, cv.has_at_least_one_key(ATTR_ALERT_ID, ATTR_ALARM_ID))
    ),
    "close_help": vol.Schema(
        {
            vol.Required(ATTR_ALERT_ID): cv.string,
            vol.Optional("unit_id"): cv.string,
            vol.Required("note"): vol.All(
                cv.string, vol.Strip, vol.Length(min=1, max=1000)
            ),
        }
    ),
    "verify_contacts": VERIFY_SCHEMA,
    "get_alerts": vol.Schema(
        {**_IDS, vol.Optional(ATTR_HISTORY, default=False): cv.boolean}
    ),
}


@callback
def async_setup_alert_services(hass: HomeAssistant) -> None:
    """Register the actions."""
    handlers = {
        "alert": _async_alert,
        "acknowledge_alert": _async_acknowledge,
        "cancel_alert": _async_cancel,
        "close_help": _async_close_help,
        "get_alerts": _async_get_alerts,
        "verify_contacts": async_verify_contacts,
    }
    for name, handler in handlers.items():
        hass.services.async_register(
            DOMAIN,
            name,
            handler,
            sealed(SCHEMAS[name]),
            SupportsResponse.ONLY
            if name == "get_alerts"
            else SupportsResponse.OPTIONAL,
        )


async def _async_alert(call: ServiceCall) -> ServiceResponse:
    engines = call.hass.data[DATA_ENGINES]
    found = places(call.hass, call.data, engines)
    told = {key for _, place in found for key in place.unit_ids}
    # Before anything is waited for: who comes back meanwhile finds it.
    kept = await _async_keep(call, away(call.hass), told, is_found=bool(found))
    if kept and not found:
        raise _kept(kept)
    if not found:
        if call.hass.config_entries.async_entries(DOMAIN) and not engines:
            raise ServiceValidationError(
                translation_domain=DOMAIN, translation_key="property_not_loaded"
            )
        if _has_target(call):
            raise ServiceValidationError(
                translation_domain=DOMAIN, translation_key="no_property"
            )
        raise ServiceValidationError(
            translation_domain=DOMAIN, translation_key="no_target"
        )
    requests = []
    for engine, place in found:
        try:
            audience = await _async_audience(call, engine, place)
        except RegisterError:
            # Who may alert there cannot be read: it waits as for a property that is away.
            entry = call.hass.config_entries.async_get_entry(engine.entry_id)
            told -= set(place.unit_ids)
            kept += await _async_keep(
                call, [entry] if entry else [], told, is_found=len(found) > 1
            )
            continue
        except KeyError:
            if engines.get(engine.entry_id) is engine:
                raise
        if engines.get(engine.entry_id) is not engine:
            # It has gone while the caller was looked up.
            gone = [row for row in away(call.hass) if row.entry_id == engine.entry_id]
            told -= set(place.unit_ids)
            kept += await _async_keep(call, gone, told, is_found=len(found) > 1)
        else:
            requests.append((engine, _request(call, place, audience)))
    if kept and not requests:
        raise _kept(kept)
    try:
        for engine, request in requests:
            engine.policy(request)
    except KeyError as err:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="unknown_policy",
            translation_placeholders={"policy": call.data["policy"]},
        ) from err
    if not requests:
        raise ServiceValidationError(
            translation_domain=DOMAIN, translation_key="property_not_loaded"
        )
    alerts = [await engine.async_raise(request) for engine, request in requests]
    return {
        "alert_id": alerts[0].id,
        "alert_ids": [alert.id for alert in alerts],
    }


def _kept(titles: list[str]) -> HomeAssistantError:
    return HomeAssistantError(
        translation_domain=DOMAIN,
        translation_key="alert_kept",
        translation_placeholders={"property": ", ".join(titles)},
    )


async def _async_keep(
    call: ServiceCall, entries: list[ConfigEntry], told: set[str], *, is_found: bool
) -> list[str]:
    """Keep an alert for properties that are away; return what they are called.

    Which units are theirs nobody can tell now, nor who may alert them: where others have
    some in the place, they are told, and those that are away look when they are back.
    Raises HomeAssistantError if it is for them alone, and no room is left for its user.
    """
    if not entries or not any(str(key) in call.data for key in _TARGET):
        return []
    data = dict(call.data)
    if "unit_id" in data:
        data["unit_id"] = [key for key in data["unit_id"] if key not in told]
    user = await async_user(call.hass, call.context)
    is_kept = await call.hass.data[DATA_INBOX].async_keep(
        [entry.entry_id for entry in entries],
        # As text: words, ids and flags.
        json_loads_object(json_dumps({**data, "_shared": not is_found})),
        call.context.user_id,
        is_limited=user is not None and not user.is_admin,
    )
    titles = [entry.title for entry in entries]
    if is_kept:
        return titles
    if not is_found:
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key="alert_not_kept",
            translation_placeholders={"property": ", ".join(titles)},
        )
    return []


async def async_raise_kept(hass: HomeAssistant, engine: Engine) -> None:
    """Raise what was asked for while a property was away, and say what came too late."""
    inbox = hass.data[DATA_INBOX]
    rows = inbox.of(engine.entry_id)
    for row in rows:
        data = dict(row["data"])
        is_shared = data.pop("_shared")
        try:
            call = ServiceCall(
                hass,
                DOMAIN,
                "alert",
                SCHEMAS["alert"](data),
                Context(user_id=row["user_id"]),
            )
            for _, place in places(hass, call.data, {engine.entry_id: engine}):
                if not place.unit_ids and not is_shared:
                    continue
                audience = await _async_audience(call, engine, place)
                request = replace(_request(call, place, audience), at=row["at"])
                if time.time() >= row["at"] + engine.policy(request).valid_for:
                    engine.news.tell_missed(place.name)
                    continue
                await engine.async_raise(request)
        except (HomeAssistantError, vol.Invalid, KeyError) as err:
            LOGGER.error("A kept alert could not be raised: %s", type(err).__name__)
            engine.news.tell_missed("")
    await inbox.async_done(rows)


async def _async_audience(
    call: ServiceCall, engine: Engine, place: Place
) -> tuple[Audience, ...]:
    """Return who is to be told. Raises Unauthorized.

    Who may alert a unit alone reaches its people, and not the neighbours and responders.
    """
    await _async_check(call, engine, place.unit_ids, "alert")
    asked: list[Audience] | None = call.data.get("audience")
    wanted = tuple(asked or Audience)
    if set(wanted) <= _OF_THE_UNIT:
        return wanted
    if asked:
        await _async_check(call, engine, place.unit_ids, "alert_beyond")
        return wanted
    if _covers(await _async_permit(call, engine, "alert_beyond"), place.unit_ids):
        return wanted
    return tuple(row for row in wanted if row in _OF_THE_UNIT)


def _request(
    call: ServiceCall, place: Place, audience: tuple[Audience, ...]
) -> Request:
    data, who = call.data, call.context.user_id
    if data["drill"] and who is None:
        # An automation passes an alarm on: of a test, it is of who has ordered it.
        who = core_of(call.hass).tester(data.get(ATTR_ALARM_ID))
    return Request(
        severity=data["severity"],
        unit_ids=place.unit_ids,
        area_ids=place.area_ids,
        place=place.name,
        hazard=data.get("hazard"),
        message=data.get("message"),
        audience=tuple(item.value for item in audience),
        names_audience="audience" in data,
        policy=data.get("policy"),
        alarm_id=data.get(ATTR_ALARM_ID),
        incident_id=data.get(ATTR_INCIDENT_ID),
        drill=data["drill"],
        who=who,
    )


async def _async_acknowledge(call: ServiceCall) -> ServiceResponse:
    chosen = await _async_chosen(call)
    for engine, alert in chosen:
        engine.acknowledge(
            alert, who=call.context.user_id, via="action", context=call.context
        )
    return {"alert_ids": [alert.id for _, alert in chosen]}


async def _async_cancel(call: ServiceCall) -> ServiceResponse:
    chosen = await _async_chosen(call)
    named = set(call.data.get(ATTR_ALERT_ID, ()))
    alarms = call.data.get(ATTR_ALARM_ID, ())
    if waiting := [alert for engine, alert in chosen if engine.helpers.of(alert).open]:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="help_open",
            translation_placeholders={"place": ", ".join(row.place for row in waiting)},
        )
    ended = [
        alert.id
        for engine, alert in chosen
        if engine.cancel(
            alert,
            who=call.context.user_id,
            # Named by itself it ends; by an alarm, when none of its alarms is left.
            alarm_ids=() if alert.id in named else alarms,
        )
    ]
    return {"alert_ids": list[JsonValueType](ended)}


async def _async_close_help(call: ServiceCall) -> ServiceResponse:
    """Close calls for help: a person has seen to them, and says what was found."""
    alert_id: str = call.data[ATTR_ALERT_ID]
    for engine in call.hass.data[DATA_ENGINES].values():
        if (alert := engine.alerts.get(alert_id)) is None:
            continue
        caller = await application_of(call.hass, engine.entry_id).async_authorize(
            call.context, "close_help", units=alert.unit_ids
        )
        closed = engine.close_help(
            alert,
            call.data.get("unit_id"),
            who=caller.user_id or "",
            note=call.data["note"],
        )
        if not closed:
            raise refused("no_help_open")
        return {"closed": closed}
    raise ServiceValidationError(
        translation_domain=DOMAIN,
        translation_key="unknown_alert",
        translation_placeholders={"alert_id": alert_id},
    )


async def _async_chosen(call: ServiceCall) -> list[tuple[Engine, Alert]]:
    """Return the open alerts that are named; one that is named by its own id must be open.

    An alarm may have none: whoever acknowledges it need not know.
    """
    ids = set(call.data.get(ATTR_ALERT_ID, ()))
    alarms = set(call.data.get(ATTR_ALARM_ID, ()))
    chosen = [
        (engine, alert)
        for engine in call.hass.data[DATA_ENGINES].values()
        for alert in engine.alerts.values()
        if alert.id in ids or alarms & set(alert.alarm_ids)
    ]
    for engine, alert in chosen:
        await _async_check(call, engine, alert.unit_ids, call.service)
    if missing := ids - {alert.id for _, alert in chosen}:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="unknown_alert",
            translation_placeholders={"alert_id": ", ".join(sorted(missing))},
        )
    return chosen


async def _async_get_alerts(call: ServiceCall) -> ServiceResponse:
    """Return the alerts that the caller may see, and nothing of others.

    Raises Unauthorized for who may see none anywhere.
    """
    ids = set(call.data.get(ATTR_ALERT_ID, ()))
    alarms = set(call.data.get(ATTR_ALARM_ID, ()))
    engines = list(call.hass.data[DATA_ENGINES].values())
    permits = [await _async_permit(call, row, call.service) for row in engines]
    if engines and not any(permits):
        await _async_check(call, engines[0], (), call.service)
    described: list[JsonValueType] = []
    for engine, permit in zip(engines, permits, strict=True):
        if not permit and not (ids or alarms):
            continue
        # What is not on disk yet is not in the timeline.
        await engine.ledger.async_flush()
        rows = await engine.async_read(
            lambda session: _read(session, ids, alarms, call.data[ATTR_HISTORY])
        )
        shown = [row for row in rows if _covers(permit, row[0].unit_ids)]
        described += [_describe(*row) for row in shown]
        if (ids or alarms) and len(shown) < len(rows):
            # Named, and not theirs: who asks does not learn that there is such an alert.
            application = application_of(call.hass, engine.entry_id)
            hidden = {
                key for row in rows if row not in shown for key in row[0].unit_ids
            }
            await application.async_refuse(call.context, call.service, hidden)
    return {"alerts": described}


type _Counts = dict[str, dict[str, int]]
type _Row = tuple[Alert, _Counts, list[Entry], list[Help]]


def _read(
    session: Session, ids: set[str], alarms: set[str], history: bool
) -> list[_Row]:
    query = (
        select(Alert)
        # What is about somebody is for who has asked for it.
        .where(Alert.about == About.PLACE)
        .order_by(Alert.created_at.desc())
        .limit(MOST_HISTORY)
    )
    if ids:
        query = query.where(Alert.id.in_(ids))
    if alarms:
        query = query.where(with_alarms(alarms))
    if not (history or ids or alarms):
        query = query.where(Alert.state.in_(OPEN))
    alerts = session.scalars(query).all()
    found: dict[str, _Row] = {alert.id: (alert, {}, [], []) for alert in alerts}
    counted = session.execute(
        select(Delivery.alert_id, Delivery.channel, Delivery.state, func.count())
        .where(Delivery.alert_id.in_(found))
        .group_by(Delivery.alert_id, Delivery.channel, Delivery.state)
    )
    for alert_id, channel, state, count in counted:
        found[alert_id][1].setdefault(channel, {})[state] = count
    lines = session.scalars(
        select(Entry).where(Entry.alert_id.in_(found)).order_by(Entry.at, Entry.id)
    )
    for line in lines:
        found[line.alert_id][2].append(line)
    for call in session.scalars(
        select(Help).where(Help.alert_id.in_(found)).order_by(Help.at, Help.id)
    ):
        found[call.alert_id][3].append(call)
    session.expunge_all()
    return list(found.values())


def _describe(
    alert: Alert, counts: _Counts, timeline: list[Entry], calls: list[Help]
) -> JsonValueType:
    """Return an alert for an answer: units and figures, and no person."""
    return {
        "alert_id": alert.id,
        "alarm_id": alert.alarm_id,
        "alarm_ids": list(alert.alarm_ids or ()),
        "incident_id": alert.incident_id,
        "state": alert.state,
        "severity": alert.severity,
        "hazard": alert.hazard,
        "place": alert.place,
        "drill": alert.drill,
        "created_at": alert.created_at,
        "acknowledged_at": alert.acknowledged_at,
        "closed_at": alert.closed_at,
        "age": round(time.time() - alert.created_at, 1),
        "unit_ids": list(alert.unit_ids),
        "area_ids": list(alert.area_ids),
        "answered_units": list(alert.answered_units),
        "vacant_units": list(alert.vacant_units or ()),
        # The note stays in the register: it may name somebody.
        "help": [
            {
                "unit_id": row.unit_id,
                "at": row.at,
                "taken_at": row.taken_at,
                "closed_at": row.closed_at,
                "closed_by": row.closed_by,
            }
            for row in calls
        ],
        "deliveries": {key: dict(value) for key, value in counts.items()},
        "timeline": [
            {"at": line.at, "type": line.kind, "unit_id": line.unit_id, **line.data}
            for line in timeline
        ],
    }


# Who may


async def _async_permit(
    call: ServiceCall, engine: Engine, command: str
) -> Permit | None:
    """Return where the caller may do this in a property. Raises UnknownUser."""
    user = await async_user(call.hass, call.context)
    return application_of(call.hass, engine.entry_id).permit(user, command)


def _covers(permit: Permit | None, unit_ids: Collection[str]) -> bool:
    """Return if it is for all these units, or for none in particular: then for all."""
    return permit is not None and permit.covers(unit_ids or None)


async def _async_check(
    call: ServiceCall, engine: Engine, unit_ids: Collection[str], command: str
) -> None:
    """Raise Unauthorized, and write it into the audit, if the caller may not do this."""
    application = application_of(call.hass, engine.entry_id)
    await application.async_authorize(call.context, command, units=unit_ids or None)


def _has_target(call: ServiceCall) -> bool:
    return any(str(key) in call.data for key in _TARGET) and any(
        entry.state is ConfigEntryState.LOADED
        for entry in call.hass.config_entries.async_entries(DOMAIN)
    )
