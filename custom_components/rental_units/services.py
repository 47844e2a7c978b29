"""The actions. Each reads or changes people, asks who may, and writes down who did."""

from collections.abc import Callable, Coroutine
from datetime import date, time
from typing import Any

from sqlalchemy.orm import Session
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
from homeassistant.util.json import JsonValueType

from .access import (
    async_authorize_admin,
    async_authorize_person,
    async_authorize_unit,
    refused,
    sealed,
)
from .const import DOMAIN, LANGUAGES, Channel, Reason, Role
from .forms import default_language
from .register import queries
from .register.households import check_order
from .register.models import Lease, Person, Unit
from .register.people import PHONE_CHANNELS, mask, parse_contact
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
    vol.Optional("phone"): _TEXT,
    vol.Optional("channels"): vol.All(
        cv.ensure_list, [vol.In([str(channel) for channel in PHONE_CHANNELS])]
    ),
    vol.Optional("person"): vol.Any("", cv.entity_domain("person")),
    vol.Optional("push"): _TEXT,
    vol.Optional("email"): _TEXT,
    vol.Optional("notify"): _TEXT,
    vol.Optional("webhook"): _TEXT,
    vol.Optional("language"): vol.In(LANGUAGES),
    vol.Inclusive("quiet_from", "quiet"): cv.time,
    vol.Inclusive("quiet_until", "quiet"): cv.time,
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
            vol.Required("name"): vol.All(_TEXT, vol.Length(min=1)),
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
    "import_register": vol.Schema(
        {
            **_file("csv|txt|xlsx"),
            **_REGISTER,
            vol.Optional("dry_run", default=True): cv.boolean,
        }
    ),
    "export_register": vol.Schema({**_file("csv|xlsx"), **_REGISTER}),
    "erase_person": vol.Schema({vol.Required(ATTR_PERSON_ID): cv.string, **_REASON}),
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
        "import_register": _async_import,
        "export_register": _async_export,
        "erase_person": _async_erase_person,
    }
    answers = {"get_unit", "import_register", "export_register"}
    for name, handler in handlers.items():
        hass.services.async_register(
            DOMAIN,
            name,
            handler,
            sealed(SCHEMAS[name]),
            SupportsResponse.ONLY if name in answers else SupportsResponse.OPTIONAL,
        )


async def _async_check_in(call: ServiceCall) -> ServiceResponse:
    register, unit_id = await async_authorize_unit(call)
    contact = parse_contact(call.data, call.hass.config.country)
    today, language = register.today, default_language(call.hass)
    start, end = call.data.get("start", today), call.data.get("end")
    check_order(start, end)

    def write(session: Session) -> tuple[str, str]:
        queries.put_unit(session, unit_id)
        person = queries.put_person(session, contact, language)
        lease = queries.put_lease(
            session,
            unit_id,
            person.id,
            call.data["role"],
            start=start,
            end=end,
            today=today,
        )
        _audit(session, call, unit_id, person.id)
        return person.id, lease.id

    person_id, lease_id = await register.async_run(write)
    await register.async_refresh([unit_id])
    return {"person_id": person_id, "lease_id": lease_id}


async def _async_check_out(call: ServiceCall) -> ServiceResponse:
    register, unit_id = await async_authorize_unit(call)
    who_leaves = call.data.get(ATTR_PERSON_ID)
    today = register.today
    day: date = call.data.get("date", today)

    def write(session: Session) -> list[str]:
        left = [
            lease
            for lease in queries.leases_of(session, unit_id, today)
            if lease.person_id == who_leaves
            or (who_leaves is None and lease.role == Role.TENANT)
        ]
        if not left:
            raise refused("nobody_to_check_out")
        for lease in left:
            lease.left_on = day
            _audit(session, call, unit_id, lease.person_id)
        return [lease.person_id for lease in left]

    people = await register.async_run(write)
    await register.async_refresh([unit_id])
    return {"people": list[JsonValueType](people)}


async def _async_update_contact(call: ServiceCall) -> ServiceResponse:
    register, person_id = await async_authorize_person(call)
    contact = parse_contact(call.data, call.hass.config.country)

    def write(session: Session) -> list[str]:
        person = session.get_one(Person, person_id)
        contact.apply(person)
        _audit(session, call, None, person_id)
        return [lease.unit_id for lease in person.leases]

    await register.async_refresh(await register.async_run(write))
    return {"person_id": person_id}


async def _async_get_unit(call: ServiceCall) -> ServiceResponse:
    register, unit_id = await async_authorize_unit(call)
    reveal, today = call.data[ATTR_REVEAL], register.today

    def read(session: Session) -> tuple[str, list[Lease]]:
        unit = session.get(Unit, unit_id)
        leases = queries.leases_of(session, unit_id, today)
        _audit(session, call, unit_id)
        for person_id in {lease.person_id for lease in leases}:
            _audit(session, call, unit_id, person_id)
        return unit.address if unit else "", list(leases)

    address, leases = await register.async_run(read)
    unit = register.units[unit_id]
    return {
        "unit_id": unit_id,
        "name": unit.title,
        "building": unit.building,
        "stairwell": unit.stairwell,
        "number": unit.number,
        "address": address,
        "area_id": unit.area_id,
        "rooms": unit.rooms,
        "letting": unit.letting,
        "people": [_describe(lease, reveal) for lease in leases],
    }


async def _async_erase_person(call: ServiceCall) -> ServiceResponse:
    await async_authorize_admin(call)
    register, person_id = await async_authorize_person(call)

    def write(session: Session) -> list[str]:
        person = session.get_one(Person, person_id)
        units = [lease.unit_id for lease in person.leases]
        session.delete(person)
        _audit(session, call, None, person_id)
        return units

    units = await register.async_run(write)
    # The log file beside the database holds the pages of before.
    await register.database.async_checkpoint()
    await register.async_refresh(units)
    return {"person_id": person_id}


async def _async_import(call: ServiceCall) -> ServiceResponse:
    await async_authorize_admin(call)
    return await async_import(call, lambda session: _audit(session, call))


async def _async_export(call: ServiceCall) -> ServiceResponse:
    await async_authorize_admin(call)
    return await async_export(call, lambda session: _audit(session, call))


def _audit(
    session: Session,
    call: ServiceCall,
    unit_id: str | None = None,
    person_id: str | None = None,
) -> None:
    queries.audit(
        session,
        call.context.user_id,
        f"{call.service}_revealed" if call.data.get(ATTR_REVEAL) else call.service,
        call.data[ATTR_REASON],
        unit_id=unit_id,
        person_id=person_id,
    )


def _describe(lease: Lease, reveal: bool) -> dict[str, JsonValueType]:
    person = lease.person
    return {
        "person_id": person.id,
        "name": person.name,
        "language": person.language,
        "role": lease.role,
        "start": lease.start.isoformat() if lease.start else None,
        "end": lease.end.isoformat() if lease.end else None,
        "addresses": [
            {
                "channel": row.channel,
                "target": row.target if reveal else mask(row.target),
                "language": row.language or person.language,
                "quiet_from": _hour(row.quiet_from),
                "quiet_until": _hour(row.quiet_until),
            }
            for row in person.addresses
        ],
    }


def _hour(hour: time | None) -> str | None:
    return hour.isoformat() if hour else None
