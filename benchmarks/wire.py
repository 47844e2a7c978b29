"""A publisher that costs next to nothing: whole streams of MQTT 3.1.1, encoded before.

An ordinary client would need more time per message than Home Assistant does, and the
benchmark would measure the client. Everything is published with QoS 1.
"""

from collections.abc import Iterable
import itertools
import socket
import struct
import threading
import time
from typing import Self

HOST = "127.0.0.1"
_CONNECT = 0x10
_PUBLISH_QOS_1 = 0x32
_RETAIN = 0x01
_PUBACK_BYTES = 4


def _packet(kind: int, body: bytes) -> bytes:
    """Return a control packet with its length, as in MQTT 3.1.1 section 2.2."""
    length = len(body)
    head = bytearray([kind])
    while True:
        length, digit = divmod(length, 128)
        head.append(digit | (0x80 if length else 0))
        if not length:
            return bytes(head) + body


def _text(text: str) -> bytes:
    data = text.encode()
    return struct.pack("!H", len(data)) + data


class Wire:
    """One connection to the broker, to publish only."""

    def __init__(self, port: int, client_id: str) -> None:
        """Connect. Raises OSError."""
        self._ids = itertools.cycle(range(1, 65536))
        self._sent = 0
        self._acknowledged = 0
        self._news = threading.Condition()
        self._socket = socket.create_connection((HOST, port), timeout=30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Version 4 is 3.1.1; a clean session; no keep-alive.
        connect = _text("MQTT") + struct.pack("!BBH", 4, 2, 0) + _text(client_id)
        self._socket.sendall(_packet(_CONNECT, connect))
        if self._socket.recv(4, socket.MSG_WAITALL) != b"\x20\x02\x00\x00":
            raise OSError("the broker refused the connection")
        self._socket.settimeout(None)
        threading.Thread(target=self._read, daemon=True).start()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Disconnect."""
        self._socket.close()

    def encode(
        self, messages: Iterable[tuple[str, bytes]], *, retain: bool = False
    ) -> bytes:
        """Return messages, each a topic and a payload, as one stream to `send` next."""
        kind = _PUBLISH_QOS_1 | (_RETAIN if retain else 0)
        packets = [
            _packet(kind, _text(topic) + struct.pack("!H", next(self._ids)) + payload)
            for topic, payload in messages
        ]
        self._sent += len(packets)
        return b"".join(packets)

    def send(self, stream: bytes) -> float:
        """Send a stream as fast as the broker takes it; return the time it began."""
        began = time.time()
        self._socket.sendall(stream)
        return began

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> float:
        """Publish one message; return the Unix time just before it was sent."""
        return self.send(self.encode([(topic, payload)], retain=retain))

    def settle(self, seconds: float = 120) -> None:
        """Wait until the broker has taken everything. Raises TimeoutError."""
        with self._news:
            if not self._news.wait_for(
                lambda: self._acknowledged >= self._sent, seconds
            ):
                raise TimeoutError("the broker does not take the messages")

    def _read(self) -> None:
        """Count the acknowledgements: nothing else comes to a publisher."""
        count = 0
        try:
            while data := self._socket.recv(65536):
                count += len(data)
                with self._news:
                    self._acknowledged = count // _PUBACK_BYTES
                    self._news.notify_all()
        except OSError:
            return
