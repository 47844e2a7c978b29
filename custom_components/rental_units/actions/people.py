"""Actions about people, wherever they are."""

from collections.abc import Mapping
from typing import Final

import voluptuous as vol

from homeassistant.core import ServiceCall, ServiceResponse
from homeassistant.helpers import config_validation as cv
from homeassistant.util.json import JsonValueType

from ..access import async_first
from ..app.consents import GetConsents, GiveConsent, RevokeConsent
from ..app.tenancy import ErasePerson, MergePeople, UpdateContact
from ..app.work import Command
from ..const import Channel, ConsentScope
from ..register.people import parse_contact
from .fields import ATTR_PERSON_ID, CONTACT, REASON, TEXT, Action, why

#: Somebody whom a person names: of the register, or somebody new.
_NAMED: Final = vol.All(
    {
        vol.Exclusive(ATTR_PERSON_ID, "who"): cv.string,
        vol.Exclusive("name", "who"): vol.All(TEXT, vol.Length(min=1)),
        **CONTACT,
    },
    cv.has_at_least_one_key(ATTR_PERSON_ID, "name"),
)


async def _async_update_contact(call: ServiceCall) -> ServiceResponse:
    command = UpdateContact(
        call.data[ATTR_PERSON_ID], parse_contact(call.data, call.hass.config.country)
    )
    return {"person_id": await _async_of_person(call, command)}


async def _async_merge_people(call: ServiceCall) -> ServiceResponse:
    command = MergePeople(call.data[ATTR_PERSON_ID], call.data["duplicate_id"])
    return {"person_id": await _async_of_person(call, command)}


async def _async_erase_person(call: ServiceCall) -> ServiceResponse:
    command = ErasePerson(call.data[ATTR_PERSON_ID], call.data["even_in_alert"])
    removed, left = await async_first(
        call,
        lambda row: row.async_erase(command, call.context, why(call)),
        "no_such_person",
    )
    return {
        "person_id": command.person_id,
        "files_removed": [*removed],
        "files_left": [*left],
    }


async def _async_of_person[T](call: ServiceCall, command: Command[T]) -> T:
    return await async_first(
        call,
        lambda row: row.async_do(command, call.context, why(call)),
        "no_such_person",
    )


async def _async_give_consent(call: ServiceCall) -> ServiceResponse:
    data, region = call.data, call.hass.config.country
    contacts = [
        row.get(ATTR_PERSON_ID) or parse_contact(row, region)
        for row in data["contacts"]
    ]
    command = GiveConsent(
        data[ATTR_PERSON_ID], data["scope"], contacts, data.get("until")
    )
    people = await _async_of_person(call, command)
    return {"contacts": list[JsonValueType](people)}


async def _async_revoke_consent(call: ServiceCall) -> ServiceResponse:
    await _async_of_person(
        call, RevokeConsent(call.data[ATTR_PERSON_ID], call.data["scope"])
    )
    return {}


async def _async_get_consents(call: ServiceCall) -> ServiceResponse:
    rows = await _async_of_person(call, GetConsents(call.data[ATTR_PERSON_ID]))
    return {"consents": list[JsonValueType](rows)}


ACTIONS: Final[Mapping[str, Action]] = {
    "update_contact": Action(
        _async_update_contact,
        vol.Schema(
            {
                vol.Required(ATTR_PERSON_ID): cv.string,
                vol.Optional("name"): vol.All(TEXT, vol.Length(min=1)),
                **CONTACT,
                vol.Optional("only"): vol.All(
                    cv.ensure_list, [vol.In([str(channel) for channel in Channel])]
                ),
                **REASON,
            }
        ),
    ),
    "merge_people": Action(
        _async_merge_people,
        vol.Schema(
            {
                vol.Required(ATTR_PERSON_ID): cv.string,
                vol.Required("duplicate_id"): cv.string,
                **REASON,
            }
        ),
    ),
    "erase_person": Action(
        _async_erase_person,
        vol.Schema(
            {
                vol.Required(ATTR_PERSON_ID): cv.string,
                vol.Optional("even_in_alert", default=False): cv.boolean,
                **REASON,
            }
        ),
    ),
    "give_consent": Action(
        _async_give_consent,
        vol.Schema(
            {
                vol.Required(ATTR_PERSON_ID): cv.string,
                vol.Required("scope"): vol.Coerce(ConsentScope),
                vol.Optional("contacts", default=list): vol.All(
                    cv.ensure_list, vol.Length(max=20), [_NAMED]
                ),
                vol.Optional("until"): cv.date,
                **REASON,
            }
        ),
    ),
    "revoke_consent": Action(
        _async_revoke_consent,
        vol.Schema(
            {
                vol.Required(ATTR_PERSON_ID): cv.string,
                vol.Required("scope"): vol.Coerce(ConsentScope),
                **REASON,
            }
        ),
    ),
    "get_consents": Action(
        _async_get_consents,
        vol.Schema({vol.Required(ATTR_PERSON_ID): cv.string, **REASON}),
        is_question=True,
    ),
}
