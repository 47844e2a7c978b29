"""The simulation in a process of its own, with its control socket."""

import asyncio
from collections.abc import AsyncGenerator
import json
from pathlib import Path
import subprocess
import sys
from typing import Any

import pytest

from .bellows_host import BellowsHost, eui64

ROOT = Path(__file__).parents[3]
PATIENCE = 60


class Remote:
    """The other end of a control socket."""

    def __init__(
        self, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Initialize; `port` is the coordinator's."""
        self.port = port
        self._reader = reader
        self._writer = writer

    async def read(self) -> dict[str, Any]:
        """Return the next line."""
        async with asyncio.timeout(PATIENCE):
            return json.loads(await self._reader.readline())

    async def ask(self, **ask: Any) -> Any:
        """Ask, and return the result."""
        answer = await self.try_asking(**ask)
        assert "error" not in answer, answer
        return answer["result"]

    async def try_asking(self, **ask: Any) -> dict[str, Any]:
        """Ask, and return the answer, which may be an error."""
        self._writer.write(json.dumps({"id": 7, **ask}).encode() + b"\n")
        while (answer := await self.read()).get("id") != 7:
            pass
        return answer


@pytest.fixture
async def remote() -> AsyncGenerator[Remote]:
    """Run two coordinators, of which the second is only there."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "simulator.ezsp",
        "--coordinators=2",
        "--model=smoke",
        "--model=breaker",
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )
    ports = json.loads(await process.stdout.readline())
    assert len(set(ports["ports"])) == 2
    reader, writer = await asyncio.open_connection("127.0.0.1", ports["control_port"])
    yield Remote(ports["ports"][0], reader, writer)
    writer.close()
    process.terminate()
    assert await process.wait() == 0


async def test_alarm_and_load(remote: Remote) -> None:
    """Nodes join, alarm and report on request, a thousand reports a second."""
    host = BellowsHost(remote)
    await host.start()
    await host.app.permit(60)
    smoke, breaker = await remote.ask(do="join")
    assert smoke["joined"] and breaker["joined"]
    async with asyncio.timeout(PATIENCE):
        await host._event(eui64(int(smoke["eui64"], 16))).wait()
        await host._event(eui64(int(breaker["eui64"], 16))).wait()

    await remote.ask(do="watch")
    device = host.app.get_device(ieee=eui64(int(breaker["eui64"], 16)))
    await device.endpoints[1].on_off.off()
    while (await remote.read()).get("record", {}).get("text") != "supply opened":
        pass

    heard = 0

    def count(name: str, arguments: Any) -> None:
        nonlocal heard
        heard += name == "incomingMessageHandler" and arguments[1].clusterId == 0x0B04

    host.app._ezsp.add_callback(count)
    figures = await remote.ask(do="load", number=1000, rate=1000)
    assert figures["sent"] == heard == 1000
    await host.stop()


async def test_wrong_questions(remote: Remote) -> None:
    """A question that makes no sense has an answer that says so."""
    for ask in (
        {"do": "fly"},
        {"do": "happen", "node": "nobody", "event": "smoke"},
        {"do": "happen", "node": "00158d0051310001", "event": "flood"},
        {"do": "fault", "name": "line", "lose": 0.1, "more": 1},
        {"do": "nodes", "coordinator": 9},
    ):
        assert "error" in await remote.try_asking(**ask)
    assert len(await remote.ask(do="nodes", coordinator=1)) == 2
    await remote.ask(do="fault", name="line", lose=0.1)
    await remote.ask(do="fault", name="none")
    assert (await remote.ask(do="counts"))["resets"] == 0
