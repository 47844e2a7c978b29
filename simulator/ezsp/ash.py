"""ASH, the data link of EZSP over a serial line: its frames as bytes (UG101, sections 2 to 4).

A frame on the wire is its body (control byte, data field, CRC), byte-stuffed, and a
flag byte. The data field of a DATA frame is randomised on top. What the frames do is
in `ash_link`.
"""

from binascii import crc_hqx
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
import re

FLAG = 0x7E
ESCAPE = 0x7D
XON = 0x11
XOFF = 0x13
SUBSTITUTE = 0x18
CANCEL = 0x1A
#: An escaped byte is sent with this bit inverted.
FLIP = 0x20

VERSION = 2
#: A data field has at least a legacy EZSP header, and at most what EZSP 14 and newer send.
SHORTEST_DATA = 3
LONGEST_DATA = 220
#: Bytes of an unstuffed body: control, data, CRC.
LONGEST_BODY = 1 + LONGEST_DATA + 2


class Kind(IntEnum):
    """Frame types, named by their control bytes without numbers and flags."""

    DATA = 0x00
    ACK = 0x80
    NAK = 0xA0
    RST = 0xC0
    RSTACK = 0xC1
    ERROR = 0xC2


class ResetCode(IntEnum):
    """Why the co-processor has reset, or why it failed (UG101, table 3)."""

    UNKNOWN = 0x00
    EXTERNAL = 0x01
    POWER_ON = 0x02
    WATCHDOG = 0x03
    ASSERT = 0x06
    BOOTLOADER = 0x09
    SOFTWARE = 0x0B
    TOO_MANY_TIMEOUTS = 0x51


class FrameError(Exception):
    """A frame that has to be ignored. `data` tells if it may have been a DATA frame."""

    def __init__(self, reason: str, *, data: bool = False) -> None:
        """Initialize."""
        super().__init__(reason)
        self.data = data


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame without CRC. Which of the fields count depends on the kind."""

    kind: Kind
    #: Number of a DATA frame, 0 to 7.
    number: int = 0
    #: Number of the DATA frame that is expected next, 0 to 7.
    ack: int = 0
    #: Sent again (DATA), or "not ready for callbacks" (ACK and NAK).
    flag: bool = False
    #: EZSP frame of DATA; version and code of RSTACK and ERROR.
    data: bytes = b""


def _random_bytes(length: int) -> bytes:
    # UG101, 4.3: a linear feedback shift register, starting anew for each frame.
    value = 0x42
    out = bytearray()
    for _ in range(length):
        out.append(value)
        value = (value >> 1) ^ (0xB8 if value & 1 else 0)
    return bytes(out)


_RANDOM = _random_bytes(LONGEST_BODY)
_RESERVED = re.compile(
    b"[" + re.escape(bytes((FLAG, ESCAPE, XON, XOFF, SUBSTITUTE, CANCEL))) + b"]"
)
_ESCAPED = re.compile(bytes((ESCAPE,)) + b"(.)", re.DOTALL)


def randomise(data: bytes) -> bytes:
    """Return the data field as it is sent, or as it was before; both are the same."""
    size = len(data)
    mixed = int.from_bytes(data) ^ int.from_bytes(_RANDOM[:size])
    return mixed.to_bytes(size)


def crc(body: bytes) -> int:
    """Return CRC-CCITT with the start value 0xFFFF."""
    return crc_hqx(body, 0xFFFF)


def stuff(body: bytes) -> bytes:
    """Return a body without any reserved byte."""
    return _RESERVED.sub(lambda match: bytes((ESCAPE, match[0][0] ^ FLIP)), body)


def unstuff(wire: bytes) -> bytes:
    """Return what was stuffed."""
    if ESCAPE not in wire:
        return wire
    return _ESCAPED.sub(lambda match: bytes((match[1][0] ^ FLIP,)), wire)


def control(frame: Frame) -> int:
    """Return the control byte."""
    match frame.kind:
        case Kind.DATA:
            return frame.number << 4 | frame.flag << 3 | frame.ack
        case Kind.ACK | Kind.NAK:
            return frame.kind | frame.flag << 3 | frame.ack
    return frame.kind


def encode(frame: Frame) -> bytes:
    """Return a frame as it is on the wire, with its flag byte."""
    data = randomise(frame.data) if frame.kind is Kind.DATA else frame.data
    body = bytes((control(frame),)) + data
    return stuff(body + crc(body).to_bytes(2)) + bytes((FLAG,))


def decode(wire: bytes) -> Frame:
    """Return the frame between two flag bytes. Raises FrameError."""
    body = unstuff(wire)
    first = body[0]
    is_data = first < 0x80
    if not 3 <= len(body) <= LONGEST_BODY:
        raise FrameError("length", data=is_data)
    if crc(body[:-2]) != int.from_bytes(body[-2:]):
        raise FrameError("CRC", data=is_data)
    data = body[1:-2]
    if is_data:
        if len(data) < SHORTEST_DATA:
            raise FrameError("length", data=True)
        return Frame(Kind.DATA, first >> 4, first & 7, bool(first & 8), randomise(data))
    kind = first & 0xE0 if first < Kind.RST else first
    if kind not in Kind:
        raise FrameError("control byte")
    if kind in {Kind.ACK, Kind.NAK}:
        if data:
            raise FrameError("length")
        return Frame(Kind(kind), ack=first & 7, flag=bool(first & 8))
    if len(data) != (0 if kind == Kind.RST else 2):
        raise FrameError("length")
    return Frame(Kind(kind), data=data)


class Splitter:
    """Cuts a stream of bytes into what is between flag bytes (UG101, 2.1)."""

    #: Bytes of a stuffed body at most; what is longer is no frame.
    LONGEST = 2 * LONGEST_BODY

    def __init__(self) -> None:
        """Initialize at the beginning of a frame."""
        self._begun = bytearray()
        self._spoilt = False

    def clear(self) -> None:
        """Forget what has begun."""
        self._begun.clear()
        self._spoilt = False

    def feed(self, received: bytes) -> Iterator[bytes]:
        """Take bytes, and yield the frames that are complete, still stuffed."""
        for byte in received:
            if byte == FLAG:
                if self._begun and not self._spoilt:
                    yield bytes(self._begun)
                self.clear()
            elif byte == CANCEL:
                self.clear()
            elif byte == SUBSTITUTE:
                self._spoilt = True
            elif byte not in {XON, XOFF}:
                if len(self._begun) < self.LONGEST:
                    self._begun.append(byte)
                else:
                    self._spoilt = True
