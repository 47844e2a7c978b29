"""SMS and voice calls by Twilio.

https://www.twilio.com/docs/messaging/api/message-resource and
https://www.twilio.com/docs/voice/api/call-resource, with the text in the request itself.
"""

import base64
from collections.abc import Iterable, Mapping
import hashlib
import hmac
from typing import Any, ClassVar, override
from xml.sax.saxutils import escape, quoteattr

from yarl import URL

from ..texts import texts
from .base import (
    HttpChannel,
    Message,
    NotSentError,
    NumberLimitError,
    RefusedError,
    UnknownError,
    WrongNumberError,
)
from .setting import Setting, base_url, like, replies, sender

_SETTINGS = (
    Setting(
        key="account_sid",
        required=True,
        check=like("AC[0-9a-f]{32}"),
        error="invalid_account",
    ),
    Setting(key="auth_token", required=True),
)
API = "https://api.twilio.com"
#: Voices by our languages; https://www.twilio.com/docs/voice/twiml/say
VOICES = {"en": "en-US", "zh-Hans": "cmn-CN", "zh-Hant": "cmn-TW"}
#: Queue overflow and too many requests.
_TOO_MANY = {20429, 30001}
#: Too many messages between two numbers, and the seconds in which they are counted.
#: https://www.twilio.com/docs/api/errors/14107
_NUMBER_LIMITS = {14107: 30.0}
#: Codes that are about the number; all others are for the owner of the account to mend, as
#: are a country that is not allowed (21408) and a sender that does not suit it (21612).
#: https://www.twilio.com/docs/api/errors
_ADDRESS = {21211, 21214, 21216, 21217, 21219, 21610, 21614, 21635}
#: Those of them that say that there is no such number, and not that it is not reached now,
#: is not let be called, or wants no messages.
_NO_NUMBER = {21211, 21217}
_OWN_PORTS = {"https": 443, "http": 80}
#: What of a call is reported; https://www.twilio.com/docs/voice/api/call-resource
_EVENTS = ("answered", "completed")
#: What becomes of a message or a call, in our words.
RECEIVED = {"delivered", "read"}
#: A call that somebody, or a mailbox, has taken; that is over. Only a key is a human.
PICKED_UP = {"in-progress", "answered"}
ENDED = {"completed"}
FAILED = {"failed", "undelivered", "busy", "no-answer", "canceled"}


class TwilioSms(HttpChannel):
    """An SMS."""

    #: A number, a short code, or a name of letters and digits.
    settings: ClassVar[tuple[Setting, ...]] = (
        *_SETTINGS,
        sender("from", r"\+[1-9]\d{6,14}|\d{5,6}|(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}"),
        replies(),
        base_url(),
    )
    wants_callback: ClassVar[bool] = True
    explains_refusals: ClassVar[bool] = True

    receipt_seconds = 45
    per_second = 100
    concurrency = 64

    @override
    async def async_send(self, message: Message) -> str | None:
        text = f"{message.title}\n{message.text}"
        if message.link:
            text += "\n" + texts(message.language)["link"].format(link=message.link)
        form = {"Body": text}
        if message.callback:
            form["StatusCallback"] = message.callback
        return await self._async_create("Messages", message, list(form.items()))

    async def _async_create(
        self, what: str, message: Message, form: list[tuple[str, str]]
    ) -> str | None:
        answer = await self.async_request(
            f"{self._account()}/{what}.json",
            data=[("To", message.to), ("From", self.options["from"]), *form],
            headers=self._authorization(),
        )
        code = answer.get("code") or answer.get("error_code")
        if code in _TOO_MANY:
            raise NotSentError("rate_limit", 5)
        if code in _NUMBER_LIMITS:
            raise NumberLimitError(_NUMBER_LIMITS[code])
        if code in _ADDRESS or (not code and answer.get("status") in FAILED):
            error = WrongNumberError if code in _NO_NUMBER else RefusedError
            raise error(f"twilio_{code or 'failed'}")
        if code:
            raise NotSentError(f"twilio_{code}"[:32], 30)
        if not (sid := answer.get("sid")):
            raise UnknownError("unreadable_answer")
        return str(sid)

    @override
    async def async_probe(self) -> None:
        """Ask for the account: who is refused, or suspended, cannot send.

        https://www.twilio.com/docs/iam/api/account
        """
        answer = await self.async_request(
            f"{self._account()}.json", method="GET", headers=self._authorization()
        )
        if answer.get("status") != "active":
            code = answer.get("code") or answer.get("status") or "unreadable_answer"
            raise NotSentError(f"twilio_{code}"[:32], 30)

    def _account(self) -> str:
        base = str(self.options.get("url") or API).rstrip("/")
        return f"{base}/2010-04-01/Accounts/{self.options['account_sid']}"

    def _authorization(self) -> dict[str, str]:
        user, password = self.options["account_sid"], self.options["auth_token"]
        return {"Authorization": basic(user, password)}

    @override
    def gives_receipt(self, message: Message) -> bool:
        return super().gives_receipt(message) and bool(message.callback)


class TwilioCall(TwilioSms):
    """A call that says the message three times and takes a key."""

    settings = (*_SETTINGS, sender("from", r"\+[1-9]\d{6,14}"), base_url())
    receipt_seconds = 60
    per_second = 30
    concurrency = 32

    @override
    async def async_send(self, message: Message) -> str | None:
        form = [("Twiml", twiml(message))]
        if message.callback:
            # Without being asked it reports the end of a call alone.
            form += [("StatusCallback", message.callback)]
            form += [("StatusCallbackEvent", event) for event in _EVENTS]
        return await self._async_create("Calls", message, form)

    @override
    async def async_recall(self, reference: str) -> None:
        """Cancel a call that waits or rings; of one that was taken Twilio leaves it be.

        https://www.twilio.com/docs/voice/api/call-resource#update-a-call-resource
        """
        await self.async_request(
            f"{self._account()}/Calls/{reference}.json",
            data={"Status": "canceled"},
            headers=self._authorization(),
        )


def basic(user: str, password: str) -> str:
    """Return the header of basic authentication (RFC 7617)."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def twiml(message: Message) -> str:
    """Return what is said in the call."""
    voice = quoteattr(VOICES.get(message.language, VOICES["en"]))
    said = f"<Say language={voice}>{escape(message.text)}</Say>"
    answers = texts(message.language)["voice"] if message.buttons else ""
    if not (message.callback and (message.keys or answers)):
        return f"<Response>{said * 3}</Response>"
    keys = f"<Say language={voice}>{escape(message.keys or answers)}</Say>"
    return (
        f'<Response><Gather numDigits="1" action={quoteattr(message.callback)}>'
        f"{(said + keys) * 3}</Gather></Response>"
    )


def reply(text: str) -> str:
    """Return what is written back to who has written, or nothing.

    https://www.twilio.com/docs/messaging/twiml
    """
    said = f"<Message>{escape(text)}</Message>" if text else ""
    return f"<Response>{said}</Response>"


def thanks(language: str, key: str = "thanks") -> str:
    """Return what is said after a key was pressed: that it was passed on, or what else."""
    voice = quoteattr(VOICES.get(language, VOICES["en"]))
    text = escape(texts(language)["page"][key])
    return f"<Response><Say language={voice}>{text}</Say></Response>"


def sign(
    token: str, url: str, form: Mapping[str, str] | Iterable[tuple[str, str]]
) -> str:
    """Return the X-Twilio-Signature of a callback.

    https://www.twilio.com/docs/usage/security#validating-requests
    """
    items: Any = form.items() if isinstance(form, Mapping) else form
    text = url + "".join(f"{key}{value}" for key, value in sorted(set(items)))
    digest = hmac.new(token.encode(), text.encode(), hashlib.sha1)
    return base64.b64encode(digest.digest()).decode()


def is_signed(
    token: str, url: str, form: Iterable[tuple[str, str]], signature: str
) -> bool:
    """Return if a callback to an address of ours is Twilio's.

    With a port that is not the scheme's own, TwiML requests are signed without it and
    status callbacks with it, and some with the scheme's own: each is taken, as Twilio's
    own libraries do (twilio-python 6.30, twilio-node 3.34).
    """
    whole, form = URL(url, encoded=True), list(form)
    ports = {whole.explicit_port, None, _OWN_PORTS.get(whole.scheme)}
    given = signature.encode()
    forms = [sign(token, _with_port(whole, port), form).encode() for port in ports]
    return any(hmac.compare_digest(wanted, given) for wanted in forms)


def _with_port(url: URL, port: int | None) -> str:
    """Return an address with this port in it, though it is the scheme's own."""
    host = f"{url.host_subcomponent}:{port}" if port else url.host_subcomponent
    return f"{url.scheme}://{host}{url.raw_path_qs}"
