"""Ports of the loopback address that stand-ins listen at, and how they let go of them."""

import asyncio
from collections.abc import Iterator
import contextlib
import errno
import socket

HOST = "127.0.0.1"
#: So many ports are tried, of which the other half may be taken.
TRIES = 20


def hold(port: int = 0) -> socket.socket:
    """Return a socket that keeps a port, and lets nobody connect; 0 takes a free one.

    Whoever says SO_REUSEADDR may listen there; no port is chosen twice. Raises OSError.
    """
    held = socket.socket()
    try:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind((HOST, port))
    except OSError:
        held.close()
        raise
    return held


@contextlib.contextmanager
def held_port() -> Iterator[int]:
    """Keep a free port for a server that is not ours, and is told where to listen."""
    with hold() as held:
        yield held.getsockname()[1]


def listen(port: int = 0) -> socket.socket:
    """Return a socket that listens; 0 takes a free port. Raises OSError."""
    # Only of one that says it is TCP does asyncio send each packet at once.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener


def listen_twice(port: int = 0) -> tuple[socket.socket, socket.socket]:
    """Return a socket for TCP that listens, and one for UDP, at the same port.

    0 takes one that is free for both. Raises OSError.
    """
    for _ in range(1 if port else TRIES):
        listener = listen(port)
        datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            datagrams.bind(listener.getsockname())
        except OSError:
            listener.close()
            datagrams.close()
        else:
            return listener, datagrams
    raise OSError(errno.EADDRINUSE, f"Port {port or 'for both'} is in use")


async def accept_no_more(listener: socket.socket) -> None:
    """Let nobody connect any more: to be awaited before a server is closed.

    asyncio takes a connection first, then hands it to the server, and then to its protocol,
    in turns of its loop. A server that is closed between them fails in itself.
    """
    if listener.fileno() >= 0:
        asyncio.get_running_loop().remove_reader(listener)
        for _ in range(2):
            await asyncio.sleep(0)
