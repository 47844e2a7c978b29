"""The HTTP side of a Frigate: its log-in, and what it tells only when it is asked.

Port 5000 asks nobody who they are. Port 8971 gives a token for a password, which is good for a
day: then it is asked for anew. A password that was refused is not sent again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import (
    ClientError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
)
from yarl import URL

from homeassistant.const import CONF_PASSWORD, CONF_URL, CONF_USERNAME
from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import async_create_clientsession
from homeassistant.util.json import JSON_DECODE_EXCEPTIONS, json_loads

#: Seconds for one answer: a summary of a year's recordings takes some.
ANSWER_SECONDS = 30.0
#: What an answer may be at most, in bytes: the configuration of many cameras is large.
MOST_BYTES = 16_000_000
#: And a picture: what a camera sees has some hundred thousand.
MOST_PICTURE_BYTES = 8_000_000


type _Read = Callable[[ClientResponse], Awaitable[Any]]


class FrigateError(Exception):
    """It did not answer, or not as it should."""


class RefusedError(FrigateError):
    """It has no such thing, or not for this user."""


class LoginError(FrigateError):
    """The log-in was refused, or there is none and one is needed."""


class Server:
    """A Frigate at an address such as `http://192.0.2.7:5000`. Methods raise FrigateError."""

    def __init__(
        self,
        session: ClientSession,
        url: str,
        username: str | None,
        password: str | None,
    ) -> None:
        """Initialize; without a user's name nobody logs in. The session keeps no cookies."""
        self._session = session
        self._root = URL(url) / "api"
        self._username, self._password = username, password or ""
        self._token: str | None = None
        #: It says itself that nobody need log in here.
        self._is_open = not username
        self._refused: LoginError | None = None
        self._turn = asyncio.Lock()

    def close(self) -> None:
        """Let the session go, if it was made for this server alone."""
        self._session.detach()

    async def get(self, *path: str, **query: str | float) -> Any:
        """Return the JSON that is at a path below `api`."""
        return await self._async_ask(path, query, _async_json)

    async def picture(self, *path: str) -> bytes:
        """Return the JPEG that is at a path below `api`."""
        content: bytes = await self._async_ask(path, {}, _async_picture)
        return content

    async def _async_ask(
        self, path: tuple[str, ...], query: Mapping[str, str | float], read: _Read
    ) -> Any:
        if self._refused:
            raise self._refused
        try:
            async with self._turn, asyncio.timeout(ANSWER_SECONDS):
                return await self._async_get(path, query, read)
        except LoginError as err:
            self._refused = err
            raise
        except (ClientError, OSError, ValueError) as err:
            # Its own text may hold an address, and nothing else.
            raise FrigateError(repr(err)) from err

    async def _async_get(
        self, path: tuple[str, ...], query: Mapping[str, str | float], read: _Read
    ) -> Any:
        was_open = self._is_open
        if not self._is_open and self._token is None:
            await self._async_log_in()
        status, answer = await self._async_send("GET", path, read, query=query)
        if _is_asked_who(status) and self._token:
            # It is good for a day; or its password was changed.
            await self._async_log_in()
            status, answer = await self._async_send("GET", path, read, query=query)
        if _is_asked_who(status):
            reason = "a log-in is needed" if was_open else "its token is not taken"
            raise LoginError(reason)
        if status in (403, 404):
            raise RefusedError(f"HTTP {status}")
        if status != 200:
            raise FrigateError(f"HTTP {status}")
        return answer

    async def _async_log_in(self) -> None:
        self._token = None
        status, _answer = await self._async_send(
            "POST",
            ("login",),
            _async_json,
            body={"user": self._username, "password": self._password},
        )
        if status == 404:
            # Log-ins are switched off there.
            self._is_open = True
        elif _is_asked_who(status) or status in (400, 403, 422):
            raise LoginError("wrong user name or password")
        elif status != 200 or self._token is None:
            raise FrigateError(f"HTTP {status} at the log-in")

    async def _async_send(
        self,
        method: str,
        path: tuple[str, ...],
        read: _Read,
        *,
        query: Mapping[str, str | float] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> tuple[int, Any]:
        """Return the status of an answer, and what it holds if that is 200. Raises ValueError."""
        async with self._session.request(
            method,
            self._root.joinpath(*path).with_query(query or {}),
            json=body,
            headers={"Authorization": f"Bearer {self._token}"} if self._token else None,
            allow_redirects=False,
            timeout=ClientTimeout(total=None),
        ) as response:
            if response.status != 200:
                return response.status, None
            if body is not None:
                # Whatever its cookie is called there: it sets one.
                cookies = list(response.cookies.values())
                self._token = cookies[0].value if cookies else None
                return 200, None
            return 200, await read(response)


def new_server(hass: HomeAssistant, data: Mapping[str, Any]) -> Server:
    """Return the HTTP side of a Frigate, by the data of its config entry."""
    return Server(
        # Its certificate is its own, and its token none of the other integrations' business.
        async_create_clientsession(hass, verify_ssl=False, cookie_jar=DummyCookieJar()),
        data[CONF_URL],
        data.get(CONF_USERNAME),
        data.get(CONF_PASSWORD),
    )


def _is_asked_who(status: int) -> bool:
    """Return if it wants to know who we are: it sends browsers to a page for that."""
    return status == 401 or 300 <= status < 400


async def _async_json(response: ClientResponse) -> Any:
    """Return the JSON of an answer. Raises ValueError for what is none, or does not end."""
    content = await _async_content(response, MOST_BYTES)
    try:
        return json_loads(content)
    except JSON_DECODE_EXCEPTIONS as err:
        raise ValueError("not JSON") from err


async def _async_picture(response: ClientResponse) -> bytes:
    """Return the JPEG of an answer. Raises ValueError for what is none, or does not end."""
    content = await _async_content(response, MOST_PICTURE_BYTES)
    if not content.startswith(b"\xff\xd8\xff"):
        raise ValueError("not a JPEG")
    return content


async def _async_content(response: ClientResponse, most: int) -> bytes:
    try:
        await response.content.readexactly(most + 1)
    except asyncio.IncompleteReadError as err:
        return err.partial
    raise ValueError("too long")
