"""The simulation misbehaves on request, and a host notices it as it would on a real radio."""

import asyncio
import random

import pytest
from zigpy.exceptions import DeliveryError

from simulator.ezsp import EzspSimulator
from simulator.ezsp.noise import Badness, Line
from simulator.ezsp.timers import Timers

from .bellows_host import PATIENCE, BellowsHost, until

MODEL = ["model"]


async def read(host: BellowsHost, node: object) -> object:
    """Ask a node for its model, really."""
    basic = host.device(node).endpoints[1].basic
    values, _ = await basic.read_attributes(MODEL, allow_cache=False)
    return values["model"]


@pytest.mark.parametrize(
    ("badness", "counted"),
    [
        (Badness(lose=0.05), "lost"),
        (Badness(corrupt=0.1), "corrupted"),
        (Badness(duplicate=0.2), "duplicated"),
        (Badness(delay=0.2, delay_seconds=0.02), "delayed"),
    ],
)
async def test_a_bad_line_loses_nothing(
    host: BellowsHost, simulator: EzspSimulator, badness: Badness, counted: str
) -> None:
    """ASH repairs a bad line: every answer and every alarm arrives, once."""
    smoke = await host.join("smoke")
    zone = await host.enrol(smoke)
    link = simulator.ncp.link
    for line in (link.to_host, link.from_host):
        line.badness = badness
    for number in range(1, 11):
        smoke.body.set_zone(number << 2)
        assert await read(host, smoke) == "SmokeSensor-EF-3.0"
    await simulator.delivered()
    simulator.clear()
    assert zone.statuses() == [number << 2 for number in range(1, 11)]
    assert link.to_host.counts[counted] + link.from_host.counts[counted] > 0


def test_a_bad_line_is_always_the_same() -> None:
    """The same seed loses the same frames."""

    def arrived(seed: int) -> list[bytes]:
        frames: list[bytes] = []
        line = Line(frames.append, Timers(), seed)
        line.badness = Badness(lose=0.3)
        for number in range(100):
            line._free_at = 0.0
            line.send(bytes((number,)))
        return frames

    async def both() -> None:
        assert arrived(1) == arrived(1) != arrived(2)

    asyncio.run(both())


async def test_reset_by_itself(host: BellowsHost, simulator: EzspSimulator) -> None:
    """The host learns of a reset, and finds its network again."""
    simulator.fault("reset")
    await lost(host)
    await host.stop()
    host = BellowsHost(simulator)
    await host.start()
    assert simulator.ncp.commands["formNetwork"] == 2
    await host.stop()


async def lost(host: BellowsHost) -> None:
    """Wait until the host has lost its connection."""
    async with asyncio.timeout(PATIENCE):
        await host.lost.wait()


async def test_alarm_in_mid_reset_is_repeated(
    host: BellowsHost, simulator: EzspSimulator
) -> None:
    """What finds no network is sent again by the device, and arrives later."""
    smoke = await host.join("smoke")
    await host.enrol(smoke)
    simulator.air.retry_seconds = 0.5
    simulator.fault("reset")
    smoke.body.set_zone(1)
    await lost(host)
    await host.stop()
    await smoke.wait_record(what="sent")
    before = simulator.air.counts["to host"]
    new = BellowsHost(simulator)
    await new.start()
    await until(lambda: simulator.air.counts["to host"] > before)
    assert simulator.air.counts["repeated"] >= 1
    assert simulator.air.counts["lost"] == 0
    await new.stop()


async def test_hung(host: BellowsHost, simulator: EzspSimulator) -> None:
    """A hung co-processor acknowledges, but never answers, until it is reset."""
    simulator.fault("hung")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await host.app._ezsp.nop()
    assert not simulator.ncp.link.counts["time-out"]
    await host.stop()
    host = BellowsHost(simulator)
    await host.start()
    await host.app._ezsp.nop()
    await host.stop()


async def test_dead(host: BellowsHost, simulator: EzspSimulator) -> None:
    """A dead one does not even acknowledge."""
    simulator.fault("dead")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await host.app._ezsp.nop()
    simulator.clear()
    await host.app._ezsp.nop()


async def test_cut(host: BellowsHost, simulator: EzspSimulator) -> None:
    """A cut connection is noticed, and there is none until it is plugged in."""
    await simulator.unplug()
    await lost(host)
    with pytest.raises(OSError):
        await asyncio.open_connection("127.0.0.1", simulator.port)
    await simulator.plug()
    await host.stop()
    host = BellowsHost(simulator)
    await host.start()
    await host.stop()
    assert simulator.connections >= 2


async def test_no_buffers(host: BellowsHost, simulator: EzspSimulator) -> None:
    """Without buffers messages are refused at once."""
    breaker = await host.join("breaker")
    simulator.fault("full")
    with pytest.raises(DeliveryError, match="ALLOCATION_FAILED"):
        await read(host, breaker)
    simulator.clear()
    await read(host, breaker)


async def test_too_many_messages(host: BellowsHost, simulator: EzspSimulator) -> None:
    """No more unicasts are on their way than the co-processor has been set to."""
    nodes = [await host.join("breaker") for _ in range(5)]
    simulator.ncp.ram.configuration[3] = 2
    for node in nodes:
        simulator.fault("slow", node=node, seconds=0.3)
    results = await asyncio.gather(
        *(read(host, node) for node in nodes), return_exceptions=True
    )
    refused = [result for result in results if isinstance(result, DeliveryError)]
    assert len(refused) == 3
    assert "MAX_MESSAGE_LIMIT_REACHED" in str(refused[0])


async def test_silent_and_slow(host: BellowsHost, simulator: EzspSimulator) -> None:
    """A silent device acknowledges nothing; a slow one takes its time."""
    breaker = await host.join("breaker")
    simulator.fault("silent", node=breaker)
    with pytest.raises(DeliveryError, match="DELIVERY_FAILED"):
        await read(host, breaker)
    simulator.clear()
    simulator.fault("slow", node=breaker, seconds=0.2)
    before = asyncio.get_running_loop().time()
    await read(host, breaker)
    assert asyncio.get_running_loop().time() - before >= 0.4


async def test_device_faults(host: BellowsHost, simulator: EzspSimulator) -> None:
    """The faults of physical devices look like those of Zigbee devices."""
    breaker = await host.join("breaker")
    switch = host.device(breaker).endpoints[1].on_off
    simulator.fault("device", node=breaker, fault="welded")
    assert (await switch.off()).status == 0
    await breaker.wait_record(what="did", text="supply opened")
    assert breaker.body.device.contact.conducts
    simulator.fault("device", node=breaker, fault="ignores")
    order = asyncio.ensure_future(switch.on())
    await until(lambda: breaker.records[-1].what == "received")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await order
    assert breaker.records[-1].what == "received"
    assert not breaker.body.device.contact.closed


async def test_lost_in_the_air(host: BellowsHost, simulator: EzspSimulator) -> None:
    """Devices repeat what the air has lost, and the host is told of its own losses."""
    smoke = await host.join("smoke")
    zone = await host.enrol(smoke)
    simulator.air.retry_seconds = 0.01
    simulator.fault("radio", lose=0.4)
    for number in range(1, 30):
        smoke.body.set_zone(number << 2)
    await zone.until(lambda: len(zone.commands) >= 25)
    assert simulator.air.counts["repeated"] > 5
    simulator.fault("radio", lose=1.0)
    with pytest.raises(DeliveryError):
        await read(host, smoke)


async def test_new_address(host: BellowsHost, simulator: EzspSimulator) -> None:
    """A device at a new address is still the same device."""
    breaker = await host.join("breaker")
    old = breaker.nwk
    simulator.fault("address", node=breaker)
    assert breaker.nwk != old
    await until(lambda: host.device(breaker).nwk == breaker.nwk)
    await host.device(breaker).endpoints[1].on_off.off()
    await breaker.wait_record(what="received", cluster=6)


async def test_power_cycle_of_all(host: BellowsHost, simulator: EzspSimulator) -> None:
    """After a loss of power two hundred devices announce themselves at once."""
    nodes = [simulator.add(random.choice(("smoke", "breaker"))) for _ in range(200)]
    for node in nodes:
        simulator.air.take_address(node)
        node.joined = True
    heard = set()
    host.app._ezsp.add_callback(
        lambda name, args: (
            heard.add(args[2])
            if name == "incomingMessageHandler" and args[1].clusterId == 0x0013
            else None
        )
    )
    await simulator.power_cycle()
    await simulator.delivered()
    await until(lambda: len(heard) == 200)
    assert {node.nwk for node in nodes} == heard
