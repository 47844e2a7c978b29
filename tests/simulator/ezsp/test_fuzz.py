"""Malformed bytes of a host never end the simulation, nor change what is in flash."""

from hypothesis import HealthCheck, given, settings, strategies as st

from simulator.ezsp import EzspSimulator
from simulator.ezsp.ash import Frame, Kind, encode
from simulator.ezsp.frames import VERSIONS, frames

from .raw_host import RawHost

many = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
#: Anything that looks like ASH: right frames, wrong ones, and noise.
ash_bytes = st.one_of(
    st.binary(max_size=600),
    st.builds(
        lambda kind, number, ack, flag, data: encode(
            Frame(kind, number, ack, flag, data)
        ),
        st.sampled_from(Kind),
        st.integers(0, 7),
        st.integers(0, 7),
        st.booleans(),
        st.binary(max_size=220),
    ),
)


@many
@given(pieces=st.lists(ash_bytes, max_size=8))
async def test_any_bytes(pieces: list[bytes]) -> None:
    """After any bytes, a reset brings an agreement as ever."""
    async with EzspSimulator() as simulator:
        raw = RawHost()
        await raw.connect(simulator.port)
        for piece in pieces:
            raw.send_bytes(piece)
        # What comes back for noise is not of interest, and a flag ends what has begun.
        raw.send_bytes(b"\x1a\x7e")
        await raw.command_after_noise()
        raw.close()


@many
@given(
    version=st.sampled_from(VERSIONS),
    commands=st.lists(
        st.tuples(st.integers(0, 400), st.binary(max_size=100)), max_size=12
    ),
)
async def test_any_commands(version: int, commands: list[tuple[int, bytes]]) -> None:
    """Whatever the arguments, each command has one answer."""
    async with EzspSimulator(version) as simulator:
        smoke = simulator.add("smoke")
        simulator.air.take_address(smoke, 0x1234)
        smoke.joined = True
        raw = RawHost()
        await raw.connect(simulator.port)
        await raw.agree(version)
        reset = frames(version).by_name.get("resetNode")
        for sequence, (identifier, arguments) in enumerate(commands, start=2):
            if reset and identifier == reset.id:
                continue
            if identifier == 0:
                arguments = bytes((version,))
            head = bytes((sequence, 0, 1)) + identifier.to_bytes(2, "little")
            raw.send_data(head + arguments)
            answer = await raw.receive_data()
            while answer[1] & 0x18:
                answer = await raw.receive_data()
            assert answer[0] == sequence
        raw.close()


@many
@given(
    profile=st.sampled_from((0, 0x0104)),
    cluster=st.sampled_from(
        (0, 2, 4, 5, 6, 0x13, 0x21, 0x31, 0x38, 0x0500, 0x0502, 0xEF00, 0x0B04)
    ),
    endpoint=st.sampled_from((0, 1, 2, 255)),
    message=st.binary(max_size=82),
)
async def test_any_message_to_devices(
    profile: int, cluster: int, endpoint: int, message: bytes
) -> None:
    """Devices bear any ZDO or ZCL message."""
    async with EzspSimulator() as simulator:
        for number, model in enumerate(("smoke", "breaker", "tuya-breaker"), start=1):
            node = simulator.add(model)
            simulator.air.take_address(node, number)
            node.joined = True
            node.receive(
                {
                    "profile": profile,
                    "cluster": cluster,
                    "source": 1,
                    "destination": endpoint,
                    "group": 0,
                },
                message,
                unicast=True,
            )
        raw = RawHost()
        await raw.connect(simulator.port)
        await raw.agree(14)
        raw.close()
