"""Searches, from a panel: the case first, then what was seen, and what becomes of it."""

from base64 import b64decode, b64encode
import binascii
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
import hashlib
import time
from typing import Any

import voluptuous as vol

from homeassistant.components.http.auth import async_sign_path
from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util

from ..alerts.channels.push import phones_with
from ..app.search import (
    AttachPicture,
    CloseCase,
    ExportCase,
    ForgetSightings,
    GetCase,
    GetCases,
    Look,
    NoteReceipt,
    OpenCase,
    SeePicture,
    ShowPicture,
    TellResponders,
    Watch,
    describe,
)
from ..app.work import Command, refused
from ..const import LANGUAGES, Reason
from ..forms import default_language
from ..reports.book import DATA_REPORTS
from ..search.book import DATA_SEARCHES, SearchBook
from ..search.const import LOOKS, MOST_LETTERS, OUTCOMES, WHY, CaseKind
from ..search.pictures import LINK_SECONDS, Shot, may_be_pictured
from ..search.rows import Subject
from ..sighting_view import picture_path
from ..transfer.trail import trail_file
from .base import REASON, TEXT, Ask, command
from .feed import Feed

_CASE: dict[vol.Marker, Any] = {vol.Required("case_id"): cv.string}
_SAID = vol.All(cv.string, vol.Length(max=MOST_LETTERS))
#: Doors, gates and cameras that one look names.
_MOST_PLACES = 100


def _book(ask: Ask) -> SearchBook:
    return ask.hass.data[DATA_SEARCHES][ask.application.register.entry.entry_id]


async def _async_do[T](ask: Ask, change: Command[T], case_id: str) -> T:
    """Carry out a command of a case."""
    return await ask.application.async_do(change, ask.context, _why(ask, case_id))


def _why(ask: Ask, case_id: str) -> Reason:
    """Return why something is done: the case says it."""
    case = _book(ask).cases.get(case_id)
    return WHY[case.kind] if case else Reason.MANAGEMENT


@command("search_cases", REASON, "get_cases")
async def search_cases(ask: Ask) -> dict[str, Any]:
    """List the searches, open and over: why, whose and until when each is, and how often somebody has looked. Nobody is in it."""
    await ask.async_do(GetCases())
    rows = _items(_book(ask))
    ids = [row[key] for row in rows.values() for key in ("opened_by", "closed_by")]
    return {"cases": list(rows.values()), "accounts": await ask.async_accounts(ids)}


def _items(book: SearchBook) -> dict[str, Any]:
    now = time.time()
    return {key: describe(row, now) for key, row in book.cases.items()}


@command("subscribe_search_cases", {}, "get_cases")
async def subscribe_search_cases(ask: Ask) -> Feed:
    """Tell of the searches as they come, change and end, and that something was seen in one. An item is a search; nobody is in it."""
    await ask.application.async_authorize(ask.context, "get_cases")
    book = _book(ask)

    def read() -> Mapping[str, Any] | None:
        found = ask.application.permit(ask.user, "get_cases")
        return _items(book) if found else None

    return Feed(ask, read, [book.listen])


@command(
    "open_search_case",
    {
        vol.Required("kind"): vol.Coerce(CaseKind),
        vol.Optional("person_id"): cv.string,
        vol.Optional("subject", default=""): _SAID,
        vol.Optional("description", default=""): _SAID,
        vol.Optional("plate", default=""): TEXT,
        vol.Required("authority"): _SAID,
    },
    "open_case",
)
async def open_search_case(ask: Ask) -> dict[str, Any]:
    """Open a search: who of the register, or who or which plate else is looked for (`subject`, `plate`), why (`kind`), how they look (`description`, which those who respond are told), and by whose number (`authority`). It closes by itself after 24 hours."""
    data, book = ask.data, _book(ask)
    subject = Subject(
        data["subject"], data["description"], data["plate"], data["authority"]
    )
    opened = OpenCase(book.vault, data["kind"], subject, data.get("person_id"))
    case_id = await ask.application.async_do(opened, ask.context, WHY[data["kind"]])
    return {"case_id": case_id}


@command("search_case", _CASE, "get_case")
async def search_case(ask: Ask) -> dict[str, Any]:
    """Show a search: who is looked for while it is open, all that was done in it, which doors, gates and cameras there are, and in which words these say how somebody looks."""
    book, case_id = _book(ask), ask.data["case_id"]
    row = await _async_do(ask, GetCase(case_id, book.vault), case_id)
    deeds: Any = row["deeds"]
    case = book.cases.get(case_id)
    who = [deed["who"] for deed in deeds]
    return {
        **(describe(case, time.time()) if case else {}),
        **row,
        "accounts": await ask.async_accounts(who),
        "words": {key: list(words) for key, words in LOOKS.items()},
        "places": [
            {"device_id": device_id, "door": door, **_where(book, device_id, door)}
            for device_id, door in await book.async_sources()
        ],
    }


def _where(book: SearchBook, device_id: str, door: str) -> dict[str, Any]:
    found = book.where(device_id, door)
    return {
        "name": found.name,
        "place": found.place,
        "place_id": found.place_id,
        "latitude": found.latitude,
        "longitude": found.longitude,
    }


@command(
    "search_sightings",
    {
        **_CASE,
        vol.Optional("household", default=False): cv.boolean,
        vol.Optional("plate"): TEXT,
        vol.Optional("category"): TEXT,
        vol.Optional("colour"): TEXT,
        vol.Optional("age_group"): TEXT,
        vol.Optional("untold", default=False): cv.boolean,
        vol.Optional("places", default=list): vol.All(
            [vol.ExactSequence([cv.string, vol.Any(None, cv.string)])],
            vol.Length(max=_MOST_PLACES),
        ),
        vol.Optional("since"): cv.datetime,
        vol.Optional("until"): cv.datetime,
    },
    "search_sightings",
)
async def search_sightings(ask: Ask) -> dict[str, Any]:
    """Look in an open search: where its person or plate was seen, the newest first, with the gaps in between. `household` adds those who live with them; a plate may have `*` and `?`, and O and 0, I and 1 and the province are taken for one another; `category`, `colour` and `age_group` are what a camera says, and `untold` adds what it has seen without saying that; places are devices with a door or null. Each look is in the case and in the audit."""
    data, book = ask.data, _book(ask)
    said = {
        key: value for key, value in data.items() if key not in ("case_id", "entry_id")
    }
    said["places"] = tuple(map(tuple, said["places"]))
    for key in ("since", "until"):
        if said.get(key):
            said[key] = dt_util.as_utc(said[key]).timestamp()
    found: Any = await _async_do(
        ask, Look(data["case_id"], book.vault, said), data["case_id"]
    )
    names = found.pop("names")
    case = book.cases.get(data["case_id"])
    has_pictures = case is not None and case.kind is not CaseKind.ACCESS
    return {
        **found,
        "sightings": [
            {
                **row,
                "name": names.get(row["person_id"]),
                "pictured": has_pictures
                and may_be_pictured(ask.hass, row["device_id"], row["event_id"]),
                "where": _where(book, row["device_id"], row["door"]),
            }
            for row in found["sightings"]
        ],
    }


@command(
    "search_picture",
    {
        **_CASE,
        vol.Required("deed_id"): cv.string,
        vol.Required("device_id"): cv.string,
        vol.Required("door"): cv.string,
        vol.Required("event_id"): cv.string,
    },
    "search_sightings",
)
async def search_picture(ask: Ask) -> dict[str, Any]:
    """Return a link (`path`) to the picture of a sighting that a look (`deed_id`) has shown, and that is `pictured`. It is good once, for two minutes, for this user, and while the search is open; the picture is fetched from the camera then, and kept nowhere."""
    data, book = ask.data, _book(ask)
    shot = Shot(
        *(data[key] for key in ("case_id", "deed_id", "device_id", "door", "event_id"))
    )
    await _async_do(ask, SeePicture(book.vault, shot), shot.case_id)
    path = picture_path(ask.data["entry_id"], book.links.issue(shot, ask.user.id))
    return {
        "path": async_sign_path(
            ask.hass,
            path,
            timedelta(seconds=LINK_SECONDS),
            refresh_token_id=ask.connection.refresh_token_id,
        )
    }


@command(
    "watch_search_case",
    {**_CASE, vol.Optional("watch", default=True): cv.boolean},
    "watch_case",
)
async def watch_search_case(ask: Ask) -> dict[str, Any]:
    """Be told of the next sighting in a search, on one's own phones and in the panel, until it closes; `phones` says on how many."""
    data = ask.data
    change = Watch(data["case_id"], _book(ask).vault, data["watch"])
    await _async_do(ask, change, data["case_id"])
    return {"phones": len(phones_with(ask.hass, ask.user.id))}


@command(
    "attach_search_picture",
    {**_CASE, vol.Optional("photo"): cv.string},
    "alert_case",
)
async def attach_search_picture(ask: Ask) -> None:
    """Let those who respond see a photo (base64) of who is lost, beside the description, until the search closes; without one, none any more. It is written anew: place, time and camera are not kept."""
    book, case_id = _book(ask), ask.data["case_id"]
    jpeg = None
    if text := ask.data.get("photo"):
        # Nothing is decoded for who may not.
        await ask.application.async_authorize(
            ask.context, AttachPicture.name, _why(ask, case_id)
        )
        try:
            data = b64decode(text, validate=True)
        except binascii.Error:
            raise refused("photo_not_a_photo") from None
        reports = ask.hass.data[DATA_REPORTS][book.entry.entry_id]
        jpeg = (await reports.cleaner.async_clean(data)).jpeg
    await _async_do(ask, AttachPicture(case_id, book.vault, jpeg), case_id)


@command("search_case_picture", _CASE, "get_case")
async def search_case_picture(ask: Ask) -> dict[str, str]:
    """Return the photo that is attached to a search, as base64 of a JPEG."""
    book, case_id = _book(ask), ask.data["case_id"]
    jpeg = await _async_do(ask, ShowPicture(case_id, book.vault), case_id)
    return {"content": b64encode(jpeg).decode()}


@command("alert_search_case", _CASE, "alert_case")
async def alert_search_case(ask: Ask) -> dict[str, Any]:
    """Tell those who respond how the person of a search looks and where they were seen last: no name, no number, no trail. `told` says if they are being told."""
    book, case_id = _book(ask), ask.data["case_id"]
    text, last = await _async_do(ask, TellResponders(case_id, book.vault), case_id)
    return {"told": await book.async_tell(case_id, text, last)}


@command(
    "close_search_case",
    {**_CASE, vol.Required("outcome"): vol.All(vol.In(OUTCOMES), cv.string)},
    "close_case",
)
async def close_search_case(ask: Ask) -> None:
    """Close a search, with what came of it: those who were told hear that it is over, and what they were told is taken back."""
    case_id = ask.data["case_id"]
    await _async_do(ask, CloseCase(case_id, ask.data["outcome"]), case_id)


@command(
    "export_search",
    {
        **_CASE,
        vol.Required("deed_id"): cv.string,
        vol.Optional("format", default="xlsx"): vol.In(("csv", "xlsx")),
        vol.Optional("language"): vol.In(LANGUAGES),
    },
    "export_case",
)
async def export_search(ask: Ask) -> dict[str, Any]:
    """Return what a look (`deed_id`) has shown as a file (its bytes as base64): each row bears the receipt, which is written down with the SHA-256 of the file, by whom, when and for which search."""
    data, book = ask.data, _book(ask)
    given = await _async_do(
        ask, ExportCase(data["deed_id"], book.vault, data["case_id"]), data["case_id"]
    )
    content = await ask.hass.async_add_executor_job(
        partial(
            trail_file,
            given,
            case_id=data["case_id"],
            who=ask.user.name or ask.user.id,
            places={
                (row.device_id, row.channel): book.where(row.device_id, row.channel)
                for row in given.rows
            },
            language=data.get("language") or default_language(ask.hass),
            excel=data["format"] == "xlsx",
        )
    )
    digest = hashlib.sha256(content).hexdigest()
    await _async_do(ask, NoteReceipt(given.receipt, digest), data["case_id"])
    return {
        "content": b64encode(content).decode(),
        "name": f"search-{given.receipt}.{data['format']}",
        "receipt": given.receipt,
        "digest": digest,
        "rows": len(given.rows),
    }


@command(
    "forget_sightings",
    {vol.Required("person_id"): cv.string, **REASON},
    "forget_sightings",
)
async def forget_sightings(ask: Ask) -> None:
    """Remove what was seen of somebody, who stays in the register; not while they are looked for."""
    await ask.async_do(ForgetSightings(ask.data["person_id"]))
