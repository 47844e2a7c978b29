"""Reports of hazards, from a panel: the list, what is to be seen, and who mends it."""

from base64 import b64decode, b64encode
import binascii
from collections.abc import Sequence
from typing import Any

import voluptuous as vol

from homeassistant.helpers import config_validation as cv

from ..app.reports import (
    ChangeReport,
    CheckReport,
    GetReport,
    GetReports,
    MergeReports,
    OpenPhoto,
    ReplacePhoto,
)
from ..app.work import refused
from ..reports.book import DATA_REPORTS, ReportBook
from ..reports.const import MOST_LETTERS, MOST_PHOTOS, Party, State
from ..reports.photos import Photo
from .base import REASON, Ask, async_or_conflict, command

_REPORT: dict[vol.Marker, Any] = {vol.Required("report_id"): cv.string, **REASON}
_PHOTO: dict[vol.Marker, Any] = {vol.Required("photo_id"): cv.string, **REASON}
_NOTE: dict[vol.Marker, Any] = {
    vol.Optional("version"): cv.positive_int,
    vol.Optional("note", default=""): vol.All(cv.string, vol.Length(max=MOST_LETTERS)),
}
#: A part of a picture: left, top, width and height, as parts of the whole.
_BOX = vol.All(
    vol.ExactSequence([vol.All(vol.Coerce(float), vol.Range(min=0, max=1))] * 4), list
)
_MOST_BOXES = 50


def _book(ask: Ask) -> ReportBook:
    return ask.hass.data[DATA_REPORTS][ask.application.register.entry.entry_id]


@command(
    "reports",
    {vol.Optional("everything", default=False): cv.boolean, **REASON},
    "get_reports",
)
async def reports(ask: Ask) -> dict[str, Any]:
    """List the reports of hazards: what, where, until when and whose, and if they are overdue. With `everything` those too that are over or merged."""
    rows = await ask.async_do(GetReports(ask.data["everything"]))
    return {"reports": rows}


@command("report", _REPORT, "get_report")
async def report(ask: Ask) -> dict[str, Any]:
    """Show a report: what somebody wrote, its photos by their ids, what was done, and what was merged with it."""
    return await _async_show(ask, ask.data["report_id"])


async def _async_show(ask: Ask, report_id: str) -> dict[str, Any]:
    row: dict[str, Any] = await ask.async_do(GetReport(report_id))
    return {
        **row,
        "accounts": await ask.async_accounts([line["who"] for line in row["steps"]]),
    }


@command("report_photo", _PHOTO, "get_report")
async def report_photo(ask: Ask) -> dict[str, str]:
    """Return a photo as base64 of a JPEG. It is in the audit first."""
    return {"content": b64encode(await _async_open(ask)).decode()}


async def _async_open(ask: Ask, part_of: str | None = None) -> bytes:
    """Return a photo. Raises ServiceValidationError if its file is gone or damaged."""
    book = _book(ask)
    key = await ask.async_do(OpenPhoto(ask.data["photo_id"], book.vault, part_of))
    if (jpeg := await book.async_show(ask.data["photo_id"], key)) is None:
        raise refused("no_such_photo")
    return jpeg


async def _async_change(
    ask: Ask, to: State, photos: Sequence[Photo] = ()
) -> dict[str, Any]:
    book, data = _book(ask), ask.data
    stored = await book.async_store(photos)
    change = ChangeReport(
        data["report_id"],
        to,
        book.vault,
        data.get("version"),
        data.get("party"),
        data["note"],
        stored,
        book.due_at,
    )
    try:
        answer = await async_or_conflict(
            ask, change, lambda: _async_show(ask, data["report_id"])
        )
    except Exception:
        await book.async_let_go(stored)
        raise
    if answer["written"] is None:
        await book.async_let_go(stored)
    return answer


@command(
    "assign_report",
    {**_REPORT, **_NOTE, vol.Required("party"): vol.Coerce(Party)},
    "assign_report",
)
async def assign_report(ask: Ask) -> dict[str, Any]:
    """Say whose it is to mend a hazard."""
    return await _async_change(ask, State.ASSIGNED)


@command(
    "mend_report",
    {
        **_REPORT,
        **_NOTE,
        vol.Optional("photos", default=list): vol.All(
            [cv.string], vol.Length(max=MOST_PHOTOS)
        ),
    },
    "mend_report",
)
async def mend_report(ask: Ask) -> dict[str, Any]:
    """Say that a hazard is mended, with up to 3 photos (base64): who has reported it is asked if it is."""
    # Nothing is decoded for who may not.
    await ask.async_do(CheckReport(ask.data["report_id"]))
    photos = []
    for text in ask.data["photos"]:
        try:
            data = b64decode(text, validate=True)
        except binascii.Error:
            raise refused("photo_not_a_photo") from None
        photos.append(await _book(ask).cleaner.async_clean(data))
    return await _async_change(ask, State.MENDED, photos)


@command("close_report", {**_REPORT, **_NOTE}, "close_report")
async def close_report(ask: Ask) -> dict[str, Any]:
    """Close a report of which nothing is to be done (any more)."""
    return await _async_change(ask, State.CLOSED)


@command("reopen_report", {**_REPORT, **_NOTE}, "reopen_report")
async def reopen_report(ask: Ask) -> dict[str, Any]:
    """Take a report up again: it was said to be mended, and is not."""
    return await _async_change(ask, State.REOPENED)


@command(
    "merge_reports", {**_REPORT, vol.Required("into_id"): cv.string}, "merge_reports"
)
async def merge_reports(ask: Ask) -> dict[str, Any]:
    """Let one report go on for another that is about the same."""
    return await ask.async_do(MergeReports(ask.data["report_id"], ask.data["into_id"]))


@command(
    "blur_photo",
    {
        **_PHOTO,
        vol.Required("boxes"): vol.All([_BOX], vol.Length(min=1, max=_MOST_BOXES)),
    },
    "blur_photo",
)
async def blur_photo(ask: Ask) -> dict[str, Any]:
    """Make parts of a photo unreadable for good: left, top, width and height of each, as parts of the whole. The photo has another id then, and the one before is gone."""
    book = _book(ask)
    jpeg = await _async_open(ask, "blur_photo")
    photo = await book.cleaner.async_clean(jpeg, ask.data["boxes"])
    stored = await book.async_store([photo])
    try:
        change = ReplacePhoto(ask.data["photo_id"], book.vault, stored[0])
        photo_id = await ask.async_do(change)
    except Exception:
        await book.async_let_go(stored)
        raise
    await book.async_remove([ask.data["photo_id"]])
    return {"photo_id": photo_id}


@command("remove_photo", _PHOTO, "remove_photo")
async def remove_photo(ask: Ask) -> None:
    """Remove a photo for good: it shows what it must not."""
    book = _book(ask)
    await ask.async_do(ReplacePhoto(ask.data["photo_id"], book.vault, None))
    await book.async_remove([ask.data["photo_id"]])
