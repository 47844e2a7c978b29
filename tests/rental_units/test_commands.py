"""The actions about leases, people, roles and the audit, as they are called."""

from datetime import UTC, datetime, timedelta
import os
from pathlib import Path
import time
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser
from sqlalchemy import select
from sqlalchemy.orm import Session

from custom_components.rental_units.app import application
from custom_components.rental_units.app.application import application_of
from custom_components.rental_units.const import DOMAIN
from custom_components.rental_units.register.models import (
    ContactAddress,
    Grant,
    Lease,
    Person,
    Responder,
)
from custom_components.rental_units.storage import events, vault
from custom_components.rental_units.storage.errors import RegisterError
from custom_components.rental_units.storage.vault import Compartment, Vault
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.exceptions import ServiceValidationError, Unauthorized
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.storage import STORAGE_DIR
from homeassistant.util import dt as dt_util

from .common import (
    OTHER_PHONE,
    account,
    add_units,
    administrator,
    call,
    check_in,
    device_id,
    fill_unit,
    unit_form,
    unit_id,
)
from .test_config_flow import suggested


async def shown(hass: HomeAssistant, entry: MockConfigEntry, title: str) -> Any:
    """Return who is in a unit."""
    data = {"device_id": device_id(hass, entry, title), "reason": "alarm"}
    return (await call(hass, "get_unit", data))["people"]


async def refusal(hass: HomeAssistant, action: str, **data: Any) -> str | None:
    """Return why a call is refused."""
    with pytest.raises(ServiceValidationError) as failure:
        await call(hass, action, data)
    return failure.value.translation_key


async def test_life_of_a_lease(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """It is renewed, corrected, moved and undone, and all of it is shown."""
    await check_in(hass, entry, "1-1-101", start="2026-01-01", end="2026-12-31")
    (row,) = await shown(hass, entry, "1-1-101")
    lease = {"lease_id": row["lease_id"]}
    await call(hass, "renew_lease", {**lease, "end": "2027-12-31", "version": 1})
    assert (
        await refusal(hass, "renew_lease", **lease, end="2028-12-31", version=1)
        == "lease_changed_renewed"
    )
    corrected = await call(hass, "correct_lease", {**lease, "open_end": True})
    (row,) = await shown(hass, entry, "1-1-101")
    assert (row["start"], row["end"], row["is_inside"]) == ("2026-01-01", None, True)
    await call(hass, "undo", {"command_id": corrected["command_id"]})
    (row,) = await shown(hass, entry, "1-1-101")
    assert (row["end"], row["version"]) == ("2027-12-31", 4)
    assert [(step["what"], step["undone"]) for step in row["history"]] == [
        ("started", False),
        ("renewed", False),
        ("corrected", True),
        ("undone", False),
    ]
    assert {step["who"] for step in row["history"]} == {administrator(hass).id}
    other = device_id(hass, entry, "1-2-101")
    await call(hass, "move", {**lease, "device_id": other})
    assert await shown(hass, entry, "1-1-101") == []
    (row,) = await shown(hass, entry, "1-2-101")
    assert row["end"] == "2027-12-31"
    day = entry.runtime_data.today + timedelta(days=2)
    leaving = {"device_id": other, "date": day.isoformat()}
    await call(hass, "check_out", leaving)
    (row,) = await shown(hass, entry, "1-2-101")
    assert (row["left_on"], row["is_inside"]) == (day.isoformat(), True)
    for action, data, key in (
        ("renew_lease", {"lease_id": "x", "end": "2030-01-01"}, "no_such_lease"),
        ("undo", {"command_id": "x"}, "nothing_to_undo"),
        ("check_in", {"device_id": other}, "name_missing"),
        ("update_contact", {"person_id": "x"}, "no_such_person"),
    ):
        assert await refusal(hass, action, **data) == key


async def test_people_who_are_one(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Leases, addresses, duties and what is sealed of a duplicate go to who is kept."""
    kept = await check_in(hass, entry, "1-1-101", email="mark-1@example.com")
    other = await check_in(hass, entry, "1-1-102", name="MARK-N", phone=OTHER_PHONE)
    twice = {"device_id": device_id(hass, entry, "1-1-101"), "person_id": other}
    await call(hass, "check_in", twice)
    key = next(iter(entry.get_subentries_of_type("responder"))).subentry_id
    box = Vault(entry.runtime_data.keys)

    def more(session: Session) -> str:
        session.add(Responder(id=key, person_id=other))
        return box.put(session, Compartment.CARE, "note", "MARK-NOTE", person_id=other)

    note = await entry.runtime_data.async_run(more)
    people = {"person_id": kept, "duplicate_id": other}
    assert await refusal(hass, "merge_people", person_id=kept, duplicate_id=kept) == (
        "no_such_person"
    )
    await call(hass, "merge_people", people)

    def read(session: Session) -> tuple[set[str], set[str], set[str], str | None]:
        leases = session.scalars(select(Lease).where(Lease.removed_at.is_(None)))
        row = session.get(vault.CompartmentRow, note)
        return (
            {lease.unit_id for lease in leases if lease.person_id == kept},
            set(session.scalars(select(ContactAddress.target))),
            set(session.scalars(select(Person.id))),
            row.person_id if row else None,
        )

    units, targets, persons, about = await entry.runtime_data.async_run(read)
    assert units == {unit_id(entry, "1-1-101"), unit_id(entry, "1-1-102")}
    assert targets == {"+8613800138001", "+8613800138002", "mark-1@example.com"}
    assert (persons, about) == ({kept}, kept)
    (tenant,) = await shown(hass, entry, "1-1-101")
    assert tenant["person_id"] == kept
    # An emptied number is gone, both of them.
    await call(hass, "update_contact", {"person_id": kept, "phone": ""})
    (tenant,) = await shown(hass, entry, "1-1-101")
    assert [row["channel"] for row in tenant["addresses"]] == ["email"]


async def test_roles(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """A role is given, shown and taken; it holds from then on."""
    of_entry = {"config_entry_id": entry.entry_id}
    user = MockUser().add_to_hass(hass)
    person = await check_in(hass, entry, "1-1-101", role="landlord")
    look = {"device_id": device_id(hass, entry, "1-1-101"), "reason": "request"}
    for data, key in (
        ({"user_id": "nobody", "role": "desk"}, "no_such_user"),
        ({"user_id": user.id, "role": "administrator"}, "role_not_given"),
        ({"user_id": user.id, "role": "automation"}, "role_not_given"),
        ({"user_id": user.id, "role": "landlord"}, "role_needs_person"),
        (
            {"user_id": user.id, "role": "desk", "person_id": person},
            "role_needs_person",
        ),
        ({"user_id": user.id, "role": "resident", "person_id": "x"}, "no_such_person"),
    ):
        assert await refusal(hass, "grant_role", **of_entry, **data) == key
    with pytest.raises(Unauthorized):
        await call(hass, "get_unit", look, user=user)
    role = {**of_entry, "user_id": user.id, "role": "landlord", "person_id": person}
    given = await call(hass, "grant_role", role)
    assert await call(hass, "grant_role", role) == given
    (held,) = (await call(hass, "get_roles", of_entry))["roles"]
    assert dt_util.parse_datetime(held.pop("given_at"))
    assert held == {
        **given,
        "user_id": user.id,
        "role": "landlord",
        "person_id": person,
        "until": None,
    }
    await call(hass, "get_unit", look, user=user)
    await hass.config_entries.async_reload(entry.entry_id)
    # Whose units are whose is read behind the start.
    await hass.async_block_till_done(wait_background_tasks=True)
    await call(hass, "get_unit", look, user=user)
    await call(hass, "revoke_role", {**of_entry, **given})
    with pytest.raises(Unauthorized):
        await call(hass, "get_unit", look, user=user)
    assert await refusal(hass, "revoke_role", **of_entry, **given) == "no_such_role"


async def test_role_until_a_day(
    hass: HomeAssistant, entry: MockConfigEntry, freezer: Any
) -> None:
    """A role holds until its last day is over, whoever has looked at it since or not."""
    freezer.move_to("2026-11-30 12:00:00+00:00")
    user = MockUser().add_to_hass(hass)
    look = {"device_id": device_id(hass, entry, "1-1-101"), "reason": "request"}
    role = {"config_entry_id": entry.entry_id, "user_id": user.id, "role": "desk"}
    yesterday = {**role, "until": "2026-11-29"}
    assert await refusal(hass, "grant_role", **yesterday) == "role_is_over"
    given = await call(hass, "grant_role", {**role, "until": "2026-12-01"})
    # Said anew, it is the same role with another day.
    assert await call(hass, "grant_role", {**role, "until": "2026-12-02"}) == given
    for day, may in (("2026-12-02", True), ("2026-12-03", False)):
        freezer.move_to(f"{day} 12:00:00+00:00")
        assert bool(application_of(hass, entry.entry_id).roles(user)) is may
        if may:
            await call(hass, "get_unit", look, user=user)
        else:
            with pytest.raises(Unauthorized):
                await call(hass, "get_unit", look, user=user)
    of_entry = {"config_entry_id": entry.entry_id}
    (held,) = (await call(hass, "get_roles", of_entry))["roles"]
    assert held["until"] == "2026-12-02"
    assert await call(hass, "grant_role", role) == given
    await call(hass, "get_unit", look, user=user)
    rows = (await call(hass, "get_audit", of_entry))["audit"]
    assert [row["what"] for row in rows].count("grant_role") == 3


async def test_longer_role_of_people_who_are_one(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """An account that is both has its role for as long as either."""
    kept = await check_in(hass, entry, "1-1-101", role="landlord")
    other = await check_in(hass, entry, "1-1-102", name="MARK-2", role="landlord")
    user = await account(hass, entry, "landlord", other)
    role = {"config_entry_id": entry.entry_id, "user_id": user.id, "role": "landlord"}
    soon = (dt_util.now() + timedelta(days=1)).date().isoformat()
    await call(hass, "grant_role", {**role, "person_id": kept, "until": soon})
    await call(hass, "merge_people", {"person_id": kept, "duplicate_id": other})
    (held,) = (await call(hass, "get_roles", {"config_entry_id": entry.entry_id}))[
        "roles"
    ]
    assert (held["person_id"], held["until"]) == (kept, None)


async def test_accounts_of_people_who_are_one(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """Whose account was the duplicate's keeps what it may, at once; the audit says so."""
    kept = await check_in(hass, entry, "1-1-101", role="landlord")
    other = await check_in(hass, entry, "1-1-102", name="MARK-2", role="landlord")
    landlord = await account(hass, entry, "landlord", other)
    both = await account(hass, entry, "landlord", kept)
    role = {"config_entry_id": entry.entry_id, "user_id": both.id, "role": "landlord"}
    await call(hass, "grant_role", {**role, "person_id": other})
    await call(hass, "merge_people", {"person_id": kept, "duplicate_id": other})
    for title in ("1-1-101", "1-1-102"):
        for user in (landlord, both):
            data = {"device_id": device_id(hass, entry, title), "reason": "request"}
            await call(hass, "get_unit", data, user=user)
    roles = await call(hass, "get_roles", {"config_entry_id": entry.entry_id})
    assert sorted((row["user_id"], row["person_id"]) for row in roles["roles"]) == (
        sorted([(landlord.id, kept), (both.id, kept)])
    )
    asked = {"config_entry_id": entry.entry_id, "person_id": kept}
    rows = (await call(hass, "get_audit", asked))["audit"]
    whats = [row["what"] for row in rows]
    # One when it was given, one by the merge.
    assert whats.count("grant_role") == 2
    # Who is erased takes their accounts' roles along, and that is said as well.
    await call(hass, "erase_person", {"person_id": kept})
    assert application_of(hass, entry.entry_id).roles(landlord) == []
    rows = (await call(hass, "get_audit", asked))["audit"]
    assert [row["what"] for row in rows].count("revoke_role") == 2


async def test_role_of_an_erased_person(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """A landlord who is erased has no role any more."""
    person = await check_in(hass, entry, "1-1-101", role="landlord")
    await account(hass, entry, "landlord", person)
    await call(hass, "erase_person", {"person_id": person})
    grants = await entry.runtime_data.async_run(
        lambda session: list(session.scalars(select(Grant.id)))
    )
    assert grants == []


async def test_audit_is_read(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Who did what is shown to who may, with what was refused; and so is the reading."""
    of_entry = {"config_entry_id": entry.entry_id}
    person = await check_in(hass, entry, "1-1-101")
    curious = await account(hass, entry, "user")
    look = {"device_id": device_id(hass, entry, "1-1-101"), "reason": "request"}
    with pytest.raises(Unauthorized):
        await call(hass, "get_unit", look, user=curious)
    supervisor = await account(hass, entry, "supervisor")
    assert await call(
        hass, "get_audit", {**of_entry, "reason": "inspection"}, user=supervisor
    )
    rows = (await call(hass, "get_audit", of_entry))["audit"]
    assert (rows[0]["what"], rows[0]["who"]) == ("get_audit", supervisor.id)
    (refused,) = (row for row in rows if row["what"] == "get_unit_refused")
    assert (refused["who"], refused["why"]) == (curious.id, "refused")
    assert refused["unit_id"] == unit_id(entry, "1-1-101")
    about = {**of_entry, "person_id": person, "device_id": look["device_id"]}
    rows = (await call(hass, "get_audit", about))["audit"]
    assert [row["what"] for row in rows] == ["check_in"]
    assert rows[0]["command_id"]
    by = {**of_entry, "user_id": curious.id, "until": "2020-01-01T00:00:00+00:00"}
    assert (await call(hass, "get_audit", by))["audit"] == []


async def test_key_is_changed_and_lost(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """A new key opens all that the old one did; one that is lost is said, with its file."""
    of_entry = {"config_entry_id": entry.entry_id}
    box = Vault(entry.runtime_data.keys)
    note = await entry.runtime_data.async_run(
        lambda session: box.put(session, Compartment.SEALED, "note", "MARK-NOTE")
    )
    before = entry.runtime_data.keys.current
    answer = await call(hass, "rotate_key", of_entry)
    assert answer == {"unreadable_rows": 0}
    assert entry.runtime_data.keys.current != before
    await hass.config_entries.async_reload(entry.entry_id)
    keys = entry.runtime_data.keys
    assert (
        await entry.runtime_data.async_run(
            lambda session: Vault(keys).read(session, note)
        )
        == "MARK-NOTE"
    )
    issues = ir.async_get(hass)
    assert issues.async_get_issue(DOMAIN, f"key_lost_{entry.entry_id}") is None

    await hass.config_entries.async_unload(entry.entry_id)
    await keys.async_remove()
    await hass.config_entries.async_setup(entry.entry_id)
    found = issues.async_get_issue(DOMAIN, f"key_lost_{entry.entry_id}")
    assert found
    assert found.translation_placeholders == {
        "property": "Property 1",
        "count": "1",
        "file": keys.name,
    }
    assert (await call(hass, "rotate_key", of_entry))["unreadable_rows"] == 1


async def test_files_are_listed(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Whatever holds something of a property is named, with its kind, size and age."""
    of_entry = {"config_entry_id": entry.entry_id}
    for name in ("one.csv", "two.csv"):
        await call(hass, "export_register", {**of_entry, "file": name})
    folder = Path(hass.config.path(DOMAIN))
    # Somebody has taken it away.
    (folder / "two.csv").unlink()
    database = entry.runtime_data.database.path
    if database:
        database.with_name(f"{database.name}.broken-1").write_bytes(b"123")
    storage = Path(hass.config.path(STORAGE_DIR, f"{DOMAIN}.{entry.entry_id}.x"))
    storage.parent.mkdir(exist_ok=True)
    for path in (folder / "one.csv", storage):
        path.write_bytes(b"12345")
        os.utime(path, (two_days := time.time() - 2 * 86_400 - 60, two_days))
    found = await call(hass, "get_files", of_entry)
    rows = {(row["kind"], row["name"]): row for row in found["files"]}
    of_database = [
        ("database", f"{database and database.name}{suffix}")
        for suffix in ("", "-wal", "-shm")
    ]
    assert rows.keys() - set(of_database) == {
        ("export", "one.csv"),
        ("storage", storage.name),
        *([("damaged", f"{database.name}.broken-1")] if database else ()),
    }
    export = rows["export", "one.csv"]
    assert (export["bytes"], export["days"]) == (5, 2)
    assert export["modified"] == datetime.fromtimestamp(two_days, UTC).isoformat(
        timespec="seconds"
    )
    assert (("database", f"{database and database.name}") in rows) is bool(database)
    # What is erased is listed no more.
    await entry.runtime_data.database.async_remove_leftovers()
    person = await check_in(hass, entry, "1-1-101")
    await call(hass, "erase_person", {"person_id": person})
    found = await call(hass, "get_files", of_entry)
    assert {row["kind"] for row in found["files"]} <= {"database", "storage"}


async def test_exports_are_known_as_long_as_they_are_there(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However old, and whatever ends on the way: who is erased next takes them along."""
    of_entry = {"config_entry_id": entry.entry_id}
    folder = Path(hass.config.path(DOMAIN))

    async def listed() -> set[str]:
        found = await call(hass, "get_files", of_entry)
        return {row["name"] for row in found["files"] if row["kind"] == "export"}

    async def erase() -> Any:
        person = await check_in(hass, entry, "1-1-101")
        return await call(hass, "erase_person", {"person_id": person})

    for name in ("one.csv", "two.csv"):
        await call(hass, "export_register", {**of_entry, "file": name})
    # Home Assistant was killed while it wrote one.
    (part := folder / "one.csv.abc.part").touch()
    freezer.tick(timedelta(days=400))
    await entry.runtime_data._async_new_day(dt_util.utcnow())
    everything = {"one.csv", "two.csv", part.name}
    assert await listed() == everything

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(application, "remove", killed)
        with pytest.raises(KeyboardInterrupt):
            await erase()
    assert await listed() == everything
    unlink = Path.unlink

    def refuse(path: Path, *args: Any, **kwargs: Any) -> None:
        if path.name == "two.csv":
            raise PermissionError(13, "refused")
        unlink(path, *args, **kwargs)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", refuse)
        answer = await erase()
    assert answer["files_removed"] == ["one.csv"]
    assert answer["files_left"] == ["two.csv"]
    assert await listed() == {"two.csv"}
    assert (await erase())["files_removed"] == ["two.csv"]
    assert await listed() == set()
    noted = await entry.runtime_data.async_run(
        lambda session: list(session.scalars(select(vault.CompartmentRow.body)))
    )
    assert noted == []


async def test_form_that_was_overtaken(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """A form says what has changed meanwhile, shows it, and saves nothing."""
    await check_in(hass, entry, "1-1-101")
    result = await unit_form(hass, entry, "1-1-101")
    values = suggested(result)
    await check_in(hass, entry, "1-1-101", name="MARK-NEW", phone=OTHER_PHONE)
    form = {"building": "1", "stairwell": "1", "number": "101", "landlord": {}}
    result = await fill_unit(hass, result, {**form, "tenants": values["tenants"]})
    assert result["errors"] == {"base": "changed_meanwhile"}
    assert result["description_placeholders"] == {"changes": "- MARK-NEW: moved in"}
    tenants = suggested(result)["tenants"]
    assert {row["name"] for row in tenants} == {"MARK-NAME-1", "MARK-NEW"}
    day = entry.runtime_data.today + timedelta(days=3)
    leaving = [
        {**tenants[0], "left_on": day.isoformat()},
        tenants[1],
        {"name": "MARK-3", "phone": "13800138003", "left_on": day.isoformat()},
    ]
    result = await fill_unit(hass, result, {**form, "tenants": leaving})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    rows = {row["name"]: row["left_on"] for row in await shown(hass, entry, "1-1-101")}
    assert set(rows.values()) == {day.isoformat(), None}
    assert rows["MARK-3"] == day.isoformat()
    # The day is taken out again: they stay.
    result = await unit_form(hass, entry, "1-1-101")
    tenants = suggested(result)["tenants"]
    staying = [{k: v for k, v in row.items() if k != "left_on"} for row in tenants]
    await fill_unit(hass, result, {**form, "address": "MARK-A", "tenants": staying})
    rows = {row["name"]: row["left_on"] for row in await shown(hass, entry, "1-1-101")}
    assert set(rows.values()) == {None}


async def test_form_of_a_unit_that_was_changed(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """Two who have the form open: the second reads what the first has changed."""
    forms = [await unit_form(hass, entry, "1-1-101") for _ in range(2)]
    form = {"building": "1", "stairwell": "1", "number": "101", "landlord": {}}
    change = {**form, "number": "109", "rooms": 2, "address": "MARK-A"}
    first = await fill_unit(hass, forms[0], {**change, "area_id": "area_101"})
    assert first["type"] is FlowResultType.CREATE_ENTRY
    second = await fill_unit(hass, forms[1], {**form, "letting": "shared"})
    assert second["errors"] == {"base": "changed_meanwhile"}
    assert second["description_placeholders"]["changes"].split("\n") == [
        "- the number was changed",
        "- the number of rooms was changed",
        "- the address was changed",
    ]
    unit = entry.runtime_data.units[unit_id(entry, "1-1-109")]
    assert (unit.rooms, unit.letting) == (2, None)
    shown_now = suggested(second)
    assert (shown_now["number"], shown_now["rooms"]) == ("109", 2)
    landlord = {"landlord": {}, "letting": "shared"}
    saved = await fill_unit(hass, second, {**change, **landlord})
    assert saved["type"] is FlowResultType.CREATE_ENTRY
    unit = entry.runtime_data.units[unit_id(entry, "1-1-109")]
    assert (unit.rooms, unit.letting) == (2, "shared")


async def test_a_listener_that_fails_is_told_again(
    hass: HomeAssistant, entry: MockConfigEntry, caplog: pytest.LogCaptureFixture
) -> None:
    """What it has not done is told with the next command, and at the next start."""
    told = application_of(hass, entry.entry_id)
    heard: list[str] = []
    works = False

    async def listener(rows: Any) -> None:
        if not works:
            raise RegisterError("register_full")
        heard.extend(row.kind for row in rows)

    await told.async_start({"cards": listener})
    await check_in(hass, entry, "1-1-101")
    assert heard == []
    assert "could not be told: register_full" in caplog.text
    works = True
    await told.async_start({"cards": listener})
    assert heard == ["lease_started"]
    await check_in(hass, entry, "1-1-102", name="MARK-2", phone=OTHER_PHONE)
    assert heard == ["lease_started", "lease_started"]
    assert (
        await entry.runtime_data.async_run(
            lambda session: list(events.unheard(session, "cards"))
        )
        == []
    )


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("units", "portions"), [(4, [2, 2]), (5, [2, 2, 1])])
async def test_much_is_told_in_portions(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    monkeypatch: pytest.MonkeyPatch,
    units: int,
    portions: list[int],
) -> None:
    """However much has happened, a listener hears all of it."""
    monkeypatch.setattr(events, "MOST_EVENTS", 2)
    heard: list[int] = []

    async def listener(rows: Any) -> None:
        heard.append(len(rows))

    await application_of(hass, entry.entry_id).async_start({"cards": listener})
    rows = [{"building": "9", "number": str(number)} for number in range(units)]
    await add_units(hass, entry, *rows)
    assert heard == portions


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_what_fails_around_a_command(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A command that is written is done, also if the figures cannot be read then."""
    register = entry.runtime_data

    async def fail(*_: Any, **__: Any) -> Any:
        raise RegisterError("register_locked")

    with monkeypatch.context() as patched:
        patched.setattr(register, "async_refresh", fail)
        await check_in(hass, entry, "1-1-101")
    assert "The figures could not be read" in caplog.text
    user = await account(hass, entry, "user")
    look = {"device_id": device_id(hass, entry, "1-1-101"), "reason": "request"}
    with monkeypatch.context() as patched:
        patched.setattr(register, "async_run", fail)
        with pytest.raises(Unauthorized):
            await call(hass, "get_unit", look, user=user)
    assert "A refusal could not be written down" in caplog.text
