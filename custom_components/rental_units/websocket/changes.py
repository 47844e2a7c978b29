"""Changes of the register from a panel: who lives where, how somebody is reached."""

from collections.abc import Mapping
from dataclasses import asdict
import time
from typing import Any

import voluptuous as vol

from homeassistant.helpers import config_validation as cv

from ..app.people import DoubtCheckIn
from ..app.tenancy import (
    CheckIn,
    CheckOut,
    CorrectLease,
    ErasePerson,
    GetLeft,
    MergePeople,
    Move,
    RenewLease,
    Undo,
    UpdateContact,
    Written,
)
from ..app.units import AddUnit, RemovedUnits, RemoveUnit, RestoreUnit, UpdateUnit
from ..app.work import Command, refused
from ..const import LANGUAGES, Channel, Letting, Role
from ..register.addresses import KINDS, PHONE_CHANNELS
from ..register.leases import UNDO_DAYS
from ..register.people import parse_contact
from ..register.units import UNIT_FIELDS
from .base import REASON, TEXT, Ask, async_or_conflict, command
from .reading import async_show_person, async_show_unit

CONTACT: dict[vol.Marker, Any] = {
    **{vol.Optional(kind.key): TEXT for kind in KINDS},
    vol.Optional("channels"): [vol.In([str(channel) for channel in PHONE_CHANNELS])],
    vol.Optional("language"): vol.In(LANGUAGES),
    # Both empty: none any more.
    vol.Inclusive("quiet_from", "quiet"): vol.Any("", cv.time),
    vol.Inclusive("quiet_until", "quiet"): vol.Any("", cv.time),
}
_DAYS: dict[vol.Marker, Any] = {
    vol.Optional("start"): cv.date,
    vol.Optional("end"): cv.date,
}
_VERSION: dict[vol.Marker, Any] = {vol.Optional("version"): cv.positive_int}
_UNIT: dict[vol.Marker, Any] = {
    vol.Optional("building"): TEXT,
    vol.Optional("stairwell"): TEXT,
    vol.Optional("number"): TEXT,
    vol.Optional("address"): TEXT,
    vol.Optional("area_id"): vol.Any("", cv.string),
    vol.Optional("rooms"): vol.All(cv.positive_int, vol.Range(min=1, max=99)),
    vol.Optional("letting"): vol.Any("", vol.Coerce(Letting)),
}
_LEASE: dict[vol.Marker, Any] = {
    vol.Required("unit_id"): cv.string,
    vol.Required("lease_id"): cv.string,
    **_VERSION,
    **REASON,
}

CHECK_IN: dict[vol.Marker, Any] = {
    vol.Required("unit_id"): cv.string,
    vol.Exclusive("name", "who"): vol.All(TEXT, vol.Length(min=1)),
    vol.Exclusive("person_id", "who"): cv.string,
    **CONTACT,
    vol.Optional("role", default=Role.TENANT): vol.Coerce(Role),
    **_DAYS,
    vol.Optional("confirmed", default=False): cv.boolean,
    **REASON,
}


def written_of(written: Written) -> dict[str, Any]:
    """Return what a command about leases has done."""
    return {
        "people": list(written.people),
        "leases": list(written.leases),
        "command_id": written.command_id,
    }


@command("check_in", CHECK_IN, "check_in")
async def check_in(ask: Ask) -> dict[str, Any]:
    """Check somebody in. Unless it is confirmed, who may be the same and what overlaps is shown first."""
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
        doubts: Mapping[str, list[Any]] = await ask.async_do(DoubtCheckIn(*asked))
        if any(doubts.values()):
            return {"written": None, "doubts": named_doubts(ask, doubts)}
    return {"written": written_of(await ask.async_do(CheckIn(*asked)))}


def named_doubts(ask: Ask, doubts: Mapping[str, list[Any]]) -> dict[str, Any]:
    """Return who may be the same and what overlaps, with the names of the units."""
    same = [
        {
            **row,
            "units": [
                {**one, "unit": ask.title(one["unit_id"])} for one in row["units"]
            ],
        }
        for row in doubts["same"]
    ]
    overlaps = [
        {**row, "unit": ask.title(row["unit_id"])} for row in doubts["overlaps"]
    ]
    return {"same": same, "overlaps": overlaps}


@command(
    "check_out",
    {
        vol.Required("unit_id"): cv.string,
        vol.Exclusive("person_id", "who"): cv.string,
        vol.Exclusive("everyone", "who"): cv.boolean,
        vol.Optional("role"): vol.Coerce(Role),
        vol.Optional("date"): cv.date,
        **_VERSION,
        **REASON,
    },
    "check_out",
)
async def check_out(ask: Ask) -> dict[str, Any]:
    """Say that somebody leaves, or has left; as what, if they are both. A version is that of this lease."""
    data = ask.data
    change = CheckOut(
        data["unit_id"],
        data.get("date", ask.application.register.today),
        data.get("person_id"),
        data.get("everyone", False),
        data.get("version"),
        data.get("role"),
    )
    return await _async_lease(ask, change)


async def _async_lease(ask: Ask, change: Command[Written]) -> dict[str, Any]:
    """Change a lease; where somebody was faster, show its unit."""
    answer = await async_or_conflict(
        ask, change, lambda: async_show_unit(ask, ask.data["unit_id"])
    )
    if answer["written"]:
        answer["written"] = written_of(answer["written"])
    return answer


@command(
    "renew_lease",
    {**_LEASE, vol.Optional("start"): cv.date, vol.Required("end"): cv.date},
    "renew_lease",
)
async def renew_lease(ask: Ask) -> dict[str, Any]:
    """Add a period to a contract."""
    data = ask.data
    change = RenewLease(
        data["lease_id"], data["end"], data.get("start"), data.get("version")
    )
    return await _async_lease(ask, change)


@command(
    "correct_lease",
    {
        **_LEASE,
        vol.Optional("start"): cv.date,
        vol.Optional("end"): vol.Any(None, cv.date),
    },
    "correct_lease",
)
async def correct_lease(ask: Ask) -> dict[str, Any]:
    """Say that the last period of a contract was written down wrongly. An end of null is open."""
    data = ask.data
    dates = {key: data[key] for key in ("start", "end") if key in data}
    change = CorrectLease(data["lease_id"], dates, data.get("version"))
    return await _async_lease(ask, change)


@command(
    "move",
    {
        **_LEASE,
        vol.Required("to_unit_id"): cv.string,
        vol.Optional("date"): cv.date,
        vol.Optional("end"): cv.date,
    },
    "move",
)
async def move(ask: Ask) -> dict[str, Any]:
    """Let somebody leave one unit for another on a day."""
    data = ask.data
    change = Move(
        data["lease_id"],
        data["to_unit_id"],
        data.get("date", ask.application.register.today),
        data.get("end"),
        data.get("version"),
    )
    return await _async_lease(ask, change)


@command("left", {vol.Required("unit_id"): cv.string, **REASON}, "undo")
async def left(ask: Ask) -> dict[str, Any]:
    """List who has left a unit in the last 30 days; `undo` takes the `command_id` of each."""
    return {"people": await ask.async_do(GetLeft(ask.data["unit_id"]))}


@command("undo", {vol.Required("command_id"): cv.string, **REASON}, "undo")
async def undo(ask: Ask) -> dict[str, Any]:
    """Undo what a command has written into leases, within 30 days."""
    return {"written": written_of(await ask.async_do(Undo(ask.data["command_id"])))}


@command(
    "update_person",
    {
        vol.Required("person_id"): cv.string,
        vol.Optional("name"): vol.All(TEXT, vol.Length(min=1)),
        **CONTACT,
        vol.Optional("only"): [vol.In([str(channel) for channel in Channel])],
        **_VERSION,
        **REASON,
    },
    "update_contact",
)
async def update_person(ask: Ask) -> dict[str, Any]:
    """Change a name, addresses, language and quiet hours; what is not said stays."""
    person_id = ask.data["person_id"]
    contact = parse_contact(ask.data, ask.hass.config.country)
    return await async_or_conflict(
        ask,
        UpdateContact(person_id, contact, ask.data.get("version")),
        lambda: async_show_person(ask, person_id),
    )


@command("add_unit", {**_UNIT, **REASON}, "add_unit")
async def add_unit(ask: Ask) -> dict[str, Any]:
    """Add a unit, with nobody in it."""
    added = await ask.async_do(AddUnit(_fields(ask), ask.data.get("address", "")))
    return {"written": asdict(added)}


@command(
    "update_unit",
    {vol.Required("unit_id"): cv.string, **_UNIT, **_VERSION, **REASON},
    "update_unit",
)
async def update_unit(ask: Ask) -> dict[str, Any]:
    """Change what a unit is; what is not said stays, what is empty goes."""
    data, unit_id = ask.data, ask.data["unit_id"]
    change = UpdateUnit(unit_id, _fields(ask), data.get("address"), data.get("version"))
    answer = await async_or_conflict(ask, change, lambda: async_show_unit(ask, unit_id))
    if written := answer["written"]:
        answer["written"] = asdict(written)
    return answer


def _fields(ask: Ask) -> dict[str, Any]:
    return {key: ask.data[key] for key in UNIT_FIELDS if key in ask.data}


@command(
    "remove_unit",
    {
        vol.Required("unit_id"): cv.string,
        vol.Optional("with_people", default=False): cv.boolean,
        **REASON,
    },
    "remove_unit",
)
async def remove_unit(ask: Ask) -> dict[str, Any]:
    """Remove a unit, with the people in it where that is said; it can be brought back for 30 days."""
    change = RemoveUnit(ask.data["unit_id"], ask.data["with_people"])
    return {"written": asdict(await ask.async_do(change))}


@command("removed_units", REASON, "restore_unit")
async def removed_units(ask: Ask) -> dict[str, Any]:
    """List the units that were removed and can be brought back: `days` more, with how many people."""
    now = time.time()
    return {
        "units": [
            {
                "unit_id": unit_id,
                "title": title,
                "people": people,
                "at": at,
                "days": UNDO_DAYS - int((now - at) // 86_400),
            }
            for unit_id, title, people, at in await ask.async_do(RemovedUnits())
        ]
    }


@command("restore_unit", {vol.Required("unit_id"): cv.string, **REASON}, "restore_unit")
async def restore_unit(ask: Ask) -> dict[str, Any]:
    """Bring a removed unit back, with its people."""
    return {"written": asdict(await ask.async_do(RestoreUnit(ask.data["unit_id"])))}


@command(
    "erase_person",
    {
        vol.Required("person_id"): cv.string,
        vol.Optional("even_in_alert", default=False): cv.boolean,
        **REASON,
    },
    "erase_person",
)
async def erase_person(ask: Ask) -> dict[str, Any]:
    """Erase somebody for good, with the files that hold them: those that were deleted, and those that could not be."""
    change = ErasePerson(ask.data["person_id"], ask.data["even_in_alert"])
    removed, kept = await ask.application.async_erase(change, ask.context, ask.why)
    return {"files_removed": removed, "files_left": kept}


@command(
    "merge_people",
    {
        vol.Required("person_id"): cv.string,
        vol.Required("duplicate_id"): cv.string,
        **REASON,
    },
    "merge_people",
)
async def merge_people(ask: Ask) -> dict[str, Any]:
    """Say that two people are one; the first one is kept, with what both have."""
    change = MergePeople(ask.data["person_id"], ask.data["duplicate_id"])
    return {"person_id": await ask.async_do(change)}
