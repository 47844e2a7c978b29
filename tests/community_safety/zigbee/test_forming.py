"""Looking at a radio, forming and restoring, over a socket and over a serial line."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
import math
from pathlib import Path
from typing import Any

from bellows.zigbee.application import ControllerApplication
import pytest
import voluptuous as vol

from custom_components.community_safety.gateways.zigbee.host import forming
from custom_components.community_safety.gateways.zigbee.host.application import (
    OpenedOften,
)
from custom_components.community_safety.gateways.zigbee.host.connection import (
    Port,
    network_address,
)
from custom_components.community_safety.gateways.zigbee.host.forming import (
    RadioError,
    async_accept,
    async_form,
    async_probe,
    async_restore,
    parse_backup,
)
from simulator.ezsp import EzspSimulator

from .common import port_of
from .serial_line import SerialLine


async def error_of(work: Any) -> tuple[str, str]:
    """Return the key and the reason of what goes wrong."""
    with pytest.raises(RadioError) as raised:
        await work
    return raised.value.key, str(raised.value)


@asynccontextmanager
async def something_else(answer: bytes | None) -> AsyncGenerator[Port]:
    """Run what is no radio: it answers, says nothing (b""), or hangs up at once."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while answer is not None and await reader.read(100):
            writer.write(answer)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        number = server.sockets[0].getsockname()[1]
        yield Port(path=f"tcp://127.0.0.1:{number}")


@pytest.mark.parametrize("version", [8, 13, 14, 19])
async def test_form_and_look_again(socket_enabled: None, version: int) -> None:
    """A network is formed on every generation of firmware, and found there afterwards."""
    async with EzspSimulator(version) as radio:
        empty = await async_probe(port_of(radio))
        assert (empty.ezsp, empty.network, empty.unique_id) == (version, None, None)
        assert empty.ieee == "00:12:4b:00:51:30:00:01"
        assert empty.firmware

        formed = await async_form(port_of(radio), channel=20)
        assert formed.network
        assert formed.network.network_info.channel == 20
        assert formed.unique_id == (
            f"zigbee/{formed.network.network_info.extended_pan_id}".lower()
        )

        found = await async_probe(port_of(radio))
        assert found.network
        assert found.network.is_compatible_with(formed.network)


async def test_form_on_the_quietest_channel(port: Port) -> None:
    """Without a choice the radio listens where it is quiet; a network before is gone."""
    first = await async_form(port)
    second = await async_form(port)
    assert second.network
    assert second.network.network_info.channel in {11, 15, 20, 25}
    assert second.unique_id != first.unique_id


async def test_restore_on_the_same_radio(port: Port) -> None:
    """What was written down comes back after another network was formed."""
    before = await async_form(port, channel=11)
    assert before.network
    backup = parse_backup(before.network.as_open_coordinator_json())
    await async_form(port, channel=26)

    restored = await async_restore(port, backup)
    assert restored.unique_id == before.unique_id
    assert restored.network
    # Devices drop frames whose counter they know already.
    key, old = (
        restored.network.network_info.network_key,
        backup.network_info.network_key,
    )
    assert key.key == old.key
    assert key.tx_counter > old.tx_counter


async def test_restore_on_another_radio(
    network: forming.Coordinator, other_radio: EzspSimulator
) -> None:
    """Another radio takes the address only if it is allowed to."""
    assert network.network
    port = port_of(other_radio)
    assert await error_of(async_restore(port, network.network)) == (
        "zigbee_consent",
        "zigbee_consent",
    )
    assert (await async_probe(port)).network is None

    restored = await async_restore(port, network.network, overwrite=True)
    assert restored.ieee == network.ieee
    assert restored.unique_id == network.unique_id


async def test_restore_on_a_radio_that_can_do_it_once(
    network: forming.Coordinator,
) -> None:
    """An old radio takes another address, and then no other."""
    assert network.network
    async with EzspSimulator(8, eui64=0x00124B00_51300003) as radio:
        port = port_of(radio)
        await async_restore(port, network.network, overwrite=True)
        node = network.network.node_info
        third = network.network.replace(
            node_info=node.replace(
                ieee=type(node.ieee).convert("00:12:4b:00:00:00:00:09")
            )
        )
        key, reason = await error_of(async_restore(port, third, overwrite=True))
        assert key == "zigbee_cannot_overwrite"
        assert "upgrade" in reason


async def test_accept(port: Port, tmp_path: Path) -> None:
    """The network on a radio becomes the one that zigpy knows; none is refused."""
    database = tmp_path / "zigbee.db"
    assert await error_of(async_accept(port, database)) == ("zigbee_lost", "no network")
    formed = await async_form(port, channel=11)
    accepted = await async_accept(port, database)
    assert accepted.unique_id == formed.unique_id
    app = await ControllerApplication.new(
        {"device": port.as_dict(), "database_path": str(database)}, start_radio=False
    )
    assert [backup.node_info.ieee for backup in app.backups.backups] == [
        accepted.network.node_info.ieee
    ]
    await app.shutdown()


async def test_parse_backup(network: forming.Coordinator) -> None:
    """Both formats are read; what cannot be restored is refused."""
    assert network.network
    good = network.network.as_dict()
    assert parse_backup(good) == network.network
    own = parse_backup(network.network.as_open_coordinator_json())
    assert own.is_compatible_with(network.network)
    for bad in (
        None,
        [],
        {},
        {"metadata": {}},
        {**good, "node_info": {}},
        {**good, "node_info": {**good["node_info"], "ieee": ":".join(["ff"] * 8)}},
    ):
        with pytest.raises(ValueError, match="network backup"):
            parse_backup(bad)


async def test_nobody_there(radio: EzspSimulator) -> None:
    """A port where nobody listens, and one that does not exist."""
    port = port_of(radio)
    await radio.unplug()
    key, reason = await error_of(async_probe(port))
    assert key == "zigbee_cannot_connect"
    assert str(radio.port) in reason
    key, _ = await error_of(async_probe(Port(path="/dev/serial/by-id/none")))
    assert key == "zigbee_cannot_connect"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"", "zigbee_no_answer"),
        # Texas Instruments' protocol.
        (bytes.fromhex("fe0361020000060a"), "zigbee_not_ezsp"),
        (None, "zigbee_busy"),
    ],
)
async def test_not_a_radio(
    socket_enabled: None, answer: bytes | None, expected: str
) -> None:
    """Something that is silent, of another kind, or taken by somebody else."""
    async with something_else(answer) as port:
        assert (await error_of(async_probe(port)))[0] == expected


async def test_radio_that_only_resets(socket_enabled: None) -> None:
    """Something that answers a reset, and nothing after that."""
    async with something_else(bytes.fromhex("1ac1020b0a527e")) as port:
        assert (await error_of(async_probe(port)))[0] == "zigbee_lost"


async def test_firmware_too_old(
    radio: EzspSimulator, port: Port, monkeypatch: Any
) -> None:
    """A radio that is too old is told apart from one that does not answer."""
    monkeypatch.setattr(forming, "OLDEST_EZSP", 15)
    assert await error_of(async_probe(port)) == ("zigbee_firmware_too_old", "EZSP 14")


async def test_link_lost_in_the_middle(radio: EzspSimulator, port: Port) -> None:
    """A cable that is pulled while a network is formed."""
    radio.ncp.changed = radio.cut
    assert (await error_of(async_form(port, channel=11)))[0] == "zigbee_lost"


async def test_serial_line(radio: EzspSimulator) -> None:
    """A serial port at the right speed, and the same while somebody else has it."""
    async with SerialLine(radio.port) as line:
        port = Port(path=line.path)
        formed = await async_form(port, channel=11)
        assert formed.unique_id
        async with forming._radio(port):
            assert (await error_of(async_probe(port)))[0] == "zigbee_busy"
        assert (await async_probe(port)).unique_id == formed.unique_id


@pytest.mark.parametrize("rate", [57600, 460800])
async def test_wrong_baud_rate(radio: EzspSimulator, rate: int) -> None:
    """At another speed only noise arrives: the right one is found out."""
    async with SerialLine(radio.port, rate) as line:
        assert await error_of(async_probe(Port(path=line.path))) == (
            "zigbee_wrong_baudrate",
            str(rate),
        )
        found = await async_probe(Port(path=line.path, baudrate=rate))
        assert found.ezsp == 14


def test_opened_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A coordinator that is away for hours is opened many times: zigpy 2.4's schema."""
    schema = ControllerApplication.SCHEMA.extend(
        {vol.Optional("interval", default=30): vol.Range(min=0, max=math.inf)}
    )
    monkeypatch.setattr(ControllerApplication, "SCHEMA", schema)
    for _ in range(60):
        config = OpenedOften.SCHEMA({"device": {"path": "tcp://192.0.2.1:6638"}})
        assert config["interval"] == 30


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.7", "tcp://192.0.2.7:6638"),
        (" slzb-06m.local:1234 ", "tcp://slzb-06m.local:1234"),
        ("tcp://192.0.2.7:6638/", "tcp://192.0.2.7:6638"),
        ("socket://192.0.2.7:8888", "tcp://192.0.2.7:8888"),
        ("[2001:db8::7]:6638", "tcp://[2001:db8::7]:6638"),
    ],
)
def test_network_address(text: str, address: str) -> None:
    """What people enter, or copy from elsewhere."""
    assert network_address(text) == address


@pytest.mark.parametrize(
    "text",
    ["", "tcp://", "/dev/ttyUSB0", "host:notaport", "host:99999", "http://host", "u@h"],
)
def test_no_network_address(text: str) -> None:
    """What is no address."""
    with pytest.raises(ValueError):
        network_address(text)
