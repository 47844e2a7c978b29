"""A UHPPOTE board on the loopback address: 64 byte packets over UDP and TCP, a list, a clock.

It is written from the packets' layout and not with the library that is tested against it.
Unlike the makers of that library's own simulator it looks at the days of a card, holds a
list of any size, keeps the slots of deleted cards and has a memory of events that wraps. And
it does what boards on a wall do: see `Fault` and the methods below it.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
import ipaddress
import socket
import struct
from typing import Any, override

from .listening import accept_no_more, listen_twice

START = 0x17
LENGTH = 64
#: Slots of the list that were deleted; and what a slot answers that was never used.
DELETED, NOTHING = 0xFFFFFFFF, 0
#: Modes of a door.
NORMALLY_OPEN, NORMALLY_CLOSED, CONTROLLED = 1, 2, 3
#: Events that are kept, and how many are dropped together when there are more.
KEPT_EVENTS, DROPPED_EVENTS = 256, 8
OVERWRITTEN = 0xFF
_MAGIC = 0x55AAAA55

# Functions, by the second byte of a packet.
STATUS = 0x20
SET_TIME, GET_TIME = 0x30, 0x32
OPEN_DOOR = 0x40
PUT_CARD, DELETE_CARD, DELETE_ALL = 0x50, 0x52, 0x54
COUNT_CARDS, GET_CARD, GET_CARD_AT = 0x58, 0x5A, 0x5C
SET_DOOR, GET_DOOR = 0x80, 0x82
SET_PASSBACK, GET_PASSBACK = 0x84, 0x86
RECORD_SPECIAL = 0x8E
SET_LISTENER, GET_LISTENER = 0x90, 0x92
GET_CONTROLLER = 0x94
GET_EVENT, SET_EVENT_INDEX, GET_EVENT_INDEX = 0xB0, 0xB2, 0xB4

# Reasons of events.
SWIPED, NOT_ALLOWED, CLOSED, TIME_PROFILE, UNKNOWN_CARD = 1, 6, 11, 15, 18
BUTTON, OPENED, SHUT, POWER_ON = 20, 23, 24, 28
FORCED, TAMPER, REMOTE = 38, 41, 44
#: Types of events: a swipe, a door, an alarm.
_SWIPE, _DOOR, _ALARM = 1, 2, 3


class Fault(StrEnum):
    """How a board misbehaves, on request."""

    #: No power, or no network.
    OFFLINE = "offline"
    #: Each answer comes twice.
    TWICE = "twice"
    #: What it sends by itself is lost on the way.
    MUTE = "mute"
    #: The relay does not switch, whatever the board says.
    STUCK = "stuck"
    #: It takes no mode of a door, and answers with the one that it has.
    OBSTINATE = "obstinate"
    #: Its clock takes no time.
    CLOCK = "clock"
    #: It says that it has stored a card, and has not.
    FORGETFUL = "forgetful"
    #: A card is written without its doors, as if the power went in the middle.
    HALF_WRITTEN = "half_written"
    #: It is offline as soon as it has written a card and answered.
    DIES_AFTER_WRITING = "dies_after_writing"
    #: A deleted card stays, as if it had been there twice for ever.
    KEEPS_CARDS = "keeps_cards"
    #: It does not answer what is at a place of its list.
    NO_LIST = "no_list"
    #: It knows no anti-pass-back, and does not answer; it refuses it; it says that it does
    #: it, and does not; or it does one that nobody has heard of.
    NO_PASSBACK = "no_passback"
    REFUSES_PASSBACK = "refuses_passback"
    KEEPS_PASSBACK = "keeps_passback"
    STRANGE_PASSBACK = "strange_passback"


@dataclass(slots=True)
class Card:
    """A card as it is on the board."""

    number: int
    start: date | None = None
    end: date | None = None
    doors: tuple[int, int, int, int] = (0, 0, 0, 0)
    pin: int = 0


@dataclass(slots=True)
class Door:
    """A door: its contact, its lock, and who holds it open."""

    mode: int = CONTROLLED
    delay: int = 5
    is_open: bool = False
    unlocked_until: datetime | None = None


@dataclass(slots=True, kw_only=True)
class Event:
    """An event, kept until newer ones overwrite it."""

    index: int
    type: int
    granted: bool
    door: int
    direction: int
    card: int
    at: datetime
    reason: int


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, board: Board) -> None:
        self._board = board
        self._transport: asyncio.DatagramTransport | None = None

    @override
    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    @override
    def datagram_received(self, data: bytes, addr: Any) -> None:
        for answer in self._board.answers(data):
            assert self._transport
            self._transport.sendto(answer, addr)


class Board:
    """One board. `clock` is what it goes by: local time, without a zone."""

    def __init__(
        self,
        serial: int = 405419896,
        *,
        capacity: int = 20_000,
        clock: Callable[[], datetime] = datetime.now,
    ) -> None:
        """Initialize as it comes out of its box."""
        self.serial = serial
        self.capacity = capacity
        self.faults: set[Fault] = set()
        #: How far its clock is ahead.
        self.offset = timedelta()
        self._clock = clock
        #: Numbers of the functions that it was asked for, in their order.
        self.asked: list[int] = []
        #: So many packets are lost on their way here.
        self.lose = 0
        #: Called with each function that it is asked for, before it answers: what is done
        #: there comes in the middle of what somebody else does.
        self.on_asked: Callable[[int], None] = lambda _function: None
        self.port = 0
        self._listener: socket.socket | None = None
        self._server: asyncio.Server | None = None
        self._transport: asyncio.DatagramTransport | None = None
        self._interval: asyncio.TimerHandle | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._sequence = 0
        self._blank()

    def _blank(self) -> None:
        self.slots: list[Card] = []
        self.events: list[Event] = []
        self.doors = [Door() for _ in range(4)]
        self.listener: tuple[str, int, int] = ("0.0.0.0", 0, 0)
        self.event_index = 0
        self.special_events = False
        self.passback = 0
        self.error = 0

    async def start(self, port: int = 0) -> None:
        """Listen to UDP and TCP at one port of the loopback address."""
        loop = asyncio.get_running_loop()
        self._listener, datagrams = listen_twice(port)
        self.port = self._listener.getsockname()[1]
        self._server = await asyncio.start_server(self._serve, sock=self._listener)
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: _Datagrams(self), sock=datagrams
        )

    async def stop(self) -> None:
        """End."""
        if self._interval:
            self._interval.cancel()
        if self._transport:
            self._transport.close()
        if self._listener and self._server:
            await accept_no_more(self._listener)
            self._server.close()
            for writer in tuple(self._writers):
                writer.close()
            await self._server.wait_closed()

    @property
    def address(self) -> str:
        """Return where it is."""
        return f"127.0.0.1:{self.port}"

    @property
    def now(self) -> datetime:
        """Return the time that it believes in."""
        return (self._clock() + self.offset).replace(microsecond=0)

    # The world

    def swipe(self, number: int, door: int = 1, direction: int = 1) -> bool:
        """Hold a card to a reader. Return if the door was unlocked."""
        where = self.doors[door - 1]
        card = self._find(number)
        today = self.now.date()
        if card is None:
            reason = UNKNOWN_CARD
        elif (
            not (card.start and card.end and card.start <= today <= card.end)
            or not card.doors[door - 1]
        ):
            # What a real board says of an expired card is written nowhere.
            reason = NOT_ALLOWED
        elif card.doors[door - 1] > 1:
            reason = TIME_PROFILE
        elif where.mode == NORMALLY_CLOSED:
            reason = CLOSED
        else:
            reason = SWIPED
        granted = reason == SWIPED
        if granted:
            self._unlock(where)
        self._happen(_SWIPE, granted, door, number, reason, direction=direction)
        return granted

    def open(self, door: int = 1, *, forced: bool = False) -> None:
        """Open a door, by force or after it was unlocked."""
        self.doors[door - 1].is_open = True
        if forced:
            self._happen(_ALARM, False, door, 0, FORCED)
        elif self.special_events:
            self._happen(_DOOR, True, door, 0, OPENED)

    def shut(self, door: int = 1) -> None:
        """Shut a door."""
        self.doors[door - 1].is_open = False
        if self.special_events:
            self._happen(_DOOR, True, door, 0, SHUT)

    def tamper(self) -> None:
        """Open its box."""
        self._happen(_ALARM, False, 0, 0, TAMPER)

    def swipe_for_no_known_reason(self, number: int, door: int = 1) -> None:
        """Hold a card to a reader, and let it be refused for a reason of newer firmware."""
        self._happen(_SWIPE, False, door, number, 99)

    def push(self, *, index: int | None = None) -> bytes:
        """Send its state now, with its last event or with a number that is not its.

        Return the packet.
        """
        self._push(index)
        return self._status(index)

    def vendor_writes(self, card: Card) -> None:
        """Write a card with the vendor's tool, which looks for none with its number."""
        self.slots.append(card)

    def restart(self) -> None:
        """Take its power away for a moment: the list stays."""
        for door in self.doors:
            door.unlocked_until = None
        self._happen(_DOOR, True, 0, 0, POWER_ON)

    def forget_everything(self) -> None:
        """Put it back as it came out of its box."""
        if self._interval:
            self._interval.cancel()
        self._blank()

    # Its inside

    def _find(self, number: int) -> Card | None:
        return next((card for card in self.slots if card.number == number), None)

    @property
    def cards(self) -> list[Card]:
        """Return the cards, without deleted slots."""
        return [card for card in self.slots if card.number != DELETED]

    def _unlock(self, door: Door) -> None:
        door.unlocked_until = self._clock() + timedelta(seconds=door.delay)

    @property
    def relays(self) -> int:
        """Return which relays are on, a bit for each."""
        if Fault.STUCK in self.faults:
            return 0
        now = self._clock()
        return sum(
            1 << bit
            for bit, door in enumerate(self.doors)
            if door.mode == NORMALLY_OPEN
            or (door.unlocked_until and now < door.unlocked_until)
        )

    def _happen(
        self,
        kind: int,
        granted: bool,
        door: int,
        card: int,
        reason: int,
        *,
        direction: int = 1,
    ) -> None:
        index = self.events[-1].index + 1 if self.events else 1
        self.events.append(
            Event(
                index=index,
                type=kind,
                granted=granted,
                door=door,
                direction=direction,
                card=card,
                at=self.now,
                reason=reason,
            )
        )
        if len(self.events) > KEPT_EVENTS:
            del self.events[:DROPPED_EVENTS]
        self._push()

    def _push(self, index: int | None = None) -> None:
        host, port, _interval = self.listener
        if port and self._transport and not self.faults & {Fault.OFFLINE, Fault.MUTE}:
            self._transport.sendto(self._status(index), (host, port))

    def _push_again(self) -> None:
        self._push()
        interval = self.listener[2]
        self._interval = asyncio.get_running_loop().call_later(
            interval, self._push_again
        )

    # Packets

    def answers(self, request: bytes) -> list[bytes]:
        """Return what it answers: nothing, once or twice."""
        if len(request) != LENGTH or request[0] != START:
            return []
        serial = _number(request, 4)
        if serial not in (0, self.serial) or Fault.OFFLINE in self.faults:
            return []
        if self.lose:
            self.lose -= 1
            return []
        function = request[1]
        if serial == 0 and function != GET_CONTROLLER:
            return []
        self.asked.append(function)
        self.on_asked(function)
        if function == GET_CARD_AT and Fault.NO_LIST in self.faults:
            return []
        answer = self._answer(function, request)
        if answer is None:
            return []
        return [answer] * (2 if Fault.TWICE in self.faults else 1)

    def _answer(self, function: int, request: bytes) -> bytes | None:
        answer = self._packet(function)
        match function:
            case 0x20:
                return self._status()
            case 0x30:
                if Fault.CLOCK not in self.faults:
                    self.offset = _datetime(request, 8) - self._clock().replace(
                        microsecond=0
                    )
                answer[8:15] = _bcd(self.now, "%Y%m%d%H%M%S")
            case 0x32:
                answer[8:15] = _bcd(self.now, "%Y%m%d%H%M%S")
            case 0x40:
                self._unlock(self.doors[request[8] - 1])
                answer[8] = 1
                self._happen(_DOOR, True, request[8], 0, REMOTE)
            case 0x50:
                answer[8] = self._put(request)
                if Fault.DIES_AFTER_WRITING in self.faults:
                    self.faults.add(Fault.OFFLINE)
            case 0x52:
                answer[8] = self._delete(_number(request, 8))
            case 0x54:
                if _number(request, 8) == _MAGIC:
                    self.slots.clear()
                    answer[8] = 1
            case 0x58:
                struct.pack_into("<I", answer, 8, len(self.cards))
            case 0x5A:
                _write_card(answer, self._find(_number(request, 8)))
            case 0x5C:
                index = _number(request, 8)
                there = 1 <= index <= len(self.slots)
                _write_card(answer, self.slots[index - 1] if there else None)
            case 0x80 | 0x82:
                door = self.doors[request[8] - 1]
                if function == SET_DOOR and Fault.OBSTINATE not in self.faults:
                    door.mode, door.delay = request[9], request[10]
                answer[8:11] = bytes((request[8], door.mode, door.delay))
            case 0x84 | 0x86:
                return self._passback(function, request)
            case 0x8E:
                self.special_events = bool(request[8])
                answer[8] = 1
            case 0x90:
                self._listen(request)
                answer[8] = 1
            case 0x92:
                host, port, interval = self.listener
                answer[8:12] = ipaddress.IPv4Address(host).packed
                struct.pack_into("<HB", answer, 12, port, interval)
            case 0x94:
                answer[8:20] = bytes((127, 0, 0, 1, 255, 0, 0, 0, 0, 0, 0, 0))
                answer[20:26] = bytes((0x00, 0x66, 0x19, 0x39, 0x55, 0x2D))
                answer[26:28] = bytes((0x08, 0x92))
                answer[28:32] = bytes((0x20, 0x18, 0x11, 0x05))
            case 0xB0:
                self._write_event(answer, _number(request, 8))
            case 0xB2:
                if _number(request, 12) == _MAGIC:
                    self.event_index = _number(request, 8)
                    answer[8] = 1
            case 0xB4:
                struct.pack_into("<I", answer, 8, self.event_index)
            case _:
                return None
        return bytes(answer)

    def _passback(self, function: int, request: bytes) -> bytes | None:
        if Fault.NO_PASSBACK in self.faults:
            return None
        answer = self._packet(function)
        if function == GET_PASSBACK:
            strange = Fault.STRANGE_PASSBACK in self.faults
            answer[8] = 77 if strange else self.passback
            return bytes(answer)
        if not self.faults & {Fault.REFUSES_PASSBACK, Fault.KEEPS_PASSBACK}:
            self.passback = request[8]
        answer[8] = Fault.REFUSES_PASSBACK not in self.faults
        return bytes(answer)

    def _packet(self, function: int) -> bytearray:
        packet = bytearray(LENGTH)
        packet[0], packet[1] = START, function
        struct.pack_into("<I", packet, 4, self.serial)
        return packet

    def _status(self, index: int | None = None) -> bytes:
        packet = self._packet(STATUS)
        if self.events:
            self._write_event(packet, self.events[-1].index)
        if index is not None:
            struct.pack_into("<I", packet, 8, index)
        packet[28:32] = bytes(door.is_open for door in self.doors)
        packet[36] = self.error
        packet[37:40] = _bcd(self.now, "%H%M%S")
        self._sequence += 1
        struct.pack_into("<I", packet, 40, self._sequence)
        packet[49] = self.relays
        packet[51:54] = _bcd(self.now, "%y%m%d")
        return bytes(packet)

    def _write_event(self, packet: bytearray, index: int) -> None:
        if not self.events:
            return
        first, last = self.events[0].index, self.events[-1].index
        if index == 0:
            index = first
        elif index == 0xFFFFFFFF:
            index = last
        if index < first:
            struct.pack_into("<IB", packet, 8, index, OVERWRITTEN)
        elif index <= last:
            event = self.events[index - first]
            struct.pack_into(
                "<IBBBBI",
                packet,
                8,
                event.index,
                event.type,
                event.granted,
                event.door,
                event.direction,
                event.card,
            )
            packet[20:27] = _bcd(event.at, "%Y%m%d%H%M%S")
            packet[27] = event.reason

    def _put(self, request: bytes) -> bool:
        card = Card(
            number=_number(request, 8),
            start=_datetime(request, 12).date(),
            end=_datetime(request, 16).date(),
            doors=(request[20], request[21], request[22], request[23]),
            pin=int.from_bytes(request[24:27], "little"),
        )
        if Fault.FORGETFUL in self.faults:
            return True
        if Fault.HALF_WRITTEN in self.faults:
            card.doors = (0, 0, 0, 0)
        for index, slot in enumerate(self.slots):
            if slot.number == card.number:
                self.slots[index] = card
                return True
        for index, slot in enumerate(self.slots):
            if slot.number == DELETED:
                self.slots[index] = card
                return True
        if len(self.slots) >= self.capacity:
            return False
        self.slots.append(card)
        return True

    def _delete(self, number: int) -> bool:
        for index, slot in enumerate(self.slots):
            if slot.number == number and number not in (NOTHING, DELETED):
                if Fault.KEEPS_CARDS not in self.faults:
                    self.slots[index] = Card(number=DELETED)
                return True
        return False

    def _listen(self, request: bytes) -> None:
        port, interval = struct.unpack_from("<HB", request, 12)
        self.listener = (str(ipaddress.IPv4Address(request[8:12])), port, interval)
        if self._interval:
            self._interval.cancel()
            self._interval = None
        if interval:
            self._interval = asyncio.get_running_loop().call_later(
                interval, self._push_again
            )

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._writers.add(writer)
        try:
            while True:
                for answer in self.answers(await reader.readexactly(LENGTH)):
                    writer.write(answer)
        except asyncio.IncompleteReadError, ConnectionError:
            pass
        finally:
            self._writers.discard(writer)
            writer.close()


def _number(packet: bytes, offset: int) -> int:
    number: int = struct.unpack_from("<I", packet, offset)[0]
    return number


def _bcd(at: datetime | date, form: str) -> bytes:
    return bytes.fromhex(at.strftime(form))


def _datetime(packet: bytes, offset: int) -> datetime:
    """Return a date of four bytes, or a time of seven where there is one."""
    digits = packet[offset : offset + 7].hex()
    try:
        return datetime.strptime(digits, "%Y%m%d%H%M%S")  # noqa: DTZ007
    except ValueError:
        return datetime.strptime(digits[:8], "%Y%m%d")  # noqa: DTZ007


def _write_card(packet: bytearray, card: Card | None) -> None:
    if card is None:
        return
    struct.pack_into("<I", packet, 8, card.number)
    for offset, day in ((12, card.start), (16, card.end)):
        if day:
            packet[offset : offset + 4] = _bcd(day, "%Y%m%d")
    packet[20:24] = bytes(card.doors)
    packet[24:27] = card.pin.to_bytes(3, "little")
