"""Residents at their door: a code to an address that they have confirmed, and who abuses it."""

from http import HTTPStatus
import logging
import re
from typing import Any
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from sqlalchemy import Engine, event, select

from custom_components.rental_units.app.application import application_of
from custom_components.rental_units.app.places import SavePlace
from custom_components.rental_units.places import resident_view, residents
from custom_components.rental_units.places.book import CODE_PATH, PlaceBook
from custom_components.rental_units.register.models import Audit
from custom_components.rental_units.reports.book import DATA_REPORTS
from custom_components.rental_units.reports.const import Category
from custom_components.rental_units.reports.rows import New
from custom_components.rental_units.storage.errors import RegisterError
from homeassistant.core import HomeAssistant
from tests.rental_units.common import E164, OTHER_PHONE, PHONE, call, device_id, unit_id

from .conftest import ENGLISH, Door, Plates, ids_of

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


async def seen(entry: MockConfigEntry) -> int:
    """Return how often a resident's page is in the audit."""
    query = select(Audit).where(Audit.what == "resident_page")
    return await entry.runtime_data.async_run(
        lambda session: len(session.scalars(query).all())
    )


async def test_let_in(hass: HomeAssistant, entry: MockConfigEntry, door: Door) -> None:
    """Who enters the code sees their unit, their cards and whom to call; nobody else's."""
    assert 'name="address"' in await door.page()
    challenge = await door.ask()
    assert door.code() not in challenge
    answer = await door.send(challenge=challenge, code=f" {door.code()} ")
    assert answer.status == HTTPStatus.SEE_OTHER
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert f"Path={door.path()}" in cookie
    page = await door.page()
    for shown in ("1-1-101 (tenant)", "No cards.", "Nothing is open.", "+862787654321"):
        assert shown in page
    assert "MARK" not in page
    assert PHONE not in page
    assert "<script" not in page
    assert await seen(entry) == 1

    device = {"device_id": device_id(hass, entry, "1-1-101")}
    people = await call(hass, "get_unit", {**device, "reason": "alarm"})
    (person,) = (row["person_id"] for row in people["people"])
    await call(hass, "issue_card", {"person_id": person, "card_number": "7700471101"})
    unit = {"unit_id": unit_id(entry, "1-1-101")}
    await call(hass, "alert", {**unit, "hazard": "smoke"})
    page = await door.page()
    assert "••••1101 registered" in page
    assert "Smoke: 1-1-101" in page

    assert (await door.send(leave="1")).status == HTTPStatus.SEE_OTHER
    assert 'name="address"' in await door.page()


async def test_open_reports_of_their_unit(
    hass: HomeAssistant, entry: MockConfigEntry, door: Door, book: PlaceBook
) -> None:
    """They see what was reported at their door until it is mended, and nobody else's."""
    reports = hass.data[DATA_REPORTS][entry.entry_id]
    ids = await ids_of(hass, entry)

    async def report(place: str, category: Category) -> None:
        new = New(ids[place], category, False, "MARK-TEXT", None, 1e9, 4e9)
        assert await reports.async_file(new, [])

    await report("unit 1-1-101", Category.WATER)
    await report("unit 1-2-101", Category.GAS)
    await report("stairwell 1-1", Category.RUBBISH)
    challenge = await door.ask(place="stairwell 1-1")
    await door.send("stairwell 1-1", challenge=challenge, code=door.code())
    page = await door.page("stairwell 1-1")
    assert "Water leak, or no water: 1-1-101 (Received)" in page
    for other in ("gas", "Rubbish", "MARK-TEXT", "Nothing is open."):
        assert other not in page
    (mine,) = (row for row in reports.open if row.category is Category.WATER)
    await call(hass, "mend_report", {"report_id": mine.id})
    assert "Nothing is open." in await door.page("stairwell 1-1")
    # Who does not know says so.
    with patch.object(reports, "is_known", False):
        page = await door.page("stairwell 1-1")
    assert "Not all of it is known" in page
    assert "Nothing is open." not in page


async def test_a_code_holds_once(door: Door, freezer: FrozenDateTimeFactory) -> None:
    """A code is for one door, one time and ten minutes."""
    challenge = await door.ask()
    code = door.code()
    wrong = await door.send("unit 1-2-101", challenge=challenge, code=code)
    assert wrong.status == HTTPStatus.FORBIDDEN
    assert (await door.send(challenge=challenge, code=code)).status == 303
    again = await door.send(challenge=challenge, code=code)
    assert again.status == HTTPStatus.FORBIDDEN
    late = await door.ask()
    freezer.tick(residents.CODE_SECONDS + 1)
    answer = await door.send(challenge=late, code=door.code())
    assert answer.status == HTTPStatus.FORBIDDEN
    # And who was let in is out again.
    freezer.tick(residents.PASS_SECONDS)
    assert 'name="address"' in await door.page()


async def test_nobody_learns_who_is_known(
    door: Door, entry: MockConfigEntry, hass: HomeAssistant
) -> None:
    """Whoever is asked for, the same is said; and only who has confirmed it gets a code."""
    texts = set()
    for address, place in (
        (PHONE, "unit 1-1-101"),
        # Not confirmed; of another door; of nobody; no number at all.
        (OTHER_PHONE, "unit 1-2-101"),
        (PHONE, "unit 1-2-101"),
        ("13800138009", "unit 1-1-101"),
        ("nobody@example.com", "unit 1-1-101"),
        ("' OR 1=1 --", "unit 1-1-101"),
    ):
        answer = await door.send(place, address=address)
        page = re.sub(r'value="[^"]+"', "", await answer.text())
        texts.add((answer.status, page.replace(door.tokens[place], "")))
    assert len(texts) == 1
    assert [f"+{row['to']}" for row in door.messages] == [E164]
    # None of the others is ever right: it was sent to nobody.
    challenge = await door.ask("13800138009")
    statuses = {
        (await door.send(challenge=challenge, code=code)).status
        for code in ("000000", "123456", "", door.code())
    }
    assert statuses == {HTTPStatus.FORBIDDEN}


async def test_guessing_a_code(
    door: Door, freezer: FrozenDateTimeFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After five tries the right one is wrong too; and nobody tries many in a minute."""
    challenge = await door.ask()
    right = door.code()
    wrong = f"{(int(right) + 1) % 10**6:06}"
    for _ in range(residents.MOST_TRIES):
        assert (await door.send(challenge=challenge, code=wrong)).status == 403
    assert (await door.send(challenge=challenge, code=right)).status == 403
    for _ in range(resident_view.SENT_A_MINUTE):
        last = await door.send(challenge="x", code=wrong)
    assert last.status == HTTPStatus.TOO_MANY_REQUESTS
    assert 'href="tel:119"' in await last.text()
    freezer.tick(61)
    assert (await door.send(challenge="x", code=wrong)).status == 403


async def test_flood_of_text_messages(
    door: Door, freezer: FrozenDateTimeFactory
) -> None:
    """Nobody is sent more than three an hour, and a plate ends with twenty."""
    freezer.move_to("2026-11-30 12:00:00+00:00")
    for number in range(residents.FROM_A_PLACE):
        await door.ask(PHONE if number % 2 else f"138001380{number:02}")
        freezer.tick(61)
    assert len(door.messages) == residents.TO_AN_ADDRESS
    refused = await door.send(address=PHONE)
    assert refused.status == HTTPStatus.TOO_MANY_REQUESTS
    # Another door of the same house is not shut by that.
    await door.ask(place="stairwell 1-1")
    freezer.tick(3601)
    await door.ask()
    assert len(door.messages) > residents.TO_AN_ADDRESS


async def test_flood_of_many_hours(door: Door, freezer: FrozenDateTimeFactory) -> None:
    """Who asks all day long for somebody else's number has it sent six."""
    freezer.move_to("2026-11-30 00:00:00+00:00")
    for _ in range(24):
        await door.ask()
        await door.ask(place="stairwell 1-1")
        freezer.tick(3600)
    assert len(door.messages) == residents.TO_AN_ADDRESS_A_DAY
    await door.ask()
    assert len(door.messages) == residents.TO_AN_ADDRESS_A_DAY + 1


async def test_who_has_mistyped(door: Door) -> None:
    """A code can be entered again without another message; of who is not known the same is said."""
    pages = []
    for address in (PHONE, "13800138009"):
        challenge = await door.ask(address)
        wrong = f"{(int(door.code()) + 1) % 10**6:06}"
        answer = await door.send(challenge=challenge, code=wrong)
        page = await answer.text()
        assert f'name="challenge" value="{challenge}"' in page
        assert 'name="code"' in page
        assert page.index('role="alert"') < page.index("<form")
        # Who has no message can go back, and call.
        assert f'href="{CODE_PATH}/{door.tokens["unit 1-1-101"]}"' in page
        assert "tel:119" in page
        pages.append((answer.status, page.replace(challenge, "")))
        for _ in range(residents.MOST_TRIES - 1):
            answer = await door.send(challenge=challenge, code=wrong)
        assert 'name="address"' in await answer.text()
    assert pages[0] == pages[1]
    assert len(door.messages) == 1
    challenge = await door.ask()
    await door.send(challenge=challenge, code="x")
    answer = await door.send(challenge=challenge, code=door.code())
    assert answer.status == HTTPStatus.SEE_OTHER


async def test_nobody_learns_it_from_the_time(
    hass: HomeAssistant, entry: MockConfigEntry, door: Door, book: PlaceBook
) -> None:
    """Who is known costs as many questions as who is not, and is sent nothing before the answer."""
    place = book.places[(await ids_of(hass, entry))["unit 1-1-101"]]
    codes = residents.Residents(hass, book)
    asked: list[str] = []
    sent: list[str] = []

    def ask(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    async def send(_codes: Any, reached: Any, _code: str) -> None:
        sent.append(reached.target)

    counts = []
    event.listen(Engine, "before_cursor_execute", ask)
    try:
        with patch.object(residents.Residents, "_async_send", send):
            for address in (PHONE, "13800138009", "nobody@example.com"):
                asked.clear()
                await codes.async_ask(place, address)
                counts.append(len(asked))
                assert sent == []
                await hass.async_block_till_done(wait_background_tasks=True)
                sent, known = [], sent
                assert known == ([E164] if address == PHONE else [])
    finally:
        event.remove(Engine, "before_cursor_execute", ask)
    assert set(counts) == {counts[0]}
    assert counts[0]


async def test_whose_stairwell_it_is(door: Door, entry: MockConfigEntry) -> None:
    """At the stairwell's door those of its units are let in; a pass is for one door."""
    challenge = await door.ask(place="stairwell 1-1")
    answer = await door.send("stairwell 1-1", challenge=challenge, code=door.code())
    assert "1-1-101 (tenant)" in await door.page("stairwell 1-1")
    given = answer.cookies["rental_units_resident"].value
    for place in ("unit 1-1-101", "unit 1-2-101", "building 1"):
        shown = await door.client.get(
            door.path(place),
            headers={**ENGLISH, "Cookie": f"rental_units_resident={given}"},
        )
        assert 'name="address"' in await shown.text()
    door.client.session.cookie_jar.clear()
    forged = {"Cookie": f"rental_units_resident={given[:-2]}AA"}
    shown = await door.client.get(door.path("stairwell 1-1"), headers=forged)
    assert await seen(entry) == 1


async def test_who_has_left(
    hass: HomeAssistant, entry: MockConfigEntry, door: Door, plates: Plates
) -> None:
    """Who has left is shown nothing more, and a plate that is replaced ends every pass."""
    challenge = await door.ask()
    await door.send(challenge=challenge, code=door.code())
    assert "1-1-101 (tenant)" in await door.page()
    device = device_id(hass, entry, "1-1-101")
    left = await call(hass, "check_out", {"device_id": device})
    assert 'name="address"' in await door.page()
    await call(hass, "undo", {"command_id": left["command_id"]})
    assert "1-1-101 (tenant)" in await door.page()
    await plates("unit 1-1-101")
    answer = await door.client.get(door.path())
    assert answer.status == HTTPStatus.GONE
    assert (await door.send(address=PHONE)).status == HTTPStatus.GONE


async def test_another_site_sends_nothing(door: Door) -> None:
    """A form of another site, however it got the address of a plate, sends no message."""
    for headers in (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ):
        answer = await door.send(headers=headers, address=PHONE)
        assert answer.status == HTTPStatus.FORBIDDEN
    assert door.messages == []
    # What fetches ahead, or follows a link, sends nothing either.
    for headers in ({"Sec-Purpose": "prefetch"}, {}):
        await door.client.get(f"{door.path()}?address={PHONE}", headers=headers)
    assert door.messages == []


@pytest.mark.parametrize(
    "body",
    [b"", b"\xff\xfe", b"address=", b"code=1", b"challenge=1&code=%00", b"x" * 9999],
)
async def test_what_is_no_form(door: Door, body: bytes) -> None:
    """What cannot be read is refused, and breaks nothing."""
    for kind in (
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "text/x; charset=none",
    ):
        answer = await door.client.post(
            door.path(), data=body, headers={"Content-Type": kind}
        )
        assert answer.status in (HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN)


async def test_what_cannot_be_sent_or_read(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    door: Door,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A provider that fails is not told to who asks; a database that is away is."""
    hass.services.async_remove("carrier", "send")
    await door.ask()
    assert "A one-time code was not sent" in caplog.text
    hass.config_entries.async_update_entry(entry, options={})
    await hass.async_block_till_done()
    await door.ask()
    assert "A one-time code was not sent: no_channel" in caplog.text
    failure = RegisterError("register_locked")
    with patch.object(entry.runtime_data, "async_read", side_effect=failure):
        answer = await door.send(address=PHONE)
        assert answer.status == HTTPStatus.SERVICE_UNAVAILABLE
        assert 'href="tel:119"' in await answer.text()


async def test_a_page_that_cannot_be_written_down_is_not_shown(
    entry: MockConfigEntry, door: Door
) -> None:
    """What is not in the audit is shown to nobody."""
    challenge = await door.ask()
    await door.send(challenge=challenge, code=door.code())
    failure = RegisterError("register_locked")
    with patch.object(entry.runtime_data, "async_run", side_effect=failure):
        answer = await door.client.get(door.path())
        assert answer.status == HTTPStatus.SERVICE_UNAVAILABLE
    assert "1-1-101 (tenant)" in await door.page()


async def test_many_open_codes(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest code goes, before they fill the memory."""
    monkeypatch.setattr(residents, "MOST_OPEN", 2)
    first = await door.ask()
    code = door.code()
    for number in range(2):
        await door.ask(f"1380013802{number}")
    assert (await door.send(challenge=first, code=code)).status == 403


async def test_codes_are_in_no_log(
    hass: HomeAssistant, door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither code, nor number, nor pass, nor the plate's token."""
    caplog.set_level(logging.DEBUG)
    # As Home Assistant starts.
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
    events: list[Any] = []
    hass.bus.async_listen("*", events.append)
    challenge = await door.ask()
    answer = await door.send(challenge=challenge, code=door.code())
    given = answer.cookies["rental_units_resident"].value
    await door.page()
    # The script that sends it is the test's own, and its calls are events of Home Assistant.
    own = [row for row in events if row.data.get("domain") not in ("script", "carrier")]
    log = "\n".join(
        text
        for text in (row.getMessage() for row in caplog.records)
        if not re.search(r"domain=(script|carrier)|script\.text", text)
    )
    for text in (log, repr([row.as_dict() for row in own])):
        for secret in (door.code(), challenge, given, door.tokens["unit 1-1-101"]):
            assert secret not in text
    assert PHONE not in repr([row.as_dict() for row in own])


async def test_of_a_shed_nobody_lives(
    hass: HomeAssistant, door: Door, plates: Plates, entry: MockConfigEntry
) -> None:
    """A place without units offers no page, and lets nobody in."""
    unit = await door.client.get(
        f"{CODE_PATH}/{door.tokens['unit 1-1-101']}", headers=ENGLISH
    )
    assert "For residents" in await unit.text()
    application = application_of(hass, entry.entry_id)
    await application.async_fill(
        SavePlace({"kind": "shared_place", "name": "Shed"}), None
    )
    door.tokens |= await plates("shared_place Shed")
    page = await door.client.get(
        f"{CODE_PATH}/{door.tokens['shared_place Shed']}", headers=ENGLISH
    )
    assert "For residents" not in await page.text()
    await door.ask(place="shared_place Shed")
    assert door.messages == []
