"""Signed links and tokens: one alert and one unit each, and no longer than the alert.

The secret is per entry, in Home Assistant's private storage. Who has a link can answer
for one unit to one alert; nothing can be read with it but what was in the message.

The token of an answer must fit into an SMS, of whose template a variable holds 20 or 35
characters. So it is the beginning of a signature, which is looked up among those of the
open deliveries: whoever makes 10,000 guesses a second at 4,000 of them for four hours
finds one with a probability of one in 90 million.
"""

from collections.abc import Callable
from functools import partial
import hmac
import math
import secrets
from string import ascii_letters, digits
import time
from typing import Any

import jwt

from homeassistant.core import HomeAssistant
from homeassistant.helpers.network import NoURLAvailableError, get_url
from homeassistant.helpers.storage import Store

from ..const import DOMAIN
from .models import Alert, Delivery

ANSWER_PATH = "/api/r"
CALLBACK_PATH = "/api/rental_units/callback"
_ALGORITHM = "HS256"
#: To look for our own address costs more than to send: it is kept for so many seconds.
BASE_SECONDS = 5.0
#: Letters and digits alone: what else a link may end with, not every phone takes for its
#: part. Eleven of them are 65 bits.
_ALPHABET = digits + ascii_letters
TOKEN_CHARACTERS = 11
#: The address for a provider's console holds so long; each that is shown is a new one.
REPORT_SECONDS = 400 * 86_400
#: Seconds before its end that a repair asks for the next one.
REPORT_NOTICE_SECONDS = 30 * 86_400
#: Purposes: a token of one is none of another.
CALLBACK = "c"
REPORT = "r"


class Links:
    """Makes and reads the tokens of one entry."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Initialize; `async_load` reads the secret or makes one."""
        self._hass = hass
        self._entry_id = entry_id
        self._store = Store[dict[str, str]](
            hass, 1, f"{DOMAIN}.{entry_id}.secret", private=True, atomic_writes=True
        )
        self._secret = ""
        self._base: str | None = None
        self._base_until = 0.0

    async def async_load(self) -> None:
        """Read the secret."""
        data = await self._store.async_load()
        if not data:
            data = {"secret": secrets.token_hex(32)}
            await self._store.async_save(data)
        self._secret = data["secret"]

    async def async_remove(self) -> None:
        """Forget the secret: every link is void."""
        await self._store.async_remove()

    def token(self, delivery: Delivery, purpose: str = "answer") -> str:
        """Return what stands for a delivery in the link to answer it, or in a button."""
        key, text = self._secret.encode(), f"{purpose} {delivery.id}".encode()
        number = int.from_bytes(hmac.digest(key, text, "sha256"))
        characters = ""
        for _ in range(TOKEN_CHARACTERS):
            number, place = divmod(number, len(_ALPHABET))
            characters += _ALPHABET[place]
        return characters

    def sign(self, alert: Alert, delivery: Delivery) -> str:
        """Return a token for a provider's callback."""
        return jwt.encode(
            {
                "p": CALLBACK,
                "a": alert.id,
                "u": delivery.unit_id or "",
                "d": delivery.id,
            },
            self._secret,
            _ALGORITHM,
        )

    def report_token(self) -> str:
        """Return the token of the address that a provider's console asks for."""
        return jwt.encode(
            {"p": REPORT, "exp": int(time.time() + REPORT_SECONDS)},
            self._secret,
            _ALGORITHM,
        )

    def read(self, purpose: str, token: str) -> dict[str, Any] | None:
        """Return what a token says; None if it is not ours, of this purpose, or expired."""
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self._secret,
                [_ALGORITHM],
                # Home Assistant's clock, and no library's: tests freeze it.
                options={"verify_exp": False},
            )
        except jwt.InvalidTokenError:
            return None
        if claims.get("p") != purpose:
            return None
        # A callback ends with its alert.
        end = 0 if purpose == REPORT else math.inf
        if claims.get("exp", end) < time.time():
            return None
        return claims

    def is_old_report(self, token: str) -> bool:
        """Return if a token of reports was ours, and has ended."""
        try:
            claims = jwt.decode(
                token, self._secret, [_ALGORITHM], options={"verify_exp": False}
            )
        except jwt.InvalidTokenError:
            return False
        return bool(claims.get("p") == REPORT)

    def answer_url(self, delivery: Delivery) -> str:
        """Return the link for a message; empty where Home Assistant has no address."""
        base = self.answer_base()
        return base + self.token(delivery) if base else ""

    def answer_base(self) -> str:
        """Return what stands before the token of a link; empty without an address."""
        return self.absolute(f"{ANSWER_PATH}/")

    def callback_url(self, alert: Alert, delivery: Delivery) -> str:
        """Return where a provider reports about a delivery; empty without an address."""
        return self._url(partial(self.sign, alert, delivery))

    def report_url(self) -> str:
        """Return the address for a provider's console; empty without an address."""
        return self._url(self.report_token)

    def absolute(self, path: str) -> str:
        """Return the address of a path of ours; empty without an address."""
        now = time.monotonic()
        if self._base is None or now >= self._base_until:
            try:
                self._base = get_url(self._hass, prefer_external=True, allow_cloud=True)
            except NoURLAvailableError:
                self._base = ""
            self._base_until = now + BASE_SECONDS
        return self._base + path if self._base else ""

    def _url(self, token: Callable[[], str]) -> str:
        base = self.absolute(f"{CALLBACK_PATH}/{self._entry_id}/")
        return base + token() if base else ""
