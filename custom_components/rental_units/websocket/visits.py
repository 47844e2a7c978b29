"""Rounds, from a panel: who is to be visited, and what was found at their door."""

from collections.abc import Iterable
from typing import Any

import voluptuous as vol

from homeassistant.helpers import config_validation as cv

from ..app.visits import (
    EndRound,
    GetRound,
    GetRounds,
    PutRound,
    RecordVisit,
    RequestVisit,
    ShowRoundForm,
)
from ..app.work import refused
from ..care.visits.book import DATA_ROUNDS, RoundBook
from ..care.visits.rules import MOST_LETTERS, NoScan, Outcome, Risk
from ..const import Reason
from .base import REASON, TEXT, Ask, command
from .places import async_by_code, book_of_places

_PERSON: dict[vol.Marker, Any] = {vol.Required("person_id"): cv.string, **REASON}
_NOTE: dict[vol.Marker, Any] = {
    vol.Optional("note", default=""): vol.All(cv.string, vol.Length(max=MOST_LETTERS))
}


def _book(ask: Ask) -> RoundBook:
    return ask.hass.data[DATA_ROUNDS][ask.application.register.entry.entry_id]


async def _async_named(
    ask: Ask, rows: Iterable[dict[str, Any]], *more: str | None
) -> dict[str, Any]:
    """Return rounds with the names of their units, and of the accounts that are in them."""
    found = [{**row, "unit": ask.title(row["unit_id"] or "")} for row in rows]
    who = [row["in_charge"] for row in found]
    return {"rounds": found, "accounts": await ask.async_accounts([*who, *more])}


@command("rounds", REASON, "get_rounds")
async def rounds(ask: Ask) -> dict[str, Any]:
    """List who is to be visited, and when (`when`: overdue, today, week, later, or away), the most urgent first. Who may see to their own rounds alone is shown those."""
    rows: Any = await ask.async_do(GetRounds(_book(ask).vault))
    return await _async_named(ask, rows)


@command(
    "rounds_at_place",
    {
        vol.Exclusive("place_id", "place"): cv.string,
        vol.Exclusive("code", "place"): TEXT,
        **REASON,
    },
    "get_rounds",
)
async def rounds_at_place(ask: Ask) -> dict[str, Any]:
    """List who is visited at a door, by the id of its place or the code on its plate, with what whoever comes has to know."""
    found = await async_by_code(ask, "get_rounds")
    if found is None:
        await ask.application.async_authorize(ask.context, "get_rounds", ask.why)
        places = book_of_places(ask).places
        found = places.get(ask.data.get("place_id", ""))
    if found is None:
        raise refused("no_such_place")
    rows: Any = []
    if found.unit_id:
        rows = await ask.async_do(GetRounds(_book(ask).vault, found.unit_id))
    return await _async_named(ask, rows)


@command("round", _PERSON, "get_round")
async def one_round(ask: Ask) -> dict[str, Any]:
    """Show how somebody is visited: how often, who sees to it, what whoever comes has to know, and what was found."""
    row: Any = await ask.async_do(GetRound(ask.data["person_id"], _book(ask).vault))
    who = [line["who"] for line in row["visits"]]
    answer = await _async_named(ask, [row], *who)
    return {**answer["rounds"][0], "accounts": answer["accounts"]}


@command("round_form", _PERSON, "put_round")
async def round_form(ask: Ask) -> dict[str, Any]:
    """Return what a form about somebody's round begins with: if they have agreed, at which doors they may be met, and the accounts that may be in charge."""
    row: Any = await ask.async_do(
        ShowRoundForm(ask.data["person_id"], _book(ask).vault)
    )
    homes = [{"unit_id": key, "unit": ask.title(key)} for key in row["homes"]]
    users = await ask.hass.auth.async_get_users()
    accounts = {
        user.id: user.name or user.id for user in users if _may_be_in_charge(ask, user)
    }
    return {**row, "homes": homes, "accounts": accounts}


def _may_be_in_charge(ask: Ask, user: Any) -> bool:
    return bool(ask.application.permit(user, "record_visit", Reason.INSPECTION))


@command(
    "put_round",
    {
        **_PERSON,
        **_NOTE,
        vol.Required("risk"): vol.Coerce(Risk),
        vol.Optional("in_charge"): vol.Any(None, cv.string),
        vol.Optional("unit_id"): cv.string,
        vol.Optional("version"): vol.All(int, vol.Range(min=0)),
    },
    "put_round",
)
async def put_round(ask: Ask) -> dict[str, Any]:
    """Visit somebody who has agreed to it: each quarter, month or week by their risk. An account is in charge; with several homes, say at which door (`unit_id`)."""
    data = ask.data
    if in_charge := data.get("in_charge"):
        await ask.application.async_authorize(ask.context, "put_round", ask.why)
        user = await ask.hass.auth.async_get_user(in_charge)
        if not (user and _may_be_in_charge(ask, user)):
            raise refused("cannot_be_in_charge")
    change = PutRound(
        data["person_id"],
        data["risk"],
        _book(ask).vault,
        in_charge,
        data["note"],
        data.get("unit_id"),
        data.get("version"),
    )
    return await ask.async_do(change)


@command("end_round", _PERSON, "end_round")
async def end_round(ask: Ask) -> None:
    """Visit somebody no more, and forget all that was found. Their consent stays."""
    await ask.async_do(EndRound(ask.data["person_id"], _book(ask).vault))


@command("request_visit", _PERSON, "request_visit")
async def request_visit(ask: Ask) -> dict[str, Any]:
    """Let somebody be visited within 24 hours, whatever their risk."""
    return await ask.async_do(RequestVisit(ask.data["person_id"], _book(ask).vault))


@command(
    "record_visit",
    {
        **_PERSON,
        **_NOTE,
        vol.Required("outcome"): vol.Coerce(Outcome),
        vol.Exclusive("code", "scan"): TEXT,
        vol.Exclusive("no_scan", "scan"): vol.Coerce(NoScan),
    },
    "record_visit",
)
async def record_visit(ask: Ask) -> dict[str, Any]:
    """Write down that one is at somebody's door, and what was found: with the code on its plate, or why that was not scanned (`no_scan`). Where nobody opens it stays due."""
    data, code = ask.data, ask.data.get("code")
    change = RecordVisit(
        data["person_id"],
        data["outcome"],
        _book(ask).vault,
        data["note"],
        book_of_places(ask).digest(code) if code is not None else None,
        data.get("no_scan"),
    )
    return await ask.async_do(change)
