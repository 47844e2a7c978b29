"""One board: each call with its turn, its time and its errors.

Packets are encoded and decoded by `uhppoted` (PyPI, MIT licence). They are sent from here:
its own sockets do not know what to do where a board is off (0.9.1: they have no
`error_received`), and each try would leave a trace in the log.
"""

import asyncio
from contextlib import suppress
from datetime import date, datetime, time
from ipaddress import IPv4Address
import socket
from typing import Any, override

from uhppoted import decode, encode

from ..contact import NoAnswerError

#: Seconds for one answer on the local network, and how often it is asked for: a packet of
#: UDP may be lost.
ANSWER_SECONDS = 1.0
ATTEMPTS = 2
#: Where boards listen, and where they are told to send their events.
PORT = 60000
EVENT_PORT = 60001
TCP = "tcp"
PACKET_BYTES = 64
#: Where a search is sent to, and the seconds in which boards answer to it.
BROADCAST = ("255.255.255.255", PORT)
SEARCH_SECONDS = 2.0


class BoardError(NoAnswerError):
    """A board did not answer, or not as it should."""


class _Answer(asyncio.DatagramProtocol):
    """Takes one packet: a socket of its own cannot take a late answer for another's."""

    def __init__(self) -> None:
        """Initialize."""
        self.packet: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    @override
    def datagram_received(self, data: bytes, addr: Any) -> None:
        if not self.packet.done():
            self.packet.set_result(data)

    @override
    def error_received(self, exc: Exception) -> None:
        if not self.packet.done():
            self.packet.set_exception(exc)


class _Answers(asyncio.DatagramProtocol):
    """Takes all packets that come."""

    def __init__(self) -> None:
        """Initialize."""
        self.packets: list[bytes] = []

    @override
    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.packets.append(data)


class Board:
    """A board at an address such as `192.0.2.7:60000`, by its serial number.

    One call at a time: the boards have no more than one thing in mind. Every method
    raises BoardError.
    """

    def __init__(self, serial: int, address: str, protocol: str) -> None:
        """Initialize; the serial number 0 is that of whichever board is there."""
        self.serial = serial
        host, _, port = address.partition(":")
        self._where = host, int(port or PORT)
        self._is_tcp = protocol == TCP
        self._turn = asyncio.Lock()

    @property
    def host(self) -> str:
        """Return the address without the port."""
        return self._where[0]

    async def ask(self, name: str, *arguments: Any) -> Any:
        """Return the answer to a call, by its name in the library (`get_card`)."""
        packet = getattr(encode, f"{name}_request")(self.serial, *arguments)
        error: Exception | None = None
        async with self._turn:
            for _attempt in range(ATTEMPTS):
                try:
                    async with asyncio.timeout(ANSWER_SECONDS):
                        reply = await self._async_send(packet)
                    answer = getattr(decode, f"{name}_response")(reply)
                except (OSError, EOFError, ValueError) as err:
                    error = err
                    continue
                if self.serial and answer.controller != self.serial:
                    raise BoardError("another board answers at this address")
                return answer
        raise BoardError(repr(error)) from error

    async def _async_send(self, packet: bytes) -> bytes:
        if self._is_tcp:
            reader, writer = await asyncio.open_connection(*self._where)
            try:
                writer.write(packet)
                return await reader.readexactly(PACKET_BYTES)
            finally:
                writer.close()
        transport, answer = await asyncio.get_running_loop().create_datagram_endpoint(
            _Answer, remote_addr=self._where
        )
        try:
            transport.sendto(packet)
            return await answer.packet
        finally:
            transport.close()

    async def order(self, name: str, field: str, *arguments: Any) -> None:
        """Give an order to which the answer says in a field if it was taken."""
        if not getattr(await self.ask(name, *arguments), field):
            raise BoardError(f"{name} was refused")

    def own_address(self) -> IPv4Address:
        """Return our address as the board sees it, unless there is a router between."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect(self._where)
            except OSError as err:
                raise BoardError(repr(err)) from err
            return IPv4Address(probe.getsockname()[0])


def as_datetime(day: date | None, clock: time | None) -> datetime | None:
    """Return the time of a board, None for one that is none."""
    return datetime.combine(day, clock) if day and clock is not None else None


def doors_of(serial: int) -> int:
    """Return how many doors a board has: its serial number begins with that."""
    first = int(str(serial)[0])
    return min(first, 4)


async def async_identify(address: str, protocol: str) -> int:
    """Return the serial number of the board at an address. Raises BoardError."""
    return int((await Board(0, address, protocol).ask("get_controller")).controller)


async def async_search() -> list[str]:
    """Return the addresses of the boards that answer in the own network."""
    transport, answers = await asyncio.get_running_loop().create_datagram_endpoint(
        _Answers, local_addr=("0.0.0.0", 0), allow_broadcast=True
    )
    try:
        # Where there is no network, nobody answers.
        transport.sendto(encode.get_controller_request(0), BROADCAST)
        await asyncio.sleep(SEARCH_SECONDS)
    finally:
        transport.close()
    found: set[str] = set()
    for packet in answers.packets:
        with suppress(ValueError):
            found.add(str(decode.get_controller_response(packet).ip_address))
    return sorted(found)
