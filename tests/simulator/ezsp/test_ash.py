"""The ASH layer: frames as UG101 prints them, and the co-processor's conduct on them."""

from hypothesis import given, strategies as st
import pytest

from simulator.ezsp import EzspSimulator
from simulator.ezsp.ash import (
    LONGEST_DATA,
    Frame,
    FrameError,
    Kind,
    ResetCode,
    Splitter,
    crc,
    decode,
    encode,
    randomise,
    stuff,
    unstuff,
)

from .raw_host import RawHost

#: The version command of EZSP, in the legacy format.
VERSION = bytes((0, 0, 0, 2))


@pytest.mark.parametrize(
    ("frame", "wire"),
    [
        (Frame(Kind.RST), "c0 38 bc 7e"),
        (Frame(Kind.RSTACK, data=b"\x02\x02"), "c1 02 02 9b 7b 7e"),
        (Frame(Kind.ACK, ack=1), "81 60 59 7e"),
        (Frame(Kind.NAK, ack=6), "a6 34 dc 7e"),
        (Frame(Kind.DATA, 2, 5, data=VERSION), "25 42 21 a8 56 a6 09 7e"),
    ],
)
def test_frames_of_the_specification(frame: Frame, wire: str) -> None:
    """Frames are as UG101 prints them."""
    assert encode(frame) == bytes.fromhex(wire)
    assert decode(bytes.fromhex(wire)[:-1]) == frame


def test_randomisation_and_crc() -> None:
    """The pseudo-random sequence and the CRC begin as UG101 says."""
    assert randomise(bytes(8)) == bytes.fromhex("42 21 a8 54 2a 15 b2 59")
    assert crc(b"123456789") == 0x29B1


def test_stuffing() -> None:
    """Reserved bytes are escaped as in UG101, table 2."""
    assert stuff(bytes.fromhex("7e 11 13 18 1a 7d")) == bytes.fromhex(
        "7d5e 7d31 7d33 7d38 7d3a 7d5d"
    )


@given(st.binary(max_size=300))
def test_stuffing_can_be_undone(data: bytes) -> None:
    """Whatever is stuffed has no reserved byte, and comes back."""
    assert not {*stuff(data)} & {0x7E, 0x11, 0x13, 0x18, 0x1A}
    assert unstuff(stuff(data)) == data


@given(
    st.integers(0, 7),
    st.integers(0, 7),
    st.booleans(),
    st.binary(min_size=3, max_size=LONGEST_DATA),
)
def test_any_data_arrives(number: int, ack: int, again: bool, data: bytes) -> None:
    """A DATA frame comes out of the stream as it went in."""
    frame = Frame(Kind.DATA, number, ack, again, data)
    (wire,) = Splitter().feed(encode(frame))
    assert decode(wire) == frame


@given(st.binary(min_size=3, max_size=40), st.data())
def test_a_flipped_bit_is_noticed(data: bytes, draw: st.DataObject) -> None:
    """A frame with one wrong bit is never taken for a right one."""
    frame = Frame(Kind.DATA, 1, 2, data=data)
    wire = bytearray(encode(frame))
    wire[draw.draw(st.integers(0, len(wire) - 2))] ^= 1 << draw.draw(st.integers(0, 7))
    for piece in Splitter().feed(bytes(wire)):
        with pytest.raises(FrameError):
            decode(piece)


def test_cancel_and_substitute() -> None:
    """Cancel drops what has begun, substitute also what follows up to the flag."""
    wire = encode(Frame(Kind.ACK, ack=1))
    splitter = Splitter()
    assert list(splitter.feed(b"\x81\x1a" + wire)) == [wire[:-1]]
    assert list(splitter.feed(b"\x81\x18" + wire + wire)) == [wire[:-1]]
    assert list(splitter.feed(b"\x11" + wire[:1] + b"\x13" + wire[1:])) == [wire[:-1]]


async def test_reset(raw: RawHost) -> None:
    """A reset is answered with version and reason."""
    frame = await raw.reset()
    assert frame.kind is Kind.RSTACK
    assert frame.data == bytes((2, ResetCode.SOFTWARE))


async def test_data_is_acknowledged_by_the_answer(raw: RawHost) -> None:
    """The answer to a command carries its acknowledgement."""
    await raw.reset()
    raw.send_data(VERSION)
    answer = await raw.receive()
    assert answer.kind is Kind.DATA
    assert (answer.number, answer.ack) == (0, 1)


async def test_a_bad_frame_is_refused_once(raw: RawHost) -> None:
    """After a wrong CRC there is one NAK, until the right frame comes."""
    await raw.reset()
    for _ in range(3):
        raw.send_bytes(b"\x00\x01\x02\x03\x04\x05\x06\x7e")
    nak = await raw.receive()
    assert (nak.kind, nak.ack) == (Kind.NAK, 0)
    assert await raw.nothing()
    raw.send_data(VERSION)
    assert (await raw.receive()).kind is Kind.DATA


async def test_a_gap_is_refused(raw: RawHost) -> None:
    """A frame that comes too early is refused."""
    await raw.reset()
    raw.send(Frame(Kind.DATA, 3, 0, data=VERSION))
    nak = await raw.receive()
    assert (nak.kind, nak.ack) == (Kind.NAK, 0)


async def test_a_repeated_frame_is_not_done_twice(
    raw: RawHost, simulator: EzspSimulator
) -> None:
    """A frame that was sent again is only acknowledged, if it had arrived."""
    await raw.reset()
    await raw.exchange(VERSION)
    raw.send(Frame(Kind.DATA, 0, 1, True, VERSION))
    ack = await raw.receive()
    assert (ack.kind, ack.ack) == (Kind.ACK, 1)
    assert simulator.ncp.commands["version"] == 1


async def test_nak_brings_the_frame_again(raw: RawHost) -> None:
    """A frame that the host refuses is sent again, and says so."""
    await raw.reset()
    raw.send_data(VERSION)
    first = await raw.receive()
    raw.send(Frame(Kind.NAK, ack=0))
    again = await raw.receive()
    assert again.flag
    assert again.data == first.data


async def test_silence_of_the_host_ends_in_failure(
    raw: RawHost, simulator: EzspSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without acknowledgements a frame is repeated, then the link has failed until a reset."""
    for name in ("ACK_SECONDS", "ACK_SECONDS_LEAST", "ACK_SECONDS_MOST"):
        monkeypatch.setattr(f"simulator.ezsp.ash_link.{name}", 0.02)
    await raw.reset()
    raw.send_data(VERSION)
    frames = [await raw.receive() for _ in range(6)]
    assert [frame.kind for frame in frames] == [Kind.DATA] * 5 + [Kind.ERROR]
    assert [frame.flag for frame in frames[:5]] == [False, True, True, True, True]
    assert frames[-1].data == bytes((2, ResetCode.TOO_MANY_TIMEOUTS))
    raw.send_data(VERSION)
    assert (await raw.receive()).kind is Kind.ERROR
    assert (await raw.reset()).kind is Kind.RSTACK


async def test_window(raw: RawHost, simulator: EzspSimulator) -> None:
    """No more frames are on their way than the window has room for."""
    await raw.agree(14)
    simulator.ncp.ram.network_up = True
    for _ in range(9):
        simulator.ncp.callback("stackStatusHandler", {})
    frames = [await raw.receive() for _ in range(5)]
    assert await raw.nothing()
    raw.send(Frame(Kind.ACK, ack=(frames[1].number + 1) % 8))
    assert [(await raw.receive()).number for _ in range(2)] == [
        (frames[-1].number + 1) % 8,
        (frames[-1].number + 2) % 8,
    ]


async def test_host_that_is_not_ready_gets_no_callbacks(
    raw: RawHost, simulator: EzspSimulator
) -> None:
    """Callbacks wait while the host is not ready, answers do not."""
    await raw.agree(14)
    raw.ready = False
    raw.acknowledge()
    assert await raw.command(14, "nop") == ("nop", {})
    simulator.ncp.callback("stackStatusHandler", {})
    assert await raw.nothing()
    raw.ready = True
    raw.acknowledge()
    assert (await raw.receive()).kind is Kind.DATA


async def test_unwanted_kinds_are_ignored(raw: RawHost) -> None:
    """Frames that only a co-processor sends change nothing."""
    await raw.reset()
    raw.send(Frame(Kind.RSTACK, data=b"\x02\x02"))
    raw.send(Frame(Kind.ERROR, data=b"\x02\x51"))
    raw.send(Frame(Kind.ACK, ack=5))
    await raw.exchange(VERSION)
