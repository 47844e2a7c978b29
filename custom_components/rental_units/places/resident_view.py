"""The page of a resident at their door: by a one-time code, without an account or a script."""

from collections.abc import Callable, Collection, Iterator
from http import HTTPStatus
from typing import Any, Final
from weakref import WeakKeyDictionary

from aiohttp import web

from homeassistant.components.http import KEY_HASS
from homeassistant.core import HomeAssistant

from ..alerts.runtime import engine_of
from ..alerts.texts import title as alert_title
from ..public.limits import Limit
from ..public.pages import (
    facts,
    field,
    form,
    hidden,
    lead_to,
    link,
    page,
    paragraph,
    warning,
)
from ..public.views import SecretView, is_foreign
from ..storage.errors import RegisterError
from .book import CODE_PATH, PlaceBook, book_of
from .residents import (
    CODE_SECONDS,
    COOKIE,
    PASS_SECONDS,
    RESIDENT_PATH,
    Residents,
    Shown,
    TooManyError,
)
from .rows import PlaceInfo
from .texts import texts
from .views import WRONG_A_MINUTE, busy, call, contacts, later, reader, refuse
from .visitors_view import VISITORS_PATH, homes_of

#: Forms that one address sends a minute.
SENT_A_MINUTE: Final = 20
_MINUTES: Final = CODE_SECONDS // 60

#: Returns the open hazard reports of a property's units, in a language; None: not known.
type Reports = Callable[[HomeAssistant, str, Collection[str], str], list[str] | None]


class ResidentView(SecretView):
    """What somebody is shown who lives behind a door."""

    url = RESIDENT_PATH
    name = "api:rental_units:resident"

    def __init__(self, reports: Reports) -> None:
        """Initialize; `reports` tells which reports are open."""
        self._reports = reports
        self._wrong = Limit(WRONG_A_MINUTE)
        self._sent = Limit(SENT_A_MINUTE)
        self._residents = WeakKeyDictionary[PlaceBook, Residents]()

    def _of(self, request: web.Request, book: PlaceBook) -> Residents:
        """Return the codes of a property; they go with its book."""
        if (found := self._residents.get(book)) is None:
            found = self._residents[book] = Residents(request.app[KEY_HASS], book)
        return found

    async def get(self, request: web.Request, token: str) -> web.Response:
        """Show the page to who has a pass, and to others what asks for a code."""
        if (found := book_of(request.app[KEY_HASS], token)) is None:
            return refuse(request, self._wrong)
        book, place = found
        language = reader(request)
        if given := request.cookies.get(COOKIE):
            try:
                shown = await self._of(request, book).async_show(place, given)
            except RegisterError:
                return later(request)
            if shown:
                return _page(
                    language,
                    "".join(self._shown(request, book, shown, token, language)),
                )
        return _ask(request, token, language)

    async def post(self, request: web.Request, token: str) -> web.Response:
        """Take an address, a code, or that somebody has done with it."""
        if (found := book_of(request.app[KEY_HASS], token)) is None:
            return refuse(request, self._wrong)
        if is_foreign(request):
            # Another site, in whose form somebody else's code was entered.
            return web.Response(status=HTTPStatus.FORBIDDEN)
        if not self._sent.allows(request.remote or ""):
            return busy(request)
        try:
            said = {key: str(value) for key, value in (await request.post()).items()}
        except ValueError, LookupError:
            # No form, or in a character set that there is not.
            said = {}
        book, place = found
        language = reader(request)
        text = texts(language)["resident"]
        if "leave" in said:
            return _go(request, token, None)
        if "code" in said:
            given = self._of(request, book).enter(
                place, said.get("challenge", ""), said["code"]
            )
            if given:
                return _go(request, token, given)
            challenge = said.get("challenge", "")
            if self._of(request, book).is_open(place, challenge):
                # Who has mistyped needs no second message.
                return _enter(request, token, language, challenge, is_wrong=True)
            return _ask(request, token, language, text["wrong"], HTTPStatus.FORBIDDEN)
        if not said.get("address"):
            return _ask(request, token, language, status=HTTPStatus.BAD_REQUEST)
        try:
            challenge = await self._of(request, book).async_ask(place, said["address"])
        except TooManyError:
            body = paragraph(text["many"]) + call(request.app[KEY_HASS], language)
            return _page(language, body, HTTPStatus.TOO_MANY_REQUESTS)
        except RegisterError:
            return later(request)
        return _enter(request, token, language, challenge)

    def _shown(
        self,
        request: web.Request,
        book: PlaceBook,
        shown: Shown,
        token: str,
        language: str,
    ) -> Iterator[str]:
        text = texts(language)["resident"]
        hass = request.app[KEY_HASS]
        engine = engine_of(hass, book.entry.entry_id)
        units = dict.fromkeys(home.unit_id for home in shown.homes)
        names = {
            row.unit_id: row for row in book.places.values() if row.unit_id in units
        }
        yield facts(
            (
                text["yours"],
                text["home"].format(
                    unit=_name(names.get(home.unit_id)), role=text["role"][home.role]
                ),
            )
            for home in shown.homes
        )
        reports = self._reports(hass, book.entry.entry_id, units, language)
        is_known = engine is not None and reports is not None
        found = [
            alert_title(alert, language)
            for alert in (engine.alerts.values() if engine else ())
            if units.keys() & set(alert.unit_ids)
        ]
        found += reports or []
        if not is_known:
            found.append(text["open_unknown"])
        yield facts((text["open"], row) for row in found or [text["nothing_open"]])
        yield facts(
            (
                text["cards"],
                " ".join(
                    part
                    for part in (str(row["card_number"]), text["card"][row["state"]])
                    if part
                ),
            )
            for row in shown.cards
        ) or facts([(text["cards"], text["no_cards"])])
        if homes_of(hass, book, shown.person_id).intersection(units):
            yield link(VISITORS_PATH.format(token=token), text["visitors"])
        yield "".join(contacts(book, language))
        yield form(_path(token), hidden("leave", "1"), text["leave"])
        yield link(CODE_PATH + f"/{token}", text["back"])
        yield call(hass, language)


def _path(token: str) -> str:
    return RESIDENT_PATH.format(token=token)


def _page(language: str, body: str, status: int = HTTPStatus.OK) -> web.Response:
    return page(language, texts(language)["resident"]["title"], body, status)


def _ask(
    request: web.Request,
    token: str,
    language: str,
    said: str = "",
    status: int = HTTPStatus.OK,
) -> web.Response:
    """Return the form that asks for an address."""
    text = texts(language)["resident"]
    body = (
        warning(said)
        + paragraph(text["ask"])
        + form(
            _path(token),
            field(
                "address",
                text["address"],
                autocomplete="tel",
                maxlength="200",
            ),
            text["send"],
        )
        + link(CODE_PATH + f"/{token}", text["back"])
        + call(request.app[KEY_HASS], language)
    )
    return _page(language, body, status)


def _enter(
    request: web.Request,
    token: str,
    language: str,
    challenge: str,
    *,
    is_wrong: bool = False,
) -> web.Response:
    """Return the form that asks for the code."""
    text = texts(language)["resident"]
    body = (
        (
            warning(text["again"])
            if is_wrong
            else paragraph(text["sent"].format(minutes=_MINUTES))
        )
        + form(
            _path(token),
            hidden("challenge", challenge)
            + field(
                "code",
                text["code"],
                inputmode="numeric",
                autocomplete="one-time-code",
                maxlength="10",
            ),
            text["enter"],
        )
        + link(CODE_PATH + f"/{token}", text["back"])
        + call(request.app[KEY_HASS], language)
    )
    return _page(language, body, HTTPStatus.FORBIDDEN if is_wrong else HTTPStatus.OK)


def _go(request: web.Request, token: str, given: str | None) -> web.Response:
    """Lead to the page, with a pass or without one.

    A cookie that only this page is sent, by no other site's link and to no script.
    """
    response = lead_to(_path(token))
    about: dict[str, Any] = {
        "path": _path(token),
        "httponly": True,
        "samesite": "Strict",
        "secure": request.secure,
    }
    if given is None:
        response.del_cookie(COOKIE, **about)
    else:
        response.set_cookie(COOKIE, given, max_age=PASS_SECONDS, **about)
    return response


def _name(place: PlaceInfo | None) -> str:
    parts = (place.building, place.stairwell, place.number) if place else ()
    return "-".join(part for part in parts if part)
