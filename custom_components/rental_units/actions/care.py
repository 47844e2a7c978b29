"""Actions about watches for signs of life: what a button, a voice or a calendar says for somebody."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import voluptuous as vol

from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import ServiceCall, ServiceResponse
from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util

from ..access import async_first, unit_of_device
from ..app.application import Application
from ..care.watch import Answer
from ..care_work import Desk
from .fields import ATTR_PERSON_ID, REASON, Action, Fields, why

_WHOSE: Final[Fields] = {
    vol.Exclusive(ATTR_DEVICE_ID, "whose"): cv.string,
    vol.Exclusive(ATTR_PERSON_ID, "whose"): cv.string,
    **REASON,
}
_UNTIL: Final[Fields] = {vol.Optional("until"): cv.datetime}

type _Do = Callable[[Desk, str], Awaitable[None]]


def _schema(fields: Fields) -> vol.Schema:
    return vol.Schema(
        vol.All(
            {**_WHOSE, **fields},
            cv.has_at_least_one_key(ATTR_DEVICE_ID, ATTR_PERSON_ID),
        )
    )


async def _async_of(call: ServiceCall, command: str, do: _Do) -> ServiceResponse:
    """Do something about the watch that a call names: by its person, or by their unit."""

    async def of_property(application: Application) -> None:
        desk = Desk(call.hass, application, call.context, why(call))
        watch_id = await desk.async_find(
            command, call.data.get(ATTR_PERSON_ID), unit_id
        )
        await do(desk, watch_id)

    unit_id: str | None = None
    if ATTR_DEVICE_ID in call.data:
        application, unit_id = unit_of_device(call, call.data[ATTR_DEVICE_ID])
        await of_property(application)
    else:
        await async_first(call, of_property, "no_such_watch")
    # An answer is in the traces of a script: nobody is in it, nor how it stands with them.
    return {"done": True}


def _until(call: ServiceCall) -> float | None:
    until = call.data.get("until")
    return dt_util.as_utc(until).timestamp() if until else None


async def _async_answer(call: ServiceCall) -> ServiceResponse:
    return await _async_of(
        call,
        "care_answer",
        lambda desk, key: desk.async_answer(key, call.data["answer"]),
    )


async def _async_away(call: ServiceCall) -> ServiceResponse:
    return await _async_of(
        call,
        "care_away",
        lambda desk, key: desk.async_away(key, _until(call), back=call.data["back"]),
    )


async def _async_pause(call: ServiceCall) -> ServiceResponse:
    return await _async_of(
        call, "care_pause", lambda desk, key: desk.async_pause(key, _until(call))
    )


async def _async_guests(call: ServiceCall) -> ServiceResponse:
    return await _async_of(
        call, "care_guests", lambda desk, key: desk.async_guests(key, _until(call))
    )


ACTIONS: Final[Mapping[str, Action]] = {
    "care_answer": Action(
        _async_answer,
        _schema({vol.Required("answer"): vol.Coerce(Answer)}),
        is_sealed=True,
    ),
    "care_away": Action(
        _async_away,
        _schema({**_UNTIL, vol.Optional("back", default=False): cv.boolean}),
        is_sealed=True,
    ),
    "care_pause": Action(_async_pause, _schema(_UNTIL), is_sealed=True),
    "care_guests": Action(_async_guests, _schema(_UNTIL), is_sealed=True),
}
