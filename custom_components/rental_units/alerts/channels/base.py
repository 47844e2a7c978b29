"""What a channel is: it takes a message for one address, and says what came of it."""

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from functools import partial
from http import HTTPStatus
import json
import socket
from typing import Any, ClassVar
from urllib.parse import urlencode

from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientResponse,
    ClientTimeout,
    ConnectionTimeoutError,
    InvalidURL,
)
import voluptuous as vol
from yarl import URL

from homeassistant.core import Context, HomeAssistant, ServiceCall
from homeassistant.exceptions import (
    ServiceNotFound,
    ServiceValidationError,
    TemplateError,
)
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.trace import TraceElement, trace_clear, trace_get
from homeassistant.util import dt as dt_util

from ...hosts import are_public
from ..const import Answer, Severity
from .setting import Setting

#: What a script has to do to have sent something.
ACTS = frozenset(
    {
        cv.SCRIPT_ACTION_ACTIVATE_SCENE,
        cv.SCRIPT_ACTION_CALL_SERVICE,
        cv.SCRIPT_ACTION_DEVICE_AUTOMATION,
        cv.SCRIPT_ACTION_FIRE_EVENT,
    }
)
#: Seconds in which a connection must stand, and in which a provider must have answered.
CONNECT_SECONDS = 4
SEND_SECONDS = 10
#: A provider answers in a few hundred bytes; a longer answer is none.
MOST_BYTES = 65_536
#: Seconds that a provider may ask us to wait: longer is never meant.
_LONGEST_WAIT = 86_400.0
#: A notify action of the old kind blocks a thread of Home Assistant's, of which it has 64:
#: no channel takes more of them.
THREADS = 8
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class SendError(Exception):
    """It did not go through. The reason is a word, and never holds a name or number."""

    def __init__(self, reason: str) -> None:
        """Initialize."""
        super().__init__(reason)
        self.reason = reason


class NotSentError(SendError):
    """It was certainly not sent: it can be tried again, `after` seconds at the earliest."""

    def __init__(self, reason: str, after: float | None = None) -> None:
        """Initialize."""
        super().__init__(reason)
        self.after = after


class NumberLimitError(NotSentError):
    """The address has had as many as it may for now; the provider serves all others."""

    def __init__(self, after: float) -> None:
        """Initialize; the address may be used again after so many seconds."""
        super().__init__("number_limit", after)
        self.after: float = after


class RefusedError(SendError):
    """It will never be sent to this address."""


class WrongNumberError(RefusedError):
    """The provider says that there is no such number. A phone that is off is none."""


class UnknownError(SendError):
    """It may have been sent. Only an idempotent channel may try it again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What goes to one address. The idempotency key is the delivery's id."""

    delivery_id: str
    alert_id: str
    alarm_id: str | None
    severity: Severity
    hazard: str | None
    drill: bool
    language: str
    title: str
    text: str
    place: str
    step: int
    round: int
    to: str = field(repr=False)
    #: Where to answer, and where the provider reports; empty without an address of ours.
    link: str = field(repr=False, default="")
    callback: str = field(repr=False, default="")
    #: What is said of the phone's keys, where they are none of the answers.
    keys: str = ""
    #: By what a phone's receipt names it, where that has no buttons: nobody can compute it.
    receipt: str = field(repr=False, default="")
    #: Action of each of the app's buttons, and what is on it.
    buttons: tuple[tuple[str, Answer, str], ...] = field(repr=False, default=())

    @property
    def is_alarm(self) -> bool:
        """Return if lives are at stake."""
        return self.severity is Severity.ALARM


class Channel:
    """One provider on one channel."""

    #: What it can be told; those without which it cannot send are required.
    settings: ClassVar[tuple[Setting, ...]] = ()
    #: A delivery found half made is made again with its key; else it counts as made.
    idempotent: ClassVar[bool] = False
    #: It tells the provider where to report.
    wants_callback: ClassVar[bool] = False
    #: Seconds in which an attempt must have ended.
    send_seconds: ClassVar[float] = SEND_SECONDS
    #: Seconds in which the provider or the phone says that it has arrived; None: it cannot.
    receipt_seconds: float | None = None
    #: Attempts at the same time, and attempts a second (None: as many as come).
    concurrency: int = 32
    per_second: float | None = None

    def __init__(self, hass: HomeAssistant, options: Mapping[str, Any]) -> None:
        """Initialize with the options of this channel."""
        self.hass = hass
        self.options = options
        self.concurrency = int(options.get("concurrency", self.concurrency))
        self.per_second = options.get("per_second", self.per_second)
        self.receipt_seconds = options.get("receipt_seconds", self.receipt_seconds)
        self.timeout = float(options.get("timeout", self.send_seconds))

    async def async_send(self, message: Message) -> str | None:
        """Send, and return the provider's reference. Raises SendError."""
        raise NotImplementedError

    async def async_probe(self) -> None:
        """Ask, without a message, if it would be sent. Raises SendError.

        Where a provider has no such question, it does nothing: see `can_probe`.
        """

    @classmethod
    def can_probe(cls) -> bool:
        """Return if there is something to ask without a message."""
        return cls.async_probe is not Channel.async_probe

    async def async_recall(self, reference: str) -> None:
        """Take back what the provider has queued and not begun. Raises SendError.

        Where a provider cannot, it does nothing: see `can_recall`.
        """

    @property
    def can_recall(self) -> bool:
        """Return if what was handed over can be taken back."""
        return type(self).async_recall is not Channel.async_recall

    def gives_receipt(self, message: Message) -> bool:
        """Return if this message will be reported as arrived."""
        return self.receipt_seconds is not None


class HttpChannel(Channel):
    """A channel over HTTP."""

    async def async_outside(self, url: URL) -> tuple[URL, dict[str, Any]]:
        """Return where a URL that a person has given leads, and how to ask there.

        By its number, so that what was looked at is what is asked. Raises RefusedError for
        one of the house's own network, which an administrator has to allow by the setting
        `allowlist_external_urls` of Home Assistant.
        """
        if not url.host or url.scheme not in ("http", "https"):
            raise RefusedError("invalid_url")
        if self.hass.config.is_allowed_external_url(str(url)):
            return url, {}
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                found = await self.hass.loop.getaddrinfo(
                    url.host, url.port, type=socket.SOCK_STREAM
                )
        except (OSError, UnicodeError, TimeoutError) as err:
            raise NotSentError("unreachable") from err
        addresses = [str(row[4][0]) for row in found]
        if not are_public(addresses):
            raise RefusedError("private_address")
        kwargs: dict[str, Any] = {"headers": {"Host": url.raw_authority}}
        if url.scheme == "https":
            kwargs["server_hostname"] = url.host
        return url.with_host(addresses[0]), kwargs

    #: A request that is refused has a `code` in its JSON, which says more than the status.
    explains_refusals: ClassVar[bool] = False

    async def async_request(
        self, url: str, *, method: str = "POST", wants_json: bool = True, **kwargs: Any
    ) -> dict[str, Any]:
        """Send a request and return the JSON of the answer. Raises SendError.

        Without `wants_json` a status of success is enough, and nothing is returned.
        """
        session = async_get_clientsession(self.hass)
        if isinstance(form := kwargs.get("data"), dict):
            # Written by us, in a third of the time that the client takes for it.
            kwargs["data"] = urlencode(form).encode()
            kwargs["headers"] = {**kwargs.get("headers", {}), **_FORM}
        try:
            async with session.request(
                method,
                url,
                timeout=ClientTimeout(total=self.timeout, connect=CONNECT_SECONDS),
                allow_redirects=False,
                **kwargs,
            ) as response:
                body = await _read(response)
        except (ClientConnectorError, ConnectionTimeoutError) as err:
            # No connection stood, by which it could have gone.
            raise NotSentError("unreachable") from err
        except TimeoutError as err:
            raise UnknownError("timeout") from err
        except InvalidURL as err:
            raise RefusedError("invalid_url") from err
        except ClientError as err:
            raise UnknownError("connection_lost") from err
        status = response.status
        self._check(status, response.headers)
        if not wants_json:
            return {}
        try:
            data = json.loads(body) if body else {}
        except ValueError:
            data = None
        is_refusal = status >= HTTPStatus.BAD_REQUEST
        if is_refusal and not (isinstance(data, dict) and _code(data)):
            raise NotSentError(f"http_{status}", 30)
        if not isinstance(data, dict):
            raise UnknownError("unreadable_answer")
        return data

    def _check(self, status: int, headers: Mapping[str, str]) -> None:
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            raise NotSentError("rate_limit", _retry_after(headers))
        if status in (HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT):
            # Something in between has lost the answer, and not the request.
            raise UnknownError(f"http_{status}")
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise NotSentError(f"http_{status}", _retry_after(headers))
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            # Wrong credentials are a person's to mend, and may be mended in time.
            raise NotSentError("credentials", 30)
        if status >= HTTPStatus.BAD_REQUEST and self.explains_refusals:
            return
        if status >= HTTPStatus.MULTIPLE_CHOICES:
            raise RefusedError(f"http_{status}")


def _code(data: Mapping[str, Any]) -> Any:
    return data.get("code") or data.get("Code")


async def _read(response: ClientResponse) -> bytes:
    """Return the body, whose pieces come one by one; a longer one is cut off."""
    body = b""
    async for piece in response.content.iter_any():
        body += piece
        if len(body) > MOST_BYTES:
            break
    return body


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of a Retry-After, which may be a date (RFC 9110 10.2.3)."""
    value = headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return min(float(value), _LONGEST_WAIT)
    try:
        wait = (parsedate_to_datetime(value) - dt_util.utcnow()).total_seconds()
        return min(max(0.0, wait), _LONGEST_WAIT)
    except ValueError, TypeError, OverflowError:
        return None


async def async_call(
    hass: HomeAssistant,
    domain: str,
    service: str,
    data: dict[str, Any],
    timeout: float,
    *,
    places: asyncio.Semaphore | None = None,
) -> None:
    """Run an action of Home Assistant and wait for it. Raises SendError.

    Not over the bus: the event of a call, which the recorder keeps, would hold the
    address and a link that answers for somebody. One that may take a thread has one of
    the `places`, and keeps it until the thread is free, however long we wait ourselves.
    """
    action = hass.services.async_services_for_domain(domain).get(service.lower())
    if action is None:
        raise NotSentError("no_such_action", 30)
    try:
        checked = action.schema(data) if action.schema else data
    except vol.Invalid as err:
        raise UnknownError("action_failed") from err
    if places is not None:
        try:
            async with asyncio.timeout(timeout):
                await places.acquire()
        except TimeoutError as err:
            raise NotSentError("busy") from err
    call = ServiceCall(hass, domain, service, checked, Context())
    running: asyncio.Future[Any] | None = None
    try:
        is_apart = places is not None
        running = hass.async_run_hass_job(action.job, call, background=is_apart)
    finally:
        if places and running is None:
            places.release()
    if places and running:
        running.add_done_callback(partial(_free, places))
        running = asyncio.shield(running)
    if running:
        await async_wait(running, timeout)


def _free(places: asyncio.Semaphore, done: asyncio.Future[Any]) -> None:
    """Give a place back. What has failed meanwhile is told to nobody: it may hold an address."""
    places.release()
    if not done.cancelled():
        done.exception()


async def async_wait(running: Awaitable[Any], timeout: float) -> None:
    """Wait for something of Home Assistant's that sends. Raises SendError."""
    try:
        async with asyncio.timeout(timeout):
            await running
    except TimeoutError as err:
        raise UnknownError("timeout") from err
    except Exception as err:
        # It may raise anything; whatever it is, the others are told all the same.
        raise UnknownError("action_failed") from err


async def async_run_script(
    hass: HomeAssistant, script: str, message: Message, timeout: float
) -> None:
    """Run a script with a message as its variables, and wait for it. Raises SendError.

    Not by its action, whose event the recorder keeps, nor by its entity, whose traces are
    written to disk: both would hold the number.
    """
    component = hass.data.get("script")
    entity = component.get_entity(script) if component else None
    if entity is None:
        raise NotSentError("no_such_script", 30)
    variables = {
        "to": message.to,
        "title": message.title,
        "message": message.text,
        "severity": message.severity.value,
        "language": message.language,
        "alert_id": message.alert_id,
        "delivery_id": message.delivery_id,
        "drill": message.drill,
        "link": message.link,
    }
    # The steps of this run are noted for us alone: no trace is stored of them.
    trace_clear()
    try:
        async with asyncio.timeout(timeout):
            result = await entity.script.async_run(variables, Context())
    except TimeoutError as err:
        raise UnknownError("timeout") from err
    except (ServiceNotFound, ServiceValidationError, TemplateError, vol.Invalid) as err:
        # Refused before anything was done.
        raise NotSentError("script_failed", 30) from err
    if result is None:
        # Its mode lets it not run as often as it is needed now.
        raise NotSentError("script_busy")
    steps = [step for rows in (trace_get(clear=False) or {}).values() for step in rows]
    if any((step.as_dict().get("result") or {}).get("error") for step in steps):
        # It has stopped, and says itself that it could not do it.
        raise NotSentError("script_failed", 30)
    if not any(_acts(entity.script.sequence, step) for step in steps):
        # Without a step that does something, or a condition kept it from it.
        raise NotSentError("script_did_nothing", 30)


def _acts(sequence: Any, step: TraceElement) -> bool:
    """Return if a step that was walked does something in the world, and has not failed."""
    row = step.as_dict()
    if "error" in row or (row.get("result") or {}).get("enabled") is False:
        return False
    found = sequence
    try:
        for part in row["path"].split("/"):
            found = found[int(part) if isinstance(found, list) else part]
        return cv.determine_script_action(found) in ACTS
    except KeyError, IndexError, ValueError, TypeError:
        # A condition, or a branch that is none of the script's own.
        return False
