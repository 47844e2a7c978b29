"""What everybody can do with a code or a receipt, and who abuses it."""

import asyncio
from datetime import timedelta
from http import HTTPStatus
import logging
import os
from pathlib import Path
from typing import Any
from unittest.mock import patch

from aiohttp import ClientError, FormData
from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from sqlalchemy import select
from sqlalchemy.orm import Session

from custom_components.rental_units.alerts.runtime import engine_of
from custom_components.rental_units.places.book import CODE_PATH
from custom_components.rental_units.public.limits import Limit
from custom_components.rental_units.reports import upload, views
from custom_components.rental_units.reports.book import ReportBook, folder_of
from custom_components.rental_units.reports.models import (
    HazardReport,
    ReportPhoto,
    ReportStep,
)
from custom_components.rental_units.storage.errors import RegisterError
from custom_components.rental_units.storage.vault import CompartmentRow
from homeassistant.core import HomeAssistant
from tests.rental_units.common import check_in, without_database
from tests.rental_units.panel import Panel

from .conftest import RECEIPT, Phone, Phones
from .pictures import FORMATS, bomb, photo, png_of, scene

sqlite_only = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
MOST_BYTES = 30_000
#: How a photo begins in a body.
PART = b'--x\r\nContent-Disposition: form-data; name="photo"; filename="x"\r\n\r\n'


def files(hass: HomeAssistant, entry: MockConfigEntry) -> list[Path]:
    """Return the files of photos."""
    folder = folder_of(hass, entry.entry_id)
    return sorted(folder.iterdir()) if folder.is_dir() else []


async def counts(entry: MockConfigEntry) -> tuple[int, int, int]:
    """Return how many reports, photos and keys there are."""

    def count(session: Session) -> tuple[int, int, int]:
        keys = select(CompartmentRow).where(CompartmentRow.kind == "report_photo")
        return (
            len(session.scalars(select(HazardReport)).all()),
            len(session.scalars(select(ReportPhoto)).all()),
            len(session.scalars(keys).all()),
        )

    return await entry.runtime_data.async_run(count)


@sqlite_only
@pytest.mark.parametrize(
    ("accepted", "title", "call"),
    [
        ("en", "Report a hazard", "Call 119 (fire)"),
        ("zh-CN", "上报隐患", "拨打119（火警）"),
        ("zh-TW", "通報隱患", "撥打119（火警）"),
    ],
)
async def test_form(phone: Phone, accepted: str, title: str, call: str) -> None:
    """Whom to call comes before the form; there is no script, and it is small."""
    headers = {"Accept-Language": accepted}
    place = await phone.client.get(f"{CODE_PATH}/{phone.token}", headers=headers)
    assert f'href="{phone.path}"' in await place.text()
    answer = await phone.client.get(phone.path, headers=headers)
    page = await answer.text()
    assert len(page.encode()) < MOST_BYTES
    assert title in page
    assert page.index(call) < page.index("<form")
    assert "<script" not in page
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert answer.headers["Cache-Control"] == "no-store"


async def test_reported_and_followed(
    hass: HomeAssistant, entry: MockConfigEntry, reports: ReportBook, phone: Phone
) -> None:
    """Three photos of four kinds, a sentence, and a receipt that shows what becomes of it."""
    sent = [photo(kind, scene(number)) for number, kind in enumerate(FORMATS[:3])]
    path = await phone.report(*sent, category="escape_route", text="MARK <b>bikes</b>")
    (report,) = reports.open
    assert (report.category, report.danger, report.state) == (
        *("escape_route", False, "new"),
    )
    assert report.place.number == "101"
    assert report.due_at - report.created_at == 24 * 3600
    assert await counts(entry) == (1, 3, 3)
    stored = files(hass, entry)
    assert len(stored) == 3
    for file in stored:
        content = file.read_bytes()
        assert b"MARK" not in content
        assert b"\xff\xd8\xff" not in content[:20]
    page = await (await phone.client.get(path)).text()
    assert "Received" in page
    assert "Escape route blocked" in page
    # What they wrote is not shown to whoever may have found the address.
    assert "MARK" not in page
    pictures = [part.split('"')[0] for part in page.split('src="')[1:]]
    assert len(pictures) == 3
    for picture in pictures:
        answer = await phone.client.get(picture)
        assert answer.content_type == "image/jpeg"
        assert answer.headers["Cache-Control"] == "no-store"
        assert (await answer.read()).startswith(b"\xff\xd8\xff")
    # With the HEIC of an iPhone, which is added.
    answer = await phone.add(path, photo("heif", scene(9)), text="MARK more")
    assert answer.status == HTTPStatus.SEE_OTHER
    assert await counts(entry) == (1, 4, 4)
    # It is there after a restart.
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    assert (await phone.client.get(path)).status == HTTPStatus.OK
    assert (await phone.client.get(pictures[0])).status == HTTPStatus.OK


@sqlite_only
async def test_nothing_is_typed_twice(phone: Phone) -> None:
    """What was said is in the form again when a photo is missing, or is none."""
    said = {"category": "gas", "text": 'MARK <i>third</i> "floor"'}
    for photos in ((), (b"no photo",)):
        answer = await phone.send(*photos, **said)
        page = await answer.text()
        assert answer.status == HTTPStatus.BAD_REQUEST
        assert page.index('role="alert"') < page.index("<form")
        assert '<option value="gas" selected>' in page
        assert page.count("selected") == 1
        assert "MARK &lt;i&gt;third&lt;/i&gt; &quot;floor&quot;</textarea>" in page
        assert " checked" not in page
    answer = await phone.send(b"no photo", danger="1", **said)
    assert 'value="1" checked>' in await answer.text()
    # So is what is added to a report; it is in nobody else's page.
    path = await phone.report()
    answer = await phone.add(path, b"no photo", text="MARK more")
    assert answer.status == HTTPStatus.BAD_REQUEST
    assert "MARK more</textarea>" in await answer.text()
    assert "MARK" not in await (await phone.client.get(path)).text()
    assert "MARK" not in await (await phone.client.get(phone.path)).text()


@sqlite_only
async def test_danger_is_told_at_once(
    hass: HomeAssistant, entry: MockConfigEntry, reports: ReportBook, phone: Phone
) -> None:
    """Who is on duty hears of it before a photo is looked at, and whatever becomes of that."""
    engine = engine_of(hass, entry.entry_id)
    assert engine
    seen: list[int] = []

    async def broken(*_: Any) -> Any:
        seen.append(len(engine.alerts))
        raise RegisterError("photo_damaged")

    with patch.object(reports.cleaner, "async_clean", broken):
        answer = await phone.send(photo(), danger="1", category="gas", text="MARK")
    page = await answer.text()
    assert (answer.status, seen) == (HTTPStatus.BAD_REQUEST, [1])
    assert "The duty officer is being told" in page
    assert page.index("Call 119") < page.index("<form")
    (alert,) = engine.alerts.values()
    assert (alert.severity, alert.audiences) == ("alarm", ["responders"])
    assert alert.area_ids == ["area_101"]
    assert "Smell of gas" in str(alert.message)
    # Nothing of what a stranger has written goes to phones and into states.
    assert "MARK" not in repr(vars(alert))
    # It is the same danger, and nobody is told of it twice.
    path = await phone.report(danger="1", category="gas")
    assert len(engine.alerts) == 1
    (report,) = reports.open
    assert report.danger
    # A danger needs no photo, as there may be no time for one.
    answer = await phone.send(danger="1", category="wiring")
    assert answer.status == HTTPStatus.SEE_OTHER
    assert len(engine.alerts) == 2
    assert RECEIPT.fullmatch(path)


@sqlite_only
async def test_danger_is_told_whatever_is_wrong(
    hass: HomeAssistant, entry: MockConfigEntry, phone: Phone
) -> None:
    """What is wrong with a form is said, and the danger is told all the same."""
    engine = engine_of(hass, entry.entry_id)
    assert engine

    async def told(status: int, says: str, *photos: bytes, **said: str) -> None:
        before = len(engine.alerts)
        answer = await phone.send(*photos, danger="1", **said)
        page = await answer.text()
        assert (answer.status, says in page or page) == (status, True)
        assert "The duty officer is being told" in page
        assert len(engine.alerts) == before + 1

    await told(HTTPStatus.BAD_REQUEST, "choose", photo(), category="")
    (alert,) = engine.alerts.values()
    assert "Something else" in str(alert.message)
    too_long = "x" * 501
    await told(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too long", category="gas", text=too_long
    )
    # Of a flood of others, and of others that send.
    with patch.object(Limit, "allows", _but_for_places()):
        await told(HTTPStatus.TOO_MANY_REQUESTS, "Many reports", category="wiring")
        answer = await phone.send(photo(), category="water")
        assert answer.status == HTTPStatus.TOO_MANY_REQUESTS
    with patch.object(upload, "MOST_SENDERS", 0):
        await told(HTTPStatus.SERVICE_UNAVAILABLE, "arrive just now", category="water")
    assert await counts(entry) == (0, 0, 0)


def _but_for_places() -> Any:
    return lambda _limit, who: who == "127.0.0.1"


@sqlite_only
async def test_danger_while_the_database_is_away(
    hass: HomeAssistant, entry: MockConfigEntry, phone: Phone, reports: ReportBook
) -> None:
    """Who is on duty is told all the same; the report is asked for again."""
    engine = engine_of(hass, entry.entry_id)
    assert engine
    signed = await phone.form()
    refused = RegisterError("register_locked")
    with patch.object(reports.register, "async_run", side_effect=refused):
        answer = await phone.send(photo(), signed=signed, danger="1")
    assert answer.status == HTTPStatus.SERVICE_UNAVAILABLE
    page = await answer.text()
    assert "could not be kept" in page
    assert "The duty officer is being told" in page
    assert len(engine.alerts) == 1
    assert files(hass, entry) == []
    assert await counts(entry) == (0, 0, 0)
    # Nothing of it was taken: it can be sent again.
    answer = await phone.send(photo(), signed=signed, danger="1")
    assert answer.status == HTTPStatus.SEE_OTHER


@sqlite_only
async def test_nothing_is_told_without_alerts(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    reports: ReportBook,
    phone: Phone,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Where nobody can be told, the log says so, and the page whom to call."""
    engine = engine_of(hass, entry.entry_id)
    with patch.object(
        engine, "async_raise", side_effect=RegisterError("register_full")
    ):
        await phone.report(danger="1")
        answer = await phone.send(b"no photo", danger="1")
    page = await answer.text()
    assert "duty officer" not in page
    assert "Call 119" in page
    assert "nobody could be told" in caplog.text
    assert len(reports.open) == 1


@sqlite_only
async def test_sent_twice(
    hass: HomeAssistant, entry: MockConfigEntry, phone: Phone
) -> None:
    """A form that is sent again, also after a restart, leads to the same receipt."""
    signed = await phone.form()
    first = await phone.send(photo(), signed=signed)
    again = await phone.send(photo(picture=scene(2)), signed=signed)
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    third = await phone.send(photo(picture=scene(3)), signed=signed)
    assert (
        first.headers["Location"]
        == again.headers["Location"]
        == third.headers["Location"]
    )
    assert await counts(entry) == (1, 1, 1)
    assert len(files(hass, entry)) == 1


@sqlite_only
async def test_added_twice(
    hass: HomeAssistant, entry: MockConfigEntry, phone: Phone
) -> None:
    """What is added to a report by a form is added once, also after a restart."""
    path = await phone.report()
    form = await phone.adding(path)
    assert form
    for number in (2, 3):
        answer = await phone.add(
            path, photo(picture=scene(number)), text="MARK more", form=form
        )
        assert answer.status == HTTPStatus.SEE_OTHER
        assert answer.headers["Location"] == path
        await hass.config_entries.async_reload(entry.entry_id)
        await hass.async_block_till_done()
    assert await counts(entry) == (1, 2, 2)
    assert len(files(hass, entry)) == 2
    # Another form adds, whatever it says; what is no form of ours adds nothing.
    answer = await phone.add(path, text="MARK more")
    assert answer.status == HTTPStatus.SEE_OTHER
    answer = await phone.add(path, text="MARK more", form="")
    assert answer.status == HTTPStatus.BAD_REQUEST
    steps = await entry.runtime_data.async_run(
        lambda session: [row.what for row in session.scalars(select(ReportStep))]
    )
    assert steps == ["new", "added", "added"]


@sqlite_only
async def test_form_of_another(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    phone_at: Phones,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A form that is made up, old, or of another place, is not taken; nor is another site's."""
    phone, other = await phone_at("unit 1-1-101"), await phone_at("unit 1-1-102")
    signed = await phone.form()
    for wrong in ("", "x", f"{signed}x", await other.form()):
        answer = await phone.send(photo(), signed=wrong)
        assert answer.status == HTTPStatus.BAD_REQUEST
        assert "too old" in await answer.text()
    freezer.tick(timedelta(seconds=views.FORM_SECONDS + 1))
    answer = await phone.send(photo(), signed=signed)
    assert answer.status == HTTPStatus.BAD_REQUEST
    phone.headers["Sec-Fetch-Site"] = "cross-site"
    assert (await phone.send(photo(), danger="1")).status == HTTPStatus.FORBIDDEN
    assert await counts(entry) == (0, 0, 0)
    engine = engine_of(hass, entry.entry_id)
    assert engine
    assert not engine.alerts


@sqlite_only
@pytest.mark.parametrize(
    ("said", "photos", "status", "text"),
    [
        ({}, [], 400, "photo is missing"),
        ({}, [photo()] * 4, 400, "too many photos"),
        ({"category": "king"}, [photo()], 400, "choose"),
        ({"category": ""}, [photo()], 400, "choose"),
        ({"text": "x" * 501}, [photo()], 413, "too long"),
        ({"text": "x" * 5_000}, [photo()], 413, "too long"),
        ({}, [b"GIF89a" + bytes(50)], 400, "no photo"),
        ({}, [photo(), bytes(10_000_001)], 413, "larger than 10 MB"),
        ({}, [png_of(60_000, 60_000)], 400, "too many pixels"),
    ],
)
async def test_refused(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    phone: Phone,
    said: dict[str, str],
    photos: list[bytes],
    status: int,
    text: str,
) -> None:
    """What is not taken is said in words, and nothing of it is kept."""
    answer = await phone.send(*photos, **said)
    page = await answer.text()
    assert (answer.status, text in page or page) == (status, True)
    assert await counts(entry) == (0, 0, 0)
    assert files(hass, entry) == []


@sqlite_only
async def test_bodies_that_are_none(entry: MockConfigEntry, phone: Phone) -> None:
    """What is no form of ours is refused, and breaks nothing."""
    kind = "multipart/form-data"
    bodies = [
        (kind, b""),
        (f"{kind}; boundary=x", b""),
        (f"{kind}; boundary=x", b"--y\r\n\r\n"),
        (f"{kind}; boundary=x", b"--x\r\nContent-Length: -5\r\n\r\nhello\r\n--x--"),
        (f"{kind}; boundary=x", b"--x\r\nContent-Length: 99999999999\r\n\r\nx"),
        (f"{kind}; boundary={'x' * 200}", b"--x"),
        (f"{kind}; boundary=x", b"--x\r\n" + b"a: b\r\n" * 9_000 + b"\r\n"),
        (f"{kind}; boundary=x", b"--x\r\nA" + b"a" * 99_999 + b"\r\n\r\n"),
        (
            f"{kind}; boundary=x",
            b"--x\r\nContent-Type: multipart/mixed; boundary=z\r\n\r\n--z--\r\n--x--",
        ),
        (f"{kind}; boundary=x", b'--x\r\nContent-Disposition: form-data; name="a"' * 9),
        (f"{kind}; boundary=x", PART.replace(b"photo", b"_charset_") + b"\xff" * 99),
        (
            f"{kind}; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' * 20
            + b"--x--",
        ),
        ("application/x-www-form-urlencoded", b"category=gas&danger=1"),
        ("application/json", b"{}"),
        ("text/html", b"x"),
    ]
    for content_type, body in bodies:
        # None of these is one of too many.
        with patch.object(Limit, "allows", return_value=True):
            answer = await phone.client.post(
                phone.path, data=body, headers={"Content-Type": content_type}
            )
        assert answer.status == HTTPStatus.BAD_REQUEST, (content_type, body[:60])
    assert await counts(entry) == (0, 0, 0)


@sqlite_only
async def test_too_large_is_not_held(phone: Phone) -> None:
    """What says that it is too large is not read; what does not say so, to its limit."""
    read = 0

    async def endless() -> Any:
        nonlocal read
        yield PART
        for _ in range(400):
            read += upload.PORTION
            yield b"\xff" * upload.PORTION

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    # Whoever is refused may still be sending.
    with patch.object(upload, "MOST_BODY_BYTES", 1_000):
        answer = await phone.client.post(phone.path, data=bytes(2_000), headers=headers)
    assert answer.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    try:
        answer = await phone.client.post(phone.path, data=endless(), headers=headers)
    except ClientError, OSError:
        assert read < 400 * upload.PORTION
    else:
        # An old form is said first: it comes before the photo.
        assert answer.status in (
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            HTTPStatus.BAD_REQUEST,
        )


@sqlite_only
async def test_other_files_are_not_held(entry: MockConfigEntry, phone: Phone) -> None:
    """What says that it is a file, and is no photo of ours, is as short as a field."""
    sent = 0

    async def files_of_all_names() -> Any:
        nonlocal sent
        for number in range(upload.MOST_FIELDS):
            yield b"\r\n" + PART.replace(b"photo", b"p%d" % number)
            for _ in range(16):
                sent += upload.PORTION
                yield b"\xff" * upload.PORTION

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    try:
        answer = await phone.client.post(
            phone.path, data=files_of_all_names(), headers=headers
        )
    except ClientError, OSError:
        assert sent < upload.MOST_FIELDS * 16 * upload.PORTION
    else:
        assert answer.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    answer = await phone.send(photo(), other="x" * upload.MOST_FIELD_BYTES)
    assert answer.status == HTTPStatus.SEE_OTHER
    answer = await phone.send(photo(), other="x" * (upload.MOST_FIELD_BYTES + 1))
    assert answer.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE


@sqlite_only
async def test_slow_senders(phone: Phone, reports: ReportBook) -> None:
    """Who sends slowly is ended, and a few of them keep nobody else from sending."""
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    stop = asyncio.Event()

    signed = await phone.form()
    fields = b"".join(
        b"--x\r\nContent-Disposition: form-data; name=%b\r\n\r\n%b\r\n" % row
        for row in ((b"form", signed.encode()), (b"category", b"gas"))
    )

    async def slow() -> Any:
        yield fields + PART + bytes(2 * upload.PORTION)
        await stop.wait()
        yield b"--x--"

    with patch.object(views, "READ_SECONDS", 1):
        tasks = [
            asyncio.create_task(
                phone.client.post(phone.path, data=slow(), headers=headers)
            )
            for _ in range(upload.MOST_FROM_AN_ADDRESS + 1)
        ]
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        statuses = {task.result().status for task in done}
        assert statuses == {HTTPStatus.SERVICE_UNAVAILABLE}
        await asyncio.wait(tasks, timeout=20)
        stop.set()
    rest = [
        task.result().status
        for task in tasks
        if task.done() and not task.exception() and task not in done
    ]
    assert rest
    assert set(rest) == {HTTPStatus.REQUEST_TIMEOUT}
    assert await phone.report()


@sqlite_only
async def test_floods(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    phone_at: Phones,
    freezer: FrozenDateTimeFactory,
) -> None:
    """One address, one plate and one property have their limits; whom to call is said still."""
    # The beginning of an hour, which the limits count in.
    freezer.move_to("2026-12-01 10:00:30")
    phone, other = await phone_at("unit 1-1-101"), await phone_at("unit 1-1-102")
    signed = await phone.form()

    async def sent(times: int) -> list[int]:
        # Without a photo: that is refused once it was let in.
        return [(await phone.send(signed=signed)).status for _ in range(times)]

    statuses = await sent(views.SENT_A_MINUTE + 2)
    assert statuses[-3:] == [
        HTTPStatus.BAD_REQUEST,
        *[HTTPStatus.TOO_MANY_REQUESTS] * 2,
    ]
    freezer.tick(61)
    # As many addresses as there are reports.
    with patch.object(Limit, "allows", _but_for_addresses()):
        statuses = await sent(views.FROM_A_PLACE - views.SENT_A_MINUTE + 1)
        assert statuses[-2:] == [
            HTTPStatus.BAD_REQUEST,
            HTTPStatus.TOO_MANY_REQUESTS,
        ]
        answer = await phone.send(photo())
        assert "Call 119" in await answer.text()
        assert (await other.send(photo())).status == HTTPStatus.SEE_OTHER
    freezer.tick(3_601)
    assert (await phone.send(photo())).status == HTTPStatus.SEE_OTHER


def _but_for_addresses() -> Any:
    allows = Limit.allows

    def counted(limit: Any, who: str) -> bool:
        return who == "127.0.0.1" or allows(limit, who)

    return counted


@sqlite_only
async def test_what_looks_ahead_changes_nothing(
    entry: MockConfigEntry, phone: Phone, reports: ReportBook
) -> None:
    """Scanners and previews open every link; the state is the same afterwards."""
    path = await phone.report()
    before = dict(reports.reports)
    for headers in (
        {},
        {"Sec-Purpose": "prefetch"},
        {"User-Agent": "WeChat preview"},
    ):
        for where in (path, phone.path):
            await phone.client.get(where, headers=headers)
            await phone.client.head(where, headers=headers)
    assert dict(reports.reports) == before
    assert await counts(entry) == (1, 1, 1)


@sqlite_only
async def test_receipts_cannot_be_guessed(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    phone: Phone,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A wrong receipt is told from none, who guesses is stopped, and no log has a token."""
    logging.getLogger().setLevel(logging.DEBUG)
    # The server of the tests has one; Home Assistant's has none.
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
    path = await phone.report()
    token = path.rpartition("/")[2]
    page = await (await phone.client.get(path)).text()
    picture = page.split('src="')[1].split('"')[0]
    statuses = [
        (await phone.client.get(f"/api/h/{number:032x}")).status for number in range(70)
    ]
    assert statuses[0] == HTTPStatus.GONE
    assert statuses[-1] == HTTPStatus.TOO_MANY_REQUESTS
    freezer.tick(61)
    assert (await phone.client.get(path)).status == HTTPStatus.OK
    # A photo of one report is none of another.
    other = await phone.report(photo(picture=scene(7)))
    assert (
        await phone.client.get(f"{other}/{picture.rpartition('/')[2]}")
    ).status == HTTPStatus.NOT_FOUND
    assert token not in caplog.text

    def written(session: Session) -> str:
        return repr([vars(row) for row in session.scalars(select(HazardReport))])

    assert token not in await entry.runtime_data.async_run(written)
    # The key of the code does not open the receipt, nor the other way around.
    assert (await phone.client.get(f"/api/h/{phone.token}")).status == HTTPStatus.GONE
    assert (
        await phone.client.get(f"{CODE_PATH}/{token}/report")
    ).status == HTTPStatus.GONE


@sqlite_only
async def test_same_thing_is_one_report(
    entry: MockConfigEntry,
    reports: ReportBook,
    panel: Panel,
    phone: Phone,
    phone_at: Phones,
) -> None:
    """What shows the same at the same place goes on as one; each receipt follows it."""
    first = await phone.report(photo(picture=scene(4)), category="wiring")
    second = await phone.report(
        photo("webp", scene(4).resize((320, 240)), quality=50), category="wiring"
    )
    assert len(reports.open) == 1
    # Another place, another hazard, another picture, or one of the dark: another report.
    other = await phone_at("unit 1-1-102")
    await other.report(photo(picture=scene(4)), category="wiring")
    await phone.report(photo(picture=scene(4)), category="rubbish")
    await phone.report(photo(picture=scene(6)), category="wiring")
    dark = scene(1).point(lambda _: 0)
    await phone.report(photo(picture=dark), category="wiring")
    await phone.report(photo(picture=dark), category="wiring")
    assert len(reports.open) == 6
    pages = [await (await phone.client.get(path)).text() for path in (first, second)]
    for page in pages:
        assert "Received" in page
        # Each shows its own photo, and not that of the other.
        assert page.count("<img") == 1
    # What one adds is theirs too, and staff see all of it.
    answer = await phone.add(second, photo(picture=scene(9)), text="MARK more")
    assert answer.status == HTTPStatus.SEE_OTHER
    pages = [await (await phone.client.get(path)).text() for path in (first, second)]
    assert [page.count("<img") for page in pages] == [1, 2]
    shown = await panel.get("report", report_id=reports.open[0].id)
    assert len(shown["pictures"]) == 3
    assert "MARK more" in repr(shown["steps"])


@sqlite_only
async def test_merged_danger_is_told(
    hass: HomeAssistant, entry: MockConfigEntry, reports: ReportBook, phone: Phone
) -> None:
    """What shows the same as something harmless, and is a danger, makes it one, and says so."""
    told: list[tuple[str, bool]] = []
    reports.listen(lambda report, what: told.append((what, report.danger)))
    await phone.report(photo(), category="wiring")
    await phone.report(photo(), category="wiring", danger="1")
    await phone.report(photo(), category="wiring")
    assert told == [("new", False), ("new", True)]
    (report,) = reports.open
    assert report.danger
    engine = engine_of(hass, entry.entry_id)
    assert engine
    assert len(engine.alerts) == 1


@sqlite_only
async def test_disk_that_refuses(
    hass: HomeAssistant, entry: MockConfigEntry, phone: Phone
) -> None:
    """What cannot be written changes nothing, and is asked for again."""
    signed = await phone.form()
    real, written = os.fsync, 0

    def full(number: int) -> None:
        nonlocal written
        written += 1
        if written > 3:
            raise OSError(28, "No space left on device")
        real(number)

    # The first photo is written, the second is not.
    with patch.object(os, "fsync", full):
        answer = await phone.send(photo(), photo(picture=scene(2)), signed=signed)
    assert answer.status == HTTPStatus.SERVICE_UNAVAILABLE
    assert files(hass, entry) == []
    assert await counts(entry) == (0, 0, 0)
    assert (await phone.send(photo(), signed=signed)).status == HTTPStatus.SEE_OTHER


@sqlite_only
async def test_commit_that_is_not_heard_of(
    hass: HomeAssistant, entry: MockConfigEntry, reports: ReportBook, phone: Phone
) -> None:
    """What was written, though the database could not say so, keeps its photo."""
    signed, run = await phone.form(), reports.register.async_run

    async def lost(work: Any) -> None:
        await run(work)
        raise RegisterError("register_unreachable")

    with patch.object(reports.register, "async_run", lost):
        answer = await phone.send(photo(), signed=signed)
    assert answer.status == HTTPStatus.SERVICE_UNAVAILABLE
    assert len(files(hass, entry)) == 1
    answer = await phone.send(photo(), signed=signed)
    assert len(files(hass, entry)) == 1
    assert await counts(entry) == (1, 1, 1)
    page = await (await phone.client.get(answer.headers["Location"])).text()
    picture = page.split('src="')[1].split('"')[0]
    assert (await phone.client.get(picture)).status == HTTPStatus.OK


@sqlite_only
async def test_bomb_takes_nobody_along(
    hass: HomeAssistant, entry: MockConfigEntry, phone: Phone
) -> None:
    """A bomb of many pixels is decoded elsewhere, or not at all; what follows is taken."""
    assert (await phone.send(bomb())).status == HTTPStatus.SEE_OTHER
    assert (
        await phone.send(png_of(30_000, 30_000, b"x" * 99))
    ).status == HTTPStatus.BAD_REQUEST
    assert await phone.report()


@sqlite_only
async def test_without_database(
    hass: HomeAssistant, entry: MockConfigEntry, phone: Phone
) -> None:
    """While it is away, the form says whom to call, and a receipt to come again."""
    await check_in(hass, entry, "1-1-101")
    path = await phone.report()
    async with without_database(hass, entry):
        for where in (path, phone.path):
            answer = await phone.client.get(where)
            assert answer.status == HTTPStatus.SERVICE_UNAVAILABLE
            assert "119" in await answer.text()
    assert (await phone.client.get(path)).status == HTTPStatus.OK


@sqlite_only
async def test_two_answers(phone: Phone) -> None:
    """An answer to what is not asked is refused, and says how it is now."""
    path = await phone.report()
    answer = await phone.answer(path, "confirmed")
    assert answer.status == HTTPStatus.CONFLICT
    for body in (
        FormData({"answer": "closed"}),
        b"answer",
        b"x" * 10_000,
        "answer=确认".encode(),
        b"&a=1" * 100,
    ):
        answer = await phone.client.post(path, data=body, allow_redirects=False)
        assert answer.status == HTTPStatus.BAD_REQUEST, body
    foreign = {"Sec-Fetch-Site": "cross-site"}
    answer = await phone.client.post(
        path, data={"answer": "confirmed"}, headers=foreign
    )
    assert answer.status == HTTPStatus.FORBIDDEN
