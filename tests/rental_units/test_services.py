"""The actions, who may call them, and what is written down of it."""

from datetime import timedelta
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser
from sqlalchemy import select

from custom_components.rental_units.register import queries
from custom_components.rental_units.register.models import Audit, Lease
from homeassistant.auth.permissions.const import POLICY_CONTROL, POLICY_READ
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError, Unauthorized, UnknownUser

from .common import E164, OTHER_PHONE, call, check_in, device_id

ALL = ["binary_sensor", "calendar", "notify", "sensor"]


def user(hass: HomeAssistant, kind: str) -> MockUser | None:
    """Return a caller of a kind; an automation has no user."""
    if kind == "automation":
        return None
    caller = MockUser(is_owner=kind == "admin").add_to_hass(hass)
    policies: dict[str, Any] = {
        "admin": {},
        "manager": {"entities": {"domains": dict.fromkeys(ALL, True)}},
        "landlord": {
            "entities": {
                "entity_ids": {
                    f"{domain}.1_1_101_{key}": {POLICY_READ: True, POLICY_CONTROL: True}
                    for domain, keys in {
                        "binary_sensor": ("alert_active", "occupied", "registration"),
                        "notify": ("people",),
                        "sensor": ("tenants", "lease_end"),
                    }.items()
                    for key in keys
                }
            }
        },
        "police": {"entities": {"all": {POLICY_READ: True}}},
        "stranger": {"entities": {}},
    }
    caller.mock_policy(policies[kind])
    return caller


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
    """Who controls a unit that a person has left does not change how they are reached."""
    landlord = user(hass, "landlord")
    person = await check_in(hass, entry, "1-1-101")
    await check_in(hass, entry, "1-1-102")
    change = {"person_id": person, "language": "zh-Hans"}
    await call(hass, "update_contact", change, user=landlord)
    await call(hass, "check_out", {"device_id": device_id(hass, entry, "1-1-101")})
    with pytest.raises(Unauthorized):
        await call(hass, "update_contact", change, user=landlord)
    await call(hass, "update_contact", change, user=user(hass, "manager"))


@pytest.mark.parametrize(
    ("kind", "allowed"),
    [
        (
            "admin",
            {
                "check_in",
                "get_unit",
                "update_contact",
                "check_out",
                "export",
                "import",
                "erase",
            },
        ),
        ("manager", {"check_in", "get_unit", "update_contact", "check_out"}),
        ("landlord", {"check_in", "get_unit", "update_contact", "check_out"}),
        ("automation", {"check_in", "get_unit", "update_contact", "check_out"}),
        ("police", set()),
        ("stranger", set()),
    ],
)
async def test_permissions(
    hass: HomeAssistant, entry: MockConfigEntry, kind: str, allowed: set[str]
) -> None:
    """Each caller can do what is theirs, and what they may not do does nothing."""
    person = await check_in(hass, entry, "1-1-101")
    device = device_id(hass, entry, "1-1-101")
    unit = {"device_id": device}
    files = {"config_entry_id": entry.entry_id, "file": "register.csv"}
    calls = {
        "check_in": ("check_in", {**unit, "name": "MARK-NAME-2"}),
        "get_unit": ("get_unit", {**unit, "reason": "inspection"}),
        "update_contact": ("update_contact", {"person_id": person, "email": ""}),
        "check_out": ("check_out", unit),
        "export": ("export_register", files),
        "import": ("import_register", files),  # of what was just exported
        "erase": ("erase_person", {"person_id": person}),
    }
    caller, done = user(hass, kind), set()
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
    """Who may control one unit learns nothing of another."""
    caller = user(hass, "landlord")
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


async def test_every_read_is_audited(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """The audit says who, what, of whom, when and why."""
    caller = user(hass, "manager")
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
    assert (None, "check_in", "management", person) in rows
    assert (caller.id, "get_unit_revealed", "inspection", person) in rows
    assert (caller.id, "get_unit_revealed", "inspection", None) in rows


async def test_erased_person_leaves_no_trace(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """Nothing of an erased person is in any table, but for the audit's ids."""
    caller = user(hass, "admin")
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
    assert hass.states.get("binary_sensor.1_1_101_occupied").state == "off"


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
    caller = user(hass, "admin")
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
            {"device_id": "unknown", "reason": "alarm"},
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
    for name in ("../secrets.csv", "/a.csv", "a/b.csv", "register.txt", ".csv"):
        with pytest.raises(Exception, match="does not match the expected pattern"):
            await call(
                hass,
                "export_register",
                {"config_entry_id": entry.entry_id, "file": name},
                user=user(hass, "admin"),
            )
