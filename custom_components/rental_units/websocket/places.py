"""Places and their plates, from a panel."""

from dataclasses import asdict
from typing import Any

import voluptuous as vol

from homeassistant.helpers import config_validation as cv

from ..app.places import (
    GetPlace,
    GetPlaces,
    IssueCodes,
    PutParty,
    RemoveParty,
    RemovePlace,
    RevealPlace,
    RevokeCode,
    SavePlace,
    VisitPlace,
)
from ..app.work import refused
from ..const import LANGUAGES, Reason
from ..forms import default_language
from ..places.book import DATA_BOOKS, PlaceBook
from ..places.const import Finding, Grade, PartyRole, PlaceKind
from ..places.rows import PlaceInfo
from ..places.sheet import MOST_LABELS, Label, render
from ..places.sockets import sockets_of
from ..places.texts import title
from ..register.people import parse_contact
from .base import REASON, TEXT, Ask, async_or_conflict, command

_PLACE: dict[vol.Marker, Any] = {vol.Required("place_id"): cv.string, **REASON}


def _or_none(validator: Any) -> Any:
    return vol.Any(None, validator)


def book_of_places(ask: Ask) -> PlaceBook:
    """Return the places of the property that somebody asks about."""
    return ask.hass.data[DATA_BOOKS][ask.application.register.entry.entry_id]


async def async_by_code(ask: Ask, what: str) -> PlaceInfo | None:
    """Return the place of the code that a message has.

    Raises ServiceValidationError, and Unauthorized: who may not ask learns nothing of codes.
    """
    if "code" not in ask.data:
        return None
    await ask.application.async_authorize(ask.context, what, ask.why)
    if (place := book_of_places(ask).find(ask.data["code"])) is None:
        raise refused("no_such_place")
    return place


@command("place_list", REASON, "get_places")
async def place_list(ask: Ask) -> dict[str, Any]:
    """List the places: what and where they are, and their plates with the scans of each; and where the house is. It names nobody, and no address."""
    config = ask.hass.config
    return {
        "places": await ask.async_do(GetPlaces()),
        "centre": {"latitude": config.latitude, "longitude": config.longitude},
    }


@command(
    "place",
    {
        vol.Exclusive("place_id", "place"): cv.string,
        vol.Exclusive("code", "place"): TEXT,
        **REASON,
    },
    "get_place",
)
async def place(ask: Ask) -> dict[str, Any]:
    """Show a place, by its id or the code on its plate: address, who answers for it (an organisation is not masked), the last visits, and free sockets."""
    found = await async_by_code(ask, "get_place")
    return await _async_show(ask, found.id if found else ask.data.get("place_id", ""))


async def _async_show(ask: Ask, place_id: str) -> dict[str, Any]:
    row: dict[str, Any] = await ask.async_do(GetPlace(place_id))
    sockets = sockets_of(ask.hass, row["area_id"])
    return {
        **row,
        "sockets": asdict(sockets) if sockets else None,
        "accounts": await ask.async_accounts([line["who"] for line in row["visits"]]),
    }


@command(
    "save_place",
    {
        vol.Optional("place_id"): cv.string,
        vol.Optional("version"): cv.positive_int,
        vol.Optional("kind"): vol.Coerce(PlaceKind),
        vol.Optional("building"): TEXT,
        vol.Optional("stairwell"): TEXT,
        vol.Optional("name"): TEXT,
        vol.Optional("address"): TEXT,
        vol.Optional("area_id"): vol.Any("", cv.string),
        vol.Optional("storey"): _or_none(vol.All(int, vol.Range(min=-20, max=200))),
        vol.Optional("latitude"): _or_none(cv.latitude),
        vol.Optional("longitude"): _or_none(cv.longitude),
        vol.Optional("grade"): _or_none(vol.Coerce(Grade)),
        **REASON,
    },
    "save_place",
)
async def save_place(ask: Ask) -> dict[str, Any]:
    """Add a place, or change one: what is not said stays. Of a unit only its kind, storey, position and grade."""
    place_id = ask.data.get("place_id")
    known = ("place_id", "version", "entry_id", "reason")
    fields = {key: value for key, value in ask.data.items() if key not in known}
    if place_id is None and "kind" not in fields:
        raise refused("kind_missing")
    change = SavePlace(fields, place_id, ask.data.get("version"))
    return await async_or_conflict(
        ask, change, lambda: _async_show(ask, place_id or "")
    )


@command("remove_place", _PLACE, "remove_place")
async def remove_place(ask: Ask) -> None:
    """Remove a place that is no unit, with its code and its visits."""
    await ask.async_do(RemovePlace(ask.data["place_id"]))


@command(
    "put_place_party",
    {
        **_PLACE,
        vol.Exclusive("person_id", "who"): cv.string,
        vol.Exclusive("name", "who"): vol.All(TEXT, vol.Length(min=1)),
        vol.Optional("phone"): TEXT,
        vol.Optional("organisation", default=False): cv.boolean,
        vol.Optional("role", default=PartyRole.RESPONSIBLE): vol.Coerce(PartyRole),
    },
    "put_place_party",
)
async def put_place_party(ask: Ask) -> dict[str, str]:
    """Say who answers for a place: somebody of the register, or a person or organisation that is entered."""
    data = ask.data
    party = data.get("person_id") or parse_contact(data, ask.hass.config.country)
    change = PutParty(data["place_id"], party, data["role"], data["organisation"])
    return {"party_id": await ask.async_do(change)}


@command(
    "remove_place_party",
    {vol.Required("party_id"): cv.string, **REASON},
    "remove_place_party",
)
async def remove_place_party(ask: Ask) -> None:
    """Say that somebody does not answer for a place any more."""
    await ask.async_do(RemoveParty(ask.data["party_id"]))


@command(
    "print_codes",
    {
        vol.Required("place_ids"): vol.All(
            [cv.string], vol.Length(min=1, max=MOST_LABELS)
        ),
        vol.Optional("language"): vol.In(LANGUAGES),
        **REASON,
    },
    "print_codes",
)
async def print_codes(ask: Ask) -> dict[str, Any]:
    """Issue a new code for each of these places, at most 240, and return the sheets of labels as a page (`html`) for the browser to print. The codes of before are void at once."""
    book, register = book_of_places(ask), ask.application.register
    language = ask.data.get("language") or default_language(ask.hass)
    # Once: what is printed has an address, or the codes of before stay valid.
    base = book.address("")
    if not base:
        await ask.application.async_authorize(ask.context, "print_codes", ask.why)
        raise refused("no_address_outside")
    issued = await ask.async_do(IssueCodes(ask.data["place_ids"], book.new_token))
    valid = {book.digest(row.token) for row in issued}
    book.revoked([row.place.id for row in issued], but=valid)
    labels = [Label(row.place, base + row.token, row.version) for row in issued]
    html = await ask.hass.async_add_executor_job(
        render, labels, register.entry.title, language
    )
    for row in issued:
        await book.async_name_tag(row.place, title(row.place, language))
    return {"html": html, "printed": len(issued)}


@command("revoke_code", _PLACE, "revoke_code")
async def revoke_code(ask: Ask) -> None:
    """Make the code on a plate void at once."""
    book_of_places(ask).revoked([await ask.async_do(RevokeCode(ask.data["place_id"]))])


@command(
    "visit_place",
    {
        vol.Exclusive("place_id", "place"): cv.string,
        vol.Exclusive("code", "place"): TEXT,
        vol.Required("finding"): vol.Coerce(Finding),
        vol.Optional("note", default=""): TEXT,
        **REASON,
    },
    "visit_place",
)
async def visit_place(ask: Ask) -> dict[str, str]:
    """Write down that one was at a place, and what was found. With the code: its plate was scanned there."""
    found = await async_by_code(ask, "visit_place")
    place_id = found.id if found else ask.data.get("place_id", "")
    change = VisitPlace(
        place_id, ask.data["finding"], ask.data["note"], found is not None
    )
    return {"visit_id": await ask.async_do(change)}


@command(
    "reveal_at_place",
    {vol.Required("code"): TEXT, vol.Required("reason"): vol.Coerce(Reason)},
    "reveal_at_place",
)
async def reveal_at_place(ask: Ask) -> dict[str, Any]:
    """Name who is registered in the unit at whose door one stands, with their numbers, by the code on its plate. It is in the audit first."""
    digest = book_of_places(ask).digest(ask.data["code"])
    return {"people": await ask.async_do(RevealPlace(digest))}
