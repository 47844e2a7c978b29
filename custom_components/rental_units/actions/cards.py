"""Actions about cards, and about the doors that they open."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Final

import voluptuous as vol

from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import ServiceCall, ServiceResponse
from homeassistant.helpers import config_validation as cv, device_registry as dr
from homeassistant.util import dt as dt_util
from homeassistant.util.json import JsonValueType

from ..access import application_of_entry, async_first, unit_of_device
from ..access_control.const import Decision, Holder, Medium
from ..access_control.office import DATA_OFFICES, medium_of
from ..app.application import Application, async_user
from ..app.cards import (
    AssignDoor,
    DecideCard,
    GetCardDoors,
    GetCards,
    GetDoors,
    IssueCard,
    RemoveDoor,
    RenewCard,
)
from ..app.enrolment import async_read_card, controller_of, number_of
from ..app.visitors import EndVisit, InviteVisitor
from ..app.work import refused
from ..register.people import parse_contact
from ..storage.vault import Vault
from .fields import (
    ATTR_CONFIG_ENTRY_ID,
    ATTR_PERSON_ID,
    OF_ENTRY,
    REASON,
    TEXT,
    Action,
    Fields,
    why,
)

_CARD: Final[Fields] = {vol.Required("card_id"): cv.string, **REASON}
_HOLDER: Final[Fields] = {
    vol.Exclusive(ATTR_PERSON_ID, "who"): cv.string,
    vol.Exclusive("name", "who"): vol.All(TEXT, vol.Length(min=1)),
    vol.Optional("phone"): TEXT,
    vol.Optional("holder", default=Holder.LEASE): vol.Coerce(Holder),
    vol.Optional("everywhere", default=False): cv.boolean,
    vol.Optional("start"): cv.datetime,
    vol.Optional("end"): cv.datetime,
}


async def _async_issue(is_request: bool, call: ServiceCall) -> ServiceResponse:
    """Issue a card or plate, or ask for a card, which has no number yet."""
    data = call.data
    person = data.get(ATTR_PERSON_ID)
    contact = parse_contact(data, call.hass.config.country) if "name" in data else None
    unit_of: tuple[Application, str] | None = None
    if ATTR_DEVICE_ID in data:
        unit_of = unit_of_device(call, data[ATTR_DEVICE_ID])

    async def issue(application: Application) -> str:
        command = IssueCard(
            Vault(application.register.keys),
            data["plate"]
            if "plate" in data
            else None
            if is_request
            else number_of(
                call.hass,
                application,
                call.context,
                data.get("card_number"),
                data.get("reading_id"),
            ),
            data["holder"],
            person or contact,
            unit_of[1] if unit_of else None,
            data["everywhere"],
            _moment(data.get("start")),
            _moment(data.get("end")),
            data.get("card_id"),
            Medium.PLATE if "plate" in data else Medium.CARD,
            call.hass.config.country,
        )
        return await application.async_do(command, call.context, why(call))

    if unit_of:
        card_id = await issue(unit_of[0])
    elif ATTR_CONFIG_ENTRY_ID in data:
        card_id = await issue(application_of_entry(call))
    elif "card_id" in data:
        card_id = await async_first(call, issue, "no_such_card")
    elif person:
        card_id = await async_first(call, issue, "no_such_person")
    else:
        raise refused("no_property")
    return {"card_id": card_id}


def _moment(at: datetime | None) -> float | None:
    return dt_util.as_utc(at).timestamp() if at else None


async def _async_decide(decision: Decision, call: ServiceCall) -> ServiceResponse:
    command = DecideCard(call.data["card_id"], decision)
    card_id = await async_first(
        call,
        lambda row: row.async_do(command, call.context, why(call)),
        "no_such_card",
    )
    return {"card_id": card_id}


async def _async_renew(call: ServiceCall) -> ServiceResponse:
    end = dt_util.as_utc(call.data["end"]).timestamp()
    command = RenewCard(call.data["card_id"], end)
    card_id = await async_first(
        call,
        lambda row: row.async_do(command, call.context, why(call)),
        "no_such_card",
    )
    return {"card_id": card_id}


async def _async_get_cards(call: ServiceCall) -> ServiceResponse:
    command = GetCards(call.data[ATTR_PERSON_ID])
    rows = await async_first(
        call,
        lambda row: row.async_do(command, call.context, why(call)),
        "no_such_person",
    )
    return {"cards": list[JsonValueType](rows)}


async def _async_get_card_doors(call: ServiceCall) -> ServiceResponse:
    command = GetCardDoors(call.data["card_id"])
    rows = await async_first(
        call,
        lambda row: row.async_do(command, call.context, why(call)),
        "no_such_card",
    )
    return {
        "controllers": [
            {**row, "name": _name(call, str(row[ATTR_DEVICE_ID]))} for row in rows
        ]
    }


def _name(call: ServiceCall, device_id: str) -> str | None:
    device = dr.async_get(call.hass).async_get(device_id)
    return (device.name_by_user or device.name) if device else None


async def _async_assign_door(call: ServiceCall) -> ServiceResponse:
    application, data = application_of_entry(call), call.data
    controller = controller_of(call.hass, data[ATTR_DEVICE_ID])
    if (medium := medium_of(call.hass, controller)) is None:
        raise refused("no_such_controller")
    where = {
        key: data[key] for key in ("building", "stairwell", "number") if key in data
    }
    command = AssignDoor(controller, data["door"], medium, **where)
    return {"door_id": await application.async_do(command, call.context, why(call))}


async def _async_invite_visitor(call: ServiceCall) -> ServiceResponse:
    """Let a visitor in by a code."""
    data = call.data
    application, unit_id = unit_of_device(call, data[ATTR_DEVICE_ID])
    user = await async_user(call.hass, call.context)
    command = InviteVisitor(
        unit_id,
        Vault(application.register.keys),
        parse_contact(data, call.hass.config.country),
        dt_util.as_utc(data["end"]).timestamp(),
        _moment(data.get("start")),
        application.landlord(user, unit_id),
    )
    return await application.async_do(command, call.context, why(call))


async def _async_end_visit(call: ServiceCall) -> ServiceResponse:
    command = EndVisit(call.data["card_id"])
    card_id = await async_first(
        call,
        lambda row: row.async_do(command, call.context, why(call)),
        "no_such_card",
    )
    return {"card_id": card_id}


async def _async_read_card(call: ServiceCall) -> ServiceResponse:
    """Wait for the next card at a reader."""
    return await async_read_card(
        call.hass,
        application_of_entry(call),
        call.context,
        why(call),
        device_id=call.data[ATTR_DEVICE_ID],
        door=call.data["door"],
    )


async def _async_remove_door(call: ServiceCall) -> ServiceResponse:
    command = RemoveDoor(call.data["door_id"])
    application = application_of_entry(call)
    return {"door_id": await application.async_do(command, call.context, why(call))}


async def _async_get_doors(call: ServiceCall) -> ServiceResponse:
    application = application_of_entry(call)
    rows = await application.async_do(GetDoors(), call.context, why(call))
    office = call.hass.data[DATA_OFFICES][call.data[ATTR_CONFIG_ENTRY_ID]]
    return {
        "doors": [
            {**row, "name": _name(call, str(row[ATTR_DEVICE_ID]))} for row in rows
        ],
        "lists": list[JsonValueType](office.lists()),
    }


ACTIONS: Final[Mapping[str, Action]] = {
    "issue_card": Action(
        partial(_async_issue, False),
        vol.Schema(
            {
                vol.Exclusive("card_number", "number"): TEXT,
                vol.Exclusive("reading_id", "number"): cv.string,
                vol.Optional(ATTR_CONFIG_ENTRY_ID): cv.string,
                vol.Optional(ATTR_DEVICE_ID): cv.string,
                vol.Optional("card_id"): cv.string,
                **_HOLDER,
                **REASON,
            }
        ),
    ),
    "issue_plate": Action(
        partial(_async_issue, False),
        vol.Schema(
            {
                vol.Required("plate"): TEXT,
                vol.Optional(ATTR_CONFIG_ENTRY_ID): cv.string,
                vol.Optional(ATTR_DEVICE_ID): cv.string,
                **_HOLDER,
                **REASON,
            }
        ),
    ),
    "request_card": Action(
        partial(_async_issue, True),
        vol.Schema(
            {
                vol.Optional(ATTR_CONFIG_ENTRY_ID): cv.string,
                vol.Optional(ATTR_DEVICE_ID): cv.string,
                **_HOLDER,
                **REASON,
            }
        ),
    ),
    **{
        name: Action(partial(_async_decide, decision), vol.Schema(_CARD))
        for name, decision in (
            ("suspend_card", Decision.SUSPENDED),
            ("resume_card", Decision.ISSUED),
            ("lose_card", Decision.LOST),
            ("revoke_card", Decision.REVOKED),
        )
    },
    "renew_card": Action(
        _async_renew, vol.Schema({**_CARD, vol.Required("end"): cv.datetime})
    ),
    "get_cards": Action(
        _async_get_cards,
        vol.Schema({vol.Required(ATTR_PERSON_ID): cv.string, **REASON}),
        is_question=True,
    ),
    "get_card_doors": Action(
        _async_get_card_doors, vol.Schema(_CARD), is_question=True
    ),
    "assign_door": Action(
        _async_assign_door,
        vol.Schema(
            {
                **OF_ENTRY,
                vol.Required(ATTR_DEVICE_ID): cv.string,
                vol.Required("door"): TEXT,
                vol.Optional("building"): TEXT,
                vol.Optional("stairwell"): TEXT,
                vol.Optional("number"): TEXT,
            }
        ),
    ),
    "remove_door": Action(
        _async_remove_door,
        vol.Schema({**OF_ENTRY, vol.Required("door_id"): cv.string}),
    ),
    "invite_visitor": Action(
        _async_invite_visitor,
        vol.Schema(
            {
                vol.Required(ATTR_DEVICE_ID): cv.string,
                vol.Required("name"): vol.All(TEXT, vol.Length(min=1)),
                vol.Optional("phone"): TEXT,
                vol.Optional("start"): cv.datetime,
                vol.Required("end"): cv.datetime,
                **REASON,
            }
        ),
        is_question=True,
    ),
    "end_visit": Action(_async_end_visit, vol.Schema(_CARD)),
    "read_card": Action(
        _async_read_card,
        vol.Schema(
            {
                **OF_ENTRY,
                vol.Required(ATTR_DEVICE_ID): cv.string,
                vol.Required("door"): TEXT,
            }
        ),
        is_question=True,
    ),
    "get_doors": Action(_async_get_doors, vol.Schema(OF_ENTRY), is_question=True),
}
