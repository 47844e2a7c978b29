"""A host that sends single frames, right or wrong, and shows what comes back."""

import asyncio

from simulator.ezsp.ash import FLAG, Frame, FrameError, Kind, decode, encode
from simulator.ezsp.fields import Values
from simulator.ezsp.frames import Frames, frames
from simulator.ezsp.ncp import ASYNCHRONOUS

PATIENCE = 60


class RawHost:
    """ASH without any automatism, but for numbers and acknowledgements where wanted."""

    def __init__(self) -> None:
        """Initialize."""
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter
        self.next = 0
        self.expected = 0
        self.sequence = 0
        self._callbacks: list[bytes] = []
        #: If callbacks are welcome, as acknowledgements say.
        self.ready = True

    async def connect(self, port: int) -> None:
        """Connect."""
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", port)

    def close(self) -> None:
        """Disconnect."""
        self._writer.close()

    def send_bytes(self, data: bytes) -> None:
        """Send anything."""
        self._writer.write(data)

    def send(self, frame: Frame) -> None:
        """Send a frame."""
        self._writer.write(encode(frame))

    async def receive(self) -> Frame:
        """Return the next frame."""
        async with asyncio.timeout(PATIENCE):
            return decode((await self._reader.readuntil(bytes((FLAG,))))[:-1])

    async def nothing(self, seconds: float = 0.1) -> bool:
        """Return if nothing comes for a while."""
        try:
            async with asyncio.timeout(seconds):
                await self._reader.readexactly(1)
        except TimeoutError:
            return True
        return False

    async def reset(self) -> Frame:
        """Reset the co-processor, and return what it says."""
        self.send_bytes(b"\x1a")
        self.send(Frame(Kind.RST))
        self.next = self.expected = 0
        return await self.receive()

    def send_data(self, data: bytes) -> None:
        """Send an EZSP frame."""
        self.send(Frame(Kind.DATA, self.next, self.expected, data=data))
        self.next = (self.next + 1) % 8

    async def receive_data(self) -> bytes:
        """Return the next EZSP frame, acknowledged."""
        while True:
            frame = await self.receive()
            if frame.kind is Kind.DATA:
                self.expected = (frame.number + 1) % 8
                self.acknowledge()
                return frame.data

    def acknowledge(self) -> None:
        """Acknowledge what has come."""
        self.send(Frame(Kind.ACK, ack=self.expected, flag=not self.ready))

    async def exchange(self, data: bytes) -> bytes:
        """Send an EZSP frame, and return the next one that comes back."""
        self.send_data(data)
        return await self.receive_data()

    async def agree(self, version: int) -> bytes:
        """Reset, and agree on a version in the way of all hosts; return the last answer."""
        await self.reset()
        await self.exchange(bytes((0, 0, 0, 4)))
        return await self.exchange(bytes((1, 0, 1, 0, 0, version)))

    async def command_after_noise(self) -> None:
        """Reset until that is understood, and agree on a version."""
        self.send(Frame(Kind.RST))
        while (await self.receive_any()) is not Kind.RSTACK:
            pass
        self.next = self.expected = 0
        assert (await self.exchange(bytes((0, 0, 0, 4))))[2] == 0

    async def receive_any(self) -> Kind | None:
        """Return the kind of the next frame."""
        try:
            return (await self.receive()).kind
        except FrameError:
            return None

    async def command(
        self, version: int, name: str, values: Values | None = None
    ) -> tuple[str, Values]:
        """Send a command of the extended format; return name and values of the answer."""
        table = frames(version)
        self.sequence = (self.sequence + 1) % 256
        frame = table.by_name[name]
        head = bytes((self.sequence, 0, 1)) + frame.id.to_bytes(2, "little")
        self.send_data(head + frame.command.write(values or {}))
        while (data := await self.receive_data())[1] & ASYNCHRONOUS:
            self._callbacks.append(data)
        return read(table, data)

    async def callback(self, version: int) -> tuple[str, Values]:
        """Return name and values of the next callback."""
        if self._callbacks:
            return read(frames(version), self._callbacks.pop(0))
        return read(frames(version), await self.receive_data())


def read(table: Frames, data: bytes) -> tuple[str, Values]:
    """Return name and values of an answer or callback."""
    frame = table.by_id[int.from_bytes(data[3:5], "little")]
    return frame.name, frame.response.read(data, 5)[0]
