"""SMS and voice calls by Alibaba Cloud.

RPC style: https://help.aliyun.com/document_detail/56189.html (signature),
Dysmsapi 2017-05-25 `SendSms`, Dyvmsapi 2017-05-25 `SingleCallByTts` and `IvrCall`
(https://help.aliyun.com/document_detail/393521.html). Texts are templates that the
carrier has approved; ours are filled into their variables.
"""

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
import hashlib
import hmac
import json
from typing import Any, ClassVar, override
from urllib.parse import quote
import uuid

from homeassistant.util import dt as dt_util

from .base import (
    HttpChannel,
    Message,
    NotSentError,
    NumberLimitError,
    RefusedError,
    UnknownError,
    WrongNumberError,
)
from .setting import Setting, Shown, base_url, like, replies, sender

_VERSION = "2017-05-25"
_ACCESS = (
    Setting(
        key="access_key_id",
        required=True,
        check=like("[A-Za-z0-9.]{16,128}"),
        error="invalid_account",
    ),
    Setting(key="access_key_secret", required=True),
)
_WHERE = (
    Setting(
        key="region",
        shown=Shown.EVERYWHERE,
        check=like(r"[a-z]{2}(-[a-z]+)+(-\d)?"),
        error="invalid_region",
    ),
    base_url(),
)
#: What is said of a template that the carriers have approved, and may withdraw.
_APPROVED = "1"
#: So many to one number in a minute, an hour, a day (1, 5, 10): the message says which, as
#: 触发小时级流控Permits:5.
_NUMBER_LIMIT = "BUSINESS_LIMIT_CONTROL"
_PERIODS = {"分钟": 60.0, "小时": 3600.0, "天": 86_400.0}
#: What is said to who may not ask a question, or not now: it says nothing of messages.
_MAY_NOT_ASK = ("PERMISSION", "NoPermission", "Forbidden", "credentials", "rate_limit")
_LIMITS = ("LIMIT_CONTROL", "Throttling", "ServiceUnavailable", "SYSTEM_ERROR")
#: Codes that are about the number. All others are for the owner of the account to mend, as
#: is a word that carriers pass on to nobody (BLACK_KEY_CONTROL_LIMIT).
_ADDRESS = ("MOBILE_NUMBER_ILLEGAL", "MOBILE_COUNT_OVER_LIMIT")
#: The one of them that says that there is no such number.
_NO_NUMBER = "MOBILE_NUMBER_ILLEGAL"
#: A variable of a template holds no more: 35 characters in an SMS, or 20, or what the
#: provider has granted; 100 in a call. A longer one is refused with the whole message.
#: https://help.aliyun.com/document_detail/463270.html
SMS_CHARACTERS = 35
CALL_CHARACTERS = 100
#: What a template with a link is filled with where there is none: a page that says so.
NO_LINK = "0"
#: Voice takes no longer id of ours.
OUT_ID_CHARACTERS = 15
_DOMESTIC_DIGITS = 11
_KEY_MILLISECONDS = 10_000
#: Codes of a call's reports: answered, heard to the end or not, no key, a key.
#: https://help.aliyun.com/document_detail/112804.html and 55085.html
_PICKED_UP = {"200102"}
_HEARD = {"200000", "200001", "200008", "300000"}
#: The call begins, rings, has ended: how, another report says.
_UNDER_WAY = {"200101", "200201", "200100"}


def _template(key: str, form: str, *, required: bool = False) -> Setting:
    return Setting(
        key=key,
        required=required,
        shown=Shown.EVERYWHERE,
        check=like(rf"{form}_\d+"),
        error="invalid_template",
    )


class AlibabaSms(HttpChannel):
    """An SMS by its template."""

    settings = (
        *_ACCESS,
        Setting(key="sign_name", required=True, shown=Shown.EVERYWHERE),
        _template("template", "SMS", required=True),
        _template("news_template", "SMS"),
        Setting(
            key="variable_characters",
            shown=Shown.EVERYWHERE,
            config={"number": {"min": 15, "max": 500, "step": 1, "mode": "box"}},
        ),
        replies(),
        *_WHERE,
    )
    explains_refusals: ClassVar[bool] = True
    receipt_seconds = 45
    per_second = 300
    concurrency = 64

    @override
    async def async_send(self, message: Message) -> str | None:
        most = int(self.options.get("variable_characters") or SMS_CHARACTERS)
        more = {}
        if self._template(message) == self.options["template"]:
            # The carrier approves domains, and no variable that could be any: only what
            # follows the address in the template is ours to fill in.
            more["link"] = message.link.rpartition("/")[2] or NO_LINK
        answer = await self._async_call(
            "https://dysmsapi.aliyuncs.com/",
            {
                "Action": "SendSms",
                "PhoneNumbers": _domestic(message.to),
                "SignName": self.options["sign_name"],
                "TemplateCode": self._template(message),
                "TemplateParam": _variables(message, most, **more),
                "OutId": message.delivery_id,
            },
        )
        return str(answer.get("BizId") or "") or None

    @override
    async def async_probe(self) -> None:
        """Ask for the templates: who may not send at all, gets no answer about them.

        https://help.aliyun.com/document_detail/2807433.html
        """
        for key in ("template", "news_template"):
            if not (template := self.options.get(key)):
                continue
            try:
                answer = await self._async_call(
                    "https://dysmsapi.aliyuncs.com/",
                    {"Action": "GetSmsTemplate", "TemplateCode": template},
                )
            except NotSentError as err:
                # A user with the right to send only may not ask, and may send.
                if not any(word in err.reason for word in _MAY_NOT_ASK):
                    raise
            else:
                if str(answer.get("TemplateStatus", _APPROVED)) != _APPROVED:
                    raise NotSentError("template_not_approved")

    def _template(self, message: Message) -> str:
        """Return the template: one of its own for what is not to be answered, if there is."""
        plain = None if message.buttons else self.options.get("news_template")
        return str(plain or self.options["template"])

    async def _async_call(self, url: str, parameters: dict[str, str]) -> dict[str, Any]:
        now: datetime = dt_util.utcnow().astimezone(UTC)
        parameters |= {
            "AccessKeyId": self.options["access_key_id"],
            "Format": "JSON",
            "RegionId": self.options.get("region") or "cn-hangzhou",
            "SignatureMethod": "HMAC-SHA1",
            "SignatureNonce": uuid.uuid4().hex,
            "SignatureVersion": "1.0",
            "Timestamp": f"{now:%Y-%m-%dT%H:%M:%SZ}",
            "Version": _VERSION,
        }
        parameters["Signature"] = sign(
            "POST", parameters, self.options["access_key_secret"]
        )
        answer = await self.async_request(
            str(self.options.get("url") or url), data=parameters
        )
        code = str(answer.get("Code") or "")
        if not code:
            raise UnknownError("unreadable_answer")
        if code != "OK":
            if _NUMBER_LIMIT in code:
                said = str(answer.get("Message"))
                periods = (row for word, row in _PERIODS.items() if word in said)
                raise NumberLimitError(next(periods, 60.0))
            if any(word in code for word in _LIMITS):
                raise NotSentError("rate_limit")
            if any(word in code for word in _ADDRESS):
                error = WrongNumberError if _NO_NUMBER in code else RefusedError
                raise error(code[:60])
            raise NotSentError(code[:60], 30)
        return answer


class AlibabaCall(AlibabaSms):
    """A call that reads a template aloud, and takes a key where a menu is set up."""

    settings = (
        *_ACCESS,
        _template("template", "TTS", required=True),
        sender("show_number", r"\+?\d{5,15}", required=False),
        _template("keys_template", "TTS"),
        _template("question_template", "TTS"),
        _template("news_template", "TTS"),
        *_WHERE,
    )
    # There is nothing to ask about calls.
    async_probe = HttpChannel.async_probe
    receipt_seconds = 60
    per_second = 50
    concurrency = 32

    @override
    async def async_send(self, message: Message) -> str | None:
        show_number = self.options.get("show_number", "")
        parameters = {
            "CalledNumber": _domestic(message.to),
            "CalledShowNumber": show_number,
            "PlayTimes": "3",
            "OutId": message.delivery_id[:OUT_ID_CHARACTERS],
        }
        keys_template = self.options.get("keys_template")
        # A menu is for numbers of the mainland, from a number of one's own.
        can_press = show_number and message.to.startswith("+86") and message.buttons
        start, more = self.options["template"], {}
        if message.keys:
            # What the first one says of its keys is not so of these.
            start = self.options.get("question_template")
            more["keys"] = _short(message.keys, CALL_CHARACTERS)
        if keys_template and can_press and start:
            parameters |= {
                "Action": "IvrCall",
                "StartCode": start,
                "StartTtsParams": _variables(message, CALL_CHARACTERS, **more),
                "Timeout": str(_KEY_MILLISECONDS),
                **_menu(message, keys_template),
            }
        else:
            news = self.options.get("news_template") if message.keys else None
            parameters |= {
                "Action": "SingleCallByTts",
                "TtsCode": str(news or self._template(message)),
                "TtsParam": _variables(message, CALL_CHARACTERS),
            }
        answer = await self._async_call("https://dyvmsapi.aliyuncs.com/", parameters)
        return str(answer.get("CallId") or "") or None


def _menu(message: Message, template: str) -> dict[str, str]:
    """Return what is said after each key: a template with the answer as a variable."""
    menu = {}
    for number, (_, _, title) in enumerate(message.buttons, 1):
        said = {"answer": title}
        menu[f"MenuKeyMap.{number}.Key"] = str(number)
        menu[f"MenuKeyMap.{number}.Code"] = template
        menu[f"MenuKeyMap.{number}.TtsParams"] = json.dumps(said, ensure_ascii=False)
    return menu


class Report(StrEnum):
    """What a report says of a delivery."""

    RECEIVED = "received"
    #: Somebody, or a mailbox, has taken the call; it is over, and no key was pressed.
    PICKED_UP = "picked_up"
    ENDED = "ended"
    LOST = "lost"


def reported(report: Mapping[str, Any]) -> Report | None:
    """Return what a report says; None where nothing is known yet."""
    if "success" in report:
        arrived = str(report["success"]).lower() == "true"
        return Report.RECEIVED if arrived else Report.LOST
    code = str(report.get("status_code") or "")
    if code in _PICKED_UP:
        return Report.PICKED_UP
    if pressed(report) or code in _HEARD:
        return Report.ENDED
    return None if not code or code in _UNDER_WAY else Report.LOST


def written(report: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return who has replied what, where a report is of a message from a phone (SmsUp).

    https://help.aliyun.com/document_detail/101867.html
    """
    number, text = report.get("phone_number"), report.get("content")
    if "out_id" in report or not (isinstance(number, str) and isinstance(text, str)):
        return None
    # Those of the mainland come without a prefix.
    is_domestic = len(number) == _DOMESTIC_DIGITS
    return f"+86{number}" if is_domestic else f"+{number.lstrip('+')}", text


def pressed(report: Mapping[str, Any]) -> str:
    """Return the first key that a report names; empty if there is none."""
    return str(report.get("dtmf") or report.get("digits") or "")[:1]


def encode(text: str) -> str:
    """Return a text encoded as the signature wants it (RFC 3986)."""
    return quote(text, safe="-_.~")


def sign(method: str, parameters: Mapping[str, str], secret: str) -> str:
    """Return the signature of a request: HMAC-SHA1, Base64."""
    query = "&".join(
        f"{encode(key)}={encode(value)}"
        for key, value in sorted(parameters.items())
        if key != "Signature"
    )
    text = f"{method}&{encode('/')}&{encode(query)}"
    digest = hmac.new(f"{secret}&".encode(), text.encode(), hashlib.sha1)
    return base64.b64encode(digest.digest()).decode()


def _domestic(number: str) -> str:
    """Return a number as Alibaba wants it: mainland ones without prefix, others without +."""
    return number.removeprefix("+86").removeprefix("+")


def _variables(message: Message, most: int, **more: str) -> str:
    fields = {"title": message.title, "message": message.text}
    short = {key: _short(value, most) for key, value in fields.items()}
    return json.dumps(short | more, ensure_ascii=False)


def _short(text: str, most: int) -> str:
    """Return a text that fits: its first sentences, if even one of them does."""
    if len(text) <= most:
        return text
    end = max(text.rfind(". ", 0, most + 1), text.rfind("。", 0, most))
    return text[: end + 1] if end > 0 else text[:most]
