"""The page on which a landlord without an account lets visitors in, by a code for some hours.

It is behind the page of a resident: who has entered a one-time code has a pass for it. It
shows a code once, as the answer to the form that asked for it.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
import secrets
import time
from typing import Final

from aiohttp import web

from homeassistant.components.http import KEY_HASS
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import ServiceValidationError, Unauthorized
from homeassistant.util import dt as dt_util
from homeassistant.util.json import JsonValueType

from ..app.application import DATA_APPLICATIONS, Application
from ..app.visitors import (
    FORM_TAKEN,
    MOST_DAYS_AHEAD,
    MOST_HOURS,
    EndVisit,
    GetOwnVisitors,
    InviteVisitor,
)
from ..public.limits import Limit
from ..public.pages import (
    choice,
    facts,
    field as field_of,
    form,
    hidden,
    lead_to,
    link,
    page,
    paragraph,
    warning,
)
from ..public.views import SecretView, is_foreign
from ..register.people import Contact
from ..storage.errors import RegisterError
from ..storage.vault import Vault
from .book import PlaceBook, book_of
from .residents import COOKIE, PASS_SECONDS, RESIDENT_PATH, holder_of
from .rows import PlaceInfo
from .texts import texts, title
from .views import WRONG_A_MINUTE, busy, call, later, reader, refuse

VISITORS_PATH: Final = RESIDENT_PATH + "/visitors"
#: Forms that one address sends a minute, and pages that somebody opens: each is a row in
#: the audit.
SENT_A_MINUTE: Final = 20
SEEN_A_MINUTE: Final = 60
#: Letters of a name at the most.
MOST_LETTERS: Final = 100
#: For how long somebody may be let in, in hours.
HOURS: Final = (1, 2, 4, 8, 12, 24, 48, MOST_HOURS)
#: What the form begins with.
_USUALLY: Final = "2"
_FORM: Final = "visitors form"
_INVITE: Final = "invite_visitor"
#: How a day and time is written, to fill it in and to read it.
_FIELD: Final = "%Y-%m-%dT%H:%M"
_SHOWN: Final = "%Y-%m-%d %H:%M"

type Row = dict[str, JsonValueType]


@callback
def homes_of(hass: HomeAssistant, book: PlaceBook, person_id: str) -> frozenset[str]:
    """Return the units to which somebody may let visitors in."""
    application = hass.data[DATA_APPLICATIONS].get(book.entry.entry_id)
    return application.units_for(person_id, _INVITE) if application else frozenset()


@dataclass(frozen=True, slots=True)
class _Host:
    """Who is on the page, and where."""

    application: Application
    book: PlaceBook
    place: PlaceInfo
    token: str
    language: str
    person_id: str
    #: Their units here, by id: what they are called.
    homes: dict[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """Return the address of the page."""
        return VISITORS_PATH.format(token=self.token)

    def ticket(self) -> str:
        """Return what a form of ours has, and none of another site or of before."""
        return self.book.links.sign(
            _FORM,
            place=self.place.id,
            person=self.person_id,
            jti=secrets.token_urlsafe(16),
            exp=int(time.time() + PASS_SECONDS),
        )

    def read(self, ticket: str) -> str | None:
        """Return the digest of what is this form's alone; None: not theirs, or too old."""
        claims = self.book.links.read(_FORM, ticket)
        if claims is None or (claims["place"], claims["person"]) != (
            self.place.id,
            self.person_id,
        ):
            return None
        return self.book.links.digest(_FORM, claims["jti"])


class VisitorsView(SecretView):
    """Whom somebody lets in, who has shown that they are the landlord."""

    url = VISITORS_PATH
    name = "api:rental_units:visitors"

    def __init__(self) -> None:
        """Initialize."""
        self._wrong = Limit(WRONG_A_MINUTE)
        self._sent = Limit(SENT_A_MINUTE)
        self._seen = Limit(SEEN_A_MINUTE)

    async def get(self, request: web.Request, token: str) -> web.Response:
        """Show whom they have let in."""
        if (found := book_of(request.app[KEY_HASS], token)) is None:
            return refuse(request, self._wrong)
        if (host := _host(request, *found, token)) is None:
            return lead_to(RESIDENT_PATH.format(token=token))
        if not self._seen.allows(host.person_id):
            return busy(request)
        return await _async_page(request, host)

    async def post(self, request: web.Request, token: str) -> web.Response:
        """Let somebody in, or no more."""
        if (found := book_of(request.app[KEY_HASS], token)) is None:
            return refuse(request, self._wrong)
        if is_foreign(request):
            # Another site has sent it by the browser of who knows nothing of it.
            return web.Response(status=HTTPStatus.FORBIDDEN)
        if not self._sent.allows(request.remote or ""):
            return busy(request)
        if (host := _host(request, *found, token)) is None:
            return lead_to(RESIDENT_PATH.format(token=token))
        try:
            said = {key: str(value) for key, value in (await request.post()).items()}
        except ValueError, LookupError:
            # No form, or in a character set that there is not.
            said = {}
        if (form_id := host.read(said.get("form", ""))) is None:
            return await _async_page(request, host, "old", said)
        try:
            if "end" in said:
                return await _async_end(host, said["end"])
            return await _async_invite(request, host, form_id, said)
        except Unauthorized:
            # It is their unit no more, or their visitor is another's.
            return lead_to(RESIDENT_PATH.format(token=token))
        except RegisterError:
            return later(request)


def _host(
    request: web.Request, book: PlaceBook, place: PlaceInfo, token: str
) -> _Host | None:
    """Return who has a pass and may let visitors in here; None: nobody does."""
    hass = request.app[KEY_HASS]
    application = hass.data[DATA_APPLICATIONS].get(book.entry.entry_id)
    person_id = holder_of(book, place, request.cookies.get(COOKIE, ""))
    if application is None or person_id is None:
        return None
    homes = homes_of(hass, book, person_id).intersection(book.units_in(place))
    language = reader(request)
    names = {
        row.unit_id: title(row, language)
        for row in sorted(
            book.places.values(), key=lambda row: (row.building, row.number)
        )
        if row.unit_id and row.unit_id in homes
    }
    if not names:
        return None
    return _Host(application, book, place, token, language, person_id, names)


def _command(
    host: _Host, form_id: str, said: dict[str, str], now: float
) -> InviteVisitor | None:
    """Return what a form asks for; None if it cannot be read."""
    name = " ".join(said.get("name", "").split())
    unit_id = said.get("unit", next(iter(host.homes)) if len(host.homes) == 1 else "")
    try:
        hours = int(said.get("hours", ""))
        begin = dt_util.as_utc(
            datetime.fromisoformat(said.get("begin", ""))
        ).timestamp()
    except ValueError, OverflowError:
        return None
    if not 0 < len(name) <= MOST_LETTERS or hours not in HOURS:
        return None
    if unit_id not in host.homes:
        return None
    # The form shows the minute in which it was opened.
    is_now = begin <= now < begin + PASS_SECONDS
    return InviteVisitor(
        unit_id,
        Vault(host.application.register.keys),
        Contact(name=name),
        (now if is_now else begin) + hours * 3600,
        None if is_now else begin,
        host.person_id,
        form_id,
    )


async def _async_invite(
    request: web.Request, host: _Host, form_id: str, said: dict[str, str]
) -> web.Response:
    now = time.time()
    if (command := _command(host, form_id, said, now)) is None:
        return await _async_page(request, host, "fields", said)
    try:
        invited = await host.application.async_do_for(command, host.person_id)
    except ServiceValidationError as err:
        about = err.translation_placeholders
        key = err.translation_key or ""
        # What was sent already is not to be filled in for a third time.
        kept = None if key == FORM_TAKEN else said
        return await _async_page(request, host, key, kept, about)
    text = texts(host.language)["visitors"]
    return page(
        host.language,
        text["code_title"],
        facts(
            (
                (text["name"], command.visitor.name or ""),
                (text["code"], str(invited["code"])),
                (text["unit"], host.homes[command.unit_id]),
                (text["begin"], _shown(command.begin or now)),
                (text["until"], _shown(command.end)),
            )
        )
        + paragraph(text["once"])
        + link(host.path, text["on"]),
    )


async def _async_end(host: _Host, card_id: str) -> web.Response:
    command = EndVisit(card_id, host.person_id)
    # One that is taken back already, the page shows as such.
    with suppress(ServiceValidationError):
        await host.application.async_do_for(command, host.person_id)
    return lead_to(host.path)


async def _async_page(
    request: web.Request,
    host: _Host,
    wrong: str = "",
    said: dict[str, str] | None = None,
    about: Mapping[str, str] | None = None,
) -> web.Response:
    """Return the page; `wrong` is why nothing came of what was `said`, `about` its figures."""
    text = texts(host.language)["visitors"]
    command = GetOwnVisitors(tuple(host.homes), host.person_id)
    try:
        rows = await host.application.async_do_for(command, host.person_id)
    except Unauthorized:
        return lead_to(RESIDENT_PATH.format(token=host.token))
    except RegisterError:
        return later(request)
    why = text["wrong"].get(wrong, text["wrong"]["other"]) if wrong else ""
    return page(
        host.language,
        text["title"],
        warning(why.format(**(about or {})))
        + "".join(_body(host, rows, said or {}))
        + call(request.app[KEY_HASS], host.language),
        HTTPStatus.BAD_REQUEST if wrong else HTTPStatus.OK,
    )


def _body(host: _Host, rows: list[Row], said: dict[str, str]) -> Iterator[str]:
    text, ticket = texts(host.language)["visitors"], hidden("form", host.ticket())
    if not rows:
        yield facts([(text["current"], text["nobody"])])
    for row in rows:
        yield facts(
            (
                (text["current"], _row(host, row)),
                (text["state"], _state(host, row)),
            )
        )
        if row["decision"] != "revoked":
            ending = ticket + hidden("end", str(row["card_id"]))
            yield form(host.path, ending, text["end"])
    yield paragraph(text["about"])
    now = dt_util.now()
    hours = text["some_hours"]
    yield form(
        host.path,
        ticket
        + (
            choice("unit", text["unit"], host.homes.items(), said.get("unit", ""))
            if len(host.homes) > 1
            else ""
        )
        + field_of(
            "name",
            text["name"],
            maxlength=str(MOST_LETTERS),
            autocomplete="off",
            value=said.get("name", "")[:MOST_LETTERS],
        )
        + field_of(
            "begin",
            text["begin"],
            type="datetime-local",
            value=now.strftime(_FIELD),
            max=(now + timedelta(days=MOST_DAYS_AHEAD)).strftime(_FIELD),
        )
        + choice(
            "hours",
            text["hours"],
            (
                (str(row), hours["one" if row == 1 else "other"].format(hours=row))
                for row in HOURS
            ),
            said.get("hours", _USUALLY),
        ),
        text["invite"],
    )
    yield link(RESIDENT_PATH.format(token=host.token), text["back"])


def _row(host: _Host, row: Row) -> str:
    begin, end = (
        parsed.timestamp() if (parsed := dt_util.parse_datetime(str(at))) else 0.0
        for at in (row["start"] or row["decided_at"], row["end"])
    )
    return str(
        texts(host.language)["visitors"]["row"].format(
            name=row["name"],
            begin=_shown(begin),
            end=_shown(end),
            unit=host.homes.get(str(row["unit_id"]), ""),
            code=row["card_number"],
        )
    )


def _state(host: _Host, row: Row) -> str:
    """Return what doors have proven of a visitor's code, in words."""
    text, state = texts(host.language), str(row["state"])
    if row["decision"] == "revoked":
        return str(text["visitors"]["ended" if state == "revoked" else "ending"])
    return str(text["resident"]["card"][state])


def _shown(at: float) -> str:
    """Return a Unix time as people here read it."""
    return dt_util.as_local(dt_util.utc_from_timestamp(at)).strftime(_SHOWN)
