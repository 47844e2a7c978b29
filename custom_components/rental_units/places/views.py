"""The page behind the code on a plate: open to everybody, and nobody is in it.

It is read from memory and has no script, so that it is there with bad reception, and while
the database is away. To look changes nothing but the count of scans.
"""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Final

from aiohttp import web

from homeassistant.components.frontend import async_panel_exists
from homeassistant.components.http import KEY_HASS
from homeassistant.core import HomeAssistant, callback

from ..panel import DATA_MODULE
from ..public.limits import Limit
from ..public.pages import emergency, facts, link, page, paragraph, police
from ..public.views import SecretView, is_looked_at
from ..register import default_language
from .book import CODE_PATH, DATA_BOOKS, PlaceBook, book_of
from .const import (
    CONF_MEETING_POINT,
    CONF_OFFICE_PHONE,
    CONF_STATION,
    CONF_STATION_PHONE,
)
from .rows import PlaceInfo
from .sockets import sockets_of
from .texts import language_of, storey, texts, title

#: Codes that one address tries in vain, and pages that it opens with valid ones, a minute:
#: behind one address may be a whole town, and a page costs next to nothing.
WRONG_A_MINUTE: Final = 60
PAGES_A_MINUTE: Final = 600
#: The control room, which shows the place to who has an account.
_PANEL: Final = "safety"


class CodeView(SecretView):
    """What everybody is shown who scans a plate."""

    url = CODE_PATH + "/{token}"
    name = "api:rental_units:place"

    def __init__(self) -> None:
        """Initialize."""
        self._wrong = Limit(WRONG_A_MINUTE)
        self._pages = Limit(PAGES_A_MINUTE)

    async def get(self, request: web.Request, token: str) -> web.Response:
        """Show the place."""
        if (found := book_of(request.app[KEY_HASS], token)) is None:
            return refuse(request, self._wrong)
        if not self._pages.allows(request.remote or ""):
            return busy(request)
        book, place = found
        if is_looked_at(request):
            book.scanned(token, place)
        language = reader(request)
        return page(
            language,
            title(place, language),
            "".join(_body(request.app[KEY_HASS], book, place, token, language)),
        )


def _body(
    hass: HomeAssistant, book: PlaceBook, place: PlaceInfo, token: str, language: str
) -> Iterator[str]:
    """Yield what is on the page: first whom to call, then where one is, then what one can do."""
    text, about = texts(language)["page"], book.about
    yield call(hass, language)
    yield facts(
        (
            (text["address"], place.address),
            (text["property"], book.entry.title),
            (text["kind"], texts(language)["kind"][place.kind]),
            (text["storey"], storey(place, language)),
            (text["sockets"], _sockets(hass, place, language)),
            (text["meeting"], about.get(CONF_MEETING_POINT, "")),
        )
    )
    yield from contacts(book, language)
    # What somebody can do here who has scanned it: below `address`, each a page of its own.
    yield link(f"{CODE_PATH}/{token}/report", text["report"])
    if book.units_in(place):
        yield link(f"{CODE_PATH}/{token}/resident", text["resident"])
    if DATA_MODULE in hass.data and async_panel_exists(hass, _PANEL):
        yield link(f"/{_PANEL}/place/{token}", text["staff"])


def contacts(book: PlaceBook, language: str) -> Iterator[str]:
    """Yield whom of the property and the police one can call about what does not burn."""
    text, about = texts(language)["page"], book.about
    station = about.get(CONF_STATION) or text["station"]
    if phone := about.get(CONF_STATION_PHONE):
        yield link(f"tel:{phone}", text["call"].format(name=station))
    elif about.get(CONF_STATION):
        yield facts([(text["station"], station)])
    if phone := about.get(CONF_OFFICE_PHONE):
        yield link(f"tel:{phone}", text["call"].format(name=text["office"]))


def _sockets(hass: HomeAssistant, place: PlaceInfo, language: str) -> str:
    if (found := sockets_of(hass, place.area_id)) is None:
        return ""
    key = "free_unknown" if found.unknown else "free"
    return str(
        texts(language)["page"][key].format(
            free=found.free, total=found.total, unknown=found.unknown
        )
    )


@callback
def reader(request: web.Request) -> str:
    """Return the language of who reads."""
    hass = request.app[KEY_HASS]
    return language_of(
        request.headers.get("Accept-Language", ""),
        default_language(hass.config.language),
    )


def call(hass: HomeAssistant, language: str) -> str:
    """Return the two links that call for help."""
    text, country = texts(language)["page"], hass.config.country
    return emergency(country, text["fire"]) + police(country, text["police"])


def refuse(request: web.Request, wrong: Limit) -> web.Response:
    """Answer a code that is not valid: whether it ever was is not told.

    Who guesses is kept from making work, and nobody from calling for help.
    """
    if not wrong.allows(request.remote or ""):
        return busy(request)
    hass, language = request.app[KEY_HASS], reader(request)
    books = hass.data[DATA_BOOKS].values()
    if not books or not all(book.is_known for book in books):
        # A plate is not called wrong by who does not know.
        return later(request)
    return _without_place(hass, language, "invalid", HTTPStatus.GONE)


def busy(request: web.Request) -> web.Response:
    """Answer who asks too often, or shares their address with who does: it may burn there."""
    hass, language = request.app[KEY_HASS], reader(request)
    answer = _without_place(hass, language, "later", HTTPStatus.TOO_MANY_REQUESTS)
    answer.headers["Retry-After"] = "60"
    return answer


def later(request: web.Request) -> web.Response:
    """Answer who asks for what the database would have to say, while it is away."""
    hass, language = request.app[KEY_HASS], reader(request)
    return _without_place(hass, language, "later", HTTPStatus.SERVICE_UNAVAILABLE)


def _without_place(
    hass: HomeAssistant, language: str, key: str, status: int
) -> web.Response:
    text = texts(language)["page"]
    body = paragraph(text[key]) + call(hass, language)
    return page(language, text[f"{key}_title"], body, status)
