"""The actions, who may call them, and what is written down of it."""

from datetime import timedelta
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser
from sqlalchemy import select
from sqlalchemy.orm import Session

from custom_components.rental_units.register import queries
from custom_components.rental_units.register.models import Audit, Lease, Responder
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError, Unauthorized, UnknownUser

from .common import (
    E164,
    OTHER_PHONE,
    PHONE,
    account,
    administrator,
    call,
    check_in,
    device_id,
    unit_id,
)

ALL = frozenset(
    {"check_in", "get_unit", "update_contact", "check_out", "export", "import", "erase"}
)
READS = frozenset({"get_unit"})


async def test_who_lives_in_a_unit(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """People are checked in, changed, shown and checked out."""
    device = device_id(hass, entry, "1-1-101")
    person = await check_in(
        hass, entry, "1-1-101", quiet_from="22:00", quiet_until="07:00"
    )
    # The same person again is nobody new.
    assert await check_in(hass, entry, "1-1-101") == person
    await call(
        hass,
        "update_contact",
        {
            "person_id": person,
            "phone": OTHER_PHONE,
            "channels": ["sms"],
            "email": "mark-mail-1@example.com",
            "language": "zh-Hans",
        },
        answers=False,
    )

    masked = await call(hass, "get_unit", {"device_id": device, "reason": "alarm"})
    whole = await call(
        hass, "get_unit", {"device_id": device, "reason": "alarm", "reveal": True}
    )

    (shown,) = masked["people"]
    assert shown["name"] == "MARK-NAME-1"
    assert shown["language"] == "zh-Hans"
    assert [row["channel"] for row in shown["addresses"]] == ["email", "sms"]
    assert "+86*******8002" in [row["target"] for row in shown["addresses"]]
    assert {row["target"] for row in whole["people"][0]["addresses"]} == {
        "+8613800138002",
        "mark-mail-1@example.com",
    }
    # An empty field takes an address away.
    await call(
        hass, "update_contact", {"person_id": person, "email": ""}, answers=False
    )
    await call(hass, "check_out", {"device_id": device, "person_id": person})
    empty = await call(hass, "get_unit", {"device_id": device, "reason": "request"})
    assert empty["people"] == []
    with pytest.raises(ServiceValidationError) as refusal:
        await call(hass, "check_out", {"device_id": device})
    assert refusal.value.translation_key == "nobody_to_check_out"


async def test_check_in_takes_a_planned_check_out_back(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """Who is to leave and is checked in again stays."""
    await check_in(hass, entry, "1-1-101")
    device = device_id(hass, entry, "1-1-101")
    day = entry.runtime_data.today + timedelta(days=10)
    await call(hass, "check_out", {"device_id": device, "date": day.isoformat()})
    await check_in(hass, entry, "1-1-101")

    (left_on,) = await entry.runtime_data.async_run(
        lambda session: list(session.scalars(select(Lease.left_on)))
    )
    assert left_on is None


async def test_former_landlord(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Whose flat somebody has left does not change how they are reached, nor who has sold."""
    owner = await check_in(hass, entry, "1-1-101", name="MARK-OWNER", role="landlord")
    landlord = await account(hass, entry, "landlord", owner)
    person = await check_in(hass, entry, "1-1-101")
    device = device_id(hass, entry, "1-1-101")
    change = {"person_id": person, "language": "zh-Hans"}
    await call(hass, "update_contact", change, user=landlord)
    await call(hass, "check_out", {"device_id": device, "person_id": person})
    with pytest.raises(Unauthorized):
        await call(hass, "update_contact", change, user=landlord)
    back = await check_in(
        hass, entry, "1-1-101", person_id=person, name=None, phone=None
    )
    assert back == person
    await call(hass, "check_out", {"device_id": device, "person_id": owner})
    with pytest.raises(Unauthorized):
        await call(hass, "update_contact", change, user=landlord)
    await call(
        hass, "update_contact", change, user=await account(hass, entry, "manager")
    )


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        ("administrator", ALL),
        ("manager", {"check_in", "get_unit", "update_contact", "check_out"}),
        ("desk", {"check_in", "get_unit", "update_contact", "check_out"}),
        ("duty", READS),
        ("police", READS),
        ("responder", set()),
        ("user", set()),
        ("automation", {"check_in", "update_contact", "check_out"}),
    ],
)
async def test_permissions(
    hass: HomeAssistant, entry: MockConfigEntry, role: str, allowed: set[str]
) -> None:
    """Each caller can do what is theirs, and what they may not do does nothing."""
    callers = {"administrator": administrator(hass), "automation": None}
    caller = callers[role] if role in callers else await account(hass, entry, role)
    person = await check_in(hass, entry, "1-1-101")
    device = device_id(hass, entry, "1-1-101")
    unit = {"device_id": device}
    files = {"config_entry_id": entry.entry_id, "file": "register.csv"}
    calls = {
        "check_in": ("check_in", {**unit, "name": "MARK-NAME-2"}),
        "get_unit": ("get_unit", {**unit, "reason": "inspection"}),
        "update_contact": ("update_contact", {"person_id": person, "email": ""}),
        "check_out": ("check_out", {**unit, "person_id": person}),
        "export": ("export_register", files),
        "import": ("import_register", files),  # of what was just exported
        "erase": ("erase_person", {"person_id": person}),
    }
    done = set()
    for name, (action, data) in calls.items():
        try:
            await call(hass, action, data, user=caller)
        except Unauthorized, ServiceValidationError:
            continue
        done.add(name)
    assert done == allowed


async def test_landlord_sees_own_units_only(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """Who has one unit learns nothing of another, also not by checking somebody in."""
    owner = await check_in(hass, entry, "1-1-101", name="MARK-OWNER", role="landlord")
    caller = await account(hass, entry, "landlord", owner)
    other = await check_in(
        hass, entry, "1-2-101", name="MARK-NAME-2", phone=OTHER_PHONE
    )
    device = device_id(hass, entry, "1-2-101")
    with pytest.raises(Unauthorized):
        await call(
            hass, "get_unit", {"device_id": device, "reason": "request"}, user=caller
        )
    for person in (other, "unknown"):
        with pytest.raises(Unauthorized):
            await call(hass, "update_contact", {"person_id": person}, user=caller)
    own = device_id(hass, entry, "1-1-101")
    # By name and number they would see the person's other addresses, and could change them.
    guess = {"device_id": own, "name": "MARK-NAME-2", "phone": OTHER_PHONE}
    answer = await call(hass, "check_in", guess, user=caller)
    assert answer["person_id"] != other
    with pytest.raises(Unauthorized):
        await call(
            hass, "check_in", {"device_id": own, "person_id": other}, user=caller
        )
    # An administrator is told that it is the same.
    assert (await call(hass, "check_in", {**guess, "device_id": device}))[
        "person_id"
    ] == other


async def test_landlord_takes_over_nobody(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """Who has a duty, or lives nowhere, is not theirs: not by a guess, nor by renting."""
    owner = await check_in(hass, entry, "1-1-101", name="MARK-OWNER", role="landlord")
    caller = await account(hass, entry, "landlord", owner)
    own = device_id(hass, entry, "1-1-101")
    # One without a lease, with a duty; one who has left; one who rents, with a duty.
    people = {
        "MARK-POST": await check_in(hass, entry, "1-1-102", name="MARK-POST"),
        "MARK-GONE": await check_in(hass, entry, "1-1-102", name="MARK-GONE"),
        "MARK-VOLUNTEER": await check_in(hass, entry, "1-1-101", name="MARK-VOLUNTEER"),
    }
    left = {"device_id": device_id(hass, entry, "1-1-102"), "everyone": True}
    await call(hass, "check_out", left)
    duties = entry.get_subentries_of_type("responder")

    def put(session: Session) -> None:
        for row, name in zip(duties, ("MARK-POST", "MARK-VOLUNTEER"), strict=True):
            session.add(Responder(id=row.subentry_id, person_id=people[name]))

    await entry.runtime_data.async_run(put)
    for name, person in people.items():
        guess = {"device_id": own, "name": name, "phone": PHONE}
        answer = await call(
            hass, "check_in", {**guess, "email": "mark@example.com"}, user=caller
        )
        assert answer["person_id"] != person
        for action, data in (
            ("update_contact", {"person_id": person, "phone": OTHER_PHONE}),
            ("check_in", {"device_id": own, "person_id": person}),
        ):
            with pytest.raises(Unauthorized):
                await call(hass, action, data, user=caller)
    found = await entry.runtime_data.phonebook.async_people(people.values())
    assert {row.target for who in found.values() for row in who.addresses} == {E164}


async def test_landlord_brings_nobody_back(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """An old lease is no way to who lives with somebody else by now, nor to who is nowhere."""
    owner = await check_in(hass, entry, "1-1-101", name="MARK-OWNER", role="landlord")
    await check_in(hass, entry, "1-1-102", person_id=owner, name=None, phone=None,
                   role="landlord")  # fmt: skip
    caller = await account(hass, entry, "landlord", owner)
    person = await check_in(hass, entry, "1-1-101", name="MARK-TENANT")
    unit = {"device_id": device_id(hass, entry, "1-1-101")}
    leaving = {**unit, "person_id": person}
    shown = await call(hass, "get_unit", {**unit, "reason": "request"})
    lease = next(
        row["lease_id"] for row in shown["people"] if row["person_id"] == person
    )
    attempts = {
        "renew_lease": {"lease_id": lease, "end": "2040-01-01"},
        "correct_lease": {"lease_id": lease, "end": "2040-01-01"},
        "move": {"lease_id": lease, "device_id": device_id(hass, entry, "1-1-102")},
    }

    async def is_refused(left: dict[str, Any]) -> None:
        undo = {"undo": {"command_id": left["command_id"]}}
        for action, data in (attempts | undo).items():
            with pytest.raises(Unauthorized):
                await call(hass, action, data, user=caller)

    # Somebody else has said that they leave.
    left = await call(hass, "check_out", leaving)
    await is_refused(left)
    await call(hass, "undo", {"command_id": left["command_id"]})
    # What a landlord has said they take back, until the tenant is somebody else's.
    left = await call(hass, "check_out", leaving, user=caller)
    await call(hass, "undo", {"command_id": left["command_id"]}, user=caller)
    left = await call(hass, "check_out", leaving, user=caller)
    await check_in(hass, entry, "1-2-101", person_id=person, name=None, phone=None)
    await is_refused(left)
    # A manager may, wherever they are.
    manager = await account(hass, entry, "manager")
    await call(hass, "renew_lease", attempts["renew_lease"], user=manager)


async def test_every_read_is_audited(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """The audit says who, what, of whom, when and why."""
    caller = await account(hass, entry, "manager")
    person = await check_in(hass, entry, "1-1-101")
    device = device_id(hass, entry, "1-1-101")
    data = {"device_id": device, "reason": "inspection", "reveal": True}
    await call(hass, "get_unit", data, user=caller)

    rows = await entry.runtime_data.async_run(
        lambda session: [
            (row.who, row.what, row.why, row.person_id)
            for row in session.query(Audit).order_by(Audit.at, Audit.id)
        ]
    )
    assert (administrator(hass).id, "check_in", "management", person) in rows
    assert (caller.id, "get_unit_revealed", "inspection", person) in rows
    assert (caller.id, "get_unit_revealed", "inspection", None) in rows


async def test_erased_person_leaves_no_trace(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """Nothing of an erased person is in any table, but for the audit's ids."""
    caller = administrator(hass)
    person = await check_in(hass, entry, "1-1-101", email="mark-mail-1@example.com")
    await call(hass, "erase_person", {"person_id": person}, user=caller)

    counts = await entry.runtime_data.async_run(queries.counts)
    assert (counts["persons"], counts["leases"], counts["addresses"]) == (0, 0, 0)
    assert counts["audit"] == 2
    if path := entry.runtime_data.database.path:
        for file in path.parent.glob(f"{path.name}*"):
            content = file.read_bytes()
            assert b"MARK-NAME-1" not in content
            assert E164.encode() not in content
            assert b"mark-mail-1" not in content
    assert entry.runtime_data.summaries[unit_id(entry, "1-1-101")].tenants == 0


@pytest.mark.parametrize(
    ("data", "key"),
    [
        ({"phone": "123"}, "invalid_phone"),
        ({"phone": "not a number"}, "invalid_phone"),
        ({"start": "2026-02-02", "end": "2026-02-01"}, "lease_order"),
    ],
)
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_what_cannot_be(
    hass: HomeAssistant, entry: MockConfigEntry, data: dict[str, Any], key: str
) -> None:
    """What cannot be is refused in words, which do not repeat it."""
    device = device_id(hass, entry, "1-1-101")
    with pytest.raises(ServiceValidationError) as refusal:
        await call(hass, "check_in", {"device_id": device, "name": "MARK-1", **data})
    assert refusal.value.translation_key == key
    assert "123" not in str(refusal.value)
    counts = await entry.runtime_data.async_run(queries.counts)
    assert counts["persons"] == counts["audit"] == 0


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_what_is_not_there(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """A unit, person, property or user that does not exist is said so."""
    caller = administrator(hass)
    refusals = {
        "no_such_unit": ("get_unit", {"device_id": "unknown", "reason": "alarm"}),
        "no_such_person": ("erase_person", {"person_id": "unknown"}),
        "no_such_property": (
            "export_register",
            {"config_entry_id": "unknown", "file": "a.csv"},
        ),
        "file_unreadable": (
            "import_register",
            {"config_entry_id": entry.entry_id, "file": "a.csv"},
        ),
    }
    for key, (action, data) in refusals.items():
        with pytest.raises(ServiceValidationError) as refusal:
            await call(hass, action, data, user=caller)
        assert refusal.value.translation_key == key
    with pytest.raises(UnknownUser):
        await call(
            hass,
            "get_unit",
            {"device_id": device_id(hass, entry, "1-1-101"), "reason": "alarm"},
            user=MockUser(id="nobody"),
        )
    await hass.config_entries.async_unload(entry.entry_id)
    with pytest.raises(ServiceValidationError) as refusal:
        await call(
            hass,
            "export_register",
            {"config_entry_id": entry.entry_id, "file": "a.csv"},
            user=caller,
        )
    assert refusal.value.translation_key == "property_not_loaded"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_file_names_stay_in_their_folder(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """A file's name is no path, and of a kind that we write."""
    for name in (
        *("../secrets.csv", "/a.csv", "a/b.csv", "register.txt", ".csv"),
        *("a.csv\n", "\na.csv", "a.csv\n/../secrets"),
    ):
        with pytest.raises(Exception, match="does not match the expected pattern"):
            await call(
                hass,
                "export_register",
                {"config_entry_id": entry.entry_id, "file": name},
                user=administrator(hass),
            )
