"""Webhooks: signed JSON to anybody's server, and the group robots of three messengers."""

import base64
from dataclasses import dataclass
import hashlib
import hmac
import json
import time
from typing import Any, ClassVar, override
from urllib.parse import quote

from yarl import URL

from homeassistant.core import HomeAssistant
from homeassistant.helpers import selector

from ...labels import async_select
from ...register.addresses import mask_url
from .base import (
    HttpChannel,
    Message,
    NotSentError,
    NumberLimitError,
    RefusedError,
    UnknownError,
)
from .setting import Setting, is_url

#: Robots are known by their host; a test's server is named in the options.
HOSTS = {
    "qyapi.weixin.qq.com": "wecom",
    "oapi.dingtalk.com": "dingtalk",
    "open.feishu.cn": "feishu",
    "open.larksuite.com": "feishu",
}
ROBOTS = ("wecom", "dingtalk", "feishu")
#: Where a robot's answer says what came of it: WeCom and DingTalk, Feishu, Feishu of old.
_RESULTS = ("errcode", "code", "StatusCode")
#: What it says when it has had too many messages in a minute: WeCom, DingTalk, Feishu.
_TOO_MANY = {45009, 130101, 660026, 11232}


@dataclass(frozen=True, slots=True, kw_only=True)
class Robots(Setting):
    """The robots of a property, of which a form shows where they are, and no key."""

    @property
    @override
    def keeps(self) -> bool:
        """Return False: a row that is left out is a robot that is taken away."""
        return False

    @override
    async def async_selector(
        self, hass: HomeAssistant, language: str
    ) -> selector.Selector[Any]:
        form = await async_select(
            hass, ROBOTS, "alert_robot", language=language, multiple=False
        )
        return selector.selector(
            {
                "object": {
                    "multiple": True,
                    "label_field": "form",
                    "description_field": "url",
                    "translation_key": "alert_robots",
                    "fields": {
                        "form": {
                            "selector": form.serialize()["selector"],
                            "required": True,
                        },
                        "url": {"selector": {"text": {}}, "required": True},
                        "secret": {"selector": {"text": {"type": "password"}}},
                    },
                }
            }
        )

    @override
    def show(self, value: Any) -> Any:
        return [
            {"form": row["form"], "url": text} for text, row in _by_mask(value).items()
        ]

    @override
    def merge(self, value: Any, known: Any) -> Any:
        """Return the robots that are meant: one that is shown keeps its key and secret."""
        stored, merged = _by_mask(known), []
        for row in value or ():
            before = stored.get(row["url"], {})
            found = {"form": row["form"], "url": before.get("url", row["url"])}
            if secret := row.get("secret") or before.get("secret"):
                found["secret"] = secret
            merged.append(found)
        return merged

    @override
    def wrong(self, hass: HomeAssistant, value: Any) -> str | None:
        if not all(is_url(row["url"]) for row in value):
            return "invalid_address"
        return None if all(_is_own(hass, row) for row in value) else "robot_host"


def _by_mask(rows: Any) -> dict[str, dict[str, Any]]:
    """Return robots by what a form shows of their addresses, no two alike."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows or ():
        text = mask_url(row["url"])
        while text in found:
            text += "*"
        found[text] = {"form": HOSTS.get(URL(row["url"]).host or "", "wecom"), **row}
    return found


def _is_own(hass: HomeAssistant, row: dict[str, str]) -> bool:
    """Return if an address is of the messenger that is said to be behind it.

    A server of one's own is, where an administrator has allowed it.
    """
    url = URL(row["url"])
    is_known = url.scheme == "https" and HOSTS.get(url.host or "") == row["form"]
    return is_known or hass.config.is_allowed_external_url(row["url"])


class Webhook(HttpChannel):
    """A URL that takes JSON; the address is the URL, a robot's secret comes after a `#`."""

    settings = (Setting(key="secret"),)
    #: A person's own may not lead into the house's network; the property's may.
    is_of_a_person: ClassVar[bool] = True
    # Ours have the key in a header. Robots know no key: see `Robot`.
    idempotent: ClassVar[bool] = True

    @override
    async def async_send(self, message: Message) -> str | None:
        url, _, secret = message.to.partition("#")
        form = self.options.get("form") or HOSTS.get(_url(url).host or "", "json")
        if form != "json":
            await self._async_robot(form, url, secret, message)
            return None
        body = json.dumps(self._payload(message), ensure_ascii=False).encode()
        stamp = str(int(time.time()))
        where, how = await self.async_outside(_url(url))
        await self.async_request(
            str(where),
            wants_json=False,
            data=body,
            **{key: value for key, value in how.items() if key != "headers"},
            headers={
                **how.get("headers", {}),
                "Content-Type": "application/json",
                "Idempotency-Key": message.delivery_id,
                "X-Rental-Units-Timestamp": stamp,
                "X-Rental-Units-Signature": sign(
                    secret or self.options.get("secret", ""), stamp, body
                ),
            },
        )
        return None

    @staticmethod
    def _payload(message: Message) -> dict[str, Any]:
        return {
            "alert_id": message.alert_id,
            "alarm_id": message.alarm_id,
            "delivery_id": message.delivery_id,
            "severity": message.severity.value,
            "hazard": message.hazard,
            "drill": message.drill,
            "place": message.place,
            "title": message.title,
            "message": message.text,
            "link": message.link,
        }

    async def _async_robot(
        self, form: str, url: str, secret: str, message: Message
    ) -> None:
        text = "\n".join(filter(None, (message.title, message.text, message.link)))
        stamp = str(int(time.time() * 1000 if form == "dingtalk" else time.time()))
        if form == "dingtalk" and secret:
            # The signature is encoded already: it must not be encoded again.
            join = "&" if "?" in url else "?"
            url += f"{join}timestamp={stamp}&sign={quote(dingtalk(secret, stamp), safe='')}"
        where, how = _url(url), dict[str, Any]()
        if self.is_of_a_person:
            where, how = await self.async_outside(where)
        answer = await self.async_request(
            str(where), json=robot(form, text, secret, stamp), **how
        )
        code = next((answer[key] for key in _RESULTS if key in answer), None)
        if code is None:
            raise UnknownError("unreadable_answer")
        if code in _TOO_MANY:
            raise NumberLimitError(60)
        if code != 0:
            raise RefusedError(f"robot_{code}"[:32])


class Robot(Webhook):
    """The group robots of the property, in the options; the address is its place there.

    A robot cannot tell a message that comes twice.
    """

    settings = (Robots(key="robots"),)
    is_of_a_person: ClassVar[bool] = False
    idempotent: ClassVar[bool] = False

    @override
    async def async_send(self, message: Message) -> str | None:
        try:
            row = self.options["robots"][int(message.to)]
        except (KeyError, IndexError) as err:
            raise RefusedError("address_gone") from err
        form = row.get("form") or HOSTS.get(URL(row["url"]).host or "", "wecom")
        try:
            await self._async_robot(form, row["url"], row.get("secret", ""), message)
        except RefusedError as err:
            # It is the property's own: its owner has to hear of it.
            raise NotSentError(err.reason, 30) from err
        return None


def _url(text: str) -> URL:
    """Return an address that is encoded already. Raises RefusedError."""
    try:
        return URL(text, encoded=True)
    except ValueError as err:
        raise RefusedError("invalid_url") from err


def sign(secret: str, stamp: str, body: bytes) -> str:
    """Return the signature of a body: HMAC-SHA256 over `timestamp.body`, in hexadecimal."""
    return hmac.new(
        secret.encode(), stamp.encode() + b"." + body, hashlib.sha256
    ).hexdigest()


def dingtalk(secret: str, stamp: str) -> str:
    """Return DingTalk's signature; the stamp is in milliseconds.

    https://open.dingtalk.com/document/robots/customize-robot-security-settings
    """
    digest = hmac.new(secret.encode(), f"{stamp}\n{secret}".encode(), hashlib.sha256)
    return base64.b64encode(digest.digest()).decode()


def feishu(secret: str, stamp: str) -> str:
    """Return Feishu's signature; the stamp is in seconds, and the text is the key.

    https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot
    """
    digest = hmac.new(f"{stamp}\n{secret}".encode(), b"", hashlib.sha256)
    return base64.b64encode(digest.digest()).decode()


def robot(form: str, text: str, secret: str, stamp: str) -> dict[str, Any]:
    """Return the JSON that a robot takes."""
    if form == "feishu":
        return {
            **({"timestamp": stamp, "sign": feishu(secret, stamp)} if secret else {}),
            "msg_type": "text",
            "content": {"text": text},
        }
    # https://developer.work.weixin.qq.com/document/path/91770; DingTalk has the same form.
    return {"msgtype": "text", "text": {"content": text}}
