"""Cards and the doors that they open, from a panel."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import voluptuous as vol

from homeassistant.helpers import config_validation as cv, device_registry as dr
from homeassistant.util import dt as dt_util

from ..access_control.const import Decision, Holder, Medium
from ..access_control.office import DATA_OFFICES, medium_of
from ..app.cards import (
    AssignDoor,
    DecideCard,
    GetCardDoors,
    GetCards,
    GetDoorCards,
    GetDoors,
    GetVisitors,
    IssueCard,
    RemoveDoor,
    RenewCard,
)
from ..app.enrolment import async_read_card, number_of
from ..app.visitors import EndVisit, InviteVisitor
from ..app.work import refused
from ..register.people import parse_contact
from ..storage.vault import Vault
from .base import REASON, TEXT, Ask, command

_CARD: dict[vol.Marker, Any] = {vol.Required("card_id"): cv.string, **REASON}
_HOLDER: dict[vol.Marker, Any] = {
    vol.Exclusive("person_id", "who"): cv.string,
    vol.Exclusive("name", "who"): vol.All(TEXT, vol.Length(min=1)),
    vol.Optional("phone"): TEXT,
    vol.Optional("holder", default=Holder.LEASE): vol.Coerce(Holder),
    vol.Optional("unit_id"): cv.string,
    vol.Optional("everywhere", default=False): cv.boolean,
    vol.Optional("start"): cv.datetime,
    vol.Optional("end"): cv.datetime,
    **REASON,
}


@command(
    "cards",
    {vol.Required("person_id"): cv.string, **REASON},
    "get_cards",
)
async def cards(ask: Ask) -> dict[str, Any]:
    """List the cards of a person, those of before too: of a number, the last four digits."""
    rows: list[dict[str, Any]] = await ask.async_do(GetCards(ask.data["person_id"]))
    return {
        "cards": [
            {**row, "unit": ask.title(row["unit_id"]) if row["unit_id"] else None}
            for row in rows
        ]
    }


@command(
    "visitors",
    {vol.Required("unit_id"): cv.string, **REASON},
    "get_visitors",
)
async def visitors(ask: Ask) -> dict[str, Any]:
    """List who visits a unit, or is to, with their cards; not who has been there."""
    unit_id = ask.data["unit_id"]
    rows = await ask.async_do(GetVisitors(unit_id))
    return {"visitors": [{**row, "unit": ask.title(unit_id)} for row in rows]}


@command("card_doors", _CARD, "get_card_doors")
async def card_doors(ask: Ask) -> dict[str, Any]:
    """Show where a card opens: at each controller, what is to be there and what is proven."""
    rows = await ask.async_do(GetCardDoors(ask.data["card_id"]))
    return {"controllers": [_named(ask, row) for row in rows]}


def _named(ask: Ask, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row about a controller with its name."""
    device = dr.async_get(ask.hass).async_get(row["device_id"])
    name = (device.name_by_user or device.name) if device else None
    return {**row, "name": name}


async def _async_issue(ask: Ask, *, is_request: bool = False) -> dict[str, str]:
    data = ask.data
    contact = parse_contact(data, ask.hass.config.country) if "name" in data else None
    change = IssueCard(
        Vault(ask.application.register.keys),
        data["plate"]
        if "plate" in data
        else None
        if is_request
        else number_of(
            ask.hass,
            ask.application,
            ask.context,
            data.get("card_number"),
            data.get("reading_id"),
        ),
        data["holder"],
        data.get("person_id") or contact,
        data.get("unit_id"),
        data["everywhere"],
        _moment(data.get("start")),
        _moment(data.get("end")),
        data.get("card_id"),
        Medium.PLATE if "plate" in data else Medium.CARD,
        ask.hass.config.country,
    )
    return {"card_id": await ask.async_do(change)}


def _moment(at: datetime | None) -> float | None:
    return dt_util.as_utc(at).timestamp() if at else None


@command(
    "issue_card",
    {
        vol.Exclusive("card_number", "number"): TEXT,
        vol.Exclusive("reading_id", "number"): cv.string,
        vol.Optional("card_id"): cv.string,
        **_HOLDER,
    },
    "issue_card",
)
async def issue_card(ask: Ask) -> dict[str, str]:
    """Give somebody a card, by its number or by what `read_card` has read, or one that was requested its number; times without a zone are local."""
    return await _async_issue(ask)


@command("issue_plate", {vol.Required("plate"): TEXT, **_HOLDER}, "issue_plate")
async def issue_plate(ask: Ask) -> dict[str, str]:
    """Let somebody's vehicle in by its plate; times without a zone are local."""
    return await _async_issue(ask)


@command("request_card", _HOLDER, "request_card")
async def request_card(ask: Ask) -> dict[str, str]:
    """Ask for a card for somebody: it has no number and opens nothing until it is issued."""
    return await _async_issue(ask, is_request=True)


@command(
    "invite_visitor",
    {
        vol.Required("unit_id"): cv.string,
        vol.Required("name"): vol.All(TEXT, vol.Length(min=1)),
        vol.Optional("phone"): TEXT,
        vol.Optional("start"): cv.datetime,
        vol.Required("end"): cv.datetime,
        **REASON,
    },
    "invite_visitor",
)
async def invite_visitor(ask: Ask) -> dict[str, Any]:
    """Let somebody in by a code of ten digits, on the way to a unit, for at most 72 hours: the code is in this answer alone."""
    data = ask.data
    return await ask.async_do(
        InviteVisitor(
            data["unit_id"],
            Vault(ask.application.register.keys),
            parse_contact(data, ask.hass.config.country),
            dt_util.as_utc(data["end"]).timestamp(),
            _moment(data.get("start")),
            ask.application.landlord(ask.user, data["unit_id"]),
        )
    )


@command("end_visit", _CARD, "end_visit")
async def end_visit(ask: Ask) -> None:
    """Let a visitor in no more, at any door."""
    await ask.async_do(EndVisit(ask.data["card_id"]))


@command(
    "read_card",
    {
        vol.Required("device_id"): cv.string,
        vol.Required("door"): TEXT,
        **REASON,
    },
    "read_card",
)
async def read_card(ask: Ask) -> dict[str, Any]:
    """Wait up to 30 s for the next card at a reader: `reading_id` stands for its number in `issue_card` for five minutes, and whose it is is told who may see that; two cards are refused, and whoever waits there already."""
    return await async_read_card(
        ask.hass,
        ask.application,
        ask.context,
        ask.why,
        device_id=ask.data["device_id"],
        door=ask.data["door"],
    )


async def _async_decide(ask: Ask, decision: Decision) -> None:
    await ask.async_do(DecideCard(ask.data["card_id"], decision))


@command("suspend_card", _CARD, "suspend_card")
async def suspend_card(ask: Ask) -> None:
    """Take a card from all doors until it is resumed."""
    await _async_decide(ask, Decision.SUSPENDED)


@command("resume_card", _CARD, "resume_card")
async def resume_card(ask: Ask) -> None:
    """Let a suspended card open its doors again."""
    await _async_decide(ask, Decision.ISSUED)


@command("lose_card", _CARD, "lose_card")
async def lose_card(ask: Ask) -> None:
    """Take a lost card from all doors at once."""
    await _async_decide(ask, Decision.LOST)


@command("revoke_card", _CARD, "revoke_card")
async def revoke_card(ask: Ask) -> None:
    """Take a card from all doors for good, or refuse a request."""
    await _async_decide(ask, Decision.REVOKED)


@command("renew_card", {**_CARD, vol.Required("end"): cv.datetime}, "renew_card")
async def renew_card(ask: Ask) -> None:
    """Let a card that follows no lease end at another time; without a zone it is local."""
    end = _moment(ask.data["end"])
    assert end
    await ask.async_do(RenewCard(ask.data["card_id"], end))


@command(
    "door_cards",
    {
        vol.Required("device_id"): cv.string,
        vol.Optional("only_unproven", default=False): cv.boolean,
        vol.Optional("offset", default=0): vol.All(vol.Coerce(int), vol.Range(min=0)),
        vol.Optional("limit", default=50): vol.All(vol.Coerce(int), vol.Range(1, 200)),
        **REASON,
    },
    "get_door_cards",
)
async def door_cards(ask: Ask) -> dict[str, Any]:
    """List the cards or plates (`medium`) that a controller is to hold, a page, those that are not proven first; and how its own list was found."""
    data = ask.data
    device_id = data["device_id"]
    found = await ask.async_do(
        GetDoorCards(device_id, data["only_unproven"], data["offset"], data["limit"])
    )
    office = ask.hass.data[DATA_OFFICES][ask.application.register.entry.entry_id]
    lists = [row for row in office.lists() if row["device_id"] == device_id]
    return {
        **found,
        "cards": [
            {**row, "unit": ask.title(row["unit_id"]) if row["unit_id"] else None}
            for row in found["cards"]
        ],
        "list": lists[0] if lists else None,
        "medium": medium_of(ask.hass, device_id) or Medium.CARD,
    }


@command("doors", REASON, "get_doors")
async def doors(ask: Ask) -> dict[str, Any]:
    """List for whom which door opens, and how the lists of controllers were found: how many cards, and those that nobody has issued."""
    rows = await ask.async_do(GetDoors())
    office = ask.hass.data[DATA_OFFICES][ask.application.register.entry.entry_id]
    return {
        "doors": [_named(ask, row) for row in rows],
        "lists": [_named(ask, row) for row in office.lists()],
    }


@command(
    "assign_door",
    {
        vol.Required("device_id"): cv.string,
        vol.Required("door"): TEXT,
        vol.Optional("building", default=""): TEXT,
        vol.Optional("stairwell", default=""): TEXT,
        vol.Optional("number", default=""): TEXT,
        **REASON,
    },
    "assign_door",
)
async def assign_door(ask: Ask) -> dict[str, str]:
    """Say for whom a door of a controller opens: a building, a stairwell or unit of it, or everybody."""
    data = ask.data
    if (medium := medium_of(ask.hass, data["device_id"])) is None:
        raise refused("no_such_controller")
    change = AssignDoor(
        data["device_id"],
        data["door"],
        medium,
        data["building"],
        data["stairwell"],
        data["number"],
    )
    return {"door_id": await ask.async_do(change)}


@command("remove_door", {vol.Required("door_id"): cv.string, **REASON}, "remove_door")
async def remove_door(ask: Ask) -> None:
    """Take an assignment of a door back: it does not open for these any more."""
    await ask.async_do(RemoveDoor(ask.data["door_id"]))
