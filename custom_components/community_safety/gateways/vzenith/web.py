"""The pages of a camera, by which its list can be read.

Read from what its own pages send: a log-in that makes a cookie, and JSON to ask for rows.
"""

import asyncio
import base64
import struct
import time
from typing import Any, Final

import aiohttp
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from homeassistant.util.json import JSON_DECODE_EXCEPTIONS, json_loads

ANSWER_SECONDS = 10.0
#: Rows of one answer; no camera gives more.
PAGE: Final = 50
#: The key that every camera's log-in page has written in it. It keeps nothing secret.
_KEY: Final = "天天"
_TAKEN: Final = 200
#: What is answered without a log-in, or after one that has run out.
_NOBODY: Final = 401


class WebError(Exception):
    """The pages did not answer, or not as they should."""


class LoginError(WebError):
    """The log-in was refused, and is not tried again."""


def sealed(text: str, at: float) -> str:
    """Return a text as the log-in page sends it: AES-128 in counter mode, base64.

    The key is encrypted with itself first, and the nonce is a time in Unix seconds.
    """
    key = _KEY.encode().ljust(16, b"\0")
    # That is how the page makes a key, not how anything is kept secret.
    made = Cipher(algorithms.AES(key), modes.ECB()).encryptor().update(key)  # noqa: S305
    seconds, part = int(at), int(at % 1 * 1000) & 0xFF
    nonce = struct.pack("<I", seconds & 0xFFFFFFFF) + bytes([part]) * 4
    cipher = Cipher(algorithms.AES(made), modes.CTR(nonce + bytes(8)))
    return base64.b64encode(nonce + cipher.encryptor().update(text.encode())).decode()


class Web:
    """The pages of one camera. A password that was refused is not sent again."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        username: str,
        password: str,
        *,
        was_refused: bool = False,
    ) -> None:
        """Initialize; `url` is the origin.

        A log-in that an earlier run saw refused is not tried at all.
        """
        self._session = session
        self._url = url
        self._login = f"{username}:{password}"
        self._cookie: str | None = None
        #: A password that is wrong is sent once, by however many at the same time.
        self._log_ins = asyncio.Lock()
        self.is_refused = was_refused

    async def count(self) -> int:
        """Return how many records there are. Raises WebError."""
        answer = await self._ask_list("select_count_by_plate", plate="")
        count = answer.get("total_count")
        if not isinstance(count, int):
            raise WebError("it does not say how many")
        return count

    async def rows(self, plate: str, begin: int) -> list[dict[str, Any]]:
        """Return records of which the plate holds a text, from a place on. Raises WebError."""
        answer = await self._ask_list(
            "select_fuzzy", plate=plate, start_pos=begin, select_count=PAGE
        )
        found = answer.get("dldb_rec", [])
        if not isinstance(found, list) or any(
            not isinstance(row, dict) or not row.get("plate") for row in found
        ):
            raise WebError("its list cannot be understood")
        return found

    async def status(self) -> dict[str, Any]:
        """Return when the list counts, and what its clock shows. Raises WebError."""
        answer = await self._ask("dboprnew.php", {"type": "get_wl_check_status"})
        body = answer.get("body")
        if not isinstance(body, dict):
            raise WebError("it does not say when its list counts")
        return body

    async def _ask_list(self, what: str, **more: Any) -> dict[str, Any]:
        return await self._ask(
            "dbopr.php",
            {"cmd": "white_list_operator", "id": "1", "operator_type": what, **more},
        )

    async def _ask(self, page: str, question: dict[str, Any]) -> dict[str, Any]:
        for is_last in (False, True):
            cookie = await self._async_log_in()
            answer = self._understood(await self._post(page, question))
            code = answer.get("state_code", answer.get("state"))
            if code == _TAKEN:
                return answer
            if code != _NOBODY:
                raise WebError(f"refused with {code}")
            if self._cookie == cookie:
                self._cookie = None
            if is_last:
                break
        raise WebError("it lets nobody in for long")

    def _understood(self, body: str) -> dict[str, Any]:
        try:
            answer = json_loads(body)
        except JSON_DECODE_EXCEPTIONS as err:
            raise WebError("no JSON") from err
        if not isinstance(answer, dict):
            raise WebError("no answer of a camera")
        return answer

    async def _async_log_in(self) -> str:
        """Return the cookie of a log-in: that which there is, or of a new one."""
        async with self._log_ins:
            if self.is_refused:
                raise LoginError("the log-in was refused")
            if self._cookie is None:
                body = await self._post("login.php", sealed(self._login, time.time()))
                if not body.strip().startswith("OK") or self._cookie is None:
                    self._cookie = None
                    self.is_refused = True
                    raise LoginError("the log-in was refused")
            return self._cookie

    async def _post(self, page: str, body: str | dict[str, Any]) -> str:
        headers = {"Cookie": f"sessionID={self._cookie}"} if self._cookie else {}
        try:
            async with self._session.post(
                f"{self._url}/{page}",
                data=body if isinstance(body, str) else None,
                json=body if isinstance(body, dict) else None,
                headers=headers,
                timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS),
                allow_redirects=False,
            ) as response:
                if response.status == _NOBODY:
                    return f'{{"state": {_NOBODY}}}'
                if response.status != _TAKEN:
                    raise WebError(f"HTTP {response.status}")
                if found := response.cookies.get("sessionID"):
                    self._cookie = found.value
                return await response.text("utf-8", "replace")
        except (aiohttp.ClientError, TimeoutError) as err:
            raise WebError(type(err).__name__) from err
