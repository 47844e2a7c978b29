"""What becomes of a report: whose it is, until when, and how it ends."""

from base64 import b64encode
from collections.abc import Awaitable, Callable
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockUser,
    async_fire_time_changed,
)
from sqlalchemy import select
from sqlalchemy.orm import Session

from custom_components.rental_units.app.application import application_of
from custom_components.rental_units.app.reports import GetReport
from custom_components.rental_units.const import DOMAIN
from custom_components.rental_units.diagnostics import (
    async_get_config_entry_diagnostics,
)
from custom_components.rental_units.register.models import Audit
from custom_components.rental_units.register.property import CATCH_UP_SECONDS
from custom_components.rental_units.reports import photos
from custom_components.rental_units.reports.book import DATA_REPORTS, LOOK, ReportBook
from custom_components.rental_units.reports.const import REOPEN_DAYS, SILENT_DAYS
from custom_components.rental_units.reports.models import ReportPhoto
from custom_components.rental_units.storage.errors import RegisterError
from custom_components.rental_units.storage.vault import CompartmentRow
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import entity_registry as er, issue_registry as ir
from tests.rental_units.common import account, call, device_id, unit_id
from tests.rental_units.panel import Panel

from .conftest import Phone, Phones
from .pictures import photo, scene
from .test_public import counts, files

sqlite_only = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def encoded(content: bytes) -> str:
    """Return a photo as a message holds it."""
    return b64encode(content).decode()


async def passes(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, **time: float
) -> None:
    """Let time pass, and what is due then happen."""
    freezer.tick(timedelta(**time))
    async_fire_time_changed(hass)
    await hass.async_block_till_done(wait_background_tasks=True)


async def sleeps(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    **time: float,
) -> None:
    """Let a machine be off for days, and do then what was due.

    One that runs would take the wall's clock to be wrong, and delete nothing.
    """
    await hass.config_entries.async_unload(entry.entry_id)
    freezer.tick(timedelta(**time))
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    await passes(hass, freezer, seconds=CATCH_UP_SECONDS + 1)


def state_of(hass: HomeAssistant, entry: MockConfigEntry, key: str, kind: str) -> Any:
    """Return the state of one of the entities."""
    entity_id = er.async_get(hass).async_get_entity_id(
        kind, DOMAIN, f"{entry.entry_id}_{key}"
    )
    assert entity_id
    return hass.states.get(entity_id)


async def test_whole_way(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    reports: ReportBook,
    panel: Panel,
    phone: Phone,
    freezer: FrozenDateTimeFactory,
) -> None:
    """New, assigned, mended with a photo, not mended, mended again, confirmed."""
    path = await phone.report(text="MARK bikes", category="escape_route")
    (row,) = (await panel.get("reports"))["reports"]
    assert (row["state"], row["unit_id"]) == ("new", unit_id(entry, "1-1-101"))
    assert "MARK" not in repr(row)
    of = {"report_id": row["report_id"]}
    shown = await panel.get("report", **of)
    assert shown["text"] == "MARK bikes"
    (before,) = shown["pictures"]
    got = await panel.get("report_photo", photo_id=before["photo_id"])
    assert got["content"].startswith("/9j/")

    freezer.tick(1)
    answer = await panel.get("assign_report", **of, party="property", note="MARK-N")
    assert answer["written"]["party"] == "property"
    assert "Property office" in await (await phone.client.get(path)).text()
    freezer.tick(1)
    after = encoded(photo(picture=scene(8)))
    version = answer["written"]["version"]
    answer = await panel.get("mend_report", **of, photos=[after], version=version)
    assert answer["written"]["state"] == "mended"
    assert reports.open == []
    # Who has looked at it before that is told.
    answer = await panel.get("close_report", **of, version=version)
    assert (answer["written"], answer["conflict"]["state"]) == (None, "mended")
    page = await (await phone.client.get(path)).text()
    assert "Is it?" in page
    assert page.count("<img") == 2

    freezer.tick(1)
    assert (await phone.answer(path, "reopened")).status == HTTPStatus.SEE_OTHER
    (report,) = reports.open
    # From now on there is as much time again.
    assert report.due_at - freezer().timestamp() == pytest.approx(24 * 3600)
    freezer.tick(1)
    await panel.get("mend_report", **of)
    freezer.tick(1)
    assert (await phone.answer(path, "confirmed")).status == HTTPStatus.SEE_OTHER
    shown = await panel.get("report", **of)
    assert [step["what"] for step in shown["steps"]] == [
        *("new", "assigned", "mended", "reopened", "mended", "confirmed"),
    ]
    assert [bool(step["who"]) for step in shown["steps"]] == [
        *(False, True, True, False, True, False),
    ]
    assert not shown["late"]
    assert (await panel.get("reports"))["reports"] == []
    everything = await panel.get("reports", everything=True)
    assert [row["state"] for row in everything["reports"]] == ["confirmed"]
    assert await panel.refusal("assign_report", **of, party="grid_worker") == (
        "report_state"
    )

    def whats(session: Session) -> set[str]:
        return set(session.scalars(select(Audit.what)))

    assert await entry.runtime_data.async_run(whats) >= {
        *("file_report", "get_report", "get_report_photo", "assign_report"),
        *("mend_report", "answer_report"),
    }
    # It comes back: within a month it is the same, later another.
    assert "It is there again" in await (await phone.client.get(path)).text()
    freezer.tick(timedelta(days=REOPEN_DAYS, seconds=1))
    assert (await phone.answer(path, "reopened")).status == HTTPStatus.CONFLICT


@sqlite_only
async def test_overdue(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    phone: Phone,
    freezer: FrozenDateTimeFactory,
) -> None:
    """What should have been mended is an issue and an event, counts, and stays late."""
    await phone.report(category="escape_route", text="MARK")
    freezer.tick(1)
    await phone.report(category="other")
    todo = state_of(hass, entry, "reports", "todo")
    assert todo.state == "2"
    assert state_of(hass, entry, "open_reports", "sensor").state == "2"
    assert state_of(hass, entry, "overdue_reports", "sensor").state == "0"
    event = state_of(hass, entry, "report", "event")
    assert event.attributes["event_type"] == "new"
    assert event.attributes["category"] == "other"
    items = await hass.services.async_call(
        "todo",
        "get_items",
        {"entity_id": todo.entity_id},
        blocking=True,
        return_response=True,
    )
    assert items
    rows: Any = items[todo.entity_id]
    assert [row["summary"] for row in rows["items"]] == [
        "Escape route blocked: 1-1-101",
        "Something else: 1-1-101",
    ]
    issue = ("rental_units", f"reports_overdue_{entry.entry_id}")
    assert issue not in ir.async_get(hass).issues
    await passes(hass, freezer, hours=24, seconds=LOOK.total_seconds() + 1)
    found = ir.async_get(hass).issues[issue]
    assert found.translation_placeholders == {"property": "Property 1", "count": "1"}
    assert state_of(hass, entry, "overdue_reports", "sensor").state == "1"
    event = state_of(hass, entry, "report", "event")
    assert event.attributes["event_type"] == "overdue"
    assert event.attributes["category"] == "escape_route"
    # A restart tells it no second time, and shows it still.
    at = event.state
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    assert state_of(hass, entry, "report", "event").state == at
    assert issue in ir.async_get(hass).issues
    of_entry = {"config_entry_id": entry.entry_id}
    (late, _) = (await call(hass, "get_reports", of_entry))["reports"]
    assert late["overdue"]
    answer = await call(hass, "mend_report", {"report_id": late["report_id"]})
    await hass.async_block_till_done()
    assert answer["late"]
    assert issue not in ir.async_get(hass).issues
    diagnostics = await async_get_config_entry_diagnostics(hass, entry)
    assert diagnostics["reports"] == {"new": 1, "mended": 1, "overdue": 0}
    states = repr([state.as_dict() for state in hass.states.async_all()])
    assert "MARK" not in states


@sqlite_only
async def test_deadlines_are_set(
    hass: HomeAssistant, entry: MockConfigEntry, reports: ReportBook, phone: Phone
) -> None:
    """The table of the options is what holds; ten days are the most."""
    options = hass.config_entries.options

    async def form() -> Any:
        result: Any = await options.async_init(entry.entry_id)
        return await options.async_configure(
            result["flow_id"], {"next_step_id": "reports"}
        )

    result = await form()
    said = {str(key): 240 for key in result["data_schema"].schema}
    said |= {"water": 3, "keep_photo_days": 30}
    with pytest.raises(Exception, match=r"water|241"):
        await options.async_configure(result["flow_id"], {**said, "water": 241})
    result = await options.async_configure(result["flow_id"], said)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await phone.report(category="water")
    (report,) = reports.open
    assert report.due_at - report.created_at == 3 * 3600
    result = await form()
    suggested = {
        str(key): key.description["suggested_value"]
        for key in result["data_schema"].schema
    }
    assert (suggested["water"], suggested["gas"]) == (3, 240)
    assert "30 days" in await (await phone.client.get(phone.path)).text()


@sqlite_only
async def test_actions(
    hass: HomeAssistant, entry: MockConfigEntry, reports: ReportBook, phone: Phone
) -> None:
    """An automation lists and assigns; what ends a report takes somebody with the right."""
    await phone.report()
    await phone.report(photo(picture=scene(2)))
    of_entry = {"config_entry_id": entry.entry_id}
    first, second = (await call(hass, "get_reports", of_entry, user=None))["reports"]
    of = {"report_id": first["report_id"]}
    assigned = await call(
        hass, "assign_report", {**of, "party": "grid_worker"}, user=None
    )
    assert assigned["party"] == "grid_worker"
    merged = await call(hass, "merge_reports", {**of, "into_id": second["report_id"]})
    assert merged["report_id"] == second["report_id"]
    for action, data in (
        ("merge_reports", {"report_id": "x", "into_id": "y"}),
        ("close_report", {"report_id": "x"}),
    ):
        with pytest.raises(ServiceValidationError) as refused:
            await call(hass, action, data)
        assert refused.value.translation_key == "no_such_report"
    for into in (second["report_id"], first["report_id"]):
        with pytest.raises(ServiceValidationError) as refused:
            await call(hass, "merge_reports", {**of, "into_id": into})
        assert refused.value.translation_key == "report_state"
    await call(hass, "close_report", {"report_id": second["report_id"]})
    await call(hass, "reopen_report", {"report_id": second["report_id"]})
    assert [row.state for row in reports.open] == ["reopened"]


@sqlite_only
async def test_merged_by_hand(
    entry: MockConfigEntry, panel: Panel, phone: Phone
) -> None:
    """What is merged, with what was merged into it, follows the one that goes on."""
    paths = [await phone.report(photo(picture=scene(seed))) for seed in (1, 2, 3)]
    ids = [row["report_id"] for row in (await panel.get("reports"))["reports"]]
    await panel.get("merge_reports", report_id=ids[0], into_id=ids[1])
    await panel.get("merge_reports", report_id=ids[1], into_id=ids[2])
    shown = await panel.get("report", report_id=ids[2])
    assert [row["report_id"] for row in shown["merged"]] == ids[:2]
    assert len(shown["pictures"]) == 3
    await panel.get("mend_report", report_id=ids[2])
    assert (await phone.answer(paths[0], "confirmed")).status == HTTPStatus.SEE_OTHER
    for path in paths:
        assert "confirmed" in await (await phone.client.get(path)).text()


@sqlite_only
async def test_blurred_by_hand(
    hass: HomeAssistant, entry: MockConfigEntry, panel: Panel, phone: Phone
) -> None:
    """What is blurred is gone for good: file, key and preview; so is what is removed."""
    path = await phone.report(photo(), photo(picture=scene(2)))
    (row,) = (await panel.get("reports"))["reports"]
    of = {"report_id": row["report_id"]}
    pictures = (await panel.get("report", **of))["pictures"]
    old = pictures[0]["photo_id"]
    boxes = [[0.25, 0.25, 0.25, 0.25]]
    answer = await panel.get("blur_photo", photo_id=old, boxes=boxes)
    assert answer["photo_id"] != old
    assert await counts(entry) == (1, 2, 2)
    assert [file.stem for file in files(hass, entry)].count(old) == 0
    assert len(files(hass, entry)) == 2
    assert await panel.refusal("report_photo", photo_id=old) == "no_such_photo"
    assert (await phone.client.get(f"{path}/{old}")).status == HTTPStatus.NOT_FOUND
    await panel.get("report_photo", photo_id=answer["photo_id"])
    await panel.get("remove_photo", photo_id=pictures[1]["photo_id"])
    assert await counts(entry) == (1, 1, 1)
    assert len(files(hass, entry)) == 1
    steps = [step["what"] for step in (await panel.get("report", **of))["steps"]]
    assert sorted(steps) == ["blurred", "new", "removed"]
    wrong: tuple[Any, ...] = ([], [[0, 0, 1]], [[0, 0, 2, 1]], [["x", 0, 1, 1]])
    for row in wrong:
        said = await panel.refusal("blur_photo", photo_id=old, boxes=row)
        assert "Invalid value" in said
    # A file that is damaged is said to be gone, and stays as it is.
    (file,) = files(hass, entry)
    file.write_bytes(b"x")
    data = {"photo_id": answer["photo_id"]}
    assert await panel.refusal("report_photo", **data) == "no_such_photo"
    assert await panel.refusal("blur_photo", **data, boxes=[[0, 0, 1, 1]]) == (
        "no_such_photo"
    )


@sqlite_only
async def test_what_is_refused_leaves_no_file(
    hass: HomeAssistant, entry: MockConfigEntry, panel: Panel, phone: Phone
) -> None:
    """A photo of who may not, of what is not there or over, or that is none, is not kept."""
    await phone.report()
    (row,) = (await panel.get("reports"))["reports"]
    of = {"report_id": row["report_id"]}
    after = [encoded(photo())]
    assert await panel.refusal("mend_report", report_id="x", photos=after) == (
        "no_such_report"
    )
    for wrong, key in (
        (["%%"], "photo_not_a_photo"),
        ([encoded(b"GIF89a")], "photo_not_a_photo"),
    ):
        assert await panel.refusal("mend_report", **of, photos=wrong) == key
    await panel.get("close_report", **of)
    assert await panel.refusal("mend_report", **of, photos=after) == "report_state"
    conflict = await panel.get("mend_report", **of, photos=after, version=1)
    assert conflict["written"] is None
    assert len(files(hass, entry)) == 1
    photo_id = files(hass, entry)[0].stem
    database, calls = entry.runtime_data.database, 0
    real = database.async_run

    async def full(work: Any) -> Any:
        # The key is read; that of the new photo cannot be written.
        nonlocal calls
        calls += 1
        if calls > 1:
            raise RegisterError("register_full")
        return await real(work)

    with patch.object(database, "async_run", full):
        said = await panel.refusal(
            "blur_photo", photo_id=photo_id, boxes=[[0, 0, 1, 1]]
        )
    assert (said, calls) == ("register_full", 2)
    assert [file.stem for file in files(hass, entry)] == [photo_id]


@sqlite_only
async def test_what_was_written_keeps_its_photo(
    hass: HomeAssistant, entry: MockConfigEntry, panel: Panel, phone: Phone
) -> None:
    """Whatever fails after the commit, or cannot tell of it, deletes no photo that is there."""
    await phone.report()
    (row,) = (await panel.get("reports"))["reports"]
    of = {"report_id": row["report_id"]}
    database = entry.runtime_data.database
    real = database.async_run

    async def lost(work: Any) -> Any:
        done = await real(work)
        if isinstance(done, dict) and done.get("state") == "mended":
            raise RegisterError("register_unreachable")
        return done

    with patch.object(database, "async_run", lost):
        said = await panel.refusal("mend_report", **of, photos=[encoded(photo())])
    assert said == "register_unreachable"
    pictures = (await panel.get("report", **of))["pictures"]
    assert [picture["kind"] for picture in pictures] == ["before", "after"]
    for picture in pictures:
        await panel.get("report_photo", photo_id=picture["photo_id"])


@sqlite_only
async def test_full(entry: MockConfigEntry, phone: Phone) -> None:
    """A report has so many photos and no more; what is too many is not kept."""
    path = await phone.report()
    with patch(
        "custom_components.rental_units.reports.rows.MOST_PHOTOS_OF_A_REPORT", 2
    ):
        assert (await phone.add(path, photo(), photo())).status == 400
        assert await counts(entry) == (1, 1, 1)
        assert (await phone.add(path, photo())).status == HTTPStatus.SEE_OTHER
    assert (await phone.add(path)).status == HTTPStatus.BAD_REQUEST
    assert await counts(entry) == (1, 2, 2)


@sqlite_only
async def test_own_units(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    reports: ReportBook,
    panel_for: Callable[[MockUser], Awaitable[Panel]],
    phone_at: Phones,
) -> None:
    """A landlord sees and mends what is in own units, and learns of no other."""
    own, other = await phone_at("unit 1-1-101"), await phone_at("unit 1-1-102")
    for phone in (own, other, await phone_at("stairwell 1-1")):
        await phone.report()
    person = await call(
        hass,
        "check_in",
        {
            "device_id": device_id(hass, entry, "1-1-101"),
            "name": "MARK-L",
            "phone": "13800138001",
            "role": "landlord",
        },
    )
    landlord = await account(hass, entry, "landlord", str(person["person_id"]))
    panel = await panel_for(landlord)
    (row,) = (await panel.get("reports"))["reports"]
    assert row["unit_id"] == unit_id(entry, "1-1-101")
    for report in reports.open:
        answer = await panel.ask("report", report_id=report.id)
        assert answer["success"] is (report.id == row["report_id"])
    assert await panel.refusal("report", report_id="x") == "Unauthorized"
    assert await panel.refusal("report_photo", photo_id="x") == "Unauthorized"
    assert await panel.refusal("merge_reports", report_id="x", into_id="y") == (
        "Unauthorized"
    )


@sqlite_only
async def test_kept_for_so_long(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    phone: Phone,
    panel: Panel,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Photos and words go after 90 days, the report after a year; what is open stays."""
    path = await phone.report(text="MARK")
    # The order of what is of one moment is nobody's.
    freezer.tick(1)
    await phone.report(photo(picture=scene(2)), text="MARK open")
    await phone.report(photo(), text="MARK merged")
    first, _ = (await panel.get("reports"))["reports"]
    of = {"report_id": first["report_id"]}
    await panel.get("mend_report", **of, note="MARK note")
    await sleeps(hass, entry, freezer, days=SILENT_DAYS, hours=25)
    # Nobody has said anything: it is over.
    assert "Closed" in await (await phone.client.get(path)).text()
    await sleeps(hass, entry, freezer, days=89)
    assert await counts(entry) == (3, 3, 3)
    await sleeps(hass, entry, freezer, days=2)
    assert await counts(entry) == (3, 1, 1)
    assert len(files(hass, entry)) == 1
    # A panel's connection has not lived for so long.
    application = application_of(hass, entry.entry_id)
    shown = await application.async_fill(GetReport(first["report_id"]), None)
    assert (shown["text"], shown["pictures"]) == ("", [])
    assert "MARK" not in repr(shown)
    await sleeps(hass, entry, freezer, days=300)
    assert await counts(entry) == (1, 1, 1)
    now = hass.data[DATA_REPORTS][entry.entry_id]
    assert [row.state for row in now.open] == ["new"]
    assert (await phone.client.get(path)).status == HTTPStatus.GONE


@sqlite_only
async def test_leftovers(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    phone_at: Phones,
    panel: Panel,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Files and keys of what is not there any more go; what cannot be read breaks nothing."""
    place = (await panel.get("save_place", kind="shared_place", name="Roof"))["written"]
    phone = await phone_at("shared_place Roof")
    await phone.report()
    await panel.get("remove_place", place_id=place)
    assert await counts(entry) == (0, 0, 1)
    assert len(files(hass, entry)) == 1
    database = entry.runtime_data.database
    with patch.object(photos, "LEFT_OVER_SECONDS", -1):
        with patch.object(
            Path, "iterdir", side_effect=OSError(5, "Input/output error")
        ):
            await passes(hass, freezer, days=1)
        assert len(files(hass, entry)) == 1
        # A damaged database that lies aside may be mended, and have their keys.
        aside = database.path.with_name(f"{database.path.name}.broken-20261130000000")
        aside.write_bytes(b"x")
        await passes(hass, freezer, days=1)
        assert len(files(hass, entry)) == 1
        await database.async_remove_leftovers()
        await passes(hass, freezer, days=1)
    assert files(hass, entry) == []
    assert await counts(entry) == (0, 0, 0)


@sqlite_only
async def test_property_that_is_removed(
    hass: HomeAssistant, entry: MockConfigEntry, phone: Phone
) -> None:
    """With a property its photos go, and nothing else."""
    path = await phone.report()
    (file,) = files(hass, entry)
    other = file.parent.parent / "other"
    other.mkdir()
    await hass.config_entries.async_remove(entry.entry_id)
    await hass.async_block_till_done()
    assert not file.parent.exists()
    assert other.is_dir()
    answer = await phone.client.get(path)
    assert answer.status == HTTPStatus.SERVICE_UNAVAILABLE


@sqlite_only
async def test_key_that_is_lost(
    hass: HomeAssistant, entry: MockConfigEntry, panel: Panel, phone: Phone
) -> None:
    """Without its sealed row nobody opens a photo; with another key of the vault it goes on."""
    path = await phone.report()
    await call(hass, "rotate_key", {"config_entry_id": entry.entry_id})
    page = await (await phone.client.get(path)).text()
    picture = page.split('src="')[1].split('"')[0]
    assert (await phone.client.get(picture)).status == HTTPStatus.OK

    def lose(session: Session) -> None:
        photo_row = session.scalars(select(ReportPhoto)).one()
        row = session.get_one(CompartmentRow, photo_row.sealed_id)
        row.key_id = "lost"

    await entry.runtime_data.async_run(lose)
    assert (await phone.client.get(picture)).status == HTTPStatus.NOT_FOUND
    assert await panel.refusal("report_photo", photo_id=picture.rpartition("/")[2]) == (
        "key_lost"
    )
