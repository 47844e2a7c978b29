"""Residents at their door: a one-time code to an address that was verified, and what they see.

Nobody learns from it who lives there: to an address that is not known, or not verified, the
same is said, and no code is ever right.
"""

from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
import hmac
import secrets
import time
from typing import Final
import uuid

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from homeassistant.core import HomeAssistant, callback
from homeassistant.util.json import JsonValueType

from ..alerts.channels.base import Message, SendError
from ..alerts.const import Severity
from ..alerts.runtime import engine_of
from ..app.cards import open_cards
from ..const import LOGGER, Channel, Reason
from ..public.limits import Limit
from ..register import queries
from ..register.addresses import parse_phone
from ..register.models import ContactAddress, Lease, Person, Unit
from .book import CODE_PATH, PlaceBook
from .rows import PlaceInfo
from .texts import texts

#: Digits of a code; so long it holds, and so often it may be tried: who tries 5 of a million,
#: three times an hour, is right once in 7 years.
DIGITS: Final = 6
CODE_SECONDS: Final = 600
MOST_TRIES: Final = 5
#: Codes an hour: to one address, from one plate, and of a property; and in a day to one
#: address. Text messages cost money, and who gets one that they have not asked for is alarmed.
TO_AN_ADDRESS: Final = 3
TO_AN_ADDRESS_A_DAY: Final = 6
FROM_A_PLACE: Final = 20
OF_A_PROPERTY: Final = 200
#: Codes that are open at once; the oldest goes.
MOST_OPEN: Final = 1000
#: So long somebody is shown their page, who has entered the code.
PASS_SECONDS: Final = 900
#: Where their page is, and in which cookie their pass.
RESIDENT_PATH: Final = CODE_PATH + "/{token}/resident"
COOKIE: Final = "rental_units_resident"
#: Over these a code is sent: it has to be read.
_CHANNELS: Final = (Channel.SMS, Channel.EMAIL)
_PURPOSE: Final = "resident"


@dataclass(slots=True)
class _Challenge:
    """A code that was asked for."""

    place_id: str
    #: None: nobody is known at the address.
    person_id: str | None
    code: str
    until: float
    tries: int = 0


@dataclass(frozen=True, slots=True)
class _Reached:
    """Somebody who lives there, at an address that they have confirmed."""

    person_id: str
    channel: str
    target: str
    language: str


@dataclass(frozen=True, slots=True)
class Home:
    """What somebody is shown of a unit of theirs."""

    unit_id: str
    role: str


@dataclass(frozen=True, slots=True)
class Shown:
    """What somebody is shown at their door."""

    person_id: str
    homes: list[Home]
    cards: list[dict[str, JsonValueType]]


class TooManyError(Exception):
    """More codes were asked for than anybody needs."""


class Residents:
    """The one-time codes of a property."""

    def __init__(self, hass: HomeAssistant, book: PlaceBook) -> None:
        """Initialize."""
        self._hass = hass
        self._book = book
        self._open: OrderedDict[str, _Challenge] = OrderedDict()
        self._to = Limit(TO_AN_ADDRESS, 3600)
        self._in_a_day = Limit(TO_AN_ADDRESS_A_DAY, 86_400)
        self._from = Limit(FROM_A_PLACE, 3600)
        self._of = Limit(OF_A_PROPERTY, 3600)

    async def async_ask(self, place: PlaceInfo, address: str) -> str:
        """Send a code to an address, if somebody of the place has confirmed it; return its id.

        Raises TooManyError, RegisterError.
        """
        if not (self._from.allows(place.id) and self._of.allows("")):
            raise TooManyError
        target = _normal(address, self._hass.config.country)
        today, units = self._book.register.today, self._book.units_in(place)
        found: _Reached | None = await self._book.register.async_read(
            lambda session: _find(session, target, units, today)
        )
        code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"
        if found and self._to.allows(target) and self._in_a_day.allows(target):
            # After the answer, and not begun before it: how long that takes would tell that
            # somebody is known.
            self._book.entry.async_create_background_task(
                self._hass,
                self._async_send(found, code),
                "rental units code",
                eager_start=False,
            )
        else:
            found = None
        challenge_id = secrets.token_urlsafe(16)
        self._open[challenge_id] = _Challenge(
            place.id,
            found.person_id if found else None,
            code,
            time.time() + CODE_SECONDS,
        )
        while len(self._open) > MOST_OPEN:
            self._open.popitem(last=False)
        return challenge_id

    async def _async_send(self, reached: _Reached, code: str) -> None:
        engine = engine_of(self._hass, self._book.entry.entry_id)
        channel = engine.dispatcher.channels.get(reached.channel) if engine else None
        if channel is None:
            LOGGER.warning("A one-time code was not sent: no_channel")
            return
        place, text = self._book.entry.title, texts(reached.language)["resident"]
        message = Message(
            delivery_id=uuid.uuid4().hex,
            alert_id=uuid.uuid4().hex,
            alarm_id=None,
            severity=Severity.MESSAGE,
            hazard=None,
            drill=False,
            language=reached.language,
            title=text["message_title"].format(place=place),
            text=text["message"].format(code=code, minutes=CODE_SECONDS // 60),
            place=place,
            step=0,
            round=0,
            to=reached.target,
        )
        try:
            await channel.async_send(message)
        except SendError as err:
            LOGGER.warning("A one-time code was not sent: %s", err.reason)
        except Exception as err:  # noqa: BLE001
            # Whatever it is, and without its text: that may hold a number.
            LOGGER.error("A one-time code was not sent: %s", type(err).__name__)

    @callback
    def is_open(self, place: PlaceInfo, challenge_id: str) -> bool:
        """Return if a code that was asked for at a place can still be entered.

        That of somebody who is not known is as long open as any.
        """
        challenge = self._open.get(challenge_id)
        return bool(
            challenge
            and challenge.place_id == place.id
            and challenge.until >= time.time()
        )

    @callback
    def enter(self, place: PlaceInfo, challenge_id: str, code: str) -> str | None:
        """Return a pass for who enters the code that was sent to them; it holds once.

        None: it is wrong, over, another place's, or was entered already.
        """
        challenge = self._open.get(challenge_id)
        if challenge is None or challenge.place_id != place.id:
            return None
        challenge.tries += 1
        is_right = hmac.compare_digest(challenge.code.encode(), code.strip().encode())
        is_over = challenge.until < time.time()
        if is_right or is_over or challenge.tries >= MOST_TRIES:
            del self._open[challenge_id]
        if not is_right or is_over or challenge.person_id is None:
            return None
        return self._book.links.sign(
            _PURPOSE,
            place=place.id,
            person=challenge.person_id,
            exp=int(time.time() + PASS_SECONDS),
        )

    async def async_show(self, place: PlaceInfo, given: str) -> Shown | None:
        """Return what the holder of a pass is shown; None if it does not hold (any more).

        It is in the audit. Raises RegisterError.
        """
        if (person_id := holder_of(self._book, place, given)) is None:
            return None
        today, units = self._book.register.today, self._book.units_in(place)
        return await self._book.register.async_run(
            lambda session: _show(session, person_id, units, today)
        )


@callback
def holder_of(book: PlaceBook, place: PlaceInfo, given: str) -> str | None:
    """Return who was given a pass for a place; None if it does not hold (any more)."""
    claims = book.links.read(_PURPOSE, given)
    if claims is None or claims.get("place") != place.id:
        return None
    return str(claims["person"])


def _normal(address: str, country: str | None) -> str:
    """Return an address as the register has it."""
    if "@" in address:
        return address.strip()
    try:
        return parse_phone(address, country)
    except ValueError:
        return ""


def _find(
    session: Session, target: str, units: Collection[str], today: date
) -> _Reached | None:
    """Return who of these units is reached at an address that they have confirmed.

    It is one question, whether somebody is known or not: a second one would take longer.
    """
    found = session.execute(
        select(
            Person.id,
            ContactAddress.channel,
            ContactAddress.target,
            func.coalesce(ContactAddress.language, Person.language),
        )
        .join(Lease, Lease.person_id == Person.id)
        .join(ContactAddress, ContactAddress.person_id == Person.id)
        .where(
            Lease.unit_id.in_(units),
            queries.is_current(today),
            ContactAddress.target == target,
            ContactAddress.channel.in_(_CHANNELS),
            ContactAddress.verified_at.is_not(None),
        )
        .order_by(Person.id)
        .limit(1)
    ).first()
    return _Reached(*found) if found else None


def _show(
    session: Session, person_id: str, units: Collection[str], today: date
) -> Shown | None:
    leases = session.execute(
        select(Lease.unit_id, Lease.role)
        .join(Unit, Unit.id == Lease.unit_id)
        .where(
            Lease.person_id == person_id,
            Lease.unit_id.in_(units),
            queries.is_current(today),
        )
        .order_by(Lease.unit_id, Lease.role)
    ).all()
    if not leases:
        # They have left since.
        return None
    for unit_id in dict.fromkeys(row.unit_id for row in leases):
        queries.audit(
            session,
            None,
            "resident_page",
            Reason.REQUEST,
            unit_id=unit_id,
            person_id=person_id,
        )
    return Shown(
        person_id,
        [Home(unit_id, role) for unit_id, role in leases],
        open_cards(session, person_id, time.time()),
    )
