"""Nobody is looked for without a case; with one, they are found where they were seen last."""

import base64
import csv
from datetime import timedelta
import hashlib
import io
from typing import Any

from openpyxl import load_workbook
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)
from pytest_homeassistant_custom_component.typing import WebSocketGenerator
from sqlalchemy import select, update

from custom_components.rental_units.register.models import Audit
from custom_components.rental_units.search import rows
from custom_components.rental_units.search.book import DATA_SEARCHES, SearchBook
from custom_components.rental_units.search.const import (
    CASE_SECONDS,
    KEEP_DAYS,
    MOST_ROWS,
)
from custom_components.rental_units.search.models import SearchCase, SearchDeed
from custom_components.rental_units.sightings import store
from custom_components.rental_units.sightings.journal import journal_of
from custom_components.rental_units.sightings.models import SeenNumber, Sighting
from custom_components.rental_units.sightings.store import Seen
from custom_components.rental_units.storage.errors import RegisterError
from custom_components.rental_units.storage.vault import CompartmentRow
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
from tests.rental_units.common import account, call, check_in, device_id
from tests.rental_units.panel import Panel, panel_of

from .conftest import CARD, PLATE, Open, Street, plate

HOUR = 3600


async def child(hass: HomeAssistant, entry: MockConfigEntry) -> str:
    """Return a child with a card."""
    person = await check_in(hass, entry, "1-1-101", name="MARK-CHILD", phone=None)
    await call(hass, "issue_card", {"person_id": person, "card_number": CARD})
    return person


async def test_lost_child(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    street: Street,
    panel: Panel,
    opened: Open,
) -> None:
    """From the case to the last sighting in one look, with the trail and its gaps."""
    person = await child(hass, entry)
    await street.see("School", CARD, inwards=False)
    await street.later(600)
    await street.see("Shop", CARD, inwards=True)
    await street.see("School", "4711")
    await street.later(2 * HOUR)
    await street.see("East gate", CARD, inwards=False)
    await street.later(60)

    case = await opened(person_id=person, description="Red jacket")
    found = await panel.get("search_sightings", case_id=case)
    seen = found["sightings"]
    assert [row["where"]["place"] for row in seen] == [
        "Area of East gate",
        "Area of Shop",
        "Area of School",
    ]
    assert [row["where"]["name"] for row in seen][0] == "East gate 1"
    assert found["last"] == seen[0]["at"]
    assert found["since_last"] == 61
    # What is between two sightings is shown as not known, where it is long.
    assert [row["gap"] for row in seen] == [2 * HOUR + 2, None, None]
    assert {row["name"] for row in seen} == {"MARK-CHILD"}
    assert not found["more"]
    assert all(row["exact"] for row in seen)
    assert [row["inwards"] for row in seen] == [False, True, False]


async def test_no_case_no_answer(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    street: Street,
    panel: Panel,
    opened: Open,
) -> None:
    """Not even an administrator is shown anybody without one that is open."""
    await street.see("School", CARD)
    asked = {"places": [[street.doors["School"], None]]}
    assert (
        await panel.refusal("search_sightings", case_id="none", **asked)
        == "no_search_case"
    )
    case = await opened(subject="MARK-SOMEBODY")
    assert len(
        (await panel.get("search_sightings", case_id=case, **asked))["sightings"]
    )
    await panel.get("close_search_case", case_id=case, outcome="found")
    for command, data in (
        ("search_sightings", asked),
        ("watch_search_case", {}),
        ("alert_search_case", {}),
        ("close_search_case", {"outcome": "found"}),
        ("export_search", {"deed_id": "x"}),
    ):
        refusal = await panel.refusal(command, case_id=case, **data)
        assert refusal == "search_case_closed", command
    # Nor who was looked for.
    shown = await panel.get("search_case", case_id=case)
    assert (shown["name"], shown["authority"], shown["outcome"]) == (
        None,
        None,
        "found",
    )
    assert {row["what"] for row in shown["deeds"]} == {"opened", "searched", "closed"}


@pytest.mark.parametrize(
    ("said", "refusal"),
    [
        ({"authority": " "}, "search_no_authority"),
        ({"subject": " "}, "search_nobody"),
        ({"kind": "access_copy", "subject": "x"}, "search_access_of_whom"),
        ({"plate": "浙A*"}, "search_plate"),
        ({"person_id": "nobody"}, "no_such_person"),
    ],
)
async def test_what_a_case_needs(
    entry: MockConfigEntry,
    street: Street,
    panel: Panel,
    said: dict[str, str],
    refusal: str,
) -> None:
    """Who is looked for, and by whose number: without these there is no case."""
    data = {"kind": "vehicle", "authority": "110-1", "subject": "", **said}
    assert await panel.refusal("open_search_case", **data) == refusal
    assert await street.count(SearchCase) == 0


async def test_every_look_is_written_down(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    street: Street,
    panel: Panel,
    opened: Open,
) -> None:
    """In the case with what was looked for, sealed; in the audit by the same command."""
    person = await child(hass, entry)
    case = await opened(person_id=person)
    await panel.get("search_sightings", case_id=case, plate=PLATE)

    def read(session: Any) -> tuple[Any, ...]:
        deed = session.scalars(
            select(SearchDeed).where(SearchDeed.what == "searched")
        ).one()
        audits = session.scalars(
            select(Audit).where(Audit.command_id == deed.command_id)
        ).all()
        sealed = session.get(CompartmentRow, deed.sealed_id)
        box = hass.data[DATA_SEARCHES][entry.entry_id].vault
        return (
            deed.shown,
            [(row.what, row.why, row.person_id) for row in audits],
            rows.criteria_of(session, box, deed)["plate"],
            PLATE in sealed.body,
        )

    assert await entry.runtime_data.async_run(read) == (
        0,
        [("search_sightings", "alarm", person)],
        PLATE,
        False,
    )


async def test_closes_by_itself(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    street: Street,
    panel: Panel,
    opened: Open,
    searches: SearchBook,
) -> None:
    """After a day, whoever has forgotten it; and it is refused before that is written."""
    case = await opened(subject="MARK-SOMEBODY")
    await street.later(CASE_SECONDS - 1)
    assert searches.cases[case].closed_at is None
    street.freezer.tick(1)
    assert (
        await panel.refusal("search_sightings", case_id=case, category="person")
        == "search_case_closed"
    )
    await street.later(1)
    closed = searches.cases[case]
    assert closed.outcome == "expired"
    assert closed.closed_by is None
    assert closed.closed_at == closed.closes_at


async def test_over_while_nobody_was_here(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    street: Street,
    opened: Open,
) -> None:
    """A restart takes cases up: one goes on, and one that was over is closed."""
    old = await opened(subject="MARK-SOMEBODY")
    await street.later(CASE_SECONDS / 2)
    new = await opened(subject="MARK-OTHER")
    await hass.config_entries.async_unload(entry.entry_id)
    street.freezer.tick(CASE_SECONDS / 2)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    cases = hass.data[DATA_SEARCHES][entry.entry_id].cases
    assert cases[old].outcome == "expired"
    assert cases[new].closed_at is None
    await street.later(CASE_SECONDS / 2)
    cases = hass.data[DATA_SEARCHES][entry.entry_id].cases
    assert cases[new].outcome == "expired"


async def test_close_is_tried_again(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    street: Street,
    opened: Open,
    searches: SearchBook,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A database that is away when a case is over closes it later."""
    case = await opened(subject="MARK-SOMEBODY")

    def away(*_: Any, **__: Any) -> None:
        raise RegisterError("register_locked")

    with monkeypatch.context() as patch:
        patch.setattr(rows, "close_due", away)
        await street.later(CASE_SECONDS + 1)
        assert searches.cases[case].closed_at is None
    await street.later(31)
    assert searches.cases[case].outcome == "expired"


async def test_ends_in_the_middle(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    street: Street,
    opened: Open,
    searches: SearchBook,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is under way when the property ends, and fails, is not tried again."""
    await opened(subject="MARK-SOMEBODY")
    tried: list[float] = []

    def ends(*_: Any, **__: Any) -> None:
        tried.append(1)
        hass.loop.call_soon_threadsafe(searches.stop)
        raise RegisterError("register_locked")

    monkeypatch.setattr(rows, "close_due", ends)
    await street.later(CASE_SECONDS + 1)
    count = len(tried)
    assert count
    await street.later(31)
    assert len(tried) == count


async def test_nothing_is_planned_after_the_end(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    street: Street,
    opened: Open,
    searches: SearchBook,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What ends well while the property ends leaves no clock behind, which would wake for a day."""
    await opened(subject="MARK-SOMEBODY")
    read = rows.read

    def ends(*args: Any) -> Any:
        hass.loop.call_soon_threadsafe(searches.stop)
        return read(*args)

    monkeypatch.setattr(rows, "read", ends)
    await searches.async_follow()
    assert [row for row in searches.cases.values() if not row.closed_at]
    assert searches._cancel is None


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ({"plate": "A0T1K9"}, [("••••1K9", True), ("••••IK9", False)]),
        ({"plate": "浙A·0T1K9"}, [("••••1K9", True), ("••••IK9", False)]),
        ({"plate": "沪AOTIK9"}, [("••••1K9", False), ("••••IK9", False)]),
        ({"plate": "*T1K9"}, [("••••1K9", False), ("••••IK9", False)]),
        ({"plate": "A0T??9"}, [("••••1K9", False), ("••••IK9", False)]),
        ({"plate": "A0T1K8"}, []),
    ],
)
async def test_plates(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    street: Street,
    panel: Panel,
    opened: Open,
    said: dict[str, str],
    found: list[Any],
) -> None:
    """A plate is found by what it may be taken for, and it is said what is certain."""
    await street.see("East gate", **plate("浙AOTIK9"), category="car")
    await street.later(60)
    await street.see("East gate", **plate(), category="car")
    await street.see("East gate", **plate("浙B88888"), category="car")
    case = await opened(kind="vehicle", plate="浙B88888")
    own = await panel.get("search_sightings", case_id=case)
    assert [row["number"] for row in own["sightings"]] == ["••••888"]
    seen = await panel.get("search_sightings", case_id=case, **said)
    if said["plate"] == "A0T1K9":
        # Whose province is not said is no less that plate, and no more.
        found = [(number, False) for number, _ in found]
    assert [(row["number"], row["exact"]) for row in seen["sightings"]] == found
    assert await panel.refusal("search_sightings", case_id=case, plate="浙A*") == (
        "search_plate"
    )


async def test_of_a_release_of_before(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    street: Street,
    panel: Panel,
    opened: Open,
    hass_ws_client: WebSocketGenerator,
) -> None:
    """Plates that are written already are found like new ones; so they are after a rotation."""
    await street.see("East gate", **plate())
    await entry.runtime_data.async_run(
        lambda session: session.execute(update(SeenNumber).values(folded_hash=None))
    )
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    await call(hass, "rotate_key", {"config_entry_id": entry.entry_id})
    await street.see("East gate", CARD)
    case = await opened(kind="vehicle", plate="AOTIK9")
    seen = await panel.get("search_sightings", case_id=case)
    assert [row["number"] for row in seen["sightings"]] == ["••••1K9"]


async def test_their_car_read_wrong(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    street: Street,
    panel: Panel,
    opened: Open,
) -> None:
    """Somebody's plate is found with a sign read wrong, but not from before it was theirs."""
    await street.see("East gate", **plate("浙AOTIK9"))
    await street.later(60)
    person = await check_in(hass, entry, "1-1-101", name="MARK-ELDER")
    await call(hass, "issue_plate", {"person_id": person, "plate": PLATE})
    await street.see("East gate", **plate())
    await street.later(60)
    await street.see("Shop", **plate("浙AOTIK9"))
    case = await opened(kind="lost_elder", person_id=person)
    seen = (await panel.get("search_sightings", case_id=case))["sightings"]
    assert [(row["where"]["name"], row["exact"]) for row in seen] == [
        ("Shop 1", False),
        ("East gate 1", True),
    ]


async def test_with_whom_they_live(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    street: Street,
    panel: Panel,
    opened: Open,
) -> None:
    """A child without a card goes with somebody; those next door are nobody's business."""
    lost = await check_in(hass, entry, "1-1-101", name="MARK-CHILD", phone=None)
    numbers = {"1-1-101": "1111", "1-1-102": "2222"}
    for unit, number in numbers.items():
        other = await check_in(
            hass, entry, unit, name=f"MARK-{unit}", phone=f"1380013800{number[0]}"
        )
        await call(hass, "issue_card", {"person_id": other, "card_number": number})
        await street.see("School", number)
    visit = {
        "device_id": device_id(hass, entry, "1-1-101"),
        "name": "MARK-VISITOR",
        "holder": "visitor",
        "end": dt_util.now() + timedelta(days=1),
        "card_number": "3333",
    }
    await call(hass, "issue_card", visit)
    await street.see("Shop", "3333")
    case = await opened(person_id=lost)
    alone = await panel.get("search_sightings", case_id=case)
    # It is said that nobody could have seen them.
    assert (alone["numbers"], alone["sightings"], alone["last"]) == (0, [], None)
    both = await panel.get("search_sightings", case_id=case, household=True)
    assert [row["name"] for row in both["sightings"]] == [
        "MARK-VISITOR",
        "MARK-1-1-101",
    ]
    assert await panel.refusal("watch_search_case", case_id=case) == (
        "search_nothing_to_watch"
    )


async def test_landlord_lives_nowhere(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    street: Street,
    panel: Panel,
    opened: Open,
) -> None:
    """Who lets flats does not live with the tenants of all of them."""
    owner = await check_in(hass, entry, "1-1-101", name="MARK-OWNER", role="landlord")
    tenant = await check_in(hass, entry, "1-1-101", name="MARK-T", phone="13800138002")
    await call(hass, "issue_card", {"person_id": tenant, "card_number": CARD})
    await street.see("School", CARD)
    case = await opened(kind="lost_elder", person_id=owner)
    found = await panel.get("search_sightings", case_id=case, household=True)
    assert found["sightings"] == []


async def test_by_description(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    street: Street,
    panel: Panel,
    opened: Open,
) -> None:
    """What a camera says, at places and in a time; nobody is named who is not looked for."""
    person = await child(hass, entry)
    red = {"category": "person", "attributes": {"colour": "red", "age_group": "child"}}
    await street.see("School", **red)
    await street.later(8 * 24 * HOUR)
    await street.see("Shop", **red)
    await street.see("Shop", category="person", attributes={"colour": "blue"})
    await street.see("East gate", **red)
    await street.see("East gate", CARD)
    case = await opened(person_id=person)

    async def places(**said: Any) -> list[str]:
        found = await panel.get("search_sightings", case_id=case, **said)
        return [row["where"]["name"] for row in found["sightings"]]

    assert await places(category="person", colour="red") == ["East gate 1", "Shop 1"]
    shop = [[street.doors["Shop"], None]]
    assert await places(category="person", places=shop) == ["Shop 1", "Shop 1"]
    assert await places(category="person", age_group="adult") == []
    since = dt_util.utcnow() - timedelta(days=20)
    until = dt_util.utcnow() - timedelta(days=7)
    assert await places(
        category="person", since=since.isoformat(), until=until.isoformat()
    ) == ["School 1"]
    # At a place, all that was seen: by whose card is said of who is looked for alone.
    other = await opened(subject="MARK-SOMEBODY")
    gate = [[street.doors["East gate"], "1"]]
    found = await panel.get("search_sightings", case_id=other, places=gate)
    assert len(found["sightings"]) == 2
    assert {row["name"] for row in found["sightings"]} == {None}
    assert await panel.refusal("search_sightings", case_id=other) == "search_too_wide"
    unknown = [["unknown", None]]
    assert (await panel.get("search_sightings", case_id=other, places=unknown))[
        "sightings"
    ] == []
    wrong = {"since": until.isoformat(), "until": since.isoformat()}
    refusal = await panel.refusal(
        "search_sightings", case_id=other, places=gate, **wrong
    )
    assert refusal == "passages_no_time"


async def test_names_by_role(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    street: Street,
    hass_ws_client: WebSocketGenerator,
) -> None:
    """The police are shown no whole name; a grid worker opens a case, and looks at nobody."""
    person = await child(hass, entry)
    await street.see("School", CARD)
    about = {"kind": "police_request", "authority": "A-1", "person_id": person}
    officer = await account(hass, entry, "police")
    panel = await panel_of(hass, entry, hass_ws_client, officer)
    case = (await panel.get("open_search_case", **about))["case_id"]
    found = await panel.get("search_sightings", case_id=case)
    shown = await panel.get("search_case", case_id=case)
    assert "MARK-CHILD" not in repr((found, shown))
    assert found["sightings"][0]["name"].startswith("M")
    assert shown["authority"] == "A-1"
    worker = await account(hass, entry, "grid_worker")
    other = await panel_of(hass, entry, hass_ws_client, worker)
    assert (await other.get("open_search_case", **about))["case_id"]
    assert len((await other.get("search_cases"))["cases"]) == 2
    for command in ("search_sightings", "search_case"):
        assert await other.refusal(command, case_id=case) == "Unauthorized"


async def test_case_of_another(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    street: Street,
    panel: Panel,
    opened: Open,
    searches: SearchBook,
    hass_ws_client: WebSocketGenerator,
) -> None:
    """The police work in cases of their own: they end no search of the property."""
    person = await child(hass, entry)
    case = await opened(person_id=person)
    look = await panel.get("search_sightings", case_id=case)
    officer = await account(hass, entry, "police")
    police = await panel_of(hass, entry, hass_ws_client, officer)
    assert [row["case_id"] for row in (await police.get("search_cases"))["cases"]] == [
        case
    ]
    for command, data in (
        ("search_case", {}),
        ("search_sightings", {}),
        ("watch_search_case", {}),
        ("close_search_case", {"outcome": "found"}),
        ("export_search", {"deed_id": look["deed_id"]}),
    ):
        refusal = await police.refusal(command, case_id=case, **data)
        assert refusal == "Unauthorized", command
    assert searches.cases[case].closed_at is None
    duty = await account(hass, entry, "duty")
    colleague = await panel_of(hass, entry, hass_ws_client, duty)
    await colleague.get("close_search_case", case_id=case, outcome="found")


async def test_feed(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    street: Street,
    panel: Panel,
    hass_ws_client: WebSocketGenerator,
) -> None:
    """A panel hears of a case that another has opened, and of nobody in it."""
    other = await panel_of(hass, entry, hass_ws_client)
    assert (await other.follow("subscribe_search_cases"))["items"] == {}
    data = {"kind": "missing_person", "authority": "13800138000"}
    await panel.get("open_search_case", **data, subject="MARK-SOMEBODY")
    await street.later(1)
    event = await other.event()
    assert event["kind"] == "change"
    (item,) = event["items"].values()
    assert item["open"]
    assert "MARK" not in repr(event)


@pytest.mark.parametrize("format", ["csv", "xlsx"])
async def test_export(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    street: Street,
    panel: Panel,
    opened: Open,
    format: str,  # noqa: A002
) -> None:
    """Each row bears the receipt, which says who, when, for what, and of which file."""
    person = await child(hass, entry)
    await street.see("School", CARD, inwards=True)
    await street.later(HOUR)
    await street.see("East gate", CARD, inwards=False)
    case = await opened(person_id=person)
    look = await panel.get("search_sightings", case_id=case)
    given = await panel.get(
        "export_search",
        case_id=case,
        deed_id=look["deed_id"],
        format=format,
        language="zh-Hans",
    )
    content = base64.b64decode(given["content"])
    assert hashlib.sha256(content).hexdigest() == given["digest"]
    if format == "csv":
        lines = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    else:
        sheet = load_workbook(io.BytesIO(content)).active
        assert sheet
        lines = [
            [cell or "" for cell in row] for row in sheet.iter_rows(values_only=True)
        ]
    assert case in str(lines[0][0])
    assert given["receipt"] in str(lines[0][0])
    assert "儿童走失" in str(lines[0][0])
    assert [line[1] for line in lines[2:]] == ["Area of East gate", "Area of School"]
    assert [line[5] for line in lines[2:]] == ["出", "进"]
    assert [str(line[11]) for line in lines[2:]] == ["60", ""]
    assert {line[12] for line in lines[2:]} == {given["receipt"]}
    assert "MARK-CHILD" not in repr(lines)
    deeds = (await panel.get("search_case", case_id=case))["deeds"]
    (receipt,) = [row for row in deeds if row["what"] == "exported"]
    assert (receipt["receipt"], receipt["digest"], receipt["shown"]) == (
        given["receipt"],
        given["digest"],
        2,
    )
    # What another case has shown is not exported in this one.
    other = await opened(subject="MARK-SOMEBODY")
    refusal = await panel.refusal(
        "export_search", case_id=other, deed_id=look["deed_id"]
    )
    assert refusal == "no_search_look"


async def test_copy_for_who_is_concerned(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    street: Street,
    panel: Panel,
    opened: Open,
) -> None:
    """They get what is kept of them, with the searches for them, and nothing of others."""
    person = await child(hass, entry)
    await street.see("School", CARD)
    await street.see("School", "4711")
    await street.see("School", **plate())
    earlier = await opened(person_id=person)
    await panel.get("search_sightings", case_id=earlier)
    case = await opened(
        kind="access_copy", person_id=person, authority="ID seen at the desk"
    )
    everybody = [[street.doors["School"], None]]
    look = await panel.get(
        "search_sightings",
        case_id=case,
        places=everybody,
        household=True,
        plate=PLATE,
    )
    assert [row["medium"] for row in look["sightings"]] == ["card"]
    assert await panel.refusal("watch_search_case", case_id=case) == (
        "search_nothing_to_watch"
    )
    assert await panel.refusal("alert_search_case", case_id=case) == (
        "search_tells_nobody"
    )
    given = await panel.get(
        "export_search", case_id=case, deed_id=look["deed_id"], format="csv"
    )
    text = base64.b64decode(given["content"]).decode("utf-8-sig")
    lines = list(csv.reader(io.StringIO(text)))
    assert {line[0] for line in lines if line} >= {earlier, case}


async def test_copy_without_who_is_alike(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    street: Street,
    panel: Panel,
    opened: Open,
) -> None:
    """A plate that may be taken for theirs may be another's: it is in no copy for them."""
    person = await check_in(hass, entry, "1-1-101", name="MARK-ELDER")
    await call(hass, "issue_plate", {"person_id": person, "plate": PLATE})
    await street.see("East gate", **plate())
    await street.see("Shop", **plate(f"沪{PLATE[1:]}"))
    about = {"kind": "access_copy", "person_id": person, "authority": "ID seen"}
    case = await opened(**about)
    look = await panel.get("search_sightings", case_id=case)
    assert [row["where"]["name"] for row in look["sightings"]] == ["East gate 1"]
    given = await panel.get("export_search", case_id=case, deed_id=look["deed_id"])
    assert given["rows"] == 1


async def test_a_copy_is_whole(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    street: Street,
    panel: Panel,
    opened: Open,
) -> None:
    """What a page does not show at once is in the copy all the same."""
    person = await child(hass, entry)
    journal = journal_of(hass)
    for number in range(MOST_ROWS + 5):
        journal.take(
            Seen(
                device_id=street.doors["School"],
                channel="1",
                event_id=f"many {number}",
                at=dt_util.utcnow().timestamp(),
                number=CARD,
            )
        )
    await street.flush()
    case = await opened(kind="access_copy", person_id=person, authority="ID seen")
    look = await panel.get("search_sightings", case_id=case)
    assert (len(look["sightings"]), look["more"]) == (MOST_ROWS, True)
    given = await panel.get("export_search", case_id=case, deed_id=look["deed_id"])
    assert given["rows"] == MOST_ROWS + 5


async def test_forgotten(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    street: Street,
    panel: Panel,
    opened: Open,
) -> None:
    """What was seen of somebody goes where they ask for it, but not while they are lost."""
    person = await child(hass, entry)
    await street.see("School", CARD)
    await street.see("School", "4711")
    case = await opened(person_id=person)
    asked = {"person_id": person}
    assert await panel.refusal("forget_sightings", **asked) == "search_person_sought"
    await panel.get("close_search_case", case_id=case, outcome="found")
    await panel.get("forget_sightings", **asked)
    assert await street.count(Sighting) == 1
    assert await street.count(SearchCase) == 1
    sealed = CompartmentRow.kind.in_([rows.KIND, rows.DEED_KIND])
    assert await street.count(CompartmentRow, sealed) == 0


async def test_erased(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    street: Street,
    panel: Panel,
    opened: Open,
    searches: SearchBook,
) -> None:
    """With somebody goes who was looked for; that there was a case stays, and is over."""
    person = await child(hass, entry)
    case = await opened(person_id=person, description="MARK-LOOK")
    await panel.get("search_sightings", case_id=case)
    await call(hass, "erase_person", {"person_id": person})
    assert searches.cases[case].outcome == "erased"
    sealed = CompartmentRow.kind.in_([rows.KIND, rows.DEED_KIND])
    assert await street.count(CompartmentRow, sealed) == 0
    assert await street.count(SearchCase, SearchCase.person_id.is_(None)) == 1


async def test_merged(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    street: Street,
    panel: Panel,
    opened: Open,
) -> None:
    """A case about somebody who was written down twice goes on about who is kept."""
    person = await child(hass, entry)
    await street.see("School", CARD)
    other = await check_in(hass, entry, "1-1-102", name="MARK-CHILD", phone=None)
    case = await opened(person_id=other)
    look = await panel.get("search_sightings", case_id=case)
    assert look["sightings"] == []
    await call(hass, "merge_people", {"person_id": person, "duplicate_id": other})
    assert await street.count(SearchCase, SearchCase.person_id == person) == 1
    # What was looked at before is not lost with who is no more.
    given = await panel.get("export_search", case_id=case, deed_id=look["deed_id"])
    assert given["rows"] == 1


async def test_purged(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    street: Street,
    opened: Open,
    searches: SearchBook,
) -> None:
    """Who was looked for is forgotten first; that there was a case is kept like the audit."""
    case = await opened(subject="MARK-SOMEBODY")

    async def midnight_after(days: int) -> None:
        at = dt_util.start_of_local_day() + timedelta(days=days + 1)
        street.freezer.move_to(at)
        async_fire_time_changed(hass, at)
        await hass.async_block_till_done(wait_background_tasks=True)

    sealed = CompartmentRow.kind == rows.KIND
    await midnight_after(1)
    await midnight_after(KEEP_DAYS - 3)
    assert await street.count(CompartmentRow, sealed) == 1
    await midnight_after(3)
    assert await street.count(CompartmentRow, sealed) == 0
    assert case in searches.cases
    hass.config_entries.async_update_entry(entry, options={"keep_audit_days": 40})
    await midnight_after(10)
    assert searches.cases == {}
    assert await street.count(SearchDeed) == 0


async def test_legs_follow_their_indices(
    hass: HomeAssistant, entry: MockConfigEntry, street: Street
) -> None:
    """No look goes through all that was seen: its plan says which index it takes."""
    if entry.runtime_data.database.path is None:
        pytest.skip("PostgreSQL plans by what is in the table")
    plans: list[str] = []

    def explain(session: Any) -> None:
        for where in (
            "card_id = 'c'",
            "number_id = 1",
            "category = 'person'",
            "source_id = 1",
        ):
            plans.extend(
                row[3]
                for row in session.connection().exec_driver_sql(
                    f"EXPLAIN QUERY PLAN SELECT * FROM sightings WHERE {where}"  # noqa: S608
                    " AND at >= 1 AND at < 2 ORDER BY at DESC LIMIT 2"
                )
            )

    await entry.runtime_data.async_read(explain)
    assert [row.split("USING INDEX ")[1].split()[0] for row in plans] == [
        "ix_sightings_card",
        "ix_sightings_number",
        "ix_sightings_category",
        "ix_sightings_source",
    ]


async def test_fold_of_nothing(entry: MockConfigEntry, street: Street) -> None:
    """A card has nothing that it may be taken for."""
    await street.see("School", CARD)
    assert await street.count(SeenNumber, SeenNumber.folded_hash.is_(None)) == 1
    assert await entry.runtime_data.async_read(store.sources) == [
        (street.doors["School"], "1")
    ]
