"""Whatever comes from the socket: nothing is raised into the loop, and nothing is read.

The bytes are those of a co-processor that is out of its mind: noise, frames that are right
but for one thing, and EZSP frames that no co-processor sends. A real alarm follows.
"""

import asyncio
from collections.abc import Callable
import logging
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from hypothesis import HealthCheck, given, settings, strategies as st
import pytest

from custom_components.community_safety.catalogue.measurements import RADIO
from custom_components.community_safety.core.device import SafetyDevice
from custom_components.community_safety.gateways.zigbee import ZigbeeGateway
from homeassistant.core import HomeAssistant
from simulator.ezsp.ash import FLAG, Frame, Kind, decode, encode
from simulator.ezsp.ash_link import State
from simulator.ezsp.node import Node
from simulator.ezsp.simulator import EzspSimulator

from .common import join, smoke

TICK = 0.02
#: Turns of the event loop in a tick: sockets and threads need them, as time stands.
TURNS, TURNS_AT_START = 5, 50
#: Seconds in which a link must be well again: the watchdog's 15, and a start.
RECOVERED_SECONDS = 120
WATCHED_SECONDS = 20


class House:
    """Both ends of a socket."""

    def __init__(
        self,
        zigbee: ZigbeeGateway,
        coordinator: EzspSimulator,
        caplog: pytest.LogCaptureFixture,
        freezer: FrozenDateTimeFactory,
        node: Node,
        device: SafetyDevice,
    ) -> None:
        """Initialize."""
        self._zigbee = zigbee
        self._coordinator = coordinator
        self._caplog = caplog
        self._freezer = freezer
        self._node = node
        self._device = device
        #: What was raised into the loop.
        self.errors: list[dict[str, Any]] = []
        #: An alarm, as it is on the wire.
        self.alarm = b""

    async def until(self, proof: Callable[[], bool], least: float = 0) -> None:
        """Let time pass until something is so, at least some seconds."""
        for tick in range(round(RECOVERED_SECONDS / TICK)):
            if tick * TICK >= least and proof():
                return
            self._freezer.tick(TICK)
            for _turn in range(TURNS if self._zigbee.connected else TURNS_AT_START):
                await asyncio.sleep(0)
        raise AssertionError("it did not come to pass")

    async def bears(self, pieces: list[tuple[Any, ...]]) -> None:
        """Send all of it, and see that nothing comes of it; then there is a fire."""
        before = self._readings()
        self._caplog.clear()
        for piece in pieces:
            self._send(*piece)
            for _turn in range(TURNS):
                await asyncio.sleep(0)
        # Until the watchdog has had an answer, a link may be broken without a sign of it.
        await self.until(self._is_well, least=WATCHED_SECONDS)
        assert self._readings() == before
        for burns in (True, False):
            smoke(self._node, burns)
            await self.until(lambda: self._device.readings["smoke"] is burns)  # noqa: B023
        assert not self.errors
        assert not [
            record for record in self._caplog.records if record.levelno >= logging.ERROR
        ]

    def _readings(self) -> dict[str, dict[str, Any]]:
        """Return what does not change by itself: a breaker's meter does when it is read."""
        return {
            device.uid: {
                key: value
                for key, value in device.readings.items()
                if key not in RADIO
                and (device is self._device or isinstance(value, bool))
            }
            for device in self._zigbee.devices.values()
        }

    def _send(self, kind: str, *what: Any) -> None:
        link = self._coordinator.ncp.link
        wire, alarm = self.alarm, decode(self.alarm[:-1]).data
        if kind == "spoilt":
            # A set: two flips of the same bit would make the alarm whole again.
            for at, bit in {(at % (len(wire) - 1), bit) for at, bit in what[0]}:
                wire = wire[:at] + bytes((wire[at] ^ 1 << bit,)) + wire[at + 1 :]
        if kind in {"raw", "spoilt", "cut"}:
            if kind != "spoilt":
                wire = what[0] if kind == "raw" else wire[: what[0] % (len(wire) - 1)]
            if link.write:
                link.write(wire + bytes((FLAG,)))
            return
        if kind == "frame":
            sequence, flags, identifier, data = what
            head = bytes((sequence, flags, 1)) + identifier.to_bytes(2, "little")
            link.callbacks.append(head + data)
        elif kind == "short":
            link.callbacks.append(alarm[: what[0] % len(alarm)])
        else:
            link.callbacks.append(what[0])
        link.flush()

    def _is_well(self) -> bool:
        link = self._coordinator.ncp.link
        return (
            self._zigbee.connected
            and link.state is State.CONNECTED
            and not link.waiting
        )


hostile = settings(
    max_examples=60,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)

frames = st.builds(
    Frame,
    st.sampled_from(Kind),
    st.integers(0, 7),
    st.integers(0, 7),
    st.booleans(),
    st.binary(max_size=220),
)
#: How a frame of the co-processor is spoilt: at most three bits, which its CRC tells.
flips = st.lists(
    st.tuples(st.integers(0, 200), st.integers(0, 7)), min_size=1, max_size=3
)
wire = st.one_of(
    st.binary(max_size=300).map(lambda noise: ("raw", noise)),
    frames.map(lambda frame: ("raw", encode(frame))),
    flips.map(lambda places: ("spoilt", places)),
    st.integers(1, 80).map(lambda length: ("cut", length)),
)
ezsp = st.one_of(
    st.tuples(
        st.just("frame"),
        st.integers(0, 255),
        st.sampled_from((0x80, 0x90, 0x00, 0x81, 0x98)),
        st.integers(0, 0x200) | st.integers(0, 0xFFFF),
        st.binary(max_size=120),
    ),
    st.integers(1, 80).map(lambda length: ("short", length)),
    st.binary(max_size=4).map(lambda rest: ("bare", rest)),
)


@pytest.fixture
async def house(
    hass: HomeAssistant,
    zigbee: ZigbeeGateway,
    coordinator: EzspSimulator,
    caplog: pytest.LogCaptureFixture,
    freezer: FrozenDateTimeFactory,
    light: None,
) -> House:
    """Return a gateway with a detector and a breaker, whose clock is ours."""
    node, device = await join(hass, zigbee, coordinator, "smoke")
    _breaker, breaker = await join(hass, zigbee, coordinator, "breaker")
    house = House(zigbee, coordinator, caplog, freezer, node, device)
    await house.until(lambda: "supply" in breaker.readings)
    sent: list[bytes] = []
    link = coordinator.ncp.link
    write, link.write = link.write, sent.append
    smoke(node)
    link.write = write
    house.alarm = next(item for item in sent if decode(item[:-1]).kind is Kind.DATA)
    # It is sent again, as nobody has acknowledged it.
    await house.until(lambda: device.readings.get("smoke") is True)
    smoke(node, False)
    await house.until(lambda: device.readings["smoke"] is False)
    errors = house.errors
    hass.loop.set_exception_handler(lambda _loop, context: errors.append(context))
    return house


@pytest.mark.timeout(300)
@hostile
@given(pieces=st.lists(wire, min_size=1, max_size=6))
async def test_noise_on_the_line(house: House, pieces: list[tuple[Any, ...]]) -> None:
    """Bytes that are no frames, spoilt frames, and frames at the wrong time."""
    await house.bears(pieces)


@pytest.mark.timeout(300)
@hostile
@given(pieces=st.lists(ezsp, min_size=1, max_size=6))
async def test_frames_that_nobody_sends(
    house: House, pieces: list[tuple[Any, ...]]
) -> None:
    """Unknown numbers, wrong lengths, and answers that nobody has asked for."""
    await house.bears(pieces)
