"""Reads of the register: units, one unit, one person, and who is looked for."""

from collections.abc import Callable, Mapping
import re
from typing import Any

import voluptuous as vol

from homeassistant.helpers import config_validation as cv

from ..app.people import FindDuplicates, FindPeople, GetPerson
from ..app.reading import GetUnit, ListUnits
from ..app.work import refused
from ..const import Reason
from ..places.book import DATA_BOOKS
from ..register.units import Summary, UnitInfo
from .base import REASON, TEXT, Ask, command

#: Days before its end that a lease is listed as ending.
ENDING_DAYS = 30
#: Units of one page.
PAGE, MOST_PAGE = 200, 2000


def _is_vacant(row: Summary, _today: Any) -> bool:
    return not row.tenants


#: What the list can be narrowed to.
_ONLY: Mapping[str, Callable[[Summary, Any], bool]] = {
    "occupied": lambda row, _today: bool(row.tenants),
    "vacant": _is_vacant,
    "incomplete": lambda row, _today: not row.is_complete,
    "unreachable": lambda row, _today: bool(row.unreachable),
    "ending": lambda row, today: (
        row.lease_end is not None and 0 <= (row.lease_end - today).days <= ENDING_DAYS
    ),
    "overdue": lambda row, _today: bool(row.overdue),
}
_NOTHING = Summary()


@command(
    "units",
    {
        vol.Optional("only"): vol.In(_ONLY),
        vol.Optional("offset", default=0): cv.positive_int,
        vol.Optional("limit", default=PAGE): vol.All(
            cv.positive_int, vol.Range(min=1, max=MOST_PAGE)
        ),
        **REASON,
    },
    "get_units",
)
async def units(ask: Ask) -> dict[str, Any]:
    """List units with their figures and no person: a page, in the order of their names."""
    own = await ask.async_do(ListUnits())
    register, today = ask.application.register, ask.application.register.today
    rows = [
        (unit, register.summaries.get(unit.id, _NOTHING))
        for unit in register.units.values()
        if own is None or unit.id in own
    ]
    counts = {
        name: sum(test(row, today) for _, row in rows) for name, test in _ONLY.items()
    }
    total = len(rows)
    if only := ask.data.get("only"):
        rows = [row for row in rows if _ONLY[only](row[1], today)]
    rows.sort(key=lambda row: _in_order(row[0].title))
    offset = ask.data["offset"]
    return {
        "units": [
            _described(ask, *row) for row in rows[offset : offset + ask.data["limit"]]
        ],
        "matching": len(rows),
        "total": total,
        "counts": counts,
    }


@command("places", {}, "get_alerts")
async def places(ask: Ask) -> dict[str, Any]:
    """Tell where units stand, by their areas, and to who may see places where on earth that is: what a map is drawn from. It names no person."""
    caller = await ask.application.async_authorize(ask.context, "get_alerts")
    book = ask.hass.data[DATA_BOOKS][ask.application.register.entry.entry_id]
    may_see = ask.application.permit(ask.user, "get_places") is not None
    found = book.positions() if may_see else {}
    return {
        "places": {
            unit.area_id: {
                "building": unit.building,
                "stairwell": unit.stairwell,
                "number": unit.number,
                "position": found.get(unit.building) or found.get(unit.id),
            }
            for unit in ask.application.register.units.values()
            if unit.area_id and caller.permit.covers([unit.id])
        }
    }


def _in_order(title: str) -> list[tuple[int, int, str]]:
    """Return what puts 2-1-101 before 10-1-101."""
    return [
        (0, int(part), "") if part.isdecimal() else (1, 0, part)
        for part in re.split(r"(\d+)", title)
        if part
    ]


def _described(ask: Ask, unit: UnitInfo, figures: Summary) -> dict[str, Any]:
    device = ask.application.register.devices.of(unit.id)
    return {
        "unit_id": unit.id,
        "title": unit.title,
        "building": unit.building,
        "stairwell": unit.stairwell,
        "number": unit.number,
        "area_id": unit.area_id,
        "device_id": device.id if device else None,
        "rooms": unit.rooms,
        "letting": unit.letting,
        "tenants": figures.tenants,
        "landlords": figures.landlords,
        "unreachable": figures.unreachable,
        "without_channel": figures.without_channel,
        "overdue": figures.overdue,
        "lease_end": figures.lease_end.isoformat() if figures.lease_end else None,
        "complete": figures.is_complete,
    }


_UNIT: dict[vol.Marker, Any] = {vol.Required("unit_id"): cv.string, **REASON}


@command("unit", _UNIT, "get_unit")
async def unit(ask: Ask) -> dict[str, Any]:
    """Show a unit with its people and their leases; addresses are masked."""
    return await async_show_unit(ask, ask.data["unit_id"])


async def async_show_unit(ask: Ask, unit_id: str) -> dict[str, Any]:
    """Return a unit with its people, and what figures there are."""
    found: dict[str, Any] = await ask.async_do(GetUnit(unit_id))
    register = ask.application.register
    if (unit := register.units.get(unit_id)) is None:
        raise refused("no_such_unit")
    people = found["people"]
    return {
        **_described(ask, unit, register.summaries.get(unit_id, _NOTHING)),
        "address": found["address"],
        "version": found["version"],
        "people": [{**row, "slot": slot} for slot, row in _slots(people)],
        "accounts": await ask.async_accounts(
            [line["who"] for row in people for line in row["history"]]
        ),
    }


def _slots(people: list[dict[str, Any]]) -> list[tuple[int, dict[str, Any]]]:
    """Return people with their numbers among those of their role: tenant 1, tenant 2."""
    seen: dict[str, int] = {}
    found = []
    for row in people:
        seen[row["role"]] = seen.get(row["role"], 0) + 1
        found.append((seen[row["role"]], row))
    return found


_PERSON: dict[vol.Marker, Any] = {vol.Required("person_id"): cv.string}


@command("person", {**_PERSON, **REASON}, "get_person")
async def person(ask: Ask) -> dict[str, Any]:
    """Show somebody with their leases and duties; addresses are masked."""
    return await async_show_person(ask, ask.data["person_id"])


async def async_show_person(ask: Ask, person_id: str) -> dict[str, Any]:
    """Return somebody, as far as the caller may see."""
    found: dict[str, Any] = await ask.async_do(GetPerson(person_id))
    subentries = ask.application.register.entry.subentries
    leases = found["leases"]
    return {
        **found,
        "leases": [{**row, "unit": ask.title(row["unit_id"])} for row in leases],
        "duties": [
            subentries[key].title for key in found["duties"] if key in subentries
        ],
        "accounts": await ask.async_accounts(
            [line["who"] for row in leases for line in row["history"]]
        ),
    }


@command(
    "reveal",
    {**_PERSON, vol.Required("reason"): vol.Coerce(Reason)},
    "get_person_revealed",
)
async def reveal(ask: Ask) -> dict[str, Any]:
    """Show somebody's name and addresses in full, for a reason. It is in the audit first."""
    found = await ask.async_do(GetPerson(ask.data["person_id"], reveal=True))
    return {"name": found["name"], "addresses": found["addresses"]}


@command("search", {vol.Required("query"): TEXT, **REASON}, "find_people")
async def search(ask: Ask) -> dict[str, Any]:
    """Find people by name, pinyin, initials, or the end of a number (its last four digits, for who may not reveal): at most 20, masked."""
    hits, more = await ask.async_do(FindPeople(ask.data["query"]))
    return {"people": [_hit(ask, row) for row in hits], "more": more}


@command(
    "duplicates",
    {vol.Optional("person_id"): cv.string, **REASON},
    "find_duplicates",
)
async def duplicates(ask: Ask) -> dict[str, Any]:
    """List pairs that may be one person: who has the same name or the same address."""
    pairs = await ask.async_do(FindDuplicates(ask.data.get("person_id")))
    return {"pairs": [[_hit(ask, row) for row in pair] for pair in pairs]}


def _hit(ask: Ask, row: Mapping[str, Any]) -> dict[str, Any]:
    units = [{**one, "unit": ask.title(one["unit_id"])} for one in row["units"]]
    return {**row, "units": units}
