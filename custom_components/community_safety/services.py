"""Actions. Each checks that its caller may control, or read, what it touches."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime
import sqlite3
import time
from typing import Any

import voluptuous as vol

from homeassistant.auth.models import User
from homeassistant.auth.permissions.const import POLICY_CONTROL, POLICY_READ
from homeassistant.const import ATTR_ENTITY_ID
from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.exceptions import (
    HomeAssistantError,
    ServiceValidationError,
    Unauthorized,
    UnknownUser,
)
from homeassistant.helpers import config_validation as cv, entity_registry as er
from homeassistant.util import dt as dt_util
from homeassistant.util.json import JsonValueType

from .const import DOMAIN
from .core.alarm import Alarm, Cause, Outcome
from .core.alarms import describe
from .core.authority import Action, Subject
from .core.device import SafetyDevice
from .core.disconnect import DEADLINE_SECONDS, Checked, Result, Status
from .core.house import DATA_HOUSE, House
from .core.latches import OpeningReason, Supply
from .localization import async_option
from .target import (
    HAZARD_FIELD,
    SEVERITY_FIELD,
    AlarmFilter,
    Found,
    find_by_entity,
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
            **HAZARD_FIELD,
            **SEVERITY_FIELD,
            vol.Optional(ATTR_HISTORY, default=False): cv.boolean,
            vol.Optional(ATTR_SINCE): cv.datetime,
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
    who = await _async_authorize(call, Action.ACKNOWLEDGE, alarms=alarms)
    for alarm in alarms:
        _house(call).book.acknowledge(alarm, who)
    return _alarms_response(call, alarms)


async def _async_reset(call: ServiceCall) -> ServiceResponse:
    who = await _async_person(call)
    alarms = await _async_alarms(call)
    present = [alarm for alarm in alarms if alarm.present]
    cleared = [alarm for alarm in alarms if not alarm.present]
    if present and (ATTR_ALARM_ID in call.data or not cleared):
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="still_present",
            translation_placeholders={
                "device": str(_describe(call, present[0])["device_name"]),
                "hazard": async_option(call.hass, "hazard", present[0].hazard),
            },
        )
    await _async_authorize(call, Action.RESET, alarms=cleared)
    for alarm in cleared:
        _house(call).book.reset(
            alarm, who, outcome=call.data[ATTR_OUTCOME], cause=call.data[ATTR_CAUSE]
        )
    return {
        **_alarms_response(call, cleared),
        "still_present": [_describe(call, alarm) for alarm in present],
    }


async def _async_cut_off(call: ServiceCall) -> ServiceResponse:
    found = await _async_supplies(call)
    alarm_id: str | None = call.data.get(ATTR_ALARM_ID)
    if alarm := _house(call).book.open.get(alarm_id or ""):
        # Its timeline tells of the cut-off, and no supply is restored before it is over.
        _check_control(call, await _async_user(call), [alarm])
    who = await _async_authorize(
        call, Action.CUT_OFF, found=found, alarms=[alarm] if alarm else ()
    )
    results = await _house(call).cut_off.async_cut_off(
        _supplies(found),
        alarm_id=alarm_id,
        who=who,
        drill=call.data[ATTR_DRILL],
        deadline=call.data[ATTR_DEADLINE],
    )
    return _supplies_response(call, results)


async def _async_restore(call: ServiceCall) -> ServiceResponse:
    who = await _async_person(call)
    found = await _async_supplies(call)
    await _async_authorize(call, Action.RESTORE, found=found)
    results = await _house(call).cut_off.async_restore(
        _supplies(found), who=who, checked=call.data[ATTR_CHECKED]
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
    """Open protected loads by a person, who names them and says why."""
    who = await _async_person(call)
    found = await _async_supplies(call)
    for item in found:
        if item.key not in item.device.settings.protected:
            raise ServiceValidationError(
                translation_domain=DOMAIN,
                translation_key="not_protected",
                translation_placeholders={"device": item.device.name},
            )
    await _async_authorize(call, Action.CUT_OFF, found=found)
    results = await _house(call).cut_off.async_cut_off(
        _supplies(found), who=who, protected_reason=call.data[ATTR_REASON]
    )
    return _supplies_response(call, results)


async def _async_press(call: ServiceCall) -> ServiceResponse:
    """Press silence or self-test on every device of the target that has it."""
    found = await _async_find(
        call, "button", lambda device: {call.service} & set(device.commands)
    )
    who = await _async_authorize(call, Action(call.service), found=found)
    # One that does not answer must not keep the others waiting, or stop them.
    errors = await asyncio.gather(*(_async_try(item) for item in found))
    house = _house(call)
    if call.service == "self_test":
        for item in found:
            house.book.tests.commanded(item.device.uid, who)
    for item, error in zip(found, errors, strict=True):
        for alarm in house.book.of_device(item.device.uid):
            house.book.note(alarm.id, call.service, who=who, done=error is None)
    if not call.return_response:
        for error in filter(None, errors):
            raise error
    return {
        "devices": [
            {
                "device_id": item.device.device_id,
                "ok": error is None,
                "reason": str(error) if error else None,
            }
            for item, error in zip(found, errors, strict=True)
        ]
    }


async def _async_try(item: Found) -> HomeAssistantError | None:
    """Press a command; return why it failed."""
    try:
        await item.gateway.async_press(item.device, item.key)
    except HomeAssistantError as err:
        return err
    return None


async def _async_get_alarms(call: ServiceCall) -> ServiceResponse:
    wanted = AlarmFilter(call.hass, call.data, call.data)
    if wanted.is_whole_house and any(key in call.data for key in _TARGET_KEYS):
        # A target that came out empty is no target, not the whole house.
        return _alarms_response(call, [])
    user = await _async_user(call)

    def is_meant(alarm: Alarm) -> bool:
        return wanted.matches(alarm) and _may(call, user, alarm, POLICY_READ)

    alarms = [alarm for alarm in _house(call).book.open.values() if is_meant(alarm)]
    if call.data[ATTR_HISTORY] or ATTR_SINCE in call.data:
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
    begin = dt_util.as_utc(since).timestamp() if since else 0
    end = time.time()
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


async def _async_user(call: ServiceCall) -> User | None:
    """Return the calling user, None for an automation. Raises UnknownUser."""
    if call.context.user_id is None:
        return None
    if user := await call.hass.auth.async_get_user(call.context.user_id):
        return user
    raise UnknownUser(context=call.context)


async def _async_person(call: ServiceCall) -> str:
    """Return who calls: a person's id.

    Raises ServiceValidationError for an automation: it has no user, or it was itself
    set off by something (its context has a parent); for a user of the system, and for
    one who may not log in any more.
    """
    user = await _async_user(call)
    who = _house(call).authority.who(call.context)
    is_human = user is None or (user.is_active and not user.system_generated)
    if who is None or not is_human or call.context.parent_id:
        raise ServiceValidationError(
            translation_domain=DOMAIN, translation_key="needs_person"
        )
    return who


async def _async_authorize(
    call: ServiceCall,
    action: Action,
    *,
    found: Iterable[Found] = (),
    alarms: Iterable[Alarm] = (),
) -> str | None:
    """Ask the providers of authority about all that is meant; return who calls."""
    described = [describe(call.hass, alarm) for alarm in alarms]
    return await _house(call).authority.async_authorize(
        action,
        call.context,
        [
            *(
                Subject(area_id=item.area_id, device_id=item.device.device_id)
                for item in found
            ),
            *(
                Subject(
                    area_id=row["area_id"],
                    device_id=row["device_id"],
                    alarm_id=row["alarm_id"],
                    incident_id=row["incident_id"],
                    drill=row["drill"],
                )
                for row in described
            ),
        ],
    )


def _may(call: ServiceCall, user: User | None, alarm: Alarm, policy: str) -> bool:
    return may(call.hass, user, alarm, policy)


def _check_control(
    call: ServiceCall, user: User | None, alarms: Iterable[Alarm]
) -> None:
    """Raise Unauthorized if a user may not control one of the alarms."""
    for alarm in alarms:
        if not _may(call, user, alarm, POLICY_CONTROL):
            raise Unauthorized(context=call.context, permission=POLICY_CONTROL)


async def _async_alarms(call: ServiceCall) -> list[Alarm]:
    """Return the open alarms of the target, or those that are named by their ids.

    Raises ServiceValidationError if one is missing, Unauthorized if the caller may not
    control one.
    """
    wanted = AlarmFilter(call.hass, call.data)
    ids: list[str] | None = call.data.get(ATTR_ALARM_ID)
    if ids is None and wanted.is_whole_house:
        raise _nothing_in_target()
    user = await _async_user(call)
    alarms = [
        alarm
        for alarm in _house(call).book.open.values()
        if (ids is None or alarm.id in ids) and wanted.matches(alarm)
    ]
    _check_control(call, user, alarms)
    if missing := set(ids or ()) - {alarm.id for alarm in alarms}:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="no_such_alarm",
            translation_placeholders={"alarm_id": ", ".join(sorted(missing))},
        )
    return alarms


async def _async_supplies(call: ServiceCall) -> list[Found]:
    return await _async_find(call, "switch", lambda device: device.supplies)


def _supplies(found: Iterable[Found]) -> list[Supply]:
    return [Supply(item.device.uid, item.key) for item in found]


async def _async_find(
    call: ServiceCall, domain: str, keys: Callable[[SafetyDevice], Iterable[str]]
) -> list[Found]:
    """Return what of the target can be acted on.

    Raises ServiceValidationError if there is nothing, Unauthorized if the caller may
    not control one.
    """
    user = await _async_user(call)
    found = find_by_entity(call.hass, call.data, domain, keys)
    if not found:
        raise _nothing_in_target()
    for item in found:
        if user and not user.permissions.check_entity(
            item.entity_id or "", POLICY_CONTROL
        ):
            raise Unauthorized(
                context=call.context,
                user_id=user.id,
                entity_id=item.entity_id,
                permission=POLICY_CONTROL,
            )
    return found


def _nothing_in_target() -> ServiceValidationError:
    return ServiceValidationError(
        translation_domain=DOMAIN, translation_key="nothing_in_target"
    )


def _describe(call: ServiceCall, alarm: Alarm) -> dict[str, JsonValueType]:
    """Return an alarm for people: times are those of Home Assistant, with their zone."""
    return {
        **_with_times(describe(call.hass, alarm)),
        "timeline": [_with_times(item) for item in alarm.timeline],
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
                # In a drill nothing was to be confirmed.
                "status": "drill" if result.reason == "drill" else result.status.value,
                "milliseconds": result.milliseconds,
                "proof": list(result.proof),
                "limit": result.limit,
                "reason": result.reason,
            }
            for result in results
        ]
    }
