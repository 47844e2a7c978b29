"""The page behind a code: what it shows, what it counts, and who abuses it."""

import asyncio
from datetime import timedelta
from http import HTTPStatus
import logging
from typing import Any
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
    async_fire_time_changed,
)
from sqlalchemy import select

from custom_components.rental_units.app.application import application_of
from custom_components.rental_units.app.places import RevokeCode
from custom_components.rental_units.places import views
from custom_components.rental_units.places.book import (
    CODE_PATH,
    READ_SECONDS,
    WRITE_SECONDS,
    PlaceBook,
)
from custom_components.rental_units.places.models import PlaceCode
from custom_components.rental_units.storage.errors import RegisterError
from homeassistant.components.tag import EVENT_TAG_SCANNED
from homeassistant.core import HomeAssistant
from homeassistant.helpers import (
    area_registry as ar,
    device_registry as dr,
    entity_registry as er,
)
from tests.rental_units.common import call, check_in, device_id, without_database
from tests.rental_units.panel import Panel

from .conftest import LOOKS, TOKEN, Plates, ids_of

sqlite_only = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
#: What a page with bad reception takes, and the most that it may.
USUAL_BYTES = 4_000
MOST_BYTES = 30_000
ABOUT = {
    "station": "Mark Road Station",
    "station_phone": "+862712345678",
    "office_phone": "+862787654321",
    "meeting_point": "Lawn before building 3",
}


async def written(entry: MockConfigEntry) -> list[tuple[int, bool]]:
    """Return the scans of all codes, and if they were revoked, the oldest first."""
    query = select(PlaceCode).order_by(PlaceCode.issued_at, PlaceCode.version)
    return await entry.runtime_data.async_run(
        lambda session: [
            (row.scans, row.revoked_at is not None) for row in session.scalars(query)
        ]
    )


async def settle(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> None:
    """Let what was counted be written."""
    freezer.tick(timedelta(seconds=WRITE_SECONDS + 1))
    async_fire_time_changed(hass)
    await hass.async_block_till_done(wait_background_tasks=True)


@sqlite_only
@pytest.mark.parametrize(
    ("accepted", "language", "floor", "fire"),
    [
        ("en-GB,en;q=0.9", "en", "Floor 3", "Call 119 (fire)"),
        ("zh-CN,zh;q=0.9", "zh-Hans", "3层", "拨打119（火警）"),
        ("zh-TW", "zh-Hant", "3樓", "撥打119（火警）"),
        ("de", "en", "Floor 3", "Call 119 (fire)"),
    ],
)
async def test_what_everybody_is_shown(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    plates: Plates,
    panel: Panel,
    hass_client_no_auth: Any,
    accepted: str,
    language: str,
    floor: str,
    fire: str,
) -> None:
    """Where one is and whom to call, in the reader's language; no script, and nobody in it."""
    await check_in(hass, entry, "1-1-101", name="MARK-NAME")
    device = device_id(hass, entry, "1-1-101")
    address = {"device_id": device, "address": '1 "Street" <b>'}
    await call(hass, "update_unit", address)
    ids = await ids_of(hass, entry)
    await panel.get("save_place", place_id=ids["unit 1-1-101"], storey=3)
    hass.config_entries.async_update_entry(entry, options={"places": ABOUT})
    await hass.async_block_till_done()
    token = (await plates("unit 1-1-101"))["unit 1-1-101"]
    assert TOKEN.fullmatch(token)
    client = await hass_client_no_auth()
    answer = await client.get(
        f"{CODE_PATH}/{token}", headers={"Accept-Language": accepted}
    )
    page = await answer.text()
    assert answer.status == HTTPStatus.OK
    assert len(page.encode()) < USUAL_BYTES
    assert f'lang="{language}"' in page
    for shown in (
        *("1-1-101", "1 &quot;Street&quot; &lt;b&gt;", "Property 1", floor, fire),
        *('href="tel:119"', 'href="tel:110"', 'href="tel:+862712345678"'),
        *("Mark Road Station", 'href="tel:+862787654321"', "Lawn before building 3"),
    ):
        assert shown in page
    assert "MARK-NAME" not in page
    assert "<script" not in page
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert answer.headers["Cache-Control"] == "no-store"
    # Whom a token belongs to is told to no other site.
    assert answer.headers["Referrer-Policy"] == "no-referrer"


async def test_a_code_that_is_replaced(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    plates: Plates,
    panel: Panel,
    hass_client_no_auth: Any,
) -> None:
    """A new print, or a revocation, makes a code void at once; it looks like one that never was."""
    client = await hass_client_no_auth()
    first = (await plates("stairwell 1-1"))["stairwell 1-1"]
    assert (await client.get(f"{CODE_PATH}/{first}")).status == HTTPStatus.OK
    second = (await plates("stairwell 1-1"))["stairwell 1-1"]
    assert second != first
    never = await client.get(f"{CODE_PATH}/{'A' * 22}")
    replayed = await client.get(f"{CODE_PATH}/{first}")
    assert replayed.status == never.status == HTTPStatus.GONE
    page = await replayed.text()
    assert page == await never.text()
    # Who stands before an old plate, and it burns.
    assert 'href="tel:119"' in page
    assert (await client.get(f"{CODE_PATH}/{second}")).status == HTTPStatus.OK

    place_id = (await ids_of(hass, entry))["stairwell 1-1"]
    shown = await panel.get("place", place_id=place_id)
    assert shown["code"]["version"] == 2
    await panel.get("revoke_code", place_id=place_id)
    assert (await client.get(f"{CODE_PATH}/{second}")).status == HTTPStatus.GONE
    assert await panel.refusal("revoke_code", place_id=place_id) == "no_code"
    assert await written(entry) == [(0, True), (0, True)]
    # A start later, too.
    third = (await plates("stairwell 1-1"))["stairwell 1-1"]
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    statuses = [
        (await client.get(f"{CODE_PATH}/{token}")).status
        for token in (first, second, third)
    ]
    assert statuses == [HTTPStatus.GONE, HTTPStatus.GONE, HTTPStatus.OK]


@sqlite_only
async def test_code_of_a_unit_that_is_gone(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    plates: Plates,
    hass_client_no_auth: Any,
) -> None:
    """The plate of a removed unit opens nothing, until the unit is back."""
    client = await hass_client_no_auth()
    token = (await plates("unit 1-1-102"))["unit 1-1-102"]
    removed = await call(
        hass, "remove_unit", {"device_id": device_id(hass, entry, "1-1-102")}
    )
    assert (await client.get(f"{CODE_PATH}/{token}")).status == HTTPStatus.GONE
    of_entry = {"config_entry_id": entry.entry_id, "unit_id": removed["unit_id"]}
    await call(hass, "restore_unit", of_entry)
    assert (await client.get(f"{CODE_PATH}/{token}")).status == HTTPStatus.OK


@sqlite_only
async def test_only_who_looks_is_counted(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    plates: Plates,
    hass_client_no_auth: Any,
    freezer: FrozenDateTimeFactory,
) -> None:
    """What fetches ahead, previews or asks for the head is no scan, and starts nothing."""
    token = (await plates("unit 1-1-101"))["unit 1-1-101"]
    client = await hass_client_no_auth()
    scans = async_capture_events(hass, EVENT_TAG_SCANNED)
    path = f"{CODE_PATH}/{token}"
    for headers in (
        {},
        {"User-Agent": "WeChat preview"},
        {**LOOKS, "Sec-Purpose": "prefetch;prerender"},
        {**LOOKS, "Purpose": "prefetch"},
        {**LOOKS, "X-Moz": "prefetch"},
        {**LOOKS, "Sec-Fetch-Dest": "iframe"},
        {**LOOKS, "Sec-Fetch-Mode": "cors"},
    ):
        assert (await client.get(path, headers=headers)).status == HTTPStatus.OK
    await client.head(path, headers=LOOKS)
    await settle(hass, freezer)
    assert (await written(entry), scans) == ([(0, False)], [])
    for _ in range(3):
        assert (await client.get(path, headers=LOOKS)).status == HTTPStatus.OK
    await settle(hass, freezer)
    assert await written(entry) == [(3, False)]
    # Who loads it again and again starts an automation once.
    (scan,) = scans
    place = (await ids_of(hass, entry))["unit 1-1-101"]
    assert scan.data["tag_id"] != token
    assert scan.data["device_id"] is None
    assert scan.context.user_id is None
    assert token not in repr(scan.as_dict())
    assert place not in repr(scan.as_dict())


@sqlite_only
async def test_counted_by_the_next_start(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    plates: Plates,
    hass_client_no_auth: Any,
) -> None:
    """What was counted and not written is written when the property stops."""
    token = (await plates("unit 1-1-101"))["unit 1-1-101"]
    client = await hass_client_no_auth()
    await client.get(f"{CODE_PATH}/{token}", headers=LOOKS)
    await hass.config_entries.async_reload(entry.entry_id)
    assert await written(entry) == [(1, False)]


@sqlite_only
async def test_scans_that_cannot_be_written(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    plates: Plates,
    hass_client_no_auth: Any,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A database that is locked loses a count, and the page is shown all the same."""
    token = (await plates("unit 1-1-101"))["unit 1-1-101"]
    client = await hass_client_no_auth()
    failure = RegisterError("register_locked")
    with patch.object(entry.runtime_data, "async_run", side_effect=failure):
        answer = await client.get(f"{CODE_PATH}/{token}", headers=LOOKS)
        assert answer.status == HTTPStatus.OK
        await settle(hass, freezer)
    assert "1 scans were not counted: register_locked" in caplog.text
    assert await written(entry) == [(0, False)]


@sqlite_only
async def test_a_revocation_that_cannot_be_read(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    plates: Plates,
    panel: Panel,
    hass_client_no_auth: Any,
    freezer: FrozenDateTimeFactory,
) -> None:
    """If nobody can read which code was revoked, none opens anything until it can be read."""
    tokens = await plates("unit 1-1-101", "unit 1-1-102")
    client = await hass_client_no_auth()
    place_id = (await ids_of(hass, entry))["unit 1-1-101"]
    read = entry.runtime_data.async_read

    async def fail(work: Any, *, long: bool = False) -> Any:
        if long:
            raise RegisterError("register_locked")
        return await read(work)

    async def statuses() -> list[int]:
        return [
            (await client.get(f"{CODE_PATH}/{token}")).status
            for token in tokens.values()
        ]

    with patch.object(entry.runtime_data, "async_read", fail):
        await panel.get("revoke_code", place_id=place_id)
        assert await statuses() == [HTTPStatus.SERVICE_UNAVAILABLE] * 2
        freezer.tick(timedelta(seconds=READ_SECONDS + 1))
        async_fire_time_changed(hass)
        await hass.async_block_till_done(wait_background_tasks=True)
        assert await statuses() == [HTTPStatus.SERVICE_UNAVAILABLE] * 2
    freezer.tick(timedelta(seconds=READ_SECONDS + 1))
    async_fire_time_changed(hass)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert await statuses() == [HTTPStatus.GONE, HTTPStatus.OK]


@sqlite_only
async def test_a_revocation_that_nobody_is_told_of(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    plates: Plates,
    panel: Panel,
    hass_client_no_auth: Any,
) -> None:
    """What was revoked or printed anew is void, though what has happened cannot be read."""
    tokens = await plates("unit 1-1-101", "unit 1-1-102", "unit 1-2-101")
    client = await hass_client_no_auth()
    ids = await ids_of(hass, entry)
    failure = RegisterError("register_locked")
    with patch.object(entry.runtime_data, "async_read", side_effect=failure):
        await panel.get("revoke_code", place_id=ids["unit 1-1-101"])
        await panel.get("print_codes", place_ids=[ids["unit 1-1-102"]])
    statuses = [
        (await client.get(f"{CODE_PATH}/{token}")).status for token in tokens.values()
    ]
    assert statuses == [HTTPStatus.GONE, HTTPStatus.GONE, HTTPStatus.OK]


@sqlite_only
async def test_a_read_that_is_late(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    plates: Plates,
    book: PlaceBook,
) -> None:
    """What was read before a revocation, and comes after it, brings no code back."""
    token = (await plates("unit 1-1-101"))["unit 1-1-101"]
    place_id = (await ids_of(hass, entry))["unit 1-1-101"]
    read, held, go = entry.runtime_data.async_read, asyncio.Event(), asyncio.Event()

    async def slow(work: Any, *, long: bool = False) -> Any:
        found = await read(work, long=long)
        if long and not held.is_set():
            held.set()
            await go.wait()
        return found

    application = application_of(hass, entry.entry_id)
    with patch.object(entry.runtime_data, "async_read", slow):
        early = asyncio.ensure_future(book._async_read())
        await held.wait()
        revoking = asyncio.ensure_future(
            application.async_fill(RevokeCode(place_id), None)
        )
        while not (revoking.done() or book._reading._waiters):  # noqa: ASYNC110
            await asyncio.sleep(0)
        go.set()
        await asyncio.gather(early, revoking)
    assert book.find(token) is None


@sqlite_only
async def test_the_longest_page(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    plates: Plates,
    panel: Panel,
    hass_client_no_auth: Any,
) -> None:
    """However much is entered, a page is loaded with bad reception."""
    area = ar.async_get(hass).async_create("Shed").id
    text = "&" * 500
    names = {"name": text, "building": text, "stairwell": text, "address": text}
    await panel.get("save_place", kind="charging", storey=-20, area_id=area, **names)
    about = {"station": text, "meeting_point": text}
    hass.config_entries.async_update_entry(entry, options={"places": ABOUT | about})
    await hass.async_block_till_done()
    (name,) = (row for row in await ids_of(hass, entry) if row.startswith("charging"))
    token = (await plates(name))[name]
    client = await hass_client_no_auth()
    page = await (await client.get(f"{CODE_PATH}/{token}")).text()
    assert page.count("&amp;") > 500 * len(names)
    assert len(page.encode()) < MOST_BYTES


@sqlite_only
async def test_while_the_database_is_away(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    plates: Plates,
    hass_client_no_auth: Any,
) -> None:
    """A plate is not called wrong by who does not know; whom to call is shown."""
    await check_in(hass, entry, "1-1-101")
    await hass.async_block_till_done(wait_background_tasks=True)
    token = (await plates("unit 1-1-101"))["unit 1-1-101"]
    client = await hass_client_no_auth()
    async with without_database(hass, entry):
        answer = await client.get(f"{CODE_PATH}/{token}")
        assert answer.status == HTTPStatus.SERVICE_UNAVAILABLE
        assert 'href="tel:119"' in await answer.text()
    assert (await client.get(f"{CODE_PATH}/{token}")).status == HTTPStatus.OK


@sqlite_only
async def test_guessing_and_flooding(
    hass: HomeAssistant,
    plates: Plates,
    book: PlaceBook,
    hass_client_no_auth: Any,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Who guesses is stopped, finds nothing, and keeps nobody else from a valid plate."""
    token = (await plates("unit 1-1-101"))["unit 1-1-101"]
    client = await hass_client_no_auth()
    # One letter beside it is as far off as any.
    near = [token[:-2] + "_" + token[-1], token[:-1], token + "A", token.swapcase()]
    guesses = [*near, *(book.new_token()[0] for _ in range(views.WRONG_A_MINUTE))]
    statuses = [(await client.get(f"{CODE_PATH}/{guess}")).status for guess in guesses]
    assert statuses[: views.WRONG_A_MINUTE] == [HTTPStatus.GONE] * views.WRONG_A_MINUTE
    assert set(statuses[views.WRONG_A_MINUTE :]) == {HTTPStatus.TOO_MANY_REQUESTS}
    for _ in range(views.PAGES_A_MINUTE):
        assert (await client.get(f"{CODE_PATH}/{token}")).status == HTTPStatus.OK
    # Whoever shares an address with who does that can call all the same.
    for code in (token, guesses[0]):
        busy = await client.get(f"{CODE_PATH}/{code}")
        assert busy.status == HTTPStatus.TOO_MANY_REQUESTS
        assert busy.headers["Retry-After"] == "60"
        assert 'href="tel:119"' in await busy.text()
    freezer.tick(61)
    assert (await client.get(f"{CODE_PATH}/{guesses[0]}")).status == HTTPStatus.GONE
    assert (await client.get(f"{CODE_PATH}/{token}")).status == HTTPStatus.OK


@sqlite_only
async def test_no_other_method(plates: Plates, hass_client_no_auth: Any) -> None:
    """Nothing can be sent to the page that everybody is shown."""
    token = (await plates("unit 1-1-101"))["unit 1-1-101"]
    client = await hass_client_no_auth()
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        answer = await client.request(method, f"{CODE_PATH}/{token}", data={"x": "y"})
        assert answer.status == HTTPStatus.METHOD_NOT_ALLOWED


@sqlite_only
async def test_tokens_are_in_no_log(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    hass_storage: dict[str, Any],
    plates: Plates,
    hass_client_no_auth: Any,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Nor in states, in storage, or in the database: it is on the plate alone."""
    caplog.set_level(logging.DEBUG)
    # As Home Assistant starts.
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
    token = (await plates("unit 1-1-101"))["unit 1-1-101"]
    client = await hass_client_no_auth()
    for tried in (token, token[:-1]):
        for method in ("GET", "HEAD", "POST"):
            path = f"{CODE_PATH}/{tried}"
            await client.request(method, path, headers=LOOKS)
    await settle(hass, freezer)
    await hass.config_entries.async_reload(entry.entry_id)
    path = entry.runtime_data.database.path
    content = b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))
    for text in (
        caplog.text,
        repr(hass_storage),
        repr([state.as_dict() for state in hass.states.async_all()]),
        content.decode("latin-1"),
    ):
        assert token[:-1] not in text
    assert any(row.levelno == logging.DEBUG for row in caplog.records)


@sqlite_only
async def test_free_sockets(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    plates: Plates,
    panel: Panel,
    hass_client_no_auth: Any,
) -> None:
    """The page of a charging place says what is free; what is not known is said, and not free."""
    area = ar.async_get(hass).async_create("Shed").id
    place = {"kind": "charging", "name": "Shed", "area_id": area}
    place_id = (await panel.get("save_place", **place))["written"]
    token = (await plates("charging Shed"))["charging Shed"]
    client = await hass_client_no_auth()

    async def shown() -> str:
        answer = await client.get(f"{CODE_PATH}/{token}")
        return str(await answer.text())

    assert "Free sockets" not in await shown()
    device = dr.async_get(hass).async_get_or_create(
        config_entry_id=entry.entry_id, identifiers={("community_safety", "pile")}
    )
    dr.async_get(hass).async_update_device(device.id, area_id=area)
    entities = {
        f"{key}_{channel}": er.async_get(hass)
        .async_get_or_create(
            domain, "community_safety", f"x/pile/{key}_{channel}", device_id=device.id
        )
        .entity_id
        for channel in range(1, 5)
        for domain, key in (("binary_sensor", "plugged"), ("switch", "supply"))
    }
    # Free; in use; cut off; not known.
    for number, (plugged, supply) in enumerate(
        (("off", "on"), ("on", "on"), ("off", "off"), ("unavailable", "on")), 1
    ):
        hass.states.async_set(entities[f"plugged_{number}"], plugged)
        hass.states.async_set(entities[f"supply_{number}"], supply)
    assert "1 of 4; of 1 it is not known" in await shown()
    found = (await panel.get("place", place_id=place_id))["sockets"]
    assert found == {"free": 1, "total": 4, "unknown": 1}
    hass.states.async_set(entities["plugged_4"], "off")
    assert "2 of 4<" in await shown()
