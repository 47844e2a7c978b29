"""Actions. Each checks that its caller may control, or read, what it touches."""

from collections.abc import Iterable
from datetime import datetime
import time
from typing import Any

import voluptuous as vol

from homeassistant.auth.models import User
from homeassistant.auth.permissions.const import POLICY_CONTROL, POLICY_READ
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
from homeassistant.helpers.target import (
    TargetSelection,
    async_extract_referenced_entity_ids,
)
from homeassistant.util import dt as dt_util
from homeassistant.util.json import JsonValueType

from .alarms import Alarm, describe
from .catalogue import HAZARDS
from .const import DOMAIN, Severity
from .cut_off import DEADLINE_SECONDS, Result, Supply
from .device import SafetyDevice
from .gateways.base import Gateway
from .safety import DATA_SAFETY, Safety

ATTR_ALARM_ID = "alarm_id"
ATTR_DEADLINE = "deadline"
ATTR_DRILL = "drill"
ATTR_FALSE_ALARM = "false_alarm"
ATTR_HAZARD = "hazard"
ATTR_HISTORY = "history"
ATTR_SEVERITY = "severity"
ATTR_SINCE = "since"

MOST_HISTORY = 1000

_ALARM_IDS = {vol.Optional(ATTR_ALARM_ID): vol.All(cv.ensure_list, [cv.string])}
_TARGET = cv.TARGET_SERVICE_FIELDS

SCHEMAS = {
    "acknowledge": vol.Schema({**_TARGET, **_ALARM_IDS}),
    "reset": vol.Schema(
        {
            **_TARGET,
            **_ALARM_IDS,
            vol.Optional(ATTR_FALSE_ALARM, default=False): cv.boolean,
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
    "restore": vol.Schema(_TARGET),
    "silence": vol.Schema(_TARGET),
    "self_test": vol.Schema(_TARGET),
    "get_alarms": vol.Schema(
        {
            **_TARGET,
            vol.Optional(ATTR_HAZARD): vol.All(cv.ensure_list, [vol.In(HAZARDS)]),
            vol.Optional(ATTR_SEVERITY): vol.All(
                cv.ensure_list, [vol.Coerce(Severity)]
            ),
            vol.Optional(ATTR_HISTORY, default=False): cv.boolean,
            vol.Optional(ATTR_SINCE): cv.datetime,
        }
    ),
}

type Found = tuple[Gateway, SafetyDevice, frozenset[str]]


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register every action."""
    handlers = {
        "acknowledge": _async_acknowledge,
        "reset": _async_reset,
        "cut_off": _async_cut_off,
        "restore": _async_restore,
        "silence": _async_press,
        "self_test": _async_press,
        "get_alarms": _async_get_alarms,
    }
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
    for alarm in alarms:
        _safety(call).book.acknowledge(alarm, call.context.user_id)
    return _alarms_response(call, alarms)


async def _async_reset(call: ServiceCall) -> ServiceResponse:
    who = await _async_person(call)
    alarms = await _async_alarms(call)
    present = [alarm for alarm in alarms if alarm.present]
    if present and ATTR_ALARM_ID in call.data:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="still_present",
            translation_placeholders={
                "device": present[0].device_name,
                "hazard": present[0].hazard,
            },
        )
    cleared = [alarm for alarm in alarms if not alarm.present]
    for alarm in cleared:
        _safety(call).book.reset(
            alarm, who, false_alarm=call.data[ATTR_FALSE_ALARM]
        )
    return {
        **_alarms_response(call, cleared),
        "still_present": [_describe(call, alarm) for alarm in present],
    }


async def _async_cut_off(call: ServiceCall) -> ServiceResponse:
    supplies = await _async_supplies(call)
    results = await _safety(call).cut_off.async_cut_off(
        supplies,
        alarm_id=call.data.get(ATTR_ALARM_ID),
        who=call.context.user_id,
        drill=call.data[ATTR_DRILL],
        deadline=call.data[ATTR_DEADLINE],
    )
    return _supplies_response(call, results)


async def _async_restore(call: ServiceCall) -> ServiceResponse:
    who = await _async_person(call)
    supplies = await _async_supplies(call)
    results = await _safety(call).cut_off.async_restore(supplies, who=who)
    return _supplies_response(call, results)


async def _async_press(call: ServiceCall) -> ServiceResponse:
    """Press silence or self-test on every device of the target that has it."""
    found = [
        (gateway, device)
        for gateway, device, _keys in await _async_target(call, POLICY_CONTROL)
        if call.service in device.commands
    ]
    if not found:
        raise ServiceValidationError(
            translation_domain=DOMAIN, translation_key="nothing_in_target"
        )
    answers: list[JsonValueType] = []
    for gateway, device in found:
        reason = None
        try:
            await gateway.async_press(device, call.service)
        except HomeAssistantError as err:
            reason = str(err)
            if not call.return_response:
                raise
        answers.append(
            {"device_id": device.device_id, "ok": reason is None, "reason": reason}
        )
    return {"devices": answers}


async def _async_get_alarms(call: ServiceCall) -> ServiceResponse:
    devices = {device.uid for _, device, _ in await _async_target(call, POLICY_READ)}
    whole_house = not TargetSelection(call.data).has_any_target
    if whole_house:
        # Also alarms of gateways that are not loaded just now.
        user = await _async_user(call)
        if user is None or user.permissions.access_all_entities(POLICY_READ):
            devices |= {alarm.device for alarm in _safety(call).book.open.values()}
    alarms = [alarm for alarm in _safety(call).book.open.values() if alarm.device in devices]
    if call.data[ATTR_HISTORY]:
        since: datetime | None = call.data.get(ATTR_SINCE)
        rows = await _safety(call).storage.async_history(
            dt_util.as_timestamp(since) if since else 0, time.time(), MOST_HISTORY
        )
        closed = (Alarm.from_dict(row) for row in rows)
        alarms += [alarm for alarm in closed if alarm.device in devices]
    hazards = call.data.get(ATTR_HAZARD)
    severities = call.data.get(ATTR_SEVERITY)
    return _alarms_response(
        call,
        [
            alarm
            for alarm in alarms
            if (not hazards or alarm.hazard in hazards)
            and (not severities or alarm.severity in severities)
        ],
    )


def _safety(call: ServiceCall) -> Safety:
    return call.hass.data[DATA_SAFETY]


async def _async_user(call: ServiceCall) -> User | None:
    """Return the calling user, None for an automation. Raises UnknownUser."""
    if call.context.user_id is None:
        return None
    if user := await call.hass.auth.async_get_user(call.context.user_id):
        return user
    raise UnknownUser(context=call.context)


async def _async_person(call: ServiceCall) -> str:
    """Return the id of the person who calls.

    Raises ServiceValidationError for an automation: it has no user, or it was itself
    set off by something (its context has a parent).
    """
    user = await _async_user(call)
    if user is None or user.system_generated or call.context.parent_id:
        raise ServiceValidationError(
            translation_domain=DOMAIN, translation_key="needs_person"
        )
    return user.id


async def _async_target(call: ServiceCall, policy: str) -> list[Found]:
    """Return the devices of the target, with the keys that it names one by one.

    Without a target it is the whole house. Raises Unauthorized if the caller may not
    control one of them; what it may not read is left out.
    """
    selection = TargetSelection(call.data)
    user = await _async_user(call)
    registry = er.async_get(call.hass)
    selected = async_extract_referenced_entity_ids(
        call.hass, selection, primary_entities_only=False
    )
    named: dict[str, set[str]] = {}
    for entity_id in selected.referenced | selected.indirectly_referenced:
        entry = registry.async_get(entity_id)
        if entry and entry.platform == DOMAIN:
            device_uid, _, key = entry.unique_id.rpartition("/")
            named.setdefault(device_uid, set()).add(key)
    found: list[Found] = []
    for gateway, device in _safety(call).devices():
        whole = (
            not selection.has_any_target
            or device.device_id in selected.referenced_devices
        )
        if not whole and device.uid not in named:
            continue
        if user and not _may(call.hass, user, device, policy):
            if policy == POLICY_READ:
                continue
            raise Unauthorized(
                context=call.context, permission=policy, user_id=user.id
            )
        found.append(
            (gateway, device, frozenset() if whole else frozenset(named[device.uid]))
        )
    return found


def _may(hass: HomeAssistant, user: User, device: SafetyDevice, policy: str) -> bool:
    """Return if a user may read or control every entity of a device."""
    if user.is_admin or user.permissions.access_all_entities(policy):
        return True
    entries = er.async_entries_for_device(
        er.async_get(hass), device.device_id or "", include_disabled_entities=True
    )
    return bool(entries) and all(
        user.permissions.check_entity(entry.entity_id, policy) for entry in entries
    )


async def _async_alarms(call: ServiceCall) -> list[Alarm]:
    """Return the open alarms of the target, or those that are named by their ids."""
    book = _safety(call).book
    ids: list[str] | None = call.data.get(ATTR_ALARM_ID)
    has_target = TargetSelection(call.data).has_any_target
    if ids is None and not has_target:
        raise ServiceValidationError(
            translation_domain=DOMAIN, translation_key="nothing_in_target"
        )
    devices = {device.uid for _, device, _ in await _async_target(call, POLICY_CONTROL)}
    alarms = [alarm for alarm in book.open.values() if alarm.device in devices]
    if ids is None:
        return alarms
    if missing := set(ids) - {alarm.id for alarm in alarms}:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="no_such_alarm",
            translation_placeholders={"alarm_id": ", ".join(sorted(missing))},
        )
    return [alarm for alarm in alarms if alarm.id in ids]


async def _async_supplies(call: ServiceCall) -> list[Supply]:
    """Return the supplies of the target. Raises ServiceValidationError without any."""
    if not TargetSelection(call.data).has_any_target:
        raise ServiceValidationError(
            translation_domain=DOMAIN, translation_key="nothing_in_target"
        )
    supplies = [
        Supply(gateway, device, key)
        for gateway, device, keys in await _async_target(call, POLICY_CONTROL)
        for key in device.supplies
        if not keys or key in keys
    ]
    if not supplies:
        raise ServiceValidationError(
            translation_domain=DOMAIN, translation_key="nothing_in_target"
        )
    return supplies


def _describe(call: ServiceCall, alarm: Alarm) -> dict[str, JsonValueType]:
    return {**describe(call.hass, alarm), "timeline": list(alarm.timeline)}


def _alarms_response(
    call: ServiceCall, alarms: Iterable[Alarm]
) -> dict[str, JsonValueType]:
    return {"alarms": [_describe(call, alarm) for alarm in alarms]}


def _supplies_response(
    call: ServiceCall, results: Iterable[Result]
) -> dict[str, Any]:
    registry = er.async_get(call.hass)
    return {
        "supplies": [
            {
                "entity_id": registry.async_get_entity_id(
                    "switch", DOMAIN, result.supply.id
                ),
                "device_id": result.supply.device.device_id,
                "status": result.status.value,
                "milliseconds": result.milliseconds,
                "proof": list(result.proof),
                "reason": result.reason,
            }
            for result in results
        ]
    }
