"""Providers as real HTTP servers on the loopback address, with every way to misbehave."""

import asyncio
from collections.abc import Callable
import json
import socket
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from simulator.listening import accept_no_more, hold, listen

OK: dict[str, Any] = {
    "Code": "OK",
    "BizId": "biz-1",
    "CallId": "call-1",
    "sid": "SM1",
    "status": "queued",
    "errcode": 0,
}
OK.pop("Code")
ALIBABA_OK = {"Code": "OK", "BizId": "biz-1", "CallId": "call-1"}


class Provider:
    """A server that notes what it gets and answers as it is told."""

    def __init__(self, answer: dict[str, Any] | None = None) -> None:
        """Initialize."""
        self.answer = OK if answer is None else answer
        self.status = 200
        #: What is answered to who asks without a message.
        self.state: dict[str, Any] = {"status": "active", "Code": "OK"}
        self.state_status = 200
        self.asked: list[dict[str, Any]] = []
        self.headers: dict[str, str] = {}
        self.body: bytes | None = None
        self.hold: asyncio.Event | None = None
        self.cut = False
        #: Sockets that occupy its port.
        self.crowd: list[socket.socket] = []
        self.news = asyncio.Event()
        self.heard: list[dict[str, Any]] = []
        self.on_request: Callable[[dict[str, Any]], None] | None = None
        self._runner: web.AppRunner | None = None
        self._listener: socket.socket | None = None
        #: Keeps its port while connections are refused.
        self._held: socket.socket | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """Return the address."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Listen."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        if not self._held:
            self._held = hold()
            self.port = self._held.getsockname()[1]
        self._listener = listen(self.port)
        await web.SockSite(self._runner, self._listener).start()

    async def stop(self) -> None:
        """Refuse connections from now on."""
        if self.hold:
            self.hold.set()
        if self._listener and self._runner:
            await accept_no_more(self._listener)
            await self._runner.cleanup()
            self._runner = None

    async def close(self) -> None:
        """End for good."""
        await self.stop()
        if self._held:
            self._held.close()
            self._held = None

    async def _handle(self, request: web.Request) -> web.Response:
        raw = await request.read()
        text = raw.decode()
        heard = {
            "path": request.path,
            "query": dict(request.query),
            "headers": dict(request.headers),
            "raw": raw,
            "form": dict(parse_qsl(text)),
            "json": json.loads(text) if text.startswith("{") else None,
        }
        if request.method == "GET" or heard["form"].get("Action") == "GetSmsTemplate":
            # A question, and no message.
            self.asked.append(heard)
            return web.json_response(self.state, status=self.state_status)
        self.heard.append(heard)
        self.news.set()
        if self.on_request:
            self.on_request(heard)
        if self.hold:
            await self.hold.wait()
        if self.cut and request.transport:
            request.transport.close()
        if self.body is not None:
            return web.Response(
                body=self.body, status=self.status, headers=self.headers
            )
        return web.json_response(self.answer, status=self.status, headers=self.headers)
