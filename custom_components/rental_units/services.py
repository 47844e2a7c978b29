"""The actions. Each reads or changes people, asks who may, and writes down who did."""

from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

import voluptuous as vol

from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util
from homeassistant.util.json import JsonValueType

from .access import application_of_entry, async_first, sealed, unit_of_device
from .app.accounts import GetRoles, GrantRole, RevokeRole
from .app.application import Application
from .app.policy import AccountRole
from .app.reading import GetAudit, GetUnit
from .app.tenancy import (
    CheckIn,
    CheckOut,
    CorrectLease,
    ErasePerson,
    MergePeople,
    Move,
    RenewLease,
    Undo,
    UpdateContact,
    Written,
)
from .app.units import AddUnit, RemoveUnit, RestoreUnit, UpdateUnit, WrittenUnit
from .app.work import Command, refused
from .const import DOMAIN, LANGUAGES, Channel, Letting, Reason, Role
from .register.addresses import KINDS, PHONE_CHANNELS
from .register.people import parse_contact
from .register.units import UNIT_FIELDS
from .transfer.actions import async_export, async_import

ATTR_CONFIG_ENTRY_ID = "config_entry_id"
ATTR_PERSON_ID = "person_id"
ATTR_REASON = "reason"
ATTR_REVEAL = "reveal"

_REASON: dict[vol.Marker, Any] = {
    vol.Optional(ATTR_REASON, default=Reason.MANAGEMENT): vol.Coerce(Reason)
}
_TEXT = vol.All(cv.string, vol.Length(max=500))
_CONTACT: dict[vol.Marker, Any] = {
    **{vol.Optional(kind.key): _TEXT for kind in KINDS},
    vol.Optional("channels"): vol.All(
        cv.ensure_list, [vol.In([str(channel) for channel in PHONE_CHANNELS])]
    ),
    vol.Optional("language"): vol.In(LANGUAGES),
    vol.Inclusive("quiet_from", "quiet"): cv.time,
    vol.Inclusive("quiet_until", "quiet"): cv.time,
}
_LEASE: dict[vol.Marker, Any] = {
    vol.Required("lease_id"): cv.string,
    vol.Optional("version"): cv.positive_int,
    **_REASON,
}
_UNIT: dict[vol.Marker, Any] = {
    vol.Optional("stairwell"): _TEXT,
    vol.Optional("address"): _TEXT,
    vol.Optional("area_id"): cv.string,
    vol.Optional("rooms"): vol.All(vol.Coerce(int), vol.Range(min=1, max=99)),
    vol.Optional("letting"): vol.Any("", vol.Coerce(Letting)),
}
_REGISTER: dict[vol.Marker, Any] = {
    vol.Required(ATTR_CONFIG_ENTRY_ID): cv.string,
    vol.Optional("language"): vol.In(LANGUAGES),
    **_REASON,
}


def _file(endings: str) -> dict[vol.Marker, Any]:
    """Return the field of a file's name: a name only, no path."""
    name = rf"\w[\w .()（）-]*\.(?i:{endings})\Z"
    return {vol.Required("file"): vol.All(cv.string, vol.Match(name))}


SCHEMAS: dict[str, vol.Schema] = {
    "check_in": vol.Schema(
        {
            vol.Required(ATTR_DEVICE_ID): cv.string,
            vol.Exclusive("name", "who"): vol.All(_TEXT, vol.Length(min=1)),
            vol.Exclusive(ATTR_PERSON_ID, "who"): cv.string,
            **_CONTACT,
            vol.Optional("role", default=Role.TENANT): vol.Coerce(Role),
            vol.Optional("start"): cv.date,
            vol.Optional("end"): cv.date,
            **_REASON,
        }
    ),
    "check_out": vol.Schema(
        {
            vol.Required(ATTR_DEVICE_ID): cv.string,
            vol.Optional(ATTR_PERSON_ID): cv.string,
            vol.Optional("everyone", default=False): cv.boolean,
            vol.Optional("date"): cv.date,
            **_REASON,
        }
    ),
    "update_contact": vol.Schema(
        {
            vol.Required(ATTR_PERSON_ID): cv.string,
            vol.Optional("name"): vol.All(_TEXT, vol.Length(min=1)),
            **_CONTACT,
            vol.Optional("only"): vol.All(
                cv.ensure_list, [vol.In([str(channel) for channel in Channel])]
            ),
            **_REASON,
        }
    ),
    "get_unit": vol.Schema(
        {
            vol.Required(ATTR_DEVICE_ID): cv.string,
            vol.Optional(ATTR_REVEAL, default=False): cv.boolean,
            vol.Required(ATTR_REASON): vol.Coerce(Reason),
        }
    ),
    "add_unit": vol.Schema(
        {
            vol.Required(ATTR_CONFIG_ENTRY_ID): cv.string,
            vol.Required("building"): _TEXT,
            vol.Required("number"): _TEXT,
            **_UNIT,
            **_REASON,
        }
    ),
    "update_unit": vol.Schema(
        {
            vol.Required(ATTR_DEVICE_ID): cv.string,
            vol.Optional("building"): _TEXT,
            vol.Optional("number"): _TEXT,
            **_UNIT,
            vol.Optional("version"): cv.positive_int,
            **_REASON,
        }
    ),
    "remove_unit": vol.Schema(
        {
            vol.Required(ATTR_DEVICE_ID): cv.string,
            vol.Optional("with_people", default=False): cv.boolean,
            **_REASON,
        }
    ),
    "restore_unit": vol.Schema(
        {
            vol.Required(ATTR_CONFIG_ENTRY_ID): cv.string,
            vol.Required("unit_id"): cv.string,
            **_REASON,
        }
    ),
    "import_register": vol.Schema(
        {
            **_file("csv|txt|xlsx"),
            **_REGISTER,
            vol.Optional("dry_run", default=True): cv.boolean,
        }
    ),
    "export_register": vol.Schema({**_file("csv|xlsx"), **_REGISTER}),
    "erase_person": vol.Schema(
        {
            vol.Required(ATTR_PERSON_ID): cv.string,
            vol.Optional("even_in_alert", default=False): cv.boolean,
            **_REASON,
        }
    ),
    "renew_lease": vol.Schema(
        {
            **_LEASE,
            vol.Optional("start"): cv.date,
            vol.Required("end"): cv.date,
        }
    ),
    "correct_lease": vol.Schema(
        vol.All(
            {
                **_LEASE,
                vol.Optional("start"): cv.date,
                vol.Optional("end"): cv.date,
                vol.Optional("open_end", default=False): cv.boolean,
            },
        )
    ),
    "move": vol.Schema(
        {
            **_LEASE,
            vol.Required(ATTR_DEVICE_ID): cv.string,
            vol.Optional("date"): cv.date,
            vol.Optional("end"): cv.date,
        }
    ),
    "undo": vol.Schema({vol.Required("command_id"): cv.string, **_REASON}),
    "merge_people": vol.Schema(
        {
            vol.Required(ATTR_PERSON_ID): cv.string,
            vol.Required("duplicate_id"): cv.string,
            **_REASON,
        }
    ),
    "get_audit": vol.Schema(
        {
            vol.Required(ATTR_CONFIG_ENTRY_ID): cv.string,
            vol.Optional("since"): cv.datetime,
            vol.Optional("until"): cv.datetime,
            vol.Optional(ATTR_PERSON_ID): cv.string,
            vol.Optional(ATTR_DEVICE_ID): cv.string,
            vol.Optional("user_id"): cv.string,
            **_REASON,
        }
    ),
    "grant_role": vol.Schema(
        {
            vol.Required(ATTR_CONFIG_ENTRY_ID): cv.string,
            vol.Required("user_id"): cv.string,
            vol.Required("role"): vol.Coerce(AccountRole),
            vol.Optional(ATTR_PERSON_ID): cv.string,
            **_REASON,
        }
    ),
    "revoke_role": vol.Schema(
        {
            vol.Required(ATTR_CONFIG_ENTRY_ID): cv.string,
            vol.Required("grant_id"): cv.string,
            **_REASON,
        }
    ),
    "rotate_key": vol.Schema(
        {vol.Required(ATTR_CONFIG_ENTRY_ID): cv.string, **_REASON}
    ),
    "get_roles": vol.Schema({vol.Required(ATTR_CONFIG_ENTRY_ID): cv.string, **_REASON}),
}


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register every action."""
    handlers: dict[
        str, Callable[[ServiceCall], Coroutine[Any, Any, ServiceResponse]]
    ] = {
        "check_in": _async_check_in,
        "check_out": _async_check_out,
        "update_contact": _async_update_contact,
        "get_unit": _async_get_unit,
        "add_unit": _async_add_unit,
        "update_unit": _async_update_unit,
        "remove_unit": _async_remove_unit,
        "restore_unit": _async_restore_unit,
        "import_register": async_import,
        "export_register": async_export,
        "erase_person": _async_erase_person,
        "renew_lease": _async_renew_lease,
        "correct_lease": _async_correct_lease,
        "move": _async_move,
        "undo": _async_undo,
        "merge_people": _async_merge_people,
        "get_audit": _async_get_audit,
        "grant_role": _async_grant_role,
        "revoke_role": _async_revoke_role,
        "get_roles": _async_get_roles,
        "rotate_key": _async_rotate_key,
    }
    answers = {
        *("get_unit", "get_audit", "get_roles"),
        *("import_register", "export_register"),
    }
    for name, handler in handlers.items():
        hass.services.async_register(
            DOMAIN,
            name,
            handler,
            sealed(SCHEMAS[name]),
            SupportsResponse.ONLY if name in answers else SupportsResponse.OPTIONAL,
        )


def _why(call: ServiceCall) -> Reason:
    reason: Reason = call.data[ATTR_REASON]
    return reason


def _answer(written: Written) -> dict[str, JsonValueType]:
    """Return what a command about leases has done, and how to undo it."""
    return {
        "people": list[JsonValueType](written.people),
        "leases": list[JsonValueType](written.leases),
        "command_id": written.command_id,
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
        _why(call),
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
    )
    return _answer(await application.async_do(command, call.context, _why(call)))


async def _async_update_contact(call: ServiceCall) -> ServiceResponse:
    command = UpdateContact(
        call.data[ATTR_PERSON_ID], parse_contact(call.data, call.hass.config.country)
    )
    return {"person_id": await _async_of_person(call, command)}


async def _async_of_person[T](call: ServiceCall, command: Command[T]) -> T:
    return await async_first(
        call,
        lambda row: row.async_do(command, call.context, _why(call)),
        "no_such_person",
    )


async def _async_of_lease(
    call: ServiceCall, command: Command[Written]
) -> ServiceResponse:
    written = await async_first(
        call,
        lambda row: row.async_do(command, call.context, _why(call)),
        "no_such_lease",
    )
    return _answer(written)


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
    return _answer(await application.async_do(command, call.context, _why(call)))


async def _async_undo(call: ServiceCall) -> ServiceResponse:
    command = Undo(call.data["command_id"])
    written = await async_first(
        call,
        lambda row: row.async_do(command, call.context, _why(call)),
        "nothing_to_undo",
    )
    return _answer(written)


async def _async_merge_people(call: ServiceCall) -> ServiceResponse:
    command = MergePeople(call.data[ATTR_PERSON_ID], call.data["duplicate_id"])
    return {"person_id": await _async_of_person(call, command)}


async def _async_get_unit(call: ServiceCall) -> ServiceResponse:
    application, unit_id = unit_of_device(call, call.data[ATTR_DEVICE_ID])
    command = GetUnit(unit_id, call.data[ATTR_REVEAL])
    found = await application.async_do(command, call.context, _why(call))
    unit = application.register.units[unit_id]
    return {
        "unit_id": unit_id,
        "name": unit.title,
        "building": unit.building,
        "stairwell": unit.stairwell,
        "number": unit.number,
        "area_id": unit.area_id,
        "rooms": unit.rooms,
        "letting": unit.letting,
        **found,
    }


async def _async_add_unit(call: ServiceCall) -> ServiceResponse:
    command = AddUnit(_fields(call), call.data.get("address", ""))
    return await _async_of_unit(call, application_of_entry(call), command)


async def _async_update_unit(call: ServiceCall) -> ServiceResponse:
    application, unit_id = unit_of_device(call, call.data[ATTR_DEVICE_ID])
    command = UpdateUnit(
        unit_id, _fields(call), call.data.get("address"), call.data.get("version")
    )
    return await _async_of_unit(call, application, command)


async def _async_remove_unit(call: ServiceCall) -> ServiceResponse:
    application, unit_id = unit_of_device(call, call.data[ATTR_DEVICE_ID])
    command = RemoveUnit(unit_id, call.data["with_people"])
    return await _async_of_unit(call, application, command)


async def _async_restore_unit(call: ServiceCall) -> ServiceResponse:
    command = RestoreUnit(call.data["unit_id"])
    return await _async_of_unit(call, application_of_entry(call), command)


def _fields(call: ServiceCall) -> dict[str, Any]:
    """Return what a call says of a unit; an empty field is emptied."""
    return {key: call.data[key] for key in UNIT_FIELDS if key in call.data}


async def _async_of_unit(
    call: ServiceCall, application: Application, command: Command[WrittenUnit]
) -> ServiceResponse:
    """Carry out a command about a unit; one that is removed has no device any more."""
    written = await application.async_do(command, call.context, _why(call))
    device = application.register.devices.of(written.unit_id)
    return {
        "unit_id": written.unit_id,
        "device_id": device.id if device else None,
        "version": written.version,
        "command_id": written.command_id,
    }


async def _async_erase_person(call: ServiceCall) -> ServiceResponse:
    person_id: str = call.data[ATTR_PERSON_ID]

    async def erase(application: Application) -> str:
        erased = await application.async_do(
            ErasePerson(person_id, call.data["even_in_alert"]), call.context, _why(call)
        )
        # The log file beside the database holds the pages of before.
        await application.register.database.async_checkpoint()
        files.extend(await application.async_remove_files(call.context))
        return erased

    files: list[JsonValueType] = []
    person = await async_first(call, erase, "no_such_person")
    return {"person_id": person, "files_removed": files}


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
    rows = await application.async_do(command, call.context, _why(call))
    return {"audit": [dict(row) for row in rows]}


async def _async_grant_role(call: ServiceCall) -> ServiceResponse:
    application, data = application_of_entry(call), call.data
    if await call.hass.auth.async_get_user(data["user_id"]) is None:
        raise refused("no_such_user")
    command = GrantRole(data["user_id"], data["role"], data.get(ATTR_PERSON_ID))
    grant_id = await application.async_do(command, call.context, _why(call))
    await application.async_read_grants()
    return {"grant_id": grant_id}


async def _async_revoke_role(call: ServiceCall) -> ServiceResponse:
    application = application_of_entry(call)
    command = RevokeRole(call.data["grant_id"])
    await application.async_do(command, call.context, _why(call))
    await application.async_read_grants()
    return {"grant_id": call.data["grant_id"]}


async def _async_get_roles(call: ServiceCall) -> ServiceResponse:
    rows = await application_of_entry(call).async_do(
        GetRoles(), call.context, _why(call)
    )
    return {"roles": list[JsonValueType](rows)}


async def _async_rotate_key(call: ServiceCall) -> ServiceResponse:
    lost = await application_of_entry(call).async_rotate_key(call.context, _why(call))
    return {"unreadable_rows": lost}
