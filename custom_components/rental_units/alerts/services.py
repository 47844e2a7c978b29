"""Actions of the alerts. Each checks that its caller may control, or read, what it touches."""

from collections.abc import Collection
import time

from sqlalchemy import func, select
from sqlalchemy.orm import Session
import voluptuous as vol

from homeassistant.auth.models import User
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.exceptions import ServiceValidationError, Unauthorized
from homeassistant.helpers import config_validation as cv
from homeassistant.util.json import JsonValueType

from ..app.application import application_of, async_user
from ..const import DOMAIN
from ..register import Audience
from .const import OPEN, Severity
from .engine import Engine, Request
from .manager import DATA_ENGINES
from .models import Alert, Delivery, Entry
from .target import Place, places

ATTR_ALARM_ID = "alarm_id"
ATTR_ALERT_ID = "alert_id"
ATTR_HISTORY = "history"
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
            vol.Optional("drill", default=False): cv.boolean,
        }
    ),
    "acknowledge_alert": vol.Schema(
        vol.All(_IDS, cv.has_at_least_one_key(ATTR_ALERT_ID, ATTR_ALARM_ID))
    ),
    "cancel_alert": vol.Schema(
        vol.All(_IDS, cv.has_at_least_one_key(ATTR_ALERT_ID, ATTR_ALARM_ID))
    ),
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
        "get_alerts": _async_get_alerts,
    }
    for name, handler in handlers.items():
        hass.services.async_register(
            DOMAIN,
            name,
            handler,
            SCHEMAS[name],
            SupportsResponse.ONLY
            if name == "get_alerts"
            else SupportsResponse.OPTIONAL,
        )


async def _async_alert(call: ServiceCall) -> ServiceResponse:
    user = await async_user(call.hass, call.context)
    engines = call.hass.data[DATA_ENGINES]
    found = places(call.hass, call.data, engines)
    if not found:
        if _has_target(call):
            raise ServiceValidationError(
                translation_domain=DOMAIN, translation_key="no_property"
            )
        raise ServiceValidationError(
            translation_domain=DOMAIN, translation_key="no_target"
        )
    requests = [
        (engine, _request(call, place, _audience(call, user, engine, place)))
        for engine, place in found
    ]
    try:
        for engine, request in requests:
            engine.policy(request)
    except KeyError as err:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="unknown_policy",
            translation_placeholders={"policy": call.data["policy"]},
        ) from err
    alerts = [await engine.async_raise(request) for engine, request in requests]
    return {
        "alert_id": alerts[0].id,
        "alert_ids": [alert.id for alert in alerts],
    }


def _audience(
    call: ServiceCall, user: User | None, engine: Engine, place: Place
) -> tuple[Audience, ...]:
    """Return who is to be told. Raises Unauthorized.

    Who may alert a unit alone reaches its people, and not the neighbours and responders.
    """
    _check(call, user, engine, place.unit_ids, "alert")
    asked: list[Audience] | None = call.data.get("audience")
    wanted = tuple(asked or Audience)
    if set(wanted) <= _OF_THE_UNIT:
        return wanted
    if _may(call.hass, user, engine, place.unit_ids, "alert_beyond"):
        return wanted
    if asked:
        raise Unauthorized(context=call.context)
    return tuple(row for row in wanted if row in _OF_THE_UNIT)


def _request(
    call: ServiceCall, place: Place, audience: tuple[Audience, ...]
) -> Request:
    data = call.data
    return Request(
        severity=data["severity"],
        unit_ids=place.unit_ids,
        area_ids=place.area_ids,
        place=place.name,
        hazard=data.get("hazard"),
        message=data.get("message"),
        audience=tuple(item.value for item in audience),
        policy=data.get("policy"),
        alarm_id=data.get(ATTR_ALARM_ID),
        drill=data["drill"],
        who=call.context.user_id,
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
    for engine, alert in chosen:
        engine.cancel(alert, who=call.context.user_id)
    return {"alert_ids": [alert.id for _, alert in chosen]}


async def _async_chosen(call: ServiceCall) -> list[tuple[Engine, Alert]]:
    """Return the open alerts that are named; one that is named by its own id must be open.

    An alarm may have none: whoever acknowledges it need not know.
    """
    user = await async_user(call.hass, call.context)
    ids = set(call.data.get(ATTR_ALERT_ID, ()))
    alarms = set(call.data.get(ATTR_ALARM_ID, ()))
    chosen = [
        (engine, alert)
        for engine in call.hass.data[DATA_ENGINES].values()
        for alert in engine.alerts.values()
        if alert.id in ids or (alert.alarm_id and alert.alarm_id in alarms)
    ]
    for engine, alert in chosen:
        _check(call, user, engine, alert.unit_ids, call.service)
    if missing := ids - {alert.id for _, alert in chosen}:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="unknown_alert",
            translation_placeholders={"alert_id": ", ".join(sorted(missing))},
        )
    return chosen


async def _async_get_alerts(call: ServiceCall) -> ServiceResponse:
    user = await async_user(call.hass, call.context)
    ids = set(call.data.get(ATTR_ALERT_ID, ()))
    alarms = set(call.data.get(ATTR_ALARM_ID, ()))
    described: list[JsonValueType] = []
    for engine in call.hass.data[DATA_ENGINES].values():
        # What is not on disk yet is not in the timeline.
        await engine.ledger.async_flush()
        rows = await engine.async_read(
            lambda session: _read(session, ids, alarms, call.data[ATTR_HISTORY])
        )
        for alert, deliveries, timeline in rows:
            if _may(call.hass, user, engine, alert.unit_ids, call.service):
                described.append(_describe(alert, deliveries, timeline))
    return {"alerts": described}


type _Counts = dict[str, dict[str, int]]


def _read(
    session: Session, ids: set[str], alarms: set[str], history: bool
) -> list[tuple[Alert, _Counts, list[Entry]]]:
    query = select(Alert).order_by(Alert.created_at.desc()).limit(MOST_HISTORY)
    if ids:
        query = query.where(Alert.id.in_(ids))
    if alarms:
        query = query.where(Alert.alarm_id.in_(alarms))
    if not (history or ids or alarms):
        query = query.where(Alert.state.in_(OPEN))
    alerts = session.scalars(query).all()
    found = {alert.id: (alert, _Counts.__value__(), list[Entry]()) for alert in alerts}
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
    session.expunge_all()
    return list(found.values())


def _describe(alert: Alert, counts: _Counts, timeline: list[Entry]) -> JsonValueType:
    """Return an alert for an answer: units and figures, and no person."""
    return {
        "alert_id": alert.id,
        "alarm_id": alert.alarm_id,
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
        "deliveries": {key: dict(value) for key, value in counts.items()},
        "timeline": [
            {"at": line.at, "type": line.kind, "unit_id": line.unit_id, **line.data}
            for line in timeline
        ],
    }


# Who may


def _may(
    hass: HomeAssistant,
    user: User | None,
    engine: Engine,
    unit_ids: Collection[str],
    command: str,
) -> bool:
    """Return if a user may do this about all these units, or about none in particular."""
    found = application_of(hass, engine.entry_id).permit(user, command)
    return found is not None and (
        found.units is None or (bool(unit_ids) and found.covers(unit_ids))
    )


def _check(
    call: ServiceCall,
    user: User | None,
    engine: Engine,
    unit_ids: Collection[str],
    command: str,
) -> None:
    if not _may(call.hass, user, engine, unit_ids, command):
        raise Unauthorized(context=call.context)


def _has_target(call: ServiceCall) -> bool:
    return any(str(key) in call.data for key in _TARGET) and any(
        entry.state is ConfigEntryState.LOADED
        for entry in call.hass.config_entries.async_entries(DOMAIN)
    )
