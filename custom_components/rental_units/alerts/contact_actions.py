"""The action that lets people confirm their addresses."""

import voluptuous as vol

from homeassistant.core import ServiceCall, ServiceResponse
from homeassistant.helpers import config_validation as cv

from ..access import application_of_entry, unit_of_device
from ..app.checks import VerifyContacts
from ..app.work import refused
from ..const import Reason
from .runtime import DATA_ENGINES

VERIFY_SCHEMA = vol.Schema(
    {
        vol.Required("config_entry_id"): cv.string,
        vol.Exclusive("device_id", "who"): cv.string,
        vol.Exclusive("person_id", "who"): cv.string,
        vol.Optional("again", default=False): cv.boolean,
        vol.Optional("reason", default=Reason.MANAGEMENT): vol.Coerce(Reason),
    }
)
#: What the answer counts.
COUNTS = ("asked", "verified", "recent", "by_text_message", "no_channel")


async def async_verify_contacts(call: ServiceCall) -> ServiceResponse:
    """Ask people to confirm their addresses, and return how many, and why others not."""
    application, data = application_of_entry(call), call.data
    # Where the register is, its engine is.
    engine = call.hass.data[DATA_ENGINES][application.register.entry.entry_id]
    units: tuple[str, ...] = ()
    if "device_id" in data:
        owner, unit_id = unit_of_device(call, data["device_id"])
        if owner is not application:
            raise refused("no_such_unit")
        units = (unit_id,)
    command = VerifyContacts(
        engine.verifier.usable, units, data.get("person_id"), data["again"]
    )
    asked, counts = await application.async_do(command, call.context, data["reason"])
    engine.verifier.begin(asked)
    return {key: counts[key] for key in COUNTS}
