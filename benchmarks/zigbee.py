"""From an alarm's frame at the coordinator's socket to the off-command's frame.

    python -m benchmarks.zigbee [ALARMS] [REPORTS_A_SECOND]

A whole Home Assistant with one Zigbee gateway, and the simulated coordinator in a process of
its own. Both sides read the system's monotonic clock. Prints JSON, in milliseconds.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
import json
from pathlib import Path
import sys
import tempfile
import time
from typing import Any

from homeassistant import bootstrap, runner
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant

from .figures import percentiles

ROOT = Path(__file__).parent.parent
DOMAIN = "community_safety"
IAS_ZONE, ON_OFF = 0x0500, 0x0006
ALARM, NOTHING = 1, 0
PATIENCE = 30
#: Between two alarms, so that one does not meet the other's read-back.
PAUSE_SECONDS = 0.15


class Simulation:
    """The coordinator's process, over its control port."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        port: int,
        control: int,
    ) -> None:
        """Initialize; `port` is the coordinator's, `control` its own."""
        self.port = port
        self._control = control
        self.records: list[dict[str, Any]] = []
        self._reader, self._writer = reader, writer
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._reading = asyncio.ensure_future(self._read())

    async def _read(self) -> None:
        while line := await self._reader.readline():
            message = json.loads(line)
            if "record" in message:
                self.records.append(message["record"])
            elif waiting := self._answers.pop(message["id"], None):
                waiting.set_result(message)

    async def load(self, number: int, rate: int) -> None:
        """Have breakers report, over a connection of its own: it is answered at the end."""
        _reader, writer = await asyncio.open_connection("127.0.0.1", self._control)
        ask = {"id": 1, "do": "load", "number": number, "rate": rate}
        writer.write(json.dumps(ask).encode() + b"\n")
        await writer.drain()
        self._load = writer

    async def ask(self, do: str, **more: Any) -> Any:
        """Ask for something, and return the result."""
        number = len(self._answers) + int(time.monotonic() * 1e6)
        waiting = self._answers[number] = asyncio.get_running_loop().create_future()
        self._writer.write(
            json.dumps({"id": number, "do": do, **more}).encode() + b"\n"
        )
        return (await waiting).get("result")


@asynccontextmanager
async def simulation() -> AsyncGenerator[Simulation]:
    """Run a coordinator with a detector and breakers."""
    models = ["smoke", *["breaker"] * 5]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "simulator.ezsp"),
        *(word for model in models for word in ("--model", model)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout
    ports = json.loads(await process.stdout.readline())
    control = ports["control_port"]
    reader, writer = await asyncio.open_connection("127.0.0.1", control)
    yield Simulation(reader, writer, ports["ports"][0], control)
    process.terminate()
    await process.wait()


async def house(folder: Path, port: int) -> tuple[HomeAssistant, Any]:
    """Start Home Assistant with a gateway; return both."""
    (folder / "custom_components").mkdir()
    (folder / "custom_components" / DOMAIN).symlink_to(
        ROOT / "custom_components" / DOMAIN
    )
    (folder / "configuration.yaml").write_text("homeassistant:\n")
    hass = await bootstrap.async_setup_hass(
        runner.RuntimeConfig(config_dir=str(folder), skip_pip=True)
    )
    assert isinstance(hass, HomeAssistant)
    entry: ConfigEntry[Any] = ConfigEntry(
        data={"dialect": "zigbee", "path": f"tcp://127.0.0.1:{port}"},
        discovery_keys={},  # type: ignore[arg-type]
        domain=DOMAIN,
        minor_version=1,
        options={},
        source="user",
        subentries_data=None,
        title="Zigbee",
        unique_id="zigbee/benchmark",
        version=1,
    )
    await hass.config_entries.async_add(entry)
    await hass.async_start()
    return hass, entry.runtime_data


async def measure(alarms: int, rate: int) -> dict[str, Any]:
    """Return what so many alarms took, beside so many reports a second."""
    async with simulation() as simulator:
        with tempfile.TemporaryDirectory() as folder:
            hass, gateway = await house(Path(folder), simulator.port)
            await gateway.async_permit(200)
            nodes = await simulator.ask("join")
            async with asyncio.timeout(PATIENCE):
                while len(gateway.devices) < len(nodes):  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
            await asyncio.sleep(3)
            figures = await _alarms(gateway, simulator, nodes, alarms, rate)
            await hass.async_stop(force=True)
    return figures


async def _alarms(
    gateway: Any,
    simulator: Simulation,
    nodes: list[dict[str, Any]],
    alarms: int,
    rate: int,
) -> dict[str, Any]:
    breaker = next(
        device
        for device in gateway.devices.values()
        if device.kind.key == "breaker_monitor"
    )
    raised: list[float] = []
    done = asyncio.Event()

    async def cut() -> None:
        await gateway.async_set(breaker, "supply", False)
        done.set()

    tasks: list[asyncio.Task[None]] = []

    def changed(item: Any) -> None:
        if item.change == "raised" and item.alarm.hazard == "smoke":
            raised.append(time.monotonic())
            tasks.append(asyncio.create_task(cut()))

    gateway.safety.book.listen(changed, immediate=True)
    await simulator.ask("watch")
    detector = next(node for node in nodes if node["model"] == "smoke")["eui64"]
    if rate:
        await simulator.load(rate * alarms, rate)
    found: dict[str, list[float]] = {"alarm": [], "off": []}
    lost = 0
    for _ in range(alarms):
        simulator.records.clear()
        raised.clear()
        done.clear()
        await simulator.ask("zone", node=detector, bits=ALARM)
        try:
            async with asyncio.timeout(PATIENCE):
                await done.wait()
        except TimeoutError:
            lost += 1
            continue
        await asyncio.sleep(PAUSE_SECONDS)
        sent = _at(simulator, "sent", IAS_ZONE)
        found["alarm"].append((raised[0] - sent) * 1000)
        found["off"].append((_at(simulator, "received", ON_OFF) - sent) * 1000)
        await simulator.ask("zone", node=detector, bits=NOTHING)
        await asyncio.sleep(PAUSE_SECONDS)
    return {
        "reports_a_second": rate,
        "frame_to_alarm_raised_and_stored": percentiles(found["alarm"]),
        "frame_to_off_frame": percentiles(found["off"]),
        "lost": lost,
    }


def _at(simulator: Simulation, what: str, cluster: int) -> float:
    return float(
        next(
            record["at"]
            for record in simulator.records
            if record["what"] == what and record["cluster"] == cluster
        )
    )


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]]
    print(
        json.dumps(asyncio.run(measure(*[*given, *(100, 0)[len(given) :]])), indent=2)
    )
