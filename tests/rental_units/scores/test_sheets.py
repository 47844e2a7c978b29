"""The life of a sheet: a draft, open for comments, frozen for good."""

from collections import Counter
from fractions import Fraction
import json
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import WebSocketGenerator
from sqlalchemy import text
from sqlalchemy.orm import Session

from custom_components.rental_units.scores import notes
from custom_components.rental_units.scores.book import ScoreBook
from custom_components.rental_units.scores.models import ScoreNote, ScoreSheet
from custom_components.rental_units.scores.sheets import SheetError, draft_of
from custom_components.rental_units.storage.errors import RegisterError
from homeassistant.core import HomeAssistant
from tests.rental_units.common import administrator, audited, call
from tests.rental_units.panel import Panel, panel_of

from .common import EXAMPLE, table, written
from .conftest import SILENT, Days, enter, open_sheet
from .recount import chain, score_of


def records_of(session: Session) -> list[tuple[int, str, str, str]]:
    """Return the chain as it is in the database."""
    query = "SELECT number, previous, digest, body FROM score_records ORDER BY number"
    return [tuple(row) for row in session.execute(text(query))]


async def run(entry: MockConfigEntry, statement: str) -> None:
    """Write past the register."""
    await entry.runtime_data.async_run(lambda session: session.execute(text(statement)))


async def test_whole_way(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    scores: ScoreBook,
    office: Panel,
    manager: Panel,
    grid_worker: Panel,
    on: Days,
) -> None:
    """Entered, opened, discussed, frozen: and then nothing changes it any more."""
    month = {"month": "2027-01"}
    first = await grid_worker.get(
        "add_score_entry", **month, criterion="no_patrol", cases=2, note="MARK-1"
    )
    assert first["score"] is None
    second = await office.get(
        "add_score_entry",
        **month,
        criterion="other_deduction",
        points=1.5,
        note="MARK-2",
    )
    third = await office.get("add_score_entry", **month, criterion="dispute_left")
    bonus = await office.get(
        "add_score_entry", **month, criterion="other_bonus", points="0.75", cases=9
    )
    await enter(office, "2026-01", police_calls=7, disputes=4)
    await enter(office, "2027-01", police_calls=9, disputes=3, households=1000)
    # What was entered last counts.
    await enter(office, "2027-01", police_calls=6)
    assert await office.refusal("open_score_sheet", **month) == "score_month_not_over"

    await on("2027-02-02")
    opened = await office.get("open_score_sheet", **month)
    assert (opened["state"], opened["due_on"]) == ("open", "2027-02-09")
    # Nobody has said yet which days are off.
    assert opened["due_assumed"]
    assert (opened["score"], set(opened["unknown"])) == (None, set(SILENT))
    shown = await manager.get("score_sheet", **month)
    assert shown["facts"]["late_response"]["why"] == "no_core"
    assert shown["facts"]["unproven_cards"]["why"] == "few_days"
    assert shown["facts"]["police_calls"]["value"] == "6"
    assert shown["facts"]["police_calls"]["at"].startswith("2027-02-02T04:00")
    assert set(shown["texts"].values()) == {"MARK-1", "MARK-2"}
    assert len(shown["accounts"]) == 2
    assert await office.refusal("open_score_sheet", **month) == "score_not_draft"
    assert (
        await office.refusal("add_score_entry", **month, criterion="no_patrol")
        == "score_not_draft"
    )
    late = {"entry": third["entry_id"]}
    assert await office.refusal("withdraw_score_entry", **late) == "score_not_draft"

    # What was read is not said otherwise; what was not, is.
    said = {"criterion": "police_calls", "value": 1, "note": "x"}
    assert (
        await office.refusal("state_score_fact", **month, **said) == "score_fact_known"
    )
    for name in SILENT[1:]:
        await office.get(
            "state_score_fact",
            **month,
            criterion=name,
            left_out=True,
            note="None there",
        )
    state = await office.get(
        "state_score_fact", **month, criterion=SILENT[0], value=4, note="From the log"
    )
    # 4 × 0.5 of one head; 2 × 1 + 1 of a second; 0.5 of a third; 1.5; 3 + 2 of bonuses.
    assert state["score"] == "98"

    # Who is judged may say so.
    comment = {"note": "MARK-3", "criterion": "police_calls"}
    await manager.get("comment_score", **month, **comment)
    patrol = {"note": "MARK-4", "entry": first["entry_id"], "appeal": True}
    appeal = await manager.get("comment_score", **month, **patrol)
    calls = await manager.get("comment_score", **month, **comment, appeal=True)
    other = {"note": "MARK-5", "entry": second["entry_id"], "appeal": True}
    vain = await manager.get("comment_score", **month, **other)
    for wrong, key in (
        ({"note": " "}, "score_no_words"),
        ({"note": "x", "entry": "none"}, "no_such_entry"),
        ({"note": "x", "criterion": "none"}, "no_such_criterion"),
    ):
        assert await manager.refusal("comment_score", **month, **wrong) == key
    assert await office.refusal("comment_score", **month, **patrol) == "Unauthorized"
    await on("2027-02-10")
    assert (
        await manager.refusal("comment_score", **month, note="x")
        == "score_comments_over"
    )
    assert await office.refusal("freeze_score_sheet", **month) == "score_appeals_open"
    decided = await office.get(
        "decide_score_appeal",
        comment=appeal["comment_id"],
        outcome="accepted",
        note="MARK-6",
    )
    assert (decided["score"], decided["appeals"]) == ("100", 2)
    await office.get(
        "decide_score_appeal",
        comment=calls["comment_id"],
        outcome="accepted",
        note="One was in the street",
    )
    await office.get("state_score_fact", **month, **said | {"value": "5"})
    await office.get(
        "decide_score_appeal",
        comment=vain["comment_id"],
        outcome="rejected",
        note="It was so",
    )
    again = {"comment": vain["comment_id"], "outcome": "accepted", "note": "x"}
    assert (
        await office.refusal("decide_score_appeal", **again) == "score_appeal_decided"
    )
    frozen = await office.get("freeze_score_sheet", **month)
    assert (frozen["state"], frozen["score"]) == ("frozen", "101")
    last = scores.figures.last
    assert last
    assert (last.month, last.score) == ("2027-01", "101")

    # An auditor adds it up again from the record, and finds the chain whole.
    (record,) = await entry.runtime_data.async_read(records_of)
    body = json.loads(record[3])
    catalogue = (await office.get("score_catalogue"))["catalogue"]
    assert score_of(catalogue, body) == Fraction(101)
    assert chain([record]) == []
    assert "MARK" not in record[3]
    # All of one moment: they are in no order.
    assert Counter(row["outcome"] for row in body["comments"]) == {
        None: 1,
        "accepted": 2,
        "rejected": 1,
    }
    assert body["facts"]["police_calls"]["value"] == "6"
    assert body["facts"]["police_calls"]["stated"] == "5"

    await nothing_changes(office, manager, entry, frozen, bonus["entry_id"])
    assert {row.what for row in await audited(entry, "freeze_score_sheet")}


async def nothing_changes(
    office: Panel,
    manager: Panel,
    entry: MockConfigEntry,
    frozen: dict[str, Any],
    entered: str,
) -> None:
    """See that a frozen sheet is frozen, whoever tries whatever."""
    month = {"month": frozen["month"]}
    before = await office.get("score_sheet", **month)
    for name, fields, key in (
        ("add_score_entry", {**month, "criterion": "no_patrol"}, "score_not_draft"),
        ("withdraw_score_entry", {"entry": entered}, "score_not_draft"),
        ("open_score_sheet", month, "score_not_draft"),
        ("freeze_score_sheet", month, "score_not_open"),
        (
            "state_score_fact",
            {**month, "criterion": "police_calls", "value": 0},
            "score_frozen",
        ),
        ("comment_score", {**month, "note": "x"}, "score_not_open"),
    ):
        assert await office.refusal(name, **fields) == key
    of = {row["appeal"]: row["id"] for row in before["comments"]}
    appeal = {"comment": of[False], "outcome": "accepted"}
    assert (
        await office.refusal("decide_score_appeal", **appeal, note="x")
        == "no_such_appeal"
    )
    appeal["comment"] = of[True]
    assert (
        await office.refusal("decide_score_appeal", **appeal, note="x")
        == "score_not_open"
    )
    # Neither other figures nor another table.
    await enter(office, frozen["month"], police_calls=500, households=1)
    harder = table(version="harder", first_month="2026-01")
    for criterion in harder["criteria"]:
        criterion["points"] = 50
    await office.get("save_score_catalogue", content=written(harder), dry_run=False)
    assert await office.get("score_sheet", **month) == before

    for statement in (
        "UPDATE score_records SET body = '{}'",
        "DELETE FROM score_records",
        "UPDATE score_sheets SET state = 'draft'",
        "DELETE FROM score_sheets",
        "UPDATE score_entries SET cases = 0",
        "DELETE FROM score_entries",
        "UPDATE score_facts SET stated = '0'",
        "DELETE FROM score_facts",
        "UPDATE score_comments SET outcome = 'accepted'",
        "DELETE FROM score_comments",
        "UPDATE score_counts SET count = 0",
        "DELETE FROM score_counts",
    ):
        with pytest.raises(RegisterError) as caught:
            await run(entry, statement)
        assert caught.value.key == "record_sealed", statement
    assert await office.get("score_sheet", **month) == before


async def test_tampering_is_seen(
    entry: MockConfigEntry, office: Panel, on: Days
) -> None:
    """Who takes the guard away and changes a record is seen: from there on nothing follows."""
    for month, opened, frozen in (
        ("2026-11", "2027-01-20", "2027-01-28"),
        ("2026-12", "2027-01-28", "2027-02-05"),
    ):
        await on(opened)
        await enter(office, month, police_calls=1, disputes=1)
        await open_sheet(office, month)
        await on(frozen)
        await office.get("freeze_score_sheet", month=month)
    answer = await office.get("scores")
    assert answer["chain"]["broken"] == []
    assert answer["chain"]["length"] == 2
    await run(
        entry,
        "DROP TRIGGER sealed_score_records_update"
        + (" ON score_records" if entry.runtime_data.database.path is None else ""),
    )
    await run(
        entry,
        "UPDATE score_records SET body = REPLACE(body, '\"2026-11\"', '\"2026-10\"')"
        " WHERE number = 1",
    )
    assert (await office.get("scores"))["chain"]["broken"] == [1]
    await run(
        entry,
        "UPDATE score_records SET body = REPLACE(body, '\"2026-10\"', '\"2026-11\"'),"
        " previous = 'x' WHERE number = 1",
    )
    assert (await office.get("scores"))["chain"]["broken"] == [1]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_a_changed_table_changes_a_draft(office: Panel, on: Days) -> None:
    """A draft follows the table of its month; what has no place in it is withdrawn first."""
    month = {"month": "2027-01"}
    await office.get("add_score_entry", **month, criterion="no_patrol")
    await enter(office, "2027-01", police_calls=0, disputes=0)
    other = table(first_month="2027-01")
    other["criteria"] = [
        row for row in other["criteria"] if row["id"] not in ("no_patrol", *SILENT)
    ]
    await office.get("save_score_catalogue", content=written(other), dry_run=False)
    shown = await office.get("score_sheet", **month)
    (entry,) = shown["entries"]
    assert shown["strays"] == [entry["id"]]
    assert shown["catalogue"]["version"] == "test-1"
    await on("2027-02-01")
    assert await office.refusal("open_score_sheet", **month) == "score_strays"
    await office.get("withdraw_score_entry", entry=entry["id"])
    # Once more changes nothing.
    await office.get("withdraw_score_entry", entry=entry["id"])
    opened = await office.get("open_score_sheet", **month)
    assert (opened["unknown"], opened["score"]) == (["double_drop"], None)
    # Before its first month, the other table is in force.
    await office.get("add_score_entry", month="2026-12", criterion="no_patrol")


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_what_cannot_be_entered(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    office: Panel,
    grid_worker: Panel,
    hass_ws_client: WebSocketGenerator,
) -> None:
    """What makes no sense is refused, and nobody takes back what another has entered."""
    month = {"month": "2027-01"}
    for fields, key in (
        ({"criterion": "tea"}, "no_such_criterion"),
        ({"criterion": "police_calls"}, "score_not_entered"),
        ({"criterion": "other_bonus"}, "score_points"),
        ({"criterion": "other_bonus", "points": 3.5}, "score_points"),
        ({"criterion": "no_patrol", "points": 2}, "score_points"),
        ({"criterion": "no_patrol", "month": "2027-02"}, "score_month"),
        ({"criterion": "no_patrol", "month": "2024-12"}, "score_month"),
        ({"criterion": "no_patrol", "month": "2025-12"}, "no_score_table"),
        ({"criterion": "no_patrol", "month": "2027-Q1"}, "score_month"),
        ({"criterion": "x", "cases": 0}, "Invalid value of cases"),
        ({"criterion": "x", "points": 0.125}, "Invalid value of points"),
        ({"criterion": "x", "points": "many"}, "Invalid value of points"),
        ({"criterion": "x", "points": True}, "Invalid value of points"),
    ):
        assert await office.refusal("add_score_entry", **{**month, **fields}) == key
    assert await office.refusal("score_sheet", month="2027-01") == "no_such_score"
    assert await office.refusal("freeze_score_sheet", **month) == "score_not_open"
    assert await office.refusal("withdraw_score_entry", entry="none") == "no_such_entry"
    mine = await office.get("add_score_entry", **month, criterion="no_patrol")
    theirs = await grid_worker.get("add_score_entry", **month, criterion="no_patrol")
    taken = {"entry": mine["entry_id"]}
    assert await grid_worker.refusal("withdraw_score_entry", **taken) == "Unauthorized"
    await grid_worker.get("withdraw_score_entry", entry=theirs["entry_id"])
    again = await grid_worker.get("add_score_entry", **month, criterion="no_patrol")
    await office.get("withdraw_score_entry", entry=again["entry_id"])

    for fields, key in (
        ({"criterion": "no_patrol", "value": 1}, "score_entered"),
        ({"criterion": "disputes", "value": 1}, "score_no_words"),
        ({"criterion": "tea", "value": 1}, "no_such_criterion"),
    ):
        assert await office.refusal("state_score_fact", **month, **fields) == key
    said = {**month, "criterion": "disputes"}
    await office.get("state_score_fact", **said, value=3, note="By telephone")
    shown = await office.get("score_sheet", **month)
    assert shown["facts"]["disputes"]["stated"] == "3"
    # And taken back.
    await office.get("state_score_fact", **said)
    shown = await office.get("score_sheet", **month)
    assert shown["facts"]["disputes"]["stated"] is None
    assert shown["facts"]["disputes"]["note"] is None

    admin = await panel_of(hass, entry, hass_ws_client, administrator(hass))
    assert await admin.refusal("comment_score", **month, note="x") == "score_not_open"
    # An automation brings figures, and enters nothing.
    data = {"config_entry_id": entry.entry_id, "month": "2027-01"}
    await call(
        hass, "put_score_counts", {**data, "kind": "disputes", "count": 3}, user=None
    )
    got = await call(hass, "get_scores", {"config_entry_id": entry.entry_id}, user=None)
    assert [row["count"] for row in got["counts"]] == [3]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_nobody_decides_their_own_appeal(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    office: Panel,
    on: Days,
    hass_ws_client: WebSocketGenerator,
) -> None:
    """An administrator may do everything, and not this."""
    admin = await panel_of(hass, entry, hass_ws_client, administrator(hass))
    await on("2027-02-01")
    await office.get("open_score_sheet", month="2027-01")
    said = {"month": "2027-01", "note": "MARK", "appeal": True}
    appeal = {"comment": (await admin.get("comment_score", **said))["comment_id"]}
    decision = {**appeal, "outcome": "accepted", "note": "x"}
    assert await admin.refusal("decide_score_appeal", **decision) == "score_own_appeal"
    assert (
        await office.refusal("decide_score_appeal", **decision | {"note": ""})
        == "score_no_words"
    )
    await office.get("decide_score_appeal", **decision)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_words_are_forgotten(
    entry: MockConfigEntry, office: Panel, scores: ScoreBook, on: Days
) -> None:
    """What somebody wrote goes with its time; the record stays whole without it."""
    await office.get(
        "add_score_entry", month="2026-12", criterion="no_patrol", note="MARK-1"
    )
    await enter(office, "2026-12", police_calls=0, disputes=0)
    await open_sheet(office, "2026-12")
    await on("2027-01-28")
    await office.get("freeze_score_sheet", month="2026-12")
    shown = await office.get("score_sheet", month="2026-12")
    assert "MARK-1" in shown["texts"].values()
    # A text that is another is not shown: it is not what the record says.
    await run(entry, "UPDATE score_notes SET text = 'x' WHERE text = 'MARK-1'")
    other = await office.get("score_sheet", month="2026-12")
    assert set(other["texts"].values()) == {"Not read"}

    def kept(session: Session) -> int:
        return session.query(ScoreNote).count()

    assert await entry.runtime_data.async_read(kept) > 1
    await on("2030-01-29")
    await scores.async_day()
    assert await entry.runtime_data.async_read(kept) == 0
    answer = await office.get("scores")
    assert answer["chain"]["broken"] == []
    last = await office.get("score_sheet", month="2026-12")
    assert (last["texts"], last["score"]) == ({}, shown["score"])


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_no_table_yet(
    hass: HomeAssistant,
    on: Days,
    entry: MockConfigEntry,
    hass_ws_client: WebSocketGenerator,
    scores: ScoreBook,
) -> None:
    """Without a table nothing is scored, and days go by."""
    panel = await panel_of(hass, entry, hass_ws_client)
    await scores.async_day()
    assert (await panel.get("scores"))["sheets"] == []

    def begin(session: Session) -> str:
        session.add(ScoreSheet(month="2027-01", state="draft", due_assumed=False))
        return notes.keep(session, "", 0.0) or ""

    assert await entry.runtime_data.async_run(begin) == ""
    await scores.async_day()
    (row,) = (await panel.get("scores"))["sheets"]
    assert (row["month"], row["score"]) == ("2027-01", None)
    shown = await panel.get("score_sheet", month="2027-01")
    assert shown["criteria"] == []
    assert await panel.refusal("open_score_sheet", month="2027-01") == (
        "score_month_not_over"
    )
    await on("2027-02-01")
    assert await panel.refusal("open_score_sheet", month="2027-01") == "no_score_table"
    await panel.get("save_score_catalogue", content=EXAMPLE, dry_run=False)
    await scores.async_day()
    assert [row["month"] for row in (await panel.get("scores"))["sheets"]] == [
        "2027-02",
        "2027-01",
    ]

    def closed(session: Session) -> None:
        with pytest.raises(SheetError):
            draft_of(session, "2027-01")

    await panel.get("open_score_sheet", month="2027-01")
    await entry.runtime_data.async_run(closed)
