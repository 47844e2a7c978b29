"""The page on which a landlord without an account lets visitors in, and who abuses it."""

import asyncio
from datetime import timedelta
from html import unescape
from http import HTTPStatus
import json
import logging
import re
from typing import Any
from unittest.mock import patch

from aiohttp import ClientResponse
from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)
from sqlalchemy import select

from custom_components.rental_units.access_control.const import State
from custom_components.rental_units.app.application import application_of
from custom_components.rental_units.app.cards import GetVisitors
from custom_components.rental_units.app.visitors import (
    CODES,
    MOST_A_DAY,
    MOST_DAYS_AHEAD,
    MOST_HOURS,
    MOST_OPEN,
)
from custom_components.rental_units.const import LANGUAGES
from custom_components.rental_units.places import residents, visitors_view
from custom_components.rental_units.places.book import CODE_PATH
from custom_components.rental_units.places.texts import texts
from custom_components.rental_units.places.views import WRONG_A_MINUTE
from custom_components.rental_units.register.models import Audit
from custom_components.rental_units.storage.errors import RegisterError
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
from tests.common import wait_until
from tests.community_safety.gateways.uhppote.common import Ticking
from tests.rental_units.access_control.common import NOW, House
from tests.rental_units.access_control.conftest import boards, house, shanghai  # noqa: F401
from tests.rental_units.common import (
    PHONE,
    administrator,
    call,
    check_in,
    device_id,
    unit_id,
)

from .conftest import ENGLISH, Door, Plates, verify

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
UNIT, STAIRS = "unit 1-1-101", "stairwell 1-1"
HOST_PHONE, OTHER_HOST = "13800138010", "13800138011"


class Host:
    """The phone of a landlord, at a door of theirs."""

    def __init__(self, door: Door, person: str) -> None:
        """Initialize."""
        self.door, self.person = door, person

    def path(self, place: str = UNIT) -> str:
        """Return the page."""
        return f"{self.door.path(place)}/visitors"

    async def enter(self, place: str = UNIT, phone: str = HOST_PHONE) -> str:
        """Be let in by a one-time code; return the pass."""
        challenge = await self.door.ask(phone, place)
        answer = await self.door.send(place, challenge=challenge, code=self.door.code())
        assert answer.status == HTTPStatus.SEE_OTHER
        return answer.cookies["rental_units_resident"].value

    async def look(self, place: str = UNIT, language: str = "en") -> str:
        """Return the page as they see it."""
        answer = await self.door.client.get(
            self.path(place),
            headers={"Accept-Language": language},
            allow_redirects=False,
        )
        assert answer.status == HTTPStatus.OK
        return unescape(await answer.text())

    async def form(self, place: str = UNIT) -> dict[str, str]:
        """Return what a form of the page says without being asked."""
        found = re.search(r'name="form" value="([^"]+)"', await self.look(place))
        assert found
        return {"form": found[1]}

    async def send(
        self, place: str = UNIT, headers: Any = None, **said: str
    ) -> ClientResponse:
        """Send a form."""
        answer: ClientResponse = await self.door.client.post(
            self.path(place),
            data=said,
            headers={**ENGLISH, **(headers or {})},
            allow_redirects=False,
        )
        await self.door.hass.async_block_till_done()
        return answer

    async def invite(self, place: str = UNIT, **said: str) -> ClientResponse:
        """Fill the form in, and send it."""
        filled = {
            **await self.form(place),
            "name": "MARK-VISITOR",
            "begin": dt_util.now().strftime("%Y-%m-%dT%H:%M"),
            "hours": "2",
            **said,
        }
        return await self.send(place, **filled)

    async def code(self, place: str = UNIT, **said: str) -> str:
        """Let somebody in; return the code that is shown."""
        answer = await self.invite(place, **said)
        assert answer.status == HTTPStatus.OK
        found = re.search(r"<dd>(\d{10})</dd>", await answer.text())
        assert found
        assert int(found[1]) in CODES
        return found[1]

    async def refusal(self, place: str = UNIT, **said: str) -> str:
        """Return what is said to who cannot be taken at their word."""
        answer = await self.invite(place, **said)
        assert answer.status == HTTPStatus.BAD_REQUEST
        found = re.search(r'role="alert">([^<]+)<', await answer.text())
        assert found
        return unescape(found[1])


@pytest.fixture
async def host(hass: HomeAssistant, entry: MockConfigEntry, door: Door) -> Host:
    """Return the landlord of a unit that is let, who has confirmed their number."""
    person = await check_in(
        hass, entry, "1-1-101", name="MARK-OWNER", phone=HOST_PHONE, role="landlord"
    )
    await verify(entry, f"+86{HOST_PHONE}")
    return Host(door, person)


def wrong(key: str, **about: object) -> str:
    """Return why something is not taken."""
    return str(texts("en")["visitors"]["wrong"][key].format(**about))


async def audit(entry: MockConfigEntry) -> list[tuple[str | None, str, str, Any, Any]]:
    """Return who did what, why, to whom, and by which command."""
    query = select(Audit).order_by(Audit.id)
    return await entry.runtime_data.async_run(
        lambda session: [
            (row.who, row.what, row.why, row.person_id, row.command_id)
            for row in session.scalars(query)
        ]
    )


async def visits(hass: HomeAssistant, entry: MockConfigEntry) -> list[Any]:
    """Return the visits to the unit, as the register has them."""
    application = application_of(hass, entry.entry_id)
    return await application.async_fill(GetVisitors(unit_id(entry, "1-1-101")), None)


async def test_let_in_and_no_more(
    hass: HomeAssistant, entry: MockConfigEntry, host: Host
) -> None:
    """They see the code once, then whom they have let in, and take one of them back."""
    await host.enter()
    assert f'href="{host.path()}"' in await host.door.page()
    empty = await host.look()
    assert "Nobody is let in now." in empty
    assert "<script" not in empty
    assert len(empty.encode()) < 30_000
    code = await host.code(hours="4")
    other = await host.code(name="<b>MARK-OTHER</b>", hours="1")
    page = await host.look()
    assert "MARK-VISITOR: " in page
    assert f"••••{code[-4:]}" in page
    assert "<b>MARK-OTHER</b>:" in page
    for shown in (code, other):
        assert shown not in page
    # As it is sent, a name is text and no markup.
    raw = await (await host.door.client.get(host.path(), headers=ENGLISH)).text()
    assert "<b>MARK" not in raw
    endings = re.findall(r'name="end" value="([^"]+)"', page)
    assert len(endings) == 2
    answer = await host.send(**await host.form(), end=endings[0])
    assert answer.status == HTTPStatus.SEE_OTHER
    assert answer.headers["Location"] == host.path()
    left = re.findall(r'name="end" value="([^"]+)"', await host.look())
    assert left == endings[1:]
    # Sent again, it is what it was.
    again = await host.send(**await host.form(), end=endings[0])
    assert again.status == HTTPStatus.SEE_OTHER
    rows = await audit(entry)
    command = next(row[4] for row in rows if row[1] == "invite_visitor")
    assert (None, "resident_page", "request", host.person, command) in rows
    assert any(row[1] == "end_visit" for row in rows)


async def test_at_the_doors(
    hass: HomeAssistant,
    house: House,  # noqa: F811
    host: Host,
    freezer: FrozenDateTimeFactory,
) -> None:
    """The code is at the boards of the way until its end, or until it is taken back."""
    await host.enter()
    code = await host.code(hours="1")
    await wait_until(hass, lambda: house.numbers(house.first) == [code])
    assert house.numbers(house.gate) == [code]
    assert house.numbers(house.second) == []
    other = await host.code(hours="2")
    await wait_until(hass, lambda: set(house.numbers(house.gate)) == {code, other})
    (ending, *_) = re.findall(
        rf"code ••••{other[-4:]}.*?name=\"end\" value=\"([^\"]+)\"", await host.look()
    )
    await host.send(**await host.form(), end=ending)
    await wait_until(hass, lambda: house.numbers(house.gate) == [code])
    async with Ticking(hass, freezer):
        freezer.move_to(NOW + timedelta(hours=1, seconds=31))
        async_fire_time_changed(hass)
        await wait_until(hass, lambda: not house.gate.cards and not house.first.cards)


async def test_hours(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    host: Host,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A visit begins when it is said, in the time of the house, or now."""
    await hass.config.async_set_time_zone("Asia/Shanghai")
    freezer.move_to("2026-11-30 12:00:20+00:00")
    await host.enter()
    answer = await host.invite(begin="2026-12-01T09:30", hours="48")
    page = await answer.text()
    assert "<dd>2026-12-01 09:30</dd>" in page
    assert "<dd>2026-12-03 09:30</dd>" in page
    # The minute in which the form was opened is now, and its hours are whole.
    page = await (await host.invite(hours="1")).text()
    assert "<dd>2026-11-30 20:00</dd>" in page
    assert "<dd>2026-11-30 21:00</dd>" in page
    rows = await visits(hass, entry)
    assert [(row["start"], row["end"]) for row in rows] == [
        ("2026-12-01T01:30:00+00:00", "2026-12-03T01:30:00+00:00"),
        (None, "2026-11-30T13:00:20+00:00"),
    ]
    page = await host.look()
    assert "2026-12-01 09:30 to 2026-12-03 09:30, 1-1-101" in page
    assert "2026-11-30 20:00 to 2026-11-30 21:00, 1-1-101" in page


async def test_what_is_filled_in_wrong(
    host: Host, freezer: FrozenDateTimeFactory
) -> None:
    """It is said what is wrong, what was filled in stays, and nobody is let in."""
    await host.enter()
    for said in (
        {"name": " \n "},
        {"name": "x" * (visitors_view.MOST_LETTERS + 1)},
        {"begin": ""},
        {"begin": "tomorrow"},
        {"begin": "0001-01-01T00:00"},
        {"begin": "9999-12-31T23:59"},
        {"hours": "5"},
        {"hours": "0"},
        {"hours": "-1"},
        {"hours": "1e3"},
        {"unit": "x"},
    ):
        expected = wrong("fields")
        if said.get("begin", "").startswith("9999"):
            expected = wrong("visit_too_far", days=MOST_DAYS_AHEAD)
        if said.get("begin", "").startswith("0001"):
            expected = wrong("card_is_over")
        freezer.tick(5)
        assert await host.refusal(**said) in (expected, wrong("fields"))
    far = dt_util.now() + timedelta(days=MOST_DAYS_AHEAD, minutes=5)
    freezer.tick(61)
    assert await host.refusal(begin=far.strftime("%Y-%m-%dT%H:%M")) == wrong(
        "visit_too_far", days=MOST_DAYS_AHEAD
    )
    past = dt_util.now() - timedelta(hours=MOST_HOURS)
    assert await host.refusal(begin=past.strftime("%Y-%m-%dT%H:%M")) == wrong(
        "card_is_over"
    )
    answer = await host.invite(name='MARK-"KEPT"', hours="5")
    assert 'value="MARK-&quot;KEPT&quot;"' in await answer.text()
    assert "Nobody is let in now." in await host.look()


async def test_how_many(
    hass: HomeAssistant, host: Host, freezer: FrozenDateTimeFactory
) -> None:
    """No more at a time, and in a day, than any landlord may let in."""
    await host.enter()
    for _ in range(MOST_OPEN):
        await host.code()
    assert await host.refusal() == wrong("too_many_visits", count=MOST_OPEN)
    for _ in range(MOST_A_DAY - MOST_OPEN):
        freezer.tick(61)
        (ending, *_) = re.findall(r'name="end" value="([^"]+)"', await host.look())
        await host.send(**await host.form(), end=ending)
        await host.code()
    (ending, *_) = re.findall(r'name="end" value="([^"]+)"', await host.look())
    await host.send(**await host.form(), end=ending)
    assert await host.refusal() == wrong("too_many_visits_today", count=MOST_A_DAY)


class Restarted(visitors_view.VisitorsView):
    """The page of a process that has just begun."""

    url = f"/restarted{visitors_view.VISITORS_PATH}"
    name = "restarted:visitors"


@pytest.fixture
def restarted(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Have that page, too."""
    hass.http.register_view(Restarted())


async def test_sent_twice(
    hass: HomeAssistant, entry: MockConfigEntry, restarted: None, host: Host
) -> None:
    """A form lets one visitor in, however often it is sent; its code is shown once."""
    headers = {**ENGLISH, "Cookie": f"{residents.COOKIE}={await host.enter()}"}
    filled = {
        **await host.form(),
        "name": "MARK-VISITOR",
        "begin": dt_util.now().strftime("%Y-%m-%dT%H:%M"),
        "hours": "2",
    }
    first = await host.send(**filled)
    assert first.status == HTTPStatus.OK
    # With a start nothing is left in memory, and the same form is still good no more.
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    for path in (host.path(), f"/restarted{host.path()}"):
        again = await host.door.client.post(path, data=filled, headers=headers)
        assert again.status == HTTPStatus.BAD_REQUEST
        page = await again.text()
        assert wrong("form_taken") in unescape(page)
        assert not re.search(r"\d{10}</dd>", page)
        assert len(re.findall(r'name="end"', page)) == 1
        assert 'MARK-VISITOR"' not in page
    # It is that form which is good once: there may be two visitors of one name.
    await host.code()


async def test_sent_twice_at_once(
    hass: HomeAssistant, entry: MockConfigEntry, host: Host
) -> None:
    """Two at the same moment are one, too."""
    await host.enter()
    filled = {
        **await host.form(),
        "name": "MARK-VISITOR",
        "begin": dt_util.now().strftime("%Y-%m-%dT%H:%M"),
        "hours": "2",
    }
    answers = await asyncio.gather(*(host.send(**filled) for _ in range(3)))
    assert sorted(row.status for row in answers) == [
        *(HTTPStatus.OK, HTTPStatus.BAD_REQUEST, HTTPStatus.BAD_REQUEST),
    ]
    assert len(await visits(hass, entry)) == 1


async def test_a_tenant_lets_nobody_in(
    hass: HomeAssistant, entry: MockConfigEntry, host: Host
) -> None:
    """The page is for whom the table lets invite; others are led to their own page."""
    form = await _form_of(host)
    host.door.client.session.cookie_jar.clear()
    await host.enter(phone=PHONE)
    assert "visitors" not in await host.door.page()
    for answer in (
        await host.door.client.get(host.path(), allow_redirects=False),
        await host.send(**form, name="MARK-X", begin="2026-12-01T09:30", hours="1"),
    ):
        assert answer.status == HTTPStatus.SEE_OTHER
        assert answer.headers["Location"] == host.door.path()
    assert all(row[1] != "invite_visitor" for row in await audit(entry))


async def _form_of(host: Host) -> dict[str, str]:
    await host.enter()
    return await host.form()


async def test_without_a_pass(host: Host, door: Door) -> None:
    """Who has none is led to where a code is asked for, whoever lives there, or nobody."""
    found = set()
    for place in (UNIT, "unit 1-2-101", STAIRS, "building 1"):
        for answer in (
            await door.client.get(host.path(place), allow_redirects=False),
            await host.send(place, name="MARK-X"),
        ):
            leads = answer.headers["Location"] == door.path(place)
            found.add((answer.status, leads, await answer.text()))
    assert found == {(HTTPStatus.SEE_OTHER, True, "")}
    unknown = f"{CODE_PATH}/{'x' * 22}/resident/visitors"
    for method in (door.client.get, door.client.post):
        assert (await method(unknown)).status == HTTPStatus.GONE


async def test_another_door(
    hass: HomeAssistant, entry: MockConfigEntry, host: Host
) -> None:
    """A pass of one door is none of another, and a form of one is none of another's."""
    given = await host.enter()
    form = await host.form()
    jar = host.door.client.session.cookie_jar
    jar.clear()
    for place in ("unit 1-2-101", STAIRS):
        answer = await host.door.client.get(
            host.path(place),
            headers={"Cookie": f"rental_units_resident={given}"},
            allow_redirects=False,
        )
        assert answer.status == HTTPStatus.SEE_OTHER
    other = await check_in(
        hass, entry, "1-1-101", name="MARK-2", phone=OTHER_HOST, role="landlord"
    )
    assert other != host.person
    await verify(entry, f"+86{OTHER_HOST}")
    await host.enter(phone=OTHER_HOST)
    assert await host.refusal(**form) == wrong("old")
    assert await host.refusal(form="x") == wrong("old")
    # Nor does one landlord see, or take back, another's visitors.
    await host.code()
    (ending,) = re.findall(r'name="end" value="([^"]+)"', await host.look())
    jar.clear()
    await host.enter()
    assert "Nobody is let in now." in await host.look()
    for card in (ending, "01ARZ3NDEKTSV4RRFFQ69G5FAV"):
        answer = await host.send(**await host.form(), end=card)
        assert answer.status == HTTPStatus.SEE_OTHER
        assert answer.headers["Location"] == host.door.path()
    rows = await audit(entry)
    assert (None, "end_visit_refused", "refused", None, None) in rows
    jar.clear()
    await host.enter(phone=OTHER_HOST)
    assert ending in await host.look()


async def test_a_card_is_no_visit(
    hass: HomeAssistant, entry: MockConfigEntry, host: Host
) -> None:
    """The card of a tenant, and a visitor of the desk's, are nothing to take back here."""
    people = await call(
        hass,
        "get_unit",
        {"device_id": device_id(hass, entry, "1-1-101"), "reason": "alarm"},
    )
    tenant = next(
        row["person_id"] for row in people["people"] if row["person_id"] != host.person
    )
    card = await call(
        hass, "issue_card", {"person_id": tenant, "card_number": "10058400"}
    )
    theirs = await call(
        hass,
        "invite_visitor",
        {
            "device_id": device_id(hass, entry, "1-1-101"),
            "name": "MARK-DESK",
            "end": dt_util.utcnow() + timedelta(hours=1),
        },
        user=administrator(hass),
    )
    await host.enter()
    assert "MARK-DESK" not in await host.look()
    for card_id in (card["card_id"], theirs["card_id"]):
        await host.send(**await host.form(), end=card_id)
        found = await call(hass, "get_card_doors", {"card_id": card_id})
        assert found is not None
    rows = await audit(entry)
    assert all(row[1] not in ("end_visit", "revoke_card") for row in rows)


async def test_several_units(
    hass: HomeAssistant, entry: MockConfigEntry, host: Host
) -> None:
    """At a stairwell it is said to which of their units somebody comes."""
    again = {"person_id": host.person, "name": None, "phone": None}
    await check_in(hass, entry, "1-1-102", **again, role="landlord")
    await host.enter(STAIRS)
    page = await host.look(STAIRS)
    for title in ("1-1-101", "1-1-102"):
        assert f">{title}</option>" in page
    assert await host.refusal(STAIRS) == wrong("fields")
    other = {"unit": unit_id(entry, "1-2-101")}
    assert await host.refusal(STAIRS, **other) == wrong("fields")
    await host.code(STAIRS, unit=unit_id(entry, "1-1-102"))
    assert ", 1-1-102, code" in await host.look(STAIRS)
    # At the door of one unit, what concerns another is not shown.
    host.door.client.session.cookie_jar.clear()
    await host.enter()
    assert "Nobody is let in now." in await host.look()


@pytest.mark.parametrize("how", ["check_out", "replaced"])
async def test_it_ends(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    host: Host,
    plates: Plates,
    how: str,
) -> None:
    """Whose unit it is no more, and who has a plate that was replaced, lets nobody in."""
    form = await _form_of(host)
    said = {"name": "MARK-X", "begin": "2026-12-01T09:30", "hours": "1"}
    if how == "check_out":
        device = device_id(hass, entry, "1-1-101")
        await call(hass, "check_out", {"device_id": device, "person_id": host.person})
        status = HTTPStatus.SEE_OTHER
    else:
        await plates(UNIT)
        status = HTTPStatus.GONE
    assert (await host.send(**form, **said)).status == status
    shown = await host.door.client.get(host.path(), allow_redirects=False)
    assert shown.status == status


async def test_it_ends_meanwhile(
    hass: HomeAssistant, entry: MockConfigEntry, host: Host
) -> None:
    """What the register says now counts, not who somebody was when the page was opened."""
    form = await _form_of(host)
    unit = unit_id(entry, "1-1-101")
    with patch.object(visitors_view, "homes_of", lambda *_: frozenset({unit})):
        device = device_id(hass, entry, "1-1-101")
        await call(hass, "check_out", {"device_id": device, "person_id": host.person})
        said = {"name": "MARK-X", "begin": "2026-12-01T09:30", "hours": "1"}
        for answer in (
            await host.send(**form, **said),
            await host.door.client.get(host.path(), allow_redirects=False),
        ):
            assert answer.status == HTTPStatus.SEE_OTHER
            assert answer.headers["Location"] == host.door.path()
    rows = await audit(entry)
    assert (None, "invite_visitor_refused", "refused", None, None) in rows


async def test_pass_is_over(host: Host, freezer: FrozenDateTimeFactory) -> None:
    """A pass holds a quarter of an hour, and so does a form."""
    form = await _form_of(host)
    freezer.tick(residents.PASS_SECONDS + 1)
    answer = await host.send(**form, name="MARK-X", hours="1")
    assert answer.status == HTTPStatus.SEE_OTHER
    await host.enter()
    assert await host.refusal(**form) == wrong("old")


async def test_another_site_lets_nobody_in(
    hass: HomeAssistant, entry: MockConfigEntry, host: Host
) -> None:
    """Neither by a form, nor by a link, nor without what only our page has."""
    form = await _form_of(host)
    said = {"name": "MARK-X", "begin": "2026-12-01T09:30", "hours": "1"}
    for site in ("cross-site", "same-site"):
        answer = await host.send(headers={"Sec-Fetch-Site": site}, **form, **said)
        assert answer.status == HTTPStatus.FORBIDDEN
    assert (await host.send(**said)).status == HTTPStatus.BAD_REQUEST
    await host.door.client.get(host.path(), params={**form, **said})
    assert all(row[1] != "invite_visitor" for row in await audit(entry))


async def test_too_often(host: Host, freezer: FrozenDateTimeFactory) -> None:
    """Who sends, or looks, without end is told to call."""
    await host.enter()
    freezer.tick(60)
    for _ in range(visitors_view.SENT_A_MINUTE):
        last = await host.send(form="x")
        assert last.status == HTTPStatus.BAD_REQUEST
    last = await host.send(form="x")
    assert last.status == HTTPStatus.TOO_MANY_REQUESTS
    assert 'href="tel:119"' in await last.text()
    freezer.tick(60)
    for _ in range(visitors_view.SEEN_A_MINUTE):
        await host.look()
    answer = await host.door.client.get(host.path())
    assert answer.status == HTTPStatus.TOO_MANY_REQUESTS
    for _ in range(WRONG_A_MINUTE + 1):
        last = await host.door.client.get(f"{CODE_PATH}/x/resident/visitors")
    assert last.status == HTTPStatus.TOO_MANY_REQUESTS


async def test_database_is_away(
    hass: HomeAssistant, entry: MockConfigEntry, host: Host
) -> None:
    """Nothing is promised then; the same form does it later, and its code is shown."""
    await host.enter()
    filled = {
        **await host.form(),
        "name": "MARK-VISITOR",
        "begin": dt_util.now().strftime("%Y-%m-%dT%H:%M"),
        "hours": "2",
    }
    failure = RegisterError("register_locked")
    with patch.object(entry.runtime_data, "async_run", side_effect=failure):
        for answer in (
            await host.door.client.get(host.path()),
            await host.send(**filled),
            await host.send(**filled | {"end": "x"}),
        ):
            assert answer.status == HTTPStatus.SERVICE_UNAVAILABLE
            assert 'href="tel:119"' in await answer.text()
    assert re.search(r"<dd>\d{10}</dd>", await (await host.send(**filled)).text())


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"form=", b"end=%00", b"x" * 9999])
async def test_what_is_no_form(host: Host, body: bytes) -> None:
    """What cannot be read is refused, and breaks nothing."""
    await host.enter()
    for kind in (
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "text/x; charset=none",
    ):
        answer = await host.door.client.post(
            host.path(), data=body, headers={"Content-Type": kind}
        )
        assert answer.status == HTTPStatus.BAD_REQUEST


async def test_code_is_nowhere_else(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    host: Host,
    hass_storage: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Neither code, nor pass, nor form, nor name: in no log, event, state or file."""
    caplog.set_level(logging.DEBUG)
    # As Home Assistant starts.
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
    events: list[Any] = []
    hass.bus.async_listen("*", events.append)
    given = await host.enter()
    form = await host.form()
    code = await host.code(**form)
    await host.look()
    (ending,) = re.findall(r'name="end" value="([^"]+)"', await host.look())
    await host.send(**await host.form(), end=ending)
    await hass.async_block_till_done()
    written = {
        "events": repr([row.as_dict() for row in events]),
        "states": repr([row.as_dict() for row in hass.states.async_all()]),
        "storage": json.dumps(hass_storage, default=repr),
        "log": "\n".join(row.getMessage() for row in caplog.records),
        "database": entry.runtime_data.database.path.read_bytes().decode("latin-1"),
    }
    secrets = {"code": code, "pass": given, "form": form["form"]}
    found = [
        (where, what)
        for where, text in written.items()
        for what, secret in secrets.items()
        if secret in text
    ]
    assert found == []
    for where in ("events", "states", "storage", "log"):
        assert "MARK-VISITOR" not in written[where]


@pytest.mark.parametrize("language", LANGUAGES)
async def test_in_all_languages(host: Host, language: str) -> None:
    """Each text of the page is in each language, and each state of a card."""
    await host.enter()
    await host.code()
    page = await host.look(language=language)
    text = texts(language)
    for key in ("title", "about", "name", "begin", "hours", "invite", "end", "back"):
        assert text["visitors"][key] in page
    assert not re.search(r"\{\w+\}", page)
    assert text["resident"]["card"].keys() == set(State)
    english = texts("en")["visitors"]
    assert text["visitors"].keys() == english.keys()
    assert text["visitors"]["wrong"].keys() == english["wrong"].keys()
