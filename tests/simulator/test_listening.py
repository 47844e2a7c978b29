"""Where stand-ins listen."""

import asyncio
import errno
import socket
from typing import Any

import pytest

from simulator import listening
from simulator.listening import (
    HOST,
    accept_no_more,
    held_port,
    hold,
    listen,
    listen_twice,
)

pytestmark = pytest.mark.usefixtures("socket_enabled")


@pytest.mark.parametrize("turns", range(5))
async def test_who_comes_as_it_closes(turns: int) -> None:
    """However far a connection has come, the server gets it and closes without a word."""
    failed: list[dict[str, Any]] = []
    served: list[asyncio.StreamWriter] = []

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(writer)

    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    loop.set_exception_handler(lambda _loop, context: failed.append(context))
    listener = listen()
    server = await asyncio.start_server(serve, sock=listener)
    with socket.create_connection(listener.getsockname()):
        for _ in range(turns):
            await asyncio.sleep(0)
        await accept_no_more(listener)
        server.close()
        for _ in range(5):
            await asyncio.sleep(0)
    for writer in served:
        writer.close()
    await server.wait_closed()
    await accept_no_more(listener)
    assert failed == []


async def test_what_is_sent_goes_at_once() -> None:
    """No small packet waits for the answer to the one before, as radios and broker know it."""
    served = asyncio.get_running_loop().create_future()

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("socket")
        served.set_result(peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    listener = listen()
    async with await asyncio.start_server(serve, sock=listener):
        with socket.create_connection(listener.getsockname()):
            assert await served


def test_port_is_kept() -> None:
    """Nobody can connect to a port that is held, and whoever it is for can listen there."""
    with held_port() as port:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((HOST, port))
        for _ in range(2):
            with listen(port), socket.create_connection((HOST, port)):
                pass
        with listen(port), pytest.raises(OSError, match="in use"):
            hold(port)


def test_other_half_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a port whose other half somebody has another one is taken, unless it must be that."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind((HOST, 0))
        taken = other.getsockname()[1]
        ports = [taken, taken, 0]
        monkeypatch.setattr(listening, "listen", lambda _port: listen(ports.pop(0)))
        listener, datagrams = listen_twice()
        with listener, datagrams:
            assert listener.getsockname() == datagrams.getsockname() != (HOST, taken)
        assert ports == []
        monkeypatch.undo()
        with pytest.raises(OSError, match="in use") as error:
            listen_twice(taken)
        assert error.value.errno == errno.EADDRINUSE
