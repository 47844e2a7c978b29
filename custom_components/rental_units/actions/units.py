"""Actions about units."""

from collections.abc import Mapping
from typing import Any, Final

import voluptuous as vol

from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import ServiceCall, ServiceResponse
from homeassistant.helpers import config_validation as cv

from ..access import application_of_entry, unit_of_device
from ..app.application import Application
from ..app.reading import GetUnit
from ..app.units import AddUnit, RemoveUnit, RestoreUnit, UpdateUnit, WrittenUnit
from ..app.work import Command
from ..const import Letting, Reason
from ..register.units import UNIT_FIELDS
from .fields import ATTR_REASON, OF_ENTRY, REASON, TEXT, Action, Fields, why

ATTR_REVEAL = "reveal"

_UNIT: Final[Fields] = {
    vol.Optional("stairwell"): TEXT,
    vol.Optional("address"): TEXT,
    vol.Optional("area_id"): cv.string,
    vol.Optional("rooms"): vol.All(vol.Coerce(int), vol.Range(min=1, max=99)),
    vol.Optional("letting"): vol.Any("", vol.Coerce(Letting)),
}


async def _async_get_unit(call: ServiceCall) -> ServiceResponse:
    application, unit_id = unit_of_device(call, call.data[ATTR_DEVICE_ID])
    command = GetUnit(unit_id, call.data[ATTR_REVEAL])
    found = await application.async_do(command, call.context, why(call))
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
    written = await application.async_do(command, call.context, why(call))
    device = application.register.devices.of(written.unit_id)
    return {
        "unit_id": written.unit_id,
        "device_id": device.id if device else None,
        "version": written.version,
        "command_id": written.command_id,
    }


ACTIONS: Final[Mapping[str, Action]] = {
    "get_unit": Action(
        _async_get_unit,
        vol.Schema(
            {
                vol.Required(ATTR_DEVICE_ID): cv.string,
                vol.Optional(ATTR_REVEAL, default=False): cv.boolean,
                vol.Required(ATTR_REASON): vol.Coerce(Reason),
            }
        ),
        is_question=True,
    ),
    "add_unit": Action(
        _async_add_unit,
        vol.Schema(
            {
                **OF_ENTRY,
                vol.Required("building"): TEXT,
                vol.Required("number"): TEXT,
                **_UNIT,
            }
        ),
    ),
    "update_unit": Action(
        _async_update_unit,
        vol.Schema(
            {
                vol.Required(ATTR_DEVICE_ID): cv.string,
                vol.Optional("building"): TEXT,
                vol.Optional("number"): TEXT,
                **_UNIT,
                vol.Optional("version"): cv.positive_int,
                **REASON,
            }
        ),
    ),
    "remove_unit": Action(
        _async_remove_unit,
        vol.Schema(
            {
                vol.Required(ATTR_DEVICE_ID): cv.string,
                vol.Optional("with_people", default=False): cv.boolean,
                **REASON,
            }
        ),
    ),
    "restore_unit": Action(
        _async_restore_unit,
        vol.Schema(
            {
                **OF_ENTRY,
                vol.Required("unit_id"): cv.string,
            }
        ),
    ),
}
