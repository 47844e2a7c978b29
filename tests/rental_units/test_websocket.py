"""The register in a panel: what is shown, what is masked, what is written, who is faster."""

from datetime import timedelta
import logging
from pathlib import Path
import threading
from typing import Any
from unittest.mock import AsyncMock, patch

import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockUser,
    async_fire_time_changed,
)
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.rental_units.app import people
from custom_components.rental_units.app.application import application_of
from custom_components.rental_units.app.policy import AccountRole
from custom_components.rental_units.app.reading import GetUnit
from custom_components.rental_units.const import DOMAIN
from custom_components.rental_units.register.last_known import LastKnown
from custom_components.rental_units.register.models import Responder
from custom_components.rental_units.register.phonebook import Phonebook
from custom_components.rental_units.websocket import base, reading
from custom_components.rental_units.websocket.base import COMMANDS
from homeassistant.auth.const import GROUP_ID_READ_ONLY
from homeassistant.core import HomeAssistant
from homeassistant.helpers.json import json_dumps
from homeassistant.util import dt as dt_util

from .common import (
    E164,
    OTHER_PHONE,
    PHONE,
    account,
    add_unit,
    administrator,
    audited,
    call,
    check_in,
    unit_id,
    without_database,
)
from .panel import Panel, content, panel_of

DOCS = Path(__file__).parents[2] / "docs/websocket.md"


@pytest.fixture
def today(freezer: Any) -> None:
    """Let it be the day that the leases of a test are about."""
    freezer.move_to("2026-11-30 12:00:00+00:00")


@pytest.fixture
async def panel(
    hass: HomeAssistant, entry: MockConfigEntry, hass_ws_client: WebSocketGenerator
) -> Panel:
    """Return the administrator's panel."""
    return await panel_of(hass, entry, hass_ws_client)


def fields_of(command: base.PanelCommand) -> str:
    """Return the fields of a command as the page lists them: those in brackets may be absent."""
    names = {
        key.schema: type(key).__name__ == "Required"
        for key in command.fields
        if key.schema not in ("entry_id", "reason")
    }
    return ", ".join(
        f"`{name}`" if is_needed else f"[`{name}`]" for name, is_needed in names.items()
    )


def test_page_of_commands() -> None:
    """The page for who writes a panel lists each command with its fields and its right."""
    text = DOCS.read_text("utf-8")
    rows = [
        f"| `{name}` | {fields_of(row)} | {' or '.join(f'`{key}`' for key in row.table)} |"
        f" {' '.join(row.text.split())} |"
        for name, row in COMMANDS.items()
    ]
    assert [row for row in rows if row not in text] == []
    listed = [row for row in text.splitlines() if row.startswith("| `")]
    assert len(listed) == len(rows)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_session(
    hass: HomeAssistant, entry: MockConfigEntry, hass_ws_client: WebSocketGenerator
) -> None:
    """Who asks learns what they are and may, and nothing of a property that is not theirs."""
    owner = await check_in(hass, entry, "1-1-101", role="landlord")
    for role, person, rights, reasons in (
        ("landlord", owner, [unit_id(entry, "1-1-101")], False),
        ("police", None, None, True),
        ("user", None, None, False),
    ):
        user = await account(hass, entry, role, person)
        client = (await panel_of(hass, entry, hass_ws_client, user)).client
        await client.send_json_auto_id({"type": f"{DOMAIN}/session"})
        answer = (await client.receive_json())["result"]
        assert answer["user"]["id"] == user.id
        assert answer["all_loaded"]
        if role == "user":
            assert answer["properties"] == []
            continue
        (found,) = answer["properties"]
        assert (found["entry_id"], found["roles"]) == (entry.entry_id, [role])
        assert found["rights"]["get_unit"] == rights
        assert ("get_unit" in found["for_a_reason"]) is reasons
        assert "merge_people" not in found["rights"]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_session_as_it_changes(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    hass_ws_client: WebSocketGenerator,
    freezer: Any,
) -> None:
    """A role that is given, taken or over, and a property that comes and goes, are told at once."""
    user = await account(hass, entry, "user")
    panel = await panel_of(hass, entry, hass_ws_client, user)
    await panel.client.send_json_auto_id({"type": f"{DOMAIN}/subscribe_session"})
    assert (await panel.client.receive_json())["success"]

    async def roles() -> list[list[str]]:
        event = await panel.event()
        assert event["kind"] == "session"
        return [row["roles"] for row in event["session"]["properties"]]

    assert await roles() == []
    property_id = {"config_entry_id": entry.entry_id}
    until = dt_util.now().date().isoformat()
    for _way in range(2):
        given = await call(
            hass,
            "grant_role",
            {**property_id, "user_id": user.id, "role": "desk", "until": until},
        )
        assert await roles() == [["desk"]]
        if not _way:
            grant = {"grant_id": given["grant_id"]}
            await call(hass, "revoke_role", {**property_id, **grant})
            assert await roles() == []
    # The day is over: that is seen with the next sign of life.
    freezer.tick(timedelta(days=1))
    async_fire_time_changed(hass)
    assert await roles() == []
    assert await panel.event() == {"kind": "beat"}
    await hass.config_entries.async_unload(entry.entry_id)
    assert not (await panel.event())["session"]["all_loaded"]
    # Nobody is told any more.
    await panel.client.close()
    await hass.async_block_till_done()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_session_as_another(
    hass: HomeAssistant, entry: MockConfigEntry, panel: Panel
) -> None:
    """An administrator sees beforehand what an account is offered, which may be refused in Home Assistant."""
    owner = await check_in(hass, entry, "1-1-101", role="landlord")
    user = await account(hass, entry, "landlord", owner)
    found = await panel.get("session_as", user_id=user.id)
    assert found["property"]["roles"] == ["landlord"]
    assert found["property"]["rights"]["answer"] == [unit_id(entry, "1-1-101")]
    assert (found["reads_all"], found["controls_all"]) == (True, True)
    read_only = await hass.auth.async_get_group(GROUP_ID_READ_ONLY)
    assert read_only
    user.groups = [read_only]
    user.invalidate_cache()
    found = await panel.get("session_as", user_id=user.id)
    assert (found["reads_all"], found["controls_all"]) == (True, False)
    assert await panel.refusal("session_as", user_id="nobody") == "no_such_user"
    assert (await audited(entry, "get_roles"))[-1].who == administrator(hass).id


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_session_while_away(
    hass: HomeAssistant, entry: MockConfigEntry, panel: Panel
) -> None:
    """A property that is not loaded answers nobody, and says so."""
    await hass.config_entries.async_unload(entry.entry_id)
    await panel.client.send_json_auto_id({"type": f"{DOMAIN}/session"})
    answer = (await panel.client.receive_json())["result"]
    assert (answer["properties"], answer["all_loaded"]) == ([], False)
    assert await panel.refusal("units") == "property_not_loaded"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_session_of_a_start_without_database(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    hass_ws_client: WebSocketGenerator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """That a role could not be read is not that there is none: it is asked for again."""
    await check_in(hass, entry, "1-1-101")
    duty = await account(hass, entry, "duty")
    panel = await panel_of(hass, entry, hass_ws_client, duty)

    async def session() -> Any:
        await panel.client.send_json_auto_id({"type": f"{DOMAIN}/session"})
        return (await panel.client.receive_json())["result"]

    async with without_database(hass, entry):
        # The role is last known; who called for help before is not.
        answer = await session()
        (found,) = answer["properties"]
        assert (found["roles"], answer["all_loaded"]) == (["duty"], False)
        assert await panel.refusal("units") == "register_unreachable"
    monkeypatch.setattr(LastKnown, "async_load_grants", AsyncMock(return_value=None))
    async with without_database(hass, entry):
        answer = await session()
        assert (answer["properties"], answer["all_loaded"]) == ([], False)
        assert await panel.refusal("subscribe_response") == "register_locked"
    answer = await session()
    assert (answer["properties"][0]["roles"], answer["all_loaded"]) == (["duty"], True)
    # It was no refusal: nobody has to answer for it.
    assert await audited(entry, "get_alerts_refused") == []


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_no_such_property(
    hass: HomeAssistant, entry: MockConfigEntry, hass_ws_client: WebSocketGenerator
) -> None:
    """Who has no right is not told which properties there are."""
    other = MockConfigEntry(domain="other")
    other.add_to_hass(hass)
    for user, said in (
        (administrator(hass), "no_such_property"),
        (await account(hass, entry, "manager"), "Unauthorized"),
    ):
        panel = await panel_of(hass, entry, hass_ws_client, user)
        for panel.entry_id in ("nobody", other.entry_id):
            assert await panel.refusal("units") == said


@pytest.mark.usefixtures("today")
async def test_units(hass: HomeAssistant, entry: MockConfigEntry, panel: Panel) -> None:
    """Units come in the order of their names, page by page, with figures."""
    await add_unit(hass, entry, building="10", number="1")
    await add_unit(hass, entry, building="2", number="1")
    await check_in(hass, entry, "1-1-101", end="2026-12-20")
    await check_in(
        hass,
        entry,
        "1-1-102",
        name="MARK-2",
        phone=None,
        end="2026-11-01",
        start="2026-01-01",
    )
    answer = await panel.get("units", limit=3)
    titles = [row["title"] for row in answer["units"]]
    answer = await panel.get("units", limit=3, offset=3)
    titles += [row["title"] for row in answer["units"]]
    assert titles == ["1-1-101", "1-1-102", "1-2-101", "2-1", "10-1"]
    assert (answer["matching"], answer["total"]) == (5, 5)
    assert answer["counts"] == {
        "occupied": 2,
        "vacant": 3,
        "incomplete": 5,
        "unreachable": 1,
        "ending": 1,
        "overdue": 1,
    }
    for only, title in (("ending", "1-1-101"), ("overdue", "1-1-102")):
        (row,) = (await panel.get("units", only=only))["units"]
        assert (row["title"], row["tenants"]) == (title, 1)
        assert row["device_id"]
    assert len(await audited(entry, "get_units")) == 4


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_units_of_a_landlord(
    hass: HomeAssistant, entry: MockConfigEntry, hass_ws_client: WebSocketGenerator
) -> None:
    """Who may in some units lists those."""
    owner = await check_in(hass, entry, "1-1-101", role="landlord")
    user = await account(hass, entry, "landlord", owner)
    panel = await panel_of(hass, entry, hass_ws_client, user)
    answer = await panel.get("units")
    assert [row["title"] for row in answer["units"]] == ["1-1-101"]
    assert answer["total"] == 1
    assert await panel.refusal("unit", unit_id=unit_id(entry, "1-1-102")) == (
        "Unauthorized"
    )


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_places(
    hass: HomeAssistant, entry: MockConfigEntry, hass_ws_client: WebSocketGenerator
) -> None:
    """Where units stand is told to who is told of alerts there, and of no other unit."""
    await add_unit(hass, entry, building="3", number="Shop", area_id="area_shop")
    owner = await check_in(hass, entry, "1-1-101", role="landlord")
    office = await panel_of(hass, entry, hass_ws_client)
    (building,) = [
        row
        for row in (await office.get("place_list"))["places"]
        if (row["kind"], row["building"]) == ("building", "3")
    ]
    await office.get(
        "save_place",
        place_id=building["place_id"],
        version=building["version"],
        latitude=30.25,
        longitude=120.125,
    )
    flat = {"building": "1", "stairwell": "1", "number": "101", "position": None}
    shop = {"building": "3", "stairwell": "", "number": "Shop", "position": None}
    # Where on earth, to who sees places.
    placed = {**shop, "position": [30.25, 120.125]}
    for role, person, places in (
        ("duty", None, {"area_101": flat, "area_shop": placed}),
        ("landlord", owner, {"area_101": flat}),
        ("mediator", None, None),
    ):
        user = await account(hass, entry, role, person)
        panel = await panel_of(hass, entry, hass_ws_client, user)
        if places is None:
            assert await panel.refusal("places") == "Unauthorized"
        else:
            assert await panel.get("places") == {"places": places}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_unit_and_person(
    hass: HomeAssistant, entry: MockConfigEntry, hass_ws_client: WebSocketGenerator
) -> None:
    """People have slots; numbers are masked until somebody says why they need them."""
    unit = unit_id(entry, "1-1-101")
    key = await check_in(hass, entry, "1-1-101", name="甲乙丙")
    await check_in(hass, entry, "1-1-101", name="MARK-2", phone=OTHER_PHONE)
    await check_in(hass, entry, "1-1-101", name="MARK-3", phone=None, role="landlord")
    desk = await account(hass, entry, "desk")
    police = await account(hass, entry, "police")
    for user, names in (
        (desk, {"甲乙丙", "MARK-2", "MARK-3"}),
        (police, {"甲**", "M**"}),
    ):
        panel = await panel_of(hass, entry, hass_ws_client, user)
        found = await panel.get("unit", unit_id=unit, reason="inspection")
        assert {row["name"] for row in found["people"]} == names
        assert [(row["role"], row["slot"]) for row in found["people"]] == [
            ("landlord", 1),
            ("tenant", 1),
            ("tenant", 2),
        ]
        shown = await panel.get("person", person_id=key, reason="inspection")
        assert shown["name"] in names
        assert shown["leases"][0]["unit"] == "1-1-101"
        assert E164 not in json_dumps([found, shown])
        assert found["accounts"] == shown["accounts"]
        assert list(found["accounts"]) == [administrator(hass).id]
    panel = await panel_of(hass, entry, hass_ws_client, desk)
    assert await panel.refusal("reveal", person_id=key) == "Invalid value of reason"
    assert await audited(entry, "get_person_revealed") == []
    shown = await panel.get("reveal", person_id=key, reason="request")
    assert {row["target"] for row in shown["addresses"]} == {E164}
    (row,) = await audited(entry, "get_person_revealed")
    assert (row.person_id, row.who, row.why) == (key, desk.id, "request")


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_unit_that_is_gone(panel: Panel) -> None:
    """A unit that there is not is said not to be there."""
    assert await panel.refusal("unit", unit_id="nowhere") == "no_such_unit"
    assert await panel.refusal("person", person_id="nobody") == "no_such_person"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_duty_of_a_person(
    hass: HomeAssistant, entry: MockConfigEntry, panel: Panel
) -> None:
    """A responder's page says which duty they have."""
    subentry = next(iter(entry.subentries.values()))
    key = await check_in(hass, entry, "1-1-101")

    def put(session: Any) -> None:
        session.add(Responder(id=subentry.subentry_id, person_id=key))

    await entry.runtime_data.async_run(put)
    shown = await panel.get("person", person_id=key)
    assert shown["duties"] == [subentry.title]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("甲乙", ["甲乙丙"]),
        ("乙丙", ["甲乙丙"]),
        ("jiayibing", ["甲乙丙"]),
        ("Jia Yi", ["甲乙丙"]),
        ("jyb", ["甲乙丙"]),
        ("mark", ["MARK-2", "MARK-3"]),
        ("02", ["MARK-2"]),
        ("38002", ["MARK-2"]),
        ("MARK-3", ["MARK-3"]),
        ("%%mark", ["MARK-2", "MARK-3"]),
        ("nobody", []),
    ],
)
async def test_search(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    panel: Panel,
    query: str,
    found: list[str],
) -> None:
    """Somebody is found by signs, pinyin, initials, and the end of a number."""
    await check_in(hass, entry, "1-1-101", name="甲乙丙")
    await check_in(hass, entry, "1-1-102", name="MARK-2", phone=OTHER_PHONE)
    await check_in(hass, entry, "1-1-102", name="MARK-3", phone=None)
    answer = await panel.get("search", query=query)
    assert [row["name"] for row in answer["people"]] == found
    assert not answer["more"]
    assert E164 not in json_dumps(answer)
    for row in answer["people"]:
        assert row["units"][0]["unit"] in ("1-1-101", "1-1-102")


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_search_of_many(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    panel: Panel,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first ones are shown: those who are meant exactly, then those who are there."""
    monkeypatch.setattr(people, "MOST_HITS", 2)
    for name in ("MARK-A", "MARK-B", "MARK"):
        await check_in(hass, entry, "1-1-101", name=name, phone=None)
    gone = await check_in(hass, entry, "1-1-102", name="MARK-0", phone=None)
    await panel.get("check_out", unit_id=unit_id(entry, "1-1-102"), person_id=gone)
    answer = await panel.get("search", query="mark")
    assert [row["name"] for row in answer["people"]] == ["MARK", "MARK-A"]
    assert answer["more"]
    assert await panel.refusal("search", query="m!") == "search_too_short"
    answer = await panel.get("search", query="MARK-0")
    assert [row["units"] for row in answer["people"]] == [[]]


async def test_search_by_number(
    hass: HomeAssistant, entry: MockConfigEntry, hass_ws_client: WebSocketGenerator
) -> None:
    """Who is shown the last four digits finds by these alone, and never learns a fifth."""
    key = await check_in(hass, entry, "1-1-101")
    owner = await check_in(
        hass, entry, "1-1-101", name="MARK-O", role="landlord", phone=None
    )
    all_ends = {PHONE[-digits:] for digits in range(2, len(PHONE) + 1)}
    for role, person, wanted in (
        ("police", None, {PHONE[-4:]}),
        ("grid_worker", None, {PHONE[-4:]}),
        ("community_office", None, {PHONE[-4:]}),
        ("duty", None, all_ends),
        ("landlord", owner, all_ends),
    ):
        user = await account(hass, entry, role, person)
        panel = await panel_of(hass, entry, hass_ws_client, user)
        found = {
            end
            for end in all_ends
            if (await panel.get("search", query=end, reason="alarm"))["people"]
        }
        assert found == wanted, role
    # With a role that reveals in one flat, an officer still learns nothing of another.
    await check_in(hass, entry, "1-2-101", name="MARK-2", phone=OTHER_PHONE)
    data = {"config_entry_id": entry.entry_id, "user_id": user.id, "role": "police"}
    await call(hass, "grant_role", data)
    for end, ids in ((OTHER_PHONE[-5:], []), (PHONE[-4:], [key])):
        answer = await panel.get("search", query=end, reason="alarm")
        assert [row["person_id"] for row in answer["people"]] == ids


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_search_is_audited(
    hass: HomeAssistant, entry: MockConfigEntry, hass_ws_client: WebSocketGenerator
) -> None:
    """The police are shown a mask for a reason, and the audit knows whom they were shown."""
    key = await check_in(hass, entry, "1-1-101")
    desk = await panel_of(
        hass, entry, hass_ws_client, await account(hass, entry, "desk")
    )
    await desk.get("search", query="mark")
    (row,) = await audited(entry, "find_people")
    assert (row.person_id, row.why) == (None, "management")
    officer = await account(hass, entry, "police")
    police = await panel_of(hass, entry, hass_ws_client, officer)
    assert await police.refusal("search", query="mark") == "needs_reason"
    answer = await police.get("search", query="mark", reason="alarm")
    assert [row["name"] for row in answer["people"]] == ["M**"]
    rows = [row for row in await audited(entry, "find_people") if row.why == "alarm"]
    assert [(row.who, row.person_id) for row in rows] == [
        (officer.id, None),
        (officer.id, key),
    ]
    # Who owns a flat finds those who are in it.
    owner = await check_in(hass, entry, "1-1-102", name="MARK-O", role="landlord")
    landlord = await panel_of(
        hass, entry, hass_ws_client, await account(hass, entry, "landlord", owner)
    )
    answer = await landlord.get("search", query="mark")
    assert [row["name"] for row in answer["people"]] == ["MARK-O"]


async def test_duplicates(
    hass: HomeAssistant, entry: MockConfigEntry, panel: Panel
) -> None:
    """Who shares a name or a number is compared, and becomes one."""
    one = await check_in(hass, entry, "1-1-101", name="MARK-1")
    two = await check_in(hass, entry, "1-1-102", name="MARK-2")
    three = await check_in(hass, entry, "1-2-101", name="MARK-2", phone=OTHER_PHONE)
    await check_in(hass, entry, "1-2-101", name="MARK-4", phone=None)

    def ids(answer: Any) -> set[frozenset[str]]:
        return {frozenset(row["person_id"] for row in pair) for pair in answer["pairs"]}

    pairs = {frozenset({one, two}), frozenset({two, three})}
    assert ids(await panel.get("duplicates")) == pairs
    assert ids(await panel.get("duplicates", person_id=one)) == {frozenset({one, two})}
    merged = await panel.get("merge_people", person_id=one, duplicate_id=two)
    assert merged == {"person_id": one}
    assert (await panel.get("duplicates"))["pairs"] == []
    assert {row.person_id for row in await audited(entry, "find_duplicates")} == {
        *(None, one, two, three)
    }


@pytest.mark.usefixtures("today")
async def test_check_in(
    hass: HomeAssistant, entry: MockConfigEntry, panel: Panel
) -> None:
    """Nothing doubtful is written before somebody has looked at it."""
    unit, other = unit_id(entry, "1-1-101"), unit_id(entry, "1-1-102")
    assert await panel.refusal("check_in", unit_id=unit) == "name_missing"
    new = {"unit_id": unit, "name": "MARK-1", "phone": PHONE, "end": "2027-11-30"}
    assert await panel.refusal("check_in", **{**new, "phone": "1"}) == "invalid_phone"
    written = (await panel.get("check_in", **new))["written"]
    (key,) = written["people"]
    # Another name with this number, perhaps the same person.
    again = {"unit_id": other, "name": "MARK-X", "phone": PHONE}
    answer = await panel.get("check_in", **again)
    assert answer["written"] is None
    (same,) = answer["doubts"]["same"]
    assert (same["person_id"], same["units"][0]["unit"]) == (key, "1-1-101")
    assert answer["doubts"]["overlaps"] == []
    # It is: then the stay in the other unit goes on at the same time.
    known = {"unit_id": other, "person_id": key, "start": "2026-12-01"}
    answer = await panel.get("check_in", **known)
    assert answer["doubts"]["same"] == []
    (overlap,) = answer["doubts"]["overlaps"]
    assert (overlap["unit"], overlap["end"]) == ("1-1-101", "2027-11-30")
    answer = await panel.get("check_in", **known, confirmed=True)
    assert answer["written"]["people"] == [key]
    # By name and number they are known without a doubt; the two stays are said.
    answer = await panel.get("check_in", **{**new, "unit_id": other})
    assert {row["unit"] for row in answer["doubts"]["overlaps"]} == {
        "1-1-101",
        "1-1-102",
    }
    # A stay that is over before the new one begins is no overlap.
    later = {"unit_id": unit, "name": "MARK-1", "phone": PHONE, "start": "2027-12-01"}
    answer = await panel.get("check_in", **later)
    assert [row["unit"] for row in answer["doubts"]["overlaps"]] == ["1-1-102"]
    undone = await panel.get("undo", command_id=written["command_id"])
    assert undone["written"]["people"] == [key]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_second_landlord(
    hass: HomeAssistant, entry: MockConfigEntry, panel: Panel
) -> None:
    """A unit that has a landlord is said to have one."""
    unit = unit_id(entry, "1-1-101")
    owner = {"unit_id": unit, "role": "landlord"}
    assert (await panel.get("check_in", **owner, name="MARK-1"))["written"]
    answer = await panel.get("check_in", **owner, name="MARK-2")
    (row,) = answer["doubts"]["overlaps"]
    assert (row["name"], row["role"]) == ("MARK-1", "landlord")


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_check_in_by_a_landlord(
    hass: HomeAssistant, entry: MockConfigEntry, hass_ws_client: WebSocketGenerator
) -> None:
    """Who lives elsewhere is not shown to a landlord, not even as a doubt."""
    await check_in(hass, entry, "1-1-102", name="MARK-2")
    owner = await check_in(
        hass, entry, "1-1-101", name="MARK-O", role="landlord", phone=None
    )
    user = await account(hass, entry, "landlord", owner)
    panel = await panel_of(hass, entry, hass_ws_client, user)
    answer = await panel.get(
        "check_in", unit_id=unit_id(entry, "1-1-101"), name="MARK-3", phone=PHONE
    )
    assert answer["written"]


@pytest.mark.usefixtures("today")
async def test_leases(
    hass: HomeAssistant, entry: MockConfigEntry, panel: Panel
) -> None:
    """Who was faster is shown with what is there now; nothing is lost."""
    unit, other = unit_id(entry, "1-1-101"), unit_id(entry, "1-1-102")
    key = await check_in(hass, entry, "1-1-101", end="2026-12-31")

    async def lease() -> dict[str, Any]:
        (row,) = (await panel.get("unit", unit_id=unit))["people"]
        return {"unit_id": unit, "lease_id": row["lease_id"], "version": row["version"]}

    seen = await lease()
    answer = await panel.get("renew_lease", **seen, end="2027-12-31")
    assert answer["written"]["people"] == [key]
    for command, data in (
        ("renew_lease", {**seen, "end": "2028-12-31"}),
        ("correct_lease", {**seen, "end": "2027-06-30"}),
        ("move", {**seen, "to_unit_id": other}),
        ("check_out", {"unit_id": unit, "person_id": key, "version": 1}),
    ):
        answer = await panel.get(command, **data)
        assert answer["written"] is None
        (row,) = answer["conflict"]["people"]
        assert (row["end"], row["version"]) == ("2027-12-31", 2)
    assert await panel.refusal("renew_lease", **await lease(), end="2026-12-31") == (
        "renewal_too_short"
    )
    assert (await panel.get("correct_lease", **await lease(), end=None))["written"]
    (row,) = (await panel.get("unit", unit_id=unit))["people"]
    assert row["end"] is None
    assert (await panel.get("move", **await lease(), to_unit_id=other))["written"]
    answer = await panel.get("check_out", unit_id=other, everyone=True)
    assert answer["written"]["people"] == [key]
    assert (await panel.get("unit", unit_id=other))["people"] == []


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_check_out_of_an_owner(
    hass: HomeAssistant, entry: MockConfigEntry, panel: Panel
) -> None:
    """Who owns the flat that they live in leaves it as one of both."""
    unit = unit_id(entry, "1-1-101")
    key = await check_in(hass, entry, "1-1-101")
    await check_in(hass, entry, "1-1-101", role="landlord")
    leaving = {"unit_id": unit, "person_id": key}
    assert await panel.refusal("check_out", **leaving) == "as_what_to_check_out"
    answer = await panel.get("check_out", **leaving, role="tenant", version=1)
    assert len(answer["written"]["leases"]) == 1
    (row,) = (await panel.get("unit", unit_id=unit))["people"]
    assert row["role"] == "landlord"
    assert (await panel.get("check_out", **leaving))["written"]["people"] == [key]


async def test_update_person(
    hass: HomeAssistant, entry: MockConfigEntry, panel: Panel
) -> None:
    """A form that is older than what it would overwrite shows both."""
    key = await check_in(hass, entry, "1-1-101")
    seen = (await panel.get("person", person_id=key))["person_version"]
    change = {"person_id": key, "version": seen}
    assert (await panel.get("update_person", **change, phone=OTHER_PHONE))["written"]
    answer = await panel.get("update_person", **change, name="MARK-2")
    assert answer["written"] is None
    now = answer["conflict"]
    assert now["person_version"] == seen + 1
    assert {row["target"][-4:] for row in now["addresses"]} == {OTHER_PHONE[-4:]}
    change = {"person_id": key, "version": now["person_version"]}
    assert (await panel.get("update_person", **change, name="MARK-2"))["written"]
    (found,) = (await panel.get("search", query="mark2"))["people"]
    assert found["person_id"] == key


async def test_update_unit(
    hass: HomeAssistant, entry: MockConfigEntry, panel: Panel
) -> None:
    """The same of a unit."""
    unit = unit_id(entry, "1-1-101")
    seen = await panel.get("unit", unit_id=unit)
    change = {"unit_id": unit, "version": seen["version"]}
    answer = await panel.get("update_unit", **change, rooms=3, area_id="")
    assert answer["written"]["version"] == seen["version"] + 1
    answer = await panel.get("update_unit", **change, rooms=4)
    assert (answer["written"], answer["conflict"]["rooms"]) == (None, 3)
    assert answer["conflict"]["area_id"] is None
    assert await panel.refusal("update_unit", unit_id=unit, number="") == (
        "number_missing"
    )


@pytest.mark.usefixtures("today")
async def test_units_come_and_go(
    hass: HomeAssistant, entry: MockConfigEntry, panel: Panel, freezer: Any
) -> None:
    """A unit is added, removed with its people if that is said, and brought back in time."""
    assert await panel.refusal("add_unit", building="9") == "number_missing"
    new = {"building": "9", "number": "101", "address": "9 Mark Street", "rooms": 2}
    unit = (await panel.get("add_unit", **new))["written"]["unit_id"]
    assert await panel.refusal("add_unit", **new) == "unit_exists"
    await hass.async_block_till_done()
    shown = await panel.get("unit", unit_id=unit)
    assert (shown["title"], shown["address"], shown["rooms"]) == (
        "9-101",
        "9 Mark Street",
        2,
    )
    key = await check_in(hass, entry, "9-101", end="2027-11-30")
    assert await panel.refusal("remove_unit", unit_id=unit) == "unit_has_people"
    await panel.get("remove_unit", unit_id=unit, with_people=True)
    assert await panel.refusal("unit", unit_id=unit) == "no_such_unit"
    freezer.tick(timedelta(days=2))
    (row,) = (await panel.get("removed_units"))["units"]
    assert (row["unit_id"], row["title"], row["people"], row["days"]) == (
        unit,
        "9-101",
        1,
        28,
    )
    await panel.get("restore_unit", unit_id=unit)
    assert (await panel.get("removed_units"))["units"] == []
    (person,) = (await panel.get("unit", unit_id=unit))["people"]
    assert person["person_id"] == key
    # What can be brought back no more is not offered.
    await panel.get("remove_unit", unit_id=unit, with_people=True)
    freezer.tick(timedelta(days=31))
    assert (await panel.get("removed_units"))["units"] == []
    assert await panel.refusal("restore_unit", unit_id=unit) in (
        "undo_too_late",
        "nothing_to_undo",
    )


@pytest.mark.usefixtures("today")
async def test_who_has_left(
    hass: HomeAssistant, entry: MockConfigEntry, panel: Panel, freezer: Any
) -> None:
    """Who has left is listed as long as they can be brought back, and as long as they are gone."""
    unit, other = unit_id(entry, "1-1-101"), unit_id(entry, "1-1-102")
    key = await check_in(hass, entry, "1-1-101", name="MARK-1")
    stays = await check_in(hass, entry, "1-1-101", name="MARK-2", phone=OTHER_PHONE)
    later = {"unit_id": unit, "person_id": stays, "date": "2026-12-24"}
    await panel.get("check_out", **later)
    await panel.get("check_out", unit_id=unit, person_id=key)
    (row,) = (await panel.get("left", unit_id=unit))["people"]
    assert (row["name"], row["role"], row["left_on"]) == (
        "MARK-1",
        "tenant",
        "2026-11-30",
    )
    assert (await panel.get("left", unit_id=other))["people"] == []
    read = [item.person_id for item in await audited(entry, "get_unit")]
    assert key in read
    assert stays not in read
    await panel.get("undo", command_id=row["command_id"])
    assert (await panel.get("left", unit_id=unit))["people"] == []
    # Who is back by another lease has not left.
    await panel.get("check_out", unit_id=unit, person_id=key)
    again = {"unit_id": unit, "person_id": key, "confirmed": True}
    await panel.get("check_in", **again)
    assert (await panel.get("left", unit_id=unit))["people"] == []
    await panel.get("check_out", unit_id=unit, person_id=key)
    assert (await panel.get("left", unit_id=unit))["people"]
    freezer.tick(timedelta(days=31))
    left = (await panel.get("left", unit_id=unit))["people"]
    assert key not in [row["person_id"] for row in left]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_who_has_left_a_landlord(
    hass: HomeAssistant, entry: MockConfigEntry, hass_ws_client: WebSocketGenerator
) -> None:
    """A landlord is offered whom they have checked out themselves, and nobody else."""
    unit = unit_id(entry, "1-1-101")
    owner = await check_in(
        hass, entry, "1-1-101", name="MARK-O", role="landlord", phone=None
    )
    one = await check_in(hass, entry, "1-1-101", name="MARK-1")
    two = await check_in(hass, entry, "1-1-101", name="MARK-2", phone=OTHER_PHONE)
    user = await account(hass, entry, "landlord", owner)
    landlord = await panel_of(hass, entry, hass_ws_client, user)
    await landlord.get("check_out", unit_id=unit, person_id=one)
    office = await panel_of(hass, entry, hass_ws_client)
    await office.get("check_out", unit_id=unit, person_id=two)
    assert len((await office.get("left", unit_id=unit))["people"]) == 2
    landlord = await panel_of(hass, entry, hass_ws_client, user)
    (row,) = (await landlord.get("left", unit_id=unit))["people"]
    assert row["person_id"] == one
    await landlord.get("undo", command_id=row["command_id"])


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_erase_person(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    panel: Panel,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who is erased is gone, with the exports that hold them; whom an alert tells is not by the way."""
    key = await check_in(hass, entry, "1-1-101")
    of_entry = {"config_entry_id": entry.entry_id}
    await call(hass, "export_register", {**of_entry, "file": "all.csv"})
    told = application_of(hass, entry.entry_id)
    monkeypatch.setattr(told, "_is_told", lambda person_id: person_id == key)
    assert await panel.refusal("erase_person", person_id=key) == "person_in_alert"
    assert (await panel.get("person", person_id=key))["name"] == "MARK-NAME-1"
    answer = await panel.get(
        "erase_person", person_id=key, even_in_alert=True, reason="request"
    )
    assert answer == {"files_removed": ["all.csv"], "files_left": []}
    assert not Path(hass.config.path(DOMAIN, "all.csv")).exists()
    assert await panel.refusal("person", person_id=key) == "no_such_person"
    assert [row.why for row in await audited(entry, "erase_person")][:1] == ["request"]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_wrong_messages(
    panel: Panel, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error names the field, and neither it nor the log what was in it."""
    # Home Assistant's own log of every message is another matter: see the page.
    caplog.set_level(logging.INFO, "homeassistant.components.websocket_api")
    caplog.set_level(
        logging.INFO, "homeassistant.components.websocket_api.http.connection"
    )
    unit = {"unit_id": "1", "name": "MARK-1"}
    for data, field in (
        ({**unit, "name": {"MARK-2": 1}}, "name"),
        ({**unit, "role": "MARK-3"}, "role"),
        ({**unit, "channels": ["MARK-4"]}, "channels.0"),
        ({**unit, "phone": ["MARK-5"]}, "phone"),
    ):
        answer = await panel.ask("check_in", **data)
        assert answer["error"]["code"] == "invalid_format"
        assert answer["error"]["message"] == f"Invalid value of {field}"

    def fail(*_args: Any) -> None:
        raise ValueError("MARK-6")

    monkeypatch.setattr(reading, "_hit", fail)
    monkeypatch.setattr(people.FindPeople, "run", lambda *_: ([{}], False))
    answer = await panel.ask("search", query="mark")
    assert answer["error"] == {"code": "unknown_error", "message": "Unknown error"}
    assert "search failed: ValueError" in caplog.text
    assert "MARK-" not in caplog.text


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_audit(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    hass_ws_client: WebSocketGenerator,
) -> None:
    """The audit comes in pages, by who and why; a manager sees own deeds alone."""
    unit = unit_id(entry, "1-1-101")
    user = await account(hass, entry, "manager")
    manager = await panel_of(hass, entry, hass_ws_client, user)
    key = await check_in(hass, entry, "1-1-101")
    await manager.get("person", person_id=key, reason="request")
    await manager.refusal("roles")
    panel = await panel_of(hass, entry, hass_ws_client)
    first = await panel.get("audit", limit=2)
    assert (len(first["rows"]), first["more"]) == (2, True)
    whole = await panel.get("audit", until=first["until"], limit=500)
    rest = await panel.get("audit", until=first["until"], offset=2, limit=500)
    assert first["rows"] + rest["rows"] == whole["rows"]
    assert not whole["more"]
    (row,) = (await panel.get("audit", user_id=user.id, about="request"))["rows"]
    assert (row["what"], row["person_id"]) == ("get_person", key)
    (row,) = (await panel.get("audit", about="refused"))["rows"]
    assert row["what"] == "get_roles_refused"
    rows = (await panel.get("audit", unit_id=unit, person_id=key))["rows"]
    assert {(row["what"], row["unit"]) for row in rows} == {
        ("check_in", "1-1-101"),
    }
    rows = (await panel.get("audit"))["rows"]
    assert rows[0]["what"] == "get_audit"
    # What a manager sees is theirs, whatever they ask for.
    assert await manager.refusal("audit") == "Unauthorized"
    own = await manager.get("audit", own=True, user_id=administrator(hass).id)
    assert {row["who"] for row in own["rows"]} == {user.id}
    assert list(own["accounts"]) == [user.id]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_roles(hass: HomeAssistant, entry: MockConfigEntry, panel: Panel) -> None:
    """A role that is given holds at once, and one that is taken no more."""
    user = MockUser(name="Account 2").add_to_hass(hass)
    missing = {"user_id": "nobody", "role": "desk"}
    assert await panel.refusal("grant_role", **missing) == "no_such_user"
    last = dt_util.now().date().isoformat()
    grant = await panel.get("grant_role", user_id=user.id, role="desk", until=last)
    found = await panel.get("roles")
    (row,) = found["roles"]
    assert (row["user_id"], row["role"], row["until"]) == (user.id, "desk", last)
    assert row["units"] is None
    assert {"user_id": user.id, "name": "Account 2", "is_admin": False} in (
        found["accounts"]
    )
    # Who nobody is given is not offered; landlords are with a person.
    kinds = {row["role"]: row["of_a_person"] for row in found["kinds"]}
    assert set(AccountRole) - kinds.keys() == {"administrator", "automation"}
    assert {role for role in kinds if kinds[role]} == {"landlord", "resident"}
    await panel.get("revoke_role", grant_id=grant["grant_id"])
    assert (await panel.get("roles"))["roles"] == []
    owner = await check_in(hass, entry, "1-1-101", role="landlord")
    mine = {"user_id": user.id, "role": "landlord", "person_id": owner}
    await panel.get("grant_role", **mine)
    (row,) = (await panel.get("roles"))["roles"]
    assert (row["units"], row["until"]) == (["1-1-101"], None)


@pytest.mark.usefixtures("today")
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_roster(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    hass_ws_client: WebSocketGenerator,
    freezer: Any,
) -> None:
    """Duties, who is on, and gaps; a change and a beat follow in their order."""
    user = await account(hass, entry, "police")
    panel = await panel_of(hass, entry, hass_ws_client, user)
    first = await panel.follow("subscribe_roster")
    assert (first["kind"], first["sequence"]) == ("snapshot", 1)
    assert first["at"] == dt_util.utcnow().timestamp()
    post = first["items"]["fire_post"]
    assert post["gap"] == "unreachable"
    assert post["posts"][0]["schedule"] == "schedule.fire_post"
    assert post["posts"][0]["on"]
    hass.states.async_set("schedule.fire_post", "off")
    await hass.async_block_till_done()
    freezer.tick(timedelta(seconds=1))
    async_fire_time_changed(hass)
    change = await panel.event()
    assert (change["kind"], change["sequence"]) == ("change", 2)
    assert list(change["items"]) == ["fire_post"]
    assert not change["items"]["fire_post"]["posts"][0]["on"]
    freezer.tick(timedelta(seconds=10))
    async_fire_time_changed(hass)
    beat = await panel.event()
    assert (beat["kind"], beat["sequence"]) == ("beat", 2)
    # A responder that is gone takes its duty along.
    key = next(
        row.subentry_id for row in entry.subentries.values() if row.title == "police"
    )
    hass.config_entries.async_remove_subentry(entry, key)
    await hass.async_block_till_done(wait_background_tasks=True)
    freezer.tick(timedelta(seconds=1))
    async_fire_time_changed(hass)
    gone = await panel.event()
    assert (gone["kind"], gone["keys"], gone["sequence"]) == ("gone", ["police"], 3)
    # Whose role is taken is told no more.
    (grant,) = (await call(hass, "get_roles", {"config_entry_id": entry.entry_id}))[
        "roles"
    ]
    await call(
        hass,
        "revoke_role",
        {"config_entry_id": entry.entry_id, "grant_id": grant["grant_id"]},
    )
    freezer.tick(timedelta(seconds=10))
    async_fire_time_changed(hass)
    assert (await panel.event())["kind"] == "ended"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_roster_before_people_are_read(
    hass: HomeAssistant, entry: MockConfigEntry, panel: Panel
) -> None:
    """That nobody is known yet is not that nobody is on duty."""
    with patch.object(Phonebook, "async_learn"):
        await hass.config_entries.async_reload(entry.entry_id)
        await hass.async_block_till_done(wait_background_tasks=True)
    for command in ("subscribe_roster", "roster_week"):
        assert await panel.refusal(command) == "property_not_loaded"
    await entry.runtime_data.phonebook.async_learn()
    await panel.follow("subscribe_roster")


@pytest.mark.usefixtures("today")
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_subscription_ends(
    hass: HomeAssistant, entry: MockConfigEntry, panel: Panel, freezer: Any
) -> None:
    """With the property, with the connection, and when the panel has enough."""
    listeners = entry.runtime_data.phonebook._listeners
    before = len(listeners)
    await panel.follow("subscribe_roster")
    assert len(listeners) == before + 1
    # It was the first message.
    unsubscribe = {"type": "unsubscribe_events", "subscription": 1}
    await panel.client.send_json_auto_id(unsubscribe)
    assert (await panel.client.receive_json())["success"]
    assert len(listeners) == before
    await panel.follow("subscribe_roster")
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    freezer.tick(timedelta(seconds=10))
    async_fire_time_changed(hass)
    assert (await panel.event())["kind"] == "ended"
    listeners = entry.runtime_data.phonebook._listeners
    before = len(listeners)
    await panel.follow("subscribe_roster")
    hass.states.async_set("schedule.fire_post", "off")
    await panel.client.close()
    await hass.async_block_till_done()
    assert len(listeners) == before


HEAD = "building,stairwell,number,role,name,phone\n"


async def test_import(
    hass: HomeAssistant, entry: MockConfigEntry, panel: Panel
) -> None:
    """A file does what its preview has said, or nothing."""
    file = {"content": content(f"{HEAD}1,1,101,tenant,MARK-A,{PHONE}\n")}
    preview = await panel.get("import_preview", **file)
    assert (preview["summary"]["added"], preview["imported"]) == (1, False)
    await check_in(hass, entry, "1-1-101", name="MARK-A")
    now = await panel.get("import_apply", **file, digest=preview["digest"])
    assert (now["imported"], now["summary"]["unchanged"]) == (False, 1)
    file = {"content": content(f"{HEAD}1,1,102,tenant,MARK-B,{OTHER_PHONE}\n")}
    preview = await panel.get("import_preview", **file, language="zh-Hans")
    done = await panel.get(
        "import_apply", **file, language="zh-Hans", digest=preview["digest"]
    )
    assert done["imported"]
    again = await panel.get("import_preview", **file)
    assert again["summary"]["unchanged"] == 1
    wrong = await panel.get(
        "import_preview", content=content(f"{HEAD}1,1,102,tenant,MARK-C,12\n")
    )
    assert (wrong["error_count"], wrong["errors"][0]["column"]) == (1, "phone")
    assert await panel.refusal("import_preview", content="?") == "file_unreadable"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_nobody_listens_any_more(
    entry: MockConfigEntry, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What somebody has left before it was found is not sent, nor logged."""
    has_left, run = threading.Event(), GetUnit.run

    def late(command: GetUnit, work: Any) -> Any:
        has_left.wait()
        return run(command, work)

    monkeypatch.setattr(GetUnit, "run", late)
    message = {
        "type": f"{DOMAIN}/unit",
        "entry_id": entry.entry_id,
        "unit_id": unit_id(entry, "1-1-101"),
    }
    await panel.client.send_json_auto_id(message)
    await panel.client.send_json_auto_id(
        {"type": "unsubscribe_events", "subscription": 1}
    )
    answer = await panel.client.receive_json()
    assert (answer["id"], answer["success"]) == (2, True)
    has_left.set()
    assert (await panel.ask("units"))["id"] == 3
