"""Who may see and change people, and that nothing of a call is written down elsewhere."""

from collections.abc import MutableMapping
from datetime import date
from functools import partial
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
import voluptuous as vol

from homeassistant.auth.models import User
from homeassistant.auth.permissions.const import POLICY_CONTROL
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import ServiceCall
from homeassistant.exceptions import ServiceValidationError, Unauthorized, UnknownUser
from homeassistant.helpers import device_registry as dr, entity_registry as er

from .const import DOMAIN
from .register import Register, RegisterConfigEntry
from .register.models import Lease, Person
from .register.queries import is_open

#: Fields that hold personal data. The event of a call, which the recorder keeps and a
#: script's trace stores, gets the mark in their place.
PERSONAL = (
    "name",
    "phone",
    "person",
    "push",
    "email",
    "notify",
    "webhook",
)
MARK = "**REDACTED**"


def sealed(schema: vol.Schema) -> vol.Schema:
    """Return a schema that takes the personal fields out of what was passed to it.

    Home Assistant fires an event with the data of every call as it was passed, and after
    the schema has seen it. So the schema is where it can be kept back.
    """

    def seal(data: Any) -> Any:
        if not isinstance(data, MutableMapping):
            raise vol.Invalid("expected a dictionary that can be redacted")
        whole = dict(data)
        for key in PERSONAL:
            if key in data:
                data[key] = MARK
        return schema(whole)

    return vol.Schema(seal)


async def async_authorize_unit(call: ServiceCall) -> tuple[Register, str]:
    """Return the unit that a call names by its device, with its register.

    Raises Unauthorized for a user who may not control all of its entities, and
    ServiceValidationError if there is no such unit.
    """
    device_id: str = call.data[ATTR_DEVICE_ID]
    device = dr.async_get(call.hass).async_get(device_id)
    user = await async_user(call)
    if user and not _may_control(call, user, device_id):
        raise Unauthorized(context=call.context, permission=POLICY_CONTROL)
    known = (
        {key for domain, key in device.identifiers if domain == DOMAIN}
        if device
        else set()
    )
    for register in registers(call):
        for unit_id in known & register.units.keys():
            return register, unit_id
    raise refused("no_such_unit")


async def async_authorize_person(call: ServiceCall) -> tuple[Register, str]:
    """Return the person that a call names, with their register.

    Raises Unauthorized for a user who may not control a unit of this person, and
    ServiceValidationError if there is no such person.
    """
    user = await async_user(call)
    person_id: str = call.data["person_id"]
    for register in registers(call):
        units = await register.async_read(
            partial(_units_of, person_id=person_id, today=register.today)
        )
        if units is None:
            continue
        if user and not user.is_admin:
            found = map(register.device_of, units)
            if not any(row and _may_control(call, user, row.id) for row in found):
                break
        return register, person_id
    if user and not user.is_admin:
        # Who may not ask does not learn either if there is such a person.
        raise Unauthorized(context=call.context, permission=POLICY_CONTROL)
    raise refused("no_such_person")


async def async_authorize_admin(call: ServiceCall) -> None:
    """Raise Unauthorized if the caller is not an administrator, or no person at all."""
    user = await async_user(call)
    if user is None:
        raise refused("needs_person")
    if not user.is_admin:
        raise Unauthorized(context=call.context)


def registers(call: ServiceCall) -> list[Register]:
    """Return the registers that are loaded."""
    return [
        entry.runtime_data
        for entry in call.hass.config_entries.async_loaded_entries(DOMAIN)
    ]


def register_of_entry(call: ServiceCall) -> Register:
    """Return the register of the property that a call names.

    Raises ServiceValidationError if there is none, or if it is not loaded.
    """
    entry: RegisterConfigEntry | None = call.hass.config_entries.async_get_entry(
        call.data["config_entry_id"]
    )
    if entry is None or entry.domain != DOMAIN:
        raise refused("no_such_property")
    if entry.state is not ConfigEntryState.LOADED:
        raise refused("property_not_loaded")
    return entry.runtime_data


def refused(key: str) -> ServiceValidationError:
    """Return the error of a call that asks for what is not there."""
    return ServiceValidationError(translation_domain=DOMAIN, translation_key=key)


async def async_user(call: ServiceCall) -> User | None:
    """Return the calling user, None for an automation. Raises UnknownUser."""
    if call.context.user_id is None:
        return None
    if user := await call.hass.auth.async_get_user(call.context.user_id):
        return user
    raise UnknownUser(context=call.context)


def _units_of(session: Session, person_id: str, today: date) -> list[str] | None:
    """Return the units of a person, without those they have left; None for nobody."""
    if session.get(Person, person_id) is None:
        return None
    query = select(Lease.unit_id).where(Lease.person_id == person_id, is_open(today))
    return list(session.scalars(query))


def _may_control(call: ServiceCall, user: User, device_id: str) -> bool:
    if user.is_admin:
        return True
    entities = [
        row.entity_id
        for row in er.async_entries_for_device(
            er.async_get(call.hass), device_id, include_disabled_entities=True
        )
        if row.platform == DOMAIN
    ]
    return bool(entities) and all(
        user.permissions.check_entity(entity_id, POLICY_CONTROL)
        for entity_id in entities
    )
