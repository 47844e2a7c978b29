"""Home Assistant's actions: what a call is for, and its answer."""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import suppress
from datetime import datetime
import sqlite3
import time
from typing import Any

import voluptuous as vol

from homeassistant.auth.permissions.const import POLICY_READ
from homeassistant.const import ATTR_ENTITY_ID
from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import config_validation as cv, entity_registry as er
from homeassistant.util import dt as dt_util
from homeassistant.util.json import JsonValueType

from .actions import Caller
from .const import DOMAIN
from .core.alarm import Alarm, Cause, Outcome
from .core.alarms import describe
from .core.disconnect import DEADLINE_SECONDS, Checked, Result
from .core.house import DATA_HOUSE, House
from .core.latches import OpeningReason
from .core.proving import Status
from .localization import async_option
from .target import (
    HAZARD_FIELD,
    SEVERITY_FIELD,
    AlarmFilter,
    Found,
    find_commands,
    find_supplies,
    kind_of,
    may,
)
from .zigbee_services import async_setup_zigbee_services

ATTR_ALARM_ID = "alarm_id"
ATTR_DEADLINE = "deadline"
ATTR_DRILL = "drill"
ATTR_CAUSE = "cause"
ATTR_CHECKED = "checked"
ATTR_HISTORY = "history"
ATTR_OUTCOME = "outcome"
ATTR_REASON = "reason"
ATTR_SINCE = "since"
ATTR_UNTIL = "until"

#: Closed alarms in one answer, and in one read of the storage.
MOST_HISTORY = 1000

_ALARM_IDS = {vol.Optional(ATTR_ALARM_ID): vol.All(cv.ensure_list, [cv.string])}
_TARGET = cv.ENTITY_SERVICE_FIELDS
_TARGET_KEYS = tuple(str(key) for key in _TARGET)

SCHEMAS = {
    "acknowledge": vol.Schema({**_TARGET, **_ALARM_IDS}),
    "reset": vol.Schema(
        {
            **_TARGET,
            **_ALARM_IDS,
            vol.Required(ATTR_OUTCOME): vol.Coerce(Outcome),
            vol.Optional(ATTR_CAUSE, default=Cause.UNKNOWN): vol.Coerce(Cause),
        }
    ),
    "cut_off": vol.Schema(
        {
            **_TARGET,
            vol.Optional(ATTR_ALARM_ID): cv.string,
            vol.Optional(ATTR_DRILL, default=False): cv.boolean,
            vol.Optional(ATTR_DEADLINE, default=DEADLINE_SECONDS): vol.All(
                vol.Coerce(float), vol.Range(min=1, max=60)
            ),
        }
    ),
    "restore": vol.Schema({**_TARGET, vol.Required(ATTR_CHECKED): vol.Coerce(Checked)}),
    # By its own name alone: an area, a floor or a label must not stop a fire pump.
    "open_protected_load": vol.Schema(
        {
            vol.Required(ATTR_ENTITY_ID): cv.entity_ids,
            vol.Required(ATTR_REASON): vol.Coerce(OpeningReason),
        }
    ),
    "silence": vol.Schema(_TARGET),
    "self_test": vol.Schema(_TARGET),
    "get_alarms": vol.Schema(
        {
            **_TARGET,
            **_ALARM_IDS,
            **HAZARD_FIELD,
            **SEVERITY_FIELD,
            vol.Optional(ATTR_HISTORY, default=False): cv.boolean,
            vol.Optional(ATTR_SINCE): cv.datetime,
            vol.Optional(ATTR_UNTIL): cv.datetime,
        }
    ),
}


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register every action."""
    handlers = {
        "acknowledge": _async_acknowledge,
        "reset": _async_reset,
        "cut_off": _async_cut_off,
        "restore": _async_restore,
        "open_protected_load": _async_open_protected,
        "silence": _async_press,
        "self_test": _async_press,
        "get_alarms": _async_get_alarms,
    }
    async_setup_zigbee_services(hass)
    for name, handler in handlers.items():
        hass.services.async_register(
            DOMAIN,
            name,
            handler,
            SCHEMAS[name],
            SupportsResponse.ONLY
            if name == "get_alarms"
            else SupportsResponse.OPTIONAL,
        )


async def _async_acknowledge(call: ServiceCall) -> ServiceResponse:
    alarms = await _async_alarms(call)
    await _caller(call).async_acknowledge(alarms)
    return _alarms_response(call, alarms)


async def _async_reset(call: ServiceCall) -> ServiceResponse:
    # Before anything else: whoever is not a person is told so.
    await _caller(call).async_person()
    alarms = await _async_alarms(call)
    closed = await _caller(call).async_reset(
        alarms,
        outcome=call.data[ATTR_OUTCOME],
        cause=call.data[ATTR_CAUSE],
        all_or_none=ATTR_ALARM_ID in call.data,
    )
    return {
        **_alarms_response(call, closed),
        "still_present": [_describe(call, alarm) for alarm in alarms if alarm.present],
    }


async def _async_cut_off(call: ServiceCall) -> ServiceResponse:
    drill = call.data[ATTR_DRILL]
    results = await _caller(call).async_cut_off(
        # That nothing would be cut is what a drill is asked for, and no error.
        await _async_supplies(call, may_be_none=drill),
        alarm_id=call.data.get(ATTR_ALARM_ID),
        drill=drill,
        deadline=call.data[ATTR_DEADLINE],
    )
    return _supplies_response(call, results)


async def _async_restore(call: ServiceCall) -> ServiceResponse:
    await _caller(call).async_person()
    results = await _caller(call).async_restore(
        await _async_supplies(call), call.data[ATTR_CHECKED]
    )
    unproven = {
        f"{result.device_name}"
        f" ({async_option(call.hass, 'cut_off_reason', result.reason or '')})"
        for result in results
        if result.status is not Status.CONFIRMED
    }
    if unproven and not call.return_response:
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key="restore_unproven",
            translation_placeholders={"devices": ", ".join(sorted(unproven))},
        )
    return _supplies_response(call, results)


async def _async_open_protected(call: ServiceCall) -> ServiceResponse:
    await _caller(call).async_person()
    results = await _caller(call).async_open_protected(
        await _async_supplies(call), call.data[ATTR_REASON]
    )
    return _supplies_response(call, results)


async def _async_press(call: ServiceCall) -> ServiceResponse:
    """Press silence or self-test on every device of the target that has it."""
    found = await _async_find(call, find_commands(call.hass, call.data, call.service))
    errors = await _caller(call).async_press(found, call.service)
    if not call.return_response:
        for error in filter(None, errors):
            raise error
    return {
        "devices": [
            {
                "device_id": item.device_id,
                "ok": error is None,
                "reason": str(error) if error else None,
            }
            for item, error in zip(found, errors, strict=True)
        ]
    }


async def _async_get_alarms(call: ServiceCall) -> ServiceResponse:
    wanted = AlarmFilter(call.hass, call.data, call.data)
    ids: list[str] | None = call.data.get(ATTR_ALARM_ID)
    if wanted.is_whole_house and any(key in call.data for key in _TARGET_KEYS):
        # A target that came out empty is no target, not the whole house.
        return _alarms_response(call, [])
    user = await _caller(call).async_user()

    def is_meant(alarm: Alarm) -> bool:
        return (
            (ids is None or alarm.id in ids)
            and wanted.matches(alarm)
            and may(call.hass, user, alarm, POLICY_READ)
        )

    known = _house(call).book.open
    # Hundreds may be open, and each be asked for by its own automation.
    named = (
        known.values() if ids is None else [known[key] for key in ids if key in known]
    )
    alarms = [alarm for alarm in named if is_meant(alarm)]
    if call.data[ATTR_HISTORY] or {ATTR_SINCE, ATTR_UNTIL} & call.data.keys():
        closed: list[Alarm] = []
        try:
            async for alarm in _async_history(call):
                if is_meant(alarm):
                    closed.append(alarm)
                if len(closed) == MOST_HISTORY:
                    break
        except sqlite3.Error as err:
            raise HomeAssistantError(
                translation_domain=DOMAIN, translation_key="history_unreadable"
            ) from err
        alarms += closed
    return _alarms_response(call, alarms)


async def _async_history(call: ServiceCall) -> AsyncIterator[Alarm]:
    """Walk over the closed alarms, the newest first. Raises sqlite3.Error.

    Read piece by piece: alarms of this moment are written in between.
    """
    since: datetime | None = call.data.get(ATTR_SINCE)
    until: datetime | None = call.data.get(ATTR_UNTIL)
    begin = dt_util.as_utc(since).timestamp() if since else 0
    end = dt_util.as_utc(until).timestamp() if until else time.time()
    seen: set[str] = set()
    while True:
        rows = await _house(call).storage.async_history(begin, end, MOST_HISTORY)
        new = False
        for row in rows:
            # One that cannot be read costs that one.
            with suppress(TypeError, ValueError):
                alarm = Alarm.from_dict(row)
                if alarm.id not in seen:
                    new = True
                    seen.add(alarm.id)
                    yield alarm
        if len(rows) < MOST_HISTORY or not new:
            return
        end = rows[-1]["closed_at"]


def _house(call: ServiceCall) -> House:
    return call.hass.data[DATA_HOUSE]


def _caller(call: ServiceCall) -> Caller:
    return Caller(call.hass, call.context)


async def _async_alarms(call: ServiceCall) -> list[Alarm]:
    """Return the open alarms of the target, or those that are named by their ids.

    Raises ServiceValidationError if one is missing, Unauthorized if the caller may not
    control one.
    """
    wanted = AlarmFilter(call.hass, call.data)
    ids: list[str] | None = call.data.get(ATTR_ALARM_ID)
    if ids is None and wanted.is_whole_house:
        raise nothing_in_target()
    alarms = [
        alarm
        for alarm in _house(call).book.open.values()
        if (ids is None or alarm.id in ids) and wanted.matches(alarm)
    ]
    await _caller(call).async_check(alarms=alarms)
    if missing := set(ids or ()) - {alarm.id for alarm in alarms}:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="no_such_alarm",
            translation_placeholders={"alarm_id": ", ".join(sorted(missing))},
        )
    return alarms


async def _async_supplies(
    call: ServiceCall, *, may_be_none: bool = False
) -> list[Found]:
    return await _async_find(
        call, find_supplies(call.hass, call.data), may_be_none=may_be_none
    )


async def _async_find(
    call: ServiceCall, found: list[Found], *, may_be_none: bool = False
) -> list[Found]:
    """Return what was found in the target, if it can be acted on.

    Raises ServiceValidationError if there is nothing and that is not allowed,
    Unauthorized if the caller may not control one.
    """
    await _caller(call).async_user()
    if not found and not may_be_none:
        raise nothing_in_target()
    await _caller(call).async_check(found=found)
    return found


def nothing_in_target() -> ServiceValidationError:
    """Return the error of a target in which there is nothing to do."""
    return ServiceValidationError(
        translation_domain=DOMAIN, translation_key="nothing_in_target"
    )


def _describe(call: ServiceCall, alarm: Alarm) -> dict[str, JsonValueType]:
    """Return an alarm for people: times are those of Home Assistant, with their zone."""
    known = describe(call.hass, alarm)
    return {
        **_with_times({**known, "closed_at": alarm.closed_at}),
        # A device that is gone was somewhere.
        "area_id": known["area_id"] or alarm.area_id,
        "device_kind": kind_of(call.hass, alarm),
        # A person's words stay in the panel: an answer is kept by traces.
        "timeline": [
            _with_times({key: item[key] for key in item if key != "text"})
            for item in alarm.timeline
        ],
    }


def _with_times(row: Mapping[str, Any]) -> dict[str, JsonValueType]:
    return {
        key: dt_util.as_local(dt_util.utc_from_timestamp(value)).isoformat()
        if isinstance(value, float) and (key == "at" or key.endswith("_at"))
        else value
        for key, value in row.items()
    }


def _alarms_response(
    call: ServiceCall, alarms: Iterable[Alarm]
) -> dict[str, JsonValueType]:
    return {"alarms": [_describe(call, alarm) for alarm in alarms]}


def _supplies_response(
    call: ServiceCall, results: Iterable[Result]
) -> dict[str, JsonValueType]:
    registry = er.async_get(call.hass)
    return {
        "supplies": [
            {
                "entity_id": registry.async_get_entity_id(
                    "switch", DOMAIN, result.supply.id
                ),
                "device_id": result.device_id,
                "status": result.shown,
                "milliseconds": result.milliseconds,
                "proof": list(result.proof),
                "limit": result.limit,
                "reason": result.reason,
            }
            for result in results
        ]
    }
