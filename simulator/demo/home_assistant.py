"""A client of Home Assistant's own REST and websocket interfaces."""

import asyncio
from collections.abc import Callable
import itertools
from typing import Any, Self

import aiohttp

CLIENT_ID = "http://127.0.0.1:{port}/"
ANSWER_SECONDS = 60

type OnEvent = Callable[[Any], None]


class CallError(Exception):
    """Home Assistant refused something; the text is its reason."""


class HomeAssistant:
    """One Home Assistant on the loopback address."""

    def __init__(self, port: int, token: str | None = None) -> None:
        """Initialize; `token` is an access token."""
        self.url = f"http://127.0.0.1:{port}"
        self.client_id = CLIENT_ID.format(port=port)
        self.token = token
        self._session = aiohttp.ClientSession()
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._ids = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._events: dict[int, OnEvent] = {}
        self._reader: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Return the client."""
        return self

    async def __aexit__(self, *_error: object) -> None:
        """Close every connection."""
        if self._reader:
            self._reader.cancel()
        if self._socket:
            await self._socket.close()
        await self._session.close()

    async def rest(
        self, method: str, path: str, json: Any = None, *, form: Any = None
    ) -> Any:
        """Call the REST interface. Raises CallError."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        async with self._session.request(
            method,
            f"{self.url}{path}",
            json=json,
            data=form,
            headers=headers,
            timeout=aiohttp.ClientTimeout(ANSWER_SECONDS),
        ) as response:
            if response.status >= 400:
                raise CallError(
                    f"{method} {path}: {response.status} {await response.text()}"
                )
            return await response.json(content_type=None)

    async def is_up(self) -> bool:
        """Return if the frontend answers."""
        try:
            async with self._session.get(
                f"{self.url}/manifest.json", timeout=aiohttp.ClientTimeout(5)
            ) as response:
                return response.status == 200
        except aiohttp.ClientError, TimeoutError:
            return False

    async def connect(self) -> None:
        """Open the websocket, anew if it was. Raises CallError for a bad token."""
        if self._reader:
            self._reader.cancel()
        self._socket = await self._session.ws_connect(
            f"{self.url}/api/websocket", max_msg_size=0
        )
        await self._socket.receive_json()
        await self._socket.send_json({"type": "auth", "access_token": self.token})
        if (await self._socket.receive_json())["type"] != "auth_ok":
            raise CallError("The access token of the demo is not valid any more")
        self._reader = asyncio.create_task(self._read(self._socket))
        self._reader.add_done_callback(self._ended)

    async def call(self, command: str, **more: Any) -> Any:
        """Send a websocket command and return its result. Raises CallError."""
        return (await self._send(command, more))[1]

    async def subscribe(self, event_type: str, listener: OnEvent) -> None:
        """Call a listener with each event of a type."""
        await self.listen(listener, "subscribe_events", event_type=event_type)

    async def listen(self, listener: OnEvent, command: str, **more: Any) -> None:
        """Call a listener with what a websocket command that subscribes tells."""
        await self._send(command, more, listener)

    async def action(
        self, action: str, target: dict[str, Any] | None = None, **data: Any
    ) -> Any:
        """Perform an action and return its response. Raises CallError."""
        domain, service = action.split(".")
        result = await self.call(
            "call_service",
            domain=domain,
            service=service,
            service_data=data,
            **({"target": target} if target else {}),
            return_response=domain in ("community_safety", "rental_units"),
        )
        return result.get("response")

    async def _send(
        self, command: str, more: dict[str, Any], listener: OnEvent | None = None
    ) -> tuple[int, Any]:
        assert self._socket
        assert self._reader
        if self._reader.done():
            # Its error, if it had one, is the reason.
            self._reader.result()
            raise CallError("Home Assistant has closed the connection")
        number = next(self._ids)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        if listener:
            self._events[number] = listener
        await self._socket.send_json({"id": number, "type": command, **more})
        async with asyncio.timeout(ANSWER_SECONDS):
            return number, await answer

    def _ended(self, reader: asyncio.Task[None]) -> None:
        """Nobody may wait for an answer that cannot come any more."""
        error = None if reader.cancelled() else reader.exception()
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(
                    error or CallError("Home Assistant has closed the connection")
                )

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for frame in socket:
            if frame.type is not aiohttp.WSMsgType.TEXT:
                continue
            message = frame.json()
            match message["type"]:
                case "event":
                    if listener := self._events.get(message["id"]):
                        listener(message["event"])
                case "result":
                    answer = self._answers.pop(message["id"])
                    if answer.done():
                        pass
                    elif message["success"]:
                        answer.set_result(message["result"])
                    else:
                        answer.set_exception(CallError(message["error"]["message"]))


async def add_account(
    hass: HomeAssistant, name: str, username: str, password: str, group: str
) -> str:
    """Add an account; return the id of its user."""
    answer = await hass.call(
        "config/auth/create", name=name, group_ids=[group], local_only=True
    )
    user_id = str(answer["user"]["id"])
    await hass.call(
        "config/auth_provider/homeassistant/create",
        user_id=user_id,
        username=username,
        password=password,
    )
    return user_id
