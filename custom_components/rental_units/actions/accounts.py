"""Actions about who may do what, and who has done it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import voluptuous as vol

from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import ServiceCall, ServiceResponse
from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util
from homeassistant.util.json import JsonValueType

from ..access import application_of_entry, unit_of_device
from ..app.accounts import GetRoles, GrantRole, RevokeRole
from ..app.policy import AccountRole
from ..app.reading import GetAudit
from ..app.work import refused
from .fields import ATTR_PERSON_ID, OF_ENTRY, Action, why


async def _async_grant_role(call: ServiceCall) -> ServiceResponse:
    application, data = application_of_entry(call), call.data
    if await call.hass.auth.async_get_user(data["user_id"]) is None:
        raise refused("no_such_user")
    command = GrantRole(
        data["user_id"], data["role"], data.get(ATTR_PERSON_ID), data.get("until")
    )
    grant_id = await application.async_do(command, call.context, why(call))
    await application.async_read_grants()
    return {"grant_id": grant_id}


async def _async_revoke_role(call: ServiceCall) -> ServiceResponse:
    application = application_of_entry(call)
    command = RevokeRole(call.data["grant_id"])
    await application.async_do(command, call.context, why(call))
    await application.async_read_grants()
    return {"grant_id": call.data["grant_id"]}


async def _async_get_roles(call: ServiceCall) -> ServiceResponse:
    rows = await application_of_entry(call).async_do(
        GetRoles(), call.context, why(call)
    )
    return {"roles": list[JsonValueType](rows)}


async def _async_get_audit(call: ServiceCall) -> ServiceResponse:
    application, data = application_of_entry(call), call.data
    until = data.get("until") or dt_util.now() + timedelta(seconds=1)
    since = data.get("since") or until - timedelta(days=30)
    unit_id = None
    if ATTR_DEVICE_ID in data:
        _, unit_id = unit_of_device(call, data[ATTR_DEVICE_ID])
    command = GetAudit(
        dt_util.as_utc(since).timestamp(),
        dt_util.as_utc(until).timestamp(),
        data.get(ATTR_PERSON_ID),
        unit_id,
        data.get("user_id"),
    )
    rows = await application.async_do(command, call.context, why(call))
    return {"audit": [dict(row) for row in rows]}


ACTIONS: Final[Mapping[str, Action]] = {
    "grant_role": Action(
        _async_grant_role,
        vol.Schema(
            {
                **OF_ENTRY,
                vol.Required("user_id"): cv.string,
                vol.Required("role"): vol.Coerce(AccountRole),
                vol.Optional(ATTR_PERSON_ID): cv.string,
                vol.Optional("until"): cv.date,
            }
        ),
    ),
    "revoke_role": Action(
        _async_revoke_role,
        vol.Schema(
            {
                **OF_ENTRY,
                vol.Required("grant_id"): cv.string,
            }
        ),
    ),
    "get_roles": Action(_async_get_roles, vol.Schema(OF_ENTRY), is_question=True),
    "get_audit": Action(
        _async_get_audit,
        vol.Schema(
            {
                **OF_ENTRY,
                vol.Optional("since"): cv.datetime,
                vol.Optional("until"): cv.datetime,
                vol.Optional(ATTR_PERSON_ID): cv.string,
                vol.Optional(ATTR_DEVICE_ID): cv.string,
                vol.Optional("user_id"): cv.string,
            }
        ),
        is_question=True,
    ),
}
