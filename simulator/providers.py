"""Providers of push, SMS and calls: HTTP servers that check what they are sent.

    POST /push     the push service of the Home Assistant app
    POST /sms      Alibaba Cloud Dysmsapi 2017-05-25, `SendSms` and `GetSmsTemplate`, with the signature checked
    POST /calls/…  Twilio's Calls resource, with its basic authentication checked

They pass on what they get to the phones of the residents, and report what became of it.
"""

import asyncio
import base64
from collections.abc import Mapping
import hashlib
import hmac
import json
from pathlib import Path
import sys
from typing import Any
from urllib.parse import quote
import uuid
from xml.etree import ElementTree as ET

import aiohttp
from aiohttp import web

from .listening import accept_no_more, listen
from .mobile import Mobile, Ring, report_call
from .residents import CALLER, RESIDENTS

#: Accounts that nobody has.
SMS_ACCOUNT = {
    "access_key_id": "LTAI.simulated.key",
    "access_key_secret": "simulated-secret",
    "sign_name": "Xingqiao",
    "template": "SMS_000000000",
}
#: Longer ones are refused, with the whole message.
VARIABLE_CHARACTERS = 35
CALL_ACCOUNT = {
    "account_sid": "AC00000000000000000000000000000000",
    "auth_token": "simulated-token",
    "from": CALLER,
}
#: How long a carrier takes to report an SMS, how long a phone rings, and when a person has
#: heard enough, in seconds.
CARRIER_SECONDS = 0.4
PICK_UP_SECONDS = 0.6
LISTEN_SECONDS = 5.0


class Providers:
    """All providers, on one port of the loopback address."""

    def __init__(self, book: Path, ring: Ring) -> None:
        """Initialize.

        `book` is a JSON file of what providers and apps are told when they are set up:
        `webhooks` of the apps by resident, the address for reports of SMS, and that of the
        `answers` in the template of SMS.
        """
        self._book = book
        self._ring = ring
        self._nonces: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None
        self.mobiles: dict[str, Mobile] = {}

    async def run(self, port: int) -> None:
        """Serve until cancelled."""
        async with aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(10)
        ) as self._session:
            self.mobiles = {
                row.id: Mobile(
                    row,
                    self._session,
                    lambda key: self._told().get("webhooks", {}).get(key),
                    self._ring,
                    CALL_ACCOUNT["auth_token"],
                )
                for row in RESIDENTS
            }
            app = web.Application()
            app.router.add_post("/push", self._push)
            app.router.add_post("/sms", self._sms)
            app.router.add_post(
                "/calls/2010-04-01/Accounts/{account}/Calls.json", self._call
            )
            runner = web.AppRunner(app, shutdown_timeout=1)
            await runner.setup()
            listener = listen(port)
            try:
                await web.SockSite(runner, listener).start()
                await asyncio.Event().wait()
            finally:
                await accept_no_more(listener)
                await runner.cleanup()
                for task in self._tasks:
                    task.cancel()

    def answer(self, key: str, way: str, word: str) -> Mobile:
        """Have a resident answer. Raises ValueError if there is nothing to answer."""
        mobile = self.mobiles.get(key)
        if mobile is None or not mobile.can(way):
            raise ValueError(f"{key} has no {way} to answer")
        self._later(0, mobile.answer(way, word))
        return mobile

    def _told(self) -> dict[str, Any]:
        try:
            content: dict[str, Any] = json.loads(self._book.read_text("utf-8"))
        except FileNotFoundError:
            return {}
        return content

    def _later(self, seconds: float, work: Any) -> None:
        async def wait() -> None:
            await asyncio.sleep(seconds)
            try:
                await work
            except (aiohttp.ClientError, LookupError, TimeoutError) as err:
                print(f"Home Assistant did not take it: {err!r}", file=sys.stderr)

        task = asyncio.create_task(wait())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _by_number(self, number: str) -> Mobile | None:
        return next(
            (row for row in self.mobiles.values() if row.resident.number == number),
            None,
        )

    # The app's push service

    async def _push(self, request: web.Request) -> web.Response:
        body = await request.json()
        mobile = self.mobiles.get(body.get("push_token", ""))
        if mobile is None:
            return web.json_response({"errorMessage": "No such token"}, status=404)
        self._later(0, mobile.push(body))
        return web.json_response({"target": body["push_token"]}, status=201)

    # SMS

    async def _sms(self, request: web.Request) -> web.Response:
        form = {key: str(value) for key, value in (await request.post()).items()}
        if code := self._refusal(form):
            return web.json_response({"Code": code, "Message": code}, status=400)
        if form["Action"] == "GetSmsTemplate":
            # Reviewed, and approved.
            return web.json_response({"Code": "OK", "TemplateStatus": 1})
        mobile = self._by_number(f"+{form['PhoneNumbers'].removeprefix('+')}")
        if mobile is None:
            return web.json_response({"Code": "isv.MOBILE_NUMBER_ILLEGAL"})
        said = json.loads(form["TemplateParam"])
        if any(len(value) > VARIABLE_CHARACTERS for value in said.values()):
            return web.json_response({"Code": "isv.PARAM_LENGTH_LIMIT"})
        if not all(said.values()):
            return web.json_response({"Code": "isv.TEMPLATE_MISSING_PARAMETERS"})
        # The template: its domain is fixed, and a variable what follows.
        link = f"{self._told().get('answers', '')}{said['link']}"
        mobile.text(f"{said['message']} {link}")
        reference = uuid.uuid4().hex
        if url := self._told().get("sms_reports"):
            self._later(CARRIER_SECONDS, self._report_sms(mobile, url, form, reference))
        return web.json_response(
            {"Code": "OK", "Message": "OK", "BizId": reference, "RequestId": reference}
        )

    def _refusal(self, form: Mapping[str, str]) -> str | None:
        """Return the code of what is wrong with a request."""
        if form.get("AccessKeyId") != SMS_ACCOUNT["access_key_id"]:
            return "InvalidAccessKeyId.NotFound"
        wanted = signature("POST", form, SMS_ACCOUNT["access_key_secret"])
        if not hmac.compare_digest(form.get("Signature", ""), wanted):
            return "SignatureDoesNotMatch"
        if form["SignatureNonce"] in self._nonces:
            return "SignatureNonceUsed"
        self._nonces.add(form["SignatureNonce"])
        if form.get("Action") not in ("SendSms", "GetSmsTemplate"):
            return "InvalidAction.NotFound"
        if (
            form["Action"] == "SendSms"
            and form.get("SignName") != SMS_ACCOUNT["sign_name"]
        ):
            return "isv.SMS_SIGNATURE_ILLEGAL"
        if form.get("TemplateCode") != SMS_ACCOUNT["template"]:
            return "isv.SMS_TEMPLATE_ILLEGAL"
        return None

    async def _report_sms(
        self, mobile: Mobile, url: str, form: Mapping[str, str], reference: str
    ) -> None:
        row = {
            "phone_number": form["PhoneNumbers"],
            "success": True,
            "err_code": "DELIVERED",
            "sms_size": "1",
            "biz_id": reference,
            "out_id": form["OutId"],
        }
        assert self._session
        async with self._session.post(url, json=[row]) as response:
            response.raise_for_status()
        self._ring(mobile.resident, "receipt", "sms")

    # Calls

    async def _call(self, request: web.Request) -> web.Response:
        account, token = CALL_ACCOUNT["account_sid"], CALL_ACCOUNT["auth_token"]
        basic = base64.b64encode(f"{account}:{token}".encode()).decode()
        given = request.headers.get("Authorization", "")
        if not hmac.compare_digest(given, f"Basic {basic}"):
            return web.json_response({"code": 20003, "status": 401}, status=401)
        form = await request.post()
        mobile = self._by_number(str(form.get("To")))
        if mobile is None or form.get("From") != CALL_ACCOUNT["from"]:
            return web.json_response({"code": 21211, "status": 400}, status=400)
        call = {
            "CallSid": f"CA{uuid.uuid4().hex}",
            "To": mobile.resident.number,
            "From": CALLER,
        }
        try:
            mobile.call(str(form["Twiml"]), call)
        except ET.ParseError, KeyError:
            return web.json_response({"code": 12100, "status": 400}, status=400)
        url = str(form.get("StatusCallback") or "")
        events = form.getall("StatusCallbackEvent", ["completed"])
        if "answered" in events:
            self._later(PICK_UP_SECONDS, self._report_call(mobile, url, call, False))
        self._later(LISTEN_SECONDS, self._report_call(mobile, url, call, True))
        return web.json_response(
            {"sid": call["CallSid"], "status": "queued"}, status=201
        )

    async def _report_call(
        self, mobile: Mobile, url: str, call: dict[str, str], over: bool
    ) -> None:
        """Report that a call was answered, or that it is over."""
        if over:
            mobile.hang_up()
        if not url:
            return
        assert self._session
        form = {**call, "CallStatus": "completed" if over else "in-progress"}
        await report_call(self._session, url, form, CALL_ACCOUNT["auth_token"])
        self._ring(mobile.resident, "receipt", "call")


def signature(method: str, parameters: Mapping[str, str], secret: str) -> str:
    """Return the signature of a request to Alibaba Cloud.

    https://help.aliyun.com/document_detail/56189.html
    """
    encoded = sorted(
        (quote(key, safe="-_.~"), quote(value, safe="-_.~"))
        for key, value in parameters.items()
        if key != "Signature"
    )
    query = quote("&".join(f"{key}={value}" for key, value in encoded), safe="-_.~")
    text = f"{method}&%2F&{query}"
    digest = hmac.new(f"{secret}&".encode(), text.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()
