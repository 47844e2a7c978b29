"""The pages by which everybody reports a hazard, and follows a report: no app, no log-in.

They have no script. What is sent changes something, what is looked at changes nothing: what
fetches ahead, or makes a preview of a link in a message, does no harm.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
import secrets
import time
from typing import Final

from aiohttp import web
from sqlalchemy.orm import Session

from homeassistant.components.http import KEY_HASS
from homeassistant.util import dt as dt_util

from ..places.book import CODE_PATH, PlaceBook, book_of
from ..places.rows import PlaceInfo
from ..places.texts import texts as place_texts, title
from ..places.views import WRONG_A_MINUTE, call, contacts, later, reader, refuse
from ..public.limits import Limit
from ..public.pages import (
    PICTURE_HEADERS,
    button,
    check_box,
    choice,
    emergency,
    facts,
    form,
    hidden,
    lead_to,
    link,
    page,
    paragraph,
    picture,
    text_area,
    too_many,
    upload,
    warning,
)
from ..public.views import SecretView, is_foreign
from ..storage.errors import RegisterError
from . import rows
from .book import ADDABLE, DATA_REPORTS, ReportBook, book_of_receipt
from .const import MOST_LETTERS, MOST_PHOTOS, Category, PhotoKind, State
from .photos import Photo
from .rows import New
from .texts import texts
from .upload import (
    PHOTO,
    READ_SECONDS,
    Senders,
    UploadError,
    async_answer,
    async_content,
    async_parts,
    check,
)

REPORT_PATH: Final = CODE_PATH + "/{token}/report"
RECEIPT_PATH: Final = "/api/h"
#: Forms that one address sends a minute; that come from one plate, and to a property, in an
#: hour: behind one address may be a whole house, and a photo takes seconds to look at.
SENT_A_MINUTE: Final = 10
FROM_A_PLACE: Final = 30
OF_A_PROPERTY: Final = 120
#: Receipts and photos that one address looks at in a minute.
SEEN_A_MINUTE: Final = 240
#: So long a form that was opened can be sent, in seconds.
FORM_SECONDS: Final = 3_600
_FORM: Final = "report form"
_HOUR: Final = 3_600


@dataclass(slots=True)
class Sent:
    """What somebody has sent."""

    said: dict[str, str] = field(default_factory=dict)
    photos: list[Photo] = field(default_factory=list)

    @property
    def text(self) -> str:
        """Return the sentence. Raises UploadError."""
        text = " ".join(self.said.get("text", "").split())
        if len(text) > MOST_LETTERS:
            raise UploadError("too_long")
        return text

    @property
    def category(self) -> Category | None:
        """Return what it is; None if that is not said."""
        word = self.said.get("category", "")
        return Category(word) if word in Category else None

    @property
    def is_danger(self) -> bool:
        """Return if somebody's life is said to be in danger."""
        return "danger" in self.said


class _Guard:
    """What all forms with photos have in common."""

    def __init__(self) -> None:
        self.wrong = Limit(WRONG_A_MINUTE)
        self.sent = Limit(SENT_A_MINUTE)
        self.senders = Senders()

    async def async_read(
        self,
        request: web.Request,
        book: ReportBook,
        sent: Sent,
        begin: Callable[[Sent], Awaitable[None]] | None = None,
    ) -> None:
        """Read what was sent, with its photos written anew.

        `begin` is called with the fields before the first photo is read, and before it is
        asked if there is room for one. Raises UploadError: the fields that came until then
        are in `sent`.
        """
        check(request)
        has_begun = False
        try:
            with ExitStack() as stack:
                async with asyncio.timeout(READ_SECONDS):
                    async for part in async_parts(request):
                        name = part.name or ""
                        if name != PHOTO:
                            data = await async_content(part, is_photo=False)
                            sent.said[name] = data.decode("utf-8", "replace")
                            continue
                        if not has_begun:
                            has_begun = True
                            if begin:
                                await begin(sent)
                            stack.enter_context(self.senders.one(request.remote or ""))
                        if len(sent.photos) >= MOST_PHOTOS:
                            raise UploadError("many_photos")
                        # Where none was chosen, a browser sends one of no bytes.
                        if data := await async_content(part, is_photo=True):
                            sent.photos.append(await book.cleaner.async_clean(data))
        except TimeoutError:
            raise UploadError("slow") from None
        except RegisterError as err:
            raise UploadError(err.key) from None
        if begin and not has_begun:
            await begin(sent)


class ReportView(SecretView):
    """The form behind a plate."""

    url = REPORT_PATH
    name = "api:rental_units:report"

    def __init__(self) -> None:
        """Initialize."""
        self._guard = _Guard()
        self._place = Limit(FROM_A_PLACE, _HOUR)
        self._property = Limit(OF_A_PROPERTY, _HOUR)

    async def get(self, request: web.Request, token: str) -> web.Response:
        """Show the form."""
        if (found := book_of(request.app[KEY_HASS], token)) is None:
            return refuse(request, self._guard.wrong)
        return _form(request, *found, token)

    async def post(self, request: web.Request, token: str) -> web.Response:
        """Take a report, and lead to its receipt."""
        hass = request.app[KEY_HASS]
        if (found := book_of(hass, token)) is None:
            return refuse(request, self._guard.wrong)
        places, place = found
        if is_foreign(request):
            # Another site has sent it by the browser of who knows nothing of it.
            return web.Response(status=HTTPStatus.FORBIDDEN)
        book = hass.data[DATA_REPORTS].get(places.entry.entry_id)
        if book is None:
            return later(request)
        is_welcome = (
            self._guard.sent.allows(request.remote or "")
            and self._place.allows(place.id)
            and self._property.allows(book.entry.entry_id)
        )
        told, nonce, sent = False, "", Sent()

        async def begin(sent: Sent) -> None:
            nonlocal told, nonce
            nonce = _nonce(places, place, sent)
            if sent.is_danger:
                # Before all that may be wrong with it, and before the photos: they take their
                # time. Who floods a plate keeps nobody from being helped.
                told = await book.async_alarm(place, sent.category or Category.OTHER)
            if not is_welcome:
                raise UploadError("limit")
            if sent.category is None:
                raise UploadError("no_category")
            _ = sent.text

        try:
            await self._guard.async_read(request, book, sent, begin)
            if not (sent.photos or sent.is_danger):
                raise UploadError("no_photo")
            receipt, digest = book.receipt(nonce)
            category, now = sent.category, time.time()
            assert category
            new = New(
                place.id,
                category,
                sent.is_danger,
                sent.text,
                digest,
                now,
                book.due_at(category, now),
            )
            written = await book.async_file(new, sent.photos)
        except UploadError as err:
            return _form(
                request, places, place, token, err.key, told=told, said=sent.said
            )
        except RegisterError:
            return _form(
                request, places, place, token, "not_kept", told=told, said=sent.said
            )
        if not written:
            return refuse(request, self._guard.wrong)
        return lead_to(f"{RECEIPT_PATH}/{receipt}")


def _nonce(places: PlaceBook, place: PlaceInfo, sent: Sent) -> str:
    """Return what is a form's of ours alone, for this place. Raises UploadError."""
    claims = places.links.read(_FORM, sent.said.get("form", ""))
    if claims is None or claims.get("place") != place.id:
        raise UploadError("old")
    return str(claims["jti"])


def _form(
    request: web.Request,
    places: PlaceBook,
    place: PlaceInfo,
    token: str,
    wrong: str = "",
    *,
    told: bool = False,
    said: Mapping[str, str] | None = None,
) -> web.Response:
    """Return the form: whom to call comes before it. What was `said` is not asked for again."""
    said = said or {}
    hass, language = request.app[KEY_HASS], reader(request)
    text, words = texts(language)["page"], texts(language)
    book = hass.data[DATA_REPORTS].get(places.entry.entry_id)
    signed = places.links.sign(
        _FORM,
        place=place.id,
        jti=secrets.token_urlsafe(16),
        exp=int(time.time() + FORM_SECONDS),
    )
    body = (
        warning(text.get(wrong, text["unreadable"]) if wrong else "")
        + paragraph(text["told" if told else "danger_first"])
        + call(hass, language)
        + form(
            REPORT_PATH.format(token=token),
            hidden("form", signed)
            + check_box("danger", text["danger"], checked="danger" in said)
            + choice(
                "category",
                text["category"],
                ((row, words["category"][row]) for row in Category),
                said.get("category", ""),
            )
            + text_area("text", text["text"], MOST_LETTERS, said.get("text", ""))
            + upload(PHOTO, text["photos"]),
            text["send"],
            files=True,
        )
        + paragraph(text["hint"].format(days=book.keep_photo_days if book else ""))
        + link(f"{CODE_PATH}/{token}", text["back"])
    )
    status = _STATUS.get(wrong, HTTPStatus.BAD_REQUEST) if wrong else HTTPStatus.OK
    if wrong in ("limit", "photo_busy", "busy", "not_kept"):
        body += "".join(contacts(places, language))
    return page(language, f"{text['title']} · {title(place, language)}", body, status)


_STATUS: Final = {
    "photo_too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "too_long": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "slow": HTTPStatus.REQUEST_TIMEOUT,
    "limit": HTTPStatus.TOO_MANY_REQUESTS,
    "busy": HTTPStatus.SERVICE_UNAVAILABLE,
    "not_kept": HTTPStatus.SERVICE_UNAVAILABLE,
    "photo_busy": HTTPStatus.SERVICE_UNAVAILABLE,
}


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the holder of a receipt is shown: what they have sent, and what came of it."""

    report: rows.Brief
    can_reopen: bool
    can_add: bool
    #: Their own photos, and those of who has mended it: id, when, and the row with its key.
    photos: list[tuple[str, PhotoKind, str]]


def _receipt(session: Session, digest: str) -> Receipt | None:
    own = rows.by_digest(session, digest)
    if own is None:
        return None
    report = rows.leading(session, own)
    now = time.time()
    return Receipt(
        rows.brief(report),
        rows.may_reopen(report, now),
        State(report.state) in ADDABLE,
        [
            (row.id, PhotoKind(row.kind), row.sealed_id)
            for row in (
                *(row for row in own.photos if row.kind == PhotoKind.BEFORE),
                *(row for row in report.photos if row.kind == PhotoKind.AFTER),
            )
        ],
    )


class _OfReceipt(SecretView):
    """A view whose address holds the token of a receipt."""

    def __init__(self) -> None:
        """Initialize."""
        self._wrong = Limit(WRONG_A_MINUTE)
        self._seen = Limit(SEEN_A_MINUTE)

    async def async_find(
        self, request: web.Request, token: str
    ) -> tuple[ReportBook, str, Receipt] | web.Response:
        """Return the report of a receipt with its book and digest, or what to answer."""
        who = request.remote or ""
        if not self._seen.allows(who):
            return too_many()
        books, is_known = book_of_receipt(request.app[KEY_HASS]), True
        for book in books:
            digest = book.digest(token)
            try:
                found = await book.register.async_read(partial(_receipt, digest=digest))
            except RegisterError:
                is_known = False
                continue
            if found:
                return book, digest, found
        if not self._wrong.allows(who):
            return too_many()
        if not books or not is_known:
            return later(request)
        language = reader(request)
        text = texts(language)["receipt"]
        body = paragraph(text["invalid"]) + call(request.app[KEY_HASS], language)
        return page(language, text["invalid_title"], body, HTTPStatus.GONE)


class ReceiptView(_OfReceipt):
    """The page of a report, for who has sent it."""

    url = RECEIPT_PATH + "/{token}"
    name = "api:rental_units:receipt"

    def __init__(self) -> None:
        """Initialize."""
        super().__init__()
        self._guard = _Guard()

    async def get(self, request: web.Request, token: str) -> web.Response:
        """Show what has become of it."""
        found = await self.async_find(request, token)
        if isinstance(found, web.Response):
            return found
        return _shown(request, found[0], found[2], token)

    async def post(self, request: web.Request, token: str) -> web.Response:
        """Take that it is mended, that it is not, or something more."""
        found = await self.async_find(request, token)
        if isinstance(found, web.Response):
            return found
        book, digest, receipt = found
        if is_foreign(request):
            return web.Response(status=HTTPStatus.FORBIDDEN)
        if not self._guard.sent.allows(request.remote or ""):
            return too_many()
        sent = Sent()
        try:
            to = await self._async_said(request, book, sent)
            await book.async_answer(
                digest, to, sent.text, sent.photos, sent.said.get("form", "")
            )
        except UploadError as err:
            added = sent.said.get("text", "")
            return _shown(request, book, receipt, token, err.key, added=added)
        except rows.WrongStateError:
            return _shown(request, book, receipt, token, "state_wrong")
        except rows.TooManyPhotosError:
            return _shown(request, book, receipt, token, "full")
        except RegisterError:
            return later(request)
        return lead_to(f"{RECEIPT_PATH}/{token}")

    async def _async_said(
        self, request: web.Request, book: ReportBook, sent: Sent
    ) -> State | None:
        """Return to which state the report is to come, None for none; `sent` is what is added."""
        if request.content_type == "multipart/form-data":
            await self._guard.async_read(request, book, sent)
            if not (sent.text or sent.photos):
                raise UploadError("no_photo")
            if not sent.said.get("form"):
                raise UploadError("old")
            return None
        said = await async_answer(request)
        if said not in (State.CONFIRMED, State.REOPENED):
            raise UploadError("unreadable")
        return State(said)


class ReceiptPhotoView(_OfReceipt):
    """A photo of a report, for who has sent it."""

    url = RECEIPT_PATH + "/{token}/{photo_id}"
    name = "api:rental_units:receipt_photo"

    async def get(
        self, request: web.Request, token: str, photo_id: str
    ) -> web.Response:
        """Send one of the photos that the receipt shows."""
        found = await self.async_find(request, token)
        if isinstance(found, web.Response):
            return found
        book, _, receipt = found
        sealed_id = next(
            (sealed for key, _, sealed in receipt.photos if key == photo_id), None
        )
        jpeg = None
        if sealed_id is not None:
            try:
                key = await book.register.async_read(
                    lambda session: book.vault.read(session, sealed_id)
                )
            except RegisterError:
                key = None
            jpeg = await book.async_show(photo_id, key) if key else None
        if jpeg is None:
            return web.Response(status=HTTPStatus.NOT_FOUND)
        return web.Response(
            body=jpeg, content_type="image/jpeg", headers=PICTURE_HEADERS
        )


def _shown(
    request: web.Request,
    book: ReportBook,
    receipt: Receipt,
    token: str,
    wrong: str = "",
    *,
    added: str = "",
) -> web.Response:
    language = reader(request)
    text = texts(language)["receipt"]
    status = HTTPStatus.OK
    if wrong:
        status = _STATUS.get(wrong, HTTPStatus.BAD_REQUEST)
        if wrong == "state_wrong":
            status = HTTPStatus.CONFLICT
    return page(
        language,
        text["title"],
        "".join(_body(request, book, receipt, token, wrong, added=added)),
        status,
        pictures=True,
    )


def _body(
    request: web.Request,
    book: ReportBook,
    receipt: Receipt,
    token: str,
    wrong: str,
    *,
    added: str,
) -> Iterator[str]:
    hass, language = request.app[KEY_HASS], reader(request)
    words, report = texts(language), receipt.report
    text, path = words["receipt"], f"{RECEIPT_PATH}/{token}"
    if wrong:
        yield warning(
            text.get(wrong) or words["page"].get(wrong) or words["page"]["unreadable"]
        )
    party = text["parties"][report.party] if report.party else ""
    yield facts(
        (
            (text["state"], words["state"][report.state]),
            (text["what"], words["category"][report.category]),
            (text["where"], title(report.place, language) or book.entry.title),
            (text["since"], _day(report.created_at)),
            (text["due"], _day(report.due_at) if report.is_open else ""),
            (text["party"], party),
        )
    )
    for photo_id, kind, _ in receipt.photos:
        yield picture(f"{path}/{photo_id}", text[kind])
    if report.state is State.MENDED:
        yield paragraph(text["mended"])
        yield button("answer", State.CONFIRMED, text["confirm"])
    if receipt.can_reopen:
        key = "reopen" if report.state is State.MENDED else "reopen_over"
        yield button("answer", State.REOPENED, text[key])
    if receipt.can_add:
        yield form(
            path,
            hidden("form", secrets.token_urlsafe(16))
            + text_area("text", text["add_text"], MOST_LETTERS, added)
            + upload(PHOTO, words["page"]["photos"]),
            text["add"],
            files=True,
        )
    yield paragraph(text["thanks"])
    yield emergency(hass.config.country, place_texts(language)["page"]["fire"])


def _day(at: float) -> str:
    return dt_util.as_local(dt_util.utc_from_timestamp(at)).strftime("%Y-%m-%d %H:%M")
