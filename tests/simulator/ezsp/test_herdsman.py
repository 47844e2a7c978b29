"""A second host, written by others in another language: zigbee-herdsman with its Ember driver."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
import json
from pathlib import Path
import subprocess
from typing import Any

import pytest

from simulator.ezsp import EzspSimulator
from simulator.ezsp.node import Node

ROOT = Path(__file__).parents[3]
PATIENCE = 60


@pytest.fixture(scope="session")
def modules() -> str:
    """Return the folder where the package is installed."""
    found = subprocess.run(
        [ROOT / "scripts/herdsman"], capture_output=True, text=True, check=False
    )
    if found.returncode:
        pytest.skip(f"zigbee-herdsman cannot be had here: {found.stderr}")
    return found.stdout.strip()


class Herdsman:
    """The host in its process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        """Initialize."""
        self._process = process
        self.complaints: list[str] = []

    async def until(self, event: str, **wanted: Any) -> dict[str, Any]:
        """Return the next event of a kind, with these values."""
        async with asyncio.timeout(PATIENCE):
            while line := await self._process.stdout.readline():
                got = json.loads(line)
                if got["event"] in {"error", "warning"}:
                    self.complaints.append(got["text"])
                assert got["event"] != "failed", got
                if got["event"] == event and wanted.items() <= got.items():
                    return got
        raise AssertionError(f"It ended before {event}: {self.complaints}")

    def tell(self, what: str, node: Node | None = None) -> None:
        """Have it do something."""
        ask = {"do": what, **({"ieee": ieee(node.eui64)} if node else {})}
        self._process.stdin.write(json.dumps(ask).encode() + b"\n")

    async def do(self, what: str, node: Node | None = None) -> Any:
        """Have it do something, and return the result."""
        self.tell(what, node)
        return (await self.until("done"))["data"]


def ieee(eui64: int) -> str:
    """Return an EUI64 as the host writes it."""
    return f"0x{eui64:016x}"


@asynccontextmanager
async def herdsman(
    modules: str, simulator: EzspSimulator, folder: Path
) -> AsyncGenerator[tuple[Herdsman, dict[str, Any]]]:
    """Run the host until the context ends; yield it and what it says of its start."""
    process = await asyncio.create_subprocess_exec(
        f"{modules}/node",
        Path(__file__).with_name("herdsman.mjs"),
        modules,
        str(simulator.port),
        folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    host = Herdsman(process)
    try:
        yield host, await host.until("started")
        process.stdin.write(b'{"do": "stop"}\n')
        await host.until("stopped")
        async with asyncio.timeout(PATIENCE):
            await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.mark.parametrize("ezsp_version", [13, 18])
async def test_form_join_alarm_and_resume(
    modules: str, simulator: EzspSimulator, tmp_path: Path, ezsp_version: int
) -> None:
    """It forms a network, devices join and alarm, commands arrive, and it resumes."""
    async with herdsman(modules, simulator, tmp_path) as (host, started):
        assert started["result"] == "reset"
        assert started["network"]["panID"] == 0x1A62
        assert started["version"]["ezsp"] == ezsp_version
        smoke = await simulator.join(simulator.add("smoke"))
        await host.until("interview", status="successful", ieee=ieee(smoke.eui64))
        assert smoke.attributes[1, 0x0500, 0x0000] == 1
        breaker = await simulator.join(simulator.add("breaker"))
        await host.until("interview", status="successful", ieee=ieee(breaker.eui64))
        smoke.body.device.happen("smoke")
        alarm = await host.until("message", type="commandStatusChangeNotification")
        assert alarm["data"]["zonestatus"] == 1
        await host.do("off", breaker)
        await breaker.wait_record(what="did", text="supply opened")
        await host.do("backup")
        assert host.complaints == []

    async with herdsman(modules, simulator, tmp_path) as (host, started):
        assert started["result"] == "resumed"
        read = await host.do("read", breaker)
        assert read["rmsCurrent"] == 0
        assert 2200 < read["rmsVoltage"] < 2400
        assert await host.do("lqi", breaker)
        await host.do("leave", breaker)
        assert not breaker.joined
        assert host.complaints == []
    unknown = [name for name in simulator.ncp.commands if name.startswith("unknown")]
    assert unknown == []


async def test_restore_on_another_coordinator(modules: str, tmp_path: Path) -> None:
    """Its backup forms the same network on another coordinator."""
    async with EzspSimulator() as simulator:
        async with herdsman(modules, simulator, tmp_path) as (host, _):
            await host.do("backup")
        key = simulator.ncp.flash.security["network_key"]
    async with EzspSimulator(eui64=0x00124B00_99999999) as other:
        async with herdsman(modules, other, tmp_path) as (_, started):
            assert started["result"] == "restored"
        assert other.ncp.flash.network["pan"] == 0x1A62
        assert other.ncp.flash.security["network_key"] == key
