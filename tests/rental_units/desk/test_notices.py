"""What has to be told to an authority: from a lease to a receipt, and as a file."""

from base64 import b64decode
from datetime import date, timedelta
import io
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from openpyxl import load_workbook
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)
from pytest_homeassistant_custom_component.typing import WebSocketGenerator
from sqlalchemy import select

from custom_components.rental_units.const import DOMAIN
from custom_components.rental_units.desk.book import LOOK, DeskBook
from custom_components.rental_units.storage.errors import RegisterError
from custom_components.rental_units.storage.events import DomainEvent
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er, issue_registry as ir
from tests.rental_units.common import (
    account,
    audited,
    call,
    check_in,
    device_id,
    unit_id,
    without_database,
)
from tests.rental_units.panel import Panel, panel_of

sqlite_only = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
OLD_DAY = timedelta(days=31)


async def due(panel: Panel, **data: Any) -> list[tuple[str, str, str]]:
    """Return what is to be told: what, of which unit, and until when."""
    rows = (await panel.get("notices", **data))["notices"]
    return [(row["kind"], row["unit"], row["due_on"]) for row in rows]


async def notice(panel: Panel, kind: str, **data: Any) -> dict[str, Any]:
    """Return the only notice of a kind."""
    rows = (await panel.get("notices", **data))["notices"]
    (found,) = [row for row in rows if row["kind"] == kind]
    return found


async def give(panel: Panel, *rows: dict[str, Any], receipt: str = "R-1") -> Any:
    """Say that notices were given."""
    seen = {row["notice_id"]: row["version"] for row in rows}
    return await panel.get(
        "give_notice", notices=seen, how="registered", receipt=receipt
    )


def of(row: dict[str, Any]) -> dict[str, Any]:
    """Return what names a notice as it was seen."""
    return {key: row[key] for key in ("notice_id", "version")}


async def passes(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, **time: float
) -> None:
    """Let time pass, and what is due then happen."""
    freezer.tick(timedelta(**time))
    async_fire_time_changed(hass)
    await hass.async_block_till_done(wait_background_tasks=True)


def issue(hass: HomeAssistant, entry: MockConfigEntry) -> str | None:
    """Return how many notices the repairs say are overdue."""
    found = ir.async_get(hass).async_get_issue(
        DOMAIN, f"notices_overdue_{entry.entry_id}"
    )
    return found.translation_placeholders["count"] if found else None


def figure(hass: HomeAssistant, entry: MockConfigEntry, key: str) -> str:
    """Return the state of a sensor."""
    entity_id = er.async_get(hass).async_get_entity_id(
        "sensor", DOMAIN, f"{entry.entry_id}_{key}"
    )
    assert entity_id
    return hass.states.get(entity_id).state


async def test_from_the_first_day_to_the_last(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    panel: Panel,
    desk: DeskBook,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Both are told within three working days, the letting within fifteen; late is late."""
    await check_in(hass, entry, "1-1-101", end="2027-05-31")
    assert await due(panel) == [
        ("arrival", "1-1-101", "2026-12-02"),
        ("letting", "1-1-101", "2026-12-12"),
    ]
    assert figure(hass, entry, "open_notices") == "2"
    assert await give(panel, await notice(panel, "arrival")) == {"written": 1}
    (row,) = [
        row
        for row in (await panel.get("notices", over=True))["notices"]
        if row["kind"] == "arrival"
    ]
    assert (row["state"], row["receipt"], row["late"]) == ("given", "R-1", False)
    assert row["settled_how"] == "registered"

    await passes(hass, freezer, days=4)
    await call(hass, "check_out", {"device_id": device_id(hass, entry, "1-1-101")})
    assert ("departure", "1-1-101", "2026-12-04") in await due(panel)
    assert issue(hass, entry) is None
    await passes(hass, freezer, days=4)
    assert (issue(hass, entry), figure(hass, entry, "overdue_notices")) == ("1", "1")
    departure = await notice(panel, "departure")
    assert departure["overdue"]
    await give(panel, departure, receipt=" R-2 ")
    found = await notice(panel, "departure", over=True)
    assert (found["receipt"], found["late"]) == ("R-2", True)
    assert (issue(hass, entry), figure(hass, entry, "overdue_notices")) == (None, "0")
    assert len(await audited(entry, "give_notice")) == 2


async def test_a_planned_leaving(
    hass: HomeAssistant, entry: MockConfigEntry, panel: Panel, desk: DeskBook
) -> None:
    """What is to come has a deadline and a place in the calendar, and cannot be told yet."""
    await check_in(hass, entry, "1-1-101")
    device = {"device_id": device_id(hass, entry, "1-1-101")}
    await call(hass, "check_out", {**device, "date": "2026-12-31"})
    # 1 January is a Friday, and of that year nobody knows yet.
    departure = await notice(panel, "departure")
    assert (departure["due_on"], departure["assumed"]) == ("2027-01-05", True)
    assert "departure" not in {row.kind for row in desk.due}
    data = {"notices": {departure["notice_id"]: 1}, "how": "registered", "receipt": "R"}
    assert await panel.refusal("give_notice", **data) == "notice_too_early"
    # They stay.
    await call(hass, "check_in", {**device, "person_id": departure["person_id"]})
    assert {kind for kind, _, _ in await due(panel)} == {"arrival", "letting"}


async def test_a_move(
    hass: HomeAssistant, entry: MockConfigEntry, panel: Panel, desk: DeskBook
) -> None:
    """Who moves leaves one unit, comes to another, and has a new address."""
    await check_in(hass, entry, "1-1-101", start="2026-11-24")
    (lease,) = {row["lease_id"] for row in (await panel.get("notices"))["notices"]}
    to = device_id(hass, entry, "1-2-101")
    await call(hass, "move", {"lease_id": lease, "device_id": to})
    assert sorted(await due(panel)) == [
        ("address", "1-2-101", "2026-12-07"),
        ("arrival", "1-1-101", "2026-11-27"),
        ("arrival", "1-2-101", "2026-12-02"),
        ("departure", "1-1-101", "2026-12-02"),
        ("letting", "1-1-101", "2026-12-09"),
        ("letting", "1-2-101", "2026-12-12"),
    ]


@sqlite_only
async def test_two_of_one_letting(
    hass: HomeAssistant, entry: MockConfigEntry, panel: Panel, desk: DeskBook
) -> None:
    """Each is registered, the owner tells of the letting once; owners are not registered."""
    for name in ("MARK-A", "MARK-B"):
        await check_in(hass, entry, "1-1-101", name=name)
    await check_in(hass, entry, "1-1-101", name="MARK-L", role="landlord")
    kinds = [kind for kind, _, _ in await due(panel)]
    assert kinds == ["arrival", "arrival", "letting"]


@sqlite_only
async def test_what_was_told_and_is_not_so(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    panel: Panel,
    desk: DeskBook,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A day that is corrected is told anew; a mistake is withdrawn, or was never told."""
    await check_in(hass, entry, "1-1-101")
    arrival = await notice(panel, "arrival")
    await give(panel, arrival)
    lease = {"lease_id": arrival["lease_id"]}
    await passes(hass, freezer, days=5)
    await call(hass, "correct_lease", {**lease, "start": "2026-11-26"})
    again = await notice(panel, "arrival")
    # Counted from when it was corrected, a Wednesday.
    assert (again["begins_on"], again["due_on"]) == ("2026-11-26", "2026-12-07")
    assert (again["receipt"], again["state"]) == ("", "open")
    await give(panel, again, receipt="R-3")
    # What has not changed is not told again.
    await call(hass, "correct_lease", {**lease, "end": "2027-06-30"})
    assert (await notice(panel, "arrival", over=True))["state"] == "given"

    answer = await call(
        hass,
        "check_in",
        {"device_id": device_id(hass, entry, "1-1-102"), "name": "MARK-B"},
    )
    assert len(await due(panel)) == 3
    await call(hass, "undo", {"command_id": answer["command_id"]})
    assert await due(panel) == [("letting", "1-1-101", "2026-12-11")]
    withdrawn = await call(
        hass,
        "check_in",
        {"device_id": device_id(hass, entry, "1-2-101"), "name": "MARK-C"},
    )
    rows = (await panel.get("notices"))["notices"]
    await give(panel, *(row for row in rows if row["unit"] == "1-2-101"))
    await call(hass, "undo", {"command_id": withdrawn["command_id"]})
    over = (await panel.get("notices", over=True))["notices"]
    assert {row["state"] for row in over if row["unit"] == "1-2-101"} == {"withdrawn"}


@sqlite_only
async def test_who_was_there_already(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    panel: Panel,
    desk: DeskBook,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Who has lived there for long was registered, or is not this desk's to say."""
    today = date(2026, 11, 27)
    await check_in(hass, entry, "1-1-101", start=str(today - OLD_DAY))
    # What was due before the desk began is nobody's.
    await check_in(hass, entry, "1-1-102", name="MARK-B", start="2026-11-18")
    await check_in(hass, entry, "1-2-101", name="MARK-C", start="2026-11-24")
    assert await due(panel) == [
        ("arrival", "1-2-101", "2026-11-27"),
        ("letting", "1-1-102", "2026-12-03"),
        ("letting", "1-2-101", "2026-12-09"),
    ]
    await passes(hass, freezer, days=60)
    # It goes on being due, and nothing comes of a change.
    lease = (await notice(panel, "arrival"))["lease_id"]
    await call(hass, "correct_lease", {"lease_id": lease, "end": "2027-03-31"})
    assert len(await due(panel)) == 3


@sqlite_only
async def test_excused_and_taken_back(
    hass: HomeAssistant, entry: MockConfigEntry, panel: Panel, desk: DeskBook
) -> None:
    """A relative for a month is not registered; a slip of the pen is taken back."""
    await check_in(hass, entry, "1-1-101")
    arrival = await notice(panel, "arrival")
    answer = await panel.get("excuse_notice", **of(arrival), excuse="relative")
    assert answer["written"]["state"] == "excused"
    # Who has it on the screen as it was is told.
    stale = await panel.get("excuse_notice", **of(arrival), excuse="mistake")
    assert stale["written"] is None
    assert [row["kind"] for row in stale["conflict"]["notices"]] == ["letting"]
    excused = answer["written"]
    wrong: dict[str, Any] = {"how": "registered"}
    wrong["notices"] = {excused["notice_id"]: excused["version"]}
    assert await panel.refusal("give_notice", **wrong, receipt="R") == "notice_state"
    taken = (await panel.get("reopen_notice", **of(excused)))["written"]
    assert taken["state"] == "open"
    assert await panel.refusal("reopen_notice", **of(taken)) == "notice_state"
    wrong["notices"] = {taken["notice_id"]: taken["version"]}
    assert await panel.refusal("give_notice", **wrong, receipt=" ") == "receipt_missing"
    unknown = {"notice_id": "unknown", "version": 1, "excuse": "mistake"}
    assert await panel.refusal("excuse_notice", **unknown) == "no_such_notice"
    letting = await notice(panel, "letting")
    # All of them, or none.
    wrong["notices"] |= {letting["notice_id"]: 99}
    assert (await panel.get("give_notice", **wrong, receipt="R"))["written"] is None
    assert len(await due(panel)) == 2
    given = await panel.get(
        "give_notice", notices={letting["notice_id"]: 1}, how="passed_on", receipt="R"
    )
    assert given == {"written": 1}


def table(content: str) -> list[list[Any]]:
    """Return the rows of a workbook below its heading: those of a file that is taken along."""
    book = load_workbook(io.BytesIO(b64decode(content)))
    return [list(row) for row in book.active.iter_rows(values_only=True)]


async def test_file_for_the_police(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    panel: Panel,
    desk: DeskBook,
    freezer: FrozenDateTimeFactory,
) -> None:
    """What is open, and what has changed since the file before; each row bears its receipt."""
    person = await check_in(hass, entry, "1-1-101")
    undone = await call(
        hass,
        "check_in",
        {"device_id": device_id(hass, entry, "1-1-102"), "name": "MARK-B"},
    )
    first = await panel.get("export_notices")
    notice_line, headings, *rows = table(first["content"])
    assert "before: none. 2 notices: 2 new, 0 changed" in notice_line[0]
    assert first["receipt"] in notice_line[0]
    assert headings[0] == "Since the last file"
    assert {(row[0], row[1], row[4]) for row in rows} == {
        ("new", "moved in", "1-1-101"),
        ("new", "moved in", "1-1-102"),
    }
    (known,) = [row for row in rows if row[4] == "1-1-101"]
    assert known[2:4] == ["MARK-NAME-1", "13800138001"]
    assert known[6:11] == ["2026-11-27", "2026-11-27", None, None, "2026-12-02"]
    assert known[-1] == first["receipt"]

    freezer.tick(60)
    await call(hass, "update_contact", {"person_id": person, "phone": "13800138002"})
    await call(hass, "undo", {"command_id": undone["command_id"]})
    await check_in(hass, entry, "1-2-101", name="MARK-C", phone=None)
    second = await panel.get("export_notices", format="csv", language="zh-Hans")
    text = b64decode(second["content"]).decode("utf-8-sig")
    lines = [line.split(",") for line in text.splitlines()[2:]]
    assert {(row[0], row[1], row[4]) for row in lines} == {
        ("有变更", "入住", "1-1-101"),
        ("撤销", "入住", "1-1-102"),
        ("新增", "入住", "1-2-101"),
    }
    assert second["rows"] == 3
    # Once told, it is told no more; what is open goes on being in it.
    freezer.tick(60)
    arrivals = [
        row
        for row in (await panel.get("notices"))["notices"]
        if (row["kind"], row["unit"]) == ("arrival", "1-2-101")
    ]
    await give(panel, *arrivals)
    third = table((await panel.get("export_notices"))["content"])
    assert [(row[0], row[4]) for row in third[2:]] == [("as before", "1-1-101")]
    everything = table((await panel.get("export_notices", everything=True))["content"])
    assert {(row[0], row[4], row[12]) for row in everything[2:]} == {
        ("as before", "1-1-101", None),
        ("as before", "1-2-101", "R-1"),
    }
    # The first one is not there any more: its rows were in others since.
    again = await panel.get("export_notices", export_id=first["receipt"])
    assert (again["receipt"], again["rows"]) == (first["receipt"], 0)
    assert await panel.refusal("export_notices", export_id="x") == "no_such_export"
    listed = await panel.get("notice_exports")
    assert [row["notices"] for row in listed["exports"]] == [2, 1, 3, 2]
    assert listed["accounts"].keys() == {row["who"] for row in listed["exports"]}
    assert person in {row.person_id for row in await audited(entry, "export_notices")}


@sqlite_only
async def test_a_file_that_was_lost(
    hass: HomeAssistant, entry: MockConfigEntry, panel: Panel, desk: DeskBook
) -> None:
    """A download that fails is made again, and says what it said."""
    await check_in(hass, entry, "1-1-101")
    first = await panel.get("export_notices")
    again = await panel.get("export_notices", export_id=first["receipt"])
    assert table(again["content"]) == table(first["content"])
    assert again["receipt"] == first["receipt"]


@sqlite_only
async def test_heard_twice(
    hass: HomeAssistant, entry: MockConfigEntry, panel: Panel, desk: DeskBook
) -> None:
    """What a crash has let be told again changes nothing."""
    await check_in(hass, entry, "1-1-101")
    before = await panel.get("notices")
    events = await entry.runtime_data.async_read(
        lambda session: list(session.scalars(select(DomainEvent)))
    )
    await desk.async_hear(events)
    assert await panel.get("notices") == before


@sqlite_only
async def test_lists_and_calendar(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    desk: DeskBook,
    freezer: FrozenDateTimeFactory,
) -> None:
    """They say where and until when, name nobody, and are there only if somebody wants it."""
    registry = er.async_get(hass)
    ids = {}
    for kind in ("calendar", "todo"):
        entity_id = registry.async_get_entity_id(
            kind, DOMAIN, f"{entry.entry_id}_notices"
        )
        assert entity_id
        assert registry.async_get(entity_id).disabled_by
        registry.async_update_entity(entity_id, disabled_by=None)
        ids[kind] = entity_id
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    await check_in(hass, entry, "1-1-101")
    await call(
        hass,
        "check_out",
        {"device_id": device_id(hass, entry, "1-1-101"), "date": "2026-12-31"},
    )
    await hass.async_block_till_done()
    answer: Any = await hass.services.async_call(
        "todo",
        "get_items",
        {"entity_id": ids["todo"]},
        blocking=True,
        return_response=True,
    )
    assert [(row["summary"], row["due"]) for row in answer[ids["todo"]]["items"]] == [
        ("Register who has moved in: 1-1-101", "2026-12-02"),
        ("Owner tells committee and property of the letting: 1-1-101", "2026-12-12"),
    ]
    assert hass.states.get(ids["todo"]).state == "2"
    state = hass.states.get(ids["calendar"])
    assert state.attributes["message"] == "Register who has moved in: 1-1-101"
    answer = await hass.services.async_call(
        "calendar",
        "get_events",
        {
            "entity_id": ids["calendar"],
            "start_date_time": "2027-01-01 00:00:00",
            "end_date_time": "2027-02-01 00:00:00",
        },
        blocking=True,
        return_response=True,
    )
    (event,) = answer[ids["calendar"]]["events"]
    assert event["summary"] == "Register who has moved out: 1-1-101"
    assert event["start"] == "2027-01-05"
    assert event["description"].startswith("The last day is assumed")
    assert "MARK" not in repr([row.as_dict() for row in hass.states.async_all()])
    async with without_database(hass, entry):
        assert {hass.states.get(row).state for row in ids.values()} == {"unavailable"}
        assert figure(hass, entry, "open_notices") == "unavailable"


@sqlite_only
async def test_elsewhere(
    hass: HomeAssistant, entry: MockConfigEntry, panel: Panel, desk: DeskBook
) -> None:
    """Outside of China nothing is due, until somebody says what is."""
    hass.config.country = "AT"
    await check_in(hass, entry, "1-1-101")
    assert await due(panel) == []
    options = {"desk": {"notices": ["arrival"], "arrival": 5}}
    hass.config_entries.async_update_entry(entry, options=options)
    await hass.async_block_till_done()
    assert [kind for kind, _, _ in await due(panel)] == ["arrival"]
    # And is not any more.
    hass.config_entries.async_update_entry(entry, options={})
    await hass.async_block_till_done()
    assert await due(panel) == []


@sqlite_only
async def test_other_days(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    panel: Panel,
    desk: DeskBook,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A notice of the State Council that the library does not know moves what is open."""
    await check_in(hass, entry, "1-1-101")
    await call(
        hass,
        "check_out",
        {"device_id": device_id(hass, entry, "1-1-101"), "date": "2026-12-31"},
    )
    said = {"days_off": "2027-01-01/2027-01-03, 2027-02-05", "days_worked": ""}
    hass.config_entries.async_update_entry(entry, options={"desk": said})
    await hass.async_block_till_done()
    departure = await notice(panel, "departure")
    assert (departure["due_on"], departure["assumed"]) == ("2027-01-06", False)

    async def away(*_: Any) -> None:
        raise RegisterError("register_locked")

    with monkeypatch.context() as patch:
        patch.setattr(desk.register, "async_run", away)
        hass.config_entries.async_update_entry(entry, options={})
        await hass.async_block_till_done()
    assert "could not be counted anew: register_locked" in caplog.text
    await desk._async_begin_day()
    departure = await notice(panel, "departure")
    assert (departure["due_on"], departure["assumed"]) == ("2027-01-05", True)


@sqlite_only
async def test_a_landlord_sees_and_gives_their_own(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    desk: DeskBook,
    hass_ws_client: WebSocketGenerator,
) -> None:
    """Those of own flats, and no others."""
    owner = await check_in(hass, entry, "1-1-101", name="MARK-L", role="landlord")
    for title in ("1-1-101", "1-1-102"):
        await check_in(hass, entry, title, name=f"MARK-{title}")
    admin = await panel_of(hass, entry, hass_ws_client)
    user = await account(hass, entry, "landlord", owner)
    landlord = await panel_of(hass, entry, hass_ws_client, user)
    rows = (await landlord.get("notices"))["notices"]
    assert {row["unit_id"] for row in rows} == {unit_id(entry, "1-1-101")}
    await give(landlord, rows[0])
    other, *_ = [
        row
        for row in (await admin.get("notices"))["notices"]
        if row["unit"] == "1-1-102"
    ]
    data = {"notices": {other["notice_id"]: 1}, "how": "registered", "receipt": "R"}
    assert await landlord.refusal("give_notice", **data) == "Unauthorized"


@sqlite_only
async def test_at_midnight(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    panel: Panel,
    desk: DeskBook,
    freezer: FrozenDateTimeFactory,
) -> None:
    """It is overdue when its last day is over, without anybody doing anything."""
    await check_in(hass, entry, "1-1-101")
    freezer.move_to("2026-12-03 07:55:00+00:00")
    await passes(hass, freezer, seconds=LOOK.total_seconds() - 1)
    assert issue(hass, entry) is None
    await passes(hass, freezer, seconds=LOOK.total_seconds())
    assert issue(hass, entry) == "1"
