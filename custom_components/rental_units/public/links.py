"""Signed links and tokens: who has one can do what it is for, and nothing else.

The secret is per entry, in Home Assistant's private storage. A token of one purpose is none
of another.
"""

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
from ..hosts import may_be_public

_ALGORITHM = "HS256"
#: To look for our own address costs more than to send: it is kept for so many seconds.
BASE_SECONDS = 5.0
#: Letters and digits alone: what else a link may end with, not every phone takes for its
#: part. Eleven of them are 65 bits.
_ALPHABET = digits + ascii_letters
CODE_CHARACTERS = 11


class Links:
    """Makes and reads the tokens of one entry."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Initialize; `async_load` reads the secret or makes one."""
        self._hass = hass
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

    def code(self, purpose: str, key: str) -> str:
        """Return a short token, which is looked up among those of what is open.

        It has room in a text message: the beginning of a signature, which says nothing.
        """
        text = f"{purpose} {key}".encode()
        number = int.from_bytes(hmac.digest(self._secret.encode(), text, "sha256"))
        characters = ""
        for _ in range(CODE_CHARACTERS):
            number, place = divmod(number, len(_ALPHABET))
            characters += _ALPHABET[place]
        return characters

    def digest(self, purpose: str, token: str) -> str:
        """Return what a token is found by that is kept nowhere: 64 hexadecimal digits."""
        text = f"{purpose} {token}".encode()
        return hmac.digest(self._secret.encode(), text, "sha256").hex()

    def sign(self, purpose: str, **claims: Any) -> str:
        """Return a token that says something itself; with `exp`, until that Unix time."""
        return jwt.encode({"p": purpose, **claims}, self._secret, _ALGORITHM)

    def read(self, purpose: str, token: str) -> dict[str, Any] | None:
        """Return what a token says; None if it is not ours, of this purpose, or expired."""
        claims = self.was_ours(purpose, token)
        # Home Assistant's clock, and no library's: tests freeze it.
        if claims is None or claims.get("exp", math.inf) < time.time():
            return None
        return claims

    def was_ours(self, purpose: str, token: str) -> dict[str, Any] | None:
        """Return what a token of this purpose says, though it may have expired."""
        try:
            claims: dict[str, Any] = jwt.decode(
                token, self._secret, [_ALGORITHM], options={"verify_exp": False}
            )
        except jwt.InvalidTokenError:
            return None
        return claims if claims.get("p") == purpose else None

    def absolute(self, path: str) -> str:
        """Return the address of a path of ours; empty without one that others can reach.

        A provider refuses one of the house's network, with the whole message, and a phone
        in the street cannot open it. An administrator may allow one all the same, by
        Home Assistant's `allowlist_external_urls`.
        """
        now = time.monotonic()
        if self._base is None or now >= self._base_until:
            try:
                self._base = get_url(self._hass, prefer_external=True, allow_cloud=True)
            except NoURLAvailableError:
                self._base = ""
            is_allowed = self._hass.config.is_allowed_external_url
            if not (may_be_public(self._base) or is_allowed(self._base)):
                self._base = ""
            self._base_until = now + BASE_SECONDS
        return self._base + path if self._base else ""
