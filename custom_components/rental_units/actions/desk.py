"""Actions of a desk's queue: a button gives a number, another calls the next."""

from collections.abc import Mapping
from typing import Final

import voluptuous as vol

from homeassistant.core import ServiceCall, ServiceResponse
from homeassistant.helpers import config_validation as cv

from ..access import desk_of_device
from ..app.desk import CallNumber, TakeNumber
from .fields import REASON, Action, Fields, why

_DESK: Final[Fields] = {vol.Required("device_id"): cv.string, **REASON}


async def _async_take(call: ServiceCall) -> ServiceResponse:
    application, desk_id = desk_of_device(call, call.data["device_id"])
    command = TakeNumber(desk_id, (desk_id,))
    return {"number": await application.async_do(command, call.context, why(call))}


async def _async_call(call: ServiceCall) -> ServiceResponse:
    application, desk_id = desk_of_device(call, call.data["device_id"])
    command = CallNumber(desk_id, (desk_id,), is_absent=call.data["absent"])
    return {"number": await application.async_do(command, call.context, why(call))}


ACTIONS: Final[Mapping[str, Action]] = {
    "take_number": Action(_async_take, vol.Schema(_DESK)),
    "call_number": Action(
        _async_call,
        vol.Schema({**_DESK, vol.Optional("absent", default=False): cv.boolean}),
    ),
}
