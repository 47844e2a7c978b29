"""A resident's phone: it gets pushes, messages and calls, and answers if asked to.

What it does to Home Assistant is what the real things do: the app fires events through its
webhook, a browser posts the form behind the link, the provider passes on the pressed key.
"""

import base64
from collections.abc import Awaitable, Callable, Mapping
import hashlib
import hmac
import re
from typing import Any
from xml.etree import ElementTree as ET

import aiohttp

from .residents import Resident, masked

#: Keys of the call, as its voice names them.
KEYS = {"on_my_way": "1", "safe": "2", "need_help": "3", "false_alarm": "4"}
WAYS = ("push", "sms", "call")
_LINK = re.compile(r"https?://\S+")

#: Whose phone, over what (push, sms, call, or answer), and what happened.
type Ring = Callable[[Resident, str, str], None]
#: The address of an app's webhook; None if the app is not registered.
type Webhook = Callable[[str], str | None]


class Mobile:
    """One phone with one number and the Home Assistant app."""

    def __init__(
        self,
        resident: Resident,
        session: aiohttp.ClientSession,
        webhook: Webhook,
        ring: Ring,
        token: str,
    ) -> None:
        """Initialize; with `token` the provider of calls signs what it passes on."""
        self.resident = resident
        self._session = session
        self._webhook = webhook
        self._ring = ring
        self._token = token
        self._actions: list[dict[str, Any]] = []
        self._link: str | None = None
        self._call: tuple[str, dict[str, str]] | None = None

    # What comes

    async def push(self, body: Mapping[str, Any]) -> None:
        """Show a push, and confirm it as the Android app does."""
        data = body.get("data") or {}
        if body["message"] == "clear_notification":
            return
        self._actions = data.get("actions", [])
        buttons = ", ".join(action["title"] for action in self._actions)
        text = f"“{body.get('title') or body['message']}”"
        if buttons:
            text += f" [{buttons}]"
        self._ring(self.resident, "push", text)
        if data.get("confirmation"):
            await self._fire("mobile_app_notification_received", _shown(body, data))
            self._ring(self.resident, "receipt", "push")

    def text(self, text: str) -> None:
        """Show an SMS."""
        if found := _LINK.search(text):
            self._link = found[0]
            text = text.replace(self._link, "").rstrip() + " + link"
        self._ring(self.resident, "sms", f"{masked(self.resident.number)} “{text}”")

    def call(self, twiml: str, call: dict[str, str]) -> None:
        """Take a call that is described in TwiML. Raises ET.ParseError."""
        response = ET.fromstring(twiml)  # noqa: S314 - from our own Home Assistant
        said = response.find(".//Say")
        text = "" if said is None else said.text or ""
        self._ring(self.resident, "call", f"{masked(self.resident.number)} “{text}”")
        gather = response.find("Gather")
        if gather is not None:
            self._call = gather.attrib["action"], call

    def hang_up(self) -> None:
        """End the call."""
        self._call = None

    # What it answers

    def can(self, way: str) -> bool:
        """Return if there is something to answer."""
        return bool(
            {"push": self._actions, "sms": self._link, "call": self._call}.get(way)
        )

    async def answer(self, way: str, word: str) -> None:
        """Answer over a way, such as `on_my_way` over `push`."""
        ways: dict[str, Callable[[str], Awaitable[None]]] = {
            "push": self._press,
            "sms": self._open_link,
            "call": self._press_key,
        }
        await ways[way](word)

    async def _press(self, word: str) -> None:
        action = next(
            row for row in self._actions if str(row["action"]).endswith(f"_{word}")
        )
        self._ring(self.resident, "answer", f"presses “{action['title']}” in the app")
        await self._fire("mobile_app_notification_action", {"action": action["action"]})

    async def _open_link(self, word: str) -> None:
        assert self._link
        self._ring(self.resident, "answer", "opens the link of the SMS, and answers")
        async with self._session.get(self._link) as page:
            page.raise_for_status()
        async with self._session.post(self._link, data={"answer": word}) as page:
            page.raise_for_status()

    async def _press_key(self, word: str) -> None:
        assert self._call
        url, call = self._call
        self._ring(self.resident, "answer", f"presses {KEYS[word]} in the call")
        await report_call(
            self._session,
            url,
            {**call, "CallStatus": "in-progress", "Digits": KEYS[word]},
            self._token,
        )

    async def _fire(self, event: str, data: Mapping[str, Any]) -> None:
        url = self._webhook(self.resident.id)
        if url is None:
            raise LookupError(f"{self.resident.names[0]}: the app is not registered")
        async with self._session.post(
            url,
            json={
                "type": "fire_event",
                "data": {"event_type": event, "event_data": dict(data)},
            },
        ) as response:
            response.raise_for_status()


def _shown(body: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the app knows of a push: its server makes the buttons flat."""
    shown = {"title": body.get("title", ""), "message": body["message"], **data}
    for number, action in enumerate(shown.pop("actions", []), 1):
        shown[f"action_{number}_key"] = action["action"]
        shown[f"action_{number}_title"] = action["title"]
    return shown


async def report_call(
    session: aiohttp.ClientSession, url: str, form: dict[str, str], token: str
) -> None:
    """Tell Home Assistant what becomes of a call, signed as Twilio does.

    https://www.twilio.com/docs/usage/security#validating-requests
    """
    text = url + "".join(f"{key}{value}" for key, value in sorted(form.items()))
    digest = hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()
    headers = {"X-Twilio-Signature": base64.b64encode(digest).decode()}
    async with session.post(url, data=form, headers=headers) as response:
        response.raise_for_status()
