"""Watches for signs of life, from a panel: who is watched, how it stands, and what is done about it."""

from collections.abc import Mapping, Sequence
from typing import Any

import voluptuous as vol

from homeassistant.const import ATTR_UNIT_OF_MEASUREMENT
from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util

from ..app.care import GetCareFigures, Named, ProposeSources
from ..app.work import Command
from ..care import heard
from ..care.const import Because, Turn
from ..care.heard import How
from ..care.shown import ORDER
from ..care.watch import MOST_SOURCES, Answer, Outcome, Sensitivity, SourceKind
from ..care_work import Desk, Sources, sources_of
from ..register.people import parse_contact
from .base import REASON, TEXT, Ask, command
from .changes import CONTACT
from .feed import Feed

_WATCH: dict[vol.Marker, Any] = {vol.Required("watch_id"): cv.string, **REASON}
#: Somebody whom a person names: of the register, or somebody new; and in which turn.
_NAMED = vol.All(
    {
        vol.Exclusive("person_id", "who"): cv.string,
        vol.Exclusive("name", "who"): vol.All(TEXT, vol.Length(min=1)),
        vol.Optional("turn", default=Turn.RELATIVES): vol.In(
            (Turn.RELATIVES, Turn.NEIGHBOURS)
        ),
        **CONTACT,
    },
    cv.has_at_least_one_key("person_id", "name"),
)
_CONTACTS = vol.All([_NAMED], vol.Length(max=20))
_SOURCES = vol.All(
    [
        {
            vol.Required("entity_id"): cv.entity_id,
            vol.Required("kind"): vol.Coerce(SourceKind),
            vol.Required("how"): vol.Coerce(How),
            vol.Optional("least", default=0.0): vol.All(
                vol.Coerce(float), vol.Range(min=0)
            ),
        }
    ],
    vol.Length(max=MOST_SOURCES),
)
_PLACES = vol.All([cv.entity_id], vol.Length(max=10))
_UNTIL = vol.Any(None, cv.datetime)


def _desk(ask: Ask) -> Desk:
    return Desk(ask.hass, ask.application, ask.context, ask.why)


def _named(ask: Ask, rows: Sequence[Mapping[str, Any]]) -> list[Named]:
    region = ask.hass.config.country
    return [
        Named(row.get("person_id") or parse_contact(row, region), row["turn"])
        for row in rows
    ]


def _sources(ask: Ask) -> Sources:
    return sources_of(ask.hass, ask.data["sources"], cards=ask.data["cards"])


def _time(ask: Ask) -> float | None:
    until = ask.data.get("until")
    return dt_util.as_utc(until).timestamp() if until else None


@command("care_watches", REASON, "care_list")
async def care_watches(ask: Ask) -> dict[str, Any]:
    """List who is watched for signs of life, and how it stands with each and why; who needs somebody comes first. `behind`: it goes on in memory, as the database is away."""
    desk = _desk(ask)
    rows = await desk.async_list()
    counts = desk.book.counts()
    return {
        "watches": [{**row, "unit": ask.title(row["unit_id"])} for row in rows],
        "counts": {str(state): counts[state] for state in ORDER},
        "behind": desk.book.is_behind,
        "accounts": await ask.async_accounts([row["in_charge"] for row in rows]),
    }


@command("subscribe_care", REASON, "care_list")
async def subscribe_care(ask: Ask) -> Feed:
    """Tell of watches as they come, stand otherwise and end. An item is a watch, with its unit and state; nobody is in it."""
    await ask.application.async_authorize(ask.context, "care_list", ask.why)
    book = _desk(ask).book

    def read() -> Mapping[str, Any] | None:
        if ask.application.permit(ask.user, "care_list", ask.why) is None:
            return None
        return {
            key: {
                "watch_id": key,
                "unit_id": book.facts[key].unit_id,
                "state": ward.state,
            }
            for key, ward in book.wards.items()
        }

    return Feed(ask, read, [book.listen])


@command("care_watch", _WATCH, "care_get")
async def care_watch(ask: Ask) -> dict[str, Any]:
    """Show a watch: why it stands as it does, whom the person has named, by what they are heard, their usual day and today by quarter hours, and what has happened."""
    row = await _desk(ask).async_get(ask.data["watch_id"])
    ids = [
        *(row["in_charge"], row["started_by"]),
        *(deed["user_id"] for deed in row.get("deeds", ())),
    ]
    return {
        **row,
        "unit": ask.title(row["unit_id"]),
        "accounts": await ask.async_accounts(ids),
    }


@command("care_proposals", {vol.Required("unit_id"): cv.string, **REASON}, "care_start")
async def care_proposals(ask: Ask) -> dict[str, Any]:
    """List the entities in a unit's area by which somebody may be heard, and how; `good` are those that need no second thought."""
    unit_id = ask.data["unit_id"]
    await ask.async_do(ProposeSources(unit_id))
    unit, book = ask.application.register.units.get(unit_id), _desk(ask).book
    found = heard.proposals(ask.hass, unit.area_id) if unit and unit.area_id else []
    rows = []
    for row in found:
        state = ask.hass.states.get(row.entity_id)
        _, name, area = book.where(row.entity_id)
        rows.append(
            {
                "entity_id": row.entity_id,
                "name": name,
                "area": area,
                "kind": row.evidence.kind,
                "how": row.evidence.how,
                "least": row.evidence.least,
                "unit": state.attributes.get(ATTR_UNIT_OF_MEASUREMENT)
                if state
                else None,
                "good": row.is_good,
            }
        )
    ways = {domain: sorted(found) for domain, found in heard.WAYS.items()}
    return {"proposals": rows, "ways": ways}


@command(
    "care_start",
    {
        vol.Required("person_id"): cv.string,
        vol.Required("unit_id"): cv.string,
        vol.Required("sources"): _SOURCES,
        vol.Optional("cards", default=False): cv.boolean,
        vol.Required("contacts"): _CONTACTS,
        vol.Optional("until"): cv.date,
        vol.Optional("because", default=Because.ALONE): vol.Coerce(Because),
        vol.Optional("born"): cv.date,
        vol.Optional("sensitivity", default=Sensitivity.NORMAL): vol.Coerce(
            Sensitivity
        ),
        vol.Optional("places", default=list): _PLACES,
        vol.Optional("in_charge"): cv.string,
        **REASON,
    },
    "care_start",
)
async def care_start(ask: Ask) -> dict[str, Any]:
    """Watch somebody who agrees to it, and write that down: by what they are heard (`sources`, and their `cards` at doors), whom they have named (`contacts`, by their `turn`), and until when. Because of a birth it ends 42 days after it."""
    data = ask.data
    watch_id = await _desk(ask).async_start(
        data["person_id"],
        data["unit_id"],
        _sources(ask),
        _named(ask, data["contacts"]),
        until=data.get("until"),
        because=data["because"],
        born=data.get("born"),
        sensitivity=data["sensitivity"],
        places=data["places"],
        in_charge=data.get("in_charge"),
    )
    return {"watch_id": watch_id}


@command(
    "care_change",
    {
        **_WATCH,
        vol.Inclusive("sources", "heard"): _SOURCES,
        vol.Inclusive("cards", "heard"): cv.boolean,
        vol.Optional("contacts"): _CONTACTS,
        vol.Optional("until"): vol.Any(None, cv.date),
        vol.Optional("sensitivity"): vol.Coerce(Sensitivity),
        vol.Optional("places"): _PLACES,
        vol.Optional("in_charge"): vol.Any(None, cv.string),
    },
    "care_change",
)
async def care_change(ask: Ask) -> None:
    """Change a watch; what is left out stays. A last day that is changed renews the consent."""
    data = ask.data
    said = {key: data[key] for key in ("until", "in_charge") if key in data}
    await _desk(ask).async_change(
        data["watch_id"],
        sources=_sources(ask) if "sources" in data else None,
        sensitivity=data.get("sensitivity"),
        places=data.get("places"),
        contacts=_named(ask, data["contacts"]) if "contacts" in data else None,
        said=said,
    )


@command("care_revoke", _WATCH, "care_revoke")
async def care_revoke(ask: Ask) -> None:
    """End a watch and the consent to it, with all that was learned."""
    await _desk(ask).async_revoke(ask.data["watch_id"])


@command(
    "care_answer", {**_WATCH, vol.Required("answer"): vol.Coerce(Answer)}, "care_answer"
)
async def care_answer(ask: Ask) -> None:
    """Answer for somebody who has been spoken to: `fine`, `out` or `help`."""
    await _desk(ask).async_answer(ask.data["watch_id"], ask.data["answer"])


@command(
    "care_away",
    {
        **_WATCH,
        vol.Optional("until"): _UNTIL,
        vol.Optional("back", default=False): cv.boolean,
    },
    "care_away",
)
async def care_away(ask: Ask) -> None:
    """Know that somebody is out, until when if they have said it; or that they are `back`."""
    await _desk(ask).async_away(ask.data["watch_id"], _time(ask), back=ask.data["back"])


@command("care_pause", {**_WATCH, vol.Required("until"): _UNTIL}, "care_pause")
async def care_pause(ask: Ask) -> None:
    """Watch nobody until a time; null: go on now."""
    await _desk(ask).async_pause(ask.data["watch_id"], _time(ask))


@command("care_guests", {**_WATCH, vol.Required("until"): _UNTIL}, "care_guests")
async def care_guests(ask: Ask) -> None:
    """Know that there are guests until a time: nothing is learned from them; null: they have gone."""
    await _desk(ask).async_guests(ask.data["watch_id"], _time(ask))


@command(
    "care_close",
    {**_WATCH, vol.Required("outcome"): vol.Coerce(Outcome)},
    "care_close",
)
async def care_close(ask: Ask) -> None:
    """Say what was found after others were told: `needless`, which makes the next come later, or `real`."""
    await _desk(ask).async_close(ask.data["watch_id"], ask.data["outcome"])


@command("care_figures", REASON, "care_figures")
async def care_figures(ask: Ask) -> dict[str, Any]:
    """Count by month how often people were asked and others told, and how it was found."""
    figures: Command[list[dict[str, Any]]] = GetCareFigures()
    return {"months": await ask.async_do(figures)}
