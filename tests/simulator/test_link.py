"""The simulator's connection to the broker."""

import asyncio
from collections.abc import AsyncIterator, Generator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from benchmarks.broker import running
from simulator.link import Link
from simulator.listening import HOST, listen
from tests.common import PATIENCE

pytestmark = pytest.mark.usefixtures("socket_enabled")
TOPIC = "link/status"


class Line:
    """A line to the broker of which each end may hear at another time that it is cut."""

    def __init__(self, port: int) -> None:
        """Initialize; `port` is the broker's."""
        self._port = port
        self.listener = listen()
        #: The ends of each connection: the client's, and the broker's.
        self.clients: list[asyncio.StreamWriter] = []
        self.brokers: list[asyncio.StreamWriter] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def connect(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Carry what one end says to the other, and nothing of how it ends."""
        broker_reader, broker_writer = await asyncio.open_connection(HOST, self._port)
        self.clients.append(writer)
        self.brokers.append(broker_writer)
        for source, target in ((reader, broker_writer), (broker_reader, writer)):
            self._tasks.append(asyncio.create_task(_carry(source, target)))

    async def end(self) -> None:
        """Let the broker hear that the first connection has ended, and wait until it is done."""
        if not self.brokers[0].is_closing():
            self.brokers[0].write_eof()
        await self._tasks[1]

    async def stop(self) -> None:
        """Close all that is open."""
        for end in (*self.clients, *self.brokers):
            end.close()
        await asyncio.gather(*self._tasks)


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(4096):
            writer.write(data)


@asynccontextmanager
async def line_to(port: int) -> AsyncIterator[Line]:
    """Yield a line to a broker."""
    line = Line(port)
    async with await asyncio.start_server(line.connect, sock=line.listener):
        try:
            yield line
        finally:
            await line.stop()


@pytest.fixture(params=["mosquitto", "amqtt"])
def port(
    request: pytest.FixtureRequest, broker_port: int, tmp_path: Path
) -> Generator[int]:
    """Return the port of the tests' broker, and of the demo's."""
    if request.param == "mosquitto":
        yield broker_port
    else:
        with running("", tmp_path) as broker:
            yield broker.port


async def test_its_end_is_told_before_it_is_there_again(port: int) -> None:
    """A broker that still holds the last connection tells its end first, or never."""
    heard: list[Any] = []
    news = asyncio.Event()

    def receive(_topic: str, message: Any) -> None:
        heard.append(message)
        news.set()

    async def until(count: int, word: str) -> None:
        async with asyncio.timeout(PATIENCE):
            while heard.count(word) < count:
                news.clear()
                await news.wait()

    async with AsyncExitStack() as stack:
        line = await stack.enter_async_context(line_to(port))
        listener = Link(port, subscriptions=(TOPIC,), receive=receive)
        link = Link(
            line.listener.getsockname()[1],
            will=(TOPIC, b'"offline"'),
            connected=lambda: link.publish(TOPIC, "online") and None,
        )
        for one in (listener, link):
            one.start()
            stack.push_async_callback(one.stop, goodbye=True)
            await one.ready.wait()
        await until(1, "online")
        # The broker does not hear of it.
        line.clients[0].close()
        await until(2, "online")
        await line.end()
        listener.publish(TOPIC, "that was all")
        await until(1, "that was all")
        assert heard[-2:] == ["online", "that was all"]
