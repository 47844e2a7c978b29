"""The EZSP layer, frame by frame (UG100)."""

from pathlib import Path
import re

import pytest

from simulator.ezsp import EzspSimulator
from simulator.ezsp.ash import Kind, ResetCode
from simulator.ezsp.fields import TooShortError, fields
from simulator.ezsp.frames import VERSIONS, frames
from simulator.ezsp.registry import HANDLERS
from simulator.ezsp.state import Flash, LinkKey, load, save

from .raw_host import RawHost

every_version = pytest.mark.parametrize("ezsp_version", VERSIONS)
NETWORK = {
    "pan": 0x1A62,
    "extended_pan": bytes(range(8)),
    "power": 8,
    "channel": 15,
    "channels": 0x07FFF800,
}
KEY = bytes(range(16))


def test_no_library_of_a_host_is_used() -> None:
    """The simulation shares no code with the hosts under test."""
    folder = Path(__file__).parents[3] / "simulator/ezsp"
    for path in folder.rglob("*.py"):
        imports = re.findall(
            r"^\s*(?:from|import) (\S+)", path.read_text(), re.MULTILINE
        )
        roots = {name.partition(".")[0] for name in imports if name[0] != "."}
        assert not roots & {"bellows", "zigpy", "zha", "zhaquirks"}, path


def test_fields() -> None:
    """Fields are read as they are written, and too few bytes are noticed."""
    both = fields("a:u8 b:i16 c:lv d:b3 e:lv16 f:u24 g:u16*")
    values = {
        "a": 1,
        "b": -2,
        "c": b"xy",
        "d": b"123",
        "e": (5, 6),
        "f": 0x123456,
        "g": (7, 8),
    }
    data = both.write(values)
    assert data.hex() == "01feff02787931323302050006005634120700" + "0800"
    assert both.read(data) == (values, len(data))
    for size in range(14):
        with pytest.raises(TooShortError):
            both.read(data[:size])


@pytest.mark.parametrize("version", VERSIONS)
def test_every_command_has_a_handler(version: int) -> None:
    """What is in the tables of a version is answered, unless it is a callback."""
    names = {
        name for name in frames(version).by_name if not name.endswith("Handler")
    } - {"invalidCommand"}
    assert names <= set(HANDLERS)


@every_version
async def test_version(raw: RawHost, ezsp_version: int) -> None:
    """The first frame has the legacy format, whichever version a host wants."""
    await raw.reset()
    answer = await raw.exchange(bytes((7, 0, 0, 4)))
    assert answer[:4] == bytes((7, 0x80, 0, ezsp_version))
    answer = await raw.exchange(bytes((8, 0, 1, 0, 0, ezsp_version)))
    assert answer[:6] == bytes((8, 0x80, 1, 0, 0, ezsp_version))


@every_version
async def test_nothing_is_done_without_a_version(
    raw: RawHost, ezsp_version: int
) -> None:
    """Until host and co-processor agree, every other command is refused."""
    await raw.reset()
    name, values = await raw.command(ezsp_version, "nop")
    assert (name, values["reason"]) == ("invalidCommand", 0x30)
    await raw.exchange(bytes((0, 0, 0, 4)))
    name, values = await raw.command(ezsp_version, "nop")
    assert (name, values["reason"]) == ("invalidCommand", 0x30)


@every_version
async def test_what_is_not_understood(raw: RawHost, ezsp_version: int) -> None:
    """Unknown numbers, wrong directions and missing bytes have their reasons."""
    await raw.agree(ezsp_version)
    head = bytes((9, 0, 1))
    assert (await raw.exchange(head + b"\xfe\x0f"))[3:6] == b"\x58\x00\x31"
    assert (await raw.exchange(bytes((9, 0x80, 1, 5, 0))))[5] == 0x32
    assert (await raw.exchange(head + b"\x52\x00"))[5] == 0x33
    # The link goes on.
    assert await raw.command(ezsp_version, "nop") == ("nop", {})


@every_version
async def test_every_command_can_be_asked(raw: RawHost, ezsp_version: int) -> None:
    """Each command is answered by itself, also with all zeros, in any order."""
    table = frames(ezsp_version)
    skipped = {"version", "invalidCommand", "resetNode", "callback", "noCallbacks"}
    await raw.agree(ezsp_version)
    for name in table.by_name:
        if name.endswith("Handler") or name in skipped:
            continue
        assert (await raw.command(ezsp_version, name))[0] == name


@pytest.mark.parametrize(("version", "size"), [(8, 1), (13, 1), (14, 4), (19, 4)])
def test_status_has_its_size(version: int, size: int) -> None:
    """Status codes have four bytes from EZSP 14 on."""
    frame = frames(version).by_name["networkInit"]
    assert len(frame.response.write({})) == size


async def test_network_survives_a_reset(raw: RawHost, simulator: EzspSimulator) -> None:
    """A network is in flash, endpoints and settings are not."""
    await raw.agree(14)
    _, refused = await raw.command(14, "formNetwork", {"parameters": NETWORK})
    assert refused["status"] == 0x0C0B
    await raw.command(
        14,
        "setInitialSecurityState",
        {"state": {"bitmask": 0x0B04, "network_key": KEY}},
    )
    _, formed = await raw.command(14, "formNetwork", {"parameters": NETWORK})
    assert formed["status"] == 0
    assert await raw.callback(14) == ("stackStatusHandler", {"status": 0x15})
    await raw.command(14, "setConfigurationValue", {"id": 0x12, "value": 7680})

    await raw.agree(14)
    assert (await raw.command(14, "networkState"))[1] == {"state": 0}
    assert (await raw.command(14, "getConfigurationValue", {"id": 0x12}))[1][
        "value"
    ] == 3000
    assert (await raw.command(14, "networkInit"))[1]["status"] == 0
    assert await raw.callback(14) == ("stackStatusHandler", {"status": 0x15})
    _, values = await raw.command(14, "getNetworkParameters")
    assert values["type"] == 1
    assert {key: values["parameters"][key] for key in NETWORK} == NETWORK
    assert simulator.ncp.resets == 2


@pytest.mark.parametrize("code", [ResetCode.WATCHDOG, ResetCode.ASSERT])
async def test_reset_by_itself(
    raw: RawHost, simulator: EzspSimulator, code: ResetCode
) -> None:
    """A co-processor that resets says why, and wants a version again."""
    await raw.agree(14)
    simulator.fault("reset", code=code)
    frame = await raw.receive()
    assert (frame.kind, frame.data[1]) == (Kind.RSTACK, code)
    assert not simulator.ncp.ram.agreed


async def test_tables_have_an_end(raw: RawHost) -> None:
    """An index beyond a table is refused."""
    await raw.agree(14)
    for name in (
        "getMulticastTableEntry",
        "setMulticastTableEntry",
        "getBinding",
        "exportLinkKeyByIndex",
        "importLinkKey",
        "setChildData",
        "getTokenInfo",
    ):
        _, values = await raw.command(14, name, {"index": 200})
        assert values["status"] == 0x27, name


async def test_full_callback_queue_is_told(
    raw: RawHost, simulator: EzspSimulator
) -> None:
    """Callbacks that found no room are lost, and the next answer says so."""
    await raw.agree(14)
    raw.ready = False
    raw.acknowledge()
    await raw.command(14, "nop")
    for _ in range(5001):
        simulator.ncp.callback("stackStatusHandler", {})
    answer = await raw.exchange(bytes((9, 0, 1, 5, 0)))
    assert answer[1] == 0x81
    answer = await raw.exchange(bytes((9, 0, 1, 5, 0)))
    assert answer[1] == 0x80


def test_flash_in_a_file(tmp_path: Path) -> None:
    """Flash comes back from its file as it was."""
    flash = Flash(0x1122334455667788)
    flash.network = dict(NETWORK)
    flash.security = {"network_key": KEY, "bitmask": 1}
    flash.link_keys[3] = LinkKey(5, KEY, 1, 2)
    flash.children[0] = {"eui64": 6, "id": 7}
    flash.other[0x1E12A, 0] = b"\1\2"
    save(flash, tmp_path / "flash.json")
    assert load(tmp_path / "flash.json") == flash


async def test_network_survives_the_simulation(tmp_path: Path) -> None:
    """A simulation that begins with the same file has the same network."""
    path = tmp_path / "flash.json"
    for expected in (0x93, 0):
        async with EzspSimulator(13, flash_path=path) as simulator:
            raw = RawHost()
            await raw.connect(simulator.port)
            await raw.agree(13)
            assert (await raw.command(13, "networkInit"))[1]["status"] == expected
            if expected:
                await raw.command(13, "setInitialSecurityState", {"state": {}})
                await raw.command(13, "formNetwork", {"parameters": NETWORK})
            raw.close()
