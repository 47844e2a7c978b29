"""What a call names, and that nothing personal of it is written down elsewhere."""

from collections.abc import Awaitable, Callable, Collection, MutableMapping
from typing import Any

import voluptuous as vol

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import ServiceCall
from homeassistant.exceptions import (
    HomeAssistantError,
    ServiceValidationError,
    Unauthorized,
)
from homeassistant.helpers import config_validation as cv, device_registry as dr

from .app.application import Application, application_of, applications
from .app.work import refused
from .const import DOMAIN
from .desk.desks import desks_of
from .register import Register, RegisterConfigEntry
from .register.addresses import KINDS

#: Fields that name nobody. In the event of a call, which the recorder keeps and a script's
#: trace stores, the mark stands in the place of all others: of people, of their addresses,
#: and of free text, in which somebody may be named.
PUBLIC = frozenset(
    {
        *(kind.key for kind in KINDS if not kind.is_personal),
        *("config_entry_id", "unit_id", "person_id", "duplicate_id", "user_id"),
        *("lease_id", "command_id", "grant_id", "alert_id", "alarm_id", "incident_id"),
        *("card_id", "reading_id", "door_id", "door", "holder", "everywhere"),
        *("report_id", "into_id", "party", "everything", "page", "absent"),
        *(str(key) for key in cv.ENTITY_SERVICE_FIELDS),
        *("role", "channels", "only", "language", "quiet_from", "quiet_until"),
        *("start", "end", "open_end", "date", "since", "until", "version", "everyone"),
        *("reason", "reveal", "dry_run", "history", "again"),
        *("even_in_alert", "scope"),
        *("building", "stairwell", "number", "area_id", "rooms", "letting"),
        "with_people",
        *("severity", "hazard", "audience", "policy", "drill"),
        *("month", "kind", "count"),
    }
)
MARK = "**REDACTED**"


def sealed(schema: vol.Schema, public: Collection[str] = PUBLIC) -> vol.Schema:
    """Return a schema that takes what may be personal out of what was passed to it.

    Home Assistant fires an event with the data of every call as it was passed, and after
    the schema has seen it. So the schema is where it can be kept back.
    """

    def seal(data: Any) -> Any:
        if not isinstance(data, MutableMapping):
            raise vol.Invalid("expected a dictionary that can be redacted")
        whole = dict(data)
        for key in data.keys() - set(public):
            data[key] = MARK
        return schema(whole)

    return vol.Schema(seal)


def unit_of_device(call: ServiceCall, device_id: str) -> tuple[Application, str]:
    """Return the unit that a call names by its device, with its property.

    Raises ServiceValidationError if there is none.
    """
    device = dr.async_get(call.hass).async_get(device_id)
    known = (
        {key for domain, key, *_ in device.identifiers if domain == DOMAIN}
        if device
        else set()
    )
    for application in applications(call.hass):
        for unit_id in known & application.register.units.keys():
            return application, unit_id
    raise refused("no_such_unit")


def desk_of_device(call: ServiceCall, device_id: str) -> tuple[Application, str]:
    """Return the desk that a call names by its device, with its property.

    Raises ServiceValidationError if there is none.
    """
    device = dr.async_get(call.hass).async_get(device_id)
    keys = {key for _, key, *_ in device.identifiers} if device else set()
    for application in applications(call.hass):
        for desk_id in keys & desks_of(application.register.entry).keys():
            return application, desk_id
    raise refused("no_such_desk")


async def async_first[T](
    call: ServiceCall, do: Callable[[Application], Awaitable[T]], key: str
) -> T:
    """Do it in the property that knows what a call names by an id.

    Raises Unauthorized if none does and the caller may not know that, and
    ServiceValidationError with this key if they may.
    """
    failure: HomeAssistantError | None = None
    for application in applications(call.hass):
        try:
            return await do(application)
        except Unauthorized as err:
            failure = err
        except ServiceValidationError as err:
            if err.translation_key != key:
                raise
            failure = failure or err
    raise failure or refused(key)


def application_of_entry(call: ServiceCall) -> Application:
    """Return the property that a call names.

    Raises ServiceValidationError if there is none, or if it is not loaded.
    """
    entry: RegisterConfigEntry | None = call.hass.config_entries.async_get_entry(
        call.data["config_entry_id"]
    )
    if entry is None or entry.domain != DOMAIN:
        raise refused("no_such_property")
    if entry.state is not ConfigEntryState.LOADED:
        raise refused("property_not_loaded")
    return application_of(call.hass, entry.entry_id)


def register_of_entry(call: ServiceCall) -> Register:
    """Return the register of the property that a call names, as application_of_entry."""
    return application_of_entry(call).register
