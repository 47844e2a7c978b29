"""Actions about who lives where, and since when."""

from collections.abc import Mapping
from typing import Final

import voluptuous as vol

from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import ServiceCall, ServiceResponse
from homeassistant.helpers import config_validation as cv
from homeassistant.util.json import JsonValueType

from ..access import async_first, unit_of_device
from ..app.tenancy import (
    CheckIn,
    CheckOut,
    CorrectLease,
    Move,
    RenewLease,
    Undo,
    Written,
)
from ..app.work import Command, refused
from ..const import Role
from ..register.people import parse_contact
from .fields import ATTR_PERSON_ID, CONTACT, REASON, TEXT, Action, Fields, why

_LEASE: Final[Fields] = {
    vol.Required("lease_id"): cv.string,
    vol.Optional("version"): cv.positive_int,
    **REASON,
}


async def _async_check_in(call: ServiceCall) -> ServiceResponse:
    application, unit_id = unit_of_device(call, call.data[ATTR_DEVICE_ID])
    data = call.data
    if not (data.get("name") or data.get(ATTR_PERSON_ID)):
        raise refused("name_missing")
    written = await application.async_do(
        CheckIn(
            unit_id,
            parse_contact(data, call.hass.config.country),
            data["role"],
            data.get("start"),
            data.get("end"),
            data.get(ATTR_PERSON_ID),
        ),
        call.context,
        why(call),
    )
    return {
        **_answer(written),
        "person_id": written.people[0],
        "lease_id": written.leases[0],
    }


async def _async_check_out(call: ServiceCall) -> ServiceResponse:
    application, unit_id = unit_of_device(call, call.data[ATTR_DEVICE_ID])
    command = CheckOut(
        unit_id,
        call.data.get("date", application.register.today),
        call.data.get(ATTR_PERSON_ID),
        call.data["everyone"],
        role=call.data.get("role"),
    )
    return _answer(await application.async_do(command, call.context, why(call)))


async def _async_renew_lease(call: ServiceCall) -> ServiceResponse:
    data = call.data
    command = RenewLease(
        data["lease_id"], data["end"], data.get("start"), data.get("version")
    )
    return await _async_of_lease(call, command)


async def _async_correct_lease(call: ServiceCall) -> ServiceResponse:
    data = call.data
    dates = {key: data[key] for key in ("start", "end") if key in data}
    if data["open_end"]:
        dates["end"] = None
    command = CorrectLease(data["lease_id"], dates, data.get("version"))
    return await _async_of_lease(call, command)


async def _async_move(call: ServiceCall) -> ServiceResponse:
    data = call.data
    application, unit_id = unit_of_device(call, data[ATTR_DEVICE_ID])
    command = Move(
        data["lease_id"],
        unit_id,
        data.get("date", application.register.today),
        data.get("end"),
        data.get("version"),
    )
    return _answer(await application.async_do(command, call.context, why(call)))


async def _async_undo(call: ServiceCall) -> ServiceResponse:
    command = Undo(call.data["command_id"])
    written = await async_first(
        call,
        lambda row: row.async_do(command, call.context, why(call)),
        "nothing_to_undo",
    )
    return _answer(written)


async def _async_of_lease(
    call: ServiceCall, command: Command[Written]
) -> ServiceResponse:
    written = await async_first(
        call,
        lambda row: row.async_do(command, call.context, why(call)),
        "no_such_lease",
    )
    return _answer(written)


def _answer(written: Written) -> dict[str, JsonValueType]:
    """Return what a command about leases has done, and how to undo it."""
    return {
        "people": list[JsonValueType](written.people),
        "leases": list[JsonValueType](written.leases),
        "command_id": written.command_id,
    }


ACTIONS: Final[Mapping[str, Action]] = {
    "check_in": Action(
        _async_check_in,
        vol.Schema(
            {
                vol.Required(ATTR_DEVICE_ID): cv.string,
                vol.Exclusive("name", "who"): vol.All(TEXT, vol.Length(min=1)),
                vol.Exclusive(ATTR_PERSON_ID, "who"): cv.string,
                **CONTACT,
                vol.Optional("role", default=Role.TENANT): vol.Coerce(Role),
                vol.Optional("start"): cv.date,
                vol.Optional("end"): cv.date,
                **REASON,
            }
        ),
    ),
    "check_out": Action(
        _async_check_out,
        vol.Schema(
            {
                vol.Required(ATTR_DEVICE_ID): cv.string,
                vol.Optional(ATTR_PERSON_ID): cv.string,
                vol.Optional("everyone", default=False): cv.boolean,
                vol.Optional("role"): vol.Coerce(Role),
                vol.Optional("date"): cv.date,
                **REASON,
            }
        ),
    ),
    "renew_lease": Action(
        _async_renew_lease,
        vol.Schema(
            {
                **_LEASE,
                vol.Optional("start"): cv.date,
                vol.Required("end"): cv.date,
            }
        ),
    ),
    "correct_lease": Action(
        _async_correct_lease,
        vol.Schema(
            {
                **_LEASE,
                vol.Optional("start"): cv.date,
                vol.Optional("end"): cv.date,
                vol.Optional("open_end", default=False): cv.boolean,
            }
        ),
    ),
    "move": Action(
        _async_move,
        vol.Schema(
            {
                **_LEASE,
                vol.Required(ATTR_DEVICE_ID): cv.string,
                vol.Optional("date"): cv.date,
                vol.Optional("end"): cv.date,
            }
        ),
    ),
    "undo": Action(
        _async_undo, vol.Schema({vol.Required("command_id"): cv.string, **REASON})
    ),
}
