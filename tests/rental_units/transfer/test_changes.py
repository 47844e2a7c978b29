"""What a file changes of what is registered already."""

import gc
from pathlib import Path
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.rental_units.register import Audience
from custom_components.rental_units.register.models import Lease, LeaseChange, Person
from homeassistant.core import HomeAssistant
from tests.rental_units.common import (
    OTHER_PHONE,
    PHONE,
    call,
    check_in,
    device_id,
    unit_id,
)
from tests.rental_units.test_transfer import put

HEAD = "building,stairwell,number,role,name,phone"
ROW = f"1,1,101,tenant,MARK-NAME-1,{PHONE}"


@pytest.fixture
async def load(hass: HomeAssistant, transfer: Any) -> Any:
    """Return a function that tries a file, imports it, and returns both answers' changes."""

    async def run(*lines: str, head: str = HEAD) -> Any:
        put(hass, "a.csv", "\n".join([head, *lines]))
        tried = await transfer("import", "a.csv")
        done = await transfer("import", "a.csv", dry_run=False)
        assert done | {"dry_run": True, "imported": False} == tried
        return done

    return run


@pytest.fixture
async def people(hass: HomeAssistant, entry: MockConfigEntry) -> Any:
    """Return a function that returns the people of a unit."""

    async def run(title: str = "1-1-101") -> Any:
        device = device_id(hass, entry, title)
        data = {"device_id": device, "reason": "inspection", "reveal": True}
        return (await call(hass, "get_unit", data))["people"]

    return run


def fields(answer: Any) -> list[tuple[str, str | None, str]]:
    """Return what an import changes, with what was there."""
    return [
        (field["field"], field["old"], field["new"])
        for row in answer["changes"]
        for field in row["fields"]
    ]


def problems(answer: Any) -> list[tuple[str, str]]:
    """Return the cells that are refused, and why."""
    return [(row["cell"], row["problem"]) for row in answer["errors"]]


def targets(person: Any) -> dict[str, str]:
    """Return the addresses of a person."""
    return {row["channel"]: row["target"] for row in person["addresses"]}


async def test_a_changed_number_changes_the_person(
    hass: HomeAssistant, entry: MockConfigEntry, load: Any, people: Any
) -> None:
    """Nobody is there twice because of a new number, and the old one is named."""
    person_id = await check_in(hass, entry, "1-1-101")
    answer = await load(f"1,1,101,tenant,MARK-NAME-1,{OTHER_PHONE}")
    assert fields(answer) == [("phone", "+8613800138001", "+8613800138002")]
    assert answer["summary"] == {
        "added": 0, "changed": 1, "unchanged": 0, "refused": 0
    }  # fmt: skip
    (person,) = await people()
    assert person["person_id"] == person_id
    assert set(targets(person).values()) == {"+8613800138002"}
    # So does who would be told while the database is away.
    book, unit = entry.runtime_data.phonebook, unit_id(entry, "1-1-101")
    (tenant,) = book.last_known([unit], [Audience.TENANTS])
    assert {row.target for row in tenant.addresses} == {"+8613800138002"}


async def test_a_landlord_of_several_units_has_a_new_number(
    hass: HomeAssistant, entry: MockConfigEntry, load: Any, people: Any
) -> None:
    """Each row says so, and it is one change of one person."""
    rows = [f"1,1,{number},landlord,MARK-L,{{}}" for number in (101, 102)]
    await load(*(row.format(PHONE) for row in rows))
    answer = await load(*(row.format(OTHER_PHONE) for row in rows))
    assert (answer["people_changed"], answer["people_added"]) == (1, 0)
    (first,), (second,) = await people(), await people("1-1-102")
    assert first["person_id"] == second["person_id"]

    # The old number in one row and the new one in another: which one is it?
    answer = await load(rows[0].format("13800138003"), rows[1].format(OTHER_PHONE))
    assert problems(answer) == [("F3", "contradiction")]


async def test_missing_columns_wipe_nothing(
    hass: HomeAssistant, entry: MockConfigEntry, load: Any, people: Any
) -> None:
    """A file of names and ends changes ends, and nothing else."""
    await check_in(
        hass,
        entry,
        "1-1-101",
        channels=["sms"],
        email="mark@example.com",
        language="zh-Hant",
        quiet_from="22:00",
        quiet_until="07:00",
        start="2026-01-01",
    )
    (before,) = await people()
    head = "building,stairwell,number,role,name,end"
    answer = await load("1,1,101,tenant,MARK-NAME-1,2030-01-01", head=head)
    assert fields(answer) == [("end", None, "2030-01-01")]
    (after,) = await people()
    told = {"end", "history", "version"}
    assert after["end"] == "2030-01-01"
    assert {key: after[key] for key in before if key not in told} == {
        key: before[key] for key in before if key not in told
    }

    # A column without the number says what the number is for.
    head = "building,stairwell,number,role,name,channels"
    answer = await load("1,1,101,tenant,MARK-NAME-1,call", head=head)
    assert fields(answer) == [("channels", "sms", "call")]
    (after,) = await people()
    assert targets(after) == {"call": "+8613800138001", "email": "mark@example.com"}

    # A new number does not change what numbers are for.
    answer = await load(f"1,1,101,tenant,MARK-NAME-1,{OTHER_PHONE}")
    (after,) = await people()
    assert targets(after) == {"call": "+8613800138002", "email": "mark@example.com"}

    assert problems(await load("1,1,101,tenant,MARK-NEW,", head=HEAD)) == [
        ("F2", "no_way_to_reach")
    ]


async def test_masked_numbers(
    hass: HomeAssistant, entry: MockConfigEntry, load: Any, people: Any
) -> None:
    """A masked number is the known one: nothing changes, or a name is corrected."""
    person_id = await check_in(hass, entry, "1-1-101")
    for masked in ("138****8001", "+86*******8001"):
        answer = await load(f"1,1,101,tenant,MARK-NAME-1,{masked}")
        assert answer["summary"]["unchanged"] == 1
    answer = await load("1,1,101,tenant,MARK-CORRECTED,138****8001")
    assert fields(answer) == [("name", "MARK-NAME-1", "MARK-CORRECTED")]
    (person,) = await people()
    assert (person["person_id"], person["name"]) == (person_id, "MARK-CORRECTED")
    assert set(targets(person).values()) == {"+8613800138001"}

    # The same landlord in another unit is known by name and mask.
    answer = await load("1,1,102,tenant,MARK-CORRECTED,138****8001")
    assert (answer["people_added"], answer["leases_added"]) == (0, 1)

    for row in (
        "1,1,101,tenant,MARK-NAME-1,138****8009",
        "1,2,101,tenant,MARK-STRANGER,138****8001",
    ):
        assert problems(await load(row)) == [("F2", "masked_unknown")]


async def test_a_shared_number_is_two_people(
    hass: HomeAssistant, entry: MockConfigEntry, load: Any, people: Any
) -> None:
    """Who has another name is another person, whom somebody has to look for."""
    await check_in(hass, entry, "1-1-101")
    answer = await load(f"1,1,101,tenant,MARK-CHILD,{PHONE}")
    assert answer["people_added"] == 1
    assert len(await people()) == 2


async def test_namesakes(
    hass: HomeAssistant, entry: MockConfigEntry, load: Any, people: Any
) -> None:
    """Two people of one name in a unit are told apart by their numbers, or not at all."""
    rows = [f"1,1,101,tenant,MARK-SAME,1380013800{number}" for number in range(1, 5)]
    await load(rows[0])
    # Who is known by the number stays, the other one is new.
    answer = await load(rows[0], rows[1])
    assert (answer["people_added"], answer["people_changed"]) == (1, 0)
    # One of them has a new number: but which one?
    assert problems(await load(rows[2])) == [("E2", "ambiguous")]
    answer = await load(rows[0], rows[2])
    assert fields(answer) == [("phone", "+8613800138002", "+8613800138003")]
    # Two new numbers for one person, or two people more?
    await load("1,1,102,tenant,MARK-SAME2,13800138009")
    one, two = (f"1,1,102,tenant,MARK-SAME2,1380013801{number}" for number in (1, 2))
    assert problems(await load(one, two)) == [("E2", "ambiguous"), ("E3", "ambiguous")]
    assert len(await people()) == 2


async def test_units_that_are_written_otherwise(
    hass: HomeAssistant, entry: MockConfigEntry, load: Any, people: Any
) -> None:
    """A stairwell that is left out is the one that there is; of two, neither is guessed."""
    answer = await load("1栋,102室,tenant,MARK-A,13800138001", head=HEAD.replace("stairwell,", ""))  # fmt: skip
    assert (answer["units_added"], answer["leases_added"]) == (0, 1)
    answer = await load("１-１-１０２,tenant,MARK-A,13800138001", head="number,role,name,phone")  # fmt: skip
    assert answer["summary"]["unchanged"] == 1
    answer = await load("1,,101,tenant,MARK-B,13800138001")
    assert problems(answer) == [("B2", "which_stairwell")]
    # Rows of one new unit, with its stairwell and without.
    answer = await load(
        "7,,701,tenant,MARK-B,13800138002", "7,1,701,tenant,MARK-C,13800138003"
    )
    assert answer["units_added"] == 1
    assert len(await people("7-1-701")) == 2


async def test_who_has_left_does_not_come_back(
    hass: HomeAssistant, entry: MockConfigEntry, load: Any, people: Any
) -> None:
    """A file of before brings nobody back; a new lease does."""
    head = f"{HEAD},start"
    await load(f"{ROW},2026-01-01", head=head)
    await call(
        hass,
        "check_out",
        {"device_id": device_id(hass, entry, "1-1-101")},
        answers=False,
    )
    await hass.async_block_till_done()
    answer = await load(f"{ROW},2026-01-01", head=head)
    (row,) = answer["changes"]
    assert row["status"] == "unchanged"
    assert row["left_on"] == entry.runtime_data.today.isoformat()
    assert await people() == []
    # Nor does one without the column: no day is no new stay.
    (row,) = (await load(ROW))["changes"]
    assert (row["status"], bool(row["left_on"])) == ("unchanged", True)
    assert await people() == []
    answer = await load(f"{ROW},2026-06-01", head=head)
    assert answer["leases_added"] == 1
    assert len(await people()) == 1


async def test_leases(
    hass: HomeAssistant, entry: MockConfigEntry, load: Any, people: Any
) -> None:
    """A lease may be of one day, and ends no sooner than it begins, in the file or before."""
    head = f"{HEAD},start,end"
    answer = await load(f"{ROW},2026-05-01,2026-05-01", head=head)
    assert (answer["errors"], answer["leases_added"]) == ([], 1)
    answer = await load(f"{ROW},,2026-05-01", head=head)
    assert answer["summary"]["unchanged"] == 1
    answer = await load(f"{ROW},,2026-04-30", head=head)
    assert problems(answer) == [("H2", "before_start")]
    (person,) = await people()
    assert (person["start"], person["end"]) == ("2026-05-01", "2026-05-01")


async def test_names_keep_their_signs(
    hass: HomeAssistant, entry: MockConfigEntry, load: Any, transfer: Any
) -> None:
    """'t Hooft is called so; what is a formula is none in the file, and nobody's name changes."""
    names = ["'t Hooft", "=1+1", "+cmd|' /C calc'!A0", "＝1", "''=1"]
    rows = [f'1,1,101,tenant,"{name}",1380013801{i}' for i, name in enumerate(names)]
    await load(rows[0])
    await load(*(row.replace(',"', ",\"'", 1) for row in rows[1:]))
    for file in ("out.csv", "out.xlsx"):
        path = put(hass, file, "")
        path.chmod(0o644)
        await transfer("export", file)
        # Also where a file was there that others may read.
        assert path.stat().st_mode & 0o777 == 0o600
        back = await transfer("import", file, dry_run=False)
        assert back["summary"]["unchanged"] == back["rows"]
        shown = {row["name"] for row in back["changes"] if row["name"]}
        assert shown == set(names)
    text = Path(hass.config.path("rental_units", "out.csv")).read_text("utf-8-sig")
    assert ",'t Hooft," in text
    assert all(f",'{name}," in text for name in names[1:])


async def test_what_is_tried_leaves_nothing_to_collect(
    hass: HomeAssistant, entry: MockConfigEntry, transfer: Any
) -> None:
    """The rows of a try go without the collector, during which no alert goes on."""
    await check_in(hass, entry, "1-1-101")
    put(hass, "a.csv", "\n".join([HEAD, ROW, f"1,1,102,tenant,MARK-2,{OTHER_PHONE}"]))
    gc.collect()
    gc.disable()
    try:
        assert (await transfer("import", "a.csv"))["summary"]["added"] == 1
        rows = [
            type(row)
            for row in gc.get_objects()
            if isinstance(row, (Person, Lease, LeaseChange))
        ]
    finally:
        gc.enable()
    assert rows == []


CARDS = f"{HEAD},card"
NUMBER, OTHER_NUMBER = "10058400", "10058401"


@pytest.fixture
async def cards(hass: HomeAssistant) -> Any:
    """Return a function that returns the cards of a person, by their last digits."""

    async def run(person: str) -> Any:
        found = await call(hass, "get_cards", {"person_id": person})
        return {row["card_number"]: row["state"] for row in found["cards"]}

    return run


async def test_cards(
    hass: HomeAssistant, entry: MockConfigEntry, load: Any, people: Any, cards: Any
) -> None:
    """Cards of a file are issued, once, and shown by their last digits."""
    row = f'{ROW},"100,58400; {OTHER_NUMBER}"'
    done = await load(row, head=CARDS)
    assert (done["cards_added"], done["leases_added"]) == (2, 1)
    assert ("card", None, "••••8400") in fields(done)
    (person,) = await people()
    assert await cards(person["person_id"]) == {
        "••••8400": "registered",
        "••••8401": "registered",
    }
    again = await load(row, head=CARDS)
    assert again["cards_added"] == again["summary"]["added"] == 0
    # A cell that is empty takes nothing.
    await load(f"{ROW},", head=CARDS)
    assert len(await cards(person["person_id"])) == 2
    audit = await call(
        hass,
        "get_audit",
        {"config_entry_id": entry.entry_id, "person_id": person["person_id"]},
    )
    assert [row["what"] for row in audit["audit"]].count("issue_card") == 1


async def test_cards_that_cannot_be_issued(
    hass: HomeAssistant, entry: MockConfigEntry, transfer: Any, cards: Any
) -> None:
    """Each is named by its cell; and of a file with a mistake no card is issued."""
    owner = await check_in(hass, entry, "1-2-101", phone=OTHER_PHONE)
    for number in ("100001", "100002"):
        card = {"person_id": owner, "card_number": number}
        issued = await call(hass, "issue_card", card)
    await call(hass, "lose_card", issued)
    gone = await check_in(hass, entry, "1-1-102", name="MARK-GONE", phone="13800138003")
    left = {"device_id": device_id(hass, entry, "1-1-102"), "person_id": gone}
    await call(hass, "check_out", left)
    rows = [
        f"{ROW},100001",
        "1,1,101,tenant,MARK-2,13800138004,100002",
        f"1,1,101,tenant,MARK-3,13800138005,{NUMBER}",
        f"1,1,101,tenant,MARK-4,13800138006,{NUMBER}",
        "1,1,101,tenant,MARK-5,13800138007,12-x",
        "1,1,102,tenant,MARK-GONE,13800138003,3",
        ",,,police,MARK-6,13800138008,4",
        "1,1,102,,,,5",
    ]
    put(hass, "a.csv", "\n".join([CARDS, *rows]))
    found = await transfer("import", "a.csv", dry_run=False)
    assert not found["imported"]
    assert [(row["row"], row["column"], row["problem"]) for row in found["errors"]] == [
        (2, "card", "card_number_taken"),
        (3, "card", "card_number_lost"),
        (5, "card", "contradiction"),
        (6, "card", "card_number_invalid"),
        (7, "card", "card_without_lease"),
        (8, "card", "not_of_a_responder"),
        (9, "name", "missing"),
    ]
    assert all(row["message"] for row in found["errors"])
    assert len(await cards(owner)) == 2


async def test_card_of_who_has_left(
    hass: HomeAssistant, entry: MockConfigEntry, load: Any, people: Any, cards: Any
) -> None:
    """A card that is free again is the next tenant's."""
    gone = await check_in(hass, entry, "1-1-102", name="MARK-GONE", phone="13800138003")
    await call(hass, "issue_card", {"person_id": gone, "card_number": NUMBER})
    left = {"device_id": device_id(hass, entry, "1-1-102"), "person_id": gone}
    await call(hass, "check_out", left)
    await hass.async_block_till_done(wait_background_tasks=True)
    done = await load(f"{ROW},{NUMBER}", head=CARDS)
    assert done["cards_added"] == 1
    assert list((await cards(gone)).values()) == ["expired"]
