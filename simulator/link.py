"""One connection to the broker, with its last will, on the asyncio loop."""

import asyncio
from collections.abc import Callable
import json
from typing import Any
from uuid import uuid4

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from .listening import HOST

#: Seconds between two tries to connect again.
RETRY_SECONDS = (1, 2)

type Receive = Callable[[str, Any], None]


class Link:
    """A client that reconnects by itself. Its callbacks run on the asyncio loop."""

    def __init__(
        self,
        port: int,
        *,
        will: tuple[str, dict[str, Any] | bytes] | None = None,
        subscriptions: tuple[str, ...] = (),
        receive: Receive | None = None,
        connected: Callable[[], None] | None = None,
        lost: Callable[[], None] | None = None,
        keepalive: int = 15,
    ) -> None:
        """Initialize; `connected` is called again after each reconnection.

        With a `keepalive` of 0, time may stand still or leap.
        """
        self._keepalive = keepalive
        self._loop = asyncio.get_running_loop()
        self._port = port
        self._subscriptions = subscriptions
        self._receive = receive
        self._connected = connected
        self._lost = lost
        self.ready = asyncio.Event()
        self._room = asyncio.Event()
        # Under the same name each time: else a broker that has not heard of the end of the
        # last connection tells its will when the next one is there, and that stays.
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, f"simulator{uuid4().hex}"
        )
        # The broker sets the pace, not the client's own limit of 20.
        self._client.max_inflight_messages_set(10_000)
        self._client.reconnect_delay_set(*RETRY_SECONDS)
        if will:
            self._client.will_set(will[0], _payload(will[1]), qos=1, retain=True)
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = lambda *_: self._call(self._on_lost)
        self._on_way = 0
        self._client.on_publish = lambda *_: self._call(self._arrived)
        self._client.on_message = lambda _client, _user, message: self._call(
            self._on_message, message.topic, message.payload
        )

    @property
    def is_connected(self) -> bool:
        """Return if the broker is there."""
        return self.ready.is_set()

    def start(self) -> None:
        """Begin to connect."""
        self._client.connect_async(HOST, self._port, keepalive=self._keepalive)
        self._client.loop_start()

    async def stop(self, *, goodbye: bool = False) -> None:
        """Go; without a goodbye the broker publishes the last will."""
        self._client.on_disconnect = None
        if (sock := self._client.socket()) and not goodbye:
            sock.close()
        self._client.disconnect()
        await asyncio.to_thread(self._client.loop_stop)

    def publish(
        self, topic: str, message: Any, *, retain: bool = False, qos: int = 1
    ) -> paho.MQTTMessageInfo | None:
        """Publish JSON, or bytes as they are. Without a connection it is lost."""
        if not self.is_connected:
            return None
        self._on_way += 1
        return self._client.publish(topic, _payload(message), qos=qos, retain=retain)

    async def window(self, most: int) -> None:
        """Wait until fewer than `most` messages are on their way to the broker."""
        while self._on_way >= most:
            self._room.clear()
            await self._room.wait()

    def _arrived(self) -> None:
        self._on_way -= 1
        self._room.set()

    def _call(self, function: Callable[..., None], *args: Any) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(function, *args)

    def _on_connect(
        self, client: paho.Client, _user: Any, _flags: Any, reason: Any, _more: Any
    ) -> None:
        if reason.is_failure:
            return
        if self._subscriptions:
            client.subscribe([(topic, 1) for topic in self._subscriptions])
        self._call(self._on_connected)

    def _on_connected(self) -> None:
        self.ready.set()
        if self._connected:
            self._connected()

    def _on_lost(self) -> None:
        if self.ready.is_set():
            self.ready.clear()
            if self._lost:
                self._lost()

    def _on_message(self, topic: str, payload: bytes) -> None:
        try:
            message = json.loads(payload)
        except ValueError:
            return
        if self._receive:
            self._receive(topic, message)


def _payload(message: Any) -> str | bytes:
    """Return JSON, or bytes as they are."""
    if isinstance(message, bytes):
        return message
    return json.dumps(message, ensure_ascii=False)
