"""One terminal: each request with its log-in, its turn, its time and its errors.

A nonce is good for few requests, and a password that is refused some five times locks our
address out for half an hour. So each request asks for a nonce of its own, and a password
that was refused is not sent again.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
import time
from typing import Any
from xml.etree import ElementTree as ET

from aiohttp import (
    ClientError,
    ClientHandlerType,
    ClientRequest,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    DigestAuthMiddleware,
    StreamReader,
)
from aiohttp.hdrs import AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE
from aiohttp.http import HttpProcessingError
from yarl import URL

from homeassistant.util.json import json_loads_object

from ..contact import NoAnswerError

#: Seconds for one answer: terminals that have much to do take five.
ANSWER_SECONDS = 10.0
#: Seconds until a terminal that is busy is asked again, and how often it is asked at all.
BUSY_SECONDS = 0.5
ATTEMPTS = 4
#: A stream sends something at least every half minute: one that does not is no more.
SILENT_SECONDS = 90
#: What an answer or an event may be at most, and a line of a stream.
MOST_BYTES = 1_000_000
MOST_LINE = 65_536
#: Where terminals send by themselves what happens.
STREAM = "Event/notification/alertStream"


class TerminalError(NoAnswerError):
    """A terminal did not answer, or not as it should."""


class RefusedError(TerminalError):
    """It has refused something; `code` says what, such as `cardNoAlreadyExist`."""

    key = "refused"

    def __init__(self, code: str) -> None:
        """Initialize."""
        super().__init__(code)
        self.code = code

    def says(self, *codes: str) -> bool:
        """Return if it is one of these: what comes before them varies."""
        return self.code.lower().endswith(tuple(code.lower() for code in codes))


class LoginError(TerminalError):
    """The log-in was refused, and is not tried again; `left` tries are left, if it says so."""

    def __init__(self, reason: str, left: int | None = None) -> None:
        """Initialize."""
        super().__init__(reason)
        self.left = left


class LockedError(TerminalError):
    """Nobody is let in from our address for so many `seconds`, with whatever password."""

    def __init__(self, seconds: float) -> None:
        """Initialize."""
        super().__init__(f"locked for {seconds:.0f} s")
        self.seconds = seconds


class _AgainError(TerminalError):
    """It is busy, or its nonce was used up: it will answer the next time."""

    def __init__(self, reason: str, seconds: float = 0) -> None:
        """Initialize."""
        super().__init__(reason)
        self.seconds = seconds


class Terminal:
    """A terminal at an address such as `https://192.0.2.7`.

    One request at a time, and a stream beside it: terminals have few sockets. Every method
    raises TerminalError.
    """

    def __init__(
        self,
        session: ClientSession,
        url: str,
        username: str,
        password: str,
        *,
        was_refused: bool = False,
    ) -> None:
        """Initialize; certificates are the session's business.

        A log-in that an earlier run saw refused is not tried at all.
        """
        self._session = session
        self._root = URL(url) / "ISAPI"
        self._login = username, password
        self._turn = asyncio.Lock()
        self._refused = LoginError("refused before") if was_refused else None
        #: Monotonic time until which nobody is let in.
        self._locked_until = 0.0

    async def get(self, path: str) -> dict[str, Any]:
        """Return what a terminal says of something, below the name of its answer."""
        return await self._async_ask("GET", path, None)

    async def send(
        self, method: str, path: str, body: Mapping[str, Any] | str
    ) -> dict[str, Any]:
        """Send an order, JSON or a text of XML, and return the answer. Refusals are raised."""
        return await self._async_ask(method, path, body)

    async def _async_ask(
        self, method: str, path: str, body: Mapping[str, Any] | str | None
    ) -> dict[str, Any]:
        attempts = 0
        async with self._turn:
            while True:
                attempts += 1
                try:
                    async with asyncio.timeout(ANSWER_SECONDS):
                        response = await self._async_send(method, path, body)
                        try:
                            return _answer(response.status, await _async_body(response))
                        finally:
                            response.release()
                except _AgainError as err:
                    if attempts == ATTEMPTS:
                        raise
                    await asyncio.sleep(err.seconds)
                except (ClientError, OSError, ValueError) as err:
                    raise TerminalError(repr(err)) from err

    async def events(self) -> AsyncGenerator[dict[str, Any]]:
        """Yield what it sends by itself, heartbeats too; nothing in what is no message.

        Ends when it closes the stream.
        """
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                response = await self._async_send("GET", STREAM, None)
        except (ClientError, OSError, ValueError) as err:
            raise TerminalError(repr(err)) from err
        try:
            if response.status != 200:
                _answer(response.status, await _async_body(response))
                raise TerminalError("no stream")
            while True:
                async with asyncio.timeout(SILENT_SECONDS):
                    part = await _async_part(response.content)
                if part is None:
                    return
                if not part.startswith(b"\xff\xd8"):
                    # And no picture.
                    try:
                        event = _parse(part)
                    except ValueError:
                        event = {}
                    yield event
        except (
            ClientError,
            HttpProcessingError,
            OSError,
            ValueError,
            EOFError,
        ) as err:
            raise TerminalError(repr(err)) from err
        finally:
            response.close()

    async def _async_send(
        self, method: str, path: str, body: Mapping[str, Any] | str | None
    ) -> ClientResponse:
        """Send something with a nonce of its own. Raises ClientError and OSError too."""
        if self._refused:
            raise self._refused
        if (left := self._locked_until - time.monotonic()) > 0:
            raise LockedError(left)
        url = self._root.joinpath(*path.split("/"))
        is_xml = isinstance(body, str) or path.startswith(("System/", "Event/"))
        try:
            response = await self._session.request(
                method,
                url if is_xml else url.with_query(format="json"),
                data=body.encode() if isinstance(body, str) else None,
                json=None if isinstance(body, str) else body,
                headers={CONTENT_TYPE: "application/xml"}
                if isinstance(body, str)
                else None,
                allow_redirects=False,
                timeout=ClientTimeout(total=None),
                middlewares=(
                    DigestAuthMiddleware(*self._login, preemptive=False),
                    _look_for_lock,
                ),
            )
            if response.status in (401, 403):
                _see_who_is_refused(response, await response.read())
        except LockedError as err:
            self._locked_until = time.monotonic() + err.seconds
            raise
        except LoginError as err:
            self._refused = err
            raise
        return response


async def _look_for_lock(
    request: ClientRequest, handler: ClientHandlerType
) -> ClientResponse:
    """Look at what it says before it knows us: where it is locked, no password is sent."""
    response = await handler(request)
    if response.status == 401:
        text = await response.read()
        if not request.headers.get(AUTHORIZATION):
            _see_if_locked(text)
            if "digest" not in response.headers.get(WWW_AUTHENTICATE, "").lower():
                raise TerminalError("it offers no digest log-in")
    return response


def _see_if_locked(text: bytes) -> None:
    check = _soft_parse(text).get("userCheck")
    if isinstance(check, dict) and check.get("lockStatus") == "lock":
        raise LockedError(float(check.get("unlockTime") or 0) or 1800)


def _see_who_is_refused(response: ClientResponse, text: bytes) -> None:
    """Tell the kinds of refusals apart: each wrong guess costs one of a few tries."""
    found = _soft_parse(text)
    if response.status == 401:
        _see_if_locked(text)
        check = found.get("userCheck")
        if check is None and _code(found).lower() == "invalidoperation":
            raise _AgainError("the nonce was used up")
        left = check.get("retryLoginTime") if isinstance(check, dict) else None
        raise LoginError("wrong password", int(left) if left else None)
    if not _code(found) or _code(found).lower() == "lowprivilege":
        raise LoginError("this user may not do that")


def _soft_parse(text: bytes) -> dict[str, Any]:
    try:
        return _parse(text)
    except ValueError:
        return {}


def _code(found: Mapping[str, Any]) -> str:
    status = found.get("ResponseStatus", found)
    return str(status.get("subStatusCode", "")) if isinstance(status, dict) else ""


def _answer(status: int, text: bytes) -> dict[str, Any]:
    """Return an answer without the name around it.

    Raises RefusedError, and ValueError for what is neither JSON nor XML.
    """
    try:
        found = _parse(text) if text.strip() else {}
    except ValueError:
        if status == 200:
            raise
        found = {}
    inner = found.get("ResponseStatus", found)
    said = inner.get("statusCode") if isinstance(inner, dict) else None
    if status >= 300 or said not in (None, 1, "1"):
        code = _code(found) or f"HTTP {status}"
        if code.lower().endswith("devicebusy"):
            raise _AgainError(code, BUSY_SECONDS)
        raise RefusedError(code)
    if len(found) == 1:
        (inner,) = found.values()
        if isinstance(inner, dict):
            return inner
    return found


def _parse(text: bytes) -> dict[str, Any]:
    """Return JSON or XML as nested names. Raises ValueError."""
    text = text.strip()
    if not text.startswith(b"<"):
        return json_loads_object(text)
    try:
        # From a terminal that a person has added; its parser expands no bombs.
        root = ET.fromstring(text)  # noqa: S314
    except ET.ParseError as err:
        raise ValueError("no XML") from err
    return {_name(root): _nested(root)}


def _nested(element: ET.Element) -> Any:
    """Return an element's text, or its elements by name: those that repeat are a list."""
    if not len(element):
        return element.text or ""
    found: dict[str, Any] = {}
    for child in element:
        name, value = _name(child), _nested(child)
        if name in found:
            before = found[name]
            found[name] = [*(before if isinstance(before, list) else [before]), value]
        else:
            found[name] = value
    return found


def _name(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def rows(value: Any) -> list[Any]:
    """Return the rows of a list: one that is empty is left out, and one of XML may be bare."""
    if isinstance(value, list):
        return value
    return [] if value in (None, "") else [value]


async def _async_body(response: ClientResponse) -> bytes:
    """Return the body of an answer. Raises ValueError for one that does not end."""
    if response.status in (401, 403):
        return await response.read()
    try:
        await response.content.readexactly(MOST_BYTES + 1)
    except asyncio.IncompleteReadError as err:
        return err.partial
    raise ValueError("too long")


async def _async_part(content: StreamReader) -> bytes | None:
    """Return the next part of a stream, None at its end. Raises ValueError and EOFError.

    Terminals write boundaries as they like, and the one after a part with the next part:
    it must not be waited for.
    """
    headers: dict[str, str] = {}
    while line := await content.readline(max_line_length=MOST_LINE):
        name, colon, value = line.decode("latin-1").strip().partition(":")
        if colon:
            headers[name.lower()] = value.strip()
        elif headers and not name:
            break
    else:
        return None
    if length := headers.get("content-length"):
        if int(length) > MOST_BYTES:
            raise ValueError("too long")
        return await content.readexactly(int(length))
    body = b""
    while line := await content.readline(max_line_length=MOST_LINE):
        if line.startswith(b"--"):
            break
        body += line
        if len(body) > MOST_BYTES:
            raise ValueError("too long")
    return body
