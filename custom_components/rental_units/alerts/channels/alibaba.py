"""SMS and voice calls by Alibaba Cloud.

RPC style: https://help.aliyun.com/document_detail/56189.html (signature),
Dysmsapi 2017-05-25 `SendSms`, Dyvmsapi 2017-05-25 `SingleCallByTts`. Texts are templates
that the carrier has approved; ours are filled into their variables.
"""

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
import hashlib
import hmac
import json
from typing import Any, override
from urllib.parse import quote
import uuid

from homeassistant.util import dt as dt_util

from .base import HttpChannel, Message, NotSentError, RefusedError

_VERSION = "2017-05-25"
_LIMITS = ("LIMIT_CONTROL", "Throttling", "ServiceUnavailable", "SYSTEM_ERROR")
#: A variable of a template holds no more (SMS: 35 characters by default, voice: 100).
MOST_CHARACTERS = 100


class AlibabaSms(HttpChannel):
    """An SMS by its template."""

    receipt_seconds = 45
    per_second = 300
    concurrency = 64

    @override
    async def async_send(self, message: Message) -> str | None:
        answer = await self._async_call(
            str(self.options.get("url") or "https://dysmsapi.aliyuncs.com/"),
            {
                "Action": "SendSms",
                "PhoneNumbers": _domestic(message.to),
                "SignName": self.options["sign_name"],
                "TemplateCode": self.options["template"],
                "TemplateParam": _variables(message),
                "OutId": message.delivery_id,
            },
        )
        return str(answer.get("BizId") or "") or None

    async def _async_call(self, url: str, parameters: dict[str, str]) -> dict[str, Any]:
        now: datetime = dt_util.utcnow().astimezone(UTC)
        parameters |= {
            "AccessKeyId": self.options["access_key_id"],
            "Format": "JSON",
            "RegionId": self.options.get("region", "cn-hangzhou"),
            "SignatureMethod": "HMAC-SHA1",
            "SignatureNonce": uuid.uuid4().hex,
            "SignatureVersion": "1.0",
            "Timestamp": f"{now:%Y-%m-%dT%H:%M:%SZ}",
            "Version": _VERSION,
        }
        parameters["Signature"] = sign(
            "POST", parameters, self.options["access_key_secret"]
        )
        answer = await self.async_request(url, data=parameters)
        code = str(answer.get("Code"))
        if code != "OK":
            if any(word in code for word in _LIMITS):
                raise NotSentError("rate_limit")
            raise RefusedError(code[:60])
        return answer

    @override
    def _check(self, status: int, headers: Mapping[str, str]) -> None:
        # A request that is refused has a code in its JSON, which says more.
        if status != 400:
            super()._check(status, headers)


class AlibabaCall(AlibabaSms):
    """A call that reads a template aloud."""

    receipt_seconds = 60
    per_second = 50
    concurrency = 32

    @override
    async def async_send(self, message: Message) -> str | None:
        answer = await self._async_call(
            str(self.options.get("url") or "https://dyvmsapi.aliyuncs.com/"),
            {
                "Action": "SingleCallByTts",
                "CalledNumber": _domestic(message.to),
                "CalledShowNumber": self.options.get("show_number", ""),
                "TtsCode": self.options["template"],
                "TtsParam": _variables(message),
                "PlayTimes": "3",
                "OutId": message.delivery_id,
            },
        )
        return str(answer.get("CallId") or "") or None


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


def _variables(message: Message) -> str:
    fields = {"title": message.title, "message": message.text, "link": message.link}
    return json.dumps(
        {key: value[:MOST_CHARACTERS] for key, value in fields.items() if key != "link"}
        | {"link": message.link},
        ensure_ascii=False,
    )
