"""A serial line: a pseudo-terminal whose other end is a simulated radio's socket."""

import asyncio
import os
import termios
import tty
from typing import Self


class SerialLine:
    """What is sent at another speed than the radio's arrives as noise."""

    def __init__(self, port: int, baudrate: int = 115200) -> None:
        """Initialize; `port` is the TCP port of the radio."""
        self._port = port
        self._speed = getattr(termios, f"B{baudrate}")
        self.path = ""

    async def __aenter__(self) -> Self:
        """Connect both ends."""
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.path = os.ttyname(self._slave)
        os.set_blocking(self._master, False)
        self._reader, self._writer = await asyncio.open_connection(
            "127.0.0.1", self._port
        )
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._master, self._from_host)
        self._task = asyncio.create_task(self._from_radio())
        return self

    async def __aexit__(self, *_error: object) -> None:
        """Cut the line."""
        self._loop.remove_reader(self._master)
        self._task.cancel()
        self._writer.close()
        os.close(self._master)
        os.close(self._slave)

    def _carries(self, data: bytes) -> bytes:
        """Return what arrives of what was sent: a bit more or less per byte."""
        if termios.tcgetattr(self._slave)[5] == self._speed:
            return data
        return bytes((byte >> 1 | 0x80) & 0xF3 for byte in data)

    def _from_host(self) -> None:
        self._writer.write(self._carries(os.read(self._master, 4096)))

    async def _from_radio(self) -> None:
        while data := await self._reader.read(4096):
            os.write(self._master, self._carries(data))
