"""The desks, from a panel: their queues, and who comes in."""

from functools import partial
from typing import Any

import voluptuous as vol

from homeassistant.core import callback
from homeassistant.helpers import config_validation as cv

from ..app.desk import Arrive, CallNumber, GetArrivals, GetDesks, TakeNumber
from ..app.enrolment import number_of
from ..app.people import DoubtCheckIn
from ..app.tenancy import CheckIn
from ..app.work import refused
from ..desk.book import DATA_DESKS, DeskBook
from ..register.people import parse_contact
from ..storage.vault import Vault
from .base import REASON, TEXT, Ask, command
from .changes import CHECK_IN, named_doubts, written_of
from .feed import Feed

_DESK: dict[vol.Marker, Any] = {vol.Required("desk_id"): cv.string, **REASON}


def _book(ask: Ask) -> DeskBook:
    return ask.hass.data[DATA_DESKS][ask.application.register.entry.entry_id]


@command("subscribe_desks", REASON, "get_desks")
async def subscribe_desks(ask: Ask) -> Feed:
    """Tell of the desks: their level, whether one is open and staffed now, whom it serves (`buildings`, none: all), and its queue: numbers that wait and that are called, and nobody."""
    await ask.async_do(GetDesks())
    return Feed(ask, partial(_desks, ask), [_book(ask).listen])


@callback
def _desks(ask: Ask) -> dict[str, Any] | None:
    book = _book(ask)
    if ask.application.permit(ask.user, GetDesks.name, ask.why) is None:
        return None
    return {
        desk.id: {
            "desk_id": desk.id,
            "title": desk.title,
            "level": desk.level,
            "level_name": book.level_name(desk.level),
            "open": book.is_open(desk),
            "staffed": book.is_staffed(desk),
            "buildings": sorted(desk.buildings),
            "waiting": list(queue.waiting),
            "called": list(queue.called),
            "last": queue.last,
        }
        for desk in book.desks.values()
        for queue in (book.queue_of(desk),)
    }


@command("take_number", _DESK, "take_number")
async def take_number(ask: Ask) -> dict[str, int]:
    """Return the next number of a desk; they begin with 1 on each day."""
    return {
        "number": await ask.async_do(TakeNumber(ask.data["desk_id"], _book(ask).desks))
    }


@command(
    "call_number",
    {**_DESK, vol.Optional("absent", default=False): cv.boolean},
    "call_number",
)
async def call_number(ask: Ask) -> dict[str, int | None]:
    """Call the number that has waited longest at a desk; null: nobody waits. What one has called before there is over by that; `absent`: nobody came with it."""
    change = CallNumber(
        ask.data["desk_id"], _book(ask).desks, is_absent=ask.data["absent"]
    )
    return {"number": await ask.async_do(change)}


@command(
    "check_in_at_desk",
    {
        **CHECK_IN,
        vol.Optional("desk_id"): cv.string,
        vol.Required("identified"): cv.boolean,
        vol.Required("briefed"): cv.boolean,
        vol.Exclusive("card_number", "number"): TEXT,
        vol.Exclusive("reading_id", "number"): cv.string,
    },
    "check_in_at_desk",
)
async def check_in_at_desk(ask: Ask) -> dict[str, Any]:
    """Check somebody in at a desk, as `check_in`, and in the same step: if somebody has looked who they are (of the document nothing is kept), if they were told of exits and charging, and a card by its number or by what `read_card` has read. All of it, or nothing."""
    data = ask.data
    if not (data.get("name") or data.get("person_id")):
        raise refused("name_missing")
    asked = (
        data["unit_id"],
        parse_contact(data, ask.hass.config.country),
        data["role"],
        data.get("start"),
        data.get("end"),
        data.get("person_id"),
    )
    if not data["confirmed"]:
        doubts = await ask.async_do(DoubtCheckIn(*asked))
        if any(doubts.values()):
            return {"written": None, "doubts": named_doubts(ask, doubts)}
    has_card = "card_number" in data or "reading_id" in data
    change = Arrive(
        data["unit_id"],
        CheckIn(*asked),
        data.get("desk_id"),
        _book(ask).desks,
        data["identified"],
        data["briefed"],
        Vault(ask.application.register.keys),
        number_of(
            ask.hass,
            ask.application,
            ask.context,
            data.get("card_number"),
            data.get("reading_id"),
        )
        if has_card
        else None,
    )
    arrived = await ask.async_do(change)
    return {"written": {**written_of(arrived.written), "card_id": arrived.card_id}}


@command("arrivals", REASON, "get_arrivals")
async def arrivals(ask: Ask) -> dict[str, Any]:
    """List who came in at a desk, the last first: if somebody has looked who they are, and if they were told of exits and charging."""
    rows: list[dict[str, Any]] = await ask.async_do(GetArrivals())
    return {
        "arrivals": [{**row, "unit": ask.title(row["unit_id"])} for row in rows],
        "accounts": await ask.async_accounts([row["who"] for row in rows]),
    }
